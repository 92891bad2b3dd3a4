"""Structures and arrays: reading, writing, bulk operations, fuel, and the limit of live objects."""

import gc
import re
import time

import pytest

from pywrt.config import ALL_FEATURES, Config
from pywrt.engine.machine import Stop
from pywrt.engine.objects import check_objects, take_objects
from pywrt.errors import LimitError, Trap
from pywrt.runtime.store import Store


@pytest.fixture
def guest(guest):
    """The fixture of that name, for texts in which `#n` stands for `(i32.const n)`."""
    return lambda text, **config: guest(re.sub(r"#(-?\w+)", r"(i32.const \1)", text), **config)


TYPES = """
  (type $s (struct (field $a (mut i32)) (field $b (mut i8)) (field $c (mut i16)) (field $d (mut i64))
    (field $e (mut f32)) (field $f (mut f64)) (field $g (mut anyref)) (field $h (mut v128))))
  (type $pair (struct (field (mut i32)) (field (mut i32))))
  (type $i8 (array (mut i8))) (type $i16 (array (mut i16))) (type $i32 (array (mut i32)))
  (type $i64 (array (mut i64))) (type $f32 (array (mut f32))) (type $f64 (array (mut f64)))
  (type $v128 (array (mut v128))) (type $func (array (mut funcref))) (type $const (array i32))
  (data $data "\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0a\\0b\\0c\\0d\\0e\\0f\\10\\ff\\fe\\fd\\fc")
  (elem $elem func $zero $zero $one)
  (func $zero) (func $one)
"""


@pytest.fixture
def module(guest):
    """An instance of TYPES, `more`, and a function f(i32) -> i32 with `body`."""

    def load(body, more="", **config):
        text = f'(module {TYPES} {more} (func (export "f") (param i32) (result i32) {body}))'
        return guest(text, features=ALL_FEATURES, **config)

    return load


@pytest.fixture
def run(module):
    return lambda body, argument=0: module(body).call("f", argument)


SEVERAL = "(array.new_fixed $i32 5 #10 #11 #12 #13 #14)"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("(struct.get $pair 1 (struct.new $pair #3 #4))", 4),
        ("(struct.get $s $a (struct.new_default $s))", 0),
        ("(i64.eqz (struct.get $s $d (struct.new_default $s)))", 1),
        ("(f32.eq (struct.get $s $e (struct.new_default $s)) (f32.const 0))", 1),
        ("(ref.is_null (struct.get $s $g (struct.new_default $s)))", 1),
        ("(i32x4.extract_lane 3 (struct.get $s $h (struct.new_default $s)))", 0),
        ("(array.len (array.new $f64 (f64.const 1) #1000))", 1000),
        ("(array.get_u $i16 (array.new $i16 #-1 #2) #1)", 0xFFFF),
        ("(array.get_s $i16 (array.new $i16 #0x18000 #2) #1)", -0x8000),
        ("(array.get_s $i8 (array.new_fixed $i8 1 #0x1ff) #0)", -1),
        (f"(array.get $i32 {SEVERAL} #4)", 14),
        ("(array.len (array.new_fixed $i32 0))", 0),
        ("(array.get_u $i8 (array.new_data $i8 $data #3 #2) #1)", 5),
        ("(array.get_u $i16 (array.new_data $i16 $data #1 #2) #1)", 0x0504),
        ("(array.get $i32 (array.new_data $i32 $data #1 #2) #1)", 0x09080706),
        ("(i32.wrap_i64 (array.get $i64 (array.new_data $i64 $data #0 #2) #1))", 0x0C0B0A09),
        ("(i32.reinterpret_f32 (array.get $f32 (array.new_data $f32 $data #0 #4) #3))", 0x100F0E0D),
        ("(i32.wrap_i64 (i64.reinterpret_f64 (array.get $f64 (array.new_data $f64 $data #4 #2) #0)))",
         0x08070605),
        ("(i32x4.extract_lane 3 (array.get $v128 (array.new_data $v128 $data #0 #1) #0))", 0x100F0E0D),
        ("(array.len (array.new_elem $func $elem #1 #2))", 2),
        ("(if (result i32) (array.len (array.new_fixed $i8 0)) (then #1) (else #2))", 2),
    ],
)  # fmt: skip
def test_aggregate_instruction(run, body, expected):
    assert run(body) == expected


