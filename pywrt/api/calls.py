"""Which calls of a store are in progress: who may start another, and who hears of an interrupt.

Strategy: the machine is stackless, so calls of one store can take turns at the ends of their slices. A guest
is not re-entrant, though: compiled code keeps its stack in memory, and a call that came in between two
instructions of another, or that returned after one that began later, would overwrite it. So an instance has
one call from outside at a time, and more only within it, from a host function that it has called. Calls of
different instances take turns; that instances which share a memory aren't called at once is the embedder's
concern. `interrupt` alone is called by other threads: it sets flags, and wakes the loops whose calls wait.
"""

import sys
import time
from threading import get_ident
from typing import Any, Protocol

from pywrt.engine.machine import Stop
from pywrt.errors import Trap, WasmError
from pywrt.runtime.instance import Instance
from pywrt.runtime.store import Store


def running_task() -> Any:
    """The task of asyncio that runs this; None outside of one.

    asyncio is looked up where it is if its loop runs: `import pywrt` does without it, and stays fast.
    """
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None


class Drivable(Protocol):
    """What a task of asyncio drives, slice by slice: an `Activation`, or what does as one does."""

    @property
    def blocked(self) -> Any: ...
    def resume(self, slice: int | None = None) -> Stop: ...
    def deliver(self, results: Any, /) -> None: ...
    def throw(self, error: BaseException) -> None: ...
    def cancel(self, error: BaseException) -> BaseException: ...
    def fail_for_fuel(self) -> BaseException: ...

    trap: BaseException | None


class AsyncCall:
    """A call that a task of asyncio drives.

    `stopped` is what ends it at its next turn. `patience` is the `asyncio.Timeout` around what it waits for.
    """

    __slots__ = ("_before", "activation", "instance", "loop", "patience", "stopped", "store", "task")

    def __init__(self, store: Store, activation: Drivable, instance: Instance | None) -> None:
        self.store = store
        self.activation = activation
        self.instance = instance
        self.loop: Any = None
        self.task: Any = None
        self.patience: Any = None
        self.stopped: Trap | None = None
        self._before: AsyncCall | None = None

    def set_alarm(self) -> None:
        """End the wait that there is when it must end: now if the call was stopped, or at the deadline."""
        if self.patience is None or self.patience.expired():
            return
        if self.stopped is not None or self.store.interrupted:
            self.patience.reschedule(self.loop.time())
        elif self.store.deadline is None:
            self.patience.reschedule(None)
        else:
            self.patience.reschedule(self.loop.time() + self.store.deadline - time.monotonic())

    def stop(self) -> None:
        """Raise what `stopped` says, if it does; the call is over then."""
        if self.stopped is not None:
            self.store.interrupted = False  # this call is one of those that it meant
            raise self.activation.cancel(self.stopped)

    def expire(self) -> None:
        """Raise what ended the wait before there was an answer."""
        self.stop()
        if self.store.interrupted:
            self.store.interrupted = False
            raise self.activation.cancel(Trap("interrupted", "interrupt"))
        raise self.activation.cancel(Trap("deadline exceeded", "deadline"))


class Calls:
    """The calls in progress of one store.

    `thread` runs one now, if it isn't None; `innermost` is, by instance, the call within which another may
    begin.
    """

    __slots__ = ("_async", "closed", "innermost", "state", "thread")

    def __init__(self, state: Store) -> None:
        self.state = state
        self.closed = False
        self.thread: int | None = None
        self.innermost: dict[Instance, AsyncCall] = {}
        self._async: dict[AsyncCall, None] = {}

    def check_open(self) -> None:
        """WasmError if the store is closed, or another thread is in it."""
        if self.closed:
            raise WasmError("the store is closed")
        if self.thread is not None and self.thread != get_ident():
            raise WasmError("the store is in use by another thread: give each thread a store of its own")

    def check(self, instance: Instance | None) -> None:
        """WasmError if no call of a function of `instance` may begin here and now."""
        self.check_open()
        if instance in self.innermost and self.innermost[instance].task is not running_task():
            raise WasmError(
                f"the instance {instance.name or 'of the function'} is in a call of another task: await that "
                "first (calls nest within host functions of one task; other instances may be called)"
            )

    def enter(self, call: AsyncCall) -> None:
        """Note a call that begins, in the task that runs; `check` has allowed it."""
        self._async[call] = None
        if call.instance is not None:
            call._before = self.innermost.get(call.instance)
            self.innermost[call.instance] = call

    def leave(self, call: AsyncCall) -> None:
        """Note that a call is over."""
        self._async.pop(call, None)
        if call.instance is None:
            return
        if call._before is None:
            self.innermost.pop(call.instance, None)
        else:
            self.innermost[call.instance] = call._before

    def interrupt(self) -> None:
        """Stop all calls in progress, or the next one if there are none. From any thread."""
        # the list first: a call that begins once another has taken the flag isn't meant
        calls = list(self._async)
        self.state.interrupted = True
        self._stop(calls, "interrupted", "interrupt")

    def deadline_changed(self) -> None:
        """Let calls that wait know."""
        for call in self._async:
            call.set_alarm()

    def close(self) -> None:
        """Refuse further calls, and stop those that are in progress. WasmError from within one."""
        if self.closed:
            return
        self.check_open()
        if self.state.running is not None:
            raise WasmError("the store is in a call: it can be closed when that has returned")
        self.closed = True
        self._stop(list(self._async), "the store was closed", "closed")

    def _stop(self, calls: list[AsyncCall], message: str, code: str) -> None:
        for call in calls:
            call.stopped = Trap(message, code)
            try:
                call.loop.call_soon_threadsafe(call.set_alarm)
            except RuntimeError:  # that loop was closed, and the call with it
                pass
