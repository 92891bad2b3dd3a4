import time
from typing import Any

import pytest

from pywrt.canonical_abi import Record, Task, call
from pywrt.engine.machine import Stop
from pywrt.errors import Trap, ValueTypeError
from pywrt.wit import types as wit

ECHO = """(module
  (memory (export "mem") 2)
  (global $next (mut i32) (i32.const 1024))
  (global $posts (mut i32) (i32.const 0))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $ptr i32)
    (local.set $ptr (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $ptr) (local.get 3)))
    (local.get $ptr))
  (func (export "pair") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0))
    (i32.store (i32.const 20) (local.get 1))
    (i32.const 16))
  (func (export "same") (param i32) (result i32) (local.get 0))
  (func (export "post") (param i32)
    (global.set $posts (i32.add (i32.mul (global.get $posts) (i32.const 1000)) (local.get 0))))
  (func (export "posts") (result i32) (global.get $posts))
  (func (export "odd") (result i32) (i32.const 17))
  (func (export "far") (result i32) (i32.const 131068))
  (func (export "spin") (loop (br 0)))
  (func (export "spin-post") (param i32) (loop (br 0)))
  (func (export "count") (param i32) (result i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 7))
  (func (export "crash") unreachable)
)"""


@pytest.mark.parametrize("fuel", [False, True])
def test_call_string_goes_in_and_comes_back(new_store: Any, guest: Any, fuel: bool) -> None:
    echo = guest(new_store(consume_fuel=fuel), ECHO).lift("pair", wit.STRING, result=wit.STRING)
    assert [call(echo, [text]) for text in ("", "hö ☃", "x" * 5000)] == ["", "hö ☃", "x" * 5000]


def test_call_of_more_than_16_flat_params_passes_them_in_memory(new_store: Any, guest: Any) -> None:
    params = [wit.U8, *[wit.STRING] * 8]
    t = wit.Tuple(tuple(params))
    same = guest(new_store(), ECHO).lift("same", *params, result=t)
    values = [5, *map(str, range(8))]
    assert call(same, values) == tuple(values)
    with pytest.raises(ValueTypeError, match=r"^argument 'p3': expected string, got None$"):
        call(same, [5, "a", "b", None, "", "", "", "", ""])


def test_call_post_return_gets_the_flat_results_once(new_store: Any, guest: Any) -> None:
    instance = guest(new_store(), ECHO)
    pair = instance.lift("pair", wit.List(wit.U8), result=wit.List(wit.U8), post_return="post")
    posts = instance.lift("posts", result=wit.U32)
    assert call(pair, [b"ab"]) == b"ab"
    assert call(posts, []) == 16
    assert call(pair, [b"cd"]) == b"cd"
    assert call(posts, []) == 16016


@pytest.mark.parametrize(
    ("name", "message"),
    [("odd", "unaligned pointer: 0x11"), ("far", "pointer out of bounds of memory: 8 bytes")],
)
def test_call_with_a_bad_return_pointer_traps_and_poisons(
    new_store: Any, guest: Any, name: str, message: str
) -> None:
    instance = guest(new_store(), ECHO)
    with pytest.raises(Trap, match=f"^{message}"):
        call(instance.lift(name, result=wit.STRING), [])
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        call(instance.lift("posts", result=wit.U32), [])


def test_call_trap_poisons_only_its_instance(new_store: Any, guest: Any) -> None:
    store = new_store()
    crashing, other = guest(store, ECHO), guest(store, ECHO)
    with pytest.raises(Trap, match=r"^unreachable"):
        call(crashing.lift("crash"), [])
    assert crashing.instance.poisoned
    with pytest.raises(Trap, match=r"^cannot enter component instance") as caught:
        call(crashing.lift("posts", result=wit.U32), [])
    assert caught.value.code == "cannot-enter-component"
    assert call(other.lift("posts", result=wit.U32), []) == 0


def test_call_argument_that_does_not_fit_leaves_the_instance_usable(new_store: Any, guest: Any) -> None:
    shape = wit.Variant((wit.Case("dot"), wit.Case("poly", wit.List(wit.Record((wit.Field("x", wit.S32),))))))
    instance = guest(new_store(), ECHO)
    t = wit.FuncType((wit.Field("shape", wit.List(shape)),))
    lifted = type(instance.lift("post", wit.U32))(
        t, instance.exports["pair"], instance.options(), instance.instance, "draw"
    )
    with pytest.raises(ValueTypeError) as caught:
        call(lifted, [[[Record(x=1), {"x": "a"}]]])
    message = "argument 'shape' > [0] > case 'poly' > [1] > 'x': expected s32, got str 'a'"
    assert str(caught.value) == message
    assert caught.value.path == ("argument 'shape'", "[0]", "case 'poly'", "[1]", "'x'")
    assert call(instance.lift("posts", result=wit.U32), []) == 0