def test_nan_payload_survives_new_data_and_array(module):
    body = """(i32.reinterpret_f32 (array.get $f32 (array.new_data $f32 $nan #0 #1)
      #0))"""
    assert module(body, more='(data $nan "\\01\\00\\80\\7f")').call("f", 0) == 0x7F800001


@pytest.mark.parametrize(
    ("field", "value", "get", "expected"),
    [
        ("$a", "#-5", "(struct.get $s $a)", -5),
        ("$b", "#0x1f0", "(struct.get_s $s $b)", -16),
        ("$b", "#0x1f0", "(struct.get_u $s $b)", 0xF0),
        ("$c", "(local.get 0)", "(struct.get_u $s $c)", 7),
        ("$d", "(i64.const -1)", "(struct.get $s $d) (i32.wrap_i64)", -1),
        ("$f", "(f64.const 2.5)", "(struct.get $s $f) (i32.trunc_f64_s)", 2),
        ("$g", "(ref.i31 #9)", "(struct.get $s $g) (ref.cast i31ref) (i31.get_s)", 9),
    ],
)
def test_struct_set_then_get(run, field, value, get, expected):
    body = f"""(local $x (ref $s)) (local.set $x (struct.new_default $s))
      (struct.set $s {field} (local.get $x) {value}) (local.get $x) {get}"""
    assert run(body, 7) == expected


NULLS = [
    ("(struct.get $pair 0 (ref.null $pair))", "null structure reference"),
    ("(struct.get_s $s $b (ref.null $s))", "null structure reference"),
    ("(struct.set $s $b (ref.null $s) #1) #0", "null structure reference"),
    ("(array.len (ref.null array))", "null array reference"),
    ("(array.get $i32 (ref.null $i32) #0)", "null array reference"),
    ("(array.get_s $i8 (ref.null $i8) #0)", "null array reference"),
    ("(array.set $i32 (ref.null $i32) #0 #0) #0", "null array reference"),
    ("(array.fill $i32 (ref.null $i32) #0 #0 #0) #0", "null array reference"),
    (f"(array.copy $i32 $i32 (ref.null $i32) #0 {SEVERAL} #0 #0) #0", "null array reference"),
    (f"(array.copy $i32 $i32 {SEVERAL} #0 (ref.null $i32) #0 #0) #0", "null array reference"),
    ("(array.init_data $i8 $data (ref.null $i8) #0 #0 #0) #0", "null array reference"),
    ("(array.init_elem $func $elem (ref.null $func) #0 #0 #0) #0", "null array reference"),
]  # fmt: skip
BOUNDS = [
    (f"(array.get $i32 {SEVERAL} #5)", "out of bounds array access"),
    (f"(array.get $i32 {SEVERAL} #-1)", "out of bounds array access"),
    (f"(array.set $i32 {SEVERAL} #5 #0) #0", "out of bounds array access"),
    (f"(array.fill $i32 {SEVERAL} #2 #0 #4) #0", "out of bounds array access"),
    (f"(array.fill $i32 {SEVERAL} #6 #0 #0) #0", "out of bounds array access"),
    (f"(array.copy $i32 $i32 {SEVERAL} #1 {SEVERAL} #0 #5) #0", "out of bounds array access"),
    (f"(array.copy $i32 $i32 {SEVERAL} #0 {SEVERAL} #1 #5) #0", "out of bounds array access"),
    (f"(array.init_data $i32 $data {SEVERAL} #4 #0 #2) #0", "out of bounds array access"),
    (f"(array.init_data $i32 $data {SEVERAL} #0 #1 #5) #0", "out of bounds memory access"),
    ("(array.len (array.new_data $i64 $data #5 #2))", "out of bounds memory access"),
    ("(array.len (array.new_data $i64 $data #0 #-1))", "out of bounds memory access"),
    ("(array.len (array.new_elem $func $elem #2 #2))", "out of bounds table access"),
    ("(array.init_elem $func $elem (array.new_default $func #9) #0 #1 #3) #0", "out of bounds table access"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), [*NULLS, *BOUNDS])
