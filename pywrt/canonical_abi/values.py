"""Component values as Python sees them, following wasmtime-py where that is sensible.

| WIT | lifted to | also accepted |
|---|---|---|
| bool, string, char | bool, str, str of length 1 | |
| s8 ... u64 | int | anything with `__index__` |
| f32, f64 | float | int, anything with `__float__` |
| list<u8>; other lists | bytes; list | bytearray, memoryview, list of int; tuple, any sequence |
| map | dict, of a key's values the last | any mapping, an iterable of pairs |
| record | `Record` | a mapping, any object with the attributes |
| tuple | tuple | list |
| flags; enum | set of str; str | frozenset, list, tuple of str |
| option | None or the bare value | `Variant("some", value)` |
| result, variant | bare payload, or `Variant` | `Variant`, (tag, payload), `Err`, bare payload |

A variant (an option, a result) is lifted to its bare payload if the payloads' Python classes tell the
cases apart, else to a `Variant`. Names are WIT's, in kebab-case; attributes may be spelled in snake_case.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from pywrt.errors import ValueTypeError
from pywrt.wit.types import (
    Borrow,
    Enum,
    Flags,
    Future,
    List,
    Map,
    Option,
    Own,
    Primitive,
    Result,
    Stream,
    Tuple,
    WitType,
)
from pywrt.wit.types import (
    Record as RecordType,
)
from pywrt.wit.types import (
    Variant as VariantType,
)


def kebab(name: str) -> str:
    """The WIT name that a Python attribute stands for: `max_size` is `max-size`, `from_` is `from`."""
    return name.rstrip("_").replace("_", "-")


class Record:
    """A record value: its fields are attributes, under their WIT name or in snake_case."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update((kebab(name), value) for name, value in fields.items())

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__[kebab(name)]
        except KeyError:
            raise AttributeError(f"record has no field {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[kebab(name)] = value

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, Record) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # fields can be assigned

    def __repr__(self) -> str:
        return f"Record({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


class Variant:
    """A case of a variant, option or result: its name, and its payload or None."""

    __slots__ = ("payload", "tag")

    def __init__(self, tag: str, payload: Any = None) -> None:
        self.tag = tag
        self.payload = payload

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Variant):
            return NotImplemented
        return self.tag == other.tag and bool(self.payload == other.payload)

    __hash__ = None  # type: ignore[assignment]  # payloads can be assigned

    def __repr__(self) -> str:
        return (
            f"Variant({self.tag!r})" if self.payload is None else f"Variant({self.tag!r}, {self.payload!r})"
        )


class Err(Exception):
    """The err case of a result: a host function raises it, or it is given as a value."""

    def __init__(self, payload: Any = None) -> None:
        super().__init__(payload)
        self.payload = payload


class Utf16String(str):
    """A string on its way to another component, from latin1+utf16 memory where it was in UTF-16.

    The encoding shows in what is asked of the other component's realloc.
    """

    __slots__ = ()


def describe(value: Any) -> str:
    """A short description of `value` for an error message."""
    kind = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, int):
        return f"{kind} {value}" if value.bit_length() <= 128 else f"{kind} of {value.bit_length()} bits"
    if isinstance(value, str):
        return f"{kind} {value!r}" if len(value) <= 40 else f"{kind} {value[:40]!r}..."
    if isinstance(value, float):
        return f"{kind} {value!r}"
    if isinstance(value, (bytes, bytearray, list, tuple, dict, set)):
        return f"{kind} of length {len(value)}"
    return kind


def describe_type(t: WitType) -> str:
    """A short description of a type for an error message: its kind, and names where they help."""
    match t:
        case Primitive(name):
            return name
        case Flags(names) | Enum(names):
            return f"{type(t).__name__.lower()} {{{_some(names)}}}"
        case RecordType(fields):
            return f"record {{{_some([f.name for f in fields])}}}"
        case VariantType(cases):
            return f"variant {{{_some([c.name for c in cases])}}}"
        case Tuple(types):
            return f"tuple of {len(types)}"
        case List(element, length):
            of = describe_type(element) if isinstance(element, Primitive) else "..."
            return f"list<{of}>" if length is None else f"list<{of}, {length}>"
        case Map(key, item):
            return (
                f"map<{describe_type(key)}, {describe_type(item) if isinstance(item, Primitive) else '...'}>"
            )
        case Own() | Borrow() | Stream() | Future():
            return str(t)
        case _:
            return type(t).__name__.lower()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:8])}, ..."


# Products: records and tuples


