"""Print and parse over the official suite: a part of its modules here, all of them in `benchmarks --bars`."""

from pathlib import Path

import pytest

from benchmarks.text import Checked, malformed_places, round_trips

ROOT = Path(__file__).resolve().parents[3]
SUITE = ROOT.parent / "shared" / "suites" / "core"

pytestmark = pytest.mark.skipif(not SUITE.is_dir(), reason=f"the official suite is not at {SUITE}")


def assert_all(checked: Checked, at_least: int) -> None:
    assert list(checked.failures) == []
    assert checked.passed == checked.total >= at_least


@pytest.mark.parametrize("folder", ["custom", "legacy", "proposals"])
def test_modules_of_proposals_print_and_parse_to_the_same_binary(folder: str) -> None:
    assert_all(round_trips(str(SUITE / "testsuite" / folder)), 5)


def test_modules_of_the_suite_print_and_parse_to_the_same_binary() -> None:
    assert_all(round_trips(str(SUITE), every=7), 700)


def test_errors_of_malformed_texts_have_a_place_in_them() -> None:
    for name in ("token", "if", "memory", "type", "import", "annotations", "utf8-invalid-encoding"):
        for path in (SUITE / "testsuite").glob(f"{name}*.wast"):
            assert_all(malformed_places(str(path)), 0)
    assert_all(malformed_places(str(SUITE / "testsuite" / "custom")), 10)
