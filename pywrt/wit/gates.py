"""Which items of a package there are: by feature, and by version. Spec: component-model WIT.md#feature-gates.

Strategy: the rules are checked on packages that are whole and whose names are resolved; what is behind a gate
that is shut is then taken out of the tree. The rules see to it that nothing which stays refers to something
of the same package that goes.

Published packages don't keep two of the rules to the letter, and are in use. In WASI 0.3.0 most of what is in
gated interfaces has no gate: it has that of what it is in. In WASI 0.2.12 `fields.get`, there since 0.2.0,
uses a type that is there since 0.2.1: that matters to those only who target the former.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pywrt.wit.lexer import Source
from pywrt.wit.names import DIGITS, parse_version
from pywrt.wit.syntax import (
    DEPRECATED,
    SINCE,
    UNSTABLE,
    Extern,
    Function,
    Gate,
    Package,
    PackageName,
    Path,
    Scope,
    TypeDef,
    TypeExpr,
    Use,
)

Gates = tuple[Gate, ...]
#: Gated things of a package: interfaces and worlds by name, and the types in them.
Declared = Mapping[tuple[str, ...], Gates]
#: What is referred to, its gates, and where that is said.
_Reference = tuple[str, Gates, int]


class Features:
    """Which features are enabled: those in `names`, or `everything`."""

    __slots__ = ("everything", "names")

    def __init__(self, names: Iterable[str] = (), everything: bool = False) -> None:
        self.names = frozenset(names)
        self.everything = everything

    def __contains__(self, name: str) -> bool:
        return self.everything or name in self.names


NO_FEATURES = Features()


# What gates say


def check_gates(source: Source, gates: Gates, package: PackageName) -> None:
    """InvalidError for gates that don't fit together, or the version."""
    by_kind = {gate.kind: gate for gate in gates}
    if SINCE in by_kind and UNSTABLE in by_kind:
        message = "`@since` and `@unstable` exclude each other: a feature is stable or it is not"
        raise source.invalid(message, by_kind[UNSTABLE].start)
    deprecated = by_kind.get(DEPRECATED)
    if deprecated is not None and SINCE not in by_kind and UNSTABLE not in by_kind:
        raise source.invalid("`@deprecated` needs a `@since` or `@unstable` beside it", deprecated.start)
    since = by_kind.get(SINCE)
    if since is None:
        return
    if not package.version:
        message = f"`@since` needs a version of the package: write `package {package}@{since.value}`, say"
        raise source.invalid(message, since.start)
    if _is_earlier(package.version, since.value):
        message = (
            f"`@since` of {since.value} is above the package's version {package.version}: change one of them"
        )
        raise source.invalid(message, since.start)


def version_order(text: str) -> tuple[object, ...]:
    """What sorts versions by age. Spec: semver.org, 11"""
    version = parse_version(text)
    if not version.prerelease:
        return (version.order, 1)
    parts = version.prerelease.split(".")
    return (version.order, 0, *((0, len(p), p) if DIGITS.issuperset(p) else (1, 0, p) for p in parts))


def gate_of(gates: Gates) -> Gate | None:
    """The one of `gates` that can be shut."""
    return next((gate for gate in gates if gate.kind in (SINCE, UNSTABLE)), None)


def _inherited(gates: Gates, outer: Gates) -> Gates:
    """The gates of an item that stands within what is gated by `outer`."""
    return outer if gate_of(gates) is None else gates


def _shown(gate: Gate) -> str:
    field = "feature" if gate.kind == UNSTABLE else "version"
    return f"`@{gate.kind}({field} = {gate.value})`"


def _is_earlier(version: str, other: str) -> bool:
    return version_order(version) < version_order(other)


# The rules between items


