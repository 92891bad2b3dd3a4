"""An async component under asyncio: streams of 100 MB, and calls in flight."""

import asyncio
import functools
import resource
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Failed
from pywrt import Config, Engine, Store
from pywrt.component import Component, Instance, Linker

COMPONENT = Path(__file__).parents[1] / "examples" / "streams" / "streams-c.wasm"
CHUNK = bytes(range(256)) * 256
CHUNKS = 100_000_000 // len(CHUNK) + 1
CALLS = 100


@dataclass(frozen=True, slots=True)
class Passage:
    """How long a stream took, and how much more memory the process then had than before, at its peak."""

    seconds: float
    bytes_per_second: float
    growth: int


async def _fetch(n: int) -> str:
    await asyncio.sleep(0.001 * (n % 10))
    return str(n)


def _instantiate() -> tuple[Store, Instance]:
    engine = Engine(Config(consume_fuel=True))
    linker = Linker(engine)
    with linker.root() as root:
        root.add_func("fetch", _fetch)
    store = Store(engine)
    store.set_fuel(1 << 40)
    return store, linker.instantiate(store, Component.from_file(engine, COMPONENT))


async def _chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield CHUNK


async def _pass(name: str, count: int) -> int:
    """Pass `count` chunks through the function `name`; gives the number of bytes that came out."""
    store, instance = _instantiate()
    func = instance.get_func(store, name)
    assert func is not None
    total = 0
    async for chunk in await func.call_async(store, _chunks(count)):
        total += len(chunk)
    return total


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@functools.cache
def passage(name: str) -> Passage:
    """100 MB in and out of `relay`, which copies, or `flip`, which changes each byte."""
    asyncio.run(_pass(name, 10))
    before, began = _peak(), time.perf_counter()
    total = asyncio.run(_pass(name, CHUNKS))
    seconds = time.perf_counter() - began
    if total != CHUNKS * len(CHUNK):
        raise Failed(f"{total:,} of {CHUNKS * len(CHUNK):,} bytes came out")
    return Passage(seconds, total / seconds, _peak() - before)


def in_flight() -> float:
    """Seconds that 100 calls take which wait for the host at once."""
    return asyncio.run(_timed(_call_all()))


async def _timed(work: Coroutine[Any, Any, None]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _call_all() -> None:
    store, instance = _instantiate()
    ask = instance.get_func(store, "ask")
    assert ask is not None
    answers = await asyncio.gather(*(ask.call_async(store, n) for n in range(CALLS)))
    if answers != [f"[{n}]" for n in range(CALLS)]:
        raise Failed(f"the answers are {answers[:5]} ...")
