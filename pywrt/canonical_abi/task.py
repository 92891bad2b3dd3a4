"""A call from the host into a component, in slices. Spec: CanonicalABI.md#tasks, #canon-lift

Strategy: a state machine. NEW: nothing has happened; the first `resume` enters the instance and lowers
the arguments (realloc runs nested). RUNNING: the core function runs as a machine activation, a slice a
`resume`. Its results are lifted, then RETURNING: post-return runs, again as an activation. DONE: the
instance has been left and `result` holds the value, or `trap` what ended the call.
"""

from __future__ import annotations

import enum
import select
import time
from collections.abc import Sequence
from typing import Any

from pywrt.canonical_abi.context import Context
from pywrt.canonical_abi.func import LiftedFunc
from pywrt.canonical_abi.handles import CallScope
from pywrt.engine.machine import Activation, Blocked, Stop
from pywrt.errors import Trap, ValueTypeError
from pywrt.runtime.store import Store


class State(enum.Enum):
    """What a task does next."""

    NEW = enum.auto()
    RUNNING = enum.auto()
    RETURNING = enum.auto()
    DONE = enum.auto()


class Task:
    """One call of `func` with `args`.

    Each `resume` says why it stopped. After `Stop.RETURNED`, `result` is the value; after `Stop.TRAPPED`,
    `trap` is what ended the call and the instance is poisoned; after `Stop.BLOCKED`, `blocked` says what
    the host is waited for. A task that is not resumed to its end must be cancelled.
    """

    __slots__ = ("_activation", "_context", "_cx", "_stop", "args", "func", "result", "state", "trap")

    def __init__(self, func: LiftedFunc, args: Sequence[Any]) -> None:
        if len(args) != len(func.type.params):
            raise ValueTypeError(
                f"{func.name!r} takes {len(func.type.params)} arguments ({func.type}), {len(args)} were given"
            )
        self.func = func
        self.args = args
        self.result: Any = None
        self.trap: BaseException | None = None
        self.state = State.NEW
        self._stop = Stop.SLICE_END
        self._activation: Activation | None = None
        self._context = [0, 0]
        self._cx = Context(func.options, func.instance, CallScope())

    @property
    def blocked(self) -> Any:
        """What the guest waits for, after `Stop.BLOCKED`: a `Blocked`, or an awaitable (see `deliver`)."""
        if self._stop is not Stop.BLOCKED or self._activation is None:
            return None
        return self._activation.blocked

    def resume(self, slice: int | None = None) -> Stop:
        """Go on for about `slice` units of fuel (None: to the end).

        Raises ValueTypeError if an argument does not fit its type; nothing has happened then. An exception
        of a host function propagates, or is left in `trap`, as the machine does it.
        """
        if self.state is State.DONE:
            return self._stop
        try:
            if self.state is State.NEW and not self._start():
                return self._stop
            return self._run(slice)
        except Trap as trap:
            return self._fail(trap)
        except ValueTypeError as error:
            if self.state is State.NEW:
                self._withdraw()
            else:
                self._fail(error)
            raise
        except BaseException as error:
            self._fail(error)
            raise

    def deliver(self, answer: Any) -> None:
        """Say what the awaitable in `blocked` gave; the next `resume` goes on with it."""
        if self._activation is not None:
            self._activation.deliver(answer)
            self._stop = Stop.SLICE_END

    def cancel(self, reason: BaseException | None = None) -> None:
        """Give the call up, for `reason`. An instance in the middle of a call is poisoned by it."""
        if reason is None:
            reason = Trap("the call was cancelled", "cancelled")
        if self.state is State.NEW:
            self.state, self._stop, self.trap = State.DONE, Stop.TRAPPED, reason
        elif self.state is not State.DONE:
            self._fail(reason)

    def park(self) -> None:
        """Let other calls into the instance while this one is blocked.

        Against the component model's rule, for hosts whose interfaces need it (a `serve` import during
        which handlers are called).
        """
        instance = self.func.instance
        self._context = instance.context
        instance.leave(None)

    def unpark(self) -> None:
        """End `park`; Trap if another call is in progress, or has poisoned the instance."""
        instance = self.func.instance
        instance.enter(None)
        instance.context = self._context

    def _start(self) -> bool:
        """Enter the instance and lower the arguments; False if it can't be entered."""
        func = self.func
        try:
            func.instance.enter(None)
        except Trap as trap:
            self.state, self._stop, self.trap = State.DONE, Stop.TRAPPED, trap
            return False
        flat = func.lower_params(self._cx, self.args)
        self._activation = Activation(func.instance.store, func.core, flat)
        self.state = State.RUNNING
        return True

    def _run(self, slice: int | None) -> Stop:
        activation = self._activation
        assert activation is not None
        stop = activation.resume(slice)
        if stop is Stop.RETURNED and self.state is State.RUNNING:
            self.result = self.func.lift_result(self._cx, activation.results)
            self._cx.scope.check_borrows_dropped()
            self._cx.scope.end()
            post_return = self.func.options.post_return
            if post_return is not None:
                self.func.instance.may_leave = False
                self._activation = activation = Activation(
                    self.func.instance.store, post_return, list(activation.results)
                )
                self.state = State.RETURNING
                stop = activation.resume(slice)
        if stop is Stop.RETURNED:
            self.func.instance.may_leave = True
            self.func.instance.leave(None)
            self.state = State.DONE
        elif stop is Stop.TRAPPED:
            return self._fail(activation.trap)
        self._stop = stop
        return stop

    def _fail(self, trap: BaseException | None) -> Stop:
        """Poison the instance; what the host lent is the host's again."""
        self.func.instance.poisoned = True
        self._cx.scope.end()
        if self._stop is Stop.BLOCKED and hasattr(self.blocked, "close"):
            self.blocked.close()  # an awaitable that nobody will await
        self._activation = None
        self.result = None
        self.state, self._stop, self.trap = State.DONE, Stop.TRAPPED, trap
        return Stop.TRAPPED

    def _withdraw(self) -> None:
        """Undo the start of a call whose arguments don't fit."""
        self._cx.scope.roll_back()
        self.func.instance.leave(None)
        self.state, self._stop = State.DONE, Stop.TRAPPED


def call(func: LiftedFunc, args: Sequence[Any]) -> Any:
    """Call `func` and wait for its value; the host is waited for where it blocks the guest.

    Raises what ended the call: Trap, an exception of a host function, or ValueTypeError for an argument
    that does not fit. Trap "all fuel consumed" when the store's fuel runs out.
    """
    task = Task(func, args)
    while True:
        stop = task.resume()
        if stop is Stop.RETURNED:
            return task.result
        if stop is Stop.OUT_OF_FUEL:
            task.cancel(Trap("all fuel consumed", "out-of-fuel"))
        elif stop is Stop.BLOCKED:
            reason = wait(func.instance.store, task.blocked)
            if reason is not None:
                task.cancel(reason)
        if task.trap is not None:
            raise task.trap


#: Seconds between two looks at what may end a wait.
_TICK = 0.05


def wait(store: Store, blocked: Any) -> Trap | None:
    """Wait until `blocked` may be tried again; the trap, if the store's deadline comes first."""
    if not isinstance(blocked, Blocked):
        return Trap(
            "a host function awaits, which needs an event loop to drive the call", "await-in-sync-call"
        )
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
