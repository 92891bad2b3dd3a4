"""Annotations of the text format that become custom sections.

A `(@custom ...)` may stand wherever a module field may, a module's `(@name ...)` before all fields, other
names behind identifiers, and branch hints before conditional branches in functions. Those within
fields are taken by who parses the field; what nobody took is misplaced.
Spec: appendix/custom.html, and the proposals of custom annotations and branch hints
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from pywrt.errors import MalformedError
from pywrt.wasm.binary.encoder import encode_valtype
from pywrt.wasm.binary.sections import (
    CODE_SECTION,
    CUSTOM_SECTION,
    DATA_SECTION,
    SECTION_ORDER,
)
from pywrt.wasm.module import Code, Custom
from pywrt.wasm.text.cursor import Cursor, read_name
from pywrt.wasm.text.instructions import unsigned
from pywrt.wasm.text.lexer import BRANCH_HINT, CUSTOM, DATA_COUNT, NAME, NAMES, Annotation

#: The text format's names of sections in the order of their ids.
_SECTION_NAMES = [
    "type",
    "import",
    "func",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "elem",
    "code",
    "data",
    "datacount",
    "tag",
]
SECTION_IDS: dict[str, int] = {
    **{name: section for section, name in enumerate(_SECTION_NAMES, 1)},
    "first": CUSTOM_SECTION,
    "last": DATA_SECTION,
}
_PLACES = ("before", "after")
#: Each known section's predecessor.
_PREDECESSORS = dict(zip(SECTION_ORDER, (CUSTOM_SECTION, *SECTION_ORDER), strict=False))


class PlacedCustom:
    """A custom section and where it belongs: `place` orders it among the others."""

    __slots__ = ("custom", "place")

    def __init__(self, name: str, data: bytes, section: int, before: bool) -> None:
        after = _PREDECESSORS.get(section, CUSTOM_SECTION) if before else section
        self.place = 2 * SECTION_ORDER.get(section, 0) - before
        self.custom = Custom(name, data, after)


def parse_custom(annotation: Annotation) -> PlacedCustom:
    """The section that `(@custom "name" (before|after section)? "data"...)` says."""
    cursor = Cursor(annotation.content)
    if not cursor.at_string():
        raise annotation.error("@custom annotation: missing section name")
    name_index = cursor.i
    try:
        name = cursor.string().decode()
    except UnicodeDecodeError:
        raise cursor.error("@custom annotation: malformed UTF-8 encoding", name_index) from None
    section, before = DATA_SECTION, False
    if cursor.accept("("):
        section, before = _place(cursor)
    data = cursor.strings()
    if cursor.texts[cursor.i] != "":
        raise _unexpected(cursor)
    return PlacedCustom(name, data, section, before)


def _parse_names(annotation: Annotation, names: bytes) -> PlacedCustom:
    """The section of all names at the place that `(@names (before|after section)?)` says."""
    cursor = Cursor(annotation.content)
    section, before = _place(cursor) if cursor.accept("(") else (DATA_SECTION, False)
    if cursor.texts[cursor.i] != "":
        raise _unexpected(cursor)
    return PlacedCustom(NAME, names, section, before)


def _place(cursor: Cursor) -> tuple[int, bool]:
    """`before section)` or `after section)`: the section's id, and whether it is before."""
    direction = cursor.texts[cursor.i]
    if direction not in _PLACES:
        raise cursor.error("@custom annotation: malformed placement")
    cursor.i += 1
    section = SECTION_IDS.get(cursor.texts[cursor.i])
    if section is None:
        raise cursor.error("@custom annotation: malformed section kind")
    cursor.i += 1
    if not cursor.accept(")"):
        raise _unexpected(cursor)
    return section, direction == "before"


def _unexpected(cursor: Cursor) -> MalformedError:
    return cursor.error(f"@custom annotation: unexpected token {cursor.texts[cursor.i]}")


