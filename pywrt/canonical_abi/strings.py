"""Strings in linear memory, in each encoding. Spec: CanonicalABI.md#loading (load_string), #storing

Strategy: a string is decoded from one slice. A string of the host's counts as one that is in the wanted
encoding already: it is encoded into one allocation of the final size. What comes from another component is
transcoded with the allocations that the reference makes on the way, since a guest's realloc sees them: a
first guess from the number of code units, the worst case where that was too little, then the final size.
"""

from typing import Any, NoReturn

from pywrt.canonical_abi.context import Context, LiftFlat, LowerFlat, unaligned_pointer
from pywrt.canonical_abi.layout import MAX_BYTE_LENGTH, REALLOC_I32_MAX
from pywrt.canonical_abi.values import Utf16String, describe
from pywrt.errors import Trap, ValueTypeError
from pywrt.wasm.types import I64, ValType

_UTF16 = "utf-16-le"
_utf8_of = str.encode


def utf16_tag(pointer: ValType) -> int:
    """In the length of a latin1+utf16 string: its code units are UTF-16."""
    return 1 << (63 if pointer is I64 else 31)


def lift_string(data: bytearray, encoding: str, tag: int) -> LiftFlat:
    """Lift a string, given its pointer and length, from memory `data`."""
    if encoding == "utf8":
        return _lift_utf8(data)
    return _lift_utf16(data) if encoding == "utf16" else _lift_latin1_or_utf16(data, tag)


def _lift_utf8(data: bytearray) -> LiftFlat:
    def lift(cx: Context, flat: Any, i: int) -> str:
        ptr = flat[i]
        size = flat[i + 1]
        end = ptr + size
        if end > len(data) or size > MAX_BYTE_LENGTH:
            cx.out_of_bounds("string", ptr, size)
        cx.budget -= size
        if cx.budget < 0:
            cx.over_budget()
        try:
            text = data[ptr:end].decode()
        except UnicodeDecodeError as error:
            _trap_invalid_utf8(error)
        return text if len(text) == size else _charged(cx, text, size)

    return lift


def _lift_utf16(data: bytearray) -> LiftFlat:
    return lambda cx, flat, i: _load_utf16(cx, data, flat[i], 2 * flat[i + 1])


def _lift_latin1_or_utf16(data: bytearray, tag: int) -> LiftFlat:
    def lift(cx: Context, flat: Any, i: int) -> str:
        ptr, length = flat[i], flat[i + 1]
        if not length & tag:
            return _load_units(cx, data, ptr, length).decode("latin-1")
        text = _load_utf16(cx, data, ptr, 2 * (length ^ tag))
        return Utf16String(text) if cx.fused else text

    return lift


def _load_utf16(cx: Context, data: bytearray, ptr: int, size: int) -> str:
    try:
        return _charged(cx, _load_units(cx, data, ptr, size).decode(_UTF16), size)
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


def lower_string(data: bytearray, encoding: str, tag: int) -> LowerFlat:
    """Lower a str into memory `data`, appending its pointer and length."""
    if encoding == "utf8":
        return _lower_utf8(data)
    return _lower_utf16(data) if encoding == "utf16" else _lower_latin1_or_utf16(data, tag)


def _lower_utf8(data: bytearray) -> LowerFlat:
    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        if cx.source_encoding is None or cx.source_encoding == "utf8":
            try:
                encoded = _utf8_of(value)
            except (TypeError, UnicodeEncodeError):
                encoded = _encode(value, "utf-8")  # which says what is wrong
            size = len(encoded)
            if size > REALLOC_I32_MAX:
                raise _too_long(size)
            ptr = cx.reallocate(0, 0, 1, size, "string")
            data[ptr : ptr + size] = encoded
        else:
            ptr, size = _transcode_to_utf8(cx, data, value)
        out.append(ptr)
        out.append(size)

    return lower


def _lower_utf16(data: bytearray) -> LowerFlat:
    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        if cx.source_encoding == "utf8":
            ptr, size = _transcode_utf8_to_utf16(cx, data, value)
        else:
            ptr, size = _store(cx, data, _encode(value, _UTF16))
        out.append(ptr)
        out.append(size >> 1)

    return lower


