"""Lowering of instructions as functions of their operands: trees by name, functions, accesses to memory.

The shapes `loaded`, `replaced`, `exchanged` and `stored` hand a memory's bytes, an effective address and up
to two values to a function, which raises what Python's own bounds checks raise.
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine.lowering import NOTHING, Lowering
from pywrt.engine.operators import EFFECTS, READS_MEMORY, TRAPS
from pywrt.engine.plan import Ref
from pywrt.engine.trees import CONST, STATEMENTS, TRANSITIONS, Node

#: The shape of an access that gives a value, by the number of values it takes beside the address.
_GIVING = ("loaded", "replaced", "exchanged")


def combined(self: Lowering, operator: str, arity: int) -> tuple[int, list[Node]]:
    """Pop `arity` operands; return the tree `operator` over them, and their nodes."""
    stack = self.stack
    places = list(range(len(stack) - arity, len(stack)))
    key = (operator, *[stack[place][0] for place in places])
    if key not in TRANSITIONS:
        self.reduce((operator,), places)
        key = (operator, *[stack[place][0] for place in places])
    nodes = stack[len(stack) - arity :]
    del stack[len(stack) - arity :]
    self.pending = min(self.pending, len(stack))
    return TRANSITIONS[key], nodes


def operate(self: Lowering, operator: str, arity: int, constants: tuple[int, ...] = NOTHING) -> None:
    """Replace the `arity` operands on top by `operator` of them and of `constants`."""
    tree, nodes = combined(self, operator, arity)
    operands, effects, offsets = united(nodes)
    own = EFFECTS.get(operator, 0)
    if own & (READS_MEMORY | TRAPS):
        offsets = (self.offset, *offsets)
    self.push((tree, operands + constants, effects | own, offsets))


def apply(self: Lowering, function: Callable[..., Any] | Ref, arity: int, kind: str = "apply") -> None:
    """Replace the `arity` operands on top by `function` of them; a `kind` like `checked` may trap."""
    operator = f"{kind}{arity}"
    tree, nodes = combined(self, operator, arity)
    operands, effects, offsets = united(nodes)
    own = EFFECTS.get(operator, 0)
    if own & TRAPS:
        offsets = (self.offset, *offsets)
    self.push((tree, (function, *operands), effects | own, offsets))


def access(
    self: Lowering, function: Callable[..., Any], position: int, values: int, own: int = READS_MEMORY
) -> int:
    """A memarg's access that gives `function(memory, address, *values)`, and only reads.

    `own` are its effects, with TRAPS if it traps otherwise than plain loads do.
    """
    memory, offset, position = self.memarg(position)
    offset = _folded(self, offset, values + 1)
    name = _GIVING[values] if offset else _GIVING[values] + ".0"
    tree, nodes = combined(self, name, values + 1)
    _, effects, offsets = united(nodes)
    operands = _operands(function, memory, offset, nodes)
    self.push((tree, operands, effects | own, (self.offset, *offsets)))
    return position


def store(self: Lowering, function: Callable[..., Any], position: int) -> int:
    """A memarg's access that does `function(memory, address, value)`."""
    memory, offset, position = self.memarg(position)
    offset = _folded(self, offset, 2)
    tree, nodes = combined(self, "stored" if offset else "stored.0", 2)
    self.effect(READS_MEMORY | TRAPS)
    operands = _operands(function, memory, offset, nodes)
    self.statement(STATEMENTS[tree], operands, (self.offset, *united(nodes)[2]))
    return position


def modify(self: Lowering, function: Callable[..., Any], position: int, values: int) -> int:
    """A memarg's access that gives `function(memory, address, *values)`, and writes."""
    self.effect(READS_MEMORY | TRAPS, len(self.stack) - values - 1)
    position = access(self, function, position, values)
    self.materialise(len(self.stack) - 1)
    return position


def _folded(self: Lowering, offset: int, arity: int) -> int:
    """Add the offset to the address beforehand where that is a constant; what is left to add."""
    tree, operands, effects, offsets = self.stack[-arity]
    if tree != CONST or not offset:
        return offset
    self.stack[-arity] = (CONST, (operands[0] + offset,), effects, offsets)  # type: ignore[operator]
    return 0


def _operands(
    function: Callable[..., Any], memory: Ref, offset: int, nodes: list[Node]
) -> tuple[object, ...]:
    address, *values = nodes
    middle = (offset,) if offset else NOTHING
    return (function, memory, *address[1], *middle, *united(values)[0])


def united(nodes: list[Node]) -> tuple[tuple[object, ...], int, tuple[int, ...]]:
    """Operands, effects and offsets of several nodes."""
    operands: tuple[object, ...] = ()
    effects = 0
    offsets: tuple[int, ...] = ()
    for node in nodes:
        operands += node[1]
        effects |= node[2]
        offsets += node[3]
    return operands, effects, offsets
