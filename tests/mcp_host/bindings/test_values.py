from typing import Any

import pytest

from mcp_host.bindings.values import BindingError, arguments, assign, fit, read
from pywrt.canonical_abi import Record, Variant
from pywrt.wit import types as wit
from pywrt.wit.types import BOOL, STRING, U8, U32, Field

POINT = wit.Record((Field("x", U32), Field("a-label", wit.Option(STRING))))
BYTES = wit.List(U8)
CONTENT = wit.Variant((wit.Case("text", POINT), wit.Case("image", POINT), wit.Case("none")))


@pytest.mark.parametrize(
    ("type", "value", "plain"),
    [
        (U32, 5, 5),
        (BYTES, b"ab", b"ab"),
        (POINT, Record(x=1, a_label="p"), {"x": 1, "a-label": "p"}),
        (wit.List(POINT), [Record(x=1, a_label=None)], [{"x": 1, "a-label": None}]),
        (wit.Tuple((U32, POINT)), (3, Record(x=1, a_label=None)), (3, {"x": 1, "a-label": None})),
        (wit.Option(POINT), None, None),
        (wit.Option(POINT), Record(x=1, a_label=None), {"x": 1, "a-label": None}),
        (CONTENT, Variant("image", Record(x=2, a_label=None)), ("image", {"x": 2, "a-label": None})),
        (CONTENT, Variant("none"), ("none", None)),
        # Where the payloads' classes tell the cases apart, the bare payload is what a call gives.
        (wit.Variant((wit.Case("n", U32), wit.Case("s", STRING))), "hi", ("s", "hi")),
        (
            wit.Variant((wit.Case("text", POINT),)),
            Record(x=2, a_label=None),
            ("text", {"x": 2, "a-label": None}),
        ),
        (wit.Result(None, STRING), None, ("ok", None)),
        (wit.Result(None, STRING), "broken", ("err", "broken")),
        (
            wit.Result(POINT, POINT),
            Variant("err", Record(x=2, a_label=None)),
            ("err", {"x": 2, "a-label": None}),
        ),
        (wit.Result(), Variant("err"), ("err", None)),
    ],
)
def test_read_gives_plain_data(type: wit.WitType, value: Any, plain: Any) -> None:
    assert read(type, value) == plain


def test_read_record_missing_field_is_a_binding_error() -> None:
    fields = read(POINT, Record(x=1, a_label=None))
    assert fields.get("uri") is None
    with pytest.raises(BindingError, match="the component's own types have no field 'uri'"):
        fields["uri"]


@pytest.mark.parametrize(
    ("type", "data", "value"),
    [
        (POINT, {"x": 1, "more": 2}, {"x": 1, "a-label": None}),
        (POINT, {}, {"x": 0, "a-label": None}),
        (POINT, {"x": 1, "a-label": "p"}, {"x": 1, "a-label": Variant("some", "p")}),
        (wit.Enum(("one", "two")), "one", "one"),
        (wit.Enum(("one", "other")), "seven", "other"),
        (BYTES, "é", "é".encode()),
        (STRING, b"text", "text"),
        (STRING, 7, "7"),
        (wit.List(POINT), [{"x": 1}], [{"x": 1, "a-label": None}]),
        (BOOL, None, False),
        (BYTES, None, b""),
        (wit.List(U32), None, []),
        (wit.Tuple((U32, STRING)), None, (0, "")),
        (wit.Flags(("a",)), None, set()),
        (CONTENT, None, Variant("text", {"x": 0, "a-label": None})),
        (wit.Result(U32), None, Variant("ok", 0)),
    ],
)
def test_fit_fills_in_and_leaves_out(type: wit.WitType, data: Any, value: Any) -> None:
    assert fit(type, data) == value


def test_fit_takes_attributes_too() -> None:
    assert fit(POINT, Record(x=4, a_label="q")) == {"x": 4, "a-label": Variant("some", "q")}


@pytest.mark.parametrize(
    ("params", "expected", "assigned"),
    [
        (["level", "message"], ["level", "message", "data"], ["level", "message"]),
        (["message", "level"], ["level", "message"], ["message", "level"]),
        (["tool", "arguments"], ["name", "arguments"], ["name", "arguments"]),
        (["name", "arguments", "meta"], ["name", "arguments"], ["name", "arguments", "meta"]),
    ],
)
def test_assign_names_to_parameters(params: list[str], expected: list[str], assigned: list[str]) -> None:
    assert assign(params, expected) == assigned


def test_arguments_follow_the_functions_own_parameters() -> None:
    params = (Field("arguments", BYTES), Field("tool", STRING), Field("meta", wit.Option(STRING)))
    assert arguments(params, {"name": "add", "arguments": b"{}"}) == [b"{}", "add", None]
