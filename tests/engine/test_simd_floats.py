"""Float vector instructions give in each lane what the scalar instruction gives, NaNs included."""

import math
import operator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pywrt.engine import numeric
from pywrt.engine.numeric import f32_from_bits, f32_round, f32_to_bits, f64_from_bits, f64_to_bits
from pywrt.engine.simd import LANE_OPERATIONS, OPERATIONS
from pywrt.engine.simd.relaxed import f32_fma, f64_fma

EDGES_32 = [0, 1, 0x7FFFFF, 0x800000, 0x3F000000, 0x3F800000, 0x3F800001, 0x40200000, 0x4B000001, 0x4EFFFFFF]
EDGES_32 += [0x4F000000, 0x4F800000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FA00000, 0x7FC00000, 0x7FC00123]
EDGES_64 = [0, 1, 0xFFFFFFFFFFFFF, 1 << 52, 0x3FE0 << 48, 0x3FF0 << 48, (0x3FF0 << 48) + 1, 0x4004 << 48]
EDGES_64 += [0x41DFFFFFFFE00000, 0x41F0 << 48, 0x4330 << 48, 0x47EFFFFFF0000000, (0x7FF0 << 48) - 1]
EDGES_64 += [0x7FF0 << 48, (0x7FF0 << 48) + 1, 0x7FF4 << 48, 0x7FF8 << 48, (0x7FF8 << 48) + 0x123]


def bits(width, edges):
    signs = [edge | sign for edge in edges for sign in (0, 1 << width - 1)]
    return st.sampled_from(signs) | st.integers(0, (1 << width) - 1)


BITS = {32: bits(32, EDGES_32), 64: bits(64, EDGES_64)}
FROM_BITS = {32: f32_from_bits, 64: f64_from_bits}
TO_BITS = {32: f32_to_bits, 64: f64_to_bits}
SHAPES = {32: "f32x4", 64: "f64x2"}


def lane_bits(width):
    return st.lists(BITS[width], min_size=128 // width, max_size=128 // width)


def vector(lanes, width):
    return sum(lane << width * i for i, lane in enumerate(lanes))


def floats(lanes, width):
    return [FROM_BITS[width](lane) for lane in lanes]


def packed(values, width):
    return vector([TO_BITS[width](x) for x in values], width)


UNARY = ("abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt")
BINARY = ("add", "sub", "mul", "div", "min", "max", "relaxed_min", "relaxed_max")
PLAIN = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}
COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")
few = settings(max_examples=50, deadline=None)
widths = pytest.mark.parametrize("width", [32, 64])


def scalar(name, width):
    """The scalar instruction, as `numeric` and the templates of the shapes have it."""
    if name in PLAIN:
        return lambda x, y: f32_round(PLAIN[name](x, y)) if width == 32 else PLAIN[name](x, y)
    return getattr(numeric, f"f{width}_{name.removeprefix('relaxed_')}")


@widths
@pytest.mark.parametrize("name", UNARY)
@few
@given(data=st.data())
def test_unary_equals_scalar(width, name, data):
    lanes = data.draw(lane_bits(width))
    expected = packed([scalar(name, width)(x) for x in floats(lanes, width)], width)
    assert hex(OPERATIONS[f"{SHAPES[width]}.{name}"](vector(lanes, width))) == hex(expected)


@widths
@pytest.mark.parametrize("name", BINARY)
@few
@given(data=st.data())
def test_binary_equals_scalar(width, name, data):
    a, b = data.draw(lane_bits(width)), data.draw(lane_bits(width))
    result = OPERATIONS[f"{SHAPES[width]}.{name}"](vector(a, width), vector(b, width))
    for lane, (x, y) in enumerate(zip(floats(a, width), floats(b, width), strict=True)):
        got = result >> width * lane & (1 << width) - 1
        if x != x and y != y:
            # CPython's own sum of two NaNs has the payload of either, depending on how warm the code is
            assert got in {TO_BITS[width](numeric.quiet(nan)) for nan in (x, y)}
        else:
            assert hex(got) == hex(TO_BITS[width](scalar(name, width)(x, y)))


