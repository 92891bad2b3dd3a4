"""Modules from text, through the binary."""

from collections.abc import Callable

import pytest

from pywrt.api import Engine, Module, Store
from pywrt.config import Config
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


@pytest.fixture
def metered() -> Store:
    return Store(Engine(Config(consume_fuel=True)))


@pytest.fixture
def module(engine: Engine) -> Callable[[str], Module]:
    """The module of a text."""
    return lambda text: Module(engine, encode_module(parse_module(text)))
