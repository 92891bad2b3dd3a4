"""Instructions of a fixed type: numeric and vector instructions.

The opcode table has the type; a rule checks the immediates, then takes the operands and gives the results.
Spec: valid/instructions.html#numeric-instructions, #vector-instructions
"""

from collections.abc import Callable

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.reader import UNEXPECTED_END, read_signed
from pywrt.wasm.opcodes import Opcode
from pywrt.wasm.types import ValType
from pywrt.wasm.valid.body import Body
from pywrt.wasm.valid.rules.memory import access_rule, lane_index
from pywrt.wasm.valid.rules.rule import Rule


def _signed(bits: int) -> Rule:
    return lambda body, pos: read_signed(body.code, pos, len(body.code), bits)[1]


def _bytes(size: int) -> Rule:
    def rule(body: Body, pos: int) -> int:
        if pos + size > len(body.code):
            raise MalformedError(UNEXPECTED_END, offset=len(body.code))
        return pos + size

    return rule


def _zero(body: Body, pos: int) -> int:
    if body.code[pos] != 0:
        raise MalformedError("zero byte expected", offset=pos)
    return pos + 1


_sixteen_bytes = _bytes(16)


def _shuffle_lanes(body: Body, pos: int) -> int:
    after = _sixteen_bytes(body, pos)
    lane = max(body.code[pos:after])
    if lane >= 32:
        raise InvalidError(f"invalid lane index {lane}: there are 32")
    return after


def _lane(opcode: Opcode) -> Rule:
    """Of an instruction such as i16x8.extract_lane_s: it has 8 lanes."""
    lanes = int(opcode.mnemonic.partition(".")[0].rpartition("x")[2])
    return lambda body, pos: lane_index(body, pos, lanes)


#: How an immediate is checked.
_CHECKS: dict[str, Callable[[Opcode], Rule]] = {
    "i32": lambda opcode: _signed(32),
    "i64": lambda opcode: _signed(64),
    "f32": lambda opcode: _bytes(4),
    "f64": lambda opcode: _bytes(8),
    "v128": lambda opcode: _sixteen_bytes,
    "laneidx": _lane,
    "laneidx16": lambda opcode: _shuffle_lanes,
    "zero": lambda opcode: _zero,
}


def fixed_rule(opcode: Opcode, params: tuple[ValType, ...], results: tuple[ValType, ...]) -> Rule:
    """The rule of an instruction that takes `params` and gives `results`, addresses aside."""
    if "memarg" in opcode.immediates:
        return access_rule(opcode, params, results)
    checks = [_CHECKS[name](opcode) for name in opcode.immediates]
    takes, gives = list(params), list(results)

    def rule(body: Body, pos: int) -> int:
        for check in checks:
            pos = check(body, pos)
        body.apply(takes, gives)
        return pos

    return rule
