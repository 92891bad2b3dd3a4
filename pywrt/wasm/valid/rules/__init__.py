"""The typing rule of every instruction, and how they are found by opcode. Spec: valid/instructions.html

Each file here is a section of that chapter.
"""

from collections.abc import Callable
from functools import cache

from pywrt.errors import InvalidError
from pywrt.wasm.binary.instructions import opcode_error
from pywrt.wasm.opcodes import BY_CODE, OPCODES, PREFIXES, Opcode
from pywrt.wasm.valid.body import MAX_OPERANDS, Body
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
from pywrt.wasm.valid.rules.rule import Rule, unavailable

__all__ = [
    "RULES",
    "SPECIAL_RULES",
    "Rule",
    "constant_dispatch",
    "dispatch",
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
