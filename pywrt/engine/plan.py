"""What lowering makes of a function: basic blocks of unbound statements. Shared by all instances.

A plan knows no instance: operands that belong to one are `Ref`s, which binding resolves. Statements
without a `Ref` are closures already.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pywrt.runtime.instance import Instance

#: A closure that runs one statement on a register list.
Closure = Callable[[list[Any]], None]


class Ref:
    """An operand that stands for something of the instance.

    `kind` is memory, global, table, func, tag, instance or store; or made, for what `make` says.
    `resolve(instance)` gives the object that closures hold: a memory's bytearray, a table's list, a global, a
    function.
    """

    __slots__ = ("index", "kind", "resolve")

    def __init__(self, kind: str, index: int, make: Callable[[Instance], Any] | None = None) -> None:
        self.kind = kind
        self.index = index
        self.resolve: Callable[[Instance], Any] = _MAKERS[kind](index) if make is None else make

    def __repr__(self) -> str:
        return f"<{self.kind} {self.index}>"


_MAKERS: dict[str, Callable[[int], Callable[[Instance], Any]]] = {
    "memory": lambda index: lambda instance: instance.memories[index].data,
    "global": lambda index: lambda instance: instance.globals[index],
    "table": lambda index: lambda instance: instance.tables[index].elements,
    "func": lambda index: lambda instance: instance.funcs[index],
    "tag": lambda index: lambda instance: instance.tags[index],
    "instance": lambda _: lambda instance: instance,
    "store": lambda _: lambda instance: instance.store,
}


def made(make: Callable[[Instance], Any]) -> Ref:
    """An operand that `make` gives for the instance, each time its function is bound."""
    return Ref("made", 0, make)


class Statement:
    """A factory and its operands; `offsets` are those of the instructions in it that can trap.

    The closure is there already where no operand is a `Ref`. A condition is such a statement too.
    """

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
    """A statement that runs one of two arms, or one or nothing: they are the blocks they were."""

    __slots__ = ("closure", "depth", "offsets", "orelse", "test", "then")

    def __init__(self, test: Statement, then: "BlockPlan", orelse: "BlockPlan | None") -> None:
        self.test = test
        self.then = then
        self.orelse = orelse
        self.offsets: tuple[int, ...] = ()  # nothing in it can trap
        self.closure = None  # arms charge an instance's fuel
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


#: What a form calls a block that it leads to, and that block's plan.
Target = tuple[str, "BlockPlan"]


class BlockForm:
    """A block's form by `name`: what makes it where fuel is metered, and where it isn't.

    Its statements come first, then the condition, if `test` is one, the `operands`, and the blocks of
    `targets`; those that `stubs` names are left to the trampoline by a block of their own. An unmetered block
    that is `bounded` looks at the slice. `negated` says that it tests the opposite of the plan's condition,
    `stepped` that it does the plan's last statement itself, behind the others; `refers` that operands are
    `Ref`s.
    """

    __slots__ = (
        "bounded", "metered", "name", "negated", "operands", "refers", "stepped", "stubs", "targets",
        "test", "unmetered",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        operands: Sequence[Any] = (),
        targets: Sequence[Target] = (),
        *,
        test: Statement | None = None,
        stubs: Sequence[str] = (),
        bounded: bool = False,
        refers: bool = False,
    ) -> None:
        self.name = name
        self.operands = operands
        self.refers = refers
        self.targets = targets
        self.test = test
        self.stubs = stubs
        self.negated = False
        self.stepped = False
        self.bounded = bounded
        self.metered: Callable[..., Any]
        self.unmetered: Callable[..., Any]


class BlockPlan:
    """A basic block: statements, their fuel, and how it ends.

    `end` is the name of a group of block forms, `operands` what the form is made with, `targets` the
    blocks it leads to, `condition` the tree (id, operands, effects, offsets) of an `if`. `offset` is
    that of the instruction that ends it. `entries` counts the blocks that lead to it; `form` is what is
    chosen in the end.

    `runs` says which of the targets it runs itself; the others it names for the trampoline to run. `root` is
    the first block of the tree that the block belongs to: only the root of a tree is led to from elsewhere.
    It is `looped` if a block of its tree leads back to it.

    Of a block that continues a call, `call_offset` is the call's, `handler` gets what the call throws, and
    `prepaid` is what was charged for the block with the call. `thrown` gets what the block throws itself.
    """

    __slots__ = (
        "call_offset",
        "condition",
        "cost",
        "depth",
        "end",
        "entries",
        "form",
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
        self.entries = 0
        self.root: BlockPlan = self
        self.runs: list[bool] = []
        self.depth = 0  # the most blocks that may run around it
        self.looped = False
        self.form: BlockForm


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
