"""Float lanes. Spec: exec/numerics.html#floating-point-operations

Lanes are unpacked to Python floats and go through the functions of `numeric`, so that each lane is what the
scalar instruction gives, NaNs included. Unpacking an f32 may quiet a signalling NaN, which everything here
that computes would do next; what only moves bits (abs, neg, pmin, pmax) works on the vector itself.
Packing f32 lanes rounds them, once, since the float operations before are binary64 and exact enough; what
passes the range of binary32 makes `struct` raise an OverflowError and is rounded lane by lane then.
"""

import itertools
import operator
import struct
from collections.abc import Callable

from pywrt.engine import numeric
from pywrt.engine.numeric import f32_round
from pywrt.engine.simd.lanes import Operation

Unary = Callable[[float], float]
Binary = Callable[[float, float], float]
Comparison = Callable[[float, float], bool]

_from_bytes = int.from_bytes
_f32x4 = struct.Struct("<4f")
_f64x2 = struct.Struct("<2d")
_unpack_f32x4, _pack_f32x4 = _f32x4.unpack, _f32x4.pack
_unpack_f64x2, _pack_f64x2 = _f64x2.unpack, _f64x2.pack
_pack_f32x2_zero = struct.Struct("<2f8x").pack
_unpack_f32x2_low = struct.Struct("<2f8x").unpack
_unpack_4i, _unpack_4u = struct.Struct("<4i").unpack, struct.Struct("<4I").unpack
_unpack_2i_low, _unpack_2u_low = struct.Struct("<2i8x").unpack, struct.Struct("<2I8x").unpack
_pack_4u = struct.Struct("<4I").pack
_pack_2u_zero = struct.Struct("<2I8x").pack


def f32x4_from_lanes(x0: float, x1: float, x2: float, x3: float) -> int:
    """The vector of four floats, each rounded to binary32."""
    try:
        return _from_bytes(_pack_f32x4(x0, x1, x2, x3), "little")
    except OverflowError:
        return _from_bytes(_pack_f32x4(f32_round(x0), f32_round(x1), f32_round(x2), f32_round(x3)), "little")


# --- signs


def f32x4_abs(v: int) -> int:
    return v & 0x7FFFFFFF7FFFFFFF7FFFFFFF7FFFFFFF


def f32x4_neg(v: int) -> int:
    return v ^ 0x80000000800000008000000080000000


def f64x2_abs(v: int) -> int:
    return v & 0x7FFFFFFFFFFFFFFF7FFFFFFFFFFFFFFF


def f64x2_neg(v: int) -> int:
    return v ^ 0x80000000000000008000000000000000


# --- arithmetic


def f32x4_add(a: int, b: int) -> int:
    a0, a1, a2, a3 = _unpack_f32x4(a.to_bytes(16, "little"))
    b0, b1, b2, b3 = _unpack_f32x4(b.to_bytes(16, "little"))
    try:
        return _from_bytes(_pack_f32x4(a0 + b0, a1 + b1, a2 + b2, a3 + b3), "little")
    except OverflowError:
        return f32x4_from_lanes(a0 + b0, a1 + b1, a2 + b2, a3 + b3)


def f32x4_sub(a: int, b: int) -> int:
    a0, a1, a2, a3 = _unpack_f32x4(a.to_bytes(16, "little"))
    b0, b1, b2, b3 = _unpack_f32x4(b.to_bytes(16, "little"))
    try:
        return _from_bytes(_pack_f32x4(a0 - b0, a1 - b1, a2 - b2, a3 - b3), "little")
    except OverflowError:
        return f32x4_from_lanes(a0 - b0, a1 - b1, a2 - b2, a3 - b3)


def f32x4_mul(a: int, b: int) -> int:
    a0, a1, a2, a3 = _unpack_f32x4(a.to_bytes(16, "little"))
    b0, b1, b2, b3 = _unpack_f32x4(b.to_bytes(16, "little"))
    try:
        return _from_bytes(_pack_f32x4(a0 * b0, a1 * b1, a2 * b2, a3 * b3), "little")
    except OverflowError:
        return f32x4_from_lanes(a0 * b0, a1 * b1, a2 * b2, a3 * b3)


def f64x2_add(a: int, b: int) -> int:
    a0, a1 = _unpack_f64x2(a.to_bytes(16, "little"))
    b0, b1 = _unpack_f64x2(b.to_bytes(16, "little"))
    return _from_bytes(_pack_f64x2(a0 + b0, a1 + b1), "little")


def f64x2_sub(a: int, b: int) -> int:
    a0, a1 = _unpack_f64x2(a.to_bytes(16, "little"))
    b0, b1 = _unpack_f64x2(b.to_bytes(16, "little"))
    return _from_bytes(_pack_f64x2(a0 - b0, a1 - b1), "little")


