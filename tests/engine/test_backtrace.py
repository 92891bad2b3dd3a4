"""Traps: messages, codes, and backtraces with function names and the exact offset of the instruction."""

import pytest

from pywrt.api import Instance, Module
from pywrt.errors import Trap

# Instructions that the tests look for have immediates that occur nowhere else in their module.
LOAD = (b"\x28\x02\x4d", "(i32.load offset=77 (local.get 0))")
LOAD8 = (b"\x2d\x00\x4e", "(i32.load8_u offset=78 (local.get 0))")
OTHER_LOAD = (b"\x28\x02\x4f", "(i32.load offset=79 (local.get 1))")
STORE = (b"\x36\x02\x50", "(i32.store offset=80 (local.get 0) (i32.const 0))")
WIDE_STORE = (b"\x39\x03\x51", "(f64.store offset=81 (local.get 0) (f64.const 0))")
STATEMENT = "(local.set 1 (i32.add (local.get 1) (i32.const 3)))"
STORED = "(i32.store (i32.const 0) (i32.mul (local.get 1) (i32.const 5)))"
BAD = -1000


def trapped(module, name, *args):
    with pytest.raises(Trap) as caught:
        module.call(name, *args)
    return caught.value


@pytest.fixture(params=[False, True], ids=["unmetered", "metered"])
def load(guest, request):
    """A guest with a function `$f` (param i32 i32) (result i32) of the body, called by `$g`."""

    def make(body, **config):
        return guest(
            f"(module $m (memory 1) (func $f (param i32 i32) (result i32) {body})"
            '(func $g (export "g") (param i32 i32) (result i32) (call $f (local.get 0) (local.get 1))))',
            metered=request.param,
            **config,
        )

    return make


def expect(module, pattern, args=(BAD, 0), message="out of bounds memory access"):
    trap = trapped(module, "g", *args)
    assert trap.message == message
    assert module.wasm.count(pattern) == 1
    assert [(frame.module, frame.name) for frame in trap.backtrace] == [("m", "f"), ("m", "g")]
    assert trap.backtrace[0].offset == module.wasm.index(pattern)
    assert trap.backtrace[1].offset == module.wasm.index(b"\x10\x00")
    return trap


@pytest.mark.parametrize(("pattern", "load_text"), [LOAD, LOAD8])
@pytest.mark.parametrize("before", [0, 1, 2, 5, 6, 9])
@pytest.mark.parametrize("after", [0, 1, 7])
def test_trap_of_a_load_among_statements_has_its_offset(load, pattern, load_text, before, after):
    body = STATEMENT * before + f"(local.set 1 {load_text})" + STORED * after + "(local.get 1)"
    assert expect(load(body), pattern).code == "memory-out-of-bounds"


@pytest.mark.parametrize(("pattern", "store"), [STORE, WIDE_STORE])
@pytest.mark.parametrize("before", [0, 3, 8])
def test_trap_of_a_store_among_statements_has_its_offset(load, pattern, store, before):
    expect(load(STORED * before + store + STATEMENT + "(local.get 1)"), pattern)


@pytest.mark.parametrize("args", [(BAD, 0), (0, BAD)])
@pytest.mark.parametrize("before", [0, 1, 7])
@pytest.mark.parametrize(
    "statement",
    [
        f"(local.set 1 (i32.add {LOAD[1]} {OTHER_LOAD[1]}))",
        f"(i32.store {LOAD[1]} {OTHER_LOAD[1]})",
        f"(local.set 1 (i32.load8_u (i32.and (i32.add {LOAD[1]} {OTHER_LOAD[1]}) (i32.const 255))))",
        f"(if (i32.lt_u {LOAD[1]} {OTHER_LOAD[1]}) (then (local.set 1 (i32.const 4))))",
        f"(block (br_if 0 (i32.lt_s {LOAD[1]} {OTHER_LOAD[1]})) (local.set 1 (i32.const 4)))",
    ],
)
def test_trap_of_one_of_two_loads_has_the_right_ones_offset(load, args, before, statement):
    expect(load(STORED * before + statement + "(local.get 1)"), (LOAD if args[0] else OTHER_LOAD)[0], args)


def test_trap_of_nested_loads_tells_inner_from_outer(load):
    body = "(i32.load offset=83 (i32.load offset=82 (local.get 0)))"
    expect(load(body), b"\x28\x02\x52")
    expect(load(f"(i32.store (i32.const 82) (i32.const -200)) {body}"), b"\x28\x02\x53", (0, 0))


@pytest.mark.parametrize("statements", [1, 7])
def test_trap_in_a_loop_of_one_block_has_its_offset(load, statements):
    body = (
        "(loop "
        + STATEMENT * statements
        + f"{STORE[1]} (local.set 0 (i32.add (local.get 0) (i32.const 4096)))"
        "(br_if 0 (local.get 0))) (local.get 1)"
    )
    expect(load(body), STORE[0], (4096, 0))


