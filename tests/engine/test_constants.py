"""Constant expressions: globals, tables, offsets and elements."""

import re

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import Trap

#: The fuel that a guest starts with.
PLENTY = 1 << 40


@pytest.fixture
def guest(guest):
    """The fixture of that name, for texts in which `#n` stands for `(i32.const n)`."""
    return lambda text, **config: guest(re.sub(r"#(-?\w+)", r"(i32.const \1)", text), **config)


TYPES = """(type $s (struct (field (mut i32)) (field i8))) (type $b (array (mut i8))) (type $l (array i64))"""


@pytest.mark.parametrize(
    ("type", "init", "read", "expected"),
    [
        ("i32", "(i32.add #-1 (i32.mul #7 #3))", "(global.get $g)", 20),
        ("i64", "(i64.sub (i64.const 0) (i64.const 1))", "(i64.eq (global.get $g) (i64.const -1))", 1),
        ("i32", "(global.get $before)", "(global.get $g)", 5),
        ("i31ref", "(ref.i31 #-1)", "(i31.get_s (global.get $g))", -1),
        ("i31ref", "(ref.i31 #0x80000001)", "(i31.get_u (global.get $g))", 1),
        ("(ref $s)", "(struct.new $s #7 #511)", "(struct.get $s 0 (global.get $g))", 7),
        ("(ref $s)", "(struct.new $s #7 #511)", "(struct.get_s $s 1 (global.get $g))", -1),
        ("(ref $s)", "(struct.new_default $s)", "(struct.get_u $s 1 (global.get $g))", 0),
        ("(ref $b)", "(array.new $b #257 #3)", "(array.get_u $b (global.get $g) #2)", 1),
        ("(ref $b)", "(array.new_default $b (global.get $before))", "(array.len (global.get $g))", 5),
        ("(ref $b)", "(array.new_fixed $b 2 #1 #384)", "(array.get_s $b (global.get $g) #1)", -128),
        ("(ref $l)", "(array.new_fixed $l 0)", "(array.len (global.get $g))", 0),
        ("anyref", "(any.convert_extern (extern.convert_any (ref.i31 #9)))",
         "(i31.get_s (ref.cast i31ref (global.get $g)))", 9),
        ("funcref", "(ref.func 0)", "(ref.is_null (global.get $g))", 0),
        ("(ref null $s)", "(ref.null none)", "(ref.is_null (global.get $g))", 1),
        ("v128", "(v128.const i32x4 1 2 3 4)", "(i32x4.extract_lane 2 (global.get $g))", 3),
    ],
)  # fmt: skip
def test_global_is_initialised_by_expression(guest, type, init, read, expected):
    text = f"""(module {TYPES} (global $before i32 #5) (global $g {type} {init})
      (func (export "f") (result i32) {read}))"""
    assert guest(text, features=ALL_FEATURES).call("f") == expected


def test_descriptor_in_constant_expression_is_kept(guest):
    text = """(module
      (rec (type $s (descriptor $d) (struct (field i32))) (type $d (describes $s) (struct (field i32))))
      (global $desc (ref (exact $d)) (struct.new $d #4))
      (global $g (ref $s) (struct.new_desc $s #1 (global.get $desc)))
      (global $h (ref $s) (struct.new_default_desc $s (global.get $desc)))
      (func (export "f") (result i32)
        (i32.add (struct.get $s 0 (global.get $g))
          (i32.add (struct.get $d 0 (ref.get_desc $s (global.get $g)))
                   (ref.eq (ref.get_desc $s (global.get $h)) (global.get $desc))))))"""
    assert guest(text, features=ALL_FEATURES).call("f") == 6


def test_null_descriptor_in_constant_expression_traps(guest):
    text = """(module
      (rec (type $s (descriptor $d) (struct)) (type $d (describes $s) (struct)))
      (global (ref $s) (struct.new_desc $s (ref.null (exact $d)))))"""
    with pytest.raises(Trap, match=r"^null descriptor reference"):
        guest(text, features=ALL_FEATURES)


def test_table_is_filled_by_its_expression(guest):
    text = """(module (table $t 3 i31ref (ref.i31 #8))
      (func (export "f") (param i32) (result i32) (i31.get_u (table.get $t (local.get 0)))))"""
    module = guest(text, features=ALL_FEATURES)
    assert [module.call("f", i) for i in range(3)] == [8, 8, 8]


def test_table_expression_makes_one_object_for_all_elements(guest):
    text = """(module (type $s (struct)) (table $t 2 (ref null $s) (struct.new $s))
      (func (export "f") (result i32)
        (ref.eq (table.get $t #0) (table.get $t #1))))"""
    assert guest(text, features=ALL_FEATURES).call("f") == 1


def test_elements_are_expressions_each_its_own_object(guest):
    text = """(module (type $s (struct (field i32))) (table $t 4 (ref null $s))
      (elem (table $t) (offset (i32.add #1 #1)) (ref null $s)
        (item (struct.new $s #1)) (item (struct.new $s #2)))
      (func (export "f") (param i32) (result i32) (struct.get $s 0 (table.get $t (local.get 0)))))"""
    module = guest(text, features=ALL_FEATURES)
    assert (module.call("f", 2), module.call("f", 3)) == (1, 2)
    with pytest.raises(Trap, match=r"^null structure reference"):
        module.call("f", 1)


def test_array_of_constant_expression_past_the_limit_traps_before_it_is_made(guest):
    text = """(module (type $a (array i32)) (global (ref $a) (array.new_default $a #-1)))"""
    with pytest.raises(Trap, match=r"^allocation size too large") as caught:
        guest(text, features=ALL_FEATURES)
    assert caught.value.code == "allocation-too-large"


@pytest.mark.parametrize(
    ("init", "cost"),
    [("(array.new $a #1 #10)", 16), ("(array.new_default $a #10)", 15), ("(array.new_fixed $a 2 #1 #2)", 6)],
)
def test_fuel_of_array_in_constant_expression_counts_elements(guest, init, cost):
    text = f"""(module (type $a (array (mut i32))) (func $start) (start $start)
      (global (ref $a) {init}))"""
    module = guest(text, metered=True, features=ALL_FEATURES)
    assert PLENTY - module.store.get_fuel() == cost  # as wasmtime 49 has it
