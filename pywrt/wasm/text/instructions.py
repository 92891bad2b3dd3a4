"""Instructions of the text format to bytes. Spec: text/instructions.html.

Strategy: one loop over the tokens with an explicit stack, since guests nest deeper than Python may
recurse. Plain instructions are appended to the body at once; a folded one waits on the stack, encoded,
until its closing parenthesis. The opcode table's immediates column picks the function that reads what
follows the mnemonic and returns its bytes; only blocks are handled by the loop itself.
"""

from collections.abc import Callable

import leb128

from pywrt.wasm.opcodes import BY_MNEMONIC, Opcode, access_size
from pywrt.wasm.text.context import ModuleContext
from pywrt.wasm.text.cursor import Cursor, Space
from pywrt.wasm.text.numbers import RangeError, parse_float, parse_int, parse_natural
from pywrt.wasm.types import CODE_BY_VALTYPE

_SMALL = tuple(bytes((n,)) for n in range(128))
_END = 0x0B
_ELSE = 0x05
_EMPTY_BLOCK = b"\x40"
_HEAP_TYPES = {"func": b"\x70", "extern": b"\x6f"}
_BLOCKS = frozenset(("block", "loop", "if"))
#: A memory argument with this bit in its alignment names its memory. Spec: binary/instructions.html#memargs
_HAS_MEMORY = 0x40


def unsigned(value: int) -> bytes:
    """LEB128 of a natural number."""
    return _SMALL[value] if value < 128 else bytes(leb128.u.encode(value))


def signed(value: int) -> bytes:
    """Signed LEB128."""
    return bytes(leb128.i.encode(value))


def _opcode_bytes(op: Opcode) -> bytes:
    return bytes((op.prefix,)) + unsigned(op.number) if op.prefix else bytes((op.number,))


class _Entry:
    """What an open block or a folded instruction waits for.

    `kind`: "block" (plain, ends with `end`), "if" (plain, may have `else`), "else", "(block", "(then",
    "(else" (folded, with instructions inside), "(operands" (folded, with folded ones inside), "(if"
    (folded, before `then`), "(if then", "(if else" (behind it). `pending` is emitted late.
    """

    __slots__ = ("index", "kind", "label", "pending")

    def __init__(self, kind: str, index: int, pending: bytes = b"", label: str | None = None) -> None:
        self.kind = kind
        self.index = index
        self.pending = pending
        self.label = label


#: Kinds of entry within which plain instructions may stand.
_PLAIN = frozenset(("block", "if", "else", "(block", "(then", "(else"))


