"""Test scripts (.wast) as data. Spec: the reference interpreter's script format.

A script is a list of commands, each with its line. Modules in it are split off and parsed when they
are asked for, so that one that does not parse, or needs an unbuilt feature, fails its own command only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from pywrt.errors import MalformedError
from pywrt.wasm.module import Module
from pywrt.wasm.text.cursor import Cursor
from pywrt.wasm.text.instructions import number, read_shape
from pywrt.wasm.text.lexer import Tokens, decode_text, tokenize
from pywrt.wasm.text.modules import ModuleParser, parse_module
from pywrt.wasm.text.numbers import parse_float, parse_int
from pywrt.wasm.types import ABSTRACT_HEAP_TYPES


@dataclass(frozen=True, slots=True)
class Const:
    """A number: `bits` is its bit pattern as an unsigned integer.

    `type` is i32, i64, f32 or f64; a lane of a vector may also be i8 or i16.
    """

    type: str
    bits: int

    def __str__(self) -> str:
        return f"{self.type} {_shown_bits(self.type, self.bits)}"


@dataclass(frozen=True, slots=True)
class RefConst:
    """A reference: `kind` is null, host, or the abstract heap type that it is of.

    `value` is a host's number (of a host or extern), or the heap type of a null. As a result, without a
    value it stands for any such reference that isn't null, or for any null.
    """

    kind: str
    value: int | str | None = None

    def __str__(self) -> str:
        return f"ref.{self.kind}" + ("" if self.value is None else f" {self.value}")


@dataclass(frozen=True, slots=True)
class NanPattern:
    """Any canonical NaN (payload 2^(n-1), any sign), or any arithmetic one (that payload bit set)."""

    type: str
    kind: str

    def __str__(self) -> str:
        return f"{self.type} nan:{self.kind}"


@dataclass(frozen=True, slots=True)
class VecConst:
    """A vector: `shape` is i8x16 ... f64x2; `lanes`, the least first, are patterns in results only."""

    shape: str
    lanes: tuple[Const | NanPattern, ...]

    def __str__(self) -> str:
        lanes = [f"0x{lane.bits:x}" if isinstance(lane, Const) else f"nan:{lane.kind}" for lane in self.lanes]
        return f"v128 {self.shape} {' '.join(lanes)}"


@dataclass(frozen=True, slots=True)
class Either:
    """A result that is one of several."""

    options: tuple["Result", ...]

    def __str__(self) -> str:
        return f"either {', '.join(map(str, self.options))}"


class ForeignValue:
    """A value that only another kind of script has; subclasses say what it is."""

    __slots__ = ()


Value = Const | VecConst | RefConst | ForeignValue
Result = Const | VecConst | RefConst | NanPattern | Either | ForeignValue


class Source:
    """Code as a script gives it: `kind` is text, quote or binary. It is parsed when asked for.

    `keyword` says what it is of; subclasses parse it.
    """

    __slots__ = ("_bytes", "_end", "_first", "_start", "_tokens", "kind", "name")

    keyword: ClassVar[str]

    def __init__(
        self, kind: str, name: str | None, content: bytes, tokens: Tokens, first: int, start: int, end: int
    ) -> None:
        self.kind = kind
        self.name = name
        self._bytes = content
        self._tokens = tokens
        self._first = first  # what follows its keyword
        self._start = start  # where its fields begin
        self._end = end  # its closing parenthesis

    @property
    def binary(self) -> bytes:
        """The file, of kind binary."""
        return self._bytes

    @property
    def text(self) -> str:
        """`(module ...)` as it stands, or what is quoted."""
        if self.kind == "quote":
            return self._bytes.decode(errors="replace")
        tokens, keyword = self._tokens, self._first - 1
        start = tokens.starts[keyword] + len(tokens.texts[keyword])
        return f"({self.keyword} {tokens.text[start : tokens.starts[self._end]]})"


class ModuleSource(Source):
    """A module as a script gives it."""

    __slots__ = ()

    keyword = "module"

    def parse(self) -> Module:
        """The syntax of a text or quoted module; errors as those of `parse_module`.

        Their places in a quoted module are within the quoted text, whose strings a space joins.
        """
        if self.kind == "quote":
            return parse_module(self._bytes)
        cursor = Cursor(self._tokens, self._start)
        annotations = self._tokens.annotations_between(self._first, self._end)
        module = ModuleParser(cursor, self.name, annotations).parse()
        cursor.expect(")")
        return module


AnySource = TypeVar("AnySource", bound=Source)


@dataclass(frozen=True, slots=True)
class Command:
    """Any command; `line` is where it begins, from 1."""

    line: int


@dataclass(frozen=True, slots=True)
class ModuleCommand(Command):
    """Define a module, under `name` if given; instantiate it unless it is only a `definition`."""

    name: str | None
    source: ModuleSource
    definition: bool


@dataclass(frozen=True, slots=True)
class InstanceCommand(Command):
    """Instantiate the definition `module` (None: the latest) as `name`, if given."""

    name: str | None
    module: str | None


@dataclass(frozen=True, slots=True)
class Register(Command):
    """Offer the exports of instance `name` (None: the latest) to imports from module `module`."""

    module: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Invoke(Command):
    """Call the export `field` of instance `name` (None: the latest)."""

    name: str | None
    field: str
    args: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Get(Command):
    """Read the exported global `field` of instance `name` (None: the latest)."""

    name: str | None
    field: str


Action = Invoke | Get


@dataclass(frozen=True, slots=True)
class AssertReturn(Command):
    action: Action
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class AssertTrap(Command):
    """An action, or the instantiation of a module, traps with `message`."""

    action: Action | Source
    message: str


@dataclass(frozen=True, slots=True)
class AssertExhaustion(Command):
    action: Action
    message: str


@dataclass(frozen=True, slots=True)
class AssertException(Command):
    action: Action


@dataclass(frozen=True, slots=True)
class AssertMalformed(Command):
    source: Source
    message: str


@dataclass(frozen=True, slots=True)
class AssertInvalid(Command):
    source: Source
    message: str


@dataclass(frozen=True, slots=True)
class AssertMalformedCustom(Command):
    """A custom section or annotation of the module does not parse."""

    source: Source
    message: str


@dataclass(frozen=True, slots=True)
class AssertInvalidCustom(Command):
    """A custom section or annotation of the module parses but is not valid."""

    source: Source
    message: str


@dataclass(frozen=True, slots=True)
class AssertUnlinkable(Command):
    source: Source
    message: str


@dataclass(frozen=True, slots=True)
class Unsupported(Command):
    """A command `keyword` that can't even be read without `feature`."""

    keyword: str
    feature: str


