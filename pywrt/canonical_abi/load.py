"""Values read from linear memory. Spec: CanonicalABI.md#loading

`LOAD` holds a builder for each kind of type whose layout is not fixed; the others are read as `packing`
says. Pointers given to a load have been checked for alignment and bounds.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any

from pywrt.canonical_abi.context import Context, Load, unaligned_pointer
from pywrt.canonical_abi.flat import invalid_discriminant
from pywrt.canonical_abi.layout import MAX_BYTE_LENGTH
from pywrt.canonical_abi.pacing import CHUNK
from pywrt.canonical_abi.packing import Packing
from pywrt.canonical_abi.scalars import CANONICAL_NAN
from pywrt.canonical_abi.values import product_of
from pywrt.engine.deadline import check_deadline
from pywrt.errors import Trap
from pywrt.wit.types import List, Option, Primitive, Record, Result, Tuple, Variant, WitType

if TYPE_CHECKING:
    from pywrt.canonical_abi.adapters import Adapters

#: load_list(cx, ptr, length) -> value
LoadList = Callable[[Context, int, int], Any]

#: The `array` type code of each number type, for lists.
ARRAY_CODES: dict[str, str] = {
    "u8": "B",
    "u16": "H",
    "u32": "I",
    "u64": "Q",
    "s8": "b",
    "s16": "h",
    "s32": "i",
    "s64": "q",
    "f32": "f",
    "f64": "d",
}


def load_packed(adapters: Adapters, packing: Packing) -> Load:
    """Load values of a fixed layout."""
    data, lift = adapters.data, packing.lift
    unpack = Struct("<" + packing.code).unpack_from
    if lift is None:
        return lambda cx, ptr: unpack(data, ptr)[0]
    return lambda cx, ptr: lift(cx, unpack(data, ptr), 0)


def _load_fixed_list(adapters: Adapters, t: List) -> Load:
    load = _load_elements(adapters, t.element)
    length = t.length
    assert length is not None
    return lambda cx, ptr: load(cx, ptr, length)


def _load_record(adapters: Adapters, t: Record | Tuple) -> Load:
    product = product_of(t)
    plan = [(k, adapters.load(u)) for k, u in zip(adapters.layouts.of(t).offsets, product.types, strict=True)]
    build = product.build
    return lambda cx, ptr: build([load(cx, ptr + k) for k, load in plan])


def _load_variant(adapters: Adapters, t: Variant | Option | Result) -> Load:
    total = adapters.sum(t)
    layout = adapters.layouts.of(t)
    cases = [None if u is None else adapters.load(u) for u in total.types]
    count, build, data = len(cases), total.build, adapters.data
    width, offset = layout.discriminant_size, layout.payload_offset

    def load(cx: Context, ptr: int) -> Any:
        index = data[ptr] if width == 1 else int.from_bytes(data[ptr : ptr + width], "little")
        if index >= count:
            raise invalid_discriminant(index, count)
        load_payload = cases[index]
        return build(index, None if load_payload is None else load_payload(cx, ptr + offset))

    return load


LOAD: dict[type, Callable[[Adapters, Any], Load]] = {
    List: _load_fixed_list,
    Record: _load_record,
    Tuple: _load_record,
    Variant: _load_variant,
    Option: _load_variant,
    Result: _load_variant,
}


# Lists


def load_list_from_range(adapters: Adapters, element: WitType) -> LoadList:
    """Load a list of any length, after checking that it lies within memory."""
    layout = adapters.layouts.of(element)
    size, mask, alignment, data = layout.size, layout.alignment - 1, layout.alignment, adapters.data
    load = load_list_from_valid_range(adapters, element)

    def load_list(cx: Context, ptr: int, length: int) -> Any:
        byte_length = length * size
        if ptr & mask:
            raise unaligned_pointer(ptr, alignment)
        if ptr + byte_length > len(data) or byte_length > MAX_BYTE_LENGTH:
            cx.out_of_bounds("list", ptr, byte_length)
        return load(cx, ptr, length)

    return load_list


def load_list_from_valid_range(adapters: Adapters, element: WitType) -> LoadList:
    """Load `length` elements from `ptr`, which has been checked, and account for them."""
    cost = 1 if element == Primitive("u8") else 8 + adapters.layouts.of(element).cost
    load = _load_elements(adapters, element)

    def load_list(cx: Context, ptr: int, length: int) -> Any:
        cx.charge(length * cost)
        return load(cx, ptr, length)

    return load_list


def _load_elements(adapters: Adapters, element: WitType) -> LoadList:
    """Load elements whose place has been checked and whose cost is accounted for."""
    data = adapters.data
    if isinstance(element, Primitive):
        bulk = _load_bulk(data, element.name)
        if bulk is not None:
            return bulk
    size = adapters.layouts.of(element).size
    packing = adapters.packing(element)
    if packing is None:
        load = adapters.load(element)
        return _in_chunks(
            lambda cx, ptr, length: [load(cx, p) for p in range(ptr, ptr + length * size, size)], size
        )
    lift = packing.lift
    assert lift is not None
    iter_unpack = Struct("<" + packing.code).iter_unpack
    return _in_chunks(
        lambda cx, ptr, length: [lift(cx, raw, 0) for raw in iter_unpack(data[ptr : ptr + length * size])],
        size,
    )


def _in_chunks(load: LoadList, size: int) -> LoadList:
    """`load` of elements of `size` bytes; the deadline is looked at in between."""

    def load_chunks(cx: Context, ptr: int, length: int) -> Any:
        if length <= CHUNK:
            return load(cx, ptr, length)
        values: list[Any] = []
        for start in range(0, length, CHUNK):
            check_deadline(cx.instance.store)
            values += load(cx, ptr + start * size, min(CHUNK, length - start))
        return values

    return load_chunks


def _load_bulk(data: bytearray, name: str) -> LoadList | None:
    """Lists of primitives, in one step for all elements; None for strings and handles."""
    if name == "u8":
        return lambda cx, ptr, length: bytes(data[ptr : ptr + length])
    if name == "bool":
        return lambda cx, ptr, length: [byte != 0 for byte in data[ptr : ptr + length]]
    if name == "char":
        return lambda cx, ptr, length: _load_chars(data[ptr : ptr + 4 * length])
    code = ARRAY_CODES.get(name)
    if code is None:
        return None
    size = array(code).itemsize

    def load_numbers(cx: Context, ptr: int, length: int) -> list[Any]:
        numbers = array(code, data[ptr : ptr + length * size])
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers.tolist()

    def load_floats(cx: Context, ptr: int, length: int) -> list[Any]:
        numbers = load_numbers(cx, ptr, length)
        total = sum(numbers)
        if total == total:  # a sum without NaN has none in it
            return numbers
        return [number if number == number else CANONICAL_NAN for number in numbers]

    return load_floats if code in "fd" else load_numbers


def _load_chars(codes: bytearray) -> list[str]:
    try:
        return list(codes.decode("utf-32-le"))
    except UnicodeDecodeError as error:
        bad = int.from_bytes(codes[error.start : error.start + 4], "little")
        raise Trap(f"invalid `char` bit pattern: 0x{bad:x}", "invalid-char") from None
