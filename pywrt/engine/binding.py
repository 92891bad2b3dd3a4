"""Binding: a plan becomes blocks, closures over one instance's memories, tables, globals and store.

A function's entry is `bind_on_call` until its first call: then its body is lowered (once a module) and
bound (once an instance).
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from pywrt.engine import arrays, bulk, conditional
from pywrt.engine.plan import BlockPlan, Closure, Conditional, FunctionPlan, Ref, Statement
from pywrt.engine.shapes import forms_metered, forms_unmetered
from pywrt.engine.stops import OutOfFuel
from pywrt.engine.trees import CONDITIONS, FUSED, NEGATED
from pywrt.runtime.instance import Instance
from pywrt.runtime.store import Block

#: Blocks of more statements run them in a loop; calls of more arguments build their list in one.
UNROLLED = 6
CALL_ARITY = 5

#: (form, number of statements or None) -> what makes such a block and the function that links it.
METERED_FORMS: dict[tuple[str, int | None], Callable[..., tuple[Block, Any]]] = cast(Any, forms_metered.FORMS)
UNMETERED_FORMS: dict[tuple[str, int | None], Callable[..., tuple[Block, Any]]] = cast(
    Any, forms_unmetered.FORMS
)


class Binding:
    """A function bound to an instance: `blocks[i]` runs `plan.blocks[i]`."""

    __slots__ = ("blocks", "instance", "plan")

    def __init__(self, instance: Instance, plan: FunctionPlan) -> None:
        self.instance = instance
        self.plan = plan
        self.blocks: list[Block] = []


def bind(instance: Instance, plan: FunctionPlan) -> Block:
    """Make the blocks of `plan` for `instance`; return the function's entry."""
    binding = Binding(instance, plan)
    links: list[Any] = []
    metered = instance.store.config.consume_fuel
    for block_plan in plan.blocks:
        block, link = bind_block(instance, block_plan, metered)
        binding.blocks.append(block)
        links.append(link)
    blocks = binding.blocks
    owners = instance.store.owners
    for block, link, block_plan in zip(blocks, links, plan.blocks, strict=True):
        owners[block] = (binding, block_plan.number)
        if link is not None:
            link(*[blocks[target.number] for target in block_plan.targets])
    return blocks[0]


def resolve(instance: Instance, operands: tuple[Any, ...]) -> list[Any]:
    return [x.resolve(instance) if x.__class__ is Ref else x for x in operands]


def bind_statement(instance: Instance, statement: Statement | Conditional) -> Closure:
    if isinstance(statement, Conditional):
        return bind_conditional(instance, statement)
    closure = statement.closure
    return closure if closure is not None else statement.factory(*resolve(instance, statement.operands))


def bind_conditional(instance: Instance, statement: Conditional) -> Closure:
    """The closure of an arm, or two, run on a condition; an arm's fuel is charged when it runs."""
    tree, operands = statement.condition[0], statement.condition[1]
    then, orelse = statement.then, statement.orelse
    if then is None:
        if tree in NEGATED and NEGATED[tree] in CONDITIONS:
            tree, then, orelse = NEGATED[tree], orelse, None
        else:
            then = BlockPlan()
    assert then is not None
    condition = CONDITIONS[tree](*resolve(instance, operands))
    metered = instance.store.config.consume_fuel
    arms: list[Any] = []
    for arm in (then, orelse):
        if arm is not None:
            arms += [_sequence([bind_statement(instance, s) for s in arm.statements])]
            if metered:
                arms.append(arm.cost)
    make = (conditional.METERED if metered else conditional.UNMETERED)[orelse is not None]
    bound: Closure = make(*([instance.store.fuel] if metered else []), condition, *arms)
    return bound


def _sequence(statements: list[Closure]) -> Closure:
    """One closure that runs all of `statements`."""
    if len(statements) == 1:
        return statements[0]
    sequence: Closure = conditional.SEQUENCES[len(statements)](*statements)
    return sequence


