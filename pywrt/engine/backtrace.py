"""From a Python exception in a block to the wasm instruction that caused it.

Strategy: the machine knows the block that it ran. The traceback's next entry is that block's function, then
come those that it ran in turn, each known by its code and by the line that ran it. The line in the last
tells the statement (through the sequences that a block of many has), and the line within the statement's
closure tells which of its operators that can trap. The statement knows their offsets, and the opcode there
says what a Python exception means (`_MEANINGS`).
"""

import struct
from types import TracebackType

from pywrt.engine.binding import Binding
from pywrt.engine.forms import UNROLLED, lines_before
from pywrt.engine.plan import BlockPlan
from pywrt.engine.sequences import SEQUENCES, WIDTH, rounds, shortened
from pywrt.errors import FrameInfo, Trap
from pywrt.runtime.store import Block, Store
from pywrt.wasm.opcodes import BY_CODE, PREFIXES, Opcode

# What Python's exceptions mean in an instruction, by the opcode table's `trap` column: (message, trap code).

_MEMORY = {"memory": ("out of bounds memory access", "memory-out-of-bounds")}
_BOUNDS = {
    **_MEMORY,
    "table": ("out of bounds table access", "table-out-of-bounds"),
    "element": ("undefined element", "undefined-element"),
    "array": ("out of bounds array access", "array-out-of-bounds"),
}
_NULLS = {
    "struct": ("null structure reference", "null-reference"),
    "array": ("null array reference", "null-reference"),
    "ref": ("null reference", "null-reference"),
}
_MEANINGS: dict[type[Exception], dict[str, tuple[str, str]]] = {
    IndexError: _BOUNDS,
    struct.error: _MEMORY,
    OverflowError: _MEMORY,
    ZeroDivisionError: {"divide": ("integer divide by zero", "integer-divide-by-zero")},
    AttributeError: _NULLS,  # None has no fields
    TypeError: {"i31": ("null i31 reference", "null-reference")},  # nor is it a number
}


#: The code of the functions that sequences are.
SEQUENCE_CODES = {
    constant
    for make in SEQUENCES.values()
    for constant in make.__code__.co_consts
    if hasattr(constant, "co_code")
}


class Place:
    """An instruction: the bound function and the offset in its module's file."""

    __slots__ = ("binding", "offset")

    def __init__(self, binding: Binding, offset: int) -> None:
        self.binding = binding
        self.offset = offset

    def frame(self) -> FrameInfo:
        instance = self.binding.instance
        index = self.binding.plan.index
        return FrameInfo(instance.name, index, instance.code.function_name(index), self.offset)

    def trap_kind(self) -> str | None:
        """The opcode table's `trap` column for the instruction here."""
        data = self.binding.instance.code.code_of(self.binding.plan.index).expr.data
        row = _row_at(data, self.offset)
        return None if row is None else row.trap


def _row_at(data: bytes, position: int) -> Opcode | None:
    """The opcode table's row of the instruction at `position`."""
    prefix = data[position]
    if prefix not in PREFIXES:
        return BY_CODE[0].get(prefix)
    number = shift = 0
    while True:
        position += 1
        number |= (data[position] & 0x7F) << shift
        if data[position] < 0x80:
            return BY_CODE[prefix].get(number)
        shift += 7


def locate(store: Store, error: Exception, block: Block) -> Place | None:
    """Where in wasm `error` was raised, or None if not in a bound block; the trampoline ran `block`."""
    owner = store.owners.get(block)
    if owner is None:
        return None
    binding, number = owner
    plan, trace = _innermost(binding, number, error)
    if trace is None:
        return Place(binding, plan.offset)
    offsets, trace = _offsets(binding, plan, trace)
    if not offsets:
        return Place(binding, plan.offset)
    line = 0 if trace is None else _line(trace)
    return Place(binding, offsets[line] if 0 <= line < len(offsets) else offsets[0])


