"""Fuel of instantiation itself, by wasmtime's schedule (measured on its version 49).

wasmtime compiles what instantiation has to compute into a function of its own: entering it costs 1, a
global whose initialiser isn't a plain constant its instructions, an active segment that can't be laid
out beforehand 1 and as much as its size, its elements' expressions and its offset's arithmetic, a table
with an initialiser of its own as much as its size, and calling the start function 1. A module that needs
none of that starts for nothing.
"""

from pywrt.errors import Trap
from pywrt.runtime.store import Store
from pywrt.wasm.binary.instructions import skip_instruction
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.module import Elem, Expr, Module

#: First bytes of i32.const, i64.const, f32.const, f64.const and v128.const; and ref.func.
CONSTANTS = (0x41, 0x42, 0x43, 0x44, 0xFD)
REF_FUNC = 0xD2


def startup_fuel(module: Module) -> int:
    """What one instantiation of `module` costs, its start function's body apart."""
    imported = {"table": 0, "memory": 0}
    for item in module.imports:
        if item.desc.kind in imported:
            imported[item.desc.kind] += 1
    fuel = 0
    for variable in module.globals:
        fuel += 0 if is_constant(variable.init) else instructions(variable.init)
    for table in module.tables:
        if table.init is not None and table.init.data[table.init.start] != REF_FUNC:
            fuel += table.type.limits.min + instructions(table.init)
    for elem in module.elems:
        computed = sum(instructions(item) for item in elem.init if isinstance(item, Expr))
        if elem.mode == "passive":
            fuel += computed
        elif elem.mode == "active" and (elem.table < imported["table"] or not _is_static(elem)):
            assert elem.offset is not None
            fuel += len(elem.init) + computed + instructions(elem.offset)
    for data in module.datas:
        if data.mode == "active":
            assert data.offset is not None
            own = data.memory - imported["memory"]
            # memories of small pages are never laid out beforehand
            if own < 0 or module.memories[own].page_size == 1 or not is_constant(data.offset):
                fuel += data.end - data.start + instructions(data.offset)
    if fuel or module.start is not None:
        fuel += 1 + (module.start is not None)
    return fuel


def charge(store: Store, fuel: int) -> None:
    """Charge what instantiation itself costs; Trap if that much isn't left."""
    if store.config.consume_fuel:
        left = store.reserve + store.fuel[0] - fuel
        if left < 0:
            raise Trap("all fuel consumed", "out-of-fuel")
        store.reserve = left - store.fuel[0]


def is_constant(expr: Expr) -> bool:
    """Whether an expression is one constant: a number or a vector."""
    return expr.data[expr.start] in CONSTANTS and instructions(expr) == 1


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
