"""Tasks: calls of component functions that guests implement. Spec: CanonicalABI.md#tasks, #canon-lift

Strategy: `lifted` is the body of a task's implicit thread, a generator that reads as the specification does.
Whoever calls says where the arguments come from (`on_start`) and where the result goes (`on_resolve`): `func`
does that for calls of guests, `task` for those of the host. A function whose type is not async returns before
its caller goes on, so its body is run on the caller's own chain of frames; of the others each is a chain.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from pywrt.canonical_abi.context import Context
from pywrt.canonical_abi.handles import CallScope
from pywrt.canonical_abi.threads import Thread, Waits, cannot_block
from pywrt.canonical_abi.turns import Gate, is_open
from pywrt.canonical_abi.waitables import NO_EVENT, TASK_CANCELLED, Event, WaitableSet
from pywrt.engine.machine import Call, Step, Switch, Way
from pywrt.errors import Trap, ValueTypeError

if TYPE_CHECKING:
    from pywrt.canonical_abi.func import LiftedFunc
    from pywrt.canonical_abi.instance import ComponentInstance

#: A core function's arguments in, results out.
Body = Generator[Any, Any, None]


class State(enum.Enum):
    """Spec: Task.State"""

    INITIAL = enum.auto()
    STARTED = enum.auto()
    PENDING_CANCEL = enum.auto()
    CANCEL_DELIVERED = enum.auto()
    RESOLVED = enum.auto()


class Callback(enum.IntEnum):
    """What a callback asks for. Spec: CallbackCode"""

    EXIT = 0
    YIELD = 1
    WAIT = 2


class GuestTask:
    """A call of `func`. `on_start()` gives the arguments, `on_resolve(value, returned)` takes the result.

    `returned` is false for a task that was cancelled. `parent` is the task that made the call, or None;
    `failure` what ended it without a result. `refuse(error)` is told that an argument does not fit its type,
    and may raise.
    """

    __slots__ = (
        "context",
        "failure",
        "func",
        "implicit",
        "instance",
        "on_resolve",
        "on_start",
        "parent",
        "refuse",
        "state",
        "threads",
    )

    def __init__(
        self,
        func: LiftedFunc,
        scope: CallScope,
        on_start: Callable[[], Sequence[Any]],
        on_resolve: Callable[[Any, bool], None],
        refuse: Callable[[ValueTypeError], None],
        parent: GuestTask | None = None,
        fused: bool = True,
    ) -> None:
        self.func = func
        self.instance: ComponentInstance = func.instance
        self.context = Context(func.options, func.instance, scope, fused)
        self.on_start = on_start
        self.on_resolve = on_resolve
        self.refuse = refuse
        self.parent = parent
        self.state = State.INITIAL
        self.failure: BaseException | None = None
        self.threads: dict[Thread, None] = {}
        #: None once it has ended: what is over is to go without the collector, and values with it.
        self.implicit: Any = Thread(self)

    @property
    def resolved(self) -> bool:
        """Whether it has returned, or was cancelled."""
        return self.state is State.RESOLVED

    @property
    def needs_exclusive(self) -> bool:
        """Whether its implicit thread runs where no other implicit thread does. Spec: Task.needs_exclusive"""
        options = self.func.options
        return not options.is_async or options.callback is not None

    def fail(self, error: BaseException) -> list[GuestTask]:
        """It can't go on, nor can those that wait for it: all of them."""
        failed: list[GuestTask] = []
        task: GuestTask | None = self
        while task is not None and not task.resolved and task.failure is None:
            task.failure = error
            failed.append(task)
            task = task.parent
        return failed

    # Entering and leaving the instance

    def enter(self) -> Waits:
        """Wait for the instance to take the call; whether it does. Spec: Task.enter_implicit_thread"""
        instance, thread = self.instance, self.implicit
        if self.func.type.is_async:
            # who has the stack and could go on does so first, as in wasmtime: the suite counts on it
            if instance.exclusive is not None and instance.exclusive.is_ready and self.needs_exclusive:
                yield from _resume(instance.exclusive, thread, cancelled=False)
            cancelled = False
            if not is_open(self._gate, instance) or instance.waiting_to_enter:
                instance.waiting_to_enter += 1
                cancelled = yield from thread.wait_until(self._gate, cancellable=True)
                instance.waiting_to_enter -= 1
            if cancelled or self.state is State.PENDING_CANCEL or self._is_orphan():
                self.state = State.CANCEL_DELIVERED
                self.cancel()
                return False
            if self.needs_exclusive:
                instance.exclusive = thread
        self.register(thread)
        return True

    @property
    def _gate(self) -> Gate:
        """What keeps it from entering."""
        return Gate.CALLS_WITH_STACK if self.needs_exclusive else Gate.CALLS

    def _is_orphan(self) -> bool:
        """Whether the component that made the call has failed: it has neither arguments nor an interest."""
        return self.parent is not None and self.parent.instance.poisoned

    def exit(self) -> None:
        """The implicit thread ends. Spec: Task.exit_implicit_thread"""
        self.unregister(self.implicit)
        self.implicit = None
        if self.func.type.is_async and self.needs_exclusive:
            self.instance.exclusive = None

    def register(self, thread: Thread) -> None:
        """Give a thread of this task its index."""
        self.threads[thread] = None
        thread.index = self.instance.threads.add(thread)

    def unregister(self, thread: Thread) -> None:
        """A thread ends; Trap if it was the last, and nothing was returned. Spec: Task.unregister_thread"""
        del self.threads[thread]
        if not self.threads and not self.resolved:
            raise Trap("async-lifted export failed to produce a result", "task-state")
        self.instance.threads.remove(thread.index)
        thread.index = 0

    # Cancellation

    def request_cancellation(self, caller: ComponentInstance | None) -> Body:
        """Ask it to end, unless it was asked or has ended. Spec: Task.request_cancellation"""
        instance = self.instance
        if self.state is not State.INITIAL and self.state is not State.STARTED:
            return
        if self.state is State.INITIAL and self.implicit.way is None:  # at the end of a slice
            self.state = State.PENDING_CANCEL
            return
        if self.state is State.INITIAL:
            self.state = State.CANCEL_DELIVERED
            yield from _resume(self.implicit, instance.thread)
            return
        candidates = [thread for thread in self.threads if thread.cancellable]
        if self.needs_exclusive and instance.exclusive not in (None, self.implicit):
            candidates = [thread for thread in candidates if thread is not self.implicit]
        if candidates and instance.may_enter_from(caller):
            self.state = State.CANCEL_DELIVERED
            instance.enter(caller)
            yield from _resume(instance.scheduler.choose(candidates), instance.thread)
            instance.leave(caller)
        else:
            self.state = State.PENDING_CANCEL

    def deliver_pending_cancel(self, cancellable: bool) -> bool:
        """Whether a request to end is there, which the task hears of now."""
        if cancellable and self.state is State.PENDING_CANCEL:
            self.state = State.CANCEL_DELIVERED
            return True
        return False

    # Arguments and results

    def start(self) -> list[Any]:
        """The core arguments. ValueTypeError if one does not fit its type."""
        self.state = State.STARTED
        on_start, self.on_start = self.on_start, _spent
        return self.func.lower_params(self.context, on_start())

    def return_(self, value: Any) -> None:
        """Spec: Task.return_"""
        self._check_unresolved("task.return")
        self.context.scope.check_borrows_dropped()
        self.on_resolve(value, True)
        self._settle()

    def cancel(self) -> None:
        """End without a result, as it was asked to. Spec: Task.cancel"""
        if self.state is not State.CANCEL_DELIVERED:
            self._check_unresolved("task.cancel")
            raise Trap("`task.cancel` called by task which has not been cancelled", "task-state")
        self.context.scope.check_borrows_dropped()
        self.on_resolve(None, False)
        self._settle()

    def withdraw(self, error: ValueTypeError) -> None:
        """End before the guest was called: an argument does not fit its type."""
        self.refuse(error)
        self._settle()
        self.exit()

    def _settle(self) -> None:
        self.state = State.RESOLVED
        self.on_resolve = self.refuse = _spent

    def _check_unresolved(self, name: str) -> None:
        if self.resolved:
            raise Trap(f"`{name}` called for a task that has returned, or was cancelled", "task-state")

    # A synchronous call's own turns

    def next_within(self) -> Step:
        """A thread of the instance has stopped during this synchronous call: the step of the next one."""
        thread = self.instance.scheduler.next_within(self.instance)
        if thread is None:
            raise cannot_block()
        return thread.go(self.next_within)

    def __repr__(self) -> str:
        return f"<GuestTask {self.func.name} {self.state.name}>"


