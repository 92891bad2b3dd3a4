"""What validation knows of a module: `Context`. Spec: valid/conventions.html#contexts"""

from pywrt.errors import InvalidError
from pywrt.wasm.module import Module
from pywrt.wasm.types import FuncType, GlobalType, MemoryType, RefType, TableType
from pywrt.wasm.valid.body import Signature
from pywrt.wasm.valid.rules import Row, Rule, constant_dispatch, dispatch, short_cuts


class Context:
    """The index spaces of a module, imports first, and the references that may be taken.

    `globals` holds the imported ones until the module's own are added, each behind
    its initialiser, so that a constant expression sees only what stands before it.
    """

    __slots__ = (
        "constant_rules",
        "data_count",
        "elems",
        "features",
        "func_types",
        "funcs",
        "globals",
        "imported_funcs",
        "imported_globals",
        "memories",
        "module",
        "refs",
        "rows",
        "rules",
        "signatures",
        "tables",
        "types",
    )

    def __init__(self, module: Module, features: frozenset[str]) -> None:
        """InvalidError for a function of an unknown type."""
        self.module = module
        self.features = features
        self.rules: tuple[Rule, ...] = dispatch(features)
        self.constant_rules: tuple[Rule, ...] = constant_dispatch(features)
        self.types: list[FuncType] = module.types
        self.signatures = [Signature(list(t.params), list(t.results)) for t in module.types]
        self.func_types: list[int] = []
        self.tables: list[TableType] = []
        self.memories: list[MemoryType] = []
        self.globals: list[GlobalType] = []
        for item in module.imports:
            desc = item.desc
            if isinstance(desc, FuncType):
                self.func_types.append(item.type_index)
            elif isinstance(desc, TableType):
                self.tables.append(desc)
            elif isinstance(desc, MemoryType):
                self.memories.append(desc)
            else:
                self.globals.append(desc)
        self.imported_funcs = len(self.func_types)
        self.imported_globals = len(self.globals)
        self.func_types += module.funcs
        self.tables += [table.type for table in module.tables]
        self.memories += module.memories
        for type_index in self.func_types:
            if type_index >= len(self.signatures):
                raise InvalidError(f"unknown type {type_index}")
        self.funcs: list[Signature] = [self.signatures[i] for i in self.func_types]
        self.rows: tuple[Row, ...] = short_cuts(features, bool(self.memories))
        self.elems: list[RefType] = [elem.type for elem in module.elems]
        #: The number of data segments; None without a data count section, which code that names one needs.
        self.data_count = module.data_count
        #: Functions that `ref.func` may name: those that occur outside of function bodies.
        self.refs: set[int] = {export.index for export in module.exports if export.kind == "func"}
        for elem in module.elems:
            self.refs.update(item for item in elem.init if isinstance(item, int))
