"""Streams between components, and within one: how far copies come, zero lengths, drops, cancellation."""

from typing import Any

import pytest

from pywrt.errors import Trap

#: A reader that another component drives: it is given a stream, and reads as it is told.
READER = """(global $s (mut i32) (i32.const 0))
  (func (export "give") (param i32) (global.set $s (local.get 0)))
  (func (export "read") (param i32) (result i32)
    (call $stream.read-async (global.get $s) (i32.const 64) (local.get 0)))
  (func (export "cancel") (result i32) (call $stream.cancel-read-async (global.get $s)))
  (func (export "drop") (call $stream.drop-readable (global.get $s)))
  (func (export "next") (result i32) (call $await (global.get $s)))
  (func (export "got") (result i32) (i32.load (i32.const 64)))"""
READER_TYPES = {
    "give": '(param "s" (stream u8))',
    "read": '(param "n" u32) (result u32)',
    "cancel": "(result u32)",
    "drop": "",
    "next": "async (result u32)",
    "got": "(result u32)",
}
WRITER = """(data (i32.const 16) "\\01\\02\\03\\04\\05\\06\\07\\08")
  (func (export "run") (result i32) (local $both i64) (local $w i32)
    (local.set $both (call $stream.new)) (local.set $w (call $writer (local.get $both)))
    (call $give (call $reader (local.get $both)))
    %s (call $noted))"""
STEPS = {
    "write": "(call $stream.write-async (local.get $w) (i32.const 16) (i32.const {}))",
    "cancel write": "(call $stream.cancel-write (local.get $w))",
    "written": "(call $await (local.get $w))",
    "drop write": "(call $stream.drop-writable (local.get $w)) (i32.const 0)",
    "read": "(call $read (i32.const {}))",
    "cancel read": "(call $cancel)",
    "next": "(call $next)",
    "drop read": "(call $drop) (i32.const 0)",
    "got": "(call $got)",
}
BLOCKED = 0xFFFF_FFFF


def completed(count: int) -> int:
    return count << 4


def dropped(count: int) -> int:
    return count << 4 | 1


def cancelled(count: int) -> int:
    return count << 4 | 2


@pytest.fixture
def take(run: Any, guest: Any) -> Any:
    """What each step gives: those of the writable end in one component, those of the readable in another."""

    def take(*steps: str, element: str = "u8") -> Any:
        code = ""
        for step in steps:
            name, _, count = step.partition(" of ")
            code += f"(call $note {STEPS[name].format(count)})"
        types = READER_TYPES | {"give": f'(param "s" (stream {element}))'}
        reader = guest(READER, types, stream=element)
        return run(reader, guest(WRITER % code, {"run": "async (result (list u32))"}, types, stream=element))

    return take


@pytest.mark.parametrize(
    ("steps", "results"),
    [
        # who comes second copies at once
        (("write of 4", "read of 4", "written", "got"), (BLOCKED, completed(4), completed(4), 0x04030201)),
        (("read of 4", "write of 4", "next", "got"), (BLOCKED, completed(4), completed(4), 0x04030201)),
        # part of a buffer: who left it is told, and until then more is copied
        (("write of 8", "read of 3", "written"), (BLOCKED, completed(3), completed(3))),
        (
            ("write of 8", "read of 3", "read of 3", "written"),
            (BLOCKED, completed(3), completed(3), completed(6)),
        ),
        (
            ("write of 8", "read of 3", "read of 5", "read of 1", "written"),
            (BLOCKED, completed(3), completed(5), BLOCKED, completed(8)),
        ),
        (
            ("read of 8", "write of 3", "write of 8", "next"),
            (BLOCKED, completed(3), completed(5), completed(8)),
        ),
        (("write of 2", "read of 8", "read of 8"), (BLOCKED, completed(2), BLOCKED)),
        # a length of zero: whether the other is there
        (("write of 0", "read of 0", "written"), (BLOCKED, BLOCKED, completed(0))),
        (("read of 0", "write of 0", "write of 4", "next"), (BLOCKED, completed(0), BLOCKED, completed(0))),
        (
            ("write of 0", "read of 4", "written", "write of 4"),
            (BLOCKED, BLOCKED, completed(0), completed(4)),
        ),
        (("write of 4", "read of 0", "read of 4"), (BLOCKED, completed(0), completed(4))),
        (("read of 4", "write of 0", "write of 4"), (BLOCKED, completed(0), completed(4))),
        # drops
        (("drop write", "read of 4"), (0, dropped(0))),
        (("drop read", "write of 4"), (0, dropped(0))),
        (("drop read", "write of 0"), (0, dropped(0))),
        (("read of 4", "drop write", "next"), (BLOCKED, 0, dropped(0))),
        (("write of 4", "drop read", "written"), (BLOCKED, 0, dropped(0))),
        (("write of 8", "read of 3", "drop read", "written"), (BLOCKED, completed(3), 0, dropped(3))),
        (("write of 4", "read of 4", "drop read", "written"), (BLOCKED, completed(4), 0, dropped(4))),
        (("drop read", "drop write"), (0, 0)),
        # cancellation
        (("read of 4", "cancel read"), (BLOCKED, cancelled(0))),
        (("write of 4", "cancel write", "read of 4"), (BLOCKED, cancelled(0), BLOCKED)),
        (("write of 8", "read of 3", "cancel write"), (BLOCKED, completed(3), cancelled(3))),
        (("write of 4", "read of 4", "cancel write"), (BLOCKED, completed(4), completed(4))),
        (("read of 4", "drop write", "cancel read"), (BLOCKED, 0, dropped(0))),
        (
            ("write of 4", "cancel write", "write of 8", "read of 8"),
            (BLOCKED, cancelled(0), BLOCKED, completed(8)),
        ),
        # the reader has come back for more: the writer's cancellation is none of its business
        (
            ("write of 4", "read of 4", "read of 4", "cancel write", "write of 4", "next"),
            (BLOCKED, completed(4), BLOCKED, completed(4), completed(4), completed(4)),
        ),
    ],
)
def test_stream_copies_as_far_as_both_buffers_go(take: Any, steps: Any, results: Any) -> None:
    assert take(*steps) == list(results)


