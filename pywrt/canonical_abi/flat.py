"""Values as core parameters and results. Spec: CanonicalABI.md#flat-lifting, #flat-lowering

`LIFT_FLAT` and `LOWER_FLAT` hold, in one order, a builder for each kind of type: given the adapters and
the type, it makes the closure that lifts (lowers) values of that type. The same order stands in
`packing`, `load` and `store`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import pack, unpack
from typing import TYPE_CHECKING, Any

from pywrt.canonical_abi.async_values import (
    lift_error_context,
    lift_future,
    lift_stream,
    lower_error_context,
    lower_future,
    lower_stream,
)
from pywrt.canonical_abi.context import Context, LiftFlat, LowerFlat
from pywrt.canonical_abi.handles import lift_borrow, lift_own, lower_borrow, lower_own
from pywrt.canonical_abi.scalars import CANONICAL_NAN, check_bool, check_char, check_f32, check_f64, int_check
from pywrt.canonical_abi.strings import lift_string, lower_string, utf16_tag
from pywrt.canonical_abi.values import describe, describe_type, product_of
from pywrt.engine.deadline import check_deadline
from pywrt.errors import Trap, ValueTypeError
from pywrt.wasm.types import F32, F64, I32, I64, ValType
from pywrt.wit.types import (
    U8,
    Borrow,
    Enum,
    Flags,
    Future,
    List,
    Map,
    Option,
    Own,
    Record,
    Result,
    Stream,
    Tuple,
    Variant,
)

if TYPE_CHECKING:
    from pywrt.canonical_abi.adapters import Adapters

_MASK32 = 0xFFFFFFFF

#: Pairs of a map between two looks at the deadline: a guest can choose keys that are slow to put into a dict.
_MAP_CHUNK = 1024


def invalid_discriminant(index: int, count: int) -> Trap:
    """The trap for a discriminant that is none of `count` cases."""
    return Trap(f"invalid variant discriminant: {index} of {count} cases", "invalid-discriminant")


# Lifting


def _lift_bool(adapters: Adapters, t: Any) -> LiftFlat:
    return lambda cx, flat, i: flat[i] != 0


def _lift_unsigned(bits: int) -> Callable[[Adapters, Any], LiftFlat]:
    mask = (1 << bits) - 1
    return lambda adapters, t: lambda cx, flat, i: flat[i] & mask


def _lift_signed(bits: int) -> Callable[[Adapters, Any], LiftFlat]:
    mask, sign = (1 << bits) - 1, 1 << (bits - 1)
    return lambda adapters, t: lambda cx, flat, i: ((flat[i] & mask) ^ sign) - sign


def _lift_float(adapters: Adapters, t: Any) -> LiftFlat:
    def lift(cx: Context, flat: Sequence[Any], i: int) -> float:
        value: float = flat[i]
        return value if value == value else CANONICAL_NAN

    return lift


def _lift_char(adapters: Adapters, t: Any) -> LiftFlat:
    def lift(cx: Context, flat: Sequence[Any], i: int) -> str:
        code = flat[i]
        if code >= 0x110000 or 0xD800 <= code <= 0xDFFF:
            raise Trap(f"invalid `char` bit pattern: 0x{code:x}", "invalid-char")
        return chr(code)

    return lift


def _lift_string(adapters: Adapters, t: Any) -> LiftFlat:
    return lift_string(adapters.data, adapters.string_encoding, utf16_tag(adapters.layouts.pointer))


def _lift_list(adapters: Adapters, t: List) -> LiftFlat:
    if t.length is None:
        return _lift_list_lazily(adapters, t)
    lift_element = adapters.lift_flat(t.element)
    step = len(adapters.layouts.of(t.element).flat)
    places = [k * step for k in range(t.length)]
    finish = adapters.list_class(t.element)
    return lambda cx, flat, i: finish([lift_element(cx, flat, i + k) for k in places])


def _lift_list_lazily(adapters: Adapters, t: List) -> LiftFlat:
    """Lists make their element's adapter on first use, so that building never recurses through them."""
    load: Callable[[Context, int, int], Any] | None = None

    def lift(cx: Context, flat: Sequence[Any], i: int) -> Any:
        nonlocal load
        if load is None:
            load = adapters.load_list(t.element)
        return load(cx, flat[i], flat[i + 1])

    return lift


def _lift_map(adapters: Adapters, t: Map) -> LiftFlat:
    lift_pairs = _lift_list_lazily(adapters, List(Tuple((t.key, t.value))))

    def lift(cx: Context, flat: Sequence[Any], i: int) -> Any:
        pairs = lift_pairs(cx, flat, i)
        if cx.fused:  # between components all pairs count, and their order
            return pairs
        items: dict[Any, Any] = {}
        for start in range(0, len(pairs), _MAP_CHUNK):
            check_deadline(cx.instance.store)
            items.update(pairs[start : start + _MAP_CHUNK])
        return items

    return lift