def f64x2_mul(a: int, b: int) -> int:
    a0, a1 = _unpack_f64x2(a.to_bytes(16, "little"))
    b0, b1 = _unpack_f64x2(b.to_bytes(16, "little"))
    return _from_bytes(_pack_f64x2(a0 * b0, a1 * b1), "little")


# --- everything else lane by lane, by a function on floats


def _f32x4_unary(function: Unary) -> Operation:
    def unary(v: int) -> int:
        x0, x1, x2, x3 = _unpack_f32x4(v.to_bytes(16, "little"))
        return f32x4_from_lanes(function(x0), function(x1), function(x2), function(x3))

    return unary


def _f64x2_unary(function: Unary) -> Operation:
    def unary(v: int) -> int:
        x0, x1 = _unpack_f64x2(v.to_bytes(16, "little"))
        return _from_bytes(_pack_f64x2(function(x0), function(x1)), "little")

    return unary


def _f32x4_binary(function: Binary) -> Operation:
    def binary(a: int, b: int) -> int:
        a0, a1, a2, a3 = _unpack_f32x4(a.to_bytes(16, "little"))
        b0, b1, b2, b3 = _unpack_f32x4(b.to_bytes(16, "little"))
        return f32x4_from_lanes(function(a0, b0), function(a1, b1), function(a2, b2), function(a3, b3))

    return binary


def _f64x2_binary(function: Binary) -> Operation:
    def binary(a: int, b: int) -> int:
        a0, a1 = _unpack_f64x2(a.to_bytes(16, "little"))
        b0, b1 = _unpack_f64x2(b.to_bytes(16, "little"))
        return _from_bytes(_pack_f64x2(function(a0, b0), function(a1, b1)), "little")

    return binary


# --- comparisons: the answers for all lanes look their mask up


