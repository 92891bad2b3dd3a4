"""How deep guests may nest, under Python's default recursion limit."""

import sys

from benchmarks.figures import Tally, tally
from pywrt.config import Config
from pywrt.engine.instantiation import compile_module, instantiate
from pywrt.engine.machine import call
from pywrt.errors import Trap
from pywrt.runtime.func import Func
from pywrt.runtime.store import UNLIMITED, Store
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.text import parse_module

CALLS = 10_000
OPERATIONS = 50_000

RECURSION = """(module
  (func $count (export "count") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $count (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func $forever (export "forever") (call $forever)))"""


def invoke(text: str, name: str, *arguments: int) -> list[int]:
    store = Store(Config(consume_fuel=True))
    store.reserve = UNLIMITED
    module = compile_module(decode_module(encode_module(parse_module(text))), store.config)
    func = instantiate(store, module, []).exports[name]
    assert isinstance(func, Func)
    return call(store, func, list(arguments))


def recursion() -> Tally:
    """A recursion of CALLS calls returns their number."""
    counted = invoke(RECURSION, "count", CALLS)
    limit = sys.getrecursionlimit()
    failures = [] if counted == [CALLS] and limit < CALLS else [f"{counted} under a limit of {limit}"]
    return tally(failures, 1)


def infinite_recursion() -> Tally:
    """A recursion without end traps."""
    try:
        invoke(RECURSION, "forever")
    except Trap as trap:
        return tally([] if "call stack exhausted" in trap.message else [trap.message], 1)
    return tally(["it returned"], 1)


def nested_operations() -> Tally:
    """An expression of OPERATIONS operations, each an operand of the next, gives their sum."""
    deep = "i32.const 1\n" * (OPERATIONS + 1) + "i32.add\n" * OPERATIONS
    total = invoke(f'(module (func (export "sum") (result i32) {deep}))', "sum")
    return tally([] if total == [OPERATIONS + 1] else [f"got {total}"], 1)
