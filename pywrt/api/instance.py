"""`Instance` and `Linker`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pywrt.api.engine import Engine, Module, Store
from pywrt.api.externs import Extern, Func, wrap_extern
from pywrt.engine.instantiation import instantiate
from pywrt.errors import LinkError
from pywrt.runtime import instance as runtime_instance


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

    def __iter__(self) -> Iterator[str]:
        return iter(self._instance.exports)

    def __len__(self) -> int:
        return len(self._instance.exports)


class Instance:
    """An instance of a module. `imports` are given in the order of `Module.imports`.

    LinkError if one doesn't match, Trap if the start function or an active segment traps.
    """

    __slots__ = ("state", "store")

    def __init__(self, store: Store, module: Module, imports: Sequence[Extern] = ()) -> None:
        for number, extern in enumerate(imports):
            if extern.store is not store:
                raise LinkError(f"import {number}, {extern!r}, belongs to another store")
        self.store = store
        self.state = instantiate(store.state, module.compiled, [extern.state for extern in imports])

    def exports(self, store: Store) -> Exports:
        """The exports by name."""
        return Exports(store, self.state)


class Linker:
    """Names what modules may import, and instantiates them with it."""

    __slots__ = ("_items", "allow_shadowing", "engine")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.allow_shadowing = False
        self._items: dict[tuple[str, str], Extern] = {}

    def define(self, store: Store, module: str, name: str, item: Extern) -> None:
        """Offer `item` as `module` `name`; LinkError if that is taken and `allow_shadowing` is off."""
        if (module, name) in self._items and not self.allow_shadowing:
            raise LinkError(f"{module!r} {name!r} is defined already; set allow_shadowing to replace it")
        self._items[module, name] = item

    def define_func(self, store: Store, module: str, name: str, type: Any, callable: Any) -> None:
        """Offer a Python callable as a function of `type`."""
        self.define(store, module, name, Func(store, type, callable))

    def define_instance(self, store: Store, name: str, instance: Instance) -> None:
        """Offer all exports of `instance` under the module name `name`."""
        for key, item in instance.exports(store).items():
            self.define(store, name, key, item)

    def instantiate(self, store: Store, module: Module) -> Instance:
        """Instantiate `module`; LinkError naming an import that is missing or doesn't match."""
        return Instance(store, module, [self._find(*wanted) for wanted in module.imports])

    def _find(self, module: str, name: str, type: Any) -> Extern:
        item = self._items.get((module, name))
        if item is None:
            offered = [n for m, n in self._items if m == module]
            have = (
                f"{module!r} has {', '.join(map(repr, offered))}"
                if offered
                else f"nothing is named {module!r}"
            )
            raise LinkError(f"unknown import: {module!r} {name!r} of type {type} is not defined; {have}")
        return item
