"""Which scripts a run has, and the features that each runs with.

A script of the official suite expects what the edition says that it is written for, in messages too: what is
a mistake there may be a later proposal's. So its folder decides; scripts from elsewhere have every feature.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath

from pywrt.config import ALL_FEATURES

#: A folder of this name holds newer copies: they run in place of those of the same name in its siblings.
OVERRIDING = "spec-main-delta"

#: The first edition with what was finished soon after.
WASM_1 = frozenset(("mvp", "mutable-global", "saturating-float-to-int", "sign-extension", "multi-value"))

#: The third edition.
WASM_3 = ALL_FEATURES - {
    "custom-descriptors",
    "custom-page-sizes",
    "legacy-exceptions",
    "threads",
    "wide-arithmetic",
}

#: What folders of the official suite are written for, by their path from its root; others are for WASM_3.
EDITIONS: dict[str, frozenset[str]] = {
    "legacy": WASM_3 | {"legacy-exceptions"},
    # copied from the proposal's branch on the first edition: two tables or memories are invalid
    "proposals/threads": WASM_1 | {"threads"},
    "proposals/custom-page-sizes": WASM_3 | {"custom-page-sizes"},
    "proposals/wide-arithmetic": WASM_3 | {"wide-arithmetic"},
    "proposals/custom-descriptors": WASM_3 | {"custom-descriptors"},
}


#: What the official suite of components is written for: it refuses what is gated otherwise.
COMPONENT_MODEL = ALL_FEATURES - {"component-model-nested-names"}


@dataclass(frozen=True, slots=True)
class Script:
    """The file of a script, the features that it runs with, whether guests' fuel is counted, and what
    draws the turns of their threads."""

    path: str
    features: frozenset[str] = ALL_FEATURES
    metered: bool = False
    seed: int | None = None


def find_scripts(
    paths: Iterable[str], text: str = "", metered: bool = False, seed: int | None = None
) -> list[Script]:
    """The .wast files in `paths` (files, or folders searched in depth) whose path contains `text`."""
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in sorted(os.walk(path)):
                found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".wast")]
        else:
            found.append(path)
    return [Script(path, features_for(path), metered, seed) for path in found if text in path]


def features_for(path: str) -> frozenset[str]:
    """The features for the script at `path`: its edition's if it is in an official suite, else all."""
    folder = PurePath(os.path.abspath(path)).parent
    for root in (folder, *folder.parents[:2]):
        if os.path.isdir(root / "proposals"):  # the mark of the suite's root
            return EDITIONS.get(folder.relative_to(root).as_posix(), WASM_3)
        if os.path.isfile(root / "nyi.txt"):  # the mark of the component suite's root
            return COMPONENT_MODEL
    return ALL_FEATURES


def override(scripts: Iterable[Script]) -> tuple[list[Script], list[tuple[str, str]]]:
    """The scripts to run where newer copies replace some, and the pairs of paths (copy, what it replaces).

    `DIR/spec-main-delta/NAME` replaces `DIR/ANY/NAME`, no deeper, and takes over its features.
    """
    scripts = list(scripts)
    copies = {_place(script): script for script in scripts if _folder(script).name == OVERRIDING}
    replaced = {
        _place(script): script
        for script in scripts
        if _place(script) in copies and _folder(script).name != OVERRIDING
    }
    kept = [script for script in scripts if script not in replaced.values()]
    for place, old in replaced.items():
        copy = copies[place]
        kept[kept.index(copy)] = replace(copy, features=old.features)
    return kept, [(copies[place].path, old.path) for place, old in replaced.items()]


def _folder(script: Script) -> PurePath:
    return PurePath(script.path).parent


def _place(script: Script) -> tuple[PurePath, str]:
    """What a copy and the script that it replaces have in common."""
    return _folder(script).parent, PurePath(script.path).name
