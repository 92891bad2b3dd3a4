"""Threads of one component: how they start, wait, go on in another's place, and what each has of its own."""

from typing import Any

import pytest

from pywrt.errors import Trap

RUN = {"run": "async (result (list u32))"}
#: `$t` notes its argument, gives way as `{step}` says, notes the argument and 100, and what context it has.
CORE = """(global $main (mut i32) (i32.const 0)) (global $other (mut i32) (i32.const 0))
  (func $t (param i32)
    (call $note (local.get 0)) (call $context.set (local.get 0))
    {step}
    (call $note (i32.add (i32.const 100) (call $context.get))))
  (elem (i32.const 0) $t)
  (func $new (param i32) (result i32) (call $thread.new-indirect (i32.const 0) (local.get 0)))
  (func $yield (drop (call $thread.yield)))
  (func (export "run") (result i32) (local $a i32) (local $b i32)
    (global.set $main (call $thread.index)) (call $context.set (i32.const 7))
    (local.set $a (call $new (i32.const 1)))
    {code}
    (call $note (call $context.get)) (call $noted))"""
LATER = {
    "{later}": "(call $thread.resume-later (local.get $a))",
    "{another}": "(call $thread.resume-later (call $new (i32.const 2)))",
}


@pytest.fixture
def take(new_world: Any, guest: Any) -> Any:
    """What `$t` and `run` note; `$a` is a thread of `$t` that has not begun."""

    def take(code: str, step: str = "(call $yield)") -> Any:
        for name, given in LATER.items():
            code = code.replace(name, given)
        core = CORE.format(code=code, step=step)
        return new_world().instantiate(guest(core, RUN)).call("run")

    return take


@pytest.mark.parametrize(
    ("code", "notes"),
    [
        # it begins when it is resumed, at its turn
        ("(call $note (i32.const 5))", [5, 7]),
        ("{later} (call $note (i32.const 5))", [5, 7]),
        ("{later} (call $yield) (call $note (i32.const 5))", [1, 5, 7]),
        (
            "{later} (call $yield) (call $yield) (call $note (i32.const 5))",
            [1, 101, 5, 7],
        ),
        # in another's place
        ("(drop (call $thread.yield-then-resume (local.get $a))) (call $note (i32.const 5))", [1, 5, 7]),
        # turns go round
        (
            """{later} {another}
            (call $yield) (call $note (i32.const 5)) (call $yield)""",
            [1, 2, 5, 101, 102, 7],
        ),
        # one that is ready goes on, one that isn't does not
        (
            """{later} {another}
            (drop (call $thread.yield-then-promote (i32.add (local.get $a) (i32.const 1)))) (call $yield)""",
            [2, 1, 102, 101, 7],
        ),
        ("(drop (call $thread.yield-then-promote (local.get $a)))", [7]),
    ],
)
def test_threads_take_turns(take: Any, code: str, notes: list[int]) -> None:
    assert take(code) == notes


@pytest.mark.parametrize(
    ("code", "step", "notes"),
    [
        (
            "(drop (call $thread.suspend-then-resume (local.get $a)))",
            "(call $thread.resume-later (global.get $main)) (call $yield)",
            [1, 7],
        ),
        (
            "(drop (call $thread.suspend-then-resume (local.get $a)))",
            "(drop (call $thread.yield-then-resume (global.get $main)))",
            [1, 7],
        ),
        (
            """{later}
            (drop (call $thread.suspend-then-promote (local.get $a))) (call $yield)""",
            "(call $thread.resume-later (global.get $main)) (call $yield)",
            [1, 101, 7],
        ),
        (
            "{later} (drop (call $thread.suspend))",
            "(drop (call $thread.suspend-then-resume (global.get $main)))",
            [1, 7],
        ),
    ],
)
def test_threads_suspend_and_resume_each_other(take: Any, code: str, step: str, notes: list[int]) -> None:
    assert take(code, step) == notes


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("(call $thread.resume-later (i32.const 9))", "unknown thread index 9"),
        ("(call $thread.resume-later (i32.const -1))", "unknown thread index 4294967295"),
        ("(call $thread.resume-later (i32.const 0))", "unknown thread index 0"),
        ("(call $thread.resume-later (call $thread.index))", "which is not suspended"),
        ("(drop (call $thread.yield-then-resume (call $thread.index)))", "which is not suspended"),
        ("{later} " * 2, "which is not suspended"),
        (
            "{later} (drop (call $thread.suspend-then-resume (local.get $a)))",
            "which is not suspended",
        ),
        ("(drop (call $thread.yield-then-promote (i32.const 9)))", "unknown thread index 9"),
        ("(drop (call $thread.new-indirect (i32.const 1) (i32.const 0)))", "uninitialized element"),
        ("(drop (call $thread.new-indirect (i32.const 64) (i32.const 0)))", "is undefined"),
        ("(drop (call $thread.new-indirect (i32.const -1) (i32.const 0)))", "is undefined"),
        ("(drop (call $thread.suspend))", "deadlock detected"),
        ("(drop (call $thread.suspend-then-promote (local.get $a)))", "deadlock detected"),
        ("(drop (call $thread.suspend-then-promote (call $thread.index)))", "deadlock detected"),
    ],
)
def test_thread_that_is_misused_traps(take: Any, code: str, message: str) -> None:
    with pytest.raises(Trap, match=message):
        take(code)


