"""Modules as the printer writes them: fields, names, custom sections, limits."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pywrt.config import ALL_FEATURES
from pywrt.errors import LimitError, MalformedError, WasmError
from pywrt.wasm.binary import Names, decode_module, encode_module, encode_names, read_names
from pywrt.wasm.module import Code, Custom, Data, Expr, Module
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.printer import print_module
from pywrt.wasm.types import I32, FuncType, SubType

EMPTY_BODY = Code(0, (), Expr(b"\x0b", 0, 1))
EVERYTHING = """\
(module $all
  (type $f (;0;) (func (param i32 i64) (result f32)))
  (rec
    (type $pair (;1;) (sub (struct (field $a (mut i32)) (field i8) (field $b (ref null $pair)))))
    (type (;2;) (sub final $pair (struct (field i32) (field i8) (field (ref $pair)) (field f64))))
  )
  (type (;3;) (array (mut i16)))
  (type (;4;) (func))
  (type (;5;) (func (param i32)))
  (rec)
  (import "env" "log" (func $log (;0;) (type 5) (param i32)))
  (import "env" "mem" (memory $mem (;0;) i64 1 2))
  (import "env" "t" (tag $tag (;0;) (type 5) (param i32)))
  (table $t (;0;) 2 10 funcref)
  (table (;1;) i64 0 (ref $f) ref.func $main)
  (memory (;1;) 1 2 shared)
  (memory (;2;) 0 (pagesize 1))
  (tag (;1;) (type 4))
  (global $g (;0;) (mut i32) i32.const 1 i32.const 2 i32.add)
  (global (;1;) externref ref.null extern)
  (export "main" (func $main))
  (export "mem\\22ory" (memory $mem))
  (export "e" (tag $tag))
  (start $main)
  (elem $e (;0;) (i32.const 0) func $log $main)
  (elem (;1;) (table 1) (offset i64.const 1 i64.const 2 i64.add) (ref $f) (ref.func $main))
  (elem (;2;) declare func $log)
  (elem (;3;) externref (ref.null extern) (item ref.null extern nop))
  (func $main (;1;) (type $f) (param $x i32) (param i64) (result f32)
    (local i32 i32) (local $y f64)
    local.get $x
    call $log
    block $out
      loop
        br $out
      end
    end
    memory.init $d
    f32.const 0x0p+0 (;=0;)
  )
  (func (;2;) (type 4))
  (data $d (;0;) "a\\00b")
  (data (;1;) (memory 1) (i32.const 8) "")
)
"""


def again(text: str) -> str:
    """The text, parsed, encoded, decoded and printed."""
    return print_module(decode_module(encode_module(parse_module(text)), features=ALL_FEATURES))


def test_print_of_every_field_is_what_was_parsed() -> None:
    assert again(EVERYTHING) == EVERYTHING


@pytest.mark.parametrize("text", ["(module)\n", "(module $m)\n", '(module $"m n")\n'])
def test_print_of_an_empty_module_is_one_line(text: str) -> None:
    assert again(text) == text


@pytest.mark.parametrize(
    "field",
    [
        "(type (;0;) (descriptor 1) (struct))\n    (type (;1;) (describes 0) (struct))",
        "(type (;0;) (sub (descriptor 1) (struct)))\n    (type (;1;) (sub (describes 0) (struct)))",
        "(type (;0;) (func (param (ref (exact 1)))))\n    (type (;1;) (struct (field nullref)))",
    ],
)
def test_print_of_custom_descriptors_is_what_was_parsed(field: str) -> None:
    text = f"(module\n  (rec\n    {field}\n  )\n)\n"
    assert again(text) == text


def test_print_of_an_exact_import_says_so() -> None:
    text = '(module\n  (type (;0;) (func))\n  (import "a" "b" (func (;0;) (exact (type 0))))\n)\n'
    assert again(text) == text


def test_print_of_long_segments_breaks_lines() -> None:
    data = bytes(range(256)) * 4
    module = Module(
        types=[SubType(FuncType((), ()))],
        funcs=[0] * 200,
        code=[EMPTY_BODY] * 200,
        datas=[Data(data, 0, len(data), "passive")],
        data_count=1,
    )
    before = decode_module(encode_module(module))
    text = print_module(before)
    assert max(map(len, text.splitlines())) <= 110
    assert encode_module(parse_module(text)) == encode_module(before)


# Names


def named(names: Names, customs: list[Custom] | None = None) -> Module:
    """A module of three functions of a parameter, with a name section behind the code."""
    section = Custom("name", encode_names(names), 10)
    module = Module(
        types=[SubType(FuncType((I32,), ()))],
        funcs=[0, 0, 0],
        code=[Code(0, (), Expr(b"\x02\x40\x10\1\x0b\x0b", 0, 6))] * 3,
        customs=[section, *(customs or [])],
    )
    return decode_module(encode_module(module))


def check(module: Module) -> str:
    """The text of the module, from which the same binary comes back."""
    text = print_module(module)
    assert encode_module(parse_module(text)) == encode_module(module)
    return text


def test_print_of_a_name_that_occurs_twice_tells_them_apart() -> None:
    names = Names()
    names.functions = {0: "f", 1: "f", 2: "two words"}
    text = check(named(names))
    assert "(func $f (;0;) (type 0)" in text
    assert '(func $#func1<f> (@name "f") (;1;) (type 0)' in text
    assert '(func $"two words" (;2;) (type 0)' in text
    assert "call $#func1<f>" in text
    assert "@custom" not in text


@pytest.mark.parametrize("name", ["", "x" * 5000])
def test_print_of_a_name_that_makes_no_identifier_annotates_it(name: str) -> None:
    names = Names()
    names.functions = {1: name}
    text = check(named(names))
    assert f'(func (@name "{name}") (;1;) (type 0)' in text
    assert "call 1\n" in text


def test_print_tells_names_apart_in_every_space() -> None:
    names = Names()
    twice = {0: "x", 1: "x", 2: ""}
    names.types = names.tables = names.memories = names.globals = names.tags = twice
    names.elems = names.datas = twice
    names.fields = {0: twice}
    names.locals = {0: {**twice, 3: "x", 4: ""}}
    names.module = ""
    text = """
        (type (struct (field i32) (field i32) (field i32))) (type (func (param i32 i32 i32))) (type (func))
        (table 1 funcref) (table 2 funcref) (table 3 funcref) (memory 1) (memory 2) (memory 3)
        (tag (type 1)) (tag (type 1)) (tag (type 1)) (elem func) (elem func) (elem func)
        (global i32 (i32.const 0)) (global i32 (i32.const 0)) (global i32 (i32.const 0))
        (func (type 1) (local i64 i64)) (data "") (data "") (data "")"""
    module = parse_module(text)
    module.customs = [Custom("name", encode_names(names), 11)]
    decoded = decode_module(encode_module(module), features=ALL_FEATURES)
    printed = check(decoded)
    assert "@custom" not in printed
    assert read_names(parse_module(printed)) == names


def test_print_of_names_of_locals_and_labels_uses_them() -> None:
    names = Names()
    names.locals = {1: {0: "x"}}
    names.labels = {0: {0: "out"}}
    text = check(named(names))
    assert "(type 0) (param $x i32)" in text
    assert "block $out\n" in text


@pytest.mark.parametrize(
    "place", [("locals", {0: {1: "x"}}), ("labels", {2: {1: "x"}}), ("tables", {0: "t"})]
)
def test_print_of_a_name_of_nothing_keeps_the_section_as_it_is(place: tuple[str, dict[int, object]]) -> None:
    names = Names()
    names.functions = {0: "f"}
    setattr(names, *place)
    text = check(named(names))
    assert '(@custom "name" (after code) "' in text
    assert "(func $f (;0;)" in text


def test_print_of_a_name_section_that_is_malformed_keeps_it() -> None:
    module = named(Names())
    module.customs = [Custom("name", b"\1\xff", 10)]
    assert '(@custom "name" (after code) "\\01\\ff")' in check(module)


def test_print_of_names_in_front_of_other_sections_says_their_place() -> None:
    names = Names()
    names.functions = {0: "f"}
    text = check(named(names, [Custom("producers", b"\0", 10)]))
    assert '  (@names (after code))\n  (@custom "producers" (after code) "\\00")\n)\n' in text


def test_print_of_no_names_makes_no_name_section() -> None:
    module = decode_module(encode_module(parse_module("(func (param i32))")))
    assert module.customs == []
    assert parse_module(check(module)).customs == []


def test_print_keeps_all_kinds_of_names() -> None:
    module = decode_module(encode_module(parse_module(EVERYTHING)), features=ALL_FEATURES)
    names = read_names(module)
    assert read_names(parse_module(print_module(module))) == names
    assert names.fields == {1: {0: "a", 2: "b"}}
    assert names.labels == {1: {0: "out"}}


# Custom sections, branch hints, the data count


@pytest.mark.parametrize("after", [0, 1, 3, 10])
def test_print_of_custom_sections_keeps_their_places(after: int) -> None:
    module = Module(types=[SubType(FuncType((), ()))], funcs=[0], code=[EMPTY_BODY])
    module.customs = [Custom("a", b"1", after), Custom("ü \n", b"", after), Custom("a", b"2" * 300, 10)]
    check(decode_module(encode_module(module)))


HINTED = """\
(module
  (type (;0;) (func (param i32)))
  (func (;0;) (type 0) (param i32)
    (local i64 f32)
    local.get 0
    (@metadata.code.branch_hint "\\01")
    if ;; label = @1
      local.get 0
      (@metadata.code.branch_hint "\\00")
      br_if 0 (;@1;)
    end
  )
)
"""


def test_print_of_branch_hints_annotates_the_instructions() -> None:
    assert again(HINTED) == HINTED


def hints(module: Module) -> Custom:
    (section,) = [custom for custom in module.customs if custom.name == "metadata.code.branch_hint"]
    return section


@pytest.mark.parametrize(
    ("old", "new", "after"),
    [
        (b"", b"", 10),  # behind the code
        (b"\1\0\2", b"\1\1\2", 3),  # of another function
        (b"\1\1", b"\1\2", 3),  # no hint
        (b"\1\0\2\x07\1\1\x0b\1\0", b"\0", 3),  # of nothing
        (b"\1\0\2\x07\1\1\x0b\1\0", b"\1\0\0", 3),
        (b"\x07\1\1\x0b\1\0", b"\x0b\1\0\x07\1\1", 3),  # not in order
        (b"\x07", b"\x05", 3),  # of an instruction that isn't a branch
    ],
)
def test_print_of_hints_that_no_annotation_can_say_keeps_the_section(
    old: bytes, new: bytes, after: int
) -> None:
    module = decode_module(encode_module(parse_module(HINTED)))
    section = hints(module)
    assert old in section.data
    module.customs = [Custom(section.name, section.data.replace(old, new, 1), after)]
    text = check(decode_module(encode_module(module)))
    assert '(@custom "metadata.code.branch_hint"' in text
    assert "(@metadata" not in text


def test_print_of_a_data_count_that_nothing_needs_keeps_it() -> None:
    module = decode_module(encode_module(Module(data_count=0)))
    assert print_module(module) == "(module\n  (@data_count)\n)\n"
    check(module)


# What is hostile


@settings(deadline=None)
@given(st.data())
def test_print_of_a_mutated_module_is_refused_or_parses_again(data: st.DataObject) -> None:
    module = bytearray(encode_module(parse_module(data.draw(st.sampled_from((EVERYTHING, HINTED))))))
    for _ in range(data.draw(st.integers(1, 3))):
        module[data.draw(st.integers(8, len(module) - 1))] = data.draw(st.integers(0, 255))
    del module[data.draw(st.integers(max(9, len(module) - 40), len(module))) :]
    try:
        text = print_module(decode_module(bytes(module), features=ALL_FEATURES))
    except WasmError:
        return
    assert print_module(decode_module(encode_module(parse_module(text)), features=ALL_FEATURES)) == text


def test_print_of_names_of_functions_that_there_are_not_does_not_use_them() -> None:
    names = Names()
    names.functions = {7: "seven"}
    module = named(names)
    module.start = 7
    assert "(start 7)" in check(decode_module(encode_module(module)))


@pytest.mark.parametrize("runs", [((2**32 - 1, I32),), ((600_000, I32), (600_000, I32))])
def test_print_of_too_many_locals_is_refused(runs: tuple[tuple[int, object], ...]) -> None:
    code = Code(0, runs, Expr(b"\x0b", 0, 1))  # type: ignore[arg-type]
    module = Module(types=[SubType(FuncType((), ()))], funcs=[0], code=[code])
    with pytest.raises(LimitError, match="too many locals: more than 1000000 in all functions"):
        print_module(decode_module(encode_module(module)))


def test_print_of_many_locals_joins_the_runs() -> None:
    module = Module(
        types=[SubType(FuncType((), ()))],
        funcs=[0],
        code=[Code(0, ((1, I32), (0, I32), (100_000, I32)), Expr(b"\x0b", 0, 1))],
    )
    (code,) = parse_module(print_module(decode_module(encode_module(module)))).code
    assert code.locals == ((100_001, I32),)


# The annotations that only this printer writes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(@names before)", "@custom annotation: unexpected token before"),
        ("(@names (behind type))", "@custom annotation: malformed placement"),
        ("(@names (after nothing))", "@custom annotation: malformed section kind"),
        ("(func (@names (after code)))", "misplaced @names annotation"),
    ],
)
def test_parse_of_a_place_of_names_that_is_none_is_malformed(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=re.escape(message)):
        parse_module(text)
