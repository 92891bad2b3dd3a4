"""Array operations whose cost depends on their operands; blocks of their own, as those of `engine.bulk`.

What they check and charge for comes first (`amount`), then what they do (`run`). A null array has no
`elements`, which becomes the trap. Spec: exec/instructions.html#aggregate-instructions
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine.bulk import Amount, Operation, Registers, Run, memory_trap, table_trap
from pywrt.engine.objects import (
    array_of,
    check_objects,
    element_size,
    element_type,
    masker,
    read_elements,
    zero_of_storage,
)
from pywrt.errors import Trap
from pywrt.runtime.instance import Instance

#: A stretch of a segment as raw values: (start, count); and what raises where it is out of bounds.
Source = tuple[Callable[[int, int], list[Any]], Callable[[int, int], None]]


def array_trap() -> Trap:
    return Trap("out of bounds array access", "array-out-of-bounds")


def _data_source(instance: Instance, type_index: int, segment: int) -> Source:
    storage = element_type(instance.types[type_index])
    size = element_size(storage)

    def read(start: int, count: int) -> list[Any]:
        return read_elements(storage, instance.datas[segment], start, count)

    def check(start: int, count: int) -> None:
        if start + count * size > len(instance.datas[segment]):
            raise memory_trap()

    return read, check


def _elem_source(instance: Instance, type_index: int, segment: int) -> Source:
    def read(start: int, count: int) -> list[Any]:
        return instance.elems[segment][start : start + count]

    def check(start: int, count: int) -> None:
        if start + count > len(instance.elems[segment]):
            raise table_trap()

    return read, check


def _new(instance: Instance, immediates: tuple[int], registers: tuple[int, ...]) -> tuple[Amount, Run]:
    """array.new, and array.new_default, which has no register for the value."""
    deftype = instance.types[immediates[0]]
    store = instance.store
    result, *value, size = registers
    zero, mask = zero_of_storage(element_type(deftype)), masker(deftype)

    def amount(R: Registers) -> int:
        count: int = R[size]
        check_objects(store, 1 + count)
        return count

    def run(R: Registers) -> None:
        element = mask(R[value[0]]) if value else zero
        R[result] = array_of(store, deftype, [element] * R[size])

    return amount, run


def _new_from(source: Callable[[Instance, int, int], Source]) -> Operation:
    def make(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
        deftype = instance.types[immediates[0]]
        store = instance.store
        result, start, size = registers
        read, check = source(instance, *immediates)

        def amount(R: Registers) -> int:
            count: int = R[size]
            check(R[start], count)
            check_objects(store, 1 + count)
            return count

        def run(R: Registers) -> None:
            R[result] = array_of(store, deftype, read(R[start], R[size]))

        return amount, run

    return Operation(2, make)


def _fill(instance: Instance, immediates: tuple[int], registers: Any) -> tuple[Amount, Run]:
    array, start, value, size = registers
    mask = masker(instance.types[immediates[0]])

    def amount(R: Registers) -> int:
        count: int = R[size]
        if R[start] + count > len(R[array].elements):
            raise array_trap()
        return count

    def run(R: Registers) -> None:
        count = R[size]
        R[array].elements[R[start] : R[start] + count] = [mask(R[value])] * count

    return amount, run


def _copy(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    target, to, source, start, size = registers

    def amount(R: Registers) -> int:
        count: int = R[size]
        into, of = R[target].elements, R[source].elements
        if R[to] + count > len(into) or R[start] + count > len(of):
            raise array_trap()
        return count

    def run(R: Registers) -> None:
        count = R[size]
        R[target].elements[R[to] : R[to] + count] = R[source].elements[R[start] : R[start] + count]

    return amount, run


def _init_from(source: Callable[[Instance, int, int], Source]) -> Operation:
    def make(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
        array, to, start, size = registers
        read, check = source(instance, *immediates)

        def amount(R: Registers) -> int:
            count: int = R[size]
            if R[to] + count > len(R[array].elements):
                raise array_trap()
            check(R[start], count)
            return count

        def run(R: Registers) -> None:
            R[array].elements[R[to] : R[to] + R[size]] = read(R[start], R[size])

        return amount, run

    return Operation(2, make)


OPERATIONS: dict[str, Operation] = {
    "array.new": Operation(1, _new),
    "array.new_default": Operation(1, _new),
    "array.new_data": _new_from(_data_source),
    "array.new_elem": _new_from(_elem_source),
    "array.fill": Operation(1, _fill),
    "array.copy": Operation(2, _copy),
    "array.init_data": _init_from(_data_source),
    "array.init_elem": _init_from(_elem_source),
}
