"""Core speed: nanoseconds an instruction on the modules of ../shared/bench, beside pywasm in the same run."""

import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pywrt.config import Config
from pywrt.engine.instantiation import CompiledModule, compile_module, instantiate
from pywrt.engine.machine import call
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import UNLIMITED, Store
from pywrt.wasm.binary.decoder import decode_module

BENCH = Path(__file__).resolve().parent.parent.parent / "shared" / "bench"

#: Smaller arguments than meta.json's, for the peer that is some 70 times slower.
PEER_ARGUMENTS = {"fib": 15, "collatz": 60, "sieve": 2000, "mandel": 8, "sha": 3, "calli": 1000}


class Run:
    """One measured call: seconds, results and the instructions (fuel) it took."""

    def __init__(self, seconds: float, results: list[Any], fuel: int) -> None:
        self.seconds = seconds
        self.results = results
        self.fuel = fuel


def load(name: str) -> CompiledModule:
    return compile_module(decode_module((BENCH / f"{name}.wasm").read_bytes()), Config(), name)


def measure(module: CompiledModule, metered: bool, body: Callable[[Store, Any], tuple[Any, list[Any]]]) -> Run:
    """Run `body`'s (function, arguments) in an instance where they ran once before: the steady state.

    The first call of a function in an instance lowers and binds it, which the start-up figures show.
    """
    store = Store(Config(consume_fuel=metered))
    store.reserve = UNLIMITED
    instance = instantiate(store, module, [])
    func, arguments = body(store, instance)
    call(store, func, arguments)
    before = store.reserve
    start = time.perf_counter()
    results = call(store, func, arguments)
    return Run(time.perf_counter() - start, results, before - store.reserve)


def simple(argument: int) -> Callable[[Store, Any], tuple[Any, list[Any]]]:
    return lambda store, instance: (instance.exports["run"], [argument])


def lexer(characters: int) -> Callable[[Store, Any], tuple[Any, list[Any]]]:
    """The calls that ../shared/bench/README.md describes, over the input's first `characters`."""
    source = (BENCH / "cjs-lexer.input.js").read_text()[:characters]

    def body(store: Store, instance: Any) -> tuple[Any, list[Any]]:
        memory = next(e for e in instance.exports.values() if isinstance(e, Memory))
        memory.grow(16)
        (address,) = call(store, instance.exports["sa"], [len(source) + 1])
        data = source.encode("utf-16-le")
        memory.data[address : address + len(data)] = data
        return instance.exports["parseCJS"], [address, len(source), 0, 0, 0, 0]

    return body


def pywasm_seconds(name: str, argument: int) -> float:
    """One call of a six modules' `run` on pywasm."""
    import pywasm

    runtime = pywasm.core.Runtime()
    module = runtime.instance_from_file(str(BENCH / f"{name}.wasm"))
    start = time.perf_counter()
    runtime.invocate(module, "run", [argument])
    return time.perf_counter() - start


def pywasm_lexer_seconds(characters: int) -> float:
    import pywasm

    runtime = pywasm.core.Runtime()
    module = runtime.instance_from_file(str(BENCH / "cjs-lexer.wasm"))
    source = (BENCH / "cjs-lexer.input.js").read_text()[:characters]
    memory = runtime.exported_memory(module, "memory")
    memory.grow(16)
    (address,) = runtime.invocate(module, "sa", [len(source) + 1])
    data = source.encode("utf-16-le")
    memory.data[address : address + len(data)] = data
    start = time.perf_counter()
    runtime.invocate(module, "parseCJS", [address, len(source), 0, 0, 0, 0])
    return time.perf_counter() - start


def has_pywasm() -> bool:
    try:
        import pywasm  # noqa: F401
    except ImportError:
        return False
    return True


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def compare(metered: bool, rounds: int) -> dict[str, tuple[float, float | None]]:
    """Module -> (our ns an instruction, pywasm's; None where it isn't installed), medians of `rounds`."""
    meta = json.loads((BENCH / "meta.json").read_text())
    peer = has_pywasm()
    figures: dict[str, tuple[float, float | None]] = {}
    for name in [*meta, "cjs-lexer"]:
        is_lexer = name == "cjs-lexer"
        module = load(name)
        body = lexer(20_000) if is_lexer else simple(meta[name]["arg"])
        peer_argument = 400 if is_lexer else PEER_ARGUMENTS[name]
        peer_body = lexer(peer_argument) if is_lexer else simple(peer_argument)
        peer_fuel = measure(module, True, peer_body).fuel
        fuel = measure(module, True, body).fuel
        ours, theirs = [], []
        for _ in range(rounds):
            # in turn, so that a machine that slows down slows both
            ours.append(measure(module, metered, body).seconds / fuel * 1e9)
            if peer:
                seconds = (
                    pywasm_lexer_seconds(peer_argument) if is_lexer else pywasm_seconds(name, peer_argument)
                )
                theirs.append(seconds / peer_fuel * 1e9)
        figures[name] = (statistics.median(ours), statistics.median(theirs) if peer else None)
    return figures


def report(metered: bool, rounds: int) -> tuple[float, float]:
    """Print a table; return the ratios to pywasm: geometric mean of the six, and the lexer (0 without it)."""
    figures = compare(metered, rounds)
    print(f"{'with exact fuel' if metered else 'without fuel':18} {'pywrt ns':>9} {'pywasm ns':>10} {'ratio':>7}")
    ratios = {}
    for name, (ours, theirs) in figures.items():
        ratios[name] = theirs / ours if theirs is not None else 0.0
        shown = f"{theirs:10.0f} {ratios[name]:6.1f}x" if theirs is not None else f"{'-':>10} {'-':>7}"
        print(f"  {name:16} {ours:9.1f} {shown}")
    lexer_ratio = ratios.pop("cjs-lexer")
    six = geometric_mean(list(ratios.values())) if all(ratios.values()) else 0.0
    mean = geometric_mean([ours for name, (ours, _) in figures.items() if name != "cjs-lexer"])
    print(f"  {'six, geom. mean':16} {mean:9.1f} {'':10} {six:6.1f}x")
    return six, lexer_ratio
