"""Integer vector instructions, which work on all lanes at once, equal their definition lane by lane."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pywrt.engine.simd import LANE_OPERATIONS, OPERATIONS, SHUFFLE

EDGES = [
    edge & (1 << 128) - 1
    for width in (8, 16, 32, 64)
    for value in (0, 1, -1, 2, (1 << width - 1) - 1, 1 << width - 1, (1 << width - 1) + 1, 1 << width // 2)
    for edge in [sum((value & (1 << width) - 1) << shift for shift in range(0, 128, width))]
]
BYTES = st.sampled_from([0, 1, 2, 0x7E, 0x7F, 0x80, 0x81, 0xFE, 0xFF]) | st.integers(0, 255)
VECTORS = (
    st.lists(BYTES, min_size=16, max_size=16).map(lambda lanes: int.from_bytes(bytes(lanes), "little"))
    | st.sampled_from(EDGES)
    | st.integers(0, (1 << 128) - 1)
)
COUNTS = st.integers(0, 140) | st.integers(0, (1 << 32) - 1)


def lanes(v, width, signed=False):
    bits = [v >> shift & (1 << width) - 1 for shift in range(0, 128, width)]
    return [x - (1 << width) if signed and x >> width - 1 else x for x in bits]


def vector(values, width):
    return sum((value & (1 << width) - 1) << width * lane for lane, value in enumerate(values))


def clamp(x, width, signed):
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    return max(low, min(high, x))


UNARY = {
    "abs": lambda x, width: abs(x),
    "neg": lambda x, width: -x,
    "popcnt": lambda x, width: (x & (1 << width) - 1).bit_count(),
}
BINARY = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "avgr": lambda x, y: (x + y + 1) // 2,
    "min": min,
    "max": max,
    "eq": lambda x, y: -(x == y),
    "ne": lambda x, y: -(x != y),
    "lt": lambda x, y: -(x < y),
    "gt": lambda x, y: -(x > y),
    "le": lambda x, y: -(x <= y),
    "ge": lambda x, y: -(x >= y),
}
SATURATING = {
    "add_sat": lambda x, y: x + y,
    "sub_sat": lambda x, y: x - y,
    "q15mulr_sat": lambda x, y: (x * y + 0x4000) >> 15,
    "relaxed_q15mulr": lambda x, y: (x * y + 0x4000) >> 15,
}
SHIFTS = {"shl": lambda x, n: x << n, "shr": lambda x, n: x >> n}


def split(mnemonic):
    """Width of the lanes, name, whether they are signed, width of the operands' lanes (None if the same)."""
    match = re.fullmatch(r"i(\d+)x\d+\.(\w+?)(?:_i(\d+)x\d+)?(?:_i7x16)?(?:_(add_s|s|u))?", mnemonic)
    width, name, narrow, sign = match.groups()
    return int(width), name, sign != "u", int(narrow) if narrow else None


INTEGER = {
    mnemonic: split(mnemonic) for mnemonic in OPERATIONS if re.match(r"i\d+x\d+\.(?!.*f\d\dx)", mnemonic)
}


def named(names):
    found = [mnemonic for mnemonic, (_, name, _, _) in INTEGER.items() if name in names]
    assert {INTEGER[mnemonic][1] for mnemonic in found} == set(names)
    return pytest.mark.parametrize("mnemonic", found)


few = settings(max_examples=30, deadline=None)


@named(UNARY)
@few
@given(v=VECTORS)
def test_unary_equals_lane_by_lane(mnemonic, v):
    width, name, _, _ = INTEGER[mnemonic]
    expected = vector([UNARY[name](x, width) for x in lanes(v, width, True)], width)
    assert OPERATIONS[mnemonic](v) == expected


@named(BINARY)
@few
@given(a=VECTORS, b=VECTORS)
def test_binary_equals_lane_by_lane(mnemonic, a, b):
    width, name, signed, _ = INTEGER[mnemonic]
    for x, y in ((a, b), (a, a)):
        pairs = zip(lanes(x, width, signed), lanes(y, width, signed), strict=True)
        assert OPERATIONS[mnemonic](x, y) == vector([BINARY[name](p, q) for p, q in pairs], width)


@named(SATURATING)
@few
@given(a=VECTORS, b=VECTORS)
def test_saturating_equals_lane_by_lane(mnemonic, a, b):
    width, name, signed, _ = INTEGER[mnemonic]
    pairs = zip(lanes(a, width, signed), lanes(b, width, signed), strict=True)
    expected = vector([clamp(SATURATING[name](x, y), width, signed) for x, y in pairs], width)
    assert OPERATIONS[mnemonic](a, b) == expected


@named(SHIFTS)
@few
@given(v=VECTORS, count=COUNTS)
def test_shift_equals_lane_by_lane(mnemonic, v, count):
    width, name, signed, _ = INTEGER[mnemonic]
    expected = vector([SHIFTS[name](x, count % width) for x in lanes(v, width, signed)], width)
    assert OPERATIONS[mnemonic](v, count) == expected


@named(["all_true", "bitmask"])
@few
@given(v=VECTORS)
def test_reduction_equals_lane_by_lane(mnemonic, v):
    width, name, _, _ = INTEGER[mnemonic]
    if name == "all_true":
        expected = int(all(lanes(v, width)))
    else:
        expected = sum((x >> width - 1) << lane for lane, x in enumerate(lanes(v, width)))
    assert OPERATIONS[mnemonic](v) == expected


@named(["extend_low", "extend_high"])
@few
@given(v=VECTORS)
def test_extend_equals_lane_by_lane(mnemonic, v):
    width, name, signed, narrow = INTEGER[mnemonic]
    values = lanes(v, narrow, signed)
    half = len(values) // 2
    assert OPERATIONS[mnemonic](v) == vector(values[:half] if "low" in name else values[half:], width)


