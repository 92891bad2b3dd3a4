import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from mcp_host import ErrorKind, HostConfig, McpHost, NotAServer, ProtocolError, StartError, Tool
from mcp_host.transports.memory import memory_pair
from pywrt.errors import LinkError, MalformedError

LONG = {"text": "abc", "rounds": 1_000_000}


def call_once(component: Any, tool: str, config: HostConfig | None = None, **arguments: Any) -> Any:
    async def run() -> Any:
        async with McpHost(config) as host:
            await host.load_component(component)
            return await host.call_tool(tool, arguments)

    return asyncio.run(run())


# --- as a library -------------------------------------------------------------------------------------------


def test_host_lists_what_the_component_registered(toolbox: Path) -> None:
    async def run() -> None:
        async with McpHost() as host:
            await host.load_component(toolbox)
            assert (host.server.name, host.server.version) == ("toolbox", "1.0.0")
            assert [tool.name for tool in host.list_tools()] == ["hash", "calc"]
            assert host.list_tools()[0].annotations == {
                "readOnlyHint": True,
                "idempotentHint": True,
                "openWorldHint": False,
            }
            assert [(one.uri, one.size) for one in host.list_resources()] == [("example://readme", 316)]
            assert [one.uri_template.text for one in host.list_resource_templates()] == [
                "example://table/{n}"
            ]
            (prompt,) = host.list_prompts()
            assert [(one.name, one.required) for one in prompt.arguments] == [
                ("problem", True),
                ("audience", False),
            ]

    asyncio.run(run())


def test_host_answers_as_expected_json_says(toolbox: Path) -> None:
    """Every handler call of expected.json, past the schemas that the host checks first."""
    rows = json.loads((toolbox.parent / "expected.json").read_text())

    async def run() -> None:
        async with McpHost(HostConfig(execution_timeout=60)) as host:
            await host.load_component(toolbox.read_bytes())
            for row in rows:
                handler, arguments, result = row["call"].partition("#")[2], row["arguments"], row["result"]
                if handler == "call-tool" and "ok" in result:
                    answer = await host.call_tool(arguments[0], json.loads(arguments[1]))
                    assert answer.text == result["ok"]["content"][0]["text"]["text"]
                    assert answer.is_error == result["ok"]["is-error"]
                elif handler == "read-resource" and "ok" in result:
                    (block,) = result["ok"]["contents"]
                    (contents,) = await host.read_resource(arguments[0])
                    assert contents["text"] == block["embedded-resource"]["text"]
                    assert contents["mimeType"] == block["embedded-resource"]["mime-type"]
                elif handler == "read-resource":
                    with pytest.raises(ProtocolError) as caught:
                        await host.read_resource(arguments[0])
                    assert caught.value.kind is ErrorKind.RESOURCE_NOT_FOUND
                    assert caught.value.message == result["err"]["message"]
                elif handler == "get-prompt" and "ok" in result:
                    prompt = await host.get_prompt(arguments[0], json.loads(arguments[1]))
                    (message,) = prompt.messages
                    expected = result["ok"]["messages"][0]["content"]["text"]["text"]
                    assert message == {"role": "user", "content": {"type": "text", "text": expected}}
                elif handler == "handle-complete" and arguments[0] != "tool-name":
                    kind = "ref/prompt" if arguments[0] == "prompt-name" else "ref/resource"
                    values = await host.complete(kind, "", "", arguments[1])
                    assert values == [one["value"] for one in result]

    asyncio.run(run())


def test_call_tool_gives_structured_content_and_progress(toolbox: Path) -> None:
    seen: list[tuple[float, float | None]] = []

    async def run() -> None:
        async with McpHost() as host:
            await host.load_component(toolbox)
            result = await host.call_tool(
                "hash",
                {"text": "abc", "algorithm": "crc32", "rounds": 70000},
                progress=lambda done, total: seen.append((done, total)),
            )
            assert result.structured == {
                "algorithm": "crc32",
                "digest": "e4be16d1",
                "bytes": 3,
                "rounds": 70000,
            }

    asyncio.run(run())
    assert seen[-1] == (70000, 70000)
    assert len(seen) == 3


