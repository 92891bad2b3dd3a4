"""Atomic accesses, and activations that wait at an address until another one notifies them."""

import asyncio
import gc
import time

import pytest

from pywrt.api import Func
from pywrt.config import ALL_FEATURES
from pywrt.engine.machine import Stop
from pywrt.errors import Trap
from pywrt.wasm.opcodes import OPCODES, access_size
from pywrt.wasm.types import FuncType

ATOMICS = [row for row in OPCODES if row.feature == "threads" and row.mnemonic[0] == "i"]
OPERATIONS = {
    "add": lambda old, v: old + v,
    "sub": lambda old, v: old - v,
    "and": lambda old, v: old & v,
    "or": lambda old, v: old | v,
    "xor": lambda old, v: old ^ v,
    "xchg": lambda old, v: v,
}
OLD = 0x8899AABBCCDDEEFF
NEW = 0xF0E1D2C3B4A59687


def signed(x, bits):
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> bits - 1 else x


@pytest.fixture(params=[False, True], ids=["unmetered", "metered"])
def load(guest, request):
    """A guest of the fields in `text`, with a shared memory of one page."""

    def make(text, memory="(memory 1 1 shared)", **kwargs):
        return guest(f"(module {memory} {text})", metered=request.param, features=ALL_FEATURES, **kwargs)

    return make


def bytes_of(module):
    return module.instance.state.memories[0].data


def access(row, offset=""):
    """A function `f` of one instruction."""
    params = " ".join(map(str, row.params))
    result = f"(result {row.results[0]})" if row.results else ""
    operands = " ".join(f"(local.get {i})" for i in range(len(row.params)))
    return f'(func (export "f") (param {params}) {result} ({row.mnemonic} {offset} {operands}))'


@pytest.mark.parametrize("row", ATOMICS, ids=lambda row: row.mnemonic)
@pytest.mark.parametrize("memory", ["(memory 1 1 shared)", "(memory 1)"])
def test_atomic_access_reads_and_writes_its_bytes_only(load, row, memory):
    size = access_size(row)
    bits = 32 if row.mnemonic.startswith("i32") else 64
    module = load(access(row, "offset=8"), memory)
    data = bytes_of(module)
    start = [0xA5] * 8 + list(OLD.to_bytes(8, "little")) + [0x5A] * 8
    data[8:32] = bytes(start)
    old = OLD & (1 << 8 * size) - 1
    name = row.mnemonic.rpartition(".")[2].removesuffix("_u")
    if name == "cmpxchg":
        assert module.call("f", 8, signed(old ^ 1, bits), signed(NEW, bits)) == signed(old, bits)
        assert list(data[8:32]) == start
        # of what is expected only as many bits count as are compared
        given = [signed(old | NEW << 8 * size, bits), signed(NEW, bits)]
        expected = NEW
    elif name in OPERATIONS:
        given, expected = [signed(NEW, bits)], OPERATIONS[name](old, NEW)
    elif row.results:
        given, expected = [], old
    else:
        given, expected = [signed(NEW, bits)], NEW
    result = module.call("f", 8, *given)
    assert result == (signed(old, bits) if row.results else None)
    start[8 : 8 + size] = (expected & (1 << 8 * size) - 1).to_bytes(size, "little")
    assert list(data[8:32]) == start


@pytest.mark.parametrize("row", ATOMICS, ids=lambda row: row.mnemonic)
def test_atomic_access_unaligned_or_out_of_bounds_traps_and_writes_nothing(load, row):
    size = access_size(row)
    module = load(access(row, "offset=3"))
    values = [0] * (len(row.params) - 1)
    for address in range(8):
        if (address + 3) % size:
            with pytest.raises(Trap, match=r"^unaligned atomic") as caught:
                module.call("f", address, *values)
            assert caught.value.code == "unaligned-atomic"
            assert module.wasm[caught.value.backtrace[0].offset] == 0xFE
    for address in (65536 - 3, (1 << 32) - size - 3):
        with pytest.raises(Trap, match=r"^out of bounds memory access") as caught:
            module.call("f", address, *values)
        assert caught.value.code == "memory-out-of-bounds"
        assert module.wasm[caught.value.backtrace[0].offset] == 0xFE
    with pytest.raises(Trap, match=r"^unaligned atomic" if size > 1 else "^out of bounds"):
        module.call("f", 65536 + 1 + size - 3, *values)  # alignment is looked at first
    assert not any(bytes_of(module))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # what was read before is kept, what is read afterwards is new
        ("(i32.load (i32.const 0)) (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 5)))", 0),
        ("(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 5))) (i32.load (i32.const 0))", 5),
        ("(i32.sub (i32.atomic.rmw.add (i32.const 0) (i32.const 5))"
         " (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))", -5),
        ("(i32.atomic.load (i32.const 0)) (i32.atomic.store (i32.const 0) (i32.const 9))", 0),
        ("(i32.atomic.rmw.xchg (i32.const 0) (i32.const 7)) (drop) (atomic.fence)"
         " (i32.atomic.load8_u (i32.const 0))", 7),
        ("(drop (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 4)))"
         " (i32.load (i32.const 0))", 4),
        # a value nobody wants is computed all the same, operands in order
        ("(drop (i32.atomic.rmw.or (i32.atomic.rmw.add (i32.const 0) (i32.const 4))"
         " (i32.atomic.rmw.add (i32.const 0) (i32.const 8)))) (i32.load (i32.const 0))", 12),
    ],
)  # fmt: skip
def test_atomic_instructions_keep_their_order(load, body, expected):
    assert load(f'(func (export "f") (result i32) {body})').call("f") == expected


