"""Waitable sets: what joins, moves and leaves, whose event comes first, and who waits."""

from typing import Any

import pytest

from pywrt.errors import Trap

RUN = {"run": "async (result (list u32))"}
STREAM_READ = 2
#: `$a` and `$b` are streams that are read, `$s` and `$t` sets; `{}` is what happens.
CORE = """(func $new (result i64) (local $both i64)
    (local.set $both (call $stream.new))
    (drop (call $stream.read-async (call $reader (local.get $both)) (i32.const 32) (i32.const 4)))
    (local.get $both))
  (func $join (param i64 i32) (call $waitable.join (call $reader (local.get 0)) (local.get 1)))
  (func $fire (param i64) (drop (call $stream.write-async (call $writer (local.get 0))
    (i32.const 48) (i32.const 1))))
  (func $poll (param i32) (call $note (call $waitable-set.poll (local.get 0) (i32.const 16))))
  (func $index (param i64) (call $note (i32.eq (i32.load (i32.const 16)) (call $reader (local.get 0)))))
  (func $t1 (param i32)
    (call $note (call $waitable-set.wait (local.get 0) (i32.const 80)))
    (call $note (i32.load (i32.const 84))))
  (elem (i32.const 0) $t1)
  (func $rest (local $i i32)  ;; long enough for others to have their turn
    (loop (drop (call $thread.yield)) (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $i) (i32.const 30)))))
  (func $waiter (param i32)
    (call $thread.resume-later (call $thread.new-indirect (i32.const 0) (local.get 0))) (call $rest))
  (func (export "run") (result i32) (local $a i64) (local $b i64) (local $s i32) (local $t i32)
    (local.set $a (call $new)) (local.set $b (call $new))
    (local.set $s (call $waitable-set.new)) (local.set $t (call $waitable-set.new))
    {} (call $noted))"""
A, B = "(local.get $a)", "(local.get $b)"
S, T, NO_SET = "(local.get $s)", "(local.get $t)", "(i32.const 0)"


@pytest.fixture
def take(run: Any, guest: Any) -> Any:
    return lambda code: run(guest(CORE.replace("{}", code), RUN))


