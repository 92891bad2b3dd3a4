from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.module import Code, Data, Elem, Expr, Global, Module, Table
from pywrt.wasm.opcodes import OPCODES
from pywrt.wasm.types import (
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    SubType,
    TableType,
    ValType,
)
from pywrt.wasm.valid import Context, module_context, validate_function, validate_module
from pywrt.wasm.valid.body import Body
from pywrt.wasm.valid.rules import RULES, SPECIAL_RULES

Build = Callable[..., Module]
Fault = Callable[..., InvalidError | MalformedError]

ZERO = Expr(b"\x41\x00\x0b", 0, 3)
#: Index spaces for the cases below.
PARTS: dict[str, object] = {
    "types": [
        SubType(FuncType(params, results))
        for params, results in (((I32, I64), (F32,)), ((), (I32, I32)), ((), (I64,)))
    ],
    "tables": [Table(TableType(FUNCREF, Limits(1))), Table(TableType(EXTERNREF, Limits(1)))],
    "memories": [MemoryType(Limits(1)), MemoryType(Limits(1))],
    "globals": [
        Global(GlobalType(I32, False), ZERO),
        Global(GlobalType(I64, True), Expr(b"\x42\x00\x0b", 0, 3)),
    ],
    "elems": [Elem(FUNCREF, (), "passive"), Elem(EXTERNREF, (), "passive")],
    "data_count": 1,
    "datas": [Data(b"", 0, 0, "passive")],
}


def test_rules_cover_the_opcode_table() -> None:
    assert set(RULES) == {opcode.mnemonic for opcode in OPCODES}
    by_address = {"memory.size", "memory.grow", "table.size"}  # their type depends on the address type
    assert set(SPECIAL_RULES) - by_address == {opcode.rule for opcode in OPCODES if opcode.params is None}


