"""Tasks: how they start, wait and return; backpressure; what they borrow; error contexts."""

from typing import Any

import pytest

from pywrt.errors import Trap

RUN = {"run": "async (result (list u32))"}
EXIT, YIELD, WAIT = 0, 1, 2
NONE, SUBTASK, TASK_CANCELLED = 0, 1, 6

# --- callbacks


@pytest.fixture
def callback(run: Any, guest: Any) -> Any:
    """Run what begins with `start`, and goes on with `then` in the callback: its result, a u32.

    `$n` counts the callbacks, `$set` is a waitable set.
    """

    def callback(start: str, then: str) -> Any:
        core = f"""(global $n (mut i32) (i32.const 0)) (global $set (mut i32) (i32.const 0))
          (func $wait (result i32) (i32.or (i32.const 2) (i32.shl (global.get $set) (i32.const 4))))
          (func (export "[async-lift]run") (result i32) (local $s i64)
            (global.set $set (call $waitable-set.new)) {start})
          (func (export "[callback][async-lift]run") (param $event i32) (param i32) (param $payload i32)
            (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            {then})"""
        return run(guest(core, {"run": "async (result u32)"}))

    return callback


RETURN = "(call $task.return (global.get $n)) (i32.const 0)"


def test_callback_is_called_until_it_exits(callback: Any) -> None:
    assert callback(RETURN, "unreachable") == 0
    assert callback("(i32.const 1)", RETURN) == 1
    more = f"(if (result i32) (i32.lt_u (global.get $n) (i32.const 9)) (then (i32.const 1)) (else {RETURN}))"
    assert callback("(i32.const 1)", more) == 9


def test_callback_gets_the_event_that_it_waits_for(callback: Any) -> None:
    read = """(local.set $s (call $stream.new))
      (drop (call $stream.read-async (call $reader (local.get $s)) (i32.const 16) (i32.const 4)))
      (call $waitable.join (call $reader (local.get $s)) (global.get $set))
      (call $stream.drop-writable (call $writer (local.get $s))) (call $wait)"""
    then = """(call $task.return (i32.add (i32.mul (local.get $event) (i32.const 256)) (local.get $payload)))
      (i32.const 0)"""
    assert callback(read, then) == 2 * 256 + 1  # STREAM_READ, DROPPED


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("(i32.const 3)", "unsupported callback code: 3"),
        ("(i32.const 15)", "unsupported callback code: 15"),
        ("(i32.const -1)", "unsupported callback code: 15"),
        ("(i32.const 2)", "unknown handle index 0"),
        ("(i32.const 0xfffffff2)", "unknown handle index 268435455"),
        (
            "(i32.or (i32.const 2) (i32.shl (call $reader (call $stream.new)) (i32.const 4)))",
            "expected waitable set but found readable stream end",
        ),
        ("(i32.const 0)", "failed to produce a result"),
        ("(call $wait)", "deadlock detected"),
    ],
)
def test_callback_that_answers_nonsense_traps(callback: Any, answer: str, message: str) -> None:
    with pytest.raises(Trap, match=message):
        callback(answer, RETURN)
    with pytest.raises(Trap, match=message):
        callback("(i32.const 1)", answer)


# --- results


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("(call $task.return (i32.const 1)) (call $task.return (i32.const 1))", "has returned"),
        ("(call $task.cancel)", "which has not been cancelled"),
        ("(call $task.return (i32.const 1)) (call $task.cancel)", "has returned, or was cancelled"),
        ("(call $task.return:other (i64.const 1))", "invalid `task.return` signature"),
        ("", "failed to produce a result"),
    ],
)
def test_task_that_returns_otherwise_traps(run: Any, guest: Any, code: str, message: str) -> None:
    core = (
        f"""(func (export "[async-lift-stackful]run") {code}) (func (export "[async-lift-stackful]other"))"""
    )
    with pytest.raises(Trap, match=message):
        run(guest(core, {"run": "async (result u32)", "other": "async (result u64)"}))


@pytest.mark.parametrize("code", ["(call $task.return (i32.const 1))", "(call $task.cancel)"])
def test_task_without_an_asynchronous_lift_returns_as_it_is(run: Any, guest: Any, code: str) -> None:
    with pytest.raises(Trap, match="whose lift is not async"):
        run(guest(f'(func (export "run") (result i32) {code} (i32.const 1))', {"run": "async (result u32)"}))


@pytest.mark.parametrize(
    ("type", "code", "value"),
    [
        ("string", "(i32.const 16) (i32.const 2)", "hi"),
        ("(list u8)", "(i32.const 16) (i32.const 2)", b"hi"),
        ("(option u32)", "(i32.const 1) (i32.const 9)", 9),
        ("(tuple u8 u64)", "(i32.const 1) (i64.const 9)", (1, 9)),
        ("(result u8 (error string))", "(i32.const 0) (i32.const 9) (i32.const 0)", 9),
    ],
)
def test_task_returns_values_of_every_kind(run: Any, guest: Any, type: str, code: str, value: Any) -> None:
    """`task.return` takes up to 16 flat values, where a function returns one."""
    core = f"""(data (i32.const 16) "hi")
      (func (export "[async-lift-stackful]run") (call $task.return {code}))"""
    text = guest(core, {"run": f"async (result {type})"}).text()
    params = {
        "(option u32)": "i32 i32",
        "(tuple u8 u64)": "i32 i64",
        "(result u8 (error string))": "i32 i32 i32",
    }
    if type in params:  # the harness knows scalars, strings and lists
        text = text.replace(
            '(import "" "task.return" (func $task.return  (param i32)))',
            f'(import "" "task.return" (func $task.return (param {params[type]})))',
        )
    assert run(text) == value


