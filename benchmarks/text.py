"""The text format against the official suite: modules that print and parse, errors that have a place."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, NamedTuple

from benchmarks.figures import Tally, tally
from benchmarks.process import shared
from pywrt.config import ALL_FEATURES
from pywrt.errors import MalformedError, WasmError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.binary.instructions import read_instruction, skip_expr
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.module import Code, Expr, Module
from pywrt.wasm.opcodes import OPCODES
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.printer import print_module
from pywrt.wasm.text.script import Command, ModuleSource, parse_script
from spectests.scripts import find_scripts


class Source(NamedTuple):
    """A module of a script, and where its command is."""

    place: str  # path:line
    command: Command
    source: ModuleSource


class Checked(NamedTuple):
    """How many checks passed, of how many, and what failed where."""

    passed: int
    total: int
    failures: tuple[str, ...]


def sources(path: str) -> Iterator[Source]:
    """All modules of the scripts in `path`, those of assertions included."""
    for script in find_scripts([path]):
        with open(script.path, "rb") as file:
            commands = parse_script(file.read())
        for command in commands:
            for field in fields(command):
                value = getattr(command, field.name)
                if isinstance(value, ModuleSource):
                    yield Source(f"{script.path}:{command.line}", command, value)


def summed(results: Iterable[tuple[str, str]]) -> Checked:
    """The sum of `results`, which are places and problems (empty for none)."""
    total = 0
    failures = []
    for place, problem in results:
        total += 1
        if problem:
            failures.append(f"{place}: {problem}")
    return Checked(total - len(failures), total, tuple(failures))


# Print, then parse


def round_trips(path: str, every: int = 1) -> Checked:
    """Whether each module that parses prints and parses again to the same binary; `every`-th ones only."""
    return summed(_round_trips(path, every))


def _round_trips(path: str, every: int) -> Iterator[tuple[str, str]]:
    for number, (place, _, source) in enumerate(sources(path)):
        if number % every == 0:
            binary = _binary(source)
            module = None if binary is None else _decoded(binary)
            if module is not None:
                yield place, round_trip(module)


def _binary(source: ModuleSource) -> bytes | None:
    """The module's file; None if its text does not parse."""
    if source.kind == "binary":
        return source.binary
    try:
        return encode_module(source.parse())
    except WasmError:
        return None


def _decoded(binary: bytes) -> Module | None:
    """The module, with every instruction read once; None if it is malformed."""
    try:
        module = decode_module(binary, features=ALL_FEATURES)
        for code in module.code:
            _check_body(code.expr, module.data_count is not None)
    except WasmError:
        return None
    return module


def round_trip(module: Module) -> str:
    """What is not the same when `module` is printed and parsed again; empty if all is."""
    try:
        text = print_module(module)
    except WasmError as error:
        return f"does not print: {type(error).__name__}: {error}"
    try:
        again = encode_module(parse_module(text))
    except WasmError as error:
        return f"what is printed does not parse: {error}"
    before = encode_module(module)
    if again == before:
        return ""
    # A text can't say how long an encoding of a number is, nor how runs of locals are divided.
    if canonical(module) == canonical(decode_module(again, features=ALL_FEATURES)):
        return ""
    at = next((i for i, (a, b) in enumerate(zip(before, again, strict=False)) if a != b), len(before))
    return f"{len(before)} bytes become {len(again)}, which differ from offset 0x{at:x} on"


_NEED_DATA_COUNT = frozenset(op.mnemonic for op in OPCODES if "dataidx" in op.immediates)


def _check_body(expr: Expr, has_data_count: bool) -> None:
    """MalformedError if the bytes are not one expression, or name a data segment without a data count."""
    reader = Reader(expr.data, expr.start, expr.end)
    skip_expr(reader)
    if reader.pos != expr.end:
        raise MalformedError("END opcode expected", offset=reader.pos)
    if not has_data_count and any(mnemonic in _NEED_DATA_COUNT for mnemonic, _ in _instructions(expr)):
        raise MalformedError("data count section required", offset=expr.start)


def _instructions(expr: Expr) -> tuple[Any, ...]:
    """An expression without how its numbers are encoded."""
    reader = Reader(expr.data, expr.start, expr.end)
    found = []
    while reader.pos < reader.end:
        opcode, immediates = read_instruction(reader)
        found.append((opcode.mnemonic, immediates))
    return tuple(found)


def _locals(code: Code) -> list[tuple[int, str]]:
    """Runs of locals, joined where two follow each other."""
    runs: list[tuple[int, str]] = []
    for count, valtype in code.locals:
        if runs and runs[-1][1] == str(valtype):
            runs[-1] = (runs[-1][0] + count, runs[-1][1])
        elif count:
            runs.append((count, str(valtype)))
    return runs


def canonical(module: Module) -> list[Any]:
    """A module as what its text says, to compare."""

    def plain(value: Any) -> Any:
        if isinstance(value, Expr):
            return _instructions(value)
        if isinstance(value, Code):
            return _locals(value), _instructions(value.expr)
        if hasattr(value, "__dataclass_fields__"):
            if hasattr(value, "data") and hasattr(value, "mode"):
                return value.mode, value.memory, plain(value.offset), bytes(value)
            return [plain(getattr(value, field.name)) for field in fields(value)]
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    parts = {field.name: getattr(module, field.name) for field in fields(module)}
    return [plain(list(part) if name == "code" else part) for name, part in parts.items()]


# Places of errors


def malformed_places(path: str) -> Checked:
    """Whether the error of each malformed text says a line and column inside that text."""
    return summed(_malformed_places(path))


def _malformed_places(path: str) -> Iterator[tuple[str, str]]:
    for place, command, source in sources(path):
        if type(command).__name__.startswith("AssertMalformed") and source.kind != "binary":
            problem = _misplaced(command, source)
            if problem is not None:
                yield place, problem


def _misplaced(command: Command, source: ModuleSource) -> str | None:
    """What is wrong with the place of the error that parsing `source` gives; empty if nothing is.

    None if it parses: what is wrong with it then is for the features that it may use to say.
    """
    try:
        encode_module(source.parse())
    except MalformedError as error:
        line, column = error.line, error.column
        if line is None or column is None:
            return f"no line and column: {error}"
        if source.kind == "quote":
            lines = source.binary.decode(errors="replace").split("\n")
            first = 1
        else:
            lines = [error.source_line or ""] * line  # the script's own, which begins with other commands
            first = command.line
        if not first <= line <= len(lines):
            return f"line {line} is not among lines {first} to {len(lines)}: {error.message}"
        if not 1 <= column <= len(lines[line - 1]) + 1:
            return f"column {column} is not in line {line}: {error.message}"
        if error.source_line != lines[line - 1]:
            return f"line {line} is not {error.source_line!r}"
        return ""
    except WasmError as error:
        return f"{type(error).__name__} in place of MalformedError: {error}"
    return None


# For the bars


@functools.cache
def _core() -> str:
    return str(shared("suites", "core"))


def print_and_parse() -> Tally:
    """Modules of the official suite that print and parse to the same binary."""
    checked = round_trips(_core())
    return tally(checked.failures, checked.total)


def error_places() -> Tally:
    """Malformed texts of the official suite whose errors have a place in them."""
    checked = malformed_places(_core())
    return tally(checked.failures, checked.total)
