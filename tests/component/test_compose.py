"""Components that serve each other's imports: composed to one file, and linked at run time."""

from pathlib import Path
from typing import Any

import pytest

try:
    import wasmtime
    from wasmtime import component as oracle
except ImportError:
    oracle = None

from pywrt.api import Engine, Store
from pywrt.component import Component, Instance, Linker
from pywrt.component.compose import Part, compose
from pywrt.component.text import parse_component
from pywrt.component.wit import component_wit
from pywrt.errors import LinkError, Trap

TYPES = """
  (type $point' (record (field "x" s32) (field "y" s32)))
  (export "point" (type $point (eq $point')))
  (export "counter" (type $counter (sub resource)))
  (export "add" (func (param "a" u32) (param "b" u32) (result u32)))
  (export "move" (func (param "p" $point) (param "dx" s32) (result $point)))
  (export "greet" (func (param "name" string) (result string)))
  (export "[constructor]counter" (func (param "start" u32) (result (own $counter))))
  (export "[method]counter.add" (func (param "self" (borrow $counter)) (param "n" u32) (result u32)))
"""

#: A memory and what allocates in it.
MEMORY = """
  (core module $memory
    (global $top (mut i32) (i32.const 1024))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $top
        (i32.add (global.get $top) (i32.and (i32.add (local.get 3) (i32.const 15)) (i32.const -8))))
      (i32.and (i32.sub (global.get $top) (local.get 3)) (i32.const -8))))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
"""


def plug(name: str = "lab:math/ops@0.1.4", imports: str = "") -> str:
    """A component that exports an interface with functions, a record and a resource.

    Its counters go up by one more than they are told to, in the core module's memory.
    """
    return f"""(component {imports} {MEMORY}
  (type $counter (resource (rep i32)))
  (core func $new (canon resource.new $counter))
  (core module $m
    (import "m" "memory" (memory 1))
    (import "m" "new" (func $new (param i32) (result i32)))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "move") (param i32 i32 i32) (result i32)
      (i32.store (i32.const 16) (i32.add (local.get 0) (local.get 2)))
      (i32.store (i32.const 20) (local.get 1))
      (i32.const 16))
    (func (export "greet") (param i32 i32) (result i32)
      (i32.store (i32.const 256) (i32.const 0x20_21_69_68)) ;; `hi! `
      (memory.copy (i32.const 260) (local.get 0) (local.get 1))
      (i32.store (i32.const 8) (i32.const 256))
      (i32.store (i32.const 12) (i32.add (local.get 1) (i32.const 4)))
      (i32.const 8))
    (func (export "make") (param i32) (result i32)
      (i32.store (i32.const 64) (local.get 0))
      (call $new (i32.const 64)))
    (func (export "count") (param i32 i32) (result i32)
      (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.add (local.get 1) (i32.const 1))))
      (i32.load (local.get 0))))
  (core instance $i (instantiate $m (with "m" (instance
    (export "memory" (memory $mem)) (export "new" (func $new))))))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (func $greet (param "name" string) (result string)
    (canon lift (core func $i "greet") (memory $mem) (realloc (func $realloc))))
  (type $point (record (field "x" s32) (field "y" s32)))
  (func $move (param "p" $point) (param "dx" s32) (result $point)
    (canon lift (core func $i "move") (memory $mem)))
  (func $make (param "start" u32) (result (own $counter)) (canon lift (core func $i "make")))
  (func $count (param "self" (borrow $counter)) (param "n" u32) (result u32)
    (canon lift (core func $i "count")))
  (component $shim
    (import "counter" (type $counter (sub resource)))
    (type $point' (record (field "x" s32) (field "y" s32)))
    (import "point" (type $point (eq $point')))
    (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
    (import "greet" (func $greet (param "name" string) (result string)))
    (import "move" (func $move (param "p" $point) (param "dx" s32) (result $point)))
    (import "make" (func $make (param "start" u32) (result (own $counter))))
    (import "count" (func $count (param "self" (borrow $counter)) (param "n" u32) (result u32)))
    (export $point-out "point" (type $point))
    (export $counter-out "counter" (type $counter))
    (export "add" (func $add))
    (export "greet" (func $greet))
    (export "move" (func $move) (func (param "p" $point-out) (param "dx" s32) (result $point-out)))
    (export "[constructor]counter" (func $make) (func (param "start" u32) (result (own $counter-out))))
    (export "[method]counter.add" (func $count)
      (func (param "self" (borrow $counter-out)) (param "n" u32) (result u32))))
  (instance $shim (instantiate $shim
    (with "counter" (type $counter)) (with "point" (type $point)) (with "add" (func $add))
    (with "greet" (func $greet)) (with "move" (func $move)) (with "make" (func $make))
    (with "count" (func $count))))
  (export "{name}" (instance $shim)))"""


