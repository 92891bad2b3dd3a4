"""Types and names that features bring: what is well-formed, what equals what, and what is refused."""

from typing import Any

import pytest

from pywrt.api import Engine
from pywrt.component import Component
from pywrt.component.definitions import StartDef, ValueDef
from pywrt.component.tables import PREAMBLE
from pywrt.component.text import parse_component
from pywrt.component.types import ModuleType
from pywrt.config import ALL_FEATURES, COMPONENT_FEATURES, Config
from pywrt.errors import InvalidError, MalformedError, WasmError
from pywrt.wit import types as wit

EVERYTHING = Config(features=ALL_FEATURES)


def load(text: str, config: Config = EVERYTHING) -> Component:
    return Component(Engine(config), parse_component(f"(component {text})"))


def refused(text: str, message: str, config: Config = EVERYTHING) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        load(text, config)
    assert message in caught.value.message
    assert caught.value.offset is not None
    return caught.value


# --- features

#: Small components, each of which needs one feature.
NEEDING = [
    ("component-model-async", "(type (func async))"),
    ("component-model-async", "(type (stream))"),
    ("component-model-async", "(type (future u8))"),
    ("component-model-async", "(canon task.cancel (core func))"),
    ("component-model-more-async-builtins", "(canon subtask.cancel async (core func))"),
    (
        "component-model-async-stackful",
        """(core module $m (func (export "f"))) (core instance $i (instantiate $m))
        (func async (canon lift (core func $i "f") async))""",
    ),
    ("component-model-threading", "(canon thread.index (core func))"),
    ("component-model-error-context", '(import "f" (func (param "e" error-context)))'),
    ("component-model-map", "(type (map string u8))"),
    ("component-model-fixed-length-lists", "(type (list u8 4))"),
    ("component-model-implements", '(import "a" (implements "a:b/c") (instance))'),
    ("component-model-implements", '(import "a" (external-id "x") (func))'),
    ("component-model-canonical-names", '(import "a:b/c@1" (func))'),
    ("component-model-canonical-names", '(import "a" (implements "a:b/c@0.2") (instance))'),
    ("component-model-memory64", "(type (resource (rep i64)))"),
    ("component-model-nested-names", '(import "a:b:c/d" (func))'),
    ("component-model-nested-names", '(import "a:b/c/d" (func))'),
    ("component-model-values", '(component (import "v" (value $v u8)) (export "w" (value $v)))'),
]


@pytest.mark.parametrize(("feature", "text"), NEEDING)
def test_component_that_needs_a_feature_is_refused_without_it(feature: str, text: str) -> None:
    load(text)
    error = refused(text, "", EVERYTHING.disable(feature))
    if feature != "component-model-nested-names":  # such a name is no name then
        assert error.feature == feature
        assert feature in error.message


def test_each_feature_of_components_is_needed_by_a_component_above() -> None:
    assert {feature for feature, _ in NEEDING} == COMPONENT_FEATURES


# --- value types


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(import "r" (type $r (sub resource))) (type (stream (borrow $r)))', "`stream` payload cannot"),
        (
            '(import "r" (type $r (sub resource))) (type $o (option (borrow $r))) (type (future $o))',
            "`future` payload cannot contain a `borrow` type",
        ),
        ("(type (stream char))", "`stream<char>` is not valid"),
        ("(type $c char) (type (stream $c))", "`stream<char>` is not valid"),
        ("(type (map f32 u8))", "invalid map key type: f32"),
        ("(type (map (list u8) u8))", "invalid map key type: list"),
        ("(type (map error-context u8))", "invalid map key type: error-context"),
        ("(type (list u8 0))", "must have at least one element"),
        ("(type (list (map u8 u8) 16777216))", "exceeds maximum byte size"),
        ("(type (list (stream) 67108864))", "exceeds maximum byte size"),
    ],
)
def test_type_that_is_not_well_formed_is_refused(text: str, message: str) -> None:
    refused(text, message)


