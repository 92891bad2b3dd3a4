"""A store's deadline, limits and end; what all objects print."""

import threading
import time

import pytest

from pywrt.api import Engine, Func, Global, Instance, Linker, Memory, Module, Store, Table, Tag
from pywrt.config import Config
from pywrt.engine.machine import Blocked
from pywrt.errors import LimitError, LinkError, Trap, WasmError
from pywrt.wasm.types import (
    FUNCREF,
    I32,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
    TagType,
)

SPIN = '(module (memory 1) (func (export "spin") (loop (br 0))) (func (export "f") (result i32) i32.const 1))'
NOTHING = FuncType((), ())


@pytest.fixture
def exports(store, module):
    return Instance(store, module(SPIN)).exports(store)


def test_store_makes_its_own_engine_and_keeps_data():
    store = Store(data={"user": 1})
    assert store.engine.config == Config()
    assert store.data() == {"user": 1}
    assert Store().data() is None


# --- deadline and interrupt


def test_timeout_is_a_deadline_from_now(store, exports):
    store.set_deadline(timeout=0.005)
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        exports["spin"](store)
    store.set_deadline()
    assert exports["f"](store) == 1


def test_deadline_is_a_time_or_a_timeout(store):
    with pytest.raises(WasmError, match="not both"):
        store.set_deadline(time.monotonic(), timeout=1)


@pytest.mark.parametrize("metered", [False, True])
@pytest.mark.parametrize("stop", ["deadline", "interrupt"])
def test_guest_of_slow_host_calls_is_stopped_within_few(module, metered, stop):
    store = Store(Engine(Config(consume_fuel=metered)))
    if metered:
        store.set_fuel(1 << 40)
    calls = []

    def host():
        calls.append(1)
        if len(calls) == 3:
            store.set_deadline(timeout=0) if stop == "deadline" else store.interrupt()

    text = '(module (import "" "f" (func $f)) (func (export "g") (loop (call $f) (br 0))))'
    func = Instance(store, module(text), [Func(store, NOTHING, host)]).exports(store)["g"]
    with pytest.raises(Trap, match=r"^(deadline exceeded|interrupted)") as caught:
        func(store)
    assert caught.value.code == stop
    assert [frame.function for frame in caught.value.backtrace] == [1]
    assert len(calls) == 3


def test_interrupt_from_a_thread_stops_a_running_call(store, exports):
    timer = threading.Timer(0.01, store.interrupt)
    timer.start()
    with pytest.raises(Trap, match=r"^interrupted"):
        exports["spin"](store)
    timer.join()
    assert exports["f"](store) == 1


def test_interrupt_from_a_thread_stops_a_call_that_is_blocked(store):
    func = Func(store, NOTHING, lambda: Blocked(lambda: None, 1000))
    timer = threading.Timer(0.01, store.interrupt)
    timer.start()
    with pytest.raises(Trap, match=r"^interrupted"):
        func(store)
    timer.join()


def test_call_from_another_thread_while_one_runs_is_refused(store, exports):
    caught = []

    def other():
        try:
            exports["f"](store)
        except WasmError as error:
            caught.append(str(error))

    def host():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    Func(store, NOTHING, host)(store)
    assert caught == ["the store is in use by another thread: give each thread a store of its own"]
    assert exports["f"](store) == 1


# --- limits


def test_limits_say_what_is_used(store, module):
    Instance(store, module("(module (memory 2) (table 3 funcref))"))
    limits = store.limits
    assert (limits.memory.used, limits.memory.limit, limits.memory.left) == (
        2 * 65536,
        4 << 30,
        (4 << 30) - 2 * 65536,
    )
    assert (limits.table_elements.used, limits.instances.used, limits.objects.used) == (3, 1, 0)
    assert repr(limits.instances) == "1 of 10,000"
    assert "table_elements: 3 of 10,000,000" in repr(limits)


def test_set_limits_replaces_those_of_the_engine(store, module):
    memory = Memory(store, MemoryType(Limits(2)))
    store.set_limits(memory_size=3 * 65536, instances=1, table_elements=5)
    assert store.limits.memory.left == 65536
    assert memory.grow(store, 1) == 2
    with pytest.raises(WasmError, match="failed to grow memory of 3 pages by 1"):
        memory.grow(store, 1)
    Instance(store, module("(module)"))
    with pytest.raises(LimitError, match="instances is reached"):
        Instance(store, module("(module)"))
    with pytest.raises(LimitError):
        Table(store, TableType(FUNCREF, Limits(6)))
    store.set_limits(memory_size=65536)  # less than is in use: it stays, and nothing is left
    assert (store.limits.memory.used, store.limits.memory.left) == (3 * 65536, 0)
    store.set_limits(memory_size=4 * 65536, instances=2)
    assert memory.grow(store, 1) == 3
    Instance(store, module("(module)"))


# --- the end of a store


def test_closed_store_refuses_everything_new(engine, module):
    compiled = module(SPIN)
    with Store(engine) as store:
        instance = Instance(store, compiled)
        exports = instance.exports(store)
        assert exports["f"](store) == 1
    attempts = [
        lambda: exports["f"](store),
        lambda: exports["f"].start(store),
        lambda: Instance(store, compiled),
        lambda: Linker(engine).instantiate(store, compiled),
        lambda: Func(store, NOTHING, lambda: None),
        lambda: Memory(store, MemoryType(Limits(1))),
        lambda: Table(store, TableType(FUNCREF, Limits(1))),
        lambda: Global(store, GlobalType(I32, True), 1),
        lambda: Tag(store, TagType(NOTHING)),
    ]
    for attempt in attempts:
        with pytest.raises(WasmError, match=r"^the store is closed$"):
            attempt()
    store.close()
    assert repr(store) == "<Store, closed>"


