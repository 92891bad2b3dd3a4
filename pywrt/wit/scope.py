"""The types and functions of one interface or world. Spec: WIT.md#name-resolution.

Strategy: names are declared first, those that `use` brings with what they stand for; then the types that are
defined here are made in an order in which each finds what it is made of (types aren't recursive); functions
come last. What is known of a type is kept with it: how deep it is, how large written out, whether it holds a
borrow. Types are trees with shared parts, so nothing here may walk, compare or print a finished one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pywrt.wit.gates import check_gates
from pywrt.wit.graph import CycleError, in_order
from pywrt.wit.lexer import Source
from pywrt.wit.names import CONSTRUCTOR, METHOD, STATIC
from pywrt.wit.parser import MAX_DEPTH
from pywrt.wit.resolved import plain_key
from pywrt.wit.syntax import (
    NAMED,
    NONE,
    Function,
    Gate,
    Member,
    PackageName,
    Rename,
    Scope,
    TypeDef,
    TypeExpr,
)
from pywrt.wit.types import (
    BOOL,
    CHAR,
    ERROR_CONTEXT,
    F32,
    F64,
    S8,
    S16,
    S32,
    S64,
    STRING,
    U8,
    U16,
    U32,
    U64,
    Borrow,
    Case,
    Enum,
    Field,
    Flags,
    FuncType,
    Future,
    List,
    Map,
    Option,
    Own,
    Primitive,
    Record,
    ResourceType,
    Result,
    Stream,
    Tuple,
    Variant,
    WitType,
)

MAX_TYPE_SIZE = 100_000
"""Parts of a type, written out as a tree."""
MAX_FLAGS = 32

_PRIMITIVES = {p.name: p for p in (BOOL, S8, U8, S16, U16, S32, U32, S64, U64, F32, F64, CHAR, STRING)}
_NO_KEYS = (F32, F64, ERROR_CONTEXT)
_MEMBERS = {"record": "field", "variant": "case", "enum": "case", "flags": "flag"}


class Known:
    """A type and what is known of it."""

    __slots__ = ("borrow", "depth", "size", "type")

    def __init__(self, type_: WitType | ResourceType, depth: int, size: int, borrow: bool = False) -> None:
        self.type = type_
        self.depth = depth
        self.size = size
        self.borrow = borrow

    @property
    def value(self) -> WitType:
        """The type, as what types are made of: there, those that `pywrt.wit.types` lacks stand as well."""
        return cast(WitType, self.type)


class Names:
    """Names that are taken in one scope."""

    __slots__ = ("source", "taken", "what")

    def __init__(self, source: Source, what: str) -> None:
        self.source = source
        self.what = what
        self.taken: dict[str, int] = {}

    def take(self, name: str, start: int) -> None:
        """InvalidError if `name` is taken; case doesn't distinguish."""
        other = self.taken.setdefault(plain_key(name), start)
        if other != start:
            where = self.source.line(other)
            raise self.source.invalid(f"{self.what} `{name}` is defined already, in line {where}", start)