def test_types_of_features_are_value_types() -> None:
    made = load("""
      (type $key char)
      (type $m (map $key (list string)))
      (type $f (future (stream $m)))
      (import "f" (func async (param "a" $f) (param "b" (future char)) (result (option error-context))))""")
    item = made.imports()["f"].type
    assert isinstance(item, wit.FuncType)
    assert str(item) == (
        "async func(a: future<stream<map<char, list<string>>>>, b: future<char>) -> option<error-context>"
    )


@pytest.mark.parametrize(
    ("have", "want", "message"),
    [
        ("(stream u8)", "(stream u16)", "type mismatch in stream: expected primitive `u16`"),
        ("(stream)", "(stream u16)", "expected stream type, but found none"),
        ("(future u16)", "(future)", "expected future type to not be present"),
        ("(future u16)", "(stream u16)", "expected stream, found future"),
        ("(map u8 u8)", "(map u16 u8)", "type mismatch in map key"),
        ("(map u8 u8)", "(map u8 (list u8))", "type mismatch in map value"),
        ("(list u8 3)", "(list u8 4)", "expected list<u8, 4>, found list<u8, 3>"),
        ("(list u8 3)", "(list u8)", "expected list<u8>, found list<u8, 3>"),
        ("(list (tuple u8 u8))", "(map u8 u8)", "expected map, found list"),
        ("error-context", "u32", "expected primitive `u32` found primitive `error-context`"),
    ],
)
def test_types_that_differ_do_not_match(have: str, want: str, message: str) -> None:
    text = """
      (component $c (import "f" (func (param "x" {want}))))
      (import "f" (func $f (param "x" {have})))
      (instance (instantiate $c (with "f" (func $f))))"""
    refused(text.format(have=have, want=want), message)
    load(text.format(have=have, want=have))


def test_function_that_is_async_does_not_match_one_that_is_not() -> None:
    text = """
      (component $c (import "f" (func)))
      (import "f" (func $f async))
      (instance (instantiate $c (with "f" (func $f))))"""
    refused(text, "expected sync func")


@pytest.mark.parametrize("type", ["(stream {})", "(future (list {}))", "(map u8 {})", "(list {} 2)"])
def test_resource_within_a_type_is_that_of_the_instance(type: str) -> None:
    text = """
      (component $maker
        (type $t (resource (rep i32)))
        (export $r "r" (type $t))
        (core module $m (func (export "f") (param i32) (param i32)))
        (type $x {x})
        (import "f" (func $f (param "r" u8)))
        (export "g" (func $f)))
      (component $user
        (import "r" (type $r (sub resource)))
        (import "f" (func (param "x" {x}))))
      (import "s" (type $s (sub resource)))
      (import "i" (instance $i
        (export "r" (type $r (sub resource)))
        (export "f" (func (param "x" {x})))))
      (alias export $i "r" (type $ir))
      (alias export $i "f" (func $if))
      (instance (instantiate $user (with "r" (type {given})) (with "f" (func $if))))"""
    x = type.format("(own $r)")
    load(text.format(x=x, given="$ir"))
    refused(text.format(x=x, given="$s"), "resource types are not the same")


@pytest.mark.parametrize("type", ["(stream $t)", "(future $t)", "(map u8 $t)"])
def test_record_within_a_type_needs_a_name_outside(type: str) -> None:
    refused(
        f'(type $t (record (field "a" u8))) (import "f" (func (param "x" {type})))',
        "refers to types without a name",
    )
    load(
        f'(type $r (record (field "a" u8))) (import "r" (type $t (eq $r)))(import "f" (func (result {type})))'
    )


def test_bag_of_exports_exports_types_that_refer_to_each_other() -> None:
    load("""
      (component $c
        (type $kind (enum "a" "b"))
        (export $k "kind" (type $kind))
        (type $args (record (field "kind" $k)))
        (export "args" (type $args)))
      (instance $i (instantiate $c))
      (instance $types (export "kind" (type $i "kind")) (export "args" (type $i "args")))
      (export "types" (instance $types))""")


