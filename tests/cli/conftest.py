"""Small inputs: text modules in files, and component binaries around a text module."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

ROOT = Path(__file__).resolve().parents[2]

RESULT = b"\x6a\0\0"
#: The func types that the components below use; type 0 is RESULT.
FUNC_TYPES = {
    "run": b"\x40\0\0\0",  # func() -> result
    "handle": b"\x40\0\x01\0",  # func()
    "twice": b"\x40\x01\x01x\x79\0\x79",  # func(x: u32) -> u32
    "sign": b"\x40\x01\x01x\x7a\0\x7f",  # func(x: s32) -> bool
    "stop": b"\x40\0\x01\0",  # func()
}


def name(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def leb(value: int) -> bytes:
    """An unsigned integer of four bytes, however small."""
    return bytes([value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14 & 0x7F | 0x80, value >> 21])


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + leb(len(content)) + content


def component(
    text: str, functions: Sequence[str], interface: str | None = None, imports: Sequence[str] = ()
) -> bytes:
    """A component that lifts the `functions` of a core module, at its root or in an instance.

    `imports` are functions without parameters, which it doesn't use.
    """
    count, skipped = len(functions), len(imports)
    types = [RESULT, *(FUNC_TYPES[f] for f in functions), FUNC_TYPES["stop"]]
    parts = [
        section(7, bytes([len(types)]) + b"".join(types)),
        section(
            10, bytes([skipped]) + b"".join(b"\0" + name(i) + bytes([1, len(types) - 1]) for i in imports)
        ),
        section(1, encode_module(parse_module(text))),
        section(2, b"\x01\0\0\0"),
        section(6, bytes([count]) + b"".join(b"\0\0\x01\0" + name(f) for f in functions)),
        section(8, bytes([count]) + b"".join(bytes([0, 0, i, 0, i + 1]) for i in range(count))),
    ]
    exports = [(name(f), bytes([1, skipped + i])) for i, f in enumerate(functions)]
    if interface is None:
        parts.append(section(11, bytes([count]) + b"".join(b"\0" + n + s + b"\0" for n, s in exports)))
    else:
        inline = b"\x01\x01" + bytes([count]) + b"".join(b"\0" + n + s for n, s in exports)
        parts.append(section(5, inline))
        parts.append(section(11, b"\x01\0" + name(interface) + b"\x05\0\0"))
    return b"\0asm\x0d\0\x01\0" + b"".join(parts)


Write = Callable[[str, str | bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into a folder of the test's own; returns its path."""

    def write(file: str, content: str | bytes) -> str:
        path = tmp_path / file
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


@pytest.fixture
def module(write: Write) -> str:
    """The path of a text module with functions of all kinds."""
    return write(
        "kinds.wat",
        """(module $kinds
          (memory (export "memory") 1 4)
          (global (export "counter") (mut i32) (i32.const 0))
          (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
          (func (export "pair") (param f32 f64) (result f32 f64) (local.get 0) (local.get 1))
          (func (export "wide") (param i64) (result i64) (local.get 0))
          (func (export "take") (param externref) (result i32) (ref.is_null (local.get 0)))
          (func $helper (unreachable))
          (func $boom (export "boom") (call $helper))
          (func (export "loop") (loop (br 0)))
          (func (export "grow")
            (br_if 0 (i32.gt_s (memory.grow (i32.const 2)) (i32.const 0)))
            (unreachable)))""",
    )


@pytest.fixture
def library(write: Write) -> str:
    """The path of a component with functions at its root."""
    text = """(module
      (func (export "twice") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))
      (func (export "sign") (param i32) (result i32) (i32.lt_s (local.get 0) (i32.const 0)))
      (func (export "stop") unreachable))"""
    return write("library.wasm", component(text, ["twice", "sign", "stop"]))


@pytest.fixture
def command(write: Write) -> Callable[[str], str]:
    """Make a command whose `run` is the given instructions (i32 0 is ok, 1 err); returns its path."""

    def make(body: str) -> str:
        text = f'(module (memory 1) (func (export "run") (result i32) {body}))'
        return write("command.wasm", component(text, ["run"], "wasi:cli/run@0.2.3"))

    return make


@pytest.fixture
def http_component(write: Write) -> str:
    text = '(module (func (export "handle")))'
    return write("http.wasm", component(text, ["handle"], "wasi:http/incoming-handler@0.2.0"))


@pytest.fixture
def importing(write: Write) -> str:
    """The path of a component that imports a function which nobody provides."""
    text = '(module (func (export "twice") (param i32) (result i32) (i32.const 14)))'
    return write("importing.wasm", component(text, ["twice"], imports=["ask-host"]))


@pytest.fixture
def toolbox() -> str:
    """The path of the example, an MCP server."""
    return str(ROOT / "examples" / "toolbox" / "toolbox.wasm")


@pytest.fixture
def shared() -> Path:
    """The folder of components that real toolchains made."""
    folder = ROOT.parent / "shared" / "components"
    if not folder.is_dir():
        pytest.skip(f"the recorded components are not at {folder}")
    return folder


@pytest.fixture
def process() -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    """Run `python -m pywrt` with arguments, as a process of its own."""

    def run(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "pywrt", *arguments],
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            timeout=120,
        )

    return run
