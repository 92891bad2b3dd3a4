"""The embedder's API for core modules, after wasmtime-py's conventions."""

from pywrt.api.engine import Engine, Module, Store
from pywrt.api.externs import Func, Global, Memory, Table, Tag
from pywrt.api.instance import Instance, Linker
from pywrt.runtime.aggregates import I31, Array, Foreign, Struct
from pywrt.runtime.exception import Exn

__all__ = [
    "Array",
    "Engine",
    "Exn",
    "Foreign",
    "Func",
    "Global",
    "I31",
    "Instance",
    "Linker",
    "Memory",
    "Module",
    "Store",
    "Struct",
    "Table",
    "Tag",
]
