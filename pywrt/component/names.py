"""The custom section of a component's names. Spec: component-model Binary.md#name-section"""

from pywrt.component.elements import read_sort
from pywrt.component.tables import MAX_INDEX_SPACE
from pywrt.wasm.binary.reader import Reader

NAME_SECTION = "component-name"


class ComponentNames:
    """What the section says: the component's `own` name, and those of its definitions by sort and index."""

    __slots__ = ("by_sort", "own")

    def __init__(self) -> None:
        self.own: str | None = None
        self.by_sort: dict[str, dict[int, str]] = {}

    def read(self, reader: Reader) -> None:
        """Add what a section says behind its name. MalformedError where that ends; what precedes it stays."""
        while reader.pos < reader.end:
            kind = reader.byte()
            size = reader.u32()
            start = reader.skip(size)
            content = Reader(reader.data, start, start + size)
            if kind == 0:
                self.own = content.name()
            elif kind == 1:
                sort = read_sort(content)
                names: dict[int, str] = {}
                for _ in range(content.count("names", MAX_INDEX_SPACE)):
                    index = content.u32()
                    names[index] = content.name()
                self.by_sort[sort] = names
