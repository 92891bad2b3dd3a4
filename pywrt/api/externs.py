"""What instances import and export: `Func`, `Memory`, `Table`, `Global`, `Tag`, each of a store.

Values at this boundary are wasmtime-py's: i32 and i64 are signed ints, f32 and f64 floats, a funcref a
`Func` or None, an externref any Python object; integers may be given signed or unsigned. What wasmtime-py
has no form for: a v128 is an unsigned int, its lowest lane in its lowest bits. References to structures,
arrays, i31 and exceptions are opaque objects that can be given back: `Struct`, `Array` and `I31`, `Foreign`
(a host's value that any.convert_extern took in) and `Exn`. Types here are closed: a type index stands for
nothing outside of its module.
"""

import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from typing import Any, Generic, Self, TypeVar

from pywrt.api.calls import AsyncCall
from pywrt.api.driving import drive, drive_async
from pywrt.api.engine import Store
from pywrt.engine.machine import Activation, Blocked, call, calling_instance, host_func
from pywrt.engine.numeric import f32_from_bits, f32_round, f32_to_bits
from pywrt.engine.objects import take_objects
from pywrt.errors import InvalidError, ThrownException, ValueTypeError, WasmError
from pywrt.runtime import func as runtime_func
from pywrt.runtime import global_ as runtime_global
from pywrt.runtime import instance as runtime_instance
from pywrt.runtime import memory as runtime_memory
from pywrt.runtime import table as runtime_table
from pywrt.runtime import tag as runtime_tag
from pywrt.runtime.aggregates import I31, Array, Foreign, Struct
from pywrt.runtime.exception import Exn
from pywrt.wasm.deftypes import DefType, define_func
from pywrt.wasm.types import (
    F32,
    F64,
    I32,
    I64,
    V128,
    FuncType,
    GlobalType,
    HeapType,
    MemoryType,
    RefType,
    TableType,
    TagType,
    ValType,
)
from pywrt.wasm.valid.subtyping import matches_heaptype, top_of
from pywrt.wasm.valid.types import validate_externtype

_BITS: dict[ValType, int] = {I32: 32, I64: 64, V128: 128}


def to_raw(store: Store, value: Any, type: ValType, what: str) -> Any:
    """`value` as the machine holds it. ValueTypeError naming `what` if it isn't of the closed `type`."""
    bits = _BITS.get(type)
    if bits is not None:
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
    assert isinstance(type, RefType)
    return _to_ref(store, value, type, what)


def _to_f32(x: float) -> float:
    """The binary32 next to `x`. A NaN keeps its sign and the upper bits of its payload."""
    if x == x:
        return f32_round(x)
    bits = f32_to_bits(x)
    return f32_from_bits(bits if bits & 0x7FFFFF else bits | 0x400000)


#: What a reference into each hierarchy of types may be, for messages.
_REFERENCES = {
    "func": "a Func",
    "extern": "an object",
    "exn": "an Exn",
    "any": "a Struct, Array, I31 or Foreign",
}


def _to_ref(store: Store, value: Any, type: RefType, what: str) -> Any:
    if value is None:
        if type.nullable:
            return None
        raise ValueTypeError(f"{what}: expected a {type}, which is never null, got None")
    top = top_of(type.heap)
    heap = "extern" if top == "extern" else _heap_of(value)
    if heap is None or top_of(heap) != top:
        raise ValueTypeError(
            f"{what}: expected {_REFERENCES[top]}{' or None' if type.nullable else ''}, got {_kind(value)}"
        )
    exactly = type.exact and heap is not type.heap
    if exactly or not matches_heaptype(heap, type.heap):
        raise ValueTypeError(f"{what}: expected {type}, got {_kind(value)}")
    if isinstance(value, Struct | Array):
        _check_store(value.store is store.state, value, what)
    elif top == "func":
        _check_store(value.store is store, value, what)
        return value.state
    elif isinstance(value, I31) and not 0 <= value < 1 << 31:
        raise ValueTypeError(f"{what}: {value!r} does not fit 31 bits")
    return value


def _check_store(same: bool, value: Any, what: str) -> None:
    if not same:
        raise ValueTypeError(f"{what}: {_kind(value)} belongs to another store")


