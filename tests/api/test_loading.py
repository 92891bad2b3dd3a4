"""Loading a core module by way of the cache of verdicts, which says of bytes that they need no validation."""

from pathlib import Path

import pytest

from pywrt.api import Engine, Func, Instance, Module, Store, verdicts
from pywrt.api.loading import MIN_CACHED_BYTES, load_module
from pywrt.config import Config
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

#: As many bytes as it takes to be looked up.
PADDING = f'(memory 1) (data (i32.const 0) "{"x" * MIN_CACHED_BYTES}")'
VALID = f'(module {PADDING} (func (export "f") (result i32) (i32.const 42)))'
INVALID = f'(module {PADDING} (func (export "f") (result i32) (i64.const 42)))'


def encode(text: str) -> bytes:
    return encode_module(parse_module(text))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(cache_dir=str(tmp_path / "cache"))


def vouch(wasm: bytes, config: Config) -> None:
    """Have the cache say that `wasm` is valid, as somebody could who writes the directory."""
    assert config.cache_dir is not None
    verdicts.record(config.cache_dir, verdicts.digest(wasm, config))


def entries(config: Config) -> list[str]:
    assert config.cache_dir is not None
    folder = Path(config.cache_dir)
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_load_module_of_valid_bytes_leaves_a_verdict_that_the_next_load_takes(config):
    wasm = encode(VALID)
    load_module(wasm, config)
    assert entries(config) == [verdicts.digest(wasm, config)[:4]]
    for _ in range(2):
        engine = Engine(config)
        store = Store(engine)
        func = Instance(store, Module(engine, wasm), []).exports(store)["f"]
        assert isinstance(func, Func)
        assert func(store) == 42


def test_load_module_with_a_verdict_does_not_validate_bodies(config):
    wasm = encode(INVALID)
    with pytest.raises(InvalidError, match=r"^type mismatch"):
        load_module(wasm, config)
    assert entries(config) == []
    vouch(wasm, config)
    assert load_module(wasm, config).validated


def test_load_module_with_a_verdict_on_other_features_validates(config):
    wasm = encode(INVALID)
    vouch(wasm, config.disable("simd"))
    with pytest.raises(InvalidError, match=r"^type mismatch"):
        load_module(wasm, config)


def test_load_module_with_a_verdict_still_checks_all_but_bodies(config):
    wasm = encode(VALID.replace('(export "f")', '(export "f") (export "f")'))
    vouch(wasm, config)
    with pytest.raises(InvalidError, match=r"^duplicate export name"):
        load_module(wasm, config)
    with pytest.raises(MalformedError, match=r"^length out of bounds"):
        load_module(wasm[:-1], config)


def test_load_module_of_few_bytes_is_not_looked_up(config):
    load_module(encode('(module (func (export "f")))'), config)
    assert entries(config) == []


def test_load_module_looks_up_the_stretch_that_it_loads(config):
    wasm = encode(INVALID)
    vouch(wasm, config)
    assert load_module(b"before" + wasm + b"behind", config, 6, 6 + len(wasm)).validated


def test_load_module_lazily_records_nothing_and_takes_a_verdict(config):
    lazy = Config(cache_dir=config.cache_dir, eager_validation=False)
    wasm = encode(VALID)
    assert not load_module(wasm, lazy).validated
    assert entries(config) == []
    load_module(wasm, config)
    assert load_module(wasm, lazy).validated


def test_load_module_with_a_cache_that_cannot_be_works_without(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    config = Config(cache_dir=str(tmp_path / "file"))
    assert load_module(encode(VALID), config).validated
    with pytest.raises(InvalidError, match=r"^type mismatch"):
        load_module(encode(INVALID), config)
