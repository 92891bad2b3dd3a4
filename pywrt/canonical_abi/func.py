"""Component functions, lifted from a guest's or provided by the host, and `canon lower` of them.

Spec: CanonicalABI.md#canon-lift, #canon-lower

Strategy: lowering a function gives a core function of the host's, run by the machine. Three cases: a host
function whose type is not async is called, and its result lowered. A function of another component instance
whose type is not async runs to its end on the caller's chain of frames. Async ones are subtasks: the callee
starts, and when it has stopped the caller goes on, waits, or gets a handle to wait with.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from types import CoroutineType
from typing import Any

from pywrt.canonical_abi.adapters import adapters_for
from pywrt.canonical_abi.context import CanonOptions, Context
from pywrt.canonical_abi.guest_task import Body, GuestTask, State, lifted
from pywrt.canonical_abi.handles import CallScope
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.canonical_abi.layout import (
    MAX_FLAT_ASYNC_PARAMS,
    MAX_FLAT_PARAMS,
    MAX_FLAT_RESULTS,
    flatten_functype,
)
from pywrt.canonical_abi.pacing import in_time
from pywrt.canonical_abi.signature import (
    LiftParams,
    LiftResult,
    LowerParams,
    LowerResult,
    lift_params,
    lift_result,
    lower_params,
    lower_result,
)
from pywrt.canonical_abi.threads import Thread, check_may_block
from pywrt.canonical_abi.values import Err
from pywrt.canonical_abi.waitables import NO_EVENT, Event, EventCode, Subtask, SubtaskState
from pywrt.engine.machine import Blocked, Step, Switch, Way, begin, host_func
from pywrt.engine.stops import call_stack_exhausted
from pywrt.errors import LinkError, Trap, ValueTypeError
from pywrt.runtime.func import Func
from pywrt.wit.types import FuncType


class LiftedFunc:
    """A component function that core function `core` of `instance` implements (None: what starts it)."""

    __slots__ = ("_adapters", "_lift_result", "_lower_params", "core", "instance", "name", "options", "type")

    def __init__(
        self, type: FuncType, core: Func | None, options: CanonOptions, instance: ComponentInstance, name: str
    ) -> None:
        self.type = type
        self.core = core
        self.options = options
        self.instance = instance
        self.name = name
        self._lower_params: LowerParams | None = None
        self._lift_result: LiftResult | None = None

    def lower_params(self, cx: Context, values: Sequence[Any]) -> list[Any]:
        """The core arguments for `values`; ValueTypeError if one does not fit its type."""
        if self._lower_params is None:
            self._build()
        assert self._lower_params is not None
        return self._lower_params(cx, values)

    def lift_result(self, cx: Context, flat: Sequence[Any]) -> Any:
        """The value that core results stand for, or the arguments of `task.return` if the lift is async."""
        assert self._lift_result is not None
        return self._lift_result(cx, flat)

    def _build(self) -> None:
        adapters = adapters_for(self.options, self.instance)
        most = MAX_FLAT_PARAMS if self.options.is_async else MAX_FLAT_RESULTS
        self._lower_params = lower_params(adapters, self.type)
        self._lift_result = lift_result(adapters, self.type, most)

    def __repr__(self) -> str:
        return f"<LiftedFunc {self.name} {self.type}>"


class HostFunc:
    """A component function that the host implements: `fn(*values)`.

    It returns a value (of a function without result it is ignored), raises `Err` for a result's err case,
    or returns `Blocked` to suspend the guest, whose `retry` then gives one of these again. It may be a
    coroutine function, for calls that an event loop drives. What else it raises propagates to whoever
    called into the guest.
    """

    __slots__ = ("fn", "name", "type")

    def __init__(self, type: FuncType, fn: Callable[..., Any], name: str) -> None:
        self.type = type
        self.fn = fn
        self.name = name

    def __repr__(self) -> str:
        return f"<HostFunc {self.name} {self.type}>"


ComponentFunc = LiftedFunc | HostFunc

OnStart = Callable[[], Sequence[Any]]
OnResolve = Callable[[Any, bool], None]


def canon_lift(
    type: FuncType, core: Func, options: CanonOptions, instance: ComponentInstance, name: str = ""
) -> LiftedFunc:
    """The component function of `type` that `core` implements. Spec: CanonicalABI.md#canon-lift"""
    return LiftedFunc(type, core, options, instance, name)


