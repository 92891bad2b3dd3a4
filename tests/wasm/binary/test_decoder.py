import tracemalloc
from collections.abc import Callable

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import InvalidError, LimitError, MalformedError
from pywrt.wasm.binary import decode_module
from pywrt.wasm.module import Export, Expr, Tag
from pywrt.wasm.types import (
    FUNCREF,
    I32,
    I64,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    SubType,
    TableType,
    TagType,
    ref_type,
)

HEADER = b"\0asm\1\0\0\0"
Build = Callable[..., bytes]

TYPE = (1, b"\x01\x60\x00\x00")
FUNC = (3, b"\x01\x00")
BODY = (10, b"\x01\x02\x00\x0b")


def malformed(data: bytes, features: frozenset[str] = ALL_FEATURES) -> MalformedError:
    with pytest.raises(MalformedError) as error:
        decode_module(data, features=features)
    return error.value


def test_decode_empty_module_has_no_sections() -> None:
    module = decode_module(HEADER)
    assert (module.types, module.funcs, len(module.code), module.start) == ([], [], 0, None)


@pytest.mark.parametrize("cut", range(8))
def test_decode_cut_header_raises_unexpected_end(cut: int) -> None:
    assert malformed(HEADER[:cut]).message == "unexpected end"


def test_decode_wrong_magic_raises() -> None:
    assert malformed(b"asm\0\1\0\0\0").message.startswith("magic header not detected")


def test_decode_component_says_so() -> None:
    error = malformed(b"\0asm\x0d\0\1\0")
    assert error.message == "unknown binary version: this is a component, not a core module"
    assert error.offset == 4


def test_decode_all_sections_gives_their_content(binary: Build) -> None:
    module = decode_module(
        binary(
            (1, b"\x02\x60\x01\x7f\x01\x7e\x60\x01\x7f\x00"),
            (2, b"\x03\x01m\x01f\x00\x00\x01m\x01g\x03\x7f\x01\x01m\x01t\x04\x00\x01"),
            (3, b"\x01\x00"),
            (4, b"\x01\x70\x01\x02\x03"),
            (5, b"\x01\x00\x01"),
            (13, b"\x01\x00\x01"),
            (6, b"\x01\x7e\x00\x42\x05\x0b"),
            (7, b"\x02\x01e\x00\x01\x01t\x04\x00"),
            (8, b"\x00"),
            (9, b"\x01\x00\x41\x00\x0b\x01\x01"),
            (12, b"\x01"),
            (10, b"\x01\x06\x01\x02\x7e\x42\x00\x0b"),
            (11, b"\x01\x01\x03abc"),
            (0, b"\x01xyz"),
        ),
        features=ALL_FEATURES,
    )
    functype = FuncType((I32,), (I64,))
    tagtype = TagType(FuncType((I32,), ()))
    assert module.types == [SubType(functype), SubType(tagtype.type)]
    assert [(i.module, i.name, i.desc, i.type_index, i.exact) for i in module.imports] == [
        ("m", "f", functype, 0, False),
        ("m", "g", GlobalType(I32, True), 0, False),
        ("m", "t", tagtype, 1, False),
    ]
    assert module.funcs == [0]
    assert module.tables[0].type == TableType(FUNCREF, Limits(2, 3))
    assert module.memories == [MemoryType(Limits(1))]
    assert module.tags == [Tag(tagtype, 1)]
    assert bytes(module.globals[0].init) == b"\x42\x05\x0b"
    assert module.exports == [Export("e", "func", 1), Export("t", "tag", 0)]
    assert (module.start, module.data_count) == (0, 1)
    assert (module.elems[0].mode, module.elems[0].type, module.elems[0].init) == (
        "active",
        ref_type("func", False),
        (1,),
    )
    code = module.code[0]
    assert (code.locals, bytes(code.expr)) == (((2, I64),), b"\x42\x00\x0b")
    assert (module.datas[0].mode, bytes(module.datas[0])) == ("passive", b"abc")
    assert (module.customs[0].name, module.customs[0].data, module.customs[0].after) == ("x", b"yz", 11)


