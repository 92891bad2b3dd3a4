"""Validation: each rule refuses, naming what is wrong; what the rules allow is accepted."""

from typing import Any

import pytest

from pywrt.component.types import InstanceType, Resource
from pywrt.errors import InvalidError

LIBC = """(module
  (memory (export "mem") 1)
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
  (func (export "f"))
  (func (export "drop") (param i32))
  (func (export "two") (param i32 i32)))"""


def refused(load: Any, b: Any, message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        load(b)
    assert message in str(caught.value)
    assert caught.value.offset is not None


def test_instantiate_argument_missing_is_named(load: Any, build: Any) -> None:
    inner = build()
    inner.import_("x", "type", None)
    b = build()
    b.instantiate(b.component(inner))
    refused(load, b, "missing import named `x`")


@pytest.mark.parametrize(
    ("have", "want", "message"),
    [
        (("u32", None), ("u32", "u32"), "expected a result, found none"),
        (("string", None), ("u32", None), "expected primitive `u32` found primitive `string`"),
    ],
)
def test_instantiate_function_of_another_type_names_both(
    load: Any, build: Any, types: Any, have: Any, want: Any, message: str
) -> None:
    inner = build()
    inner.import_("f", "func", inner.type(types.func({"x": want[0]}, want[1])))
    b = build()
    b.import_("f", "func", b.type(types.func({"x": have[0]}, have[1])))
    b.instantiate(b.component(inner), {"f": ("func", 0)})
    refused(load, b, message)


def test_instantiate_record_difference_is_located(load: Any, build: Any, types: Any) -> None:
    inner = build()
    inner.import_("t", "type", inner.type(types.record(a="u8", b=inner.type(types.option("s32")))))
    b = build()
    given = b.type(types.record(a="u8", b=b.type(types.option("u32"))))
    b.instantiate(b.component(inner), {"t": ("type", given)})
    refused(load, b, "type mismatch in record field `b`: type mismatch in option: expected primitive `s32`")


def test_instantiate_two_instances_of_a_component_have_different_resources(load: Any, build: Any) -> None:
    maker, same = build(), build()
    maker.export("r", "type", maker.resource())
    first = same.import_("a", "type", None)
    same.import_("b", "type", first)
    b = build()
    b.component(maker)
    b.component(same)
    one, two = b.alias("type", b.instantiate(0), "r"), b.alias("type", b.instantiate(0), "r")
    b.instantiate(1, {"a": ("type", one), "b": ("type", one)})
    assert load(b) is not None
    b.instantiate(1, {"a": ("type", one), "b": ("type", two)})
    refused(load, b, "resource types are not the same")


def test_export_resource_twice_gives_one_type_unless_made_abstract(load: Any, build: Any) -> None:
    b = build()
    resource = b.resource()
    b.export("r1", "type", resource)
    b.export("r2", "type", resource)
    b.export("r3", "type", resource, ascribed=("type", None))
    exports = load(b).exports()
    assert exports["r1"].type == exports["r2"].type
    assert exports["r1"].type != exports["r3"].type
    assert isinstance(exports["r3"].type, Resource)


def test_export_function_with_unnamed_record_is_refused(load: Any, build: Any, types: Any) -> None:
    b = build()
    libc = b.run('(module (func (export "f") (param i32)))')
    record = b.type(types.record(a="u32"))
    func = b.lift(b.core_alias("core func", libc, "f"), b.type(types.func({"r": record})))
    b.export("f", "func", func)
    refused(load, b, "func not valid to be used as export")


def test_export_function_whose_record_has_a_name_is_accepted(load: Any, build: Any, types: Any) -> None:
    b = build()
    libc = b.run('(module (func (export "f") (param i32)))')
    named = b.export("r", "type", b.type(types.record(a="u32")))
    func = b.lift(b.core_alias("core func", libc, "f"), b.type(types.func({"r": named})))
    b.export("f", "func", func)
    assert str(load(b).exports()["f"].type) == "func(r: record { a: u32 })"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "A"], "export name `A` conflicts with previous name `a`"),
        (["Foo"], "`Foo` is not in kebab case"),
        (["a:b/c@1.0"], "is not a valid extern name"),
    ],
)
def test_export_bad_names_are_refused(load: Any, build: Any, names: list[str], message: str) -> None:
    b = build()
    bag = b.bag({})
    for name in names:
        b.export(name, "instance", bag)
    refused(load, b, message)


