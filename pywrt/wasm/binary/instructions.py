"""Instructions as the binary format has them, by the immediates that the opcode table lists.

Nothing here checks types, nor which features are on: `skip_expr` finds where an expression ends, which the
decoder needs for constant expressions (a function body's size is given), and `read_instruction` gives
an instruction to those who show it. Spec: binary/instructions.html
"""

from collections.abc import Callable
from typing import Any

from pywrt.config import ALL_FEATURES
from pywrt.errors import MalformedError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.types import read_heaptype, read_valtype, require, type_error
from pywrt.wasm.opcodes import BY_CODE, PREFIXES, Opcode, unbuilt_feature
from pywrt.wasm.types import REF_CODE, REF_NULL_CODE, VALTYPE_BY_CODE, RefType, ValType, ref_type

#: The blocktype byte of a block without parameters and results.
EMPTY_BLOCK = 0x40


def opcode_error(prefix: int, number: int, offset: int) -> MalformedError:
    """What to raise for an opcode without a row: it names the proposal if there is one."""
    shown = f"{prefix:02x} {number}" if prefix else f"{number:02x}"
    feature = unbuilt_feature(prefix, number)
    detail = "" if feature is None else f": needs the feature {feature}, which is not built"
    return MalformedError(f"illegal opcode {shown}{detail}", offset=offset, feature=feature)


# Immediates. Spec: binary/instructions.html


def read_blocktype(reader: Reader, features: frozenset[str] = ALL_FEATURES) -> ValType | int | None:
    """A block type: None without parameters and results, the one result's type, or a type index.

    Spec: binary/instructions.html#control-instructions
    """
    start = reader.pos
    code = reader.data[start] if start < reader.end else 0
    if code == EMPTY_BLOCK:
        reader.pos = start + 1
        return None
    if code in VALTYPE_BY_CODE or code in (REF_CODE, REF_NULL_CODE):
        return read_valtype(reader, features)
    index = reader.signed(33)
    if index < 0:
        raise type_error("malformed block type", code, start)
    require("multi-value", features, "malformed block type: an index", start)
    return index


def _index(reader: Reader) -> int:
    return reader.u32()


def _labels(reader: Reader) -> tuple[int, ...]:
    return tuple(reader.u32s(reader.u32() + 1))


def _valtypes(reader: Reader) -> tuple[ValType, ...]:
    return tuple(reader.vector(read_valtype, reader.u32()))


def _memarg(reader: Reader) -> tuple[int, int, int]:
    """(memory, exponent of the alignment, offset)."""
    start = reader.pos
    flags = reader.u32()
    if flags >= 0x80:
        raise MalformedError("malformed memop flags", offset=start)
    memory = reader.u32() if flags & 0x40 else 0
    return memory, flags & 0x3F, reader.u64()


#: Kinds of catch clauses; a reference to the exception comes with the odd ones.
CATCH, CATCH_REF, CATCH_ALL, CATCH_ALL_REF = range(4)


def _catch(reader: Reader) -> tuple[int, int | None, int]:
    """(kind, tag or None, label)."""
    kind = reader.byte()
    if kind > CATCH_ALL_REF:
        raise MalformedError(f"malformed catch clause 0x{kind:02x}", offset=reader.pos - 1)
    tag = reader.u32() if kind in (CATCH, CATCH_REF) else None
    return kind, tag, reader.u32()


def _catches(reader: Reader) -> tuple[tuple[int, int | None, int], ...]:
    return tuple(reader.vector(_catch, reader.u32()))


def _castop(reader: Reader) -> tuple[int, RefType, RefType]:
    """(label, the type cast from, the type cast to)."""
    flags = reader.byte()
    if flags > 3:
        raise MalformedError(f"malformed br_on_cast flags 0x{flags:02x}", offset=reader.pos - 1)
    label = reader.u32()
    source, target = read_heaptype(reader), read_heaptype(reader)
    return (
        label,
        ref_type(source.heap, flags & 1 != 0, source.exact),
        ref_type(target.heap, flags & 2 != 0, target.exact),
    )


def _raw(size: int) -> Callable[[Reader], bytes]:
    def read(reader: Reader) -> bytes:
        start = reader.skip(size)
        return reader.data[start : start + size]

    return read


def _zero(reader: Reader) -> int:
    if reader.byte() != 0:
        raise MalformedError("zero byte expected", offset=reader.pos - 1)
    return 0


#: How to read each kind of immediate of the opcode table. Numbers and indices are ints (i32 and i64
#: signed), floats, vectors and 16 lanes their bytes, a heap type the nullable reference type of it,
#: vectors and composites tuples.
READ_IMMEDIATE: dict[str, Callable[[Reader], Any]] = {
    "blocktype": read_blocktype,
    "labelidx": _index,
    "labelidx*": _labels,
    "valtype*": _valtypes,
    "funcidx": _index,
    "typeidx": _index,
    "tableidx": _index,
    "memidx": _index,
    "tagidx": _index,
    "globalidx": _index,
    "localidx": _index,
    "fieldidx": _index,
    "dataidx": _index,
    "elemidx": _index,
    "memarg": _memarg,
    "catch*": _catches,
    "castop": _castop,
    "heaptype": read_heaptype,
    "u32": _index,
    "i32": lambda reader: reader.signed(32),
    "i64": lambda reader: reader.signed(64),
    "f32": _raw(4),
    "f64": _raw(8),
    "v128": _raw(16),
    "laneidx": lambda reader: reader.byte(),
    "laneidx16": _raw(16),
    "zero": _zero,
}


# Instructions and expressions. Spec: binary/instructions.html


def read_opcode(reader: Reader) -> Opcode:
    """The table's row of the next instruction; its immediates follow."""
    start = reader.pos
    prefix, number = 0, reader.byte()
    if number in PREFIXES:
        prefix, number = number, reader.u32()
    opcode = BY_CODE.get(prefix, {}).get(number)
    if opcode is None:
        raise opcode_error(prefix, number, start)
    return opcode


def read_instruction(reader: Reader) -> tuple[Opcode, tuple[Any, ...]]:
    """The row and the immediates, as `READ_IMMEDIATE` says, of the next instruction."""
    opcode = read_opcode(reader)
    return opcode, tuple([READ_IMMEDIATE[immediate](reader) for immediate in opcode.immediates])


def skip_instruction(reader: Reader) -> Opcode:
    """Pass over one instruction; return its row."""
    opcode = read_opcode(reader)
    for immediate in opcode.immediates:
        READ_IMMEDIATE[immediate](reader)
    return opcode


#: How an instruction changes the number of open blocks.
_NESTING = {"block": 1, "loop": 1, "if": 1, "try": 1, "try_table": 1, "end": -1, "delegate": -1}
#: What may only stand in a block.
_INNER = frozenset(("else", "catch", "catch_all", "delegate"))


def skip_expr(reader: Reader) -> None:
    """Pass over an expression, nested blocks included, and the `end` that closes it."""
    depth = 1
    while depth:
        start = reader.pos
        mnemonic = skip_instruction(reader).mnemonic
        if depth == 1 and mnemonic in _INNER:
            raise MalformedError("END opcode expected", offset=start)
        depth += _NESTING.get(mnemonic, 0)
