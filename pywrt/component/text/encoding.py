"""The component binary format as the text's parser writes it. Spec: component-model Binary.md"""

from collections.abc import Mapping, Sequence

from pywrt.component.names import NAME_SECTION
from pywrt.component.tables import CORE_SORTS, SORTS
from pywrt.wasm.text.instructions import unsigned

#: Section ids. Spec: Binary.md#component-definitions
CUSTOM = 0
CORE_MODULE = 1
CORE_INSTANCE = 2
CORE_TYPE = 3
COMPONENT = 4
INSTANCE = 5
ALIAS = 6
TYPE = 7
CANON = 8
START = 9
IMPORT = 10
EXPORT = 11
VALUE = 12

#: Sections that are one thing, not a vector of definitions.
WHOLE_SECTIONS = frozenset((CUSTOM, CORE_MODULE, COMPONENT, START))

#: How what would be in a section begins as a declarator. Spec: Binary.md#type-definitions
TYPE_DECLARATORS = {CORE_TYPE: b"\x00", TYPE: b"\x01", ALIAS: b"\x02", IMPORT: b"\x03", EXPORT: b"\x04"}
MODULE_DECLARATORS = {IMPORT: b"\x00", CORE_TYPE: b"\x01", ALIAS: b"\x02", EXPORT: b"\x03"}

#: `sort`, and `core:sort` as one; in the order that the name section has them.
SORT_BYTES = {sort: bytes((0, code)) for code, sort in CORE_SORTS.items()} | {
    sort: bytes((code,)) for code, sort in SORTS.items()
}


def vector(items: Sequence[bytes]) -> bytes:
    """A vector of what is encoded already."""
    return unsigned(len(items)) + b"".join(items)


def sized(content: bytes) -> bytes:
    """Content behind its size."""
    return unsigned(len(content)) + content


def name_bytes(name: str) -> bytes:
    """`core:name`"""
    return sized(name.encode())


def encode_names(own: str | None, names: Mapping[str, Mapping[int, str]]) -> bytes:
    """A custom section of names: a component's own and, by sort, those by index; empty if there are none.

    Spec: Binary.md#name-section
    """
    subsections = [] if own is None else [b"\x00" + sized(name_bytes(own))]
    for sort, code in SORT_BYTES.items():
        entries = sorted(names.get(sort, {}).items())
        if entries:
            pairs = [unsigned(index) + name_bytes(name) for index, name in entries]
            subsections.append(b"\x01" + sized(code + vector(pairs)))
    return name_bytes(NAME_SECTION) + b"".join(subsections) if subsections else b""
