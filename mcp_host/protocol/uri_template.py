"""URI templates: is a text one, and does it serve a given URI?

Strategy: a template becomes an automaton of `pattern`, so matching takes time in proportion to the URI,
whatever the template. Expressions match a little more than their expansions: a client that leaves `:` or `@`
unescaped in a simple variable is served too. A simple or reserved variable has at least one character, so
that `x://{id}` doesn't serve `x://`.

Spec: RFC 6570, levels 1 to 4
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mcp_host.protocol import pattern
from mcp_host.protocol.pattern import Automaton, Node

MAX_TEMPLATE = 2000
MAX_URI = 8192
MAX_EXPRESSIONS = 50

_EXPRESSION = re.compile(r"([+#./;?&=,!@|]?)(.+)", re.DOTALL)
_VARIABLE = re.compile(
    r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})(?:\.?(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2}))*(?:\*|:[1-9][0-9]{0,3})?"
)
_BAD_LITERAL = re.compile(r"[\x00-\x20\x7f\"'<>\\^`{|}]|%(?![0-9A-Fa-f]{2})")


class TemplateError(ValueError):
    """A text that is no URI template; the message says why and where."""


def _char(excluded: str) -> Node:
    return ("char", pattern.none_of(excluded))


def _literal(text: str) -> Node:
    return ("cat", [("char", pattern.is_char(c)) for c in text])


def _maybe(first: str, rest: Node) -> Node:
    """Nothing (all variables undefined), or `first` and then `rest`."""
    return ("repeat", ("cat", [_literal(first), ("repeat", rest, 0, None)]), 0, 1)


_SEGMENT = _char("/?#")

# What an expression can expand to, by its operator (RFC 6570, section 3.2 and appendix A).
_EXPANSIONS: dict[str, Callable[[], Node]] = {
    "": lambda: ("repeat", _SEGMENT, 1, None),
    "+": lambda: ("repeat", _char(""), 1, None),
    "#": lambda: _maybe("#", _char("")),
    ".": lambda: _maybe(".", _SEGMENT),
    "/": lambda: _maybe("/", _char("?#")),
    ";": lambda: _maybe(";", _SEGMENT),
    "?": lambda: _maybe("?", _char("#")),
    "&": lambda: _maybe("&", _char("#")),
}


class UriTemplate:
    """A checked template. `literals` counts its characters outside of expressions: more is more specific."""

    __slots__ = ("_automaton", "_prefix", "literals", "text")

    def __init__(self, text: str) -> None:
        """Raises TemplateError, which says what is wrong and where."""
        self.text = text
        self._prefix = text.partition("{")[0]
        self.literals = 0
        if len(text) > MAX_TEMPLATE:
            raise TemplateError(f"longer than {MAX_TEMPLATE} characters")
        parts: list[Node] = []
        pos = expressions = 0
        while pos < len(text):
            start = text.find("{", pos)
            literal = text[pos : start if start >= 0 else len(text)]
            bad = _BAD_LITERAL.search(literal)
            if bad:
                raise TemplateError(f"{bad.group()!r} at character {pos + bad.start()} can't stand in a URI")
            parts.append(_literal(literal))
            self.literals += len(literal)
            if start < 0:
                break
            end = text.find("}", start)
            if end < 0:
                raise TemplateError(f"'{{' at character {start} isn't closed")
            parts.append(_expression(text[start + 1 : end], start))
            expressions += 1
            if expressions > MAX_EXPRESSIONS:
                raise TemplateError(f"more than {MAX_EXPRESSIONS} expressions")
            pos = end + 1
        self._automaton = Automaton(("cat", parts))

    def matches(self, uri: str) -> bool:
        """Whether some expansion of the template is `uri`.

        URIs of more than MAX_URI characters match nothing.
        """
        if len(uri) > MAX_URI or not uri.startswith(self._prefix):
            return False
        return self._automaton.matches(uri, anywhere=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UriTemplate) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def _expression(text: str, start: int) -> Node:
    parsed = _EXPRESSION.fullmatch(text)
    if parsed is None:
        raise TemplateError(f"empty expression at character {start}")
    operator, variables = parsed.groups()
    if operator not in _EXPANSIONS:
        raise TemplateError(f"the operator {operator!r} at character {start + 1} is reserved")
    for variable in variables.split(","):
        if not _VARIABLE.fullmatch(variable):
            raise TemplateError(f"{variable!r} in the expression at character {start} is no variable")
    return _EXPANSIONS[operator]()
