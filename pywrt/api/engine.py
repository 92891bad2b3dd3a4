"""`Engine`, `Store` and `Module`: configuration, run-time state, and validated code."""

import os
import time
from collections.abc import Callable
from dataclasses import fields
from types import TracebackType
from typing import Any, Self

from pywrt.api.calls import Calls
from pywrt.api.loading import load_module
from pywrt.config import DEFAULT_FEATURES, Config
from pywrt.engine.instantiation import CompiledModule
from pywrt.errors import WasmError
from pywrt.runtime import store as runtime_store
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.module import Import
from pywrt.wasm.types import ExternType, FuncType, GlobalType, TableType, TagType


class Engine:
    """What modules and stores have in common: a `Config`."""

    __slots__ = ("config",)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config if config is not None else Config()

    def __repr__(self) -> str:
        """What differs from the defaults."""
        config = self.config
        changed = [
            f"{field.name}={getattr(config, field.name)!r}"
            for field in fields(config)
            if field.name != "features" and getattr(config, field.name) != field.default
        ]
        features = sorted(f"+{name}" for name in config.features - DEFAULT_FEATURES)
        features += sorted(f"-{name}" for name in DEFAULT_FEATURES - config.features)
        return f"Engine({', '.join(changed + features)})"


class Quota:
    """What a store may have of something: `used` of `limit`, `left` more."""

    __slots__ = ("left", "limit", "used")

    def __init__(self, limit: int, left: int) -> None:
        self.limit = limit
        self.left = max(0, left)
        self.used = limit - left

    def __repr__(self) -> str:
        return f"{self.used:,} of {self.limit:,}"


class StoreLimits:
    """What the instances of a store have together, and may have, when this was asked for.

    `memory` in bytes, `table_elements`, `instances`; `objects` are live structures, arrays and exceptions,
    and each of their fields, elements and values (those that Python has yet to collect count).
    """

    __slots__ = ("instances", "memory", "objects", "table_elements")

    def __init__(self, limits: dict[str, int], state: runtime_store.Store) -> None:
        self.memory = Quota(limits["memory_left"], state.memory_left)
        self.table_elements = Quota(limits["elements_left"], state.elements_left)
        self.instances = Quota(limits["instances_left"], state.instances_left)
        self.objects = Quota(limits["objects_left"], state.objects_left)

    def __repr__(self) -> str:
        return f"StoreLimits({', '.join(f'{name}: {getattr(self, name)}' for name in self.__slots__)})"


class Store:
    """Where instances live: their limits' sums, fuel, and deadline. `state` is the run-time's own object.

    Instances of one store can be linked to each other. A store is used by one thread at a time, but for
    `interrupt`; the calls of several asyncio tasks take turns in it, one an instance (WasmError otherwise).
    As a context manager it is closed at the end of the block.
    """

    __slots__ = ("_data", "_limits", "calls", "engine", "state")

    def __init__(self, engine: Engine | None = None, data: Any = None) -> None:
        self.engine = engine if engine is not None else Engine()
        self.state = runtime_store.Store(self.engine.config)
        self.calls = self.state.data[Calls] = Calls(self.state)
        self._data = data
        config = self.engine.config
        self._limits = {
            "memory_left": config.max_memory_bytes,
            "elements_left": config.max_table_elements,
            "instances_left": config.max_instances,
            "objects_left": config.max_objects,
        }

    def data(self) -> Any:
        """What was given as `data`, for the embedder's host functions."""
        return self._data

    def set_fuel(self, fuel: int) -> None:
        """Set what guests may spend, in the units of the opcode table. WasmError if fuel is off."""
        self._check_fuel()
        if fuel < 0:
            raise WasmError(f"fuel must not be negative, got {fuel}")
        self.state.reserve = fuel - self.state.fuel[0]

    def get_fuel(self) -> int:
        """What is left. WasmError if fuel is off."""
        self._check_fuel()
        # a conditional arm is charged when it runs: the sum may be below zero until its block has ended
        return max(0, self.state.reserve + self.state.fuel[0])

    def _check_fuel(self) -> None:
        if not self.engine.config.consume_fuel:
            raise WasmError("fuel is off: make the engine with Config(consume_fuel=True)")

    @property
    def limits(self) -> StoreLimits:
        """How much of its limits the store has used up."""
        return StoreLimits(self._limits, self.state)

    def set_limits(
        self,
        memory_size: int = -1,
        table_elements: int = -1,
        instances: int = -1,
        objects: int = -1,
    ) -> None:
        """Set limits of this store in place of its engine's `Config`; a negative one stays as it is.

        `memory_size` in bytes. What is in use already stays, if it is more.
        """
        wanted = {
            "memory_left": memory_size,
            "elements_left": table_elements,
            "instances_left": instances,
            "objects_left": objects,
        }
        for name, limit in wanted.items():
            if limit >= 0:
                setattr(self.state, name, getattr(self.state, name) + limit - self._limits[name])
                self._limits[name] = limit

    def set_deadline(self, monotonic_time: float | None = None, *, timeout: float | None = None) -> None:
        """Stop guests that still run at this `time.monotonic()`, or in `timeout` seconds from now.

        Without either there is no deadline. The call traps "deadline exceeded", code "deadline".
        """
        if timeout is not None:
            if monotonic_time is not None:
                raise WasmError("a deadline is a time or a timeout, not both")
            monotonic_time = time.monotonic() + timeout
        self.state.deadline = monotonic_time
        self.calls.deadline_changed()

    def interrupt(self) -> None:
        """Make the guest calls in progress, or else the next one, trap soon. May be called from any thread.

        They trap "interrupted", code "interrupt", also where they wait for the host.
        """
        self.calls.interrupt()

    def close(self) -> None:
        """Stop calls that other tasks have in progress, let go of the instances, and refuse further calls.

        WasmError from a host function that a guest of this store has called. What the embedder holds (an
        instance, its memory) lives on until it lets go, too, and can be read.
        """
        self.calls.close()
        self.state.owners.clear()
        self.state.data.clear()
        self._data = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.calls.closed:
            return "<Store, closed>"
        limits = self.limits
        about = [f"instances: {limits.instances}", f"bytes of memory: {limits.memory}"]
        if self.engine.config.consume_fuel:
            about.append(f"fuel: {self.get_fuel():,}")
        if self.state.deadline is not None:
            about.append(f"deadline in {self.state.deadline - time.monotonic():.3f} s")
        return f"<Store, {'; '.join(about)}>"