#: Nesting of values.
MAX_NESTING = 100

#: Results that stand for any reference of a kind.
_ANY_REFERENCES = {
    "ref": "any",
    **{f"ref.{kind}": kind for kind in ("any", "eq", "i31", "struct", "array", "func", "exn")},
}


class ScriptParser:
    """Reads commands; a subclass adds forms for its own kind of script.

    They go to `commands`, `values` and `sources`, which are what assertions can be about.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.cursor = Cursor(tokens)
        self.commands: dict[str, Callable[[int], Command]] = {
            "module": self.module,
            "register": self.register,
            "invoke": self.invoke,
            "get": self.get,
            "assert_return": self.assert_return,
            "assert_trap": self.assert_trap,
            "assert_exhaustion": self.assert_exhaustion,
            "assert_exception": self.assert_exception,
            "assert_malformed": self.assert_malformed,
            "assert_invalid": self.assert_invalid,
            "assert_malformed_custom": self.assert_malformed_custom,
            "assert_invalid_custom": self.assert_invalid_custom,
            "assert_unlinkable": self.assert_unlinkable,
        }
        self.values: dict[str, Callable[[str], Result]] = {
            "i32.const": self.integer,
            "i64.const": self.integer,
            "f32.const": self.float,
            "f64.const": self.float,
            "v128.const": self.vector,
            "ref.null": self.null,
            "ref.extern": self.reference,
            "ref.host": self.reference,
            **dict.fromkeys(_ANY_REFERENCES, self.any_reference),
            "either": self.either,
        }
        self.sources: dict[str, type[Source]] = {"module": ModuleSource}
        self._depth = 0  # of values in values
        self._line = 1
        self._counted = 0

    def parse(self) -> list[Command]:
        """All commands up to the end of the text."""
        cursor, texts = self.cursor, self.cursor.texts
        if texts[0] == "(" and texts[1] not in self.commands and texts[1] in _MODULE_FIELDS:
            return [self._inline_module()]
        found = []
        while texts[cursor.i] != "":
            start = cursor.i
            cursor.expect("(")
            try:
                found.append(self._command(start))
            except MalformedError as error:
                if error.feature is None:
                    raise
                cursor.i = start + 1
                cursor.skip_to_close()
                found.append(Unsupported(self.line(start), texts[start + 1], error.feature))
        return found

    def _command(self, start: int) -> Command:
        read = self.commands.get(self.cursor.texts[self.cursor.i])
        if read is None:
            raise self.cursor.unexpected(wanted="a command")
        self.cursor.i += 1
        command = read(self.line(start))
        self.cursor.expect(")")
        return command

    def _inline_module(self) -> Command:
        """A script that is nothing but the fields of one module."""
        tokens = self.cursor.tokens
        self.cursor.i = len(tokens.texts) - 1
        return ModuleCommand(
            1, None, ModuleSource("quote", None, tokens.text.encode(), tokens, 0, 0, 0), False
        )

    def line(self, index: int) -> int:
        """The line of token `index`, from 1; cheap for ascending ones."""
        start = self.cursor.tokens.starts[index]
        if start < self._counted:
            return self.cursor.tokens.text.count("\n", 0, start) + 1
        self._line += self.cursor.tokens.text.count("\n", self._counted, start)
        self._counted = start
        return self._line

    # Commands: each begins behind its keyword and ends before its closing parenthesis.

    def module(self, line: int) -> Command:
        cursor = self.cursor
        if cursor.accept("instance"):
            name, module = cursor.identifier(), cursor.identifier()
            return InstanceCommand(line, name, module) if module else InstanceCommand(line, None, name)
        definition = cursor.accept("definition")
        source = self.source(ModuleSource)
        return ModuleCommand(line, source.name, source, definition)

    def source(self, make: "type[AnySource]") -> "AnySource":
        """What follows `(module` or another keyword, up to the closing parenthesis."""
        cursor = self.cursor
        first = cursor.i
        name = cursor.identifier()
        kind = "text"
        content = b""
        start = cursor.i
        if cursor.texts[start] in ("binary", "quote"):
            kind = cursor.texts[start]
            cursor.i += 1
            content = self._quoted(b"" if kind == "binary" else b" ")
        else:
            cursor.skip_to_close()
            cursor.i -= 1
        return make(kind, name, content, cursor.tokens, first, start, cursor.i)

    def _quoted(self, separator: bytes) -> bytes:
        parts = []
        while self.cursor.at_string():
            parts.append(self.cursor.string())
        return separator.join(parts)

    def at_source(self) -> bool:
        """Whether `(module` or the like comes next."""
        texts, i = self.cursor.texts, self.cursor.i
        return texts[i] == "(" and texts[i + 1] in self.sources

    def source_form(self) -> Source:
        """`(module ...)` or the like, within an assertion."""
        self.cursor.expect("(")
        source = self.source(self.sources[self.cursor.keyword_of(self.sources)])
        self.cursor.expect(")")
        return source

    def register(self, line: int) -> Command:
        module = self.cursor.name()
        return Register(line, module, self.cursor.identifier())

    def invoke(self, line: int) -> Invoke:
        name = self.cursor.identifier()
        field = self.cursor.name()
        args = []
        while self.cursor.texts[self.cursor.i] == "(":
            start = self.cursor.i
            value = self.value()
            if isinstance(value, NanPattern | Either) or not _is_value(value):
                raise self.cursor.error("unexpected token: a pattern is no argument", start)
            args.append(value)
        return Invoke(line, name, field, tuple(args))

    def get(self, line: int) -> Get:
        name = self.cursor.identifier()
        return Get(line, name, self.cursor.name())

    def action(self) -> Action:
        """`(invoke ...)` or `(get ...)` within an assertion."""
        line = self.line(self.cursor.i)
        self.cursor.expect("(")
        action = self.invoke(line) if self.cursor.accept("invoke") else self._get_action(line)
        self.cursor.expect(")")
        return action

    def _get_action(self, line: int) -> Action:
        self.cursor.expect("get")
        return self.get(line)

    def message(self) -> str:
        """The message that an assertion expects."""
        return self.cursor.name()

    def assert_return(self, line: int) -> Command:
        action = self.action()
        results = []
        while self.cursor.texts[self.cursor.i] == "(":
            results.append(self.value())
        return AssertReturn(line, action, tuple(results))

    def assert_trap(self, line: int) -> Command:
        what = self.source_form() if self.at_source() else self.action()
        return AssertTrap(line, what, self.message())

    def assert_exhaustion(self, line: int) -> Command:
        action = self.action()
        return AssertExhaustion(line, action, self.message())

    def assert_exception(self, line: int) -> Command:
        return AssertException(line, self.action())

    def assert_malformed(self, line: int) -> Command:
        source = self.source_form()
        return AssertMalformed(line, source, self.message())

    def assert_invalid(self, line: int) -> Command:
        source = self.source_form()
        return AssertInvalid(line, source, self.message())

    def assert_malformed_custom(self, line: int) -> Command:
        source = self.source_form()
        return AssertMalformedCustom(line, source, self.message())

    def assert_invalid_custom(self, line: int) -> Command:
        source = self.source_form()
        return AssertInvalidCustom(line, source, self.message())

    def assert_unlinkable(self, line: int) -> Command:
        source = self.source_form()
        return AssertUnlinkable(line, source, self.message())

    # Values: each begins behind its keyword and ends before its closing parenthesis.

    def value(self) -> Result:
        """An argument or a result."""
        self.cursor.expect("(")
        value = self.bare_value()
        self.cursor.expect(")")
        return value

    def bare_value(self) -> Result:
        """What is between the parentheses of a value."""
        cursor = self.cursor
        keyword = cursor.texts[cursor.i]
        read = self.values.get(keyword)
        if read is None:
            raise cursor.unexpected(wanted="a value")
        cursor.i += 1
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise cursor.error(f"nesting too deep: more than {MAX_NESTING} levels")
        value = read(keyword)
        self._depth -= 1
        return value

    def integer(self, keyword: str) -> Result:
        return Const(keyword[:3], number(self.cursor, parse_int, int(keyword[1:3]), "an integer"))

    def float(self, keyword: str) -> Result:
        type = keyword[:3]
        return self._nan_pattern(type) or Const(
            type, number(self.cursor, parse_float, int(type[1:]), "a number")
        )

    def _nan_pattern(self, type: str) -> NanPattern | None:
        """`nan:canonical` or `nan:arithmetic` of a float, if it comes next."""
        kind = _NAN_PATTERNS.get(self.cursor.texts[self.cursor.i])
        if kind is None or type[0] != "f":
            return None
        self.cursor.i += 1
        return NanPattern(type, kind)

    def vector(self, _: str) -> Result:
        cursor = self.cursor
        shape = cursor.texts[cursor.i]
        count, parse, bits = read_shape(cursor, _NAN_PATTERNS)
        type = f"{shape[0]}{bits}"
        lanes = [
            self._nan_pattern(type) or Const(type, number(cursor, parse, bits, "a lane"))
            for _ in range(count)
        ]
        return VecConst(shape, tuple(lanes))

    def null(self, _: str) -> Result:
        if self.cursor.texts[self.cursor.i] == ")":
            return RefConst("null")
        return RefConst("null", self.cursor.keyword_of(ABSTRACT_HEAP_TYPES))

    def reference(self, keyword: str) -> Result:
        if self.cursor.texts[self.cursor.i] == ")":
            return RefConst(keyword[4:])
        return RefConst(keyword[4:], self.cursor.natural("a number"))

    def any_reference(self, keyword: str) -> Result:
        return RefConst(_ANY_REFERENCES[keyword])

    def either(self, keyword: str) -> Result:
        options = []
        while self.cursor.texts[self.cursor.i] == "(":
            options.append(self.value())
        return Either(tuple(options))


_NAN_PATTERNS = {"nan:canonical": "canonical", "nan:arithmetic": "arithmetic"}


def _is_value(value: Value) -> bool:
    """Whether a result says one value, so that it can be an argument."""
    if isinstance(value, VecConst):
        return all(isinstance(lane, Const) for lane in value.lanes)
    return not isinstance(value, RefConst) or value.kind == "null" or value.value is not None


_MODULE_FIELDS = frozenset(
    ("type", "rec", "import", "func", "table", "memory", "global", "tag", "export", "start", "elem", "data")
)


def parse_script(text: str | bytes) -> list[Command]:
    """The commands of a .wast script; MalformedError if the script itself does not parse.

    A module in it that does not parse is reported by `ModuleSource.parse`, a command that needs an
    unbuilt feature is `Unsupported`.
    """
    return ScriptParser(tokenize(decode_text(text) if isinstance(text, bytes) else text)).parse()


def _shown_bits(type: str, bits: int) -> str:
    return f"{bits} (0x{bits:0{int(type[1:]) // 4}x})"
