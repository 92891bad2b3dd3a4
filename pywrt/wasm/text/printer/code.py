"""Expressions and function bodies in the text format. Spec: text/instructions.html

Strategy: one pass over the instructions with an explicit stack of open blocks, since guests nest deeper
than Python may recurse. A line an instruction, indented by nesting up to a cap. The opcode table's
immediates column picks the function that spells what follows the mnemonic; only blocks are handled by
the loop itself, which also refuses what the binary grammar does not allow (an `else` without `if`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pywrt.errors import MalformedError
from pywrt.wasm.binary.instructions import CATCH, CATCH_ALL, CATCH_ALL_REF, CATCH_REF, read_instruction
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.module import Expr
from pywrt.wasm.opcodes import Opcode, access_size
from pywrt.wasm.text.printer.layout import INDENTS, MAX_INDENT
from pywrt.wasm.text.printer.names import NO_NAMES, Labels, SpaceNames
from pywrt.wasm.text.printer.types import TypePrinter
from pywrt.wasm.text.printer.values import float_decimal, float_text
from pywrt.wasm.types import RefType, ValType, ref_type

#: Mnemonics of the opcode table that have no keyword of their own.
_KEYWORDS = {
    "select_t": "select",
    "ref.test_null": "ref.test",
    "ref.cast_null": "ref.cast",
    "ref.cast_desc_eq_null": "ref.cast_desc_eq",
}
NO_HINTS: Mapping[int, int] = MappingProxyType({})
_CATCHES = {CATCH: "catch", CATCH_REF: "catch_ref", CATCH_ALL: "catch_all", CATCH_ALL_REF: "catch_all_ref"}

#: What a branch hint can belong to.
_HINTED = frozenset(("if", "br_if"))

_OPENING = frozenset(("block", "loop", "if", "try", "try_table"))
#: What begins the next part of a block or closes it, and the parts behind which it may stand.
_CONTINUING = {
    "else": ("if",),
    "catch": ("try", "catch"),
    "catch_all": ("try", "catch"),
    "delegate": ("try",),
    "end": (*_OPENING, "else", "catch", "catch_all"),
}
_CLOSING = frozenset(("end", "delegate"))


class _Block:
    """An open block: the keyword of the part that is open, and the line of its head."""

    __slots__ = ("id", "line", "marked", "part")

    def __init__(self, part: str, id: str | None, line: int) -> None:
        self.part = part
        self.id = id
        self.line = line
        self.marked = id is not None


class BodyPrinter:
    """Prints the expressions of the module that `types` spells the types of."""

    def __init__(self, types: TypePrinter) -> None:
        self.types = types
        self.names = types.names
        self._locals: SpaceNames = NO_NAMES
        self._blocks: list[_Block] = []
        self._visible: dict[str, list[int]] = {}  # places in _blocks, by identifier
        self._lines: list[str] = []
        self._comments = True
        #: Whether an instruction so far names a data segment, which needs the data count section.
        self.uses_data_index = False
        self.hints_written = 0
        #: Where in the buffer the instruction of each line of the latest body is.
        self.offsets: list[int] = []

    def folded(self, expr: Expr, keyword: str) -> str:
        """`(instruction)` if it is one, else `(keyword instruction ...)`."""
        lines = self.body(expr, None)
        return f"({lines[0]})" if len(lines) == 1 else f"({' '.join([keyword, *lines])})"

    def body(
        self,
        expr: Expr,
        depth: int | None,
        locals: SpaceNames = NO_NAMES,
        labels: Labels | None = None,
        hints: Mapping[int, int] = NO_HINTS,
    ) -> list[str]:
        """A line for each instruction, without the last `end`.

        Indented from `depth` levels on, with comments at labels; neither if it is None. `hints` are branch
        hints by the offset of their instruction in the buffer; one that belongs to no branch is not
        written. MalformedError if the bytes are not an expression.
        """
        self._locals, self._blocks, self._visible, self._lines = locals, [], {}, []
        self._comments = depth is not None
        reader = Reader(expr.data, expr.start, expr.end)
        lines, blocks = self._lines, self._blocks
        self.offsets = offsets = []
        opened = 0
        while True:
            offset = reader.pos
            op, immediates = read_instruction(reader)
            mnemonic = op.mnemonic
            level = 0 if depth is None else depth + len(blocks)
            if offset in hints and mnemonic in _HINTED:
                hint = f'(@metadata.code.branch_hint "\\{hints[offset]:02x}")'
                lines.append(INDENTS[min(level, MAX_INDENT)] + hint)
                offsets.append(offset)
                self.hints_written += 1
            if mnemonic in _OPENING:
                text = self._open(mnemonic, immediates, None if labels is None else labels.of(opened))
                opened += 1
            elif mnemonic in _CONTINUING:
                if not blocks and mnemonic == "end":
                    break
                text = self._continue(mnemonic, immediates, offset)
                level -= 1
            else:
                text = PRINT_IMMEDIATES[op.immediates](
                    self, _KEYWORDS.get(mnemonic, mnemonic), op, immediates
                )
            lines.append(INDENTS[min(max(level, 0), MAX_INDENT)] + text)
            offsets.append(offset)
        if reader.pos != expr.end:
            raise MalformedError("END opcode expected at the end of the body, not before", offset=reader.pos)
        return lines

    # Blocks

    def _open(self, mnemonic: str, immediates: tuple[Any, ...], id: str | None) -> str:
        """A block's head."""
        text = mnemonic if id is None else f"{mnemonic} {id}"
        text += self._blocktype(immediates[0])
        for kind, tag, label in immediates[1] if len(immediates) > 1 else ():
            of_tag = "" if tag is None else f" {self.names.tags.of(tag)}"
            text += f" ({_CATCHES[kind]}{of_tag} {self.label(label)})"
        if id is not None:
            self._visible.setdefault(id, []).append(len(self._blocks))
        self._blocks.append(_Block(mnemonic, id, len(self._lines)))
        return text

    def _blocktype(self, blocktype: ValType | int | None) -> str:
        if blocktype is None:
            return ""
        if isinstance(blocktype, ValType):
            return f" (result {self.types.valtype(blocktype)})"
        return f" {self.types.type_use(blocktype)}"

    def _continue(self, mnemonic: str, immediates: tuple[Any, ...], offset: int) -> str:
        """What begins the next part of a block, or closes it."""
        blocks = self._blocks
        if not blocks or blocks[-1].part not in _CONTINUING[mnemonic]:
            raise MalformedError("END opcode expected", offset=offset)
        block = blocks[-1]
        if mnemonic in _CLOSING:
            blocks.pop()
            if block.id is not None:
                self._visible[block.id].pop()
            return f"{mnemonic} {self.label(immediates[0])}" if immediates else mnemonic
        block.part = mnemonic
        return f"{mnemonic} {self.names.tags.of(immediates[0])}" if immediates else mnemonic

    def label(self, depth: int) -> str:
        """A label: the block's identifier if it is the one meant, else the index, with the block's mark."""
        place = len(self._blocks) - 1 - depth
        if place < 0:
            return f"{depth} (;@0;)" if place == -1 and self._comments else str(depth)
        block = self._blocks[place]
        if block.id is not None and self._visible[block.id][-1] == place:
            return block.id
        if not self._comments:
            return str(depth)
        if not block.marked:
            block.marked = True
            self._lines[block.line] += f" ;; label = @{place + 1}"
        return str(depth) if block.id is not None else f"{depth} (;@{place + 1};)"

    # Immediates

    def data(self, index: int) -> str:
        """A data segment, which makes a data count necessary."""
        self.uses_data_index = True
        return self.names.datas.of(index)

    def local(self, index: int) -> str:
        """A parameter or local."""
        return self._locals.of(index)

    def memory_argument(self, op: Opcode, memarg: tuple[int, int, int]) -> str:
        """` $memory? offset=n? align=n?`; the alignment only where it is not the natural one."""
        memory, exponent, offset = memarg
        text = f" {self.names.memories.of(memory)}" if memory else ""
        if offset:
            text += f" offset={offset}"
        if 1 << exponent != access_size(op):
            text += f" align={1 << exponent}"
        return text

    def field(self, type: int, field: int) -> str:
        names = self.names.fields.get(type)
        return f"{self.names.types.of(type)} {field if names is None else names.of(field)}"

    def tested(self, mnemonic: str, heaptype: RefType) -> str:
        """The reference type of a test or cast, whose nullability is in the opcode."""
        nullable = mnemonic.endswith("_null")
        return self.types.reftype(ref_type(heaptype.heap, nullable, heaptype.exact))


