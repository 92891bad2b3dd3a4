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

    `kind` is memory, global, table, func, tag, instance or store; or made, for what `make` says.
    """

    __slots__ = ("index", "kind", "make")

    def __init__(self, kind: str, index: int, make: Callable[[Instance], Any] | None = None) -> None:
        self.kind = kind
        self.index = index
        self.make = make

    def __repr__(self) -> str:
        return f"<{self.kind} {self.index}>"

    def resolve(self, instance: Instance) -> Any:
        """The object that closures hold: a memory's bytearray, a table's list, a global, a function."""
        if self.make is not None:
            return self.make(instance)
        if self.kind == "memory":
            return instance.memories[self.index].data
        if self.kind == "global":
            return instance.globals[self.index]
        if self.kind == "table":
            return instance.tables[self.index].elements
        if self.kind == "func":
            return instance.funcs[self.index]
        if self.kind == "tag":
            return instance.tags[self.index]
        return instance if self.kind == "instance" else instance.store


def made(make: Callable[[Instance], Any]) -> Ref:
    """An operand that `make` gives for the instance, each time its function is bound."""
    return Ref("made", 0, make)


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


class CatchScope:
    """What catches exceptions in a stretch of code: the first clause that does, or else `outer`."""

    __slots__ = ("clauses", "outer")

    def __init__(self, outer: "CatchScope | None") -> None:
        self.clauses: list[Clause] = []
        self.outer = outer


class Clause:
    """Catches exceptions with the tag of index `tag`, or None for all.

    The values, if there is a tag, are put into the registers from `values` on, the exception itself into
    register `reference` if that isn't None, and `landing` runs.
    """

    __slots__ = ("landing", "reference", "tag", "values")

    def __init__(self, tag: int | None, values: int, reference: int | None, landing: "BlockPlan") -> None:
        self.tag = tag
        self.values = values
        self.reference = reference
        self.landing = landing


class BlockPlan:
    """A basic block: statements, their fuel, and how it ends.

    `end` is the name of a group of block forms, `operands` what the form is made with, `targets` the
    blocks it is linked to, `condition` the tree (id, operands, effects, offsets) of an `if`. `offset` is
    that of the instruction that ends it.

    `runs` says which of the targets it runs itself; the others it names for the trampoline to run. `root` is the
    first block of the tree that the block belongs to: only the root of a tree is led to from elsewhere. It is
    `looped` if a block of its tree leads back to it.

    Of a block that continues a call, `call_offset` is the call's, `handler` gets what the call throws, and
    `prepaid` is what was charged for the block with the call. `thrown` gets what the block throws itself.
    """

    __slots__ = (
        "call_offset",
        "condition",
        "cost",
        "end",
        "depth",
        "handler",
        "looped",
        "number",
        "offset",
        "operands",
        "prepaid",
        "root",
        "runs",
        "statements",
        "targets",
        "thrown",
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
        self.handler: CatchScope | None = None
        self.prepaid = 0
        self.thrown: CatchScope | None = None
        self.number = -1
        self.root: BlockPlan = self
        self.runs: list[bool] = []
        self.depth = 0  # the most blocks that may run around it
        self.looped = False


class FunctionPlan:
    """A lowered function. `frame` is what its registers behind the parameters start with.

    `landings` are the blocks that exceptions are caught at, which nothing may jump to.
    """

    __slots__ = ("blocks", "frame", "index", "landings")

    def __init__(
        self, index: int, blocks: list[BlockPlan], frame: tuple[Any, ...], landings: list[BlockPlan]
    ) -> None:
        self.index = index
        self.blocks = blocks
        self.frame = frame
        self.landings = landings
