"""Validate a module. Spec: valid/modules.html"""

from pywrt.config import Config
from pywrt.errors import InvalidError
from pywrt.wasm.module import Module
from pywrt.wasm.valid.body import is_defaultable
from pywrt.wasm.valid.code import validate_constexpr, validate_function
from pywrt.wasm.valid.context import Context
from pywrt.wasm.valid.subtyping import matches_reftype
from pywrt.wasm.valid.types import require_mutable_global, validate_externtype, validate_import


def validate_module(module: Module, config: Config) -> None:
    """Check that `module` is valid, function bodies included unless `config.eager_validation` is off.

    Raises InvalidError, and MalformedError for what is malformed in a function body, which decoding has not
    looked at; both have `feature` set where a proposal that is not in `config.features` is what is missing.
    """
    context = module_context(module, config)
    if config.eager_validation:
        for index in range(context.imported_funcs, len(context.funcs)):
            validate_function(module, context, index)
        context.stacks.clear()


def module_context(module: Module, config: Config) -> Context:
    """Validate everything but function bodies; the context is for `validate_function`."""
    context = Context(module, config.features)
    for item in module.imports:
        validate_import(item.desc, context.features)
    for tag in module.tags:
        validate_externtype(tag.type, context.features)
    _memories(module, context)
    _tables(module, context)  # before the globals: initialisers of tables see imported globals only
    for global_ in module.globals:
        type = context.global_(global_.type)
        validate_constexpr(global_.init, type.value, context)
        context.add_global(type)
    _elems(module, context)
    _datas(module, context)
    _start(module, context)
    _exports(module, context)
    return context


def _memories(module: Module, context: Context) -> None:
    for memory in module.memories:
        validate_externtype(memory, context.features)
    if len(context.memories) > 1 and "multi-memory" not in context.features:
        raise InvalidError("multiple memories: needs the feature multi-memory", feature="multi-memory")


def _tables(module: Module, context: Context) -> None:
    if len(context.tables) > 1 and "reference-types" not in context.features:
        raise InvalidError("multiple tables: needs the feature reference-types", feature="reference-types")
    imported = len(context.tables) - len(module.tables)
    for number, table in enumerate(module.tables, imported):
        validate_externtype(table.type, context.features)
        element = context.tables[number].element
        if table.init is not None:
            validate_constexpr(table.init, element, context)
        elif not is_defaultable(element):
            raise InvalidError(f"type mismatch: table {number} of {element} needs an initialiser")


def _elems(module: Module, context: Context) -> None:
    for number, elem in enumerate(module.elems):
        type = context.elems[number]
        for item in elem.init:
            if isinstance(item, int):
                if item >= len(context.funcs):
                    raise InvalidError(f"unknown function {item} in elem segment {number}")
            else:
                validate_constexpr(item, type, context)
        if elem.offset is not None:
            if elem.table >= len(context.tables):
                raise InvalidError(f"unknown table {elem.table} in elem segment {number}")
            table = context.tables[elem.table]
            if not matches_reftype(type, table.element):
                raise InvalidError(
                    f"type mismatch: elem segment {number} holds {type}, table {elem.table} {table.element}"
                )
            validate_constexpr(elem.offset, table.address, context)


def _datas(module: Module, context: Context) -> None:
    for number, data in enumerate(module.datas):
        if data.offset is not None:
            if data.memory >= len(context.memories):
                raise InvalidError(f"unknown memory {data.memory} in data segment {number}")
            validate_constexpr(data.offset, context.memories[data.memory].address, context)


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
        "tag": ("tag", len(context.tags)),
    }
    names: set[str] = set()
    for export in module.exports:
        what, count = spaces[export.kind]
        if export.index >= count:
            raise InvalidError(f"unknown {what} {export.index} in export {export.name!r}")
        if export.kind == "global" and context.globals[export.index].mutable:
            require_mutable_global("exported", context.features)
        if export.name in names:
            raise InvalidError(f"duplicate export name {export.name!r}")
        names.add(export.name)
