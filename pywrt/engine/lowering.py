"""Lowering: one pass over a validated body that makes its basic blocks.

Strategy: a symbolic operand stack of expression trees (`trees.Node`). An instruction without effects
only combines the trees on top; a tree becomes a statement when its value is stored, or when it is
*materialised*: written to the register that belongs to its place on the stack. That happens where a
statement would change what a waiting tree reads or the order of traps (`_write`, `_effect`), where
control flow joins, and beyond a depth of 16. Trees grow by the shape library's transition table; where
it has no entry, an operand is materialised and the tree starts again from a register.

Registers of a frame: its link (`runtime.frame`), parameters, locals, then one for each place on the operand
stack. A tree at place
p reads, beside locals, only places p and above; so materialising from the bottom up never overwrites
what is still to be read.

Spec: the instructions' semantics are exec/instructions.html; the fuel schedule is the opcode table's.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from pywrt.engine import bulk
from pywrt.engine.immediates import CLOSING, Body, Signatures
from pywrt.engine.operators import READS_MEMORY, READS_STATE, TRAPS
from pywrt.engine.plan import BlockPlan, CatchScope, FunctionPlan, Ref, Statement
from pywrt.engine.stops import unreachable
from pywrt.engine.trees import CONDITIONS, CONST, REGISTER, STATEMENTS, TRANSITIONS, Node
from pywrt.runtime.frame import LINK
from pywrt.wasm.module import Code
from pywrt.wasm.types import (
    F32,
    F64,
    I32,
    I64,
    V128,
    FuncType,
    ValType,
)

#: Instructions between two looks at the deadline.
CHECKED = 4096
#: Registers from which a frame counts as several in the call depth.
LARGE_FRAME = 64
#: Registers beyond which a function keeps no copy of what its frame starts with.
HUGE_FRAME = 1024
#: Trees that may wait on the operand stack.
MAX_PENDING = 16
ANY_EFFECT = READS_MEMORY | TRAPS | READS_STATE

NOTHING: tuple[()] = ()


def zero_of(type: ValType) -> Any:
    """The value that a local of `type` starts with."""
    if type is I32 or type is I64 or type is V128:
        return 0
    return 0.0 if type is F32 or type is F64 else None


class Label:
    """A branch target. `block` is made when something branches there (a loop's at once).

    `handler` gets what is thrown in it, `outer` what is thrown around it; a legacy `try` keeps the `scope`
    that its catches add to.
    """

    __slots__ = (
        "arity", "block", "handler", "height", "kind", "orelse", "outer", "params", "results", "scope"
    )  # fmt: skip

    def __init__(
        self, kind: str, height: int, params: int, results: int, handler: CatchScope | None = None
    ) -> None:
        self.kind = kind
        self.handler = self.outer = handler
        self.scope: CatchScope | None = None
        self.height = height
        self.params = params
        self.results = results
        self.arity = params if kind == "loop" else results
        self.block: BlockPlan | None = None
        self.orelse: BlockPlan | None = None


class Lowering(Body):
    """The state of lowering one function."""

    def __init__(self, signatures: Signatures, index: int, code: Code) -> None:
        super().__init__(signatures, code.expr.data)
        self.index = index
        self.offset = 0  # of the instruction that is being lowered
        type = signatures.funcs[index]
        self.locals = [(zero_of(valtype), count) for count, valtype in code.locals]
        # the register of the operand stack's first place
        self.base = LINK + len(type.params) + sum([count for count, _ in code.locals])
        self.params = len(type.params)
        self.registers = self.base
        self.stack: list[Node] = []
        self.own: list[Node] = []  # for each place, the value that is in its register
        self.pending = 0  # below this place, everything is in its register
        self.labels: list[Label] = [Label("func", 0, 0, len(type.results))]
        self.blocks: list[BlockPlan] = []
        self.block: BlockPlan | None = None
        self.handler: CatchScope | None = None  # of the code that is being lowered
        self.landings: list[BlockPlan] = []
        self.caller: BlockPlan | None = None  # the last call's block, while nothing has run since
        self.start(BlockPlan())
        self.blocks[0].cost = 1  # entering a function

    def run(self, position: int, handlers: Sequence["Handler"], check: Callable[[], object]) -> FunctionPlan:
        """Handler the instructions from `position` to the function's end, by `handlers` indexed by opcode.

        `check` is called now and then, and may raise to give up.
        """
        data = self.data
        labels = self.labels
        while labels:
            check()
            for _ in repeat(None, CHECKED):
                if not labels:
                    break
                opcode = data[position]
                if self.block is None and opcode not in CLOSING:
                    position = self.skip(position)
                    continue
                self.offset = position
                position = handlers[opcode](self, position + 1)
        return FunctionPlan(self.index, self.blocks, self.frame(), self.landings)

    def frame(self) -> tuple[Any, ...]:
        """What the registers behind the parameters start with; a large frame counts in the call depth."""
        runs = [*self.locals, (None, self.registers - self.base)]
        statements = self.blocks[0].statements
        if self.registers > HUGE_FRAME:
            statements.insert(0, Statement(bulk.extend_frame, (tuple(runs),), NOTHING))
        if self.registers > LARGE_FRAME:
            weight = self.registers // LARGE_FRAME + 1
            statements.insert(0, Statement(bulk.check_depth, (Ref("store", 0), weight), NOTHING))
        if self.registers > HUGE_FRAME:
            return NOTHING
        return tuple([value for value, count in runs for _ in range(count)])

    # --- blocks

    def start(self, block: BlockPlan) -> None:
        """Go on in `block`."""
        self.blocks.append(block)
        self.block = block

    def finish(
        self, end: str, operands: tuple[Any, ...] = (), targets: list[BlockPlan] | None = None
    ) -> None:
        """End the current block; what follows is unreachable until a block is started."""
        block = self.block
        assert block is not None
        block.end = end
        block.operands = operands
        block.targets = targets or []
        block.offset = self.offset
        self.block = None

    # --- the symbolic stack

    def push(self, node: Node) -> None:
        stack = self.stack
        stack.append(node)
        if len(stack) - self.pending > MAX_PENDING:
            self.settle(self.pending + 1)

    def pop(self) -> Node:
        node = self.stack.pop()
        if len(self.stack) < self.pending:
            self.pending = len(self.stack)
        return node

    def settle(self, height: int) -> None:
        """Materialise every waiting tree below `height`, from the bottom up."""
        for place in range(self.pending, height):
            self.materialise(place)
        if height > self.pending:
            self.pending = height

    def materialise(self, place: int) -> None:
        """Put the value at `place` of the stack into its register."""
        node = self.stack[place]
        register = self.base + place
        if node[0] == REGISTER and node[1][0] == register:
            return
        self.write(register, node, place)
        self.stack[place] = (REGISTER, (register,), 0, NOTHING)

    def write(self, register: int, node: Node, height: int) -> None:
        """Emit `R[register] = node`, after whatever waits below `height` and would be disturbed by it."""
        stack = self.stack
        effects = node[2]
        # a tree that traps keeps its order among those that do; memory reads trap alike
        conflicts = READS_MEMORY | TRAPS if effects & TRAPS else TRAPS if effects & READS_MEMORY else 0
        for place in range(height - 1, self.pending - 1, -1):
            waiting = stack[place]
            if register in waiting[1] or waiting[2] & conflicts:
                self.settle(place + 1)
                break
        if register >= self.registers:
            self.registers = register + 1
        assert self.block is not None
        self.block.statements.append(Statement(STATEMENTS[node[0]], (register, *node[1]), node[3]))

    def redirect(self, register: int, node: Node) -> bool:
        """Let the call that has just returned deliver its result, `node`, to `register`, if that can be."""
        caller = self.caller
        if caller is None or self.block is not caller.targets[0] or self.block.statements:
            return False
        if node[0] != REGISTER or node[1][0] != caller.operands[0]:
            return False
        if any(register in waiting[1] for waiting in self.stack[self.pending :]):
            return False
        caller.operands = (register, *caller.operands[1:])
        self.caller = None
        return True

    def effect(self, effects: int, height: int | None = None) -> None:
        """Before a side effect, or giving values up: materialise what waits below `height` with `effects`."""
        stack = self.stack
        for place in range((len(stack) if height is None else height) - 1, self.pending - 1, -1):
            if stack[place][2] & effects:
                self.settle(place + 1)
                return

    def statement(
        self, factory: Callable[..., Any], operands: tuple[Any, ...], offsets: tuple[int, ...]
    ) -> None:
        assert self.block is not None
        self.block.statements.append(Statement(factory, operands, offsets))

    def register(self, place: int) -> int:
        """The register that holds the value at `place`: a local's own, or the place's."""
        node = self.stack[place]
        if node[0] != REGISTER:
            self.materialise(place)
            node = self.stack[place]
        register = node[1][0]
        assert isinstance(register, int)
        return register

    def reduce(self, key: tuple[Any, ...], places: list[int]) -> None:
        """Materialise operands at `places` until the transition table has the operator over them.

        The last operand that isn't a leaf goes first, unless one before it must keep its order.
        """
        stack = self.stack
        operator = key[0]
        for place in places:
            if stack[place][0] > CONST:
                self.materialise(place)
                if (operator, *[stack[p][0] for p in places]) in TRANSITIONS:
                    return
        for place in places:
            if stack[place][0] != REGISTER:
                self.materialise(place)
                if (operator, *[stack[p][0] for p in places]) in TRANSITIONS:
                    return

    # --- control

    def enter(self, kind: str, position: int) -> int:
        """`block` and `loop`: everything waiting is settled, so that branches find it in registers."""
        params, results, position = self.block_type(position)
        self.settle(len(self.stack))
        label = Label(kind, len(self.stack) - params, params, results, self.handler)
        self.labels.append(label)
        if kind == "loop":
            label.block = header = BlockPlan()
            self.finish("goto", targets=[header])
            self.start(header)
        return position

    def lower_if(self, position: int) -> int:
        params, results, position = self.block_type(position)
        condition = self.condition()
        self.settle(len(self.stack))
        label = Label("if", len(self.stack) - params, params, results, self.handler)
        self.labels.append(label)
        then, label.orelse = BlockPlan(), BlockPlan()
        self.branch_on(condition, then, label.orelse)
        self.start(then)
        return position

    def lower_else(self, position: int) -> int:
        label = self.labels[-1]
        if self.block is not None:
            self.jump(label)
        assert label.orelse is not None
        self.start(label.orelse)
        label.orelse = None
        self.reset(label.height, label.params)
        return position

    def lower_end(self, position: int) -> int:
        label = self.labels[-1]
        if label.kind == "func":
            if self.block is not None:
                self.ret()
            self.labels.pop()
            return position
        if label.orelse is not None:  # an `if` without `else`: its parameters are its results
            self.lower_else(position)
        self.labels.pop()
        self.handler = label.outer
        if label.kind == "catch" and self.block is not None:
            self.jump(label)  # below its results waits the exception
        if label.kind == "loop" or label.block is None:
            return position  # nothing branches here: go on in the same block, reachable or not
        if self.block is not None:
            self.jump(label)
        self.start(label.block)
        self.reset(label.height, label.results)
        return position

    def reset(self, height: int, count: int) -> None:
        """Make the stack `height` places and `count` values, all in their registers."""
        stack = self.stack
        if len(stack) == height + count == self.pending:
            return  # as they are: nothing to do for each of many values
        del stack[height:]
        self.pending = len(stack)
        self.push_own(height + count - len(stack))

    def push_own(self, count: int) -> None:
        """Push `count` values that are in their places' registers. Of many, all below is settled first."""
        stack, own = self.stack, self.own
        height = len(stack)
        while len(own) < height + count:
            own.append((REGISTER, (self.base + len(own),), 0, NOTHING))
        if count > MAX_PENDING:
            self.settle(height)
        stack += own[height : height + count]
        if self.pending == height:
            self.pending = height + count
        elif len(stack) - self.pending > MAX_PENDING:
            self.settle(len(stack) - MAX_PENDING)
        self.registers = max(self.registers, self.base + len(stack))

    def jump(self, label: Label) -> None:
        """End the block with a branch to `label`, carrying its values there."""
        if label.kind == "func":
            self.ret()
            return
        count = label.arity
        source = len(self.stack) - count
        self.effect(READS_MEMORY | TRAPS, source)
        if count == 1:
            node = self.stack[source]
            target = self.base + label.height
            if node[:2] != (REGISTER, (target,)):
                self.write(target, node, source)
        elif count:
            self.settle(len(self.stack))
            if source != label.height:
                target = self.base + label.height
                self.statement(bulk.move, (target, self.base + source, count), NOTHING)
        if label.block is None:
            label.block = BlockPlan()
        self.finish("goto", targets=[label.block])

    def edge(self, label: Label) -> BlockPlan:
        """The block that a conditional branch to `label` goes to, by way of one that moves its values."""
        count = label.arity
        if label.kind != "func" and (count == 0 or len(self.stack) - count == label.height):
            self.settle(len(self.stack) if count else self.pending)
            if label.block is None:
                label.block = BlockPlan()
            return label.block
        current, pending = self.block, self.pending
        waiting = self.stack[pending:]  # what the branch may change; what is below may be long
        edge = BlockPlan()
        self.start(edge)
        self.jump(label)
        self.stack[pending:] = waiting
        self.block, self.pending = current, pending
        return edge

    def condition(self) -> Node:
        """Pop a condition, as a tree that some shape can test."""
        if self.stack[-1][0] not in CONDITIONS:
            self.materialise(len(self.stack) - 1)
        return self.pop()

    def branch_on(self, condition: Node, then: BlockPlan, orelse: BlockPlan) -> None:
        assert self.block is not None
        self.block.condition = condition
        self.finish("if", targets=[then, orelse])

    def lower_br(self, position: int) -> int:
        depth, position = self.u32(position)
        self.jump(self.labels[-1 - depth])
        return position

    def lower_br_if(self, position: int) -> int:
        depth, position = self.u32(position)
        label = self.labels[-1 - depth]
        if label.arity:
            # the values are needed on both ways: compute them before the condition is tested
            self.settle(len(self.stack) - 1)
        condition = self.condition()
        self.effect(READS_MEMORY | TRAPS)
        target = self.edge(label)
        following = BlockPlan()
        self.branch_on(condition, target, following)
        self.start(following)
        return position

    def lower_br_table(self, position: int) -> int:
        count, position = self.u32(position)
        depths = []
        for _ in range(count + 1):
            depth, position = self.u32(position)
            depths.append(depth)
        if self.labels[-1 - depths[-1]].arity:
            self.settle(len(self.stack) - 1)
        register = self.register(len(self.stack) - 1)
        self.pop()
        self.effect(READS_MEMORY | TRAPS)
        edges = {depth: self.edge(self.labels[-1 - depth]) for depth in set(depths)}
        self.finish("switch", (register, count), [edges[depth] for depth in depths])
        return position

    def ret(self) -> None:
        count = self.labels[0].results
        height = len(self.stack)
        self.effect(READS_MEMORY | TRAPS, height - count)
        if count == 1:
            self.finish("ret_1", (self.register(height - 1),))
        elif count:
            for place in range(max(self.pending, height - count), height):
                self.materialise(place)
            self.finish("ret_n", (self.base + height - count, count))
        else:
            self.finish("ret_0")

    def lower_return(self, position: int) -> int:
        self.ret()
        return position

    def lower_unreachable(self, position: int) -> int:
        self.effect(ANY_EFFECT)
        self.finish("raise", (unreachable,))
        return position

    # --- calls

    def arguments(self, type: FuncType) -> Sequence[int]:
        """Pop a call's arguments, each in a register."""
        count = len(type.params)
        height = len(self.stack)
        registers: Sequence[int] = range(self.base + height - count, self.base + height)
        if self.pending < height:
            registers = tuple([self.register(place) for place in range(height - count, height)])
        del self.stack[height - count :]
        self.pending = min(self.pending, len(self.stack))
        return registers

    def call(self, end: str, operands: tuple[Any, ...], registers: Sequence[int], type: FuncType) -> None:
        self.effect(ANY_EFFECT)
        stack = self.stack
        height = len(stack)
        first = self.base + height
        count = len(type.results)
        for place in range(height - 1, self.pending - 1, -1):
            # results go to places that a waiting tree may still read
            if any(first <= r < first + count for r in stack[place][1] if r.__class__ is int):
                self.settle(place + 1)
                break
        following = BlockPlan()
        following.call_offset = self.offset
        following.handler = self.handler
        self.caller = self.block if count == 1 else None
        self.finish(end, (first, *operands, registers), [following])
        self.start(following)
        self.push_own(count)

    def lower_call(self, position: int) -> int:
        index, position = self.u32(position)
        type = self.signatures.funcs[index]
        self.call("call", (Ref("func", index),), self.arguments(type), type)
        return position

    def indirect(self, position: int) -> tuple[int, int, FuncType, int, Sequence[int]]:
        """An indirect call's (table, index's register, type, type index, arguments' registers)."""
        type_index, position = self.u32(position)
        table, position = self.u32(position)
        type = self.signatures.types[type_index].func
        index = self.stack[-1]
        if index[0] != REGISTER:
            self.materialise(len(self.stack) - 1)
        register = self.register(len(self.stack) - 1)
        # the arguments are written after the index was read into a register of its own, or is a local
        self.pop()
        self.position = position
        return table, register, type, type_index, self.arguments(type)

    def lower_call_indirect(self, position: int) -> int:
        table, register, type, type_index, registers = self.indirect(position)
        self.call("calli", (Ref("table", table), type_index, register), registers, type)
        return self.position

    def lower_return_call(self, position: int) -> int:
        index, position = self.u32(position)
        registers = self.arguments(self.signatures.funcs[index])
        self.effect(ANY_EFFECT)
        self.finish("tail", (Ref("func", index), registers))
        return position

    def lower_return_call_indirect(self, position: int) -> int:
        table, register, _, type_index, registers = self.indirect(position)
        self.effect(ANY_EFFECT)
        self.finish("taili", (Ref("table", table), type_index, register, registers))
        return self.position

    # --- bulk operations, each a block of its own

    def bulk(self, mnemonic: str, operands: tuple[Any, ...], count: int, result: bool = False) -> None:
        """End the block, and run `bulk.OPERATIONS[mnemonic]` on `count` popped registers in the next."""
        height = len(self.stack)
        registers = tuple([self.register(place) for place in range(height - count, height)])
        self.effect(ANY_EFFECT)
        del self.stack[height - count :]
        self.pending = min(self.pending, len(self.stack))
        assert self.block is not None
        self.block.cost -= 1  # the operation's own fuel is charged with what depends on its size
        own, following = BlockPlan(), BlockPlan()
        if result:
            self.settle(len(self.stack))  # a waiting tree may read the place that the result goes to
        self.finish("goto", targets=[own])
        self.start(own)
        own.cost = 1
        if result:
            destination = self.base + len(self.stack)
            self.push((REGISTER, (destination,), 0, NOTHING))
            self.registers = max(self.registers, destination + 1)
            registers = (destination, *registers)
        self.finish("bulk", (mnemonic, operands, registers), [following])
        self.start(following)


#: fn(lowering, position behind the opcode) -> position behind the instruction.
Handler = Callable[[Lowering, int], int]
