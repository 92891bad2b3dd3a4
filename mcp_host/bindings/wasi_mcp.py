"""wasi:mcp, in every revision of its package: what a component registers, asks for and answers, as MCP.

Strategy: everything goes through `mcp_host.bindings.values`, so that this file knows names and no types.
`McpContext` is what a component's calls of `wasi:mcp/runtime` act on; `add_to_linker` puts it there. A
`Handler` is a function that it exports in `wasi:mcp/handlers`.

The package's `error` is a record in 0.1.0-preview2 and a resource of the host's in 0.1.0: `McpError` has
the attributes that serve as the one and is the class of the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mcp_host.bindings.content import content_annotations, content_block, json_value, resource_contents
from mcp_host.bindings.values import BindingError, Data, arguments, assign, fit, reader
from mcp_host.protocol.errors import ErrorKind, ProtocolError
from mcp_host.registry import (
    Prompt,
    PromptArgument,
    RegistrationError,
    Registry,
    Resource,
    ResourceTemplate,
    ServerInfo,
    Tool,
)
from pywrt.api import Store
from pywrt.component import Err, Func, HostResource, Linker, Task
from pywrt.engine.machine import Blocked
from pywrt.wit import types as wit

_host_log = logging.getLogger("mcp_host")

PACKAGE = "wasi:mcp/"
VERSIONS = ("0.1.0-preview2", "0.1.0")
"""The revisions that are known. One is a pre-release, which semver lets nothing else stand in for."""

Fields = Mapping[str, Any]


class McpError(Exception):
    """`wasi:mcp/types.error`: a code (of `error-code`), a message, and JSON data or None."""

    def __init__(self, code: str, message: str, data: bytes | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class McpContext:
    """Where a component's calls of `wasi:mcp/runtime` arrive.

    This one fills `registry` and drops the rest; override what is to happen. A method may raise McpError,
    which the component gets as its error. `served` says whether `serve` was called.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self.registry = registry if registry is not None else Registry()
        self.served = False

    def serve(self) -> Blocked | None:
        """`serve`: returns at once; or a `Blocked`, to keep the component there."""
        self.served = True
        return None

    def log(self, level: str, message: str, data: Any) -> None:
        """`log`, and the notification `message`: `data` is a JSON value or None."""

    def progress(self, token: str, progress: int, total: int | None) -> None:
        """`report-progress`, and the notification `progress`."""

    def lists_changed(self, capability: str) -> None:
        """The notifications that the list of `tools`, `resources` or `prompts` has changed."""

    def resources_updated(self, uris: Sequence[str]) -> None:
        """The notification `resources-updated`."""


def add_to_linker(linker: Linker, ctx: McpContext, versions: Iterable[str] = VERSIONS) -> None:
    """Define wasi:mcp in `linker`, acting on `ctx`: `runtime`, and the resource `error` of `types`.

    A component may import it in any of `versions` and in what semver takes for compatible. Its own types
    say how values look.
    """
    with linker.root() as root:
        for version in versions:
            with root.add_instance(_versioned("types", version)) as types:
                types.add_resource("error", ERROR)
                for name, (member, params) in _ERROR_MEMBERS.items():
                    types.add_typed_func(name, _bind(member, params))
            with root.add_instance(_versioned("runtime", version)) as runtime:
                for name, (function, params) in _RUNTIME.items():
                    runtime.add_typed_func(name, _bind(function, params, ctx))


def versions_of(names: Iterable[str]) -> list[str]:
    """The versions of wasi:mcp among names of imports ("" for none), oldest revisions known first."""
    found = {name.partition("@")[2] for name in names if name.startswith(PACKAGE)}
    return sorted(found | set(VERSIONS))


def _versioned(interface: str, version: str) -> str:
    return f"{PACKAGE}{interface}@{version}" if version else f"{PACKAGE}{interface}"


ERROR = HostResource("error", McpError)

