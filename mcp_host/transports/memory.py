"""Two transports that are each other's peer, in one process.

For tests, and for a host and a client in one program.
"""

from __future__ import annotations

import asyncio

from mcp_host.transports import OverlongMessage
from mcp_host.transports.lines import MAX_LINE, LineBuffer


class MemoryTransport:
    """One end of a pair; `memory_pair` makes them."""

    __slots__ = ("_closed", "_inbox", "_lines", "peer")

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._inbox: asyncio.Queue[bytes | OverlongMessage | None] = asyncio.Queue()
        self._lines = LineBuffer(max_line)
        self._closed = False
        self.peer: MemoryTransport | None = None

    async def read(self) -> bytes | None:
        """The next message of the peer; None once either end is closed. Raises OverlongMessage."""
        if self._closed and self._inbox.empty():
            return None
        message = await self._inbox.get()
        if isinstance(message, OverlongMessage):
            raise message
        return message

    async def write(self, data: bytes) -> None:
        """Send whole lines; dropped when either end is closed."""
        if self.peer is not None and not self._closed and not self.peer._closed:
            for message in self.peer._lines.feed(data):
                self.peer._inbox.put_nowait(message)

    def close(self) -> None:
        """End both directions; what was sent before can still be read."""
        for end in (self, self.peer):
            if end is not None and not end._closed:
                end._closed = True
                end._inbox.put_nowait(None)


def memory_pair(max_line: int = MAX_LINE) -> tuple[MemoryTransport, MemoryTransport]:
    """Two ends: what is written to one is read from the other."""
    one, other = MemoryTransport(max_line), MemoryTransport(max_line)
    one.peer, other.peer = other, one
    return one, other
