from collections.abc import Callable

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import InvalidError

Accept = Callable[..., None]
Reject = Callable[..., InvalidError]

TYPES = """
  (type $s (struct (field i32))) (type $a (array i32))
  (rec (type $d (descriptor $m) (struct)) (type $m (describes $d) (struct)))
"""


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("v128", "(v128.const i32x4 0 0 0 0)"),
        ("(ref $s)", "(struct.new $s (i32.const 1))"),
        ("(ref $s)", "(struct.new_default $s)"),
        ("(ref $a)", "(array.new $a (i32.const 1) (i32.const 2))"),
        ("(ref $a)", "(array.new_default $a (i32.const 2))"),
        ("(ref $a)", "(array.new_fixed $a 2 (i32.const 1) (i32.const 2))"),
        ("(ref i31)", "(ref.i31 (i32.const 1))"),
        ("externref", "(extern.convert_any (ref.i31 (i32.const 1)))"),
        ("anyref", "(any.convert_extern (ref.null extern))"),
        ("(ref $d)", "(struct.new_desc $d (struct.new $m))"),
        ("(ref $d)", "(struct.new_default_desc $d (struct.new $m))"),
        ("i64", "(i64.mul (i64.const 2) (i64.const 3))"),
    ],
)
def test_constant_expression_is_accepted(accept: Accept, type: str, value: str) -> None:
    accept(f"(module {TYPES} (global {type} {value}))")
    accept(f"(module {TYPES} (global $first {type} {value}) (global {type} (global.get $first)))")


@pytest.mark.parametrize(
    "value",
    [
        "(ref.cast (ref $s) (struct.new_default $s))",
        "(struct.get $s 0 (struct.new_default $s))",
        "(array.len (array.new_default $a (i32.const 2)))",
        "(i31.get_s (ref.i31 (i32.const 1)))",
        "(ref.get_desc $d (ref.null none))",
        "(i32x4.splat (i32.const 1))",
        "(ref.as_non_null (ref.null any))",
    ],
)
def test_what_is_not_constant_raises(reject: Reject, value: str) -> None:
    assert reject(f"(module {TYPES} (global anyref {value}))").message.startswith(
        "constant expression required"
    )


def test_constant_expression_with_feature_off_names_it(reject: Reject) -> None:
    text = "(module (global externref (extern.convert_any (ref.i31 (i32.const 1)))))"
    assert reject(text, ALL_FEATURES - {"gc"}).feature == "gc"
