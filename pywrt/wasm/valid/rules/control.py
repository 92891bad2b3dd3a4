"""Control instructions. Spec: valid/instructions.html#control-instructions"""

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.instructions import EMPTY_BLOCK, read_blocktype
from pywrt.wasm.binary.reader import Reader, read_unsigned
from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.types import FEATURE_BY_TYPE_CODE, FUNCREF, VALTYPE_BY_CODE, ref_type
from pywrt.wasm.valid.body import FLOOR, NOTHING, Body, Frame, Signature, shown
from pywrt.wasm.valid.rules.rule import I32_1, Rule
from pywrt.wasm.valid.subtyping import matches_reftype

_BLOCK, _LOOP, _IF, _ELSE = (BY_MNEMONIC[m].number for m in ("block", "loop", "if", "else"))
#: Block types of one byte that are always there.
_BLOCK_SIGNATURES = {
    code: Signature([], [valtype])
    for code, valtype in VALTYPE_BY_CODE.items()
    if code not in FEATURE_BY_TYPE_CODE
}
_BLOCK_SIGNATURES[EMPTY_BLOCK] = NOTHING


# Blocks


def blocktype(body: Body, pos: int) -> tuple[Signature, int]:
    """The block type at `pos` and the position behind it. Spec: valid/types.html#block-types"""
    code, context = body.code, body.context
    signature = _BLOCK_SIGNATURES.get(code[pos]) if pos < len(code) else None
    if signature is not None:
        return signature, pos + 1
    reader = Reader(code, pos, len(code))
    read = read_blocktype(reader, context.features)
    if isinstance(read, int):
        return context.signature(read), reader.pos
    if read is None:
        return _BLOCK_SIGNATURES[EMPTY_BLOCK], reader.pos
    return context.result(context.valtype(read)), reader.pos


def _block(body: Body, pos: int) -> int:
    signature = _BLOCK_SIGNATURES.get(body.code[pos])
    if signature is None:
        signature, pos = blocktype(body, pos)
        body.enter(_BLOCK, signature)
        return pos
    body.frame = frame = Frame(_BLOCK, signature, body.stack)  # `enter`, without operands to move
    body.frames.append(frame)
    body.stack = [FLOOR]
    return pos + 1


def _loop(body: Body, pos: int) -> int:
    signature, pos = blocktype(body, pos)
    body.enter(_LOOP, signature)
    return pos


def _if(body: Body, pos: int) -> int:
    signature, pos = blocktype(body, pos)
    body.pop(I32_1)
    body.enter(_IF, signature)
    return pos


def _else(body: Body, pos: int) -> int:
    if body.frame.opcode != _IF:
        raise MalformedError("END opcode expected", offset=pos - 1)
    frame = body.leave()
    frame.stack += frame.signature.params
    body.enter(_ELSE, frame.signature)
    return pos


def end(body: Body, pos: int) -> int:
    """The rule of `end`, which closes constant expressions too."""
    frame, frames = body.frame, body.frames
    signature = frame.signature
    if body.stack == signature.exit and len(frames) > 1 and not body.inits:  # `leave`
        frames.pop()
        body.stack = frame.stack
        body.frame = frames[-1]
    else:
        body.leave()
    if frame.opcode == _IF and signature.params != signature.results:
        _check_missing_else(body, signature)
    if signature.results:
        frame.stack += signature.results
    return pos


def _check_missing_else(body: Body, signature: Signature) -> None:
    if not body.matches(signature.params, signature.results):
        raise InvalidError(
            f"type mismatch: an if without else takes {shown(signature.params)} "
            f"but must leave {shown(signature.results)}"
        )


# Branches


def _unreachable(body: Body, pos: int) -> int:
    body.jump()
    return pos


def _br(body: Body, pos: int) -> int:
    depth, pos = body.u32(pos)
    body.pop(body.label(depth))
    body.jump()
    return pos


def _br_if(body: Body, pos: int) -> int:
    depth, pos = body.u32(pos)
    label = body.label(depth)
    body.pop(I32_1)
    if label:
        body.apply(label, label)
    return pos


