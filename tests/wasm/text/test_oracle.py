"""The encoding of every instruction, and of every text of the official suite, is what wasmtime makes of it.

Identifiers are compared too, as the name section; where the same segment has several encodings, what
wasmtime chose is decoded and encoded again.
"""

from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.opcodes import OPCODES
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.script import (
    AssertInvalidCustom,
    AssertMalformed,
    AssertMalformedCustom,
    AssertTrap,
    Command,
    ModuleSource,
    parse_script,
)

try:
    import wasmtime
except ImportError:  # the interop extra
    wasmtime = None

SUITE = Path(__file__).parents[4] / "shared" / "suites" / "core"
needs_wasmtime = pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed (the interop extra)")
needs_suite = pytest.mark.skipif(not SUITE.is_dir(), reason=f"the official suite is not at {SUITE}")

SURROUNDINGS = """
(type $t (func (param i32) (result i32)))
(type $s (sub (struct (field $a i32) (field $b (mut f64)))))
(type $v (array (mut i8)))
(import "m" "f" (func $f (type $t)))
(table $t0 1 funcref) (table $t1 i64 1 funcref)
(memory $m0 1) (memory $m1 i64 1)
(tag $x0) (tag $x1 (param i32))
(global $g (mut i32) (i32.const 0))
(elem $e0 func) (elem $e1 func)
(data $d0 "") (data $d1 "")
"""
#: Texts of an instruction's immediates, by the opcode table's column.
IMMEDIATES: dict[tuple[str, ...], list[str]] = {
    (): [""],
    ("zero",): [""],
    ("labelidx",): ["$outer", "1"],
    ("labelidx*",): ["$inner", "0 1 $outer 1"],
    ("tagidx",): ["$x1", "0"],
    ("funcidx",): ["$f", "1"],
    ("typeidx",): ["$s", "2"],
    ("typeidx", "fieldidx"): ["$s $b", "1 0"],
    ("typeidx", "typeidx"): ["$v 2"],
    ("typeidx", "dataidx"): ["$v $d1"],
    ("typeidx", "elemidx"): ["$v $e1"],
    ("typeidx", "u32"): ["$v 0", "2 4_000_000_000"],
    ("typeidx", "tableidx"): ["(type $t)", "$t1 (type 0) (param i32) (result i32)", "(param f32)"],
    ("valtype*",): ["(result i32)", "(result) (result (ref null $s))"],
    ("localidx",): ["$p", "1"],
    ("globalidx",): ["$g", "0"],
    ("tableidx",): ["", "$t1", "1"],
    ("tableidx", "tableidx"): ["", "$t1 $t0"],
    ("elemidx",): ["$e1", "0"],
    ("elemidx", "tableidx"): ["$e1", "$t1 $e0", "1 1"],
    ("memarg",): ["", "offset=5", "align=1", "$m1 offset=0xffff_ffff_ffff align=1", "1"],
    ("memarg", "laneidx"): ["1", "1 0", "$m1 offset=300 align=1 1", "offset=0x10 1", "align=1 0"],
    ("memidx",): ["", "$m1"],
    ("memidx", "memidx"): ["", "$m1 0"],
    ("dataidx",): ["$d1", "0"],
    ("dataidx", "memidx"): ["$d1", "$m1 $d0", "1 1"],
    ("heaptype",): ["func", "$s", "(exact $s)", "2", "noexn"],
    ("castop",): [
        "$outer anyref (ref null $s)",
        "1 (ref any) (ref $s)",
        "0 (ref null (exact 1)) (ref (exact $s))",
    ],
    ("laneidx",): ["0", "1"],
    ("laneidx16",): ["0 1 2 3 4 5 6 7 8 9 10 11 12 13 0x1e 31"],
    ("v128",): [
        "i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 -128 255",
        "i16x8 0 1 2 3 4 5 -0x8000 0xffff",
        "i32x4 0 1_000 -1 0xffffffff",
        "i64x2 -0x8000_0000_0000_0000 0xffff_ffff_ffff_ffff",
        "f32x4 0 -nan:0x1 0x1.8p3 1e-45",
        "f64x2 -inf 4.9e-324",
    ],
    ("i32",): ["0", "-0x8000_0000", "4294967295", "64"],
    ("i64",): ["0", "-1", "0x8000_0000_0000_0000", "-9223372036854775808"],
    ("f32",): ["0", "-nan:0x7fffff", "1.17549435e-38", "0x1.fffffep127"],
    ("f64",): ["-0", "nan", "1e308", "0x0.0000000000001p-1022"],
}
#: What the loop of the parser reads, and what the table has under names of its own.
FORMS = {
    "block": ["block end", "(block $l (result i32) (br $l))", "block (param i32) (result f64 f32) end"],
    "loop": ["loop $l br $l end $l", "(loop (type $t))"],
    "if": ["if (result i32) else end", "(if $l (i32.const 0) (then (br $l)))"],
    "else": ["if $l else $l end $l", "(if (then) (else nop))"],
    "end": ["block $l end $l"],
    "try_table": [
        "try_table end",
        "(try_table $l (result i32) (catch $x1 $inner) (catch_ref 0 1) (catch_all 0) nop)",
        "try_table $l (catch_all_ref $inner) br $l end",
    ],
    "select_t": ["select (result i32)", "select (result) (result (ref null $s))"],
    "ref.test": ["ref.test (ref $s)", "ref.test (ref (exact $s))"],
    "ref.test_null": ["ref.test (ref null $s)", "ref.test i31ref"],
    "ref.cast": ["ref.cast (ref any)", "ref.cast (ref 1)"],
    "ref.cast_null": ["ref.cast anyref", "ref.cast (ref null (exact $s))"],
    "ref.cast_desc_eq": ["ref.cast_desc_eq (ref $s)"],
    "ref.cast_desc_eq_null": ["ref.cast_desc_eq (ref null (exact $s))"],
}
#: wasmtime's text format doesn't know these any more.
NOT_IN_WASMTIME = {"legacy-exceptions"}
FEATURES = sorted({op.feature for op in OPCODES} - NOT_IN_WASMTIME)


