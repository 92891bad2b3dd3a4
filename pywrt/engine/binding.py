"""Binding: a plan becomes blocks, closures over one instance's memories, tables, globals and store.

A function's entry is `bind_on_call` until its first call: then its body is lowered (once a module) and
bound (once an instance).
"""

from collections.abc import Sequence
from typing import Any

from pywrt.engine import arrays, bulk, conditional, sequences
from pywrt.engine.forms import LEAVE, UNROLLED
from pywrt.engine.plan import BlockPlan, Closure, Conditional, FunctionPlan, Ref, Statement
from pywrt.engine.stops import OutOfFuel
from pywrt.runtime.instance import Instance
from pywrt.runtime.store import Block


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


class Binder:
    """Makes the blocks of one function for an instance, each after most of those that it leads to."""

    def __init__(self, instance: Instance, plan: FunctionPlan) -> None:
        self.instance = instance
        self.fuel, self.slice = instance.store.fuel, instance.store.slice
        self.metered = instance.store.config.consume_fuel
        self.blocks: list[Any] = [None] * len(plan.blocks)
        #: Blocks whose target of that name is made later; and lists of targets.
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
        """The block of `plan`."""
        if plan.end == "bulk":
            block = bind_bulk(self.instance, plan, self.blocks[plan.targets[0].number])
            if self.blocks[plan.targets[0].number] is None:
                self.waiting.append((block, "T", plan.targets[0]))
            return block
        form, blocks = plan.form, self.blocks
        operands = [s.closure or self.statement(s) for s in plan.statements]
        if form.stepped:
            operands.pop()
        if len(operands) > UNROLLED:
            operands = sequences.at_most(operands, UNROLLED)
        head: Sequence[Any] = ()
        if self.metered and plan.cost:
            factory, head = form.metered, (self.fuel, plan.cost)
        else:
            factory = form.unmetered
            if form.bounded:
                head = (self.slice,)
        if form.test is not None:
            operands.append(form.test.closure or self.statement(form.test))
        operands += self.resolve(form.operands) if form.refers else form.operands
        if plan.end == "switch":
            operands.append([])
            self.switches.append((operands[-1], plan.targets))
        late = []
        for name, target in form.targets:
            block = blocks[target.number]
            if name in form.stubs:
                stub = LEAVE(block)
                if block is None:
                    self.waiting.append((stub, "T", target))
                block = stub
            elif block is None:
                late.append((name, target))
            operands.append(block)
        made: Block = factory(*head, *operands)
        for name, target in late:
            self.waiting.append((made, name, target))
        return made

    def resolve(self, operands: Sequence[Any]) -> list[Any]:
        instance = self.instance
        return [x.resolve(instance) if x.__class__ is Ref else x for x in operands]

    def statement(self, statement: Statement | Conditional) -> Closure:
        if statement.closure is not None:
            return statement.closure
        if isinstance(statement, Conditional):
            return self.conditional(statement)
        instance = self.instance
        return statement.factory(
            *[x.resolve(instance) if x.__class__ is Ref else x for x in statement.operands]
        )

    def conditional(self, statement: Conditional) -> Closure:
        """The closure of an arm, or two, run on a condition; an arm's fuel is charged when it runs."""
        arms: list[Any] = []
        for arm in (statement.then, statement.orelse):
            if arm is not None:
                arms.append(sequences.one([self.statement(s) for s in arm.statements]))
                if self.metered:
                    arms.append(arm.cost)
        make = (conditional.METERED if self.metered else conditional.UNMETERED)[statement.orelse is not None]
        test = self.statement(statement.test)
        return make(self.fuel, test, *arms) if self.metered else make(test, *arms)  # type: ignore[no-any-return]


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
