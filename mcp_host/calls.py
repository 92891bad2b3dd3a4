"""Running one call of a component under asyncio.

Strategy: the guest runs in slices that take about SLICE_SECONDS; one that spends its time in host functions
ends after TURN_SECONDS. Between two of them control goes back to the event loop, where messages are read and
answered, and a cancellation of the asyncio task stops the guest.
The deadline and the fuel are the machine's own; `explain` says in words which of them, or what else, ended a
call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from mcp_host.config import HostConfig, show_size
from pywrt.api import Store
from pywrt.component import Task
from pywrt.engine.machine import Blocked, Stop
from pywrt.errors import ExitTrap, LimitError, Trap

SLICE_SECONDS = 0.0015
TURN_SECONDS = 0.005
FIRST_SLICE = 20_000
MIN_SLICE, MAX_SLICE = 500, 2_000_000

_POLL = 0.002
"""Seconds between two looks at a descriptor that the event loop can't watch."""


class Pace:
    """How long a slice is, in the machine's units: adjusted, since these take 10 to 200 ns each."""

    __slots__ = ("slice",)

    def __init__(self) -> None:
        self.slice = FIRST_SLICE

    def adjust(self, seconds: float) -> None:
        """Note that a whole slice took so long; the next takes a step towards SLICE_SECONDS."""
        factor = min(2.0, max(0.25, SLICE_SECONDS / max(seconds, 1e-9)))
        self.slice = int(min(MAX_SLICE, max(MIN_SLICE, self.slice * factor)))


def grant(store: Store, config: HostConfig) -> None:
    """Give the store what one call may use: time and fuel, from now on."""
    timeout = config.execution_timeout
    store.set_deadline(None if timeout is None else time.monotonic() + timeout)
    if config.fuel is not None:
        store.set_fuel(config.fuel)
    store.state.memory_refused = False


async def drive(
    task: Task,
    store: Store,
    pace: Pace,
    pause: Callable[[], Awaitable[None]],
    is_parked: Callable[[], bool] = lambda: False,
) -> bool:
    """Run `task` until it has returned (True), or blocks with `is_parked` (False, and it lives on).

    `pause` is awaited between slices. Raises what ended the call: a Trap, or what a host function raised;
    or CancelledError, when the asyncio task is cancelled. The call is over then.
    """
    try:
        while True:
            begin = time.perf_counter()
            store.state.turn_ends = time.monotonic() + TURN_SECONDS
            try:
                stop = task.resume(pace.slice)
            finally:
                store.state.turn_ends = None
            match stop:
                case Stop.RETURNED:
                    return True
                case Stop.TRAPPED:
                    assert task.trap is not None
                    raise task.trap
                case Stop.OUT_OF_FUEL:
                    raise Trap("all fuel consumed", "out-of-fuel")
                case Stop.SLICE_END:
                    pace.adjust(time.perf_counter() - begin)
                    await pause()
                case Stop.BLOCKED:
                    if is_parked():
                        return False
                    await pause()
                    await _wait(task, store)
    except BaseException as error:
        task.cancel(error)
        raise


async def _wait(task: Task, store: Store) -> None:
    """Wait until what blocks `task` may be ready, or the store's deadline has come."""
    blocked: Blocked = task.blocked  # nothing that this host links awaits
    deadline = store.state.deadline
    left = None if deadline is None else max(0.0, deadline - time.monotonic())
    timeout = blocked.timeout
    if timeout is None and blocked.fileno is None:
        timeout = _POLL
    if left is not None:
        timeout = left if timeout is None else min(timeout, left)
    if blocked.fileno is None:
        await asyncio.sleep(timeout or 0)
    else:
        await _readable(blocked.fileno, timeout)


async def _readable(descriptor: int, timeout: float | None) -> None:
    loop = asyncio.get_running_loop()
    readable = loop.create_future()

    def ready() -> None:
        if not readable.done():
            readable.set_result(None)

    try:
        loop.add_reader(descriptor, ready)
    except (NotImplementedError, OSError, ValueError):
        await asyncio.sleep(_POLL if timeout is None else min(timeout, _POLL))
        return
    try:
        await asyncio.wait_for(readable, timeout)
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(descriptor)


def explain(error: BaseException, store: Store | None, config: HostConfig) -> str:
    """What ended a call, as the rest of a sentence that begins with what was called."""
    refused = store is not None and store.state.memory_refused
    limit = f"the memory limit of {show_size(config.memory_limit)}"
    if isinstance(error, ExitTrap):
        return f"exited with status {error.status}"
    if isinstance(error, LimitError):
        return f"passed a limit: {error.message}"
    if not isinstance(error, Trap):
        return f"failed in the host: {type(error).__name__}: {error}"
    match error.code:
        case "deadline":
            return f"timed out after {config.execution_timeout:g} s"
        case "out-of-fuel":
            return f"used up its fuel of {config.fuel}"
        case "start-failed":
            return error.message
        case "cannot-enter-component":
            return "could not be called: an earlier call has not returned"
    where = ""
    if error.backtrace:
        frame = error.backtrace[0]
        where = f" in {frame.name or f'function[{frame.function}]'}"
        if frame.offset is not None:
            where += f" at offset 0x{frame.offset:x}"
    reason = f"trapped: {error.message}{where}"
    return f"{reason} (it had been refused memory: {limit} was reached)" if refused else reason
