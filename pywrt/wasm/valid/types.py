"""Validate types. Spec: valid/types.html; proposals custom-descriptors, custom-page-sizes and threads"""

from collections.abc import Callable

from pywrt.config import PAGE_SIZE
from pywrt.errors import InvalidError
from pywrt.wasm.deftypes import DefType, define_types
from pywrt.wasm.module import Module
from pywrt.wasm.types import (
    I32,
    I64,
    ExternType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    StructType,
    SubType,
    TableType,
    TagType,
)
from pywrt.wasm.valid.subtyping import matches_comptype

# Type definitions. Spec: valid/types.html#recursive-types


def validate_types(module: Module, features: frozenset[str]) -> list[DefType]:
    """The types that a module defines, closed. InvalidError if one is not valid."""
    if any(t.descriptor is not None or t.describes is not None for t in module.types):
        _descriptors(module, features)
    types = define_types(module.types, module.rec_groups)
    for index, subtype in enumerate(module.types):
        if isinstance(subtype.composite, FuncType):
            _functype(subtype.composite, features)
        if subtype.descriptor is not None or subtype.describes is not None:
            _desctype(subtype)
        if subtype.supers:
            _subtype(module, types, index)
    return types


def _functype(functype: FuncType, features: frozenset[str]) -> None:
    if len(functype.results) > 1 and "multi-value" not in features:
        raise InvalidError("invalid result arity: needs the feature multi-value", feature="multi-value")


def _descriptors(module: Module, features: frozenset[str]) -> None:
    """Check that `describes` and `descriptor` clauses agree, within their group, and lead backwards."""
    if "custom-descriptors" not in features:
        raise InvalidError("descriptor: needs the feature custom-descriptors", feature="custom-descriptors")
    first = 0
    for start, size in (*module.rec_groups, (len(module.types), 0)):
        for index in range(first, start):
            _descriptor_clauses(module.types, index, index, index + 1)
        for index in range(start, start + size):
            _descriptor_clauses(module.types, index, start, start + size)
        first = start + size


def _descriptor_clauses(types: list[SubType], index: int, start: int, end: int) -> None:
    """Check the clauses of the type `index`, whose group is `types[start:end]`."""
    described, descriptor = types[index].describes, types[index].descriptor
    if described is not None:
        if not start <= described < end:
            raise InvalidError(f"described type is outside rec group: type {index} describes {described}")
        if types[described].descriptor != index:
            raise InvalidError(
                f"described type is not described by descriptor: type {index} describes {described}"
            )
        if described >= index:
            raise InvalidError(f"forward use of described type: type {index} describes {described}")
    if descriptor is not None:
        if not start <= descriptor < end:
            raise InvalidError(
                f"descriptor type is outside rec group: type {index} has the descriptor {descriptor}"
            )
        if types[descriptor].describes != index:
            raise InvalidError(
                f"type is not described by its descriptor: type {index} has the descriptor {descriptor}"
            )


def _desctype(subtype: SubType) -> None:
    if not isinstance(subtype.composite, StructType):
        what = "described" if subtype.descriptor is None else "descriptor"
        raise InvalidError(f"{what} type must be a struct")


def _subtype(module: Module, types: list[DefType], index: int) -> None:
    """Check that type `index` may have the supertype that it declares. Spec: valid/types.html#sub-types"""
    supers = module.types[index].supers
    if len(supers) > 1:
        raise InvalidError(f"sub type {index} has {len(supers)} super types, at most one is allowed")
    above = supers[0]  # define_types has checked that it comes before
    lower, upper = types[index], types[above]
    if upper.final:
        raise InvalidError(f"sub type {index} has final super type {above}")
    mismatch = f"sub type {index} does not match super type {above}"
    if (lower.describes is None) is not (upper.describes is None):
        raise InvalidError(f"{mismatch}: only one of them describes a type")
    if upper.descriptor is not None and lower.descriptor is None:
        raise InvalidError(f"{mismatch}, which has a descriptor")
    below, over = module.types[index], module.types[above]
    _clause_matches("described", types, below.describes, over.describes)
    _clause_matches("descriptor", types, below.descriptor, over.descriptor)
    if not matches_comptype(lower.composite, upper.composite):
        raise InvalidError(f"{mismatch}: {lower} is not below {upper}")


