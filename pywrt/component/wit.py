"""A component's imports and exports as WIT. Spec: component-model WIT.md, and WIT.md#package-format.

Strategy: imports and exports are read in order into scopes of WIT syntax, one for each interface and one for
each world; the resolver of WIT texts then checks that they make sense. What a type is called depends on where
it comes from: an exported type that renames one of another interface (`Extern.renamed`) is a `use`, and every
other one is a definition, written out (how large that gets, validation has bounded). An interface that is
imported and exported, or imported in part by several worlds, is the union of what is said of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pywrt.component.types import ComponentType, Extern, InstanceType, Resource
from pywrt.errors import InvalidError
from pywrt.wit import syntax
from pywrt.wit import types as wit
from pywrt.wit.lexer import Source
from pywrt.wit.names import parse_extern_name
from pywrt.wit.resolved import Wit
from pywrt.wit.resolver import resolve
from pywrt.wit.syntax import NAMED, NONE, Function, Member, Package, PackageName, Path, TypeDef, TypeExpr

#: What a component's own world is called; it has no name in the binary format.
PACKAGE, WORLD = "root:component", "root"

_SOURCE = Source("")


def component_wit(type: ComponentType) -> Wit:
    """The WIT of a component: its world, `root` of `root:component`, and every interface that it names.

    For a package of WIT in the binary format, that package. InvalidError if WIT can't express the type.
    """
    return _Wit().package(type) if is_wit_package(type) else _Wit().component(type)


def is_wit_package(type: ComponentType) -> bool:
    """Whether a component is a package of WIT in the binary format: all it has is exported definitions."""
    return (
        bool(type.exports)
        and not type.imports
        and all(_definition(item) is not None for item in type.exports.values())
    )


def _definition(item: Extern) -> tuple[str, Extern] | None:
    """What the export `item` of a package defines, and its full name: an instance or a component."""
    if item.sort != "type" or not isinstance(item.type, ComponentType) or len(item.type.exports) != 1:
        return None
    ((name, defined),) = item.type.exports.items()
    is_one = isinstance(defined.type, InstanceType | ComponentType) and defined.sort != "type"
    return (name, defined) if is_one and ":" in name else None


def _refused(what: str) -> InvalidError:
    return InvalidError(f"this component's type can't be said in WIT: {what}")


class _Scope:
    """An interface or world that is being written; `path` is its full name, empty for an inline interface."""

    __slots__ = ("externs", "functions", "is_world", "methods", "path", "types", "uses")

    def __init__(self, path: str, is_world: bool = False) -> None:
        self.path = path
        self.is_world = is_world
        #: The interfaces that types come from, with their names there, by their names here.
        self.uses: dict[str, tuple[str, str]] = {}
        self.types: dict[str, TypeDef] = {}
        self.functions: dict[str, Function] = {}
        #: Of each resource type that is defined here: its functions, by their names in the component.
        self.methods: dict[str, dict[str, Function]] = {}
        self.externs: dict[tuple[str, str], syntax.Extern] = {}

    @property
    def can_be_used(self) -> bool:
        """Whether other interfaces can `use` its types."""
        return bool(self.path) and not self.is_world

    def merge(self, other: "_Scope") -> None:
        """Add what another occurrence of the same interface says; InvalidError if they disagree."""
        pairs: list[tuple[dict[str, Any], dict[str, Any]]] = [
            (self.uses, other.uses),
            (self.types, other.types),
            (self.functions, other.functions),
        ]
        pairs += [(self.methods.setdefault(name, {}), theirs) for name, theirs in other.methods.items()]
        for mine, theirs in pairs:
            for name, said in theirs.items():
                if mine.setdefault(name, said) != said:
                    raise _refused(f"two occurrences of the interface `{self.path}` differ in `{name}`")

    def items(self, package: str) -> tuple[Any, ...]:
        """What the scope says, for a file of `package`."""
        names: dict[str, list[syntax.Rename]] = {}
        for local, (path, name) in self.uses.items():
            names.setdefault(path, []).append(syntax.Rename(name, local if local != name else ""))
        uses = [syntax.Use(_path(path, package), tuple(renames)) for path, renames in names.items()]
        types = [
            syntax.TypeDef(d.kind, d.name, functions=tuple(self.methods.get(d.name, {}).values()))
            if d.kind == "resource"
            else d
            for d in self.types.values()
        ]
        return (*uses, *types, *self.functions.values(), *self.externs.values())


class _Wit:
    """The interfaces and worlds that were read so far, by their full names."""

    __slots__ = ("interfaces", "worlds")

    def __init__(self) -> None:
        self.interfaces: dict[str, _Scope] = {}
        self.worlds: dict[str, _Scope] = {}

    def component(self, type: ComponentType) -> Wit:
        _Reader(self).world(f"{PACKAGE}/{WORLD}", type)
        return self.resolve(PACKAGE)

    def package(self, type: ComponentType) -> Wit:
        main = ""
        for item in type.exports.values():
            definition = _definition(item)
            assert definition is not None
            assert isinstance(item.type, ComponentType)
            path, defined = definition
            reader = _Reader(self)
            for name, used in item.type.imports.items():
                if used.sort != "instance" or ":" not in name:
                    raise _refused(f"the definition of `{path}` imports `{name}`, which is no interface")
                reader.interface(name, used)
            if isinstance(defined.type, ComponentType):
                reader.world(path, defined.type)
            else:
                reader.interface(path, defined)
            main = main or _split(path)[0]
        return self.resolve(main)

    def resolve(self, main: str) -> Wit:
        packages: dict[str, list[syntax.Scope]] = {main: []}
        for kind, scopes in (("interface", self.interfaces), ("world", self.worlds)):
            for path, scope in scopes.items():
                package, name = _split(path)
                made = syntax.Scope(kind, name, scope.items(package), _SOURCE)
                packages.setdefault(package, []).append(made)
        trees = [
            Package(PackageName(*_versioned(package)), tuple(scopes), _SOURCE)
            for package, scopes in packages.items()
        ]
        try:
            return resolve(trees[:1], [[tree] for tree in trees[1:]])
        except InvalidError as error:
            raise _refused(error.message) from None


class _Reader:
    """Reads the type of one component, within which types have identities."""

    __slots__ = ("known", "resources", "wit")

    def __init__(self, wit: _Wit) -> None:
        self.wit = wit
        #: Exported and imported types, by identity: the scope that has them, and their names there.
        self.known: dict[int, tuple[_Scope, str] | None] = {}
        #: The same of resource types; two are one by their roots.
        self.resources: dict[Resource, tuple[_Scope, str]] = {}

    # Worlds and interfaces.

    def world(self, path: str, type: ComponentType) -> None:
        """Read a component's type as a world."""
        world = self.wit.worlds[path] = _Scope(path, is_world=True)
        local = _Names(self, world, {*type.imports, *type.exports})
        self._externs("import", type.imports, local)
        self._externs("export", type.exports, local)

    def _externs(self, direction: str, items: Mapping[str, Extern], local: "_Names") -> None:
        world = local.scope
        for name, item in items.items():
            if item.sort == "type":
                if direction == "export" and isinstance(item.type, Resource) and not self.origin(item):
                    raise _refused(f"it exports the resource type `{name}` outside of interfaces")
                local.define(name, item)
            elif item.sort == "instance":
                self._instance(direction, name, item, world)
            elif item.sort == "func" and parse_extern_name(name).kind == "label":
                made = local.function(name, item.type)
                world.externs[direction, name] = syntax.Extern(direction, name, made)
            elif item.sort == "func":
                local.add_function(name, item.type)
            else:
                raise _refused(f"its {direction} `{name}` is a {item.sort}")

    def _instance(self, direction: str, name: str, item: Extern, world: _Scope) -> None:
        if ":" in name:
            self.interface(name, item)
            made = syntax.Extern(direction, "", _path(name, _split(world.path)[0]))
        else:
            inline = _Scope("")
            self.read(inline, item)
            body = syntax.Scope("interface", name, inline.items(_split(world.path)[0]), _SOURCE)
            made = syntax.Extern(direction, name, body)
        world.externs[direction, name] = made

    def interface(self, path: str, item: Extern) -> None:
        """Read an instance as an interface, of which more may have been said elsewhere."""
        scope = _Scope(path)
        self.read(scope, item)
        self.wit.interfaces.setdefault(path, _Scope(path)).merge(scope)

    def read(self, scope: _Scope, item: Extern) -> None:
        """Read what an instance exports."""
        assert isinstance(item.type, InstanceType)
        local = _Names(self, scope, set(item.type.exports))
        for name, export in item.type.exports.items():
            if export.sort == "type":
                local.define(name, export)
            elif export.sort == "func":
                local.add_function(name, export.type)
            else:
                raise _refused(f"`{scope.path or 'an interface'}` has the {export.sort} `{name}`")

    def origin(self, item: Extern) -> tuple[_Scope, str] | None:
        """The scope that has `item`, a type, or what it renames, and the name there; None if none has."""
        passed: list[Extern] = []
        link: Extern | None = item
        while link is not None and id(link) not in self.known:
            passed.append(link)
            link = link.renamed
        found = None if link is None else self.known[id(link)]
        if found is None and isinstance(item.type, Resource):
            found = self.resources.get(item.type)
        self.known.update((id(each), found) for each in passed)
        return found


