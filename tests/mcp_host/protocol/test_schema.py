from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_host.protocol import schema as schema_module
from mcp_host.protocol.schema import MAX_NESTING, Schema, SchemaError


@pytest.mark.parametrize(
    ("schema", "fits", "fails", "message"),
    [
        ({"type": "integer"}, [1, 1.0, -3], [True, 1.5, "1"], "v: expected integer, got boolean true"),
        ({"type": ["string", "null"]}, ["", None], [0], "v: expected string or null, got number 0"),
        (
            {"enum": [1, "a", None]},
            [1.0, "a", None],
            [True],
            "v: expected one of 1, 'a', null, got boolean true",
        ),
        ({"const": {"a": [1]}}, [{"a": [1.0]}], [{"a": [True]}], 'v: expected {"a": [1]}, got object'),
        ({"minimum": 2, "exclusiveMaximum": 5}, [2, 4.5, "x"], [1, 5], "v: expected a number >= 2, got 1"),
        ({"multipleOf": 0.1}, [0.3, 7], [0.35, 1e308], "v: expected a multiple of 0.1, got 0.35"),
        ({"multipleOf": 3}, [9, 10**30 * 3], [10], "v: expected a multiple of 3, got 10"),
        (
            {"minLength": 2, "maxLength": 3},
            ["ab", "\U0001f600a"],
            ["a", "abcd"],
            "expected at least 2 characters, got 1",
        ),
        ({"pattern": "^a+$"}, ["aa", 5], ["ab"], "v: expected a string that matches '^a+$', got 'ab'"),
        ({"required": ["a", "b c"]}, [{"a": 1, "b c": 2}, []], [{"a": 1}], "v['b c']: required, but missing"),
        (
            {"properties": {"a": {"type": "number"}}},
            [{"a": 1}, {}],
            [{"a": "x"}],
            "v.a: expected number, got string 'x'",
        ),
        (
            {"properties": {"a": True}, "patternProperties": {"^x": True}, "additionalProperties": False},
            [{"a": 1, "xy": 2}],
            [{"b": 1}],
            "v.b: no such property; there are 'a'",
        ),
        (
            {"additionalProperties": {"type": "null"}},
            [{"a": None}],
            [{"a": 1}],
            "v.a: expected null, got number 1",
        ),
        (
            {"patternProperties": {"^n": {"type": "null"}}},
            [{"n": None, "a": 1}],
            [{"no": 1}],
            "v.no: expected null",
        ),
        (
            {"propertyNames": {"maxLength": 1}},
            [{"a": 1}],
            [{"ab": 1}],
            "property name 'ab': expected at most 1",
        ),
        (
            {"minProperties": 1, "maxProperties": 1},
            [{"a": 1}],
            [{}, {"a": 1, "b": 2}],
            "at least 1 properties, got 0",
        ),
        (
            {"dependentRequired": {"a": ["b"]}},
            [{"a": 1, "b": 1}, {}],
            [{"a": 1}],
            "v.b: required with 'a', but missing",
        ),
        (
            {"dependentSchemas": {"a": {"required": ["b"]}}},
            [{"b": 1}],
            [{"a": 1}],
            "v.b: required, but missing",
        ),
        (
            {"prefixItems": [{"type": "string"}], "items": {"type": "number"}},
            [["a", 1], []],
            [["a", "b"], [1]],
            "v[1]: expected number, got string 'b'",
        ),
        ({"items": False}, [[]], [[1]], "v[0]: nothing is allowed here"),
        (
            {"items": [{"type": "null"}], "additionalItems": False},
            [[None]],
            [[1], [None, 1]],
            "v[0]: expected null",
        ),
        (
            {"contains": {"type": "null"}, "maxContains": 1},
            [[None, 1]],
            [[1], [None, None]],
            "at least 1 items",
        ),
        ({"contains": {"type": "null"}, "minContains": 0}, [[]], [], ""),
        ({"minItems": 1, "maxItems": 2}, [[1]], [[], [1, 2, 3]], "v: expected at least 1 items, got 0"),
        (
            {"uniqueItems": True},
            [[1, True, "1"], [{"a": 1}, {"a": 2}]],
            [[1, 1.0], [{"a": 1}, {"a": 1.0}]],
            "v[1]: expected unique",
        ),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1], [3], "v: expected a number <= 2, got 3"),
        (
            {"anyOf": [{"type": "null"}, {"minimum": 5}]},
            [None, 7],
            [3],
            "v: fits none of 2 alternatives (v: expected null",
        ),
        (
            {"oneOf": [{"minimum": 1}, {"maximum": 3}]},
            [0, 5],
            [2],
            "v: expected to fit one alternative only, fits 0 and 1",
        ),
        ({"not": {"type": "null"}}, [1], [None], "v: fits what `not` excludes"),
        (
            {"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"type": "null"}},
            ["a", None],
            ["", 1],
            "v: expected at least 1 characters, got 0",
        ),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}, [None], [1], "v: expected null"),
        (
            {"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "null"}}},
            [None],
            [1],
            "v: expected null",
        ),
        (
            {"$id": "https://a.b/c", "$ref": "https://a.b/c#/$defs/x", "$defs": {"x": False}},
            [],
            [1],
            "v: nothing",
        ),
        ({"$ref": "#/x-own/0", "x-own": [{"type": "null"}]}, [None], [1], "v: expected null"),
        ({"format": "email", "x-unknown": 5, "then": False}, ["no email"], [], ""),
        (True, [1, None], [], ""),
        (False, [], [1], "v: nothing is allowed here"),
    ],
)
def test_errors_each_keyword(schema: Any, fits: list[Any], fails: list[Any], message: str) -> None:
    checked = Schema(schema)
    assert [value for value in fits if checked.errors(value, "v")] == []
    assert [value for value in fails if not checked.errors(value, "v")] == []
    if fails:
        assert message in checked.errors(fails[0], "v")[0]