def test_load_out_of_bounds_traps_before_a_later_unaligned_atomic_load(load):
    module = load(
        """(func (export "f") (result i32) (local i32)
             (i32.load (i32.const 65533))
             (local.set 0 (i32.atomic.load (i32.const 1)))
             (i32.add (local.get 0)))"""
    )
    with pytest.raises(Trap, match=r"^out of bounds memory access"):
        module.call("f")


def test_atomic_instructions_in_dead_code_are_passed_over(load):
    dead = """(br 0) (atomic.fence) (drop (i32.atomic.rmw8.cmpxchg_u offset=300 (i32.const 0) (i32.const 1)
    (i32.const 2))) (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))"""
    assert load(f'(func (export "f") (result i32) (block {dead}) (i32.const 6))').call("f") == 6


def test_atomic_instructions_cost_one_each(guest):
    body = """(atomic.fence) (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 7) (i64.const 0)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))"""
    text = f'(module (memory 1 1 shared) (func (export "f") {body}))'
    assert guest(text, metered=True, features=ALL_FEATURES).fuel("f") == 1 + 1 + 3 + 4 + 3


WAITING = """
(func (export "wait") (param i32 i32 i64) (result i32)
  (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
(func (export "wait64") (param i32 i64 i64) (result i32)
  (memory.atomic.wait64 offset=8 (local.get 0) (local.get 1) (local.get 2)))
(func (export "notify") (param i32 i32) (result i32)
  (memory.atomic.notify (local.get 0) (local.get 1)))
"""


@pytest.mark.parametrize("name", ["wait", "wait64"])
@pytest.mark.parametrize("timeout", [0, 1_000_000])
def test_wait_until_the_time_is_over_gives_2(load, name, timeout):
    module = load(WAITING)
    assert module.call(name, 8, 0, timeout) == 2
    assert module.instance.state.memories[0].waiters == {}
    assert module.call("notify", 8, -1) == 0


@pytest.mark.parametrize("name", ["wait", "wait64"])
def test_wait_for_another_value_than_is_there_gives_1(load, name):
    assert load(WAITING).call(name, 8, 1, -1) == 1


@pytest.mark.parametrize(
    ("memory", "name", "args", "message"),
    [
        ("(memory 1)", "wait", (0, 0, -1), "expected shared memory"),
        ("(memory 1)", "wait64", (0, 1, 0), "expected shared memory"),
        ("(memory 1 1 shared)", "wait", (2, 0, 0), "unaligned atomic"),
        ("(memory 1 1 shared)", "wait64", (4, 0, 0), "unaligned atomic"),
        ("(memory 1 1 shared)", "notify", (1, 0), "unaligned atomic"),
        ("(memory 1 1 shared)", "wait", (65536, 0, 0), "out of bounds memory access"),
        ("(memory 1 1 shared)", "wait64", (-16, 0, 0), "out of bounds memory access"),
        ("(memory 1 1 shared)", "notify", (65536, 0), "out of bounds memory access"),
    ],
)
def test_wait_and_notify_where_they_cannot_trap(load, memory, name, args, message):
    module = load(WAITING, memory)
    with pytest.raises(Trap, match=f"^{message}") as caught:
        module.call(name, *args)
    assert module.wasm[caught.value.backtrace[0].offset] == 0xFE


@pytest.mark.parametrize("address", ["i32", "i64"])
@pytest.mark.parametrize(
    ("below", "name", "message"),
    [
        (8, "wait32", "out of bounds memory access"),
        (8, "wait64", "out of bounds memory access"),
        (8, "notify", "out of bounds memory access"),
        (4, "wait32", "out of bounds memory access"),
        (4, "wait64", "unaligned atomic"),
        (2, "wait32", "unaligned atomic"),
        (2, "wait64", "unaligned atomic"),
        (2, "notify", "unaligned atomic"),
    ],
)
def test_wait_and_notify_beyond_all_addresses_look_at_the_alignment_first(
    load, address, below, name, message
):
    """The sum with the offset doesn't wrap. WebAssembly/threads: exec/instructions.html, atomic memory"""
    operands = {"wait32": "(i32.const 0) (i64.const 0)", "wait64": "(i64.const 0) (i64.const 0)"}
    body = f"memory.atomic.{name} offset=8 (local.get 0) {operands.get(name, '(i32.const 1)')}"
    module = load(f'(func (export "f") (param {address}) (drop ({body})))', f"(memory {address} 1 1 shared)")
    with pytest.raises(Trap, match=f"^{message}"):
        module.call("f", -below)


