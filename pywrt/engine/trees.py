"""Expression trees on the symbolic operand stack: the transition table of the shape library, prepared.

A node is (tree id, operands, effects, offsets): the id names a shape, `operands` are the registers and
constants at its leaves in order, `effects` the union of its operators', and `offsets` those of its
operators that can trap, outermost first.
"""

from pywrt.engine.operators import INVERSE
from pywrt.engine.shapes.expressions import CONDITIONS, PAIRS, STATEMENTS, TRANSITIONS

__all__ = ["CONDITIONS", "CONST", "FUSED", "NEGATED", "PAIRS", "REGISTER", "STATEMENTS", "TRANSITIONS"]

Node = tuple[int, tuple[object, ...], int, tuple[int, ...]]

REGISTER, CONST = 0, 1

#: Tree id of a condition -> tree id, over the same operands, of one that holds when it doesn't.
NEGATED: dict[int, int] = {}
for _key, _id in TRANSITIONS.items():
    _operator, *_children = _key
    if _operator == "i32.eqz" and _children[0] in CONDITIONS:
        NEGATED[_id] = _children[0]
        NEGATED.setdefault(_children[0], _id)
for _key, _id in TRANSITIONS.items():
    _operator, *_children = _key
    if _operator in INVERSE and (_inverse := (INVERSE[_operator], *_children)) in TRANSITIONS:
        NEGATED[_id] = TRANSITIONS[_inverse]

#: Tree id of a condition that a block form tests itself -> the form's name, and whether it tests the negation.
FUSED: dict[int, tuple[str, bool]] = {REGISTER: ("ifr", False)}
for _name in ("eq", "lt_u", "gt_u", "lt_s", "gt_s"):
    for _suffix, _leaves in (("", (0, 0)), (".c", (0,))):
        for _t in ("i32", "i64") if _name[-1] != "s" else ("i32",):
            _key = (f"{_t}.{_name}{_suffix}", *_leaves)
            _form = f"if_{_name}{_suffix.replace('.', '_')}"
            FUSED[TRANSITIONS[_key]] = (_form, False)
            FUSED[TRANSITIONS[(INVERSE[_key[0]], *_leaves)]] = (_form, True)
