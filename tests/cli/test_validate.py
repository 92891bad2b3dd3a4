"""`pywrt validate`: a line for each file, or an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.cli.command import main
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module


def test_validate_of_valid_files_prints_a_line_for_each(
    module: str, library: str, toolbox: str, write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = write("m.wasm", encode_module(parse_module("(module)")))
    files = [module, library, toolbox, binary]
    assert main(["validate", *files]) == 0
    kinds = ["core module", "component", "component", "core module"]
    lines = [f"{file}: valid {kind}\n" for file, kind in zip(files, kinds, strict=True)]
    assert capsys.readouterr() == ("".join(lines), "")


def test_validate_quietly_prints_nothing(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "-q", module]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("features", "text", "status", "message"),
    [
        ("-multi-memory", "(memory 1) (memory 1)", 1, "multiple memories"),
        ("mvp", "(func (i32.const 1) (i32.extend8_s) (drop))", 1, "needs the feature sign-extension"),
        ("mvp,sign-extension", "(func (i32.const 1) (i32.extend8_s) (drop))", 0, ""),
        ("all", "(func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 2)))", 0, ""),
        ("all,-wide-arithmetic", "(func i64.mul_wide_u)", 1, "needs the feature wide-arithmetic"),
    ],
)
def test_validate_with_features_accepts_what_they_bring(
    write: Any,
    capsys: pytest.CaptureFixture[str],
    features: str,
    text: str,
    status: int,
    message: str,
) -> None:
    path = write("m.wat", text)
    assert main(["validate", f"--features={features}", path]) == status
    assert message in capsys.readouterr().err


def test_validate_with_an_unknown_feature_lists_those_there_are(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["validate", "--features", "gc,warp", module])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert "unknown feature 'warp'" in err
    assert "threads, wide-arithmetic" in err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("(func (result i32) (i64.const 1))", "type mismatch"),
        (b"\0asm\1\0\0\0\1\xff", "unexpected end"),
        (b"\0asm\x0d\0\1\0\1\xff", "unexpected end-of-file"),
        (b"\0asm\x0c\0\1\0", "unknown binary version: found 0c 00 01 00"),
        (b"\0asm\2\0\0\0", "unknown binary version: found 02 00 00 00"),
        (b"\0as", "unexpected end"),
        (b"", "the file is empty"),
        (b"\x7fELF\0\0", "not WebAssembly: a binary begins with 00 61 73 6d, this with 7f 45 4c 46"),
        ("[project]", "not WebAssembly, neither the binary format nor text"),
        ('(component (import "A_b" (func)))', "import name `A_b` is not a valid extern name"),
    ],
)
def test_validate_of_a_file_that_is_not_valid_says_why(
    write: Any, capsys: pytest.CaptureFixture[str], content: str | bytes, message: str
) -> None:
    path = write("file", content)
    assert main(["validate", path]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"pywrt: {path}: {message}")


def test_validate_of_text_shows_line_and_column(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("bad.wat", "(module\n  (fun))")
    assert main(["validate", path]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"pywrt: {path}:2:4: unknown operator fun")
    assert lines[1:] == ["      (fun))", "       ^"]


def test_validate_of_a_binary_shows_function_and_offset(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("bad.wasm", encode_module(parse_module("(func (result i32) (i64.const 1))")))
    assert main(["validate", path]) == 1
    assert "(in function 0, at offset 0x" in capsys.readouterr().err


def test_validate_goes_on_after_a_file_that_fails(
    module: str, tmp_path: Path, write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, empty = str(tmp_path / "missing.wasm"), write("empty.wasm", b"")
    assert main(["validate", missing, module, str(tmp_path), empty]) == 1
    out, err = capsys.readouterr()
    assert out == f"{module}: valid core module\n"
    assert err.splitlines() == [
        f"pywrt: {missing}: No such file or directory",
        f"pywrt: {tmp_path}: Is a directory",
        f"pywrt: {empty}: the file is empty",
    ]


def test_validate_of_a_file_without_permission_says_so(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied", module)

    monkeypatch.setattr("builtins.open", refuse)  # file modes don't stop the superuser
    assert main(["validate", module]) == 1
    assert capsys.readouterr().err == f"pywrt: {module}: Permission denied\n"


def test_validate_of_what_needs_a_missing_feature_names_it(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(shared / "bench-O2-simd.wasm")
    assert main(["validate", "--features=-simd,-relaxed-simd", path]) == 1
    assert "needs the feature simd" in capsys.readouterr().err


def test_validate_of_real_components_accepts_them(shared: Path, process: Callable[..., Any]) -> None:
    files = ["c-hello.wasm", "bench.component.wasm", "bench-O2-mvp.wasm", "qjs-mcp-sync.wasm"]
    done = process("validate", "--quiet", *(str(shared / file) for file in files))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
