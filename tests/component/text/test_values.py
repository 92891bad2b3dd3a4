"""Value definitions as bytes. Spec: Binary.md#value-definitions"""

from collections.abc import Callable

import pytest

from pywrt.component.text import parse_component
from pywrt.errors import MalformedError

Sections = Callable[[str], list[tuple[int, bytes]]]

FLAGS = " ".join([f'"f{i}"' for i in range(33)])

VALUES = [
    ("bool true", "7f", "01"),
    ("bool false", "7f", "00"),
    ("u8 255", "7d", "ff"),
    ("s8 -1", "7e", "ff"),
    ("u16 300", "7b", "ac 02"),
    ("s16 -300", "7c", "d4 7d"),
    ("u32 0xffffffff", "79", "ff ff ff ff 0f"),
    ("s32 -1", "7a", "7f"),
    ("u64 1", "77", "01"),
    ("s64 64", "78", "c0 00"),
    ("f32 1", "76", "00 00 80 3f"),
    ("f32 nan", "76", "00 00 c0 7f"),
    ("f64 -0", "75", "00 00 00 00 00 00 00 80"),
    ("f64 nan", "75", "00 00 00 00 00 00 f8 7f"),
    ("char 'a'", "74", "61"),
    (r"char '\n'", "74", "0a"),
    (r"char '\e2\98\83'", "74", "e2 98 83"),
    ('string "hé"', "73", "03 68 c3 a9"),
    ('bool (binary "\\00" "")', "7f", "00"),
    ('(record (field "a" bool) (field "b" u8)) (record true 1)', "00", "01 01"),
    ('(variant (case "a" bool) (case "b" u8)) (variant "b" 1)', "00", "01 01"),
    ('(variant (case "a")) (variant "a")', "00", "00"),
    ("(list u8) (list 1 2)", "00", "02 01 02"),
    ("(list u8) (list)", "00", "00"),
    ("(tuple u8 u16) (tuple 1 300)", "00", "01 ac 02"),
    ('(flags "a" "b" "c") (flags "c" "a")', "00", "05"),
    ('(flags "a" "b" "c" "d" "e" "f" "g" "h" "i") (flags "i")', "00", "00 01"),
    ('(enum "a" "b") (enum "b")', "00", "01"),
    ("(option u8) none", "00", "00"),
    ("(option u8) (some 7)", "00", "01 07"),
    ("(result) ok", "00", "00"),
    ("(result) error", "00", "01"),
    ("(result u8) (ok 7)", "00", "00 07"),
    ("(result u8) error", "00", "01"),
    ("(result (error u8)) (error 7)", "00", "01 07"),
]


@pytest.mark.parametrize(("text", "type", "content"), VALUES)
def test_value_is_encoded(sections: Sections, text: str, type: str, content: str) -> None:
    encoded = bytes.fromhex(content)
    (section, definition) = sections(f"(value {text})")[-1]
    assert (section, definition) == (12, b"\1" + bytes.fromhex(type) + bytes([len(encoded)]) + encoded)


def test_value_of_types_of_types_is_encoded(sections: Sections) -> None:
    text = """
      (type $abc (flags "a" "b" "c"))
      (type $complex (tuple (record (field "a" (option string))) (list char) $abc string))
      (value (type $complex) (tuple (record (some "x")) (list 'a' 'b') (flags "b" "a") "hi"))
      (value $v $complex (tuple (record none) (list) (flags) ""))
    """
    assert sections(text)[-1] == (
        12,
        b"\2" + b"\4\x0a" + b"\1\1x" + b"\2ab" + b"\3" + b"\2hi" + b"\4\4" + b"\0" + b"\0" + b"\0" + b"\0",
    )


@pytest.mark.parametrize(
    "use",
    [
        "(component (value $v $t (list 1)))",
        "(component (component (value $v $t (list 1))))",
        '(export $u "u" (type $t)) (value $v $u (list 1))',
        '(import "u" (type $u (eq $t))) (value $v $u (list 1))',
    ],
)
def test_value_of_a_type_under_another_index_is_encoded(use: str) -> None:
    text = f"(component (type $e u8) (type $t (list $e)) {use})"
    assert b"\x0c\5\1" in parse_component(text)
    assert b"\2\1\1" in parse_component(text)


def test_values_can_be_imported_aliased_and_exported(sections: Sections) -> None:
    text = """
      (value $a (export "a") u8 1)
      (value $b (import "b") u8)
      (import "c" (value (eq $b)))
    """
    assert sections(text) == [
        (12, b"\1\x7d\1\1"),
        (10, b"\2" + b"\0\1b\2\1\x7d" + b"\0\1c\2\0\1"),
        (11, b"\1\0\1a\2\0\0"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bool 1", "unexpected token 1, expected false or true"),
        ("u8 256", "u8 constant out of range"),
        ("s8 -129", "s8 constant out of range"),
        (f"u8 {'9' * 101}", "out of range"),
        ("u8 x", "unexpected token x, expected an integer"),
        ("f32 nan:0x200000", "a component value has one NaN"),
        ("f32 -nan", "a component value has one NaN"),
        ("f32 x", "unexpected token x, expected a number"),
        ("char 'ab'", "a char is one character"),
        (r"char '\ff'", "can't decode"),
        (r"char '\zz'", "invalid string escape"),
        ('char "a"', 'unexpected token "a", expected a character'),
        ('(enum "a") (enum "b")', "unknown label `b`"),
        ('(variant (case "a")) (variant "a" 1)', 'unexpected token 1, expected ")"'),
        ("(option u8) (none)", "`none` has no payload here"),
        ("(option u8) some", "`some` has a payload here"),
        ("(option u8) ok", "unexpected token ok, expected none or some"),
        ("(list u8) (tuple 1)", 'unexpected token tuple, expected "list"'),
        ("(list u8 2) (list 1 2)", "the text format has no values of this type"),
        (f"(flags {FLAGS}) (flags)", "cannot have more than 32 flags"),
        ("(own 0) 1", "the text format has no values of this type"),
        ("0 1", "the type of a value must be defined in the text"),
        ("(list u8) (list", "unexpected token: end of input"),
    ],
)
def test_value_that_is_none_of_its_type_is_refused(text: str, message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_component(
            f"(component (value {text}))" if text[-5:] != "(list" else f"(component (value {text}"
        )
    assert message in caught.value.message


def test_value_nested_too_deep_is_refused() -> None:
    types = "(type u8)" + "".join(f"(type (list {i}))" for i in range(200))
    with pytest.raises(MalformedError, match="nesting too deep"):
        parse_component(f"(component {types} (value 200 {'(list ' * 200} 1 {')' * 200}))")
