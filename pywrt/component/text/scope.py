"""A component or type under construction: its index spaces, and what is defined in it, encoded."""

from itertools import groupby
from operator import itemgetter

from pywrt.component.names import NAME_SECTION
from pywrt.component.tables import PREAMBLE
from pywrt.component.text.encoding import (
    CUSTOM,
    MODULE_DECLARATORS,
    TYPE_DECLARATORS,
    WHOLE_SECTIONS,
    encode_names,
    name_bytes,
    sized,
    vector,
)
from pywrt.wasm.text.cursor import Space

#: What encloses definitions.
COMPONENT_KIND, COMPONENT_TYPE, INSTANCE_TYPE, MODULE_TYPE = (
    "component",
    "component type",
    "instance type",
    "module type",
)


class DefinedType:
    """A type that is defined in the text: its encoding, and the scope whose indices it has.

    `shape` is what `values` takes from it when it has to write values of the type.
    """

    __slots__ = ("content", "scope", "shape")

    def __init__(self, content: bytes, scope: "Scope") -> None:
        self.content = content
        self.scope = scope
        self.shape: object = None


class Scope:
    """Index spaces by sort, and definitions in order: each the section that it belongs to and its content.

    `name` is the identifier that outer aliases call it by, `own_name` what the section of names says.
    """

    __slots__ = (
        "_names_place",
        "definitions",
        "implied",
        "inline_exports",
        "kind",
        "name",
        "own_name",
        "parent",
        "spaces",
        "types",
    )

    def __init__(self, kind: str, name: str | None, parent: "Scope | None") -> None:
        self.kind = kind
        self.name = name
        self.own_name = name
        self.parent = parent
        self.spaces: dict[str, Space] = {}
        #: Indices of outer aliases that uses of an identifier imply, by sort and identifier. A later
        #: definition may have the identifier for itself.
        self.implied: dict[tuple[str, str], int] = {}
        self.definitions: list[tuple[int, bytes]] = []
        #: Before which of them the section of names stands, if not behind all.
        self._names_place: int | None = None
        #: What exports within definitions say: name, sort and index. They follow all definitions.
        self.inline_exports: list[tuple[bytes, str, int]] = []
        #: Types by index, as far as they are defined in the text.
        self.types: dict[int, DefinedType] = {}

    def space(self, sort: str) -> Space:
        """The index space of a sort."""
        found = self.spaces.get(sort)
        if found is None:
            found = self.spaces[sort] = Space(sort)
        return found

    def find(self, sort: str, name: str) -> int | None:
        """The index that an identifier has here; None if it is not known."""
        space = self.spaces.get(sort)
        found = None if space is None else space.names.get(name)
        return self.implied.get((sort, name)) if found is None else found

    def define(self, section: int, content: bytes) -> None:
        """Append a definition; its index is taken by who knows its sort."""
        self.definitions.append((section, content))

    def place_names(self) -> None:
        """Have the section of names stand here."""
        self._names_place = len(self.definitions)

    def alias_type(self, index: int, other: int) -> None:
        """Note that type `index` is the same as `other`, where that is defined here."""
        if other in self.types:
            self.types[index] = self.types[other]

    def component(self) -> bytes:
        """The binary format: definitions in order; neighbours share a section if they may."""
        parts = [PREAMBLE]
        for section, run in groupby(self._with_names(), itemgetter(0)):
            contents = [content for _, content in run]
            if section not in WHOLE_SECTIONS:
                contents = [vector(contents)]
            parts += [bytes((section,)) + sized(content) for content in contents]
        return b"".join(parts)

    def _with_names(self) -> list[tuple[int, bytes]]:
        """The definitions and the section of names, unless the text says what is in that."""
        names = encode_names(self.own_name, {sort: space.name_map() for sort, space in self.spaces.items()})
        head = name_bytes(NAME_SECTION)
        if not names or any(section == CUSTOM and c.startswith(head) for section, c in self.definitions):
            return self.definitions
        place = len(self.definitions) if self._names_place is None else self._names_place
        return [*self.definitions[:place], (CUSTOM, names), *self.definitions[place:]]

    def declarators(self) -> bytes:
        """The vector of declarators of a type."""
        forms = MODULE_DECLARATORS if self.kind == MODULE_TYPE else TYPE_DECLARATORS
        return vector([forms[section] + content for section, content in self.definitions])