def _masks(width: int) -> dict[tuple[bool, ...], int]:
    full = (1 << width) - 1
    return {
        answers: sum(full << width * lane for lane, answer in enumerate(answers) if answer)
        for answers in itertools.product((False, True), repeat=128 // width)
    }


_MASKS_4 = _masks(32)
_MASKS_2 = _masks(64)


def _f32x4_comparison(compare: Comparison) -> Operation:
    def comparison(a: int, b: int) -> int:
        a0, a1, a2, a3 = _unpack_f32x4(a.to_bytes(16, "little"))
        b0, b1, b2, b3 = _unpack_f32x4(b.to_bytes(16, "little"))
        return _MASKS_4[compare(a0, b0), compare(a1, b1), compare(a2, b2), compare(a3, b3)]

    return comparison


def _f64x2_comparison(compare: Comparison) -> Operation:
    def comparison(a: int, b: int) -> int:
        a0, a1 = _unpack_f64x2(a.to_bytes(16, "little"))
        b0, b1 = _unpack_f64x2(b.to_bytes(16, "little"))
        return _MASKS_2[compare(a0, b0), compare(a1, b1)]

    return comparison


f32x4_lt, f64x2_lt = _f32x4_comparison(operator.lt), _f64x2_comparison(operator.lt)


def f32x4_pmin(a: int, b: int) -> int:
    return a ^ (a ^ b) & f32x4_lt(b, a)


def f32x4_pmax(a: int, b: int) -> int:
    return a ^ (a ^ b) & f32x4_lt(a, b)


def f64x2_pmin(a: int, b: int) -> int:
    return a ^ (a ^ b) & f64x2_lt(b, a)


def f64x2_pmax(a: int, b: int) -> int:
    return a ^ (a ^ b) & f64x2_lt(a, b)


# --- conversions


def f32x4_demote_f64x2_zero(v: int) -> int:
    x0, x1 = _unpack_f64x2(v.to_bytes(16, "little"))
    return _from_bytes(_pack_f32x2_zero(numeric.f32_demote_f64(x0), numeric.f32_demote_f64(x1)), "little")


def f64x2_promote_low_f32x4(v: int) -> int:
    x0, x1 = _unpack_f32x2_low(v.to_bytes(16, "little"))
    return _from_bytes(_pack_f64x2(numeric.f64_promote_f32(x0), numeric.f64_promote_f32(x1)), "little")


def f32x4_convert_i32x4_s(v: int) -> int:
    return _from_bytes(_pack_f32x4(*_unpack_4i(v.to_bytes(16, "little"))), "little")


def f32x4_convert_i32x4_u(v: int) -> int:
    return _from_bytes(_pack_f32x4(*_unpack_4u(v.to_bytes(16, "little"))), "little")


def f64x2_convert_low_i32x4_s(v: int) -> int:
    return _from_bytes(_pack_f64x2(*_unpack_2i_low(v.to_bytes(16, "little"))), "little")


def f64x2_convert_low_i32x4_u(v: int) -> int:
    return _from_bytes(_pack_f64x2(*_unpack_2u_low(v.to_bytes(16, "little"))), "little")


def _trunc_sat_f32x4(trunc_sat: Callable[[float], int]) -> Operation:
    def trunc(v: int) -> int:
        x0, x1, x2, x3 = _unpack_f32x4(v.to_bytes(16, "little"))
        return _from_bytes(_pack_4u(trunc_sat(x0), trunc_sat(x1), trunc_sat(x2), trunc_sat(x3)), "little")

    return trunc


def _trunc_sat_f64x2_zero(trunc_sat: Callable[[float], int]) -> Operation:
    def trunc(v: int) -> int:
        x0, x1 = _unpack_f64x2(v.to_bytes(16, "little"))
        return _from_bytes(_pack_2u_zero(trunc_sat(x0), trunc_sat(x1)), "little")

    return trunc


# --- tables

OPERATIONS: dict[str, Operation] = {
    "f32x4.eq": _f32x4_comparison(operator.eq),
    "f32x4.ne": _f32x4_comparison(operator.ne),
    "f32x4.lt": f32x4_lt,
    "f32x4.gt": _f32x4_comparison(operator.gt),
    "f32x4.le": _f32x4_comparison(operator.le),
    "f32x4.ge": _f32x4_comparison(operator.ge),
    "f32x4.abs": f32x4_abs,
    "f32x4.neg": f32x4_neg,
    "f32x4.ceil": _f32x4_unary(numeric.f32_ceil),
    "f32x4.floor": _f32x4_unary(numeric.f32_floor),
    "f32x4.trunc": _f32x4_unary(numeric.f32_trunc),
    "f32x4.nearest": _f32x4_unary(numeric.f32_nearest),
    "f32x4.sqrt": _f32x4_unary(numeric.f64_sqrt),  # rounded to binary32 when packed
    "f32x4.add": f32x4_add,
    "f32x4.sub": f32x4_sub,
    "f32x4.mul": f32x4_mul,
    "f32x4.div": _f32x4_binary(numeric.f64_div),  # likewise
    "f32x4.min": _f32x4_binary(numeric.f32_min),
    "f32x4.max": _f32x4_binary(numeric.f32_max),
    "f32x4.pmin": f32x4_pmin,
    "f32x4.pmax": f32x4_pmax,
    "f64x2.eq": _f64x2_comparison(operator.eq),
    "f64x2.ne": _f64x2_comparison(operator.ne),
    "f64x2.lt": f64x2_lt,
    "f64x2.gt": _f64x2_comparison(operator.gt),
    "f64x2.le": _f64x2_comparison(operator.le),
    "f64x2.ge": _f64x2_comparison(operator.ge),
    "f64x2.abs": f64x2_abs,
    "f64x2.neg": f64x2_neg,
    "f64x2.ceil": _f64x2_unary(numeric.f64_ceil),
    "f64x2.floor": _f64x2_unary(numeric.f64_floor),
    "f64x2.trunc": _f64x2_unary(numeric.f64_trunc),
    "f64x2.nearest": _f64x2_unary(numeric.f64_nearest),
    "f64x2.sqrt": _f64x2_unary(numeric.f64_sqrt),
    "f64x2.add": f64x2_add,
    "f64x2.sub": f64x2_sub,
    "f64x2.mul": f64x2_mul,
    "f64x2.div": _f64x2_binary(numeric.f64_div),
    "f64x2.min": _f64x2_binary(numeric.f64_min),
    "f64x2.max": _f64x2_binary(numeric.f64_max),
    "f64x2.pmin": f64x2_pmin,
    "f64x2.pmax": f64x2_pmax,
    "f32x4.demote_f64x2_zero": f32x4_demote_f64x2_zero,
    "f64x2.promote_low_f32x4": f64x2_promote_low_f32x4,
    "f32x4.convert_i32x4_s": f32x4_convert_i32x4_s,
    "f32x4.convert_i32x4_u": f32x4_convert_i32x4_u,
    "f64x2.convert_low_i32x4_s": f64x2_convert_low_i32x4_s,
    "f64x2.convert_low_i32x4_u": f64x2_convert_low_i32x4_u,
    "i32x4.trunc_sat_f32x4_s": _trunc_sat_f32x4(numeric.i32_trunc_sat_f32_s),
    "i32x4.trunc_sat_f32x4_u": _trunc_sat_f32x4(numeric.i32_trunc_sat_f32_u),
    "i32x4.trunc_sat_f64x2_s_zero": _trunc_sat_f64x2_zero(numeric.i32_trunc_sat_f64_s),
    "i32x4.trunc_sat_f64x2_u_zero": _trunc_sat_f64x2_zero(numeric.i32_trunc_sat_f64_u),
}
