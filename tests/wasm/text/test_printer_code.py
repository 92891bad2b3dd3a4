"""Instructions as the printer spells them, and bodies that are none."""

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import MalformedError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.module import Code, Expr, Module
from pywrt.wasm.opcodes import OPCODES, Opcode
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.instructions import unsigned
from pywrt.wasm.text.printer import print_module
from pywrt.wasm.text.printer.code import PRINT_IMMEDIATES
from pywrt.wasm.types import I32, FuncType, SubType

#: Bytes for each kind of immediate, several where there are forms that are spelled differently.
SAMPLES: dict[str, tuple[bytes, ...]] = {
    "blocktype": (b"\x40", b"\x7f", b"\x64\x70", b"\x63\0", b"\0", b"\1", b"\2", b"\3"),
    "labelidx": (b"\0", b"\7"),
    "labelidx*": (b"\0\0", b"\2\0\1\0"),
    "funcidx": (b"\0", b"\x85\1"),
    "typeidx": (b"\0", b"\1"),
    "tableidx": (b"\0", b"\3"),
    "memidx": (b"\0", b"\3"),
    "tagidx": (b"\0", b"\1"),
    "globalidx": (b"\0", b"\1"),
    "localidx": (b"\0", b"\x80\1"),
    "fieldidx": (b"\0", b"\5"),
    "dataidx": (b"\0", b"\5"),
    "elemidx": (b"\0", b"\5"),
    "u32": (b"\0", b"\xff\xff\xff\xff\x0f"),
    "valtype*": (b"\1\x7f", b"\0", b"\2\x7b\x64\0"),
    "memarg": (b"\0\0", b"\1\4", b"\2\0", b"\3\x10", b"\4\0", b"\x42\1\x80\2", b"\x3f\0"),
    "catch*": (b"\0", b"\4\0\0\0\1\1\1\2\0\3\1"),
    "castop": (b"\0\0\x6e\x6c", b"\1\0\x6e\0", b"\2\1\0\x6c", b"\3\0\x6e\x62\0"),
    "heaptype": (b"\x70", b"\0", b"\x62\0"),
    "i32": (b"\0", b"\x7f", b"\x80\x80\x80\x80\x78"),
    "i64": (b"\0", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"),
    "f32": (b"\0\0\xc0\x3f", b"\1\0\x80\x7f"),
    "f64": (b"\0" * 7 + b"\x80", b"\1" + b"\0" * 5 + b"\xf0\xff"),
    "v128": (bytes(range(16)), b"\xff" * 16),
    "laneidx": (b"\0", b"\xff"),
    "laneidx16": (bytes(range(16)), b"\xff" * 16),
    "zero": (b"\0",),
}
#: What must stand around an instruction that is not one on its own.
AROUND = {
    "block": (b"", b"\x0b"),
    "loop": (b"", b"\x0b"),
    "if": (b"", b"\x0b"),
    "try": (b"", b"\x0b"),
    "try_table": (b"", b"\x0b"),
    "else": (b"\x04\x40", b"\x0b"),
    "catch": (b"\x06\x40", b"\x0b"),
    "catch_all": (b"\x06\x40", b"\x0b"),
    "end": (b"\x02\x40", b""),
    "delegate": (b"\x06\x40", b""),
}
TYPES = [FuncType((), ()), FuncType((I32,), (I32,)), FuncType((), (I32,)), FuncType((), (I32, I32))]


def samples(opcode: Opcode) -> list[bytes]:
    """The instruction with every sample of each immediate, the first ones of the others."""
    code = bytes((opcode.prefix,)) + unsigned(opcode.number) if opcode.prefix else bytes((opcode.number,))
    before, after = AROUND.get(opcode.mnemonic, (b"", b""))
    found = []
    kinds = [SAMPLES[kind] for kind in opcode.immediates]
    for number in range(max(map(len, kinds), default=1)):
        immediates = [kind[min(number, len(kind) - 1)] for kind in kinds]
        found.append(before + code + b"".join(immediates) + after)
    return found


def module_of(body: bytes, data_count: int | None = None) -> Module:
    """A decoded module whose one function has the body, without its last `end`."""
    expr = body + b"\x0b"
    module = Module(
        types=[SubType(type) for type in TYPES],
        funcs=[0],
        code=[Code(0, (), Expr(expr, 0, len(expr)))],
        data_count=data_count,
    )
    return decode_module(encode_module(module), features=ALL_FEATURES)


def printed(body: bytes) -> list[str]:
    """The lines of a body."""
    lines = print_module(module_of(body)).splitlines()
    return [line[4:] for line in lines[2 + len(TYPES) : -2]]


@pytest.mark.parametrize("opcode", OPCODES, ids=lambda opcode: opcode.mnemonic)
def test_print_of_each_opcode_is_read_back_as_the_same_bytes(opcode: Opcode) -> None:
    for body in samples(opcode):
        module = module_of(body, 0 if "dataidx" in opcode.immediates else None)
        text = print_module(module)
        assert encode_module(parse_module(text)) == encode_module(module), text


def test_print_has_a_form_for_the_immediates_of_each_opcode() -> None:
    structured = {("blocktype",), ("blocktype", "catch*")}  # the loop's own
    assert {opcode.immediates for opcode in OPCODES} <= set(PRINT_IMMEDIATES) | structured


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x41\x7f", "i32.const -1"),
        (b"\x43\0\0\xc0\x3f", "f32.const 0x1.8p+0 (;=1.5;)"),
        (b"\x44\0\0\0\0\0\0\xf8\x7f", "f64.const nan"),
        (b"\x28\2\0", "i32.load"),
        (b"\x28\0\x10", "i32.load offset=16 align=1"),
        (b"\x29\x43\1\0", "i64.load 1"),
        (b"\x1c\1\x7f", "select (result i32)"),
        (b"\x11\1\0", "call_indirect (type 1) (param i32) (result i32)"),
        (b"\x11\1\2", "call_indirect 2 (type 1) (param i32) (result i32)"),
        (b"\x11\x09\0", "call_indirect (type 9)"),
        (b"\xfc\x08\1\0", "memory.init 1"),
        (b"\xfc\x08\1\2", "memory.init 2 1"),
        (b"\xfc\x0a\0\0", "memory.copy"),
        (b"\xfc\x0a\0\1", "memory.copy 0 1"),
        (b"\xfb\x14\x6c", "ref.test (ref i31)"),
        (b"\xfb\x17\0", "ref.cast (ref null 0)"),
        (b"\xd0\x70", "ref.null func"),
        (b"\xfb\x18\3\0\x6e\x6c", "br_on_cast 0 (;@0;) (ref null any) (ref null i31)"),
        (b"\xfd\x0c" + bytes(range(16)), "v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c"),
        (b"\xfe\x03\0", "atomic.fence"),
    ],
)
def test_print_of_an_instruction_is_short_and_exact(body: bytes, text: str) -> None:
    assert printed(body) == [text]


