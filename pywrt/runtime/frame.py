"""Frames: the register list of a call, which begins with its link to the caller.

    R[0]   the caller's registers
    R[1]   the caller's block that runs next
    R[2]   the register of the caller, or the first of several, that takes the results
    R[3]   how many calls may still be within this one
    R[4]   the first parameter; then the others, the locals, and a register a place of the operand stack

So the state of a guest that has stopped is a block and its registers. Spec: exec/runtime.html#activation-
frames
"""

from collections.abc import Iterator
from typing import Any

from pywrt.runtime.store import Block

Registers = list[Any]

CALLER, NEXT, DESTINATION, CALLS_LEFT = range(4)
#: Registers before the parameters.
LINK = 4


def waiting(registers: Registers) -> Iterator[tuple[Block, Registers]]:
    """What waits for the frame of `registers` to return: each block and its registers, innermost first."""
    while registers[CALLER] is not None:
        yield registers[NEXT], registers[CALLER]
        registers = registers[CALLER]
