"""Decode type definitions. Spec: component-model Binary.md#type-definitions

Strategy: value types are built bottom up from what type indices refer to, each with its size and nesting
(`Extern`), so that no later walk is longer than the limits allow. Component and instance types open a
`Scope` of their own; their nesting, the only thing here that recurses, is bounded by `Scope`.
"""

from collections.abc import Callable, Sequence

from pywrt.component.core_types import read_core_type
from pywrt.component.elements import (
    MAX_ITEMS,
    leading_byte,
    read_bool,
    read_name_attributes,
    read_sort,
)
from pywrt.component.scope import Scope
from pywrt.component.tables import (
    ASYNC,
    ERROR_CONTEXT,
    FIXED_LISTS,
    KEY_TYPES,
    MAP,
    MAX_FLAGS,
    MAX_VALUE_BYTES,
    MEMORY64,
    OUTER_ALIAS_SORTS,
    PRIMITIVES,
    SORTS,
    VALUES,
)
from pywrt.component.types import AnyType, Extern, compound, kind_of
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm import types as core
from pywrt.wasm.binary.reader import Reader
from pywrt.wit import types as wit
from pywrt.wit.names import canonical_name, is_label

_POINTER_PAIR = (8, 16)
_HANDLE = (4, 4)

#: Primitive value types as type definitions.
PRIMITIVE_ITEMS = {code: Extern("type", t, layout=layout) for code, (t, layout) in PRIMITIVES.items()}
#: The primitive value type that is a feature of its own.
ERROR_CONTEXT_CODE = 0x64
ERROR_CONTEXT_ITEM = Extern("type", wit.ERROR_CONTEXT, layout=_HANDLE)


def read_extern_type(reader: Reader, scope: Scope) -> Extern | None:
    """`externtype`; None for the bound `(sub resource)`."""
    byte = reader.byte()
    if byte == 0x00:
        kind = reader.byte()
        if kind != 0x11:
            raise leading_byte(reader, kind, "component external kind")
        return scope.extern_type("core module", reader.u32())
    sort = SORTS.get(byte)
    if sort is None:
        raise leading_byte(reader, byte, "component external kind")
    if sort == "value":
        scope.require(VALUES, "a value import or export")
        return _value_bound(reader, scope)
    if sort != "type":
        return scope.extern_type(sort, reader.u32())
    bound = reader.byte()
    if bound > 1:
        raise leading_byte(reader, bound, "type bound")
    if bound == 1:
        return None
    item: Extern = scope.get("type", reader.u32())
    return item


def _value_bound(reader: Reader, scope: Scope) -> Extern:
    bound = reader.byte()
    if bound == 0x00:
        raise InvalidError("a value bound that names another value is not supported", feature=VALUES)
    if bound != 0x01:
        raise leading_byte(reader, bound, "value bound")
    item = read_valtype(reader, scope)
    return item.like("value", item.type)


# Value types. The readers stand in the order of the specification.


def read_valtype(reader: Reader, scope: Scope) -> Extern:
    """`valtype`: a primitive type or a type index."""
    if reader.pos < reader.end:
        code = reader.data[reader.pos]
        primitive = PRIMITIVE_ITEMS.get(code)
        if primitive is not None:
            reader.pos += 1
            return primitive
        if code == ERROR_CONTEXT_CODE:
            reader.pos += 1
            return _error_context(reader, scope)
    offset = reader.pos
    index = reader.signed(33)
    if index < 0:
        raise MalformedError(
            f"invalid leading byte (0x{reader.data[offset]:x}) for value type", offset=offset
        )
    return scope.value_type(index)


def _optional(reader: Reader, scope: Scope) -> Extern | None:
    return read_valtype(reader, scope) if read_bool(reader, "optional type") else None


def _labels(reader: Reader, what: str) -> list[str]:
    """Labels of flags and enums; `what` is as in messages."""
    names = [reader.name() for _ in range(reader.count("labels", MAX_ITEMS))]
    check_labels(names, what)
    return names


