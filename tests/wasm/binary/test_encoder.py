import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.module import Code, Custom, Data, Elem, Export, Expr, Global, Import, Module, Table
from pywrt.wasm.types import (
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
)

U32 = st.integers(0, 2**32 - 1)
VALTYPES = st.sampled_from([I32, I64, F32, F64, FUNCREF, EXTERNREF])
REFTYPES = st.sampled_from([FUNCREF, EXTERNREF])
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
LIMITS = st.builds(Limits, U32, st.none() | U32)
TABLETYPES = st.builds(TableType, REFTYPES, LIMITS)
MEMORYTYPES = st.builds(MemoryType, LIMITS)
GLOBALTYPES = st.builds(GlobalType, VALTYPES, st.booleans())
VALTYPE_TUPLES = st.lists(VALTYPES, max_size=3).map(tuple)


@st.composite
def elems(draw: st.DrawFn) -> Elem:
    mode = draw(st.sampled_from(["active", "passive", "declarative"]))
    place = (draw(st.integers(0, 200)), draw(EXPRS)) if mode == "active" else (0, None)
    if draw(st.booleans()):
        return Elem(FUNCREF, tuple(draw(st.lists(U32, max_size=3))), mode, *place)
    # An empty list of expressions of funcref is written as an empty list of indices: the same segment.
    return Elem(draw(REFTYPES), tuple(draw(st.lists(EXPRS, min_size=1, max_size=3))), mode, *place)


@st.composite
def datas(draw: st.DrawFn) -> Data:
    content = draw(st.binary(max_size=200))
    place = (draw(st.integers(0, 200)), draw(EXPRS)) if draw(st.booleans()) else (0, None)
    return Data(content, 0, len(content), "passive" if place[1] is None else "active", *place)


@st.composite
def modules(draw: st.DrawFn) -> Module:
    types = draw(st.lists(st.builds(FuncType, VALTYPE_TUPLES, VALTYPE_TUPLES), max_size=3))
    descs: st.SearchStrategy[tuple[object, int]]
    descs = st.tuples(TABLETYPES | MEMORYTYPES | GLOBALTYPES, st.just(0))
    if types:
        descs |= st.integers(0, len(types) - 1).map(lambda i: (types[i], i))
    imports = draw(st.lists(st.tuples(NAMES, NAMES, descs), max_size=3))
    funcs = draw(st.lists(U32, max_size=3))
    bodies = st.builds(Code, st.just(0), st.lists(st.tuples(U32, VALTYPES), max_size=1).map(tuple), EXPRS)
    segments = draw(st.lists(datas(), max_size=3))
    return Module(
        types=types,
        imports=[Import(module, name, desc, index) for module, name, (desc, index) in imports],
        funcs=funcs,
        tables=draw(st.lists(st.builds(Table, TABLETYPES, st.none() | EXPRS), max_size=2)),
        memories=draw(st.lists(MEMORYTYPES, max_size=2)),
        globals=draw(st.lists(st.builds(Global, GLOBALTYPES, EXPRS), max_size=2)),
        exports=draw(
            st.lists(
                st.builds(Export, NAMES, st.sampled_from(["func", "table", "memory", "global"]), U32),
                max_size=3,
            )
        ),
        start=draw(st.none() | U32),
        elems=draw(st.lists(elems(), max_size=3)),
        data_count=draw(st.sampled_from([None, len(segments)])),
        code=[draw(bodies) for _ in funcs],
        datas=segments,
        customs=sorted(
            draw(
                st.lists(
                    st.builds(Custom, NAMES, st.binary(max_size=9), st.sampled_from([0, 1, 3, 6, 10, 11])),
                    max_size=2,
                )
            ),
            key=lambda custom: custom.after,
        ),
    )


@given(modules())
def test_decode_of_encoded_module_is_the_module(module: Module) -> None:
    assert decode_module(encode_module(module)) == module


def test_encode_empty_module_is_the_header() -> None:
    assert encode_module(Module()) == b"\0asm\1\0\0\0"


@pytest.mark.parametrize(
    ("elem", "encoded"),
    [
        (Elem(FUNCREF, (1,), "active", 0, expr(CONSTANTS[0])), b"\x00\x41\x2a\x0b\x01\x01"),
        (Elem(FUNCREF, (1,), "passive"), b"\x01\x00\x01\x01"),
        (Elem(FUNCREF, (1,), "active", 2, expr(CONSTANTS[0])), b"\x02\x02\x41\x2a\x0b\x00\x01\x01"),
        (Elem(FUNCREF, (1,), "declarative"), b"\x03\x00\x01\x01"),
        (
            Elem(FUNCREF, (expr(CONSTANTS[4]), 1), "active", 0, expr(CONSTANTS[0])),
            b"\x04\x41\x2a\x0b\x02\xd0\x70\x0b\xd2\x01\x0b",
        ),
        (Elem(EXTERNREF, (), "passive"), b"\x05\x6f\x00"),
        (Elem(EXTERNREF, (), "active", 0, expr(CONSTANTS[0])), b"\x06\x00\x41\x2a\x0b\x6f\x00"),
        (Elem(EXTERNREF, (), "declarative"), b"\x07\x6f\x00"),
    ],
)
def test_encode_elem_takes_the_shortest_form(elem: Elem, encoded: bytes) -> None:
    data = encode_module(Module(elems=[elem]))
    assert data[8:] == b"\x09" + bytes([len(encoded) + 1]) + b"\x01" + encoded


def test_encode_custom_behind_an_absent_section_keeps_its_place() -> None:
    module = Module(customs=[Custom("a", b"1", 6)], start=0)
    again = decode_module(encode_module(module))
    assert again.customs == module.customs
