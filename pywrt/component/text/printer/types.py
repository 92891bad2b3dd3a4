"""Types in the text format, and what component and instance types are made of.

Strategy: what comes next in the binary is spelled at once, in the order of `pywrt.component.type_decoder`.
All but component and instance types are words on one line; those two have a line for each declarator, and
are the only thing here that recurses, as deep as `Scope` allows.
Spec: Explainer.md#type-definitions, Binary.md#type-definitions
"""

from collections.abc import Callable

from pywrt.component.elements import MAX_ITEMS, leading_byte, read_bool, read_sort
from pywrt.component.tables import ATTRIBUTES, OUTER_ALIAS_SORTS, SORTS
from pywrt.component.text.printer.core_types import define_core_type
from pywrt.component.text.printer.scope import Output, Scope
from pywrt.component.text.types import PRIMITIVE_CODES
from pywrt.errors import MalformedError
from pywrt.wasm import types as core
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.text.printer.values import quoted_name

_PRIMITIVES = {code[0]: name for name, code in PRIMITIVE_CODES.items()}

# Value types, in the order of the specification


def valtype(reader: Reader, scope: Scope) -> str:
    """`valtype`: a primitive type or a type index."""
    start = reader.pos
    if start < reader.end and (primitive := _PRIMITIVES.get(reader.data[start])) is not None:
        reader.pos += 1
        return primitive
    index = reader.signed(33)
    if index < 0:
        message = f"invalid leading byte (0x{reader.data[start]:x}) for value type"
        raise MalformedError(message, offset=start)
    return scope.of("type", index)


def _optional(reader: Reader, scope: Scope) -> str:
    """` valtype`, or nothing."""
    return f" {valtype(reader, scope)}" if read_bool(reader, "optional type") else ""


def _labelled(reader: Reader, scope: Scope, keyword: str, what: str) -> str:
    """` (keyword "label" valtype)` for each; `what` they are is for messages."""
    words = []
    for _ in range(reader.count(what, MAX_ITEMS)):
        name = quoted_name(reader.name())
        words.append(f" ({keyword} {name} {valtype(reader, scope)})")
    return "".join(words)


def _labels(reader: Reader) -> str:
    return "".join([f" {quoted_name(reader.name())}" for _ in range(reader.count("labels", MAX_ITEMS))])


def _record(reader: Reader, scope: Scope) -> str:
    return f"(record{_labelled(reader, scope, 'field', 'fields')})"


def _variant(reader: Reader, scope: Scope) -> str:
    words = ["(variant"]
    for _ in range(reader.count("cases", MAX_ITEMS)):
        name = quoted_name(reader.name())
        words.append(f"(case {name}{_optional(reader, scope)})")
        zero = reader.byte()
        if zero != 0:
            raise leading_byte(reader, zero, "zero byte required")
    return " ".join(words) + ")"


def _list(reader: Reader, scope: Scope) -> str:
    return f"(list {valtype(reader, scope)})"


def _fixed_list(reader: Reader, scope: Scope) -> str:
    return f"(list {valtype(reader, scope)} {reader.u32()})"


def _tuple(reader: Reader, scope: Scope) -> str:
    return (
        " ".join(["(tuple", *[valtype(reader, scope) for _ in range(reader.count("types", MAX_ITEMS))]]) + ")"
    )


def _flags(reader: Reader, scope: Scope) -> str:
    return f"(flags{_labels(reader)})"


def _enum(reader: Reader, scope: Scope) -> str:
    return f"(enum{_labels(reader)})"


def _option(reader: Reader, scope: Scope) -> str:
    return f"(option {valtype(reader, scope)})"


def _result(reader: Reader, scope: Scope) -> str:
    ok, error = _optional(reader, scope), _optional(reader, scope)
    return f"(result{ok}{f' (error{error})' if error else ''})"


def _own(reader: Reader, scope: Scope) -> str:
    return f"(own {scope.of('type', reader.u32())})"


def _borrow(reader: Reader, scope: Scope) -> str:
    return f"(borrow {scope.of('type', reader.u32())})"


def _stream(reader: Reader, scope: Scope) -> str:
    return f"(stream{_optional(reader, scope)})"


def _future(reader: Reader, scope: Scope) -> str:
    return f"(future{_optional(reader, scope)})"


def _map(reader: Reader, scope: Scope) -> str:
    return f"(map {valtype(reader, scope)} {valtype(reader, scope)})"


# Other types


def _functype(reader: Reader, scope: Scope) -> str:
    params = _labelled(reader, scope, "param", "parameters")
    return f"(func{params}{result_list(reader, scope)})"


def _async_functype(reader: Reader, scope: Scope) -> str:
    return f"(func async{_functype(reader, scope).removeprefix('(func')}"


def result_list(reader: Reader, scope: Scope) -> str:
    """` (result valtype)`, or nothing."""
    form = reader.byte()
    if form == 0x00:
        return f" (result {valtype(reader, scope)})"
    if form != 0x01:
        raise leading_byte(reader, form, "component function results")
    count = reader.byte()
    if count != 0:
        raise leading_byte(reader, count, "number of results")
    return ""


def _resource(reader: Reader, scope: Scope) -> str:
    rep = core_valtype(reader)
    if not read_bool(reader, "resource destructor"):
        return f"(resource (rep {rep}))"
    return f"(resource (rep {rep}) (dtor (core func {scope.of('core func', reader.u32())})))"


