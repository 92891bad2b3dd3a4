"""A guest side without guest code: a memory, and a realloc that the host provides."""

from collections.abc import Callable

import pytest

from pywrt.canonical_abi import CanonOptions, ComponentInstance
from pywrt.canonical_abi.adapters import Adapters
from pywrt.canonical_abi.context import Context
from pywrt.canonical_abi.handles import CallScope
from pywrt.config import Config
from pywrt.engine.machine import host_func
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.wasm.types import I32, FuncType, Limits, MemoryType
from pywrt.wit.types import WitType


class Side:
    """One side of a call: an instance with a memory, and the adapters for it."""

    def __init__(self, encoding: str = "utf8", pages: int = 4, config: Config | None = None) -> None:
        self.store = Store(config or Config())
        self.memory = Memory(self.store, MemoryType(Limits(pages)))
        self.instance = ComponentInstance(self.store, "guest")
        self.next = 8
        realloc_type = FuncType((I32, I32, I32, I32), (I32,))
        self.reallocs: list[tuple[int, ...]] = []
        self.realloc: Callable[..., object] = self.bump
        realloc = host_func(self.store, realloc_type, lambda *args: (self.realloc(*args),), "realloc")
        self.options = CanonOptions(self.memory, realloc, string_encoding=encoding)
        self.adapters = Adapters(self.options)

    def bump(self, old: int, old_size: int, alignment: int, size: int) -> int:
        self.reallocs.append((old, old_size, alignment, size))
        self.next = (self.next + alignment - 1) & -alignment
        ptr = self.next
        self.next += size
        short = self.next - len(self.memory.data)
        if short > 0:
            self.memory.grow((short + 65535) // 65536)
        return ptr

    def context(self, fused: bool = False) -> Context:
        return Context(self.options, self.instance, CallScope(), fused)

    def lift(self, t: WitType, *flat: object) -> object:
        return self.adapters.lift_flat(t)(self.context(), flat, 0)

    def lower(self, t: WitType, value: object) -> list[object]:
        flat: list[object] = []
        self.adapters.lower_flat(t)(self.context(), value, flat)
        return flat

    def load(self, t: WitType, ptr: int) -> object:
        return self.adapters.load(t)(self.context(), ptr)

    def store_value(self, t: WitType, value: object) -> int:
        layout = self.adapters.layouts.of(t)
        ptr = self.bump(0, 0, layout.alignment, layout.size)
        self.adapters.store(t)(self.context(), value, ptr)
        return ptr


@pytest.fixture
def side() -> type[Side]:
    """Makes a `Side`."""
    return Side
