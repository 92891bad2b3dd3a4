"""Use an MCP server component from a program: `python examples/embed.py`."""

import asyncio
from pathlib import Path

from mcp_host import HostConfig, McpHost

TOOLBOX = Path(__file__).parent / "toolbox" / "toolbox.wasm"


async def main() -> None:
    async with McpHost(HostConfig(execution_timeout=10, fuel=100_000_000)) as host:
        await host.load_component(TOOLBOX)
        for tool in host.list_tools():
            print(f"{tool.name}: {tool.title}")
        result = await host.call_tool("calc", {"expression": "2 * (3 + 4) ^ 2"})
        print(result.text)


asyncio.run(main())
