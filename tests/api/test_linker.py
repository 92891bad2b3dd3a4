"""Engine, store, module, linker."""

import pytest

from pywrt.api import Engine, Func, Instance, Linker, Module, Store
from pywrt.errors import InvalidError, LinkError, MalformedError, Trap, WasmError
from pywrt.wasm.types import I32, FuncType

NEEDS = '(module (import "env" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f)))'
ANSWER = FuncType((), (I32,))


@pytest.fixture
def linker(engine):
    return Linker(engine)


def test_linker_defines_a_function_by_name(store, module, linker):
    linker.define_func(store, "env", "f", ANSWER, lambda: 42)
    assert linker.instantiate(store, module(NEEDS)).exports(store)["g"](store) == 42


def test_linker_defines_the_exports_of_an_instance(store, module, linker):
    provider = Instance(store, module('(module (func (export "f") (result i32) (i32.const 7)))'))
    linker.define_instance(store, "env", provider)
    assert linker.instantiate(store, module(NEEDS)).exports(store)["g"](store) == 7


def test_missing_import_names_it_and_what_there_is(store, module, linker):
    with pytest.raises(LinkError, match="unknown import: 'env' 'f'") as caught:
        linker.instantiate(store, module(NEEDS))
    assert "nothing is named 'env'" in str(caught.value)
    linker.define_func(store, "env", "other", ANSWER, lambda: 42)
    with pytest.raises(LinkError, match="'env' has 'other'"):
        linker.instantiate(store, module(NEEDS))


def test_import_of_another_type_names_both(store, module, linker):
    linker.define_func(store, "env", "f", FuncType((I32,), ()), lambda x: None)
    with pytest.raises(LinkError, match="incompatible import type for 'env' 'f'") as caught:
        linker.instantiate(store, module(NEEDS))
    assert str(ANSWER).removeprefix("func ") in str(caught.value)


def test_name_is_defined_once_unless_shadowing_is_allowed(store, module, linker):
    linker.define_func(store, "env", "f", ANSWER, lambda: 1)
    with pytest.raises(LinkError, match="'env' 'f' is defined already"):
        linker.define_func(store, "env", "f", ANSWER, lambda: 2)
    linker.allow_shadowing = True
    linker.define_func(store, "env", "f", ANSWER, lambda: 2)
    assert linker.instantiate(store, module(NEEDS)).exports(store)["g"](store) == 2


def test_wrong_number_of_imports_is_refused(store, module):
    with pytest.raises(LinkError, match="expected 1 imports, got 0"):
        Instance(store, module(NEEDS))


def test_import_of_another_store_is_refused(engine, store, module):
    func = Func(Store(engine), ANSWER, lambda: 1)
    with pytest.raises(LinkError, match=r"import 0, Func.* belongs to another store"):
        Instance(store, module(NEEDS), [func])


def test_module_lists_imports_and_exports(module):
    loaded = module(NEEDS)
    assert loaded.imports == [("env", "f", ANSWER)]
    assert loaded.exports == [("g", ANSWER)]


@pytest.mark.parametrize(
    ("wasm", "error"),
    [(b"", MalformedError), (b"\0asm\1\0\0", MalformedError), (b"\0asm\1\0\0\0\x03\x02\x01\x00", WasmError)],
)
def test_module_of_bad_bytes_is_refused(engine, wasm, error):
    with pytest.raises(error):
        Module(engine, wasm)


def test_module_of_a_file_is_its_bytes(engine, store, module, tmp_path):
    path = tmp_path / "empty.wasm"
    path.write_bytes(b"\0asm\1\0\0\0")
    assert Module.from_file(engine, path).exports == []


def test_invalid_module_says_where(module):
    with pytest.raises(InvalidError, match="type mismatch") as caught:
        module("(module (func (result i32)))")
    assert caught.value.function == 0


@pytest.mark.parametrize("method", [lambda store: store.get_fuel(), lambda store: store.set_fuel(5)])
def test_fuel_of_an_unmetered_store_is_refused(store, method):
    with pytest.raises(WasmError, match="fuel is off"):
        method(store)


def test_fuel_is_set_and_read(metered):
    metered.set_fuel(100)
    assert metered.get_fuel() == 100
    with pytest.raises(WasmError, match="must not be negative"):
        metered.set_fuel(-1)


def test_start_function_that_traps_stops_instantiation(store, module):
    with pytest.raises(Trap, match=r"^unreachable"):
        Instance(store, module("(module (func $f unreachable) (start $f))"))


def test_segment_out_of_bounds_traps_after_earlier_ones_were_written(store, module, linker):
    provider = Instance(store, module('(module (memory (export "m") 1))'))
    linker.define_instance(store, "env", provider)
    text = '(module (import "env" "m" (memory 1)) (data (i32.const 1) "a") (data (i32.const 65536) "b"))'
    with pytest.raises(Trap, match=r"^out of bounds memory access"):
        linker.instantiate(store, module(text))
    assert provider.exports(store)["m"].read(store, 0, 3) == b"\0a\0"


def test_host_error_in_a_start_function_propagates(engine, store, module):
    def fail():
        raise KeyError("mine")

    func = Func(store, FuncType((), ()), fail)
    with pytest.raises(KeyError, match="mine"):
        Instance(store, module('(module (import "" "f" (func $f)) (start $f))'), [func])
    assert store.state.running is None


def test_interrupt_before_a_call_stops_it(store, module):
    exports = Instance(store, module('(module (func (export "f") (loop (br 0))))')).exports(store)
    store.interrupt()
    with pytest.raises(Trap, match=r"^interrupted"):
        exports["f"](store)


def test_engines_print_their_configuration():
    assert repr(Engine()) == "Engine()"
    assert Store(Engine()).engine.config.max_call_depth > 10_000
