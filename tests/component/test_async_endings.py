"""How calls, streams and futures of an async component end early: cancelled, closed, refused or failed.

Also what they hold on to until then. `test_async_guests` has the rest of what they do.
"""

import asyncio
import itertools
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, Linker, Record
from pywrt.config import Config
from pywrt.errors import Trap, ValueTypeError, WasmError

STREAMS = Path(__file__).resolve().parent.parent.parent / "examples" / "streams"
MB = 1_000_000
FLIPPED = bytes(255 - byte for byte in range(256))


class Guest:
    """An instance of a component of the world `streams`; `fetch` is the host's part of it."""

    def __init__(self, component: Component, fetch: Callable[[int], Any]) -> None:
        linker = Linker(component.engine)
        with linker.root() as root:
            root.add_func("fetch", fetch)
        self.store = Store(component.engine)
        self.store.set_fuel(1 << 50)
        self.instance = linker.instantiate(self.store, component)

    def call(self, name: str, *args: Any) -> Awaitable[Any]:
        func = self.instance.get_func(self.store, name)
        assert func is not None
        return func.call_async(self.store, *args)

    def call_now(self, name: str, *args: Any) -> Any:
        func = self.instance.get_func(self.store, name)
        assert func is not None
        return func(self.store, *args)

    async def until_waiting(self, count: int) -> None:
        """Return when so many calls of `ask` and `hold` wait."""
        while (await self.call("count")).waiting != count:
            await asyncio.sleep(0.001)


@pytest.fixture(scope="module")
def component() -> Component:
    return Component.from_file(Engine(Config(consume_fuel=True)), STREAMS / "streams-c.wasm")


@pytest.fixture
def guest(component: Component) -> Guest:
    return Guest(component, str)


