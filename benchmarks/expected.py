"""Components of real toolchains against what is recorded of them: each call's result and fuel, all output.

The calls and the host's side are those of ../shared/components/reference.py; expected/*.json has the answers.
A call that traps is followed by a fresh instance with fresh, empty outputs, as there.
"""

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import Tally, tally
from benchmarks.hello import Guest, add_hello
from benchmarks.process import shared
from pywrt.api import Engine
from pywrt.component import GuestHandle, Linker, Record, Variant
from pywrt.config import Config
from pywrt.errors import Trap, ValueTypeError
from pywrt.wasi.preview2 import Preopen, WasiCtx

#: (export, arguments, name to keep the result under); "$name" is a kept result.
Call = tuple[str, list[Any], str]


def point(x: int, y: int, label: str | None = None) -> Record:
    return Record(x=x, y=y, label=label)


def everything(i64: int, u64: int) -> Record:
    """A record with a field of every kind of type."""
    # fmt: off
    return Record(
        b=True, i8=-128, u8v=255, i16=-32768, u16v=65535, i32=-(2**31), u32v=2**32 - 1, i64=i64, u64v=u64,
        f32v=1.5, f64v=-0.1, c="\U0001f600", s="h\u00e9llo \u4e16\u754c", bytes=b"\0\1\xff",
        t=(7, "seven", 7.5), o=Variant("some", 5), r="fine", col="green", p={"read", "exec"},
        sh=[point(0, 0, "o"), point(4, 0), point(4, 3)],
    )
    # fmt: on


API, COUNTERS = "lab:hello/api@0.1.0#", "lab:hello/counters@0.1.0#"
HELLO: list[Call] = [
    ("greet", ["World"], ""),
    ("greet", ["again"], ""),
    (API + "echo", [everything(-(2**53) + 1, 2**53 - 1)], ""),
    (API + "echo", [everything(-(2**63), 2**64 - 1)], ""),
    (API + "area", [[point(0, 0), point(4, 0), point(4, 3)]], ""),
    (API + "area", ["x"], ""),
    (API + "sum", [list(range(1000))], ""),
    (API + "sort-strings", [["b", "a", "c"] * 30], ""),
    (API + "toggle", [{"read"}, "blue"], ""),
    (API + "many", [1, 2, 3, 4, 5.5, 6.5, "seven", b"8", "nine", True, "x", -12], ""),
    (API + "to-host", [["one", "two"]], ""),
    (API + "fail", [0], ""),
    (API + "fail", [1], ""),
    (COUNTERS + "[constructor]counter", [5], "a"),
    (COUNTERS + "[constructor]counter", [7], "b"),
    (COUNTERS + "[method]counter.add", ["$a", 10], ""),
    (COUNTERS + "[method]counter.value", ["$b"], ""),
    (COUNTERS + "[static]counter.merge", ["$a", "$b"], "m"),
    (COUNTERS + "[method]counter.value", ["$m"], ""),
    (API + "fail", [2], ""),
]

HANDLERS, RUNTIME = "wasi:mcp/handlers@0.1.0-preview2#", "wasi:mcp/runtime@0.1.0-preview2"
FIELD = {"name": "n", "field-type": "string", "description": None, "required": True}
MCP: list[Call] = [
    ("wasi:cli/run@0.2.0#run", [], ""),
    (HANDLERS + "call-tool", ["echo", b'{"text": "hi \\n there"}'], ""),
    (HANDLERS + "call-tool", ["add", b'{"a": 2, "b": 40}'], ""),
    (HANDLERS + "call-tool", ["primes", b'{"n": 10000}'], ""),
    (HANDLERS + "call-tool", ["now", b"{}"], ""),
    (HANDLERS + "call-tool", ["nope", b"{}"], ""),
    (HANDLERS + "call-tool", ["add", b'{"a": 2}'], ""),
    (HANDLERS + "read-resource", ["lab://readme"], ""),
    (HANDLERS + "read-resource", ["lab://square/12"], ""),
    (HANDLERS + "read-resource", ["lab://none"], ""),
    (HANDLERS + "get-prompt", ["greet", b'{"name": "Ada"}'], ""),
    (HANDLERS + "get-prompt", ["greet", None], ""),
    (HANDLERS + "handle-subscribe", ["lab://readme"], ""),
    (HANDLERS + "handle-complete", ["tool-name", "e"], ""),
    (HANDLERS + "handle-elicit", ["who?", [FIELD]], ""),
]
#: What the clock said when the answers were recorded, in nanoseconds. The guest prints it, which takes fuel.
RECORDED_CLOCK = 1795167719_163296416

COMMAND: list[Call] = [("wasi:cli/run@0.2.12#run", [], "")]

#: Recording -> (component, calls).
COMPONENTS: dict[str, tuple[str, list[Call]]] = {
    "c-hello": ("c-hello.wasm", COMMAND),
    "bench": ("bench.component.wasm", COMMAND),
    "qjs-hello-sync-stub": ("qjs-hello-sync-stub.wasm", HELLO),
    "qjs-hello": ("qjs-hello.wasm", HELLO),
    "qjs-mcp-sync": ("qjs-mcp-sync.wasm", MCP),
    "js-hello-pure": ("js-hello-pure.wasm", HELLO),
    "py-hello": ("py-hello.wasm", HELLO),
}


