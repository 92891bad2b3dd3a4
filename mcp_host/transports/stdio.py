"""MCP over standard input and output: a message a line.

Strategy: where the event loop can watch the descriptors (POSIX), everything happens in its callbacks.
Reading is `os.read` after readiness. Writing is at most PIPE_BUF bytes after readiness, which a pipe that
reports room takes without blocking, so that a client that doesn't read stops the writers that wait and not
the loop. O_NONBLOCK would be simpler, but it belongs to the open file and not to the descriptor: the
parent's terminal, or a shell that shares it, would get it too. Elsewhere (Windows; files under an epoll
loop) two threads do the blocking calls; daemons, since nothing can interrupt a read from a pipe that stays
silent.

Spec: basic/transports#stdio
"""

from __future__ import annotations

import asyncio
import os
import queue
import select
import selectors
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mcp_host.transports import OverlongMessage
from mcp_host.transports.lines import MAX_LINE, LineBuffer

if sys.platform == "win32":
    import msvcrt

PIPE_BUF: int = getattr(select, "PIPE_BUF", 512)
CHUNK = 64 * 1024
BURST = 1024 * 1024
"""Bytes written in one callback to a client that reads as fast."""

MAX_WAITING = 256
"""Messages read ahead of the host; beyond, the client waits."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The event loop for a program whose job is serving stdio.

    On POSIX it uses `select`, which unlike epoll and kqueue watches files and /dev/null too.
    """
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


