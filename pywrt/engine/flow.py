"""Control flow of a plan: tidying basic blocks once a function is lowered."""

from pywrt.engine.plan import BlockPlan, FunctionPlan


def tidy(plan: FunctionPlan) -> FunctionPlan:
    """Drop blocks that nothing reaches, and number the rest."""
    reached: dict[int, BlockPlan] = {}
    work = [plan.blocks[0]]
    order: list[BlockPlan] = []
    while work:
        block = work.pop()
        if id(block) in reached:
            continue
        reached[id(block)] = block
        order.append(block)
        work.extend(reversed(block.targets))
    for number, block in enumerate(order):
        block.number = number
    plan.blocks = order
    return plan
