"""Guests that mean harm: what they do in realloc, and what they return, ends in a trap or stays their own."""

from typing import Any

import pytest

from pywrt.canonical_abi import CanonOptions, HostFunc, Record, call, canon_lower
from pywrt.errors import Trap
from pywrt.wit import types as wit

#: A guest whose realloc is the given code; it may call `$f`, an import. `size` gives what it got.
GUEST = """(module
  (import "" "f" (func $f (param i32)))
  (memory (export "mem") 1 10)
  (global $next (mut i32) (i32.const 1024))
  (func $bump (param i32 i32 i32 i32) (result i32) (local $ptr i32)
    (local.set $ptr (i32.and
      (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get 2))))
    (global.set $next (i32.add (local.get $ptr) (local.get 3)))
    (local.get $ptr))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc})
  (func (export "size") (param i32 i32) (result i32) (local.get 1))
  (func (export "same") (param i32) (result i32) (local.get 0))
  (func (export "again") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))"""
BUMP = "(call $bump (local.get 0) (local.get 1) (local.get 2) (local.get 3))"

STRINGS = wit.List(wit.STRING)


@pytest.fixture
def hostile(new_store: Any, guest: Any) -> Any:
    def hostile(realloc: str = BUMP, **config: Any) -> Any:
        store = new_store(**config)
        made = guest(store, "")
        made.calls = []
        callee = HostFunc(wit.FuncType((wit.Field("n", wit.U32),)), made.calls.append, "f")
        made.load(GUEST.format(realloc=realloc), [canon_lower(callee, CanonOptions(), made.instance)])
        return made

    return hostile


@pytest.mark.parametrize(
    ("realloc", "message"),
    [
        ("(i32.const 65535)", "realloc return: result not aligned: 0xffff is not a multiple of 4"),
        ("(i32.const 0xfffffff0)", "realloc return: beyond end of memory: 16 bytes at 0xfffffff0"),
        ("(i32.const 65528)", "realloc return: beyond end of memory: 16 bytes at 0xfff8"),
        ("(i32.const 6)", "realloc return: result not aligned: 0x6 is not a multiple of 4"),
        ("(unreachable)", "unreachable"),
        ("(call $f (i32.const 1)) " + BUMP, "cannot leave component instance"),
        ("(i32.load (i32.const 0x7fffffff))", "out of bounds memory access"),
    ],
)
def test_realloc_that_misbehaves_traps_and_ends_the_instance(
    hostile: Any, realloc: str, message: str
) -> None:
    made = hostile(realloc)
    function = made.lift("size", STRINGS, result=wit.U32)
    with pytest.raises(Trap, match=f"^{message}"):
        call(function, [["ab", "c"]])
    assert made.calls == []
    assert made.instance.poisoned
    assert len(made.exports["mem"].data) == 65536
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        call(function, [[]])


def test_realloc_that_never_returns_runs_out_of_fuel(hostile: Any) -> None:
    made = hostile("(loop $again (br $again)) (unreachable)", consume_fuel=True)
    made.store.reserve = 1_000_000
    with pytest.raises(Trap, match="all fuel consumed"):
        call(made.lift("size", STRINGS, result=wit.U32), [["ab"]])


def test_realloc_that_grows_memory_each_time_gives_room_there(hostile: Any) -> None:
    made = hostile("(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))")
    items = wit.List(wit.Record((wit.Field("name", wit.STRING), wit.Field("on", wit.BOOL))))
    values = [Record(name="a" * 60_000, on=True), Record(name="b", on=False), Record(name="c", on=True)]
    assert call(made.lift("again", items, result=items), [values]) == values
    assert made.exports["mem"].size == 5


def test_realloc_that_gives_one_place_for_all_is_written_to_only_there(hostile: Any) -> None:
    made = hostile("(i32.const 1024)")
    assert call(made.lift("size", STRINGS, result=wit.U32), [["ab", "c" * 40]]) == 2
    data = made.exports["mem"].data
    # the strings were written first, the list of them over both
    words = b"".join(word.to_bytes(4, "little") for word in (1024, 2, 1024, 40))
    assert data == bytes(1024) + words + b"c" * 24 + bytes(65536 - 1064)


