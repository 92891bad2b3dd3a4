"""Threads of component instances: who runs, who waits, who goes next. Spec: CanonicalABI.md#threads

Strategy: a thread is a chain of frames, and running another one is going on with a step of its chain, all on
the machine's one trampoline. So a thread that doesn't run is `way`, which takes whether it is cancelled and
gives that step. Whoever resumes a thread says what runs when it stops (`on_stop`), be it because it blocks or
because it has ended: the thread that resumed it, the next one of a synchronous call, or nothing, which ends
the activation. What may wait in the middle is a generator, and is called with `yield from`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, ClassVar

from pywrt.canonical_abi.turns import Gate, Source, is_open
from pywrt.engine.machine import Step, Switch, Way
from pywrt.errors import Trap

if TYPE_CHECKING:
    from pywrt.canonical_abi.guest_task import GuestTask
    from pywrt.canonical_abi.instance import ComponentInstance

#: What waits: `yield from` it for whether it was cancelled.
Waits = Generator[Any, Any, bool]


class Thread:
    """A thread of `task`: running (`way` is None), suspended, or waiting for `gate` and an event of `source`.

    `storage` is what `context.get` and `context.set` address, `index` the one in the instance's table, or 0.
    `cancellable` says whether it may be resumed as cancelled, `turn` when it was queued for its turn, or 0.
    `depth` calls may be nested in it, and `held` are while it doesn't run.
    """

    #: In handles: it has a chain of frames, and a task.
    cost: ClassVar[int] = 16

    __slots__ = (
        "cancellable",
        "depth",
        "gate",
        "held",
        "index",
        "instance",
        "on_stop",
        "source",
        "storage",
        "task",
        "turn",
        "waits",
        "way",
    )

    def __init__(self, task: GuestTask, way: Way | None = None) -> None:
        self.task = task
        self.instance: ComponentInstance = task.instance
        self.way = way
        self.on_stop: Callable[[], Step] | None = None
        self.cancellable = False
        self.index = 0
        self.storage = [0, 0]
        self.waits = False
        self.gate = Gate.NONE
        self.source: Source | None = None
        self.turn = 0
        self.depth = task.instance.store.config.max_call_depth
        self.held = 0

    @property
    def suspended(self) -> bool:
        """Whether it goes on when another thread, and nothing else, makes it."""
        return self.way is not None and not self.waits

    @property
    def needs_stack(self) -> bool:
        """Whether it runs only where no other implicit thread does. Spec: Task.needs_exclusive"""
        task = self.task
        return self is task.implicit and task.func.type.is_async and task.needs_exclusive

    @property
    def is_ready(self) -> bool:
        """Whether it waits for nothing any more."""
        return (
            self.waits
            and self.way is not None
            and is_open(self.gate, self.instance)
            and (self.source is None or self.source.has_event())
        )

    def go(self, on_stop: Callable[[], Step], cancelled: bool = False) -> Step:
        """The step by which it goes on; `on_stop` gives what follows when it stops. Spec: Thread.resume"""
        if self.waits:
            self.stop_waiting()
        self.instance.scheduler.held -= self.held
        self.held = 0
        way, self.way = self.way, None
        assert way is not None
        self.on_stop = on_stop
        self.instance.thread = self
        return way(cancelled)

    def start_waiting(self, gate: Gate = Gate.NONE, source: Source | None = None) -> None:
        """Go on when `gate` is open and there is an event of `source`, at a turn that the scheduler gives."""
        self.waits = True
        self.gate = Gate.HOLDS_STACK if gate is Gate.NONE and self.needs_stack else gate
        self.source = source
        self.instance.turns.waiting[self] = None
        if source is not None:
            source.add_waiter(self)
        if source is None or source.has_event():
            self.queue()

    def stop_waiting(self) -> None:
        """It is resumed, or cancelled, or another thread resumes it out of turn."""
        if self.turn:
            self.leave_queue()
        if self.source is not None:
            self.source.remove_waiter(self)
        self.source = None
        self.waits = False
        del self.instance.turns.waiting[self]

    def queue(self) -> None:
        """It has the event that it waits for, or needs none: it is its turn after those that are queued."""
        if not self.turn:
            self.turn = self.instance.scheduler.next_turn(self.instance)
            self.instance.turns.add(self)

    def leave_queue(self) -> None:
        """It is not its turn any more."""
        self.turn = 0
        self.instance.turns.remove(self)

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
        self,
        gate: Gate = Gate.NONE,
        source: Source | None = None,
        cancellable: bool = False,
        gives_way: bool = False,
    ) -> Waits:
        """Stop until `gate` is open and there is an event of `source`, and the scheduler gives a turn.

        Where that is so already, which the specification leaves open, only what gives way stops.
        """
        if self.task.deliver_pending_cancel(cancellable):
            return True
        ready = is_open(gate, self.instance) and (source is None or source.has_event())
        if ready and self.instance.scheduler.skips_turn(gives_way):
            return False
        self.start_waiting(gate, source)
        return (yield from self._block(cancellable))

    def yield_(self, cancellable: bool) -> Waits:
        """Let others have their turn."""
        return self.wait_until(cancellable=cancellable, gives_way=True)

    def suspend_then_resume(self, cancellable: bool, other: Thread) -> Waits:
        """Stop, and let `other`, which is suspended, go on in this one's place."""
        if self.task.deliver_pending_cancel(cancellable):
            return True
        return (yield from self._block(cancellable, other))

    def yield_then_resume(self, cancellable: bool, other: Thread) -> Waits:
        """Let `other`, which is suspended, go on in this one's place, and wait for the next turn."""
        if self.task.deliver_pending_cancel(cancellable):
            return True
        self.start_waiting()
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
        self.start_waiting()
        return (yield from self._block(cancellable, other))

    def _block(self, cancellable: bool, other: Thread | None = None) -> Waits:
        """Leave; whether this was cancelled meanwhile is known when the thread is back."""

        def leave(back: Way, left: int) -> Step:
            self.way = back
            self.cancellable = cancellable
            self.held = self.depth - left
            self.instance.scheduler.hold(self.held)
            if other is None:
                return self.stop()
            on_stop, self.on_stop = self.on_stop, None
            assert on_stop is not None
            return other.go(on_stop)

        cancelled: bool = yield Switch(leave)
        self.cancellable = False
        return cancelled

    def __repr__(self) -> str:
        state = "running" if self.way is None else "waiting" if self.waits else "suspended"
        return f"<Thread {self.index} of {self.task!r}: {state}>"


def check_may_block(instance: ComponentInstance) -> None:
    """Trap in a synchronous call of `instance` that no other thread could bring to its end."""
    if instance.sync_task is not None and instance.scheduler.next_within(instance) is None:
        raise cannot_block()


def cannot_block() -> Trap:
    """The trap for a synchronous call that blocks where nothing else can run."""
    return Trap(
        "cannot block a synchronous task before returning "
        "(deadlock detected: event loop cannot make further progress)",
        "cannot-block",
    )