def _heap_of(value: Any) -> HeapType | None:
    """The type of the object that a reference outside of the hierarchy of extern refers to."""
    if isinstance(value, Func):
        return value.state.deftype
    if isinstance(value, Struct | Array):
        return value.deftype
    return "i31" if isinstance(value, I31) else _OPAQUE.get(type(value))


_OPAQUE: dict[type[Any], HeapType] = {Foreign: "any", Exn: "exn"}


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


def _check_closed(types: Iterable[ValType]) -> None:
    for type in types:
        if isinstance(type, RefType) and isinstance(type.heap, int):
            raise WasmError(f"{type} is of no module: outside of one, a type is named by its DefType")


def _check_type(store: Store, type: MemoryType | TableType | TagType) -> None:
    """InvalidError if no module of the store's engine could define it."""
    if not isinstance(type, TagType) and type.limits.min < 0:
        raise InvalidError(f"size minimum must not be negative: {type}")
    validate_externtype(type, store.engine.config.features)


def _bare(type: MemoryType | TableType | GlobalType) -> str:
    return str(type).removeprefix(f"{type.kind} ")


def _check_delta(delta: int) -> None:
    if delta < 0:
        raise WasmError(f"cannot grow by {delta}")


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


class _Answer:
    """What a coroutine host function gives the machine to wait for: awaiting it gives the raw results."""

    __slots__ = ("_awaitable", "_convert")

    def __init__(self, awaitable: Awaitable[Any], convert: Callable[[Any], Any]) -> None:
        self._awaitable = awaitable
        self._convert = convert

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._convert((yield from self._awaitable.__await__()))

    def close(self) -> None:
        """Give up a coroutine; a future or task is somebody else's."""
        close = getattr(self._awaitable, "close", None)
        if close is not None:
            close()


class Func(_OfStore[runtime_func.Func]):
    """A function. `Func(store, type, callable)` makes one from a Python callable.

    The callable gets the arguments and returns None, a value, or a sequence of values if the type has
    several results; it may return `Blocked` to suspend the guest. A coroutine function, or what returns
    another awaitable, suspends the guest until that has a result: such a guest is called by `call_async`.
    What a host function raises passes through guests to the embedder, but a `ThrownException` (see
    `Tag.exception`) is a guest's to catch. With `access_caller` the first argument is a `Caller`. A module
    that imports a function of a type of its own, one of a `rec` group or below another, takes one of its
    `DefType`.
    """

    __slots__ = ()

    def __init__(
        self,
        store: Store,
        type: FuncType | DefType,
        callable: Callable[..., Any],
        access_caller: bool = False,
    ) -> None:
        store.calls.check_open()
        functype = type.func if isinstance(type, DefType) else type
        params, results = functype.params, functype.results
        _check_closed(params + results)

        def convert(value: Any) -> Any:
            if isinstance(value, Blocked):
                return Blocked(lambda: convert(value.retry()), value.timeout, value.fileno)
            if hasattr(value, "__await__"):
                return _Answer(value, convert)
            values = (value,) if len(results) == 1 else () if value is None else tuple(value)
            if len(values) != len(results):
                raise ValueTypeError(f"host function: expected {len(results)} results, got {len(values)}")
            return [
                to_raw(store, v, t, f"host function's result {i}")
                for i, (v, t) in enumerate(zip(values, results, strict=True))
            ]

        state = store.state

        def fn(*args: Any) -> Any:
            values = [from_raw(store, a, t) for a, t in zip(args, params, strict=True)]
            if access_caller:
                values.insert(0, Caller(store, calling_instance(state)))
            answer = convert(callable(*values))
            if state.turn_ends is None or state.nested or answer.__class__ is not list:
                return answer
            # a slice of slow host calls gives way to others
            return answer if time.monotonic() < state.turn_ends else Blocked(lambda: answer, 0.0)

        self.store = store
        self.state = host_func(state, functype, fn, getattr(callable, "__name__", ""))
        if isinstance(type, DefType):
            self.state.deftype = type

    @property
    def type(self) -> FuncType:
        return self.state.type

    def __call__(self, store: Store, *args: Any) -> Any:
        """Call to the end: None, the result, or a list of several. Trap, or what host code raised.

        Host functions that block are waited for; a coroutine function traps: it needs `call_async`.
        """
        activation = self.start(store, *args)
        state = store.state
        if state.running is not None:  # from within a host function: nested, under the caller's fuel
            return self._results(call(state, self.state, activation.arguments))
        drive(store.calls, activation)
        return self._results(activation.results)

    async def call_async(self, store: Store, *args: Any) -> Any:
        """The same within asyncio: the guest runs in slices, between which others have their turn.

        Coroutine host functions are awaited. Cancelling the task stops the guest; the store can be used on.
        WasmError if the function's instance is in a call of another task.
        """
        activation = self.start(store, *args)
        await drive_async(store.calls, AsyncCall(store.state, activation, self.state.instance))
        return self._results(activation.results)

    def start(self, store: Store, *args: Any) -> Activation:
        """An `Activation` of the call, to be resumed in slices; nothing runs yet."""
        params = self.type.params
        if len(args) != len(params):
            raise ValueTypeError(f"expected {len(params)} arguments, got {len(args)}")
        if store is not self.store:
            raise WasmError("the function belongs to another store")
        store.calls.check(self.state.instance)
        raw = [
            to_raw(store, a, t, f"argument {i}") for i, (a, t) in enumerate(zip(args, params, strict=True))
        ]
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
        name = self.name
        return f"Func({self.type})" if name is None else f"Func({name!r}, {self.type})"

    @property
    def name(self) -> str | None:
        """What the guest's name section, or Python, calls it."""
        state = self.state
        if state.instance is None:
            return state.name or None
        name: str | None = state.instance.code.function_name(state.index)
        return name


