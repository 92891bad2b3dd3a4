"""Parameters and results as a whole: flat if they are few, else spilled to memory.

Spec: CanonicalABI.md#lifting-and-lowering-values (lift_flat_values, lower_flat_values)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pywrt.canonical_abi.adapters import Adapters
from pywrt.canonical_abi.context import Context, unaligned_pointer
from pywrt.canonical_abi.layout import MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Layout
from pywrt.errors import Trap, ValueTypeError
from pywrt.wit.types import FuncType

#: lift_params(cx, flat parameters) -> values
LiftParams = Callable[[Context, Sequence[Any]], list[Any]]
#: lower_params(cx, values) -> flat parameters
LowerParams = Callable[[Context, Sequence[Any]], list[Any]]
#: lift_result(cx, flat results) -> value, or None
LiftResult = Callable[[Context, Sequence[Any]], Any]
#: lower_result(cx, value, flat parameters, whose last may be the return pointer) -> flat results
LowerResult = Callable[[Context, Any, Sequence[Any]], list[Any]]


def _check_pointer(adapters: Adapters, layout: Layout, ptr: int) -> None:
    if ptr & (layout.alignment - 1):
        raise unaligned_pointer(ptr, layout.alignment)
    if ptr + layout.size > len(adapters.data):
        raise Trap(
            f"pointer out of bounds of memory: {layout.size} bytes at 0x{ptr:x}", "pointer-out-of-bounds"
        )


def lift_params(adapters: Adapters, t: FuncType, max_flat: int = MAX_FLAT_PARAMS) -> LiftParams:
    """Lift the arguments of a call that a guest makes, which are spilled if they are more than `max_flat`."""
    types = [p.type for p in t.params]
    if len(adapters.layouts.flatten(types)) <= max_flat:
        plan = []
        i = 0
        for u in types:
            plan.append((i, adapters.lift_flat(u)))
            i += len(adapters.layouts.of(u).flat)
        return lambda cx, flat: [lift(cx, flat, i) for i, lift in plan]
    layout = adapters.layouts.of_fields(types)
    loads = [(k, adapters.load(u)) for k, u in zip(layout.offsets, types, strict=True)]

    def load_params(cx: Context, flat: Sequence[Any]) -> list[Any]:
        ptr = flat[0]
        _check_pointer(adapters, layout, ptr)
        cx.charge(layout.cost)
        return [load(cx, ptr + k) for k, load in loads]

    return load_params


def lower_params(adapters: Adapters, t: FuncType) -> LowerParams:
    """Lower the arguments of a call into a guest. ValueTypeError names the argument."""
    types = [p.type for p in t.params]
    steps = [f"argument {p.name!r}" for p in t.params]
    if len(adapters.layouts.flatten(types)) <= MAX_FLAT_PARAMS:
        lowers = [adapters.lower_flat(u) for u in types]

        def lower_flat_params(cx: Context, values: Sequence[Any]) -> list[Any]:
            flat: list[Any] = []
            i = 0
            try:
                for lower in lowers:
                    lower(cx, values[i], flat)
                    i += 1
            except ValueTypeError as error:
                raise error.within(steps[i]) from None
            return flat

        return lower_flat_params
    layout = adapters.layouts.of_fields(types)
    stores = [(k, adapters.store(u)) for k, u in zip(layout.offsets, types, strict=True)]

    def store_params(cx: Context, values: Sequence[Any]) -> list[Any]:
        ptr = cx.allocate(layout.alignment, layout.size)
        i = 0
        try:
            for k, store in stores:
                store(cx, values[i], ptr + k)
                i += 1
        except ValueTypeError as error:
            raise error.within(steps[i]) from None
        return [ptr]

    return store_params


def lift_result(adapters: Adapters, t: FuncType, max_flat: int = MAX_FLAT_RESULTS) -> LiftResult:
    """Lift what a guest's function returned, or gave to `task.return` as up to `max_flat` parameters."""
    if t.result is None:
        return lambda cx, flat: None
    layout = adapters.layouts.of(t.result)
    if len(layout.flat) <= max_flat:
        lift = adapters.lift_flat(t.result)
        return lambda cx, flat: lift(cx, flat, 0)
    load = adapters.load(t.result)

    def load_result(cx: Context, flat: Sequence[Any]) -> Any:
        _check_pointer(adapters, layout, flat[0])
        cx.charge(layout.cost)
        return load(cx, flat[0])

    return load_result


def lower_result(adapters: Adapters, t: FuncType, max_flat: int = MAX_FLAT_RESULTS) -> LowerResult:
    """Lower what a guest's call returns to it; with a `max_flat` of 0 through the return pointer always."""
    if t.result is None:
        return lambda cx, value, flat: []
    layout = adapters.layouts.of(t.result)
    if len(layout.flat) <= max_flat:
        lower = adapters.lower_flat(t.result)

        def lower_flat_result(cx: Context, value: Any, flat: Sequence[Any]) -> list[Any]:
            out: list[Any] = []
            lower(cx, value, out)
            return out

        return lower_flat_result
    store = adapters.store(t.result)

    def store_result(cx: Context, value: Any, flat: Sequence[Any]) -> list[Any]:
        ptr = flat[-1]
        _check_pointer(adapters, layout, ptr)
        store(cx, value, ptr)
        return []

    return store_result
