"""A component with every kind of type, through generated bindings: what goes in comes out again."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.bindgen.runtime import Err, Ok, Some
from pywrt.component import Component
from pywrt.component import Err as PlainErr
from pywrt.component.text import parse_component
from pywrt.errors import LinkError, Trap, ValueTypeError


class File:
    """The host's resource."""

    dropped: list[str]

    def __init__(self, name: str) -> None:
        self.name = name

    def size(self) -> int:
        return len(self.name)

    def drop_(self) -> int:
        return 3

    @staticmethod
    def count() -> int:
        return 2

    def drop(self) -> None:
        File.dropped.append(self.name)


class Host:
    File = File

    def echo_leaf(self, leaf: Any) -> Any:
        if leaf.note == "raise":
            raise Err(leaf)
        if leaf.note == "raise plain":
            raise PlainErr(leaf)
        return leaf

    def open(self, name: str) -> File:
        return File(name)


class Imports:
    def ask(self, question: int) -> int:
        return question + 1


@pytest.fixture
def bound(bind: Any, everything: bytes) -> Any:
    return bind(everything)


@pytest.fixture
def guest(bound: Any, everything: bytes) -> Any:
    File.dropped = []
    engine = Engine()
    return bound.instantiate(Store(engine), Component(engine, everything), host=Host(), imports=Imports())


def whole(b: Any) -> Any:
    """A record of every kind of value."""
    leaf = b.Leaf(-1, 2**63, "x")
    return b.Everything(
        b=True,
        i8=-128,
        i16=-5,
        i32=-6,
        i64=-(2**63),
        n8=255,
        n16=7,
        n32=8,
        n64=2**64 - 1,
        float=0.5,
        d=-0.1,
        c="\U0001f600",
        str="h\u00e9",
        bytes=b"\0\xff",
        list=[1, 2],
        leaves=[leaf, b.Leaf(0, 0)],
        tuple=(1, leaf, "t"),
        level="high-up",
        perms={"read", "write-all"},
        choice=b.ChoiceLeaf(leaf),
        choices=[
            b.ChoiceNone(),
            b.ChoiceNumber(1.5),
            b.ChoiceLeaves([leaf]),
            b.ChoiceOther(None),
            b.ChoiceOther("o"),
        ],
        nested=Some(Some(4)),
        maybe=leaf,
        r0=Ok(None),
        r1=Ok(7),
        r2=Err("bad"),
        r3=Ok(leaf),
        maybe_result=Ok(None),
        class_=[[b.ChoiceNumber(2.0)], []],
        end="end",
    )


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"nested": None, "maybe": None, "end": None, "maybe_result": None},
        {"nested": Some(None)},
        {"nested": Some(Some(None))},
        {"r0": Err(None), "r1": Err(None), "r2": Ok(None), "maybe_result": Err("bad")},
        {"perms": set(), "leaves": [], "list": [], "bytes": b"", "str": ""},
    ],
)
def test_record_of_every_kind_of_value_comes_back_equal(
    bound: Any, guest: Any, change: dict[str, Any]
) -> None:
    value = replace(whole(bound), **change)
    assert guest.echo(value) == value


@pytest.mark.parametrize("name", ["Ok", "Err"])
def test_record_in_a_result_comes_back_in_the_same_case(bound: Any, guest: Any, name: str) -> None:
    case = {"Ok": Ok, "Err": Err}[name](bound.Leaf(1, 2))
    back = guest.echo(replace(whole(bound), r3=case)).r3
    assert type(back) is type(case)
    assert back == case


def test_values_that_need_no_class_pass(guest: Any) -> None:
    assert guest.echo_level("low") == "low"
    assert guest.echo_perms({"exec"}) == {"exec"}
    assert guest.echo_strings(("a", "b")) == ["a", "b"]
    assert guest.nothing() is None


def test_error_of_a_value_has_its_path(bound: Any, guest: Any) -> None:
    wrong = replace(whole(bound), choices=[bound.ChoiceLeaf(bound.Leaf(1, "many"))])
    with pytest.raises(
        ValueTypeError, match=r"argument 'all' > 'choices' > \[0\] > case 'leaf' > 'max-size'"
    ):
        guest.echo(wrong)
    with pytest.raises(ValueTypeError, match="argument 'all' > 'maybe'"):
        guest.echo(replace(whole(bound), maybe="leaf"))
    assert guest.echo_level("low") == "low"


def test_result_of_a_function_is_returned_or_raised(bound: Any, guest: Any) -> None:
    assert guest.echo_leaf(bound.Leaf(1, 2, "fine")) == bound.Leaf(1, 2, "fine")
    for note in "raise", "raise plain":
        with pytest.raises(Err) as caught:
            guest.echo_leaf(bound.Leaf(1, 2, note))
        assert caught.value.payload == bound.Leaf(1, 2, note)


def test_host_functions_and_resources_serve_the_component(guest: Any) -> None:
    assert guest.asked(4) == 5
    assert guest.file_size("12345") == 5 + 3 * 100 + 2 * 10000
    assert File.dropped == ["12345"]


