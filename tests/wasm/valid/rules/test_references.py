from collections.abc import Callable

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.module import Module

Accept = Callable[..., None]
Reject = Callable[..., InvalidError]
Build = Callable[..., Module]
Fault = Callable[..., InvalidError | MalformedError]

PARTS = """
  (type $s (sub (struct))) (type $t (sub $s (struct (field i32)))) (type $f (func))
  (rec (type $d (sub (descriptor $m) (struct))) (type $m (sub (describes $d) (struct))))
  (import "m" "loose" (func $loose (type $f)))
  (func $own (type $f))
  (elem declare func $own $loose)
"""
WITHOUT_DESCRIPTORS = ALL_FEATURES - {"custom-descriptors"}


@pytest.mark.parametrize(
    "function",
    [
        "(func (param anyref) (result (ref any)) (ref.as_non_null (local.get 0)))",
        "(func (param funcref) (result i32) (ref.is_null (local.get 0)))",
        "(func (result i32) unreachable ref.is_null)",
        "(func (result (ref $f)) (ref.func $own))",
        "(func (result i32) (ref.eq (ref.null $s) (ref.null i31)))",
        "(func (param (ref null $s)) (result (ref $s))"
        " (block (br_on_null 0 (local.get 0)) return) unreachable)",
        "(func (param anyref) (block (result (ref any)) (br_on_non_null 0 (local.get 0)) unreachable) drop)",
        "(func (result (ref $s)) (block unreachable br_on_null 0 return) unreachable)",
        "(func (param anyref) (result (ref $t)) (ref.cast (ref $t) (local.get 0)))",
        "(func (param anyref) (result (ref null $t)) (ref.cast (ref null $t) (local.get 0)))",
        "(func (param funcref) (result i32) (ref.test (ref $f) (local.get 0)))",
        "(func (param anyref) (result (ref null $t)) (br_on_cast 0 anyref (ref null $t)"
        " (local.get 0)) unreachable)",
        "(func (param anyref) (result anyref) (local $rest (ref any))"
        " (local.set $rest (br_on_cast 0 anyref (ref null i31) (local.get 0))) (local.get $rest))",
        "(func (param anyref) (result anyref)"
        " (ref.cast (ref i31) (br_on_cast_fail 0 anyref i31ref (local.get 0))))",
        "(func (param anyref) (result (ref any))"
        " (br_on_cast_fail 0 anyref (ref null i31) (local.get 0)) unreachable)",
        "(func (param (ref extern)) (result (ref any)) (any.convert_extern (local.get 0)))",
        "(func (param (ref $s)) (result (ref extern)) (extern.convert_any (local.get 0)))",
        "(func (result (ref any)) unreachable any.convert_extern)",
    ],
)
def test_references_valid_are_accepted(accept: Accept, function: str) -> None:
    accept(f"(module {PARTS} {function})")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("(func (ref.as_non_null (i32.const 0)) drop)", "type mismatch: instruction requires [ref]"),
        ("(func ref.is_null drop)", "type mismatch: instruction requires [ref] but stack has []"),
        ("(func (drop (ref.eq (ref.null any) (ref.null eq))))", "type mismatch"),
        ("(func (drop (ref.null 77)))", "unknown type 77"),
        ("(func (result (ref null $s)) (ref.null any))", "type mismatch"),
        ("(func (result (ref any)) (ref.null any))", "type mismatch"),
        ("(func (drop (ref.cast (ref $f) (ref.null any))))", "type mismatch: instruction requires [funcref]"),
        (
            "(func (drop (ref.test (ref i31) (ref.null extern))))",
            "type mismatch: instruction requires [anyref]",
        ),
        ("(func (br_on_non_null 0 (ref.null any)))", "type mismatch: label 0 takes []"),
        (
            "(func (result i32) (br_on_non_null 0 (ref.null any)) unreachable)",
            "type mismatch: label 0 takes [i32]",
        ),
        ("(func (br_on_null 4 (ref.null any)) drop)", "unknown label 4"),
        ("(func (br_on_cast 0 anyref i31ref (ref.null any)) drop)", "type mismatch: label 0 takes []"),
        (
            "(func (result (ref i31)) (br_on_cast 0 anyref i31ref (ref.null any)) unreachable)",
            "type mismatch: the branch takes i31ref but label 0 [(ref i31)]",
        ),
        (
            "(func (result (ref any)) (br_on_cast_fail 0 anyref (ref i31) (ref.null any)) unreachable)",
            "type mismatch: the branch takes anyref but label 0 [(ref any)]",
        ),
        (
            "(func (result anyref) (local $rest (ref any))"
            " (local.set $rest (br_on_cast 0 anyref (ref i31) (ref.null any))) (local.get $rest))",
            "type mismatch: instruction requires [(ref any)] but stack has [anyref]",
        ),
        ("(func (result anyref) (br_on_cast 0 funcref anyref (ref.null func)))", "type mismatch on cast"),
        (
            "(func (drop (any.convert_extern (ref.null any))))",
            "type mismatch: instruction requires [externref]",
        ),
        ("(func (result i32) unreachable ref.as_non_null)", "type mismatch"),
    ],
)
def test_references_invalid_raise(reject: Reject, function: str, message: str) -> None:
    assert reject(f"(module {PARTS} {function})").message.startswith(message)