def test_lift_of_strings_that_overlap_reads_each_of_them(hostile: Any) -> None:
    made = hostile("(i32.const 1024)")
    text = "0123456789abcdef" + "x" * 8
    lifted = call(made.lift("again", STRINGS, result=STRINGS), [[text, text]])
    assert lifted == [("\0\4\0\0\x18\0\0\0" * 2) + "x" * 8] * 2


def test_realloc_that_writes_where_it_points_is_overwritten(hostile: Any) -> None:
    made = hostile("(i32.store (i32.const 1024) (i32.const -1)) (i32.const 1024)")
    numbers = wit.List(wit.U32)
    assert call(made.lift("again", numbers, result=numbers), [[1, 2, 3]]) == [1, 2, 3]


@pytest.mark.parametrize(
    ("t", "words", "code"),
    [
        (wit.STRING, (0xFFFFFFFF, 1), "string-out-of-bounds"),
        (wit.STRING, (0, 0xFFFFFFFF), "string-out-of-bounds"),
        (wit.List(wit.U64), (0, 0x20000000), "list-out-of-bounds"),
        (wit.List(wit.U64), (0xFFFFFFF8, 0x20000001), "list-out-of-bounds"),
        (wit.List(wit.List(wit.U64, 1 << 20)), (0, 0x200), "list-out-of-bounds"),
        (wit.List(wit.U64), (4, 1), "unaligned-pointer"),
        (wit.List(wit.CHAR), (128, 1), "invalid-char"),
        (wit.Tuple((wit.Enum(("a", "b")), wit.U32)), (2, 0), "invalid-discriminant"),
        (wit.Option(wit.CHAR), (1, 0xD800), "invalid-char"),
        (wit.Result(wit.U32, wit.STRING), (0x102, 0), "invalid-discriminant"),
        (wit.Tuple((wit.Option(wit.Option(wit.U8)), wit.U32)), (0xFF01, 0), "invalid-discriminant"),
        (wit.Tuple((wit.CHAR, wit.U8)), (0x110000, 0), "invalid-char"),
    ],
)
def test_result_that_is_no_value_traps(hostile: Any, t: Any, words: tuple[int, int], code: str) -> None:
    made = hostile()
    data = made.exports["mem"].data
    data[64:72] = words[0].to_bytes(4, "little") + words[1].to_bytes(4, "little")
    data[128:132] = (0xD800).to_bytes(4, "little")
    with pytest.raises(Trap) as caught:
        call(made.lift("same", wit.U32, result=t), [64])
    assert caught.value.code == code
    assert made.instance.poisoned


@pytest.mark.parametrize("byte", [1, 2, 0x80, 0xFF])
def test_bool_of_any_bits_but_zero_is_true(hostile: Any, byte: int) -> None:
    made = hostile()
    made.exports["mem"].data[64] = byte
    t = wit.Tuple((wit.BOOL, wit.BOOL))
    assert call(made.lift("same", wit.U32, result=t), [64]) == (True, False)
    assert call(made.lift("same", wit.U32, result=wit.BOOL), [byte << 8]) is True


def test_flags_without_a_label_are_dropped(hostile: Any) -> None:
    made = hostile()
    made.exports["mem"].data[64:66] = b"\xff\xff"
    flags = wit.Flags(("a", "b"))
    assert call(made.lift("same", wit.U32, result=wit.Tuple((flags, flags))), [64]) == ({"a", "b"},) * 2


@pytest.mark.parametrize(
    ("ptr", "message"),
    [(65533, "unaligned pointer"), (65532, "pointer out of bounds"), (0xFFFFFFFC, "pointer")],
)
def test_result_pointer_outside_memory_traps(hostile: Any, ptr: int, message: str) -> None:
    made = hostile()
    with pytest.raises(Trap, match=f"^{message}"):
        call(made.lift("same", wit.U32, result=wit.STRING), [ptr])
