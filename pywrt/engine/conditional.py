"""Statements that run other statements on a condition."""

from typing import Any

from pywrt.engine.plan import Closure

Condition = Any


def when(c: Condition, a: Closure) -> Closure:
    def s(R: list[Any]) -> None:
        if c(R):
            a(R)

    return s


def either(c: Condition, a: Closure, b: Closure) -> Closure:
    def s(R: list[Any]) -> None:
        if c(R):
            a(R)
        else:
            b(R)

    return s


def when_metered(fuel: list[int], c: Condition, a: Closure, cost: int) -> Closure:
    def s(R: list[Any]) -> None:
        if c(R):
            fuel[0] -= cost
            a(R)

    return s


def either_metered(
    fuel: list[int], c: Condition, a: Closure, cost_a: int, b: Closure, cost_b: int
) -> Closure:
    def s(R: list[Any]) -> None:
        if c(R):
            fuel[0] -= cost_a
            a(R)
        else:
            fuel[0] -= cost_b
            b(R)

    return s


#: By whether there is an `else` arm.
UNMETERED: tuple[Any, Any] = (when, either)
METERED: tuple[Any, Any] = (when_metered, either_metered)
