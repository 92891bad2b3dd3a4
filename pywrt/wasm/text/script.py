"""Test scripts (.wast) as data. Spec: the reference interpreter's script format.

A script is a list of commands, each with its line. Modules in it are split off and parsed when they
are asked for, so that one that does not parse, or needs an unbuilt feature, fails its own command only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pywrt.errors import MalformedError
from pywrt.wasm.module import Module
from pywrt.wasm.text.cursor import Cursor
from pywrt.wasm.text.instructions import number
from pywrt.wasm.text.lexer import Tokens, decode_text, tokenize
from pywrt.wasm.text.modules import ModuleParser, parse_module
from pywrt.wasm.text.numbers import parse_float, parse_int


@dataclass(frozen=True, slots=True)
class Const:
    """A number: `bits` is its bit pattern as an unsigned integer, `type` is i32, i64, f32 or f64."""

    type: str
    bits: int

    def __str__(self) -> str:
        return f"{self.type} {_shown_bits(self.type, self.bits)}"


@dataclass(frozen=True, slots=True)
class RefConst:
    """A reference: `kind` is null, extern, host or func; `value` is a host's number, or a heap type.

    As a result, an extern or func without a value stands for any that isn't null.
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
class Either:
    """A result that is one of several."""

    options: tuple["Result", ...]

    def __str__(self) -> str:
        return f"either {', '.join(map(str, self.options))}"


Value = Const | RefConst
Result = Const | RefConst | NanPattern | Either


class ModuleSource:
    """A module as a script gives it: `kind` is text, quote or binary. It is parsed when asked for."""

    __slots__ = ("_bytes", "_start", "_tokens", "kind", "name")

    def __init__(self, kind: str, name: str | None, content: bytes, tokens: Tokens, start: int) -> None:
        self.kind = kind
        self.name = name
        self._bytes = content
        self._tokens = tokens
        self._start = start

    @property
    def binary(self) -> bytes:
        """The file of a binary module."""
        return self._bytes

    def parse(self) -> Module:
        """The syntax of a text or quoted module; MalformedError if it does not parse."""
        if self.kind == "quote":
            return parse_module(self._bytes)
        cursor = Cursor(self._tokens, self._start)
        module = ModuleParser(cursor, self.name).parse()
        cursor.expect(")")
        return module


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
    """Instantiate the definition `module` (None: the latest) as `name`."""

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

    action: Action | ModuleSource
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
    source: ModuleSource
    message: str


@dataclass(frozen=True, slots=True)
class AssertInvalid(Command):
    source: ModuleSource
    message: str


@dataclass(frozen=True, slots=True)
class AssertUnlinkable(Command):
    source: ModuleSource
    message: str


@dataclass(frozen=True, slots=True)
class Unsupported(Command):
    """A command `keyword` that can't even be read without `feature`."""

    keyword: str
    feature: str


class ScriptParser:
    """Reads commands; a subclass adds forms to `commands` and `values` for its own kind of script."""

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
            "assert_unlinkable": self.assert_unlinkable,
        }
        self.values: dict[str, Callable[[str], Result]] = {
            "i32.const": self.integer,
            "i64.const": self.integer,
            "f32.const": self.float,
            "f64.const": self.float,
            "ref.null": self.reference,
            "ref.extern": self.reference,
            "ref.host": self.reference,
            "ref.func": self.reference,
            "either": self.either,
        }
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
        content = self.cursor.tokens.text.encode()
        self.cursor.i = len(self.cursor.texts) - 1
        return ModuleCommand(1, None, ModuleSource("quote", None, content, self.cursor.tokens, 0), False)

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
            name = cursor.identifier()
            return InstanceCommand(line, name, cursor.identifier())
        definition = cursor.accept("definition")
        name = cursor.identifier()
        return ModuleCommand(line, name, self.source(name), definition)

    def source(self, name: str | None) -> ModuleSource:
        """What follows `(module $name`, up to the closing parenthesis."""
        cursor = self.cursor
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
        return ModuleSource(kind, name, content, cursor.tokens, start)

    def _quoted(self, separator: bytes) -> bytes:
        parts = []
        while self.cursor.at_string():
            parts.append(self.cursor.string())
        return separator.join(parts)

    def module_form(self) -> ModuleSource:
        """`(module ...)` within an assertion."""
        self.cursor.expect("(")
        self.cursor.expect("module")
        source = self.source(self.cursor.identifier())
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
            if not isinstance(value, Const | RefConst):
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
        what = self.module_form() if self.cursor.at("module") else self.action()
        return AssertTrap(line, what, self.message())

    def assert_exhaustion(self, line: int) -> Command:
        action = self.action()
        return AssertExhaustion(line, action, self.message())

    def assert_exception(self, line: int) -> Command:
        return AssertException(line, self.action())

    def assert_malformed(self, line: int) -> Command:
        source = self.module_form()
        return AssertMalformed(line, source, self.message())

    def assert_invalid(self, line: int) -> Command:
        source = self.module_form()
        return AssertInvalid(line, source, self.message())

    def assert_unlinkable(self, line: int) -> Command:
        source = self.module_form()
        return AssertUnlinkable(line, source, self.message())

    # Values: each begins behind its keyword and ends before its closing parenthesis.

    def value(self) -> Result:
        """An argument or a result."""
        cursor = self.cursor
        cursor.expect("(")
        keyword = cursor.texts[cursor.i]
        read = self.values.get(keyword)
        if read is None:
            raise cursor.unexpected(wanted="a value")
        cursor.i += 1
        value = read(keyword)
        cursor.expect(")")
        return value

    def integer(self, keyword: str) -> Result:
        return Const(keyword[:3], number(self.cursor, parse_int, int(keyword[1:3]), "an integer"))

    def float(self, keyword: str) -> Result:
        if self.cursor.texts[self.cursor.i] in ("nan:canonical", "nan:arithmetic"):
            self.cursor.i += 1
            return NanPattern(keyword[:3], self.cursor.texts[self.cursor.i - 1][4:])
        return Const(keyword[:3], number(self.cursor, parse_float, int(keyword[1:3]), "a number"))

    def reference(self, keyword: str) -> Result:
        cursor = self.cursor
        kind = keyword[4:]
        if cursor.texts[cursor.i] == ")":
            return RefConst(kind)
        if kind == "null":
            return RefConst(kind, cursor.keyword_of(("func", "extern")))
        return RefConst(kind, cursor.natural("a number"))

    def either(self, keyword: str) -> Result:
        options = []
        while self.cursor.texts[self.cursor.i] == "(":
            options.append(self.value())
        return Either(tuple(options))


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
