"""Types of components back to the binary format. Spec: component-model Binary.md#type-definitions

Strategy: a type is an object (see `pywrt.component.types`), and an `Encoder` knows the index that each has in
its scope. What is not there is brought in: by an outer alias if an enclosing scope has it, by an alias of an
instance's export if one is known to be it, and else by writing the definition. So types that have names keep
them, and those that are other names of an imported one stay that.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pywrt.component.tables import PRIMITIVES
from pywrt.component.text.encoding import (
    ALIAS,
    EXPORT,
    IMPORT,
    SORT_BYTES,
    TYPE,
    name_bytes,
    vector,
)
from pywrt.component.text.scope import COMPONENT_KIND, COMPONENT_TYPE, INSTANCE_TYPE, Scope
from pywrt.component.types import ComponentType, Extern, InstanceType, Resource
from pywrt.errors import InvalidError
from pywrt.wasm.text.instructions import signed, unsigned
from pywrt.wit import types as wit

_PRIMITIVE_BYTES = {type: bytes((code,)) for code, (type, _) in PRIMITIVES.items()} | {
    wit.ERROR_CONTEXT: b"\x64"
}


#: What a type is known by: the identity of what has it, or its own; of a resource type, also its root.
_Key = int | Resource


def _keys(item: Extern) -> list[_Key]:
    keys: list[_Key] = [id(item), id(item.type)]
    return [*keys, item.type] if isinstance(item.type, Resource) else keys


class Encoder:
    """A component or type that is being written, and the types that it knows.

    `types` are their indices. Of what is in `exported`, only an instance that exports it is known, and the
    name there. Who uses an encoder keeps the types alive.
    """

    __slots__ = ("exported", "parent", "scope", "types")

    def __init__(self, kind: str = COMPONENT_KIND, parent: "Encoder | None" = None) -> None:
        self.scope = Scope(kind, None, None)
        self.parent = parent
        self.types: dict[_Key, int] = {}
        self.exported: dict[_Key, tuple[int, str]] = {}

    # Definitions

    def define(self, section: int, sort: str, content: bytes) -> int:
        """Append a definition; its index among those of `sort`."""
        self.scope.define(section, content)
        space = self.scope.space(sort)
        space.count += 1
        return space.count - 1

    def alias_export(self, sort: str, instance: int, name: str) -> int:
        """Define an alias of an instance's export."""
        return self.define(ALIAS, sort, SORT_BYTES[sort] + b"\x00" + unsigned(instance) + name_bytes(name))

    def import_(self, name: str, items: Sequence[Extern]) -> int:
        """Define an import. If it is said in several ways, an instance has what each of `items` has."""
        return self._extern(IMPORT, name, items)

    def declare_export(self, name: str, item: Extern) -> int:
        """Declare an export, of a type."""
        return self._extern(EXPORT, name, [item])

    def export(self, name: str, sort: str, index: int, ascribed: bytes | None = None) -> int:
        """Define an export; `ascribed` is what `extern_type` gives."""
        tail = b"\x00" if ascribed is None else b"\x01" + ascribed
        return self.define(
            EXPORT, sort, b"\x00" + name_bytes(name) + SORT_BYTES[sort] + unsigned(index) + tail
        )

    def _extern(self, section: int, name: str, items: Sequence[Extern]) -> int:
        sort = items[0].sort
        if sort == "core module":
            raise InvalidError(f"`{name}` is a core module, whose type can't be written")
        type = self._bound(items[0]) if sort == "type" else self.extern_type(*items)
        index = self.define(section, sort, b"\x00" + name_bytes(name) + type)
        for item in items:
            if sort == "type":
                self.learn(item, index)
            elif sort == "instance":
                self.learn_exports(item, index)
        return index

    def learn(self, item: Extern, index: int) -> None:
        """Note that `item` is what type `index` is."""
        for key in _keys(item):
            self.types.setdefault(key, index)

    def learn_exports(self, item: Extern, instance: int) -> None:
        """Note that the types that `item`, an instance, exports are those of `instance`."""
        assert isinstance(item.type, InstanceType)
        for name, export in item.type.exports.items():
            if export.sort == "type":
                for key in _keys(export):
                    self.exported.setdefault(key, (instance, name))

    # External types

    def extern_type(self, item: Extern, *others: Extern) -> bytes:
        """`externtype` of something that isn't a type; an instance has what each of them has."""
        if item.sort == "func":
            return b"\x01" + unsigned(self.index(item.type))
        if item.sort == "instance":
            return b"\x05" + unsigned(self._instance_type([item.type, *[other.type for other in others]]))
        assert isinstance(item.type, ComponentType)
        return b"\x04" + unsigned(self._component_type(item.type))

    def _bound(self, item: Extern) -> bytes:
        """`externtype` of a type: another name of one that is known, or a new one."""
        known = None if item.renamed is None else self._known(_keys(item.renamed))
        if isinstance(item.type, Resource):
            known = self._known(_keys(item)) if known is None else known
            return b"\x03\x01" if known is None else b"\x03\x00" + unsigned(known)
        return b"\x03\x00" + unsigned(self._definition(item.type) if known is None else known)

    def _instance_type(self, types: Sequence[Any]) -> int:
        """Where two of `types` have the same name, the first counts."""
        inner = Encoder(INSTANCE_TYPE, self)
        indices: dict[str, int] = {}
        for type in types:
            for name, item in type.exports.items():
                if name not in indices:
                    indices[name] = inner.declare_export(name, item)
                elif item.sort == "type":
                    inner.learn(item, indices[name])
        return self.define(TYPE, "type", b"\x42" + inner.scope.declarators())

    def _component_type(self, type: ComponentType) -> int:
        inner = Encoder(COMPONENT_TYPE, self)
        for name, item in type.imports.items():
            inner.import_(name, [item])
        for name, item in type.exports.items():
            inner.declare_export(name, item)
        return self.define(TYPE, "type", b"\x41" + inner.scope.declarators())

    # Types

    def _known(self, keys: Sequence[_Key]) -> int | None:
        """The index of a type that is known here or further out by one of `keys`; None if it is new."""
        for key in keys:
            index = self.types.get(key)
            if index is None and key in self.exported:
                index = self.types[key] = self.alias_export("type", *self.exported[key])
            if index is None and self.parent is not None:
                outer = self.parent._known([key])
                if outer is not None:
                    index = self.types[key] = self._alias_outer(outer)
            if index is not None:
                return index
        return None

    def _alias_outer(self, index: int) -> int:
        content = SORT_BYTES["type"] + b"\x02" + unsigned(1) + unsigned(index)
        return self.define(ALIAS, "type", content)

    def index(self, type: Any) -> int:
        """The index of a value, function or resource type; it is defined if it is new."""
        known = self._known([id(type), type] if isinstance(type, Resource) else [id(type)])
        if known is not None:
            return known
        if isinstance(type, Resource):
            raise InvalidError(f"the resource type `{type.name}` is not known here")
        index = self.types[id(type)] = self._definition(type)
        return index

    def _definition(self, type: Any) -> int:
        """Define a type. Recurses to the nesting of types."""
        encode = _DEFINITIONS.get(type.__class__)
        if encode is None:
            raise InvalidError(f"the type of a {type} can't be written as a definition")
        return self.define(TYPE, "type", encode(self, type))

    def value(self, type: wit.WitType) -> bytes:
        """`valtype`"""
        if isinstance(type, wit.Primitive) and self._known([id(type)]) is None:
            return _PRIMITIVE_BYTES[type]
        return signed(self.index(type))

    def optional(self, type: wit.WitType | None) -> bytes:
        """`valtype?`"""
        return b"\x00" if type is None else b"\x01" + self.value(type)


