"""An async component under asyncio: streams of 100 MB, and calls in flight.

`python -m benchmarks.streams NAME` passes a stream through the function NAME. That is a process of its own
since memory that others have left would hide what this takes.
"""

import asyncio
import functools
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import process
from benchmarks.figures import Failed
from pywrt import Config, Engine, Store
from pywrt.component import Component, Instance, Linker

COMPONENT = Path(__file__).parents[1] / "examples" / "streams" / "streams-c.wasm"
CHUNK = bytes(range(256)) * 256
CHUNKS = 100_000_000 // len(CHUNK) + 1
CALLS = 100


@dataclass(frozen=True, slots=True)
class Passage:
    """How long a stream took, and how much more memory the process had meanwhile than before, at most."""

    seconds: float
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


async def _pass(name: str, count: int) -> tuple[int, int]:
    """Pass `count` chunks through the function `name`; gives the bytes that came out, and the most memory."""
    store, instance = _instantiate()
    func = instance.get_func(store, name)
    assert func is not None
    total = most = 0
    async for chunk in await func.call_async(store, _chunks(count)):
        total += len(chunk)
        most = max(most, _resident())
    return total, most


def _resident() -> int:
    """Bytes of memory that this process has; where that is not told, has had at most."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return pages * resource.getpagesize()


def _measure(name: str) -> Passage:
    _, before = asyncio.run(_pass(name, 10))
    began = time.perf_counter()
    total, most = asyncio.run(_pass(name, CHUNKS))
    seconds = time.perf_counter() - began
    if total != CHUNKS * len(CHUNK):
        raise Failed(f"{total:,} of {CHUNKS * len(CHUNK):,} bytes came out")
    return Passage(seconds, most - before)


@functools.cache
def passage(name: str) -> Passage:
    """100 MB in and out of `relay`, which copies, or `flip`, which changes each byte."""
    _, line = process.run(process.python("-m", "benchmarks.streams", name))
    return Passage(**json.loads(line))


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


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(sys.argv[1]))))
