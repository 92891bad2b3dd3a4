"""Calls, branches on references, and blocks of reference types."""

from collections.abc import Callable

import pytest

from pywrt.errors import InvalidError

Accept = Callable[..., None]
Reject = Callable[..., InvalidError]

PARTS = """
  (type $ii (func (param i32) (result i32)))
  (type $sub (sub (func (result eqref))))
  (type $s (struct))
  (table $t 1 (ref null $ii)) (table $big i64 1 funcref) (table $any 1 anyref)
  (func $make (result (ref $s)) (struct.new $s))
"""


@pytest.mark.parametrize(
    "function",
    [
        "(func (param (ref null $ii)) (result i32) (call_ref $ii (i32.const 1) (local.get 0)))",
        "(func (param (ref $ii)) (result i32) (return_call_ref $ii (i32.const 1) (local.get 0)))",
        "(func (result i32) (call_ref $ii (unreachable)))",
        "(func (result i32) (call_indirect $t (type $ii) (i32.const 1) (i32.const 0)))",
        "(func (result i32) (call_indirect $big (type $ii) (i32.const 1) (i64.const 0)))",
        "(func (result anyref) (return_call $make))",
        "(func (result anyref) (block (result (ref null $s)) (call $make)))",
        "(func (result anyref) (if (result anyref) (i32.const 0)"
        " (then (call $make)) (else (ref.null none))))",
        "(func (param (ref $s)) (result anyref)"
        " (local.get 0) (if (param eqref) (result anyref) (i32.const 0) (then)))",
    ],
)
def test_control_valid_is_accepted(accept: Accept, function: str) -> None:
    accept(f"(module {PARTS} {function})")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("(func (param funcref) (call_ref $ii (i32.const 1) (local.get 0)) drop)", "type mismatch"),
        ("(func (call_ref $s (ref.null $s)))", "non-function type 2"),
        ("(func (call_ref 99 (unreachable)))", "unknown type 99"),
        (
            "(func (param (ref $ii)) (return_call_ref $ii (i32.const 1) (local.get 0)))",
            "type mismatch: the callee",
        ),
        ("(func (call_indirect $any (type $ii) (unreachable)) drop)", "type mismatch: table 2 holds anyref"),
        (
            "(func (call_indirect $big (type $ii) (i32.const 1) (i32.const 0)) drop)",
            "type mismatch: instruction requires [i64] but stack has [i32 i32]",
        ),
        ("(func (result (ref null $ii)) (return_call $make))", "type mismatch: the callee returns"),
        (
            "(func (param anyref) (result (ref $s)) (local.get 0)"
            " (if (param anyref) (result (ref $s)) (i32.const 0) (then unreachable)))",
            "type mismatch: an if without else",
        ),
    ],
)
def test_control_invalid_raises(reject: Reject, function: str, message: str) -> None:
    assert reject(f"(module {PARTS} {function})").message.startswith(message)


def test_operand_stack_is_bounded_where_calls_give_a_thousand_values(reject: Reject) -> None:
    wide = "i32 " * 1000
    error = reject(f"(module (func $f (result {wide}) unreachable) (func {'call $f ' * 11_000} unreachable))")
    assert error.message.startswith("operand stack too high")


def test_blocks_of_a_thousand_parameters_are_bounded(reject: Reject) -> None:
    wide = "i32 " * 1000
    nested = "block (type $w) " * 11_000 + "end " * 11_000
    error = reject(
        f"(module (type $w (func (param {wide}) (result {wide}))) (func unreachable {nested} unreachable))"
    )
    assert error.message.startswith("operand stack too high")


def test_call_of_many_parameters_checks_each(accept: Accept, reject: Reject) -> None:
    module = "(module (func $f (param {})) (func (result {}) unreachable) (func (call $f (call 1))))"
    accept(module.format("anyref " * 100, "i31ref " * 100))
    given = "i31ref " * 50 + "funcref " + "i31ref " * 49
    assert reject(module.format("anyref " * 100, given)).message.startswith("type mismatch")
