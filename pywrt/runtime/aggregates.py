"""Structures, arrays, i31 references, and host values among them. Spec: exec/runtime.html#aggregate-instances

A value of type anyref is one of these, or None; one of eqref is None, a `Struct`, an `Array` or an `I31`.
`==` of two such values is ref.eq: structures and arrays are equal to themselves only.
"""

from typing import Any

from pywrt.runtime.store import Store
from pywrt.wasm.deftypes import DefType


class Struct:
    """A structure: `fields` are raw values, packed ones unsigned.

    One whose type has a descriptor holds it behind its fields. Whoever makes a structure has taken
    1 + len(fields) from `Store.objects_left`; its end gives them back.
    """

    __slots__ = ("deftype", "fields", "store")

    def __init__(self, store: Store, deftype: DefType, fields: list[Any]) -> None:
        self.store = store
        self.deftype = deftype
        self.fields = fields

    def __del__(self) -> None:
        self.store.objects_left += 1 + len(self.fields)

    def __repr__(self) -> str:
        return f"<Struct {self.deftype}>"


class Array:
    """An array: `elements` are raw values, packed ones unsigned; as many for its whole life.

    Counts against `Store.objects_left` as a structure does.
    """

    __slots__ = ("deftype", "elements", "store")

    def __init__(self, store: Store, deftype: DefType, elements: list[Any]) -> None:
        self.store = store
        self.deftype = deftype
        self.elements = elements

    def __del__(self) -> None:
        self.store.objects_left += 1 + len(self.elements)

    def __repr__(self) -> str:
        return f"<Array {self.deftype} of {len(self.elements)}>"


class I31(int):
    """What ref.i31 makes: the number, from 0 to 2^31 - 1. Two are the same reference if their numbers are."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"I31({int(self)})"


class Foreign:
    """A host's value as any.convert_extern takes it into the hierarchy of any; None stays None."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Foreign({self.value!r})"


#: The classes of references that any.convert_extern finds to be internal already.
INTERNAL = frozenset((Struct, Array, I31, type(None)))


def internalize(value: Any) -> Any:
    """An externref as an anyref: any.convert_extern. Undoes `externalize`."""
    return value if value.__class__ in INTERNAL else Foreign(value)


def externalize(value: Any) -> Any:
    """An anyref as an externref: extern.convert_any. Undoes `internalize`."""
    return value.value if value.__class__ is Foreign else value
