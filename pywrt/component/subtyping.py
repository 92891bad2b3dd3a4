"""Substitution of resource types, and subtyping. Spec: component-model Explainer.md#type-checking.

Strategy: types bind resource variables (`InstanceType.bound`, `ComponentType.imported` and `exported`).
Using a type opens it: a substitution maps each variable to what was supplied for it, found by its path,
or to a fresh one. What is left is plain structural comparison, in which resources compare by identity.
Everything here recurses on the nesting of types, which is bounded when types are made.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pywrt.component.tables import MAX_WORK
from pywrt.component.types import (
    AnyType,
    Bound,
    ComponentType,
    CoreExternType,
    CoreTag,
    Extern,
    InstanceType,
    ModuleType,
    Path,
    Resource,
    kind_of,
)
from pywrt.errors import InvalidError
from pywrt.wasm import types as core
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.valid.subtyping import matches_reftype, matches_valtype
from pywrt.wit import types as wit

#: Steps that making a node anew counts as: it takes that much longer than a comparison, and memory.
SUBSTITUTION_WORK = 8


class Substitution:
    """What types are to be replaced with: resource types, and value types that have a name of their own.

    `memo` maps types that were met before to what became of them, by identity: one type stays one type, and
    a type that is used many times over is walked once. The caller keeps the types alive.
    """

    __slots__ = ("memo", "resources", "seeded")

    def __init__(self, resources: Mapping[Any, wit.ResourceType]) -> None:
        self.resources = resources
        self.memo: dict[int, Any] = {}
        self.seeded = False

    def supply(self, expected: Extern, actual: Extern) -> None:
        """Replace the value types that an import brings in with those that its argument has.

        So the instance's exports use the types' names outside. Spec: Binary.md#instance-definitions
        """
        if expected.sort == "type":
            self.memo[id(expected)] = actual
            if not isinstance(expected.type, Resource):
                self.memo[id(expected.type)] = actual.type
                self.seeded = True
        elif isinstance(expected.type, InstanceType) and isinstance(actual.type, InstanceType):
            for name, item in expected.type.exports.items():
                if item.sort in ("type", "instance"):
                    self.supply(item, actual.type.exports[name])


class Work:
    """Counts the type nodes that are substituted and compared for one file."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_WORK

    def charge(self, amount: int) -> None:
        """InvalidError when the file has used up what one file may use."""
        self.left -= amount
        if self.left < 0:
            raise InvalidError(
                f"checking the component's types takes more than the limit of {MAX_WORK} steps"
            )


class Mismatch(Exception):
    """Two types don't match; the message says how."""


# Substitution: the cases stand in the order of `pywrt.wit.types`


def substitute(type: wit.WitType, subst: Substitution) -> wit.WitType:
    """The value type with its resources replaced; the same object where nothing changes."""
    known: wit.WitType | None = subst.memo.get(id(type))
    if known is not None:
        return known
    rebuild = _REBUILD.get(type.__class__)
    if rebuild is None:
        return type
    made = rebuild(type, subst)
    subst.memo[id(type)] = made
    return made


def _optional(type: wit.WitType | None, subst: Substitution) -> wit.WitType | None:
    return None if type is None else substitute(type, subst)


def _record(type: wit.Record, subst: Substitution) -> wit.WitType:
    fields = [wit.Field(f.name, substitute(f.type, subst)) for f in type.fields]
    same = all(new.type is old.type for new, old in zip(fields, type.fields, strict=True))
    return type if same else wit.Record(tuple(fields))


def _variant(type: wit.Variant, subst: Substitution) -> wit.WitType:
    cases = [wit.Case(c.name, _optional(c.type, subst)) for c in type.cases]
    same = all(new.type is old.type for new, old in zip(cases, type.cases, strict=True))
    return type if same else wit.Variant(tuple(cases))


def _list(type: wit.List, subst: Substitution) -> wit.WitType:
    element = substitute(type.element, subst)
    return type if element is type.element else wit.List(element, type.length)


