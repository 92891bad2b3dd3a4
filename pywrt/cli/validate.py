"""`pywrt validate`: say what is wrong with files, and nothing if nothing is."""

import argparse
import os
import sys
from typing import Any

from pywrt.api import Engine, Module
from pywrt.cli.files import COMPONENT, CommandError, load
from pywrt.component import Component
from pywrt.errors import WasmError

_EXAMPLES = """\
examples:
  pywrt validate app.wasm && echo fine
  pywrt validate build/*.wasm test.wat

Prints nothing and exits with 0 if all files are valid; else an error for each that isn't, and 1.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "validate",
        help="check modules and components",
        description="Check modules (binary or text) and components (binary).",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a module or component")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    failed = False
    for path in options.files:
        try:
            validate(path)
        except CommandError as error:
            failed = True
            print(f"pywrt: {error}", file=sys.stderr)
    return 1 if failed else 0


def validate(path: str) -> None:
    """CommandError if the file is no valid module or component."""
    binary = load(path)
    make = Component if binary.kind == COMPONENT else Module
    try:
        make(Engine(), binary.data, os.path.basename(path))
    except WasmError as error:
        raise binary.failed(error) from None
