"""Module instances. Spec: exec/runtime.html#module-instances"""

from typing import Any

from pywrt.runtime.func import Func
from pywrt.runtime.global_ import Global
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.runtime.table import Table
from pywrt.runtime.tag import Tag
from pywrt.wasm.deftypes import DefType

#: Whatever a module can import or export.
Extern = Func | Table | Memory | Global | Tag


class Instance:
    """A module instance: its index spaces, imports first. A dropped segment is empty.

    `code` is the engine's compiled module (plans shared by all its instances).
    """

    __slots__ = (
        "code",
        "datas",
        "elems",
        "exports",
        "funcs",
        "globals",
        "memories",
        "name",
        "store",
        "tables",
        "tags",
        "types",
    )

    def __init__(self, store: Store, code: Any, name: str | None = None) -> None:
        self.store = store
        self.code = code
        self.name = name
        self.types: list[DefType] = []
        self.funcs: list[Func] = []
        self.tables: list[Table] = []
        self.memories: list[Memory] = []
        self.globals: list[Global] = []
        self.tags: list[Tag] = []
        self.elems: list[list[Any]] = []
        self.datas: list[bytes] = []
        self.exports: dict[str, Extern] = {}