def test_errors_are_bounded_in_number_and_length() -> None:
    errors = Schema({"items": {"type": "null"}}).errors(["x" * 1000] * 1000, "list")
    assert len(errors) == 10
    assert all(len(error) < 100 for error in errors)


def test_errors_recursive_schema_walks_a_tree() -> None:
    tree = Schema(
        {
            "$defs": {"t": {"properties": {"next": {"$ref": "#/$defs/t"}, "v": {"type": "number"}}}},
            "$ref": "#/$defs/t",
        }
    )
    value: Any = {"v": "x"}
    for _ in range(100):
        value = {"next": value}
    (error,) = tree.errors(value, "t")
    assert error == "t" + ".next" * 100 + ".v: expected number, got string 'x'"


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#"}]}}}]
)
def test_errors_reference_to_itself_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaError, match=f"more than {MAX_NESTING} subschemas within one another"):
        Schema(schema).errors(1)


@pytest.mark.parametrize("keyword", ["anyOf", "contains", "not", "if", "properties"])
def test_errors_deep_instance_ends_in_schema_error_not_recursion_error(keyword: str) -> None:
    nested: Any = {
        keyword: {"a": {"$ref": "#"}}
        if keyword == "properties"
        else [{"$ref": "#"}]
        if keyword == "anyOf"
        else {"$ref": "#"}
    }
    value: Any = 1
    for _ in range(5000):
        value = {"a": value} if keyword == "properties" else [value]
    with pytest.raises(SchemaError, match=r"within one another|too deeply"):
        Schema(nested).errors(value)


def test_errors_doubling_references_run_out_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_module, "MAX_STEPS", 10_000)
    levels = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(40)}
    schema = Schema({"$ref": "#/$defs/l0", "$defs": levels | {"l40": True}})
    with pytest.raises(SchemaError, match="takes more than 10000 steps"):
        schema.errors(1)


def test_errors_catastrophic_pattern_answers() -> None:
    assert Schema({"pattern": "^(a+)+$"}).errors("a" * 10_000 + "!")


