"""What the check of the text format of components reports."""

from pathlib import Path

import pytest

import benchmarks.component_text
from benchmarks.component_text import alike, round_trip, round_trips, suite_components
from pywrt.component.tables import PREAMBLE
from pywrt.component.text import parse_component

SCRIPT = """
(component (type $t u8))
(component binary "\\00asm\\0d\\00\\01\\00" "\\07\\02\\01\\7d" "\\07\\02\\01\\7d")
(assert_invalid (component (export "a" (func 0))) "unknown function")
(assert_invalid (component binary "\\00asm\\0d\\00\\01\\00" "\\0b\\07\\01\\00\\01a\\01\\00\\00")
  "unknown function")
(assert_malformed (component quote "(type") "unexpected token")
"""


def test_round_trips_count_components_that_have_a_text(tmp_path: Path) -> None:
    path = tmp_path / "some.wast"
    path.write_text(SCRIPT)
    found = list(suite_components(str(path)))
    assert [place.rpartition(":")[2] for place, _ in found] == ["2", "3", "4"]
    assert round_trips(iter(found)) == (3, 3, ())  # among them one whose sections become one


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("(component", "what is printed does not parse: "),
        ('(component (import "b" (func)))', "what is parsed prints as something else"),
    ],
)
def test_round_trip_of_a_component_that_changes_says_what(
    monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    binary = parse_component('(component (import "a" (func)))')
    assert round_trip(binary) == ""
    texts = iter([text, "(component)"])
    monkeypatch.setattr(benchmarks.component_text, "print_component", lambda data: next(texts))
    assert round_trip(binary).startswith(problem)


def test_round_trip_that_means_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    other = '(component (import "a" (func (result u8))))'
    monkeypatch.setattr(benchmarks.component_text, "print_component", lambda data: other)
    assert round_trip(parse_component('(component (import "a" (func)))')).endswith("mean something else")


def test_round_trip_of_what_is_malformed_says_so() -> None:
    assert round_trip(PREAMBLE + b"\7").startswith("does not print: MalformedError: ")


def test_alike_compares_structure_and_not_identity() -> None:
    shared = [1]
    assert alike({"a": [shared, shared]}, {"a": [shared.copy()] * 2})
    assert not alike([shared, shared], [[1], [1]])
    assert not alike({"a": 1}, {"b": 1})
    assert not alike([1, 2], [1])
    assert not alike([1], [1.0])
