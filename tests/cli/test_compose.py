"""`pywrt compose`: components to one, and what does not fit."""

from pathlib import Path
from typing import Any

import pytest

from pywrt.cli.command import main
from pywrt.component.text import parse_component

SOCKET = '(component (import "twice" (func $f (param "x" u32) (result u32))) (export "f" (func $f)))'
USER = '(component (import "log" (func (param "x" string))) (import "a:b/c@1.0.0" (instance)))'
PLUG = '(component (instance $i) (export "a:b/c@1.0.1" (instance $i)))'


@pytest.fixture
def output(tmp_path: Path) -> str:
    return str(tmp_path / "whole.wasm")


def test_compose_makes_a_component_that_runs(
    write: Any, library: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = write("socket.wasm", parse_component(SOCKET))
    assert main(["compose", socket, "--plug", library, "-o", output]) == 0
    assert main(["validate", output]) == 0
    capsys.readouterr()
    assert main(["run", "--invoke", "f", output, "21"]) == 0
    assert capsys.readouterr().out == "42\n"


def test_compose_takes_texts_and_prints_what_is_left_with_wit(
    write: Any, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compose", write("user.wat", USER), "--plug", write("plug.wat", PLUG), "-o", output]) == 0
    assert main(["wit", output]) == 0
    assert "world root {\n  import log: func(x: string);\n}\n" in capsys.readouterr().out


def test_compose_of_what_does_not_fit_says_why(
    write: Any, library: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    user = write("user.wat", USER)
    assert main(["compose", user, "--plug", library, "-o", output]) == 1
    other = write("other.wat", SOCKET.replace("u32", "u64"))
    assert main(["compose", other, "--plug", library, "-o", output]) == 1
    assert capsys.readouterr().err == (
        f"pywrt: `{library}` exports nothing that `{user}` imports: the one exports `twice`, `sign`, `stop`, "
        "the other imports `log`, `a:b/c@1.0.0`\n"
        f"pywrt: `{library}` can't be plugged into `{other}`: type mismatch for import `twice`: "
        "type mismatch in function parameter `x`: expected primitive `u64` found primitive `u32`\n"
    )
    assert not Path(output).exists()


def test_compose_of_files_that_are_no_components_says_which(
    write: Any, library: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    core = write("core.wat", "(module)")
    broken = write("broken.wasm", parse_component(SOCKET)[:-1])
    assert main(["compose", core, "--plug", library, "-o", output]) == 1
    assert main(["compose", broken, "--plug", library, "-o", output]) == 1
    assert main(["compose", library, "--plug", "none.wasm", "-o", output]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == f"pywrt: {core}: this is a core module: make a component of it first"
    assert errors[1].startswith(f"pywrt: {broken}: unexpected end-of-file (at offset ")
    assert errors[2] == "pywrt: none.wasm: No such file or directory"


def test_compose_does_not_overwrite_what_it_reads(
    write: Any, library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = write("socket.wasm", parse_component(SOCKET))
    assert main(["compose", socket, "--plug", library, "-o", library]) == 2
    assert capsys.readouterr().err.endswith("this would be overwritten: name another file with -o\n")
