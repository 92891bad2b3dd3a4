"""Random code of vector, atomic and wide instructions does what wasmtime's does, by 32- and 64-bit addresses.

Results, traps, fuel and memory are compared. Float lanes are left out: their NaNs may differ.
"""

from random import Random

import pytest

from pywrt.api import Engine, Instance, Module, Store
from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import Trap
from pywrt.wasm.opcodes import OPCODES, access_size

try:
    import wasmtime
except ImportError:  # the interop extra
    wasmtime = None

pytestmark = pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed (the interop extra)")

FUEL = 1 << 30
TYPES = ("i32", "i64", "v128")
LOCALS = {"i32": (0, 1, 2), "i64": (3, 4, 5), "v128": (6, 7, 8)}
GLOBALS = {"i32": 0, "i64": 1, "v128": 2}
DEPTH = 4
STATEMENTS = 14

_FEATURES = ("simd", "threads", "wide-arithmetic")
_SPECIAL = ("v128.const", "i8x16.shuffle", "atomic.fence", "memory.atomic.wait32", "memory.atomic.wait64")
USED = [
    op
    for op in OPCODES
    if op.feature in _FEATURES
    and op.mnemonic not in _SPECIAL
    and "f32" not in op.mnemonic
    and "f64" not in op.mnemonic
]
#: Instructions that give one value, by its type; and those that give none.
GIVING = {t: [op for op in USED if [str(r) for r in op.results or ()] == [t]] for t in TYPES}
STORES = [op for op in USED if op.results == ()]
WIDE = [op for op in USED if op.feature == "wide-arithmetic"]


class Writer:
    """Writes random code for a memory whose addresses are `address`."""

    def __init__(self, random: Random, address: str) -> None:
        self.random = random
        self.address = address

    def constant(self, type: str) -> str:
        if type == "v128":
            return f"(v128.const i64x2 {self.number(64)} {self.number(64)})"
        return f"({type}.const {self.number(int(type[1:]))})"

    def number(self, bits: int) -> int:
        random = self.random
        edges = [0, 1, 2, 7, 1 << bits - 1, (1 << bits - 1) - 1, (1 << bits) - 1, 0x80 << bits - 8]
        return random.choice(edges) if random.random() < 0.5 else random.getrandbits(bits)

    def leaf(self, type: str) -> str:
        kind = self.random.randrange(4)
        if kind == 0:
            return self.constant(type)
        if kind == 1:
            return f"(global.get {GLOBALS[type]})"
        return f"(local.get {self.random.choice(LOCALS[type])})"

    def value(self, type: str, depth: int) -> str:
        random = self.random
        choice = random.random()
        if depth <= 0 or choice < 0.15:
            return self.leaf(type)
        if choice < 0.2:
            return f"(local.tee {random.choice(LOCALS[type])} {self.value(type, depth - 1)})"
        if choice < 0.25:
            operands = [self.value(t, depth - 1) for t in (type, type, "i32")]
            return f"(select {' '.join(operands)})"
        if choice < 0.3 and type == "v128":
            lanes = " ".join(str(random.randrange(32)) for _ in range(16))
            return f"(i8x16.shuffle {lanes} {self.value(type, depth - 1)} {self.value(type, depth - 1)})"
        if choice < 0.35:
            condition, yes, no = (self.value(t, depth - 2) for t in ("i32", type, type))
            return f"(if (result {type}) {condition} (then {yes}) (else {no}))"
        return self.instruction(random.choice(GIVING[type]), depth)

    def instruction(self, op, depth: int) -> str:
        random = self.random
        immediates = []
        params = [str(param) for param in op.params]
        operands = []
        if "memarg" in op.immediates:
            size = access_size(op)
            offset = random.choice([0, 0, size, 8 * size, 1 << 31 if random.random() < 0.05 else 16])
            immediates.append(f"offset={offset}")
            operands.append(self.where(size if op.feature == "threads" else 1, depth))
            params = params[1:]
        if "laneidx" in op.immediates:
            immediates.append(str(random.randrange(self.lanes(op))))
        operands += [self.value(param, depth - 1) for param in params]
        return f"({op.mnemonic} {' '.join([*immediates, *operands])})"

    def where(self, align: int, depth: int) -> str:
        """An address, nearly always good."""
        address, random = self.address, self.random
        if random.random() < 0.02:
            return self.value(address, depth - 1)
        if random.random() < 0.3:
            return f"({address}.const {random.randrange(0, 400, align)})"
        return f"({address}.and {self.value(address, depth - 1)} ({address}.const {0xFFF & -align}))"

    @staticmethod
    def lanes(op) -> int:
        """Of i8x16.replace_lane or v128.load8_lane."""
        if "memarg" in op.immediates:
            return 16 // access_size(op)
        return int(op.mnemonic.partition(".")[0].partition("x")[2])

    def statement(self, depth: int = DEPTH) -> str:
        random = self.random
        kind = random.randrange(8)
        type = random.choice(TYPES)
        if kind == 0:
            return f"(global.set {GLOBALS[type]} {self.value(type, depth)})"
        if kind == 1:
            op = random.choice(WIDE)
            low, high = random.choices(LOCALS["i64"], k=2)
            return f"{self.instruction(op, depth)} (local.set {high}) (local.set {low})"
        if kind == 2:
            return f"(drop {self.value(type, depth)})"
        if kind == 3 and depth == DEPTH:
            arms = [self.statement(depth - 1) for _ in range(2)]
            return f"(if {self.value('i32', depth)} (then {arms[0]}) (else {arms[1]}))"
        if kind <= 5:
            return self.instruction(random.choice(STORES), depth)
        return f"(local.set {random.choice(LOCALS[type])} {self.value(type, depth)})"

    def module(self) -> str:
        body = "\n".join(self.statement() for _ in range(STATEMENTS))
        results = " ".join(f"(local.get {i})" for t in ("i32", "i64") for i in LOCALS[t])
        vectors = " ".join(
            f"(v128.store ({self.address}.const {4096 + 16 * i}) (local.get {i}))" for i in LOCALS["v128"]
        )
        memory = "(memory i64 1)" if self.address == "i64" else "(memory 1)"
        return f"""(module {memory} (export "memory" (memory 0))
        (global (mut i32) (i32.const 5)) (global (mut i64) (i64.const -5))
        (global (mut v128) (v128.const i64x2 1 -1))
        (func (export "f") (param i32 i32 i32 i64 i64 i64) (result i32 i32 i32 i64 i64 i64)
        (local v128 v128 v128) {body} {vectors} {results}))"""