def test_call_tool_unknown_name_raises_protocol_error(toolbox: Path) -> None:
    with pytest.raises(ProtocolError, match="Unknown tool: nope") as caught:
        call_once(toolbox, "nope")
    assert caught.value.kind is ErrorKind.TOOL_NOT_FOUND


def test_call_tool_bad_arguments_is_a_result_that_says_which(toolbox: Path) -> None:
    result = call_once(toolbox, "hash", text=1)
    assert result.is_error
    assert "arguments.text" in result.text


def test_host_two_calls_at_once_are_answered_in_turn(toolbox: Path) -> None:
    async def run() -> None:
        async with McpHost() as host:
            await host.load_component(toolbox)
            results = await asyncio.gather(
                host.call_tool("hash", {"text": "abc", "rounds": 100}),
                host.call_tool("calc", {"expression": "6 * 7"}),
            )
            assert [result.is_error for result in results] == [False, False]
            assert results[1].text == "42"

    asyncio.run(run())


def test_host_without_component_raises_runtime_error() -> None:
    near, far = memory_pair()
    with pytest.raises(RuntimeError, match="no component is loaded"):
        asyncio.run(McpHost().serve(far))
    near.close()


def test_load_component_missing_file_raises_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(McpHost().load_component(tmp_path / "none.wasm"))


@pytest.mark.parametrize("size", [0, 3, 7, 9, 100, 5000, 40000])
def test_load_component_truncated_raises_malformed_with_offset(toolbox: Path, size: int) -> None:
    with pytest.raises(MalformedError, match=r"offset 0x") as caught:
        asyncio.run(McpHost().load_component(toolbox.read_bytes()[:size]))
    assert caught.value.offset is not None


def test_load_component_random_bytes_raises_malformed() -> None:
    with pytest.raises(MalformedError):
        asyncio.run(McpHost().load_component(b"\x93\x1f\x88 random"))


def test_load_component_core_module_says_so() -> None:
    with pytest.raises(MalformedError, match="core module"):
        asyncio.run(McpHost().load_component(b"\0asm\1\0\0\0"))


def test_load_component_that_is_no_server_is_refused() -> None:
    empty = b"\0asm\x0d\0\1\0"
    with pytest.raises(NotAServer, match="neither imports wasi:mcp/runtime nor exports wasi:mcp/handlers"):
        asyncio.run(McpHost().load_component(empty))


def test_load_component_import_not_allowed_names_it_and_the_flag(mcp_component: Any) -> None:
    component = mcp_component(extra_import="my:host/log@1.0.0")
    with pytest.raises(
        LinkError, match=r"`my:host/log@1\.0\.0`, which is not allowed .*--allow-import 'my:host/\*'"
    ):
        asyncio.run(McpHost().load_component(component))


def test_load_component_unknown_wasi_import_names_it_and_the_flag(mcp_component: Any) -> None:
    component = mcp_component(extra_import="wasi:keyvalue/store@0.2.0")
    with pytest.raises(
        LinkError,
        match=r"`wasi:keyvalue/store@0\.2\.0` \(poke\), which this host hasn't got.*'wasi:keyvalue/\*'",
    ):
        asyncio.run(McpHost().load_component(component))
    with pytest.raises(
        LinkError, match=r"\(poke\).*: the host's `wasi:cli/exit@0\.2\.12` has `exit`, `exit-with-code`; to"
    ):
        asyncio.run(McpHost().load_component(mcp_component(extra_import="wasi:cli/exit@0.2.0")))


def test_load_component_unknown_import_that_is_allowed_is_linked(mcp_component: Any) -> None:
    component = mcp_component(extra_import="my:host/log@1.0.0")
    config = HostConfig(allowed_imports=("wasi:*", "my:host/*"))
    assert call_once(component, "fine", config).text == "fine"


# --- served -------------------------------------------------------------------------------------------------


