"""What can go wrong in a request, and the JSON-RPC code that says so in each revision of MCP."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


class ErrorKind(Enum):
    """Kinds of protocol errors. The values are the cases of wasi:mcp's `error-code`, where it has them."""

    PARSE_ERROR = "parse-error"
    INVALID_REQUEST = "invalid-request"
    METHOD_NOT_FOUND = "method-not-found"
    INVALID_PARAMS = "invalid-params"
    INTERNAL_ERROR = "internal-error"
    RESOURCE_NOT_FOUND = "resource-not-found"
    TOOL_NOT_FOUND = "tool-not-found"
    PROMPT_NOT_FOUND = "prompt-not-found"
    UNSUPPORTED_OPERATION = "unsupported-operation"
    TOO_BUSY = "too-busy"


# (first revision, kind -> code): a row holds from its revision on, over what earlier rows say.
CODES_SINCE: tuple[tuple[str, Mapping[ErrorKind, int]], ...] = (
    (
        "2024-11-05",
        {
            ErrorKind.PARSE_ERROR: -32700,
            ErrorKind.INVALID_REQUEST: -32600,
            ErrorKind.METHOD_NOT_FOUND: -32601,
            ErrorKind.INVALID_PARAMS: -32602,
            ErrorKind.INTERNAL_ERROR: -32603,
            ErrorKind.RESOURCE_NOT_FOUND: -32002,
            ErrorKind.TOOL_NOT_FOUND: -32602,
            ErrorKind.PROMPT_NOT_FOUND: -32602,
            ErrorKind.UNSUPPORTED_OPERATION: -32601,
            ErrorKind.TOO_BUSY: -32000,
        },
    ),
    ("2026-07-28", {ErrorKind.RESOURCE_NOT_FOUND: -32602}),
)


class ProtocolError(Exception):
    """A request that ends in a JSON-RPC error.

    Its kind, a message for the client, and data (JSON) or None.
    """

    def __init__(self, kind: ErrorKind, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.data = data


class ErrorCodes:
    """The table kind -> code, by revision, with a host's own numbers on top.

    `overrides` hold in every revision: hosts of wasi:mcp disagree on numbers, and a client may depend on
    another's.
    """

    __slots__ = ("_overrides",)

    def __init__(self, overrides: Mapping[ErrorKind, int] | None = None) -> None:
        self._overrides = dict(overrides or {})

    def code(self, kind: ErrorKind, revision: str) -> int:
        """The JSON-RPC code of `kind` under `revision` (revisions are dates, which compare as strings)."""
        if kind in self._overrides:
            return self._overrides[kind]
        for since, codes in reversed(CODES_SINCE):
            if revision >= since and kind in codes:
                return codes[kind]
        return CODES_SINCE[0][1][kind]