def arguments(random: Random) -> list[int]:
    return [random.choice([0, 1, 16, -1, 100]) for _ in range(6)]


def expected(wasm: bytes, calls: list[list[int]]) -> list[object]:
    """What wasmtime's calls give: results and fuel, or the trap's message; and the memory after each."""
    config = wasmtime.Config()
    for name in ("consume_fuel", "wasm_threads", "wasm_memory64", "wasm_wide_arithmetic", "wasm_simd"):
        setattr(config, name, True)
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    store.set_fuel(FUEL)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, wasm), []).exports(store)
    rows: list[object] = []
    for call in calls:
        store.set_fuel(FUEL)
        try:
            rows.append((exports["f"](store, *call), FUEL - store.get_fuel()))
        except wasmtime.Trap as trap:
            rows.append(str(trap).rstrip().rpartition("wasm trap: ")[2])
        except wasmtime.WasmtimeError as error:
            rows.append(str(error).rstrip().rpartition("wasm trap: ")[2])
        rows.append(bytes(exports["memory"].read(store)))
    return rows


def found(wasm: bytes, calls: list[list[int]], metered: bool) -> list[object]:
    """The same of ours; without fuel, the fuel is None."""
    engine = Engine(Config(features=ALL_FEATURES, consume_fuel=metered))
    store = Store(engine)
    if metered:
        store.set_fuel(FUEL)
    exports = Instance(store, Module(engine, wasm)).exports(store)
    rows: list[object] = []
    for call in calls:
        if metered:
            store.set_fuel(FUEL)
        try:
            results = exports["f"](store, *call)
            rows.append((results, FUEL - store.get_fuel() if metered else None))
        except Trap as trap:
            rows.append(trap.message)
        rows.append(bytes(exports["memory"].state.data))
    return rows


@pytest.mark.parametrize("address", ["i32", "i64"])
@pytest.mark.parametrize("seed", range(25))
def test_random_vector_code_does_what_wasmtimes_does(address, seed):
    random = Random(f"{address} {seed}")
    wasm = bytes(wasmtime.wat2wasm(Writer(random, address).module()))
    calls = [arguments(random) for _ in range(4)]
    wanted = expected(wasm, calls)
    assert found(wasm, calls, metered=True) == wanted
    unmetered = [(row[0], None) if isinstance(row, tuple) else row for row in wanted]
    assert found(wasm, calls, metered=False) == unmetered
