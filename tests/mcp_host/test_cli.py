import json
from pathlib import Path
from typing import Any

import pytest

from mcp_host.cli import Failure, argument_value, main, tool_arguments
from mcp_host.identify import identify
from mcp_host.options import parse
from mcp_host.registry import Tool
from pywrt.wasi.preview2 import Preopen
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module


def test_parse_options_become_the_configuration() -> None:
    limits = ["--fuel", "1000", "--timeout", "5", "--max-memory", "32MiB"]
    opened = ["--dir", "/a", "--dir", "/b::/data:ro", "--env", "A=b", "--env", "C=d=e"]
    more = ["--allow-import", "my:host/*", "--serve", "park", "--log-level", "debug"]
    options = parse([*limits, *opened, *more, "x.wasm"])
    assert (options.action, options.component) == ("serve", "x.wasm")
    config = options.config
    assert (config.fuel, config.execution_timeout, config.memory_limit) == (1000, 5.0, 32 << 20)
    assert config.dirs == (Preopen("/a", "/a"), Preopen("/b", "/data", read_only=True))
    assert config.env == {"A": "b", "C": "d=e"}
    assert config.allowed_imports == ("wasi:*", "my:host/*")
    assert (config.serve, config.log_level) == ("park", "debug")


def test_parse_defaults() -> None:
    config = parse(["x.wasm"]).config
    assert (config.memory_limit, config.execution_timeout, config.fuel) == (64 << 20, 30.0, None)
    assert (config.allowed_imports, config.serve) == (("wasi:*",), "auto")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("65536", 65536),
        ("512K", 512 << 10),
        ("64MiB", 64 << 20),
        ("1GB", 1 << 30),
        ("2g", 2 << 30),
        ("7b", 7),
    ],
)
def test_parse_max_memory_sizes(text: str, size: int) -> None:
    assert parse(["--max-memory", text, "x"]).config.memory_limit == size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMPONENT"),
        (["--max-memory", "lots", "x"], "expected a size such as 65536, 512KiB, 64MiB or 1GiB, got 'lots'"),
        (["--max-memory", "0", "x"], "expected a size above 0"),
        (["--max-memory", "1.5G", "x"], "got '1.5G'"),
        (["--timeout", "-1", "x"], "expected a number of seconds, got '-1'"),
        (["--timeout", "nan", "x"], "expected a number of seconds, got 'nan'"),
        (["--fuel", "0", "x"], "expected a whole number above 0, got '0'"),
        (["--env", "A", "x"], "expected NAME=VALUE, got 'A'"),
        (["--dir", "::", "x"], "expected HOST[::GUEST][:ro], got '::'"),
        (["--serve", "later", "x"], "invalid choice: 'later'"),
        (["call", "x"], "the following arguments are required: TOOL"),
        (["x", "y"], "unrecognized arguments: y"),
    ],
)
def test_parse_mistakes_are_named_with_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_parse_cache_dir_from_option_or_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYWRT_CACHE_DIR", raising=False)
    assert parse(["x"]).config.cache_dir is None
    monkeypatch.setenv("PYWRT_CACHE_DIR", "there")
    assert parse(["x"]).config.cache_dir == "there"
    assert parse(["--cache-dir", "here", "x"]).config.cache_dir == "here"


@pytest.mark.parametrize("action", [[], ["call"], ["inspect"]])
def test_parse_help_has_examples(action: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse([*action, "--help"])
    assert caught.value.code == 0
    assert "examples:\n  pywrt-mcp" in capsys.readouterr().out


def test_parse_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--version"])
    assert capsys.readouterr().out.startswith("pywrt-mcp 0.")


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string"}, "123", "123"),
        ({"type": "integer"}, "123", 123),
        ({"type": "integer"}, "abc", "abc"),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "boolean"}, "true", True),
        ({"type": ["string", "integer"]}, "12", 12),
        ({"type": ["string", "integer"]}, "true", "true"),
        ({"type": ["string", "null"]}, "null", None),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, "[1]", [1]),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"enum": ["1", "2"]}, "1", "1"),
        ({}, "12", 12),
        (None, "plain text", "plain text"),
        (None, "[1, 2]", [1, 2]),
    ],
)
def test_argument_value_follows_the_schema(schema: Any, text: str, value: Any) -> None:
    assert argument_value(schema, text) == value


def test_tool_arguments_pairs_go_on_top_of_json() -> None:
    tool = Tool.parse("t", None, b'{"type": "object", "properties": {"a": {"type": "string"}}}')
    assert tool_arguments(tool, [("a", "1"), ("b", "2")], '{"a": "x", "c": 3}') == {"a": "1", "b": 2, "c": 3}


