from collections.abc import Callable

import pytest

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.module import Module

Accept = Callable[..., None]
Reject = Callable[..., InvalidError]
Build = Callable[..., Module]
Fault = Callable[..., InvalidError | MalformedError]

TAGS = "(tag $none) (tag $one (param i32)) (tag $ref (param (ref i31)))"


@pytest.mark.parametrize(
    "body",
    [
        "(throw $one (i32.const 1))",
        "(throw_ref (ref.null exn))",
        "(drop (block $l (result i32) (try_table (catch $one $l)) (i32.const 1)))",
        "(drop (block $l (result anyref) (try_table (catch $ref $l)) (ref.null any)))",
        "(block $l (try_table (catch $none $l) (catch_all $l) (catch_all $l)))",
        "(throw_ref (block $l (result exnref)"
        " (try_table (catch_ref $none $l) (catch_all_ref $l)) unreachable))",
        "(drop (try_table (result i32) (i32.const 1)))",
        "(loop $l (try_table (catch_all $l)))",
        "try catch $none catch $one drop catch_all end",
        "(drop (try (result i32) (do (i32.const 1)) (catch $one)))",
        "try catch_all rethrow 0 end",
        "try catch_all block rethrow 1 end end",
        "block try delegate 0 end",
        "try delegate 0",
    ],
)
def test_exceptions_valid_are_accepted(accept: Accept, body: str) -> None:
    accept(f"(module {TAGS} (func {body}))")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(throw 7)", "unknown tag 7"),
        ("(throw $one)", "type mismatch: instruction requires [i32] but stack has []"),
        ("(throw_ref (ref.null any))", "type mismatch"),
        (
            "(block $l (try_table (catch $one $l)))",
            "type mismatch: label 0 takes [] but the catch clause gives [i32]",
        ),
        ("(block $l (try_table (catch_ref $none $l)))", "type mismatch: label 0 takes []"),
        (
            "(drop (block $l (result i32) (try_table (catch_all_ref $l)) (i32.const 1)))",
            "type mismatch: label 0",
        ),
        ("(try_table (catch_all 1))", "unknown label 1"),
        ("(try_table (catch 9 0))", "unknown tag 9"),
        ("(try_table (i32.const 1))", "type mismatch: block requires [] but stack has [i32]"),
        ("try catch $one end", "type mismatch: block requires [] but stack has [i32]"),
        (
            "try (result i32) i32.const 1 catch_all end drop",
            "type mismatch: instruction requires [i32] but stack has []",
        ),
        ("try catch 9 end", "unknown tag 9"),
        ("rethrow 0", "invalid rethrow label 0"),
        ("try rethrow 0 catch_all end", "invalid rethrow label 0"),
        ("rethrow 3", "unknown label 3"),
        ("try delegate 1", "unknown label 1"),
    ],
)
def test_exceptions_invalid_raise(reject: Reject, body: str, message: str) -> None:
    assert reject(f"(module {TAGS} (func {body}))").message.startswith(message)


@pytest.mark.parametrize(
    "code",
    [
        b"\x19\x0b",  # catch_all where nothing is tried
        b"\x18\x00\x0b",
        b"\x06\x40\x19\x19\x0b\x0b",  # behind another
        b"\x06\x40\x19\x18\x00\x0b",
        b"\x02\x40\x19\x0b\x0b",
    ],
)
def test_legacy_clause_out_of_place_is_malformed(
    function: Build, fault: Fault, all_features: object, code: bytes
) -> None:
    error = fault(function(code), all_features)
    assert isinstance(error, MalformedError)
    assert error.message == "END opcode expected"


def test_catch_clause_of_unknown_kind_is_malformed(
    function: Build, fault: Fault, all_features: object
) -> None:
    error = fault(function(b"\x1f\x40\x01\x04\x00\x0b\x0b"), all_features)
    assert isinstance(error, MalformedError)
    assert (error.message, error.offset) == ("malformed catch clause 0x04", 3)


def test_try_table_hostile_count_raises(function: Build, fault: Fault, all_features: object) -> None:
    error = fault(function(b"\x1f\x40\xff\xff\xff\xff\x0f\x02\x00\x0b"), all_features)
    assert isinstance(error, MalformedError)
