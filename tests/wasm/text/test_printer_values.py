"""Numbers, strings and identifiers as the printer spells them: what is read back is the same."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pywrt.wasm.text.cursor import Cursor
from pywrt.wasm.text.lexer import string_bytes, tokenize
from pywrt.wasm.text.numbers import parse_float
from pywrt.wasm.text.printer.values import float_decimal, float_text, identifier, quoted, quoted_name


@pytest.mark.parametrize(
    ("bits", "text", "decimal"),
    [
        (0x00000000, "0x0p+0", "0"),
        (0x80000000, "-0x0p+0", "-0"),
        (0x3F800000, "0x1p+0", "1"),
        (0xC0490FDB, "-0x1.921fb6p+1", "-3.1415927"),
        (0x00000001, "0x1p-149", "1e-45"),
        (0x7F7FFFFF, "0x1.fffffep+127", "3.4028235e+38"),
        (0x7F800000, "inf", ""),
        (0xFF800000, "-inf", ""),
        (0x7FC00000, "nan", ""),
        (0xFFC00000, "-nan", ""),
        (0x7F800001, "nan:0x1", ""),
        (0xFFE00000, "-nan:0x600000", ""),
    ],
)
def test_float_text_of_f32_is_exact_and_its_decimal_short(bits: int, text: str, decimal: str) -> None:
    raw = bits.to_bytes(4, "little")
    assert (float_text(raw), float_decimal(raw)) == (text, decimal)


@pytest.mark.parametrize(
    ("value", "text", "decimal"),
    [
        (0.1, "0x1.999999999999ap-4", "0.1"),
        (5e-324, "0x0.0000000000001p-1022", "5e-324"),
        (1e22, "0x1.0f0cf064dd592p+73", "1e+22"),
        (256.0, "0x1p+8", "256"),
    ],
)
def test_float_text_of_f64_is_exact_and_its_decimal_short(value: float, text: str, decimal: str) -> None:
    raw = struct.pack("<d", value)
    assert (float_text(raw), float_decimal(raw)) == (text, decimal)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_float_text_of_any_f32_is_read_back_as_the_same_bits(bits: int) -> None:
    raw = bits.to_bytes(4, "little")
    assert parse_float(float_text(raw), 32) == bits
    assert not (decimal := float_decimal(raw)) or parse_float(decimal, 32) == bits


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_float_text_of_any_f64_is_read_back_as_the_same_bits(bits: int) -> None:
    raw = bits.to_bytes(8, "little")
    assert parse_float(float_text(raw), 64) == bits
    assert not (decimal := float_decimal(raw)) or parse_float(decimal, 64) == bits


@settings(deadline=None)
@given(st.binary())
def test_quoted_bytes_are_read_back(data: bytes) -> None:
    text = quoted(data)
    assert text.isascii()
    assert text.isprintable()
    assert string_bytes(text) == data


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_quoted_name_is_read_back(name: str) -> None:
    text = quoted_name(name)
    assert text.isprintable()
    assert string_bytes(text).decode() == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f", "$f"),
        ("a.b::c<d>", "$a.b::c<d>"),
        ("two words", '$"two words"'),
        ('say "hi"', '$"say \\22hi\\22"'),
        ("f(int)", '$"f(int)"'),
        ("größe", '$"größe"'),
        ("\u202e", '$"\\e2\\80\\ae"'),
    ],
)
def test_identifier_is_quoted_where_characters_need_it(name: str, text: str) -> None:
    assert identifier(name) == text
    assert Cursor(tokenize(text)).identifier() == name
