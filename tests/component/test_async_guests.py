"""An async component made from C by the recipe, under asyncio and without: examples/streams."""

import asyncio
import importlib.util
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pywrt import Config, Engine, Store, Trap
from pywrt.component import Component, Func, Linker
from pywrt.wasi.preview2 import WasiCtx, add_to_linker

FOLDER = Path(__file__).parents[2] / "examples" / "streams"


class World:
    """An instance whose import `fetch` is `fetch`."""

    def __init__(self, component: Component, fetch: Callable[[int], Any]) -> None:
        linker = Linker(component.engine)
        add_to_linker(linker, WasiCtx())  # for what a Python has in it
        with linker.root() as root:
            root.add_func("fetch", fetch)
        self.store = Store(component.engine)
        self.store.set_fuel(1 << 50)
        self.instance = linker.instantiate(self.store, component)

    def __getattr__(self, name: str) -> Func:
        func = self.instance.get_func(self.store, name)
        assert func is not None, name
        return func

    def call(self, name: str, *args: Any) -> Any:
        return getattr(self, name)(self.store, *args)

    async def call_async(self, name: str, *args: Any) -> Any:
        return await getattr(self, name).call_async(self.store, *args)


def python_component(folder: Path) -> Path:
    """The same world in Python, built with componentize-py."""
    path = folder / "streams-py.wasm"
    command = [sys.executable, str(FOLDER / "build.py"), "--python", str(path)]
    scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": scripts}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module", params=["C", "Python"])
def component(request: Any, tmp_path_factory: Any) -> Component:
    engine = Engine(Config(consume_fuel=True))
    if request.param == "C":
        return Component.from_file(engine, FOLDER / "streams-c.wasm")
    if importlib.util.find_spec("componentize_py") is None:
        pytest.skip("componentize-py is not installed")
    return Component.from_file(engine, python_component(tmp_path_factory.mktemp("streams")))


async def slow_fetch(n: int) -> str:
    await asyncio.sleep(0.001 * (n % 7))
    return f"item {n}"


async def never(n: int) -> str:
    await asyncio.get_running_loop().create_future()
    return ""


async def chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for i in range(count):
        await asyncio.sleep(0)
        yield bytes([i & 255]) * size


def test_a_hundred_calls_are_in_flight(component: Component) -> None:
    async def main() -> list[str]:
        all_here = asyncio.Barrier(100)

        async def fetch(n: int) -> str:
            await all_here.wait()
            return str(n)

        world = World(component, fetch)
        return await asyncio.gather(*(world.call_async("ask", n) for n in range(100)))

    assert asyncio.run(main()) == [f"[{n}]" for n in range(100)]


def test_calls_that_are_cancelled_halfway_leave_the_others_alone(component: Component) -> None:
    async def main() -> None:
        released = asyncio.Event()

        async def fetch(n: int) -> str:
            await released.wait()
            return str(n)

        world = World(component, fetch)
        calls = [asyncio.create_task(world.call_async("ask", n)) for n in range(100)]
        while (await world.call_async("count")).waiting < 100:
            await asyncio.sleep(0.001)
        for call in calls[::2]:
            call.cancel()
        await asyncio.sleep(0.01)
        released.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert answers[1::2] == [f"[{n}]" for n in range(1, 100, 2)]
        assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
        assert (await world.call_async("count")).cancelled == 50
        async with asyncio.timeout(30):  # a guest may go on with a call although it was asked to end
            while (await world.call_async("count")).waiting:
                assert await world.call_async("ask", 7) == "[7]"  # which waits, and so drives the others
        assert await world.call_async("ask", 7) == "[7]"

    asyncio.run(main())


def test_streams_of_bytes_pass_in_both_directions(component: Component) -> None:
    async def main() -> None:
        world = World(component, slow_fetch)
        flipped = await world.call_async("flip", chunks(100, 1000))
        got = b"".join([chunk async for chunk in flipped])
        assert got == b"".join(bytes([255 - i]) * 1000 for i in range(100))
        relayed = await world.call_async("relay", [b"ab", b"", b"c"])
        assert b"".join([chunk async for chunk in relayed]) == b"abc"
        assert await world.call_async("head", chunks(1000, 10), 25) == b"\0" * 10 + b"\1" * 10 + b"\2" * 5

    asyncio.run(main())


def test_source_is_asked_for_no_more_than_is_read(component: Component) -> None:
    asked = 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield bytes(1 << 16)

    async def main() -> None:
        world = World(component, slow_fetch)
        flipped = await world.call_async("flip", source())
        for _ in range(5):
            assert await flipped.read(1 << 16)
        flipped.close()

    asyncio.run(main())
    assert asked < 12


def test_streams_of_numbers_pass(component: Component) -> None:
    async def main() -> None:
        world = World(component, slow_fetch)
        doubled = await world.call_async("double", range(10_000))
        assert [n async for n in doubled] == list(range(0, 20_000, 2))
        assert await world.call_async("total", iter(range(1000))) == 499_500

    asyncio.run(main())


def test_futures_pass_in_both_directions(component: Component) -> None:
    async def name() -> str:
        await asyncio.sleep(0.001)
        return "Ada"

    async def main() -> None:
        world = World(component, slow_fetch)
        assert await (await world.call_async("greet", name())) == "hello, Ada"
        assert await (await world.call_async("greet", "Bob")) == "hello, Bob"

    asyncio.run(main())


def test_host_coroutine_that_raises_ends_the_call(component: Component) -> None:
    async def fetch(n: int) -> str:
        raise KeyError(n)

    async def main() -> None:
        world = World(component, fetch)
        with pytest.raises(KeyError):
            await world.call_async("ask", 5)

    asyncio.run(main())


def test_guest_that_traps_in_the_middle_of_a_stream_is_told_to_the_reader(component: Component) -> None:
    got: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for n in (1, 2, 1 << 31):
            await asyncio.sleep(0.01)
            yield n

    async def main() -> None:
        world = World(component, slow_fetch)
        async for n in await world.call_async("double", numbers()):
            got.append(n)

    with pytest.raises(Trap):
        asyncio.run(main())
    assert got == [2, 4]


def test_call_that_times_out_is_asked_to_end_and_may_await_the_host_for_it(component: Component) -> None:
    async def main() -> None:
        world = World(component, slow_fetch)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await world.call_async("hold")
        await asyncio.sleep(0.02)
        assert await world.call_async("ask", 5) == "[item 5]"  # which drives what is left of the other
        assert (await world.call_async("count")).cancelled == 1

    asyncio.run(main())


def test_without_an_event_loop_calls_streams_and_futures_work(component: Component) -> None:
    def numbers() -> Iterator[int]:
        yield from range(5)

    world = World(component, lambda n: f"item {n}")
    assert world.call("ask", 3) == "[item 3]"
    assert b"".join(world.call("flip", [b"\0", b"\1\2"])) == b"\xff\xfe\xfd"
    assert list(world.call("double", numbers())) == [0, 2, 4, 6, 8]
    assert world.call("double", [3]).read_now() == [6]
    assert world.call("greet", "Eve").result_now() == "hello, Eve"
    with pytest.raises(Trap, match="deadlock"):
        world.call("hold")
