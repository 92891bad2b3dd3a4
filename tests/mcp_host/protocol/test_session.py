from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_host.protocol import events, session
from mcp_host.protocol.errors import ErrorCodes, ErrorKind, ProtocolError
from mcp_host.registry import Prompt, Registry, Tool

if TYPE_CHECKING:
    from tests.mcp_host.conftest import Peer

Connect = Callable[..., "Peer"]
REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
TEXT = [{"type": "text", "text": "3"}]
CALL = {"name": "add", "arguments": {"a": 1}}


def with_token(params: dict[str, Any], token: object) -> dict[str, Any]:
    return params | {"_meta": {"progressToken": token}}


# --- handshake ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("revision", REVISIONS)
def test_initialize_known_revision_is_answered_with_it(connect: Connect, revision: str) -> None:
    result = connect(None).handshake(revision)
    assert result["protocolVersion"] == revision
    assert result["instructions"] == "Use add for sums."
    assert ("title" in result["serverInfo"]) == (revision >= "2025-06-18")
    assert ("completions" in result["capabilities"]) == (revision >= "2025-03-26")
    assert result["capabilities"]["resources"] == {"listChanged": True, "subscribe": True}


@pytest.mark.parametrize("requested", ["2026-07-28", "1.0", ""])
def test_initialize_unknown_revision_is_answered_with_our_latest(connect: Connect, requested: str) -> None:
    assert connect(None).handshake(requested)["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize(
    "params", [None, {}, {"protocolVersion": 1}, {"protocolVersion": "x", "clientInfo": 1}, [1]]
)
def test_initialize_bad_params_is_invalid_params_and_can_be_tried_again(
    connect: Connect, params: Any
) -> None:
    peer = connect(None)
    assert peer.error("initialize", params)["code"] == -32602
    assert peer.handshake()["protocolVersion"] == "2025-11-25"


def test_initialize_twice_is_refused(peer: Peer) -> None:
    error = peer.error("initialize", {"protocolVersion": "2025-11-25"})
    assert error == {"code": -32600, "message": "invalid request: the session is initialized already"}


def test_initialized_gives_event_once(connect: Connect) -> None:
    peer = connect(None)
    peer.notify("notifications/initialized")
    assert peer.events == []
    peer.handshake("2025-03-26")
    (event,) = peer.events
    assert isinstance(event, events.Initialized)
    assert (event.revision, event.client["name"]) == ("2025-03-26", "test")
    peer.notify("notifications/initialized")
    assert peer.events == []


def test_request_before_initialize_says_so(connect: Connect) -> None:
    error = connect(None).error("tools/list")
    assert error == {
        "code": -32600,
        "message": "invalid request: the session isn't initialized: send initialize first",
    }


def test_ping_before_initialize_is_answered(connect: Connect) -> None:
    assert connect(None).result("ping") == {}


def test_request_before_initialized_notification_is_served(connect: Connect) -> None:
    peer = connect(None)
    peer.result("initialize", {"protocolVersion": "2025-11-25"})
    assert len(peer.result("tools/list")["tools"]) == 1


def test_unknown_method_is_method_not_found_in_every_state(connect: Connect) -> None:
    peer = connect(None)
    assert peer.error("server/discover") == {"code": -32601, "message": "method not found: server/discover"}
    peer.handshake()
    assert peer.error("tools/frob")["code"] == -32601


def test_unknown_notifications_and_responses_are_ignored(peer: Peer) -> None:
    assert peer.notify("notifications/roots/list_changed") == []
    assert peer.notify("notifications/frob", [1]) == []
    assert peer.send({"jsonrpc": "2.0", "id": 1, "result": {}}) == []
    assert peer.send({"jsonrpc": "2.0", "id": "x", "error": {"code": 1, "message": "m"}}) == []
    assert peer.send_line(b" \r\n") == []
    assert peer.events == []


