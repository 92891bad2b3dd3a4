"""JSON-RPC 2.0: a line of bytes <-> messages.

Strategy: a line is decoded once, by the standard library's parser, whose leniencies are then taken back (NaN
and Infinity, numbers that overflow, nesting without bound, lone surrogates). What comes out is one `Message`
for each entry; an entry that is no valid message becomes an `Invalid` that holds the error to answer with,
so that one bad entry of a batch doesn't spoil the others. Nothing here knows MCP, apart from its narrower
request ids.

Spec: https://www.jsonrpc.org/specification and basic/index#messages
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from mcp_host.protocol.errors import ErrorKind, ProtocolError

MAX_DEPTH = 128
"""Arrays and objects within one another. Far below what Python's own recursion limit lets pass."""

MAX_JSON = 4 * 1024 * 1024
"""Bytes of a JSON value that a component gives within a message: parsed, it may take thirty times as much,
and the host reads nothing meanwhile."""

MAX_BATCH = 1000
"""Entries of a batch: each costs an answer that is longer than the shortest entry."""

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_CONTAINERS = frozenset({dict, list})


@dataclass(frozen=True, slots=True)
class Call:
    """A request (with an id) as JSON-RPC has it; `params` is {} where there are none."""

    request_id: str | int
    method: str
    params: dict[str, Any] | list[Any]


@dataclass(frozen=True, slots=True)
class Notification:
    """A message without id, which gets no answer."""

    method: str
    params: dict[str, Any] | list[Any]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of the peer; `request_id` is None where it has none that can be used."""

    request_id: str | int | None


@dataclass(frozen=True, slots=True)
class Invalid:
    """An entry that is no message: the error to answer with, and the id where it could be read."""

    request_id: str | int | None
    error: ProtocolError


Message = Call | Notification | Response | Invalid


def decode(line: bytes) -> Any:
    """The JSON value of a line.

    Raises ProtocolError (parse-error) for what isn't UTF-8 or JSON, and for numbers or nesting beyond what
    Python can hold. A lone surrogate, which JSON can escape but no Unicode string holds, becomes U+FFFD.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(ErrorKind.PARSE_ERROR, f"invalid UTF-8 at byte {error.start}") from None
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ProtocolError(ErrorKind.PARSE_ERROR, _TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise ProtocolError(
            ErrorKind.PARSE_ERROR, f"malformed JSON: {error.msg} at character {error.pos}"
        ) from None
    except ValueError as error:  # an integer past Python's limit on digits, or one of the refusals below
        raise ProtocolError(ErrorKind.PARSE_ERROR, f"malformed JSON: {error}") from None
    # Counting brackets is cheap, and bounds the depth of nearly every message.
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if _SURROGATE_ESCAPE.search(line):
        return _well_formed(value)
    return value


def decode_object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`, with the checks of `decode`; ProtocolError if it is anything else."""
    value = decode(data)
    if not isinstance(value, dict):
        raise ProtocolError(ErrorKind.INVALID_PARAMS, f"expected a JSON object, got {type(value).__name__}")
    return value


def read_message(value: Any) -> Message:
    """Tell what a decoded entry is. Never raises."""
    if not isinstance(value, dict):
        return _invalid(None, "a message must be a JSON object")
    request_id = value.get("id")
    has_id = type(request_id) is int or isinstance(request_id, str)
    answer_to = request_id if has_id else None
    if "method" not in value and ("result" in value or "error" in value):
        return Response(answer_to)
    if value.get("jsonrpc") != "2.0":
        return _invalid(answer_to, 'the member "jsonrpc" must be "2.0"')
    if "id" in value and not has_id:
        return _invalid(None, f"an id must be a string or an integer, not {_json_type(request_id)}")
    method = value.get("method")
    if not isinstance(method, str):
        return _invalid(answer_to, 'the member "method" must be a string')
    params = value.get("params", {})
    if not isinstance(params, dict | list):
        return _invalid(
            answer_to, f'the member "params" must be an object or an array, not {_json_type(params)}'
        )
    if "result" in value or "error" in value:
        return _invalid(answer_to, "a request has neither result nor error")
    if answer_to is None:
        return Notification(method, params)
    return Call(answer_to, method, params)


def result_message(request_id: str | int, result: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request that succeeded."""
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def error_message(request_id: str | int | None, code: int, message: str, data: Any = None) -> dict[str, Any]:
    """The answer to a request that failed; the id is None where it couldn't be read."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def notification_message(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """A notification."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = params
    return message


def encode(message: Any) -> bytes:
    """A message as one line, with its newline.

    Raises ProtocolError (internal-error) for what JSON can't say: NaN, values that aren't JSON, nesting
    without bound.
    """
    try:
        text = _ENCODER.encode(message)
    except (ValueError, TypeError, RecursionError) as error:
        raise ProtocolError(ErrorKind.INTERNAL_ERROR, f"can't be written as JSON: {error}") from None
    try:
        return text.encode("utf-8") + b"\n"
    except UnicodeEncodeError:  # a lone surrogate; escaped, it passes
        return _ASCII_ENCODER.encode(message).encode("ascii") + b"\n"


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"number {text[:40]} is out of range")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ASCII_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if type(parent) in _CONTAINERS
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return
    raise ProtocolError(ErrorKind.PARSE_ERROR, _TOO_DEEP)


def _well_formed(value: Any) -> Any:
    """`value` with U+FFFD for each lone surrogate.

    Ids of entries keep theirs, since a peer must know its id again.
    """
    utf16 = _ENCODER.encode(value).encode("utf-16-le", "surrogatepass")
    mended = _DECODER.decode(utf16.decode("utf-16-le", "replace"))
    for old, new in zip(*((v if isinstance(v, list) else [v]) for v in (value, mended)), strict=True):
        if isinstance(old, dict) and isinstance(new, dict) and "id" in old:
            new["id"] = old["id"]
    return mended


def _invalid(request_id: str | int | None, reason: str) -> Invalid:
    return Invalid(request_id, ProtocolError(ErrorKind.INVALID_REQUEST, f"invalid request: {reason}"))


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "a value")
