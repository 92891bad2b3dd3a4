"""Calls within asyncio: slices, coroutine host functions, what stops them, and who may call what."""

import asyncio
import contextvars
import os
import threading
import time

import pytest

from pywrt.api import Engine, Func, Instance, Linker, Store, Tag
from pywrt.config import Config
from pywrt.engine.machine import Blocked
from pywrt.errors import ThrownException, Trap, ValueTypeError, WasmError
from pywrt.wasm.types import I32, FuncType, TagType

CALLS = """(module (import "env" "f" (func $f (param i32) (result i32)))
  (global $count (export "count") (mut i32) (i32.const 0))
  (func (export "twice") (param i32) (result i32)
    (i32.add (call $f (local.get 0)) (call $f (i32.add (local.get 0) (i32.const 1)))))
  (func (export "spin") (loop (global.set $count (i32.add (global.get $count) (i32.const 1))) (br 0)))
  (func (export "count_to") (param i32) (result i32)
    (loop (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (br_if 0 (i32.lt_u (global.get $count) (local.get 0))))
    (global.get $count))
  (func (export "same") (param i32) (result i32) (local.get 0)))"""
I32_TO_I32 = FuncType((I32,), (I32,))

pytestmark = pytest.mark.filterwarnings("error")  # a coroutine that nobody awaits or closes warns


@pytest.fixture(params=[False, True], ids=["unmetered", "metered"])
def store(request):
    store = Store(Engine(Config(consume_fuel=request.param)))
    if request.param:
        store.set_fuel(1 << 40)
    return store


@pytest.fixture
def calling(store, module):
    """The exports of CALLS, whose host function is what is given."""
    compiled = module(CALLS)

    def instantiate(callable, of=store):
        return Instance(of, compiled, [Func(of, I32_TO_I32, callable)]).exports(of)

    return instantiate


async def until(condition):
    while not condition():
        await asyncio.sleep(0)


# --- results and errors


def test_call_async_returns_what_a_call_does(store, calling):
    assert asyncio.run(calling(lambda x: x + 1)["twice"].call_async(store, 3)) == 9


def test_call_async_checks_its_arguments(store, calling):
    exports = calling(lambda x: x)
    with pytest.raises(ValueTypeError, match="argument 0: expected i32, got str"):
        asyncio.run(exports["same"].call_async(store, "x"))
    with pytest.raises(WasmError, match="belongs to another store"):
        asyncio.run(exports["same"].call_async(Store(store.engine), 1))


def test_coroutine_host_function_is_awaited(store, calling):
    async def host(x):
        await asyncio.sleep(0)
        return x * 10

    assert asyncio.run(calling(host)["twice"].call_async(store, 3)) == 70


def test_host_function_may_return_a_future(store, calling):
    async def main():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 4)
        return await calling(lambda x: future)["twice"].call_async(store, 3)

    assert asyncio.run(main()) == 8


def test_coroutine_host_function_runs_in_the_task_and_context_of_the_call(store, calling):
    variable = contextvars.ContextVar("variable")
    tasks = []

    async def host(x):
        tasks.append(asyncio.current_task())
        variable.set(x)
        return x

    async def main():
        await calling(host)["twice"].call_async(store, 6)
        return asyncio.current_task(), variable.get()

    task, value = asyncio.run(main())
    assert tasks == [task, task]
    assert value == 7


def test_error_of_a_coroutine_host_function_reaches_the_embedder(store, calling):
    async def host(x):
        await asyncio.sleep(0)
        raise KeyError("mine")

    exports = calling(host)
    with pytest.raises(KeyError, match="mine"):
        asyncio.run(exports["twice"].call_async(store, 3))
    assert exports["same"](store, 3) == 3


def test_timeout_error_of_a_coroutine_host_function_is_its_own(store, calling):
    async def host(x):
        raise TimeoutError("of the host")

    store.set_deadline(timeout=1000)
    with pytest.raises(TimeoutError, match="of the host"):
        asyncio.run(calling(host)["twice"].call_async(store, 3))


def test_trap_of_a_coroutine_host_function_gets_the_guests_backtrace(store, calling):
    async def host(x):
        raise Trap("no more", "mine")

    with pytest.raises(Trap, match=r"^no more") as caught:
        asyncio.run(calling(host)["twice"].call_async(store, 3))
    assert [frame.function for frame in caught.value.backtrace] == [1]


def test_result_of_a_coroutine_host_function_that_does_not_fit_says_so(store, calling):
    async def host(x):
        return "x"

    with pytest.raises(ValueTypeError, match="host function's result 0: expected i32, got str 'x'"):
        asyncio.run(calling(host)["twice"].call_async(store, 3))


