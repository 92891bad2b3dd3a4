"""From a script's module to a validated one, the same road for text and binary."""

from pywrt.config import Config
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.module import Module
from pywrt.wasm.text.script import ModuleSource
from pywrt.wasm.valid import validate_module


def decode(source: ModuleSource, config: Config) -> Module:
    """The decoded module; text is parsed and encoded first. Raises MalformedError."""
    binary = source.binary if source.kind == "binary" else encode_module(source.parse())
    return decode_module(binary, features=config.features)


def load(source: ModuleSource, config: Config) -> Module:
    """The decoded and validated module. Raises MalformedError or InvalidError."""
    module = decode(source, config)
    validate_module(module, config)
    return module
