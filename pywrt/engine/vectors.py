"""Lowering of vector instructions: their functions (`pywrt.engine.simd`) applied to trees.

What an integer operator computes as well on 128 bits takes that operator's shapes, which need no call.
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine import simd
from pywrt.engine.access import access, apply, operate, store
from pywrt.engine.lowering import NOTHING, Handler, Lowering
from pywrt.engine.simd.lanes import ALL
from pywrt.engine.trees import CONST
from pywrt.wasm.opcodes import OPCODES


def _const(self: Lowering, position: int) -> int:
    value = int.from_bytes(self.data[position : position + 16], "little")
    self.push((CONST, (value,), 0, NOTHING))
    return position + 16


def _shuffle(self: Lowering, position: int) -> int:
    apply(self, simd.SHUFFLE(self.data[position : position + 16]), 2)
    return position + 16


def _operation(function: Callable[..., Any], arity: int) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        apply(self, function, arity)
        return position

    return handler


def _lane_operation(at: Callable[[int], Callable[..., Any]], arity: int) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        apply(self, at(self.data[position]), arity)
        return position + 1

    return handler


def _load(function: Callable[..., Any]) -> Handler:
    return lambda self, position: access(self, function, position, 0)


def _store(function: Callable[..., Any]) -> Handler:
    return lambda self, position: store(self, function, position)


def _load_lane(at: Callable[[int], Callable[..., Any]]) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        lane = self.memarg(position)[2]
        return access(self, at(self.data[lane]), position, 1) + 1

    return handler


def _store_lane(at: Callable[[int], Callable[..., Any]]) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        lane = self.memarg(position)[2]
        return store(self, at(self.data[lane]), position) + 1

    return handler


def _operator(name: str, arity: int, *constants: int) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        operate(self, name, arity, constants)
        return position

    return handler


def _extract_lane_u(width: int) -> Handler:
    mask = (1 << width) - 1
    last = 128 // width - 1

    def handler(self: Lowering, position: int) -> int:
        lane = self.data[position]
        if lane:
            operate(self, "i64.shr_u.c", 1, (width * lane,))
        if lane != last:
            operate(self, "i64.and.c", 1, (mask,))
        return position + 1

    return handler


_ARITY = {op.mnemonic: len(op.params) for op in OPCODES if op.params is not None}

HANDLERS: dict[str, Handler] = {
    "v128.const": _const,
    "i8x16.shuffle": _shuffle,
    **{name: _operation(function, _ARITY[name]) for name, function in simd.OPERATIONS.items()},
    **{name: _lane_operation(at, _ARITY[name]) for name, at in simd.LANE_OPERATIONS.items()},
    **{name: _load(function) for name, function in simd.LOADS.items()},
    **{name: _store(function) for name, function in simd.STORES.items()},
    **{name: _load_lane(at) for name, at in simd.LOAD_LANES.items()},
    **{name: _store_lane(at) for name, at in simd.STORE_LANES.items()},
    # what integer operators do, whatever the width of their operands
    "v128.not": _operator("i64.xor.c", 1, ALL),
    "v128.and": _operator("i64.and", 2),
    "v128.or": _operator("i64.or", 2),
    "v128.xor": _operator("i64.xor", 2),
    "v128.any_true": _operator("i64.ne.c", 1, 0),
    "i8x16.extract_lane_u": _extract_lane_u(8),
    "i16x8.extract_lane_u": _extract_lane_u(16),
    "i32x4.extract_lane": _extract_lane_u(32),
    "i64x2.extract_lane": _extract_lane_u(64),
}