@pytest.mark.parametrize(
    ("code", "results"),
    [
        (b"\x0b", ()),
        (b"\x41\x00\x0b", (I32,)),
        (b"\x41\x80\x80\x80\x80\x78\x0b", (I32,)),  # i32.const -2**31 in five bytes
        (b"\x20\x00\x20\x01\xa7\x6a\x0b", (I32,)),
        (b"\x20\x80\x00\x0b", (I32,)),  # padded local index
        (b"\x41\x00\x28\x02\x80\x01\x0b", (I32,)),  # i32.load with an offset of two bytes
        (b"\x41\x00\x28\x02\x80\x80\x80\x80\x00\x0b", (I32,)),
        (b"\x41\x00\x28\x42\x01\x00\x0b", (I32,)),  # i32.load of memory 1
        (b"\x41\x00\x20\x01\x37\x03\x00\x0b", ()),
        (b"\x02\x40\x0c\x00\x0b\x0b", ()),
        (b"\x02\x7f\x41\x01\x41\x00\x0d\x00\x0b\x0b", (I32,)),
        (b"\x41\x00\x04\x7f\x41\x01\x05\x41\x02\x0b\x0b", (I32,)),
        (b"\x41\x00\x04\x40\x0b\x0b", ()),
        (b"\x41\x00\x20\x01\x03\x01\x1a\x1a\x43\x00\x00\x00\x00\x0b\x0b", (F32,)),
        (b"\x02\x02\x41\x01\x41\x02\x0b\x6a\x0b", (I32,)),
        (b"\x00\x6a\x1a\x0b", ()),  # operands out of unreachable code
        (b"\x00\x1b\x0b", (F64,)),
        (b"\x00\x41\x00\x0e\x02\x00\x00\x00\x0b", ()),
        (b"\x20\x00\x20\x01\x41\x00\x11\x01\x00\x0b", (F32,)),
        (b"\x41\x00\x20\x01\x41\x00\x13\x03\x00\x0b", (I64,)),
        (b"\xd0\x70\xd1\x0b", (I32,)),
        (b"\x00\xd1\x0b", (I32,)),
        (b"\xd0\x6f\xd0\x6f\x41\x00\x1c\x01\x6f\x0b", (EXTERNREF,)),
        (b"\x41\x00\x41\x00\x41\x00\xfc\x08\x00\x01\x0b", ()),
        (b"\xfc\x09\x00\x0b", ()),
        (b"\xfc\x90\x00\x01\x0b", (I32,)),  # table.size, its number padded
        (b"\x43\x00\x00\x80\x7f\x0b", (F32,)),
    ],
)
def test_body_valid_is_accepted(function: Build, code: bytes, results: tuple[ValType, ...]) -> None:
    module = function(code, (I32, I64), results, **PARTS)
    validate_module(module, Config())
    validate_module(decode_module(encode_module(module)), Config())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"\x6a\x0b", "type mismatch: instruction requires [i32 i32] but stack has [] (i32.add)"),
        (b"\x41\x00\x6a\x0b", "type mismatch: instruction requires [i32 i32] but stack has [i32] (i32.add)"),
        (b"\x42\x00\x45\x0b", "type mismatch: instruction requires [i32] but stack has [i64] (i32.eqz)"),
        (b"\x41\x00\x0b", "type mismatch: block requires [] but stack has [i32] (end)"),
        (b"\x1a\x0b", "type mismatch: instruction requires [bot] but stack has [] (drop)"),
        (b"\x02\x7f\x0b\x1a\x0b", "type mismatch: instruction requires [i32] but stack has [] (end)"),
        (b"\x41\x00\x02\x40\x1a\x0b\x0b", "type mismatch: instruction requires [bot] but stack has []"),
        (
            b"\x41\x00\x04\x7f\x41\x00\x0b\x1a\x0b",
            "type mismatch: an if without else takes [] but must leave",
        ),
        (
            b"\x00\x43\x00\x00\x00\x00\x45\x0b",
            "type mismatch: instruction requires [i32] but stack has [f32]",
        ),
        (
            b"\x42\x00\x21\x00\x0b",
            "type mismatch: instruction requires [i32] but stack has [i64] (local.set)",
        ),
        (
            b"\x42\x00\x22\x00\x0b",
            "type mismatch: instruction requires [i32] but stack has [i64] (local.tee)",
        ),
        (b"\x41\x00\x28\x02\x00\x0b", "type mismatch: block requires [] but stack has [i32] (end)"),
        (b"\x42\x00\x41\x00\x36\x02\x00\x0b", "type mismatch: instruction requires [i32 i32] but stack has"),
        (b"\x42\x00\x0d\x00\x0b", "type mismatch: instruction requires [i32] but stack has [i64] (br_if)"),
        (b"\x02\x7f\x02\x40\x41\x00\x0e\x01\x00\x01\x0b\x00\x0b\x1a\x0b", "type mismatch: label 0 takes 0"),
        (b"\x20\x02\x0b", "unknown local 2 (local.get)"),
        (b"\x21\x82\x80\x00\x0b", "unknown local 2 (local.set)"),
        (b"\x23\x02\x0b", "unknown global 2 (global.get)"),
        (b"\x41\x00\x24\x00\x0b", "immutable global 0 (global.set)"),
        (b"\x0c\x01\x0b", "unknown label 1 (br)"),
        (b"\x41\x00\x0d\x05\x0b", "unknown label 5 (br_if)"),
        (b"\x41\x00\x0e\x01\x07\x00\x0b", "unknown label 7 (br_table)"),
        (b"\x10\x01\x0b", "unknown function 1 (call)"),
        (b"\x41\x00\x11\x04\x00\x0b", "unknown type 4 (call_indirect)"),
        (b"\x41\x00\x11\x00\x02\x0b", "unknown table 2 (call_indirect)"),
        (b"\x41\x00\x11\x00\x01\x0b", "type mismatch: table 1 holds externref, not funcref (call_indirect)"),
        (b"\x41\x00\x13\x03\x00\x0b", "type mismatch: the callee returns [i64], the function []"),
        (b"\x02\x04\x0b\x0b", "unknown type 4 (block)"),
        (b"\x41\x00\x28\x03\x00\x1a\x0b", "alignment must not be larger than natural: 2**3 for 4 bytes"),
        (b"\x41\x00\x29\x04\x00\x1a\x0b", "alignment must not be larger than natural"),
        (b"\x41\x00\x28\x02\x80\x80\x80\x80\x10\x1a\x0b", "offset out of range: 4294967296 (i32.load)"),
        (b"\x41\x00\x28\x42\x02\x00\x1a\x0b", "unknown memory 2 (i32.load)"),
        (b"\x3f\x02\x1a\x0b", "unknown memory 2 (memory.size)"),
        (b"\xd0\x70\xd0\x70\x41\x00\x1b\x1a\x0b", "type mismatch: select without a type takes numbers, not"),
        (b"\x41\x00\x42\x00\x41\x00\x1b\x1a\x0b", "type mismatch: instruction requires [i32 i32]"),
        (b"\x41\x00\x41\x00\x41\x00\x1c\x00\x0b", "invalid result arity"),
        (b"\x41\x00\x41\x00\x41\x00\x1c\x02\x7f\x7f\x0b", "invalid result arity"),
        (b"\xd2\x00\x1a\x0b", "undeclared function reference 0 (ref.func)"),
        (b"\xd2\x09\x1a\x0b", "unknown function 9 (ref.func)"),
        (b"\x41\x00\xd1\x0b", "type mismatch: instruction requires [ref] but stack has [i32] (ref.is_null)"),
        (b"\x41\x00\x25\x02\x1a\x0b", "unknown table 2 (table.get)"),
        (b"\x41\x00\xd0\x6f\x26\x00\x0b", "type mismatch: instruction requires [i32 funcref]"),
        (b"\xfc\x09\x01\x0b", "unknown data segment 1 (data.drop)"),
        (b"\xfc\x0d\x02\x0b", "unknown elem segment 2 (elem.drop)"),
        (b"\x41\x00\x41\x00\x41\x00\xfc\x0c\x01\x00\x0b", "type mismatch: elem segment 1 holds externref"),
        (b"\x41\x00\x41\x00\x41\x00\xfc\x0e\x00\x01\x0b", "type mismatch: table 1 holds externref"),
    ],
)
def test_body_invalid_raises(function: Build, fault: Fault, code: bytes, message: str) -> None:
    error = fault(function(code, (I32, I64), **PARTS))
    assert isinstance(error, InvalidError)
    assert error.message.startswith(message)
    assert error.function == 0
    assert error.offset is not None
    assert error.feature is None