class BodyParser:
    """Reads one function body or constant expression with the cursor of `context`."""

    def __init__(self, context: ModuleContext, cursor: Cursor, local_space: Space | None = None) -> None:
        self.context = context
        self.cursor = cursor
        self.locals = Space("local") if local_space is None else local_space
        self._stack: list[_Entry] = []
        self._depth = 0  # labels in scope, the body's own not counted
        self._labels: dict[str, list[int]] = {}
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
        if stack and stack[-1].kind not in _PLAIN:
            raise cursor.unexpected(wanted="a folded instruction")
        if token == "end":
            self._end()
        elif token == "else":
            self._else()
        elif token in _BLOCKS:
            index = cursor.i
            cursor.i += 1
            label = cursor.identifier()
            self._out += self._block_head(token)
            self._enter(_Entry("if" if token == "if" else "block", index, label=label))
        else:
            self._out += self._instruction()

    def _open(self) -> None:
        """A folded instruction, or a part of a folded `if`, whose parenthesis was stepped over."""
        cursor, stack = self.cursor, self._stack
        token = cursor.texts[cursor.i]
        index = cursor.i
        top = stack[-1] if stack else None
        if top is not None and top.kind.startswith("(if"):
            if token == "then" and top.kind == "(if":
                self._out += top.pending
                top.kind = "(if then"
                cursor.i += 1
                self._enter(_Entry("(then", index, label=top.label))
                return
            if token == "else" and top.kind == "(if then":
                self._out.append(_ELSE)
                top.kind = "(if else"
                cursor.i += 1
                self._enter(_Entry("(else", index, label=top.label))
                return
            if top.kind != "(if":
                raise cursor.unexpected()
        if token in _BLOCKS:
            cursor.i += 1
            label = cursor.identifier()
            head = self._block_head(token)
            if token == "if":
                stack.append(_Entry("(if", index, head, label))
            else:
                self._out += head
                self._enter(_Entry("(block", index, label=label))
        else:
            stack.append(_Entry("(operands", index, self._instruction()))

    def _close(self) -> None:
        """A closing parenthesis, stepped over, with something on the stack."""
        entry = self._stack.pop()
        kind = entry.kind
        if kind == "(operands":
            self._out += entry.pending
        elif kind == "(block":
            self._leave(entry)
            self._out.append(_END)
        elif kind == "(then" or kind == "(else":
            self._leave(entry)
        elif kind == "(if then" or kind == "(if else":
            self._out.append(_END)
        else:  # a plain block without its end, or a folded if without then
            raise self.cursor.unexpected(self.cursor.i - 1, '"(then"' if kind == "(if" else '"end"')

    def _end(self) -> None:
        cursor, stack = self.cursor, self._stack
        if not stack or stack[-1].kind.startswith("("):
            raise cursor.unexpected()
        entry = stack.pop()
        self._repeated_label(entry)
        self._leave(entry)
        self._out.append(_END)

    def _else(self) -> None:
        cursor, stack = self.cursor, self._stack
        if not stack or stack[-1].kind != "if":
            raise cursor.unexpected()
        self._repeated_label(stack[-1])
        stack[-1].kind = "else"
        self._out.append(_ELSE)

    def _repeated_label(self, entry: _Entry) -> None:
        cursor = self.cursor
        cursor.i += 1
        index = cursor.i
        label = cursor.identifier()
        if label is not None and label != entry.label:
            shown = "no label" if entry.label is None else f"${entry.label}"
            raise cursor.error(f"mismatching label ${label}, the block has {shown}", index)

    def _enter(self, entry: _Entry) -> None:
        if entry.label is not None:
            self._labels.setdefault(entry.label, []).append(self._depth)
        self._depth += 1
        self._stack.append(entry)

    def _leave(self, entry: _Entry) -> None:
        self._depth -= 1
        if entry.label is not None:
            self._labels[entry.label].pop()

    def _block_head(self, mnemonic: str) -> bytes:
        """Opcode and block type of a block whose mnemonic and label were stepped over."""
        return _opcode_bytes(BY_MNEMONIC[mnemonic]) + self._block_type()

    def _block_type(self) -> bytes:
        use = self.context.type_use(self.cursor)
        if use.index is None and not use.type.params and len(use.type.results) < 2:
            results = use.type.results
            return bytes((CODE_BY_VALTYPE[results[0]],)) if results else _EMPTY_BLOCK
        return signed(self.context.type_index(use, self.cursor))

    def _instruction(self) -> bytes:
        """The mnemonic that comes next, other than of a block, and its immediates."""
        cursor = self.cursor
        op = BY_MNEMONIC.get(cursor.texts[cursor.i])
        if op is None or op.mnemonic in ("else", "end", "select_t"):
            raise cursor.unexpected(wanted="an instruction")
        cursor.i += 1
        if op.mnemonic == "select" and cursor.at("result"):
            op = BY_MNEMONIC["select_t"]
        return _opcode_bytes(op) + _IMMEDIATES[op.immediates](self, op)

    # The immediates: each reads what the text has and returns what the binary format has.

    def label(self) -> bytes:
        cursor = self.cursor
        start = cursor.i
        name = cursor.identifier()
        if name is None:
            return unsigned(cursor.natural("a label"))
        depths = self._labels.get(name)
        if not depths:
            raise cursor.error(f"unknown label ${name}", start)
        return unsigned(self._depth - 1 - depths[-1])

    def labels(self) -> bytes:
        targets = [self.label()]
        while self.cursor.at_index():
            targets.append(self.label())
        return unsigned(len(targets) - 1) + b"".join(targets)

    def value_types(self) -> bytes:
        types = self.context.results(self.cursor)
        return unsigned(len(types)) + bytes(CODE_BY_VALTYPE[t] for t in types)

    def type_and_table(self) -> bytes:
        table = self.optional_index(self.context.tables)
        return unsigned(self.context.type_index(self.context.type_use(self.cursor), self.cursor)) + table

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
        return self.index(space) + self.index(space) if self.cursor.at_index() else b"\x00\x00"

    def optional_index(self, space: Space) -> bytes:
        return self.index(space) if self.cursor.at_index() else b"\x00"

    def index(self, space: Space) -> bytes:
        return unsigned(self.cursor.index(space))

    def data_index(self) -> bytes:
        self.context.uses_data_index = True
        return self.index(self.context.datas)

    def memory_init(self) -> bytes:
        self.context.uses_data_index = True
        return self.segment_and_target(self.context.datas, self.context.memories)

    def heap_type(self) -> bytes:
        cursor = self.cursor
        if cursor.at_index():
            raise cursor.error(
                "a type index as heap type needs function-references", None, "function-references"
            )
        return _HEAP_TYPES[cursor.keyword_of(_HEAP_TYPES)]

    def memory_argument(self, natural_alignment: int) -> bytes:
        """`x? offset=n? align=n?`; alignments are in bytes.

        Spec: text/instructions.html#memory-instructions
        """
        cursor = self.cursor
        memory = cursor.index(self.context.memories) if cursor.at_index() else 0
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

    def integer(self, bits: int) -> bytes:
        value = number(self.cursor, parse_int, bits, "an integer")
        return signed(value - (value >> bits - 1 << bits))

    def float(self, bits: int) -> bytes:
        return number(self.cursor, parse_float, bits, "a number").to_bytes(bits // 8, "little")


#: How the text of immediates is read, by the opcode table's column.
_IMMEDIATES: dict[tuple[str, ...], Callable[[BodyParser, Opcode], bytes]] = {
    (): lambda body, op: b"",
    ("labelidx",): lambda body, op: body.label(),
    ("labelidx*",): lambda body, op: body.labels(),
    ("funcidx",): lambda body, op: body.index(body.context.funcs),
    ("typeidx", "tableidx"): lambda body, op: body.type_and_table(),
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
    ("memidx",): lambda body, op: body.optional_index(body.context.memories),
    ("memidx", "memidx"): lambda body, op: body.two_or_none(body.context.memories),
    ("dataidx",): lambda body, op: body.data_index(),
    ("dataidx", "memidx"): lambda body, op: body.memory_init(),
    ("heaptype",): lambda body, op: body.heap_type(),
    ("i32",): lambda body, op: body.integer(32),
    ("i64",): lambda body, op: body.integer(64),
    ("f32",): lambda body, op: body.float(32),
    ("f64",): lambda body, op: body.float(64),
}


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
