import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import LimitError, MalformedError
from pywrt.wasm.binary import decode_module, decoder
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.types import (
    read_functype,
    read_heaptype,
    read_memorytype,
    read_reftype,
    read_subtype,
    read_tabletype,
    read_valtype,
)
from pywrt.wasm.types import (
    ABSTRACT_HEAP_TYPES,
    FUNCREF,
    I8,
    I32,
    I64,
    V128,
    FieldType,
    FuncType,
    Limits,
    MemoryType,
    StructType,
    SubType,
    TableType,
    ref_type,
)

HEADER = b"\0asm\1\0\0\0"


def reader(data: bytes) -> Reader:
    """Bytes with more behind the bound."""
    return Reader(data + b"\0\0", 0, len(data))


@pytest.mark.parametrize("heap", sorted(ABSTRACT_HEAP_TYPES))
def test_read_reftype_abstract_has_three_forms(heap: str) -> None:
    code = bytes([ABSTRACT_HEAP_TYPES[heap].code])
    nullable = ref_type(heap, True)
    assert read_reftype(reader(code)) is nullable
    assert read_valtype(reader(b"\x63" + code)) is nullable
    assert read_valtype(reader(b"\x64" + code)) is ref_type(heap, False)
    assert read_heaptype(reader(code)) is nullable


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x63\x05", ref_type(5, True)),
        (b"\x64\x3f", ref_type(63, False)),
        (b"\x64\xc0\x00", ref_type(64, False)),
        (b"\x64\x85\x80\x80\x80\x00", ref_type(5, False)),
        (b"\x63\xff\xff\xff\xff\x0f", ref_type(2**32 - 1, True)),
        (b"\x63\x62\x05", ref_type(5, True, True)),
        (b"\x64\x62\xc0\x00", ref_type(64, False, True)),
    ],
)
def test_read_valtype_of_a_type_index(data: bytes, expected: object) -> None:
    source = reader(data)
    assert read_valtype(source) == expected
    assert source.pos == len(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x40", "malformed reference type 0x40"),
        (b"\x7f", "malformed reference type 0x7f"),
        (b"\x7b", "malformed reference type 0x7b"),
        (b"\x78", "malformed reference type 0x78"),
        (b"\x62\x00", "malformed reference type 0x62"),
        (b"\x64\x7f", "malformed heap type 0x7f"),
        (b"\x64\x40", "malformed heap type 0x40"),
        (b"\x64\x64\x00", "malformed heap type 0x64"),
        (b"\x64\xff\x7f", "malformed heap type"),
        (b"\x64\x62\x62\x00", "malformed heap type"),
        (b"\x64\x62\x6e", "malformed heap type"),
        (b"\x63\xff\xff\xff\xff\x1f", "integer too large"),
        (b"\x63\x80\x80\x80\x80\x80\x00", "integer representation too long"),
        (b"\x63", "unexpected end of section or function"),
        (b"", "unexpected end of section or function"),
    ],
)
def test_read_reftype_malformed_raises(data: bytes, message: str) -> None:
    with pytest.raises(MalformedError) as error:
        read_reftype(reader(data))
    assert error.value.message.startswith(message)
    assert error.value.feature is None


def test_read_heaptype_index_without_function_references_names_the_feature() -> None:
    with pytest.raises(MalformedError, match="malformed heap type") as error:
        read_heaptype(reader(b"\x00"), ALL_FEATURES - {"function-references"})
    assert error.value.feature == "function-references"


def test_read_subtype_with_all_clauses_keeps_them() -> None:
    data = b"\x50\x01\x02\x4c\x03\x4d\x04\x5f\x02\x78\x01\x7b\x00"
    fields = (FieldType(I8, True), FieldType(V128, False))
    assert read_subtype(reader(data)) == SubType(StructType(fields), (2,), False, 3, 4)


def test_read_subtype_final_without_supertypes_is_the_plain_type() -> None:
    plain = read_subtype(reader(b"\x60\x00\x00"))
    assert read_subtype(reader(b"\x4f\x00\x60\x00\x00")) == plain == SubType(FuncType((), ()))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x50\x00\x50\x00\x60\x00\x00", "malformed definition type 0x50"),
        (b"\x4d\x01\x4c\x00\x5f\x00", "malformed definition type 0x4c"),
        (b"\x4c\x00\x4c\x00\x5f\x00", "malformed definition type 0x4c"),
        (b"\x4d\x01\x50\x00\x5f\x00", "malformed definition type 0x50"),
        (b"\x4e\x00", "malformed definition type 0x4e"),
        (b"\x80", "integer representation too long"),
        (b"\x5f\x01\x62\x00\x00", "malformed storage type"),
        (b"\x5f\x01\x64\x62\x62\x00\x00", "malformed storage type"),
        (b"\x5e\x40\x00", "malformed storage type"),
        (b"\x5e\x7f\x02", "malformed mutability"),
        (b"\x5e\x78\x02", "malformed mutability"),
        (b"\x5f\xff\xff\xff\xff\x0f", "unexpected end of section or function"),
        (b"\x50\xff\xff\xff\xff\x0f", "unexpected end of section or function"),
        (b"\x5f\x01\x64", "unexpected end of section or function"),
        (b"", "unexpected end of section or function"),
    ],
)
def test_read_subtype_malformed_raises(data: bytes, message: str) -> None:
    with pytest.raises(MalformedError) as error:
        read_subtype(reader(data))
    assert error.value.message.startswith(message)
    assert error.value.feature is None


