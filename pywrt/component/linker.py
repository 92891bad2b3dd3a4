"""`Linker`: what the host provides, by name, and checking it against what a component imports.

Strategy: a component's own types are the truth. The host's functions have no types of their own (unless it
declares them); each import of a function takes the host's under the import's type, with the resource types
that the host provides put in. Versions match as semver says, and of an interface only what the component
asks for has to be there.
"""

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from pywrt.api.engine import Engine, Module, Store
from pywrt.canonical_abi.func import HostFunc, LiftedFunc, check_host_arity
from pywrt.canonical_abi.handles import GuestResource, HostResource
from pywrt.component.component import Component, match_name
from pywrt.component.instance import Func, Instance
from pywrt.component.instantiation import instantiate
from pywrt.component.modules import module_type
from pywrt.component.subtyping import Mismatch, Substitution, Work, match_func, match_module, substitute_func
from pywrt.component.types import Extern, InstanceType, ModuleType, Path, Resource
from pywrt.errors import LinkError, Trap
from pywrt.wit import types as wit


class HostFunction:
    """A function that the host provides; `type` is None where it takes whatever type the import has.

    With `typed`, `fn` makes the function from the import's type.
    """

    __slots__ = ("fn", "type", "typed")

    def __init__(self, fn: Callable[..., Any], type: wit.FuncType | None, typed: bool = False) -> None:
        self.fn = fn
        self.type = type
        self.typed = typed


class HostValue:
    """A value that the host provides."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


#: What a linker holds under a name; a dict is an instance.
Item = Any


class LinkerInstance:
    """An instance that a linker provides, or its root; usable in a `with` block, as wasmtime-py's."""

    __slots__ = ("_items", "_linker", "_name")

    def __init__(self, linker: "Linker", items: dict[str, Item], name: str) -> None:
        self._linker = linker
        self._items = items
        self._name = name

    def add_instance(self, name: str) -> "LinkerInstance":
        """The instance `name` within this one; made if it is not there yet."""
        items = self._items.get(name)
        if not isinstance(items, dict):
            items = {}
            self._define(name, items)
        return LinkerInstance(self._linker, items, name)

    def add_func(self, name: str, fn: "Callable[..., Any] | Func", type: wit.FuncType | None = None) -> None:
        """Provide a function: `fn(*values)` (see `pywrt.canonical_abi.func.HostFunc`), or one of an instance.

        With a `type`, an import of another type is refused. Without, `fn` is called with the values of the
        import's type.
        """
        self._define(name, fn.func if isinstance(fn, Func) else HostFunction(fn, type))

    def add_typed_func(self, name: str, make: Callable[[wit.FuncType], Callable[..., Any]]) -> None:
        """Provide a function that is made for the type of each import: `make(type)` gives the callable.

        For hosts that match fields, cases and parameters by the names in the component's own types.
        """
        self._define(name, HostFunction(make, None, typed=True))

    def add_resource(self, name: str, resource: HostResource) -> None:
        """Provide a resource type."""
        self._define(name, resource)

    def add_value(self, name: str, value: Any) -> None:
        """Provide a value; it is checked against its type where the component uses it."""
        self._define(name, HostValue(value))

    def add_module(self, name: str, module: Module) -> None:
        """Provide a core module."""
        self._define(name, module.compiled)

    def add_exports(self, instance: Instance) -> None:
        """Provide all that `instance` exports, under the same names.

        For components of the same store: calls go from one to the other.
        """
        for name, item in instance.items.items():
            self._define(name, _copied(item))

    def _define(self, name: str, item: Item) -> None:
        if name in self._items and not self._linker.allow_shadowing:
            where = f" in `{self._name}`" if self._name else ""
            raise LinkError(f"`{name}` is defined twice{where} (Linker.allow_shadowing is off)")
        self._items[name] = item

    def close(self) -> None:
        """Does nothing: a linker is never locked. Here for callers of wasmtime-py's API."""

    def __enter__(self) -> "LinkerInstance":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Linker:
    """Names what components may import, and instantiates them with it."""

    __slots__ = ("_items", "allow_shadowing", "engine")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.allow_shadowing = False
        self._items: dict[str, Item] = {}

    def root(self) -> LinkerInstance:
        """Where imports are defined by their names."""
        return LinkerInstance(self, self._items, "")

    def define_unknown_imports_as_traps(self, component: Component) -> None:
        """Define what `component` imports and is not defined: functions that trap, and resource types."""
        _define_traps(self._items, component.type.imports, ())

    def missing_imports(self, component: Component) -> list[str]:
        """What `component` imports and is not defined, as `name` or `instance#name`."""
        needed = {path for _, path in component.type.imported}
        _add_needed(component.type.imports, (), needed)
        return sorted("#".join(path) for path in needed if _lookup(self._items, path) is None)

    def hint(self, shown: str) -> str:
        """What is defined that is close to a missing import (see `missing_imports`), as a clause."""
        name = shown.partition("#")[0]
        served = match_name(name, self._items)
        if served is not None and isinstance(self._items[served], dict):
            return f"the host's `{served}` has {_listing(self._items[served])}"
        base = name.partition("@")[0]
        versions = [other for other in self._items if other.partition("@")[0] == base]
        if versions:
            return f"the host has it in other versions: {_listing(versions)}"
        package = base.partition("/")[0]
        related = [other for other in self._items if ":" in name and other.partition("/")[0] == package]
        return f"the host has {_listing(related or self._items)}"

    def instantiate(self, store: Store, component: Component) -> Instance:
        """Instantiate `component` with what is defined here.

        LinkError if an import is missing, or is of another kind or type than what is defined; both are
        named. LimitError past a limit of the store. Trap, or what host functions raise, if code that runs
        during instantiation ends so. The store and its other instances live on in each case.
        """
        args = _Imports(self, component, store).args()
        return Instance(store, component.type, instantiate(store.state, component.code, args))