@pytest.mark.parametrize("metered", [True, False])
def test_aggregate_instruction_traps(module, body, message, metered):
    guest = module(body, metered=metered)
    with pytest.raises(Trap, match=rf"^{message}") as caught:
        guest.call("f", 0)
    offset = caught.value.backtrace[0].offset
    assert guest.wasm[offset] == 0xFB
    codes = {"null": "null-reference"}
    kind = message.split()[3] if message.startswith("out") else "null"
    assert caught.value.code == codes.get(kind, f"{kind}-out-of-bounds")


def test_dropped_segments_are_empty(module):
    guest = module("(data.drop $data) (array.len (array.new_data $i8 $data #0 (local.get 0)))")
    assert guest.call("f", 0) == 0
    with pytest.raises(Trap, match=r"^out of bounds memory access"):
        guest.call("f", 1)


@pytest.mark.parametrize(("to", "start", "expected"), [(1, 0, 10_10_11_12_14), (0, 1, 11_12_13_13_14)])
def test_array_copy_of_overlapping_stretches(run, to, start, expected):
    digits = "".join(f"(i32.mul #100) (i32.add (array.get $i32 (local.get $x) #{i}))" for i in range(1, 5))
    body = f"""(local $x (ref $i32)) (local.set $x {SEVERAL})
      (array.copy $i32 $i32 (local.get $x) #{to} (local.get $x) #{start} #3)
      (array.get $i32 (local.get $x) #0) {digits}"""
    assert run(body) & 0xFFFFFFFF == expected & 0xFFFFFFFF


def test_array_fill_masks_packed_values(run):
    body = """(local $x (ref $i8)) (local.set $x (array.new_default $i8 #4))
      (array.fill $i8 (local.get $x) #1 #0x17f #2)
      (i32.add (array.get_u $i8 (local.get $x) #2) (array.get_u $i8 (local.get $x) #3))"""
    assert run(body) == 0x7F


# Order: what reads comes before what writes, and traps in the program's order.


def test_pending_field_is_read_before_it_is_written(run):
    body = """(local $x (ref $pair)) (local.set $x (struct.new $pair #1 #2))
      (struct.get $pair 0 (local.get $x))
      (struct.set $pair 0 (local.get $x) #50)
      (i32.add (struct.get $pair 0 (local.get $x)))"""
    assert run(body) == 51


def test_pending_element_is_read_before_a_bulk_write(run):
    body = f"""(local $x (ref $i32)) (local.set $x {SEVERAL})
      (array.get $i32 (local.get $x) #1)
      (array.fill $i32 (local.get $x) #0 #99 #5)
      (i32.add (array.get $i32 (local.get $x) #1))"""
    assert run(body) == 11 + 99


def test_pending_field_is_read_before_a_call_that_writes_it(module):
    body = """(struct.get $pair 0 (global.get $x)) (call $set)
      (i32.add (i32.mul (struct.get $pair 0 (global.get $x)) #10))"""
    more = """(global $x (ref $pair) (struct.new $pair #1 #2))
      (func $set (struct.set $pair 0 (global.get $x) #7))"""
    assert module(body, more).call("f", 0) == 71


