"""A client for the tests: it speaks to a session in memory, line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mcp_host.protocol.events import Event
from mcp_host.protocol.session import ServerSession
from mcp_host.registry import Prompt, PromptArgument, Registry, Resource, ResourceTemplate, ServerInfo, Tool

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
