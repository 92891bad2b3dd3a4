"""Exceptions: who catches, what the landing code finds, and what it costs."""

import pytest

from pywrt.api import Func
from pywrt.config import ALL_FEATURES
from pywrt.engine.machine import Call, Stop, host_func
from pywrt.errors import ThrownException, Trap
from pywrt.wasm.types import I32, FuncType

THROWING = """(module
  (tag $number (export "number") (param i32)) (tag $bare) (tag $pair (param i64 f64))
  (func $throw (export "throw") (param i32)
    (if (i32.eqz (local.get 0)) (then (throw $bare)))
    (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $pair (i64.const 5) (f64.const 2.5))))
    (if (i32.lt_s (local.get 0) (i32.const 10))
      (then (throw $number (i32.mul (local.get 0) (i32.const 100))))))
"""
#: What a clause catches; the local keeps what was set before the throw, the stack below what it had.
CATCHING = (
    THROWING
    + """
  (func (export "catch") (param i32) (result i32) (local $seen i32)
    (i32.const 1000)
    (block $out (result i32)
      (block $any
        (block $two (result i64 f64)
          (block $one (result i32)
            (try_table (catch $number $one) (catch $pair $two) (catch_all $any)
              (local.set $seen (i32.const 1))
              (call $throw (local.get 0))
              (local.set $seen (i32.const 2)))
            (br $out (local.get $seen)))
          (br $out (i32.add (local.get $seen))))
        (drop)
        (br $out (i32.wrap_i64)))
      (i32.const 7))
    (i32.add))
  (func (export "again") (param i32) (result i32)
    (block $outer (result i32)
      (try_table (catch $number $outer)
        (block $caught (result exnref)
          (try_table (catch_all_ref $caught) (call $throw (local.get 0)))
          (return (i32.const -1)))
        (throw_ref))
      (unreachable)))
  (func $recur (export "recur") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (throw $number (i32.const 42))))
    (i32.add (i32.const 1) (call $recur (i32.sub (local.get 0) (i32.const 1)))))
  (func (export "deep") (param i32) (result i32)
    (block $h (result i32) (try_table (result i32) (catch $number $h) (call $recur (local.get 0)))))
  (func (export "loop") (param i32) (result i32) (local $sum i32)
    (loop $next
      (block $done (block $h (result i32)
          (try_table (catch $number $h) (catch_all $done)
            (call $throw (i32.rem_u (local.get 0) (i32.const 12))))
          (br $done))
        (local.set $sum (i32.add (local.get $sum))))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func (export "null") (throw_ref (ref.null exn)))
  (func (export "trap") (block $h (try_table (catch_all $h) (unreachable)))))"""
)


@pytest.fixture(params=[True, False], ids=["metered", "unmetered"])
def load(request, guest):
    return lambda text, **more: guest(text, metered=request.param, features=ALL_FEATURES, **more)


@pytest.mark.parametrize(("argument", "result"), [(0, 1007), (1, 1005), (2, 1201), (5, 1501), (20, 1002)])
def test_try_table_clause_gets_values_and_keeps_what_was_there(load, argument, result):
    assert load(CATCHING).call("catch", argument) == result


@pytest.mark.parametrize(("argument", "result"), [(3, 300), (20, -1)])
def test_throw_ref_throws_the_same_exception_again(load, argument, result):
    assert load(CATCHING).call("again", argument) == result


def test_exception_nothing_catches_leaves_with_tag_values_and_backtrace(load):
    module = load(CATCHING)
    with pytest.raises(ThrownException, match=r"^uncaught exception") as caught:
        module.call("again", 1)
    exception = caught.value.exception
    assert (exception.values, caught.value.code) == ((5, 2.5), "uncaught-exception")
    assert [frame.name or frame.function for frame in caught.value.backtrace] == [2]
    with pytest.raises(ThrownException) as caught:
        module.call("recur", 2)
    assert caught.value.exception.tag is module.exports["number"].state
    assert [frame.name for frame in caught.value.backtrace] == ["recur", "recur", "recur"]


def test_throw_through_ten_thousand_calls_is_caught(load):
    assert load(CATCHING).call("deep", 10_000) == 42


def test_throw_ref_null_traps(load):
    with pytest.raises(Trap, match=r"^null exception reference"):
        load(CATCHING).call("null")


def test_trap_is_no_exception(load):
    with pytest.raises(Trap, match=r"^unreachable"):
        load(CATCHING).call("trap")


def test_throw_in_slices_gives_the_same_result_and_fuel(guest, in_slices):
    module = guest(CATCHING, metered=True, features=ALL_FEATURES)
    whole = module.fuel("loop", 50)
    expected = module.call("loop", 50)
    for size in (1, 3, 17):
        module.store.set_fuel(1 << 40)
        activation = module.start("loop", 50)
        assert in_slices(activation, size) > 1
        assert activation.results == [expected]
        assert (1 << 40) - module.store.get_fuel() == whole


