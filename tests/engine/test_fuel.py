"""Fuel: wasmtime's schedule, exhaustion, slices."""

import json
from pathlib import Path

import pytest

from pywrt.engine.machine import Stop
from pywrt.errors import Trap

BENCH = Path(__file__).resolve().parents[3] / "shared" / "bench"

COUNT = """(module (func (export "f") (param $n i32) (result i32) (local $sum i32)
  (loop $again
    (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $n) (local.get $n))))
    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $sum)))"""

#: An arm that becomes a conditional statement, in the last block of the function.
LAST_ARM = """(module (func (export "f") (param i32) (result i32) (local i32)
  (if (local.get 0) (then (local.set 1 (i32.const 7)) (local.set 1 (i32.add (local.get 1) (i32.const 1)))))
  (local.get 1)))"""

COPY = """(module (memory 1) (func (export "f") (param i32)
  (memory.fill (i32.const 0) (i32.const 1) (local.get 0))))"""


@pytest.mark.skipif(not BENCH.is_dir(), reason=f"the benchmark modules are not at {BENCH}")
@pytest.mark.parametrize("name", ["fib", "collatz", "sieve", "mandel", "sha", "calli"])
def test_fuel_of_benchmark_module_is_exact(guest, name):
    expected = json.loads((BENCH / "meta.json").read_text())[name]
    module = guest((BENCH / f"{name}.wasm").read_bytes(), metered=True)
    before = module.store.get_fuel()
    result = module.call("run", expected["arg"])
    assert result & 0xFFFFFFFF == expected["res"] & 0xFFFFFFFF
    assert before - module.store.get_fuel() == expected["fuel"]


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ("", 1),
        ("nop nop nop", 1),
        ("i32.const 1 drop", 2),
        ("block loop end end", 1),
        ("i32.const 1 if nop else nop end", 3),
        ("i32.const 0 if nop end", 3),
        ("block br 0 end", 2),
        ("block i32.const 1 br_if 0 end", 3),
        ("block i32.const 3 br_table 0 0 end", 3),
        ("return", 1),
        ("call $g", 4),
        ("i32.const 0 call_indirect (type $t)", 5),
        ("i32.const 1 i32.const 2 i32.const 3 select drop", 5),
        ("i32.const 0 i32.const 1 i32.const 100 memory.fill", 105),
        ("i32.const 0 i32.const 1 i32.const 0 memory.fill", 5),
        ("i32.const 2 memory.grow drop", 5),
        ("ref.null func i32.const 3 table.grow drop", 7),
        # growth by a constant of up to 128 is charged even where it is refused, as wasmtime does
        ("i32.const 100 memory.grow drop", 103),
        ("i32.const 129 memory.grow drop", 3),
        ("i32.const 100 i32.const 0 i32.add memory.grow drop", 5),
        ("ref.null func i32.const 50 table.grow drop", 54),
    ],
)
def test_fuel_of_instructions_follows_the_table(guest, body, cost):
    module = guest(
        "(module (type $t (func)) (memory 1 4) (table 1 9 funcref) (elem (i32.const 0) func $g)"
        f'(func $g (drop (i32.const 1))) (func (export "f") {body}))',
        metered=True,
    )
    assert module.fuel("f") == cost


@pytest.mark.parametrize(("text", "args"), [(COUNT, (9,)), (LAST_ARM, (1,)), (LAST_ARM, (0,)), (COPY, (50,))])
def test_fuel_of_exactly_the_cost_returns_and_one_less_stops(guest, text, args):
    module = guest(text, metered=True)
    cost = module.fuel("f", *args)
    module.store.set_fuel(cost)
    assert module.start("f", *args).resume() is Stop.RETURNED
    assert module.store.get_fuel() == 0
    module.store.set_fuel(cost - 1)
    assert module.start("f", *args).resume() is Stop.OUT_OF_FUEL


@pytest.mark.parametrize(("text", "args"), [(COUNT, (9,)), (LAST_ARM, (1,)), (COPY, (50,))])
def test_fuel_added_in_small_amounts_is_not_charged_twice(guest, text, args):
    module = guest(text, metered=True)
    cost = module.fuel("f", *args)
    module.store.set_fuel(0)
    activation = module.start("f", *args)
    added = 0
    while activation.resume() is Stop.OUT_OF_FUEL:
        module.store.set_fuel(module.store.get_fuel() + 1)
        added += 1
    assert added == cost
    assert module.store.get_fuel() == 0


def test_call_out_of_fuel_traps_with_backtrace(guest):
    module = guest('(module (func $spin (loop (br 0))) (func (export "f") (call $spin)))', metered=True)
    module.store.set_fuel(1000)
    with pytest.raises(Trap, match=r"^all fuel consumed") as caught:
        module.call("f")
    assert caught.value.code == "out-of-fuel"
    assert [frame.function for frame in caught.value.backtrace] == [0, 1]
    assert module.store.get_fuel() < 3


@pytest.mark.parametrize("metered", [True, False])
@pytest.mark.parametrize("size", [1, 3, 50, 100_000])
def test_slices_add_up_to_the_whole_call(guest, in_slices, metered, size):
    module = guest(COUNT, metered=metered)
    activation = module.start("f", 60)
    before = module.store.get_fuel() if metered else 0
    slices = in_slices(activation, size)
    assert activation.results == [sum(i * i for i in range(61))]
    assert (slices > 1) == (size <= 50)
    if metered:
        assert before - module.store.get_fuel() == module.fuel("f", 60)


def test_slice_smaller_than_a_block_makes_progress(guest, in_slices):
    body = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))" * 50
    module = guest(
        f'(module (func (export "f") (param i32) (result i32) {body} (local.get 0)))', metered=True
    )
    activation = module.start("f", 0)
    assert in_slices(activation, 1) == module.fuel("f", 0)
    assert activation.results == [50]


def test_slices_of_two_calls_are_not_shared(guest):
    body = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))" * 20
    module = guest(
        f'(module (func (export "long") (param i32) (result i32) {body} (local.get 0))'
        '(func (export "spin") (loop (br 0))))',
        metered=True,
    )
    spin, long = module.start("spin"), module.start("long", 0)
    for _ in range(81):
        assert long.resume(1) is Stop.SLICE_END
        assert spin.resume(1) is Stop.SLICE_END
    assert long.resume(1) is Stop.RETURNED


def test_bulk_operation_without_the_fuel_for_it_is_left_undone(guest):
    module = guest(COPY, metered=True)
    memory = module.instance.state.memories[0].data
    module.store.set_fuel(30)
    activation = module.start("f", 50)
    assert activation.resume() is Stop.OUT_OF_FUEL
    assert memory[0] == 0
    module.store.set_fuel(module.store.get_fuel() + 25)
    assert activation.resume() is Stop.RETURNED
    assert memory[:51] == b"\1" * 50 + b"\0"


def test_resume_after_return_says_so_again(guest):
    module = guest(COUNT, metered=True)
    activation = module.start("f", 3)
    assert activation.resume() is Stop.RETURNED
    left = module.store.get_fuel()
    assert activation.resume() is Stop.RETURNED
    assert activation.results == [14]
    assert module.store.get_fuel() == left
