"""Which scripts run, in whose place, and with which features."""

from pathlib import Path

import pytest

from pywrt.config import ALL_FEATURES
from spectests.scripts import COMPONENT_MODEL, EDITIONS, WASM_3, Script, features_for, find_scripts, override


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite in the shape of the official one."""
    for name in (
        "testsuite/memory_grow.wast",
        "testsuite/memory.wast",
        "testsuite/custom/name.wast",
        "testsuite/legacy/throw.wast",
        "testsuite/proposals/threads/memory.wast",
        "testsuite/proposals/threads/memory_grow.wast",
        "testsuite/proposals/wide-arithmetic/wide.wast",
        "spec-main-delta/memory_grow.wast",
        "spec-main-delta/newer.wast",
        "notes.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def test_find_scripts_folder_is_searched_and_filtered(suite: Path) -> None:
    folder = str(suite / "testsuite")
    assert [Path(script.path).name for script in find_scripts([folder])] == [
        "memory.wast",
        "memory_grow.wast",
        "name.wast",
        "throw.wast",
        "memory.wast",
        "memory_grow.wast",
        "wide.wast",
    ]
    assert [Path(script.path).name for script in find_scripts([folder], "threads/memory_")] == [
        "memory_grow.wast"
    ]


def test_find_scripts_file_is_taken_as_it_is() -> None:
    assert [script.path for script in find_scripts(["x.wast", "y.txt"])] == ["x.wast", "y.txt"]


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("testsuite/memory.wast", WASM_3),
        ("testsuite/custom/name.wast", WASM_3),
        ("testsuite/legacy/throw.wast", WASM_3 | {"legacy-exceptions"}),
        ("testsuite/proposals/threads/memory.wast", EDITIONS["proposals/threads"]),
        ("testsuite/proposals/wide-arithmetic/wide.wast", WASM_3 | {"wide-arithmetic"}),
        ("spec-main-delta/newer.wast", ALL_FEATURES),
        ("elsewhere.wast", ALL_FEATURES),
    ],
)
def test_features_are_those_of_the_edition_that_the_folder_is_for(
    suite: Path, name: str, features: frozenset[str]
) -> None:
    assert features_for(str(suite / name)) == features


def test_features_of_the_component_suite_leave_out_what_it_refuses(tmp_path: Path) -> None:
    (tmp_path / "nyi.txt").touch()
    assert features_for(str(tmp_path / "async" / "a.wast")) == COMPONENT_MODEL
    assert COMPONENT_MODEL | {"component-model-nested-names"} == ALL_FEATURES


def test_features_of_the_threads_proposal_are_of_the_first_edition() -> None:
    features = EDITIONS["proposals/threads"]
    assert "threads" in features
    assert not features & {"reference-types", "multi-memory", "bulk-memory", "simd"}


def test_features_of_editions_are_features() -> None:
    for features in (WASM_3, *EDITIONS.values()):
        assert features < ALL_FEATURES


def test_override_newer_copy_takes_the_place_and_features_of_its_sibling(suite: Path) -> None:
    scripts, replaced = override(find_scripts([str(suite)]))
    copy, old = str(suite / "spec-main-delta/memory_grow.wast"), str(suite / "testsuite/memory_grow.wast")
    assert replaced == [(copy, old)]
    paths = [script.path for script in scripts]
    assert copy in paths
    assert old not in paths
    assert len(paths) == len(set(paths)) == 8
    assert Script(copy, WASM_3) in scripts
    assert str(suite / "testsuite/proposals/threads/memory_grow.wast") in paths


def test_override_without_copies_changes_nothing(suite: Path) -> None:
    scripts = find_scripts([str(suite / "testsuite")])
    assert override(scripts) == (scripts, [])