@pytest.mark.parametrize(
    ("code", "message", "offset"),
    [
        (b"\x41\x00\x1a", "unexpected end of section or function", 3),
        (b"\x41", "unexpected end of section or function", 1),
        (b"\x41\x80", "unexpected end of section or function", 2),
        (b"\x43\x00\x00\x0b", "unexpected end of section or function", 4),
        (b"\x05\x0b", "END opcode expected", 0),
        (b"\x01\x0b\x0b", "section size mismatch", 2),
        (b"\x00\xff\x0b", "illegal opcode ff", 1),
        (b"\xfc\x63\x0b", "illegal opcode fc 99", 0),
        (b"\x41\xff\xff\xff\xff\x0f\x1a\x0b", "integer too large", 5),
        (b"\x41\x80\x80\x80\x80\x80\x00\x1a\x0b", "integer representation too long", 5),
        (b"\x20\x80\x80\x80\x80\x10\x0b", "integer too large", 5),
        (b"\x41\x00\x28\x80\x01\x00\x1a\x0b", "malformed memop flags", 3),
        (b"\x02\x45\x0b\x0b", "malformed block type 0x45", 1),
        (b"\xd0\x40\x0b", "malformed heap type 0x40", 1),
        (b"\x1c\x01\x40\x0b", "malformed value type 0x40", 2),
    ],
)
def test_body_malformed_raises(function: Build, fault: Fault, code: bytes, message: str, offset: int) -> None:
    error = fault(function(code, (I32,), **PARTS))
    assert isinstance(error, MalformedError)
    assert error.message.startswith(message)
    assert error.offset == offset