def _tuple(type: wit.Tuple, subst: Substitution) -> wit.WitType:
    types = [substitute(t, subst) for t in type.types]
    same = all(new is old for new, old in zip(types, type.types, strict=True))
    return type if same else wit.Tuple(tuple(types))


def _leaf(type: wit.Flags | wit.Enum, subst: Substitution) -> wit.WitType:
    return type


def _option(type: wit.Option, subst: Substitution) -> wit.WitType:
    some = substitute(type.type, subst)
    return type if some is type.type else wit.Option(some)


def _result(type: wit.Result, subst: Substitution) -> wit.WitType:
    ok, err = _optional(type.ok, subst), _optional(type.err, subst)
    return type if ok is type.ok and err is type.err else wit.Result(ok, err)


def _own(type: wit.Own, subst: Substitution) -> wit.WitType:
    new = subst.resources.get(type.resource)
    return type if new is None else wit.Own(new)


def _borrow(type: wit.Borrow, subst: Substitution) -> wit.WitType:
    new = subst.resources.get(type.resource)
    return type if new is None else wit.Borrow(new)


def _stream(type: wit.Stream, subst: Substitution) -> wit.WitType:
    element = _optional(type.element, subst)
    return type if element is type.element else wit.Stream(element)


def _future(type: wit.Future, subst: Substitution) -> wit.WitType:
    element = _optional(type.element, subst)
    return type if element is type.element else wit.Future(element)


def _map(type: wit.Map, subst: Substitution) -> wit.WitType:
    value = substitute(type.value, subst)  # a key holds no resource
    return type if value is type.value else wit.Map(type.key, value)


_REBUILD: dict[type, Callable[[Any, Substitution], wit.WitType]] = {
    wit.Record: _record,
    wit.Variant: _variant,
    wit.List: _list,
    wit.Tuple: _tuple,
    wit.Flags: _leaf,
    wit.Enum: _leaf,
    wit.Option: _option,
    wit.Result: _result,
    wit.Own: _own,
    wit.Borrow: _borrow,
    wit.Stream: _stream,
    wit.Future: _future,
    wit.Map: _map,
}


def substitute_func(type: wit.FuncType, subst: Substitution) -> wit.FuncType:
    """The function type with its resources replaced; the same object where nothing changes."""
    params = [wit.Field(p.name, substitute(p.type, subst)) for p in type.params]
    result = _optional(type.result, subst)
    if result is type.result and all(
        new.type is old.type for new, old in zip(params, type.params, strict=True)
    ):
        return type
    return wit.FuncType(tuple(params), result, type.is_async)


def substitute_extern(item: Extern, subst: Substitution) -> Extern:
    """`item` with its free resources, and the types that were supplied, replaced.

    The same object where nothing changes.
    """
    resources = subst.resources
    # Asked of the dictionary's keys, which look at the fewer of the two.
    if not subst.seeded and resources.keys().isdisjoint(item.free):
        return item
    known: Extern | None = subst.memo.get(id(item))
    if known is not None:
        return known
    type = item.type
    made: AnyType = type
    if isinstance(type, Resource):
        made = resources.get(type, type)  # type: ignore[assignment]
    elif isinstance(type, wit.FuncType):
        made = substitute_func(type, subst)
    elif isinstance(type, InstanceType):
        made = InstanceType(substitute_all(type.exports, subst), type.bound)
    elif isinstance(type, ComponentType):
        imports, exports = substitute_all(type.imports, subst), substitute_all(type.exports, subst)
        made = ComponentType(imports, exports, type.imported, type.exported)
    elif not isinstance(type, ModuleType):
        made = substitute(type, subst)
    result = item
    renamed: Extern | None = subst.memo.get(id(item.renamed), item.renamed)
    if made is not type or renamed is not item.renamed:
        result = item.like(item.sort, made, frozenset([resources.get(r, r) for r in item.free]))  # type: ignore[misc]
        result.renamed = renamed
    subst.memo[id(item)] = result
    return result


def substitute_all(items: Mapping[str, Extern], subst: Substitution) -> dict[str, Extern]:
    """Each of `items` with what `substitute_extern` replaces replaced."""
    return {name: substitute_extern(item, subst) for name, item in items.items()}


