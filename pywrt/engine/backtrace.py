"""From a Python exception in a block to the wasm instruction that caused it.

Strategy: the machine knows the block that ran. The traceback's next frame is that block's function; the
line (or, in a block of many statements, its loop variable) tells the statement, and the line within
the statement's closure tells which of its operators that can trap. The statement knows their offsets,
and the opcode there says what a Python exception means (`opcodes.TRAP_MESSAGES`).
"""

import struct
from types import FrameType, TracebackType
from typing import Any

from pywrt.engine.binding import UNROLLED, Binding
from pywrt.errors import FrameInfo, Trap
from pywrt.runtime.store import Block, Store
from pywrt.wasm.opcodes import BY_CODE, TRAP_MESSAGES

#: Python's exceptions that stand for a trap, and the opcode table's `trap` columns they may stand for.
_MEANINGS: dict[type[Exception], tuple[str, ...]] = {
    IndexError: ("memory", "table", "element"),
    struct.error: ("memory",),
    OverflowError: ("memory",),
    ZeroDivisionError: ("divide",),
}
_CODES = {
    "memory": "memory-out-of-bounds",
    "table": "table-out-of-bounds",
    "element": "undefined-element",
    "divide": "integer-divide-by-zero",
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
        row = BY_CODE[0].get(data[self.offset])
        return None if row is None else row.trap


def locate(store: Store, error: Exception, block: Block) -> Place | None:
    """Where in wasm `error` was raised, or None if not in a bound block."""
    owner = store.owners.get(block)
    if owner is None:
        return None
    binding, number = owner
    plan = binding.plan.blocks[number]
    trace = error.__traceback__
    # the machine's own frame first, then the block's
    while trace is not None and trace.tb_frame.f_code is not block.__code__:
        trace = trace.tb_next
    if trace is None:
        return Place(binding, plan.offset)
    index = _statement_index(trace, block, plan.statements)
    if index is not None and index < len(plan.statements):
        offsets = plan.statements[index].offsets
    else:
        offsets = plan.condition[3] if plan.condition else ()
    if not offsets:
        return Place(binding, plan.offset)
    within = trace.tb_next
    line = 0
    if within is not None:
        line = within.tb_lineno - within.tb_frame.f_code.co_firstlineno - 1
    return Place(binding, offsets[line] if 0 <= line < len(offsets) else offsets[0])


def _statement_index(trace: TracebackType, block: Block, statements: list[Any]) -> int | None:
    """Which of a block's statements a traceback entry of the block's function is in; None if none."""
    frame: FrameType = trace.tb_frame
    if len(statements) > UNROLLED:
        running = frame.f_locals.get("s")
        many = frame.f_locals.get("statements", ())
        if trace.tb_next is None or trace.tb_next.tb_frame.f_code is not getattr(running, "__code__", None):
            return None
        return next((i for i, s in enumerate(many) if s is running), None)
    # fuel's three lines come first where there is metering; a loop's header is one more
    first = frame.f_code.co_firstlineno + 1
    names = frame.f_code.co_freevars
    if "fuel" in names:
        first += 3 + ("_loop_" in _qualname(frame) or "_until_" in _qualname(frame))
    else:
        first += "_loop_" in _qualname(frame) or "_until_" in _qualname(frame)
    index = trace.tb_lineno - first
    return index if 0 <= index < len(statements) else None


def _qualname(frame: FrameType) -> str:
    return frame.f_code.co_qualname


def message_of(place: Place | None, error: Exception) -> Trap | None:
    """The trap that a Python exception stands for at `place`; None if the instruction can't cause it."""
    if place is None:
        return None
    kind = place.trap_kind()
    if kind not in _MEANINGS.get(type(error), ()) or kind is None:
        return None
    if isinstance(error, struct.error) and "requires a buffer" not in str(error):
        return None  # an unmasked value, not an address: a bug of ours
    return Trap(TRAP_MESSAGES[kind], _CODES[kind])


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
