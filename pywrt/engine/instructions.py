"""Lowering of each instruction: a handler a row of the opcode table.

Handlers that charge fuel add it to the block they are in before they may end it. What they build on,
the symbolic stack and the blocks, is `pywrt.engine.lowering`.
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine import aggregates, atomics, bulk, exceptions, references, vectors, wide
from pywrt.engine.immediates import SKIP, Signatures
from pywrt.engine.lowering import ANY_EFFECT, MAX_PENDING, NOTHING, Handler, Lowering
from pywrt.engine.numeric import f32_from_bits, f64_from_bits
from pywrt.engine.operators import CONST_RIGHT, EFFECTS, READS_MEMORY, READS_STATE, SWAPPED, TRAPS
from pywrt.engine.plan import FunctionPlan, Ref
from pywrt.engine.trees import CONST, INVERTED, REGISTER, ROTATIONS, STATEMENTS, TRANSITIONS, Node
from pywrt.runtime.frame import LINK
from pywrt.wasm.module import Code
from pywrt.wasm.opcodes import BY_CODE, Opcode


def _charged(cost: int, handler: Handler) -> Handler:
    if cost == 0:
        return handler

    def charged(self: Lowering, position: int) -> int:
        self.block.cost += cost  # type: ignore[union-attr]
        return handler(self, position)

    return charged


def _nop(self: Lowering, position: int) -> int:
    return position


def _block(self: Lowering, position: int) -> int:
    return self.enter("block", position)


def _loop(self: Lowering, position: int) -> int:
    return self.enter("loop", position)


def _drop(self: Lowering, position: int) -> int:
    if self.stack[-1][2] & (READS_MEMORY | TRAPS):
        self.materialise(len(self.stack) - 1)
    self.pop()
    return position


def _select(self: Lowering, position: int) -> int:
    stack = self.stack
    places = [len(stack) - 1, len(stack) - 3, len(stack) - 2]
    for place in places[1:]:
        if stack[place][2]:
            self.materialise(place)  # only one value is evaluated where the condition decides
    condition, first, second = [stack[place] for place in places]
    key = ("select", condition[0], first[0], second[0])
    if key not in TRANSITIONS:
        self.reduce(key, places)
        condition, first, second = [stack[place] for place in places]
        key = ("select", condition[0], first[0], second[0])
    self.pop()
    self.pop()
    self.pop()
    operands = condition[1] + first[1] + second[1]
    self.push((TRANSITIONS[key], operands, condition[2], condition[3]))
    return position


def _select_t(self: Lowering, position: int) -> int:
    return _select(self, SKIP["valtype*"](self, position))


def _local_get(self: Lowering, position: int) -> int:
    self.block.cost += 1  # type: ignore[union-attr]
    index = self.data[position]
    position += 1
    if index >= 0x80:
        index, position = self.u32(position - 1)
    stack = self.stack
    stack.append((REGISTER, (LINK + index,), 0, NOTHING))
    if len(stack) - self.pending > MAX_PENDING:
        self.settle(self.pending + 1)
    return position


def _local_set(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    register = LINK + index
    node = self.pop()
    if (node[1] != (register,) or node[0] != REGISTER) and not self.redirect(register, node):
        self.write(register, node, len(self.stack))
    return position


def _local_tee(self: Lowering, position: int) -> int:
    position = _local_set(self, position)
    index, _ = self.u32(self.offset + 1)
    self.push((REGISTER, (LINK + index,), 0, NOTHING))
    return position


def _global_get(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    self.push((TRANSITIONS[("global.get",)], (Ref("global", index),), READS_STATE, NOTHING))
    return position


def _global_set(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    key = ("global.set", self.stack[-1][0])
    if key not in TRANSITIONS:
        self.materialise(len(self.stack) - 1)
        key = ("global.set", REGISTER)
    node = self.pop()
    self.effect(ANY_EFFECT)
    self.statement(STATEMENTS[TRANSITIONS[key]], (Ref("global", index), *node[1]), node[3])
    return position


def _unary(operator: str) -> Handler:
    effects = EFFECTS[operator]

    def handler(self: Lowering, position: int) -> int:
        stack = self.stack
        node = stack[-1]
        tree = TRANSITIONS.get((operator, node[0]))
        if tree is None:
            self.materialise(len(stack) - 1)
            node = stack[-1]
            tree = TRANSITIONS[(operator, REGISTER)]
        offsets = (self.offset, *node[3]) if effects else node[3]
        stack[-1] = (tree, node[1], node[2] | effects, offsets)
        if self.pending >= len(stack):
            self.pending = len(stack) - 1
        return position

    return handler


def _eqz(self: Lowering, position: int) -> int:
    tree, operands, effects, offsets = self.stack[-1]
    if tree in INVERTED:  # the negation of a comparison is a comparison
        self.stack[-1] = (INVERTED[tree], operands, effects, offsets)
        return position
    return _plain_eqz(self, position)


_plain_eqz = _unary("i32.eqz")


def _same(self: Lowering, position: int) -> int:
    """i64.extend_i32_u: the value is the same number."""
    return position


def _over_two(self: Lowering, name: str) -> tuple[int, Node, Node]:
    """The tree of an operator over the two operands on top, which may change places, and the operands.

    What isn't possible in one tree is materialised, larger operands first.
    """
    stack = self.stack
    swapped = SWAPPED.get(name)
    places = [len(stack) - 2, len(stack) - 1]
    for least in (CONST, REGISTER):
        for place in [-1, *places]:
            if place >= 0:
                if stack[place][0] <= least:
                    continue
                self.materialise(place)
            left, right = stack[-2:]
            tree = TRANSITIONS.get((name, left[0], right[0]))
            if tree is not None:
                return tree, left, right
            if swapped is not None and not (left[3] and right[3]):  # what traps keeps its order
                tree = TRANSITIONS.get((swapped, right[0], left[0]))
                if tree is not None:
                    return tree, right, left
    raise AssertionError(name)


def _binary(operator: str) -> Handler:
    effects = EFFECTS[operator]
    const_right = CONST_RIGHT.get(operator)
    swapped = SWAPPED.get(operator)
    by_constant = "div_u" in operator or "rem_u" in operator

    def handler(self: Lowering, position: int) -> int:
        self.block.cost += 1  # type: ignore[union-attr]
        stack = self.stack
        right = stack[-1]
        left = stack[-2]
        name = operator
        if left[0] == CONST and swapped is not None and right[0] != CONST:
            left, right = right, left
            stack[-2], stack[-1] = left, right
            name = swapped
        form = const_right if name is operator else CONST_RIGHT.get(name)
        if right[0] == CONST and form is not None:
            if left[0] == CONST:
                self.materialise(len(stack) - 2)
                left = stack[-2]
            form_name, constants = form(right[1][0])  # type: ignore[arg-type]
            tree = TRANSITIONS.get((form_name, left[0]))
            if tree is None:
                self.materialise(len(stack) - 2)
                left = stack[-2]
                tree = TRANSITIONS[(form_name, REGISTER)]
            operands = left[1] + constants
        else:
            tree = TRANSITIONS.get((name, left[0], right[0]))
            if tree is None:
                tree, left, right = _over_two(self, name)
            operands = left[1] + right[1]
        own = effects
        if by_constant and right[0] == CONST and right[1][0]:
            own = 0
        offsets = (self.offset, *left[3], *right[3]) if effects else left[3] + right[3]
        stack.pop()
        stack[-1] = (tree, operands, left[2] | right[2] | own, offsets)
        if self.pending >= len(stack):
            self.pending = len(stack) - 1
        return position

    return handler


def _xor(operator: str) -> Handler:
    plain = _binary(operator)

    def handler(self: Lowering, position: int) -> int:
        left, right = self.stack[-2:]
        tree = ROTATIONS.get((left[0], right[0]))
        if tree is None or left[1][0] != right[1][0]:
            return plain(self, position)
        self.block.cost += 1  # type: ignore[union-attr]
        self.pop()
        self.pop()
        self.push((tree, left[1] + right[1][1:], 0, NOTHING))
        return position

    return handler


def _load(operator: str) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        self.block.cost += 1  # type: ignore[union-attr]
        memory, offset, position = self.memarg(position)
        stack = self.stack
        node = stack[-1]
        if node[0] == CONST:
            node = (CONST, (node[1][0] + offset,), 0, NOTHING)  # type: ignore[operator]
            offset = 0
        name = operator if offset else operator + ".0"
        tree = TRANSITIONS.get((name, node[0]))
        if tree is None:
            self.materialise(len(stack) - 1)
            node = stack[-1]
            tree = TRANSITIONS[(name, REGISTER)]
        operands = (memory, *node[1], offset) if offset else (memory, *node[1])
        stack[-1] = (tree, operands, node[2] | READS_MEMORY, (self.offset, *node[3]))
        if self.pending >= len(stack):
            self.pending = len(stack) - 1
        return position

    return handler


def _store(operator: str) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        self.block.cost += 1  # type: ignore[union-attr]
        memory, offset, position = self.memarg(position)
        stack = self.stack
        address = stack[-2]
        if address[0] == CONST and offset:
            stack[-2] = address = (CONST, (address[1][0] + offset,), 0, NOTHING)  # type: ignore[operator]
            offset = 0
        name = operator if offset else operator + ".0"
        value = stack[-1]
        tree = TRANSITIONS.get((name, address[0], value[0]))
        if tree is None or value[2] & TRAPS or (value[2] & READS_MEMORY and address[2] & TRAPS):
            # Python may evaluate the value before the address: what traps goes first, in order
            self.reduce((name,), [len(stack) - 2, len(stack) - 1])
            address, value = stack[-2], stack[-1]
            tree = TRANSITIONS[(name, address[0], value[0])]
        self.pop()
        self.pop()
        self.effect(READS_MEMORY | TRAPS)
        middle = (offset,) if offset else NOTHING
        self.statement(
            STATEMENTS[tree], (memory, *address[1], *middle, *value[1]), (self.offset, *address[3], *value[3])
        )
        return position

    return handler


def _nullary(operator: str, kind: str) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        index, position = self.u32(position)
        self.push((TRANSITIONS[(operator,)], (Ref(kind, index),), READS_STATE, NOTHING))
        return position

    return handler


def _memory_size(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    # a page has 64 KiB, or one byte: then the size is the length, as a table's is
    operator = "table.size" if self.signatures.memories[index].page_size == 1 else "memory.size"
    self.push((TRANSITIONS[(operator,)], (Ref("memory", index),), READS_STATE, NOTHING))
    return position


def _i32_const(self: Lowering, position: int) -> int:
    self.block.cost += 1  # type: ignore[union-attr]
    byte = self.data[position]
    if byte < 0x40:
        value = byte
        position += 1
    else:
        value, position = self.signed(position)
        value &= 0xFFFFFFFF
    self.push((CONST, (value,), 0, NOTHING))
    return position


def _i64_const(self: Lowering, position: int) -> int:
    value, position = self.signed(position)
    self.push((CONST, (value & 0xFFFFFFFFFFFFFFFF,), 0, NOTHING))
    return position


def _f32_const(self: Lowering, position: int) -> int:
    bits = int.from_bytes(self.data[position : position + 4], "little")
    self.push((CONST, (f32_from_bits(bits),), 0, NOTHING))
    return position + 4


def _f64_const(self: Lowering, position: int) -> int:
    bits = int.from_bytes(self.data[position : position + 8], "little")
    self.push((CONST, (f64_from_bits(bits),), 0, NOTHING))
    return position + 8


def _ref_null(self: Lowering, position: int) -> int:
    self.push((CONST, (None,), 0, NOTHING))
    return self.heap_type(position)[2]


def _ref_func(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    self.push((CONST, (Ref("func", index),), 0, NOTHING))
    return position


def _table_get(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    place = len(self.stack) - 1
    register = self.register(place)
    tree = TRANSITIONS[("table.get", REGISTER)]
    self.pop()
    self.push((tree, (Ref("table", index), register), TRAPS, (self.offset,)))
    return position


def _table_set(self: Lowering, position: int) -> int:
    index, position = self.u32(position)
    height = len(self.stack)
    self.effect(ANY_EFFECT)
    place, value = self.register(height - 2), self.register(height - 1)
    self.pop()
    self.pop()
    factory = STATEMENTS[TRANSITIONS[("table.set", REGISTER, REGISTER)]]
    self.statement(factory, (Ref("table", index), place, value), (self.offset,))
    return position


def _bulk(mnemonic: str, count: int) -> Handler:
    """Bulk operations take their indices as immediates and `count` operands."""
    kinds = bulk.OPERATIONS[mnemonic].immediates

    def handler(self: Lowering, position: int) -> int:
        indices = []
        for _ in range(kinds):
            index, position = self.u32(position)
            indices.append(index)
        self.bulk(mnemonic, tuple(indices), count)
        return position

    return handler


def _grow(mnemonic: str, count: int) -> Handler:
    """Growing, whose last operand is by how much."""

    def handler(self: Lowering, position: int) -> int:
        index, position = self.u32(position)
        tree, operands = self.stack[-1][:2]
        small = tree == CONST and operands[0] <= bulk.SMALL_GROWTH  # type: ignore[operator]
        self.bulk(mnemonic, (index, small), count, result=True)
        return position

    return handler


def _drop_segment(factory: Callable[..., Any]) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        index, position = self.u32(position)
        self.effect(ANY_EFFECT)
        self.statement(factory, (Ref("instance", 0), index), NOTHING)
        return position

    return handler


def _prefixed(prefix: int) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        number, position = self.u32(position)
        return _BY_PREFIX[prefix][number](self, position)

    return handler


_SPECIAL: dict[str, Handler] = {
    "unreachable": Lowering.lower_unreachable,
    "nop": _nop,
    "block": _block,
    "loop": _loop,
    "if": Lowering.lower_if,
    "else": Lowering.lower_else,
    "end": Lowering.lower_end,
    "br": Lowering.lower_br,
    "br_if": Lowering.lower_br_if,
    "br_table": Lowering.lower_br_table,
    "return": Lowering.lower_return,
    "call": Lowering.lower_call,
    "call_indirect": Lowering.lower_call_indirect,
    "return_call": Lowering.lower_return_call,
    "return_call_indirect": Lowering.lower_return_call_indirect,
    "drop": _drop,
    "select": _select,
    "select_t": _select_t,
    "local.set": _local_set,
    "local.tee": _local_tee,
    "global.get": _global_get,
    "global.set": _global_set,
    "table.get": _table_get,
    "table.set": _table_set,
    "memory.size": _memory_size,
    "table.size": _nullary("table.size", "table"),
    "memory.grow": _grow("memory.grow", 1),
    "table.grow": _grow("table.grow", 2),
    "i64.const": _i64_const,
    "f32.const": _f32_const,
    "f64.const": _f64_const,
    "i32.eqz": _eqz,
    "i64.extend_i32_u": _same,
    "ref.is_null": _unary("ref.is_null"),
    "ref.null": _ref_null,
    "ref.func": _ref_func,
    "data.drop": _drop_segment(bulk.drop_data),
    "elem.drop": _drop_segment(bulk.drop_elem),
}
for _name in ("memory.init", "memory.copy", "memory.fill", "table.init", "table.copy", "table.fill"):
    _SPECIAL[_name] = _bulk(_name, 3)

for _family in (exceptions, references, aggregates, vectors, atomics, wide):
    _SPECIAL.update(_family.HANDLERS)

#: These add their fuel themselves, which saves a call.
_CHARGE_THEMSELVES: dict[str, Handler] = {"local.get": _local_get, "i32.const": _i32_const}


def _handler_of(row: Opcode) -> Handler:
    name = row.mnemonic
    if name in _CHARGE_THEMSELVES:
        return _CHARGE_THEMSELVES[name]
    if name in _SPECIAL:
        return _charged(row.fuel, _SPECIAL[name])
    if row.immediates == ("memarg",):
        return _load(name) if row.results else _store(name)
    assert row.params is not None, name
    if name.endswith("xor"):
        return _xor(name)
    return _binary(name) if len(row.params) == 2 else _charged(row.fuel, _unary(name))


_BY_PREFIX: dict[int, dict[int, Handler]] = {
    prefix: {number: _handler_of(row) for number, row in rows.items()} for prefix, rows in BY_CODE.items()
}
HANDLERS: list[Handler] = [_BY_PREFIX[0].get(code, _nop) for code in range(256)]
for _prefix in BY_CODE:
    if _prefix:
        HANDLERS[_prefix] = _prefixed(_prefix)


def lower(
    signatures: Signatures, index: int, code: Code, check: Callable[[], object] = lambda: None
) -> FunctionPlan:
    """Handler function `index` (imports counted), whose validated body is `code`.

    `check` is called every few thousand instructions, and may raise to give up.
    """
    return Lowering(signatures, index, code).run(code.expr.start, HANDLERS, check)
