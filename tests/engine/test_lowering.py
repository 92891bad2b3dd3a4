"""Lowering and control flow: what stays pending keeps its value, order and effects; size does no harm."""

import pytest

from pywrt.engine.flow import MAX_COPIES
from pywrt.engine.immediates import SKIP
from pywrt.engine.instructions import HANDLERS
from pywrt.errors import InvalidError, Trap
from pywrt.wasm.opcodes import BY_CODE, OPCODES

I32_PAIR = "(param i32 i32) (result i32)"


def function(body, type="(param i32) (result i32)", rest=""):
    return f'(module {rest} (func (export "f") {type} {body}))'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # a local read before it is set or teed keeps its old value
        ("(i32.sub (local.get 0) (local.tee 0 (i32.const 3)))", 7),
        ("local.get 0 (local.set 0 (i32.const 3)) local.get 0 i32.sub", 7),
        # a load read before a store, a global before it is set, a size before growth
        (
            "(i32.load (i32.const 0)) (i32.store (i32.const 0) (i32.const 9)) (i32.load "
            "(i32.const 0)) i32.sub",
            -9,
        ),
        ("(global.get $g) (global.set $g (i32.const 50)) (global.get $g) i32.sub", -45),
        ("(memory.size) (drop (memory.grow (i32.const 1))) (memory.size) i32.sub", -1),
        ("(table.size) (drop (table.grow (ref.null func) (i32.const 2))) (table.size) i32.sub", -2),
        ("(global.get $g) (call $set) (global.get $g) i32.sub", -95),
        ("(local.get 0) (memory.grow (i32.const 1)) i32.add", 11),
        # constants on either side
        ("(i32.sub (i32.const 3) (local.get 0))", -7),
        ("(i32.sub (local.get 0) (i32.const -3))", 13),
        ("(i32.lt_s (i32.const -1) (local.get 0))", 1),
        ("(i32.ge_u (i32.const -1) (local.get 0))", 1),
        ("(i32.shr_s (i32.const -8) (i32.const 33))", -4),
        ("(i32.add (i32.const 2) (i32.const 3))", 5),
        ("(i32.rotl (local.get 0) (i32.const 32))", 10),
        ("(i32.rotr (local.get 0) (i32.const 1))", 5),
        # a negation of what is no comparison is 0 or 1
        ("(i32.eqz (i32.eqz (i32.and (local.get 0) (i32.const 14))))", 1),
        ("(i32.eqz (i32.eqz (local.get 0)))", 1),
        ("(i32.eqz (i32.eqz (i32.load8_u (i32.const 60))))", 1),
        ("(i32.eqz (i32.eqz (i32.eqz (i32.gt_s (local.get 0) (i32.const 3)))))", 0),
        ("(i32.eqz (block (result i32) (drop (br_if 0 (i32.const 13) (local.get 0))) (i32.const 0)))", 0),
        # br_if with values: taken and not
        ("(block (result i32) (i32.add (br_if 0 (i32.const 4) (local.get 0)) (i32.const 1)))", 4),
        ("(block (result i32) (i32.add (br_if 0 (i32.const 4) (i32.eqz (local.get 0))) (i32.const 1)))", 5),
        (
            "(i32.const 100) (block (result i32) (i32.const 7) (i32.const 8) (br_if 0 "
            "(local.get 0)) drop) i32.add",
            108,
        ),
        # a call's result goes straight to a local, unless something waits for that local
        ("(local.get 0) (local.set 0 (call $five)) (local.get 0) i32.sub", 5),
        ("(local.set 0 (call $five)) (local.get 0)", 5),
        ("(i32.add (local.tee 0 (call $five)) (local.get 0))", 10),
        # arms
        ("(if (local.get 0) (then (local.set 0 (i32.const 1)))) (local.get 0)", 1),
        (
            "(if (i32.eqz (local.get 0)) (then (local.set 0 (i32.const 1))) (else (local.set "
            "0 (i32.const 2)))) (local.get 0)",
            2,
        ),
        ("(if (local.get 0) (then) (else (local.set 0 (i32.const 2)))) (local.get 0)", 10),
        # dead code
        (
            "(block (br 0) (drop (i32.add (unreachable))) (if (i32.const 1) (then (br 1)) "
            "(else))) (local.get 0)",
            10,
        ),
        ("(return (local.get 0)) (loop (result i32) (br 0))", 10),
        # a switch with a value
        (
            "(block $a (result i32) (block $b (result i32) (br_table $a $b (i32.const 6) "
            "(i32.const 1))) (i32.const 1) i32.add)",
            7,
        ),
    ],
)
@pytest.mark.parametrize("metered", [True, False])
def test_lowering_of_delicate_order_gives_the_right_value(guest, body, expected, metered):
    rest = (
        '(memory 1 4) (table 1 funcref) (global $g (mut i32) (i32.const 5)) (data (i32.const 60) "xyz")'
        "(func $set (global.set $g (i32.const 100))) (func $five (result i32) (i32.const 5))"
    )
    assert guest(function(body, rest=rest), metered=metered).call("f", 10) == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            "(i32.add (i32.load (i32.const -4)) (i32.div_u (i32.const 1) (local.get 0)))",
            "memory-out-of-bounds",
        ),
        (
            "(i32.add (i32.div_u (i32.const 1) (local.get 0)) (i32.load (i32.const -4)))",
            "integer-divide-by-zero",
        ),
        (
            "(i32.load (i32.const -4)) (local.set 0 (i32.div_u (i32.const 1) (local.get 0)))",
            "memory-out-of-bounds",
        ),
        (
            "(i32.div_u (i32.const 1) (local.get 0)) (local.set 0 (i32.load (i32.const -4)))",
            "integer-divide-by-zero",
        ),
        ("(i32.div_u (i32.const 1) (local.get 0)) (call $trap)", "integer-divide-by-zero"),
        ("(i32.div_u (i32.const 1) (local.get 0)) unreachable", "integer-divide-by-zero"),
        ("(i32.load (i32.const -4)) (drop (memory.grow (i32.const 9)))", "memory-out-of-bounds"),
        ("(drop (i32.div_s (i32.const 1) (local.get 0))) unreachable", "integer-divide-by-zero"),
        ("(drop (i64.load (i32.const -4))) unreachable", "memory-out-of-bounds"),
        ("(select (i32.load (i32.const -4)) (i32.const 1) (i32.const 0))", "memory-out-of-bounds"),
        (
            "(select (i32.const 1) (i32.const 2) (i32.div_u (i32.const 1) (local.get 0)))",
            "integer-divide-by-zero",
        ),
        (
            "(i32.store8 (i32.div_u (i32.const 1) (local.get 0)) (i32.load8_u (i32.const -4))) (i32.const 1)",
            "integer-divide-by-zero",
        ),
        (
            "(i32.store (i32.const -4) (i32.div_u (i32.const 1) (local.get 0))) (i32.const 1)",
            "integer-divide-by-zero",
        ),
        (
            "(block (result i32) (br_if 0 (i32.load (i32.const -4)) (i32.div_u (i32.const 1) "
            "(local.get 0))))",
            "memory-out-of-bounds",
        ),
    ],
)
def test_lowering_keeps_the_order_of_traps(guest, body, code):
    module = guest(function(body, rest="(memory 1) (func $trap unreachable)"))
    with pytest.raises(Trap) as caught:
        module.call("f", 0)
    assert caught.value.code == code


