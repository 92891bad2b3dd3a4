"""Values, functions, memories, tables and globals at the embedder's boundary."""

import struct

import pytest

from pywrt.api import Engine, Func, Global, Instance, Memory, Store, Table
from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import InvalidError, LimitError, ValueTypeError, WasmError
from pywrt.wasm.types import (
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
)

ECHO = """(module
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "func") (param funcref) (result funcref) (local.get 0))
  (func (export "extern") (param externref) (result externref) (local.get 0))
  (func (export "pair") (result i32 i64) (i32.const -1) (i64.const -2))
  (func (export "none"))
  (func (export "bits") (param f32) (result i32) (i32.reinterpret_f32 (local.get 0))))"""


@pytest.fixture
def echo(store, module):
    return Instance(store, module(ECHO)).exports(store)


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("i32", -1, -1),
        ("i32", 0xFFFFFFFF, -1),
        ("i32", 0x80000000, -0x80000000),
        ("i64", -(1 << 63), -(1 << 63)),
        ("i64", (1 << 64) - 1, -1),
        ("f32", 0.1, struct.unpack("<f", struct.pack("<f", 0.1))[0]),
        ("f32", 3, 3.0),
        ("f32", 1e300, float("inf")),
        ("f64", 0.1, 0.1),
        ("f64", 7, 7.0),
        ("func", None, None),
        ("extern", None, None),
        ("extern", "any", "any"),
    ],
)
def test_func_call_converts_arguments_and_results(store, echo, name, value, result):
    assert echo[name](store, value) == result


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("i32", 1 << 32, "argument 0: 4294967296 does not fit i32"),
        ("i32", -(1 << 31) - 1, "does not fit i32"),
        ("i32", "1", "argument 0: expected i32, got str '1'"),
        ("i64", 1.5, "argument 0: expected i64, got float 1.5"),
        ("f64", "x", "argument 0: expected f64, got str 'x'"),
        ("f64", 10**400, "does not fit f64"),
        ("f32", 10**400, "does not fit f32"),
        ("func", 3, "argument 0: expected a Func or None, got int 3"),
    ],
)
def test_func_call_with_wrong_value_names_it(store, echo, name, value, message):
    with pytest.raises(ValueTypeError) as caught:
        echo[name](store, value)
    assert message in str(caught.value)


def test_func_call_with_wrong_number_of_arguments_says_so(store, echo):
    with pytest.raises(ValueTypeError, match="expected 1 arguments, got 2"):
        echo["i32"](store, 1, 2)


def test_func_call_with_another_store_is_refused(engine, echo):
    with pytest.raises(WasmError, match="belongs to another store"):
        echo["i32"](Store(engine), 1)


def test_func_results_are_none_value_or_list(store, echo):
    assert echo["none"](store) is None
    assert echo["pair"](store) == [-1, -2]


def test_funcref_comes_back_equal(store, echo):
    assert echo["func"](store, echo["none"]) == echo["none"]
    assert hash(echo["func"](store, echo["none"])) == hash(echo["none"])


@pytest.mark.parametrize(
    ("double", "single"),
    [
        (0x7FF8000000000000, 0x7FC00000),
        (0xFFF8000000000000, 0xFFC00000),
        (0x7FF0000020000000, 0x7F800001),
        (0x7FF0000000000001, 0x7FC00000),  # a payload below f32's bits: still a NaN, not an infinity
    ],
)
def test_nan_argument_of_f32_stays_a_nan(store, echo, double, single):
    value = struct.unpack("<d", struct.pack("<Q", double))[0]
    assert echo["bits"](store, value) & 0xFFFFFFFF == single


def test_missing_export_lists_what_there_is(store, echo):
    with pytest.raises(KeyError, match="no export 'nothing'; the instance exports 'i32', 'i64'"):
        echo["nothing"]
    assert list(echo)[:2] == ["i32", "i64"]
    assert len(echo) == 9