def test_notify_of_an_unshared_memory_wakes_nobody(load):
    assert load(WAITING, "(memory 1)").call("notify", 0, 5) == 0


def test_waiting_activations_are_woken_in_order_as_many_as_asked(load):
    module = load(WAITING)
    waiting = [module.start("wait", 4, 0, -1) for _ in range(3)]
    elsewhere = module.start("wait64", 0, 0, -1)  # at address 8
    for activation in (*waiting, elsewhere):
        assert activation.resume() is Stop.BLOCKED
    assert module.call("notify", 4, 2) == 2
    stops = [activation.resume() for activation in (*waiting, elsewhere)]
    assert stops == [Stop.RETURNED, Stop.RETURNED, Stop.BLOCKED, Stop.BLOCKED]
    assert [activation.results for activation in waiting[:2]] == [[0], [0]]
    assert module.call("notify", 4, -1) == 1
    assert module.call("notify", 8, 1) == 1
    assert [waiting[2].resume(), elsewhere.resume()] == [Stop.RETURNED, Stop.RETURNED]
    assert module.call("notify", 4, 1) == 0


def test_waiting_activation_that_is_dropped_is_not_notified(load):
    module = load(WAITING)
    first, second = module.start("wait", 0, 0, -1), module.start("wait", 0, 0, -1)
    assert [first.resume(), second.resume()] == [Stop.BLOCKED, Stop.BLOCKED]
    gc.disable()
    try:
        del first
        assert module.call("notify", 0, 1) == 1
    finally:
        gc.enable()
    assert second.resume() is Stop.RETURNED


def test_two_activations_pass_a_token_in_turn(load):
    module = load("""
    (func (export "play") (param $own i32) (param $other i32) (param $rounds i32) (result i32)
      (local $n i32)
      (loop $again
        ;; until it is this one's turn: the word at 0 says whose
        (if (i32.ne (i32.atomic.load (i32.const 0)) (local.get $own))
          (then (drop (memory.atomic.wait32 (i32.const 0) (local.get $other) (i64.const -1))) (br $again)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1)))
        (i32.atomic.store (i32.const 0) (local.get $other))
        (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (local.get $rounds))))
      (local.get $n))""")
    players = [module.start("play", 0, 1, 50), module.start("play", 1, 0, 50)]
    stops = [None, None]
    for turn in range(300):
        stops[turn % 2] = players[turn % 2].resume()
    assert stops == [Stop.RETURNED, Stop.RETURNED]
    assert [player.results for player in players] == [[50], [50]]
    assert bytes_of(module)[4] == 100


def test_wait_within_asyncio_is_ended_by_another_task(load):
    module = load(WAITING)

    async def run(activation):
        while activation.resume() is Stop.BLOCKED:
            await asyncio.sleep(activation.blocked.timeout)
        return activation.results

    async def both():
        waiting = asyncio.create_task(run(module.start("wait", 0, 0, -1)))
        await asyncio.sleep(0.005)
        return await run(module.start("notify", 0, 1)), await waiting

    assert asyncio.run(both()) == ([1], [0])


def test_wait_for_ever_is_stopped_by_the_deadline(load):
    module = load(WAITING)
    module.store.set_deadline(time.monotonic() + 0.02)
    with pytest.raises(Trap, match=r"^deadline exceeded"):
        module.call("wait", 0, 0, -1)
    module.store.set_deadline(None)
    assert module.call("notify", 0, -1) == 0


def test_wait_for_ever_is_stopped_by_an_interrupt(load):
    module = load(WAITING)
    activation = module.start("wait", 0, 0, -1)
    assert activation.resume() is Stop.BLOCKED
    module.store.interrupt()
    assert activation.resume() is Stop.TRAPPED
    assert activation.trap.message == "interrupted"
    assert module.call("notify", 0, -1) == 0


def test_wait_within_a_nested_call_traps(load):
    def host(store):
        def call_back():
            return holder[0].call("wait", 0, 0, -1)

        return [Func(store, FuncType((), ()), call_back)]

    holder = [
        load(
            '(import "host" "f" (func $f)) (memory 1 1 shared) (func (export "g") (call $f))' + WAITING,
            "",
            imports=host,
        )
    ]
    with pytest.raises(Trap, match=r"^a host function would block within a nested call"):
        holder[0].call("g")


def test_wait_at_a_64_bit_address(load):
    text = """(func (export "wait") (param i64) (result i32)
      (memory.atomic.wait32 offset=4 (local.get 0) (i32.const 0) (i64.const 0)))
    (func (export "notify") (param i64) (result i32) (memory.atomic.notify (local.get 0) (i32.const 1)))
    (func (export "add") (param i64) (result i64) (i64.atomic.rmw.add (local.get 0) (i64.const 3)))"""
    module = load(text, "(memory i64 1 1 shared)")
    assert module.call("wait", 4) == 2
    assert [module.call("add", 8), module.call("add", 8)] == [0, 3]
    for name in ("wait", "notify", "add"):
        with pytest.raises(Trap, match=r"^out of bounds memory access"):
            module.call(name, -8)
