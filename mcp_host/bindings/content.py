"""Content blocks of wasi:mcp as MCP has them.

A component's blocks come as pairs (case, fields), see `mcp_host.bindings.values`. Where the two don't meet:
an image's data URI becomes base64 and MIME type, an image at a URL a link to it; MCP's annotations know two
audiences and priorities from 0 to 1; what annotations hold in `custom` goes to `_meta`, MCP's place for it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from mcp_host.bindings.values import BindingError
from mcp_host.protocol.errors import ProtocolError
from mcp_host.protocol.jsonrpc import MAX_JSON, decode

Fields = Mapping[str, Any]
Block = dict[str, Any]

AUDIENCES = ("user", "assistant")


def content_block(case: tuple[str, Any]) -> Block:
    """The MCP content block for a case of `content-block`. BindingError for a case that is unknown."""
    name, fields = case
    make = _BLOCKS.get(name)
    if make is None or not isinstance(fields, Mapping):
        raise BindingError(f"the component gave content of the unknown kind {name!r}")
    return _annotated(make(fields), fields.get("annotations"))


def resource_contents(case: tuple[str, Any], uri: str, mime_type: str | None) -> Block:
    """An entry of the contents of resources/read; `uri` was asked for and is of `mime_type`, if known."""
    name, fields = case
    if name in ("embedded-resource", "resource", "blob") or (name == "text" and fields.get("uri")):
        return _resource(fields, uri, mime_type)
    block = content_block(case)
    match block["type"]:
        case "text":
            contents = {"uri": uri, "mimeType": mime_type, "text": block["text"]}
        case "image" | "audio":
            contents = {"uri": uri, "mimeType": block["mimeType"], "blob": block["data"]}
        case _:
            contents = {"uri": uri, "mimeType": "text/uri-list", "text": block["uri"]}
    return {key: value for key, value in contents.items() if value is not None}


def base64_text(data: str | bytes) -> str:
    """Binary data, which a component gives as bytes or in base64, in base64."""
    return data if isinstance(data, str) else base64.b64encode(data).decode("ascii")


def json_value(data: bytes | str | float | None) -> Any:
    """JSON that a component gave; what isn't JSON becomes a string, and a number is itself.

    BindingError past MAX_JSON bytes.
    """
    if data is None or isinstance(data, (bool, int, float)):
        return data
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    if len(raw) > MAX_JSON:
        raise BindingError(f"{len(raw)} bytes of JSON are more than the limit of {MAX_JSON}")
    try:
        return decode(raw)
    except ProtocolError:
        return raw.decode("utf-8", "replace")


def _text(fields: Fields) -> Block:
    return {"type": "text", "text": fields["text"]}


def _media(kind: str) -> Callable[[Fields], Block]:
    def media(fields: Fields) -> Block:
        data, mime_type = fields["data"], fields.get("mime-type") or ""
        if isinstance(data, str) and data[:5].lower() == "data:":
            data, given = _data_uri(data)
            mime_type = mime_type or given
        elif isinstance(data, str) and ":" in data:  # base64 has no colon: a URL
            link = {"type": "resource_link", "uri": data, "name": data.rstrip("/").rpartition("/")[2] or data}
            return link | ({"mimeType": mime_type} if mime_type else {})
        return {
            "type": kind,
            "data": base64_text(data),
            "mimeType": mime_type or "application/octet-stream",
        }

    return media


def _data_uri(uri: str) -> tuple[str | bytes, str]:
    """The data of an RFC 2397 URI (base64, or bytes where it was percent-encoded) and its MIME type."""
    head, _, data = uri[5:].partition(",")
    mime_type, _, _ = head.partition(";")
    if head.lower().endswith(";base64"):
        return unquote_to_bytes(data).decode("ascii", "replace"), mime_type
    return unquote_to_bytes(data), mime_type


def _embedded(fields: Fields) -> Block:
    return {"type": "resource", "resource": _resource(fields, "", None)}


def _resource(fields: Fields, uri: str, mime_type: str | None) -> Block:
    contents: Block = {"uri": fields.get("uri") or uri}
    mime_type = fields.get("mime-type") or mime_type
    if mime_type is not None:
        contents["mimeType"] = mime_type
    if fields.get("text") is None and fields.get("blob") is not None:
        contents["blob"] = base64_text(fields["blob"])
    else:
        contents["text"] = fields.get("text") or ""
    return contents


def _link(fields: Fields) -> Block:
    block = {
        "type": "resource_link",
        "uri": fields["uri"],
        "name": fields.get("name") or fields["uri"],
        "title": fields.get("title"),
        "description": fields.get("description"),
        "mimeType": fields.get("mime-type"),
        "size": fields.get("size"),
    }
    return {key: value for key, value in block.items() if value is not None}


_BLOCKS: Mapping[str, Callable[[Fields], Block]] = {
    "text": _text,
    "image": _media("image"),
    "audio": _media("audio"),
    "embedded-resource": _embedded,
    "resource": _embedded,
    "resource-link": _link,
}


def _annotated(block: Block, annotations: Any) -> Block:
    if isinstance(annotations, Mapping):
        known = content_annotations(annotations)
        if known:
            block["annotations"] = known
        custom = json_value(annotations.get("custom"))
        if isinstance(custom, dict):
            block["_meta"] = custom
    return block


def content_annotations(annotations: Fields) -> dict[str, Any]:
    """MCP's annotations for a record of wasi:mcp; empty where nothing fits."""
    known: dict[str, Any] = {}
    audience = [one for one in annotations.get("audience") or () if one in AUDIENCES]
    if audience:
        known["audience"] = audience
    priority = annotations.get("priority")
    if priority is not None and not math.isnan(priority):
        # An f32: its shortest decimal, not the digits of the double that holds it.
        known["priority"] = min(1.0, max(0.0, float(f"{priority:.7g}")))
    return known