def test_read_storage_type_of_a_feature_that_is_off_names_it() -> None:
    with pytest.raises(MalformedError, match="malformed storage type") as error:
        read_subtype(reader(b"\x5e\x7b\x00"), ALL_FEATURES - {"simd"})
    assert error.value.feature == "simd"


@pytest.mark.parametrize("form", [b"\x5f\x00", b"\x50\x00\x60\x00\x00", b"\x4e\x00"])
def test_read_functype_of_another_definition_names_gc(form: bytes) -> None:
    with pytest.raises(MalformedError, match="is no function type") as error:
        read_functype(reader(form))
    assert error.value.feature == "gc"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x00\x01", MemoryType(Limits(1))),
        (b"\x03\x01\x02", MemoryType(Limits(1, 2), shared=True)),
        (b"\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", MemoryType(Limits(2**64 - 1), I64)),
        (b"\x08\x01\x00", MemoryType(Limits(1), page_size=1)),
        (b"\x0f\x01\x02\x10", MemoryType(Limits(1, 2), I64, True, 65536)),
    ],
)
def test_read_memorytype_flags(data: bytes, expected: MemoryType) -> None:
    assert read_memorytype(reader(data)) == expected


def test_read_tabletype_of_64_bits() -> None:
    assert read_tabletype(reader(b"\x70\x05\x01\x02")) == TableType(FUNCREF, Limits(1, 2), I64)
    assert read_tabletype(reader(b"\x70\x01\x01\x02")).address is I32


def uleb(value: int) -> bytes:
    """Padded to five bytes."""
    return bytes([value >> shift & 0x7F | (0x80 if shift < 28 else 0) for shift in range(0, 35, 7)])


def type_section(content: bytes) -> bytes:
    return HEADER + b"\x01" + uleb(len(content)) + content


def test_decode_ten_thousand_recursive_types_are_one_group() -> None:
    count = 10_000
    members = b"".join(b"\x5f\x01\x63" + uleb((i + 1) % count) + b"\x01" for i in range(count))
    module = decode_module(type_section(b"\x01\x4e" + uleb(count) + members), features=ALL_FEATURES)
    assert module.rec_groups == [(0, count)]
    field = module.types[-1].composite.fields[0]  # type: ignore[union-attr]
    assert field == FieldType(ref_type(0, True), True)


def test_decode_groups_beside_single_types_are_told_apart() -> None:
    data = b"\x04\x5f\x00\x4e\x00\x4e\x02\x5f\x00\x60\x00\x00\x5e\x7f\x00"
    module = decode_module(type_section(data), features=ALL_FEATURES)
    assert [subtype.composite.kind for subtype in module.types] == ["struct", "struct", "func", "array"]
    assert module.rec_groups == [(1, 0), (1, 2)]


def test_decode_types_of_all_groups_count_against_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "MAX_ITEMS", 10)
    group = b"\x4e\x06" + b"\x5f\x00" * 6
    assert len(decode_module(type_section(b"\x01" + group), features=ALL_FEATURES).types) == 6
    with pytest.raises(LimitError, match=r"too many types: 6 .*, at most 4"):
        decode_module(type_section(b"\x02" + group + group), features=ALL_FEATURES)
    with pytest.raises(LimitError, match="too many types: at most 10"):
        decode_module(type_section(b"\x06" + group + b"\x5f\x00" * 5), features=ALL_FEATURES)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x5f" + uleb(10_001) + b"\x7f\x00" * 10_001, "fields: 10001"),
        (b"\x50" + uleb(1_001) + b"\x00" * 1_001 + b"\x5f\x00", "supertypes: 1001"),
    ],
)
def test_decode_more_parts_of_a_type_than_the_limit_raises(content: bytes, what: str) -> None:
    with pytest.raises(LimitError, match=f"too many {what}"):
        decode_module(type_section(b"\x01" + content), features=ALL_FEATURES)
