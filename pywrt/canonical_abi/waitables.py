"""What a guest waits for: waitables, sets of them, and subtasks. Spec: CanonicalABI.md#waitable-state

An event is (code, index of the waitable, payload). It is made when it is delivered, since only then it is
known how far a copy has come: a waitable holds what makes it.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, ClassVar

from pywrt.errors import Trap

if TYPE_CHECKING:
    from pywrt.canonical_abi.handles import CallScope
    from pywrt.canonical_abi.threads import Thread
    from pywrt.canonical_abi.turns import Gate

Event = tuple[int, int, int]


class EventCode(enum.IntEnum):
    """Spec: EventCode"""

    NONE = 0
    SUBTASK = 1
    STREAM_READ = 2
    STREAM_WRITE = 3
    FUTURE_READ = 4
    FUTURE_WRITE = 5
    TASK_CANCELLED = 6


NO_EVENT: Event = (EventCode.NONE, 0, 0)
TASK_CANCELLED: Event = (EventCode.TASK_CANCELLED, 0, 0)

#: What an asynchronous built-in answers that has not come to its end.
BLOCKED = 0xFFFF_FFFF


class Waitable:
    """Something with events. `pending` makes the one that waits to be delivered."""

    __slots__ = ("pending", "sync_waiter", "waitable_set")

    #: In handles: what it holds, and what holds it, takes so many times as much memory as one to a resource.
    cost: ClassVar[int] = 8

    def __init__(self) -> None:
        self.pending: Callable[[], Event] | None = None
        self.waitable_set: WaitableSet | None = None
        #: The thread that waits for it, other than by way of a set. Spec: has_sync_waiter
        self.sync_waiter: Thread | None = None

    def has_event(self) -> bool:
        """Whether an event waits."""
        return self.pending is not None

    def announce(self, event: Callable[[], Event]) -> None:
        """There is an event now, in place of one that waits; `event` makes it."""
        self.pending = event
        if self.sync_waiter is not None:
            self.sync_waiter.queue()
        elif self.waitable_set is not None:
            self.waitable_set.announce(self)

    def take_event(self) -> Event:
        """Deliver the event that waits."""
        pending = self.pending
        assert pending is not None
        self.forget_event()
        return pending()

    def forget_event(self) -> None:
        """The event that waits, if there is one, is no news any more."""
        self.pending = None
        if self.waitable_set is not None:
            self.waitable_set.ready.pop(self, None)

    def wait(self, thread: Thread) -> Generator[Any, Any, None]:
        """Wait for an event. Spec: Waitable.wait_for_pending_event"""
        self.sync_waiter = thread
        yield from thread.wait_until(source=self)
        self.sync_waiter = None

    def add_waiter(self, thread: Thread) -> None:
        """As `Source` has it."""

    def remove_waiter(self, thread: Thread) -> None:
        """As `Source` has it."""

    def check_usable_alone(self) -> None:
        """Trap if it is in a set: what it is about to do waits for it alone."""
        if self.waitable_set is not None:
            raise used_two_ways()

    def join(self, waitable_set: WaitableSet | None) -> None:
        """Move it to a set, or out of the one it is in."""
        if self.sync_waiter is not None:
            raise used_two_ways()
        if self.waitable_set is not None:
            del self.waitable_set.elements[self]
            self.waitable_set.ready.pop(self, None)
        self.waitable_set = waitable_set
        if waitable_set is not None:
            waitable_set.elements[self] = None
            if self.pending is not None:
                waitable_set.announce(self)

    def drop(self) -> None:
        """Leave the set that it is in."""
        self.join(None)


def used_two_ways() -> Trap:
    """The trap for a waitable that is waited for by itself and by way of a set."""
    return Trap("waitable cannot be used synchronously while added to a waitable set", "waitable-in-use")


class WaitableSet:
    """`ready` are the `elements` that have an event, in the order in which they are delivered."""

    __slots__ = ("elements", "ready", "waiters")

    cost: ClassVar[int] = 4

    def __init__(self) -> None:
        self.elements: dict[Waitable, None] = {}
        self.ready: OrderedDict[Waitable, None] = OrderedDict()
        #: The threads that wait for an event of it. Spec: num_waiting
        self.waiters: dict[Thread, None] = {}

    def has_event(self) -> bool:
        """Whether an element has an event."""
        return bool(self.ready)

    def announce(self, element: Waitable) -> None:
        """`element` has an event."""
        self.ready[element] = None
        for thread in self.waiters:
            thread.queue()

    def take_event(self) -> Event:
        """Deliver the event that has waited longest."""
        return next(iter(self.ready)).take_event()

    def add_waiter(self, thread: Thread) -> None:
        """As `Source` has it."""
        self.waiters[thread] = None

    def remove_waiter(self, thread: Thread) -> None:
        """As `Source` has it."""
        del self.waiters[thread]

    def wait(
        self, thread: Thread, gate: Gate, cancellable: bool, gives_way: bool = False
    ) -> Generator[Any, Any, Event]:
        """Wait for an event and for `gate`. Spec: WaitableSet.wait_for_event_and"""
        cancelled = yield from thread.wait_until(gate, self, cancellable, gives_way)
        return TASK_CANCELLED if cancelled else self.take_event()

    def poll(self, thread: Thread, cancellable: bool) -> Event:
        """The event that there is, or NO_EVENT. Spec: WaitableSet.poll"""
        if thread.task.deliver_pending_cancel(cancellable):
            return TASK_CANCELLED
        return self.take_event() if self.has_event() else NO_EVENT

    def drop(self) -> None:
        """Trap if it is in use."""
        if self.waiters:
            raise Trap("cannot drop waitable set with waiters", "waitable-in-use")
        if self.elements:
            raise Trap("cannot drop waitable set with elements in it", "waitable-in-use")


class SubtaskState(enum.IntEnum):
    """Spec: Subtask.State"""

    STARTING = 0
    STARTED = 1
    RETURNED = 2
    CANCELLED_BEFORE_STARTED = 3
    CANCELLED_BEFORE_RETURNED = 4


class Subtask(Waitable):
    """A call that a guest makes, as its caller sees it. `scope` are the handles that it lends.

    `cancel` is a generator that asks the callee to end. Spec: CanonicalABI.md#subtask-state
    """

    __slots__ = (
        "cancel",
        "cancellation_requested",
        "delivered",
        "flat_results",
        "give_up",
        "on_progress",
        "scope",
        "state",
    )

    def __init__(self, scope: CallScope) -> None:
        super().__init__()
        self.state = SubtaskState.STARTING
        self.scope = scope
        self.cancel: Callable[[Any], Generator[Any, Any, None]] | None = None
        self.cancellation_requested = False
        self.delivered = False
        self.flat_results: list[Any] = []
        #: Gives up what the host does for it.
        self.give_up: Callable[[], None] | None = None
        #: Called when the state has changed, once the caller has it as a waitable.
        self.on_progress: Callable[[], None] | None = None

    def is_resolved(self) -> bool:
        """Whether it has returned or was cancelled."""
        return self.state >= SubtaskState.RETURNED

    def advance(self, state: SubtaskState) -> None:
        """Go over to `state`, and tell the caller."""
        self.state = state
        if self.on_progress is not None:
            self.on_progress()

    def deliver_resolve(self) -> None:
        """The caller knows that it is resolved: what was lent is the lender's again."""
        self.scope.end()
        self.delivered = True

    def lose(self) -> None:
        """The caller has failed: what the host does for it is not needed any more."""
        if self.give_up is not None and not self.is_resolved():
            self.give_up()

    def drop(self) -> None:
        if not self.delivered:
            raise Trap("cannot drop a subtask which has not yet resolved", "subtask-state")
        super().drop()