def test_store_before_a_trap_is_done(guest):
    module = guest(
        function(
            "(i32.store (i32.const 8) (i32.const 7)) (i32.div_u (i32.const 1) (local.get 0))",
            rest="(memory 1)",
        )
    )
    with pytest.raises(Trap, match="divide by zero"):
        module.call("f", 0)
    assert module.instance.state.memories[0].data[8] == 7


@pytest.mark.parametrize("count", [15, 16, 17, 18, 40, 1000])
def test_values_pending_beyond_the_depth_limit_survive(guest, count):
    body = "(local.get 0) " * count + "(local.set 0 (i32.const 1000)) " + "i32.add " * (count - 1)
    assert guest(function(body)).call("f", 3) == 3 * count


@pytest.mark.parametrize("metered", [True, False])
@pytest.mark.parametrize("nested", ["left", "right"])
def test_expression_of_fifty_thousand_operations_runs(guest, metered, nested):
    n = 50_000
    left = "local.get 0 " + "i32.const 1 i32.add " * n
    right = "local.get 0 " * n + "i32.const 1 " + "i32.add " * n
    module = guest(function(left if nested == "left" else right), metered=metered)
    assert module.call("f", 5) == (5 + n if nested == "left" else 5 * n + 1)


def test_loop_with_parameters_swaps_them(guest):
    body = """(local.get 0) (local.get 1) (loop (param i32 i32) (result i32)
      (local.set 1) (local.set 0)
      (local.get 1) (i32.sub (local.get 0) (i32.const 1))
      (br_if 0 (i32.gt_s (local.get 0) (i32.const 0)))
      i32.sub)"""
    module = guest(function(body, I32_PAIR))
    a, b = 6, 9
    while True:
        old = a
        a, b = b, a - 1
        if old <= 0:
            break
    assert module.call("f", 6, 9) == a - b


def test_branch_with_many_values_moves_them(guest):
    types = "i32 " * 40
    values = " ".join(f"(i32.const {i})" for i in range(40))
    body = f"(block (result {types}) (i32.const 99) {values} (br_if 0 (local.get 0)) (br 0))"
    assert guest(function(body, f"(param i32) (result {types})")).call("f", 1) == list(range(40))
    assert guest(function(body, f"(param i32) (result {types})")).call("f", 0) == list(range(40))


