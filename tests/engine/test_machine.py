"""The machine: deadline, interruption, call depth, host functions that suspend, fail or call back."""

import struct
import sys
import time
import tracemalloc

import pytest

from pywrt.api import Engine, Func, Instance, Module, Store
from pywrt.config import Config
from pywrt.engine.machine import MAX_NESTED_CALLS, Activation, Blocked, Call, Stop, call, host_func
from pywrt.errors import LimitError, LinkError, Trap
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import I32, FuncType

SPIN = '(module (func $spin (export "f") (loop (br 0))) (func (export "g") (call $spin)))'
TAILS = """(module (func $a (export "f") (return_call $b)) (func $b (return_call $a)))"""
HOST = FuncType((I32,), (I32,))


def importing(fn, type=HOST):
    """Imports with `fn`, which gets and returns raw values, as the only one."""

    def imports(store):
        return [Func.wrap(store, host_func(store.state, type, fn, "host"))]

    return imports


CALL_HOST = """(module (import "" "host" (func $host (param i32) (result i32)))
  (func $inner (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.const 1)))
  (func (export "f") (param i32) (result i32) (i32.mul (call $inner (local.get 0)) (i32.const 10)))
  (func $twice (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func (export "recur") (param i32) (result i32) (call $host (i32.add (local.get 0) (i32.const 1))))
  (func (export "spin") (param i32) (result i32) (loop (br 0)) (unreachable)))"""


@pytest.mark.parametrize("metered", [True, False])
@pytest.mark.parametrize("text", [SPIN, TAILS])
def test_deadline_stops_a_guest_that_never_ends(guest, metered, text):
    module = guest(text, metered=metered)
    module.store.set_deadline(time.monotonic() + 0.02)
    with pytest.raises(Trap, match=r"^deadline exceeded") as caught:
        module.call("f")
    assert caught.value.code == "deadline"
    assert caught.value.backtrace[0].function in (0, 1)


def test_deadline_backtrace_names_running_and_waiting_functions(guest):
    module = guest(SPIN)
    module.store.set_deadline(time.monotonic() + 0.01)
    with pytest.raises(Trap) as caught:
        module.call("g")
    assert [frame.name for frame in caught.value.backtrace][:1] == ["spin"]
    assert [frame.function for frame in caught.value.backtrace] == [0, 1]


@pytest.mark.parametrize("metered", [True, False])
def test_interrupt_stops_the_next_slice(guest, metered):
    module = guest(SPIN, metered=metered)
    activation = module.start("f")
    assert activation.resume(100) is Stop.SLICE_END
    module.store.interrupt()
    assert activation.resume(100) is Stop.TRAPPED
    assert isinstance(activation.trap, Trap)
    assert (activation.trap.message, activation.trap.code) == ("interrupted", "interrupt")
    assert activation.resume(100) is Stop.TRAPPED


def test_interrupt_ends_a_wait_for_the_host(guest):
    module = guest(CALL_HOST, imports=importing(lambda x: Blocked(lambda: Blocked(list, 3600.0), 3600.0)))
    activation = module.start("f", 1)
    assert activation.resume() is Stop.BLOCKED
    module.store.interrupt()
    activation.wait()
    assert activation.resume() is Stop.TRAPPED


def test_recursion_of_ten_thousand_calls_returns(guest):
    module = guest(
        '(module (func $f (export "f") (param i32) (result i32) (if (result i32) (i32.eqz (local.get 0))'
        "(then (i32.const 0)) (else (i32.add (i32.const 1)"
        "(call $f (i32.sub (local.get 0) (i32.const 1))))))))"
    )
    assert sys.getrecursionlimit() < 10_000
    assert module.call("f", 10_000) == 10_000


@pytest.mark.parametrize("metered", [True, False])
@pytest.mark.parametrize("body", ["(call $f)", "(call_indirect (i32.const 0))"])
def test_infinite_recursion_traps(guest, metered, body):
    module = guest(
        f'(module (table funcref (elem $f)) (func $f (export "f") {body}))',
        metered=metered,
        max_call_depth=500,
    )
    with pytest.raises(Trap, match=r"^call stack exhausted") as caught:
        module.call("f")
    assert caught.value.code == "call-stack-exhausted"
    assert len(caught.value.backtrace) >= 500
    assert "more frames" in str(caught.value)


