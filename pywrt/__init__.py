"""A WebAssembly component interpreter in pure Python: the names for embedders of core modules.

Components are in `pywrt.component`, WASI in `pywrt.wasi.preview2`.
"""

from pywrt.api import Engine, Func, Global, Instance, Linker, Memory, Module, Store, Table
from pywrt.config import Config
from pywrt.errors import (
    ExitTrap,
    FrameInfo,
    InvalidError,
    LimitError,
    LinkError,
    MalformedError,
    Trap,
    ValueTypeError,
    WasmError,
)
from pywrt.version import __version__

__all__ = [
    "Config",
    "Engine",
    "ExitTrap",
    "FrameInfo",
    "Func",
    "Global",
    "Instance",
    "InvalidError",
    "LimitError",
    "LinkError",
    "Linker",
    "MalformedError",
    "Memory",
    "Module",
    "Store",
    "Table",
    "Trap",
    "ValueTypeError",
    "WasmError",
    "__version__",
]
