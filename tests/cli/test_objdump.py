"""`pywrt objdump`: sections, details and disassembly."""

from pathlib import Path
from typing import Any

import pytest

from pywrt.cli.command import main
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

TEXT = """
(module $m
  (import "env" "log" (func $log (param i32)))
  (memory $mem (export "mem") 1 2)
  (table 1 funcref)
  (global $g (mut i64) (i64.const 7))
  (tag $t (param i32))
  (func $sum (export "add") (param $a i32) (param i32) (result i32)
    (local $x f64) (local i32 i32)
    (if (result i32) (local.get $a)
      (then (i32.const 1))
      (else (br_table 0 0 0 0 0 0 0 0 (i32.const 5) (i32.const 6)))))
  (func $twin) (func (@name "twin"))
  (start $twin)
  (elem (i32.const 0) $sum $twin)
  (data $d (i32.const 8) "\\00abc")
  (@custom "extra" "\\01"))
"""


@pytest.fixture
def binary(write: Any) -> str:
    path: str = write("m.wasm", encode_module(parse_module(TEXT)))
    return path


def dump(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["objdump", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_objdump_lists_sections_with_offset_size_and_count(
    binary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = dump(capsys, binary)
    size = Path(binary).stat().st_size
    assert lines[0] == f"{binary}: core module, {size} bytes"
    rows = [line.split() for line in lines[3:]]
    assert [row[0] for row in rows] == [*map(str, (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 10, 11, 0, 0))]
    assert rows[0] == ["1", "0xa", "14", "3", "type"]
    assert rows[8] == ["8", rows[8][1], "1", "start"]  # which is no vector
    assert lines[-2].endswith('custom "extra"')
    assert lines[-1].endswith('custom "name"')


def test_objdump_details_list_every_definition(binary: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = dump(capsys, "-x", binary)
    for line in (
        "types: 3",
        '  func[0] $log <- "env" "log": (type 0) (param i32)',
        "  memory[0] $mem 1 2",
        "  table[0] 1 funcref",
        "  tag[0] $t (type 0) (param i32)",
        "  global[0] $g (mut i64) = i64.const 7",
        '  "add" -> func[1] $sum',
        "start:",
        "  func[2] $twin",
        "  elem[0] active, table 0 (i32.const 0), 2 elements of (ref func)",
        '  "extra", 1 bytes',
        '  module "m"',
        "  functions: 4",
        "  locals: 2",
    ):
        assert line in lines, line
    assert any(line.startswith("  func[1] $sum (type 1) (param i32 i32) (result i32), ") for line in lines)
    assert any(line.startswith("  data[0] $d active, memory $mem (i32.const 8), 4 bytes") for line in lines)


@pytest.mark.parametrize("function", ["1", "sum", "add"])
def test_objdump_disassembles_a_function_by_index_name_or_export(
    binary: str, capsys: pytest.CaptureFixture[str], function: str
) -> None:
    lines = dump(capsys, "-d", function, binary)
    assert lines[0] == "func[1] $sum (type 1) (param i32 i32) (result i32):"
    assert [line.strip() for line in lines[1:3]] == ["local $x: f64", "locals 3 to 4: i32"]
    code = [line.partition("|")[::2] for line in lines[3:]]
    start = int(code[0][0].split(":")[0], 16)
    assert (code[0][0].split(": ")[1].strip(), code[0][1]) == ("20 00", " local.get $a")
    data = Path(binary).read_bytes()
    shown = b"".join(bytes.fromhex(left.split(": ")[1].strip()) for left, _ in code)
    assert shown == data[start : start + len(shown)]
    texts = [text for _, text in code if text]
    assert texts[1] == " if (result i32) ;; label = @1"
    assert texts[-2:] == [" end", " end"]
    assert [text.strip() for _, text in code].count("") == 1  # the second line of br_table


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("4", "there is no function `4` among 4"),
        ("nope", "there is no function `nope` among 4; those exported are `add`"),
        ("0", "function 0 is imported: its code is not in this module"),
        ("log", "function 0 is imported"),
        ("twin", "functions 2, 3 are named `twin`: choose one by its index"),
    ],
)
def test_objdump_of_a_function_that_is_not_there_says_why(
    binary: str, capsys: pytest.CaptureFixture[str], function: str, message: str
) -> None:
    assert main(["objdump", "-d", function, binary]) == 1
    assert capsys.readouterr().err.startswith(f"pywrt: {binary}: {message}")


def test_objdump_of_a_component_lists_sections_and_core_modules(
    library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = dump(capsys, library)
    assert ": component, " in lines[0]
    names = [line.split()[-1] for line in lines[3 : lines.index("", 3)]]
    assert names == ["type", "import", "module", "instance", "alias", "canon", "export"]
    assert lines[-3] == "core modules (choose one with --module N):"
    number, offset, _ = lines[-1].split()
    assert (number, Path(library).read_bytes()[int(offset, 16) :][:4]) == ("0", b"\0asm")


def test_objdump_of_a_module_in_a_component_shows_its_sections_and_code(
    library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "  code" in dump(capsys, library, "-m", "0")[4]
    assert dump(capsys, library, "-m", "0", "-d", "twice")[0].startswith("func[0] (type 0)")


@pytest.mark.parametrize("option", ["-x", "-dtwice"])
def test_objdump_of_a_component_needs_the_number_of_a_module(
    library: str, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert main(["objdump", option, library]) == 2
    assert "choose one with --module N" in capsys.readouterr().err


def test_objdump_of_a_broken_file_lists_the_sections_before_the_break(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("bad.wasm", b"\0asm\1\0\0\0\1\1\0\x63\1\0")
    assert main(["objdump", path]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].split() == ["1", "0xa", "1", "0", "type"]
    assert err == f"pywrt: {path}: malformed section id 99 (at offset 0xb)\n"


def test_objdump_of_names_with_control_characters_escapes_them(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("m.wasm", encode_module(parse_module('(@custom "a\\1bb")')))
    assert "custom" in dump(capsys, path)[-1]
    assert not any("\x1b" in line for line in dump(capsys, path))
