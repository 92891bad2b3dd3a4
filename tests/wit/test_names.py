"""Extern names, their uniqueness, and which versions serve each other."""

import pytest

from pywrt.errors import InvalidError
from pywrt.wit.names import (
    canonical_name,
    compatible_key,
    interface_version,
    is_label,
    parse_extern_name,
    parse_interface_name,
    parse_version,
)


@pytest.mark.parametrize("label", ["a", "a-b-c", "a1-2-3", "A", "A-B-C", "a11-B11-123-ABC-abc", "is-XML"])
def test_is_label_kebab_case_is_accepted(label: str) -> None:
    assert is_label(label)


@pytest.mark.parametrize("label", ["", "1", "1-a", "a-", "a--b", "aBc", "a_b", "-a", "é", "a.b"])
def test_is_label_anything_else_is_refused(label: str) -> None:
    assert not is_label(label)


def test_parse_extern_name_method_gives_resource_and_label() -> None:
    parsed = parse_extern_name("[method]output-stream.write")
    assert (parsed.kind, parsed.resource, parsed.label) == ("method", "output-stream", "write")


def test_parse_extern_name_interface_gives_name_and_version() -> None:
    parsed = parse_extern_name("wasi:io/streams@0.2.9-rc.1+build.5")
    assert parsed.kind == "interface"
    assert parsed.interface == "wasi:io/streams"
    assert parsed.version is not None
    assert (parsed.version.order, parsed.version.prerelease, parsed.version.build) == (
        (0, 2, 9),
        "rc.1",
        "build.5",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aBc", "`aBc` is not in kebab case"),
        ("wasi/http", "`wasi/http` is not in kebab case"),
        ("wasi:", "`` is not in kebab case"),
        ("A:b/c", "is not a valid extern name"),
        ("ns:pkg-A/b", "is not a valid extern name"),
        ("[method]a", "failed to find `.` character"),
        ("[method]a.b.c", "not in kebab case"),
        ("foo:bar:baz/qux", "expected `/` after package name"),
        ("foo:bar/baz/qux", "trailing characters found: `/qux`"),
        ("a:b/c@", "empty string"),
        ("a:b/c@.", "unexpected character '.'"),
        ("a:b/c@1.", "unexpected end of input"),
        ("a:b/c@2.b", "unexpected character 'b'"),
        ("a:b/c@2.0x0", "unexpected character 'x'"),
        ("a:b/c@2.0.0+", "empty identifier segment"),
        ("a:b/c@2.0.0-", "empty identifier segment"),
        ("a:b/c@01.0.0", "leading zero"),
        ("a:b/c@1.0.0-01", "leading zero"),
        ("a:b/c@1.2", "unexpected end of input"),
        ("a:b/c@" + "9" * 5000 + ".0.0", "exceeds its limit"),
    ],
)
def test_parse_extern_name_wrong_name_says_what_is_wrong(name: str, message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_extern_name(name, "import")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["1", "0.2", "0.0.3"])
def test_parse_version_canonical_version_is_accepted(text: str) -> None:
    assert parse_version(text).compatible == text


def test_parse_interface_name_label_is_refused() -> None:
    with pytest.raises(InvalidError, match="must be an interface"):
        parse_interface_name("not-an-interface")


@pytest.mark.parametrize("name", ["FOO", "foo", "[method]foo.foo", "[static]FOO.foo"])
def test_canonical_name_names_that_clash_are_equal(name: str) -> None:
    assert canonical_name(name) == "foo"


def test_canonical_name_constructor_differs_from_its_resource() -> None:
    assert canonical_name("[constructor]foo") != canonical_name("foo")
    assert canonical_name("[method]foo.bar") == "foo.bar"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("wasi:io/streams@0.2.0", "wasi:io/streams@0.2.12", True),
        ("wasi:io/streams@0.2.0", "wasi:io/streams@0.2", True),
        ("wasi:io/streams@0.2.0", "wasi:io/streams@0.3.0", False),
        ("a:b/c@1.0.0", "a:b/c@1.9.3", True),
        ("a:b/c@1.0.0", "a:b/c@2.0.0", False),
        ("a:b/c@0.0.1", "a:b/c@0.0.2", False),
        ("a:b/c@0.2.0", "a:b/d@0.2.0", False),
    ],
)
def test_compatible_key_versions_that_serve_each_other_share_it(one: str, other: str, same: bool) -> None:
    assert compatible_key(one) is not None
    assert (compatible_key(one) == compatible_key(other)) is same


@pytest.mark.parametrize("name", ["greet", "a:b/c", "a:b/c@0.1.0-preview2", "not:valid@@"])
def test_compatible_key_where_only_the_same_name_will_do_is_none(name: str) -> None:
    assert compatible_key(name) is None


def test_interface_version_orders_by_number() -> None:
    assert interface_version("a:b/c@0.2.12") > interface_version("a:b/c@0.2.9")
    assert interface_version("plain") == (0, 0, 0)