# --- context


def test_context_belongs_to_the_call(run: Any, guest: Any) -> None:
    core = """(func (export "[async-lift-stackful]f") (param i32)
        (call $is (call $context.get) (i32.const 0))
        (call $context.set (local.get 0)) (drop (call $thread.yield))
        (call $task.return (call $context.get)))"""
    types = {"f": 'async (param "x" u32) (result u32)'}
    caller = """(func (export "run") (result i32) (local $a i32) (local $b i32)
        (call $context.set (i32.const 5))
        (local.set $a (call $handle (call $f-async (i32.const 1) (i32.const 64))))
        (local.set $b (call $handle (call $f-async (i32.const 2) (i32.const 68))))
        (call $note (call $await (local.get $a))) (call $note (i32.load (i32.const 64)))
        (call $note (call $await (local.get $b))) (call $note (i32.load (i32.const 68)))
        (call $note (call $context.get)) (call $noted))"""
    assert run(guest(core, types), guest(caller, RUN, types)) == [2, 1, 2, 2, 5]


# --- backpressure

HOLDING = """(global $in (mut i32) (i32.const 0)) (global $most (mut i32) (i32.const 0))
  (func (export "hold") (call $backpressure.inc)) (func (export "free") (call $backpressure.dec))
  (func (export "most") (result i32) (global.get $most))
  (func $enter
    (global.set $in (i32.add (global.get $in) (i32.const 1)))
    (if (i32.gt_u (global.get $in) (global.get $most)) (then (global.set $most (global.get $in)))))
  (func $leave (global.set $in (i32.sub (global.get $in) (i32.const 1))))
  (func (export "[async-lift-stackful]stackful") (param i32)
    (call $enter) (drop (call $thread.yield)) (call $leave) (call $task.return:stackful (local.get 0)))
  (func (export "exclusive") (param i32) (result i32)
    (call $enter) (drop (call $thread.yield)) (call $leave) (local.get 0))"""
HOLDING_TYPES = {
    "hold": "",
    "free": "",
    "most": "(result u32)",
    "stackful": 'async (param "x" u32) (result u32)',
    "exclusive": 'async (param "x" u32) (result u32)',
}
CALLS = """(func (export "run") (result i32) (local $a i32) (local $b i32)
  {before}
  (local.set $a (call ${f}-async (i32.const 1) (i32.const 64)))
  (local.set $b (call ${f}-async (i32.const 2) (i32.const 68)))
  (call $note (i32.and (local.get $a) (i32.const 15))) (call $note (i32.and (local.get $b) (i32.const 15)))
  {between}
  (loop (if (i32.ne (call $await (call $handle (local.get $a))) (i32.const 2)) (then (br 1))))
  (loop (if (i32.ne (call $await (call $handle (local.get $b))) (i32.const 2)) (then (br 1))))
  (call $note (i32.load (i32.const 64))) (call $note (i32.load (i32.const 68)))
  (call $note (call $most)) (call $noted))"""


@pytest.mark.parametrize(
    ("f", "before", "between", "states", "most"),
    [
        ("stackful", "", "", [1, 1], {2}),  # both are in it
        ("exclusive", "", "", [1, 1], {1}),  # one after the other: the first goes on when the next comes
        ("stackful", "(call $hold)", "(call $free)", [0, 0], {1, 2}),
        ("exclusive", "(call $hold) (call $hold) (call $free)", "(call $free)", [0, 0], {1}),
    ],
)
def test_backpressure_lets_calls_wait(
    run: Any, guest: Any, f: str, before: str, between: str, states: list[int], most: set[int]
) -> None:
    code = CALLS.format(f=f, before=before, between=between)
    notes = run(guest(HOLDING, HOLDING_TYPES), guest(code, RUN, HOLDING_TYPES))
    assert notes[:4] == [*states, 1, 2]
    assert notes[4] in most


def test_backpressure_counts_from_0_to_65535(run: Any, guest: Any) -> None:
    core = """(func (export "run") (local $i i32)
      (loop (call $backpressure.inc) (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $i) (i32.const {}))))
      (loop (call $backpressure.dec) (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if 0 (local.get $i)))
      {})"""
    assert run(guest(core.format(65535, ""), {"run": ""})) is None
    with pytest.raises(Trap, match="backpressure counter overflow"):
        run(guest(core.format(65536, ""), {"run": ""}))
    with pytest.raises(Trap, match="backpressure counter underflow"):
        run(guest(core.format(1, "(call $backpressure.dec)"), {"run": ""}))


