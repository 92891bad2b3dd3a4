"""Wide arithmetic: both halves of every result, wherever the operands are and the results go."""

import itertools

import pytest

from pywrt.config import ALL_FEATURES

M64 = (1 << 64) - 1
EDGES = [0, 1, 2, (1 << 63) - 1, 1 << 63, M64 - 1, M64]


def signed(x):
    return x - (1 << 64) if x >> 63 else x


def halves(x):
    return [signed(x & M64), signed(x >> 64 & M64)]


@pytest.fixture
def load(guest):
    def make(body, type, rest="", **config):
        return guest(f'(module {rest} (func (export "f") {type} {body}))', features=ALL_FEATURES, **config)

    return make


@pytest.mark.parametrize(
    ("name", "function"),
    [("i64.mul_wide_s", lambda a, b: signed(a) * signed(b)), ("i64.mul_wide_u", lambda a, b: a * b)],
)
def test_mul_wide_of_edges_gives_both_halves(load, name, function):
    module = load(f"({name} (local.get 0) (local.get 1))", "(param i64 i64) (result i64 i64)")
    for a, b in itertools.product(EDGES, EDGES):
        assert module.call("f", signed(a), signed(b)) == halves(function(a, b)), (a, b)


@pytest.mark.parametrize(
    ("name", "function"), [("i64.add128", lambda a, b: a + b), ("i64.sub128", lambda a, b: a - b)]
)
def test_128_bits_of_edges_carry_and_borrow(load, name, function):
    operands = " ".join(f"(local.get {i})" for i in range(4))
    module = load(f"({name} {operands})", "(param i64 i64 i64 i64) (result i64 i64)")
    for a, b, c, d in itertools.product(EDGES[::2], repeat=4):
        result = module.call("f", *map(signed, (a, b, c, d)))
        assert result == halves(function(a | b << 64, c | d << 64)), (a, b, c, d)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # constants and trees as operands
        ("(i64.mul_wide_u (i64.const -1) (i64.add (local.get 0) (i64.const 1)))", [-4, 3]),
        # what waits below keeps its value
        ("(local.get 0) (i64.mul_wide_u (local.get 0) (i64.const 5)) drop i64.sub (local.get 0)", [-12, 3]),
        ("(i64.add (local.get 0) (i64.const 4)) (i64.add128 (i64.const 1) (i64.const 2) (i64.const 3)"
         " (i64.const 4)) drop i64.add (i64.const 9)", [11, 9]),
        # results as operands, as locals, as a branch's values
        ("(i64.mul_wide_u (i64.mul_wide_u (local.get 0) (i64.const -1)))", [-6, 1]),
        ("(local $h i64) (i64.mul_wide_s (local.get 0) (i64.const -2)) (local.set $h) (local.set 0)"
         " (local.get $h) (local.get 0)", [-1, -6]),
        ("(block (result i64 i64) (br 0 (i64.mul_wide_s (local.get 0) (local.get 0))))", [9, 0]),
        ("(call $pass (i64.mul_wide_s (local.get 0) (local.get 0)))", [0, 9]),
        # a local read before it is set from a result
        ("(local.get 0) (i64.mul_wide_u (local.get 0) (i64.const 7)) (drop) (local.set 0)"
         " (local.get 0)", [3, 21]),
    ],
)  # fmt: skip
def test_wide_results_among_other_values(load, body, expected):
    rest = "(func $pass (param i64 i64) (result i64 i64) (local.get 1) (local.get 0))"
    assert load(body, "(param i64) (result i64 i64)", rest).call("f", 3) == expected


@pytest.mark.parametrize(("name", "count"), [("i64.add128", 4), ("i64.sub128", 4), ("i64.mul_wide_s", 2)])
def test_wide_instruction_costs_one(load, name, count):
    operands = "(i64.const 1)" * count
    module = load(f"({name} {operands})", "(result i64 i64)", metered=True)
    assert module.fuel("f") == 1 + count + 1
