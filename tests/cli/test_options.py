"""Sizes, directories, environment variables and limits, as options spell them."""

from argparse import ArgumentTypeError

import pytest

from pywrt.cli.options import guest_text, parse_dir, parse_env, parse_fuel, parse_seconds, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("65536", 65536),
        ("1b", 1),
        ("512K", 512 << 10),
        ("64MiB", 64 << 20),
        ("64 mib", 64 << 20),
        ("3m", 3 << 20),
        ("2GB", 2 << 30),
        ("1GiB", 1 << 30),
    ],
)
def test_parse_size_with_and_without_unit_gives_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5M", "1T", "MiB", "٣", "9" * 31, "1 2"])
def test_parse_size_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(
        ArgumentTypeError, match=r"expected a size such as 65536, 512KiB, 64MiB or 1GiB, got "
    ):
        parse_size(text)


def test_parse_size_of_zero_is_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="expected a size above 0"):
        parse_size("0MiB")


@pytest.mark.parametrize(
    ("text", "host", "guest", "read_only"),
    [
        (".", ".", ".", False),
        ("/srv/data:ro", "/srv/data", "/srv/data", True),
        ("data::/d", "data", "/d", False),
        ("data::/d:ro", "data", "/d", True),
        ("C:\\data::/d", "C:\\data", "/d", False),
        ("a::b::/d", "a::b", "/d", False),
    ],
)
def test_parse_dir_splits_host_guest_and_read_only(text: str, host: str, guest: str, read_only: bool) -> None:
    preopen = parse_dir(text)
    assert (preopen.host_path, preopen.guest_path, preopen.read_only) == (host, guest, read_only)


@pytest.mark.parametrize("text", ["", ":ro", "::", "data::", "::/d", "data:::ro"])
def test_parse_dir_without_host_or_guest_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"expected HOST\[::GUEST\]\[:ro\], got "):
        parse_dir(text)


@pytest.mark.parametrize(
    ("text", "pair"),
    [("A=b", ("A", "b")), ("A=", ("A", "")), ("A=b=c", ("A", "b=c")), ("A= b ", ("A", " b "))],
)
def test_parse_env_splits_at_the_first_equals_sign(text: str, pair: tuple[str, str]) -> None:
    assert parse_env(text) == pair


@pytest.mark.parametrize("text", ["", "A", "=b"])
def test_parse_env_without_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="expected NAME=VALUE, got "):
        parse_env(text)


def test_parse_seconds_takes_fractions_and_zero_for_no_limit() -> None:
    assert (parse_seconds("30"), parse_seconds("0.5"), parse_seconds("0")) == (30.0, 0.5, None)


@pytest.mark.parametrize("text", ["", "-1", "inf", "nan", "1s"])
def test_parse_seconds_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="expected a number of seconds, got "):
        parse_seconds(text)


def test_parse_fuel_takes_digits_in_groups() -> None:
    assert (parse_fuel("1"), parse_fuel("10_000_000")) == (1, 10_000_000)


@pytest.mark.parametrize("text", ["", "_", "0", "-5", "1.0", "1e6", "x", "9" * 5000])
def test_parse_fuel_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="expected a whole number above 0, got "):
        parse_fuel(text)


def test_guest_text_of_bytes_that_are_no_utf8_has_replacements() -> None:
    assert guest_text("a\udcffb") == "a\ufffdb"
