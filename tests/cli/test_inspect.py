"""`pywrt inspect`: what a file is, for people and for programs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.cli.command import main
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Callable[[str], dict[str, Any]]:
    """The description of a file, from --json."""

    def inspect(path: str) -> dict[str, Any]:
        assert main(["inspect", "--json", path]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        described: dict[str, Any] = json.loads(out)
        return described

    return inspect


Inspect = Callable[[str], dict[str, Any]]


def test_inspect_of_a_core_module_lists_exports_memories_and_sections(inspect: Inspect, write: Any) -> None:
    text = """(module $m (import "env" "f" (func (param i32))) (import "env" "mem" (memory 2))
      (memory 1 4) (global (export "g") (mut i32) (i32.const 0))
      (func (export "h") (result i64) (i64.const 1)))"""
    data = encode_module(parse_module(text))
    path = write("m.wasm", data)
    described = inspect(path)
    assert described["kind"] == "core module"
    assert described["size"] == len(data)
    assert described["name"] == "m"
    assert described["imports"] == [
        {"module": "env", "name": "f", "kind": "func", "type": "(i32) -> ()"},
        {"module": "env", "name": "mem", "kind": "memory", "type": "memory 2"},
    ]
    assert described["exports"] == [
        {"name": "g", "kind": "global", "type": "global mut i32"},
        {"name": "h", "kind": "func", "type": "() -> (i64)"},
    ]
    assert described["memories"] == ["2 pages", "1..4 pages"]
    assert described["functions"] == 1
    sizes = {section["name"]: section["size"] for section in described["sections"]}
    assert sizes.keys() == {
        "type",
        "import",
        "function",
        "memory",
        "global",
        "export",
        "code",
        'custom "name"',
    }
    assert sum(sizes.values()) + 8 + 2 * len(sizes) == len(data)  # preamble, and an id and a size each


def test_inspect_of_a_text_module_describes_its_binary(inspect: Inspect, module: str) -> None:
    described = inspect(module)
    assert described["kind"] == "core module"
    assert [export["name"] for export in described["exports"]][:3] == ["memory", "counter", "add"]


@pytest.mark.parametrize(
    ("fixture", "role", "run"),
    [
        ("library", "a library", "pywrt run --invoke NAME {} [ARGS...]"),
        ("toolbox", "an MCP server", "pywrt-mcp {}"),
        ("http_component", "an HTTP proxy", "wasmtime serve {}"),
    ],
)
def test_inspect_of_a_component_says_what_it_is_for(
    inspect: Inspect, request: pytest.FixtureRequest, fixture: str, role: str, run: str
) -> None:
    path = request.getfixturevalue(fixture)
    described = inspect(path)
    assert (described["kind"], described["role"]) == ("component", role)
    assert described["run"] == run.format(path)


def test_inspect_of_a_command_lists_its_interface_and_core_module(
    inspect: Inspect, command: Callable[[str], str]
) -> None:
    described = inspect(command("(i32.const 0)"))
    assert described["role"] == "a command"
    assert described["exports"] == [
        {
            "name": "wasi:cli/run@0.2.3",
            "kind": "interface",
            "types": {},
            "functions": {"run": "func() -> result"},
        }
    ]
    (inner,) = described["coreModules"]
    assert (inner["functions"], inner["memories"]) == (1, ["1 page"])


def test_inspect_of_a_component_lists_functions_at_its_root(inspect: Inspect, importing: str) -> None:
    described = inspect(importing)
    assert described["imports"] == [{"name": "ask-host", "kind": "func", "type": "func()"}]
    assert described["exports"] == [{"name": "twice", "kind": "func", "type": "func(x: u32) -> u32"}]


def test_inspect_names_types_as_their_interfaces_do(inspect: Inspect, toolbox: str) -> None:
    described = inspect(toolbox)
    (handlers,) = [item for item in described["exports"] if item["name"].startswith("wasi:mcp/handlers@")]
    assert handlers["functions"]["call-tool"] == (
        "func(name: string, arguments: list<u8>) -> result<tool-result, error>"
    )
    # error-code is named in an interface that this one uses
    assert (
        handlers["types"]["error"] == "record { code: error-code, message: string, data: option<list<u8>> }"
    )
    assert handlers["types"]["completion-ref-type"].startswith("enum { tool-name, ")
    (runtime,) = [item for item in described["imports"] if item["name"].startswith("wasi:mcp/runtime@")]
    assert runtime["functions"]["serve"] == "func() -> result<_, error>"


def test_inspect_for_people_shows_the_same(
    toolbox: str, module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", toolbox]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("toolbox.wasm: component, an MCP server, ")
    assert lines[1] == f"run it with: pywrt-mcp {toolbox}"
    assert "    serve: func() -> result<_, error>" in lines
    assert any(line.startswith("  at 0x") and "functions, memory " in line for line in lines)
    assert any(line.split()[1:] == ["core", "module", "(3)"] for line in lines)
    assert main(["inspect", module]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "imports: none" in lines
    assert "  add: func (i32, i32) -> (i32)" in lines
    assert "  memory: memory 1..4" in lines
    assert "8 functions, memory 1..4 pages (kinds)" in lines


def test_inspect_of_names_with_control_characters_escapes_them(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("m.wat", '(func (export "a\\1b[31mred\\nb"))')
    assert main(["inspect", path]) == 0
    out = capsys.readouterr().out
    assert "  a\\x1b[31mred\\nb: func () -> ()\n" in out
    assert "\x1b" not in out


def test_inspect_of_a_broken_file_says_why(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("m.wasm", b"\0asm\x0d\0\1\0\x63\0")
    assert main(["inspect", path]) == 1
    assert capsys.readouterr() == ("", f"pywrt: {path}: malformed section id: 99 (at offset 0x8)\n")


def test_inspect_of_a_real_component_finds_its_core_modules(inspect: Inspect, shared: Path) -> None:
    described = inspect(str(shared / "py-hello.wasm"))
    assert described["role"] == "a library"
    assert len(described["coreModules"]) == 14
    assert sum(module["functions"] for module in described["coreModules"]) > 13_000
    assert len(described["imports"]) == 27
