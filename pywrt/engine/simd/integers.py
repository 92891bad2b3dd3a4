"""Integer lanes: arithmetic, comparisons, shifts, saturation. Spec: exec/numerics.html

Strategy: all lanes at once. A vector is one Python int, so that `(a & low) + (b & low)` adds every lane
while the cleared highest bits keep carries from the next one, and the highest bits are put in by `^`
afterwards. In the same way `(a | high) - (b & low)` subtracts without borrowing from a neighbour, and its
highest bits say which lane was the smaller one. A bit a lane becomes a mask of the lane when multiplied by
a lane of ones. An operation on such an int takes some 20 ns, so these beat a loop over lanes that
`struct` unpacked; multiplications are done lane by lane, since a product has no room in its lane.

Every factory takes the lanes' width in bits. Names in them: `unit` has a 1 in each lane, `high` the
highest bit of each, `low` all the others, `full` is one lane of ones, `top` the highest bit's number.
"""

import struct
from collections.abc import Callable

from pywrt.engine.simd.lanes import ALL, Operation, ones, shape

_from_bytes = int.from_bytes
_unpack_8h = struct.Struct("<8h").unpack
_unpack_8u = struct.Struct("<8H").unpack
_pack_8h = struct.Struct("<8h").pack
_pack_8u = struct.Struct("<8H").pack


def _masks(width: int) -> tuple[int, int, int, int, int]:
    """unit, high, low, full, top."""
    unit = ones(width)
    high = unit << width - 1
    return unit, high, ALL ^ high, (1 << width) - 1, width - 1


# --- one operand


def _abs(width: int) -> Operation:
    unit, _, _, full, top = _masks(width)

    def abs_(v: int) -> int:
        negative = v >> top & unit
        return (v ^ negative * full) + negative

    return abs_


def _neg(width: int) -> Operation:
    _, high, low, _, _ = _masks(width)

    def neg(v: int) -> int:
        return high - (v & low) ^ v & high ^ high

    return neg


_BIT_COUNTS = bytes(byte.bit_count() for byte in range(256))


def i8x16_popcnt(v: int) -> int:
    return _from_bytes(v.to_bytes(16, "little").translate(_BIT_COUNTS), "little")


# --- arithmetic


def _add(width: int) -> Operation:
    _, high, low, _, _ = _masks(width)

    def add(a: int, b: int) -> int:
        return (a & low) + (b & low) ^ (a ^ b) & high

    return add


def _sub(width: int) -> Operation:
    _, high, low, _, _ = _masks(width)

    def sub(a: int, b: int) -> int:
        return (a | high) - (b & low) ^ (a ^ b) & high ^ high

    return sub


def i16x8_mul(a: int, b: int) -> int:
    a0, a1, a2, a3, a4, a5, a6, a7 = _unpack_8u(a.to_bytes(16, "little"))
    b0, b1, b2, b3, b4, b5, b6, b7 = _unpack_8u(b.to_bytes(16, "little"))
    return _from_bytes(
        _pack_8u(
            a0 * b0 & 0xFFFF,
            a1 * b1 & 0xFFFF,
            a2 * b2 & 0xFFFF,
            a3 * b3 & 0xFFFF,
            a4 * b4 & 0xFFFF,
            a5 * b5 & 0xFFFF,
            a6 * b6 & 0xFFFF,
            a7 * b7 & 0xFFFF,
        ),
        "little",
    )


def i32x4_mul(a: int, b: int) -> int:
    # lane k of `a`, in place, times `b` with its lane k moved to the bottom: what lies above is cut off
    return (
        a * b & 0x000000000000000000000000FFFFFFFF
        | (a & 0x0000000000000000FFFFFFFF00000000) * (b >> 32) & 0x0000000000000000FFFFFFFF00000000
        | (a & 0x00000000FFFFFFFF0000000000000000) * (b >> 64) & 0x00000000FFFFFFFF0000000000000000
        | (a & 0xFFFFFFFF000000000000000000000000) * (b >> 96) & 0xFFFFFFFF000000000000000000000000
    )


def i64x2_mul(a: int, b: int) -> int:
    return (
        a * b & 0x0000000000000000FFFFFFFFFFFFFFFF
        | (a & 0xFFFFFFFFFFFFFFFF0000000000000000) * (b >> 64) & 0xFFFFFFFFFFFFFFFF0000000000000000
    )


