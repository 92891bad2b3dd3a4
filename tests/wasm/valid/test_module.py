from collections.abc import Callable

import pytest

from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.module import Data, Elem, Export, Expr, Global, Import, Module, Table
from pywrt.wasm.types import (
    EXTERNREF,
    FUNCREF,
    I32,
    I64,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    SubType,
    TableType,
)
from pywrt.wasm.valid import validate_module

Build = Callable[..., Module]
Fault = Callable[..., InvalidError | MalformedError]
ToExpr = Callable[[bytes], Expr]

I32_GLOBAL = GlobalType(I32, False)


def imported(*descs: GlobalType | TableType | MemoryType) -> list[Import]:
    return [Import("m", "n", desc) for desc in descs]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(65537), "memory size must be at most 65536 pages (4GiB)"),
        (Limits(0, 65537), "memory size must be at most 65536 pages (4GiB)"),
        (Limits(2**40, 2**40), "memory size must be at most 65536 pages (4GiB)"),
        (Limits(2, 1), "size minimum must not be greater than maximum"),
    ],
)
def test_memory_with_invalid_limits_raises(fault: Fault, limits: Limits, message: str) -> None:
    for module in (Module(memories=[MemoryType(limits)]), Module(imports=imported(MemoryType(limits)))):
        assert fault(module).message.startswith(message)


@pytest.mark.parametrize(
    ("limits", "message"),
    [(Limits(2**32), "table size"), (Limits(1, 0), "size minimum must not be greater than maximum")],
)
def test_table_with_invalid_limits_raises(fault: Fault, limits: Limits, message: str) -> None:
    for module in (
        Module(tables=[Table(TableType(FUNCREF, limits))]),
        Module(imports=imported(TableType(FUNCREF, limits))),
    ):
        assert fault(module).message.startswith(message)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"\x01\x0b", "constant expression required: nop is not constant (nop)"),
        (b"\x41\x00\x68\x0b", "constant expression required: i32.ctz is not constant"),
        (b"\x41\x00\x41\x01\x6d\x0b", "constant expression required: i32.div_s"),
        (b"\xfc\x09\x00\x0b", "constant expression required: data.drop"),
        (b"\x23\x01\x0b", "constant expression required: global 1 is mutable (global.get)"),
        (b"\x23\x02\x0b", "unknown global 2 (global.get)"),
        (b"\x42\x00\x0b", "type mismatch: instruction requires [i32] but stack has [i64] (end)"),
        (b"\x0b", "type mismatch: instruction requires [i32] but stack has [] (end)"),
        (b"\x41\x00\x41\x00\x0b", "type mismatch: block requires [i32] but stack has [i32 i32] (end)"),
        (b"\x41\x00\x6a\x0b", "type mismatch: instruction requires [i32 i32] but stack has [i32] (i32.add)"),
        (b"\xd2\x00\x0b", "unknown function 0 (ref.func)"),
    ],
)
def test_constant_expression_invalid_raises(fault: Fault, expr: ToExpr, code: bytes, message: str) -> None:
    module = Module(
        imports=imported(I32_GLOBAL, GlobalType(I32, True)), globals=[Global(I32_GLOBAL, expr(code))]
    )
    error = fault(module)
    assert isinstance(error, InvalidError)
    assert error.message.startswith(message)
    assert error.function is None


def test_constant_expression_sees_the_globals_before_it(fault: Fault, expr: ToExpr) -> None:
    first = Global(I32_GLOBAL, expr(b"\x41\x01\x0b"))
    second = Global(I32_GLOBAL, expr(b"\x23\x00\x41\x02\x6a\x41\x03\x6c\x0b"))
    validate_module(Module(globals=[first, second]), Config(features=ALL_FEATURES))
    error = fault(Module(globals=[first, second]), Config(features=ALL_FEATURES - {"gc"}))
    assert error.message.startswith("constant expression required: global 0 is no import")
    assert error.feature == "gc"
    later = Module(globals=[second, first])
    assert fault(later, Config(features=ALL_FEATURES)).message == "unknown global 0 (global.get)"


def test_constant_expression_extended_with_feature_off_raises(fault: Fault, expr: ToExpr) -> None:
    module = Module(globals=[Global(I32_GLOBAL, expr(b"\x41\x01\x41\x02\x6a\x0b"))])
    error = fault(module, Config(features=ALL_FEATURES - {"extended-const"}))
    assert error.message.startswith("constant expression required: i32.add")