class Memory(_OfStore[runtime_memory.Memory]):
    """A linear memory: `read` and `write` bytes, `size` and `grow` in pages of `page_size` bytes."""

    __slots__ = ()

    def __init__(self, store: Store, type: MemoryType) -> None:
        store.calls.check_open()
        _check_type(store, type)
        self.store = store
        self.state = runtime_memory.Memory(store.state, type)

    @property
    def type(self) -> MemoryType:
        return self.state.type

    def size(self, store: Store) -> int:
        """Pages."""
        return self.state.size

    def page_size(self, store: Store) -> int:
        """Bytes of a page: 64 KiB, or 1 where the type says so."""
        return self.state.page_size

    def data_len(self, store: Store) -> int:
        """Bytes."""
        return len(self.state.data)

    def grow(self, store: Store, delta: int) -> int:
        """Grow by `delta` pages; return the old size. WasmError past the memory's or the store's limit."""
        _check_delta(delta)
        old = self.state.grow(delta)
        if old < 0:
            raise WasmError(f"failed to grow memory of {self.state.size} pages by {delta}")
        return old

    def read(self, store: Store, start: int = 0, stop: int | None = None) -> bytearray:
        """A copy of bytes `start` to `stop`, sliced as a bytearray is."""
        return self.state.data[start:stop]

    def __repr__(self) -> str:
        return f"Memory({_bare(self.type)} pages, {self.state.size} now)"

    def write(self, store: Store, value: bytes | bytearray, start: int = 0) -> int:
        """Copy `value` in at `start`; return how many bytes. IndexError if it doesn't fit."""
        size = len(self.state.data)
        if start < 0 or start + len(value) > size:
            raise IndexError(f"write of {len(value)} bytes at {start} is out of bounds of {size} bytes")
        self.state.data[start : start + len(value)] = value
        return len(value)


class Table(_OfStore[runtime_table.Table]):
    """A table of references; one of a type that has no null needs an `init`."""

    __slots__ = ()

    def __init__(self, store: Store, type: TableType, init: Any = None) -> None:
        store.calls.check_open()
        _check_type(store, type)
        _check_closed((type.element,))
        self.store = store
        self.state = runtime_table.Table(store.state, type, to_raw(store, init, type.element, "init"))

    @property
    def type(self) -> TableType:
        return self.state.type

    def size(self, store: Store) -> int:
        """Elements."""
        return self.state.size

    def grow(self, store: Store, delta: int, init: Any = None) -> int:
        """Grow by `delta` elements; return the old size. WasmError past a limit."""
        _check_delta(delta)
        old = self.state.grow(delta, to_raw(self.store, init, self.type.element, "init"))
        if old < 0:
            raise WasmError(f"failed to grow table of {self.state.size} elements by {delta}")
        return old

    def __repr__(self) -> str:
        return f"Table({_bare(self.type)}, {self.state.size} now)"

    def get(self, store: Store, index: int) -> Any:
        """The element at `index`, or IndexError."""
        if not 0 <= index < self.state.size:
            raise IndexError(f"index {index} is out of bounds of a table of {self.state.size}")
        return from_raw(self.store, self.state.elements[index], self.type.element)

    def set(self, store: Store, index: int, value: Any) -> None:
        """Set the element at `index`, or IndexError."""
        if not 0 <= index < self.state.size:
            raise IndexError(f"index {index} is out of bounds of a table of {self.state.size}")
        self.state.elements[index] = to_raw(self.store, value, self.type.element, "value")