@pytest.mark.parametrize("kind", ["coroutine", "blocked"])
def test_exception_thrown_after_a_wait_is_the_guests_to_catch(store, module, kind):
    tag = Tag(store, TagType(FuncType((I32,), ())))

    def throw():
        raise tag.exception(store, 42)

    async def host():
        await asyncio.sleep(0)
        throw()

    callable = host if kind == "coroutine" else lambda: Blocked(throw)
    text = """(module (import "" "t" (tag $t (param i32))) (import "" "f" (func $f))
      (func (export "catch") (result i32)
        (block $h (result i32) (try_table (catch $t $h) (call $f)) (i32.const 0)))
      (func (export "let") (call $f)))"""
    exports = Instance(store, module(text), [tag, Func(store, FuncType((), ()), callable)]).exports(store)
    assert asyncio.run(exports["catch"].call_async(store)) == 42
    with pytest.raises(ThrownException) as caught:
        asyncio.run(exports["let"].call_async(store))
    assert tag.values(store, caught.value) == [42]


def test_coroutine_host_function_in_a_synchronous_call_traps(store, calling):
    async def host(x):
        return x

    exports = calling(host)
    with pytest.raises(Trap, match="use call_async") as caught:
        exports["twice"](store, 3)
    assert caught.value.code == "await-in-sync-call"
    assert [frame.function for frame in caught.value.backtrace] == [1]
    assert exports["same"](store, 3) == 3


def test_coroutine_host_function_in_a_nested_call_traps(store, calling):
    async def host(x):
        return x

    inner = calling(host)
    outer = calling(lambda x: inner["twice"](store, x))
    with pytest.raises(Trap, match="would block within a nested call"):
        asyncio.run(outer["twice"].call_async(store, 3))


def test_call_async_runs_out_of_fuel(calling):
    store = Store(Engine(Config(consume_fuel=True)))
    exports = calling(lambda x: x, store)
    store.set_fuel(1_000_000)
    with pytest.raises(Trap, match=r"^all fuel consumed"):
        asyncio.run(exports["spin"].call_async(store))
    assert store.get_fuel() < 20  # less than the next block costs


def test_call_async_spends_the_fuel_of_a_call(calling):
    spent = []
    for run in (lambda f, *args: f(*args), lambda f, *args: asyncio.run(f.call_async(*args))):
        store = Store(Engine(Config(consume_fuel=True)))
        exports = calling(lambda x: x, store)
        store.set_fuel(10_000_000)
        assert run(exports["count_to"], store, 100_000) == 100_000
        spent.append(10_000_000 - store.get_fuel())
    assert spent[0] == spent[1] > 100_000


# --- waiting


def test_blocked_host_function_is_tried_again_after_its_time(store, calling):
    tries = []

    def host(x):
        tries.append(x)
        return x if len(tries) > 2 else Blocked(lambda: host(x), 0.0001)

    assert asyncio.run(calling(host)["twice"].call_async(store, 3)) == 7
    assert tries == [3, 3, 3, 4]


def test_blocked_host_function_without_a_sign_is_tried_again_soon(store, calling):
    assert asyncio.run(calling(lambda x: Blocked(lambda: x))["twice"].call_async(store, 3)) == 7


def test_several_guests_wait_for_one_descriptor(calling):
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    stores = [Store(Engine()) for _ in range(3)]

    def host(x):
        try:
            return os.read(reader, 1)[0]
        except BlockingIOError:
            return Blocked(lambda: host(x), None, reader)

    async def main():
        calls = [asyncio.create_task(calling(host, s)["twice"].call_async(s, 0)) for s in stores]
        for byte in b"abcdef":
            await asyncio.sleep(0.001)
            os.write(writer, bytes([byte]))
        return await asyncio.gather(*calls)

    try:
        assert sum(asyncio.run(main())) == sum(b"abcdef")
    finally:
        os.close(reader)
        os.close(writer)


def test_descriptor_that_no_loop_can_watch_is_tried_again(store, calling, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"ab")
    with path.open("rb") as file:
        exports = calling(lambda x: Blocked(lambda: file.read(1)[0], None, file.fileno()))
        assert asyncio.run(exports["twice"].call_async(store, 0)) == sum(b"ab")


