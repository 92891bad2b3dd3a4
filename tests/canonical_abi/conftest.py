"""A guest side without guest code: a memory, and a realloc that the host provides."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pywrt.canonical_abi import CanonOptions, ComponentInstance, LiftedFunc, canon_lift
from pywrt.canonical_abi.adapters import Adapters
from pywrt.canonical_abi.context import Context
from pywrt.canonical_abi.handles import CallScope
from pywrt.config import Config
from pywrt.engine.instantiation import compile_module, instantiate
from pywrt.engine.machine import host_func
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import I32, FuncType, Limits, MemoryType, ValType
from pywrt.wit import types as wit
from pywrt.wit.types import WitType


class Side:
    """One side of a call: an instance with a memory, and the adapters for it."""

    def __init__(
        self, encoding: str = "utf8", pages: int = 4, config: Config | None = None, pointer: ValType = I32
    ) -> None:
        self.store = Store(config or Config())
        self.memory = Memory(self.store, MemoryType(Limits(pages), pointer))
        self.instance = ComponentInstance(self.store, "guest")
        self.next = 8
        realloc_type = FuncType((pointer,) * 4, (pointer,))
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
        kept = min(old_size, size)
        self.memory.data[ptr : ptr + kept] = self.memory.data[old : old + kept]
        return ptr

    def context(self, fused: bool = False, source_encoding: str | None = None) -> Context:
        return Context(self.options, self.instance, CallScope(), fused, source_encoding)

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


class Guest:
    """A component instance made by hand around one core module, given in text."""

    def __init__(
        self, store: Store, text: str, imports: Sequence[Any] = (), parent: ComponentInstance | None = None
    ) -> None:
        self.store = store
        self.instance = ComponentInstance(store, "guest", parent)
        self.load(text, imports)

    def load(self, text: str, imports: Sequence[Any] = ()) -> None:
        """Instantiate the module; imports may need the component instance, so that this comes second."""
        if not text:
            return
        module = decode_module(encode_module(parse_module(text)))
        self.exports = instantiate(
            self.store, compile_module(module, self.store.config), list(imports)
        ).exports

    def options(self, post_return: str | None = None, encoding: str = "utf8") -> CanonOptions:
        memory, realloc = self.exports.get("mem"), self.exports.get("realloc")
        post = None if post_return is None else self.exports[post_return]
        return CanonOptions(memory, realloc, post, encoding)  # type: ignore[arg-type]

    def lift(
        self, name: str, *params: WitType, result: WitType | None = None, post_return: str | None = None
    ) -> LiftedFunc:
        """Lift export `name`; its parameters are called p0, p1, ..."""
        functype = component_type(*params, result=result)
        core = self.exports[name]
        return canon_lift(functype, core, self.options(post_return), self.instance, name)  # type: ignore[arg-type]


def component_type(*params: WitType, result: WitType | None = None) -> wit.FuncType:
    return wit.FuncType(tuple(wit.Field(f"p{i}", t) for i, t in enumerate(params)), result)


@pytest.fixture
def new_store() -> Callable[..., Store]:
    """Makes a store with the given `Config` fields, and plenty of fuel."""

    def make(fuel: int = 1 << 40, **fields: Any) -> Store:
        store = Store(Config(**fields))
        if store.config.consume_fuel:
            store.reserve = fuel
        return store

    return make


@pytest.fixture
def guest() -> type[Guest]:
    """Makes a `Guest`."""
    return Guest


@pytest.fixture
def functype() -> Callable[..., wit.FuncType]:
    """Makes a component function type."""
    return component_type
