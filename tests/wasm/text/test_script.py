"""Scripts become lists of commands."""

import pytest

from pywrt.errors import MalformedError
from pywrt.wasm.text.script import (
    AssertInvalid,
    AssertMalformed,
    AssertReturn,
    AssertTrap,
    Const,
    Either,
    Get,
    InstanceCommand,
    Invoke,
    ModuleCommand,
    ModuleSource,
    NanPattern,
    RefConst,
    Register,
    Unsupported,
    parse_script,
)


def test_parse_script_actions_and_results_have_lines_and_values() -> None:
    commands = parse_script("""(register "m" $a)
        (invoke $a "f" (i32.const -1) (f32.const nan:0x200000) (ref.extern 3) (ref.null func))

        (assert_return (get "g") (f64.const -0) (either (i32.const 1) (ref.func)) (f32.const nan:canonical))
    """)
    assert commands == [
        Register(1, "m", "a"),
        Invoke(
            2,
            "a",
            "f",
            (
                Const("i32", 0xFFFFFFFF),
                Const("f32", 0x7FA00000),
                RefConst("extern", 3),
                RefConst("null", "func"),
            ),
        ),
        AssertReturn(
            4,
            Get(4, None, "g"),
            (
                Const("f64", 1 << 63),
                Either((Const("i32", 1), RefConst("func"))),
                NanPattern("f32", "canonical"),
            ),
        ),
    ]


def test_parse_script_modules_are_parsed_when_asked_for() -> None:
    text, binary, quote, definition, instance = parse_script("""
        (module $a (func (export "f") (nonsense)))
        (module binary "\\00asm" "\\01\\00\\00\\00")
        (module $q quote "(func" "$f)")
        (module definition $d (func))
        (module instance $i $d)
    """)
    assert isinstance(text, ModuleCommand)
    assert (text.name, text.source.kind, text.definition) == ("a", "text", False)
    with pytest.raises(MalformedError, match="unknown operator nonsense") as caught:
        text.source.parse()
    assert caught.value.line == 2
    assert isinstance(binary, ModuleCommand)
    assert binary.source.binary == b"\0asm\1\0\0\0"
    assert isinstance(quote, ModuleCommand)
    assert (quote.name, quote.source.parse().funcs) == ("q", [0])
    assert isinstance(definition, ModuleCommand)
    assert definition.definition
    assert instance == InstanceCommand(6, "i", "d")


def test_parse_script_assertions_have_source_and_message() -> None:
    malformed, invalid, trap = parse_script("""
        (assert_malformed (module quote "(func") "unexpected token")
        (assert_invalid (module (func (result i32))) "type mismatch")
        (assert_trap (module (func $f unreachable) (start $f)) "unreachable")
    """)
    assert isinstance(malformed, AssertMalformed)
    assert (malformed.source.kind, malformed.message) == ("quote", "unexpected token")
    assert isinstance(invalid, AssertInvalid)
    assert len(invalid.source.parse().code) == 1
    assert isinstance(trap, AssertTrap)
    assert isinstance(trap.action, ModuleSource)


def test_parse_script_fields_alone_are_one_module() -> None:
    (command,) = parse_script('(func (export "f")) (memory 0)')
    assert isinstance(command, ModuleCommand)
    assert [export.name for export in command.source.parse().exports] == ["f"]


def test_parse_script_unbuilt_value_gives_unsupported_and_goes_on() -> None:
    commands = parse_script("""
        (assert_return (invoke "f" (v128.const i32x4 0 0 0 0)) (i32.const 1))
        (thread $t (module))
        (invoke "g")
    """)
    assert commands == [
        Unsupported(2, "assert_return", "simd"),
        Unsupported(3, "thread", "threads"),
        Invoke(4, None, "g", ()),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(assert_nothing)", "unknown operator assert_nothing"),
        ("(invoke f)", "unknown operator f"),
        ('(invoke "f" (i32.const))', "unexpected token"),
        ('(invoke "f" (f32.const nan:canonical))', "a pattern is no argument"),
        ('(register "a"', "unexpected token: end of input"),
        ("(module", "unexpected token: end of input"),
        ("module", "unexpected token module"),
    ],
)
def test_parse_script_malformed_raises(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        parse_script(text)
