"""Real components answer through generated bindings, and through the loader, what wasmtime answered.

The calls and the expected answers are those of `tests/component/test_real_components.py`: names are WIT's,
and each way of calling looks up what they are in Python. A call that traps is followed by a fresh instance.
"""

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pywrt.loader  # noqa: F401  # what it is imported for is its effect
from pywrt.api import Engine, Store
from pywrt.bindgen.names import snake
from pywrt.bindgen.runtime import Err, Ok, Some
from pywrt.component import Component, Record, Variant
from pywrt.config import Config
from pywrt.errors import Trap
from pywrt.wasi.preview2 import Preopen, WasiCtx

FUEL = 1 << 60
API, COUNTERS = "lab:hello/api@0.1.0#", "lab:hello/counters@0.1.0#"


class Sink:
    """The host's resource `sink`."""

    def __init__(self, name: str) -> None:
        self.written = 0

    def write(self, data: bytes) -> int:
        self.written += len(data)
        return len(data)

    def total(self) -> int:
        return self.written

    @staticmethod
    def describe() -> str:
        return "a sink"


class Host(ModuleType):
    """The host's side of `lab:hello/host`, which serves as an object and as a module."""

    Sink = Sink

    def __init__(self) -> None:
        super().__init__("lab_hello_host")
        self.log_lines: list[Any] = []

    def log(self, level: str, message: str) -> None:
        self.log_lines.append(["log", level, message])


class Bound:
    """A component through generated bindings."""

    def __init__(self, path: Path, host: Host, bind: Any) -> None:
        engine = Engine(Config(consume_fuel=True))
        self.component = Component.from_file(engine, path)
        self.host = host
        self.module = bind(path)
        self.restart()

    def restart(self) -> None:
        self.store = Store(self.component.engine)
        self.store.set_fuel(FUEL)
        # the arguments that the answers were recorded with: a guest that reads them spends fuel on them
        has_wasi = any(name.startswith("wasi:") for name in self.component.imports())
        world = {"wasi": WasiCtx(args=["prog"])} if has_wasi else {}
        self.root = self.module.instantiate(self.store, self.component, host=self.host, **world)

    def fuel(self) -> int | None:
        return FUEL - self.store.get_fuel()

    def point(self, x: int, y: int, label: str | None = None) -> Any:
        return self.module.Point(x, y, label)

    def shape(self, case: str, value: Any) -> Any:
        return getattr(self.module, f"Shape{case.title()}")(value)

    def everything(self, values: dict[str, Any]) -> Any:
        return self.module.Everything(**values, o=Some(5), r=Ok("fine"))


class Loaded:
    """A component through the loader."""

    def __init__(self, path: Path, host: Host, bind: Any) -> None:
        self.name = path.stem.replace("-", "_")
        self.restart()

    def restart(self) -> None:
        sys.modules.pop(self.name, None)
        self.root = importlib.import_module(self.name)

    def fuel(self) -> int | None:
        return None

    def point(self, x: int, y: int, label: str | None = None) -> Any:
        return Record(x=x, y=y, label=label)

    def shape(self, case: str, value: Any) -> Any:
        return Variant(case, value)

    def everything(self, values: dict[str, Any]) -> Any:
        return Record(**values, o=Variant("some", 5), r="fine")


Guest = Bound | Loaded


def everything(guest: Guest, i64: int, u64: int) -> Any:
    p = guest.point
    values = {
        "b": True, "i8": -128, "u8v": 255, "i16": -32768, "u16v": 65535, "i32": -(2**31), "u32v": 2**32 - 1,
        "i64": i64, "u64v": u64, "f32v": 1.5, "f64v": -0.1, "c": "\U0001f600", "s": "h\u00e9llo \u4e16\u754c",
        "bytes": b"\0\1\xff", "t": (7, "seven", 7.5), "col": "green", "p": {"read", "exec"},
        "sh": guest.shape("poly", [p(0, 0, "o"), p(4, 0), p(4, 3)]),
    }  # fmt: skip
    return guest.everything(values)


#: (function, arguments, name to keep the result under); "$name" is a kept result.
CALLS: list[tuple[str, Callable[[Guest], list[Any]], str | None]] = [
    ("greet", lambda g: ["World"], None),
    ("greet", lambda g: ["again"], None),
    (API + "echo", lambda g: [everything(g, -(2**53) + 1, 2**53 - 1)], None),
    (API + "echo", lambda g: [everything(g, -(2**63), 2**64 - 1)], None),
    (API + "area", lambda g: [g.shape("poly", [g.point(0, 0), g.point(4, 0), g.point(4, 3)])], None),
    (API + "area", lambda g: [g.shape("named", "x")], None),
    (API + "sum", lambda g: [list(range(1000))], None),
    (API + "sort-strings", lambda g: [["b", "a", "c"] * 30], None),
    (API + "toggle", lambda g: [{"read"}, "blue"], None),
    (API + "many", lambda g: [1, 2, 3, 4, 5.5, 6.5, "seven", b"8", "nine", True, "x", -12], None),
    (API + "to-host", lambda g: [["one", "two"]], None),
    (API + "fail", lambda g: [0], None),
    (API + "fail", lambda g: [1], None),
    (COUNTERS + "[constructor]counter", lambda g: [5], "a"),
    (COUNTERS + "[constructor]counter", lambda g: [7], "b"),
    (COUNTERS + "[method]counter.add", lambda g: ["$a", 10], None),
    (COUNTERS + "[method]counter.value", lambda g: ["$b"], None),
    (COUNTERS + "[static]counter.merge", lambda g: ["$a", "$b"], "m"),
    (COUNTERS + "[method]counter.value", lambda g: ["$m"], None),
    (API + "fail", lambda g: [2], None),
]


