"""`Instance` and `Linker`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, Self, overload

from pywrt.api.engine import Engine, Module, Store
from pywrt.api.externs import Extern, Func, wrap_extern
from pywrt.engine.instantiation import instantiate
from pywrt.errors import LinkError, Trap
from pywrt.runtime import instance as runtime_instance
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.types import FuncType


class Exports(Mapping[str, Extern]):
    """An instance's exports by name."""

    __slots__ = ("_instance", "_store")

    def __init__(self, store: Store, instance: runtime_instance.Instance) -> None:
        self._store = store
        self._instance = instance

    def __getitem__(self, name: str) -> Extern:
        try:
            return wrap_extern(self._store, self._instance.exports[name])
        except KeyError:
            known = ", ".join(map(repr, self._instance.exports)) or "nothing"
            raise KeyError(f"no export {name!r}; the instance exports {known}") from None

    @property
    def by_index(self) -> Sequence[Extern]:
        """The exports in the order in which the module lists them."""
        return [wrap_extern(self._store, extern) for extern in self._instance.exports.values()]

    def __repr__(self) -> str:
        return f"Exports({', '.join(f'{name!r}: {item!r}' for name, item in self.items())})"

    def __iter__(self) -> Iterator[str]:
        return iter(self._instance.exports)

    def __len__(self) -> int:
        return len(self._instance.exports)


class Instance:
    """An instance of a module. `imports` are given in the order of `Module.imports`.

    LinkError if one doesn't match, Trap if the start function or an active segment traps.
    """

    __slots__ = ("module", "state", "store")

    def __init__(self, store: Store, module: Module, imports: Sequence[Extern] = ()) -> None:
        self._prepare(store, module, imports)
        start = self._start_function()
        if start is not None:
            start(store)

    @classmethod
    async def create_async(cls, store: Store, module: Module, imports: Sequence[Extern] = ()) -> Self:
        """The same within asyncio: the start function runs as `Func.call_async` does."""
        instance = cls.__new__(cls)
        instance._prepare(store, module, imports)
        start = instance._start_function()
        if start is not None:
            await start.call_async(store)
        return instance

    def _prepare(self, store: Store, module: Module, imports: Sequence[Extern]) -> None:
        """All of instantiation but the start function."""
        store.calls.check_open()
        for number, extern in enumerate(imports):
            if extern.store is not store:
                raise LinkError(f"import {number}, {extern!r}, belongs to another store")
        self.store = store
        self.module = module
        self.state = instantiate(
            store.state, module.compiled, [extern.state for extern in imports], run_start=False
        )

    def _start_function(self) -> Func | None:
        start = self.module.compiled.module.start
        return None if start is None else Func.wrap(self.store, self.state.funcs[start])

    def __repr__(self) -> str:
        named = "" if self.state.name is None else f" {self.state.name!r}"
        exports = ", ".join(map(repr, self.state.exports)) or "nothing"
        return f"<Instance{named}, exports {exports}>"

    def exports(self, store: Store) -> Exports:
        """The exports by name."""
        return Exports(store, self.state)


class HostFunc:
    """What `Linker.define_func` is given: a function to be of whatever store a module is instantiated in."""

    __slots__ = ("access_caller", "callable", "type")

    def __init__(self, type: FuncType | DefType, callable: Callable[..., Any], access_caller: bool) -> None:
        self.type = type
        self.callable = callable
        self.access_caller = access_caller

    def of(self, store: Store) -> Func:
        """The function as one of `store`."""
        return Func(store, self.type, self.callable, self.access_caller)


