"""The host's side of `lab:hello/host`, which the hello components of ../shared/components import."""

from pathlib import Path
from typing import Any

from pywrt.api import Engine, Store
from pywrt.component import Component, HostResource, Linker
from pywrt.wasi.preview2 import WasiCtx, add_to_linker

HOST = "lab:hello/host@0.1.0"
FUEL = 1 << 60


class Sink:
    """The host's resource `sink`: counts the bytes written to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0

    def write(self, data: bytes) -> int:
        self.total += len(data)
        return len(data)


class Guest:
    """A component in a store with plenty of fuel; `restart` gives it a fresh one, as after a trap."""

    def __init__(self, engine: Engine, path: Path, ctx: WasiCtx) -> None:
        self.engine = engine
        self.component = Component.from_file(engine, path)
        self.linker = Linker(engine)
        add_to_linker(self.linker, ctx)

    def restart(self) -> int:
        """Instantiate anew; returns the fuel it took."""
        self.store = Store(self.engine)
        self.store.set_fuel(FUEL)
        self.instance = self.linker.instantiate(self.store, self.component)
        return FUEL - self.store.get_fuel()

    def call(self, name: str, arguments: list[Any]) -> Any:
        """The value of export `name`, also `interface#function`. KeyError if there is none."""
        func = self.instance.get_func(self.store, name)
        if func is None:
            raise KeyError(name)
        return func(self.store, *arguments)


def add_hello(linker: Linker, log: list[Any]) -> None:
    """Define `lab:hello/host`; what a guest logs goes to `log`."""
    with linker.root() as root, root.add_instance(HOST) as host:
        host.add_resource("sink", HostResource("sink", Sink))
        host.add_func("log", lambda level, message: log.append(["log", level, message]))
        host.add_func("[constructor]sink", Sink)
        host.add_func("[method]sink.write", Sink.write)
        host.add_func("[method]sink.total", lambda sink: sink.total)
        host.add_func("[static]sink.describe", lambda: "a sink")
