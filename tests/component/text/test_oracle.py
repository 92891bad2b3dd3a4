"""Texts of the component suite: what wasmtime's assembler makes of them, byte for byte.

Core modules are compared as our encoder has them, since segments and types have several encodings. Names are
compared in a text of our own: which aliases have one depends on wasmtime's version.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pywrt.component.tables import PREAMBLE
from pywrt.component.text import parse_component
from pywrt.component.text.script import ComponentSource, parse_script
from pywrt.config import ALL_FEATURES
from pywrt.errors import InvalidError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.text.instructions import unsigned
from pywrt.wasm.text.script import AssertInvalid, AssertMalformed, AssertTrap, Command

try:
    import wasmtime.component
except ImportError:  # the interop extra
    wasmtime = None

SUITE = Path(__file__).parents[4] / "shared" / "suites" / "component-model" / "test"
needs_suite = pytest.mark.skipif(not SUITE.is_dir(), reason=f"the component suite is not at {SUITE}")
needs_wasmtime = pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed (the interop extra)")
#: Newer than the suite.
REFUSED_BY_WASMTIME = "the `cancellable` option is no longer supported after WebAssembly/component-model#716"


def commands() -> Iterator[tuple[str, Command]]:
    for path in sorted(SUITE.rglob("*.wast")):
        for command in parse_script(path.read_bytes()):
            yield path.relative_to(SUITE).as_posix(), command


def sources() -> Iterator[tuple[str, Command, ComponentSource]]:
    """All components of the suite in the text format."""
    for path, command in commands():
        source = command.action if isinstance(command, AssertTrap) else getattr(command, "source", None)
        if isinstance(source, ComponentSource) and source.kind != "binary":
            yield path, command, source


@needs_suite
def test_scripts_of_the_suite_parse() -> None:
    counts = Counter(type(command).__name__ for _, command in commands())
    assert counts == {
        "ComponentCommand": 285,
        "ComponentInstanceCommand": 159,
        "AssertReturn": 389,
        "AssertTrap": 136,
        "AssertInvalid": 380,
        "AssertMalformed": 75,
        "Invoke": 1,
    }


@needs_suite
def test_texts_of_the_suite_are_encoded_unless_they_are_malformed() -> None:
    malformed = 0
    for _, command, source in sources():
        if isinstance(command, AssertMalformed):
            malformed += 1
        else:
            assert source.encode().startswith(PREAMBLE)
    assert malformed == 5


def comparable(binary: bytes) -> bytes:
    """The same component with core modules in the encoding that ours has of them, and without names."""
    assert binary.startswith(PREAMBLE)
    reader = Reader(binary, len(PREAMBLE), len(binary))
    parts = [PREAMBLE]
    while reader.pos < reader.end:
        section, size = reader.byte(), reader.u32()
        begin = reader.skip(size)
        content = binary[begin : begin + size]
        if section == 0:
            continue
        if section == 1:
            with suppress(InvalidError):
                content = encode_module(decode_module(content, features=ALL_FEATURES))
        elif section == 4:
            content = comparable(content)
        parts.append(bytes((section,)) + unsigned(len(content)) + content)
    return b"".join(parts)


@needs_suite
@needs_wasmtime
def test_texts_of_the_suite_are_encoded_as_wasmtime_does() -> None:
    counts: Counter[str] = Counter()
    different = set()
    for path, command, source in sources():
        if isinstance(command, AssertMalformed):
            continue
        try:
            theirs = bytes(wasmtime.wat2wasm(source.text))
        except wasmtime.WasmtimeError as error:
            counts[str(error).splitlines()[0]] += 1
            continue
        if comparable(source.encode()) == comparable(theirs):
            counts["equal"] += 1
        else:
            different.add((path, command.line))
    # From version 50 on, each use of an outer identifier has an alias of its own there.
    assert different <= {("async/drop-cross-task-borrow.wast", 9)}
    assert counts.pop("equal") == 614 - len(different) - counts.total()
    assert counts.keys() <= {REFUSED_BY_WASMTIME}


@needs_suite
@needs_wasmtime
def test_names_of_a_text_are_those_that_wasmtime_gives() -> None:
    text = """
      (component $C
        (core module $M (func (export "f")) (memory (export "m") 1) (table (export "t") 1 funcref)
          (global (export "g") i32 (i32.const 0)) (tag (export "x")))
        (core instance $m (instantiate $M)) (core type $F (func)) (type $t u8) (component $D) (instance $d)
        (alias core export $m "f" (core func $f)) (alias core export $m "m" (core memory $mem))
        (alias core export $m "t" (core table $t)) (alias core export $m "g" (core global $g))
        (alias core export $m "x" (core tag $x)) (import "f" (func $f)) (export $e "e" (func $f)))
    """
    assert parse_component(text) == bytes(wasmtime.wat2wasm(text))


@needs_suite
@needs_wasmtime
def test_what_is_invalid_in_the_suite_is_so_for_wasmtime_in_our_encoding() -> None:
    engine = wasmtime.Engine()
    for path, command, source in sources():
        if isinstance(command, AssertInvalid):
            try:
                wasmtime.component.Component(engine, source.encode())
            except wasmtime.WasmtimeError:
                continue
            pytest.fail(f"{path}:{command.line} is valid")
