"""The records observed in the reference implementation's own tests: ../shared/suites/canonical-abi."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from pywrt.canonical_abi import Variant, flatten_functype
from pywrt.canonical_abi.layout import Layouts
from pywrt.canonical_abi.scalars import check_f32, check_f64
from pywrt.canonical_abi.values import Record, Sums
from pywrt.errors import Trap
from pywrt.wasm.types import F32, I32, I64, ValType
from pywrt.wit import types as wit

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "suites" / "canonical-abi" / "vectors.json"
RECORDS: list[dict[str, Any]] = json.loads(VECTORS.read_text()) if VECTORS.exists() else []

pytestmark = pytest.mark.skipif(not RECORDS, reason=f"no {VECTORS}; see suites/canonical-abi/NOTICE.md there")


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(r, id=f"{kind}-{i}") for i, r in enumerate(RECORDS) if r["kind"] == kind]


def parse_type(t: dict[str, Any] | None) -> Any:
    match t:
        case None:
            return None
        case {"type": "Record", "fields": fields}:
            return wit.Record(tuple(wit.Field(f["label"], parse_type(f["t"])) for f in fields))
        case {"type": "Variant", "cases": cases}:
            return wit.Variant(tuple(wit.Case(c["label"], parse_type(c["t"])) for c in cases))
        case {"type": "Tuple", "ts": ts}:
            return wit.Tuple(tuple(map(parse_type, ts)))
        case {"type": "List", "t": element, "l": length}:
            return wit.List(parse_type(element), length)
        case {"type": "Map", "k": key, "v": value}:
            return wit.Map(parse_type(key), parse_type(value))
        case {"type": "Flags", "labels": labels}:
            return wit.Flags(tuple(labels))
        case {"type": "Enum", "labels": labels}:
            return wit.Enum(tuple(labels))
        case {"type": "Option", "t": payload}:
            return wit.Option(parse_type(payload))
        case {"type": "Result", **cases}:
            return wit.Result(parse_type(cases["ok"]), parse_type(cases.get("error", cases.get("err"))))
        case {"type": name}:
            return wit.Primitive(name.lower())
    raise AssertionError(t)


def parse_value(t: Any, v: Any) -> Any:
    """The Python value that a record's `lifted` stands for."""
    match t:
        case wit.Record(fields):
            record = Record()
            for f in fields:
                setattr(record, f.name, parse_value(f.type, v["fields"][f.name]))
            return record
        case wit.Tuple(types):
            return tuple(parse_value(u, v["fields"][str(i)]) for i, u in enumerate(types))
        case wit.List(element):
            values = [parse_value(element, e) for e in v]
            return bytes(values) if element == wit.U8 else values
        case wit.Map(key, item):
            pair = wit.Tuple((key, item))
            return dict(parse_value(pair, e) for e in v)
        case wit.Flags():
            return {name for name, on in v["fields"].items() if on}
        case wit.Enum():
            (name,) = v["fields"]
            return name
        case wit.Variant() | wit.Option() | wit.Result():
            total = Sums().of(t)
            ((name, payload),) = v["fields"].items()
            index = total.names.index("err" if name == "error" else name)
            u = total.types[index]
            return total.build(index, None if u is None else parse_value(u, payload))
    if isinstance(v, dict):
        v = v["string"] if "string" in v else v["str"] if "str" in v else float(v["float"])
    return check_f32(v) if t == wit.F32 else v


def parse_flat(core: ValType, v: Any) -> Any:
    """A core value; the records' f32 values are Python floats, not all of them a binary32."""
    v = float(v["float"]) if isinstance(v, dict) else v
    return check_f32(v) if core is F32 else v


@pytest.mark.parametrize("record", of_kind("lift_lower"))
def test_adapters_reference_record_lifts_and_lowers_as_recorded(side: Any, record: dict[str, Any]) -> None:
    pointer = {"i32": I32, "i64": I64}[record["ptr_type"]]
    source = side(record["src_encoding"], pages=1, pointer=pointer)
    source.memory.data[:] = bytes.fromhex(record["memory_hex"])  # bounds are checked to the byte
    t = parse_type(record["type"])
    flat = [parse_flat(*pair) for pair in zip(Layouts(pointer).of(t).flat, record["flat"], strict=True)]
    if record["trap"]:
        with pytest.raises(Trap):
            source.lift(t, *flat)
        return
    value = source.lift(t, *flat)
    assert value == parse_value(t, record["lifted"])
    if record["lower_type"] is not None:
        t = parse_type(record["lower_type"])
        value = parse_value(t, record["lower_value"]) if record["lower_value"] is not None else value
    elif record["lower_value"] is not None:
        value = parse_value(t, record["lower_value"])
    target = side(record["dst_encoding"] or "utf8", pointer=pointer)
    assert target.lift(t, *target.lower(t, value)) == value
    assert target.load(t, target.store_value(t, value)) == value
    flat.clear()
    target.adapters.lower_flat(t)(
        target.context(fused=True, source_encoding=record["src_encoding"]), value, flat
    )
    assert target.lift(t, *flat) == value


@pytest.mark.parametrize("record", of_kind("flatten"))
def test_flatten_functype_reference_record_gives_the_core_types(record: dict[str, Any]) -> None:
    t = record["type"]
    results = [parse_type(r) for r in t["result"]]
    result = None if not results else results[0] if len(results) == 1 else wit.Tuple(tuple(results))
    functype = wit.FuncType(
        tuple(wit.Field(f"p{i}", parse_type(p)) for i, p in enumerate(t["params"])), result
    )
    lowered = flatten_functype(functype, "lower")
    params, spilled = list(record["params"]), len(record["results"]) > 1
    # The records give the parameters before spilling, with the return pointer of the small ones.
    if spilled and params[-1:] == ["i32"] and len(params) == len(t["params"]) + 1:
        params.pop()
    expected = ["i32"] if len(params) > 16 else params
    assert [str(p) for p in lowered.params] == expected + ["i32"] * spilled
    assert [str(r) for r in lowered.results] == ([] if spilled else record["results"])
    assert len(flatten_functype(functype, "lift").results) == min(1, len(record["results"]))


@pytest.mark.parametrize("record", of_kind("test_nan32"))
def test_f32_reference_nan_record_gives_canonical_bits(side: Any, record: dict[str, Any]) -> None:
    value = struct.unpack("<f", struct.pack("<I", int(record["in_bits"], 16)))[0]
    lifted = side().lift(wit.F32, value)
    assert struct.pack("<f", lifted) == struct.pack("<I", int(record["out_bits"], 16))
    assert struct.pack("<f", check_f32(value)) == struct.pack("<I", int(record["out_bits"], 16))


@pytest.mark.parametrize("record", of_kind("test_nan64"))
def test_f64_reference_nan_record_gives_canonical_bits(side: Any, record: dict[str, Any]) -> None:
    value = struct.unpack("<d", struct.pack("<Q", int(record["in_bits"], 16)))[0]
    lifted = side().lift(wit.F64, value)
    assert struct.pack("<d", lifted) == struct.pack("<Q", int(record["out_bits"], 16))
    assert struct.pack("<d", check_f64(value)) == struct.pack("<Q", int(record["out_bits"], 16))


def test_variant_is_what_ambiguous_cases_lift_to(side: Any) -> None:
    t = wit.Variant((wit.Case("a", wit.U32), wit.Case("b", wit.U32)))
    assert side().lift(t, 1, 7) == Variant("b", 7)
