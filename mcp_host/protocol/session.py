"""The server's side of an MCP session.

Strategy: three tables say what is allowed. TRANSITIONS gives the state after each kind of message, METHODS
the handler of each request with the capability that it needs, NOTIFICATIONS the handler of each
notification. A handler returns a result, which is answered at once, or a `Request`, which is in flight until
the host responds; or it raises ProtocolError. Everything goes out through `_deliver`, which encodes it, or
holds it back until the batch that asked for it is complete.

The revision under which a request is served is asked for by request (`_revision_of`) and kept with it while
it is in flight, not read from the session: in the stateless revisions, which have no handshake, each request
brings its own.

Spec: basic/lifecycle, basic/utilities and server of each revision
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

from mcp_host.protocol import jsonrpc, revisions
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
    RequestId,
    Subscribe,
    Unsubscribe,
)
from mcp_host.protocol.params import Params, invalid_params, read_cursor, write_cursor
from mcp_host.protocol.schema import Schema, SchemaError
from mcp_host.registry import Catalog, Registry

PAGE_SIZE = 100
MAX_IN_FLIGHT = 1000
MAX_SUBSCRIPTIONS = 10_000
MAX_COMPLETIONS = 100  # the specification's

DEFAULT_LOG_LEVEL = "info"
"""What is sent to a client that hasn't called logging/setLevel, which leaves the choice to the server:
everything but debug messages, which would flood a client that never asked for them."""


class State(Enum):
    """Where the handshake is."""

    FRESH = "waiting for initialize"
    INITIALIZING = "waiting for notifications/initialized"
    READY = "ready"
    CLOSED = "closed"


# state -> kind of message -> the state after it. What isn't there is refused (requests) or ignored
# (notifications). Requests are served as soon as initialize is answered: the specification asks clients, not
# servers, to wait.
TRANSITIONS: Mapping[State, Mapping[str, State]] = {
    State.FRESH: {"ping": State.FRESH, "initialize": State.INITIALIZING},
    State.INITIALIZING: {
        "ping": State.INITIALIZING,
        "request": State.INITIALIZING,
        "notifications/initialized": State.READY,
        "notification": State.INITIALIZING,
    },
    State.READY: {"ping": State.READY, "request": State.READY, "notification": State.READY},
    State.CLOSED: {},
}

REFUSALS: Mapping[tuple[State, str], str] = {
    (State.FRESH, "request"): "the session isn't initialized: send initialize first",
    (State.INITIALIZING, "initialize"): "the session is initialized already",
    (State.READY, "initialize"): "the session is initialized already",
}


class _Batch:
    """A batch whose answers are collected until `open` requests of it have got theirs."""

    __slots__ = ("answers", "open")

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.open = 1  # the batch itself, while it is being read


class _InFlight:
    """What belongs to a request that waits for its host."""

    __slots__ = ("batch", "progress", "request", "revision")

    def __init__(self, request: Request, revision: str, batch: _Batch | None) -> None:
        self.request = request
        self.revision = revision
        self.batch = batch
        self.progress = -math.inf


class ServerSession:
    """One client's session with what `registry` offers. See `mcp_host.protocol` for how a host drives it."""

    def __init__(
        self,
        registry: Registry,
        *,
        codes: ErrorCodes | None = None,
        page_size: int = PAGE_SIZE,
        max_in_flight: int = MAX_IN_FLIGHT,
    ) -> None:
        self.registry = registry
        self.state = State.FRESH
        self.revision: str | None = None
        self.client: Mapping[str, Any] = {}
        self.client_capabilities: Mapping[str, Any] = {}
        self._codes = codes if codes is not None else ErrorCodes()
        self._page_size = page_size
        self._max_in_flight = max_in_flight
        self._capabilities: Mapping[str, Mapping[str, Any]] = {}
        self._in_flight: dict[RequestId, _InFlight] = {}
        self._subscriptions: set[str] = set()
        self._level = revisions.LOG_LEVELS.index(DEFAULT_LOG_LEVEL)
        self._announced: dict[str, int] = {}
        self._outgoing: list[bytes] = []

    # --- what comes in ------------------------------------------------------------------------------------

    def receive(self, line: bytes) -> list[Event]:
        """Take one message (a line, its newline optional); return what the host has to act on.

        Never raises: what is wrong with the line is answered. A blank line is skipped.
        """
        if self.state is State.CLOSED or not line.strip():
            return []
        try:
            value = jsonrpc.decode(line)
            entries = self._batch_entries(value) if isinstance(value, list) else None
        except ProtocolError as error:
            self._deliver(self._error(None, error), None)
            return []
        if entries is None:
            return self._receive_message(jsonrpc.read_message(value), None)
        batch = _Batch()
        events = [
            event for entry in entries for event in self._receive_message(jsonrpc.read_message(entry), batch)
        ]
        self._close_one(batch)
        return events

    def refuse_overlong(self, limit: int) -> None:
        """Answer a message of more than `limit` bytes, which the transport has thrown away."""
        error = ProtocolError(
            ErrorKind.INVALID_REQUEST, f"invalid request: a message of more than {limit} bytes"
        )
        self._deliver(self._error(None, error), None)

    def close(self) -> list[Cancelled]:
        """End the session.

        Nothing more is taken in or sent. Returns the requests in flight, to be stopped.
        """
        self.state = State.CLOSED
        cancelled = [
            Cancelled(waiting.request, "the session was closed") for waiting in self._in_flight.values()
        ]
        self._in_flight.clear()
        return cancelled

    @property
    def in_flight(self) -> list[Request]:
        """The requests that wait for an answer of the host, oldest first."""
        return [waiting.request for waiting in self._in_flight.values()]

    # --- what goes out ------------------------------------------------------------------------------------

    def outgoing(self) -> bytes:
        """Take what is to be sent: whole lines, or nothing."""
        lines = b"".join(self._outgoing)
        self._outgoing.clear()
        return lines

    def respond_tool(
        self,
        call: CallTool,
        content: Sequence[Mapping[str, Any]],
        *,
        structured: dict[str, Any] | None = None,
        is_error: bool = False,
    ) -> None:
        """Answer tools/call with content blocks, shaped as in the latest revision.

        Where the tool has an output schema, `structured` must fit it; without `structured`, the first text
        that is a JSON object is taken. A result that doesn't fit is answered as an error of the tool.
        """
        waiting = self._take(call)
        if waiting is None:
            return
        if waiting.revision < revisions.STRUCTURED_CONTENT_SINCE:
            structured = None
        elif call.tool.output_schema is not None and not is_error:
            structured = structured if structured is not None else structured_of(content)
            reasons = misfits(call.tool.output_schema, structured, "structuredContent")
            if reasons:
                self._answer(waiting, _tool_error(f"Tool {call.name!r} broke its output schema:", reasons))
                return
        result: dict[str, Any] = {"content": revisions.content_blocks(content, waiting.revision)}
        if structured is not None:
            result["structuredContent"] = structured
        result["isError"] = is_error
        self._answer(waiting, result)

    def respond_tool_failure(self, call: CallTool, message: str) -> None:
        """Answer tools/call with a failure of the tool: a result with isError, for a model to read."""
        self.respond_tool(call, [{"type": "text", "text": message}], is_error=True)

    def respond_resource(self, read: ReadResource, contents: Sequence[Mapping[str, Any]]) -> None:
        """Answer resources/read with contents: `uri`, `mimeType`, and `text` or `blob` (base64)."""
        waiting = self._take(read)
        if waiting is not None:
            known = [revisions.known_fields("contents", one, waiting.revision) for one in contents]
            self._answer(waiting, {"contents": known})

    def respond_prompt(
        self, get: GetPrompt, messages: Sequence[Mapping[str, Any]], description: str | None = None
    ) -> None:
        """Answer prompts/get with messages: `role` (user or assistant) and `content`, a content block."""
        waiting = self._take(get)
        if waiting is not None:
            known = [
                {
                    "role": message["role"],
                    "content": revisions.content_block(message["content"], waiting.revision),
                }
                for message in messages
            ]
            self._answer(
                waiting,
                {"messages": known}
                if description is None
                else {"description": description, "messages": known},
            )

    def respond_completion(
        self,
        complete: Complete,
        values: Sequence[str],
        total: int | None = None,
        has_more: bool | None = None,
    ) -> None:
        """Answer completion/complete.

        Of more than 100 values, the specification's limit, the first 100 are sent.
        """
        waiting = self._take(complete)
        if waiting is None:
            return
        if len(values) > MAX_COMPLETIONS:
            total, has_more = total if total is not None else len(values), True
        completion: dict[str, Any] = {"values": list(values[:MAX_COMPLETIONS])}
        if total is not None:
            completion["total"] = total
        if has_more is not None:
            completion["hasMore"] = has_more
        self._answer(waiting, {"completion": completion})

    def respond_empty(self, request: Subscribe | Unsubscribe) -> None:
        """Answer a request that asks for nothing but its success."""
        waiting = self._take(request)
        if waiting is not None:
            self._answer(waiting, {})

    def respond_error(self, request: Request, error: ProtocolError) -> None:
        """Answer any request with a JSON-RPC error, whose code the table of `errors` gives."""
        waiting = self._take(request)
        if waiting is None:
            return
        if isinstance(request, Subscribe):
            self._subscriptions.discard(request.uri)
        self._deliver_answer(waiting, self._error(request.request_id, error, waiting.revision))

    # --- notifications to the client ----------------------------------------------------------------------

    def notify_progress(
        self, request: Request, progress: float, total: float | None = None, message: str | None = None
    ) -> bool:
        """Report progress of a request; whether it was sent.

        It isn't when the client gave no token, the request is no longer in flight, or the value doesn't
        increase.
        """
        waiting = self._in_flight.get(request.request_id)
        if waiting is None or waiting.request is not request or request.progress_token is None:
            return False
        if not (progress > waiting.progress and math.isfinite(progress)):
            return False
        waiting.progress = progress
        params: dict[str, Any] = {"progressToken": request.progress_token, "progress": progress}
        if total is not None and math.isfinite(total):
            params["total"] = total
        if message is not None and waiting.revision >= revisions.PROGRESS_MESSAGE_SINCE:
            params["message"] = message
        return self._notify("notifications/progress", params)

    def notify_log(self, level: str, data: Any, logger: str | None = None) -> bool:
        """Send a log message (any JSON value); whether it was sent.

        It isn't before initialize, without the logging capability, or below the level that the client asked
        for (DEFAULT_LOG_LEVEL when it didn't). Raises ValueError for what is none of the eight levels.
        """
        if level not in revisions.LOG_LEVELS:
            raise ValueError(f"{level!r} is no log level: there are {', '.join(revisions.LOG_LEVELS)}")
        if "logging" not in self._capabilities or revisions.LOG_LEVELS.index(level) < self._level:
            return False
        params = (
            {"level": level, "data": data}
            if logger is None
            else {"level": level, "logger": logger, "data": data}
        )
        return self._notify("notifications/message", params)

    def notify_resource_updated(self, uri: str) -> bool:
        """Say that a resource changed.

        Whether it was sent. It isn't unless the client subscribed to the URI.
        """
        return uri in self._subscriptions and self._notify("notifications/resources/updated", {"uri": uri})

    def notify_list_changed(self, capability: str) -> bool:
        """Say that the list of `tools`, `resources` (templates too) or `prompts` changed.

        Whether it was sent.
        """
        self._announced[capability] = self._version(capability)
        if self.state is not State.READY or not self._capabilities.get(capability, {}).get("listChanged"):
            return False
        return self._notify(f"notifications/{capability}/list_changed")

    def announce_changes(self) -> None:
        """Send list_changed for each list of the registry that changed since the client last heard of it."""
        if self.state is State.READY:
            for capability, version in list(self._announced.items()):
                if version != self._version(capability):
                    self.notify_list_changed(capability)

    # --- messages -----------------------------------------------------------------------------------------

    def _batch_entries(self, value: list[Any]) -> list[Any]:
        if self.revision not in revisions.BATCHES:
            reason = "batches are served under revision 2025-03-26 only"
        elif not value:
            reason = "an empty batch"
        elif len(value) > jsonrpc.MAX_BATCH:
            reason = f"a batch of more than {jsonrpc.MAX_BATCH} messages"
        else:
            return value
        raise ProtocolError(ErrorKind.INVALID_REQUEST, f"invalid request: {reason}")

    def _receive_message(self, message: jsonrpc.Message, batch: _Batch | None) -> list[Event]:
        match message:
            case jsonrpc.Call():
                return self._receive_call(message, batch)
            case jsonrpc.Notification(method, params):
                return self._receive_notification(method, params)
            case jsonrpc.Invalid(request_id, error):
                self._deliver(self._error(request_id, error), batch)
            case jsonrpc.Response():
                pass  # the server sends no requests, so there is nothing that this could answer
        return []

    def _receive_call(self, call: jsonrpc.Call, batch: _Batch | None) -> list[Event]:
        try:
            answer = self._serve(call)
        except ProtocolError as error:
            self._deliver(self._error(call.request_id, error, self._revision_of(call)), batch)
            return []
        if not isinstance(answer, Request):
            self._deliver(jsonrpc.result_message(call.request_id, answer), batch)
            return []
        self._in_flight[call.request_id] = _InFlight(answer, self._revision_of(call), batch)
        if batch is not None:
            batch.open += 1
        return [answer]

    def _serve(self, call: jsonrpc.Call) -> dict[str, Any] | Request:
        method = METHODS.get(call.method)
        if method is None:
            raise ProtocolError(ErrorKind.METHOD_NOT_FOUND, f"method not found: {call.method[:200]}")
        if call.request_id in self._in_flight:
            reason = f"the id {call.request_id!r:.100} is that of a request still in flight"
            raise ProtocolError(ErrorKind.INVALID_REQUEST, f"invalid request: {reason}")
        kind = call.method if call.method in ("initialize", "ping") else "request"
        after = TRANSITIONS[self.state].get(kind)
        if after is None:
            raise ProtocolError(ErrorKind.INVALID_REQUEST, f"invalid request: {REFUSALS[self.state, kind]}")
        handler, capability = method
        if capability is not None and not self._offers(capability):
            reason = f"{call.method}: this server doesn't offer {capability}"
            raise ProtocolError(ErrorKind.METHOD_NOT_FOUND, reason)
        if kind == "request" and len(self._in_flight) >= self._max_in_flight:
            raise ProtocolError(ErrorKind.TOO_BUSY, f"more than {self._max_in_flight} requests are in flight")
        params = Params(call.params)
        answer = handler(self, call, params, params.progress_token())
        self.state = after
        return answer

    def _receive_notification(self, method: str, params: dict[str, Any] | list[Any]) -> list[Event]:
        kind = method if method == "notifications/initialized" else "notification"
        after = TRANSITIONS[self.state].get(kind)
        handler = NOTIFICATIONS.get(method)
        if after is None or handler is None or not isinstance(params, dict):
            return []
        self.state = after
        return handler(self, params)

    def _revision_of(self, _call: jsonrpc.Call) -> str:
        return self.revision if self.revision is not None else revisions.LATEST

    def _offers(self, capability: str) -> bool:
        name, _, flag = capability.partition(".")
        if name == "completions":
            return self.registry.completes()
        return name in self._capabilities and (not flag or bool(self._capabilities[name].get(flag)))

    # --- answers ------------------------------------------------------------------------------------------

    def _take(self, request: Request) -> _InFlight | None:
        """The request's entry, no longer in flight; None if it was answered or cancelled before."""
        waiting = self._in_flight.get(request.request_id)
        if waiting is None or waiting.request is not request:
            return None
        return self._in_flight.pop(request.request_id)

    def _answer(self, waiting: _InFlight, result: dict[str, Any]) -> None:
        self._deliver_answer(waiting, jsonrpc.result_message(waiting.request.request_id, result))

    def _deliver_answer(self, waiting: _InFlight, message: dict[str, Any]) -> None:
        self._deliver(message, waiting.batch)
        if waiting.batch is not None:
            self._close_one(waiting.batch)

    def _close_one(self, batch: _Batch) -> None:
        batch.open -= 1
        if batch.open == 0 and batch.answers:
            self._outgoing.append(
                b"[" + b",".join(jsonrpc.encode(answer)[:-1] for answer in batch.answers) + b"]\n"
            )

    def _deliver(self, message: dict[str, Any], batch: _Batch | None) -> None:
        try:
            line = jsonrpc.encode(message)
        except ProtocolError as error:
            message = self._error(message.get("id"), error)
            line = jsonrpc.encode(message)
        if batch is None:
            self._outgoing.append(line)
        else:
            batch.answers.append(message)

    def _error(
        self, request_id: RequestId | None, error: ProtocolError, revision: str | None = None
    ) -> dict[str, Any]:
        code = self._codes.code(error.kind, revision or self.revision or revisions.LATEST)
        return jsonrpc.error_message(request_id, code, error.message, error.data)

    def _notify(self, method: str, params: dict[str, Any] | None = None) -> bool:
        if self.state in (State.FRESH, State.CLOSED):
            return False
        try:
            self._outgoing.append(jsonrpc.encode(jsonrpc.notification_message(method, params)))
        except ProtocolError:
            return False
        return True

    # --- handlers of requests -----------------------------------------------------------------------------

    def _initialize(self, _call: jsonrpc.Call, params: Params, _token: RequestId | None) -> dict[str, Any]:
        revision = revisions.negotiate(params.text("protocolVersion"))
        self.client = params.mapping("clientInfo")
        self.client_capabilities = params.mapping("capabilities")
        self.revision = revision
        self._capabilities = self.registry.capabilities(revision)
        self._announced = {name: self._version(name) for name in ("tools", "resources", "prompts")}
        result: dict[str, Any] = {
            "protocolVersion": revision,
            "capabilities": self._capabilities,
            "serverInfo": self.registry.server.to_wire(revision),
        }
        if self.registry.server.instructions is not None:
            result["instructions"] = self.registry.server.instructions
        return result

    def _ping(self, _call: jsonrpc.Call, _params: Params, _token: RequestId | None) -> dict[str, Any]:
        return {}

    def _list_tools(self, call: jsonrpc.Call, params: Params, _token: RequestId | None) -> dict[str, Any]:
        return self._page("tools", self.registry.tools, call, params)

    def _list_resources(self, call: jsonrpc.Call, params: Params, _token: RequestId | None) -> dict[str, Any]:
        return self._page("resources", self.registry.resources, call, params)

    def _list_templates(self, call: jsonrpc.Call, params: Params, _token: RequestId | None) -> dict[str, Any]:
        return self._page("resourceTemplates", self.registry.templates, call, params)

    def _list_prompts(self, call: jsonrpc.Call, params: Params, _token: RequestId | None) -> dict[str, Any]:
        return self._page("prompts", self.registry.prompts, call, params)

    def _call_tool(
        self, call: jsonrpc.Call, params: Params, token: RequestId | None
    ) -> dict[str, Any] | Request:
        name = params.text("name")
        arguments = params.mapping("arguments")
        tool = self.registry.tools.get(name)
        if tool is None:
            raise ProtocolError(ErrorKind.TOOL_NOT_FOUND, f"Unknown tool: {name[:200]}")
        reasons = misfits(tool.input_schema, arguments, "arguments")
        if reasons:
            return _tool_error(f"Invalid arguments for tool {name!r}:", reasons)
        return CallTool(call.request_id, token, tool, arguments)

    def _read_resource(self, call: jsonrpc.Call, params: Params, token: RequestId | None) -> Request:
        uri = params.text("uri")
        template = None if self.registry.resources.get(uri) else self.registry.template_for(uri)
        return ReadResource(call.request_id, token, uri, template)

    def _subscribe(self, call: jsonrpc.Call, params: Params, token: RequestId | None) -> Request:
        uri = params.text("uri")
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise ProtocolError(ErrorKind.TOO_BUSY, f"more than {MAX_SUBSCRIPTIONS} subscriptions")
        # From now on, not from the answer on: a handler may report the first update itself.
        self._subscriptions.add(uri)
        return Subscribe(call.request_id, token, uri)

    def _unsubscribe(self, call: jsonrpc.Call, params: Params, token: RequestId | None) -> Request:
        uri = params.text("uri")
        self._subscriptions.discard(uri)
        return Unsubscribe(call.request_id, token, uri)

    def _get_prompt(self, call: jsonrpc.Call, params: Params, token: RequestId | None) -> Request:
        name = params.text("name")
        arguments = params.texts("arguments")
        prompt = self.registry.prompts.get(name)
        if prompt is None:
            raise ProtocolError(ErrorKind.PROMPT_NOT_FOUND, f"Unknown prompt: {name[:200]}")
        missing = [one.name for one in prompt.arguments if one.required and one.name not in arguments]
        if missing:
            raise invalid_params(f"prompt {name!r} needs the arguments {', '.join(missing)}")
        return GetPrompt(call.request_id, token, prompt, arguments)

    def _complete(self, call: jsonrpc.Call, params: Params, token: RequestId | None) -> Request:
        reference = params.nested("ref")
        argument = params.nested("argument")
        kind = reference.text("type")
        if kind == "ref/prompt":
            name = reference.text("name")
            if self.registry.prompts.get(name) is None:
                raise ProtocolError(ErrorKind.PROMPT_NOT_FOUND, f"Unknown prompt: {name[:200]}")
        elif kind == "ref/resource":
            name = reference.text("uri")
        else:
            raise invalid_params("params.ref.type must be ref/prompt or ref/resource")
        context = Params(params.mapping("context"), "params.context").texts("arguments")
        return Complete(
            call.request_id, token, kind, name, argument.text("name"), argument.text("value"), context
        )

    def _set_level(self, _call: jsonrpc.Call, params: Params, _token: RequestId | None) -> dict[str, Any]:
        level = params.text("level")
        if level not in revisions.LOG_LEVELS:
            raise invalid_params(f"params.level must be one of {', '.join(revisions.LOG_LEVELS)}")
        self._level = revisions.LOG_LEVELS.index(level)
        return {}

    def _page(self, name: str, catalog: Catalog[Any], call: jsonrpc.Call, params: Params) -> dict[str, Any]:
        """A page of a list.

        A cursor names the list and the last entry sent, so that it outlives changes elsewhere.
        """
        keys = catalog.keys()
        start = 0
        if "cursor" in params.fields:
            last = read_cursor(name, params.text("cursor"))
            if catalog.get(last) is None:
                raise invalid_params("params.cursor is unknown: list again from the start")
            start = keys.index(last) + 1
        page = keys[start : start + self._page_size]
        revision = self._revision_of(call)
        result: dict[str, Any] = {name: [catalog[key].to_wire(revision) for key in page]}
        if start + len(page) < len(keys):
            result["nextCursor"] = write_cursor(name, page[-1])
        return result

    def _version(self, capability: str) -> int:
        if capability == "resources":
            return self.registry.resources.version + self.registry.templates.version
        return self.registry.tools.version if capability == "tools" else self.registry.prompts.version

    # --- handlers of notifications ------------------------------------------------------------------------

    def _initialized(self, _params: dict[str, Any]) -> list[Event]:
        self.announce_changes()
        return [Initialized(self.revision or revisions.LATEST, self.client)]

    def _cancelled(self, params: dict[str, Any]) -> list[Event]:
        """Unknown, answered and malformed ids are ignored, as the specification asks.

        Initialize is never in flight.
        """
        request_id = params.get("requestId")
        if type(request_id) is not int and not isinstance(request_id, str):
            return []
        waiting = self._in_flight.pop(request_id, None)
        if waiting is None:
            return []
        if waiting.batch is not None:
            self._close_one(waiting.batch)
        if isinstance(waiting.request, Subscribe):
            self._subscriptions.discard(waiting.request.uri)
        reason = params.get("reason")
        return [Cancelled(waiting.request, reason if isinstance(reason, str) else None)]