def test_decode_part_of_a_file_keeps_file_offsets(binary: Build) -> None:
    inner = binary(TYPE, FUNC, BODY)
    module = decode_module(b"#" * 100 + inner + b"#" * 7, 100, 100 + len(inner))
    assert module.code[0].start == 100 + len(inner) - 2
    with pytest.raises(MalformedError) as error:
        decode_module(b"#" * 100 + inner + b"#" * 7, 100, 100 + len(inner) + 1)
    assert error.value.offset == 100 + len(inner)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ([(14, b"")], "malformed section id 14"),
        ([(1, b"\x00"), (1, b"\x00")], "unexpected content after last section"),
        ([(3, b"\x00"), (2, b"\x00")], "unexpected content after last section"),
        ([(10, b"\x00"), (12, b"\x00")], "unexpected content after last section"),
        ([(1, b"\x00\x00")], "section size mismatch"),
        ([(1, b"\x01\x60\x00")], "unexpected end of section or function"),
        ([TYPE, FUNC], "function and code section have inconsistent lengths"),
        ([BODY], "function and code section have inconsistent lengths"),
        ([(12, b"\x01")], "data count and data section have inconsistent lengths"),
        ([(1, b"\x01\x61")], "malformed definition type 0x61"),
        ([(1, b"\x01\x60\x01\x40\x00")], "malformed value type 0x40"),
        ([(2, b"\x01\x00\x00\x05")], "malformed import kind 0x05"),
        ([(4, b"\x01\x7f\x00\x00")], "malformed reference type 0x7f"),
        ([(4, b"\x01\x40\x01\x70\x00\x00")], "zero byte expected"),
        ([(5, b"\x01\x10\x00")], "malformed limits flags 0x10"),
        ([(4, b"\x01\x70\x02\x00")], "malformed limits flags 0x02"),
        ([(4, b"\x01\x70\x08\x00\x00")], "malformed limits flags 0x08"),
        ([(5, b"\x01\x08\x00\x40")], "invalid custom page size"),
        ([(13, b"\x01\x01\x00")], "zero byte expected"),
        ([(2, b"\x01\x00\x00\x04\x01\x00")], "zero byte expected"),
        ([(6, b"\x01\x7f\x02\x41\x00\x0b")], "malformed mutability"),
        ([(6, b"\x01\x7f\x00\xf3\x00\x0b")], "illegal opcode f3"),
        ([(6, b"\x01\x7f\x00\x05\x0b")], "END opcode expected"),
        ([(6, b"\x01\x7f\x00\x41\x00")], "unexpected end of section or function"),
        ([(7, b"\x01\x00\x09\x00")], "malformed export kind 0x09"),
        ([(9, b"\x01\x08")], "malformed elements segment kind"),
        ([(9, b"\x01\x01\x01\x00")], "malformed element kind 0x01"),
        ([(11, b"\x01\x03")], "malformed data segment kind"),
        ([(0, b"")], "unexpected end of section or function"),
        ([(0, b"\x02\xff\xff")], "malformed UTF-8 encoding"),
    ],
)
def test_decode_malformed_section_raises(
    binary: Build, sections: list[tuple[int, bytes]], message: str
) -> None:
    error = malformed(binary(*sections))
    assert error.message.startswith(message)
    assert error.feature is None
    assert error.offset is not None


