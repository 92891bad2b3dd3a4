"""Exceptions, and the legacy instructions for them.

Spec: valid/instructions.html#control-instructions, and the validation chapter of the specification of
the legacy instructions.
"""

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.instructions import CATCH, CATCH_ALL_REF, CATCH_REF
from pywrt.wasm.binary.reader import UNEXPECTED_END
from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.types import EXNREF, ValType, ref_type
from pywrt.wasm.valid.body import Body, Frame, Signature, shown
from pywrt.wasm.valid.rules.control import blocktype
from pywrt.wasm.valid.rules.rule import Rule

_TRY, _CATCH, _CATCH_ALL, _TRY_TABLE = (
    BY_MNEMONIC[m].number for m in ("try", "catch", "catch_all", "try_table")
)
_EXN = ref_type("exn", False)
_EXNREF_1: list[ValType] = [EXNREF]


def _tag(body: Body, index: int) -> Signature:
    if index >= len(body.context.tags):
        raise InvalidError(f"unknown tag {index}")
    return body.context.tags[index]


def _throw(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    body.pop(_tag(body, index).params)
    body.jump()
    return pos


def _throw_ref(body: Body, pos: int) -> int:
    body.pop(_EXNREF_1)
    body.jump()
    return pos


def _try_table(body: Body, pos: int) -> int:
    signature, pos = blocktype(body, pos)
    count, pos = body.u32(pos)
    for _ in range(count):
        pos = _catch_clause(body, pos)
    body.enter(_TRY_TABLE, signature)
    return pos


def _catch_clause(body: Body, pos: int) -> int:
    """Check a clause of `try_table`; its label counts from outside the block."""
    if pos >= len(body.code):
        raise MalformedError(UNEXPECTED_END, offset=len(body.code))
    kind, start = body.code[pos], pos
    if kind > CATCH_ALL_REF:
        raise MalformedError(f"malformed catch clause 0x{kind:02x}", offset=start)
    pos += 1
    gives: list[ValType] = []
    if kind in (CATCH, CATCH_REF):
        index, pos = body.u32(pos)
        gives = _tag(body, index).params
    if kind in (CATCH_REF, CATCH_ALL_REF):
        gives = [*gives, _EXN]
    depth, pos = body.u32(pos)
    label = body.label(depth)
    if not body.matches(gives, label):
        raise InvalidError(
            f"type mismatch: label {depth} takes {shown(label)} but the catch clause gives {shown(gives)}"
        )
    return pos


# Legacy instructions


def _try(body: Body, pos: int) -> int:
    signature, pos = blocktype(body, pos)
    body.enter(_TRY, signature)
    return pos


def _leave_try(body: Body, pos: int, *opcodes: int) -> Frame:
    """Close the frame of a `try` or of what follows its instructions."""
    if body.frame.opcode not in opcodes:
        raise MalformedError("END opcode expected", offset=pos - 1)
    return body.leave()


def _catch(body: Body, pos: int) -> int:
    frame = _leave_try(body, pos, _TRY, _CATCH)
    index, pos = body.u32(pos)
    params = _tag(body, index).params
    frame.stack += params
    body.enter(_CATCH, Signature(params, frame.signature.results))
    return pos


def _catch_all(body: Body, pos: int) -> int:
    frame = _leave_try(body, pos, _TRY, _CATCH)
    body.enter(_CATCH_ALL, Signature([], frame.signature.results))
    return pos


def _delegate(body: Body, pos: int) -> int:
    frame = _leave_try(body, pos, _TRY)
    depth, pos = body.u32(pos)
    body.label(depth)  # it counts from outside the block
    frame.stack += frame.signature.results
    return pos


def _rethrow(body: Body, pos: int) -> int:
    depth, pos = body.u32(pos)
    body.label(depth)
    if body.frames[-1 - depth].opcode not in (_CATCH, _CATCH_ALL):
        raise InvalidError(f"invalid rethrow label {depth}")
    body.jump()
    return pos


RULES: dict[str, Rule] = {
    "throw": _throw,
    "throw_ref": _throw_ref,
    "try_table": _try_table,
    "try": _try,
    "catch": _catch,
    "catch_all": _catch_all,
    "delegate": _delegate,
    "rethrow": _rethrow,
}
