"""Which form a block takes and what it is made with: decided when its function is lowered, for all instances.

A block runs what follows it or leaves to the trampoline; the first block of a loop goes on with itself, or is
started again by blocks of its tree. The forms are generated (`tools/make_shapes.py`), a name and number of
statements each.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from pywrt.engine.plan import BlockForm, BlockPlan, Conditional, Statement, Target, made
from pywrt.engine.sequences import shortened
from pywrt.engine.shapes import forms_charged, forms_free, forms_tested
from pywrt.engine.trees import CONDITIONS, FUSED, REGISTER, STATEMENTS, TRANSITIONS
from pywrt.runtime.store import Block

#: Blocks of more statements have sequences of them; calls of more arguments build their list in a loop.
UNROLLED = 5
CALL_ARITY = 5

Forms = dict[tuple[str, int], Callable[..., Block]]

#: Of a block that only leaves its tree: what makes it, with the block that it leaves for.
LEAVE: Callable[[Block], Block] = cast(Forms, forms_free.FORMS)["goto", 0]

_FREE, _CHARGED, _TESTED = (
    cast(Forms, library.FORMS) for library in (forms_free, forms_charged, forms_tested)
)

#: How the names of forms say which ways a branch goes.
_LETTERS = {"leave": "x", "run": "c", "again": "a"}
_KINDS = {(a, b): f"_{_LETTERS[a]}{_LETTERS[b]}" for a in _LETTERS for b in _LETTERS}
#: Tests of a register that the block's last statement may step, and the factories of such statements.
_STEPPED = ("ifr", "if_eq", "if_eq_c", "if_lt_u", "if_lt_u_c")
_STEPS: dict[Callable[..., Any], tuple[int, int]] = {
    STATEMENTS[TRANSITIONS[f"{type}.{name}.c", REGISTER]]: (sign, 1 << bits)
    for type, bits in (("i32", 32), ("i64", 64))
    for name, sign in (("add", 1), ("sub", -1))
}
#: A condition that no form tests itself.
_BY_CLOSURE = ("if", False)


def choose_form(plan: BlockPlan) -> None:
    """Set `plan.form`; its statements, its costs and what it runs are settled."""
    form = plan.form = _CHOICES[plan.end](plan)
    count = len(plan.statements) - form.stepped
    key = (form.name, count if count <= UNROLLED else shortened(count, UNROLLED))
    form.unmetered = form.metered = _FREE[key]
    if not plan.cost:
        return
    if plan.root is not plan:
        form.metered = _CHARGED[key]
    elif _is_counted(plan):
        form.metered = _TESTED[_counted(form.name), key[1]]
    else:
        form.metered = _TESTED[key]


def _is_counted(plan: BlockPlan) -> bool:
    """Whether a block that is its own successor counts its fuel itself: nothing else charges meanwhile."""
    return plan.form.name.endswith("_while") and not any(
        isinstance(statement, Conditional) for statement in plan.statements
    )


def _counted(name: str) -> str:
    return name.removesuffix("while") + "counted"


def lines_before(plan: BlockPlan, metered: bool) -> int:
    """How many lines of the block's function stand before its statements."""
    name = plan.form.name
    if not metered or not plan.cost:
        return forms_free.BEFORE[name]
    if plan.root is not plan:
        return forms_charged.BEFORE[name]
    return forms_tested.BEFORE[_counted(name) if _is_counted(plan) else name]


def _way(plan: BlockPlan, target: BlockPlan, runs: bool) -> str:
    """How `plan` goes on with a target: running it itself, starting its tree again, or leaving."""
    if runs:
        return "run"
    if target is plan.root and target.looped:
        return "own" if target is plan else "again"
    return "leave"


def _goto(plan: BlockPlan) -> BlockForm:
    (target,) = plan.targets
    way = _way(plan, target, plan.runs[0])
    if way == "own":
        return BlockForm("goto_loop", bounded=True)
    if way == "again":
        return BlockForm("again")
    return BlockForm("goto" if way == "leave" else "goto_run", (), (("T", target),))