@pytest.mark.parametrize(
    ("type", "value", "message"),
    [
        (FuncType((), (I32,)), "x", "host function's result 0: expected i32, got str 'x'"),
        (FuncType((), (I32, I32)), (1,), "host function: expected 2 results, got 1"),
        (FuncType((), ()), (1,), "host function: expected 0 results, got 1"),
    ],
)
def test_host_func_with_wrong_result_says_so(store, type, value, message):
    with pytest.raises(ValueTypeError) as caught:
        Func(store, type, lambda: value)(store)
    assert message in str(caught.value)


def test_host_func_gets_signed_arguments(store):
    got = []
    func = Func(store, FuncType((I32, I64, F64, EXTERNREF), ()), lambda *args: got.extend(args))
    func(store, 0xFFFFFFFF, -5, 1, "x")
    assert got == [-1, -5, 1.0, "x"]
    assert repr(func) == f"Func('<lambda>', {func.type})"


def test_host_func_calls_a_guest_function_under_its_fuel(metered):
    func = Func(metered, FuncType((I32,), (I32,)), lambda x: x * 2)
    outer = Func(metered, FuncType((I32,), (I32,)), lambda x: func(metered, x) + 1)
    metered.set_fuel(10)
    assert outer(metered, 20) == 41
    assert metered.get_fuel() == 10


# --- memories, tables, globals


def test_memory_reads_writes_and_grows(store):
    memory = Memory(store, MemoryType(Limits(1, 2)))
    assert memory.write(store, b"abc", 65533) == 3
    assert memory.read(store, 65532) == b"\0abc"
    assert (memory.size(store), memory.data_len(store)) == (1, 65536)
    assert memory.grow(store, 1) == 1
    assert memory.read(store, 65533, 65538) == b"abc\0\0"
    with pytest.raises(WasmError, match="failed to grow memory of 2 pages by 1"):
        memory.grow(store, 1)
    for start in (-1, 131070):
        with pytest.raises(IndexError, match="out of bounds of 131072 bytes"):
            memory.write(store, b"abc", start)


@pytest.fixture
def everything():
    return Store(Engine(Config(features=ALL_FEATURES)))


def test_memory_of_64_bit_addresses_is_a_memory(everything):
    memory = Memory(everything, MemoryType(Limits(1, 1 << 40), I64))
    assert memory.grow(everything, 1) == 1
    assert memory.write(everything, b"abc", 70000) == 3
    assert (memory.size(everything), memory.page_size(everything), memory.type.address) == (2, 65536, I64)


def test_memory_of_small_pages_counts_in_them(everything):
    memory = Memory(everything, MemoryType(Limits(3, 5), page_size=1))
    assert [f(everything) for f in (memory.size, memory.page_size, memory.data_len)] == [3, 1, 3]
    assert memory.grow(everything, 2) == 3
    assert memory.data_len(everything) == 5
    with pytest.raises(WasmError, match="failed to grow memory of 5 pages by 1"):
        memory.grow(everything, 1)


@pytest.mark.parametrize(
    ("type", "message"),
    [
        (MemoryType(Limits(2, 1)), "size minimum must not be greater than maximum"),
        (MemoryType(Limits(-1)), "size minimum must not be negative"),
        (MemoryType(Limits(65537)), "memory size must be at most 65536 pages"),
        (MemoryType(Limits(1), page_size=2), "invalid custom page size 2"),
        (MemoryType(Limits(1), shared=True), "shared memory must have maximum"),
    ],
)
def test_memory_of_an_invalid_type_is_refused(everything, type, message):
    with pytest.raises(InvalidError, match=message):
        Memory(everything, type)


@pytest.mark.parametrize(
    ("feature", "make"),
    [
        ("custom-page-sizes", lambda store: Memory(store, MemoryType(Limits(1), page_size=1))),
        ("threads", lambda store: Memory(store, MemoryType(Limits(1, 1), shared=True))),
        ("memory64", lambda store: Memory(store, MemoryType(Limits(1), I64))),
        ("memory64", lambda store: Table(store, TableType(FUNCREF, Limits(1), I64))),
    ],
)
def test_type_that_needs_a_feature_is_refused_by_name_without_it(feature, make):
    with pytest.raises(InvalidError, match=f"needs the feature {feature}"):
        make(Store(Engine(Config(features=ALL_FEATURES).disable(feature))))


