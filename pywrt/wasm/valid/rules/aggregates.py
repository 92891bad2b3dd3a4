"""Structures, arrays and i31. Spec: valid/instructions.html#aggregate-reference-instructions"""

from collections.abc import Sequence

from pywrt.errors import InvalidError
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.types import I8, I16, I32, ArrayType, FieldType, RefType, StructType, ValType, ref_type
from pywrt.wasm.valid.body import Body, is_defaultable
from pywrt.wasm.valid.rules.memory import data
from pywrt.wasm.valid.rules.rule import Rule
from pywrt.wasm.valid.rules.tables import elem
from pywrt.wasm.valid.subtyping import matches_valtype


def is_packed(field: FieldType) -> bool:
    """Whether values are stored in less than an i32."""
    return field.storage is I8 or field.storage is I16


def unpacked(field: FieldType) -> ValType:
    """The type of the values that a field takes and gives. Spec: syntax/types.html#aggregate-types"""
    return I32 if is_packed(field) else field.storage


class StructLayout:
    """What the rules ask of a structure type, which may have 10,000 fields; made once a module.

    `values` are the types of the operands that make one, `undefaultable` is the first field without a
    default value, None if there is none.
    """

    __slots__ = ("deftype", "fields", "undefaultable", "values")

    def __init__(self, deftype: DefType, fields: Sequence[FieldType]) -> None:
        self.deftype = deftype
        self.fields = fields
        self.values = [unpacked(field) for field in fields]
        self.undefaultable = next((i for i, t in enumerate(self.values) if not is_defaultable(t)), None)


def _struct(body: Body, index: int) -> StructLayout:
    layouts = body.context.layouts
    layout = layouts.get(index)
    if layout is None:
        deftype = body.context.type(index)
        if not isinstance(deftype.composite, StructType):
            raise InvalidError(f"non-structure type {index}: it is {deftype}")
        layouts[index] = layout = StructLayout(deftype, deftype.composite.fields)
    return layout


def _array(body: Body, index: int) -> tuple[DefType, FieldType]:
    deftype = body.context.type(index)
    if not isinstance(deftype.composite, ArrayType):
        raise InvalidError(f"non-array type {index}: it is {deftype}")
    return deftype, deftype.composite.element


def _mutable_array(body: Body, index: int) -> tuple[RefType, FieldType]:
    """The operand type for the array type `index`, whose elements can be set, and its element type."""
    deftype, element = _array(body, index)
    if not element.mutable:
        raise InvalidError(f"immutable array {index}")
    return ref_type(deftype, True), element


def _made(body: Body, deftype: DefType) -> RefType:
    """The type of a new structure or array."""
    return ref_type(deftype, False, body.context.exact)


# Structures


