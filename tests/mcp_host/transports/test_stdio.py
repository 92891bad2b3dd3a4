from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcp_host.transports import OverlongMessage
from mcp_host.transports.stdio import (
    MAX_WAITING,
    PollingStdio,
    ThreadedStdio,
    claim_stdio,
    new_event_loop,
    open_stdio,
)

KINDS = pytest.mark.parametrize("kind", [PollingStdio, ThreadedStdio])
Stdio = PollingStdio | ThreadedStdio


@contextmanager
def pipes() -> Iterator[tuple[int, int, int, int]]:
    """Two pipes: (server in, client out, client in, server out)."""
    descriptors = [*os.pipe(), *os.pipe()]
    try:
        yield descriptors[0], descriptors[1], descriptors[2], descriptors[3]
    finally:
        for descriptor in descriptors:
            try:
                os.close(descriptor)
            except OSError:
                continue


def run(work: Callable[[], Awaitable[None]]) -> None:
    loop = new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(work(), 60))
    finally:
        loop.close()


async def refused(stdio: Stdio) -> str:
    with pytest.raises(OverlongMessage) as caught:
        await stdio.read()
    return str(caught.value)


@KINDS
def test_read_gives_lines_then_the_unfinished_one_then_none(kind: type[Stdio]) -> None:
    with pipes() as (server_in, client_out, _, server_out):

        async def work() -> None:
            stdio = kind(server_in, server_out)
            os.write(client_out, b"one\r\ntwo\nthr")
            assert [await stdio.read(), await stdio.read()] == [b"one\r", b"two"]
            os.write(client_out, b"ee")
            os.close(client_out)
            assert [await stdio.read(), await stdio.read(), await stdio.read()] == [b"three", None, None]
            stdio.close()

        run(work)


@KINDS
def test_read_overlong_line_is_skipped_and_reading_goes_on(kind: type[Stdio]) -> None:
    with pipes() as (server_in, client_out, _, server_out):

        async def work() -> None:
            stdio = kind(server_in, server_out, max_line=10)
            os.write(client_out, b"x" * 5000 + b"\nok\n")
            assert await refused(stdio) == "a message of more than 10 bytes"
            assert await stdio.read() == b"ok"
            os.close(client_out)
            assert await stdio.read() is None

        run(work)


@KINDS
def test_read_five_megabyte_line_and_many_short_ones(kind: type[Stdio]) -> None:
    stream = b"y" * 5_000_000 + b"\n" + b"z\n" * (3 * MAX_WAITING)

    def send(descriptor: int) -> None:
        rest = memoryview(stream)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.close(descriptor)

    with pipes() as (server_in, client_out, _, server_out):

        async def work() -> None:
            stdio = kind(server_in, server_out)
            threading.Thread(target=send, args=(client_out,), daemon=True).start()
            lines = []
            while (line := await stdio.read()) is not None:
                lines.append(len(line))
            assert lines == [5_000_000, *[1] * (3 * MAX_WAITING)]

        run(work)


@KINDS
def test_write_to_a_client_that_does_not_read_leaves_the_loop_running(kind: type[Stdio]) -> None:
    size = 1_000_000
    with pipes() as (server_in, client_out, client_in, server_out):

        async def work() -> None:
            stdio = kind(server_in, server_out)
            first = asyncio.create_task(stdio.write(b"a" * size + b"\n"))
            second = asyncio.create_task(stdio.write(b"b" * size + b"\n"))
            os.write(client_out, b"ping\n")
            assert await stdio.read() == b"ping"  # while both writes wait for room
            assert not first.done()
            assert not second.done()
            received = bytearray()
            while len(received) < 2 * size + 2:
                received += await asyncio.to_thread(os.read, client_in, 65536)
            await asyncio.gather(first, second)
            assert bytes(received) == b"a" * size + b"\n" + b"b" * size + b"\n"

        run(work)


@KINDS
def test_write_never_sets_the_descriptors_non_blocking(kind: type[Stdio]) -> None:
    with pipes() as (server_in, client_out, client_in, server_out):

        async def work() -> None:
            stdio = kind(server_in, server_out)
            await stdio.write(b"hello\n")
            os.write(client_out, b"x\n")
            await stdio.read()
            for descriptor in (server_in, server_out):
                assert not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK
            assert os.read(client_in, 100) == b"hello\n"

        run(work)


@KINDS
def test_write_to_a_client_that_went_away_ends_the_input(kind: type[Stdio]) -> None:
    with pipes() as (server_in, _client_out, client_in, server_out):

        async def work() -> None:
            stdio = kind(server_in, server_out)
            reading = asyncio.create_task(stdio.read())
            await asyncio.sleep(0)
            os.close(client_in)
            await stdio.write(b"x\n")
            assert await reading is None
            await stdio.write(b"dropped\n")

        run(work)


@KINDS
def test_close_wakes_a_waiting_read_and_write(kind: type[Stdio]) -> None:
    with pipes() as (server_in, client_out, client_in, server_out):

        async def work() -> None:
            stdio = kind(server_in, server_out)
            reading = asyncio.create_task(stdio.read())
            writing = asyncio.create_task(stdio.write(b"w" * 1_000_000))
            await asyncio.sleep(0.01)
            stdio.close()
            stdio.close()
            assert await reading is None
            os.read(client_in, 65536)  # a thread in the middle of a write can't be woken otherwise
            await writing
            os.write(client_out, b"ends the reading thread\n")

        run(work)


def test_open_stdio_reads_files_and_dev_null(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"from a file\n")

    async def work() -> None:
        for name, lines in ((str(path), [b"from a file", None]), (os.devnull, [None])):
            descriptor = os.open(name, os.O_RDONLY)
            stdio = open_stdio(descriptor, descriptor)
            assert isinstance(stdio, PollingStdio)
            assert [await stdio.read() for _ in lines] == lines
            os.close(descriptor)

    run(work)


def test_open_stdio_where_the_loop_cannot_watch_a_file_uses_threads(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"from a file\n")

    async def work() -> None:
        descriptor = os.open(path, os.O_RDONLY)
        stdio = open_stdio(descriptor, descriptor)
        if not isinstance(stdio, ThreadedStdio):
            pytest.skip("this platform's default event loop watches files")
        assert [await stdio.read(), await stdio.read()] == [b"from a file", None]
        os.close(descriptor)

    asyncio.run(work())


CLAIM = """
import os, sys
from mcp_host.transports.stdio import claim_stdio
print("printed before")
with claim_stdio() as (inside, outside):
    print("stray print")
    os.write(1, b"stray write\\n")
    assert os.read(0, 10) == b""
    os.write(outside, b"got " + os.read(inside, 100))
print("printed after")
"""


def claim(before: str = "") -> tuple[bytes, list[bytes]]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", before + CLAIM]
    done = subprocess.run(command, input=b"line\n", capture_output=True, check=True, env=environment)
    return done.stdout, sorted(done.stderr.split(b"\n"))


def test_claim_stdio_keeps_the_wire_clean() -> None:
    assert claim() == (b"got line\nprinted after\n", [b"", b"printed before", b"stray print", b"stray write"])


def test_claim_stdio_with_standard_error_closed_throws_prints_away() -> None:
    assert claim("import os; os.close(2)\n") == (b"got line\nprinted after\n", [b""])


def test_claim_stdio_restores_what_it_took() -> None:
    before = [os.fstat(descriptor).st_ino for descriptor in (0, 1)]
    with claim_stdio():
        pass
    assert [os.fstat(descriptor).st_ino for descriptor in (0, 1)] == before
