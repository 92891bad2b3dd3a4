"""Runs of a random module: here in every mode, and in wasmtime; what can be compared of them."""

import hashlib
import math
from random import Random

from generator.modules import arguments, choose_families, generate
from generator.tables import NUMBERS
from pywrt.api import Engine, Instance, Module, Store
from pywrt.api.externs import from_raw
from pywrt.config import ALL_FEATURES, Config
from pywrt.engine.machine import Stop
from pywrt.errors import Trap
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

try:
    import wasmtime
except ImportError:  # the interop extra
    wasmtime = None

FUEL = 5000
#: Fuel of `probe`, which reads whole memories.
PLENTY = 1 << 40
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
    "NULL_REFERENCE": "null-reference",
    "ARRAY_OUT_OF_BOUNDS": "array-out-of-bounds",
    "CAST_FAILURE": "cast-failure",
    "HEAP_MISALIGNED": "unaligned-atomic",
    "ATOMIC_WAIT_NON_SHARED_MEMORY": "expected-shared-memory",
}
UNCAUGHT = ("trap", "uncaught-exception")


class Case:
    """A module in binary form, in modern and (or None) legacy instructions, and calls of its exports."""

    def __init__(self, seed: int, size: int, families: frozenset[str] | None = None) -> None:
        random = Random(seed)
        self.seed = seed
        self.families = choose_families(random) if families is None else families
        legacy = "exceptions" in self.families and random.random() < 0.5
        self.text, legacy_text, plan = generate(seed, size, self.families, legacy)
        self.wasm = encode_module(parse_module(self.text))
        self.legacy_text = legacy_text
        self.legacy = encode_module(parse_module(legacy_text)) if legacy else None
        exported = [i for i, type in enumerate(plan.types) if {*type.params, *type.results} <= {*NUMBERS}]
        self.calls = [(f"f{i}", arguments(random, plan.types[i])) for i in exported * 2]
        #: What wasmtime counts is lost behind throws and in calls through references.
        self.fuel = "more" if plan.throws or "calls-by-reference" in self.families else "same"


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


def load(wasm, metered):
    return Module(Engine(Config(consume_fuel=metered, features=ALL_FEATURES)), wasm)


def run(module, calls, slices):
    """What each call came to, its fuel, and the state after it; up to the first that ran out of fuel."""
    store = Store(module.engine)
    metered = module.engine.config.consume_fuel
    if metered:
        store.set_fuel(PLENTY)
    instance = Instance(store, module)
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
            assert isinstance(activation.trap, Trap), (name, stop, activation.trap)
            code = activation.trap.code
            outcome = ("trap", "table-out-of-bounds" if code == "undefined-element" else code)
        variables = [exports[t].value(store) for t in NUMBERS]
        outcomes.append((outcome, fuel, digest(exports["memory"].state.data, variables)))
    if metered:
        store.set_fuel(PLENTY)
    return [*outcomes, (exports["probe"](store), None, None)]


def oracle():
    """wasmtime, with everything that modules use."""
    config = wasmtime.Config()
    for name in ("consume_fuel", "shared_memory", "wasm_exceptions", "wasm_gc", "wasm_function_references"):
        setattr(config, name, True)
    for name in ("memory64", "multi_memory", "threads", "wide_arithmetic", "tail_call", "simd"):
        setattr(config, f"wasm_{name}", True)
    config.cranelift_opt_level = "none"
    return wasmtime.Engine(config)


def run_wasmtime(wasm, calls, engine):
    store = wasmtime.Store(engine)
    store.set_fuel(PLENTY)
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
            thrown = "thrown Wasm exception" in str(trap)
            outcome = UNCAUGHT if thrown else ("trap", TRAPS[trap.trap_code.name])
        if outcome == OUT_OF_FUEL:
            return [*outcomes, (outcome, None, None)]
        memory = exports["memory"]
        variables = [exports[t].value(store) for t in NUMBERS]
        outcomes.append((outcome, fuel, digest(memory.read(store, 0, memory.data_len(store)), variables)))
    store.set_fuel(PLENTY)
    return [*outcomes, (exports["probe"](store), None, None)]


def agree(case, expected, found, fuel=None):
    """Compare runs up to where either was stopped for fuel, which is checked at different points.

    The `fuel` that calls took must be the "same" in both, may be "more" in `found`, or doesn't matter (None).
    """
    for number, (want, have) in enumerate(zip(expected, found, strict=False)):
        if OUT_OF_FUEL in (want[0], have[0]):
            return
        name = case.calls[number] if number < len(case.calls) else "probe"
        where = f"seed {case.seed}, {sorted(case.families)}, call {number}: {name}"
        assert have[0] == want[0], where
        assert have[2] == want[2], where
        if fuel and want[1] is not None:
            assert have[1] == want[1] or (fuel == "more" and have[1] > want[1]), where


def check_with(case, oracle):
    """The module does the same in wasmtime."""
    whole = run(load(case.wasm, True), case.calls, None)
    agree(case, run_wasmtime(case.wasm, case.calls, oracle), whole, case.fuel)


def check_modes(case):
    """Metered or not, in slices or whole, and in legacy form, the module does the same."""
    calls = case.calls
    slices = Random(case.seed)
    metered = load(case.wasm, True)
    whole = run(metered, calls, None)
    agree(case, whole, run(metered, calls, slices), "same")
    unmetered = load(case.wasm, False)
    agree(case, whole, run(unmetered, calls, None))
    agree(case, whole, run(unmetered, calls, slices))
    if case.legacy is not None:
        metered = load(case.legacy, True)
        legacy = run(metered, calls, None)
        agree(case, whole, legacy)
        agree(case, legacy, run(metered, calls, slices), "same")
        agree(case, whole, run(load(case.legacy, False), calls, slices))
