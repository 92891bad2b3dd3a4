"""Turns: the threads of an instance that wait for theirs. Spec: CanonicalABI.md#embedding (Store.tick)

Strategy: a thread waits for a gate of its instance to be open (most are, always), and it may wait for an
event of one thing. Who needs no event, or whose event has come, stands in the queue of its gate. So the next
turn is the first thread's of a queue whose gate is open, however many wait: nobody is asked again and again.

What has an event tells those who wait for it. It may be gone by the time that a thread is first, since others
wait for it, too; then the thread leaves the queue until the next one.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pywrt.canonical_abi.instance import ComponentInstance
    from pywrt.canonical_abi.threads import Thread


class Gate(enum.IntEnum):
    """What keeps a thread from going on, other than an event."""

    #: Nothing.
    NONE = 0
    #: Nothing, for a thread that has the instance's stack to itself.
    HOLDS_STACK = 1
    #: Another has the stack.
    STACK = 2
    #: The instance takes no calls.
    CALLS = 3
    #: It takes no calls that need the stack.
    CALLS_WITH_STACK = 4


def is_open(gate: Gate, instance: ComponentInstance) -> bool:
    """Whether `gate` lets threads through. Spec: Task.enter_implicit_thread (has_backpressure), canon_lift"""
    if gate >= Gate.CALLS and instance.backpressure:
        return False
    return (gate is not Gate.STACK and gate is not Gate.CALLS_WITH_STACK) or instance.exclusive is None


class Source(Protocol):
    """What has events that threads wait for; it calls their `queue` when there is one."""

    def has_event(self) -> bool:
        """Whether there is one."""

    def add_waiter(self, thread: Thread) -> None:
        """`thread` waits for one."""

    def remove_waiter(self, thread: Thread) -> None:
        """`thread` waits no more."""


class Turns:
    """The threads of `instance` that wait, and those among them that need nothing but their gate."""

    __slots__ = ("_instance", "_queues", "waiting")

    def __init__(self, instance: ComponentInstance) -> None:
        self._instance = instance
        self._queues: dict[Gate, OrderedDict[Thread, None]] = {}
        self.waiting: dict[Thread, None] = {}

    def add(self, thread: Thread) -> None:
        """Queue a thread."""
        queue = self._queues.get(thread.gate)
        if queue is None:
            queue = self._queues[thread.gate] = OrderedDict()
        queue[thread] = None

    def remove(self, thread: Thread) -> None:
        """Take a thread out."""
        queue = self._queues[thread.gate]
        queue.pop(thread, None)
        if not queue:
            del self._queues[thread.gate]

    def __bool__(self) -> bool:
        """Whether any thread is queued."""
        return bool(self._queues)

    def first(self) -> Thread | None:
        """The one that was queued first among those that may go on."""
        firsts = [thread for gate in tuple(self._queues) if (thread := self.first_at(gate)) is not None]
        return min(firsts, key=lambda thread: thread.turn, default=None)

    def first_at(self, gate: Gate) -> Thread | None:
        """The first of those that wait for `gate`, if it is open."""
        while gate in self._queues and is_open(gate, self._instance):
            thread = next(iter(self._queues[gate]))
            if thread.source is None or thread.source.has_event():
                return thread
            thread.leave_queue()
        return None

    def all_at(self, gates: tuple[Gate, ...] = tuple(Gate)) -> list[Thread]:
        """All that may go on, in a sequence that repeats; for those who draw."""
        threads = [thread for gate in gates for thread in self._queues.get(gate, ())]
        return [thread for thread in threads if thread.is_ready]
