"""Guests that do too much at once: each comes to a trap, in time and in bounds, and other instances go on."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

from pywrt.canonical_abi.scheduler import scheduler_of
from pywrt.config import Config
from pywrt.errors import Trap

F = {"f": "async"}
RUN = {"run": "async"}
#: Does `{}` for ever.
FOR_EVER = '(func (export "run") (loop {} (br 0)))'
THREAD = "(call $thread.new-indirect (i32.const 0) (i32.const 0))"
#: Another component's function that waits for ever, in three ways.
WAITING = {
    "stackful": '(func (export "[async-lift-stackful]f") (drop (call $thread.suspend)))',
    "callback": """(func (export "[async-lift]f") (result i32)
        (i32.or (i32.const 2) (i32.shl (call $waitable-set.new) (i32.const 4))))
      (func (export "[callback][async-lift]f") (param i32 i32 i32) (result i32) unreachable)""",
    "exclusive": '(func (export "f") (drop (call $thread.suspend)))',
}
ENOUGH = 20_000


@pytest.fixture
def small(new_world: Any) -> Any:
    """A world with few handles, and an instance of `good` in it."""
    return new_world(Config(max_handles=ENOUGH))


@pytest.fixture
def good(small: Any, guest: Any) -> Any:
    """What is to go on: it uses streams, threads and sets. Checked at the end of the test, too."""
    core = """(func $t (param i32) (drop (call $stream.write (local.get 0) (i32.const 16) (i32.const 1))))
      (elem (i32.const 0) $t)
      (func (export "run") (result i32) (local $both i64)
        (local.set $both (call $stream.new))
        (call $thread.resume-later
          (call $thread.new-indirect (i32.const 0) (call $writer (local.get $both))))
        (i32.shr_u (call $stream.read (call $reader (local.get $both)) (i32.const 32) (i32.const 9))
          (i32.const 4)))"""
    instance = small.instantiate(guest(core, {"run": "async (result u32)"}))
    assert instance.call("run") == 1
    yield instance
    assert instance.call("run") == 1
    assert asyncio.run(instance.go("run")) == 1


@pytest.mark.parametrize(
    "core",
    [
        "(func $t (param i32)) (elem (i32.const 0) $t)" + FOR_EVER.format(f"(drop {THREAD})"),
        "(func $t (param i32) (drop (call $thread.suspend))) (elem (i32.const 0) $t)"
        + FOR_EVER.format(f"(drop (call $thread.yield-then-resume {THREAD}))"),
        "(func $t (param i32) (drop (call $thread.yield))) (elem (i32.const 0) $t)"
        + FOR_EVER.format(f"(call $thread.resume-later {THREAD})"),
        FOR_EVER.format("(drop (call $waitable-set.new))"),
        FOR_EVER.format("(drop (call $stream.new))"),
        FOR_EVER.format("(drop (call $future.new))"),
        FOR_EVER.format(
            "(drop (call $stream.read-async (call $reader (call $stream.new)) (i32.const 16) (i32.const 4)))"
        ),
        FOR_EVER.format("(drop (call $error-context.new (i32.const 16) (i32.const 60000)))"),
    ],
)
def test_guest_makes_no_more_than_the_store_allows_and_leaves_that(
    small: Any, guest: Any, good: Any, core: str
) -> None:
    for _ in range(3):  # what it had is free again
        with pytest.raises(Trap, match=r"the store's limit is reached \(Config.max_handles\)"):
            small.instantiate(guest(core, RUN)).call("run")


@pytest.mark.parametrize("kind", WAITING)
def test_guest_begins_no_more_calls_than_the_store_allows(
    small: Any, guest: Any, good: Any, kind: str
) -> None:
    for _ in range(3):
        with pytest.raises(Trap, match=r"the store's limit is reached \(Config.max_handles\)"):
            small.instantiate(
                guest(WAITING[kind], F), guest(FOR_EVER.format("(drop (call $f-async))"), RUN, F)
            ).call("run")


def test_threads_that_wait_share_a_bounded_stack(small: Any, guest: Any, good: Any) -> None:
    deep = """(func $r (param i32)
        (if (local.get 0) (then (call $r (i32.sub (local.get 0) (i32.const 1))))
          (else (drop (call $thread.suspend)))))
      (func (export "[async-lift-stackful]f") (call $r (i32.const 15000)))"""
    for _ in range(3):
        with pytest.raises(Trap, match="call stack exhausted"):
            small.instantiate(guest(deep, F), guest(FOR_EVER.format("(drop (call $f-async))"), RUN, F)).call(
                "run"
            )
    assert scheduler_of(small.store.state).held == 0


def test_calls_nest_no_deeper_across_components_than_within_one(small: Any, guest: Any, good: Any) -> None:
    """Forty components, each of which calls the next one from deep in its own stack."""
    deep = """(func $r (param i32)
        (if (local.get 0) (then (call $r (i32.sub (local.get 0) (i32.const 1)))) (else {})))
      (func (export "{}") (call $r (i32.const 1000)))"""
    names = [f"f{i}" for i in range(40)]
    guests = [guest(deep.format("", "f0"), {"f0": "async"})]
    for before, name in pairwise(names):
        guests.append(guest(deep.format(f"(call ${before})", name), {name: "async"}, {before: "async"}))
    instance = small.instantiate(*guests[:15])
    assert instance.call("f14") is None
    with pytest.raises(Trap, match="call stack exhausted"):
        small.instantiate(*guests).call("f39")


@pytest.mark.parametrize(
    "core",
    [
        FOR_EVER.format("(drop (call $thread.yield))"),
        # two that go on in each other's place, within one run
        f"""(global $main (mut i32) (i32.const 0))
        (func $t (param i32) (loop (drop (call $thread.suspend-then-resume (global.get $main))) (br 0)))
        (elem (i32.const 0) $t)
        (func (export "run") (local $t i32)
          (global.set $main (call $thread.index)) (local.set $t {THREAD})
          (loop (drop (call $thread.suspend-then-resume (local.get $t))) (br 0)))""",
        f"""(global $main (mut i32) (i32.const 0))
        (func $t (param i32) (loop (drop (call $thread.yield-then-promote (global.get $main))) (br 0)))
        (elem (i32.const 0) $t)
        (func (export "run") (local $t i32)
          (global.set $main (call $thread.index)) (local.set $t {THREAD})
          (call $thread.resume-later (local.get $t))
          (loop (drop (call $thread.yield-then-promote (local.get $t))) (br 0)))""",
        # a callback that wants its turn, and has no code to speak of
        """(func (export "[async-lift]run") (result i32) (i32.const 1))
        (func (export "[callback][async-lift]run") (param i32 i32 i32) (result i32) (i32.const 1))""",
        # copies that are cancelled, and sets that are joined and left
        """(func (export "run") (local $s i64)
          (local.set $s (call $stream.new))
          (loop
            (drop (call $stream.read-async (call $reader (local.get $s)) (i32.const 16) (i32.const 4)))
            (drop (call $stream.cancel-read (call $reader (local.get $s))))
            (br 0)))""",
        """(func (export "run") (local $a i32) (local $b i32) (local $r i32)
          (local.set $a (call $waitable-set.new)) (local.set $b (call $waitable-set.new))
          (local.set $r (call $reader (call $stream.new)))
          (loop (call $waitable.join (local.get $r) (local.get $a))
            (call $waitable.join (local.get $r) (local.get $b)) (br 0)))""",
    ],
)
def test_guest_that_is_never_done_ends_at_the_deadline(small: Any, guest: Any, good: Any, core: str) -> None:
    instance = small.instantiate(guest(core, RUN))
    small.store.set_deadline(timeout=0.1)
    began = time.monotonic()
    with pytest.raises(Trap) as caught:
        instance.call("run")
    small.store.set_deadline()
    assert caught.value.code == "deadline"
    assert time.monotonic() - began < 2  # it takes 0.1 s, where nothing else runs

    async def main() -> Any:
        other = small.instantiate(guest(core, RUN))
        endless = asyncio.ensure_future(other.go("run"))
        await asyncio.sleep(0.02)
        results = [await asyncio.wait_for(good.go("run"), 5) for _ in range(3)]
        endless.cancel()
        await asyncio.gather(endless, return_exceptions=True)
        return results

    assert asyncio.run(main()) == [1, 1, 1]


def test_threads_that_wait_cost_no_turn_anything(small: Any, guest: Any, good: Any) -> None:
    """A thousand threads wait for a set of a thousand streams, and one yields: nobody asks them each time."""
    core = """(global $asked (mut i32) (i32.const 0)) (global $set (mut i32) (i32.const 0))
      (func $t (param i32) (drop (call $waitable-set.wait (global.get $set) (i32.const 16))))
      (elem (i32.const 0) $t)
      (func (export "run") (local $i i32)
        (global.set $set (call $waitable-set.new))
        (loop
          (call $waitable.join (call $reader (call $stream.new)) (global.get $set))
          (call $thread.resume-later (call $thread.new-indirect (i32.const 0) (i32.const 0)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if 0 (i32.lt_u (local.get $i) (i32.const 500))))
        (loop (drop (call $thread.yield))
          (local.set $i (i32.sub (local.get $i) (i32.const 1)))
          (br_if 0 (local.get $i))))"""
    instance = small.instantiate(guest(core, RUN))
    instance.call("run")
    turns = scheduler_of(small.store.state).queued
    assert [len(part.turns.waiting) for part in turns] == [500]
    assert [bool(part.turns) for part in turns] == [False]


def test_cancellations_in_storms_end(small: Any, guest: Any, good: Any) -> None:
    callee = """(func (export "[async-lift-stackful]f")
        (drop (call $thread.suspend-cancellable)) (call $task.cancel))"""
    caller = """(func (export "run") (local $i i32) (local $s i32)
        (loop
          (local.set $s (call $handle (call $f-async)))
          (call $is (call $subtask.cancel (local.get $s)) (i32.const 4))
          (call $subtask.drop (local.get $s))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if 0 (i32.lt_u (local.get $i) (i32.const 3000)))))"""
    instance = small.instantiate(guest(callee, F), guest(caller, RUN, F))
    instance.call("run")
    waiting = small.instantiate(guest(callee, F))

    async def main() -> list[Any]:
        calls = [asyncio.ensure_future(waiting.go("f")) for _ in range(500)]
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        return [type(outcome) for outcome in await asyncio.gather(*calls, return_exceptions=True)]

    assert set(asyncio.run(main())) == {asyncio.CancelledError}
    assert scheduler_of(small.store.state).held == 0


def test_component_that_fails_fails_all_calls_that_wait_for_it(small: Any, guest: Any, good: Any) -> None:
    core = """(func (export "[async-lift-stackful]f") (drop (call $thread.suspend)))
      (func (export "fail") unreachable)"""
    types = {"f": "async", "fail": "async"}
    failing = small.instantiate(guest(core, types))
    # another root that waits for it, and one that waits for nothing
    waiting = small.instantiate(guest('(func (export "g") (call $f))', {"g": "async"}, F), f=failing["f"])

    async def main() -> list[Any]:
        calls = [asyncio.ensure_future(failing.go("f")) for _ in range(100)]
        calls += [asyncio.ensure_future(waiting.go("g")) for _ in range(20)]
        await asyncio.sleep(0.01)
        with pytest.raises(Trap, match="unreachable"):
            await failing.go("fail")
        outcomes = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
        return [(type(outcome), outcome.code) for outcome in outcomes]

    assert set(asyncio.run(main())) == {(Trap, "unreachable")}
    with pytest.raises(Trap, match="cannot enter component instance"):
        failing.call("f")


def test_component_whose_caller_fails_returns_to_nobody(small: Any, guest: Any, good: Any) -> None:
    """Nothing is put in the memory of one that failed, nor read there for a call that waits to begin."""
    callee = """(global $calls (mut i32) (i32.const 0))
      (func (export "hold") (call $backpressure.inc)) (func (export "free") (call $backpressure.dec))
      (func (export "[async-lift-stackful]f") (param i32 i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (drop (call $thread.yield)) (call $task.return:f (local.get 0) (local.get 1)))
      (func (export "calls") (result i32) (drop (call $thread.yield)) (drop (call $thread.yield))
        (global.get $calls))"""
    types = {
        "hold": "",
        "free": "",
        "f": 'async (param "s" string) (result string)',
        "calls": "async (result u32)",
    }
    serving = small.instantiate(guest(callee, types))
    caller = """(func (export "run")
      (drop (call $f-async (i32.const 16) (i32.const 4) (i32.const 64)))
      (call $hold)
      (drop (call $f-async (i32.const 16) (i32.const 4) (i32.const 72)))
      unreachable)"""
    imports = {name: types[name] for name in ("f", "hold")}
    with pytest.raises(Trap, match="unreachable"):
        small.instantiate(guest(caller, RUN, imports), f=serving["f"], hold=serving["hold"]).call("run")
    serving.call("free")
    assert serving.call("calls") == 1  # the one that waits does not begin
    assert serving.call("f", "again") == "again"


def test_subtask_of_another_instance_is_unknown(small: Any, guest: Any, good: Any) -> None:
    user = """(func (export "use") (param i32) (call $subtask.drop (local.get 0)))
      (func (export "cancel") (param i32) (drop (call $subtask.cancel-async (local.get 0))))
      (func (export "join") (param i32) (call $waitable.join (local.get 0) (call $waitable-set.new)))"""
    types = dict.fromkeys(("use", "cancel", "join"), '(param "x" u32)')
    for name in types:
        code = f'(func (export "run") (call ${name} (call $handle (call $f-async))))'
        with pytest.raises(Trap, match=r"unknown handle index 1|expected waitable but found waitable set"):
            small.instantiate(
                guest(WAITING["stackful"], F), guest(user, types), guest(code, RUN, types | F)
            ).call("run")


def test_streams_of_streams_are_unwrapped(small: Any, guest: Any, good: Any) -> None:
    """Ninety levels, each of which a component takes one stream out of."""
    core = """(func (export "run") (param i32) (result i32)
        (call $is (call $stream.read (local.get 0) (i32.const 16) (i32.const 1)) (i32.const 16))
        (call $stream.drop-readable (local.get 0))
        (i32.load (i32.const 16)))"""
    elements = ["u8"]
    for _ in range(90):
        elements.append(f"(stream {elements[-1]})")
    value: Any = [b"end"]
    for _ in range(90):
        value = [value]
    for inner in reversed(elements[1:]):
        types = {"run": f'async (param "s" (stream {inner})) (result {inner})'}
        value = small.instantiate(guest(core, types, stream=inner)).call("run", value)
    assert list(value) == [b"end"]


def test_future_of_futures_is_dropped_at_any_depth(small: Any, guest: Any, good: Any) -> None:
    element = "u8"
    for _ in range(90):
        element = f"(future {element})"
    core = '(func (export "run") (param i32) (call $future.drop-readable (local.get 0)))'
    instance = small.instantiate(guest(core, {"run": f'(param "f" (future {element}))'}, future=element))
    assert instance.call("run", 7) is None


def test_host_that_never_answers_ends_at_the_deadline(small: Any, guest: Any, good: Any) -> None:
    async def never() -> None:
        await asyncio.get_running_loop().create_future()

    instance = small.instantiate(guest('(func (export "run") (call $f))', RUN, F), f=never)

    async def main() -> Any:
        small.store.set_deadline(timeout=0.05)
        outcomes = await asyncio.gather(*(instance.go("run") for _ in range(50)), return_exceptions=True)
        small.store.set_deadline()
        return {getattr(outcome, "code", outcome) for outcome in outcomes}

    assert asyncio.run(main()) == {"deadline"}
