"""What validation knows of a module: `Context`. Spec: valid/conventions.html#contexts"""

from pywrt.errors import InvalidError
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.module import Module
from pywrt.wasm.types import (
    FuncType,
    GlobalType,
    MemoryType,
    RefType,
    TableType,
    TagType,
    ValType,
    ref_type,
)
from pywrt.wasm.valid.body import WIDE, Signature
from pywrt.wasm.valid.rules import Rule, constant_dispatch, dispatch
from pywrt.wasm.valid.rules.aggregates import StructLayout
from pywrt.wasm.valid.stacks import Stacks
from pywrt.wasm.valid.types import validate_types

#: Values of types that are wider than `WIDE` which may be compared one by one, in a module: a thousand take
#: 85 us, and two bytes of code can ask for them.
MAX_MATCHED = 5_000_000


class Context:
    """The index spaces of a module, imports first, and the references that may be taken; types are closed.

    `types` are the defined types and `signatures` those of them that are function types, as lists, by type
    index (None where the type is no function type); `func_types` are the functions' type indices, `funcs`
    their signatures, and `tags` those of the tags. `globals` holds the imported ones until the module's own
    are added, each behind its initialiser, so that a constant expression sees only what stands before it.
    """

    __slots__ = (
        "_results",
        "constant_rules",
        "data_count",
        "elems",
        "exact",
        "features",
        "func_types",
        "funcs",
        "global_codes",
        "globals",
        "imported_funcs",
        "imported_globals",
        "inexact_funcs",
        "layouts",
        "matched",
        "memories",
        "module",
        "refs",
        "rules",
        "signatures",
        "stacks",
        "tables",
        "tags",
        "types",
        "widest",
    )

    def __init__(self, module: Module, features: frozenset[str]) -> None:
        """InvalidError for a type that is not valid, or that is unknown."""
        self.module = module
        self.features = features
        self.constant_rules: tuple[Rule, ...] = constant_dispatch(features)
        self.types: list[DefType] = validate_types(module, features)
        self.signatures: list[Signature | None] = [_signature(deftype) for deftype in self.types]
        self.layouts: dict[int, StructLayout] = {}
        #: The most values that a block or function takes or gives.
        self.widest = max(map(_width, self.signatures), default=0)
        self.rules: tuple[Rule, ...] = dispatch(features, self.widest > WIDE)
        self.matched = 0
        self._results: dict[ValType, Signature] = {}
        #: Whether references to what is made here, and to functions, are exact (custom descriptors).
        self.exact = "custom-descriptors" in features
        self.func_types: list[int] = []
        #: Imported functions that may be of a subtype of what is asked for.
        self.inexact_funcs: set[int] = set()
        self.tables: list[TableType] = []
        self.memories: list[MemoryType] = []
        self.globals: list[GlobalType] = []
        self.tags: list[Signature] = []
        self._imports(module)
        self.imported_funcs = len(self.func_types)
        self.imported_globals = len(self.globals)
        self.func_types += module.funcs
        self.tables += [self._table(table.type) for table in module.tables]
        self.memories += module.memories
        self.tags += [self.signature(tag.type_index) for tag in module.tags]
        self.funcs: list[Signature] = [self.signature(i) for i in self.func_types]
        self.stacks = Stacks(features, self.memories[0].address if self.memories else None)
        self.global_codes: list[int] = [self.stacks.code(type.value) for type in self.globals]
        self.elems: list[RefType] = [self.reftype(elem.type) for elem in module.elems]
        #: The number of data segments; None without a data count section, which code that names one needs.
        self.data_count = module.data_count
        #: Functions that `ref.func` may name: those that occur outside of function bodies.
        self.refs: set[int] = {export.index for export in module.exports if export.kind == "func"}
        for elem in module.elems:
            self.refs.update(item for item in elem.init if isinstance(item, int))

    def count_matched(self, count: int) -> None:
        """Count values of a wide type that were compared one by one; InvalidError past `MAX_MATCHED`."""
        self.matched += count
        if self.matched > MAX_MATCHED:
            raise InvalidError(
                f"too many values are of subtypes of what is asked for: more than {MAX_MATCHED} of wide types"
            )

    def _imports(self, module: Module) -> None:
        for item in module.imports:
            desc = item.desc
            if isinstance(desc, FuncType):
                if not item.exact:
                    self.inexact_funcs.add(len(self.func_types))
                self.func_types.append(item.type_index)
            elif isinstance(desc, TableType):
                self.tables.append(self._table(desc))
            elif isinstance(desc, MemoryType):
                self.memories.append(desc)
            elif isinstance(desc, TagType):
                self.tags.append(self.signature(item.type_index))
            else:
                self.globals.append(self.global_(desc))

    def _table(self, type: TableType) -> TableType:
        return TableType(self.reftype(type.element), type.limits, type.address)

    def global_(self, type: GlobalType) -> GlobalType:
        """A global type, closed. InvalidError for an unknown type index."""
        return GlobalType(self.valtype(type.value), type.mutable)

    def add_global(self, type: GlobalType) -> None:
        """Add a global of a closed type to the index space."""
        self.globals.append(type)
        self.global_codes.append(self.stacks.code(type.value))

    def reftype(self, type: RefType) -> RefType:
        """A reference type, closed. InvalidError for an unknown type index."""
        heap = type.heap
        return ref_type(self.type(heap), type.nullable, type.exact) if isinstance(heap, int) else type

    def valtype(self, type: ValType) -> ValType:
        """A value type, closed. InvalidError for an unknown type index."""
        return self.reftype(type) if isinstance(type, RefType) else type

    def type(self, index: int) -> DefType:
        """The defined type `index`; InvalidError if there is none."""
        if index >= len(self.types):
            raise InvalidError(f"unknown type {index}")
        return self.types[index]

    def signature(self, index: int) -> Signature:
        """The function type `index`; InvalidError if there is none."""
        deftype = self.type(index)
        signature = self.signatures[index]
        if signature is None:
            raise InvalidError(f"non-function type {index}: it is {deftype}")
        return signature

    def result(self, type: ValType) -> Signature:
        """The type of a block without parameters that has one result."""
        signature = self._results.get(type)
        if signature is None:
            self._results[type] = signature = Signature([], [type])
        return signature


def _signature(deftype: DefType) -> Signature | None:
    composite = deftype.composite
    if isinstance(composite, FuncType):
        return Signature(list(composite.params), list(composite.results))
    return None


def _width(signature: Signature | None) -> int:
    return 0 if signature is None else max(len(signature.params), len(signature.results))
