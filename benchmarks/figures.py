"""What a measurement gives: a number in base units, a tally of checks, or the reason why there is none."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class NotMeasured(Exception):
    """A figure that can't be had here, because something is absent; the message says what."""


class Failed(Exception):
    """What was to be measured doesn't work; the message says how."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of `total` checks passed, and the first that didn't."""

    passed: int
    total: int
    first_failure: str = ""

    def __str__(self) -> str:
        text = f"{self.passed:,} of {self.total:,}"
        return f"{text}; first failure: {self.first_failure}" if self.first_failure else text


def tally(failures: Sequence[str], total: int) -> Tally:
    """The tally of `total` checks of which each of `failures` says what went wrong."""
    return Tally(total - len(failures), total, failures[0] if failures else "")


def timed(function: Callable[[], T]) -> tuple[float, T]:
    """Seconds that `function` takes, and what it returns."""
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def median_seconds(function: Callable[[], object], rounds: int) -> float:
    """The median of `rounds` calls, after one that is not counted."""
    function()
    return statistics.median(timed(function)[0] for _ in range(rounds))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that `percent` of them don't exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))
