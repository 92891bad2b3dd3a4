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
    inner: list[str] = []
    for part in parts:
        inner += annotated(f"{indent}{INDENT}{part},")
    return [f"{indent}{head}", *inner, *annotated(f"{indent}{tail}")]


def annotated(line: str) -> list[str]:
    """A line that has or ends in an annotation; of a long `tuple[...]` each part has a line.

    What is nested is split as far as it takes; the nesting of types is bounded.
    """
    opening, closing = line.find("["), line.rfind("]")
    if len(line) <= WIDTH or opening < 0:
        return [line]
    parts, depth, start = [], 0, opening + 1
    for i in range(opening + 1, closing):
        depth += (line[i] == "[") - (line[i] == "]")
        if depth < 0:
            return [line]  # several subscripts side by side
        if line[i] == "," and depth == 0:
            parts.append(line[start:i].strip())
            start = i + 1
    parts.append(line[start:closing].strip())
    indent = line[: len(line) - len(line.lstrip())]
    comma = "," if len(parts) > 1 else ""
    inner = [split for part in parts for split in annotated(f"{indent}{INDENT}{part}{comma}")]
    return [line[: opening + 1], *inner, indent + line[closing:]]


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