# --- names


@pytest.mark.parametrize(
    "name", ["a:b:c/d", "a:b/c/d", "aa:b2:c-d:e/f/G-h@1.2.3-rc.1", "a:b:c:d/e@0.2", "a:b/c@0.0.0"]
)
def test_nested_name_is_accepted_where_it_may_be(name: str) -> None:
    load(f'(import "{name}" (func)) (import "x" (implements "{name}") (instance))')


@pytest.mark.parametrize("name", ["a:B:c/d", "a:b:/d", "a:b/c/", "a:b/c//d", "a::b/c", "a:b:c", "a:b/c:d"])
def test_nested_name_that_is_wrong_is_refused(name: str) -> None:
    refused(f'(import "{name}" (func))', "is not a valid extern name")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ('"a:b/c@0.2" (versionsuffix ".6-rc.1")', None),
        ('"a:b/c@1" (versionsuffix ".2.3+build")', None),
        ('"a:b/c@0.0.1" (versionsuffix "-alpha")', None),
        ('"a:b/c@0.0.1" (versionsuffix "")', None),
        ('"x" (implements "a:b/c@2") (versionsuffix ".0.0")', None),
        ('"a:b/c@0.2" (versionsuffix "")', "makes no complete version"),
        ('"a:b/c@1" (versionsuffix ".2")', "unexpected end of input"),
        ('"a:b/c@1" (versionsuffix ".2.3-")', "empty identifier segment"),
        ('"a:b/c@1.2.3" (versionsuffix "")', "requires an interface name with a canonical version"),
        ('"a:b/c" (versionsuffix "1.2.3")', "requires an interface name with a canonical version"),
        ('"x" (versionsuffix ".2.3")', "requires an interface name with a canonical version"),
    ],
)
def test_version_suffix_completes_a_canonical_version(attributes: str, message: str | None) -> None:
    text = f"(import {attributes} (instance))"
    if message is None:
        load(text)
    else:
        refused(text, message)


@pytest.mark.parametrize("code", range(3))
def test_attribute_that_is_given_twice_is_refused(code: int) -> None:
    attribute = bytes([code]) + b"\1x"
    content = b"\1\2\1a\2" + attribute * 2 + b"\5\0"
    data = PREAMBLE + b"\7\3\1\x42\0" + b"\x0a" + bytes([len(content)]) + content
    with pytest.raises(InvalidError, match=r"^duplicate '"):
        Component(Engine(), data)


# --- core types


def module_type(text: str) -> ModuleType:
    """The type of the module `m` that a component imports."""
    found = load(text).imports()["m"].type
    assert isinstance(found, ModuleType)
    return found


def test_core_types_that_are_equal_are_one_object_wherever_they_stand() -> None:
    first, second = [
        module_type(text)
        for text in (
            """(core type $s (struct (field i32)))
            (core type $t (module
              (alias outer 1 0 (type $s))
              (import "a" "b" (func (param (ref $s))))
              (export "t" (table 1 (ref null $s)))))
            (import "m" (core module (type $t)))""",
            """(import "m" (core module
              (type (func))
              (type $s (struct (field i32)))
              (import "a" "b" (func (param (ref $s))))
              (export "t" (table 1 (ref null $s)))))""",
        )
    ]
    assert first.imports["a", "b"] is second.imports["a", "b"]
    assert first.exports == second.exports


