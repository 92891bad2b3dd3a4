from typing import Any

import pytest

from pywrt.errors import MalformedError
from pywrt.wasm.binary.instructions import (
    READ_IMMEDIATE,
    read_blocktype,
    read_instruction,
    skip_expr,
    skip_instruction,
)
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.opcodes import OPCODES
from pywrt.wasm.types import EXTERNREF, I32, I64, V128, ref_type


def reader(data: bytes) -> Reader:
    """Bytes with more behind the bound."""
    return Reader(data + b"\0" * 20, 0, len(data))


def test_every_immediate_of_the_table_can_be_read() -> None:
    assert {kind for opcode in OPCODES for kind in opcode.immediates} == set(READ_IMMEDIATE)


SIXTEEN = bytes(range(16))
CASES: list[tuple[bytes, str, tuple[Any, ...]]] = [
    (b"\x01", "nop", ()),
    (b"\x02\x40", "block", (None,)),
    (b"\x03\x7e", "loop", (I64,)),
    (b"\x04\x63\x05", "if", (ref_type(5, True),)),
    (b"\x06\xc0\x00", "try", (64,)),
    (b"\x08\x81\x00", "throw", (1,)),
    (b"\x09\x02", "rethrow", (2,)),
    (b"\x18\x02", "delegate", (2,)),
    (b"\x0e\x02\x03\x04\x05", "br_table", ((3, 4, 5),)),
    (b"\x0e\x00\x05", "br_table", ((5,),)),
    (b"\x11\x02\x01", "call_indirect", (2, 1)),
    (b"\x14\x03", "call_ref", (3,)),
    (b"\x1c\x02\x7f\x64\x00", "select_t", ((I32, ref_type(0, False)),)),
    (
        b"\x1f\x05\x04\x00\x01\x02\x01\x03\x04\x02\x05\x03\x06",
        "try_table",
        (5, ((0, 1, 2), (1, 3, 4), (2, None, 5), (3, None, 6))),
    ),
    (b"\x28\x02\x90\x01", "i32.load", ((0, 2, 144),)),
    (b"\x37\x43\x05\x08", "i64.store", ((5, 3, 8),)),
    (b"\x28\x02" + b"\xff" * 9 + b"\x01", "i32.load", ((0, 2, 2**64 - 1),)),
    (b"\x41\x7f", "i32.const", (-1,)),
    (b"\x42" + b"\x80" * 9 + b"\x7f", "i64.const", (-(2**63),)),
    (b"\x43\x01\x00\xa0\x7f", "f32.const", (b"\x01\x00\xa0\x7f",)),
    (b"\x44" + SIXTEEN[:8], "f64.const", (SIXTEEN[:8],)),
    (b"\xd0\x6f", "ref.null", (EXTERNREF,)),
    (b"\xd0\x07", "ref.null", (ref_type(7, True),)),
    (b"\xfb\x02\x03\x04", "struct.get", (3, 4)),
    (b"\xfb\x08\x03\xff\xff\xff\xff\x0f", "array.new_fixed", (3, 2**32 - 1)),
    (b"\xfb\x14\x62\x03", "ref.test", (ref_type(3, True, True),)),
    (b"\xfb\x17\x6b", "ref.cast_null", (ref_type("struct", True),)),
    (b"\xfb\x18\x01\x05\x6e\x6b", "br_on_cast", ((5, ref_type("any", True), ref_type("struct", False)),)),
    (
        b"\xfb\x19\x02\x05\x6e\x62\x04",
        "br_on_cast_fail",
        ((5, ref_type("any", False), ref_type(4, True, True)),),
    ),
    (b"\xfc\x08\x01\x02", "memory.init", (1, 2)),
    (b"\xfd\x0c" + SIXTEEN, "v128.const", (SIXTEEN,)),
    (b"\xfd\x0d" + SIXTEEN, "i8x16.shuffle", (SIXTEEN,)),
    (b"\xfd\x15\xff", "i8x16.extract_lane_s", (255,)),
    (b"\xfd\x54\x00\x04\x0f", "v128.load8_lane", ((0, 0, 4), 15)),
    (b"\xfd\x80\x02", "i8x16.relaxed_swizzle", ()),
    (b"\xfe\x03\x00", "atomic.fence", (0,)),
]