_ERROR_MEMBERS: Mapping[str, tuple[Callable[[Fields], Any], tuple[str, ...]]] = {
    "[constructor]error": (
        lambda given: McpError(
            given.get("code") or "internal-error", given.get("message") or "", given.get("data")
        ),
        ("code", "message", "data"),
    ),
    "[method]error.code": (lambda given: given["self"].code, ("self",)),
    "[method]error.message": (lambda given: given["self"].message, ("self",)),
    "[method]error.to-debug-string": (lambda given: f"{given['self'].code}: {given['self']}", ("self",)),
    "[method]error.data": (lambda given: given["self"].data, ("self",)),
}


def _bind(
    function: Callable[..., Any], expected: Sequence[str], *first: Any
) -> Callable[[wit.FuncType], Callable[..., Any]]:
    """Makes, from a function of arguments by name, the function for an import of some type."""

    def make(type: wit.FuncType) -> Callable[..., Any]:
        names = assign([p.name for p in type.params], expected)
        params = [(name, reader(p.type)) for name, p in zip(names, type.params, strict=True)]
        ok, failure = _outcomes(type.result)

        def answer(produce: Callable[[], Any]) -> Any:
            try:
                value = produce()
            except McpError as error:
                raise Err(None if failure is None else fit(failure, error)) from None
            except (RegistrationError, BindingError) as error:
                # Many a component doesn't look at the error.
                _host_log.warning("refused what the component asked of wasi:mcp: %s", error)
                wrong = McpError("invalid-params", str(error))
                raise Err(None if failure is None else fit(failure, wrong)) from None
            except (TypeError, ValueError, AttributeError, LookupError) as error:
                # The component's own types may be any: values of a kind that nothing here foresaw.
                _host_log.warning("a call of wasi:mcp/runtime of type %s failed", type, exc_info=error)
                wrong = McpError("invalid-params", f"the host can't use values of {type}: {error}")
                raise Err(None if failure is None else fit(failure, wrong)) from None
            if isinstance(value, Blocked):
                retry = value.retry
                return Blocked(lambda: answer(retry), value.timeout, value.fileno)
            return None if ok is None else fit(ok, value)

        def call(*values: Any) -> Any:
            given = Data(
                (name, value if read is None else read(value))
                for (name, read), value in zip(params, values, strict=True)
            )
            return answer(lambda: function(*first, given))

        return call

    return make


def _outcomes(result: wit.WitType | None) -> tuple[wit.WitType | None, wit.WitType | None]:
    """The types of a function's value and of its error."""
    return (result.ok, result.err) if isinstance(result, wit.Result) else (result, None)


# --- what a component registers ---------------------------------------------------------------------------


def _register_server(ctx: McpContext, given: Fields) -> None:
    info = given["info"]
    if not isinstance(info, Mapping):
        raise BindingError(f"`info` must be a record, not {_kind(info)}")
    ctx.registry.server = ServerInfo(
        info["name"],
        info["version"],
        info.get("title"),
        info.get("instructions"),
        declared_capabilities(info.get("capabilities") or {}),
    )


def declared_capabilities(record: Fields) -> dict[str, dict[str, Any]]:
    """The record `server-capabilities` as MCP has it.

    Three of its records are empty in the published text, which no component can encode; in the repairs that
    are about, a field `present`, or a bool in place of the record, says whether the capability is there.
    """
    declared: dict[str, dict[str, Any]] = {}
    for name, value in record.items():
        if value is None or value is False or (isinstance(value, Mapping) and value.get("present") is False):
            continue
        fields = value if isinstance(value, Mapping) else {}
        if name == "experimental":
            content = json_value(fields.get("data"))
            declared[name] = content if isinstance(content, dict) else {}
        else:
            flags = {"listChanged": fields.get("list-changed"), "subscribe": fields.get("subscribe")}
            declared[name] = {key: flag for key, flag in flags.items() if flag is not None}
    return declared


def _register_tools(ctx: McpContext, given: Fields) -> None:
    # One by one, since the registry may soon have had enough: a schema takes much more memory than its text.
    ctx.registry.tools.add(_tool(one) for one in _records(given, "tools"))


def _tool(one: Fields) -> Tool:
    return Tool.parse(
        one["name"],
        one.get("description"),
        _bytes(one, "input-schema"),
        output_schema=None if one.get("output-schema") is None else _bytes(one, "output-schema"),
        title=one.get("title"),
        annotations=_tool_hints(one.get("annotations") or {}),
    )


