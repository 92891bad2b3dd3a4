from collections.abc import Callable

import pytest

from pywrt.errors import InvalidError

Accept = Callable[..., None]
Reject = Callable[..., InvalidError]

PARTS = """
  (type $p (struct (field $x (mut i32)) (field $b i8) (field $r (mut anyref))))
  (type $nonnull (struct (field (ref $p))))
  (type $bytes (array (mut i8))) (type $const (array i64)) (type $refs (array (mut anyref)))
  (type $full (array (mut (ref any)))) (type $i31s (array i31ref))
  (rec (type $d (descriptor $m) (struct (field i32))) (type $m (describes $d) (struct)))
  (data $data "abc") (elem $elem anyref) (elem $funcs funcref)
"""


@pytest.mark.parametrize(
    "function",
    [
        "(func (result (ref $p)) (struct.new $p (i32.const 1) (i32.const 2) (ref.null i31)))",
        "(func (result (ref $p)) (struct.new_default $p))",
        "(func (param (ref null $p)) (result i32) (struct.get $p $x (local.get 0)))",
        "(func (param (ref null $p)) (result i32) (struct.get_u $p $b (local.get 0)))",
        "(func (param (ref $p)) (struct.set $p $r (local.get 0) (local.get 0)))",
        "(func (result i32) (struct.get $p 0 (unreachable)))",
        "(func (result (ref $bytes)) (array.new $bytes (i32.const 1) (i32.const 9)))",
        "(func (result (ref $refs)) (array.new_default $refs (i32.const 9)))",
        "(func (result (ref $full)) (array.new_fixed $full 1 (ref.i31 (i32.const 0))))",
        "(func (result (ref $const)) (array.new_data $const $data (i32.const 0) (i32.const 0)))",
        "(func (result (ref $refs)) (array.new_elem $refs $elem (i32.const 0) (i32.const 0)))",
        "(func (param (ref $bytes)) (result i32) (array.get_s $bytes (local.get 0) (i32.const 0)))",
        "(func (param (ref $const)) (result i64) (array.get $const (local.get 0) (i32.const 0)))",
        "(func (param (ref $bytes)) (array.set $bytes (local.get 0) (i32.const 0) (i32.const 1)))",
        "(func (param (ref $bytes)) (array.fill $bytes"
        " (local.get 0) (i32.const 0) (i32.const 1) (i32.const 2)))",
        "(func (param (ref $refs) (ref $i31s)) (array.copy $refs $i31s"
        " (local.get 0) (i32.const 0) (local.get 1) (i32.const 0) (i32.const 0)))",
        "(func (param (ref $bytes)) (array.init_data $bytes $data"
        " (local.get 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(func (param (ref $refs)) (array.init_elem $refs $elem"
        " (local.get 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(func (param (ref null $bytes)) (result i32) (array.len (local.get 0)))",
        "(func (result i32) (i31.get_s (ref.i31 (i32.const 1))))",
        "(func (param (ref null (exact $m))) (result (ref $d))"
        " (struct.new_desc $d (i32.const 1) (local.get 0)))",
        "(func (result (ref (exact $d))) (struct.new_default_desc $d (ref.null none)))",
    ],
)
def test_aggregates_valid_are_accepted(accept: Accept, function: str) -> None:
    accept(f"(module {PARTS} {function})")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(drop (struct.new $p (i32.const 1)))", "type mismatch"),
        ("(drop (struct.new $bytes))", "non-structure type 2"),
        ("(drop (struct.new 99))", "unknown type 99"),
        ("(drop (struct.new_default $nonnull))", "field type is not defaultable: field 0"),
        ("(drop (struct.get $p 3 (unreachable)))", "unknown field 3 of type 0"),
        ("(drop (struct.get $p $b (unreachable)))", "field is packed"),
        ("(drop (struct.get_s $p $x (unreachable)))", "field is unpacked"),
        ("(struct.set $p $b (unreachable))", "immutable field"),
        ("(struct.get $p $x (ref.null any)) drop", "type mismatch"),
        ("(drop (array.new $p (unreachable)))", "non-array type 0"),
        ("(drop (array.new_default $full (i32.const 1)))", "array type is not defaultable"),
        ("(drop (array.new_fixed $bytes 2 (i32.const 1)))", "type mismatch"),
        ("(drop (array.new_fixed $bytes 10001 (unreachable)))", "array.new_fixed of 10001 elements exceeds"),
        (
            "(drop (array.new_fixed $bytes 0xFFFFFFFF (unreachable)))",
            "array.new_fixed of 4294967295 elements",
        ),
        ("(drop (array.new_data $refs $data (unreachable)))", "array type is not numeric or vector"),
        ("(drop (array.new_data $bytes 4 (unreachable)))", "unknown data segment 4"),
        ("(drop (array.new_elem $refs $funcs (unreachable)))", "type mismatch: elem segment 1 holds funcref"),
        ("(drop (array.new_elem $bytes $elem (unreachable)))", "type mismatch: elem segment 0 holds anyref"),
        ("(drop (array.new_elem $refs 4 (unreachable)))", "unknown elem segment 4"),
        ("(drop (array.get $bytes (unreachable)))", "array is packed"),
        ("(drop (array.get_u $const (unreachable)))", "array is unpacked"),
        ("(array.set $const (unreachable))", "immutable array 3"),
        ("(array.fill $const (unreachable))", "immutable array 3"),
        ("(array.copy $const $const (unreachable))", "immutable array 3"),
        ("(array.copy $bytes $const (unreachable))", "array types do not match"),
        ("(array.copy $full $refs (unreachable))", "array types do not match"),
        ("(array.init_data $const $data (unreachable))", "immutable array 3"),
        ("(array.init_data $refs $data (unreachable))", "array type is not numeric or vector"),
        ("(array.init_elem $refs $funcs (unreachable))", "type mismatch: elem segment 1"),
        ("(drop (array.len (ref.null any)))", "type mismatch: instruction requires [arrayref]"),
        ("(drop (i31.get_u (ref.null eq)))", "type mismatch: instruction requires [i31ref]"),
        ("(drop (struct.new $d (unreachable)))", "type with descriptor requires descriptor allocation"),
        ("(drop (struct.new_default $d))", "type with descriptor requires descriptor allocation"),
        ("(drop (struct.new_desc $p (unreachable)))", "type without descriptor requires non-descriptor"),
        ("(drop (struct.new_desc $d (i32.const 1) (ref.null any)))", "type mismatch"),
    ],
)
def test_aggregates_invalid_raise(reject: Reject, body: str, message: str) -> None:
    assert reject(f"(module {PARTS} (func {body}))").message.startswith(message)


def test_structure_of_10_000_fields_is_made_often(accept: Accept) -> None:
    made = "(drop (struct.new_default $s)) " * 5_000
    accept(f"(module (type $s (struct (field {'i32 ' * 10_000}))) (func {made}))")
