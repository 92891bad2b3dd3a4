"""WIT with its names resolved: what bindings and components are made from.

Types are those of `pywrt.wit.types`.
"""

from pywrt.wit.names import canonical_name
from pywrt.wit.syntax import Package as Syntax
from pywrt.wit.types import FuncType, ResourceType, WitType


class Interface:
    """An interface; `name` is as in a component's imports (`wasi:io/poll@0.2.0`), empty if it is inline.

    `types` are all types by name, those brought by `use` included; a name of a resource has the
    ResourceType, the same object wherever it is used. `functions` are by their names in a component:
    `get`, `[method]file.read`, `[constructor]file`, `[static]file.open`. `uses` are the interfaces that
    types come from, in order.
    """

    __slots__ = ("docs", "functions", "name", "types", "uses")

    def __init__(self, name: str = "", docs: str = "") -> None:
        self.name = name
        self.docs = docs
        self.types: dict[str, WitType | ResourceType] = {}
        self.functions: dict[str, FuncType] = {}
        self.uses: dict[str, Interface] = {}

    def __repr__(self) -> str:
        return f"<interface {self.name or 'inline'}>"


class World:
    """A world: its imports and exports under their names in a component, includes and what they need added.

    `types` are those that the world defines itself or uses. An interface that is exported, or imported under
    a plain name, has resource types of its own: no import of the world has the same.
    """

    __slots__ = ("docs", "exports", "imports", "name", "types")

    def __init__(self, name: str, docs: str = "") -> None:
        self.name = name
        self.docs = docs
        self.types: dict[str, WitType | ResourceType] = {}
        self.imports: dict[str, Interface | FuncType] = {}
        self.exports: dict[str, Interface | FuncType] = {}

    def __repr__(self) -> str:
        return f"<world {self.name}>"


class Package:
    """A package; `name` is `namespace:package` or `namespace:package@version`.

    `syntax` is all of it as one tree, whose paths don't need the aliases of its files.
    """

    __slots__ = ("interfaces", "name", "syntax", "worlds")

    def __init__(self, name: str, syntax: Syntax) -> None:
        self.name = name
        self.syntax = syntax
        self.interfaces: dict[str, Interface] = {}
        self.worlds: dict[str, World] = {}

    def __repr__(self) -> str:
        return f"<package {self.name}>"


class Wit:
    """A package, and by name all packages that were read with it, itself included, in order of dependence."""

    __slots__ = ("package", "packages")

    def __init__(self, package: Package, packages: dict[str, Package]) -> None:
        self.package = package
        self.packages = packages


def plain_key(name: str) -> str:
    """What two names must differ in within one scope."""
    return name if ":" in name else canonical_name(name)
