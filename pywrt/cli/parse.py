"""`pywrt parse`: the text format to the binary format."""

import argparse
from typing import Any

from pywrt.cli.files import CommandError, assemble, read_file

_EXAMPLES = """\
examples:
  pywrt parse math.wat -o math.wasm

The module is not validated: `pywrt validate` does that. The names in the text are kept in a name section.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "parse",
        help="make the binary format of a text module",
        description="Make the binary format of a core module in the text format.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE.wat", help="a module in the text format")
    parser.add_argument("-o", "--output", metavar="FILE.wasm", required=True, help="where to write it")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    data = assemble(options.file, read_file(options.file))
    try:
        with open(options.output, "wb") as file:
            file.write(data)
    except OSError as error:
        raise CommandError(f"{options.output}: {error.strerror}") from None
    return 0
