"""A call from the host into a component, in slices. Spec: CanonicalABI.md#embedding (Store.invoke)

Strategy: the call is a task of the guest's (`guest_task`) whose arguments and result are the host's, and a
driver that runs the store's threads until that task has its result. NEW: nothing has happened; the first
`resume` enters the instance, or waits until it can be entered. DONE: `result` holds the value, or `trap` what
ended the call. Threads that the call leaves behind go on when something else drives the store.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from pywrt.canonical_abi.driver import Driver, finish_call
from pywrt.canonical_abi.func import LiftedFunc, run_within, start_task
from pywrt.canonical_abi.guest_task import GuestTask
from pywrt.canonical_abi.handles import CallScope
from pywrt.canonical_abi.scheduler import Run
from pywrt.engine.deadline import is_expired
from pywrt.engine.machine import Step, Stop, begin, finish
from pywrt.errors import Trap, ValueTypeError


class State(enum.Enum):
    """What a task does next."""

    NEW = enum.auto()
    RUNNING = enum.auto()
    DONE = enum.auto()


class Task(Driver):
    """One call of `func` with `args`.

    Each `resume` says why it stopped. After `Stop.RETURNED`, `result` is the value; after `Stop.TRAPPED`,
    `trap` is what ended the call and the instance is poisoned; after `Stop.BLOCKED`, `blocked` says what
    the host is waited for. A task that is not resumed to its end must be cancelled.
    """

    __slots__ = ("_guest", "_own", "_parked", "_refused", "args", "func", "result", "state")

    def __init__(self, func: LiftedFunc, args: Sequence[Any]) -> None:
        if len(args) != len(func.type.params):
            raise ValueTypeError(
                f"{func.name!r} takes {len(func.type.params)} arguments ({func.type}), {len(args)} were given"
            )
        super().__init__(func.instance.scheduler)
        self.func = func
        self.args = args
        self.result: Any = None
        self.state = State.NEW
        self._refused: ValueTypeError | None = None
        #: The run that begins the call. What ends it ends the call, even if that has returned.
        self._own = Run()
        self._parked: tuple[Any, Any] = (None, None)
        self._guest = GuestTask(
            func, CallScope(), lambda: self.args, self._resolved, self._refuse, fused=False
        )

    def resume(self, slice: int | None = None) -> Stop:
        """Go on for about `slice` units of fuel (None: to the end).

        Raises ValueTypeError if an argument does not fit its type; nothing has happened then. An exception
        of a host function is left in `trap`.
        """
        if self.state is State.DONE:
            return Stop.RETURNED if self.trap is None else Stop.TRAPPED
        try:
            if self.state is State.NEW:
                stop = super().resume(slice)  # of others, until the instance can be entered
                if stop is not Stop.RETURNED:
                    return stop
                self._begin()
            stop = super().resume(slice)
        except ValueTypeError:
            self.state = State.DONE
            raise
        except Trap as trap:
            stop = self._fail(trap)
        if stop is Stop.RETURNED:
            self.state = State.DONE
        return stop

    def is_settled(self) -> bool:
        if self.state is State.NEW:
            return not self._must_wait()
        guest = self._guest
        if self._refused is not None:
            raise self._refused
        failure = guest.failure or self._own.failure
        if failure is not None:
            self._fail(failure)
        return self.state is State.DONE or guest.resolved

    def is_own(self, run: Run) -> bool:
        return run.task is self._guest

    def waits_with(self, run: Run) -> bool:
        return run is self._own and not self._guest.resolved

    def _drive(self, slice: int | None) -> Stop:
        stop = super()._drive(slice)
        return Stop.TRAPPED if stop is Stop.RETURNED and self.trap is not None else stop

    def cancel(self, error: BaseException | None = None) -> BaseException:
        """Give the call up, for `error`, which is returned.

        An async function that waits is asked to end, and its instance lives on. One that is in the middle of
        its code is stopped there, and its instance is poisoned.
        """
        if error is None:
            error = Trap("the call was cancelled", "cancelled")
        if self.state is State.DONE:
            return error
        was_new, self.state = self.state is State.NEW, State.DONE
        self.result, self.trap = None, error
        guest = self._guest
        if not self._must_stop(error) or not self._stop(error):
            self.let_go(error)
        if was_new or guest.resolved or guest.failure is not None:
            self._give_back()
        else:
            self._request_cancellation()
        return error

    def _stop(self, error: BaseException) -> bool:
        """End the guest's code where it is, if it is in the middle of that."""
        run = self.func.instance.run
        if run is None or run.task is not self._guest or (run.driven and run is not self._run):
            return False
        if run is self._run:
            self._run = None
        self.scheduler.stop(run, error)
        return True

    def _must_stop(self, error: BaseException) -> bool:
        """Whether the guest is to be stopped in the middle of its code."""
        return not self.func.type.is_async or isinstance(error, Trap)

    def park(self) -> None:
        """Let other calls into the instance while this one is blocked.

        Against the component model's rule, for hosts whose interfaces need it (a `serve` import during
        which handlers are called).
        """
        instance = self.func.instance
        self._parked = instance.thread, instance.sync_task
        instance.thread = instance.sync_task = None
        instance.leave(None)

    def unpark(self) -> None:
        """End `park`; Trap if another call is in progress, or has poisoned the instance."""
        instance = self.func.instance
        assert self._run is not None
        outer, self.scheduler.current = self.scheduler.current, self._run
        try:
            instance.enter(None)
        finally:
            self.scheduler.current = outer
        instance.thread, instance.sync_task = self._parked

    def _begin(self) -> None:
        """Enter the instance."""
        func, instance, guest = self.func, self.func.instance, self._guest

        def end() -> Step:
            instance.leave(None)
            return finish()

        def enter() -> Step:
            instance.enter(None)
            left = instance.store.config.max_call_depth - 1
            if func.type.is_async:
                return start_task(guest, left, end)
            return begin(run_within(guest), left, end)

        self._own = self._run = self.scheduler.begin(enter, guest)
        self._own.owner = self.owner
        self.state = State.RUNNING

    def _must_wait(self) -> bool:
        """Whether what is in the instance can leave it: another task of asyncio has it, or nobody."""
        busy = [instance.run for instance in self.func.instance.lineage if instance.run is not None]
        return bool(busy) and all(
            run.failure is None and (not run.driven or None is not self.owner is not run.owner)
            for run in busy
        )

    def _resolved(self, value: Any, returned: bool) -> None:
        self.result = value
        self._guest.context.scope.end()
        self.scheduler.wake()

    def _refuse(self, error: ValueTypeError) -> None:
        """An argument does not fit: undo the start of the call."""
        self._refused = error
        self._guest.context.scope.roll_back()

    def _fail(self, trap: BaseException) -> Stop:
        """What the host lent is the host's again."""
        is_new = self._guest.failure is None and self._own.failure is None
        if self.state is State.RUNNING and is_new and not self._stop(trap):
            self.scheduler.poison(self.func.instance, trap)
        self._give_back()
        self.result = None
        self.state, self.trap = State.DONE, trap
        return Stop.TRAPPED

    def _give_back(self) -> None:
        self._guest.context.scope.end()

    def _request_cancellation(self) -> None:
        """Ask the guest's task to end; it has a while to do so now, and what other drivers give it later."""
        guest, scheduler = self._guest, self.scheduler
        left = guest.instance.store.config.max_call_depth - 1
        run = scheduler.begin(lambda: begin(guest.request_cancellation(None), left, finish), guest)
        if is_expired(scheduler.store):
            stop = Stop.SLICE_END
        else:
            stop = scheduler.resume(run, _CANCEL_SLICE)
        if stop is not Stop.RETURNED and stop is not Stop.TRAPPED:
            scheduler.leave_to_others(run)


#: Units of fuel that a task has at once to end when it is asked to.
_CANCEL_SLICE = 100_000


def call(func: LiftedFunc, args: Sequence[Any]) -> Any:
    """Call `func` and wait for its value; the host is waited for where it blocks the guest.

    Raises what ended the call: Trap, an exception of a host function, or ValueTypeError for an argument
    that does not fit. Trap "all fuel consumed" when the store's fuel runs out.
    """
    task = Task(func, args)
    finish_call(func.instance.store, task)
    return task.result
