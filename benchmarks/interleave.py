"""How soon a guest that never ends is stopped, and how evenly a thousand share an event loop.

`python -m benchmarks.interleave` prints the figures.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.figures import Failed
from pywrt.api import Engine, Func, Instance, Module, Store
from pywrt.config import Config
from pywrt.errors import Trap
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

#: Guests that never end, each spending its time otherwise.
ENDLESS = {
    "empty loop": "(loop (br 0))",
    "loop with arithmetic": """(loop (local.set $i (i32.add (local.get $i) (i32.const 3)))
        (local.set $j (i64.rotl (i64.mul (local.get $j) (i64.const 7)) (i64.const 11))) (br 0))""",
    "long block": f"(loop {'(local.set $i (i32.mul (local.get $i) (i32.const 5)))' * 300} (br 0))",
    "calls": "(loop (drop (call $fib (i32.const 20))) (br 0))",
    "large frames": "(loop (call $wide) (br 0))",
    "memory.fill of 64 KiB": "(loop (memory.fill (i32.const 0) (local.get $i) (i32.const 65536)) (br 0))",
    "memory.copy of 4 MiB": """(loop
        (memory.copy (i32.const 0) (i32.const 1) (i32.const 4194304)) (br 0))""",
    "host calls": "(loop (call $host) (br 0))",
    "nested calls": "(loop (call $back) (br 0))",
    "exceptions": "(loop (block $h (try_table (catch_all $h) (throw $e))) (br 0))",
}
FUNCTIONS = "\n  ".join(
    f'(func (export "{name}") (local $i i32) (local $j i64) {body})' for name, body in ENDLESS.items()
)
MODULE = f"""(module
  (import "" "host" (func $host)) (import "" "back" (func $back))
  (memory 128) (tag $e)
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0)) (else (i32.add
      (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $wide (local {"i64 " * 2000}))
  (func (export "nested") (drop (call $fib (i32.const 10))))
  {FUNCTIONS})
"""
#: Seconds that a guest runs before it is stopped.
RUN_SECONDS = 0.15
GUESTS = 1_000
#: Seconds that the guests share, and for which their waits count; before that all are started.
SHARED_SECONDS = 4.0


@cache
def module(metered: bool) -> Module:
    return Module(Engine(Config(consume_fuel=metered)), encode_module(parse_module(MODULE)))


def guest(metered: bool, name: str) -> tuple[Store, Func]:
    """A store, and the endless function `name` of an instance in it."""
    compiled = module(metered)
    store = Store(compiled.engine)
    if metered:
        store.set_fuel(1 << 60)
    nested: list[Any] = []
    imports = [
        Func(store, type, callable)  # type: ignore[arg-type]
        for (_, _, type), callable in zip(
            compiled.imports, (lambda: None, lambda: nested[0](store)), strict=True
        )
    ]
    exports = Instance(store, compiled, imports).exports(store)
    nested.append(exports["nested"])
    func = exports[name]
    assert isinstance(func, Func)
    return store, func


def stop_seconds(metered: bool, interrupt: bool, name: str, in_loop: bool = False) -> float:
    """Seconds from the deadline, or from the call of `interrupt` in another thread, to the trap."""
    store, func = guest(metered, name)
    due = time.monotonic() + RUN_SECONDS
    if interrupt:

        def fire() -> None:
            nonlocal due
            due = time.monotonic()
            store.interrupt()

        timer = threading.Timer(RUN_SECONDS, fire)
        timer.start()
    else:
        store.set_deadline(due)
    try:
        if in_loop:
            asyncio.run(func.call_async(store))
        else:
            func(store)
    except Trap as trap:
        if trap.code != ("interrupt" if interrupt else "deadline"):
            raise Failed(f"{name}: {trap.message}") from trap
        return time.monotonic() - due
    raise Failed(f"{name}: it returned")


def worst_stop(metered: bool, interrupt: bool) -> float:
    """The longest that any endless guest runs on, in a call and in an awaited one."""
    return max(
        stop_seconds(metered, interrupt, name, in_loop) for name in ENDLESS for in_loop in (False, True)
    )


@dataclass(frozen=True, slots=True)
class Shares:
    """How guests shared a loop: single waits for a turn, in seconds, and the time that each ran."""

    mean_wait: float
    longest_wait: float
    mean_run: float
    shortest_run: float

    @property
    def wait_ratio(self) -> float:
        return self.longest_wait / self.mean_wait


class Watched:
    """Runs a coroutine, noting how long it runs and how long it waits for each turn from `since` on."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine = coroutine
        self.ran = 0.0
        self.waits: list[float] = []

    def __await__(self) -> Generator[Any, Any, Any]:
        inner: Generator[Any, Any, Any] = self.coroutine.__await__()
        try:
            while True:
                began = time.monotonic()
                given = inner.send(None)
                ended = time.monotonic()
                self.ran += ended - began
                yield given
                self.waits.append(time.monotonic() - ended)
        finally:
            inner.close()


async def _run(watched: Awaitable[Any]) -> None:
    await watched


async def _share(count: int, seconds: float, start: Callable[[int], Coroutine[Any, Any, Any]]) -> Shares:
    guests = [Watched(start(i)) for i in range(count)]
    tasks = [asyncio.create_task(_run(one)) for one in guests]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    waits = [wait for one in guests for wait in one.waits]
    runs = [one.ran for one in guests]
    return Shares(sum(waits) / len(waits), max(waits), sum(runs) / count, min(runs))


@cache
def shares(metered: bool = True, count: int = GUESTS, seconds: float = SHARED_SECONDS) -> Shares:
    """How `count` guests of as many stores share one event loop, from their first turn on.

    Half of them calculate, half call functions, and none ends.
    """
    guests = [guest(metered, "calls" if i % 2 else "loop with arithmetic") for i in range(count)]
    return asyncio.run(_share(count, seconds, lambda i: guests[i][1].call_async(guests[i][0])))


def wait_ratio(metered: bool = True) -> float:
    """The longest single wait for a turn, in mean waits."""
    return shares(metered).wait_ratio


def main() -> None:
    for metered in (True, False):
        fuel = "with fuel" if metered else "without fuel"
        for interrupt in (False, True):
            what = "interrupt" if interrupt else "deadline"
            for name in ENDLESS:
                figures = [stop_seconds(metered, interrupt, name, in_loop) for in_loop in (False, True)]
                shown = ", awaited ".join(f"{1e3 * figure:6.2f} ms" for figure in figures)
                print(f"{fuel}, {what}, {name}: called {shown}", flush=True)
    for metered in (True, False):
        s = shares(metered)
        print(
            f"{GUESTS} guests {'with' if metered else 'without'} fuel: mean wait {1e3 * s.mean_wait:.1f} ms, "
            f"longest {1e3 * s.longest_wait:.1f} ms ({s.wait_ratio:.2f} x); "
            f"they ran {1e3 * s.mean_run:.2f} ms on average, {1e3 * s.shortest_run:.2f} ms at least"
        )


if __name__ == "__main__":
    main()
