"""The command: processes, deadline, scoreboard, JSON, expectations and exit status."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import active_children
from pathlib import Path

import pytest

from spectests.__main__ import main
from spectests.pool import run_files
from spectests.scripts import Script


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    (folder / "sub").mkdir(parents=True)
    (folder / "good.wast").write_text('(module (func (export "f")))\n(assert_return (invoke "f"))')
    (folder / "other.wast").write_text("(component (core func (canon thread.available-parallelism shared)))")
    (folder / "sub" / "bad.wast").write_text(
        '(module (func (export "f")))\n(assert_trap (invoke "f") "unreachable")'
    )
    (folder / "no-script.txt").write_text("nothing")
    return folder


def test_main_failure_gives_scoreboard_json_and_status_1(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "result.json"
    assert main([str(suite), "-j", "2", "--json", str(output)]) == 1
    shown = capsys.readouterr().out
    assert f"FAILED {suite}/sub/bad.wast:2: assert_trap" in shown
    assert "expected Trap: unreachable" in shown
    assert "skipped: 1 for: needs shared-everything-threads (other.wast)" in shown
    assert "3 scripts in" in shown
    (row,) = [line for line in shown.splitlines() if line.startswith("assert_trap")]
    assert row.split() == ["assert_trap", "0", "1", "0", "0", "0", "%"]
    rows = [line.split() for line in shown.splitlines() if line.startswith("all ")]
    assert [row[1:6] for row in rows] == [["1", "1", "0", "1", "33.3"], ["3", "1", "0", "1", "60"]]
    result = json.loads(output.read_text())
    assert result["files"] == {"passed": 1, "failed": 1, "expected": 0, "skipped": 1}
    assert result["kinds"]["assert_trap"] == {"passed": 0, "failed": 1, "expected": 0, "skipped": 0}
    assert result["folders"][str(suite / "sub")]["commands"]["failed"] == 1
    assert [report["status"] for report in result["reports"]] == ["passed", "skipped", "failed"]


def test_main_without_failure_gives_status_0(suite: Path) -> None:
    assert main([str(suite), "--filter", "good"]) == 0


def test_main_without_scripts_gives_status_2(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(suite), "--filter", "nothing-like-it"]) == 2
    assert "no .wast script found" in capsys.readouterr().err


def test_main_expected_failure_gives_status_0(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = tmp_path / "expected.txt"
    expected.write_text("sub/bad.wast:2 the reason\n")
    assert main([str(suite), "--expected", str(expected)]) == 0
    assert "expected: 1 for: the reason (bad.wast)" in capsys.readouterr().out


def test_main_unexpected_pass_gives_status_1(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = tmp_path / "expected.txt"
    expected.write_text("good.wast:2 the reason\n")
    assert main([str(suite), "--filter", "good", "--expected", str(expected)]) == 1
    assert "expected a failure (the reason)" in capsys.readouterr().out


def test_main_expectation_without_reason_gives_status_2(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = tmp_path / "expected.txt"
    expected.write_text("good.wast:2\n")
    assert main([str(suite), "--expected", str(expected)]) == 2
    assert "line 1: expected SCRIPT:LINE REASON" in capsys.readouterr().err


def test_main_newer_copy_is_announced(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (suite / "spec-main-delta").mkdir()
    (suite / "spec-main-delta" / "bad.wast").write_text("(module)")
    assert main([str(suite)]) == 0
    assert (
        f"{suite}/spec-main-delta/bad.wast runs in place of {suite}/sub/bad.wast" in capsys.readouterr().out
    )


def test_run_files_hang_is_a_failure_and_the_others_run(suite: Path) -> None:
    hang = suite / "hang.wast"
    hang.write_text('(module (func (export "f") (loop (br 0))))\n(invoke "f")' + " " * 1000)
    good = str(suite / "good.wast")
    reports = {report.path: report for report in run_files([Script(good), Script(str(hang))], 1, 3.0)}
    assert list(reports) == [str(hang), good]  # the larger one first
    assert reports[good].status == "passed"
    assert reports[str(hang)].results[0].got == "no end after 3 seconds"


def test_run_files_process_that_dies_is_a_failure_and_the_others_run(suite: Path) -> None:
    hang = suite / "hang.wast"
    hang.write_text('(module (func (export "f") (loop (br 0))))\n(invoke "f")' + " " * 1000)
    good = str(suite / "good.wast")
    before = set(active_children())
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(lambda: list(run_files([Script(str(hang)), Script(good)], 1, 60.0)))
        while not (workers := set(active_children()) - before):
            assert not found.done()
            time.sleep(0.01)
        for worker in workers:
            worker.kill()
        reports = {report.path: report for report in found.result()}
    assert reports[str(hang)].results[0].got.startswith("the process ended with status ")
    assert reports[good].status == "passed"


def test_run_files_script_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    (report,) = run_files([Script(str(tmp_path / "none.wast"))])
    assert report.status == "failed"
    assert "FileNotFoundError" in report.results[0].got
