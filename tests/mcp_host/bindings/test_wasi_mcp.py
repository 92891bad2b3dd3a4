from collections.abc import Callable
from typing import Any

import pytest

from mcp_host.bindings.values import BindingError, Data
from mcp_host.bindings.wasi_mcp import (
    ERROR,
    McpContext,
    McpError,
    add_to_linker,
    completion_result,
    declared_capabilities,
    prompt_result,
    protocol_error,
    tool_error,
    tool_result,
    versions_of,
)
from mcp_host.protocol.errors import ErrorKind, ProtocolError
from pywrt.api import Engine
from pywrt.canonical_abi import Err, Record, Variant
from pywrt.component import Linker
from pywrt.engine.machine import Blocked
from pywrt.wit import types as wit
from pywrt.wit.types import BOOL, STRING, U8, U64, Case, Field, FuncType

BYTES = wit.List(U8)
CODE = wit.Enum(("parse-error", "invalid-params", "internal-error"))
ERROR_RECORD = wit.Record((Field("code", CODE), Field("message", STRING), Field("data", wit.Option(BYTES))))
UNIT = wit.Result(None, ERROR_RECORD)
UNIT_OR_RESOURCE = wit.Result(None, wit.Own(ERROR))
TOOL = wit.Record(
    (
        Field("name", STRING),
        Field("description", STRING),
        Field("input-schema", BYTES),
        Field("annotations", wit.Option(wit.Record((Field("read-only-hint", wit.Option(BOOL)),)))),
    )
)
REGISTER_TOOLS = FuncType((Field("tools", wit.List(TOOL)),), UNIT)
ADD = Record(
    name="add",
    description="Adds",
    input_schema=b'{"type": "object"}',
    annotations=Record(read_only_hint=True),
)

Import = Callable[[str, FuncType], Callable[..., Any]]


class Heard(McpContext):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def log(self, level: str, message: str, data: Any) -> None:
        self.events.append(("log", level, message, data))

    def progress(self, token: str, progress: int, total: int | None) -> None:
        self.events.append(("progress", token, progress, total))

    def lists_changed(self, capability: str) -> None:
        self.events.append(("changed", capability))

    def resources_updated(self, uris: Any) -> None:
        self.events.append(("updated", uris))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def imported(heard: Heard) -> Import:
    """The function that a component importing `wasi:mcp/...` under some type gets."""
    linker = Linker(Engine())
    add_to_linker(linker, heard, ["0.1.0"])

    def imported(path: str, type: FuncType) -> Callable[..., Any]:
        interface, _, name = path.partition("#")
        made: Callable[..., Any] = linker._items[f"wasi:mcp/{interface}@0.1.0"][name].fn(type)
        return made

    return imported


def test_register_tools_fills_the_registry(imported: Import, heard: Heard) -> None:
    assert imported("runtime#register-tools", REGISTER_TOOLS)([ADD]) is None
    (tool,) = heard.registry.tools
    assert (tool.name, tool.description, tool.annotations) == ("add", "Adds", {"readOnlyHint": True})


def test_register_tools_twice_is_an_error_record(imported: Import) -> None:
    register = imported("runtime#register-tools", REGISTER_TOOLS)
    register([ADD])
    with pytest.raises(Err) as caught:
        register([ADD])
    assert caught.value.payload == {
        "code": "invalid-params",
        "message": "tool 'add' is registered already",
        "data": None,
    }


def test_register_tools_twice_is_an_error_resource_where_the_types_say_so(imported: Import) -> None:
    register = imported("runtime#register-tools", FuncType(REGISTER_TOOLS.params, UNIT_OR_RESOURCE))
    register([ADD])
    with pytest.raises(Err) as caught:
        register([ADD])
    error = caught.value.payload
    assert isinstance(error, McpError)
    own = (Field("self", wit.Borrow(ERROR)),)
    assert imported("types#[method]error.code", FuncType(own, CODE))(error) == "invalid-params"
    assert imported("types#[method]error.message", FuncType(own, STRING))(error) == str(error)
    assert imported("types#[method]error.data", FuncType(own, wit.Option(BYTES)))(error) is None
    text = imported("types#[method]error.to-debug-string", FuncType(own, STRING))(error)
    assert text == "invalid-params: tool 'add' is registered already"


def test_register_tools_types_without_a_needed_field_say_which(imported: Import) -> None:
    nameless = FuncType((Field("tools", wit.List(wit.Record((Field("title", STRING),)))),), UNIT)
    with pytest.raises(Err) as caught:
        imported("runtime#register-tools", nameless)([Record(title="Add")])
    assert "no field 'name'" in caught.value.payload["message"]


