"""Strings, identifiers and numbers as the text format spells them. Spec: text/values.html"""

import math
import re
import struct

#: Bytes of a string literal: printable ASCII stands for itself, anything else is `\\hh`.
_BYTES = {
    byte: chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:02x}" for byte in range(256)
}
_IDENTIFIER = re.compile(r"[0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]+")

#: Mantissa bits and the mask of all exponent bits of a float by its size in bytes.
_FORMATS = {4: (23, 0xFF), 8: (52, 0x7FF)}
_PACKED = {4: struct.Struct("<f"), 8: struct.Struct("<d")}


def quoted(data: bytes) -> str:
    """Bytes as a string literal."""
    return f'"{data.decode("latin-1").translate(_BYTES)}"'


def quoted_name(name: str) -> str:
    """A name as a string literal: printable characters beyond ASCII stay as they are."""
    if name.isascii():
        return quoted(name.encode())
    return '"' + "".join([_character(c) for c in name]) + '"'


def _character(character: str) -> str:
    if character >= "\x80" and character.isprintable():
        return character
    return character.encode().decode("latin-1").translate(_BYTES)


def identifier(name: str) -> str:
    """A name, which is not empty, as an identifier: `$name`, or `$"..."` with characters that need it."""
    return f"${name}" if _IDENTIFIER.fullmatch(name) else f"${quoted_name(name)}"


def float_text(raw: bytes) -> str:
    """The f32 or f64 with these bytes, exactly: a hexadecimal float, inf, nan or `nan:0x...`."""
    bits = int.from_bytes(raw, "little")
    mantissa_bits, exponent_mask = _FORMATS[len(raw)]
    sign = "-" if bits >> 8 * len(raw) - 1 else ""
    mantissa = bits & (1 << mantissa_bits) - 1
    if bits >> mantissa_bits & exponent_mask == exponent_mask:
        if mantissa == 0:
            return f"{sign}inf"
        return f"{sign}nan" if mantissa == 1 << mantissa_bits - 1 else f"{sign}nan:0x{mantissa:x}"
    (value,) = _PACKED[len(raw)].unpack(raw)
    digits, _, exponent = value.hex().partition("p")
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}p{exponent}"


def float_decimal(raw: bytes) -> str:
    """The shortest decimal that is read back as the float with these bytes; empty for inf and nan."""
    (value,) = _PACKED[len(raw)].unpack(raw)
    if not math.isfinite(value):
        return ""
    if len(raw) == 8:
        return _whole(repr(value))
    return _whole(repr(shortest_f32(value)))


def shortest_f32(value: float) -> float:
    """The number of the fewest decimal digits that rounds to the finite f32 `value`."""
    raw = _PACKED[4].pack(value)
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        try:
            if _PACKED[4].pack(short) == raw:
                return short
        except OverflowError:  # rounded up, the greatest finite numbers are too large
            continue
    return value


def _whole(decimal: str) -> str:
    return decimal.removesuffix(".0")
