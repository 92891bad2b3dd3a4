"""Values of a fixed layout in memory: one `struct` format for the whole of them.

Strategy: a value whose bytes mean the same whatever they hold (no variant with payloads in it) is read by
one unpack into slots, of which strings, lists, handles and such take one or two that are then lifted as
flat values are. A list of such values is read by one `iter_unpack`. Storing is the reverse; padding is
written as zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pywrt.canonical_abi.context import Context, LiftFlat, LowerFlat
from pywrt.canonical_abi.flat import lower_fields
from pywrt.canonical_abi.scalars import INT_RANGES, check_bool, int_check
from pywrt.canonical_abi.values import Product, product_of
from pywrt.canonical_abi.values import Record as Struct
from pywrt.wasm.types import I64
from pywrt.wit.types import (
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

#: So many slots are packed at once: elements of a list in groups, types that have more field by field.
MAX_SLOTS = 256

_UNSIGNED_CODES = {1: "B", 2: "H", 4: "I"}


class Packing:
    """`code` is the struct format of one value (exactly its size), of `slots` items.

    `lift(cx, slots, i)` makes the value; None where the slot is the value. `lower(cx, value, out)` appends
    the slots.
    """

    __slots__ = ("code", "lift", "lower", "slots")

    def __init__(self, code: str, slots: int, lift: LiftFlat | None, lower: LowerFlat) -> None:
        self.code = code
        self.slots = slots
        self.lift = lift
        self.lower = lower


def _pack_bool(adapters: Adapters, t: Any) -> Packing:
    return Packing("?", 1, None, lambda cx, value, out: out.append(check_bool(value)))


def _pack_int(code: str) -> Callable[[Adapters, Any], Packing]:
    def build(adapters: Adapters, t: Any) -> Packing:
        check = int_check(t.name)
        low, high = INT_RANGES[t.name]

        def lower(cx: Context, value: Any, out: list[Any]) -> None:
            # The common case without a call: this is what lists of records spend their time in.
            out.append(value if type(value) is int and low <= value <= high else check(value))

        return Packing(code, 1, None, lower)

    return build


def _pack_flat(code: str, slots: int = 1) -> Callable[[Adapters, Any], Packing]:
    """For types whose slots are their flat values."""
    return lambda adapters, t: Packing(code, slots, adapters.lift_flat(t), adapters.lower_flat(t))


def _pack_range(adapters: Adapters, t: Any) -> Packing:
    return _pack_flat("QQ" if adapters.layouts.pointer is I64 else "II", 2)(adapters, t)


def _pack_list(adapters: Adapters, t: List) -> Packing | None:
    return _pack_range(adapters, t) if t.length is None else None


def _pack_record(adapters: Adapters, t: Record | Tuple) -> Packing | None:
    product = product_of(t)
    layout = adapters.layouts.of(t)
    code, end, slots = "", 0, 0
    plan: list[tuple[int, LiftFlat | None]] = []
    lowers: list[LowerFlat] = []
    for u, offset in zip(product.types, layout.offsets, strict=True):
        field = adapters.packing(u)
        if field is None:
            return None
        code += f"{offset - end}x{field.code}" if offset > end else field.code
        end = offset + adapters.layouts.of(u).size
        plan.append((slots, field.lift))
        lowers.append(field.lower)
        slots += field.slots
        if slots > MAX_SLOTS:
            return None
    if layout.size > end:
        code += f"{layout.size - end}x"
    lower = lower_fields(product.split, product.steps, lowers)
    return Packing(code, slots, _lift_slots(plan, product), lower)


def _lift_slots(plan: list[tuple[int, LiftFlat | None]], product: Product) -> LiftFlat:
    count, build, names = len(plan), product.build, product.names
    if all(lift is None for _, lift in plan):
        return lambda cx, slots, i: build(slots[i : i + count])
    if names is None:
        return lambda cx, slots, i: build(
            [slots[i + k] if lift is None else lift(cx, slots, i + k) for k, lift in plan]
        )
    fields = [(name, k, lift) for name, (k, lift) in zip(names, plan, strict=True)]
    new = Struct.__new__

    def lift_record(cx: Context, slots: Sequence[Any], i: int) -> Struct:
        # `build` without a list in between: this is what lists of records spend their time in.
        record = new(Struct)
        values = record.__dict__
        for name, k, lift in fields:
            values[name] = slots[i + k] if lift is None else lift(cx, slots, i + k)
        return record

    return lift_record


def _pack_none(adapters: Adapters, t: Any) -> None:
    return None


def _pack_enum(adapters: Adapters, t: Enum | Flags) -> Packing:
    return _pack_flat(_UNSIGNED_CODES[adapters.layouts.of(t).size])(adapters, t)


PACKING: dict[str | type, Callable[[Adapters, Any], Packing | None]] = {
    "bool": _pack_bool,
    "u8": _pack_int("B"),
    "u16": _pack_int("H"),
    "u32": _pack_int("I"),
    "u64": _pack_int("Q"),
    "s8": _pack_int("b"),
    "s16": _pack_int("h"),
    "s32": _pack_int("i"),
    "s64": _pack_int("q"),
    "f32": _pack_flat("f"),
    "f64": _pack_flat("d"),
    "char": _pack_flat("I"),
    "string": _pack_range,
    "error-context": _pack_flat("I"),
    List: _pack_list,
    Map: _pack_range,
    Record: _pack_record,
    Tuple: _pack_record,
    Variant: _pack_none,
    Option: _pack_none,
    Result: _pack_none,
    Enum: _pack_enum,
    Flags: _pack_enum,
    Own: _pack_flat("I"),
    Borrow: _pack_flat("I"),
    Stream: _pack_flat("I"),
    Future: _pack_flat("I"),
}
