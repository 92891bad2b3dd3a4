"""Values on the command line: JSON for components, numbers of the text format for core modules.

| WIT | JSON |
|---|---|
| bool; integers; f32, f64 | true, false; a number; a number, or "nan", "inf", "-inf" |
| string, char, enum | a string |
| list, tuple; flags | an array; an array of names |
| record | an object |
| option | null or the value; {"some": value} where the value is an option itself |
| variant | {"case": value}, or "case" if it has no payload |
| result | {"ok": value} or {"err": value}, null for no value |
| resources | not as arguments; {"resource": name} as results |

An argument whose parameter is a string, char or enum need not be quoted: text that doesn't begin with `"`
stands for itself. Types nest at most 100 deep, and so does what follows them here.
"""

import json
import math
import struct
from collections.abc import Sequence
from typing import Any

from pywrt.canonical_abi.values import Sums, Variant, cases_of, describe, describe_type
from pywrt.cli.options import shown
from pywrt.errors import ValueTypeError
from pywrt.wasm import types as core
from pywrt.wasm.text.numbers import RangeError, parse_float, parse_int
from pywrt.wasm.text.printer.values import shortest_f32
from pywrt.wit import types as wit

_FLOATS = (wit.F32, wit.F64)
_SPECIAL_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

_Path = tuple[str, ...]


# Components


def component_arguments(type: wit.FuncType, texts: Sequence[str]) -> list[Any]:
    """The Python values that `texts` say for the parameters of `type`; ValueTypeError says what is wrong.

    What doesn't depend on how JSON spells a type, such as ranges, is left to the call to check.
    """
    check_count(len(type.params), len(texts), type)
    return [
        _component_argument(param.type, text, (f"argument {param.name!r}",))
        for param, text in zip(type.params, texts, strict=True)
    ]


def check_count(wanted: int, given: int, type: object) -> None:
    """ValueTypeError unless as many arguments are given as a function of `type` takes."""
    if wanted != given:
        raise ValueTypeError(
            f"expected {wanted} argument{'s'[: wanted != 1]}, got {given}; its type is {type}"
        )


def _component_argument(t: wit.WitType, text: str, path: _Path) -> Any:
    if (t in (wit.STRING, wit.CHAR) or isinstance(t, wit.Enum)) and not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise ValueTypeError(
            f"expected JSON for {describe_type(t)}, got {shown(text)} ({reason})", path
        ) from None
    except RecursionError:
        raise ValueTypeError("the JSON is nested too deeply", path) from None
    return from_json(value, t, path)


def from_json(value: Any, t: wit.WitType, path: _Path = ()) -> Any:
    """The Python value for a component of what JSON says; ValueTypeError with `path` in front."""
    match t:
        case wit.Record(fields):
            return _record_from_json(value, t, fields, path)
        case wit.List(element):
            if not isinstance(value, list) or (isinstance(element, wit.Primitive) and element not in _FLOATS):
                return value
            return [from_json(item, element, (*path, f"[{i}]")) for i, item in enumerate(value)]
        case wit.Tuple(types):
            if not isinstance(value, list) or len(value) != len(types):
                return value
            return [
                from_json(item, u, (*path, f"[{i}]"))
                for i, (item, u) in enumerate(zip(value, types, strict=True))
            ]
        case wit.Option(inner):
            if value is None:
                return None
            if isinstance(inner, wit.Option):
                return _case_from_json(value, t, path)
            return Variant("some", from_json(value, inner, path))
        case wit.Variant() | wit.Result():
            return _case_from_json(value, t, path)
        case wit.Own() | wit.Borrow():
            raise ValueTypeError("a resource can't be given on the command line", path)
        case _:
            if t in _FLOATS and isinstance(value, str):
                return _SPECIAL_FLOATS.get(value, value)
            return value


def _record_from_json(value: Any, t: wit.Record, fields: tuple[wit.Field, ...], path: _Path) -> Any:
    if not isinstance(value, dict):
        return value
    types = {f.name: f.type for f in fields}
    record = {}
    for key, item in value.items():
        name = key if key in types else key.replace("_", "-")
        if name not in types:
            raise ValueTypeError(f"{describe_type(t)} has no field {key!r}", path)
        record[name] = from_json(item, types[name], (*path, f"{name!r}"))
    return record