def _tool_hints(record: Fields) -> dict[str, Any]:
    hints = {
        "title": record.get("title"),
        "readOnlyHint": record.get("read-only-hint"),
        "destructiveHint": record.get("destructive-hint"),
        "idempotentHint": record.get("idempotent-hint"),
        "openWorldHint": record.get("open-world-hint"),
    }
    return {name: hint for name, hint in hints.items() if hint is not None}


def _register_resources(ctx: McpContext, given: Fields) -> None:
    ctx.registry.resources.add(
        [
            Resource(
                one["uri"],
                one["name"],
                one.get("title"),
                one.get("description"),
                one.get("mime-type"),
                one.get("size"),
                _resource_annotations(one),
            )
            for one in _records(given, "resources")
        ]
    )


def _register_templates(ctx: McpContext, given: Fields) -> None:
    ctx.registry.templates.add(
        [
            ResourceTemplate.parse(
                one["uri-template"],
                one["name"],
                title=one.get("title"),
                description=one.get("description"),
                mime_type=one.get("mime-type"),
                annotations=_resource_annotations(one),
            )
            for one in _records(given, "templates")
        ]
    )


def _resource_annotations(one: Fields) -> dict[str, Any]:
    annotations = one.get("annotations") or {}
    return content_annotations(annotations.get("base") or annotations)


def _register_prompts(ctx: McpContext, given: Fields) -> None:
    ctx.registry.prompts.add(
        [
            Prompt(
                one["name"],
                one.get("title"),
                one.get("description"),
                [
                    PromptArgument(
                        argument["name"],
                        argument.get("title"),
                        argument.get("description"),
                        argument.get("required"),
                    )
                    for argument in (_records(one, "arguments") if one.get("arguments") else ())
                ],
            )
            for one in _records(given, "prompts")
        ]
    )


def _records(given: Fields, name: str) -> Sequence[Fields]:
    """A list of records. The component's own type says what it is, so it may be anything."""
    value = given[name]
    if isinstance(value, (list, tuple)) and all(isinstance(one, Mapping) for one in value):
        return value
    raise BindingError(f"`{name}` must be a list of records, not {_kind(value)}")


def _bytes(given: Fields, name: str) -> bytes:
    """Bytes, or a text as UTF-8."""
    value = given[name]
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    raise BindingError(f"`{name}` must be a list<u8> or a string, not {_kind(value)}")


def _kind(value: Any) -> str:
    return f"a value such as {value!r:.60}"


# --- what it does while it runs ---------------------------------------------------------------------------


def _serve(ctx: McpContext, _given: Fields) -> Blocked | None:
    return ctx.serve()


def _log(ctx: McpContext, given: Fields) -> None:
    ctx.log(given["level"], given["message"], json_value(given.get("data")))


def _report_progress(ctx: McpContext, given: Fields) -> None:
    token = given.get("token") or given.get("progress-token") or ""
    ctx.progress(token, given["progress"], given.get("total"))


def _send_notification(ctx: McpContext, given: Fields) -> None:
    name, payload = given["notification"]
    match name:
        case "tools-list-changed" | "resources-list-changed" | "prompts-list-changed":
            ctx.lists_changed(name.partition("-")[0])
        case "resources-updated":
            ctx.resources_updated(payload)
        case "progress":
            _report_progress(ctx, payload)
        case "message":
            _log(ctx, payload)
        case "cancelled":
            pass  # about a request of the server's, and wasi:mcp has none to send
        case _:
            raise McpError("invalid-params", f"the host knows no notification {name!r}")


_RUNTIME: Mapping[str, tuple[Callable[[McpContext, Fields], Any], tuple[str, ...]]] = {
    "register-server": (_register_server, ("info",)),
    "register-tools": (_register_tools, ("tools",)),
    "register-resources": (_register_resources, ("resources",)),
    "register-resource-templates": (_register_templates, ("templates",)),
    "register-prompts": (_register_prompts, ("prompts",)),
    "serve": (_serve, ()),
    "send-notification": (_send_notification, ("notification",)),
    "log": (_log, ("level", "message", "data")),
    "report-progress": (_report_progress, ("token", "progress", "total")),
}


