"""`Engine`, `Store` and `Module`: configuration, run-time state, and validated code."""

import os
from collections.abc import Callable

from pywrt.config import Config
from pywrt.engine.instantiation import CompiledModule, compile_module
from pywrt.errors import WasmError
from pywrt.runtime import store as runtime_store
from pywrt.wasm.binary.decoder import decode_module
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.module import Import
from pywrt.wasm.types import ExternType, FuncType, GlobalType, TableType, TagType


class Engine:
    """What modules and stores have in common: a `Config`."""

    __slots__ = ("config",)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config if config is not None else Config()

    def __repr__(self) -> str:
        return f"Engine({self.config})"


class Store:
    """Where instances live: their limits' sums, fuel, and deadline. `state` is the run-time's own object.

    Instances of one store can be linked to each other; a store is used by one thread at a time, but for
    `interrupt`.
    """

    __slots__ = ("engine", "state")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.state = runtime_store.Store(engine.config)

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

    def set_deadline(self, monotonic_time: float | None) -> None:
        """Stop guests that still run at this `time.monotonic()`; None for no deadline."""
        self.state.deadline = monotonic_time

    def interrupt(self) -> None:
        """Make the running (or next) guest call trap soon. May be called from any thread."""
        self.state.interrupted = True


class Module:
    """A core module, decoded and validated.

    MalformedError or InvalidError if `wasm` is no valid module; both say where.
    """

    __slots__ = ("compiled", "engine")

    def __init__(self, engine: Engine, wasm: bytes, name: str | None = None) -> None:
        self.engine = engine
        module = decode_module(bytes(wasm), features=engine.config.features)
        self.compiled: CompiledModule = compile_module(module, engine.config, name)

    @classmethod
    def from_file(cls, engine: Engine, path: str | os.PathLike[str]) -> "Module":
        """The module in the file at `path`."""
        with open(path, "rb") as file:
            return cls(engine, file.read())

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
