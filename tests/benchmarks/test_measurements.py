"""What the benchmarks run gives right answers; nothing here looks at a time."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import core, depth, echo, expected, greet, process, startup
from benchmarks.figures import Failed, NotMeasured, Tally
from benchmarks.process import SHARED, environment, python, run, to_first_line
from pywrt.canonical_abi import call
from pywrt.config import Config
from pywrt.runtime.store import UNLIMITED, Store
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.text import parse_module

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the recorded components are not at {SHARED}")


@pytest.mark.parametrize("name", echo.CASES)
def test_echo_guest_returns_every_value(name: str) -> None:
    t, make = echo.CASES[name]
    store = Store(Config(consume_fuel=True))
    store.reserve = UNLIMITED
    func, value = echo.echo(store, t), make()
    for _ in range(3):  # post-return frees, so that memory lasts
        assert call(func, [value]) == value


def test_echo_guest_takes_few_instructions_for_a_string() -> None:
    assert 0 < echo.instructions("string") <= 300


@pytest.mark.parametrize("check", [depth.recursion, depth.infinite_recursion, depth.nested_operations])
def test_depth_checks_pass(check: Any) -> None:
    assert check() == Tally(1, 1)


def test_measure_counts_the_instructions_of_the_second_call(tmp_path: Path) -> None:
    text = """(module (global $calls (mut i32) (i32.const 0))
      (func (export "run") (param i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (local.get 0))) (global.get $calls)))"""
    (tmp_path / "counter.wasm").write_bytes(encode_module(parse_module(text)))
    module = core.load(tmp_path / "counter.wasm")
    measured = core.measure(module, True, core.simple(5))
    assert (measured.results, measured.fuel) == ([5], 6)
    assert core.measure(module, False, core.simple(5)).fuel == 0


@needs_shared
def test_core_module_with_another_result_than_recorded_fails() -> None:
    with pytest.raises(Failed, match=r"sha gave \[\d+\] for \d+ fuel, not \[1\] for 2"):
        core.compare_module("sha", 1, 1, 2)


@needs_shared
def test_expected_of_a_command_passes_whole() -> None:
    assert expected.check("bench") == Tally(5, 5)


@needs_shared
@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"fuel": 1}, "took 21014 fuel, expected 1"),
        ({"result": '{"err": null}'}, 'gave {"ok": null}, expected {"err": null}'),
        ({"error": "wasm trap: unreachable"}, "returned, where wasm trap: unreachable was recorded"),
    ],
)
def test_expected_that_differs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], failure: str
) -> None:
    components = tmp_path / "components"
    (components / "expected").mkdir(parents=True)
    shutil.copy(SHARED / "components" / "bench.component.wasm", components)
    recording = json.loads((SHARED / "components" / "expected" / "bench.json").read_text())
    recording["calls"][0].update(change)
    (components / "expected" / "bench.json").write_text(json.dumps(recording))
    monkeypatch.setattr(process, "SHARED", tmp_path)
    assert expected.check("bench") == Tally(4, 5, f"wasi:cli/run@0.2.12#run {failure}")


def test_shared_file_that_is_absent_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SHARED", tmp_path)
    with pytest.raises(NotMeasured, match=r"meta\.json is not there"):
        core.compare.__wrapped__()


def test_environment_lets_children_use_pyc_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    _, output = run(python("-c", "import sys, benchmarks; print(sys.dont_write_bytecode)"))
    assert output.strip() == "False"
    assert environment()["PYTHONPATH"] == str(process.ROOT)


def test_run_of_a_command_that_fails_says_how() -> None:
    with pytest.raises(Failed, match="exit status 1: ValueError: no such thing"):
        run(python("-c", "raise ValueError('no such thing')"))


def test_to_first_line_gives_the_line_and_fails_with_the_command() -> None:
    assert to_first_line(python("-c", "print('one'); print('two')"))[1] == "one\n"
    with pytest.raises(Failed, match="exit status 3: no message"):
        to_first_line(python("-c", "import sys; print('one'); sys.exit(3)"))


def test_import_script_reports_what_came_in() -> None:
    facts = startup.Import(**json.loads(run(python("-c", startup.IMPORT))[1]))
    assert facts.modules >= 1
    assert not facts.asyncio


def test_peak_bytes_is_at_least_what_a_bytearray_takes() -> None:
    held = bytearray(64 << 20)
    held[:: 1 << 12] = b"x" * (len(held) >> 12)
    assert greet.peak_bytes() >= len(held)


def test_echo_text_is_a_valid_module() -> None:
    module = decode_module(encode_module(parse_module(echo.TEXT.read_text())))
    assert {e.name for e in module.exports} == {"memory", "realloc", "echo", "post-return"}