def test_capability_not_offered_is_method_not_found() -> None:
    bare = session.ServerSession(Registry())
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
    bare.receive(json.dumps(hello).encode())
    assert json.loads(bare.outgoing())["result"]["capabilities"] == {}
    for method in set(session.METHODS) - {"initialize", "ping"}:
        bare.receive(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}).encode())
        error = json.loads(bare.outgoing())["error"]
        assert error["code"] == -32601
        assert "doesn't offer" in error["message"]


# --- JSON-RPC -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        (b"{nonsense", -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\xff"}}', -32700, None),
        (b"[" * 200_000, -32700, None),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}', -32700, None),
        (b"[]", -32600, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None),
        (b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":7,"method":5}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}', -32602, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":1}}', -32602, 7),
    ],
)
def test_receive_malformed_line_is_answered_and_the_session_goes_on(
    peer: Peer, line: bytes, code: int, request_id: object
) -> None:
    (answer,) = peer.send_line(line)
    assert (answer["error"]["code"], answer["id"]) == (code, request_id)
    assert peer.result("ping") == {}


def test_receive_large_ids_and_lone_surrogates_come_back_as_sent(peer: Peer) -> None:
    for request_id in ("\ud800", 2**80, -5, "", "é"):
        (answer,) = peer.request("ping", id=request_id)
        assert answer == {"jsonrpc": "2.0", "id": request_id, "result": {}}


def test_receive_five_megabytes_of_arguments(peer: Peer) -> None:
    call = peer.event("tools/call", {"name": "add", "arguments": {"a": 1, "text": "x" * 5_000_000}})
    assert len(call.arguments["text"]) == 5_000_000


def test_refuse_overlong_is_invalid_request_without_id(peer: Peer) -> None:
    peer.session.refuse_overlong(1000)
    (answer,) = peer.received()
    assert answer["id"] is None
    assert answer["error"] == {
        "code": -32600,
        "message": "invalid request: a message of more than 1000 bytes",
    }


def test_duplicate_id_in_flight_is_refused_and_free_afterwards(peer: Peer) -> None:
    peer.request("tools/call", CALL, id="x")
    (call,) = peer.events
    (answer,) = peer.request("ping", id="x")
    assert answer["id"] == "x"
    assert answer["error"]["code"] == -32600
    assert "still in flight" in answer["error"]["message"]
    peer.session.respond_tool_failure(call, "no")  # type: ignore[arg-type]
    assert peer.received()[0]["result"]["isError"] is True
    assert "result" in peer.request("ping", id="x")[0]


def test_ids_one_and_string_one_are_different(peer: Peer) -> None:
    peer.request("tools/call", CALL, id=1)
    peer.request("tools/call", CALL, id="1")
    assert [request.request_id for request in peer.session.in_flight] == [1, "1"]


def test_too_many_requests_in_flight_are_refused_but_ping_is_answered(connect: Connect) -> None:
    peer = connect(max_in_flight=2)
    peer.event("tools/call", CALL)
    peer.event("tools/call", CALL)
    assert peer.error("tools/call", CALL)["code"] == -32000
    assert peer.result("ping") == {}


# --- batches --------------------------------------------------------------------------------------------
def call_message(request_id: object, method: str, params: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}}


def test_batch_under_2025_03_26_is_answered_when_all_of_it_is(connect: Connect) -> None:
    peer = connect("2025-03-26")
    batch = [
        call_message(1, "tools/call", CALL),
        {"jsonrpc": "2.0", "method": "notifications/frob"},
        5,
        call_message(2, "ping"),
        call_message(3, "tools/call", CALL),
        call_message(4, "initialize"),
    ]
    assert peer.send(batch) == []
    first, second = peer.events
    peer.session.respond_tool(second, TEXT)  # type: ignore[arg-type]
    assert peer.received() == []
    assert peer.result("ping") == {}
    peer.session.respond_tool(first, TEXT)  # type: ignore[arg-type]
    (answers,) = peer.received()
    assert [answer["id"] for answer in answers] == [None, 2, 4, 3, 1]
    assert [answer.get("error", {}).get("code") for answer in answers] == [-32600, None, -32600, None, None]