@pytest.mark.parametrize(
    ("body", "message"),
    [
        # the structure's own reference traps before the value that is written
        ("(struct.set $pair 0 (ref.as_non_null (ref.null $pair)) (array.get $i32 (ref.null $i32) #0)) #0",
         "null reference"),
        # and what the value does before the write
        ("(struct.set $pair 0 (ref.null $pair) (i32.div_u #1 (local.get 0))) #0", "integer divide by zero"),
        ("(array.set $i32 (ref.null $i32) (array.len (ref.null array)) (unreachable)) #0",
         "null array reference"),
        ("(i32.add (struct.get $pair 0 (ref.null $pair)) (i32.div_u #1 (local.get 0)))",
         "null structure reference"),
        ("(i32.add (i32.div_u #1 (local.get 0)) (struct.get $pair 0 (ref.null $pair)))",
         "integer divide by zero"),
        ("(drop (struct.get $pair 0 (ref.null $pair))) (unreachable)", "null structure reference"),
    ],
)  # fmt: skip
def test_traps_keep_their_order(run, body, message):
    with pytest.raises(Trap, match=rf"^{message}"):
        run(body)


def test_struct_of_many_fields_takes_them_in_order(guest):
    fields = " ".join(["(field i32)"] * 40)
    values = " ".join(f"(i32.add (local.get 0) #{i})" for i in range(40))
    checks = " ".join(f"(i32.ne (struct.get $many {i} (local.get $x)) #{i + 3}) (i32.add)" for i in range(40))
    text = f"""(module (type $many (struct {fields})) (func (export "f") (param i32) (result i32)
      (local $x (ref $many)) (local.set $x (struct.new $many {values})) #0 {checks}))"""
    assert guest(text, features=ALL_FEATURES).call("f", 3) == 0


# Fuel: figures of wasmtime 49.


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ("(drop (array.new $i32 #1 #1000))", 1004),
        ("(drop (array.new_default $i32 #10))", 13),
        ("(drop (array.new_fixed $i32 1 #1))", 3),
        ("(drop (array.new_data $i8 $data #0 #20))", 24),
        ("(drop (array.new_elem $func $elem #0 #3))", 7),
        ("(array.fill $i32 (array.new_default $i32 #10) #0 #7 #5)", 22),
        ("(array.copy $i32 $i32 (array.new_default $i32 #0) #0 (array.new_default $i32 #5) #0 #0)", 14),
        ("(array.init_data $i32 $data (array.new_default $i32 #5) #0 #0 #5)", 17),
        ("(drop (struct.new_default $s))", 2),
        ("(drop (ref.cast (ref $s) (struct.new_default $s)))", 3),
        ("(block $l (drop (br_on_null $l (ref.null $s))))", 3),
        ("(drop (ref.eq (ref.i31 #3) (ref.null none)))", 5),
    ],
)  # fmt: skip
def test_fuel_of_aggregate_instructions(guest, body, cost):
    text = f'(module {TYPES} (func (export "f") {body}))'
    assert guest(text, metered=True, features=ALL_FEATURES).fuel("f") == cost


def test_array_operation_without_fuel_is_left_undone_and_goes_on_later(module):
    body = """(local $x (ref $i32)) (local.set $x (array.new_default $i32 (local.get 0)))
      (array.fill $i32 (local.get $x) #0 #3 (local.get 0))
      (array.get $i32 (local.get $x) (i32.sub (local.get 0) #1))"""
    guest = module(body, metered=True)
    guest.store.set_fuel(500)
    activation = guest.start("f", 1000)
    assert activation.resume(100_000) is Stop.OUT_OF_FUEL
    assert guest.store.state.objects_left == Config().max_objects
    guest.store.set_fuel(10_000)
    assert activation.resume(100_000) is Stop.RETURNED
    assert activation.results == [3]


# The limit of live objects.

NODES = """(module
  (type $node (struct (field i32) (field (mut (ref null $node)))))
  (type $array (array (mut i32)))
  (global $kept (mut (ref null $node)) (ref.null $node))
  (func (export "chain") (param $n i32) (local $x (ref null $node))
    (loop $again
      (local.set $x (struct.new $node (local.get $n) (local.get $x)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) #1))))
    (global.set $kept (local.get $x)))
  (func (export "garbage") (param $n i32)
    (loop $again
      (drop (struct.new $node (local.get $n) (ref.null none)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) #1)))))
  (func (export "cycles") (param $n i32) (local $x (ref null $node))
    (loop $again
      (local.set $x (struct.new $node (local.get $n) (ref.null none)))
      (struct.set $node 1 (local.get $x) (local.get $x))
      (br_if $again (local.tee $n (i32.sub (local.get $n) #1)))))
  (func (export "array") (param $n i32) (result i32)
    (array.len (array.new_default $array (local.get $n)))))"""


