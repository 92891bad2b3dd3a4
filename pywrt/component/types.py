"""Types of what a component imports, exports and holds. Spec: component-model Explainer.md#type-definitions.

Value and function types are those of `pywrt.wit.types`; here are the types around them (instances,
components, modules) and the resource types that validation works with.

Two things depend on the identity of type objects. A resource type has an identity that survives renaming
(`Resource.root`), which says whether two are the same type. And an import or export of a type makes a new
object for it, equal to the old one, which says whether a type has a name that is visible outside, and which.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pywrt.wasm import types as core
from pywrt.wasm.deftypes import DefType
from pywrt.wit import types as wit


class Resource(wit.ResourceType):
    """A resource type during validation: a definition, or a variable that an import or export introduces.

    Exporting or importing one under another name gives a new object with the same `root`; such objects are
    equal. `rep` is the core type that represents a resource type which the component at hand defines,
    None for others.
    """

    __slots__ = ("rep", "root")

    def __init__(self, name: str, renamed: "Resource | None" = None, rep: core.ValType | None = None) -> None:
        super().__init__(name)
        self.root: Resource = self if renamed is None else renamed.root
        self.rep: core.ValType | None = rep if renamed is None else renamed.rep

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and self.root is other.root

    def __hash__(self) -> int:
        return id(self.root)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What goes with the name of an import or export. Spec: Binary.md#import-and-export-definitions"""

    implements: str | None = None
    version_suffix: str | None = None
    external_id: str | None = None


#: Where a resource type is found: names of exports, outermost first.
Path = tuple[str, ...]

#: A resource variable that a type binds, and where what it stands for is found.
Bound = tuple[Resource, Path]

#: No resources.
NONE: frozenset[Resource] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class InstanceType:
    """`bound` are the resource variables that are fresh for each instance of this type."""

    exports: dict[str, "Extern"]
    bound: tuple[Bound, ...] = ()

    def __str__(self) -> str:
        return f"instance with {_names(self.exports)}"


@dataclass(frozen=True, slots=True, eq=False)
class ComponentType:
    """`imported` are the resource variables that arguments supply, `exported` those that are fresh for
    each instance; paths begin with the name of the import or export."""

    imports: dict[str, "Extern"]
    exports: dict[str, "Extern"]
    imported: tuple[Bound, ...] = ()
    exported: tuple[Bound, ...] = ()

    def __str__(self) -> str:
        return f"component that imports {_names(self.imports)} and exports {_names(self.exports)}"


@dataclass(frozen=True, slots=True, eq=False)
class CoreTag:
    """The type of a core tag: what a throw carries are the parameters of `deftype`."""

    deftype: DefType

    kind: ClassVar[str] = "tag"

    def __str__(self) -> str:
        return f"tag {self.deftype}"


#: The type of a core definition, closed; that of a function is a defined type.
CoreExternType = DefType | core.TableType | core.MemoryType | core.GlobalType | CoreTag


@dataclass(frozen=True, slots=True, eq=False)
class ModuleType:
    """The type of a core module: imports by their two names, exports by name."""

    imports: dict[tuple[str, str], CoreExternType]
    exports: dict[str, CoreExternType]

    def __str__(self) -> str:
        return f"core module that exports {_names(self.exports)}"


#: What a `type` definition can define.
AnyType = wit.WitType | wit.FuncType | Resource | InstanceType | ComponentType | ModuleType