SOCKET = f"""(component
  (import "lab:math/ops@0.1.2" (instance $ops {TYPES}))
  (alias export $ops "counter" (type $counter))
  {MEMORY}
  (core func $drop (canon resource.drop $counter))
  (core func $add (canon lower (func $ops "add")))
  (core func $move (canon lower (func $ops "move") (memory $mem)))
  (core func $greet (canon lower (func $ops "greet") (memory $mem) (realloc (func $realloc))))
  (core func $make (canon lower (func $ops "[constructor]counter")))
  (core func $count (canon lower (func $ops "[method]counter.add")))
  (core module $m
    (import "m" "memory" (memory 1))
    (import "m" "add" (func $add (param i32 i32) (result i32)))
    (import "m" "move" (func $move (param i32 i32 i32 i32)))
    (import "m" "greet" (func $greet (param i32 i32 i32)))
    (import "m" "make" (func $make (param i32) (result i32)))
    (import "m" "count" (func $count (param i32 i32) (result i32)))
    (import "m" "drop" (func $drop (param i32)))
    (func (export "sum") (param i32) (result i32) (call $add (local.get 0) (i32.const 40)))
    (func (export "moved") (param i32) (result i32)
      (call $move (local.get 0) (i32.const 5) (i32.const 100) (i32.const 32))
      (i32.add (i32.mul (i32.load (i32.const 32)) (i32.const 10)) (i32.load (i32.const 36))))
    (func (export "hello") (param i32 i32) (result i32)
      (call $greet (local.get 0) (local.get 1) (i32.const 48))
      (i32.const 48))
    (func (export "counted") (param i32) (result i32) (local $c i32)
      (local.set $c (call $make (local.get 0)))
      (drop (call $count (local.get $c) (i32.const 5)))
      (call $count (local.get $c) (i32.const 10))
      (call $drop (local.get $c))))
  (core instance $i (instantiate $m (with "m" (instance
    (export "memory" (memory $mem)) (export "add" (func $add)) (export "move" (func $move))
    (export "greet" (func $greet)) (export "make" (func $make)) (export "count" (func $count))
    (export "drop" (func $drop))))))
  (func (export "sum") (param "n" u32) (result u32) (canon lift (core func $i "sum")))
  (func (export "moved") (param "x" s32) (result s32) (canon lift (core func $i "moved")))
  (func (export "hello") (param "name" string) (result string)
    (canon lift (core func $i "hello") (memory $mem) (realloc (func $realloc))))
  (func (export "counted") (param "start" u32) (result u32) (canon lift (core func $i "counted"))))"""

#: What wasmtime takes only if it is told to.
NOT_IN_ORACLE = ("async", "map", "error-context")

#: Calls of what SOCKET exports, and what comes of them.
CALLS = [("sum", 2, 42), ("moved", 7, 1075), ("hello", "Wörld", "hi! Wörld"), ("counted", 3, 20)]


def part(engine: Engine, text: str, name: str) -> Part:
    return Part(engine, parse_component(text), name)


def composed(engine: Engine, socket: str, *plugs: str) -> bytes:
    parts = [part(engine, text, f"plug{i}.wasm") for i, text in enumerate(plugs)]
    data = compose(engine, part(engine, socket, "socket.wasm"), parts)
    if oracle is not None and not any(word in socket for word in NOT_IN_ORACLE):
        try:
            oracle.Component(wasmtime.Engine(), data)
        except wasmtime.WasmtimeError as error:
            assert "a reexport of an imported function which is not implemented" in str(error)  # noqa: PT017
    return data


def refused(engine: Engine, socket: str, *plugs: str) -> str:
    with pytest.raises(LinkError) as caught:
        composed(engine, socket, *plugs)
    return caught.value.message


