import pytest

from pywrt.wasm.deftypes import DefType, define_types
from pywrt.wasm.types import (
    ABSTRACT_HEAP_TYPES,
    ANYREF,
    EXTERNREF,
    FUNCREF,
    I8,
    I16,
    I32,
    I64,
    ArrayType,
    CompositeType,
    FieldType,
    FuncType,
    StructType,
    SubType,
    ref_type,
)
from pywrt.wasm.valid.subtyping import (
    BOT,
    BOT_REF,
    difference,
    matches_comptype,
    matches_heaptype,
    matches_reftype,
    matches_valtype,
)

EMPTY = StructType(())
#: What is directly below each abstract heap type that is no bottom.
CHILDREN = {
    "any": {"eq"},
    "eq": {"i31", "struct", "array"},
    "i31": {"none"},
    "struct": {"none"},
    "array": {"none"},
    "func": {"nofunc"},
    "extern": {"noextern"},
    "exn": {"noexn"},
}


def below(heap: str) -> set[str]:
    found = {heap}
    for child in CHILDREN.get(heap, ()):
        found |= below(child)
    return found


@pytest.fixture(scope="module")
def types() -> list[DefType]:
    """0 struct, 1 below 0, 2 below 1, 3 array, 4 func, 5 struct of its own."""
    return define_types(
        [
            SubType(EMPTY, final=False),
            SubType(EMPTY, (0,), final=False),
            SubType(EMPTY, (1,)),
            SubType(ArrayType(FieldType(I8, True))),
            SubType(FuncType((), ())),
            SubType(StructType((FieldType(I32, True),))),
        ]
    )


@pytest.mark.parametrize("expected", ABSTRACT_HEAP_TYPES)
def test_abstract_heap_types_match_what_is_above_them(expected: str) -> None:
    assert {heap for heap in ABSTRACT_HEAP_TYPES if matches_heaptype(heap, expected)} == below(expected)


@pytest.mark.parametrize(
    ("number", "above", "bottom"),
    [
        (0, {"struct", "eq", "any"}, "none"),
        (3, {"array", "eq", "any"}, "none"),
        (4, {"func"}, "nofunc"),
    ],
)
def test_defined_heap_type_stands_between_its_kind_and_the_bottom(
    types: list[DefType], number: int, above: set[str], bottom: str
) -> None:
    defined = types[number]
    assert {heap for heap in ABSTRACT_HEAP_TYPES if matches_heaptype(defined, heap)} == above
    assert {heap for heap in ABSTRACT_HEAP_TYPES if matches_heaptype(heap, defined)} == {bottom}


def test_defined_types_match_what_they_declare(types: list[DefType]) -> None:
    pairs = {(a, b) for a in range(6) for b in range(6) if matches_heaptype(types[a], types[b])}
    assert pairs == {(a, a) for a in range(6)} | {(1, 0), (2, 0), (2, 1)}


def test_reference_types_differ_by_nullability(types: list[DefType]) -> None:
    assert matches_reftype(ref_type(types[1], False), ref_type(types[0], True))
    assert not matches_reftype(ref_type(types[1], True), ref_type(types[0], False))
    assert matches_reftype(ref_type("none", True), ANYREF)
    assert not matches_reftype(ref_type("none", True), ref_type("any", False))


def test_exact_reference_matches_no_subtype(types: list[DefType]) -> None:
    exact = ref_type(types[0], True, True)
    assert matches_reftype(exact, exact)
    assert matches_reftype(exact, ref_type(types[0], True))
    assert matches_reftype(ref_type("none", False), exact)
    assert not matches_reftype(ref_type(types[0], True), exact)
    assert not matches_reftype(ref_type(types[1], True, True), exact)
    assert matches_reftype(ref_type(types[1], True, True), ref_type(types[0], True))


def test_value_types_match_only_themselves_and_bot() -> None:
    assert matches_valtype(I32, I32)
    assert not matches_valtype(I32, I64)
    assert not matches_valtype(I32, FUNCREF)
    assert not matches_valtype(FUNCREF, EXTERNREF)
    assert matches_valtype(BOT, I32)
    assert matches_valtype(BOT, FUNCREF)


def test_unknown_reference_matches_all_references_only(types: list[DefType]) -> None:
    for expected in (ANYREF, FUNCREF, EXTERNREF, ref_type(types[4], False), ref_type(types[0], False, True)):
        assert matches_valtype(BOT_REF, expected)
    assert not matches_valtype(BOT_REF, I32)


def struct(*fields: FieldType) -> StructType:
    return StructType(fields)


VAR_ANY, CONST_ANY = FieldType(ANYREF, True), FieldType(ANYREF, False)
VAR_I31, CONST_I31 = FieldType(ref_type("i31", True), True), FieldType(ref_type("i31", True), False)


@pytest.mark.parametrize(
    ("actual", "expected", "verdict"),
    [
        (struct(CONST_I31), struct(CONST_ANY), True),
        (struct(CONST_I31, VAR_ANY), struct(CONST_ANY), True),
        (struct(), struct(CONST_ANY), False),
        (struct(VAR_I31), struct(VAR_ANY), False),
        (struct(VAR_ANY), struct(VAR_ANY), True),
        (struct(VAR_ANY), struct(CONST_ANY), False),
        (struct(FieldType(I8, True)), struct(FieldType(I16, True)), False),
        (ArrayType(CONST_I31), ArrayType(CONST_ANY), True),
        (ArrayType(CONST_ANY), ArrayType(CONST_I31), False),
        (ArrayType(CONST_ANY), struct(CONST_ANY), False),
        (FuncType((ANYREF,), (I32,)), FuncType((ref_type("i31", True),), (I32,)), True),
        (FuncType((ref_type("i31", True),), ()), FuncType((ANYREF,), ()), False),
        (FuncType((), (ref_type("i31", True),)), FuncType((), (ANYREF,)), True),
        (FuncType((), (ANYREF,)), FuncType((), (ref_type("i31", True),)), False),
        (FuncType((I32,), ()), FuncType((), ()), False),
    ],
)
def test_composite_types_match_by_variance(
    actual: CompositeType, expected: CompositeType, verdict: bool
) -> None:
    assert matches_comptype(actual, expected) is verdict


def test_difference_takes_null_away_where_the_cast_takes_it() -> None:
    assert difference(ANYREF, ref_type("i31", True)) is ref_type("any", False)
    assert difference(ANYREF, ref_type("i31", False)) is ANYREF
    assert difference(ref_type("any", False), ref_type("i31", True)) is ref_type("any", False)
