"""What instances import and export: `Func`, `Memory`, `Table`, `Global`, each of a store.

Values at this boundary are wasmtime-py's: i32 and i64 are signed ints, f32 and f64 floats, a funcref a
`Func` or None, an externref any Python object. Integers may be given signed or unsigned.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Self, TypeVar

from pywrt.api.engine import Store
from pywrt.engine.machine import Activation, Blocked, Stop, call, host_func
from pywrt.engine.numeric import f32_from_bits, f32_round, f32_to_bits
from pywrt.errors import ValueTypeError, WasmError
from pywrt.runtime import func as runtime_func
from pywrt.runtime import global_ as runtime_global
from pywrt.runtime import instance as runtime_instance
from pywrt.runtime import memory as runtime_memory
from pywrt.runtime import table as runtime_table
from pywrt.wasm.types import F32, F64, I32, I64, FuncType, GlobalType, MemoryType, RefType, TableType, ValType


def to_raw(value: Any, type: ValType, what: str) -> Any:
    """`value` as the machine holds it. ValueTypeError naming `what` if it isn't of `type`."""
    if type is I32 or type is I64:
        bits = 32 if type is I32 else 64
        if not isinstance(value, int):
            raise ValueTypeError(f"{what}: expected {type}, got {_kind(value)}")
        if not -(1 << bits - 1) <= value < 1 << bits:
            raise ValueTypeError(f"{what}: {value} does not fit {type}")
        return value & (1 << bits) - 1
    if type is F32 or type is F64:
        if not isinstance(value, int | float):
            raise ValueTypeError(f"{what}: expected {type}, got {_kind(value)}")
        try:
            x = float(value)
        except OverflowError:
            raise ValueTypeError(f"{what}: {_kind(value)} does not fit {type}") from None
        return x if type is F64 else _to_f32(x)
    if isinstance(type, RefType) and type.heap == "func":
        if value is None:
            return None
        if not isinstance(value, Func):
            raise ValueTypeError(f"{what}: expected a Func or None, got {_kind(value)}")
        return value.state
    return value


def _to_f32(x: float) -> float:
    """The binary32 next to `x`. A NaN keeps its sign and the upper bits of its payload."""
    if x == x:
        return f32_round(x)
    bits = f32_to_bits(x)
    return f32_from_bits(bits if bits & 0x7FFFFF else bits | 0x400000)


def from_raw(store: Store, value: Any, type: ValType) -> Any:
    """A value of the machine as this API gives it."""
    if type is I32:
        return (value ^ 0x80000000) - 0x80000000
    if type is I64:
        return (value ^ 0x8000000000000000) - 0x8000000000000000
    if isinstance(value, runtime_func.Func):
        return Func.wrap(store, value)
    return value


def _kind(value: Any) -> str:
    return f"{value.__class__.__name__} {value!r}"[:80]


State = TypeVar("State")


class _OfStore(Generic[State]):
    """An object of a store: `state` is the run-time's own."""

    __slots__ = ("state", "store")

    state: State
    store: Store

    @classmethod
    def wrap(cls, store: Store, state: State) -> Self:
        """The API's object for one that the store has."""
        wrapped = cls.__new__(cls)
        wrapped.store = store
        wrapped.state = state
        return wrapped


class Func(_OfStore[runtime_func.Func]):
    """A function. `Func(store, type, callable)` makes one from a Python callable.

    The callable gets the arguments and returns None, a value, or a sequence of values if the type has
    several results; it may return `Blocked` to suspend the guest.
    """

    __slots__ = ()

    def __init__(self, store: Store, type: FuncType, callable: Callable[..., Any]) -> None:
        params, results = type.params, type.results

        def convert(value: Any) -> Any:
            if isinstance(value, Blocked):
                return Blocked(lambda: convert(value.retry()), value.timeout, value.fileno)
            values = (value,) if len(results) == 1 else () if value is None else tuple(value)
            if len(values) != len(results):
                raise ValueTypeError(f"host function: expected {len(results)} results, got {len(values)}")
            return [
                to_raw(v, t, f"host function's result {i}")
                for i, (v, t) in enumerate(zip(values, results, strict=True))
            ]

        def fn(*args: Any) -> Any:
            return convert(callable(*[from_raw(store, a, t) for a, t in zip(args, params, strict=True)]))

        self.store = store
        self.state = host_func(store.state, type, fn, getattr(callable, "__name__", ""))

    @property
    def type(self) -> FuncType:
        return self.state.type

    def __call__(self, store: Store, *args: Any) -> Any:
        """Call to the end: None, the result, or a list of several. Trap, or what host code raised.

        Host functions that block are waited for.
        """
        activation = self.start(store, *args)
        state = store.state
        if state.frames:  # from within a host function: nested, under the caller's fuel
            return self._results(call(state, self.state, activation.arguments))
        drive(activation)
        return self._results(activation.results)

    def start(self, store: Store, *args: Any) -> Activation:
        """An `Activation` of the call, to be resumed in slices; nothing runs yet."""
        params = self.type.params
        if len(args) != len(params):
            raise ValueTypeError(f"expected {len(params)} arguments, got {len(args)}")
        if store is not self.store:
            raise WasmError("the function belongs to another store")
        raw = [to_raw(a, t, f"argument {i}") for i, (a, t) in enumerate(zip(args, params, strict=True))]
        return Activation(store.state, self.state, raw)

    def _results(self, results: Sequence[Any]) -> Any:
        types = self.type.results
        values = [from_raw(self.store, v, t) for v, t in zip(results, types, strict=True)]
        return values if len(values) > 1 else values[0] if values else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Func) and other.state is self.state

    def __hash__(self) -> int:
        return hash(self.state)

    def __repr__(self) -> str:
        return f"Func({self.type})"