def bind_block(instance: Instance, plan: BlockPlan, metered: bool) -> tuple[Block, Any]:
    """The block and its linking function, which takes the bound targets in `plan.targets`' order."""
    store = instance.store
    statements: list[Any] = [bind_statement(instance, s) for s in plan.statements]
    if plan.end == "bulk":
        return bind_bulk(instance, plan, metered)
    name, operands, link_order = END_BINDERS[plan.end](instance, plan)
    count: int | None = len(statements)
    if count is not None and count > UNROLLED:
        statements = [tuple(statements)]
        count = None
    if metered and plan.cost:
        block, link = METERED_FORMS[name, count](store.fuel, plan.cost, *statements, *operands)
    else:
        block, link = UNMETERED_FORMS[name, count](store.slice, *statements, *operands)
    if link is None:
        if plan.end == "switch":
            targets: list[Any] = operands[-1]
            return block, lambda *bound: targets.extend(bound)
        return block, None
    if link_order is not None:
        return block, lambda *bound: link(*[bound[i] for i in link_order])
    return block, link


# How each kind of end is bound: (form, its operands, which targets it is linked to; None for all in order).
End = tuple[str, list[Any], tuple[int, ...] | None]


def _goto(instance: Instance, plan: BlockPlan) -> End:
    if plan.targets[0] is plan:
        return "goto_loop", [], None
    return "goto", [], None


def _if(instance: Instance, plan: BlockPlan) -> End:
    assert plan.condition is not None
    tree, condition_operands = plan.condition[0], plan.condition[1]
    then, orelse = 0, 1
    if tree in FUSED:
        name, negated = FUSED[tree]
        operands = list(condition_operands)
        if negated:
            then, orelse = orelse, then
    else:
        name = "if"
        operands = [CONDITIONS[tree](*resolve(instance, condition_operands))]
    if plan.targets[then] is plan:
        return name + "_loop", operands, (orelse,)
    if plan.targets[orelse] is plan:
        return name + "_until", operands, (then,)
    return name, operands, (then, orelse)


def _switch(instance: Instance, plan: BlockPlan) -> End:
    register, count = plan.operands
    return "switch", [register, count, []], None


def _return(instance: Instance, plan: BlockPlan) -> End:
    return plan.end, [instance.store.frames.pop, *plan.operands], None


def _suffix(arguments: Sequence[int]) -> tuple[str, list[Any]]:
    if len(arguments) <= CALL_ARITY:
        return str(len(arguments)), list(arguments)
    return "n", [arguments]


def _call(instance: Instance, plan: BlockPlan) -> End:
    destination, *callee, arguments = plan.operands
    suffix, given = _suffix(arguments)
    store = instance.store
    stack = [store.frames, store.config.max_call_depth, destination]
    return f"{plan.end}_{suffix}", [*stack, *_callee(instance, callee), *given], None


def _tail(instance: Instance, plan: BlockPlan) -> End:
    *callee, arguments = plan.operands
    suffix, given = _suffix(arguments)
    return f"{plan.end}_{suffix}", [*_callee(instance, callee), *given], None


def _callee(instance: Instance, operands: list[Any]) -> list[Any]:
    """A function; or a table, the type it must have there, and the register of its index."""
    if len(operands) == 1:
        return [operands[0].resolve(instance)]
    table, type_index, register = operands
    return [table.resolve(instance), instance.types[type_index], register]


def _raise(instance: Instance, plan: BlockPlan) -> End:
    return "raise", resolve(instance, plan.operands), None


END_BINDERS = {
    "goto": _goto,
    "if": _if,
    "switch": _switch,
    "ret_0": _return,
    "ret_1": _return,
    "ret_n": _return,
    "call": _call,
    "calli": _call,
    "tail": _tail,
    "taili": _tail,
    "raise": _raise,
}


#: Operations that are blocks of their own.
OPERATIONS = {**bulk.OPERATIONS, **arrays.OPERATIONS}


def bind_bulk(instance: Instance, plan: BlockPlan, metered: bool) -> tuple[Block, Any]:
    mnemonic, immediates, registers = plan.operands
    amount, run = OPERATIONS[mnemonic].make(instance, immediates, registers)
    fuel, cost = instance.store.fuel, plan.cost
    following: Any = None

    def link(block: Block) -> None:
        nonlocal following
        following = block

    def metered_block(R: list[Any]) -> Any:
        left = fuel[0] - cost - amount(R)
        if left < 0:
            raise OutOfFuel
        fuel[0] = left
        run(R)
        return following, R

    def block(R: list[Any]) -> Any:
        count = amount(R)
        if fuel[0] < 0:
            raise OutOfFuel
        fuel[0] -= count
        run(R)
        return following, R

    return metered_block if metered else block, link