def test_print_of_blocks_indents_and_marks_the_labels_that_are_used() -> None:
    body = b"\x02\x40\x03\x7f\x41\0\x04\x40\x0c\1\x05\x0d\2\x01\x0b\x0c\2\x0b\x1a\x0b\x0e\1\0\0"
    assert printed(body) == [
        "block ;; label = @1",
        "  loop (result i32) ;; label = @2",
        "    i32.const 0",
        "    if",
        "      br 1 (;@2;)",
        "    else",
        "      br_if 2 (;@1;)",
        "      nop",
        "    end",
        "    br 2 (;@0;)",
        "  end",
        "  drop",
        "end",
        "br_table 0 (;@0;) 0 (;@0;)",
    ]


def test_print_of_handlers_counts_labels_from_outside() -> None:
    body = b"\x02\x40\x1f\x40\2\0\0\0\2\1\x0c\0\x0b\x0b\x06\x40\x06\x40\x18\0\x07\0\x19\x0b"
    assert printed(body) == [
        "block ;; label = @1",
        "  try_table (catch 0 0 (;@1;)) (catch_all 1 (;@0;)) ;; label = @2",
        "    br 0 (;@2;)",
        "  end",
        "end",
        "try ;; label = @1",
        "  try",
        "  delegate 0 (;@1;)",
        "catch 0",
        "catch_all",
        "end",
    ]


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_print_of_a_block_type_index_keeps_the_index(index: int) -> None:
    module = module_of(bytes((0x02, index, 0x0B)))
    assert f"block (type {index})" in print_module(module)
    assert encode_module(parse_module(print_module(module))) == encode_module(module)


def test_print_of_deeply_nested_blocks_caps_the_indentation() -> None:
    depth = 50_000
    module = module_of(b"\x02\x40" * depth + b"\x0b" * depth)
    text = print_module(module)
    assert max(map(len, text.splitlines())) < 100
    assert encode_module(parse_module(text)) == encode_module(module)


def test_print_of_a_long_type_leaves_it_out_where_it_is_used() -> None:
    types = [SubType(FuncType((I32,) * 1000, ()))]
    module = Module(types=types, funcs=[0] * 1000, code=[Code(0, (), Expr(b"\x0b", 0, 1))] * 1000)
    decoded = decode_module(encode_module(module))
    text = print_module(decoded)
    assert len(text) < 100_000
    assert encode_module(parse_module(text)) == encode_module(decoded)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\x05", "END opcode expected"),  # else without if
        (b"\x02\x40\x05\x0b", "END opcode expected"),
        (b"\x04\x40\x05\x05\x0b", "END opcode expected"),
        (b"\x06\x40\x19\x07\0\x0b", "END opcode expected"),  # catch behind catch_all
        (b"\x02\x40\x18\0", "END opcode expected"),  # delegate without try
        (b"\x0b\x01", "END opcode expected"),  # more behind the end
        (b"\x02\x40", "unexpected end of section or function"),
        (b"\x41\xff", "unexpected end of section or function"),
        (b"\x27", "illegal opcode 27"),
    ],
)
def test_print_of_a_body_that_is_none_is_malformed(body: bytes, message: str) -> None:
    with pytest.raises(MalformedError, match=message) as caught:
        print_module(module_of(body))
    assert caught.value.offset is not None
