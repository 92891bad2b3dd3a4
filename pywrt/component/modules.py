"""The type of a core module, as components see it. Spec: core valid/modules.html"""

from pywrt.component.core_types import closed_extern
from pywrt.component.types import CoreExternType, ModuleType
from pywrt.errors import InvalidError
from pywrt.wasm import types as core
from pywrt.wasm.deftypes import define_types
from pywrt.wasm.module import Module


def module_type(module: Module) -> ModuleType:
    """The imports and exports of a valid module; their types are closed.

    InvalidError if two imports have the same names: a component names them by both, and only once.
    """
    types = define_types(module.types, module.rec_groups)
    imports: dict[tuple[str, str], CoreExternType] = {}
    # Type with the type index in it, if it has one, of each definition.
    spaces: dict[str, list[tuple[core.ExternType, int]]] = {
        kind: [] for kind in ("func", "table", "memory", "global", "tag")
    }
    for item in module.imports:
        if (item.module, item.name) in imports:
            raise InvalidError(f"duplicate import name `{item.module}:{item.name}`")
        imports[item.module, item.name] = closed_extern(item.desc, item.type_index, types)
        spaces[item.desc.kind].append((item.desc, item.type_index))
    spaces["table"].extend([(table.type, 0) for table in module.tables])
    spaces["memory"].extend([(memory, 0) for memory in module.memories])
    spaces["global"].extend([(item.type, 0) for item in module.globals])
    spaces["tag"].extend([(tag.type, tag.type_index) for tag in module.tags])
    imported_funcs = len(spaces["func"])
    exports: dict[str, CoreExternType] = {}
    for export in module.exports:
        if export.kind == "func" and export.index >= imported_funcs:
            exports[export.name] = types[module.funcs[export.index - imported_funcs]]
        else:
            exports[export.name] = closed_extern(*spaces[export.kind][export.index], types)
    return ModuleType(imports, exports)
