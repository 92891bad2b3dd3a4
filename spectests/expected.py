"""Files of expected failures: `python -m spectests PATH --expected FILE`.

A line is `SCRIPT:LINE REASON`, where SCRIPT is the end of a script's path; what begins with # is a comment.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath

from spectests.report import EXPECTED, FAILED, CommandResult, FileReport


class ExpectationError(Exception):
    """A line that says nothing, or doesn't say why."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The command at `line` of the script whose path ends with `script` fails, for `reason`."""

    script: str
    line: int
    reason: str

    def is_of(self, report: FileReport) -> bool:
        parts = PurePath(self.script).parts
        return PurePath(report.path).parts[-len(parts) :] == parts


def read_expectations(text: str) -> list[Expectation]:
    """The expectations of a file's text. ExpectationError if a line is none, or has no reason."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        place, _, reason = line.strip().partition(" ")
        if not place or place.startswith("#"):
            continue
        script, _, at = place.rpartition(":")
        if not script or not at.isdecimal() or not reason.strip():
            raise ExpectationError(f"line {number}: expected SCRIPT:LINE REASON, got {line!r}")
        found.append(Expectation(script, int(at), reason.strip()))
    return found


def apply_expectations(reports: Iterable[FileReport], expectations: Iterable[Expectation]) -> None:
    """Mark failures that are expected; what is expected to fail and doesn't is a failure itself."""
    expectations = list(expectations)
    for report in reports:
        for expectation in expectations:
            if expectation.is_of(report):
                _apply(report, expectation)


def _apply(report: FileReport, expectation: Expectation) -> None:
    found = False
    for i, result in enumerate(report.results):
        if result.line == expectation.line and result.status == FAILED:
            report.results[i] = replace(result, status=EXPECTED, reason=expectation.reason)
            found = True
    if not found:
        wanted = f"a failure ({expectation.reason})"
        report.results.append(CommandResult(expectation.line, "expectation", FAILED, wanted, "no failure"))
