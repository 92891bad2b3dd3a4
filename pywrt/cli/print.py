"""`pywrt print`: the binary format to the text format, of a module or a component."""

import argparse
from typing import Any

from pywrt.cli.files import COMPONENT, Binary, load
from pywrt.cli.output import STDOUT, write_text
from pywrt.cli.sections import find_core_module
from pywrt.component.text import print_component
from pywrt.config import ALL_FEATURES
from pywrt.errors import WasmError
from pywrt.wasm.binary import decode_module
from pywrt.wasm.text.printer import print_module

_EXAMPLES = """\
examples:
  pywrt print app.wasm | less
  pywrt print app.wasm -o app.wat && pywrt parse app.wat
  pywrt print app.component.wasm                a component, with the core modules in it
  pywrt print app.component.wasm --module 0     its first core module alone

Names come from the name section; other custom sections are printed as annotations, so that `pywrt parse`
gives the same back. What is printed need not be valid, only its bytes must decode.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "print",
        help="print a module or component in the text format",
        description="Print a core module, a component, or one of its core modules in the text format.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="a module or component, binary or text")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE.wat",
        default=STDOUT,
        help="where to write it (default: standard output)",
    )
    add_module_option(parser)
    parser.set_defaults(handler=run)


def add_module_option(parser: argparse.ArgumentParser) -> None:
    """Declare --module, by which a core module of a component is chosen."""
    parser.add_argument(
        "-m",
        "--module",
        metavar="N",
        type=int,
        help="core module N of a component, counted from 0 as `pywrt objdump` lists them",
    )


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    binary = load(options.file)
    try:
        text = _text(binary, options.module)
    except WasmError as error:
        raise binary.failed(error) from None
    write_text(options.output, text)
    return 0


def _text(binary: Binary, module: int | None) -> str:
    """The file, or core module number `module` of the component that it is."""
    if binary.kind == COMPONENT and module is None:
        return print_component(binary.data)
    start, end = find_core_module(binary, module)
    return print_module(decode_module(binary.data, start, end, features=ALL_FEATURES))