def freshen(bound: Iterable[Bound]) -> tuple[dict[Resource, Resource], tuple[Bound, ...]]:
    """A fresh resource type for each bound variable: as a substitution, and with the paths."""
    subst = {variable: Resource(variable.name) for variable, _ in bound}
    return subst, tuple([(subst[variable], path) for variable, path in bound])


def open_instance(type: InstanceType, work: Work) -> tuple[InstanceType, tuple[Bound, ...]]:
    """The type of one instance: its bound variables replaced with the fresh ones that are returned."""
    if not type.bound:
        return type, ()
    work.charge(SUBSTITUTION_WORK * sum([item.size for item in type.exports.values()]))
    subst, fresh = freshen(type.bound)
    return InstanceType(substitute_all(type.exports, Substitution(subst))), fresh


# Subtyping


def instantiate_type(
    type: ComponentType, args: Mapping[str, Extern], work: Work
) -> tuple[InstanceType, tuple[Bound, ...]]:
    """The type of an instance of a component that is given `args`, and its fresh resources with their paths.

    Mismatch says which import is missing or doesn't fit. Spec: Binary.md#instance-definitions
    """
    for name in type.imports:
        if name not in args:
            raise Mismatch(f"missing import named `{name}`")
    resources = bind(type.imported, args)
    subst = Substitution(resources)
    for name, expected in type.imports.items():
        work.charge(expected.size)
        try:
            match(args[name], substitute_extern(expected, subst), work)
        except Mismatch as error:
            raise Mismatch(f"type mismatch for import `{name}`: {error}") from None
    work.charge(SUBSTITUTION_WORK * sum([item.size for item in type.exports.values()]))
    fresh_resources, fresh = freshen(type.exported)
    subst = Substitution({**resources, **fresh_resources})
    for name, expected in type.imports.items():
        subst.supply(expected, args[name])
    return InstanceType(substitute_all(type.exports, subst)), fresh


def bind(variables: Iterable[Bound], args: Mapping[str, Extern]) -> dict[Resource, Resource]:
    """What `args` supply for each resource variable."""
    return {variable: _find_resource(path, args) for variable, path in variables}


def _find_resource(path: Path, args: Mapping[str, Extern]) -> Resource:
    exports = args
    for i, name in enumerate(path):
        item = exports.get(name)
        if item is None:
            raise Mismatch(f"missing expected export `{name}`")
        if i + 1 < len(path):
            if item.sort != "instance" or not isinstance(item.type, InstanceType):
                raise Mismatch(f"expected instance, found {item.sort}")
            exports = item.type.exports
        elif item.sort != "type":
            raise Mismatch(f"expected type, found {item.sort}")
        elif isinstance(item.type, Resource):
            return item.type
        else:
            raise Mismatch(f"expected resource, found {_sort_of_type(item)}")
    raise Mismatch("expected resource, found nothing")


def match(actual: Extern, expected: Extern, work: Work) -> None:
    """Mismatch unless `actual` is a subtype of `expected`."""
    work.charge(min(actual.size, expected.size))
    if actual.sort != expected.sort:
        raise Mismatch(f"expected {_sort(expected)}, found {_sort(actual)}")
    if actual is expected:
        return
    if expected.sort == "type":
        match_type(actual, expected, work)
    else:
        _MATCH[expected.sort](actual.type, expected.type, work)


def _sort(item: Extern) -> str:
    return "module" if item.sort == "core module" else item.sort


def _sort_of_type(item: Extern) -> str:
    """What a type defines, for messages."""
    kind = kind_of(item.type)
    return kind if kind in ("resource", "func", "instance", "component") else "defined type"


def match_type(actual: Extern, expected: Extern, work: Work) -> None:
    """The `eq` bound: two type definitions are equal, which is, each a subtype of the other."""
    have, want = _sort_of_type(actual), _sort_of_type(expected)
    if have != want:
        raise Mismatch(f"expected {want}, found {have}")
    a, b = actual.type, expected.type
    if isinstance(a, Resource) and isinstance(b, Resource):
        _same_resource(a, b)
    elif want in ("func", "instance", "component"):
        _MATCH[want](a, b, work)
        if want != "func":
            _MATCH[want](b, a, work)
    elif isinstance(b, wit.Primitive) and not isinstance(a, wit.Primitive):
        raise Mismatch(f"expected primitive, found {kind_of(a)}")
    else:
        same_value(a, b)  # type: ignore[arg-type]


