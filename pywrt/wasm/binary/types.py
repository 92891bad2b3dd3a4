"""Types. Spec: binary/types.html

What is read is syntax: a type index stays a number, and nobody checks here that it is defined. Each
reader takes the features that are on and refuses by name what needs another.
"""

from collections.abc import Callable

from pywrt.config import ALL_FEATURES, PAGE_SIZE
from pywrt.errors import MalformedError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.types import (
    EXACT_CODE,
    FEATURE_BY_TYPE_CODE,
    HEAP_BY_CODE,
    I32,
    I64,
    PACKED_BY_CODE,
    REF_CODE,
    REF_NULL_CODE,
    VALTYPE_BY_CODE,
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

Features = frozenset[str]

#: Implementation limits (spec: appendix/implementation.html): they bound what a file's bytes cost in memory.
MAX_PARAMS = 1_000
MAX_FIELDS = 10_000
MAX_SUPERTYPES = 1_000

#: The feature of a reference or block type that says a type index.
INDEX_FEATURE = "function-references"


def require(feature: str, features: Features, message: str, offset: int) -> None:
    """Raise the MalformedError that names `feature`, after `message`, where it is not on."""
    if feature not in features:
        raise MalformedError(f"{message}: needs the feature {feature}", offset=offset, feature=feature)


def type_error(message: str, code: int, offset: int, features: Features = ALL_FEATURES) -> MalformedError:
    """What to raise for a byte that does not begin a type: it names the feature if only that is missing."""
    feature = FEATURE_BY_TYPE_CODE.get(code)
    if feature in features:
        feature = None
    detail = "" if feature is None else f": needs the feature {feature}"
    return MalformedError(f"{message} 0x{code:02x}{detail}", offset=offset, feature=feature)


# Value types. Spec: binary/types.html#value-types


def _read_heap(reader: Reader, features: Features) -> tuple[str | int, bool]:
    """A heap type and whether it is exact: an abstract one is not."""
    start = reader.pos
    code = reader.byte()
    exact = code == EXACT_CODE and FEATURE_BY_TYPE_CODE[EXACT_CODE] in features
    if not exact:
        heap = HEAP_BY_CODE.get(code)
        if heap is not None and FEATURE_BY_TYPE_CODE.get(code, "mvp") in features:
            return heap, False
        if code & 0xC0 == 0x40:  # a negative number of one byte
            raise type_error("malformed heap type", code, start, features)
        reader.pos = start
    index = reader.signed(33)
    if index < 0:
        raise MalformedError("malformed heap type", offset=start)
    require(INDEX_FEATURE, features, "malformed heap type: an index", start)
    return index, exact


def read_heaptype(reader: Reader, features: Features = ALL_FEATURES) -> RefType:
    """A heap type; the nullable reference type of it. Spec: binary/types.html#heap-types"""
    heap, exact = _read_heap(reader, features)
    return ref_type(heap, True, exact)


def _read_type(reader: Reader, features: Features, message: str) -> ValType:
    code = reader.byte()
    needed = FEATURE_BY_TYPE_CODE.get(code)
    if needed is None or needed in features:
        valtype = VALTYPE_BY_CODE.get(code)
        if valtype is not None:
            return valtype
        if code in (REF_NULL_CODE, REF_CODE):
            heap, exact = _read_heap(reader, features)
            return ref_type(heap, code == REF_NULL_CODE, exact)
    raise type_error(message, code, reader.pos - 1, features)


def read_reftype(reader: Reader, features: Features = ALL_FEATURES) -> RefType:
    """A reference type. Spec: binary/types.html#reference-types"""
    start = reader.pos
    reftype = _read_type(reader, features, "malformed reference type")
    if not isinstance(reftype, RefType):
        raise type_error("malformed reference type", reader.data[start], start, features)
    return reftype


def read_valtype(reader: Reader, features: Features = ALL_FEATURES) -> ValType:
    """A value type. Spec: binary/types.html#value-types"""
    code = reader.byte()
    valtype = VALTYPE_BY_CODE.get(code)  # nearly always one byte that needs nothing: no further call
    if valtype is not None and code not in FEATURE_BY_TYPE_CODE:
        return valtype
    reader.pos -= 1
    return _read_type(reader, features, "malformed value type")


def read_valtypes(reader: Reader, features: Features, what: str) -> tuple[ValType, ...]:
    """A result type: a vector of value types, which are called `what` where there are too many.

    Spec: binary/types.html#result-types
    """
    count = reader.count(what, MAX_PARAMS)
    return tuple([read_valtype(reader, features) for _ in range(count)])


def read_mutability(reader: Reader) -> bool:
    """Whether a field or global is mutable. Spec: binary/types.html#global-types"""
    mutable = reader.byte()
    if mutable > 1:
        raise MalformedError("malformed mutability", offset=reader.pos - 1)
    return mutable == 1


# Composite and recursive types. Spec: binary/types.html#composite-types


def _functype(reader: Reader, features: Features) -> FuncType:
    return FuncType(read_valtypes(reader, features, "parameters"), read_valtypes(reader, features, "results"))


def _fieldtype(reader: Reader, features: Features) -> FieldType:
    start = reader.pos
    packed = PACKED_BY_CODE.get(reader.byte())
    if packed is not None:
        return FieldType(packed, read_mutability(reader))
    reader.pos = start
    try:
        storage = read_valtype(reader, features)
    except MalformedError as error:
        if error.offset == reader.end:  # it is only cut off
            raise
        raise MalformedError(
            f"malformed storage type: {error.message}", offset=error.offset, feature=error.feature
        ) from None
    return FieldType(storage, read_mutability(reader))


def _structtype(reader: Reader, features: Features) -> StructType:
    count = reader.count("fields", MAX_FIELDS)
    return StructType(tuple([_fieldtype(reader, features) for _ in range(count)]))


def _arraytype(reader: Reader, features: Features) -> ArrayType:
    return ArrayType(_fieldtype(reader, features))


FUNC_FORM, STRUCT_FORM, ARRAY_FORM = 0x60, 0x5F, 0x5E
REC_FORM, SUB_FORM, SUB_FINAL_FORM = 0x4E, 0x50, 0x4F
DESCRIBES_FORM, DESCRIPTOR_FORM = 0x4C, 0x4D
#: Composite types by the byte in front.
_COMPOSITES: dict[int, Callable[[Reader, Features], CompositeType]] = {
    FUNC_FORM: _functype,
    STRUCT_FORM: _structtype,
    ARRAY_FORM: _arraytype,
}
#: What the bytes in front of a type definition need.
FEATURE_BY_FORM = {
    STRUCT_FORM: "gc",
    ARRAY_FORM: "gc",
    REC_FORM: "gc",
    SUB_FORM: "gc",
    SUB_FINAL_FORM: "gc",
    DESCRIBES_FORM: "custom-descriptors",
    DESCRIPTOR_FORM: "custom-descriptors",
}


def _accept_form(reader: Reader, form: int, features: Features) -> bool:
    """Pass over `form` if it is the next byte."""
    if reader.pos >= reader.end or reader.data[reader.pos] != form:
        return False
    require(FEATURE_BY_FORM[form], features, f"malformed definition type 0x{form:02x}", reader.pos)
    reader.pos += 1
    return True


def _read_comptype(reader: Reader, features: Features) -> CompositeType:
    start = reader.pos
    form = reader.byte()
    read = _COMPOSITES.get(form)
    if read is None:
        if form >= 0x80:  # the specification takes it for a 7-bit integer
            raise MalformedError("integer representation too long", offset=start)
        raise MalformedError(f"malformed definition type 0x{form:02x}", offset=start)
    if form != FUNC_FORM:
        require(FEATURE_BY_FORM[form], features, f"malformed definition type 0x{form:02x}", start)
    return read(reader, features)


def read_subtype(reader: Reader, features: Features = ALL_FEATURES) -> SubType:
    """A type definition, with or without supertypes in front. Spec: binary/types.html#recursive-types"""
    if reader.pos < reader.end and reader.data[reader.pos] == FUNC_FORM:  # nearly all
        reader.pos += 1
        return SubType(_functype(reader, features))
    supers: tuple[int, ...] = ()
    final = True
    if _accept_form(reader, SUB_FORM, features):
        final = False
        supers = tuple(reader.u32s(reader.count("supertypes", MAX_SUPERTYPES)))
    elif _accept_form(reader, SUB_FINAL_FORM, features):
        supers = tuple(reader.u32s(reader.count("supertypes", MAX_SUPERTYPES)))
    describes = reader.u32() if _accept_form(reader, DESCRIBES_FORM, features) else None
    descriptor = reader.u32() if _accept_form(reader, DESCRIPTOR_FORM, features) else None
    return SubType(_read_comptype(reader, features), supers, final, describes, descriptor)


def read_rec(reader: Reader, features: Features, limit: int) -> list[SubType] | None:
    """The members, at most `limit`, of an explicit recursive group; None if what follows is none.

    Spec: binary/types.html#recursive-types
    """
    if not _accept_form(reader, REC_FORM, features):
        return None
    return [read_subtype(reader, features) for _ in range(reader.count("types", limit))]


def read_functype(reader: Reader, features: Features = ALL_FEATURES) -> FuncType:
    """A function type on its own, as components define core types. Spec: binary/types.html#function-types"""
    start = reader.pos
    form = reader.byte()
    if form == FUNC_FORM:
        return _functype(reader, features)
    feature = FEATURE_BY_FORM.get(form)
    detail = "" if feature is None else f" is no function type: needs the feature {feature}"
    raise MalformedError(f"malformed definition type 0x{form:02x}{detail}", offset=start, feature=feature)


# Table, memory and global types. Spec: binary/types.html#limits

#: Bits of the byte in front of limits.
HAS_MAX, SHARED, ADDRESS_64, PAGE_SIZE_FOLLOWS = 1, 2, 4, 8
#: What the bits need; a maximum is always there.
_FEATURE_BY_FLAG = {SHARED: "threads", ADDRESS_64: "memory64", PAGE_SIZE_FOLLOWS: "custom-page-sizes"}


def _limits(reader: Reader, features: Features, allowed: int) -> tuple[int, Limits]:
    """Limits and the flags in front of them, of which only the bits `allowed` may be set."""
    start = reader.pos
    flags = reader.byte()
    if flags > HAS_MAX:
        message = f"malformed limits flags 0x{flags:02x}"
        if flags & ~allowed:
            raise MalformedError(message, offset=start)
        for flag, feature in _FEATURE_BY_FLAG.items():
            if flags & flag:
                require(feature, features, message, start)
    # Sizes are read as 64 bits, so that one too large for the address type is invalid, not malformed.
    minimum = reader.u64()
    return flags, Limits(minimum, reader.u64() if flags & HAS_MAX else None)


def read_tabletype(reader: Reader, features: Features = ALL_FEATURES) -> TableType:
    """A table type. Spec: binary/types.html#table-types"""
    element = read_reftype(reader, features)
    flags, limits = _limits(reader, features, HAS_MAX | ADDRESS_64)
    return TableType(element, limits, I64 if flags & ADDRESS_64 else I32)


def read_memorytype(reader: Reader, features: Features = ALL_FEATURES) -> MemoryType:
    """A memory type. Spec: binary/types.html#memory-types"""
    flags, limits = _limits(reader, features, HAS_MAX | SHARED | ADDRESS_64 | PAGE_SIZE_FOLLOWS)
    page_size = PAGE_SIZE
    if flags & PAGE_SIZE_FOLLOWS:
        start = reader.pos
        exponent = reader.u32()
        if exponent >= 64:
            raise MalformedError(f"invalid custom page size: 2 to the power of {exponent}", offset=start)
        page_size = 1 << exponent
    return MemoryType(limits, I64 if flags & ADDRESS_64 else I32, flags & SHARED != 0, page_size)


def read_globaltype(reader: Reader, features: Features = ALL_FEATURES) -> GlobalType:
    """A global type. Spec: binary/types.html#global-types"""
    return GlobalType(read_valtype(reader, features), read_mutability(reader))
