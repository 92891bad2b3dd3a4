"""Component value types and function types. Spec: component-model Explainer.md#type-definitions.

Types are structural and compare by value, except resources, which compare by identity. A variant's
specialisations (enum, option, result) and a record's (tuple, flags aside) are classes of their own:
`despecialize` of the canonical ABI turns them into the general form.
"""

from dataclasses import dataclass


class ResourceType:
    """A resource type: two of them are equal only if they are the same object.

    `name` is for messages. What implements it (an instance, a destructor) is run-time state and
    belongs to the subclass in `canonical_abi`.
    """

    __slots__ = ("name",)

    def __init__(self, name: str = "resource") -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<resource {self.name}>"


@dataclass(frozen=True, slots=True)
class Primitive:
    """One of the primitive value types; `str` is its WIT name."""

    name: str

    def __str__(self) -> str:
        return self.name


BOOL = Primitive("bool")
S8 = Primitive("s8")
U8 = Primitive("u8")
S16 = Primitive("s16")
U16 = Primitive("u16")
S32 = Primitive("s32")
U32 = Primitive("u32")
S64 = Primitive("s64")
U64 = Primitive("u64")
F32 = Primitive("f32")
F64 = Primitive("f64")
CHAR = Primitive("char")
STRING = Primitive("string")
ERROR_CONTEXT = Primitive("error-context")


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: "WitType"


@dataclass(frozen=True, slots=True)
class Record:
    fields: tuple[Field, ...]

    def __str__(self) -> str:
        return f"record {{ {', '.join(f'{f.name}: {f.type}' for f in self.fields)} }}"


@dataclass(frozen=True, slots=True)
class Case:
    """`type` is None for a case without payload."""

    name: str
    type: "WitType | None" = None

    def __str__(self) -> str:
        return self.name if self.type is None else f"{self.name}({self.type})"


@dataclass(frozen=True, slots=True)
class Variant:
    cases: tuple[Case, ...]

    def __str__(self) -> str:
        return f"variant {{ {', '.join(map(str, self.cases))} }}"


@dataclass(frozen=True, slots=True)
class List:
    """`length` is None for a list of any length, else it is a fixed-length list."""

    element: "WitType"
    length: int | None = None

    def __str__(self) -> str:
        return f"list<{self.element}>" if self.length is None else f"list<{self.element}, {self.length}>"


@dataclass(frozen=True, slots=True)
class Tuple:
    types: tuple["WitType", ...]

    def __str__(self) -> str:
        return f"tuple<{', '.join(map(str, self.types))}>"


@dataclass(frozen=True, slots=True)
class Flags:
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"flags {{ {', '.join(self.names)} }}"


@dataclass(frozen=True, slots=True)
class Enum:
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"enum {{ {', '.join(self.names)} }}"


@dataclass(frozen=True, slots=True)
class Option:
    type: "WitType"

    def __str__(self) -> str:
        return f"option<{self.type}>"


@dataclass(frozen=True, slots=True)
class Result:
    ok: "WitType | None" = None
    err: "WitType | None" = None

    def __str__(self) -> str:
        if self.err is None:
            return "result" if self.ok is None else f"result<{self.ok}>"
        return f"result<{'_' if self.ok is None else self.ok}, {self.err}>"


@dataclass(frozen=True, slots=True)
class Own:
    resource: ResourceType

    def __str__(self) -> str:
        return f"own<{self.resource.name}>"


@dataclass(frozen=True, slots=True)
class Borrow:
    resource: ResourceType

    def __str__(self) -> str:
        return f"borrow<{self.resource.name}>"


@dataclass(frozen=True, slots=True)
class Stream:
    """`element` is None for a stream without payload."""

    element: "WitType | None" = None

    def __str__(self) -> str:
        return "stream" if self.element is None else f"stream<{self.element}>"


@dataclass(frozen=True, slots=True)
class Future:
    """`element` is None for a future without payload."""

    element: "WitType | None" = None

    def __str__(self) -> str:
        return "future" if self.element is None else f"future<{self.element}>"


@dataclass(frozen=True, slots=True)
class Map:
    """A list of pairs that bindings show as a mapping."""

    key: "WitType"
    value: "WitType"

    def __str__(self) -> str:
        return f"map<{self.key}, {self.value}>"


WitType = (
    Primitive
    | Record
    | Variant
    | List
    | Tuple
    | Flags
    | Enum
    | Option
    | Result
    | Own
    | Borrow
    | Stream
    | Future
    | Map
)


@dataclass(frozen=True, slots=True)
class FuncType:
    """A component function type; `result` is None where nothing is returned."""

    params: tuple[Field, ...]
    result: WitType | None = None
    is_async: bool = False

    def __str__(self) -> str:
        arrow = "" if self.result is None else f" -> {self.result}"
        params = ", ".join(f"{p.name}: {p.type}" for p in self.params)
        return f"{'async ' if self.is_async else ''}func({params}){arrow}"