def test_start_function_that_awaits_is_instantiated_async(store, module):
    seen = []

    async def host():
        await asyncio.sleep(0)
        seen.append("started")

    linker = Linker(store.engine)
    linker.define_func(store, "", "f", FuncType((), ()), host)
    text = '(module (import "" "f" (func $f)) (start $f) (func (export "g") (result i32) (i32.const 5)))'
    instance = asyncio.run(linker.instantiate_async(store, module(text)))
    assert seen == ["started"]
    assert instance.exports(store)["g"](store) == 5
    with pytest.raises(Trap, match="use call_async or instantiate_async"):
        linker.instantiate(store, module(text))


def test_start_function_that_runs_long_lets_others_have_their_turn(store, module):
    text = """(module (global $i (mut i32) (i32.const 0))
      (func $f (loop (global.set $i (i32.add (global.get $i) (i32.const 1)))
        (br_if 0 (i32.lt_u (global.get $i) (i32.const 300000)))))
      (start $f))"""

    async def main():
        starting = asyncio.create_task(Instance.create_async(store, module(text)))
        turns = 0
        while not starting.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(main()) > 5


def test_start_function_that_blocks_is_waited_for(store, module):
    tries = []
    func = Func(store, FuncType((), ()), lambda: Blocked(lambda: tries.append(1), 0.0001))
    Instance(store, module('(module (import "" "f" (func $f)) (start $f))'), [func])
    assert tries == [1]


def test_host_function_that_never_suspends_does_not_hold_the_loop(store, module):
    async def host():
        pass

    text = '(module (import "" "f" (func $f)) (func (export "g") (loop (call $f) (br 0))))'
    exports = Instance(store, module(text), [Func(store, FuncType((), ()), host)]).exports(store)

    async def main():
        running = asyncio.create_task(exports["g"].call_async(store))
        for _ in range(10):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        return running.cancelled()

    assert asyncio.run(main())


def test_slice_of_slow_host_calls_gives_way_and_loses_no_result(store, module):
    text = """(module (import "" "f" (func $f (result i32)))
      (func (export "g") (param i32) (result i32) (local i32)
        (loop (local.set 1 (i32.add (local.get 1) (call $f)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"""
    calls = []

    def slow():
        time.sleep(0.002)
        calls.append(turns)
        return 1

    func = Func(store, FuncType((), (I32,)), slow)
    exports = Instance(store, module(text), [func]).exports(store)
    turns = 0

    async def main():
        nonlocal turns
        running = asyncio.create_task(exports["g"].call_async(store, 20))
        while not running.done():
            await asyncio.sleep(0)
            turns += 1
        return await running

    assert asyncio.run(main()) == 20
    assert len(calls) == 20
    assert len(set(calls)) > 3


# --- interleaving


def test_guests_of_many_stores_take_turns(module, calling):
    stores = [Store(Engine()) for _ in range(20)]
    guests = [calling(lambda x: x, store) for store in stores]

    async def main():
        calls = [
            asyncio.create_task(guest["spin"].call_async(store))
            for guest, store in zip(guests, stores, strict=True)
        ]
        await until(lambda: all(g["count"].value(s) > 10_000 for g, s in zip(guests, stores, strict=True)))
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

    asyncio.run(main())


def test_instances_of_one_store_take_turns(store, calling):
    guests = [calling(lambda x: x) for _ in range(5)]

    async def main():
        return await asyncio.gather(*[guest["count_to"].call_async(store, 50_000) for guest in guests])

    assert asyncio.run(main()) == [50_000] * 5


@pytest.mark.parametrize("awaiting", [False, True])
def test_instance_in_a_call_of_another_task_is_refused(store, calling, awaiting):
    async def host(x):
        await asyncio.sleep(1000)

    exports = calling(host)

    async def main():
        first = exports["twice"].call_async(store, 1) if awaiting else exports["spin"].call_async(store)
        running = asyncio.create_task(first)
        await asyncio.sleep(0)
        with pytest.raises(WasmError, match="is in a call of another task"):
            await exports["same"].call_async(store, 1)
        with pytest.raises(WasmError, match="is in a call of another task"):
            exports["same"](store, 1)
        with pytest.raises(WasmError, match="is in a call of another task"):
            exports["same"].start(store, 1)
        other = calling(lambda x: x)
        assert await other["same"].call_async(store, 1) == other["same"](store, 1) == 1
        running.cancel()
        await asyncio.wait([running])
        return await exports["same"].call_async(store, 2)

    assert asyncio.run(main()) == 2


def test_coroutine_host_function_calls_back_into_its_instance(store, calling):
    async def host(x):
        nested = await exports["same"].call_async(store, x)
        return nested + exports["same"](store, x)

    exports = calling(host)
    assert asyncio.run(exports["twice"].call_async(store, 3)) == 14


