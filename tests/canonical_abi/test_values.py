from typing import Any

import pytest

from pywrt.canonical_abi import Err, Record, Variant
from pywrt.canonical_abi.values import Sums, product_of
from pywrt.errors import ValueTypeError
from pywrt.wit import types as wit

POINT = wit.Record((wit.Field("max-x", wit.S32), wit.Field("from", wit.Option(wit.S32))))


def variant(**cases: wit.WitType | None) -> wit.Variant:
    return wit.Variant(tuple(wit.Case(name, t) for name, t in cases.items()))


def test_record_fields_are_attributes_in_either_spelling() -> None:
    record = Record(max_x=1, from_=2)
    assert (record.max_x, getattr(record, "max-x"), record.from_) == (1, 1, 2)
    record.max_x = 3
    assert record == Record(**{"max-x": 3, "from": 2})
    assert record != Record(max_x=3)
    assert record != {"max-x": 3, "from": 2}


def test_record_unknown_field_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="record has no field 'min_x'"):
        _ = Record(max_x=1).min_x


class Point:
    max_x = 7


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (Record(max_x=1, from_=2), [1, 2]),
        ({"max-x": 1, "from": 2}, [1, 2]),
        ({"max_x": 1}, [1, None]),
        (Point(), [7, None]),
    ],
)
def test_record_split_accepts_records_mappings_and_objects(value: Any, fields: list[Any]) -> None:
    assert list(product_of(POINT).split(value)) == fields


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Record(from_=1), "field 'max-x' is missing"),
        ({}, "field 'max-x' is missing"),
        (object(), "field 'max-x' is missing in object"),
        (5, "expected record {max-x, from}, got int 5"),
    ],
)
def test_record_split_of_what_lacks_a_field_raises(value: Any, message: str) -> None:
    with pytest.raises(ValueTypeError) as caught:
        product_of(POINT).split(value)
    assert str(caught.value) == message


def test_tuple_split_of_another_length_raises() -> None:
    with pytest.raises(ValueTypeError, match="expected tuple of 2, got 3 values"):
        product_of(wit.Tuple((wit.U8, wit.U8))).split((1, 2, 3))


@pytest.mark.parametrize(
    ("t", "index", "payload", "value"),
    [
        (wit.Option(wit.U8), 0, None, None),
        (wit.Option(wit.U8), 1, 5, 5),
        (wit.Option(wit.Option(wit.U8)), 1, None, Variant("some", None)),
        (wit.Result(wit.U8, wit.STRING), 0, 5, 5),
        (wit.Result(wit.U8, wit.STRING), 1, "no", "no"),
        (wit.Result(None, wit.STRING), 0, None, None),
        (wit.Result(wit.STRING, wit.STRING), 1, "no", Variant("err", "no")),
        (wit.Result(), 0, None, Variant("ok")),
        (variant(a=wit.U8, b=wit.F32, c=wit.List(wit.U8), d=wit.List(wit.S8)), 2, b"x", b"x"),
        (variant(a=wit.U8, b=wit.S64), 0, 1, Variant("a", 1)),
    ],
)
def test_sum_builds_the_bare_payload_where_classes_tell_cases_apart(
    t: Any, index: int, payload: Any, value: Any
) -> None:
    total = Sums().of(t)
    assert total.build(index, payload) == value
    assert total.match(value) == (index, payload)


@pytest.mark.parametrize(
    ("t", "value", "case"),
    [
        (wit.Option(wit.Option(wit.U8)), 5, (1, 5)),
        (wit.Option(wit.U8), Variant("some", 5), (1, 5)),
        (wit.Option(wit.U8), Variant("none"), (0, None)),
        (wit.Result(wit.STRING, wit.STRING), "yes", (0, "yes")),
        (wit.Result(wit.STRING, wit.STRING), Err("no"), (1, "no")),
        (wit.Result(wit.U8, wit.STRING), Err("no"), (1, "no")),
        (wit.Result(wit.U8, wit.STRING), Variant("ok", 1), (0, 1)),
        (wit.Result(), None, (0, None)),
        (wit.Result(), Err(), (1, None)),
        (variant(a=wit.U8, b=wit.S64), ("b", 3), (1, 3)),
        (variant(a=wit.U8, b=wit.S64, c=None), "c", (2, None)),
        (variant(a=wit.F32, b=wit.STRING), 3, (0, 3)),
        (variant(a=wit.BOOL, b=wit.U8), True, (0, True)),
        (variant(a=wit.U8, b=wit.BOOL), True, (1, True)),
        (variant(a=wit.List(wit.U8), b=wit.STRING), bytearray(b"x"), (0, bytearray(b"x"))),
        (variant(a=wit.Tuple((wit.U8, wit.U8)), b=wit.STRING), [1, 2], (0, [1, 2])),
        (variant(a=POINT, b=wit.STRING), {"max-x": 1}, (0, {"max-x": 1})),
    ],
)
def test_sum_match_accepts_tagged_and_bare_payloads(t: Any, value: Any, case: tuple[int, Any]) -> None:
    assert Sums().of(t).match(value) == case


def test_sum_match_of_a_host_resource_finds_the_handles_case() -> None:
    thing = object()
    t = wit.Result(wit.Own(wit.ResourceType()), wit.STRING)
    assert Sums().of(t).match(thing) == (0, thing)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Variant("z"), "expected variant {a, b}, got a Variant with tag 'z'"),
        (5, "expected variant {a, b}, got int 5"),
        ("z", "expected variant {a, b}, got str 'z'"),
    ],
)
def test_sum_match_of_no_case_raises(value: Any, message: str) -> None:
    with pytest.raises(ValueTypeError) as caught:
        Sums().of(variant(a=wit.U8, b=wit.S64)).match(value)
    assert str(caught.value) == message
