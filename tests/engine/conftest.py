"""Guests from text: parsed, encoded, and loaded by the same road as a file."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pywrt.api import Engine, Instance, Module, Store
from pywrt.api.externs import Extern
from pywrt.config import Config
from pywrt.engine.machine import Activation, Stop
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

PLENTY = 1 << 40


def encode(text: str) -> bytes:
    return encode_module(parse_module(text))


class Guest:
    """An instance alone in its store."""

    def __init__(
        self,
        source: str | bytes,
        config: Config,
        imports: Callable[[Store], Sequence[Extern]] = lambda store: (),
        name: str | None = None,
    ) -> None:
        self.engine = Engine(config)
        self.store = Store(self.engine)
        if config.consume_fuel:
            self.store.set_fuel(PLENTY)
        self.wasm = encode(source) if isinstance(source, str) else source
        self.module = Module(self.engine, self.wasm, name)
        self.instance = Instance(self.store, self.module, imports(self.store))
        self.exports = self.instance.exports(self.store)

    def call(self, name: str, *args: Any) -> Any:
        """Call an export to its end."""
        return self.exports[name](self.store, *args)  # type: ignore[operator]

    def start(self, name: str, *args: Any) -> Activation:
        """An activation of a call of an export."""
        activation: Activation = self.exports[name].start(self.store, *args)  # type: ignore[union-attr]
        return activation

    def fuel(self, name: str, *args: Any) -> int:
        """What a call costs."""
        self.store.set_fuel(PLENTY)
        self.call(name, *args)
        return PLENTY - self.store.get_fuel()


@pytest.fixture
def guest() -> Callable[..., Guest]:
    """`guest(text, metered=False, imports=..., **config)`: an instance of the module in `text`."""

    def load(
        source: str | bytes,
        *,
        metered: bool = False,
        imports: Callable[[Store], Sequence[Extern]] = lambda store: (),
        name: str | None = None,
        **config: Any,
    ) -> Guest:
        return Guest(source, Config(consume_fuel=metered, **config), imports, name)

    return load


@pytest.fixture
def in_slices() -> Callable[[Activation, int], int]:
    """Resume an activation in slices of a size until it returns; how many it took."""

    def run(activation: Activation, size: int) -> int:
        count = 1
        while (stop := activation.resume(size)) is Stop.SLICE_END:
            count += 1
        assert stop is Stop.RETURNED, activation.trap
        return count

    return run


@pytest.fixture
def assemble() -> Callable[[str], bytes]:
    """The binary of a module in text form."""
    return encode
