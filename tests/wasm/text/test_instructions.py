"""Instructions of the text format become the binary format's bytes."""

import pytest

from pywrt.errors import MalformedError
from pywrt.wasm.opcodes import OPCODES
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.instructions import _IMMEDIATES

SURROUNDINGS = """
(type $t (func (param i32) (result i32)))
(import "m" "f" (func $f (type $t)))
(table $t0 1 funcref) (table $t1 1 funcref)
(memory $m0 1) (memory $m1 1)
(global $g (mut i32) (i32.const 0))
(elem $e0 func) (elem $e1 func)
(data $d0 "") (data $d1 "")
"""


def body(text: str) -> str:
    """The bytes of a function body with one parameter $p and one local $x, as hex without the final end."""
    module = parse_module(f"{SURROUNDINGS} (func (param $p i32) (local $x i64) {text})")
    code = bytes(module.code[0].expr)
    assert code[-1] == 0x0B
    return code[:-1].hex(" ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nop", "01"),
        ("local.get $x local.set 0", "20 01 21 00"),
        ("(i32.add (i32.const 1) (i32.const -1))", "41 01 41 7f 6a"),
        ("(local.get $p) (i32.const 5) i32.sub", "20 00 41 05 6b"),
        ("i32.const 0xffffffff i64.const -128", "41 7f 42 80 7f"),
        ("f32.const 1 f64.const -0", "43 00 00 80 3f 44 00 00 00 00 00 00 00 80"),
        ("call $f call 1", "10 00 10 01"),
        ("return_call $f", "12 00"),
        ("call_indirect (type $t)", "11 00 00"),
        ("call_indirect $t1 (param i32) (result i32)", "11 00 01"),
        ("return_call_indirect $t1 (type $t)", "13 00 01"),
        ("call_indirect", "11 02 00"),  # a type that is not there is added
        ("global.get $g global.set 0", "23 00 24 00"),
        ("select", "1b"),
        ("select (result i32)", "1c 01 7f"),
        ("select (result) (result funcref)", "1c 01 70"),
        ("ref.null extern ref.null func ref.func $f ref.is_null", "d0 6f d0 70 d2 00 d1"),
        ("table.get $t1 table.set", "25 01 26 00"),
        ("table.copy table.copy $t1 0", "fc 0e 00 00 fc 0e 01 00"),
        ("table.init $e1 table.init $t1 $e0", "fc 0c 01 00 fc 0c 00 01"),
        ("elem.drop $e1 table.grow $t1 table.size table.fill 1", "fc 0d 01 fc 0f 01 fc 10 00 fc 11 01"),
        ("memory.size memory.grow $m1", "3f 00 40 01"),
        ("memory.copy $m1 $m0 memory.fill", "fc 0a 01 00 fc 0b 00"),
        ("memory.init $d1 memory.init $m1 $d0 data.drop 1", "fc 08 01 00 fc 08 00 01 fc 09 01"),
        ("i32.load i64.store8 offset=0x10 align=1", "28 02 00 3c 00 10"),
        ("i64.load32_u offset=300", "35 02 ac 02"),
        ("f64.load $m1 offset=8 align=4", "2b 42 01 08"),
        ("i32.trunc_sat_f64_u i64.extend32_s", "fc 03 c4"),
        ("block end", "02 40 0b"),
        ("block (result i64) end", "02 7e 0b"),
        ("block (type $t) end", "02 00 0b"),
        ("loop (param i64) end", "03 02 0b"),
        ("if else end", "04 40 05 0b"),
        ("if $a br $a else $a br 1 end $a", "04 40 0c 00 05 0c 01 0b"),
        (
            "(if (result i32) (local.get 0) (then (i32.const 1)) (else i32.const 2))",
            "20 00 04 7f 41 01 05 41 02 0b",
        ),
        ("(if (then))", "04 40 0b"),
        ("(if (local.get 0) (i32.eqz) (then))", "20 00 45 04 40 0b"),
        (
            "(block $a (loop $b (br_table $a $b 2 $a (i32.const 0))))",
            "02 40 03 40 41 00 0e 03 01 00 02 01 0b 0b",
        ),
        ("block $a block $a br $a end br $a end", "02 40 02 40 0c 00 0b 0c 00 0b"),
        ("(block $a (block $a) (br_if $a (local.get 0)))", "02 40 02 40 0b 20 00 0d 00 0b"),
        (
            "(if $a (block $b (result i32) (br 1 (i32.const 0))) (then (br $a)))",
            "02 7f 41 00 0c 01 0b 04 40 0c 00 0b",
        ),
    ],
)
def test_body_instruction_gives_bytes(text: str, expected: str) -> None:
    assert body(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("i32.foo", "unknown operator i32.foo"),
        ("get_local 0", "unknown operator get_local"),
        ("i32.const", "unexpected token"),
        ("i32.const 1.5", "unexpected token 1.5"),
        ("i32.const 0x", "unknown operator 0x"),
        ("i32.const 4294967296", "i32 constant out of range"),
        ("f32.const 1e40", "constant out of range"),
        ("local.get $nope", "unknown local \\$nope"),
        ("call $nope", "unknown function \\$nope"),
        ("br $nope", "unknown label \\$nope"),
        ("block $a end br $a", "unknown label \\$a"),
        ("(block $a) br $a", "unknown label \\$a"),
        ("block end $a", "mismatching label \\$a"),
        ("if $a else $b end", "mismatching label \\$b"),
        ("block", 'unexpected token \\), expected "end"'),
        ("end", "unexpected token end"),
        ("block else end", "unexpected token else"),
        ("if else else end", "unexpected token else"),
        ("(block end)", "unexpected token end"),
        ("(nop nop)", "unexpected token nop"),
        ("(if (nop))", 'unexpected token \\), expected "\\(then"'),
        ("(if (then) (nop))", "unexpected token nop"),
        ("(if (then) (else) (else))", "unexpected token else"),
        ("(if nop (then))", "unexpected token nop"),
        ("(then)", "unexpected token then"),
        ("select_t", "unknown operator select_t"),
        ("i32.load align=3", "alignment must be a power of two"),
        ("i32.load align=0", "alignment must be a power of two"),
        ("i32.load align=4 offset=0", "unexpected token offset=0"),
        ("i32.load offset=18446744073709551616", "i64 constant out of range"),
        ("block (param $x i32) end", "unexpected token \\$x"),
        ("block (result i32) (param i32) end", "unexpected token param"),
        ("call_indirect (type $t) (param i64)", "inline function type"),
        ("call_indirect (type 9) (param i64)", "unknown type 9"),
        ("br_table", "unexpected token"),
    ],
)
def test_body_wrong_instruction_raises_malformed(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message) as caught:
        body(text)
    assert caught.value.line is not None
    assert caught.value.feature is None


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("i32x4.add", "simd"),
        ("i32x4.relaxed_trunc_f32x4_s", "relaxed-simd"),
        ("struct.new 0", "gc"),
        ("ref.null any", "gc"),
        ("ref.null 0", "function-references"),
        ("call_ref 0", "function-references"),
        ("(block (result (ref 0)))", "function-references"),
        ("throw 0", "exceptions"),
        ("i32.atomic.load", "threads"),
        ("i64.add128", "wide-arithmetic"),
    ],
)
def test_body_unbuilt_instruction_names_feature(text: str, feature: str) -> None:
    with pytest.raises(MalformedError, match=f"needs {feature}") as caught:
        body(text)
    assert caught.value.feature == feature


def test_opcode_table_every_row_has_a_text_form() -> None:
    in_the_loop = {("blocktype",)}
    missing = {op.immediates for op in OPCODES} - _IMMEDIATES.keys() - in_the_loop
    assert not missing


@pytest.mark.parametrize(
    ("opening", "middle", "closing"),
    [
        ("(i32.add (i32.const 1) ", "(i32.const 1)", ")"),
        ("(block ", "", ")"),
        ("block ", "", "end "),
        ("(if (i32.const 1) (then ", "", "))"),
        ("(loop $l ", "(br $l)", ")"),
    ],
)
def test_body_nested_50000_deep_does_not_recurse(opening: str, middle: str, closing: str) -> None:
    depth = 50_000
    module = parse_module(f"(func {opening * depth}{middle}{closing * depth})")
    assert len(bytes(module.code[0].expr)) > depth