def check_rules(tree: Package, target: str = "") -> None:
    """InvalidError for an item that is gated less than what it is in, or than what it refers to.

    `target` is the version that is wanted, if it isn't the newest.
    """
    scopes = [item for item in tree.items if isinstance(item, Scope)]
    declared: dict[tuple[str, ...], Gates] = {}
    for scope in scopes:
        declared[(scope.name,)] = scope.gates
        declared.update(((scope.name, name), gates) for name, gates in _types(scope, scope.gates).items())
    for scope in scopes:
        _Rules(scope, scope.gates, tree.name, declared, target).check(scope.name)


def _types(scope: Scope, outer: Gates) -> dict[str, Gates]:
    """The types that a scope, which is gated by `outer`, defines or uses, with their gates."""
    found: dict[str, Gates] = {}
    for item in scope.items:
        names = [item.name] if isinstance(item, TypeDef) else _used_names(item)
        found.update((name, _inherited(item.gates, outer)) for name in names)
    return found


def _used_names(item: Use | TypeDef | Function | Extern) -> list[str]:
    """The types that an item brings into its scope by `use`."""
    if not isinstance(item, Use) or item.include:
        return []
    return [rename.alias or rename.name for rename in item.names]


class _Rules:
    """Checks one scope, which is gated by `gates`, against what its `package` declares."""

    __slots__ = ("declared", "gates", "package", "scope", "target", "types")

    def __init__(
        self, scope: Scope, gates: Gates, package: PackageName | None, declared: Declared, target: str
    ) -> None:
        self.scope = scope
        self.gates = gates
        self.package = package
        self.declared = declared
        self.target = target
        self.types = _types(scope, gates)

    def check(self, name: str) -> None:
        """Check the items; the scope itself is called `name`."""
        for item in self.scope.items:
            gates = self.item(_name(item), item, name, self.gates, self.references(item))
            if isinstance(item, TypeDef):
                for function in item.functions:
                    references = self.named(_function_types(function))
                    self.item(function.name or "constructor", function, item.name, gates, references)
            elif isinstance(item, Extern) and isinstance(item.item, Scope):
                _Rules(item.item, gates, self.package, self.declared, self.target).check(item.name)

    def item(
        self, name: str, item: Any, outer: str, outer_gates: Gates, references: Iterable[_Reference]
    ) -> Gates:
        """Check an item within `outer`; its gates, which may be those."""
        gates: Gates = _inherited(item.gates, outer_gates)
        self.compare(name, gates, outer, outer_gates, item.start, "is in")
        for referent, theirs, start in references:
            self.compare(name, gates, referent, theirs, start, "uses")
        return gates

    def compare(self, name: str, gates: Gates, other: str, theirs: Gates, start: int, how: str) -> None:
        mine, wanted = gate_of(gates), gate_of(theirs)
        if wanted is None or mine == wanted:
            return
        if mine is not None and wanted.kind == SINCE:
            if mine.kind == UNSTABLE or not _is_earlier(mine.value, wanted.value):
                return
            if how == "uses" and not self.divides(mine, wanted):
                return
        message = f"`{name}` {how} `{other}`, whose gate is {_shown(wanted)}: give it that, or a later one"
        raise self.scope.source.invalid(message, start)

    def divides(self, mine: Gate, wanted: Gate) -> bool:
        """Whether the target version has the one and lacks the other."""
        is_there = self.target != "" and not _is_earlier(self.target, mine.value)
        return is_there and _is_earlier(self.target, wanted.value)

    def references(self, item: Use | TypeDef | Function | Extern) -> Iterator[_Reference]:
        """What `item` refers to in its own package, with gates; the functions of a resource aside."""
        if isinstance(item, Use):
            yield from self.path(item.path)
            if not item.include and self.is_own(item.path):
                for rename in item.names:
                    yield rename.name, self.declared.get((item.path.name, rename.name), ()), rename.start
        elif isinstance(item, TypeDef):
            yield from self.named([item.type, *[member.type for member in item.members]])
        elif isinstance(item, Function):
            yield from self.named(_function_types(item))
        elif isinstance(item.item, Path):
            yield from self.path(item.item)
        elif isinstance(item.item, Function):
            yield from self.named(_function_types(item.item))

    def is_own(self, path: Path) -> bool:
        return path.package is None or path.package == self.package

    def path(self, path: Path) -> Iterator[_Reference]:
        if self.is_own(path):
            yield path.name, self.declared.get((path.name,), ()), path.start

    def named(self, types: Iterable[TypeExpr | None]) -> Iterator[_Reference]:
        """The types of this scope that type expressions name."""
        stack = [type for type in types if type is not None]
        while stack:
            expression = stack.pop()
            if expression.name in self.types:
                yield expression.name, self.types[expression.name], expression.start
            stack.extend(expression.arguments)


