"""Control flow of a plan: fewer, longer basic blocks.

Strategy: blocks that only jump are bypassed; a block that is reached from one place joins the block it
follows; a small block that several jump to is copied to each (which turns `while` loops into loops that
test at their end, so that a loop's body is one block that is its own successor); and an `if` over a few
statements that can't trap becomes a conditional statement. What a path costs stays the same; only a
conditional arm's fuel is charged without a test before it.

Blocks are visited from the last one back, so a block takes in what has grown already. Meanwhile their
statements are held in reverse: putting a block's own in front of a long list is then an `extend`.
"""

from pywrt.engine.plan import BlockPlan, Conditional, FunctionPlan, Statement
from pywrt.engine.trees import PAIRS, REGISTER, STATEMENTS

#: The factory of `R[a] = R[b]`.
COPY = STATEMENTS[REGISTER]

#: Statements of a block that may be copied to those that jump to it, and copies a function may hold.
SMALL = 4
MAX_COPIES = 200
#: Statements of an arm that becomes conditional.
MAX_ARM = 4
#: Conditional statements within each other.
MAX_NESTING = 4

#: Blocks that run within each other: each is a Python call in the one before.
MAX_CHAIN = 12

#: Ends of blocks that may be copied.
_COPIED = ("if", "goto", "ret_0", "ret_1", "ret_n")


def tidy(plan: FunctionPlan) -> FunctionPlan:
    """Improve the blocks of `plan`, drop those that nothing reaches, and number the rest."""
    entry = plan.blocks[0]
    roots = [entry, *plan.landings]
    _bypass(plan.blocks)
    order = _in_order(roots)
    counts = _predecessors(order, roots)
    copies = 0
    for block in order:
        block.statements.reverse()
    for block in reversed(order):
        # from the end back, so that what a block takes in is as long as it gets
        while True:
            if block.end == "if" and _convert(block, counts):
                continue
            if block.end != "goto":
                break
            target = block.targets[0]
            if target is block or target.end == "bulk":
                break
            if counts[id(target)] == 1:
                target.statements.extend(block.statements)
                _absorb(block, target, target.statements, target.targets)
                counts[id(target)] = 0
                continue
            small = len(target.statements) <= SMALL and target.end in _COPIED
            if not small or copies >= MAX_COPIES or target.targets == [target]:
                break
            copies += 1
            _absorb(block, target, target.statements + block.statements, list(target.targets))
            counts[id(target)] -= 1
            for following in block.targets:
                counts[id(following)] += 1
    order = _in_order(roots)
    counts = _predecessors(order, roots)
    _chain(order, counts)
    for block in reversed(order):
        block.statements.reverse()
        _return_copied(block)
        _charge_ahead(block, counts)
        block.statements = _paired(block.statements)
    for number, block in enumerate(order):
        block.number = number
    plan.blocks = order
    return plan


def _bypass(blocks: list[BlockPlan]) -> None:
    """Let jumps to a block that only jumps go where it goes."""
    for block in blocks:
        for i, target in enumerate(block.targets):
            if _only_jumps(target):
                block.targets[i] = _destination(target)


def _only_jumps(block: BlockPlan) -> bool:
    return block.end == "goto" and not block.statements and not block.cost and block.call_offset is None


def _destination(block: BlockPlan) -> BlockPlan:
    """Where a block that only jumps leads to in the end; ends, since branching back costs fuel."""
    passed = []
    while _only_jumps(block):
        passed.append(block)
        block = block.targets[0]
    for other in passed:
        other.targets[0] = block  # so that nobody goes the whole way again
    return block


def _in_order(roots: list[BlockPlan]) -> list[BlockPlan]:
    """The blocks reached from `roots`: each before what it leads to, but for what leads back. The first root first."""
    seen = {id(root) for root in roots}
    done: list[BlockPlan] = []
    for root in reversed(roots):
        path = [(root, iter(root.targets))]
        while path:
            block, targets = path[-1]
            for target in targets:
                if id(target) not in seen:
                    seen.add(id(target))
                    path.append((target, iter(target.targets)))
                    break
            else:
                done.append(block)
                path.pop()
    done.reverse()
    return done


def _predecessors(blocks: list[BlockPlan], roots: list[BlockPlan]) -> dict[int, int]:
    counts = {id(block): 0 for block in blocks}
    for root in roots:
        counts[id(root)] = 1  # the function's callers, or what throws
    for block in blocks:
        for target in block.targets:
            counts[id(target)] += 1
    return counts


