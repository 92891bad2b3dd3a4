"""Lowering of structure and array instructions. Spec: exec/instructions.html#aggregate-instructions

Reading and writing are shapes, in which an error of Python's own tells of null and of bounds; what costs
fuel by its size is in `engine.arrays`.
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine.access import apply, combined, operate, united
from pywrt.engine.arrays import OPERATIONS
from pywrt.engine.lowering import ANY_EFFECT, NOTHING, Handler, Lowering
from pywrt.engine.objects import MASKS, SIGN_BITS, element_type, fixed_array_maker, struct_maker
from pywrt.engine.operators import READS_MEMORY, TRAPS
from pywrt.engine.plan import Closure, Ref, made
from pywrt.engine.references import null_descriptor
from pywrt.engine.trees import REGISTER, STATEMENTS
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.types import StructType, ValType

#: Operands that a shape may apply a function to.
MAX_ARITY = 3


def _type(self: Lowering, position: int) -> tuple[DefType, int]:
    index, position = self.u32(position)
    return self.signatures.types[index], position


def _construct(self: Lowering, make: Ref, count: int) -> None:
    """Replace the `count` operands on top by what `make` makes of them, which may trap."""
    if count <= MAX_ARITY:
        apply(self, make, count, "checked")
        return
    stack = self.stack
    place = len(stack) - count
    for operand in range(place, len(stack)):
        self.materialise(operand)  # even a local's, so that they stand side by side
    del stack[place:]
    self.pending = min(self.pending, place)
    self.effect(READS_MEMORY | TRAPS)
    first = self.base + place
    self.statement(_from_registers, (first, count, make), (self.offset,))
    self.push((REGISTER, (first,), 0, NOTHING))


def _from_registers(first: int, count: int, make: Callable[..., Any]) -> Closure:
    def s(R: list[Any]) -> None:
        R[first] = make(*R[first : first + count])

    return s


# ----------------------------------------------------------------------------------------- structures


def _checked_descriptor(value: Any) -> Any:
    if value is None:
        raise null_descriptor()
    return value


def _struct_new(default: bool, described: bool) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        index, position = self.u32(position)
        composite = self.signatures.types[index].composite
        assert isinstance(composite, StructType)
        if described:
            apply(self, _checked_descriptor, 1, "checked")
        count = described + (0 if default else len(composite.fields))
        make = made(lambda instance: struct_maker(instance.store, instance.types[index], default))
        _construct(self, make, count)
        return position

    return handler


def _field(self: Lowering, position: int) -> tuple[int, ValType, int]:
    """(field, its storage type, position)."""
    deftype, position = _type(self, position)
    field, position = self.u32(position)
    assert isinstance(deftype.composite, StructType)
    return field, deftype.composite.fields[field].storage, position


def _struct_get(self: Lowering, position: int) -> int:
    field, _, position = _field(self, position)
    operate(self, "struct.get", 1, (field,))
    return position


def _struct_get_s(self: Lowering, position: int) -> int:
    field, storage, position = _field(self, position)
    operate(self, "struct.get_s", 1, (field, SIGN_BITS[storage]))
    return position


def _struct_set(self: Lowering, position: int) -> int:
    field, storage, position = _field(self, position)
    _set(self, "struct.set", 2, (field,), storage)
    return position


def _set(self: Lowering, operator: str, arity: int, place: tuple[int, ...], storage: ValType) -> None:
    """Write the last operand, a value of `storage`, to the `place` in what the operands before it name."""
    mask = (MASKS[storage],) if storage in MASKS else NOTHING
    tree, nodes = combined(self, operator + ".packed" if mask else operator, arity)
    self.effect(ANY_EFFECT)
    *target, value = nodes
    operands = (*united(target)[0], *place, *value[1], *mask)
    self.statement(STATEMENTS[tree], operands, (self.offset, *united(nodes)[2]))


# --------------------------------------------------------------------------------------------- arrays


def _array_new_fixed(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    count, position = self.u32(position)
    make = made(lambda instance: fixed_array_maker(instance.store, instance.types[index]))
    _construct(self, make, count)
    return position


def _array_get(self: Lowering, position: int) -> int:
    operate(self, "array.get", 2)
    return self.u32(position)[1]


def _array_get_s(self: Lowering, position: int) -> int:
    deftype, position = _type(self, position)
    operate(self, "array.get_s", 2, (SIGN_BITS[element_type(deftype)],))
    return position


def _array_set(self: Lowering, position: int) -> int:
    deftype, position = _type(self, position)
    _set(self, "array.set", 3, NOTHING, element_type(deftype))
    return position


def _bulk(mnemonic: str, count: int, result: bool) -> Handler:
    """An operation of `engine.arrays` on `count` operands."""
    immediates = OPERATIONS[mnemonic].immediates

    def handler(self: Lowering, position: int) -> int:
        indices = []
        for _ in range(immediates):
            index, position = self.u32(position)
            indices.append(index)
        self.bulk(mnemonic, tuple(indices), count, result)
        return position

    return handler


HANDLERS: dict[str, Handler] = {
    "struct.new": _struct_new(default=False, described=False),
    "struct.new_default": _struct_new(default=True, described=False),
    "struct.new_desc": _struct_new(default=False, described=True),
    "struct.new_default_desc": _struct_new(default=True, described=True),
    "struct.get": _struct_get,
    "struct.get_s": _struct_get_s,
    "struct.get_u": _struct_get,
    "struct.set": _struct_set,
    "array.new": _bulk("array.new", 2, result=True),
    "array.new_default": _bulk("array.new_default", 1, result=True),
    "array.new_fixed": _array_new_fixed,
    "array.new_data": _bulk("array.new_data", 2, result=True),
    "array.new_elem": _bulk("array.new_elem", 2, result=True),
    "array.get": _array_get,
    "array.get_s": _array_get_s,
    "array.get_u": _array_get,
    "array.set": _array_set,
    "array.fill": _bulk("array.fill", 4, result=False),
    "array.copy": _bulk("array.copy", 5, result=False),
    "array.init_data": _bulk("array.init_data", 4, result=False),
    "array.init_elem": _bulk("array.init_elem", 4, result=False),
}