def test_infinite_recursion_of_large_frames_keeps_memory_bounded(guest):
    locals_ = "(local" + " i64" * 50_000 + ")"
    module = guest(f'(module (func $f (export "f") {locals_} (call $f)))')
    tracemalloc.start()
    try:
        with pytest.raises(Trap, match=r"^call stack exhausted"):
            module.call("f")
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_frame_too_large_to_copy_starts_with_zeros(guest):
    module = guest(
        '(module (func (export "f") (param i32) (result i32 i64 f64 i32) (local i32) (local i64)'
        f"(local{' i32' * 2000}) (local f64) (local.set 1 (i32.add (local.get 1) (local.get 0)))"
        "(local.get 1) (local.get 2) (local.get 2003) (ref.is_null (ref.null func))))"
    )
    assert module.call("f", 5) == [5, 0, 0.0, 1]
    assert module.call("f", 6) == [6, 0, 0.0, 1]


def test_infinite_tail_calls_keep_memory_constant(guest):
    module = guest(TAILS, metered=True)
    module.store.set_fuel(200_000)
    activation = module.start("f")
    activation.resume(50_000)
    tracemalloc.start()
    try:
        assert activation.resume() is Stop.OUT_OF_FUEL
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


# --- host functions


def test_host_function_result_reaches_the_guest(guest):
    module = guest(CALL_HOST, imports=importing(lambda x: (x * x,)))
    assert module.call("f", 7) == 500


@pytest.mark.parametrize("error", [IndexError("mine"), ZeroDivisionError("mine"), struct.error("mine")])
def test_host_error_propagates_unchanged(guest, error):
    def fail(x):
        raise error

    module = guest(CALL_HOST, imports=importing(fail))
    with pytest.raises(type(error), match=r"^mine$") as caught:
        module.call("f", 7)
    assert caught.value is error


def test_host_trap_gets_the_guest_frames(guest):
    def fail(x):
        raise Trap("no more", "mine")

    module = guest(CALL_HOST, imports=importing(fail))
    with pytest.raises(Trap, match=r"^no more") as caught:
        module.call("f", 7)
    assert [frame.function for frame in caught.value.backtrace] == [1, 2]


def test_host_function_with_wrong_number_of_results_is_an_error(guest):
    pair = FuncType((), (I32, I32))
    module = guest(
        '(module (import "" "host" (func $h (result i32 i32))) (func (export "f") (drop (drop (call $h)))))',
        imports=importing(lambda: (1, 2, 3), pair),
    )
    with pytest.raises(TypeError, match="a host function with 2 results returned 3"):
        module.call("f")


@pytest.mark.parametrize("metered", [True, False])
def test_blocked_host_function_is_retried(guest, metered):
    answers = iter([Blocked(lambda: next(answers), 0.0), (5,)])
    module = guest(
        CALL_HOST, metered=metered, imports=importing(lambda x: Blocked(lambda: next(answers), 0.0))
    )
    activation = module.start("f", 1)
    assert activation.resume() is Stop.BLOCKED
    assert isinstance(activation.blocked, Blocked)
    assert activation.resume() is Stop.BLOCKED
    assert activation.resume() is Stop.RETURNED
    assert activation.results == [60]


def test_blocked_host_function_that_fails_later_traps_with_the_guest_frames(guest):
    def fail():
        raise Trap("too late", "mine")

    module = guest(CALL_HOST, imports=importing(lambda x: Blocked(fail)))
    activation = module.start("f", 1)
    assert activation.resume() is Stop.BLOCKED
    assert activation.resume() is Stop.TRAPPED
    assert isinstance(activation.trap, Trap)
    assert [frame.function for frame in activation.trap.backtrace] == [1, 2]


def test_call_through_the_api_waits_for_a_blocked_host_function(guest):
    module = guest(CALL_HOST, imports=importing(lambda x: Blocked(lambda: (x,), 0.001)))
    assert module.call("f", 4) == 50


