"""Scripts of components become lists of commands."""

import pytest

from pywrt.component.text import parse_component
from pywrt.component.text.script import (
    Case,
    ComponentCommand,
    ComponentInstanceCommand,
    ComponentSource,
    Fields,
    Labels,
    Scalar,
    Sequence,
    parse_script,
)
from pywrt.errors import MalformedError
from pywrt.wasm.text.script import (
    AssertInvalid,
    AssertMalformed,
    AssertReturn,
    AssertTrap,
    AssertUnlinkable,
    Const,
    Either,
    Invoke,
    ModuleCommand,
    NanPattern,
    Register,
    Result,
)


def test_parse_script_components_are_encoded_when_asked_for() -> None:
    text, binary, quote, definition, instance, latest = parse_script("""
        (component $a (type $t (list $u)))
        (component $b binary "\\00asm" "\\0d\\00\\01\\00")
        (component quote "(type $t u8)" "(type (list $t))")
        (component definition $d (type u8))
        (component instance $i $d)
        (component instance $d)
    """)
    assert isinstance(text, ComponentCommand)
    assert (text.line, text.name, text.source.kind, text.definition) == (2, "a", "text", False)
    with pytest.raises(MalformedError, match=r"unknown type \$u") as caught:
        text.source.encode()
    assert caught.value.line == 2
    assert isinstance(binary, ComponentCommand)
    assert (binary.name, binary.source.encode()) == ("b", b"\0asm\x0d\0\1\0")
    assert isinstance(quote, ComponentCommand)
    assert quote.source.encode() == parse_component("(component (type $t u8) (type (list $t)))")
    assert isinstance(definition, ComponentCommand)
    assert (definition.name, definition.definition) == ("d", True)
    assert definition.source.encode() == parse_component("(component $d (type u8))")
    assert definition.source.text == "(component  $d (type u8))"
    assert instance == ComponentInstanceCommand(6, "i", "d")
    assert latest == ComponentInstanceCommand(7, None, "d")


def test_parse_script_definition_may_be_binary() -> None:
    (command,) = parse_script('(component definition binary "\\00asm" "\\0d\\00\\01\\00")')
    assert isinstance(command, ComponentCommand)
    assert command.definition
    assert command.source.encode() == b"\0asm\x0d\0\1\0"


def test_parse_script_assertions_are_about_components_or_modules() -> None:
    commands = parse_script("""
        (assert_malformed (component quote "(") "unexpected token")
        (assert_invalid (component (type (list 0))) "index out of bounds")
        (assert_unlinkable (component (import "f" (func))) "unknown import")
        (assert_trap (component $C) "unreachable")
        (assert_invalid (module (func (result i32))) "type mismatch")
        (register "c" $C)
    """)
    malformed, invalid, unlinkable, trap, module, register = commands
    assert isinstance(malformed, AssertMalformed)
    assert isinstance(malformed.source, ComponentSource)
    assert malformed.message == "unexpected token"
    assert isinstance(invalid, AssertInvalid)
    assert isinstance(invalid.source, ComponentSource)
    assert isinstance(unlinkable, AssertUnlinkable)
    assert isinstance(unlinkable.source, ComponentSource)
    assert isinstance(trap, AssertTrap)
    assert isinstance(trap.action, ComponentSource)
    assert isinstance(module, AssertInvalid)
    assert module.source.keyword == "module"
    assert register == Register(7, "c", "C")


def test_parse_script_of_modules_is_as_before() -> None:
    module, invoke = parse_script('(module $m (func (export "f")))\n(invoke $m "f" (i32.const 1))')
    assert isinstance(module, ModuleCommand)
    assert invoke == Invoke(2, "m", "f", (Const("i32", 1),))


VALUES: list[tuple[str, Result]] = [
    ("(bool.const true)", Scalar("bool", True)),
    ("(bool.const false)", Scalar("bool", False)),
    ("(u8.const 255)", Scalar("u8", 255)),
    ("(s8.const -128)", Scalar("s8", -128)),
    ("(u16.const 0xffff)", Scalar("u16", 65535)),
    ("(s16.const -1)", Scalar("s16", -1)),
    ("(u32.const 4_294_967_295)", Scalar("u32", 0xFFFFFFFF)),
    ("(s32.const 1)", Scalar("s32", 1)),
    ("(u64.const 0xffff_ffff_ffff_ffff)", Scalar("u64", 0xFFFFFFFFFFFFFFFF)),
    ("(s64.const -0x8000000000000000)", Scalar("s64", -(1 << 63))),
    ("(f32.const 1)", Const("f32", 0x3F800000)),
    ("(f64.const nan:canonical)", NanPattern("f64", "canonical")),
    ('(char.const "\\u{26f3}")', Scalar("char", "⛳")),
    ('(str.const "a\\0a")', Scalar("string", "a\n")),
    ("(list.const)", Sequence("list", ())),
    ("(list.const (u8.const 1) (u8.const 2))", Sequence("list", (Scalar("u8", 1), Scalar("u8", 2)))),
    ("(tuple.const (u8.const 1))", Sequence("tuple", (Scalar("u8", 1),))),
    (
        '(record.const (field "a" u8.const 1) (field "b" list.const (u8.const 2)))',
        Fields((("a", Scalar("u8", 1)), ("b", Sequence("list", (Scalar("u8", 2),))))),
    ),
    ('(variant.const "a")', Case("variant", "a")),
    ('(variant.const "a" (u8.const 1))', Case("variant", "a", Scalar("u8", 1))),
    ('(enum.const "a")', Case("enum", "a")),
    ("(option.none)", Case("option", "none")),
    ("(option.some (option.none))", Case("option", "some", Case("option", "none"))),
    ("(result.ok)", Case("result", "ok")),
    ("(result.err (u8.const 1))", Case("result", "err", Scalar("u8", 1))),
    ("(flags.const)", Labels(frozenset())),
    ('(flags.const "b" "a")', Labels(frozenset("ab"))),
    ("(either (u8.const 1) (u8.const 2))", Either((Scalar("u8", 1), Scalar("u8", 2)))),
]


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_parse_script_reads_component_values(text: str, value: Result) -> None:
    (command,) = parse_script(f'(assert_return (invoke "f") {text})')
    assert command == AssertReturn(1, Invoke(1, None, "f", ()), (value,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(u8.const 256)", "u8 constant out of range"),
        ("(u8.const -1)", "u8 constant out of range"),
        ("(s8.const 128)", "s8 constant out of range"),
        ("(u64.const 0x1_0000_0000_0000_0000)", "u64 constant out of range"),
        ("(u64.const 1e3)", "unexpected token 1e3, expected an integer"),
        (f"(u64.const {'9' * 101})", "out of range"),
        ("(bool.const 1)", "unexpected token 1, expected true or false"),
        ('(char.const "ab")', "a char is one character"),
        ('(char.const "")', "a char is one character"),
        ('(record.const (field "a" (u8.const 1)))', "unexpected token"),
        ("(list.const u8.const 1)", "unexpected token u8.const"),
        ("(nope.const 1)", "unexpected token nope.const, expected a value"),
        ("(option.some " * 101 + "(option.none)" + ")" * 101, "nesting too deep"),
        ("(list.const " * 100_000, "nesting too deep"),
        ("(either " * 100_000, "nesting too deep"),
    ],
    ids=lambda text: text[:40],
)
def test_parse_script_bad_value_is_refused(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message.replace("(", r"\(")):
        parse_script(f'(assert_return (invoke "f") {text})')
