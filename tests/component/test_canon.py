"""Canonical definitions: the core type of each, and what each requires of its options and immediates."""

from typing import Any

import pytest

from pywrt.api import Engine
from pywrt.component import Component
from pywrt.component.definitions import CanonBuiltin, CanonLift, CanonLower, Options, ResourceDef
from pywrt.component.text import parse_component
from pywrt.config import Config
from pywrt.errors import InvalidError
from pywrt.wasm.types import I32, I64, FuncType
from pywrt.wit import types as wit

#: What the definitions below refer to.
AROUND = """(component
  (core module $M
    (memory (export "mem") 1)
    (memory (export "mem64") i64 1)
    (memory (export "shared") 1 1 shared)
    (table (export "table") 1 funcref)
    (table (export "table64") i64 1 funcref)
    (table (export "externs") 1 externref)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "realloc64") (param i64 i64 i64 i64) (result i64) unreachable)
    (func (export "callback") (param i32 i32 i32) (result i32) unreachable)
    (func (export "nothing"))
    (func (export "int") (result i32) unreachable)
    (func (export "takes-int") (param i32))
    (func (export "takes-string64") (param i64 i64)))
  (core instance $i (instantiate $M))
  (alias core export $i "mem" (core memory $mem))
  (alias core export $i "mem64" (core memory $mem64))
  (alias core export $i "shared" (core memory $shared))
  (alias core export $i "table" (core table $table))
  (alias core export $i "table64" (core table $table64))
  (alias core export $i "externs" (core table $externs))
  (alias core export $i "realloc" (core func $realloc))
  (alias core export $i "realloc64" (core func $realloc64))
  (alias core export $i "callback" (core func $callback))
  (alias core export $i "nothing" (core func $nothing))
  (alias core export $i "int" (core func $int))
  (alias core export $i "takes-int" (core func $takes-int))
  (alias core export $i "takes-string64" (core func $takes-string64))
  (type $bytes (stream u8))
  (type $ticks (stream))
  (type $lines (stream string))
  (type $later (future u8))
  (type $line (future string))
  (type $done (future))
  (type $text string)
  (type $wide (tuple u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32))
  (type $tree (list $text))
  (type $resource (resource (rep i32)))
  (core type $start (func (param i32)))
  (core type $start64 (func (param i64)))
  (core type $starts (func (param i32 i32)))
  (core type $answers (func (param i32) (result i32)))
  (core type $open (sub (func (param i32))))
  (core type $module (module))
  (import "string" (func $string (param "x" string)))
  (import "sync" (func $sync))
  (import "plain" (func $plain async))
  (import "five" (func $five async
    (param "a" u8) (param "b" u8) (param "c" u8) (param "d" u8) (param "e" u8)))
  (import "answer" (func $answer async (result u32)))
  (import "reply" (func $reply async (result string)))
  %s)
"""


def load(definition: str, *without: str) -> Component:
    return Component(Engine(Config().disable(*without)), parse_component(AROUND % definition))


def refused(definition: str, message: str, *without: str) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        load(definition, *without)
    assert message in caught.value.message
    assert caught.value.offset is not None
    return caught.value


def last(definition: str) -> Any:
    return load(definition).code.definitions[-1]


NONE: tuple[Any, ...] = ()


