"""Memories of pages of one byte: sizes, growth, bounds and limits in bytes."""

import pytest

from pywrt.api import Memory
from pywrt.config import ALL_FEATURES
from pywrt.errors import LimitError, LinkError, Trap
from pywrt.wasm.types import I32, Limits, MemoryType

FUNCTIONS = """
(func (export "size") (result i32) (memory.size))
(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
(func (export "load32") (param i32) (result i32) (i32.load (local.get 0)))
(func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
"""


@pytest.fixture(params=[False, True], ids=["unmetered", "metered"])
def load(guest, request):
    def make(memory, rest=FUNCTIONS, **kwargs):
        return guest(f"(module {memory} {rest})", metered=request.param, features=ALL_FEATURES, **kwargs)

    return make


def test_pages_of_one_byte_are_counted_and_grown(load):
    module = load("(memory 3 10 (pagesize 1))")
    assert module.call("size") == 3
    assert module.call("grow", 5) == 3
    assert (module.call("size"), len(module.instance.state.memories[0].data)) == (8, 8)
    assert [module.call("grow", delta) for delta in (3, -1, 2, 1)] == [-1, -1, 8, -1]
    assert module.call("size") == 10


def test_bounds_of_a_memory_of_a_few_bytes(load):
    module = load("(memory 5 (pagesize 1))")
    assert [module.call("load", 4), module.call("load32", 1)] == [0, 0]
    for name, address in (("load", 5), ("load32", 2), ("load32", 65532)):
        with pytest.raises(Trap, match=r"^out of bounds memory access"):
            module.call(name, address)
    module.call("fill", 1, 4)
    with pytest.raises(Trap, match=r"^out of bounds memory access"):
        module.call("fill", 1, 5)
    assert bytes(module.instance.state.memories[0].data) == b"\0\7\7\7\7"


def test_pages_of_64_kib_said_explicitly_are_the_usual_ones(load):
    module = load("(memory 1 2 (pagesize 65536))")
    assert [module.call("grow", 1), module.call("size"), module.call("grow", 1)] == [1, 2, -1]
    assert len(module.instance.state.memories[0].data) == 2 << 16


def test_size_waiting_on_the_stack_is_that_before_growth(load):
    body = "(memory.size) (drop (memory.grow (i32.const 4))) (memory.size) i32.sub"
    module = load("(memory 1 (pagesize 1))", f'(func (export "f") (result i32) {body})')
    assert module.call("f") == -4


def test_memories_of_both_page_sizes_in_a_module(load):
    rest = """(func (export "sizes") (result i32 i32) (memory.size 0) (memory.size 1))
    (func (export "copy") (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 4)))"""
    module = load('(memory 6 (pagesize 1)) (memory 2) (data (memory 1) (i32.const 0) "abcd")', rest)
    assert module.call("sizes") == [6, 2]
    module.call("copy")
    assert bytes(module.instance.state.memories[0].data) == b"abcd\0\0"


def test_limits_of_the_store_count_bytes(load):
    module = load("(memory 10 (pagesize 1))", max_memory_bytes=100)
    assert [module.call("grow", 91), module.call("grow", 90)] == [-1, 10]
    with pytest.raises(LimitError, match=r"^a memory of 101 pages does not fit"):
        load("(memory 101 (pagesize 1))", max_memory_bytes=100)


def test_largest_size_of_pages_of_one_byte_is_a_number(load):
    memory = load("(memory 0 (pagesize 1))").instance.state.memories[0]
    assert memory.max == 0xFFFFFFFF


def test_import_of_another_page_size_is_refused(load):
    def small(store):
        return [Memory(store, MemoryType(Limits(0, 1), I32, False, 1))]

    text = '(import "m" "m" (memory 0 1 (pagesize {})))'
    load(text.format(1), "", imports=small)
    with pytest.raises(LinkError, match=r"^incompatible import type"):
        load(text.format(65536), "", imports=small)


@pytest.mark.parametrize(("delta", "cost"), [(5, 8), (1000, 1003), (10_000, 3)])
def test_growth_costs_one_more_for_each_page(guest, delta, cost):
    function = '(func (export "f") (param i32) (drop (memory.grow (local.get 0))))'
    text = f"(module (memory 0 1000 (pagesize 1)) {function})"
    assert guest(text, metered=True, features=ALL_FEATURES).fuel("f", delta) == cost