@pytest.mark.parametrize(
    ("have", "want", "message"),
    [
        ("(type $f (sub (func)))", "(type $f (func))", "expected: (func), found: (func)"),
        ("(type $b (sub (func))) (type $f (sub $b (func)))", "(type $f (sub (func)))", None),
        ("(type $f (sub (func)))", "(type $b (sub (func))) (type $f (sub $b (func)))", "expected: (func)"),
        ("(rec (type $f (func)) (type (func)))", "(type $f (func))", "expected: (func)"),
        ("(rec (type $f (func)) (type (func)))", "(rec (type $f (func)) (type (func)))", None),
    ],
)
def test_core_function_matches_by_its_defined_type(have: str, want: str, message: str | None) -> None:
    text = f"""
      (core module $a {have} (func (export "f") (type $f)))
      (core module $b {want} (import "a" "f" (func (type $f))))
      (core instance $i (instantiate $a))
      (core instance (instantiate $b (with "a" (instance $i))))"""
    if message is None:
        load(text)
    else:
        refused(text, message)


@pytest.mark.parametrize(
    ("have", "want", "message"),
    [
        ("(global i32)", "(global (mut i32))", "mismatch in mutability"),
        ("(global (ref func))", "(global funcref)", None),
        ("(global (mut (ref func)))", "(global (mut funcref))", "expected global type"),
        ("(table 1 (ref null func))", "(table 1 funcref)", None),
        ("(table 1 (ref func))", "(table 1 funcref)", "expected table element type"),
        ("(table i64 1 funcref)", "(table 1 funcref)", "mismatch in index type used for tables"),
        ("(memory i64 1)", "(memory 1)", "mismatch in index type used for memories"),
        ("(memory 1 (pagesize 1))", "(memory 1)", "mismatch in page size for memories"),
        ("(tag (param i32))", "(tag (param i64))", "mismatch in tags"),
        ("(func)", "(global i32)", "expected global, found func"),
    ],
)
def test_module_matches_as_its_exports_do(have: str, want: str, message: str | None) -> None:
    text = f"""
      (component $c (import "m" (core module (export "x" {want}))))
      (import "m" (core module $m (export "x" {have})))
      (instance (instantiate $c (with "m" (core module $m))))"""
    if message is None:
        load(text)
    else:
        refused(text, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(core type $a (func)) (core type (sub $a (func)))", "has final super type 0"),
        ("(core type $a (sub (func))) (core type (sub $a (func (param i32))))", "does not match super type"),
        ("(core type (sub 0 (func)))", "must come before it"),
        ("(core type (struct (field (ref 1))))", "recursive group ends before it"),
        (
            "(core type $m (module)) (core type (struct (field (ref 0))))",
            "core type index 0 is a module type",
        ),
        ("(core type $m (module)) (core type (module (alias outer 1 0 (type))))", "is a module type"),
        (
            '(core type (module (import "" "m" (memory 65537))))',
            "memory size must be at most 65536 pages (4GiB)",
        ),
        ('(core type (module (export "t" (table 2 1 funcref))))', "size minimum must not be greater"),
        ('(core type (module (type (struct)) (export "f" (func (type 0)))))', "non-function type 0"),
        ('(core type (module (export "f" (func (type 3)))))', "type index out of bounds"),
    ],
)
def test_core_type_that_is_not_valid_is_refused(text: str, message: str) -> None:
    refused(text, message)


@pytest.mark.parametrize("group", [b"\0\x60\0\0", b"\0\x4f\0\x60\0\0"])
def test_core_type_prefix_goes_with_types_that_are_not_final_only(group: bytes) -> None:
    content = b"\1" + group
    with pytest.raises(MalformedError, match="for non-final sub type"):
        Component(Engine(), PREAMBLE + b"\3" + bytes([len(content)]) + content)


# --- values


def constant(type: bytes, value: bytes, *definitions: bytes) -> Any:
    """The value of a constant `type` whose bytes are `value`; `definitions` are types before it."""
    types = bytes([len(definitions)]) + b"".join(definitions)
    content = b"\1" + type + bytes([len(value)]) + value
    bag = b"\1\1\1\0\1v\2\0"
    data = b"".join(
        [
            PREAMBLE,
            *[bytes([code, len(part)]) + part for code, part in ((7, types), (12, content), (5, bag))],
        ]
    )
    code = Component(Engine(EVERYTHING), data).code
    [found] = [d for d in code.definitions if isinstance(d, ValueDef)]
    return found.value