def _same_resource(a: wit.ResourceType, b: wit.ResourceType) -> None:
    if a != b:
        raise Mismatch(f"resource types are not the same: `{a.name}` is not `{b.name}`")


def match_instance(actual: InstanceType, expected: InstanceType, work: Work) -> None:
    """An instance may export more than is expected."""
    subst = bind(expected.bound, actual.exports)
    _match_exports(actual.exports, expected.exports, subst, work, "instance export")


def _match_exports(
    actual: Mapping[str, Extern],
    expected: Mapping[str, Extern],
    resources: Mapping[Resource, Resource],
    work: Work,
    what: str,
) -> None:
    subst = Substitution(resources)
    for name, item in expected.items():
        if name not in actual:
            raise Mismatch(f"missing expected export `{name}`")
        try:
            match(actual[name], substitute_extern(item, subst), work)
        except Mismatch as error:
            raise Mismatch(f"type mismatch in {what} `{name}`: {error}") from None


def match_component(actual: ComponentType, expected: ComponentType, work: Work) -> None:
    """A component may import less and export more: it is instantiated with what `expected` imports."""
    for name in actual.imports:
        if name not in expected.imports:
            raise Mismatch(f"missing expected import `{name}`")
    instance, _ = instantiate_type(actual, expected.imports, work)
    subst = bind(expected.exported, instance.exports)
    _match_exports(instance.exports, expected.exports, subst, work, "component export")


def match_module(actual: ModuleType, expected: ModuleType, work: Work) -> None:
    """A module may import less and export more. Spec of the items: core valid/matching.html"""
    work.charge(len(actual.imports) + len(expected.exports))
    for (module, name), needed in actual.imports.items():
        given = expected.imports.get((module, name))
        if given is None:
            raise Mismatch(f"missing expected import `{module}::{name}`")
        try:
            match_core(given, needed)
        except Mismatch as error:
            raise Mismatch(f"type mismatch in import `{module}::{name}`: {error}") from None
    for name, wanted in expected.exports.items():
        offered = actual.exports.get(name)
        if offered is None:
            raise Mismatch(f"missing expected export `{name}`")
        try:
            match_core(offered, wanted)
        except Mismatch as error:
            raise Mismatch(f"type mismatch in export `{name}`: {error}") from None


def match_core(actual: CoreExternType, expected: CoreExternType) -> None:
    """Mismatch unless a core definition of type `actual` may be imported as `expected`."""
    if actual.kind != expected.kind:
        raise Mismatch(f"expected {expected.kind}, found {actual.kind}")
    _MATCH_CORE[expected.kind](actual, expected)


def _match_core_func(actual: DefType, expected: DefType) -> None:
    if not actual.is_subtype(expected):
        raise Mismatch(f"expected: {func_text(expected.func)}, found: {func_text(actual.func)}")


def _match_global(actual: core.GlobalType, expected: core.GlobalType) -> None:
    if actual.mutable is not expected.mutable:
        raise Mismatch(f"mismatch in mutability of a global: expected {expected}, found {actual}")
    if not matches_valtype(actual.value, expected.value) or (
        expected.mutable and not matches_valtype(expected.value, actual.value)
    ):
        raise Mismatch(f"expected global type {expected.value}, found {actual.value}")


def _match_table(actual: core.TableType, expected: core.TableType) -> None:
    have, want = actual.element, expected.element
    if not matches_reftype(have, want) or not matches_reftype(want, have):
        raise Mismatch(f"expected table element type {want}, found {have}")
    if actual.address is not expected.address:
        raise Mismatch(f"mismatch in index type used for tables: expected {expected}, found {actual}")
    if not actual.limits.matches(expected.limits):
        raise Mismatch(f"mismatch in table limits: expected {expected.limits}, found {actual.limits}")


