"""One client of a host: a protocol session on a transport.

Strategy: a loop reads messages and answers at once what the session can answer by itself. Each request for
the component becomes an asyncio task, which the host's queue puts in order; a cancellation of the client
cancels the task. Whoever produced something to send flushes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from mcp_host.protocol.errors import ErrorCodes, ErrorKind, ProtocolError
from mcp_host.protocol.events import (
    CallTool,
    Cancelled,
    Complete,
    Event,
    GetPrompt,
    Initialized,
    ReadResource,
    Request,
    Subscribe,
    Unsubscribe,
)
from mcp_host.protocol.session import ServerSession
from mcp_host.runner import Caller, Runner
from mcp_host.transports import OverlongMessage, Transport

_log = logging.getLogger("mcp_host")

_GRACE_SECONDS = 1.0


class Connection:
    """A client; `run` serves it."""

    def __init__(self, runner: Runner, transport: Transport, codes: ErrorCodes | None = None) -> None:
        self.session = ServerSession(runner.registry, codes=codes)
        self.slice_pause: float = getattr(transport, "slice_pause", 0.0)
        self._runner = runner
        self._transport = transport
        self._tasks: dict[Request, asyncio.Task[None]] = {}
        self._writes = 0
        self._written = asyncio.Event()
        self._written.set()

    async def run(self) -> None:
        """Serve until the end of input, then until what was asked for before is answered.

        Each call ends by its own timeout; one that outlives it is stopped without an answer.
        """
        self._runner.listeners.append(self)
        try:
            while (events := await self._receive()) is not None:
                for event in events:
                    self._act(event)
                await self.flush()
            await self._finish()
        finally:
            self.session.close()
            self._runner.listeners.remove(self)
            await self._stop_all()

    async def flush(self) -> None:
        """Send what the session has to say."""
        data = self.session.outgoing()
        if data:
            self._writes += 1
            self._written.clear()
            try:
                await self._transport.write(data)
            finally:
                self._writes -= 1
                if not self._writes:
                    self._written.set()

    async def drained(self) -> None:
        """Wait until the client has taken what was sent."""
        await self._written.wait()

    async def _receive(self) -> list[Event] | None:
        """What the next message asks for; None at the end of input."""
        try:
            line = await self._transport.read()
        except OverlongMessage as error:
            self.session.refuse_overlong(error.limit)
            return []
        return None if line is None else self.session.receive(line)

    def _act(self, event: Event) -> None:
        match event:
            case Request():
                task = self._tasks[event] = asyncio.get_running_loop().create_task(self._answer(event))
                # not in the task's own `finally`: one that is cancelled early never begins
                task.add_done_callback(lambda _: self._tasks.pop(event))
            case Cancelled(request, reason):
                _log.info("request %r was cancelled: %s", request.request_id, reason or "no reason given")
                running = self._tasks.get(request)
                if running is not None:
                    running.cancel()
            case Initialized(revision, client):
                _log.info("serving %s %s, MCP %s", client.get("name"), client.get("version"), revision)

    async def _finish(self) -> None:
        """Wait for the calls that are left, as long as one is answered in the time that it may take."""
        # The first of them may have to wait for the component to be started again.
        timeout = self._runner.config.execution_timeout
        patience = None if timeout is None else 2 * timeout + _GRACE_SECONDS
        waiting = set(self._tasks.values())
        while waiting and not getattr(self._transport, "closed", False):
            done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return

    async def _stop_all(self) -> None:
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _answer(self, request: Request) -> None:
        try:
            await _ANSWERS[request.__class__](self, request)
        except ProtocolError as error:
            self.session.respond_error(request, error)
        except Exception:
            _log.exception("request %r failed in the host", request.request_id)
            self.session.respond_error(request, ProtocolError(ErrorKind.INTERNAL_ERROR, "internal error"))
        self._runner.announce_changes()
        await self.flush()

    def _caller(self, request: Request) -> Caller:
        return Caller(lambda done, total: self.session.notify_progress(request, done, total), self)

    async def _call_tool(self, request: CallTool) -> None:
        result = await self._runner.run_tool(request.tool, request.arguments, self._caller(request))
        self.session.respond_tool(
            request, result.content, structured=result.structured, is_error=result.is_error
        )

    async def _read_resource(self, request: ReadResource) -> None:
        contents = await self._runner.run_read(request.uri, self._caller(request))
        self.session.respond_resource(request, contents)

    async def _get_prompt(self, request: GetPrompt) -> None:
        result = await self._runner.run_prompt(request.prompt, request.arguments, self._caller(request))
        self.session.respond_prompt(request, result.messages, result.description)

    async def _complete(self, request: Complete) -> None:
        values = await self._runner.run_completion(
            request.ref_type,
            request.ref,
            request.argument_name,
            request.argument_value,
            self._caller(request),
        )
        self.session.respond_completion(request, values)

    async def _subscribe(self, request: Subscribe) -> None:
        await self._runner.run_subscription("handle-subscribe", request.uri, self._caller(request))
        self.session.respond_empty(request)

    async def _unsubscribe(self, request: Unsubscribe) -> None:
        await self._runner.run_subscription("handle-unsubscribe", request.uri, self._caller(request))
        self.session.respond_empty(request)


_ANSWERS: Mapping[type[Request], Callable[[Connection, Any], Coroutine[Any, Any, None]]] = {
    CallTool: Connection._call_tool,
    ReadResource: Connection._read_resource,
    GetPrompt: Connection._get_prompt,
    Complete: Connection._complete,
    Subscribe: Connection._subscribe,
    Unsubscribe: Connection._unsubscribe,
}