@pytest.mark.parametrize(
    ("path", "parameter", "type", "value", "message"),
    [
        (
            "register-tools",
            "tools",
            STRING,
            "add",
            "`tools` must be a list of records, not a value such as 'add'",
        ),
        ("register-tools", "tools", wit.List(U64), [1], "`tools` must be a list of records"),
        ("register-resources", "resources", U64, 1 << 60, "`resources` must be a list of records"),
        ("register-prompts", "prompts", wit.List(STRING), ["x"], "`prompts` must be a list of records"),
        ("register-server", "info", U64, 5, "`info` must be a record"),
        ("send-notification", "notification", U64, 5, "the host can't use values of func(notification: u64)"),
    ],
)
def test_runtime_function_of_unforeseen_type_answers_with_an_error(
    imported: Import, path: str, parameter: str, type: wit.WitType, value: Any, message: str
) -> None:
    with pytest.raises(Err) as caught:
        imported(f"runtime#{path}", FuncType((Field(parameter, type),), UNIT))(value)
    assert caught.value.payload["code"] == "invalid-params"
    assert message in caught.value.payload["message"]


def test_register_tools_schema_that_is_a_number_is_not_a_size(imported: Import) -> None:
    tool = wit.Record((Field("name", STRING), Field("description", STRING), Field("input-schema", U64)))
    with pytest.raises(Err) as caught:
        imported("runtime#register-tools", FuncType((Field("tools", wit.List(tool)),), UNIT))(
            [Record(name="add", description="Adds", input_schema=1 << 60)]
        )
    assert "`input-schema` must be a list<u8> or a string" in caught.value.payload["message"]


def test_register_tools_under_a_renamed_parameter_works(imported: Import, heard: Heard) -> None:
    renamed = FuncType((Field("definitions", wit.List(TOOL)),), UNIT)
    imported("runtime#register-tools", renamed)([ADD])
    assert heard.registry.tools.keys() == ["add"]


def test_register_server_reads_capabilities(imported: Import, heard: Heard) -> None:
    flag = wit.Record((Field("list-changed", wit.Option(BOOL)),))
    capabilities = wit.Record((Field("tools", wit.Option(flag)), Field("logging", wit.Option(flag))))
    info = wit.Record((Field("name", STRING), Field("version", STRING), Field("capabilities", capabilities)))
    record = Record(
        name="lab", version="1", capabilities=Record(tools=Record(list_changed=False), logging=None)
    )
    imported("runtime#register-server", FuncType((Field("info", info),), UNIT))(record)
    assert (heard.registry.server.name, heard.registry.server.instructions) == ("lab", None)
    assert heard.registry.server.capabilities == {"tools": {"listChanged": False}}


@pytest.mark.parametrize(
    ("record", "declared"),
    [
        ({"completions": {"present": True}}, {"completions": {}}),
        ({"completions": {"present": False}}, {}),
        ({"completions": True, "sampling": False}, {"completions": {}}),
        ({"completions": None}, {}),
        ({"resources": {"subscribe": True, "list-changed": None}}, {"resources": {"subscribe": True}}),
        ({"experimental": {"data": b'{"x": {}}'}}, {"experimental": {"x": {}}}),
        ({"logging": {"levels": None}}, {"logging": {}}),
    ],
)
def test_declared_capabilities_in_every_repair(record: Any, declared: Any) -> None:
    assert declared_capabilities(record) == declared


def test_serve_returns_ok_and_is_noted(imported: Import, heard: Heard) -> None:
    assert imported("runtime#serve", FuncType((), UNIT))() is None
    assert heard.served


def test_serve_that_blocks_answers_with_the_imports_own_type(heard: Heard) -> None:
    class Parks(McpContext):
        def serve(self) -> Blocked:
            return Blocked(lambda: None, 1.0)

    linker = Linker(Engine())
    add_to_linker(linker, Parks(), ["0.1.0"])
    count = FuncType((), wit.Result(U64, ERROR_RECORD))
    blocked = linker._items["wasi:mcp/runtime@0.1.0"]["serve"].fn(count)()
    assert isinstance(blocked, Blocked)
    assert blocked.retry() == 0


def test_log_and_progress_arrive(imported: Import, heard: Heard) -> None:
    level = wit.Enum(("debug", "info"))
    log = FuncType((Field("level", level), Field("message", STRING), Field("data", wit.Option(BYTES))), UNIT)
    imported("runtime#log", log)("info", "hello", b'{"n": 1}')
    report = FuncType((Field("token", STRING), Field("progress", U64), Field("total", wit.Option(U64))), UNIT)
    imported("runtime#report-progress", report)("t", 3, None)
    assert heard.events == [("log", "info", "hello", {"n": 1}), ("progress", "t", 3, None)]


