from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywrt.config import ALL_FEATURES
from pywrt.errors import WasmError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.module import Code, Custom, Data, Elem, Export, Expr, Global, Import, Module, Table, Tag
from pywrt.wasm.types import (
    ABSTRACT_HEAP_TYPES,
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I8,
    I16,
    I32,
    I64,
    V128,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    StructType,
    SubType,
    TableType,
    TagType,
    ref_type,
)

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
ABSTRACT = st.builds(ref_type, st.sampled_from(sorted(ABSTRACT_HEAP_TYPES)), st.booleans())
REFTYPES = ABSTRACT | st.builds(ref_type, U32, st.booleans(), st.booleans())
VALTYPES = st.sampled_from([I32, I64, F32, F64, V128]) | REFTYPES
FUNC_REFERENCES = ref_type("func", False)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
CONSTANTS = [
    b"\x41\x2a\x0b",
    b"\x42\x80\x7f\x0b",
    b"\x43\x00\x00\xc0\x7f\x0b",
    b"\x44\x00\x00\x00\x00\x00\x00\xf0\x3f\x0b",
    b"\xd0\x70\x0b",
    b"\xd2\x03\x0b",
    b"\x23\x81\x00\x0b",
    b"\x41\x01\x41\x02\x6a\x0b",
]


def expr(code: bytes) -> Expr:
    return Expr(code, 0, len(code))


EXPRS = st.sampled_from(CONSTANTS).map(expr)
LIMITS = st.builds(Limits, U64, st.none() | U64)
ADDRESSES = st.sampled_from([I32, I64])
TABLETYPES = st.builds(TableType, REFTYPES, LIMITS, ADDRESSES)
PAGE_SIZES = st.integers(0, 63).map(lambda exponent: 1 << exponent)
MEMORYTYPES = st.builds(MemoryType, LIMITS, ADDRESSES, st.booleans(), PAGE_SIZES)
GLOBALTYPES = st.builds(GlobalType, VALTYPES, st.booleans())
VALTYPE_TUPLES = st.lists(VALTYPES, max_size=3).map(tuple)
FUNCTYPES = st.builds(FuncType, VALTYPE_TUPLES, VALTYPE_TUPLES)
FIELDTYPES = st.builds(FieldType, VALTYPES | st.sampled_from([I8, I16]), st.booleans())
STRUCTTYPES = st.builds(StructType, st.lists(FIELDTYPES, max_size=3).map(tuple))
SUBTYPES = st.builds(
    SubType,
    FUNCTYPES | STRUCTTYPES | st.builds(ArrayType, FIELDTYPES),
    st.lists(U32, max_size=2).map(tuple),
    st.booleans(),
    st.none() | U32,
    st.none() | U32,
)


@st.composite
def type_sections(draw: st.DrawFn) -> tuple[list[SubType], list[tuple[int, int]]]:
    """Types, and which of them are in explicit groups, empty ones among them."""
    types: list[SubType] = []
    groups = []
    for members in draw(st.lists(SUBTYPES | st.lists(SUBTYPES, max_size=3), max_size=4)):
        if isinstance(members, list):
            groups.append((len(types), len(members)))
        types += members if isinstance(members, list) else [members]
    return types, groups


@st.composite
def elems(draw: st.DrawFn) -> Elem:
    mode = draw(st.sampled_from(["active", "passive", "declarative"]))
    place = (draw(st.integers(0, 200)), draw(EXPRS)) if mode == "active" else (0, None)
    if draw(st.booleans()):
        return Elem(FUNC_REFERENCES, tuple(draw(st.lists(U32, max_size=3))), mode, *place)
    # An empty list of expressions of (ref func) is written as an empty list of indices: the same segment.
    return Elem(draw(REFTYPES), tuple(draw(st.lists(EXPRS, min_size=1, max_size=3))), mode, *place)


@st.composite
def datas(draw: st.DrawFn) -> Data:
    content = draw(st.binary(max_size=200))
    place = (draw(st.integers(0, 200)), draw(EXPRS)) if draw(st.booleans()) else (0, None)
    return Data(content, 0, len(content), "passive" if place[1] is None else "active", *place)


