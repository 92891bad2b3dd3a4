"""One client of a host: a protocol session on a transport.

Strategy: a loop reads messages and answers at once what the session can answer by itself. Each request for
the component becomes an asyncio task, which the host's queue puts in order; a cancellation of the client
cancels the task. Whoever produced something to send flushes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from mcp_host.protocol.errors import ErrorKind, ProtocolError
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
from mcp_host.transports import OverlongMessage, Transport

if TYPE_CHECKING:
    from mcp_host.host import McpHost

_log = logging.getLogger("mcp_host")


class Caller:
    """Where the progress of a request goes, and whose request it is."""

    __slots__ = ("connection", "request")

    def __init__(self, connection: Connection, request: Request) -> None:
        self.connection = connection
        self.request = request


class Connection:
    """A client; `run` serves it."""

    def __init__(self, host: McpHost, transport: Transport) -> None:
        self.session = ServerSession(host.registry, codes=host.codes)
        self.slice_pause: float = getattr(transport, "slice_pause", 0.0)
        self._host = host
        self._transport = transport
        self._tasks: dict[Request, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until the end of input, then until what was asked for is answered.

        That takes no longer than one call may take; a call that nobody waits for any more is stopped.
        """
        try:
            while (events := await self._receive()) is not None:
                for event in events:
                    self._act(event)
                await self.flush()
            if self._tasks:
                await asyncio.wait(tuple(self._tasks.values()), timeout=self._host.config.execution_timeout)
        finally:
            self.session.close()
            await self._stop_all()

    async def flush(self) -> None:
        """Send what the session has to say."""
        data = self.session.outgoing()
        if data:
            await self._transport.write(data)

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
                self._tasks[event] = asyncio.get_running_loop().create_task(self._answer(event))
            case Cancelled(request, reason):
                _log.info("the client cancelled request %r%s", request.request_id, f": {reason}" if reason else "")
                task = self._tasks.get(request)
                if task is not None:
                    task.cancel()
            case Initialized(revision, client):
                _log.info("serving %s %s, MCP %s", client.get("name"), client.get("version"), revision)

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
        finally:
            del self._tasks[request]
        self._host.announce_changes()
        await self.flush()
