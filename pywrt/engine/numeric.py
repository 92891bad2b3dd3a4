"""Numeric operations that take more than one Python expression. Spec: exec/numerics.html

Operands and results are raw values: i32 and i64 unsigned, f64 a float, f32 a float that holds a
binary32 value. A NaN's payload lives in the float itself; an f32 NaN is the double whose upper bits it
is. The shapes call these by name (`i32_div_s` for `i32.div_s`); one-expression operations are templates
of the shape generator.
"""

import math
import struct
from collections.abc import Callable

from pywrt.errors import Trap

M32 = 0xFFFFFFFF
M64 = 0xFFFFFFFFFFFFFFFF
S32 = 0x80000000
S64 = 0x8000000000000000

_pack_f32 = struct.Struct("<f").pack
_unpack_f32 = struct.Struct("<f").unpack
_unpack_f32_from = struct.Struct("<f").unpack_from
_pack_f32_into = struct.Struct("<f").pack_into
_pack_u32 = struct.Struct("<I").pack
_unpack_u32 = struct.Struct("<I").unpack
_unpack_u32_from = struct.Struct("<I").unpack_from
_pack_u32_into = struct.Struct("<I").pack_into
_pack_f64 = struct.Struct("<d").pack
_unpack_f64 = struct.Struct("<d").unpack
_pack_u64 = struct.Struct("<Q").pack
_unpack_u64 = struct.Struct("<Q").unpack

_INF = math.inf
_copysign = math.copysign


def _overflow() -> Trap:
    return Trap("integer overflow", "integer-overflow")


# --- integers


