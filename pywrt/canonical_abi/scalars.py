"""Checks that bring a Python value to the range of a primitive type; ValueTypeError if that can't be."""

import math
from collections.abc import Callable
from operator import index
from struct import pack, unpack
from typing import Any

from pywrt.canonical_abi.values import describe
from pywrt.errors import ValueTypeError

#: The NaN that lifting and lowering give for every NaN; as a binary32 its payload is canonical too.
CANONICAL_NAN: float = unpack("<d", b"\0\0\0\0\0\0\xf8\x7f")[0]

#: (lowest, highest) of each integer type.
INT_RANGES: dict[str, tuple[int, int]] = {
    "s8": (-(1 << 7), (1 << 7) - 1),
    "u8": (0, (1 << 8) - 1),
    "s16": (-(1 << 15), (1 << 15) - 1),
    "u16": (0, (1 << 16) - 1),
    "s32": (-(1 << 31), (1 << 31) - 1),
    "u32": (0, (1 << 32) - 1),
    "s64": (-(1 << 63), (1 << 63) - 1),
    "u64": (0, (1 << 64) - 1),
}


def int_check(name: str) -> Callable[[Any], int]:
    """A function that gives its argument as an int in the range of the integer type `name`."""
    low, high = INT_RANGES[name]

    def check(value: Any) -> int:
        if type(value) is not int:
            try:
                value = index(value)
            except TypeError:
                raise ValueTypeError(f"expected {name}, got {describe(value)}") from None
        number: int = value
        if low <= number <= high:
            return number
        raise ValueTypeError(f"expected {name}, got {describe(value)}, which is not in {low}..{high}")

    return check


def check_bool(value: Any) -> bool:
    """`value` if it is a bool."""
    if value is True:
        return True
    if value is False:
        return False
    raise ValueTypeError(f"expected bool, got {describe(value)}")


def check_f64(value: Any, name: str = "f64") -> float:
    """`value` as a float, every NaN as the canonical one."""
    if type(value) is not float:
        if isinstance(value, (str, bytes, bytearray)):
            raise ValueTypeError(f"expected {name}, got {describe(value)}")
        try:
            value = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueTypeError(f"expected {name}, got {describe(value)}") from None
    number: float = value
    return CANONICAL_NAN if number != number else number


def check_f32(value: Any) -> float:
    """`value` rounded to a binary32, every NaN as the canonical one."""
    number = check_f64(value, "f32")
    if number != number:
        return number
    try:
        rounded: float = unpack("<f", pack("<f", number))[0]
    except OverflowError:  # beyond the largest binary32: rounds to infinity
        return math.copysign(math.inf, number)
    return rounded


def check_char(value: Any) -> int:
    """The code point of a string of one Unicode scalar value."""
    if isinstance(value, str) and len(value) == 1 and not "\ud800" <= value <= "\udfff":
        return ord(value)
    raise ValueTypeError(f"expected char (a str of length 1), got {describe(value)}")
