"""Conversions that no component is needed for: elements that arrive later, and functions that wait."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from pywrt.api import Blocked, Engine
from pywrt.bindgen.convert import Classes, ToGuest, ToHost
from pywrt.bindgen.functions import Imports
from pywrt.bindgen.interface import read_interface
from pywrt.bindgen.values import Err, GuestObject
from pywrt.canonical_abi.values import Record
from pywrt.component import Err as PlainErr
from pywrt.component import Linker
from pywrt.component.types import Extern
from pywrt.wit import types as wit


@dataclass
class Point:
    x: int


POINT = wit.Record((wit.Field("x", wit.U8),))


@pytest.fixture
def classes() -> Classes:
    made = Classes(typed=True)
    made.add(POINT, Point)
    return made


@pytest.mark.parametrize(
    "type",
    [
        wit.U8,
        wit.STRING,
        wit.List(wit.U8),
        wit.List(wit.STRING),
        wit.Option(wit.U8),
        wit.Tuple((wit.U8, wit.STRING)),
        wit.Stream(wit.U8),
        wit.Future(None),
        wit.Flags(("a",)),
        wit.Map(wit.STRING, wit.U8),
    ],
)
def test_type_without_classes_in_it_is_not_converted(classes: Classes, type: wit.WitType) -> None:
    assert ToHost(classes).of(type) is None
    assert ToGuest(classes).of(type) is None


def test_map_converts_keys_and_values(classes: Classes) -> None:
    type = wit.Map(wit.STRING, POINT)
    to_host, to_guest = ToHost(classes).of(type), ToGuest(classes).of(type)
    assert to_host is not None
    assert to_guest is not None
    assert to_host({"a": Record(x=1)}) == {"a": Point(1)}
    assert to_guest({"a": Point(1)}) == {"a": Record(x=1)}


def test_stream_to_a_component_converts_what_an_asynchronous_source_yields(classes: Classes) -> None:
    async def source() -> AsyncIterator[Point]:
        for x in range(3):
            await asyncio.sleep(0)
            yield Point(x)

    convert = ToGuest(classes).of(wit.Stream(POINT))
    assert convert is not None

    async def read() -> list[Any]:
        return [item async for item in convert(source())]

    assert asyncio.run(read()) == [Record(x=0), Record(x=1), Record(x=2)]


def test_future_to_a_component_converts_what_is_awaited(classes: Classes) -> None:
    async def later() -> Point:
        await asyncio.sleep(0)
        return Point(1)

    convert = ToGuest(classes).of(wit.Future(POINT))
    assert convert is not None

    async def read() -> Any:
        return await convert(later())

    assert asyncio.run(read()) == Record(x=1)


def test_value_of_another_class_is_passed_on_for_lowering_to_refuse(classes: Classes) -> None:
    for type, value in (
        (POINT, {"x": 1}),
        (wit.List(POINT), 5),
        (wit.Tuple((POINT,)), ()),
        (wit.Result(POINT), 5),
    ):
        convert = ToGuest(classes).of(type)
        assert convert is not None
        assert convert(value) == value


def test_object_of_a_resource_without_constructor_can_not_be_made() -> None:
    cls = type("Counter", (GuestObject,), {"__slots__": ()})
    with pytest.raises(TypeError, match="Counter has no constructor; functions of the component return it"):
        cls()


class Provided:
    """How a Python function is called by a component, without a component."""

    def __init__(self, classes: Classes, fn: Any) -> None:
        type = wit.FuncType((wit.Field("p", POINT),), wit.Result(POINT, POINT))
        linker = Linker(Engine())
        interface = read_interface({"f": Extern("func", type)}, set())
        Imports(classes).add(linker.root().add_instance("i"), interface, SimpleNamespace(f=fn), "i")
        self.call = linker._items["i"]["f"].fn(type)


def test_host_function_gets_objects_and_its_answer_is_converted(classes: Classes) -> None:
    assert Provided(classes, lambda p: Point(p.x + 1)).call(Record(x=1)).payload == Record(x=2)

    def refuse(p: Point) -> Point:
        raise Err(p)

    with pytest.raises(PlainErr) as caught:
        Provided(classes, refuse).call(Record(x=1))
    assert caught.value.payload == Record(x=1)


def test_host_function_that_blocks_is_converted_when_it_answers(classes: Classes) -> None:
    blocked = Provided(classes, lambda p: Blocked(lambda: Point(p.x), 2.5, None)).call(Record(x=1))
    assert blocked.timeout == 2.5
    assert blocked.retry().payload == Record(x=1)


@pytest.mark.parametrize("fails", [False, True])
def test_coroutine_function_is_converted_when_it_answers(classes: Classes, fails: bool) -> None:
    async def wait(p: Point) -> Point:
        await asyncio.sleep(0)
        if fails:
            raise Err(p)
        return p

    coroutine = Provided(classes, wait).call(Record(x=1))
    if fails:
        with pytest.raises(PlainErr) as caught:
            asyncio.run(coroutine)
        assert caught.value.payload == Record(x=1)
    else:
        assert asyncio.run(coroutine).payload == Record(x=1)