def _if(plan: BlockPlan) -> BlockForm:
    assert plan.condition is not None
    tree, operands, _, offsets = plan.condition
    then, orelse = plan.targets
    then_way, else_way = _way(plan, then, plan.runs[0]), _way(plan, orelse, plan.runs[1])
    name, negated = FUSED.get(tree, _BY_CLOSURE)
    test, stepped = None, False
    if name == "if":
        test, operands = Statement(CONDITIONS[tree], operands, offsets), ()
    elif (
        name in _STEPPED and plan.statements and (step := _step(plan.statements[-1], operands[0])) is not None
    ):
        name, operands, stepped = name + "_step", (operands[0], *step, *operands[1:]), True
    if negated:
        then, orelse, then_way, else_way = orelse, then, else_way, then_way
    targets: tuple[Target, ...] = (("T", then), ("F", orelse))
    if plan.looped and plan.root is plan:
        form = _loop(name, operands, targets, then_way, else_way, test)
        form.negated, form.stepped = negated, stepped
        return form
    if then_way == "again":
        targets = targets[1:]
        if else_way == "again":
            else_way = "leave"  # no form starts again both ways; leaving for the tree's root does the same
    elif else_way == "again":
        targets = targets[:1]
    form = BlockForm(name + _KINDS[then_way, else_way], operands, targets, test=test)
    form.negated, form.stepped = negated, stepped
    return form


def _step(statement: Statement | Conditional, register: object) -> tuple[object, ...] | None:
    """What a statement that steps `register` adds: (the register to add to, the constant, the modulus)."""
    if (
        isinstance(statement, Conditional)
        or statement.factory not in _STEPS
        or statement.operands[0] != register
    ):
        return None
    sign, modulus = _STEPS[statement.factory]
    _, stepped, constant = statement.operands
    return stepped, sign * constant, modulus


def _loop(
    name: str,
    operands: Sequence[Any],
    targets: tuple[Target, ...],
    then_way: str,
    else_way: str,
    test: Statement | None,
) -> BlockForm:
    """The form of the block that begins a loop, and is its own successor or started again by its tree."""
    stubs: list[str] = []
    if then_way == "own":
        kind, targets = ("_while" if else_way == "leave" else "_while_c"), targets[1:]
    elif else_way == "own":
        kind, targets = ("_until_while" if then_way == "leave" else "_until_c"), targets[:1]
    else:  # what leaves must say so
        kind = "_loop_cc"
        stubs = [name for (name, _), way in zip(targets, (then_way, else_way), strict=True) if way == "leave"]
    return BlockForm(name + kind, operands, targets, test=test, stubs=stubs, bounded=True)


def _switch(plan: BlockPlan) -> BlockForm:
    return BlockForm("switch_run" if all(plan.runs) else "switch", plan.operands)


def _as_it_is(plan: BlockPlan) -> BlockForm:
    """Returns, and what throws."""
    return BlockForm(plan.end, plan.operands, refers=plan.end == "raise")


def _call(plan: BlockPlan) -> BlockForm:
    destination, *callee, arguments = plan.operands
    name, given = _taking(plan.end, arguments)
    operands = (destination, *_callee(callee), *given)
    return BlockForm(name, operands, (("T", plan.targets[0]),), refers=True)


def _tail(plan: BlockPlan) -> BlockForm:
    *callee, arguments = plan.operands
    name, given = _taking(plan.end, arguments)
    return BlockForm(name, (*_callee(callee), *given), refers=True)


def _callee(operands: list[Any]) -> list[Any]:
    """A function; or a table, the type it must have there, and the register of its index."""
    if len(operands) == 1:
        return operands
    table, type_index, register = operands
    return [table, made(lambda instance: instance.types[type_index]), register]


_NAMES = {
    end: [f"{end}_{count}" for count in range(CALL_ARITY + 1)] for end in ("call", "calli", "tail", "taili")
}


def _taking(end: str, arguments: Sequence[int]) -> tuple[str, Sequence[Any]]:
    """The form of a call with so many arguments, and how it is given their registers."""
    if len(arguments) <= CALL_ARITY:
        return _NAMES[end][len(arguments)], arguments
    return end + "_n", (arguments,)


_CHOICES: dict[str, Callable[[BlockPlan], BlockForm]] = {
    "goto": _goto,
    "if": _if,
    "switch": _switch,
    "ret_0": _as_it_is,
    "ret_1": _as_it_is,
    "ret_n": _as_it_is,
    "call": _call,
    "calli": _call,
    "tail": _tail,
    "taili": _tail,
    "raise": _as_it_is,
}