def check_labels(names: Sequence[str], what: str) -> None:
    """InvalidError unless the names are labels, and strongly unique."""
    taken: dict[str, str] = {}
    for name in names:
        if not name:
            raise InvalidError(f"{what} name cannot be empty")
        if not is_label(name):
            raise InvalidError(f"{what} name `{name}` is not in kebab case")
        canonical = canonical_name(name)
        if canonical in taken:
            short = what.rpartition(" ")[2]  # the suite says: record field name ... previous field name
            raise InvalidError(
                f"{what} name `{name}` conflicts with previous {short} name `{taken[canonical]}`"
            )
        taken[canonical] = name


def _record(reader: Reader, scope: Scope) -> Extern:
    names: list[str] = []
    items: list[Extern] = []
    for _ in range(reader.count("fields", MAX_ITEMS)):
        names.append(reader.name())
        items.append(read_valtype(reader, scope))
    if not items:
        raise InvalidError("record type must have at least one field")
    check_labels(names, "record field")
    fields = [wit.Field(n, i.type) for n, i in zip(names, items, strict=True)]  # type: ignore[arg-type]
    return _sized(wit.Record(tuple(fields)), items, _fields_layout(items))


def _variant(reader: Reader, scope: Scope) -> Extern:
    names: list[str] = []
    items: list[Extern | None] = []
    for _ in range(reader.count("cases", MAX_ITEMS)):
        names.append(reader.name())
        items.append(_optional(reader, scope))
        zero = reader.byte()
        if zero != 0:
            raise leading_byte(reader, zero, "zero byte required")
    if not items:
        raise InvalidError("variant type must have at least one case")
    check_labels(names, "variant case")
    pairs = zip(names, items, strict=True)
    cases = [wit.Case(n, None if i is None else i.type) for n, i in pairs]  # type: ignore[arg-type]
    return _sized(wit.Variant(tuple(cases)), items, _cases_layout(items))


def _list(reader: Reader, scope: Scope) -> Extern:
    element = read_valtype(reader, scope)
    return _sized(wit.List(element.type), [element], _POINTER_PAIR)  # type: ignore[arg-type]


def _fixed_list(reader: Reader, scope: Scope) -> Extern:
    scope.require(FIXED_LISTS, "a fixed-length list")
    element = read_valtype(reader, scope)
    length = reader.u32()
    if length == 0:
        raise InvalidError("fixed-length lists must have at least one element")
    alignment, size = element.layout
    made = wit.List(element.type, length)  # type: ignore[arg-type]
    return _sized(made, [element], (alignment, size * length))


def _tuple(reader: Reader, scope: Scope) -> Extern:
    items = [read_valtype(reader, scope) for _ in range(reader.count("types", MAX_ITEMS))]
    if not items:
        raise InvalidError("tuple type must have at least one type")
    made = wit.Tuple(tuple([i.type for i in items]))  # type: ignore[misc]
    return _sized(made, items, _fields_layout(items))


def _flags(reader: Reader, scope: Scope) -> Extern:
    names = _labels(reader, "flag")
    if not names:
        raise InvalidError("flags must have at least one entry")
    if len(names) > MAX_FLAGS:
        raise InvalidError(f"cannot have more than {MAX_FLAGS} flags")
    size = 1 if len(names) <= 8 else 2 if len(names) <= 16 else 4
    return _sized(wit.Flags(tuple(names)), [], (size, size), len(names))


def _enum(reader: Reader, scope: Scope) -> Extern:
    names = _labels(reader, "enum tag")
    if not names:
        raise InvalidError("enum type must have at least one variant")
    return _sized(wit.Enum(tuple(names)), [], _cases_layout([None] * len(names)), len(names))


def _option(reader: Reader, scope: Scope) -> Extern:
    some = read_valtype(reader, scope)
    return _sized(wit.Option(some.type), [some], _cases_layout([None, some]))  # type: ignore[arg-type]


