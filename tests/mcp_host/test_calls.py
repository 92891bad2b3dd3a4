import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from mcp_host import calls
from mcp_host.calls import FIRST_SLICE, MAX_SLICE, MIN_SLICE, SLICE_SECONDS, Pace, drive, explain, grant
from mcp_host.config import HostConfig
from mcp_host.guest import GuestContext, Program, start
from pywrt.engine.machine import Blocked
from pywrt.errors import ExitTrap, FrameInfo, LimitError, Trap

CALLS_SERVE = "(drop (call $serve)) (call $answer)"


class Blocks(GuestContext):
    """A runtime whose `serve` does what the test wants, once the component has been started."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        super().__init__()
        self.answer = answer

    def serve(self) -> Any:
        return None if self.starting else self.answer()


def call_blocking(component: bytes, answer: Callable[[], Any], config: HostConfig) -> int:
    """Call a tool that calls `serve`; how often the event loop ran something else meanwhile."""

    async def run() -> int:
        async def pause() -> None:
            await asyncio.sleep(0)

        program = Program(component, config, "x")
        guest, _ = await start(program, config, "return", lambda: Blocks(answer), pause)
        handler = guest.handler("call-tool")
        assert handler is not None
        grant(guest.store, config)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        try:
            task = handler.start(guest.store, {"name": "fine", "arguments": b"{}"})
            assert await drive(task, guest.store, guest.pace, pause)
        finally:
            ticking.cancel()
        return ticks

    return asyncio.run(run())


def test_drive_guest_that_waits_for_time_leaves_the_loop_free(mcp_component: Any) -> None:
    assert (
        call_blocking(mcp_component(call=CALLS_SERVE), lambda: Blocked(lambda: None, 0.1), HostConfig()) > 1
    )


def test_drive_guest_that_waits_again_and_again_goes_on(mcp_component: Any) -> None:
    left = [None, Blocked(lambda: left.pop(), None), Blocked(lambda: left.pop(), 0.0)]
    call_blocking(mcp_component(call=CALLS_SERVE), left.pop, HostConfig())
    assert left == []


def test_drive_guest_that_waits_for_a_descriptor_leaves_the_loop_free(mcp_component: Any) -> None:
    reading, writing = os.pipe()

    def answer() -> Blocked:
        asyncio.get_running_loop().call_later(0.1, os.write, writing, b"x")
        return Blocked(lambda: None, None, reading)

    try:
        assert call_blocking(mcp_component(call=CALLS_SERVE), answer, HostConfig()) > 1
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("fileno", [False, True])
def test_drive_guest_that_waits_past_the_deadline_traps(mcp_component: Any, fileno: bool) -> None:
    reading, writing = os.pipe()

    def answer() -> Blocked:
        return Blocked(answer, 60.0, reading if fileno else None)

    try:
        with pytest.raises(Trap, match="deadline exceeded"):
            call_blocking(mcp_component(call=CALLS_SERVE), answer, HostConfig(execution_timeout=0.1))
    finally:
        os.close(reading)
        os.close(writing)


def test_drive_what_a_host_function_raises_ends_the_call(mcp_component: Any) -> None:
    def answer() -> None:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        call_blocking(mcp_component(call=CALLS_SERVE), answer, HostConfig())


def test_pace_finds_the_length_of_a_slice() -> None:
    pace = Pace()
    for _ in range(30):
        pace.adjust(pace.slice * 50e-9)
    assert pace.slice == pytest.approx(SLICE_SECONDS / 50e-9, rel=0.01)
    for _ in range(30):
        pace.adjust(1.0)
    assert pace.slice == MIN_SLICE < FIRST_SLICE
    for _ in range(30):
        pace.adjust(0.0)
    assert pace.slice == MAX_SLICE


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Trap("unreachable", "unreachable"), "trapped: unreachable"),
        (
            Trap("unreachable", "unreachable", [FrameInfo("m", 3, "abort", 0x1F)]),
            "trapped: unreachable in abort at offset 0x1f",
        ),
        (
            Trap("unreachable", "unreachable", [FrameInfo("m", 3, None, None)]),
            "trapped: unreachable in function[3]",
        ),
        (Trap("deadline exceeded", "deadline"), "timed out after 2.5 s"),
        (Trap("all fuel consumed", "out-of-fuel"), "used up its fuel of 7"),
        (ExitTrap(3), "exited with status 3"),
        (LimitError("too many"), "passed a limit: too many"),
        (KeyError("x"), "failed in the host: KeyError: 'x'"),
    ],
)
def test_explain_says_what_ended_a_call(error: Exception, text: str) -> None:
    assert explain(error, None, HostConfig(execution_timeout=2.5, fuel=7)) == text


def test_drive_guest_that_lives_in_host_functions_leaves_the_loop_free(
    mcp_component: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One slice would hold thousands of these calls; each turn ends with its first.
    monkeypatch.setattr(calls, "TURN_SECONDS", 0.0)
    pauses = 0
    body = """(local $n i32)
      (loop $again
        (drop (call $serve))
        (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20))))
      (call $answer)"""

    async def run() -> None:
        async def pause() -> None:
            nonlocal pauses
            pauses += 1

        config = HostConfig()
        program = Program(mcp_component(call=body), config, "x")
        guest, _ = await start(program, config, "return", lambda: Blocks(lambda: None), pause)
        handler = guest.handler("call-tool")
        assert handler is not None
        grant(guest.store, config)
        before = pauses
        task = handler.start(guest.store, {"name": "fine", "arguments": b"{}"})
        assert await drive(task, guest.store, guest.pace, pause)
        assert pauses - before >= 20
        assert guest.store.state.turn_ends is None

    asyncio.run(run())


def test_drive_guest_that_lives_in_host_functions_meets_its_deadline(mcp_component: Any) -> None:
    config = HostConfig(execution_timeout=0.05)
    component = mcp_component(call="(loop $again (drop (call $serve)) (br $again)) (unreachable)")
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        call_blocking(component, lambda: time.sleep(0.001), config)