RECORD = b"\x72\2\1a\x7d\1b\x73"


@pytest.mark.parametrize(
    ("type", "value", "definitions", "expected"),
    [
        (b"\x7f", b"\1", (), "True"),
        (b"\x7e", b"\xff", (), "-1"),
        (b"\x7d", b"\xff", (), "255"),
        (b"\x7c", b"\x7f", (), "-1"),
        (b"\x7b", b"\xff\xff\3", (), "65535"),
        (b"\x78", b"\x7f", (), "-1"),
        (b"\x77", b"\xff" * 9 + b"\1", (), "18446744073709551615"),
        (b"\x76", b"\0\0\x80\x3f", (), "1.0"),
        (b"\x75", b"\0\0\0\0\0\0\xf8\x7f", (), "nan"),
        (b"\x74", "☃".encode(), (), "'☃'"),
        (b"\x73", b"\2hi", (), "'hi'"),
        (b"\0", b"\7\1x", (RECORD,), "Record(a=7, b='x')"),
        (b"\0", b"\1", (b"\x6d\2\1a\1b",), "'b'"),
        (b"\0", b"\2", (b"\x6e\2\1a\1b",), "{'b'}"),
        (b"\0", b"\0", (b"\x6b\x7d",), "Variant('none')"),
        (b"\0", b"\1\5", (b"\x6b\x7d",), "Variant('some', 5)"),
        (b"\0", b"\1", (b"\x6a\1\x7d\0",), "Variant('err')"),
        (b"\0", b"\0\6", (b"\x6a\1\x7d\0",), "Variant('ok', 6)"),
        (b"\0", b"\1\6", (b"\x71\2\1x\0\0\1y\1\x7d\0",), "Variant('y', 6)"),
        (b"\0", b"\2\1\2", (b"\x70\x7d",), "[1, 2]"),
        (b"\0", b"\1\2", (b"\x67\x7d\2",), "[1, 2]"),
        (b"\0", b"\1\2", (b"\x6f\2\x7d\x7d",), "(1, 2)"),
        (b"\0", b"\1\1k\2", (b"\x63\x73\x7d",), "[('k', 2)]"),
    ],
)
def test_constant_is_read_as_its_type_says(
    type: bytes, value: bytes, definitions: tuple[bytes, ...], expected: str
) -> None:
    assert repr(constant(type, value, *definitions)) == expected


@pytest.mark.parametrize(
    ("type", "value", "definitions", "message"),
    [
        (b"\x7f", b"\2", (), "invalid leading byte (0x2) for bool"),
        (b"\x7b", b"\xff\xff\7", (), "integer too large"),
        (b"\x76", b"\1\0\xc0\x7f", (), "a NaN must be the canonical one"),
        (b"\x74", b"\xff", (), "unexpected end"),
        (b"\x74", b"\xc3\x28", (), "malformed UTF-8 encoding"),
        (b"\x7d", b"\1\2", (), "value size mismatch"),
        (b"\x7d", b"", (), "unexpected end"),
        (b"\0", b"\2", (b"\x6d\2\1a\1b",), "enum case 2 is out of bounds"),
        (b"\0", b"\xff\xff\xff\xff\x0f", (b"\x70\x7d",), "unexpected end"),
        (b"\0", b"", (b"\x66\0",), "there are no constant values of type stream"),
        (b"\x64", b"", (), "there are no constant values of type error-context"),
    ],
)
def test_constant_that_its_type_has_not_is_refused(
    type: bytes, value: bytes, definitions: tuple[bytes, ...], message: str
) -> None:
    with pytest.raises(WasmError) as caught:
        constant(type, value, *definitions)
    assert message in str(caught.value)


