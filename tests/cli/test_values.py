"""Values on the command line: JSON for components, numbers for core modules."""

import json
import math
from typing import Any

import pytest

from pywrt.cli.values import component_arguments, core_arguments, from_json, show_core, show_float, to_json
from pywrt.component import Record, Variant
from pywrt.errors import ValueTypeError
from pywrt.wasm import types as core
from pywrt.wit import types as wit

POINT = wit.Record((wit.Field("x", wit.S32), wit.Field("the-label", wit.Option(wit.STRING))))
SHAPE = wit.Variant((wit.Case("none"), wit.Case("circle", wit.F64), wit.Case("poly", wit.List(POINT))))
NESTED = wit.Option(wit.Option(wit.U8))
RESULT = wit.Result(wit.U8, wit.STRING)


def func(**params: wit.WitType) -> wit.FuncType:
    return wit.FuncType(tuple(wit.Field(name, type) for name, type in params.items()))


@pytest.mark.parametrize(
    ("type", "value", "spelled"),
    [
        (wit.BOOL, True, True),
        (wit.S64, -(2**63), -(2**63)),
        (wit.F64, 0.1, 0.1),
        (wit.F32, 0.10000000149011612, 0.1),
        (wit.F64, math.inf, "inf"),
        (wit.F32, -math.inf, "-inf"),
        (wit.CHAR, "é", "é"),
        (wit.STRING, "a\nb", "a\nb"),
        (wit.Enum(("red", "green")), "green", "green"),
        (wit.Flags(("read", "write", "exec")), {"exec", "read"}, ["read", "exec"]),
        (wit.List(wit.U8), b"\0\xff", [0, 255]),
        (wit.List(wit.STRING), ["a", "b"], ["a", "b"]),
        (wit.Tuple((wit.U8, wit.STRING)), (7, "x"), [7, "x"]),
        (POINT, Record(x=1, the_label="a"), {"x": 1, "the-label": "a"}),
        (POINT, Record(x=1, the_label=None), {"x": 1, "the-label": None}),
        (SHAPE, Variant("none"), "none"),
        (SHAPE, 1.5, {"circle": 1.5}),
        (SHAPE, [Record(x=1, the_label=None)], {"poly": [{"x": 1, "the-label": None}]}),
        (NESTED, None, None),
        (NESTED, Variant("none"), None),
        (NESTED, Variant("some", None), {"some": None}),
        (NESTED, Variant("some", 5), {"some": 5}),
        (RESULT, 5, {"ok": 5}),
        (RESULT, "bad", {"err": "bad"}),
        (wit.Result(), Variant("ok"), {"ok": None}),
        (wit.Result(None, wit.STRING), None, {"ok": None}),
        (wit.Own(wit.ResourceType("counter")), object(), {"resource": "counter"}),
    ],
)
def test_to_json_of_each_type_spells_the_value(type: wit.WitType, value: Any, spelled: Any) -> None:
    assert to_json(value, type) == spelled
    json.dumps(spelled, allow_nan=False)


@pytest.mark.parametrize(
    ("type", "given", "value"),
    [
        (wit.F64, "nan", math.nan),
        (wit.F32, "-inf", -math.inf),
        (wit.List(wit.F64), [1, "inf"], [1, math.inf]),
        (wit.List(wit.U8), [0, 255], [0, 255]),
        (wit.Tuple((wit.U8, wit.F64)), [7, "inf"], [7, math.inf]),
        (POINT, {"x": 1, "the_label": "a"}, {"x": 1, "the-label": Variant("some", "a")}),
        (POINT, {"x": 1}, {"x": 1}),
        (SHAPE, "none", Variant("none")),
        (SHAPE, {"none": None}, Variant("none")),
        (SHAPE, {"circle": "inf"}, Variant("circle", math.inf)),
        (NESTED, None, None),
        (NESTED, {"some": None}, Variant("some")),
        (NESTED, {"some": 5}, Variant("some", Variant("some", 5))),
        (RESULT, {"err": "bad"}, Variant("err", "bad")),
        (wit.Result(), {"ok": None}, Variant("ok")),
        (wit.Result(), "ok", Variant("ok")),
    ],
)
def test_from_json_of_each_type_gives_what_a_component_takes(
    type: wit.WitType, given: Any, value: Any
) -> None:
    assert repr(from_json(given, type)) == repr(value)  # nan isn't equal to itself