def drive(activation: Activation) -> None:
    """Resume until the call returns, waiting where a host function blocks; raise what stopped it else."""
    while True:
        stop = activation.resume()
        if stop is Stop.RETURNED:
            return
        if stop is Stop.BLOCKED:
            activation.wait()
        elif stop is Stop.OUT_OF_FUEL:
            raise activation.fail_for_fuel()
        elif stop is Stop.TRAPPED:
            assert activation.trap is not None
            raise activation.trap


class Memory(_OfStore[runtime_memory.Memory]):
    """A linear memory: `read` and `write` bytes, `size` and `grow` in pages of 64 KiB."""

    __slots__ = ()

    def __init__(self, store: Store, type: MemoryType) -> None:
        self.store = store
        self.state = runtime_memory.Memory(store.state, type)

    @property
    def type(self) -> MemoryType:
        return self.state.type

    def size(self, store: Store) -> int:
        """Pages of 64 KiB."""
        return self.state.size

    def data_len(self, store: Store) -> int:
        """Bytes."""
        return len(self.state.data)

    def grow(self, store: Store, delta: int) -> int:
        """Grow by `delta` pages; return the old size. WasmError past the memory's or the store's limit."""
        old = self.state.grow(delta)
        if old < 0:
            raise WasmError(f"failed to grow memory of {self.state.size} pages by {delta}")
        return old

    def read(self, store: Store, start: int = 0, stop: int | None = None) -> bytearray:
        """A copy of bytes `start` to `stop`, sliced as a bytearray is."""
        return self.state.data[start:stop]

    def write(self, store: Store, value: bytes | bytearray, start: int = 0) -> int:
        """Copy `value` in at `start`; return how many bytes. IndexError if it doesn't fit."""
        size = len(self.state.data)
        if start < 0 or start + len(value) > size:
            raise IndexError(f"write of {len(value)} bytes at {start} is out of bounds of {size} bytes")
        self.state.data[start : start + len(value)] = value
        return len(value)


class Table(_OfStore[runtime_table.Table]):
    """A table of references."""

    __slots__ = ()

    def __init__(self, store: Store, type: TableType, init: Any = None) -> None:
        self.store = store
        self.state = runtime_table.Table(store.state, type, to_raw(init, type.element, "init"))

    @property
    def type(self) -> TableType:
        return self.state.type

    def size(self, store: Store) -> int:
        """Elements."""
        return self.state.size

    def grow(self, store: Store, delta: int, init: Any = None) -> int:
        """Grow by `delta` elements; return the old size. WasmError past a limit."""
        old = self.state.grow(delta, to_raw(init, self.type.element, "init"))
        if old < 0:
            raise WasmError(f"failed to grow table of {self.state.size} elements by {delta}")
        return old

    def get(self, store: Store, index: int) -> Any:
        """The element at `index`, or IndexError."""
        if not 0 <= index < self.state.size:
            raise IndexError(f"index {index} is out of bounds of a table of {self.state.size}")
        return from_raw(self.store, self.state.elements[index], self.type.element)

    def set(self, store: Store, index: int, value: Any) -> None:
        """Set the element at `index`, or IndexError."""
        if not 0 <= index < self.state.size:
            raise IndexError(f"index {index} is out of bounds of a table of {self.state.size}")
        self.state.elements[index] = to_raw(value, self.type.element, "value")


class Global(_OfStore[runtime_global.Global]):
    """A global variable."""

    __slots__ = ()

    def __init__(self, store: Store, type: GlobalType, value: Any) -> None:
        self.store = store
        self.state = runtime_global.Global(type, to_raw(value, type.value, "value"))

    @classmethod
    def wrap(cls, store: Store, state: runtime_global.Global) -> "Global":
        """The API's object for a global of the store."""
        variable = cls.__new__(cls)
        variable.store = store
        variable.state = state
        return variable

    @property
    def type(self) -> GlobalType:
        return self.state.type

    def value(self, store: Store) -> Any:
        """The current value."""
        return from_raw(self.store, self.state.value, self.type.value)

    def set_value(self, store: Store, value: Any) -> None:
        """Set it; WasmError if it is immutable."""
        if not self.type.mutable:
            raise WasmError("this global is immutable")
        self.state.value = to_raw(value, self.type.value, "value")


Extern = Func | Memory | Table | Global

_WRAPPERS: dict[type[Any], type[Any]] = {
    runtime_func.Func: Func,
    runtime_memory.Memory: Memory,
    runtime_table.Table: Table,
    runtime_global.Global: Global,
}


def wrap_extern(store: Store, state: runtime_instance.Extern) -> Extern:
    """The API's object for anything that an instance exports."""
    result: Extern = _WRAPPERS[type(state)].wrap(store, state)
    return result