def plain(value: Any) -> Any:
    """A value as the recordings show it."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")[:80]
    if isinstance(value, Variant):
        return {value.tag: plain(value.payload)}
    if isinstance(value, Record):
        return {name: plain(item) for name, item in vars(value).items()}
    return sorted(value) if isinstance(value, (set, frozenset)) else value


def add_mcp(linker: Linker, log: list[Any]) -> None:
    """Define `wasi:mcp/runtime`; what a guest calls goes to `log`."""

    def recorder(name: str) -> Callable[..., None]:
        return lambda *arguments: log.append([name, list(arguments)])

    things = ("server", "tools", "resources", "resource-templates", "prompts")
    names = [f"register-{thing}" for thing in things]
    with linker.root() as root, root.add_instance(RUNTIME) as runtime:
        for name in (*names, "serve", "send-notification", "log", "report-progress"):
            runtime.add_func(name, recorder(name))


class World:
    """The folder, streams and clock of reference.py."""

    def __init__(self, folder: Path) -> None:
        (folder / "in.txt").write_text("some text\n" * 100)
        (folder / "stdin").write_text("line\n" * 200)
        self.stdout, self.stderr = io.BytesIO(), io.BytesIO()
        self.folder = folder

    def empty(self) -> None:
        """Forget what has been written so far."""
        for stream in (self.stdout, self.stderr):
            stream.seek(0)
            stream.truncate()

    def context(self, is_command: bool) -> WasiCtx:
        if not is_command:
            return WasiCtx(
                ["prog"], stdout=self.stdout, stderr=self.stderr, wall_clock=lambda: RECORDED_CLOCK
            )
        return WasiCtx(
            ["hello", "/data/in.txt", "/data/out.txt"],
            [("LAB_ENV", "yes")],
            (self.folder / "stdin").read_bytes(),
            self.stdout,
            self.stderr,
            [Preopen(self.folder, "/data")],
        )


def check_call(
    guest: Guest, world: World, row: dict[str, Any], name: str, arguments: list[Any]
) -> tuple[Any, str]:
    """Make one call; returns its value, and what differs from its row or ''."""
    error = row.get("error", "")
    before = guest.store.get_fuel()
    try:
        result = guest.call(name, arguments)
    except Trap as trap:
        guest.restart()
        world.empty()
        return None, "" if "trap" in error and trap.message in error else f"trapped: {trap.message}"
    except ValueTypeError as refused:
        return None, "" if error and "trap" not in error else f"refused: {refused}"
    fuel = before - guest.store.get_fuel()
    if error:
        return result, f"returned, where {error} was recorded"
    if "ResourceAny" in row["result"]:
        if not isinstance(result, GuestHandle):
            return result, f"gave {result!r} for a resource"
    else:
        shown = json.dumps(plain(result))[:300]
        if shown != row["result"]:
            return result, f"gave {shown}, expected {row['result']}"
    return result, "" if fuel == row["fuel"] else f"took {fuel} fuel, expected {row['fuel']}"


def check_calls(guest: Guest, world: World, rows: list[dict[str, Any]], calls: list[Call]) -> list[str]:
    """What differs, a line each."""
    failures = [] if len(rows) == len(calls) else [f"{len(rows)} rows for {len(calls)} calls"]
    kept: dict[str, Any] = {}
    for row, (name, arguments, keep) in zip(rows, calls, strict=False):
        given = [kept[a[1:]] if isinstance(a, str) and a.startswith("$") else a for a in arguments]
        value, difference = check_call(guest, world, row, name, given)
        if keep:
            kept[keep] = value
        if difference:
            failures.append(f"{name} {difference}")
    return failures


def check(recording: str) -> Tally:
    """Every call of one component, and besides: fuel of instantiation, host calls, stdout, stderr."""
    file, calls = COMPONENTS[recording]
    expected = json.loads(shared("components", "expected", f"{recording}.json").read_text())
    path = shared("components", file)
    with tempfile.TemporaryDirectory() as folder:
        world, log = World(Path(folder)), list[Any]()
        with world.context(calls is COMMAND) as ctx:
            guest = Guest(Engine(Config(consume_fuel=True)), path, ctx)
            add_hello(guest.linker, log)
            add_mcp(guest.linker, log)
            fuel = guest.restart()
            failures = check_calls(guest, world, expected["calls"], calls)
    found = {
        "instantiate_fuel": fuel,
        "host_log": [json.dumps(plain(entry))[:400] for entry in log],
        "stdout": world.stdout.getvalue().decode(),
        "stderr": world.stderr.getvalue().decode(),
    }
    failures += [f"{k} is {v!r}, expected {expected[k]!r}" for k, v in found.items() if v != expected[k]]
    return tally(failures, len(calls) + len(found))
