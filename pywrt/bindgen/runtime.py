"""What a module that `pywrt bindgen` wrote imports: the values of typed bindings, and `Bindings`."""

import os
from collections.abc import Mapping
from typing import Any

from pywrt.api import Store
from pywrt.bindgen.convert import Class, Classes, fields_of
from pywrt.bindgen.functions import Exports, Imports, Namespace
from pywrt.bindgen.interface import named_types, read_exports, read_imports
from pywrt.bindgen.names import member_names
from pywrt.bindgen.values import (
    Answer,
    Err,
    FutureReader,
    FutureSource,
    Handle,
    Ok,
    Some,
    StreamReader,
    StreamSource,
)
from pywrt.bindgen.wasi import is_wasi
from pywrt.component import Component, Linker
from pywrt.component.component import match_name
from pywrt.component.types import Extern
from pywrt.errors import LinkError
from pywrt.wasi.preview2 import WasiCtx, add_to_linker
from pywrt.wit import types as wit

__all__ = [
    "Answer",
    "Bindings",
    "Err",
    "FutureReader",
    "FutureSource",
    "Handle",
    "Ok",
    "Some",
    "StreamReader",
    "StreamSource",
    "Types",
]

#: The classes for the types of each interface, by the types' names. Those of the root are under "".
Types = Mapping[str, Mapping[str, Class]]


class Bindings:
    """The classes that a generated module has for the types of its component's imports and exports."""

    __slots__ = ("exports", "imports")

    def __init__(self, imports: Types, exports: Types) -> None:
        self.imports = imports
        self.exports = exports

    def instantiate(
        self,
        store: Store,
        component: Component | str | os.PathLike[str],
        provided: Mapping[str, Any],
        wasi: WasiCtx | None = None,
    ) -> Any:
        """Instantiate the component, or that in a file; its exports are attributes of what is returned.

        `provided` are objects whose attributes serve interfaces, and "" the imports of the root. LinkError
        if one lacks something, or the component is not the one that the module was made for.
        """
        if not isinstance(component, Component):
            component = Component.from_file(store.engine, component)
        type = component.type
        classes = Classes(typed=True)
        _register(classes, type.imports, self.imports)
        _register(classes, type.exports, self.exports)
        for name in self.exports:
            if name and match_name(name.partition("#")[0], type.exports) is None:
                raise _other(f"it doesn't export `{name}`")
        linker = Linker(store.engine)
        if any(map(is_wasi, type.imports)):
            add_to_linker(linker, WasiCtx() if wasi is None else wasi)
        served = {name: match_name(name, provided) for name in type.imports}  # type: ignore[arg-type]
        found = {name: provided[key] for name, key in served.items() if key is not None}
        Imports(classes).provide(linker, read_imports(type, found), found, provided.get(""))
        exports = Exports(store, linker.instantiate(store, component), classes)
        return Namespace(component.name or "component", exports.members(read_exports(type)))


def _register(classes: Classes, items: Mapping[str, Extern], types: Types) -> None:
    """Note the classes of all types of `items`; LinkError if one is not what its class was made for."""
    for path, label, named in named_types(items):
        interface = match_name(path, types)  # type: ignore[arg-type]
        cls = None if interface is None else types[interface].get(label)
        if cls is None or not isinstance(named, wit.Record | wit.Variant):
            continue
        if isinstance(named, wit.Record):
            parts = tuple(member_names([field.name for field in named.fields]).values())
            made_for = fields_of(cls)
        else:
            parts = tuple([case.name for case in named.cases])
            made_for = () if isinstance(cls, type) else tuple(cls)
        if parts != made_for:
            raise _other(f"`{label}` of `{path or 'the world'}` has {', '.join(parts)}")
        classes.add(named, cls)


def _other(difference: str) -> LinkError:
    return LinkError(
        f"the component is not the one that these bindings were made for: {difference}; "
        "`pywrt bindgen` makes new ones"
    )
