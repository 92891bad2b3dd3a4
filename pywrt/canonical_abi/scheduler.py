"""The threads of a store that wait for their turn, and the runs of guest code that are in progress.

Spec: CanonicalABI.md#embedding (Store.tick)

Strategy: guest code runs in `Run`s, each an activation of the machine which ends when its last thread has
blocked or ended. The host begins a run to call a function, and for a thread whose turn it is. Within a run
threads go on with one another as the specification says, without a choice; the scheduler chooses
only between runs. A run can be at the end of a slice or wait for the host: then the instances that it is in
can't be entered, and runs in others go on. Whoever drives the store runs whatever is next, and for no
one's code but its own waits where that waits: such a run is set aside until the host has an answer.

Turns go round, in the order in which threads became ready, so that a store's history repeats; with a
`random` they are drawn.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pywrt.api.calls import running_task
from pywrt.canonical_abi.streams import CopyEnd
from pywrt.canonical_abi.turns import Gate
from pywrt.canonical_abi.waitables import Subtask
from pywrt.engine.machine import Activation, Step, Stop, finish
from pywrt.engine.stops import call_stack_exhausted
from pywrt.errors import Trap
from pywrt.runtime.store import Store

if TYPE_CHECKING:
    from random import Random

    from pywrt.canonical_abi.guest_task import GuestTask
    from pywrt.canonical_abi.instance import ComponentInstance
    from pywrt.canonical_abi.threads import Thread


#: Called with what was awaited: its value, or what it raised.
Done = Callable[[Any, "BaseException | None"], None]


#: What all threads that don't run may hold together, in depths of the deepest one.
HELD_DEPTHS = 16


class Run:
    """A stretch of guest code; `entered` are the instances that it has been in.

    `failure` is what ended it, other than its end; those that it was in can't be entered any more. `driven`
    says whether someone goes on with it, and `owner` is the task of asyncio that does, or None. `task` is
    what it was begun for; `give_up` ends what it waits for where it was set aside.
    """

    __slots__ = ("activation", "driven", "entered", "failure", "give_up", "owner", "task")

    def __init__(self, task: GuestTask | None = None) -> None:
        self.task = task
        self.activation: Activation | None = None
        self.entered: set[ComponentInstance] = set()
        self.failure: BaseException | None = None
        self.driven = True
        self.owner: Any = None
        self.give_up: Callable[[], object] | None = None

    def poisoned(self) -> list[ComponentInstance]:
        """The instances that were in a call when it failed."""
        return [instance for instance in self.entered if instance.run is self]


def _occupy(instance: ComponentInstance) -> Run:
    """A run that is in `instance`, where no other is, and won't leave it."""
    run = Run()
    run.entered.update(instance.lineage)
    for part in instance.lineage:
        if part.run is None:
            part.run = run
    return run


