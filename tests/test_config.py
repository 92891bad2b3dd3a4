"""Features: what is on by default, how they are switched, and how a module that lacks one is refused."""

import pytest

from pywrt.api import Engine, Module
from pywrt.config import ALL_FEATURES, COMPONENT_FEATURES, DEFAULT_FEATURES, NEEDS, Config
from pywrt.errors import InvalidError, LimitError, MalformedError, WasmError
from pywrt.wasm.binary import encode_module
from pywrt.wasm.opcodes import OPCODES
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import ABSTRACT_HEAP_TYPES

#: Small modules, each of which needs one feature, as a type, an instruction, or a definition.
NEEDING: list[tuple[str, str]] = [
    ("mutable-global", '(module (global (export "g") (mut i32) (i32.const 0)))'),
    ("mutable-global", '(module (import "" "g" (global (mut i32))))'),
    ("saturating-float-to-int", "(module (func (drop (i32.trunc_sat_f32_s (f32.const 0)))))"),
    ("sign-extension", "(module (func (drop (i32.extend8_s (i32.const 0)))))"),
    ("multi-value", "(module (type (func (result i32 i32))))"),
    ("multi-value", "(module (func (drop (drop (block (result i32 i32) (unreachable))))))"),
    ("multi-value", "(module (func (i32.const 0) (loop (param i32) (drop))))"),
    ("bulk-memory", "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))"),
    ("bulk-memory", '(module (data "") (func (data.drop 0)))'),
    ("reference-types", "(module (type (func (param externref))))"),
    ("reference-types", "(module (table 0 funcref) (table 0 funcref))"),
    ("reference-types", "(module (table 0 funcref) (func (drop (table.size 0))))"),
    ("simd", "(module (type (func (param v128))))"),
    ("simd", "(module (func (local v128)))"),
    ("simd", "(module (func (drop (i32x4.splat (i32.const 0)))))"),
    (
        "relaxed-simd",
        "(module (func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))))",
    ),
    ("threads", "(module (memory 1 1 shared))"),
    ("threads", "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"),
    ("threads", "(module (func (atomic.fence)))"),
    ("tail-call", "(module (func $f (return_call $f)))"),
    ("extended-const", "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))"),
    ("multi-memory", "(module (memory 0) (memory 0))"),
    ("multi-memory", "(module (memory 0) (memory 0) (func (drop (i32.load 1 (i32.const 0)))))"),
    ("memory64", "(module (memory i64 1))"),
    ("memory64", "(module (table i64 1 funcref))"),
    ("memory64", '(module (import "" "m" (memory i64 1)))'),
    ("exceptions", "(module (tag))"),
    ("exceptions", "(module (type (func (param exnref))))"),
    ("exceptions", "(module (func (try_table)))"),
    ("exceptions", "(module (func (throw_ref (unreachable))))"),
    ("legacy-exceptions", "(module (func try catch_all end))"),
    ("function-references", "(module (type $t (func)) (type (func (param (ref null $t)))))"),
    ("function-references", "(module (type (func (param (ref func)))))"),
    ("function-references", "(module (type $t (func)) (func (call_ref $t (unreachable))))"),
    ("gc", "(module (type (struct)))"),
    ("gc", "(module (type (array i8)))"),
    ("gc", "(module (rec (type (func)) (type (func))))"),
    ("gc", "(module (type (sub (func))))"),
    ("gc", "(module (type (func (param anyref))))"),
    ("gc", "(module (func (drop (ref.i31 (i32.const 0)))))"),
    ("custom-descriptors", "(module (rec (type (descriptor 1) (struct)) (type (describes 0) (struct))))"),
    ("custom-descriptors", "(module (type $t (struct)) (type (func (param (ref (exact $t))))))"),
    ("custom-page-sizes", "(module (memory 0 (pagesize 1)))"),
    (
        "wide-arithmetic",
        "(module (func (i64.mul_wide_s (i64.const 1) (i64.const 2)) (drop) (drop)))",
    ),
]


def load(text: str, config: Config) -> Module:
    return Module(Engine(config), encode_module(parse_module(text)))


@pytest.mark.parametrize(("feature", "text"), NEEDING)
def test_module_that_needs_a_feature_is_refused_by_name_without_it(feature, text):
    everything = Config(features=ALL_FEATURES)
    with pytest.raises((MalformedError, InvalidError), match=f"needs the feature {feature}") as caught:
        load(text, everything.disable(feature))
    assert caught.value.feature == feature


@pytest.mark.parametrize(("feature", "text"), NEEDING)
def test_module_that_needs_a_feature_is_accepted_with_it(feature, text):
    load(text, Config(features=frozenset({"mvp"})).enable(feature))


def test_every_feature_is_needed_by_a_module_above():
    assert {feature for feature, _ in NEEDING} == ALL_FEATURES - {"mvp"} - COMPONENT_FEATURES


def test_features_of_the_tables_have_a_switch():
    named = {opcode.feature for opcode in OPCODES} | {row.feature for row in ABSTRACT_HEAP_TYPES.values()}
    assert named <= ALL_FEATURES


# --- switching


def test_enable_brings_what_a_feature_needs():
    config = Config(features=frozenset({"mvp"}), consume_fuel=True).enable("custom-descriptors")
    assert config.features == {
        "mvp",
        "custom-descriptors",
        "gc",
        "function-references",
        "reference-types",
    }
    assert config.consume_fuel


def test_disable_takes_what_needs_a_feature_with_it():
    config = Config(features=ALL_FEATURES).disable("reference-types", "simd")
    assert ALL_FEATURES - config.features == {
        "reference-types",
        "exceptions",
        "legacy-exceptions",
        "function-references",
        "gc",
        "custom-descriptors",
        "simd",
        "relaxed-simd",
    }


def test_disable_then_enable_gives_the_same_configuration():
    config = Config(features=ALL_FEATURES)
    assert config.disable("gc").enable("gc", "custom-descriptors") == config
    assert config.enable() == config.disable() == config


@pytest.mark.parametrize(
    "switch",
    [
        lambda: Config().enable("simd", "smid"),
        lambda: Config().disable("smid"),
        lambda: Config(features=frozenset({"mvp", "smid"})),
    ],
)
def test_unknown_feature_is_refused_with_a_list_of_the_known(switch):
    with pytest.raises(WasmError, match=r"^unknown feature smid; there are bulk-memory, .*wide-arithmetic$"):
        switch()


def test_mvp_stays_on():
    with pytest.raises(WasmError, match="the feature mvp is always on"):
        Config().disable("mvp")


def test_what_features_need_is_on_where_they_are():
    for features in (DEFAULT_FEATURES, ALL_FEATURES):
        for name in features:
            assert NEEDS[name] <= features


def test_limit_below_zero_is_refused():
    with pytest.raises(LimitError, match=r"Config.max_handles must not be negative, got -1"):
        Config(max_handles=-1)


# --- wasmtime as the measure


def test_features_on_by_default_are_those_of_wasmtime():
    wasmtime = pytest.importorskip("wasmtime", reason="wasmtime's defaults: needs the extra interop")
    engine = wasmtime.Engine()

    def accepts(text: str) -> bool:
        try:
            wasmtime.Module(engine, wasmtime.wat2wasm(text))
        except wasmtime.WasmtimeError:
            return False
        return True

    on = {feature for feature, text in NEEDING if accepts(text)}
    off = {feature for feature, text in NEEDING if not accepts(text)}
    assert not on & off, "a module above is not accepted with its feature on"
    assert on | {"mvp"} == DEFAULT_FEATURES - COMPONENT_FEATURES