def results(store: Store, instance: Instance) -> list[Any]:
    found = []
    for name, argument, _ in CALLS:
        func = instance.get_func(store, name)
        assert func is not None
        found.append(func(store, argument))
    return found


EXPECTED = [expected for _, _, expected in CALLS]


# Composed to one file


def test_composed_component_serves_functions_records_strings_and_resources(
    engine: Engine, linker: Linker, store: Store
) -> None:
    component = Component(engine, composed(engine, SOCKET, plug()))
    assert list(component.imports()) == []
    assert list(component.exports()) == ["sum", "moved", "hello", "counted"]
    assert results(store, linker.instantiate(store, component)) == EXPECTED


@pytest.mark.skipif(oracle is None, reason="the oracle, wasmtime 49, is not installed")
def test_composed_component_runs_in_wasmtime(engine: Engine) -> None:
    data = composed(engine, SOCKET, plug())
    their_engine = wasmtime.Engine()
    their_store = wasmtime.Store(their_engine)
    instance = oracle.Linker(their_engine).instantiate(their_store, oracle.Component(their_engine, data))
    found = []
    for name, argument, _ in CALLS:
        func = instance.get_func(their_store, name)
        found.append(func(their_store, argument))
        func.post_return(their_store)
    assert found == EXPECTED


def test_composition_of_compositions(engine: Engine, linker: Linker, store: Store) -> None:
    """A plug that is composed itself: it hands on what another one provides."""
    handed_on = """(component
      (import "lab:math/ops@0.1.0" (instance $ops
        (export "add" (func (param "a" u32) (param "b" u32) (result u32)))))
      (alias export $ops "add" (func $add))
      (instance $out (export "add" (func $add)))
      (export "lab:more/ops@1.0.0" (instance $out)))"""
    socket = """(component
      (import "lab:more/ops@1.0.0" (instance $ops
        (export "add" (func (param "a" u32) (param "b" u32) (result u32)))))
      (alias export $ops "add" (func $add))
      (export "plus" (func $add)))"""
    inner = Part(engine, composed(engine, handed_on, plug()), "inner.wasm")
    data = compose(engine, part(engine, socket, "socket.wasm"), [inner])
    instance = linker.instantiate(store, Component(engine, data))
    func = instance.get_func(store, "plus")
    assert func is not None
    assert func(store, 1, 2) == 3


# What is left of the imports

LOG = '(import "lab:log/log@{}" (instance (export "{}" (func (param "line" string)))))'
USES = """
  (import "lab:io/poll@0.2.{}" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.{}" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "lab:clock/clock@0.2.{}" (instance
    (type $d u64) (export "duration" (type $duration (eq $d)))
    (type $t' (record (field "at" $duration))) (export "time" (type $t (eq $t')))
    (export "pollable" (type $p (eq $pollable)))
    (export "{}" (func (param "t" $t) (param "d" $duration) (result (own $p))))))
"""
EMPTY = '(component (import "lab:a/b" (instance)) {})'
PROVIDES = '(component {} (instance $i) (export "lab:a/b" (instance $i)))'


def imported(data: bytes, engine: Engine) -> dict[str, list[str]]:
    """The imports of a component, and what they have to have."""
    component = Component(engine, data)
    return {name: list(item.type.exports) for name, item in component.imports().items()}  # type: ignore[union-attr]


def test_imports_that_no_plug_provides_are_imports(engine: Engine) -> None:
    data = composed(engine, EMPTY.format(LOG.format("1.0.0", "a")), PROVIDES.format(LOG.format("2.0.0", "b")))
    assert imported(data, engine) == {"lab:log/log@2.0.0": ["b"], "lab:log/log@1.0.0": ["a"]}


@pytest.mark.parametrize(
    ("ours", "theirs", "name"),
    [("1.0.0", "1.0.0", "1.0.0"), ("1.2.0", "1.1.1", "1.2.0"), ("0.2.3", "0.2.4", "0.2.4")],
)
def test_imports_that_are_compatible_are_one(engine: Engine, ours: str, theirs: str, name: str) -> None:
    for socket, other in (("a", "a"), ("a", "b")):
        data = composed(
            engine, EMPTY.format(LOG.format(ours, socket)), PROVIDES.format(LOG.format(theirs, other))
        )
        assert imported(data, engine) == {f"lab:log/log@{name}": sorted({other, socket}, reverse=True)}


