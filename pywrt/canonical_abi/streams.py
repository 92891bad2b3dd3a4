"""Streams and futures between components. Spec: CanonicalABI.md#buffer-stream-and-future-state

Strategy: reader and writer meet in a shared object. Who comes first leaves a buffer there, with what to tell
it; the other copies between the two buffers at once, values of Python in between, in bulk where the type
allows it. A buffer is a piece of a guest's memory, or what the host has (`host_streams`). What a guest holds
in its table is an end, which is a waitable with an operation in progress or none.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pywrt.canonical_abi.context import Context, unaligned_pointer
from pywrt.canonical_abi.waitables import Waitable
from pywrt.errors import Trap
from pywrt.wit.types import F32, F64, S8, S16, S32, S64, U8, U16, U32, U64, WitType

if TYPE_CHECKING:
    from pywrt.canonical_abi.instance import ComponentInstance

#: Elements of one buffer. Spec: Buffer.MAX_LENGTH
MAX_LENGTH = (1 << 28) - 1

_NUMBERS = frozenset((U8, U16, U32, U64, S8, S16, S32, S64, F32, F64))


class CopyResult(enum.IntEnum):
    """How a read or write ended. Spec: CopyResult"""

    COMPLETED = 0
    DROPPED = 1
    CANCELLED = 2


class Buffer(Protocol):
    """Where elements are read from (`read`) or written to (`write`)."""

    def remain(self) -> int:
        """How many elements there are, or fit, still."""

    def read(self, count: int) -> Sequence[Any]:
        """Take so many elements."""

    def write(self, values: Sequence[Any]) -> None:
        """Put elements in."""


class Units(Sequence[None]):
    """The elements of a stream without payload, of which there may be 2^28."""

    __slots__ = ("_count",)

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if index >= self._count:
            raise IndexError(index)
        return None


class GuestBuffer:
    """A piece of a guest's memory, of `length` elements. Spec: BufferGuestImpl"""

    __slots__ = ("_adapters", "_context", "_element", "_ptr", "_size", "length", "progress")

    def __init__(
        self, context: Context, adapters: Any, element: WitType | None, ptr: int, length: int
    ) -> None:
        if length > MAX_LENGTH:
            raise Trap(f"stream read/write count too large: {length}", "stream-length")
        self._size = 0
        if element is not None:
            layout = adapters.layouts.of(element)
            self._size = layout.size
            if length:
                if ptr & (layout.alignment - 1):
                    raise unaligned_pointer(ptr, layout.alignment)
                if ptr + length * layout.size > len(adapters.data):
                    raise Trap(
                        f"{'read' if length else 'write'} pointer out of bounds of memory: "
                        f"{length * layout.size} bytes at 0x{ptr:x}",
                        "pointer-out-of-bounds",
                    )
        self._context = context
        self._adapters = adapters
        self._element = element
        self._ptr = ptr
        self.length = length
        self.progress = 0

    def remain(self) -> int:
        return self.length - self.progress

    def read(self, count: int) -> Sequence[Any]:
        values: Sequence[Any] = Units(count)
        if self._element is not None:
            values = self._adapters.load_list_from_valid_range(self._element)(self._context, self._ptr, count)
            self._ptr += count * self._size
        self.progress += count
        return values

    def write(self, values: Sequence[Any]) -> None:
        if self._element is not None:
            self._adapters.store_list_into_valid_range(self._element)(self._context, values, self._ptr)
            self._ptr += len(values) * self._size
        self.progress += len(values)


#: Tells who left a buffer that elements were copied; it calls what it gets to have the buffer back.
OnCopy = Callable[[Callable[[], None]], None]
#: Tells who left a buffer that the operation is over.
OnCopyDone = Callable[[CopyResult], None]


class Shared:
    """What the two ends have in common: whether one is dropped, and the buffer that one has left here.

    Spec: SharedStreamImpl, SharedFutureImpl
    """

    __slots__ = ("buffer", "dropped", "element", "failure", "instance", "on_copy", "on_copy_done")

    #: What messages call it.
    kind = "stream"

    def __init__(self, element: WitType | None) -> None:
        self.element = element
        self.dropped = False
        #: What ended the component that one end belonged to.
        self.failure: BaseException | None = None
        self._clear()

    def _clear(self) -> None:
        self.instance: ComponentInstance | None = None
        self.buffer: Any = None
        self.on_copy: OnCopy | None = None
        self.on_copy_done: OnCopyDone | None = None

    def leave(
        self,
        instance: ComponentInstance | None,
        buffer: Buffer,
        on_copy: OnCopy | None,
        on_copy_done: OnCopyDone,
    ) -> None:
        """Leave a buffer for the other end to come. Spec: set_pending"""
        self.instance, self.buffer, self.on_copy, self.on_copy_done = instance, buffer, on_copy, on_copy_done

    def notify(self, result: CopyResult) -> None:
        """Tell who left the buffer how its operation ended. Spec: reset_and_notify_pending"""
        on_copy_done = self.on_copy_done
        self._clear()
        assert on_copy_done is not None
        on_copy_done(result)

    def holds(self, buffer: Buffer | None) -> bool:
        """Whether `buffer` is the one that is left here, and more could be copied from or to it."""
        return buffer is not None and self.buffer is buffer and buffer.remain() > 0

    def cancel(self) -> None:
        """Give the operation that waits here up."""
        self.notify(CopyResult.CANCELLED)

    def drop(self) -> None:
        """One end is gone."""
        if not self.dropped:
            self.dropped = True
            if self.buffer is not None:
                self.notify(CopyResult.DROPPED)

    def lose(self, failure: BaseException) -> None:
        """One end is gone with its component, for `failure`."""
        if not self.dropped:
            self.failure = failure
            self.drop()

    def check_instances(self, instance: ComponentInstance | None) -> None:
        """Trap if one instance reads what it writes itself, but for numbers."""
        is_number = self.element is None or self.element in _NUMBERS
        if instance is not None and instance is self.instance and not is_number:
            raise Trap(f"cannot read from and write to intra-component {self.kind}", "intra-component-copy")


