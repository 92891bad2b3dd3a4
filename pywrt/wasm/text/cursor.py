"""A place in a token list, and what every parser of the text format asks of it."""

from collections.abc import Iterable

from pywrt.errors import MalformedError
from pywrt.wasm.text.keywords import feature_of, is_keyword
from pywrt.wasm.text.lexer import Annotation, Tokens, is_identifier, is_string, string_bytes
from pywrt.wasm.text.numbers import RangeError, is_number, parse_natural


class Space:
    """An index space: how many there are, and which index an identifier has.

    `annotated` are names that annotations give instead. Spec: text/modules.html#indices
    """

    __slots__ = ("annotated", "count", "kind", "names")

    def __init__(self, kind: str) -> None:
        self.kind = kind  # for messages
        self.count = 0
        self.names: dict[str, int] = {}
        self.annotated: dict[int, str] = {}

    def name_map(self) -> dict[int, str]:
        """Names by index, for the name section."""
        return {index: name for name, index in self.names.items()} | self.annotated


class Cursor:
    """Reads tokens in order; `i` is the index of the next one. All errors are MalformedError with a place."""

    __slots__ = ("i", "name_annotations", "texts", "tokens")

    def __init__(self, tokens: Tokens, i: int = 0) -> None:
        self.tokens = tokens
        self.texts = tokens.texts
        self.i = i
        #: `(@name ...)` that nobody took yet, by the token that they precede.
        self.name_annotations: dict[int, Annotation] = {}

    def error(self, message: str, index: int | None = None, feature: str | None = None) -> MalformedError:
        """An error at token `index`, by default the next one."""
        return self.tokens.error(message, self.i if index is None else index, feature)

    def unexpected(self, index: int | None = None, wanted: str = "") -> MalformedError:
        """What is wrong with a token that can't stand here; `wanted` says what can."""
        index = self.i if index is None else index
        token = self.texts[index]
        suffix = f", expected {wanted}" if wanted else ""
        if token == "":
            return self.error(f"unexpected token: end of input{suffix}", index)
        if token == "$" or token == '$""':
            return self.error("empty identifier", index)
        feature = feature_of(self.texts[index + 1] if token == "(" else token)
        if feature is not None:
            return self.error(
                f"{self.texts[index + 1] if token == '(' else token} needs {feature}{suffix}", index, feature
            )
        kind = "unknown operator" if self.is_reserved(index) else "unexpected token"
        return self.error(f"{kind} {_shown(token)}{suffix}", index)

    def is_reserved(self, index: int) -> bool:
        """Whether a token is none of those that mean something. Spec: text/lexical.html#tokens"""
        token = self.texts[index]
        meant = token in ("(", ")", "") or is_string(token) or is_identifier(token)
        return not (meant or is_number(token) or is_keyword(token))

    def at(self, keyword: str) -> bool:
        """Whether `(keyword` comes next."""
        return self.texts[self.i] == "(" and self.texts[self.i + 1] == keyword

    def open(self, keyword: str) -> bool:
        """Step over `(keyword` if it comes next."""
        if self.texts[self.i] == "(" and self.texts[self.i + 1] == keyword:
            self.i += 2
            return True
        return False

    def accept(self, text: str) -> bool:
        """Step over the token `text` if it comes next."""
        if self.texts[self.i] == text:
            self.i += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Step over the token `text`."""
        if self.texts[self.i] != text:
            raise self.unexpected(wanted=f'"{text}"')
        self.i += 1

    def skip_to_close(self) -> None:
        """Step over the rest of the innermost open list and its closing parenthesis."""
        texts, i, depth = self.texts, self.i, 1
        while depth:
            token = texts[i]
            if token == ")":
                depth -= 1
            elif token == "(":
                depth += 1
            elif token == "":
                raise self.unexpected(i, '")"')
            i += 1
        self.i = i

    def at_string(self) -> bool:
        """Whether a string literal comes next."""
        return is_string(self.texts[self.i])

    def string(self) -> bytes:
        """The bytes of the string literal that comes next."""
        if not self.at_string():
            raise self.unexpected(wanted="a string")
        return self._decoded(self.texts[self.i])

    def strings(self) -> bytes:
        """All string literals up to the next other token, joined."""
        parts = []
        while self.texts[self.i][:1] == '"':
            parts.append(self.string())
        return b"".join(parts)

    def name(self) -> str:
        """The string literal that comes next, as a name. Spec: text/values.html#names"""
        start = self.i
        return self._utf8(self.string(), start)

    def _decoded(self, token: str) -> bytes:
        try:
            value = string_bytes(token)
        except ValueError as error:
            raise self.error(str(error)) from None
        self.i += 1
        return value

    def _utf8(self, value: bytes, index: int) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise self.error("malformed UTF-8 encoding", index) from None

    def identifier(self) -> str | None:
        """The identifier that comes next, without its `$`; None if another token does."""
        token = self.texts[self.i]
        if token[:1] != "$":
            return None
        if not is_identifier(token) or token == '$""':
            raise self.unexpected(wanted="an identifier")
        if token[1] != '"':
            self.i += 1
            return token[1:]
        start = self.i
        return self._utf8(self._decoded(token[1:]), start)

    def bind(self, space: Space) -> int:
        """Take the next index of `space`, for the identifier that comes next if one does."""
        start = self.i
        name = self.identifier()
        index = space.count
        if name is not None:
            if name in space.names:
                raise self.error(f"duplicate {space.kind} ${name}", start)
            space.names[name] = index
        annotated = self.annotated_name()
        if annotated is not None:
            space.annotated[index] = annotated
        space.count += 1
        return index

    def at_binding(self) -> bool:
        """Whether an identifier, or an annotation with a name, comes next."""
        return self.texts[self.i][:1] == "$" or self.i in self.name_annotations

    def annotated_name(self) -> str | None:
        """What the annotation in front of the next token says, if there is one."""
        if self.i not in self.name_annotations:
            return None
        return read_name(self.name_annotations.pop(self.i))

    def at_index(self) -> bool:
        """Whether an index comes next: an identifier or a natural number."""
        first = self.texts[self.i][:1]
        return first == "$" or first.isdecimal()

    def index(self, space: Space) -> int:
        """The index that comes next, resolved in `space`; a number is not checked against its count."""
        start = self.i
        name = self.identifier()
        if name is None:
            return self.natural("an index")
        if name not in space.names:
            raise self.error(f"unknown {space.kind} ${name}", start)
        return space.names[name]

    def natural(self, wanted: str = "a natural number", bits: int = 32) -> int:
        """The unsigned integer of `bits` bits that comes next."""
        try:
            value = parse_natural(self.texts[self.i])
        except RangeError as error:
            raise self.error(str(error)) from None
        if value is None:
            raise self.unexpected(wanted=wanted)
        if value >> bits:
            raise self.error(f"i{bits} constant out of range")
        self.i += 1
        return value

    def keyword_of(self, words: Iterable[str]) -> str:
        """The next token, which must be one of `words`."""
        token = self.texts[self.i]
        if token not in words:
            raise self.unexpected(wanted=" or ".join(words))
        self.i += 1
        return token


def read_name(annotation: Annotation) -> str:
    """The name in `(@name "...")`."""
    content = Cursor(annotation.content)
    if not content.at_string():
        raise annotation.error("@name annotation: string expected")
    name = content.name()
    if content.texts[content.i] != "":
        raise content.error("@name annotation: unexpected token")
    return name


def _shown(token: str) -> str:
    return token if len(token) <= 60 else token[:57] + "..."
