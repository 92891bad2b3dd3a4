"""Scripts of components: what passes, what fails and with which sides, and what is skipped and why."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from spectests.pool import run_files
from spectests.report import FAILED, PASSED, SKIPPED, FileReport, scoreboard
from spectests.scripts import find_scripts

Run = Callable[[str], FileReport]
SUITE = Path(__file__).parents[3] / "shared" / "suites" / "component-model"

ECHO = """
(component $echo
  (core module $M
    (memory (export "mem") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (i32.add (local.get 3) (i32.const 8))))
      (global.set $next (i32.and (global.get $next) (i32.const -8))))
    (func (export "i32") (param i32) (result i32) (local.get 0))
    (func (export "i64") (param i64) (result i64) (local.get 0))
    (func (export "f32") (param f32) (result f32) (local.get 0))
    (func (export "f64") (param f64) (result f64) (local.get 0))
    (func (export "two") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
    (func (export "bytes") (param i32 i32) (result i32)
      (i32.store8 (i32.const 0) (local.get 0)) (i32.store8 (i32.const 1) (local.get 1)) (i32.const 0))
    (func (export "payload") (param i32 i32) (result i32)
      (i32.store8 (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
    (func (export "three") (param i32 i32 i32) (result i32)
      (i32.store8 (i32.const 0) (local.get 0)) (i32.store8 (i32.const 1) (local.get 1))
      (i32.store8 (i32.const 2) (local.get 2)) (i32.const 0))
    (func (export "none")))
  (core instance $m (instantiate $M))
  (type $record (record (field "a-b" u32) (field "c" s32)))
  (type $flags (flags "a" "b" "c"))
  (type $enum (enum "x" "y"))
  (type $variant (variant (case "n" u32) (case "none") (case "s" s32)))
  (export $record' "a-record" (type $record))
  (export $flags' "a-flags" (type $flags))
  (export $enum' "a-enum" (type $enum))
  (export $variant' "a-variant" (type $variant))
  (func (export "none") (canon lift (core func $m "none")))
  (func (export "bool") (param "x" bool) (result bool) (canon lift (core func $m "i32")))
  (func (export "u8") (param "x" u8) (result u8) (canon lift (core func $m "i32")))
  (func (export "s64") (param "x" s64) (result s64) (canon lift (core func $m "i64")))
  (func (export "f32") (param "x" f32) (result f32) (canon lift (core func $m "f32")))
  (func (export "f64") (param "x" f64) (result f64) (canon lift (core func $m "f64")))
  (func (export "char") (param "x" char) (result char) (canon lift (core func $m "i32")))
  (func (export "string") (param "x" string) (result string)
    (canon lift (core func $m "two") (memory $m "mem") (realloc (core func $m "realloc"))))
  (func (export "list") (param "x" (list u16)) (result (list u16))
    (canon lift (core func $m "two") (memory $m "mem") (realloc (core func $m "realloc"))))
  (func (export "of-bytes") (param "x" (list u8)) (result (list u8))
    (canon lift (core func $m "two") (memory $m "mem") (realloc (core func $m "realloc"))))
  (func (export "tuple") (param "x" (tuple u8 s8)) (result (tuple u8 s8))
    (canon lift (core func $m "bytes") (memory $m "mem")))
  (func (export "record") (param "x" $record') (result $record')
    (canon lift (core func $m "two") (memory $m "mem")))
  (func (export "flags") (param "x" $flags') (result $flags') (canon lift (core func $m "i32")))
  (func (export "enum") (param "x" $enum') (result $enum') (canon lift (core func $m "i32")))
  (func (export "variant") (param "x" $variant') (result $variant')
    (canon lift (core func $m "payload") (memory $m "mem")))
  (func (export "option") (param "x" (option u32)) (result (option u32))
    (canon lift (core func $m "payload") (memory $m "mem")))
  (func (export "nested") (param "x" (option (option bool))) (result (option (option bool)))
    (canon lift (core func $m "three") (memory $m "mem")))
  (func (export "result") (param "x" (result u32 (error s32))) (result (result u32 (error s32)))
    (canon lift (core func $m "payload") (memory $m "mem"))))
"""

ECHOED = [
    ("bool", "(bool.const true)"),
    ("u8", "(u8.const 255)"),
    ("s64", "(s64.const -1)"),
    ("f32", "(f32.const 1.5)"),
    ("f32", "(f32.const -0)"),
    ("f64", "(f64.const inf)"),
    ("char", '(char.const "⛳")'),
    ("string", '(str.const "héllo")'),
    ("list", "(list.const (u16.const 1) (u16.const 0xffff))"),
    ("list", "(list.const)"),
    ("of-bytes", "(list.const (u8.const 1) (u8.const 2))"),
    ("tuple", "(tuple.const (u8.const 1) (s8.const -1))"),
    ("record", '(record.const (field "a-b" u32.const 1) (field "c" s32.const -1))'),
    ("flags", '(flags.const "c" "a")'),
    ("flags", "(flags.const)"),
    ("enum", '(enum.const "y")'),
    ("variant", '(variant.const "n" (u32.const 1))'),
    ("variant", '(variant.const "none")'),
    ("variant", '(variant.const "s" (s32.const -1))'),
    ("option", "(option.some (u32.const 1))"),
    ("option", "(option.none)"),
    ("nested", "(option.some (option.none))"),
    ("nested", "(option.some (option.some (bool.const false)))"),
    ("nested", "(option.none)"),
    ("result", "(result.ok (u32.const 1))"),
    ("result", "(result.err (s32.const 1))"),
]


@pytest.mark.parametrize(("function", "value"), ECHOED)
def test_run_value_there_and_back_passes(run: Run, function: str, value: str) -> None:
    report = run(f'{ECHO}\n(assert_return (invoke "{function}" {value}) {value})')
    assert [result.status for result in report.results] == [PASSED, PASSED], report.results


@pytest.mark.parametrize(
    "command",
    [
        '(assert_return (invoke "none"))',
        '(assert_return (invoke $echo "none"))',
        '(invoke "none")',
        '(assert_return (invoke "f32" (f32.const nan:0x200000)) (f32.const nan:canonical))',
        '(assert_return (invoke "u8" (u8.const 1)) (either (u8.const 2) (u8.const 1)))',
        '(assert_invalid (component (type (list 0))) "index out of bounds")',
        '(assert_invalid (component (import "A_b" (func))) "not in kebab case")',  # a part of the message
        '(assert_malformed (component quote "(type (list $t))") "unknown type")',
        '(assert_malformed (component binary "\\00asm\\0d\\00\\01\\00\\0d\\00") "malformed section id")',
        '(assert_unlinkable (component (import "f" (func))) "unknown import")',
        """(assert_trap (component (core module $M (func $f unreachable) (start $f))
             (core instance (instantiate $M))) "wasm trap: wasm `unreachable` instruction executed")""",
        """(component $o (component $C (core module $M (func (export "f")))
               (core instance $m (instantiate $M)) (func (export "f") (canon lift (core func $m "f"))))
             (instance $c (instantiate $C)) (export "i" (instance $c)))
           (register "o" $o)
           (component (import "o" (instance (export "i" (instance (export "f" (func)))))))""",
        '(register "echo" $echo) (component (import "echo" (instance (export "none" (func)))))',
        """(component definition $D (core module $M (func (export "f") (result i32) (i32.const 7)))
             (core instance $m (instantiate $M))
             (func (export "f") (result u32) (canon lift (core func $m "f"))))
           (component instance $d $D)
           (assert_return (invoke $d "f") (u32.const 7)) (assert_return (invoke $echo "none"))""",
        """(module $m (func (export "f") (result i32) (i32.const 1)))
           (assert_return (invoke $m "f") (i32.const 1)) (assert_return (invoke $echo "none"))""",
    ],
)
def test_run_passes(run: Run, command: str) -> None:
    report = run(f"{ECHO}\n{command}")
    assert {result.status for result in report.results} == {PASSED}, report.results


FAILING = [
    ('(assert_return (invoke "u8" (u8.const 1)) (u8.const 2))', "u8 2", "1"),
    ('(assert_return (invoke "u8" (u8.const 1)) (u16.const 1))', "u16 1", "1"),
    ('(assert_return (invoke "u8" (u8.const 1)))', "nothing", "1"),
    ('(assert_return (invoke "none") (u8.const 1))', "u8 1", "nothing"),
    ('(assert_return (invoke "string" (str.const "a")) (str.const "b"))', "string 'b'", "'a'"),
    ('(assert_return (invoke "bool" (bool.const true)) (u8.const 1))', "u8 1", "True"),
    ('(assert_return (invoke "list" (list.const)) (list.const (u16.const 1)))', "list (u16 1)", "[]"),
    ('(assert_return (invoke "list" (list.const)) (tuple.const))', "tuple ()", "[]"),
    ('(assert_return (invoke "option" (option.none)) (option.some (u32.const 0)))', "option some", "None"),
    ('(assert_return (invoke "enum" (enum.const "x")) (variant.const "x"))', "variant x", "'x'"),
    ('(assert_return (invoke "flags" (flags.const "a")) (flags.const))', "flags ()", "{'a'}"),
    (
        '(assert_return (invoke "record" (record.const (field "a-b" u32.const 1) (field "c" s32.const 2)))'
        ' (record.const (field "c" s32.const 2) (field "a-b" u32.const 1)))',
        "record (c: s32 2, a-b: u32 1)",
        "Record(",
    ),
    ('(assert_return (invoke "u8" (str.const "a")) (u8.const 1))', "u8 1", "ValueTypeError"),
    ('(assert_return (invoke "u8") (u8.const 1))', "u8 1", "ValueTypeError"),
    ('(assert_return (invoke "u8" (i32.const 1)) (u8.const 1))', "no error", "is no component value"),
    ('(assert_return (invoke "nope"))', "a function exported as 'nope'", "Instance"),
    ('(assert_return (get "none"))', "a function exported as 'none'", "Instance"),
    ('(assert_trap (invoke "none") "unreachable")', "Trap: unreachable", "no error"),
    ('(assert_invalid (component) "nope")', "InvalidError: nope", "no error"),
    ('(assert_invalid (component (type (list 0))) "nope")', "InvalidError: nope", "InvalidError: "),
    ('(assert_malformed (component (type (list 0))) "type")', "MalformedError: type", "InvalidError"),
    ('(component (type (list $t)))', "no error", "MalformedError: unknown type $t"),
    ("(component instance $i $nope)", "a component definition", "no $nope"),
    ('(register "echo" $nope)', "an instance", "no $nope"),
    (
        '(component $m (core module $M) (export "m" (core module $M))) (register "m" $m)',
        "exports that are functions",
        "'m' is ",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("command", "expected", "got"), FAILING)
def test_run_fails_with_both_sides(run: Run, command: str, expected: str, got: str) -> None:
    report = run(f"{ECHO}\n{command}")
    (failure,) = [result for result in report.results if result.status != PASSED]
    assert failure.status == FAILED
    assert failure.expected.startswith(expected)
    assert failure.got.startswith(got) or got in failure.got


def test_run_trap_leaves_the_script_going_on(run: Run) -> None:
    report = run("""
        (component definition $D
          (core module $M (func (export "f") unreachable)) (core instance $m (instantiate $M))
          (func (export "f") (canon lift (core func $m "f"))))
        (component instance $a $D)
        (assert_trap (invoke $a "f") "unreachable")
        (assert_trap (invoke $a "f") "cannot enter component instance")
        (component instance $b $D)
        (assert_trap (invoke $b "f") "unreachable")
    """)
    assert {result.status for result in report.results} == {PASSED}, report.results


def test_run_what_needs_an_unbuilt_feature_is_skipped_and_all_that_depends_on_it(run: Run) -> None:
    report = run("""
        (component $a)
        (component definition $C (core func (canon thread.available-parallelism shared)))
        (component instance $c $C)
        (assert_return (invoke $c "f" (u32.const 1)) (str.const "x"))
        (assert_trap (invoke $c "f") "unreachable")
        (assert_invalid (component (core func (canon thread.available-parallelism shared))) "nope")
    """)
    assert [result.status for result in report.results] == [PASSED] + [SKIPPED] * 5
    assert {result.reason for result in report.results[1:]} == {"needs shared-everything-threads"}
    assert report.status == SKIPPED


def test_run_what_depends_on_a_failed_component_fails(run: Run) -> None:
    report = run('(component $c (type (list 0)))\n(assert_return (invoke $c "f"))')
    assert [result.status for result in report.results] == [FAILED, FAILED]
    assert report.results[1].got == "the module of line 1 failed"


#: How many commands of the suite pass at least.
LEAST = {
    "assert_invalid": 376,
    "assert_malformed": 75,
    "assert_return": 272,
    "assert_trap": 41,
    "component": 239,
    "component_instance": 33,
}


@pytest.mark.skipif(not SUITE.is_dir(), reason=f"the component suite is not at {SUITE}")
def test_component_suite_runs_and_what_passed_passes() -> None:
    reports = list(run_files(find_scripts([str(SUITE)]), 2))
    assert len(reports) == 63
    results = [result for report in reports for result in report.results]
    assert len(results) == 1425
    passed = Counter(result.kind for result in results if result.status == PASSED)
    assert all(passed[kind] >= count for kind, count in LEAST.items()), scoreboard(reports)