def test_batch_of_notifications_gets_no_answer(connect: Connect) -> None:
    assert connect("2025-03-26").send([{"jsonrpc": "2.0", "method": "notifications/frob"}]) == []


def test_batch_whose_only_request_is_cancelled_gets_no_answer(connect: Connect) -> None:
    peer = connect("2025-03-26")
    peer.send([call_message(1, "tools/call", CALL)])
    assert peer.notify("notifications/cancelled", {"requestId": 1}) == []
    assert peer.session.in_flight == []


@pytest.mark.parametrize(
    ("batch", "reason"), [([], "an empty batch"), ([1] * 1001, "more than 1000 messages")]
)
def test_batch_empty_or_huge_is_one_invalid_request(connect: Connect, batch: list[Any], reason: str) -> None:
    (answer,) = connect("2025-03-26").send(batch)
    assert answer["id"] is None
    assert answer["error"]["code"] == -32600
    assert reason in answer["error"]["message"]


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-06-18", "2025-11-25"])
def test_batch_under_other_revisions_is_invalid_request(connect: Connect, revision: str) -> None:
    (answer,) = connect(revision).send([call_message(1, "ping")])
    assert answer["error"]["code"] == -32600
    assert "2025-03-26 only" in answer["error"]["message"]


# --- lists ----------------------------------------------------------------------------------------------
def test_lists_give_what_is_registered(peer: Peer) -> None:
    assert peer.result("tools/list")["tools"][0]["title"] == "Add"
    assert peer.result("resources/list")["resources"][0]["uri"] == "lab://readme"
    assert (
        peer.result("resources/templates/list")["resourceTemplates"][0]["uriTemplate"] == "lab://square/{n}"
    )
    assert peer.result("prompts/list", {})["prompts"][0]["arguments"][0]["required"] is True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(count=st.integers(0, 12), size=st.integers(1, 5))
def test_list_pages_give_every_entry_once_in_order(
    connect: Connect, registry: Registry, count: int, size: int
) -> None:
    registry.prompts.replace([Prompt(f"p{n}") for n in range(count)])
    peer = connect(page_size=size)
    names: list[str] = []
    page = peer.result("prompts/list") if count else {"prompts": []}
    while True:
        assert len(page["prompts"]) <= size
        names += [prompt["name"] for prompt in page["prompts"]]
        if "nextCursor" not in page:
            break
        page = peer.result("prompts/list", {"cursor": page["nextCursor"]})
    assert names == [f"p{n}" for n in range(count)]


@pytest.mark.parametrize("cursor", ["", "nonsense!", "cHJvbXB0cwpw", 5, None, "é", "dG9vbHMKbm8="])
def test_list_bad_cursor_is_invalid_params(peer: Peer, cursor: object) -> None:
    assert peer.error("tools/list", {"cursor": cursor})["code"] == -32602


def test_list_cursor_of_another_list_is_invalid_params(connect: Connect, registry: Registry) -> None:
    registry.prompts.add([Prompt("add")])
    peer = connect(page_size=1)
    cursor = peer.result("prompts/list")["nextCursor"]
    assert "none of this list's" in peer.error("tools/list", {"cursor": cursor})["message"]


# --- tools ----------------------------------------------------------------------------------------------
def test_call_tool_becomes_an_event_and_its_answer_a_result(peer: Peer) -> None:
    call = peer.event("tools/call", with_token(CALL, "t"))
    assert isinstance(call, events.CallTool)
    assert (call.name, call.arguments, call.progress_token) == ("add", {"a": 1}, "t")
    peer.session.respond_tool(call, TEXT, structured={"total": 3})
    result = {"content": TEXT, "structuredContent": {"total": 3}, "isError": False}
    assert peer.received() == [{"jsonrpc": "2.0", "id": peer.ids, "result": result}]


def test_call_tool_unknown_is_invalid_params(peer: Peer) -> None:
    assert peer.error("tools/call", {"name": "frob"}) == {"code": -32602, "message": "Unknown tool: frob"}


