"""Values in memories that have 64-bit addresses."""

from typing import Any

import pytest

from pywrt.canonical_abi import Record, call, flatten_functype
from pywrt.canonical_abi.layout import Layouts
from pywrt.errors import Trap
from pywrt.wasm.types import I64
from pywrt.wit import types as wit

#: `echo` gives back the list or string that it got, `same` the pointer.
ECHO = """(module
  (memory (export "mem") i64 2)
  (global $next (mut i64) (i64.const 1024))
  (func (export "realloc") (param i64 i64 i64 i64) (result i64) (local $ptr i64)
    (local.set $ptr (i64.and
      (i64.add (global.get $next) (i64.sub (local.get 2) (i64.const 1)))
      (i64.sub (i64.const 0) (local.get 2))))
    (global.set $next (i64.add (local.get $ptr) (local.get 3)))
    (local.get $ptr))
  (func (export "echo") (param i64 i64) (result i64)
    (i64.store (i64.const 16) (local.get 0))
    (i64.store (i64.const 24) (local.get 1))
    (i64.const 16))
  (func (export "same") (param i64) (result i64) (local.get 0)))"""

FIELDS = wit.Record((wit.Field("number", wit.U32), wit.Field("name", wit.STRING), wit.Field("on", wit.BOOL)))


def flat(t: wit.WitType) -> list[str]:
    return [str(core) for core in Layouts(I64).of(t).flat]


@pytest.mark.parametrize(
    ("t", "size", "alignment", "core"),
    [
        (wit.STRING, 16, 8, ["i64", "i64"]),
        (wit.List(wit.U8), 16, 8, ["i64", "i64"]),
        (wit.Map(wit.U8, wit.U8), 16, 8, ["i64", "i64"]),
        (wit.List(wit.U8, 3), 3, 1, ["i32"] * 3),
        (FIELDS, 32, 8, ["i32", "i64", "i64", "i32"]),
        (wit.Option(wit.STRING), 24, 8, ["i32", "i64", "i64"]),
        (wit.Result(wit.STRING, wit.U32), 24, 8, ["i32", "i64", "i64"]),
        (wit.Variant((wit.Case("a", wit.F32), wit.Case("b", wit.STRING))), 24, 8, ["i32", "i64", "i64"]),
        (wit.Own(wit.ResourceType()), 4, 4, ["i32"]),
        (wit.Stream(wit.STRING), 4, 4, ["i32"]),
        (wit.ERROR_CONTEXT, 4, 4, ["i32"]),
    ],
)
def test_layout_with_wide_pointers(t: wit.WitType, size: int, alignment: int, core: list[str]) -> None:
    layout = Layouts(I64).of(t)
    assert (layout.size, layout.alignment, flat(t)) == (size, alignment, core)


@pytest.mark.parametrize(
    ("context", "is_async", "core"),
    [
        ("lift", False, "(i64) -> (i64)"),
        ("lower", False, "(i64, i64) -> ()"),
        ("lift", True, "(i64) -> ()"),
        ("lower", True, "(i64, i64) -> (i32)"),
    ],
)
def test_flatten_functype_spills_through_wide_pointers(context: str, is_async: bool, core: str) -> None:
    t = wit.FuncType(tuple(wit.Field(f"p{i}", wit.U8) for i in range(17)), wit.STRING)
    assert str(flatten_functype(t, context, Layouts(I64), is_async)) == core


def test_lower_asks_a_wide_realloc_and_leaves_wide_pointers(side: Any) -> None:
    guest = side(pointer=I64)
    ptr, length = guest.lower(wit.List(wit.STRING), ["ab", "c"])
    assert length == 2
    assert guest.reallocs == [(0, 0, 8, 32), (0, 0, 1, 2), (0, 0, 1, 1)]
    words = [int.from_bytes(guest.memory.data[ptr + k : ptr + k + 8], "little") for k in range(0, 32, 8)]
    assert words == [ptr + 32, 2, ptr + 34, 1]


@pytest.mark.parametrize("t", [wit.STRING, wit.List(wit.U8), wit.List(wit.U64), wit.Map(wit.U8, wit.U64)])
@pytest.mark.parametrize(
    ("ptr", "length"),
    [
        (1 << 63, 0),
        ((1 << 64) - 8, 8),
        ((1 << 64) - 8, (1 << 64) - 1),
        (0, (1 << 64) - 1),
        (0, 1 << 61),
        (0, 1 << 32),
        (1 << 32, 1),
        (65528, 9),
    ],
)
def test_lift_of_a_huge_range_traps(side: Any, t: Any, ptr: int, length: int) -> None:
    guest = side(pages=1, pointer=I64)
    with pytest.raises(Trap, match=r"pointer/length out of bounds of memory"):
        guest.lift(t, ptr, length)
    packed = ptr.to_bytes(8, "little") + length.to_bytes(8, "little")
    guest.memory.data[0:16] = packed
    with pytest.raises(Trap, match=r"pointer/length out of bounds of memory"):
        guest.load(t, 0)


def test_lift_variant_takes_narrow_payloads_out_of_wide_slots(side: Any) -> None:
    t = wit.Variant((wit.Case("n", wit.U32), wit.Case("s", wit.STRING)))
    guest = side(pointer=I64)
    assert guest.lift(t, 0, 0xABCD_0000_0007, 0) == 7
    assert guest.lower(t, 7) == [0, 7, 0]


@pytest.mark.parametrize("ptr", [(1 << 64) - 16, 1 << 32, 3 * 65536 - 8])
def test_lower_checks_what_a_wide_realloc_returned(side: Any, ptr: int) -> None:
    guest = side(pages=3, pointer=I64)
    guest.realloc = lambda *args: ptr
    with pytest.raises(Trap, match=r"^realloc return: beyond end of memory"):
        guest.lower(wit.List(wit.U64), [1, 2])


@pytest.fixture
def echo(new_store: Any, guest: Any) -> Any:
    return guest(new_store(), ECHO)


@pytest.mark.parametrize(
    ("t", "value"),
    [
        (wit.STRING, "h\u00f6"),
        (wit.List(wit.U8), b"abc"),
        (wit.List(wit.U32), [1, 2, 3]),
        (wit.List(FIELDS), [Record(number=1, name="one", on=True), Record(number=2, name="", on=False)]),
        (wit.List(wit.Option(wit.STRING)), [None, "x"]),
        (wit.Map(wit.STRING, wit.List(wit.U16)), {"a": [1], "b": []}),
    ],
)
def test_guest_with_wide_memory_returns_what_it_got(echo: Any, t: Any, value: Any) -> None:
    assert call(echo.lift("echo", t, result=t), [value]) == value


def test_guest_with_wide_memory_gets_spilled_parameters(echo: Any) -> None:
    values = [f"p{i}" for i in range(9)]
    function = echo.lift("same", *[wit.STRING] * 9, result=wit.Tuple((wit.STRING,) * 9))
    assert call(function, values) == tuple(values)


@pytest.mark.parametrize("ptr", [(1 << 64) - 8, 1 << 40])
def test_guest_with_wide_memory_returns_a_wild_pointer_traps(echo: Any, ptr: int) -> None:
    with pytest.raises(Trap, match=r"^pointer out of bounds of memory: 16 bytes at 0x"):
        call(echo.lift("same", wit.U64, result=wit.STRING), [ptr])
