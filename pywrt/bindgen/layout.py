"""Source lines as `ruff format` leaves them: what doesn't fit on a line has each of its parts on its own."""

from collections.abc import Sequence
from textwrap import wrap

WIDTH = 88
INDENT = "    "


def bracketed(head: str, parts: Sequence[str], tail: str, indent: str = "") -> list[str]:
    """`head` (with the opening bracket), the parts, and `tail` with the closing one."""
    line = f"{indent}{head}{', '.join(parts)}{tail}"
    if len(line) <= WIDTH or not parts:
        return [line]
    # a comma behind `/` or `*` is as good as behind a parameter
    return [f"{indent}{head}", *[f"{indent}{INDENT}{part}," for part in parts], f"{indent}{tail}"]


def union(head: str, members: Sequence[str]) -> list[str]:
    """`head` and a union of `members`."""
    line = head + " | ".join(members)
    if len(line) <= WIDTH:
        return [line]
    inner = INDENT + " | ".join(members)
    if len(inner) <= WIDTH:
        return [f"{head}(", inner, ")"]
    first, *others = members
    return [f"{head}(", INDENT + first, *[f"{INDENT}| {member}" for member in others], ")"]


def docstring(paragraphs: Sequence[str], indent: str) -> list[str]:
    """A docstring of paragraphs, which have no line breaks."""
    width = WIDTH - len(indent)
    if len(paragraphs) == 1 and len(paragraphs[0]) + 6 <= width:
        return [f'{indent}"""{paragraphs[0]}"""']
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += ["", *wrap(paragraph, width - 3, break_long_words=False, break_on_hyphens=False)]
    first, *others = lines[1:]
    return [f'{indent}"""{first}', *[f"{indent}{line}" if line else "" for line in others], f'{indent}"""']
