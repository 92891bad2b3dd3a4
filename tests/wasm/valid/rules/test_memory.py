"""Memories and tables: address types, alignment, lanes."""

from collections.abc import Callable

import pytest

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.module import Module

Accept = Callable[..., None]
Reject = Callable[..., InvalidError]
Build = Callable[..., Module]
Fault = Callable[..., InvalidError | MalformedError]

PARTS = """
  (memory $small 1) (memory $big i64 1) (data $d "")
  (table $few 1 funcref) (table $many i64 1 funcref) (elem $e func)
"""


@pytest.mark.parametrize(
    "body",
    [
        "(drop (i32.load $big offset=0x100000000 (i64.const 0)))",
        "(i64.store $big (i64.const 0) (i64.const 0))",
        "(drop (i64.add (memory.size $big) (memory.grow $big (i64.const 1))))",
        "(memory.fill $big (i64.const 0) (i32.const 0) (i64.const 0))",
        "(memory.copy $big $big (i64.const 0) (i64.const 0) (i64.const 0))",
        "(memory.copy $big $small (i64.const 0) (i32.const 0) (i32.const 0))",
        "(memory.copy $small $big (i32.const 0) (i64.const 0) (i32.const 0))",
        "(memory.init $big $d (i64.const 0) (i32.const 0) (i32.const 0))",
        "(drop (table.get $many (i64.const 0)))",
        "(table.set $many (i64.const 0) (ref.null func))",
        "(drop (i64.add (table.size $many) (table.grow $many (ref.null func) (i64.const 1))))",
        "(table.fill $many (i64.const 0) (ref.null func) (i64.const 0))",
        "(table.copy $many $few (i64.const 0) (i32.const 0) (i32.const 0))",
        "(table.init $many $e (i64.const 0) (i32.const 0) (i32.const 0))",
        "(drop (v128.load16_lane $big align=2 7 (i64.const 0) (v128.const i64x2 0 0)))",
        "(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))",
        "(drop (memory.atomic.wait32 $big (i64.const 0) (i32.const 1) (i64.const 0)))",
        "atomic.fence",
    ],
)
def test_memory_valid_is_accepted(accept: Accept, body: str) -> None:
    accept(f"(module {PARTS} (func {body}))")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "(drop (i32.load $big (i32.const 0)))",
            "type mismatch: instruction requires [i64] but stack has [i32]",
        ),
        ("(i32.store (i64.const 0) (i32.const 0))", "type mismatch: instruction requires [i32 i32]"),
        ("(drop (i32.load offset=0x100000000 (i32.const 0)))", "offset out of range: 4294967296"),
        ("(memory.fill $big (i64.const 0) (i32.const 0) (i32.const 0))", "type mismatch"),
        ("(memory.copy $big $small (i64.const 0) (i32.const 0) (i64.const 0))", "type mismatch"),
        ("(memory.init $big $d (i32.const 0) (i32.const 0) (i32.const 0))", "type mismatch"),
        ("(drop (memory.grow $big (i32.const 0)))", "type mismatch: instruction requires [i64]"),
        ("(drop (table.get $many (i32.const 0)))", "type mismatch: instruction requires [i64]"),
        ("(table.copy $few $many (i32.const 0) (i64.const 0) (i64.const 0))", "type mismatch"),
        ("(table.fill $many (i64.const 0) (ref.null func) (i32.const 0))", "type mismatch"),
        ("(drop (table.grow $many (ref.null func) (i32.const 1)))", "type mismatch"),
        ("(drop (v128.load8_splat align=2 (i32.const 0)))", "alignment must not be larger than natural"),
        ("(drop (v128.load32_lane align=8 0 (i32.const 0) (unreachable)))", "alignment must not be larger"),
        ("(drop (v128.load32_lane 4 (i32.const 0) (unreachable)))", "invalid lane index 4: there are 4"),
        ("(v128.store64_lane 2 (i32.const 0) (unreachable))", "invalid lane index 2: there are 2"),
        (
            "(drop (i32.atomic.load align=1 (i32.const 0)))",
            "atomic alignment must be natural: 2**0 for 4 bytes",
        ),
        ("(drop (i32.atomic.load8_u align=2 (i32.const 0)))", "alignment must not be larger than natural"),
        ("(drop (i8x16.extract_lane_s 16 (unreachable)))", "invalid lane index 16: there are 16"),
        ("(drop (f64x2.replace_lane 2 (unreachable)))", "invalid lane index 2: there are 2"),
        (f"(drop (i8x16.shuffle {'31 ' * 15} 32 (unreachable)))", "invalid lane index 32: there are 32"),
        (
            "(drop (i64.add128 (i64.const 0) (i64.const 0)))",
            "type mismatch: instruction requires [i64 i64 i64 i64]",
        ),
    ],
)
def test_memory_invalid_raises(reject: Reject, body: str, message: str) -> None:
    assert reject(f"(module {PARTS} (func {body}))").message.startswith(message)


def test_memory_0_of_64_bits_takes_64_bit_addresses(accept: Accept, reject: Reject) -> None:
    module = "(module (memory i64 1) (func (i64.store8 ({0}.const 0) (i64.load ({0}.const 0)))))"
    accept(module.format("i64"))
    assert reject(module.format("i32")).message.startswith("type mismatch: instruction requires [i64]")
    stored = "(module (memory i64 1) (func (i32.store (i32.const 0) (i32.const 0))))"
    assert reject(stored).message.startswith("type mismatch: instruction requires [i64 i32]")


def test_segment_offsets_are_of_the_address_type(accept: Accept, reject: Reject) -> None:
    data = "(module (memory i64 1) (data ({}.const 0)))"
    elem = "(module (table i64 1 funcref) (elem ({}.const 0) func))"
    for module in data, elem:
        accept(module.format("i64"))
        assert reject(module.format("i32")).message.startswith("type mismatch: instruction requires [i64]")


def test_segments_take_subtypes(accept: Accept, reject: Reject) -> None:
    module = "(module (table $t 1 {}) (elem $e {}) (func (table.init $t $e (unreachable))))"
    accept(module.format("anyref", "i31ref"))
    assert reject(module.format("i31ref", "anyref")).message.startswith("type mismatch: elem segment 0 holds")


@pytest.mark.parametrize(
    ("code", "message", "offset"),
    [
        (b"\xfe\x03\x01\x0b", "zero byte expected", 2),
        (b"\x00\xfd\x0d\x00\x0b", "unexpected end of section or function", 5),
        (b"\x00\xfd\x15", "unexpected end of section or function", 3),
    ],
)
def test_immediate_malformed_raises(
    function: Build, fault: Fault, all_features: object, code: bytes, message: str, offset: int
) -> None:
    error = fault(function(code), all_features)
    assert isinstance(error, MalformedError)
    assert (error.message, error.offset) == (message, offset)
