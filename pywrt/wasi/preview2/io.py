"""wasi:io 0.2: error, poll and streams.

Strategy: a guest's stream is a small state machine (open, closed, what may be written) over a `Source`
or a `Sink`, which transfers bytes and never makes the host wait. A function that the specification lets
wait answers `Blocked` instead: the machine suspends the guest and asks again when the time has come or
the descriptor is readable. So there is one way to wait, for `poll`, `block` and every `blocking-*`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from pywrt.canonical_abi.handles import HostResource
from pywrt.canonical_abi.values import Err, Variant
from pywrt.engine.machine import Blocked
from pywrt.errors import Trap
from pywrt.wasi.preview2.binding import Interface

_T = TypeVar("_T")

#: What one read returns at most, in bytes; a guest may ask for 2**64 - 1.
MAX_READ = 64 * 1024
#: What `check-write` permits, in bytes. As in wasmtime, so that guests take the same path (and fuel).
WRITE_CAPACITY = 1024 * 1024
#: `blocking-write-and-flush` and `blocking-write-zeroes-and-flush` take no more, in bytes.
MAX_BLOCKING_WRITE = 4096

#: How many pollables one `poll` takes: each may cost a system call.
MAX_POLLABLES = 1 << 16

#: Seconds until a wait is looked at again even if nothing is said to have happened.
_MAX_WAIT = 60.0
#: The same while more descriptors are watched than the one that `Blocked` names.
_SHARED_WAIT = 0.01

#: When to look again: after so many seconds (None: no time is known), or when this descriptor is readable.
Hint = tuple[float | None, int | None]


class IoError:
    """`wasi:io/error.error`: why a stream operation failed. `cause` is the host's exception."""

    __slots__ = ("cause",)

    def __init__(self, cause: Exception) -> None:
        self.cause = cause

    def to_debug_string(self) -> str:
        """A text for people. The host's paths stay out of it."""
        text = getattr(self.cause, "strerror", None) or str(self.cause)
        return f"{type(self.cause).__name__}: {text}"


def closed() -> Err:
    """The stream error `closed`."""
    return Err(Variant("closed", None))


def failed(cause: Exception) -> Err:
    """The stream error `last-operation-failed`."""
    return Err(Variant("last-operation-failed", IoError(cause)))


class Source(Protocol):
    """Where an input stream's bytes come from. Nothing here waits."""

    def take(self, size: int) -> bytes | None:
        """1 to `size` bytes, b"" if none is there now, None at the end; OSError if it fails."""

    def ready(self) -> bool:
        """Whether `take` has bytes, the end or an error to report."""

    def hint(self) -> Hint:
        """When `ready` should be asked again."""

    def close(self) -> None:
        """The stream is gone."""


class Sink(Protocol):
    """Where an output stream's bytes go. Nothing here waits."""

    def room(self) -> int:
        """How many bytes `put` accepts now; OSError if an earlier write failed."""

    def put(self, data: bytes) -> None:
        """Accept all of `data`, which `room` has allowed; OSError if that fails."""

    def pump(self) -> bool:
        """Pass on what was accepted; True when all of it is gone; OSError if that fails."""

    def hint(self) -> Hint:
        """When `room` or `pump` should be asked again."""

    def close(self) -> None:
        """The stream is gone."""


class Pollable:
    """`wasi:io/poll.pollable`. This one is always ready; subclasses wait for something."""

    __slots__ = ()

    def ready(self) -> bool:
        """Whether the event has occurred."""
        return True

    def hint(self) -> Hint:
        """When `ready` should be asked again."""
        return None, None

    def block(self) -> Blocked | None:
        """Wait until the event has occurred."""
        return None if self.ready() else _blocked(self.block, [self.hint()])


class StreamPollable(Pollable):
    """Ready when a stream is: bytes, the end or an error to read; room, or an error, to write."""

    __slots__ = ("stream",)

    def __init__(self, stream: "InputStream | OutputStream") -> None:
        self.stream = stream

    def ready(self) -> bool:
        return self.stream.ready()

    def hint(self) -> Hint:
        return self.stream.hint()