class Product:
    """How to build the Python value of a record or tuple from its fields' values, and take it apart.

    `split` raises ValueTypeError for a value that has not these fields; `steps` name the fields in paths.
    `names` are those of a record's fields; None for a tuple.
    """

    __slots__ = ("build", "names", "split", "steps", "types")

    def __init__(
        self,
        types: list[WitType],
        steps: list[str],
        build: Callable[[Sequence[Any]], Any],
        split: Callable[[Any], Sequence[Any]],
        names: list[str] | None = None,
    ) -> None:
        self.types = types
        self.names = names
        self.steps = steps
        self.build = build
        self.split = split


def product_of(t: RecordType | Tuple) -> Product:
    """The product for a record or a tuple type."""
    if isinstance(t, Tuple):
        return _tuple_product(t)
    return _record_product(t)


def _tuple_product(t: Tuple) -> Product:
    arity = len(t.types)

    def split(value: Any) -> Sequence[Any]:
        if not isinstance(value, (tuple, list)):
            raise ValueTypeError(f"expected {describe_type(t)}, got {describe(value)}")
        if len(value) != arity:
            raise ValueTypeError(f"expected {describe_type(t)}, got {len(value)} values")
        return value

    return Product(list(t.types), [f"[{i}]" for i in range(arity)], tuple, split)


def _record_product(t: RecordType) -> Product:
    names = [f.name for f in t.fields]
    spellings = [
        (name, name.replace("-", "_"), isinstance(f.type, Option))
        for name, f in zip(names, t.fields, strict=True)
    ]
    new = Record.__new__
    # itemgetter of one name gives no tuple
    fields_of: Callable[[dict[str, Any]], Sequence[Any]] = (
        itemgetter(*names) if len(names) > 1 else lambda fields: [fields[name] for name in names]
    )

    def build(values: Sequence[Any]) -> Record:
        record = new(Record)
        fields = record.__dict__
        for name, value in zip(names, values):  # noqa: B905  # hot, and there are as many of both
            fields[name] = value
        return record

    def split(value: Any) -> Sequence[Any]:
        fields: Mapping[str, Any]
        if type(value) is Record:
            fields = value.__dict__
            try:
                return fields_of(fields)
            except KeyError:
                pass
        elif isinstance(value, Mapping):
            fields = value
        elif value is None or isinstance(value, (int, float, str, bytes, list, tuple, set)):
            raise ValueTypeError(f"expected {describe_type(t)}, got {describe(value)}")
        else:
            return [_attribute(value, *spelling) for spelling in spellings]
        return [_item(fields, *spelling) for spelling in spellings]

    return Product([f.type for f in t.fields], [f"{name!r}" for name in names], build, split, names)


def _item(fields: Mapping[str, Any], name: str, snake: str, optional: bool) -> Any:
    if name in fields:
        return fields[name]
    if snake in fields:
        return fields[snake]
    if optional:
        return None
    raise ValueTypeError(f"field {name!r} is missing")


def _attribute(value: Any, name: str, snake: str, optional: bool) -> Any:
    try:
        return getattr(value, snake)
    except AttributeError:
        pass
    try:
        return getattr(value, name)
    except AttributeError:
        if optional:
            return None
        raise ValueTypeError(f"field {name!r} is missing in {describe(value)}") from None


# Sums: variants, options and results


class Sum:
    """How to build the Python value of a variant, option or result from a case, and find the case again.

    `match` gives (case index, payload) and raises ValueTypeError for a value that is of no case.
    """

    __slots__ = ("build", "match", "names", "types")

    def __init__(
        self,
        names: list[str],
        types: list[WitType | None],
        build: Callable[[int, Any], Any],
        match: Callable[[Any], tuple[int, Any]],
    ) -> None:
        self.names = names
        self.types = types
        self.build = build
        self.match = match


def cases_of(t: VariantType | Option | Result) -> tuple[list[str], list[WitType | None]]:
    """The names and payload types of the cases."""
    if isinstance(t, Option):
        return ["none", "some"], [None, t.type]
    if isinstance(t, Result):
        return ["ok", "err"], [t.ok, t.err]
    return [c.name for c in t.cases], [c.type for c in t.cases]


class _Resource:
    """Stands for the Python class of what handles refer to, whatever it is."""


_PRIMITIVE_CLASSES: dict[str, type] = {
    "bool": bool,
    "f32": float,
    "f64": float,
    "char": str,
    "string": str,
    "error-context": _Resource,
}

_CLASSES: dict[type, type] = {
    RecordType: Record,
    Tuple: tuple,
    Map: dict,
    Flags: set,
    Enum: str,
    Own: _Resource,
    Borrow: _Resource,
    Stream: _Resource,
    Future: _Resource,
}

