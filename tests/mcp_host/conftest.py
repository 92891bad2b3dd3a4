"""For the tests: clients of sessions and of hosts in memory, and small MCP server components."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import struct
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_host import HostConfig, McpHost
from mcp_host.protocol.events import Event
from mcp_host.protocol.session import ServerSession
from mcp_host.registry import Prompt, PromptArgument, Registry, Resource, ResourceTemplate, ServerInfo, Tool
from mcp_host.transports.memory import MemoryTransport, memory_pair

ADD = b'{"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}'
TOTAL = b'{"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}'


class Peer:
    """The client's side of a session in memory."""

    def __init__(self, session: ServerSession) -> None:
        self.session = session
        self.events: list[Event] = []
        self.ids = 0

    def send(self, message: Any) -> list[Any]:
        """Send a JSON value; return what came back, decoded, and keep the events."""
        return self.send_line(json.dumps(message).encode())

    def send_line(self, line: bytes) -> list[Any]:
        self.events = self.session.receive(line)
        return self.received()

    def received(self) -> list[Any]:
        lines = self.session.outgoing()
        assert lines == b"" or lines.endswith(b"\n")
        return [json.loads(line) for line in lines.split(b"\n")[:-1]]

    def notify(self, method: str, params: Any = None) -> list[Any]:
        return self.send(
            {"jsonrpc": "2.0", "method": method} | ({} if params is None else {"params": params})
        )

    def request(self, method: str, params: Any = None, *, id: Any = None) -> list[Any]:
        self.ids += 1
        message = {"jsonrpc": "2.0", "id": self.ids if id is None else id, "method": method}
        return self.send(message | ({} if params is None else {"params": params}))

    def result(self, method: str, params: Any = None) -> Any:
        """The result of a request that the session answers by itself."""
        (answer,) = self.request(method, params)
        assert answer.keys() == {"jsonrpc", "id", "result"}, answer
        assert answer["id"] == self.ids
        return answer["result"]

    def error(self, method: str, params: Any = None) -> Any:
        (answer,) = self.request(method, params)
        assert answer.keys() == {"jsonrpc", "id", "error"}, answer
        assert answer["id"] == self.ids
        return answer["error"]

    def event(self, method: str, params: Any = None) -> Any:
        """The event that a request for the host becomes."""
        assert self.request(method, params) == []
        (event,) = self.events
        return event

    def handshake(self, revision: str = "2025-11-25") -> Any:
        client = {"name": "test", "version": "1"}
        result = self.result(
            "initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": client}
        )
        self.notify("notifications/initialized")
        return result


@pytest.fixture
def registry() -> Registry:
    """A registry with one of everything."""
    capabilities: dict[str, dict[str, Any]] = {"logging": {}, "resources": {"subscribe": True}}
    registry = Registry(ServerInfo("lab", "1.0", "The lab", "Use add for sums.", capabilities))
    hints = {"readOnlyHint": True}
    registry.tools.add([Tool.parse("add", "Adds", ADD, output_schema=TOTAL, title="Add", annotations=hints)])
    registry.resources.add([Resource("lab://readme", "readme", "Read me", None, "text/plain", 11)])
    registry.templates.add([ResourceTemplate.parse("lab://square/{n}", "square", title="Square")])
    registry.prompts.add([Prompt("greet", "Greet", None, (PromptArgument("name", None, "Who", True),))])
    registry.offer("completions")
    return registry


@pytest.fixture
def connect(registry: Registry) -> Callable[..., Peer]:
    """Makes clients of the registry; `revision=None` leaves the handshake out."""

    def connect(revision: str | None = "2025-11-25", **options: Any) -> Peer:
        peer = Peer(ServerSession(registry, **options))
        if revision is not None:
            peer.handshake(revision)
        return peer

    return connect


@pytest.fixture
def peer(connect: Callable[..., Peer]) -> Peer:
    """A client after the handshake, on the latest revision."""
    return connect()


# --- real components, and hosts of them ---------------------------------------------------------------------

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def toolbox() -> Path:
    """The example component."""
    return ROOT / "examples" / "toolbox" / "toolbox.wasm"