NEEDED = [
    ([(1, b"\x01\x60\x01\x7b\x00")], "simd"),
    ([(1, b"\x01\x60\x01\x6f\x00")], "reference-types"),
    ([(1, b"\x01\x5f\x00")], "gc"),
    ([(1, b"\x01\x5e\x7f\x00")], "gc"),
    ([(1, b"\x01\x4e\x00")], "gc"),
    ([(1, b"\x01\x50\x00\x60\x00\x00")], "gc"),
    ([(1, b"\x01\x4f\x00\x60\x00\x00")], "gc"),
    ([(1, b"\x02\x4d\x01\x60\x00\x00\x60\x00\x00")], "custom-descriptors"),
    ([(1, b"\x01\x60\x01\x63\x70\x00")], "function-references"),
    ([(1, b"\x01\x60\x01\x64\x62\x00\x00")], "custom-descriptors"),
    ([(1, b"\x01\x60\x01\x69\x00")], "exceptions"),
    ([TYPE, (2, b"\x01\x00\x00\x04\x00\x00")], "exceptions"),
    ([TYPE, (2, b"\x01\x00\x00\x20\x00")], "custom-descriptors"),
    ([(13, b"\x00")], "exceptions"),
    ([(7, b"\x01\x00\x04\x00")], "exceptions"),
    ([(5, b"\x01\x04\x00")], "memory64"),
    ([(4, b"\x01\x70\x04\x00")], "memory64"),
    ([(5, b"\x01\x03\x00\x01")], "threads"),
    ([(5, b"\x01\x08\x00\x00")], "custom-page-sizes"),
    ([(4, b"\x01\x6e\x00\x00")], "gc"),
    ([(4, b"\x01\x40\x00\x70\x00\x00\xd0\x70\x0b")], "function-references"),
    ([(9, b"\x01\x01\x00\x00")], "bulk-memory"),
    ([(11, b"\x01\x01\x00")], "bulk-memory"),
    ([(12, b"\x00")], "bulk-memory"),
]


@pytest.mark.parametrize(("sections", "feature"), NEEDED)
def test_decode_without_a_feature_names_it(
    binary: Build, sections: list[tuple[int, bytes]], feature: str
) -> None:
    data = binary(*sections)
    error = malformed(data, ALL_FEATURES - {feature})
    assert error.feature == feature
    assert error.message.endswith(f": needs the feature {feature}")
    assert error.offset is not None
    decode_module(data, features=ALL_FEATURES)


def test_decode_exact_import_says_so(binary: Build) -> None:
    module = decode_module(binary(TYPE, (2, b"\x01\x00\x00\x20\x00")), features=ALL_FEATURES)
    assert (module.imports[0].desc, module.imports[0].exact) == (FuncType((), ()), True)


@pytest.mark.parametrize("section", [(2, b"\x01\x00\x00\x00\x00"), (13, b"\x01\x00\x00")])
def test_decode_use_of_a_struct_as_function_type_raises_invalid(
    binary: Build, section: tuple[int, bytes]
) -> None:
    with pytest.raises(InvalidError, match="non-function type 0") as error:
        decode_module(binary((1, b"\x01\x5f\x00"), section), features=ALL_FEATURES)
    assert error.value.offset is not None


@pytest.mark.parametrize("kind", range(8))
def test_decode_elem_of_each_kind_gives_its_parts(binary: Build, kind: int) -> None:
    table, offset = (b"\x02" if kind & 2 else b""), b"\x41\x00\x0b"
    place = b"" if kind & 1 else table + offset
    type = b"" if not kind & 3 else b"\x64\x6e" if kind & 4 else b"\x00"
    items = b"\x01\xd0\x70\x0b" if kind & 4 else b"\x01\x05"
    data = binary((9, b"\x01" + bytes([kind]) + place + type + items))
    elem = decode_module(data, features=ALL_FEATURES).elems[0]
    assert elem.mode == ("active", "passive", "active", "declarative")[kind & 3]
    assert elem.table == (2 if kind & 3 == 2 else 0)
    assert (elem.offset is None) == bool(kind & 1)
    assert elem.init == ((Expr(b"\xd0\x70\x0b", 0, 3),) if kind & 4 else (5,))
    listed, explicit = ref_type("func", False), ref_type("any", False)
    assert elem.type == (FUNCREF if kind == 4 else explicit if kind & 4 else listed)


def test_decode_section_past_the_file_raises_length_out_of_bounds() -> None:
    assert malformed(HEADER + b"\x01\x05\x00").message == "length out of bounds"


