"""Linking: what is missing or does not fit is named, with what the host has; versions match by semver."""

from typing import Any

import pytest

from pywrt.api import Engine, Module, Store
from pywrt.component import Err, HostResource, Linker
from pywrt.errors import LinkError, Trap
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module
from pywrt.wit import types as wit

NAME = "my:host/api@0.2.9"


def caller(build: Any, types: Any, decls: Any, name: str = NAME, functions: Any = ("twice",)) -> Any:
    """A component that imports `functions` of the instance `name` and exports them one level up."""
    b = build()
    host = decls()
    for function in functions:
        host.export(function, "func", host.type(types.func({"x": "u32"}, "u32")))
    imported = b.import_(name, "instance", b.type(host.instance()))
    for function in functions:
        lowered = b.lower(b.alias("func", imported, function))
        core = b.run(
            """(module (import "m" "f" (func $f (param i32) (result i32)))
            (func (export "f") (param i32) (result i32) (call $f (local.get 0))))""",
            m=b.core_bag(f=("core func", lowered)),
        )
        func = b.core_alias("core func", core, "f")
        b.export(function, "func", b.lift(func, b.type(types.func({"x": "u32"}, "u32"))))
    return b


def define(linker: Linker, name: str, **functions: Any) -> None:
    with linker.root() as root, root.add_instance(name) as instance:
        for function, fn in functions.items():
            instance.add_func(function, fn)


@pytest.mark.parametrize("version", ["0.2.9", "0.2.0", "0.2.12", "0.2"])
def test_linker_compatible_version_serves_the_import(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any, decls: Any, version: str
) -> None:
    define(linker, f"my:host/api@{version}", twice=lambda x: 2 * x)
    assert instantiate(caller(build, types, decls)).get_func(store, "twice")(store, 21) == 42


def test_linker_several_versions_the_exact_one_then_the_newest_serves(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any, decls: Any
) -> None:
    for patch in (3, 9, 12):
        define(linker, f"my:host/api@0.2.{patch}", twice=lambda x, patch=patch: patch)
    assert instantiate(caller(build, types, decls)).get_func(store, "twice")(store, 0) == 9
    other = caller(build, types, decls, "my:host/api@0.2.10")
    assert instantiate(other).get_func(store, "twice")(store, 0) == 12


def test_linker_instance_of_another_version_only_is_named(
    instantiate: Any, linker: Linker, build: Any, types: Any, decls: Any
) -> None:
    define(linker, "my:host/api@0.3.0", twice=lambda x: x)
    with pytest.raises(LinkError) as caught:
        instantiate(caller(build, types, decls))
    assert f"unknown import: `{NAME}#twice` (func(x: u32) -> u32)" in str(caught.value)
    assert "other versions: `my:host/api@0.3.0`" in str(caught.value)


def test_linker_missing_function_names_what_the_instance_has(
    instantiate: Any, linker: Linker, build: Any, types: Any, decls: Any
) -> None:
    define(linker, "my:host/api@0.2.1", thrice=lambda x: 3 * x)
    with pytest.raises(LinkError) as caught:
        instantiate(caller(build, types, decls))
    assert f"`{NAME}#twice`" in str(caught.value)
    assert "the host's `my:host/api@0.2.1` has `thrice`" in str(caught.value)


def test_linker_missing_instance_names_its_package_neighbours(
    instantiate: Any, linker: Linker, build: Any, types: Any, decls: Any
) -> None:
    define(linker, "my:host/other@0.2.9", f=lambda: None)
    define(linker, "your:host/api@0.2.9", f=lambda: None)
    with pytest.raises(LinkError, match=r"the host has `my:host/other@0\.2\.9`$"):
        instantiate(caller(build, types, decls))


def test_linker_pre_release_is_served_by_itself_only(
    instantiate: Any, linker: Linker, build: Any, types: Any, decls: Any
) -> None:
    define(linker, "my:host/api@0.1.0", twice=lambda x: x)
    with pytest.raises(LinkError, match="has not been defined"):
        instantiate(caller(build, types, decls, "my:host/api@0.1.0-preview2"))


def test_linker_instance_of_types_alone_need_not_be_defined(
    instantiate: Any, store: Store, build: Any, types: Any, decls: Any
) -> None:
    b = build()
    host = decls()
    host.export("point", "type", host.type(types.record(x="u32")))
    b.import_("my:host/types", "instance", b.type(host.instance()))
    assert instantiate(b).exports == {}


def test_linker_wrong_kind_names_both(
    instantiate: Any, linker: Linker, build: Any, types: Any, decls: Any
) -> None:
    linker.root().add_func(NAME, lambda: None)
    with pytest.raises(LinkError, match="expected instance, the host has a function"):
        instantiate(caller(build, types, decls))


def test_linker_declared_type_that_differs_names_both(
    instantiate: Any, linker: Linker, build: Any, types: Any, decls: Any
) -> None:
    declared = wit.FuncType((wit.Field("x", wit.S64),), wit.U32)
    linker.root().add_instance(NAME).add_func("twice", lambda x: x, declared)
    with pytest.raises(LinkError) as caught:
        instantiate(caller(build, types, decls))
    message = str(caught.value)
    assert "has type func(x: u32) -> u32, but what the host has is func(x: s64) -> u32" in message
    assert "type mismatch in function parameter `x`" in message