@pytest.fixture
def shared_components() -> Path:
    """The folder of real components beside the repository; skips where it is absent."""
    folder = ROOT.parent / "shared" / "components"
    if not folder.is_dir():
        pytest.skip(f"needs the real components in {folder}, which is not there")
    return folder


class Client:
    """The client's side of a transport in memory. Notifications are kept; answers are waited for by id."""

    def __init__(self, transport: MemoryTransport) -> None:
        self.transport = transport
        self.notifications: list[Any] = []
        self.answers: dict[Any, Any] = {}
        self.order: list[Any] = []
        self.ids = 0

    async def send(self, method: str, params: Any = None, **more: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method} | ({} if params is None else {"params": params}) | more
        await self.transport.write(json.dumps(message).encode() + b"\n")

    async def start(self, method: str, params: Any = None) -> int:
        """Send a request; its id."""
        self.ids += 1
        await self.send(method, params, id=self.ids)
        return self.ids

    async def answer(self, id: Any) -> Any:
        """The answer to a request."""
        while id not in self.answers:
            await self.take()
        return self.answers.pop(id)

    async def take(self) -> None:
        """Wait for one message."""
        line = await self.transport.read()
        assert line is not None, "the server has closed"
        message = json.loads(line)
        if "method" in message:
            self.notifications.append(message)
        else:
            self.answers[message["id"]] = message
            self.order.append(message["id"])

    async def request(self, method: str, params: Any = None) -> Any:
        """The result of a request."""
        answer = await self.answer(await self.start(method, params))
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, params: Any = None) -> Any:
        """The error of a request."""
        answer = await self.answer(await self.start(method, params))
        assert "error" in answer, answer
        return answer["error"]

    async def call(self, tool: str, **arguments: Any) -> Any:
        """The result of a tool."""
        return await self.request("tools/call", {"name": tool, "arguments": arguments})

    async def text(self, tool: str, **arguments: Any) -> str:
        """The text of a tool that succeeds."""
        result = await self.call(tool, **arguments)
        assert result["isError"] is False, result
        (block,) = result["content"]
        return str(block["text"])

    async def failure(self, tool: str, **arguments: Any) -> str:
        """The text of a tool that fails."""
        result = await self.call(tool, **arguments)
        assert result["isError"] is True, result
        (block,) = result["content"]
        return str(block["text"])

    async def handshake(self, revision: str = "2025-11-25") -> Any:
        client = {"name": "test", "version": "1"}
        result = await self.request(
            "initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": client}
        )
        await self.send("notifications/initialized")
        return result


Scenario = Callable[[Client, McpHost], Coroutine[Any, Any, None]]


@pytest.fixture
def serve() -> Callable[..., None]:
    """Serve a component in memory, and run a scenario as its client; the server must end cleanly."""

    async def run(
        component: Any, scenario: Scenario, config: HostConfig | None, revision: str | None
    ) -> None:
        async with McpHost(config) as host:
            await host.load_component(component)
            near, far = memory_pair()
            server = asyncio.create_task(host.serve(far))
            client = Client(near)
            if revision is not None:
                await client.handshake(revision)
            await scenario(client, host)
            near.close()
            await server

    def serve(
        component: Any,
        scenario: Scenario,
        config: HostConfig | None = None,
        revision: str | None = "2025-11-25",
    ) -> None:
        asyncio.run(run(component, scenario, config, revision))

    return serve


# --- small components ---------------------------------------------------------------------------------------

# The builder of binaries belongs to the tests of components; pytest gives no other way to its conftest.
_spec = importlib.util.spec_from_file_location("component_builder", ROOT / "tests/component/conftest.py")
assert _spec is not None
assert _spec.loader is not None
_builder = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_builder)
Builder, Types, Decls = _builder.Builder, _builder.Types, _builder.Decls

MEMORY = """
(module
  (memory (export "memory") {pages})
  (global $top (mut i32) (i32.const 8192))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $p i32)
    (local.set $p (global.get $top))
    (global.set $top
      (i32.add (global.get $top) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
    (local.get $p)))
"""