class _Handler(Protocol):
    """How a request is served."""

    def __call__(
        self, session: ServerSession, call: jsonrpc.Call, params: Params, token: RequestId | None, /
    ) -> dict[str, Any] | Request: ...


# method -> (handler, the capability that must have been offered, with its flag where it needs one)
METHODS: Mapping[str, tuple[_Handler, str | None]] = {
    "initialize": (ServerSession._initialize, None),
    "ping": (ServerSession._ping, None),
    "tools/list": (ServerSession._list_tools, "tools"),
    "tools/call": (ServerSession._call_tool, "tools"),
    "resources/list": (ServerSession._list_resources, "resources"),
    "resources/templates/list": (ServerSession._list_templates, "resources"),
    "resources/read": (ServerSession._read_resource, "resources"),
    "resources/subscribe": (ServerSession._subscribe, "resources.subscribe"),
    "resources/unsubscribe": (ServerSession._unsubscribe, "resources.subscribe"),
    "prompts/list": (ServerSession._list_prompts, "prompts"),
    "prompts/get": (ServerSession._get_prompt, "prompts"),
    "completion/complete": (ServerSession._complete, "completions"),
    "logging/setLevel": (ServerSession._set_level, "logging"),
}

NOTIFICATIONS: Mapping[str, Callable[[ServerSession, dict[str, Any]], list[Event]]] = {
    "notifications/initialized": ServerSession._initialized,
    "notifications/cancelled": ServerSession._cancelled,
}


def misfits(schema: Schema, value: Any, name: str) -> list[str]:
    """Why `value` doesn't fit `schema`, a line a reason; `name` stands for it in them."""
    try:
        return schema.errors(value, name)
    except SchemaError as error:
        return [f"{name}: {error}"]


def _tool_error(headline: str, reasons: Sequence[str]) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": bulleted(headline, reasons)}], "isError": True}


def bulleted(headline: str, reasons: Sequence[str]) -> str:
    """A message for a model: what is wrong, and a line for each reason."""
    return "\n".join((headline, *(f"- {reason}" for reason in reasons)))


def structured_of(content: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The structured content that the content stands for: the first text block that is a JSON object."""
    for block in content:
        text = str(block.get("text")) if block.get("type") == "text" else ""
        if text.lstrip().startswith("{") and len(text) <= jsonrpc.MAX_JSON:
            try:
                return jsonrpc.decode_object(text.encode("utf-8", "replace"))
            except ProtocolError:
                continue
    return None
