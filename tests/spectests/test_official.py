"""The official core suite, where it lies beside the repository: all files that need nothing unbuilt."""

from pathlib import Path

import pytest

from spectests.__main__ import find_scripts
from spectests.pool import run_files
from spectests.report import FAILED, PASSED, scoreboard

SUITE = Path(__file__).parents[3] / "shared" / "suites" / "core"

#: Floors, so that what is in scope can't shrink unnoticed: files that pass whole, and commands.
FILES = 118
COMMANDS = 26_500


@pytest.mark.skipif(not SUITE.is_dir(), reason=f"the official suite is not at {SUITE}")
def test_official_core_suite_files_in_scope_pass() -> None:
    scripts = [path for path in find_scripts([str(SUITE)]) if "/proposals/" not in path]
    reports = list(run_files(scripts, 2, 120.0))
    assert len(reports) == len(scripts)
    failures = [report for report in reports if report.status == FAILED]
    assert not failures, scoreboard(failures)
    passed = [report for report in reports if report.status == PASSED]
    assert len(passed) >= FILES
    assert sum(report.count(PASSED) for report in passed) >= COMMANDS
