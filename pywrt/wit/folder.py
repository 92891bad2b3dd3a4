"""Folders and files of WIT on disk. Spec: WIT.md#filesystem-structure."""

import os
from collections.abc import Sequence

from pywrt.errors import InvalidError, LimitError
from pywrt.wit.gates import NO_FEATURES, Features
from pywrt.wit.parser import parse_wit
from pywrt.wit.resolved import Wit
from pywrt.wit.resolver import resolve
from pywrt.wit.syntax import Package

SUFFIX = ".wit"
DEPS = "deps"
MAX_FILE = 16 << 20
"""Bytes of a file that is read."""


def read_package(path: str | os.PathLike[str]) -> list[Package]:
    """The files of one package: a file, or those in a folder.

    OSError for what can't be read, MalformedError for what doesn't parse, InvalidError for a folder without
    WIT, LimitError for a file larger than MAX_FILE.
    """
    path = os.fspath(path)
    if not os.path.isdir(path):
        return [_read(path)]
    files = [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(SUFFIX)]
    if not files:
        raise InvalidError(f"{path}: no files `*{SUFFIX}` in this folder")
    return [_read(file) for file in files]


def read_dependencies(path: str | os.PathLike[str]) -> list[list[Package]]:
    """The packages in a folder such as `deps`: each of its files and each of its folders is one.

    What else stands there is passed over. Raises what `read_package` does.
    """
    found = []
    for name in sorted(os.listdir(path)):
        inner = os.path.join(path, name)
        if name.endswith(SUFFIX) or _has_wit(inner):
            found.append(read_package(inner))
    return found


def resolve_folder(
    path: str | os.PathLike[str],
    dependencies: Sequence[str | os.PathLike[str]] = (),
    features: Features = NO_FEATURES,
    target: str = "",
) -> Wit:
    """The package in a folder or file, resolved with the packages in its `deps` and in `dependencies`.

    Each of those is a folder of packages, or one package in a file. `features` and `target` are as for
    `pywrt.wit.resolver.resolve`; raises what that and `read_package` do.
    """
    files = read_package(path)
    others: list[list[Package]] = []
    deps = os.path.join(path, DEPS)
    for folder in [*([deps] if os.path.isdir(deps) else []), *dependencies]:
        others.extend(read_dependencies(folder) if os.path.isdir(folder) else [read_package(folder)])
    return resolve(files, others, features, target)


def _has_wit(path: str) -> bool:
    return os.path.isdir(path) and any(name.endswith(SUFFIX) for name in os.listdir(path))


def _read(path: str) -> Package:
    with open(path, "rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise LimitError(f"{path} is larger than {MAX_FILE} bytes")
    return parse_wit(data, path)
