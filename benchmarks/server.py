"""`pywrt-mcp` with the example component over stdio, beside a native MCP server in the same run."""

import functools
import importlib.metadata
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.client import Client
from benchmarks.figures import Failed, NotMeasured, percentile, timed
from benchmarks.process import EXAMPLE, ROOT, console_script, python, run

STARTS = 7
CALLS = 400
CHUNK = 40
PINGS = 100

#: Takes hours: it is there to be cancelled.
LONG_CALL = {"name": "hash", "arguments": {"text": "abc", "rounds": 10**9}}


@dataclass(frozen=True, slots=True)
class ServerFigures:
    """Seconds: start to the answer of initialize, median; round trips of tools/call."""

    start: float
    call_median: float
    call_p95: float


def ours() -> list[str]:
    return console_script("mcp_host.cli", str(EXAMPLE))


def native_version() -> str:
    """The version of the official library; NotMeasured where it is absent or has no `MCPServer` yet."""
    try:
        version = importlib.metadata.version("mcp")
    except importlib.metadata.PackageNotFoundError:
        raise NotMeasured("the mcp library is not installed (extra `interop`)") from None
    if version.startswith("1."):
        raise NotMeasured(f"mcp {version} is installed, 2 is needed")
    return version


def native() -> list[str]:
    native_version()
    return python(str(ROOT / "benchmarks" / "native_server.py"))


def peers() -> dict[str, list[str]]:
    """Name -> command; without the native server where it can't run."""
    try:
        return {"pywrt-mcp": ours(), "native": native()}
    except NotMeasured:
        return {"pywrt-mcp": ours()}


def calculate(client: Client) -> float:
    """Seconds of one tools/call, whose answer is checked."""
    seconds, answer = timed(lambda: client.call("calc", expression="2+3"))
    if answer != "5":
        raise Failed(f"calc answered {answer!r}")
    return seconds


def start_seconds(command: Sequence[str]) -> float:
    with Client(command) as client:
        return client.start_seconds


@functools.cache
def compare() -> dict[str, ServerFigures]:
    """Both servers in turn: STARTS starts each, then CALLS calls in chunks while both run."""
    commands = peers()
    starts: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        start_seconds(command)  # leaves .pyc files, and what it reads in the system's cache
    for _ in range(STARTS):
        for name, command in commands.items():
            starts[name].append(start_seconds(command))
    calls: dict[str, list[float]] = {name: [] for name in commands}
    clients = {name: Client(command) for name, command in commands.items()}
    try:
        for client in clients.values():
            for _ in range(CHUNK):
                calculate(client)
        for _ in range(CALLS // CHUNK):
            for name, client in clients.items():
                calls[name] += [calculate(client) for _ in range(CHUNK)]
    finally:
        for client in clients.values():
            client.close()
    return {
        name: ServerFigures(
            statistics.median(starts[name]), statistics.median(calls[name]), percentile(calls[name], 95)
        )
        for name in commands
    }


def own() -> ServerFigures:
    return compare()["pywrt-mcp"]


def round_trip_ratio() -> float:
    """Our round trip's median, as a multiple of the native server's."""
    native()
    figures = compare()
    return figures["pywrt-mcp"].call_median / figures["native"].call_median


@functools.cache
def ping_p95() -> float:
    """Seconds of a ping while a tool runs, 95th percentile. The tool is then cancelled, another called."""
    with Client(ours()) as client:
        call = client.send("tools/call", LONG_CALL)
        time.sleep(0.2)
        pings = []
        for _ in range(PINGS):
            pings.append(timed(lambda: client.request("ping", {}))[0])
            time.sleep(0.005)
        client.notify("notifications/cancelled", {"requestId": call, "reason": "measured"})
        calculate(client)
    return percentile(pings, 95)


def first_result_seconds() -> float:
    """`pywrt-mcp call` with one tool of the example: from process start to its end."""
    command = console_script("mcp_host.cli", "call", str(EXAMPLE), "calc", "--arg", "expression=2+3")
    seconds = []
    for _ in range(STARTS):
        elapsed, output = run(command)
        if output.strip() != "5":
            raise Failed(f"calc answered {output!r}")
        seconds.append(elapsed)
    return statistics.median(seconds[1:])


def report() -> None:
    """Print a table of both servers."""
    figures = compare()
    mine, theirs = figures["pywrt-mcp"], figures.get("native")
    heading = f"native (mcp {native_version()})" if theirs else "no native server"
    print(f"{'MCP server over stdio, ms':32} {'pywrt-mcp':>10} {heading:>22} {'ratio':>8}")
    for name, field in (
        ("process start to initialize", "start"),
        ("tools/call, median", "call_median"),
        ("tools/call, p95", "call_p95"),
    ):
        value = getattr(mine, field)
        line = f"  {name:30} {value * 1e3:10.2f}"
        if theirs is not None:
            peer = getattr(theirs, field)
            line += f" {peer * 1e3:22.2f} {peer / value:7.2f}x"
        print(line)
    print(f"  {'ping during a long call, p95':30} {ping_p95() * 1e3:10.2f}")
