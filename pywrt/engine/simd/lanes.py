"""Whole vectors and single lanes: bitwise operations, tests, splats, lane access, shuffles.

A v128 is an unsigned int of 128 bits whose lane 0 is the least significant, as a little-endian load
gives it. Spec: exec/instructions.html#vector-instructions
"""

import struct
from collections.abc import Callable

from pywrt.engine.numeric import M32, M64, f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits

#: Operands to result, all of them raw values.
Operation = Callable[..., int]
#: The same for what may also give a float: `extract_lane`.
LaneOperation = Callable[..., float]

ALL = (1 << 128) - 1
WIDTHS = (8, 16, 32, 64)

_from_bytes = int.from_bytes
_unpack_f32_from = struct.Struct("<f").unpack_from
_unpack_f64_from = struct.Struct("<d").unpack_from


def shape(width: int) -> str:
    """The integer shape with lanes of `width` bits: `i8x16` for 8."""
    return f"i{width}x{128 // width}"


def ones(width: int, bits: int = 128) -> int:
    """A 1 in each lane of `width` bits; its multiples hold the same value in every lane."""
    return ((1 << bits) - 1) // ((1 << width) - 1)


# --- bitwise


def v128_not(v: int) -> int:
    return v ^ ALL


def v128_and(a: int, b: int) -> int:
    return a & b


def v128_andnot(a: int, b: int) -> int:
    return a & (b ^ ALL)


def v128_or(a: int, b: int) -> int:
    return a | b


def v128_xor(a: int, b: int) -> int:
    return a ^ b


def v128_bitselect(a: int, b: int, mask: int) -> int:
    return b ^ (a ^ b) & mask


# --- tests


def v128_any_true(v: int) -> int:
    return 1 if v else 0


def _all_true(width: int) -> Operation:
    high = ones(width) << width - 1
    low = ALL ^ high

    def all_true(v: int) -> int:
        # a lane's low bits, if any is set, carry into its highest
        return 1 if ((v & low) + low | v) & high == high else 0

    return all_true


def i8x16_bitmask(v: int) -> int:
    # the product brings the four sign bits of every 32 together; 2**32 is 2**4 modulo 2**28 - 1, so the
    # remainder moves each such group of four next to its neighbour
    gathered = (v & 0x80808080808080808080808080808080) * 0x204081 >> 28
    return (gathered & 0x0000000F0000000F0000000F0000000F) % 0xFFFFFFF


def i16x8_bitmask(v: int) -> int:
    # as above: 2**16 is 2 modulo 2**15 - 1
    return (v >> 15 & 0x00010001000100010001000100010001) % 0x7FFF


def i32x4_bitmask(v: int) -> int:
    return (v >> 31 & 0x00000001000000010000000100000001) % 0x7FFFFFFF


def i64x2_bitmask(v: int) -> int:
    return v >> 126 & 2 | v >> 63 & 1


# --- splats


def i8x16_splat(x: int) -> int:
    return (x & 0xFF) * 0x01010101010101010101010101010101


def i16x8_splat(x: int) -> int:
    return (x & 0xFFFF) * 0x00010001000100010001000100010001


def i32x4_splat(x: int) -> int:
    return x * 0x00000001000000010000000100000001


def i64x2_splat(x: int) -> int:
    return x | x << 64


def f32x4_splat(x: float) -> int:
    return f32_to_bits(x) * 0x00000001000000010000000100000001


def f64x2_splat(x: float) -> int:
    bits = f64_to_bits(x)
    return bits | bits << 64


# --- single lanes: lane index to operation


def _extract_lane_u(width: int) -> Callable[[int], Operation]:
    mask = (1 << width) - 1

    def at(lane: int) -> Operation:
        shift = width * lane
        if not lane:
            return lambda v: v & mask
        return lambda v: v >> shift & mask

    return at


def _extract_lane_s(width: int) -> Callable[[int], Operation]:
    mask = (1 << width) - 1
    sign = 1 << width - 1

    def at(lane: int) -> Operation:
        shift = width * lane
        return lambda v: (v >> shift & mask ^ sign) - sign & M32

    return at


def f32x4_extract_lane(lane: int) -> LaneOperation:
    offset = 4 * lane

    def extract_lane(v: int) -> float:
        x: float = _unpack_f32_from(v.to_bytes(16, "little"), offset)[0]
        return x if x == x else f32_from_bits(v >> 8 * offset & M32)

    return extract_lane