def test_serve_initialize_list_call_read_get_complete(toolbox: Path, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        info = await client.handshake()
        assert info["serverInfo"] == {"name": "toolbox", "version": "1.0.0"}
        assert info["protocolVersion"] == "2025-11-25"
        assert "completions" in info["capabilities"]
        listed = await client.request("tools/list")
        assert [tool["name"] for tool in listed["tools"]] == ["hash", "calc"]
        assert await client.text("calc", expression="2 + 3 * (4 - 1) ^ 2") == "29"
        result = await client.call("hash", text="abc")
        assert result["structuredContent"]["digest"].startswith("ba7816bf")
        (contents,) = (await client.request("resources/read", {"uri": "example://table/7"}))["contents"]
        assert contents["mimeType"] == "text/csv"
        assert contents["text"].startswith("factor,product\n1,7\n")
        prompt = await client.request("prompts/get", {"name": "solve", "arguments": {"problem": "1 + 1"}})
        assert "1 + 1" in prompt["messages"][0]["content"]["text"]
        completed = await client.request(
            "completion/complete",
            {
                "ref": {"type": "ref/prompt", "name": "solve"},
                "argument": {"name": "audience", "value": "a s"},
            },
        )
        assert completed["completion"]["values"] == ["a student"]
        assert await client.request("resources/subscribe", {"uri": "example://readme"}) == {}
        assert await client.request("resources/unsubscribe", {"uri": "example://readme"}) == {}

    serve(toolbox, scenario, revision=None)


def test_serve_component_errors_are_json_rpc_errors(toolbox: Path, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        error = await client.error("resources/read", {"uri": "example://table/0"})
        assert error == {"code": -32002, "message": "no such resource: example://table/0"}
        assert (await client.error("resources/subscribe", {"uri": "example://none"}))["code"] == -32002
        assert (await client.error("tools/call", {"name": "nope"}))["code"] == -32602
        error = await client.error("prompts/get", {"name": "none"})
        assert error["code"] == -32602
        assert "arguments.expression" in await client.failure("calc", expression=1)
        assert "column 9" in await client.failure("calc", expression="2 + 3 * * 4")

    serve(toolbox, scenario)


def test_serve_ping_during_a_long_call_is_answered_first(toolbox: Path, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        long = await client.start("tools/call", {"name": "hash", "arguments": LONG})
        for _ in range(20):
            assert await client.request("ping") == {}
        assert (await client.request("tools/list"))["tools"][0]["name"] == "hash"
        assert long not in client.order
        await client.send("notifications/cancelled", {"requestId": long, "reason": "enough"})
        assert await client.text("calc", expression="6 * 7") == "42"
        assert long not in client.order  # a cancelled request gets no answer

    serve(toolbox, scenario)


def test_serve_cancel_a_queued_call_leaves_the_running_one_alone(toolbox: Path, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        running = await client.start(
            "tools/call", {"name": "hash", "arguments": {"text": "abc", "rounds": 500}}
        )
        queued = await client.start("tools/call", {"name": "calc", "arguments": {"expression": "1"}})
        last = await client.start("tools/call", {"name": "calc", "arguments": {"expression": "2"}})
        await client.send("notifications/cancelled", {"requestId": queued})
        assert (await client.answer(last))["result"]["content"][0]["text"] == "2"
        assert client.order == [1, running, last]

    serve(toolbox, scenario)


def test_serve_progress_and_log_reach_the_client(toolbox: Path, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        arguments = {"text": "abc", "algorithm": "crc32", "rounds": 70000}
        params = {"name": "hash", "arguments": arguments, "_meta": {"progressToken": "p1"}}
        await client.request("tools/call", params)
        progress = [
            one["params"] for one in client.notifications if one["method"] == "notifications/progress"
        ]
        assert {one["progressToken"] for one in progress} == {"p1"}
        assert [one["progress"] for one in progress] == sorted({one["progress"] for one in progress})
        assert progress[-1] == {"progressToken": "p1", "progress": 70000, "total": 70000}
        (log,) = [one["params"] for one in client.notifications if one["method"] == "notifications/message"]
        assert log["level"] == "info"
        assert log["data"]["data"] == {"algorithm": "crc32", "rounds": 70000}

    serve(toolbox, scenario)


def test_serve_log_below_the_clients_level_goes_to_the_log(
    toolbox: Path, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        await client.request("logging/setLevel", {"level": "error"})
        await client.call("hash", text="abc", algorithm="crc32", rounds=70000)
        assert client.notifications == []

    with caplog.at_level(logging.INFO, "mcp_host.component"):
        serve(toolbox, scenario)
    assert [record.message for record in caplog.records if record.name == "mcp_host.component"] == [
        'hash: many rounds, this may take a while {"algorithm": "crc32", "rounds": 70000}'
    ]


def test_serve_end_of_input_during_a_call_still_answers(toolbox: Path) -> None:
    async def run() -> None:
        async with McpHost() as host:
            await host.load_component(toolbox)
            near, far = memory_pair()
            request = {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}
            request["params"] = {"name": "hash", "arguments": {"text": "abc", "rounds": 100}}
            initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}
            for message in (
                {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize},
                request,
            ):
                await near.write(json.dumps(message).encode() + b"\n")
            await HalfClosed(far, host).serve()
            answers = [json.loads(line) for line in (await near.read(), await near.read()) if line]
            assert [one["id"] for one in answers] == [1, 2]
            assert "45b9d3cf" in answers[1]["result"]["content"][0]["text"]

    asyncio.run(run())


class HalfClosed:
    """A transport whose input ends after two messages, while its output stays open."""

    def __init__(self, transport: Any, host: McpHost) -> None:
        self.transport, self.host, self.left = transport, host, 2

    async def serve(self) -> None:
        await self.host.serve(self)

    async def read(self) -> bytes | None:
        self.left -= 1
        return await self.transport.read() if self.left >= 0 else None

    async def write(self, data: bytes) -> None:
        await self.transport.write(data)

    def close(self) -> None:
        self.transport.close()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe{}", -32700),
        (b"nonsense", -32700),
        (b'[{"jsonrpc": "2.0", "id": 9, "method": "ping"}]', -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 9, "method": "no/such"}', -32601),
        (b'{"id": 9, "method": "ping"}', -32600),
    ],
)
def test_serve_wrong_input_is_answered_and_the_server_goes_on(
    toolbox: Path, serve: Any, line: bytes, code: int
) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        await client.transport.write(line + b"\n")
        await client.take()
        (answer,) = client.answers.values()
        assert answer["error"]["code"] == code
        client.answers.clear()
        assert await client.text("calc", expression="1 + 1") == "2"

    serve(toolbox, scenario)


def test_serve_batch_under_2025_03_26_is_answered_as_one(toolbox: Path, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        call = {"name": "calc", "arguments": {"expression": "1 + 1"}}
        batch = [
            {"jsonrpc": "2.0", "id": 7, "method": "ping"},
            {"jsonrpc": "2.0", "id": 8, "method": "tools/call", "params": call},
        ]
        await client.transport.write(json.dumps(batch).encode() + b"\n")
        line = await client.transport.read()
        assert [one["id"] for one in json.loads(line or b"")] == [7, 8]

    serve(toolbox, scenario, revision="2025-03-26")


def test_serve_five_megabytes_in_a_line_are_taken(toolbox: Path, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        result = await client.call("hash", text="x", padding="y" * 5_000_000)
        assert result["isError"] is True
        assert await client.text("calc", expression="1 + 1") == "2"

    serve(toolbox, scenario)


# --- starting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "start_export",
    [("wasi:cli/run@0.2.9", "run"), ("", "init"), ("", "start"), ("my:plugin/life", "start")],
)
def test_start_by_any_start_export_registers(mcp_component: Any, start_export: tuple[str, str]) -> None:
    assert call_once(mcp_component(start_export=start_export), "fine").text == "fine"


def test_start_during_instantiation_registers(mcp_component: Any) -> None:
    component = mcp_component(
        start_export=None,
        more="(func $begin (drop (call $register)) (drop (call $serve))) (start $begin)",
    )
    assert call_once(component, "fine").text == "fine"


def test_start_without_serve_is_served_all_the_same(mcp_component: Any) -> None:
    assert call_once(mcp_component(start="(call $register)"), "fine").text == "fine"


@pytest.mark.parametrize("version", ["@0.1.0", "@0.1.0-preview2", "@0.3.0-draft", ""])
def test_start_in_any_version_of_the_package_is_served(mcp_component: Any, version: str) -> None:
    assert call_once(mcp_component(version=version), "fine").text == "fine"


@pytest.mark.parametrize(
    "after",
    [
        "(call $exit (i32.const 0)) (i32.const 0)",
        "(unreachable)",
        "(call $loop) (i32.const 0)",
        "(i32.const 1)",
        "(drop (call $serve)) (unreachable)",
    ],
    ids=["exits", "traps", "loops", "returns-err", "serves-again"],
)
def test_start_that_fails_after_serve_is_parked_in_it(mcp_component: Any, after: str) -> None:
    component = mcp_component(start=f"(drop (call $register)) (drop (call $serve)) {after}", exits=True)
    config = HostConfig(execution_timeout=0.3)

    async def run() -> None:
        async with McpHost(config) as host:
            await host.load_component(component)
            assert (await host.call_tool("fine")).text == "fine"
            assert (await host.call_tool("trap")).is_error
            assert (await host.call_tool("fine")).text == "fine"

    asyncio.run(run())


def test_start_parked_resumes_when_the_host_is_closed(mcp_component: Any) -> None:
    """After serve the component grows its memory, which shows that it went on."""
    component = mcp_component(
        start="(drop (call $register)) (drop (call $serve)) (drop (memory.grow (i32.const 2))) (i32.const 0)"
    )

    async def run() -> None:
        host = McpHost(HostConfig(serve="park"))
        await host.load_component(component)
        guest = host._runner._guest
        assert guest is not None
        before = guest.store.state.memory_left
        assert (await host.call_tool("fine")).text == "fine"
        assert guest.store.state.memory_left == before
        await host.close()
        assert guest.store.state.memory_left == before - 2 * 65536

    asyncio.run(run())


def test_start_that_exits_after_serve_with_serve_return_says_so(mcp_component: Any) -> None:
    component = mcp_component(
        start="(drop (call $register)) (drop (call $serve)) (call $exit (i32.const 1)) (i32.const 0)",
        exits=True,
    )
    with pytest.raises(StartError, match="the component exited with status 1"):
        call_once(component, "fine", HostConfig(serve="return"))


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("(unreachable)", r"the component trapped: unreachable in .+ at offset 0x"),
        ("(call $loop) (i32.const 0)", r"the component timed out after 0\.2 s"),
        ("(call $recurse) (i32.const 0)", "the component trapped: call stack exhausted"),
        ("(call $grow) (i32.const 0)", r"memory limit of 1 MiB was reached"),
        ("(i32.const 1)", "answered with an error from wasi:cli/run@0.2.0#run"),
    ],
)
def test_start_that_fails_says_why(mcp_component: Any, start: str, message: str) -> None:
    timeout = 0.2 if "loop" in start else 30
    config = HostConfig(execution_timeout=timeout, memory_limit=1 << 20)
    with pytest.raises(StartError, match=message):
        call_once(mcp_component(start=start), "fine", config)


def test_start_memory_beyond_the_limit_is_refused(mcp_component: Any) -> None:
    with pytest.raises(StartError, match="a memory of 20 pages does not fit"):
        call_once(mcp_component(pages=20), "fine", HostConfig(memory_limit=1 << 20))


def test_start_out_of_fuel_says_so(mcp_component: Any) -> None:
    with pytest.raises(StartError, match="used up its fuel of 5"):
        call_once(mcp_component(start="(call $loop) (i32.const 0)"), "fine", HostConfig(fuel=5))


@pytest.mark.parametrize("mode", ["auto", "return", "park"])
def test_serve_modes_with_the_example(toolbox: Path, mode: str) -> None:
    result = call_once(toolbox, "calc", HostConfig(serve=mode), expression="6 * 7")
    assert (result.text, result.is_error) == ("42", False)


@pytest.mark.parametrize("mode", ["auto", "return", "park"])
def test_serve_modes_with_a_javascript_server(shared_components: Path, mode: str) -> None:
    result = call_once(shared_components / "qjs-mcp-sync.wasm", "add", HostConfig(serve=mode), a=40, b=2)
    assert (result.text, result.is_error) == ("42", False)


# --- failing and going on -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "message", "config"),
    [
        ("trap", "The tool 'trap' trapped: unreachable in ", HostConfig()),
        ("loop", "The tool 'loop' timed out after 0.2 s", HostConfig(execution_timeout=0.2)),
        ("loop", "The tool 'loop' used up its fuel of 100000", HostConfig(fuel=100_000)),
        ("recurse", "The tool 'recurse' trapped: call stack exhausted", HostConfig()),
        (
            "grow",
            "(it had been refused memory: the memory limit of 4 MiB was reached)",
            HostConfig(memory_limit=4 << 20),
        ),
    ],
    ids=["trap", "timeout", "fuel", "recursion", "memory"],
)
def test_tool_that_fails_says_why_and_the_next_call_works(
    mcp_component: Any, serve: Any, tool: str, message: str, config: HostConfig
) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        assert message in await client.failure(tool)
        assert await client.text("fine") == "fine"
        assert message in await client.failure(tool)
        assert await client.request("ping") == {}
        assert await client.text("fine") == "fine"

    serve(mcp_component(), scenario, config)


def test_tool_error_that_is_the_requests_fault_is_a_json_rpc_error(mcp_component: Any, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        assert await client.error("tools/call", {"name": "wrong"}) == {"code": -32602, "message": "wrong"}

    serve(mcp_component(), scenario)


def test_handler_that_is_not_exported_is_unsupported(mcp_component: Any) -> None:
    async def run() -> None:
        async with McpHost() as host:
            await host.load_component(mcp_component())
            with pytest.raises(ProtocolError, match="the component has no handler 'read-resource'") as caught:
                await host.read_resource("lab://x")
            assert caught.value.kind is ErrorKind.UNSUPPORTED_OPERATION

    asyncio.run(run())


def test_call_tool_cancelled_from_asyncio_stops_the_guest(mcp_component: Any) -> None:
    async def run() -> None:
        async with McpHost() as host:
            await host.load_component(mcp_component())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(host.call_tool("loop"), 0.1)
            assert (await host.call_tool("fine")).text == "fine"

    asyncio.run(run())


def test_restart_that_registers_the_same_announces_nothing(mcp_component: Any, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        await client.failure("trap")
        assert await client.text("fine") == "fine"
        assert client.notifications == []

    serve(mcp_component(), scenario)


def test_registry_that_changes_is_announced_after_the_next_call(mcp_component: Any, serve: Any) -> None:
    async def scenario(client: Any, host: McpHost) -> None:
        host.registry.tools.add([Tool.parse("late", None, b'{"type": "object"}')])
        assert await client.text("fine") == "fine"
        names = [tool["name"] for tool in (await client.request("tools/list"))["tools"]]
        assert "late" in names
        assert [one["method"] for one in client.notifications] == ["notifications/tools/list_changed"]

    serve(mcp_component(), scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        {"memory_limit": 0},
        {"execution_timeout": 0},
        {"execution_timeout": float("nan")},
        {"fuel": 0},
        {"serve": "sometimes"},
        {"log_level": "loud"},
        {"allowed_imports": "wasi:*"},
    ],
)
def test_host_config_refuses_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        HostConfig(**wrong)


class SlowReader:
    """A transport whose client sends all it has at once, and reads nothing until it is told to."""

    def __init__(self, messages: list[Any]) -> None:
        self.incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        for message in messages:
            self.incoming.put_nowait(json.dumps(message).encode())
        self.reads = asyncio.Event()
        self.written: list[bytes] = []

    async def read(self) -> bytes | None:
        return await self.incoming.get()

    async def write(self, data: bytes) -> None:
        self.written.append(data)
        await self.reads.wait()


def test_client_that_does_not_read_gets_no_further_answers_made(toolbox: Path) -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    first = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    call = {"name": "calc", "arguments": {"expression": "2 + 3"}}
    more = [{"jsonrpc": "2.0", "id": i, "method": "tools/call", "params": call} for i in range(1, 6)]

    async def run() -> None:
        transport = SlowReader(first)
        transport.reads.set()
        async with McpHost() as host:
            await host.load_component(toolbox)
            server = asyncio.create_task(host.serve(transport))
            while not transport.written:
                await asyncio.sleep(0)
            transport.reads.clear()
            for message in more:
                transport.incoming.put_nowait(json.dumps(message).encode())
            for _ in range(200):
                await asyncio.sleep(0.001)
            assert len(transport.written) == 2
            transport.reads.set()
            transport.incoming.put_nowait(None)
            await server
            answers = [json.loads(line) for line in b"".join(transport.written).splitlines()]
            assert [answer["id"] for answer in answers if "id" in answer] == list(range(6))

    asyncio.run(run())