class Global(_OfStore[runtime_global.Global]):
    """A global variable."""

    __slots__ = ()

    def __init__(self, store: Store, type: GlobalType, value: Any) -> None:
        store.calls.check_open()
        _check_closed((type.value,))
        self.store = store
        self.state = runtime_global.Global(type, to_raw(store, value, type.value, "value"))

    @property
    def type(self) -> GlobalType:
        return self.state.type

    def value(self, store: Store) -> Any:
        """The current value."""
        return from_raw(self.store, self.state.value, self.type.value)

    def __repr__(self) -> str:
        return f"Global({_bare(self.type)}, {str(self.value(self.store))[:60]} now)"

    def set_value(self, store: Store, value: Any) -> None:
        """Set it; WasmError if it is immutable."""
        if not self.type.mutable:
            raise WasmError("this global is immutable")
        self.state.value = to_raw(self.store, value, self.type.value, "value")


class Tag(_OfStore[runtime_tag.Tag]):
    """An exception tag: guests catch by it, and what they throw carries the parameters of its type."""

    __slots__ = ()

    def __init__(self, store: Store, type: TagType) -> None:
        store.calls.check_open()
        _check_type(store, type)
        _check_closed(type.type.params)
        self.store = store
        self.state = runtime_tag.Tag(define_func(type.type))

    @property
    def type(self) -> TagType:
        return self.state.type

    def exception(self, store: Store, *values: Any) -> ThrownException:
        """An exception of this tag, for a host function to raise. ValueTypeError if `values` don't fit."""
        params = self.type.type.params
        if len(values) != len(params):
            raise ValueTypeError(f"expected {len(params)} values, got {len(values)}")
        raw = [to_raw(store, v, t, f"value {i}") for i, (v, t) in enumerate(zip(values, params, strict=True))]
        take_objects(store.state, 1 + len(raw))
        return ThrownException(Exn(store.state, self.state, raw))

    def values(self, store: Store, thrown: ThrownException | Exn) -> list[Any] | None:
        """What an exception carries, if it is of this tag; else None."""
        exception: Exn = thrown.exception if isinstance(thrown, ThrownException) else thrown
        if exception.tag is not self.state:
            return None
        params = self.type.type.params
        return [from_raw(store, v, t) for v, t in zip(exception.values, params, strict=True)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tag) and other.state is self.state

    def __hash__(self) -> int:
        return hash(self.state)

    def __repr__(self) -> str:
        return f"Tag({self.type})"


Extern = Func | Memory | Table | Global | Tag

_WRAPPERS: dict[type[Any], type[Any]] = {
    runtime_func.Func: Func,
    runtime_memory.Memory: Memory,
    runtime_table.Table: Table,
    runtime_global.Global: Global,
    runtime_tag.Tag: Tag,
}


def wrap_extern(store: Store, state: runtime_instance.Extern) -> Extern:
    """The API's object for anything that an instance exports."""
    result: Extern = _WRAPPERS[type(state)].wrap(store, state)
    return result


class Caller:
    """The instance that calls a host function, for one that was made with `access_caller`.

    Exports by name; KeyError where there is none, or no instance has called. `store` is the instance's.
    """

    __slots__ = ("_instance", "store")

    def __init__(self, store: Store, instance: runtime_instance.Instance | None) -> None:
        self.store = store
        self._instance = instance

    def get(self, name: str) -> Extern | None:
        """The export `name`, or None."""
        state = None if self._instance is None else self._instance.exports.get(name)
        return None if state is None else wrap_extern(self.store, state)

    def __getitem__(self, name: str) -> Extern:
        item = self.get(name)
        if item is None:
            raise KeyError(f"the caller has no export {name!r}")
        return item

    def __repr__(self) -> str:
        if self._instance is None:
            return "<Caller, the host>"
        return f"<Caller, exports {', '.join(map(repr, self._instance.exports)) or 'nothing'}>"