class SharedStream(Shared):
    """Spec: SharedStreamImpl"""

    __slots__ = ()

    def read(
        self, instance: ComponentInstance | None, buffer: Buffer, on_copy: OnCopy, on_copy_done: OnCopyDone
    ) -> None:
        """Read into `buffer` what the writer has, or leave it here."""
        self._copy(instance, buffer, on_copy, on_copy_done, reading=True)

    def write(
        self, instance: ComponentInstance | None, buffer: Buffer, on_copy: OnCopy, on_copy_done: OnCopyDone
    ) -> None:
        """Write out of `buffer` what the reader takes, or leave it here."""
        self._copy(instance, buffer, on_copy, on_copy_done, reading=False)

    def _copy(
        self,
        instance: ComponentInstance | None,
        buffer: Any,
        on_copy: OnCopy,
        on_copy_done: OnCopyDone,
        reading: bool,
    ) -> None:
        if self.dropped:
            on_copy_done(CopyResult.DROPPED)
            return
        if self.buffer is None:
            self.leave(instance, buffer, on_copy, on_copy_done)
            return
        self.check_instances(instance)
        count = min(buffer.remain(), self.buffer.remain())
        if self.buffer.remain():
            if count:
                source, target = (self.buffer, buffer) if reading else (buffer, self.buffer)
                target.write(source.read(count))
                assert self.on_copy is not None
                self.on_copy(self._clear)
            on_copy_done(CopyResult.COMPLETED)
        elif not reading and not self.buffer.length and not buffer.length:
            on_copy_done(
                CopyResult.COMPLETED
            )  # both only asked whether the other is there: the reader waits on
        else:
            self.notify(CopyResult.COMPLETED)
            self.leave(instance, buffer, on_copy, on_copy_done)


class SharedFuture(Shared):
    """Spec: SharedFutureImpl"""

    __slots__ = ()
    kind = "future"

    def read(self, instance: ComponentInstance | None, buffer: Buffer, on_copy_done: OnCopyDone) -> None:
        """Read the value into `buffer`, or leave it here."""
        if self.dropped:  # by a component that has failed: others write before they drop
            on_copy_done(CopyResult.DROPPED)
            return
        if self.buffer is None:
            self.leave(instance, buffer, None, on_copy_done)
            return
        self.check_instances(instance)
        buffer.write(self.buffer.read(1))
        self.notify(CopyResult.COMPLETED)
        on_copy_done(CopyResult.COMPLETED)

    def write(self, instance: ComponentInstance | None, buffer: Buffer, on_copy_done: OnCopyDone) -> None:
        """Write the value out of `buffer`, or leave it here."""
        if self.dropped:
            on_copy_done(CopyResult.DROPPED)
        elif self.buffer is None:
            self.leave(instance, buffer, None, on_copy_done)
        else:
            self.check_instances(instance)
            self.buffer.write(buffer.read(1))
            self.notify(CopyResult.COMPLETED)
            on_copy_done(CopyResult.COMPLETED)


class CopyState(enum.Enum):
    """Spec: CopyState"""

    IDLE = enum.auto()
    COPYING = enum.auto()
    CANCELLING = enum.auto()
    DONE = enum.auto()


class CopyEnd(Waitable):
    """An end of a stream or future, in a guest's table."""

    __slots__ = ("buffer", "shared", "state")

    kind = "stream"
    #: What dropping it traps with while it is copying.
    busy = "cannot drop busy stream"
    #: Why it can't go on once it is done.
    done_because = "being notified that the writable end dropped"

    def __init__(self, shared: Any) -> None:
        super().__init__()
        self.shared = shared
        self.state = CopyState.IDLE
        #: That of the last operation.
        self.buffer: Buffer | None = None

    @property
    def is_copying(self) -> bool:
        """Whether an operation is in progress, or its end has not been delivered."""
        return self.state is CopyState.COPYING or self.state is CopyState.CANCELLING

    def check_idle(self, what: str) -> None:
        """Trap if it can't do `what` ("read from"), because it is doing something or is done."""
        if self.state is CopyState.DONE:
            raise Trap(f"cannot {what} {self.kind} after {self.done_because}", "copy-done")
        if self.state is not CopyState.IDLE:
            raise Trap("cannot have concurrent operations active on a future/stream", "copy-busy")

    def drop(self) -> None:
        if self.is_copying:
            raise Trap(self.busy, "copy-busy")
        self.shared.drop()
        super().drop()


class ReadableStreamEnd(CopyEnd):
    __slots__ = ()
    busy = "cannot remove busy stream"


class WritableStreamEnd(CopyEnd):
    __slots__ = ()
    done_because = "being notified that the readable end dropped"


class ReadableFutureEnd(CopyEnd):
    __slots__ = ()
    kind = "future"
    busy = "cannot remove busy future"
    done_because = "previous read succeeded"


class WritableFutureEnd(CopyEnd):
    __slots__ = ()
    kind = "future"
    busy = "cannot drop busy future"
    done_because = "previous write succeeded or readable end dropped"

    def drop(self) -> None:
        if self.state is CopyState.IDLE:
            raise Trap("cannot drop future write end without first writing a value", "future-without-value")
        super().drop()
