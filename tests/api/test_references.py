"""v128, references and exceptions at the embedder's boundary."""

from collections.abc import Callable

import pytest

from pywrt.api import (
    I31,
    Array,
    Engine,
    Exn,
    Foreign,
    Func,
    Global,
    Instance,
    Linker,
    Module,
    Store,
    Struct,
    Table,
    Tag,
)
from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import LinkError, ThrownException, ValueTypeError, WasmError
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import (
    EXTERNREF,
    I32,
    I64,
    V128,
    FuncType,
    GlobalType,
    Limits,
    TableType,
    TagType,
    ref_type,
)

REFERENCES = """(module
  (type $point (sub (struct (field i32) (field (mut f64)))))
  (type $point3 (sub final $point (struct (field i32) (field (mut f64)) (field i32))))
  (type $bytes (array (mut i8)))
  (type $binary (func (param i32 i32) (result i32)))
  (tag $tag (export "tag") (param i32))
  (func (export "point") (result (ref $point)) (struct.new $point (i32.const 3) (f64.const 0.5)))
  (func (export "point3") (result (ref $point))
    (struct.new $point3 (i32.const 3) (f64.const 0.5) (i32.const 4)))
  (func (export "bytes") (result arrayref) (array.new $bytes (i32.const 7) (i32.const 5)))
  (func (export "i31") (param i32) (result i31ref) (ref.i31 (local.get 0)))
  (func (export "get") (param i31ref) (result i32) (i31.get_s (local.get 0)))
  (func (export "x") (param (ref $point)) (result i32) (struct.get $point 0 (local.get 0)))
  (func (export "z") (param (ref null $point3)) (result i32) (struct.get $point3 2 (local.get 0)))
  (func (export "any") (param anyref) (result anyref) (local.get 0))
  (func (export "eq") (param eqref) (result eqref) (local.get 0))
  (func (export "none") (param nullref) (result anyref) (local.get 0))
  (func (export "in") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func (export "out") (param anyref) (result externref) (extern.convert_any (local.get 0)))
  (func (export "func") (param (ref func)) (result funcref) (local.get 0))
  (func (export "call") (param (ref null $binary)) (result i32)
    (call_ref $binary (i32.const 4) (i32.const 5) (local.get 0)))
  (func (export "add") (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func (export "caught") (result exnref)
    (block $h (result exnref) (try_table (catch_all_ref $h) (throw $tag (i32.const -6))) (unreachable)))
  (func (export "again") (param exnref) (throw_ref (local.get 0)))
  (func (export "vector") (param v128) (result v128) (local.get 0)))"""


@pytest.fixture
def engine() -> Engine:
    return Engine(Config(features=ALL_FEATURES))


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


@pytest.fixture
def module(engine: Engine) -> Callable[[str], Module]:
    return lambda text: Module(engine, encode_module(parse_module(text)))


@pytest.fixture
def exports(store, module):
    return Instance(store, module(REFERENCES)).exports(store)


# --- v128


@pytest.mark.parametrize(
    ("value", "result"),
    [(0, 0), (1, 1), (-1, (1 << 128) - 1), ((1 << 128) - 1, (1 << 128) - 1), (-(1 << 127), 1 << 127)],
)
def test_v128_is_an_unsigned_int(store, exports, value, result):
    assert exports["vector"](store, value) == result


@pytest.mark.parametrize("value", [1 << 128, -(1 << 127) - 1])
def test_v128_out_of_range_is_refused(store, exports, value):
    with pytest.raises(ValueTypeError, match="does not fit v128"):
        exports["vector"](store, value)


def test_v128_of_another_class_is_refused(store, exports):
    with pytest.raises(ValueTypeError, match="argument 0: expected v128, got bytes"):
        exports["vector"](store, bytes(16))


# --- structures, arrays, i31


def test_structure_comes_out_opaque_and_goes_back_in(store, exports):
    point = exports["point"](store)
    assert type(point) is Struct
    assert "struct" in repr(point)
    assert exports["x"](store, point) == 3
    assert exports["any"](store, point) is point
    assert exports["eq"](store, point) is point


def test_structure_of_a_subtype_is_taken_for_its_supertype(store, exports):
    assert exports["x"](store, exports["point3"](store)) == 3
    assert exports["z"](store, exports["point3"](store)) == 4


def test_array_comes_out_opaque_and_goes_back_in(store, exports):
    array = exports["bytes"](store)
    assert type(array) is Array
    assert repr(array) == "<Array (array i8) of 5>"
    assert exports["any"](store, array) is array


def test_i31_comes_out_as_its_number(store, exports):
    assert exports["i31"](store, 5) == I31(5)
    assert exports["i31"](store, -1) == 0x7FFFFFFF
    assert exports["get"](store, exports["i31"](store, -7)) == -7
    assert exports["get"](store, I31(8)) == 8