def test_task_with_the_wrong_number_of_arguments_raises(new_store: Any, guest: Any) -> None:
    with pytest.raises(ValueTypeError, match=r"'same' takes 1 arguments \(func\(p0: u8\)\), 2 were given"):
        Task(guest(new_store(), ECHO).lift("same", wit.U8), [1, 2])


@pytest.mark.parametrize("fuel", [False, True])
def test_task_runs_in_slices(new_store: Any, guest: Any, fuel: bool) -> None:
    instance = guest(new_store(consume_fuel=fuel), ECHO)
    task = Task(instance.lift("count", wit.U32, result=wit.U32), [100_000])
    stops = [task.resume(1000)]
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        call(instance.lift("posts", result=wit.U32), [])
    while stops[-1] is Stop.SLICE_END:
        stops.append(task.resume(1000))
    assert len(stops) > 10
    assert (stops[-1], task.result, task.trap) == (Stop.RETURNED, 7, None)
    assert task.resume(1000) is Stop.RETURNED
    assert call(instance.lift("posts", result=wit.U32), []) == 0


def test_task_post_return_runs_in_slices_too(new_store: Any, guest: Any) -> None:
    task = Task(guest(new_store(), ECHO).lift("same", wit.U8, result=wit.U8, post_return="spin-post"), [1])
    assert [task.resume(100) for _ in range(5)] == [Stop.SLICE_END] * 5
    task.cancel()
    assert task.result is None


def test_task_out_of_fuel_goes_on_with_more(new_store: Any, guest: Any) -> None:
    store = new_store(fuel=1000, consume_fuel=True)
    task = Task(guest(store, ECHO).lift("count", wit.U32, result=wit.U32), [1000])
    assert task.resume() is Stop.OUT_OF_FUEL
    store.reserve += 100_000
    assert task.resume() is Stop.RETURNED
    assert task.result == 7


def test_call_out_of_fuel_traps_and_poisons(new_store: Any, guest: Any) -> None:
    store = new_store(fuel=1000, consume_fuel=True)
    instance = guest(store, ECHO)
    with pytest.raises(Trap, match=r"^all fuel consumed") as caught:
        call(instance.lift("spin"), [])
    assert caught.value.code == "out-of-fuel"
    assert instance.instance.poisoned


def test_call_past_the_deadline_traps(new_store: Any, guest: Any) -> None:
    store = new_store()
    instance = guest(store, ECHO)
    store.deadline = time.monotonic() + 0.02
    with pytest.raises(Trap) as caught:
        call(instance.lift("spin"), [])
    assert caught.value.code == "deadline"


def test_task_cancelled_in_a_call_poisons_the_instance(new_store: Any, guest: Any) -> None:
    instance = guest(new_store(), ECHO)
    task = Task(instance.lift("spin"), [])
    assert task.resume(100) is Stop.SLICE_END
    task.cancel()
    assert task.resume(100) is Stop.TRAPPED
    assert str(task.trap).startswith("the call was cancelled\nwasm backtrace:")
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        call(instance.lift("posts", result=wit.U32), [])


def test_task_cancelled_before_it_began_leaves_the_instance_usable(new_store: Any, guest: Any) -> None:
    instance = guest(new_store(), ECHO)
    task = Task(instance.lift("spin"), [])
    task.cancel()
    assert task.resume() is Stop.TRAPPED
    assert call(instance.lift("posts", result=wit.U32), []) == 0


def test_task_parked_lets_other_calls_in(new_store: Any, guest: Any) -> None:
    instance = guest(new_store(), ECHO)
    task = Task(instance.lift("count", wit.U32, result=wit.U32), [100_000])
    assert task.resume(100) is Stop.SLICE_END
    task.park()
    assert call(instance.lift("posts", result=wit.U32), []) == 0
    task.unpark()
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        call(instance.lift("posts", result=wit.U32), [])
    assert task.resume() is Stop.RETURNED
    assert task.result == 7
