"""Control flow of a plan: fewer, longer basic blocks.

Strategy: blocks that only jump are bypassed; a block that is reached from one place joins the block it
follows; a small block that several jump to is copied to each (which turns `while` loops into loops that
test at their end, so that a loop's body is one block that is its own successor); and an `if` over a few
statements that can't trap becomes a conditional statement. What a path costs stays the same; only a
conditional arm's fuel is charged without a test before it, and that of blocks within a tree. Then blocks are
chained: each runs what it leads to unless that leads back, and only the rest is left to the trampoline.

Blocks are visited from the last one back, so a block takes in what has grown already. Meanwhile their
statements are held in reverse: putting a block's own in front of a long list is then an `extend`.
"""

from pywrt.engine.forms import choose_form
from pywrt.engine.plan import BlockPlan, Conditional, FunctionPlan, Statement
from pywrt.engine.trees import CONDITIONS, NEGATED, PAIRS, REGISTER, STATEMENTS

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

NOTHING: tuple[()] = ()

#: Ends of blocks that may be copied.
_COPIED = ("if", "goto", "ret_0", "ret_1", "ret_n")
#: Ends that leave for another function and come back.
_CALLS = ("call", "calli")


def tidy(plan: FunctionPlan) -> FunctionPlan:
    """Improve the blocks of `plan`, drop what nothing reaches, number the rest and choose their forms."""
    _bypass(plan.blocks)
    order = _in_order([plan.blocks[0], *plan.landings])
    _grow(order)
    order = [block for block in order if block.entries]
    for number, block in enumerate(order):
        block.number = number
    _chain(order)
    for block in reversed(order):
        end = block.end
        block.statements.reverse()
        if end == "if":
            _charge_common(block)
        elif end == "ret_1":
            _return_copied(block)
        elif end in _CALLS:
            _charge_following(block)
        if len(block.statements) > 1:
            block.statements = _paired(block.statements)
    for block in order:
        if block.end != "bulk":
            choose_form(block)
    plan.blocks = order
    return plan


def _grow(order: list[BlockPlan]) -> None:
    """Let blocks take in what they jump to: from the end back, so that this is as long as it gets."""
    copies = 0
    for block in order:
        block.statements.reverse()
    for block in reversed(order):
        while True:
            if block.end == "if" and _convert(block):
                continue
            if block.end != "goto":
                break
            target = block.targets[0]
            if target is block or target.end == "bulk":
                break
            if target.entries == 1:
                target.statements.extend(block.statements)
                _absorb(block, target, target.statements, target.targets)
                target.entries = 0
                continue
            small = len(target.statements) <= SMALL and target.end in _COPIED
            if not small or copies >= MAX_COPIES or target.targets == [target]:
                break
            copies += 1
            _absorb(block, target, target.statements + block.statements, list(target.targets))
            target.entries -= 1
            for following in block.targets:
                following.entries += 1


def _bypass(blocks: list[BlockPlan]) -> None:
    """Let jumps to a block that only jumps go where it goes."""
    for block in blocks:
        for i, target in enumerate(block.targets):
            if target.end == "goto" and _only_jumps(target):
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
    """The blocks reached from `roots`, the first first: each before what it leads to, unless that leads back.

    Counts what leads to each of them.
    """
    for root in roots:
        root.entries = 1  # the function's callers, or what throws
    done: list[BlockPlan] = []
    seen = set(roots)
    for root in reversed(roots):
        path = [(root, iter(root.targets))]
        while path:
            block, targets = path[-1]
            for target in targets:
                target.entries += 1
                if target not in seen:
                    seen.add(target)
                    path.append((target, iter(target.targets)))
                    break
            else:
                done.append(block)
                path.pop()
    done.reverse()
    return done


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
    if block.statements:
        last = block.statements[-1]
        if isinstance(last, Statement) and last.factory is COPY and last.operands[0] == block.operands[0]:
            block.operands = (last.operands[1],)
            block.statements = block.statements[:-1]


def _chain(order: list[BlockPlan]) -> None:
    """Let blocks run what they lead to, unless that leads back, or too many would run within each other.

    Blocks that an `if` alone leads to belong to its block's tree.
    """
    for block in order:
        end, targets = block.end, block.targets
        if not targets or end in _CALLS:
            continue
        number, depth = block.number, block.depth + 1
        if depth > MAX_CHAIN:
            block.runs = [False] * len(targets)
        else:
            block.runs = [target.number > number for target in targets]
            # a switch runs all or none; and a block that is its own successor loops fastest if it leaves for
            # the rest
            if block in targets or (end == "switch" and not all(block.runs)):
                block.runs = [False] * len(targets)
        for target, run in zip(targets, block.runs, strict=True):
            if run:
                if target.depth < depth:
                    target.depth = depth
                if target.entries == 1 and end == "if":
                    target.root = block.root
            elif target is block.root and target.end in ("if", "goto"):
                target.looped = True


def _charge_common(block: BlockPlan) -> None:
    """Charge what both ways of an `if` cost with its block, if that runs both."""
    then, orelse = block.targets
    root = block.root
    if then.root is root is orelse.root and then is not root is not orelse:
        common = min(then.cost, orelse.cost)
        block.cost += common
        then.cost -= common
        orelse.cost -= common


def _charge_following(block: BlockPlan) -> None:
    """Charge what follows a call with the call: it runs if that returns, and needs no charge of its own."""
    following = block.targets[0]
    if following.entries == 1 and following.end != "bulk":
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


def _is_arm(block: BlockPlan) -> bool:
    """Whether a block may become an arm of a conditional statement."""
    return (
        block.end == "goto"
        and block.entries == 1
        and len(block.statements) <= MAX_ARM
        and not any(s.offsets for s in block.statements)
        and not any(isinstance(s, Conditional) and s.depth >= MAX_NESTING for s in block.statements)
    )


def _convert(block: BlockPlan) -> bool:
    """Turn the `if` at the end of `block` into a conditional statement, if its arms allow it."""
    then, orelse = block.targets
    assert block.condition is not None
    if block.condition[3] or then is block or orelse is block:
        return False
    then_arm, else_arm = _is_arm(then), _is_arm(orelse)
    tree, operands = block.condition[0], block.condition[1]
    if then_arm and then.targets[0] is orelse:
        join, arms = orelse, [then]
    elif else_arm and orelse.targets[0] is then:
        join = then
        if tree in NEGATED and NEGATED[tree] in CONDITIONS:
            tree, arms = NEGATED[tree], [orelse]
        else:
            arms = [BlockPlan(), orelse]
    elif then_arm and else_arm and then.targets[0] is orelse.targets[0]:
        join, arms = then.targets[0], [then, orelse]
    else:
        return False
    for arm in arms:
        arm.statements.reverse()
        arm.entries = 0
    test = Statement(CONDITIONS[tree], operands, NOTHING)
    # in reverse: behind the others
    block.statements.insert(0, Conditional(test, arms[0], arms[1] if len(arms) == 2 else None))
    join.entries -= 1  # two ways there became one
    block.end = "goto"
    block.condition = None
    block.targets = [join]
    return True