@widths
@pytest.mark.parametrize("name", COMPARISONS)
@few
@given(data=st.data())
def test_comparison_equals_scalar(width, name, data):
    a, b = data.draw(lane_bits(width)), data.draw(lane_bits(width))
    b = [data.draw(st.sampled_from([x, y])) for x, y in zip(a, b, strict=True)]
    operands = zip(floats(a, width), floats(b, width), strict=True)
    expected = [-getattr(operator, name)(x, y) & (1 << width) - 1 for x, y in operands]
    assert OPERATIONS[f"{SHAPES[width]}.{name}"](vector(a, width), vector(b, width)) == vector(
        expected, width
    )


@widths
@few
@given(data=st.data())
def test_pmin_and_pmax_choose_an_operand_bit_for_bit(width, data):
    a, b = data.draw(lane_bits(width)), data.draw(lane_bits(width))
    value = FROM_BITS[width]
    least = [y if value(y) < value(x) else x for x, y in zip(a, b, strict=True)]
    greatest = [y if value(x) < value(y) else x for x, y in zip(a, b, strict=True)]
    operands = vector(a, width), vector(b, width)
    assert OPERATIONS[f"{SHAPES[width]}.pmin"](*operands) == vector(least, width)
    assert OPERATIONS[f"{SHAPES[width]}.pmax"](*operands) == vector(greatest, width)


@widths
@few
@given(data=st.data())
def test_float_lanes_keep_their_bits(width, data):
    lanes, bits = data.draw(lane_bits(width)), data.draw(BITS[width])
    lane = data.draw(st.integers(0, len(lanes) - 1))
    shape, x = SHAPES[width], FROM_BITS[width](bits)
    v = vector(lanes, width)
    assert TO_BITS[width](LANE_OPERATIONS[f"{shape}.extract_lane"](lane)(v)) == lanes[lane]
    lanes[lane] = bits
    assert LANE_OPERATIONS[f"{shape}.replace_lane"](lane)(v, x) == vector(lanes, width)
    assert OPERATIONS[f"{shape}.splat"](x) == vector([bits] * len(lanes), width)


@pytest.mark.parametrize("sign", ["s", "u"])
@pytest.mark.parametrize("name", ["trunc_sat", "relaxed_trunc"])
@few
@given(narrow=lane_bits(32), wide=lane_bits(64))
def test_truncation_equals_scalar(name, sign, narrow, wide):
    trunc = getattr(numeric, f"i32_trunc_sat_f32_{sign}")
    expected = vector([trunc(x) for x in floats(narrow, 32)], 32)
    assert OPERATIONS[f"i32x4.{name}_f32x4_{sign}"](vector(narrow, 32)) == expected
    trunc = getattr(numeric, f"i32_trunc_sat_f64_{sign}")
    expected = vector([trunc(x) for x in floats(wide, 64)], 32)
    assert OPERATIONS[f"i32x4.{name}_f64x2_{sign}_zero"](vector(wide, 64)) == expected


@few
@given(narrow=lane_bits(32), wide=lane_bits(64))
def test_conversion_equals_scalar(narrow, wide):
    v, w = vector(narrow, 32), vector(wide, 64)
    demoted = packed([numeric.f32_demote_f64(x) for x in floats(wide, 64)], 32)
    assert OPERATIONS["f32x4.demote_f64x2_zero"](w) == demoted
    promoted = packed([numeric.f64_promote_f32(x) for x in floats(narrow[:2], 32)], 64)
    assert OPERATIONS["f64x2.promote_low_f32x4"](v) == promoted
    signed = [x - (x >> 31 << 32) for x in narrow]
    converted = packed([numeric.f32_convert_i32_s(x) for x in narrow], 32)
    assert OPERATIONS["f32x4.convert_i32x4_s"](v) == converted
    converted = packed([numeric.f32_convert_i32_u(x) for x in narrow], 32)
    assert OPERATIONS["f32x4.convert_i32x4_u"](v) == converted
    assert OPERATIONS["f64x2.convert_low_i32x4_s"](v) == packed([float(x) for x in signed[:2]], 64)
    assert OPERATIONS["f64x2.convert_low_i32x4_u"](v) == packed([float(x) for x in narrow[:2]], 64)


# --- fused multiply-add, against exact fractions


def rounded(exact, digits, least):
    """The nearest value with so many binary digits, no finer than 2**least; halves to even."""
    exponent = abs(exact).numerator.bit_length() - exact.denominator.bit_length()
    exponent -= abs(exact) < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - digits + 1, least)
    return round(exact / unit) * unit


