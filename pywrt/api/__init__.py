"""The embedder's API for core modules, after wasmtime-py's conventions."""

from pywrt.api.engine import Engine, Module, Store
from pywrt.api.externs import Func, Global, Memory, Table
from pywrt.api.instance import Instance, Linker

__all__ = ["Engine", "Func", "Global", "Instance", "Linker", "Memory", "Module", "Store", "Table"]
