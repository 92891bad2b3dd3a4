"""The module `spectest` that scripts import from. Spec: the core suite's harness."""

from collections.abc import Sequence

from pywrt.engine.machine import host_func
from pywrt.engine.numeric import f32_round
from pywrt.runtime.global_ import Global
from pywrt.runtime.instance import Extern
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.runtime.table import Table
from pywrt.wasm.types import (
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
    ValType,
)

_PRINTS: dict[str, Sequence[ValType]] = {
    "print": (),
    "print_i32": (I32,),
    "print_i64": (I64,),
    "print_f32": (F32,),
    "print_f64": (F64,),
    "print_i32_f32": (I32, F32),
    "print_f64_f64": (F64, F64),
}
_GLOBALS: dict[str, tuple[ValType, int | float]] = {
    "global_i32": (I32, 666),
    "global_i64": (I64, 666),
    "global_f32": (F32, f32_round(666.6)),
    "global_f64": (F64, 666.6),
}
_TABLES = {
    "table": TableType(FUNCREF, Limits(10, 20)),
    "table64": TableType(FUNCREF, Limits(10, 20), I64),
}
_MEMORIES = {
    "memory": MemoryType(Limits(1, 2)),
    "shared_memory": MemoryType(Limits(1, 2), shared=True),  # of the threads proposal
}


def _print(*args: object) -> None:
    """What scripts print is of no interest; that it can be called is."""


def spectest_exports(store: Store) -> dict[str, Extern]:
    """New exports of `spectest` in `store`."""
    exports: dict[str, Extern] = {}
    for name, params in _PRINTS.items():
        exports[name] = host_func(store, FuncType(tuple(params), ()), _print, f"spectest.{name}")
    for name, (valtype, value) in _GLOBALS.items():
        exports[name] = Global(GlobalType(valtype, False), value)
    for name, table in _TABLES.items():
        exports[name] = Table(store, table)
    for name, memory in _MEMORIES.items():
        exports[name] = Memory(store, memory)
    return exports
