"""Packages of WIT to interfaces and worlds whose types are resolved. Spec: WIT.md#name-resolution.

Strategy: the files of each package become one tree (`pywrt.wit.packages`). Interfaces are resolved in an
order in which each comes behind those it uses, then worlds behind those they include; a cycle is refused
where it closes. Nothing recurses on what the input decides.
"""

from collections.abc import Iterator, Mapping, Sequence

from pywrt.wit.gates import NO_FEATURES, Features, check_gates, check_rules
from pywrt.wit.graph import CycleError, in_order
from pywrt.wit.lexer import Source
from pywrt.wit.packages import Key, Packages
from pywrt.wit.resolved import Interface, Package, Wit, World, plain_key
from pywrt.wit.scope import Known, Names, ScopeResolver
from pywrt.wit.syntax import Extern, Function, PackageName, Path, Rename, Scope, TypeDef, Use
from pywrt.wit.syntax import Package as Syntax
from pywrt.wit.types import FuncType

MAX_WORLD_ITEMS = 500_000
"""Imports and exports of all worlds of a package and its dependencies, those added for uses and includes too;
and the contents of interfaces of which worlds need copies.

A text has less, but worlds that include each other, or long chains of uses, multiply what it says.
"""

_Place = tuple[Source, int]
_Edge = tuple[Key, _Place]
_NONE: Mapping[str, Interface] = {}


def resolve(
    files: Sequence[Syntax],
    dependencies: Sequence[Sequence[Syntax]] = (),
    features: Features = NO_FEATURES,
    target: str = "",
) -> Wit:
    """The package whose files are given, with its names resolved.

    Each of `dependencies` is the files of one package; packages nested in a file count as well. A package
    among them that is there already must say the same. Unstable items are left out, but those of `features`;
    with a `target`, an earlier version of the package, what came later, too. InvalidError, with file, line
    and column, for what breaks a rule, be it in an item that is left out.
    """
    packages = Packages()
    main = packages.add(files)
    for dependency in dependencies:
        packages.add(dependency)
    packages.check_uses()
    wit = _Resolver(packages).resolve(main)
    for name, tree in packages.trees.items():
        check_rules(tree, target if name == main else "")
    selected = packages.select(main, features, target)
    return wit if selected is None else _Resolver(packages).resolve(selected)


class _Origin:
    """What an interface was made from; `size` is what making it anew costs."""

    __slots__ = ("package", "scope", "size")

    def __init__(self, package: str, scope: Scope, size: int) -> None:
        self.package = package
        self.scope = scope
        self.size = size


