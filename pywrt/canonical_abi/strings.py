"""Strings in linear memory, in each encoding. Spec: CanonicalABI.md#loading (load_string), #storing

Strategy: a string is decoded from one slice and encoded into one allocation of the final size. The
reference grows and shrinks its allocation while it transcodes; what the guest is left with is the same.
"""

from typing import Any, NoReturn

from pywrt.canonical_abi.context import Context, LiftFlat, LowerFlat, unaligned_pointer
from pywrt.canonical_abi.layout import MAX_BYTE_LENGTH
from pywrt.canonical_abi.values import describe
from pywrt.errors import Trap, ValueTypeError

#: In the length of a latin1+utf16 string: its code units are UTF-16. Spec: utf16_tag
UTF16_TAG = 1 << 31


def lift_string(data: bytearray, encoding: str) -> LiftFlat:
    """Lift a string, given its pointer and length, from memory `data`."""
    return {"utf8": _lift_utf8, "utf16": _lift_utf16, "latin1+utf16": _lift_latin1_or_utf16}[encoding](data)


def _lift_utf8(data: bytearray) -> LiftFlat:
    def lift(cx: Context, flat: Any, i: int) -> str:
        ptr = flat[i]
        size = flat[i + 1]
        if ptr + size > len(data) or size > MAX_BYTE_LENGTH:
            cx.out_of_bounds("string", ptr, size)
        cx.charge(size)
        try:
            return _charged(cx, data[ptr : ptr + size].decode(), size)
        except UnicodeDecodeError as error:
            _trap_invalid_utf8(error)

    return lift


def _lift_utf16(data: bytearray) -> LiftFlat:
    return lambda cx, flat, i: _load_utf16(cx, data, flat[i], 2 * flat[i + 1])


def _lift_latin1_or_utf16(data: bytearray) -> LiftFlat:
    def lift(cx: Context, flat: Any, i: int) -> str:
        ptr, length = flat[i], flat[i + 1]
        if length & UTF16_TAG:
            return _load_utf16(cx, data, ptr, 2 * (length ^ UTF16_TAG))
        return _load_units(cx, data, ptr, length).decode("latin-1")

    return lift


def _load_utf16(cx: Context, data: bytearray, ptr: int, size: int) -> str:
    try:
        return _charged(cx, _load_units(cx, data, ptr, size).decode("utf-16-le"), size)
    except UnicodeDecodeError as error:
        raise Trap(f"unpaired surrogate found: code unit {error.start // 2}", "invalid-string") from None


def _charged(cx: Context, text: str, size: int) -> str:
    """`text`, for which `size` bytes were charged: one large character makes all of them take four bytes."""
    if not text.isascii():
        cx.charge(max(0, text.__sizeof__() - size))
    return text


def _load_units(cx: Context, data: bytearray, ptr: int, size: int) -> bytearray:
    """The bytes of a string whose pointer must be even."""
    if ptr & 1:
        raise unaligned_pointer(ptr, 2)
    if ptr + size > len(data) or size > MAX_BYTE_LENGTH:
        cx.out_of_bounds("string", ptr, size)
    cx.charge(size)
    return data[ptr : ptr + size]


def _trap_invalid_utf8(error: UnicodeDecodeError) -> NoReturn:
    if error.end == len(error.object) and error.reason == "unexpected end of data":
        raise Trap(f"incomplete utf-8 byte sequence from index {error.start}", "invalid-string") from None
    size = error.end - error.start
    raise Trap(f"invalid utf-8 sequence of {size} bytes from index {error.start}", "invalid-string") from None


def lower_string(data: bytearray, encoding: str) -> LowerFlat:
    """Lower a str into memory `data`, appending its pointer and length."""
    return {"utf8": _lower_utf8, "utf16": _lower_utf16, "latin1+utf16": _lower_latin1_or_utf16}[encoding](
        data
    )


def _lower_utf8(data: bytearray) -> LowerFlat:
    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        encoded = _encode(value, "utf-8")
        size = len(encoded)
        ptr = cx.allocate(1, size, "string")
        data[ptr : ptr + size] = encoded
        out.append(ptr)
        out.append(size)

    return lower


def _lower_utf16(data: bytearray) -> LowerFlat:
    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        encoded = _encode(value, "utf-16-le")
        size = len(encoded)
        ptr = cx.allocate(2, size, "string")
        data[ptr : ptr + size] = encoded
        out.append(ptr)
        out.append(size >> 1)

    return lower


def _lower_latin1_or_utf16(data: bytearray) -> LowerFlat:
    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        try:
            encoded = _encode(value, "latin-1")
            size = length = len(encoded)
        except _OutsideLatin1:
            encoded = _encode(value, "utf-16-le")
            size = len(encoded)
            length = (size >> 1) | UTF16_TAG
        ptr = cx.allocate(2, size, "string")
        data[ptr : ptr + size] = encoded
        out.append(ptr)
        out.append(length)

    return lower


class _OutsideLatin1(Exception):
    """The string has a character beyond U+00FF."""


def _encode(value: Any, encoding: str) -> bytes:
    if not isinstance(value, str):
        raise ValueTypeError(f"expected string, got {describe(value)}")
    try:
        encoded = value.encode(encoding)
    except UnicodeEncodeError as error:
        if encoding == "latin-1":
            raise _OutsideLatin1 from None
        raise ValueTypeError(
            f"expected string, got one with a lone surrogate at index {error.start}"
        ) from None
    if len(encoded) > MAX_BYTE_LENGTH:
        raise ValueTypeError(f"the string's {len(encoded)} bytes are more than {MAX_BYTE_LENGTH}")
    return encoded