def poll(pollables: Sequence[Pollable]) -> list[int] | Blocked:
    """The indexes of the pollables that are ready, after waiting for one.

    Traps on an empty list, and on one that would keep the host busy.
    """
    if not pollables:
        raise Trap("empty poll list")
    if len(pollables) > MAX_POLLABLES:
        raise Trap(f"poll list of {len(pollables)} pollables, the limit is {MAX_POLLABLES}")
    ready = [index for index, pollable in enumerate(pollables) if pollable.ready()]
    return ready or _blocked(lambda: poll(pollables), [pollable.hint() for pollable in pollables])


def _blocked(retry: Callable[[], Any], hints: Sequence[Hint]) -> Blocked:
    timeout = min((seconds for seconds, _ in hints if seconds is not None), default=_MAX_WAIT)
    descriptors = {fileno for _, fileno in hints if fileno is not None}
    if len(descriptors) > 1:
        timeout = min(timeout, _SHARED_WAIT)
    return Blocked(retry, max(0.0, min(timeout, _MAX_WAIT)), next(iter(descriptors), None))


class InputStream:
    """`wasi:io/streams.input-stream`; every read error is the `Err` of a stream-error."""

    __slots__ = ("_closed", "_source")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._closed = False

    def ready(self) -> bool:
        """Whether a read has something to report."""
        return self._closed or self._source.ready()

    def hint(self) -> Hint:
        """When `ready` should be asked again."""
        return self._source.hint()

    def drop(self) -> None:
        """The guest dropped its handle."""
        self._source.close()

    def read(self, length: int) -> bytes:
        """At most `length` bytes (and at most 64 KiB), b"" if none is there now."""
        if self._closed:
            raise closed()
        if length == 0:
            return b""
        try:
            data = self._source.take(min(length, MAX_READ))
        except OSError as error:
            self._closed = True
            raise failed(error) from None
        if data is None:
            self._closed = True
            raise closed()
        return data

    def blocking_read(self, length: int) -> bytes | Blocked:
        """`read`, after waiting for at least one byte."""
        if not self.ready():
            return _blocked(lambda: self.blocking_read(length), [self.hint()])
        data = self.read(length)
        if not data and length:
            return _blocked(lambda: self.blocking_read(length), [self.hint()])
        return data

    def skip(self, length: int) -> int:
        """`read`, but only count the bytes."""
        return len(self.read(length))

    def blocking_skip(self, length: int) -> int | Blocked:
        """`blocking-read`, but only count the bytes."""
        if not self.ready():
            return _blocked(lambda: self.blocking_skip(length), [self.hint()])
        count = self.skip(length)
        if not count and length:
            return _blocked(lambda: self.blocking_skip(length), [self.hint()])
        return count

    def subscribe(self) -> Pollable:
        """Ready when a read has something to report."""
        return StreamPollable(self)


