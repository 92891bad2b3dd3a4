"""Making structures and arrays, within the limit of live objects. Spec: exec/runtime.html#aggregate-instances

Structures, arrays and exceptions count in `Store.objects_left`: one each, and one for each field, element or
value. What nothing refers to any more is freed at once, and given back; cycles wait for the collector,
which runs when the limit is reached.
"""

import gc
import struct
from collections.abc import Callable
from typing import Any

from pywrt.engine.deadline import check_deadline
from pywrt.engine.lowering import zero_of
from pywrt.engine.numeric import f32_from_bits
from pywrt.errors import Trap
from pywrt.runtime.aggregates import Array, Struct
from pywrt.runtime.store import Store
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.types import F32, F64, I8, I16, I32, I64, V128, ArrayType, StructType, ValType

#: What the collector must leave free, as a part of the limit, for a guest to go on: else it would run
#: again and again for the few objects that it finds each time.
SPARE = 16

#: What is kept of a value in a packed field or element.
MASKS: dict[ValType, int] = {I8: 0xFF, I16: 0xFFFF}
#: The sign bit of a packed value.
SIGN_BITS: dict[ValType, int] = {I8: 0x80, I16: 0x8000}
#: Bytes that an element takes in a data segment, and how `struct` reads one.
_STORED: dict[ValType, tuple[int, str]] = {
    I8: (1, "B"),
    I16: (2, "H"),
    I32: (4, "I"),
    I64: (8, "Q"),
    F32: (4, "I"),
    F64: (8, "d"),
    V128: (16, ""),
}


def check_objects(store: Store, count: int) -> None:
    """Trap if `count` more objects, fields and elements don't fit; takes nothing."""
    if count <= store.objects_left:
        return
    limit = store.config.max_objects
    if count > limit:
        raise Trap(
            f"allocation size too large: {count} objects and fields, of at most {limit} (Config.max_objects)",
            "allocation-too-large",
        )
    gc.collect()
    check_deadline(store)  # that took time which nothing counted
    if store.objects_left < max(count, limit // SPARE):
        raise Trap(
            f"GC heap out of memory: {limit} objects and fields are the limit (Config.max_objects)",
            "gc-heap-out-of-memory",
        )


def take_objects(store: Store, count: int) -> None:
    """Account for an object of `count` - 1 fields or elements. Trap if the store's limit is passed."""
    if count > store.objects_left:
        check_objects(store, count)
    store.objects_left -= count


def zero_of_storage(storage: ValType) -> Any:
    """What a field or element of the type is by default."""
    return 0 if storage in MASKS else zero_of(storage)


def struct_maker(store: Store, deftype: DefType, default: bool) -> Callable[..., Struct]:
    """A function that makes structures of `deftype`.

    Its arguments are the raw values of the fields, none if `default`; then the descriptor, if the type has
    one.
    """
    made = store.struct_makers.get((deftype, default))
    if made is None:
        made = store.struct_makers[deftype, default] = _struct_maker(store, deftype, default)
    return made


def _struct_maker(store: Store, deftype: DefType, default: bool) -> Callable[..., Struct]:
    composite = deftype.composite
    assert isinstance(composite, StructType)
    size = 1 + len(composite.fields) + (deftype.descriptor is not None)
    defaults = [zero_of_storage(field.storage) for field in composite.fields] if default else []
    packed = [(i, MASKS[f.storage]) for i, f in enumerate(composite.fields) if f.storage in MASKS]

    def new(*values: Any) -> Struct:
        if size > store.objects_left:
            check_objects(store, size)
        store.objects_left -= size
        return Struct(store, deftype, list(values))

    def new_packed(*values: Any) -> Struct:
        take_objects(store, size)
        fields = list(values)
        for place, mask in packed:
            fields[place] &= mask
        return Struct(store, deftype, fields)

    def new_default(*descriptor: Any) -> Struct:
        take_objects(store, size)
        return Struct(store, deftype, [*defaults, *descriptor])

    return new_default if default else new_packed if packed else new


def element_type(deftype: DefType) -> ValType:
    """The storage type of an array's elements."""
    assert isinstance(deftype.composite, ArrayType)
    return deftype.composite.element.storage


def array_of(store: Store, deftype: DefType, elements: list[Any]) -> Array:
    """An array of raw `elements`, packed ones masked. Trap if the store's limit is passed."""
    take_objects(store, 1 + len(elements))
    return Array(store, deftype, elements)


def masker(deftype: DefType) -> Callable[[Any], Any]:
    """What an array of `deftype` keeps of a value."""
    mask = MASKS.get(element_type(deftype))
    return _same if mask is None else mask.__and__


def _same(value: Any) -> Any:
    return value


def fixed_array_maker(store: Store, deftype: DefType) -> Callable[..., Array]:
    """A function that makes an array of its arguments, raw values."""
    mask = MASKS.get(element_type(deftype))

    def new(*values: Any) -> Array:
        return array_of(store, deftype, list(values))

    def new_packed(*values: Any) -> Array:
        return array_of(store, deftype, [value & mask for value in values])

    return new if mask is None else new_packed


def element_size(storage: ValType) -> int:
    """Bytes of an element in a data segment."""
    return _STORED[storage][0]


def read_elements(storage: ValType, data: bytes, start: int, count: int) -> list[Any]:
    """`count` raw values of a numeric type, from `start` in `data`: in bounds."""
    letter = _STORED[storage][1]
    if storage is V128:
        return [int.from_bytes(data[i : i + 16], "little") for i in range(start, start + 16 * count, 16)]
    values = list(struct.unpack_from(f"<{count}{letter}", data, start))
    return [f32_from_bits(bits) for bits in values] if storage is F32 else values
