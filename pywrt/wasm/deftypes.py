"""Defined types, closed and canonical: equal types are one object. Spec: valid/conventions.html#types

Strategy: a recursive group is looked up by a key in which a reference to a member of the group is its
place in it, and one to a type outside is that type's object; so a key never goes deeper than one group,
and equality of types (iso-recursive: of groups, member by member) is identity of objects. The table of
groups is weak: a group lives as long as somebody holds one of its types.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from pywrt.errors import InvalidError
from pywrt.wasm.types import (
    ArrayType,
    CompositeType,
    FieldType,
    FuncType,
    GlobalType,
    HeapType,
    RefType,
    StructType,
    SubType,
    TableType,
    TagType,
    ValType,
    ref_type,
)

#: Supertypes above each other, as other engines have it. Spec: appendix/implementation.html
MAX_DEPTH = 63


class RecGroup:
    """A recursive group: `types` are its members."""

    __slots__ = ("__weakref__", "types")

    def __init__(self) -> None:
        self.types: tuple[DefType, ...] = ()


class DefType:
    """A defined type: `composite` is closed, `supers` are its supertypes from the top down, itself last.

    `describes` and `descriptor` are the types that the custom-descriptors proposal links it to, or None.
    """

    __slots__ = ("composite", "describes", "descriptor", "final", "group", "references", "supers")

    composite: CompositeType

    def __init__(self, group: RecGroup, final: bool) -> None:
        self.group = group  # keeps the group, and so its entry in the table, alive
        self.final = final
        self.supers: tuple[DefType, ...] = ()
        self.describes: DefType | None = None
        self.descriptor: DefType | None = None
        self.references: dict[tuple[bool, bool], RefType] = {}  # `ref_type` of it by (nullable, exact)

    @property
    def kind(self) -> str:
        """func, struct or array."""
        return self.composite.kind

    @property
    def func(self) -> FuncType:
        """The function type that this is."""
        assert isinstance(self.composite, FuncType)
        return self.composite

    def is_subtype(self, other: "DefType") -> bool:
        """Whether this is `other`, or declared below it. Spec: valid/matching.html#defined-types"""
        if self is other:
            return True
        depth = len(other.supers)
        return depth < len(self.supers) and self.supers[depth - 1] is other

    def __repr__(self) -> str:
        # members may refer to this type: name them by their kind only
        if isinstance(self.composite, ArrayType):
            return f"(array {_shown(self.composite.element.storage)})"
        if isinstance(self.composite, StructType):
            return f"(struct {' '.join([_shown(f.storage) for f in self.composite.fields[:16]])})"
        params = " ".join(map(_shown, self.func.params))
        return f"(func [{params}] -> [{' '.join(map(_shown, self.func.results))}])"


def _shown(valtype: ValType) -> str:
    if isinstance(valtype, RefType) and isinstance(valtype.heap, DefType):
        return f"(ref {'null ' if valtype.nullable else ''}{valtype.heap.kind})"
    return valtype.name


_groups: WeakValueDictionary[Any, RecGroup] = WeakValueDictionary()
_lock = Lock()

#: Says what a type index stands for.
Resolve = Callable[[int], Any]


def define_types(subtypes: Sequence[SubType], groups: Sequence[tuple[int, int]] = ()) -> list[DefType]:
    """The types that a module defines; `groups` are (first index, size) of its explicit groups in order.

    InvalidError for an index that is not defined there yet, or a supertype that doesn't come before.
    """
    types: list[DefType] = []
    for first, size in groups:
        _define_alone(subtypes[len(types) : first], types)
        types.extend(define_group(subtypes[first : first + size], types))
    _define_alone(subtypes[len(types) :], types)
    return types


def _define_alone(subtypes: Sequence[SubType], types: list[DefType]) -> None:
    """Add types that are each a group of their own."""
    for subtype in subtypes:
        types.extend(define_group((subtype,), types))


def define_group(members: Sequence[SubType], types: Sequence[DefType]) -> Sequence[DefType]:
    """The types of one group, behind `types`, which its members may refer to beside each other."""
    first = len(types)

    def place(index: int) -> Any:
        if index < first:
            return types[index]
        if index >= first + len(members):
            raise InvalidError(f"unknown type {index}: recursive group ends before it")
        return index - first

    key = tuple([_key_of(member, place) for member in members])
    with _lock:
        group = _groups.get(key)
        if group is None:
            group = RecGroup()
            _fill(group, members, types)
            _groups[key] = group
    return group.types