def test_cast_to_a_sibling_needs_custom_descriptors(accept: Accept, reject: Reject) -> None:
    text = "(module (func (result anyref) (br_on_cast 0 structref arrayref (ref.null struct))))"
    accept(text)
    assert reject(text, WITHOUT_DESCRIPTORS).message.startswith(
        "type mismatch on cast: arrayref does not match"
    )


def test_cast_flags_beyond_two_are_malformed(function: Build, fault: Fault, all_features: object) -> None:
    error = fault(function(b"\x00\xfb\x18\x04\x00\x6e\x6e\x0b"), all_features)
    assert isinstance(error, MalformedError)
    assert (error.message, error.offset) == ("malformed br_on_cast flags 0x04", 3)


@pytest.mark.parametrize(
    "function",
    [
        "(func (result (ref (exact $f))) (ref.func $own))",
        "(func (result (ref (exact $t))) (struct.new_default $t))",
        "(func (param (ref $d)) (result (ref $m)) (ref.get_desc $d (local.get 0)))",
        "(func (param (ref (exact $d))) (result (ref (exact $m))) (ref.get_desc $d (local.get 0)))",
        "(func (result (ref (exact $m))) (ref.get_desc $d (ref.null none)))",
        "(func (result (ref (exact $m))) unreachable ref.get_desc $d)",
        "(func (param anyref (ref null $m)) (result (ref $d))"
        " (ref.cast_desc_eq (ref $d) (local.get 0) (local.get 1)))",
        "(func (param anyref (ref null (exact $m))) (result (ref null (exact $d)))"
        " (ref.cast_desc_eq (ref null (exact $d)) (local.get 0) (local.get 1)))",
        "(func (param anyref (ref $m)) (result anyref)"
        " (br_on_cast_desc_eq 0 anyref (ref $d) (local.get 0) (local.get 1)))",
        "(func (param anyref (ref $m)) (result anyref)"
        " (br_on_cast_desc_eq_fail 0 anyref (ref null $d) (local.get 0) (local.get 1)))",
    ],
)
def test_exact_types_and_descriptors_are_accepted(accept: Accept, function: str) -> None:
    accept(f"(module {PARTS} {function})")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("(func (result (ref (exact $f))) (ref.func $loose))", "type mismatch"),
        ("(func (param (ref $t)) (result (ref (exact $t))) (local.get 0))", "type mismatch"),
        ("(func (param (ref (exact $t))) (result (ref (exact $s))) (local.get 0))", "type mismatch"),
        (
            "(func (param (ref $d)) (result (ref (exact $m))) (ref.get_desc $d (local.get 0)))",
            "type mismatch",
        ),
        ("(func (drop (ref.get_desc $s (unreachable))))", "type without descriptor 0"),
        ("(func (drop (ref.cast_desc_eq (ref any) (unreachable))))", "type any does not have a descriptor"),
        ("(func (drop (ref.cast_desc_eq (ref (exact $s)) (unreachable))))", "type (exact 0) does not have a"),
        (
            "(func (param anyref (ref $m))"
            " (drop (ref.cast_desc_eq (ref (exact $d)) (local.get 0) (local.get 1))))",
            "type mismatch",
        ),
        (
            "(func (result anyref) (br_on_cast_desc_eq 0 anyref (ref $s) (unreachable)))",
            "type 0 does not have a descriptor",
        ),
    ],
)
def test_exact_types_and_descriptors_invalid_raise(reject: Reject, function: str, message: str) -> None:
    assert reject(f"(module {PARTS} {function})").message.startswith(message)


def test_function_import_that_is_exact_gives_an_exact_reference(accept: Accept) -> None:
    accept(
        """(module (type $f (func)) (import "m" "f" (func $f (exact (type $f)))) (elem declare func $f)
             (func (result (ref (exact $f))) (ref.func $f)))"""
    )