class Module:
    """A core module, decoded and validated.

    MalformedError or InvalidError if `wasm` is no valid module; both say where.
    """

    __slots__ = ("compiled", "engine")

    def __init__(self, engine: Engine, wasm: bytes, name: str | None = None) -> None:
        self.engine = engine
        self.compiled: CompiledModule = load_module(bytes(wasm), engine.config, name=name)

    @classmethod
    def from_file(cls, engine: Engine, path: str | os.PathLike[str]) -> "Module":
        """The module in the file at `path`."""
        with open(path, "rb") as file:
            return cls(engine, file.read())

    @property
    def name(self) -> str | None:
        """The name that was given, or else the one in its name section."""
        return self.compiled.name

    def __repr__(self) -> str:
        module = self.compiled.module
        named = "" if self.name is None else f" {self.name!r}"
        return (
            f"<Module{named}, {len(module.imports)} imports, {len(module.exports)} exports, "
            f"{len(module.funcs)} functions>"
        )

    @property
    def types(self) -> list[DefType]:
        """The types that it defines, by their index."""
        return self.compiled.types

    @property
    def imports(self) -> list[tuple[str, str, ExternType]]:
        """(module, name, type) of each import, in order; types are closed."""
        return [(i.module, i.name, self._import_type(i)) for i in self.compiled.module.imports]

    @property
    def exports(self) -> list[tuple[str, ExternType]]:
        """(name, type) of each export, in order; types are closed."""
        imported: dict[str, list[Import]] = {}
        for item in self.compiled.module.imports:
            imported.setdefault(item.desc.kind, []).append(item)
        return [
            (e.name, self._type_of(e.kind, e.index, imported.get(e.kind, [])))
            for e in self.compiled.module.exports
        ]

    def _import_type(self, item: Import) -> ExternType:
        closing, desc = self.compiled.closing, item.desc
        if isinstance(desc, FuncType):
            return self.compiled.types[item.type_index].func
        if isinstance(desc, TagType):
            return TagType(self.compiled.types[item.type_index].func)
        if isinstance(desc, TableType):
            return closing.table(desc)
        return closing.global_(desc) if isinstance(desc, GlobalType) else desc

    def _type_of(self, kind: str, index: int, imported: list[Import]) -> ExternType:
        """The type of what has `index` among those of its kind, of which `imported` come first."""
        module, types, closing = self.compiled.module, self.compiled.types, self.compiled.closing
        if index < len(imported):
            return self._import_type(imported[index])
        own: dict[str, Callable[[int], ExternType]] = {
            "func": lambda i: types[module.funcs[i]].func,
            "table": lambda i: closing.table(module.tables[i].type),
            "memory": lambda i: module.memories[i],
            "global": lambda i: closing.global_(module.globals[i].type),
            "tag": lambda i: TagType(types[module.tags[i].type_index].func),
        }
        return own[kind](index - len(imported))
