"""WIT names to Python names."""

import pytest

from pywrt.bindgen.generator import class_name
from pywrt.bindgen.names import attribute_names, distinct, member_names, module_name, pascal, snake


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("a", "a"),
        ("read-only", "read_only"),
        ("HTTP-status", "http_status"),
        ("class", "class_"),
        ("match", "match"),
    ],
)
def test_label_in_snake_case_is_no_keyword(label: str, expected: str) -> None:
    assert snake(label) == expected


def test_label_in_pascal_case_keeps_acronyms() -> None:
    assert [pascal(label) for label in ("log-level", "HTTP-status", "u8-x")] == [
        "LogLevel",
        "HTTPStatus",
        "U8X",
    ]


def test_distinct_names_that_share_a_spelling_all_take_the_next() -> None:
    spellings = {1: ["Level", "LogLevel"], 2: ["Level", "RiskLevel"], 3: ["Other", "LogOther"]}
    assert distinct(spellings) == {1: "LogLevel", 2: "RiskLevel", 3: "Other"}


def test_distinct_names_that_never_differ_are_numbered() -> None:
    assert distinct({1: ["X"], 2: ["X"], 3: ["X"]}) == {1: "X", 2: "X_", 3: "X_2"}


def test_distinct_names_are_no_keywords_and_not_reserved() -> None:
    assert distinct({1: ["None"], 2: ["Store"]}, ["Store"]) == {1: "None_", 2: "Store_"}


def test_member_named_as_a_decorator_or_reserved_gets_an_underscore() -> None:
    assert member_names(["property", "self", "x"], ("self",)) == {
        "property": "property_",
        "self": "self_",
        "x": "x",
    }


def test_attributes_of_interfaces_have_as_much_of_the_name_as_it_takes() -> None:
    names = ["greet", "wasi:cli/run@0.2.0", "my:cli/run", "a:b/greet", "a:b/c@1.0.0", "a:b/c@2.0.0"]
    assert attribute_names(names) == {
        "greet": "greet",
        "wasi:cli/run@0.2.0": "wasi_cli_run",
        "my:cli/run": "my_cli_run",
        "a:b/greet": "b_greet",
        "a:b/c@1.0.0": "a_b_c_1_0_0",
        "a:b/c@2.0.0": "a_b_c_2_0_0",
    }


def test_module_of_an_interface_has_no_version() -> None:
    assert module_name("wasi:mcp/runtime@0.1.0-preview2") == "wasi_mcp_runtime"
    assert module_name("my-own:the-pkg/log-it") == "my_own_the_pkg_log_it"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("qjs-hello-sync-stub", "QjsHelloSyncStub"),
        ("bench.component", "BenchComponent"),
        ("my_app 2", "MyApp2"),
        ("2nd", "Component2nd"),
        ("\u00e9-\u00e9", "Component"),
        ("", "Component"),
    ],
)
def test_class_name_is_made_of_any_text(text: str, expected: str) -> None:
    assert class_name(text) == expected
