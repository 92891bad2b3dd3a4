"""`pywrt wit`: check a package of WIT, or take that of a component, and print it."""

import argparse
from typing import Any

from pywrt.api import Engine
from pywrt.cli.files import COMPONENT, MAGIC, Binary, CommandError, UsageError, read_bytes, text_error
from pywrt.cli.output import STDOUT, write_text
from pywrt.cli.sections import sections_of
from pywrt.component import Component
from pywrt.component.wit import component_wit
from pywrt.config import Config
from pywrt.errors import InvalidError, MalformedError, WasmError
from pywrt.wit.folder import resolve_folder
from pywrt.wit.gates import Features
from pywrt.wit.names import parse_version
from pywrt.wit.printer import print_package
from pywrt.wit.resolved import Wit

_EXAMPLES = """\
examples:
  pywrt wit app.wasm                    what a component imports and exports
  pywrt wit wit/                        a folder of *.wit, with its dependencies in wit/deps
  pywrt wit --deps wasi-0.2.12 cli/     what cli/ depends on is in the folders of wasi-0.2.12/
  pywrt wit --all wit/ -o whole.wit     one file that needs no others
  pywrt wit --check wit/                say only what is wrong
  pywrt wit --features fancy wit/       with what is unstable of that feature, which is left out otherwise

A folder is one package; so is a file. The output parses back to the same package. Comments that aren't doc
comments (`///`, `/** */`) are lost. A component's world is called `root`; the packages of its interfaces are
printed with it, as far as it uses them. Exits with 0 if the package is valid, else with 1.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "wit",
        help="check and print a package of WIT, or what a component says in WIT",
        description="Check a package of WIT, all names and types in it, and print it as one file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "path", metavar="FOLDER|FILE", help="the package: *.wit of a folder, one file, or a component"
    )
    parser.add_argument(
        "-d",
        "--deps",
        metavar="PATH",
        action="append",
        default=[],
        help="more dependencies: a folder of packages (each a folder or file), or one file; may be repeated",
    )
    parser.add_argument(
        "-f",
        "--features",
        metavar="NAMES",
        action="append",
        default=[],
        help="unstable features to keep, with commas between them or repeated; the others are left out",
    )
    parser.add_argument("--all-features", action="store_true", help="keep all unstable features")
    parser.add_argument(
        "--target", metavar="VERSION", default="", help="the package as it was in an earlier version"
    )
    parser.add_argument("-a", "--all", action="store_true", help="print the packages that it depends on, too")
    parser.add_argument("-c", "--check", action="store_true", help="print nothing but errors")
    parser.add_argument("-o", "--output", metavar="FILE", default=STDOUT, help="where to write; - is stdout")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    component = _component(options.path)
    wit = _resolve(options) if component is None else component
    if not options.check:
        others = [package for package in wit.packages.values() if package is not wit.package]
        nested = [package.syntax for package in others] if options.all or component is not None else []
        write_text(options.output, print_package(wit.package.syntax, nested))
    return 0


def _component(path: str) -> Wit | None:
    """The WIT of the component at `path`; None if it isn't a binary. CommandError if it has none."""
    try:
        data = read_bytes(path)
    except OSError:  # of a folder, say
        return None
    if not data.startswith(MAGIC):
        return None
    binary = Binary(path, data, False)
    try:
        if binary.kind != COMPONENT:
            raise CommandError(f"{path}: this is a core module{_hint(data)}: make a component of it first")
        return component_wit(Component(Engine(Config(eager_validation=False)), data).type)
    except WasmError as error:
        raise binary.failed(error) from None


def _hint(module: bytes) -> str:
    """What a core module has instead of WIT, as a clause."""
    names = [section.name for section in sections_of(module, 0, len(module), component=False)]
    if any(name.startswith('custom "component-type') for name in names):
        return ", with a `component-type` section for `wasm-tools component new`"
    return ", which has no WIT"


def _resolve(options: argparse.Namespace) -> Wit:
    """The package; CommandError if it can't be read or isn't valid."""
    path = options.path
    names = [name.strip() for listed in options.features for name in listed.split(",")]
    try:
        parse_version(options.target or "0.0.0")
    except ValueError as error:
        raise UsageError(f"--target {options.target}: {error}") from None
    try:
        return resolve_folder(path, options.deps, Features(names, options.all_features), options.target)
    except OSError as error:
        raise CommandError(f"{error.filename or path}: {error.strerror}") from None
    except (MalformedError, InvalidError) as error:
        if error.line is None:
            raise CommandError(str(error)) from None
        if error.source_line is not None and error.source_line.encode().startswith(MAGIC):
            raise CommandError(f"{error.file}: this is a binary; `pywrt wit` prints its WIT") from None
        raise text_error(path, error) from None
    except WasmError as error:
        raise CommandError(str(error)) from None