# --- size


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("block " * 50_000 + "end " * 50_000 + "local.get 0", 1),
        ("loop " * 50_000 + "end " * 50_000 + "local.get 0", 1),
        # arms would nest as Python calls if nothing bounded them
        (
            "(local.get 0) if " * 5_000
            + "(local.set 0 (i32.const 5)) "
            + "end " * 5_000
            + "(local.set 1 (local.get 0)) (local.set 2 (local.get 0)) " * 4
            + "local.get 0",
            5,
        ),
        (
            "(if (local.get 0) (then (local.set 0 (i32.add (local.get 0) (i32.const 1))))) " * 20_000
            + "local.get 0",
            20_001,
        ),
        (
            "loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if 0 (i32.eqz (local.get 0))) end "
            * 10_000
            + "local.get 0",
            10_001,
        ),
        (
            "block " * 20_000
            + "local.get 0 br_table "
            + " ".join(map(str, range(20_000)))
            + " end" * 20_000
            + " local.get 0",
            1,
        ),
        ("block local.get 0 br_table" + " 0" * 1_000_000 + " end local.get 0", 1),
        (
            "(local.get 0) " * 20_000 + "(block (local.get 0) (br_if 0) ) " * 20_000 + "i32.add " * 19_999,
            20_000,
        ),
        (
            "(local.get 0) " * 5_000
            + "(drop (br_if 0 (local.get 0) (i32.const 0))) " * 20_000
            + "i32.add " * 4_999,
            5_000,
        ),
    ],
    ids=[
        "blocks",
        "loops",
        "ifs",
        "arms",
        "short loops",
        "exits",
        "table",
        "deep stack",
        "deep stack returns",
    ],
)
def test_function_of_hostile_size_runs(guest, body, expected):
    module = guest(function("(local i32 i32) " + body))
    assert module.call("f", 1) == expected


def test_chain_of_ten_thousand_functions_runs(guest):
    n = 10_000
    chain = "".join(f"(func $f{i} (result i32) (i32.add (i32.const 1) (call $f{i + 1})))" for i in range(n))
    module = guest(f'(module {chain} (func $f{n} (result i32) (i32.const 0)) (export "f" (func $f0)))')
    assert module.call("f") == n


def test_function_of_a_thousand_parameters_and_results_runs(guest):
    types = "i32 " * 1000
    values = " ".join(f"(local.get {999 - i})" for i in range(1000))
    module = guest(
        f'(module (func $r (export "f") (param {types}) (result {types}) {values})'
        f'(func (export "g") (param {types}) (result {types})'
        f" {' '.join(f'(local.get {i})' for i in range(1000))} (call $r)))"
    )
    assert module.call("g", *range(1000)) == list(range(999, -1, -1))


def test_small_blocks_are_copied_a_bounded_number_of_times(guest):
    arms = "(if (local.get 0) (then (drop (i32.load (i32.const 0)))) (else (drop (i32.load (i32.const 4))))) "
    module = guest(function(arms * 2000 + "(local.get 0)", rest="(memory 1)"))
    assert module.call("f", 3) == 3
    blocks = module.module.compiled.plans[0].blocks
    assert len(blocks) <= 3 * 2000 + MAX_COPIES


def test_body_is_validated_on_its_first_call_where_validation_is_lazy(guest, assemble):
    wasm = assemble(
        '(module (func (export "good")) (func (export "f") (result i32) (i64.const 1) i32.wrap_i64))'
    )
    bad = wasm.replace(b"\x42\x01\xa7\x0b", b"\x42\x01\x01\x0b")
    with pytest.raises(InvalidError):
        guest(bad)
    module = guest(bad, eager_validation=False)
    module.call("good")
    with pytest.raises(InvalidError, match="type mismatch"):
        module.call("f")


# --- the table


def test_every_opcode_has_a_handler():
    for row in OPCODES:
        handler = HANDLERS[row.prefix or row.number]
        assert handler.__name__ != "_nop" or row.mnemonic == "nop", row.mnemonic


def test_every_immediate_can_be_skipped():
    assert {immediate for row in OPCODES for immediate in row.immediates} <= set(SKIP)


def test_opcodes_of_the_table_have_distinct_codes():
    assert sum(map(len, BY_CODE.values())) == len(OPCODES)


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("(memory.grow (local.get 0))", 106),
        ("(table.grow (local.get 1) (local.get 0))", 104),
        ("(call $one)", 96),
        ("(call_indirect (type $give) (i32.const 0))", 96),
    ],
)
def test_sum_of_results_waits_while_another_result_takes_a_place_it_reads(guest, operation, result):
    module = guest(f"""(module (memory 1) (table 3 funcref) (elem (i32.const 0) $one)
      (type $give (func (result i32)))
      (func $two (result i32 i32) (i32.const 100) (i32.const 7))
      (func $one (type $give) (i32.const 11))
      (func (export "f") (param i32 funcref) (result i32) (call $two) (i32.add) {operation} (i32.sub)))""")
    assert module.call("f", 0, None) == result