class _Names:
    """What types are called in one scope: `local` by identity, or resource types by their roots.

    `taken` are the names of all that the scope has.
    """

    __slots__ = ("local", "reader", "resources", "scope", "taken")

    def __init__(self, reader: _Reader, scope: _Scope, taken: set[str]) -> None:
        self.reader = reader
        self.scope = scope
        self.taken = taken
        self.local: dict[int, str] = {}
        self.resources: dict[Resource, str] = {}

    # Definitions.

    def define(self, name: str, item: Extern) -> None:
        """Add the type that is exported or imported as `name`."""
        origin = self.reader.origin(item)
        is_resource = isinstance(item.type, Resource)
        if origin is None or not (is_resource or origin[0].can_be_used or origin[0] is self.scope):
            origin = self.scope, name
            self.scope.types[name] = self.definition(name, item)
        elif origin[0] is not self.scope and origin[0].path != self.scope.path:
            self.use(origin, name)
        elif origin[1] != name:
            self.scope.types[name] = TypeDef("type", name, type=TypeExpr(NAMED, name=origin[1]))
        if is_resource and name == origin[1] and name not in self.scope.uses:
            self.scope.methods.setdefault(name, {})
        self.local.setdefault(id(item.type), name)
        self.reader.known[id(item)] = self.reader.known[id(item.type)] = self.scope, name
        if isinstance(item.type, Resource):
            self.resources.setdefault(item.type, name)
            self.reader.resources.setdefault(item.type, origin)

    def use(self, origin: tuple[_Scope, str], name: str) -> None:
        """Bring in a type of another interface as `name`."""
        other, their_name = origin
        if not other.can_be_used:
            where = "the world" if other.is_world else "an interface without a name"
            here = f"`{self.scope.path}`" if self.scope.path else "an interface"
            raise _refused(f"{here} uses the type `{their_name}` of {where}")
        self.scope.uses[name] = other.path, their_name

    def definition(self, name: str, item: Extern) -> TypeDef:
        """The definition of a type, written out."""
        type = item.type
        if isinstance(type, Resource):
            return TypeDef("resource", name)
        members: Iterable[tuple[str, wit.WitType | None]]
        match type:
            case wit.Record():
                members = [(f.name, f.type) for f in type.fields]
            case wit.Variant():
                members = [(c.name, c.type) for c in type.cases]
            case wit.Enum() | wit.Flags():
                members = [(label, None) for label in type.names]
            case _ if isinstance(type, wit.WitType):
                return TypeDef("type", name, type=self.structure(type))
            case _:
                raise _refused(f"`{name}` is the type of a {item}")
        kind = type.__class__.__name__.lower()
        return TypeDef(kind, name, tuple(Member(label, self.optional(part)) for label, part in members))

    # Functions.

    def add_function(self, name: str, type: Any) -> None:
        """Add a function of the interface, or of a resource in it."""
        parsed = parse_extern_name(name)
        made = self.function(name, type)
        if parsed.kind == "label":
            self.scope.functions[name] = made
            return
        methods = self.scope.methods.get(parsed.resource)
        if methods is None:
            raise _refused(f"`{name}` is a function of a resource type that is not defined beside it")
        methods[name] = made

    def function(self, name: str, type: Any) -> Function:
        """The function `name`; of a method, the parameter `self` goes without saying."""
        assert isinstance(type, wit.FuncType)
        parsed = parse_extern_name(name)
        given = type.params[1:] if parsed.kind == "method" else type.params
        params = tuple(Member(p.name, self.expression(p.type)) for p in given)
        result = self.optional(type.result)
        if parsed.kind == "constructor" and isinstance(type.result, wit.Own):
            result = None
        kind = {"label": "func", "method": "func"}.get(parsed.kind, parsed.kind)
        return Function(parsed.label, params, result, kind, type.is_async)

    # Types where they are used.

    def optional(self, type: wit.WitType | None) -> TypeExpr | None:
        return None if type is None else self.expression(type)

    def expression(self, type: wit.WitType) -> TypeExpr:
        """A type by its name, or written out if it has none. Recurses to the nesting of types."""
        name = self.local.get(id(type))
        if name is not None:
            return TypeExpr(NAMED, name=name)
        if isinstance(type, wit.Own):
            return TypeExpr(NAMED, name=self.resource(type.resource))
        if isinstance(type, wit.Borrow):
            return TypeExpr("borrow", name=self.resource(type.resource))
        if isinstance(type, wit.Record | wit.Variant | wit.Enum | wit.Flags):
            return TypeExpr(NAMED, name=self.implied(type, self.reader.known.get(id(type))))
        return self.structure(type)

    def resource(self, type: wit.ResourceType) -> str:
        """What a resource type is called here."""
        assert isinstance(type, Resource)
        name = self.local.get(id(type)) or self.resources.get(type)
        return name or self.implied(type, self.reader.resources.get(type))

    def implied(self, type: Any, origin: tuple[_Scope, str] | None) -> str:
        """The name of a type that only another scope has, by a `use` that the binary does without."""
        if origin is None:
            raise _refused(f"a type without a name is used in `{self.scope.path}`: {type}")
        name, count = origin[1], 1
        while name in self.taken:
            count += 1
            name = f"{origin[1]}-n{count}"
        self.taken.add(name)
        self.use(origin, name)
        self.local[id(type)] = name
        return name

    def structure(self, type: wit.WitType) -> TypeExpr:
        """A type written out, with the names of its parts."""
        match type:
            case wit.Primitive():
                made = type.name in syntax.PRIMITIVES
                return TypeExpr(type.name) if made else TypeExpr(NAMED, name=type.name)
            case wit.List(element, length):
                return TypeExpr("list", (self.expression(element),), length=length)
            case wit.Tuple(types):
                return TypeExpr("tuple", tuple(self.expression(part) for part in types))
            case wit.Option(some):
                return TypeExpr("option", (self.expression(some),))
            case wit.Result(None, None):
                return TypeExpr("result")
            case wit.Result(ok, err):
                first = TypeExpr(NONE) if ok is None else self.expression(ok)
                return TypeExpr("result", (first,) if err is None else (first, self.expression(err)))
            case wit.Stream(element) | wit.Future(element):
                inner = () if element is None else (self.expression(element),)
                return TypeExpr(type.__class__.__name__.lower(), inner)
            case wit.Map(key, value):
                return TypeExpr("map", (self.expression(key), self.expression(value)))
            case _:
                return self.expression(type)


def _split(path: str) -> tuple[str, str]:
    """`ns:package/name@version` to `ns:package@version` and `name`."""
    whole, at, version = path.partition("@")
    package, _, name = whole.rpartition("/")
    return package + at + version, name


def _versioned(package: str) -> tuple[str, str]:
    """`ns:package@version` in two; versions that leave out numbers get zeros."""
    name, _, version = package.partition("@")
    if version and version.replace(".", "").isdecimal():
        version = ".".join([*version.split("."), "0", "0"][:3])
    return name, version


def _path(path: str, package: str) -> Path:
    """The path to an interface in a file of `package`."""
    owner, name = _split(path)
    return Path(None if owner == package else PackageName(*_versioned(owner)), name)
