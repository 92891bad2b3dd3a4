from typing import Any

import pytest

from pywrt.canonical_abi import Variant, flat
from pywrt.canonical_abi.values import Sums
from pywrt.wit import types as wit

KINDS = [
    (wit.Stream(wit.U8), "stream"),
    (wit.Future(), "future"),
    (wit.ERROR_CONTEXT, "error_context"),
]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[int, tuple[str, str]]:
    """Handles by index, from which a kind's functions take and to which they add (kind, value)."""
    handles: dict[int, tuple[str, str]] = {}
    for _, kind in KINDS:

        def lift(cx: Any, index: int, *t: Any, kind: str = kind) -> Any:
            assert handles[index][0] == kind
            return handles[index][1]

        def lower(cx: Any, value: Any, *t: Any, kind: str = kind) -> int:
            handles[len(handles) + 1] = (kind, value)
            return len(handles)

        monkeypatch.setattr(flat, f"lift_{kind}", lift)
        monkeypatch.setattr(flat, f"lower_{kind}", lower)
    return handles


@pytest.mark.parametrize(("t", "kind"), KINDS)
def test_async_value_is_a_handle_in_every_place(
    side: Any, table: dict[int, tuple[str, str]], t: Any, kind: str
) -> None:
    guest = side()
    assert guest.lower(t, "a") == [1]
    assert guest.lift(t, 1) == "a"
    assert guest.load(t, guest.store_value(t, "b")) == "b"
    assert guest.lift(wit.List(t), *guest.lower(wit.List(t), ["c", "d"])) == ["c", "d"]
    pair = wit.Tuple((wit.U8, t))
    assert guest.load(pair, guest.store_value(pair, (1, "e"))) == (1, "e")
    assert [table[i] for i in range(1, 6)] == [(kind, value) for value in "abcde"]


@pytest.mark.parametrize(("t", "kind"), KINDS)
def test_async_value_of_any_class_is_told_from_a_string(t: Any, kind: str) -> None:
    thing = object()
    assert Sums().of(wit.Result(t, wit.STRING)).match(thing) == (0, thing)
    assert Sums().of(wit.Result(t, wit.ERROR_CONTEXT)).build(1, thing) == Variant("err", thing)
