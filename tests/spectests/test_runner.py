"""The runner: what passes, what fails and with which sides, and what is skipped and why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pywrt.config import ALL_FEATURES
from spectests.report import FAILED, PASSED, FileReport
from spectests.run import run_script
from spectests.scripts import EDITIONS, Script

Run = Callable[[str], FileReport]

ADD = """
(module $m
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $loop (export "loop") (call $loop))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "extern") (param externref) (result externref) (local.get 0))
  (func $func (export "func") (result funcref) (ref.func $func))
  (func (export "two") (result i32 i64) (i32.const 1) (i64.const 2))
  (func (export "v128") (param v128) (result v128) (local.get 0))
  (func (export "any") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func (export "back") (param anyref) (result externref) (extern.convert_any (local.get 0)))
  (func (export "i31") (result anyref) (ref.i31 (i32.const 5)))
  (func (export "struct") (result eqref) (struct.new 0))
  (func (export "array") (result (ref array)) (array.new_fixed 1 0))
  (func (export "exn") (result exnref)
    (block $h (result exnref) (try_table (catch_all_ref $h) (throw 0)) (unreachable)))
  (func (export "throw") (throw 0))
  (type (struct)) (type (array i8)) (tag)
  (global (export "g") i32 (i32.const 7)))
"""

PASSING = [
    '(assert_return (invoke "add" (i32.const 1) (i32.const -2)) (i32.const -1))',
    '(assert_return (invoke $m "two") (i32.const 1) (i64.const 2))',
    '(assert_return (get "g") (i32.const 7))',
    '(assert_return (invoke "add" (i32.const 1) (i32.const 2)) (either (i32.const 4) (i32.const 3)))',
    '(assert_return (invoke "f32" (f32.const nan:0x200001)) (f32.const nan:0x200001))',
    '(assert_return (invoke "f32" (f32.const -nan)) (f32.const nan:canonical))',
    '(assert_return (invoke "f64" (f64.const nan:0x8000000000001)) (f64.const nan:arithmetic))',
    '(assert_return (invoke "f64" (f64.const -0)) (f64.const -0))',
    '(assert_return (invoke "extern" (ref.extern 4)) (ref.extern 4))',
    '(assert_return (invoke "extern" (ref.extern 4)) (ref.extern))',
    '(assert_return (invoke "extern" (ref.null extern)) (ref.null))',
    '(assert_return (invoke "func") (ref.func))',
    """(assert_return (invoke "v128" (v128.const i8x16 -1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16))
         (v128.const i64x2 0x08070605040302ff 0x100f0e0d0c0b0a09))""",
    """(assert_return (invoke "v128" (v128.const f32x4 1 nan -nan:0x200001 nan:0x600000))
         (v128.const f32x4 1 nan:canonical -nan:0x200001 nan:arithmetic))""",
    """(assert_return (invoke "v128" (v128.const f64x2 -0 inf))
         (either (v128.const f64x2 0 inf) (v128.const f64x2 -0 inf)))""",
    '(assert_return (invoke "any" (ref.extern 4)) (ref.host 4))',
    '(assert_return (invoke "any" (ref.extern 4)) (ref.any))',
    '(assert_return (invoke "any" (ref.null extern)) (ref.null any))',
    '(assert_return (invoke "back" (ref.host 4)) (ref.extern 4))',
    '(assert_return (invoke "i31") (ref.i31))',
    '(assert_return (invoke "i31") (ref.eq))',
    '(assert_return (invoke "struct") (ref.struct))',
    '(assert_return (invoke "array") (ref.array))',
    '(assert_return (invoke "exn") (ref.exn))',
    '(assert_exception (invoke "throw"))',
    '(assert_malformed_custom (module quote "(@custom)") "@custom annotation: missing section name")',
    """(assert_invalid_custom (module (func (@metadata.code.branch_hint "\\01") (nop)))
         "@metadata.code.branch_hint annotation: invalid target")""",
    '(assert_trap (invoke "div" (i32.const 1) (i32.const 0)) "integer divide by zero")',
    '(assert_exhaustion (invoke "loop") "call stack exhausted")',
    '(assert_malformed (module quote "(func (nope))") "unknown operator")',
    '(assert_malformed (module binary "\\00asm") "unexpected end")',
    '(assert_invalid (module (func (result i32))) "type mismatch")',
    '(assert_unlinkable (module (import "none" "f" (func))) "unknown import")',
    '(assert_unlinkable (module (import "spectest" "print" (func (param i32)))) "incompatible import type")',
    '(assert_trap (module (func $f unreachable) (start $f)) "unreachable")',
    '(invoke "add" (i32.const 1) (i32.const 2))',
    """(register "m")
       (module (import "m" "g" (global i32)) (import "m" "add" (func (param i32 i32) (result i32))))""",
    """(module definition $d (global (export "g") i32 (i32.const 1)))
       (module instance $i $d) (register "i" $i)""",
    """(module
         (import "spectest" "table" (table 10 20 funcref)) (import "spectest" "memory" (memory 1 2))
         (import "spectest" "print_i32_f32" (func (param i32 f32)))
         (import "spectest" "global_f32" (global f32)) (import "spectest" "table64" (table i64 10 20 funcref))
         (import "spectest" "shared_memory" (memory 1 2 shared)))""",
]


@pytest.mark.parametrize("command", PASSING)
def test_run_correct_command_passes(run: Run, command: str) -> None:
    report = run(ADD + command)
    assert [result for result in report.results if result.status != PASSED] == []
    assert report.status == PASSED


@pytest.mark.parametrize(
    ("command", "expected", "got"),
    [
        (
            '(assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 4))',
            "i32 4 (0x00000004)",
            "i32 3 (0x00000003)",
        ),
        ('(assert_return (invoke "two") (i32.const 1))', "i32 1 (0x00000001)", "i32 1 (0x00000001), i64 2"),
        ('(assert_return (invoke "f64" (f64.const 0)) (f64.const -0))', "f64 9223372036854775808", "f64 0"),
        (
            '(assert_return (invoke "f32" (f32.const nan:0x1)) (f32.const nan:canonical))',
            "nan:canonical",
            "0x7f800001",
        ),
        (
            '(assert_return (invoke "f32" (f32.const nan:0x1)) (f32.const nan:arithmetic))',
            "nan:arithmetic",
            "0x7f800001",
        ),
        ('(assert_return (invoke "f32" (f32.const 1)) (f64.const 1))', "f64", "f32"),
        ('(assert_return (invoke "extern" (ref.extern 4)) (ref.extern 5))', "ref.extern 5", "ref.extern 4"),
        ('(assert_return (invoke "extern" (ref.extern 4)) (ref.null))', "ref.null", "ref.extern 4"),
        ('(assert_return (invoke "func") (ref.extern))', "ref.extern", "Func"),
        (
            '(assert_return (invoke "v128" (v128.const i32x4 1 2 3 4)) (v128.const i32x4 1 2 3 5))',
            "v128 i32x4 0x1 0x2 0x3 0x5",
            "v128 i32x4 0x00000001 0x00000002 0x00000003 0x00000004",
        ),
        (
            '(assert_return (invoke "v128" (v128.const f64x2 1 1)) (v128.const f64x2 1 nan:canonical))',
            "nan:canonical",
            "0x3ff00000",
        ),
        ('(assert_return (invoke "any" (ref.extern 4)) (ref.host 5))', "ref.host 5", "ref.host 4"),
        ('(assert_return (invoke "any" (ref.extern 4)) (ref.extern 4))', "ref.extern 4", "ref.host 4"),
        ('(assert_return (invoke "any" (ref.extern 4)) (ref.eq))', "ref.eq", "ref.host 4"),
        ('(assert_return (invoke "any" (ref.null extern)) (ref.any))', "ref.any", "ref.null"),
        ('(assert_return (invoke "any" (ref.null extern)) (ref.null extern))', "ref.null extern", "ref.null"),
        ('(assert_return (invoke "i31") (ref.struct))', "ref.struct", "I31(5)"),
        ('(assert_return (invoke "struct") (ref.array))', "ref.array", "Struct"),
        ('(assert_return (invoke "exn") (ref.any))', "ref.any", "exception"),
        ('(assert_exception (invoke "two"))', "ThrownException", "no error"),
        ('(assert_exception (invoke "div" (i32.const 1) (i32.const 0)))', "ThrownException", "Trap: integer"),
        ('(assert_trap (invoke "throw") "unreachable")', "Trap: unreachable", "ThrownException: uncaught"),
        ('(assert_malformed_custom (module quote "(@custom)") "@name")', "@name", "@custom annotation"),
        ('(assert_invalid_custom (module quote "(func)") "@custom")', "InvalidError: @custom", "no error"),
        ('(assert_return (invoke "add" (i32.const 1)) (i32.const 1))', "a function of 1 parameters", "Func"),
        (
            '(assert_return (invoke "div" (i32.const 1) (i32.const 0)) (i32.const 1))',
            "i32 1",
            "Trap: integer divide",
        ),
        ('(assert_return (invoke "nope"))', "exported as 'nope'", "None"),
        ('(assert_return (invoke $nope "add"))', "an instance", "no $nope"),
        (
            '(assert_trap (invoke "div" (i32.const 1) (i32.const 0)) "unreachable")',
            "Trap: unreachable",
            "divide by zero",
        ),
        ('(assert_trap (invoke "two") "unreachable")', "Trap: unreachable", "no error"),
        ('(assert_malformed (module quote "(func)") "unknown operator")', "MalformedError", "no error"),
        (
            '(assert_malformed (module quote "(func (result i32))") "type mismatch")',
            "MalformedError",
            "no error",
        ),
        (
            '(assert_malformed (module quote "(nope)") "unknown type")',
            "unknown type",
            "unknown operator nope",
        ),
        (
            '(assert_invalid (module quote "(nope)") "unknown operator")',
            "InvalidError",
            "MalformedError: unknown operator",
        ),
        (
            '(assert_unlinkable (module (func (result i32))) "type mismatch")',
            "LinkError",
            "InvalidError: type mismatch",
        ),
        ("(module (func (nope)))", "no error", "MalformedError: unknown operator nope"),
        ('(module (import "none" "f" (func)))', "no error", "LinkError: unknown import"),
    ],
)
def test_run_wrong_command_fails_with_both_sides(run: Run, command: str, expected: str, got: str) -> None:
    report = run(ADD + "\n\n" + command)
    (failure,) = [result for result in report.results if result.status != PASSED]
    assert failure.status == FAILED
    assert expected in failure.expected
    assert got in failure.got
    assert failure.line == ADD.count("\n") + 3
    assert report.status == FAILED


def test_run_what_depends_on_a_failed_module_fails(run: Run) -> None:
    report = run('(module (func (nope)))\n(invoke "f")')
    assert [result.status for result in report.results] == [FAILED, FAILED]
    assert report.results[1].got == "the module of line 1 failed"


def test_run_script_that_does_not_parse_fails(run: Run) -> None:
    report = run("(module")
    (result,) = report.results
    assert (result.kind, result.status) == ("script", FAILED)
    assert "unexpected token" in result.got


def test_run_files_have_stores_of_their_own(run: Run) -> None:
    grow = """
        (module (import "spectest" "memory" (memory 1 2))
          (func (export "f") (result i32) (memory.grow (i32.const 1))))
        (assert_return (invoke "f") (i32.const 1))
    """
    for _ in range(2):
        assert run(grow).status == PASSED


def test_run_module_without_its_feature_fails_by_name(tmp_path: Path) -> None:
    path = tmp_path / "script.wast"
    path.write_text("(module (memory i64 1))")
    assert run_script(Script(str(path))).status == PASSED
    (result,) = run_script(Script(str(path), ALL_FEATURES - {"memory64"})).results
    assert result.status == FAILED
    assert "needs the feature memory64" in result.got


@pytest.mark.parametrize(
    "text", ["(memory 0x1_0000_0000)", "(memory 0 0x1_0000_0000)", "(table 0x1_0000_0000 funcref)"]
)
def test_run_size_beyond_32_bits_is_malformed_in_text_of_earlier_editions(tmp_path: Path, text: str) -> None:
    path = tmp_path / "script.wast"
    path.write_text(f'(assert_malformed (module quote "{text}") "i32 constant out of range")')
    assert run_script(Script(str(path), EDITIONS["proposals/threads"])).status == PASSED
    assert run_script(Script(str(path))).status == FAILED


def test_run_message_must_begin_with_what_is_expected(run: Run) -> None:
    (result,) = run('(assert_malformed (module quote "(func (nope))") "operator")').results
    assert result.status == FAILED
    assert result.got.startswith("MalformedError: unknown operator nope")
