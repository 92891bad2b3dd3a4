"""Verdicts on random function bodies, compared with wasmtime's."""

import copy
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import InvalidError, LimitError, MalformedError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.binary.instructions import read_instruction
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.module import Code, Expr, Module
from pywrt.wasm.opcodes import OPCODES
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import HEAP_BY_CODE
from pywrt.wasm.valid import Context, module_context, validate_module
from pywrt.wasm.valid.body import Body

wasmtime = pytest.importorskip("wasmtime", reason="the oracle; see the extra `interop` in pyproject.toml")

#: What wasmtime's Python configuration can't switch on is left out.
FEATURES = ALL_FEATURES - {"custom-descriptors", "legacy-exceptions"}
CONFIG = Config(features=FEATURES)
SWITCHES = (
    "bulk_memory custom_page_sizes exceptions function_references gc memory64 multi_memory multi_value "
    "reference_types relaxed_simd simd tail_call threads wide_arithmetic"
)

#: How many bodies are compared.
BODIES = 600

TEXT = """(module
  (type $v (func)) (type $ii (func (param i32) (result i32)))
  (type $s (sub (struct (field (mut i32)) (field i8))))
  (type $s2 (sub $s (struct (field (mut i32)) (field i8) (field (mut (ref null $s))))))
  (type $a (array (mut i16))) (type $ar (array (mut (ref null $s))))
  (rec (type $r1 (struct (field (ref null $r2)))) (type $r2 (func (param (ref null $r1)) (result (ref $s)))))
  (type $pair (func (result i32 (ref $s)))) (type $f (func (param i32 (ref null $s2) anyref) (result i32)))
  (memory 1) (memory i64 1) (memory 1 2 shared)
  (table 1 funcref) (table i64 1 (ref null $ii)) (table 1 anyref)
  (tag (param i32)) (tag (param i32 (ref null $s)))
  (global (mut (ref null $s)) (ref.null none)) (global i64 (i64.const 0))
  (func (type $f) (local i32 i64 v128 (ref $s) (ref null $a) (ref $ar) exnref) unreachable)
  (func $id (type $ii) unreachable) (func $h (type $r2) unreachable) (func (type $pair) unreachable)
  (elem func $id $h) (elem (ref null $s)) (data "abc")
  (func (data.drop 0)))"""


#: Makes some bytes.
Make = Callable[[Random], bytes]


def index(count: int) -> Make:
    return lambda random: bytes([random.randrange(count)])


def vector(item: Make, extra: int = 0) -> Make:
    """Up to two items, and `extra` more, behind the number of the former."""

    def make(random: Random) -> bytes:
        count = random.randrange(3)
        return bytes([count]) + b"".join([item(random) for _ in range(count + extra)])

    return make


def one_of(*makes: Make) -> Make:
    return lambda random: random.choice(makes)(random)


def joined(*makes: Make) -> Make:
    return lambda random: b"".join([make(random) for make in makes])


def among(*values: bytes) -> Make:
    return lambda random: random.choice(values)


HEAPS = one_of(among(*[bytes([code]) for code in HEAP_BY_CODE]), index(10))
COMMON_HEAPS = among(b"\x6e", b"\x6d", b"\x6b", b"\x02", b"\x03")
VALTYPES = one_of(among(b"\x7f", b"\x7e", b"\x7b", b"\x70", b"\x6e"), joined(among(b"\x63", b"\x64"), HEAPS))
#: Immediates of each kind, mostly such as the module above has them.
IMMEDIATES: dict[str, Make] = {
    "blocktype": one_of(among(b"\x40"), VALTYPES, joined(among(b"\x63", b"\x64"), COMMON_HEAPS), index(10)),
    "labelidx": index(3),
    "labelidx*": vector(index(3), 1),
    "valtype*": joined(among(b"\x01"), VALTYPES),
    "funcidx": index(5),
    "typeidx": index(10),
    "tableidx": index(3),
    "memidx": index(3),
    "tagidx": index(3),
    "globalidx": index(3),
    "localidx": index(11),
    "fieldidx": index(3),
    "dataidx": index(2),
    "elemidx": index(3),
    "memarg": one_of(
        joined(index(4), index(9)),
        joined(among(b"\x40", b"\x41", b"\x42", b"\x43"), index(3), among(b"\x00", b"\x80\x80\x80\x80\x20")),
    ),
    "catch*": vector(
        one_of(joined(among(b"\x00", b"\x01"), index(3), index(3)), joined(among(b"\x02", b"\x03"), index(3)))
    ),
    "heaptype": HEAPS,
    "castop": one_of(
        joined(index(4), index(2), COMMON_HEAPS, COMMON_HEAPS), joined(index(4), index(2), HEAPS, HEAPS)
    ),
    "u32": index(3),
    "i32": index(9),
    "i64": index(9),
    "f32": among(bytes(4)),
    "f64": among(bytes(8)),
    "v128": among(bytes(16)),
    "laneidx": index(17),
    "laneidx16": lambda random: bytes([random.randrange(33) for _ in range(16)]),
    "zero": among(b"\x00"),
}
KNOWN = [opcode for opcode in OPCODES if opcode.feature in FEATURES]
#: The many of a fixed type stand back behind those that have rules of their own.
SPECIAL = [opcode for opcode in KNOWN if opcode.params is None]
#: Those that seldom find the operands that they need are tried more often.
WEIGHTED = SPECIAL + 5 * [o for o in SPECIAL if o.mnemonic.startswith(("br_on_cast", "array."))]


