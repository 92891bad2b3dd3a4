"""Types. Spec: text/types.html

Each reader takes what comes next at the cursor; `types` is the module's type index space, in which
identifiers are looked up. Nothing is checked here that validation checks.
"""

from collections.abc import Callable

from pywrt.config import PAGE_SIZE
from pywrt.wasm.text.cursor import Cursor, Space
from pywrt.wasm.types import (
    ABSTRACT_HEAP_TYPES,
    I8,
    I16,
    I32,
    I64,
    VALTYPE_BY_NAME,
    ArrayType,
    CompositeType,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RefType,
    StructType,
    SubType,
    TableType,
    ValType,
    ref_type,
)

_PACKED = {"i8": I8, "i16": I16}


# Value types. Spec: text/types.html#value-types


def read_heaptype(cursor: Cursor, types: Space) -> RefType:
    """A heap type; the nullable reference type of it. Spec: text/types.html#heap-types"""
    token = cursor.texts[cursor.i]
    if token in ABSTRACT_HEAP_TYPES:
        cursor.i += 1
        return ref_type(token, True)
    if cursor.open("exact"):
        index = cursor.index(types)
        cursor.expect(")")
        return ref_type(index, True, exact=True)
    if not cursor.at_index():
        raise cursor.unexpected(wanted="a heap type")
    return ref_type(cursor.index(types), True)


def at_reftype(cursor: Cursor) -> bool:
    """Whether a reference type comes next."""
    return cursor.at("ref") or isinstance(VALTYPE_BY_NAME.get(cursor.texts[cursor.i]), RefType)


def read_valtype(cursor: Cursor, types: Space) -> ValType:
    """A value type."""
    valtype = VALTYPE_BY_NAME.get(cursor.texts[cursor.i])
    if valtype is not None:
        cursor.i += 1
        return valtype
    if not cursor.open("ref"):
        raise cursor.unexpected(wanted="a value type")
    nullable = cursor.accept("null")
    target = read_heaptype(cursor, types)
    cursor.expect(")")
    return ref_type(target.heap, nullable, target.exact)


def read_reftype(cursor: Cursor, types: Space) -> RefType:
    """A reference type. Spec: text/types.html#reference-types"""
    start = cursor.i
    reftype = read_valtype(cursor, types)
    if not isinstance(reftype, RefType):
        raise cursor.unexpected(start, "a reference type")
    return reftype


# Composite and recursive types. Spec: text/types.html#composite-types


def read_functype(cursor: Cursor, types: Space, names: Space | None = None) -> FuncType:
    """`(param ...)* (result ...)*`; parameters may have identifiers if there are `names` to bind."""
    params: list[ValType] = []
    while cursor.open("param"):
        if names is not None and cursor.at_binding():
            cursor.bind(names)
            params.append(read_valtype(cursor, types))
            cursor.expect(")")
            continue
        while not cursor.accept(")"):
            params.append(read_valtype(cursor, types))
            if names is not None:
                names.count += 1
    return FuncType(tuple(params), read_results(cursor, types))


def read_results(cursor: Cursor, types: Space) -> tuple[ValType, ...]:
    """`(result ...)*`"""
    results: list[ValType] = []
    while cursor.open("result"):
        while not cursor.accept(")"):
            results.append(read_valtype(cursor, types))
    return tuple(results)


def _fieldtype(cursor: Cursor, types: Space) -> FieldType:
    mutable = cursor.open("mut")
    storage = _PACKED.get(cursor.texts[cursor.i])
    if storage is None:
        storage = read_valtype(cursor, types)
    else:
        cursor.i += 1
    if mutable:
        cursor.expect(")")
    return FieldType(storage, mutable)


def _functype(cursor: Cursor, types: Space, fields: Space) -> FuncType:
    return read_functype(cursor, types, Space("parameter"))


def _structtype(cursor: Cursor, types: Space, fields: Space) -> StructType:
    found: list[FieldType] = []
    while cursor.open("field"):
        if cursor.at_binding():
            cursor.bind(fields)
            found.append(_fieldtype(cursor, types))
            cursor.expect(")")
            continue
        while not cursor.accept(")"):
            found.append(_fieldtype(cursor, types))
            fields.count += 1
    return StructType(tuple(found))


def _arraytype(cursor: Cursor, types: Space, fields: Space) -> ArrayType:
    return ArrayType(_fieldtype(cursor, types))


_COMPOSITES: dict[str, Callable[[Cursor, Space, Space], CompositeType]] = {
    "func": _functype,
    "struct": _structtype,
    "array": _arraytype,
}


def _comptype(cursor: Cursor, types: Space, fields: Space) -> CompositeType:
    cursor.expect("(")
    read = _COMPOSITES[cursor.keyword_of(_COMPOSITES)]
    composite = read(cursor, types, fields)
    cursor.expect(")")
    return composite


def _clause(cursor: Cursor, types: Space, keyword: str) -> int | None:
    """`(keyword x)`, of the custom-descriptors proposal."""
    if not cursor.open(keyword):
        return None
    index = cursor.index(types)
    cursor.expect(")")
    return index


def read_subtype(cursor: Cursor, types: Space, fields: Space) -> SubType:
    """A type definition; identifiers of a structure's fields are bound in `fields`.

    Spec: text/types.html#recursive-types
    """
    sub = cursor.open("sub")
    final = not sub or cursor.accept("final")
    supers: list[int] = []
    while sub and cursor.at_index():
        supers.append(cursor.index(types))
    describes = _clause(cursor, types, "describes")
    descriptor = _clause(cursor, types, "descriptor")
    composite = _comptype(cursor, types, fields)
    if sub:
        cursor.expect(")")
    return SubType(composite, tuple(supers), final, describes, descriptor)


# Table, memory and global types. Spec: text/types.html#limits


def read_addresstype(cursor: Cursor) -> ValType:
    """`i32` or `i64`; i32 if neither comes next."""
    if cursor.accept("i64"):
        return I64
    cursor.accept("i32")
    return I32


def _limits(cursor: Cursor) -> Limits:
    least = cursor.natural("a size", 64)
    if cursor.texts[cursor.i][:1].isdecimal():
        return Limits(least, cursor.natural("a size", 64))
    return Limits(least)


def read_tabletype(cursor: Cursor, types: Space) -> TableType:
    """A table type. Spec: text/types.html#table-types"""
    address = read_addresstype(cursor)
    limits = _limits(cursor)
    return TableType(read_reftype(cursor, types), limits, address)


def read_pagesize(cursor: Cursor) -> int:
    """`(pagesize n)?`; what is no power of two can't be encoded."""
    if not cursor.open("pagesize"):
        return PAGE_SIZE
    size = cursor.natural("a page size", 64)
    if size == 0 or size & size - 1:
        raise cursor.error("invalid custom page size: not a power of two", cursor.i - 1)
    cursor.expect(")")
    return size


def read_memorytype(cursor: Cursor) -> MemoryType:
    """A memory type. Spec: text/types.html#memory-types"""
    address = read_addresstype(cursor)
    limits = _limits(cursor)
    shared = cursor.accept("shared")
    return MemoryType(limits, address, shared, read_pagesize(cursor))


def read_globaltype(cursor: Cursor, types: Space) -> GlobalType:
    """A global type. Spec: text/types.html#global-types"""
    mutable = cursor.open("mut")
    valtype = read_valtype(cursor, types)
    if mutable:
        cursor.expect(")")
    return GlobalType(valtype, mutable)
