"""Types in the text format. Spec: text/types.html"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pywrt.config import PAGE_SIZE
from pywrt.wasm.module import Module
from pywrt.wasm.text.printer.names import NO_NAMES, Names, SpaceNames
from pywrt.wasm.types import (
    I64,
    ArrayType,
    CompositeType,
    ExternType,
    FieldType,
    FuncType,
    GlobalType,
    HeapType,
    Limits,
    MemoryType,
    RefType,
    StructType,
    SubType,
    TableType,
    ValType,
)

#: Parameters and results are repeated behind `(type x)` up to this many characters: a file of 100 KB may
#: use a type of 1000 parameters 30,000 times.
_MAX_INLINE = 400
NO_FIELDS: Mapping[int, SpaceNames] = MappingProxyType({})


class TypeSpeller:
    """Spells types; `reference` spells a type index, `fields` has the identifiers of a type's fields."""

    def __init__(self, reference: Callable[[int], str], fields: Mapping[int, SpaceNames] = NO_FIELDS) -> None:
        self._reference = reference
        self._fields = fields

    def valtype(self, valtype: ValType) -> str:
        """A value or storage type."""
        if isinstance(valtype, RefType) and not isinstance(valtype.heap, str):
            return self.reftype(valtype)
        return valtype.name

    def reftype(self, reftype: RefType) -> str:
        """A reference type in full: `(ref null? heaptype)`."""
        return f"(ref {'null ' if reftype.nullable else ''}{self.heaptype(reftype.heap, reftype.exact)})"

    def heaptype(self, heap: HeapType, exact: bool = False) -> str:
        """A heap type; an index that is meant exactly is `(exact x)`."""
        text = self._reference(heap) if isinstance(heap, int) else str(heap)
        return f"(exact {text})" if exact else text

    def _group(self, keyword: str, types: tuple[ValType, ...]) -> str:
        return f" ({keyword} {' '.join(map(self.valtype, types))})" if types else ""

    def signature(self, functype: FuncType) -> str:
        """`(param ...) (result ...)`, each with a space in front and left out where it is empty."""
        return self._group("param", functype.params) + self._group("result", functype.results)

    def results(self, functype: FuncType) -> str:
        """` (result ...)`, or nothing."""
        return self._group("result", functype.results)

    def reference(self, index: int) -> str:
        """`(type x)` alone."""
        return f"(type {self._reference(index)})"

    # Type definitions

    def subtype(self, index: int, subtype: SubType) -> str:
        """What defines the type `index`."""
        text = self._composite(index, subtype.composite)
        if subtype.descriptor is not None:
            text = f"(descriptor {self._reference(subtype.descriptor)}) {text}"
        if subtype.describes is not None:
            text = f"(describes {self._reference(subtype.describes)}) {text}"
        if subtype.final and not subtype.supers:
            return text
        supers = "".join([f" {self._reference(i)}" for i in subtype.supers])
        return f"(sub{' final' if subtype.final else ''}{supers} {text})"

    def _composite(self, index: int, composite: CompositeType) -> str:
        if isinstance(composite, FuncType):
            return f"(func{self.signature(composite)})"
        if isinstance(composite, ArrayType):
            return f"(array {self._field(composite.element)})"
        return self._struct(index, composite)

    def _struct(self, index: int, struct: StructType) -> str:
        names = self._fields.get(index, NO_NAMES)
        words = ["struct"]
        for i, field in enumerate(struct.fields):
            words.append(f"({' '.join(filter(None, ['field', names.label(i), self._field(field)]))})")
        return f"({' '.join(words)})"

    def _field(self, field: FieldType) -> str:
        text = self.valtype(field.storage)
        return f"(mut {text})" if field.mutable else text

    # Types of what is imported and defined

    def tabletype(self, type: TableType) -> str:
        """`i64? limits reftype`"""
        return f"{_limits(type.limits, type.address)} {self.valtype(type.element)}"

    def memorytype(self, type: MemoryType) -> str:
        """`i64? limits shared? (pagesize n)?`"""
        shared = " shared" if type.shared else ""
        page_size = "" if type.page_size == PAGE_SIZE else f" (pagesize {type.page_size})"
        return f"{_limits(type.limits, type.address)}{shared}{page_size}"

    def globaltype(self, type: GlobalType) -> str:
        """`(mut t)`, or `t`."""
        text = self.valtype(type.value)
        return f"(mut {text})" if type.mutable else text


class TypePrinter(TypeSpeller):
    """Spells the types of one module, whose indices have the identifiers in `names`."""

    def __init__(self, module: Module, names: Names) -> None:
        super().__init__(names.types.of, names.fields)
        self.module = module
        self.names = names
        self._uses: dict[int, str] = {}

    def functype(self, index: int) -> FuncType | None:
        """The function type `index`; None if the module has none there."""
        if index < len(self.module.types):
            composite = self.module.types[index].composite
            return composite if isinstance(composite, FuncType) else None
        return None

    def type_use(self, index: int) -> str:
        """`(type x)` and, where they are not too many, its parameters and results."""
        text = self._uses.get(index)
        if text is None:
            functype = self.functype(index)
            inline = "" if functype is None else self.signature(functype)
            text = self.reference(index) + (inline if len(inline) <= _MAX_INLINE else "")
            self._uses[index] = text
        return text

    def definition(self, index: int) -> str:
        """`(type $id (;0;) ...)`"""
        return f"(type {self.names.types.head(index)} {self.subtype(index, self.module.types[index])})"

    def externtype(self, type: ExternType, type_index: int, exact: bool = False) -> str:
        """The type of an import; a function's or tag's is type `type_index`."""
        if isinstance(type, TableType):
            return self.tabletype(type)
        if isinstance(type, MemoryType):
            return self.memorytype(type)
        if isinstance(type, GlobalType):
            return self.globaltype(type)
        return f"(exact {self.reference(type_index)})" if exact else self.type_use(type_index)


def _limits(limits: Limits, address: ValType) -> str:
    sizes = f"{limits.min}" if limits.max is None else f"{limits.min} {limits.max}"
    return f"i64 {sizes}" if address is I64 else sizes
