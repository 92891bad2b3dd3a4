"""Against the official client library of MCP: `pip install pywrt[interop]`."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the official MCP client library: pip install pywrt[interop]")

from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.types import PromptReference

ROOT = Path(__file__).parents[2]


def run(component: Path, scenario: Callable[[Any, Any], Coroutine[Any, Any, None]], *options: str) -> None:
    """Run a scenario on (a client session, the result of initialize) with a server process."""

    async def main() -> None:
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", "")}
        arguments = ["-m", "mcp_host", "--timeout", "60", *options, str(component)]
        server = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
        async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
            await scenario(session, await session.initialize())

    asyncio.run(asyncio.wait_for(main(), 120))


async def ping_and_cancel(session: Any, tool: str, arguments: dict[str, Any]) -> None:
    """Pings are answered while the call runs, and a call that is cancelled ends."""
    call = asyncio.create_task(session.call_tool(tool, arguments))
    for _ in range(5):
        await asyncio.sleep(0.02)
        await session.send_ping()
    assert not call.done()
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()


def test_official_client_with_the_example(toolbox: Path) -> None:
    async def scenario(session: Any, info: Any) -> None:
        assert (info.server_info.name, info.server_info.version) == ("toolbox", "1.0.0")
        tools = (await session.list_tools()).tools
        assert [tool.name for tool in tools] == ["hash", "calc"]
        result = await session.call_tool("calc", {"expression": "2 * (3 + 4) ^ 2"})
        assert result.content[0].text == "98"
        result = await session.call_tool("hash", {"text": "abc"})
        assert result.structured_content["digest"].startswith("ba7816bf")
        (contents,) = (await session.read_resource("example://table/7")).contents
        assert contents.text.startswith("factor,product")
        templates = (await session.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == ["example://table/{n}"]
        prompt = await session.get_prompt("solve", {"problem": "1 + 1"})
        assert "1 + 1" in prompt.messages[0].content.text
        reference = PromptReference(type="ref/prompt", name="solve")
        completed = await session.complete(reference, {"name": "audience", "value": "a "})
        assert completed.completion.values == ["a child", "a student"]
        await ping_and_cancel(session, "hash", {"text": "abc", "rounds": 1_000_000})
        result = await session.call_tool("calc", {"expression": "6 * 7"})
        assert result.content[0].text == "42"

    run(toolbox, scenario)


def test_official_client_with_a_javascript_server(shared_components: Path) -> None:
    async def scenario(session: Any, info: Any) -> None:
        assert info.server_info.name == "js-mcp"
        assert info.instructions == "Use add for sums."
        tools = (await session.list_tools()).tools
        assert [tool.name for tool in tools] == ["echo", "add", "primes", "now"]
        assert (await session.call_tool("add", {"a": 19, "b": 23})).content[0].text == "42"
        result = await session.call_tool("echo", {"text": "hi \n there\u00e9"})
        assert result.content[0].text == "hi \n there\u00e9"
        (contents,) = (await session.read_resource("lab://square/12")).contents
        assert contents.text == '{"square":144}'
        prompt = await session.get_prompt("greet", {"name": "Ada"})
        assert prompt.messages[0].content.text == "Say hello to Ada"
        reference = PromptReference(type="ref/prompt", name="greet")
        completed = await session.complete(reference, {"name": "name", "value": "e"})
        assert completed.completion.values == ["echo"]
        await ping_and_cancel(session, "primes", {"n": 5_000_000})
        assert (await session.call_tool("primes", {"n": 100})).content[0].text == "25"

    run(shared_components / "qjs-mcp-sync.wasm", scenario)
