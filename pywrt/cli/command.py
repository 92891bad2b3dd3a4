"""The command line as a whole: subcommands, messages, exit statuses.

| status | |
|---|---|
| 0 | success; or the guest's own status |
| 1 | failure: a file that can't be read or isn't valid, a missing import, output that nobody reads |
| 2 | arguments that don't make sense |
| 130 | interrupted from the keyboard |
| 134 | the guest trapped |
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from pywrt.cli import bindgen, compose, inspect, objdump, parse, run, validate, wit
from pywrt.cli import print as print_text
from pywrt.cli.files import CommandError
from pywrt.version import __version__

_COMMANDS = {
    "run": run,
    "validate": validate,
    "parse": parse,
    "print": print_text,
    "objdump": objdump,
    "inspect": inspect,
    "wit": wit,
    "bindgen": bindgen,
    "compose": compose,
}

_EXAMPLES = """\
examples:
  pywrt run hello.wasm one two                  run a command component
  pywrt run --invoke greet app.wasm World       call an export
  pywrt validate build/*.wasm                   check files
  pywrt parse math.wat -o math.wasm             text to binary
  pywrt print math.wasm                         binary to text
  pywrt objdump -d add math.wasm                the code of a function
  pywrt inspect app.wasm                        what is it, what does it need?
  pywrt wit wit/                                check interfaces, and print them
  pywrt bindgen app.wasm -o app.py              a typed Python module for a component
  pywrt compose app.wasm --plug log.wasm -o all.wasm

`pywrt COMMAND --help` has more. An MCP server is run with `pywrt-mcp FILE`.
Exit status: 0 success, 1 failure, 2 usage, 134 trap; of `run`, the guest's.
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; a subcommand's `handler` is what to call."""
    parser = argparse.ArgumentParser(
        prog="pywrt",
        description="Run and examine WebAssembly components and modules.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pywrt {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS.values():
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (None: this process's) and return the exit status.

    SystemExit for --help, --version and what argparse refuses, as argparse does it.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser()
    if arguments and arguments[0] not in _COMMANDS and os.path.isfile(arguments[0]):
        parser.error(f"which command? To run {arguments[0]}: pywrt run {' '.join(arguments)}")
    try:
        # Names in a file may have characters that the terminal's encoding hasn't.
        with suppress(AttributeError, ValueError):
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        options = parser.parse_args(arguments)
        status: int = options.handler(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except CommandError as error:
        print(f"pywrt: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:  # of our own output: files that are read report theirs
        _discard_output()
        print(f"pywrt: can't write the output: {error.strerror or error}", file=sys.stderr)
        return 1


def _discard_output() -> None:
    """Let the flush at the end of the process succeed."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
