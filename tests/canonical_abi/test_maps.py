"""Maps: dicts in Python, lists of pairs in memory."""

import struct
import time
from types import MappingProxyType
from typing import Any

import pytest

from pywrt.canonical_abi import Variant
from pywrt.canonical_abi.layout import despecialize
from pywrt.canonical_abi.values import Sums
from pywrt.errors import Trap, ValueTypeError
from pywrt.wit import types as wit

AGES = wit.Map(wit.STRING, wit.U32)
PAIRS = wit.List(wit.Tuple((wit.STRING, wit.U32)))


def test_despecialize_map_is_a_list_of_pairs() -> None:
    assert despecialize(AGES) == PAIRS


def test_map_lies_in_memory_as_a_list_of_pairs(side: Any) -> None:
    guest = side()
    ages = {"ann": 1, "bob": 2}
    assert guest.lift(PAIRS, *guest.lower(AGES, ages)) == [("ann", 1), ("bob", 2)]
    assert guest.lift(AGES, *guest.lower(PAIRS, list(ages.items()))) == ages
    assert guest.load(AGES, guest.store_value(AGES, ages)) == ages


def test_lift_map_of_a_repeated_key_takes_its_last_value(side: Any) -> None:
    guest = side()
    flat = guest.lower(PAIRS, [("a", 1), ("b", 2), ("a", 3)])
    assert guest.lift(AGES, *flat) == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    "value",
    [
        [("a", 1), ("b", 2)],
        (["a", 1], ["b", 2]),
        MappingProxyType({"a": 1, "b": 2}),
        {"a": 1, "b": 2}.items(),
        zip("ab", (1, 2), strict=True),
    ],
    ids=["list", "tuple", "mapping", "items", "iterator"],
)
def test_lower_map_accepts_mappings_and_pairs(side: Any, value: Any) -> None:
    guest = side()
    assert guest.lift(AGES, *guest.lower(AGES, value)) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "expected map<string, u32>, got int 5"),
        ("ab", "expected map<string, u32>, got str 'ab'"),
        (b"ab", "expected map<string, u32>, got bytes of length 2"),
        ([1], "[0]: expected tuple of 2, got int 1"),
        ({"a": "b"}, "[0] > [1]: expected u32, got str 'b'"),
        ({1: 2}, "[0] > [0]: expected string, got int 1"),
    ],
)
def test_lower_map_of_what_is_none_raises(side: Any, value: Any, message: str) -> None:
    with pytest.raises(ValueTypeError) as caught:
        side().lower(AGES, value)
    assert str(caught.value) == message


def test_map_is_told_from_a_list(side: Any) -> None:
    guest = side()
    t = wit.Variant((wit.Case("list", wit.List(wit.U8)), wit.Case("map", wit.Map(wit.U8, wit.U8))))
    assert guest.lift(t, *guest.lower(t, {1: 2})) == {1: 2}
    assert guest.lift(t, *guest.lower(t, b"a")) == b"a"
    either = wit.Variant((wit.Case("a", AGES), wit.Case("b", wit.Map(wit.U8, wit.U8))))
    assert Sums().of(either).build(1, {}) == Variant("b", {})


def test_lift_map_outside_memory_traps(side: Any) -> None:
    with pytest.raises(Trap, match=r"^list pointer/length out of bounds of memory"):
        side(pages=1).lift(AGES, 65532, 1)


def test_lift_map_past_the_deadline_traps(side: Any) -> None:
    """Keys that a guest chose can take long to put into a dict."""
    guest = side()
    struct.pack_into("<QQ", guest.memory.data, 64, 1, 2)
    guest.store.deadline = time.monotonic() - 1
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        guest.lift(wit.Map(wit.U64, wit.U64), 64, 1)
