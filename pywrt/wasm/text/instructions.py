"""Instructions of the text format to bytes. Spec: text/instructions.html.

Strategy: one loop over the tokens with an explicit stack, since guests nest deeper than Python may
recurse. Plain instructions are appended to the body at once; a folded one waits on the stack, encoded,
until its closing parenthesis. The opcode table's immediates column picks the function that reads what
follows the mnemonic and returns its bytes; only blocks are handled by the loop itself, by two tables of
which part may follow which.
"""

from collections.abc import Callable, Container

import leb128

from pywrt.errors import InvalidError
from pywrt.wasm.binary.encoder import encode_heaptype, encode_valtype
from pywrt.wasm.opcodes import BY_MNEMONIC, OPCODES, Opcode, access_size
from pywrt.wasm.text.context import ModuleContext
from pywrt.wasm.text.cursor import Cursor, Space
from pywrt.wasm.text.keywords import UNWRITTEN
from pywrt.wasm.text.lexer import Annotation
from pywrt.wasm.text.numbers import RangeError, is_integer, is_number, parse_float, parse_int, parse_natural
from pywrt.wasm.text.types import read_heaptype, read_reftype, read_results

_SMALL = tuple(bytes((n,)) for n in range(128))
_END = 0x0B
_EMPTY_BLOCK = b"\x40"
#: A memory argument with this bit in its alignment names its memory. Spec: binary/instructions.html#memargs
_HAS_MEMORY = 0x40
#: What a branch hint may stand before.
_HINTED = frozenset(("if", "br_if"))
#: How many lanes a vector has, how to read one, and its bits.
Shape = tuple[int, Callable[[str, int], int | None], int]
#: Shapes of vectors in the text. Spec: text/instructions.html#vector-instructions
SHAPES: dict[str, Shape] = {
    "i8x16": (16, parse_int, 8),
    "i16x8": (8, parse_int, 16),
    "i32x4": (4, parse_int, 32),
    "i64x2": (2, parse_int, 64),
    "f32x4": (4, parse_float, 32),
    "f64x2": (2, parse_float, 64),
}


def unsigned(value: int) -> bytes:
    """LEB128 of a natural number."""
    return _SMALL[value] if value < 128 else bytes(leb128.u.encode(value))


def signed(value: int) -> bytes:
    """Signed LEB128."""
    return bytes(leb128.i.encode(value))


def _opcode_bytes(op: Opcode) -> bytes:
    return bytes((op.prefix,)) + unsigned(op.number) if op.prefix else bytes((op.number,))


_CODES = {op.mnemonic: _opcode_bytes(op) for op in OPCODES}

# Blocks. A kind of entry on the stack is the keyword for what is plain, with a parenthesis in front for
# what is folded. A part of a block has the block's label in scope.

_BLOCKS = frozenset(("block", "loop", "if", "try", "try_table"))
#: What may stand in an open plain block: (kind of its entry, keyword) to the kind it then has.
_PLAIN_PARTS = {
    ("if", "else"): "else",
    ("try", "catch"): "catch",
    ("try", "catch_all"): "catch_all",
    ("catch", "catch"): "catch",
    ("catch", "catch_all"): "catch_all",
}
#: The same for blocks whose parts are folded, here without the parenthesis in front of the keyword.
_FOLDED_PARTS = {
    ("(if", "then"): "(if then",
    ("(if then", "else"): "(if else",
    ("(try", "do"): "(try do",
    ("(try do", "catch"): "(try catch",
    ("(try do", "catch_all"): "(try catch_all",
    ("(try do", "delegate"): "(try delegate",
    ("(try catch", "catch"): "(try catch",
    ("(try catch", "catch_all"): "(try catch_all",
}
#: Kinds of entry within which no folded instruction may stand, or none any more.
_HOLDS_PARTS = frozenset(_FOLDED_PARTS.values()) | {"(try", "(delegate"}
#: What a folded block without its parts lacks.
_WANTED_PARTS = {"(if": '"(then"', "(try": '"(do"'}
#: Keywords that only parts of blocks are, and the pseudo-mnemonics of the table.
_NO_INSTRUCTIONS = UNWRITTEN | {"else", "end", "catch", "catch_all", "delegate"}
#: Kinds of entry within which plain instructions may stand: plain blocks, "(block", and "(part".
_HOLDS_PLAIN = frozenset(("block", "if", "else", "try", "catch", "catch_all", "(block", "(part"))


