"""Component values by the names in the component's own types.

Strategy: `reader(type)` makes a function from lifted values to plain data, where names and cases can be
looked up without knowing the type: a record is a dict by WIT name, a variant or result a pair (case,
payload), an option None or the value. `fit(type, data)` is the way back: what the type has and the data
lacks gets the emptiest value there is, and what the data has on top is left out. So a component built
against another revision of an interface works as long as what both know suffices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pywrt.canonical_abi.values import Sums, Variant
from pywrt.wit import types as wit

Reader = Callable[[Any], Any]


class BindingError(ValueError):
    """What a component gave can't be expressed in MCP; the message says what."""


class Data(dict[str, Any]):
    """A record's fields by WIT name. Subscription insists on a field, `get` doesn't."""

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        raise BindingError(f"the component's own types have no field {name!r}, which MCP needs")


def reader(t: wit.WitType, sums: Sums | None = None) -> Reader | None:
    """How to read values of type `t`; None if they are plain data as they are."""
    sums = Sums() if sums is None else sums
    match t:
        case wit.Record():
            return _read_record([(f.name, reader(f.type, sums)) for f in t.fields])
        case wit.List():
            return _read_list(reader(t.element, sums))
        case wit.Tuple():
            return _read_tuple([reader(u, sums) for u in t.types])
        case wit.Option():
            return _read_option(sums.of(t).match, reader(t.type, sums))
        case wit.Variant() | wit.Result():
            found = sums.of(t)
            reads = [None if u is None else reader(u, sums) for u in found.types]
            return _read_cases(found.match, found.names, reads)
        case _:
            return None


def read(t: wit.WitType | None, value: Any) -> Any:
    """`value` of type `t` as plain data."""
    read = None if t is None else reader(t)
    return value if read is None else read(value)


def _read_record(fields: list[tuple[str, Reader | None]]) -> Reader:
    def read_record(value: Any) -> Data:
        given = value.__dict__
        return Data((name, given[name] if read is None else read(given[name])) for name, read in fields)

    return read_record


def _read_list(element: Reader | None) -> Reader | None:
    if element is None:
        return None
    return lambda value: [element(one) for one in value]


def _read_tuple(elements: list[Reader | None]) -> Reader:
    def read_tuple(value: Any) -> tuple[Any, ...]:
        return tuple(one if read is None else read(one) for one, read in zip(value, elements, strict=True))

    return read_tuple


def _read_option(match: Callable[[Any], tuple[int, Any]], some: Reader | None) -> Reader:
    def read_option(value: Any) -> Any:
        index, payload = match(value)
        return payload if index == 0 or some is None else some(payload)

    return read_option


def _read_cases(
    match: Callable[[Any], tuple[int, Any]], names: list[str], reads: list[Reader | None]
) -> Reader:
    def read_case(value: Any) -> tuple[str, Any]:
        index, payload = match(value)
        read = reads[index]
        return names[index], payload if read is None else read(payload)

    return read_case


def fit(t: wit.WitType, data: Any) -> Any:
    """`data` as a value of type `t`. None stands for whatever is emptiest.

    Text and bytes stand for each other (as UTF-8), a number for its digits; an enum without the case takes
    its last one. What can't be made to fit at all is left as it is, for lowering to name.
    """
    if isinstance(t, wit.Option):
        return None if data is None else Variant("some", fit(t.type, data))
    if data is None:
        return _emptiest(t)
    match t:
        case wit.Record():
            return {f.name: fit(f.type, _field(data, f.name)) for f in t.fields}
        case wit.Enum():
            return data if data in t.names else t.names[-1]
        case wit.List(element=wit.U8) if isinstance(data, str):
            return data.encode("utf-8", "replace")
        case wit.List() if isinstance(data, (list, tuple)):
            return [fit(t.element, one) for one in data]
        case wit.STRING if isinstance(data, (bytes, bytearray)):
            return data.decode("utf-8", "replace")
        case wit.STRING if isinstance(data, int):
            return str(data)
        case _:
            return data


def _field(data: Any, name: str) -> Any:
    if isinstance(data, Mapping):
        return data.get(name)
    return getattr(data, name.replace("-", "_"), None)


_EMPTIEST: dict[str, Any] = {"string": "", "bool": False, "char": "\0", "f32": 0.0, "f64": 0.0}


def _emptiest(t: wit.WitType) -> Any:
    match t:
        case wit.Primitive(name):
            return _EMPTIEST.get(name, 0)
        case wit.Record():
            return {f.name: _emptiest(f.type) for f in t.fields}
        case wit.Tuple():
            return tuple(_emptiest(u) for u in t.types)
        case wit.List(element, length):
            return b"" if length is None and element == wit.U8 else [_emptiest(element)] * (length or 0)
        case wit.Flags():
            return set()
        case wit.Enum():
            return t.names[-1]
        case wit.Variant():
            case = t.cases[0]
            return Variant(case.name, None if case.type is None else _emptiest(case.type))
        case wit.Result():
            return Variant("ok", None if t.ok is None else _emptiest(t.ok))
        case _:
            return None


def arguments(params: Sequence[wit.Field], given: Mapping[str, Any]) -> list[Any]:
    """The arguments of a function by the names of its parameters; see `assign` for other names."""
    names = assign([p.name for p in params], list(given))
    return [fit(p.type, given.get(name)) for p, name in zip(params, names, strict=True)]


def assign(params: Sequence[str], expected: Sequence[str]) -> list[str]:
    """Which of the `expected` names each parameter is.

    The parameter of that name; parameters of other names take what is left over, in order, so that renaming
    one breaks nothing. More parameters than that keep their own names.
    """
    spare = [name for name in expected if name not in params]
    return [name if name in expected or not spare else spare.pop(0) for name in params]
