"""Vectors: the same C program compiled with SIMD and without. It must print the same, and in similar time."""

import functools
import statistics
import struct
from dataclasses import dataclass

from benchmarks.figures import Failed, timed
from benchmarks.process import shared
from pywrt.api import Engine, Instance, Linker, Module, Store
from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import ExitTrap
from pywrt.wasm.types import FuncType

SCALAR, VECTORS = "bench-O2", "bench-O2-simd"
ITERATIONS = 400
"""What the program is told to do: some 0.5 s."""
SHORT = 100
"""The same where only its speed is asked for: 9.6 million instructions."""
ROUNDS = 3

PREVIEW1 = "wasi_snapshot_preview1"
SUCCESS, BADF = 0, 8


@dataclass(frozen=True, slots=True)
class Figures:
    """Median seconds of each program, and the fuel they take."""

    scalar: float
    vectors: float
    scalar_fuel: int
    vectors_fuel: int


class Host:
    """As much of preview 1 as a program needs that reads its arguments and prints."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = [argument.encode() + b"\0" for argument in arguments]
        self.output = bytearray()
        self.memory = bytearray()

    def linker(self, engine: Engine, store: Store, module: Module) -> Linker:
        """What `module` imports of preview 1, each function by its name here."""
        linker = Linker(engine)
        for name, field, type in module.imports:
            assert name == PREVIEW1
            assert isinstance(type, FuncType)
            linker.define_func(store, name, field, type, getattr(self, field))
        return linker

    def write_u32(self, address: int, *values: int) -> None:
        struct.pack_into(f"<{len(values)}I", self.memory, address, *values)

    def args_sizes_get(self, count: int, size: int) -> int:
        self.write_u32(count, len(self.arguments))
        self.write_u32(size, sum(map(len, self.arguments)))
        return SUCCESS

    def args_get(self, pointers: int, buffer: int) -> int:
        for i, argument in enumerate(self.arguments):
            self.write_u32(pointers + 4 * i, buffer)
            self.memory[buffer : buffer + len(argument)] = argument
            buffer += len(argument)
        return SUCCESS

    def fd_write(self, fd: int, vectors: int, count: int, written: int) -> int:
        size = 0
        for pointer, length in struct.iter_unpack("<II", self.memory[vectors : vectors + 8 * count]):
            self.output += self.memory[pointer : pointer + length]
            size += length
        self.write_u32(written, size)
        return SUCCESS

    def fd_fdstat_get(self, fd: int, result: int) -> int:
        return BADF

    def fd_seek(self, fd: int, offset: int, whence: int, result: int) -> int:
        return BADF

    def fd_close(self, fd: int) -> int:
        return SUCCESS

    def proc_exit(self, status: int) -> None:
        raise ExitTrap(status)


class Run:
    """One run of a program: seconds, fuel, and what it printed."""

    def __init__(self, module: Module, iterations: int) -> None:
        engine = module.engine
        store = Store(engine)
        if engine.config.consume_fuel:
            store.set_fuel(1 << 60)
        host = Host("bench", str(iterations))
        instance = host.linker(engine, store, module).instantiate(store, module)
        host.memory = instance.state.exports["memory"].data  # type: ignore[union-attr]
        self.seconds, _ = timed(lambda: _start(store, instance))
        self.fuel = (1 << 60) - store.get_fuel() if engine.config.consume_fuel else 0
        self.output = bytes(host.output)


def _start(store: Store, instance: Instance) -> None:
    try:
        instance.exports(store)["_start"](store)  # type: ignore[operator]
    except ExitTrap as end:
        if end.status:
            raise Failed(f"exit status {end.status}") from end


def scalar_seconds() -> float:
    """The program without vectors, exact fuel: seconds an instruction, the median of ROUNDS runs."""
    module = load(SCALAR, True)
    runs = [Run(module, SHORT) for _ in range(ROUNDS)]
    return statistics.median(run.seconds / run.fuel for run in runs)


def load(name: str, metered: bool) -> Module:
    engine = Engine(Config(features=ALL_FEATURES, consume_fuel=metered))
    return Module(engine, shared("components", f"{name}.wasm").read_bytes())


@functools.cache
def compare() -> Figures:
    """Both programs, in turn; Failed if they print different things."""
    scalar, vectors = load(SCALAR, True), load(VECTORS, True)
    pairs = [(Run(scalar, ITERATIONS), Run(vectors, ITERATIONS)) for _ in range(ROUNDS)]
    a, b = pairs[0]
    if a.output != b.output or not a.output:
        raise Failed(f"without vectors it prints {a.output!r}, with them {b.output!r}")
    return Figures(
        statistics.median(a.seconds for a, _ in pairs),
        statistics.median(b.seconds for _, b in pairs),
        a.fuel,
        b.fuel,
    )


def ratio() -> float:
    """How many times the scalar program's time the one with vectors takes."""
    figures = compare()
    return figures.vectors / figures.scalar


def report() -> None:
    figures = compare()
    print(f"vectors, {ITERATIONS} iterations of ../shared/components/bench.c, which print the same")
    for name, seconds, fuel in (
        ("scalar", figures.scalar, figures.scalar_fuel),
        ("vectors", figures.vectors, figures.vectors_fuel),
    ):
        each = seconds / fuel * 1e9
        print(f"  {name:30} {seconds * 1e3:10.0f} ms {fuel:12,} instructions {each:6.1f} ns each")
    print(f"  {'ratio':30} {ratio():10.2f} x")


if __name__ == "__main__":
    report()
