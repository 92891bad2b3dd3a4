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
from collections.abc import Generator
from typing import Any

from pywrt.api.driving import POLL, ready
from pywrt.canonical_abi.scheduler import Run, Scheduler, no_event_loop
from pywrt.engine.deadline import check_expiry
from pywrt.engine.machine import Blocked, Stop
from pywrt.errors import Trap
from pywrt.runtime.store import Store

#: Units of fuel that others' runs have at a time in a call that is not in slices itself.
OTHERS_SLICE = 20_000


class Idle:
    """Awaited: until another driver, or the host, has done something in the store."""

    __slots__ = ("_scheduler", "_wakes")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._wakes = scheduler.wakes

    def __await__(self) -> Generator[Any, None, None]:
        if self._scheduler.wakes != self._wakes:
            return
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
        return Stop.TRAPPED if self.trap is not None else self._drive(slice)

    def _drive(self, slice: int | None) -> Stop:
        scheduler = self.scheduler
        turn_ends = scheduler.store.turn_ends
        while True:
            if self._run is None:
                if self.is_settled():
                    scheduler.wake()  # others, who may have been asleep while this one drove
                    return Stop.RETURNED
                check_expiry(scheduler.store)
                run = scheduler.next_run()
                if run is None:
                    return self._idle()
                self._run, run.owner = run, self.owner
            run, stop = self._run, Stop.RETURNED
            is_own = self.is_own(run)
            if run.activation is not None:
                stop = scheduler.resume(run, OTHERS_SLICE if slice is None and not is_own else slice)
            if stop is Stop.BLOCKED and not self.waits_with(run):
                self._run = None
                self._set_aside(run)
            elif stop is Stop.SLICE_END and not is_own:
                self._run = None
                scheduler.leave_to_others(run)
                if slice is not None:
                    return stop
            elif stop is not Stop.RETURNED and stop is not Stop.TRAPPED:
                return stop
            else:
                self._run = None
                if isinstance(run.failure, Trap) and run.failure.code == "interrupt":
                    raise run.failure  # which was meant for whoever drives
            if slice is not None and turn_ends is not None and time.monotonic() >= turn_ends:
                return Stop.SLICE_END

    def is_own(self, run: Run) -> bool:
        """Whether `run` is for what this driver waits for: others' runs get one slice at a time."""
        return False

    def waits_with(self, run: Run) -> bool:
        """Whether `run`, which waits for the host, is all that this driver is for."""
        return False

    def _set_aside(self, run: Run) -> None:
        """Go on with `run` when the host has what it waits for; others have their turns meanwhile."""
        scheduler, activation = self.scheduler, run.activation
        assert activation is not None
        awaited = activation.blocked
        try:
            if not isinstance(awaited, Blocked):
                scheduler.set_aside(run, awaited)
            elif self.owner is None:
                run.driven, run.owner = False, None
                scheduler.polled.append(run)
            else:
                scheduler.poll_later(run, ready(awaited, self.owner.get_loop()))
        except Trap as trap:
            scheduler.stop(run, trap)

    def _idle(self) -> Stop:
        """Nothing can go on."""
        scheduler = self.scheduler
        if scheduler.polled:
            polled, scheduler.polled = scheduler.polled, []
            for run in polled:
                scheduler.leave_to_others(run)
            self._blocked = Blocked(tuple, POLL)
        elif self.owner is None:
            raise no_event_loop() if scheduler.operations else deadlock()
        else:
            self._blocked = Idle(scheduler)
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


def deadlock() -> Trap:
    """The trap for a wait that nothing can end."""
    return Trap("deadlock detected: event loop cannot make further progress", "deadlock")


def finish_call(store: Store, driver: Driver) -> None:
    """Drive until what is waited for has come about, without an event loop; raise what ends it else."""
    try:
        while True:
            stop = driver.resume()
            if stop is Stop.RETURNED:
                return
            if stop is Stop.OUT_OF_FUEL:
                driver.fail_for_fuel()
            elif stop is Stop.BLOCKED:
                reason = wait(store, driver.blocked)
                if reason is not None:
                    driver.cancel(reason)
            if driver.trap is not None:
                raise driver.trap
    except BaseException as error:
        driver.cancel(error)
        raise


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