@pytest.fixture
def nodes(guest):
    return lambda **config: guest(NODES, features=ALL_FEATURES, **config)


def left(guest):
    gc.collect()
    return guest.store.state.objects_left


@pytest.mark.parametrize("metered", [True, False])
def test_objects_within_the_limit_and_one_more(nodes, metered):
    guest = nodes(max_objects=300, metered=metered)
    guest.call("chain", 100)
    assert left(guest) == 0
    with pytest.raises(Trap, match=r"^GC heap out of memory") as caught:
        guest.call("garbage", 1)
    assert caught.value.code == "gc-heap-out-of-memory"
    assert left(guest) == 0


def test_objects_that_are_dropped_make_room(nodes):
    guest = nodes(max_objects=300)
    guest.call("garbage", 10_000)
    assert left(guest) == 300


def test_cycles_make_room_when_the_limit_is_reached(nodes):
    guest = nodes(max_objects=3000)
    guest.call("cycles", 5000)
    assert left(guest) == 3000


def test_limit_that_collecting_hardly_moves_traps(nodes):
    guest = nodes(max_objects=3200)
    guest.call("chain", 1000)
    with pytest.raises(Trap, match=r"^GC heap out of memory"):
        guest.call("cycles", 5000)  # 200 are free, and the same few would be found again and again
    guest = nodes(max_objects=3250)
    guest.call("chain", 1000)
    guest.call("cycles", 5000)


def test_deadline_is_looked_at_after_collecting(nodes):
    guest = nodes(max_objects=300)
    guest.call("chain", 100)
    guest.store.set_deadline(time.monotonic())
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        check_objects(guest.store.state, 1)


def test_huge_array_is_refused_before_it_is_made(nodes):
    guest = nodes()
    with pytest.raises(Trap, match=r"^allocation size too large") as caught:
        guest.call("array", -1)
    assert caught.value.code == "allocation-too-large"
    assert left(guest) == Config().max_objects


@pytest.mark.parametrize(("count", "fits"), [(299, True), (300, False)])
def test_elements_count_against_the_limit(nodes, count, fits):
    guest = nodes(max_objects=300)
    if fits:
        assert guest.call("array", count) == count
    else:
        with pytest.raises(Trap, match=r"^allocation size too large"):
            guest.call("array", count)


def test_chain_of_a_million_structures_is_freed(nodes):
    guest = nodes()
    guest.call("chain", 1_000_000)
    assert guest.store.state.objects_left == Config().max_objects - 3_000_000
    guest.call("chain", 1)
    assert guest.store.state.objects_left == Config().max_objects - 3


def test_exceptions_count_while_they_are_kept(guest):
    text = """(module (tag $e (param i32 i32)) (table $kept 10 exnref)
      (func (export "keep") (param i32)
        (table.set $kept (local.get 0)
          (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e #1 #2)) (unreachable))))
      (func (export "drop") (table.fill $kept #0 (ref.null exn) #10)))"""
    module = guest(text, features=ALL_FEATURES, max_objects=12)
    for place in range(4):
        module.call("keep", place)
    assert left(module) == 0
    with pytest.raises(Trap, match=r"^GC heap out of memory"):
        module.call("keep", 4)
    module.call("drop")
    assert left(module) == 12


def test_take_objects_counts_down():
    store = Store(Config(max_objects=10))
    take_objects(store, 7)
    assert store.objects_left == 3
    with pytest.raises(Trap, match=r"^GC heap out of memory"):
        take_objects(store, 4)


def test_negative_limit_is_refused():
    with pytest.raises(LimitError, match=r"^Config\.max_objects must not be negative"):
        Config(max_objects=-1)