@pytest.mark.parametrize(
    ("definition", "params", "results"),
    [
        ("backpressure.inc", NONE, NONE),
        ("backpressure.dec", NONE, NONE),
        ("task.return", NONE, NONE),
        ("task.return (result u64)", (I64,), NONE),
        ("task.return (result $wide) (memory $mem)", (I32,), NONE),
        ("task.return (result $wide) (memory $mem64)", (I64,), NONE),
        ("task.return (result string) (memory $mem64)", (I64, I64), NONE),
        ("task.cancel", NONE, NONE),
        ("context.get i32 1", NONE, (I32,)),
        ("context.get i64 0", NONE, (I64,)),
        ("context.set i32 0", (I32,), NONE),
        ("subtask.cancel", (I32,), (I32,)),
        ("subtask.drop", (I32,), NONE),
        ("stream.new $bytes", NONE, (I64,)),
        ("stream.read $bytes async (memory $mem)", (I32, I32, I32), (I32,)),
        ("stream.write $bytes (memory $mem64)", (I32, I64, I64), (I64,)),
        ("stream.read $ticks async", (I32, I32, I32), (I32,)),
        ("stream.cancel-read $bytes", (I32,), (I32,)),
        ("stream.cancel-write $bytes async", (I32,), (I32,)),
        ("stream.drop-readable $bytes", (I32,), NONE),
        ("stream.drop-writable $bytes", (I32,), NONE),
        ("future.new $later", NONE, (I64,)),
        ("future.read $later (memory $mem)", (I32, I32), (I32,)),
        ("future.write $later async (memory $mem64)", (I32, I64), (I32,)),
        ("future.cancel-read $later", (I32,), (I32,)),
        ("future.cancel-write $later", (I32,), (I32,)),
        ("future.drop-readable $later", (I32,), NONE),
        ("future.drop-writable $later", (I32,), NONE),
        ("error-context.new (memory $mem)", (I32, I32), (I32,)),
        ("error-context.new (memory $mem64)", (I64, I64), (I32,)),
        ("error-context.debug-message (memory $mem) (realloc $realloc)", (I32, I32), NONE),
        ("error-context.drop", (I32,), NONE),
        ("waitable-set.new", NONE, (I32,)),
        ("waitable-set.wait (memory $mem)", (I32, I32), (I32,)),
        ("waitable-set.poll cancellable (memory $mem64)", (I32, I64), (I32,)),
        ("waitable-set.drop", (I32,), NONE),
        ("waitable.join", (I32, I32), NONE),
        ("thread.index", NONE, (I32,)),
        ("thread.new-indirect $start $table", (I32, I32), (I32,)),
        ("thread.new-indirect $start64 $table64", (I64, I64), (I32,)),
        ("thread.resume-later", (I32,), NONE),
        ("thread.suspend", NONE, (I32,)),
        ("thread.yield cancellable", NONE, (I32,)),
        ("thread.suspend-then-resume", (I32,), (I32,)),
        ("thread.yield-then-resume", (I32,), (I32,)),
        ("thread.suspend-then-promote", (I32,), (I32,)),
        ("thread.yield-then-promote cancellable", (I32,), (I32,)),
    ],
)
def test_builtin_has_the_core_type_of_the_specification(definition: str, params: Any, results: Any) -> None:
    builtin = last(f"(canon {definition} (core func))")
    assert builtin.name == definition.split()[0]
    assert builtin.type == FuncType(params, results)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (
            "stream.read $lines async string-encoding=utf16 (memory $mem) (realloc $realloc)",
            {"payload": wit.STRING, "options": Options("utf16", 0, 0, None, is_async=True)},
        ),
        ("future.new $done", {"payload": None}),
        ("future.drop-readable $later", {"payload": wit.U8}),
        ("subtask.cancel async", {"flag": True}),
        ("thread.suspend cancellable", {"flag": True}),
        ("thread.suspend", {"flag": False}),
        ("context.set i32 1", {"index": 1}),
        ("waitable-set.wait cancellable (memory $mem64)", {"index": 1, "flag": True}),
        ("thread.new-indirect $start $table64", {"index": 1, "thread": FuncType((I32,), ())}),
        ("task.return (result u32)", {"payload": wit.U32}),
        ("task.return", {"payload": None}),
    ],
)
def test_builtin_keeps_what_running_it_needs(definition: str, expected: dict[str, Any]) -> None:
    builtin = last(f"(canon {definition} (core func))")
    assert isinstance(builtin, CanonBuiltin)
    assert {name: getattr(builtin, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("stream.new $later", "`stream.new` requires a stream type"),
        ("future.new $bytes", "`future.new` requires a future type"),
        ("future.drop-readable $text", "`future.drop-readable` requires a future type"),
        ("stream.read 99 async", "type index out of bounds"),
        ("stream.read $bytes async", "canonical option `memory` is required"),
        ("stream.read $lines async (memory $mem)", "canonical option `realloc` is required"),
        ("future.read $line async (memory $mem)", "canonical option `realloc` is required"),
        (
            "stream.read $bytes async (memory $mem) (post-return $nothing)",
            "`post-return` cannot be specified",
        ),
        ("stream.read $bytes async (memory $mem) (callback $callback)", "`callback` cannot be specified"),
        ("stream.read $bytes async async (memory $mem)", "`async` is specified more than once"),
        ("stream.read $bytes async (memory $shared)", "mismatch in the shared flag for memories"),
        ("waitable-set.wait (memory $shared)", "mismatch in the shared flag for memories"),
        ("waitable-set.wait (memory 9)", "memory index out of bounds"),
        ("task.return (result string)", "canonical option `memory` is required"),
        ("task.return (result $wide)", "canonical option `memory` is required"),
        ("task.return (realloc $realloc) (memory $mem)", "`realloc` cannot be specified for `task.return`"),
        ("task.return async", "`async` cannot be specified for `task.return`"),
        ("task.return (result (borrow $resource))", "cannot contain a `borrow`"),
        ("error-context.new", "canonical option `memory` is required"),
        ("error-context.new async (memory $mem)", "`async` cannot be specified"),
        ("error-context.debug-message (memory $mem)", "canonical option `realloc` is required"),
        ("context.get i32 2", "slot 2 is out of bounds"),
        ("context.get f32 0", "must be of type i32 or i64, not f32"),
        ("context.set i64 0 (core func)) (canon context.get i32 0", "conflicts with another of i64"),
        ("thread.new-indirect $starts $table", "must take a single `i32` argument"),
        ("thread.new-indirect $answers $table", "must not return any values"),
        ("thread.new-indirect $open $table", "start type must be final"),
        ("thread.new-indirect $module $table", "start type must be a function"),
        ("thread.new-indirect $start $externs", "not a table of (ref null func)"),
        ("thread.new-indirect $start 9", "table index out of bounds"),
        ("thread.spawn-ref $start", "requires the shared-everything-threads feature"),
        ("thread.available-parallelism", "requires the shared-everything-threads feature"),
    ],
)
def test_builtin_of_wrong_immediates_is_refused(definition: str, message: str) -> None:
    refused(f"(canon {definition} (core func))", message)


