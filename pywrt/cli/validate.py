"""`pywrt validate`: a line for each file that says whether it is valid, and what is wrong with it."""

import argparse
import os
import sys
from typing import Any

from pywrt.api import Engine, Module
from pywrt.cli.features import FEATURES_HELP, parse_features
from pywrt.cli.files import COMPONENT, Binary, CommandError, load
from pywrt.component import Component
from pywrt.config import DEFAULT_FEATURES, Config
from pywrt.errors import WasmError

_EXAMPLES = """\
examples:
  pywrt validate app.wasm && echo fine
  pywrt validate build/*.wasm test.wat
  pywrt validate --features all,-threads new.wat

Prints a line for each file that is valid, on standard output, and an error for each that isn't, on standard
error. Exits with 0 if all are valid, else with 1.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "validate",
        help="check modules and components",
        description="Check modules and components, binary or text.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a module or component")
    parser.add_argument(
        "--features", metavar="LIST", type=parse_features, default=DEFAULT_FEATURES, help=FEATURES_HELP
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing about files that are valid")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    engine = Engine(Config(features=options.features))
    failed = False
    for path in options.files:
        try:
            binary = validate(path, engine)
        except CommandError as error:
            failed = True
            sys.stdout.flush()  # so that the two come in order where they go to the same place
            print(f"pywrt: {error}", file=sys.stderr)
        else:
            if not options.quiet:
                print(f"{path}: valid {binary.kind}")
    return 1 if failed else 0


def validate(path: str, engine: Engine) -> Binary:
    """The file; CommandError if it is no valid module or component."""
    binary = load(path)
    make = Component if binary.kind == COMPONENT else Module
    try:
        make(engine, binary.data, os.path.basename(path))
    except WasmError as error:
        raise binary.failed(error) from None
    return binary
