"""What a session tells its host.

A `Request` asks for an answer through the session's `respond_*` methods; the object itself is the handle,
since ids belong to the client, which may use one again. `request_id` is there for logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_host.registry import Prompt, ResourceTemplate, Tool

RequestId = str | int


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A request in flight; `progress_token` is None where the client didn't ask for progress."""

    request_id: RequestId
    progress_token: RequestId | None


@dataclass(frozen=True, slots=True, eq=False)
class CallTool(Request):
    """tools/call: `arguments` fit the tool's input schema. Answer: `respond_tool`."""

    tool: Tool
    arguments: dict[str, Any]

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.tool.name


@dataclass(frozen=True, slots=True, eq=False)
class ReadResource(Request):
    """resources/read.

    `template` serves the URI where no resource of that URI is registered. `respond_resource`.
    """

    uri: str
    template: ResourceTemplate | None


@dataclass(frozen=True, slots=True, eq=False)
class GetPrompt(Request):
    """prompts/get: the required arguments are there. Answer: `respond_prompt`."""

    prompt: Prompt
    arguments: dict[str, str]

    @property
    def name(self) -> str:
        """The prompt's name."""
        return self.prompt.name


@dataclass(frozen=True, slots=True, eq=False)
class Complete(Request):
    """completion/complete.

    `ref_type` is `ref/prompt` or `ref/resource`, `ref` the name or URI. `respond_completion`.
    """

    ref_type: str
    ref: str
    argument_name: str
    argument_value: str
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Subscribe(Request):
    """resources/subscribe: updates of the URI are sent from now on. Answer: `respond_empty`."""

    uri: str


@dataclass(frozen=True, slots=True, eq=False)
class Unsubscribe(Request):
    """resources/unsubscribe: updates of the URI are no longer sent. Answer: `respond_empty`."""

    uri: str


@dataclass(frozen=True, slots=True, eq=False)
class Initialized:
    """The client has finished the handshake: `client` is its `clientInfo`, as it sent it."""

    revision: str
    client: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Cancelled:
    """The client no longer wants `request` answered: stop the work on it."""

    request: Request
    reason: str | None


Event = Request | Initialized | Cancelled