def test_imports_that_use_types_of_each_other_are_one(engine: Engine, linker: Linker, store: Store) -> None:
    socket, provider = USES.format(0, "ready", 1, "now"), USES.format(9, "block", 0, "then")
    data = composed(engine, EMPTY.format(socket), PROVIDES.format(provider))
    assert imported(data, engine) == {
        "lab:io/poll@0.2.9": ["pollable", "[method]pollable.block", "[method]pollable.ready"],
        "lab:clock/clock@0.2.1": ["duration", "time", "pollable", "then", "now"],
    }
    packages = component_wit(Component(engine, data).type).packages
    clock = packages["lab:clock@0.2.1"].interfaces["clock"]
    assert list(clock.uses) == ["lab:io/poll@0.2.9"]
    assert str(clock.functions["now"]) == "func(t: record { at: u64 }, d: u64) -> own<pollable>"
    component = Component(engine, data)
    linker.define_unknown_imports_as_traps(component)
    linker.instantiate(store, component)


def test_imports_of_every_type_are_written_as_they_are(engine: Engine) -> None:
    kinds = """(import "lab:all/all" (instance
      (export "r" (type $r (sub resource)))
      (type $v' (variant (case "a") (case "b" string))) (export "v" (type $v (eq $v')))
      (type $e' (enum "a" "b")) (export "e" (type $e (eq $e')))
      (type $f' (flags "a" "b")) (export "f" (type $f (eq $f')))
      (type $l' (list $v)) (export "l" (type $l (eq $l')))
      (export "f1" (func (param "o" (option $e)) (result (result $l (error $f)))))
      (export "f2" (func (param "t" (tuple u8 s8 u16 s16 u32 s32 u64 s64 f32 f64 char bool string)))
      )
      (export "f3" (func async (param "s" (stream u8)) (param "x" (future)) (result (list u8 4))))
      (export "f4" (func (param "m" (map string u8)) (param "e" error-context) (result (result))))
      (export "f5" (func (param "a" (own $r)) (param "b" (borrow $r))))))
      (import "f" (func (param "x" (list u8))))
      (import "r" (type $r2 (sub resource)))
      (import "g" (func (param "x" (own $r2)) (result (stream (tuple string)))))
      (import "c" (component (import "a:b/c" (instance $i (export "r" (type (sub resource)))))
        (alias export $i "r" (type $r)) (export "f" (func (param "x" (borrow $r))))))"""
    data = composed(engine, EMPTY.format(kinds), PROVIDES.format(""))
    whole = Component(engine, data).imports()
    plain = part(engine, EMPTY.format(kinds), "").type.imports
    assert list(whole) == [name for name in plain if name != "lab:a/b"]
    wits = [
        component_wit(Component(engine, binary).type).packages["lab:all"]
        for binary in (
            composed(engine, EMPTY.format(kinds.partition('(import "f"')[0]), PROVIDES.format("")),
            parse_component(EMPTY.format(kinds.partition('(import "f"')[0])),
        )
    ]
    assert wits[0].syntax == wits[1].syntax
    for name in ("f", "g"):
        assert str(whole[name].type) == str(plain[name].type)


def test_import_that_is_a_core_module_is_refused(engine: Engine) -> None:
    text = EMPTY.format('(import "m" (core module))')
    assert refused(engine, text, PROVIDES.format("")) == (
        "`plug0.wasm` can't be plugged into `socket.wasm`: `m` is a core module, whose type can't be written"
    )


def test_imports_of_different_sorts_under_one_name_are_refused(engine: Engine) -> None:
    text = EMPTY.format('(import "f" (func))'), PROVIDES.format('(import "f" (instance))')
    assert refused(engine, *text) == "`plug0.wasm` imports `f` as instance, but `socket.wasm` as func"


def test_imports_of_different_types_under_one_name_are_refused(engine: Engine) -> None:
    text = EMPTY.format('(import "f" (func))'), PROVIDES.format('(import "f" (func async))')
    assert refused(engine, *text) == (
        "`plug0.wasm` can't be plugged into `socket.wasm`: type mismatch for import `f`: expected sync func"
    )