def i32_div_s(a: int, b: int) -> int:
    a = (a ^ S32) - S32
    b = (b ^ S32) - S32
    if b == -1 and a == -S32:
        raise _overflow()
    # Python's // floors; Wasm truncates
    return (a // b if (a < 0) == (b < 0) else -(-a // b)) & M32


def i32_rem_s(a: int, b: int) -> int:
    a = (a ^ S32) - S32
    b = (b ^ S32) - S32
    return (a % abs(b) if a >= 0 else -(-a % abs(b))) & M32


def i64_div_s(a: int, b: int) -> int:
    a = (a ^ S64) - S64
    b = (b ^ S64) - S64
    if b == -1 and a == -S64:
        raise _overflow()
    return (a // b if (a < 0) == (b < 0) else -(-a // b)) & M64


def i64_rem_s(a: int, b: int) -> int:
    a = (a ^ S64) - S64
    b = (b ^ S64) - S64
    return (a % abs(b) if a >= 0 else -(-a % abs(b))) & M64


def i32_ctz(a: int) -> int:
    return (a & -a).bit_length() - 1 if a else 32


def i64_ctz(a: int) -> int:
    return (a & -a).bit_length() - 1 if a else 64


def i32_rotl(a: int, b: int) -> int:
    b &= 31
    return (a << b | a >> 32 - b) & M32


def i32_rotr(a: int, b: int) -> int:
    b &= 31
    return (a >> b | a << 32 - b) & M32


def i64_rotl(a: int, b: int) -> int:
    b &= 63
    return (a << b | a >> 64 - b) & M64


def i64_rotr(a: int, b: int) -> int:
    b &= 63
    return (a >> b | a << 64 - b) & M64


# --- floats: bits

#: A quiet NaN with an empty payload, positive.
NAN: float = _unpack_f64(_pack_u64(0x7FF8000000000000))[0]


def f64_from_bits(bits: int) -> float:
    result: float = _unpack_f64(_pack_u64(bits))[0]
    return result


def f64_to_bits(x: float) -> int:
    result: int = _unpack_u64(_pack_f64(x))[0]
    return result


def f32_from_bits(bits: int) -> float:
    """The float for a binary32's bits. `struct` would quiet a signalling NaN, so NaNs are built by hand."""
    if bits & 0x7F800000 == 0x7F800000 and bits & 0x7FFFFF:
        return f64_from_bits((bits >> 31) << 63 | 0x7FF << 52 | (bits & 0x7FFFFF) << 29)
    result: float = _unpack_f32(_pack_u32(bits))[0]
    return result


def f32_to_bits(x: float) -> int:
    if x != x:
        bits = f64_to_bits(x)
        return (bits >> 63) << 31 | 0x7F800000 | (bits >> 29 & 0x7FFFFF)
    result: int = _unpack_u32(_pack_f32(x))[0]
    return result


def f32_load(memory: bytearray, address: int) -> float:
    x: float = _unpack_f32_from(memory, address)[0]
    return x if x == x else f32_from_bits(_unpack_u32_from(memory, address)[0])


def f32_store(memory: bytearray, address: int, x: float) -> None:
    if x == x:
        _pack_f32_into(memory, address, x)
    else:
        _pack_u32_into(memory, address, f32_to_bits(x))


def f32_round(x: float) -> float:
    """The nearest binary32; what passes its range becomes infinite."""
    try:
        result: float = _unpack_f32(_pack_f32(x))[0]
    except OverflowError:
        return _copysign(_INF, x)
    return result


def f32_demote_f64(x: float) -> float:
    if x != x:
        # keep the sign and the payload's upper bits, quieted
        return f32_from_bits(f32_to_bits(x) | 0x400000)
    return f32_round(x)


def f64_promote_f32(x: float) -> float:
    return x if x == x else quiet(x)


def quiet(x: float) -> float:
    """A NaN as an arithmetic operation gives it on: its quiet bit set."""
    return f64_from_bits(f64_to_bits(x) | 0x8000000000000)


# --- floats: arithmetic. Python's float operations are binary64; an f32 operation rounds their result,
# which is exact for + - * / and sqrt since binary64 has more than twice binary32's digits.


def f64_div(a: float, b: float) -> float:
    if b:
        return a / b
    if b != b or a != a:
        return a + b
    if a == 0:
        return NAN
    return _copysign(_INF, _copysign(1.0, a) * _copysign(1.0, b))


def f32_div(a: float, b: float) -> float:
    return f32_round(f64_div(a, b))


def f64_sqrt(x: float) -> float:
    if x >= 0:
        return math.sqrt(x)
    return quiet(x) if x != x else (x if x == 0 else NAN)


def f32_sqrt(x: float) -> float:
    return f32_round(f64_sqrt(x))


def f64_min(a: float, b: float) -> float:
    if a != a or b != b:
        return a + b
    if a == b:
        return a if _copysign(1.0, a) < 0 else b
    return a if a < b else b


def f64_max(a: float, b: float) -> float:
    if a != a or b != b:
        return a + b
    if a == b:
        return b if _copysign(1.0, a) < 0 else a
    return a if a > b else b


def _rounding(function: Callable[[float], int]) -> Callable[[float], float]:
    def op(x: float) -> float:
        if x != x:
            return quiet(x)
        if -4503599627370496.0 < x < 4503599627370496.0:  # 2**52: beyond it every double is whole
            return _copysign(float(function(x)), x)
        return x

    return op


f64_ceil = _rounding(math.ceil)
f64_floor = _rounding(math.floor)
f64_trunc = _rounding(math.trunc)
f64_nearest = _rounding(round)  # Python rounds halves to even, as Wasm does
f32_ceil, f32_floor, f32_trunc, f32_nearest = f64_ceil, f64_floor, f64_trunc, f64_nearest
f32_min, f32_max = f64_min, f64_max


def f64_neg(x: float) -> float:
    """Negate, of a NaN too, whose payload stays."""
    return -x if x == x else f64_from_bits(f64_to_bits(x) ^ S64)


def f64_abs(x: float) -> float:
    return abs(x) if x == x else f64_from_bits(f64_to_bits(x) & ~S64)


def f64_copysign(a: float, b: float) -> float:
    if a == a and b == b:
        return _copysign(a, b)
    return f64_from_bits(f64_to_bits(a) & ~S64 | f64_to_bits(b) & S64)


f32_neg, f32_abs, f32_copysign = f64_neg, f64_abs, f64_copysign


# --- conversions


def _trunc(low: float, high: float, mask: int) -> Callable[[float], int]:
    """Truncate what lies strictly between `low` and `high`; trap on the rest."""

    def op(x: float) -> int:
        if low < x < high:
            return int(x) & mask
        if x != x:
            raise Trap("invalid conversion to integer", "invalid-conversion")
        raise _overflow()

    return op


def _trunc_sat(low: float, high: float, least: int, greatest: int) -> Callable[[float], int]:
    """Truncate, to `least` or `greatest` beyond the range and to 0 for a NaN."""

    def op(x: float) -> int:
        if low < x < high:
            return int(x) & (M32 if greatest <= M32 else M64)
        if x != x:
            return 0
        return least if x < 0 else greatest

    return op


# -2147483649 is a double but no float32: the open bound below i32 works for both.
i32_trunc_f64_s = i32_trunc_f32_s = _trunc(-2147483649.0, 2147483648.0, M32)
i32_trunc_f64_u = i32_trunc_f32_u = _trunc(-1.0, 4294967296.0, M32)
# the double below -2**63 is -2**63 - 2048
i64_trunc_f64_s = i64_trunc_f32_s = _trunc(-9223372036854777856.0, 9223372036854775808.0, M64)
i64_trunc_f64_u = i64_trunc_f32_u = _trunc(-1.0, 18446744073709551616.0, M64)
i32_trunc_sat_f64_s = i32_trunc_sat_f32_s = _trunc_sat(-2147483649.0, 2147483648.0, S32, S32 - 1)
i32_trunc_sat_f64_u = i32_trunc_sat_f32_u = _trunc_sat(-1.0, 4294967296.0, 0, M32)
i64_trunc_sat_f64_s = i64_trunc_sat_f32_s = _trunc_sat(
    -9223372036854777856.0, 9223372036854775808.0, S64, S64 - 1
)
i64_trunc_sat_f64_u = i64_trunc_sat_f32_u = _trunc_sat(-1.0, 18446744073709551616.0, 0, M64)


def _f32_from_integer(n: int) -> float:
    """Round an integer to binary32 once: by way of binary64 large ones would be rounded twice."""
    size = n.bit_length()
    if size <= 53:
        return f32_round(float(n))
    # keep 53 bits and let the lowest say whether any bit below was set ("sticky")
    shift = size - 53
    kept = n >> shift
    if n & (1 << shift) - 1:
        kept |= 1
    return f32_round(float(kept << shift))


def f32_convert_i32_s(a: int) -> float:
    return f32_round(float((a ^ S32) - S32))


def f32_convert_i32_u(a: int) -> float:
    return f32_round(float(a))


def f32_convert_i64_s(a: int) -> float:
    a = (a ^ S64) - S64
    return _f32_from_integer(a) if a >= 0 else -_f32_from_integer(-a)


def f32_convert_i64_u(a: int) -> float:
    return _f32_from_integer(a)