def i16x8_q15mulr_sat_s(a: int, b: int) -> int:
    a0, a1, a2, a3, a4, a5, a6, a7 = _unpack_8h(a.to_bytes(16, "little"))
    b0, b1, b2, b3, b4, b5, b6, b7 = _unpack_8h(b.to_bytes(16, "little"))
    low = a0 * b0 + 16384 >> 15, a1 * b1 + 16384 >> 15, a2 * b2 + 16384 >> 15, a3 * b3 + 16384 >> 15
    high = a4 * b4 + 16384 >> 15, a5 * b5 + 16384 >> 15, a6 * b6 + 16384 >> 15, a7 * b7 + 16384 >> 15
    try:
        return _from_bytes(_pack_8h(*low, *high), "little")
    except struct.error:  # -32768 times itself: the one product beyond the range
        return _from_bytes(_pack_8h(*[min(x, 32767) for x in low + high]), "little")


def _avgr_u(width: int) -> Operation:
    _, _, low, _, _ = _masks(width)

    def avgr_u(a: int, b: int) -> int:
        # (a + b + 1) / 2, where a + b is 2 (a | b) - (a ^ b)
        return (a | b) - ((a ^ b) >> 1 & low)

    return avgr_u


# --- saturating arithmetic


def _add_sat_u(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def add_sat_u(a: int, b: int) -> int:
        differ = a ^ b
        sums = (a & low) + (b & low)
        carry = (a & b | sums & differ) >> top & unit
        return sums ^ differ & high | carry * full

    return add_sat_u


def _sub_sat_u(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def sub_sat_u(a: int, b: int) -> int:
        differ = a ^ b
        rest = (a | high) - (b & low)
        no_borrow = ((a ^ rest) & differ ^ rest) >> top & unit
        return (rest ^ differ & high ^ high) & no_borrow * full

    return sub_sat_u


def _add_sat_s(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def add_sat_s(a: int, b: int) -> int:
        differ = a ^ b
        sums = (a & low) + (b & low) ^ differ & high
        overflow = (sums ^ a) & (differ ^ high) & high
        if not overflow:
            return sums
        limit = low + (a >> top & unit)  # the greatest, and one more, hence the least, for negative ones
        return sums ^ (sums ^ limit) & (overflow >> top) * full

    return add_sat_s


def _sub_sat_s(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def sub_sat_s(a: int, b: int) -> int:
        differ = a ^ b
        rest = (a | high) - (b & low) ^ differ & high ^ high
        overflow = (rest ^ a) & differ & high
        if not overflow:
            return rest
        limit = low + (a >> top & unit)
        return rest ^ (rest ^ limit) & (overflow >> top) * full

    return sub_sat_s


# --- comparisons. Where the highest bits of two lanes are equal, `(a | high) - (b & low)` keeps the highest
# bit of the lanes in which a >= b; where they differ, it is a's bit that says so, or b's if they are signs.


def _eq(width: int) -> Operation:
    _, high, low, full, top = _masks(width)

    def eq(a: int, b: int) -> int:
        differ = a ^ b
        return ((((differ & low) + low | differ) & high ^ high) >> top) * full

    return eq


def _ne(width: int) -> Operation:
    _, high, low, full, top = _masks(width)

    def ne(a: int, b: int) -> int:
        differ = a ^ b
        return ((((differ & low) + low | differ) & high) >> top) * full

    return ne


def _lt_s(width: int) -> Operation:
    _, high, low, full, top = _masks(width)

    def lt_s(a: int, b: int) -> int:
        rest = (a | high) - (b & low)
        return ((((b ^ rest) & (a ^ b) ^ rest) & high ^ high) >> top) * full

    return lt_s


def _lt_u(width: int) -> Operation:
    _, high, low, full, top = _masks(width)

    def lt_u(a: int, b: int) -> int:
        rest = (a | high) - (b & low)
        return ((((a ^ rest) & (a ^ b) ^ rest) & high ^ high) >> top) * full

    return lt_u


def _gt_s(width: int) -> Operation:
    _, high, low, full, top = _masks(width)

    def gt_s(a: int, b: int) -> int:
        rest = (b | high) - (a & low)
        return ((((a ^ rest) & (a ^ b) ^ rest) & high ^ high) >> top) * full

    return gt_s


def _gt_u(width: int) -> Operation:
    _, high, low, full, top = _masks(width)

    def gt_u(a: int, b: int) -> int:
        rest = (b | high) - (a & low)
        return ((((b ^ rest) & (a ^ b) ^ rest) & high ^ high) >> top) * full

    return gt_u


def _le_s(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def le_s(a: int, b: int) -> int:
        rest = (b | high) - (a & low)
        return (((a ^ rest) & (a ^ b) ^ rest) >> top & unit) * full

    return le_s


def _le_u(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def le_u(a: int, b: int) -> int:
        rest = (b | high) - (a & low)
        return (((b ^ rest) & (a ^ b) ^ rest) >> top & unit) * full

    return le_u


def _ge_s(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def ge_s(a: int, b: int) -> int:
        rest = (a | high) - (b & low)
        return (((b ^ rest) & (a ^ b) ^ rest) >> top & unit) * full

    return ge_s


def _ge_u(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def ge_u(a: int, b: int) -> int:
        rest = (a | high) - (b & low)
        return (((a ^ rest) & (a ^ b) ^ rest) >> top & unit) * full

    return ge_u


# --- minimum and maximum: a comparison as above, and a choice by it


def _min_s(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def min_s(a: int, b: int) -> int:
        differ = a ^ b
        rest = (a | high) - (b & low)
        return a ^ differ & (((b ^ rest) & differ ^ rest) >> top & unit) * full

    return min_s


def _min_u(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def min_u(a: int, b: int) -> int:
        differ = a ^ b
        rest = (a | high) - (b & low)
        return a ^ differ & (((a ^ rest) & differ ^ rest) >> top & unit) * full

    return min_u


def _max_s(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def max_s(a: int, b: int) -> int:
        differ = a ^ b
        rest = (a | high) - (b & low)
        return b ^ differ & (((b ^ rest) & differ ^ rest) >> top & unit) * full

    return max_s


def _max_u(width: int) -> Operation:
    unit, high, low, full, top = _masks(width)

    def max_u(a: int, b: int) -> int:
        differ = a ^ b
        rest = (a | high) - (b & low)
        return b ^ differ & (((a ^ rest) & differ ^ rest) >> top & unit) * full

    return max_u


# --- shifts, by a count modulo the width


def _shl(width: int) -> Operation:
    unit, _, _, full, top = _masks(width)
    kept = tuple((full << n & full) * unit for n in range(width))

    def shl(v: int, count: int) -> int:
        count &= top
        return v << count & kept[count]

    return shl


def _shr_u(width: int) -> Operation:
    unit, _, _, full, top = _masks(width)
    kept = tuple((full >> n) * unit for n in range(width))

    def shr_u(v: int, count: int) -> int:
        count &= top
        return v >> count & kept[count]

    return shr_u


def _shr_s(width: int) -> Operation:
    unit, high, _, full, top = _masks(width)
    kept = tuple((full >> n) * unit for n in range(width))
    # with its sign bit flipped a lane is 2**top too large, and once shifted 2**(top - n)
    excess = tuple(high - (unit << top - n) for n in range(width))

    def shr_s(v: int, count: int) -> int:
        count &= top
        return ((v ^ high) >> count & kept[count]) + excess[count] ^ high

    return shr_s


# --- tables

_ROWS: tuple[tuple[str, Callable[[int], Operation], tuple[int, ...]], ...] = (
    # name, factory, widths of the lanes
    ("abs", _abs, (8, 16, 32, 64)),
    ("neg", _neg, (8, 16, 32, 64)),
    ("add", _add, (8, 16, 32, 64)),
    ("sub", _sub, (8, 16, 32, 64)),
    ("avgr_u", _avgr_u, (8, 16)),
    ("add_sat_s", _add_sat_s, (8, 16)),
    ("add_sat_u", _add_sat_u, (8, 16)),
    ("sub_sat_s", _sub_sat_s, (8, 16)),
    ("sub_sat_u", _sub_sat_u, (8, 16)),
    ("eq", _eq, (8, 16, 32, 64)),
    ("ne", _ne, (8, 16, 32, 64)),
    ("lt_s", _lt_s, (8, 16, 32, 64)),
    ("lt_u", _lt_u, (8, 16, 32)),
    ("gt_s", _gt_s, (8, 16, 32, 64)),
    ("gt_u", _gt_u, (8, 16, 32)),
    ("le_s", _le_s, (8, 16, 32, 64)),
    ("le_u", _le_u, (8, 16, 32)),
    ("ge_s", _ge_s, (8, 16, 32, 64)),
    ("ge_u", _ge_u, (8, 16, 32)),
    ("min_s", _min_s, (8, 16, 32)),
    ("min_u", _min_u, (8, 16, 32)),
    ("max_s", _max_s, (8, 16, 32)),
    ("max_u", _max_u, (8, 16, 32)),
    ("shl", _shl, (8, 16, 32, 64)),
    ("shr_s", _shr_s, (8, 16, 32, 64)),
    ("shr_u", _shr_u, (8, 16, 32, 64)),
)

OPERATIONS: dict[str, Operation] = {
    **{f"{shape(width)}.{name}": factory(width) for name, factory, widths in _ROWS for width in widths},
    "i8x16.popcnt": i8x16_popcnt,
    "i16x8.mul": i16x8_mul,
    "i32x4.mul": i32x4_mul,
    "i64x2.mul": i64x2_mul,
    "i16x8.q15mulr_sat_s": i16x8_q15mulr_sat_s,
}