@st.composite
def modules(draw: st.DrawFn) -> Module:
    types, rec_groups = draw(type_sections())
    indices = [i for i, subtype in enumerate(types) if isinstance(subtype.composite, FuncType)]
    descs: st.SearchStrategy[tuple[Any, int, bool]]
    descs = st.tuples(TABLETYPES | MEMORYTYPES | GLOBALTYPES, st.just(0), st.just(False))
    tags: st.SearchStrategy[Tag] = st.nothing()
    if indices:
        functypes: st.SearchStrategy[tuple[Any, int]]
        functypes = st.sampled_from([(types[i].composite, i) for i in indices])
        tags = functypes.map(lambda pair: Tag(TagType(pair[0]), pair[1]))
        descs |= st.builds(lambda pair, exact: (*pair, exact), functypes, st.booleans())
        descs |= tags.map(lambda tag: (tag.type, tag.type_index, False))
    imports = draw(st.lists(st.tuples(NAMES, NAMES, descs), max_size=3))
    funcs = draw(st.lists(U32, max_size=3))
    bodies = st.builds(Code, st.just(0), st.lists(st.tuples(U32, VALTYPES), max_size=1).map(tuple), EXPRS)
    segments = draw(st.lists(datas(), max_size=3))
    return Module(
        types=types,
        rec_groups=rec_groups,
        imports=[Import(module, name, *desc) for module, name, desc in imports],
        funcs=funcs,
        tables=draw(st.lists(st.builds(Table, TABLETYPES, st.none() | EXPRS), max_size=2)),
        memories=draw(st.lists(MEMORYTYPES, max_size=2)),
        tags=draw(st.lists(tags, max_size=2)) if indices else [],
        globals=draw(st.lists(st.builds(Global, GLOBALTYPES, EXPRS), max_size=2)),
        exports=draw(
            st.lists(
                st.builds(Export, NAMES, st.sampled_from(["func", "table", "memory", "global", "tag"]), U32),
                max_size=3,
            )
        ),
        start=draw(st.none() | U32),
        elems=draw(st.lists(elems(), max_size=3)),
        data_count=draw(st.sampled_from([None, len(segments)])),
        code=[draw(bodies) for _ in funcs],
        datas=segments,
        customs=draw(st.lists(st.builds(Custom, NAMES, st.binary(max_size=9)), max_size=2)),
    )


@given(modules())
def test_decode_of_encoded_module_is_the_module(module: Module) -> None:
    assert decode_module(encode_module(module), features=ALL_FEATURES) == module


