"""What a file is that is no MCP server, and what to do with it instead."""

from __future__ import annotations

from collections.abc import Iterable

from mcp_host.guest import functions
from pywrt.api import Engine
from pywrt.component import Component
from pywrt.config import Config
from pywrt.errors import WasmError
from pywrt.wasm.binary import decode_module

_MAGIC = b"\0asm"
_CORE = _MAGIC + b"\1\0\0\0"
_COMPONENT = _MAGIC + b"\x0d\0\1\0"

# first bytes -> what that is
_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "a native program (ELF)"),
    (b"MZ", "a native program (Windows)"),
    (b"\xcf\xfa\xed\xfe", "a native program (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a native program (Mach-O) or a Java class"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"!<arch>", "a library of object files"),
    (b"PK\3\4", "a zip archive"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
    (b"\xef\xbb\xbf", "text"),
    (b"#!", "a script"),
)


def identify(data: bytes, shown: str) -> str:
    """A sentence or two on what the file `shown` with the contents `data` is, if it is no MCP server."""
    if data.startswith(_CORE):
        return _core_module(data, shown)
    if data.startswith(_COMPONENT):
        return _component(data, shown)
    if data.startswith(_MAGIC):
        return (
            f"{shown} is WebAssembly of a version that isn't supported (header {data[:8].hex(' ')}): a "
            f"component begins with {_COMPONENT.hex(' ')}."
        )
    return f"{shown} is {_other(data)}, not a WebAssembly component."


def _other(data: bytes) -> str:
    if not data:
        return "empty"
    for magic, what in _FORMATS:
        if data.startswith(magic):
            return what
    try:
        text = data[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < min(len(data), 4096) - 4:
            return "binary data of an unknown kind"
        text = data[: error.start].decode("utf-8")
    if "\0" in text:
        return "binary data of an unknown kind"
    start = text.lstrip()
    if start.startswith(("(module", "(component", ";;", "(;")):
        return "WebAssembly text (WAT), which has to be assembled first (`wasm-tools parse FILE -o OUT.wasm`)"
    if start.startswith(("package ", "interface ", "world ")):
        return "text, by its looks WIT"
    return "text"


def _core_module(data: bytes, shown: str) -> str:
    what = f"{shown} is a core module, not a component"
    try:
        module = decode_module(data)
    except WasmError as error:
        return f"{what}, and a broken one: {error}."
    names = {export.name for export in module.exports}
    imported = {one.module for one in module.imports}
    wasi = any(name.startswith("wasi_snapshot_preview1") for name in imported)
    if "_start" in names and (wasi or not imported):
        return (
            f"{what}: a WASI preview 1 command. To run it: `wasmtime run {shown}`; "
            "to make a component of it: `wasm-tools component new --adapt ADAPTER.wasm`."
        )
    shown_exports = _listing(
        export.name for export in module.exports if export.kind == "func" and not export.name.startswith("_")
    )
    return (
        f"{what}; it exports {shown_exports}. To make a component of it: "
        "`wasm-tools component embed`, then `wasm-tools component new`."
    )


def _component(data: bytes, shown: str) -> str:
    try:
        component = Component(Engine(Config()), data)
    except WasmError as error:
        return f"{shown} is a component that can't be loaded: {error}"
    exports = component.exports()
    bases = {name.partition("@")[0] for name in exports}
    if "wasi:cli/run" in bases:
        return f"{shown} is a command (wasi:cli/run), not an MCP server. To run it: `pywrt run {shown}`"
    if bases & {"wasi:http/incoming-handler", "wasi:http/handler"}:
        return f"{shown} is an HTTP component, not an MCP server. To serve it: `wasmtime serve {shown}`"
    found = [f"{interface}#{member}" if interface else member for interface, member in functions(exports)]
    return (
        f"{shown} is a component, but not an MCP server: it neither imports wasi:mcp/runtime nor exports "
        f"wasi:mcp/handlers. It is a library that exports {_listing(found)}; "
        "pywrt.component.Linker instantiates it, to call these from Python."
    )


def _listing(names: Iterable[str]) -> str:
    shown = [f"`{name}`" for name in names]
    if len(shown) > 6:
        shown[6:] = [f"and {len(shown) - 6} more"]
    return ", ".join(shown) or "no functions"
