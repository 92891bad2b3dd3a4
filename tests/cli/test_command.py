"""The command line as a whole, and the package's public names."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pywrt
from pywrt.cli.command import main

ROOT = Path(__file__).resolve().parents[2]


def refused(*arguments: str) -> int:
    """The exit status that argparse ends with."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert refused("--version") == 0
    assert capsys.readouterr().out == f"pywrt {project['version']}\n"
    assert pywrt.__version__ == project["version"]


@pytest.mark.parametrize(
    "command", [[], ["run"], ["validate"], ["parse"], ["print"], ["objdump"], ["inspect"], ["bindgen"]]
)
def test_help_has_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(*command, "--help") == 0
    assert "examples:\n  pywrt " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["validate"], "the following arguments are required: FILE"),
        (["inspect", "--jsn", "x"], "unrecognized arguments: --jsn"),
        (["inspect", "--js", "x"], "unrecognized arguments: --js"),
    ],
)
def test_arguments_that_make_no_sense_are_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(*arguments) == 2
    assert message in capsys.readouterr().err


def test_file_without_a_command_is_told_how_to_run_it(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(module, "x") == 2
    assert f"which command? To run {module}: pywrt run {module} x\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "validate", "inspect"])
def test_file_that_cannot_be_read_is_named_in_one_line(
    command: str, tmp_path: Path, write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, empty = str(tmp_path / "missing.wasm"), write("empty.wasm", b"")
    for path, reason in (
        (missing, "No such file or directory"),
        (str(tmp_path), "Is a directory"),
        (empty, "the file is empty"),
    ):
        assert main([command, path]) == 1
        assert capsys.readouterr() == ("", f"pywrt: {path}: {reason}\n")


def test_process_of_the_module_runs_the_command(process: Callable[..., Any], library: str) -> None:
    done = process("run", "--invoke", "twice", library, "21")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"42\n", b"")
    done = process("run", "--invoke", "stop", library)
    assert done.returncode == 134
    assert done.stderr.startswith(b"pywrt: trap: unreachable\n")


def test_process_whose_output_nobody_reads_ends_quietly(toolbox: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pywrt", "inspect", toolbox],
            cwd=ROOT,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=120,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_process_whose_output_cannot_be_written_says_so(toolbox: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pywrt", "inspect", toolbox],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=120,
        )
    assert done.returncode == 1
    assert done.stderr == b"pywrt: can't write the output: No space left on device\n"


def test_process_in_an_ascii_terminal_escapes_other_characters(write: Any) -> None:
    path = write("m.wat", '(func (export "h\\c3\\a9"))')
    done = subprocess.run(
        [sys.executable, "-m", "pywrt", "inspect", path],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0
    assert b"  h\\xe9: func () -> ()\n" in done.stdout


def test_import_of_the_package_loads_no_asyncio_and_no_components() -> None:
    probe = (
        "import sys, pywrt; print([m for m in "
        "('asyncio', 'logging', 'socket', 'argparse', 'pywrt.component', 'pywrt.wasi') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, timeout=120)
    assert (done.stdout, done.stderr) == (b"[]\n", b"")


def test_package_exports_the_api_the_config_and_all_errors() -> None:
    import_errors = {
        name
        for name, value in vars(pywrt.errors).items()
        if isinstance(value, type) and value.__module__ == "pywrt.errors"
    }
    assert set(pywrt.__all__) == {*pywrt.api.__all__, *import_errors, "Config", "__version__"}
    for name in pywrt.__all__:
        assert hasattr(pywrt, name)


def test_package_and_host_are_marked_as_typed() -> None:
    assert (ROOT / "pywrt" / "py.typed").exists()
    assert (ROOT / "mcp_host" / "py.typed").exists()
