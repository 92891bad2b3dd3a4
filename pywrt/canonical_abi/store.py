"""Values written to linear memory. Spec: CanonicalABI.md#storing

`STORE` holds a builder for each kind of type whose layout is not fixed; the others are written as
`packing` says. Pointers given to a store have been checked for alignment and bounds.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from struct import Struct, pack
from typing import TYPE_CHECKING, Any

from pywrt.canonical_abi.context import Context, LowerFlat, Store
from pywrt.canonical_abi.flat import sequence, sequence_of_length
from pywrt.canonical_abi.layout import REALLOC_I32_MAX
from pywrt.canonical_abi.load import ARRAY_CODES
from pywrt.canonical_abi.pacing import CHUNK
from pywrt.canonical_abi.packing import MAX_SLOTS, Packing
from pywrt.canonical_abi.scalars import check_bool, check_char, check_f32, check_f64, int_check
from pywrt.canonical_abi.values import product_of
from pywrt.engine.deadline import check_deadline
from pywrt.errors import ValueTypeError
from pywrt.wit.types import List, Option, Primitive, Record, Result, Tuple, Variant, WitType

if TYPE_CHECKING:
    from pywrt.canonical_abi.adapters import Adapters

#: store_list(cx, value) -> (pointer, length)
StoreList = Callable[[Context, Any], tuple[int, int]]
#: write(cx, elements, ptr)
Write = Callable[[Context, Any, int], None]


def store_packed(adapters: Adapters, packing: Packing) -> Store:
    """Store values of a fixed layout."""
    data, lower = adapters.data, packing.lower
    pack_into = Struct("<" + packing.code).pack_into

    def store(cx: Context, value: Any, ptr: int) -> None:
        slots: list[Any] = []
        lower(cx, value, slots)
        pack_into(data, ptr, *slots)

    return store


def _store_fixed_list(adapters: Adapters, t: List) -> Store:
    length = t.length
    assert length is not None
    write = store_list_into_valid_range(adapters, t.element)
    return lambda cx, value, ptr: write(cx, sequence_of_length(value, t, length), ptr)


def _store_record(adapters: Adapters, t: Record | Tuple) -> Store:
    product = product_of(t)
    plan = [
        (k, adapters.store(u)) for k, u in zip(adapters.layouts.of(t).offsets, product.types, strict=True)
    ]
    split, steps = product.split, product.steps

    def store(cx: Context, value: Any, ptr: int) -> None:
        fields = split(value)
        i = 0
        try:
            for k, store_field in plan:
                store_field(cx, fields[i], ptr + k)
                i += 1
        except ValueTypeError as error:
            raise error.within(steps[i]) from None

    return store


def _store_variant(adapters: Adapters, t: Variant | Option | Result) -> Store:
    total = adapters.sum(t)
    layout = adapters.layouts.of(t)
    cases = [None if u is None else adapters.store(u) for u in total.types]
    match, names, data = total.match, total.names, adapters.data
    width, offset = layout.discriminant_size, layout.payload_offset

    def store(cx: Context, value: Any, ptr: int) -> None:
        index, payload = match(value)
        data[ptr : ptr + width] = index.to_bytes(width, "little")
        store_payload = cases[index]
        if store_payload is not None:
            try:
                store_payload(cx, payload, ptr + offset)
            except ValueTypeError as error:
                raise error.within(f"case {names[index]!r}") from None

    return store


STORE: dict[type, Callable[[Adapters, Any], Store]] = {
    List: _store_fixed_list,
    Record: _store_record,
    Tuple: _store_record,
    Variant: _store_variant,
    Option: _store_variant,
    Result: _store_variant,
}


# Lists


def store_list_into_range(adapters: Adapters, element: WitType) -> StoreList:
    """Store a list of any length into memory that the guest allocates; its pointer and length."""
    t = List(element)
    layout = adapters.layouts.of(element)
    size, alignment, data = layout.size, layout.alignment, adapters.data
    encode = _encode_bulk(element)
    if encode is not None:

        def store_bulk(cx: Context, value: Any) -> tuple[int, int]:
            encoded = encode(value)
            byte_length = len(encoded)
            check_byte_length(byte_length)
            ptr = cx.allocate(alignment, byte_length)
            data[ptr : ptr + byte_length] = encoded
            return ptr, byte_length // size

        return store_bulk
    write = store_list_into_valid_range(adapters, element)

    def store_each(cx: Context, value: Any) -> tuple[int, int]:
        elements = sequence(value, t)
        length = len(elements)
        check_byte_length(length * size)
        ptr = cx.allocate(alignment, length * size)
        write(cx, elements, ptr)
        return ptr, length

    return store_each


def check_byte_length(byte_length: int) -> None:
    """ValueTypeError for a list that takes more than any realloc may be asked for."""
    if byte_length > REALLOC_I32_MAX:
        raise ValueTypeError(f"the list's {byte_length} bytes are more than {REALLOC_I32_MAX}")


def store_list_into_valid_range(adapters: Adapters, element: WitType) -> Write:
    """Store each of a sequence's elements from a pointer that has been checked for as many as there are."""
    size, data = adapters.layouts.of(element).size, adapters.data
    encode = _encode_bulk(element)
    if encode is not None:

        def write_bulk(cx: Context, elements: Sequence[Any], ptr: int) -> None:
            expected = len(elements) * size
            data[ptr : ptr + expected] = _of_size(encode(elements), expected)

        return write_bulk
    packing = adapters.packing(element)
    if packing is not None:
        return _write_packed(data, packing, size)
    store = adapters.store(element)

    def write(cx: Context, elements: Sequence[Any], ptr: int) -> None:
        i = 0
        places = range(ptr, ptr + len(elements) * size, size)
        try:
            for i, (value, place) in enumerate(zip(elements, places)):  # noqa: B905  # no place, no element
                if not i % CHUNK:
                    check_deadline(cx.instance.store)
                store(cx, value, place)
        except ValueTypeError as error:
            raise error.within(f"[{i}]") from None

    return write


