"""From bytes to calls: what decoding, validating, lowering, binding and instantiating take."""

import functools
import gc
import json
import statistics
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Failed, median_seconds, timed
from benchmarks.process import python, run, shared
from pywrt.component.decoder import decode_component
from pywrt.component.modules import module_type
from pywrt.component.types import ModuleType
from pywrt.config import Config
from pywrt.engine.instantiation import CompiledModule, compile_module, instantiate
from pywrt.engine.machine import host_func
from pywrt.runtime.collector import CollectorPaused
from pywrt.runtime.global_ import Global
from pywrt.runtime.instance import Extern, Instance
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.runtime.table import Table
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.module import Module
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import FuncType, GlobalType, MemoryType, TableType
from pywrt.wasm.valid import validate_module

ROUNDS = 5
INSTANCES = 100
#: Of the functions of the module whose lowering is measured, one in so many is lowered.
STRIDE = 8

#: 18 MB: CPython; and QuickJS, of which many instances fit into memory.
LARGE, REAL = "py-hello.wasm", "qjs-hello-sync-stub.wasm"

MIB = 1 << 20
MEMORY = 64 * MIB

#: `run(pages)` grows its memory by so many pages, sixteen at a time, writes all of it, and gives its size.
SMALL = """
(module (memory 0)
  (func (export "run") (param $left i32) (result i32)
    (loop $more
      (if (local.get $left)
        (then
          (drop (memory.grow (i32.const 16)))
          (memory.fill
            (i32.shl (i32.sub (memory.size) (i32.const 16)) (i32.const 16))
            (i32.const 7)
            (i32.const 0x100000))
          (local.set $left (i32.sub (local.get $left) (i32.const 16)))
          (br $more))))
    (memory.size)))
"""


@dataclass(frozen=True, slots=True)
class Lowering:
    """Seconds a byte of function bodies."""

    lowering: float
    binding: float


@functools.cache
def core_modules(name: str) -> list[Module]:
    """The core modules of a component of ../shared/components, the largest code last."""
    found: list[Module] = []

    def keep(data: bytes, start: int, end: int) -> tuple[Any, ModuleType]:
        found.append(decode_module(data, start, end))
        return None, module_type(found[-1])

    decode_component(shared("components", name).read_bytes(), keep)
    return sorted(found, key=code_bytes)


def code_bytes(module: Module) -> int:
    """The size of all function bodies, without their locals."""
    return sum(code.expr.end - code.expr.start for code in module.code)


def code_section_seconds() -> float:
    """Decoding the core modules of the large component, stripped to types, functions and code."""
    files = [
        encode_module(Module(types=m.types, rec_groups=m.rec_groups, funcs=m.funcs, code=m.code))
        for m in core_modules(LARGE)
    ]
    with CollectorPaused():
        return median_seconds(lambda: [decode_module(file) for file in files], ROUNDS)


def validation_seconds() -> float:
    """Validating the large component's largest module, a byte of its code."""
    module = core_modules(LARGE)[-1]
    with CollectorPaused():  # as where a module is loaded
        return median_seconds(lambda: validate_module(module, Config()), ROUNDS) / code_bytes(module)


@functools.cache
def lowering() -> Lowering:
    """Medians of lowering, and of binding, every eighth function of the large component's largest module."""
    module = core_modules(LARGE)[-1]
    config = Config(consume_fuel=True, eager_validation=False)
    imported = compile_module(module, config).imported_funcs
    chosen = range(imported, imported + len(module.funcs), STRIDE)
    size = sum(c.expr.end - c.expr.start for c in (module.code[index - imported] for index in chosen))
    runs = []
    for _ in range(ROUNDS):
        compiled = compile_module(module, config, bodies_are_valid=True)
        store = Store(config)
        store.reserve = 1 << 60
        instance = instantiate(store, compiled, imports(store, module), run_start=False)
        with CollectorPaused():
            lowered, _ = timed(partial(_lower, compiled, chosen))
            bound, _ = timed(partial(_bind, instance, chosen))
        runs.append(Lowering(lowered / size, bound / size))
    return Lowering(statistics.median(r.lowering for r in runs), statistics.median(r.binding for r in runs))


def _lower(compiled: CompiledModule, functions: range) -> None:
    for index in functions:
        compiled.plan(index)


def _bind(instance: Instance, functions: range) -> None:
    """Bind functions whose plans are there: the first block of each does that, and runs nothing of it."""
    for index in functions:
        func = instance.funcs[index]
        func.entry([None, None, 0, 0, *func.frame])


def binding_ratio() -> float:
    """Binding's part of lowering."""
    return lowering().binding / lowering().lowering


def imports(store: Store, module: Module) -> list[Extern]:
    """What `module` can be instantiated with; its functions do nothing."""
    made: list[Extern] = []
    for item in module.imports:
        match item.desc:
            case FuncType() as type:
                made.append(host_func(store, type, lambda *args: ()))
            case MemoryType() as type:
                made.append(Memory(store, type))
            case TableType() as type:
                made.append(Table(store, type))
            case GlobalType() as type:
                made.append(Global(type, 0))
            case type:
                raise Failed(f"no {type} can be made for an import")
    return made


def instance_bytes() -> float:
    """Python's memory for an instance of QuickJS, beside its linear memory."""
    module = core_modules(REAL)[-1]
    config = Config(eager_validation=False, max_memory_bytes=1 << 40)
    compiled = compile_module(module, config)
    store = Store(config)
    given = imports(store, module)
    instantiate(store, compiled, given, run_start=False)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        instances = [instantiate(store, compiled, given, run_start=False) for _ in range(INSTANCES)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    own = {id(m): m for instance in instances for m in instance.memories if m not in given}
    return (after - before - sum(len(memory.data) for memory in own.values())) / INSTANCES


@functools.cache
def small_peak_bytes(pages: int = 0) -> int:
    """Peak resident memory of a process that imports pywrt and runs a small module."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.wasm")
        path.write_bytes(encode_module(parse_module(SMALL)))
        for _ in range(2):  # the first leaves .pyc files
            _, output = run(python("-m", "benchmarks.small", str(path), str(pages)))
    answer = json.loads(output)
    if answer["result"] != pages:
        raise Failed(f"the guest has {answer['result']} pages, not {pages}")
    return int(answer["peak_bytes"])


def memory_ratio() -> float:
    """What 64 MiB of guest memory, grown bit by bit and written, add to the process, beside their size."""
    return (small_peak_bytes(MEMORY // 65536) - small_peak_bytes()) / MEMORY


REPORT: list[tuple[str, Callable[[], float], float, str]] = [
    ("code section of py-hello", code_section_seconds, 1e3, "ms"),
    ("validation, a byte of code", validation_seconds, 1e9, "ns"),
    ("lowering, a byte", lambda: lowering().lowering, 1e9, "ns"),
    ("binding beside it", binding_ratio, 1, "x"),
    ("an instance of QuickJS", instance_bytes, 1e-3, "KB"),
    ("small module, peak memory", small_peak_bytes, 1e-6, "MB"),
    ("guest memory in the process", memory_ratio, 1, "x"),
]


def report() -> None:
    print("loading")
    for what, measure, scale, unit in REPORT:
        print(f"  {what:30} {measure() * scale:10.2f} {unit}")