def _br_table(body: Body, pos: int) -> int:
    count, pos = body.u32(pos)
    code, end = body.code, len(body.code)
    depths = set()  # a table may have a million entries, but only as many labels as frames are open
    for _ in range(count + 1):
        if pos < end and (depth := code[pos]) < 0x80:
            pos += 1
        else:
            depth, pos = read_unsigned(code, pos, end, 32)
        default = depth
        depths.add(depth)
    body.pop(I32_1)
    arity = len(body.label(default))
    checked = set()  # blocks of one type share a list, which may be long
    for depth in depths:
        label = body.label(depth)
        if id(label) in checked:
            continue
        checked.add(id(label))
        if len(label) != arity:
            raise InvalidError(f"type mismatch: label {depth} takes {len(label)} values, the default {arity}")
        if label:
            before = body.stack[-arity:] if len(body.stack) > arity else body.stack[1:]
            body.pop(label)
            body.stack += before
    body.jump()
    return pos


def _return(body: Body, pos: int) -> int:
    body.pop(body.frames[0].label)
    body.jump()
    return pos


# Calls


def _callee(body: Body, pos: int) -> tuple[Signature, int]:
    index, pos = body.u32(pos)
    funcs = body.context.funcs
    if index >= len(funcs):
        raise InvalidError(f"unknown function {index}")
    return funcs[index], pos


def _indirect_callee(body: Body, pos: int) -> tuple[Signature, int]:
    index, pos = body.u32(pos)
    number, pos = body.u32(pos)
    table = body.table(number)
    if table.element is not FUNCREF and not matches_reftype(table.element, FUNCREF):
        raise InvalidError(f"type mismatch: table {number} holds {table.element}, not funcref")
    signature = body.context.signature(index)
    body.pop([table.address])
    return signature, pos


def _referenced_callee(body: Body, pos: int) -> tuple[Signature, int]:
    index, pos = body.u32(pos)
    signature = body.context.signature(index)
    body.pop([ref_type(body.context.types[index], True)])
    return signature, pos


def _call(body: Body, pos: int) -> int:
    signature, pos = _callee(body, pos)
    params, stack = signature.params, body.stack
    if params:
        count = len(params)
        if stack[-count:] == params:  # `pop`
            del stack[-count:]
        else:
            body.pop(params)
    if signature.results:
        stack += signature.results
    return pos


def _call_indirect(body: Body, pos: int) -> int:
    signature, pos = _indirect_callee(body, pos)
    body.apply(signature.params, signature.results)
    return pos


def _call_ref(body: Body, pos: int) -> int:
    signature, pos = _referenced_callee(body, pos)
    body.apply(signature.params, signature.results)
    return pos


def _tail_call(body: Body, signature: Signature) -> None:
    expected = body.frames[0].label
    if not body.matches(signature.results, expected):
        raise InvalidError(
            f"type mismatch: the callee returns {shown(signature.results)}, the function {shown(expected)}"
        )
    body.pop(signature.params)
    body.jump()


def _return_call(body: Body, pos: int) -> int:
    signature, pos = _callee(body, pos)
    _tail_call(body, signature)
    return pos


def _return_call_indirect(body: Body, pos: int) -> int:
    signature, pos = _indirect_callee(body, pos)
    _tail_call(body, signature)
    return pos


def _return_call_ref(body: Body, pos: int) -> int:
    signature, pos = _referenced_callee(body, pos)
    _tail_call(body, signature)
    return pos


RULES: dict[str, Rule] = {
    "unreachable": _unreachable,
    "block": _block,
    "loop": _loop,
    "if": _if,
    "else": _else,
    "end": end,
    "br": _br,
    "br_if": _br_if,
    "br_table": _br_table,
    "return": _return,
    "call": _call,
    "call_indirect": _call_indirect,
    "call_ref": _call_ref,
    "return_call": _return_call,
    "return_call_indirect": _return_call_indirect,
    "return_call_ref": _return_call_ref,
}