@pytest.mark.parametrize(("text", "message"), [("{", "--json: "), ("[]", "must be a JSON object")])
def test_tool_arguments_wrong_json_fails(text: str, message: str) -> None:
    with pytest.raises(Failure, match=message):
        tool_arguments(Tool.parse("t", None, b'{"type": "object"}'), [], text)


def test_call_unknown_tool_names_the_tools(toolbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", str(toolbox), "nope"]) == 1
    assert f"{toolbox} has no tool 'nope'; its tools: hash, calc" in capsys.readouterr().err


def test_call_with_json_and_schema_types(toolbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--arg", "rounds=100", "--json", '{"text": "abc"}']
    assert main(["call", str(toolbox), "hash", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["rounds"] == 100
    assert main(["call", str(toolbox), "hash", "--arg", "rounds=many", "--arg", "text=abc"]) == 5
    assert "arguments.rounds" in capsys.readouterr().err


def test_inspect_prints_what_is_offered(toolbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--fuel", "1000000", str(toolbox)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "toolbox 1.0.0"
    assert "    text (string): What to hash" in lines
    assert "    rounds (integer, optional)" in lines
    assert "    problem (required): What to solve" in lines
    assert lines[-1] == "limits: 64 MiB of memory, 30 s a call, fuel of 1000000 a call"


def test_inspect_json_is_json(toolbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--json", str(toolbox)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [tool["name"] for tool in report["tools"]] == ["hash", "calc"]
    assert report["resourceTemplates"][0]["uriTemplate"] == "example://table/{n}"
    assert "wasi:mcp/runtime@0.1.0-preview2" in report["imports"]
    assert report["limits"]["memoryBytes"] == 64 << 20


def test_load_failure_is_one_line_with_status_1(
    tmp_path: Path, mcp_component: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(tmp_path / "none.wasm")]) == 1
    assert capsys.readouterr().err == f"pywrt-mcp: {tmp_path}/none.wasm: No such file or directory\n"
    path = tmp_path / "server.wasm"
    path.write_bytes(mcp_component(extra_import="my:host/log@1.0.0"))
    assert main(["inspect", str(path)]) == 1
    assert "--allow-import 'my:host/*'" in capsys.readouterr().err
    path.write_bytes(mcp_component())
    assert main(["inspect", "--dir", str(tmp_path / "none"), str(path)]) == 1
    assert capsys.readouterr().err == f"pywrt-mcp: --dir {tmp_path}/none: No such file or directory\n"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # sparse
    assert main(["inspect", str(path)]) == 1
    assert "File too large, no WebAssembly: more than 1073741824 bytes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x is empty, not a WebAssembly component."),
        (b"hello\n", "x is text, not a WebAssembly component."),
        ("é\n".encode() * 3000, "x is text"),
        (b"(module)", "x is WebAssembly text (WAT)"),
        (b"package a:b;\nworld w {}", "x is text, by its looks WIT"),
        (b"#!/bin/sh\n", "x is a script"),
        (b"\x7fELF\2", "x is a native program (ELF)"),
        (b"PK\3\4", "x is a zip archive"),
        (b"\x93\x1f\x88" * 10, "x is binary data of an unknown kind"),
        (b"\0asm\2\0\0\0", "WebAssembly of a version that isn't supported"),
        (b"\0asm\1\0\0\0", "x is a core module, not a component; it exports no functions"),
        (b"\0asm\1\0\0\0\xff", "x is a core module, not a component, and a broken one: "),
        (b"\0asm\x0d\0\1\0\xff", "x is a component that can't be loaded: malformed section id: 255"),
        (b"\0asm\x0d\0\1\0", "It is a library that exports no functions"),
    ],
)
def test_identify_names_what_a_file_is(data: bytes, message: str) -> None:
    assert message in identify(data, "x")


def test_identify_core_command_says_how_to_run_it() -> None:
    module = (
        '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (func (export "_start")))'
    )
    told = identify(encode_module(parse_module(module)), "x")
    assert "a WASI preview 1 command. To run it: `wasmtime run x`" in told
    told = identify(encode_module(parse_module('(module (func (export "fib")))')), "x")
    assert "it exports `fib`" in told


def test_identify_command_http_and_library_components(mcp_component: Any) -> None:
    """The components of the tests export by interface; here they are looked at as what they would be."""
    told = identify(mcp_component(start_export=("wasi:cli/run@0.2.0", "run")), "x")
    assert "x is a command (wasi:cli/run), not an MCP server. To run it: `pywrt run x`" in told
    told = identify(mcp_component(start_export=("wasi:http/incoming-handler@0.2.0", "handle")), "x")
    assert "x is an HTTP component, not an MCP server" in told
    told = identify(mcp_component(start_export=("", "greet")), "x")
    assert "It is a library that exports" in told
    assert "`greet`" in told
