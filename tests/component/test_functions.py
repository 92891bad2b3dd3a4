"""Calls between host and guest: memory, post-return, realloc, re-entrance, poisoning, slices, fuel."""

from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, Linker, Record, Variant
from pywrt.config import Config
from pywrt.engine.machine import Blocked, Stop
from pywrt.errors import Trap, ValueTypeError

#: `realloc` bumps from 1024; `echo` returns the pointer pair it was given; `count` counts post-returns.
LIBC = """(module
  (memory (export "mem") 1)
  (global $next (mut i32) (i32.const 1024))
  (global $count (mut i32) (i32.const 0))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 3))))
  (func (export "echo") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0))
    (i32.store (i32.const 20) (local.get 1))
    (i32.const 16))
  (func (export "post") (param i32) (global.set $count (i32.add (global.get $count) (i32.const 1))))
  (func (export "count") (result i32) (global.get $count)))"""


def echo(build: Any, types: Any, wat: str = LIBC, encoding: int | None = None) -> Any:
    b = build()
    libc = b.run(wat)
    memory = b.core_alias("core memory", libc, "mem")
    funcs = {f: b.core_alias("core func", libc, f) for f in ("realloc", "echo", "post", "count")}
    type = b.type(types.func({"s": "string"}, "string"))
    lifted = b.lift(
        funcs["echo"], type, encoding, memory=memory, realloc=funcs["realloc"], post_return=funcs["post"]
    )
    b.export("echo", "func", lifted)
    b.export("count", "func", b.lift(funcs["count"], b.type(types.func({}, "u32"))))
    return b


@pytest.mark.parametrize("encoding", [None, 0, 1])
@pytest.mark.parametrize("text", ["", "hello", "h\u00e9llo \u4e16\u754c \U0001f600", "x" * 5000])
def test_func_string_round_trips_in_each_encoding(
    instantiate: Any, store: Store, build: Any, types: Any, encoding: int | None, text: str
) -> None:
    assert instantiate(echo(build, types, encoding=encoding)).get_func(store, "echo")(store, text) == text


def test_func_post_return_runs_once_a_call(instantiate: Any, store: Store, build: Any, types: Any) -> None:
    instance = instantiate(echo(build, types))
    for _ in range(3):
        instance.get_func(store, "echo")(store, "x")
    assert instance.get_func(store, "count")(store) == 3


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(i32.const 65530)", "realloc return: beyond end of memory"),
        ("(i32.const -1)", "realloc return: beyond end of memory"),
        ("unreachable", "unreachable"),
        ("(loop (br 0)) (i32.const 0)", "deadline"),
    ],
)
def test_func_realloc_that_misbehaves_traps_and_poisons_its_instance(
    instantiate: Any, store: Store, build: Any, types: Any, body: str, message: str
) -> None:
    good = instantiate(echo(build, types))
    start = LIBC.index("    (global.set $next")
    end = LIBC.index('  (func (export "echo")')
    bad = instantiate(echo(build, types, LIBC[:start] + body + ")" + LIBC[end:]))
    if message == "deadline":
        store.set_deadline(0.0)
    with pytest.raises(Trap, match=message):
        bad.get_func(store, "echo")(store, "twelve chars")
    store.set_deadline(None)
    with pytest.raises(Trap, match="cannot enter component instance"):
        bad.get_func(store, "count")(store)
    assert good.get_func(store, "echo")(store, "still fine") == "still fine"


