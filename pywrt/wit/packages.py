"""Files to packages, and paths to what they name. Spec: WIT.md#wit-packages-and-use."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pywrt.wit.gates import Features, check_gates, select
from pywrt.wit.graph import CycleError, in_order
from pywrt.wit.lexer import Source
from pywrt.wit.resolved import plain_key
from pywrt.wit.syntax import UNSTABLE, Extern, Gate, Package, PackageName, Path, Scope, Use

Key = tuple[str, str]
"""An interface or world: the name of its package, and its own."""


class Packages:
    """All packages that were read, each as one tree; finds what a path names."""

    __slots__ = ("_shut", "_uses", "scopes", "trees")

    def __init__(self) -> None:
        self.trees: dict[str, Package] = {}
        self.scopes: dict[Key, Scope] = {}
        #: What was left out for its gate: a package and the name of a scope, or of a type in one.
        self._shut: dict[tuple[str, ...], Gate] = {}
        self._uses: list[tuple[str, Source, Path]] = []

    def add(self, files: Sequence[Package]) -> str:
        """Add the package that `files` are of, and those nested in them; the name of the package.

        A package that is there already must have the same contents.
        """
        name = _name_of(files)
        self._add(name, files)
        for file in files:
            for nested in file.nested:
                if nested.name is not None:
                    self._add(nested.name, [nested])
        return str(name)

    def _add(self, name: PackageName, files: Sequence[Package]) -> None:
        tree = _combine(name, files, self._uses)
        full = str(name)
        if full in self.trees:
            if self.trees[full] != tree:
                where = self.trees[full].source.name or "the same file"
                source = next((f.source for f in files if f.name is name), files[0].source)
                message = f"package `{full}` differs from what {where} says it is: keep one of the two"
                raise source.invalid(message, name.start)
            return
        self._enter(full, tree)

    def _enter(self, name: str, tree: Package) -> None:
        self.trees[name] = tree
        for scope in tree.items:
            if isinstance(scope, Scope):
                self.scopes[name, scope.name] = scope

    def select(self, main: str, features: Features, target: str) -> str | None:
        """Leave out what is behind gates that are shut; the name of the package `main` then.

        None if nothing changes. `target` is the version of `main` that is meant, if it is not the newest.
        """
        selected = {
            name: select(tree, features, target if name == main else "") for name, tree in self.trees.items()
        }
        if all(tree is self.trees[name] for name, (tree, _) in selected.items()):
            return None
        self.trees.clear()
        self.scopes.clear()
        for tree, shut in selected.values():
            self._enter(str(tree.name), tree)
            self._shut.update(((str(tree.name), *path), gate) for path, gate in shut.items())
        return str(selected[main][0].name)

    def reason(self, *path: str) -> str:
        """Why a scope of a package, or a type in one, was left out; empty if it wasn't."""
        gate = self._shut.get(path)
        if gate is None:
            return ""
        if gate.kind == UNSTABLE:
            return f"it is unstable: enable the feature `{gate.value}`"
        return f"it is there since version {gate.value}"

    def check_uses(self) -> None:
        """InvalidError for a `use` at the top level of something that isn't there."""
        for package, source, path in self._uses:
            self.find(package, source, path)

    def find(self, package: str, source: Source, path: Path, kind: str = "") -> Key:
        """What `path` in `source` of `package` names; InvalidError if there is none, or of another kind."""
        wanted = str(path.package or package)
        scope = self.scopes.get((wanted, path.name))
        if scope is None:
            raise source.invalid(self._missing(wanted, path, kind or "interface"), path.start)
        if kind and scope.kind != kind:
            instead = "use `include` for a world" if kind == "interface" else "import or export an interface"
            raise source.invalid(f"`{path}` is {_a(scope.kind)}, expected {_a(kind)}: {instead}", path.start)
        return (wanted, path.name)

    def _missing(self, package: str, path: Path, kind: str) -> str:
        reason = self.reason(package, path.name)
        if reason:
            return f"package `{package}` has no {kind} `{path.name}` here, for {reason}"
        if package in self.trees:
            there = [name for owner, name in self.scopes if owner == package]
            return f"package `{package}` has no {kind} `{path.name}`{_instead(path.name, there)}"
        others = [n for n in self.trees if path.package is not None and n.split("@")[0] == path.package.name]
        if others:
            return (
                f"package `{package}` is not here, but {_listing(others)} is: write the version that is meant"
            )
        return f"package `{package}` is not here: put it into the folder `deps`, or name where it is"


