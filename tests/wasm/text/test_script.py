"""Scripts become lists of commands."""

import pytest

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary import module_name
from pywrt.wasm.text.script import (
    AssertInvalid,
    AssertInvalidCustom,
    AssertMalformed,
    AssertMalformedCustom,
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
    Result,
    Unsupported,
    VecConst,
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


@pytest.mark.parametrize(
    ("text", "name", "module"), [("", None, None), ("$d", None, "d"), ("$i $d", "i", "d")]
)
def test_parse_script_module_instance_names_instance_and_definition(
    text: str, name: str | None, module: str | None
) -> None:
    assert parse_script(f"(module instance {text})") == [InstanceCommand(1, name, module)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(ref.null)", RefConst("null")),
        ("(ref.null none)", RefConst("null", "none")),
        ("(ref.null exn)", RefConst("null", "exn")),
        ("(ref)", RefConst("any")),
        ("(ref.any)", RefConst("any")),
        ("(ref.eq)", RefConst("eq")),
        ("(ref.i31)", RefConst("i31")),
        ("(ref.struct)", RefConst("struct")),
        ("(ref.array)", RefConst("array")),
        ("(ref.exn)", RefConst("exn")),
        ("(ref.func)", RefConst("func")),
        ("(ref.extern)", RefConst("extern")),
        ("(ref.extern 1)", RefConst("extern", 1)),
        ("(ref.host 2)", RefConst("host", 2)),
        (
            "(v128.const i64x2 1 -1)",
            VecConst("i64x2", (Const("i64", 1), Const("i64", 2**64 - 1))),
        ),
        (
            "(v128.const f32x4 1 nan:canonical nan:0x1 nan:arithmetic)",
            VecConst(
                "f32x4",
                (
                    Const("f32", 0x3F800000),
                    NanPattern("f32", "canonical"),
                    Const("f32", 0x7F800001),
                    NanPattern("f32", "arithmetic"),
                ),
            ),
        ),
        (
            "(v128.const i8x16 255 -128 0 0 0 0 0 0 0 0 0 0 0 0 0 0)",
            VecConst("i8x16", (Const("i8", 255), Const("i8", 128), *[Const("i8", 0)] * 14)),
        ),
    ],
)
def test_parse_script_results_of_every_kind(text: str, value: Result) -> None:
    assert parse_script(f'(assert_return (invoke "f") {text})') == [
        AssertReturn(1, Invoke(1, None, "f", ()), (value,))
    ]


def test_parse_script_custom_assertions_have_source_and_message() -> None:
    malformed, invalid = parse_script("""
        (assert_malformed_custom (module quote "(@custom)") "@custom annotation: missing section name")
        (assert_invalid_custom
          (module (func (@metadata.code.branch_hint "\\00") nop))
          "@metadata.code.branch_hint annotation: invalid target")
    """)
    assert isinstance(malformed, AssertMalformedCustom)
    with pytest.raises(MalformedError, match=malformed.message):
        malformed.source.parse()
    assert isinstance(invalid, AssertInvalidCustom)
    with pytest.raises(InvalidError, match=invalid.message):
        invalid.source.parse()


def test_parse_script_annotations_belong_to_the_module_around_them() -> None:
    first, second, third = parse_script("""
        (module (@name "a") (func)) (@name "nobody's")
        (module (@custom "x") $m (func) (@custom "y"))
        (module)
    """)
    assert isinstance(first, ModuleCommand)
    assert isinstance(second, ModuleCommand)
    assert isinstance(third, ModuleCommand)
    for _ in range(2):  # what was parsed can be parsed again
        assert module_name(first.source.parse()) == "a"
        assert [custom.name for custom in second.source.parse().customs] == ["x", "y", "name"]
        assert third.source.parse().customs == []


def test_parse_script_unbuilt_value_gives_unsupported_and_goes_on() -> None:
    commands = parse_script("""
        (assert_return (invoke "f" (u8.const 1)) (i32.const 1))
        (component)
        (invoke "g")
    """)
    assert commands == [
        Unsupported(2, "assert_return", "component-model"),
        Unsupported(3, "component", "component-model"),
        Invoke(4, None, "g", ()),
    ]


def test_vec_const_shows_its_lanes() -> None:
    assert str(VecConst("f64x2", (Const("f64", 1), NanPattern("f64", "canonical")))) == (
        "v128 f64x2 0x1 nan:canonical"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(assert_nothing)", "unknown operator assert_nothing"),
        ("(invoke f)", "unknown operator f"),
        ('(invoke "f" (i32.const))', "unexpected token"),
        ('(invoke "f" (f32.const nan:canonical))', "a pattern is no argument"),
        ('(invoke "f" (v128.const f64x2 0 nan:canonical))', "a pattern is no argument"),
        ('(invoke "f" (ref.struct))', "a pattern is no argument"),
        ('(assert_return (invoke "f") (v128.const i32x4 0 0 0))', "wrong number of lane literals"),
        ('(assert_return (invoke "f") (v128.const i64x2 0 nan:canonical))', "unexpected token"),
        ('(assert_return (invoke "f") (i32.const nan:canonical))', "unexpected token"),
        ("(thread)", "unknown operator thread"),
        ('(register "a"', "unexpected token: end of input"),
        ("(module", "unexpected token: end of input"),
        ("module", "unexpected token module"),
    ],
)
def test_parse_script_malformed_raises(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        parse_script(text)