# $register registers the tools; $answer is the result of call-tool whose text is `fine`, $refuse the error
# `invalid-params: wrong`.
MAIN = """
(module
  (import "host" "memory" (memory 1))
  (import "host" "register-tools" (func $tools (param i32 i32) (result i32)))
  (import "host" "serve" (func $serve (result i32)))
  {imports}
  {data}
  (global $served (mut i32) (i32.const 0))
  (func $register (result i32) (call $tools (i32.const {table}) (i32.const {count})))
  (func $answer (result i32) (i32.const {answer}))
  (func $refuse (result i32) (i32.const {refusal}))
  (func (export "start") (result i32) {start})
  (func $loop (loop (br 0)))
  (func $recurse (call $recurse))
  (func $grow (loop (br_if 0 (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) (unreachable))
  (func (export "call-tool") (param $name i32) (param i32 i32 i32) (result i32) {call})
  {more})
"""

START = "(drop (call $register)) (drop (call $serve)) (i32.const 0)"

# What a tool does goes by the first letter of its name.
CALL = """
(block $known
  (if (i32.eq (i32.load8_u (local.get $name)) (i32.const 0x74)) (then (unreachable)))
  (if (i32.eq (i32.load8_u (local.get $name)) (i32.const 0x6c)) (then (call $loop)))
  (if (i32.eq (i32.load8_u (local.get $name)) (i32.const 0x72)) (then (call $recurse)))
  (if (i32.eq (i32.load8_u (local.get $name)) (i32.const 0x67)) (then (call $grow)))
  (if (i32.eq (i32.load8_u (local.get $name)) (i32.const 0x77)) (then (return (call $refuse)))))
(call $answer)
"""
TOOLS = ("fine", "trap", "loop", "recurse", "grow", "wrong")


class Data:
    """Static data of a module, and where it went."""

    def __init__(self) -> None:
        self.bytes = bytearray(16)

    def add(self, data: bytes) -> int:
        self.bytes += bytes(-len(self.bytes) % 8)
        self.bytes += data
        return len(self.bytes) - len(data)

    def text(self, text: str) -> bytes:
        """A string's pointer and length."""
        return struct.pack("<II", self.add(text.encode()), len(text.encode()))

    def segment(self) -> str:
        escaped = "".join(f"\\{byte:02x}" for byte in self.bytes)
        return f'(data (i32.const 0) "{escaped}")'


def build_mcp_component(
    *,
    start: str = START,
    call: str = CALL,
    more: str = "",
    tools: Sequence[str] = TOOLS,
    start_export: tuple[str, str] | None = ("wasi:cli/run@0.2.0", "run"),
    version: str = "@0.1.0-preview2",
    pages: int = 1,
    exits: bool = False,
    prints: bool = False,
    extra_import: str | None = None,
) -> bytes:
    """An MCP server whose types are wasi:mcp's, but for everything that it has no use for.

    `start` and `call` are the bodies of its start function and of call-tool, `more` further definitions.
    """
    b = Builder()
    runtime = _import_runtime(b, version)
    memory_module = b.run(MEMORY.format(pages=pages))
    memory = b.core_alias("core memory", memory_module, "memory")
    realloc = b.core_alias("core func", memory_module, "realloc")
    host = {
        "memory": ("core memory", memory),
        "register-tools": ("core func", b.lower(b.alias("func", runtime, "register-tools"), memory=memory)),
        "serve": ("core func", b.lower(b.alias("func", runtime, "serve"))),
    }
    unit = b.type(_result())
    imports = ""
    if exits:
        d = Decls()
        d.export("exit", "func", d.type(Types.func({"status": d.type(_result())})))
        instance = b.import_("wasi:cli/exit@0.2.0", "instance", b.type(d.instance()))
        host["exit"] = ("core func", b.lower(b.alias("func", instance, "exit")))
        imports = '(import "host" "exit" (func $exit (param i32)))'
    if prints:
        get_stdout, write = _import_stdout(b)
        host["get-stdout"] = ("core func", b.lower(get_stdout))
        host["write"] = ("core func", b.lower(write, memory=memory, realloc=realloc))
        imports += """
          (import "host" "get-stdout" (func $get-stdout (result i32)))
          (import "host" "write" (func $write (param i32 i32 i32 i32)))"""
    if extra_import is not None:
        d = Decls()
        d.export("poke", "func", d.type(Types.func()))
        b.import_(extra_import, "instance", b.type(d.instance()))
    main = b.run(_main(start, call, more, tools, imports), host=b.core_bag(**host))
    handler = b.lift(
        b.core_alias("core func", main, "call-tool"), _handler_type(b), memory=memory, realloc=realloc
    )
    b.export(f"wasi:mcp/handlers{version}", "instance", b.bag({"call-tool": ("func", handler)}))
    if start_export is not None:
        interface, name = start_export
        func = b.lift(b.core_alias("core func", main, "start"), b.type(Types.func({}, unit)))
        if interface:
            b.export(interface, "instance", b.bag({name: ("func", func)}))
        else:
            b.export(name, "func", func)
    return bytes(b.data)