class ScopeResolver:
    """Resolves one scope: `known` are its types, `functions` what it declares.

    `steps` counts its members and the types that were looked at.
    """

    __slots__ = ("definitions", "functions", "known", "names", "package", "scope", "source", "steps")

    def __init__(self, scope: Scope, package: PackageName) -> None:
        self.scope = scope
        self.source = scope.source
        self.package = package
        self.known: dict[str, Known] = {}
        self.functions: dict[str, FuncType] = {}
        self.names = Names(scope.source, "name")
        self.steps = len(scope.items)
        self.definitions: dict[str, TypeDef] = {}
        for item in scope.items:
            self.check_gates(item.gates)
            if isinstance(item, TypeDef):
                self.names.take(item.name, item.start)
                self.definitions[item.name] = item

    def check_gates(self, gates: tuple[Gate, ...]) -> None:
        check_gates(self.source, gates, self.package)

    def use(self, rename: Rename, interface: str, types: Mapping[str, Known], shut: str) -> None:
        """Declare what `use` brings from among the types of an interface; `shut` says why it lacks one."""
        known = types.get(rename.name)
        if known is None:
            listed = ", ".join(f"`{name}`" for name in list(types)[:10]) or "none"
            reason = f" here, for {shut}" if shut else f"; its types are: {listed}"
            raise self.source.invalid(f"`{interface}` has no type `{rename.name}`{reason}", rename.start)
        name = rename.alias or rename.name
        self.names.take(name, rename.start)
        self.known[name] = known

    # Types.

    def define_types(self) -> None:
        """Make the types that are defined here."""
        try:
            order = in_order(self.definitions, self._needs)
        except CycleError as error:
            chain = " -> ".join(f"`{name}`" for name in [*error.chain[:5], *error.chain[:1]])
            message = (
                f"type `{error.chain[0]}` contains itself ({chain}): types can't be recursive; use a resource"
            )
            raise self.source.invalid(message, error.edge) from None
        for name in order:
            self._define(self.definitions[name])
        for name in self.definitions:  # in the order of the text, so that what is made of them has it, too
            self.known[name] = self.known.pop(name)

    def _needs(self, name: str) -> Iterator[tuple[str, int]]:
        definition = self.definitions[name]
        stack = [member.type for member in reversed(definition.members) if member.type is not None]
        if definition.type is not None:
            stack.append(definition.type)
        while stack:
            expression = stack.pop()
            if expression.name in self.definitions:
                yield expression.name, expression.start
            stack.extend(reversed(expression.arguments))

    def _define(self, definition: TypeDef) -> None:
        kind, name = definition.kind, definition.name
        if definition.type is not None:
            known = self.type(definition.type, alias=True)
        elif kind == "resource":
            known = Known(ResourceType(name), 1, 1)
        else:
            known = self._define_members(definition)
        self._check_size(known, definition.start)
        self.known[name] = known

    def _define_members(self, definition: TypeDef) -> Known:
        kind, members = definition.kind, definition.members
        what = _MEMBERS[kind]
        if not members:
            message = (
                f"{kind} `{definition.name}` has no {what}s, which the component model can't encode: "
                f"give it a {what}, or leave it out"
            )
            raise self.source.invalid(message, definition.start)
        if kind == "flags" and len(members) > MAX_FLAGS:
            message = (
                f"flags `{definition.name}` has more than {MAX_FLAGS} flags, and components can't: split it"
            )
            raise self.source.invalid(message, members[MAX_FLAGS].start)
        names = Names(self.source, what)
        self.steps += len(members)
        for member in members:
            names.take(member.name, member.start)
        if kind in ("enum", "flags"):
            labels = tuple(member.name for member in members)
            return Known(Enum(labels) if kind == "enum" else Flags(labels), 1, 1 + len(labels))
        parts = [None if m.type is None else self.type(m.type) for m in members]
        pairs = list(zip(members, parts, strict=True))
        made: WitType
        if kind == "record":
            made = Record(tuple(Field(m.name, p.value) for m, p in pairs if p is not None))
        else:
            made = Variant(tuple(Case(m.name, None if p is None else p.value) for m, p in pairs))
        return _around(made, parts)

    def _check_size(self, known: Known, start: int) -> None:
        if known.depth > MAX_DEPTH:
            raise self.source.invalid(f"nesting of types exceeds the limit of {MAX_DEPTH}", start)
        if known.size > MAX_TYPE_SIZE:
            message = f"effective type size exceeds the limit of {MAX_TYPE_SIZE} parts"
            raise self.source.invalid(message, start)

    def type(self, expression: TypeExpr, alias: bool = False) -> Known:
        """What a type expression stands for; the name of a resource is an own handle, unless for an alias.

        Recursive, as deep as the parser allows.
        """
        self.steps += 1
        kind, arguments = expression.kind, expression.arguments
        primitive = _PRIMITIVES.get(kind)
        if primitive is not None:
            return Known(primitive, 1, 1)
        if kind == NAMED:
            known = self._named(expression)
            if isinstance(known.type, ResourceType) and not alias:
                return Known(Own(known.type), 1, 1)
            return known
        if kind in ("borrow", "own"):
            resource = self._named(expression).type
            if not isinstance(resource, ResourceType):
                raise self.source.invalid(f"`{expression.name}` is no resource", expression.start)
            return Known(Borrow(resource) if kind == "borrow" else Own(resource), 1, 1, kind == "borrow")
        parts = [None if a.kind == NONE else self.type(a) for a in arguments]
        known = _around(self._generic(expression, parts), parts)
        self._check_size(known, expression.start)
        if kind in ("stream", "future") and known.borrow:
            message = f"a {kind} can't carry a `borrow`: a loan ends with its call; send an own handle"
            raise self.source.invalid(message, expression.start)
        return known

    def _named(self, expression: TypeExpr) -> Known:
        known = self.known.get(expression.name)
        if known is None and expression.name == ERROR_CONTEXT.name:
            return Known(ERROR_CONTEXT, 1, 1)
        if known is None:
            message = f"there is no type `{expression.name}` here: define it, or bring it with `use`"
            raise self.source.invalid(message, expression.start)
        return known

    def _generic(self, expression: TypeExpr, parts: Sequence[Known | None]) -> WitType:
        """The type that `expression` makes of its arguments."""
        types = [None if part is None else part.value for part in parts]
        first, second = (*types, None, None)[:2]
        kind = expression.kind
        if kind == "result":
            return Result(first, second)
        if kind == "stream":
            return Stream(first)
        if kind == "future":
            return Future(first)
        whole = [type_ for type_ in types if type_ is not None]
        if kind == "list":
            return List(whole[0], expression.length)
        if kind == "option":
            return Option(whole[0])
        if kind == "tuple":
            return Tuple(tuple(whole))
        key = whole[0]
        if not isinstance(key, Primitive) or key in _NO_KEYS:
            message = "the keys of a map are integers, `bool`, `char` or `string`"
            raise self.source.invalid(message, expression.arguments[0].start)
        return Map(key, whole[1])

    # Functions.

    def define_functions(self, functions: Sequence[Function]) -> None:
        """Make the functions, and those of the resources that are defined here."""
        for function in functions:
            self.names.take(function.name, function.start)
            self.functions[function.name] = self.function(function)
        for definition in self.definitions.values():
            for function in definition.functions:
                self.check_gates(function.gates)
                self.steps += 1
                name = _resource_function_name(definition.name, function)
                self.names.take(name, function.start)
                self.functions[name] = self.function(function, definition.name)

    def function(self, function: Function, resource: str = "") -> FuncType:
        """The type of a function, which may be of a resource."""
        params = list(function.params)
        result = function.result
        if resource and function.kind == "func":
            params.insert(0, Member("self", TypeExpr("borrow", name=resource), start=function.start))
        elif function.kind == "constructor":
            own = TypeExpr(NAMED, name=resource, start=function.start)
            if result is None:
                result = own
            elif result.kind != "result" or result.arguments[:1] != (own,):
                message = (
                    f"a constructor of `{resource}` returns `result<{resource}, ...>`, or says nothing of it"
                )
                raise self.source.invalid(message, result.start)
        names = Names(self.source, "parameter")
        fields = []
        for param in params:
            names.take(param.name, param.start)
            if param.type is not None:
                fields.append(Field(param.name, self.type(param.type).value))
        if result is None:
            return FuncType(tuple(fields), None, function.is_async)
        known = self.type(result)
        if known.borrow:
            message = "a function can't return a `borrow`: a loan ends with its call; return an own handle"
            raise self.source.invalid(message, result.start)
        return FuncType(tuple(fields), known.value, function.is_async)


def _around(type_: WitType, parts: Sequence[Known | None]) -> Known:
    """What is known of a type that is made of `parts`."""
    inner = [part for part in parts if part is not None]
    return Known(
        type_,
        1 + max((part.depth for part in inner), default=0),
        1 + len(parts) + sum(part.size for part in inner),
        any(part.borrow for part in inner),
    )


def _resource_function_name(resource: str, function: Function) -> str:
    if function.kind == "constructor":
        return CONSTRUCTOR + resource
    return f"{STATIC if function.kind == 'static' else METHOD}{resource}.{function.name}"
