"""The real program over pipes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


def call(id: int, tool: str, **arguments: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


def run(*arguments: str, lines: list[Any] | None = None) -> subprocess.CompletedProcess[str]:
    """Run pywrt-mcp with some messages as its whole input."""
    given = "".join(json.dumps(line) + "\n" if not isinstance(line, str) else line for line in lines or [])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "mcp_host", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


def answers(done: subprocess.CompletedProcess[str]) -> dict[Any, Any]:
    return {message.get("id"): message for message in map(json.loads, done.stdout.splitlines())}


def test_process_answers_everything_before_the_end_of_input(toolbox: Path) -> None:
    done = run(
        str(toolbox),
        lines=[INITIALIZE, call(2, "hash", text="abc", rounds=100), call(3, "calc", expression="6*7")],
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = answers(done)
    assert found[1]["result"]["serverInfo"]["name"] == "toolbox"
    assert "45b9d3cf" in found[2]["result"]["content"][0]["text"]
    assert found[3]["result"]["content"][0]["text"] == "42"


def test_process_without_input_ends_cleanly(toolbox: Path) -> None:
    done = run(str(toolbox))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_process_last_line_without_newline_is_served(toolbox: Path) -> None:
    done = run(str(toolbox), lines=[json.dumps(INITIALIZE)])
    assert answers(done)[1]["result"]["protocolVersion"] == "2025-11-25"


def test_process_tool_timeout_is_a_result_and_the_server_goes_on(toolbox: Path) -> None:
    long = call(2, "hash", text="abc", rounds=1_000_000)
    done = run("--timeout", "0.3", str(toolbox), lines=[INITIALIZE, long, call(3, "calc", expression="6*7")])
    found = answers(done)
    assert found[2]["result"]["isError"] is True
    assert found[2]["result"]["content"][0]["text"] == "The tool 'hash' timed out after 0.3 s"
    assert found[3]["result"]["content"][0]["text"] == "42"
    assert "deadline exceeded" in done.stderr


def test_process_fuel_limit_is_a_result(toolbox: Path) -> None:
    lines = [INITIALIZE, call(2, "hash", text="abc", rounds=1000), call(3, "calc", expression="6*7")]
    found = answers(run("--fuel", "100000", str(toolbox), lines=lines))
    assert found[2]["result"]["content"][0]["text"] == "The tool 'hash' used up its fuel of 100000"
    assert found[3]["result"]["content"][0]["text"] == "42"


def test_process_call_prints_text_and_gives_the_status(toolbox: Path) -> None:
    done = run("call", str(toolbox), "calc", "--arg", "expression=2 * (3 + 4) ^ 2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "98\n", "")
    done = run("call", str(toolbox), "calc", "--arg", "expression=2 *")
    assert (done.returncode, done.stdout) == (5, "")
    assert "column 4: expected a number" in done.stderr


def test_process_output_of_the_component_never_meets_the_wire(shared_components: Path) -> None:
    """QuickJS's runtime prints on standard error when an exception is not caught."""
    found = run(
        str(shared_components / "qjs-mcp-sync.wasm"),
        lines=[INITIALIZE, call(2, "primes", n=-1), call(3, "add", a=1, b=2)],
    )
    messages = answers(found)
    assert messages[2]["result"]["isError"] is True
    assert messages[3]["result"]["content"][0]["text"] == "3"
    assert "invalid array index" in found.stderr


def test_process_guest_output_on_stdout_goes_to_stderr(tmp_path: Path, mcp_component: Any) -> None:
    path = tmp_path / "server.wasm"
    # the tool writes its own name
    write = "(call $write (call $get-stdout) (local.get $name) (i32.const 4) (i32.const 4096)) (call $answer)"
    path.write_bytes(mcp_component(prints=True, call=write))
    done = run(str(path), lines=[INITIALIZE, call(2, "fine")])
    assert answers(done)[2]["result"]["content"][0]["text"] == "fine"
    assert (len(done.stdout.splitlines()), done.stderr) == (2, "fine")


def test_process_end_of_input_leaves_no_call_unanswered(tmp_path: Path, mcp_component: Any) -> None:
    """Together the calls take longer than one may."""
    path = tmp_path / "server.wasm"
    path.write_bytes(mcp_component())
    lines = [INITIALIZE, call(2, "loop"), call(3, "loop"), call(4, "loop"), call(5, "fine")]
    done = run("--timeout", "0.3", str(path), lines=lines)
    found = answers(done)
    assert [found[id]["result"]["isError"] for id in (2, 3, 4, 5)] == [True, True, True, False]
    assert done.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_process_with_closed_stderr_serves(toolbox: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "mcp_host", str(toolbox)],
        input=json.dumps(INITIALIZE) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert json.loads(done.stdout)["id"] == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("inspect",), ("call", "calc", "--arg", "expression=1")])
def test_process_whose_output_cannot_be_written_says_so(toolbox: Path, arguments: tuple[str, ...]) -> None:
    command, *rest = arguments
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mcp_host", command, str(toolbox), *rest],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"pywrt-mcp: can't write the output: No space left on device\n"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals (POSIX)")
def test_process_on_a_terminal_says_what_it_waits_for(toolbox: Path) -> None:
    outer, inner = os.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_host", str(toolbox)],
        stdin=inner,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    os.close(inner)
    assert process.stderr is not None
    first = process.stderr.readline().decode()
    assert first == "toolbox 1.0.0 is ready, with 2 tools, 1 resource, 1 resource template, 1 prompt.\n"
    os.write(outer, b"\x04")  # Ctrl-D
    assert process.wait(30) == 0
    process.stderr.close()
    assert process.stdout is not None
    process.stdout.close()
    os.close(outer)


def test_embed_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "embed.py")],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert done.stdout == "hash: Hash a text\ncalc: Calculate\n98\n"


AUDIT = """
import asyncio, sys
from mcp_host import HostConfig, McpHost
from mcp_host.transports.stdio import new_event_loop

async def main():
    async with McpHost(HostConfig(fuel=1000000)) as host:
        await host.load_component(sys.argv[1])
        print((await host.call_tool("calc", {"expression": "1 + 1"})).text)
        print((await host.call_tool("hash", {"text": "x", "rounds": 10000})).text)
        print((await host.call_tool("calc", {"expression": "1 + 2"})).text)

events = []
with asyncio.Runner(loop_factory=new_event_loop) as runner:
    loop = runner.get_loop()
    watched = ("exec", "compile", "import")
    sys.addaudithook(lambda event, args: events.append(event) if event in watched else None)
    runner.run(main())
print(events)
"""


def test_host_compiles_and_imports_nothing_while_a_component_runs(toolbox: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, str(toolbox)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert done.stdout == "2\nThe tool 'hash' used up its fuel of 1000000\n3\n[]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_process_interrupted_during_a_call_ends_at_once(toolbox: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_host", str(toolbox)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(INITIALIZE) + "\n")
    process.stdin.write(json.dumps(call(2, "hash", text="abc", rounds=1_000_000)) + "\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["id"] == 1
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    assert [json.loads(line)["method"] for line in out.splitlines()] in ([], ["notifications/message"])