def _struct_new(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    struct = _struct(body, index)
    _without_descriptor(struct.deftype)
    body.apply(struct.values, [_made(body, struct.deftype)])
    return pos


def _struct_new_default(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    struct = _struct(body, index)
    _check_defaults(struct)
    _without_descriptor(struct.deftype)
    body.stack.append(_made(body, struct.deftype))
    return pos


def _struct_new_desc(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    struct = _struct(body, index)
    body.pop([_descriptor(struct.deftype)])
    body.apply(struct.values, [_made(body, struct.deftype)])
    return pos


def _struct_new_default_desc(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    struct = _struct(body, index)
    _check_defaults(struct)
    body.apply([_descriptor(struct.deftype)], [_made(body, struct.deftype)])
    return pos


def _check_defaults(struct: StructLayout) -> None:
    number = struct.undefaultable
    if number is not None:
        raise InvalidError(f"field type is not defaultable: field {number} is {struct.fields[number]}")


def _without_descriptor(deftype: DefType) -> None:
    if deftype.descriptor is not None:
        raise InvalidError("type with descriptor requires descriptor allocation")


def _descriptor(deftype: DefType) -> RefType:
    """The operand that the descriptor of a new structure is."""
    if deftype.descriptor is None:
        raise InvalidError("type without descriptor requires non-descriptor allocation")
    return ref_type(deftype.descriptor, True, True)


def _field(body: Body, pos: int) -> tuple[RefType, FieldType, int]:
    """The operand type and the field that a type and a field index name, and the position behind them."""
    index, pos = body.u32(pos)
    number, pos = body.u32(pos)
    struct = _struct(body, index)
    if number >= len(struct.fields):
        raise InvalidError(f"unknown field {number} of type {index}")
    return ref_type(struct.deftype, True), struct.fields[number], pos


def _struct_get(body: Body, pos: int) -> int:
    reftype, field, pos = _field(body, pos)
    if is_packed(field):
        raise InvalidError(f"field is packed: {field}")
    body.apply([reftype], [field.storage])
    return pos


def _struct_get_packed(body: Body, pos: int) -> int:
    reftype, field, pos = _field(body, pos)
    if not is_packed(field):
        raise InvalidError(f"field is unpacked: {field}")
    body.apply([reftype], [I32])
    return pos


def _struct_set(body: Body, pos: int) -> int:
    reftype, field, pos = _field(body, pos)
    if not field.mutable:
        raise InvalidError("immutable field")
    body.pop([reftype, unpacked(field)])
    return pos


# Arrays


def _array_new(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    deftype, element = _array(body, index)
    body.apply([unpacked(element), I32], [_made(body, deftype)])
    return pos


def _array_new_default(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    deftype, element = _array(body, index)
    if not is_defaultable(element.storage):
        raise InvalidError(f"array type is not defaultable: {deftype}")
    body.apply([I32], [_made(body, deftype)])
    return pos


def _array_new_fixed(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    count, pos = body.u32(pos)
    deftype, element = _array(body, index)
    if count > MAX_FIXED_ELEMENTS:
        raise InvalidError(f"array.new_fixed of {count} elements exceeds the maximum of {MAX_FIXED_ELEMENTS}")
    body.apply([unpacked(element)] * count, [_made(body, deftype)])
    return pos


#: Operands of one `array.new_fixed`, as other engines have it. Spec: appendix/implementation.html
MAX_FIXED_ELEMENTS = 10_000


def _from_data(body: Body, index: int, element: FieldType, segment: int) -> None:
    """Check that the data segment `segment` may fill an array of the type `index`."""
    data(body, segment)
    if isinstance(element.storage, RefType):
        raise InvalidError(f"array type is not numeric or vector: type {index} has elements {element}")


def _from_elem(body: Body, index: int, element: FieldType, segment: int) -> None:
    """Check that the element segment `segment` may fill an array of the type `index`."""
    reftype = elem(body, segment)
    if not matches_valtype(reftype, element.storage):
        raise InvalidError(
            f"type mismatch: elem segment {segment} holds {reftype}, array type {index} {element}"
        )


def _array_new_data(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    segment, pos = body.u32(pos)
    deftype, element = _array(body, index)
    _from_data(body, index, element, segment)
    body.apply([I32, I32], [_made(body, deftype)])
    return pos


def _array_new_elem(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    segment, pos = body.u32(pos)
    deftype, element = _array(body, index)
    _from_elem(body, index, element, segment)
    body.apply([I32, I32], [_made(body, deftype)])
    return pos


def _array_get(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    deftype, element = _array(body, index)
    if is_packed(element):
        raise InvalidError(f"array is packed: {deftype}")
    body.apply([ref_type(deftype, True), I32], [element.storage])
    return pos


def _array_get_packed(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    deftype, element = _array(body, index)
    if not is_packed(element):
        raise InvalidError(f"array is unpacked: {deftype}")
    body.apply([ref_type(deftype, True), I32], [I32])
    return pos


def _array_set(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    reftype, element = _mutable_array(body, index)
    body.pop([reftype, I32, unpacked(element)])
    return pos


def _array_fill(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    reftype, element = _mutable_array(body, index)
    body.pop([reftype, I32, unpacked(element), I32])
    return pos


def _array_copy(body: Body, pos: int) -> int:
    to, pos = body.u32(pos)
    of, pos = body.u32(pos)
    target, held = _mutable_array(body, to)
    source, given = _array(body, of)
    if not matches_valtype(given.storage, held.storage):
        raise InvalidError(f"array types do not match: elements {given} are copied to {held}")
    body.pop([target, I32, ref_type(source, True), I32, I32])
    return pos


def _array_init_data(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    segment, pos = body.u32(pos)
    reftype, element = _mutable_array(body, index)
    _from_data(body, index, element, segment)
    body.pop([reftype, I32, I32, I32])
    return pos


def _array_init_elem(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    segment, pos = body.u32(pos)
    reftype, element = _mutable_array(body, index)
    _from_elem(body, index, element, segment)
    body.pop([reftype, I32, I32, I32])
    return pos


# i31

_I31 = ref_type("i31", False)


def _ref_i31(body: Body, pos: int) -> int:
    body.apply([I32], [_I31])
    return pos


RULES: dict[str, Rule] = {
    "struct.new": _struct_new,
    "struct.new_default": _struct_new_default,
    "struct.new_desc": _struct_new_desc,
    "struct.new_default_desc": _struct_new_default_desc,
    "struct.get": _struct_get,
    "struct.get_s": _struct_get_packed,
    "struct.get_u": _struct_get_packed,
    "struct.set": _struct_set,
    "array.new": _array_new,
    "array.new_default": _array_new_default,
    "array.new_fixed": _array_new_fixed,
    "array.new_data": _array_new_data,
    "array.new_elem": _array_new_elem,
    "array.get": _array_get,
    "array.get_s": _array_get_packed,
    "array.get_u": _array_get_packed,
    "array.set": _array_set,
    "array.fill": _array_fill,
    "array.copy": _array_copy,
    "array.init_data": _array_init_data,
    "array.init_elem": _array_init_elem,
    "ref.i31": _ref_i31,
}
