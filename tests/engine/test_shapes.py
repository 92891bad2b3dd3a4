"""The generated shape library: reproduced byte for byte, and large enough for every operator."""

import itertools
import subprocess
import sys
from pathlib import Path

from pywrt.engine.operators import EFFECTS
from pywrt.engine.trees import CONST, INVERTED, NEGATED, REGISTER, STATEMENTS, TRANSITIONS
from pywrt.wasm.opcodes import OPCODES

ROOT = Path(__file__).resolve().parents[2]

#: Instructions that lowering turns into operators of another name, or into no operator at all.
OTHERWISE = {"i64.extend_i32_u", "select_t"}


def test_shapes_are_reproduced_byte_for_byte():
    result = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "make_shapes.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_every_numeric_instruction_is_an_operator():
    operators = {key[0] for key in TRANSITIONS}
    for row in OPCODES:
        name = row.mnemonic
        if row.params and row.results and row.prefix == 0 and name not in OTHERWISE and "memory" not in name:
            assert name in operators or name + ".0" in operators, name


def test_every_tree_is_a_statement_of_its_own():
    assert set(TRANSITIONS.values()) | {REGISTER, CONST} == set(STATEMENTS)


def test_every_operator_takes_registers():
    arities: dict[str, int] = {}
    for operator, *children in TRANSITIONS:
        arities[operator] = len(children)
    for operator, arity in arities.items():
        assert (operator, *itertools.repeat(REGISTER, arity)) in TRANSITIONS, operator


def test_inverted_comparisons_lead_back_and_negate():
    assert REGISTER not in INVERTED
    for tree, inverted in INVERTED.items():
        assert NEGATED[tree] == inverted
        assert INVERTED.get(inverted, tree) == tree


def test_every_trapping_instruction_has_effects():
    for row in OPCODES:
        if row.trap in ("memory", "divide"):
            assert EFFECTS[row.mnemonic], row.mnemonic
