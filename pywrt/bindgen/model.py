"""What a generated module is about: which types and interfaces it has, and what they are called in it.

Strategy: types of two interfaces are one definition if one of them is the other under a new name (WIT's
`use`), or if they have the same name and are equal. All types of the interfaces that the module has are in
it, and of others (those of WASI) what they refer to. Names are given at once, to the types first.
"""

from collections.abc import Iterable, Iterator

from pywrt.bindgen.interface import (
    Function,
    Interface,
    NamedType,
    ResourceClass,
    named_types,
    read_exports,
    read_imports,
)
from pywrt.bindgen.names import distinct, interface_labels, pascal
from pywrt.bindgen.wasi import is_wasi
from pywrt.component.types import ComponentType, Resource
from pywrt.wit import types as wit

#: Where a type or interface is.
IMPORTED, EXPORTED = "Imported", "Exported"

#: The protocol for functions that are imported of no interface.
IMPORTS = "Imports"


class Definition:
    """A named type, its name in the module, and where it is found in the component.

    `places` are the (side, interface, label) that it has, the side `IMPORTED` or `EXPORTED`. `cases` are the
    classes of a variant's cases, or the one name of all flags of a type; `resource` is what a resource has if
    its interface is in the module.
    """

    __slots__ = ("cases", "name", "places", "resource", "type")

    def __init__(self, type: NamedType) -> None:
        self.type = type
        self.places: list[tuple[str, str, str]] = []
        self.name = ""
        self.cases: list[str] = []
        self.resource: ResourceClass | None = None


class ProtocolClass:
    """An interface with functions, for which the module has a protocol; or the root of those of one side."""

    __slots__ = ("attribute", "extern", "inner", "interface", "name", "side")

    def __init__(self, side: str, extern: str, attribute: str, interface: Interface) -> None:
        self.side = side
        self.extern = extern
        self.attribute = attribute
        self.interface = interface
        self.name = ""
        self.inner = [
            ProtocolClass(side, f"{extern}#{label}" if extern else label, interface.attributes[label], inner)
            for label, inner in interface.instances.items()
            if not inner.empty
        ]

    def walk(self) -> "Iterator[ProtocolClass]":
        """The interfaces within it, innermost first, and itself."""
        for inner in self.inner:
            yield from inner.walk()
        yield self


class Model:
    """The definitions of a module, in order, and its protocols: `imports` and `exports` are their roots."""

    __slots__ = ("_by_type", "component", "definitions", "exports", "has_wasi", "imports")

    def __init__(self, component: ComponentType, name: str, reserved: Iterable[str]) -> None:
        self.component = component
        self.has_wasi = any(map(is_wasi, component.imports))
        provided = [n for n, i in component.imports.items() if i.sort == "instance" and not is_wasi(n)]
        self.imports = ProtocolClass(IMPORTED, "", "imports", read_imports(component, provided))
        self.exports = ProtocolClass(EXPORTED, "", "", read_exports(component))
        self.imports.name, self.exports.name = IMPORTS, f"{name}_" if name in {*reserved, IMPORTS} else name
        self._by_type = _definitions(component)
        for root in (self.imports.interface, self.exports.interface):
            for interface in _interfaces(root):
                for resource in interface.resources:
                    self.definition(resource.type).resource = resource
        self.definitions = self._needed()
        self._name({*reserved, self.imports.name, self.exports.name})

    def definition(self, type: wit.WitType | wit.ResourceType) -> Definition:
        """The definition of a named type."""
        return self._by_type[_key(type)]

    def _needed(self) -> list[Definition]:
        todo: list[wit.WitType | wit.ResourceType] = []
        for root in (self.imports.interface, self.exports.interface):
            for interface in _interfaces(root):
                todo += [i.type for i in interface.types.values() if isinstance(i.type, NamedType)]
                for function in _functions(interface):
                    todo += [param.type for param in function.type.params]
                    todo += [] if function.type.result is None else [function.type.result]
        seen: set[int] = set()
        needed: set[Definition] = set()
        while todo:
            type = todo.pop()
            if id(type) not in seen:
                seen.add(id(type))
                todo += inner_types(type)
                if isinstance(type, NamedType):
                    needed.add(self.definition(type))
        return [definition for definition in dict.fromkeys(self._by_type.values()) if definition in needed]

    def _name(self, taken: set[str]) -> None:
        names = distinct({definition: self._spellings(definition) for definition in self.definitions}, taken)
        taken.update(names.values())
        for definition, name in names.items():
            definition.name = name
        for definition in self.definitions:
            labels: list[str] = []
            if isinstance(definition.type, wit.Variant):
                labels = [case.name for case in definition.type.cases]
            elif isinstance(definition.type, wit.Flags):
                labels = ["flag"]
            cases = {label: (definition.name + pascal(label),) for label in labels}
            definition.cases = list(distinct(cases, taken).values())
            taken.update(definition.cases)
        protocols = [p for root in (self.imports, self.exports) for p in root.walk() if p is not root]
        spellings = {p: _protocol_spellings(p) for p in protocols}
        for protocol, name in distinct(spellings, taken).items():
            protocol.name = name

    def _spellings(self, definition: Definition) -> list[str]:
        side, interface, label = definition.places[0]
        prefixes = interface_labels(interface.rpartition("#")[2]) if interface else [self.exports.name]
        own = pascal(interface_labels(label)[0])  # a type may have an interface's name
        plain = [own, *[pascal(prefix) + own for prefix in prefixes]]
        return [*plain, side + plain[-1]]


