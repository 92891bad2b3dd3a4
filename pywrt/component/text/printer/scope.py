"""Where the printer is: the index spaces of what it prints, and the lines so far.

Strategy: an identifier is written where what it names is known already, as the parser has it too; any other
index is a number. Identifiers are those that the section of names gives. Nothing else has any: types that
enclose definitions have spaces of their own.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pywrt.component.tables import MAX_NESTING
from pywrt.errors import LimitError
from pywrt.wasm.text.printer.layout import INDENTS, MAX_INDENT
from pywrt.wasm.text.printer.names import NO_NAMES, Count, SpaceNames
from pywrt.wasm.text.printer.values import quoted_name

NOTHING_NAMED: Mapping[str, SpaceNames] = MappingProxyType({})


class Scope:
    """Index spaces by sort: how many of each there are so far, and their identifiers.

    `level` counts the scopes from the outermost to this one, `depth` is the indentation of what is in it.
    """

    __slots__ = ("_counts", "_names", "depth", "level")

    def __init__(
        self, parent: "Scope | None", depth: int, names: Mapping[str, SpaceNames] = NOTHING_NAMED
    ) -> None:
        self.level: int = 1 if parent is None else parent.level + 1
        if self.level > MAX_NESTING:
            raise LimitError(f"nesting of components or types exceeds the limit of {MAX_NESTING}")
        self.depth = depth
        self._names = names
        self._counts: dict[str, int] = {}

    def of(self, sort: str, index: int) -> str:
        """How `index` is referred to."""
        if index >= self._counts.get(sort, 0):
            return str(index)
        return self._names.get(sort, NO_NAMES).of(index)

    def head(self, sort: str) -> str:
        """What stands where the next index of a sort is defined: `$id (;0;)`, or `(;0;)`."""
        index = self._take(sort)
        return self._names.get(sort, NO_NAMES).head(index)

    def head_of_named(self, sort: str, own_name: str | None) -> str:
        """As `head`, for a module or component that calls itself `own_name`."""
        index = self._take(sort)
        label = self._names.get(sort, NO_NAMES).label(index)
        # What is outside is taken for the own name, unless a note says otherwise.
        if label != own_label(own_name):
            label += " (@own_name)" if own_name is None else f" (@own_name {quoted_name(own_name)})"
        return f"{label} (;{index};)".lstrip()

    def _take(self, sort: str) -> int:
        index = self._counts.get(sort, 0)
        self._counts[sort] = index + 1
        return index


def own_label(name: str | None) -> str:
    """The identifier or note that says what a component calls itself; empty if it has no name."""
    return "" if name is None else SpaceNames("component", 1, {0: name}, Count(), True).label(0)


class Output:
    """The lines of the text. Depths are levels of indentation."""

    __slots__ = ("_opened", "lines")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._opened = 0  # how many lines there were with the one that begins the latest form; 0 behind that

    def line(self, depth: int, text: str) -> None:
        """Append a line."""
        self.lines.append(INDENTS[min(depth, MAX_INDENT)] + text)

    def open(self, depth: int, head: str) -> None:
        """Append the first line of a form, which `close` ends."""
        self.line(depth, head)
        self._opened = len(self.lines)

    def close(self, depth: int) -> None:
        """Close a form: on its first line if it has no other."""
        if len(self.lines) == self._opened:
            self.lines[-1] += ")"
            self._opened = 0
        else:
            self.line(depth, ")")

    def block(self, depth: int, head: str, inner: list[str]) -> None:
        """Append a form that has a line for each of `inner`."""
        self.open(depth, head)
        for text in inner:
            self.line(depth + 1, text)
        self.close(depth)