class _Resolver:
    __slots__ = ("interfaces", "items", "known", "origins", "packages", "resolved", "worlds")

    def __init__(self, packages: Packages) -> None:
        self.packages = packages
        self.interfaces: dict[Key, Interface] = {}
        self.known: dict[Interface, dict[str, Known]] = {}
        self.origins: dict[Interface, _Origin] = {}
        self.worlds: dict[Key, World] = {}
        self.resolved: dict[str, Package] = {}
        self.items = 0

    def resolve(self, main: str) -> Wit:
        for key in self._order("interface", "use"):
            self.interfaces[key] = self.interface(key[0], self.packages.scopes[key], _full_name(*key))
        for key in self._order("world", "include"):
            self.worlds[key] = self.world(key)
        for name in self._package_order():
            self.resolved[name] = Package(name, self.packages.trees[name])
        for key, scope in self.packages.scopes.items():
            if scope.kind == "interface":
                self.resolved[key[0]].interfaces[key[1]] = self.interfaces[key]
            else:
                self.resolved[key[0]].worlds[key[1]] = self.worlds[key]
        return Wit(self.resolved[main], self.resolved)

    # Order.

    def _order(self, kind: str, word: str) -> list[Key]:
        """The interfaces, behind those they use; or the worlds, behind those they include."""

        def needs(key: Key) -> Iterator[_Edge]:
            source = self.packages.scopes[key].source
            for item in self.packages.scopes[key].items:
                if isinstance(item, Use) and item.include == (kind == "world"):
                    target = self.packages.find(key[0], source, item.path, kind)
                    yield target, (source, item.path.start)

        keys = [key for key, scope in self.packages.scopes.items() if scope.kind == kind]
        try:
            return in_order(keys, needs)
        except CycleError as error:
            chain = _chain([name for _, name in error.chain])
            source, start = error.edge
            message = (
                f"{kind} `{error.chain[0][1]}` depends on itself by `{word}` ({chain}): that can't be encoded"
            )
            raise source.invalid(message, start) from None

    def _package_order(self) -> list[str]:
        """The packages, behind those they refer to."""
        edges: dict[str, list[tuple[str, _Place]]] = {name: [] for name in self.packages.trees}
        for (package, _), scope in self.packages.scopes.items():
            for path in _paths(scope):
                if path.package is not None and str(path.package) != package:
                    edges[package].append((str(path.package), (scope.source, path.start)))
        try:
            return in_order(edges, edges.__getitem__)
        except CycleError as error:
            source, start = error.edge
            chain = _chain(error.chain)
            message = (
                f"package `{error.chain[0]}` depends on itself ({chain}): move what both need into a third"
            )
            raise source.invalid(message, start) from None

    # Interfaces.

    def interface(
        self, package: str, scope: Scope, name: str, instead: Mapping[str, Interface] = _NONE
    ) -> Interface:
        """Resolve an interface, whose uses are resolved already, those among `instead` replaced."""
        declared = self._package_name(package)
        check_gates(scope.source, scope.gates, declared)
        interface = Interface(name, scope.docs)
        resolver = ScopeResolver(scope, declared)
        for used in self._use(package, scope, resolver, instead):
            interface.uses[used.name] = used
        resolver.define_types()
        resolver.define_functions([item for item in scope.items if isinstance(item, Function)])
        interface.types.update((key, known.type) for key, known in resolver.known.items())
        interface.functions = resolver.functions
        self.known[interface] = resolver.known
        self.origins[interface] = _Origin(package, scope, resolver.steps)
        return interface

    def _copy(self, interface: Interface, instead: Mapping[str, Interface]) -> Interface:
        """The interface with resource types of its own, unless it needs none."""
        origin = self.origins[interface]
        has_resources = any(isinstance(i, TypeDef) and i.kind == "resource" for i in origin.scope.items)
        if not has_resources and instead.keys().isdisjoint(interface.uses):
            return interface
        self._count(origin.size, origin.scope)
        made = self.interface(origin.package, origin.scope, interface.name, instead)
        made.docs = interface.docs
        return made

    def _package_name(self, package: str) -> PackageName:
        name = self.packages.trees[package].name
        assert name is not None, "packages are kept by their names"
        return name

    def _use(
        self, package: str, scope: Scope, resolver: ScopeResolver, instead: Mapping[str, Interface] = _NONE
    ) -> Iterator[Interface]:
        """Declare the types that `use` brings into a scope; the interfaces that they are of."""
        for item in scope.items:
            if isinstance(item, Use) and not item.include:
                key = self.packages.find(package, scope.source, item.path, "interface")
                interface = instead.get(self.interfaces[key].name, self.interfaces[key])
                for rename in item.names:
                    shut = self.packages.reason(*key, rename.name)
                    resolver.use(rename, str(item.path), self.known[interface], shut)
                yield interface

    # Worlds.

    def world(self, key: Key) -> World:
        """Resolve a world, whose includes are resolved already."""
        package, scope = key[0], self.packages.scopes[key]
        declared = self._package_name(package)
        check_gates(scope.source, scope.gates, declared)
        world = World(_full_name(*key), scope.docs)
        resolver = ScopeResolver(scope, declared)
        for used in self._use(package, scope, resolver):
            _import(world, used)
        resolver.define_types()
        resolver.define_functions([])
        world.types.update((name, known.type) for name, known in resolver.known.items())
        world.imports.update(resolver.functions)
        names = {"import": resolver.names, "export": Names(scope.source, "export")}
        for item in scope.items:
            if isinstance(item, Extern):
                self._extern(package, item, world, resolver, names[item.direction])
        for item in scope.items:
            if isinstance(item, Use) and item.include:
                included = self.worlds[self.packages.find(package, scope.source, item.path, "world")]
                self._count(len(included.imports) + len(included.exports) + len(included.types), scope)
                _include(world, included, item, names)
        self._split(world)
        for exported in list(world.exports.values()):
            if isinstance(exported, Interface):
                _import_uses(world, exported, world.exports)
                self._count(len(exported.uses), scope)
        self._count(len(world.imports) + len(world.exports), scope)
        return world

    def _split(self, world: World) -> None:
        """Give exported interfaces resource types that differ from those of imported ones.

        What they use is exported, too, if the world exports it, or else imported.
        """
        exported = {name: item for name, item in world.exports.items() if isinstance(item, Interface)}

        def needs(name: str) -> Iterator[tuple[str, None]]:
            for used in exported[name].uses:
                if used in exported:
                    yield used, None

        copies: dict[str, Interface] = {}
        for name in in_order(exported, needs):
            copy = self._copy(exported[name], copies)
            if copy is not exported[name]:
                world.exports[name] = copies[name] = copy

    def _count(self, items: int, scope: Scope) -> None:
        """InvalidError if `items` more are more than MAX_WORLD_ITEMS."""
        self.items += items
        if self.items > MAX_WORLD_ITEMS:
            message = (
                f"worlds have more than {MAX_WORLD_ITEMS} imports and exports, includes and uses counted"
            )
            raise scope.source.invalid(message, scope.start)

    def _extern(
        self, package: str, extern: Extern, world: World, resolver: ScopeResolver, names: Names
    ) -> None:
        side = world.imports if extern.direction == "import" else world.exports
        item, name = extern.item, extern.name
        found: Interface | FuncType
        if isinstance(item, Function):
            found = resolver.function(item)
        elif isinstance(item, Scope):
            found = self.interface(package, item, "")
            found.docs = extern.docs
        else:
            found = self.interfaces[self.packages.find(package, resolver.source, item, "interface")]
            if name and side is world.imports:
                found = self._copy(found, {})
            name = name or found.name
        names.take(name, extern.start)
        if isinstance(found, Interface) and side is world.imports:
            _import_uses(world, found, {})
            self._count(len(found.uses), resolver.scope)
        side[name] = found