def test_trap_in_a_condition_has_its_offset(load):
    expect(load(f"(if (result i32) {LOAD[1]} (then (i32.const 1)) (else (i32.const 2)))"), LOAD[0])
    expect(load(f"(loop (br_if 0 (i32.eqz {LOAD[1]}))) (local.get 1)"), LOAD[0])


def test_trap_behind_a_call_in_its_block_has_its_offset(load):
    module = load(f"(drop (call $h)) {LOAD[1]}) (func $h (result i32) (i32.const 1)")
    expect(module, LOAD[0])


@pytest.mark.parametrize(
    ("text", "pattern", "message", "code"),
    [
        (
            "(i32.div_s (i32.const 77) (local.get 1))",
            b"\x6d",
            "integer divide by zero",
            "integer-divide-by-zero",
        ),
        (
            "(i32.rem_u (i32.const 77) (local.get 1))",
            b"\x70",
            "integer divide by zero",
            "integer-divide-by-zero",
        ),
        (
            "(i32.div_s (i32.const 0x80000000) (i32.const -1))",
            b"\x6d",
            "integer overflow",
            "integer-overflow",
        ),
        ("(i32.trunc_f64_s (f64.const nan))", b"\xaa", "invalid conversion to integer", "invalid-conversion"),
        ("(i32.trunc_f64_s (f64.const 1e10))", b"\xaa", "integer overflow", "integer-overflow"),
        ("(unreachable)", b"\x00\x0b", "unreachable", "unreachable"),
        (
            "(memory.fill (i32.const -1) (i32.const 0) (i32.const 1)) (local.get 1)",
            b"\xfc\x0b",
            "out of bounds memory access",
            "memory-out-of-bounds",
        ),
        (
            "(memory.copy (i32.const 0) (i32.const -1) (i32.const 1)) (local.get 1)",
            b"\xfc\x0a",
            "out of bounds memory access",
            "memory-out-of-bounds",
        ),
    ],
)
@pytest.mark.parametrize("before", [0, 7])
def test_trap_of_each_kind_has_message_code_and_offset(load, text, pattern, message, code, before):
    module = load(STORED * before + text)
    trap = trapped(module, "g", 0, 0)
    assert (trap.message, trap.code) == (message, code)
    assert trap.backtrace[0].offset == module.wasm.rindex(
        pattern, 0, module.wasm.index(b"\x20\x00\x20\x01\x10")
    )


@pytest.mark.parametrize("metered", [True, False])
@pytest.mark.parametrize(
    ("body", "pattern", "message", "code"),
    [
        (
            "(drop (table.get (i32.const 9)))",
            b"\x25\x00",
            "out of bounds table access",
            "table-out-of-bounds",
        ),
        (
            "(table.set (i32.const 9) (ref.null func))",
            b"\x26\x00",
            "out of bounds table access",
            "table-out-of-bounds",
        ),
        (
            "(table.fill (i32.const 9) (ref.null func) (i32.const 1))",
            b"\xfc\x11",
            "out of bounds table access",
            "table-out-of-bounds",
        ),
        (
            "(table.copy (i32.const 9) (i32.const 0) (i32.const 1))",
            b"\xfc\x0e",
            "out of bounds table access",
            "table-out-of-bounds",
        ),
        (
            "(table.init $e (i32.const 0) (i32.const 1) (i32.const 1))",
            b"\xfc\x0c",
            "out of bounds table access",
            "table-out-of-bounds",
        ),
        (
            "(memory.init $d (i32.const 0) (i32.const 3) (i32.const 2))",
            b"\xfc\x08",
            "out of bounds memory access",
            "memory-out-of-bounds",
        ),
        ("(call_indirect (type $v) (i32.const 9))", b"\x11\x00", "undefined element", "undefined-element"),
        (
            "(call_indirect (type $v) (i32.const 1))",
            b"\x11\x00",
            "uninitialized element 1",
            "uninitialized-element",
        ),
        (
            "(drop (call_indirect (type $i) (i32.const 0)))",
            b"\x11\x01",
            "indirect call type mismatch",
            "bad-signature",
        ),
        (
            "(return_call_indirect (type $v) (i32.const 1))",
            b"\x13\x00",
            "uninitialized element 1",
            "uninitialized-element",
        ),
    ],
)
def test_trap_of_tables_and_segments_has_message_code_and_offset(
    guest, metered, body, pattern, message, code
):
    module = guest(
        "(module (type $v (func)) (type $i (func (result i32))) (memory 1) (table 2 2 funcref)"
        "(elem (i32.const 0) func $n) (elem $e func $n) (func $n (type $v))"
        f'(func $f (export "f") (type $v) {body}) (data $d "abcd"))',
        metered=metered,
    )
    trap = trapped(module, "f")
    assert trap.message.startswith(message)
    assert trap.code == code
    assert [frame.name for frame in trap.backtrace] == ["f"]
    assert trap.backtrace[0].offset == module.wasm.rindex(pattern)