@given(modules(), st.data())
def test_decode_of_a_changed_or_cut_module_raises_only_typed_errors(
    module: Module, data: st.DataObject
) -> None:
    changed = bytearray(encode_module(module))
    for _ in range(data.draw(st.integers(0, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(changed[: data.draw(st.integers(0, len(changed)))])
    for file in (bytes(changed), cut):
        try:
            again = decode_module(file, features=ALL_FEATURES)
            bodies = list(again.code)
        except WasmError:
            continue
        assert all(body.expr.end <= len(file) for body in bodies)


def test_encode_empty_module_is_the_header() -> None:
    assert encode_module(Module()) == b"\0asm\1\0\0\0"


@pytest.mark.parametrize(
    ("elem", "encoded"),
    [
        (Elem(FUNC_REFERENCES, (1,), "active", 0, expr(CONSTANTS[0])), b"\x00\x41\x2a\x0b\x01\x01"),
        (Elem(FUNC_REFERENCES, (1,), "passive"), b"\x01\x00\x01\x01"),
        (
            Elem(FUNC_REFERENCES, (1,), "active", 2, expr(CONSTANTS[0])),
            b"\x02\x02\x41\x2a\x0b\x00\x01\x01",
        ),
        (Elem(FUNC_REFERENCES, (1,), "declarative"), b"\x03\x00\x01\x01"),
        (
            Elem(FUNCREF, (expr(CONSTANTS[4]), 1), "active", 0, expr(CONSTANTS[0])),
            b"\x04\x41\x2a\x0b\x02\xd0\x70\x0b\xd2\x01\x0b",
        ),
        (Elem(FUNCREF, (1,), "passive"), b"\x05\x70\x01\xd2\x01\x0b"),
        (Elem(EXTERNREF, (), "passive"), b"\x05\x6f\x00"),
        (Elem(EXTERNREF, (), "active", 0, expr(CONSTANTS[0])), b"\x06\x00\x41\x2a\x0b\x6f\x00"),
        (
            Elem(FUNCREF, (), "active", 2, expr(CONSTANTS[0])),
            b"\x06\x02\x41\x2a\x0b\x70\x00",
        ),
        (Elem(EXTERNREF, (), "declarative"), b"\x07\x6f\x00"),
    ],
)
def test_encode_elem_takes_the_shortest_form(elem: Elem, encoded: bytes) -> None:
    data = encode_module(Module(elems=[elem]))
    assert data[8:] == b"\x09" + bytes([len(encoded) + 1]) + b"\x01" + encoded


@pytest.mark.parametrize(
    ("subtype", "encoded"),
    [
        (SubType(FuncType((), ())), b"\x60\x00\x00"),
        (SubType(FuncType((), ()), final=False), b"\x50\x00\x60\x00\x00"),
        (SubType(FuncType((), ()), (3,)), b"\x4f\x01\x03\x60\x00\x00"),
        (SubType(StructType((FieldType(I8, True),)), (3,), False), b"\x50\x01\x03\x5f\x01\x78\x01"),
        (SubType(ArrayType(FieldType(I16, False))), b"\x5e\x77\x00"),
        (SubType(StructType(()), describes=1, descriptor=2), b"\x4c\x01\x4d\x02\x5f\x00"),
        (SubType(StructType(()), final=False, descriptor=2), b"\x50\x00\x4d\x02\x5f\x00"),
        (SubType(FuncType((ref_type("any", True),), ())), b"\x60\x01\x6e\x00"),
        (SubType(FuncType((ref_type("any", False),), ())), b"\x60\x01\x64\x6e\x00"),
        (SubType(FuncType((ref_type(64, True),), ())), b"\x60\x01\x63\xc0\x00\x00"),
        (SubType(FuncType((ref_type(5, False, True),), ())), b"\x60\x01\x64\x62\x05\x00"),
    ],
)
def test_encode_subtype_takes_the_shortest_form(subtype: SubType, encoded: bytes) -> None:
    data = encode_module(Module(types=[subtype]))
    assert data[8:] == b"\x01" + bytes([len(encoded) + 1]) + b"\x01" + encoded


def test_encode_rec_groups_are_kept_apart_from_single_types() -> None:
    types = [SubType(StructType(()))] * 4
    data = encode_module(Module(types=types, rec_groups=[(1, 2), (3, 0)]))
    assert data[8:] == b"\x01\x0d\x04\x5f\x00\x4e\x02\x5f\x00\x5f\x00\x4e\x00\x5f\x00"


@pytest.mark.parametrize(
    ("memory", "encoded"),
    [
        (MemoryType(Limits(1)), b"\x00\x01"),
        (MemoryType(Limits(1, 2), shared=True), b"\x03\x01\x02"),
        (MemoryType(Limits(1, 2), I64), b"\x05\x01\x02"),
        (MemoryType(Limits(1), page_size=1), b"\x08\x01\x00"),
        (MemoryType(Limits(1, 2), I64, True, 1 << 63), b"\x0f\x01\x02\x3f"),
    ],
)
def test_encode_memory_flags_say_what_follows(memory: MemoryType, encoded: bytes) -> None:
    data = encode_module(Module(memories=[memory]))
    assert data[8:] == b"\x05" + bytes([len(encoded) + 1]) + b"\x01" + encoded


def test_encode_custom_sections_keep_their_places() -> None:
    module = Module(
        start=0,
        data_count=0,
        customs=[Custom("a", b"", 0), Custom("b", b"", 8), Custom("c", b"", 8), Custom("d", b"", 12)],
    )
    again = decode_module(encode_module(module))
    assert again.customs == module.customs


def test_encode_custom_behind_an_absent_section_stands_where_that_would() -> None:
    module = Module(customs=[Custom("a", b"1", 6), Custom("b", b"2", 11)], start=0)
    assert encode_module(module)[8:] == b"\0\3\1a1" + b"\x08\1\0" + b"\0\3\1b2"