def _lift_record(adapters: Adapters, t: Record | Tuple) -> LiftFlat:
    product = product_of(t)
    plan: list[tuple[int, LiftFlat]] = []
    k = 0
    for u in product.types:
        plan.append((k, adapters.lift_flat(u)))
        k += len(adapters.layouts.of(u).flat)
    build = product.build
    return lambda cx, flat, i: build([lift(cx, flat, i + k) for k, lift in plan])


def _lift_variant(adapters: Adapters, t: Variant | Option | Result) -> LiftFlat:
    total = adapters.sum(t)
    joined = adapters.layouts.of(t).flat[1:]
    cases = [_lift_case(adapters, u, joined) for u in total.types]
    count, build = len(cases), total.build

    def lift(cx: Context, flat: Sequence[Any], i: int) -> Any:
        index = flat[i]
        if index >= count:
            raise invalid_discriminant(index, count)
        lift_payload = cases[index]
        return build(index, None if lift_payload is None else lift_payload(cx, flat, i + 1))

    return lift


def _lift_case(adapters: Adapters, t: Any, joined: tuple[ValType, ...]) -> LiftFlat | None:
    """Lift a payload from core values of the variant's joined types."""
    if t is None:
        return None
    lift = adapters.lift_flat(t)
    flat = adapters.layouts.of(t).flat
    if flat == joined[: len(flat)]:
        return lift
    conversions = [_FROM_JOINED[have, want] for have, want in zip(joined, flat, strict=False)]
    return lambda cx, flat, i: lift(cx, [convert(flat[i + k]) for k, convert in enumerate(conversions)], 0)


def _lift_enum(adapters: Adapters, t: Enum) -> LiftFlat:
    names: tuple[str, ...] = t.names
    count = len(names)

    def lift(cx: Context, flat: Sequence[Any], i: int) -> str:
        index: int = flat[i]
        if index >= count:
            raise invalid_discriminant(index, count)
        return names[index]

    return lift


def _lift_flags(adapters: Adapters, t: Flags) -> LiftFlat:
    bits = [(1 << k, name) for k, name in enumerate(t.names)]

    def lift(cx: Context, flat: Sequence[Any], i: int) -> set[str]:
        value = flat[i]
        return {name for bit, name in bits if value & bit}

    return lift


def _lift_own(adapters: Adapters, t: Own) -> LiftFlat:
    return lambda cx, flat, i: lift_own(cx, flat[i], t)


def _lift_borrow(adapters: Adapters, t: Borrow) -> LiftFlat:
    return lambda cx, flat, i: lift_borrow(cx, flat[i], t)


def _lift_stream(adapters: Adapters, t: Stream) -> LiftFlat:
    return lambda cx, flat, i: lift_stream(cx, flat[i], t)


def _lift_future(adapters: Adapters, t: Future) -> LiftFlat:
    return lambda cx, flat, i: lift_future(cx, flat[i], t)


def _lift_error_context(adapters: Adapters, t: Any) -> LiftFlat:
    return lambda cx, flat, i: lift_error_context(cx, flat[i])


# Lowering


def _lower_bool(adapters: Adapters, t: Any) -> LowerFlat:
    return lambda cx, value, out: out.append(1 if check_bool(value) else 0)


def _lower_unsigned(adapters: Adapters, t: Any) -> LowerFlat:
    check = int_check(t.name)
    return lambda cx, value, out: out.append(check(value))


def _lower_signed(core_bits: int) -> Callable[[Adapters, Any], LowerFlat]:
    mask = (1 << core_bits) - 1

    def build(adapters: Adapters, t: Any) -> LowerFlat:
        check = int_check(t.name)
        return lambda cx, value, out: out.append(check(value) & mask)

    return build


def _lower_f32(adapters: Adapters, t: Any) -> LowerFlat:
    return lambda cx, value, out: out.append(check_f32(value))


def _lower_f64(adapters: Adapters, t: Any) -> LowerFlat:
    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        out.append(value if type(value) is float and value == value else check_f64(value))

    return lower


def _lower_char(adapters: Adapters, t: Any) -> LowerFlat:
    return lambda cx, value, out: out.append(check_char(value))


def _lower_string(adapters: Adapters, t: Any) -> LowerFlat:
    return lower_string(adapters.data, adapters.string_encoding, utf16_tag(adapters.layouts.pointer))


