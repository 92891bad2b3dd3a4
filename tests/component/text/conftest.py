"""What the tests of the text format look at in a binary."""

from collections.abc import Callable

import pytest

from pywrt.component.tables import PREAMBLE
from pywrt.component.text import parse_component
from pywrt.wasm.binary.reader import Reader

Sections = list[tuple[int, bytes]]


def read_sections(binary: bytes) -> Sections:
    """The sections of a component: id and content."""
    assert binary.startswith(PREAMBLE)
    reader = Reader(binary, len(PREAMBLE), len(binary))
    found = []
    while reader.pos < reader.end:
        section, size = reader.byte(), reader.u32()
        start = reader.skip(size)
        found.append((section, binary[start : start + size]))
    return found


@pytest.fixture(scope="session")
def sections() -> Callable[[str], Sections]:
    """The sections that definitions make, without names: `(component ...)` stands around them."""

    def read(definitions: str) -> Sections:
        return [
            section for section in read_sections(parse_component(f"(component {definitions})")) if section[0]
        ]

    return read


@pytest.fixture(scope="session")
def nameless() -> Callable[[str], bytes]:
    """The component that definitions make, without sections of names in it or in nested ones."""

    def strip(binary: bytes) -> bytes:
        parts = [PREAMBLE]
        for section, content in read_sections(binary):
            if section:
                content = strip(content) if section == 4 else content
                parts.append(bytes((section,)) + len(content).to_bytes(4, "little") + content)
        return b"".join(parts)

    return lambda definitions: strip(parse_component(f"(component {definitions})"))
