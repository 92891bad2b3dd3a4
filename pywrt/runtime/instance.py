"""Module instances. Spec: exec/runtime.html#module-instances"""

from collections.abc import Callable
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


class Funcs:
    """The function index space, imports first.

    A function of the module's own is made when it is first asked for, and is that one object from then on:
    most of a large module's thousands are called by others of it alone, or not at all.
    """

    __slots__ = ("_define", "_items")

    def __init__(self) -> None:
        self._items: list[Func | None] = []

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Func:
        func = self._items[index]
        if func is None:
            func = self._items[index] = self._define(index)
        return func

    def append(self, func: Func) -> None:
        """Add an import."""
        self._items.append(func)

    def declare(self, count: int, define: Callable[[int], Func]) -> None:
        """Add `count` functions, which `define` makes of their indices."""
        self._items += [None] * count
        self._define = define


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
        self.funcs = Funcs()
        self.tables: list[Table] = []
        self.memories: list[Memory] = []
        self.globals: list[Global] = []
        self.tags: list[Tag] = []
        self.elems: list[list[Any]] = []
        self.datas: list[bytes] = []
        self.exports: dict[str, Extern] = {}
