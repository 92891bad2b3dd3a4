"""WIT text to tokens. Spec: component-model WIT.md#lexical-structure.

Strategy: one compiled pattern is scanned over the text; it skips white space and plain comments and yields
words (identifiers, keywords, integers), semantic versions, strings and operators. Block comments nest,
which a pattern can't follow: a loop finds their end and the scan goes on there. Doc comments are no tokens:
they are kept beside them, by the token that follows. A token is its text; two empty ones stand for the end.
"""

import re
from typing import TypeVar

from pywrt.errors import InvalidError, MalformedError

_IDENTIFIERS = r"[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+"
_VERSION = rf"[0-9]++\.[0-9]++\.[0-9]++(?:-{_IDENTIFIERS})?+(?:\+{_IDENTIFIERS})?+"
_WORD = r"%?+[0-9A-Za-z_](?:[0-9A-Za-z_]|-(?!>))*+"
_STRING = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*+"'
_TOKEN = re.compile(
    r"(?:[ \t\n\r]++|//(?!/(?!/))[^\n]*+)*+"
    rf"(?:({_VERSION}|{_WORD}|{_STRING}|->|[=,:;(){{}}<>*/.@](?<!/(?=[/*])))|///([^\n]*+)|(/\*)|(.)|\Z)",
    re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
#: Control codes, overrides of the direction of writing, and what Unicode deprecates.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u0149\u0673\u0f77\u0f79\u17a3\u17a4\u17b4\u17b5]"
)
_ESCAPE = re.compile(rb"\\(?:([0-9a-fA-F]{2})|u\{([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)\}|(.?))", re.DOTALL)
_SIMPLE_ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}

_Error = TypeVar("_Error", MalformedError, InvalidError)


class Source:
    """A text and the name of its file; makes errors that point into it."""

    __slots__ = ("name", "text")

    def __init__(self, text: str, name: str | None = None) -> None:
        self.text = text
        self.name = name

    def line(self, start: int) -> int:
        """The line, from 1, of character `start`."""
        return self.text.count("\n", 0, start) + 1

    def malformed(self, message: str, start: int) -> MalformedError:
        """A MalformedError that points at character `start`."""
        return self._error(MalformedError, message, start)

    def invalid(self, message: str, start: int) -> InvalidError:
        """An InvalidError that points at character `start`."""
        return self._error(InvalidError, message, start)

    def _error(self, kind: type[_Error], message: str, start: int) -> _Error:
        line_start = self.text.rfind("\n", 0, start) + 1
        line_end = self.text.find("\n", start)
        return kind(
            message,
            file=self.name,
            line=self.line(start),
            column=start - line_start + 1,
            source_line=self.text[line_start : line_end if line_end >= 0 else len(self.text)].rstrip("\r"),
        )


class Tokens:
    """The tokens of a text: `texts[i]` begins at `starts[i]`; `docs[i]` are the doc comments before it."""

    __slots__ = ("docs", "source", "starts", "texts")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.texts: list[str] = []
        self.starts: list[int] = []
        self.docs: dict[int, list[str]] = {}

    def add_docs(self, lines: list[str]) -> None:
        """Keep `lines` for the token that comes next."""
        self.docs.setdefault(len(self.texts), []).extend(lines)


def decode_source(data: bytes, name: str | None = None) -> Source:
    """The text of a file; MalformedError if it isn't UTF-8."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return Source(data.decode(), name)
    except UnicodeDecodeError as error:
        shown = Source(data.decode(errors="replace"), name)
        message = "malformed UTF-8 encoding: save the file as UTF-8"
        raise shown.malformed(message, len(data[: error.start].decode())) from None


def tokenize(source: Source) -> Tokens:
    """All tokens of a text. MalformedError at the first character that begins none."""
    text = source.text
    forbidden = _FORBIDDEN.search(text)
    if forbidden is not None:
        message = f"the character U+{ord(forbidden[0]):04X} is not allowed in WIT, not even in a comment"
        raise source.malformed(message, forbidden.start())
    tokens = Tokens(source)
    position: int | None = 0
    while position is not None:
        found_iterator = _TOKEN.finditer(text, position)
        position = None
        for found in found_iterator:
            group = found.lastindex
            if group == 1:
                tokens.texts.append(found[1])
                tokens.starts.append(found.start(1))
            elif group == 2:
                tokens.add_docs([_doc_line(found[2])])
            elif group == 3:
                position = _block_comment(tokens, found.start(3))
                break
            elif group == 4:
                raise _illegal(source, found.start(4))
    for _ in range(2):
        tokens.texts.append("")
        tokens.starts.append(len(text))
    return tokens


def _illegal(source: Source, start: int) -> MalformedError:
    character = source.text[start]
    if character == '"':
        return source.malformed("unclosed string literal, or a bad escape in it", start)
    if character == "%":
        return source.malformed("`%` must be followed by an identifier", start)
    return source.malformed(f"illegal character {character!a}", start)


def _doc_line(line: str) -> str:
    return line.removeprefix(" ").rstrip()


def _block_comment(tokens: Tokens, start: int) -> int:
    """The end of the comment at `start`, which is kept if it is `/** ... */`."""
    text, depth = tokens.source.text, 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            body = text[start + 2 : edge.end() - 2]
            if body.startswith("*") and not body.startswith("**"):
                lines = [line.strip() for line in body[1:].split("\n")]
                lines = [line[1:].removeprefix(" ") if line.startswith("*") else line for line in lines]
                tokens.add_docs(lines[not lines[0] : len(lines) - (len(lines) > 1 and not lines[-1])])
            return edge.end()
    raise tokens.source.malformed("unclosed comment: `/*` needs as many `*/`", start)


def unquote(token: str) -> str:
    """The text that a string literal, quotes included, stands for. ValueError for a bad escape."""
    return _ESCAPE.sub(_unescape, token[1:-1].encode()).decode()


def _unescape(found: re.Match[bytes]) -> bytes:
    pair, scalar, simple = found.groups()
    if pair is not None:
        return bytes((int(pair, 16),))
    if scalar is None:
        if simple not in _SIMPLE_ESCAPES:
            raise ValueError(f"illegal escape {found[0].decode(errors='replace')!a}")
        return _SIMPLE_ESCAPES[simple]
    digits = scalar.replace(b"_", b"").lstrip(b"0")
    value = int(digits or b"0", 16) if len(digits) <= 6 else 0x110000
    if value > 0x10FFFF or 0xD800 <= value < 0xE000:
        raise ValueError("malformed unicode escape: not a Unicode scalar value")
    return chr(value).encode()
