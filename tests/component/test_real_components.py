"""Components of real toolchains answer what the reference implementation answered, with the same fuel.

The calls and the host's side are those of `reference.py` beside the components; `expected/*.json` has the
answers. A call that traps is followed by a fresh instance, as there.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, GuestHandle, HostResource, Instance, Linker, Record, Variant
from pywrt.config import Config
from pywrt.errors import Trap, ValueTypeError
from pywrt.wasi.preview2 import WasiCtx, add_to_linker

FUEL = 1 << 60
API, COUNTERS = "lab:hello/api@0.1.0#", "lab:hello/counters@0.1.0#"


def point(x: int, y: int, label: str | None = None) -> Record:
    return Record(x=x, y=y, label=label)


def everything(i64: int, u64: int) -> Record:
    return Record(
        b=True,
        i8=-128,
        u8v=255,
        i16=-32768,
        u16v=65535,
        i32=-(2**31),
        u32v=2**32 - 1,
        i64=i64,
        u64v=u64,
        f32v=1.5,
        f64v=-0.1,
        c="\U0001f600",
        s="h\u00e9llo \u4e16\u754c",
        bytes=b"\0\1\xff",
        t=(7, "seven", 7.5),
        o=Variant("some", 5),
        r="fine",
        col="green",
        p={"read", "exec"},
        sh=[point(0, 0, "o"), point(4, 0), point(4, 3)],
    )


#: (function, arguments, name to keep the result under); "$name" is a kept result.
CALLS: list[tuple[str, list[Any], str | None]] = [
    ("greet", ["World"], None),
    ("greet", ["again"], None),
    (API + "echo", [everything(-(2**53) + 1, 2**53 - 1)], None),
    (API + "echo", [everything(-(2**63), 2**64 - 1)], None),
    (API + "area", [[point(0, 0), point(4, 0), point(4, 3)]], None),
    (API + "area", ["x"], None),
    (API + "sum", [list(range(1000))], None),
    (API + "sort-strings", [["b", "a", "c"] * 30], None),
    (API + "toggle", [{"read"}, "blue"], None),
    (API + "many", [1, 2, 3, 4, 5.5, 6.5, "seven", b"8", "nine", True, "x", -12], None),
    (API + "to-host", [["one", "two"]], None),
    (API + "fail", [0], None),
    (API + "fail", [1], None),
    (COUNTERS + "[constructor]counter", [5], "a"),
    (COUNTERS + "[constructor]counter", [7], "b"),
    (COUNTERS + "[method]counter.add", ["$a", 10], None),
    (COUNTERS + "[method]counter.value", ["$b"], None),
    (COUNTERS + "[static]counter.merge", ["$a", "$b"], "m"),
    (COUNTERS + "[method]counter.value", ["$m"], None),
    (API + "fail", [2], None),
]


class Sink:
    """The host's resource `sink`: counts the bytes written to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0

    def write(self, data: bytes) -> int:
        self.total += len(data)
        return len(data)


class Guest:
    """A component with the host's side of `lab:hello/host`, restarted after a trap."""

    def __init__(self, path: Path) -> None:
        self.engine = Engine(Config(consume_fuel=True))
        self.component = Component.from_file(self.engine, path)
        self.log: list[Any] = []
        self.dropped: list[Sink] = []
        self.linker = Linker(self.engine)
        add_to_linker(self.linker, WasiCtx(args=["prog"]))
        with self.linker.root() as root, root.add_instance("lab:hello/host@0.1.0") as host:
            host.add_resource("sink", HostResource("sink", Sink, self.dropped.append))
            host.add_func("log", lambda level, message: self.log.append(["log", level, message]))
            host.add_func("[constructor]sink", Sink)
            host.add_func("[method]sink.write", Sink.write)
            host.add_func("[method]sink.total", lambda sink: sink.total)
            host.add_func("[static]sink.describe", lambda: "a sink")
        self.restart()

    def restart(self) -> None:
        self.store = Store(self.engine)
        self.store.set_fuel(FUEL)
        self.instance: Instance = self.linker.instantiate(self.store, self.component)

    def call(self, name: str, args: list[Any]) -> tuple[Any, int]:
        """The function's value and the fuel it took."""
        func = self.instance.get_func(self.store, name)
        assert func is not None
        before = self.store.get_fuel()
        result = func(self.store, *args)
        return result, before - self.store.get_fuel()


def plain(value: Any) -> Any:
    """A value as the expected results show it."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")[:80]
    if isinstance(value, Variant):
        return {value.tag: plain(value.payload)}
    if isinstance(value, Record):
        return {name: plain(item) for name, item in vars(value).items()}
    return sorted(value) if isinstance(value, (set, frozenset)) else value


def check_call(guest: Guest, row: dict[str, Any], name: str, args: list[Any]) -> Any:
    """Make one call and compare it with its row; returns what it returned."""
    assert row["call"] == name
    error = row.get("error", "")
    if "trap" in error:
        with pytest.raises(Trap, match="unreachable"):
            guest.call(name, args)
        guest.restart()
        return None
    if error:
        with pytest.raises(ValueTypeError, match="expected borrow"):
            guest.call(name, args)
        return None
    result, fuel = guest.call(name, args)
    if "ResourceAny" in row["result"]:
        assert isinstance(result, GuestHandle)
    else:
        assert json.dumps(plain(result))[:300] == row["result"]
    assert fuel == row["fuel"], name
    return result


@pytest.mark.parametrize("name", ["qjs-hello", "qjs-hello-sync-stub", "js-hello-pure", "py-hello"])
def test_real_component_every_call_answers_as_expected_with_the_same_fuel(
    components: Path, name: str
) -> None:
    expected = json.loads((components / "expected" / f"{name}.json").read_text())
    guest = Guest(components / f"{name}.wasm")
    assert FUEL - guest.store.get_fuel() == expected["instantiate_fuel"]
    kept: dict[str, Any] = {}
    for row, (function, args, keep) in zip(expected["calls"], CALLS, strict=True):
        given = [kept[a[1:]] if isinstance(a, str) and a.startswith("$") else a for a in args]
        result = check_call(guest, row, function, given)
        if keep is not None:
            kept[keep] = result
    assert [json.dumps(plain(entry)) for entry in guest.log] == expected["host_log"]


def test_real_component_exports_are_listed_with_their_types(components: Path) -> None:
    component = Component.from_file(Engine(), components / "qjs-hello-sync-stub.wasm")
    exports = component.exports()
    assert str(exports["greet"].type) == "func(name: string) -> string"
    assert exports["lab:hello/api@0.1.0"].sort == "instance"
    assert set(component.imports()) == {"lab:hello/types@0.1.0", "lab:hello/host@0.1.0"}
