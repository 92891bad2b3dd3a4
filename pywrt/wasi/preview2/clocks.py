"""wasi:clocks 0.2: wall-clock, monotonic-clock, and timezone (which is always UTC)."""

import time
from collections.abc import Callable
from typing import Any

from pywrt.errors import Trap
from pywrt.wasi.preview2.binding import Interface
from pywrt.wasi.preview2.context import WasiCtx
from pywrt.wasi.preview2.io import POLLABLE, Hint, Pollable

_SECOND = 1_000_000_000
_U64_MAX = (1 << 64) - 1


class Deadline(Pollable):
    """Ready when `clock` (nanoseconds) shows `instant` or more."""

    __slots__ = ("clock", "instant")

    def __init__(self, clock: Callable[[], int], instant: int) -> None:
        self.clock = clock
        self.instant = instant

    def ready(self) -> bool:
        return self.clock() >= self.instant

    def hint(self) -> Hint:
        return (self.instant - self.clock()) / _SECOND, None


def datetime(nanoseconds: int) -> dict[str, int]:
    """The record `datetime` of a time since 1970-01-01T00:00:00Z; what is earlier counts as that."""
    seconds, rest = divmod(max(0, nanoseconds), _SECOND)
    return {"seconds": seconds, "nanoseconds": rest}


def _tick(resolution: float) -> int:
    """A clock's resolution in nanoseconds, from seconds."""
    return max(1, round(resolution * _SECOND))


def interfaces(ctx: WasiCtx) -> dict[str, Interface]:
    """The tables of wasi:clocks, reading the clocks of `ctx`."""

    def monotonic_now() -> int:
        now = ctx.monotonic_clock()
        if not 0 <= now <= _U64_MAX:
            raise Trap(f"the monotonic clock shows {now}, which is no instant")
        return now

    def timezone_display(_when: Any) -> dict[str, Any]:
        return {"utc-offset": 0, "name": "UTC", "in-daylight-saving-time": False}

    return {
        "wasi:clocks/monotonic-clock": {
            "pollable": POLLABLE,
            "now": monotonic_now,
            "resolution": lambda: _tick(time.get_clock_info("monotonic").resolution),
            "subscribe-instant": lambda when: Deadline(monotonic_now, when),
            "subscribe-duration": lambda duration: Deadline(monotonic_now, monotonic_now() + duration),
        },
        "wasi:clocks/wall-clock": {
            "now": lambda: datetime(ctx.wall_clock()),
            "resolution": lambda: datetime(_tick(time.get_clock_info("time").resolution)),
        },
        "wasi:clocks/timezone": {
            "display": timezone_display,
            "utc-offset": lambda _when: 0,
        },
    }
