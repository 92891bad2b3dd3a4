"""Operations whose cost depends on their operands, and the few other statements that aren't expressions.

A bulk operation is a block of its own: its first part checks bounds and says how much fuel it costs, so
that running out of fuel leaves it undone; its second part does it. Spec: exec/instructions.html
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine.stops import call_stack_exhausted
from pywrt.errors import Trap
from pywrt.runtime.instance import Instance
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.runtime.table import Table

Registers = list[Any]
Amount = Callable[[Registers], int]
Run = Callable[[Registers], None]


class Operation:
    """`make(instance, immediates, registers)` gives (amount, run); `immediates` counts the indices."""

    __slots__ = ("immediates", "make")

    def __init__(self, immediates: int, make: Callable[[Instance, Any, Any], tuple[Amount, Run]]) -> None:
        self.immediates = immediates
        self.make = make


def check_depth(store: Store, weight: int) -> Run:
    """The first statement of a function whose frame counts `weight` times, and so is refused earlier."""
    frames = store.frames
    depth = store.config.max_call_depth // weight

    def s(R: Registers) -> None:
        if len(frames) > depth:
            raise call_stack_exhausted()

    return s


def extend_frame(runs: tuple[tuple[Any, int], ...]) -> Run:
    """Make the registers of a frame too large to keep a copy of: (value, count) each."""

    def s(R: Registers) -> None:
        for value, count in runs:
            R.extend([value] * count)

    return s


def move(to: int, start: int, count: int) -> Run:
    """Copy `count` registers from `start` on to those from `to` on."""

    def s(R: Registers) -> None:
        R[to : to + count] = R[start : start + count]

    return s


def drop_data(instance: Instance, index: int) -> Run:
    def s(R: Registers) -> None:
        instance.datas[index] = b""

    return s


def drop_elem(instance: Instance, index: int) -> Run:
    def s(R: Registers) -> None:
        instance.elems[index] = []

    return s


def memory_trap() -> Trap:
    return Trap("out of bounds memory access", "memory-out-of-bounds")


def table_trap() -> Trap:
    return Trap("out of bounds table access", "table-out-of-bounds")


def _memory_init(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    segment, index = immediates
    memory = instance.memories[index].data
    to, start, size = registers

    def amount(R: Registers) -> int:
        if R[start] + R[size] > len(instance.datas[segment]) or R[to] + R[size] > len(memory):
            raise memory_trap()
        count: int = R[size]
        return count

    def run(R: Registers) -> None:
        n = R[size]
        memory[R[to] : R[to] + n] = instance.datas[segment][R[start] : R[start] + n]

    return amount, run


def _memory_copy(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    target = instance.memories[immediates[0]].data
    source = instance.memories[immediates[1]].data
    to, start, size = registers

    def amount(R: Registers) -> int:
        if R[start] + R[size] > len(source) or R[to] + R[size] > len(target):
            raise memory_trap()
        count: int = R[size]
        return count

    def run(R: Registers) -> None:
        n = R[size]
        target[R[to] : R[to] + n] = source[R[start] : R[start] + n]

    return amount, run


def _memory_fill(instance: Instance, immediates: tuple[int], registers: Any) -> tuple[Amount, Run]:
    memory = instance.memories[immediates[0]].data
    to, value, size = registers

    def amount(R: Registers) -> int:
        if R[to] + R[size] > len(memory):
            raise memory_trap()
        count: int = R[size]
        return count

    def run(R: Registers) -> None:
        n = R[size]
        memory[R[to] : R[to] + n] = bytes((R[value] & 255,)) * n

    return amount, run


#: wasmtime charges growth by a constant up to this even where it is refused.
SMALL_GROWTH = 128


def _growable(thing: Memory | Table, delta: int, left: int) -> int:
    """What growing by `delta` costs: nothing where it will be refused."""
    return delta if thing.size + delta <= thing.max and delta <= left else 0


def _memory_grow(instance: Instance, immediates: tuple[int, bool], registers: Any) -> tuple[Amount, Run]:
    index, small = immediates
    memory = instance.memories[index]
    result, delta = registers

    def amount(R: Registers) -> int:
        count: int = R[delta]
        return count if small else _growable(memory, count, memory.store.memory_left >> 16)

    def run(R: Registers) -> None:
        R[result] = memory.grow(R[delta]) & 0xFFFFFFFF

    return amount, run


def _table_init(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    segment, index = immediates
    elements = instance.tables[index].elements
    to, start, size = registers

    def amount(R: Registers) -> int:
        if R[start] + R[size] > len(instance.elems[segment]) or R[to] + R[size] > len(elements):
            raise table_trap()
        count: int = R[size]
        return count

    def run(R: Registers) -> None:
        n = R[size]
        elements[R[to] : R[to] + n] = instance.elems[segment][R[start] : R[start] + n]

    return amount, run


def _table_copy(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    target = instance.tables[immediates[0]].elements
    source = instance.tables[immediates[1]].elements
    to, start, size = registers

    def amount(R: Registers) -> int:
        if R[start] + R[size] > len(source) or R[to] + R[size] > len(target):
            raise table_trap()
        count: int = R[size]
        return count

    def run(R: Registers) -> None:
        n = R[size]
        target[R[to] : R[to] + n] = source[R[start] : R[start] + n]

    return amount, run


def _table_fill(instance: Instance, immediates: tuple[int], registers: Any) -> tuple[Amount, Run]:
    elements = instance.tables[immediates[0]].elements
    to, value, size = registers

    def amount(R: Registers) -> int:
        if R[to] + R[size] > len(elements):
            raise table_trap()
        count: int = R[size]
        return count

    def run(R: Registers) -> None:
        n = R[size]
        elements[R[to] : R[to] + n] = [R[value]] * n

    return amount, run


def _table_grow(instance: Instance, immediates: tuple[int, bool], registers: Any) -> tuple[Amount, Run]:
    index, small = immediates
    table = instance.tables[index]
    result, value, delta = registers

    def amount(R: Registers) -> int:
        count: int = R[delta]
        return count if small else _growable(table, count, table.store.elements_left)

    def run(R: Registers) -> None:
        R[result] = table.grow(R[delta], R[value]) & 0xFFFFFFFF

    return amount, run


OPERATIONS: dict[str, Operation] = {
    "memory.init": Operation(2, _memory_init),
    "memory.copy": Operation(2, _memory_copy),
    "memory.fill": Operation(1, _memory_fill),
    "memory.grow": Operation(1, _memory_grow),
    "table.init": Operation(2, _table_init),
    "table.copy": Operation(2, _table_copy),
    "table.fill": Operation(1, _table_fill),
    "table.grow": Operation(1, _table_grow),
}
