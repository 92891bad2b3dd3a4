"""Text to tokens. Spec: text/lexical.html.

Strategy: one compiled pattern is scanned over the text; it skips white space and line comments and
yields parentheses and maximal runs of word characters and strings, so that `0$l` or `"a""b"` comes out
as the one reserved token that the specification says it is. Block comments and annotations nest, which
a pattern can't follow: a loop finds their end and the scan goes on there. A token is its text; what it
is (parenthesis, string, identifier, number, keyword, reserved) follows from that text and is asked
only where the parser needs to know.
"""

import re

from pywrt.errors import MalformedError

_WORD = r"[0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]"
_STRING = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*+"'
_TOKEN = re.compile(
    r"(?:[ \t\n\r]+|;;[^\n\r]*)*+"
    rf"(?:(\((?![;@])|\)|(?:{_WORD}++|{_STRING})+|[,;\[\]{{}}])|(\(;)|(\(@)|(.)|\Z)",
    re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"\(;|;\)")
_ANNOTATION_NAME = re.compile(rf"{_WORD}++|{_STRING}")
_STRING_ONLY = re.compile(_STRING)
_IDENTIFIER = re.compile(rf"\$(?:{_WORD}+|{_STRING})")
_ESCAPE = re.compile(rb"\\(?:([0-9a-fA-F]{2})|u\{([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)\}|(.?))", re.DOTALL)
_SIMPLE_ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}


class Tokens:
    """The tokens of `text`: `texts[i]` begins at `starts[i]`; two empty texts stand for the end."""

    __slots__ = ("starts", "text", "texts")

    def __init__(self, text: str) -> None:
        self.text = text
        self.texts: list[str] = []
        self.starts: list[int] = []

    def error(self, message: str, index: int, feature: str | None = None) -> MalformedError:
        """A MalformedError that points at token `index`."""
        return error_at(message, self.text, self.starts[index], feature)


def error_at(message: str, text: str, start: int, feature: str | None = None) -> MalformedError:
    """A MalformedError that points at character `start` of `text`."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    return MalformedError(
        message,
        line=text.count("\n", 0, start) + 1,
        column=start - line_start + 1,
        source_line=text[line_start : line_end if line_end >= 0 else len(text)],
        feature=feature,
    )


def decode_text(source: bytes) -> str:
    """The characters of a text file; MalformedError if it isn't UTF-8."""
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("malformed UTF-8 encoding", offset=error.start) from None


def tokenize(text: str) -> Tokens:
    """All tokens of `text`, comments and annotations left out. MalformedError at the first that is none."""
    tokens = Tokens(text)
    add_text, add_start = tokens.texts.append, tokens.starts.append
    position: int | None = 0
    while position is not None:
        found_iterator = _TOKEN.finditer(text, position)
        position = None
        for found in found_iterator:
            group = found.lastindex
            if group == 1:
                add_text(found[1])
                add_start(found.start(1))
            elif group is not None:
                position = _skip(text, found.start(group), group)
                break
    for _ in range(2):
        add_text("")
        add_start(len(text))
    return tokens


def _skip(text: str, start: int, group: int) -> int:
    """The end of the comment (group 2) or annotation (group 3) at `start`; group 4 is no token at all."""
    if group == 2:
        return _skip_comment(text, start)
    if group == 3:
        return _skip_annotation(text, start)
    character = text[start]
    if character != '"':
        raise error_at(f"illegal character {character!a}", text, start)
    if start and text[start - 1] == "$":
        raise error_at("empty identifier", text, start - 1)
    raise error_at("unclosed string literal", text, start)


def _skip_comment(text: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "(;" else -1
        if depth == 0:
            return edge.end()
    raise error_at("unclosed comment", text, start)


def _skip_annotation(text: str, start: int) -> int:
    """Spec: text/lexical.html#annotations. What is in it must be tokens with balanced parentheses."""
    name = _ANNOTATION_NAME.match(text, start + 2)
    if name is None or name[0] == '""':
        raise error_at("empty annotation id", text, start)
    if name[0].startswith('"'):
        try:
            string_bytes(name[0]).decode()
        except UnicodeDecodeError:
            raise error_at("malformed UTF-8 encoding", text, start) from None
        except ValueError as error:
            raise error_at(str(error), text, start) from None
    depth = 1
    position = name.end()
    while depth:
        found = _TOKEN.match(text, position)
        group = None if found is None else found.lastindex
        if found is None or group is None:
            raise error_at("unclosed annotation", text, start)
        position = found.end()
        if group == 1:
            depth += (found[1] == "(") - (found[1] == ")")
        elif group == 3:
            depth += 1
        else:
            position = _skip(text, found.start(group), group)
    return position


def is_string(token: str) -> bool:
    """Whether a token is one string literal."""
    return token[:1] == '"' and _STRING_ONLY.fullmatch(token) is not None


def is_identifier(token: str) -> bool:
    """Whether a token is `$name` or `$"..."`."""
    return token[:1] == "$" and _IDENTIFIER.fullmatch(token) is not None


def string_bytes(token: str) -> bytes:
    """The bytes that a string literal, quotes included, stands for. ValueError for a bad escape.

    Spec: text/values.html#strings
    """
    body = token[1:-1].encode()
    return _ESCAPE.sub(_unescape, body) if b"\\" in body else body


def _unescape(found: re.Match[bytes]) -> bytes:
    pair, scalar, simple = found.groups()
    if pair is not None:
        return bytes((int(pair, 16),))
    if scalar is None:
        if simple not in _SIMPLE_ESCAPES:
            raise ValueError(f"illegal escape {found[0].decode(errors='replace')!a}")
        return _SIMPLE_ESCAPES[simple]
    value = int(scalar.replace(b"_", b""), 16)
    if value > 0x10FFFF or 0xD800 <= value < 0xE000:
        raise ValueError("malformed unicode escape: not a Unicode scalar value")
    return chr(value).encode()
