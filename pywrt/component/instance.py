"""`Instance` and `Func`: an instantiated component, for embedders."""

from typing import TYPE_CHECKING, Any

from pywrt.api.calls import AsyncCall, running_task
from pywrt.api.driving import drive_async
from pywrt.api.engine import Store
from pywrt.canonical_abi.func import ComponentFunc, HostFunc, LiftedFunc
from pywrt.canonical_abi.scheduler import scheduler_of
from pywrt.canonical_abi.task import Task, call
from pywrt.canonical_abi.values import Err, Sums
from pywrt.component.component import ExportIndex, find_export
from pywrt.component.instantiation import Exports, at_path
from pywrt.component.types import ComponentType
from pywrt.errors import WasmError
from pywrt.wit.types import FuncType, Result

if TYPE_CHECKING:
    from random import Random


def shuffle_turns(store: Store, random: "Random | None", hesitate: bool = False) -> None:
    """Draw which thread of the store's components goes on where the specification leaves it open; for tests.

    With a seeded `random` the draws repeat; None is the order of waiting again, as by default. `hesitate` is
    for drawing, too, whether a thread goes on at once if what it waits for is there; else it does.
    """
    scheduler = scheduler_of(store.state)
    scheduler.random, scheduler.hesitates = random, hesitate


class Func:
    """A component function: call it with Python values (see `pywrt.canonical_abi.values`).

    `func(store, *args)` runs it to its end, `await func.call_async(store, *args)` as part of a task of
    asyncio; `start` gives a `Task` that runs in slices.
    """

    __slots__ = ("func", "store")

    def __init__(self, store: Store, func: ComponentFunc) -> None:
        self.store = store
        self.func = func

    @property
    def name(self) -> str:
        """The name it is exported by."""
        return self.func.name

    def type(self, store: Store | None = None) -> FuncType:
        """The function's type; its resources are those of the instance."""
        return self.func.type

    def __call__(self, store: Store, *args: Any) -> Any:
        """Call the function and return its value, or None.

        Raises ValueTypeError for an argument that does not fit its type, Trap if the guest traps, and what
        host functions raise.
        """
        self._check_store(store)
        if isinstance(self.func, HostFunc):
            return self._call_host(self.func, args)
        return call(self.func, args)

    async def call_async(self, store: Store, *args: Any) -> Any:
        """Call the function from a task of asyncio and return its value, or None.

        The guest runs in slices between which the loop goes on, and calls of async functions may be in
        flight at the same time; a call that can't enter the instance yet waits for its turn. If the task is
        cancelled, an async function that waits is asked to end, and any other is stopped for good. Raises
        as a call does.
        """
        self._check_store(store)
        if isinstance(self.func, HostFunc):
            value = self._call_host(self.func, args)
            return await value if hasattr(value, "__await__") else value
        store.calls.check_open()
        task = Task(self.func, args)
        task.owner = running_task()
        await drive_async(store.calls, AsyncCall(store.state, task, None))
        return task.result

    def start(self, store: Store, *args: Any) -> Task:
        """Begin a call that `Task.resume` runs in slices. Nothing has run yet."""
        self._check_store(store)
        if isinstance(self.func, HostFunc):
            raise WasmError(
                f"{self.name!r} is a function of the host that the component exports: call it instead"
            )
        return Task(self.func, args)

    def post_return(self, store: Store) -> None:
        """Does nothing: a call has run its post-return. Here for callers of wasmtime-py's API."""

    def _call_host(self, func: HostFunc, args: tuple[Any, ...]) -> Any:
        try:
            return func.fn(*args)
        except Err as error:
            if not isinstance(func.type.result, Result):
                raise
            return Sums().of(func.type.result).build(1, error.payload)

    def _check_store(self, store: Store) -> None:
        if store.state is not self.store.state:
            raise WasmError(f"the function {self.name!r} belongs to another store")

    def __repr__(self) -> str:
        return f"<Func {self.name} {self.func.type}>"


class Instance:
    """A component instance; `Linker.instantiate` makes them."""

    __slots__ = ("_exports", "_type", "store")

    def __init__(self, store: Store, type: ComponentType, exports: Exports) -> None:
        self.store = store
        self._type = type
        self._exports = exports

    @property
    def type(self) -> ComponentType:
        """The type of the component that this is an instance of."""
        return self._type

    def get_export_index(
        self, store: Store, name: str, instance: ExportIndex | None = None
    ) -> ExportIndex | None:
        """Where export `name` is, in this instance or in one that it exports; None if nowhere.

        An interface is found under a compatible version, too: `wasi:cli/run@0.2.0` where the component
        exports `wasi:cli/run@0.2.12`.
        """
        return find_export(self._type.exports, name, instance)

    def get_func(self, store: Store, index: ExportIndex | str) -> Func | None:
        """The function at an index, or by name; `interface#function` names one of an exported instance.

        None if there is no such export, or it is no function.
        """
        self._check_store(store)
        found: ExportIndex | None
        if isinstance(index, ExportIndex):
            found = index
        else:
            found = None
            for name in index.split("#"):
                found = find_export(self._type.exports, name, found)
                if found is None:
                    return None
        try:
            func = at_path(self._exports, found.path)  # type: ignore[union-attr]
        except (KeyError, TypeError):
            return None
        return Func(self.store, func) if isinstance(func, (LiftedFunc, HostFunc)) else None

    @property
    def items(self) -> Exports:
        """All exports as the runtime has them, for a `Linker`."""
        return self._exports

    @property
    def exports(self) -> dict[str, Any]:
        """All exports: `Func` for functions, a dict for an instance; types and modules as they are."""
        return self._wrap(self._exports)

    def _wrap(self, exports: Exports) -> dict[str, Any]:
        # Instances nest no deeper than types may.
        wrapped: dict[str, Any] = {}
        for name, value in exports.items():
            if isinstance(value, dict):
                wrapped[name] = self._wrap(value)
            else:
                wrapped[name] = (
                    Func(self.store, value) if isinstance(value, (LiftedFunc, HostFunc)) else value
                )
        return wrapped

    def _check_store(self, store: Store) -> None:
        if store.state is not self.store.state:
            raise WasmError("the instance belongs to another store")