def f64x2_extract_lane(lane: int) -> LaneOperation:
    shift = 64 * lane
    return lambda v: f64_from_bits(v >> shift & M64)


def _replace_lane(width: int) -> Callable[[int], Operation]:
    mask = (1 << width) - 1

    def at(lane: int) -> Operation:
        shift = width * lane
        others = ALL ^ mask << shift
        if width >= 32:
            return lambda v, x: v & others | x << shift
        return lambda v, x: v & others | (x & mask) << shift  # the i32 has more bits than the lane

    return at


def f32x4_replace_lane(lane: int) -> Operation:
    shift = 32 * lane
    others = ALL ^ M32 << shift
    return lambda v, x: v & others | f32_to_bits(x) << shift


def f64x2_replace_lane(lane: int) -> Operation:
    shift = 64 * lane
    others = ALL ^ M64 << shift
    return lambda v, x: v & others | f64_to_bits(x) << shift


# --- shuffles. `bytes.translate` moves bytes: it looks each byte of the indices up in a table of 256, and
# `to_bytes(256)` makes that table of a vector, zeros behind it.


def permutation(indices: bytes) -> Callable[[int], int]:
    """Byte i of the result is byte `indices[i]` of the operand, 0 where it has none; any size below 256."""
    translate = indices.translate

    def permute(v: int) -> int:
        return _from_bytes(translate(v.to_bytes(256, "little")), "little")

    return permute


def i8x16_shuffle(lanes: bytes) -> Operation:
    """`i8x16.shuffle` for its 16 lane indices, each below 32."""
    translate = lanes.translate
    if max(lanes) < 16:
        return lambda a, b: _from_bytes(translate(a.to_bytes(256, "little")), "little")
    if min(lanes) >= 16:
        translate = bytes(lane - 16 for lane in lanes).translate
        return lambda a, b: _from_bytes(translate(b.to_bytes(256, "little")), "little")
    return lambda a, b: _from_bytes(translate((a | b << 128).to_bytes(256, "little")), "little")


def i8x16_swizzle(v: int, indices: int) -> int:
    return _from_bytes(indices.to_bytes(16, "little").translate(v.to_bytes(256, "little")), "little")


# --- tables

OPERATIONS: dict[str, Operation] = {
    "v128.not": v128_not,
    "v128.and": v128_and,
    "v128.andnot": v128_andnot,
    "v128.or": v128_or,
    "v128.xor": v128_xor,
    "v128.bitselect": v128_bitselect,
    "v128.any_true": v128_any_true,
    **{f"{shape(width)}.all_true": _all_true(width) for width in WIDTHS},
    "i8x16.bitmask": i8x16_bitmask,
    "i16x8.bitmask": i16x8_bitmask,
    "i32x4.bitmask": i32x4_bitmask,
    "i64x2.bitmask": i64x2_bitmask,
    "i8x16.splat": i8x16_splat,
    "i16x8.splat": i16x8_splat,
    "i32x4.splat": i32x4_splat,
    "i64x2.splat": i64x2_splat,
    "f32x4.splat": f32x4_splat,
    "f64x2.splat": f64x2_splat,
    "i8x16.swizzle": i8x16_swizzle,
}

LANE_OPERATIONS: dict[str, Callable[[int], LaneOperation]] = {
    "i8x16.extract_lane_s": _extract_lane_s(8),
    "i8x16.extract_lane_u": _extract_lane_u(8),
    "i8x16.replace_lane": _replace_lane(8),
    "i16x8.extract_lane_s": _extract_lane_s(16),
    "i16x8.extract_lane_u": _extract_lane_u(16),
    "i16x8.replace_lane": _replace_lane(16),
    "i32x4.extract_lane": _extract_lane_u(32),
    "i32x4.replace_lane": _replace_lane(32),
    "i64x2.extract_lane": _extract_lane_u(64),
    "i64x2.replace_lane": _replace_lane(64),
    "f32x4.extract_lane": f32x4_extract_lane,
    "f32x4.replace_lane": f32x4_replace_lane,
    "f64x2.extract_lane": f64x2_extract_lane,
    "f64x2.replace_lane": f64x2_replace_lane,
}
