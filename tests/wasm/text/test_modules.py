"""Modules of the text format: fields, abbreviations, index spaces, and errors with their places."""

import pytest

from pywrt.errors import MalformedError
from pywrt.wasm.binary import decode_module, encode_module, function_names, module_name
from pywrt.wasm.module import Expr, Import, Module
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import (
    EXTERNREF,
    F32,
    FUNCREF,
    I32,
    I64,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
)


def exports(module: Module) -> list[tuple[str, str, int]]:
    return [(export.name, export.kind, export.index) for export in module.exports]


@pytest.mark.parametrize("text", ["", "(module)", " (;x;) ( module ) ;; end"])
def test_parse_module_empty_gives_empty_module(text: str) -> None:
    assert encode_module(parse_module(text)) == b"\0asm\1\0\0\0"


def test_parse_module_implicit_types_follow_explicit_ones_in_order() -> None:
    module = parse_module("""
        (func (param i64))                       ;; adds type 2
        (func (param $a i32) (param i32 i32))    ;; adds type 3
        (type $a (func (param i32)))
        (func (block (param i32) (result i32)) (call_indirect (result f32)))  ;; adds 4, 5 and 6
        (type (func (param $x i32) (result i64)))
        (func (param i32))                       ;; is type 0
        (table 0 funcref)
    """)
    assert module.funcs == [2, 3, 4, 0]
    assert module.types == [
        FuncType((I32,), ()),
        FuncType((I32,), (I64,)),
        FuncType((I64,), ()),
        FuncType((I32, I32, I32), ()),
        FuncType((), ()),
        FuncType((I32,), (I32,)),
        FuncType((), (F32,)),
    ]


def test_parse_module_forward_references_are_resolved() -> None:
    module = parse_module("""
        (export "f" (func $f)) (start $f) (elem (table $t) (i32.const 0) func $f $g)
        (func $g (call $f) (global.set $x (i32.const 1)))
        (func $f) (table $t 2 funcref) (global $x (mut i32) (i32.const 0))
    """)
    assert module.start == 1
    assert module.elems[0].init == (1, 0)
    assert exports(module) == [("f", "func", 1)]
    assert bytes(module.code[0].expr) == b"\x10\x01\x41\x01\x24\x00\x0b"


def test_parse_module_imports_count_before_definitions() -> None:
    module = parse_module("""
        (import "m" "f" (func $f (param i32)))
        (func $g (import "m" "g") (param f32))
        (table $t (export "t") (import "m" "t") 1 2 externref)
        (memory (import "m" "mem") 3)
        (global $x (import "m" "x") (mut i64))
        (func $h (export "h1") (export "h2"))
        (export "g" (func $g))
    """)
    assert module.imports == [
        Import("m", "f", FuncType((I32,), ()), 0),
        Import("m", "g", FuncType((F32,), ()), 1),
        Import("m", "t", TableType(EXTERNREF, Limits(1, 2))),
        Import("m", "mem", MemoryType(Limits(3))),
        Import("m", "x", GlobalType(I64, True)),
    ]
    assert exports(module) == [("t", "table", 0), ("h1", "func", 2), ("h2", "func", 2), ("g", "func", 1)]


def test_parse_module_locals_are_runs_behind_parameters() -> None:
    module = parse_module("""
        (type $t (func (param i32 i64)))
        (func (type $t) (local i32 i32 i64) (local $x i64) (local) (local f32) local.get $x drop)
    """)
    assert module.code[0].locals == ((2, I32), (2, I64), (1, F32))
    assert bytes(module.code[0].expr) == b"\x20\x05\x1a\x0b"


def test_parse_module_inline_segments_take_indices_in_order() -> None:
    module = parse_module(
        """
        (memory $m (export "m") (data "ab" "\\63"))
        (data $d (memory $m) (offset (i32.const 1)) "x")
        (data $p)
        (table $t funcref (elem $f $f))
        (func $f)
    """
    )
    assert module.memories == [MemoryType(Limits(1, 1))]
    assert [(bytes(data), data.mode) for data in module.datas] == [
        (b"abc", "active"),
        (b"x", "active"),
        (b"", "passive"),
    ]
    assert module.tables[0].type == TableType(FUNCREF, Limits(2, 2))
    assert module.elems[0].init == (0, 0)
    assert module.data_count is None


def test_parse_module_names_behind_inline_segments_have_later_indices() -> None:
    module = parse_module("""
        (memory (data "a")) (data $d "b") (table funcref (elem 0)) (elem $e func)
        (func (data.drop $d) (elem.drop $e))
    """)
    assert bytes(module.code[0].expr) == b"\xfc\x09\x01\xfc\x0d\x01\x0b"
    assert module.data_count == 2


@pytest.mark.parametrize(
    ("text", "mode", "table", "init"),
    [
        ("(elem func $f 0)", "passive", 0, (0, 0)),
        ("(elem declare func $f)", "declarative", 0, (0,)),
        ("(elem (i32.const 0) $f)", "active", 0, (0,)),
        ("(elem (offset i32.const 0) func)", "active", 0, ()),
        ("(elem $e (table 1) (i32.const 0) func $f)", "active", 1, (0,)),
        (
            "(elem funcref (ref.func $f) (item ref.null func))",
            "passive",
            0,
            (b"\xd2\x00\x0b", b"\xd0\x70\x0b"),
        ),
        (
            "(elem (table 1) (i32.const 0) externref (item (ref.null extern)))",
            "active",
            1,
            (b"\xd0\x6f\x0b",),
        ),
        ("(elem declare externref)", "declarative", 0, ()),
    ],
)
def test_parse_module_elem_forms(text: str, mode: str, table: int, init: tuple[int | bytes, ...]) -> None:
    elem = parse_module(f"(func $f) (table 1 funcref) (table 1 funcref) {text}").elems[0]
    assert (elem.mode, elem.table) == (mode, table)
    assert tuple(bytes(item) if isinstance(item, Expr) else item for item in elem.init) == init


