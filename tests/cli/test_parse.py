"""`pywrt parse`: text to binary."""

from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Instance, Store
from pywrt.api import Module as ApiModule
from pywrt.cli.command import main


def test_parse_of_a_module_writes_a_binary_that_runs(module: str, tmp_path: Path) -> None:
    output = tmp_path / "out.wasm"
    assert main(["parse", module, "-o", str(output)]) == 0
    engine = Engine()
    store = Store(engine)
    exports = Instance(store, ApiModule.from_file(engine, output)).exports(store)
    add: Any = exports["add"]
    assert add(store, 2, 3) == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0asm\1\0\0\0", "this is in the binary format already"),
        (
            "(component)",
            "the text format of components is not built yet; `wasm-tools parse` makes the binary",
        ),
        ("(module (func (param i33)))", "unknown operator i33, expected a value type (at line 1, column 22)"),
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


def test_parse_without_output_is_a_usage_error(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["parse", module])
    assert caught.value.code == 2
    assert "the following arguments are required: -o/--output" in capsys.readouterr().err
