"""A WebAssembly component interpreter in pure Python: the names for embedders of core modules.

Components are in `pywrt.component`, WASI in `pywrt.wasi.preview2`.
"""

from pywrt.api import (
    I31,
    Array,
    Engine,
    Exn,
    Foreign,
    Func,
    Global,
    Instance,
    Linker,
    Memory,
    Module,
    Store,
    Struct,
    Table,
    Tag,
)
from pywrt.config import Config
from pywrt.errors import (
    ExitTrap,
    FrameInfo,
    InvalidError,
    LimitError,
    LinkError,
    MalformedError,
    ThrownException,
    Trap,
    ValueTypeError,
    WasmError,
)
from pywrt.version import __version__

__all__ = [
    "Array",
    "Config",
    "Engine",
    "Exn",
    "ExitTrap",
    "Foreign",
    "FrameInfo",
    "Func",
    "Global",
    "I31",
    "Instance",
    "InvalidError",
    "LimitError",
    "LinkError",
    "Linker",
    "MalformedError",
    "Memory",
    "Module",
    "Store",
    "Struct",
    "Table",
    "Tag",
    "ThrownException",
    "Trap",
    "ValueTypeError",
    "WasmError",
    "__version__",
]