def _lower_latin1_or_utf16(data: bytearray, tag: int) -> LowerFlat:
    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        if cx.source_encoding == "utf8" or cx.source_encoding == "utf16":
            ptr, length = _transcode_to_latin1_or_utf16(cx, data, value, tag)
        else:
            try:
                encoded = _encode(value, "latin-1")
            except _OutsideLatin1:
                ptr, size = _store(cx, data, _encode(value, _UTF16))
                length = (size >> 1) | tag
            else:
                if type(value) is Utf16String:
                    ptr, length = _transcode_to_latin1(cx, data, value)
                else:
                    ptr, length = _store(cx, data, encoded)
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
    if len(encoded) > REALLOC_I32_MAX:
        raise _too_long(len(encoded))
    return encoded


def _too_long(size: int) -> ValueTypeError:
    return ValueTypeError(f"the string's {size} bytes are more than {REALLOC_I32_MAX}")


def _store(cx: Context, data: bytearray, encoded: bytes) -> tuple[int, int]:
    """The pointer and the size in bytes of a string whose code units may be of two bytes."""
    size = len(encoded)
    ptr = cx.reallocate(0, 0, 2, size, "string")
    data[ptr : ptr + size] = encoded
    return ptr, size


# Strings of other components. None is so long that a size here could pass REALLOC_I32_MAX.


def _transcode_to_utf8(cx: Context, data: bytearray, text: str) -> tuple[int, int]:
    """Spec: store_utf16_to_utf8, store_latin1_to_utf8"""
    encoded = text.encode()
    size = len(encoded)
    if cx.source_encoding == "utf16" or type(text) is Utf16String:
        units = len(text.encode(_UTF16)) >> 1
        worst = 3 * units
    else:
        units = len(text)
        worst = 2 * units
    ptr = cx.reallocate(0, 0, 1, units, "string")
    done = _length_within(text, "ascii")
    data[ptr : ptr + done] = encoded[:done]
    if done == size:
        return ptr, size
    ptr = cx.reallocate(ptr, units, 1, worst, "string")
    data[ptr + done : ptr + size] = encoded[done:]
    if size < worst:
        ptr = cx.reallocate(ptr, worst, 1, size, "string")
    return ptr, size


def _transcode_utf8_to_utf16(cx: Context, data: bytearray, text: str) -> tuple[int, int]:
    """Spec: store_utf8_to_utf16"""
    encoded = text.encode(_UTF16)
    size, worst = len(encoded), 2 * len(text.encode())
    ptr = cx.reallocate(0, 0, 2, worst, "string")
    data[ptr : ptr + size] = encoded
    if size < worst:
        ptr = cx.reallocate(ptr, worst, 2, size, "string")
    return ptr, size


def _transcode_to_latin1_or_utf16(cx: Context, data: bytearray, text: str, tag: int) -> tuple[int, int]:
    """Spec: store_string_to_latin1_or_utf16"""
    units = len(text.encode()) if cx.source_encoding == "utf8" else len(text.encode(_UTF16)) >> 1
    ptr = cx.reallocate(0, 0, 2, units, "string")
    done = _length_within(text, "latin-1")
    data[ptr : ptr + done] = text[:done].encode("latin-1")
    if done == len(text):
        if done < units:
            ptr = cx.reallocate(ptr, units, 2, done, "string")
        return ptr, done
    encoded = text.encode(_UTF16)
    size, worst = len(encoded), 2 * units
    ptr = cx.reallocate(ptr, units, 2, worst, "string")
    # What is there already, where the guest moved it, is widened in place.
    data[ptr : ptr + 2 * done] = data[ptr : ptr + done].decode("latin-1").encode(_UTF16)
    data[ptr + 2 * done : ptr + size] = encoded[2 * done :]
    if size < worst:
        ptr = cx.reallocate(ptr, worst, 2, size, "string")
    return ptr, (size >> 1) | tag


def _transcode_to_latin1(cx: Context, data: bytearray, text: str) -> tuple[int, int]:
    """Spec: store_probably_utf16_to_latin1_or_utf16, for a string that turns out to be Latin-1"""
    ptr, worst = _store(cx, data, text.encode(_UTF16))
    size = len(text)
    data[ptr : ptr + size] = text.encode("latin-1")
    ptr = cx.reallocate(ptr, worst, 1, size, "string")
    return ptr, size


def _length_within(text: str, encoding: str) -> int:
    """How many characters there are before the first that `encoding` lacks."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        return error.start
    return len(text)
