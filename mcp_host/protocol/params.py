"""What a request asks for: its parameters, checked as they are taken out, and the cursors of lists."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from mcp_host.protocol.errors import ErrorKind, ProtocolError


def invalid_params(reason: str) -> ProtocolError:
    """The error for parameters that a method can't take."""
    return ProtocolError(ErrorKind.INVALID_PARAMS, f"invalid params: {reason}")


class Params:
    """A request's parameters, taken out with their types checked.

    ProtocolError (invalid-params) names the wrong one.
    """

    __slots__ = ("fields", "where")

    def __init__(self, fields: Any, where: str = "params") -> None:
        if not isinstance(fields, dict):
            raise invalid_params(f"{where} must be an object")
        self.fields: dict[str, Any] = fields
        self.where = where

    def text(self, name: str) -> str:
        """A string, which must be there."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise invalid_params(f"{self.where}.{name} must be a string")
        return value

    def nested(self, name: str) -> Params:
        """An object, which must be there, to take from in turn."""
        return Params(self.fields.get(name), f"{self.where}.{name}")

    def mapping(self, name: str) -> dict[str, Any]:
        """An object; {} where it is left out."""
        return Params(self.fields.get(name, {}), f"{self.where}.{name}").fields

    def texts(self, name: str) -> dict[str, str]:
        """An object whose values are strings; {} where it is left out."""
        values = self.mapping(name)
        for key, value in values.items():
            if not isinstance(value, str):
                raise invalid_params(f"{self.where}.{name}.{key[:100]} must be a string")
        return values

    def progress_token(self) -> str | int | None:
        """`_meta.progressToken`, or None."""
        token = Params(self.mapping("_meta"), f"{self.where}._meta").fields.get("progressToken")
        if token is not None and type(token) is not int and not isinstance(token, str):
            raise invalid_params(f"{self.where}._meta.progressToken must be a string or an integer")
        return token


def write_cursor(name: str, last: str) -> str:
    """The cursor of the page after entry `last` of list `name`."""
    return base64.urlsafe_b64encode(f"{name}\n{last}".encode()).decode("ascii")


def read_cursor(name: str, cursor: str) -> str:
    """The entry that a cursor of list `name` names; ProtocolError (invalid-params) for what is none."""
    try:
        owner, _, last = (
            base64.b64decode(cursor, altchars=b"-_", validate=True).decode("utf-8").partition("\n")
        )
    except (binascii.Error, ValueError):
        owner = last = ""
    if owner != name:
        raise invalid_params("params.cursor is none of this list's")
    return last
