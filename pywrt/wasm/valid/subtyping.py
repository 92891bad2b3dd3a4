"""Subtyping of closed types. Spec: valid/matching.html"""

from collections.abc import Sequence

from pywrt.wasm.deftypes import DefType
from pywrt.wasm.types import (
    ABSTRACT_HEAP_TYPES,
    ArrayType,
    CompositeType,
    FieldType,
    FuncType,
    HeapType,
    RefType,
    StructType,
    ValType,
    ref_type,
)

#: The type of a value in unreachable code: it matches every type. Spec: appendix/algorithm.html
BOT = ValType("bot")
#: The heap type of a reference in unreachable code, of which no more is known. Spec: valid/conventions.html
BOT_HEAP = "bot"
BOT_REF = RefType(BOT_HEAP, False)

#: What is below the abstract heap types between the top and the bottom of their hierarchy.
_BELOW_EQ = {
    "eq": ("i31", "struct", "array", "none"),
    "i31": ("none",),
    "struct": ("none",),
    "array": ("none",),
}
#: What is below each abstract heap type, itself among them. Spec: valid/matching.html#heap-types
_BELOW: dict[str, frozenset[str]] = {
    row.name: frozenset((row.name, BOT_HEAP, *_BELOW_EQ.get(row.name, ())))
    | {below.name for below in ABSTRACT_HEAP_TYPES.values() if below.top == row.name}
    for row in ABSTRACT_HEAP_TYPES.values()
}

#: The abstract heap types above a defined type, by its kind.
_ABOVE_DEFINED = {
    "func": frozenset(("func",)),
    "struct": frozenset(("struct", "eq", "any")),
    "array": frozenset(("array", "eq", "any")),
}


def top_of(heap: HeapType) -> str:
    """The top of the hierarchy that a closed heap type is in: any, func, extern or exn."""
    if isinstance(heap, DefType):
        return "func" if heap.kind == "func" else "any"
    assert isinstance(heap, str)
    return ABSTRACT_HEAP_TYPES[heap].top


#: The bottom of each hierarchy by its top.
BOTTOMS = {"any": "none", "func": "nofunc", "extern": "noextern", "exn": "noexn"}


def matches_heaptype(actual: HeapType, expected: HeapType) -> bool:
    """Whether a closed heap type is `expected` or below it. Spec: valid/matching.html#heap-types"""
    if isinstance(actual, DefType):
        if isinstance(expected, DefType):
            return actual.is_subtype(expected)
        return expected in _ABOVE_DEFINED[actual.kind]
    if isinstance(expected, DefType):
        return actual == BOTTOMS[top_of(expected)] or actual == BOT_HEAP
    return actual in _BELOW[expected]  # type: ignore[index]


def matches_reftype(actual: RefType, expected: RefType) -> bool:
    """Whether a closed reference type is below `expected`. Spec: valid/matching.html#reference-types"""
    if actual is expected:
        return True
    if actual.nullable and not expected.nullable:
        return False
    if expected.exact and isinstance(actual.heap, DefType):
        return actual.exact and actual.heap is expected.heap
    return matches_heaptype(actual.heap, expected.heap)


def matches_valtype(actual: ValType, expected: ValType) -> bool:
    """Whether a value of a closed type may stand for `expected`. Spec: valid/matching.html#value-types"""
    if actual is expected or actual is BOT or expected is BOT:
        return True
    return isinstance(actual, RefType) and isinstance(expected, RefType) and matches_reftype(actual, expected)


def matches_resulttype(actual: Sequence[ValType], expected: Sequence[ValType]) -> bool:
    """Whether values of closed types may stand for `expected`. Spec: valid/matching.html#result-types"""
    return len(actual) == len(expected) and all(map(matches_valtype, actual, expected))


def matches_fieldtype(actual: FieldType, expected: FieldType) -> bool:
    """Whether a closed field type is below `expected`. Spec: valid/matching.html#field-types"""
    if actual.mutable is not expected.mutable or not matches_valtype(actual.storage, expected.storage):
        return False
    return not actual.mutable or matches_valtype(expected.storage, actual.storage)


def matches_comptype(actual: CompositeType, expected: CompositeType) -> bool:
    """Whether a closed composite type is below `expected`. Spec: valid/matching.html#composite-types"""
    if isinstance(actual, FuncType) and isinstance(expected, FuncType):
        return matches_resulttype(expected.params, actual.params) and matches_resulttype(
            actual.results, expected.results
        )
    if isinstance(actual, StructType) and isinstance(expected, StructType):
        width = len(expected.fields)
        return len(actual.fields) >= width and all(
            map(matches_fieldtype, actual.fields[:width], expected.fields)
        )
    if isinstance(actual, ArrayType) and isinstance(expected, ArrayType):
        return matches_fieldtype(actual.element, expected.element)
    return False


def non_null(reftype: RefType) -> RefType:
    """The type of the references in `reftype` that are not null."""
    return ref_type(reftype.heap, False, reftype.exact) if reftype.nullable else reftype


def difference(actual: RefType, removed: RefType) -> RefType:
    """What is left of `actual` where a cast to `removed` has failed.

    Spec: valid/conventions.html (type difference): null is gone if `removed` takes it.
    """
    return non_null(actual) if removed.nullable else actual