class Extern:
    """Something of a component's index spaces: its sort, its type, and what validation asks of the type.

    `sort` is func, type, component, instance or core module. `size` counts the type's nodes and `depth` its
    nesting; `borrow` says whether a borrow handle is in it; `free` holds the resource types that it refers
    to and does not bind. `layout` is a value type's (alignment, size) in a 64-bit memory, else (0, 0).
    `renamed` is the type that an imported or exported type is another name of.
    """

    __slots__ = ("borrow", "depth", "free", "layout", "renamed", "size", "sort", "type")

    def __init__(
        self,
        sort: str,
        type: AnyType,
        *,
        size: int = 1,
        depth: int = 1,
        borrow: bool = False,
        free: frozenset[Resource] = NONE,
        layout: tuple[int, int] = (0, 0),
    ) -> None:
        self.sort = sort
        self.type = type
        self.size = size
        self.depth = depth
        self.borrow = borrow
        self.free = free
        self.layout = layout
        self.renamed: Extern | None = None

    def like(self, sort: str, type: AnyType, free: frozenset[Resource] | None = None) -> "Extern":
        """The same for another sort, or an equal type under another name."""
        return Extern(
            sort,
            type,
            size=self.size,
            depth=self.depth,
            borrow=self.borrow,
            free=self.free if free is None else free,
            layout=self.layout,
        )

    def __str__(self) -> str:
        return f"{self.sort}: {self.type}" if self.sort == "type" else str(self.type)


def compound(sort: str, type: AnyType, parts: Sequence[Extern], layout: tuple[int, int] = (0, 0)) -> Extern:
    """An `Extern` of a type that is made of `parts`."""
    size, depth, borrow = 1, 0, False
    for part in parts:
        size += part.size
        depth = max(depth, part.depth)
        borrow = borrow or part.borrow
    return Extern(sort, type, size=size, depth=depth + 1, borrow=borrow, free=free_in(parts), layout=layout)


def free_in(parts: Iterable[Extern]) -> frozenset[Resource]:
    """The resource types that `parts` refer to."""
    sets = {id(part.free): part.free for part in parts if part.free}  # each once: large parts share theirs
    return NONE.union(*sets.values())


def instance_extern(type: InstanceType, sort: str = "instance") -> Extern:
    """An `Extern` of an instance (or, with `sort` type, of its type)."""
    made = compound(sort, type, [*type.exports.values()])
    made.free -= {variable for variable, _ in type.bound}
    made.borrow = False
    return made


def component_extern(type: ComponentType, sort: str = "component") -> Extern:
    """An `Extern` of a component (or, with `sort` type, of its type)."""
    made = compound(sort, type, [*type.imports.values(), *type.exports.values()])
    made.free -= {variable for variable, _ in (*type.imported, *type.exported)}
    made.borrow = False
    return made


def resource_paths(exports: dict[str, Extern], prefix: Path = ()) -> Iterator[Bound]:
    """Each resource type that is exported by name, with its path, in order; nested instances included.

    The nesting is bounded by the depth of types.
    """
    for name, item in exports.items():
        if item.sort == "type" and isinstance(item.type, Resource):
            yield item.type, (*prefix, name)
        elif item.sort == "instance" and isinstance(item.type, InstanceType) and item.free:
            yield from resource_paths(item.type.exports, (*prefix, name))


def kind_of(type: AnyType) -> str:
    """What `type` is, for messages: `record`, `u32`, `resource` ..."""
    if isinstance(type, wit.Primitive):
        return type.name
    return KINDS[type.__class__]


KINDS: dict[type, str] = {
    wit.Record: "record",
    wit.Variant: "variant",
    wit.List: "list",
    wit.Tuple: "tuple",
    wit.Flags: "flags",
    wit.Enum: "enum",
    wit.Option: "option",
    wit.Result: "result",
    wit.Own: "own",
    wit.Borrow: "borrow",
    wit.Stream: "stream",
    wit.Future: "future",
    wit.Map: "map",
    wit.FuncType: "func",
    Resource: "resource",
    InstanceType: "instance",
    ComponentType: "component",
    ModuleType: "core module",
}


def _names(items: Iterable[str]) -> str:
    shown = [f"`{name}`" for name in items]
    if len(shown) > 8:
        shown[8:] = [f"{len(shown) - 8} more"]
    return ", ".join(shown) or "nothing"
