"""Text to tokens. Spec: text/lexical.html.

Strategy: one compiled pattern is scanned over the text; it skips white space and line comments and
yields parentheses and maximal runs of word characters and strings, so that `0$l` or `"a""b"` comes out
as the one reserved token that the specification says it is. Block comments and annotations nest, which
a pattern can't follow: a loop finds their end and the scan goes on there. A token is its text; what it
is (parenthesis, string, identifier, number, keyword, reserved) follows from that text and is asked
only where the parser needs to know. Annotations with a meaning are kept beside the tokens, each with the
place of the token that follows it; others are passed over.
"""

import re
from bisect import bisect_left, bisect_right

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

#: Annotations that are kept. Spec: appendix/custom.html, and the proposal of branch hints
NAME, CUSTOM, BRANCH_HINT = "name", "custom", "metadata.code.branch_hint"
#: Ours, for what else a binary can say: `(@names (after code))` is where the section of all names stands,
#: `(@data_count)` the section of that name where no instruction needs it, and `(@own_name "name"?)` what a
#: module or component in a component calls itself, if that is not what the component around it does.
NAMES, DATA_COUNT, OWN_NAME = "names", "data_count", "own_name"
_MEANT = frozenset((NAME, CUSTOM, BRANCH_HINT, NAMES, DATA_COUNT, OWN_NAME))


class Annotation:
    """`(@name ...)` in front of token `index`; `content` is what follows its name."""

    __slots__ = ("content", "index", "name", "start")

    def __init__(self, name: str, index: int, start: int, content: "Tokens") -> None:
        self.name = name
        self.index = index
        self.start = start
        self.content = content

    def error(self, message: str) -> MalformedError:
        """A MalformedError that points at the annotation."""
        return error_at(message, self.content.text, self.start)


class Tokens:
    """The tokens of `text`: `texts[i]` begins at `starts[i]`; two empty texts stand for the end."""

    __slots__ = ("annotations", "starts", "text", "texts")

    def __init__(self, text: str) -> None:
        self.text = text
        self.texts: list[str] = []
        self.starts: list[int] = []
        self.annotations: list[Annotation] = []

    def add(self, text: str, start: int) -> None:
        """Append one token."""
        self.texts.append(text)
        self.starts.append(start)

    def annotations_between(self, first: int, last: int) -> list[Annotation]:
        """The annotations in front of the tokens `first` to `last`."""
        start = bisect_left(self.annotations, first, key=_annotation_index)
        return self.annotations[start : bisect_right(self.annotations, last, key=_annotation_index)]

    def end(self, start: int) -> None:
        """Append what stands for the end."""
        for _ in range(2):
            self.add("", start)

    def error(self, message: str, index: int, feature: str | None = None) -> MalformedError:
        """A MalformedError that points at token `index`."""
        return error_at(message, self.text, self.starts[index], feature)


def _annotation_index(annotation: Annotation) -> int:
    return annotation.index


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
        shown = source.decode(errors="replace")
        raise error_at("malformed UTF-8 encoding", shown, len(source[: error.start].decode())) from None


def tokenize(text: str) -> Tokens:
    """All tokens of `text`, comments left out. MalformedError at the first that is none."""
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
            elif group == 3:
                annotation, position = _annotation(text, found.start(3), len(tokens.texts))
                if annotation.name in _MEANT:
                    tokens.annotations.append(annotation)
                break
            elif group is not None:
                position = _skip(text, found.start(group), group)
                break
    tokens.end(len(text))
    return tokens


def _skip(text: str, start: int, group: int) -> int:
    """The end of the comment (group 2) at `start`; group 4 is no token at all."""
    if group == 2:
        return _skip_comment(text, start)
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


def _annotation_name(text: str, start: int) -> tuple[str, int]:
    """The name of the annotation at `start` and where that ends."""
    found = _ANNOTATION_NAME.match(text, start + 2)
    if found is None or found[0] == '""':
        raise error_at("empty annotation id", text, start)
    if found[0][0] != '"':
        return found[0], found.end()
    try:
        return string_bytes(found[0]).decode(), found.end()
    except UnicodeDecodeError:
        raise error_at("malformed UTF-8 encoding", text, start) from None
    except ValueError as error:
        raise error_at(str(error), text, start) from None


def _annotation(text: str, start: int, index: int) -> tuple[Annotation, int]:
    """The annotation at `start` in front of token `index`, and its end.

    What is in it must be tokens with balanced parentheses, of which `(@` is one.
    Spec: text/lexical.html#annotations
    """
    name, position = _annotation_name(text, start)
    content = Tokens(text)
    depth = 1
    while depth:
        found = _TOKEN.match(text, position)
        group = None if found is None else found.lastindex
        if found is None or group is None:
            raise error_at("unclosed annotation", text, start)
        position = found.end()
        if group == 1:
            depth += (found[1] == "(") - (found[1] == ")")
            if depth:
                content.add(found[1], found.start(1))
        elif group == 3:
            depth += 1
            content.add("(@", found.start(3))
        else:
            position = _skip(text, found.start(group), group)
    content.end(position - 1)
    return Annotation(name, index, start, content), position


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