def _result(reader: Reader, scope: Scope) -> Extern:
    ok, err = _optional(reader, scope), _optional(reader, scope)
    made = wit.Result(None if ok is None else ok.type, None if err is None else err.type)  # type: ignore[arg-type]
    return _sized(made, [ok, err], _cases_layout([ok, err]))


def _own(reader: Reader, scope: Scope) -> Extern:
    resource = scope.resource(reader.u32())
    return Extern("type", wit.Own(resource), free=frozenset([resource]), layout=_HANDLE)


def _borrow(reader: Reader, scope: Scope) -> Extern:
    resource = scope.resource(reader.u32())
    return Extern("type", wit.Borrow(resource), borrow=True, free=frozenset([resource]), layout=_HANDLE)


def _stream(reader: Reader, scope: Scope) -> Extern:
    scope.require(ASYNC, "`stream`")
    element = _payload(reader, scope, "stream")
    if element is not None and element.type == wit.CHAR:
        raise InvalidError("`stream<char>` is not valid at this time")
    return _sized(wit.Stream(None if element is None else element.type), [element], _HANDLE)  # type: ignore[arg-type]


def _future(reader: Reader, scope: Scope) -> Extern:
    scope.require(ASYNC, "`future`")
    element = _payload(reader, scope, "future")
    return _sized(wit.Future(None if element is None else element.type), [element], _HANDLE)  # type: ignore[arg-type]


def _payload(reader: Reader, scope: Scope, what: str) -> Extern | None:
    element = _optional(reader, scope)
    if element is not None and element.borrow:
        raise InvalidError(f"`{what}` payload cannot contain a `borrow` type")
    return element


def _map(reader: Reader, scope: Scope) -> Extern:
    scope.require(MAP, "`map`")
    key, value = read_valtype(reader, scope), read_valtype(reader, scope)
    if not isinstance(key.type, wit.Primitive) or key.type not in KEY_TYPES:
        raise InvalidError(f"invalid map key type: {kind_of(key.type)}")
    return _sized(wit.Map(key.type, value.type), [key, value], _POINTER_PAIR)  # type: ignore[arg-type]


def _error_context(reader: Reader, scope: Scope) -> Extern:
    scope.require(ERROR_CONTEXT, "`error-context`")
    return ERROR_CONTEXT_ITEM


def _sized(type: AnyType, items: Sequence[Extern | None], layout: tuple[int, int], extra: int = 0) -> Extern:
    made = compound("type", type, [item for item in items if item is not None], layout)
    made.size += extra
    if layout[1] >= MAX_VALUE_BYTES:
        raise InvalidError(f"type exceeds maximum byte size of {MAX_VALUE_BYTES - 1}")
    return made


def _fields_layout(items: Sequence[Extern]) -> tuple[int, int]:
    """Spec: CanonicalABI.md#element-size, of a record"""
    alignment, size = 1, 0
    for item in items:
        align, bytes_ = item.layout
        size = (size + align - 1) // align * align + bytes_
        alignment = max(alignment, align)
    return alignment, (size + alignment - 1) // alignment * alignment


def _cases_layout(items: Sequence[Extern | None]) -> tuple[int, int]:
    """Spec: CanonicalABI.md#element-size, of a variant"""
    discriminant = 1 if len(items) <= 1 << 8 else 2 if len(items) <= 1 << 16 else 4
    alignment = max([1, *[item.layout[0] for item in items if item is not None]])
    payload = max([0, *[item.layout[1] for item in items if item is not None]])
    size = (discriminant + alignment - 1) // alignment * alignment + payload
    alignment = max(alignment, discriminant)
    return alignment, (size + alignment - 1) // alignment * alignment


def _functype(reader: Reader, scope: Scope) -> Extern:
    return _read_functype(reader, scope, False)


def _async_functype(reader: Reader, scope: Scope) -> Extern:
    scope.require(ASYNC, "an async function type")
    return _read_functype(reader, scope, True)


