"""Value definitions. Spec: Explainer.md#value-definitions, Binary.md#value-definitions

Strategy: how a value is written follows from its type, which stands encoded in the scope that defines it.
A type is taken apart once, one level deep, when the first value of it comes.
"""

import struct
from collections.abc import Callable

from pywrt.component.tables import MAX_FLAGS, PRIMITIVES
from pywrt.component.text.context import Binding, Context
from pywrt.component.text.encoding import VALUE, name_bytes, sized, vector
from pywrt.component.text.scope import DefinedType, Scope
from pywrt.component.text.types import read_valuetype
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.text.instructions import number, signed, unsigned
from pywrt.wasm.text.lexer import string_bytes
from pywrt.wasm.text.numbers import RangeError, parse_float, parse_integer


class Shape:
    """A type, one level deep: its code, and names and types of what it consists of.

    A type is a number, negative for primitive types and else an index in `scope`, or None for no payload.
    """

    __slots__ = ("code", "names", "scope", "types")

    def __init__(self, code: int, names: list[str], types: list[int | None], scope: Scope) -> None:
        self.code = code
        self.names = {name: i for i, name in enumerate(names)}
        self.types = types
        self.scope = scope


def define_value(context: Context, binding: Binding) -> int:
    """`<valtype> <val>`, behind the identifier of a value. Returns its index."""
    cursor = context.cursor
    type = context.encode([read_valuetype(context)])
    if cursor.open("binary"):
        content = cursor.strings()
        cursor.expect(")")
    else:
        content = _value(context, Reader(type, 0, len(type)).signed(33), context.scope)
    context.scope.define(VALUE, type + sized(content))
    return context.add("value", binding)


def _value(context: Context, type: int, scope: Scope) -> bytes:
    """The value of a type that comes next, encoded; type indices are those of `scope`."""
    cursor = context.cursor
    if type < 0:
        return _PRIMITIVE_VALUES[type & 0x7F](context)
    defined = scope.types.get(type)
    if defined is None:
        raise cursor.error("the type of a value must be defined in the text")
    shape = _shape(defined)
    primitive = _PRIMITIVE_VALUES.get(shape.code)
    if primitive is not None:
        return primitive(context)
    context.descend()
    if shape.code in _KEYWORD_CASES:
        value = _keyword_case(context, shape)
    elif shape.code in _COMPOUND_VALUES:
        keyword, read = _COMPOUND_VALUES[shape.code]
        cursor.expect("(")
        cursor.expect(keyword)
        value = read(context, shape)
        cursor.expect(")")
    else:
        raise cursor.error("the text format has no values of this type")
    context.ascend()
    return value


def _shape(defined: DefinedType) -> Shape:
    if defined.shape is None:
        content = defined.content
        reader = Reader(content, 0, len(content))
        code = reader.byte()
        take = _SHAPES.get(code)
        names, types = ([], []) if take is None else take(reader)
        defined.shape = Shape(code, names, types, defined.scope)
    assert isinstance(defined.shape, Shape)
    return defined.shape


# Types taken apart

_Parts = tuple[list[str], list[int | None]]


def _optional(reader: Reader) -> int | None:
    return reader.signed(33) if reader.byte() else None


def _fields(reader: Reader) -> _Parts:
    pairs = [(reader.name(), reader.signed(33)) for _ in range(reader.u32())]
    return [name for name, _ in pairs], [type for _, type in pairs]


def _cases(reader: Reader) -> _Parts:
    names, types = [], []
    for _ in range(reader.u32()):
        names.append(reader.name())
        types.append(_optional(reader))
        reader.byte()
    return names, types


def _one(reader: Reader) -> _Parts:
    return [], [reader.signed(33)]


def _some(reader: Reader) -> _Parts:
    return ["none", "some"], [None, reader.signed(33)]


def _ok_or_error(reader: Reader) -> _Parts:
    return ["ok", "error"], [_optional(reader), _optional(reader)]


def _types(reader: Reader) -> _Parts:
    return [], [reader.signed(33) for _ in range(reader.u32())]


def _labels(reader: Reader) -> _Parts:
    names = [reader.name() for _ in range(reader.u32())]
    return names, [None] * len(names)


_SHAPES: dict[int, Callable[[Reader], _Parts]] = {
    0x72: _fields,
    0x71: _cases,
    0x70: _one,
    0x6F: _types,
    0x6E: _labels,
    0x6D: _labels,
    0x6B: _some,
    0x6A: _ok_or_error,
}


# Values of primitive types


def _bool(context: Context) -> bytes:
    return b"\x01" if context.cursor.keyword_of(("false", "true")) == "true" else b"\x00"


