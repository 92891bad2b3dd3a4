"""Lowering of vector instructions: values travel everywhere, keep their order, and trap where they should."""

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import Trap
from pywrt.wasm.opcodes import OPCODES

ALL = (1 << 128) - 1
A = 0x0F0E0D0C_0B0A0908_07060504_03020100
B = 0x80000001_FFFFFFFF_7FFFFFFF_00000002


def added(a, b):
    """i32x4.add"""
    lanes = ((a >> 32 * i) + (b >> 32 * i) & 0xFFFFFFFF for i in range(4))
    return sum(lane << 32 * i for i, lane in enumerate(lanes))


@pytest.fixture(params=[False, True], ids=["unmetered", "metered"])
def load(guest, request):
    """A guest whose export `f` has `type` and `body`; `rest` are other fields."""

    def make(body, type="(param v128 v128) (result v128)", rest=""):
        text = f'(module (memory 1) {rest} (func (export "f") {type} {body}))'
        return guest(text, metered=request.param, features=ALL_FEATURES)

    return make


@pytest.mark.parametrize(
    "body",
    [
        "(i32x4.add (local.get 0) (local.get 1))",
        "(local $v v128) (i32x4.add (v128.or (local.get 0) (local.get $v)) (local.get 1))",  # starts as 0
        "(global.set $g (local.get 0)) (i32x4.add (global.get $g) (local.get 1))",
        "(call $add (local.get 0) (local.get 1))",
        "(call_indirect (type $pair) (local.get 0) (local.get 1) (i32.const 0))",
        "(return_call $add (local.get 0) (local.get 1))",
        "(block (result v128) (br 0 (i32x4.add (local.get 0) (local.get 1))))",
        "(i32x4.add (select (local.get 0) (local.get 1) (i32.const 1)) (local.get 1))",
        "(i32x4.add (select (result v128) (local.get 1) (local.get 0) (i32.const 0)) (local.get 1))",
        "(if (result v128) (v128.any_true (local.get 1)) (then (i32x4.add (local.get 0) (local.get 1)))"
        " (else (local.get 0)))",
        "(loop (result v128) (i32x4.add (local.get 0) (local.get 1)))",
        "(local.get 0) (local.get 1) (block (param v128 v128) (result v128) i32x4.add)",
        "(call $swap (local.get 0) (local.get 1)) i32x4.add",
        "(local.tee 0 (i32x4.add (local.get 0) (local.get 1)))",
        "(v128.store (i32.const 32) (i32x4.add (local.get 0) (local.get 1))) (v128.load (i32.const 32))",
    ],
)
def test_vector_wherever_it_goes_keeps_its_value(load, body):
    module = load(
        body,
        rest="""(type $pair (func (param v128 v128) (result v128))) (table funcref (elem $add))
        (global $g (mut v128) (v128.const i64x2 1 2))
        (func $add (type $pair) (i32x4.add (local.get 0) (local.get 1)))
        (func $swap (param v128 v128) (result v128 v128) (local.get 1) (local.get 0))""",
    )
    assert module.call("f", A, B) == added(A, B)


def test_vector_constant_is_little_endian_and_whole(load):
    assert load("(v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)").call("f", 0, 0) == A
    assert load("(v128.const i64x2 -1 -1)").call("f", 0, 0) == ALL


def test_vector_global_starts_with_its_constant(load):
    module = load(
        "(global.get $g)", rest=f"(global $g v128 (v128.const i64x2 {A & (1 << 64) - 1} {A >> 64}))"
    )
    assert module.call("f", 0, 0) == A


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("(v128.not (local.get 0))", A ^ ALL),
        ("(v128.and (local.get 0) (local.get 1))", A & B),
        ("(v128.andnot (local.get 0) (local.get 1))", A & ~B),
        ("(v128.or (local.get 0) (v128.const i64x2 -1 0))", A | (1 << 64) - 1),
        ("(v128.xor (v128.const i64x2 -1 -1) (local.get 1))", B ^ ALL),
        ("(v128.not (v128.not (v128.xor (local.get 0) (local.get 0))))", 0),
        (
            "(v128.bitselect (local.get 0) (local.get 1) (v128.const i64x2 0 -1))",
            A >> 64 << 64 | B & (1 << 64) - 1,
        ),
    ],
)
def test_vector_bitwise_operations(load, body, expected):
    assert load(body).call("f", A, B) == expected


@pytest.mark.parametrize("width", [8, 16, 32, 64])
@pytest.mark.parametrize("lane", [0, 1, -1])
def test_vector_lane_extracted_unsigned_and_replaced(load, width, lane):
    lane %= 128 // width
    kind = "i64" if width == 64 else "i32"
    suffix = "_u" if width < 32 else ""
    shape = f"i{width}x{128 // width}"
    extract = f"({shape}.extract_lane{suffix} {lane} (local.get 1))"
    module = load(extract, f"(param v128 v128) (result {kind})")
    expected = B >> width * lane & (1 << width) - 1
    assert module.call("f", A, B) & (1 << width) - 1 == expected
    replaced = load(f"({shape}.replace_lane {lane} (local.get 0) {extract})").call("f", A, B)
    assert replaced == A & ~((1 << width) - 1 << width * lane) | expected << width * lane


