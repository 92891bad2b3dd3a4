"""The table of bars: verdicts, what is printed, the exit status. No real figure is measured here."""

import re
from collections.abc import Callable

import pytest

from benchmarks import bars
from benchmarks.__main__ import main
from benchmarks.bars import Bar, Check
from benchmarks.figures import Failed, NotMeasured, Tally, percentile, tally
from pywrt.errors import Trap


def raising(error: Exception) -> Callable[[], float]:
    def measure() -> float:
        raise error

    return measure


@pytest.mark.parametrize(
    ("figure", "at_least", "verdict"),
    [
        (0.009, False, "ok"),
        (0.01, False, "ok"),
        (0.011, False, "MISSED"),
        (0.011, True, "ok"),
        (0.009, True, "MISSED"),
    ],
)
def test_bar_compares_in_its_unit(figure: float, at_least: bool, verdict: str) -> None:
    line = Bar("a", lambda: figure, "ms", 10, at_least=at_least).judge()
    assert line.verdict == verdict
    assert line.bar == (">= 10 ms" if at_least else "<= 10 ms")


def test_bar_goal_is_noted_and_decides_nothing() -> None:
    line = Bar("a", lambda: 60.0, "x", 55, 70, at_least=True).judge()
    assert (line.verdict, line.figure, line.note) == ("ok", "60.0 x", "goal >= 70 x: not yet")
    assert Bar("a", lambda: 60.0, "x", None, 55, at_least=True).judge().verdict == "no bar"


def test_bar_absent_input_is_not_measured_with_the_reason() -> None:
    line = Bar("a", raising(NotMeasured("no pywasm")), "x", 55).judge()
    assert str(line).endswith("<= 55 x    not measured: no pywasm")


@pytest.mark.parametrize("error", [Failed("exit status 1"), Trap("unreachable", "unreachable")])
def test_bar_failing_measurement_is_missed(error: Exception) -> None:
    line = Bar("a", raising(error), "x", 55).judge()
    assert (line.verdict, line.figure) == ("MISSED", "")
    assert line.note.startswith(("exit status 1", "unreachable"))


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Tally(3, 3), "ok"),
        (tally([], 3), "ok"),
        (tally(["greet gave 1"], 3), "MISSED"),
        (Tally(0, 0), "MISSED"),
    ],
)
def test_check_needs_every_part(figure: Tally, verdict: str) -> None:
    line = Check("calls", lambda: figure).judge()
    assert (line.verdict, line.note) == (verdict, figure.first_failure)
    assert line.figure == f"{figure.passed} of {figure.total}"


@pytest.mark.parametrize(
    ("figures", "status"),
    [([1.0, 2.0], 0), ([1.0, 3.0], 1)],
)
def test_report_prints_a_line_each_and_fails_when_one_is_missed(
    figures: list[float], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[Bar | Check] = [Bar(f"row {i}", lambda f=f: f, "s", 2) for i, f in enumerate(figures)]
    rows.append(Bar("absent", raising(NotMeasured("gone")), "s", 2))
    assert bars.report("", {"Section": rows}) == status
    heading, *lines, counts = capsys.readouterr().out.splitlines()
    assert heading == "Section"
    assert [line.split("  ")[1] for line in lines] == ["row 0", "row 1", "absent"]
    assert counts == f"{2 - status} ok, {status} MISSED, 0 no bar, 1 not measured"


def test_main_with_bars_chooses_rows_by_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[Bar | Check] = [Bar("apple", lambda: 1, "", 1), Bar("pear", lambda: 2, "", 1)]
    monkeypatch.setattr(bars, "SECTIONS", {"Fruit": rows})
    assert main(["--bars", "--only", "APP"]) == 0
    assert "pear" not in capsys.readouterr().out
    assert main(["--bars", "--only", "fruit"]) == 1
    assert re.search(r"pear +2 +<= 1 +MISSED", capsys.readouterr().out)


def test_sections_name_every_figure_once_with_a_known_unit() -> None:
    rows = [row for section in bars.SECTIONS.values() for row in section]
    assert len({row.name for row in rows}) == len(rows)
    assert {row.unit for row in rows if isinstance(row, Bar)} <= bars.UNITS.keys()
    assert all(row.bar is not None or row.goal is not None for row in rows if isinstance(row, Bar))


def test_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile(list(map(float, range(1, 101))), 95) == 95.0
    assert percentile([7.0], 95) == 7.0