@pytest.mark.parametrize("element", ["u8", "u64", "f32", "s16"])
def test_stream_within_one_component_copies_numbers(run: Any, guest: Any, element: str) -> None:
    core = """(data (i32.const 16) "\\01\\02\\03\\04\\05\\06\\07\\08")
      (func (export "run") (result i32) (local $both i64)
        (local.set $both (call $stream.new))
        (drop (call $stream.write-async (call $writer (local.get $both)) (i32.const 16) (i32.const 1)))
        (call $is (i32.const 16)
          (call $stream.read (call $reader (local.get $both)) (i32.const 32) (i32.const 2)))
        (call $is (call $await (call $writer (local.get $both))) (i32.const 16))
        (i32.load8_u (i32.const 32)))"""
    assert run(guest(core, {"run": "async (result u32)"}, stream=element)) == 1


@pytest.mark.parametrize("element", ["string", "(list u8)", "(option u8)", "bool"])
def test_stream_within_one_component_of_other_types_traps(run: Any, guest: Any, element: str) -> None:
    core = """(func (export "run") (local $both i64)
        (local.set $both (call $stream.new))
        (drop (call $stream.write-async (call $writer (local.get $both)) (i32.const 16) (i32.const 1)))
        (drop (call $stream.read (call $reader (local.get $both)) (i32.const 32) (i32.const 1))))"""
    with pytest.raises(Trap, match="cannot read from and write to intra-component stream"):
        run(guest(core, {"run": "async"}, stream=element))


def test_stream_without_payload_counts(take: Any) -> None:
    steps = ("write of 0xfffffff", "read of 5", "read of 0xffffff0", "written")
    assert take(*steps, element="") == [BLOCKED, completed(5), completed(0xFFFFFF0), completed(0xFFFFFF5)]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (("write of 0x10000000",), "stream read/write count too large"),
        (("read of 0x10000000",), "stream read/write count too large"),
        (("write of 0xfffffff",), "pointer out of bounds of memory"),
        (("read of 0xfffffff",), "pointer out of bounds of memory"),
        (("write of 4", "write of 4"), "cannot have concurrent operations"),
        (("read of 4", "read of 4"), "cannot have concurrent operations"),
        (("write of 4", "read of 4", "write of 4"), "cannot have concurrent operations"),
        (("write of 4", "drop write"), "cannot drop busy stream"),
        (("read of 4", "drop read"), "cannot remove busy stream"),
        (("drop read", "write of 4", "write of 4"), "cannot write to stream after being notified"),
        (("drop write", "read of 4", "read of 4"), "cannot read from stream after being notified"),
        (("drop write", "drop write"), "unknown handle index"),
        (("cancel write",), "stream write cancelled when no write is pending"),
        (("cancel read",), "stream read cancelled when no read is pending"),
        (("write of 4", "read of 4", "written", "cancel write"), "no write is pending"),
    ],
)
def test_stream_that_is_misused_traps(take: Any, steps: Any, message: str) -> None:
    with pytest.raises(Trap, match=message):
        take(*steps)