def innermost(store: Store, error: Exception, block: Block) -> Block:
    """The block that raised `error`: `block`, which the trampoline ran, or one that that ran in turn."""
    owner = store.owners.get(block)
    if owner is None:
        return block
    binding, number = owner
    plan, _ = _innermost(binding, number, error)
    running: Block = binding.blocks[plan.number]
    return running


def _innermost(binding: Binding, number: int, error: Exception) -> tuple[BlockPlan, TracebackType | None]:
    """The same as a plan, and the entry of its block in the traceback of `error`."""
    plan = binding.plan.blocks[number]
    code = binding.blocks[number].__code__
    trace = error.__traceback__
    # the machine's own frame first, then the block's
    while trace is not None and trace.tb_frame.f_code is not code:
        trace = trace.tb_next
    while trace is not None and (following := _following(binding, plan, trace)) is not None:
        plan, trace = following, trace.tb_next
    return plan, trace


def _line(trace: TracebackType) -> int:
    """Which line of its function a traceback entry is in, the first behind `def` being 0."""
    return trace.tb_lineno - trace.tb_frame.f_code.co_firstlineno - 1


def _before(binding: Binding, plan: BlockPlan) -> tuple[int, int]:
    """Where the statements of a block's function begin, and where they end: their lines."""
    first = lines_before(plan, binding.instance.store.config.consume_fuel)
    return first, first + shortened(len(plan.statements) - plan.form.stepped, UNROLLED)


def _following(binding: Binding, plan: BlockPlan, trace: TracebackType) -> BlockPlan | None:
    """Which of its targets the block of `plan` was running, by its entry in the traceback; None if none."""
    if trace.tb_next is None:
        return None
    running = trace.tb_next.tb_frame.f_code
    found = [
        target
        for target, runs in zip(plan.targets, plan.runs, strict=False)  # calls run nothing
        if runs and binding.blocks[target.number].__code__ is running
    ]
    if not found:
        return None
    if plan.end == "switch":
        index: int = trace.tb_frame.f_locals["i"]
        return plan.targets[min(index, len(plan.targets) - 1)]
    if len(found) == 1:
        return found[0]
    # the line behind the test runs what is run where it holds
    _, test = _before(binding, plan)
    test += plan.form.stepped
    return plan.targets[(_line(trace) != test + 1) ^ plan.form.negated]


def _offsets(
    binding: Binding, plan: BlockPlan, trace: TracebackType
) -> tuple[tuple[int, ...], TracebackType | None]:
    """The offsets of what can trap in the statement or condition that ran; the entry of its closure."""
    statements = plan.statements
    if plan.end == "bulk":
        return (), None
    first, last = _before(binding, plan)
    index = _line(trace) - first
    if index >= last - first or index < 0:
        return (plan.condition[3] if plan.condition else ()), trace.tb_next
    within = trace.tb_next
    for _ in range(rounds(len(statements) - plan.form.stepped, UNROLLED)):
        # a group of one is that statement itself
        if within is not None and within.tb_frame.f_code in SEQUENCE_CODES:
            index, within = index * WIDTH + _line(within), within.tb_next
        else:
            index *= WIDTH
    return statements[index].offsets, within


def message_of(place: Place | None, error: Exception) -> Trap | None:
    """The trap that a Python exception stands for at `place`; None if the instruction can't cause it."""
    if place is None:
        return None
    meaning = _MEANINGS.get(type(error), {}).get(place.trap_kind() or "")
    if meaning is None:
        return None
    if isinstance(error, struct.error) and "requires a buffer" not in str(error):
        return None  # an unmasked value, not an address: a bug of ours
    return Trap(*meaning)


def frame_of(store: Store, block: Block) -> FrameInfo | None:
    """The frame that goes on with `block`, at the call it continues or at its end; None for host code."""
    owner = store.owners.get(block)
    if owner is None:
        return None
    binding, number = owner
    instance, index = binding.instance, binding.plan.index
    plan = binding.plan.blocks[number]
    offset = plan.offset if plan.call_offset is None else plan.call_offset
    return FrameInfo(instance.name, index, instance.code.function_name(index), offset)
