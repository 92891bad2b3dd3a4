"""Evaluating constant expressions. Spec: valid/instructions.html#constant-expressions

They run at instantiation, straight from a module's bytes, on a stack of raw values: a function an
instruction, which gets the instance as far as it is made.
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine.numeric import M32, M64, f32_from_bits, f64_from_bits
from pywrt.engine.objects import (
    array_of,
    check_objects,
    element_type,
    fixed_array_maker,
    masker,
    struct_maker,
    zero_of_storage,
)
from pywrt.engine.references import i31, null_descriptor
from pywrt.engine.startup import charge
from pywrt.runtime.aggregates import externalize, internalize
from pywrt.runtime.instance import Instance
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.module import Expr
from pywrt.wasm.opcodes import BY_CODE, PREFIXES
from pywrt.wasm.types import EXACT_CODE, StructType

END = 0x0B

Stack = list[Any]
#: fn(instance, data, position behind the opcode, stack) -> position behind the instruction.
Step = Callable[[Instance, bytes, int, Stack], int]


def evaluate(instance: Instance, expr: Expr) -> Any:
    """The raw value of a validated constant expression.

    Trap if a structure or an array would pass the store's limit, or a descriptor is null.
    """
    data, position = expr.data, expr.start
    stack: Stack = []
    while (opcode := data[position]) != END:
        position += 1
        if opcode in PREFIXES:
            number, position = _unsigned(data, position)
            position = _STEPS[opcode, number](instance, data, position, stack)
        else:
            position = _STEPS[0, opcode](instance, data, position, stack)
    return stack[-1]


# Immediates


def _signed(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (result - (1 << shift) if byte & 0x40 else result), position


def _unsigned(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return result, position


def _type(instance: Instance, data: bytes, position: int) -> tuple[DefType, int]:
    index, position = _unsigned(data, position)
    return instance.types[index], position


# Numbers


def _integer(mask: int) -> Step:
    def step(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
        value, position = _signed(data, position)
        stack.append(value & mask)
        return position

    return step


def _raw(size: int, value: Callable[[int], Any]) -> Step:
    """A constant of `size` bytes that give `value`."""

    def step(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
        stack.append(value(int.from_bytes(data[position : position + size], "little")))
        return position + size

    return step


def _operation(operator: Callable[..., Any], arity: int) -> Step:
    """An instruction without immediates."""

    def step(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
        stack[-arity:] = [operator(*stack[-arity:])]
        return position

    return step


# References


def _global_get(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
    index, position = _unsigned(data, position)
    stack.append(instance.globals[index].value)
    return position


def _ref_null(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
    stack.append(None)
    return _signed(data, position + (data[position] == EXACT_CODE))[1]


def _ref_func(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
    index, position = _unsigned(data, position)
    stack.append(instance.funcs[index])
    return position


# Structures and arrays


def _struct_new(default: bool, described: bool) -> Step:
    def step(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
        deftype, position = _type(instance, data, position)
        assert isinstance(deftype.composite, StructType)
        if described and stack[-1] is None:
            raise null_descriptor()
        first = len(stack) - described - (0 if default else len(deftype.composite.fields))
        stack[first:] = [struct_maker(instance.store, deftype, default)(*stack[first:])]
        return position

    return step


def _array_new(default: bool) -> Step:
    def step(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
        deftype, position = _type(instance, data, position)
        count = stack.pop()
        element = zero_of_storage(element_type(deftype)) if default else masker(deftype)(stack.pop())
        charge(instance.store, count)
        check_objects(instance.store, 1 + count)
        stack.append(array_of(instance.store, deftype, [element] * count))
        return position

    return step


def _array_new_fixed(instance: Instance, data: bytes, position: int, stack: Stack) -> int:
    deftype, position = _type(instance, data, position)
    count, position = _unsigned(data, position)
    first = len(stack) - count
    stack[first:] = [fixed_array_maker(instance.store, deftype)(*stack[first:])]
    return position


_BY_MNEMONIC: dict[str, Step] = {
    "i32.const": _integer(M32),
    "i64.const": _integer(M64),
    "f32.const": _raw(4, f32_from_bits),
    "f64.const": _raw(8, f64_from_bits),
    "v128.const": _raw(16, int),
    "i32.add": _operation(lambda a, b: a + b & M32, 2),
    "i32.sub": _operation(lambda a, b: a - b & M32, 2),
    "i32.mul": _operation(lambda a, b: a * b & M32, 2),
    "i64.add": _operation(lambda a, b: a + b & M64, 2),
    "i64.sub": _operation(lambda a, b: a - b & M64, 2),
    "i64.mul": _operation(lambda a, b: a * b & M64, 2),
    "global.get": _global_get,
    "ref.null": _ref_null,
    "ref.func": _ref_func,
    "ref.i31": _operation(i31, 1),
    "any.convert_extern": _operation(internalize, 1),
    "extern.convert_any": _operation(externalize, 1),
    "struct.new": _struct_new(default=False, described=False),
    "struct.new_default": _struct_new(default=True, described=False),
    "struct.new_desc": _struct_new(default=False, described=True),
    "struct.new_default_desc": _struct_new(default=True, described=True),
    "array.new": _array_new(default=False),
    "array.new_default": _array_new(default=True),
    "array.new_fixed": _array_new_fixed,
}
#: By prefix, 0 for none, and number.
_STEPS: dict[tuple[int, int], Step] = {
    (prefix, number): _BY_MNEMONIC[row.mnemonic]
    for prefix, rows in BY_CODE.items()
    for number, row in rows.items()
    if row.mnemonic in _BY_MNEMONIC
}
