"""Which form a block takes and what it is made with: decided when its function is lowered, for all instances.

A block runs what follows it or leaves to the trampoline; the first block of a loop goes on with itself, or is
started again by blocks of its tree. The forms are generated (`tools/make_shapes.py`), a name and number of
statements each.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from pywrt.engine.plan import BlockForm, BlockPlan, Conditional, Ref, Statement, Target, made
from pywrt.engine.sequences import shortened
from pywrt.engine.shapes import forms_charged, forms_free, forms_tested
from pywrt.engine.trees import CONDITIONS, FUSED
from pywrt.runtime.store import Block

#: Blocks of more statements have sequences of them; calls of more arguments build their list in a loop.
UNROLLED = 3
CALL_ARITY = 5

Forms = dict[tuple[str, int], Callable[..., Block]]

#: Of a block that only leaves its tree: what makes it, with the block that it leaves for.
LEAVE: Callable[[Block], Block] = cast(Forms, forms_free.FORMS)["goto", 0]

#: How the names of forms say which way a branch goes.
_LETTERS = {"leave": "x", "run": "c", "again": "a"}


def choose_form(plan: BlockPlan) -> None:
    """Set `plan.form`; its statements, its costs and what it runs are settled."""
    form = plan.form = _CHOICES[plan.end](plan)
    count = shortened(len(plan.statements), UNROLLED)
    key = (form.name, count)
    form.unmetered = forms_free.FORMS[key]
    form.bounded = form.name.endswith(("_while", "_loop", "_while_c", "_until_c", "_loop_cc"))
    if not plan.cost:
        form.metered = form.unmetered
    elif plan.root is not plan:
        form.metered = forms_charged.FORMS[key]
    else:
        if form.name.endswith("_while") and not any(isinstance(s, Conditional) for s in plan.statements):
            # nothing else charges fuel meanwhile
            key = (form.name.removesuffix("while") + "counted", count)
        form.metered = forms_tested.FORMS[key]


def lines_before(plan: BlockPlan, metered: bool) -> int:
    """How many lines of the block's function stand before its statements."""
    library = forms_free if not metered or not plan.cost else forms_tested if plan.root is plan else forms_charged
    name = plan.form.name
    if library is forms_tested and plan.form.metered is library.FORMS.get(
        (name.removesuffix("while") + "counted", shortened(len(plan.statements), UNROLLED))
    ):
        name = name.removesuffix("while") + "counted"
    return cast(dict[str, int], library.BEFORE)[name]


def ways(plan: BlockPlan) -> list[str]:
    """How `plan` goes on with each target: running it itself, starting its tree again, or leaving."""
    result = []
    for target, runs in zip(plan.targets, plan.runs, strict=True):
        if runs:
            result.append("run")
        elif target is plan.root and target.looped:
            result.append("own" if target is plan else "again")
        else:
            result.append("leave")
    return result


def _goto(plan: BlockPlan) -> BlockForm:
    (way,) = ways(plan)
    name = {"leave": "goto", "run": "goto_run", "own": "goto_loop", "again": "again"}[way]
    return BlockForm(name, targets=[("T", plan.targets[0])] if way in ("leave", "run") else [])


def _if(plan: BlockPlan) -> BlockForm:
    assert plan.condition is not None
    tree, operands = plan.condition[0], plan.condition[1]
    name, negated = FUSED.get(tree, ("if", False))
    test = None if tree in FUSED else Statement(CONDITIONS[tree], operands, plan.condition[3])
    order = (1, 0) if negated else (0, 1)
    go = ways(plan)
    then_way, else_way = go[order[0]], go[order[1]]
    then, orelse = ("T", plan.targets[order[0]]), ("F", plan.targets[order[1]])
    targets: list[Target] = [then, orelse]
    stubs: list[str] = []
    if plan.root is not plan or not plan.looped:
        if then_way == else_way == "again":
            return BlockForm("again")
        targets = [target for target, way in zip(targets, (then_way, else_way), strict=True) if way != "again"]
        kind = _LETTERS[then_way] + _LETTERS[else_way]
    elif then_way == "own":
        kind, targets = ("while" if else_way == "leave" else "while_c"), [orelse]
    elif else_way == "own":
        kind, targets = ("until_while" if then_way == "leave" else "until_c"), [then]
    else:  # a block of its tree starts it again: what leaves must say so
        kind = "loop_cc"
        stubs = [name for (name, _), way in zip(targets, (then_way, else_way), strict=True) if way == "leave"]
    given = operands if test is None else ()
    return BlockForm(f"{name}_{kind}", given, targets, test=test, stubs=stubs, negated=negated)


def _switch(plan: BlockPlan) -> BlockForm:
    return BlockForm("switch_run" if all(plan.runs) else "switch", plan.operands)


def _as_it_is(plan: BlockPlan) -> BlockForm:
    """Returns, and what throws."""
    return BlockForm(plan.end, plan.operands)


def _call(plan: BlockPlan) -> BlockForm:
    destination, *callee, arguments = plan.operands
    suffix, given = _suffix(arguments)
    return BlockForm(
        f"{plan.end}_{suffix}", (destination, *_callee(callee), *given), targets=[("T", plan.targets[0])]
    )


def _tail(plan: BlockPlan) -> BlockForm:
    *callee, arguments = plan.operands
    suffix, given = _suffix(arguments)
    return BlockForm(f"{plan.end}_{suffix}", (*_callee(callee), *given))


def _callee(operands: list[Any]) -> list[Any]:
    """A function; or a table, the type it must have there, and the register of its index."""
    if len(operands) == 1:
        return operands
    table, type_index, register = operands
    return [table, made(lambda instance: instance.types[type_index]), register]


def _suffix(arguments: Sequence[int]) -> tuple[str, Sequence[Any]]:
    if len(arguments) <= CALL_ARITY:
        return str(len(arguments)), arguments
    return "n", (arguments,)


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