class _Imports:
    """Checks what a linker holds against the imports of a component, and turns it into arguments."""

    def __init__(self, linker: Linker, component: Component, store: Store) -> None:
        self.linker = linker
        self.items = linker._items
        self.component = component
        self.store = store
        self.types = Substitution({})

    def args(self) -> dict[str, Any]:
        """The argument for each import."""
        imports = self.component.type.imports
        found = {name: self.find(self.items, name) for name in imports}
        resources = {variable: self.resource(path, found) for variable, path in self.component.type.imported}
        self.types = Substitution(resources)
        return {name: self.argument(found[name], item, name, name) for name, item in imports.items()}

    def find(self, items: Mapping[str, Item], name: str) -> Item:
        """What is defined as `name` or, of an interface, as a compatible version; None if nothing is."""
        served = match_name(name, items)  # type: ignore[arg-type]
        return None if served is None else items[served]

    def resource(self, path: tuple[str, ...], found: Mapping[str, Item]) -> wit.ResourceType:
        """The resource type that is defined at `path`."""
        item: Item = found[path[0]]
        for name in path[1:]:
            if item is None:
                break
            if not isinstance(item, dict):
                raise LinkError(f"import `{path[0]}`: expected instance, the host has a {_kind(item)}")
            item = self.find(item, name)
        shown = "#".join(path)
        if item is None:
            raise LinkError(
                f"unknown import: `{shown}` (a resource type) has not been defined: {self.linker.hint(shown)}"
            )
        if not isinstance(item, wit.ResourceType):
            raise LinkError(f"import `{shown}`: expected resource type, the host has a {_kind(item)}")
        self.check_store(item, shown)
        return item

    def argument(self, found: Item, wanted: Extern, name: str, shown: str) -> Any:
        """The argument for one import, or for one export of an imported instance."""
        if wanted.sort == "type":
            return found if isinstance(wanted.type, Resource) else wanted.type
        if wanted.sort == "instance":
            return self.instance(found, wanted, name, shown)
        if found is None:
            raise LinkError(
                f"unknown import: `{shown}` ({wanted}) has not been defined: {self.linker.hint(shown)}"
            )
        if wanted.sort == "value":
            if not isinstance(found, HostValue):
                raise LinkError(f"import `{shown}`: expected a value, the host has a {_kind(found)}")
            return found.value
        if isinstance(wanted.type, wit.FuncType):
            return self.func(found, wanted.type, shown)
        if isinstance(wanted.type, ModuleType):
            return self.module(found, wanted.type, shown)
        raise LinkError(f"import `{shown}`: the host cannot provide a {wanted.sort}")

    def instance(self, found: Item, wanted: Extern, name: str, shown: str) -> dict[str, Any]:
        """An instance; one of which nothing but value types is asked for need not be defined."""
        if found is not None and not isinstance(found, dict):
            raise LinkError(f"import `{shown}`: expected instance, the host has a {_kind(found)}")
        assert isinstance(wanted.type, InstanceType)
        items: dict[str, Item] = found or {}
        return {
            export: self.argument(self.find(items, export), item, export, f"{shown}#{export}")
            for export, item in wanted.type.exports.items()
        }

    def func(self, found: Item, wanted: wit.FuncType, shown: str) -> Any:
        """A function, under the import's own type."""
        type = substitute_func(wanted, self.types)
        if isinstance(found, HostFunction):
            if found.type is not None:
                _check_type(found.type, type, shown)
            fn = found.fn(type) if found.typed else found.fn
            check_host_arity(fn, type, shown)
            return HostFunc(type, fn, shown)
        if isinstance(found, (LiftedFunc, HostFunc)):
            _check_type(found.type, type, shown)
            self.check_store(found, shown)
            return found
        raise LinkError(f"import `{shown}`: expected {type}, the host has a {_kind(found)}")

    def check_store(self, item: Item, shown: str) -> None:
        """LinkError for a function or resource type of an instance that is in another store."""
        if isinstance(item, LiftedFunc | GuestResource) and item.instance.store is not self.store.state:
            raise LinkError(f"import `{shown}`: the {_kind(item)} belongs to an instance of another store")

    def module(self, found: Item, wanted: ModuleType, shown: str) -> Any:
        """A core module whose type fits."""
        if not hasattr(found, "module"):
            raise LinkError(f"import `{shown}`: expected core module, the host has a {_kind(found)}")
        try:
            match_module(module_type(found.module), wanted, Work())
        except Mismatch as error:
            raise LinkError(
                f"import `{shown}`: the core module that the host has does not fit: {error}"
            ) from None
        return found


