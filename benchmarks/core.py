"""Core speed: nanoseconds an instruction on the modules of ../shared/bench, beside pywasm in the same run."""

import functools
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Failed, NotMeasured, geometric_mean, timed
from benchmarks.process import shared
from pywrt.config import Config
from pywrt.engine.instantiation import CompiledModule, compile_module, instantiate
from pywrt.engine.machine import call
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import UNLIMITED, Store
from pywrt.wasm.binary.decoder import decode_module

try:
    import pywasm  # type: ignore[import-not-found, import-untyped, unused-ignore]
except ImportError:
    pywasm = None

LEXER = "cjs-lexer"

#: Smaller arguments than meta.json's, for the peer that is some 60 times slower; characters for the lexer.
PEER_ARGUMENTS = {
    "fib": 15,
    "collatz": 60,
    "sieve": 2000,
    "mandel": 8,
    "sha": 3,
    "calli": 1000,
    LEXER: 400,
}
LEXER_ROW = (20_000, 0, 909_950)
"""Characters, result and fuel, as in meta.json."""
ROUNDS = 5

#: What to run of an instance: the function and its arguments.
Body = Callable[[Store, Any], tuple[Any, list[Any]]]


@dataclass(frozen=True, slots=True)
class CoreFigures:
    """Seconds an instruction: with exact fuel, without, and pywasm's (None where it isn't installed)."""

    metered: float
    unmetered: float
    peer: float | None


class Run:
    """One measured call: its seconds and instructions (fuel); and the results of the call before it."""

    def __init__(self, seconds: float, results: list[Any], fuel: int) -> None:
        self.seconds = seconds
        self.results = results
        self.fuel = fuel


def load(path: Path) -> CompiledModule:
    return compile_module(decode_module(path.read_bytes()), Config(), path.stem)


def measure(module: CompiledModule, metered: bool, body: Body) -> Run:
    """Run `body` in an instance where it ran once before: the steady state.

    The first call of a function in an instance lowers and binds it, which the start-up figures show.
    """
    store = Store(Config(consume_fuel=metered))
    store.reserve = UNLIMITED
    instance = instantiate(store, module, [])
    func, arguments = body(store, instance)
    results = call(store, func, arguments)
    before = store.reserve
    seconds, _ = timed(lambda: call(store, func, arguments))
    return Run(seconds, results, before - store.reserve)


def simple(argument: int) -> Body:
    return lambda store, instance: (instance.exports["run"], [argument])


def lexer_input(characters: int) -> bytes:
    text = shared("bench", f"{LEXER}.input.js").read_text(encoding="utf-8")
    return text[:characters].encode("utf-16-le")


def lexer(characters: int) -> Body:
    """The calls that ../shared/bench/README.md describes, over the input's first `characters`."""
    data = lexer_input(characters)

    def body(store: Store, instance: Any) -> tuple[Any, list[Any]]:
        memory = next(e for e in instance.exports.values() if isinstance(e, Memory))
        memory.grow(16)
        (address,) = call(store, instance.exports["sa"], [len(data) // 2 + 1])
        memory.data[address : address + len(data)] = data
        return instance.exports["parseCJS"], [address, len(data) // 2, 0, 0, 0, 0]

    return body


def body_of(name: str, argument: int) -> Body:
    return lexer(argument) if name == LEXER else simple(argument)


def pywasm_seconds(path: Path, argument: int) -> float:
    """One call of the same on pywasm."""
    runtime = pywasm.core.Runtime()
    module = runtime.instance_from_file(str(path))
    if path.stem != LEXER:
        return timed(lambda: runtime.invocate(module, "run", [argument]))[0]
    data = lexer_input(argument)
    memory = runtime.exported_memory(module, "memory")
    memory.grow(16)
    (address,) = runtime.invocate(module, "sa", [len(data) // 2 + 1])
    memory.data[address : address + len(data)] = data
    arguments = [address, len(data) // 2, 0, 0, 0, 0]
    return timed(lambda: runtime.invocate(module, "parseCJS", arguments))[0]


def compare_module(name: str, argument: int, result: int, fuel: int) -> CoreFigures:
    """Medians of ROUNDS runs of a module, of us and the peer in turn: what slows the machine slows both.

    Failed if the call gives another result, or takes other fuel.
    """
    path = shared("bench", f"{name}.wasm")
    module = load(path)
    body = body_of(name, argument)
    first = measure(module, True, body)
    if (first.results, first.fuel) != ([result], fuel):
        raise Failed(f"{name} gave {first.results} for {first.fuel} fuel, not [{result}] for {fuel}")
    peer_fuel = measure(module, True, body_of(name, PEER_ARGUMENTS[name])).fuel
    metered, unmetered, peer = [], [], []
    for _ in range(ROUNDS):
        metered.append(measure(module, True, body).seconds / fuel)
        unmetered.append(measure(module, False, body).seconds / fuel)
        if pywasm is not None:
            peer.append(pywasm_seconds(path, PEER_ARGUMENTS[name]) / peer_fuel)
    return CoreFigures(
        statistics.median(metered), statistics.median(unmetered), statistics.median(peer) if peer else None
    )


@functools.cache
def compare() -> dict[str, CoreFigures]:
    """The six modules and the lexer."""
    meta = json.loads(shared("bench", "meta.json").read_text())
    rows = {name: (facts["arg"], facts["res"], facts["fuel"]) for name, facts in meta.items()}
    return {name: compare_module(name, *row) for name, row in (rows | {LEXER: LEXER_ROW}).items()}


def six_seconds(metered: bool) -> float:
    """Geometric mean of the six modules, seconds an instruction."""
    figures = [f for name, f in compare().items() if name != LEXER]
    return geometric_mean([f.metered if metered else f.unmetered for f in figures])


def six_ratio(metered: bool) -> float:
    """Geometric mean of the six modules: how many times pywasm's speed."""
    return geometric_mean([ratio(f, metered) for name, f in compare().items() if name != LEXER])


def lexer_seconds(metered: bool) -> float:
    figures = compare()[LEXER]
    return figures.metered if metered else figures.unmetered


def lexer_ratio(metered: bool) -> float:
    return ratio(compare()[LEXER], metered)


def ratio(figures: CoreFigures, metered: bool) -> float:
    if figures.peer is None:
        raise NotMeasured("pywasm is not installed (extra `bench`)")
    return figures.peer / (figures.metered if metered else figures.unmetered)


def report() -> None:
    """Print a table of the modules and the six's geometric mean."""
    figures = compare()
    six = [f for name, f in figures.items() if name != LEXER]
    peers = [f.peer for f in six if f.peer is not None]
    mean = CoreFigures(six_seconds(True), six_seconds(False), geometric_mean(peers) if peers else None)
    columns = f"{'exact fuel':>10} {'no fuel':>8} {'pywasm':>8} {'ratio':>8} {'ratio':>8}"
    print(f"{'core, ns an instruction':32} {columns}")
    for name, f in [*figures.items(), ("six, geometric mean", mean)]:
        line = f"  {name:30} {f.metered * 1e9:10.1f} {f.unmetered * 1e9:8.1f}"
        if f.peer is None:
            print(f"{line} {'-':>8}")
        else:
            print(f"{line} {f.peer * 1e9:8.0f} {ratio(f, True):7.1f}x {ratio(f, False):7.1f}x")
