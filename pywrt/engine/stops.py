"""How blocks leave the trampoline: exceptions that the machine catches in one place."""

from typing import Any, NoReturn

from pywrt.errors import Trap
from pywrt.wasm.deftypes import DefType


class OutOfFuel(Exception):
    """A block costs more than is left; nothing of it has run, so the same block can run later."""


class Finished(Exception):
    """The activation's first frame returned."""


def unreachable(_: list[Any]) -> Trap:
    return Trap("unreachable", "unreachable")


def call_stack_exhausted() -> Trap:
    return Trap("call stack exhausted", "call-stack-exhausted")


def cast_failure() -> NoReturn:
    raise Trap("cast failure", "cast-failure")


def check_indirect_call(callee: Any, expected: DefType, index: Any) -> None:
    """Trap unless the table element at `index` can be called as `expected`: its type is a subtype.

    For `call_ref`, where the function is its own index, that is None if the function is.
    """
    if index is None:
        raise Trap("null function reference", "null-reference")
    if callee is None:
        raise Trap(f"uninitialized element {index}", "uninitialized-element")
    if not callee.deftype.is_subtype(expected):
        raise Trap(
            f"indirect call type mismatch: expected {expected.func}, found {callee.type}", "bad-signature"
        )
