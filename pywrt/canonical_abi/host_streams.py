"""Streams and futures at the host's end, as Python has them.

A guest's stream is a `StreamReader`: an asynchronous iterator, and an iterator for code without a loop.
What the host gives a guest to read is any iterable, asynchronous or not: a `StreamSource` asks it for more
only when the guest reads, so a slow reader slows the source down. Futures are awaitables both ways.

Elements of a `stream<u8>` travel as chunks of bytes; elements of other streams one by one.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, ClassVar

from pywrt.api.calls import AsyncCall, Calls, running_task
from pywrt.api.driving import drive_async
from pywrt.canonical_abi.driver import Driver, finish_call
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.canonical_abi.scheduler import Scheduler
from pywrt.canonical_abi.streams import CopyResult, OnCopy, OnCopyDone, SharedStream
from pywrt.canonical_abi.values import describe
from pywrt.errors import Trap, ValueTypeError, WasmError
from pywrt.wit.types import U8, Future, Stream, WitType

#: Elements that one read asks for, where the caller doesn't say.
CHUNK = 64 * 1024
#: Characters of an error context's message.
MAX_MESSAGE = 4096
#: Elements of another type than u8 that an iteration reads at once.
BATCH = 1024


class ErrorContext:
    """A value of type `error-context`; of a long message it keeps the beginning."""

    __slots__ = ("cost", "debug_message")

    def __init__(self, debug_message: str) -> None:
        self.debug_message = debug_message[:MAX_MESSAGE]
        #: In handles.
        self.cost = 1 + len(self.debug_message) // 64

    def __repr__(self) -> str:
        return f"ErrorContext({self.debug_message!r})"


class _Target:
    """A buffer of the host's for up to `length` elements; `values` are those that have come.

    `error` is what the host's own source of them raised.
    """

    __slots__ = ("error", "length", "values")

    def __init__(self, element: WitType | None, length: int) -> None:
        self.length = length
        self.error: BaseException | None = None
        self.values: Any = bytearray() if element == U8 else []

    def remain(self) -> int:
        return self.length - len(self.values)

    def write(self, values: Sequence[Any]) -> None:
        self.values += values

    def read(self, count: int) -> Sequence[Any]:
        raise NotImplementedError


class _Copy(Driver):
    """Waits for one read of the host's. Spec: stream_copy, future_copy"""

    __slots__ = ("result", "shared", "target")

    def __init__(self, scheduler: Scheduler, shared: Any, element: WitType | None, length: int) -> None:
        super().__init__(scheduler)
        self.target = _Target(element, length)
        self.result: CopyResult | None = None
        self.shared = shared
        if isinstance(shared, (SharedStream, StreamSource)):
            shared.read(None, self.target, self._copied, self._done)
        else:
            shared.read(None, self.target, self._done)
        scheduler.wake()

    def _copied(self, reclaim: Callable[[], None]) -> None:
        reclaim()
        self._done(CopyResult.COMPLETED)

    def _done(self, result: CopyResult) -> None:
        self.result = result
        self.scheduler.wake()

    def is_settled(self) -> bool:
        failure = self.target.error
        if self.result is CopyResult.DROPPED:
            failure = failure or self.shared.failure
        if failure is not None:
            raise failure
        return self.result is not None

    def cancel(self, error: BaseException) -> BaseException:
        if self.result is None:
            self.shared.cancel()
        return super().cancel(error)

    async def wait(self) -> None:
        """Drive the store until it is done."""
        if not self.is_settled():
            self.owner = running_task()
            store = self.scheduler.store
            await drive_async(calls_of(self.scheduler), AsyncCall(store, self, None))

    def wait_now(self) -> None:
        """`wait` without an event loop."""
        finish_call(self.scheduler.store, self)


def calls_of(scheduler: Scheduler) -> Calls:
    """The book of calls of the scheduler's store."""
    calls: Calls | None = scheduler.store.data.get(Calls)
    if calls is None:
        calls = scheduler.store.data[Calls] = Calls(scheduler.store)
    return calls


