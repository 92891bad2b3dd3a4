"""Statements that run others one after another, for blocks of more statements than there are forms of."""

from typing import Any

from pywrt.engine.plan import Closure
from pywrt.engine.shapes import sequences

#: Statements of one sequence.
WIDTH = 8

SEQUENCES: dict[int, Any] = sequences.SEQUENCES


def grouped(statements: list[Closure]) -> list[Closure]:
    """A sequence of each `WIDTH` statements."""
    result = []
    for start in range(0, len(statements), WIDTH):
        group = statements[start : start + WIDTH]
        result.append(group[0] if len(group) == 1 else SEQUENCES[len(group)](*group))
    return result


def at_most(statements: list[Closure], limit: int) -> list[Closure]:
    """At most `limit` statements that do what `statements` do."""
    while len(statements) > limit:
        statements = grouped(statements)
    return statements


def one(statements: list[Closure]) -> Closure:
    """One statement that does what `statements` do."""
    return at_most(statements, 1)[0] if statements else SEQUENCES[0]()


def shortened(count: int, limit: int) -> int:
    """How many statements `at_most` makes of `count`."""
    while count > limit:
        count = -(-count // WIDTH)
    return count


def rounds(count: int, limit: int) -> int:
    """How many times `at_most` groups `count` statements: so deep are its sequences."""
    result = 0
    while count > limit:
        count = -(-count // WIDTH)
        result += 1
    return result
