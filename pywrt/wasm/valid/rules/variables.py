"""Parametric and variable instructions.

Spec: valid/instructions.html#parametric-instructions, #variable-instructions
"""

from pywrt.errors import InvalidError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.types import read_valtype
from pywrt.wasm.types import I32, NUMERIC_TYPES, V128, RefType
from pywrt.wasm.valid.body import FLOOR, Body, is_defaultable, shown
from pywrt.wasm.valid.rules.rule import I32_1, Rule
from pywrt.wasm.valid.subtyping import BOT

_SELECT_OPERANDS = [[valtype, valtype, I32] for valtype in (*NUMERIC_TYPES, V128)]


# Parametric instructions


def _drop(body: Body, pos: int) -> int:
    if len(body.stack) > 1:
        body.stack.pop()
    else:
        body.pop([BOT])
    return pos


def _select(body: Body, pos: int) -> int:
    for operands in _SELECT_OPERANDS:
        if body.stack[-3:] == operands:
            del body.stack[-2:]
            return pos
    body.pop(I32_1)
    pair = [t for t in body.stack[-2:] if t is not BOT and t is not FLOOR]
    if any(isinstance(t, RefType) for t in pair):
        raise InvalidError(f"type mismatch: select without a type takes numbers, not {shown(pair)}")
    operand = pair[0] if pair else BOT
    body.apply([operand, operand], [operand])
    return pos


def _select_t(body: Body, pos: int) -> int:
    count, pos = body.u32(pos)
    context = body.context
    reader = Reader(body.code, pos, len(body.code))
    types = [context.valtype(read_valtype(reader, context.features)) for _ in range(count)]
    if count != 1:
        raise InvalidError(f"invalid result arity: select has {count} result types, not 1")
    body.apply([types[0], types[0], I32], types)
    return reader.pos


# Variable instructions


def _local_get(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    valtype = body.local(index)
    if index >= body.defaultable and not is_defaultable(valtype) and index not in body.inits:
        raise InvalidError(f"uninitialized local {index}")
    body.stack.append(valtype)
    return pos


def _local_set(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    valtype = body.local(index)
    body.pop([valtype])
    if index >= body.defaultable:
        body.initialize(index)
    return pos


def _local_tee(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    valtype = body.local(index)
    body.apply([valtype], [valtype])
    if index >= body.defaultable:
        body.initialize(index)
    return pos


def global_get(body: Body, pos: int) -> int:
    """The rule of `global.get`."""
    index, pos = body.u32(pos)
    globals_ = body.context.globals
    if index >= len(globals_):
        raise InvalidError(f"unknown global {index}")
    body.stack.append(globals_[index].value)
    return pos


def _global_set(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    if index >= len(body.context.globals):
        raise InvalidError(f"unknown global {index}")
    globaltype = body.context.globals[index]
    if not globaltype.mutable:
        raise InvalidError(f"immutable global {index}")
    body.pop([globaltype.value])
    return pos


RULES: dict[str, Rule] = {
    "drop": _drop,
    "select": _select,
    "select_t": _select_t,
    "local.get": _local_get,
    "local.set": _local_set,
    "local.tee": _local_tee,
    "global.get": global_get,
    "global.set": _global_set,
}
