"""Which types have names outside, and what names demand of types.

Spec: component-model Explainer.md#external-visibility-of-types and Binary.md#import-and-export-definitions

A record, variant, enum or flags type, or a resource type, has a name if its object came in by an import or
went out by an export (see `pywrt.component.types`).
"""

from collections.abc import Iterator
from dataclasses import replace

from pywrt.component.types import AnyType, ComponentType, Extern, InstanceType, ModuleType, Resource
from pywrt.errors import InvalidError
from pywrt.wit import types as wit
from pywrt.wit.names import ExternName

#: Type objects that have a name, by identity (the values keep them alive).
Named = dict[int, AnyType]

#: Value types that are structural in every source language: they need no name.
_ANONYMOUS = (wit.List, wit.Tuple, wit.Option, wit.Result, wit.Stream, wit.Future, wit.Map)
_NOMINAL = (wit.Record, wit.Variant, wit.Enum, wit.Flags)


def rename(item: Extern) -> Extern:
    """`item`, an imported or exported type, as a new object that can have a name of its own."""
    type = item.type
    made: AnyType = type
    if isinstance(type, Resource):
        made = Resource(type.name, renamed=type)
    elif isinstance(type, wit.WitType):
        made = replace(type)
    named = item.like("type", made)
    named.renamed = item
    return named


def register(item: Extern, named: Named, also: Named | None) -> bool:
    """Whether all types that `item` refers to have names; adds to `named` what it gives a name to.

    `also` is what imports add to, too: imported types may be exported.
    """
    if item.sort == "type":
        if not _inner_named(item.type, named):
            return False
        named[id(item.type)] = item.type
        if also is not None:
            also[id(item.type)] = item.type
        return True
    if isinstance(item.type, InstanceType) and item.sort == "instance":
        return all(register(part, named, also) for part in item.type.exports.values())
    if item.sort == "value":
        return _named_in(item.type, named, set())  # type: ignore[arg-type]
    return item.sort != "func" or _inner_named(item.type, named)


def _inner_named(type: AnyType, named: Named) -> bool:
    """Whether the types within `type` have names; its own doesn't matter."""
    if isinstance(type, InstanceType):
        inside = dict(named)
        return all(register(part, inside, None) for part in type.exports.values())
    if isinstance(type, Resource | ComponentType | ModuleType):
        return True
    if isinstance(type, wit.Own | wit.Borrow):
        return _named_in(type, named, set())
    seen: set[int] = set()
    return all(_named_in(part, named, seen) for part in parts(type))


def _named_in(type: wit.WitType, named: Named, seen: set[int]) -> bool:
    if id(type) in seen:
        return True
    seen.add(id(type))
    if isinstance(type, wit.Own | wit.Borrow):
        return id(type.resource) in named
    if isinstance(type, _NOMINAL):
        return id(type) in named
    if isinstance(type, _ANONYMOUS):
        return all(_named_in(part, named, seen) for part in parts(type))
    return True


def parts(type: wit.WitType | wit.FuncType) -> Iterator[wit.WitType]:
    """The value types that `type` is made of, one level deep."""
    inner: tuple[wit.WitType | None, ...] = ()
    if isinstance(type, wit.Record):
        inner = tuple([f.type for f in type.fields])
    elif isinstance(type, wit.Variant):
        inner = tuple([c.type for c in type.cases])
    elif isinstance(type, wit.List):
        inner = (type.element,)
    elif isinstance(type, wit.Tuple):
        inner = type.types
    elif isinstance(type, wit.Option):
        inner = (type.type,)
    elif isinstance(type, wit.Result):
        inner = (type.ok, type.err)
    elif isinstance(type, wit.Stream | wit.Future):
        inner = (type.element,)
    elif isinstance(type, wit.Map):
        inner = (type.key, type.value)
    elif isinstance(type, wit.FuncType):
        inner = (*[p.type for p in type.params], type.result)
    return (part for part in inner if part is not None)


def check_annotated(name: ExternName, text: str, item: Extern, resources: dict[int, str]) -> None:
    """InvalidError unless a function that is named `[constructor]r` and so on has the type it must have.

    `resources` are the names that the scope's resource types have so far, by identity.
    """
    if name.kind not in ("constructor", "method", "static"):
        return
    if item.sort != "func" or not isinstance(item.type, wit.FuncType):
        raise InvalidError(f"{item.sort} `{text}` is not a func")
    type = item.type
    if name.kind == "static":
        if name.resource not in resources.values():
            raise InvalidError(f"static resource name is not known in this context: `{name.resource}`")
        return
    resource = _constructed(type) if name.kind == "constructor" else _receiver(type)
    known = resources.get(id(resource))
    if known is None:
        raise InvalidError(f"`{text}`: resource used in function does not have a name in this context")
    if known != name.resource:
        raise InvalidError(
            f"function does not match expected resource name `{known}`, its name says `{name.resource}`"
        )


def _constructed(type: wit.FuncType) -> wit.ResourceType:
    if type.result is None:
        raise InvalidError("function should return one value")
    result: wit.WitType | None = type.result
    if isinstance(result, wit.Result):
        result = result.ok
    if not isinstance(result, wit.Own):
        raise InvalidError("function should return `(own $T)` or `(result (own $T))`")
    return result.resource


def _receiver(type: wit.FuncType) -> wit.ResourceType:
    if not type.params:
        raise InvalidError("function should have at least one argument")
    if type.params[0].name != "self":
        raise InvalidError("function should have a first argument called `self`")
    first = type.params[0].type
    if not isinstance(first, wit.Borrow):
        raise InvalidError("function should take a first argument of `(borrow $T)`")
    return first.resource
