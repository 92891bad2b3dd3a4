"""Validate a module. Spec: valid/modules.html"""

from pywrt.config import Config
from pywrt.errors import InvalidError
from pywrt.wasm.module import Module
from pywrt.wasm.types import I32, ExternType, FuncType, GlobalType, Limits, MemoryType, TableType
from pywrt.wasm.valid.body import matches
from pywrt.wasm.valid.code import validate_constexpr, validate_function
from pywrt.wasm.valid.context import Context

MAX_PAGES = 65536
MAX_TABLE_SIZE = 0xFFFFFFFF


def validate_module(module: Module, config: Config) -> None:
    """Check that `module` is valid, function bodies included unless `config.eager_validation` is off.

    Raises InvalidError, and MalformedError for what is malformed in a function body, which decoding has not
    looked at; both have `feature` set where a proposal that is not in `config.features` is what is missing.
    """
    context = module_context(module, config)
    if config.eager_validation:
        for index in range(context.imported_funcs, len(context.funcs)):
            validate_function(module, context, index)


def module_context(module: Module, config: Config) -> Context:
    """Validate everything but function bodies; the context is for `validate_function`."""
    context = Context(module, config.features)
    for functype in module.types:
        _functype(functype, context)
    for item in module.imports:
        _externtype(item.desc, context)
    _tables(module, context)  # before the globals: initialisers of tables see imported globals only
    for memory in module.memories:
        _externtype(memory, context)
    if len(context.memories) > 1 and "multi-memory" not in context.features:
        raise InvalidError("multiple memories: needs the feature multi-memory", feature="multi-memory")
    for global_ in module.globals:
        validate_constexpr(global_.init, global_.type.value, context)
        context.globals.append(global_.type)
    _elems(module, context)
    _datas(module, context)
    _start(module, context)
    _exports(module, context)
    return context


def _functype(functype: FuncType, context: Context) -> None:
    if len(functype.results) > 1 and "multi-value" not in context.features:
        raise InvalidError("invalid result arity: needs the feature multi-value", feature="multi-value")


def _limits(limits: Limits, bound: int, too_large: str) -> None:
    if limits.min > bound or (limits.max is not None and limits.max > bound):
        raise InvalidError(f"{too_large}, got {limits}")
    if limits.max is not None and limits.min > limits.max:
        raise InvalidError(f"size minimum must not be greater than maximum: {limits}")


def _externtype(desc: ExternType, context: Context) -> None:
    if isinstance(desc, MemoryType):
        _limits(desc.limits, MAX_PAGES, "memory size must be at most 65536 pages (4GiB)")
    elif isinstance(desc, TableType):
        _limits(desc.limits, MAX_TABLE_SIZE, "table size must be at most 2**32 - 1")
    elif isinstance(desc, GlobalType) and desc.mutable and "mutable-global" not in context.features:
        raise InvalidError(
            "imported mutable global: needs the feature mutable-global", feature="mutable-global"
        )


def _tables(module: Module, context: Context) -> None:
    if len(context.tables) > 1 and "reference-types" not in context.features:
        raise InvalidError("multiple tables: needs the feature reference-types", feature="reference-types")
    for table in module.tables:
        _externtype(table.type, context)
        if table.init is not None:
            validate_constexpr(table.init, table.type.element, context)


def _elems(module: Module, context: Context) -> None:
    for number, elem in enumerate(module.elems):
        for item in elem.init:
            if isinstance(item, int):
                if item >= len(context.funcs):
                    raise InvalidError(f"unknown function {item} in elem segment {number}")
            else:
                validate_constexpr(item, elem.type, context)
        if elem.offset is not None:
            if elem.table >= len(context.tables):
                raise InvalidError(f"unknown table {elem.table} in elem segment {number}")
            expected = context.tables[elem.table].element
            if not matches(elem.type, expected):
                raise InvalidError(
                    f"type mismatch: elem segment {number} holds {elem.type}, table {elem.table} {expected}"
                )
            validate_constexpr(elem.offset, I32, context)


def _datas(module: Module, context: Context) -> None:
    for number, data in enumerate(module.datas):
        if data.offset is not None:
            if data.memory >= len(context.memories):
                raise InvalidError(f"unknown memory {data.memory} in data segment {number}")
            validate_constexpr(data.offset, I32, context)


def _start(module: Module, context: Context) -> None:
    if module.start is None:
        return
    if module.start >= len(context.funcs):
        raise InvalidError(f"unknown function {module.start}")
    signature = context.funcs[module.start]
    if signature.params or signature.results:
        raise InvalidError("start function must not have parameters or results")


def _exports(module: Module, context: Context) -> None:
    spaces = {
        "func": ("function", len(context.funcs)),
        "table": ("table", len(context.tables)),
        "memory": ("memory", len(context.memories)),
        "global": ("global", len(context.globals)),
    }
    names: set[str] = set()
    for export in module.exports:
        what, count = spaces[export.kind]
        if export.index >= count:
            raise InvalidError(f"unknown {what} {export.index} in export {export.name!r}")
        if export.name in names:
            raise InvalidError(f"duplicate export name {export.name!r}")
        names.add(export.name)
