"""The world `streams` in Python: see wit/streams.wit. `build.py --python` makes a component of it."""

import componentize_py_async_support
import wit_world
from componentize_py_async_support import spawn
from componentize_py_async_support.futures import FutureReader, FutureWriter
from componentize_py_async_support.streams import (
    ByteStreamReader,
    ByteStreamWriter,
    StreamReader,
    StreamWriter,
)

CHUNK = 65536
FLIPPED = bytes(255 - byte for byte in range(256))

calls = wit_world.Calls(waiting=0, cancelled=0)

TASK_CANCELLED = 6
go_on = componentize_py_async_support.callback


def callback(event: int, index: int, payload: int) -> int:
    """Go on with a call after an event.

    componentize-py 0.25 knows no cancellation, and a call that is asked to end would end the component. So
    one goes on as if it had not been asked; who cancelled it does not get its result.
    """
    if event == TASK_CANCELLED:
        calls.cancelled += 1
        event = 0
    return go_on(event, index, payload)


componentize_py_async_support.callback = callback


class WitWorld(wit_world.WitWorld):
    async def relay(self, data: ByteStreamReader) -> ByteStreamReader:
        writer, reader = wit_world.byte_stream()
        spawn(relay_all(data, writer))
        return reader

    async def flip(self, data: ByteStreamReader) -> ByteStreamReader:
        writer, reader = wit_world.byte_stream()
        spawn(flip_all(data, writer))
        return reader

    async def double(self, numbers: StreamReader[int]) -> StreamReader[int]:
        writer, reader = wit_world.u32_stream()
        spawn(double_all(numbers, writer))
        return reader

    async def total(self, numbers: StreamReader[int]) -> int:
        total = 0
        with numbers:
            while not numbers.writer_dropped:
                total += sum(await numbers.read(CHUNK // 4))
        return total

    async def head(self, data: ByteStreamReader, count: int) -> bytes:
        got = b""
        with data:
            while len(got) < count and not data.writer_dropped:
                got += await data.read(count - len(got))
        return got

    async def greet(self, name: FutureReader[str]) -> FutureReader[str]:
        writer, reader = wit_world.string_future(str)
        spawn(greet_named(name, writer))
        return reader

    async def ask(self, n: int) -> str:
        calls.waiting += 1
        text = await wit_world.fetch(n)
        calls.waiting -= 1
        return f"[{text}]"

    async def hold(self) -> None:
        calls.waiting += 1
        writer, reader = wit_world.byte_stream()
        with writer, reader:
            await reader.read(1)  # which nobody writes

    def count(self) -> wit_world.Calls:
        return calls


async def relay_all(data: ByteStreamReader, writer: ByteStreamWriter) -> None:
    with data, writer:
        while not data.writer_dropped and not writer.reader_dropped:
            await writer.write_all(await data.read(CHUNK))


async def flip_all(data: ByteStreamReader, writer: ByteStreamWriter) -> None:
    with data, writer:
        while not data.writer_dropped and not writer.reader_dropped:
            chunk = await data.read(CHUNK)
            await writer.write_all(chunk.translate(FLIPPED))


async def double_all(numbers: StreamReader[int], writer: StreamWriter[int]) -> None:
    with numbers, writer:
        while not numbers.writer_dropped and not writer.reader_dropped:
            await writer.write_all([2 * number for number in await numbers.read(CHUNK // 4)])


async def greet_named(name: FutureReader[str], writer: FutureWriter[str]) -> None:
    await writer.write(f"hello, {await name.read()}")
