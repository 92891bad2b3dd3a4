"""wasi:clocks with clocks that a test sets."""

from typing import Any

import pytest

from pywrt.engine.machine import Blocked
from pywrt.errors import Trap
from pywrt.wasi.preview2 import WasiCtx, interfaces


class Clock:
    def __init__(self, now: int = 0) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def call(ctx: WasiCtx, interface: str, name: str, *args: Any) -> Any:
    function: Any = interfaces(ctx)[f"wasi:clocks/{interface}"][name]
    return function(*args)


def test_wall_clock_shows_seconds_and_nanoseconds() -> None:
    clock = Clock(1_700_000_000_123_456_789)
    ctx = WasiCtx(wall_clock=clock)
    assert call(ctx, "wall-clock", "now") == {"seconds": 1_700_000_000, "nanoseconds": 123_456_789}
    clock.now = -5
    assert call(ctx, "wall-clock", "now") == {"seconds": 0, "nanoseconds": 0}


def test_clocks_have_a_resolution_of_less_than_a_second() -> None:
    resolution = call(WasiCtx(), "wall-clock", "resolution")
    assert resolution["seconds"] == 0
    assert 1 <= resolution["nanoseconds"] < 1_000_000_000
    assert 1 <= call(WasiCtx(), "monotonic-clock", "resolution") < 1_000_000_000


def test_monotonic_clock_of_the_host_starts_near_zero_and_never_falls() -> None:
    ctx = WasiCtx()
    readings = [call(ctx, "monotonic-clock", "now") for _ in range(100)]
    assert readings == sorted(readings)
    assert 0 <= readings[0] < 60_000_000_000


@pytest.mark.parametrize("now", [-1, 1 << 64])
def test_monotonic_clock_that_shows_no_u64_traps(now: int) -> None:
    with pytest.raises(Trap, match="which is no instant"):
        call(WasiCtx(monotonic_clock=Clock(now)), "monotonic-clock", "now")


@pytest.mark.parametrize(("name", "when"), [("subscribe-instant", 1500), ("subscribe-duration", 500)])
def test_monotonic_clock_pollable_is_ready_at_its_time(name: str, when: int) -> None:
    clock = Clock(1000)
    pollable = call(WasiCtx(monotonic_clock=clock), "monotonic-clock", name, when)
    assert pollable.ready() is False
    answer = pollable.block()
    assert isinstance(answer, Blocked)
    assert answer.timeout == pytest.approx(500e-9)
    clock.now = 1499
    assert isinstance(answer.retry(), Blocked)
    clock.now = 1500
    assert pollable.ready() is True
    assert answer.retry() is None


def test_monotonic_clock_pollable_of_the_past_is_ready() -> None:
    ctx = WasiCtx(monotonic_clock=Clock(1000))
    assert call(ctx, "monotonic-clock", "subscribe-instant", 0).ready() is True
    assert call(ctx, "monotonic-clock", "subscribe-duration", 0).ready() is True


def test_monotonic_clock_pollable_of_the_far_future_can_be_waited_for() -> None:
    ctx = WasiCtx(monotonic_clock=Clock(1000))
    answer = call(ctx, "monotonic-clock", "subscribe-duration", (1 << 64) - 1).block()
    assert isinstance(answer, Blocked)
    assert answer.timeout is not None
    assert 0 < answer.timeout <= 3600


def test_monotonic_clock_wait_passes_for_real(drive: Any) -> None:
    ctx = WasiCtx()
    pollable = call(ctx, "monotonic-clock", "subscribe-duration", 5_000_000)
    start = call(ctx, "monotonic-clock", "now")
    drive(pollable.block)
    assert call(ctx, "monotonic-clock", "now") >= start + 4_000_000


def test_timezone_is_utc() -> None:
    when = {"seconds": 0, "nanoseconds": 0}
    shown = call(WasiCtx(), "timezone", "display", when)
    assert shown == {"utc-offset": 0, "name": "UTC", "in-daylight-saving-time": False}
    assert call(WasiCtx(), "timezone", "utc-offset", when) == 0