def forms_of(feature: str) -> Iterator[str]:
    for op in OPCODES:
        if op.feature == feature:
            yield from FORMS.get(op.mnemonic) or [f"{op.mnemonic} {x}" for x in IMMEDIATES[op.immediates]]


@needs_wasmtime
@pytest.mark.parametrize("feature", FEATURES)
def test_every_instruction_is_encoded_as_wasmtime_does(feature: str) -> None:
    forms = list(forms_of(feature))
    assert forms
    for form in forms:
        text = f"""(module {SURROUNDINGS}
            (func (param $p i32) (local $l f64) block $outer block $inner {form} end end))"""
        assert encode_module(parse_module(text)).hex() == bytes(wasmtime.wat2wasm(text)).hex(), form


#: Texts where wasmtime takes another type for a type use: a group of one type, written as such, counts
#: as that type for us, and a type that isn't final never does (spec: text/modules.html#abbreviations).
OTHER_TYPES = {
    ("testsuite/type-rec.wast", 45),
    ("testsuite/type-rec.wast", 185),
    ("testsuite/type-rec.wast", 197),
    ("testsuite/type-subtyping.wast", 344),
    ("testsuite/type-subtyping.wast", 373),
    ("testsuite/proposals/custom-descriptors/exact-casts.wast", 428),
}
#: The threads proposal's edition of the specification had no 64-bit sizes: they did not even parse.
PARSES_SINCE_3_0 = {("testsuite/proposals/threads/memory.wast", line) for line in (83, 87, 91)}


def sources() -> Iterator[tuple[str, Command, ModuleSource]]:
    """All modules of the suite in the text format."""
    for path in sorted(SUITE.rglob("*.wast")):
        for command in parse_script(path.read_bytes()):
            source = command.action if isinstance(command, AssertTrap) else getattr(command, "source", None)
            if isinstance(source, ModuleSource) and source.kind != "binary":
                yield path.relative_to(SUITE).as_posix(), command, source


@needs_suite
def test_texts_of_the_suite_parse_or_are_refused_in_their_own_lines() -> None:
    counts: Counter[str] = Counter()
    for path, command, source in sources():
        where = (path, command.line)
        if not isinstance(command, AssertMalformed | AssertMalformedCustom) or where in PARSES_SINCE_3_0:
            if not isinstance(command, AssertInvalidCustom):
                source.parse()
                counts["parsed"] += 1
            continue
        with pytest.raises(MalformedError) as caught:
            source.parse()
        error = caught.value
        assert error.message.startswith(command.message), (*where, str(error))
        assert error.line is not None
        assert error.column is not None
        lines = source.binary.decode(errors="replace").split("\n")
        assert error.source_line == lines[error.line - 1]
        assert 1 <= error.column <= len(error.source_line) + 1
        counts["refused"] += 1
    assert counts == {"parsed": 5743, "refused": 1305}


def with_usual_segments(binary: bytes) -> bytes:
    """The same module in the encoding that ours has of it; itself if it is invalid and doesn't decode."""
    try:
        return encode_module(decode_module(binary, features=ALL_FEATURES))
    except InvalidError:
        return binary


@needs_wasmtime
@pytest.mark.skipif(
    wasmtime is not None and not version("wasmtime").startswith("49."),
    reason="wasmtime's assembler spells some types otherwise in each version: the list is of version 49",
)
@needs_suite
def test_texts_of_the_suite_are_encoded_as_wasmtime_does() -> None:
    counts: Counter[str] = Counter()
    different = set()
    for path, command, source in sources():
        if isinstance(command, AssertMalformed | AssertMalformedCustom | AssertInvalidCustom):
            continue
        try:
            theirs = bytes(wasmtime.wat2wasm(source.text))
        except wasmtime.WasmtimeError:
            counts["refused by wasmtime"] += 1
            continue
        if encode_module(source.parse()) == with_usual_segments(theirs):
            counts["equal"] += 1
        else:
            different.add((path, command.line))
    assert different == OTHER_TYPES
    # The legacy exception instructions, and a name that could mislead a reader.
    assert counts == {"equal": 5721, "refused by wasmtime": 13}