def _match_tag(actual: CoreTag, expected: CoreTag) -> None:
    if actual.deftype is not expected.deftype:
        raise Mismatch(f"mismatch in tags: expected {expected}, found {actual}")


def _match_memory(actual: core.MemoryType, expected: core.MemoryType) -> None:
    if actual.shared is not expected.shared:
        raise Mismatch(f"mismatch in the shared flag for memories: expected {expected}, found {actual}")
    if actual.address is not expected.address:
        raise Mismatch(f"mismatch in index type used for memories: expected {expected}, found {actual}")
    if actual.page_size != expected.page_size:
        raise Mismatch(f"mismatch in page size for memories: expected {expected}, found {actual}")
    if not actual.limits.matches(expected.limits):
        raise Mismatch(f"mismatch in memory limits: expected {expected.limits}, found {actual.limits}")


_MATCH_CORE: dict[str, Callable[[Any, Any], None]] = {
    "func": _match_core_func,
    "table": _match_table,
    "memory": _match_memory,
    "global": _match_global,
    "tag": _match_tag,
}


def func_text(type: core.FuncType) -> str:
    """A core function type in the text format, as the suite's messages have it."""
    params = f" (param {' '.join(map(str, type.params))})" if type.params else ""
    results = f" (result {' '.join(map(str, type.results))})" if type.results else ""
    return f"(func{params}{results})"


def match_func(actual: wit.FuncType, expected: wit.FuncType, work: Work | None = None) -> None:
    """Function types match exactly, names of parameters too."""
    if actual.is_async != expected.is_async:
        raise Mismatch(f"expected {'async' if expected.is_async else 'sync'} func")
    if len(actual.params) != len(expected.params):
        raise Mismatch(f"expected {len(expected.params)} parameters, found {len(actual.params)}")
    memo: set[tuple[int, int]] = set()
    for have, want in zip(actual.params, expected.params, strict=True):
        if have.name != want.name:
            raise Mismatch(f"expected parameter named `{want.name}`, found `{have.name}`")
        _inside(have.type, want.type, f"type mismatch in function parameter `{have.name}`", memo)
    if actual.result is None and expected.result is None:
        return
    if actual.result is None:
        raise Mismatch("type mismatch with result type: expected a result, found none")
    if expected.result is None:
        raise Mismatch("type mismatch with result type: on one side only: expected a result, found none")
    _inside(actual.result, expected.result, "type mismatch with result type", memo)


_MATCH: dict[str, Callable[[Any, Any, Work], None]] = {
    "func": match_func,
    "value": lambda actual, expected, work: same_value(actual, expected),
    "instance": match_instance,
    "component": match_component,
    "core module": match_module,
}


# Equality of value types, with a message that says where they differ


def same_value(a: wit.WitType, b: wit.WitType, memo: set[tuple[int, int]] | None = None) -> None:
    """Mismatch unless value type `a` (the actual one) equals `b` (the expected one).

    `memo` holds pairs that are equal, so that types which share parts are compared once.
    """
    if a is b:
        return
    if isinstance(a, wit.Primitive) and isinstance(b, wit.Primitive):
        if a != b:
            raise Mismatch(f"expected primitive `{b}` found primitive `{a}`")
        return
    if a.__class__ is not b.__class__:
        raise Mismatch(f"expected {kind_of(b)}, found {kind_of(a)}")
    memo = set() if memo is None else memo
    if (id(a), id(b)) not in memo:
        _SAME[a.__class__](a, b, memo)
        memo.add((id(a), id(b)))


def _inside(a: wit.WitType, b: wit.WitType, where: str, memo: set[tuple[int, int]]) -> None:
    try:
        same_value(a, b, memo)
    except Mismatch as error:
        raise Mismatch(f"{where}: {error}") from None


def _same_record(a: wit.Record, b: wit.Record, memo: set[tuple[int, int]]) -> None:
    if len(a.fields) != len(b.fields):
        raise Mismatch(f"expected {len(b.fields)} fields, found {len(a.fields)}")
    for have, want in zip(a.fields, b.fields, strict=True):
        if have.name != want.name:
            raise Mismatch(f"expected field name `{want.name}`, found `{have.name}`")
        _inside(have.type, want.type, f"type mismatch in record field `{have.name}`", memo)