def test_host_value_in_the_hierarchy_of_any_is_foreign(store, exports):
    value = object()
    foreign = exports["in"](store, value)
    assert type(foreign) is Foreign
    assert foreign.value is value
    assert exports["out"](store, exports["any"](store, foreign)) is value


def test_structure_as_an_externref_is_itself(store, exports):
    point = exports["point"](store)
    assert exports["out"](store, point) is point
    assert exports["in"](store, point) is point


def test_null_goes_through_nullable_types(store, exports):
    assert exports["any"](store, None) is None
    assert exports["none"](store, None) is None
    assert exports["in"](store, None) is None


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("x", lambda e, s: None, r"argument 0: expected a \(ref .*, which is never null, got None"),
        ("func", lambda e, s: None, r"argument 0: expected a \(ref func\), which is never null, got None"),
        ("z", lambda e, s: e["point"](s), r"argument 0: expected \(ref null .*\), got Struct"),
        ("x", lambda e, s: e["bytes"](s), r"argument 0: expected \(ref .*\), got Array"),
        ("eq", lambda e, s: e["in"](s, "x"), r"argument 0: expected eqref, got Foreign"),
        ("get", lambda e, s: e["point"](s), r"argument 0: expected i31ref, got Struct"),
        ("get", lambda e, s: I31(1 << 31), r"argument 0: I31\(2147483648\) does not fit 31 bits"),
        ("any", lambda e, s: 5, r"argument 0: expected a Struct, Array, I31 or Foreign or None, got int 5"),
        (
            "any",
            lambda e, s: e["add"],
            r"argument 0: expected a Struct, Array, I31 or Foreign or None, got Func",
        ),
        ("none", lambda e, s: e["point"](s), r"argument 0: expected nullref, got Struct"),
        ("func", lambda e, s: e["point"](s), r"argument 0: expected a Func, got Struct"),
        ("call", lambda e, s: e["x"], r"argument 0: expected \(ref null \(func .*\), got Func"),
        ("again", lambda e, s: "x", r"argument 0: expected an Exn or None, got str 'x'"),
    ],
)
def test_reference_of_another_type_is_refused(store, exports, name, make, message):
    value = make(exports, store)
    with pytest.raises(ValueTypeError, match=rf"^{message}"):
        exports[name](store, value)


def test_reference_of_another_store_is_refused(engine, store, module, exports):
    other = Store(engine)
    theirs = Instance(other, module(REFERENCES)).exports(other)
    for name, value in (
        ("x", theirs["point"](other)),
        ("in", theirs["point"](other)),
        ("call", theirs["add"]),
    ):
        with pytest.raises(ValueTypeError, match="belongs to another store"):
            exports[name](store, value)


# --- functions


def test_func_of_the_type_is_called_by_reference(store, exports):
    assert exports["call"](store, exports["add"]) == 9
    host = Func(store, FuncType((I32, I32), (I32,)), lambda a, b: a * b)
    assert exports["call"](store, host) == 20


def test_host_func_of_a_declared_type_links_where_a_bare_one_does_not(store, module):
    needs = module("""(module (rec (type $f (func (result i32))) (type (struct)))
      (import "" "f" (func $f (type $f))) (func (export "g") (result i32) (call $f)))""")
    with pytest.raises(LinkError, match="incompatible import type"):
        Instance(store, needs, [Func(store, FuncType((), (I32,)), lambda: 7)])
    exports = Instance(store, needs, [Func(store, needs.types[0], lambda: 7)]).exports(store)
    assert exports["g"](store) == 7


def test_module_lists_closed_types_of_imports_and_exports(module):
    loaded = module("""(module (type $s (struct)) (type $t (func (param (ref $s))))
      (import "m" "f" (func (type $t))) (import "m" "t" (table 1 (ref null $s)))
      (import "m" "g" (global (ref $s))) (import "m" "e" (tag (type $t))) (import "m" "m" (memory i64 1))
      (tag $e (export "e") (type $t)) (table (export "t") i64 0 (ref null $s)) (export "f" (func 0)))""")
    struct = loaded.types[0]
    assert [type.kind for _, _, type in loaded.imports] == ["func", "table", "global", "tag", "memory"]
    assert loaded.imports[0][2] == FuncType((ref_type(struct, False),), ())
    assert loaded.imports[1][2].element == ref_type(struct, True)
    assert loaded.imports[2][2].value == ref_type(struct, False)
    assert loaded.imports[3][2] == TagType(FuncType((ref_type(struct, False),), ()))
    assert loaded.imports[4][2].address is I64
    assert [name for name, _ in loaded.exports] == ["e", "t", "f"]
    assert loaded.exports[0][1] == loaded.imports[3][2]
    assert loaded.exports[1][1] == TableType(ref_type(struct, True), Limits(0), I64)
    assert loaded.exports[2][1] == loaded.imports[0][2]


