"""Sources and sinks for standard streams: what an embedder may give as stdin, stdout or stderr.

Strategy: pipes, sockets and terminals are asked with poll() before they are touched, so that the host
never waits in a read or write; their blocking mode is never changed, since others share the descriptor.
What can't be written yet stays in a buffer of at most `WRITE_CAPACITY` bytes, and the guest waits for it.
"""

import io
import os
import select
import stat
from collections.abc import Callable
from typing import Any

from pywrt.wasi.preview2.io import WRITE_CAPACITY, Hint, Sink, Source

#: poll() promises room for this many bytes in a pipe (PIPE_BUF is 4096 on Linux, at least 512 elsewhere).
_PIPE_CHUNK = min(4096, getattr(select, "PIPE_BUF", 512))
#: Seconds between two looks at a full pipe: `Blocked` waits for readable descriptors only.
_WRITE_RETRY = 0.005


def _is_ready(fd: int, *, write: bool) -> bool:
    """Whether reading (or writing a little) would not wait. Where that can't be asked: True."""
    try:
        if hasattr(select, "poll"):
            poller = select.poll()
            poller.register(fd, select.POLLOUT if write else select.POLLIN)
            return bool(poller.poll(0))
        watched: list[int] = [fd]
        readable, writable, _ = select.select([] if write else watched, watched if write else [], [], 0)
        return bool(readable or writable)
    except (OSError, ValueError):
        # Windows asks sockets only; on a closed descriptor the operation itself reports the error.
        return True


def _may_wait(fd: int) -> bool:
    """Whether `fd` is of a kind whose reads and writes wait for another party."""
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


class BytesSource:
    """Reads bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, size: int) -> bytes | None:
        chunk = self._data[self._position : self._position + size]
        self._position += len(chunk)
        return chunk or None

    def ready(self) -> bool:
        return True

    def hint(self) -> Hint:
        return None, None

    def close(self) -> None:
        """Other streams may still read on: nothing to do."""


class FileSource(BytesSource):
    """Reads a binary file object that never waits (a regular file, `io.BytesIO`)."""

    def __init__(self, file: Any) -> None:
        super().__init__(b"")
        self._read: Callable[[int], bytes | None] = getattr(file, "read1", file.read)

    def take(self, size: int) -> bytes | None:
        try:
            return self._read(size) or None
        except ValueError as error:  # the embedder closed it
            raise OSError(str(error)) from error


class DescriptorSource(BytesSource):
    """Reads a file descriptor, which stays the embedder's."""

    def __init__(self, fd: int) -> None:
        super().__init__(b"")
        self._fd = fd

    def take(self, size: int) -> bytes | None:
        if not self.ready():
            return b""
        try:
            return os.read(self._fd, size) or None
        except BlockingIOError:
            return b""

    def ready(self) -> bool:
        return _is_ready(self._fd, write=False)

    def hint(self) -> Hint:
        return None, self._fd


class NullSink:
    """Discards what is written; base of the sinks that take everything at once."""

    def room(self) -> int:
        return WRITE_CAPACITY

    def put(self, data: bytes) -> None:
        """Discard it."""

    def pump(self) -> bool:
        return True

    def hint(self) -> Hint:
        return None, None

    def close(self) -> None:
        """Other streams may still write: nothing to do."""


class CallableSink(NullSink):
    """Passes each write to a function, whose OSError the guest sees as a failed operation."""

    def __init__(self, function: Callable[[bytes], Any]) -> None:
        self._function = function

    def put(self, data: bytes) -> None:
        self._function(data)


class FileSink(NullSink):
    """Writes to a binary file object."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def put(self, data: bytes) -> None:
        try:
            while data:
                count = self._file.write(data)
                # An object of the embedder's may return nothing: then it took everything.
                data = data[count:] if isinstance(count, int) else b""
        except ValueError as error:  # the embedder closed it
            raise OSError(str(error)) from error

    def pump(self) -> bool:
        flush = getattr(self._file, "flush", None)
        try:
            if flush is not None:
                flush()
        except ValueError as error:
            raise OSError(str(error)) from error
        return True


class DescriptorSink(NullSink):
    """Writes to a file descriptor, which stays the embedder's."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pending = bytearray()
        self._may_wait = _may_wait(fd)

    def room(self) -> int:
        return WRITE_CAPACITY if self.pump() else 0

    def put(self, data: bytes) -> None:
        self._pending += data
        self.pump()

    def pump(self) -> bool:
        pending = self._pending
        try:
            while pending and (not self._may_wait or _is_ready(self._fd, write=True)):
                size = _PIPE_CHUNK if self._may_wait else len(pending)
                del pending[: os.write(self._fd, bytes(pending[:size]))]
        except BlockingIOError:
            return False
        except OSError:
            pending.clear()
            raise
        return not pending

    def hint(self) -> Hint:
        return _WRITE_RETRY, None


def source_of(value: Any) -> Source:
    """A source for what an embedder gives as stdin; TypeError for what it can't be.

    None is empty; bytes; a file descriptor; a binary file object. Of a file object that is a pipe, a
    socket or a terminal the descriptor is read, past what the object has buffered.
    """
    if value is None:
        return BytesSource(b"")
    if isinstance(value, bytes | bytearray | memoryview):
        return BytesSource(bytes(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return DescriptorSource(value)
    if isinstance(value, io.TextIOBase) or not hasattr(value, "read"):
        raise TypeError(f"stdin must be bytes, a binary file, a descriptor or None, got {_named(value)}")
    fd = _descriptor_of(value)
    return FileSource(value) if fd is None or not _may_wait(fd) else DescriptorSource(fd)


def sink_of(value: Any, name: str) -> Sink:
    """A sink for what an embedder gives as stdout or stderr (`name`); TypeError for what it can't be.

    None discards; a file descriptor; a binary file object; a function of bytes.
    """
    if value is None:
        return NullSink()
    if isinstance(value, int) and not isinstance(value, bool):
        return DescriptorSink(value)
    if not isinstance(value, io.TextIOBase):
        if hasattr(value, "write"):
            return FileSink(value)
        if callable(value):
            return CallableSink(value)
    raise TypeError(
        f"{name} must be a binary file, a function of bytes, a descriptor or None, got {_named(value)}"
    )


def is_terminal(value: Any) -> bool:
    """Whether a stream that an embedder gave (see `source_of`, `sink_of`) is a terminal."""
    if isinstance(value, int) and not isinstance(value, bool):
        return os.isatty(value)
    fd = _descriptor_of(value)
    return fd is not None and os.isatty(fd)


def _descriptor_of(value: Any) -> int | None:
    """The descriptor below a file object, if it has one."""
    try:
        fd = value.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return fd if isinstance(fd, int) else None


def _named(value: Any) -> str:
    return f"a text file ({value!r})" if isinstance(value, io.TextIOBase) else type(value).__name__
