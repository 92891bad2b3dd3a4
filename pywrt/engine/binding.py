"""Binding: a plan becomes blocks, closures over one instance's memories, tables, globals and store.

A function's entry is `bind_on_call` until its first call: then its body is lowered (once a module) and
bound (once an instance).
"""

from collections.abc import Callable, Sequence
from typing import Any

from pywrt.engine import arrays, bulk, conditional, sequences
from pywrt.engine.plan import BlockPlan, Closure, Conditional, FunctionPlan, Ref, Statement
from pywrt.engine.shapes import forms_charged, forms_free, forms_tested
from pywrt.engine.stops import OutOfFuel
from pywrt.engine.trees import CONDITIONS, FUSED, NEGATED
from pywrt.runtime.instance import Instance
from pywrt.runtime.store import Block

#: Blocks of more statements have sequences of them; calls of more arguments build their list in a loop.
UNROLLED = 3
CALL_ARITY = 5


class Binding:
    """A function bound to an instance: `blocks[i]` runs `plan.blocks[i]`."""

    __slots__ = ("blocks", "instance", "plan")

    def __init__(self, instance: Instance, plan: FunctionPlan) -> None:
        self.instance = instance
        self.plan = plan
        self.blocks: list[Block] = []


def bind(instance: Instance, plan: FunctionPlan) -> Block:
    """Make the blocks of `plan` for `instance`; return the function's entry."""
    binder = Binder(instance, plan)
    blocks, owners = binder.blocks, instance.store.owners
    binding = Binding(instance, plan)
    binding.blocks = blocks
    for block_plan in reversed(plan.blocks):  # most of what a block leads to is made before it
        block = blocks[block_plan.number] = binder.bind(block_plan)
        owners[block] = (binding, block_plan.number)
    binder.finish()
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
            arms.append(sequences.one([bind_statement(instance, s) for s in arm.statements]))
            if metered:
                arms.append(arm.cost)
    make = (conditional.METERED if metered else conditional.UNMETERED)[orelse is not None]
    bound: Closure = make(*([instance.store.fuel] if metered else []), condition, *arms)
    return bound


#: What a form calls a block that it leads to, and that block, or the plan of one that may not be made yet.
Target = tuple[str, BlockPlan | Block]
#: What a plan's end becomes: the form, what it is made with, and where it leads.
End = tuple[str, list[Any], Sequence[Target]]

#: How the names of forms say which way a branch goes.
_LETTERS = {"leave": "x", "run": "c", "again": "a"}