def test_fuel_counts_what_ran_and_not_what_a_throw_skipped(guest):
    text = """(module (tag $e)
      (func $throw (param i32) (if (local.get 0) (then (throw $e))))
      (func (export "f") (param i32) (result i32)
        (block $h
          (try_table (catch $e $h)
            (call $throw (local.get 0))
            (drop (i32.add (i32.add (i32.const 1) (i32.const 2)) (i32.const 3)))
            (return (i32.const 1))))
        (i32.const 2)))"""
    module = guest(text, metered=True, features=ALL_FEATURES)
    # entry, try_table, local.get, call; the callee's entry, local.get, if; then what follows
    assert module.fuel("f", 0) == 4 + 3 + 6
    assert module.fuel("f", 1) == 4 + 3 + 1 + 1


HOSTED = """(module (import "" "host" (func $host (param i32) (result i32)))
  (tag $e (export "tag") (param i32))
  (func (export "throw") (param i32) (result i32) (throw $e (local.get 0)))
  (func (export "f") (param i32) (result i32)
    (block $all
      (block $h (result i32)
        (try_table (catch $e $h) (catch_all $all) (return (call $host (local.get 0))))
        (unreachable))
      (return (i32.add (i32.const 1))))
    (i32.const -7)))"""


def hosted(load, fn):
    """The module with `fn(guest, x)` as its import."""
    module = None
    type = FuncType((I32,), (I32,))

    def imports(store):
        return [Func.wrap(store, host_func(store.state, type, lambda x: fn(module, x), "host"))]

    module = load(HOSTED, imports=imports)
    return module


def test_host_function_throws_what_the_guest_catches(load):
    def throw(module, x):
        raise module.exports["tag"].exception(module.store, x * 2)

    assert hosted(load, throw).call("f", 21) == 43


def test_host_exception_passes_through_catch_all(load):
    def fail(module, x):
        raise LookupError("host")

    with pytest.raises(LookupError, match="host"):
        hosted(load, fail).call("f", 1)


def test_exception_of_a_nested_call_reaches_the_outer_guest_through_host_code(load):
    seen = []

    def nest(module, x):
        try:
            return [module.call("throw", x)]
        except ThrownException as thrown:
            seen.append(thrown.exception.values)
            raise

    assert hosted(load, nest).call("f", 5) == 6
    assert seen == [(5,)]


def test_exception_under_a_stackless_host_call_does_not_pass_the_host(load):
    def call(module, x):
        return Call(module.exports["throw"].state, [x], lambda results: results)

    module = hosted(load, call)
    with pytest.raises(ThrownException):
        module.call("f", 5)
    assert module.start("throw", 1).resume() is Stop.TRAPPED


LEGACY = (
    THROWING
    + """
  (func (export "catch") (param i32) (result i32)
    (i32.const 1000)
    (try (result i32)
      (do (call $throw (local.get 0)) (i32.const 1))
      (catch $number (i32.add (i32.const 3)))
      (catch $pair (drop) (i32.wrap_i64))
      (catch_all (i32.const 9)))
    (i32.add))
  (func (export "rethrow") (param i32) (result i32)
    (try (result i32)
      (do (try (result i32)
        (do (call $throw (local.get 0)) (i32.const 1))
        (catch $number (drop) (try (do (throw $bare)) (catch_all (rethrow 1))) (i32.const 2))))
      (catch $number)
      (catch_all (i32.const 8))))
  (func (export "delegate") (param i32) (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do (try (result i32) (do (call $throw (local.get 0)) (i32.const 1)) (delegate $outer)))
          (catch_all (i32.const 4))))
      (catch $number (i32.add (i32.const 6)))
      (catch_all (i32.const 5))))
  (func (export "through") (param i32) (result i32)
    (try (result i32) (do (try (result i32) (do (call $throw (local.get 0)) (i32.const 1)) (delegate 1)))
      (catch_all (i32.const 4)))))"""
)


@pytest.mark.parametrize(
    ("name", "argument", "result"),
    [
        ("catch", 20, 1001),
        ("catch", 3, 1303),
        ("catch", 1, 1005),
        ("catch", 0, 1009),
        ("rethrow", 20, 1),
        ("rethrow", 4, 400),
        ("rethrow", 0, 8),
        ("delegate", 20, 1),
        ("delegate", 4, 406),
        ("delegate", 0, 5),
        ("through", 20, 1),
    ],
)
def test_legacy_try_runs_the_part_that_matches(load, name, argument, result):
    assert load(LEGACY).call(name, argument) == result


def test_legacy_delegate_past_the_function_reaches_its_caller(load):
    with pytest.raises(ThrownException):
        load(LEGACY).call("through", 0)