def _read_functype(reader: Reader, scope: Scope, is_async: bool) -> Extern:
    names: list[str] = []
    items: list[Extern] = []
    for _ in range(reader.count("parameters", MAX_ITEMS)):
        names.append(reader.name())
        items.append(read_valtype(reader, scope))
    check_labels(names, "function parameter")
    result = read_result_list(reader, scope)
    if result is not None and result.borrow:
        raise InvalidError("function result cannot contain a `borrow` type")
    params = tuple([wit.Field(n, i.type) for n, i in zip(names, items, strict=True)])  # type: ignore[arg-type]
    made = wit.FuncType(params, None if result is None else result.type, is_async)  # type: ignore[arg-type]
    return compound("type", made, items if result is None else [*items, result])


def read_result_list(reader: Reader, scope: Scope) -> Extern | None:
    """`resultlist`."""
    form = reader.byte()
    if form == 0x00:
        return read_valtype(reader, scope)
    if form != 0x01:
        raise leading_byte(reader, form, "component function results")
    count = reader.byte()
    if count != 0:
        raise leading_byte(reader, count, "number of results")
    return None


#: What follows the byte that begins a `deftype`; resource, component and instance types aside.
_DEFTYPES: dict[int, Callable[[Reader, Scope], Extern]] = {
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
    ERROR_CONTEXT_CODE: _error_context,
    0x40: _functype,
    0x43: _async_functype,
}


def read_type(reader: Reader, scope: Scope) -> None:
    """`type`: define one type."""
    code = reader.byte()
    primitive = PRIMITIVE_ITEMS.get(code)
    if primitive is not None:
        scope.add("type", primitive)
    elif code in _DEFTYPES:
        scope.add("type", _DEFTYPES[code](reader, scope))
    elif code == 0x3F:
        _resource_type(reader, scope)
    elif code in (0x41, 0x42):
        _scoped_type(reader, scope, "component type" if code == 0x41 else "instance type")
    else:
        raise leading_byte(reader, code, "component defined type")


def _resource_type(reader: Reader, scope: Scope) -> None:
    rep = core.VALTYPE_BY_CODE.get(reader.byte())
    if rep is core.I64:
        scope.require(MEMORY64, "a resource represented by `i64`")
    elif rep is not core.I32:
        raise InvalidError("resources can only be represented by `i32` or `i64`")
    scope.define_resource(rep, reader.u32() if read_bool(reader, "resource destructor") else None)


# Component and instance types


def _scoped_type(reader: Reader, parent: Scope, kind: str) -> None:
    scope = Scope(kind, parent, parent.work, parent.features)
    for _ in range(reader.count("declarations", MAX_ITEMS)):
        form = reader.byte()
        if form == 0x00:
            read_core_type(reader, scope)
        elif form == 0x01:
            read_type(reader, scope)
        elif form == 0x02:
            read_alias(reader, scope)
        elif form == 0x03 and kind == "component type":
            name, attributes = read_name_attributes(reader, scope)
            scope.import_(name, attributes, read_extern_type(reader, scope))
        elif form == 0x04:
            name, attributes = read_name_attributes(reader, scope)
            scope.declare_export(name, attributes, read_extern_type(reader, scope))
        else:
            raise leading_byte(reader, form, "component or instance type declaration")
    parent.add("type", scope.finish_type())


def read_alias(reader: Reader, scope: Scope) -> None:
    """`alias`."""
    what = "component outer alias kind"
    start = reader.pos
    sort = read_sort(reader, what)
    sort_byte = reader.data[reader.pos - 1]
    target = reader.byte()
    if target == 0x00:
        scope.alias_export(sort, reader.u32(), reader.name())
    elif target == 0x01:
        scope.alias_core_export(sort, reader.u32(), reader.name())
    elif target == 0x02:
        if sort not in OUTER_ALIAS_SORTS:
            raise MalformedError(f"invalid leading byte (0x{sort_byte:x}) for {what}", offset=start)
        scope.alias_outer(sort, reader.u32(), reader.u32())
    else:
        raise leading_byte(reader, target, "alias")
