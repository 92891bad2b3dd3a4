"""NaN payloads pass bit for bit through whatever does no arithmetic."""

import pytest

from pywrt.engine.numeric import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits

F32_NANS = [0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF800001, 0x7FA00000, 0x7FFFFFFF, 0x7FC00123]
F64_NANS = [
    0x7FF8000000000000,
    0xFFF8000000000000,
    0x7FF0000000000001,
    0xFFF0000000000001,
    0x7FF4000000000000,
    0x7FFFFFFFFFFFFFFF,
]

ROADS = {
    "reinterpret": "(f{n}.reinterpret_i{n} (local.get 0))",
    "load": "(i{n}.store (i32.const 8) (local.get 0)) (f{n}.load (i32.const 8))",
    "store": "(f{n}.store (i32.const 8) (f{n}.reinterpret_i{n} (local.get 0))) (f{n}.load (i32.const 8))",
    "local": "(local.set 1 (f{n}.reinterpret_i{n} (local.get 0))) (local.get 1)",
    "global": "(global.set $g (f{n}.reinterpret_i{n} (local.get 0))) (global.get $g)",
    "select": "(select (f{n}.reinterpret_i{n} (local.get 0)) (f{n}.const 1) (i32.const 1))",
    "call": "(call $same (f{n}.reinterpret_i{n} (local.get 0)))",
    "block": "(block (result f{n}) (br_if 0 (f{n}.reinterpret_i{n} (local.get 0)) (i32.const 1)))",
    "negate twice": "(f{n}.neg (f{n}.neg (f{n}.reinterpret_i{n} (local.get 0))))",
    "copysign": "(f{n}.copysign (f{n}.abs (f{n}.reinterpret_i{n} (local.get 0))) "
    "(f{n}.reinterpret_i{n} (local.get 0)))",
}


def module(width, road):
    return (
        "(module (memory 1) (global $g (mut f{n}) (f{n}.const 0))"
        "(func $same (param f{n}) (result f{n}) (local.get 0))"
        '(func (export "f") (param i{n}) (result i{n}) (local f{n}) ' + road + " i{n}.reinterpret_f{n}))"
    ).replace("{n}", str(width))


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
@pytest.mark.parametrize(("width", "nans"), [(32, F32_NANS), (64, F64_NANS)])
def test_nan_payload_survives(guest, road, width, nans):
    instance = guest(module(width, road))
    for bits in nans:
        assert instance.call("f", bits) & (1 << width) - 1 == bits, hex(bits)


@pytest.mark.parametrize(
    ("const", "width", "bits"),
    [
        ("f32.const nan:0x200000", 32, 0x7FA00000),
        ("f32.const -nan:0x1", 32, 0xFF800001),
        ("f64.const nan:0x1", 64, 0x7FF0000000000001),
        ("f64.const -nan", 64, 0xFFF8000000000000),
    ],
)
def test_nan_constant_keeps_its_payload(guest, const, width, bits):
    text = f'(module (func (export "f") (result i{width}) ({const}) i{width}.reinterpret_f{width}))'
    assert guest(text).call("f") & (1 << width) - 1 == bits


@pytest.mark.parametrize(
    ("operation", "width", "bits"),
    [
        ("(f32.demote_f64 (f64.const nan:0x1))", 32, 0x7FC00000),
        ("(f64.promote_f32 (f32.const nan:0x200000))", 64, 0x7FFC000000000000),
        ("(f64.floor (f64.const nan:0x1))", 64, 0x7FF8000000000001),
        ("(f32.sqrt (f32.const nan:0x1))", 32, 0x7FC00001),
    ],
)
def test_arithmetic_gives_a_quiet_nan(guest, operation, width, bits):
    text = f'(module (func (export "f") (result i{width}) {operation} i{width}.reinterpret_f{width}))'
    assert guest(text).call("f") & (1 << width) - 1 == bits


@pytest.mark.parametrize("bits", [*F32_NANS, 0, 0x80000000, 0x3F800000, 0x7F800000, 1])
def test_f32_bits_round_trip(bits):
    assert f32_to_bits(f32_from_bits(bits)) == bits


@pytest.mark.parametrize("bits", [*F64_NANS, 0, 1 << 63, 1])
def test_f64_bits_round_trip(bits):
    assert f64_to_bits(f64_from_bits(bits)) == bits
