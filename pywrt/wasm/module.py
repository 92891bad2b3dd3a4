"""The abstract syntax of a module. Spec: syntax/modules.html.

Function bodies and constant expressions stay bytes: an `Expr` names a stretch of the file's buffer,
which the validator and the lowering read when they need it. The text parser makes the same syntax
over a buffer of its own, and the encoder turns either into a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pywrt.errors import InvalidError
from pywrt.wasm.types import (
    ExternType,
    FuncType,
    GlobalType,
    MemoryType,
    RefType,
    SubType,
    TableType,
    TagType,
    ValType,
)


@dataclass(frozen=True, slots=True, eq=False)
class Expr:
    """Instructions up to and with the final `end`: `data[start:end]`. Equal if these bytes are."""

    data: bytes
    start: int
    end: int

    def __bytes__(self) -> bytes:
        return self.data[self.start : self.end]

    def __eq__(self, other: object) -> bool:
        return bytes(self) == bytes(other) if isinstance(other, Expr) else NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(self))


@dataclass(frozen=True, slots=True)
class Import:
    """`desc` is the type that is asked for; `type_index` is a function's or tag's in `Module.types`.

    `exact` asks for a function of that type itself, not of a subtype (custom descriptors).
    """

    module: str
    name: str
    desc: ExternType
    type_index: int = 0
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of the module's own; `type_index` is that of its function type in `Module.types`."""

    type: TagType
    type_index: int


@dataclass(frozen=True, slots=True)
class Global:
    """A global of the module's own."""

    type: GlobalType
    init: Expr


@dataclass(frozen=True, slots=True)
class Table:
    """`init` is None for a table that starts with null references."""

    type: TableType
    init: Expr | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """`kind` is func, table, memory, global or tag; `index` counts imports first."""

    name: str
    kind: str
    index: int


@dataclass(frozen=True, slots=True)
class Elem:
    """An element segment. `mode` is passive, active (`table`, `offset`) or declarative.

    `init` holds function indices, or an `Expr` for an element that is given by an expression.
    """

    type: RefType
    init: tuple["int | Expr", ...]
    mode: str
    table: int = 0
    offset: Expr | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A data segment, `data[start:end]`. `mode` is passive or active (`memory`, `offset`).

    Equal if the segments' bytes are, wherever in their files they stand.
    """

    data: bytes
    start: int
    end: int
    mode: str
    memory: int = 0
    offset: Expr | None = None

    def __bytes__(self) -> bytes:
        return self.data[self.start : self.end]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Data):
            return NotImplemented
        return (self.mode, self.memory, self.offset, bytes(self)) == (
            other.mode,
            other.memory,
            other.offset,
            bytes(other),
        )

    def __hash__(self) -> int:
        return hash((self.mode, self.memory, bytes(self)))


@dataclass(frozen=True, slots=True)
class Code:
    """A function body; `locals` are runs of (count, type), parameters not among them.

    `start` is the offset of the body in the file, behind its size; it does not count in comparison.
    """

    start: int = field(compare=False)
    locals: tuple[tuple[int, ValType], ...]
    expr: Expr


@dataclass(frozen=True, slots=True)
class Custom:
    """A custom section; `after` is the id of the known section before it (0 for none)."""

    name: str
    data: bytes
    after: int = 0


@dataclass(slots=True)
class Module:
    """A module's sections as data. Index spaces count imports first, as the specification does.

    The decoder makes a `code` whose items are decoded on demand: only their offsets are known before.
    """

    types: list[SubType] = field(default_factory=list)
    rec_groups: list[tuple[int, int]] = field(default_factory=list)  # (first type, size) of each `rec`
    imports: list[Import] = field(default_factory=list)
    funcs: list[int] = field(default_factory=list)  # type indices of the module's own functions
    tables: list[Table] = field(default_factory=list)
    memories: list[MemoryType] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: int | None = None
    elems: list[Elem] = field(default_factory=list)
    data_count: int | None = None
    code: Sequence[Code] = field(default_factory=list)
    datas: list[Data] = field(default_factory=list)
    customs: list[Custom] = field(default_factory=list)

    def functype(self, index: int) -> FuncType:
        """The function type `index`; InvalidError if there is none."""
        if index >= len(self.types):
            raise InvalidError(f"unknown type {index}")
        composite = self.types[index].composite
        if not isinstance(composite, FuncType):
            raise InvalidError(f"non-function type {index}: it is {composite}")
        return composite