class Binder:
    """Makes the blocks of one function for an instance, each after most of those that it leads to."""

    def __init__(self, instance: Instance, plan: FunctionPlan) -> None:
        self.instance = instance
        self.store = instance.store
        self.metered = instance.store.config.consume_fuel
        self.blocks: list[Any] = [None] * len(plan.blocks)
        #: Blocks whose target of that name is made later, or lists of targets.
        self.waiting: list[tuple[Block, str, BlockPlan]] = []
        self.switches: list[tuple[list[Block], list[BlockPlan]]] = []

    def finish(self) -> None:
        """Give the blocks what was made after them."""
        for block, name, target in self.waiting:
            cell = block.__code__.co_freevars.index(name)  # type: ignore[attr-defined]
            block.__closure__[cell].cell_contents = self.blocks[target.number]  # type: ignore[attr-defined]
        for bound, targets in self.switches:
            bound += [self.blocks[target.number] for target in targets]

    def bind(self, plan: BlockPlan) -> Block:
        statements = [bind_statement(self.instance, statement) for statement in plan.statements]
        if plan.end == "bulk":
            return self.make(bind_bulk, [self.instance, plan], [("T", plan.targets[0])])
        statements = sequences.at_most(statements, UNROLLED)
        name, operands, targets = END_BINDERS[plan.end](self, plan)
        forms = self.library(plan).FORMS
        operands = [*statements, *operands]
        if forms is not forms_free.FORMS:
            operands = [self.store.fuel, plan.cost, *operands]
        elif plan.looped and plan.root is plan:
            operands = [self.store.slice, *operands]
        return self.make(forms[name, len(statements)], operands, targets)

    def library(self, plan: BlockPlan) -> Any:
        """The module with the forms of blocks that pay as `plan`'s does."""
        if not self.metered or not plan.cost:
            return forms_free
        return forms_tested if plan.root is plan else forms_charged

    def make(
        self, factory: Callable[..., Block], operands: list[Any], targets: Sequence[Target]
    ) -> Block:
        """The block that `factory` makes; `targets` are its last operands."""
        blocks = self.blocks
        late = []
        for name, target in targets:
            if isinstance(target, BlockPlan):
                operands.append(blocks[target.number])
                if operands[-1] is None:
                    late.append((name, target))
            else:
                operands.append(target)
        block = factory(*operands)
        for name, target in late:
            self.waiting.append((block, name, target))
        return block

    def leave(self, target: BlockPlan) -> Block:
        """A block that only leaves its tree for `target`."""
        return self.make(forms_free.FORMS["goto", 0], [], [("T", target)])

    def ways(self, plan: BlockPlan) -> list[str]:
        """How `plan` goes on with each target: running it itself, starting its tree again, or leaving."""
        ways = []
        for target, runs in zip(plan.targets, plan.runs, strict=True):
            if runs:
                ways.append("run")
            elif target is plan.root and target.looped:
                ways.append("own" if target is plan else "again")
            else:
                ways.append("leave")
        return ways

    # How each kind of end is bound.

    def goto(self, plan: BlockPlan) -> End:
        (way,) = self.ways(plan)
        form = {"leave": "goto", "run": "goto_run", "own": "goto_loop", "again": "again"}[way]
        return form, [], [("T", plan.targets[0])] if way in ("leave", "run") else []

    def branch(self, plan: BlockPlan) -> End:
        form, operands, negated = self.test(plan)
        order = (1, 0) if negated else (0, 1)
        then, orelse = targets = [(name, plan.targets[i]) for name, i in zip("TF", order, strict=True)]
        ways = [self.ways(plan)[i] for i in order]
        if not plan.looped or plan.root is not plan:
            if ways == ["again", "again"]:
                return "again", [], []
            kept = [target for target, way in zip(targets, ways, strict=True) if way != "again"]
            return f"{form}_{_LETTERS[ways[0]]}{_LETTERS[ways[1]]}", operands, kept
        if ways == ["own", "leave"]:
            return f"{form}_{self.loop(plan)}", operands, [orelse]
        if ways == ["leave", "own"]:
            return f"{form}_until_{self.loop(plan)}", operands, [then]
        if ways == ["own", "run"]:
            return f"{form}_while_c", operands, [orelse]
        if ways == ["run", "own"]:
            return f"{form}_until_c", operands, [then]
        entered = [
            (name, self.leave(target) if way == "leave" else target)
            for way, (name, target) in zip(ways, targets, strict=True)
        ]
        return f"{form}_loop_cc", operands, entered

    def loop(self, plan: BlockPlan) -> str:
        """How a block that is its own successor counts its rounds."""
        if not self.metered or any(isinstance(statement, Conditional) for statement in plan.statements):
            return "while"
        return "counted"  # nothing else charges fuel meanwhile

    def test(self, plan: BlockPlan) -> tuple[str, list[Any], bool]:
        """The group of forms that test `plan`'s condition, their operands, and whether they test the negation."""
        assert plan.condition is not None
        tree, operands = plan.condition[0], plan.condition[1]
        if tree in FUSED:
            form, negated = FUSED[tree]
            return form, list(operands), negated
        return "if", [CONDITIONS[tree](*resolve(self.instance, operands))], False

    def switch(self, plan: BlockPlan) -> End:
        register, count = plan.operands
        bound: list[Block] = []
        self.switches.append((bound, plan.targets))
        return "switch_run" if all(plan.runs) else "switch", [register, count, bound], []

    def ret(self, plan: BlockPlan) -> End:
        return plan.end, [self.store.frames.pop, *plan.operands], []

    def call(self, plan: BlockPlan) -> End:
        destination, *callee, arguments = plan.operands
        suffix, given = _suffix(arguments)
        store = self.store
        stack = [store.frames, store.config.max_call_depth, destination]
        operands = [*stack, *self.callee(callee), *given]
        return f"{plan.end}_{suffix}", operands, [("T", plan.targets[0])]

    def tail(self, plan: BlockPlan) -> End:
        *callee, arguments = plan.operands
        suffix, given = _suffix(arguments)
        return f"{plan.end}_{suffix}", [*self.callee(callee), *given], []

    def callee(self, operands: list[Any]) -> list[Any]:
        """A function; or a table, the type it must have there, and the register of its index."""
        if len(operands) == 1:
            return [operands[0].resolve(self.instance)]
        table, type_index, register = operands
        return [table.resolve(self.instance), self.instance.types[type_index], register]

    def throw(self, plan: BlockPlan) -> End:
        return "raise", resolve(self.instance, plan.operands), []


def _suffix(arguments: Sequence[int]) -> tuple[str, list[Any]]:
    if len(arguments) <= CALL_ARITY:
        return str(len(arguments)), list(arguments)
    return "n", [arguments]


END_BINDERS: dict[str, Callable[[Binder, BlockPlan], End]] = {
    "goto": Binder.goto,
    "if": Binder.branch,
    "switch": Binder.switch,
    "ret_0": Binder.ret,
    "ret_1": Binder.ret,
    "ret_n": Binder.ret,
    "call": Binder.call,
    "calli": Binder.call,
    "tail": Binder.tail,
    "taili": Binder.tail,
    "raise": Binder.throw,
}


#: Operations that are blocks of their own.
OPERATIONS = {**bulk.OPERATIONS, **arrays.OPERATIONS}


def bind_bulk(instance: Instance, plan: BlockPlan, T: Block) -> Block:
    """The block of a bulk operation, which `T` follows."""
    mnemonic, immediates, registers = plan.operands
    amount, run = OPERATIONS[mnemonic].make(instance, immediates, registers)
    fuel, cost = instance.store.fuel, plan.cost

    def metered_block(R: list[Any]) -> Any:
        left = fuel[0] - cost - amount(R)
        if left < 0:
            raise OutOfFuel
        fuel[0] = left
        run(R)
        return T, R

    def block(R: list[Any]) -> Any:
        count = amount(R)
        if fuel[0] < 0:
            raise OutOfFuel
        fuel[0] -= count
        run(R)
        return T, R

    return metered_block if instance.store.config.consume_fuel else block
