"""Operations whose cost depends on their operands, and the few other statements that aren't expressions.

A bulk operation is a block of its own: its first part checks bounds and says how much fuel it costs, so
that running out of fuel leaves it undone; its second part does it. Spec: exec/instructions.html
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine.numeric import M32, M64
from pywrt.engine.stops import call_stack_exhausted
from pywrt.errors import Trap
from pywrt.runtime.frame import CALLS_LEFT
from pywrt.runtime.instance import Instance
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.runtime.table import Table
from pywrt.wasm.types import I32

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
    depth = store.config.max_call_depth
    least = depth - depth // weight

    def s(R: Registers) -> None:
        if R[CALLS_LEFT] < least:
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


# Memories and tables have the same operations: `target` is a bytearray or a list, a source anything that
# can be sliced. Sources are asked for each time, since a segment can be dropped.


def _transfer(
    target: Any, source: Callable[[], Any], registers: tuple[int, int, int], trap: Callable[[], Trap]
) -> tuple[Amount, Run]:
    """Copy a stretch of `source` into `target`; they may overlap."""
    to, start, size = registers

    def amount(R: Registers) -> int:
        count: int = R[size]
        if R[start] + count > len(source()) or R[to] + count > len(target):
            raise trap()
        return count

    def run(R: Registers) -> None:
        count = R[size]
        target[R[to] : R[to] + count] = source()[R[start] : R[start] + count]

    return amount, run


def _fill(
    target: Any,
    repeated: Callable[[Any, int], Any],
    registers: tuple[int, int, int],
    trap: Callable[[], Trap],
) -> tuple[Amount, Run]:
    """Write `repeated(value, count)` into `target`."""
    to, value, size = registers

    def amount(R: Registers) -> int:
        count: int = R[size]
        if R[to] + count > len(target):
            raise trap()
        return count

    def run(R: Registers) -> None:
        count = R[size]
        target[R[to] : R[to] + count] = repeated(R[value], count)

    return amount, run


#: wasmtime charges growth by a constant up to this even where it is refused.
SMALL_GROWTH = 128


def _grow(
    thing: Memory | Table, left: Callable[[], int], small: bool, registers: tuple[int, ...]
) -> tuple[Amount, Run]:
    """Grow by what the last register holds; a table's new elements are in the one before it.

    Costs nothing where it will be refused, because of the maximum or of what the store has `left`.
    """
    result, *values, delta = registers

    def amount(R: Registers) -> int:
        count: int = R[delta]
        return count if small or (thing.size + count <= thing.max and count <= left()) else 0

    failed = M32 if thing.type.address is I32 else M64

    def run(R: Registers) -> None:
        old = thing.grow(R[delta], *[R[value] for value in values])
        R[result] = old if old >= 0 else failed

    return amount, run


def _memory_init(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    segment, index = immediates
    return _transfer(instance.memories[index].data, lambda: instance.datas[segment], registers, memory_trap)


def _memory_copy(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    target, source = (instance.memories[index].data for index in immediates)
    return _transfer(target, lambda: source, registers, memory_trap)


def _memory_fill(instance: Instance, immediates: tuple[int], registers: Any) -> tuple[Amount, Run]:
    target = instance.memories[immediates[0]].data
    return _fill(target, lambda value, count: bytes((value & 255,)) * count, registers, memory_trap)


def _memory_grow(instance: Instance, immediates: tuple[int, bool], registers: Any) -> tuple[Amount, Run]:
    index, small = immediates
    memory = instance.memories[index]
    return _grow(memory, lambda: memory.store.memory_left // memory.page_size, small, registers)


def _table_init(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    segment, index = immediates
    return _transfer(instance.tables[index].elements, lambda: instance.elems[segment], registers, table_trap)


def _table_copy(instance: Instance, immediates: tuple[int, int], registers: Any) -> tuple[Amount, Run]:
    target, source = (instance.tables[index].elements for index in immediates)
    return _transfer(target, lambda: source, registers, table_trap)


def _table_fill(instance: Instance, immediates: tuple[int], registers: Any) -> tuple[Amount, Run]:
    target = instance.tables[immediates[0]].elements
    return _fill(target, lambda value, count: [value] * count, registers, table_trap)


def _table_grow(instance: Instance, immediates: tuple[int, bool], registers: Any) -> tuple[Amount, Run]:
    index, small = immediates
    table = instance.tables[index]
    return _grow(table, lambda: table.store.elements_left, small, registers)


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