def test_imports_that_depend_on_each_other_are_refused(engine: Engine) -> None:
    def uses(one: str, two: str) -> str:
        return (
            f'(import "lab:x/{one}" (instance ${one} (export "{one}" (type (sub resource)))))'
            f'(alias export ${one} "{one}" (type $t))'
            f'(import "lab:x/{two}" (instance (export "{one}" (type (eq $t)))))'
        )

    message = refused(engine, EMPTY.format(uses("a", "b")), PROVIDES.format(uses("b", "a")))
    assert message == ("what is left of the imports depends on itself: `lab:x/b` -> `lab:x/a` -> `lab:x/b`")


def test_import_that_needs_a_resource_type_of_a_plug_is_refused(engine: Engine) -> None:
    socket = """(component
      (import "lab:a/b" (instance $i (export "r" (type (sub resource)))))
      (alias export $i "r" (type $r))
      (import "lab:c/d" (instance (export "r" (type $r' (eq $r))) (export "f" (func (result (own $r')))))))"""
    provider = """(component (type $r (resource (rep i32)))
      (instance $i (export "r" (type $r))) (export "lab:a/b" (instance $i)))"""
    assert refused(engine, socket, provider) == (
        "`lab:c/d` uses the resource type `r` of `lab:a/b`, which `plug0.wasm` exports: "
        "plug something for `lab:c/d`, too"
    )


# What doesn't fit


def test_plug_without_a_matching_export_is_refused_with_both_lists(engine: Engine) -> None:
    assert refused(engine, SOCKET, plug("lab:math/other@0.1.2")) == (
        "`plug0.wasm` exports nothing that `socket.wasm` imports: "
        "the one exports `lab:math/other@0.1.2`, the other imports `lab:math/ops@0.1.2`"
    )
    assert "exports nothing" in refused(engine, SOCKET, plug("lab:math/ops@0.2.0"))
    assert refused(engine, "(component)", "(component)") == (
        "`plug0.wasm` exports nothing that `socket.wasm` imports: "
        "the one exports nothing, the other imports nothing"
    )


def test_plug_of_another_type_is_refused_with_the_reason(engine: Engine) -> None:
    socket = (
        SOCKET.replace('(export "add" (func (param "a" u32)', '(export "add" (func (param "a" u64)')
        .replace("(func $add (param i32 i32)", "(func $add (param i64 i32)")
        .replace("(call $add (local.get 0)", "(call $add (i64.const 0)")
    )
    assert refused(engine, socket, plug()) == (
        "`plug0.wasm` can't be plugged into `socket.wasm`: type mismatch for import `lab:math/ops@0.1.2`: "
        "type mismatch in instance export `add`: type mismatch in function parameter `a`: "
        "expected primitive `u64` found primitive `u32`"
    )


def test_two_plugs_for_one_import_are_refused(engine: Engine) -> None:
    assert refused(engine, SOCKET, plug(), plug("lab:math/ops@0.1.9")) == (
        "two plugs export `lab:math/ops@0.1.2`, `plug0.wasm` and `plug1.wasm`: choose one"
    )


# What is exported


def test_exports_have_the_types_of_the_socket(engine: Engine) -> None:
    socket = f"""(component
      (import "lab:math/ops@0.1.2" (instance $ops {TYPES}))
      (import "lab:a/b" (instance))
      (alias export $ops "counter" (type $counter))
      (alias export $ops "add" (func $add))
      (alias export $ops "[constructor]counter" (func $make))
      (export $out "counter" (type $counter))
      (export "add" (func $add))
      (export "make" (func $make) (func (param "start" u32) (result (own $out))))
      (export "lab:again/ops" (instance $ops)))"""
    for plugs in ((plug(),), (PROVIDES.format(""),), (plug(), PROVIDES.format(""))):
        component = Component(engine, composed(engine, socket, *plugs))
        exports = component.exports()
        assert list(exports) == ["counter", "add", "make", "lab:again/ops"]
        assert str(exports["make"].type) == "func(start: u32) -> own<counter>"


def test_types_of_a_plug_that_exports_use_are_exported_with_it(engine: Engine) -> None:
    socket = f"""(component
      (import "lab:math/ops@0.1.2" (instance $ops {TYPES}))
      (alias export $ops "[constructor]counter" (func $make))
      (alias export $ops "move" (func $move))
      (export "make" (func $make))
      (export "move" (func $move)))"""
    component = Component(engine, composed(engine, socket, plug()))
    assert list(component.exports()) == ["lab:math/ops@0.1.2", "make", "move"]


