"""Conversion between the values of `pywrt.component` and those of typed bindings.

Strategy: for a type, a function is made once for each direction, or None where the values are the same: then
nothing is called. Which class stands for a record or a variant is looked up by the identity of the type
object, since that is what has a name (see `pywrt.component.types`). A value that doesn't fit is passed on as
it is: lowering refuses it, and says where it was.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from pywrt.bindgen.values import Err as TypedErr
from pywrt.bindgen.values import GuestObject, Ok, Some, handle_of, object_of
from pywrt.canonical_abi.values import Err, Record, Sum, Sums, kebab
from pywrt.wit import types as wit

Convert = Callable[[Any], Any] | None

#: The class of a record, or the classes of a variant's cases by the cases' names.
Class = type | Mapping[str, type]


class Classes:
    """Which classes stand for the records, variants and resources of a component.

    With `typed` off, options, results and what has no class stay as `pywrt.component` has them; only
    handles within them become objects.
    """

    __slots__ = ("_named", "_resources", "typed")

    def __init__(self, typed: bool) -> None:
        self.typed = typed
        self._named: dict[int, tuple[wit.WitType, Class]] = {}
        self._resources: dict[wit.ResourceType, type[GuestObject]] = {}

    def add(self, type: wit.WitType, cls: Class) -> None:
        """Let `cls` stand for a record or variant type."""
        self._named[id(type)] = (type, cls)

    def add_resource(self, type: wit.ResourceType, cls: type[GuestObject]) -> None:
        """Let handles to a resource type be objects of `cls`."""
        self._resources[type] = cls

    def named(self, type: wit.WitType) -> Any:
        """The class, or the classes, of a record or variant type; None if there is none."""
        known = self._named.get(id(type))
        return None if known is None else known[1]

    def resource(self, type: wit.ResourceType) -> type[GuestObject] | None:
        """The class for handles to a resource; None for one of the host."""
        return self._resources.get(type)


class Conversion:
    """One direction. What the two share: types whose parts are converted each for itself."""

    __slots__ = ("_known", "_sums", "classes")

    def __init__(self, classes: Classes) -> None:
        self.classes = classes
        self._sums = Sums()
        self._known: dict[int, tuple[wit.WitType, Convert]] = {}

    def of(self, type: wit.WitType | None) -> Convert:
        """What converts a value of `type`; None if it stays as it is."""
        make = _MAKERS.get(type.__class__)
        if make is None or type is None:
            return None
        known = self._known.get(id(type))
        if known is None:
            known = self._known[id(type)] = (type, make(self, type))
        return known[1]

    def sum(self, type: wit.Variant | wit.Option | wit.Result) -> Sum:
        """How `pywrt.component` shows the cases of `type`."""
        return self._sums.of(type)

    def of_record(self, t: wit.Record) -> Convert:
        steps = [(field.name, self.of(field.type)) for field in t.fields]
        cls = self.classes.named(t)
        return _fields(steps) if cls is None else self.classed_record(steps, cls)

    def of_variant(self, t: wit.Variant) -> Convert:
        steps = [self.of(case.type) for case in t.cases]
        classes = self.classes.named(t)
        return _payload(self.sum(t), steps) if classes is None else self.classed_variant(t, steps, classes)

    def of_list(self, t: wit.List) -> Convert:
        step = self.of(t.element)
        return None if step is None else lambda value: _items(value, step)

    def of_tuple(self, t: wit.Tuple) -> Convert:
        steps = [self.of(item) for item in t.types]
        return None if _idle(steps) else lambda value: _parts(value, steps)

    def of_option(self, t: wit.Option) -> Convert:
        step = self.of(t.type)
        nested = isinstance(t.type, wit.Option)
        if not self.classes.typed:
            return _payload(self.sum(t), [None, step])
        return None if step is None and not nested else self.typed_option(self.sum(t), step, nested)

    def of_result(self, t: wit.Result) -> Convert:
        steps = [self.of(t.ok), self.of(t.err)]
        return self.typed_result(self.sum(t), steps) if self.classes.typed else _payload(self.sum(t), steps)

    def of_handle(self, t: wit.Own | wit.Borrow) -> Convert:
        cls = self.classes.resource(t.resource)
        return None if cls is None else self.classed_handle(cls)

    def of_stream(self, t: wit.Stream) -> Convert:
        step = self.of(t.element)
        return None if step is None else self.elements(step)

    def of_future(self, t: wit.Future) -> Convert:
        step = self.of(t.element)
        return None if step is None else self.outcome(step)

    def of_map(self, t: wit.Map) -> Convert:
        key, value = self.of(t.key), self.of(t.value)
        return None if _idle([key, value]) else lambda items: _entries(items, key, value)

    # What differs

    def classed_record(self, steps: Sequence[tuple[str, Convert]], cls: Any) -> Convert:
        raise NotImplementedError

    def classed_variant(
        self, t: wit.Variant, steps: Sequence[Convert], classes: Mapping[str, Any]
    ) -> Convert:
        raise NotImplementedError

    def classed_handle(self, cls: type[GuestObject]) -> Convert:
        raise NotImplementedError

    def typed_option(self, sum: Sum, step: Convert, nested: bool) -> Convert:
        raise NotImplementedError

    def typed_result(self, sum: Sum, steps: Sequence[Convert]) -> Convert:
        raise NotImplementedError

    def elements(self, step: Callable[[Any], Any]) -> Convert:
        raise NotImplementedError

    def outcome(self, step: Callable[[Any], Any]) -> Convert:
        raise NotImplementedError


class ToHost(Conversion):
    """From what a component gave to typed values."""

    __slots__ = ()

    def classed_record(self, steps: Sequence[tuple[str, Convert]], cls: Any) -> Convert:
        def to_object(value: Any) -> Any:
            fields = vars(value)
            return cls(*[apply(step, fields[name]) for name, step in steps])

        return to_object

    def classed_variant(
        self, t: wit.Variant, steps: Sequence[Convert], classes: Mapping[str, Any]
    ) -> Convert:
        match = self.sum(t).match
        cases = [(classes[case.name], case.type is not None) for case in t.cases]

        def to_case(value: Any) -> Any:
            index, payload = match(value)
            cls, has_payload = cases[index]
            return cls(apply(steps[index], payload)) if has_payload else cls()

        return to_case

    def classed_handle(self, cls: type[GuestObject]) -> Convert:
        return lambda handle: object_of(cls, handle)

    def typed_option(self, sum: Sum, step: Convert, nested: bool) -> Convert:
        def to_optional(value: Any) -> Any:
            index, payload = sum.match(value)
            if index == 0:
                return None
            return Some(apply(step, payload)) if nested else apply(step, payload)

        return to_optional

    def typed_result(self, sum: Sum, steps: Sequence[Convert]) -> Convert:
        def to_result(value: Any) -> Any:
            index, payload = sum.match(value)
            return (Ok, TypedErr)[index](apply(steps[index], payload))

        return to_result

    def elements(self, step: Callable[[Any], Any]) -> Convert:
        return lambda reader: ConvertedStream(reader, step)

    def outcome(self, step: Callable[[Any], Any]) -> Convert:
        return lambda reader: ConvertedFuture(reader, step)


class ToGuest(Conversion):
    """From typed values to what a component takes."""

    __slots__ = ()

    def classed_record(self, steps: Sequence[tuple[str, Convert]], cls: Any) -> Convert:
        fields = [
            (name, attribute, step) for (name, step), attribute in zip(steps, fields_of(cls), strict=True)
        ]

        def to_record(value: Any) -> Any:
            if not isinstance(value, cls):
                return value
            return Record(
                **{name: apply(step, getattr(value, attribute)) for name, attribute, step in fields}
            )

        return to_record

    def classed_variant(
        self, t: wit.Variant, steps: Sequence[Convert], classes: Mapping[str, Any]
    ) -> Convert:
        build = self.sum(t).build
        cases = {classes[case.name]: (index, case.type is not None) for index, case in enumerate(t.cases)}

        def from_case(value: Any) -> Any:
            found = cases.get(type(value))
            if found is None:
                return value
            index, has_payload = found
            return build(index, apply(steps[index], value.value) if has_payload else None)

        return from_case

    def classed_handle(self, cls: type[GuestObject]) -> Convert:
        return handle_of

    def typed_option(self, sum: Sum, step: Convert, nested: bool) -> Convert:
        def from_optional(value: Any) -> Any:
            if value is None:
                return sum.build(0, None)
            if not nested:
                return sum.build(1, apply(step, value))
            return sum.build(1, apply(step, value.value)) if isinstance(value, Some) else value

        return from_optional

    def typed_result(self, sum: Sum, steps: Sequence[Convert]) -> Convert:
        def from_result(value: Any) -> Any:
            if isinstance(value, Ok):
                return sum.build(0, apply(steps[0], value.value))
            return sum.build(1, apply(steps[1], value.payload)) if isinstance(value, Err) else value

        return from_result

    def elements(self, step: Callable[[Any], Any]) -> Convert:
        def to_stream(value: Any) -> Any:
            if isinstance(value, ConvertedStream):
                return value.reader
            if hasattr(value, "__aiter__"):
                return _elements_async(value, step)
            return _elements(value, step) if hasattr(value, "__iter__") else value

        return to_stream

    def outcome(self, step: Callable[[Any], Any]) -> Convert:
        def to_future(value: Any) -> Any:
            if isinstance(value, ConvertedFuture):
                return value.reader
            return _awaited(value, step) if hasattr(value, "__await__") else step(value)

        return to_future


class ConvertedStream:
    """A stream of a component whose elements are converted as they are read."""

    __slots__ = ("reader", "step")

    def __init__(self, reader: Any, step: Callable[[Any], Any]) -> None:
        self.reader = reader
        self.step = step

    def __aiter__(self) -> "ConvertedStream":
        return self

    async def __anext__(self) -> Any:
        return self.step(await anext(self.reader))

    def __iter__(self) -> "ConvertedStream":
        return self

    def __next__(self) -> Any:
        return self.step(next(self.reader))

    def close(self) -> None:
        """Read no more: the writer learns of it."""
        self.reader.close()


class ConvertedFuture:
    """A future of a component whose value is converted."""

    __slots__ = ("reader", "step")

    def __init__(self, reader: Any, step: Callable[[Any], Any]) -> None:
        self.reader = reader
        self.step = step

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.step((yield from self.reader.__await__()))

    def result_now(self) -> Any:
        """The value, without an event loop."""
        return self.step(self.reader.result_now())

    def close(self) -> None:
        """Wait no more: the writer learns of it."""
        self.reader.close()


_MAKERS: dict[type, Callable[[Conversion, Any], Convert]] = {
    wit.Record: Conversion.of_record,
    wit.Variant: Conversion.of_variant,
    wit.List: Conversion.of_list,
    wit.Tuple: Conversion.of_tuple,
    wit.Option: Conversion.of_option,
    wit.Result: Conversion.of_result,
    wit.Own: Conversion.of_handle,
    wit.Borrow: Conversion.of_handle,
    wit.Stream: Conversion.of_stream,
    wit.Future: Conversion.of_future,
    wit.Map: Conversion.of_map,
}


def apply(step: Convert, value: Any) -> Any:
    """The converted value."""
    return value if step is None else step(value)


def fields_of(cls: Any) -> tuple[str, ...]:
    """The names of a dataclass's fields, in order; nothing if it is none."""
    names: tuple[str, ...] = getattr(cls, "__match_args__", ())
    return names


