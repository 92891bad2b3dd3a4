"""Files given on the command line: reading them, and what they are."""

import errno
import os
from collections.abc import Iterable

from pywrt.component import Component, Extern, InstanceType
from pywrt.component.tables import PREAMBLE
from pywrt.component.text import wat2wasm
from pywrt.errors import InvalidError, MalformedError, WasmError
from pywrt.wit.types import FuncType

MAGIC = PREAMBLE[:4]
MAX_FILE = 1 << 30
"""Bytes of a file that is read; engines for JavaScript take no larger modules either."""
CORE_MODULE, COMPONENT = "core module", "component"

#: What a component is for. Each with what runs it; `{}` is the file.
COMMAND, HTTP, MCP, LIBRARY = "a command", "an HTTP proxy", "an MCP server", "a library"
HOW_TO_RUN = {
    COMMAND: "pywrt run {}",
    HTTP: "wasmtime serve {}",
    MCP: "pywrt-mcp {}",
    LIBRARY: "pywrt run --invoke NAME {} [ARGS...]",
}


class CommandError(Exception):
    """What ends a command with a message on stderr, and the exit status `status`."""

    status = 1


class UsageError(CommandError):
    """Arguments that don't make sense."""

    status = 2


class Binary:
    """A file in the binary format (encoded from the text if the file is text).

    `kind` is `CORE_MODULE` or `COMPONENT`; a file that begins as neither counts as a core module, so that
    its decoder says what is wrong.
    """

    __slots__ = ("data", "from_text", "kind", "path")

    def __init__(self, path: str, data: bytes, from_text: bool) -> None:
        self.path = path
        self.data = data
        self.from_text = from_text
        self.kind = COMPONENT if data[:4] == MAGIC and data[6:8] == PREAMBLE[6:] else CORE_MODULE

    def failed(self, error: WasmError) -> CommandError:
        """The error for a file that was refused with `error`."""
        # Offsets are the encoding's, which nobody sees of a text.
        message = error.message if self.from_text else str(error)
        function = getattr(error, "function", None)
        if self.from_text and function is not None:
            message += f" (in function {function})"
        return CommandError(f"{self.path}: {message}")


def read_bytes(path: str) -> bytes:
    """The contents of a file; OSError if it can't be read, or is larger than MAX_FILE."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size > MAX_FILE:
            reason = f"{os.strerror(errno.EFBIG)}, no WebAssembly: more than {MAX_FILE} bytes"
            raise OSError(errno.EFBIG, reason, path)
        return file.read()


def read_file(path: str) -> bytes:
    """The contents of a file; CommandError if there are none."""
    try:
        data = read_bytes(path)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if not data:
        raise CommandError(f"{path}: the file is empty")
    return data


def load(path: str) -> Binary:
    """The file at `path`, in the binary format or encoded from the text; CommandError if it is neither."""
    data = read_file(path)
    return Binary(path, data, False) if _is_binary(data) else Binary(path, assemble(path, data), True)


def assemble(path: str, data: bytes) -> bytes:
    """The binary format of the module or component whose text is `data`; CommandError if it doesn't parse."""
    if _is_binary(data):
        raise CommandError(f"{path}: this is in the binary format already")
    if b"\0" in data:
        raise CommandError(
            f"{path}: not WebAssembly: a binary begins with {MAGIC.hex(' ')}, this with {data[:4].hex(' ')}"
        )
    if data.lstrip()[:1] not in (b"(", b";", b""):
        raise CommandError(f"{path}: not WebAssembly, neither the binary format nor text")
    try:
        return wat2wasm(data)
    except MalformedError as error:
        raise text_error(path, error) from None
    except WasmError as error:
        raise CommandError(f"{path}: {error}") from None


def text_error(path: str, error: MalformedError | InvalidError) -> CommandError:
    """The error for a text that does not parse: `file:line:column: message`, the source line and a caret.

    `path` is that of the file, unless the error names one.
    """
    if error.line is None:
        return CommandError(f"{path}: {error}")
    _, newline, excerpt = str(error).partition("\n")
    path = error.file or path
    return CommandError(f"{path}:{error.line}:{error.column}: {error.message}{newline}{excerpt}")


def _is_binary(data: bytes) -> bool:
    return data.startswith(MAGIC[: len(data)])


def functions_of(exports: dict[str, Extern]) -> dict[str, FuncType]:
    """The functions among a component's exports, those of interfaces as `interface#function`."""
    found: dict[str, FuncType] = {}
    for name, item in exports.items():
        if isinstance(item.type, InstanceType) and item.sort == "instance":
            found.update((f"{name}#{key}", type) for key, type in functions_of(item.type.exports).items())
        elif isinstance(item.type, FuncType) and item.sort == "func":
            found[name] = item.type
    return found


def role_of(component: Component) -> str:
    """What a component is for: `MCP`, `COMMAND`, `HTTP` or `LIBRARY`, as far as its interfaces tell."""
    imports, exports = _interfaces(component.imports()), _interfaces(component.exports())
    if "wasi:mcp/runtime" in imports or "wasi:mcp/handlers" in exports:
        return MCP  # before a command: servers register in wasi:cli/run
    if "wasi:cli/run" in exports:
        return COMMAND
    return HTTP if exports & {"wasi:http/incoming-handler", "wasi:http/handler"} else LIBRARY


def _interfaces(names: Iterable[str]) -> set[str]:
    return {name.partition("@")[0] for name in names}


def listing(names: Iterable[str]) -> str:
    """Names for a message: the first ten, quoted."""
    shown = [f"`{name}`" for name in names]
    if len(shown) > 10:
        shown[10:] = [f"{len(shown) - 10} more"]
    return ", ".join(shown) or "none"
