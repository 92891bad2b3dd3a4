"""Bytes in, lines out: the framing of stdio."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_host.transports import OverlongMessage

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one message. JSON takes up to twenty times its length once it is parsed (`[[],[],...`), so that
this bounds what a client can make the host hold at some 300 MB."""


class LineBuffer:
    """Cuts a stream of bytes at newlines. Takes time in proportion to the bytes, however they are cut up."""

    __slots__ = ("_chunks", "_limit", "_size", "_skipping")

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | OverlongMessage]:
        """The lines that `data` completes, without their newlines; OverlongMessage once for each line above
        the limit.

        What is above the limit isn't kept: the line is skipped to its end.
        """
        *whole, rest = data.split(b"\n")
        for part in whole:
            yield from self._add(part)
            line = b"".join(self._chunks)
            skipped = self._skipping
            self._clear()
            if not skipped:
                yield line
        yield from self._add(rest)

    def finish(self) -> Iterator[bytes]:
        """The line that the end of input completes, if there is one."""
        if self._size and not self._skipping:
            yield b"".join(self._chunks)
        self._clear()

    def _add(self, part: bytes) -> Iterator[OverlongMessage]:
        if self._skipping or not part:
            return
        self._size += len(part)
        if self._size > self._limit:
            self._chunks.clear()
            self._skipping = True
            yield OverlongMessage(self._limit)
        else:
            self._chunks.append(part)

    def _clear(self) -> None:
        self._chunks.clear()
        self._size = 0
        self._skipping = False
