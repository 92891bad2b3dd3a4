"""`McpHost`: a component as an MCP server, for programs."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from mcp_host.bindings.wasi_mcp import ToolResult, failed_tool
from mcp_host.config import HostConfig
from mcp_host.connection import Connection
from mcp_host.guest import Program
from mcp_host.protocol.errors import ErrorCodes, ErrorKind, ProtocolError
from mcp_host.protocol.session import bulleted, misfits, structured_of
from mcp_host.registry import Prompt, Registry, Resource, ResourceTemplate, ServerInfo, Tool
from mcp_host.runner import Caller, Progress, PromptResult, Runner
from mcp_host.transports import Transport

_log = logging.getLogger("mcp_host")


class McpHost:
    """Runs one component as an MCP server.

    async with McpHost(HostConfig()) as host:
        await host.load_component("toolbox.wasm")
        result = await host.call_tool("calc", {"expression": "2 + 3"})
        await host.serve(transport)

    Belongs to one event loop. `codes` overrides numbers of JSON-RPC errors.
    """

    def __init__(self, config: HostConfig | None = None, *, codes: ErrorCodes | None = None) -> None:
        self.config = config if config is not None else HostConfig()
        self._codes = codes
        self._runner = Runner(self.config)

    async def load_component(
        self, source: bytes | bytearray | memoryview | str | os.PathLike[str], name: str | None = None
    ) -> None:
        """Load the component in a file or in bytes, start it, and take in what it registers.

        Raises OSError for a file, or a directory of the configuration, that can't be read; MalformedError
        and InvalidError for what is no component; NotAServer for one that isn't about wasi:mcp; LinkError
        for an import that isn't allowed or isn't there; StartError if it fails while it starts.
        """
        if isinstance(source, (str, os.PathLike)):
            name = name if name is not None else os.path.basename(source)
            with open(source, "rb") as file:
                data = file.read()
        else:
            data = bytes(source)
        program = Program(data, self.config, name if name is not None else "component")
        await self._runner.load(program)
        for reason in _unenforced(self.registry):
            _log.warning("%s", reason)

    async def close(self) -> None:
        """End the component; one that waits in `serve` returns from it. The host can load another."""
        await self._runner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def registry(self) -> Registry:
        """What the component offers."""
        return self._runner.registry

    @property
    def program(self) -> Program:
        """The loaded component. RuntimeError if there is none."""
        return self._runner.program

    # --- what it offers -----------------------------------------------------------------------------------

    @property
    def server(self) -> ServerInfo:
        """Who the component says it is."""
        return self.registry.server

    def list_tools(self) -> list[Tool]:
        """The tools, in order of registration."""
        return list(self.registry.tools)

    def list_resources(self) -> list[Resource]:
        """The resources at fixed URIs, in order of registration."""
        return list(self.registry.resources)

    def list_resource_templates(self) -> list[ResourceTemplate]:
        """The resource templates, in order of registration."""
        return list(self.registry.templates)

    def list_prompts(self) -> list[Prompt]:
        """The prompts, in order of registration."""
        return list(self.registry.prompts)

    # --- calls --------------------------------------------------------------------------------------------

    async def call_tool(
        self, name: str, arguments: Mapping[str, Any] | None = None, *, progress: Progress | None = None
    ) -> ToolResult:
        """Call a tool. Whatever goes wrong in it, or in its arguments, is a result with `is_error`.

        `progress(done, total)` is called while it runs, as often as the component reports. Raises
        ProtocolError if there is no such tool, or the component says that the request was wrong.
        """
        tool = self.registry.tools.get(name)
        if tool is None:
            raise ProtocolError(ErrorKind.TOOL_NOT_FOUND, f"Unknown tool: {name}")
        given = dict(arguments or {})
        reasons = misfits(tool.input_schema, given, "arguments")
        if reasons:
            return failed_tool(bulleted(f"Invalid arguments for tool {name!r}:", reasons))
        result = await self._runner.run_tool(tool, given, Caller(progress))
        if tool.output_schema is not None and not result.is_error:
            if result.structured is None:
                result.structured = structured_of(result.content)
            reasons = misfits(tool.output_schema, result.structured, "structuredContent")
            if reasons:
                return failed_tool(bulleted(f"Tool {name!r} broke its output schema:", reasons))
        return result

    async def read_resource(self, uri: str) -> list[dict[str, Any]]:
        """Read a resource: entries with `uri`, `mimeType`, and `text` or `blob` (base64).

        Raises ProtocolError for the component's error, and if it fails.
        """
        return await self._runner.run_read(uri, Caller())

    async def get_prompt(self, name: str, arguments: Mapping[str, str] | None = None) -> PromptResult:
        """Fill in a prompt.

        Raises ProtocolError for an unknown prompt, the component's error, and if it fails.
        """
        prompt = self.registry.prompts.get(name)
        if prompt is None:
            raise ProtocolError(ErrorKind.PROMPT_NOT_FOUND, f"Unknown prompt: {name}")
        return await self._runner.run_prompt(prompt, arguments or {}, Caller())

    async def complete(self, ref_type: str, ref: str, argument: str, value: str) -> list[str]:
        """Complete what was typed of an argument: `ref_type` is `ref/prompt` or `ref/resource`.

        Raises ProtocolError. The handler of wasi:mcp is told the value, and not of which argument it is.
        """
        return await self._runner.run_completion(ref_type, ref, argument, value, Caller())

    async def serve(self, transport: Transport) -> None:
        """Serve a client until its input ends; then what it asked for before is still answered.

        Several transports may be served at once. The transport stays open. RuntimeError without a component.
        """
        _log.debug("serving %s", self.program.name)
        await Connection(self._runner, transport, self._codes).run()


def _unenforced(registry: Registry) -> list[str]:
    """What in the tools' schemas is not enforced."""
    return [
        f"tool {tool.name!r}: {reason}"
        for tool in registry.tools
        for schema in (tool.input_schema, tool.output_schema)
        if schema is not None
        for reason in schema.unenforced
    ]
