"""How text is laid out: indentation, and long lists on several lines."""

from collections.abc import Iterator, Sequence

from pywrt.wasm.text.printer.values import quoted

#: Deeper nesting is not indented further: a body of 50,000 blocks would print as gigabytes.
MAX_INDENT = 32
INDENTS = tuple("  " * depth for depth in range(MAX_INDENT + 1))
#: Where the lists of segments are broken.
_LINE_WIDTH = 100


def strings(raw: bytes) -> list[str]:
    """Bytes as string literals of some length."""
    if len(raw) <= _LINE_WIDTH // 2:
        return [quoted(raw)]
    found = []
    start = 0
    while start < len(raw):
        # An escaped byte takes three characters: as many bytes as fill a line.
        size = next(
            size for size in (96, 64, 48, 32) if size == 32 or len(quoted(raw[start : start + size])) <= 98
        )
        found.append(quoted(raw[start : start + size]))
        start += size
    return found


def wrapped(head: str, words: Sequence[str]) -> Iterator[str]:
    """What begins with `head` and goes on with `words`, on several lines if it is long."""
    line = head
    for word in words:
        if len(line) + len(word) >= _LINE_WIDTH and line.strip():
            yield line
            line = f"    {word}"
        else:
            line = f"{line} {word}"
    yield f"{line})"
