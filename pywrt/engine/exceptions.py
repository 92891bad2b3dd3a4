"""Exceptions: lowering of the instructions that throw and catch, and the search for what catches.

Strategy: a `try_table` costs nothing until something is thrown. Lowering notes, for each call and each
throw, the `CatchScope` that it stands in. A throw leaves the trampoline as a Python exception, and `unwind`
looks through the scope of the block that threw, then through those of the calls that wait: the block that
goes on in each frame names, by `store.owners`, its binding and its plan. Where a clause matches, its landing
block runs on that frame's registers. What was
charged ahead for blocks that are left is given back, so that fuel stays exact.

Whatever is on the operand stack below a `try_table` is in its registers when the instruction is entered, so
a landing block finds it there.

Spec: exec/instructions.html#control-instructions; the legacy ones: document/legacy/exceptions.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pywrt.engine.binding import Binding
from pywrt.engine.lowering import ANY_EFFECT, Handler, Label, Lowering
from pywrt.engine.objects import take_objects
from pywrt.engine.plan import BlockPlan, CatchScope, Clause, made
from pywrt.errors import ThrownException, Trap
from pywrt.runtime.exception import Exn
from pywrt.runtime.frame import waiting
from pywrt.runtime.store import Block, Store
from pywrt.runtime.tag import Tag

# ------------------------------------------------------------------------------------------ unwinding


def unwind(
    store: Store, thrown: ThrownException, block: Block | None, registers: list[Any]
) -> tuple[Block, list[Any]] | None:
    """The block and registers to go on with after `block`, which ran on `registers`, has thrown.

    `block` is None if host code did that, whose frame `registers` are. None if nothing catches the exception
    in the activation that runs.
    """
    exception = thrown.exception
    owner = None if block is None else store.owners.get(block)
    if owner is not None:
        binding, number = owner
        landing = _land(binding, binding.plan.blocks[number].thrown, exception, registers)
        if landing is not None:
            return landing, registers
    refund = 0
    for following, caller in waiting(registers):
        owner = store.owners.get(following)
        if owner is None:
            return None  # host code waits there: it is for what called that to say what happens
        binding, number = owner
        plan: BlockPlan = binding.plan.blocks[number]
        refund += plan.prepaid
        landing = _land(binding, plan.handler, exception, caller)
        if landing is not None:
            if store.config.consume_fuel:
                store.fuel[0] += refund
            return landing, caller
    return None


def _land(binding: Binding, scope: CatchScope | None, exception: Exn, registers: list[Any]) -> Block | None:
    """The landing block of the first clause that catches, which finds its operands in `registers`."""
    while scope is not None:
        for clause in scope.clauses:
            if clause.tag is None or binding.instance.tags[clause.tag] is exception.tag:
                if clause.tag is not None:
                    first = clause.values
                    registers[first : first + len(exception.values)] = exception.values
                if clause.reference is not None:
                    registers[clause.reference] = exception
                return binding.blocks[clause.landing.number]
        scope = scope.outer
    return None


# ------------------------------------------------------------------------------------------- throwing


def _thrower(store: Store, tag: Tag, registers: Sequence[int]) -> Callable[[list[Any]], Exception]:
    def throw(R: list[Any]) -> Exception:
        take_objects(store, 1 + len(registers))
        return ThrownException(Exn(store, tag, [R[register] for register in registers]))

    return throw


def _rethrower(register: int) -> Callable[[list[Any]], Exception]:
    def throw(R: list[Any]) -> Exception:
        if R[register] is None:
            return Trap("null exception reference", "null-reference")
        return ThrownException(R[register])

    return throw


def _end_by_throwing(self: Lowering, throw: object) -> None:
    assert self.block is not None
    self.block.thrown = self.handler
    self.finish("raise", (throw,))


def _throw(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    registers = self.arguments(self.signatures.tags[index])
    self.effect(ANY_EFFECT)
    _end_by_throwing(self, made(lambda instance: _thrower(instance.store, instance.tags[index], registers)))
    return position


def _throw_ref(self: Lowering, position: int) -> int:
    register = self.register(len(self.stack) - 1)
    self.pop()
    self.effect(ANY_EFFECT)
    _end_by_throwing(self, _rethrower(register))
    return position


# ------------------------------------------------------------------------------------------- catching

#: The kinds of catch clauses by their byte: whether they name a tag, and whether they take the exception.
_KINDS = ((True, False), (True, True), (False, False), (False, True))


def _enter(self: Lowering, kind: str, position: int) -> tuple[Label, int]:
    """Everything on the stack goes to its register; what is thrown from here on, the label's scope gets."""
    params, results, position = self.block_type(position)
    self.settle(len(self.stack))
    label = Label(kind, len(self.stack) - params, params, results, self.handler)
    label.handler = label.scope = CatchScope(label.outer)
    return label, position


