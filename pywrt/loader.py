"""`import pywrt.loader`, and Python imports WebAssembly: `import app` finds `app.wasm` on `sys.path`.

A component is a module with its functions; its interfaces are attributes of it, and their resources classes.
Values are those of `pywrt.component`, but a result that a function returns is its ok value, or raises `Err`.
What it imports comes from
- pywrt's WASI, with this process's standard streams and name, and no arguments, files, variables or sockets;
- for an interface `my:pkg/api@1.0.0`, the Python module `my_pkg_api`, whose attributes have the names of
  Python: functions in snake_case, a class for a resource;
- for functions of no interface, the module `app_imports`, after the component `app`.

A core module is a module with its exports; what it imports are attributes of the Python modules that it
names. Either may be in text (`app.wat`); both run with the default limits of `Config`.

A guest that is imported so is trusted: it calls what it likes of the modules that it names, those of the
standard library excepted. An import that fails raises `WasmImportError`, whose cause says why.

Strategy: a finder behind Python's own looks through `sys.path`, so that `app.py` goes before `app.wasm`.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any

from pywrt.api import Engine, Extern, Func, Instance, Module, Store
from pywrt.bindgen.convert import Classes
from pywrt.bindgen.functions import Exports, Imports
from pywrt.bindgen.interface import read_exports, read_imports
from pywrt.bindgen.names import module_name
from pywrt.bindgen.wasi import is_wasi
from pywrt.component import Component
from pywrt.component import Linker as ComponentLinker
from pywrt.component.tables import PREAMBLE
from pywrt.component.text import wat2wasm
from pywrt.errors import LinkError, WasmError
from pywrt.wasi.preview2 import add_to_linker
from pywrt.wasi.preview2.process import flush, process_context
from pywrt.wasm.types import FuncType

_SUFFIXES = (".wasm", ".wat")


class WasmImportError(ImportError):
    """A WebAssembly file that can't be imported; the error's cause is what pywrt or Python says of it."""


class WasmFinder(MetaPathFinder):
    """Finds WebAssembly on `sys.path`, or in a package; core modules share its store, and so each other's
    memories."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.store = Store(self.engine)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that is a WebAssembly file: `my_app` may be `my-app.wasm`, too."""
        name = fullname.rpartition(".")[2]
        for folder in sys.path if path is None else path:
            for stem in dict.fromkeys((name, name.replace("_", "-"))):
                for suffix in _SUFFIXES:
                    file = os.path.join(folder or os.getcwd(), stem + suffix)
                    if os.path.isfile(file):
                        return spec_from_file_location(fullname, file, loader=WasmLoader(self, file))
        return None


class WasmLoader(Loader):
    """Loads one file."""

    def __init__(self, finder: WasmFinder, path: str) -> None:
        self.finder = finder
        self.path = path

    def exec_module(self, module: ModuleType) -> None:
        """Instantiate the file, and make its exports the attributes of `module`."""
        try:
            with open(self.path, "rb") as file:
                data = file.read()
            if self.path.endswith(".wat"):
                data = wat2wasm(data)
            if data[4:8] == PREAMBLE[4:]:
                members = _component(module.__name__, Component(self.finder.engine, data))
            else:
                members = _core_module(self.finder.store, Module(self.finder.engine, data))
        except (WasmError, OSError) as error:
            raise WasmImportError(f"{self.path}: {error}", name=module.__name__, path=self.path) from error
        module.__doc__ = f"The exports of {self.path}."
        # a guest may not give the module a `__path__` or `__getattr__`
        vars(module).update(
            {n: m for n, m in members.items() if not (n.startswith("__") and n.endswith("__"))}
        )


# Components


def _component(name: str, component: Component) -> dict[str, Any]:
    """What an instance of a component exports, by Python names."""
    type = component.type
    linker = ComponentLinker(component.engine)
    after: Callable[[], None] = lambda: None  # noqa: E731
    if any(map(is_wasi, type.imports)):
        context = process_context(sys.argv[:1])
        add_to_linker(linker, context)
        after = partial(flush, context)
    root = read_imports(type, [interface for interface in type.imports if not is_wasi(interface)])
    providers = {
        interface: _provider(module_name(interface), f"the interface {interface}")
        for interface, members in root.instances.items()
        if not members.empty
    }
    own = None
    if root.functions or root.resources:
        own = _provider(f"{name.rpartition('.')[2]}_imports", "functions of its world")
    classes = Classes(typed=False)
    Imports(classes).provide(linker, root, providers, own)
    store = Store(component.engine)
    try:
        instance = linker.instantiate(store, component)
    finally:
        after()
    return Exports(store, instance, classes, after).members(read_exports(type))


def _provider(name: str, imported: str) -> ModuleType:
    """The Python module that serves what is imported; LinkError if there is none, or it may not."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise LinkError(f"it imports {imported}, and no Python module can be called {name!r}")
    if name.partition(".")[0] in sys.stdlib_module_names:
        raise LinkError(f"it imports {imported}, and Python's standard library is not for guests: {name}")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise LinkError(f"it imports {imported}, which a Python module {name} would serve") from error


# Core modules


class CoreFunction:
    """A function of a core module: call it with numbers. `func` is the same for `pywrt`'s API."""

    def __init__(self, store: Store, func: Func, name: str) -> None:
        self.store = store
        self.func = func
        self.__name__ = name

    def __call__(self, *args: Any) -> Any:
        return self.func(self.store, *args)

    def __repr__(self) -> str:
        return f"<CoreFunction {self.__name__} {self.func.type}>"


def _core_module(store: Store, module: Module) -> dict[str, Any]:
    """What an instance of a core module exports, by the names that it gives them."""
    imports = [
        _core_import(store, _provider(namespace, f"{namespace!r} {name!r}"), name, type)
        for namespace, name, type in module.imports
    ]
    exports = Instance(store, module, imports).exports(store)
    return {
        name: CoreFunction(store, item, name) if isinstance(item, Func) else item
        for name, item in exports.items()
    }


def _core_import(store: Store, provider: ModuleType, name: str, type: Any) -> Extern:
    """What an attribute of a Python module is to a core module."""
    value = getattr(provider, name, None)
    if isinstance(value, CoreFunction):
        value = value.func
    elif callable(value) and isinstance(type, FuncType):
        value = Func(store, type, value)
    if not isinstance(value, Extern):
        raise LinkError(
            f"it imports {provider.__name__!r} {name!r} of type {type}, which that Python module has not"
        )
    return value


def install() -> None:
    """Let Python import WebAssembly; `import pywrt.loader` has done it."""
    if not any(isinstance(finder, WasmFinder) for finder in sys.meta_path):
        sys.meta_path.append(WasmFinder())


install()