def test_store_is_not_closed_within_a_call(store):
    func = Func(store, NOTHING, store.close)
    host = Func(store, NOTHING, lambda: func(store))
    with pytest.raises(WasmError, match="the store is in a call"):
        host(store)
    host_of_another = Func(Store(), NOTHING, store.close)
    host_of_another(host_of_another.store)
    with pytest.raises(WasmError, match=r"^the store is closed$"):
        host(store)


# --- the caller, and functions of a linker


def test_host_function_reads_the_memory_of_its_caller(store, module):
    seen = []

    def host(caller, address):
        seen.append((bytes(caller["memory"].read(caller.store, address, address + 2)), caller.get("nothing")))
        with pytest.raises(KeyError, match="the caller has no export 'nothing'"):
            caller["nothing"]

    text = """(module (import "" "f" (func $f (param i32))) (memory (export "memory") 1)
      (data (i32.const 8) "hi") (func (export "g") (call $f (i32.const 8))))"""
    func = Func(store, FuncType((I32,), ()), host, access_caller=True)
    Instance(store, module(text), [func]).exports(store)["g"](store)
    assert seen == [(b"hi", None)]


def test_host_function_that_the_host_calls_has_no_calling_instance(store):
    callers = []
    Func(store, NOTHING, callers.append, access_caller=True)(store)
    assert callers[0].get("memory") is None
    assert repr(callers[0]) == "<Caller, the host>"


def test_linker_function_without_a_store_serves_every_store(engine, module):
    linker = Linker(engine)
    linker.define_func("env", "f", FuncType((), (I32,)), lambda caller: len(repr(caller)), access_caller=True)
    text = '(module (import "env" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f)))'
    for store in (Store(engine), Store(engine)):
        instance = linker.instantiate(store, module(text))
        assert instance.exports(store)["g"](store) == len("<Caller, exports 'g'>")
        assert linker.get(store, "env", "f").store is store


def test_linker_function_of_a_wrong_number_of_arguments_is_refused(engine):
    with pytest.raises(TypeError, match="define_func takes a store or none, a module"):
        Linker(engine).define_func("env", "f")


def test_linker_refuses_what_belongs_to_another_store(engine, store):
    memory = Memory(Store(engine), MemoryType(Limits(1)))
    with pytest.raises(LinkError, match="belongs to another store"):
        Linker(engine).define(store, "env", "m", memory)


def test_unknown_imports_as_traps_trap_when_they_are_called(engine, store, module):
    text = """(module (import "env" "f" (func $f)) (import "env" "g" (func $g (result i32)))
      (func (export "f") (call $f)) (func (export "g") (result i32) (call $g)))"""
    linker = Linker(engine)
    linker.define_func("env", "g", FuncType((), (I32,)), lambda: 3)
    linker.define_unknown_imports_as_traps(module(text))
    exports = linker.instantiate(store, module(text)).exports(store)
    assert exports["g"](store) == 3
    with pytest.raises(Trap, match=r"^unknown import: 'env' 'f' has not been defined") as caught:
        exports["f"](store)
    assert caught.value.code == "unknown-import"


def test_linker_get_says_what_there_is(engine, store):
    with pytest.raises(WasmError, match="'env' 'f' is not defined; nothing is named 'env'"):
        Linker(engine).get(store, "env", "f")


# --- what they print


def test_objects_print_what_they_are(engine, module):
    store = Store(engine)
    text = """(module $named (import "" "f" (func)) (memory (export "m") 1 2) (table (export "t") 3 funcref)
      (global (export "g") (mut i32) (i32.const 7)) (func $inner (export "f") (param i32)))"""
    compiled = module(text)
    linker = Linker(engine)
    assert repr(linker) == "<Linker, empty>"
    linker.define_func("", "f", NOTHING, lambda: None)
    assert repr(linker) == "<Linker, '' 'f'>"
    instance = linker.instantiate(store, compiled)
    exports = instance.exports(store)
    assert repr(compiled) == "<Module 'named', 1 imports, 4 exports, 1 functions>"
    assert repr(instance) == "<Instance 'named', exports 'm', 't', 'g', 'f'>"
    assert [repr(item) for item in exports.by_index] == [
        "Memory(1..2 pages, 1 now)",
        "Table(3 funcref, 3 now)",
        "Global(mut i32, 7 now)",
        f"Func('inner', {FuncType((I32,), ())})",
    ]
    assert repr(exports).startswith("Exports('m': Memory(1..2 pages, 1 now), 't': ")


def test_store_prints_its_use(metered):
    metered.set_fuel(12_345)
    assert repr(metered) == (
        "<Store, instances: 0 of 10,000; bytes of memory: 0 of 4,294,967,296; fuel: 12,345>"
    )
    metered.set_deadline(timeout=1000)
    assert "; deadline in " in repr(metered)


def test_engine_prints_what_differs_from_the_defaults():
    config = Config(consume_fuel=True, max_instances=5).disable("memory64").enable("custom-page-sizes")
    assert repr(Engine(config)) == (
        "Engine(consume_fuel=True, max_instances=5, +custom-page-sizes, "
        "-component-model-memory64, -memory64)"  # which needs it
    )


def test_module_without_a_name_prints_none(engine):
    assert repr(Module(engine, b"\0asm\1\0\0\0")) == "<Module, 0 imports, 0 exports, 0 functions>"