# --- what is borrowed

RESOURCES = """(component
  (component $owner
    (type $r' (resource (rep i32)))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (core module $m (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 7))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func (export "make") (result (own $r)) (canon lift (core func $i "make"))))
  (component $callee
    (import "r" (type $r (sub resource)))
    (core module $libc (memory (export "mem") 1))
    (core instance $libc (instantiate $libc))
    (canon resource.drop $r (core func $drop))
    (canon task.return (core func $return))
    (canon thread.yield (core func $yield))
    (core module $m (import "" "drop" (func $drop (param i32))) (import "" "return" (func $return))
      (import "" "yield" (func $yield (result i32)))
      (func (export "f") (param i32) (drop (call $yield)) {callee}))
    (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop))
      (export "return" (func $return)) (export "yield" (func $yield))))))
    (func (export "f") async (param "x" (borrow $r)) (canon lift (core func $i "f") async)))
  (instance $owner (instantiate $owner))
  (alias export $owner "r" (type $r))
  (instance $callee (instantiate $callee (with "r" (type $r))))
  (component $caller
    (import "r" (type $r (sub resource)))
    (import "make" (func $make (result (own $r))))
    (import "f" (func $f async (param "x" (borrow $r))))
    (core module $libc (memory (export "mem") 1))
    (core instance $libc (instantiate $libc))
    (canon resource.drop $r (core func $drop))
    (canon lower (func $make) (core func $make))
    (canon lower (func $f) async (memory $libc "mem") (core func $f))
    (canon waitable-set.new (core func $set))
    (canon waitable.join (core func $join))
    (canon waitable-set.wait (memory $libc "mem") (core func $wait))
    (canon subtask.cancel (core func $cancel))
    (core module $m (import "" "drop" (func $drop (param i32))) (import "" "make" (func $make (result i32)))
      (import "" "f" (func $f (param i32) (result i32)))
      (import "" "set" (func $set (result i32))) (import "" "join" (func $join (param i32 i32)))
      (import "" "wait" (func $wait (param i32 i32) (result i32)))
      (func (export "run") (result i32) (local $r i32) (local $s i32) (local $set i32)
        (local.set $r (call $make))
        (local.set $s (i32.shr_u (call $f (local.get $r)) (i32.const 4)))
        (local.set $set (call $set))
        (call $join (local.get $s) (local.get $set))
        {caller}
        (local.get $r)))
    (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop))
      (export "make" (func $make)) (export "f" (func $f)) (export "set" (func $set))
      (export "join" (func $join)) (export "wait" (func $wait))))))
    (func (export "run") async (result u32) (canon lift (core func $i "run"))))
  (instance $caller (instantiate $caller (with "r" (type $r)) (with "make" (func $owner "make"))
    (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))"""
WAITED = "(drop (call $wait (local.get $set) (i32.const 16)))"


@pytest.mark.parametrize(
    ("callee", "caller", "message"),
    [
        ("(call $drop (local.get 0)) (call $return)", WAITED + " (call $drop (local.get $r))", None),
        ("(call $return)", WAITED, "borrow handles still remain at the end of the call"),
        ("(call $drop (local.get 0)) (call $return)", "(call $drop (local.get $r))", "while borrowed"),
        # it has returned, but the caller has not heard of that
        (
            "(call $drop (local.get 0)) (call $return)",
            "(call $drop (local.get $r))",
            "cannot remove owned resource while borrowed",
        ),
        ("(call $drop (local.get 0)) (call $drop (local.get 0))", WAITED, "unknown handle index"),
    ],
)
def test_borrow_lasts_until_the_caller_hears_of_the_end(
    run: Any, callee: str, caller: str, message: Any
) -> None:
    text = RESOURCES.replace("{callee}", callee).replace("{caller}", caller)
    if message is None:
        assert run(text) > 0
    else:
        with pytest.raises(Trap, match=message):
            run(text)


# --- error contexts


def test_error_context_keeps_its_message(run: Any, guest: Any) -> None:
    core = """(data (i32.const 16) "oh no")
      (func (export "run") (result i32) (local $e i32)
        (local.set $e (call $error-context.new (i32.const 16) (i32.const 5)))
        (call $error-context.debug-message (local.get $e) (i32.const 64))
        (call $error-context.drop (local.get $e))
        (i32.const 64))"""
    assert run(guest(core, {"run": "(result string)"})) == "oh no"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("(call $error-context.drop (i32.const 3))", "unknown handle index 3"),
        (
            "(call $error-context.drop (call $waitable-set.new))",
            "expected error context but found waitable set",
        ),
        ("(drop (call $error-context.new (i32.const 65535) (i32.const 5)))", "out of bounds"),
        ("(drop (call $error-context.new (i32.const 16) (i32.const 1)))", "utf-8"),
    ],
)
def test_error_context_that_is_misused_traps(run: Any, guest: Any, code: str, message: str) -> None:
    core = f"""(data (i32.const 16) "\\e2\\82") (func (export "run") {code})"""
    with pytest.raises(Trap, match=message):
        run(guest(core, {"run": ""}))
