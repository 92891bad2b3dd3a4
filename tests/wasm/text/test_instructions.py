"""Instructions of the text format become the binary format's bytes."""

import pytest

from pywrt.errors import MalformedError
from pywrt.wasm.opcodes import OPCODES
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.instructions import _IMMEDIATES

SURROUNDINGS = """
(type $t (func (param i32) (result i32)))
(type $s (struct (field $a i32) (field i8 i8) (field $b (mut f64))))
(type $v (array (mut i16)))
(import "m" "f" (func $f (type $t)))
(tag $x0) (tag $x1 (param i32))
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
        ("call_indirect", "11 03 00"),  # a type that is not there is added
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
        ("loop (param i64) end", "03 05 0b"),
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
        ("block (type 0) (param i32) (result i32) end", "02 00 0b"),
        ("block (result (ref null $s)) end", "02 63 01 0b"),
        ("block (result (ref any)) end", "02 64 6e 0b"),
        ("try_table end", "1f 40 00 0b"),
        ("try_table (result i32) (catch $x0 0) (catch_all_ref 1) end", "1f 7f 02 00 00 00 03 01 0b"),
        ("(try_table (catch_ref $x1 0) (catch_all 0) nop)", "1f 40 02 01 01 00 02 00 01 0b"),
        ("block $a try_table $b (catch_all $a) br $a end end", "02 40 1f 40 01 02 00 0c 01 0b 0b"),
        ("throw $x1 throw_ref", "08 01 0a"),
        ("try $a catch $x1 rethrow $a catch 0 catch_all end $a", "06 40 07 01 09 00 07 00 19 0b"),
        ("try $a try $b delegate $a catch_all end", "06 40 06 40 18 00 19 0b"),
        ("(try $a (do (br $a)) (catch 1 (rethrow $a)) (catch_all))", "06 40 0c 00 07 01 09 00 19 0b"),
        ("(try $a (do (try (do nop) (delegate $a))))", "06 40 06 40 01 18 00 0b"),
        ("(try (result i32) (do (i32.const 1)) (delegate 0))", "06 7f 41 01 18 00"),
        ("call_ref $t return_call_ref 0", "14 00 15 00"),
        ("br_on_null 0 br_on_non_null 0 ref.as_non_null ref.eq", "d5 00 d6 00 d4 d3"),
        ("ref.null $s ref.null (exact $s) ref.null nofunc", "d0 01 d0 62 01 d0 73"),
        ("ref.test (ref $s) ref.test (ref null $s) ref.test anyref", "fb 14 01 fb 15 01 fb 15 6e"),
        ("ref.cast (ref i31) ref.cast (ref null (exact $s))", "fb 16 6c fb 17 62 01"),
        ("ref.cast_desc_eq (ref $s) ref.cast_desc_eq (ref null $s)", "fb 23 01 fb 24 01"),
        ("br_on_cast 0 anyref (ref $s)", "fb 18 01 00 6e 01"),
        ("br_on_cast_fail 0 (ref any) (ref null $s)", "fb 19 02 00 6e 01"),
        ("br_on_cast_desc_eq 0 (ref null $s) (ref null (exact $s))", "fb 25 03 00 01 62 01"),
        (
            "struct.new $s struct.get $s $b struct.get_s $s 1 struct.set 1 $a",
            "fb 00 01 fb 02 01 03 fb 03 01 01 fb 05 01 00",
        ),
        ("array.new_fixed $v 300 array.copy $v 2 array.len", "fb 08 02 ac 02 fb 11 02 02 fb 0f"),
        ("array.new_data $v $d1 array.init_elem 2 $e1", "fb 09 02 01 fb 13 02 01"),
        ("ref.i31 i31.get_u any.convert_extern", "fb 1c fb 1e fb 1a"),
        ("v128.const i32x4 1 -1 0x10 0", "fd 0c 01 00 00 00 ff ff ff ff 10 00 00 00 00 00 00 00"),
        (
            "v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 -1 drop",
            "fd 0c 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e ff 1a",
        ),
        ("v128.const f64x2 -0 nan:0x1", "fd 0c 00 00 00 00 00 00 00 80 01 00 00 00 00 00 f0 7f"),
        (
            "i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31",
            "fd 0d 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 1f",
        ),
        ("i32x4.extract_lane 3 i16x8.relaxed_q15mulr_s", "fd 1b 03 fd 91 02"),
        ("v128.load8_lane 3", "fd 54 00 00 03"),
        ("v128.load8_lane 1 3", "fd 54 40 01 00 03"),
        ("v128.load16_lane $m1 offset=5 align=1 3", "fd 55 40 01 05 03"),
        ("v128.store64_lane 1 align=4 1", "fd 5b 42 01 00 01"),
        ("i64.atomic.rmw32.add_u offset=8 atomic.fence", "fe 24 02 08 fe 03 00"),
        ("i64.add128 i64.mul_wide_u", "fc 13 fc 16"),
        ("i32.load offset=0xffff_ffff_ffff_ffff", "28 02 ff ff ff ff ff ff ff ff ff 01"),
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
        ("i32.const 4294967296", "constant out of range of i32"),
        ("f32.const 1e40", "constant out of range"),
        ("local.get $nope", "unknown local \\$nope"),
        ("call $nope", "unknown function \\$nope"),
        ("br $nope", "unknown label \\$nope"),
        ("block $a end br $a", "unknown label \\$a"),
        ("(block $a) br $a", "unknown label \\$a"),
        ("block end $a", "mismatching label \\$a"),
        ("if $a else $b end", "mismatching label \\$b"),
        ("block", 'unexpected token \\), expected "end"'),
        ("block catch 0 end", "unexpected token catch"),
        ("try catch_all catch 0 end", "unexpected token catch"),
        ("try catch 0 delegate 0", "unexpected token delegate"),
        ("try delegate 0 end", "unexpected token end"),
        ("(try (catch 0))", "unexpected token catch"),
        ("(try (do) (catch_all) (catch 0))", "unexpected token catch"),
        ("(try (do) (nop))", "unexpected token nop"),
        ("(try (do) (delegate 0 (nop)))", "unexpected token nop"),
        ("(try)", 'unexpected token \\), expected "\\(do"'),
        ("(do)", "unexpected token do"),
        ("try_table $a (catch_all $a) end", "unknown label \\$a"),
        ("throw $nope", "unknown tag \\$nope"),
        ("struct.get $s $nope", "unknown field \\$nope"),
        ("struct.get $t $a", "unknown field \\$a"),
        ("ref.null $nope", "unknown type \\$nope"),
        ("ref.null i32", "unexpected token i32, expected a heap type"),
        ("ref.test func", "unexpected token func"),
        ("ref.test i32", "unexpected token i32, expected a reference type"),
        ("ref.test_null funcref", "unknown operator ref.test_null"),
        ("br_on_cast 0 funcref", "unexpected token"),
        ("v128.const i32x4 1 2 3", "wrong number of lane literals: 3, expected 4"),
        ("v128.const i32x4 1 2 3 4 5", "wrong number of lane literals: 5, expected 4"),
        ("v128.const i32x4 1 2 3 _4", "unknown operator _4"),
        ("v128.const i8x16 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 256", "constant out of range of i8"),
        ("v128.const i32x4 1.0 1 1 1", "unexpected token 1.0"),
        ("v128.const 1 2", "unexpected token 1"),
        ("i8x16.shuffle 0 1 2", "invalid lane length"),
        ("i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 -1", "i8 constant out of range"),
        ("i8x16.extract_lane_s 256", "i8 constant out of range"),
        ("v128.load8_lane offset=1", "unexpected token"),
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


def test_opcode_table_every_row_has_a_text_form() -> None:
    in_the_loop = {("blocktype",), ("blocktype", "catch*")}
    missing = {op.immediates for op in OPCODES} - _IMMEDIATES.keys() - in_the_loop
    assert not missing


def test_body_branches_to_labels_in_an_if_condition_skip_the_if() -> None:
    assert body("(block $a (if $b (br_if $a (i32.const 0)) (then (br $a))))") == (
        "02 40 41 00 0d 00 04 40 0c 01 0b 0b"
    )


@pytest.mark.parametrize(
    ("opening", "middle", "closing"),
    [
        ("(i32.add (i32.const 1) ", "(i32.const 1)", ")"),
        ("(block ", "", ")"),
        ("block ", "", "end "),
        ("(if (i32.const 1) (then ", "", "))"),
        ("(loop $l ", "(br $l)", ")"),
        ("(try (do ", "", ") (catch_all))"),
        ("try ", "", "delegate 0 "),
        ("(try_table (catch_all 0) ", "", ")"),
    ],
)
def test_body_nested_50000_deep_does_not_recurse(opening: str, middle: str, closing: str) -> None:
    depth = 50_000
    module = parse_module(f"(func {opening * depth}{middle}{closing * depth})")
    assert len(bytes(module.code[0].expr)) > depth