def _name_of(files: Sequence[Package]) -> PackageName:
    named = [file for file in files if file.name is not None]
    if not named or named[0].name is None:
        message = "no file says which package this is: begin one with `package namespace:name;`"
        raise files[0].source.invalid(message, 0)
    name = named[0].name
    for file in named:
        if file.name is not None and file.name != name:
            message = (
                f"package `{file.name}`, but {named[0].source.name} says `{name}`: a folder is one package"
            )
            raise file.source.invalid(message, file.name.start)
    return name


def _combine(name: PackageName, files: Sequence[Package], uses: list[tuple[str, Source, Path]]) -> Package:
    """The files as one tree, in which no path needs the aliases of its file. What they `use` joins `uses`."""
    defined: dict[str, Scope] = {}
    scopes: list[Use | Scope] = []
    for file in files:
        aliases = _aliases(file)
        expand = _expander(file.source, aliases)
        for alias in aliases.values():
            uses.append((str(name), file.source, expand(alias)))
        for scope in file.items:
            if not isinstance(scope, Scope):
                check_gates(file.source, scope.gates, name)
                continue
            other = defined.setdefault(plain_key(scope.name), scope)
            if other is not scope:
                where = f"{other.source.name or 'line'}:{other.source.line(other.start)}"
                raise scope.source.invalid(f"`{scope.name}` is defined already, at {where}", scope.start)
            if scope.name in aliases:
                message = f"`{scope.name}` is the name of a `use` in this file, too: rename it with `as`"
                raise scope.source.invalid(message, scope.start)
            scopes.append(_expand_scope(scope, expand))
    docs = "\n".join(file.docs for file in files if file.docs)
    return Package(name, tuple(scopes), files[0].source, (), docs)


def _aliases(file: Package) -> dict[str, Path]:
    aliases: dict[str, Path] = {}
    for item in file.items:
        if isinstance(item, Use):
            name = item.alias or item.path.name
            if item.path.package is None and name == item.path.name:
                raise file.source.invalid(f"`use {name}` names it like itself: leave it out", item.path.start)
            if name in aliases:
                message = f"a second `use` gives the name `{name}`: rename one with `as`"
                raise file.source.invalid(message, item.start)
            aliases[name] = item.path
    return aliases


def _expander(source: Source, aliases: dict[str, Path]) -> Callable[[Path], Path]:
    """What replaces a path that begins at an alias; chains of aliases are followed once."""

    def needs(name: str) -> Iterator[tuple[str, int]]:
        path = aliases[name]
        if path.package is None and path.name in aliases:
            yield path.name, path.start

    try:
        order = in_order(aliases, needs)
    except CycleError as error:
        message = f"`use` of `{error.chain[0]}` leads back to itself"
        raise source.invalid(message, error.edge) from None
    targets: dict[str, Path] = {}
    for name in order:
        path = aliases[name]
        targets[name] = targets.get(path.name, path) if path.package is None else path

    def expand(path: Path) -> Path:
        if path.package is not None or path.name not in targets:
            return path
        return replace(targets[path.name], start=path.start)

    return expand


def _expand_scope(scope: Scope, expand: Callable[[Path], Path]) -> Scope:
    items: list[Any] = []
    for item in scope.items:
        if isinstance(item, Use):
            item = replace(item, path=expand(item.path))
        elif isinstance(item, Extern) and isinstance(item.item, Path):
            item = replace(item, item=expand(item.item))
        elif isinstance(item, Extern) and isinstance(item.item, Scope):
            item = replace(item, item=_expand_scope(item.item, expand))
        items.append(item)
    return replace(scope, items=tuple(items))


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _listing(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _instead(name: str, there: Sequence[str]) -> str:
    """What may have been meant instead of `name`."""
    if not there:
        return ": it is empty"
    close = [other for other in there if _close(name, other)]
    if close:
        return f": is {_listing(close[:3])} meant?"
    more = f" and {len(there) - 10} more" if len(there) > 10 else ""
    return f": it has {_listing(there[:10])}{more}"


def _close(name: str, other: str) -> bool:
    """Whether two names share their words, or differ in a letter or two at the end."""
    return name.startswith(other) or other.startswith(name) or sorted(name) == sorted(other)
