"""`Component`: a component that was decoded and validated, for embedders."""

import os
from typing import Any

from pywrt.api.engine import Engine
from pywrt.api.loading import load_module
from pywrt.component.decoder import decode_component
from pywrt.component.definitions import ComponentCode
from pywrt.component.modules import module_type
from pywrt.component.types import ComponentType, Extern, InstanceType, ModuleType
from pywrt.runtime.collector import CollectorPaused
from pywrt.wit.names import compatible_key, interface_version


class ExportIndex:
    """Where an export is: the names that lead to it, outermost first.

    It is good for any instance of the component.
    """

    __slots__ = ("path",)

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"ExportIndex({'#'.join(self.path)})"


class Component:
    """A component, and the core modules in it, decoded and validated.

    `wasm` is the binary format. Raises MalformedError or InvalidError, which say where; `feature` of the
    error names what is not supported, where that is the reason.
    """

    __slots__ = ("code", "engine", "name")

    def __init__(self, engine: Engine, wasm: bytes | bytearray | memoryview, name: str | None = None) -> None:
        self.engine = engine
        with CollectorPaused():
            self.code: ComponentCode = decode_component(bytes(wasm), self._compile, engine.config.features)
        self.name = name if name is not None else self.code.name

    @classmethod
    def from_file(cls, engine: Engine, path: str | os.PathLike[str]) -> "Component":
        """The component in the file at `path`."""
        with open(path, "rb") as file:
            return cls(engine, file.read())

    @property
    def type(self) -> ComponentType:
        """The imports and exports with their types."""
        return self.code.type

    def imports(self) -> dict[str, Extern]:
        """What the component imports: by name, with `sort` and `type`."""
        return dict(self.code.type.imports)

    def exports(self) -> dict[str, Extern]:
        """What the component exports: by name, with `sort` and `type`."""
        return dict(self.code.type.exports)

    def get_export_index(self, name: str, instance: ExportIndex | None = None) -> ExportIndex | None:
        """Where export `name` is, in the component or in an instance that it exports; None if nowhere.

        An interface is found under a compatible version, too.
        """
        return find_export(self.code.type.exports, name, instance)

    def _compile(self, data: bytes, start: int, end: int) -> tuple[Any, ModuleType]:
        compiled = load_module(data, self.engine.config, start, end)
        return compiled, module_type(compiled.module)

    def __repr__(self) -> str:
        return f"<Component {self.name or ''} {self.code.type}>"


def find_export(
    exports: dict[str, Extern], name: str, parent: ExportIndex | None = None
) -> ExportIndex | None:
    """The index of `name` below `parent`; None if there is no such export."""
    path = () if parent is None else parent.path
    for step in path:
        item = exports.get(step)
        if item is None or not isinstance(item.type, InstanceType):
            return None
        exports = item.type.exports
    found = match_name(name, exports)
    return None if found is None else ExportIndex((*path, found))


def match_name(name: str, names: "dict[str, Any]") -> str | None:
    """The one of `names` that serves `name`: the same, or the newest compatible version of the interface."""
    if name in names:
        return name
    key = compatible_key(name)
    if key is None:
        return None
    interface = name.partition("@")[0] + "@"
    served = [other for other in names if other.startswith(interface) and compatible_key(other) == key]
    return max(served, key=interface_version, default=None)