class Source:
    """Items one after another, with note of how many were taken, and whether it was closed."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = items
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self.items:
                self.taken += 1
                yield item
        finally:
            self.closed = True

    async def slowly(self) -> AsyncIterator[Any]:
        try:
            for item in self.items:
                await asyncio.sleep(0)
                self.taken += 1
                yield item
        finally:
            self.closed = True


async def joined(reader: Any) -> bytes:
    return b"".join([chunk async for chunk in reader])


async def fails(error: Exception) -> Any:
    await asyncio.sleep(0)
    raise error


# Calls


def test_ask_cancelled_the_host_coroutine_is_cancelled(component: Component) -> None:
    given_up: list[int] = []

    async def fetch(n: int) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            given_up.append(n)
            raise
        return ""

    async def main() -> None:
        guest = Guest(component, fetch)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(guest.call("ask", 7), 0.01)
        await asyncio.sleep(0)
        assert given_up == [7]
        assert await guest.call("count") == Record(waiting=0, cancelled=1)

    asyncio.run(main())


def test_hold_cancelled_awaits_the_host_while_it_ends(component: Component) -> None:
    fetched: list[int] = []

    async def fetch(n: int) -> str:
        await asyncio.sleep(0)
        fetched.append(n)
        return "bye"

    async def main() -> None:
        guest = Guest(component, fetch)
        held = [asyncio.ensure_future(guest.call("hold")) for _ in range(10)]
        await guest.until_waiting(10)
        for call in held:
            call.cancel()
        await asyncio.wait(held)
        assert all(call.cancelled() for call in held)
        # something has to drive the store while they end
        assert await joined(await guest.call("relay", Source([b"x"] * 100).slowly())) == b"x" * 100
        assert fetched == [0] * 10
        assert await guest.call("count") == Record(waiting=0, cancelled=10)

    asyncio.run(main())


def test_hold_past_the_deadline_traps(guest: Guest) -> None:
    async def main() -> None:
        guest.store.set_deadline(0.01)
        with pytest.raises(Trap, match="deadline exceeded"):
            await guest.call("hold")

    asyncio.run(main())


def test_ask_host_coroutine_raises_all_calls_end_and_their_coroutines(component: Component) -> None:
    given_up: list[int] = []

    async def fetch(n: int) -> str:
        if n == 3:
            await asyncio.sleep(0.005)
            raise LookupError("no 3")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            given_up.append(n)
            raise
        return ""

    async def main() -> None:
        guest = Guest(component, fetch)
        calls = [guest.call("ask", n) for n in range(5)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(one, (LookupError, Trap)) for one in outcomes)
        assert isinstance(outcomes[3], LookupError)
        await asyncio.sleep(0)
        assert given_up == [0, 1, 2, 4]
        with pytest.raises(Trap, match="cannot enter component instance") as caught:
            await guest.call("count")
        assert isinstance(caught.value.__cause__, LookupError)

    asyncio.run(main())


def test_fetch_of_the_wrong_type_is_told(component: Component) -> None:
    async def fetch(n: int) -> Any:
        return n

    async def main() -> None:
        with pytest.raises(ValueTypeError, match="expected string, got int 3"):
            await Guest(component, fetch).call("ask", 3)

    asyncio.run(main())


# Streams


@pytest.mark.parametrize("slowly", [False, True])
def test_relay_100_mb_in_bounded_memory(guest: Guest, slowly: bool) -> None:
    chunk = bytes(range(256)) * 256
    source = Source(itertools.repeat(chunk, 100 * MB // len(chunk)))

    async def main() -> None:
        reader = await guest.call("relay", source.slowly() if slowly else source)
        size = furthest = 0
        async for got in reader:
            assert got == chunk
            size += len(got)
            furthest = max(furthest, source.taken - size // len(chunk))
        assert size == source.taken * len(chunk) > 99 * MB
        assert furthest <= 2  # chunks that it was ahead

    tracemalloc.start()
    try:
        asyncio.run(main())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MB


@pytest.mark.parametrize("name", ["relay", "flip"])
def test_stream_of_bytes_any_sizes_come_whole(guest: Guest, name: str) -> None:
    chunks = [bytes([size & 255]) * size for size in (0, 1, 7, 0, 65535, 65536, 65537, 150_000, 0)]
    whole = b"".join(chunks)
    expected = whole.translate(FLIPPED) if name == "flip" else whole

    async def main() -> None:
        assert await joined(await guest.call(name, chunks)) == expected
        assert await joined(await guest.call(name, Source(chunks).slowly())) == expected
        assert await joined(await guest.call(name, whole)) == expected
        assert await joined(await guest.call(name, b"")) == b""
        assert await joined(await guest.call(name, list(b"abc"))) == b"abc".translate(
            FLIPPED if name == "flip" else None
        )

    asyncio.run(main())


def test_relay_100_streams_at_once_each_gets_its_own(guest: Guest) -> None:
    async def relayed(n: int) -> bool:
        chunks = [bytes([n]) * 1000] * 20
        return await joined(await guest.call("relay", Source(chunks).slowly())) == b"".join(chunks)

    async def main() -> None:
        assert all(await asyncio.gather(*(relayed(n) for n in range(100))))

    asyncio.run(main())


def test_double_iterated_in_part_then_read_nothing_is_skipped(guest: Guest) -> None:
    async def main() -> None:
        reader = await guest.call("double", range(5000))
        got = []
        async for number in reader:
            got.append(number)
            if len(got) == 20:
                break
        while some := await reader.read(100):
            assert len(some) <= 100
            got += some
        assert got == list(range(0, 10_000, 2))
        assert await reader.read() == []

    asyncio.run(main())


def test_double_trap_of_the_guest_comes_after_what_it_wrote(guest: Guest) -> None:
    source = Source([*range(20_000), 1 << 31])

    async def main() -> None:
        reader = await guest.call("double", source)
        other = await guest.call("relay", b"abc")
        got: list[int] = []

        async def read_all() -> None:
            async for number in reader:
                got.append(number)

        with pytest.raises(Trap, match="unreachable"):
            await read_all()
        assert got == list(range(0, 2 * len(got), 2))
        assert len(got) > 10_000
        assert source.closed
        assert await reader.read() == []
        with pytest.raises(Trap, match="unreachable"):
            await other.read()

    asyncio.run(main())


@pytest.mark.parametrize("slowly", [False, True])
def test_relay_source_raises_the_reader_is_told(guest: Guest, slowly: bool) -> None:
    def items() -> Iterator[bytes]:
        yield b"x" * 1000
        raise LookupError("no more")

    async def main() -> None:
        source = Source(items())
        reader = await guest.call("relay", source.slowly() if slowly else source)
        assert await reader.read() == b"x" * 1000
        with pytest.raises(LookupError, match="no more"):
            await reader.read()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["x"], "expected bytes from a stream<u8>, got str 'x'"),
        ([300], "expected u8, got int 300"),
        ("abc", "expected stream<u8>"),
        (5, "expected stream<u8>"),
    ],
)
def test_relay_of_what_is_no_bytes_is_told(guest: Guest, items: Any, message: str) -> None:
    async def main() -> None:
        with pytest.raises(ValueTypeError, match=message):
            await joined(await guest.call("relay", items))

    asyncio.run(main())


@pytest.mark.parametrize("slowly", [False, True])
def test_relay_closed_by_the_host_closes_the_source(guest: Guest, slowly: bool) -> None:
    source = Source([b"x" * 65536] * 100)

    async def main() -> None:
        reader = await guest.call("relay", source.slowly() if slowly else source)
        assert await reader.read(10) == b"x" * 10
        reader.close()
        assert await reader.read() == b""
        await joined(await guest.call("relay", b"abc"))  # which drives the store
        await asyncio.sleep(0)
        assert source.closed
        assert source.taken <= 2

    asyncio.run(main())


@pytest.mark.parametrize("slowly", [False, True])
def test_head_closed_by_the_guest_closes_the_source(guest: Guest, slowly: bool) -> None:
    source = Source([b"abcdef"] * 100)

    async def main() -> None:
        assert await guest.call("head", source.slowly() if slowly else source, 10) == b"abcdefabcd"
        await asyncio.sleep(0)
        assert (source.taken, source.closed) == (2, True)

    asyncio.run(main())


def test_head_cancelled_closes_the_source(guest: Guest) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b""
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(guest.call("head", endless(), 10), 0.01)
        await asyncio.wait_for(closed.wait(), 10)
        assert await guest.call("head", b"abc", 2) == b"ab"

    asyncio.run(main())


def test_read_cancelled_loses_nothing(guest: Guest) -> None:
    async def main() -> None:
        more = asyncio.Event()

        async def items() -> AsyncIterator[bytes]:
            yield b"abc"
            await more.wait()
            yield b"def"

        reader = await guest.call("relay", items())
        assert await reader.read() == b"abc"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.01)
        more.set()
        assert [await reader.read(2), await reader.read(), await reader.read()] == [b"de", b"f", b""]

    asyncio.run(main())


def test_read_cancelled_in_the_middle_of_guest_code_other_calls_go_on(guest: Guest) -> None:
    async def main() -> None:
        whole = bytes(range(256)) * 1024
        reader = await guest.call("flip", whole)
        got = b""
        for turns in range(12):
            reading = asyncio.ensure_future(reader.read(30_000))
            for _ in range(turns % 4):
                await asyncio.sleep(0)
            if reading.cancel():
                await asyncio.wait([reading])
            if not reading.cancelled():
                got += reading.result()
            assert await guest.call("count") == Record(waiting=0, cancelled=0)
        assert got + await joined(reader) == whole.translate(FLIPPED)

    asyncio.run(main())


def test_read_while_another_read_waits_is_refused(guest: Guest) -> None:
    async def main() -> None:
        more = asyncio.Event()

        async def items() -> AsyncIterator[bytes]:
            await more.wait()
            yield b"abc"

        reader = await guest.call("relay", items())
        first = asyncio.ensure_future(reader.read())
        await asyncio.sleep(0.001)
        with pytest.raises(WasmError, match="this stream is being read already"):
            await reader.read()
        with pytest.raises(ValueTypeError, match="this stream is being read already"):
            await guest.call("relay", reader)
        more.set()
        assert await first == b"abc"

    asyncio.run(main())


def test_stream_passed_on_to_a_call_that_is_refused_stays_the_hosts(guest: Guest) -> None:
    async def main() -> None:
        reader = await guest.call("relay", [b"abc"])
        with pytest.raises(ValueTypeError, match="expected u32, got str 'many'"):
            await guest.call("head", reader, "many")
        assert await reader.read() == b"abc"
        reader.close()
        with pytest.raises(ValueTypeError, match="this stream was closed"):
            await guest.call("relay", reader)
        assert await guest.call("count") == Record(waiting=0, cancelled=0)

    asyncio.run(main())


# Futures


def test_greet_futures_in_and_out(guest: Guest) -> None:
    async def later(text: str) -> str:
        await asyncio.sleep(0)
        return text

    async def main() -> None:
        assert await (await guest.call("greet", "Ada")) == "hello, Ada"
        assert await (await guest.call("greet", later("Grace"))) == "hello, Grace"
        assert await (await guest.call("greet", asyncio.ensure_future(later("Jean")))) == "hello, Jean"

    asyncio.run(main())


def test_greet_of_another_instance_s_future(component: Component) -> None:
    async def main() -> None:
        first = Guest(component, str)
        second = Linker(component.engine)
        with second.root() as root:
            root.add_func("fetch", str)
        instance = second.instantiate(first.store, component)
        func = instance.get_func(first.store, "greet")
        assert func is not None
        inner = await first.call("greet", "Ada")
        assert await (await func.call_async(first.store, inner)) == "hello, hello, Ada"

    asyncio.run(main())


def test_future_await_cancelled_can_be_awaited_again(guest: Guest) -> None:
    async def main() -> None:
        there = asyncio.Event()

        async def name() -> str:
            await there.wait()
            return "Ada"

        future = await guest.call("greet", name())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(future, 0.01)
        there.set()
        assert [await future, await future] == ["hello, Ada"] * 2

    asyncio.run(main())


def test_future_whose_source_raises_raises_that(guest: Guest) -> None:
    async def main() -> None:
        future = await guest.call("greet", fails(LookupError("no name")))
        with pytest.raises(LookupError, match="no name"):
            await future

    asyncio.run(main())


def test_future_closed_by_the_host_the_instance_lives_on(guest: Guest) -> None:
    async def main() -> None:
        (await guest.call("greet", "Ada")).close()
        assert await (await guest.call("greet", "Grace")) == "hello, Grace"

    asyncio.run(main())


# Without an event loop, and out of fuel


def test_what_awaits_without_an_event_loop_traps(component: Component) -> None:
    async def fetch(n: int) -> str:
        return ""

    with pytest.raises(Trap, match="needs an event loop"):
        Guest(component, fetch).call_now("ask", 1)
    with pytest.raises(Trap, match="needs an event loop"):
        list(Guest(component, fetch).call_now("relay", Source([b"x"]).slowly()))


def test_out_of_fuel_in_the_middle_of_a_stream_more_lets_it_go_on(guest: Guest) -> None:
    guest.store.set_fuel(20_000)
    reader = guest.call_now("flip", (b"x" * 1000 for _ in range(100)))
    got: list[bytes] = []
    with pytest.raises(Trap, match="all fuel consumed"):
        got.extend(reader)
    assert 0 < len(got) < 100
    guest.store.set_fuel(1 << 40)
    assert b"".join([*got, *reader]) == (b"x" * 100_000).translate(FLIPPED)
    assert guest.call_now("count") == Record(waiting=0, cancelled=0)
