"""The threads of a store that wait for their turn, and the runs of guest code that are in progress.

Spec: CanonicalABI.md#embedding (Store.tick)

Strategy: guest code runs in `Run`s, each an activation of the machine which ends when its last thread has
blocked or ended. The host begins a run to call a function, and for a thread whose turn it is. Within a run
threads go on with one another as the specification says, without a choice; the scheduler chooses
only between runs. A run can be at the end of a slice or wait for the host: then the instances that it is in
can't be entered, and runs in others go on.

Turns go round in the order of waiting, so that a store's history repeats; with a `random` they are drawn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pywrt.canonical_abi.waitables import Waitable
from pywrt.engine.machine import Activation, Step, Stop, finish
from pywrt.runtime.store import Store

if TYPE_CHECKING:
    from random import Random

    from pywrt.canonical_abi.instance import ComponentInstance
    from pywrt.canonical_abi.threads import Thread


#: launch(awaitable, done) -> cancel; `done(value, error)` is called with the outcome.
Launch = Callable[[Any, Callable[[Any, "BaseException | None"], None]], Callable[[], object]]


class Run:
    """A stretch of guest code; `entered` are the instances that it has been in.

    `failure` is what ended it, other than its end; those that it was in can't be entered any more. `owner` is
    the task of asyncio whose call it began for, or None.
    """

    __slots__ = ("activation", "entered", "failure", "owner")

    def __init__(self) -> None:
        self.activation: Activation | None = None
        self.entered: set[ComponentInstance] = set()
        self.failure: BaseException | None = None
        self.owner: Any = None

    def poisoned(self) -> list[ComponentInstance]:
        """The instances that were in a call when it failed."""
        return [instance for instance in self.entered if instance.run is self]


class Scheduler:
    """What waits and what runs in one store."""

    __slots__ = (
        "completions",
        "current",
        "hesitates",
        "launch",
        "left",
        "operations",
        "random",
        "store",
        "waiting",
        "wakers",
    )

    def __init__(self, store: Store) -> None:
        self.store = store
        #: The threads that wait, in that order.
        self.waiting: dict[Thread, None] = {}
        #: Runs at the end of a slice that no driver has.
        self.left: deque[Run] = deque()
        #: The run whose code runs now; at other times, one that nothing else is in.
        self.current = Run()
        #: Draws turns, if it is set; if it `hesitates`, also whether a thread that is ready waits for one.
        self.random: Random | None = None
        self.hesitates = False
        #: What the host has ready for a guest: each with the instance to enter for it, if there is one.
        self.completions: deque[tuple[ComponentInstance | None, Callable[[], None]]] = deque()
        #: Operations of the host that aren't over.
        self.operations = 0
        #: Has a coroutine of the host awaited; None outside of an event loop.
        self.launch: Launch | None = None
        #: Called, once, when there may be something to do.
        self.wakers: list[Callable[[], None]] = []

    # Choosing

    def skips_turn(self, gives_way: bool) -> bool:
        """Whether a thread that is ready goes on without waiting for a turn."""
        if self.random is not None and self.hesitates:
            return self.random.random() < 0.5
        return not gives_way

    def choose(self, threads: list[Thread]) -> Thread:
        """One of `threads`, which is not empty."""
        return threads[0] if self.random is None else self.random.choice(threads)

    def ready_within(self, instance: ComponentInstance) -> list[Thread]:
        """The threads of `instance` that could go on within a synchronous call of it. Spec: canon_lift"""
        return [
            thread
            for thread in self.waiting
            if thread.instance is instance and thread.index and not thread.needs_stack and thread.is_ready
        ]

    def next_run(self) -> Run | None:
        """The run of a thread, or of something of the host's, whose turn it is; None if there is none.

        One without an activation is over.
        """
        if self.left:
            return self.left.popleft()
        for _ in range(len(self.completions)):
            instance, complete = self.completions.popleft()
            if instance is None or instance.may_enter_from(None):
                return self._complete(instance, complete)
            if not instance.poisoned:
                self.completions.append((instance, complete))
        thread = self._next_thread()
        if thread is None:
            return None
        instance = thread.instance

        def end() -> Step:
            instance.leave(None)
            return finish()

        def enter() -> Step:
            instance.enter(None)
            return thread.go(end)

        return self.begin(enter)

    def _next_thread(self) -> Thread | None:
        ready = (t for t in self.waiting if t.is_ready and t.instance.may_enter_from(None))
        if self.random is None:
            return next(ready, None)
        drawn = list(ready)
        return self.random.choice(drawn) if drawn else None

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
        try:
            if instance is None:
                complete()
            else:
                self.act_in(instance, complete)
        except Exception:
            assert instance is not None  # which has the error
        return Run()

    # Running

    def begin(self, enter: Callable[[], Step]) -> Run:
        """The run that begins with the step that `enter` gives, once it has entered what is to be entered."""
        run = Run()
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
            self._forget(run)
        self.wake()

    def stop(self, run: Run, error: BaseException) -> None:
        """End `run` where it is, for `error`."""
        if run.activation is not None:
            run.activation.cancel(error)
        self.end(run, error)

    def leave_to_others(self, run: Run) -> None:
        """`run` has lost its driver at the end of a slice."""
        self.left.append(run)
        self.wake()

    def poison(self, instance: ComponentInstance, failure: BaseException) -> None:
        """Let nobody enter `instance` any more: it is in the middle of a call that won't end."""
        run = Run()
        run.entered.update(instance.lineage)
        for part in instance.lineage:
            if part.run is None:
                part.run = run
        self.end(run, failure)

    def _forget(self, run: Run) -> None:
        """Threads of instances that can't be entered any more get no turn; who waits for them can't go on."""
        assert run.failure is not None
        poisoned = set(run.poisoned())
        for instance in poisoned:
            for entry in instance.handles.values():
                if isinstance(entry, Waitable):
                    entry.fail(run.failure)
        waiting = [thread for thread in self.waiting if thread.instance in poisoned]
        for thread in waiting:
            thread.stop_waiting()
        threads = [thread for instance in poisoned for thread in instance.threads.values()]
        for task in {thread.task: None for thread in waiting + threads}:
            for failed in task.fail(run.failure):
                if failed.instance.run is None:
                    self.poison(failed.instance, run.failure)

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
        assert self.launch is not None
        self.operations += 1
        given_up = False

        def done(value: Any, error: BaseException | None) -> None:
            self.operations -= 1
            if not given_up:
                self.complete(instance, lambda: None if given_up else settle(value, error))

        cancel = self.launch(awaitable, done)

        def give_up() -> None:
            nonlocal given_up
            given_up = True
            cancel()

        return give_up

    def complete(self, instance: ComponentInstance | None, act: Callable[[], None]) -> None:
        """Have `act` done when `instance` can be entered."""
        self.completions.append((instance, act))
        self.wake()

    def wake(self) -> None:
        """Tell those who wait that there may be something to do."""
        wakers, self.wakers = self.wakers, []
        for waker in wakers:
            waker()


def scheduler_of(store: Store) -> Scheduler:
    """The scheduler of `store`."""
    found: Scheduler | None = store.data.get(Scheduler)
    if found is None:
        found = store.data[Scheduler] = Scheduler(store)
    return found