def _lower_list(adapters: Adapters, t: List) -> LowerFlat:
    if t.length is None:
        return _lower_list_lazily(adapters, t)
    lower_element = adapters.lower_flat(t.element)
    length = t.length

    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        elements = sequence_of_length(value, t, length)
        i = 0
        try:
            for element in elements:
                lower_element(cx, element, out)
                i += 1
        except ValueTypeError as error:
            raise error.within(f"[{i}]") from None

    return lower


def _lower_list_lazily(adapters: Adapters, t: List) -> LowerFlat:
    store: Callable[[Context, Any], tuple[int, int]] | None = None

    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        nonlocal store
        if store is None:
            store = adapters.store_list(t.element)
        out.extend(store(cx, value))

    return lower


def _lower_map(adapters: Adapters, t: Map) -> LowerFlat:
    lower_pairs = _lower_list_lazily(adapters, List(Tuple((t.key, t.value))))
    return lambda cx, value, out: lower_pairs(cx, pairs_of(value, t), out)


def _lower_record(adapters: Adapters, t: Record | Tuple) -> LowerFlat:
    product = product_of(t)
    lowers = [adapters.lower_flat(u) for u in product.types]
    return lower_fields(product.split, product.steps, lowers)


def lower_fields(
    split: Callable[[Any], Sequence[Any]], steps: list[str], lowers: list[LowerFlat]
) -> LowerFlat:
    """Lower a record's fields one after the other, naming the field in an error."""
    plan = list(enumerate(lowers))

    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        fields = split(value)
        i = 0
        try:
            for i, lower_field in plan:
                lower_field(cx, fields[i], out)
        except ValueTypeError as error:
            raise error.within(steps[i]) from None

    return lower


def _lower_variant(adapters: Adapters, t: Variant | Option | Result) -> LowerFlat:
    total = adapters.sum(t)
    joined = adapters.layouts.of(t).flat[1:]
    zeros = [_ZERO[core] for core in joined]
    cases = [_lower_case(adapters, u, joined) for u in total.types]
    match, names = total.match, total.names

    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        index, payload = match(value)
        out.append(index)
        lower_payload = cases[index]
        if lower_payload is None:
            out.extend(zeros)
            return
        try:
            lower_payload(cx, payload, out)
        except ValueTypeError as error:
            raise error.within(f"case {names[index]!r}") from None

    return lower


def _lower_case(adapters: Adapters, t: Any, joined: tuple[ValType, ...]) -> LowerFlat | None:
    """Lower a payload to core values of the variant's joined types, zeros after it."""
    if t is None:
        return None
    lower = adapters.lower_flat(t)
    flat = adapters.layouts.of(t).flat
    rest = [_ZERO[core] for core in joined[len(flat) :]]
    conversions = [_TO_JOINED[have, want] for have, want in zip(flat, joined, strict=False)]
    if flat == joined[: len(flat)]:
        conversions = []

    def lower_case(cx: Context, payload: Any, out: list[Any]) -> None:
        k = len(out)
        lower(cx, payload, out)
        for convert in conversions:
            out[k] = convert(out[k])
            k += 1
        out.extend(rest)

    return lower_case


def _lower_enum(adapters: Adapters, t: Enum) -> LowerFlat:
    index_of = {name: i for i, name in enumerate(t.names)}

    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        index = index_of.get(value) if isinstance(value, str) else None
        if index is None:
            raise ValueTypeError(f"expected {describe_type(t)}, got {describe(value)}")
        out.append(index)

    return lower


def _lower_flags(adapters: Adapters, t: Flags) -> LowerFlat:
    bit_of = {name: 1 << k for k, name in enumerate(t.names)}

    def lower(cx: Context, value: Any, out: list[Any]) -> None:
        if not isinstance(value, (set, frozenset, list, tuple)):
            raise ValueTypeError(f"expected {describe_type(t)} (a set of str), got {describe(value)}")
        bits = 0
        for name in value:
            bit = bit_of.get(name) if isinstance(name, str) else None
            if bit is None:
                raise ValueTypeError(f"expected {describe_type(t)}, got a set with {describe(name)}")
            bits |= bit
        out.append(bits)

    return lower


def _lower_own(adapters: Adapters, t: Own) -> LowerFlat:
    return lambda cx, value, out: out.append(lower_own(cx, value, t))


def _lower_borrow(adapters: Adapters, t: Borrow) -> LowerFlat:
    return lambda cx, value, out: out.append(lower_borrow(cx, value, t))


def _lower_stream(adapters: Adapters, t: Stream) -> LowerFlat:
    return lambda cx, value, out: out.append(lower_stream(cx, value, t))


def _lower_future(adapters: Adapters, t: Future) -> LowerFlat:
    return lambda cx, value, out: out.append(lower_future(cx, value, t))


def _lower_error_context(adapters: Adapters, t: Any) -> LowerFlat:
    return lambda cx, value, out: out.append(lower_error_context(cx, value))