def core_valtype(reader: Reader) -> str:
    """A core value type of one byte."""
    byte = reader.byte()
    found = core.VALTYPE_BY_CODE.get(byte)
    if found is None:
        raise leading_byte(reader, byte, "core value type")
    return found.name


#: What follows the byte that begins a `deftype`; component and instance types aside.
_DEFTYPES: dict[int, Callable[[Reader, Scope], str]] = {
    0x72: _record,
    0x71: _variant,
    0x70: _list,
    0x67: _fixed_list,
    0x6F: _tuple,
    0x6E: _flags,
    0x6D: _enum,
    0x6B: _option,
    0x6A: _result,
    0x69: _own,
    0x68: _borrow,
    0x66: _stream,
    0x65: _future,
    0x63: _map,
    0x40: _functype,
    0x43: _async_functype,
    0x3F: _resource,
}
_SCOPED_TYPES = {0x41: "component", 0x42: "instance"}


def define_type(out: Output, reader: Reader, scope: Scope) -> None:
    """`type`: one type."""
    code = reader.byte()
    if code in _SCOPED_TYPES:
        out.open(scope.depth, f"(type {scope.head('type')}")
        _scoped_type(out, reader, Scope(scope, scope.depth + 2), _SCOPED_TYPES[code])
        out.close(scope.depth)
        return
    if code in _PRIMITIVES:
        text = _PRIMITIVES[code]
    elif code in _DEFTYPES:
        text = _DEFTYPES[code](reader, scope)
    else:
        raise leading_byte(reader, code, "component defined type")
    out.line(scope.depth, f"(type {scope.head('type')} {text})")


def _scoped_type(out: Output, reader: Reader, scope: Scope, keyword: str) -> None:
    """A component or instance type behind its first byte; `scope` is its own."""
    out.open(scope.depth - 1, f"({keyword}")
    for _ in range(reader.count("declarations", MAX_ITEMS)):
        form = reader.byte()
        if form == 0x00:
            define_core_type(out, reader, scope)
        elif form == 0x01:
            define_type(out, reader, scope)
        elif form == 0x02:
            define_alias(out, reader, scope)
        elif form == 0x03 and keyword == "component":
            define_import(out, reader, scope)
        elif form == 0x04:
            name = extern_name(reader)
            sort, bound = externtype(reader, scope)
            out.line(scope.depth, f"(export {scope.head(sort)} {name} ({sort} {bound}))")
        else:
            raise leading_byte(reader, form, "component or instance type declaration")
    out.close(scope.depth - 1)


# External types, imports and aliases


def extern_name(reader: Reader) -> str:
    """`nameattributes`"""
    form = reader.byte()
    if form > 2:
        raise leading_byte(reader, form, "component name")
    words = [quoted_name(reader.name())]
    if form == 2:
        for _ in range(reader.count("attributes", MAX_ITEMS)):
            kind = reader.byte()
            if kind >= len(ATTRIBUTES):
                raise leading_byte(reader, kind, "name option")
            words.append(f"({ATTRIBUTES[kind][0]} {quoted_name(reader.name())})")
    return " ".join(words)


def externtype(reader: Reader, scope: Scope) -> tuple[str, str]:
    """`externtype`: its sort, and what follows that."""
    byte = reader.byte()
    if byte == 0x00:
        kind = reader.byte()
        if kind != 0x11:
            raise leading_byte(reader, kind, "component external kind")
        return "core module", f"(type {scope.of('core type', reader.u32())})"
    sort = SORTS.get(byte)
    if sort is None:
        raise leading_byte(reader, byte, "component external kind")
    if sort == "value":
        return sort, _value_bound(reader, scope)
    if sort == "type":
        return sort, _type_bound(reader, scope)
    return sort, f"(type {scope.of('type', reader.u32())})"


def _value_bound(reader: Reader, scope: Scope) -> str:
    bound = reader.byte()
    if bound == 0x00:
        return f"(eq {scope.of('value', reader.u32())})"
    if bound != 0x01:
        raise leading_byte(reader, bound, "value bound")
    return valtype(reader, scope)


def _type_bound(reader: Reader, scope: Scope) -> str:
    bound = reader.byte()
    if bound == 0x00:
        return f"(eq {scope.of('type', reader.u32())})"
    if bound != 0x01:
        raise leading_byte(reader, bound, "type bound")
    return "(sub resource)"


def define_import(out: Output, reader: Reader, scope: Scope) -> None:
    """`import`, in a component or a component type."""
    name = extern_name(reader)
    sort, bound = externtype(reader, scope)
    out.line(scope.depth, f"(import {name} ({sort} {scope.head(sort)} {bound}))")


def define_alias(out: Output, reader: Reader, scope: Scope) -> None:
    """`alias`"""
    what = "component outer alias kind"
    start = reader.pos
    sort = read_sort(reader, what)
    sort_byte = reader.data[reader.pos - 1]
    form = reader.byte()
    if form == 0x00:
        target = f"export {scope.of('instance', reader.u32())} {quoted_name(reader.name())}"
    elif form == 0x01:
        target = f"core export {scope.of('core instance', reader.u32())} {quoted_name(reader.name())}"
    elif form == 0x02:
        if sort not in OUTER_ALIAS_SORTS:
            raise MalformedError(f"invalid leading byte (0x{sort_byte:x}) for {what}", offset=start)
        target = f"outer {reader.u32()} {reader.u32()}"
    else:
        raise leading_byte(reader, form, "alias")
    out.line(scope.depth, f"(alias {target} ({sort} {scope.head(sort)}))")