def test_export_ascribed_type_must_be_a_supertype(load: Any, build: Any, types: Any, decls: Any) -> None:
    b = build()
    wanted = decls()
    wanted.export("f", "func", wanted.type(types.func()))
    b.export("i", "instance", b.bag({}), ascribed=("instance", b.type(wanted.instance())))
    refused(load, b, "ascribed type of export is not compatible")


def test_import_method_of_unknown_resource_is_refused(load: Any, build: Any, types: Any) -> None:
    b = build()
    resource = b.import_("r", "type", None)
    method = b.type(types.func({"self": b.type(types.borrow(resource))}))
    b.import_("[method]r.go", "func", method)
    assert load(b) is not None
    b.import_("[method]q.go", "func", method)
    refused(load, b, "does not match expected resource name")


def test_lift_wrong_core_signature_is_refused(load: Any, build: Any, types: Any) -> None:
    b = build()
    func = b.core_alias("core func", b.run(LIBC), "f")
    b.lift(func, b.type(types.func({"x": "u64"})))
    refused(load, b, "lowered parameter types `[I64]` do not match parameter types `[]` of core function 0")


def test_lift_list_parameter_needs_memory_and_realloc(load: Any, build: Any, types: Any) -> None:
    for options, message in (
        ({}, "canonical option `memory` is required"),
        ({"memory": 0}, "canonical option `realloc` is required"),
        ({"realloc": 0}, "canonical option `realloc` requires `memory`"),
        ({"memory": 0, "realloc": 1}, "`realloc` uses a core function with an incorrect signature"),
        ({"memory": 1}, "memory index out of bounds"),
    ):
        b = build()
        libc = b.run(LIBC)
        b.core_alias("core func", libc, "realloc")
        func = b.core_alias("core func", libc, "two")
        b.core_alias("core memory", libc, "mem")
        b.lift(func, b.type(types.func({"s": "string"})), **options)
        refused(load, b, message)


def test_lift_post_return_takes_the_core_results(load: Any, build: Any, types: Any) -> None:
    b = build()
    libc = b.run(LIBC)
    func, drop = b.core_alias("core func", libc, "f"), b.core_alias("core func", libc, "drop")
    b.lift(func, b.type(types.func()), post_return=drop)
    refused(load, b, "`post-return` uses a core function with an incorrect signature")


def test_lower_post_return_is_refused(load: Any, build: Any, types: Any) -> None:
    b = build()
    drop = b.core_alias("core func", b.run(LIBC), "drop")
    b.import_("f", "func", b.type(types.func()))
    b.lower(0, post_return=drop)
    refused(load, b, "`post-return` cannot be specified for lowerings")


def test_canon_resource_new_of_an_imported_resource_is_refused(load: Any, build: Any) -> None:
    b = build()
    b.canon("resource.new", b.import_("r", "type", None))
    refused(load, b, "is not a local resource")


def test_resource_destructor_of_wrong_signature_is_refused(load: Any, build: Any) -> None:
    b = build()
    b.resource(dtor=b.core_alias("core func", b.run(LIBC), "f"))
    refused(load, b, "wrong signature for a destructor")


def test_core_instantiate_wrong_or_missing_arguments_are_named(load: Any, build: Any) -> None:
    importing = '(module (import "env" "f" (func (param i64))))'
    b = build()
    b.core_instance(b.module(importing))
    refused(load, b, "missing module instantiation argument named `env`")
    b = build()
    b.core_instance(b.module(importing), env=b.core_bag())
    refused(load, b, "argument `env` does not export an item named `f`")
    b = build()
    libc = b.run(LIBC)
    b.run(importing, env=libc)
    refused(load, b, "expected: (func (param i64)), found: (func)")