def _same_variant(a: wit.Variant, b: wit.Variant, memo: set[tuple[int, int]]) -> None:
    if len(a.cases) != len(b.cases):
        raise Mismatch(f"expected {len(b.cases)} cases, found {len(a.cases)}")
    for have, want in zip(a.cases, b.cases, strict=True):
        if have.name != want.name:
            raise Mismatch(f"expected case named `{want.name}`, found `{have.name}`")
        if have.type is not None and want.type is not None:
            _inside(have.type, want.type, f"type mismatch in variant case `{have.name}`", memo)
        elif want.type is not None:
            raise Mismatch(f"expected case `{have.name}` to have a type, found none")
        elif have.type is not None:
            raise Mismatch(f"expected case `{have.name}` to have no type")


def _same_list(a: wit.List, b: wit.List, memo: set[tuple[int, int]]) -> None:
    if a.length != b.length:
        raise Mismatch(f"expected {b}, found {a}")
    _inside(a.element, b.element, "type mismatch in list element", memo)


def _same_tuple(a: wit.Tuple, b: wit.Tuple, memo: set[tuple[int, int]]) -> None:
    if len(a.types) != len(b.types):
        raise Mismatch(f"expected {len(b.types)} types, found {len(a.types)}")
    for i, (have, want) in enumerate(zip(a.types, b.types, strict=True)):
        _inside(have, want, f"type mismatch in tuple field {i}", memo)


def _same_flags(a: wit.Flags, b: wit.Flags, memo: set[tuple[int, int]]) -> None:
    if a.names != b.names:
        raise Mismatch(f"mismatch in flags elements: expected {b}, found {a}")


def _same_enum(a: wit.Enum, b: wit.Enum, memo: set[tuple[int, int]]) -> None:
    if a.names != b.names:
        raise Mismatch(f"mismatch in enum elements: expected {b}, found {a}")


def _same_option(a: wit.Option, b: wit.Option, memo: set[tuple[int, int]]) -> None:
    _inside(a.type, b.type, "type mismatch in option", memo)


def _same_result(a: wit.Result, b: wit.Result, memo: set[tuple[int, int]]) -> None:
    for name, have, want in (("ok", a.ok, b.ok), ("err", a.err, b.err)):
        if have is not None and want is not None:
            _inside(have, want, f"type mismatch in {name} variant", memo)
        elif want is not None:
            raise Mismatch(f"expected {name} type, but found none")
        elif have is not None:
            raise Mismatch(f"expected {name} type to not be present")


def _same_handle(a: wit.Own | wit.Borrow, b: wit.Own | wit.Borrow, memo: set[tuple[int, int]]) -> None:
    _same_resource(a.resource, b.resource)


def _same_payload(a: wit.Stream | wit.Future, b: wit.Stream | wit.Future, memo: set[tuple[int, int]]) -> None:
    kind = kind_of(b)
    if a.element is not None and b.element is not None:
        _inside(a.element, b.element, f"type mismatch in {kind}", memo)
    elif b.element is not None:
        raise Mismatch(f"expected {kind} type, but found none")
    elif a.element is not None:
        raise Mismatch(f"expected {kind} type to not be present")


def _same_map(a: wit.Map, b: wit.Map, memo: set[tuple[int, int]]) -> None:
    _inside(a.key, b.key, "type mismatch in map key", memo)
    _inside(a.value, b.value, "type mismatch in map value", memo)


_SAME: dict[type, Callable[[Any, Any, set[tuple[int, int]]], None]] = {
    wit.Record: _same_record,
    wit.Variant: _same_variant,
    wit.List: _same_list,
    wit.Tuple: _same_tuple,
    wit.Flags: _same_flags,
    wit.Enum: _same_enum,
    wit.Option: _same_option,
    wit.Result: _same_result,
    wit.Own: _same_handle,
    wit.Borrow: _same_handle,
    wit.Stream: _same_payload,
    wit.Future: _same_payload,
    wit.Map: _same_map,
}