# Definitions of types, in the order of the specification


def _record(encoder: Encoder, type: wit.Record) -> bytes:
    return b"\x72" + vector([name_bytes(f.name) + encoder.value(f.type) for f in type.fields])


def _variant(encoder: Encoder, type: wit.Variant) -> bytes:
    return b"\x71" + vector([name_bytes(c.name) + encoder.optional(c.type) + b"\x00" for c in type.cases])


def _list(encoder: Encoder, type: wit.List) -> bytes:
    if type.length is None:
        return b"\x70" + encoder.value(type.element)
    return b"\x67" + encoder.value(type.element) + unsigned(type.length)


def _tuple(encoder: Encoder, type: wit.Tuple) -> bytes:
    return b"\x6f" + vector([encoder.value(part) for part in type.types])


def _flags(encoder: Encoder, type: wit.Flags) -> bytes:
    return b"\x6e" + vector([name_bytes(label) for label in type.names])


def _enum(encoder: Encoder, type: wit.Enum) -> bytes:
    return b"\x6d" + vector([name_bytes(label) for label in type.names])


def _option(encoder: Encoder, type: wit.Option) -> bytes:
    return b"\x6b" + encoder.value(type.type)


def _result(encoder: Encoder, type: wit.Result) -> bytes:
    return b"\x6a" + encoder.optional(type.ok) + encoder.optional(type.err)


def _own(encoder: Encoder, type: wit.Own) -> bytes:
    return b"\x69" + unsigned(encoder.index(type.resource))


def _borrow(encoder: Encoder, type: wit.Borrow) -> bytes:
    return b"\x68" + unsigned(encoder.index(type.resource))


def _stream(encoder: Encoder, type: wit.Stream) -> bytes:
    return b"\x66" + encoder.optional(type.element)


def _future(encoder: Encoder, type: wit.Future) -> bytes:
    return b"\x65" + encoder.optional(type.element)


def _map(encoder: Encoder, type: wit.Map) -> bytes:
    return b"\x63" + encoder.value(type.key) + encoder.value(type.value)


def _primitive(encoder: Encoder, type: wit.Primitive) -> bytes:
    return _PRIMITIVE_BYTES[type]


def _func(encoder: Encoder, type: wit.FuncType) -> bytes:
    code = b"\x43" if type.is_async else b"\x40"
    params = vector([name_bytes(p.name) + encoder.value(p.type) for p in type.params])
    return code + params + (b"\x01\x00" if type.result is None else b"\x00" + encoder.value(type.result))


_DEFINITIONS: dict[type, Callable[[Encoder, Any], bytes]] = {
    wit.Record: _record,
    wit.Variant: _variant,
    wit.List: _list,
    wit.Tuple: _tuple,
    wit.Flags: _flags,
    wit.Enum: _enum,
    wit.Option: _option,
    wit.Result: _result,
    wit.Own: _own,
    wit.Borrow: _borrow,
    wit.Stream: _stream,
    wit.Future: _future,
    wit.Map: _map,
    wit.Primitive: _primitive,
    wit.FuncType: _func,
}