START = """
  (import "v" (value $v string))
  (import "f" (func $f (param "x" string) (result u32)))
  (start $f (value $v) (result (value $r)))
"""


def test_start_function_takes_values_and_gives_one() -> None:
    made = load(START + '(export "r" (value $r))')
    assert StartDef(0, (0,), has_result=True) in made.code.definitions
    assert made.exports()["r"].type is wit.U32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (START, "value index 1 was not used"),
        (START + '(export "r" (value $r)) (export "v" (value $v))', "cannot use value 0 more than once"),
        ('(import "v" (value $v string))', "value index 0 was not used"),
        (
            '(import "v" (value $v u8)) (import "f" (func $f (param "x" string))) (start $f (value $v))',
            "value type mismatch for start function argument `x`",
        ),
        ('(import "f" (func $f (param "x" string))) (start $f)', "takes 1 arguments, 0 are given"),
        ('(import "f" (func $f)) (start $f (result (value $r)))', "is said to have 1 results"),
        ('(import "f" (func $f (result u8))) (start $f)', "is said to have 0 results"),
        (
            """(component $c (import "v" (value $v u8)) (export "w" (value $v)))
            (import "v" (value $v u16)) (instance (instantiate $c (with "v" (value $v))))""",
            "expected primitive `u8` found primitive `u16`",
        ),
        (
            """(component $c (import "v" (value $v u8)) (export "w" (value $v)))
            (import "v" (value $v u8)) (instance (instantiate $c (with "v" (value $v))))
            (instance (instantiate $c (with "v" (value $v))))""",
            "cannot use value 0 more than once",
        ),
        (
            """(import "r" (type $r (sub resource)))
            (import "v" (value $v (borrow $r))) (export "w" (value $v))""",
            "exported value type cannot contain a `borrow` type",
        ),
        (
            '(type $t (record (field "a" u8))) (import "v" (value $v $t)) (export "w" (value $v))',
            "refers to types without a name",
        ),
    ],
)
def test_value_is_used_once_and_as_its_type_says(text: str, message: str) -> None:
    refused(text, message)


def test_value_of_an_instance_is_aliased_and_used() -> None:
    load("""
      (component $c (import "v" (value $v u8)) (export "w" (value $v)))
      (import "v" (value $v u8))
      (instance $i (instantiate $c (with "v" (value $v))))
      (alias export $i "w" (value $w))
      (instance (export "x" (value $w)))""")


# --- resources that have no place outside


@pytest.mark.parametrize(
    "text",
    [
        '(type $x (resource (rep i32))) (import "r" (type (eq $x)))',
        '(type $x (resource (rep i32))) (export $r "t" (type $x)) (import "r" (type (eq $r)))',
        '(type $x (resource (rep i32))) (import "i" (instance (export "r" (type (eq $x)))))',
        '(type $x (resource (rep i32))) (import "c" (component (import "r" (type (eq $x)))))',
        '(type (component (export "t" (type $r (sub resource))) (import "r" (type (eq $r)))))',
        """(type (component
          (export "t" (instance $i (export "r" (type (sub resource)))))
          (alias export $i "r" (type $r)) (import "s" (type (eq $r)))))""",
    ],
)
def test_import_cannot_refer_to_a_resource_of_the_component(text: str) -> None:
    refused(text, "local resource type found in imports")


def test_import_of_a_type_may_refer_to_a_resource_around_it() -> None:
    load("""
      (type $x (resource (rep i32)))
      (export $r "r" (type $x))
      (type (component (import "s" (type (eq $r))) (export "t" (type (eq $r)))))""")


def test_export_cannot_refer_to_a_resource_that_is_not_exported() -> None:
    text = """(type $x (resource (rep i32)))
      (type $c (component (export "r" (type (eq {})))))
      {}(export "c" (type $c))"""
    refused(text.format("$x", ""), "local resource type found in export but not exported itself")
    load(text.format("$x", '(export "x" (type $x)) '))