def instruction(random: Random) -> bytes:
    opcode = random.choice(WEIGHTED if random.random() < 0.8 else KNOWN)
    number = [opcode.number & 0x7F | 0x80, opcode.number >> 7] if opcode.number > 0x7F else [opcode.number]
    code = bytes([opcode.prefix, *number]) if opcode.prefix else bytes([opcode.number])
    return code + b"".join([IMMEDIATES[name](random) for name in opcode.immediates])


def open_frames(module: Module, context: Context, code: bytes) -> int | None:
    """How many blocks are open behind `code`, by the rules alone; None if it is not valid so far."""
    body = Body(context, Expr(code, 0, len(code)), context.funcs[0], 0)
    body.declare_locals(context.funcs[0].params, module.code[0].locals)
    pos = 0
    try:
        while pos < len(code) and body.frames:
            pos = context.rules[code[pos]](body, pos + 1)
    except (InvalidError, MalformedError):
        return None
    return len(body.frames)


def random_body(module: Module, context: Context, seed: int) -> bytes:
    """A body of instructions that fit behind each other, closed; with odd seeds one comes in that may not."""
    random = Random(seed)
    code = (b"", b"\x00", b"\x02\x6e")[seed % 3]  # nothing, unreachable, or a block of anyref
    for _ in range(random.randrange(3, 25)):
        for candidate in [instruction(random) for _ in range(12)]:
            if open_frames(module, context, code + candidate):
                code += candidate
                break
    if seed % 2:
        code += instruction(random)
    for _ in range(open_frames(module, context, code) or 1):
        code += b"\x0b" if open_frames(module, context, code + b"\x0b") is not None else b"\x00\x0b"
    return code


def with_body(module: Module, code: bytes) -> bytes:
    """The module in the binary format, `code` in place of its first function's."""
    changed = copy.copy(module)
    changed.code = [Code(0, module.code[0].locals, Expr(code, 0, len(code))), *module.code[1:]]
    return encode_module(changed)


def fault_of(data: bytes) -> Exception | None:
    try:
        validate_module(decode_module(data, features=FEATURES), CONFIG)
    except (InvalidError, MalformedError, LimitError) as error:
        return error
    return None


@pytest.fixture(scope="module")
def module() -> Module:
    return decode_module(encode_module(parse_module(TEXT)), features=FEATURES)


@pytest.fixture(scope="module")
def oracle() -> Callable[[bytes], str | None]:
    """What wasmtime has against a module; None if it is valid."""
    config = wasmtime.Config()
    for switch in SWITCHES.split():
        setattr(config, f"wasm_{switch}", True)
    engine = wasmtime.Engine(config)

    def fault(data: bytes) -> str | None:
        try:
            wasmtime.Module.validate(engine, data)
        except wasmtime.WasmtimeError as error:
            return str(error)
        return None

    return fault


def test_random_bodies_have_the_verdict_of_wasmtime(
    module: Module, oracle: Callable[[bytes], str | None]
) -> None:
    context = module_context(module, CONFIG)
    valid, used = 0, set()
    for seed in range(BODIES):
        code = random_body(module, context, seed)
        data = with_body(module, code)
        error = fault_of(data)
        theirs = oracle(data)
        assert (error is None) is (theirs is None), f"seed {seed}, {code.hex()}: {error}, wasmtime: {theirs}"
        if error is None:
            valid += 1
            reader = Reader(code, 0, len(code))
            while reader.pos < len(code):
                used.add(read_instruction(reader)[0])
    # such a comparison says little where all is refused, or where few instructions occur in what is not
    assert BODIES // 3 < valid < BODIES * 9 // 10
    assert len(used.intersection(SPECIAL)) > len(SPECIAL) * 3 // 4


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mutated_module_raises_typed_errors_only(module: Module, data: st.DataObject) -> None:
    encoded = bytearray(encode_module(module))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(8, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(8, len(encoded)) | st.just(len(encoded)))
    try:
        validate_module(
            decode_module(bytes(encoded[:cut]), features=ALL_FEATURES), Config(features=ALL_FEATURES)
        )
    except (InvalidError, MalformedError, LimitError):
        return  # anything else that is raised fails the test
