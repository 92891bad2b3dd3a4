"""`pywrt parse`: text to binary."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Instance, Store
from pywrt.api import Module as ApiModule
from pywrt.cli.command import main
from pywrt.component import Component, Linker


def test_parse_of_a_module_writes_a_binary_that_runs(module: str, tmp_path: Path) -> None:
    output = tmp_path / "out.wasm"
    assert main(["parse", module, "-o", str(output)]) == 0
    engine = Engine()
    store = Store(engine)
    exports = Instance(store, ApiModule.from_file(engine, output)).exports(store)
    add: Any = exports["add"]
    assert add(store, 2, 3) == 5


def test_parse_of_a_component_writes_a_binary_that_runs(write: Any, tmp_path: Path) -> None:
    text = """
      (component
        (core module $m
          (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
        (core instance $i (instantiate $m))
        (func (export "add") (param "a" u32) (param "b" u32) (result u32)
          (canon lift (core func $i "add"))))
    """
    output = tmp_path / "out.wasm"
    assert main(["parse", write("in.wat", text), "-o", str(output)]) == 0
    engine = Engine()
    store = Store(engine)
    instance = Linker(engine).instantiate(store, Component.from_file(engine, output))
    add = instance.get_func(store, "add")
    assert add is not None
    assert add(store, 2, 3) == 5


def test_parse_of_a_component_with_a_mistake_points_at_it(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("in.wat", '(component\n  (export "f" (func $f)))')
    assert main(["parse", path]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"pywrt: {path}:2:21: unknown func $f",
        '      (export "f" (func $f)))',
        "                        ^",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0asm\1\0\0\0", "this is in the binary format already"),
        (b"", "the file is empty"),
    ],
)
def test_parse_of_what_is_no_text_module_fails_and_writes_nothing(
    write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes, message: str
) -> None:
    path, output = write("in", content), tmp_path / "out.wasm"
    assert main(["parse", path, "-o", str(output)]) == 1
    assert capsys.readouterr().err.startswith(f"pywrt: {path}: {message}")
    assert not output.exists()


def test_parse_into_a_folder_that_does_not_exist_fails(
    module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "missing" / "out.wasm")
    assert main(["parse", module, "-o", output]) == 1
    assert capsys.readouterr().err == f"pywrt: {output}: No such file or directory\n"


def test_parse_of_text_with_a_mistake_points_at_it(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("in.wat", "(module\n  (func (param i33)))")
    assert main(["parse", path]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"pywrt: {path}:2:16: unknown operator i33, expected a value type",
        "      (func (param i33)))",
        "                   ^",
    ]


@pytest.mark.parametrize(("file", "made"), [("m.wat", "m.wasm"), ("m.v2.wast", "m.v2.wasm"), ("m", "m.wasm")])
def test_parse_without_output_writes_beside_the_text(write: Any, file: str, made: str) -> None:
    path = Path(write(file, "(module)"))
    assert main(["parse", str(path)]) == 0
    assert (path.parent / made).read_bytes() == b"\0asm\1\0\0\0"


def test_parse_over_its_own_text_is_a_usage_error(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("m.wat", "(module)")
    assert main(["parse", path, "-o", path]) == 2
    assert "this would be overwritten" in capsys.readouterr().err
    assert Path(path).read_text() == "(module)"


def test_parse_to_a_dash_writes_to_standard_output(write: Any, process: Callable[..., Any]) -> None:
    done = process("parse", write("m.wat", "(module)"), "-o", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\0asm\1\0\0\0", b"")


def test_parse_to_a_terminal_is_refused(
    write: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["parse", write("m.wat", "(module)"), "-o", "-"]) == 2
    assert "not writing a binary to a terminal" in capsys.readouterr().err
