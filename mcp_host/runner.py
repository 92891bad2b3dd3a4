"""The component at work: started, called in turn, and started again when it fails.

Strategy: the component runs on the event loop's own thread, in slices. One call at a time is in it; others
wait their turn in the order in which they came (`_turn`). What ends a call other than by returning leaves an
instance in an unknown state: it is dropped, and started anew in the background, from the component as it was
decoded before, so that the next call finds it ready.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

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
from mcp_host.guest import Guest, GuestContext, Program, start
from mcp_host.protocol.errors import ErrorKind, ProtocolError
from mcp_host.protocol.revisions import LOG_LEVELS
from mcp_host.protocol.session import ServerSession
from mcp_host.registry import Prompt, Registry, Tool
from pywrt.errors import WasmError

_log = logging.getLogger("mcp_host")
_component_log = logging.getLogger("mcp_host.component")

#: Levels of the standard library for MCP's eight, in their order.
_PYTHON_LEVELS = dict(zip(LOG_LEVELS, (10, 20, 20, 30, 40, 50, 50, 50), strict=True))

Answer = TypeVar("Answer")

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


class Listener(Protocol):
    """A client that is connected."""

    session: ServerSession
    slice_pause: float

    async def flush(self) -> None:
        """Send what the session has to say."""

    async def drained(self) -> None:
        """Wait until the client has taken what was sent."""


class Caller:
    """Who asked for a call: where its progress goes, and the client, if it is one's."""

    __slots__ = ("listener", "progress")

    def __init__(self, progress: Progress | None = None, listener: Listener | None = None) -> None:
        self.progress = progress
        self.listener = listener


