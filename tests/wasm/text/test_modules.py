"""Modules of the text format: fields, abbreviations, index spaces, and errors with their places."""

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import MalformedError
from pywrt.wasm.binary import decode_module, encode_module, read_names
from pywrt.wasm.binary.names import SUBSECTIONS
from pywrt.wasm.module import Expr, Import, Module, Tag
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import (
    ANYREF,
    EXTERNREF,
    F32,
    FUNCREF,
    I8,
    I16,
    I32,
    I64,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    StructType,
    SubType,
    TableType,
    TagType,
    ref_type,
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
    assert [subtype.composite for subtype in module.types] == [
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
        ("(tag $a) (tag $a)", "duplicate tag"),
        ('(tag) (import "" "" (func))', "import after tag"),
        ("(type (struct (field $a i32) (field $a i32)))", "duplicate field"),
        ("(type (struct (field $a i32 i32)))", "unexpected token i32"),
        ("(type (array i32 i32))", "unexpected token i32"),
        ("(type (descriptor 0) (describes 0) (struct))", "unexpected token describes"),
        ("(type (sub (sub (struct))))", "unexpected token sub"),
        ("(type (ref 0))", "unexpected token ref"),
        ("(rec (func))", "unexpected token"),
        ("(type $t (struct)) (func (type $t) (param i32))", "inline function type"),
        ("(func (param (ref null i8)))", "unexpected token i8, expected a heap type"),
        ("(func (param (exact 0)))", "unexpected token"),
        ("(func (param i8))", "unexpected token i8, expected a value type"),
        ("(memory 1 unshared)", "unknown operator unshared"),
        ("(memory 1 (pagesize 3))", "invalid custom page size"),
        ("(memory 1 (pagesize 0))", "invalid custom page size"),
        ("(memory (pagesize 1) 1)", "unexpected token"),
        ("(memory f32 1)", "unexpected token f32"),
    ],
)
def test_parse_module_malformed_text_raises(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message) as caught:
        parse_module(text)
    assert caught.value.line == 1
    assert caught.value.source_line == text
    assert caught.value.feature is None


def test_parse_module_type_definitions_have_all_their_parts() -> None:
    module = parse_module("""
        (type $later (sub $a (struct (field $x i8) (field) (field (mut (ref null $b)) i64))))
        (rec (type $a (sub (struct (field i8)))) (type $b (sub final $a $later (array (mut i16)))))
        (rec (type (func (param $x i32) (result (ref $b) anyref))))
        (rec)
        (rec (type $c (descriptor $d) (struct)) (type $d (sub (describes $c) (descriptor 4) (struct))))
        (type (array (ref (exact $a))))
    """)
    b = ref_type(2, nullable=True)
    assert module.types == [
        SubType(
            StructType((FieldType(I8, False), FieldType(b, True), FieldType(I64, False))), (1,), final=False
        ),
        SubType(StructType((FieldType(I8, False),)), (), final=False),
        SubType(ArrayType(FieldType(I16, True)), (1, 0)),
        SubType(FuncType((I32,), (ref_type(2, nullable=False), ANYREF))),
        SubType(StructType(()), descriptor=5),
        SubType(StructType(()), final=False, describes=4, descriptor=4),
        SubType(ArrayType(FieldType(ref_type(1, nullable=False, exact=True), False))),
    ]
    assert module.rec_groups == [(1, 2), (3, 1), (4, 0), (4, 2)]


def test_parse_module_type_uses_take_final_types_that_stand_alone() -> None:
    module = parse_module("""
        (type (sub (func))) (rec (type (func)) (type (struct))) (rec (type (func))) (type (func))
        (func) (func (param f32)) (tag) (tag (param f32))
    """)
    assert module.funcs == [3, 5]
    assert [tag.type_index for tag in module.tags] == [3, 5]


def test_parse_module_field_names_are_each_types_own() -> None:
    module = parse_module("""
        (func (struct.get $t $y (local.get 0)) (struct.set $u $y (local.get 0) (local.get 1)))
        (type $t (struct (field $x i32) (field i32) (field $y i32)))
        (type $u (struct (field $y (mut i32))))
    """)
    assert bytes(module.code[0].expr).hex() == "2000fb02000220002001fb0501000b"


