"""Fuel of instantiation itself, by wasmtime's schedule (measured on its version 49).

wasmtime compiles what instantiation has to compute into a function of its own: entering it costs 1, a
global whose initialiser isn't a plain constant its instructions, an active segment that can't be laid
out beforehand 1 and as much as its size (expression elements twice) and its offset's arithmetic, and
calling the start function 1. A module that needs none of that starts for nothing.
"""

from pywrt.wasm.binary.instructions import skip_instruction
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.module import Elem, Expr, Module


def startup_fuel(module: Module) -> int:
    """What one instantiation of `module` costs, its start function's body apart."""
    imported = {"table": 0, "memory": 0}
    for item in module.imports:
        if item.desc.kind in imported:
            imported[item.desc.kind] += 1
    fuel = 0
    for variable in module.globals:
        fuel += 0 if is_constant(variable.init) else instructions(variable.init)
    for elem in module.elems:
        if elem.mode == "active" and (elem.table < imported["table"] or not _is_static(elem)):
            assert elem.offset is not None
            size = sum(2 if isinstance(item, Expr) else 1 for item in elem.init)
            fuel += size + instructions(elem.offset)
    for data in module.datas:
        if data.mode == "active":
            assert data.offset is not None
            if data.memory < imported["memory"] or not is_constant(data.offset):
                fuel += data.end - data.start + instructions(data.offset)
    if fuel or module.start is not None:
        fuel += 1 + (module.start is not None)
    return fuel


def is_constant(expr: Expr) -> bool:
    """Whether an expression is one numeric constant or null."""
    return expr.data[expr.start] in (0x41, 0x42, 0x43, 0x44, 0xD0) and instructions(expr) == 1


def _is_static(elem: Elem) -> bool:
    assert elem.offset is not None
    return is_constant(elem.offset) and not any(isinstance(item, Expr) for item in elem.init)


def instructions(expr: Expr) -> int:
    """How many instructions an expression has before its `end`."""
    reader = Reader(expr.data, expr.start, expr.end)
    count = 0
    while skip_instruction(reader).mnemonic != "end":
        count += 1
    return count