def test_vector_lane_of_a_shuffle_is_what_its_index_says(load):
    indices = "16 0 17 1 31 15 2 3 4 5 6 7 8 9 10 30"
    result = load(f"(i8x16.shuffle {indices} (local.get 0) (local.get 1))").call("f", A, B)
    both = A.to_bytes(16, "little") + B.to_bytes(16, "little")
    assert result.to_bytes(16, "little") == bytes(both[int(i)] for i in indices.split())


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("(v128.any_true (local.get 0))", [0, 1, 1]),
        ("(i32.eqz (v128.any_true (local.get 0)))", [1, 0, 0]),
        ("(i8x16.all_true (local.get 0))", [0, 0, 1]),
        ("(i32.eqz (i8x16.all_true (local.get 0)))", [1, 1, 0]),
    ],
)
def test_vector_test_as_a_value_and_as_a_condition(load, test, expected):
    vectors = [0, A, A | 1]
    branch = f"(if (result i32) {test} (then (i32.const 5)) (else (i32.const 6)))"
    loop = f"(local $n i32) (block (br_if 0 {test}) (local.set $n (i32.const 1))) (local.get $n)"
    type = "(param v128) (result i32)"
    assert [load(test, type).call("f", v) for v in vectors] == expected
    assert [load(branch, type).call("f", v) for v in vectors] == [5 if x else 6 for x in expected]
    assert [load(loop, type).call("f", v) for v in vectors] == [0 if x else 1 for x in expected]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # a load waits on the stack while memory is written
        ("(v128.load (i32.const 0)) (v128.store (i32.const 0) (local.get 1))", A),
        (
            "(v128.load32_splat (i32.const 0)) (v128.store8_lane 0 (i32.const 0) (local.get 1))",
            0x03020100 * (ALL // 0xFFFFFFFF),
        ),
        (
            "(v128.load64_lane 1 (i32.const 0) (local.get 1))"
            "(v128.store64_lane 0 (i32.const 0) (local.get 1))",
            (A & (1 << 64) - 1) << 64 | B & (1 << 64) - 1,
        ),
        # an operand is read before the local changes
        ("(v128.xor (local.get 0) (local.tee 0 (local.get 1)))", A ^ B),
        # a store reads what it stores first
        (
            "(v128.store (i32.const 0) (i32x4.add (v128.load (i32.const 0)) (local.get 1)))"
            "(v128.load (i32.const 0))",
            added(A, B),
        ),
    ],
)
def test_vector_access_keeps_its_order(load, body, expected):
    data = "".join(f"\\{byte:02x}" for byte in A.to_bytes(16, "little"))
    assert load(body, rest=f'(data (i32.const 0) "{data}")').call("f", A, B) == expected


@pytest.mark.parametrize(
    "address", ["(local.get 0)", "(i32.add (local.get 0) (i32.const 3))", "(i32.const 24)"]
)
@pytest.mark.parametrize("offset", ["", "offset=8", "offset=300"])
def test_vector_access_by_every_address_goes_to_it(load, address, offset):
    body = f"(v128.store {offset} {address} (local.get 1)) (v128.load {offset} {address})"
    module = load(body, "(param i32 v128) (result v128)")
    assert module.call("f", 24, B) == B
    start = (27 if "add" in address else 24) + int(offset.partition("=")[2] or 0)
    assert bytes(module.instance.state.memories[0].data[start : start + 16]) == B.to_bytes(16, "little")


def accesses():
    """(instruction with an operand or two, the bytes it touches) of each vector access to memory."""
    for row in OPCODES:
        if row.feature == "simd" and "memarg" in row.immediates:
            name = row.mnemonic.partition(".")[2]
            lane = "0" if "laneidx" in row.immediates else ""
            digits = "".join(c if c.isdecimal() else " " for c in name).split()
            size = 16 if not digits else 8 if "x" in name else int(digits[0]) // 8
            vector = "(local.get 1)" if row.params is not None and len(row.params) == 2 else ""
            result = "(drop {})" if row.results else "{}"
            yield result, f"({row.mnemonic} {{}} {lane} (local.get 0) {vector})", size


@pytest.mark.parametrize(("result", "access", "size"), list(accesses()))
@pytest.mark.parametrize("offset", [0, 7, 0xFFFFFFFF])
def test_vector_access_past_the_end_traps_and_writes_nothing(load, result, access, size, offset):
    module = load(result.format(access.format(f"offset={offset}")), "(param i32 v128)")
    memory = module.instance.state.memories[0].data
    if offset < 0xFFFFFFFF:
        module.call("f", 65536 - offset - size, 0)
    for address in (65536 - offset - size + 1, 0xFFFFFFFF) if offset < 0xFFFFFFFF else (0, 1):
        with pytest.raises(Trap, match=r"^out of bounds memory access") as caught:
            module.call("f", address, B)
        assert caught.value.code == "memory-out-of-bounds"
        assert module.wasm[caught.value.backtrace[0].offset] == 0xFD
    assert not any(memory)


def test_vector_instructions_in_dead_code_are_passed_over(load):
    dead = """(br 0) (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (local.get 0) (local.get 1)))
    (drop (v128.const i8x16 11 11 11 11 5 5 5 5 11 11 11 11 5 5 5 5))
    (drop (i8x16.extract_lane_s 11 (local.get 0)))
    (v128.store64_lane offset=200 align=4 1 (i32.const 0) (local.get 0))"""
    assert load(f"(block {dead}) (local.get 1)").call("f", A, B) == B


def test_vector_instructions_cost_one_each(guest):
    body = "(v128.store (i32.const 0) (i32x4.add (v128.const i64x2 1 2) (v128.not (local.get 0))))"
    module = guest(
        f'(module (memory 1) (func (export "f") (param v128) {body}))', metered=True, features=ALL_FEATURES
    )
    assert module.fuel("f", A) == 1 + 6


def test_vector_expression_deeper_than_the_stack_of_trees(load):
    depth = 200
    body = "(local.get 1) " * depth + "(local.get 0) " + "i32x4.add " * depth
    expected = A
    for _ in range(depth):
        expected = added(expected, B)
    assert load(body).call("f", A, B) == expected