def test_parse_module_tags_are_imported_defined_and_exported() -> None:
    module = parse_module("""
        (import "m" "a" (tag $a (param i32)))
        (tag $b (export "b1") (export "b2") (import "m" "b"))
        (tag $c (export "c") (type $t) (param i32))
        (type $t (func (param i32)))
        (export "a" (tag $a))
    """)
    of_i32 = TagType(FuncType((I32,), ()))
    assert module.imports == [Import("m", "a", of_i32, 0), Import("m", "b", TagType(FuncType((), ())), 1)]
    assert module.tags == [Tag(of_i32, 0)]
    assert exports(module) == [("b1", "tag", 1), ("b2", "tag", 1), ("c", "tag", 2), ("a", "tag", 0)]


def test_parse_module_exact_function_imports() -> None:
    module = parse_module("""
        (type $t (func (param i32)))
        (import "m" "a" (func (exact (type $t)))) (import "m" "b" (func (exact (param i32))))
        (func (import "m" "c") (exact (type 0))) (func (import "m" "d") (type 0))
    """)
    assert [(item.type_index, item.exact) for item in module.imports] == [
        (0, True),
        (0, True),
        (0, True),
        (0, False),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(memory i64 1 2)", MemoryType(Limits(1, 2), I64)),
        ("(memory i32 1)", MemoryType(Limits(1))),
        ("(memory 1 2 shared)", MemoryType(Limits(1, 2), shared=True)),
        ("(memory i64 1 2 shared (pagesize 1))", MemoryType(Limits(1, 2), I64, True, 1)),
        ("(memory (pagesize 0x1_0000) (data))", MemoryType(Limits(0, 0))),
        ('(memory i64 (pagesize 1) (data "abc"))', MemoryType(Limits(3, 3), I64, False, 1)),
        ("(memory i64 0xffff_ffff_ffff_ffff)", MemoryType(Limits(2**64 - 1), I64)),
        ("(table i64 1 2 (ref null 0))", TableType(ref_type(0, nullable=True), Limits(1, 2), I64)),
        ("(table i64 externref (elem))", TableType(EXTERNREF, Limits(0, 0), I64)),
        ("(table 1 (ref func) (ref.func 0))", TableType(ref_type("func", nullable=False), Limits(1))),
    ],
)
def test_parse_module_memory_and_table_types(text: str, expected: MemoryType | TableType) -> None:
    module = parse_module(text)
    assert [*module.memories, *(table.type for table in module.tables)] == [expected]


def test_parse_module_inline_segments_begin_at_a_zero_of_the_address_type() -> None:
    module = parse_module(
        '(memory i64 (data "a")) (table i64 (ref null 0) (elem 0)) (table funcref (elem 0))'
    )
    assert bytes(module.datas[0].offset or b"") == b"\x42\x00\x0b"
    assert [bytes(elem.offset or b"") for elem in module.elems] == [b"\x42\x00\x0b", b"\x41\x00\x0b"]
    # Only a table of funcref may have its functions without a type of their own.
    assert [elem.type for elem in module.elems] == [
        ref_type(0, nullable=True),
        ref_type("func", nullable=False),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(data 0 (i32.const 1))", None),
        ("(global i32 (i32.const 0)) (data 0 (i32.const 1)) (func)", None),
        ("(data) (func (data.drop 0))", 1),
        ("(type (array i8)) (data) (func (array.new_data 0 0 (i32.const 0) (i32.const 0)))", 1),
    ],
)
def test_parse_module_data_count_is_there_for_code_that_names_segments(
    text: str, expected: int | None
) -> None:
    assert parse_module(text).data_count == expected


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
    module = parse_module("""(module $m
        (type $s (struct (field $x i32) (field i32) (field $y i32))) (type (struct (field i32)))
        (import "a" "b" (func $b (param i32) (param $p i32))) (import "a" "t" (table $t 1 funcref))
        (tag $x) (memory $m 1) (global $g i32 (i32.const 0)) (elem $e func) (data $d "")
        (func) (func $"c d" (param $p i32) (local i64) (local $l i64)
            (if $c (block $b (result i32) (i32.const 0)) (then (block) (loop $l))))
    )""")
    names = read_names(decode_module(encode_module(module), features=ALL_FEATURES))
    assert {part: getattr(names, part) for part in SUBSECTIONS} == {
        "module": "m",
        "functions": {0: "b", 2: "c d"},
        "locals": {0: {1: "p"}, 2: {0: "p", 2: "l"}},
        "labels": {2: {0: "b", 1: "c", 3: "l"}},
        "types": {0: "s"},
        "tables": {0: "t"},
        "memories": {0: "m"},
        "globals": {0: "g"},
        "elems": {0: "e"},
        "datas": {0: "d"},
        "fields": {0: {0: "x", 2: "y"}},
        "tags": {0: "x"},
    }


def test_parse_module_without_identifiers_has_no_name_section() -> None:
    assert parse_module("(func) (memory 1)").customs == []
