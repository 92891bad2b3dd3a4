"""How messages travel. A transport moves lines; what is in them is `mcp_host.protocol`'s."""

from __future__ import annotations

from typing import Protocol


class OverlongMessage(Exception):
    """A message of more than `limit` bytes came in, and was thrown away. The next read goes on after it."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"a message of more than {limit} bytes")
        self.limit = limit


class Transport(Protocol):
    """What a host serves on; users may bring their own.

    A transport may have an attribute `slice_pause`: the seconds that a busy host sleeps between slices of
    guest code, so that input is noticed. Without it, `asyncio.sleep(0)` is enough. An attribute `closed` that
    turns true when the peer is gone lets the host stop what nobody waits for.
    """

    async def read(self) -> bytes | None:
        """Wait for the next message.

        None at the end of input. Raises OverlongMessage for one above the limit.
        """

    async def write(self, data: bytes) -> None:
        """Send whole lines, in the order of the calls, and return when they are on their way.

        When the peer is gone, data is dropped without an error, and `read` returns None.
        """

    def close(self) -> None:
        """Stop reading and writing; a waiting `read` returns None. May be called more than once."""
