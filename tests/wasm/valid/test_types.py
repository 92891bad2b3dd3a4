"""Type definitions, and types of memories, tables and tags."""

from collections.abc import Callable

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import InvalidError
from pywrt.wasm.module import Import, Module
from pywrt.wasm.types import (
    I64,
    FuncType,
    Limits,
    MemoryType,
    StructType,
    SubType,
    TagType,
)

Accept = Callable[..., None]
Reject = Callable[..., InvalidError]
Fault = Callable[..., InvalidError]


@pytest.mark.parametrize(
    "types",
    [
        "(type $list (struct (field i32) (field (ref null $list))))",
        "(rec (type $a (struct (field (ref $b)))) (type $b (array (mut (ref null $a)))))",
        "(type $a (sub (struct))) (type $b (sub $a (struct (field i8))))"
        "(type $c (sub final $b (struct (field i8))))",
        "(type $a (sub (func (result anyref)))) (type (sub $a (func (result i31ref))))",
        "(rec) (rec (type (func)) (type (func)))",
        "(rec (type $a (sub (struct (field (ref null $a))))))"
        "(rec (type $b (sub $a (struct (field (ref null $b))))))",
    ],
)
def test_type_definition_valid_is_accepted(accept: Accept, types: str) -> None:
    accept(f"(module {types})")


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ("(type (struct (field (ref null 1)))) (type (struct))", "unknown type 1"),
        ("(type (func (param (ref 9))))", "unknown type 9"),
        ("(rec (type (struct (field (ref 2)))) (type (struct))) (type (struct))", "unknown type 2"),
        ("(rec (type (sub 1 (struct))) (type (sub (struct))))", "unknown type 1"),
        ("(type (struct)) (type (sub 0 (struct)))", "sub type 1 has final super type 0"),
        ("(type (sub (struct))) (type (sub 0 (func)))", "sub type 1 does not match super type 0"),
        (
            "(type (sub (struct (field i32)))) (type (sub 0 (struct)))",
            "sub type 1 does not match super type 0: (struct ) is not below (struct i32)",
        ),
        (
            "(type (sub (array (mut anyref)))) (type (sub 0 (array (mut i31ref))))",
            "sub type 1 does not match super type 0",
        ),
    ],
)
def test_type_definition_invalid_raises(reject: Reject, types: str, message: str) -> None:
    assert reject(f"(module {types})").message.startswith(message)


def test_type_with_two_supertypes_raises(fault: Fault) -> None:
    empty = StructType(())
    types = [SubType(empty, final=False), SubType(empty, final=False), SubType(empty, (0, 1))]
    assert fault(Module(types=types)).message.startswith("sub type 2 has 2 super types")


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ("(type (describes 0) (struct))", "described type is not described by descriptor"),
        ("(rec (type (descriptor 1) (struct)) (type (struct)))", "type is not described by its descriptor"),
        (
            "(rec (type (struct)) (type (describes 0) (struct)))",
            "described type is not described by descriptor",
        ),
        ("(type (struct)) (type (describes 0) (struct))", "described type is outside rec group"),
        ("(type (struct)) (type (descriptor 0) (struct))", "descriptor type is outside rec group"),
        ("(type (descriptor 4) (struct))", "descriptor type is outside rec group"),
        (
            "(rec (type (describes 1) (struct)) (type (descriptor 0) (struct)))",
            "forward use of described type: type 0 describes 1",
        ),
        (
            "(rec (type (descriptor 1) (array i8)) (type (describes 0) (struct)))",
            "descriptor type must be a struct",
        ),
        (
            "(rec (type (descriptor 1) (struct)) (type (describes 0) (func)))",
            "described type must be a struct",
        ),
        (
            "(rec (type (sub (descriptor 1) (struct))) (type (sub (describes 0) (struct))))"
            "(type (sub 0 (struct)))",
            "sub type 2 does not match super type 0, which has a descriptor",
        ),
        (
            "(rec (type (sub (descriptor 1) (struct))) (type (sub (describes 0) (struct))))"
            "(type (sub 1 (struct)))",
            "sub type 2 does not match super type 1: only one of them describes a type",
        ),
        (
            "(rec (type (sub (descriptor 1) (struct))) (type (sub (describes 0) (struct)))"
            " (type (sub 0 (descriptor 3) (struct))) (type (describes 2) (struct)))",
            "descriptor type 3 does not match 1",
        ),
        (
            "(rec (type (sub (descriptor 1) (struct))) (type (sub (describes 0) (struct)))"
            " (type (descriptor 3) (struct)) (type (sub 1 (describes 2) (struct))))",
            "described type 2 does not match 0",
        ),
    ],
)
def test_descriptor_clause_invalid_raises(reject: Reject, types: str, message: str) -> None:
    assert reject(f"(module {types})").message.startswith(message)


