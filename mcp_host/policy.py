"""What the component may do: which imports are linked, and what WASI opens to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from mcp_host.bindings.wasi_mcp import PACKAGE
from mcp_host.config import DEFAULT_IMPORTS, HostConfig
from pywrt.component import Component, Linker
from pywrt.errors import LinkError
from pywrt.wasi.preview2 import WasiCtx

MAX_LINE = 8192
"""Bytes of a line of the component's output that is logged in one piece."""

_output = logging.getLogger("mcp_host.component")


def matches(pattern: str, name: str) -> bool:
    """Whether `name` fits `pattern`, in which `*` stands for any characters.

    A pattern without a version fits every version.
    """
    return _matches(pattern, name) or ("@" not in pattern and _matches(pattern, name.partition("@")[0]))


def _matches(pattern: str, name: str) -> bool:
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    if not name.startswith(first):
        return False
    *middle, last = rest
    at = len(first)
    for part in middle:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(name) - len(last) >= at and name.endswith(last)


def check_imports(component: Component, linker: Linker, allowed: Iterable[str]) -> None:
    """Refuse what `component` imports and may not, or can't, have; LinkError names it and says how to.

    Imports that the linker hasn't got, but a pattern other than the default names, are defined as traps.
    """
    patterns = list(allowed)
    extra = [pattern for pattern in patterns if pattern not in DEFAULT_IMPORTS]
    imports = [name for name in component.imports() if not name.startswith(PACKAGE)]
    refused = [name for name in imports if not any(matches(pattern, name) for pattern in patterns)]
    if refused:
        shown = ", ".join(f"`{name}`" for name in refused)
        raise LinkError(
            f"the component imports {shown}, which is not allowed "
            f"(allowed: {', '.join(patterns) or 'nothing'}); "
            f"to allow it: --allow-import '{_package(refused[0])}'"
        )
    missing: dict[str, list[str]] = {}
    for path in linker.missing_imports(component):
        name, _, member = path.partition("#")
        missing.setdefault(name, []).append(member)
    stubs = [name for name in missing if any(matches(pattern, name) for pattern in extra)]
    unknown = [name for name in missing if name not in stubs]
    if unknown:
        shown = ", ".join(f"`{name}`{_members(missing[name])}" for name in unknown)
        raise LinkError(
            f"the component imports {shown}, which this host hasn't got: {linker.hint(unknown[0])}; "
            f"to run it all the same, with functions that trap when they are called: "
            f"--allow-import '{_package(unknown[0])}'"
        )
    if stubs:
        linker.define_unknown_imports_as_traps(component)


def _members(names: list[str]) -> str:
    shown = [name for name in names if name]
    if len(shown) > 4:
        shown[4:] = [f"{len(shown) - 4} more"]
    return f" ({', '.join(shown)})" if shown else ""


def _package(name: str) -> str:
    """The pattern for all interfaces of an import's package, or the import itself."""
    package, slash, _ = name.partition("/")
    return f"{package}/*" if slash else name


def wasi_context(config: HostConfig, name: str) -> WasiCtx:
    """The world that WASI shows the component: what `config` opens, and no standard input.

    OSError for a directory that can't be opened.
    """
    return WasiCtx(
        [name],
        config.env,
        None,
        _sink(config.stdout, "stdout"),
        _sink(config.stderr, "stderr"),
        config.dirs,
    )


def _sink(given: Any, stream: str) -> Any:
    return _lines(stream) if given is None else given


def _lines(stream: str) -> Callable[[bytes], None]:
    """Logs what is written to it, a line at a time."""
    pending = bytearray()

    def write(data: bytes) -> None:
        pending.extend(data)
        while (end := pending.find(b"\n")) >= 0 or len(pending) > MAX_LINE:
            size = end if 0 <= end <= MAX_LINE else MAX_LINE
            _output.info("%s: %s", stream, pending[:size].decode("utf-8", "replace"))
            del pending[: size + (size == end)]

    return write
