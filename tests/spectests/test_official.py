"""The official suites, where they lie beside the repository."""

from collections import Counter
from pathlib import Path

import pytest

from spectests.pool import run_files
from spectests.report import PASSED, scoreboard
from spectests.scripts import find_scripts, override

SUITES = Path(__file__).parents[3] / "shared" / "suites"
SUITE = SUITES / "core"
COMPONENTS = SUITES / "component-model"

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


@pytest.mark.skipif(not COMPONENTS.is_dir(), reason=f"the component suite is not at {COMPONENTS}")
@pytest.mark.parametrize("metered", [False, True], ids=["unmetered", "metered"])
def test_official_component_suite_passes(metered: bool) -> None:
    reports = list(run_files(find_scripts([str(COMPONENTS)], metered=metered), 2))
    others = [report for report in reports if report.status != PASSED]
    assert not others, scoreboard(others)
    commands = Counter(result.kind for report in reports for result in report.results)
    wanted = {"assert_return": 389, "assert_trap": 136, "assert_invalid": 380, "assert_malformed": 75}
    assert {kind: commands[kind] for kind in wanted} == wanted
    assert len(reports) == 63