@pytest.mark.parametrize(
    ("code", "feature"),
    [
        (b"\xfd\x0c" + bytes(16) + b"\x1a\x0b", "simd"),
        (b"\xfd\x80\x02\x0b", "relaxed-simd"),
        (b"\xfe\x03\x00\x0b", "threads"),
        (b"\xfb\x00\x00\x0b", "gc"),
        (b"\xfb\x20\x00\x0b", "custom-descriptors"),
        (b"\xfc\x13\x0b", "wide-arithmetic"),
        (b"\x06\x40\x0b\x0b", "legacy-exceptions"),
        (b"\x1f\x40\x00\x0b\x0b", "exceptions"),
        (b"\x14\x00\x0b", "function-references"),
        (b"\x02\x7b\x00\x0b\x1a\x0b", "simd"),
        (b"\x02\x63\x70\x00\x0b\x1a\x0b", "function-references"),
        (b"\xd0\x6e\x1a\x0b", "gc"),
        (b"\xd0\x00\x1a\x0b", "function-references"),
        (b"\x41\x00\xc0\x1a\x0b", "sign-extension"),
        (b"\x12\x00\x0b", "tail-call"),
        (b"\xd0\x70\x1a\x0b", "reference-types"),
        (b"\x43\x00\x00\x00\x00\xfc\x00\x1a\x0b", "saturating-float-to-int"),
        (b"\x41\x00\x28\x42\x00\x00\x1a\x0b", "multi-memory"),
    ],
)
def test_body_feature_switched_off_names_it(function: Build, fault: Fault, code: bytes, feature: str) -> None:
    module = function(code, memories=[MemoryType(Limits(1))])
    error = fault(module, Config(features=ALL_FEATURES - {feature}))
    assert error.feature == feature
    assert f"needs the feature {feature}" in error.message


def test_body_without_memory_names_the_memory(function: Build, fault: Fault) -> None:
    assert fault(function(b"\x41\x00\x28\x02\x00\x1a\x0b")).message == "unknown memory 0 (i32.load)"


def test_body_data_drop_without_data_count_raises_malformed(function: Build, fault: Fault) -> None:
    error = fault(function(b"\xfc\x09\x00\x0b", datas=PARTS["datas"]))
    assert isinstance(error, MalformedError)
    assert error.message == "data count section required"


def test_body_error_has_file_offset_and_function(function: Build, fault: Fault) -> None:
    data = encode_module(function(b"\x01\x6a\x0b"))
    error = fault(decode_module(data))
    assert error.offset == data.index(b"\x6a\x0b")
    assert str(error).endswith(f"(i32.add) (in function 0, at offset 0x{error.offset:x})")


def test_body_that_lacks_end_names_what_follows(function: Build, fault: Fault) -> None:
    module = function(b"\x01")
    assert fault(decode_module(encode_module(module))).message == "unexpected end of section or function"
    module.datas = [Data(b"", 0, 0, "passive")]
    assert fault(decode_module(encode_module(module))).message == "section size mismatch"
    module.funcs, module.code = [0, 0], [*module.code, Code(0, (), Expr(b"\x0b", 0, 1))]
    assert fault(decode_module(encode_module(module))).message == "END opcode expected"


def test_locals_past_the_listed_ones_have_their_types(function: Build, fault: Fault) -> None:
    runs = ((300, I64), (0, F32), (49_000, F64), (1, I32))
    index = bytes([0x80 | 49_301 & 0x7F, 0x80 | 49_301 >> 7 & 0x7F, 49_301 >> 14])
    validate_module(function(b"\x20" + index + b"\x0b", (I32,), (I32,), runs), Config())
    validate_module(function(b"\x20\xac\x02\x0b", (I32,), (I64,), runs), Config())
    validate_module(function(b"\x20\xad\x02\x0b", (I32,), (F64,), runs), Config())
    past = bytes([0x80 | 49_302 & 0x7F, 0x80 | 49_302 >> 7 & 0x7F, 49_302 >> 14])
    error = fault(function(b"\x20" + past + b"\x0b", (I32,), (I32,), runs))
    assert error.message == "unknown local 49302 (local.get)"


