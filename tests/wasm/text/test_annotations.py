"""Annotations: custom sections, names and branch hints."""

import pytest

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary import encode_module, function_names, module_name, read_names
from pywrt.wasm.binary.sections import CODE_SECTION, DATA_COUNT_SECTION, DATA_SECTION, TAG_SECTION
from pywrt.wasm.module import Custom, Module
from pywrt.wasm.text import parse_module


def customs(module: Module) -> list[tuple[str, bytes, int]]:
    return [(custom.name, custom.data, custom.after) for custom in module.customs]


@pytest.mark.parametrize(
    ("place", "after"),
    [
        ("", DATA_SECTION),
        ("(after last)", DATA_SECTION),
        ("(before last)", CODE_SECTION),
        ("(before first)", 0),
        ("(after first)", 0),
        ("(before type)", 0),
        ("(after code)", CODE_SECTION),
        ("(before code)", DATA_COUNT_SECTION),
        ("(before global)", TAG_SECTION),
        ("(after datacount)", DATA_COUNT_SECTION),
    ],
)
def test_custom_annotation_is_a_section_at_its_place(place: str, after: int) -> None:
    assert customs(parse_module(f'(module (@custom "n" {place} "a" "\\62") (func))')) == [("n", b"ab", after)]


def test_custom_annotations_at_one_place_keep_their_order() -> None:
    module = parse_module("""(module (@custom "1" (before global)) (@custom "2" (after tag)) (func)
        (@custom "3" (before global)) (@custom "4" (after tag) (;c;) "x"))""")
    assert [custom.name for custom in module.customs] == ["2", "4", "1", "3"]
    assert encode_module(module).count(b"x") == 1


@pytest.mark.parametrize("text", ['(@custom "a")', '(module $m (@custom "a"))', '(module (@custom "a") $m)'])
def test_custom_annotation_may_stand_before_after_and_between_fields(text: str) -> None:
    assert parse_module(text).customs[0] == Custom("a", b"", DATA_SECTION)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("(@custom)", "@custom annotation: missing section name", 1),
        ("(@custom x)", "@custom annotation: missing section name", 1),
        ('(@custom "\\ff")', "@custom annotation: malformed UTF-8 encoding", 10),
        ('(@custom "a" x)', "@custom annotation: unexpected token x", 14),
        ('(@custom "a" "b" (after type))', "@custom annotation: unexpected token", 18),
        ('(@custom "a" (behind type))', "@custom annotation: malformed placement", 15),
        ('(@custom "a" (after types))', "@custom annotation: malformed section kind", 21),
        ('(@custom "a" (after type x))', "@custom annotation: unexpected token x", 26),
        ('(@custom "a" (@x))', "@custom annotation: unexpected token (@", 14),
        ('(func (@custom "a"))', "misplaced @custom annotation", 7),
        ('(module (func (nop (@custom "a"))))', "misplaced @custom annotation", 20),
        ('(module (@name "a") (@name "b"))', "@name annotation: multiple module names", 21),
        ('(module (func) (@name "a"))', "misplaced @name annotation", 16),
        ('(func (nop (@name "a")))', "misplaced @name annotation", 12),
        ('(func $f (@name "a") (@name "b"))', "@name annotation: multiple names", 22),
        ("(func (@name))", "@name annotation: string expected", 7),
        ('(func (@name "a" b))', "@name annotation: unexpected token", 18),
        ('(func (@name "\\ff"))', "malformed UTF-8 encoding", 14),
        (
            '(@metadata.code.branch_hint "\\00")',
            "@metadata.code.branch_hint annotation: not in a function",
            1,
        ),
        (
            '(func) (@metadata.code.branch_hint "\\00") (func)',
            "@metadata.code.branch_hint annotation: not in a function",
            8,
        ),
        (
            '(func (@metadata.code.branch_hint "\\00") nop)',
            "@metadata.code.branch_hint annotation: invalid target",
            None,
        ),
        (
            '(func if (@metadata.code.branch_hint "\\00") end)',
            "@metadata.code.branch_hint annotation: invalid placement",
            10,
        ),
        (
            '(func br_if (@metadata.code.branch_hint "\\00") 0)',
            "@metadata.code.branch_hint annotation: invalid placement",
            13,
        ),
        (
            '(func (@metadata.code.branch_hint "\\02") if end)',
            "@metadata.code.branch_hint annotation: invalid hint value",
            7,
        ),
        (
            '(func (@metadata.code.branch_hint "\\00" 1) if end)',
            "@metadata.code.branch_hint annotation: unexpected token",
            41,
        ),
        (
            '(func (@metadata.code.branch_hint "\\00") (@metadata.code.branch_hint "\\00") if end)',
            "@metadata.code.branch_hint annotation: duplicate annotation",
            42,
        ),
    ],
)
def test_annotation_wrong_raises_with_its_place(text: str, message: str, column: int | None) -> None:
    with pytest.raises(InvalidError if column is None else MalformedError) as caught:
        parse_module(text)
    assert caught.value.message.startswith(message)
    if isinstance(caught.value, MalformedError):
        assert (caught.value.line, caught.value.column) == (1, column)


def test_name_annotations_replace_identifiers_in_the_name_section() -> None:
    module = parse_module("""(module $m (@name "the module")
        (type $t (@name "a type") (struct (field $x (@name "a field") i32)))
        (func $f (@name "f 1") (param $p (@name "p 1") i32) (param (@name "p 2") i32)
            (local (@name "l") i32) (block $l (@name "label") (br $l)) (drop (local.get $p)))
        (func (@name "f 2"))
        (global $g (@name "g 1") i32 (i32.const 0)) (tag (@name "e"))
    )""")
    names = read_names(module)
    assert module_name(module) == "the module"
    assert function_names(module) == {0: "f 1", 1: "f 2"}
    assert (names.types, names.globals, names.tags) == ({0: "a type"}, {0: "g 1"}, {0: "e"})
    assert names.fields == {0: {0: "a field"}}
    assert names.locals == {0: {0: "p 1", 1: "p 2", 2: "l"}}
    assert names.labels == {0: {0: "label"}}


def test_branch_hints_are_offsets_in_the_function_body() -> None:
    module = parse_module("""
        (import "m" "f" (func))
        (func (param i32) (local i32 i64 i64)
            local.get 0
            (@metadata.code.branch_hint "\\01") if nop end
            (@metadata.code.branch_hint "\\00")
            (br_if 0 (local.get 0)))
        (func)
        (func (param i32)
            (@metadata.code.branch_hint "\\00")
            (if (i32.eqz (local.get 0)) (then (return))))
    """)
    (custom,) = module.customs
    assert (custom.name, custom.after) == ("metadata.code.branch_hint", DATA_COUNT_SECTION)
    # function 1: 5 bytes of locals, hints at 7 (if) and 13 (br_if); function 3: a hint at 4
    assert custom.data.hex(" ") == "02 01 02 07 01 01 0d 01 00 03 01 04 01 00"


def test_annotations_nobody_knows_are_passed_over() -> None:
    text = '(module (@a) (func (@b (x ")")) (nop (@c ;; )\n))))'
    assert encode_module(parse_module(text)) == encode_module(parse_module("(func (nop))"))