def test_stream_write_of_strings_needs_no_realloc() -> None:
    assert last("(canon stream.write $lines async (memory $mem) (core func))").options.realloc is None


@pytest.mark.parametrize(
    ("definition", "feature"),
    [
        ("canon stream.read $ticks", "component-model-more-async-builtins"),
        ("canon future.write $done", "component-model-more-async-builtins"),
        ("canon subtask.cancel async", "component-model-more-async-builtins"),
        ("canon stream.cancel-read $ticks async", "component-model-more-async-builtins"),
        ("canon lift (core func $nothing) async", "component-model-async-stackful"),
        ("canon thread.index", "component-model-threading"),
        ("canon context.get i64 0", "component-model-memory64"),
        ("canon waitable-set.poll (memory $mem64)", "component-model-memory64"),
        ("canon thread.new-indirect $start64 $table", "component-model-memory64"),
        ("canon thread.new-indirect $start $table64", "component-model-memory64"),
        ("canon error-context.drop", "component-model-error-context"),
    ],
)
def test_what_a_feature_gates_is_refused_without_it(definition: str, feature: str) -> None:
    defines = "(func async)" if " lift " in definition else "(core func)"
    text = f"({definition} {defines})"
    load(text)
    assert refused(text, feature, feature).feature == feature


# --- lifting and lowering


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("(func (canon lift (core func $nothing) async))", "option requires an async function type"),
        ("(core func (canon lower (func $sync) async))", "option requires an async function type"),
        (
            "(func async (canon lift (core func $int) (callback $callback)))",
            "cannot specify callback without async",
        ),
        (
            "(func async (canon lift (core func $int) async (callback $nothing)))",
            "canonical option `callback` uses a core function with an incorrect signature",
        ),
        (
            "(func async (canon lift (core func $int) async (callback $callback) (post-return $takes-int)))",
            "cannot specify post-return function in async",
        ),
        (
            "(core func (canon lower (func $plain) async (callback $callback)))",
            "canonical option `callback` cannot be specified for lowerings",
        ),
        ("(func async (canon lift (core func $int) async))", "lowered result types `[]`"),
        (
            "(func async (canon lift (core func $nothing) async (callback $callback)))",
            "lowered result types `[I32]`",
        ),
        (
            "(func async (result string) (canon lift (core func $nothing) async))",
            "canonical option `memory` is required",
        ),
        (
            "(func async (result $wide) (canon lift (core func $nothing) async))",
            "canonical option `memory` is required",
        ),
        ("(core func (canon lower (func $five) async))", "canonical option `memory` is required"),
        ("(core func (canon lower (func $answer) async))", "canonical option `memory` is required"),
        (
            "(core func (canon lower (func $reply) async (memory $mem)))",
            "canonical option `realloc` is required",
        ),
        (
            "(core func (canon lower (func $string) (memory $mem64) (realloc $realloc)))",
            "canonical option `realloc` uses a core function with an incorrect signature",
        ),
        (
            "(core func (canon lower (func $string) (memory $mem) (realloc $realloc64)))",
            "canonical option `realloc` uses a core function with an incorrect signature",
        ),
        ("(core func (canon lower (func $string) (memory $shared)))", "mismatch in the shared flag"),
    ],
)
def test_lift_or_lower_of_wrong_options_is_refused(definition: str, message: str) -> None:
    refused(definition, message)


