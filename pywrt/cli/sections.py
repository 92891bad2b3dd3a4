"""The sections of a module or component, and the core modules in a component. No content is decoded."""

import json
from collections.abc import Iterator

from pywrt.cli.files import COMPONENT, Binary, CommandError, UsageError
from pywrt.errors import MalformedError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.sections import CUSTOM_SECTION, DATA_COUNT_SECTION, SECTION_NAMES, START_SECTION

#: Section names by id. Spec: component-model Binary.md#component-definitions
_COMPONENT_SECTIONS = (
    "custom",
    "core module",
    "core instance",
    "core type",
    "component",
    "instance",
    "alias",
    "type",
    "canon",
    "start",
    "import",
    "export",
    "value",
)
_PREAMBLE_SIZE = 8
#: Sections that are no vectors: they have no count.
_UNCOUNTED = {
    False: (CUSTOM_SECTION, START_SECTION, DATA_COUNT_SECTION),
    True: tuple(_COMPONENT_SECTIONS.index(name) for name in ("custom", "core module", "component", "start")),
}


class Section:
    """A section: `start` and `end` are those of its content, behind its id and size."""

    __slots__ = ("count", "end", "id", "name", "start")

    def __init__(self, id: int, name: str, start: int, end: int, count: int | None) -> None:
        self.id = id
        self.name = name  # of a custom section, `custom "its own"`
        self.start = start
        self.end = end
        self.count = count  # of its entries; None if it isn't a vector

    @property
    def size(self) -> int:
        """The bytes of the content."""
        return self.end - self.start


def sections_of(data: bytes, start: int, end: int, component: bool) -> Iterator[Section]:
    """The sections of the module or component in `data[start:end]`, in order.

    MalformedError where one does not fit in, or what it is called or counts can't be read.
    """
    reader = Reader(data, start + _PREAMBLE_SIZE, end)
    names = dict(enumerate(_COMPONENT_SECTIONS)) if component else {CUSTOM_SECTION: "custom", **SECTION_NAMES}
    while reader.pos < end:
        at = reader.pos
        id = reader.byte()
        if id not in names:
            raise MalformedError(f"malformed section id {id}", offset=at)
        begin = reader.skip(reader.u32())
        content = Reader(data, begin, reader.pos)
        name, count = names[id], None
        if id == CUSTOM_SECTION:
            name = f"custom {json.dumps(content.name(), ensure_ascii=False)}"
        elif id not in _UNCOUNTED[component]:
            count = content.u32()
        yield Section(id, name, begin, reader.pos, count)


def core_modules(data: bytes) -> list[tuple[int, int]]:
    """Where core modules stand in a component, those of nested components included."""
    found = []
    components = [(0, len(data))]
    while components:
        for section in sections_of(data, *components.pop(), component=True):
            if section.name == "core module":
                found.append((section.start, section.end))
            elif section.name == "component":
                components.append((section.start, section.end))
    return sorted(found)


def find_core_module(binary: Binary, number: int | None) -> tuple[int, int]:
    """Where the core module that is meant stands: the file itself, or core module `number` of a component.

    CommandError if it has none of that number, UsageError if none is chosen or there is nothing to choose.
    """
    if binary.kind != COMPONENT:
        if number is not None:
            raise UsageError(f"{binary.path}: --module is for components, and this is a core module")
        return 0, len(binary.data)
    try:
        found = core_modules(binary.data)
    except MalformedError as error:
        raise binary.failed(error) from None
    what = f"{len(found)} core module{'s'[: len(found) != 1]}"
    if number is None:
        raise UsageError(f"{binary.path}: this is a component with {what}: choose one with --module N")
    if not 0 <= number < len(found):
        raise CommandError(f"{binary.path}: there is no core module {number}: the component has {what}")
    return found[number]


def printable(text: str) -> str:
    """Text of a file for the terminal: characters that could control it are escaped."""
    if text.isprintable():  # as nearly all lines are
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
