"""Components in the text format. Spec: Explainer.md#component-definitions

Strategy: one walk over the binary in order, without validation; a line for each definition, and a block of
lines for a nested component or core module. The section of names, which stands behind what it names, is
looked for first. It is not written where the text says the same: identifiers, and notes where those differ.
Only when a component is complete is it known whether each of its names had a place; if not, all is printed
again with that section as a custom section.
"""

from collections.abc import Iterator

from pywrt.component.decoder import check_preamble
from pywrt.component.names import NAME_SECTION, ComponentNames
from pywrt.component.tables import MAX_INDEX_SPACE
from pywrt.component.text.encoding import (
    COMPONENT,
    CORE_MODULE,
    CUSTOM,
    START,
    VALUE,
    encode_names,
    name_bytes,
)
from pywrt.component.text.printer.definitions import VECTORS, print_start
from pywrt.component.text.printer.scope import Output, Scope, own_label
from pywrt.config import ALL_FEATURES
from pywrt.errors import MalformedError
from pywrt.wasm.binary import decode_module, module_name
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.text.printer.layout import strings, wrapped
from pywrt.wasm.text.printer.module import LocalBudget, module_lines
from pywrt.wasm.text.printer.names import Count, SpaceNames
from pywrt.wasm.text.printer.values import quoted_name

_PREAMBLE_SIZE = 8
_ANY_INDEX = 1 << 32


def print_component(data: bytes) -> str:
    """The component in the text format, which `parse_component` makes the same component of.

    What the text can't say is lost: how long the encodings of numbers are, and how definitions of a kind that
    follow each other are divided into sections. The component need not be valid. Raises MalformedError with
    offsets into `data`, LimitError, and InvalidError for a core module in it that can't be decoded.
    Spec: Explainer.md
    """
    explicit: set[int] = set()
    while True:
        printer = _Printer(data, explicit)
        printer.component(Reader(data, 0, len(data)), None)
        if not printer.lost:
            return "\n".join([*printer.out.lines, ""])
        explicit |= printer.lost


class _Names:
    """The identifiers of one component, whose file is `data[start:end]`.

    With `explicit`, the section of names is written as a custom section; so it is in any case if the parser
    would not make the same of the names in it.
    """

    def __init__(self, data: bytes, start: int, end: int, explicit: bool) -> None:
        section = ComponentNames()
        found = []
        try:
            for content in _name_sections(data, start, end):
                found.append(content)
                section.read(Reader(content, len(name_bytes(NAME_SECTION)), len(content)))
        except MalformedError:
            pass  # what is wrong with more than names is found in its turn
        is_regular = found in ([], [encode_names(section.own, section.by_sort)])
        self.explicit = explicit or not is_regular
        self.own = section.own
        self._count = Count()
        self._total = sum(map(len, section.by_sort.values()))
        self.spaces = {
            sort: SpaceNames(sort.replace(" ", "-"), _ANY_INDEX, names, self._count, not self.explicit)
            for sort, names in section.by_sort.items()
        }

    @property
    def lost(self) -> bool:
        """Whether the text, which is complete, lacks a name."""
        return not self.explicit and self._count.written != self._total


def _name_sections(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """The sections of names in a component. MalformedError where its sections are."""
    reader = Reader(data, start + _PREAMBLE_SIZE, end)
    while reader.pos < end:
        section = reader.byte()
        begin = reader.skip(reader.u32())
        if section == CUSTOM and Reader(data, begin, reader.pos).name() == NAME_SECTION:
            yield data[begin : reader.pos]


class _Printer:
    """One attempt; `explicit` are where the components begin whose names are written as a custom section."""

    def __init__(self, data: bytes, explicit: set[int]) -> None:
        self.data = data
        self.explicit = explicit
        self.out = Output()
        self.budget = LocalBudget()
        #: Where the components begin of which the text lacks names.
        self.lost: set[int] = set()

    def component(self, reader: Reader, parent: Scope | None) -> None:
        """The component that `reader` is bounded by."""
        start, end = reader.pos, reader.end
        check_preamble(reader, end, nested=parent is not None)
        names = _Names(self.data, start, end, start in self.explicit)
        if parent is None:
            depth, head = 0, own_label(names.own)
        else:
            depth, head = parent.depth, parent.head_of_named("component", names.own)
        self.out.open(depth, f"(component {head}".rstrip())
        scope = Scope(parent, depth + 1, names.spaces)
        while reader.pos < end:
            self._section(reader, scope, names)
        self.out.close(depth)
        if names.lost:
            self.lost.add(start)

    def _section(self, reader: Reader, scope: Scope, names: _Names) -> None:
        start = reader.pos
        section = reader.byte()
        if section > VALUE:
            raise MalformedError(f"malformed section id: {section}", offset=start)
        begin = reader.skip(reader.u32())
        content = Reader(self.data, begin, reader.pos)
        if section == CUSTOM:
            self._custom(content, scope, names, is_last=reader.pos == reader.end)
        elif section == CORE_MODULE:
            self._core_module(content, scope)
        elif section == COMPONENT:
            self.component(content, scope)
        elif section == START:
            print_start(self.out, content, scope)
            _check_end(content)
        else:
            define = VECTORS[section]
            for _ in range(content.count("definitions", MAX_INDEX_SPACE)):
                define(self.out, content, scope)
            _check_end(content)

    def _custom(self, content: Reader, scope: Scope, names: _Names, is_last: bool) -> None:
        name = content.name()
        if name == NAME_SECTION and not names.explicit:
            if not is_last:  # where the parser puts it
                self.out.line(scope.depth, "(@names)")
            return
        raw = self.data[content.pos : content.end]
        for line in wrapped(f"(@custom {quoted_name(name)}", strings(raw)):
            self.out.line(scope.depth, line)

    def _core_module(self, content: Reader, scope: Scope) -> None:
        module = decode_module(self.data, content.pos, content.end, features=ALL_FEATURES)
        head = f"core module {scope.head_of_named('core module', module_name(module))}"
        for line in module_lines(module, head, self.budget):
            self.out.line(scope.depth, line)


def _check_end(reader: Reader) -> None:
    if reader.pos != reader.end:
        raise MalformedError("unexpected content in a section: section size mismatch", offset=reader.pos)
