"""The command: processes, deadline, scoreboard, JSON and exit status."""

import json
from pathlib import Path

import pytest

from spectests.__main__ import find_scripts, main
from spectests.pool import run_files


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    (folder / "sub").mkdir(parents=True)
    (folder / "good.wast").write_text('(module (func (export "f")))\n(assert_return (invoke "f"))')
    (folder / "simd.wast").write_text("(module (func (param v128) (drop (i32x4.add))))")
    (folder / "sub" / "bad.wast").write_text(
        '(module (func (export "f")))\n(assert_trap (invoke "f") "unreachable")'
    )
    (folder / "no-script.txt").write_text("nothing")
    return folder


def test_find_scripts_folder_is_searched_and_filtered(suite: Path) -> None:
    assert [Path(path).name for path in find_scripts([str(suite)])] == ["good.wast", "simd.wast", "bad.wast"]
    assert [Path(path).name for path in find_scripts([str(suite)], "sub")] == ["bad.wast"]
    assert find_scripts(["x.wast"]) == ["x.wast"]


def test_main_failure_gives_scoreboard_json_and_status_1(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "result.json"
    assert main([str(suite), "-j", "2", "--json", str(output)]) == 1
    shown = capsys.readouterr().out
    assert f"FAILED {suite}/sub/bad.wast:2: assert_trap" in shown
    assert "expected Trap: unreachable" in shown
    assert "needs simd (1 file): simd.wast" in shown
    assert "all files" in shown
    result = json.loads(output.read_text())
    assert result["files"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert result["commands"]["assert_trap"] == {"failed": 1}
    assert [report["needs"] for report in result["reports"]] == [[], ["simd"], []]


def test_main_without_failure_gives_status_0(suite: Path) -> None:
    assert main([str(suite), "--filter", "good"]) == 0


def test_main_without_scripts_gives_status_2(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(suite), "--filter", "nothing-like-it"]) == 2
    assert "no .wast script found" in capsys.readouterr().err


def test_run_files_hang_is_a_failure_and_the_others_run(suite: Path) -> None:
    hang = suite / "hang.wast"
    hang.write_text('(module (func (export "f") (loop (br 0))))\n(invoke "f")')
    good = str(suite / "good.wast")
    reports = {report.path: report for report in run_files([str(hang), good], 1, 3.0)}
    assert reports[good].status == "passed"
    assert reports[str(hang)].results[0].got == "no end after 3 seconds"