def test_call_tool_unknown_has_the_code_of_the_table(connect: Connect) -> None:
    peer = connect(codes=ErrorCodes({ErrorKind.TOOL_NOT_FOUND: -32001}))
    assert peer.error("tools/call", {"name": "frob"})["code"] == -32001


@pytest.mark.parametrize(
    "params",
    [{}, {"name": 1}, {"name": "add", "arguments": []}, with_token(CALL, True), with_token(CALL, 1.5)],
)
def test_call_tool_bad_params_is_invalid_params(peer: Peer, params: Any) -> None:
    assert peer.error("tools/call", params)["code"] == -32602
    assert peer.session.in_flight == []


def test_call_tool_arguments_that_break_the_schema_are_an_error_of_the_tool(peer: Peer) -> None:
    result = peer.result("tools/call", {"name": "add", "arguments": {"a": "x"}})
    text = "Invalid arguments for tool 'add':\n- arguments.a: expected number, got string 'x'"
    assert result == {"content": [{"type": "text", "text": text}], "isError": True}
    assert (
        "arguments.a: required, but missing"
        in peer.result("tools/call", {"name": "add"})["content"][0]["text"]
    )


def test_call_tool_schema_too_costly_is_an_error_of_the_tool(connect: Connect, registry: Registry) -> None:
    registry.tools.add([Tool.parse("loop", None, b'{"type": "object", "$ref": "#"}')])
    result = connect().result("tools/call", {"name": "loop"})
    assert result["isError"] is True
    assert "subschemas within one another" in result["content"][0]["text"]


def test_respond_tool_takes_structured_content_from_text(peer: Peer) -> None:
    call = peer.event("tools/call", CALL)
    content = [{"type": "text", "text": "{broken"}, {"type": "text", "text": '{"total": 3}'}]
    peer.session.respond_tool(call, content)
    assert peer.received()[0]["result"]["structuredContent"] == {"total": 3}


