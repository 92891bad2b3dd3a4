"""Encode a module. Spec: binary/modules.html

The inverse of the decoder, section by section. Expressions and segments are bytes already and are copied.
"""

from collections.abc import Callable, Iterable
from typing import Any

import leb128

from pywrt.config import PAGE_SIZE
from pywrt.wasm.binary.sections import (
    CODE_SECTION,
    CUSTOM_SECTION,
    DATA_COUNT_SECTION,
    DATA_SECTION,
    ELEMENT_SECTION,
    EXACT_FUNC_KIND,
    EXPORT_SECTION,
    EXTERNAL_KINDS,
    FUNCTION_SECTION,
    GLOBAL_SECTION,
    IMPORT_SECTION,
    MAGIC,
    MEMORY_SECTION,
    SECTION_ORDER,
    START_SECTION,
    TABLE_SECTION,
    TAG_SECTION,
    TYPE_SECTION,
    VERSION,
)
from pywrt.wasm.binary.types import (
    ADDRESS_64,
    ARRAY_FORM,
    DESCRIBES_FORM,
    DESCRIPTOR_FORM,
    FUNC_FORM,
    HAS_MAX,
    PAGE_SIZE_FOLLOWS,
    REC_FORM,
    SHARED,
    STRUCT_FORM,
    SUB_FINAL_FORM,
    SUB_FORM,
)
from pywrt.wasm.module import Code, Custom, Data, Elem, Export, Expr, Global, Import, Module, Table, Tag
from pywrt.wasm.types import (
    CODE_BY_VALTYPE,
    EXACT_CODE,
    FUNCREF,
    HEAP_BY_CODE,
    I64,
    PACKED_BY_CODE,
    REF_CODE,
    REF_NULL_CODE,
    CompositeType,
    ExternType,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RefType,
    StructType,
    SubType,
    TableType,
    TagType,
    ValType,
    ref_type,
)

_FUNC_REFERENCES = ref_type("func", False)
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

_CODE_BY_HEAP = {heap: code for code, heap in HEAP_BY_CODE.items()}
_CODE_BY_PACKED = {packed: code for code, packed in PACKED_BY_CODE.items()}


def _byte(code: int) -> bytes:
    return bytes((code,))


def encode_heaptype(reftype: RefType) -> bytes:
    """The heap type that `reftype` is to. Spec: binary/types.html#heap-types"""
    heap = reftype.heap
    if isinstance(heap, str):
        return _byte(_CODE_BY_HEAP[heap])
    assert isinstance(heap, int), "a closed type has no encoding"
    return (_byte(EXACT_CODE) if reftype.exact else b"") + bytes(leb128.i.encode(heap))


def encode_valtype(valtype: ValType) -> bytes:
    """A value type. Spec: binary/types.html#value-types"""
    code = CODE_BY_VALTYPE.get(valtype)
    if code is not None:
        return _byte(code)
    assert isinstance(valtype, RefType)
    return _byte(REF_NULL_CODE if valtype.nullable else REF_CODE) + encode_heaptype(valtype)


def _fieldtype(field: FieldType) -> bytes:
    packed = _CODE_BY_PACKED.get(field.storage)
    storage = encode_valtype(field.storage) if packed is None else _byte(packed)
    return storage + _byte(field.mutable)


def _comptype(composite: CompositeType) -> bytes:
    if isinstance(composite, FuncType):
        params, results = composite.params, composite.results
        return _byte(FUNC_FORM) + _vector(map(encode_valtype, params)) + _vector(map(encode_valtype, results))
    if isinstance(composite, StructType):
        return _byte(STRUCT_FORM) + _vector(map(_fieldtype, composite.fields))
    return _byte(ARRAY_FORM) + _fieldtype(composite.element)


def encode_subtype(subtype: SubType) -> bytes:
    """The shortest form: final and without supertypes needs no byte in front.

    Spec: binary/types.html#recursive-types
    """
    parts = []
    if subtype.supers or not subtype.final:
        parts += [_byte(SUB_FINAL_FORM if subtype.final else SUB_FORM), _vector(map(_u, subtype.supers))]
    if subtype.describes is not None:
        parts += [_byte(DESCRIBES_FORM), _u(subtype.describes)]
    if subtype.descriptor is not None:
        parts += [_byte(DESCRIPTOR_FORM), _u(subtype.descriptor)]
    return b"".join((*parts, _comptype(subtype.composite)))


def encode_rectype(subtypes: Iterable[SubType]) -> bytes:
    """An explicit group. Spec: binary/types.html#recursive-types"""
    return _byte(REC_FORM) + _vector(map(encode_subtype, subtypes))


def _rectypes(module: Module) -> list[bytes]:
    """The entries of the type section: explicit groups, and types between them on their own."""
    entries: list[bytes] = []
    done = 0
    for first, size in module.rec_groups:
        entries += map(encode_subtype, module.types[done:first])
        done = first + size
        entries.append(encode_rectype(module.types[first:done]))
    entries += map(encode_subtype, module.types[done:])
    return entries


def _limits(limits: Limits, flags: int) -> bytes:
    if limits.max is None:
        return _byte(flags) + _u(limits.min)
    return _byte(flags | HAS_MAX) + _u(limits.min) + _u(limits.max)


def _tabletype(table: TableType) -> bytes:
    return encode_valtype(table.element) + _limits(table.limits, ADDRESS_64 if table.address is I64 else 0)