def _protocol_spellings(protocol: ProtocolClass) -> list[str]:
    labels = [pascal(label) for label in interface_labels(protocol.extern.rpartition("#")[2])]
    return [
        labels[0],
        f"{labels[0]}Interface",
        f"{protocol.side}{labels[0]}",
        *labels[1:],
        protocol.side + labels[-1],
    ]


def _key(type: wit.WitType | wit.ResourceType) -> int:
    return id(type.root if isinstance(type, Resource) else type)


def _definitions(component: ComponentType) -> dict[int, Definition]:
    """The definition of each named type, by the identity of its object."""
    found: dict[int, Definition] = {}
    renamed: dict[int, Definition] = {}
    equal: dict[tuple[str, NamedType], Definition] = {}
    for side, items in ((IMPORTED, component.imports), (EXPORTED, component.exports)):
        for interface, label, type in named_types(items):
            definition = found.get(_key(type)) or renamed.get(_parts(type)) or equal.get((label, type))
            if definition is None:
                definition = Definition(type)
            definition.places.append((side, interface, label))
            found[_key(type)] = definition
            renamed.setdefault(_parts(type), definition)
            equal.setdefault((label, type), definition)
    return found


def _parts(type: NamedType) -> int:
    """What a type and its other names have in common: the object that holds their parts."""
    match type:
        case wit.Record(parts) | wit.Variant(parts) | wit.Enum(parts) | wit.Flags(parts):
            return id(parts)
        case _:
            return _key(type)


def _interfaces(interface: Interface) -> Iterator[Interface]:
    for inner in interface.instances.values():
        yield from _interfaces(inner)
    yield interface


def _functions(interface: Interface) -> Iterator[Function]:
    yield from interface.functions
    for resource in interface.resources:
        yield from resource.functions


def inner_types(type: wit.WitType | wit.ResourceType) -> list[wit.WitType | wit.ResourceType]:
    """What a type refers to, one level deep."""
    inner: Iterable[wit.WitType | wit.ResourceType | None] = ()
    match type:
        case wit.Record(fields):
            inner = [field.type for field in fields]
        case wit.Variant(cases):
            inner = [case.type for case in cases]
        case wit.Tuple(types):
            inner = types
        case wit.List(element) | wit.Option(element) | wit.Stream(element) | wit.Future(element):
            inner = (element,)
        case wit.Result(ok, err):
            inner = (ok, err)
        case wit.Map(key, value):
            inner = (key, value)
        case wit.Own(resource) | wit.Borrow(resource):
            inner = (resource,)
    return [part for part in inner if part is not None]
