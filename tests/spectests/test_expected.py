"""Expected failures: what a file of them says, and what becomes of results."""

import pytest

from spectests.expected import Expectation, ExpectationError, apply_expectations, read_expectations
from spectests.report import EXPECTED, FAILED, PASSED, CommandResult, FileReport

TEXT = """
# what doesn't hold yet
core/a.wast:3   no such thing
b.wast:14 another reason: with colons
"""


def report() -> FileReport:
    results = [
        CommandResult(3, "assert_return", FAILED, "1", "2"),
        CommandResult(5, "assert_return", PASSED),
        CommandResult(9, "assert_return", FAILED, "1", "2"),
    ]
    return FileReport("suite/core/a.wast", results)


def test_read_expectations_lines_have_place_and_reason() -> None:
    assert read_expectations(TEXT) == [
        Expectation("core/a.wast", 3, "no such thing"),
        Expectation("b.wast", 14, "another reason: with colons"),
    ]


@pytest.mark.parametrize("line", ["a.wast:3", "a.wast reason", ":3 reason", "a.wast:x reason"])
def test_read_expectations_line_without_reason_or_place_is_refused(line: str) -> None:
    with pytest.raises(ExpectationError, match=r"^line 2: expected SCRIPT:LINE REASON"):
        read_expectations(f"# first\n{line}\n")


def test_expected_failure_is_none() -> None:
    expected = report()
    apply_expectations([expected], read_expectations(TEXT))
    assert [result.status for result in expected.results] == [EXPECTED, PASSED, FAILED]
    assert expected.results[0].reason == "no such thing"
    assert expected.status == FAILED


def test_expected_failure_that_passes_is_a_failure() -> None:
    expected = report()
    apply_expectations([expected], [Expectation("a.wast", 5, "why")])
    failure = expected.results[-1]
    assert (failure.line, failure.status) == (5, FAILED)
    assert (failure.expected, failure.got) == ("a failure (why)", "no failure")


@pytest.mark.parametrize("script", ["other/a.wast", "c.wast", "ore/a.wast"])
def test_expectation_of_another_script_changes_nothing(script: str) -> None:
    expected = report()
    apply_expectations([expected], [Expectation(script, 3, "why")])
    assert expected.results == report().results
