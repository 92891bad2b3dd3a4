"""Building blocks of binary modules."""

from collections.abc import Callable

import pytest

HEADER = b"\0asm\1\0\0\0"


@pytest.fixture
def binary() -> Callable[..., bytes]:
    """A module file of (section id, content) pairs; contents are short."""

    def build(*sections: tuple[int, bytes]) -> bytes:
        return HEADER + b"".join(bytes([number, len(content)]) + content for number, content in sections)

    return build