def test_locals_past_the_maximum_raise(function: Build, fault: Fault) -> None:
    error = fault(function(b"\x0b", locals=((2**32 - 1, I32),)))
    assert error.message.startswith("too many locals: 4294967295 exceed the maximum")


def test_body_of_100_000_nested_blocks_is_valid(function: Build) -> None:
    depth = 100_000
    validate_module(function(b"\x02\x40" * depth + b"\x0b" * depth + b"\x0b"), Config())


def test_br_table_of_a_million_entries_is_valid(function: Build) -> None:
    count = 1_000_000
    size = bytes([0x80 | count & 0x7F, 0x80 | count >> 7 & 0x7F, count >> 14])
    validate_module(function(b"\x41\x00\x0e" + size + bytes(count + 1) + b"\x0b"), Config())


def test_br_table_hostile_count_raises(function: Build, fault: Fault) -> None:
    error = fault(function(b"\x41\x00\x0e\xff\xff\xff\xff\x0f\x00\x0b"))
    assert error.message == "unexpected end of section or function"


def test_validate_function_alone_checks_that_function_only(function: Build) -> None:
    module = function(b"\x6a\x0b")
    module.funcs, module.code = [0, 0], [*module.code, Code(0, (), Expr(b"\x0b", 0, 1))]
    config = Config(eager_validation=False)
    validate_module(module, config)
    context = module_context(module, config)
    validate_function(module, context, 1)
    with pytest.raises(InvalidError, match="type mismatch"):
        validate_function(module, context, 0)


INSTRUCTIONS = [
    b"\x20\x00", b"\x20\x01", b"\x21\x00", b"\x22\x01", b"\x41\x07", b"\x41\xff\x7f", b"\x42\x00",
    b"\x6a", b"\x45", b"\x7c", b"\xa7", b"\xac", b"\x28\x02\x00", b"\x28\x02\x80\x01", b"\x36\x02\x04",
    b"\x29\x03\x00", b"\x37\x04\x00", b"\x02\x40", b"\x02\x7f", b"\x03\x40", b"\x04\x7f", b"\x05", b"\x0b",
    b"\x0c\x00", b"\x0d\x00", b"\x0d\x01", b"\x1a", b"\x1b", b"\x00", b"\x0f", b"\x23\x00", b"\x20\x09",
    b"\x41\x80\x80\x80\x80\x78", b"\x20\x80\x80\x80\x80\x00", b"\x0d\x80\x00",
]  # fmt: skip


def by_rules_alone(context: Context, module: Module) -> str | None:
    body = Body(context, module.code[0].expr, context.funcs[0], 0)
    body.declare_locals(context.funcs[0].params, module.code[0].locals)
    pos = 0
    try:
        while body.frames:
            if pos == len(body.code):
                return "unexpected end of section or function"
            pos = context.rules[body.code[pos]](body, pos + 1)
    except (InvalidError, MalformedError) as error:
        return error.message
    return None if pos == len(body.code) else "section size mismatch"


@given(st.lists(st.sampled_from(INSTRUCTIONS), max_size=12), st.sampled_from([(), (I32,)]))
def test_loop_and_rules_alone_give_the_same_verdict(
    instructions: list[bytes], results: tuple[ValType, ...]
) -> None:
    code = b"".join(instructions) + b"\x0b"
    module = Module(
        types=[SubType(FuncType((I32, I64), results))],
        funcs=[0],
        memories=[MemoryType(Limits(1))],
        globals=[Global(GlobalType(I32, False), ZERO)],
        code=[Code(0, (), Expr(code, 0, len(code)))],
    )
    context = module_context(module, Config())
    expected = by_rules_alone(context, module)
    if expected is None:
        validate_function(module, context, 0)
    else:
        with pytest.raises((InvalidError, MalformedError)) as error:
            validate_function(module, context, 0)
        assert error.value.message.startswith(expected)
