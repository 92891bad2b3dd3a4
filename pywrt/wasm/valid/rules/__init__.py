"""The typing rule of every instruction, and how they are found by opcode. Spec: valid/instructions.html

Each file here is a section of that chapter.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from pywrt.errors import InvalidError
from pywrt.wasm.binary.instructions import opcode_error
from pywrt.wasm.opcodes import BY_CODE, OPCODES, PREFIXES, Opcode
from pywrt.wasm.types import ValType
from pywrt.wasm.valid.body import FLOOR, MAX_OPERANDS, Body
from pywrt.wasm.valid.rules import (
    aggregates,
    constant,
    control,
    exceptions,
    memory,
    references,
    tables,
    variables,
)
from pywrt.wasm.valid.rules.fixed import fixed_rule
from pywrt.wasm.valid.rules.memory import natural_alignment
from pywrt.wasm.valid.rules.rule import Rule, unavailable

__all__ = [
    "BINARY",
    "GENERAL",
    "LOAD",
    "RULES",
    "SPECIAL_RULES",
    "STORE",
    "UNARY",
    "Row",
    "Rule",
    "constant_dispatch",
    "dispatch",
    "short_cuts",
]

#: The rules of instructions whose type depends on more than their opcode, by mnemonic.
SPECIAL_RULES: dict[str, Rule] = {
    **control.RULES,
    **exceptions.RULES,
    **variables.RULES,
    **references.RULES,
    **aggregates.RULES,
    **tables.RULES,
    **memory.RULES,
}


def _rule(opcode: Opcode) -> Rule:
    special = SPECIAL_RULES.get(opcode.mnemonic)
    if special is not None:
        return special
    assert opcode.params is not None
    assert opcode.results is not None
    return fixed_rule(opcode, opcode.params, opcode.results)


#: The rules of all instructions, by mnemonic.
RULES: dict[str, Rule] = {opcode.mnemonic: _rule(opcode) for opcode in OPCODES}


# Dispatch


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


def _bounded(rule: Rule) -> Rule:
    """The rule, and a limit on what it may leave: two bytes of code may stand for a thousand operands."""

    def bounded(body: Body, pos: int) -> int:
        pos = rule(body, pos)
        operands = len(body.frames) * body.context.widest + len(body.stack)
        if operands > MAX_OPERANDS:
            raise InvalidError(f"operand stack too high: up to {operands} values")
        return pos

    return bounded


@cache
def dispatch(features: frozenset[str], wide: bool) -> tuple[Rule, ...]:
    """The rules of function bodies by opcode byte: 256 of them. `wide`: some type has over `WIDE` values."""

    def rule_of(opcode: Opcode) -> Rule:
        mnemonic = opcode.mnemonic
        if opcode.feature not in features:
            return unavailable(opcode)
        if wide and (mnemonic in control.RULES or mnemonic in exceptions.RULES):
            return _bounded(RULES[mnemonic])
        return RULES[mnemonic]

    return _dispatch(rule_of)


@cache
def constant_dispatch(features: frozenset[str]) -> tuple[Rule, ...]:
    """The rules of constant expressions by opcode byte: 256 of them."""

    def rule_of(opcode: Opcode) -> Rule:
        mnemonic = opcode.mnemonic
        if mnemonic in constant.EXTENDED:
            extended = "extended-const" in features
            return RULES[mnemonic] if extended else constant.not_constant(mnemonic, "extended-const")
        if mnemonic not in constant.CONSTANT:
            return constant.not_constant(mnemonic)
        if opcode.feature not in features:
            return unavailable(opcode)
        return constant.RULES.get(mnemonic) or RULES[mnemonic]

    return _dispatch(rule_of)


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
def short_cuts(features: frozenset[str], address: ValType | None) -> tuple[Row, ...]:
    """The short cuts that hold with these features, by opcode byte.

    `address` is the address type of memory 0, None if there is none.
    """
    rows = []
    for number, row in enumerate(_ROWS):
        kind, _, second, result = row
        if row is not _NO_ROW and BY_CODE[0][number].feature not in features:
            row = _NO_ROW
        elif kind in (LOAD, STORE):
            # who stores finds the address type in the context
            row = _NO_ROW if address is None else row if kind == STORE else (LOAD, address, second, result)
        rows.append(row)
    return tuple(rows)
