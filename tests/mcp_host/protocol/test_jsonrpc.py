from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_host.protocol import jsonrpc
from mcp_host.protocol.errors import ErrorCodes, ErrorKind, ProtocolError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def refusal(line: bytes) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        jsonrpc.decode(line)
    return caught.value


@given(JSON)
def test_decode_of_encode_is_identity(value: object) -> None:
    line = jsonrpc.encode(value)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert jsonrpc.decode(line) == value


@given(st.binary(max_size=60))
def test_decode_random_bytes_gives_value_or_parse_error(line: bytes) -> None:
    kind = ErrorKind.PARSE_ERROR
    try:
        jsonrpc.decode(line)
    except ProtocolError as error:
        kind = error.kind
    assert kind is ErrorKind.PARSE_ERROR


@given(JSON)
def test_read_message_of_any_value_never_raises(value: object) -> None:
    assert isinstance(
        jsonrpc.read_message(value),
        jsonrpc.Call | jsonrpc.Notification | jsonrpc.Response | jsonrpc.Invalid,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "malformed JSON: Expecting property name"),
        (b'"\xff"', "invalid UTF-8 at byte 1"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "number 1e999 is out of range"),
        (b"1" * 5000, "malformed JSON: Exceeds the limit"),
        (b"[" * 100_000, "nested deeper than 128 levels"),
        (b"[" * 129 + b"]" * 129, "nested deeper than 128 levels"),
        (b'{"a":' * 129 + b"1" + b"}" * 129, "nested deeper than 128 levels"),
        (b"\xef\xbb\xbf{}", "malformed JSON"),
    ],
)
def test_decode_malformed_line_is_parse_error(line: bytes, message: str) -> None:
    error = refusal(line)
    assert error.kind is ErrorKind.PARSE_ERROR
    assert message in error.message


def test_decode_deepest_nesting_allowed_passes() -> None:
    line = b"[" * 128 + b"]" * 128
    assert jsonrpc.encode(jsonrpc.decode(line)) == line + b"\n"


def test_decode_many_brackets_without_depth_passes() -> None:
    assert len(jsonrpc.decode(b"[" + b"{}," * 1000 + b"[]]")) == 1001


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (rb'{"a": "x\ud800y"}', {"a": "x\ufffdy"}),
        (rb'["\udc00\ud800"]', ["\ufffd\ufffd"]),
        (rb'["\ud83d\ude00"]', ["\U0001f600"]),
        (rb'["\\ud800"]', ["\\ud800"]),
        (rb'{"id": "\ud800", "k": "\ud800"}', {"id": "\ud800", "k": "\ufffd"}),
        (rb'[{"id": "\ud800", "k": "\ud800"}]', [{"id": "\ud800", "k": "\ufffd"}]),
    ],
)
def test_decode_lone_surrogate_becomes_replacement_except_in_ids(line: bytes, value: object) -> None:
    assert jsonrpc.decode(line) == value


def test_encode_lone_surrogate_is_escaped() -> None:
    assert jsonrpc.encode({"id": "\ud800"}) == b'{"id":"\\ud800"}\n'


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, 10**5000], ids=["nan", "set", "huge"])
def test_encode_what_is_no_json_is_internal_error(value: object) -> None:
    with pytest.raises(ProtocolError, match="can't be written as JSON") as caught:
        jsonrpc.encode([value])
    assert caught.value.kind is ErrorKind.INTERNAL_ERROR


@pytest.mark.parametrize("bad", [True, False, None, 1.0, 1.5, [], {}, [1]])
def test_read_message_wrong_id_type_is_invalid_without_id(bad: object) -> None:
    message = jsonrpc.read_message({"jsonrpc": "2.0", "id": bad, "method": "ping"})
    assert isinstance(message, jsonrpc.Invalid)
    assert message.request_id is None
    assert message.error.kind is ErrorKind.INVALID_REQUEST
    assert "an id must be a string or an integer" in message.error.message


@pytest.mark.parametrize(
    ("value", "request_id", "reason"),
    [
        ([], None, "a message must be a JSON object"),
        ("x", None, "a message must be a JSON object"),
        ({}, None, '"jsonrpc" must be "2.0"'),
        ({"jsonrpc": "1.0", "id": 3, "method": "x"}, 3, '"jsonrpc" must be "2.0"'),
        ({"jsonrpc": "2.0", "id": "a"}, "a", '"method" must be a string'),
        ({"jsonrpc": "2.0", "id": 3, "method": 1}, 3, '"method" must be a string'),
        ({"jsonrpc": "2.0", "id": 3, "method": "x", "params": "bar"}, 3, '"params" must be an object'),
        ({"jsonrpc": "2.0", "id": 3, "method": "x", "params": None}, 3, '"params" must be an object'),
        ({"jsonrpc": "2.0", "id": 3, "method": "x", "result": {}}, 3, "neither result nor error"),
    ],
)
def test_read_message_invalid_request_keeps_the_id(value: object, request_id: object, reason: str) -> None:
    message = jsonrpc.read_message(value)
    assert isinstance(message, jsonrpc.Invalid)
    assert message.request_id == request_id
    assert reason in message.error.message


def test_read_message_tells_calls_notifications_and_responses_apart() -> None:
    assert jsonrpc.read_message({"jsonrpc": "2.0", "id": "1", "method": "a"}) == jsonrpc.Call("1", "a", {})
    assert jsonrpc.read_message({"jsonrpc": "2.0", "method": "a", "params": [1]}) == jsonrpc.Notification(
        "a", [1]
    )
    assert jsonrpc.read_message({"jsonrpc": "2.0", "id": 1, "result": {}}) == jsonrpc.Response(1)
    assert jsonrpc.read_message({"id": None, "error": {}}) == jsonrpc.Response(None)


def test_encode_is_compact_utf8() -> None:
    message = jsonrpc.result_message(1, {"a": ["é\n"]})
    assert jsonrpc.encode(message) == '{"jsonrpc":"2.0","id":1,"result":{"a":["é\\n"]}}\n'.encode()
    assert json.loads(jsonrpc.encode(message)) == message


@pytest.mark.parametrize(
    ("kind", "revision", "code"),
    [
        (ErrorKind.PARSE_ERROR, "2025-11-25", -32700),
        (ErrorKind.RESOURCE_NOT_FOUND, "2024-11-05", -32002),
        (ErrorKind.RESOURCE_NOT_FOUND, "2025-11-25", -32002),
        (ErrorKind.RESOURCE_NOT_FOUND, "2026-07-28", -32602),
        (ErrorKind.TOOL_NOT_FOUND, "2026-07-28", -32602),
        (ErrorKind.INTERNAL_ERROR, "2026-07-28", -32603),
    ],
)
def test_error_codes_follow_the_revision(kind: ErrorKind, revision: str, code: int) -> None:
    assert ErrorCodes().code(kind, revision) == code


def test_error_codes_override_holds_in_every_revision() -> None:
    codes = ErrorCodes({ErrorKind.TOOL_NOT_FOUND: -32001})
    assert {codes.code(ErrorKind.TOOL_NOT_FOUND, revision) for revision in ("2024-11-05", "2026-07-28")} == {
        -32001
    }


def test_error_codes_cover_every_kind() -> None:
    assert all(ErrorCodes().code(kind, "2024-11-05") < 0 for kind in ErrorKind)
