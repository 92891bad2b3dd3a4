"""The adapters of one set of canonical options, each built once a type.

An adapter is a closure specialised to a type, the memory and the string encoding. They are remembered by
the identity of the type, as layouts are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pywrt.canonical_abi.context import CanonOptions, LiftFlat, Load, LowerFlat, Store
from pywrt.canonical_abi.flat import LIFT_FLAT, LOWER_FLAT
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.canonical_abi.layout import Layouts
from pywrt.canonical_abi.load import (
    LOAD,
    LoadList,
    load_list_from_range,
    load_list_from_valid_range,
    load_packed,
)
from pywrt.canonical_abi.packing import PACKING, Packing
from pywrt.canonical_abi.store import (
    STORE,
    StoreList,
    Write,
    store_list_into_range,
    store_list_into_valid_range,
    store_packed,
)
from pywrt.canonical_abi.values import Sum, Sums
from pywrt.wasm.types import I32
from pywrt.wit.types import Option, Primitive, Result, Variant, WitType

Made = TypeVar("Made")


class Adapters:
    """Makes and remembers the adapters for `options`."""

    __slots__ = ("_known", "_sums", "data", "layouts", "string_encoding")

    def __init__(self, options: CanonOptions) -> None:
        #: The memory's bytes: one bytearray for its whole life. Empty if no memory is given.
        self.data = bytearray() if options.memory is None else options.memory.data
        self.string_encoding = options.string_encoding
        self.layouts = Layouts(I32 if options.memory is None else options.memory.type.address)
        self._sums = Sums()
        self._known: dict[tuple[Callable[..., Any], int], tuple[WitType, Any]] = {}

    def load(self, t: WitType) -> Load:
        """load(cx, ptr) -> value"""
        return self._remember(_build_load, t)

    def store(self, t: WitType) -> Store:
        """store(cx, value, ptr)"""
        return self._remember(_build_store, t)

    def lift_flat(self, t: WitType) -> LiftFlat:
        """lift_flat(cx, flat values, index of the first) -> value"""
        return self._remember(_build_lift_flat, t)

    def lower_flat(self, t: WitType) -> LowerFlat:
        """lower_flat(cx, value, flat values to append to)"""
        return self._remember(_build_lower_flat, t)

    def packing(self, t: WitType) -> Packing | None:
        """How values of a fixed layout are read at once; None if the layout varies."""
        return self._remember(_build_packing, t)

    def load_list(self, element: WitType) -> LoadList:
        """load_list(cx, ptr, length) -> list (or bytes), bounds checked"""
        return self._remember(load_list_from_range, element)

    def store_list(self, element: WitType) -> StoreList:
        """store_list(cx, value) -> (ptr, length), in memory that the guest allocates"""
        return self._remember(store_list_into_range, element)

    def load_list_from_valid_range(self, element: WitType) -> LoadList:
        """`load_list` of a range that is aligned and within memory: of a stream's buffer"""
        return self._remember(load_list_from_valid_range, element)

    def store_list_into_valid_range(self, element: WitType) -> Write:
        """write(cx, elements, ptr), into a range that is aligned and within memory: a stream's buffer"""
        return self._remember(store_list_into_valid_range, element)

    def sum(self, t: Variant | Option | Result) -> Sum:
        """How the type's values tell its cases apart."""
        return self._sums.of(t)

    def list_class(self, element: WitType) -> Callable[[list[Any]], Any]:
        """What makes the value of a list from a list of its elements."""
        return bytes if element == Primitive("u8") else list

    def _remember(self, build: Callable[[Adapters, WitType], Made], t: WitType) -> Made:
        known = self._known.get((build, id(t)))
        if known is not None:
            remembered: Made = known[1]
            return remembered
        made = build(self, t)
        self._known[build, id(t)] = (
            t,
            made,
        )  # the type is kept, since its id identifies it only while it lives
        return made


def adapters_for(options: CanonOptions, instance: ComponentInstance) -> Adapters:
    """The adapters of `instance` for `options`: one set for each memory and string encoding."""
    key = (options.memory, options.string_encoding)
    adapters: Adapters | None = instance.adapters.get(key)
    if adapters is None:
        adapters = instance.adapters[key] = Adapters(options)
    return adapters


def _case(t: WitType) -> str | type:
    return t.name if isinstance(t, Primitive) else type(t)


def _build_load(adapters: Adapters, t: WitType) -> Load:
    packing = adapters.packing(t)
    return LOAD[type(t)](adapters, t) if packing is None else load_packed(adapters, packing)


def _build_store(adapters: Adapters, t: WitType) -> Store:
    packing = adapters.packing(t)
    return STORE[type(t)](adapters, t) if packing is None else store_packed(adapters, packing)


def _build_lift_flat(adapters: Adapters, t: WitType) -> LiftFlat:
    return LIFT_FLAT[_case(t)](adapters, t)


def _build_lower_flat(adapters: Adapters, t: WitType) -> LowerFlat:
    return LOWER_FLAT[_case(t)](adapters, t)


def _build_packing(adapters: Adapters, t: WitType) -> Packing | None:
    adapters.layouts.of(t)  # InvalidError for a type that has no layout
    return PACKING[_case(t)](adapters, t)
