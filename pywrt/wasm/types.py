"""Types of core WebAssembly. Spec: syntax/types.html.

Value types without a type index are interned objects, so that `is` and list equality compare them fast;
their `str` is the text format's name. A reference type may name a defined type: in a module's syntax by
its index (`heap` is an int), in validation and at run time, where types are *closed*, by the canonical
object that stands for it (`heap` is a `pywrt.wasm.deftypes.DefType`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Union

from pywrt.config import PAGE_SIZE

if TYPE_CHECKING:
    from pywrt.wasm.deftypes import DefType


class ValType:
    """A value type: `I32` ... `V128`, or a `RefType`; in a field also the packed types `I8` and `I16`."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """The text format's name."""
        return self._name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[..., "ValType"], tuple[Any, ...]]:
        return valtype_named, (self.name,)


#: An abstract heap type's name, a type index, or a closed defined type.
HeapType = Union[str, int, "DefType"]


class RefType(ValType):
    """A reference type. `exact`: to `heap` itself and none of its subtypes (custom descriptors).

    Equal if heap, nullability and exactness are; `ref_type` makes one.
    """

    __slots__ = ("exact", "heap", "nullable")

    def __init__(self, heap: HeapType, nullable: bool, exact: bool = False) -> None:
        self.heap = heap
        self.nullable = nullable
        self.exact = exact

    @property
    def name(self) -> str:
        """The text format's name, made when asked for: a defined type may be large, or not yet filled."""
        return _reftype_name(self.heap, self.nullable, self.exact)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, RefType)
            and self.heap == other.heap
            and self.nullable is other.nullable
            and self.exact is other.exact
        )

    def __hash__(self) -> int:
        return hash((self.heap, self.nullable, self.exact))

    def __reduce__(self) -> tuple[Callable[..., ValType], tuple[Any, ...]]:
        return ref_type, (self.heap, self.nullable, self.exact)


@dataclass(frozen=True, slots=True)
class AbstractHeapType:
    """A row of the table below: its byte, name, the shorthand of the nullable reference to it, its
    hierarchy's top, and the feature that brought it."""

    code: int
    name: str
    shorthand: str
    top: str
    feature: str


_ABSTRACT = """
74 noexn    nullexnref    exn    exceptions
73 nofunc   nullfuncref   func   gc
72 noextern nullexternref extern gc
71 none     nullref       any    gc
70 func     funcref       func   mvp
6F extern   externref     extern reference-types
6E any      anyref        any    gc
6D eq       eqref         any    gc
6C i31      i31ref        any    gc
6B struct   structref     any    gc
6A array    arrayref      any    gc
69 exn      exnref        exn    exceptions
"""
#: Abstract heap types by name. Spec: syntax/types.html#heap-types, binary/types.html#heap-types
ABSTRACT_HEAP_TYPES: dict[str, AbstractHeapType] = {
    name: AbstractHeapType(int(code, 16), name, shorthand, top, feature)
    for code, name, shorthand, top, feature in (line.split() for line in _ABSTRACT.strip().splitlines())
}
HEAP_BY_CODE: dict[int, str] = {row.code: row.name for row in ABSTRACT_HEAP_TYPES.values()}

#: Bytes of the binary format in front of a heap type, or of a type index that is meant exactly.
REF_CODE, REF_NULL_CODE, EXACT_CODE = 0x64, 0x63, 0x62


def _reftype_name(heap: HeapType, nullable: bool, exact: bool) -> str:
    if isinstance(heap, str) and nullable:
        return ABSTRACT_HEAP_TYPES[heap].shorthand
    target = f"(exact {heap})" if exact else f"{heap}"
    return f"(ref {'null ' if nullable else ''}{target})"


def ref_type(heap: HeapType, nullable: bool, exact: bool = False) -> RefType:
    """The reference type; the one object for it unless `heap` is an index."""
    if isinstance(heap, str):
        return (_NULLABLE if nullable else _NON_NULL)[heap]
    if isinstance(heap, int):
        return RefType(heap, nullable, exact)
    key = (nullable, exact)
    return heap.references.get(key) or heap.references.setdefault(key, RefType(heap, nullable, exact))


I32 = ValType("i32")
I64 = ValType("i64")
F32 = ValType("f32")
F64 = ValType("f64")
V128 = ValType("v128")
#: Packed types: storage of a field or array element only.
I8 = ValType("i8")
I16 = ValType("i16")
_NULLABLE = {heap: RefType(heap, True) for heap in ABSTRACT_HEAP_TYPES}
_NON_NULL = {heap: RefType(heap, False) for heap in ABSTRACT_HEAP_TYPES}
FUNCREF = _NULLABLE["func"]
EXTERNREF = _NULLABLE["extern"]
EXNREF = _NULLABLE["exn"]
ANYREF = _NULLABLE["any"]

NUMERIC_TYPES = (I32, I64, F32, F64)

