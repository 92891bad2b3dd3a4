"""Table instructions. Spec: valid/instructions.html#table-instructions"""

from pywrt.errors import InvalidError
from pywrt.wasm.types import I32, RefType
from pywrt.wasm.valid.body import Body
from pywrt.wasm.valid.rules.rule import Rule, smaller_address
from pywrt.wasm.valid.subtyping import matches_reftype


def elem(body: Body, index: int) -> RefType:
    """The type of an element segment."""
    if index >= len(body.context.elems):
        raise InvalidError(f"unknown elem segment {index}")
    return body.context.elems[index]


def _table_get(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    table = body.table(index)
    body.apply([table.address], [table.element])
    return pos


def _table_set(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    table = body.table(index)
    body.pop([table.address, table.element])
    return pos


def _table_size(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    body.stack.append(body.table(index).address)
    return pos


def _table_grow(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    table = body.table(index)
    body.apply([table.element, table.address], [table.address])
    return pos


def _table_fill(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    table = body.table(index)
    body.pop([table.address, table.element, table.address])
    return pos


def _table_copy(body: Body, pos: int) -> int:
    to, pos = body.u32(pos)
    of, pos = body.u32(pos)
    target, source = body.table(to), body.table(of)
    if not matches_reftype(source.element, target.element):
        raise InvalidError(f"type mismatch: table {of} holds {source.element}, table {to} {target.element}")
    body.pop([target.address, source.address, smaller_address(target.address, source.address)])
    return pos


def _table_init(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    number, pos = body.u32(pos)
    table = body.table(number)
    if not matches_reftype(elem(body, index), table.element):
        raise InvalidError(
            f"type mismatch: elem segment {index} holds {elem(body, index)}, table {number} {table.element}"
        )
    body.pop([table.address, I32, I32])
    return pos


def _elem_drop(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    elem(body, index)
    return pos


RULES: dict[str, Rule] = {
    "table.get": _table_get,
    "table.set": _table_set,
    "table.size": _table_size,
    "table.grow": _table_grow,
    "table.fill": _table_fill,
    "table.copy": _table_copy,
    "table.init": _table_init,
    "elem.drop": _elem_drop,
}
