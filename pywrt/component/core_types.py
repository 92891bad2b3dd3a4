"""Decode core types and module types. Spec: component-model Binary.md#type-definitions, `core:type`

Strategy: what a group defines is closed at once (`pywrt.wasm.deftypes`), so that equal types are one object
wherever they were defined; the index spaces hold those objects. A module type has a space of its own.
"""

from collections.abc import Sequence
from typing import Any

from pywrt.component.elements import MAX_ITEMS, leading_byte
from pywrt.component.scope import Scope
from pywrt.component.types import CoreExternType, CoreTag, ModuleType
from pywrt.errors import InvalidError
from pywrt.wasm import types as core
from pywrt.wasm.binary.decoder import read_externtype
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.types import read_rec, read_subtype
from pywrt.wasm.deftypes import Closing, DefType, define_group
from pywrt.wasm.valid.subtyping import matches_comptype
from pywrt.wasm.valid.types import validate_externtype

#: The byte that begins a module type here, and a subtype that is not final in a module.
MODULE_FORM = 0x50
#: What precedes it for such a subtype.
SUB_PREFIX = 0x00


class _Defined(Sequence[DefType]):
    """The core type index space of a component as that of the types a definition may refer to."""

    __slots__ = ("space",)

    def __init__(self, space: Sequence[DefType | ModuleType]) -> None:
        self.space = space

    def __len__(self) -> int:
        return len(self.space)

    def __getitem__(self, index: Any) -> Any:
        type = self.space[index]
        if not isinstance(type, DefType):
            raise InvalidError(f"core type index {index} is a module type")
        return type


def read_core_type(reader: Reader, scope: Scope) -> None:
    """`core:type`: a module type, or a group of other types."""
    if reader.pos < reader.end and reader.data[reader.pos] == MODULE_FORM:
        reader.pos += 1
        scope.add("core type", _module_type(reader, scope))
    else:
        for type in _read_group(reader, scope, _Defined(scope.spaces["core type"])):
            scope.add("core type", type)


def _read_group(reader: Reader, scope: Scope, types: Sequence[DefType]) -> Sequence[DefType]:
    """The types that one `core:rectype` defines behind `types`."""
    # No component has descriptors: their clauses are checked by module only.
    features = scope.features - {"custom-descriptors"}
    if reader.pos < reader.end and reader.data[reader.pos] == SUB_PREFIX:
        reader.pos += 1
        if reader.pos < reader.end and reader.data[reader.pos] != MODULE_FORM:
            raise leading_byte(reader, reader.byte(), "non-final sub type")
    members = read_rec(reader, features, MAX_ITEMS)
    if members is None:
        members = [read_subtype(reader, features)]
    defined = define_group(members, types)
    for member, type in zip(members, defined, strict=True):
        if member.supers:
            _check_subtype(member, type)
    return defined


def _check_subtype(member: core.SubType, type: DefType) -> None:
    """Spec: core valid/types.html#sub-types"""
    if len(member.supers) > 1:
        raise InvalidError(f"sub type has {len(member.supers)} super types, at most one is allowed")
    above = type.supers[-2]
    if above.final:
        raise InvalidError(f"sub type has final super type {member.supers[0]}")
    if not matches_comptype(type.composite, above.composite):
        raise InvalidError(f"sub type does not match super type: {type} is not below {above}")


def _module_type(reader: Reader, scope: Scope) -> ModuleType:
    types: list[DefType] = []
    imports: dict[tuple[str, str], CoreExternType] = {}
    exports: dict[str, CoreExternType] = {}
    for _ in range(reader.count("declarations", MAX_ITEMS)):
        form = reader.byte()
        if form == 0x00:
            module, name = reader.name(), reader.name()
            if (module, name) in imports:
                raise InvalidError(f"duplicate import name `{module}:{name}`")
            imports[module, name] = _core_extern(reader, scope, types)
        elif form == 0x01:
            if reader.pos < reader.end and reader.data[reader.pos] == MODULE_FORM:
                raise InvalidError(
                    "invalid leading byte (0x50) for a type in a module type", offset=reader.pos
                )
            types.extend(_read_group(reader, scope, types))
        elif form == 0x02:
            types.append(_core_alias(reader, scope, types))
        elif form == 0x03:
            name = reader.name()
            if name in exports:
                raise InvalidError(f"export name `{name}` already defined")
            exports[name] = _core_extern(reader, scope, types)
        else:
            raise leading_byte(reader, form, "type definition")
    return ModuleType(imports, exports)


def _core_extern(reader: Reader, scope: Scope, types: list[DefType]) -> CoreExternType:
    """A core import's or export's type, closed."""
    try:
        # A type is asked for its composite type only, which a closed one has too.
        found, index = read_externtype(reader, types, scope.features)  # type: ignore[arg-type]
    except InvalidError as error:
        raise InvalidError(f"{error.message}: type index out of bounds", offset=error.offset) from None
    validate_externtype(found, scope.features)
    return closed_extern(found, index, types)


def closed_extern(type: core.ExternType, index: int, types: Sequence[DefType]) -> CoreExternType:
    """An external type of a module whose types are `types`; `index` is the type index in it, if any."""
    if isinstance(type, core.FuncType):
        return types[index]
    if isinstance(type, core.TagType):
        return CoreTag(types[index])
    if isinstance(type, core.TableType):
        return Closing(types).table(type)
    return Closing(types).global_(type) if isinstance(type, core.GlobalType) else type


def _core_alias(reader: Reader, scope: Scope, types: list[DefType]) -> DefType:
    kind = reader.byte()
    if kind != 0x10:
        raise leading_byte(reader, kind, "outer alias kind")
    target = reader.byte()
    if target != 0x01:
        raise leading_byte(reader, target, "outer alias target")
    count, index = reader.u32(), reader.u32()
    if count == 0:
        if index >= len(types):
            raise InvalidError(f"unknown type {index}: type index out of bounds")
        return types[index]
    found = scope.outer(count - 1).get("core type", index)
    if not isinstance(found, DefType):
        raise InvalidError(f"core type index {index} is a module type, which a module type cannot alias")
    return found
