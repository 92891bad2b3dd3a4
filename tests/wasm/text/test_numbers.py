"""Integers and correctly rounded floats."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywrt.wasm.text.numbers import RangeError, parse_float, parse_int, parse_natural


@pytest.mark.parametrize(
    ("token", "bits", "expected"),
    [
        ("0", 32, 0),
        ("+1_000", 32, 1000),
        ("-1", 32, 0xFFFFFFFF),
        ("0xFFFF_ffff", 32, 0xFFFFFFFF),
        ("-0x80000000", 32, 0x80000000),
        ("-0x8000_0000_0000_0000", 64, 1 << 63),
        (
            "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000007",
            32,
            7,
        ),
    ],
)
def test_parse_int_in_range_gives_unsigned(token: str, bits: int, expected: int) -> None:
    assert parse_int(token, bits) == expected


@pytest.mark.parametrize(
    ("token", "bits"),
    [("4294967296", 32), ("-2147483649", 32), ("0x1_0000_0000_0000_0000", 64), ("9" * 5000, 64)],
)
def test_parse_int_out_of_range_raises(token: str, bits: int) -> None:
    with pytest.raises(RangeError, match="constant out of range"):
        parse_int(token, bits)


@pytest.mark.parametrize("token", ["", "1_", "_1", "1__0", "0x", "0xg", "1.0", "a", "--1", "1e2", "inf"])
def test_parse_int_other_tokens_give_none(token: str) -> None:
    assert parse_int(token, 32) is None


def test_parse_natural_signed_gives_none() -> None:
    assert parse_natural("+1") is None
    assert parse_natural("1") == 1


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("0", 0),
        ("-0.0", 0x80000000),
        ("1.5", 0x3FC00000),
        ("1.", 0x3F800000),
        ("0x1.8p1", 0x40400000),
        ("0x.8", None),
        (".5", None),
        ("1_000.000_1e0_1", 0x461C4001),
        ("inf", 0x7F800000),
        ("-nan", 0xFFC00000),
        ("nan:0x1", 0x7F800001),
        ("-nan:0x7f_ffff", 0xFFFFFFFF),
        ("340282356779733661637539395458142568447", 0x7F7FFFFF),  # one below the midpoint to 2^128
        ("0x1.fffffeffffffp127", 0x7F7FFFFF),
        ("0x1p-149", 1),
        ("0x1p-150", 0),  # ties go to even
        ("0x1.0000000000000000000001p-150", 1),
        (
            "7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015626e-46",
            1,
        ),
        (
            "7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015625e-46",
            0,
        ),
        ("1.00000005960464477539062500000000001", 0x3F800001),  # above a midpoint by less than binary64 shows
        ("1.00000005960464477539062499999999999", 0x3F800000),
        ("1.00000017881393432617187500000000000", 0x3F800002),
        ("1.00000017881393432617187499999999999", 0x3F800001),
        ("1e-99999999999999999999", 0),
        ("0e99999999999999999999", 0),
        ("0x0p99999999999999999999", 0),
        ("0x1p-99999999999999999999", 0),
        ("0x1p", None),
        ("1e", None),
        ("nan:0x", None),
        ("infinity", None),
    ],
)
def test_parse_float_f32_gives_nearest_bits(token: str, expected: int | None) -> None:
    assert parse_float(token, 32) == expected


@pytest.mark.parametrize(
    ("token", "bits"),
    [
        ("0x1p128", 32),
        ("0x1.ffffffp127", 32),
        ("340282356779733661637539395458142568448", 32),
        ("1e999999999999999999999", 32),
        ("0x1p99999999999999999999", 32),
        ("nan:0x0", 32),
        ("nan:0x80_0000", 32),
        ("1e309", 64),
        ("0x1p1024", 64),
        ("0x1.fffffffffffff8p1023", 64),
        ("nan:0x10_0000_0000_0000", 64),
    ],
)
def test_parse_float_out_of_range_raises(token: str, bits: int) -> None:
    with pytest.raises(RangeError, match="constant out of range"):
        parse_float(token, bits)


def value_of(bits: int) -> Fraction:
    return Fraction(struct.unpack("<f", bits.to_bytes(4, "little"))[0])


def is_nearest_even(exact: Fraction, bits: int) -> bool:
    """Whether no neighbour of a positive binary32 is nearer, and a tie went to the even one."""
    distance = abs(value_of(bits) - exact)
    for neighbour in {max(bits - 1, 0), bits + 1} - {bits}:
        other = abs(value_of(neighbour) - exact)
        if other < distance or (other == distance and bits & 1):
            return False
    return True


@given(st.integers(0, 10**30), st.integers(-80, 0))
def test_parse_float_decimal_f32_is_nearest(digits: int, exponent: int) -> None:
    bits = parse_float(f"{digits}e{exponent}", 32)
    assert bits is not None
    assert is_nearest_even(digits * Fraction(10) ** exponent, bits)


@given(st.integers(0, 0x7F000000), st.integers(-2, 2))
def test_parse_float_f32_around_midpoints_is_nearest(below: int, nudge: int) -> None:
    exact = (value_of(below) + value_of(below + 1)) / 2 + Fraction(nudge, 10**200)
    digits = exact * 10**200
    assert digits.denominator == 1
    bits = parse_float(f"{digits.numerator}e-200", 32)
    assert bits is not None
    assert is_nearest_even(exact, bits)


@given(st.integers(0, 1 << 80), st.integers(-230, 40))
def test_parse_float_hexadecimal_f32_is_nearest(mantissa: int, exponent: int) -> None:
    bits = parse_float(f"0x{mantissa:x}p{exponent}", 32)
    assert bits is not None
    assert is_nearest_even(mantissa * Fraction(2) ** exponent, bits)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_parse_float_f64_round_trips(value: float) -> None:
    expected = int.from_bytes(struct.pack("<d", value), "little")
    assert parse_float(repr(value).replace("e", "E"), 64) == expected
    assert parse_float(value.hex(), 64) == expected
