"""Calls of one store at the same time: with asyncio and without, cancelled, timed out, and out of fuel."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

import pytest

from pywrt.canonical_abi.driver import Idle
from pywrt.canonical_abi.scheduler import scheduler_of
from pywrt.component import Err
from pywrt.config import Config
from pywrt.engine.machine import Blocked, Stop
from pywrt.errors import Trap, ValueTypeError

pytestmark = pytest.mark.filterwarnings("error")  # a coroutine that nobody awaits or closes warns

FETCH = {"fetch": 'async (param "n" u32) (result u32)'}
#: Three ways to return what `fetch` gives, and 1: with a callback, with a stack of its own, and as it is.
#: `count` and `spin` compute without a pause; `yields` gives way as often as it is told.
GUEST = """
  (func (export "[async-lift]callback") (param $n i32) (result i32) (local $call i32) (local $set i32)
    (local $place i32)
    (local.set $place (i32.add (i32.const 256) (i32.mul (local.get $n) (i32.const 4))))
    (call $context.set (local.get $place))
    (local.set $call (call $fetch-async (local.get $n) (local.get $place)))
    (if (i32.eq (local.get $call) (i32.const 2)) (then (return (call $finish))))
    (local.set $set (call $waitable-set.new))
    (i32.store offset=2048 (local.get $place) (local.get $set))
    (call $waitable.join (call $handle (local.get $call)) (local.get $set))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
  (func $finish (result i32)
    (call $task.return:callback (i32.add (i32.const 1) (i32.load (call $context.get)))) (i32.const 0))
  (func (export "[callback][async-lift]callback") (param $event i32) (param $index i32) (param i32)
    (result i32)
    (if (i32.eq (local.get $event) (i32.const 6)) (then
      (call $task.cancel)
      (return (i32.const 0))))
    (call $subtask.drop (local.get $index))
    (call $waitable-set.drop (i32.load offset=2048 (call $context.get)))
    (call $finish))
  (func (export "[async-lift-stackful]stackful") (param $n i32)
    (call $task.return:stackful (i32.add (i32.const 1) (call $fetch (local.get $n)))))
  (func (export "plain") (param $n i32) (result i32) (i32.add (i32.const 1) (call $fetch (local.get $n))))
  (func (export "[async-lift-stackful]count") (param $n i32) (local $i i32)
    (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $i) (local.get $n))))
    (call $task.return:count (local.get $i)))
  (func (export "[async-lift-stackful]spin") (loop (br 0)))
  (func (export "[async-lift-stackful]yields") (param $n i32) (local $i i32)
    (loop (drop (call $thread.yield))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $i) (local.get $n))))
    (call $task.return:yields (local.get $i)))"""
ONE = 'async (param "n" u32) (result u32)'
TYPES = dict.fromkeys(("callback", "stackful", "plain", "count", "yields"), ONE) | {"spin": "async"}
KINDS = ("callback", "stackful", "plain")


@pytest.fixture
def calling(any_order: Any, guest: Any) -> Any:
    """An instance of `GUEST` for a host function `fetch`."""
    return lambda fetch: any_order.instantiate(guest(GUEST, TYPES, FETCH), fetch=fetch)


async def double(n: int) -> int:
    await asyncio.sleep(0.001 * (n % 3))
    return 2 * n


async def never(n: int) -> int:
    await asyncio.get_running_loop().create_future()
    return n


async def settled(awaitable: Awaitable[Any], seconds: float = 5) -> Any:
    """The outcome, which is there in time; an exception as it is."""
    return (await asyncio.wait_for(asyncio.gather(awaitable, return_exceptions=True), seconds))[0]


@pytest.mark.parametrize("kind", KINDS)
def test_coroutine_of_the_host_gives_its_result(calling: Any, kind: str) -> None:
    assert asyncio.run(calling(double).go(kind, 3)) == 7


@pytest.mark.parametrize("kind", KINDS)
def test_host_function_need_not_be_a_coroutine(calling: Any, kind: str) -> None:
    instance = calling(lambda n: 3 * n)
    assert instance.call(kind, 3) == 10
    assert asyncio.run(instance.go(kind, 3)) == 10


@pytest.mark.parametrize("kind", KINDS)
def test_coroutine_of_the_host_needs_an_event_loop(calling: Any, kind: str) -> None:
    with pytest.raises(Trap, match="needs an event loop to drive the call"):
        calling(double).call(kind, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_calls_in_flight_return_their_own_results(calling: Any, kind: str) -> None:
    instance = calling(double)

    async def main() -> list[Any]:
        return await asyncio.gather(*(instance.go(kind, n) for n in range(30)))

    assert asyncio.run(main()) == [2 * n + 1 for n in range(30)]


@pytest.mark.parametrize("kind", KINDS)
def test_exception_of_the_host_ends_the_component(calling: Any, kind: str) -> None:
    async def fetch(n: int) -> int:
        await asyncio.sleep(0)
        raise KeyError("mine")

    instance = calling(fetch)
    with pytest.raises(KeyError, match="mine"):
        asyncio.run(instance.go(kind, 3))
    with pytest.raises(Trap, match="cannot enter component instance") as caught:
        asyncio.run(instance.go(kind, 3))
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("kind", KINDS)
def test_result_of_the_host_that_does_not_fit_ends_the_component(calling: Any, kind: str) -> None:
    async def fetch(n: int) -> Any:
        return "text"

    with pytest.raises(ValueTypeError, match="result of 'fetch'"):
        asyncio.run(calling(fetch).go(kind, 3))


@pytest.mark.parametrize(("fails", "value"), [(False, 2), (True, 1 << 8)])
def test_coroutine_of_the_host_raises_err(any_order: Any, guest: Any, fails: bool, value: int) -> None:
    async def f() -> Any:
        await asyncio.sleep(0)
        if fails:
            raise Err("no")
        return 2

    core = """(func (export "run") (result i32)
      (drop (call $await (call $handle (call $f-async (i32.const 64)))))
      (select (i32.const 256) (i32.load offset=4 (i32.const 64)) (i32.load8_u (i32.const 64))))"""
    types = {"f": "async (result (result u32 (error string)))"}
    assert (
        asyncio.run(any_order.instantiate(guest(core, {"run": "async (result u32)"}, types), f=f).go("run"))
        == value
    )


def test_guest_gives_a_coroutine_of_the_host_up(any_order: Any, guest: Any) -> None:
    ended: list[str] = []

    async def f() -> int:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled")
        return 1

    core = """(func (export "run") (result i32) (local $s i32)
      (local.set $s (call $handle (call $f-async (i32.const 64))))
      (call $subtask.cancel (local.get $s)) (call $subtask.drop (local.get $s)))"""
    instance = any_order.instantiate(
        guest(core, {"run": "async (result u32)"}, {"f": "async (result u32)"}), f=f
    )

    async def main() -> Any:
        await asyncio.sleep(0)
        result = await instance.go("run")
        await asyncio.sleep(0)
        return result

    assert asyncio.run(main()) == 4  # CANCELLED_BEFORE_RETURNED
    assert ended in (["cancelled"], [])  # the loop may not even have begun it


# --- cancelled calls


@pytest.mark.parametrize("kind", ["callback", "stackful"])
def test_call_that_is_cancelled_leaves_the_others(calling: Any, kind: str) -> None:
    instance = calling(double)

    async def main() -> list[Any]:
        calls = [asyncio.ensure_future(instance.go(kind, n)) for n in range(20)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        outcomes = await settled(asyncio.gather(*calls, return_exceptions=True))
        return [type(o) if isinstance(o, BaseException) else o for o in outcomes]

    outcomes = asyncio.run(main())
    assert outcomes[1::2] == [2 * n + 1 for n in range(1, 20, 2)]
    assert set(map(str, outcomes[::2])) <= {*map(str, range(1, 60)), str(asyncio.CancelledError)}


@pytest.mark.parametrize("later", ["call", "go"])
def test_call_that_is_cancelled_in_the_middle_of_its_code_makes_room(calling: Any, later: str) -> None:
    instance = calling(double)

    async def cancelled() -> None:
        call = asyncio.ensure_future(instance.go("count", 300_000))
        await asyncio.sleep(0.005)
        call.cancel()
        assert isinstance(await settled(call), asyncio.CancelledError)

    async def main() -> Any:
        await cancelled()
        return await settled(instance.go("count", 3))

    if later == "go":
        assert asyncio.run(main()) == 3
    else:
        asyncio.run(cancelled())
        assert instance.call("count", 3) == 3


def test_call_of_the_same_task_goes_on_after_a_timeout(calling: Any) -> None:
    instance = calling(double)

    async def main() -> Any:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await instance.go("count", 300_000)
        return await settled(instance.go("count", 3))

    assert asyncio.run(main()) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_call_that_is_cancelled_at_any_moment_leaves_a_sound_store(
    new_world: Any, guest: Any, kind: str
) -> None:
    """In slices of one unit: whatever has happened by then."""
    moments = 0
    while True:
        world = new_world(Config(consume_fuel=True))
        world.store.set_fuel(10_000_000)
        instance = world.instantiate(guest(GUEST, TYPES, FETCH), fetch=lambda n: Blocked(lambda: 5, 0.0))
        other = world.instantiate(guest(GUEST, TYPES, FETCH), fetch=lambda n: n)
        calls = [instance.start(kind, n) for n in range(2)]
        for _ in range(moments):
            calls[0].resume(1)
        ended = calls[0].resume(1) is Stop.RETURNED
        for call in calls:
            call.cancel()
        assert other.call(kind, 3) == 4
        assert world.store.state.running is None
        if ended:
            break
        moments += 1
    assert moments > 4


def test_call_that_waits_to_enter_is_cancelled_at_any_moment(new_world: Any, guest: Any) -> None:
    core = """(func (export "hold") (call $backpressure.inc)) (func (export "free") (call $backpressure.dec))
      (func (export "[async-lift-stackful]f") (call $task.return))"""
    for moments in range(40):
        world = new_world(Config(consume_fuel=True))
        world.store.set_fuel(100_000)
        instance = world.instantiate(guest(core, {"hold": "", "free": "", "f": "async"}))
        instance.call("hold")
        call = instance.start("f")
        call.owner = call  # so that it waits, rather than find a deadlock
        assert call.resume() is Stop.BLOCKED
        instance.call("free")
        for _ in range(moments):
            call.resume(1)
        call.cancel(KeyError("mine"))  # no trap: it is asked to end
        assert instance.call("f") is None


# --- one call's wait is no other's

WAITS = """
  (func (export "[async-lift-stackful]waits")
    (drop (call $thread.yield)) (call $block) (call $task.return))
  (func (export "[async-lift-stackful]yields")
    (drop (call $thread.yield)) (drop (call $thread.yield)) (call $task.return))"""


def test_coroutine_that_never_ends_holds_up_its_own_call_only(calling: Any) -> None:
    async def fetch(n: int) -> int:
        return await (never(n) if n == 0 else double(n))

    instance, other = calling(fetch), calling(fetch)

    async def main() -> Any:
        stuck = [
            asyncio.ensure_future(i.go(kind, 0))
            for i in (instance, other)
            for kind in ("callback", "stackful")
        ]
        outcomes = await settled(
            asyncio.gather(*(i.go("stackful", n) for i in (instance, other) for n in (1, 2)))
        )
        for call in stuck:
            call.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        return outcomes

    assert asyncio.run(main()) == [3, 5, 3, 5]


def test_thread_that_waits_for_the_host_holds_up_no_other_call(any_order: Any, guest: Any) -> None:
    """A function that isn't async, called at a turn that another call's driver has given."""

    async def block() -> None:
        await asyncio.get_running_loop().create_future()

    stuck = any_order.instantiate(
        guest(WAITS, {"waits": "async", "yields": "async"}, {"block": ""}), block=block
    )
    other = any_order.instantiate(
        guest(WAITS, {"waits": "async", "yields": "async"}, {"block": ""}), block=block
    )

    async def main() -> Any:
        call = asyncio.ensure_future(stuck.go("waits"))
        await asyncio.sleep(0)
        outcomes = [await settled(other.go("yields")) for _ in range(3)]
        other.call("yields")
        call.cancel()
        return [*outcomes, type(await settled(call))]

    assert asyncio.run(main()) == [None, None, None, asyncio.CancelledError]


def test_poll_of_the_host_holds_up_no_other_call(any_order: Any, guest: Any) -> None:
    may_go = False

    def block() -> Any:
        return None if may_go else Blocked(block, 0.001)

    stuck = any_order.instantiate(
        guest(WAITS, {"waits": "async", "yields": "async"}, {"block": ""}), block=block
    )
    other = any_order.instantiate(
        guest(WAITS, {"waits": "async", "yields": "async"}, {"block": ""}), block=block
    )

    async def main() -> Any:
        nonlocal may_go
        call = asyncio.ensure_future(stuck.go("waits"))
        await asyncio.sleep(0)
        outcomes = [await settled(other.go("yields")) for _ in range(3)]
        other.call("yields")
        may_go = True
        return [*outcomes, await settled(call)]

    assert asyncio.run(main()) == [None] * 4
    waits = stuck.start("waits")
    may_go = False
    waits.resume(1)
    other.call("yields")
    may_go = True
    while waits.resume() is Stop.BLOCKED:
        pass
    assert waits.trap is None


def test_call_without_a_loop_runs_within_one(calling: Any) -> None:
    """Whatever it does at its turns for calls in flight, it does as they would."""
    instance, other = calling(double), calling(lambda n: n)

    async def main() -> Any:
        calls = [asyncio.ensure_future(instance.go(kind, 3)) for kind in KINDS]
        await asyncio.sleep(0)
        now = [other.call("yields", 20), other.call("stackful", 1)]
        return now + [await settled(call) for call in calls]

    assert asyncio.run(main()) == [20, 2, 7, 7, 7]


def test_call_without_a_loop_that_needs_one_traps_alone(calling: Any) -> None:
    instance, other = calling(double), calling(double)

    async def main() -> Any:
        call = asyncio.ensure_future(instance.go("stackful", 3))
        await asyncio.sleep(0)
        with pytest.raises(Trap, match="needs an event loop"):
            other.call("stackful", 1)
        return await settled(call)

    assert asyncio.run(main()) == 7


@pytest.mark.parametrize("kind", KINDS)
def test_coroutine_of_the_host_that_calls_the_same_component_traps(
    any_order: Any, guest: Any, kind: str
) -> None:
    async def fetch(n: int) -> Any:
        await asyncio.sleep(0)
        return await again("plain", n)

    core = GUEST.replace("(call $fetch (local.get $n))", "(call $block (local.get $n))")
    types = {"fetch": FETCH["fetch"], "block": '(param "n" u32) (result u32)'}
    instance = any_order.instantiate(guest(core, TYPES, types), fetch=double, block=fetch)
    again = instance.go

    async def main() -> Any:
        return await settled(instance.go("stackful", 3))

    outcome = asyncio.run(main())
    assert isinstance(outcome, Trap)
    assert "cannot enter component instance" in str(outcome)


def test_wake_up_before_the_wait_is_not_lost(world: Any) -> None:
    scheduler = scheduler_of(world.store.state)

    async def main() -> None:
        idle = Idle(scheduler)
        scheduler.wake()
        await asyncio.wait_for(idle, 5)

    asyncio.run(main())


# --- deadlines, interrupts, fuel


@pytest.mark.parametrize("kind", KINDS)
def test_deadline_ends_the_wait_for_a_coroutine_that_never_ends(calling: Any, kind: str) -> None:
    instance, other = calling(never), calling(double)
    world = instance.store

    async def main() -> Any:
        world.set_deadline(timeout=0.05)
        outcome = await settled(instance.go(kind, 3))
        world.set_deadline(None)
        return outcome, await settled(other.go(kind, 3))

    outcome, after = asyncio.run(main())
    assert (outcome.code, after) == ("deadline", 7)


@pytest.mark.parametrize("function", [("spin",), ("yields", 1 << 31)])
def test_deadline_ends_what_runs_or_yields_for_ever_and_nothing_else(calling: Any, function: Any) -> None:
    instance, other = calling(double), calling(double)
    store = instance.store

    async def main() -> Any:
        # a thread that waits for its turn when the deadline comes is none of those that it ends
        waits = other.start("yields", 3)
        waits.resume(1)
        store.set_deadline(timeout=0.05)
        began = time.monotonic()
        outcome = await settled(instance.go(*function))
        seconds = time.monotonic() - began
        store.set_deadline(None)
        waits.resume()
        return outcome.code, seconds < 1, waits.result, await settled(other.go("stackful", 3))

    assert asyncio.run(main()) == ("deadline", True, 3, 7)


def test_deadline_without_a_loop_ends_what_yields_for_ever(calling: Any) -> None:
    instance, other = calling(double), calling(lambda n: n)
    waits = other.start("yields", 3)
    waits.resume(1)
    instance.store.set_deadline(timeout=0.05)
    with pytest.raises(Trap, match="deadline exceeded"):
        instance.call("yields", 1 << 31)
    instance.store.set_deadline(None)
    waits.resume()
    assert (waits.result, other.call("stackful", 3)) == (3, 4)


@pytest.mark.parametrize("function", [("spin",), ("yields", 1 << 31)])
def test_interrupt_ends_the_call_that_drives_whatever_runs(calling: Any, function: Any) -> None:
    instance, other = calling(double), calling(double)
    background = other.start("yields", 1 << 31)
    background.resume(1)

    async def main() -> Any:
        asyncio.get_running_loop().call_later(0.03, instance.store.interrupt)
        return await settled(instance.go(*function))

    outcome = asyncio.run(main())
    assert outcome.code == "interrupt"


def test_fuel_that_runs_out_ends_the_call_and_more_goes_on(new_world: Any, guest: Any) -> None:
    world = new_world(Config(consume_fuel=True))
    world.store.set_fuel(1_000_000)
    instance, other = (world.instantiate(guest(GUEST, TYPES, FETCH), fetch=double) for _ in range(2))

    async def main() -> Any:
        waits = asyncio.ensure_future(other.go("stackful", 4))
        await asyncio.sleep(0)
        outcome = await settled(instance.go("yields", 1 << 31))
        world.store.set_fuel(1_000_000)
        return outcome.code, await settled(waits), await settled(other.go("callback", 3))

    assert asyncio.run(main()) == ("out-of-fuel", 9, 7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slice", [1, 2, 7, None])
def test_slices_give_equal_results(new_world: Any, guest: Any, kind: str, slice: int | None) -> None:
    outcomes = []
    for size in (slice, None):
        world = new_world(Config(consume_fuel=True))
        world.store.set_fuel(1_000_000)
        instance = world.instantiate(guest(GUEST, TYPES, FETCH), fetch=lambda n: Blocked(lambda: 5, 0.0))
        call = instance.start(kind, 3)
        while call.resume(size) is not Stop.RETURNED:
            pass
        outcomes.append((call.result, world.store.get_fuel()))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == 6