def test_coroutine_host_function_gets_its_result_by_deliver(guest):
    async def answer(x):
        return (x + 1,)

    module = guest(CALL_HOST, imports=importing(answer))
    activation = module.start("f", 3)
    assert activation.resume() is Stop.BLOCKED
    assert activation.resume() is Stop.BLOCKED
    with pytest.raises(StopIteration) as done:
        activation.blocked.send(None)
    activation.deliver(done.value.value)
    assert activation.resume() is Stop.RETURNED
    assert activation.results == [50]


async def never(x):
    raise AssertionError("nobody awaits this")


@pytest.mark.parametrize("error", [KeyError("mine"), Trap("mine", "mine"), SystemExit(3)])
def test_error_of_an_awaited_host_function_ends_the_call_by_throw(guest, error):
    module = guest(CALL_HOST, imports=importing(never))
    activation = module.start("f", 3)
    assert activation.resume() is Stop.BLOCKED
    activation.blocked.close()
    activation.throw(error)
    assert activation.resume() is Stop.TRAPPED
    assert activation.trap is error
    assert activation.resume() is Stop.TRAPPED
    if isinstance(error, Trap):
        assert [frame.function for frame in error.backtrace] == [1, 2]
    assert module.call("twice", 4) == 8


def test_cancelled_activation_closes_what_it_waits_for_and_stays_ended(guest):
    module = guest(CALL_HOST, imports=importing(never))
    activation = module.start("f", 3)
    assert activation.resume() is Stop.BLOCKED
    awaited, trap = activation.blocked, Trap("given up", "mine")
    assert activation.cancel(trap) is trap
    assert [frame.function for frame in trap.backtrace] == [1, 2]
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        awaited.send(None)
    assert activation.blocked is None
    assert activation.cancel(KeyError("later")).args == ("later",)
    assert activation.resume() is Stop.TRAPPED
    assert activation.trap is trap
    assert module.store.state.running is None


def test_cancelling_a_call_that_has_returned_leaves_its_results(guest):
    module = guest(CALL_HOST, imports=importing(lambda x: (x,)))
    activation = module.start("f", 4)
    assert activation.resume() is Stop.RETURNED
    activation.cancel(Trap("given up"))
    assert activation.resume() is Stop.RETURNED
    assert (activation.results, activation.trap) == ([50], None)


@pytest.mark.parametrize("metered", [True, False])
def test_nested_call_past_the_deadline_is_not_begun(guest, metered):
    calls = []

    def again(x):
        calls.append(x)
        module.store.set_deadline(time.monotonic())
        return call(module.store.state, module.instance.state.exports["twice"], [x])

    module = guest(CALL_HOST, metered=metered, imports=importing(again))
    with pytest.raises(Trap, match=r"^deadline exceeded") as caught:
        module.call("f", 4)
    assert [frame.function for frame in caught.value.backtrace] == [1, 2]
    assert calls == [4]


def test_stackless_call_from_a_host_function_returns_through_then(guest):
    module = guest(
        CALL_HOST, imports=importing(lambda x: Call(twice(), [x], lambda results: (results[0] + 1,)))
    )

    def twice():
        return module.instance.state.exports["twice"]

    assert module.call("f", 4) == 100


@pytest.mark.parametrize("metered", [True, False])
def test_stackless_recursion_through_the_host_traps_by_depth(guest, metered):
    module = guest(
        CALL_HOST,
        metered=metered,
        imports=importing(
            lambda x: Call(module.instance.state.exports["recur"], [x], lambda results: results)
        ),
        max_call_depth=3000,
    )
    with pytest.raises(Trap, match=r"^call stack exhausted"):
        module.call("recur", 0)


@pytest.mark.parametrize("metered", [True, False])
def test_nested_recursion_through_the_host_traps_before_python_does(guest, metered):
    deepest = 0

    def again(x):
        nonlocal deepest
        deepest = max(deepest, x)
        return call(module.store.state, module.instance.state.exports["recur"], [x])

    module = guest(CALL_HOST, metered=metered, imports=importing(again))
    with pytest.raises(Trap, match=r"^call stack exhausted"):
        module.call("recur", 0)
    assert deepest >= MAX_NESTED_CALLS
    assert module.store.state.nested == 0
    assert module.store.state.running is None


def test_nested_call_spends_the_callers_fuel(guest):
    module = guest(
        CALL_HOST,
        metered=True,
        imports=importing(lambda x: call(module.store.state, module.instance.state.exports["twice"], [x])),
    )
    plain = guest(CALL_HOST, metered=True, imports=importing(lambda x: (x * 2,)))
    assert module.fuel("f", 3) == plain.fuel("f", 3) + plain.fuel("twice", 3)


