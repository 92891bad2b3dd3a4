"""What each revision of MCP knows.

Revisions are dates, so `revision >= "2025-06-18"` means what it says. The tables give the revision that
brought a field or a kind of content; what a client's revision doesn't know is left out of what it is sent,
or replaced.

Spec: schema/<revision>/schema.ts of modelcontextprotocol
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LATEST = REVISIONS[-1]
FIRST = REVISIONS[0]

BATCHES = frozenset({"2025-03-26"})
COMPLETIONS_CAPABILITY_SINCE = "2025-03-26"
PROGRESS_MESSAGE_SINCE = "2025-03-26"
STRUCTURED_CONTENT_SINCE = "2025-06-18"

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

# Fields that the first revision doesn't have, by the object that carries them.
FIELD_SINCE: Mapping[str, Mapping[str, str]] = {
    "implementation": {
        "title": "2025-06-18",
        "description": "2025-11-25",
        "icons": "2025-11-25",
        "websiteUrl": "2025-11-25",
    },
    "tool": {
        "annotations": "2025-03-26",
        "title": "2025-06-18",
        "outputSchema": "2025-06-18",
        "_meta": "2025-06-18",
        "icons": "2025-11-25",
    },
    "resource": {"title": "2025-06-18", "_meta": "2025-06-18", "icons": "2025-11-25"},
    "template": {"title": "2025-06-18", "_meta": "2025-06-18", "icons": "2025-11-25"},
    "prompt": {"title": "2025-06-18", "_meta": "2025-06-18", "icons": "2025-11-25"},
    "argument": {"title": "2025-06-18"},
    "contents": {"_meta": "2025-06-18"},
    "content": {"_meta": "2025-06-18"},
    "annotations": {"lastModified": "2025-06-18"},
}

# Content blocks that the first revision doesn't have.
BLOCK_SINCE: Mapping[str, str] = {"audio": "2025-03-26", "resource_link": "2025-06-18"}


def negotiate(requested: str) -> str:
    """The revision to answer `initialize` with: the client's if we speak it, else our latest.

    Spec: basic/lifecycle#version-negotiation
    """
    return requested if requested in REVISIONS else LATEST


def known_fields(kind: str, fields: Mapping[str, Any], revision: str) -> dict[str, Any]:
    """Those of `fields` that are there (not None) and that `revision` knows for an object of this `kind`."""
    since = FIELD_SINCE[kind]
    known = {
        name: value
        for name, value in fields.items()
        if value is not None and (name not in since or revision >= since[name])
    }
    # A tool's annotations are hints of another type: Annotations has no field that a tool's lacks.
    if "annotations" in known and isinstance(known["annotations"], Mapping):
        known["annotations"] = known_fields("annotations", known["annotations"], revision)
    return known


def content_block(block: Mapping[str, Any], revision: str) -> dict[str, Any]:
    """A content block as `revision` has it.

    A kind that it doesn't know becomes a text that says what was there.
    """
    kind = block.get("type")
    if isinstance(kind, str) and revision < BLOCK_SINCE.get(kind, FIRST):
        return {"type": "text", "text": _as_text(kind, block)}
    known = known_fields("content", block, revision)
    if kind == "resource_link":
        known = known_fields("resource", known, revision)
    if isinstance(known.get("resource"), Mapping):
        known["resource"] = known_fields("contents", known["resource"], revision)
    return known


def content_blocks(blocks: Sequence[Mapping[str, Any]], revision: str) -> list[dict[str, Any]]:
    """Every block as `revision` has it."""
    return [content_block(block, revision) for block in blocks]


def _as_text(kind: str, block: Mapping[str, Any]) -> str:
    if kind == "resource_link":
        return f"{block.get('name', 'resource')}: {block.get('uri', '')}"
    return f"[{kind} content of type {block.get('mimeType', 'unknown')}, beyond this protocol revision]"
