"""The text format of components: those of the official suite, and real ones, print and parse to the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Tally, tally
from benchmarks.process import shared
from benchmarks.text import Checked, canonical, summed
from pywrt.component.decoder import decode_component
from pywrt.component.modules import module_type
from pywrt.component.tables import PREAMBLE
from pywrt.component.text import parse_component, print_component
from pywrt.component.text.script import ComponentSource, parse_script
from pywrt.component.types import ModuleType
from pywrt.config import ALL_FEATURES
from pywrt.errors import InvalidError, WasmError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.text.script import AssertTrap
from spectests.scripts import find_scripts

#: Larger files are left out: their text has a hundred megabytes.
MAX_FILE = 2 << 20


def suite_components(path: str) -> Iterator[tuple[str, bytes]]:
    """The components of the scripts in `path` that have a text: places and files.

    Left out are what is malformed, and what is given as an invalid file: a text need not have words for it.
    """
    for script in find_scripts([path]):
        for command in parse_script(Path(script.path).read_bytes()):
            source = command.action if isinstance(command, AssertTrap) else getattr(command, "source", None)
            if isinstance(source, ComponentSource):
                try:
                    binary = source.encode()
                    if source.kind == "binary":
                        _decoded(binary)
                except WasmError:
                    continue
                yield f"{script.path}:{command.line}", binary


def real_components(folder: str, max_size: int = MAX_FILE) -> Iterator[tuple[str, bytes]]:
    """The components in a folder, as far as they are no larger."""
    for path in sorted(Path(folder).glob("*.wasm")):
        if path.stat().st_size <= max_size and (binary := path.read_bytes()).startswith(PREAMBLE):
            yield str(path), binary


def round_trips(components: Iterator[tuple[str, bytes]]) -> Checked:
    """Whether each of them prints, and parses to the same."""
    return summed((place, round_trip(binary)) for place, binary in components)


def round_trip(binary: bytes) -> str:
    """What is not the same when a component is printed and parsed again; empty if all is."""
    try:
        text = print_component(binary)
    except WasmError as error:
        return f"does not print: {type(error).__name__}: {error}"
    try:
        again = parse_component(text)
    except WasmError as error:
        return f"what is printed does not parse: {error}"
    if again == binary:
        return ""
    if parse_component(print_component(again)) != again:
        return "what is parsed prints as something else"
    # A text can't say how long an encoding of a number is, nor how sections are divided.
    try:
        same = alike(_decoded(binary), _decoded(again))
    except InvalidError as error:
        return f"{len(binary)} bytes become {len(again)}, of a component that is invalid: {error}"
    return "" if same else f"{len(binary)} bytes become {len(again)}, which mean something else"


def _decoded(binary: bytes) -> Any:
    return decode_component(binary, _compile, ALL_FEATURES)


def _compile(data: bytes, start: int, end: int) -> tuple[Any, ModuleType]:
    module = decode_module(data, start, end, features=ALL_FEATURES)
    without_empty_sections = decode_module(encode_module(module), features=ALL_FEATURES)
    return canonical(without_empty_sections), module_type(module)


def alike(left: Any, right: Any) -> bool:
    """Whether two structures are equal but for the identity of what is in them."""
    partners: dict[int, int] = {}
    pairs = [(left, right)]
    while pairs:
        a, b = pairs.pop()
        if a is b:
            continue
        if type(a) is not type(b) or isinstance(a, DefType):  # equal ones of those are one object
            return False
        parts = _parts(a)
        if parts is None:
            if a != b:
                return False
        elif id(a) in partners:
            if partners[id(a)] != id(b):
                return False
        else:
            partners[id(a)] = id(b)
            others = _parts(b)
            if others is None or len(parts) != len(others):
                return False
            pairs += zip(parts, others, strict=True)
    return True


def _parts(value: Any) -> list[Any] | None:
    """What a structure is made of; None if it is none."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, frozenset | set):
        return [len(value)]  # of resource types, which have no order
    names = [name for cls in type(value).__mro__ for name in cls.__dict__.get("__slots__", ())]
    return [getattr(value, name, None) for name in names if name != "__weakref__"] or None


def print_and_parse() -> Tally:
    """Components of the suite, and real ones, that print and parse to the same."""
    suite = round_trips(suite_components(str(shared("suites", "component-model"))))
    real = round_trips(real_components(str(shared("components"))))
    return tally((*suite.failures, *real.failures), suite.total + real.total)
