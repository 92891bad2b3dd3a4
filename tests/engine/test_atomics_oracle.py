"""Atomic instructions about the edges of memories give, or trap, as they do in wasmtime."""

import pytest

from pywrt.config import ALL_FEATURES
from pywrt.errors import Trap
from pywrt.wasm.opcodes import OPCODES, access_size
from pywrt.wasm.types import I32

try:
    import wasmtime
except ImportError:  # the interop extra
    wasmtime = None

pytestmark = pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed (the interop extra)")

#: One of each way of access, in all sizes; waits and notify.
ROWS = [
    row
    for row in OPCODES
    if row.mnemonic.startswith(("i64.atomic.load", "i64.atomic.store", "memory.atomic"))
    or (row.mnemonic.startswith("i64.atomic.rmw") and (".add" in row.mnemonic or "cmpxchg" in row.mnemonic))
]
OFFSETS = (0, 1, 8, 65533, 0x80000000)
TRAPS = {
    "HEAP_MISALIGNED": "unaligned-atomic",
    "MEMORY_OUT_OF_BOUNDS": "memory-out-of-bounds",
    "ATOMIC_WAIT_NON_SHARED_MEMORY": "expected-shared-memory",
}


def function(row, address, offset):
    params = [address, *(t.name for t in row.params[1:])]
    results = "".join(f"(result {t.name})" for t in row.results)
    operands = " ".join(f"(local.get {i})" for i in range(len(params)))
    return (
        f'(func (export "{row.mnemonic} {offset}") (param {" ".join(params)}) {results} '
        f"({row.mnemonic} offset={offset} {operands}))"
    )


def outcome(call):
    try:
        return call()
    except Trap as trap:
        return trap.code
    except wasmtime.Trap as trap:
        return TRAPS[trap.trap_code.name]


@pytest.mark.parametrize("shared", ["shared", ""])
@pytest.mark.parametrize("address", ["i32", "i64"])
def test_atomic_instruction_about_an_edge_does_as_in_wasmtime(guest, address, shared):
    functions = " ".join(function(row, address, offset) for row in ROWS for offset in OFFSETS)
    ours = guest(f"(module (memory {address} 1 1 {shared}) {functions})", features=ALL_FEATURES)
    config = wasmtime.Config()
    config.shared_memory = True
    config.wasm_memory64 = True
    config.cranelift_opt_level = "none"
    store = wasmtime.Store(wasmtime.Engine(config))
    theirs = wasmtime.Instance(store, wasmtime.Module(store.engine, ours.wasm), []).exports(store)
    top = 1 << (32 if address == "i32" else 64)
    differing = []
    for row in ROWS:
        operands = [3 if t is I32 else 0 for t in row.params[1:]]
        for offset in OFFSETS:
            name = f"{row.mnemonic} {offset}"
            for value in {
                (edge + i) % top for edge in (65536 - offset, top - offset, top) for i in range(-9, 3)
            }:
                # two reasons for a trap, of which wasmtime names the other: see the generator's waits
                beyond = value + offset >= top and (value + offset) % access_size(row)
                if beyond and row.mnemonic.startswith("memory"):
                    continue
                args = value - (top if value >= top // 2 else 0), *operands
                have = outcome(lambda name=name, args=args: ours.call(name, *args))
                want = outcome(lambda name=name, args=args: theirs[name](store, *args))
                if have != want:
                    differing.append((name, args, have, want))
    assert differing == []
