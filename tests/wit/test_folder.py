"""Folders and files of WIT."""

from pathlib import Path

import pytest

from pywrt.errors import InvalidError, LimitError, MalformedError
from pywrt.wit import folder
from pywrt.wit.folder import read_dependencies, read_package, resolve_folder
from pywrt.wit.types import U8


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


FILES = {
    "b.wit": "package a:b; interface i { use c:d/x.{t}; use e:f/y.{s}; }",
    "c.wit": "interface j { use i.{t}; }",
    "notes.txt": "not WIT",
    "deps/one.wit": "package c:d; interface x { type t = u8; }",
    "deps/two/y.wit": "package e:f; interface y { use z.{s}; }",
    "deps/two/z.wit": "interface z { type s = u8; }",
    "deps/three/README.md": "no WIT",
}


def test_resolve_of_a_folder_reads_its_deps(tmp_path: Path) -> None:
    wit = resolve_folder(write(tmp_path, FILES))
    assert wit.package.name == "a:b"
    assert list(wit.packages) == ["c:d", "e:f", "a:b"]
    assert wit.package.interfaces["j"].types == {"t": U8}


def test_resolve_takes_dependencies_from_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, {name.replace("deps/", "more/"): text for name, text in FILES.items()})
    package = tmp_path / "b.wit"
    with pytest.raises(InvalidError, match="package `c:d` is not here: put it into the folder `deps`"):
        resolve_folder(package)
    wit = resolve_folder(package, [tmp_path / "more"])
    assert wit.package.name == "a:b"
    wit = resolve_folder(str(package), [tmp_path / "more/one.wit", tmp_path / "more"])
    assert list(wit.package.interfaces) == ["i"]


def test_read_of_a_folder_without_wit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=r"no files `\*\.wit` in this folder"):
        read_package(tmp_path)
    assert read_dependencies(tmp_path) == []


def test_read_of_a_missing_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        read_package(tmp_path / "x.wit")
    assert caught.value.filename == str(tmp_path / "x.wit")


def test_read_of_a_file_that_does_not_parse_names_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.wit": "package a:b;", "b.wit": "\nworld {}"})
    with pytest.raises(
        MalformedError, match=r"expected the name of the world .*b\.wit, line 2, column 7"
    ) as caught:
        read_package(tmp_path)
    assert caught.value.file == str(tmp_path / "b.wit")


def test_read_of_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILE", 20)
    write(tmp_path, {"a.wit": "package a:b; // longer than that"})
    with pytest.raises(LimitError, match=r"a\.wit is larger than 20 bytes"):
        read_package(tmp_path)
