"""What the checks of the text format report."""

from pathlib import Path

import pytest

import benchmarks.text
from benchmarks.text import malformed_places, round_trip, round_trips
from pywrt.errors import MalformedError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.text import parse_module

SCRIPT = """
(module (func $f (param $x i32) (block $l)))
(module binary "\\00asm" "\\01\\00\\00\\00" "\\01\\04\\01\\60\\00\\00" "\\03\\02\\01\\00"
  "\\0a\\08\\01\\06\\00\\41\\80\\00\\1a\\0b")
(assert_malformed (module quote "(func" "(nop") "unexpected token")
(assert_malformed (module binary "\\00asm") "unexpected end")
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "some.wast"
    path.write_text(SCRIPT)
    return str(path)


def test_round_trips_count_the_modules_that_parse(script: str) -> None:
    # among them one with a number that is encoded longer than need be
    assert round_trips(script) == (2, 2, ())


def test_round_trip_of_a_module_that_changes_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    module = decode_module(encode_module(parse_module("(func (nop))")))
    monkeypatch.setattr(benchmarks.text, "print_module", lambda module: "(func (drop))")
    assert round_trip(module) == "25 bytes become 25, which differ from offset 0x17 on"
    monkeypatch.setattr(benchmarks.text, "print_module", lambda module: "(fun)")
    assert round_trip(module).startswith("what is printed does not parse: ")


def test_malformed_places_count_texts(script: str) -> None:
    assert malformed_places(script) == (1, 1, ())


def test_malformed_places_report_an_error_that_is_elsewhere(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(source: object) -> None:
        raise MalformedError("unexpected token", line=2, column=1, source_line="")

    monkeypatch.setattr("pywrt.wasm.text.script.ModuleSource.parse", elsewhere)
    checked = malformed_places(script)
    assert (checked.passed, checked.total) == (0, 1)
    assert checked.failures[0].endswith("some.wast:5: line 2 is not among lines 1 to 1: unexpected token")