@contextmanager
def claim_stdio() -> Iterator[tuple[int, int]]:
    """Take standard input and output away from the rest of the process; give descriptors (in, out) for them.

    Until the block ends, what anyone else writes to standard output goes to standard error, and standard
    input is empty: no stray `print` meets the protocol's stream. One that is closed counts as /dev/null.
    """
    # A standard descriptor that is closed would be the next one given out: fill such holes first.
    while (null := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    inside, outside = os.dup(0), os.dup(1)
    try:
        if sys.platform == "win32":
            msvcrt.setmode(inside, os.O_BINARY)
            msvcrt.setmode(outside, os.O_BINARY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        _flush_stdout()  # what was printed before has no place on the wire either
        try:
            yield inside, outside
        finally:
            _flush_stdout()
            os.dup2(inside, 0)
            os.dup2(outside, 1)
    finally:
        for descriptor in (inside, outside, null):
            os.close(descriptor)


def open_stdio(fd_in: int, fd_out: int, *, max_line: int = MAX_LINE) -> PollingStdio | ThreadedStdio:
    """A transport on two descriptors, of the kind that the running event loop can drive.

    Doesn't own the descriptors.
    """
    loop = asyncio.get_running_loop()
    try:
        loop.add_reader(fd_in, lambda: None)
        loop.remove_reader(fd_in)
    except (NotImplementedError, OSError):
        return ThreadedStdio(fd_in, fd_out, max_line=max_line)
    return PollingStdio(fd_in, fd_out, max_line=max_line)


def _flush_stdout() -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


class _Inbox:
    """Messages that came in and weren't read yet. The end of input stays at the end."""

    __slots__ = ("_ended", "_lines", "_messages", "_waiter")

    def __init__(self, max_line: int) -> None:
        self._lines = LineBuffer(max_line)
        self._messages: deque[bytes | OverlongMessage] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Take bytes; none are the end of input, which completes a line without newline."""
        if not self._ended:
            self._messages.extend(self._lines.feed(data) if data else self._lines.finish())
            self._ended = not data
        self._wake()

    def end(self) -> None:
        """End the input here, without what is unread."""
        self._messages.clear()
        self._ended = True
        self._wake()

    @property
    def full(self) -> bool:
        return len(self._messages) >= MAX_WAITING

    async def get(self) -> bytes | None:
        while not self._messages:
            if self._ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.popleft()
        if isinstance(message, OverlongMessage):
            raise message
        return message

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class PollingStdio:
    """stdio in the callbacks of an event loop that can watch both descriptors."""

    slice_pause = 0.0

    def __init__(self, fd_in: int, fd_out: int, *, max_line: int = MAX_LINE) -> None:
        self._fd_in = fd_in
        self._fd_out = fd_out
        self._loop = asyncio.get_running_loop()
        self._inbox = _Inbox(max_line)
        self._reading = False
        self._outbox = bytearray()
        self._drained: asyncio.Future[None] | None = None
        self.closed = False

    async def read(self) -> bytes | None:
        """See `Transport.read`. One reader at a time."""
        if not self._reading and not self.closed and not self._inbox.full:
            self._reading = True
            self._loop.add_reader(self._fd_in, self._on_readable)
        return await self._inbox.get()

    async def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        if self.closed:
            return
        self._outbox += data
        if self._drained is None:
            self._pump()
        if self._drained is not None:
            await asyncio.shield(self._drained)

    def close(self) -> None:
        """See `Transport.close`. The descriptors stay open."""
        if not self.closed:
            self.closed = True
            self._stop_reading()
            self._outbox.clear()
            self._finish_writing()
            self._inbox.end()

    def _on_readable(self) -> None:
        try:
            data = os.read(self._fd_in, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # a terminal that hung up, a connection that was reset
            data = b""
        self._inbox.feed(data)
        if not data:
            self._closed_input()
        elif self._inbox.full:
            self._stop_reading()

    def _closed_input(self) -> None:
        self._stop_reading()
        self._reading = True  # never watch it again

    def _stop_reading(self) -> None:
        if self._reading:
            self._loop.remove_reader(self._fd_in)
            self._reading = False

    def _pump(self) -> None:
        """Write what goes without blocking; go on when there is room."""
        budget = BURST
        try:
            while self._outbox and budget > 0 and select.select((), (self._fd_out,), (), 0)[1]:
                written = os.write(self._fd_out, self._outbox[:PIPE_BUF])
                del self._outbox[:written]
                budget -= written
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:  # the client is gone
            self.close()
            return
        if not self._outbox:
            self._finish_writing()
        elif self._drained is None:
            self._drained = self._loop.create_future()
            self._loop.add_writer(self._fd_out, self._pump)

    def _finish_writing(self) -> None:
        if self._drained is not None:
            self._loop.remove_writer(self._fd_out)
            self._drained.set_result(None)
            self._drained = None


class ThreadedStdio:
    """stdio by two threads, for event loops that can't watch the descriptors."""

    slice_pause = 0.0002
    """With `sleep(0)` between slices, the reading thread starves.

    29 s were measured, and 0.2 ms cost nothing.
    """

    def __init__(self, fd_in: int, fd_out: int, *, max_line: int = MAX_LINE) -> None:
        self._fd_in = fd_in
        self._fd_out = fd_out
        self._loop = asyncio.get_running_loop()
        self._inbox = _Inbox(max_line)
        self._room = threading.Event()
        self._room.set()
        self._outbox: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._writing: set[asyncio.Future[None]] = set()
        self.closed = False
        for work in (self._read_all, self._write_all):
            threading.Thread(target=work, name="mcp-stdio", daemon=True).start()

    async def read(self) -> bytes | None:
        """See `Transport.read`. One reader at a time."""
        if not self._inbox.full:
            self._room.set()
        return await self._inbox.get()

    async def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        if data and not self.closed:
            done = self._loop.create_future()
            self._outbox.put((data, done))
            self._writing.add(done)
            await asyncio.shield(done)

    def close(self) -> None:
        """See `Transport.close`.

        The descriptors stay open, and a thread that waits for input goes on waiting.
        """
        if not self.closed:
            self.closed = True
            self._outbox.put(None)
            self._room.set()
            self._inbox.end()
            for done in tuple(self._writing):
                self._wrote(done)

    def _read_all(self) -> None:
        data = b"-"
        while data and not self.closed:
            self._room.wait()
            try:
                data = os.read(self._fd_in, CHUNK)
            except OSError:
                data = b""
            self._call(self._take, data)

    def _take(self, data: bytes) -> None:
        self._inbox.feed(data)
        if self._inbox.full:
            self._room.clear()

    def _write_all(self) -> None:
        while (item := self._outbox.get()) is not None:
            data, done = item
            view = memoryview(data)
            try:
                while view and not self.closed:
                    view = view[os.write(self._fd_out, view[:CHUNK]) :]
            except OSError:  # the client is gone
                self._call(self.close)
            self._call(self._wrote, done)

    def _wrote(self, done: asyncio.Future[None]) -> None:
        self._writing.discard(done)
        if not done.done():
            done.set_result(None)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)
