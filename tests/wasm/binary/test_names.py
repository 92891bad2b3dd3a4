from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywrt.wasm.binary import Names, decode_module, encode_names, function_names, module_name, read_names
from pywrt.wasm.binary.names import SUBSECTIONS
from pywrt.wasm.module import Custom, Module

Build = Callable[..., bytes]

INDICES = st.integers(0, 2**32 - 1)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
NAME_MAPS = st.dictionaries(INDICES, NAMES, max_size=3)
INDIRECT = st.dictionaries(INDICES, NAME_MAPS, max_size=3)


def section(content: bytes) -> Module:
    return Module(customs=[Custom("name", content)])


@st.composite
def all_names(draw: st.DrawFn) -> Names:
    names = Names()
    for part in SUBSECTIONS[1:]:
        setattr(names, part, draw(INDIRECT if part in ("locals", "labels", "fields") else NAME_MAPS))
    names.module = draw(st.none() | NAMES)
    return names


@given(all_names())
def test_read_of_encoded_names_is_the_names(names: Names) -> None:
    assert read_names(section(encode_names(names))) == names


@given(st.binary(max_size=60))
def test_read_names_of_anything_raises_nothing(content: bytes) -> None:
    assert isinstance(read_names(section(content)), Names)


def test_encode_names_writes_subsections_and_indices_in_order() -> None:
    names = Names()
    names.tags = {0: "t"}
    names.functions = {3: "b", 1: "a"}
    names.locals = {2: {1: "y", 0: "x"}}
    names.module = "m"
    assert encode_names(names) == (
        b"\0\2\1m" + b"\1\7\2\1\1a\3\1b" + b"\2\x09\1\2\2\0\1x\1\1y" + b"\x0b\4\1\0\1t"
    )
    assert encode_names(Names()) == b""


def test_read_names_of_a_module_without_the_section_are_empty() -> None:
    assert read_names(Module()) == Names()
    assert read_names(section(b"\1\4\1\0\1f")) != Names()


def test_read_names_keeps_what_stands_before_the_malformed() -> None:
    # the second function's locals are cut off, and the unknown subsection 12 is passed over
    names = read_names(section(b"\x0c\1\0" + b"\2\x0b\2\0\1\0\1x\1\2\0\1y" + b"\4\4\1\5\1t" + b"\5\x7f"))
    assert names.locals == {0: {0: "x"}, 1: {0: "y"}}
    assert names.types == {5: "t"}
    assert names.tables == {}


def test_names_of_module_and_functions_are_read(binary: Build) -> None:
    names = b"\x04name\x00\x02\x01m\x01\x07\x02\x00\x01a\x05\x01\xff"
    module = decode_module(binary((0, b"\x05other"), (0, names)))
    assert module_name(module) == "m"
    assert function_names(module) == {0: "a", 5: "\ufffd"}


@pytest.mark.parametrize(
    ("section", "names"),
    [
        (b"\x01\xff", {}),
        (b"\x01\x05\x02\x00\x01a\x05", {0: "a"}),
        (b"\x01\x05\xff\xff\xff\xff\x0f", {}),
        (b"\x01", {}),
    ],
)
def test_function_names_malformed_are_left_out(binary: Build, section: bytes, names: dict[int, str]) -> None:
    module = decode_module(binary((0, b"\x04name" + section)))
    assert function_names(module) == names
    assert module_name(module) is None