def test_nested_call_that_exhausts_the_fuel_traps(guest):
    module = guest(
        CALL_HOST,
        metered=True,
        imports=importing(lambda x: call(module.store.state, module.instance.state.exports["spin"], [x])),
    )
    module.store.set_fuel(200_000)
    with pytest.raises(Trap, match=r"^all fuel consumed") as caught:
        module.call("f", 1)
    assert [frame.function for frame in caught.value.backtrace][-2:] == [1, 2]
    assert module.store.get_fuel() < 10


def test_nested_call_of_a_function_that_blocks_traps(guest):
    def outer(x):
        if x == 99:
            return Blocked(lambda: (1,))
        return call(module.store.state, module.instance.state.exports["recur"], [98])

    module = guest(CALL_HOST, imports=importing(outer))
    with pytest.raises(Trap, match="would block within a nested call"):
        module.call("f", 1)


def test_activation_resumed_by_a_host_function_leaves_the_callers_slice(guest, in_slices):
    def run(x):
        activation = Activation(module.store.state, module.instance.state.exports["twice"], [x])
        assert activation.resume() is Stop.RETURNED
        return activation.results

    module = guest(CALL_HOST, metered=True, imports=importing(run))
    activation = module.start("f", 3)
    in_slices(activation, 7)
    assert activation.results == [70]


def test_import_of_another_type_is_refused(guest):
    with pytest.raises(LinkError, match="incompatible import type for '' 'host'"):
        guest(CALL_HOST, imports=importing(lambda: None, FuncType((), ())))


def test_second_instance_does_not_lower_again(guest):
    module = guest(SPIN.replace("(loop (br 0))", "nop"))
    module.call("g")
    plans = dict(module.module.compiled.plans)
    assert sorted(plans) == [0, 1]
    store = Store(module.engine)
    Instance(store, module.module).exports(store)["g"](store)
    assert module.module.compiled.plans == plans


def test_unmasked_value_surfaces_as_a_bug(guest):
    module = guest(
        '(module (memory 1) (func (export "f") (param i32) (i32.store (i32.const 0) (local.get 0))))'
    )
    activation = Activation(module.store.state, module.instance.state.exports["f"], [1 << 40])
    assert activation.resume() is Stop.TRAPPED
    assert isinstance(activation.trap, struct.error)


@pytest.mark.parametrize("operation", ["memory.fill", "memory.copy"])
def test_loop_of_bulk_operations_without_fuel_stops_at_the_deadline(operation: str) -> None:
    engine = Engine(Config())
    text = f"""(module (memory 1024) (func (export "run")
        (loop ({operation} (i32.const 0) (i32.const 1) (i32.const 0x3000000)) (br 0))))"""
    store = Store(engine)
    run = Instance(store, Module(engine, encode_module(parse_module(text)))).exports(store)["run"]
    store.set_deadline(time.monotonic() + 0.05)
    with pytest.raises(Trap, match="deadline exceeded"):
        run(store)


def test_lowering_a_large_body_looks_up_now_and_then_and_can_be_given_up() -> None:
    text = f'(module (func (export "run") {"(if (i32.const 1) (then))" * 20_000}))'
    compiled = Module(Engine(Config()), encode_module(parse_module(text))).compiled
    looks = iter(range(3))
    with pytest.raises(StopIteration):
        compiled.plan(0, lambda: next(looks))
    assert (compiled.plans, compiled.lowered) == ({}, 0)
    assert compiled.plan(0).blocks


def test_code_in_use_past_the_limit_is_refused_and_the_rest_runs_on() -> None:
    engine = Engine(Config(max_lowered_bytes=1000))
    text = f"""(module (func (export "small") (result i32) (i32.const 7))
        (func (export "large") {"(drop (i32.const 1))" * 1000}))"""
    store = Store(engine)
    exports = Instance(store, Module(engine, encode_module(parse_module(text)))).exports(store)
    with pytest.raises(LimitError, match="more than 1000 bytes of a module's code"):
        exports["large"](store)
    assert exports["small"](store) == 7
