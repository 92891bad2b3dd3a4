"""Tokens, comments, annotations, strings and identifiers."""

import pytest

from pywrt.errors import MalformedError
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.lexer import is_identifier, is_string, string_bytes, tokenize


def tokens(text: str) -> list[str]:
    return tokenize(text).texts[:-2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(a b)", ["(", "a", "b", ")"]),
        ("(a;;x)\nb", ["(", "a", "b"]),
        (";; only a comment", []),
        ("a;;x\rb", ["a", "b"]),
        ("a(;x(;y;)z;)b", ["a", "b"]),
        ("(;;)(;)(;;)", None),
        ('"a"b', ['"a"b']),
        ('"a""b"', ['"a""b"']),
        ('"a" "b"', ['"a"', '"b"']),
        ('0$x"y"', ['0$x"y"']),
        ('"(;" ";;" "\\""', ['"(;"', '";;"', '"\\""']),
        ('(@note (a) ")" (; ) ;) ;; )\n) x', ["x"]),
        ("((@a)b(@c d))", ["(", "b", ")"]),
        ('(@"quoted name")x', ["x"]),
        ("(@a (@) (@ b) (@(@(@))) @ @x)x", ["x"]),
        ("[,;]{}", ["[", ",", ";", "]", "{", "}"]),
    ],
)
def test_tokenize_text_gives_tokens(text: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(MalformedError, match="unclosed comment"):
            tokenize(text)
    else:
        assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a\n \x01", "illegal character", 2, 2),
        ("ü", "illegal character", 1, 1),
        ('x "abc', "unclosed string literal", 1, 3),
        ('"a\nb"', "unclosed string literal", 1, 1),
        ("\n\n(; (; ;)", "unclosed comment", 3, 1),
        ("(@x (", "unclosed annotation", 1, 1),
        ("(@)", "empty annotation id", 1, 1),
        ('(@"")', "empty annotation id", 1, 1),
        ('(@"\\ff")', "malformed UTF-8 encoding", 1, 1),
        ("(@a ü)", "illegal character", 1, 5),
        ('(@a ")', "unclosed string", 1, 5),
        ('$"a\nb"', "empty identifier", 1, 1),
    ],
)
def test_tokenize_wrong_text_raises_with_place(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(MalformedError, match=message) as caught:
        tokenize(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.source_line == text.split("\n")[line - 1]


def test_tokenize_annotations_with_a_meaning_are_kept_with_their_place() -> None:
    found = tokenize('a (@name "x" (;y;) ;;z\n (1)) b (@other) (@custom) c (@"na\\6de" $i)')
    assert found.texts[:-2] == ["a", "b", "c"]
    assert [(a.name, a.index, a.start, a.content.texts[:-2]) for a in found.annotations] == [
        ("name", 1, 2, ['"x"', "(", "1", ")"]),
        ("custom", 2, 40, []),
        ("name", 3, 52, ["$i"]),
    ]
    assert [a.index for a in found.annotations_between(2, 3)] == [2, 3]


def test_tokenize_deep_comments_and_annotations_do_not_recurse() -> None:
    depth = 50_000
    assert tokens("(;" * depth + ";)" * depth + "(@a " * depth + ")" * depth + "x") == ["x"]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ('"abc"', b"abc"),
        (r'"\t\n\r\"\'\\"', b"\t\n\r\"'\\"),
        (r'"\00\fF"', b"\x00\xff"),
        (r'"\u{20aC}\u{1_0000}"', "\u20ac\U00010000".encode()),
        ('"ü"', "ü".encode()),
    ],
)
def test_string_bytes_escapes_are_decoded(token: str, expected: bytes) -> None:
    assert is_string(token)
    assert string_bytes(token) == expected


@pytest.mark.parametrize("token", [r'"\x"', r'"\0"', r'"\u{}"', r'"\u{110000}"', r'"\u{d800}"', r'"\u41"'])
def test_string_bytes_bad_escape_raises(token: str) -> None:
    with pytest.raises(ValueError, match=r"illegal escape|malformed unicode escape"):
        string_bytes(token)


def test_is_identifier_tells_forms_apart() -> None:
    assert is_identifier("$a.b")
    assert is_identifier('$"a b"')
    assert not is_identifier("$")
    assert not is_identifier('$a"b"')


def test_parse_module_quoted_identifier_names_the_same() -> None:
    module = parse_module(r'(func $a) (func $"b c") (export "x" (func $"\61")) (export "y" (func $"b c"))')
    assert [export.index for export in module.exports] == [0, 1]


def test_parse_module_bytes_not_utf8_raises() -> None:
    with pytest.raises(MalformedError, match="malformed UTF-8 encoding") as caught:
        parse_module("(module)\n ;; \u00fc ".encode() + b"\xff!")
    assert (caught.value.line, caught.value.column) == (2, 7)
    assert caught.value.source_line == " ;; \u00fc \ufffd!"
