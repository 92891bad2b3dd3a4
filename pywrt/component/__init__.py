"""Components for embedders, after `wasmtime.component` of wasmtime-py.

engine = Engine()
linker = Linker(engine)
with linker.root() as root, root.add_instance("my:host/log") as log:
    log.add_func("line", print)
store = Store(engine)
instance = linker.instantiate(store, Component.from_file(engine, "guest.wasm"))
instance.get_func(store, "greet")(store, "World")
"""

from pywrt.canonical_abi.handles import GuestHandle, HostResource
from pywrt.canonical_abi.host_streams import ErrorContext, FutureReader, StreamReader
from pywrt.canonical_abi.task import Task
from pywrt.canonical_abi.values import Err, Record, Variant
from pywrt.component.component import Component, ExportIndex
from pywrt.component.instance import Func, Instance, shuffle_turns
from pywrt.component.linker import Linker, LinkerInstance
from pywrt.component.types import ComponentType, Extern, InstanceType, ModuleType

__all__ = [
    "Component",
    "ComponentType",
    "Err",
    "ErrorContext",
    "ExportIndex",
    "Extern",
    "Func",
    "FutureReader",
    "GuestHandle",
    "HostResource",
    "Instance",
    "InstanceType",
    "Linker",
    "LinkerInstance",
    "ModuleType",
    "Record",
    "StreamReader",
    "Task",
    "Variant",
    "shuffle_turns",
]