def _idle(steps: Sequence[Convert]) -> bool:
    return all(step is None for step in steps)


def _fields(steps: Sequence[tuple[str, Convert]]) -> Convert:
    """Converts fields of a record that stays a `Record`."""
    if _idle([step for _, step in steps]):
        return None

    def convert(value: Any) -> Any:
        if isinstance(value, Record):
            fields = vars(value)
        elif isinstance(value, Mapping):
            fields = {kebab(name): item for name, item in value.items()}
        else:
            return value
        return Record(**{name: apply(step, fields[name]) for name, step in steps if name in fields})

    return convert


def _payload(sum: Sum, steps: Sequence[Convert]) -> Convert:
    """Converts the payloads of a variant, option or result that stays as it is."""
    if _idle(steps):
        return None

    def convert(value: Any) -> Any:
        index, payload = sum.match(value)
        return sum.build(index, apply(steps[index], payload))

    return convert


def _items(value: Any, step: Callable[[Any], Any]) -> Any:
    return [step(item) for item in value] if isinstance(value, Sequence) else value


def _parts(value: Any, steps: Sequence[Convert]) -> Any:
    if not isinstance(value, (tuple, list)) or len(value) != len(steps):
        return value
    return tuple([apply(step, part) for step, part in zip(steps, value, strict=True)])


def _entries(value: Any, key: Convert, item: Convert) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {apply(key, k): apply(item, v) for k, v in value.items()}


async def _elements_async(value: Any, step: Callable[[Any], Any]) -> AsyncIterator[Any]:
    async for element in value:
        yield step(element)


def _elements(value: Any, step: Callable[[Any], Any]) -> Iterator[Any]:
    for element in value:
        yield step(element)


async def _awaited(value: Awaitable[Any], step: Callable[[Any], Any]) -> Any:
    return step(await value)