def test_parse_module_table_and_global_initializers_are_expressions() -> None:
    module = parse_module(
        "(global $g i32 (i32.add (i32.const 1) (i32.const 2))) (table 1 funcref (ref.null func))"
    )
    assert bytes(module.globals[0].init) == b"\x41\x01\x41\x02\x6a\x0b"
    assert module.tables[0].init is not None
    assert bytes(module.tables[0].init) == b"\xd0\x70\x0b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(func $a) (func $a)", "duplicate func"),
        ('(import "" "" (func $a)) (func $a)', "duplicate func"),
        ("(func (param $a i32) (local $a i32))", "duplicate local"),
        ("(table $a 0 funcref) (table $a 0 funcref)", "duplicate table"),
        ("(memory $a 0) (memory $a 0)", "duplicate memory"),
        ("(global $a i32 (i32.const 0)) (global $a i32 (i32.const 0))", "duplicate global"),
        ("(type $a (func)) (type $a (func))", "duplicate type"),
        ('(func) (import "" "" (func))', "import after function"),
        ('(table 0 funcref) (import "" "" (func))', "import after table"),
        ('(memory 0) (func (import "" ""))', "import after memory"),
        ('(global i32 (i32.const 0)) (import "" "" (memory 0))', "import after global"),
        ("(start 0) (start 0)", "multiple start sections"),
        ("(func (type $a))", "unknown type \\$a"),
        ("(func (type 3) (param i32))", "unknown type 3"),
        ("(type (func)) (func (type 0) (param i32))", "inline function type"),
        ('(export "a" (func $b))', "unknown function \\$b"),
        ("(elem func $b)", "unknown function \\$b"),
        ("(data (memory $m) (i32.const 0))", "unknown memory \\$m"),
        ("(func $)", "empty identifier"),
        ('(func $"")', "empty identifier"),
        ('(func $"\\ff")', "malformed UTF-8 encoding"),
        ('(export "\\ff" (func 0))', "malformed UTF-8 encoding"),
        ('(data "\\q")', "illegal escape"),
        ("(func", "unexpected token: end of input"),
        ("(func))", "unexpected token \\)"),
        ("(module) (module)", "unexpected token"),
        ("(foo)", "unknown operator foo"),
        ("(func (foo))", "unknown operator foo"),
        ("(global anyfunc (ref.null func))", "unknown operator anyfunc"),
        ('(func $x"a")', "unknown operator"),
        ('(func "a"0)', "unknown operator"),
        ("(memory 0x1_0000_0000_0000_0000)", "i64 constant out of range"),
        ("(memory -1)", "unexpected token -1"),
        ("(table 1 i32)", "unexpected token i32"),
        ("(elem (table 0) (i32.const 0) 0)", "unexpected token 0"),
        ("(func (result i32) (param i32))", "unexpected token param"),
    ],
)
def test_parse_module_malformed_text_raises(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message) as caught:
        parse_module(text)
    assert caught.value.line == 1
    assert caught.value.source_line == text
    assert caught.value.feature is None


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("(memory i64 1)", "memory64"),
        ("(table i64 1 funcref)", "memory64"),
        ("(memory 1 1 shared)", "threads"),
        ("(memory 1 (pagesize 1))", "custom-page-sizes"),
        ("(type (struct))", "gc"),
        ("(rec)", "gc"),
        ("(tag)", "exceptions"),
        ("(global anyref (ref.null any))", "gc"),
        ("(table 1 (ref null func))", "function-references"),
        ("(func (param exnref))", "exceptions"),
    ],
)
def test_parse_module_unbuilt_feature_is_named(text: str, feature: str) -> None:
    with pytest.raises(MalformedError, match=f"needs {feature}") as caught:
        parse_module(text)
    assert caught.value.feature == feature


def test_parse_module_error_points_at_the_token() -> None:
    with pytest.raises(MalformedError) as caught:
        parse_module("(module\n  (func\n    (drop (i32.wat))))")
    assert str(caught.value) == (
        "unknown operator i32.wat, expected an instruction (at line 3, column 12)\n"
        "        (drop (i32.wat))))\n"
        "               ^"
    )


def test_parse_module_encoded_and_decoded_is_the_same() -> None:
    module = parse_module("""
        (type (func (param i32) (result i32))) (import "a" "b" (func (type 0)))
        (func (export "f") (type 0) (local i64) (i32.add (local.get 0) (call 0 (i32.const 1))))
        (table 1 2 funcref) (memory 1) (global (mut i32) (i32.const 7))
        (elem (i32.const 0) 1) (data (i32.const 8) "hello") (data "passive")
    """)
    binary = encode_module(module)
    assert encode_module(decode_module(binary)) == binary


def test_parse_module_identifiers_become_the_name_section() -> None:
    module = parse_module("""(module $m (import "a" "b" (func $b)) (func) (func $"c d"))""")
    decoded = decode_module(encode_module(module))
    assert module_name(decoded) == "m"
    assert function_names(decoded) == {0: "b", 2: "c d"}