def _write_packed(data: bytearray, packing: Packing, size: int) -> Write:
    lower: LowerFlat = packing.lower
    most = MAX_SLOTS // max(1, packing.slots)

    def write(cx: Context, elements: Sequence[Any], ptr: int) -> None:
        expected = len(elements) * size
        pieces: list[bytes] = []
        i = 0
        try:
            for start in range(0, len(elements), most):
                check_deadline(cx.instance.store)
                slots: list[Any] = []
                group = elements[start : start + most]
                for i, value in enumerate(group, start):  # noqa: B007  # an error names it
                    lower(cx, value, slots)
                pieces.append(pack("<" + len(group) * packing.code, *slots))
        except ValueTypeError as error:
            raise error.within(f"[{i}]") from None
        data[ptr : ptr + expected] = _of_size(b"".join(pieces), expected)

    return write


def _of_size(encoded: bytes | bytearray, expected: int) -> bytes | bytearray:
    """`encoded` if it has the expected size: a slice of another would move the rest of memory."""
    if len(encoded) != expected:
        raise ValueTypeError("the list changed its length while it was stored")
    return encoded


def _encode_bulk(element: WitType) -> Callable[[Any], bytes | bytearray] | None:
    """The bytes of a list, in one step for all elements; None where the elements are no plain numbers."""
    name = element.name if isinstance(element, Primitive) else ""
    check = _CHECKS.get(name)
    if check is None:
        return None
    t = List(element)

    def check_each(elements: Sequence[Any]) -> list[Any]:
        checked: list[Any] = []
        try:
            for value in elements:
                checked.append(check(value))
        except ValueTypeError as error:
            raise error.within(f"[{len(checked)}]") from None
        return checked

    if name == "bool":
        return lambda value: bytes(check_each(sequence(value, t)))
    if name == "char":
        return lambda value: _little_endian(array("I", check_each(sequence(value, t))))
    code = ARRAY_CODES[name]

    def encode_numbers(value: Any) -> bytes:
        elements = sequence(value, t)
        try:
            numbers = array(code, elements)
        except (TypeError, OverflowError):
            numbers = array(code, check_each(elements))
        return _little_endian(numbers)

    def encode_floats(value: Any) -> bytes:
        elements = sequence(value, t)
        try:
            numbers = array(code, elements)
            total = sum(numbers)
        except (TypeError, OverflowError):
            total = float("nan")
        # The sum tells whether there may be a NaN, each of which becomes the canonical one.
        return _little_endian(numbers if total == total else array(code, check_each(elements)))

    def encode_bytes(value: Any) -> bytes | bytearray:
        if isinstance(value, (bytes, bytearray)):
            return value
        if isinstance(value, memoryview) and value.itemsize == 1:
            return value.tobytes()
        return encode_numbers(value)

    if name == "u8":
        return encode_bytes
    return encode_floats if code in "fd" else encode_numbers


def _little_endian(numbers: array[Any]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "bool": check_bool,
    **{name: int_check(name) for name in ("u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64")},
    "f32": check_f32,
    "f64": check_f64,
    "char": check_char,
}
