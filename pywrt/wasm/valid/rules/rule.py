"""What a typing rule is, and the immediates that many rules read.

A rule is called with the body and the position behind the opcode, and returns the position behind the
immediates. It raises errors without a place, or with one relative to the body's bytes; who calls it knows
the place and adds it.
"""

from collections.abc import Callable

from pywrt.errors import InvalidError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.types import read_heaptype
from pywrt.wasm.opcodes import Opcode
from pywrt.wasm.types import I32, I64, RefType, ValType
from pywrt.wasm.valid.body import Body

#: (body, position behind the opcode) -> position behind the immediates.
Rule = Callable[[Body, int], int]

#: Operand lists that many rules take.
I32_1, I32_3 = [I32], [I32, I32, I32]


def smaller_address(one: ValType, other: ValType) -> ValType:
    """The address type of a length that both memories or tables must be able to hold."""
    return I64 if one is other is I64 else I32


def heaptype(body: Body, pos: int) -> tuple[RefType, int]:
    """The nullable reference type, closed, of the heap type at `pos`, and the position behind it."""
    reader = Reader(body.code, pos, len(body.code))
    reftype = body.context.reftype(read_heaptype(reader, body.context.features))
    return reftype, reader.pos


def unavailable(opcode: Opcode) -> Rule:
    """The rule of an instruction whose feature is off."""

    def rule(body: Body, pos: int) -> int:
        raise InvalidError(f"needs the feature {opcode.feature}", feature=opcode.feature)

    return rule