def _case_from_json(value: Any, t: wit.Variant | wit.Option | wit.Result, path: _Path) -> Variant:
    names, types = cases_of(t)
    cases = dict(zip(names, types, strict=True))
    if isinstance(value, dict) and len(value) == 1:
        ((name, payload),) = value.items()
    else:
        name, payload = value, None
    if not isinstance(name, str) or name not in cases:
        forms = [f'"{case}"' if u is None else f'{{"{case}": ...}}' for case, u in cases.items()]
        if len(forms) > 8:
            forms[8:] = ["..."]
        raise ValueTypeError(f"expected {', '.join(forms)}, got {_described(value)}", path)
    inner = cases[name]
    step = (*path, f"case {name!r}")
    if inner is None:
        if payload is not None:
            raise ValueTypeError("the case has no value", step)
        return Variant(name)
    return Variant(name, from_json(payload, inner, step))


def _described(value: Any) -> str:
    """A value of JSON for a message."""
    if isinstance(value, dict):
        return f"an object with the keys {', '.join(map(repr, value))}"[:120] if value else "an empty object"
    return describe(value)


def to_json(value: Any, t: wit.WitType) -> Any:
    """What `json.dumps` takes, for a value that a component returned."""
    return _to_json(value, t, Sums())


def _to_json(value: Any, t: wit.WitType, sums: Sums) -> Any:
    match t:
        case wit.Record(fields):
            return {f.name: _to_json(vars(value)[f.name], f.type, sums) for f in fields}
        case wit.List(element):
            return [_to_json(item, element, sums) for item in value]
        case wit.Tuple(types):
            return [_to_json(item, u, sums) for item, u in zip(value, types, strict=True)]
        case wit.Flags(names):
            return [name for name in names if name in value]
        case wit.Option() | wit.Variant() | wit.Result():
            return _case_to_json(value, t, sums)
        case wit.Own(resource) | wit.Borrow(resource):
            return {"resource": resource.name}
        case _ if t in _FLOATS:
            spelled = show_float(value, 32 if t == wit.F32 else 64)
            return spelled if spelled in _SPECIAL_FLOATS else float(spelled)
        case _:
            return value


def _case_to_json(value: Any, t: wit.Variant | wit.Option | wit.Result, sums: Sums) -> Any:
    sum = sums.of(t)
    index, payload = sum.match(value)
    name, inner = sum.names[index], sum.types[index]
    content = None if inner is None else _to_json(payload, inner, sums)
    if isinstance(t, wit.Option) and not (index and isinstance(t.type, wit.Option)):
        return content
    return name if inner is None and isinstance(t, wit.Variant) else {name: content}


# Core modules


def core_arguments(type: core.FuncType, texts: Sequence[str]) -> list[Any]:
    """The values that `texts` say for the parameters of `type`; ValueTypeError says what is wrong."""
    check_count(len(type.params), len(texts), type)
    return [
        _core_argument(t, text, f"argument {i}")
        for i, (t, text) in enumerate(zip(type.params, texts, strict=True))
    ]


def _core_argument(t: core.ValType, text: str, what: str) -> Any:
    if t not in core.NUMERIC_TYPES:
        if text == "null":
            return None
        raise ValueTypeError(f"of {t} only null can be given on the command line, got {shown(text)}", (what,))
    bits = 32 if t in (core.I32, core.F32) else 64
    is_float = t in (core.F32, core.F64)
    try:
        value = (parse_float if is_float else parse_int)(text, bits)
    except RangeError as error:
        raise ValueTypeError(f"{shown(text)}: {error}", (what,)) from None
    if value is None:
        raise ValueTypeError(f"expected {t}, got {shown(text)}", (what,))
    return _float_of(value, bits) if is_float else value - (value >> bits - 1 << bits)


def _float_of(pattern: int, bits: int) -> float:
    """The float with a bit pattern."""
    value: float = struct.unpack("<f" if bits == 32 else "<d", pattern.to_bytes(bits // 8, "little"))[0]
    return value


def show_core(value: Any, t: core.ValType) -> str:
    """A result as the text format spells it."""
    if t in (core.F32, core.F64):
        return show_float(value, 32 if t is core.F32 else 64)
    if t in core.NUMERIC_TYPES:
        return str(value)
    return "null" if value is None else str(t)


def show_float(value: float, bits: int) -> str:
    """The shortest decimal that is read back as `value`, a float of 32 or 64 bits; nan, inf, -inf."""
    if bits == 64 or not math.isfinite(value):
        return repr(float(value))
    return repr(shortest_f32(value))