def _result(ok: Any = None, err: Any = None) -> bytes:
    return bytes(b"\x6a" + Types.opt(ok) + Types.opt(err))


def _import_runtime(b: Any, version: str) -> int:
    d = Decls()
    schema = d.type(Types.list("u8"))
    record = d.type(Types.record(name="string", description="string", input_schema=schema))
    tools = d.type(Types.list(d.export("tool-definition", "type", record)))
    unit = d.type(_result())
    d.export("register-tools", "func", d.type(Types.func({"tools": tools}, unit)))
    d.export("serve", "func", d.type(Types.func({}, unit)))
    return int(b.import_(f"wasi:mcp/runtime{version}", "instance", b.type(d.instance())))


def _import_stdout(b: Any) -> tuple[int, int]:
    """wasi:cli/stdout.get-stdout and blocking-write-and-flush of what it gives."""
    d = Decls()
    stream = d.export("output-stream", "type")
    own = d.type(Types.own(d.export("error", "type")))
    cases = {"last-operation-failed": own, "closed": None}
    error = d.export("stream-error", "type", d.type(Types.variant(**cases)))
    contents = d.type(Types.list("u8"))
    params = {"self": d.type(Types.borrow(stream)), "contents": contents}
    write = "[method]output-stream.blocking-write-and-flush"
    d.export(write, "func", d.type(Types.func(params, d.type(_result(None, error)))))
    streams = b.import_("wasi:io/streams@0.2.0", "instance", b.type(d.instance()))
    stream = b.alias("type", streams, "output-stream")
    d = Decls()
    alias = d.export("output-stream", "type", d.outer(1, stream))
    d.export("get-stdout", "func", d.type(Types.func({}, d.type(Types.own(alias)))))
    stdout = b.import_("wasi:cli/stdout@0.2.0", "instance", b.type(d.instance()))
    return b.alias("func", stdout, "get-stdout"), b.alias("func", streams, write)


def _handler_type(b: Any) -> int:
    """call-tool, whose content knows nothing but text."""
    text = b.export("text-content", "type", b.type(Types.record(text="string")))
    block = b.export("content-block", "type", b.type(Types.variant(text=text)))
    content = b.type(Types.list(block))
    result = b.export("tool-result", "type", b.type(Types.record(content=content)))
    codes = _builder.vec([_builder.name(code) for code in ("internal-error", "invalid-params")])
    code = b.export("error-code", "type", b.type(b"\x6d" + codes))
    error = b.export("error", "type", b.type(Types.record(code=code, message="string")))
    params = {"name": "string", "arguments": b.type(Types.list("u8"))}
    return int(b.type(Types.func(params, b.type(_result(result, error)))))


def _main(start: str, call: str, more: str, tools: Sequence[str], imports: str) -> str:
    data = Data()
    schema = data.text('{"type":"object"}')
    table = b"".join(data.text(tool) + data.text(f"does {tool}") + schema for tool in tools)
    block = data.add(struct.pack("<I", 0) + data.text("fine"))
    return MAIN.format(
        imports=imports,
        table=data.add(table),
        count=len(tools),
        answer=data.add(struct.pack("<III", 0, block, 1)),
        refusal=data.add(struct.pack("<II", 1, 1) + data.text("wrong")),
        data=data.segment(),
        start=start,
        call=call,
        more=more,
    )


@pytest.fixture(scope="session")
def mcp_component() -> Callable[..., bytes]:
    return build_mcp_component