def test_linker_function_of_wrong_arity_is_refused(
    instantiate: Any, linker: Linker, build: Any, types: Any, decls: Any
) -> None:
    define(linker, NAME, twice=lambda x, y: x)
    with pytest.raises(LinkError, match="takes 1 arguments"):
        instantiate(caller(build, types, decls))


def test_linker_missing_resource_is_named(instantiate: Any, linker: Linker, build: Any, decls: Any) -> None:
    b = build()
    host = decls()
    host.export("conn", "type")
    b.import_("my:net/conns", "instance", b.type(host.instance()))
    with pytest.raises(LinkError, match=r"`my:net/conns#conn` \(a resource type\) has not been defined"):
        instantiate(b)
    linker.root().add_instance("my:net/conns").add_func("conn", lambda: None)
    with pytest.raises(LinkError, match="expected resource type, the host has a function"):
        instantiate(b)


def test_linker_missing_imports_are_listed(
    load: Any, linker: Linker, build: Any, types: Any, decls: Any
) -> None:
    component = load(caller(build, types, decls, functions=("twice", "thrice")))
    define(linker, "my:host/api@0.2.0", twice=lambda x: x)
    assert linker.missing_imports(component) == [f"{NAME}#thrice"]


def test_linker_unknown_imports_as_traps_trap_when_called(
    load: Any, linker: Linker, store: Store, build: Any, types: Any, decls: Any
) -> None:
    component = load(caller(build, types, decls, functions=("twice", "thrice")))
    define(linker, NAME, twice=lambda x: 2 * x)
    linker.define_unknown_imports_as_traps(component)
    instance = linker.instantiate(store, component)
    assert instance.get_func(store, "twice")(store, 4) == 8
    with pytest.raises(Trap, match=f"unknown import: `{NAME}#thrice` has not been defined"):
        instance.get_func(store, "thrice")(store, 4)


def test_linker_defining_twice_is_refused_unless_shadowing_is_allowed(linker: Linker) -> None:
    define(linker, NAME, f=lambda: 1)
    with pytest.raises(LinkError, match=f"`f` is defined twice in `{NAME}`"):
        define(linker, NAME, f=lambda: 2)
    linker.allow_shadowing = True
    define(linker, NAME, f=lambda: 2)


def test_linker_function_of_another_instance_is_linked_and_checked(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any, decls: Any
) -> None:
    define(linker, "my:host/api@0.2.0", twice=lambda x: 2 * x)
    first = instantiate(caller(build, types, decls))
    root = linker.root().add_instance("my:other/api")
    root.add_func("again", first.get_func(store, "twice"))
    second = instantiate(caller(build, types, decls, "my:other/api", ("again",)))
    assert second.get_func(store, "again")(store, 4) == 8


def test_linker_core_module_import_is_checked(
    instantiate: Any, linker: Linker, engine: Engine, store: Store, build: Any, types: Any
) -> None:
    b = build()
    b.section(3, b"\x01\x50\x02\x01\x60\0\x01\x7f\x03\x01f\0\0")  # (module (export "f" (func (result i32))))
    b.import_("m", "core module", 0)
    func = b.core_alias("core func", b.core_instance(0), "f")
    b.export("f", "func", b.lift(func, b.type(types.func({}, "u32"))))
    with pytest.raises(LinkError, match=r"`m` .* has not been defined"):
        instantiate(b)

    def module(result: str) -> Module:
        text = f'(module (func (export "f") (result {result}) {result}.const 5))'
        return Module(engine, encode_module(parse_module(text)))

    linker.allow_shadowing = True
    linker.root().add_module("m", module("i64"))
    with pytest.raises(LinkError, match="type mismatch in export `f`"):
        instantiate(b)
    linker.root().add_module("m", module("i32"))
    assert instantiate(b).get_func(store, "f")(store) == 5


def test_linker_host_function_error_reaches_the_caller(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any, decls: Any
) -> None:
    def fail(x: int) -> int:
        raise OSError(f"no {x}")

    define(linker, NAME, twice=fail)
    with pytest.raises(OSError, match="no 7"):
        instantiate(caller(build, types, decls)).get_func(store, "twice")(store, 7)


def test_instance_reexported_host_function_is_called_directly(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any
) -> None:
    def half(x: int) -> int:
        if x % 2:
            raise Err("odd")
        return x // 2

    b = build()
    result = b.type(b"\x6a\x01\x79\x01\x73")  # result<u32, string>
    b.export("half", "func", b.import_("f", "func", b.type(types.func({"x": "u32"}, result))))
    linker.root().add_func("f", half)
    func = instantiate(b).get_func(store, "half")
    assert (func(store, 4), func(store, 5)) == (2, "odd")
    with pytest.raises(Exception, match="function of the host"):
        func.start(store, 1)


def test_linker_root_is_usable_without_with(linker: Linker) -> None:
    root = linker.root()
    root.add_resource("r", HostResource("r"))
    root.close()
    with pytest.raises(LinkError, match="`r` is defined twice"):
        root.add_func("r", lambda: None)
