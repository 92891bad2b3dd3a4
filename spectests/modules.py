"""From a script's module to a validated one, the same road for text and binary."""

from pywrt.config import Config
from pywrt.errors import MalformedError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.module import Module
from pywrt.wasm.text.script import ModuleSource
from pywrt.wasm.types import MemoryType, TableType
from pywrt.wasm.valid import validate_module


def decode(source: ModuleSource, config: Config) -> Module:
    """The decoded module; text is parsed and encoded first. Raises MalformedError."""
    binary = source.binary if source.kind == "binary" else encode_module(_parse(source, config))
    return decode_module(binary, features=config.features)


def _parse(source: ModuleSource, config: Config) -> Module:
    """The module of a text, which the parser reads as the third edition has it."""
    module = source.parse()
    if "memory64" not in config.features:
        _check_sizes(module)
    return module


def _check_sizes(module: Module) -> None:
    """Refuse what the text format of earlier editions has no numbers for: sizes beyond 32 bits."""
    types = [item.desc for item in module.imports] + [table.type for table in module.tables]
    for type in (*types, *module.memories):
        if isinstance(type, MemoryType | TableType) and max(type.limits.min, type.limits.max or 0) >> 32:
            raise MalformedError(f"i32 constant out of range: {type}")


def load(source: ModuleSource, config: Config) -> Module:
    """The decoded and validated module. Raises MalformedError or InvalidError."""
    module = decode(source, config)
    validate_module(module, config)
    return module