class _Reader:
    """The readable end of a stream or future that the host holds, until it is closed or passed on."""

    __slots__ = ("_copy", "_passed_on", "_scheduler", "_shared")

    kind = "stream"

    def __init__(self, scheduler: Scheduler, shared: Any) -> None:
        self._scheduler = scheduler
        self._shared = shared
        #: The read that is in progress.
        self._copy: _Copy | None = None
        self._passed_on: Any = None

    def take(self) -> Any:
        """What it reads from, for a guest that it is passed to.

        WasmError if it is being read, is closed or passed on.
        """
        self._check_idle()
        shared, self._shared = self._shared, None
        if shared is None:
            raise WasmError(f"this {self.kind} was closed, or passed on to a component")
        self._passed_on = shared
        return shared

    def restore(self) -> None:
        """Take back `take`, for a call that was never made."""
        self._shared, self._passed_on = self._passed_on, None

    def _check_idle(self) -> None:
        if self._copy is not None and self._copy.result is None:
            raise WasmError(f"this {self.kind} is being read already")

    @property
    def element(self) -> WitType | None:
        """The type of what it carries; None for a stream or future without payload, or one that is closed."""
        return None if self._shared is None else self._shared.element

    def close(self) -> None:
        """Read no more: the writer learns of it."""
        shared, self._shared = self._shared, None
        if shared is not None:
            shared.drop()
            self._scheduler.wake()

    def __del__(self) -> None:
        # the collector may call this in the midst of anything
        if self._shared is not None:
            self._scheduler.complete(None, partial(_drop, self._shared))

    def __repr__(self) -> str:
        shown = "closed" if self._shared is None else self._shared.element or "no payload"
        return f"<{type(self).__name__} {shown}>"


def _drop(shared: Any) -> None:
    """Drop what nobody reads; that its source minds is nobody's concern."""
    try:
        shared.drop()
    except Exception:
        pass


class StreamReader(_Reader, AsyncIterator[Any], Iterator[Any]):
    """A stream that the host reads: `async for` its elements, or `await read()`.

    A `stream<u8>` gives chunks of bytes. Without an event loop `for` and `read_now` do the same; they run the
    guest as far as it takes, and trap where nothing more can come.
    """

    __slots__ = ("_come", "_is_bytes")

    def __init__(self, scheduler: Scheduler, shared: Any) -> None:
        super().__init__(scheduler, shared)
        self._is_bytes = shared.element == U8
        #: What has come, and was not given to anybody: elements, or a chunk.
        self._come: Iterator[Any] = iter(())

    async def read(self, most: int = CHUNK) -> Any:
        """Some elements, `most` at most: bytes or a list, which is empty at the end of the stream.

        Raises what ended the guest that writes. Nothing is lost if it is cancelled. WasmError if another
        read is in progress.
        """
        got = self._take_come(most)
        copy = None if got else self._begin(most)
        if copy is None:
            return got
        try:
            await copy.wait()
        finally:
            self._end(copy)
        return self._take_come(most)

    def read_now(self, most: int = CHUNK) -> Any:
        """`read` without an event loop."""
        got = self._take_come(most)
        copy = None if got else self._begin(most)
        if copy is None:
            return got
        try:
            copy.wait_now()
        finally:
            self._end(copy)
        return self._take_come(most)

    def _begin(self, most: int) -> _Copy | None:
        self._check_idle()
        if self._shared is not None:
            self._copy = _Copy(self._scheduler, self._shared, self.element, most)
        return self._copy

    def _end(self, copy: _Copy) -> None:
        """`copy` is over, or given up; what has come by then stays."""
        self._copy = None
        if copy.result is CopyResult.DROPPED:
            self._shared = None
        values = copy.target.values
        if values:
            self._come = iter((bytes(values),) if self._is_bytes else values)

    def _take_come(self, most: int) -> Any:
        if not self._is_bytes:
            return list(islice(self._come, most))
        chunk: bytes = next(self._come, b"")
        if len(chunk) > most:
            self._come = iter((chunk[most:],))
        return chunk[:most]

    def take(self) -> Any:
        """As of any reader; WasmError if elements have come that an iteration has not got to."""
        come = tuple(self._come)
        self._come = iter(come)
        if come:
            raise WasmError("elements of this stream have come already: it can't be passed on to a component")
        return super().take()

    async def __anext__(self) -> Any:
        for item in self._come:
            return item
        got = await self.read(CHUNK if self._is_bytes else BATCH)
        if not got:
            raise StopAsyncIteration
        return self._first(got)

    def __next__(self) -> Any:
        for item in self._come:
            return item
        got = self.read_now(CHUNK if self._is_bytes else BATCH)
        if not got:
            raise StopIteration
        return self._first(got)

    def _first(self, got: Any) -> Any:
        if self._is_bytes:
            return got
        self._come = iter(got)
        return next(self._come)

    def __aiter__(self) -> StreamReader:
        return self

    def __iter__(self) -> StreamReader:
        return self


