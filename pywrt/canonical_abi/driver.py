"""Drivers: what runs the guest code of a store until something that the host waits for has come about.

Strategy: a call, or a read of a stream, may need any of the store's threads to go on. So whoever waits
drives what there is to run, in slices, and looks after each run whether its own matter is settled. Several
drivers of one event loop take turns; who finds nothing to do sleeps until another, or the host, has changed
something. Without an event loop, nothing to do is a deadlock.

A driver has the methods of an `Activation`, so that `pywrt.api.driving` serves both.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Generator
from typing import Any

from pywrt.canonical_abi.scheduler import Launch, Run, Scheduler
from pywrt.engine.machine import Blocked, Stop
from pywrt.errors import Trap
from pywrt.runtime.store import Store


class Idle:
    """Awaited: until another driver, or the host, has done something in the store."""

    __slots__ = ("_scheduler",)

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def __await__(self) -> Generator[Any, None, None]:
        future = sys.modules["asyncio"].get_running_loop().create_future()

        def wake() -> None:
            if not future.done():
                future.set_result(None)

        self._scheduler.wakers.append(wake)
        yield from future


class Driver:
    """Drives until `is_settled`. `trap` is what ended it without that.

    `owner` is the task of asyncio that it belongs to, or None: then it never waits for another driver.
    """

    __slots__ = ("_blocked", "_run", "owner", "scheduler", "trap")

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.owner: Any = None
        self.trap: BaseException | None = None
        self._run: Run | None = None
        self._blocked: Any = None

    def is_settled(self) -> bool:
        """Whether what is waited for has come about. May raise what prevents it for good."""
        raise NotImplementedError

    @property
    def blocked(self) -> Any:
        """What is waited for, after `Stop.BLOCKED`: a `Blocked`, or an awaitable (see `deliver`)."""
        if self._run is not None and self._run.activation is not None:
            return self._run.activation.blocked
        return self._blocked

    def resume(self, slice: int | None = None) -> Stop:
        """Go on for about `slice` units of fuel (None: to the end), and say why it stopped."""
        scheduler = self.scheduler
        if self.trap is not None:
            return Stop.TRAPPED
        outer, scheduler.launch = scheduler.launch, self.launch
        try:
            return self._drive(slice)
        finally:
            scheduler.launch = outer

    @property
    def launch(self) -> Launch | None:
        """`Scheduler.launch` for what this drives."""
        return None if self.owner is None else _launch

    def _drive(self, slice: int | None) -> Stop:
        scheduler = self.scheduler
        turn_ends = scheduler.store.turn_ends
        while True:
            if self._run is None:
                if self.is_settled():
                    scheduler.wake()  # others, who may have been asleep while this one drove
                    return Stop.RETURNED
                self._run = self._next_run()
                if self._run is None:
                    return self._idle()
            stop = Stop.RETURNED
            if self._run.activation is not None:
                stop = scheduler.resume(self._run, slice)
            if stop is not Stop.RETURNED and stop is not Stop.TRAPPED:
                return stop
            self._run = None
            if slice is not None and turn_ends is not None and time.monotonic() >= turn_ends:
                return Stop.SLICE_END

    def _next_run(self) -> Run | None:
        """What there is to run; None if there is nothing."""
        return self.scheduler.next_run()

    def _idle(self) -> Stop:
        """Nothing can go on."""
        if self.owner is None:
            raise deadlock()
        self._blocked = Idle(self.scheduler)
        return Stop.BLOCKED

    def deliver(self, answer: Any) -> None:
        """Say what the awaitable in `blocked` gave; the next `resume` goes on with it."""
        if self._run is not None and self._run.activation is not None:
            self._run.activation.deliver(answer)

    def throw(self, error: BaseException) -> None:
        """Say that the awaitable in `blocked` raised `error`; the next `resume` goes on with it."""
        if self._run is not None and self._run.activation is not None:
            self._run.activation.throw(error)

    def fail_for_fuel(self) -> BaseException:
        """End what is out of fuel: the trap that says so."""
        return self.cancel(Trap("all fuel consumed", "out-of-fuel"))

    def cancel(self, error: BaseException) -> BaseException:
        """Wait no longer, for `error`, which is returned."""
        if self.trap is None:
            self.trap = error
        self.let_go(error)
        return error

    def let_go(self, error: BaseException) -> None:
        """Leave the run that this drives to others; end one that waits for the host, as nobody else does."""
        run, self._run = self._run, None
        if run is not None and run.activation is not None:
            if run.activation.blocked is None:
                self.scheduler.leave_to_others(run)
            else:
                self.scheduler.stop(run, error)


def finish_call(driver: Driver) -> None:
    """Drive until what is waited for has come about, without an event loop; raise what ends it else."""
    while True:
        stop = driver.resume()
        if stop is Stop.RETURNED:
            return
        if stop is Stop.OUT_OF_FUEL:
            driver.fail_for_fuel()
        elif stop is Stop.BLOCKED:
            reason = wait(driver.scheduler.store, driver.blocked)
            if reason is not None:
                driver.cancel(reason)
        if driver.trap is not None:
            raise driver.trap


#: Seconds between two looks at what may end a wait.
_TICK = 0.05


def wait(store: Store, blocked: Any) -> Trap | None:
    """Wait until `blocked` may be tried again; the trap, if the store's deadline comes first."""
    if not isinstance(blocked, Blocked):
        return no_event_loop()
    end = None if blocked.timeout is None else time.monotonic() + blocked.timeout
    if end is None and blocked.fileno is None:
        time.sleep(0.0005)
        return None
    while True:
        now = time.monotonic()
        if store.interrupted:
            store.interrupted = False
            return Trap("interrupted", "interrupt")
        if store.deadline is not None and now >= store.deadline:
            return Trap("deadline exceeded", "deadline")
        if end is not None and now >= end:
            return None
        tick = min(_TICK, *(t - now for t in (end, store.deadline) if t is not None), _TICK)
        if blocked.fileno is None:
            time.sleep(tick)
        elif select.select([blocked.fileno], [], [], tick)[0]:
            return None


def deadlock() -> Trap:
    """The trap for a wait that nothing can end."""
    return Trap("deadlock detected: event loop cannot make further progress", "deadlock")


def no_event_loop() -> Trap:
    """The trap for what needs an event loop, in a call without one."""
    return Trap(
        "a host function awaits, which needs an event loop to drive the call: use call_async",
        "await-in-sync-call",
    )


def _launch(awaitable: Any, done: Callable[[Any, BaseException | None], None]) -> Callable[[], object]:
    """Have the running loop await it, and call `done` with its value, or what it raised."""
    asyncio: Any = sys.modules["asyncio"]
    future = asyncio.ensure_future(awaitable)

    def finished(future: Any) -> None:
        if future.cancelled():
            done(None, Trap("a host function was cancelled", "cancelled"))
        else:
            error = future.exception()
            done(None if error is not None else future.result(), error)

    future.add_done_callback(finished)
    cancel: Callable[[], object] = future.cancel
    return cancel