def test_descriptor_chain_and_subtypes_are_accepted(accept: Accept) -> None:
    accept(
        """(module
          (rec (type $a (sub (descriptor $b) (struct)))
               (type $b (sub (describes $a) (descriptor $c) (struct)))
               (type $c (sub (describes $b) (struct))))
          (rec (type $d (sub $a (descriptor $e) (struct (field i32))))
               (type $e (sub $b (describes $d) (descriptor $f) (struct)))
               (type $f (sub $c (describes $e) (struct)))))"""
    )


def test_descriptor_clause_with_feature_off_names_it(reject: Reject) -> None:
    text = "(module (rec (type (descriptor 1) (struct)) (type (describes 0) (struct))))"
    assert reject(text, ALL_FEATURES - {"custom-descriptors"}).feature == "custom-descriptors"


@pytest.mark.parametrize(
    "memory",
    ["i64 0 0x1000000000000", "0xFFFFFFFF (pagesize 1)", "i64 0xFFFFFFFFFFFFFFFF (pagesize 1)", "0 9 shared"],
)
def test_memory_type_valid_is_accepted(accept: Accept, memory: str) -> None:
    accept(f'(module (import "m" "n" (memory {memory})))')


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (MemoryType(Limits(2**48 + 1), I64), "memory size must be at most 2**48 pages (256TiB)"),
        (MemoryType(Limits(2**32), page_size=1), "memory size must be at most 2**32 - 1 bytes"),
        (MemoryType(Limits(0), page_size=2), "invalid custom page size 2"),
        (MemoryType(Limits(0), page_size=2**17), "invalid custom page size 131072"),
        (MemoryType(Limits(1), shared=True), "shared memory must have maximum"),
    ],
)
def test_memory_type_invalid_raises(fault: Fault, memory: MemoryType, message: str) -> None:
    for module in (Module(memories=[memory]), Module(imports=[Import("m", "n", memory)])):
        assert fault(module).message.startswith(message)


@pytest.mark.parametrize(
    ("module", "feature"),
    [
        ("(module (memory i64 1))", "memory64"),
        ("(module (table i64 1 funcref))", "memory64"),
        ("(module (memory 1 2 shared))", "threads"),
        ("(module (memory 1 (pagesize 1)))", "custom-page-sizes"),
    ],
)
def test_external_type_with_feature_off_names_it(reject: Reject, module: str, feature: str) -> None:
    error = reject(module, ALL_FEATURES - {feature})
    assert error.feature == feature
    assert f"needs the feature {feature}" in error.message


def test_tag_with_results_raises(fault: Fault) -> None:
    functype = FuncType((), (I64,))
    imported = Module(types=[SubType(functype)], imports=[Import("m", "t", TagType(functype))])
    assert fault(imported).message.startswith("non-empty tag result type")


def test_table_of_references_that_are_never_null_needs_an_initialiser(accept: Accept, reject: Reject) -> None:
    accept("(module (func $f) (elem declare func $f) (table 1 (ref func) (ref.func $f)))")
    accept('(module (import "m" "t" (table 1 (ref func))))')
    assert reject("(module (table 0 (ref func)))").message.startswith("type mismatch: table 0 of (ref func)")


def test_chains_of_10_000_types_are_handled(accept: Accept, reject: Reject) -> None:
    count = 10_000
    backwards = "".join(f"(type (struct (field (ref null {i}))))" for i in range(count))
    accept(f"(module (type (struct)) {backwards})")
    forwards = "".join(f"(type (struct (field (ref null {(i + 1) % count}))))" for i in range(count))
    accept(f"(module (rec {forwards}))")
    subtypes = "".join(f"(type (sub {i} (struct)))" for i in range(count))
    assert reject(f"(module (type (sub (struct))) {subtypes})").message.startswith(
        "sub type hierarchy too deep"
    )
