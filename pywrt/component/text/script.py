"""Test scripts of components as data: the forms that they have beyond those of modules.

Spec: the component suite's scripts, which are the reference interpreter's format with `component` for
`module`, and with component values. A component in a script is parsed when it is asked for.
"""

from dataclasses import dataclass

from pywrt.component.text.components import parse_component, read_definitions
from pywrt.component.text.context import ComponentCursor, Context
from pywrt.wasm.text.lexer import Tokens, decode_text, tokenize
from pywrt.wasm.text.numbers import RangeError, parse_integer
from pywrt.wasm.text.script import (
    Command,
    ForeignValue,
    Result,
    ScriptParser,
    Source,
)


class ComponentSource(Source):
    """A component as a script gives it; what is quoted are its definitions."""

    __slots__ = ()

    keyword = "component"

    def encode(self) -> bytes:
        """The binary format; errors as those of `parse_component`.

        Their places in a quoted component are within the quoted text, whose strings a space joins.
        """
        if self.kind == "binary":
            return self._bytes
        if self.kind == "quote":
            return parse_component(b"(component " + self._bytes + b")")
        context = Context(self._tokens, self._first)
        encoded = read_definitions(context)
        context.cursor.expect(")")
        return encoded


@dataclass(frozen=True, slots=True)
class ComponentCommand(Command):
    """Define a component, under `name` if given; instantiate it unless it is only a `definition`."""

    name: str | None
    source: ComponentSource
    definition: bool


@dataclass(frozen=True, slots=True)
class ComponentInstanceCommand(Command):
    """Instantiate the definition `component` (None: the latest) as `name`, if given."""

    name: str | None
    component: str | None


# Values. Floats are those of modules.


@dataclass(frozen=True, slots=True)
class Scalar(ForeignValue):
    """A bool, integer, char or string; `type` is the value type's name."""

    type: str
    value: bool | int | str

    def __str__(self) -> str:
        return f"{self.type} {self.value!r}"


@dataclass(frozen=True, slots=True)
class Sequence(ForeignValue):
    """A list or tuple, as `type` says."""

    type: str
    items: tuple[Result, ...]

    def __str__(self) -> str:
        return f"{self.type} ({', '.join(map(str, self.items))})"


@dataclass(frozen=True, slots=True)
class Fields(ForeignValue):
    """A record."""

    fields: tuple[tuple[str, Result], ...]

    def __str__(self) -> str:
        return f"record ({', '.join(f'{name}: {value}' for name, value in self.fields)})"


@dataclass(frozen=True, slots=True)
class Case(ForeignValue):
    """A case of a variant, enum, option (none, some) or result (ok, err), as `type` says."""

    type: str
    name: str
    payload: Result | None = None

    def __str__(self) -> str:
        return f"{self.type} {self.name}" + ("" if self.payload is None else f" ({self.payload})")


@dataclass(frozen=True, slots=True)
class Labels(ForeignValue):
    """Flags that are set."""

    names: frozenset[str]

    def __str__(self) -> str:
        return f"flags ({', '.join(sorted(self.names))})"


#: The least and the greatest integer of each type.
_INTEGERS = {
    **{f"u{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
    **{f"s{bits}": (-1 << bits - 1, (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)},
}


class ComponentScriptParser(ScriptParser):
    """Reads commands about modules and components."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__(tokens)
        self.cursor = ComponentCursor(tokens)
        self.commands["component"] = self.component
        self.sources["component"] = ComponentSource
        self.values |= {
            **dict.fromkeys([f"{type}.const" for type in _INTEGERS], self.component_integer),
            "bool.const": self.bool,
            "char.const": self.char,
            "str.const": self.string,
            "list.const": self.sequence,
            "tuple.const": self.sequence,
            "record.const": self.record,
            "variant.const": self.variant,
            "enum.const": self.enum,
            **dict.fromkeys(("option.none", "option.some", "result.ok", "result.err"), self.case),
            "flags.const": self.flags,
        }

    def component(self, line: int) -> Command:
        cursor = self.cursor
        if cursor.accept("instance"):
            name, component = cursor.identifier(), cursor.identifier()
            if component is None:
                return ComponentInstanceCommand(line, None, name)
            return ComponentInstanceCommand(line, name, component)
        definition = cursor.accept("definition")
        source = self.source(ComponentSource)
        return ComponentCommand(line, source.name, source, definition)

    # Values: each begins behind its keyword and ends before its closing parenthesis.

    def component_integer(self, keyword: str) -> Result:
        type = keyword.removesuffix(".const")
        least, greatest = _INTEGERS[type]
        try:
            value = parse_integer(self.cursor.texts[self.cursor.i])
        except RangeError as error:
            raise self.cursor.error(str(error)) from None
        if value is None:
            raise self.cursor.unexpected(wanted="an integer")
        if not least <= value <= greatest:
            raise self.cursor.error(f"{type} constant out of range")
        self.cursor.i += 1
        return Scalar(type, value)

    def bool(self, _: str) -> Result:
        return Scalar("bool", self.cursor.keyword_of(("true", "false")) == "true")

    def char(self, _: str) -> Result:
        start = self.cursor.i
        value = self.cursor.name()
        if len(value) != 1:
            raise self.cursor.error("a char is one character", start)
        return Scalar("char", value)

    def string(self, _: str) -> Result:
        return Scalar("string", self.cursor.name())

    def sequence(self, keyword: str) -> Result:
        items = []
        while self.cursor.texts[self.cursor.i] == "(":
            items.append(self.value())
        return Sequence(keyword.removesuffix(".const"), tuple(items))

    def record(self, _: str) -> Result:
        fields = []
        while self.cursor.open("field"):
            name = self.cursor.name()
            fields.append((name, self.bare_value()))
            self.cursor.expect(")")
        return Fields(tuple(fields))

    def variant(self, _: str) -> Result:
        return Case("variant", self.cursor.name(), self._payload())

    def _payload(self) -> Result | None:
        return self.value() if self.cursor.texts[self.cursor.i] == "(" else None

    def enum(self, _: str) -> Result:
        return Case("enum", self.cursor.name())

    def case(self, keyword: str) -> Result:
        type, _, name = keyword.partition(".")
        return Case(type, name, self._payload())

    def flags(self, _: str) -> Result:
        names = []
        while self.cursor.at_string():
            names.append(self.cursor.name())
        return Labels(frozenset(names))


def parse_script(text: str | bytes) -> list[Command]:
    """The commands of a .wast script, about modules or components; see `pywrt.wasm.text.script.parse_script`.

    A component in it that does not parse is reported by `ComponentSource.encode`.
    """
    return ComponentScriptParser(tokenize(decode_text(text) if isinstance(text, bytes) else text)).parse()
