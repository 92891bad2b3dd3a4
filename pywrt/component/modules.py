"""The type of a core module, as components see it. Spec: core valid/modules.html"""

from collections.abc import Callable
from typing import Any

from pywrt.component.types import ModuleType
from pywrt.errors import InvalidError
from pywrt.wasm import types as core
from pywrt.wasm.deftypes import Closing, define_types
from pywrt.wasm.module import Module

#: How to close an external type, by its kind; a memory's holds no other types.
_CLOSE: dict[str, Callable[[Closing, Any], core.ExternType]] = {
    "func": Closing.functype,
    "table": Closing.table,
    "memory": lambda closing, type: type,
    "global": Closing.global_,
    "tag": Closing.tag,
}


def module_type(module: Module) -> ModuleType:
    """The imports and exports of a valid module; their types are closed.

    InvalidError if two imports have the same names: a component names them by both, and only once.
    """
    closing = Closing(define_types(module.types, module.rec_groups))
    imports: dict[tuple[str, str], core.ExternType] = {}
    spaces: dict[str, list[core.ExternType]] = {kind: [] for kind in _CLOSE}
    for item in module.imports:
        if (item.module, item.name) in imports:
            raise InvalidError(f"duplicate import name `{item.module}:{item.name}`")
        imports[item.module, item.name] = _CLOSE[item.desc.kind](closing, item.desc)
        spaces[item.desc.kind].append(item.desc)
    spaces["table"].extend([table.type for table in module.tables])
    spaces["memory"].extend(module.memories)
    spaces["global"].extend([item.type for item in module.globals])
    spaces["tag"].extend([tag.type for tag in module.tags])
    imported_funcs = len(spaces["func"])
    exports: dict[str, core.ExternType] = {}
    for export in module.exports:
        desc: core.ExternType
        if export.kind == "func" and export.index >= imported_funcs:
            desc = module.functype(module.funcs[export.index - imported_funcs])
        else:
            desc = spaces[export.kind][export.index]
        exports[export.name] = _CLOSE[export.kind](closing, desc)
    return ModuleType(imports, exports)
