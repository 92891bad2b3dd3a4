"""Random modules: metered or not, in slices or whole, all runs agree, and agree with wasmtime."""

import hashlib
import importlib.util
import math
import sys
from pathlib import Path
from random import Random

import pytest

from pywrt.api import Engine, Instance, Module, Store
from pywrt.api.externs import from_raw
from pywrt.config import Config
from pywrt.engine.machine import Stop
from pywrt.errors import Trap
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

try:
    import wasmtime
except ImportError:  # the interop extra
    wasmtime = None

_spec = importlib.util.spec_from_file_location("generator", Path(__file__).with_name("generator.py"))
assert _spec is not None
assert _spec.loader is not None
generator = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("generator", generator)
_spec.loader.exec_module(generator)

FUEL = 5000
#: Rounds of an unmetered run that count as endless.
ROUNDS = 100_000
OUT_OF_FUEL = ("trap", "out-of-fuel")
TRAPS = {
    "MEMORY_OUT_OF_BOUNDS": "memory-out-of-bounds",
    "TABLE_OUT_OF_BOUNDS": "table-out-of-bounds",
    "INDIRECT_CALL_TO_NULL": "uninitialized-element",
    "BAD_SIGNATURE": "bad-signature",
    "INTEGER_OVERFLOW": "integer-overflow",
    "INTEGER_DIVISION_BY_ZERO": "integer-divide-by-zero",
    "BAD_CONVERSION_TO_INTEGER": "invalid-conversion",
    "UNREACHABLE": "unreachable",
    "OUT_OF_FUEL": "out-of-fuel",
}


def comparable(value):
    """A value with all NaNs equal and zeros told apart."""
    if isinstance(value, float):
        return "nan" if value != value else (math.copysign(1, value), value)
    return value


def digest(memory, variables):
    return hashlib.md5(bytes(memory)).hexdigest(), [comparable(v) for v in variables]


def resume(activation, random):
    """Drive a call, in random slices if `random` is given, until it stops or seems endless."""
    metered = activation.store.config.consume_fuel
    if random is None:
        stop = activation.resume(None if metered else ROUNDS)
        return Stop.OUT_OF_FUEL if stop is Stop.SLICE_END else stop
    rounds = 0
    while rounds < ROUNDS or metered:
        size = random.randint(1, 100)
        rounds += size
        stop = activation.resume(size)
        if stop is not Stop.SLICE_END:
            return stop
    return Stop.OUT_OF_FUEL


def run(wasm, calls, metered, slices):
    """What each call came to, its fuel, and the state after it; up to the first that ran out of fuel."""
    engine = Engine(Config(consume_fuel=metered))
    store = Store(engine)
    if metered:
        store.set_fuel(1 << 40)
    instance = Instance(store, Module(engine, wasm))
    exports = instance.exports(store)
    outcomes = []
    for name, args in calls:
        if metered:
            store.set_fuel(FUEL)
        activation = exports[name].start(store, *args)
        stop = resume(activation, slices)
        fuel = None
        if stop is Stop.RETURNED:
            types = exports[name].type.results
            values = [from_raw(store, v, t) for v, t in zip(activation.results, types, strict=True)]
            outcome = ("returned", [comparable(v) for v in values])
            fuel = FUEL - store.get_fuel() if metered else None
        elif stop is Stop.OUT_OF_FUEL:
            return [*outcomes, (OUT_OF_FUEL, None, None)]
        else:
            assert isinstance(activation.trap, Trap), activation.trap
            code = activation.trap.code
            outcome = ("trap", "table-out-of-bounds" if code == "undefined-element" else code)
        variables = [exports[t].value(store) for t in generator.GLOBALS]
        outcomes.append((outcome, fuel, digest(exports["memory"].state.data, variables)))
    return outcomes


def run_wasmtime(wasm, calls):
    config = wasmtime.Config()
    config.consume_fuel = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    store.set_fuel(1 << 40)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, wasm), []).exports(store)
    outcomes = []
    for name, args in calls:
        store.set_fuel(FUEL)
        fuel = None
        try:
            results = exports[name](store, *args)
            values = [] if results is None else results if isinstance(results, list) else [results]
            outcome = ("returned", [comparable(v) for v in values])
            fuel = FUEL - store.get_fuel()
        except wasmtime.Trap as trap:
            outcome = ("trap", TRAPS[trap.trap_code.name])
        if outcome == OUT_OF_FUEL:
            return [*outcomes, (outcome, None, None)]
        memory = exports["memory"]
        variables = [exports[t].value(store) for t in generator.GLOBALS]
        outcomes.append((outcome, fuel, digest(memory.read(store, 0, memory.data_len(store)), variables)))
    return outcomes


def agree(expected, found, fuel):
    """Compare runs up to where either was stopped for fuel, which is checked at different points."""
    for want, have in zip(expected, found, strict=False):
        if OUT_OF_FUEL in (want[0], have[0]):
            return
        assert have[0] == want[0]
        assert have[2] == want[2]
        if fuel:
            assert have[1] == want[1]


def make(seed, size):
    text, types = generator.generate(seed, size)
    random = Random(seed)
    calls = [(f"f{i}", generator.arguments(random, types[i])) for i in [*range(len(types))] * 2]
    return encode_module(parse_module(text)), calls


@pytest.mark.parametrize("seed", range(24))
def test_random_module_runs_the_same_in_every_mode(seed):
    wasm, calls = make(seed, 6 + seed % 3 * 4)
    whole = run(wasm, calls, True, None)
    agree(whole, run(wasm, calls, True, Random(seed)), fuel=True)
    agree(whole, run(wasm, calls, False, None), fuel=False)
    agree(whole, run(wasm, calls, False, Random(seed)), fuel=False)


@pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed (the interop extra)")
@pytest.mark.parametrize("seed", range(1000, 1024))
def test_random_module_runs_as_in_wasmtime(seed):
    wasm, calls = make(seed, 6 + seed % 3 * 4)
    agree(run_wasmtime(wasm, calls), run(wasm, calls, True, None), fuel=True)