@pytest.mark.parametrize(("data", "mnemonic", "immediates"), CASES)
def test_read_instruction_gives_row_and_immediates(
    data: bytes, mnemonic: str, immediates: tuple[Any, ...]
) -> None:
    source = reader(data)
    opcode, values = read_instruction(source)
    assert (opcode.mnemonic, values, source.pos) == (mnemonic, immediates, len(data))
    source.pos = 0
    assert (skip_instruction(source), source.pos) == (opcode, len(data))


@pytest.mark.parametrize("data", [data for data, _, _ in CASES])
def test_read_instruction_cut_off_raises(data: bytes) -> None:
    for end in range(len(data)):
        with pytest.raises(MalformedError, match="unexpected end of section or function"):
            read_instruction(reader(data[:end]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "illegal opcode ff"),
        (b"\xfb\x27", "illegal opcode fb 39"),
        (b"\x02\x41", "malformed block type 0x41"),
        (b"\x02\x78", "malformed block type 0x78"),
        (b"\x02\xff\x7f", "malformed block type"),
        (b"\x02\x62\x00", "malformed block type 0x62"),
        (b"\x02\xff\xff\xff\xff\x1f", "integer too large"),
        (b"\x1c\x01\x40", "malformed value type 0x40"),
        (b"\x1f\x40\x01\x04\x00", "malformed catch clause 0x04"),
        (b"\x28\x80\x01\x00", "malformed memop flags"),
        (b"\xd0\x7f", "malformed heap type 0x7f"),
        (b"\xfb\x18\x04\x00\x6e\x6e", "malformed br_on_cast flags"),
        (b"\xfe\x03\x01", "zero byte expected"),
    ],
)
def test_read_instruction_malformed_raises(data: bytes, message: str) -> None:
    with pytest.raises(MalformedError) as error:
        read_instruction(reader(data))
    assert error.value.message.startswith(message)
    assert error.value.offset is not None


def test_read_blocktype_without_simd_names_it() -> None:
    assert read_blocktype(reader(b"\x7b")) is V128
    with pytest.raises(MalformedError, match="malformed value type 0x7b") as error:
        read_blocktype(reader(b"\x7b"), frozenset({"mvp"}))
    assert error.value.feature == "simd"


def test_read_br_table_of_a_million_entries() -> None:
    data = b"\x0e\xc0\x84\x3d" + b"\x01" * 1_000_001
    assert read_instruction(reader(data))[1] == ((1,) * 1_000_001,)


@pytest.mark.parametrize("vector", [b"\x0e", b"\x1c", b"\x1f\x40"])
def test_read_vector_of_a_hostile_count_raises(vector: bytes) -> None:
    with pytest.raises(MalformedError, match="unexpected end of section or function"):
        read_instruction(reader(vector + b"\xff\xff\xff\xff\x0f"))


@pytest.mark.parametrize(
    "body",
    [
        b"\x0b",
        b"\x02\x40\x04\x40\x05\x0b\x0b\x0b",
        b"\x1f\x40\x01\x02\x00\x0b\x0b",
        b"\x06\x40\x07\x00\x19\x0b\x0b",
        b"\x06\x40\x06\x40\x18\x00\x0b\x0b",
        b"\x02\x40" * 50_000 + b"\x0b" * 50_001,
    ],
)
def test_skip_expr_ends_behind_its_end(body: bytes) -> None:
    source = Reader(body + b"\x0b", 0, len(body) + 1)
    skip_expr(source)
    assert source.pos == len(body)


@pytest.mark.parametrize("inner", [b"\x05", b"\x07\x00", b"\x19", b"\x18\x00"])
def test_skip_expr_with_a_part_of_no_block_raises(inner: bytes) -> None:
    with pytest.raises(MalformedError, match="END opcode expected") as error:
        skip_expr(reader(b"\x01" + inner + b"\x0b"))
    assert error.value.offset == 1
