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
        number = block_plan.number
        block = blocks[number] = binder.bind(block_plan)
        owners[block] = (binding, number)
    binder.finish()
    entry: Block = blocks[0]
    return entry


class Binder:
    """Makes the blocks of one function for an instance, each after most of those that it leads to."""

    def __init__(self, instance: Instance, plan: FunctionPlan) -> None:
        self.instance = instance
        self.fuel, self.slice = instance.store.fuel, instance.store.slice
        self.metered = instance.store.config.consume_fuel
        self.blocks: list[Any] = [None] * len(plan.blocks)
        #: Blocks whose target of that name is made later; and lists of targets.
        self.waiting: list[tuple[Any, str, int]] = []
        self.switches: list[tuple[list[Block], list[BlockPlan]]] = []

    def finish(self) -> None:
        """Give the blocks what was made after them."""
        blocks = self.blocks
        for block, name, number in self.waiting:
            block.__closure__[block.__code__.co_freevars.index(name)].cell_contents = blocks[number]
        for bound, targets in self.switches:
            bound += [blocks[target.number] for target in targets]

    def bind(self, plan: BlockPlan) -> Block:
        """The block of `plan`."""
        if plan.end == "bulk":
            following = plan.targets[0].number
            block = bind_bulk(self.instance, plan, self.blocks[following])
            if self.blocks[following] is None:
                self.waiting.append((block, "T", following))
            return block
        form, blocks, late = plan.form, self.blocks, None
        operands: list[Any] = [s.closure or self.statement(s) for s in plan.statements]
        if form.stepped:
            operands.pop()
        if len(operands) > UNROLLED:
            operands = sequences.at_most(operands, UNROLLED)
        if form.test is not None:
            operands.append(form.test.closure or self.statement(form.test))
        operands += self.resolve(form.operands) if form.refers else form.operands
        if form.targets:
            for name, target in form.targets:
                block = blocks[target.number]
                if name in form.stubs:
                    block = self.leave(target.number)
                elif block is None:
                    late = [*(late or ()), (name, target.number)]
                operands.append(block)
        elif plan.end == "switch":
            operands.append([])
            self.switches.append((operands[-1], plan.targets))
        if self.metered and plan.cost:
            block = form.metered(self.fuel, plan.cost, *operands)
        elif form.bounded:
            block = form.unmetered(self.slice, *operands)
        else:
            block = form.unmetered(*operands)
        if late is not None:
            self.waiting += [(block, name, number) for name, number in late]
        return block  # type: ignore[no-any-return]

    def leave(self, number: int) -> Block:
        """A block that only leaves its tree."""
        block = LEAVE(self.blocks[number])
        if self.blocks[number] is None:
            self.waiting.append((block, "T", number))
        return block

    def resolve(self, operands: Sequence[Any]) -> list[Any]:
        instance = self.instance
        return [x.resolve(instance) if x.__class__ is Ref else x for x in operands]

    def statement(self, statement: Statement | Conditional) -> Closure:
        if statement.__class__ is Conditional:
            return self.conditional(statement)
        assert isinstance(statement, Statement)
        if statement.closure is not None:
            return statement.closure
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