# Linked at run time


def link(linker: Linker, store: Store, engine: Engine, *texts: str) -> Instance:
    """Instantiate components, each with what the ones before it export; the last one."""
    instance = None
    for text in texts:
        instance = linker.instantiate(store, Component(engine, parse_component(text)))
        linker.root().add_exports(instance)
    assert instance is not None
    return instance


def test_linked_instances_serve_functions_records_strings_and_resources(
    engine: Engine, linker: Linker, store: Store
) -> None:
    assert results(store, link(linker, store, engine, plug(), SOCKET)) == EXPECTED


def test_linked_instances_count_counters_in_the_one_that_has_them(
    engine: Engine, linker: Linker, store: Store
) -> None:
    socket = link(linker, store, engine, plug(), SOCKET)
    again = linker.instantiate(store, Component(engine, parse_component(SOCKET)))
    assert results(store, again) == results(store, socket) == EXPECTED


def test_exports_of_an_instance_under_another_name(engine: Engine, linker: Linker, store: Store) -> None:
    flat = linker.instantiate(store, Component(engine, composed(engine, SOCKET, plug())))
    linker.root().add_instance("lab:sum/sum").add_exports(flat)
    user = """(component (import "lab:sum/sum" (instance $i
      (export "sum" (func (param "n" u32) (result u32)))))
      (alias export $i "sum" (func $f)) (export "f" (func $f)))"""
    func = linker.instantiate(store, Component(engine, parse_component(user))).get_func(store, "f")
    assert func is not None
    assert func(store, 2) == 42


def test_linked_instance_of_another_store_is_refused(engine: Engine, linker: Linker, store: Store) -> None:
    link(linker, store, engine, plug())
    component = Component(engine, parse_component(SOCKET))
    with pytest.raises(LinkError, match="the resource type belongs to an instance of another store"):
        linker.instantiate(Store(engine), component)
    user = """(component (import "lab:math/ops@0.1.0" (instance $i
      (export "add" (func (param "a" u32) (param "b" u32) (result u32))))))"""
    with pytest.raises(
        LinkError, match=r"`lab:math/ops@0.1.0#add`: the function .* belongs to an instance of another"
    ):
        linker.instantiate(Store(engine), Component(engine, parse_component(user)))


def test_adding_to_the_exports_of_an_instance_leaves_it_as_it_is(
    engine: Engine, linker: Linker, store: Store
) -> None:
    instance = link(linker, store, engine, plug())
    linker.root().add_instance("lab:math/ops@0.1.4").add_func("more", print)
    assert "more" not in instance.exports["lab:math/ops@0.1.4"]


def test_exports_that_are_defined_already_are_refused(engine: Engine, linker: Linker, store: Store) -> None:
    instance = link(linker, store, engine, plug())
    with pytest.raises(LinkError, match=r"`lab:math/ops@0.1.4` is defined twice"):
        linker.root().add_exports(instance)


def test_unknown_imports_of_a_composition_trap(engine: Engine, linker: Linker, store: Store) -> None:
    socket = """(component (import "lab:a/b" (instance)) (import "f" (func $f)) (export "g" (func $f)))"""
    component = Component(engine, composed(engine, socket, PROVIDES.format("")))
    assert linker.missing_imports(component) == ["f"]
    linker.define_unknown_imports_as_traps(component)
    func = linker.instantiate(store, component).get_func(store, "g")
    assert func is not None
    with pytest.raises(Trap, match="unknown import: `f` has not been defined"):
        func(store)


def test_part_that_is_no_component_is_refused(engine: Engine) -> None:
    with pytest.raises(Exception, match="this is a core module, not a component"):
        Part(engine, b"\0asm\x01\0\0\0", "core.wasm")


# With components of toolchains

