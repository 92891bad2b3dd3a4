"""WIT text to its syntax tree. Spec: component-model WIT.md."""

from collections.abc import Callable
from typing import TypeVar

from pywrt.errors import MalformedError
from pywrt.wit.lexer import Source, decode_source, tokenize, unquote
from pywrt.wit.names import is_label, is_words, parse_version
from pywrt.wit.syntax import (
    DEPRECATED,
    EXTERNAL_ID,
    KEYWORDS,
    NAMED,
    NONE,
    PRIMITIVES,
    SINCE,
    UNSTABLE,
    Extern,
    Function,
    Gate,
    Member,
    Package,
    PackageName,
    Path,
    Rename,
    Scope,
    TypeDef,
    TypeExpr,
    Use,
)

MAX_DEPTH = 100
"""How deep types nest; deeper ones are refused in components, too."""

_T = TypeVar("_T")
_WORD_START = frozenset("%_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TYPE_DEFS = ("record", "variant", "enum", "flags", "resource", "type")
#: Types with arguments: the least and the largest number of them.
_GENERIC = {
    "list": (1, 1),
    "option": (1, 1),
    "result": (0, 2),
    "tuple": (1, 1 << 16),
    "map": (2, 2),
    "future": (0, 1),
    "stream": (0, 1),
}
_GATE_FIELDS = {SINCE: "version", DEPRECATED: "version", UNSTABLE: "feature"}


def parse_wit(text: str | bytes, file: str | None = None) -> Package:
    """The syntax tree of one file of WIT, named `file` in errors.

    MalformedError, with line and column, for what doesn't parse. Names are not resolved:
    `pywrt.wit.resolver` does that.
    """
    source = Source(text, file) if isinstance(text, str) else decode_source(text, file)
    return _Parser(source).file()


class _Parser:
    """Reads tokens in order; `i` is the index of the next one."""

    __slots__ = ("depth", "docs_by_token", "i", "source", "starts", "texts")

    def __init__(self, source: Source) -> None:
        tokens = tokenize(source)
        self.source = source
        self.texts = tokens.texts
        self.starts = tokens.starts
        self.docs_by_token = tokens.docs
        self.i = 0
        self.depth = 0

    # Tokens.

    def error(self, message: str, index: int | None = None) -> MalformedError:
        return self.source.malformed(message, self.starts[self.i if index is None else index])

    def unexpected(self, wanted: str) -> MalformedError:
        token = self.texts[self.i]
        shown = f"`{token if len(token) <= 60 else token[:57] + '...'}`" if token else "end of input"
        return self.error(f"unexpected {shown}, expected {wanted}")

    @property
    def start(self) -> int:
        return self.starts[self.i]

    def accept(self, text: str) -> bool:
        """Step over the token `text` if it comes next."""
        if self.texts[self.i] == text:
            self.i += 1
            return True
        return False

    def expect(self, text: str, wanted: str = "") -> None:
        if self.texts[self.i] != text:
            raise self.unexpected(wanted or f"`{text}`")
        self.i += 1

    def docs(self, first: int | None = None) -> str:
        """The doc comments in front of the next token, and of those since `first`."""
        first = self.i if first is None else first
        if not self.docs_by_token:
            return ""
        lines: list[str] = []
        for index in range(first, self.i + 1):
            lines.extend(self.docs_by_token.get(index, ()))
        return "\n".join(lines)

    def word(self, wanted: str) -> str:
        """An identifier, of whatever case, without its `%`."""
        token = self.texts[self.i]
        if token[:1] not in _WORD_START or token == "":
            raise self.unexpected(wanted)
        if token in KEYWORDS:
            raise self.error(
                f"`{token}` is a keyword, expected {wanted}: write `%{token}` if that is the name"
            )
        self.i += 1
        return token.removeprefix("%")

    def identifier(self, wanted: str) -> str:
        """An identifier that comes next, which must be a label."""
        name = self.word(wanted)
        if not is_label(name):
            hint = name.replace("_", "-").strip("-")
            advice = f": write `{hint}`" if is_label(hint) else ""
            raise self.error(f"`{name}` is not in kebab case, expected {wanted}{advice}", self.i - 1)
        return name

    def words(self, wanted: str) -> str:
        """An identifier in lower case, as namespaces and packages have."""
        name = self.word(wanted)
        if not is_words(name):
            raise self.error(f"`{name}` is not in lower-case kebab case, expected {wanted}", self.i - 1)
        return name

    def version(self) -> str:
        token = self.texts[self.i]
        try:
            parsed = parse_version(token)
        except ValueError as error:
            if token[:1].isdecimal():
                raise self.error(f"bad version: {error}; write all three numbers, as in 1.0.0") from None
            raise self.unexpected("a version, as in 1.0.0") from None
        if parsed.patch is None:
            raise self.error(f"bad version `{token}`: write all three numbers, as in 1.0.0")
        self.i += 1
        return token

    def items(self, close: str, item: Callable[[], _T]) -> tuple[_T, ...]:
        """What stands up to the token `close`, separated by commas, of which one may trail."""
        found: list[_T] = []
        while not self.accept(close):
            found.append(item())
            if not self.accept(","):
                self.expect(close, f"`,` or `{close}`")
                break
        return tuple(found)

    # Top level.

    def file(self) -> Package:
        docs, start = self.docs(), self.start
        name = None
        nested: list[Package] = []
        if self.accept("package"):
            declared = self.package_name()
            if self.accept(";"):
                name = declared
            else:
                nested.append(self.nested(declared, docs, start))
        items: list[Use | Scope] = []
        while self.texts[self.i] != "":
            item_docs, item_start = self.docs(), self.start
            if self.accept("package"):
                nested.append(self.nested(self.package_name(), item_docs, item_start))
            else:
                items.append(self.top_level("`package`, `use`, `interface` or `world`"))
        return Package(name, tuple(items), self.source, tuple(nested), docs if name else "", start)

    def nested(self, name: PackageName, docs: str, start: int) -> Package:
        if self.texts[self.i] == ";":
            raise self.error(
                "a `package` statement stands at the beginning of a file; here, use `package ... {`"
            )
        self.expect("{", "`;` or `{`")
        items: list[Use | Scope] = []
        while not self.accept("}"):
            items.append(self.top_level("`use`, `interface`, `world` or `}`"))
        return Package(name, tuple(items), self.source, (), docs, start)

    def package_name(self) -> PackageName:
        start = self.start
        parts = [self.words("the namespace of a package, as in `wasi:clocks`")]
        self.expect(":", "`:` and the name of a package, as in `wasi:clocks`")
        parts.append(":" + self.words("the name of a package"))
        while self.texts[self.i] in (":", "/"):
            mark = self.texts[self.i]
            self.i += 1
            parts.append(mark + self.words("the name of a package"))
        version = self.version() if self.accept("@") else ""
        return PackageName("".join(parts), version, start)

    def top_level(self, wanted: str) -> Use | Scope:
        first = self.i
        gates = self.gates()
        docs, start = self.docs(first), self.start
        if self.accept("use"):
            path = self.path()
            alias = self.identifier("a name") if self.accept("as") else ""
            self.expect(";", "`as` or `;`")
            return Use(path, alias=alias, docs=docs, gates=gates, start=start)
        kind = self.texts[self.i]
        if kind not in ("interface", "world"):
            raise self.unexpected(wanted)
        self.i += 1
        name_start = self.start
        name = self.identifier(f"the name of the {kind}")
        body = self.interface_items() if kind == "interface" else self.world_items()
        return Scope(kind, name, body, self.source, docs, gates, name_start)

    def path(self, first: str = "", start: int = 0) -> Path:
        """A `use-path`, of which `first` may have been read, and be followed by a colon."""
        if not first:
            start = self.start
            first = self.identifier("the name of an interface")
            if self.texts[self.i] != ":":
                return Path(None, first, start)
            self.i += 1
        if not is_words(first):
            raise self.source.malformed(f"namespace `{first}` is not in lower-case kebab case", start)
        parts = [first, ":" + self.words("the name of a package")]
        while self.accept(":"):
            parts.append(":" + self.words("the name of a package"))
        if self.texts[self.i] != "/":
            raise self.unexpected(f"`/` and an interface of the package `{''.join(parts)}`")
        name = ""
        while self.accept("/"):
            if name:
                parts.append("/" + name)
            name = self.identifier("the name of an interface")
        version = self.version() if self.accept("@") else ""
        return Path(PackageName("".join(parts), version, start), name, start)

    def gates(self) -> tuple[Gate, ...]:
        if self.texts[self.i] != "@":
            return ()
        found: dict[str, Gate] = {}
        while self.texts[self.i] == "@":
            start = self.start
            self.i += 1
            kind = self.texts[self.i]
            if kind not in _GATE_FIELDS and kind != EXTERNAL_ID:
                raise self.unexpected("`since`, `unstable`, `deprecated` or `external-id`")
            if kind in found:
                raise self.error(f"a second `@{kind}`: leave one out")
            self.i += 1
            self.expect("(")
            found[kind] = Gate(kind, self.gate_value(kind), start)
            self.expect(")")
        return tuple(found.values())

    def gate_value(self, kind: str) -> str:
        field = _GATE_FIELDS.get(kind)
        if field is None:
            if self.texts[self.i][:1] != '"':
                raise self.unexpected("a string")
            try:
                value = unquote(self.texts[self.i])
            except UnicodeDecodeError:
                raise self.error("malformed UTF-8 encoding") from None
            except ValueError as error:
                raise self.error(str(error)) from None
            self.i += 1
            return value
        self.expect(field)
        self.expect("=")
        return self.version() if field == "version" else self.identifier("the name of a feature")

    # Interfaces and worlds.

    def interface_items(self) -> tuple[Use | TypeDef | Function, ...]:
        self.expect("{")
        found: list[Use | TypeDef | Function] = []
        while not self.accept("}"):
            first = self.i
            gates = self.gates()
            docs = self.docs(first)
            kind = self.texts[self.i]
            if kind == "use":
                found.append(self.use(docs, gates))
            elif kind in _TYPE_DEFS:
                found.append(self.type_def(kind, docs, gates))
            else:
                found.append(self.named_function("a function, a type, `use` or `}`", docs, gates))
        return tuple(found)

    def world_items(self) -> tuple[Use | TypeDef | Extern, ...]:
        self.expect("{")
        found: list[Use | TypeDef | Extern] = []
        while not self.accept("}"):
            first = self.i
            gates = self.gates()
            docs = self.docs(first)
            kind = self.texts[self.i]
            if kind in ("import", "export"):
                found.append(self.extern(kind, docs, gates))
            elif kind == "use":
                found.append(self.use(docs, gates))
            elif kind == "include":
                found.append(self.include(docs, gates))
            elif kind in _TYPE_DEFS:
                found.append(self.type_def(kind, docs, gates))
            else:
                raise self.unexpected("`import`, `export`, `include`, `use`, a type or `}`")
        return tuple(found)

    def use(self, docs: str, gates: tuple[Gate, ...]) -> Use:
        start = self.start
        self.i += 1
        path = self.path()
        self.expect(".", "`.{` and the names of types")
        self.expect("{", "`{` and the names of types")
        if self.texts[self.i] == "}":
            raise self.unexpected("the name of a type")
        names = self.items("}", lambda: self.rename("the name of a type", False))
        self.expect(";")
        return Use(path, names, False, "", docs, gates, start)

    def include(self, docs: str, gates: tuple[Gate, ...]) -> Use:
        start = self.start
        self.i += 1
        path = self.path()
        names: tuple[Rename, ...] = ()
        if self.accept("with"):
            self.expect("{")
            names = self.items("}", lambda: self.rename("the name of an import or export", True))
            self.accept(";")
        else:
            self.expect(";", "`with` or `;`")
        return Use(path, names, True, "", docs, gates, start)

    def rename(self, wanted: str, needs_alias: bool) -> Rename:
        start = self.start
        name = self.identifier(wanted)
        if self.accept("as"):
            return Rename(name, self.identifier("a new name"), start)
        if needs_alias:
            raise self.unexpected("`as` and a new name")
        return Rename(name, "", start)

    def extern(self, direction: str, docs: str, gates: tuple[Gate, ...]) -> Extern:
        self.i += 1
        start = self.start
        name = self.identifier(f"the name of what to {direction}")
        end = self.starts[self.i - 1] + len(self.texts[self.i - 1])
        item: Path | Function | Scope
        if not self.accept(":"):
            item, name = Path(None, name, start), ""
            self.expect(";", "`:` or `;`")
        elif self.texts[self.i] in ("func", "async"):
            item = self.function(name, "func", "", (), start)
        elif self.accept("interface"):
            item = Scope("interface", name, self.interface_items(), self.source, start=start)
        else:
            if self.texts[self.i + 1] in ("/", ":") and not self.is_path_behind():
                item, name = self.path(name, start), ""
            elif self.start == end + 1:  # `a:b` is one token
                self.i += 1
                raise self.unexpected(f"`/` and an interface: a package can't be {direction}ed as a whole")
            else:
                item = self.path()
            self.expect(";")
        return Extern(direction, name, item, docs, gates, start)

    def is_path_behind(self) -> bool:
        """Whether a whole path comes next, behind the name and the colon of an extern: `a: b:c/d`."""
        gap = self.starts[self.i] > self.starts[self.i - 1] + 1
        return gap and self.texts[self.i + 1] == ":"

    # Types and functions.

    def type_def(self, kind: str, docs: str, gates: tuple[Gate, ...]) -> TypeDef:
        self.i += 1
        start = self.start
        name = self.identifier(f"the name of the {kind}")
        if kind == "type":
            self.expect("=")
            type_ = self.type()
            self.expect(";")
            return TypeDef(kind, name, type=type_, docs=docs, gates=gates, start=start)
        if kind == "resource":
            functions: tuple[Function, ...] = ()
            if not self.accept(";"):
                functions = self.resource_functions()
            return TypeDef(kind, name, functions=functions, docs=docs, gates=gates, start=start)
        self.expect("{")
        members = self.items("}", {"record": self.field, "variant": self.case}.get(kind, self.label))
        return TypeDef(kind, name, members, docs=docs, gates=gates, start=start)

    def field(self) -> Member:
        return self.typed("a field")

    def parameter(self) -> Member:
        return self.typed("a parameter")

    def typed(self, wanted: str) -> Member:
        docs, start = self.docs(), self.start
        name = self.identifier(wanted)
        self.expect(":", "`:` and a type")
        return Member(name, self.type(), docs, start)

    def case(self) -> Member:
        docs, start = self.docs(), self.start
        name = self.identifier("a case")
        payload = None
        if self.accept("("):
            payload = self.type()
            self.expect(")")
        return Member(name, payload, docs, start)

    def label(self) -> Member:
        docs, start = self.docs(), self.start
        return Member(self.identifier("a name"), None, docs, start)

    def resource_functions(self) -> tuple[Function, ...]:
        self.expect("{", "`{` or `;`")
        found = []
        while not self.accept("}"):
            first = self.i
            gates = self.gates()
            docs = self.docs(first)
            start = self.start
            if self.accept("constructor"):
                params, result = self.signature()
                self.expect(";", "`->` or `;`")
                found.append(Function("", params, result, "constructor", False, docs, gates, start))
            else:
                wanted = "a method, a static function, `constructor` or `}`"
                found.append(self.named_function(wanted, docs, gates, True))
        return tuple(found)

    def named_function(
        self, wanted: str, docs: str, gates: tuple[Gate, ...], in_resource: bool = False
    ) -> Function:
        start = self.start
        name = self.identifier(wanted)
        self.expect(":", "`:` and `func`")
        kind = "static" if in_resource and self.accept("static") else "func"
        return self.function(name, kind, docs, gates, start)

    def function(self, name: str, kind: str, docs: str, gates: tuple[Gate, ...], start: int) -> Function:
        is_async = self.accept("async")
        self.expect("func", "`func`" if is_async else "`func` or `async func`")
        params, result = self.signature()
        self.expect(";", "`;`" if result is not None else "`->` or `;`")
        return Function(name, params, result, kind, is_async, docs, gates, start)

    def signature(self) -> tuple[tuple[Member, ...], TypeExpr | None]:
        self.expect("(", "`(` and parameters")
        params = self.items(")", self.parameter)
        return params, self.type() if self.accept("->") else None

    def type(self) -> TypeExpr:
        """The type that comes next. Recursive, to MAX_DEPTH."""
        token, start = self.texts[self.i], self.start
        if token in PRIMITIVES:
            self.i += 1
            return TypeExpr(token, start=start)
        if token in _GENERIC:
            self.i += 1
            return self.generic(token, start)
        if token in ("borrow", "own"):
            self.i += 1
            self.expect("<")
            name = self.identifier("the name of a resource")
            self.expect(">")
            return TypeExpr(token, name=name, start=start)
        return TypeExpr(NAMED, name=self.identifier("a type"), start=start)

    def generic(self, kind: str, start: int) -> TypeExpr:
        least, most = _GENERIC[kind]
        if not self.accept("<"):
            if least:
                raise self.unexpected(f"`<` and what the {kind} is of")
            return TypeExpr(kind, start=start)
        self.depth += 1
        if self.depth >= MAX_DEPTH:
            raise self.error(f"types nest deeper than {MAX_DEPTH}: give the inner ones names, and use fewer")
        length = None
        if kind == "result" and self.texts[self.i] == "_":
            arguments = [TypeExpr(NONE, start=self.start)]
            self.i += 1
            self.expect(",", "`,` and the type of errors")
            arguments.append(self.type())
        else:
            arguments = [self.type()]
            while len(arguments) < most and self.accept(","):
                if self.texts[self.i] == ">" and least <= len(arguments):
                    break
                arguments.append(self.type())
            if kind == "list" and self.accept(","):
                length = self.length()
        if len(arguments) < least:
            raise self.unexpected("`,` and the type of values")
        self.expect(">", "`>`" if len(arguments) == most else "`,` or `>`")
        self.depth -= 1
        return TypeExpr(kind, tuple(arguments), "", length, start)

    def length(self) -> int:
        token = self.texts[self.i]
        if not token.isdecimal() or token[0] == "0":
            raise self.unexpected("the length of the list, a number from 1")
        if len(token) > 10 or int(token) >> 32:
            raise self.error("the length of a list must be less than 2**32")
        self.i += 1
        return int(token)