def canon_lower(callee: ComponentFunc, options: CanonOptions, instance: ComponentInstance) -> Func:
    """The core function by which code of `instance` calls `callee`. Spec: CanonicalABI.md#canon-lower"""
    adapters = adapters_for(options, instance)
    functype = flatten_functype(callee.type, "lower", adapters.layouts, options.is_async)
    lowering: type[_Lowering]
    if callee.type.is_async:
        lowering = _AsyncLowering
    else:
        lowering = _HostLowering if isinstance(callee, HostFunc) else _GuestLowering
    return host_func(instance.store, functype, lowering(callee, options, instance), callee.name)


class _Lowering:
    """What lowered functions share: adapters on the caller's side, made on the first call."""

    __slots__ = ("_lift_params", "_lower_result", "callee", "instance", "options")

    def __init__(self, callee: Any, options: CanonOptions, instance: ComponentInstance) -> None:
        self.callee = callee
        self.options = options
        self.instance = instance
        self._lift_params: LiftParams | None = None
        self._lower_result: LowerResult | None = None

    def __call__(self, *flat: Any) -> Any:
        raise NotImplementedError

    def lift_params(self, cx: Context, flat: Sequence[Any]) -> list[Any]:
        if self._lift_params is None:
            adapters, is_async = adapters_for(self.options, self.instance), self.options.is_async
            most_params = MAX_FLAT_ASYNC_PARAMS if is_async else MAX_FLAT_PARAMS
            most_results = 0 if is_async else MAX_FLAT_RESULTS
            self._lift_params = lift_params(adapters, self.callee.type, most_params)
            self._lower_result = lower_result(adapters, self.callee.type, most_results)
        return self._lift_params(cx, flat)

    def lower_result(self, cx: Context, value: Any, flat: Sequence[Any]) -> list[Any]:
        assert self._lower_result is not None
        return self._lower_result(cx, value, flat)


class _HostLowering(_Lowering):
    """Calls a host function from a guest."""

    __slots__ = ()

    def __call__(self, *flat: Any) -> Any:
        instance = self.instance
        instance.check_may_leave()
        scope = CallScope()
        cx = Context(self.options, instance, scope)
        values = self.lift_params(cx, flat)
        return self.answer(cx, flat, lambda: self.callee.fn(*values))

    def answer(self, cx: Context, flat: Sequence[Any], produce: Callable[[], Any]) -> Any:
        """The flat results for what `produce` returns or raises, or Blocked if it is not there yet."""
        waiting = False
        try:
            try:
                value = produce()
            except Err as error:
                value = error
            if isinstance(value, Blocked):
                waiting = True
                retry = value.retry
                return Blocked(lambda: self.answer(cx, flat, retry), value.timeout, value.fileno)
            if isinstance(value, CoroutineType):
                waiting = True
                return _Awaited(self, cx, flat, value)
            return in_time(self.instance.store, self.lower_answer(cx, flat, value))
        finally:
            if not waiting:
                cx.scope.end()

    def lower_answer(self, cx: Context, flat: Sequence[Any], value: Any) -> list[Any]:
        """The flat results for a value; ValueTypeError names the function if it does not fit."""
        return _lower_answer(self, cx, value, flat)


def _lower_answer(lowering: _Lowering, cx: Context, value: Any, flat: Sequence[Any]) -> list[Any]:
    callee = lowering.callee
    try:
        if callee.type.result is None and isinstance(value, Err):
            raise ValueTypeError(f"the function raised {value!r}, but its type has no result")
        return lowering.lower_result(cx, value, flat)
    except ValueTypeError as error:
        raise error.within(f"result of {callee.name!r}") from None


class _Awaited:
    """What a coroutine host function gives the machine to wait for: awaiting it gives the flat results."""

    __slots__ = ("_coroutine", "_cx", "_flat", "_lowering")

    def __init__(self, lowering: _HostLowering, cx: Context, flat: Sequence[Any], coroutine: Any) -> None:
        self._lowering = lowering
        self._cx = cx
        self._flat = flat
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        value: Any
        try:
            value = yield from self._coroutine.__await__()
        except Err as error:
            value = error
        except BaseException:
            self._cx.scope.end()
            raise
        return self._lowering.answer(self._cx, self._flat, lambda: value)

    def send(self, value: Any) -> Any:
        """Tells the machine that this is awaited, as the coroutine itself would be."""
        return self._coroutine.send(value)

    def close(self) -> None:
        """Give the coroutine up, for a call that is cancelled."""
        self._cx.scope.end()
        self._coroutine.close()


