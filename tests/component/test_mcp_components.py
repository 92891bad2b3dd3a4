"""Two MCP servers, called as plain components: results, host calls and fuel equal the recorded ones.

`examples/toolbox/expected.json` was recorded on wasmtime for the example; `expected/qjs-mcp-sync.json`
beside the shared components for the server written in JavaScript.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, Instance, Linker, Record, Variant
from pywrt.config import Config
from pywrt.wasi.preview2 import WasiCtx, add_to_linker

TOOLBOX = Path(__file__).resolve().parent.parent.parent / "examples" / "toolbox"
HANDLERS = "wasi:mcp/handlers@0.1.0-preview2#"
RUNTIME = "wasi:mcp/runtime@0.1.0-preview2"
FUNCTIONS = (
    "register-server", "register-tools", "register-resources", "register-resource-templates",
    "register-prompts", "serve", "send-notification", "log", "report-progress",
)  # fmt: skip
FUEL = 1 << 60

#: (function, arguments) of the rows in expected/qjs-mcp-sync.json.
CALLS: list[tuple[str, list[Any]]] = [
    ("wasi:cli/run@0.2.0#run", []),
    (HANDLERS + "call-tool", ["echo", b'{"text": "hi \\n there"}']),
    (HANDLERS + "call-tool", ["add", b'{"a": 2, "b": 40}']),
    (HANDLERS + "call-tool", ["primes", b'{"n": 10000}']),
    (HANDLERS + "call-tool", ["now", b"{}"]),
    (HANDLERS + "call-tool", ["nope", b"{}"]),
    (HANDLERS + "call-tool", ["add", b'{"a": 2}']),
    (HANDLERS + "read-resource", ["lab://readme"]),
    (HANDLERS + "read-resource", ["lab://square/12"]),
    (HANDLERS + "read-resource", ["lab://none"]),
    (HANDLERS + "get-prompt", ["greet", b'{"name": "Ada"}']),
    (HANDLERS + "get-prompt", ["greet", None]),
    (HANDLERS + "handle-subscribe", ["lab://readme"]),
    (HANDLERS + "handle-complete", ["tool-name", "e"]),
    (
        HANDLERS + "handle-elicit",
        ["who?", [Record(name="n", field_type="string", description=None, required=True)]],
    ),
]


class Server:
    """A component whose host side only writes down what it is asked."""

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        engine = Engine(Config(consume_fuel=True))
        component = Component.from_file(engine, path)
        linker = Linker(engine)
        add_to_linker(linker, WasiCtx(wall_clock=now))
        self.log: list[tuple[str, list[Any]]] = []
        with linker.root() as root, root.add_instance(RUNTIME) as runtime:
            for name in FUNCTIONS:
                runtime.add_func(name, lambda *args, name=name: self.log.append((name, list(args))))
        self.store = Store(engine)
        self.store.set_fuel(FUEL)
        self.instance: Instance = linker.instantiate(self.store, component)

    def call(self, name: str, args: list[Any]) -> tuple[Any, int]:
        """The function's value and the fuel it took."""
        func = self.instance.get_func(self.store, name)
        assert func is not None, name
        before = self.store.get_fuel()
        result = func(self.store, *args)
        return result, before - self.store.get_fuel()


def plain(value: Any, limit: int | None = None) -> Any:
    """A value as the recorded results show it; `limit` cuts byte strings."""
    if isinstance(value, (list, tuple)):
        return [plain(item, limit) for item in value]
    if isinstance(value, bytes):
        return value.decode()[:limit]
    if isinstance(value, Variant):
        return {value.tag: plain(value.payload, limit)}
    if isinstance(value, Record):
        return {name: plain(item, limit) for name, item in vars(value).items()}
    return sorted(value) if isinstance(value, (set, frozenset)) else value


def typed(instance: Server, name: str, args: list[Any]) -> list[Any]:
    """JSON arguments as the function takes them: text for list<u8> as bytes."""
    func = instance.instance.get_func(instance.store, name)
    assert func is not None
    types = [str(param.type) for param in func.type().params]
    return [
        arg.encode() if isinstance(arg, str) and "list<u8>" in type else arg
        for arg, type in zip(args, types, strict=True)
    ]


def test_toolbox_every_recorded_call_gives_its_result_host_calls_and_fuel() -> None:
    rows = json.loads((TOOLBOX / "expected.json").read_text())
    server = Server(TOOLBOX / "toolbox.wasm", lambda: 0)
    for row in rows:
        server.log.clear()
        result, fuel = server.call(row["call"], typed(server, row["call"], row["arguments"]))
        assert plain(result) == row["result"], row["arguments"]
        assert [[name, plain(args)] for name, args in server.log] == row["host_calls"]
        assert fuel == row["fuel"], row["arguments"]
    assert len(rows) >= 50


def test_qjs_mcp_sync_every_recorded_call_gives_its_result_host_calls_and_fuel(components: Path) -> None:
    expected = json.loads((components / "expected" / "qjs-mcp-sync.json").read_text())
    now = next(row for row, (_, args) in zip(expected["calls"], CALLS, strict=True) if args[:1] == ["now"])
    recorded_now = json.loads(now["result"])["ok"]["content"][0]["text"]["text"]
    seconds, fraction = recorded_now.split(".")
    server = Server(components / "qjs-mcp-sync.wasm", lambda: int(seconds) * 10**9 + int(fraction))
    assert FUEL - server.store.get_fuel() == expected["instantiate_fuel"]
    for row, (name, args) in zip(expected["calls"], CALLS, strict=True):
        assert row["call"] == name
        result, fuel = server.call(name, args)
        assert json.dumps(plain(result, 80))[:300] == row["result"]
        assert fuel == row["fuel"], args
    log = [json.dumps([name, plain(args, 80)]) for name, args in server.log]
    assert [entry[:300] for entry in log] == [entry[:300] for entry in expected["host_log"]]


@pytest.mark.parametrize("name", ["c-hello", "bench"])
def test_command_components_cost_what_the_reference_costs_to_instantiate(components: Path, name: str) -> None:
    expected = json.loads((components / "expected" / f"{name}.json").read_text())
    path = components / ("bench.component.wasm" if name == "bench" else f"{name}.wasm")
    assert FUEL - Server(path, lambda: 0).store.get_fuel() == expected["instantiate_fuel"]