def _spent(*args: Any) -> Any:
    """In place of what was called for the last time."""
    raise AssertionError("a task that is over was gone on with")


def _resume(thread: Thread, running: Thread | None, cancelled: bool = True) -> Body:
    """Resume `thread`, and go on when it stops: `running` is the instance's thread again then."""

    def leave(back: Way, left: int) -> Step:
        def stopped() -> Step:
            thread.instance.thread = running
            return back(None)

        return thread.go(stopped, cancelled)

    yield Switch(leave)


def lifted(task: GuestTask) -> Body:
    """The implicit thread of `task`, which runs in its instance. Spec: canon_lift (thread_func)"""
    func, instance = task.func, task.instance
    if not (yield from task.enter()):
        return
    try:
        flat = task.start()
    except ValueTypeError as error:
        task.withdraw(error)
        return
    assert func.core is not None
    core_results = yield Call(func.core, flat)
    options = func.options
    if not options.is_async:
        task.return_(func.lift_result(task.context, core_results))
        if options.post_return is not None:
            instance.may_leave = False
            yield Call(options.post_return, core_results)
            instance.may_leave = True
    elif options.callback is not None:
        packed = core_results[0]
        while packed & 15 != Callback.EXIT:
            event = yield from _wait_for_event(task, packed)
            packed = (yield Call(options.callback, list(event)))[0]
    task.exit()


def _wait_for_event(task: GuestTask, packed: int) -> Generator[Any, Any, Event]:
    """What the callback's answer `packed` asks for. Spec: canon_lift, unpack_callback_result"""
    instance, thread = task.instance, task.implicit
    code, index = packed & 15, packed >> 4
    instance.exclusive = None

    if code == Callback.YIELD:
        cancelled = yield from thread.wait_until(Gate.STACK, cancellable=True, gives_way=True)
        event = TASK_CANCELLED if cancelled else NO_EVENT
    elif code == Callback.WAIT:
        waitable_set = instance.handles.get_kind(index, WaitableSet)
        event = yield from waitable_set.wait(thread, Gate.STACK, cancellable=True, gives_way=True)
    else:
        raise Trap(f"unsupported callback code: {code}", "callback-code")
    instance.exclusive = thread
    return event
