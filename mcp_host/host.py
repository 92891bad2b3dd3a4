"""`McpHost`: a component as an MCP server, for programs.

Strategy: the component runs on the event loop's own thread, in slices. One call at a time is in it; others
wait their turn in the order in which they came (`_turn`), while every connection goes on reading, and
answers what needs no component. What ends a call other than by returning leaves an instance in an unknown
state: it is dropped, and started anew in the background, from the component as it was decoded before, so
that the next call finds it ready.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from mcp_host.bindings.values import BindingError
from mcp_host.bindings.wasi_mcp import (
    REF_TYPES,
    ToolResult,
    completion_result,
    failed_tool,
    prompt_result,
    read_result,
    tool_error,
    tool_result,
)
from mcp_host.calls import drive, explain, grant
from mcp_host.config import HostConfig
from mcp_host.connection import Connection
from mcp_host.guest import Guest, GuestContext, Program, start
from mcp_host.protocol.errors import ErrorCodes, ErrorKind, ProtocolError
from mcp_host.protocol.revisions import LOG_LEVELS
from mcp_host.protocol.session import bulleted, misfits, structured_of
from mcp_host.registry import Prompt, Registry, Resource, ResourceTemplate, ServerInfo, Tool
from mcp_host.transports import Transport
from pywrt.errors import WasmError

_log = logging.getLogger("mcp_host")
_component_log = logging.getLogger("mcp_host.component")

#: Levels of the standard library for MCP's eight, in their order.
_PYTHON_LEVELS = dict(zip(LOG_LEVELS, (10, 20, 20, 30, 40, 50, 50, 50), strict=True))

#: progress(done, total or None)
Progress = Callable[[float, float | None], Any]


class GuestFailure(Exception):
    """A call that the component did not return from; the message says why, as the end of a sentence."""


class PromptResult:
    """What a prompt gave: its messages (`role` and `content`, a content block), and a description."""

    __slots__ = ("description", "messages")

    def __init__(self, messages: list[dict[str, Any]], description: str | None) -> None:
        self.messages = messages
        self.description = description


class CurrentCall:
    """The call that is in the component: where its progress goes, and the connection that asked for it."""

    __slots__ = ("connection", "progress")

    def __init__(self, progress: Progress | None = None, connection: Connection | None = None) -> None:
        self.progress = progress
        self.connection = connection


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
        self.codes = codes
        self.registry = Registry()
        self._program: Program | None = None
        self._guest: Guest | None = None
        self._mode = self.config.serve
        self._turn = asyncio.Lock()
        self._current: CurrentCall | None = None
        self._connections: list[Connection] = []
        self._restarting: asyncio.Task[None] | None = None

    # --- the component's life -----------------------------------------------------------------------------

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
        await self._end_guest()
        self._program = program
        self._mode = self.config.serve
        async with self._turn:
            await self._ready_guest()
        for reason in _unenforced(self.registry):
            _log.warning("%s", reason)

    async def close(self) -> None:
        """End the component; one that waits in `serve` returns from it. The host can load another."""
        await self._end_guest()
        self._program = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def program(self) -> Program:
        """The loaded component. RuntimeError if there is none."""
        if self._program is None:
            raise RuntimeError("no component is loaded: call load_component first")
        return self._program

    async def _ready_guest(self) -> Guest:
        """The running instance, started if there is none. To be called with the turn."""
        if self._guest is None:
            guest, mode = await start(
                self.program, self.config, self._mode, lambda: _HostContext(self), self._pause
            )
            if mode == "park":
                self._mode = mode
            registered = guest.context.registry
            if "handle-complete" in self.program.handlers:
                registered.offer("completions")
            self.registry.adopt(registered)
            guest.context.registry = self.registry
            self._guest = guest
            self.announce_changes()
        return self._guest

    def _lose(self, guest: Guest) -> None:
        """Drop an instance in an unknown state, and start another in the background."""
        guest.discard()
        if self._guest is guest:
            self._guest = None
            if self._restarting is None:
                self._restarting = asyncio.get_running_loop().create_task(self._restart())

    async def _restart(self) -> None:
        try:
            async with self._turn:
                await self._ready_guest()
        except (WasmError, OSError) as error:
            _log.error("the component could not be started again: %s", error)
        finally:
            self._restarting = None

    async def _end_guest(self) -> None:
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.wait([self._restarting])
        async with self._turn:
            guest, self._guest = self._guest, None
            if guest is not None:
                await guest.close(self.config, self._pause)

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
        result = await self.run_tool(tool, given, CurrentCall(progress))
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
        return await self.run_read(uri, CurrentCall())

    async def get_prompt(self, name: str, arguments: Mapping[str, str] | None = None) -> PromptResult:
        """Fill in a prompt.

        Raises ProtocolError for an unknown prompt, the component's error, and if it fails.
        """
        prompt = self.registry.prompts.get(name)
        if prompt is None:
            raise ProtocolError(ErrorKind.PROMPT_NOT_FOUND, f"Unknown prompt: {name}")
        return await self.run_prompt(prompt, arguments or {}, CurrentCall())

    async def complete(self, ref_type: str, ref: str, argument: str, value: str) -> list[str]:
        """Complete what was typed of an argument: `ref_type` is `ref/prompt` or `ref/resource`.

        wasi:mcp's handler takes the value and not the argument's name. Raises ProtocolError.
        """
        del ref, argument
        return await self.run_completion(ref_type, value, CurrentCall())

    # --- calls, as connections make them ------------------------------------------------------------------

    async def run_tool(self, tool: Tool, arguments: Mapping[str, Any], call: CurrentCall) -> ToolResult:
        """Call a tool with arguments that fit its schema."""
        encoded = json.dumps(arguments, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        try:
            return tool_result(await self._invoke("call-tool", {"name": tool.name, "arguments": encoded}, call))
        except GuestFailure as failure:
            return failed_tool(f"The tool {tool.name!r} {failure}")
        except BindingError as error:
            return failed_tool(f"The answer of the tool {tool.name!r} can't be passed on: {error}")
        except ProtocolError as error:
            return tool_error(error)

    async def run_read(self, uri: str, call: CurrentCall) -> list[dict[str, Any]]:
        """Read a resource."""
        registered = self.registry.resources.get(uri) or self.registry.template_for(uri)
        mime_type = None if registered is None else registered.mime_type
        answer = await self._invoke_or_fail("read-resource", {"uri": uri}, call)
        return _passed_on(lambda: read_result(answer, uri, mime_type))

    async def run_prompt(
        self, prompt: Prompt, arguments: Mapping[str, str], call: CurrentCall
    ) -> PromptResult:
        """Fill in a prompt."""
        encoded = json.dumps(arguments, ensure_ascii=False).encode("utf-8", "replace") if arguments else None
        given = {"name": prompt.name, "arguments": encoded}
        answer = await self._invoke_or_fail("get-prompt", given, call)
        messages = _passed_on(lambda: prompt_result(answer))
        return PromptResult(messages, answer.get("description") or prompt.description)

    async def run_completion(self, ref_type: str, value: str, call: CurrentCall) -> list[str]:
        """Complete an argument's value."""
        if ref_type not in REF_TYPES:
            raise ProtocolError(ErrorKind.INVALID_PARAMS, f"ref_type must be one of {', '.join(REF_TYPES)}")
        given = {"ref-type": REF_TYPES[ref_type], "ref-value": value}
        answer = await self._invoke_or_fail("handle-complete", given, call)
        return _passed_on(lambda: completion_result(answer))

    async def run_subscription(self, handler: str, uri: str, call: CurrentCall) -> None:
        """Tell the component that a client subscribes or unsubscribes, if it has a handler for that."""
        if handler in self.program.handlers:
            await self._invoke_or_fail(handler, {"uri": uri}, call)

    async def _invoke_or_fail(self, handler: str, given: Mapping[str, Any], call: CurrentCall) -> Any:
        """`_invoke`, with a failure as a ProtocolError."""
        try:
            return await self._invoke(handler, given, call)
        except GuestFailure as failure:
            raise ProtocolError(ErrorKind.INTERNAL_ERROR, f"{handler} {failure}") from failure

    async def _invoke(self, name: str, given: Mapping[str, Any], call: CurrentCall) -> Any:
        """Call a handler when its turn comes; what it answered, as plain data.

        Raises ProtocolError for the component's error, GuestFailure for what ended the call otherwise. When
        the asyncio task is cancelled the call is stopped, or leaves the queue.
        """
        if name not in self.program.handlers:
            reason = f"the component has no handler {name!r}"
            raise ProtocolError(ErrorKind.UNSUPPORTED_OPERATION, reason)
        async with self._turn:
            try:
                guest = await self._ready_guest()
            except (WasmError, OSError) as error:
                raise GuestFailure(f"could not be called: {error}") from error
            handler = guest.handler(name)
            assert handler is not None
            grant(guest.store, self.config)
            self._current = call
            try:
                task = handler.start(guest.store, given)
                await drive(task, guest.store, guest.pace, self._pause)
            except Exception as error:
                self._lose(guest)
                _log.warning("%s: %s", name, error, exc_info=not isinstance(error, WasmError))
                raise GuestFailure(explain(error, guest.store, self.config)) from error
            except BaseException:
                self._lose(guest)
                raise
            finally:
                self._current = None
            return handler.settle(task.result)

    async def _pause(self) -> None:
        """Between two slices: send what there is, and let the event loop do its work."""
        pause = 0.0
        for connection in tuple(self._connections):
            await connection.flush()
            pause = max(pause, connection.slice_pause)
        await asyncio.sleep(pause)

    # --- connections --------------------------------------------------------------------------------------

    async def serve(self, transport: Transport) -> None:
        """Serve a client until its input ends; then what it asked for before is still answered.

        Several transports may be served at once. The transport stays open.
        """
        _ = self.program
        connection = Connection(self, transport)
        self._connections.append(connection)
        try:
            await connection.run()
        finally:
            self._connections.remove(connection)

    def announce_changes(self) -> None:
        """Let every client know which lists have changed."""
        for connection in self._connections:
            connection.session.announce_changes()

    # --- what the component does while it runs ------------------------------------------------------------

    def component_logged(self, level: str, message: str, data: Any) -> None:
        """Send a log message to the client whose call is running, or to all; or else write it to the log."""
        level = level if level in _PYTHON_LEVELS else "info"
        current = self._current
        if current is not None and current.connection is not None:
            receivers: Sequence[Connection] = [current.connection]
        else:
            receivers = self._connections
        content = message if data is None else {"message": message, "data": data}
        sent = [one.session.notify_log(level, content, self.server.name or None) for one in receivers]
        if not any(sent) and LOG_LEVELS.index(level) >= LOG_LEVELS.index(self.config.log_level):
            suffix = "" if data is None else f" {json.dumps(data, ensure_ascii=False)}"
            _component_log.log(_PYTHON_LEVELS[level], "%s%s", message, suffix)

    def component_progressed(self, progress: int, total: int | None) -> None:
        """Pass progress on to whoever waits for the running call."""
        if self._current is not None and self._current.progress is not None:
            self._current.progress(progress, total)

    def lists_changed(self, capability: str) -> None:
        """Tell every client that a list has changed."""
        for connection in self._connections:
            connection.session.notify_list_changed(capability)

    def resources_updated(self, uris: Sequence[str]) -> None:
        """Tell the clients that have subscribed."""
        for connection in self._connections:
            for uri in uris:
                connection.session.notify_resource_updated(uri)


class _HostContext(GuestContext):
    """Hands what a component does through wasi:mcp to its host."""

    def __init__(self, host: McpHost) -> None:
        super().__init__()
        self._host = host

    def log(self, level: str, message: str, data: Any) -> None:
        self._host.component_logged(level, message, data)

    def progress(self, token: str, progress: int, total: int | None) -> None:
        # call-tool carries no token, so whatever the component made up stands for the running call's.
        self._host.component_progressed(progress, total)

    def lists_changed(self, capability: str) -> None:
        self._host.lists_changed(capability)

    def resources_updated(self, uris: Sequence[str]) -> None:
        self._host.resources_updated(uris)


def _passed_on(convert: Callable[[], Any]) -> Any:
    try:
        return convert()
    except BindingError as error:
        reason = f"the component's answer can't be passed on: {error}"
        raise ProtocolError(ErrorKind.INTERNAL_ERROR, reason) from error


def _unenforced(registry: Registry) -> list[str]:
    """What in the tools' schemas is not enforced."""
    return [
        f"tool {tool.name!r}: {reason}"
        for tool in registry.tools
        for schema in (tool.input_schema, tool.output_schema)
        if schema is not None
        for reason in schema.unenforced
    ]
