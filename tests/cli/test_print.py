"""`pywrt print`: binary to text, which `pywrt parse` makes the same binary of."""

from pathlib import Path
from typing import Any

import pytest

from pywrt.cli.command import main
from pywrt.component.text import parse_component
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
    ("number", "message"),
    [
        ("7", "there is no core module 7: the component has 1 core module"),
        ("-1", "there is no core module -1"),
    ],
)
def test_print_of_a_module_that_a_component_does_not_have_fails(
    library: str, capsys: pytest.CaptureFixture[str], number: str, message: str
) -> None:
    assert main(["print", library, "-m", number]) == 1
    assert message in capsys.readouterr().err


COMPONENT = """\
(component $c
  (core module $m (;0;)
    (type (;0;) (func (result i32)))
    (export "f" (func $f))
    (func $f (;0;) (type 0) (result i32)
      i32.const 1
    )
  )
  (core instance $i (;0;) (instantiate $m))
  (type (;0;) (func (result u32)))
  (alias core export $i "f" (core func $f (;0;)))
  (func $lifted (;0;) (type 0) (canon lift (core func $f)))
  (export (;1;) "f" (func $lifted))
)
"""


def test_print_of_a_component_is_its_text(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("c.wasm", parse_component(COMPONENT))
    assert main(["print", path]) == 0
    assert capsys.readouterr().out == COMPONENT


def test_print_of_a_component_and_parse_give_the_same_binary(write: Any, tmp_path: Path) -> None:
    component = parse_component(COMPONENT)
    text, again = (str(tmp_path / name) for name in ("a.wat", "b.wasm"))
    assert main(["print", write("c.wasm", component), "-o", text]) == 0
    assert main(["parse", text, "-o", again]) == 0
    assert Path(again).read_bytes() == component


def test_print_of_a_malformed_component_says_where(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("bad.wasm", parse_component("(component)") + b"\7\2\1\0")
    assert main(["print", path]) == 1
    message = "invalid leading byte (0x0) for component defined type (at offset 0xb)"
    assert capsys.readouterr() == ("", f"pywrt: {path}: {message}\n")


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
