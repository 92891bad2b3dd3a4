"""Syntax trees of WIT to text, which parses back to the same tree."""

from collections.abc import Iterable, Sequence

from pywrt.wit.syntax import (
    EXTERNAL_ID,
    KEYWORDS,
    NAMED,
    UNSTABLE,
    Extern,
    Function,
    Gate,
    Member,
    Package,
    Path,
    Rename,
    Scope,
    TypeDef,
    TypeExpr,
    Use,
)

_INDENT = "  "


def print_package(package: Package, nested: Sequence[Package] = ()) -> str:
    """The text of a package, and behind its own items, in braces, that of the packages in `nested`."""
    printer = _Printer()
    printer.file(package, nested)
    return "\n".join(printer.lines) + "\n"


class _Printer:
    __slots__ = ("depth", "lines")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def line(self, text: str) -> None:
        self.lines.append(_INDENT * self.depth + text if text else "")

    def head(self, docs: str, gates: Iterable[Gate] = ()) -> None:
        """Doc comments and gates, which stand before an item."""
        if docs:
            for line in docs.split("\n"):
                self.line(f"/// {line}".rstrip())
        for gate in gates:
            self.line(_gate(gate))

    def block(self, head: str, body: Iterable[object]) -> bool:
        """Open a block unless it is empty; whether it is open."""
        self.line(f"{head} {{" if body else f"{head} {{}}")
        self.depth += bool(body)
        return bool(body)

    def close(self) -> None:
        self.depth -= 1
        self.line("}")

    def file(self, package: Package, nested: Sequence[Package]) -> None:
        if package.name is not None:
            self.head(package.docs)
            self.line(f"package {_package_name(str(package.name))};")
        self.items(package.items, package.name is not None)
        for inner in (*package.nested, *nested):
            if self.lines:
                self.line("")
            self.head(inner.docs)
            if self.block(f"package {_package_name(str(inner.name))}", inner.items):
                self.items(inner.items, False)
                self.close()

    def items(self, items: Sequence[Use | Scope], follows: bool) -> None:
        for item in items:
            if follows and not (isinstance(item, Use) and self.lines[-1].lstrip().startswith("use ")):
                self.line("")
            follows = True
            self.head(item.docs, item.gates)
            if isinstance(item, Use):
                alias = f" as {_id(item.alias)}" if item.alias else ""
                self.line(f"use {_path(item.path)}{alias};")
            else:
                self.scope(f"{item.kind} {_id(item.name)}", item)

    def scope(self, head: str, scope: Scope) -> None:
        if not self.block(head, scope.items):
            return
        for i, item in enumerate(scope.items):
            follows_another = i > 0 and _group(item) != _group(scope.items[i - 1])
            if follows_another or (i and (item.docs or item.gates or isinstance(item, TypeDef))):
                self.line("")
            self.head(item.docs, item.gates)
            if isinstance(item, Use):
                self.use(item)
            elif isinstance(item, TypeDef):
                self.type_def(item)
            elif isinstance(item, Function):
                self.function(f"{_id(item.name)}: ", item)
            else:
                self.extern(item)
        self.close()

    def use(self, use: Use) -> None:
        names = ", ".join(map(_rename, use.names))
        if not use.include:
            self.line(f"use {_path(use.path)}.{{{names}}};")
        elif names:
            self.line(f"include {_path(use.path)} with {{ {names} }}")
        else:
            self.line(f"include {_path(use.path)};")

    def extern(self, extern: Extern) -> None:
        item = extern.item
        name = f"{_id(extern.name)}: " if extern.name else ""
        if isinstance(item, Scope):
            self.scope(f"{extern.direction} {name}interface", item)
        elif isinstance(item, Path):
            self.line(f"{extern.direction} {name}{_path(item)};")
        else:
            self.function(f"{extern.direction} {name}", item)

    def type_def(self, definition: TypeDef) -> None:
        head = f"{definition.kind} {_id(definition.name)}"
        if definition.type is not None:
            self.line(f"{head} = {print_type(definition.type)};")
        elif definition.kind == "resource":
            self.resource(head, definition.functions)
        elif self.block(head, definition.members):
            for member in definition.members:
                self.head(member.docs)
                self.line(_member(definition.kind, member) + ",")
            self.close()

    def resource(self, head: str, functions: Sequence[Function]) -> None:
        if not functions:
            self.line(f"{head};")
            return
        self.block(head, functions)
        for i, function in enumerate(functions):
            if i and (function.docs or function.gates):
                self.line("")
            self.head(function.docs, function.gates)
            self.function("" if function.kind == "constructor" else f"{_id(function.name)}: ", function)
        self.close()

    def function(self, head: str, function: Function) -> None:
        words = "constructor"
        if function.kind != "constructor":
            words = "static " if function.kind == "static" else ""
            words += "async func" if function.is_async else "func"
        result = "" if function.result is None else f" -> {print_type(function.result)}"
        params = [_member("", param) for param in function.params]
        if not any(param.docs for param in function.params):
            self.line(f"{head}{words}({', '.join(params)}){result};")
            return
        self.line(f"{head}{words}(")
        self.depth += 1
        for param, text in zip(function.params, params, strict=True):
            self.head(param.docs)
            self.line(text + ",")
        self.depth -= 1
        self.line(f"){result};")


def _group(item: Use | TypeDef | Function | Extern) -> object:
    """What items that stand together have in common."""
    return item.direction if isinstance(item, Extern) else item.__class__


def print_type(expression: TypeExpr) -> str:
    """The text of a type expression."""
    kind = expression.kind
    if kind == NAMED:
        return _id(expression.name)
    if kind in ("borrow", "own"):
        return f"{kind}<{_id(expression.name)}>"
    inner = [print_type(argument) for argument in expression.arguments]
    if expression.length is not None:
        inner.append(str(expression.length))
    return f"{kind}<{', '.join(inner)}>" if inner else kind


def _id(name: str) -> str:
    return f"%{name}" if name in KEYWORDS else name


def _package_name(name: str) -> str:
    plain, at, version = name.partition("@")
    parts = plain.replace("/", ":/").split(":")
    return (
        ":".join("/" + _id(p[1:]) if p[:1] == "/" else _id(p) for p in parts).replace(":/", "/")
        + at
        + version
    )


def _path(path: Path) -> str:
    if path.package is None:
        return _id(path.name)
    version = f"@{path.package.version}" if path.package.version else ""
    return f"{_package_name(path.package.name)}/{_id(path.name)}{version}"


def _rename(rename: Rename) -> str:
    return f"{_id(rename.name)} as {_id(rename.alias)}" if rename.alias else _id(rename.name)


def _member(kind: str, member: Member) -> str:
    if member.type is None:
        return _id(member.name)
    text = print_type(member.type)
    return f"{_id(member.name)}({text})" if kind == "variant" else f"{_id(member.name)}: {text}"


def _gate(gate: Gate) -> str:
    if gate.kind == EXTERNAL_ID:
        return f'@{gate.kind}("{_escaped(gate.value)}")'
    if gate.kind == UNSTABLE:
        return f"@{gate.kind}(feature = {_id(gate.value)})"
    return f"@{gate.kind}(version = {gate.value})"


def _escaped(text: str) -> str:
    """`text` for a string literal; all but printable ASCII is escaped."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\u{{{ord(c):x}}}" for c in text)
