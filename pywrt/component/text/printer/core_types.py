"""Core types within components in the text format. Spec: Explainer.md#type-definitions"""

from functools import partial

from pywrt.component.core_types import MODULE_FORM, SUB_PREFIX
from pywrt.component.elements import MAX_ITEMS, leading_byte
from pywrt.component.text.printer.scope import Output, Scope
from pywrt.config import ALL_FEATURES
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.types import (
    read_globaltype,
    read_memorytype,
    read_rec,
    read_subtype,
    read_tabletype,
)
from pywrt.wasm.text.printer.types import TypeSpeller
from pywrt.wasm.text.printer.values import quoted_name

#: No component has descriptors.
FEATURES = ALL_FEATURES - {"custom-descriptors"}


def define_core_type(out: Output, reader: Reader, scope: Scope) -> None:
    """`core:type`: a module type, or a group of other types."""
    if reader.pos < reader.end and reader.data[reader.pos] == MODULE_FORM:
        reader.pos += 1
        out.open(scope.depth, f"(core type {scope.head('core type')}")
        _module_type(out, reader, Scope(scope, scope.depth + 2))
        out.close(scope.depth)
    else:
        _define_group(out, reader, scope, "core ")


def _speller(scope: Scope) -> TypeSpeller:
    return TypeSpeller(partial(scope.of, "core type"))


def _define_group(out: Output, reader: Reader, scope: Scope, prefix: str) -> None:
    """`core:rectype`; `prefix` is what precedes the keyword."""
    if reader.pos < reader.end and reader.data[reader.pos] == SUB_PREFIX:
        reader.pos += 1
        if reader.pos < reader.end and reader.data[reader.pos] != MODULE_FORM:
            raise leading_byte(reader, reader.byte(), "non-final sub type")
    group = read_rec(reader, FEATURES, MAX_ITEMS)
    types = [read_subtype(reader, FEATURES)] if group is None else group
    heads = [scope.head("core type") for _ in types]  # all of them, since they refer to each other
    spell = _speller(scope).subtype
    members = [f"(type {head} {spell(0, type)})" for head, type in zip(heads, types, strict=True)]
    if group is None:
        out.line(scope.depth, f"({prefix}{members[0][1:]}")
    else:
        out.block(scope.depth, f"({prefix}rec", members)


def _module_type(out: Output, reader: Reader, scope: Scope) -> None:
    """`core:moduletype`, behind its first byte; `scope` is its own."""
    out.open(scope.depth - 1, "(module")
    for _ in range(reader.count("declarations", MAX_ITEMS)):
        form = reader.byte()
        if form == 0x00:
            names = f"{quoted_name(reader.name())} {quoted_name(reader.name())}"
            out.line(scope.depth, f"(import {names} {_externtype(reader, scope)})")
        elif form == 0x01:
            _define_group(out, reader, scope, "")
        elif form == 0x02:
            out.line(scope.depth, _alias(reader, scope))
        elif form == 0x03:
            name = quoted_name(reader.name())
            out.line(scope.depth, f"(export {name} {_externtype(reader, scope)})")
        else:
            raise leading_byte(reader, form, "type definition")
    out.close(scope.depth - 1)


def _alias(reader: Reader, scope: Scope) -> str:
    kind = reader.byte()
    if kind != 0x10:
        raise leading_byte(reader, kind, "outer alias kind")
    target = reader.byte()
    if target != 0x01:
        raise leading_byte(reader, target, "outer alias target")
    count, index = reader.u32(), reader.u32()
    return f"(alias outer {count} {index} (type {scope.head('core type')}))"


def _externtype(reader: Reader, scope: Scope) -> str:
    """`core:externtype`, whose index need not be a function type's."""
    kind = reader.byte()
    spell = _speller(scope)
    if kind == 0x00:
        return f"(func {spell.reference(reader.u32())})"
    if kind == 0x01:
        return f"(table {spell.tabletype(read_tabletype(reader, FEATURES))})"
    if kind == 0x02:
        return f"(memory {spell.memorytype(read_memorytype(reader, FEATURES))})"
    if kind == 0x03:
        return f"(global {spell.globaltype(read_globaltype(reader, FEATURES))})"
    if kind != 0x04:
        raise leading_byte(reader, kind, "core external kind")
    attribute = reader.byte()
    if attribute != 0:
        raise leading_byte(reader, attribute, "tag attribute")
    return f"(tag {spell.reference(reader.u32())})"
