"""A validated component as data: definitions in file order, which instantiation executes.

Types are gone from it but where run time needs them: indices are resolved and checked, and each place
that brings in resource types says which variables to bind and where their values are found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pywrt.component.types import AnyType, Bound, ComponentType, Extern, Resource
from pywrt.wasm import types as core
from pywrt.wit import types as wit


@dataclass(frozen=True, slots=True)
class Options:
    """Canonical options: what is an `int` is the index of a core definition."""

    string_encoding: str = "utf8"
    memory: int | None = None
    realloc: int | None = None
    post_return: int | None = None
    is_async: bool = False
    callback: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ImportDef:
    name: str
    extern: Extern
    bindings: tuple[Bound, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ModuleDef:
    """`code` is the engine's compiled module."""

    code: Any


@dataclass(frozen=True, slots=True, eq=False)
class ComponentDef:
    code: "ComponentCode"


@dataclass(frozen=True, slots=True)
class CoreInstantiate:
    """`args` names core instances by index, `imports` the (argument, name) pairs in import order."""

    module: int
    args: dict[str, int]
    imports: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CoreExports:
    """`items` are (name, sort, index)."""

    items: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument or inline export; of the sort `type` it has a `type`, otherwise an index."""

    name: str
    sort: str
    index: int
    type: AnyType | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Instantiate:
    """`bindings` are the instance's fresh resource types, found by path in its exports."""

    component: int
    args: tuple[Argument, ...]
    bindings: tuple[Bound, ...]


@dataclass(frozen=True, slots=True, eq=False)
class InstanceExports:
    items: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class AliasCoreExport:
    sort: str
    instance: int
    name: str


@dataclass(frozen=True, slots=True)
class AliasExport:
    """Of any sort but type: what a type alias means is settled by validation."""

    sort: str
    instance: int
    name: str


@dataclass(frozen=True, slots=True)
class AliasOuter:
    """Of core modules and components; `count` components outwards."""

    sort: str
    count: int
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class ResourceDef:
    """`dtor` is the index of a core function."""

    resource: Resource
    dtor: int | None


@dataclass(frozen=True, slots=True, eq=False)
class CanonLift:
    type: wit.FuncType
    func: int
    options: Options


@dataclass(frozen=True, slots=True, eq=False)
class CanonLower:
    func: int
    options: Options


@dataclass(frozen=True, slots=True, eq=False)
class CanonResource:
    """`name` is `resource.new`, `resource.drop` or `resource.rep`; `rep` is what represents the resource."""

    name: str
    resource: Resource
    rep: core.ValType


@dataclass(frozen=True, slots=True, eq=False)
class CanonBuiltin:
    """A built-in of tasks, waitables, streams, futures, error contexts or threads; `type` is its core type.

    `payload` is the type that a stream or future carries, or the result that `task.return` returns, which
    may be None. `flag` is the immediate `async?` of `*.cancel*`, or `cancellable?` of what waits. `index` is
    the slot of `context.*`, the core memory of `waitable-set.*`, or the core table of `thread.new-indirect`,
    whose functions are of type `thread`.
    """

    name: str
    type: core.FuncType
    payload: wit.WitType | None = None
    options: Options = Options()
    flag: bool = False
    index: int | None = None
    thread: core.FuncType | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ValueDef:
    """A constant of a value type, as the canonical ABI takes it."""

    type: wit.WitType
    value: Any


@dataclass(frozen=True, slots=True)
class StartDef:
    """A call of function `func` with values, by index, whose result is a value if `has_result`."""

    func: int
    args: tuple[int, ...]
    has_result: bool


@dataclass(frozen=True, slots=True, eq=False)
class ExportDef:
    """`bindings` are resource types that the export's ascribed type makes abstract again."""

    item: Argument
    bindings: tuple[Bound, ...]


Definition = (
    ImportDef
    | ModuleDef
    | ComponentDef
    | CoreInstantiate
    | CoreExports
    | Instantiate
    | InstanceExports
    | AliasCoreExport
    | AliasExport
    | AliasOuter
    | ResourceDef
    | CanonLift
    | CanonLower
    | CanonResource
    | CanonBuiltin
    | ValueDef
    | StartDef
    | ExportDef
)


@dataclass(slots=True, eq=False)
class ComponentCode:
    """A component that passed validation. `names` holds the name section's entries by sort and index."""

    definitions: Sequence[Definition]
    type: ComponentType
    name: str | None = None
    names: dict[str, dict[int, str]] = field(default_factory=dict)