#: Classes that are accepted in place of the one that a type is lifted to.
_LOOSE: dict[type, tuple[type, ...]] = {
    float: (int,),
    bytes: (bytearray, memoryview, list, tuple),
    list: (tuple,),
    tuple: (list,),
    dict: (Mapping,),
    set: (frozenset,),
    Record: (Mapping,),
}

_NONE = type(None)


class Sums:
    """Finds the sums of types, and remembers their Python classes by the identity of the type."""

    __slots__ = ("_classes",)

    def __init__(self) -> None:
        self._classes: dict[int, tuple[WitType, frozenset[type]]] = {}

    def of(self, t: VariantType | Option | Result) -> Sum:
        """The sum for a variant, option or result type."""
        names, types = cases_of(t)
        classes = [self._case_classes(u) for u in types]
        if self._told_apart(classes):
            return Sum(names, types, lambda index, payload: payload, _bare_match(t, names, types, classes))
        return Sum(
            names,
            types,
            lambda index, payload: Variant(names[index], payload),
            _tagged_match(t, names, types),
        )

    def classes_of(self, t: WitType) -> frozenset[type]:
        """The Python classes that values of `t` are lifted to."""
        known = self._classes.get(id(t))
        if known is not None:
            return known[1]
        if isinstance(t, Primitive):
            found = frozenset({_PRIMITIVE_CLASSES.get(t.name, int)})
        elif isinstance(t, List):
            found = frozenset({bytes if t.element == Primitive("u8") else list})
        elif isinstance(t, (VariantType, Option, Result)):
            classes = [self._case_classes(u) for u in cases_of(t)[1]]
            found = frozenset().union(*classes) if self._told_apart(classes) else frozenset({Variant})
        else:
            found = frozenset({_CLASSES[type(t)]})
        self._classes[id(t)] = (t, found)
        return found

    def _case_classes(self, t: WitType | None) -> frozenset[type]:
        return frozenset({_NONE}) if t is None else self.classes_of(t)

    def _told_apart(self, classes: list[frozenset[type]]) -> bool:
        return len(frozenset().union(*classes)) == sum(map(len, classes))


def _tagged_match(
    t: WitType, names: list[str], types: list[WitType | None]
) -> Callable[[Any], tuple[int, Any]]:
    index_of = {name: i for i, name in enumerate(names)}
    is_result, is_option = isinstance(t, Result), isinstance(t, Option)

    def match(value: Any) -> tuple[int, Any]:
        if isinstance(value, Variant):
            index = index_of.get(value.tag)
            if index is not None:
                return index, value.payload
        elif is_result and isinstance(value, Err):
            return 1, value.payload
        elif isinstance(value, tuple) and len(value) == 2 and type(value[0]) is str and value[0] in index_of:
            return index_of[value[0]], value[1]
        if is_option:
            return (0, None) if value is None else (1, value)
        if is_result and (types[0] is not None or value is None):
            return 0, value
        if isinstance(value, str) and value in index_of and types[index_of[value]] is None:
            return index_of[value], None
        raise _no_case(t, value)

    return match


def _bare_match(
    t: WitType, names: list[str], types: list[WitType | None], classes: list[frozenset[type]]
) -> Callable[[Any], tuple[int, Any]]:
    by_class = {cls: i for i, case in enumerate(classes) for cls in case}
    if str in by_class:
        by_class[Utf16String] = by_class[str]
    tagged = _tagged_match(VariantType(()), names, types)
    payloads = [i for i, u in enumerate(types) if u is not None]
    is_result = isinstance(t, Result)

    def match(value: Any) -> tuple[int, Any]:
        index = by_class.get(type(value))
        if index is not None:
            return index, value
        if is_result and isinstance(value, Err):
            return 1, value.payload
        if isinstance(value, (Variant, str, tuple)):
            try:
                return tagged(value)
            except ValueTypeError:
                pass
        for cls, index in by_class.items():
            if isinstance(value, cls):
                return index, value
        for cls, index in by_class.items():
            if isinstance(value, _LOOSE.get(cls, ())):
                return index, value
        if _Resource in by_class and value is not None:
            return by_class[_Resource], value
        if len(payloads) == 1 and value is not None:
            return payloads[0], value
        raise _no_case(t, value)

    return match


def _no_case(t: WitType, value: Any) -> ValueTypeError:
    if isinstance(value, Variant):
        return ValueTypeError(f"expected {describe_type(t)}, got a Variant with tag {value.tag!r}")
    return ValueTypeError(f"expected {describe_type(t)}, got {describe(value)}")
