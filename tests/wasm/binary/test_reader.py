import leb128
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywrt.errors import LimitError, MalformedError
from pywrt.wasm.binary.reader import Reader, read_signed, read_unsigned


@given(st.integers(0, 2**64 - 1))
def test_read_unsigned_of_encoded_gives_it_back(value: int) -> None:
    data = bytes(leb128.u.encode(value))
    assert read_unsigned(data + b"\xff", 0, len(data), 64) == (value, len(data))


@given(st.integers(-(2**63), 2**63 - 1))
def test_read_signed_of_encoded_gives_it_back(value: int) -> None:
    data = bytes(leb128.i.encode(value))
    assert read_signed(data + b"\xff", 0, len(data), 64) == (value, len(data))


@pytest.mark.parametrize(
    ("data", "value"),
    [(b"\x80\x00", 0), (b"\x83\x80\x80\x80\x00", 3), (b"\xff\xff\xff\xff\x0f", 2**32 - 1)],
)
def test_u32_padded_is_accepted(data: bytes, value: int) -> None:
    assert Reader(data, 0, len(data)).u32() == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xff\xff\xff\x1f", "integer too large"),
        (b"\x80\x80\x80\x80\x80\x00", "integer representation too long"),
        (b"\x80\x80", "unexpected end of section or function"),
        (b"", "unexpected end of section or function"),
    ],
)
def test_u32_malformed_raises(data: bytes, message: str) -> None:
    with pytest.raises(MalformedError) as error:
        Reader(data, 0, len(data)).u32()
    assert error.value.message == message


@pytest.mark.parametrize(
    ("data", "bits", "value"),
    [
        (b"\xff\xff\xff\xff\x7f", 32, -1),
        (b"\x80\x80\x80\x80\x78", 32, -(2**31)),
        (b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 64, -(2**63)),
        (b"\x40", 33, -64),
    ],
)
def test_signed_extremes_are_sign_extended(data: bytes, bits: int, value: int) -> None:
    assert Reader(data, 0, len(data)).signed(bits) == value


@pytest.mark.parametrize(
    ("data", "bits", "message"),
    [
        (b"\x80\x80\x80\x80\x70", 32, "integer too large"),
        (b"\xff\xff\xff\xff\x0f", 32, "integer too large"),
        (b"\x80\x80\x80\x80\x80\x00", 32, "integer representation too long"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 64, "integer too large"),
        (b"\xff\xff", 64, "unexpected end"),
    ],
)
def test_signed_malformed_raises(data: bytes, bits: int, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        Reader(data, 0, len(data)).signed(bits)


def test_read_unsigned_long_run_of_continuations_stops_at_its_width() -> None:
    with pytest.raises(MalformedError, match="too l") as error:
        read_unsigned(b"\x80" * 10_000_000, 0, 10_000_000, 64)
    assert error.value.offset == 9


def test_reader_bound_inside_data_is_kept() -> None:
    reader = Reader(b"\x01\x02\x03", 0, 2)
    assert [reader.byte(), reader.byte()] == [1, 2]
    for read in (reader.byte, reader.u32, lambda: reader.skip(1), lambda: reader.u32s(1)):
        with pytest.raises(MalformedError, match="unexpected end") as error:
            read()
        assert error.value.offset == 2


def test_count_past_limit_with_bytes_present_raises_limit_error() -> None:
    with pytest.raises(LimitError, match="too many things: 9"):
        Reader(b"\x09" + bytes(9), 0, 10).count("things", 8)


def test_name_invalid_utf8_raises_with_offset() -> None:
    with pytest.raises(MalformedError, match="malformed UTF-8 encoding") as error:
        Reader(b"\x03ab\xff", 0, 4).name()
    assert error.value.offset == 3


@pytest.mark.parametrize("encoded", [b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
def test_name_surrogate_overlong_or_cut_raises(encoded: bytes) -> None:
    with pytest.raises(MalformedError, match="malformed UTF-8 encoding"):
        Reader(bytes([len(encoded)]) + encoded, 0, 1 + len(encoded)).name()


def test_name_longer_than_input_raises_length_out_of_bounds() -> None:
    with pytest.raises(MalformedError, match="length out of bounds"):
        Reader(b"\x05ab", 0, 3).name()