class FutureReader(_Reader):
    """A future that the host awaits; `result_now` is for code without an event loop.

    Raises what ended the guest that writes; Trap if that has dropped it without a value. Once the value is
    there it can be awaited again; so it can if it was cancelled before.
    """

    __slots__ = ()
    kind = "future"

    def __await__(self) -> Generator[Any, Any, Any]:
        copy = self._begin()
        if not copy.is_settled():
            try:
                yield from copy.wait().__await__()
            finally:
                self._end(copy)
        return self._value(copy)

    def result_now(self) -> Any:
        """The value, without an event loop."""
        copy = self._begin()
        if not copy.is_settled():
            try:
                copy.wait_now()
            finally:
                self._end(copy)
        return self._value(copy)

    def _begin(self) -> _Copy:
        self._check_idle()
        if self._copy is None:
            self._copy = _Copy(self._scheduler, self.take(), None, 1)
        return self._copy

    def _end(self, copy: _Copy) -> None:
        if copy.result is None or copy.result is CopyResult.CANCELLED:
            self._copy, self._shared = None, copy.shared

    def _value(self, copy: _Copy) -> Any:
        if not copy.target.values:
            raise Trap("the future was dropped without a value", "future-without-value")
        return copy.target.values[0]


class _Source:
    """What the host gives a guest to read; the guest's buffer waits here until there is something for it."""

    __slots__ = ("_error", "_give_up", "_instance", "_on_done", "_scheduler", "_target", "dropped", "element")

    kind = "stream"
    #: As `Shared.failure`: the host's end does not fail.
    failure: ClassVar[None] = None

    def __init__(self, scheduler: Scheduler, element: WitType | None) -> None:
        self._scheduler = scheduler
        self.element = element
        self.dropped = False
        self._instance: ComponentInstance | None = None
        self._target: Any = None
        self._on_done: OnCopyDone | None = None
        self._give_up: Callable[[], None] | None = None
        self._error: BaseException | None = None

    def _wait(self, instance: ComponentInstance | None, target: Any, on_done: OnCopyDone) -> None:
        self._instance, self._target, self._on_done = instance, target, on_done
        self._serve()

    def _serve(self) -> None:
        """Give the reader what there is, or have more come. What that raises ends what the reader does."""
        if self._on_done is None:  # it waits no more
            return
        try:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            self._feed()
        except Exception as error:
            if self._instance is not None:
                raise
            self._target.error = error
            self._done(CopyResult.DROPPED)

    def _feed(self) -> None:
        raise NotImplementedError

    def _await(self, awaitable: Any, settle: Callable[[Any], None]) -> None:
        """Have `awaitable` awaited; `settle` gets its value, and the reader that there is then is served."""

        def done(value: Any, error: BaseException | None) -> None:
            self._give_up = None
            try:
                if error is not None:
                    raise error
                settle(value)
            except Exception as raised:
                self._error = raised
            if self._on_done is not None:
                self._scheduler.complete(self._instance, self._serve)

        self._give_up = self._scheduler.await_(awaitable, done)

    def _done(self, result: CopyResult) -> None:
        on_done, self._on_done, self._target = self._on_done, None, None
        if on_done is not None:
            on_done(result)

    def holds(self, buffer: Any) -> bool:
        """As `Shared.holds`: whoever has got something has its buffer back."""
        return False

    def cancel(self) -> None:
        """The reader does not wait any more; what comes is for its next read."""
        self._done(CopyResult.CANCELLED)

    def drop(self) -> None:
        """The reader is gone."""
        if not self.dropped:
            self.dropped = True
            if self._give_up is not None:
                self._give_up()
            self._close()

    def lose(self, failure: BaseException) -> None:
        """The reader's component has failed, for `failure`."""
        _drop(self)  # what it raises would hide that

    def _close(self) -> None:
        raise NotImplementedError


_END = object()


