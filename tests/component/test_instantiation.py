"""Instantiation: nested components, aliases, limits, and failures that leave the store alive."""

import time
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, Linker, instantiation
from pywrt.config import Config
from pywrt.errors import InvalidError, LimitError, Trap

ADD = '(module (func (export "f") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))'


def adder(build: Any, types: Any) -> Any:
    """A component that exports `add`."""
    b = build()
    func = b.core_alias("core func", b.run(ADD), "f")
    b.export("add", "func", b.lift(func, b.type(types.func({"a": "u32", "b": "u32"}, "u32"))))
    return b


def test_instance_exported_function_is_called_by_name(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    instance = instantiate(adder(build, types))
    add = instance.get_func(store, "add")
    assert add(store, 2, 40) == 42
    assert (add.name, str(add.type(store))) == ("add", "func(a: u32, b: u32) -> u32")
    add.post_return(store)
    assert instance.get_func(store, "sub") is None


def tripler(b: Any, add: int, types: Any) -> None:
    """Add `triple` to a component, made of its component function `add`."""
    core = b.run(
        """(module (import "m" "add" (func $add (param i32 i32) (result i32)))
        (func (export "f") (param i32) (result i32)
          (call $add (call $add (local.get 0) (local.get 0)) (local.get 0))))""",
        m=b.core_bag(add=("core func", b.lower(add))),
    )
    func = b.core_alias("core func", core, "f")
    b.export("triple", "func", b.lift(func, b.type(types.func({"x": "u32"}, "u32"))))


def test_instance_sibling_is_called_through_lower_and_lift(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    b = build()
    add = b.alias("func", b.instantiate(b.component(adder(build, types))), "add")
    inner = build()
    tripler(
        inner, inner.import_("add", "func", inner.type(types.func({"a": "u32", "b": "u32"}, "u32"))), types
    )
    made = b.instantiate(b.component(inner), {"add": ("func", add)})
    b.export("triple", "func", b.alias("func", made, "triple"))
    assert instantiate(b).get_func(store, "triple")(store, 7) == 21


def test_instance_call_from_parent_to_child_traps_and_poisons_the_parent_only(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    b = build()
    child = b.instantiate(b.component(adder(build, types)))
    add = b.alias("func", child, "add")
    tripler(b, add, types)
    b.export("add", "func", add)
    instance = instantiate(b)
    other = instantiate(b)
    for _ in range(2):
        with pytest.raises(Trap, match="cannot enter component instance"):
            instance.get_func(store, "triple")(store, 7)
    assert other.get_func(store, "add")(store, 1, 2) == 3


def test_instance_of_exports_is_reached_by_index_and_by_path(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    b = build()
    inner = b.instantiate(b.component(adder(build, types)))
    b.export("my:math/api@0.2.7", "instance", b.bag({"plus": ("func", b.alias("func", inner, "add"))}))
    instance = instantiate(b)
    index = instance.get_export_index(store, "my:math/api@0.2.7")
    plus = instance.get_export_index(store, "plus", index)
    assert instance.get_func(store, plus)(store, 1, 2) == 3
    assert instance.get_func(store, "my:math/api@0.2.0#plus")(store, 1, 2) == 3
    assert instance.get_func(store, "my:math/api@0.3.0#plus") is None
    assert instance.get_export_index(store, "minus", index) is None
    assert instance.exports["my:math/api@0.2.7"]["plus"](store, 3, 4) == 7


def test_alias_outer_module_and_component_reach_the_enclosing_component(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    b = build()
    b.module(ADD)
    b.component(adder(build, types))
    inner = build()
    core = inner.core_instance(inner.outer("core module", 1, 0))
    type = inner.type(types.func({"a": "u32", "b": "u32"}, "u32"))
    inner.export("one", "func", inner.lift(inner.core_alias("core func", core, "f"), type))
    other = inner.instantiate(inner.outer("component", 1, 0))
    inner.export("two", "func", inner.alias("func", other, "add"))
    made = b.instantiate(b.component(inner))
    for name in ("one", "two"):
        b.export(name, "func", b.alias("func", made, name))
    instance = instantiate(b)
    assert [instance.get_func(store, name)(store, 5, 6) for name in ("one", "two")] == [11, 11]


def test_component_argument_is_instantiated_by_the_one_it_is_given_to(
    instantiate: Any, store: Store, build: Any, types: Any, decls: Any
) -> None:
    taker = build()
    wanted = decls()
    wanted.export("add", "func", wanted.type(types.func({"a": "u32", "b": "u32"}, "u32")))
    taker.import_("c", "component", taker.type(wanted.component()))
    taker.export("add", "func", taker.alias("func", taker.instantiate(0), "add"))
    b = build()
    b.component(adder(build, types))
    made = b.instantiate(b.component(taker), {"c": ("component", 0)})
    b.export("add", "func", b.alias("func", made, "add"))
    assert instantiate(b).get_func(store, "add")(store, 20, 22) == 42


def test_instantiate_a_chain_of_a_hundred_components_works(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    inner = adder(build, types)
    for _ in range(99):
        b = build()
        b.export("add", "func", b.alias("func", b.instantiate(b.component(inner)), "add"))
        inner = b
    assert instantiate(inner).get_func(store, "add")(store, 1, 1) == 2


def test_instantiate_components_that_unfold_exponentially_hits_the_instance_limit(build: Any) -> None:
    inner = build()
    for _ in range(40):
        b = build()
        component = b.component(inner)
        b.instantiate(component)
        b.instantiate(component)
        inner = b
    engine = Engine(Config(max_instances=500))
    store = Store(engine)
    with pytest.raises(LimitError, match="limit of 500 instances is reached"):
        Linker(engine).instantiate(store, Component(engine, bytes(inner.data)))


def test_instantiate_start_function_that_traps_leaves_the_store_alive(
    instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    alive = instantiate(adder(build, types))
    b = build()
    inner = build()
    inner.run("(module (func $s unreachable) (start $s))")
    b.instantiate(b.component(inner))
    with pytest.raises(Trap, match="unreachable"):
        instantiate(b)
    assert alive.get_func(store, "add")(store, 1, 2) == 3


def test_instantiate_active_segment_out_of_bounds_traps(instantiate: Any, build: Any) -> None:
    b = build()
    b.run('(module (memory 1) (data (i32.const 65536) "x"))')
    with pytest.raises(Trap, match="out of bounds memory access"):
        instantiate(b)


def test_component_given_a_core_module_says_what_to_use(engine: Engine) -> None:
    with pytest.raises(
        Exception, match=r"core module, not a component; load it as a module \(pywrt.Module\)"
    ):
        Component(engine, b"\0asm\x01\0\0\0")


def test_component_of_a_feature_that_is_off_names_it(components: Any) -> None:
    engine = Engine(Config().disable("component-model-async"))
    with pytest.raises(InvalidError, match="component-model-async") as caught:
        Component.from_file(engine, components / "qjs-hello.wasm")
    assert caught.value.feature == "component-model-async"


def test_func_of_another_store_is_refused(
    instantiate: Any, engine: Engine, store: Store, build: Any, types: Any
) -> None:
    add = instantiate(adder(build, types)).get_func(store, "add")
    with pytest.raises(Exception, match="belongs to another store"):
        add(Store(engine), 1, 2)


def doubling(build: Any, leaf: Any, depth: int) -> Any:
    """A component that holds 2 ** depth instances of `leaf`, in a few bytes a level."""
    b = build()
    component = b.component(leaf)
    for _ in range(depth):
        inner = build()
        below = inner.outer("component", 1, component)
        inner.instantiate(below)
        inner.instantiate(below)
        component = b.component(inner)
    b.instantiate(component)
    return b


def large_leaves(build: Any, types: Any) -> dict[str, Any]:
    """Components of a few KB that make thousands of items each, in different ways."""
    exporting, items, functions, elements = (build() for _ in range(4))
    core = exporting.core_alias("core func", exporting.run('(module (func (export "f")))'), "f")
    func = exporting.lift(core, exporting.type(types.func()))
    exporting.export("all", "instance", exporting.bag({f"a{i}": ("func", func) for i in range(2000)}))
    core = items.core_alias("core func", items.run('(module (func (export "f")))'), "f")
    items.core_bag(**{f"a{i}": ("core func", core) for i in range(2000)})
    functions.run(f"(module {'(func)' * 2000})")
    elements.run(f"(module (func $f) (table 1 funcref) (elem func {'$f ' * 2000}))")
    return {"bag": exporting, "core bag": items, "functions": functions, "elements": elements}


@pytest.mark.parametrize("kind", ["bag", "core bag", "functions", "elements"])
def test_instantiate_many_large_instances_passes_the_limit_of_items(
    instantiate: Any, build: Any, types: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instantiation, "MAX_ITEMS", 20_000)
    leaf = large_leaves(build, types)[kind]
    instantiate(doubling(build, leaf, 2))
    with pytest.raises(LimitError, match=r"^instantiating the component makes more than the limit of 20000"):
        instantiate(doubling(build, leaf, 6))


def test_instantiate_past_the_deadline_traps(
    load: Any, engine: Engine, linker: Linker, build: Any, types: Any
) -> None:
    store = Store(engine)
    component = load(doubling(build, large_leaves(build, types)["bag"], 2))
    store.set_deadline(time.monotonic() - 1)
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        linker.instantiate(store, component)
    store.set_deadline(None)
    linker.instantiate(store, component)


def test_instantiate_modules_whose_start_functions_use_up_the_time_traps(
    load: Any, engine: Engine, linker: Linker, build: Any, types: Any
) -> None:
    store = Store(engine)
    b = build()
    tick = b.import_("tick", "func", b.type(types.func()))
    host = b.core_bag(tick=("core func", b.lower(tick)))
    module = b.module('(module (import "h" "tick" (func $tick)) (start $tick))')
    for _ in range(10):
        b.core_instance(module, h=host)
    ticks = []

    def run() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            store.set_deadline(time.monotonic() - 1)

    with linker.root() as root:
        root.add_func("tick", run)
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        linker.instantiate(store, load(b))
    assert len(ticks) == 3
