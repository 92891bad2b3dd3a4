"""From the bytes of a core module to what is instantiated, by way of the cache of verdicts."""

from pywrt.api import verdicts
from pywrt.config import Config
from pywrt.engine.instantiation import CompiledModule, compile_module
from pywrt.runtime.collector import CollectorPaused
from pywrt.wasm.binary.decoder import decode_module

#: Modules of fewer bytes are validated sooner than looked up.
MIN_CACHED_BYTES = 4096


def load_module(
    data: bytes, config: Config, start: int = 0, end: int | None = None, name: str | None = None
) -> CompiledModule:
    """Decode and validate the module in `data[start:end]`. MalformedError and InvalidError say where.

    With `Config.cache_dir`, function bodies are not validated if that directory says that they are valid;
    it is told if they are found to be.
    """
    end = len(data) if end is None else end
    with CollectorPaused():
        module = decode_module(data, start, end, features=config.features)
        directory = config.cache_dir
        if directory is None or end - start < MIN_CACHED_BYTES:
            return compile_module(module, config, name)
        digest = verdicts.digest(memoryview(data)[start:end], config)
        if verdicts.is_known(directory, digest):
            return compile_module(module, config, name, bodies_are_valid=True)
        compiled = compile_module(module, config, name)
        if config.eager_validation:
            verdicts.record(directory, digest)
        return compiled
