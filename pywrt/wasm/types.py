"""Types of core WebAssembly. Spec: syntax/types.html.

Value types are interned objects, so that `is` and list equality compare them fast; their `str` is
the text format's name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar


class ValType:
    """A value type: `I32` ... `V128`, or a `RefType`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str], "ValType"], tuple[str]]:
        return valtype_named, (self.name,)


class RefType(ValType):
    """A reference type: `heap` is an abstract heap type's name (`func`, `extern`)."""

    __slots__ = ("heap", "nullable")

    def __init__(self, name: str, heap: str, nullable: bool) -> None:
        super().__init__(name)
        self.heap = heap
        self.nullable = nullable


I32 = ValType("i32")
I64 = ValType("i64")
F32 = ValType("f32")
F64 = ValType("f64")
V128 = ValType("v128")
FUNCREF = RefType("funcref", "func", True)
EXTERNREF = RefType("externref", "extern", True)

NUMERIC_TYPES = (I32, I64, F32, F64)

#: The binary format's byte of each value type. Spec: binary/types.html
VALTYPE_BY_CODE: dict[int, ValType] = {
    0x7F: I32,
    0x7E: I64,
    0x7D: F32,
    0x7C: F64,
    0x7B: V128,
    0x70: FUNCREF,
    0x6F: EXTERNREF,
}
#: Bytes that begin a value, reference or heap type and need a proposal: what to name where it is off.
FEATURE_BY_TYPE_CODE: dict[int, str] = {
    0x7B: "simd",
    0x74: "exceptions",  # noexn
    0x73: "gc",  # nofunc
    0x72: "gc",  # noextern
    0x71: "gc",  # none
    0x6E: "gc",  # any
    0x6D: "gc",  # eq
    0x6C: "gc",  # i31
    0x6B: "gc",  # struct
    0x6A: "gc",  # array
    0x69: "exceptions",  # exn
    0x64: "function-references",  # (ref ht)
    0x63: "function-references",  # (ref null ht)
}
CODE_BY_VALTYPE: dict[ValType, int] = {t: code for code, t in VALTYPE_BY_CODE.items()}
VALTYPE_BY_NAME: dict[str, ValType] = {t.name: t for t in CODE_BY_VALTYPE}


def valtype_named(name: str) -> ValType:
    """The value type whose text form is `name`; KeyError if there is none."""
    return VALTYPE_BY_NAME[name]


@dataclass(frozen=True, slots=True)
class FuncType:
    """`params -> results`. Spec: syntax/types.html#function-types"""

    params: tuple[ValType, ...]
    results: tuple[ValType, ...]

    kind: ClassVar[str] = "func"

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.params))}) -> ({', '.join(map(str, self.results))})"


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in pages or elements; `max` is None where there is none."""

    min: int
    max: int | None = None

    def __str__(self) -> str:
        return f"{self.min}" if self.max is None else f"{self.min}..{self.max}"

    def matches(self, other: "Limits") -> bool:
        """Whether something with these limits may be imported as `other`. Spec: valid/matching.html#limits"""
        return self.min >= other.min and (
            other.max is None or (self.max is not None and self.max <= other.max)
        )


@dataclass(frozen=True, slots=True)
class MemoryType:
    """A linear memory; limits in pages of 64 KiB."""

    limits: Limits

    kind: ClassVar[str] = "memory"

    def __str__(self) -> str:
        return f"memory {self.limits}"


@dataclass(frozen=True, slots=True)
class TableType:
    """A table of references; limits in elements."""

    element: RefType
    limits: Limits

    kind: ClassVar[str] = "table"

    def __str__(self) -> str:
        return f"table {self.limits} {self.element}"


@dataclass(frozen=True, slots=True)
class GlobalType:
    """A global variable's value type and mutability."""

    value: ValType
    mutable: bool

    kind: ClassVar[str] = "global"

    def __str__(self) -> str:
        return f"global {'mut ' if self.mutable else ''}{self.value}"


ExternType = FuncType | TableType | MemoryType | GlobalType
