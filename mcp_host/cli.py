"""`pywrt-mcp`: a thin user of `McpHost`.

What belongs to MCP goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mcp_host.bindings.wasi_mcp import ToolResult
from mcp_host.config import show_size
from mcp_host.guest import NotAServer
from mcp_host.host import McpHost
from mcp_host.identify import identify
from mcp_host.options import parse
from mcp_host.protocol.errors import ProtocolError
from mcp_host.protocol.revisions import LATEST
from mcp_host.registry import Tool
from mcp_host.transports.stdio import claim_stdio, new_event_loop, open_stdio
from pywrt.cli.files import read_bytes
from pywrt.errors import InvalidError, MalformedError, WasmError

FAILED = 1
TOOL_ERROR = 5
INTERRUPTED = 130

_PYTHON_LEVELS = {"debug": 10, "info": 20, "notice": 20, "warning": 30, "error": 40}


class Failure(Exception):
    """What ends the program with a message and status 1."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `pywrt-mcp` with `arguments` (None: the process's); its exit status."""
    if sys.stderr is None:  # closed; print would fall back on standard output
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    options = parse(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(
        stream=sys.stderr,
        level=_PYTHON_LEVELS.get(options.log_level, 50),
        format="pywrt-mcp: %(message)s",
    )
    try:
        status = _ACTIONS[options.action](options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except Failure as failure:
        print(f"pywrt-mcp: {failure}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read standard output has gone
        _discard_output()
        return FAILED
    except OSError as error:  # of our own output: what is read reports its own
        _discard_output()
        print(f"pywrt-mcp: can't write the output: {error.strerror or error}", file=sys.stderr)
        return FAILED


def _discard_output() -> None:
    """Let the flush at the end of the process succeed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


# --- serve ------------------------------------------------------------------------------------------------


def serve(options: argparse.Namespace) -> int:
    """Serve MCP on standard input and output until the input ends."""
    with claim_stdio() as (inside, outside), asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(options, inside, outside))
    return 0


async def _serve(options: argparse.Namespace, inside: int, outside: int) -> None:
    interactive = os.isatty(inside)
    async with McpHost(options.config) as host:
        await _load(host, options.component)
        if interactive:
            _greet(host, options.component)
        transport = open_stdio(inside, outside)
        try:
            await host.serve(transport)
        finally:
            transport.close()


def _greet(host: McpHost, component: str) -> None:
    server = host.server
    print(
        f"{server.name} {server.version} is ready, with {_count(host)}.\n"
        "It waits for MCP messages on standard input, JSON on a line each; usually an MCP client starts it\n"
        "and sends them. End of input (Ctrl-D) stops it. To call a tool from here:\n"
        f"    pywrt-mcp call {component} TOOL --arg NAME=VALUE",
        file=sys.stderr,
    )


def _count(host: McpHost) -> str:
    counts = (
        (len(host.list_tools()), "tool"),
        (len(host.list_resources()), "resource"),
        (len(host.list_resource_templates()), "resource template"),
        (len(host.list_prompts()), "prompt"),
    )
    return ", ".join(f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in counts if n) or "nothing to offer"


# --- loading ----------------------------------------------------------------------------------------------


async def _load(host: McpHost, path: str) -> None:
    """Load the component, or end with a message that says what is wrong with the file."""
    try:
        data = read_bytes(path)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror or error}") from error
    # What loading makes lives as long as the process: the collector need not look at it again and again.
    gc.disable()
    try:
        with _progress(path, len(data)):
            await host.load_component(data, os.path.basename(path))
    except (NotAServer, MalformedError, InvalidError) as error:
        raise Failure(identify(data, path)) from error
    except WasmError as error:
        raise Failure(f"{path}: {error}") from error
    except OSError as error:
        where = f" {os.fsdecode(error.filename)}" if error.filename is not None else ""
        raise Failure(f"--dir{where}: {error.strerror or error}") from error
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _progress(path: str, size: int) -> Iterator[None]:
    """On a terminal, say after a second that the component is still being loaded, and for how long."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_show_progress, args=(path, size, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show_progress(path: str, size: int, done: threading.Event) -> None:
    begin = time.monotonic()
    shown = False
    while not done.wait(1.0):
        shown = True
        seconds = time.monotonic() - begin
        print(f"\rloading {path} ({size / 1e6:.1f} MB): {seconds:.0f} s", end="", file=sys.stderr, flush=True)
    if shown:
        print(file=sys.stderr)


# --- call -------------------------------------------------------------------------------------------------


def call(options: argparse.Namespace) -> int:
    """Call one tool and print its answer."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_call(options))


async def _call(options: argparse.Namespace) -> int:
    async with McpHost(options.config) as host:
        await _load(host, options.component)
        tools = {tool.name: tool for tool in host.list_tools()}
        tool = tools.get(options.tool)
        if tool is None:
            there = ", ".join(tools) or "none"
            raise Failure(f"{options.component} has no tool {options.tool!r}; its tools: {there}")
        try:
            result = await host.call_tool(tool.name, tool_arguments(tool, options.args, options.json))
        except ProtocolError as error:
            raise Failure(f"{tool.name}: {error.message}") from error
    _print_result(result)
    return TOOL_ERROR if result.is_error else 0


def tool_arguments(tool: Tool, pairs: Sequence[tuple[str, str]], encoded: str | None) -> dict[str, Any]:
    """The arguments from a JSON object, and `pairs` on top of it. Failure if the JSON is wrong."""
    arguments: dict[str, Any] = {}
    if encoded is not None:
        try:
            given = json.loads(encoded)
        except ValueError as error:
            raise Failure(f"--json: {error}") from error
        if not isinstance(given, dict):
            raise Failure("--json: the arguments must be a JSON object")
        arguments.update(given)
    properties = tool.input_schema.document.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    for name, text in pairs:
        arguments[name] = argument_value(known.get(name), text)
    return arguments


_JSON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": (int, float),
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


def argument_value(schema: Any, text: str) -> Any:
    """The value of `--arg NAME=text`: JSON if it is of a type that the schema takes, else the text.

    Where the schema says nothing of types, JSON if it is JSON.
    """
    types = _types(schema)
    if types == {"string"}:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not types:
        return value
    # A bool is an int to Python, but not to JSON Schema.
    fits = any(
        isinstance(value, _JSON_TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in types
        if name in _JSON_TYPES and name != "string"
    )
    return value if fits or "string" not in types else text


def _types(schema: Any) -> set[str]:
    """The types that a schema names, itself or in its alternatives."""
    if not isinstance(schema, Mapping):
        return set()
    named = schema.get("type", [])
    types = {named} if isinstance(named, str) else {one for one in named if isinstance(one, str)}
    for key in ("anyOf", "oneOf"):
        for one in schema.get(key) or ():
            if isinstance(one, Mapping) and isinstance(one.get("type"), str):
                types.add(one["type"])
    if not types and isinstance(schema.get("enum"), list) and all(isinstance(v, str) for v in schema["enum"]):
        types.add("string")
    return types


def _print_result(result: ToolResult) -> None:
    out = sys.stderr if result.is_error else sys.stdout
    for block in result.content:
        print(_plain(block), file=out)
    out.flush()


def _plain(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "text":
            return str(block["text"])
        case "image" | "audio":
            return f"[{block['type']}: {block['mimeType']}, {len(block['data'])} characters of base64]"
        case "resource":
            contents = block["resource"]
            return str(
                contents.get("text", f"[{contents['uri']}: {contents.get('mimeType', 'binary data')}]")
            )
        case _:
            return f"[{block.get('name')}: {block.get('uri')}]"


# --- inspect ----------------------------------------------------------------------------------------------


def inspect(options: argparse.Namespace) -> int:
    """Print what the component offers, imports and may use."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        report = runner.run(_inspect(options))
    if options.json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(report)))
    return 0


async def _inspect(options: argparse.Namespace) -> dict[str, Any]:
    async with McpHost(options.config) as host:
        await _load(host, options.component)
        registry, config = host.registry, options.config
        return {
            "server": registry.server.to_wire(LATEST),
            "instructions": registry.server.instructions,
            "capabilities": registry.capabilities(LATEST),
            "tools": [one.to_wire(LATEST) for one in registry.tools],
            "resources": [one.to_wire(LATEST) for one in registry.resources],
            "resourceTemplates": [one.to_wire(LATEST) for one in registry.templates],
            "prompts": [one.to_wire(LATEST) for one in registry.prompts],
            "imports": sorted(host.program.component.imports()),
            "exports": sorted(host.program.component.exports()),
            "limits": {
                "memoryBytes": config.memory_limit,
                "timeoutSeconds": config.execution_timeout,
                "fuel": config.fuel,
                "allowedImports": list(config.allowed_imports),
            },
        }


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    server, limits = report["server"], report["limits"]
    yield f"{server['name']} {server['version']}"
    if report["instructions"]:
        yield f"  {report['instructions']}"
    for tool in report["tools"]:
        yield f"tool {tool['name']}: {_summary(tool)}"
        schema = tool["inputSchema"]
        for name, property in (schema.get("properties") or {}).items():
            optional = "" if name in (schema.get("required") or ()) else ", optional"
            types = " or ".join(sorted(_types(property))) or "anything"
            yield f"    {name} ({types}{optional}){_about(property)}"
    for resource in report["resources"]:
        yield f"resource {resource['uri']}: {_summary(resource)}"
    for template in report["resourceTemplates"]:
        yield f"template {template['uriTemplate']}: {_summary(template)}"
    for prompt in report["prompts"]:
        yield f"prompt {prompt['name']}: {_summary(prompt)}"
        for argument in prompt.get("arguments") or ():
            required = "required" if argument.get("required") else "optional"
            yield f"    {argument['name']} ({required}){_about(argument)}"
    yield f"imports: {', '.join(report['imports']) or 'nothing'}"
    timeout = "no timeout" if limits["timeoutSeconds"] is None else f"{limits['timeoutSeconds']:g} s a call"
    fuel = "no fuel limit" if limits["fuel"] is None else f"fuel of {limits['fuel']} a call"
    yield f"limits: {show_size(limits['memoryBytes'])} of memory, {timeout}, {fuel}"


def _summary(item: Mapping[str, Any]) -> str:
    return str(item.get("description") or item.get("title") or item.get("name"))


def _about(item: Any) -> str:
    described = item.get("description") if isinstance(item, Mapping) else None
    return f": {described}" if described else ""


_ACTIONS = {"serve": serve, "call": call, "inspect": inspect}
