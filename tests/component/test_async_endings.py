"""Components with async functions, streams and futures, made by the usual tools: `examples/streams`.

The C one is kept there; the Python one is built where componentize-py is installed.
"""

import asyncio
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, Linker, Record
from pywrt.config import Config
from pywrt.errors import Trap, ValueTypeError, WasmError
from pywrt.wasi.preview2 import WasiCtx, add_to_linker

STREAMS = Path(__file__).resolve().parent.parent.parent / "examples" / "streams"
MB = 1_000_000
FLIPPED = bytes(255 - byte for byte in range(256))


class Guest:
    """An instance of a component of the world `streams`; `fetch` is the host's part of it."""

    def __init__(self, component: Component, fetch: Callable[[int], Any]) -> None:
        linker = Linker(component.engine)
        add_to_linker(linker, WasiCtx())
        with linker.root() as root:
            root.add_func("fetch", fetch)
        self.store = Store(component.engine)
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


def build_python(cache: Path) -> Path:
    """The Python component, from an earlier run of the tests if nothing that it is made of has changed."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    tool = shutil.which("componentize-py", path=path)
    if tool is None:
        pytest.skip("componentize-py is not installed: see examples/streams/build.py")
    version = subprocess.run([tool, "--version"], capture_output=True, check=True).stdout
    sources = [(STREAMS / name).read_bytes() for name in ("app.py", "build.py", "wit/streams.wit")]
    built = cache / f"{hashlib.sha256(version + b''.join(sources)).hexdigest()[:16]}.wasm"
    if not built.exists():
        partial = built.with_suffix(f".{os.getpid()}")
        command = [sys.executable, STREAMS / "build.py", "--python", partial]
        subprocess.run(command, env={**os.environ, "PATH": path}, check=True)
        partial.replace(built)
    return built


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Config())


@pytest.fixture(scope="module")
def c_component(engine: Engine) -> Component:
    return Component.from_file(engine, STREAMS / "streams-c.wasm")


@pytest.fixture(scope="module", params=["c", "python"])
def component(request: pytest.FixtureRequest, engine: Engine, c_component: Component) -> Component:
    if request.param == "c":
        return c_component
    assert request.config.cache is not None
    return Component.from_file(engine, build_python(request.config.cache.mkdir("streams")))


@pytest.fixture
def guest(component: Component) -> Guest:
    return Guest(component, str)


@pytest.fixture
def c_guest(c_component: Component) -> Guest:
    return Guest(c_component, str)


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


def test_ask_100_calls_in_flight_half_cancelled_the_others_answer(component: Component) -> None:
    released = asyncio.Event()
    given_up: list[int] = []

    async def fetch(n: int) -> str:
        try:
            await released.wait()
        except asyncio.CancelledError:
            given_up.append(n)
            raise
        return str(n * n)

    async def main() -> None:
        guest = Guest(component, fetch)
        calls = [asyncio.ensure_future(guest.call("ask", n)) for n in range(100)]
        await guest.until_waiting(100)
        for call in calls[::2]:
            call.cancel()
        cancelled = await asyncio.gather(*calls[::2], return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in cancelled)
        released.set()
        assert await asyncio.gather(*calls[1::2]) == [f"[{n * n}]" for n in range(1, 100, 2)]
        await guest.until_waiting(0)
        assert (await guest.call("count")).cancelled == 50
        assert await guest.call("ask", 5) == "[25]"
        # componentize-py does not tell the guest of a cancellation, so what it asked for goes on
        assert sorted(given_up) in (list(range(0, 100, 2)), [])

    asyncio.run(main())


def test_ask_cancelled_the_host_coroutine_is_cancelled(c_component: Component) -> None:
    given_up: list[int] = []

    async def fetch(n: int) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            given_up.append(n)
            raise
        return ""

    async def main() -> None:
        guest = Guest(c_component, fetch)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(guest.call("ask", 7), 0.01)
        await asyncio.sleep(0)
        assert given_up == [7]
        assert await guest.call("count") == Record(waiting=0, cancelled=1)

    asyncio.run(main())


def test_hold_cancelled_awaits_the_host_while_it_ends(c_component: Component) -> None:
    fetched: list[int] = []

    async def fetch(n: int) -> str:
        await asyncio.sleep(0)
        fetched.append(n)
        return "bye"

    async def main() -> None:
        guest = Guest(c_component, fetch)
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


def test_hold_by_a_synchronous_call_is_a_deadlock(c_guest: Guest) -> None:
    with pytest.raises(Trap, match="deadlock detected"):
        c_guest.call_now("hold")


def test_hold_past_the_deadline_traps(c_guest: Guest) -> None:
    async def main() -> None:
        c_guest.store.set_deadline(0.01)
        with pytest.raises(Trap, match="deadline exceeded"):
            await c_guest.call("hold")

    asyncio.run(main())


def test_ask_host_coroutine_raises_all_calls_end_and_their_coroutines(c_component: Component) -> None:
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
        guest = Guest(c_component, fetch)
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


def test_fetch_of_the_wrong_type_is_told(c_component: Component) -> None:
    async def fetch(n: int) -> Any:
        return n

    async def main() -> None:
        with pytest.raises(ValueTypeError, match="expected string, got int 3"):
            await Guest(c_component, fetch).call("ask", 3)

    asyncio.run(main())


# Streams


@pytest.mark.parametrize("slowly", [False, True])
def test_relay_100_mb_in_bounded_memory(c_guest: Guest, slowly: bool) -> None:
    chunk = bytes(range(256)) * 256
    source = Source(itertools.repeat(chunk, 100 * MB // len(chunk)))

    async def main() -> None:
        reader = await c_guest.call("relay", source.slowly() if slowly else source)
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


def test_relay_100_streams_at_once_each_gets_its_own(c_guest: Guest) -> None:
    async def relayed(n: int) -> bool:
        chunks = [bytes([n]) * 1000] * 20
        return await joined(await c_guest.call("relay", Source(chunks).slowly())) == b"".join(chunks)

    async def main() -> None:
        assert all(await asyncio.gather(*(relayed(n) for n in range(100))))

    asyncio.run(main())


def test_double_and_total_streams_of_numbers(guest: Guest) -> None:
    count = 500 if guest.instance.type.imports.get("wasi:cli/environment") else 20_000

    async def main() -> None:
        numbers = range(count)
        doubled = [number async for number in await guest.call("double", numbers)]
        assert doubled == list(range(0, 2 * count, 2))
        assert await guest.call("total", await guest.call("double", numbers)) == sum(doubled)
        assert await guest.call("total", Source(numbers).slowly()) == sum(numbers)
        assert await guest.call("total", []) == 0

    asyncio.run(main())


def test_double_iterated_in_part_then_read_nothing_is_skipped(c_guest: Guest) -> None:
    async def main() -> None:
        reader = await c_guest.call("double", range(5000))
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


def test_double_trap_of_the_guest_comes_after_what_it_wrote(c_guest: Guest) -> None:
    source = Source([*range(20_000), 1 << 31])

    async def main() -> None:
        reader = await c_guest.call("double", source)
        other = await c_guest.call("relay", b"abc")
        got = []
        with pytest.raises(Trap, match="unreachable"):
            async for number in reader:
                got.append(number)
        assert got == list(range(0, 2 * len(got), 2))
        assert len(got) > 10_000
        assert source.closed
        assert await reader.read() == []
        with pytest.raises(Trap, match="unreachable"):
            await other.read()

    asyncio.run(main())


@pytest.mark.parametrize("slowly", [False, True])
def test_relay_source_raises_the_reader_is_told(c_guest: Guest, slowly: bool) -> None:
    def items() -> Iterator[bytes]:
        yield b"x" * 1000
        raise LookupError("no more")

    async def main() -> None:
        source = Source(items())
        reader = await c_guest.call("relay", source.slowly() if slowly else source)
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
def test_relay_of_what_is_no_bytes_is_told(c_guest: Guest, items: Any, message: str) -> None:
    async def main() -> None:
        with pytest.raises(ValueTypeError, match=message):
            await joined(await c_guest.call("relay", items))

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


def test_head_cancelled_closes_the_source(c_guest: Guest) -> None:
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
            await asyncio.wait_for(c_guest.call("head", endless(), 10), 0.01)
        await asyncio.wait_for(closed.wait(), 10)
        assert await c_guest.call("head", b"abc", 2) == b"ab"

    asyncio.run(main())


def test_read_cancelled_loses_nothing(c_guest: Guest) -> None:
    async def main() -> None:
        more = asyncio.Event()

        async def items() -> AsyncIterator[bytes]:
            yield b"abc"
            await more.wait()
            yield b"def"

        reader = await c_guest.call("relay", items())
        assert await reader.read() == b"abc"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.01)
        more.set()
        assert [await reader.read(2), await reader.read(), await reader.read()] == [b"de", b"f", b""]

    asyncio.run(main())


def test_read_cancelled_in_the_middle_of_guest_code_other_calls_go_on(c_guest: Guest) -> None:
    async def main() -> None:
        whole = bytes(range(256)) * 1024
        reader = await c_guest.call("flip", whole)
        got = b""
        for turns in range(12):
            reading = asyncio.ensure_future(reader.read(30_000))
            for _ in range(turns % 4):
                await asyncio.sleep(0)
            if reading.cancel():
                await asyncio.wait([reading])
            if not reading.cancelled():
                got += reading.result()
            assert await c_guest.call("count") == Record(waiting=0, cancelled=0)
        assert got + await joined(reader) == whole.translate(FLIPPED)

    asyncio.run(main())


def test_read_while_another_read_waits_is_refused(c_guest: Guest) -> None:
    async def main() -> None:
        more = asyncio.Event()

        async def items() -> AsyncIterator[bytes]:
            await more.wait()
            yield b"abc"

        reader = await c_guest.call("relay", items())
        first = asyncio.ensure_future(reader.read())
        await asyncio.sleep(0.001)
        with pytest.raises(WasmError, match="this stream is being read already"):
            await reader.read()
        with pytest.raises(ValueTypeError, match="this stream is being read already"):
            await c_guest.call("relay", reader)
        more.set()
        assert await first == b"abc"

    asyncio.run(main())


def test_stream_passed_on_to_a_call_that_is_refused_stays_the_hosts(c_guest: Guest) -> None:
    async def main() -> None:
        reader = await c_guest.call("relay", [b"abc"])
        with pytest.raises(ValueTypeError, match="expected u32, got str 'many'"):
            await c_guest.call("head", reader, "many")
        assert await reader.read() == b"abc"
        reader.close()
        with pytest.raises(ValueTypeError, match="this stream was closed"):
            await c_guest.call("relay", reader)
        assert await c_guest.call("count") == Record(waiting=0, cancelled=0)

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


def test_greet_of_another_instance_s_future(c_component: Component) -> None:
    async def main() -> None:
        first = Guest(c_component, str)
        second = Linker(c_component.engine)
        with second.root() as root:
            root.add_func("fetch", str)
        instance = second.instantiate(first.store, c_component)
        func = instance.get_func(first.store, "greet")
        assert func is not None
        inner = await first.call("greet", "Ada")
        assert await (await func.call_async(first.store, inner)) == "hello, hello, Ada"

    asyncio.run(main())


def test_future_await_cancelled_can_be_awaited_again(c_guest: Guest) -> None:
    async def main() -> None:
        there = asyncio.Event()

        async def name() -> str:
            await there.wait()
            return "Ada"

        future = await c_guest.call("greet", name())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(future, 0.01)
        there.set()
        assert [await future, await future] == ["hello, Ada"] * 2

    asyncio.run(main())


def test_future_whose_source_raises_raises_that(c_guest: Guest) -> None:
    async def main() -> None:
        future = await c_guest.call("greet", fails(LookupError("no name")))
        with pytest.raises(LookupError, match="no name"):
            await future

    asyncio.run(main())


def test_future_closed_by_the_host_the_instance_lives_on(guest: Guest) -> None:
    async def main() -> None:
        (await guest.call("greet", "Ada")).close()
        assert await (await guest.call("greet", "Grace")) == "hello, Grace"

    asyncio.run(main())


# Without an event loop


def test_all_functions_without_an_event_loop(guest: Guest) -> None:
    assert guest.call_now("ask", 3) == "[3]"
    assert b"".join(guest.call_now("flip", [b"abc", b"", b"d"])) == b"abcd".translate(FLIPPED)
    assert list(guest.call_now("double", range(5))) == [0, 2, 4, 6, 8]
    assert guest.call_now("total", iter([1, 2])) == 3
    assert guest.call_now("head", b"abc", 2) == b"ab"
    assert guest.call_now("greet", "Ada").result_now() == "hello, Ada"
    reader = guest.call_now("relay", (b"x" * 10 for _ in range(2)))
    assert [reader.read_now(7) for _ in range(5)] == [b"x" * 7, b"x" * 3, b"x" * 7, b"x" * 3, b""]


def test_what_awaits_without_an_event_loop_traps(c_component: Component) -> None:
    async def fetch(n: int) -> str:
        return ""

    with pytest.raises(Trap, match="needs an event loop"):
        Guest(c_component, fetch).call_now("ask", 1)
    with pytest.raises(Trap, match="needs an event loop"):
        list(Guest(c_component, fetch).call_now("relay", Source([b"x"]).slowly()))


def test_out_of_fuel_in_the_middle_of_a_stream_goes_on_with_more(c_component: Component) -> None:
    engine = Engine(Config(consume_fuel=True))
    guest = Guest(Component.from_file(engine, STREAMS / "streams-c.wasm"), str)
    guest.store.set_fuel(20_000)
    reader = guest.call_now("flip", (b"x" * 1000 for _ in range(100)))
    got = []
    with pytest.raises(Trap, match="all fuel consumed"):
        got.extend(reader)
    guest.store.set_fuel(1 << 40)
    assert guest.call_now("count") == Record(waiting=0, cancelled=0)