def test_table_initialiser_sees_imported_globals_only(fault: Fault, expr: ToExpr) -> None:
    reference = GlobalType(FUNCREF, False)
    table = Table(TableType(FUNCREF, Limits(1)), expr(b"\x23\x00\x0b"))
    validate_module(Module(imports=imported(reference), tables=[table]), Config())
    module = Module(tables=[table], globals=[Global(reference, expr(b"\xd0\x70\x0b"))])
    assert fault(module).message == "unknown global 0 (global.get)"


def test_function_reference_is_declared_by_what_names_it(function: Build, fault: Fault, expr: ToExpr) -> None:
    code = b"\xd2\x00\x1a\x0b"
    assert fault(function(code)).message == "undeclared function reference 0 (ref.func)"
    assert fault(function(code, start=0)).message == "undeclared function reference 0 (ref.func)"
    reference = expr(b"\xd2\x00\x0b")
    for parts in (
        {"exports": [Export("f", "func", 0)]},
        {"elems": [Elem(FUNCREF, (0,), "declarative")]},
        {"elems": [Elem(FUNCREF, (reference,), "passive")]},
        {"globals": [Global(GlobalType(FUNCREF, False), reference)]},
        {"tables": [Table(TableType(FUNCREF, Limits(1)), reference)]},
    ):
        validate_module(function(code, **parts), Config())


@pytest.mark.parametrize(
    ("elem", "message"),
    [
        (Elem(FUNCREF, (1,), "passive"), "unknown function 1"),
        (Elem(FUNCREF, (0,), "active", 1, Expr(b"\x41\x00\x0b", 0, 3)), "unknown table 1"),
        (Elem(EXTERNREF, (), "active", 0, Expr(b"\x41\x00\x0b", 0, 3)), "type mismatch: elem segment 0"),
        (Elem(FUNCREF, (), "active", 0, Expr(b"\x42\x00\x0b", 0, 3)), "type mismatch: instruction requires"),
        (Elem(EXTERNREF, (Expr(b"\xd0\x70\x0b", 0, 3),), "passive"), "type mismatch: instruction requires"),
    ],
)
def test_elem_invalid_raises(function: Build, fault: Fault, elem: Elem, message: str) -> None:
    module = function(b"\x0b", tables=[Table(TableType(FUNCREF, Limits(1)))], elems=[elem])
    assert fault(module).message.startswith(message)


def test_data_for_unknown_memory_raises(fault: Fault, expr: ToExpr) -> None:
    data = Data(b"", 0, 0, "active", 1, expr(b"\x41\x00\x0b"))
    assert fault(Module(memories=[MemoryType(Limits(1))], datas=[data])).message.startswith(
        "unknown memory 1"
    )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("func", "unknown function 1"),
        ("table", "unknown table 1"),
        ("memory", "unknown memory 1"),
        ("global", "unknown global 1"),
    ],
)
def test_export_of_what_is_not_there_raises(function: Build, fault: Fault, kind: str, message: str) -> None:
    assert fault(function(b"\x0b", exports=[Export("e", kind, 1)])).message == f"{message} in export 'e'"


def test_export_name_twice_raises(function: Build, fault: Fault) -> None:
    module = function(b"\x0b", exports=[Export("e", "func", 0), Export("e", "func", 0)])
    assert fault(module).message == "duplicate export name 'e'"


def test_start_function_must_be_there_and_take_nothing(function: Build, fault: Fault) -> None:
    assert fault(function(b"\x0b", start=1)).message == "unknown function 1"
    message = "start function must not have parameters or results"
    assert fault(function(b"\x0b", (I32,), start=0)).message == message
    assert fault(function(b"\x42\x00\x0b", (), (I64,), start=0)).message == message
    validate_module(function(b"\x0b", start=0), Config())


def test_function_of_unknown_type_raises(function: Build, fault: Fault) -> None:
    assert fault(function(b"\x0b", funcs=[7])).message == "unknown type 7"


@pytest.mark.parametrize(
    ("module", "feature"),
    [
        (Module(memories=[MemoryType(Limits(1))] * 2), "multi-memory"),
        (Module(types=[SubType(FuncType((), (I32, I32)))]), "multi-value"),
        (Module(imports=imported(GlobalType(I32, True))), "mutable-global"),
        (Module(tables=[Table(TableType(FUNCREF, Limits(1)))] * 2), "reference-types"),
    ],
)
def test_module_feature_switched_off_names_it(fault: Fault, module: Module, feature: str) -> None:
    validate_module(module, Config())
    assert fault(module, Config(features=ALL_FEATURES - {feature})).feature == feature


def test_lazy_validation_leaves_bodies_alone(function: Build, fault: Fault) -> None:
    module = function(b"\x6a\x0b")
    assert fault(module).message.startswith("type mismatch")
    validate_module(module, Config(eager_validation=False))
