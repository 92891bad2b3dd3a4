"""`pywrt bindgen`: a typed Python module for a component."""

import argparse
import os
from typing import Any

from pywrt.api import Engine
from pywrt.bindgen.generator import generate
from pywrt.cli.files import COMPONENT, CommandError, load
from pywrt.cli.output import STDOUT, write_text
from pywrt.component import Component
from pywrt.errors import WasmError

_EXAMPLES = """\
examples:
  pywrt bindgen hello.wasm -o hello.py           then: from hello import instantiate
  pywrt bindgen app.component.wasm --name App    name the class of its exports
  pywrt bindgen hello.wasm | less                look at what it imports and exports

The module has a class for each record and each case of a variant, literal types for enums and flags, a
protocol for each interface, and `instantiate`, which loads the component and gives its exports. It passes
`mypy --strict`, and needs pywrt to run. See docs/bindings.md.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "bindgen",
        help="write a typed Python module for a component",
        description="Write a Python module with types for what a component imports and exports.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("path", metavar="FILE", help="the component")
    parser.add_argument("-o", "--output", metavar="FILE", default=STDOUT, help="where to write; - is stdout")
    parser.add_argument(
        "--name", help="the class of the component's exports; made of the file's name if not given"
    )
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    binary = load(options.path)
    if binary.kind != COMPONENT:
        raise CommandError(
            f"{binary.path}: this is a core module, whose functions take numbers only; `import pywrt.loader` "
            "makes Python import it as it is"
        )
    try:
        component = Component(Engine(), binary.data)
    except WasmError as error:
        raise binary.failed(error) from None
    file = os.path.basename(binary.path)
    write_text(options.output, generate(component.type, options.name or os.path.splitext(file)[0], file))
    return 0
