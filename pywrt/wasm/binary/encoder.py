"""Encode a module. Spec: binary/modules.html

The inverse of the decoder, section by section. Expressions and segments are bytes already and are copied.
"""

from collections.abc import Callable, Iterable
from typing import Any

import leb128

from pywrt.wasm.binary.decoder import EXTERNAL_KINDS, MAGIC, SECTION_ORDER, VERSION
from pywrt.wasm.module import Code, Custom, Data, Elem, Export, Expr, Global, Import, Module, Table
from pywrt.wasm.types import (
    CODE_BY_VALTYPE,
    FUNCREF,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
    ValType,
)

#: One-byte integers, which are nearly all: the library takes 25 times as long as an index.
_SHORT = [bytes([value]) for value in range(0x80)]


def _u(value: int) -> bytes:
    return _SHORT[value] if value < 0x80 else bytes(leb128.u.encode(value))


def _vector(items: Iterable[bytes]) -> bytes:
    encoded = list(items)
    return _u(len(encoded)) + b"".join(encoded)


def _sized(content: bytes) -> bytes:
    return _u(len(content)) + content


def _name(name: str) -> bytes:
    return _sized(name.encode())


# Types. Spec: binary/types.html


def _valtype(valtype: ValType) -> bytes:
    return bytes([CODE_BY_VALTYPE[valtype]])


def _functype(functype: FuncType) -> bytes:
    return b"\x60" + _vector(map(_valtype, functype.params)) + _vector(map(_valtype, functype.results))


def _limits(limits: Limits) -> bytes:
    if limits.max is None:
        return b"\0" + _u(limits.min)
    return b"\1" + _u(limits.min) + _u(limits.max)


def _tabletype(tabletype: TableType) -> bytes:
    return _valtype(tabletype.element) + _limits(tabletype.limits)


def _globaltype(globaltype: GlobalType) -> bytes:
    return _valtype(globaltype.value) + bytes([globaltype.mutable])


# Sections, in the order of the specification. Spec: binary/modules.html


def _import(item: Import) -> bytes:
    desc = item.desc
    if isinstance(desc, FuncType):
        encoded = b"\0" + _u(item.type_index)
    elif isinstance(desc, TableType):
        encoded = b"\1" + _tabletype(desc)
    elif isinstance(desc, MemoryType):
        encoded = b"\2" + _limits(desc.limits)
    else:
        encoded = b"\3" + _globaltype(desc)
    return _name(item.module) + _name(item.name) + encoded


def _table(table: Table) -> bytes:
    if table.init is None:
        return _tabletype(table.type)
    return b"\x40\0" + _tabletype(table.type) + bytes(table.init)


def _memory(memory: MemoryType) -> bytes:
    return _limits(memory.limits)


def _global(item: Global) -> bytes:
    return _globaltype(item.type) + bytes(item.init)


def _export(export: Export) -> bytes:
    return _name(export.name) + bytes([EXTERNAL_KINDS.index(export.kind)]) + _u(export.index)


def _ref_func_expr(init: int | Expr) -> bytes:
    return bytes(init) if isinstance(init, Expr) else b"\xd2" + _u(init) + b"\x0b"


def _elem(elem: Elem) -> bytes:
    """The shortest form that says it: function indices where the elements are, expressions else."""
    expressions = elem.type is not FUNCREF or any(isinstance(item, Expr) for item in elem.init)
    kind = 4 if expressions else 0
    place = b""
    if elem.offset is None:
        kind |= 3 if elem.mode == "declarative" else 1
    else:
        if elem.table or elem.type is not FUNCREF:
            kind |= 2
            place = _u(elem.table)
        place += bytes(elem.offset)
    if kind & 3:
        place += _valtype(elem.type) if expressions else b"\0"
    items = (
        map(_ref_func_expr, elem.init) if expressions else (_u(i) for i in elem.init if isinstance(i, int))
    )
    return _u(kind) + place + _vector(items)


def _code(code: Code) -> bytes:
    runs = _vector(_u(count) + _valtype(valtype) for count, valtype in code.locals)
    return _sized(runs + bytes(code.expr))


def _data(data: Data) -> bytes:
    if data.offset is None:
        place = b"\1"
    elif data.memory:
        place = b"\2" + _u(data.memory) + bytes(data.offset)
    else:
        place = b"\0" + bytes(data.offset)
    return place + _sized(bytes(data))


def _custom(custom: Custom) -> bytes:
    return b"\0" + _sized(_name(custom.name) + custom.data)


#: Sections that are vectors: id, the module's attribute, how to encode an item.
_VECTORS: dict[int, tuple[str, Callable[[Any], bytes]]] = {
    1: ("types", _functype),
    2: ("imports", _import),
    3: ("funcs", _u),
    4: ("tables", _table),
    5: ("memories", _memory),
    6: ("globals", _global),
    7: ("exports", _export),
    9: ("elems", _elem),
    10: ("code", _code),
    11: ("datas", _data),
}
#: Sections that are one number.
_NUMBERS = {8: "start", 12: "data_count"}


def _section(module: Module, section: int) -> bytes:
    """The content of a section; empty if the module needs none."""
    if section in _VECTORS:
        attribute, encode = _VECTORS[section]
        items = getattr(module, attribute)
        return _vector(map(encode, items)) if len(items) else b""
    if section in _NUMBERS:
        number = getattr(module, _NUMBERS[section])
        return b"" if number is None else _u(number)
    return b""


def encode_module(module: Module) -> bytes:
    """The module as a file. Custom sections stand behind the known section that they name.

    A module that the decoder or the text parser made always encodes; the types in it are not checked.
    Spec: binary/modules.html#binary-module
    """
    customs: dict[int, list[bytes]] = {}
    for custom in module.customs:
        customs.setdefault(custom.after, []).append(_custom(custom))
    parts = [MAGIC, VERSION, *customs.get(0, ())]
    for section in SECTION_ORDER:
        content = _section(module, section)
        if not content and section in customs and section in _VECTORS:
            content = _u(0)  # so that the custom sections keep their place
        if content:
            parts.append(bytes([section]) + _sized(content))
        parts.extend(customs.get(section, ()))
    return b"".join(parts)