def test_nested_call_that_fails_leaves_the_outer_one_in_its_place(store, calling):
    async def host(x):
        with pytest.raises(ValueTypeError):
            await exports["same"].call_async(store, "x")
        store.interrupt()
        with pytest.raises(Trap, match="interrupted"):
            await exports["same"].call_async(store, x)
        return x

    exports = calling(host)
    with pytest.raises(Trap, match="interrupted"):
        asyncio.run(exports["twice"].call_async(store, 3))
    assert exports["same"](store, 3) == 3


def test_call_async_outside_of_a_task_is_refused(store, calling):
    call = calling(lambda x: x)["same"].call_async(store, 1)
    with pytest.raises(WasmError, match="outside of asyncio"):
        call.send(None)


# --- what stops a call


@pytest.mark.parametrize("name", ["spin", "twice"])
def test_cancelled_task_stops_the_guest(store, calling, name):
    ended = []

    async def host(x):
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(x)

    exports = calling(host)

    async def main():
        call = exports["spin"].call_async(store) if name == "spin" else exports["twice"].call_async(store, 7)
        running = asyncio.create_task(call)
        for _ in range(3):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        return await exports["same"].call_async(store, 5)

    assert asyncio.run(main()) == 5
    assert ended == ([] if name == "spin" else [7])
    assert store.state.running is None


def test_timeout_of_asyncio_stops_the_guest(store, calling):
    exports = calling(lambda x: x)

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await exports["spin"].call_async(store)

    asyncio.run(main())
    assert exports["same"](store, 5) == 5


async def awaits(x):
    await asyncio.sleep(1000)


HOSTS = {"running": None, "awaiting": awaits, "blocked": lambda x: Blocked(lambda: awaits(x), 1000)}


@pytest.fixture(params=list(HOSTS))
def endless(request, store, calling):
    """Starts a call that doesn't return by itself: the guest runs, or waits in a host function."""
    exports = calling(HOSTS[request.param])
    if request.param == "running":
        return lambda: exports["spin"].call_async(store)
    return lambda: exports["twice"].call_async(store, 1)


def test_deadline_stops_an_async_call(store, endless):
    store.set_deadline(timeout=0.005)
    with pytest.raises(Trap, match=r"^deadline exceeded") as caught:
        asyncio.run(endless())
    assert caught.value.code == "deadline"


def test_deadline_that_is_set_later_stops_an_async_call(store, endless):
    async def main():
        running = asyncio.create_task(endless())
        await asyncio.sleep(0.002)
        store.set_deadline(timeout=0)
        await running

    with pytest.raises(Trap, match=r"^deadline exceeded") as caught:
        asyncio.run(main())
    assert [frame.function for frame in caught.value.backtrace] in ([1], [2])


def test_interrupt_from_a_thread_stops_an_async_call(store, endless, calling):
    async def main():
        running = asyncio.create_task(endless())
        await asyncio.sleep(0.002)
        thread = threading.Thread(target=store.interrupt)
        thread.start()
        await running

    with pytest.raises(Trap, match=r"^interrupted") as caught:
        asyncio.run(main())
    assert caught.value.code == "interrupt"
    assert [frame.function for frame in caught.value.backtrace] in ([1], [2])
    assert calling(lambda x: x)["same"](store, 1) == 1


def test_interrupt_stops_all_calls_in_progress_and_none_after(store, calling):
    guests = [calling(HOSTS["awaiting"]) for _ in range(3)]

    async def main():
        calls = [
            *[guest["spin"].call_async(store) for guest in guests],
            *[calling(host)["twice"].call_async(store, 1) for host in (awaits, HOSTS["blocked"])],
        ]
        calls = [asyncio.create_task(call) for call in calls]
        for _ in range(3):
            await asyncio.sleep(0)
        store.interrupt()
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert [error.message for error in errors] == ["interrupted"] * 5
        return await guests[0]["same"].call_async(store, 4)

    assert asyncio.run(main()) == 4


def test_close_stops_calls_of_other_tasks(store, endless, calling):
    async def main():
        running = asyncio.create_task(endless())
        await asyncio.sleep(0.002)
        store.close()
        await running

    with pytest.raises(Trap, match=r"^the store was closed"):
        asyncio.run(main())
    with pytest.raises(WasmError, match=r"^the store is closed"):
        calling(lambda x: x)


def test_coroutine_that_swallows_the_end_of_its_wait_does_not_save_the_guest(store, calling):
    async def host(x):
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            return 5

    store.set_deadline(timeout=0.002)
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        asyncio.run(calling(host)["twice"].call_async(store, 1))
