"""`pywrt bindgen`: the module for a component is written, and can be used."""

import subprocess
import sys
from pathlib import Path

import pytest

from pywrt.cli.command import main

ROOT = Path(__file__).resolve().parents[2]


def test_bindgen_writes_a_module_that_runs_the_component(library: str, tmp_path: Path) -> None:
    assert main(["bindgen", library, "-o", str(tmp_path / "library_bindings.py")]) == 0
    program = (
        "from library_bindings import Library, instantiate; from pywrt import Engine, Store\n"
        f"library: Library = instantiate(Store(Engine()), {library!r})\n"
        "print(library.twice(21), library.twice(x=4), library.sign(-1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "42 8 True\n"


def test_bindgen_prints_to_standard_output_with_a_name(
    library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bindgen", "--name", "my-lib", library]) == 0
    text = capsys.readouterr().out
    assert text.startswith('"""Bindings for library.wasm, made by `pywrt bindgen`; not to be edited."""\n')
    assert "class MyLib(Protocol):" in text
    assert "`twice: func(x: u32) -> u32`" in text


def test_bindgen_of_what_is_no_component_says_so(
    module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.wasm"
    broken.write_bytes(b"\0asm\x0d\0\1\0\x63")
    for path, message in (
        (module, "this is a core module, whose functions take numbers only"),
        (str(broken), "broken.wasm: "),
        (str(tmp_path / "none.wasm"), "No such file or directory"),
    ):
        assert main(["bindgen", path]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert message in captured.err
