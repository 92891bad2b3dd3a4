"""The deadline holds, and a driver gets its turn, where the host does most of the work of a call."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from pywrt.canonical_abi import CanonOptions, HostFunc, Task, call, canon_lower
from pywrt.canonical_abi.pacing import CHUNK
from pywrt.engine.machine import Stop
from pywrt.errors import Trap
from pywrt.wit import types as wit

#: Calls the import again and again; the import's result ends it.
LOOP = """(module (import "" "f" (func $f (result i32)))
  (func (export "go") (result i32) (local $n i32)
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (call $f)))
    (local.get $n)))"""


@pytest.fixture
def looping(new_store: Any, guest: Any) -> Callable[..., Any]:
    """A component function that calls `fn(store)` while that returns true; it gives the number of calls."""

    def looping(fn: Callable[[Any], bool]) -> Any:
        store = new_store()
        made = guest(store, "")  # the import needs its instance before there is code
        callee = HostFunc(wit.FuncType((), wit.BOOL), lambda: fn(store), "f")
        made.load(LOOP, [canon_lower(callee, CanonOptions(), made.instance)])
        return made.lift("go", result=wit.U32)

    return looping


def past() -> float:
    return time.monotonic() - 1.0


def test_host_func_past_the_deadline_traps_at_once(looping: Any) -> None:
    calls = 0

    def fn(store: Any) -> bool:
        nonlocal calls
        calls += 1
        store.deadline = past()
        return True

    with pytest.raises(Trap, match=r"^deadline exceeded") as caught:
        call(looping(fn), [])
    assert caught.value.code == "deadline"
    assert calls == 1


def test_host_func_at_the_end_of_a_turn_suspends_and_goes_on(looping: Any) -> None:
    answers = [True, True, False]

    def fn(store: Any) -> bool:
        store.turn_ends = past()
        return answers.pop(0)

    task = Task(looping(fn), [])
    stops = []
    while not stops or stops[-1] is Stop.BLOCKED:
        stops.append(task.resume())
        if stops[-1] is Stop.BLOCKED:
            assert task.blocked.timeout == 0.0
    assert stops == [Stop.BLOCKED, Stop.BLOCKED, Stop.BLOCKED, Stop.RETURNED]
    assert task.result == 3


def test_host_func_before_the_end_of_a_turn_does_not_suspend(looping: Any) -> None:
    def fn(store: Any) -> bool:
        store.turn_ends = time.monotonic() + 3600.0
        return False

    task = Task(looping(fn), [])
    assert task.resume() is Stop.RETURNED
    assert task.result == 1


PAIR = wit.Tuple((wit.U8, wit.U8))


@pytest.mark.parametrize("element", [PAIR, wit.Option(wit.U8)])
def test_lift_long_list_past_the_deadline_traps(side: Any, element: Any) -> None:
    guest = side(pages=4)
    guest.store.deadline = past()
    assert len(guest.lift(wit.List(element), 0, CHUNK)) == CHUNK
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        guest.lift(wit.List(element), 0, CHUNK + 1)


@pytest.mark.parametrize("element", [PAIR, wit.Option(wit.U8)])
def test_lift_long_list_gives_every_element_in_order(side: Any, element: Any) -> None:
    guest = side(pages=4)
    count = 2 * CHUNK + 3
    guest.memory.data[: 2 * count] = bytes(k for i in range(count) for k in (1, i % 251))
    expected = [(1, i % 251) if element is PAIR else i % 251 for i in range(count)]
    assert guest.lift(wit.List(element), 0, count) == expected


@pytest.mark.parametrize(("element", "value"), [(PAIR, (1, 2)), (wit.Option(wit.U8), 3), (wit.STRING, "x")])
def test_lower_past_the_deadline_traps(side: Any, element: Any, value: Any) -> None:
    guest = side(pages=4)
    guest.store.deadline = past()
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        guest.lower(wit.List(element), [value] * 3)
