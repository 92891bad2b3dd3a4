"""Decode constant values of component types. Spec: component-model Binary.md#-value-definitions

Strategy: a reader for each kind of type; each value takes at least one byte of its section, and nesting is
that of the type, which is bounded. What is read is what the canonical ABI takes for such a value.
"""

import math
import struct
from collections.abc import Callable
from typing import Any

from pywrt.canonical_abi.values import Record, Variant
from pywrt.component.elements import leading_byte
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.reader import Reader, read_unsigned
from pywrt.wit import types as wit


def read_value(reader: Reader, type: wit.WitType) -> Any:
    """`val(type)`. MalformedError for what is no such value, InvalidError if there are no constants of it."""
    if isinstance(type, wit.Primitive):
        read = _PRIMITIVES.get(type.name)
        if read is not None:
            return read(reader)
    elif type.__class__ in _READERS:
        return _READERS[type.__class__](reader, type)
    raise InvalidError(f"there are no constant values of type {type}")


def _bool(reader: Reader) -> bool:
    byte = reader.byte()
    if byte > 1:
        raise leading_byte(reader, byte, "bool")
    return byte == 1


def _s8(reader: Reader) -> int:
    byte = reader.byte()
    return byte if byte < 0x80 else byte - 0x100


def _u16(reader: Reader) -> int:
    value, reader.pos = read_unsigned(reader.data, reader.pos, reader.end, 16)
    return value


def _f32(reader: Reader) -> float:
    return _float(reader, "<f", b"\0\0\xc0\x7f")


def _f64(reader: Reader) -> float:
    return _float(reader, "<d", b"\0\0\0\0\0\0\xf8\x7f")


def _float(reader: Reader, form: str, nan: bytes) -> float:
    """A float, whose only NaN is `nan`."""
    start = reader.skip(len(nan))
    value: float = struct.unpack_from(form, reader.data, start)[0]
    if math.isnan(value) and reader.data[start : reader.pos] != nan:
        raise MalformedError("a NaN must be the canonical one", offset=start)
    return value


def _char(reader: Reader) -> str:
    """A character: UTF-8 without a length before it."""
    start = reader.pos
    lead = reader.byte()
    reader.skip(0 if lead < 0xC0 else 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3)
    try:
        return reader.data[start : reader.pos].decode()
    except UnicodeDecodeError:
        raise MalformedError("malformed UTF-8 encoding", offset=start) from None


_PRIMITIVES: dict[str, Callable[[Reader], Any]] = {
    "bool": _bool,
    "s8": _s8,
    "u8": lambda reader: reader.byte(),
    "s16": lambda reader: reader.signed(16),
    "u16": _u16,
    "s32": lambda reader: reader.signed(32),
    "u32": lambda reader: reader.u32(),
    "s64": lambda reader: reader.signed(64),
    "u64": lambda reader: reader.u64(),
    "f32": _f32,
    "f64": _f64,
    "char": _char,
    "string": lambda reader: reader.name(),
}


def _record(reader: Reader, type: wit.Record) -> Record:
    return Record(**{field.name: read_value(reader, field.type) for field in type.fields})


def _case(reader: Reader, names: int, what: str) -> int:
    """The number of a case."""
    start = reader.pos
    index = reader.u32()
    if index >= names:
        raise MalformedError(f"{what} {index} is out of bounds: there are {names}", offset=start)
    return index


def _payload(reader: Reader, name: str, type: wit.WitType | None) -> Variant:
    return Variant(name, None if type is None else read_value(reader, type))


def _variant(reader: Reader, type: wit.Variant) -> Variant:
    case = type.cases[_case(reader, len(type.cases), "variant case")]
    return _payload(reader, case.name, case.type)


def _list(reader: Reader, type: wit.List) -> list[Any]:
    count = reader.count("values", reader.end) if type.length is None else type.length
    return [read_value(reader, type.element) for _ in range(count)]


def _map(reader: Reader, type: wit.Map) -> list[Any]:
    count = reader.count("values", reader.end)
    return [(read_value(reader, type.key), read_value(reader, type.value)) for _ in range(count)]


def _tuple(reader: Reader, type: wit.Tuple) -> tuple[Any, ...]:
    return tuple([read_value(reader, t) for t in type.types])


def _flags(reader: Reader, type: wit.Flags) -> set[str]:
    size = (len(type.names) + 7) // 8
    start = reader.skip(size)
    bits = int.from_bytes(reader.data[start : reader.pos], "little")
    return {name for i, name in enumerate(type.names) if bits >> i & 1}


def _enum(reader: Reader, type: wit.Enum) -> str:
    return type.names[_case(reader, len(type.names), "enum case")]


def _option(reader: Reader, type: wit.Option) -> Variant:
    return _payload(reader, "some", type.type) if _bool(reader) else Variant("none")


def _result(reader: Reader, type: wit.Result) -> Variant:
    return _payload(reader, "err", type.err) if _bool(reader) else _payload(reader, "ok", type.ok)


_READERS: dict[type, Callable[[Reader, Any], Any]] = {
    wit.Record: _record,
    wit.Variant: _variant,
    wit.List: _list,
    wit.Map: _map,
    wit.Tuple: _tuple,
    wit.Flags: _flags,
    wit.Enum: _enum,
    wit.Option: _option,
    wit.Result: _result,
}
