"""Driving calls to their end: `drive` in the calling thread, `drive_async` as part of an asyncio task.

Strategy: an activation runs in slices. A synchronous call is one slice without a bound, and sleeps where a
host function blocks. In a task each slice is followed by a bare yield, which is all that `asyncio.sleep(0)`
does. A slice takes about a millisecond, whatever a unit of it costs: `Pace` measures. It also measures how
long the others took until it was its turn again, and gives way where that is long: of a thousand guests each
gets slices so short that a round of all stays near `ROUND_SECONDS`, and no guest, and nothing else on
the loop, waits longer.
A coroutine of the host is awaited by the very task that made the call, so its context variables, and a
cancellation of the task, are as in any coroutine. An `asyncio.timeout` around it ends the wait at the
deadline, or when the store is interrupted.
"""

import os
import sys
import time
from collections.abc import Generator
from threading import get_ident
from typing import Any

from pywrt.api.calls import AsyncCall, Calls, Drivable, running_task
from pywrt.engine.machine import Activation, Blocked, Stop
from pywrt.errors import Trap, WasmError

#: Seconds that a slice takes: where few guests run, and where many do.
SLICE_SECONDS = 0.0015
MIN_SLICE_SECONDS = 0.0001
#: Seconds that a round of all guests of a loop may take before their slices become shorter.
ROUND_SECONDS = 0.02
#: Seconds after which a guest that spends its slice in host functions gives way in one that can wait.
TURN_SECONDS = 0.005
#: Units of fuel (blocks, where fuel is off) of a slice: to begin with, and the bounds.
FIRST_SLICE = 500
MIN_SLICE, MAX_SLICE = 100, 2_000_000
#: Seconds between two tries where nothing says when the host is ready.
POLL = 0.001


def drive(calls: Calls, activation: Activation) -> None:
    """Resume until the call returns, waiting where a host function blocks; raise what stopped it else."""
    outer, calls.thread = calls.thread, get_ident()
    try:
        while True:
            stop = activation.resume()
            if stop is Stop.RETURNED:
                return
            if stop is not Stop.BLOCKED:
                raise _failure(activation, stop)
            if not isinstance(activation.blocked, Blocked):
                # to run a loop of our own here would run the coroutine outside of the one it belongs to
                raise activation.cancel(
                    Trap(
                        "a host function awaits, which needs an event loop to drive the call: "
                        "use call_async or instantiate_async",
                        "await-in-sync-call",
                    )
                )
            activation.wait()
    except BaseException as error:
        activation.cancel(error)
        raise
    finally:
        calls.thread = outer


def _failure(activation: Drivable, stop: Stop) -> BaseException:
    """What an activation is to be given up for that neither returned nor waits."""
    if stop is Stop.OUT_OF_FUEL:
        return activation.fail_for_fuel()
    assert activation.trap is not None
    return activation.trap


class Pace:
    """How long the next slice is, in the machine's units, which take 10 to 200 ns each and may take more."""

    __slots__ = ("seconds", "slice")

    def __init__(self) -> None:
        self.slice = FIRST_SLICE
        self.seconds = MIN_SLICE_SECONDS

    def adjust(self, ran: float, away: float) -> None:
        """Note that a whole slice took `ran` seconds, and the others then `away` until the next."""
        if away > ROUND_SECONDS:
            self.seconds = max(MIN_SLICE_SECONDS, self.seconds * max(0.5, ROUND_SECONDS / away))
        else:
            self.seconds = min(SLICE_SECONDS, self.seconds * 1.25)
        factor = min(2.0, max(0.25, self.seconds / max(ran, 1e-9)))
        self.slice = int(min(MAX_SLICE, max(MIN_SLICE, self.slice * factor)))


class _Turn:
    """Awaited: lets the event loop do its other work, then goes on. As `asyncio.sleep(0)`."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield


_TURN = _Turn()


async def drive_async(calls: Calls, call: AsyncCall) -> None:
    """`drive`, within a task of asyncio: others have their turn between slices and while the host is awaited.

    A cancellation of the task stops the guest.
    """
    call.task = running_task()
    if call.task is None:
        raise WasmError("a call is awaited outside of asyncio: await it in a task of its event loop")
    call.loop = call.task.get_loop()
    activation, pace = call.activation, Pace()
    calls.enter(call)
    try:
        ran = 0.0  # since the last turn of the others
        while True:
            call.stop()
            began = time.monotonic()
            stop = _run_slice(calls, call, pace.slice, began)
            if stop is Stop.RETURNED:
                return
            ended = time.monotonic()
            ran += ended - began
            if stop is Stop.SLICE_END:
                await _TURN
                pace.adjust(ended - began, time.monotonic() - ended)
                ran = 0.0
            elif stop is Stop.BLOCKED:
                if ran >= pace.seconds:  # what is awaited may be ready, and not give way
                    await _TURN
                    ran = 0.0
                await _wait(call)
            else:
                raise _failure(activation, stop)
    except BaseException as error:
        activation.cancel(error)
        raise
    finally:
        calls.leave(call)


def _run_slice(calls: Calls, call: AsyncCall, slice: int, now: float) -> Stop:
    store = call.store
    thread, turn_ends = calls.thread, store.turn_ends
    calls.thread, store.turn_ends = get_ident(), now + TURN_SECONDS
    try:
        return call.activation.resume(slice)
    finally:
        calls.thread, store.turn_ends = thread, turn_ends


async def _wait(call: AsyncCall) -> None:
    """Wait for what blocks the call, and give it to the activation; or raise what came first."""
    activation = call.activation
    blocked = activation.blocked
    patience: Any = sys.modules["asyncio"].timeout(None)
    raised: Exception | None = None
    try:
        async with patience:
            call.patience = patience
            call.set_alarm()
            try:
                if isinstance(blocked, Blocked):
                    await ready(blocked, call.loop)
                else:
                    activation.deliver(await blocked)
            finally:
                call.patience = None
    except Exception as error:
        raised = error
    if patience.expired():  # if the coroutine has an answer all the same, it comes too late
        call.expire()
    if raised is not None:
        activation.throw(raised)


async def ready(blocked: Blocked, loop: Any) -> None:
    """Wait until a host function may be tried again: its descriptor is readable, or its time has come."""
    woken = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    timeout, descriptor = blocked.timeout, None
    if blocked.fileno is not None:
        try:
            # a loop has one reader for a descriptor, and several guests may wait for it
            descriptor = os.dup(blocked.fileno)
            loop.add_reader(descriptor, wake)
        except (NotImplementedError, OSError, ValueError):  # not one that this loop can watch
            timeout = POLL if timeout is None else min(timeout, POLL)
            if descriptor is not None:
                os.close(descriptor)
                descriptor = None
    elif timeout is None:
        timeout = POLL
    timer = None if timeout is None else loop.call_later(timeout, wake)
    try:
        await woken
    finally:
        if timer is not None:
            timer.cancel()
        if descriptor is not None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
