"""The command line of `pywrt-mcp`: what can be said, and the configuration that it stands for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from mcp_host.config import DEFAULT_IMPORTS, SERVE_MODES, HostConfig
from mcp_host.protocol.revisions import LOG_LEVELS
from pywrt.cli.options import (
    add_cache_dir,
    parse_dir,
    parse_env,
    parse_fuel,
    parse_pair,
    parse_seconds,
    parse_size,
)
from pywrt.version import __version__

_SERVE_EXAMPLES = """\
examples:
  pywrt-mcp toolbox.wasm                          serve it over standard input and output
  pywrt-mcp --fuel 100000000 --timeout 5 --max-memory 32MiB toolbox.wasm
  pywrt-mcp --dir ./notes::/notes:ro --env LANG=en notes.wasm
  pywrt-mcp inspect toolbox.wasm                  what it offers and what it wants
  pywrt-mcp call toolbox.wasm calc --arg expression='2 * (3 + 4)'

in a client's configuration:
  {"mcpServers": {"toolbox": {"command": "pywrt-mcp", "args": ["/path/to/toolbox.wasm"]}}}

The component gets 64 MiB of memory and 30 s a call. It reaches no file, no environment variable and no
network unless an option opens it. What it prints goes to standard error.
"""

_CALL_EXAMPLES = """\
examples:
  pywrt-mcp call toolbox.wasm calc --arg expression='2 + 3'
  pywrt-mcp call toolbox.wasm hash --arg text=abc --arg rounds=100
  pywrt-mcp call toolbox.wasm hash --json '{"text": "abc", "algorithm": "sha1"}'

A value is taken as JSON where the tool's schema asks for something else than a string. Exit status: 0, 5 if
the tool reports an error (which is printed on standard error), 1 if it could not be called, 2 for a mistake
in the command line.
"""

_INSPECT_EXAMPLES = """\
examples:
  pywrt-mcp inspect toolbox.wasm
  pywrt-mcp inspect --json toolbox.wasm | jq '.tools[].name'
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n(see {self.prog} --help)\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, with `action` serve, call or inspect. SystemExit for mistakes, --help and --version."""
    if arguments and arguments[0] in ("call", "inspect"):
        action, rest = arguments[0], arguments[1:]
    else:
        action, rest = "serve", arguments
    parser = _PARSERS[action]()
    options = parser.parse_args(rest)
    options.action = action
    try:
        options.config = _config(options)
    except ValueError as error:
        parser.error(str(error))
    return options


def _serve_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pywrt-mcp",
        usage="pywrt-mcp [options] COMPONENT\n"
        "       pywrt-mcp call [options] COMPONENT TOOL [--arg NAME=VALUE ...]\n"
        "       pywrt-mcp inspect [options] COMPONENT",
        description="Serve a WebAssembly component as an MCP server over standard input and output.",
        epilog=_SERVE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pywrt-mcp {__version__}")
    return _with_common(parser)


def _call_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pywrt-mcp call",
        description="Call one tool of a component and print what it answers.",
        epilog=_CALL_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _with_common(parser)
    parser.add_argument("tool", metavar="TOOL", help="name of the tool")
    parser.add_argument(
        "--arg",
        dest="args",
        action="append",
        default=[],
        type=parse_pair,
        metavar="NAME=VALUE",
        help="an argument of the tool; may be repeated",
    )
    parser.add_argument("--json", metavar="OBJECT", help="the arguments as a JSON object")
    return parser


def _inspect_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pywrt-mcp inspect",
        description="Print what a component offers as an MCP server, what it imports, and its limits.",
        epilog=_INSPECT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return _with_common(parser)


_PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "serve": _serve_parser,
    "call": _call_parser,
    "inspect": _inspect_parser,
}


def _with_common(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("component", metavar="COMPONENT", help="a WebAssembly component (.wasm)")
    add = parser.add_argument
    add("--fuel", type=parse_fuel, metavar="N", help="fuel of one call, about an instruction each")
    add(
        "--timeout",
        type=parse_seconds,
        default=30.0,
        metavar="SECONDS",
        help="how long one call may take (default: 30; 0 for ever)",
    )
    add(
        "--max-memory",
        type=parse_size,
        default=64 << 20,
        metavar="SIZE",
        help="memory of the component, such as 512K, 64MiB, 1GiB (default: 64MiB)",
    )
    add(
        "--dir",
        dest="dirs",
        action="append",
        default=[],
        type=parse_dir,
        metavar="HOST[::GUEST][:ro]",
        help="open a directory to the component, as GUEST, or read-only with :ro; may be repeated",
    )
    add(
        "--env",
        action="append",
        default=[],
        type=parse_env,
        metavar="NAME=VALUE",
        help="an environment variable of the component; may be repeated",
    )
    add_cache_dir(parser)
    add(
        "--allow-import",
        dest="imports",
        action="append",
        default=[],
        metavar="PATTERN",
        help="allow imports such as 'my:host/*' besides wasi:*; what this host hasn't got traps when it is "
        "called; may be repeated",
    )
    add(
        "--serve",
        choices=SERVE_MODES,
        default="auto",
        help="what the component's call of `serve` does: return at once, park there, or what works (default)",
    )
    add(
        "--log-level",
        choices=LOG_LEVELS,
        default="warning",
        metavar="LEVEL",
        help=f"what is logged on standard error: {', '.join(LOG_LEVELS)} (default: warning)",
    )
    return parser


def _config(options: argparse.Namespace) -> HostConfig:
    return HostConfig(
        memory_limit=options.max_memory,
        execution_timeout=options.timeout,
        fuel=options.fuel,
        allowed_imports=(*DEFAULT_IMPORTS, *options.imports),
        serve=options.serve,
        dirs=tuple(options.dirs),
        env=dict(options.env),
        stdout=2,
        stderr=2,
        log_level=options.log_level,
        cache_dir=options.cache_dir,
    )
