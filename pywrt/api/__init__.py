"""The embedder's API for core modules, after wasmtime-py's conventions."""

from pywrt.runtime.collector import CollectorPaused, promote_young

with CollectorPaused():  # nearly all that is made here stays; this is most of what `import pywrt` makes
    from pywrt.api.engine import Engine, Module, Quota, Store, StoreLimits
    from pywrt.api.externs import Caller, Extern, Func, Global, Memory, Table, Tag
    from pywrt.api.instance import Exports, Instance, Linker
    from pywrt.engine.machine import Activation, Blocked, Stop
    from pywrt.runtime.aggregates import I31, Array, Foreign, Struct
    from pywrt.runtime.exception import Exn
    from pywrt.wasm.types import (
        EXTERNREF,
        F32,
        F64,
        FUNCREF,
        I32,
        I64,
        V128,
        FuncType,
        GlobalType,
        Limits,
        MemoryType,
        RefType,
        TableType,
        TagType,
        ValType,
    )

    promote_young()

__all__ = [
    "Activation",
    "Array",
    "Blocked",
    "Caller",
    "EXTERNREF",
    "Engine",
    "Exn",
    "Exports",
    "Extern",
    "F32",
    "F64",
    "FUNCREF",
    "Foreign",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "I31",
    "I32",
    "I64",
    "Instance",
    "Limits",
    "Linker",
    "Memory",
    "MemoryType",
    "Module",
    "Quota",
    "RefType",
    "Stop",
    "Store",
    "StoreLimits",
    "Struct",
    "Table",
    "TableType",
    "Tag",
    "TagType",
    "V128",
    "ValType",
]
