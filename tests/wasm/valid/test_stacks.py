"""The automaton of operand stacks: what it leaves to the rules."""

from itertools import product
from typing import Any

import pytest

from pywrt.config import DEFAULT_FEATURES, Config
from pywrt.errors import InvalidError
from pywrt.wasm.binary.decoder import decode_module
from pywrt.wasm.binary.encoder import encode_module
from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.text.modules import parse_module
from pywrt.wasm.types import F32, F64, I32, I64
from pywrt.wasm.valid.module import validate_module
from pywrt.wasm.valid.stacks import MAX_HEIGHT, MAX_STACKS, TYPES, Stack, Stacks


def number(mnemonic: str) -> int:
    return BY_MNEMONIC[mnemonic].number


def following(stacks: Stacks, stack: Stack, mnemonic: str) -> Any:
    stacks.step(stack, number(mnemonic))
    return stack[number(mnemonic)]


def validate(body: str) -> None:
    module = parse_module(f"(module (func (result i32) {body}))")
    validate_module(decode_module(encode_module(module)), Config())


def test_step_leads_to_one_stack_for_the_same_types() -> None:
    stacks = Stacks(DEFAULT_FEATURES, None)
    one = following(stacks, stacks.empty, "i32.const")
    two = following(stacks, one, "i32.const")
    assert two[TYPES] == [I32, I32]
    assert following(stacks, two, "i32.add") is one
    assert following(stacks, one, "drop") is stacks.empty


@pytest.mark.parametrize("mnemonic", ["i32.eqz", "drop", "select", "br_if", "if", "i32.load", "end"])
def test_step_without_operands_leads_nowhere(mnemonic: str) -> None:
    stacks = Stacks(DEFAULT_FEATURES, I32)
    assert following(stacks, stacks.empty, mnemonic) is None


def test_step_takes_addresses_of_the_memory_type() -> None:
    for address, types in ((None, None), (I64, [I32])):
        stacks = Stacks(DEFAULT_FEATURES, address)
        loaded = following(stacks, following(stacks, stacks.empty, "i64.const"), "i32.load")
        assert (loaded and loaded[TYPES]) == types


def test_step_of_a_feature_that_is_off_leads_nowhere() -> None:
    for features, known in ((DEFAULT_FEATURES, True), (DEFAULT_FEATURES - {"sign-extension"}, False)):
        stacks = Stacks(features, None)
        one = following(stacks, stacks.empty, "i32.const")
        assert (following(stacks, one, "i32.extend8_s") is one) is known


def test_stacks_are_limited_in_number() -> None:
    stacks = Stacks(DEFAULT_FEATURES, None)
    refused = 0
    for types in product((I32, I64, F32, F64), repeat=6):
        stack: Any = stacks.empty
        for valtype in types:
            stack = stack and following(stacks, stack, f"{valtype}.const")
        refused += stack is None
    assert refused >= 4**6 - MAX_STACKS > 0


@pytest.mark.parametrize("height", [MAX_HEIGHT - 1, MAX_HEIGHT, MAX_HEIGHT + 1, 10 * MAX_HEIGHT])
def test_operands_beyond_the_height_are_checked_all_the_same(height: int) -> None:
    operands = "(i32.const 1) " * height
    validate(operands + "i32.add " * (height - 1))
    with pytest.raises(InvalidError, match="type mismatch"):
        validate(operands + "i32.add " * height)
    with pytest.raises(InvalidError, match="type mismatch"):
        validate(operands + "i32.add " * (height - 2))
