"""What lowering makes of a function: basic blocks of unbound statements. Shared by all instances.

A plan knows no instance: operands that belong to one are `Ref`s, which binding resolves. Statements
without a `Ref` are closures already.
"""

from collections.abc import Callable
from typing import Any

from pywrt.runtime.instance import Instance

#: A closure that runs one statement on a register list.
Closure = Callable[[list[Any]], None]


class Ref:
    """An operand that stands for something of the instance.

    `kind` is memory, global, table, func, instance or store.
    """

    __slots__ = ("index", "kind")

    def __init__(self, kind: str, index: int) -> None:
        self.kind = kind
        self.index = index

    def __repr__(self) -> str:
        return f"<{self.kind} {self.index}>"

    def resolve(self, instance: Instance) -> Any:
        """The object that closures hold: a memory's bytearray, a table's list, a global, a function."""
        if self.kind == "memory":
            return instance.memories[self.index].data
        if self.kind == "global":
            return instance.globals[self.index]
        if self.kind == "table":
            return instance.tables[self.index].elements
        if self.kind == "func":
            return instance.funcs[self.index]
        return instance if self.kind == "instance" else instance.store


class Statement:
    """A factory and its operands; `offsets` are those of the instructions in it that can trap."""

    __slots__ = ("closure", "factory", "offsets", "operands")

    def __init__(
        self, factory: Callable[..., Closure], operands: tuple[Any, ...], offsets: tuple[int, ...]
    ) -> None:
        self.factory = factory
        self.operands = operands
        self.offsets = offsets
        self.closure: Closure | None = None
        for operand in operands:
            if operand.__class__ is Ref:
                return
        self.closure = factory(*operands)


class Conditional:
    """A statement that runs one of two arms. `then` and `orelse` are the blocks they were, or None."""

    __slots__ = ("condition", "depth", "offsets", "orelse", "then")

    def __init__(
        self, condition: tuple[Any, ...], then: "BlockPlan | None", orelse: "BlockPlan | None"
    ) -> None:
        self.condition = condition
        self.then = then
        self.orelse = orelse
        self.offsets: tuple[int, ...] = ()  # nothing in it can trap
        #: How deep conditional statements nest in it, itself counted: each is a Python call in the other.
        self.depth = 1
        for arm in (then, orelse):
            for statement in arm.statements if arm is not None else ():
                if isinstance(statement, Conditional):
                    self.depth = max(self.depth, 1 + statement.depth)


class BlockPlan:
    """A basic block: statements, their fuel, and how it ends.

    `end` is the name of a group of block forms, `operands` what the form is made with, `targets` the
    blocks it is linked to, `condition` the tree (id, operands, effects, offsets) of an `if`. `offset` is
    that of the instruction that ends it; `call_offset` that of the call it continues, if it does.
    """

    __slots__ = (
        "call_offset",
        "condition",
        "cost",
        "end",
        "number",
        "offset",
        "operands",
        "statements",
        "targets",
    )

    def __init__(self) -> None:
        self.statements: list[Statement | Conditional] = []
        self.cost = 0
        self.end = ""
        self.operands: tuple[Any, ...] = ()
        self.targets: list[BlockPlan] = []
        self.condition: tuple[Any, ...] | None = None
        self.offset = 0
        self.call_offset: int | None = None
        self.number = -1


class FunctionPlan:
    """A lowered function. `frame` is what its registers behind the parameters start with."""

    __slots__ = ("blocks", "frame", "index")

    def __init__(self, index: int, blocks: list[BlockPlan], frame: tuple[Any, ...]) -> None:
        self.index = index
        self.blocks = blocks
        self.frame = frame