def _memorytype(memory: MemoryType) -> bytes:
    """A page size is written if it isn't the usual."""
    flags = (ADDRESS_64 if memory.address is I64 else 0) | (SHARED if memory.shared else 0)
    if memory.page_size == PAGE_SIZE:
        return _limits(memory.limits, flags)
    return _limits(memory.limits, flags | PAGE_SIZE_FOLLOWS) + _u(memory.page_size.bit_length() - 1)


def _globaltype(globaltype: GlobalType) -> bytes:
    return encode_valtype(globaltype.value) + _byte(globaltype.mutable)


def encode_externtype(desc: ExternType, type_index: int, exact: bool = False) -> bytes:
    """An external type; `type_index` is that of a function or tag. Spec: binary/types.html#external-types"""
    kind = EXACT_FUNC_KIND if exact else EXTERNAL_KINDS.index(desc.kind)
    if isinstance(desc, FuncType):
        encoded = _u(type_index)
    elif isinstance(desc, TableType):
        encoded = _tabletype(desc)
    elif isinstance(desc, MemoryType):
        encoded = _memorytype(desc)
    elif isinstance(desc, TagType):
        encoded = _tag_of(type_index)
    else:
        encoded = _globaltype(desc)
    return _byte(kind) + encoded


# Sections, in the order of the specification. Spec: binary/modules.html


def _import(item: Import) -> bytes:
    desc = encode_externtype(item.desc, item.type_index, item.exact)
    return _name(item.module) + _name(item.name) + desc


def _table(table: Table) -> bytes:
    if table.init is None:
        return _tabletype(table.type)
    return b"\x40\0" + _tabletype(table.type) + bytes(table.init)


def _tag_of(type_index: int) -> bytes:
    return b"\0" + _u(type_index)


def _tag(tag: Tag) -> bytes:
    return _tag_of(tag.type_index)


def _global(item: Global) -> bytes:
    return _globaltype(item.type) + bytes(item.init)


def _export(export: Export) -> bytes:
    return _name(export.name) + _byte(EXTERNAL_KINDS.index(export.kind)) + _u(export.index)


def _ref_func_expr(init: int | Expr) -> bytes:
    return bytes(init) if isinstance(init, Expr) else b"\xd2" + _u(init) + b"\x0b"


def _elem(elem: Elem) -> bytes:
    """The shortest form that says it: function indices where the elements are, expressions else."""
    indices = [item for item in elem.init if isinstance(item, int)]
    expressions = elem.type is not _FUNC_REFERENCES or len(indices) != len(elem.init)
    kind = 4 if expressions else 0
    place = b""
    if elem.offset is None:
        kind |= 3 if elem.mode == "declarative" else 1
    else:
        if elem.table or (expressions and elem.type is not FUNCREF):
            kind |= 2
            place = _u(elem.table)
        place += bytes(elem.offset)
    if kind & 3:
        place += encode_valtype(elem.type) if expressions else b"\0"
    items = map(_ref_func_expr, elem.init) if expressions else map(_u, indices)
    return _u(kind) + place + _vector(items)


def _code(code: Code) -> bytes:
    runs = _vector(_u(count) + encode_valtype(valtype) for count, valtype in code.locals)
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
    return _byte(CUSTOM_SECTION) + _sized(_name(custom.name) + custom.data)


def _items(attribute: str, encode: Callable[[Any], bytes]) -> Callable[[Module], list[bytes]]:
    return lambda module: [encode(item) for item in getattr(module, attribute)]


#: The entries of each section that is a vector.
_VECTORS: dict[int, Callable[[Module], list[bytes]]] = {
    TYPE_SECTION: _rectypes,
    IMPORT_SECTION: _items("imports", _import),
    FUNCTION_SECTION: _items("funcs", _u),
    TABLE_SECTION: _items("tables", _table),
    MEMORY_SECTION: _items("memories", _memorytype),
    TAG_SECTION: _items("tags", _tag),
    GLOBAL_SECTION: _items("globals", _global),
    EXPORT_SECTION: _items("exports", _export),
    ELEMENT_SECTION: _items("elems", _elem),
    CODE_SECTION: _items("code", _code),
    DATA_SECTION: _items("datas", _data),
}
#: Sections that are one number.
_NUMBERS = {START_SECTION: "start", DATA_COUNT_SECTION: "data_count"}


def _section(module: Module, section: int) -> bytes:
    """The content of a section; empty if the module needs none."""
    if section in _VECTORS:
        items = _VECTORS[section](module)
        return _vector(items) if items else b""
    number = getattr(module, _NUMBERS[section])
    return b"" if number is None else _u(number)


def encode_module(module: Module) -> bytes:
    """The module as a file. A custom section stands behind the known section that it names, or where
    that would stand if the module had it.

    A module that the decoder or the text parser made always encodes; the types in it are not checked.
    Spec: binary/modules.html#binary-module
    """
    customs: dict[int, list[bytes]] = {}
    for custom in module.customs:
        customs.setdefault(custom.after, []).append(_custom(custom))
    parts = [MAGIC, VERSION, *customs.get(CUSTOM_SECTION, ())]
    for section in SECTION_ORDER:
        content = _section(module, section)
        if content:
            parts.append(_byte(section) + _sized(content))
        parts.extend(customs.get(section, ()))
    return b"".join(parts)