def define_func(functype: FuncType) -> DefType:
    """The defined type that a closed function type alone stands for: final, without a supertype."""
    return define_group((SubType(functype),), ())[0]


def _key_of(member: SubType, place: Resolve) -> Any:
    links = [None if i is None else place(i) for i in (member.describes, member.descriptor)]
    supers = tuple([place(i) for i in member.supers])
    return member.final, supers, *links, member.composite.kind, *_parts(member.composite, place)


def _parts(composite: CompositeType, place: Resolve) -> tuple[Any, ...]:
    """A composite type's contents as a key."""
    if isinstance(composite, FuncType):
        return tuple([_part(t, place) for t in composite.params]), tuple(
            [_part(t, place) for t in composite.results]
        )
    fields = composite.fields if isinstance(composite, StructType) else (composite.element,)
    return tuple([(_part(f.storage, place), f.mutable) for f in fields])


def _part(valtype: ValType, place: Resolve) -> Any:
    if isinstance(valtype, RefType) and isinstance(valtype.heap, int):
        return place(valtype.heap), valtype.nullable, valtype.exact
    return valtype


def _fill(group: RecGroup, members: Sequence[SubType], types: Sequence[DefType]) -> None:
    """Make the types of a new group."""
    first = len(types)
    made = [DefType(group, member.final) for member in members]

    def close(heap: HeapType) -> HeapType:
        if isinstance(heap, int):
            return types[heap] if heap < first else made[heap - first]
        return heap

    def defined(index: int | None) -> DefType | None:
        return None if index is None else types[index] if index < first else made[index - first]

    for index, (new, member) in enumerate(zip(made, members, strict=True), first):
        new.composite = _closed(member.composite, close)
        new.describes, new.descriptor = defined(member.describes), defined(member.descriptor)
        above: tuple[DefType, ...] = ()
        for number in member.supers[:1]:
            if number >= index:
                raise InvalidError(f"unknown type {number}: a supertype of type {index} must come before it")
            supertype = defined(number)
            assert supertype is not None
            above = supertype.supers
            if len(above) > MAX_DEPTH:
                raise InvalidError(
                    f"sub type hierarchy too deep: type {index} has more than {MAX_DEPTH} above it"
                )
        new.supers = (*above, new)
    group.types = tuple(made)


def _closed(composite: CompositeType, close: Callable[[HeapType], HeapType]) -> CompositeType:
    def value(t: ValType) -> ValType:
        return closed_valtype(t, close)

    if isinstance(composite, FuncType):
        return FuncType(tuple(map(value, composite.params)), tuple(map(value, composite.results)))
    if isinstance(composite, StructType):
        return StructType(tuple([FieldType(value(f.storage), f.mutable) for f in composite.fields]))
    return ArrayType(FieldType(value(composite.element.storage), composite.element.mutable))


def closed_valtype(valtype: ValType, close: Callable[[HeapType], HeapType]) -> ValType:
    """`valtype` with the type index in it, if there is one, replaced by what `close` says."""
    if isinstance(valtype, RefType) and isinstance(valtype.heap, int):
        return ref_type(close(valtype.heap), valtype.nullable, valtype.exact)
    return valtype


class Closing:
    """Closes the types of one module, whose own are `types`. InvalidError for an unknown index."""

    __slots__ = ("types",)

    def __init__(self, types: Sequence[DefType]) -> None:
        self.types = types

    def _heap(self, heap: HeapType) -> HeapType:
        if isinstance(heap, int):
            if heap >= len(self.types):
                raise InvalidError(f"unknown type {heap}")
            return self.types[heap]
        return heap

    def valtype(self, valtype: ValType) -> ValType:
        return closed_valtype(valtype, self._heap)

    def reftype(self, reftype: RefType) -> RefType:
        if isinstance(reftype.heap, int):
            return ref_type(self._heap(reftype.heap), reftype.nullable, reftype.exact)
        return reftype

    def functype(self, functype: FuncType) -> FuncType:
        return FuncType(tuple(map(self.valtype, functype.params)), tuple(map(self.valtype, functype.results)))

    def table(self, type: TableType) -> TableType:
        return TableType(self.reftype(type.element), type.limits, type.address)

    def global_(self, type: GlobalType) -> GlobalType:
        return GlobalType(self.valtype(type.value), type.mutable)

    def tag(self, type: TagType) -> TagType:
        return TagType(self.functype(type.type))