def _import(world: World, interface: Interface) -> None:
    """Import an interface, behind what it uses itself, unless that is imported already."""
    if interface.name not in world.imports:
        _import_uses(world, interface, {})
        world.imports[interface.name] = interface


def _import_uses(world: World, interface: Interface, besides: dict[str, Interface | FuncType]) -> None:
    """Import the interfaces that one uses, each behind what it uses itself, but none that is in `besides`."""

    def needs(used: Interface) -> Iterator[tuple[Interface, None]]:
        for name, inner in used.uses.items():
            if name not in world.imports:
                yield inner, None

    missing = [u for n, u in interface.uses.items() if n not in besides and n not in world.imports]
    for used in in_order(missing, needs):
        world.imports[used.name] = used


def _include(world: World, included: World, item: Use, names: dict[str, Names]) -> None:
    """Add what another world imports and exports. Spec: WIT.md#union-of-worlds-with-include"""
    source = names["import"].source
    renames: dict[str, Rename] = {}
    unused = {}
    for rename in item.names:
        if rename.name in renames:
            raise source.invalid(f"`{rename.name}` is renamed twice", rename.start)
        renames[rename.name] = unused[rename.name] = rename
    for direction, ours, theirs in (
        ("import", world.imports, included.imports),
        ("export", world.exports, included.exports),
    ):
        for name, found in theirs.items():
            if ":" in name:  # interfaces that both have are one
                ours.setdefault(name, found)
                continue
            unused.pop(name, None)
            new = renames[name].alias if name in renames else name
            _take_included(names[direction], new, direction, item)
            ours[new] = found
    for name, type_ in included.types.items():
        unused.pop(name, None)
        new = renames[name].alias if name in renames else name
        if world.types.get(new) is not type_:
            _take_included(names["import"], new, "type", item)
            world.types[new] = type_
    for rename in unused.values():
        reason = f"`{included.name}` has no import or export of that plain name"
        if any(
            n.partition("@")[0].endswith(f"/{rename.name}") for n in (*included.imports, *included.exports)
        ):
            reason = "it is the name of an interface, which has that name everywhere"
        raise source.invalid(f"`with` can't rename `{rename.name}`: {reason}", rename.start)


def _take_included(names: Names, name: str, what: str, item: Use) -> None:
    if plain_key(name) in names.taken:
        advice = f"rename it, by `with {{ {name} as ... }}`"
        message = f"`include {item.path}` brings a second {what} `{name}`: {advice}"
        raise names.source.invalid(message, item.start)
    names.take(name, item.start)


def _paths(scope: Scope) -> Iterator[Path]:
    for item in scope.items:
        if isinstance(item, Use):
            yield item.path
        elif isinstance(item, Extern) and isinstance(item.item, Path):
            yield item.item
        elif isinstance(item, Extern) and isinstance(item.item, Scope):
            yield from _paths(item.item)


def _full_name(package: str, name: str) -> str:
    plain, at, version = package.partition("@")
    return f"{plain}/{name}{at}{version}"


def _chain(names: Sequence[str]) -> str:
    shown = [*names[:5], "..."] if len(names) > 5 else list(names)
    return " -> ".join([*shown, names[0]])