# --- what its handlers answer -----------------------------------------------------------------------------

REF_TYPES: Mapping[str, str] = {"ref/prompt": "prompt-name", "ref/resource": "resource-uri"}

TOOL_PROTOCOL_ERRORS = frozenset({ErrorKind.TOOL_NOT_FOUND, ErrorKind.INVALID_PARAMS})
"""Errors of `call-tool` that are the request's fault; the others are failures of the tool."""


class ToolResult:
    """What a tool answered.

    `content` holds MCP's content blocks, `structured` the structured content or None.
    """

    __slots__ = ("content", "is_error", "structured")

    def __init__(
        self,
        content: list[dict[str, Any]],
        structured: dict[str, Any] | None = None,
        is_error: bool = False,
    ) -> None:
        self.content = content
        self.structured = structured
        self.is_error = is_error

    @property
    def text(self) -> str:
        """The text blocks, joined by newlines."""
        return "\n".join(block["text"] for block in self.content if block["type"] == "text")

    def __repr__(self) -> str:
        return f"ToolResult({self.text!r}{', is_error=True' if self.is_error else ''})"


def failed_tool(message: str) -> ToolResult:
    """The result of a tool that failed, for a model to read."""
    return ToolResult([{"type": "text", "text": message}], is_error=True)


class Handler:
    """A function of the component's `wasi:mcp/handlers`, called with arguments by name."""

    __slots__ = ("_func", "_is_result", "_params", "_read")

    def __init__(self, func: Func) -> None:
        type = func.type()
        self._func = func
        self._params = type.params
        self._read = None if type.result is None else reader(type.result)
        self._is_result = isinstance(type.result, wit.Result)

    def start(self, store: Store, given: Mapping[str, Any]) -> Task:
        """Begin a call; nothing has run yet."""
        return self._func.start(store, *arguments(self._params, given))

    def settle(self, value: Any) -> Any:
        """What the call gave, as plain data. Raises ProtocolError for the component's `error`."""
        plain = value if self._read is None else self._read(value)
        if not self._is_result:
            return plain
        case, payload = plain
        if case == "err":
            raise protocol_error(payload)
        return payload


def protocol_error(error: Any) -> ProtocolError:
    """The ProtocolError for a component's `error`; internal-error for a code that MCP hasn't got."""
    fields = error if isinstance(error, Mapping) else vars(error) if isinstance(error, McpError) else {}
    code = fields.get("code") or "internal-error"
    message = fields.get("message") or f"the component failed ({code})"
    try:
        return ProtocolError(ErrorKind(code), message, json_value(fields.get("data")))
    except ValueError:
        return ProtocolError(ErrorKind.INTERNAL_ERROR, f"{code}: {message}", json_value(fields.get("data")))


def tool_error(error: ProtocolError) -> ToolResult:
    """The result of a tool whose handler answered with an error. What is the request's fault is raised."""
    if error.kind in TOOL_PROTOCOL_ERRORS:
        raise error
    return failed_tool(error.message)


def tool_result(answer: Fields) -> ToolResult:
    """What `call-tool` answered."""
    structured = json_value(answer.get("structured-content"))
    return ToolResult(
        [content_block(block) for block in answer["content"]],
        structured if isinstance(structured, dict) else None,
        bool(answer.get("is-error")),
    )


def read_result(answer: Fields, uri: str, mime_type: str | None) -> list[dict[str, Any]]:
    """The contents that `read-resource` answered for `uri`, whose MIME type is `mime_type` if known."""
    return [resource_contents(block, uri, mime_type) for block in answer["contents"]]


def prompt_result(answer: Fields) -> list[dict[str, Any]]:
    """The messages that `get-prompt` answered. MCP has no system role: it becomes user."""
    return [
        {
            "role": "assistant" if message["role"] == "assistant" else "user",
            "content": content_block(message["content"]),
        }
        for message in answer["messages"]
    ]


def completion_result(answer: Sequence[Any]) -> list[str]:
    """The values that `handle-complete` answered."""
    return [one if isinstance(one, str) else one["value"] for one in answer]
