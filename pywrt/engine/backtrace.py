"""From a Python exception in a block to the wasm instruction that caused it.

Strategy: the machine knows the block that ran. The traceback's next frame is that block's function; the
line (or, in a block of many statements, its loop variable) tells the statement, and the line within
the statement's closure tells which of its operators that can trap. The statement knows their offsets,
and the opcode there says what a Python exception means (`_MEANINGS`).
"""

import struct
from types import FrameType, TracebackType
from typing import Any

from pywrt.engine.binding import UNROLLED, Binding
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