def test_decode_import_of_unknown_type_raises_invalid(binary: Build) -> None:
    with pytest.raises(InvalidError, match="unknown type 3") as error:
        decode_module(binary((2, b"\x01\x00\x00\x00\x03")))
    assert error.value.offset == 14


@pytest.mark.parametrize("section", [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13])
def test_decode_hostile_count_allocates_nothing(section: int, binary: Build) -> None:
    data = binary((section, b"\xff\xff\xff\xff\x0f"))
    tracemalloc.start()
    try:
        malformed(data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_decode_more_params_than_the_limit_raises(binary: Build) -> None:
    content = b"\x01\x60\xe9\x07" + b"\x7f" * 1001 + b"\x00"
    with pytest.raises(LimitError, match="too many parameters: 1001"):
        decode_module(HEADER + b"\x01\xee\x07" + content)


def test_code_bodies_are_decoded_only_when_indexed(binary: Build) -> None:
    module = decode_module(binary(TYPE, FUNC, (10, b"\x01\x04\x01\x01\x40\x0b")))
    assert len(module.code) == 1
    with pytest.raises(MalformedError, match="malformed value type 0x40") as error:
        module.code[0]
    assert error.value.offset == 8 + 6 + 4 + 6


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (b"\x02\xff\xff\xff\xff\x0f\x7f\x02\x7e", "too many locals"),
        (b"\x01\x80\x80\x80\x80\x10\x7f", "integer too large"),
        (b"\x05\x01\x7f", "unexpected end of section or function"),
    ],
)
def test_code_malformed_locals_raise(binary: Build, runs: bytes, message: str) -> None:
    body = runs + b"\x0b"
    data = binary(TYPE, FUNC, (10, b"\x01" + bytes([len(body)]) + body))
    with pytest.raises(MalformedError, match=message):
        decode_module(data).code[0]


def test_code_last_body_that_overruns_its_size_names_the_fault(binary: Build) -> None:
    body = b"\x00\x41\x00\x28\x80\x80\x80\x80\x10\x00\x1a\x0b"
    data = binary(TYPE, FUNC, (10, b"\x01\x07" + body[:7])) + body[7:]
    assert malformed(data).message == "integer too large"


def test_code_sequence_behaves_as_one(binary: Build) -> None:
    data = binary(TYPE, (3, b"\x02\x00\x00"), (10, b"\x02\x02\x00\x0b\x03\x00\x01\x0b"))
    code = decode_module(data).code
    assert [bytes(c.expr) for c in code] == [b"\x0b", b"\x01\x0b"]
    assert code == list(code)
    assert code[::-1] == [code[1], code[0]]
    assert code != [code[0]]
    with pytest.raises(IndexError):
        code[2]


def test_expr_equality_is_of_its_bytes() -> None:
    assert Expr(b"xx\x0b", 2, 3) == Expr(b"\x0b", 0, 1)
    assert hash(Expr(b"xx\x0b", 2, 3)) == hash(Expr(b"\x0b", 0, 1))
    assert Expr(b"\x0b\x0b", 0, 1) != Expr(b"\x01\x0b", 0, 2)


def test_decode_mutable_buffer_is_copied(binary: Build) -> None:
    buffer = bytearray(binary(TYPE, FUNC, BODY))
    module = decode_module(buffer)  # type: ignore[arg-type]
    buffer[-1] = 0
    assert bytes(module.code[0].expr) == b"\x0b"


def test_global_without_end_before_another_section_is_not_taken_for_a_feature() -> None:
    # the next section's id, 0x0a, is also the opcode of throw_ref
    data = (
        HEADER
        + b"\x01\x04\x01\x60\0\0"
        + b"\x03\x02\x01\0"
        + b"\x06\x05\x01\x7f\0\x41\0"
        + b"\x0a\x04\x01\x02\0\x0b"
    )
    with pytest.raises(MalformedError, match="unexpected end of section or function") as caught:
        decode_module(data, features=ALL_FEATURES)
    assert caught.value.feature is None