@pytest.mark.parametrize("structured", [None, {"total": "x"}])
def test_respond_tool_breaking_its_output_schema_is_an_error_of_the_tool(peer: Peer, structured: Any) -> None:
    call = peer.event("tools/call", CALL)
    peer.session.respond_tool(call, TEXT, structured=structured)
    result = peer.received()[0]["result"]
    assert result["isError"] is True
    assert "structuredContent" not in result
    assert "Tool 'add' broke its output schema:\n- structuredContent" in result["content"][0]["text"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_respond_tool_gives_what_the_revision_knows(connect: Connect, revision: str) -> None:
    peer = connect(revision)
    call = peer.event("tools/call", CALL)
    content = [
        {
            "type": "text",
            "text": '{"total": 1}',
            "annotations": {"priority": 0.5, "lastModified": "2025-01-01"},
        },
        {"type": "audio", "data": "", "mimeType": "audio/wav"},
        {"type": "resource_link", "uri": "lab://x", "name": "x", "title": "X"},
    ]
    peer.session.respond_tool(call, content)
    result = peer.received()[0]["result"]
    assert ("structuredContent" in result) == (revision >= "2025-06-18")
    assert ("lastModified" in result["content"][0]["annotations"]) == (revision >= "2025-06-18")
    assert [block["type"] for block in result["content"]] == [
        "text",
        "audio" if revision >= "2025-03-26" else "text",
        "resource_link" if revision >= "2025-06-18" else "text",
    ]
    if revision < "2025-06-18":
        assert result["content"][2]["text"] == "x: lab://x"


def test_respond_tool_what_json_cannot_say_is_internal_error(peer: Peer) -> None:
    call = peer.event("tools/call", CALL)
    peer.session.respond_tool(call, [{"type": "text", "text": float("nan")}], is_error=True)
    assert peer.received()[0]["error"]["code"] == -32603
    assert peer.session.in_flight == []


def test_respond_twice_sends_one_answer(peer: Peer) -> None:
    call = peer.event("tools/call", CALL)
    peer.session.respond_tool_failure(call, "first")
    peer.session.respond_tool_failure(call, "second")
    peer.session.respond_error(call, ProtocolError(ErrorKind.INTERNAL_ERROR, "third"))
    (answer,) = peer.received()
    assert answer["result"]["content"][0]["text"] == "first"


def test_respond_error_carries_kind_message_and_data(peer: Peer) -> None:
    read = peer.event("resources/read", {"uri": "lab://none"})
    peer.session.respond_error(read, ProtocolError(ErrorKind.RESOURCE_NOT_FOUND, "no", {"uri": "lab://none"}))
    assert peer.received()[0]["error"] == {"code": -32002, "message": "no", "data": {"uri": "lab://none"}}


# --- resources, prompts, completion ---------------------------------------------------------------------
def test_read_resource_names_the_template_that_serves(peer: Peer) -> None:
    assert peer.event("resources/read", {"uri": "lab://readme"}).template is None
    read = peer.event("resources/read", {"uri": "lab://square/3"})
    assert read.template.name == "square"
    peer.session.respond_resource(read, [{"uri": read.uri, "mimeType": None, "text": "9"}])
    assert peer.received()[0]["result"] == {"contents": [{"uri": "lab://square/3", "text": "9"}]}


def test_subscription_sends_updates_from_its_request_on(peer: Peer) -> None:
    assert peer.session.notify_resource_updated("lab://readme") is False
    subscribe = peer.event("resources/subscribe", {"uri": "lab://readme"})
    assert peer.session.notify_resource_updated("lab://readme") is True
    peer.session.respond_empty(subscribe)
    updated, answer = peer.received()
    assert updated["method"] == "notifications/resources/updated"
    assert updated["params"] == {"uri": "lab://readme"}
    assert answer["result"] == {}
    assert peer.session.notify_resource_updated("lab://other") is False
    peer.session.respond_empty(peer.event("resources/unsubscribe", {"uri": "lab://readme"}))
    assert peer.session.notify_resource_updated("lab://readme") is False


def test_subscription_that_fails_or_is_cancelled_sends_no_updates(peer: Peer) -> None:
    subscribe = peer.event("resources/subscribe", {"uri": "lab://a"})
    peer.session.respond_error(subscribe, ProtocolError(ErrorKind.RESOURCE_NOT_FOUND, "no"))
    assert peer.received()[0]["error"]["code"] == -32002
    peer.event("resources/subscribe", {"uri": "lab://b"})
    peer.notify("notifications/cancelled", {"requestId": peer.ids})
    assert [peer.session.notify_resource_updated(f"lab://{x}") for x in "ab"] == [False, False]


def test_get_prompt_checks_name_and_arguments(peer: Peer) -> None:
    assert peer.error("prompts/get", {"name": "frob"})["code"] == -32602
    assert (
        peer.error("prompts/get", {"name": "greet"})["message"]
        == "invalid params: prompt 'greet' needs the arguments name"
    )
    assert peer.error("prompts/get", {"name": "greet", "arguments": {"name": 1}})["code"] == -32602
    get = peer.event("prompts/get", {"name": "greet", "arguments": {"name": "Ann"}})
    assert (get.name, get.arguments) == ("greet", {"name": "Ann"})
    peer.session.respond_prompt(get, [{"role": "user", "content": TEXT[0]}], "Greets")
    messages = [{"role": "user", "content": TEXT[0]}]
    assert peer.received()[0]["result"] == {"description": "Greets", "messages": messages}


def test_complete_takes_prompt_and_resource_references(peer: Peer) -> None:
    argument = {"name": "name", "value": "A"}
    context = {"arguments": {"x": "y"}}
    prompt = {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": argument, "context": context}
    complete = peer.event("completion/complete", prompt)
    assert (complete.ref, complete.argument_value, complete.context) == ("greet", "A", {"x": "y"})
    peer.session.respond_completion(complete, [f"A{n}" for n in range(150)])
    completion = peer.received()[0]["result"]["completion"]
    assert (len(completion["values"]), completion["total"], completion["hasMore"]) == (100, 150, True)
    resource = {"ref": {"type": "ref/resource", "uri": "lab://square/{n}"}, "argument": argument}
    complete = peer.event("completion/complete", resource)
    peer.session.respond_completion(complete, ["A"])
    assert peer.received()[0]["result"] == {"completion": {"values": ["A"]}}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"ref": {"type": "ref/prompt", "name": "none"}, "argument": {"name": "a", "value": ""}},
        {"ref": {"type": "ref/frob", "name": "greet"}, "argument": {"name": "a", "value": ""}},
        {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "a"}},
        {
            "ref": {"type": "ref/prompt", "name": "greet"},
            "argument": {"name": "a", "value": ""},
            "context": 1,
        },
    ],
)
def test_complete_bad_params_is_invalid_params(peer: Peer, params: Any) -> None:
    assert peer.error("completion/complete", params)["code"] == -32602