def test_table_of_64_bit_indices_is_a_table(everything):
    table = Table(everything, TableType(FUNCREF, Limits(1, 1 << 40), I64))
    assert table.grow(everything, 2) == 1
    assert (table.size(everything), table.type.address) == (3, I64)


@pytest.mark.parametrize("limits", [Limits(2, 1), Limits(-1)])
def test_table_of_an_invalid_type_is_refused(store, limits):
    with pytest.raises(InvalidError, match="size minimum must not be"):
        Table(store, TableType(FUNCREF, limits))


def test_growing_by_less_than_nothing_is_refused(store):
    for grown in (Memory(store, MemoryType(Limits(1))), Table(store, TableType(FUNCREF, Limits(1)))):
        with pytest.raises(WasmError, match="cannot grow by -1"):
            grown.grow(store, -1)


def test_memories_of_a_store_share_its_limit():
    store = Store(Engine(Config(max_memory_bytes=3 * 65536)))
    first = Memory(store, MemoryType(Limits(2)))
    with pytest.raises(LimitError, match="a memory of 2 pages does not fit"):
        Memory(store, MemoryType(Limits(2)))
    assert first.grow(store, 1) == 2
    with pytest.raises(WasmError, match="failed to grow"):
        first.grow(store, 1)
    assert store.state.memory_refused


def test_guest_growth_past_the_stores_limit_answers_minus_one(module):
    store = Store(Engine(Config(max_memory_bytes=2 * 65536, max_table_elements=5)))
    text = """(module (memory 1) (table 1 funcref)
      (func (export "m") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "t") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))"""
    exports = Instance(store, module(text)).exports(store)
    assert [exports["m"](store, n) for n in (2, 1, 1, -1)] == [-1, 1, -1, -1]
    assert [exports["t"](store, n) for n in (5, 4, 1, -1)] == [-1, 1, -1, -1]


def test_instances_of_a_store_are_limited(module):
    store = Store(Engine(Config(max_instances=2)))
    empty = module("(module)")
    Instance(store, empty)
    Instance(store, empty)
    with pytest.raises(LimitError, match="limit of 2 instances"):
        Instance(store, empty)


def test_table_gets_sets_and_grows(store, echo):
    table = Table(store, TableType(FUNCREF, Limits(1, 2)))
    assert table.get(store, 0) is None
    table.set(store, 0, echo["none"])
    assert table.get(store, 0) == echo["none"]
    assert table.grow(store, 1, echo["i32"]) == 1
    assert table.get(store, 1) == echo["i32"]
    with pytest.raises(WasmError, match="failed to grow table of 2 elements by 1"):
        table.grow(store, 1)
    for index in (-1, 2):
        with pytest.raises(IndexError, match="out of bounds of a table of 2"):
            table.get(store, index)
        with pytest.raises(IndexError, match="out of bounds of a table of 2"):
            table.set(store, index, None)
    with pytest.raises(ValueTypeError, match="value: expected a Func or None"):
        table.set(store, 0, 5)


@pytest.mark.parametrize(("type", "value"), [(I32, -7), (I64, 1 << 62), (F32, 0.5), (F64, 0.1)])
def test_global_keeps_its_value(store, type, value):
    variable = Global(store, GlobalType(type, True), value)
    assert variable.value(store) == value
    variable.set_value(store, 1)
    assert variable.value(store) == 1


def test_immutable_global_is_not_set(store):
    variable = Global(store, GlobalType(I32, False), 3)
    with pytest.raises(WasmError, match="immutable"):
        variable.set_value(store, 4)
    assert variable.value(store) == 3


def test_host_objects_are_shared_with_the_guest(store, module):
    memory = Memory(store, MemoryType(Limits(1)))
    variable = Global(store, GlobalType(I32, True), 5)
    text = """(module (import "" "m" (memory 1)) (import "" "g" (global $g (mut i32)))
      (func (export "f") (i32.store (i32.const 4) (global.get $g)) (global.set $g (i32.const -9))))"""
    exports = Instance(store, module(text), [memory, variable]).exports(store)
    exports["f"](store)
    assert memory.read(store, 4, 5) == b"\5"
    assert variable.value(store) == -9
