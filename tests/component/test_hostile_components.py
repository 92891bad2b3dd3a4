"""Components that mean harm: an error with a type comes of each, and other instances of the store go on."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks import robustness
from pywrt.api import Engine, Store
from pywrt.component import Component, Instance, Linker
from pywrt.component.text import parse_component
from pywrt.config import Config
from pywrt.errors import LimitError, Trap


@pytest.mark.parametrize("name", robustness.COMPONENT_INPUTS)
def test_hostile_component_comes_to_its_outcome(name: str) -> None:
    case = robustness.COMPONENT_INPUTS[name]
    found = robustness.outcome(robustness.examine_component(case.build(), robustness.LOADED))
    assert found.startswith(case.outcome), found
    assert bool(found) is bool(case.outcome), found


@pytest.mark.parametrize("name", ["component, components in each other, 90 deep", "component, 20,000 types"])
def test_hostile_component_is_shown_whole(name: str) -> None:
    steps = robustness.examine_component(robustness.COMPONENT_INPUTS[name].build())
    assert {step.name for step in steps} >= {"objdump", "objdump -x", "inspect", "print", "wit"}
    assert [step.outcome for step in steps if step.outcome] == []


GOOD = """(component
  (core module $m (func (export "f") (result i32) (i32.const 42)))
  (core instance $i (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))"""
#: Two resource types, `a` and `b`; `run` has a handle of `a` in `$h`. Strings are lifted for `say`, at 16.
BAD = """(component
  (import "say" (func $say (param "s" string)))
  (type $a (resource (rep i32))) (type $b (resource (rep i32)))
  (core func $new (canon resource.new $a)) (core func $new-b (canon resource.new $b))
  (core func $rep (canon resource.rep $a))
  (core func $drop (canon resource.drop $a)) (core func $drop-b (canon resource.drop $b))
  (core module $libc (memory (export "mem") 1))
  (core instance $libc (instantiate $libc))
  (core func $say8 (canon lower (func $say) (memory $libc "mem")))
  (core func $say16 (canon lower (func $say) (memory $libc "mem") string-encoding=utf16))
  (core func $say-latin1 (canon lower (func $say) (memory $libc "mem") string-encoding=latin1+utf16))
  (core module $m
    (import "" "mem" (memory 1))
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "new-b" (func $new-b (param i32) (result i32)))
    (import "" "rep" (func $rep (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32))) (import "" "drop-b" (func $drop-b (param i32)))
    (import "" "say8" (func $say8 (param i32 i32))) (import "" "say16" (func $say16 (param i32 i32)))
    (import "" "say-latin1" (func $say-latin1 (param i32 i32)))
    (data (i32.const 16) "{bytes}")
    (func (export "run") (local $h i32) (local $b i32)
      (local.set $h (call $new (i32.const 7)))
      {code}))
  (core instance $i (instantiate $m (with "" (instance
    (export "mem" (memory $libc "mem"))
    (export "new" (func $new)) (export "new-b" (func $new-b)) (export "rep" (func $rep))
    (export "drop" (func $drop)) (export "drop-b" (func $drop-b))
    (export "say8" (func $say8)) (export "say16" (func $say16)) (export "say-latin1" (func $say-latin1))))))
  (func (export "run") (canon lift (core func $i "run"))))"""


@pytest.fixture
def make() -> Callable[..., Instance]:
    """An instance of a text, in one store; what it says is in `make.said`."""
    engine = Engine(Config(max_instances=100, max_handles=1000))
    store = Store(engine)
    linker = Linker(engine)
    said: list[str] = []
    linker.root().add_func("say", said.append)

    def make(text: str) -> Instance:
        return linker.instantiate(store, Component(engine, parse_component(text)))

    make.said = said  # type: ignore[attr-defined]
    return make


GUESSED = ("0", "1", "2", "3", "7", "0x0fffffff", "0x10000000", "0x7fffffff", "0x80000000", "-1")


@pytest.mark.parametrize("use", ["(drop (call $rep {}))", "(call $drop {})", "(call $drop-b {})"])
@pytest.mark.parametrize("index", GUESSED)
def test_handle_that_is_guessed_is_the_instances_own_or_a_trap(make: Any, use: str, index: str) -> None:
    good = make(GOOD)
    bad = make(BAD.format(bytes="", code=use.format(f"(i32.const {index})")))
    run = bad.get_func(bad.store, "run")
    if index == "1" and "-b" not in use:
        assert run(bad.store) is None
    else:
        with pytest.raises(Trap, match=r"unknown handle index|used with the wrong type"):
            run(bad.store)
        with pytest.raises(Trap, match="cannot enter component instance"):
            run(bad.store)
    assert good.get_func(good.store, "f")(good.store) == 42


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("(call $drop (local.get $h)) (call $drop (local.get $h))", "unknown handle index 1"),
        ("(call $drop (local.get $h)) (drop (call $rep (local.get $h)))", "unknown handle index 1"),
        ("(call $drop-b (local.get $h))", "used with the wrong type"),
        (
            """(call $drop (local.get $h)) (local.set $b (call $new-b (i32.const 1)))
            (call $drop (local.get $h))""",
            "used with the wrong type",
        ),
        ("(loop (drop (call $new (i32.const 0))) (br 0))", "the store's limit is reached"),
    ],
)
def test_handle_that_is_misused_traps(make: Any, code: str, message: str) -> None:
    good, bad = make(GOOD), make(BAD.format(bytes="", code=code))
    with pytest.raises(Trap, match=message):
        bad.get_func(bad.store, "run")(bad.store)
    assert good.get_func(good.store, "f")(good.store) == 42
    again = make(BAD.format(bytes="", code=""))  # there are handles for it, whoever took them all
    assert again.get_func(again.store, "run")(again.store) is None


@pytest.mark.parametrize(
    ("bytes", "call", "said"),
    [
        (r"a\c3\a9", "(call $say8 (i32.const 16) (i32.const 3))", "a\u00e9"),
        (r"a\c3\a9", "(call $say8 (i32.const 16) (i32.const 2))", None),
        (r"a\c3\a9", "(call $say8 (i32.const 18) (i32.const 1))", None),
        (r"\f0\9f\98\80", "(call $say8 (i32.const 16) (i32.const 3))", None),
        (r"\ed\a0\80", "(call $say8 (i32.const 16) (i32.const 3))", None),
        (r"\c0\80", "(call $say8 (i32.const 16) (i32.const 2))", None),
        (r"\3d\d8\00\de", "(call $say16 (i32.const 16) (i32.const 2))", "\U0001f600"),
        (r"\3d\d8\00\de", "(call $say16 (i32.const 16) (i32.const 1))", None),
        (r"\3d\d8\00\de", "(call $say16 (i32.const 18) (i32.const 1))", None),
        (r"\3d\d8\00\de", "(call $say16 (i32.const 17) (i32.const 1))", None),
        (r"\3d\d8\00\de", "(call $say-latin1 (i32.const 16) (i32.const 0x80000001))", None),
        (r"\3d\d8\00\de", "(call $say-latin1 (i32.const 16) (i32.const 0x80000002))", "\U0001f600"),
        (r"\e9", "(call $say-latin1 (i32.const 16) (i32.const 1))", "\u00e9"),
        ("", "(call $say8 (i32.const 65530) (i32.const 7))", None),
        ("", "(call $say8 (i32.const -1) (i32.const 1))", None),
        ("", "(call $say8 (i32.const 0) (i32.const -1))", None),
        ("", "(call $say16 (i32.const 0) (i32.const 0x7fffffff))", None),
        ("", "(call $say-latin1 (i32.const 0) (i32.const -1))", None),
    ],
)
def test_string_that_is_cut_is_whole_or_a_trap(make: Any, bytes: str, call: str, said: str | None) -> None:
    good, bad = make(GOOD), make(BAD.format(bytes=bytes, code=call))
    if said is None:
        with pytest.raises(Trap):
            bad.get_func(bad.store, "run")(bad.store)
        assert make.said == []
    else:
        bad.get_func(bad.store, "run")(bad.store)
        assert make.said == [said]
    assert good.get_func(good.store, "f")(good.store) == 42


def test_component_of_too_many_instances_leaves_the_others(make: Any) -> None:
    good = make(GOOD)
    inner = "(component (component $d (component $c) " + "(instance (instantiate $c))" * 60 + ")"
    with pytest.raises(LimitError, match="the store's limit of 100 instances is reached"):
        make(inner + "(instance (instantiate $d))" * 4 + ")")
    assert good.get_func(good.store, "f")(good.store) == 42