NOTIFICATION = wit.Variant(
    (
        Case("tools-list-changed"),
        Case("prompts-list-changed"),
        Case("resources-updated", wit.List(STRING)),
        Case("progress", wit.Record((Field("progress-token", STRING), Field("progress", U64)))),
        Case("message", wit.Record((Field("level", STRING), Field("message", STRING)))),
        Case("cancelled", STRING),
        Case("hologram", STRING),
    )
)


@pytest.mark.parametrize(
    ("notification", "events"),
    [
        (Variant("tools-list-changed"), [("changed", "tools")]),
        (Variant("prompts-list-changed"), [("changed", "prompts")]),
        (Variant("resources-updated", ["a:b"]), [("updated", ["a:b"])]),
        (Variant("progress", Record(progress_token="t", progress=4)), [("progress", "t", 4, None)]),
        (Variant("message", Record(level="info", message="m")), [("log", "info", "m", None)]),
        (Variant("cancelled", "1"), []),
    ],
)
def test_send_notification_of_each_kind(
    imported: Import, heard: Heard, notification: Variant, events: list[Any]
) -> None:
    imported("runtime#send-notification", FuncType((Field("notification", NOTIFICATION),), UNIT))(
        notification
    )
    assert heard.events == events


def test_send_notification_unknown_kind_is_an_error(imported: Import) -> None:
    send = imported("runtime#send-notification", FuncType((Field("notification", NOTIFICATION),), UNIT))
    with pytest.raises(Err) as caught:
        send(Variant("hologram", "x"))
    assert caught.value.payload["message"] == "the host knows no notification 'hologram'"


def test_versions_of_adds_the_known_ones() -> None:
    names = ["wasi:mcp/runtime@0.2.0", "wasi:mcp/types", "wasi:cli/run@0.2.3"]
    assert versions_of(names) == ["", "0.1.0", "0.1.0-preview2", "0.2.0"]


def test_add_to_linker_twice_is_refused_like_any_definition() -> None:
    linker = Linker(Engine())
    add_to_linker(linker, McpContext())
    assert set(linker._items) == {
        f"wasi:mcp/{interface}@{version}"
        for interface in ("runtime", "types")
        for version in ("0.1.0", "0.1.0-preview2")
    }


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ({"code": "invalid-params", "message": "m", "data": b"[1]"}, ErrorKind.INVALID_PARAMS, "m"),
        ({"code": "rate-limited", "message": "m"}, ErrorKind.INTERNAL_ERROR, "rate-limited: m"),
        (McpError("resource-not-found", "m"), ErrorKind.RESOURCE_NOT_FOUND, "m"),
        (None, ErrorKind.INTERNAL_ERROR, "the component failed (internal-error)"),
        ({"message": ""}, ErrorKind.INTERNAL_ERROR, "the component failed (internal-error)"),
    ],
)
def test_protocol_error_of_a_components_error(error: Any, kind: ErrorKind, message: str) -> None:
    made = protocol_error(error)
    assert (made.kind, made.message) == (kind, message)


def test_tool_error_is_raised_or_a_result_by_its_code() -> None:
    with pytest.raises(ProtocolError, match="gone"):
        tool_error(ProtocolError(ErrorKind.TOOL_NOT_FOUND, "gone"))
    result = tool_error(ProtocolError(ErrorKind.INTERNAL_ERROR, "disk full"))
    assert (result.is_error, result.text) == (True, "disk full")


def test_tool_result_reads_what_is_there() -> None:
    content = [("text", Data(text="hi"))]
    plain = tool_result(Data(content=content))
    assert (plain.text, plain.is_error, plain.structured) == ("hi", False, None)
    full = tool_result(Data({"content": content, "is-error": True, "structured-content": b'{"a": 1}'}))
    assert (full.is_error, full.structured) == (True, {"a": 1})
    with pytest.raises(BindingError, match="no field 'content'"):
        tool_result(Data(blocks=[]))


def test_prompt_result_system_role_becomes_user() -> None:
    block = ("text", Data(text="hi"))
    messages = [Data(role=role, content=block) for role in ("system", "user", "assistant")]
    assert [one["role"] for one in prompt_result(Data(messages=messages))] == ["user", "user", "assistant"]


def test_completion_result_takes_records_and_strings() -> None:
    assert completion_result([Data(value="a", label="A"), Data(value="b")]) == ["a", "b"]
    assert completion_result(["a"]) == ["a"]