def test_lift_async_has_no_result_or_that_of_its_callback() -> None:
    stackful = last("(func async (result u32) (canon lift (core func $nothing) async))")
    assert isinstance(stackful, CanonLift)
    assert stackful.options.is_async
    stackless = last("(func async (result u32) (canon lift (core func $int) async (callback $callback)))")
    assert stackless.options.callback is not None
    last("(func async (canon lift (core func $nothing)))")  # synchronously, though the type is async


def test_lift_from_a_64_bit_memory_takes_64_bit_pointers() -> None:
    text = """(func (param "x" string)
      (canon lift (core func $takes-string64) (memory $mem64) (realloc $realloc64)))"""
    assert isinstance(last(text), CanonLift)
    refused(text.replace("64)", ")").replace("$takes-string)", "$takes-string64)"), "lowered parameter types")


def test_lower_async_of_scalars_needs_no_memory() -> None:
    assert isinstance(last("(core func (canon lower (func $plain) async))"), CanonLower)


# --- resources


def test_resource_represented_by_i64_has_builtins_of_i64() -> None:
    text = """
      (type $r (resource (rep i64)))
      (core func $new (canon resource.new $r))
      (core func $drop (canon resource.drop $r))
      (core func $rep (canon resource.rep $r))
      (core module $N
        (import "" "new" (func (param i64) (result i32)))
        (import "" "drop" (func (param i32)))
        (import "" "rep" (func (param i32) (result i64))))
      (core instance (instantiate $N (with "" (instance
        (export "new" (func $new)) (export "drop" (func $drop)) (export "rep" (func $rep))))))"""
    resources = [d for d in load(text).code.definitions if isinstance(d, ResourceDef)]
    assert [d.resource.rep for d in resources] == [I32, I64]
    refused(text.replace("rep i64", "rep i32"), "type mismatch for export `new`")
    assert refused(text, "requires", "component-model-memory64").feature == "component-model-memory64"


def test_resource_destructor_takes_the_representation() -> None:
    load("(type (resource (rep i32) (dtor (func $takes-int))))")
    refused("(type (resource (rep i64) (dtor (func $takes-int))))", "wrong signature for a destructor")


def test_lowering_a_function_of_many_parameters_many_times_uses_up_the_work_limit() -> None:
    params = " ".join(f'(param "p{i}" u8)' for i in range(2_000))
    lowered = "(core func (canon lower (func $many) (memory $mem)))"
    load(f'(import "many" (func $many {params})) {lowered * 100}')
    refused(f'(import "many" (func $many {params})) {lowered * 600}', "takes more than the limit")