@pytest.mark.parametrize(
    ("code", "notes"),
    [
        (f"(call $poll {S})", [0]),
        (f"(call $join {A} {S}) (call $poll {S})", [0]),
        (
            f"(call $join {A} {S}) (call $fire {A}) (call $poll {S}) (call $index {A}) (call $poll {S})",
            [2, 1, 0],
        ),
        # an event may be there before the waitable is in the set
        (f"(call $fire {A}) (call $join {A} {S}) (call $poll {S}) (call $poll {S})", [2, 0]),
        # it moves with its event, and leaves with it
        (
            f"(call $join {A} {S}) (call $fire {A}) (call $join {A} {T}) (call $poll {S}) (call $poll {T})",
            [0, 2],
        ),
        (f"(call $join {A} {S}) (call $fire {A}) (call $join {A} {NO_SET}) (call $poll {S})", [0]),
        (
            f"(call $join {A} {S}) (call $join {A} {S}) (call $fire {A}) (call $poll {S}) (call $poll {S})",
            [2, 0],
        ),
        # the one that has waited longest
        (
            f"""(call $join {A} {S}) (call $join {B} {S}) (call $fire {B}) (call $fire {A})
            (call $poll {S}) (call $index {B}) (call $poll {S}) (call $index {A}) (call $poll {S})""",
            [2, 1, 2, 1, 0],
        ),
        # an event that grows until it is delivered is one event
        (
            f"""(call $join {A} {S}) (call $fire {A}) (call $fire {A})
            (call $poll {S}) (call $note (i32.load (i32.const 20))) (call $poll {S})""",
            [2, 0x20, 0],
        ),
        # who waits is told, in whatever way the event comes into the set
        (f"(call $join {A} {S}) (call $waiter {S}) (call $fire {A}) (call $rest)", [2, 0x10]),
        (f"(call $fire {A}) (call $waiter {S}) (call $join {A} {S}) (call $rest)", [2, 0x10]),
        (
            f"""(call $join {A} {T}) (call $fire {A}) (call $waiter {S}) (call $join {A} {S})
            (call $rest)""",
            [2, 0x10],
        ),
        # one event for one of two that wait
        (
            f"""(call $join {A} {S}) (call $waiter {S}) (call $waiter {S}) (call $fire {A})
            (call $rest)""",
            [2, 0x10],
        ),
        (
            f"""(call $join {A} {S}) (call $join {B} {S}) (call $waiter {S}) (call $waiter {S})
            (call $fire {A}) (call $fire {B})
            (call $rest)""",
            [2, 0x10, 2, 0x10],
        ),
        # an event that is taken before the one who waits has its turn
        (
            f"""(call $join {A} {S}) (call $waiter {S}) (call $fire {A}) (call $poll {S})
            (call $rest) (call $join {B} {S}) (call $fire {B}) (call $rest)""",
            [2, 2, 0x10],
        ),
        (
            f"""(call $join {A} {S}) (call $waiter {S}) (call $fire {A}) (call $join {A} {NO_SET})
            (call $rest)""",
            [],
        ),
    ],
)
def test_events_reach_who_waits(take: Any, code: str, notes: list[int]) -> None:
    assert take(code) == notes


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (f"(call $waitable-set.drop {S}) (call $poll {S})", "unknown handle index"),
        (
            f"(call $join {A} {S}) (call $waitable-set.drop {S})",
            "cannot drop waitable set with elements in it",
        ),
        (f"(call $waiter {S}) (call $waitable-set.drop {S})", "cannot drop waitable set with waiters"),
        (f"(call $join {A} (call $writer {A}))", "expected waitable set but found writable stream end"),
        (f"(call $waitable.join {S} {T})", "expected waitable but found waitable set"),
        (f"(call $waitable.join (i32.const 0) {T})", "unknown handle index 0"),
        (f"(call $join {A} (i32.const 99))", "unknown handle index 99"),
        (f"(drop (call $waitable-set.wait {S} (i32.const 16)))", "deadlock detected"),
        (f"(drop (call $waitable-set.poll {S} (i32.const 18)))", "unaligned pointer"),
        (f"(drop (call $waitable-set.poll {S} (i32.const 65532)))", "pointer out of bounds of memory"),
        (f"(drop (call $waitable-set.poll {S} (i32.const -4)))", "pointer out of bounds of memory"),
        (
            f"""(call $join {A} {S})
            (drop (call $stream.cancel-read (call $reader {A})))""",
            "waitable cannot be used synchronously while added to a waitable set",
        ),
    ],
)
def test_set_that_is_misused_traps(take: Any, code: str, message: str) -> None:
    with pytest.raises(Trap, match=message):
        take(code)


def test_waitable_that_is_waited_for_alone_joins_no_set(run: Any, guest: Any) -> None:
    core = """(global $r (mut i32) (i32.const 0))
      (func $t (param i32) (call $waitable.join (global.get $r) (call $waitable-set.new)))
      (elem (i32.const 0) $t)
      (func (export "run") (global.set $r (call $reader (call $stream.new)))
        (call $thread.resume-later (call $thread.new-indirect (i32.const 0) (i32.const 0)))
        (drop (call $stream.read (global.get $r) (i32.const 16) (i32.const 1))))"""
    with pytest.raises(Trap, match="cannot be used synchronously"):
        run(guest(core, {"run": "async"}))


@pytest.mark.parametrize("drop", ["(call $stream.drop-readable (call $reader (local.get $a)))", ""])
def test_end_that_is_dropped_leaves_its_set(take: Any, drop: str) -> None:
    code = f"""(call $join {A} {S}) (call $fire {A}) (call $poll {S}) {drop}
      (if (i32.const {int(not drop)}) (then (call $join {A} {NO_SET})))
      (call $waitable-set.drop {S})"""
    assert take(code) == [2]