def _copied(item: Item) -> Item:
    """An item of an instance; dicts are made anew, since the linker may add to them."""
    return {name: _copied(inner) for name, inner in item.items()} if isinstance(item, dict) else item


def _check_type(have: wit.FuncType, want: wit.FuncType, shown: str) -> None:
    try:
        match_func(have, want)
    except Mismatch as error:
        raise LinkError(
            f"import `{shown}` has type {want}, but what the host has is {have}: {error}"
        ) from None


def _kind(item: Item) -> str:
    if isinstance(item, dict):
        return "instance"
    if isinstance(item, HostFunction):
        return "function" if item.type is None else f"function of type {item.type}"
    if isinstance(item, (LiftedFunc, HostFunc)):
        return f"function of type {item.type}"
    if isinstance(item, HostValue):
        return "value"
    return "resource type" if isinstance(item, wit.ResourceType) else "core module"


def _listing(names: Iterable[str]) -> str:
    shown = [f"`{name}`" for name in names]
    if len(shown) > 12:
        shown[12:] = [f"and {len(shown) - 12} more"]
    return ", ".join(shown) or "nothing"


def _define_traps(items: dict[str, Item], wanted: Mapping[str, Extern], path: tuple[str, ...]) -> None:
    for name, item in wanted.items():
        served = match_name(name, items)
        if isinstance(item.type, InstanceType) and item.sort == "instance":
            inner = items.setdefault(name, {}) if served is None else items[served]
            if isinstance(inner, dict):
                _define_traps(inner, item.type.exports, (*path, name))
        elif served is not None:
            continue
        elif item.sort == "func":
            items[name] = HostFunction(_trap("#".join((*path, name))), None)
        elif isinstance(item.type, Resource):
            items[name] = HostResource(name)


def _trap(shown: str) -> Callable[..., Any]:
    def unknown(*args: Any) -> Any:
        raise Trap(f"unknown import: `{shown}` has not been defined", "unknown-import")

    return unknown


def _add_needed(wanted: Mapping[str, Extern], path: Path, needed: set[Path]) -> None:
    for name, item in wanted.items():
        if isinstance(item.type, InstanceType) and item.sort == "instance":
            _add_needed(item.type.exports, (*path, name), needed)
        elif item.sort != "type":
            needed.add((*path, name))


def _lookup(items: Mapping[str, Item], path: Path) -> Item:
    """What is defined at `path`, compatible versions included; None if nothing is."""
    found: Item = items
    for name in path:
        served = match_name(name, found) if isinstance(found, dict) else None
        if served is None:
            return None
        found = found[served]
    return found
