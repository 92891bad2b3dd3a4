"""`pywrt wit`: a package is checked and printed."""

from pathlib import Path
from typing import Any

import pytest

from pywrt.cli.command import main
from pywrt.component.text import parse_component

LIBRARY = "package c:d;\n\ninterface x {\n  type t = u8;\n}\n"
PACKAGE = "package a:b;\n\ninterface i {\n  use c:d/x.{t};\n}\n"
NESTED = "\npackage c:d {\n  interface x {\n    type t = u8;\n  }\n}\n"

MODULE = b"\0asm\x01\0\0\0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "wit"
    (folder / "deps").mkdir(parents=True)
    (folder / "deps" / "x.wit").write_text(LIBRARY)
    (folder / "i.wit").write_text(f"// comment\n{PACKAGE}")
    return folder


def test_wit_of_a_folder_prints_the_package(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wit", str(folder)]) == 0
    assert capsys.readouterr() == (PACKAGE, "")


def test_wit_all_prints_one_file_that_needs_no_others(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole.wit"
    assert main(["wit", "--all", str(folder), "-o", str(whole)]) == 0
    assert whole.read_text() == PACKAGE + NESTED
    assert main(["wit", "-a", str(whole)]) == 0
    assert capsys.readouterr() == (PACKAGE + NESTED, "")


def test_wit_check_prints_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wit", "--check", str(folder)]) == 0
    assert capsys.readouterr() == ("", "")


def test_wit_deps_adds_folders_and_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = str(folder / "i.wit")
    for more in (folder / "deps", folder / "deps" / "x.wit"):
        assert main(["wit", package, "--deps", str(more)]) == 0
        assert capsys.readouterr() == (PACKAGE, "")


GATED = """\
package a:b@1.0.1;

interface i {
  @unstable(feature = one)
  f: func();

  @unstable(feature = two)
  g: func();

  @since(version = 1.0.1)
  h: func();
}
"""


@pytest.mark.parametrize(
    ("options", "functions"),
    [
        ([], "h"),
        (["--features", "one"], "fh"),
        (["--features", "one, two"], "fgh"),
        (["-f", "one", "-f", "two"], "fgh"),
        (["--all-features"], "fgh"),
        (["--all-features", "--target", "1.0.0"], "fg"),
    ],
)
def test_wit_prints_what_is_there_with_features_and_in_a_version(
    options: list[str], functions: str, write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["wit", write("gated.wit", GATED), *options]) == 0
    text = capsys.readouterr().out
    assert [name for name in "fgh" if f"  {name}: func();" in text] == list(functions)
    assert text == GATED or functions != "fgh"


def test_wit_of_a_bad_target_is_a_mistake_in_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wit", str(folder), "--target", "new"]) == 2
    assert capsys.readouterr().err.startswith("pywrt: --target new: unexpected character 'n'")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "package a:b;\ninterface i {\n  f: funk();\n}",
            "{}:3:6: unexpected `funk`, expected `func` or `async func`\n      f: funk();\n         ^\n",
        ),
        (
            "package a:b;\ninterface i {\n  record r {}\n}",
            "{}:3:10: record `r` has no fields, which the component model can't encode: "
            "give it a field, or leave it out\n      record r {}\n             ^\n",
        ),
    ],
)
def test_wit_of_a_bad_file_says_where_and_why(
    text: str, error: str, write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("bad.wit", text.encode())
    assert main(["wit", path]) == 1
    assert capsys.readouterr() == ("", "pywrt: " + error.replace("{}:", f"{path}:", 1))


def test_wit_of_an_error_in_a_dependency_names_its_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = folder / "deps" / "x.wit"
    library.write_text("package c:d; interface x { type t = v; }")
    assert main(["wit", str(folder)]) == 1
    assert capsys.readouterr().err.startswith(f"pywrt: {library}:1:37: there is no type `v` here")


def test_wit_of_a_component_prints_its_world_and_interfaces(
    write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '(component (import "a:b/c@1.0.0" (instance (export "f" (func)))) (import "g" (func)))'
    path = write("c.wasm", parse_component(text))
    whole = tmp_path / "whole.wit"
    assert main(["wit", path, "-o", str(whole)]) == 0
    assert whole.read_text() == (
        "package root:component;\n\nworld root {\n  import a:b/c@1.0.0;\n  import g: func();\n}\n"
        "\npackage a:b@1.0.0 {\n  interface c {\n    f: func();\n  }\n}\n"
    )
    assert main(["wit", "--all", str(whole)]) == 0
    assert capsys.readouterr() == (whole.read_text(), "")


def test_wit_of_a_component_that_has_no_wit_says_why(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("c.wasm", parse_component('(component (import "c" (component)))'))
    assert main(["wit", path]) == 1
    reason = "this component's type can't be said in WIT: its import `c` is a component"
    assert capsys.readouterr() == ("", f"pywrt: {path}: {reason}\n")


def test_wit_of_a_core_module_says_what_to_do(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    plain = write("plain.wasm", MODULE)
    typed = write("typed.wasm", MODULE + b"\0\x10\x0fcomponent-type:")
    assert main(["wit", plain]) == 1
    assert main(["wit", typed]) == 1
    assert main(["wit", write("bad.wasm", MODULE + b"\x01")]) == 1
    assert capsys.readouterr().err == (
        f"pywrt: {plain}: this is a core module, which has no WIT: make a component of it first\n"
        f"pywrt: {typed}: this is a core module, with a `component-type` section for "
        "`wasm-tools component new`: make a component of it first\n"
        f"pywrt: {Path(typed).parent / 'bad.wasm'}: unexpected end of section or function (at offset 0x9)\n"
    )


def test_wit_of_a_malformed_component_says_where(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("bad.wasm", parse_component("(component)") + b"\x0b")
    assert main(["wit", path]) == 1
    assert capsys.readouterr().err == f"pywrt: {path}: unexpected end-of-file (at offset 0x9)\n"


def test_wit_of_what_is_no_wit_says_so(
    tmp_path: Path, folder: Path, library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.wit")
    assert main(["wit", missing]) == 1
    assert main(["wit", str(tmp_path)]) == 1
    assert main(["wit", str(folder), "--deps", library]) == 1
    assert capsys.readouterr().err == (
        f"pywrt: {missing}: No such file or directory\n"
        f"pywrt: {tmp_path}: no files `*.wit` in this folder\n"
        f"pywrt: {library}: this is a binary; `pywrt wit` prints its WIT\n"
    )