@named(["extmul_low", "extmul_high"])
@few
@given(a=VECTORS, b=VECTORS)
def test_extmul_equals_lane_by_lane(mnemonic, a, b):
    width, name, signed, narrow = INTEGER[mnemonic]
    products = [x * y for x, y in zip(lanes(a, narrow, signed), lanes(b, narrow, signed), strict=True)]
    half = len(products) // 2
    assert OPERATIONS[mnemonic](a, b) == vector(products[:half] if "low" in name else products[half:], width)


@named(["extadd_pairwise"])
@few
@given(v=VECTORS)
def test_extadd_pairwise_equals_lane_by_lane(mnemonic, v):
    width, _, signed, narrow = INTEGER[mnemonic]
    values = lanes(v, narrow, signed)
    expected = [x + y for x, y in zip(values[::2], values[1::2], strict=True)]
    assert OPERATIONS[mnemonic](v) == vector(expected, width)


@named(["narrow"])
@few
@given(a=VECTORS, b=VECTORS)
def test_narrow_equals_lane_by_lane(mnemonic, a, b):
    width, _, signed, wide = INTEGER[mnemonic]
    values = lanes(a, wide, True) + lanes(b, wide, True)
    assert OPERATIONS[mnemonic](a, b) == vector([clamp(x, width, signed) for x in values], width)


def pair_sums(a, b, narrow):
    products = [x * y for x, y in zip(lanes(a, narrow, True), lanes(b, narrow, True), strict=True)]
    return [x + y for x, y in zip(products[::2], products[1::2], strict=True)]


@few
@given(a=VECTORS, b=VECTORS)
def test_dot_equals_lane_by_lane(a, b):
    assert OPERATIONS["i32x4.dot_i16x8_s"](a, b) == vector(pair_sums(a, b, 16), 32)


@few
@given(a=VECTORS, b=VECTORS, c=VECTORS)
def test_relaxed_dot_equals_lane_by_lane(a, b, c):
    sums = [clamp(x, 16, True) for x in pair_sums(a, b, 8)]
    assert OPERATIONS["i16x8.relaxed_dot_i8x16_i7x16_s"](a, b) == vector(sums, 16)
    expected = [x + y + z for x, y, z in zip(sums[::2], sums[1::2], lanes(c, 32), strict=True)]
    assert OPERATIONS["i32x4.relaxed_dot_i8x16_i7x16_add_s"](a, b, c) == vector(expected, 32)


@pytest.mark.parametrize("mnemonic", ["i8x16.swizzle", "i8x16.relaxed_swizzle"])
@few
@given(v=VECTORS, indices=st.lists(st.integers(0, 20) | BYTES, min_size=16, max_size=16))
def test_swizzle_equals_lane_by_lane(mnemonic, v, indices):
    values = lanes(v, 8) + [0] * 240
    assert OPERATIONS[mnemonic](v, vector(indices, 8)) == vector([values[i] for i in indices], 8)


@settings(max_examples=100, deadline=None)
@given(
    a=VECTORS,
    b=VECTORS,
    indices=st.sampled_from([(0, 15), (16, 31), (0, 31)]).flatmap(
        lambda bounds: st.lists(st.integers(*bounds), min_size=16, max_size=16)
    ),
)
def test_shuffle_equals_lane_by_lane(a, b, indices):
    values = lanes(a, 8) + lanes(b, 8)
    assert SHUFFLE(bytes(indices))(a, b) == vector([values[i] for i in indices], 8)


@few
@given(a=VECTORS, b=VECTORS, mask=VECTORS)
def test_bitwise_equals_bit_by_bit(a, b, mask):
    bits = range(128)

    def of(function):
        return sum((function(a >> i & 1, b >> i & 1, mask >> i & 1) & 1) << i for i in bits)

    assert OPERATIONS["v128.not"](a) == of(lambda x, y, m: ~x)
    assert OPERATIONS["v128.and"](a, b) == of(lambda x, y, m: x & y)
    assert OPERATIONS["v128.andnot"](a, b) == of(lambda x, y, m: x & ~y)
    assert OPERATIONS["v128.or"](a, b) == of(lambda x, y, m: x | y)
    assert OPERATIONS["v128.xor"](a, b) == of(lambda x, y, m: x ^ y)
    expected = of(lambda x, y, m: x if m else y)
    for mnemonic in ("v128.bitselect", *(name for name in OPERATIONS if "laneselect" in name)):
        assert OPERATIONS[mnemonic](a, b, mask) == expected
    assert OPERATIONS["v128.any_true"](a) == (1 if a else 0)


@pytest.mark.parametrize("width", [8, 16, 32, 64])
@few
@given(v=VECTORS, x=st.integers(0, (1 << 32) - 1), data=st.data())
def test_lanes_are_taken_put_and_splatted(width, v, x, data):
    shape = f"i{width}x{128 // width}"
    lane = data.draw(st.integers(0, 128 // width - 1))
    values = lanes(v, width)
    if width < 32:
        signed = lanes(v, width, True)[lane]
        assert LANE_OPERATIONS[f"{shape}.extract_lane_s"](lane)(v) == signed & (1 << 32) - 1
        assert LANE_OPERATIONS[f"{shape}.extract_lane_u"](lane)(v) == values[lane]
    else:
        assert LANE_OPERATIONS[f"{shape}.extract_lane"](lane)(v) == values[lane]
    values[lane] = x
    assert LANE_OPERATIONS[f"{shape}.replace_lane"](lane)(v, x) == vector(values, width)
    assert OPERATIONS[f"{shape}.splat"](x) == vector([x] * (128 // width), width)