class _Entry:
    """What an open block or a folded instruction waits for.

    `kind` is one of the above, or "(operands" (a folded instruction, with folded ones inside). `pending`
    is emitted late, with the branch hint `hint` in front. `label` is an identifier, `shown` what it is
    called in the name section.
    """

    __slots__ = ("hint", "kind", "label", "pending", "shown")

    def __init__(
        self,
        kind: str,
        pending: bytes = b"",
        label: str | None = None,
        shown: str | None = None,
        hint: Annotation | None = None,
    ) -> None:
        self.kind = kind
        self.pending = pending
        self.label = label
        self.shown = shown
        self.hint = hint


class BodyParser:
    """Reads one function body or constant expression with the cursor of `context`.

    Afterwards `labels` are the names of its blocks by their order, `hints` the offsets in it of
    instructions with branch hints, with the hints, and `uses_data` says whether it names a data segment.
    """

    def __init__(self, context: ModuleContext, cursor: Cursor, local_space: Space | None = None) -> None:
        self.context = context
        self.cursor = cursor
        self.locals = Space("local") if local_space is None else local_space
        self.labels: dict[int, str] = {}
        self.hints: list[tuple[int, int]] = []
        self.uses_data = False
        self._stack: list[_Entry] = []
        self._depth = 0  # labels in scope, the body's own not counted
        self._scopes: dict[str, list[int]] = {}  # depths at which a label was entered
        self._blocks = 0
        self._out = bytearray()

    def sequence(self) -> bytes:
        """Instructions up to the closing parenthesis of the enclosing list, which stays; with `end`."""
        self._run(single=False)
        self._out.append(_END)
        return bytes(self._out)

    def folded(self) -> bytes:
        """One folded instruction; with `end`."""
        self._run(single=True)
        self._out.append(_END)
        return bytes(self._out)

    def _run(self, single: bool) -> None:
        cursor, stack = self.cursor, self._stack
        texts = cursor.texts
        if single and texts[cursor.i] != "(":
            raise cursor.unexpected(wanted="a folded instruction")
        while True:
            token = texts[cursor.i]
            if token == "(":
                cursor.i += 1
                self._open()
            elif token == ")":
                if not stack:
                    return
                cursor.i += 1
                self._close()
                if single and not stack:
                    return
            else:
                self._plain(token)

    def _plain(self, token: str) -> None:
        """An instruction that is not in parentheses."""
        cursor, stack = self.cursor, self._stack
        top = stack[-1] if stack else None
        if top is not None and top.kind not in _HOLDS_PLAIN:
            raise cursor.unexpected(wanted="a folded instruction")
        if token in _BLOCKS:
            entry = self._block(token if token in ("if", "try") else "block", token, cursor.i)
            self._emit_head(entry)
            self._enter(entry)
        elif token == "end":
            self._end()
        elif top is not None and (top.kind, token) in _PLAIN_PARTS:
            cursor.i += 1
            if token == "else":
                self._repeated_label(top)
            self._out += self._part(token)
            top.kind = _PLAIN_PARTS[top.kind, token]
        elif top is not None and top.kind == "try" and token == "delegate":
            cursor.i += 1
            self._leave(stack.pop())
            self._out += self._part(token)
        else:
            hint = self._take_hint(cursor.i)
            code = self._instruction()
            self._hint(hint)
            self._out += code

    def _open(self) -> None:
        """A folded instruction, or a part of a folded block, whose parenthesis was stepped over."""
        stack = self._stack
        token = self.cursor.texts[self.cursor.i]
        start = self.cursor.i - 1
        top = stack[-1] if stack else None
        if top is not None and (top.kind, token) in _FOLDED_PARTS:
            self._open_part(top, token)
            return
        if top is not None and top.kind in _HOLDS_PARTS:
            raise self.cursor.unexpected(wanted=_WANTED_PARTS.get(top.kind, ""))
        if token == "if":
            stack.append(self._block("(if", token, start))  # its condition comes before it
        elif token == "try":
            entry = self._block("(try", token, start)
            self._emit_head(entry)
            stack.append(entry)
        elif token in _BLOCKS:
            entry = self._block("(block", token, start)
            self._emit_head(entry)
            self._enter(entry)
        else:
            hint = self._take_hint(start)
            stack.append(_Entry("(operands", self._instruction(), hint=hint))

    def _open_part(self, top: _Entry, token: str) -> None:
        """A part, whose keyword comes next, of the folded block `top`."""
        self.cursor.i += 1
        kind = top.kind
        top.kind = _FOLDED_PARTS[kind, token]
        if kind == "(if":
            self._emit_head(top)
        else:
            self._out += self._part(token)
        if token == "delegate":
            self._stack.append(_Entry("(delegate"))
        else:
            self._enter(_Entry("(part", label=top.label))

    def _close(self) -> None:
        """A closing parenthesis, stepped over, with something on the stack."""
        entry = self._stack.pop()
        kind = entry.kind
        if kind == "(operands":
            self._hint(entry.hint)
            self._out += entry.pending
        elif kind == "(part":
            self._leave(entry)
        elif kind == "(block":
            self._leave(entry)
            self._out.append(_END)
        elif kind in _WANTED_PARTS:
            raise self.cursor.unexpected(self.cursor.i - 1, _WANTED_PARTS[kind])
        elif not kind.startswith("("):
            raise self.cursor.unexpected(self.cursor.i - 1, '"end"')
        elif kind != "(delegate" and kind != "(try delegate":
            self._out.append(_END)

    def _end(self) -> None:
        cursor, stack = self.cursor, self._stack
        if not stack or stack[-1].kind.startswith("("):
            raise cursor.unexpected()
        entry = stack.pop()
        cursor.i += 1
        self._repeated_label(entry)
        self._leave(entry)
        self._out.append(_END)

    def _part(self, token: str) -> bytes:
        """What a part of a block begins with, except `then`; its keyword was stepped over."""
        if token == "do":
            return b""
        op = BY_MNEMONIC[token]
        return _CODES[token] + _IMMEDIATES[op.immediates](self, op)

    def _repeated_label(self, entry: _Entry) -> None:
        cursor = self.cursor
        index = cursor.i
        label = cursor.identifier()
        if label is not None and label != entry.label:
            shown = "no label" if entry.label is None else f"${entry.label}"
            raise cursor.error(f"mismatching label ${label}, the block has {shown}", index)

    def _enter(self, entry: _Entry) -> None:
        if entry.label is not None:
            self._scopes.setdefault(entry.label, []).append(self._depth)
        self._depth += 1
        self._stack.append(entry)

    def _leave(self, entry: _Entry) -> None:
        self._depth -= 1
        if entry.label is not None:
            self._scopes[entry.label].pop()

    def _block(self, kind: str, mnemonic: str, start: int) -> _Entry:
        """The head of the block whose keyword comes next: label, block type, and what else it has.

        `start` is its first token.
        """
        cursor = self.cursor
        hint = self._take_hint(start)
        cursor.i += 1
        label = cursor.identifier()
        shown = cursor.annotated_name() or label
        head = _CODES[mnemonic] + self._block_type()
        if mnemonic == "try_table":
            head += self._catches()
        return _Entry(kind, head, label, shown, hint)

    def _emit_head(self, entry: _Entry) -> None:
        if entry.shown is not None:
            self.labels[self._blocks] = entry.shown
        self._blocks += 1
        self._hint(entry.hint)
        self._out += entry.pending

    def _block_type(self) -> bytes:
        use = self.context.type_use(self.cursor)
        if use.index is None and not use.type.params and len(use.type.results) < 2:
            return encode_valtype(use.type.results[0]) if use.type.results else _EMPTY_BLOCK
        return signed(self.context.type_index(use, self.cursor))

    def _catches(self) -> bytes:
        """`(catch x l)* ...` of a try_table; the block's own label is not in scope."""
        cursor = self.cursor
        clauses: list[bytes] = []
        while cursor.texts[cursor.i] == "(" and cursor.texts[cursor.i + 1] in _CATCHES:
            kind = _CATCHES.index(cursor.texts[cursor.i + 1])
            cursor.i += 2
            tag = self.index(self.context.tags) if kind < _CATCHES.index("catch_all") else b""
            clauses.append(_SMALL[kind] + tag + self.label())
            cursor.expect(")")
        return unsigned(len(clauses)) + b"".join(clauses)

    # Branch hints.

    def _take_hint(self, index: int) -> Annotation | None:
        """The hint in front of token `index`, with which an instruction begins."""
        hints = self.context.hints
        return hints.pop(index, None) if hints else None

    def _hint(self, hint: Annotation | None) -> None:
        """Note that `hint` belongs to the instruction that is emitted next."""
        if hint is not None:
            self.hints.append((len(self._out), _hint_value(hint)))

    def check_hints(self, function: int) -> None:
        """InvalidError if a hint stands before an instruction that is no conditional branch."""
        for offset, _ in self.hints:
            if bytes(self._out[offset : offset + 1]) not in _HINTED_CODES:
                raise InvalidError("@metadata.code.branch_hint annotation: invalid target", function=function)

    def _instruction(self) -> bytes:
        """The mnemonic that comes next, other than of a block, and its immediates."""
        cursor = self.cursor
        mnemonic = cursor.texts[cursor.i]
        op = BY_MNEMONIC.get(mnemonic)
        if op is None or mnemonic in _NO_INSTRUCTIONS:
            raise cursor.unexpected(wanted="an instruction")
        cursor.i += 1
        if mnemonic == "select" and cursor.at("result"):
            op = BY_MNEMONIC["select_t"]
        elif mnemonic in _NULL_FORMS:
            return self._cast(mnemonic)
        return _CODES[op.mnemonic] + _IMMEDIATES[op.immediates](self, op)

    def _cast(self, mnemonic: str) -> bytes:
        """`ref.test reftype` and its like, which are two instructions in the binary format."""
        target = read_reftype(self.cursor, self.context.types)
        return _CODES[_NULL_FORMS[mnemonic] if target.nullable else mnemonic] + encode_heaptype(target)

    # The immediates: each reads what the text has and returns what the binary format has.

    def label(self) -> bytes:
        cursor = self.cursor
        start = cursor.i
        name = cursor.identifier()
        if name is None:
            return unsigned(cursor.natural("a label"))
        depths = self._scopes.get(name)
        if not depths:
            raise cursor.error(f"unknown label ${name}", start)
        return unsigned(self._depth - 1 - depths[-1])

    def labels_of_table(self) -> bytes:
        targets = [self.label()]
        while self.cursor.at_index():
            targets.append(self.label())
        return unsigned(len(targets) - 1) + b"".join(targets)

    def value_types(self) -> bytes:
        types = read_results(self.cursor, self.context.types)
        return unsigned(len(types)) + b"".join(map(encode_valtype, types))

    def type_and_table(self) -> bytes:
        table = self.optional_index(self.context.tables)
        return unsigned(self.context.type_index(self.context.type_use(self.cursor), self.cursor)) + table

    def type_and_field(self) -> bytes:
        cursor = self.cursor
        type_index = cursor.index(self.context.types)
        fields = self.context.fields.get(type_index)
        return unsigned(type_index) + self.index(Space("field") if fields is None else fields)

    def two(self, first: Space, second: Space) -> bytes:
        return self.index(first) + self.index(second)

    def segment_and_target(self, segments: Space, targets: Space) -> bytes:
        """`data.init x? y`: a single index is the segment's, the target is 0 then."""
        cursor = self.cursor
        start = cursor.i
        if cursor.texts[start + 1][:1] == "$" or cursor.texts[start + 1][:1].isdecimal():
            target = self.index(targets)
        else:
            target = b"\x00"
        return self.index(segments) + target

    def two_or_none(self, space: Space) -> bytes:
        return self.two(space, space) if self.cursor.at_index() else b"\x00\x00"

    def optional_index(self, space: Space) -> bytes:
        return self.index(space) if self.cursor.at_index() else b"\x00"

    def index(self, space: Space) -> bytes:
        return unsigned(self.cursor.index(space))

    def data_index(self) -> bytes:
        self.uses_data = True
        return self.index(self.context.datas)

    def memory_init(self) -> bytes:
        self.uses_data = True
        return self.segment_and_target(self.context.datas, self.context.memories)

    def cast_operands(self) -> bytes:
        label = self.label()
        source = read_reftype(self.cursor, self.context.types)
        target = read_reftype(self.cursor, self.context.types)
        flags = (1 if source.nullable else 0) | (2 if target.nullable else 0)
        return _SMALL[flags] + label + encode_heaptype(source) + encode_heaptype(target)

    def memory_argument(self, natural_alignment: int) -> bytes:
        """`x? offset=n? align=n?`; alignments are in bytes.

        Spec: text/instructions.html#memory-instructions
        """
        memory = self.cursor.index(self.context.memories) if self.cursor.at_index() else 0
        return self._offset_and_align(memory, natural_alignment)

    def memory_argument_and_lane(self, natural_alignment: int) -> bytes:
        """A memory argument and a lane: an index alone is the lane's."""
        cursor = self.cursor
        memory = 0
        after = cursor.texts[cursor.i + 1]
        if cursor.at_index() and (
            cursor.texts[cursor.i][0] == "$"
            or after[:1].isdecimal()
            or after.startswith(("offset=", "align="))
        ):
            memory = cursor.index(self.context.memories)
        return self._offset_and_align(memory, natural_alignment) + self.lane()

    def _offset_and_align(self, memory: int, natural_alignment: int) -> bytes:
        cursor = self.cursor
        offset = self._keyed("offset=", 64)
        alignment = self._keyed("align=", 64)
        if alignment is None:
            alignment = natural_alignment
        elif alignment == 0 or alignment & alignment - 1:
            raise cursor.error("alignment must be a power of two", cursor.i - 1)
        power = alignment.bit_length() - 1
        if memory:
            return unsigned(power | _HAS_MEMORY) + unsigned(memory) + unsigned(offset or 0)
        return unsigned(power) + unsigned(offset or 0)

    def _keyed(self, key: str, bits: int) -> int | None:
        cursor = self.cursor
        token = cursor.texts[cursor.i]
        if not token.startswith(key):
            return None
        try:
            value = parse_natural(token[len(key) :])
        except RangeError as error:
            raise cursor.error(str(error)) from None
        if value is None:
            raise cursor.unexpected()
        if value >> bits:
            raise cursor.error(f"i{bits} constant out of range")
        cursor.i += 1
        return value

    def lane(self) -> bytes:
        return bytes((self.cursor.natural("a lane", 8),))

    def lanes(self) -> bytes:
        """The 16 lanes of a shuffle."""
        cursor = self.cursor
        start = cursor.i - 1
        found = lane_literals(cursor)
        if found != 16:
            raise cursor.error(f"invalid lane length: a shuffle has 16 lanes, not {found}", start)
        lanes = cursor.texts[cursor.i : cursor.i + 16]
        for index, lane in enumerate(lanes, cursor.i):
            if not lane[0].isdecimal() or not is_integer(lane):
                raise cursor.error(f"i8 constant out of range: a lane is a natural number, not {lane}", index)
        return b"".join([self.lane() for _ in lanes])

    def vector(self) -> bytes:
        """`shape lane*`"""
        cursor = self.cursor
        count, parse, bits = read_shape(cursor)
        lanes = [number(cursor, parse, bits, "a lane") for _ in range(count)]
        return b"".join([lane.to_bytes(bits // 8, "little") for lane in lanes])

    def integer(self, bits: int) -> bytes:
        value = number(self.cursor, parse_int, bits, "an integer")
        return signed(value - (value >> bits - 1 << bits))

    def float(self, bits: int) -> bytes:
        return number(self.cursor, parse_float, bits, "a number").to_bytes(bits // 8, "little")


#: How the text of immediates is read, by the opcode table's column.
_IMMEDIATES: dict[tuple[str, ...], Callable[[BodyParser, Opcode], bytes]] = {
    (): lambda body, op: b"",
    ("zero",): lambda body, op: b"\x00",
    ("labelidx",): lambda body, op: body.label(),
    ("labelidx*",): lambda body, op: body.labels_of_table(),
    ("tagidx",): lambda body, op: body.index(body.context.tags),
    ("funcidx",): lambda body, op: body.index(body.context.funcs),
    ("typeidx",): lambda body, op: body.index(body.context.types),
    ("typeidx", "fieldidx"): lambda body, op: body.type_and_field(),
    ("typeidx", "typeidx"): lambda body, op: body.two(body.context.types, body.context.types),
    ("typeidx", "dataidx"): lambda body, op: body.index(body.context.types) + body.data_index(),
    ("typeidx", "elemidx"): lambda body, op: body.two(body.context.types, body.context.elems),
    ("typeidx", "tableidx"): lambda body, op: body.type_and_table(),
    ("typeidx", "u32"): lambda body, op: (
        body.index(body.context.types) + unsigned(body.cursor.natural("a length"))
    ),
    ("valtype*",): lambda body, op: body.value_types(),
    ("localidx",): lambda body, op: body.index(body.locals),
    ("globalidx",): lambda body, op: body.index(body.context.globals),
    ("tableidx",): lambda body, op: body.optional_index(body.context.tables),
    ("tableidx", "tableidx"): lambda body, op: body.two_or_none(body.context.tables),
    ("elemidx",): lambda body, op: body.index(body.context.elems),
    ("elemidx", "tableidx"): lambda body, op: body.segment_and_target(
        body.context.elems, body.context.tables
    ),
    ("memarg",): lambda body, op: body.memory_argument(access_size(op)),
    ("memarg", "laneidx"): lambda body, op: body.memory_argument_and_lane(access_size(op)),
    ("memidx",): lambda body, op: body.optional_index(body.context.memories),
    ("memidx", "memidx"): lambda body, op: body.two_or_none(body.context.memories),
    ("dataidx",): lambda body, op: body.data_index(),
    ("dataidx", "memidx"): lambda body, op: body.memory_init(),
    ("heaptype",): lambda body, op: encode_heaptype(read_heaptype(body.cursor, body.context.types)),
    ("castop",): lambda body, op: body.cast_operands(),
    ("laneidx",): lambda body, op: body.lane(),
    ("laneidx16",): lambda body, op: body.lanes(),
    ("v128",): lambda body, op: body.vector(),
    ("i32",): lambda body, op: body.integer(32),
    ("i64",): lambda body, op: body.integer(64),
    ("f32",): lambda body, op: body.float(32),
    ("f64",): lambda body, op: body.float(64),
}
#: Mnemonics that a reference type follows, and the row that means a nullable one.
_NULL_FORMS = {mnemonic: f"{mnemonic}_null" for mnemonic in ("ref.test", "ref.cast", "ref.cast_desc_eq")}
#: Kinds of catch clauses in the order of their bytes.
_CATCHES = ("catch", "catch_ref", "catch_all", "catch_all_ref")
_HINTED_CODES = frozenset(_CODES[mnemonic] for mnemonic in _HINTED)
_HINT_VALUES = {b"\x00": 0, b"\x01": 1}


def _hint_value(hint: Annotation) -> int:
    content = Cursor(hint.content)
    value = _HINT_VALUES.get(content.strings())
    if content.texts[content.i] != "":
        raise content.error("@metadata.code.branch_hint annotation: unexpected token")
    if value is None:
        raise hint.error("@metadata.code.branch_hint annotation: invalid hint value")
    return value


def lane_literals(cursor: Cursor) -> int:
    """How many numbers come next; MalformedError if a word that means nothing follows them."""
    texts, end = cursor.texts, cursor.i
    while is_number(texts[end]):
        end += 1
    if cursor.is_reserved(end):
        raise cursor.unexpected(end, "a lane")
    return end - cursor.i


def read_shape(cursor: Cursor, patterns: Container[str] = ()) -> Shape:
    """The shape of a vector that comes next, as a row of `SHAPES`; as many lanes follow it.

    A word of `patterns` may stand for a lane.
    """
    start = cursor.i
    row = SHAPES[cursor.keyword_of(SHAPES)]
    before = cursor.i
    while True:
        cursor.i += lane_literals(cursor)
        if cursor.texts[cursor.i] not in patterns:
            break
        cursor.i += 1
    found, cursor.i = cursor.i - before, before
    if found != row[0]:
        raise cursor.error(f"wrong number of lane literals: {found}, expected {row[0]}", start)
    return row


def number(cursor: Cursor, parse: Callable[[str, int], int | None], bits: int, wanted: str) -> int:
    """The bits of the number that comes next, read by `parse_int` or `parse_float`."""
    token = cursor.texts[cursor.i]
    try:
        value = parse(token, bits)
    except RangeError as error:
        raise cursor.error(str(error)) from None
    if value is None:
        raise cursor.unexpected(wanted=wanted)
    cursor.i += 1
    return value