def test_parameters_may_be_given_by_name(guest: Any) -> None:
    assert guest.def_(class_=1, self_=2) == 3
    assert guest.def_(1, self_=2) == 3
    with pytest.raises(TypeError, match="missing a required argument: 'self_'"):
        guest.def_(1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        guest.def_(1, 2, other=3)


def test_functions_show_their_signature(bound: Any, guest: Any) -> None:
    assert guest.def_.__doc__ == "def: func(class: u8, self: u8) -> u32"
    assert (
        guest.counters.Counter.try_new.__doc__ == "try-new: static func(start: u32) -> result<counter, u32>"
    )
    assert "`echo-leaf: func(leaf: leaf) -> result<leaf, leaf>`" in bound.Bound.echo_leaf.__doc__


def test_resource_is_a_class_of_the_instance(bound: Any, guest: Any) -> None:
    counters = guest.counters
    with counters.Counter(5) as five, counters.Counter(start=7) as seven:
        assert five.add(3) == 8
        assert seven.add(n=3) == 10
        assert counters.value(five) == 5
        assert isinstance(five, counters.Counter)
        assert isinstance(five, bound.Counter)
        same = counters.pass_(five)
        assert same.add(0) == 5
        with pytest.raises(ValueTypeError, match="was passed on"):
            five.add(1)
        same.drop()
    with pytest.raises(ValueTypeError, match="was dropped"):
        seven.add(1)


def test_resource_of_another_instance_is_refused(bound: Any, guest: Any, everything: bytes) -> None:
    engine = Engine()
    other = bound.instantiate(Store(engine), Component(engine, everything), host=Host(), imports=Imports())
    with pytest.raises(ValueTypeError, match="a handle to another resource type"):
        guest.counters.value(other.counters.Counter(5))


def test_fallible_static_function_of_a_resource_returns_or_raises(guest: Any) -> None:
    assert guest.counters.Counter.try_new(99).add(1) == 100
    with pytest.raises(Err) as caught:
        guest.counters.Counter.try_new(100)
    assert caught.value.payload == 100


def test_stream_gives_what_an_iterable_had(bound: Any, guest: Any) -> None:
    leaves = [bound.Leaf(i, i) for i in range(3)]
    assert list(guest.echo_stream(iter(leaves))) == leaves
    assert b"".join(guest.echo_bytes([b"ab", b"c"])) == b"abc"
    assert b"".join(guest.echo_bytes(b"abc")) == b"abc"


def test_stream_is_asynchronous_under_a_loop(bound: Any, guest: Any) -> None:
    leaves = [bound.Leaf(i, i) for i in range(3)]

    async def read() -> list[Any]:
        return [leaf async for leaf in guest.echo_stream(guest.echo_stream(leaves))]

    assert asyncio.run(read()) == leaves


def test_stream_that_is_closed_gives_nothing_more(bound: Any, guest: Any) -> None:
    stream = guest.echo_stream([bound.Leaf(1, 1)] * 3)
    assert next(stream) == bound.Leaf(1, 1)
    stream.close()


def test_future_gives_its_value(bound: Any, guest: Any) -> None:
    leaf = bound.Leaf(1, 1)
    assert guest.echo_future(guest.echo_future(leaf)).result_now() == leaf

    async def read() -> Any:
        return await guest.echo_future(leaf)

    assert asyncio.run(read()) == leaf


def test_async_function_has_a_coroutine_function_beside_it(guest: Any) -> None:
    assert guest.twice(21) == 21
    assert asyncio.run(guest.twice_async(x=21)) == 21


def test_what_the_host_lacks_is_a_link_error(bound: Any, everything: bytes) -> None:
    engine = Engine()
    component = Component(engine, everything)

    class NoFile:
        echo_leaf = open = Host.open

    class Greedy(Host):
        def open(self, name: str, mode: str) -> File:  # type: ignore[override]
            raise NotImplementedError

    for host, message in (
        (NoFile(), "has no 'File', which the component imports of `test:all/host@1.0.0`"),
        (Greedy(), "can't be called with so many"),
    ):
        with pytest.raises(LinkError, match=message):
            bound.instantiate(Store(engine), component, host=host, imports=Imports())
    with pytest.raises(LinkError, match="has no 'ask', which the component imports of `the world`"):
        bound.instantiate(Store(engine), component, host=Host(), imports=object())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '(field "max-size" u64)',
            '(field "size" u64)',
            "`leaf` of `test:all/types@1.0.0` has from_, size, note",
        ),
        (
            '(case "other" ',
            '(case "another" ',
            "`choice` of `the world` has none, number, leaf, leaves, another",
        ),
        (
            '(export "test:all/counters@1.0.0"',
            '(export "test:all/gone@1.0.0"',
            "doesn't export `test:all/counters@1.0",
        ),
    ],
)
def test_bindings_of_another_component_are_refused(bound: Any, old: str, new: str, message: str) -> None:
    text = Path(__file__).with_name("everything.wat").read_text()
    assert old in text
    engine = Engine()
    component = Component(engine, parse_component(text.replace(old, new)))
    with pytest.raises(LinkError, match=message):
        bound.instantiate(Store(engine), component, host=Host(), imports=Imports())


def test_component_may_be_a_file_and_of_a_compatible_version(bound: Any, tmp_path: Path) -> None:
    text = Path(__file__).with_name("everything.wat").read_text().replace("@1.0.0", "@1.2.0")
    (tmp_path / "newer.wasm").write_bytes(parse_component(text))
    guest = bound.instantiate(Store(Engine()), tmp_path / "newer.wasm", host=Host(), imports=Imports())
    assert guest.counters.Counter(5).add(1) == 6
    assert guest.echo_leaf(bound.Leaf(1, 2)) == bound.Leaf(1, 2)


def test_trap_leaves_the_call_as_a_trap(bind: Any) -> None:
    data = parse_component(
        """(component (core module $m (func (export "f") unreachable)) (core instance $i (instantiate $m))
             (func (export "f") (canon lift (core func $i "f"))))"""
    )
    engine = Engine()
    guest = bind(data).instantiate(Store(engine), Component(engine, data))
    with pytest.raises(Trap, match="unreachable"):
        guest.f()
