"""Sections, types and names as bytes."""

from collections.abc import Callable

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, Linker
from pywrt.component.tables import CANON_OPTIONS, CANONS, PREAMBLE
from pywrt.component.text import parse_component

Sections = Callable[[str], list[tuple[int, bytes]]]

TYPES = [
    ("bool", "7f"),
    ("s8", "7e"),
    ("u8", "7d"),
    ("s16", "7c"),
    ("u16", "7b"),
    ("s32", "7a"),
    ("u32", "79"),
    ("s64", "78"),
    ("u64", "77"),
    ("f32", "76"),
    ("f64", "75"),
    ("char", "74"),
    ("string", "73"),
    ("error-context", "64"),
    ('(record (field "a" u8) (field "b" 0))', "72 02 01 61 7d 01 62 00"),
    ('(variant (case "a") (case "b" u8))', "71 02 01 61 00 00 01 62 01 7d 00"),
    ("(list u8)", "70 7d"),
    ("(list u8 300)", "67 7d ac 02"),
    ("(tuple u8 0)", "6f 02 7d 00"),
    ('(flags "a" "b")', "6e 02 01 61 01 62"),
    ('(enum "a" "b")', "6d 02 01 61 01 62"),
    ("(option u8)", "6b 7d"),
    ("(result)", "6a 00 00"),
    ("(result u8)", "6a 01 7d 00"),
    ("(result (error u8))", "6a 00 01 7d"),
    ("(result 0 (error u8))", "6a 01 00 01 7d"),
    ("(own 200)", "69 c8 01"),
    ("(borrow 0)", "68 00"),
    ("(stream)", "66 00"),
    ("(stream u8)", "66 01 7d"),
    ("(future)", "65 00"),
    ("(future 0)", "65 01 00"),
    ("(map string u8)", "63 73 7d"),
    ("(list 64)", "70 c0 00"),  # value types are signed
    ("(func)", "40 00 01 00"),
    ('(func async (param "a" u8) (result 0))', "43 01 01 61 7d 00 00"),
    ("(resource (rep i32))", "3f 7f 00"),
    ("(resource (rep i64) (dtor (core func 1)))", "3f 7e 01 01"),
    ("(resource (rep i32) (dtor 1))", "3f 7f 01 01"),
    ("(component)", "41 00"),
    ('(component (import "a" (func (type 0))) (export "b" (core module (type 1))))',
     "41 02 03 00 01 61 01 00 04 00 01 62 00 11 01"),
    ("(component (core type (func)) (type u8) (alias outer 0 0 (type)))",
     "41 03 00 60 00 00 01 7d 02 03 02 00 00"),
    ('(instance (export "t" (type (sub resource))) (export "u" (type (eq 0))))',
     "42 02 04 00 01 74 03 01 04 00 01 75 03 00 00"),
    ('(instance (export "v" (value u8)) (export "w" (value (eq 0))))',
     "42 02 04 00 01 76 02 01 7d 04 00 01 77 02 00 00"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoded"), TYPES)
def test_type_is_encoded(sections: Sections, text: str, encoded: str) -> None:
    assert sections(f"(type {text})") == [(7, b"\1" + bytes.fromhex(encoded))]


CORE_TYPES = [
    ("(func (param i32) (result i64))", "60 01 7f 01 7e"),
    ("(sub (func))", "00 50 00 60 00 00"),  # 0x50 alone begins a module type
    ("(sub final 0 (func))", "4f 01 00 60 00 00"),
    ("(struct (field (ref null $t)))", "5f 01 63 00 00"),  # itself
    ("(module)", "50 00"),
    ('(module (import "a" "b" (memory 1)) (export "c" (global i32)))',
     "50 02 00 01 61 01 62 02 00 01 03 01 63 03 7f 00"),
    ('(module (type (func)) (export "c" (func)) (export "d" (func (param i32))))',
     "50 04 01 60 00 00 03 01 63 00 00 01 60 01 7f 00 03 01 64 00 01"),
    ("(module (type $a (sub (func))) (rec (type $b (sub $a (func)))))",
     "50 02 01 50 00 60 00 00 01 4e 01 50 01 00 60 00 00"),
    ('(module (export "t" (table 1 funcref)) (export "x" (tag (param i32))))',
     "50 03 03 01 74 01 70 00 01 01 60 01 7f 00 03 01 78 04 00 00"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoded"), CORE_TYPES)
def test_core_type_is_encoded(sections: Sections, text: str, encoded: str) -> None:
    assert sections(f"(core type $t {text})") == [(3, b"\1" + bytes.fromhex(encoded))]


def test_core_rec_is_one_type_definition(sections: Sections) -> None:
    text = """
      (core rec (type $a (struct (field (ref $b)))) (type $b (struct)))
      (core type (func (param (ref $b))))
    """
    assert sections(text) == [(3, bytes.fromhex("02 4e 02 5f 01 64 01 00 5f 00 60 01 64 01 00"))]


def test_equal_sections_in_a_row_are_one(sections: Sections) -> None:
    text = """
      (type u8) (type u16) (core type (func)) (type u32) (component) (component) (core module) (core module)
    """
    assert [(section, content[0]) for section, content in sections(text)] == [
        (7, 2), (3, 1), (7, 1), (4, 0), (4, 0), (1, 0), (1, 0),
    ]  # fmt: skip


def test_attributes_follow_the_name_in_their_order(sections: Sections) -> None:
    text = '(import "a@1" (versionsuffix ".2") (external-id "x") (implements "b:c/d") (instance (type 0)))'
    assert sections(text) == [
        (10, b"\1\2\3a@1\3" + b"\1\2.2" + b"\2\1x" + b"\0\5b:c/d" + b"\5\0"),
    ]


def test_own_name_of_a_module_or_component_may_differ_from_what_it_is_called() -> None:
    text = """(component
      (core module $M (@own_name)) (core module $N (@name "n") (@own_name "x") (export "n"))
      (component (@own_name "y")))
    """
    module = b"\0asm\1\0\0\0"
    assert parse_component(text) == b"".join([
        PREAMBLE,
        b"\1\x08" + module,
        b"\1\x13" + module + b"\0\x09\4name\0\2\1x",
        b"\4\x1d" + PREAMBLE + b"\0\x13\x0ecomponent-name\0\2\1y",
        b"\x0b\x08\1\0\1n\0\x11\1\0",
        b"\0\x1a\x0ecomponent-name\1\x09\0\x11\2\0\1M\1\1n",
    ])  # fmt: skip


def test_names_stand_where_the_text_says_or_are_what_it_says(sections: Sections) -> None:
    names = b"\0\x16\x0ecomponent-name\1\5\3\1\0\1t"
    definition = b"\7\2\1\x7d"
    assert parse_component("(component (@names) (type $t u8))") == PREAMBLE + names + definition
    assert parse_component("(component (type $t u8) (@names))") == PREAMBLE + definition + names
    said = '(component (@custom "component-name" "x") (type $t u8))'
    assert parse_component(said) == PREAMBLE + b"\0\x10\x0ecomponent-namex" + definition


def test_export_with_a_type(sections: Sections) -> None:
    assert sections('(export "a" (func 0)) (export "b" (func 1) (func (type 2)))') == [
        (11, b"\2\0\1a\1\0\0" + b"\0\1b\1\1\1\1\2"),
    ]


def test_start_takes_and_gives_values(sections: Sections) -> None:
    text = '(start 3 (value 1) (value 2) (result (value $v)) (result (value))) (export "v" (value $v))'
    assert sections(text) == [(9, b"\3\2\1\2\2"), (11, b"\1\0\1v\2\0\0")]


#: The text of each canonical definition's immediates, and their bytes.
IMMEDIATES = {
    "zero_lift": ("", "00"),
    "zero_lower": ("", "00"),
    "core_func": ("(core func 1)", "01"),
    "func": ("(func 2)", "02"),
    "type": ("3", "03"),
    "stream": ("3", "03"),
    "future": ("(type 3)", "03"),
    "core_type": ("(core type 4)", "04"),
    "core_table": ("(core table 5)", "05"),
    "core_memory": ("(memory (core memory 6))", "06"),
    "opts": ("string-encoding=utf16 async (memory 7) (callback (core func 8))", "04 01 06 03 07 07 08"),
    "results": ("(result u8)", "00 7d"),
    "async": ("async", "01"),
    "cancellable": ("cancellable", "01"),
    "shared": ("shared", "01"),
    "core_valtype": ("i64", "7e"),
    "slot": ("300", "ac 02"),
}


@pytest.mark.parametrize("code", CANONS)
def test_canonical_definition_is_encoded(sections: Sections, code: int) -> None:
    canon = CANONS[code]
    words = [IMMEDIATES[i][0] for i in canon.immediates if (canon.name, i) != ("lift", "type")]
    text = " ".join([canon.name, *words])
    result = "(func (type 3))" if canon.name == "lift" else "(core func)"
    encoded = bytes([code]) + b"".join(bytes.fromhex(IMMEDIATES[i][1]) for i in canon.immediates)
    assert sections(f"(canon {text} {result})") == [(8, b"\1" + encoded)]
    if canon.name != "lift":
        assert sections(f"(core func (canon {text}))") == [(8, b"\1" + encoded)]


def test_flags_left_out_are_zero(sections: Sections) -> None:
    text = "(core func (canon thread.yield)) (core func (canon waitable-set.wait (memory 0)))"
    assert sections(text) == [(8, b"\2\x0c\0\x20\0\0")]


@pytest.mark.parametrize("code", CANON_OPTIONS)
def test_option_is_encoded(sections: Sections, code: int) -> None:
    name, indexed = CANON_OPTIONS[code]
    word = f"string-encoding={name}" if "utf" in name else name
    sort = "memory" if name == "memory" else "func"
    text = f"({name} (core {sort} 9))" if indexed else word
    expected = bytes([code, 9] if indexed else [code])
    assert sections(f"(core func (canon lower (func 0) {text}))") == [(8, b"\1\1\0\0\1" + expected)]


# Names. Spec: Binary.md#name-section


def test_identifiers_and_annotations_are_names() -> None:
    text = """
      (component $C
        (core module $M (@name "a module"))
        (core instance $m (instantiate $M))
        (component $D (@name "D itself") (type $t u8))
        (type $t (@name "a type") u8)
        (import "f" (func $f))
        (export $g "g" (func $f)))
    """
    component = Component(Engine(), parse_component(text))
    assert component.name == "C"
    assert component.code.names == {
        "core module": {0: "a module"},
        "core instance": {0: "m"},
        "component": {0: "D itself"},
        "type": {0: "a type"},
        "func": {0: "f", 1: "g"},
    }


def test_no_identifiers_make_no_section() -> None:
    assert b"component-name" not in parse_component('(component (type u8) (import "f" (func)))')


def test_custom_annotations_are_sections_in_place() -> None:
    text = '(component (@custom "a" "1" "2") (type u8) (@custom "b" "3"))'
    assert parse_component(text) == (b"\0asm\x0d\0\1\0" + b"\0\x04\1a12" + b"\7\2\1\x7d" + b"\0\3\1b3")


def test_component_of_text_runs() -> None:
    text = """
      (component
        (core module $M
          (memory (export "mem") 1)
          (data (i32.const 8) "\\10\\00\\00\\00\\05\\00\\00\\00") (data (i32.const 16) "hello")
          (func (export "get") (result i32) (i32.const 8)))
        (core instance $m (instantiate $M))
        (func (export "get") (result string)
          (canon lift (core func $m "get") (memory (core memory $m "mem")))))
    """
    engine = Engine()
    store = Store(engine)
    get = Linker(engine).instantiate(store, Component(engine, parse_component(text))).get_func(store, "get")
    assert get is not None
    assert get(store) == "hello"
