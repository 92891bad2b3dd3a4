"""Asynchronous calls of one component by another: states, results, cancellation in each state."""

from typing import Any

import pytest

from pywrt.errors import Trap

STARTING, STARTED, RETURNED, CANCELLED_BEFORE_STARTED, CANCELLED_BEFORE_RETURNED = range(5)
BLOCKED = 0xFFFF_FFFF
RUN = {"run": "async (result (list u32))"}

#: `f` waits until it is told to `end`, and can be kept from starting. How it hears of its cancellation is
#: what `{wait}` does.
CALLEE = """(global $told (mut i64) (i64.const 0)) (global $set (mut i32) (i32.const 0))
  (func $init (global.set $told (call $future.new)) (global.set $set (call $waitable-set.new))) (start $init)
  (func (export "hold") (call $backpressure.inc))
  (func (export "free") (call $backpressure.dec))
  (func (export "end") (drop (call $future.write-async (call $writer (global.get $told)) (i32.const 16))))
  (func $heard (param $cancellable i32) (result i32)  ;; the event: NONE if it was told before
    (if (i32.eqz (call $future.read-async (call $reader (global.get $told)) (i32.const 32)))
      (then (return (i32.const 0))))
    (call $waitable.join (call $reader (global.get $told)) (global.get $set))
    (if (result i32) (local.get $cancellable)
      (then (call $waitable-set.wait-cancellable (global.get $set) (i32.const 16)))
      (else (call $waitable-set.wait (global.get $set) (i32.const 16)))))
  (func (export "[async-lift-stackful]deaf") (param i32)
    (drop (call $heard (i32.const 0)))
    (call $task.return:deaf (i32.add (local.get 0) (i32.const 1))))
  (func (export "[async-lift-stackful]f") (param i32)
    (if (i32.eq (call $heard (i32.const 1)) (i32.const 6))
      (then (call $task.cancel))
      (else (call $task.return:f (i32.add (local.get 0) (i32.const 1))))))"""
CALLEE_TYPES = {
    "hold": "",
    "free": "",
    "end": "",
    "f": 'async (param "x" u32) (result u32)',
    "deaf": 'async (param "x" u32) (result u32)',
}
CALLER = """(func $later (param i32) (drop (call $thread.yield)) (call $end)) (elem (i32.const 0) $later)
  (func $end-later (call $thread.resume-later (call $thread.new-indirect (i32.const 0) (i32.const 0))))
  (func (export "run") (result i32) (local $s i32)
    {code} (call $noted))"""
CALL = """(local.set $s (call ${f}-async (i32.const 41) (i32.const 64)))
  (call $note (i32.and (local.get $s) (i32.const 15))) (local.set $s (call $handle (local.get $s)))"""
NEXT = "(call $note (call $await (local.get $s)))"
CANCEL = "(call $note (call $subtask.cancel (local.get $s)))"
CANCEL_ASYNC = "(call $note (call $subtask.cancel-async (local.get $s)))"
RESULT = "(call $note (i32.load (i32.const 64)))"
DROP = "(call $subtask.drop (local.get $s))"


@pytest.fixture
def take(run: Any, guest: Any) -> Any:
    """What is noted by core code that calls `f`, or `deaf`, and has the handle in `$s`."""

    def take(*code: str, f: str = "f") -> Any:
        caller = guest(CALLER.format(code=" ".join(code)).replace("${f}", f"${f}"), RUN, CALLEE_TYPES)
        return run(guest(CALLEE, CALLEE_TYPES), caller)

    return take


@pytest.mark.parametrize(
    ("code", "results"),
    [
        ((CALL, "(call $end)", NEXT, RESULT, DROP), (STARTED, RETURNED, 42)),
        (
            ("(call $end)", "(call $note (call $f-async (i32.const 41) (i32.const 64)))", RESULT),
            (RETURNED, 42),
        ),
        (("(call $end)", "(call $note (call $f (i32.const 41)))"), (42,)),
        (("(call $end-later)", "(call $note (call $f (i32.const 41)))"), (42,)),
        (
            ("(call $hold)", CALL, "(call $free)", NEXT, "(call $end)", NEXT, RESULT, DROP),
            (STARTING, STARTED, RETURNED, 42),
        ),
        # only the last state is told
        (("(call $end) (call $hold)", CALL, "(call $free)", NEXT, RESULT, DROP), (STARTING, RETURNED, 42)),
    ],
)
def test_subtask_tells_its_states(take: Any, code: Any, results: Any) -> None:
    assert take(*code) == list(results)


@pytest.mark.parametrize(
    ("code", "results"),
    [
        (("(call $hold)", CALL, CANCEL, DROP), (STARTING, CANCELLED_BEFORE_STARTED)),
        (("(call $hold)", CALL, CANCEL_ASYNC, DROP), (STARTING, CANCELLED_BEFORE_STARTED)),
        ((CALL, CANCEL, DROP), (STARTED, CANCELLED_BEFORE_RETURNED)),
        ((CALL, CANCEL_ASYNC, DROP), (STARTED, CANCELLED_BEFORE_RETURNED)),
        # it has returned, and the caller doesn't know yet
        (
            (
                CALL,
                "(call $end) (drop (call $thread.yield)) (drop (call $thread.yield))",
                CANCEL,
                RESULT,
                DROP,
            ),
            (STARTED, RETURNED, 42),
        ),
    ],
)
def test_subtask_is_cancelled_in_each_state(take: Any, code: Any, results: Any) -> None:
    assert take(*code) == list(results)


@pytest.mark.parametrize(
    ("code", "results"),
    [
        ((CALL, "(call $end-later)", CANCEL, RESULT, DROP), (STARTED, RETURNED, 42)),
        ((CALL, CANCEL_ASYNC, "(call $end)", NEXT, RESULT, DROP), (STARTED, BLOCKED, RETURNED, 42)),
        # that it has started is an event that nobody has heard of when it is cancelled
        (
            (
                "(call $hold)",
                CALL,
                "(call $free) (drop (call $thread.yield)) (call $end-later)",
                CANCEL,
                RESULT,
                DROP,
            ),
            (STARTING, RETURNED, 42),
        ),
    ],
)
def test_subtask_that_does_not_hear_of_its_cancellation_returns(take: Any, code: Any, results: Any) -> None:
    assert take(*code, f="deaf") == list(results)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ((CALL, DROP), "cannot drop a subtask which has not yet resolved"),
        ((CALL, "(call $end) (drop (call $thread.yield))", DROP), "cannot drop a subtask"),
        ((CALL, CANCEL, CANCEL), "`subtask.cancel` called after terminal status delivered"),
        ((CALL, CANCEL, DROP, DROP), "unknown handle index"),
        ((CALL, CANCEL, DROP, CANCEL), "unknown handle index"),
        (("(call $note (call $subtask.cancel (i32.const 7)))",), "unknown handle index 7"),
        (("(call $subtask.drop (call $waitable-set.new))",), "expected subtask but found waitable set"),
        (("(call $note (call $subtask.cancel (call $waitable-set.new)))",), "expected subtask"),
        (
            (CALL, "(call $waitable.join (local.get $s) (call $waitable-set.new))", CANCEL),
            "waitable cannot be used synchronously while added to a waitable set",
        ),
    ],
)
def test_subtask_that_is_misused_traps(take: Any, code: Any, message: str) -> None:
    with pytest.raises(Trap, match=message):
        take(*code)


def test_subtask_that_was_asked_to_end_is_not_asked_again(take: Any) -> None:
    with pytest.raises(Trap, match="called twice for one subtask"):
        take(CALL, CANCEL_ASYNC, CANCEL, f="deaf")