class StreamSource(_Source):
    """The elements of an iterable."""

    __slots__ = ("_ended", "_items", "_rest")

    def __init__(self, scheduler: Scheduler, element: WitType | None, items: Any) -> None:
        super().__init__(scheduler, element)
        self._ended = False
        self._rest: Sequence[Any] = ()
        self._items: Any
        if isinstance(items, (bytes, bytearray, memoryview)):
            self._items, self._rest = iter(()), items
        else:
            self._items = aiter(items) if isinstance(items, AsyncIterable) else iter(items)

    def read(
        self, instance: ComponentInstance | None, buffer: Any, on_copy: OnCopy, on_copy_done: OnCopyDone
    ) -> None:
        """As `SharedStream.read`."""
        self._wait(instance, buffer, on_copy_done)

    def _feed(self) -> None:
        while not self._rest and not self._ended:  # a chunk may be empty
            if isinstance(self._items, AsyncIterator):
                if self._give_up is None:
                    self._await(_next_of(self._items), self._add)
                return
            self._take(self._next_now())
        self._hand_over()

    def _next_now(self) -> Any:
        """Some elements of an iterable that is not asynchronous; _END at its end."""
        if self.element == U8:
            return next(self._items, _END)
        got = list(islice(self._items, max(1, min(BATCH, self._target.remain()))))
        return got or _END

    def _add(self, item: Any) -> None:
        """What an asynchronous iterable gave."""
        self._take(item if item is _END or self.element == U8 else [item])

    def _take(self, got: Any) -> None:
        if got is _END:
            self._ended = True
        elif isinstance(got, int):  # a u8 by itself
            self._rest = [got]
        elif self.element == U8 and not isinstance(got, (bytes, bytearray, memoryview)):
            raise ValueTypeError(f"expected bytes from a stream<u8>, got {describe(got)}")
        else:
            self._rest = got

    def _hand_over(self) -> None:
        if not self._rest:
            self._done(CopyResult.DROPPED)
            return
        count = min(len(self._rest), self._target.remain())
        values, self._rest = self._rest[:count], self._rest[count:]
        if count:
            self._target.write(values)
        self._done(CopyResult.COMPLETED)

    def _close(self) -> None:
        close = getattr(self._items, "close", None)
        if close is not None:
            close()
        elif hasattr(self._items, "aclose") and running_task() is not None:
            self._scheduler.await_(self._items.aclose(), lambda value, error: None)


async def _next_of(items: AsyncIterator[Any]) -> Any:
    try:
        return await anext(items)
    except StopAsyncIteration:
        return _END


class FutureSource(_Source):
    """A value that the host has, or awaits."""

    __slots__ = ("_value",)
    kind = "future"

    def __init__(self, scheduler: Scheduler, element: WitType | None, value: Any) -> None:
        super().__init__(scheduler, element)
        self._value = value

    def read(self, instance: ComponentInstance | None, buffer: Any, on_copy_done: OnCopyDone) -> None:
        """As `SharedFuture.read`."""
        self._wait(instance, buffer, on_copy_done)

    def _feed(self) -> None:
        if not hasattr(self._value, "__await__"):
            self._target.write([self._value])
            self._done(CopyResult.COMPLETED)
        elif self._give_up is None:
            self._await(self._value, self._came)

    def _came(self, value: Any) -> None:
        self._value = value

    def _close(self) -> None:
        if hasattr(self._value, "__await__") and hasattr(self._value, "close"):
            self._value.close()


def stream_of(scheduler: Scheduler, value: Any, t: Stream) -> Any:
    """What a guest reads that is given `value` as a stream; ValueTypeError if it can't be one."""
    if isinstance(value, StreamReader):
        return _passed_on(scheduler, value, t)
    if isinstance(value, (str, dict)) or not isinstance(value, (Iterable, AsyncIterable)):
        raise ValueTypeError(f"expected {t} (an iterable, asynchronous or not), got {describe(value)}")
    if isinstance(value, (bytes, bytearray, memoryview)) and t.element != U8:
        raise ValueTypeError(f"expected {t}, got {describe(value)}")
    return StreamSource(scheduler, t.element, value)


def future_of(scheduler: Scheduler, value: Any, t: Future) -> Any:
    """What a guest reads that is given `value` as a future: an awaitable, or the value itself."""
    if isinstance(value, FutureReader):
        return _passed_on(scheduler, value, t)
    return FutureSource(scheduler, t.element, value)


def _passed_on(scheduler: Scheduler, reader: _Reader, t: Stream | Future) -> Any:
    if reader._scheduler is not scheduler:
        raise ValueTypeError(f"expected {t}, got a {reader.kind} of another store")
    if reader._shared is not None and reader.element != t.element:
        raise ValueTypeError(f"expected {t}, got a {reader.kind} of {reader.element}")
    try:
        return reader.take()
    except WasmError as error:
        raise ValueTypeError(str(error)) from None