class Runner:
    """Runs one component for the clients in `listeners`, and for the program it is part of."""

    def __init__(self, config: HostConfig) -> None:
        self.config = config
        self.registry = Registry()
        self.listeners: list[Listener] = []
        self._program: Program | None = None
        self._guest: Guest | None = None
        self._mode = config.serve
        self._turn = asyncio.Lock()
        self._current: Caller | None = None
        self._restarting: asyncio.Task[None] | None = None

    # --- the component's life -----------------------------------------------------------------------------

    async def load(self, program: Program) -> None:
        """Start `program`, and take in what it registers, in place of the one before.

        Raises LinkError, StartError and OSError; see `mcp_host.guest.start`.
        """
        await self.close()
        self._program = program
        self._mode = self.config.serve
        async with self._turn:
            await self._ready_guest()

    async def close(self) -> None:
        """End the component; one that waits in `serve` returns from it."""
        await self._end_guest()
        self._program = None

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
                self.program, self.config, self._mode, lambda: _Context(self), self._pause
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

    # --- calls --------------------------------------------------------------------------------------------

    async def run_tool(self, tool: Tool, arguments: Mapping[str, Any], call: Caller) -> ToolResult:
        """Call a tool with arguments that fit its schema."""
        encoded = json.dumps(arguments, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        given = {"name": tool.name, "arguments": encoded}
        try:
            return tool_result(await self._invoke("call-tool", given, call))
        except GuestFailure as failure:
            return failed_tool(f"The tool {tool.name!r} {failure}")
        except BindingError as error:
            return failed_tool(f"The answer of the tool {tool.name!r} can't be passed on: {error}")
        except ProtocolError as error:
            return tool_error(error)

    async def run_read(self, uri: str, call: Caller) -> list[dict[str, Any]]:
        """Read a resource."""
        registered = self.registry.resources.get(uri) or self.registry.template_for(uri)
        mime_type = None if registered is None else registered.mime_type
        answer = await self._invoke_or_fail("read-resource", {"uri": uri}, call)
        return _passed_on(lambda: read_result(answer, uri, mime_type))

    async def run_prompt(self, prompt: Prompt, arguments: Mapping[str, str], call: Caller) -> PromptResult:
        """Fill in a prompt."""
        encoded = json.dumps(arguments, ensure_ascii=False).encode("utf-8", "replace") if arguments else None
        given = {"name": prompt.name, "arguments": encoded}
        answer = await self._invoke_or_fail("get-prompt", given, call)
        messages = _passed_on(lambda: prompt_result(answer))
        return PromptResult(messages, answer.get("description") or prompt.description)

    async def run_completion(
        self, ref_type: str, ref: str, argument: str, value: str, call: Caller
    ) -> list[str]:
        """Complete an argument's value. The handlers that there are take no more than that."""
        if ref_type not in REF_TYPES:
            raise ProtocolError(ErrorKind.INVALID_PARAMS, f"ref_type must be one of {', '.join(REF_TYPES)}")
        given = {"ref-type": REF_TYPES[ref_type], "ref-value": value, "ref": ref, "argument-name": argument}
        answer = await self._invoke_or_fail("handle-complete", given, call)
        return _passed_on(lambda: completion_result(answer))

    async def run_subscription(self, handler: str, uri: str, call: Caller) -> None:
        """Tell the component that a client subscribes or unsubscribes, if it has a handler for that."""
        if handler in self.program.handlers:
            await self._invoke_or_fail(handler, {"uri": uri}, call)

    async def _invoke_or_fail(self, handler: str, given: Mapping[str, Any], call: Caller) -> Any:
        """`_invoke`, with a failure as a ProtocolError."""
        try:
            return await self._invoke(handler, given, call)
        except GuestFailure as failure:
            raise ProtocolError(ErrorKind.INTERNAL_ERROR, f"{handler} {failure}") from failure

    async def _invoke(self, name: str, given: Mapping[str, Any], call: Caller) -> Any:
        """Call a handler when its turn comes; what it answered, as plain data.

        Raises ProtocolError for the component's error, GuestFailure for what ended the call otherwise. When
        the asyncio task is cancelled the call is stopped, or leaves the queue.
        """
        if name not in self.program.handlers:
            reason = f"the component has no handler {name!r}"
            raise ProtocolError(ErrorKind.UNSUPPORTED_OPERATION, reason)
        async with self._turn:
            if call.listener is not None:
                await call.listener.drained()  # a client that doesn't read gets no further answers made
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
        for listener in tuple(self.listeners):
            await listener.flush()
            pause = max(pause, listener.slice_pause)
        await asyncio.sleep(pause)

    # --- what the component does while it runs ------------------------------------------------------------

    def announce_changes(self) -> None:
        """Let every client know which lists have changed."""
        for listener in self.listeners:
            listener.session.announce_changes()

    def component_logged(self, level: str, message: str, data: Any) -> None:
        """Send a log message to the client whose call is running, or to all; or else write it to the log."""
        level = level if level in _PYTHON_LEVELS else "info"
        current = self._current
        if current is not None and current.listener is not None:
            receivers: Sequence[Listener] = [current.listener]
        else:
            receivers = self.listeners
        content = message if data is None else {"message": message, "data": data}
        sent = [
            one.session.notify_log(level, content, self.registry.server.name or None) for one in receivers
        ]
        if not any(sent) and LOG_LEVELS.index(level) >= LOG_LEVELS.index(self.config.log_level):
            suffix = "" if data is None else f" {json.dumps(data, ensure_ascii=False)}"
            _component_log.log(_PYTHON_LEVELS[level], "%s%s", message, suffix)

    def component_progressed(self, progress: int, total: int | None) -> None:
        """Pass progress on to whoever waits for the running call."""
        if self._current is not None and self._current.progress is not None:
            self._current.progress(progress, total)

    def lists_changed(self, capability: str) -> None:
        """Tell every client that a list has changed."""
        for listener in self.listeners:
            listener.session.notify_list_changed(capability)

    def resources_updated(self, uris: Sequence[str]) -> None:
        """Tell the clients that have subscribed."""
        for listener in self.listeners:
            for uri in uris:
                listener.session.notify_resource_updated(uri)


class _Context(GuestContext):
    """Hands what a component does through wasi:mcp to its host."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self._runner = runner

    def log(self, level: str, message: str, data: Any) -> None:
        self._runner.component_logged(level, message, data)

    def progress(self, token: str, progress: int, total: int | None) -> None:
        # call-tool carries no token, so whatever the component made up stands for the running call's.
        self._runner.component_progressed(progress, total)

    def lists_changed(self, capability: str) -> None:
        self._runner.lists_changed(capability)

    def resources_updated(self, uris: Sequence[str]) -> None:
        self._runner.resources_updated(uris)


def _passed_on(convert: Callable[[], Answer]) -> Answer:
    try:
        return convert()
    except BindingError as error:
        reason = f"the component's answer can't be passed on: {error}"
        raise ProtocolError(ErrorKind.INTERNAL_ERROR, reason) from error