def _land_here(self: Lowering, scope: CatchScope, clause: Clause, height: int, count: int) -> None:
    """Add `clause` to `scope`, and go on in its landing block: `count` operands are at place `height`."""
    scope.clauses.append(clause)
    self.landings.append(clause.landing)
    self.start(clause.landing)
    self.reset(height, count)


def _arity(self: Lowering, tag: int | None) -> int:
    return 0 if tag is None else len(self.signatures.tags[tag].params)


def _try_table(self: Lowering, position: int) -> int:
    label, position = _enter(self, "try_table", position)
    assert label.handler is not None
    body = self.block
    count, position = self.u32(position)
    for _ in range(count):
        tagged, reference = _KINDS[self.data[position]]
        tag = None
        position += 1
        if tagged:
            tag, position = self.u32(position)
        depth, position = self.u32(position)
        first, arity = self.base + label.height, _arity(self, tag)
        clause = Clause(tag, first, first + arity if reference else None, BlockPlan())
        _land_here(self, label.handler, clause, label.height, arity + reference)
        self.jump(self.labels[-1 - depth])
    self.block = body
    self.reset(label.height, label.params)
    self.labels.append(label)
    self.handler = label.handler
    return position


# The legacy instructions: a `catch` is a part of the block, as `else` is. Below what it is given waits the
# exception, for `rethrow`.


def _try(self: Lowering, position: int) -> int:
    label, position = _enter(self, "try", position)
    self.labels.append(label)
    self.handler = label.handler
    return position


def _catch(self: Lowering, position: int) -> int:
    tag, position = self.u32(position)
    return _catch_part(self, tag, position)


def _catch_all(self: Lowering, position: int) -> int:
    return _catch_part(self, None, position)


def _catch_part(self: Lowering, tag: int | None, position: int) -> int:
    label = self.labels[-1]
    if self.block is not None:
        self.jump(label)
    label.kind = "catch"
    self.handler = label.handler = label.outer  # the label's scope is the body's alone
    assert label.scope is not None
    first = self.base + label.height
    clause = Clause(tag, first + 1, first, BlockPlan())
    _land_here(self, label.scope, clause, label.height, 1 + _arity(self, tag))
    return position


def _rethrow(self: Lowering, position: int) -> int:
    depth, position = self.u32(position)
    label = self.labels[-1 - depth]
    self.effect(ANY_EFFECT)
    _end_by_throwing(self, _rethrower(self.base + label.height))
    return position


def _delegate(self: Lowering, position: int) -> int:
    depth, position = self.u32(position)
    label = self.labels[-1]
    assert label.handler is not None
    label.handler.outer = self.labels[-2 - depth].handler
    return self.lower_end(position)


HANDLERS: dict[str, Handler] = {
    "throw": _throw,
    "throw_ref": _throw_ref,
    "try_table": _try_table,
    "try": _try,
    "catch": _catch,
    "catch_all": _catch_all,
    "rethrow": _rethrow,
    "delegate": _delegate,
}
