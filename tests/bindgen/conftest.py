"""Generated modules: written into a folder of the test's own, and imported from there."""

import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine
from pywrt.bindgen.generator import generate
from pywrt.component import Component
from pywrt.component.text import parse_component

EVERYTHING = Path(__file__).with_name("everything.wat")

#: Makes bindings for a component, in a file or in the text format, and imports them.
Bind = Callable[..., Any]


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    names: list[str] = []

    def bind(source: Path | str | bytes, name: str = "bound") -> Any:
        data = source.read_bytes() if isinstance(source, Path) else source
        if data[:4] != b"\0asm":
            data = parse_component(data)
        path = tmp_path / f"{name}.py"
        path.write_text(generate(Component(Engine(), data).type, name))
        spec = spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        names.append(name)
        spec.loader.exec_module(module)
        return module

    yield bind
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def everything() -> bytes:
    """A component with every kind of type."""
    return parse_component(EVERYTHING.read_bytes())


@pytest.fixture
def components() -> Path:
    """The folder of real components beside the repository; skips where it is absent."""
    folder = Path(__file__).parents[2].parent / "shared" / "components"
    if not folder.is_dir():
        pytest.skip(f"needs the real components in {folder}, which is not there")
    return folder