@pytest.mark.parametrize(
    "make",
    [
        lambda store, t: Func(store, FuncType((t,), ()), lambda x: None),
        lambda store, t: Global(store, GlobalType(t, False), None),
        lambda store, t: Table(store, TableType(t, Limits(1))),
        lambda store, t: Tag(store, TagType(FuncType((t,), ()))),
    ],
)
def test_type_index_in_an_embedders_type_is_refused(store, make):
    with pytest.raises(WasmError, match=r"\(ref null 0\) is of no module"):
        make(store, ref_type(0, True))


# --- tables and globals of references


def test_table_of_non_null_references_wants_an_init(store, exports):
    type = TableType(ref_type("func", False), Limits(2, 3))
    with pytest.raises(ValueTypeError, match=r"init: expected a \(ref func\), which is never null, got None"):
        Table(store, type)
    table = Table(store, type, exports["add"])
    assert table.get(store, 1) == exports["add"]
    assert table.grow(store, 1, exports["x"]) == 2
    with pytest.raises(ValueTypeError, match="value: expected a"):
        table.set(store, 0, None)


def test_global_of_a_declared_type_checks_it(store, module, exports):
    struct = exports["point"](store).deftype
    variable = Global(store, GlobalType(ref_type(struct, True), True), None)
    point = exports["point3"](store)
    variable.set_value(store, point)
    assert variable.value(store) is point
    with pytest.raises(ValueTypeError, match="value: expected"):
        variable.set_value(store, exports["bytes"](store))


# --- exceptions

THROWS = """(module (import "" "tag" (tag $t (param i32 externref))) (import "" "f" (func $f (param i32)))
  (func (export "catch") (param i32) (result i32 externref)
    (block $h (result i32 externref)
      (try_table (catch $t $h) (call $f (local.get 0))) (i32.const 0) (ref.null extern)))
  (func (export "throw") (throw $t (i32.const -9) (ref.null extern))))"""
PAIR = TagType(FuncType((I32, EXTERNREF), ()))


def test_exnref_comes_out_opaque_and_goes_back_in(store, exports):
    exception = exports["caught"](store)
    assert type(exception) is Exn
    assert "exception" in repr(exception)
    with pytest.raises(ThrownException) as caught:
        exports["again"](store, exception)
    assert caught.value.exception is exception
    assert exports["tag"].values(store, exception) == [-6]


def test_guest_catches_what_a_host_function_throws(store, module):
    tag = Tag(store, PAIR)

    def fail(x):
        raise tag.exception(store, x - 10, "why")

    fail_func = Func(store, FuncType((I32,), ()), fail)
    exports = Instance(store, module(THROWS), [tag, fail_func]).exports(store)
    assert exports["catch"](store, 3) == [-7, "why"]


def test_embedder_reads_what_a_guest_throws(store, module):
    tag, other = Tag(store, PAIR), Tag(store, PAIR)
    linker = Linker(store.engine)
    linker.define(store, "", "tag", tag)
    linker.define_func(store, "", "f", FuncType((I32,), ()), lambda x: None)
    exports = linker.instantiate(store, module(THROWS)).exports(store)
    with pytest.raises(ThrownException, match=r"^uncaught exception") as caught:
        exports["throw"](store)
    assert tag.values(store, caught.value) == [-9, None]
    assert other.values(store, caught.value) is None


def test_exported_tag_is_the_same_tag(store, module):
    exports = Instance(store, module('(module (tag $t (export "a")) (export "b" (tag $t)))')).exports(store)
    assert exports["a"] == exports["b"]
    assert hash(exports["a"]) == hash(exports["b"])
    assert exports["a"] != Tag(store, exports["a"].type)
    assert exports["a"].type == TagType(FuncType((), ()))
    assert repr(exports["a"]) == "Tag(tag ())"


def test_tag_of_another_type_does_not_link(store, module):
    with pytest.raises(LinkError, match="incompatible import type for '' 'tag'"):
        Instance(store, module('(module (import "" "tag" (tag)))'), [Tag(store, PAIR)])


def test_tag_with_results_is_refused(store):
    with pytest.raises(WasmError, match="non-empty tag result type"):
        Tag(store, TagType(FuncType((), (I32,))))


@pytest.mark.parametrize(
    ("values", "message"), [((1,), "expected 2 values, got 1"), (("x", 1), "value 0: expected i32, got str")]
)
def test_exception_with_wrong_values_is_refused(store, values, message):
    with pytest.raises(ValueTypeError, match=message):
        Tag(store, PAIR).exception(store, *values)


def test_host_func_takes_and_gives_vectors(store):
    func = Func(store, FuncType((V128,), (V128,)), lambda x: x >> 64)
    assert func(store, -1) == (1 << 64) - 1
