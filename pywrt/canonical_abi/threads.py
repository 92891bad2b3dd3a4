"""Threads of component instances: who runs, who waits, who goes next. Spec: CanonicalABI.md#threads

Strategy: a thread is a chain of frames, and running another one is going on with a step of its chain, all on
the machine's one trampoline. So a thread that doesn't run is `way`, which takes whether it is cancelled and
gives that step. Whoever resumes a thread says what runs when it stops (`on_stop`), be it because it blocks or
because it has ended: the thread that resumed it, the next one of a synchronous call, or nothing, which ends
the activation. What may wait in the middle is a generator, and is called with `yield from`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from pywrt.engine.machine import Step, Switch, Way
from pywrt.errors import Trap

if TYPE_CHECKING:
    from pywrt.canonical_abi.guest_task import GuestTask
    from pywrt.canonical_abi.instance import ComponentInstance

#: What waits: `yield from` it for whether it was cancelled.
Waits = Generator[Any, Any, bool]


def always() -> bool:
    """The condition of a thread that waits for nothing but its turn."""
    return True


class Thread:
    """A thread of `task`: running (`way` is None), suspended, or waiting until `ready` is true.

    `storage` is what `context.get` and `context.set` address, `index` the one in the instance's table, or 0.
    `cancellable` says whether it may be resumed as cancelled.
    """

    __slots__ = ("cancellable", "index", "instance", "on_stop", "ready", "storage", "task", "way")

    def __init__(self, task: GuestTask, way: Way | None = None) -> None:
        self.task = task
        self.instance: ComponentInstance = task.instance
        self.way = way
        self.ready: Callable[[], bool] | None = None
        self.on_stop: Callable[[], Step] | None = None
        self.cancellable = False
        self.index = 0
        self.storage = [0, 0]

    @property
    def suspended(self) -> bool:
        """Whether it goes on when another thread, and nothing else, makes it."""
        return self.way is not None and self.ready is None

    @property
    def needs_stack(self) -> bool:
        """Whether it runs only where no other implicit thread does. Spec: Task.needs_exclusive"""
        task = self.task
        return self is task.implicit and task.func.type.is_async and task.needs_exclusive

    @property
    def is_ready(self) -> bool:
        """Whether it waits for nothing any more."""
        return self.ready is not None and self.way is not None and self.ready()

    def go(self, on_stop: Callable[[], Step], cancelled: bool = False) -> Step:
        """The step by which it goes on; `on_stop` gives what follows when it stops. Spec: Thread.resume"""
        if self.ready is not None:
            self.stop_waiting()
        way, self.way = self.way, None
        assert way is not None
        self.on_stop = on_stop
        self.instance.thread = self
        return way(cancelled)

    def start_waiting(self, ready: Callable[[], bool]) -> None:
        """Go on when `ready` is true, at a turn that the scheduler gives."""
        self.ready = ready
        self.instance.scheduler.waiting[self] = None

    def stop_waiting(self) -> None:
        """It is resumed, or cancelled, or another thread resumes it out of turn."""
        self.ready = None
        del self.instance.scheduler.waiting[self]

    def stop(self) -> Step:
        """What runs once it has blocked or ended."""
        on_stop, self.on_stop = self.on_stop, None
        assert on_stop is not None
        return on_stop()

    # What a running thread does; `yield from` these. Spec: the methods of Thread of these names

    def suspend(self, cancellable: bool) -> Waits:
        """Stop until another thread resumes this one."""
        if self.task.deliver_pending_cancel(cancellable):
            return True
        return (yield from self._block(cancellable))

    def wait_until(
        self, ready: Callable[[], bool], cancellable: bool = False, gives_way: bool = False
    ) -> Waits:
        """Stop until `ready` is true and the scheduler gives a turn.

        Where it is true already, which the specification leaves open, only what gives way stops.
        """
        if self.task.deliver_pending_cancel(cancellable):
            return True
        if self.instance.scheduler.skips_turn(gives_way) and ready():
            return False
        self.start_waiting(ready)
        return (yield from self._block(cancellable))

    def yield_(self, cancellable: bool) -> Waits:
        """Let others have their turn."""
        return self.wait_until(always, cancellable, gives_way=True)

    def suspend_then_resume(self, cancellable: bool, other: Thread) -> Waits:
        """Stop, and let `other`, which is suspended, go on in this one's place."""
        if self.task.deliver_pending_cancel(cancellable):
            return True
        return (yield from self._block(cancellable, other))

    def yield_then_resume(self, cancellable: bool, other: Thread) -> Waits:
        """Let `other`, which is suspended, go on in this one's place, and wait for the next turn."""
        if self.task.deliver_pending_cancel(cancellable):
            return True
        self.start_waiting(always)
        return (yield from self._block(cancellable, other))

    def suspend_then_promote(self, cancellable: bool, other: Thread) -> Waits:
        """`suspend_then_resume` if `other` is ready, else `suspend`."""
        if self.task.deliver_pending_cancel(cancellable):
            return True
        return (yield from self._block(cancellable, other if other.is_ready else None))

    def yield_then_promote(self, cancellable: bool, other: Thread) -> Waits:
        """`yield_then_resume` if `other` is ready, else `yield_`."""
        if self.task.deliver_pending_cancel(cancellable):
            return True
        if not other.is_ready:
            return (yield from self.yield_(cancellable))
        self.start_waiting(always)
        return (yield from self._block(cancellable, other))

    def _block(self, cancellable: bool, other: Thread | None = None) -> Waits:
        """Leave; whether this was cancelled meanwhile is known when the thread is back."""

        def leave(back: Way, left: int) -> Step:
            self.way = back
            self.cancellable = cancellable
            if other is None:
                return self.stop()
            on_stop, self.on_stop = self.on_stop, None
            assert on_stop is not None
            return other.go(on_stop)

        cancelled: bool = yield Switch(leave)
        self.cancellable = False
        return cancelled

    def __repr__(self) -> str:
        state = "running" if self.way is None else "suspended" if self.ready is None else "waiting"
        return f"<Thread {self.index} of {self.task!r}: {state}>"


def check_may_block(instance: ComponentInstance) -> None:
    """Trap in a synchronous call of `instance` that no other thread could bring to its end."""
    if instance.sync_task is not None and not instance.scheduler.ready_within(instance):
        raise cannot_block()


def cannot_block() -> Trap:
    """The trap for a synchronous call that blocks where nothing else can run."""
    return Trap(
        "cannot block a synchronous task before returning "
        "(deadlock detected: event loop cannot make further progress)",
        "cannot-block",
    )