def function_of(guest: Guest, name: str) -> Callable[..., Any]:
    """What a function, by its WIT name, is in Python."""
    interface, _, function = name.rpartition("#")
    place = guest.root
    if interface:
        place = getattr(place, snake(interface.partition("@")[0].rpartition("/")[2]))
    if not function.startswith("["):
        found: Callable[..., Any] = getattr(place, snake(function))
        return found
    kind, _, rest = function[1:].partition("]")
    resource, _, method = rest.partition(".")
    cls = getattr(place, resource.title())
    return cls if kind == "constructor" else getattr(cls, snake(method))


def plain(value: Any) -> Any:
    """A value as the expected results show it."""
    if isinstance(value, Some):
        return {"some": plain(value.value)}
    if isinstance(value, Ok):
        return plain(value.value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")[:80]
    if isinstance(value, Variant):
        return {value.tag: plain(value.payload)}
    if isinstance(value, Record):
        return {name: plain(item) for name, item in vars(value).items()}
    if is_dataclass(value):
        parts = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return parts.get("value") if type(value).__name__.startswith("Shape") else parts
    return sorted(value) if isinstance(value, (set, frozenset)) else value


def check_call(guest: Guest, row: dict[str, Any], name: str, args: list[Any]) -> Any:
    """Make one call and compare it with its row; returns what it returned."""
    assert row["call"] == name
    error = row.get("error", "")
    if "trap" in error:
        with pytest.raises(Trap, match="unreachable"):
            function_of(guest, name)(*args)
        guest.restart()
        return None
    if error:  # a method of what a call that trapped was to return
        assert args[0] is None
        return None
    before = guest.fuel()
    try:
        result = function_of(guest, name)(*args)
    except Err as refused:
        result = refused.payload
    after = guest.fuel()
    if "ResourceAny" in row["result"]:
        assert type(result).__name__ == "Counter"
    else:
        assert json.dumps(plain(result))[:300] == row["result"]
    if before is not None and after is not None:
        assert after - before == row["fuel"], name
    return result


@pytest.mark.parametrize("way", [Bound, Loaded])
@pytest.mark.parametrize("name", ["qjs-hello-sync-stub", "qjs-hello", "js-hello-pure", "py-hello"])
def test_real_component_every_call_answers_as_expected(
    components: Path, name: str, way: type[Guest], bind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = json.loads((components / "expected" / f"{name}.json").read_text())
    host = Host()
    monkeypatch.syspath_prepend(str(components))
    monkeypatch.setitem(sys.modules, "lab_hello_host", host)
    guest = way(components / f"{name}.wasm", host, bind)
    if guest.fuel() is not None:
        assert guest.fuel() == expected["instantiate_fuel"]
    kept: dict[str, Any] = {}
    for row, (function, arguments, keep) in zip(expected["calls"], CALLS, strict=True):
        given = [kept[a[1:]] if isinstance(a, str) and a.startswith("$") else a for a in arguments(guest)]
        result = check_call(guest, row, function, given)
        if keep is not None:
            kept[keep] = result
    assert [json.dumps(line) for line in host.log_lines] == expected["host_log"]
    sys.modules.pop(name.replace("-", "_"), None)


def test_command_through_bindings_writes_what_is_expected(
    components: Path, bind: Any, tmp_path: Path
) -> None:
    expected = json.loads((components / "expected" / "c-hello.json").read_text())
    module = bind(components / "c-hello.wasm")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "in.txt").write_text("some text\n" * 100)
    (tmp_path / "data" / "other").touch()
    written: dict[str, bytes] = {"stdout": b"", "stderr": b""}

    def write(name: str) -> Callable[[bytes], None]:
        return lambda data: written.update({name: written[name] + data})

    args = ["hello", "/data/in.txt", "/data/out.txt"]
    with WasiCtx(
        args,
        {"LAB_ENV": "yes"},
        b"line\n" * 200,
        write("stdout"),
        write("stderr"),
        [Preopen(tmp_path / "data", "/data")],
    ) as wasi:
        module.instantiate(Store(Engine()), components / "c-hello.wasm", wasi=wasi).run.run()
    assert {name: data.decode() for name, data in written.items()} == {
        name: expected[name] for name in ("stdout", "stderr")
    }


def test_command_through_the_loader_sees_the_streams_of_this_process_and_no_files(
    components: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(components))
    monkeypatch.setattr(sys, "argv", ["prog", "/data/in.txt"])
    monkeypatch.setenv("LAB_ENV", "of the host")
    assert importlib.import_module("c_hello").run.run() is None
    output = capfd.readouterr()
    assert output.out.splitlines()[:2] == ["args:", "env LAB_ENV=(none)"]
    assert "/data" not in output.out
    assert output.err == json.loads((components / "expected" / "c-hello.json").read_text())["stderr"]
    del sys.modules["c_hello"]
