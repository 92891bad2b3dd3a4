from __future__ import annotations

import asyncio

import pytest

from mcp_host.transports import OverlongMessage
from mcp_host.transports.memory import memory_pair


def test_pair_what_one_writes_the_other_reads() -> None:
    async def talk() -> None:
        one, other = memory_pair()
        await one.write(b"a\nb\n")
        assert [await other.read(), await other.read()] == [b"a", b"b"]
        await other.write(b"c\n")
        assert await one.read() == b"c"

    asyncio.run(talk())


def test_close_lets_what_was_sent_be_read_and_ends_both() -> None:
    async def talk() -> None:
        one, other = memory_pair()
        waiting = asyncio.create_task(one.read())
        await asyncio.sleep(0)
        await one.write(b"last\n")
        one.close()
        await other.write(b"dropped\n")
        assert [await other.read(), await other.read(), await other.read()] == [b"last", None, None]
        assert await waiting is None
        other.close()

    asyncio.run(talk())


def test_read_overlong_raises_and_goes_on() -> None:
    async def talk() -> None:
        one, other = memory_pair(max_line=4)
        await one.write(b"abcdef\nok\n")
        with pytest.raises(OverlongMessage, match="more than 4 bytes"):
            await other.read()
        assert await other.read() == b"ok"

    asyncio.run(talk())
