"""Relaxed instructions. Spec: exec/numerics.html#relaxed-operations

Of the results that the specification permits, these are the ones of wasmtime's deterministic mode: what the
instruction without "relaxed" gives, and multiply-add rounded once (the specification's deterministic
profile rounds twice). One sum of a dot product wraps in wasmtime against the specification; here it
saturates.
"""

import math
import operator
import struct

from pywrt.engine.numeric import f64_from_bits, f64_to_bits
from pywrt.engine.simd import floats, integers, lanes, widening
from pywrt.engine.simd.lanes import Operation

_from_bytes = int.from_bytes
_unpack_16b = struct.Struct("<16b").unpack
_pack_8h = struct.Struct("<8h").pack
_unpack_f32x4 = struct.Struct("<4f").unpack
_unpack_f64x2, _pack_f64x2 = struct.Struct("<2d").unpack, struct.Struct("<2d").pack

_isfinite = math.isfinite
_add_i32x4 = integers.OPERATIONS["i32x4.add"]
_extadd_pairwise_i16x8_s = widening.OPERATIONS["i32x4.extadd_pairwise_i16x8_s"]


# --- fused multiply-add


def f32_fma(a: float, b: float, c: float) -> float:
    """a * b + c of binary32 values as a float that rounds to the right binary32."""
    product = a * b  # exact: 48 bits
    result = product + c
    if not _isfinite(result):
        return result
    # what the addition rounded away (Knuth's TwoSum)
    shown = result - product
    lost = (product - (result - shown)) + (c - shown)
    bits = f64_to_bits(result)
    if not lost or bits & 1:
        return result
    # Rounding to odd, not to even, keeps the second rounding from seeing a tie where there is none:
    # the truncated result with its last bit set.
    return f64_from_bits(bits + 1 if (lost > 0) == (result > 0) else bits - 1)


def f64_fma(a: float, b: float, c: float) -> float:
    """a * b + c, rounded once."""
    if not (_isfinite(a) and _isfinite(b)) or a == 0 or b == 0:
        return a * b + c  # nothing to round in the product
    if not _isfinite(c):
        return c + 0.0  # though the product may be too large for a float
    if c == 0:
        return a * b  # a product that underflows keeps its sign
    (an, ad), (bn, bd), (cn, cd) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    numerator = an * bn * cd + cn * ad * bd
    try:
        return numerator / (ad * bd * cd)  # Python rounds the quotient of integers once
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def f32x4_relaxed_madd(a: int, b: int, c: int) -> int:
    a0, a1, a2, a3 = _unpack_f32x4(a.to_bytes(16, "little"))
    b0, b1, b2, b3 = _unpack_f32x4(b.to_bytes(16, "little"))
    c0, c1, c2, c3 = _unpack_f32x4(c.to_bytes(16, "little"))
    return floats.f32x4_from_lanes(
        f32_fma(a0, b0, c0), f32_fma(a1, b1, c1), f32_fma(a2, b2, c2), f32_fma(a3, b3, c3)
    )


def f64x2_relaxed_madd(a: int, b: int, c: int) -> int:
    a0, a1 = _unpack_f64x2(a.to_bytes(16, "little"))
    b0, b1 = _unpack_f64x2(b.to_bytes(16, "little"))
    c0, c1 = _unpack_f64x2(c.to_bytes(16, "little"))
    return _from_bytes(_pack_f64x2(f64_fma(a0, b0, c0), f64_fma(a1, b1, c1)), "little")


def f32x4_relaxed_nmadd(a: int, b: int, c: int) -> int:
    return f32x4_relaxed_madd(floats.f32x4_neg(a), b, c)


def f64x2_relaxed_nmadd(a: int, b: int, c: int) -> int:
    return f64x2_relaxed_madd(floats.f64x2_neg(a), b, c)


# --- dot products: signed by signed, pairs added with saturation


def i16x8_relaxed_dot_i8x16_i7x16_s(a: int, b: int) -> int:
    x = _unpack_16b(a.to_bytes(16, "little"))
    y = _unpack_16b(b.to_bytes(16, "little"))
    products = list(map(operator.mul, x, y))
    sums = list(map(operator.add, products[::2], products[1::2]))
    try:
        return _from_bytes(_pack_8h(*sums), "little")
    except struct.error:  # four times -128: the one sum beyond the range
        return _from_bytes(_pack_8h(*[min(pair, 32767) for pair in sums]), "little")


def i32x4_relaxed_dot_i8x16_i7x16_add_s(a: int, b: int, c: int) -> int:
    return _add_i32x4(_extadd_pairwise_i16x8_s(i16x8_relaxed_dot_i8x16_i7x16_s(a, b)), c)


# --- tables

OPERATIONS: dict[str, Operation] = {
    "i8x16.relaxed_swizzle": lanes.OPERATIONS["i8x16.swizzle"],
    "i32x4.relaxed_trunc_f32x4_s": floats.OPERATIONS["i32x4.trunc_sat_f32x4_s"],
    "i32x4.relaxed_trunc_f32x4_u": floats.OPERATIONS["i32x4.trunc_sat_f32x4_u"],
    "i32x4.relaxed_trunc_f64x2_s_zero": floats.OPERATIONS["i32x4.trunc_sat_f64x2_s_zero"],
    "i32x4.relaxed_trunc_f64x2_u_zero": floats.OPERATIONS["i32x4.trunc_sat_f64x2_u_zero"],
    "f32x4.relaxed_madd": f32x4_relaxed_madd,
    "f32x4.relaxed_nmadd": f32x4_relaxed_nmadd,
    "f64x2.relaxed_madd": f64x2_relaxed_madd,
    "f64x2.relaxed_nmadd": f64x2_relaxed_nmadd,
    "i8x16.relaxed_laneselect": lanes.OPERATIONS["v128.bitselect"],
    "i16x8.relaxed_laneselect": lanes.OPERATIONS["v128.bitselect"],
    "i32x4.relaxed_laneselect": lanes.OPERATIONS["v128.bitselect"],
    "i64x2.relaxed_laneselect": lanes.OPERATIONS["v128.bitselect"],
    "f32x4.relaxed_min": floats.OPERATIONS["f32x4.min"],
    "f32x4.relaxed_max": floats.OPERATIONS["f32x4.max"],
    "f64x2.relaxed_min": floats.OPERATIONS["f64x2.min"],
    "f64x2.relaxed_max": floats.OPERATIONS["f64x2.max"],
    "i16x8.relaxed_q15mulr_s": integers.OPERATIONS["i16x8.q15mulr_sat_s"],
    "i16x8.relaxed_dot_i8x16_i7x16_s": i16x8_relaxed_dot_i8x16_i7x16_s,
    "i32x4.relaxed_dot_i8x16_i7x16_add_s": i32x4_relaxed_dot_i8x16_i7x16_add_s,
}