def test_func_argument_of_wrong_type_names_it_and_poisons_nothing(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    func = instantiate(echo(build, types)).get_func(store, "echo")
    with pytest.raises(ValueTypeError, match="argument 's': expected string, got int 5"):
        func(store, 5)
    with pytest.raises(ValueTypeError, match="takes 1 arguments"):
        func(store)
    assert func(store, "fine") == "fine"


def test_func_records_and_variants_are_lifted_and_lowered(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    b = build()
    core = b.run(
        """(module (memory (export "mem") 1)
        (func (export "f") (param i32 i32 i64) (result i32)
          (i32.store8 (i32.const 8) (i32.const 1))
          (i32.store (i32.const 12) (i32.add (local.get 0) (local.get 1)))
          (i32.const 8)))"""
    )
    memory, func = b.core_alias("core memory", core, "mem"), b.core_alias("core func", core, "f")
    pair = b.export("pair", "type", b.type(types.record(first="s32", second_one="s32")))
    shape = b.export("shape", "type", b.type(types.variant(none=None, area="u32", side="u32")))
    b.export("f", "func", b.lift(func, b.type(types.func({"p": pair, "n": "u64"}, shape)), memory=memory))
    f = instantiate(b).get_func(store, "f")
    for given in (
        Record(first=2, second_one=40),
        {"first": 2, "second-one": 40},
        {"first": 2, "second_one": 40},
    ):
        assert f(store, given, 0) == Variant("area", 42)
    with pytest.raises(ValueTypeError, match=r"argument 'p'.*second-one"):
        f(store, {"first": 2}, 0)


CALLER = """(module (import "m" "f" (func $f (param i32) (result i32)))
  (func (export "f") (param i32) (result i32) (call $f (local.get 0))))"""


def relay(build: Any, types: Any) -> Any:
    """Imports `f`, exports `g` that calls it."""
    b = build()
    type = b.type(types.func({"x": "u32"}, "u32"))
    core = b.run(CALLER, m=b.core_bag(f=("core func", b.lower(b.import_("f", "func", type)))))
    b.export("g", "func", b.lift(b.core_alias("core func", core, "f"), type))
    return b


def test_func_reentered_by_the_host_traps(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any
) -> None:
    instances: list[Any] = []

    def again(x: int) -> int:
        result: int = instances[0].get_func(store, "g")(store, x)
        return result

    linker.root().add_func("f", again)
    instances.append(instantiate(relay(build, types)))
    with pytest.raises(Trap, match="cannot enter component instance"):
        instances[0].get_func(store, "g")(store, 1)


def test_func_other_instance_may_be_called_by_the_host_meanwhile(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any
) -> None:
    other = instantiate(echo(build, types))
    linker.root().add_func("f", lambda x: len(other.get_func(store, "echo")(store, "x" * x)))
    assert instantiate(relay(build, types)).get_func(store, "g")(store, 6) == 6


def test_func_host_value_of_wrong_type_names_the_result(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any
) -> None:
    linker.root().add_func("f", lambda x: "text")
    with pytest.raises(ValueTypeError, match="result of 'f': expected u32, got str 'text'"):
        instantiate(relay(build, types)).get_func(store, "g")(store, 1)


def test_func_start_runs_in_slices_and_waits_for_the_host(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any
) -> None:
    answers = [Blocked(lambda: 5)]
    linker.root().add_func("f", lambda x: answers[0])
    task = instantiate(relay(build, types)).get_func(store, "g").start(store, 1)
    assert task.resume(1_000) is Stop.BLOCKED
    assert task.resume(1_000) is Stop.RETURNED
    assert task.result == 5


def test_func_out_of_fuel_traps_and_the_host_goes_on(build: Any, types: Any) -> None:
    engine = Engine(Config(consume_fuel=True))
    store = Store(engine)
    linker = Linker(engine)
    store.set_fuel(1_000)
    component = Component(engine, bytes(echo(build, types).data))
    instance = linker.instantiate(store, component)
    before = store.get_fuel()
    assert instance.get_func(store, "count")(store) == 0
    assert before - store.get_fuel() == 2
    store.set_fuel(3)
    with pytest.raises(Trap, match="all fuel consumed"):
        instance.get_func(store, "echo")(store, "x")
    store.set_fuel(1_000)
    assert linker.instantiate(store, component).get_func(store, "echo")(store, "x") == "x"
