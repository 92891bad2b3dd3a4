from collections.abc import Callable

import pytest

from pywrt.errors import InvalidError

Accept = Callable[..., None]
Reject = Callable[..., InvalidError]

SET = "(local.set $x (ref.i31 (i32.const 1)))"
GET = "(drop (local.get $x))"


@pytest.mark.parametrize(
    "body",
    [
        f"{SET} {GET}",
        f"(drop (local.tee $x (ref.i31 (i32.const 1)))) {GET}",
        f"{SET} (block {GET}) (if (i32.const 0) (then {GET}) (else {GET}))",
        f"(block {SET} {GET}) {SET} {GET}",
        f"(if (i32.const 0) (then {SET} {GET}) (else {SET} {GET}))",
        f"(block {SET} (block {SET} {GET}) {GET})",
        f"(try_table {SET} {GET})",
    ],
)
def test_local_without_default_set_before_is_read(accept: Accept, body: str) -> None:
    accept(f"(module (func (local $x (ref i31)) {body}))")


@pytest.mark.parametrize(
    "body",
    [
        GET,
        f"(block {SET}) {GET}",
        f"(loop {SET}) {GET}",
        f"(if (i32.const 0) (then {SET}) (else {GET}))",
        f"(if (i32.const 0) (then {SET}) (else {SET})) {GET}",
        f"(try_table {SET}) {GET}",
        f"try {SET} catch_all {GET} end",
        f"unreachable {GET}",
    ],
)
def test_local_without_default_read_before_it_is_set_raises(reject: Reject, body: str) -> None:
    message = reject(f"(module (func (local i32) (local $x (ref i31)) {body}))").message
    assert message == "uninitialized local 1 (local.get)"


def test_parameter_without_default_is_set(accept: Accept) -> None:
    accept("(module (func (param (ref i31)) (local (ref i31)) (drop (local.get 0))))")


def test_local_behind_the_listed_ones_must_be_set_too(accept: Accept, reject: Reject) -> None:
    module = "(module (func (local {} (ref i31)) (local $x (ref i31)) {}))"
    many = "(ref i31) " * 300
    accept(module.format(many, SET + GET))
    assert reject(module.format(many, GET)).message == "uninitialized local 301 (local.get)"


def test_local_and_global_take_subtypes(accept: Accept, reject: Reject) -> None:
    module = "(module (global $g (mut eqref) (ref.null none)) (func (param {}) (local anyref) {}))"
    accept(module.format("(ref i31)", "(local.set 1 (local.get 0)) (global.set $g (local.get 0))"))
    message = reject(module.format("anyref", "(global.set $g (local.get 0))")).message
    assert message == "type mismatch: instruction requires [eqref] but stack has [anyref] (global.set)"


def test_select_of_references_needs_a_type(accept: Accept, reject: Reject) -> None:
    operands = "(ref.null i31) (ref.null array) (i32.const 0)"
    accept(f"(module (func (result anyref) (select (result eqref) {operands})))")
    accept("(module (func (result v128) unreachable select))")
    message = reject(f"(module (func (drop (select {operands}))))").message
    assert message.startswith("type mismatch: select without a type takes numbers")
    message = reject("(module (func unreachable ref.as_non_null (i32.const 0) select drop))").message
    assert message.startswith("type mismatch: select without a type takes numbers, not [(ref bot)]")