def sequence(value: Any, t: List) -> Sequence[Any]:
    """`value` as a sequence of elements; ValueTypeError if it is none."""
    if isinstance(value, (list, tuple)):
        return value
    refused = (str, bytes, bytearray, dict, set, frozenset)
    if isinstance(value, refused) or not hasattr(value, "__len__") or not hasattr(value, "__iter__"):
        raise ValueTypeError(f"expected {describe_type(t)}, got {describe(value)}")
    return list(value)


def pairs_of(value: Any, t: Map) -> Sequence[Any]:
    """The pairs of a mapping, or of an iterable that has them; ValueTypeError if `value` is neither."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, (str, bytes, bytearray)) or not hasattr(value, "__iter__"):
        raise ValueTypeError(f"expected {describe_type(t)}, got {describe(value)}")
    return list(value)


def sequence_of_length(value: Any, t: List, length: int) -> Sequence[Any]:
    """`value` as a sequence of exactly `length` elements; ValueTypeError if it is none."""
    if isinstance(value, (bytes, bytearray)):
        elements: Sequence[Any] = value if t.element == U8 else list(value)
    else:
        elements = sequence(value, t)
    if len(elements) != length:
        raise ValueTypeError(f"expected {describe_type(t)}, got {len(elements)} elements")
    return elements


# Core values of a variant's joined types. Spec: CanonicalABI.md#flat-lifting (CoerceValueIter)


def _same(value: Any) -> Any:
    return value


def _f32_of_i32(bits: int) -> float:
    return float(unpack("<f", pack("<I", bits & _MASK32))[0])


def _f64_of_i64(bits: int) -> float:
    return float(unpack("<d", pack("<Q", bits))[0])


_FROM_JOINED: dict[tuple[ValType, ValType], Callable[[Any], Any]] = {
    (I32, F32): _f32_of_i32,
    (I64, I32): lambda bits: bits & _MASK32,
    (I64, F32): _f32_of_i32,
    (I64, F64): _f64_of_i64,
    **{(core, core): _same for core in (I32, I64, F32, F64)},
}

_TO_JOINED: dict[tuple[ValType, ValType], Callable[[Any], Any]] = {
    (F32, I32): lambda value: unpack("<I", pack("<f", value))[0],
    (I32, I64): _same,
    (F32, I64): lambda value: unpack("<I", pack("<f", value))[0],
    (F64, I64): lambda value: unpack("<Q", pack("<d", value))[0],
    **{(core, core): _same for core in (I32, I64, F32, F64)},
}

_ZERO: dict[ValType, int | float] = {I32: 0, I64: 0, F32: 0.0, F64: 0.0}

LIFT_FLAT: dict[str | type, Callable[[Adapters, Any], LiftFlat]] = {
    "bool": _lift_bool,
    "u8": _lift_unsigned(8),
    "u16": _lift_unsigned(16),
    "u32": _lift_unsigned(32),
    "u64": _lift_unsigned(64),
    "s8": _lift_signed(8),
    "s16": _lift_signed(16),
    "s32": _lift_signed(32),
    "s64": _lift_signed(64),
    "f32": _lift_float,
    "f64": _lift_float,
    "char": _lift_char,
    "string": _lift_string,
    "error-context": _lift_error_context,
    List: _lift_list,
    Map: _lift_map,
    Record: _lift_record,
    Tuple: _lift_record,
    Variant: _lift_variant,
    Option: _lift_variant,
    Result: _lift_variant,
    Enum: _lift_enum,
    Flags: _lift_flags,
    Own: _lift_own,
    Borrow: _lift_borrow,
    Stream: _lift_stream,
    Future: _lift_future,
}

LOWER_FLAT: dict[str | type, Callable[[Adapters, Any], LowerFlat]] = {
    "bool": _lower_bool,
    "u8": _lower_unsigned,
    "u16": _lower_unsigned,
    "u32": _lower_unsigned,
    "u64": _lower_unsigned,
    "s8": _lower_signed(32),
    "s16": _lower_signed(32),
    "s32": _lower_signed(32),
    "s64": _lower_signed(64),
    "f32": _lower_f32,
    "f64": _lower_f64,
    "char": _lower_char,
    "string": _lower_string,
    "error-context": _lower_error_context,
    List: _lower_list,
    Map: _lower_map,
    Record: _lower_record,
    Tuple: _lower_record,
    Variant: _lower_variant,
    Option: _lower_variant,
    Result: _lower_variant,
    Enum: _lower_enum,
    Flags: _lower_flags,
    Own: _lower_own,
    Borrow: _lower_borrow,
    Stream: _lower_stream,
    Future: _lower_future,
}