def test_complete_is_served_under_the_first_revision_without_capability(connect: Connect) -> None:
    params = {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": ""}}
    assert connect("2024-11-05").event("completion/complete", params).ref == "greet"


# --- progress, cancellation, notifications --------------------------------------------------------------
def test_progress_needs_token_flight_and_increase(peer: Peer) -> None:
    silent = peer.event("tools/call", CALL)
    assert peer.session.notify_progress(silent, 1) is False
    call = peer.event("tools/call", with_token(CALL, 0))
    sent = [
        peer.session.notify_progress(call, value, 10, "m")
        for value in (1, 1, 0.5, float("nan"), 2.5, float("inf"))
    ]
    assert sent == [True, False, False, False, True, False]
    peer.session.respond_tool_failure(call, "done")
    assert peer.session.notify_progress(call, 9) is False
    first, second, _answer = peer.received()
    assert first["params"] == {"progressToken": 0, "progress": 1, "total": 10, "message": "m"}
    assert second["params"]["progress"] == 2.5


def test_progress_message_only_where_the_revision_has_it(connect: Connect) -> None:
    peer = connect("2024-11-05")
    peer.session.notify_progress(peer.event("tools/call", with_token(CALL, "t")), 1, None, "m")
    assert peer.received()[0]["params"] == {"progressToken": "t", "progress": 1}


@given(st.lists(st.floats(-1e9, 1e9), max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_progress_sent_always_increases(peer: Peer, values: list[float]) -> None:
    call = peer.event("tools/call", with_token(CALL, "t"))
    for value in values:
        peer.session.notify_progress(call, value)
    sent = [message["params"]["progress"] for message in peer.received()]
    assert sent == sorted(set(sent))
    assert not values or max(values) in sent


def test_cancelled_gives_event_and_no_answer_afterwards(peer: Peer) -> None:
    call = peer.event("tools/call", with_token(CALL, "t"))
    assert peer.notify("notifications/cancelled", {"requestId": peer.ids, "reason": "slow"}) == []
    (event,) = peer.events
    assert isinstance(event, events.Cancelled)
    assert event.request is call
    assert event.reason == "slow"
    peer.session.respond_tool_failure(call, "late")
    assert peer.session.notify_progress(call, 1) is False
    assert peer.received() == []


def test_cancelled_id_used_again_is_not_answered_by_the_old_request(peer: Peer) -> None:
    peer.request("tools/call", CALL, id="x")
    (old,) = peer.events
    peer.notify("notifications/cancelled", {"requestId": "x"})
    peer.request("tools/call", CALL, id="x")
    peer.session.respond_tool_failure(old, "late")  # type: ignore[arg-type]
    assert peer.received() == []
    assert len(peer.session.in_flight) == 1


@pytest.mark.parametrize(
    "params", [None, {}, {"requestId": 99}, {"requestId": None}, {"requestId": True}, {"requestId": [1]}]
)
def test_cancelled_unknown_or_malformed_is_ignored(peer: Peer, params: Any) -> None:
    peer.request("tools/call", CALL, id=1)
    assert peer.notify("notifications/cancelled", params) == []
    assert peer.events == []
    assert len(peer.session.in_flight) == 1


def test_log_is_filtered_by_level_and_the_default_is_info(peer: Peer) -> None:
    assert [peer.session.notify_log(level, "m") for level in ("debug", "info", "emergency")] == [
        False,
        True,
        True,
    ]
    assert len(peer.received()) == 2
    peer.result("logging/setLevel", {"level": "error"})
    assert [peer.session.notify_log(level, "m") for level in ("warning", "error")] == [False, True]
    peer.session.notify_log("critical", {"a": 1}, "net")
    messages = peer.received()
    assert messages[1]["params"] == {"level": "critical", "logger": "net", "data": {"a": 1}}


def test_log_level_unknown_is_refused_on_both_sides(peer: Peer) -> None:
    assert "one of debug, info, notice" in peer.error("logging/setLevel", {"level": "loud"})["message"]
    with pytest.raises(ValueError, match="'loud' is no log level"):
        peer.session.notify_log("loud", "m")


def test_log_before_initialize_is_not_sent(connect: Connect) -> None:
    peer = connect(None)
    assert peer.session.notify_log("error", "m") is False
    assert peer.received() == []


def test_changes_are_announced_once_for_each_list(peer: Peer, registry: Registry) -> None:
    peer.session.announce_changes()
    assert peer.received() == []
    registry.prompts.add([Prompt("new")])
    registry.templates.replace([])
    peer.session.announce_changes()
    peer.session.announce_changes()
    methods = sorted(message["method"] for message in peer.received())
    assert methods == ["notifications/prompts/list_changed", "notifications/resources/list_changed"]


def test_changes_before_initialized_are_announced_with_it(connect: Connect, registry: Registry) -> None:
    peer = connect(None)
    peer.result("initialize", {"protocolVersion": "2025-11-25"})
    registry.prompts.add([Prompt("new")])
    peer.session.announce_changes()
    assert peer.received() == []
    assert [m["method"] for m in peer.notify("notifications/initialized")] == [
        "notifications/prompts/list_changed"
    ]


def test_list_changed_by_the_guest_is_not_announced_again(peer: Peer, registry: Registry) -> None:
    registry.prompts.add([Prompt("new")])
    assert peer.session.notify_list_changed("prompts") is True
    peer.session.announce_changes()
    assert len(peer.received()) == 1


def test_close_gives_what_is_in_flight_and_sends_nothing_more(peer: Peer) -> None:
    call = peer.event("tools/call", CALL)
    (cancelled,) = peer.session.close()
    assert cancelled.request is call
    peer.session.respond_tool_failure(call, "late")
    assert peer.session.notify_log("error", "m") is False
    assert peer.request("ping") == []


# --- anything at all ------------------------------------------------------------------------------------
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "add", "x"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda v: (
        st.lists(v, max_size=2) | st.dictionaries(st.sampled_from(["name", "_meta", "x"]), v, max_size=2)
    ),
    max_leaves=4,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | SCALARS,
        "id": ANYTHING,
        "method": st.sampled_from([*session.METHODS, *session.NOTIFICATIONS]) | ANYTHING,
        "params": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("name", "arguments", "uri", "cursor", "level", "ref", "argument", "_meta", "requestId"),
                ANYTHING,
            ),
        )
        | ANYTHING,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    st.lists(MESSAGES | st.lists(MESSAGES, max_size=3) | st.binary(max_size=20), max_size=6),
    st.sampled_from(REVISIONS),
)
def test_receive_any_messages_every_request_is_answered_once(
    connect: Connect, messages: list[Any], revision: str
) -> None:
    peer = connect(revision)
    for message in messages:
        answers = peer.send_line(message if isinstance(message, bytes) else json.dumps(message).encode())
        for event in peer.events:
            if isinstance(event, events.Request):
                peer.session.respond_error(event, ProtocolError(ErrorKind.INTERNAL_ERROR, "no"))
        answers += peer.received()
        assert peer.session.in_flight == []
        if isinstance(message, dict) and isinstance(message.get("id"), str) and "method" in message:
            assert [answer["id"] for answer in answers if "id" in answer] == [message["id"]]
    assert peer.result("ping") == {}
