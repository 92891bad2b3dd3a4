import base64
from typing import Any

import pytest

from mcp_host.bindings.content import content_annotations, content_block, json_value, resource_contents
from mcp_host.bindings.values import BindingError, Data

PNG = base64.b64encode(b"\x89PNG").decode()


@pytest.mark.parametrize(
    ("case", "block"),
    [
        (("text", {"content-type": "text", "text": "hi"}), {"type": "text", "text": "hi"}),
        (
            ("image", {"data": f"data:image/png;base64,{PNG}", "mime-type": ""}),
            {"type": "image", "data": PNG, "mimeType": "image/png"},
        ),
        (
            ("image", {"data": f"data:;base64,{PNG}", "mime-type": "image/x"}),
            {"type": "image", "data": PNG, "mimeType": "image/x"},
        ),
        (
            ("image", {"data": "data:image/svg+xml,%3Csvg/%3E", "mime-type": "image/svg+xml"}),
            {"type": "image", "data": base64.b64encode(b"<svg/>").decode(), "mimeType": "image/svg+xml"},
        ),
        (
            ("image", {"data": PNG, "mime-type": "image/png"}),
            {"type": "image", "data": PNG, "mimeType": "image/png"},
        ),
        (
            ("audio", {"data": b"\x89PNG", "mime-type": "audio/wav"}),
            {"type": "audio", "data": PNG, "mimeType": "audio/wav"},
        ),
        (
            ("image", {"data": "https://example.org/a/cat.png", "mime-type": "image/png"}),
            {
                "type": "resource_link",
                "uri": "https://example.org/a/cat.png",
                "name": "cat.png",
                "mimeType": "image/png",
            },
        ),
        (
            ("embedded-resource", {"uri": "a:b", "mime-type": "text/x", "text": "t", "blob": None}),
            {"type": "resource", "resource": {"uri": "a:b", "mimeType": "text/x", "text": "t"}},
        ),
        (
            ("embedded-resource", {"uri": "a:b", "mime-type": None, "text": None, "blob": PNG}),
            {"type": "resource", "resource": {"uri": "a:b", "blob": PNG}},
        ),
        (
            ("resource-link", {"uri": "a:b", "name": "b", "description": None, "mime-type": "text/x"}),
            {"type": "resource_link", "uri": "a:b", "name": "b", "mimeType": "text/x"},
        ),
    ],
)
def test_content_block_of_each_kind(case: tuple[str, Any], block: dict[str, Any]) -> None:
    assert content_block((case[0], Data(case[1]))) == block


def test_content_block_annotations_become_mcps() -> None:
    annotations = {"priority": 0.800000011920929, "audience": ["user", "developer"], "custom": b'{"a": 1}'}
    block = content_block(("text", Data(text="hi", annotations=annotations)))
    assert block == {
        "type": "text",
        "text": "hi",
        "annotations": {"audience": ["user"], "priority": 0.8},
        "_meta": {"a": 1},
    }


@pytest.mark.parametrize(
    ("priority", "known"),
    [(7.0, {"priority": 1.0}), (-1.0, {"priority": 0.0}), (float("nan"), {}), (None, {})],
)
def test_content_annotations_priority_is_from_0_to_1(priority: float | None, known: dict[str, Any]) -> None:
    assert content_annotations({"priority": priority, "audience": None}) == known


def test_content_block_unknown_case_is_a_binding_error() -> None:
    with pytest.raises(BindingError, match="content of the unknown kind 'hologram'"):
        content_block(("hologram", Data()))


@pytest.mark.parametrize(
    ("case", "contents"),
    [
        (("text", {"text": "hi"}), {"uri": "a:b", "mimeType": "text/x", "text": "hi"}),
        (
            ("image", {"data": f"data:image/png;base64,{PNG}", "mime-type": ""}),
            {"uri": "a:b", "mimeType": "image/png", "blob": PNG},
        ),
        (
            ("embedded-resource", {"uri": "c:d", "mime-type": None, "text": "t"}),
            {"uri": "c:d", "mimeType": "text/x", "text": "t"},
        ),
        (("blob", {"uri": "c:d", "blob": b"\x89PNG"}), {"uri": "c:d", "mimeType": "text/x", "blob": PNG}),
        (
            ("resource-link", {"uri": "c:d", "name": "d"}),
            {"uri": "a:b", "mimeType": "text/uri-list", "text": "c:d"},
        ),
    ],
)
def test_resource_contents_of_each_kind(case: tuple[str, Any], contents: dict[str, Any]) -> None:
    assert resource_contents((case[0], Data(case[1])), "a:b", "text/x") == contents


@pytest.mark.parametrize(
    ("data", "value"), [(None, None), (b'{"a": [1]}', {"a": [1]}), ("3", 3), (b"not json", "not json")]
)
def test_json_value_of_what_a_component_gave(data: Any, value: Any) -> None:
    assert json_value(data) == value


def test_json_value_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(BindingError, match="4194305 bytes of JSON are more than the limit of 4194304"):
        json_value(b" " * 4_194_304 + b"1")
    assert json_value(b" " * 4_194_303 + b"1") == 1
