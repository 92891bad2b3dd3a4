"""Script values of components to Python values and back. Floats are compared bit for bit."""

from typing import Any

from pywrt.canonical_abi.values import Record, Sums, Variant
from pywrt.component.text.script import Case, Fields, Labels, Scalar, Sequence
from pywrt.engine.numeric import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from pywrt.wasm.text.script import Const, Either, NanPattern, Result
from pywrt.wit import types as wit
from spectests.values import matches_bits

_FROM_BITS = {"f32": f32_from_bits, "f64": f64_from_bits}
_TO_BITS = {"f32": f32_to_bits, "f64": f64_to_bits}
_CASE_TYPES = {"variant": wit.Variant, "enum": wit.Enum, "option": wit.Option, "result": wit.Result}


def to_python(value: Result) -> Any:
    """The Python value of an argument; its type is checked where it is used. ValueError for a pattern."""
    if isinstance(value, Const) and value.type in _FROM_BITS:
        return _FROM_BITS[value.type](value.bits)
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, Sequence):
        items = [to_python(item) for item in value.items]
        return items if value.type == "list" else tuple(items)
    if isinstance(value, Fields):
        return Record(**{name: to_python(item) for name, item in value.fields})
    if isinstance(value, Labels):
        return set(value.names)
    if isinstance(value, Case):
        if value.type == "enum":
            return value.name
        return Variant(value.name, None if value.payload is None else to_python(value.payload))
    raise ValueError(f"{value} is no component value")


def matches(value: Any, type: wit.WitType, pattern: Result) -> bool:
    """Whether a result of type `type` is what a script expects."""
    if isinstance(pattern, Either):
        return any(matches(value, type, option) for option in pattern.options)
    if isinstance(pattern, Const | NanPattern):
        to_bits = _TO_BITS.get(pattern.type)
        return to_bits is not None and _is(type, pattern.type) and matches_bits(to_bits(value), pattern)
    if isinstance(pattern, Scalar):
        return _is(type, pattern.type) and bool(value == pattern.value)
    if isinstance(pattern, Sequence):
        return _matches_items(value, type, pattern)
    if isinstance(pattern, Fields):
        return isinstance(type, wit.Record) and _matches_fields(value, type, pattern)
    if isinstance(pattern, Labels):
        return isinstance(type, wit.Flags) and value == pattern.names
    if isinstance(pattern, Case):
        return isinstance(type, _CASE_TYPES[pattern.type]) and _matches_case(value, type, pattern)
    return False


def _is(type: wit.WitType, name: str) -> bool:
    return isinstance(type, wit.Primitive) and type.name == name


def _matches_items(value: Any, type: wit.WitType, pattern: Sequence) -> bool:
    types: list[wit.WitType]
    if isinstance(type, wit.List) and pattern.type == "list":
        types = [type.element] * len(value)
    elif isinstance(type, wit.Tuple) and pattern.type == "tuple":
        types = list(type.types)
    else:
        return False
    return len(value) == len(pattern.items) and all(map(matches, value, types, pattern.items))


def _matches_fields(value: Any, type: wit.Record, pattern: Fields) -> bool:
    if [field.name for field in type.fields] != [name for name, _ in pattern.fields]:
        return False
    fields = zip(type.fields, pattern.fields, strict=True)
    return all(matches(getattr(value, name), field.type, item) for field, (name, item) in fields)


def _matches_case(value: Any, type: Any, pattern: Case) -> bool:
    if isinstance(type, wit.Enum):
        return bool(value == pattern.name)
    cases = Sums().of(type)
    index, payload = cases.match(value)
    expected = cases.types[index]
    if cases.names[index] != pattern.name or (expected is None) != (pattern.payload is None):
        return False
    return expected is None or pattern.payload is None or matches(payload, expected, pattern.payload)
