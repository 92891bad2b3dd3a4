"""A validated body as bytes: its immediates, and the way past what can't be reached.

Nothing is checked here: validation has. Spec: binary/instructions.html
"""

from collections.abc import Callable

from pywrt.engine.plan import Ref
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.opcodes import BY_CODE, Opcode
from pywrt.wasm.types import (
    EXACT_CODE,
    HEAP_BY_CODE,
    REF_CODE,
    REF_NULL_CODE,
    FuncType,
    HeapType,
    MemoryType,
    TableType,
)

#: Opcodes that open a block: block, loop, if, try, try_table.
OPENING = frozenset((0x02, 0x03, 0x04, 0x06, 0x1F))
END, DELEGATE = 0x0B, 0x18
#: Opcodes that close a block or a part of it: else, catch, end, delegate, catch_all.
CLOSING = frozenset((0x05, 0x07, END, DELEGATE, 0x19))
#: Bytes of value types that a heap type follows.
REFERENCES = (REF_CODE, REF_NULL_CODE)

MEMORY_0 = Ref("memory", 0)


class Signatures:
    """What lowering reads of a module: closed types by index, and the types of what it declares.

    `funcs`, `memories`, `tables` and `tags` count imports first.
    """

    __slots__ = ("funcs", "memories", "tables", "tags", "types")

    def __init__(self, types: list[DefType]) -> None:
        self.types = types
        self.funcs: list[FuncType] = []
        self.memories: list[MemoryType] = []
        self.tables: list[TableType] = []
        self.tags: list[FuncType] = []


class Body:
    """Reads immediates at a position in `data`; each method also gives the position behind."""

    def __init__(self, signatures: Signatures, data: bytes) -> None:
        self.signatures = signatures
        self.data = data

    def u32(self, position: int) -> tuple[int, int]:
        """An unsigned LEB128 at `position`, and the position behind it."""
        data = self.data
        byte = data[position]
        position += 1
        if byte < 0x80:
            return byte, position
        result = byte & 0x7F
        shift = 7
        while True:
            byte = data[position]
            position += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result, position
            shift += 7

    def signed(self, position: int) -> tuple[int, int]:
        """A signed LEB128 at `position`, and the position behind it."""
        result = shift = 0
        data = self.data
        while True:
            byte = data[position]
            position += 1
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return result - (1 << shift) if byte & 0x40 else result, position

    def block_type(self, position: int) -> tuple[int, int, int]:
        """(parameters, results, position) of a block type."""
        byte = self.data[position]
        if byte == 0x40:
            return 0, 0, position + 1
        if 0x40 < byte < 0x80:
            return 0, 1, self.skip_type(position)
        index, position = self.signed(position)
        type = self.signatures.types[index].func
        return len(type.params), len(type.results), position

    def heap_type(self, position: int) -> tuple[HeapType, bool, int]:
        """(closed heap type, whether it is exact, position)."""
        exact = self.data[position] == EXACT_CODE
        number, position = self.signed(position + exact)
        if number >= 0:
            return self.signatures.types[number], exact, position
        return HEAP_BY_CODE[number & 0x7F], False, position

    def skip_type(self, position: int) -> int:
        """Pass over a value type."""
        if self.data[position] in REFERENCES:
            return self.heap_type(position + 1)[2]
        return position + 1

    def memarg(self, position: int) -> tuple[Ref, int, int]:
        """(memory, offset, position) of a memarg."""
        data = self.data
        flags = data[position]
        position += 1
        if flags >= 0x80:
            flags, position = self.u32(position - 1)
        index = 0
        if flags & 0x40:
            index, position = self.u32(position)
        offset = data[position]
        position += 1
        if offset >= 0x80:
            offset, position = self.u32(position - 1)
        return MEMORY_0 if index == 0 else Ref("memory", index), offset, position

    def skip(self, position: int) -> int:
        """From unreachable code to what closes its part of a block: `else`, `end`, `catch` ..."""
        depth = 0
        data = self.data
        while True:
            opcode = data[position]
            if opcode in CLOSING:
                if depth == 0:
                    return position
                if opcode in (END, DELEGATE):
                    depth -= 1
            elif opcode in OPENING:
                depth += 1
            row, position = self.opcode_at(position)
            for immediate in row.immediates:
                position = SKIP[immediate](self, position)

    def opcode_at(self, position: int) -> tuple[Opcode, int]:
        """The table's row of the instruction at `position`, and where its immediates begin."""
        code = self.data[position]
        if code in BY_CODE and code >= 0xFB:
            number, position = self.u32(position + 1)
            return BY_CODE[code][number], position
        return BY_CODE[0][code], position + 1


#: fn(body, position of an immediate) -> position behind it.
Skip = Callable[[Body, int], int]


def _skip_index(self: Body, position: int) -> int:
    return self.u32(position)[1]


def _skip_signed(self: Body, position: int) -> int:
    return self.signed(position)[1]


def _skip_labels(self: Body, position: int) -> int:
    count, position = self.u32(position)
    for _ in range(count + 1):
        _, position = self.u32(position)
    return position


def _skip_types(self: Body, position: int) -> int:
    count, position = self.u32(position)
    for _ in range(count):
        position = self.skip_type(position)
    return position


def _skip_catches(self: Body, position: int) -> int:
    count, position = self.u32(position)
    for _ in range(count):
        kind = self.data[position]
        position += 1
        for _ in range(2 if kind < 2 else 1):  # a tag, unless it catches all; a label
            _, position = self.u32(position)
    return position


def _skip_cast(self: Body, position: int) -> int:
    _, position = self.u32(position + 1)
    for _ in "source", "target":
        position = self.heap_type(position)[2]
    return position


SKIP: dict[str, Skip] = {
    "blocktype": lambda self, position: self.block_type(position)[2],
    "labelidx*": _skip_labels,
    "valtype*": _skip_types,
    "memarg": lambda self, position: self.memarg(position)[2],
    "i32": _skip_signed,
    "i64": _skip_signed,
    "heaptype": lambda self, position: self.heap_type(position)[2],
    "catch*": _skip_catches,
    "castop": _skip_cast,
    "f32": lambda self, position: position + 4,
    "f64": lambda self, position: position + 8,
    "v128": lambda self, position: position + 16,
    "laneidx16": lambda self, position: position + 16,
    "laneidx": lambda self, position: position + 1,
    "zero": lambda self, position: position + 1,
}
for _name in (
    "labelidx",
    "funcidx",
    "typeidx",
    "localidx",
    "globalidx",
    "tableidx",
    "memidx",
    "dataidx",
    "elemidx",
    "tagidx",
    "fieldidx",
    "u32",
):
    SKIP[_name] = _skip_index