def test_thread_of_another_type_of_function_is_refused(run: Any, guest: Any) -> None:
    core = """(func $f (param i32 i32)) (elem (i32.const 0) $f)
      (func (export "run") (drop (call $thread.new-indirect (i32.const 0) (i32.const 0))))"""
    with pytest.raises(Trap, match="indirect call type mismatch"):
        run(guest(core, {"run": "async"}))


def test_thread_that_ended_is_unknown_and_its_index_is_given_again(take: Any) -> None:
    code = """{later} (call $yield)
      (call $note (i32.eq (local.get $a) (call $new (i32.const 2))))
      (call $thread.resume-later (i32.add (local.get $a) (i32.const 1)))"""
    with pytest.raises(Trap, match="unknown thread index"):
        take(code, step="")


def test_thread_returns_for_its_task(run: Any, guest: Any) -> None:
    """The task is over when all its threads are; without a result by then it traps."""
    core = """(func $t (param i32) (call $task.return (local.get 0))) (elem (i32.const 0) $t)
      (func (export "[async-lift-stackful]run")
        (call $thread.resume-later (call $thread.new-indirect (i32.const 0) (i32.const 42))))"""
    assert run(guest(core, {"run": "async (result u32)"})) == 42
    with pytest.raises(Trap, match="failed to produce a result"):
        run(guest(core.replace("(call $task.return (local.get 0))", ""), {"run": "async (result u32)"}))


def test_thread_goes_on_when_its_task_has_returned(world: Any, guest: Any) -> None:
    core = """(global $n (mut i32) (i32.const 0))
      (func $t (param i32) (loop (drop (call $thread.yield))
        (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (global.get $n) (i32.const 5)))))
      (elem (i32.const 0) $t)
      (func (export "start")
        (call $thread.resume-later (call $thread.new-indirect (i32.const 0) (i32.const 0))))
      (func (export "n") (result i32) (drop (call $thread.yield)) (global.get $n))"""
    instance = world.instantiate(guest(core, {"start": "async", "n": "async (result u32)"}))
    instance.call("start")
    assert [instance.call("n") for _ in range(7)] == [0, 1, 2, 3, 4, 5, 5]


def test_thread_is_cancelled_where_it_lets_itself_be(run: Any, guest: Any) -> None:
    callee = """(func $t (param i32) (drop (call $thread.suspend-cancellable)) (call $task.cancel))
      (elem (i32.const 0) $t)
      (func (export "[async-lift-stackful]f")
        (call $thread.resume-later (call $thread.new-indirect (i32.const 0) (i32.const 0)))
        (drop (call $thread.yield))
        (drop (call $thread.suspend)))"""
    caller = """(func (export "run") (result i32) (local $s i32)
      (local.set $s (call $handle (call $f-async)))
      (drop (call $thread.yield)) (drop (call $thread.yield)) (drop (call $thread.yield))
      (call $subtask.cancel (local.get $s)))"""
    assert (
        run(guest(callee, {"f": "async"}), guest(caller, {"run": "async (result u32)"}, {"f": "async"})) == 4
    )