class Scheduler:
    """What waits and what runs in one store."""

    __slots__ = (
        "completions",
        "current",
        "held",
        "hesitates",
        "left",
        "left_had_turn",
        "operations",
        "polled",
        "queued",
        "random",
        "store",
        "turn",
        "wakers",
        "wakes",
    )

    def __init__(self, store: Store) -> None:
        self.store = store
        #: Instances that have threads queued for a turn, and how many turns there have been.
        self.queued: dict[ComponentInstance, None] = {}
        self.turn = 0
        #: Frames of threads that don't run.
        self.held = 0
        #: Runs at the end of a slice that no driver has.
        self.left: deque[Run] = deque()
        #: Whether the last turn was that of such a run: the next is another's, if there is one.
        self.left_had_turn = False
        #: Runs that the host is to be asked for again, where there is no event loop to say when.
        self.polled: list[Run] = []
        #: The run whose code runs now; at other times, one that nothing else is in.
        self.current = Run()
        #: Draws turns, if it is set; if it `hesitates`, also whether a thread that is ready waits for one.
        self.random: Random | None = None
        self.hesitates = False
        #: What the host has ready for a guest: each with the instance to enter for it, if there is one.
        self.completions: deque[tuple[ComponentInstance | None, Callable[[], None]]] = deque()
        #: Operations of the host that aren't over.
        self.operations = 0
        #: Called, once, when there may be something to do.
        self.wakers: list[Callable[[], None]] = []
        #: How often there has been.
        self.wakes = 0

    # Choosing

    def skips_turn(self, gives_way: bool) -> bool:
        """Whether a thread that is ready goes on without waiting for a turn."""
        if self.random is not None and self.hesitates and not gives_way:
            return self.random.random() < 0.5
        return not gives_way

    def choose(self, threads: list[Thread]) -> Thread:
        """One of `threads`, which is not empty."""
        return threads[0] if self.random is None else self.random.choice(threads)

    def next_turn(self, instance: ComponentInstance) -> int:
        """The number of the turn of a thread of `instance` that is queued now."""
        self.queued[instance] = None
        self.turn += 1
        return self.turn

    def next_within(self, instance: ComponentInstance) -> Thread | None:
        """The thread of `instance` that goes on within a synchronous call of it. Spec: canon_lift"""
        if self.random is None:
            return instance.turns.first_at(Gate.NONE)
        threads = instance.turns.all_at((Gate.NONE,))
        return self.choose(threads) if threads else None

    def next_run(self) -> Run | None:
        """The run of a thread, or of something of the host's, whose turn it is; None if there is none.

        One without an activation is over.
        """
        if self.left and not self.left_had_turn:
            return self._next_left()
        self.left_had_turn = False
        for _ in range(len(self.completions)):
            instance, complete = self.completions.popleft()
            if instance is None or instance.may_enter_from(None):
                return self._complete(instance, complete)
            if not instance.poisoned:
                self.completions.append((instance, complete))
        thread = self._next_thread()
        if thread is None:
            return self._next_left() if self.left else None
        instance = thread.instance

        def end() -> Step:
            instance.leave(None)
            return finish()

        def enter() -> Step:
            instance.enter(None)
            return thread.go(end)

        return self.begin(enter, thread.task)

    def _next_left(self) -> Run:
        run = self.left.popleft()
        run.driven = self.left_had_turn = True
        return run

    def _next_thread(self) -> Thread | None:
        for instance in [instance for instance in self.queued if not instance.turns]:
            del self.queued[instance]
        instances = [instance for instance in self.queued if instance.may_enter_from(None)]
        if self.random is None:
            firsts = [instance.turns.first() for instance in instances]
            return min(filter(None, firsts), key=lambda thread: thread.turn, default=None)
        threads = [thread for instance in instances for thread in instance.turns.all_at()]
        return self.choose(threads) if threads else None

    def hold(self, frames: int) -> None:
        """Account for the frames of a thread that stops; Trap if all such threads have too many."""
        self.held += frames
        if self.held > HELD_DEPTHS * self.store.config.max_call_depth:
            raise call_stack_exhausted()

    def act_in(self, instance: ComponentInstance, act: Callable[[], None]) -> None:
        """Do something of the host's, within `instance`. What `act` raises poisons the instance."""
        run = Run()
        outer, self.current = self.current, run
        try:
            instance.enter(None)
            act()
            instance.leave(None)
        except Exception as error:
            self.end(run, error)
            raise
        finally:
            self.current = outer

    def _complete(self, instance: ComponentInstance | None, complete: Callable[[], None]) -> Run:
        """A run of the host's own, which is over."""
        if instance is None:
            complete()
            return Run()
        try:
            self.act_in(instance, complete)
        except Exception:  # it is the instance's: who waits for that gets it
            pass
        return Run()

    # Running

    def begin(self, enter: Callable[[], Step], task: GuestTask) -> Run:
        """The run for `task` that begins with the step that `enter` gives, having entered what it must."""
        run = Run(task)
        outer, self.current = self.current, run
        try:
            run.activation = Activation.of_step(self.store, enter())
        finally:
            self.current = outer
        return run

    def resume(self, run: Run, slice: int | None) -> Stop:
        """Go on with `run` for `slice` (see `Activation.resume`); it is over if that RETURNED or TRAPPED."""
        outer, self.current = self.current, run
        assert run.activation is not None
        try:
            stop = run.activation.resume(slice)
        finally:
            self.current = outer
        if stop is Stop.RETURNED or stop is Stop.TRAPPED:
            self.end(run, run.activation.trap)
        return stop

    def end(self, run: Run, failure: BaseException | None) -> None:
        """`run` is over: it has ended, or fails now."""
        if failure is not None:
            run.failure = failure
            self._lose(run.poisoned(), failure)
        self.wake()

    def stop(self, run: Run, error: BaseException) -> None:
        """End `run` where it is, for `error`."""
        if run.give_up is not None:
            run.give_up()
        if run.activation is not None:
            run.activation.cancel(error)
        self.end(run, error)

    def leave_to_others(self, run: Run) -> None:
        """`run` has lost its driver at the end of a slice."""
        run.driven, run.owner = False, None
        self.left.append(run)
        self.wake()

    def poll_later(self, run: Run, ready: Any) -> None:
        """Ask the host again for what `run` waits for, when an event loop has awaited `ready`."""
        run.driven, run.owner = False, None

        def done(value: Any, error: BaseException | None) -> None:
            run.give_up = None
            self.leave_to_others(run)

        run.give_up = self.await_(ready, done)

    def set_aside(self, run: Run, awaitable: Any) -> None:
        """Go on with `run`, which waits for `awaitable` of the host, when an event loop has awaited it.

        Trap if there is none.
        """
        assert run.activation is not None
        activation, run.activation.blocked = run.activation, None
        run.driven, run.owner = False, None

        def done(value: Any, error: BaseException | None) -> None:
            run.give_up = None
            if error is None:
                activation.deliver(value)
            else:
                activation.throw(error)
            self.leave_to_others(run)

        run.give_up = self.await_(awaitable, done)

    def poison(self, instance: ComponentInstance, failure: BaseException) -> None:
        """Let nobody enter `instance` any more: it is in the middle of a call that won't end."""
        self.end(_occupy(instance), failure)

    def _lose(self, instances: list[ComponentInstance], failure: BaseException) -> None:
        """Components of which `instances` are parts can't be entered any more, nor those that wait for them.

        Their threads get no turn, others learn that streams have ended, and the store has their handles back.
        """
        lost = [instance.lineage[-1] for instance in instances]
        done: set[ComponentInstance] = set()
        while lost:
            parts = lost.pop().parts()
            if parts[0] in done:
                continue
            done.update(parts)
            threads = [thread for part in parts for thread in (*part.turns.waiting, *part.threads.values())]
            for thread in dict.fromkeys(threads):
                self.held -= thread.held
                thread.held = 0
                if thread.waits:
                    thread.stop_waiting()
            for task in {thread.task: None for thread in threads}:
                for failed in task.fail(failure):
                    if failed.instance.run is None:
                        _occupy(failed.instance).failure = failure
                        lost.append(failed.instance.lineage[-1])
            ends = [end for part in parts for end in part.handles.values() if isinstance(end, CopyEnd)]
            for part in parts:
                for subtask in part.handles.values():
                    if isinstance(subtask, Subtask):
                        subtask.lose()
                part.handles.clear()
                part.threads.clear()
            for end in ends:
                end.shared.lose(failure)

    # The host's side

    def operate(
        self,
        instance: ComponentInstance | None,
        awaitable: Any,
        settle: Callable[[Any, BaseException | None], None],
    ) -> Callable[[], None]:
        """Have the event loop await something of the host's for `instance`; what is returned gives it up.

        `settle(value, error)` is called when the instance can be entered, if it was not given up. What that
        raises ends what the instance does, as a trap does.
        """
        given_up = False

        def done(value: Any, error: BaseException | None) -> None:
            self.complete(instance, lambda: None if given_up else settle(value, error))

        cancel = self.await_(awaitable, done)

        def give_up() -> None:
            nonlocal given_up
            given_up = True
            cancel()

        return give_up

    def await_(self, awaitable: Any, done: Done) -> Callable[[], None]:
        """Have the event loop that runs await it, and call `done`, unless what is returned gives it up first.

        Trap if there is none.
        """
        if running_task() is None:
            if hasattr(awaitable, "close"):
                awaitable.close()
            raise no_event_loop()
        future = sys.modules["asyncio"].ensure_future(awaitable)
        given_up = False
        self.operations += 1

        def finished(future: Any) -> None:
            self.operations -= 1
            error = (
                Trap("a host function was cancelled", "cancelled")
                if future.cancelled()
                else future.exception()
            )
            if not given_up:
                done(None if error is not None else future.result(), error)

        def give_up() -> None:
            nonlocal given_up
            given_up = True
            future.cancel()

        future.add_done_callback(finished)
        return give_up

    def complete(self, instance: ComponentInstance | None, act: Callable[[], None]) -> None:
        """Have `act` done when `instance` can be entered."""
        self.completions.append((instance, act))
        self.wake()

    def wake(self) -> None:
        """Tell those who wait that there may be something to do."""
        self.wakes += 1
        wakers, self.wakers = self.wakers, []
        for waker in wakers:
            waker()


def no_event_loop() -> Trap:
    """The trap for what needs an event loop, in a call without one."""
    return Trap(
        "a host function awaits, which needs an event loop to drive the call: use call_async",
        "await-in-sync-call",
    )


def scheduler_of(store: Store) -> Scheduler:
    """The scheduler of `store`."""
    found: Scheduler | None = store.data.get(Scheduler)
    if found is None:
        found = store.data[Scheduler] = Scheduler(store)
    return found