def _integer(bits: int, is_signed: bool) -> Callable[[Context], bytes]:
    least = -1 << bits - 1 if is_signed else 0

    def read(context: Context) -> bytes:
        cursor = context.cursor
        try:
            value = parse_integer(cursor.texts[cursor.i])
        except RangeError as error:
            raise cursor.error(str(error)) from None
        if value is None:
            raise cursor.unexpected(wanted="an integer")
        if not least <= value < least + (1 << bits):
            raise cursor.error(f"{'s' if is_signed else 'u'}{bits} constant out of range")
        cursor.i += 1
        if bits == 8:
            return bytes((value & 0xFF,))
        return signed(value) if is_signed else unsigned(value)

    return read


def _float(bits: int, form: str) -> Callable[[Context], bytes]:
    def read(context: Context) -> bytes:
        token = context.cursor.texts[context.cursor.i]
        if "nan" in token and token != "nan":
            raise context.cursor.error("a component value has one NaN, which is `nan`")
        return struct.pack(form, number(context.cursor, parse_float, bits, "a number"))

    return read


def _char(context: Context) -> bytes:
    cursor = context.cursor
    token = cursor.texts[cursor.i]
    if len(token) < 3 or token[0] != "'" or token[-1] != "'":
        raise cursor.unexpected(wanted="a character in single quotes")
    try:
        value = string_bytes(token)
        character = value.decode()
    except ValueError as error:
        raise cursor.error(str(error)) from None
    if len(character) != 1:
        raise cursor.error("a char is one character")
    cursor.i += 1
    return value


def _string(context: Context) -> bytes:
    return name_bytes(context.cursor.name())


_PRIMITIVE_READERS: dict[str, Callable[[Context], bytes]] = {
    "bool": _bool,
    **{f"u{bits}": _integer(bits, False) for bits in (8, 16, 32, 64)},
    **{f"s{bits}": _integer(bits, True) for bits in (8, 16, 32, 64)},
    "f32": _float(32, "<I"),
    "f64": _float(64, "<Q"),
    "char": _char,
    "string": _string,
}
_PRIMITIVE_VALUES = {code: _PRIMITIVE_READERS[type.name] for code, (type, _) in PRIMITIVES.items()}


# Values that consist of others. Each reads all of it, parentheses included.


def _payload(context: Context, shape: Shape, case: int) -> bytes:
    """The value of a case's type, if it has one."""
    type = shape.types[case]
    return b"" if type is None else _value(context, type, shape.scope)


def _all(context: Context, shape: Shape) -> bytes:
    return b"".join([_payload(context, shape, i) for i in range(len(shape.types))])


def _label(context: Context, shape: Shape) -> int:
    """The index of the label that comes next."""
    start = context.cursor.i
    label = context.cursor.name()
    if label not in shape.names:
        raise context.cursor.error(f"unknown label `{label}`", start)
    return shape.names[label]


def _record(context: Context, shape: Shape) -> bytes:
    return _all(context, shape)


def _tuple(context: Context, shape: Shape) -> bytes:
    return _all(context, shape)


def _variant(context: Context, shape: Shape) -> bytes:
    case = _label(context, shape)
    return unsigned(case) + _payload(context, shape, case)


def _list(context: Context, shape: Shape) -> bytes:
    items = []
    while context.cursor.texts[context.cursor.i] != ")":
        items.append(_payload(context, shape, 0))
    return vector(items)


def _flags(context: Context, shape: Shape) -> bytes:
    if len(shape.names) > MAX_FLAGS:
        raise context.cursor.error(f"cannot have more than {MAX_FLAGS} flags")
    bits = 0
    while context.cursor.at_string():
        bits |= 1 << _label(context, shape)
    return bits.to_bytes((len(shape.names) + 7) // 8, "little")


def _enum(context: Context, shape: Shape) -> bytes:
    return unsigned(_label(context, shape))


_COMPOUND_VALUES: dict[int, tuple[str, Callable[[Context, Shape], bytes]]] = {
    0x72: ("record", _record),
    0x71: ("variant", _variant),
    0x70: ("list", _list),
    0x6F: ("tuple", _tuple),
    0x6E: ("flags", _flags),
    0x6D: ("enum", _enum),
}
#: Types whose cases are keywords: alone, or with a payload in parentheses.
_KEYWORD_CASES = frozenset((0x6B, 0x6A))


def _keyword_case(context: Context, shape: Shape) -> bytes:
    """`none`, `(some <val>)`; `ok`, `(ok <val>)`, `error` or `(error <val>)`, as the type says."""
    cursor = context.cursor
    opened = cursor.accept("(")
    start = cursor.i
    case = shape.names[cursor.keyword_of(shape.names)]
    if opened != (shape.types[case] is not None):
        raise cursor.error(f"`{cursor.texts[start]}` has {'no' if opened else 'a'} payload here", start)
    payload = _payload(context, shape, case)
    if opened:
        cursor.expect(")")
    return bytes((case,)) + payload