class OutputStream:
    """`wasi:io/streams.output-stream`; every write error is the `Err` of a stream-error.

    `_permit` is what `check-write` allowed and `write` has not used yet.
    """

    __slots__ = ("_closed", "_permit", "_sink")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._closed = False
        self._permit = 0

    def _attempt(self, operation: Callable[[], _T]) -> _T:
        if self._closed:
            raise closed()
        try:
            return operation()
        except OSError as error:
            self._closed = True
            raise failed(error) from None

    def ready(self) -> bool:
        """Whether `check-write` would permit a byte or report an error."""
        if self._closed:
            return True
        try:
            return self._sink.room() > 0
        except OSError:
            return True

    def hint(self) -> Hint:
        """When `ready` should be asked again."""
        return self._sink.hint()

    def drop(self) -> None:
        """The guest dropped its handle."""
        self._sink.close()

    def check_write(self) -> int:
        """How many bytes the next `write` may have; 0 while earlier ones are on their way."""
        self._permit = self._attempt(self._sink.room)
        return self._permit

    def write(self, contents: bytes) -> None:
        """Write without waiting; traps on more bytes than `check-write` permitted."""
        if self._closed:
            raise closed()
        self._use_permit(len(contents))
        self._attempt(lambda: self._sink.put(contents))

    def write_zeroes(self, length: int) -> None:
        """`write` of `length` zero bytes."""
        if self._closed:
            raise closed()
        self._use_permit(length)
        self._attempt(lambda: self._sink.put(bytes(length)))

    def _use_permit(self, length: int) -> None:
        if length > self._permit:
            raise Trap(f"write not permitted: {length} bytes where check-write permitted {self._permit}")
        self._permit -= length

    def flush(self) -> None:
        """Ask for what was written to be passed on, without waiting."""
        self._attempt(self._sink.pump)

    def blocking_flush(self) -> Blocked | None:
        """`flush`, and wait until it is done."""
        if self._attempt(self._sink.pump):
            return None
        return _blocked(self.blocking_flush, [self.hint()])

    def blocking_write_and_flush(self, contents: bytes) -> Blocked | None:
        """Write at most 4096 bytes (more traps), flush, and wait until that is done."""
        if len(contents) > MAX_BLOCKING_WRITE:
            raise Trap(
                f"blocking-write-and-flush takes at most {MAX_BLOCKING_WRITE} bytes, got {len(contents)}"
            )
        if self._attempt(self._sink.room) < len(contents):
            return _blocked(lambda: self.blocking_write_and_flush(contents), [self.hint()])
        self._permit = 0
        self._attempt(lambda: self._sink.put(contents))
        return self.blocking_flush()

    def blocking_write_zeroes_and_flush(self, length: int) -> Blocked | None:
        """`blocking-write-and-flush` of `length` zero bytes."""
        if length > MAX_BLOCKING_WRITE:
            raise Trap(
                f"blocking-write-zeroes-and-flush takes at most {MAX_BLOCKING_WRITE} bytes, got {length}"
            )
        return self.blocking_write_and_flush(bytes(length))

    def splice(self, source: InputStream, length: int) -> int:
        """Move at most `length` bytes from `source` without waiting; return how many."""
        size = min(length, self.check_write())
        if size == 0:
            return 0
        contents = source.read(size)
        self.write(contents)
        return len(contents)

    def blocking_splice(self, source: InputStream, length: int) -> int | Blocked:
        """`splice`, after waiting until both streams are ready."""
        for stream in (self, source):
            if not stream.ready():
                return _blocked(lambda: self.blocking_splice(source, length), [stream.hint()])
        count = self.splice(source, length)
        if count == 0 and length:
            return _blocked(lambda: self.blocking_splice(source, length), [source.hint()])
        return count

    def subscribe(self) -> Pollable:
        """Ready when `check-write` would permit a byte or report an error."""
        return StreamPollable(self)


ERROR = HostResource("error", IoError)
POLLABLE = HostResource("pollable", Pollable)
INPUT_STREAM = HostResource("input-stream", InputStream, drop=InputStream.drop)
OUTPUT_STREAM = HostResource("output-stream", OutputStream, drop=OutputStream.drop)

INTERFACES: dict[str, Interface] = {
    "wasi:io/error": {
        "error": ERROR,
        "[method]error.to-debug-string": IoError.to_debug_string,
    },
    "wasi:io/poll": {
        "pollable": POLLABLE,
        "[method]pollable.ready": lambda pollable: pollable.ready(),
        "[method]pollable.block": Pollable.block,
        "poll": poll,
    },
    "wasi:io/streams": {
        "error": ERROR,
        "pollable": POLLABLE,
        "input-stream": INPUT_STREAM,
        "[method]input-stream.read": InputStream.read,
        "[method]input-stream.blocking-read": InputStream.blocking_read,
        "[method]input-stream.skip": InputStream.skip,
        "[method]input-stream.blocking-skip": InputStream.blocking_skip,
        "[method]input-stream.subscribe": InputStream.subscribe,
        "output-stream": OUTPUT_STREAM,
        "[method]output-stream.check-write": OutputStream.check_write,
        "[method]output-stream.write": OutputStream.write,
        "[method]output-stream.blocking-write-and-flush": OutputStream.blocking_write_and_flush,
        "[method]output-stream.flush": OutputStream.flush,
        "[method]output-stream.blocking-flush": OutputStream.blocking_flush,
        "[method]output-stream.subscribe": OutputStream.subscribe,
        "[method]output-stream.write-zeroes": OutputStream.write_zeroes,
        "[method]output-stream.blocking-write-zeroes-and-flush": OutputStream.blocking_write_zeroes_and_flush,
        "[method]output-stream.splice": OutputStream.splice,
        "[method]output-stream.blocking-splice": OutputStream.blocking_splice,
    },
}