#: `lab:hello/host`, where a sink counts the bytes that it is given.
HELLO_HOST = f"""(component
  (import "lab:hello/types@0.1.0" (instance $types
    (type $c (enum "red" "green" "blue")) (export "color" (type (eq $c)))))
  (alias export $types "color" (type $color))
  {MEMORY}
  (type $sink (resource (rep i32)))
  (core func $new (canon resource.new $sink))
  (core module $m
    (import "m" "memory" (memory 1))
    (import "m" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "m" "new" (func $new (param i32) (result i32)))
    (data (i32.const 128) "a plug")
    (func (export "log") (param i32 i32 i32))
    (func (export "make") (param i32 i32) (result i32) (local $rep i32)
      (local.set $rep (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 8)))
      (i64.store (local.get $rep) (i64.const 0))
      (call $new (local.get $rep)))
    (func (export "write") (param i32 i32 i32) (result i32)
      (i64.store (local.get 0) (i64.add (i64.load (local.get 0)) (i64.extend_i32_u (local.get 2))))
      (i32.store8 (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get 2))
      (i32.const 16))
    (func (export "total") (param i32) (result i64) (i64.load (local.get 0)))
    (func (export "describe") (result i32)
      (i32.store (i32.const 32) (i32.const 128)) (i32.store (i32.const 36) (i32.const 6))
      (i32.const 32)))
  (core instance $i (instantiate $m (with "m" (instance
    (export "memory" (memory $mem)) (export "realloc" (func $realloc)) (export "new" (func $new))))))
  (component $shim
    (type $color' (enum "red" "green" "blue"))
    (import "color" (type $color (eq $color')))
    (import "sink" (type $sink (sub resource)))
    (import "log" (func $log (param "level" $color) (param "message" string)))
    (import "make" (func $make (param "name" string) (result (own $sink))))
    (import "write" (func $write (param "self" (borrow $sink)) (param "bytes" (list u8))
      (result (result u32 (error string)))))
    (import "total" (func $total (param "self" (borrow $sink)) (result u64)))
    (import "describe" (func $describe (result string)))
    (export $color-out "color" (type $color))
    (export $sink-out "sink" (type $sink))
    (export "log" (func $log) (func (param "level" $color-out) (param "message" string)))
    (export "[constructor]sink" (func $make) (func (param "name" string) (result (own $sink-out))))
    (export "[method]sink.write" (func $write) (func (param "self" (borrow $sink-out))
      (param "bytes" (list u8)) (result (result u32 (error string)))))
    (export "[method]sink.total" (func $total) (func (param "self" (borrow $sink-out)) (result u64)))
    (export "[static]sink.describe" (func $describe)))
  (func $log (param "level" $color) (param "message" string)
    (canon lift (core func $i "log") (memory $mem) (realloc (func $realloc))))
  (func $make (param "name" string) (result (own $sink))
    (canon lift (core func $i "make") (memory $mem) (realloc (func $realloc))))
  (func $write (param "self" (borrow $sink)) (param "bytes" (list u8))
    (result (result u32 (error string)))
    (canon lift (core func $i "write") (memory $mem) (realloc (func $realloc))))
  (func $total (param "self" (borrow $sink)) (result u64) (canon lift (core func $i "total")))
  (func $describe (result string) (canon lift (core func $i "describe") (memory $mem)))
  (instance $shim (instantiate $shim (with "color" (type $color)) (with "sink" (type $sink))
    (with "log" (func $log)) (with "make" (func $make)) (with "write" (func $write))
    (with "total" (func $total)) (with "describe" (func $describe))))
  (export "lab:hello/host@0.1.0" (instance $shim)))"""


def test_plug_for_a_component_of_a_toolchain(
    components: Path, engine: Engine, linker: Linker, store: Store
) -> None:
    socket = Part(engine, (components / "qjs-hello-sync-stub.wasm").read_bytes(), "hello.wasm")
    component = Component(engine, compose(engine, socket, [part(engine, HELLO_HOST, "host.wasm")]))
    assert list(component.imports()) == ["lab:hello/types@0.1.0"]
    assert list(component.exports()) == list(socket.type.exports)
    instance = linker.instantiate(store, component)
    to_host = instance.get_func(store, "lab:hello/api@0.1.0#to-host")
    assert to_host is not None
    assert to_host(store, ["ab", "c"]) == 5
    wit = component_wit(component.type).packages["lab:hello@0.1.0"].interfaces
    assert list(wit) == ["types", "api", "counters"]
    assert list(wit["api"].uses) == ["lab:hello/types@0.1.0"]
