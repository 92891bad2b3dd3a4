from __future__ import annotations

from collections.abc import Iterator

import pytest

from mcp_host import registry as registry_module
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

OBJECT = b'{"type": "object"}'


def tool(name: str, schema: bytes = OBJECT) -> Tool:
    return Tool.parse(name, None, schema)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (b"{", "malformed JSON"),
        (b"\xff", "invalid UTF-8"),
        (b"[]", "a schema is an object or a boolean, not array"),
        (b"true", 'must be a JSON object with "type": "object"'),
        (b"{}", 'must be a JSON object with "type": "object"'),
        (b'{"type": "string"}', 'must be a JSON object with "type": "object"'),
        (b'{"type": "object", "properties": 5}', "#/properties: expected an object of schemas"),
        (b'{"type": "object", "$ref": "http://x/"}', "remote reference"),
    ],
)
def test_tool_parse_bad_input_schema_names_the_tool(schema: bytes, reason: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        tool("frob", schema)
    assert "tool 'frob': its input schema" in str(caught.value)
    assert reason in str(caught.value)


def test_tool_parse_bad_output_schema_names_it() -> None:
    with pytest.raises(RegistrationError, match="tool 'frob': its output schema"):
        Tool.parse("frob", None, OBJECT, output_schema=b"[")


def test_template_parse_bad_template_names_it() -> None:
    with pytest.raises(RegistrationError, match=r"resource template 'square': 'x://{n': '{' at character 4"):
        ResourceTemplate.parse("x://{n", "square")


def test_add_duplicate_is_refused_and_nothing_is_added() -> None:
    registry = Registry()
    registry.tools.add([tool("a")])
    with pytest.raises(RegistrationError, match="tool 'a' is registered already"):
        registry.tools.add([tool("b"), tool("a")])
    with pytest.raises(RegistrationError, match="tool 'c' is registered already"):
        registry.tools.add([tool("c"), tool("c")])
    assert registry.tools.keys() == ["a"]


def test_add_without_a_name_is_refused() -> None:
    with pytest.raises(RegistrationError, match="a resource without a name"):
        Registry().resources.add([Resource("", "x")])


def test_add_above_the_limit_is_refused() -> None:
    templates = [ResourceTemplate.parse(f"x://{n}", "x") for n in range(501)]
    with pytest.raises(RegistrationError, match="there are 500 of them already"):
        Registry().templates.add(templates)


def test_version_counts_changes_only() -> None:
    registry = Registry()
    registry.tools.add([tool("a")])
    assert registry.tools.version == 1
    registry.tools.replace([tool("a")])
    registry.tools.add([])
    assert registry.tools.version == 1
    registry.tools.replace([tool("b")])
    assert (registry.tools.version, registry.tools.keys()) == (2, ["b"])


def test_adopt_counts_only_lists_that_differ() -> None:
    registry, rebuilt = Registry(), Registry(ServerInfo("new", "2"))
    for one in (registry, rebuilt):
        one.tools.add([tool("a")])
        one.templates.add([ResourceTemplate.parse("x://{n}", "x")])
    rebuilt.prompts.add([Prompt("p")])
    registry.adopt(rebuilt)
    assert registry.server.name == "new"
    assert (registry.tools.version, registry.templates.version, registry.prompts.version) == (1, 1, 1)


def test_capabilities_follow_registrations_and_declarations() -> None:
    assert Registry().capabilities("2025-11-25") == {}
    registry = Registry(
        ServerInfo("s", "1", capabilities={"prompts": {"listChanged": False}, "logging": {"levels": []}})
    )
    registry.templates.add([ResourceTemplate.parse("x://{n}", "x")])
    assert registry.capabilities("2025-11-25") == {
        "logging": {},
        "prompts": {"listChanged": False},
        "resources": {"listChanged": True},
    }


def test_capabilities_completions_only_where_the_revision_has_them() -> None:
    registry = Registry()
    registry.offer("completions")
    assert registry.capabilities("2024-11-05") == {}
    assert registry.capabilities("2025-03-26") == {"completions": {}}


def test_to_wire_leaves_out_what_a_revision_does_not_know() -> None:
    hinted = Tool.parse("t", "d", OBJECT, output_schema=OBJECT, title="T", annotations={"readOnlyHint": True})
    keys = {
        revision: set(hinted.to_wire(revision)) for revision in ("2024-11-05", "2025-03-26", "2025-06-18")
    }
    assert keys["2024-11-05"] == {"name", "description", "inputSchema"}
    assert keys["2025-03-26"] == {"name", "description", "inputSchema", "annotations"}
    assert keys["2025-06-18"] == {
        "name",
        "title",
        "description",
        "inputSchema",
        "outputSchema",
        "annotations",
    }


def test_to_wire_of_a_prompt_and_a_resource() -> None:
    prompt = Prompt("p", "P", None, (PromptArgument("a", "A", None, True),))
    assert prompt.to_wire("2025-03-26") == {"name": "p", "arguments": [{"name": "a", "required": True}]}
    assert prompt.to_wire("2025-06-18")["arguments"] == [{"name": "a", "title": "A", "required": True}]
    resource = Resource("x://r", "r", "R", None, "text/plain", 0, {"priority": 1, "lastModified": "2025"})
    assert resource.to_wire("2024-11-05") == {
        "uri": "x://r",
        "name": "r",
        "mimeType": "text/plain",
        "size": 0,
        "annotations": {"priority": 1},
    }


def test_template_for_prefers_the_most_literal() -> None:
    registry = Registry()
    registry.templates.add(
        [ResourceTemplate.parse(text, text) for text in ("x://{+any}", "x://a/{n}", "x://{+b}")]
    )
    assert [getattr(registry.template_for(uri), "name", None) for uri in ("x://a/1", "x://z/1", "y://")] == [
        "x://a/{n}",
        "x://{+any}",
        None,
    ]


def test_add_beyond_the_bytes_of_a_list_is_refused_before_the_rest_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry_module, "MAX_LIST_BYTES", 1000)
    registry = Registry()
    registry.prompts.add([Prompt("a", description="x" * 600)])
    seen = []

    def prompts() -> Iterator[Prompt]:
        for name in "bcd":
            seen.append(name)
            yield Prompt(name, description="x" * 600)

    with pytest.raises(RegistrationError, match="prompt 'b': the list is larger than 1000 bytes with it"):
        registry.prompts.add(prompts())
    assert seen == ["b"]
    assert registry.prompts.keys() == ["a"]
    registry.prompts.replace([Prompt("b", description="x" * 600)])
    registry.prompts.add([Prompt("c", description="x" * 300)])
    assert registry.prompts.keys() == ["b", "c"]


def test_tool_parse_schema_that_is_too_long_is_refused_unread() -> None:
    schema = b'{"type": "object", "x": [' + b"[]," * 400_000 + b"[]]}"
    with pytest.raises(RegistrationError, match="its input schema has 1200029 bytes, the limit is 1048576"):
        tool("a", schema)