class _GuestLowering(_Lowering):
    """Calls a function of one component instance from another, neither of them async."""

    __slots__ = ()

    def __call__(self, *flat: Any) -> Generator[Any, Any, Any]:
        caller, callee = self.instance, self.callee
        caller.check_may_leave()
        callee.instance.enter(caller)
        scope = CallScope()
        context = Context(self.options, caller, scope, True, callee.options.string_encoding)
        results: list[Any] = []

        def on_resolve(value: Any, returned: bool) -> None:
            nonlocal results
            results = _lower_fused(self, context, value, flat)
            scope.end()

        task = GuestTask(
            callee, scope, lambda: self.lift_params(context, flat), on_resolve, refuse, _task_of(caller)
        )
        task.context.source_encoding = self.options.string_encoding
        yield from run_within(task)
        callee.instance.leave(caller)
        return in_time(caller.store, results)


def run_within(task: GuestTask) -> Body:
    """Run a synchronous task to its end, on the chain of frames of whoever calls this."""
    instance, thread = task.instance, task.implicit
    before = instance.thread, instance.sync_task
    instance.thread, instance.sync_task = thread, task
    thread.on_stop = task.next_within
    yield from lifted(task)
    thread.on_stop = None
    instance.thread, instance.sync_task = before


def begin_start(instance: ComponentInstance) -> None:
    """What runs while `instance` is made is a synchronous task of it. Spec: CanonicalABI.md#canon-lift"""
    func = LiftedFunc(FuncType(()), None, CanonOptions(), instance, "start")
    task = GuestTask(func, CallScope(), list, lambda value, returned: None, refuse)
    task.state = State.STARTED
    task.register(task.implicit)
    task.implicit.on_stop = task.next_within
    instance.first_thread = instance.thread = task.implicit
    instance.sync_task = task


def end_start(instance: ComponentInstance) -> None:
    """The instance is made."""
    task = instance.sync_task
    assert task is not None
    task.state = State.RESOLVED
    task.unregister(task.implicit)
    instance.sync_task = None


def start_task(task: GuestTask, left: int, on_stop: Callable[[], Step]) -> Step:
    """The step that starts an asynchronous task, whose instance was entered.

    `left` calls may be nested in it; `on_stop` gives what follows when its thread stops for the first time.
    """
    thread: Thread = task.implicit
    thread.depth = left
    thread.way = lambda cancelled: begin(lifted(task), left, thread.stop)
    return thread.go(on_stop)


