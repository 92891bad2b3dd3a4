"""The official core suite, where it lies beside the repository."""

from collections import Counter
from pathlib import Path

import pytest

from spectests.pool import run_files
from spectests.report import PASSED, scoreboard
from spectests.scripts import find_scripts, override

SUITE = Path(__file__).parents[3] / "shared" / "suites" / "core"

#: Scripts by folder, and commands of all, so that the suite can't shrink unnoticed.
SCRIPTS = {
    "testsuite": 254,
    "spec-main-delta": 3,
    "testsuite/custom": 3,
    "testsuite/legacy": 4,
    "testsuite/proposals/custom-descriptors": 14,
    "testsuite/proposals/custom-page-sizes": 5,
    "testsuite/proposals/threads": 4,
    "testsuite/proposals/wide-arithmetic": 1,
}


@pytest.mark.skipif(not SUITE.is_dir(), reason=f"the official suite is not at {SUITE}")
@pytest.mark.parametrize("metered", [False, True], ids=["unmetered", "metered"])
def test_official_core_suite_passes(metered: bool) -> None:
    scripts, replaced = override(find_scripts([str(SUITE)], metered=metered))
    assert [Path(old).name for _, old in replaced] == [
        "memory_grow.wast",
        "return_call.wast",
        "return_call_indirect.wast",
    ]
    folders = Counter(Path(script.path).parent.relative_to(SUITE).as_posix() for script in scripts)
    assert folders == SCRIPTS
    reports = list(run_files(scripts, 2))
    assert len(reports) == len(scripts)
    others = [report for report in reports if report.status != PASSED]
    assert not others, scoreboard(others)