#: The binary format's byte of each value type that has one. Spec: binary/types.html
VALTYPE_BY_CODE: dict[int, ValType] = {
    0x7F: I32,
    0x7E: I64,
    0x7D: F32,
    0x7C: F64,
    0x7B: V128,
    **{row.code: _NULLABLE[row.name] for row in ABSTRACT_HEAP_TYPES.values()},
}
#: Bytes of packed types. Spec: binary/types.html#composite-types
PACKED_BY_CODE: dict[int, ValType] = {0x78: I8, 0x77: I16}
#: The features that value, reference and heap types need by the byte they begin with; others need none.
FEATURE_BY_TYPE_CODE: dict[int, str] = {
    0x7B: "simd",
    **{row.code: row.feature for row in ABSTRACT_HEAP_TYPES.values() if row.feature != "mvp"},
    REF_CODE: "function-references",
    REF_NULL_CODE: "function-references",
    EXACT_CODE: "custom-descriptors",
}
CODE_BY_VALTYPE: dict[ValType, int] = {t: code for code, t in VALTYPE_BY_CODE.items()}
VALTYPE_BY_NAME: dict[str, ValType] = {t.name: t for t in CODE_BY_VALTYPE}


def valtype_named(name: str) -> ValType:
    """The value type whose text form is the one word `name`; KeyError if there is none."""
    return VALTYPE_BY_NAME.get(name) or {"i8": I8, "i16": I16}[name]


@dataclass(frozen=True, slots=True)
class FuncType:
    """`params -> results`. Spec: syntax/types.html#function-types"""

    params: tuple[ValType, ...]
    results: tuple[ValType, ...]

    kind: ClassVar[str] = "func"

    def __str__(self) -> str:
        return f"({_listed(self.params)}) -> ({_listed(self.results)})"


def _listed(types: tuple[ValType, ...]) -> str:
    """Types for messages, of a thousand the first ones."""
    names = [str(t) for t in types[:_SHOWN]]
    return ", ".join(names if len(types) <= _SHOWN else [*names, f"... {len(types) - _SHOWN} more"])


#: Types of a list that are shown.
_SHOWN = 64


@dataclass(frozen=True, slots=True)
class FieldType:
    """A field of a structure or the element of an array; `storage` may be packed."""

    storage: ValType
    mutable: bool

    def __str__(self) -> str:
        return f"(mut {self.storage})" if self.mutable else f"{self.storage}"


@dataclass(frozen=True, slots=True)
class StructType:
    """A structure. Spec: syntax/types.html#aggregate-types"""

    fields: tuple[FieldType, ...]

    kind: ClassVar[str] = "struct"

    def __str__(self) -> str:
        return f"struct {{{', '.join(map(str, self.fields))}}}"


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An array. Spec: syntax/types.html#aggregate-types"""

    element: FieldType

    kind: ClassVar[str] = "array"

    def __str__(self) -> str:
        return f"array {self.element}"


CompositeType = FuncType | StructType | ArrayType


@dataclass(frozen=True, slots=True)
class SubType:
    """A type definition as a module has it: indices in it are the module's.

    `supers` are the declared supertypes (at most one is valid); `describes` and `descriptor` are indices of
    the custom-descriptors proposal. Spec: syntax/types.html#recursive-types
    """

    composite: CompositeType
    supers: tuple[int, ...] = ()
    final: bool = True
    describes: int | None = None
    descriptor: int | None = None


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
    """A linear memory; limits in pages of `page_size` bytes (1 or 65536). `address` is i32 or i64."""

    limits: Limits
    address: ValType = I32
    shared: bool = False
    page_size: int = PAGE_SIZE

    kind: ClassVar[str] = "memory"

    def __str__(self) -> str:
        details = (
            ("i64 " if self.address is I64 else "") + str(self.limits) + (" shared" if self.shared else "")
        )
        return f"memory {details}" + ("" if self.page_size == PAGE_SIZE else f" (pagesize {self.page_size})")


@dataclass(frozen=True, slots=True)
class TableType:
    """A table of references; limits in elements. `address` is i32 or i64."""

    element: RefType
    limits: Limits
    address: ValType = I32

    kind: ClassVar[str] = "table"

    def __str__(self) -> str:
        return f"table {'i64 ' if self.address is I64 else ''}{self.limits} {self.element}"


@dataclass(frozen=True, slots=True)
class GlobalType:
    """A global variable's value type and mutability."""

    value: ValType
    mutable: bool

    kind: ClassVar[str] = "global"

    def __str__(self) -> str:
        return f"global {'mut ' if self.mutable else ''}{self.value}"


@dataclass(frozen=True, slots=True)
class TagType:
    """An exception tag: what a throw carries are the parameters. Spec: syntax/types.html#tag-types"""

    type: FuncType

    kind: ClassVar[str] = "tag"

    def __str__(self) -> str:
        return f"tag ({', '.join(map(str, self.type.params))})"


ExternType = FuncType | TableType | MemoryType | GlobalType | TagType