class Linker:
    """Names what modules may import, and instantiates them with it."""

    __slots__ = ("_items", "allow_shadowing", "engine")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.allow_shadowing = False
        self._items: dict[tuple[str, str], Extern | HostFunc] = {}

    def define(self, store: Store, module: str, name: str, item: Extern) -> None:
        """Offer `item` as `module` `name`; LinkError if that is taken and `allow_shadowing` is off."""
        if item.store is not store:
            raise LinkError(f"{module!r} {name!r}, {item!r}, belongs to another store")
        self._define(module, name, item)

    def _define(self, module: str, name: str, item: Extern | HostFunc) -> None:
        if (module, name) in self._items and not self.allow_shadowing:
            raise LinkError(f"{module!r} {name!r} is defined already; set allow_shadowing to replace it")
        self._items[module, name] = item

    @overload
    def define_func(
        self,
        module: str,
        name: str,
        type: FuncType | DefType,
        callable: Callable[..., Any],
        /,
        *,
        access_caller: bool = False,
    ) -> None: ...

    @overload
    def define_func(
        self,
        store: Store,
        module: str,
        name: str,
        type: FuncType | DefType,
        callable: Callable[..., Any],
        /,
        *,
        access_caller: bool = False,
    ) -> None: ...

    def define_func(self, *given: Any, access_caller: bool = False) -> None:
        """Offer a Python callable, a coroutine function too, as a function of `type`; see `Func`.

        It is of whatever store a module is instantiated in; with a `store` in front, of that one only.
        """
        if len(given) not in (4, 5):
            raise TypeError("define_func takes a store or none, a module, a name, a type, and a callable")
        module, name, type, callable = given[-4:]
        if len(given) == 4:
            self._define(module, name, HostFunc(type, callable, access_caller))
        else:
            (store,) = given[:-4]
            self.define(store, module, name, Func(store, type, callable, access_caller))

    def define_instance(self, store: Store, name: str, instance: Instance) -> None:
        """Offer all exports of `instance` under the module name `name`."""
        for key, item in instance.exports(store).items():
            self.define(store, name, key, item)

    def define_unknown_imports_as_traps(self, module: Module) -> None:
        """Offer functions that trap when they are called for all that `module` imports and isn't defined.

        Other imports stay unknown. Trap "unknown import", code "unknown-import".
        """
        for namespace, name, type in module.imports:
            if isinstance(type, FuncType) and (namespace, name) not in self._items:
                self._items[namespace, name] = HostFunc(type, _trapping(namespace, name), False)

    def get(self, store: Store, module: str, name: str) -> Extern:
        """What is defined as `module` `name`; LinkError if nothing is."""
        item = self._items.get((module, name))
        if item is None:
            raise LinkError(f"{module!r} {name!r} is not defined; {self._offered(module)}")
        return item.of(store) if isinstance(item, HostFunc) else item

    def instantiate(self, store: Store, module: Module) -> Instance:
        """Instantiate `module`; LinkError naming an import that is missing or doesn't match."""
        return Instance(store, module, self._imports(store, module))

    async def instantiate_async(self, store: Store, module: Module) -> Instance:
        """The same within asyncio: a start function that runs long, or awaits, doesn't hold the loop."""
        return await Instance.create_async(store, module, self._imports(store, module))

    def _imports(self, store: Store, module: Module) -> list[Extern]:
        for namespace, name, type in module.imports:
            if (namespace, name) not in self._items:
                raise LinkError(
                    f"unknown import: {namespace!r} {name!r} of type {type} is not defined; "
                    f"{self._offered(namespace)}"
                )
        return [self.get(store, namespace, name) for namespace, name, _ in module.imports]

    def _offered(self, module: str) -> str:
        """What there is under the module name."""
        names = [n for m, n in self._items if m == module]
        return f"{module!r} has {', '.join(map(repr, names))}" if names else f"nothing is named {module!r}"

    def __repr__(self) -> str:
        return f"<Linker, {', '.join(f'{m!r} {n!r}' for m, n in self._items) or 'empty'}>"


def _trapping(module: str, name: str) -> Callable[..., Any]:
    def unknown(*args: Any) -> NoReturn:
        raise Trap(f"unknown import: {module!r} {name!r} has not been defined", "unknown-import")

    return unknown
