"""Components to one component, as `wac plug` makes it: what plugs export satisfies the imports of a socket.

Strategy: the result nests all of them as they are. It imports what they import and no plug provides, once for
imports that are the same or compatible, instantiates the plugs, then the socket with what they export, and
exports what the socket does. Only the types of what is left of the imports have to be written anew.
Validating the result says whether what goes together fits together.
Spec: component-model Explainer.md#instance-definitions
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pywrt.api.engine import Engine
from pywrt.component.component import Component, match_name
from pywrt.component.encoder import Encoder
from pywrt.component.text.encoding import COMPONENT, INSTANCE, SORT_BYTES, name_bytes, vector
from pywrt.component.types import ComponentType, Extern, InstanceType, Resource
from pywrt.component.visibility import parts
from pywrt.errors import InvalidError, LinkError
from pywrt.wasm.text.instructions import unsigned
from pywrt.wit import types as wit
from pywrt.wit.graph import CycleError, in_order
from pywrt.wit.names import compatible_key, interface_version


class Part:
    """A component that is composed with others; `name` is for messages."""

    __slots__ = ("data", "name", "type")

    def __init__(self, engine: Engine, data: bytes, name: str) -> None:
        """MalformedError or InvalidError if `data` is no valid component."""
        self.name = name
        self.data = data
        self.type: ComponentType = Component(engine, data).type


def compose(engine: Engine, socket: Part, plugs: Sequence[Part]) -> bytes:
    """The component that is `socket` with imports of it satisfied by what `plugs` export.

    LinkError if a plug has nothing that the socket imports, two have the same, or types don't fit; the
    message says which and why.
    """
    try:
        composed = _Composition(socket, plugs).compose()
        Component(engine, composed)
    except InvalidError as error:
        names = ", ".join(f"`{plug.name}`" for plug in plugs)
        raise LinkError(f"{names} can't be plugged into `{socket.name}`: {error.message}") from None
    return composed


class _Import:
    """An import of the composed component: one of a part, or those of several that are compatible.

    `names` are theirs, by part (one may have it in two versions); `items` are its types.
    """

    __slots__ = ("index", "items", "name", "names", "part")

    def __init__(self, name: str, part: Part) -> None:
        self.name = name
        self.part = part
        self.items: list[Extern] = []
        self.names: dict[Part, list[str]] = {}
        self.index = 0

    @property
    def sort(self) -> str:
        return self.items[0].sort

    def add(self, part: Part, name: str, item: Extern) -> None:
        """Add an import of `part`; LinkError if it is of another sort."""
        self.items.append(item)
        self.names.setdefault(part, []).append(name)
        self.name = max(self.name, name, key=interface_version)
        if item.sort != self.sort:
            raise LinkError(
                f"`{self.part.name}` imports `{self.name}` as {self.sort}, but `{part.name}` as {item.sort}"
            )


class _Composition:
    __slots__ = ("encoder", "imports", "owners", "plugged", "plugs", "socket")

    def __init__(self, socket: Part, plugs: Sequence[Part]) -> None:
        self.socket = socket
        self.plugs = plugs
        self.encoder = Encoder()
        #: For each import of the socket that is satisfied: the plug, and what it is called there.
        self.plugged: dict[str, tuple[Part, str]] = {}
        #: What is left of the imports, by what compatible names share.
        self.imports: dict[str, _Import] = {}
        #: Of types by identity, and resource types by their roots: the import that they come from.
        self.owners: dict[int | Resource, _Import | str] = {}

    def compose(self) -> bytes:
        for plug in self.plugs:
            self._match(plug)
        for part in (*self.plugs, self.socket):
            self._collect(part)
        self._write_imports()
        instances = {plug: self._instantiate(plug, {}) for plug in self.plugs}
        given = {
            name: (item.sort, self._alias(item.sort, instances[plug], export))
            for name, (plug, export) in self.plugged.items()
            for item in [plug.type.exports[export]]
        }
        for name, (_, index) in given.items():
            item = self.socket.type.imports[name]
            if item.sort == "instance":
                self.encoder.learn_exports(item, index)
            elif item.sort == "type":
                self.encoder.learn(item, index)
        self._write_exports(self._instantiate(self.socket, given), given)
        return self.encoder.scope.component()

    # What goes where

    def _match(self, plug: Part) -> None:
        """Find the imports of the socket that `plug` satisfies."""
        found = False
        for name in self.socket.type.imports:
            export = match_name(name, plug.type.exports)
            if export is None:
                continue
            found = True
            if name in self.plugged:
                raise LinkError(
                    f"two plugs export `{name}`, `{self.plugged[name][0].name}` and `{plug.name}`: choose one"
                )
            self.plugged[name] = plug, export
        if not found:
            raise LinkError(
                f"`{plug.name}` exports nothing that `{self.socket.name}` imports: "
                f"the one exports {_listing(plug.type.exports)}, the other imports "
                f"{_listing(self.socket.type.imports)}"
            )

    def _collect(self, part: Part) -> None:
        """Note what is left of the imports of `part`."""
        for name, item in part.type.imports.items():
            if part is self.socket and name in self.plugged:
                owner: _Import | str = name
            else:
                owner = self.imports.setdefault(compatible_key(name) or name, _Import(name, part))
                owner.add(part, name, item)
            for type in _introduced(item):
                self.owners.setdefault(id(type), owner)
                if isinstance(type, Resource):
                    self.owners.setdefault(type, owner)

    def _owners(self, item: Extern) -> Iterator[_Import | str]:
        """The imports whose types `item` refers to."""
        for type in _referred(item):
            owner = self.owners.get(id(type))
            if owner is None and isinstance(type, Resource):
                owner = self.owners.get(type)
            if owner is not None:
                yield owner

    # What is written

    def _write_imports(self) -> None:
        def needs(left: _Import) -> Iterator[tuple[_Import, None]]:
            for item in left.items:
                for owner in self._owners(item):
                    if isinstance(owner, _Import) and owner is not left:
                        yield owner, None

        try:
            order = in_order(self.imports.values(), needs)
        except CycleError as error:
            names = " -> ".join(f"`{left.name}`" for left in (*error.chain, error.chain[0]))
            raise LinkError(f"what is left of the imports depends on itself: {names}") from None
        for left in order:
            for item in left.items:
                self._check_not_plugged(left, item)
            left.index = self.encoder.import_(left.name, left.items)

    def _check_not_plugged(self, left: _Import, item: Extern) -> None:
        for type in _referred(item):
            if isinstance(type, Resource) and isinstance(owner := self.owners.get(type), str):
                raise LinkError(
                    f"`{left.name}` uses the resource type `{type.name}` of `{owner}`, which "
                    f"`{self.plugged[owner][0].name}` exports: plug something for `{left.name}`, too"
                )

    def _instantiate(self, part: Part, given: dict[str, tuple[str, int]]) -> int:
        """Write a part and an instance of it."""
        component = self.encoder.define(COMPONENT, "component", part.data)
        arguments = dict(given)
        for left in self.imports.values():
            for name in left.names.get(part, ()):
                arguments[name] = left.sort, left.index
        encoded = [name_bytes(n) + SORT_BYTES[sort] + unsigned(i) for n, (sort, i) in arguments.items()]
        return self.encoder.define(INSTANCE, "instance", b"\x00" + unsigned(component) + vector(encoded))

    def _alias(self, sort: str, instance: int, name: str) -> int:
        return self.encoder.alias_export(sort, instance, name)

    def _write_exports(self, instance: int, given: dict[str, tuple[str, int]]) -> None:
        exports = self.socket.type.exports
        for name in self._needed(exports.values()):
            if name in exports:
                raise LinkError(f"`{self.socket.name}` exports `{name}`, but uses the types of the plug's")
            self.encoder.export(name, *given[name])
        # A function that uses types which are exported on their own is to use them by these names.
        has_types = any(item.sort == "type" for item in exports.values())
        for name, item in exports.items():
            index = self._alias(item.sort, instance, name)
            ascribed = self.encoder.extern_type(item) if has_types and item.sort == "func" else None
            index = self.encoder.export(name, item.sort, index, ascribed)
            if item.sort == "type":
                self.encoder.learn(item, index)
            elif item.sort == "instance":
                self.encoder.learn_exports(item, index)

    def _needed(self, exports: Iterable[Extern]) -> list[str]:
        """What is plugged and has to be exported: `exports` use types of it that they don't give a name."""
        found: set[str] = set()
        for item in exports:
            named = {id(type) for type in _introduced(item)}
            for type in _referred(item, renamed=False):
                owner = self.owners.get(id(type))
                if isinstance(owner, str) and id(type) not in named:
                    found.add(owner)
        return [name for name in self.plugged if name in found]


def _introduced(item: Extern) -> Iterator[Any]:
    """The types that an import brings in under names."""
    if item.sort == "type":
        yield item.type
    elif item.sort == "instance" and isinstance(item.type, InstanceType):
        for export in item.type.exports.values():
            yield from _introduced(export)


def _referred(item: Extern, renamed: bool = True) -> Iterator[Any]:
    """The types within `item`, each once; with `renamed`, those too that types in it are other names of."""
    seen: set[int] = set()
    stack: list[Any] = [item]
    while stack:
        found = stack.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, Extern):
            stack.append(found.type)
            if renamed and found.renamed is not None:
                stack.append(found.renamed.type)
        elif isinstance(found, InstanceType):
            stack.extend(found.exports.values())
        elif isinstance(found, ComponentType):
            stack.extend((*found.imports.values(), *found.exports.values()))
        elif isinstance(found, wit.Own | wit.Borrow):
            stack.append(found.resource)
        else:
            yield found
            if isinstance(found, wit.WitType | wit.FuncType):
                stack.extend(parts(found))


def _listing(names: Iterable[str]) -> str:
    shown = [f"`{name}`" for name in names]
    return ", ".join(shown) or "nothing"