class _AsyncLowering(_Lowering):
    """Calls an async function, of the host or of another component instance. Spec: canon_lower"""

    __slots__ = ()

    def __call__(self, *flat: Any) -> Generator[Any, Any, Any]:
        caller, is_async = self.instance, self.options.is_async
        caller.check_may_leave()
        if not is_async:
            check_may_block(caller)
        thread = caller.thread
        assert thread is not None
        subtask = Subtask(CallScope())
        context = Context(self.options, caller, subtask.scope)
        if isinstance(self.callee, LiftedFunc):
            context.fused, context.source_encoding = True, self.callee.options.string_encoding

        def on_start() -> list[Any]:
            values = self.lift_params(context, flat)
            subtask.advance(SubtaskState.STARTED)
            return values

        def on_resolve(value: Any, returned: bool) -> None:
            if caller.poisoned:
                subtask.scope.end()
            elif returned:
                lower = _lower_fused if context.fused else _lower_answer
                subtask.flat_results = lower(self, context, value, flat)
                subtask.advance(SubtaskState.RETURNED)
            elif subtask.state is SubtaskState.STARTING:
                subtask.advance(SubtaskState.CANCELLED_BEFORE_STARTED)
            else:
                subtask.advance(SubtaskState.CANCELLED_BEFORE_RETURNED)

        start = self.start_guest if context.fused else self.start_host
        yield from start(subtask, on_start, on_resolve)
        if not is_async:
            if not subtask.is_resolved():
                subtask.on_progress = partial(_announce_end, subtask)
                yield from subtask.wait(thread)
            subtask.deliver_resolve()
            return in_time(caller.store, subtask.flat_results)
        if subtask.is_resolved():
            subtask.deliver_resolve()
            return in_time(caller.store, [SubtaskState.RETURNED])
        index = caller.handles.add(subtask)

        def event() -> Event:
            if subtask.is_resolved():
                subtask.deliver_resolve()
            return EventCode.SUBTASK, index, subtask.state

        def on_progress() -> None:
            subtask.announce(event)

        subtask.on_progress = on_progress
        return [subtask.state | index << 4]

    def start_guest(self, subtask: Subtask, on_start: OnStart, on_resolve: OnResolve) -> Body:
        """Start a task of the callee's instance, and go on when its thread has stopped. Spec: Store.lift"""
        caller, callee = self.instance, self.callee
        instance: ComponentInstance = callee.instance
        instance.enter(caller)
        task = GuestTask(callee, subtask.scope, on_start, on_resolve, refuse, _task_of(caller))
        task.context.source_encoding = self.options.string_encoding
        subtask.cancel = task.request_cancellation
        thread = instance.thread

        def leave(back: Way, left: int) -> Step:
            def stopped() -> Step:
                instance.leave(caller)
                instance.thread = thread
                return back(None)

            if not left:
                raise call_stack_exhausted()
            return start_task(task, left - 1, stopped)

        yield Switch(leave)

    def start_host(self, subtask: Subtask, on_start: OnStart, on_resolve: OnResolve) -> Body:
        """Call the host's function, and go on: the result comes at once, or from an event loop."""
        instance = self.instance
        scheduler = instance.scheduler
        values = on_start()
        answer: Any
        try:
            answer = self.callee.fn(*values)
            if isinstance(answer, Blocked):
                answer = yield answer
        except Err as error:
            answer = error
        if not hasattr(answer, "__await__"):
            on_resolve(answer, True)
            return

        def settle(value: Any, error: BaseException | None) -> None:
            if isinstance(error, Err):
                value = error
            elif error is not None:
                raise error
            on_resolve(value, True)

        def cancel(caller: ComponentInstance | None) -> Body:
            give_up()
            on_resolve(None, False)
            yield from ()

        subtask.give_up = give_up = scheduler.operate(instance, answer, settle)
        subtask.cancel = cancel


def _announce_end(subtask: Subtask) -> None:
    """Let the thread that waits for `subtask` alone, which has no handle to it, go on when it is over."""
    if subtask.is_resolved():
        subtask.announce(lambda: NO_EVENT)


def _task_of(instance: ComponentInstance) -> GuestTask | None:
    """The task whose thread runs in `instance`."""
    return None if instance.thread is None else instance.thread.task


def _lower_fused(lowering: _Lowering, cx: Context, value: Any, flat: Sequence[Any]) -> list[Any]:
    """The flat results for a value that another component has returned."""
    try:
        return lowering.lower_result(cx, value, flat)
    except ValueTypeError as error:
        raise _does_not_fit(error) from None


def refuse(error: ValueTypeError) -> None:
    """What another component passes does not fit."""
    raise _does_not_fit(error) from None


def _does_not_fit(error: ValueTypeError) -> Trap:
    """The trap for a lifted value that can't be lowered: a string or list that transcoding makes too long."""
    return Trap(str(error), "value-does-not-fit")


_CO_VARARGS = 0x04


def check_host_arity(fn: Callable[..., Any], type: FuncType, name: str) -> None:
    """LinkError if the Python function `fn` can't be called with as many arguments as `type` has.

    Decided from the function's code object; a callable without one (a builtin, a partial) is accepted.
    """
    bound = 0
    function: Any = fn
    if not hasattr(function, "__code__") and not hasattr(function, "__func__"):
        method = getattr(function, "__call__", None)  # noqa: B004  # the method itself is wanted
        function = method if hasattr(method, "__func__") else function
    if hasattr(function, "__func__"):
        bound = 1
        function = function.__func__
    code = getattr(function, "__code__", None)
    if code is None:
        return
    count = len(type.params) + bound
    defaults = len(getattr(function, "__defaults__", None) or ())
    keyword_defaults = getattr(function, "__kwdefaults__", None) or {}
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    least, most = code.co_argcount - defaults, code.co_argcount
    fits = least <= count and (count <= most or bool(code.co_flags & _CO_VARARGS))
    if fits and all(keyword in keyword_defaults for keyword in keyword_only):
        return
    label = getattr(function, "__qualname__", repr(fn))
    raise LinkError(
        f"import {name!r} takes {len(type.params)} arguments, {type}, but the host function {label} "
        f"can't be called with so many"
    )
