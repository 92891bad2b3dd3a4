"""`pywrt parse`: the text format to the binary format."""

import argparse
import os
from typing import Any

from pywrt.cli.files import UsageError, assemble, read_file
from pywrt.cli.output import STDOUT, write_bytes

_EXAMPLES = """\
examples:
  pywrt parse math.wat                          makes math.wasm
  pywrt parse math.wat -o build/out.wasm
  pywrt parse math.wat -o - | sha256sum         to standard output

What is made is not validated: `pywrt validate` does that. The names in the text are kept in name sections.
`pywrt print` makes text again.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "parse",
        help="make the binary format of a text",
        description="Make the binary format of a module or component in the text format.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE.wat", help="a module or component in the text format")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to write it, `-` for standard output (default: FILE.wasm)",
    )
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    output = default_output(options.file) if options.output is None else options.output
    if output != STDOUT and os.path.exists(output) and os.path.samefile(output, options.file):
        raise UsageError(f"{options.file}: this would be overwritten: name another file with -o")
    write_bytes(output, assemble(options.file, read_file(options.file)))
    return 0


def default_output(path: str) -> str:
    """The file beside `path` that its binary is written to: `.wasm` in place of `.wat`, or behind all."""
    stem, extension = os.path.splitext(path)
    return f"{stem if extension in ('.wat', '.wast') else path}.wasm"
