"""Built-ins of tasks, waitables, streams, futures, error contexts and threads. Spec: CanonicalABI.md#canon-*

Strategy: `BUILTINS` names, for each, a function that makes the Python function behind the core function, for
one instance and with what the definition says (`Builtin`). One that may wait is a generator, which the
machine runs (`engine.machine.host_func`). The order is the specification's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from pywrt.canonical_abi.adapters import Adapters, adapters_for
from pywrt.canonical_abi.async_values import check_payload
from pywrt.canonical_abi.context import CanonOptions, Context, unaligned_pointer
from pywrt.canonical_abi.handles import CallScope
from pywrt.canonical_abi.host_streams import ErrorContext
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.canonical_abi.layout import MAX_FLAT_PARAMS
from pywrt.canonical_abi.signature import lift_result
from pywrt.canonical_abi.streams import (
    CopyEnd,
    CopyResult,
    CopyState,
    GuestBuffer,
    ReadableFutureEnd,
    ReadableStreamEnd,
    SharedFuture,
    SharedStream,
    WritableFutureEnd,
    WritableStreamEnd,
)
from pywrt.canonical_abi.threads import Thread, Waits, check_may_block
from pywrt.canonical_abi.turns import Gate
from pywrt.canonical_abi.waitables import BLOCKED, Event, EventCode, Subtask, Waitable, WaitableSet
from pywrt.engine.machine import Call, Step, begin, host_func
from pywrt.errors import Trap
from pywrt.runtime.func import Func
from pywrt.runtime.memory import Memory
from pywrt.runtime.table import Table
from pywrt.wasm.types import FuncType as CoreFuncType
from pywrt.wit.types import STRING, FuncType, WitType

#: Calls to hold back at once. Spec: backpressure.inc
MAX_BACKPRESSURE = 1 << 16

Answer = Generator[Any, Any, Any]
Make = Callable[["Builtin", ComponentInstance], Callable[..., Any]]


class Builtin:
    """What a definition says of a built-in; see `pywrt.component.definitions.CanonBuiltin`.

    `options` are those of the definition, `memory`, `table`, `slot` what its index stands for.
    """

    __slots__ = ("flag", "memory", "name", "options", "payload", "slot", "table", "thread", "type")

    def __init__(self, name: str, type: CoreFuncType, options: CanonOptions, flag: bool = False) -> None:
        self.name = name
        self.type = type
        self.options = options
        self.flag = flag
        self.payload: WitType | None = None
        self.memory: Memory | None = None
        self.table: Table | None = None
        self.thread: CoreFuncType | None = None
        self.slot = 0


def canon_builtin(builtin: Builtin, instance: ComponentInstance) -> Func:
    """The core function of `builtin` for `instance`."""
    fn = BUILTINS[builtin.name](builtin, instance)
    return host_func(instance.store, builtin.type, fn, f"[{builtin.name}]")


def _running(instance: ComponentInstance) -> Thread:
    """The thread that calls; Trap if it may not call out of the instance now."""
    instance.check_may_leave()
    assert instance.thread is not None
    return instance.thread


# Context and backpressure


def _context_get(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    return lambda: (instance.thread.storage[b.slot],)  # type: ignore[union-attr]


def _context_set(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def context_set(value: int) -> None:
        assert instance.thread is not None
        instance.thread.storage[b.slot] = value

    return context_set


def _backpressure_inc(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def backpressure_inc() -> None:
        instance.backpressure += 1
        if instance.backpressure == MAX_BACKPRESSURE:
            raise Trap("backpressure counter overflow", "backpressure")

    return backpressure_inc


def _backpressure_dec(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def backpressure_dec() -> None:
        if not instance.backpressure:
            raise Trap("backpressure counter underflow", "backpressure")
        instance.backpressure -= 1

    return backpressure_dec


# Tasks


def _task_return(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    adapters = adapters_for(b.options, instance)
    lift = lift_result(adapters, FuncType((), b.payload), MAX_FLAT_PARAMS)

    def task_return(*flat: Any) -> None:
        task = _running(instance).task
        options, func = task.func.options, task.func
        if not options.is_async:
            raise Trap("`task.return` called by a task whose lift is not async", "task-state")
        memory = (
            options.memory if b.options.memory is None else b.options.memory
        )  # what needs none may name none
        same = options.memory is memory and options.string_encoding == b.options.string_encoding
        if b.payload != func.type.result or not same:
            raise Trap(
                "invalid `task.return` signature and/or options for current task: "
                f"{func.name!r} returns {func.type.result}, not {b.payload}",
                "task-state",
            )
        task.return_(lift(task.context, flat))

    return task_return


def _task_cancel(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def task_cancel() -> None:
        task = _running(instance).task
        if not task.func.options.is_async:
            raise Trap("`task.cancel` called by a task whose lift is not async", "task-state")
        task.cancel()

    return task_cancel


# Waitable sets


def _waitable_set_new(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def waitable_set_new() -> tuple[int]:
        instance.check_may_leave()
        return (instance.handles.add(WaitableSet()),)

    return waitable_set_new


def _waitable_set_wait(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def waitable_set_wait(index: int, ptr: int) -> Answer:
        thread = _running(instance)
        waitable_set = instance.handles.get_kind(index, WaitableSet)
        check_may_block(instance)
        event = yield from waitable_set.wait(thread, Gate.NONE, b.flag)
        return _stored(b, ptr, event)

    return waitable_set_wait


def _waitable_set_poll(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def waitable_set_poll(index: int, ptr: int) -> list[int]:
        thread = _running(instance)
        waitable_set = instance.handles.get_kind(index, WaitableSet)
        return _stored(b, ptr, waitable_set.poll(thread, b.flag))

    return waitable_set_poll


def _stored(b: Builtin, ptr: int, event: Event) -> list[int]:
    """Store what an event is about at `ptr`; its code is the result. Spec: unpack_event"""
    assert b.memory is not None
    data = b.memory.data
    code, index, payload = event
    if ptr & 3:
        raise unaligned_pointer(ptr, 4)
    if ptr + 8 > len(data):
        raise Trap(f"pointer out of bounds of memory: 8 bytes at 0x{ptr:x}", "pointer-out-of-bounds")
    data[ptr : ptr + 4] = index.to_bytes(4, "little")
    data[ptr + 4 : ptr + 8] = payload.to_bytes(4, "little")
    return [code]


def _waitable_set_drop(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def waitable_set_drop(index: int) -> None:
        instance.check_may_leave()
        waitable_set = instance.handles.get_kind(index, WaitableSet)
        waitable_set.drop()
        instance.handles.remove(index)

    return waitable_set_drop


def _waitable_join(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def waitable_join(index: int, set_index: int) -> None:
        instance.check_may_leave()
        waitable = instance.handles.get_kind(index, Waitable)
        waitable.join(instance.handles.get_kind(set_index, WaitableSet) if set_index else None)

    return waitable_join


# Subtasks


def _subtask_cancel(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def subtask_cancel(index: int) -> Answer:
        thread = _running(instance)
        if not b.flag:
            check_may_block(instance)
        subtask = instance.handles.get_kind(index, Subtask)
        if subtask.delivered:
            raise Trap("`subtask.cancel` called after terminal status delivered", "subtask-state")
        if subtask.cancellation_requested:
            raise Trap("`subtask.cancel` called twice for one subtask", "subtask-state")
        if not b.flag:
            subtask.check_usable_alone()
        if not subtask.is_resolved():
            subtask.cancellation_requested = True
            assert subtask.cancel is not None
            yield from subtask.cancel(instance)
            if not subtask.is_resolved():
                if b.flag:
                    return [BLOCKED]
                subtask.forget_event()  # that it has started is no news any more
                yield from subtask.wait(thread)
        subtask.take_event()
        return [subtask.state]

    return subtask_cancel


def _subtask_drop(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def subtask_drop(index: int) -> None:
        instance.check_may_leave()
        instance.handles.get_kind(index, Subtask).drop()
        instance.handles.remove(index)

    return subtask_drop


# Streams and futures


def _new(shared: type, readable: type[CopyEnd], writable: type[CopyEnd]) -> Make:
    def make(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
        def new() -> tuple[int]:
            instance.check_may_leave()
            both = shared(b.payload)
            first = instance.handles.add(readable(both))
            return (first | instance.handles.add(writable(both)) << 32,)

        return new

    return make


class _Ends:
    """What the built-ins of one kind of end have in common."""

    __slots__ = ("event", "is_stream", "kind", "reading", "what")

    def __init__(self, kind: type[CopyEnd], event: EventCode, what: str) -> None:
        self.kind = kind
        self.event = event
        self.what = what
        self.is_stream = kind.kind == "stream"
        self.reading = what == "read from"

    def get(self, b: Builtin, instance: ComponentInstance, index: int) -> CopyEnd:
        """The end at `index`; Trap if there is none of this kind and type."""
        end = instance.handles.get_kind(index, self.kind)
        check_payload(index, end, b.payload)
        return end

    def copy(self, b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
        """`{stream,future}.{read,write}`. Spec: stream_copy, future_copy"""
        adapters = adapters_for(b.options, instance)

        def copy(index: int, ptr: int, length: int = 1) -> Answer:
            thread = _running(instance)
            is_async = b.options.is_async
            if not is_async:
                check_may_block(instance)
            end = self.get(b, instance, index)
            end.check_idle(self.what)
            if not is_async:
                end.check_usable_alone()
            context = Context(b.options, instance, CallScope(), fused=True)
            buffer = GuestBuffer(context, adapters, b.payload, ptr, length)
            end.state = CopyState.COPYING
            self.begin(instance, end, index, buffer)
            if end.pending is None:
                if is_async:
                    return [BLOCKED]
                yield from end.wait(thread)
            return [end.take_event()[2]]

        return copy

    def begin(self, instance: ComponentInstance, end: CopyEnd, index: int, buffer: GuestBuffer) -> None:
        """Have the shared object copy; what it tells becomes the end's event."""

        def event(result: CopyResult) -> Event:
            if self.is_stream:
                end.state = CopyState.DONE if result is CopyResult.DROPPED else CopyState.IDLE
                return self.event, index, result | buffer.progress << 4
            end.state = CopyState.IDLE if result is CopyResult.CANCELLED else CopyState.DONE
            return self.event, index, result

        def on_copy(reclaim: Callable[[], None]) -> None:
            def copied() -> Event:
                reclaim()
                return event(CopyResult.COMPLETED)

            end.announce(copied)

        def on_copy_done(result: CopyResult) -> None:
            end.announce(lambda: event(result))

        end.buffer = buffer
        act = end.shared.read if self.reading else end.shared.write
        if self.is_stream:
            act(instance, buffer, on_copy, on_copy_done)
        else:
            act(instance, buffer, on_copy_done)

    def cancel(self, b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
        """`{stream,future}.cancel-{read,write}`. Spec: cancel_copy"""

        def cancel(index: int) -> Answer:
            thread = _running(instance)
            if not b.flag:
                check_may_block(instance)
            end = self.get(b, instance, index)
            if end.state is not CopyState.COPYING or end.sync_waiter is not None:
                raise Trap(
                    f"{self.kind.kind} {self.what.partition(' ')[0]} cancelled when no "
                    f"{self.what.partition(' ')[0]} is pending",
                    "copy-busy",
                )
            if not b.flag:
                end.check_usable_alone()
            end.state = CopyState.CANCELLING
            if end.pending is None or end.shared.holds(end.buffer):
                end.shared.cancel()
                if end.pending is None:
                    if b.flag:
                        return [BLOCKED]
                    yield from end.wait(thread)
            return [end.take_event()[2]]

        return cancel

    def drop(self, b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
        """`{stream,future}.drop-{readable,writable}`. Spec: drop"""

        def drop(index: int) -> None:
            instance.check_may_leave()
            self.get(b, instance, index).drop()
            instance.handles.remove(index)

        return drop


_STREAM_READ = _Ends(ReadableStreamEnd, EventCode.STREAM_READ, "read from")
_STREAM_WRITE = _Ends(WritableStreamEnd, EventCode.STREAM_WRITE, "write to")
_FUTURE_READ = _Ends(ReadableFutureEnd, EventCode.FUTURE_READ, "read from")
_FUTURE_WRITE = _Ends(WritableFutureEnd, EventCode.FUTURE_WRITE, "write to")


# Threads


def _thread_index(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    return lambda: (_running(instance).index,)


def _thread_new_indirect(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    table = b.table
    assert table is not None

    def thread_new_indirect(index: int, argument: int) -> list[int]:
        task = _running(instance).task
        func = table.elements[index] if index < len(table.elements) else None
        if func is None:
            raise Trap(
                f"thread start function {index} is undefined: uninitialized element", "undefined-element"
            )
        if func.type != b.thread:
            raise Trap(
                "thread start function has an invalid type: indirect call type mismatch", "bad-signature"
            )
        thread = Thread(task)

        def body() -> Generator[Any, Any, None]:
            yield Call(func, [argument])
            task.unregister(thread)

        def start(cancelled: bool) -> Step:
            return begin(body(), thread.depth, thread.stop)

        thread.way = start
        task.register(thread)
        return [thread.index]

    return thread_new_indirect


def _other(instance: ComponentInstance, index: int) -> Thread:
    return instance.threads.get_kind(index, Thread)


def _suspended(instance: ComponentInstance, index: int) -> Thread:
    other = _other(instance, index)
    if not other.suspended:
        raise Trap(f"cannot resume thread {index} which is not suspended", "thread-state")
    return other


def _thread_resume_later(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def thread_resume_later(index: int) -> None:
        instance.check_may_leave()
        _suspended(instance, index).start_waiting()

    return thread_resume_later


def _thread_suspend(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def thread_suspend() -> Answer:
        thread = _running(instance)
        check_may_block(instance)
        return [int((yield from thread.suspend(b.flag)))]

    return thread_suspend


def _thread_yield(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def thread_yield() -> Answer:
        return [int((yield from _running(instance).yield_(b.flag)))]

    return thread_yield


def _switching(
    wait: Callable[[Thread, bool, Thread], Waits], find: Callable[[ComponentInstance, int], Thread]
) -> Make:
    """A built-in that leaves for another thread: `wait(thread, cancellable, other)`."""

    def make(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
        def switch(index: int) -> Answer:
            thread = _running(instance)
            return [int((yield from wait(thread, b.flag, find(instance, index))))]

        return switch

    return make


# Error contexts


def _error_context_new(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    from_flat = _strings(b, instance).lift_flat(STRING)

    def error_context_new(ptr: int, length: int) -> list[int]:
        instance.check_may_leave()
        message = from_flat(Context(b.options, instance, CallScope()), (ptr, length), 0)
        return [instance.handles.add(ErrorContext(message))]

    return error_context_new


def _error_context_debug_message(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    store = _strings(b, instance).store(STRING)

    def error_context_debug_message(index: int, ptr: int) -> None:
        instance.check_may_leave()
        error = instance.handles.get_kind(index, ErrorContext)
        store(Context(b.options, instance, CallScope()), error.debug_message, ptr)

    return error_context_debug_message


def _error_context_drop(b: Builtin, instance: ComponentInstance) -> Callable[..., Any]:
    def error_context_drop(index: int) -> None:
        instance.check_may_leave()
        instance.handles.get_kind(index, ErrorContext)
        instance.handles.remove(index)

    return error_context_drop


def _strings(b: Builtin, instance: ComponentInstance) -> Adapters:
    return adapters_for(b.options, instance)


BUILTINS: dict[str, Make] = {
    "context.get": _context_get,
    "context.set": _context_set,
    "backpressure.inc": _backpressure_inc,
    "backpressure.dec": _backpressure_dec,
    "task.return": _task_return,
    "task.cancel": _task_cancel,
    "waitable-set.new": _waitable_set_new,
    "waitable-set.wait": _waitable_set_wait,
    "waitable-set.poll": _waitable_set_poll,
    "waitable-set.drop": _waitable_set_drop,
    "waitable.join": _waitable_join,
    "subtask.cancel": _subtask_cancel,
    "subtask.drop": _subtask_drop,
    "stream.new": _new(SharedStream, ReadableStreamEnd, WritableStreamEnd),
    "stream.read": _STREAM_READ.copy,
    "stream.write": _STREAM_WRITE.copy,
    "stream.cancel-read": _STREAM_READ.cancel,
    "stream.cancel-write": _STREAM_WRITE.cancel,
    "stream.drop-readable": _STREAM_READ.drop,
    "stream.drop-writable": _STREAM_WRITE.drop,
    "future.new": _new(SharedFuture, ReadableFutureEnd, WritableFutureEnd),
    "future.read": _FUTURE_READ.copy,
    "future.write": _FUTURE_WRITE.copy,
    "future.cancel-read": _FUTURE_READ.cancel,
    "future.cancel-write": _FUTURE_WRITE.cancel,
    "future.drop-readable": _FUTURE_READ.drop,
    "future.drop-writable": _FUTURE_WRITE.drop,
    "thread.index": _thread_index,
    "thread.new-indirect": _thread_new_indirect,
    "thread.resume-later": _thread_resume_later,
    "thread.suspend": _thread_suspend,
    "thread.yield": _thread_yield,
    "thread.suspend-then-resume": _switching(Thread.suspend_then_resume, _suspended),
    "thread.yield-then-resume": _switching(Thread.yield_then_resume, _suspended),
    "thread.suspend-then-promote": _switching(Thread.suspend_then_promote, _other),
    "thread.yield-then-promote": _switching(Thread.yield_then_promote, _other),
    "error-context.new": _error_context_new,
    "error-context.debug-message": _error_context_debug_message,
    "error-context.drop": _error_context_drop,
}
