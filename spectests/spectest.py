"""The module `spectest` that scripts import from. Spec: the core suite's harness."""

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

_PRINTS: dict[str, tuple[ValType, ...]] = {
    "print": (),
    "print_i32": (I32,),
    "print_i64": (I64,),
    "print_f32": (F32,),
    "print_f64": (F64,),
    "print_i32_f32": (I32, F32),
    "print_f64_f64": (F64, F64),
}


def _print(*args: object) -> None:
    """What scripts print is of no interest; that it can be called is."""


def spectest_exports(store: Store) -> dict[str, Extern]:
    """New exports of `spectest` in `store`."""
    exports: dict[str, Extern] = {
        name: host_func(store, FuncType(params, ()), _print, f"spectest.{name}")
        for name, params in _PRINTS.items()
    }
    exports["global_i32"] = Global(GlobalType(I32, False), 666)
    exports["global_i64"] = Global(GlobalType(I64, False), 666)
    exports["global_f32"] = Global(GlobalType(F32, False), f32_round(666.6))
    exports["global_f64"] = Global(GlobalType(F64, False), 666.6)
    exports["table"] = Table(store, TableType(FUNCREF, Limits(10, 20)))
    exports["memory"] = Memory(store, MemoryType(Limits(1, 2)))
    return exports