class ModuleAnnotations:
    """The annotations in one module, in order. `names` and `hints` are by the token that they precede.

    Who parses what they stand in front of takes them from there; `check_taken` finds those that nobody took.
    """

    __slots__ = ("_customs", "_names", "data_count", "hints", "names")

    def __init__(self, annotations: Sequence[Annotation]) -> None:
        self._customs = [annotation for annotation in annotations if annotation.name in (CUSTOM, NAMES)]
        self.data_count = any(annotation.name == DATA_COUNT for annotation in annotations)
        self._names = [annotation for annotation in annotations if annotation.name == NAME]
        self.names = {annotation.index: annotation for annotation in reversed(self._names)}
        self.hints: dict[int, Annotation] = {}
        for annotation in annotations:
            if annotation.name != BRANCH_HINT:
                continue
            if annotation.index in self.hints:
                raise annotation.error("@metadata.code.branch_hint annotation: duplicate annotation")
            self.hints[annotation.index] = annotation

    def module_name(self, first_field: int) -> str | None:
        """The name that an annotation before the first field, which begins at that token, gives."""
        found = [annotation for annotation in self._names if annotation.index <= first_field]
        if len(found) > 1:
            raise found[1].error("@name annotation: multiple module names")
        if not found:
            return None
        del self.names[found[0].index]
        return read_name(found[0])

    def customs(self, fields: list[int], end: int, names: bytes) -> list[PlacedCustom]:
        """The custom sections; `fields` are the tokens with which fields begin, `end` ends the last.

        `names` is the content of the section of all names, if it isn't empty; it is the last, unless an
        annotation says where it stands, or what is in it.
        """
        for annotation in self._customs:
            if _field_of(annotation, fields, end) is not None:
                raise annotation.error(f"misplaced @{annotation.name} annotation")
        customs = [
            parse_custom(annotation) if annotation.name == CUSTOM else _parse_names(annotation, names)
            for annotation in self._customs
        ]
        if names and all(placed.custom.name != NAME for placed in customs):
            customs.append(PlacedCustom(NAME, names, DATA_SECTION, before=False))
        return customs

    def check_taken(self, texts: Sequence[str], fields: list[int], end: int) -> None:
        """MalformedError at the first name or branch hint that nobody took."""
        for annotation in self._names:
            if self.names.get(annotation.index) is annotation:
                raise annotation.error("misplaced @name annotation")
        for annotation, following in pairwise(self._names):
            if following.index == annotation.index:
                raise following.error("@name annotation: multiple names")
        for annotation in self.hints.values():
            field = _field_of(annotation, fields, end)
            function = field is not None and texts[field + 1] == "func"
            problem = "invalid placement" if function else "not in a function"
            raise annotation.error(f"@metadata.code.branch_hint annotation: {problem}")


def _field_of(annotation: Annotation, fields: list[int], end: int) -> int | None:
    """The first token of the field that an annotation stands in; None if it is in none."""
    place = bisect_right(fields, annotation.index)
    if place == 0 or annotation.index >= end or fields[place - 1] == annotation.index:
        return None
    return fields[place - 1]


# Branch hints. Spec: the proposal's section `metadata.code.branch_hint`

#: Hints of one function: its index, the size of what precedes its instructions, (offset, hint) pairs.
FunctionHints = tuple[int, int, list[tuple[int, int]]]


def locals_size(code: Code) -> int:
    """How many bytes of a function body precede its instructions."""
    runs = (len(unsigned(count)) + len(encode_valtype(valtype)) for count, valtype in code.locals)
    return len(unsigned(len(code.locals))) + sum(runs)


def hint_section(functions: Sequence[FunctionHints]) -> PlacedCustom:
    """The section of branch hints."""
    parts = [unsigned(len(functions))]
    for index, before, hints in functions:
        parts += [unsigned(index), unsigned(len(hints))]
        parts += [unsigned(before + offset) + bytes((1, value)) for offset, value in hints]
    return PlacedCustom(BRANCH_HINT, b"".join(parts), CODE_SECTION, before=True)
