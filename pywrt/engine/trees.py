"""Expression trees on the symbolic operand stack: the transition table of the shape library, prepared.

A node is (tree id, operands, effects, offsets): the id names a shape, `operands` are the registers and
constants at its leaves in order, `effects` the union of its operators', and `offsets` those of its
operators that can trap, outermost first.
"""

from collections.abc import Callable
from typing import Any, cast

from pywrt.engine.operators import INVERSE
from pywrt.engine.shapes import expressions

__all__ = [
    "CONDITIONS",
    "CONST",
    "FUSED",
    "INVERTED",
    "NEGATED",
    "PAIRS",
    "REGISTER",
    "ROTATIONS",
    "STATEMENTS",
    "TRANSITIONS",
]

Node = tuple[int, tuple[object, ...], int, tuple[int, ...]]

#: Makes a closure of a shape for the registers and constants at its leaves.
Factory = Callable[..., Callable[[list[Any]], Any]]

REGISTER, CONST = 0, 1

#: (operator, tree ids of its operands ...) -> tree id.
TRANSITIONS: dict[tuple[Any, ...], int] = expressions.TRANSITIONS
#: Tree id -> what makes the statement `R[d] = tree`, or the condition.
STATEMENTS: dict[int, Factory] = cast(Any, expressions.STATEMENTS)
CONDITIONS: dict[int, Factory] = cast(Any, expressions.CONDITIONS)
#: What makes each of two statements -> what makes both in one closure.
PAIRS: dict[tuple[Factory, Factory], Factory] = cast(Any, expressions.PAIRS)

#: Tree id of a condition -> tree id, over the same operands, of one that holds when it doesn't.
NEGATED: dict[int, int] = {}
for _key, _id in TRANSITIONS.items():
    if _key[0] == "i32.eqz" and _key[1] in CONDITIONS:
        NEGATED[_id] = _key[1]
        NEGATED.setdefault(_key[1], _id)
for _key, _id in TRANSITIONS.items():
    if _key[0] in INVERSE and (_inverse := (INVERSE[_key[0]], *_key[1:])) in TRANSITIONS:
        NEGATED[_id] = TRANSITIONS[_inverse]

#: The same for trees that are 0 or 1 as values: `x & y` negates `i32.eqz(x & y)` as a condition only.
_COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge", "is")
_OPERATORS = {_key[0] for _key in TRANSITIONS}
_COMPARING = {_op for _op in _OPERATORS if str(_op).partition(".")[2][:2] in _COMPARISONS}
_TRUTHS = {_id for _key, _id in TRANSITIONS.items() if _key[0] in _COMPARING}
INVERTED: dict[int, int] = {
    _id: _negated for _id, _negated in NEGATED.items() if _id in _TRUTHS and _negated in _TRUTHS
}

#: The trees on both sides of an xor that read the same register -> the tree that reads it once.
ROTATIONS: dict[tuple[int, int], int] = {}
for _t in ("i32", "i64"):
    _one, _two, _three = (TRANSITIONS[f"{_t}.{_name}", REGISTER] for _name in ("rotr.c", "rotr2", "rotr3"))
    ROTATIONS.update({(_one, _one): _two, (_two, _one): _three, (_one, _two): _three})

#: Tree id of a condition that a block form tests itself -> the form's name, and whether it tests the
#: negation.
FUSED: dict[int, tuple[str, bool]] = {
    REGISTER: ("ifr", False),
    TRANSITIONS["i32.eqz", REGISTER]: ("ifr", True),
    TRANSITIONS["i64.eqz", REGISTER]: ("ifr", True),
}
for _name in ("eq", "lt_u", "gt_u", "lt_s", "gt_s"):
    for _suffix, _leaves in (("", (0, 0)), (".c", (0,))):
        for _t in ("i32", "i64") if _name[-1] != "s" else ("i32",):
            _key = (f"{_t}.{_name}{_suffix}", *_leaves)
            _form = f"if_{_name}{_suffix.replace('.', '_')}"
            FUSED[TRANSITIONS[_key]] = (_form, False)
            FUSED[TRANSITIONS[(INVERSE[str(_key[0])], *_leaves)]] = (_form, True)