def _named(space: str) -> "Printer":
    """An index that is always written."""

    def spell(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
        names: SpaceNames = getattr(body.names, space)
        return f"{keyword} {names.of(immediates[0])}"

    return spell


def _optional(space: str) -> "Printer":
    """Indices that are left out if all are 0."""

    def spell(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
        names: SpaceNames = getattr(body.names, space)
        return " ".join([keyword, *map(names.of, immediates)]) if any(immediates) else keyword

    return spell


def _typed(second: Callable[[BodyPrinter, int], str]) -> "Printer":
    """A type index, and an index or number that `second` spells."""

    def spell(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
        return f"{keyword} {body.names.types.of(immediates[0])} {second(body, immediates[1])}"

    return spell


def _memory_init(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    segment, memory = immediates  # the other way round in the text
    place = f" {body.names.memories.of(memory)}" if memory else ""
    return f"{keyword}{place} {body.data(segment)}"


def _table_init(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    segment, table = immediates
    place = f" {body.names.tables.of(table)}" if table else ""
    return f"{keyword}{place} {body.names.elems.of(segment)}"


def _labels(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    return " ".join([keyword, *map(body.label, immediates[0])])


def _call_indirect(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    type, table = immediates
    place = f" {body.names.tables.of(table)}" if table else ""
    return f"{keyword}{place} {body.types.type_use(type)}"


def _cast(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    label, source, target = immediates[0]
    return f"{keyword} {body.label(label)} {body.types.reftype(source)} {body.types.reftype(target)}"


def _heaptype(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    (heaptype,) = immediates
    if op.mnemonic == "ref.null":
        return f"{keyword} {body.types.heaptype(heaptype.heap, heaptype.exact)}"
    return f"{keyword} {body.tested(op.mnemonic, heaptype)}"


def _valtypes(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    return f"{keyword} ({' '.join(['result', *map(body.types.valtype, immediates[0])])})"


def _number(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    return f"{keyword} {immediates[0]}"


def _float(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    decimal = float_decimal(immediates[0])
    comment = f" (;={decimal};)" if decimal else ""
    return f"{keyword} {float_text(immediates[0])}{comment}"


def _vector(body: BodyPrinter, keyword: str, op: Opcode, immediates: tuple[Any, ...]) -> str:
    (raw,) = immediates
    lanes = [f"0x{int.from_bytes(raw[i : i + 4], 'little'):08x}" for i in range(0, 16, 4)]
    return f"{keyword} i32x4 {' '.join(lanes)}"


#: Spells an instruction that is no block: its keyword in the text, its row, what `read_instruction` gave.
Printer = Callable[[BodyPrinter, str, Opcode, tuple[Any, ...]], str]

#: How immediates are spelled, by the opcode table's column; parallel to the parser's table.
PRINT_IMMEDIATES: dict[tuple[str, ...], Printer] = {
    (): lambda body, keyword, op, immediates: keyword,
    ("labelidx",): lambda body, keyword, op, immediates: f"{keyword} {body.label(immediates[0])}",
    ("labelidx*",): _labels,
    ("funcidx",): _named("funcs"),
    ("typeidx",): _named("types"),
    ("tagidx",): _named("tags"),
    ("typeidx", "tableidx"): _call_indirect,
    ("typeidx", "typeidx"): _typed(lambda body, type: body.names.types.of(type)),
    ("typeidx", "fieldidx"): lambda body, keyword, op, immediates: f"{keyword} {body.field(*immediates)}",
    ("typeidx", "u32"): _typed(lambda body, number: str(number)),
    ("typeidx", "dataidx"): _typed(BodyPrinter.data),
    ("typeidx", "elemidx"): _typed(lambda body, elem: body.names.elems.of(elem)),
    ("valtype*",): _valtypes,
    ("localidx",): lambda body, keyword, op, immediates: f"{keyword} {body.local(immediates[0])}",
    ("globalidx",): _named("globals"),
    ("tableidx",): _named("tables"),
    ("tableidx", "tableidx"): _optional("tables"),
    ("elemidx",): _named("elems"),
    ("elemidx", "tableidx"): _table_init,
    ("memarg",): lambda body, keyword, op, immediates: keyword + body.memory_argument(op, immediates[0]),
    ("memarg", "laneidx"): lambda body, keyword, op, immediates: (
        f"{keyword}{body.memory_argument(op, immediates[0])} {immediates[1]}"
    ),
    ("memidx",): _optional("memories"),
    ("memidx", "memidx"): _optional("memories"),
    ("dataidx",): lambda body, keyword, op, immediates: f"{keyword} {body.data(immediates[0])}",
    ("dataidx", "memidx"): _memory_init,
    ("heaptype",): _heaptype,
    ("castop",): _cast,
    ("i32",): _number,
    ("i64",): _number,
    ("f32",): _float,
    ("f64",): _float,
    ("v128",): _vector,
    ("laneidx",): _number,
    ("laneidx16",): lambda body, keyword, op, immediates: " ".join([keyword, *map(str, immediates[0])]),
    ("zero",): lambda body, keyword, op, immediates: keyword,
}