def _clause_matches(what: str, types: list[DefType], lower: int | None, upper: int | None) -> None:
    if lower is not None and upper is not None and not types[lower].is_subtype(types[upper]):
        raise InvalidError(f"{what} type {lower} does not match {upper}")


# External types. Spec: valid/types.html#external-types

#: The largest memory by address type and page size, and how the message says it.
_MEMORY_BOUNDS = {
    (I32, PAGE_SIZE): (1 << 16, "65536 pages (4GiB)"),
    (I64, PAGE_SIZE): (1 << 48, "2**48 pages (256TiB)"),
    (I32, 1): ((1 << 32) - 1, "2**32 - 1 bytes"),
    (I64, 1): ((1 << 64) - 1, "2**64 - 1 bytes"),
}
#: The same for tables.
_TABLE_BOUNDS = {
    I32: ((1 << 32) - 1, "2**32 - 1"),
    I64: ((1 << 64) - 1, "2**64 - 1"),
}


def _limits(limits: Limits, bound: int, too_large: str) -> None:
    if limits.min > bound or (limits.max is not None and limits.max > bound):
        raise InvalidError(f"{too_large}, got {limits}")
    if limits.max is not None and limits.min > limits.max:
        raise InvalidError(f"size minimum must not be greater than maximum: {limits}")


def _memorytype(type: MemoryType, features: frozenset[str]) -> None:
    bounds = _MEMORY_BOUNDS.get((type.address, type.page_size))
    if bounds is None:
        raise InvalidError(f"invalid custom page size {type.page_size}: only 1 and {PAGE_SIZE} are allowed")
    bound, shown = bounds
    _limits(type.limits, bound, f"memory size must be at most {shown}")
    if type.shared and type.limits.max is None:
        raise InvalidError("shared memory must have maximum")
    needed = (
        ("memory64", type.address is I64),
        ("threads", type.shared),
        ("custom-page-sizes", type.page_size != PAGE_SIZE),
    )
    for feature, is_needed in needed:
        if is_needed and feature not in features:
            raise InvalidError(f"{type}: needs the feature {feature}", feature=feature)


def _tabletype(type: TableType, features: frozenset[str]) -> None:
    bound, shown = _TABLE_BOUNDS[type.address]
    _limits(type.limits, bound, f"table size must be at most {shown}")
    if type.address is I64 and "memory64" not in features:
        raise InvalidError(f"{type}: needs the feature memory64", feature="memory64")


def _tagtype(type: TagType, features: frozenset[str]) -> None:
    if type.type.results:
        raise InvalidError(f"non-empty tag result type: {type.type}")


#: How external types that can be invalid are checked.
_CHECKS: dict[str, Callable[..., None]] = {
    "memory": _memorytype,
    "table": _tabletype,
    "tag": _tagtype,
}


def validate_externtype(type: ExternType, features: frozenset[str]) -> None:
    """InvalidError if the type of an import or of one of the module's own items is not valid."""
    check = _CHECKS.get(type.kind)
    if check is not None:
        check(type, features)


def validate_import(type: ExternType, features: frozenset[str]) -> None:
    """InvalidError if what is imported, of which it may ask more than of the module's own, is not valid."""
    if isinstance(type, GlobalType) and type.mutable:
        require_mutable_global("imported", features)
    validate_externtype(type, features)


def require_mutable_global(how: str, features: frozenset[str]) -> None:
    """InvalidError if a mutable global may not be `how`: imported or exported."""
    if "mutable-global" not in features:
        raise InvalidError(
            f"{how} mutable global: needs the feature mutable-global", feature="mutable-global"
        )