def fma_by_fractions(a, b, c, digits, least, greatest):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if not exact:
        return a * b + c  # signs of zeros; with a zero sum of others, +0
    result = rounded(exact, digits, least)
    if abs(result) > greatest:
        return math.inf if exact > 0 else -math.inf
    return float(result) if result else 0.0 if exact > 0 else -0.0


NEAR = st.sampled_from([0x3F800000, 0x40000000, 0x00000001, 0x00800000, 0x7F7FFFFF, 0xBF800000])
NARROW = st.builds(lambda x, d: x + d, NEAR, st.integers(-3, 3)) | BITS[32]
FINITE_32 = NARROW.map(lambda x: f32_from_bits(x & 0xFFFFFFFF)).filter(math.isfinite)
FINITE_64 = st.floats(allow_nan=False, allow_infinity=False) | BITS[64].map(f64_from_bits).filter(
    math.isfinite
)


def near(product, delta, greatest):
    """An addend that cancels most of the product, or lets a tie decide."""
    return -product * (1 + delta) if abs(product) < greatest / 4 else -math.copysign(greatest, product)


@settings(max_examples=300, deadline=None)
@given(
    a=FINITE_32,
    b=FINITE_32,
    c=FINITE_32,
    cancel=st.none() | st.sampled_from([0.0, 2.0**-23, 2.0**-12, 2.0**24]),
)
def test_f32_fma_rounds_once(a, b, c, cancel):
    greatest = f32_from_bits(0x7F7FFFFF)
    if cancel is not None:
        c = f32_round(near(a * b, cancel, greatest))
        c = c if math.isfinite(c) else greatest
    expected = fma_by_fractions(a, b, c, 24, -149, Fraction(greatest))
    assert f32_to_bits(f32_round(f32_fma(a, b, c))) == f32_to_bits(expected)


@settings(max_examples=300, deadline=None)
@given(
    a=FINITE_64,
    b=FINITE_64,
    c=FINITE_64,
    cancel=st.none() | st.sampled_from([0.0, 2.0**-52, 2.0**-30, 2.0**53]),
)
def test_f64_fma_rounds_once(a, b, c, cancel):
    greatest = f64_from_bits(0x7FEFFFFFFFFFFFFF)
    if cancel is not None:
        c = near(a * b, cancel, greatest)
        c = c if math.isfinite(c) else greatest
    expected = fma_by_fractions(a, b, c, 53, -1074, Fraction(greatest))
    assert f64_to_bits(f64_fma(a, b, c)) == f64_to_bits(expected)


@pytest.mark.parametrize("fma", [f32_fma, f64_fma])
@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        (math.inf, 1.0, 1.0, math.inf),
        (math.inf, 1.0, -math.inf, math.nan),
        (math.inf, 0.0, 1.0, math.nan),
        (1.0, 2.0, -math.inf, -math.inf),
        (math.nan, 1.0, 1.0, math.nan),
        (1.0, 1.0, math.nan, math.nan),
    ],
)
def test_fma_of_infinities_and_nans(fma, a, b, c, expected):
    assert repr(abs(fma(a, b, c))) == repr(abs(expected))


def test_f64_fma_product_beyond_range_meets_infinity():
    assert f64_fma(1e200, 1e200, -math.inf) == -math.inf


@widths
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_relaxed_madd_is_fma_in_each_lane(width, data):
    a, b, c = (data.draw(lane_bits(width)) for _ in range(3))
    fma = {32: lambda x, y, z: f32_round(f32_fma(x, y, z)), 64: f64_fma}[width]
    for name, sign in (("relaxed_madd", 0), ("relaxed_nmadd", 1 << width - 1)):
        result = OPERATIONS[f"{SHAPES[width]}.{name}"](*(vector(lanes, width) for lanes in (a, b, c)))
        for lane, operands in enumerate(zip(a, b, c, strict=True)):
            x, y, z = floats([operands[0] ^ sign, *operands[1:]], width)
            expected = fma(x, y, z)
            got = FROM_BITS[width](result >> width * lane & (1 << width) - 1)
            # of two NaNs either payload may come out
            assert repr(got) == repr(expected) or (got != got and expected != expected)
