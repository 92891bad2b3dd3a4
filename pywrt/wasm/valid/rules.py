"""The typing rule of every instruction. Spec: valid/instructions.html

A rule is called with the body and the position behind the opcode, and returns the position behind the
immediates. It raises errors without a place, or with one relative to the body's bytes; who calls it knows
the place and adds it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.instructions import EMPTY_BLOCK, opcode_error, read_heaptype, read_valtype, type_error
from pywrt.wasm.binary.reader import UNEXPECTED_END, Reader, read_signed, read_unsigned
from pywrt.wasm.opcodes import BY_CODE, BY_MNEMONIC, OPCODES, PREFIXES, Opcode, access_size
from pywrt.wasm.types import (
    CODE_BY_VALTYPE,
    FEATURE_BY_TYPE_CODE,
    FUNCREF,
    I32,
    NUMERIC_TYPES,
    V128,
    VALTYPE_BY_CODE,
    RefType,
    ValType,
)
from pywrt.wasm.valid.body import BOT, FLOOR, Body, Frame, Signature, matches, shown

#: (body, position behind the opcode) -> position behind the immediates.
Rule = Callable[[Body, int], int]

_BLOCK, _LOOP, _IF, _ELSE = (BY_MNEMONIC[m].number for m in ("block", "loop", "if", "else"))
_V128 = CODE_BY_VALTYPE[V128]
#: Block types of one byte that are always there.
_BLOCK_SIGNATURES = {
    code: Signature([], [valtype])
    for code, valtype in VALTYPE_BY_CODE.items()
    if code not in FEATURE_BY_TYPE_CODE
}
_BLOCK_SIGNATURES[EMPTY_BLOCK] = Signature([], [])
_SELECT_OPERANDS = [[valtype, valtype, I32] for valtype in (*NUMERIC_TYPES, V128)]
_I32_1, _I32_3 = [I32], [I32, I32, I32]


# Control instructions. Spec: valid/instructions.html#control-instructions


def _blocktype(body: Body, pos: int) -> tuple[Signature, int]:
    code = body.code
    byte = code[pos] if pos < len(code) else 0x80
    signature = _BLOCK_SIGNATURES.get(byte)
    if signature is not None:
        return signature, pos + 1
    if byte == _V128 and FEATURE_BY_TYPE_CODE[byte] in body.context.features:
        return Signature([], [V128]), pos + 1
    index, after = read_signed(code, pos, len(code), 33)
    if index < 0:
        raise type_error("malformed block type", byte, pos)
    if index >= len(body.context.signatures):
        raise InvalidError(f"unknown type {index}")
    return body.context.signatures[index], after


def _block(body: Body, pos: int) -> int:
    signature = _BLOCK_SIGNATURES.get(body.code[pos])
    if signature is None:
        signature, pos = _blocktype(body, pos)
        body.enter(_BLOCK, signature)
        return pos
    body.frame = frame = Frame(_BLOCK, signature, body.stack)  # `enter`, without operands to move
    body.frames.append(frame)
    body.stack = [FLOOR]
    return pos + 1


def _loop(body: Body, pos: int) -> int:
    signature, pos = _blocktype(body, pos)
    body.enter(_LOOP, signature)
    return pos


def _if(body: Body, pos: int) -> int:
    signature, pos = _blocktype(body, pos)
    body.pop(_I32_1)
    body.enter(_IF, signature)
    return pos


def _else(body: Body, pos: int) -> int:
    if body.frame.opcode != _IF:
        raise MalformedError("END opcode expected", offset=pos - 1)
    frame = body.leave()
    frame.stack += frame.signature.params
    body.enter(_ELSE, frame.signature)
    return pos


def _end(body: Body, pos: int) -> int:
    frame = body.leave()
    signature = frame.signature
    if frame.opcode == _IF and signature.params != signature.results:
        raise InvalidError(
            f"type mismatch: an if without else takes {shown(signature.params)} "
            f"but must leave {shown(signature.results)}"
        )
    if signature.results:
        frame.stack += signature.results
    return pos


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
    body.pop(_I32_1)
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
    body.pop(_I32_1)
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


def _callee(body: Body, pos: int) -> tuple[Signature, int]:
    index, pos = body.u32(pos)
    funcs = body.context.funcs
    if index >= len(funcs):
        raise InvalidError(f"unknown function {index}")
    return funcs[index], pos


def _indirect_callee(body: Body, pos: int) -> tuple[Signature, int]:
    index, pos = body.u32(pos)
    table, pos = body.u32(pos)
    if body.table(table) is not FUNCREF:
        raise InvalidError(f"type mismatch: table {table} holds {body.table(table)}, not funcref")
    if index >= len(body.context.signatures):
        raise InvalidError(f"unknown type {index}")
    body.pop(_I32_1)
    return body.context.signatures[index], pos


def _call(body: Body, pos: int) -> int:
    signature, pos = _callee(body, pos)
    if signature.params:
        body.pop(signature.params)
    if signature.results:
        body.stack += signature.results
    return pos


def _call_indirect(body: Body, pos: int) -> int:
    signature, pos = _indirect_callee(body, pos)
    body.apply(signature.params, signature.results)
    return pos


def _tail_call(body: Body, signature: Signature) -> None:
    if signature.results != body.frames[0].label:
        raise InvalidError(
            f"type mismatch: the callee returns {shown(signature.results)}, "
            f"the function {shown(body.frames[0].label)}"
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


# Parametric instructions. Spec: valid/instructions.html#parametric-instructions


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
    body.pop(_I32_1)
    pair = [t for t in body.stack[-2:] if t is not BOT and t is not FLOOR]
    if any(isinstance(t, RefType) for t in pair):
        raise InvalidError(f"type mismatch: select without a type takes numbers, not {shown(pair)}")
    operand = pair[0] if pair else BOT
    body.apply([operand, operand], [operand])
    return pos


def _select_t(body: Body, pos: int) -> int:
    count, pos = body.u32(pos)
    reader = Reader(body.code, pos, len(body.code))
    types = [read_valtype(reader, body.context.features) for _ in range(count)]
    if count != 1:
        raise InvalidError(f"invalid result arity: select has {count} result types, not 1")
    body.apply([types[0], types[0], I32], types)
    return reader.pos


# Variable instructions. Spec: valid/instructions.html#variable-instructions


def _local_get(body: Body, pos: int) -> int:
    valtype, pos = body.local(pos)
    body.stack.append(valtype)
    return pos


def _local_set(body: Body, pos: int) -> int:
    valtype, pos = body.local(pos)
    body.pop([valtype])
    return pos


def _local_tee(body: Body, pos: int) -> int:
    valtype, pos = body.local(pos)
    body.apply([valtype], [valtype])
    return pos


def _global_get(body: Body, pos: int) -> int:
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


# Reference and table instructions. Spec: valid/instructions.html#table-instructions


def _ref_null(body: Body, pos: int) -> int:
    reader = Reader(body.code, pos, len(body.code))
    body.stack.append(read_heaptype(reader))
    return reader.pos


def _ref_is_null(body: Body, pos: int) -> int:
    top = body.stack[-1]
    if not isinstance(top, RefType) and top is not BOT and top is not FLOOR:
        raise InvalidError(f"type mismatch: instruction requires [ref] but stack has {shown([top])}")
    body.apply([BOT], _I32_1)
    return pos


def _ref_func(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    if index >= len(body.context.funcs):
        raise InvalidError(f"unknown function {index}")
    if index not in body.context.refs:
        raise InvalidError(f"undeclared function reference {index}")
    body.stack.append(FUNCREF)
    return pos


def _table_get(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    body.apply(_I32_1, [body.table(index)])
    return pos


def _table_set(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    body.pop([I32, body.table(index)])
    return pos


def _table_grow(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    body.apply([body.table(index), I32], _I32_1)
    return pos


def _table_fill(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    body.pop([I32, body.table(index), I32])
    return pos


def _table_copy(body: Body, pos: int) -> int:
    target, pos = body.u32(pos)
    source, pos = body.u32(pos)
    if not matches(body.table(source), body.table(target)):
        raise InvalidError(
            f"type mismatch: table {source} holds {body.table(source)}, table {target} {body.table(target)}"
        )
    body.pop(_I32_3)
    return pos


def _elem(body: Body, index: int) -> RefType:
    if index >= len(body.context.elems):
        raise InvalidError(f"unknown elem segment {index}")
    return body.context.elems[index]


def _table_init(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    table, pos = body.u32(pos)
    expected = body.table(table)
    if not matches(_elem(body, index), expected):
        raise InvalidError(
            f"type mismatch: elem segment {index} holds {_elem(body, index)}, table {table} {expected}"
        )
    body.pop(_I32_3)
    return pos


def _elem_drop(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    _elem(body, index)
    return pos


# Memory instructions. Spec: valid/instructions.html#memory-instructions


def _data(body: Body, index: int) -> None:
    if body.context.data_count is None:
        raise MalformedError("data count section required")
    if index >= body.context.data_count:
        raise InvalidError(f"unknown data segment {index}")


def _memory_init(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    memory, pos = body.u32(pos)
    body.memory(memory)
    _data(body, index)
    body.pop(_I32_3)
    return pos


def _data_drop(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    _data(body, index)
    return pos


def _memory_copy(body: Body, pos: int) -> int:
    for _ in "target", "source":
        memory, pos = body.u32(pos)
        body.memory(memory)
    body.pop(_I32_3)
    return pos


def _memory_fill(body: Body, pos: int) -> int:
    memory, pos = body.u32(pos)
    body.memory(memory)
    body.pop(_I32_3)
    return pos


# Instructions of a fixed type: check the immediates, then take the operands and give the results.


def _index_check(check: Callable[[Body, int], object]) -> Rule:
    def rule(body: Body, pos: int) -> int:
        index, pos = body.u32(pos)
        check(body, index)
        return pos

    return rule


def _signed_check(bits: int) -> Rule:
    return lambda body, pos: read_signed(body.code, pos, len(body.code), bits)[1]


def _bytes_check(size: int) -> Rule:
    def rule(body: Body, pos: int) -> int:
        if pos + size > len(body.code):
            raise MalformedError(UNEXPECTED_END, offset=len(body.code))
        return pos + size

    return rule


def _memarg_check(opcode: Opcode) -> Rule:
    natural = natural_alignment(opcode)

    def rule(body: Body, pos: int) -> int:
        flags, after = body.u32(pos)
        if flags >= 0x80:
            raise MalformedError("malformed memop flags", offset=pos)
        memory = 0
        if flags & 0x40:  # several memories: an index follows
            memory, after = body.u32(after)
        offset, after = read_unsigned(body.code, after, len(body.code), 64)
        body.memory(memory)
        if flags & 0x3F > natural:
            raise InvalidError(
                f"alignment must not be larger than natural: 2**{flags & 0x3F} for {1 << natural} bytes"
            )
        if offset > 0xFFFFFFFF:
            raise InvalidError(f"offset out of range: {offset}")
        return after

    return rule


_CHECKS: dict[str, Rule] = {
    "i32": _signed_check(32),
    "i64": _signed_check(64),
    "f32": _bytes_check(4),
    "f64": _bytes_check(8),
    "memidx": _index_check(Body.memory),
    "tableidx": _index_check(Body.table),
}


def natural_alignment(opcode: Opcode) -> int:
    """The largest alignment of a load or store, as an exponent of 2."""
    return access_size(opcode).bit_length() - 1


def _fixed_rule(opcode: Opcode, params: tuple[ValType, ...], results: tuple[ValType, ...]) -> Rule:
    checks = [_memarg_check(opcode) if name == "memarg" else _CHECKS[name] for name in opcode.immediates]
    takes, gives = list(params), list(results)

    def rule(body: Body, pos: int) -> int:
        for check in checks:
            pos = check(body, pos)
        body.apply(takes, gives)
        return pos

    return rule


#: The special rules, by the opcode table's name. `end` is here for constant expressions' sake too.
SPECIAL_RULES: dict[str, Rule] = {
    "unreachable": _unreachable,
    "block": _block,
    "loop": _loop,
    "if": _if,
    "else": _else,
    "end": _end,
    "br": _br,
    "br_if": _br_if,
    "br_table": _br_table,
    "return": _return,
    "call": _call,
    "call_indirect": _call_indirect,
    "return_call": _return_call,
    "return_call_indirect": _return_call_indirect,
    "drop": _drop,
    "select": _select,
    "select_t": _select_t,
    "local.get": _local_get,
    "local.set": _local_set,
    "local.tee": _local_tee,
    "global.get": _global_get,
    "global.set": _global_set,
    "table.get": _table_get,
    "table.set": _table_set,
    "ref.null": _ref_null,
    "ref.is_null": _ref_is_null,
    "ref.func": _ref_func,
    "memory.init": _memory_init,
    "data.drop": _data_drop,
    "memory.copy": _memory_copy,
    "memory.fill": _memory_fill,
    "table.init": _table_init,
    "elem.drop": _elem_drop,
    "table.copy": _table_copy,
    "table.grow": _table_grow,
    "table.fill": _table_fill,
}


def _rule(opcode: Opcode) -> Rule:
    if opcode.params is None or opcode.results is None:
        return SPECIAL_RULES[opcode.rule]
    return _fixed_rule(opcode, opcode.params, opcode.results)


RULES: dict[str, Rule] = {opcode.mnemonic: _rule(opcode) for opcode in OPCODES}


# Constant expressions. Spec: valid/instructions.html#constant-expressions


def _constant_global_get(body: Body, pos: int) -> int:
    index, after = body.u32(pos)
    after = _global_get(body, pos)
    if body.context.globals[index].mutable:
        raise InvalidError(f"constant expression required: global {index} is mutable")
    return after


def _constant_ref_func(body: Body, pos: int) -> int:
    index, _ = body.u32(pos)
    body.context.refs.add(index)  # standing here declares it
    return _ref_func(body, pos)


def _not_constant(mnemonic: str) -> Rule:
    def rule(body: Body, pos: int) -> int:
        raise InvalidError(f"constant expression required: {mnemonic} is not constant")

    return rule


_EXTENDED_CONST = ("i32.add", "i32.sub", "i32.mul", "i64.add", "i64.sub", "i64.mul")
_CONSTANT_RULES: dict[str, Rule] = {
    "global.get": _constant_global_get,
    "ref.func": _constant_ref_func,
    **{m: RULES[m] for m in ("i32.const", "i64.const", "f32.const", "f64.const", "ref.null", "end")},
}


# Dispatch


def _unavailable(opcode: Opcode) -> Rule:
    def rule(body: Body, pos: int) -> int:
        raise InvalidError(f"needs the feature {opcode.feature}", feature=opcode.feature)

    return rule


def _illegal(number: int) -> Rule:
    def rule(body: Body, pos: int) -> int:
        raise opcode_error(0, number, pos - 1)

    return rule


def _prefixed(prefix: int, rules: dict[int, Rule]) -> Rule:
    def rule(body: Body, pos: int) -> int:
        number, after = body.u32(pos)
        found = rules.get(number)
        if found is None:
            raise opcode_error(prefix, number, pos - 1)
        return found(body, after)

    return rule


def _dispatch(rule_of: Callable[[Opcode], Rule]) -> tuple[Rule, ...]:
    rules = [_illegal(number) for number in range(256)]
    for number, opcode in BY_CODE[0].items():
        rules[number] = rule_of(opcode)
    for prefix in PREFIXES:
        rows = BY_CODE.get(prefix, {})
        rules[prefix] = _prefixed(prefix, {number: rule_of(opcode) for number, opcode in rows.items()})
    return tuple(rules)


@cache
def dispatch(features: frozenset[str]) -> tuple[Rule, ...]:
    """The rules of function bodies by opcode byte: 256 of them."""
    return _dispatch(
        lambda opcode: RULES[opcode.mnemonic] if opcode.feature in features else _unavailable(opcode)
    )


@cache
def constant_dispatch(features: frozenset[str]) -> tuple[Rule, ...]:
    """The rules of constant expressions by opcode byte: 256 of them."""
    rules = dict(_CONSTANT_RULES)
    if "extended-const" in features:
        rules.update((mnemonic, RULES[mnemonic]) for mnemonic in _EXTENDED_CONST)
    return _dispatch(
        lambda opcode: (
            rules[opcode.mnemonic]
            if opcode.mnemonic in rules and opcode.feature in features
            else _not_constant(opcode.mnemonic)
        )
    )


#: Short cuts for instructions of a common shape. A row is (kind, type, type or alignment, result).
GENERAL, LOAD, BINARY, STORE, UNARY = range(5)
Row = tuple[int, ValType, Any, ValType]


def _row(opcode: Opcode) -> Row:
    params, results = opcode.params, opcode.results
    if params is not None and results is not None:
        if opcode.immediates == ("memarg",):
            if len(params) == 1:
                return LOAD, params[0], natural_alignment(opcode), results[0]
            return STORE, params[1], natural_alignment(opcode), FLOOR
        if not opcode.immediates and len(results) == 1:
            if len(params) == 2:
                return BINARY, params[0], params[1], results[0]
            if len(params) == 1:
                return UNARY, params[0], FLOOR, results[0]
    return GENERAL, FLOOR, FLOOR, FLOOR


_NO_ROW: Row = (GENERAL, FLOOR, FLOOR, FLOOR)
_ROWS: list[Row] = [_row(BY_CODE[0][n]) if n in BY_CODE[0] else _NO_ROW for n in range(256)]


@cache
def short_cuts(features: frozenset[str], memory: bool) -> tuple[Row, ...]:
    """The short cuts that hold with these features, and with or without a memory, by opcode byte."""
    off = {number for number, opcode in BY_CODE[0].items() if opcode.feature not in features}
    if not memory:
        off.update(number for number, row in enumerate(_ROWS) if row[0] in (LOAD, STORE))
    return tuple([_NO_ROW if number in off else row for number, row in enumerate(_ROWS)])
