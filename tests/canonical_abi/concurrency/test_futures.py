"""Futures between components: one value, its end, and what may not be done."""

from typing import Any

import pytest

from pywrt.errors import Trap

READER = """(global $f (mut i32) (i32.const 0))
  (func (export "give") (param i32) (global.set $f (local.get 0)))
  (func (export "read") (result i32) (call $future.read-async (global.get $f) (i32.const 64)))
  (func (export "cancel") (result i32) (call $future.cancel-read-async (global.get $f)))
  (func (export "drop") (call $future.drop-readable (global.get $f)))
  (func (export "next") (result i32) (call $await (global.get $f)))
  (func (export "got") (result i32) (i32.load8_u (i32.const 64)))"""
TYPES = {
    "give": '(param "f" (future u8))',
    "read": "(result u32)",
    "cancel": "(result u32)",
    "drop": "",
    "next": "async (result u32)",
    "got": "(result u32)",
}
WRITER = """(data (i32.const 16) "\\07")
  (func (export "run") (result i32) (local $both i64) (local $w i32)
    (local.set $both (call $future.new)) (local.set $w (call $writer (local.get $both)))
    (call $give (call $reader (local.get $both)))
    %s (call $noted))"""
STEPS = {
    "write": "(call $future.write-async (local.get $w) (i32.const 16))",
    "cancel write": "(call $future.cancel-write (local.get $w))",
    "written": "(call $await (local.get $w))",
    "drop write": "(call $future.drop-writable (local.get $w)) (i32.const 0)",
    "read": "(call $read)",
    "cancel read": "(call $cancel)",
    "next": "(call $next)",
    "drop read": "(call $drop) (i32.const 0)",
    "got": "(call $got)",
}
BLOCKED = 0xFFFF_FFFF
COMPLETED, DROPPED, CANCELLED = 0, 1, 2


@pytest.fixture
def take(run: Any, guest: Any) -> Any:
    """What each step gives: those of the writable end in one component, those of the readable in another."""

    def take(*steps: str) -> Any:
        code = "".join(f"(call $note {STEPS[step]})" for step in steps)
        return run(guest(READER, TYPES), guest(WRITER % code, {"run": "async (result (list u32))"}, TYPES))

    return take


@pytest.mark.parametrize(
    ("steps", "results"),
    [
        (("write", "read", "written", "got"), (BLOCKED, COMPLETED, COMPLETED, 7)),
        (("read", "write", "next", "got"), (BLOCKED, COMPLETED, COMPLETED, 7)),
        (("read", "write", "drop write", "next"), (BLOCKED, COMPLETED, 0, COMPLETED)),
        (("drop read", "write", "drop write"), (0, DROPPED, 0)),
        (("write", "drop read", "written", "drop write"), (BLOCKED, 0, DROPPED, 0)),
        (("read", "cancel read", "write", "read"), (BLOCKED, CANCELLED, BLOCKED, COMPLETED)),
        (("write", "cancel write", "write", "read"), (BLOCKED, CANCELLED, BLOCKED, COMPLETED)),
        (("write", "read", "cancel write"), (BLOCKED, COMPLETED, COMPLETED)),
        (("read", "write", "cancel read"), (BLOCKED, COMPLETED, COMPLETED)),
        (("write", "read", "written", "drop read", "drop write"), (BLOCKED, COMPLETED, COMPLETED, 0, 0)),
    ],
)
def test_future_gives_one_value(take: Any, steps: Any, results: Any) -> None:
    assert take(*steps) == list(results)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (("drop write",), "cannot drop future write end without first writing a value"),
        (("drop read", "drop write"), "cannot drop future write end without first writing a value"),
        (("write", "drop write"), "cannot drop busy future"),
        (("read", "drop read"), "cannot remove busy future"),
        (("write", "write"), "cannot have concurrent operations"),
        (
            ("write", "cancel write", "drop write"),
            "cannot drop future write end without first writing a value",
        ),
        (("write", "read", "written", "write"), "cannot write to future after previous write succeeded"),
        (("write", "read", "read"), "cannot read from future after previous read succeeded"),
        (("cancel read",), "future read cancelled when no read is pending"),
        (("cancel write",), "future write cancelled when no write is pending"),
    ],
)
def test_future_that_is_misused_traps(take: Any, steps: Any, message: str) -> None:
    with pytest.raises(Trap, match=message):
        take(*steps)
