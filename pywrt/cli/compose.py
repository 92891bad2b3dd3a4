"""`pywrt compose`: components that serve each other, to one component."""

import argparse
import os
from typing import Any

from pywrt.api import Engine
from pywrt.cli.files import COMPONENT, CommandError, UsageError, load
from pywrt.cli.output import STDOUT, write_bytes
from pywrt.component.compose import Part, compose
from pywrt.config import Config
from pywrt.errors import LinkError, WasmError

_EXAMPLES = """\
examples:
  pywrt compose app.wasm --plug log.wasm -o whole.wasm
  pywrt compose app.wasm --plug log.wasm --plug store.wasm -o whole.wasm

What the plugs export takes the place of what the first component imports; versions of interfaces match as
semver says. The result exports what that one does, and imports what is left, what the plugs import included.
It nests the components as they are: `pywrt wit` shows what it needs, `pywrt validate` checks all of it.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "compose",
        help="make one component of several that serve each other's imports",
        description="Make one component of several: plugs export what the first one imports.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="the component whose imports are to be served")
    parser.add_argument(
        "--plug",
        metavar="FILE",
        action="append",
        required=True,
        help="a component that exports what it imports; may be repeated",
    )
    parser.add_argument("-o", "--output", metavar="FILE", default=STDOUT, help="where to write; - is stdout")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    for path in (options.file, *options.plug):
        if _is_same_file(path, options.output):
            raise UsageError(f"{path}: this would be overwritten: name another file with -o")
    engine = Engine(Config(eager_validation=False))
    socket = _part(engine, options.file)
    plugs = [_part(engine, path) for path in options.plug]
    try:
        composed = compose(engine, socket, plugs)
    except LinkError as error:
        raise CommandError(error.message) from None
    write_bytes(options.output, composed)
    return 0


def _is_same_file(path: str, output: str) -> bool:
    there = output != STDOUT and os.path.exists(output) and os.path.exists(path)
    return there and os.path.samefile(output, path)


def _part(engine: Engine, path: str) -> Part:
    """The component in a file; CommandError if there is none."""
    binary = load(path)
    if binary.kind != COMPONENT:
        raise CommandError(f"{path}: this is a core module: make a component of it first")
    try:
        return Part(engine, binary.data, path)
    except WasmError as error:
        raise binary.failed(error) from None
