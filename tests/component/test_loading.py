"""Components with the loading options of `Config`: verdicts from a directory, and lazy validation."""

import gc
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.api.loading import MIN_CACHED_BYTES
from pywrt.component import Component, Linker
from pywrt.config import Config
from pywrt.errors import InvalidError, MalformedError, Trap


def module(body: str, padding: int = 0) -> str:
    data = f'(memory 1) (data (i32.const 0) "{"x" * padding}")' if padding else ""
    return f"""(module {data} (func (export "f") (result i32) {body})
        (func (export "g") (result i32) (i32.const 5)))"""


def exporting(build: Any, types: Any, text: str) -> Any:
    """A component whose `f` and `g` are those of a core module."""
    b = build()
    core = b.run(text)
    type = b.type(types.func({}, "u32"))
    for name in ("f", "g"):
        b.export(name, "func", b.lift(b.core_alias("core func", core, name), type))
    return b


def test_component_core_modules_leave_verdicts_that_the_next_load_takes(build, types, tmp_path):
    config = Config(cache_dir=str(tmp_path / "cache"))
    data = bytes(exporting(build, types, module("(i32.const 42)", MIN_CACHED_BYTES)).data)
    for _ in range(2):
        engine = Engine(config)
        store = Store(engine)
        instance = Linker(engine).instantiate(store, Component(engine, data))
        assert instance.get_func(store, "f")(store) == 42
    assert len(list(Path(config.cache_dir).iterdir())) == 1


def test_component_with_an_invalid_core_module_leaves_no_verdict(build, types, tmp_path):
    config = Config(cache_dir=str(tmp_path / "cache"))
    data = bytes(exporting(build, types, module("(i64.const 42)", MIN_CACHED_BYTES)).data)
    for _ in range(2):
        with pytest.raises(InvalidError, match=r"^type mismatch"):
            Component(Engine(config), data)
    assert not (tmp_path / "cache").exists()


def test_component_lazy_validation_error_ends_the_call_and_the_instance(build, types):
    engine = Engine(Config(eager_validation=False))
    store = Store(engine)
    component = Component(engine, bytes(exporting(build, types, module("(i64.const 42)")).data))
    first, second = (Linker(engine).instantiate(store, component) for _ in range(2))
    assert first.get_func(store, "g")(store) == 5
    with pytest.raises(InvalidError, match=r"^type mismatch"):
        first.get_func(store, "f")(store)
    with pytest.raises(Trap, match="cannot enter component instance"):
        first.get_func(store, "g")(store)
    assert second.get_func(store, "g")(store) == 5


def test_component_that_fails_to_load_leaves_the_collector_on():
    with pytest.raises(MalformedError):
        Component(Engine(), b"\0asm")
    assert gc.isenabled()