def test_trap_in_a_tail_called_function_leaves_out_its_caller(guest):
    module = guest(
        '(module (func $a unreachable) (func $b (return_call $a)) (func $c (export "c") (call $b) nop))'
    )
    assert [frame.name for frame in trapped(module, "c").backtrace] == ["a", "c"]


def test_trap_without_names_gives_indices_and_unknown_module(guest):
    module = guest('(module (func (export "f") unreachable))')
    trap = trapped(module, "f")
    offset = module.wasm.rindex(b"\x00\x0b")
    assert str(trap) == f"unreachable\nwasm backtrace:\n   0: {hex(offset):>8} - <unknown>!function[0]"


def test_trap_across_instances_names_each_module(guest, assemble):
    inner = guest('(module $inner (func $bad (export "f") unreachable))')
    outer = Module(
        inner.engine,
        assemble('(module $outer (import "" "f" (func $f)) (func $good (export "g") (call $f) nop))'),
    )
    exports = Instance(inner.store, outer, [inner.exports["f"]]).exports(inner.store)
    with pytest.raises(Trap) as caught:
        exports["g"](inner.store)
    assert [(f.module, f.name) for f in caught.value.backtrace] == [("inner", "bad"), ("outer", "good")]


def test_fuel_trap_names_the_block_of_the_running_function(guest):
    module = guest('(module (func $spin (export "f") (loop (br 0))))', metered=True)
    module.store.set_fuel(1000)
    trap = trapped(module, "f")
    assert trap.code == "out-of-fuel"
    (frame,) = trap.backtrace
    assert frame.name == "spin"
    assert module.wasm[frame.offset] == 0x0C  # the `br` at the loop's end


# Blocks that are run by another: both ways of a branch have the same code, and only the line tells which ran.
FIRST = (b"\x36\x02\x52", "(i32.store offset=82 (local.get 1) (i32.const 1))")
SECOND = (b"\x36\x02\x53", "(i32.store offset=83 (local.get 1) (i32.const 1))")
THIRD = (b"\x36\x02\x54", "(i32.store offset=84 (local.get 1) (i32.const 1))")
BRANCHES = f"""
    (if (i32.gt_u (local.get 0) (i32.const 1))
      (then {FIRST[1]})
      (else (if (local.get 0) (then {SECOND[1]}) (else {THIRD[1]}))))
    (i32.const 0)"""
#: The same behind a step that the branch tests itself, in a loop.
STEPPED = f"""
    (loop $l
      (if (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (then {FIRST[1]}) (else {SECOND[1]}))
      (br_if $l (local.get 0)))
    (i32.const 0)"""


@pytest.mark.parametrize(("body", "which", "pattern"), [
    (BRANCHES, 2, FIRST[0]),
    (BRANCHES, 1, SECOND[0]),
    (BRANCHES, 0, THIRD[0]),
    (STEPPED, 2, FIRST[0]),
    (STEPPED, 1, SECOND[0]),
])  # fmt: skip
def test_trap_in_a_block_that_another_runs_names_its_own_instruction(load, body, which, pattern):
    expect(load(body), pattern, args=(which, BAD))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_call_in_slices_stops_within_chains_and_loops_and_spends_the_same(guest, in_slices, size):
    text = """(module (memory 1) (func (export "f") (param $n i32) (result i32) (local $i i32) (local $s i32)
      (loop $outer
        (local.set $i (i32.const 0))
        (loop $inner
          (i32.store8 (local.get $i) (local.get $n))
          (br_if $inner (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
        (if (i32.and (local.get $n) (i32.const 1))
          (then (if (i32.load8_u (i32.const 3)) (then
                  (i32.store (i32.const 8) (local.get $n))
                  (local.set $s (i32.mul (local.get $s) (i32.const 3)))))
                (local.set $s (i32.add (local.get $s) (i32.const 100))))
          (else (local.set $s (i32.add (local.get $s) (i32.load8_u (i32.const 4))))))
        (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $s)))"""
    whole = guest(text, metered=True)
    expected, spent = whole.call("f", 9), whole.fuel("f", 9)
    sliced = guest(text, metered=True)
    before = sliced.store.get_fuel()
    activation = sliced.start("f", 9)
    assert in_slices(activation, size) > 1
    assert (activation.results, before - sliced.store.get_fuel()) == ([expected], spent)
    assert guest(text).call("f", 9) == expected
