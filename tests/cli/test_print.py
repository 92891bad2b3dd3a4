"""`pywrt print`: binary to text, which `pywrt parse` makes the same binary of."""

from pathlib import Path
from typing import Any

import pytest

from pywrt.cli.command import main
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

TEXT = """\
(module $m
  (type (;0;) (func (param i32) (result i32)))
  (export "double" (func $double))
  (func $double (;0;) (type 0) (param $x i32) (result i32)
    local.get $x
    i32.const 1
    i32.shl
  )
)
"""


def test_print_of_a_binary_is_its_text(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("m.wasm", encode_module(parse_module(TEXT)))
    assert main(["print", path]) == 0
    assert capsys.readouterr().out == TEXT


def test_print_of_a_text_formats_it(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("m.wat", "(module $m " + TEXT.split("\n", 1)[1].replace("\n", " "))
    assert main(["print", path]) == 0
    assert capsys.readouterr().out == TEXT


def test_print_into_a_file_and_parse_give_the_same_binary(module: str, tmp_path: Path) -> None:
    binary, text, again = (str(tmp_path / name) for name in ("a.wasm", "a.wat", "b.wasm"))
    assert main(["parse", module, "-o", binary]) == 0
    assert main(["print", binary, "-o", text]) == 0
    assert main(["parse", text, "-o", again]) == 0
    assert Path(again).read_bytes() == Path(binary).read_bytes()


def test_print_of_a_module_in_a_component_takes_its_number(
    library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["print", library, "--module", "0"]) == 0
    assert '(export "twice" (func 0))' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "this is a component with 1 core module: choose one with --module N"),
        (["-m", "7"], 1, "there is no core module 7: the component has 1 core module"),
        (["-m", "-1"], 1, "there is no core module -1"),
    ],
)
def test_print_of_a_component_says_what_can_be_chosen(
    library: str, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str
) -> None:
    assert main(["print", library, *arguments]) == status
    assert message in capsys.readouterr().err


def test_print_of_a_core_module_with_a_number_is_a_usage_error(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["print", module, "-m", "0"]) == 2
    assert "--module is for components" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0asm\1\0\0\0\1\xff", "unexpected end"),
        (b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\x05", "END opcode expected (at offset 0x17)"),
        (
            b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\x0a\1\x08\1\xff\xff\xff\xff\x0f\x7f\x0b",
            "too many locals",
        ),
    ],
)
def test_print_of_a_file_that_does_not_decode_says_why(
    write: Any, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    path = write("bad.wasm", content)
    assert main(["print", path]) == 1
    out, err = capsys.readouterr()
    assert (out, err[: len(f"pywrt: {path}: {message}")]) == ("", f"pywrt: {path}: {message}")


def test_print_into_a_folder_that_does_not_exist_fails(
    module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "missing" / "out.wat")
    assert main(["print", module, "-o", output]) == 1
    assert capsys.readouterr().err == f"pywrt: {output}: No such file or directory\n"


def test_print_of_what_is_not_valid_shows_it_all_the_same(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("invalid.wasm", encode_module(parse_module("(func (result i32) (call 9))")))
    assert main(["print", path]) == 0
    assert "    call 9\n" in capsys.readouterr().out