def _function_types(function: Function) -> list[TypeExpr | None]:
    return [*[param.type for param in function.params], function.result]


def _name(item: Use | TypeDef | Function | Extern) -> str:
    """What messages call an item."""
    if isinstance(item, Use):
        return f"{'include' if item.include else 'use'} {item.path}"
    if isinstance(item, Extern):
        return f"{item.direction} {item.item if isinstance(item.item, Path) else item.name}"
    return item.name


# Selection


def select(
    tree: Package, features: Features, target: str = ""
) -> tuple[Package, dict[tuple[str, ...], Gate]]:
    """A package without what is behind gates that are shut; and what that is, by name, with its gate.

    With a `target`, the package as it was in that version. The same object where nothing changes.
    InvalidError if it has no such version.
    """
    assert tree.name is not None, "packages are kept by their names"
    name = tree.name
    if target:
        if not name.version or _is_earlier(name.version, target):
            message = f"package `{name}` can't be had in version {target}: its version is not as late"
            raise tree.source.invalid(message, name.start)
        name = replace(name, version=target)
    selection = _Selection(features, target, tree.name, name)
    items = tuple(selection.scopes(tree.items))
    if selection.is_whole and name == tree.name:
        return tree, {}
    return replace(tree, name=name, items=items), selection.shut


class _Selection:
    __slots__ = ("features", "is_whole", "new", "old", "shut", "target")

    def __init__(self, features: Features, target: str, old: PackageName, new: PackageName) -> None:
        self.features = features
        self.target = target
        self.old = old
        self.new = new
        self.shut: dict[tuple[str, ...], Gate] = {}
        #: Nothing was left out.
        self.is_whole = True

    def is_open(self, gates: Gates) -> bool:
        gate = gate_of(gates)
        if gate is None:
            return True
        if gate.kind == UNSTABLE:
            is_open = gate.value in self.features
        else:
            is_open = not self.target or not _is_earlier(self.target, gate.value)
        self.is_whole = self.is_whole and is_open
        return is_open

    def scopes(self, items: Sequence[Use | Scope]) -> Iterator[Use | Scope]:
        for item in items:
            if not isinstance(item, Scope):
                yield item
            elif self.is_open(item.gates):
                yield self.scope(item)
            else:
                self.leave_out((item.name,), item.gates)

    def leave_out(self, name: tuple[str, ...], gates: Gates) -> None:
        gate = gate_of(gates)
        assert gate is not None
        self.shut[name] = gate

    def scope(self, scope: Scope) -> Scope:
        kept: list[Any] = []
        for item in scope.items:
            if not self.is_open(item.gates):
                names = [item.name] if isinstance(item, TypeDef) else _used_names(item)
                for name in names:
                    self.leave_out((scope.name, name), item.gates)
                continue
            made: Any = item
            if isinstance(item, TypeDef) and item.functions:
                made = replace(item, functions=tuple(f for f in item.functions if self.is_open(f.gates)))
            elif isinstance(item, Use):
                made = replace(item, path=self.path(item.path))
            elif isinstance(item, Extern) and isinstance(item.item, Path):
                made = replace(item, item=self.path(item.item))
            elif isinstance(item, Extern) and isinstance(item.item, Scope):
                made = replace(item, item=self.scope(item.item))
            kept.append(made)
        return replace(scope, items=tuple(kept))

    def path(self, path: Path) -> Path:
        return replace(path, package=self.new) if path.package == self.old else path