def _absorb(
    block: BlockPlan, target: BlockPlan, statements: list[Statement | Conditional], targets: list[BlockPlan]
) -> None:
    """Run `target` at the end of `block`, which jumps to it: both their `statements`, then its `targets`."""
    block.statements = statements
    block.cost += target.cost
    block.end = target.end
    block.operands = target.operands
    block.targets = targets
    block.condition = target.condition
    block.offset = target.offset
    block.thrown = target.thrown


def _return_copied(block: BlockPlan) -> None:
    """Return a register's value itself where it is copied just to be returned."""
    if block.end == "ret_1" and block.statements:
        last = block.statements[-1]
        if isinstance(last, Statement) and last.factory is COPY and last.operands[0] == block.operands[0]:
            block.operands = (last.operands[1],)
            block.statements = block.statements[:-1]


def _chain(order: list[BlockPlan], counts: dict[int, int]) -> None:
    """Let blocks run what they lead to, unless that leads back, or too many would run within each other.

    Blocks that an `if` alone leads to belong to its block's tree.
    """
    places = {id(block): place for place, block in enumerate(order)}
    for block in order:
        place, depth = places[id(block)], block.depth + 1
        if block.end in ("call", "calli"):
            continue
        targets = block.targets
        forward = [depth <= MAX_CHAIN and places[id(target)] > place for target in targets]
        if block.end == "switch" and not all(forward):
            forward = [False] * len(forward)
        block.runs = forward
        for target, runs in zip(targets, forward, strict=True):
            if runs:
                target.depth = max(target.depth, depth)
                if counts[id(target)] == 1 and block.end == "if":
                    target.root = block.root
            elif target is block.root and target.end in ("if", "goto"):
                target.looped = True


def _charge_ahead(block: BlockPlan, counts: dict[int, int]) -> None:
    """Charge what surely follows with what it follows, which then needs no charge of its own.

    That is what follows a call, since it runs if the call returns; and what both ways of an `if` cost.
    """
    if block.end == "if":
        then, orelse = block.targets
        if then.root is block.root is orelse.root and then is not block.root is not orelse:
            common = min(then.cost, orelse.cost)
            block.cost += common
            then.cost -= common
            orelse.cost -= common
    if block.end in ("call", "calli"):
        following = block.targets[0]
        if counts[id(following)] == 1 and following.end != "bulk":
            block.cost += following.cost
            following.prepaid = following.cost
            following.cost = 0


def _paired(statements: list[Statement | Conditional]) -> list[Statement | Conditional]:
    """Statements with neighbours made one where the library has the pair."""
    result: list[Statement | Conditional] = []
    waiting: Statement | None = None
    for statement in statements:
        if not isinstance(statement, Statement):
            if waiting is not None:
                result.append(waiting)
            waiting = None
            result.append(statement)
        elif waiting is None:
            waiting = statement
        elif (factory := PAIRS.get((waiting.factory, statement.factory))) is not None:
            offsets = (waiting.offsets or (0,)) + (statement.offsets or (0,))  # one a line of the closure
            result.append(Statement(factory, waiting.operands + statement.operands, offsets))
            waiting = None
        else:
            result.append(waiting)
            waiting = statement
    if waiting is not None:
        result.append(waiting)
    return result


def _is_arm(block: BlockPlan, counts: dict[int, int]) -> bool:
    """Whether a block may become an arm of a conditional statement."""
    return (
        block.end == "goto"
        and counts[id(block)] == 1
        and len(block.statements) <= MAX_ARM
        and not any(s.offsets for s in block.statements)
        and not any(isinstance(s, Conditional) and s.depth >= MAX_NESTING for s in block.statements)
    )


def _convert(block: BlockPlan, counts: dict[int, int]) -> bool:
    """Turn the `if` at the end of `block` into a conditional statement, if its arms allow it."""
    then, orelse = block.targets
    assert block.condition is not None
    if block.condition[3] or then is block or orelse is block:
        return False
    then_arm, else_arm = _is_arm(then, counts), _is_arm(orelse, counts)
    join: BlockPlan
    arms: tuple[BlockPlan | None, BlockPlan | None]
    if then_arm and then.targets[0] is orelse:
        join, arms = orelse, (then, None)
    elif else_arm and orelse.targets[0] is then:
        join, arms = then, (None, orelse)
    elif then_arm and else_arm and then.targets[0] is orelse.targets[0]:
        join, arms = then.targets[0], (then, orelse)
    else:
        return False
    for arm in arms:
        if arm is not None:
            arm.statements.reverse()
            counts[id(arm)] = 0
    block.statements.insert(0, Conditional(block.condition, *arms))  # in reverse: behind the others
    counts[id(join)] -= 1  # two ways there became one
    block.end = "goto"
    block.condition = None
    block.targets = [join]
    return True