@pytest.mark.parametrize(
    ("type", "given", "message"),
    [
        (POINT, {"x": 1, "z": 2}, "p: record {x, the-label} has no field 'z'"),
        (SHAPE, "circel", 'p: expected "none", {"circle": ...}, {"poly": ...}, got str \'circel\''),
        (SHAPE, {"circle": 1, "poly": 2}, "got an object with the keys 'circle', 'poly'"),
        (SHAPE, {}, "got an empty object"),
        (SHAPE, {"none": 1}, "p > case 'none': the case has no value"),
        (SHAPE, {"poly": [{"y": 1}]}, "p > case 'poly' > [0]: record {x, the-label} has no field 'y'"),
        (NESTED, 5, 'p: expected "none", {"some": ...}, got int 5'),
        (wit.Tuple((NESTED, NESTED)), [None, 5], "p > [1]: expected"),
        (
            wit.List(wit.Own(wit.ResourceType())),
            [1],
            "p > [0]: a resource can't be given on the command line",
        ),
    ],
)
def test_from_json_of_what_does_not_fit_says_where(type: wit.WitType, given: Any, message: str) -> None:
    with pytest.raises(ValueTypeError) as caught:
        from_json(given, type, ("p",))
    assert message in str(caught.value)


def test_component_arguments_of_string_types_need_no_quotes() -> None:
    type = func(a=wit.STRING, b=wit.STRING, c=wit.CHAR, d=wit.Enum(("red",)), e=wit.STRING, f=wit.U8)
    texts = ["World", '"quoted \\n"', "é", "red", "12", "12"]
    assert component_arguments(type, texts) == ["World", "quoted \n", "é", "red", "12", 12]


@pytest.mark.parametrize(
    ("type", "text", "message"),
    [
        (wit.U8, "x", "argument 'a': expected JSON for u8, got 'x' (Expecting value)"),
        (wit.STRING, '"x', "argument 'a': expected JSON for string, got '\"x'"),
        (wit.List(wit.U8), "9" * 5000, "(a number is too long)"),
        (wit.List(wit.U8), "[" * 100_000, "argument 'a': the JSON is nested too deeply"),
    ],
)
def test_component_arguments_that_are_no_json_are_refused(type: wit.WitType, text: str, message: str) -> None:
    with pytest.raises(ValueTypeError) as caught:
        component_arguments(func(a=type), [text])
    assert message in str(caught.value)


def test_component_arguments_of_another_number_are_refused() -> None:
    with pytest.raises(ValueTypeError) as caught:
        component_arguments(func(a=wit.U8), [])
    assert str(caught.value) == "expected 1 argument, got 0; its type is func(a: u8)"


def test_core_arguments_of_each_type_are_read_as_in_the_text_format() -> None:
    type = core.FuncType((core.I32, core.I32, core.I64, core.F32, core.F64, core.EXTERNREF), ())
    texts = ["0xffff_ffff", "-2", "18446744073709551615", "0.1", "0x1p-1", "null"]
    assert core_arguments(type, texts) == [-1, -2, -1, 0.10000000149011612, 0.5, None]


@pytest.mark.parametrize(
    ("type", "text", "message"),
    [
        (core.I32, "4294967296", "argument 0: '4294967296': constant out of range of i32"),
        (core.I32, "1.5", "argument 0: expected i32, got '1.5'"),
        (core.F64, "one", "argument 0: expected f64, got 'one'"),
        (core.F32, "1e39", "argument 0: '1e39': constant out of range"),
        (core.FUNCREF, "7", "argument 0: of funcref only null can be given on the command line, got '7'"),
    ],
)
def test_core_arguments_that_do_not_fit_are_refused(type: core.ValType, text: str, message: str) -> None:
    with pytest.raises(ValueTypeError) as caught:
        core_arguments(core.FuncType((type,), ()), [text])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "bits", "spelled"),
    [
        (0.10000000149011612, 32, "0.1"),
        (0.1, 64, "0.1"),
        (16777216.0, 32, "16777216.0"),
        (3.4028234663852886e38, 32, "3.4028235e+38"),
        (1.401298464324817e-45, 32, "1e-45"),
        (-0.0, 32, "-0.0"),
        (math.nan, 32, "nan"),
        (-math.inf, 64, "-inf"),
    ],
)
def test_show_float_is_the_shortest_that_reads_back(value: float, bits: int, spelled: str) -> None:
    assert show_float(value, bits) == spelled
    (again,) = core_arguments(core.FuncType((core.F32 if bits == 32 else core.F64,), ()), [spelled])
    assert repr(again) == repr(value)


def test_show_core_of_references_says_whether_they_are_null() -> None:
    assert show_core(None, core.FUNCREF) == "null"
    assert show_core(object(), core.EXTERNREF) == "externref"
    assert show_core(-1, core.I64) == "-1"
