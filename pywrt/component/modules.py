"""The type of a core module, as components see it. Spec: core valid/modules.html"""

from pywrt.component.types import ModuleType
from pywrt.errors import InvalidError
from pywrt.wasm import types as core
from pywrt.wasm.module import Module


def module_type(module: Module) -> ModuleType:
    """The imports and exports of a valid module.

    InvalidError if two imports have the same names: a component names them by both, and only once.
    """
    imports: dict[tuple[str, str], core.ExternType] = {}
    spaces: dict[str, list[core.ExternType]] = {"func": [], "table": [], "memory": [], "global": []}
    for item in module.imports:
        if (item.module, item.name) in imports:
            raise InvalidError(f"duplicate import name `{item.module}:{item.name}`")
        imports[item.module, item.name] = item.desc
        spaces[item.desc.kind].append(item.desc)
    spaces["table"].extend([table.type for table in module.tables])
    spaces["memory"].extend(module.memories)
    spaces["global"].extend([item.type for item in module.globals])
    imported_funcs = len(spaces["func"])
    exports: dict[str, core.ExternType] = {}
    for export in module.exports:
        if export.kind == "func" and export.index >= imported_funcs:
            exports[export.name] = module.types[module.funcs[export.index - imported_funcs]]
        else:
            exports[export.name] = spaces[export.kind][export.index]
    return ModuleType(imports, exports)