def test_core_module_invalid_body_is_refused(load: Any, build: Any) -> None:
    b = build()
    b.module("(module (func i32.add drop))")
    refused(load, b, "type mismatch")


def test_core_module_duplicate_import_is_refused(load: Any, build: Any) -> None:
    b = build()
    b.module('(module (import "" "a" (func)) (import "" "a" (func)))')
    refused(load, b, "duplicate import name `:a`")


def test_alias_outer_type_with_resource_into_a_component_is_refused(
    load: Any, build: Any, types: Any
) -> None:
    for definition, ok in ((b"\x7d", True), (None, False)):
        b = build()
        if definition is None:
            b.resource()
        else:
            b.type(definition)
        inner = build()
        inner.outer("type", 1, 0)
        b.component(inner)
        if ok:
            assert load(b) is not None
        else:
            refused(load, b, "transitively refers to resources")


@pytest.mark.parametrize(
    ("count", "index", "message"), [(2, 0, "invalid outer alias count of 2"), (1, 5, "index out of bounds")]
)
def test_alias_outer_out_of_range_is_refused(
    load: Any, build: Any, count: int, index: int, message: str
) -> None:
    b = build()
    inner = build()
    inner.outer("type", count, index)
    b.component(inner)
    refused(load, b, message)


def test_alias_export_unknown_name_is_refused(load: Any, build: Any) -> None:
    b = build()
    b.alias("func", b.bag({}), "gone")
    refused(load, b, "instance 0 has no export named `gone`")


def test_func_type_borrow_in_result_is_refused(load: Any, build: Any, types: Any) -> None:
    b = build()
    borrow = b.type(types.borrow(b.resource()))
    b.type(types.func({}, b.type(types.list(borrow))))
    refused(load, b, "function result cannot contain a `borrow` type")


@pytest.mark.parametrize("type", ["list", "option", "own"])
def test_type_index_out_of_range_is_refused(load: Any, build: Any, types: Any, type: str) -> None:
    b = build()
    b.type(getattr(types, type)(7))
    refused(load, b, "type index out of bounds")


def test_fixed_list_of_too_many_bytes_is_refused(load: Any, build: Any) -> None:
    b = build()
    b.type(b"\x67\x7d\x80\x80\x80\x80\x01")
    refused(load, b, "exceeds maximum byte size")


def test_imported_instance_type_is_readable(load: Any, build: Any, types: Any, decls: Any) -> None:
    b = build()
    host = decls()
    resource = host.export("conn", "type")
    host.export("open", "func", host.type(types.func({"to": "string"}, host.type(types.own(resource)))))
    b.import_("my:net/conns", "instance", b.type(host.instance()))
    item = load(b).imports()["my:net/conns"]
    assert isinstance(item.type, InstanceType)
    assert str(item.type.exports["open"].type) == "func(to: string) -> own<conn>"


def test_component_type_argument_is_matched_contravariantly(
    load: Any, build: Any, types: Any, decls: Any
) -> None:
    def parent(imports: list[str], exports: list[str]) -> Any:
        wanted = decls()
        for name in imports:
            wanted.import_(name, "func", wanted.type(types.func()))
        for name in exports:
            wanted.export(name, "func", wanted.type(types.func()))
        inner = build()
        inner.import_("c", "component", inner.type(wanted.component()))
        given = build()
        given.import_("a", "func", given.type(types.func()))
        given.export("x", "func", 0)
        b = build()
        b.component(given)
        b.instantiate(b.component(inner), {"c": ("component", 0)})
        return b

    assert load(parent(["a", "b"], ["x"])) is not None
    assert load(parent(["a"], [])) is not None
    refused(load, parent([], ["x"]), "missing expected import `a`")
    refused(load, parent(["a"], ["x", "y"]), "missing expected export `y`")
