"""What the instances of a module share, and what each makes only when it is asked for."""

import gc
import tracemalloc

from pywrt.config import Config
from pywrt.engine.instantiation import compile_module, instantiate
from pywrt.engine.machine import call
from pywrt.runtime.instance import Instance
from pywrt.runtime.store import Store
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.text import parse_module

CHAIN = """(module
  (table funcref (elem $two))
  (type $t (func (param i32) (result i32)))
  (func $one (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func $two (export "two") (type $t) (local i64) (call $one (call $one (local.get 0))))
  (func (export "indirect") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0)))
  (func (export "same") (result funcref) (ref.func $two)))"""


def instances(text: str, count: int, config: Config | None = None) -> list[Instance]:
    config = config if config is not None else Config()
    compiled = compile_module(decode_module(encode_module(parse_module(text))), config)
    store = Store(config)
    return [instantiate(store, compiled, []) for _ in range(count)]


def test_instance_second_of_a_module_lowers_nothing_again():
    first, second = instances(CHAIN, 2)
    assert call(first.store, first.exports["two"], [40]) == [42]
    plans = dict(first.code.plans)
    assert sorted(plans) == [0, 1]
    assert call(second.store, second.exports["two"], [40]) == [42]
    assert {index: id(plan) for index, plan in second.code.plans.items()} == {
        i: id(p) for i, p in plans.items()
    }


def test_instance_function_is_one_object_wherever_it_is_named():
    (instance,) = instances(CHAIN, 1)
    two = instance.exports["two"]
    assert instance.funcs[1] is two
    assert instance.tables[0].elements == [two]
    assert call(instance.store, instance.exports["same"], []) == [two]


def test_instance_functions_bind_alone_whichever_way_they_are_called_first():
    direct, indirect = instances(CHAIN, 2)
    assert call(indirect.store, indirect.exports["indirect"], [1]) == [3]
    assert call(direct.store, direct.exports["two"], [1]) == [3]
    assert direct.exports["indirect"].entry is direct.funcs[2].entry
    assert direct.funcs[1].entry is not indirect.funcs[1].entry
    assert direct.funcs[1].frame == indirect.funcs[1].frame


def test_instance_call_that_began_before_its_function_was_bound_goes_on():
    (instance,) = instances(CHAIN, 1)
    two = instance.exports["two"]
    entry, registers = two.entry, [5, *two.frame]
    assert call(instance.store, two, [5]) == [7]
    block, bound = entry(registers)
    assert (block, bound) == (two.entry, [5, *two.frame])


def test_instance_of_a_thousand_functions_takes_no_memory_for_each():
    text = "(module" + "(func (result i32) (i32.const 7))" * 1000 + '(func (export "f")))'
    config = Config()
    compiled = compile_module(decode_module(encode_module(parse_module(text))), config)
    store = Store(config)
    instantiate(store, compiled, [])
    gc.collect()
    tracemalloc.start()
    try:
        made = [instantiate(store, compiled, []) for _ in range(10)]
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(made) == 10
    assert size / 10 < 16_000  # a function that is made takes 80 bytes, a place for one 8
