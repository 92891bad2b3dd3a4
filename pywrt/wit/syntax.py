"""WIT as it is written. Spec: component-model WIT.md.

Positions (`start`, a character offset into `source`) don't take part in comparisons: texts that say the same
have equal trees. `docs` are the lines of the doc comments, joined by newlines.
"""

from dataclasses import dataclass, field

from pywrt.wit.lexer import Source

#: Words that are identifiers only behind a `%`. Spec: WIT.md#keywords
KEYWORDS = frozenset(
    (
        *("as", "async", "bool", "borrow", "char", "constructor", "enum", "export", "f32", "f64", "flags"),
        *("from", "func", "future", "import", "include", "interface", "list", "map", "option", "own"),
        *("package", "record", "resource", "result", "s16", "s32", "s64", "s8", "static", "stream"),
        *("string", "tuple", "type", "u16", "u32", "u64", "u8", "use", "variant", "with", "world"),
    )
)
#: Types that are one word.
PRIMITIVES = frozenset(
    ("bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string")
)

NAMED, NONE = "id", "_"
SINCE, UNSTABLE, DEPRECATED, EXTERNAL_ID = "since", "unstable", "deprecated", "external-id"


@dataclass(frozen=True, slots=True)
class Gate:
    """`@since(version = value)`, `@unstable(feature = value)`, `@external-id("value")` ..."""

    kind: str
    value: str
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class PackageName:
    """`namespace:package@version`; `version` is empty if there is none."""

    name: str
    version: str = ""
    start: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True)
class Path:
    """A `use-path`: an interface or world of this package, or of another one."""

    package: PackageName | None
    name: str
    start: int = field(default=0, compare=False)

    def __str__(self) -> str:
        if self.package is None:
            return self.name
        version = f"@{self.package.version}" if self.package.version else ""
        return f"{self.package.name}/{self.name}{version}"


@dataclass(frozen=True, slots=True)
class Rename:
    """`name`, or `name as alias`."""

    name: str
    alias: str = ""
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TypeExpr:
    """A type where it is used.

    `kind` is the keyword (`u8`, `list`, `borrow` ...), or NAMED for the type `name`; NONE stands for the
    `_` of a result. `length` is that of a fixed-length list.
    """

    kind: str
    arguments: tuple["TypeExpr", ...] = ()
    name: str = ""
    length: int | None = None
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """A field, case, flag or parameter."""

    name: str
    type: TypeExpr | None = None
    docs: str = ""
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Function:
    """`kind` is "func", or in a resource "static" or "constructor" (whose name is empty)."""

    name: str
    params: tuple[Member, ...] = ()
    result: TypeExpr | None = None
    kind: str = "func"
    is_async: bool = False
    docs: str = ""
    gates: tuple[Gate, ...] = ()
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TypeDef:
    """`kind` is "record", "variant", "enum", "flags", "resource" or "type" (an alias of `type`)."""

    kind: str
    name: str
    members: tuple[Member, ...] = ()
    functions: tuple[Function, ...] = ()
    type: TypeExpr | None = None
    docs: str = ""
    gates: tuple[Gate, ...] = ()
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Use:
    """`use path.{names}`, `include path with {names}`, or at the top level `use path as alias`."""

    path: Path
    names: tuple[Rename, ...] = ()
    include: bool = False
    alias: str = ""
    docs: str = ""
    gates: tuple[Gate, ...] = ()
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Extern:
    """`import` or `export` (which is in `direction`) of a path, or under a `name` of something."""

    direction: str
    name: str
    item: "Path | Function | Scope"
    docs: str = ""
    gates: tuple[Gate, ...] = ()
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """`kind` is "interface" or "world"; the name of an interface within a world is that of its extern."""

    kind: str
    name: str
    items: tuple[Use | TypeDef | Function | Extern, ...]
    source: Source = field(compare=False, repr=False)
    docs: str = ""
    gates: tuple[Gate, ...] = ()
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Package:
    """A file, or a `package` with braces in it. `name` is None for a file that leaves it to its siblings."""

    name: PackageName | None
    items: tuple[Use | Scope, ...]
    source: Source = field(compare=False, repr=False)
    nested: tuple["Package", ...] = ()
    docs: str = ""
    start: int = field(default=0, compare=False)
