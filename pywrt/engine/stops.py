"""How blocks leave the trampoline: exceptions that the machine catches in one place."""

from typing import Any

from pywrt.errors import Trap
from pywrt.wasm.types import FuncType


class OutOfFuel(Exception):
    """A block costs more than is left; nothing of it has run, so the same block can run later."""


class Finished(Exception):
    """The activation's first frame returned."""


def unreachable() -> Trap:
    return Trap("unreachable", "unreachable")


def call_stack_exhausted() -> Trap:
    return Trap("call stack exhausted", "call-stack-exhausted")


def bad_indirect_call(callee: Any, expected: FuncType, index: int) -> Trap:
    """What is wrong with the table element at `index`, which can't be called as `expected`."""
    if callee is None:
        return Trap(f"uninitialized element {index}", "uninitialized-element")
    return Trap(f"indirect call type mismatch: expected {expected}, found {callee.type}", "bad-signature")
