"""Lowering of wide arithmetic: operations on 128 bits in two i64, low half first.

Each is a statement that writes two registers. Proposal: WebAssembly/wide-arithmetic
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine.lowering import NOTHING, Handler, Lowering
from pywrt.engine.numeric import M64, S64
from pywrt.engine.plan import Closure
from pywrt.engine.trees import REGISTER

Registers = list[Any]


def add128(low: int, high: int, a: int, b: int, c: int, d: int) -> Closure:
    def s(R: Registers) -> None:
        result = (R[a] | R[b] << 64) + (R[c] | R[d] << 64)
        R[low] = result & M64
        R[high] = result >> 64 & M64

    return s


def sub128(low: int, high: int, a: int, b: int, c: int, d: int) -> Closure:
    def s(R: Registers) -> None:
        result = (R[a] | R[b] << 64) - (R[c] | R[d] << 64)
        R[low] = result & M64
        R[high] = result >> 64 & M64

    return s


def mul_wide_s(low: int, high: int, a: int, b: int) -> Closure:
    def s(R: Registers) -> None:
        result = ((R[a] ^ S64) - S64) * ((R[b] ^ S64) - S64)
        R[low] = result & M64
        R[high] = result >> 64 & M64

    return s


def mul_wide_u(low: int, high: int, a: int, b: int) -> Closure:
    def s(R: Registers) -> None:
        result = R[a] * R[b]
        R[low] = result & M64
        R[high] = result >> 64

    return s


def _handler(factory: Callable[..., Closure], arity: int) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        stack = self.stack
        first = len(stack) - arity
        registers = [self.register(place) for place in range(first, len(stack))]
        del stack[first:]
        self.pending = min(self.pending, first)
        results = (self.base + first, self.base + first + 1)
        for place in range(first - 1, self.pending - 1, -1):
            if any(register in stack[place][1] for register in results):
                self.settle(place + 1)  # it still reads what is written now
                break
        self.statement(factory, (*results, *registers), NOTHING)
        for register in results:
            self.push((REGISTER, (register,), 0, NOTHING))
        self.registers = max(self.registers, results[1] + 1)
        return position

    return handler


HANDLERS: dict[str, Handler] = {
    "i64.add128": _handler(add128, 4),
    "i64.sub128": _handler(sub128, 4),
    "i64.mul_wide_s": _handler(mul_wide_s, 2),
    "i64.mul_wide_u": _handler(mul_wide_u, 2),
}