def test_unenforced_lists_patterns_beyond_an_automaton() -> None:
    schema = Schema({"properties": {"p": {"pattern": "^(?=.*x).+$"}}, "patternProperties": {"(a)\\1": False}})
    assert schema.errors({"p": "anything", "aa": 1}) == []
    assert len(schema.unenforced) == 2
    assert "#/properties/p/pattern: the pattern '^(?=.*x).+$' isn't enforced" in " ".join(schema.unenforced)


def test_unenforced_lists_patterns_beyond_the_total() -> None:
    schema = Schema({"allOf": [{"pattern": f"^a{{3000}}{n}"} for n in range(5)]})
    assert len(schema.unenforced) == 3


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ([], "#: a schema is an object or a boolean, not array"),
        ({"type": "text"}, "#/type: expected one of null, boolean"),
        ({"properties": []}, "#/properties: expected an object of schemas, got array"),
        ({"properties": {"a": 5}}, "#/properties/a: a schema is an object or a boolean, not number 5"),
        ({"anyOf": []}, "#/anyOf: expected an array of schemas"),
        ({"required": "a"}, "#/required: expected an array of strings, got string 'a'"),
        ({"minimum": True}, "#/minimum: expected a number, got boolean true"),
        ({"multipleOf": 0}, "#/multipleOf: expected a number above 0"),
        ({"maxLength": -1}, "#/maxLength: expected a number of at least 0"),
        (
            {"items": {"$ref": "https://example.com/x"}},
            "#/items/$ref: 'https://example.com/x' is a remote reference",
        ),
        ({"$ref": "other.json"}, "'other.json' is a remote reference, which is never fetched"),
        ({"$ref": "#/$defs/x"}, "#/$ref: there is nothing at '#/$defs/x'"),
        ({"$ref": "#nowhere"}, "#/$ref: there is no anchor 'nowhere'"),
        ({"$ref": "#/x", "x": 5}, "what is at '#/x' is no schema"),
        ({"$ref": "#/x", "x": {"type": 5}}, "#/$ref/type: expected one of"),
        ({"$ref": 5}, "#/$ref: expected a string, got number 5"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "isn't supported; 2020-12 is"),
    ],
)
def test_init_what_is_no_schema_raises(schema: Any, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Schema(schema)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "dialect", ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"]
)
def test_init_known_dialect_passes(dialect: str) -> None:
    assert Schema({"$schema": dialect}).errors(1) == []


VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, 1.5, -2, "", "a", "ab", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
LEAVES = st.one_of(
    st.booleans(),
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                ["integer", "number", "string", "boolean", "null", "array", "object", ["string", "array"]]
            ),
            "enum": st.lists(VALUES, max_size=3),
            "minimum": st.integers(-1, 2),
            "exclusiveMaximum": st.sampled_from([0, 1, 1.5]),
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "maxLength": st.integers(0, 2),
            "pattern": st.sampled_from(["^a", "b$", "[0-9]"]),
            "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
            "minItems": st.integers(0, 2),
            "uniqueItems": st.booleans(),
            "maxProperties": st.integers(0, 2),
        },
    ),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "[bc]"]), inner, max_size=1),
            "additionalProperties": inner,
            "propertyNames": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "items": inner,
            "contains": inner,
            "minContains": st.integers(0, 2),
            "maxContains": st.integers(0, 2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentSchemas": st.dictionaries(st.sampled_from("abc"), inner, max_size=1),
        },
    ),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(SCHEMAS, VALUES)
def test_errors_agree_with_the_jsonschema_library(schema: Any, value: Any) -> None:
    library = pytest.importorskip("jsonschema", reason="comes with the interop extra")
    wanted = library.Draft202012Validator(schema).is_valid(value)
    found = Schema(schema).errors(value, "v")
    assert (found == []) == wanted, found


@given(VALUES, VALUES)
def test_init_any_json_is_a_schema_or_an_error(document: Any, value: Any) -> None:
    try:
        schema = Schema(document)
    except SchemaError:
        return
    assert isinstance(schema.errors(value), list)
