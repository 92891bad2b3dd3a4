"""Numbers of the text format to bits. Spec: text/values.html#integers, #floating-point.

Strategy: a decimal float goes through Python's own correctly rounded conversion to binary64. Rounding
that once more to binary32 is right unless it falls on the midpoint of two neighbours; only then are the
digits compared exactly with the midpoint. Hexadecimal floats are rounded as integers.
"""

import re
import struct
from decimal import Decimal

_DEC = r"[0-9]+(?:_[0-9]+)*"
_HEX = r"[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*"
_INTEGER = re.compile(rf"([+-]?)(?:0x({_HEX})|({_DEC}))")
_FLOAT = re.compile(
    rf"([+-]?)(?:0x({_HEX})(?:\.({_HEX})?)?(?:[pP]([+-]?{_DEC}))?|({_DEC}(?:\.(?:{_DEC})?)?(?:[eE][+-]?{_DEC})?)"
    rf"|(inf)|(nan)(?::0x({_HEX}))?)"
)

#: Mantissa bits and exponent bits of a float of 32 and of 64 bits.
_FORMATS = {32: (23, 8), 64: (52, 11)}
#: More decimal digits than any integer of the format has, and within Python's limit for int().
_MAX_DIGITS = 100
OUT_OF_RANGE = "constant out of range"


class RangeError(ValueError):
    """A number that is well formed and does not fit its type."""


def is_number(token: str) -> bool:
    """Whether a token is an integer or a float."""
    return _FLOAT.fullmatch(token) is not None


def is_integer(token: str) -> bool:
    """Whether a token is an integer."""
    return _INTEGER.fullmatch(token) is not None


def parse_natural(token: str) -> int | None:
    """An unsigned integer without bounds, or None if the token is none. RangeError past 100 digits."""
    if token[:1] in "+-":
        return None
    return parse_integer(token)


def parse_integer(token: str) -> int | None:
    """An integer with an optional sign, or None if the token is none. RangeError past 100 digits."""
    found = _INTEGER.fullmatch(token)
    if found is None:
        return None
    sign, hexadecimal, decimal = found.groups()
    digits = (hexadecimal or decimal).replace("_", "").lstrip("0")
    if len(digits) > _MAX_DIGITS:
        raise RangeError(OUT_OF_RANGE)
    value = int(digits or "0", 16 if hexadecimal else 10)
    return -value if sign == "-" else value


def parse_int(token: str, bits: int) -> int | None:
    """An i32 or i64 as an unsigned integer of `bits` bits, or None if the token is no integer.

    RangeError outside -2^(bits-1) .. 2^bits-1.
    """
    value = parse_integer(token)
    if value is None:
        return None
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise RangeError(f"{OUT_OF_RANGE} of i{bits}")
    return value & (1 << bits) - 1


def parse_float(token: str, bits: int) -> int | None:
    """The bit pattern of an f32 or f64, correctly rounded, or None if the token is no number.

    RangeError if it rounds to infinity or a NaN's payload is zero or too wide.
    """
    found = _FLOAT.fullmatch(token)
    if found is None:
        return None
    sign, whole, fraction, exponent, decimal, infinity, _, payload = found.groups()
    mantissa_bits, exponent_bits = _FORMATS[bits]
    exponent_mask = (1 << exponent_bits) - 1 << mantissa_bits
    if whole is not None:
        magnitude = _hexadecimal_bits(whole, fraction or "", exponent or "0", bits)
    elif decimal is not None:
        magnitude = _decimal_bits(decimal.replace("_", ""), bits)
    elif infinity is not None:
        magnitude = exponent_mask
    elif payload is None:
        magnitude = exponent_mask | 1 << mantissa_bits - 1
    else:
        value = int(payload.replace("_", ""), 16)
        if not 0 < value < 1 << mantissa_bits:
            raise RangeError(OUT_OF_RANGE)
        magnitude = exponent_mask | value
    return magnitude | (1 << bits - 1 if sign == "-" else 0)


def _decimal_bits(digits: str, bits: int) -> int:
    value = float(digits)
    if bits == 64:
        if value == float("inf"):
            raise RangeError(OUT_OF_RANGE)
        return int.from_bytes(struct.pack("<d", value), "little")
    (double,) = struct.unpack("<Q", struct.pack("<d", value))
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        # The midpoint itself between the greatest f32 and 2^128 rounds up, what lies below it doesn't.
        if value == float.fromhex("0x1.ffffffp127") and Decimal(digits) < Decimal(value):
            return 0x7F7FFFFF
        raise RangeError(OUT_OF_RANGE) from None
    if value == float("inf"):
        raise RangeError(OUT_OF_RANGE)
    (nearest,) = struct.unpack("<f", packed)
    result = int.from_bytes(packed, "little")
    if nearest == value or not _is_midpoint(double):
        return result
    exact, midpoint = Decimal(digits), Decimal(value)
    if exact == midpoint:
        return result
    # Bit patterns of positive floats are ordered as the floats are, so neighbours differ by one.
    below = result - 1 if nearest > value else result
    return below + 1 if exact > midpoint else below


def _is_midpoint(double: int) -> bool:
    """Whether a binary64 bit pattern can lie halfway between two neighbouring binary32 numbers."""
    exponent = double >> 52
    if exponent >= 897:  # a normal binary32: 29 bits are dropped
        return double & 0x1FFFFFFF == 0x10000000
    significand = double & (1 << 52) - 1 | 1 << 52
    dropped = 29 + 897 - exponent
    return dropped <= 53 and significand & (1 << dropped) - 1 == 1 << dropped - 1


def _hexadecimal_bits(whole: str, fraction: str, exponent: str, bits: int) -> int:
    fraction = fraction.replace("_", "")
    mantissa = int(whole.replace("_", "") + fraction, 16)
    if mantissa == 0:
        return 0
    sign = -1 if exponent[0] == "-" else 1
    digits = exponent.lstrip("+-").replace("_", "").lstrip("0") or "0"
    # An exponent of more than 18 digits outweighs any mantissa that fits in a computer's memory.
    power = sign * (int(digits) if len(digits) <= 18 else 10**18)
    return _round(mantissa, power - 4 * len(fraction), bits)


def _round(mantissa: int, power: int, bits: int) -> int:
    """The bit pattern nearest to `mantissa * 2**power` > 0, ties to even. RangeError if it is infinity."""
    mantissa_bits, exponent_bits = _FORMATS[bits]
    bias = (1 << exponent_bits - 1) - 1
    exponent = max(mantissa.bit_length() - 1 + power, 1 - bias)  # 1 - bias also for subnormal numbers
    if exponent > bias:
        raise RangeError(OUT_OF_RANGE)
    shift = exponent - mantissa_bits - power
    if shift > mantissa.bit_length() + 1:
        return 0
    if shift <= 0:
        rounded = mantissa << -shift
    else:
        rounded = mantissa >> shift
        rest, half = mantissa & (1 << shift) - 1, 1 << shift - 1
        if rest > half or (rest == half and rounded & 1):
            rounded += 1
    # The hidden bit of a normal number adds one to the exponent field, and so does a carry.
    result = (exponent + bias - 1 << mantissa_bits) + rounded
    if result >> mantissa_bits >= 2 * bias + 1:
        raise RangeError(OUT_OF_RANGE)
    return result
