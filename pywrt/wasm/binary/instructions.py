"""Instructions as the binary format has them, by the immediates that the opcode table lists.

Nothing here checks types: `skip_expr` finds where an expression ends, which the decoder needs for
constant expressions (a function body's size is given). Spec: binary/instructions.html
"""

from collections.abc import Callable

from pywrt.errors import MalformedError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.opcodes import BY_CODE, PREFIXES, Opcode, unbuilt_feature
from pywrt.wasm.types import FEATURE_BY_TYPE_CODE, VALTYPE_BY_CODE, RefType, ValType

#: The blocktype byte of a block without parameters and results.
EMPTY_BLOCK = 0x40


def opcode_error(prefix: int, number: int, offset: int) -> MalformedError:
    """What to raise for an opcode without a row: it names the proposal if there is one."""
    shown = f"{prefix:02x} {number}" if prefix else f"{number:02x}"
    feature = unbuilt_feature(prefix, number)
    detail = "" if feature is None else f": needs the feature {feature}, which is not built"
    return MalformedError(f"illegal opcode {shown}{detail}", offset=offset, feature=feature)


def type_error(message: str, code: int, offset: int) -> MalformedError:
    """What to raise for a byte that does not begin a type: it names the proposal if there is one."""
    feature = FEATURE_BY_TYPE_CODE.get(code)
    detail = "" if feature is None else f": needs the feature {feature}"
    return MalformedError(f"{message} 0x{code:02x}{detail}", offset=offset, feature=feature)


def read_valtype(reader: Reader, features: frozenset[str]) -> ValType:
    """A value type. Spec: binary/types.html#value-types"""
    code = reader.byte()
    valtype = VALTYPE_BY_CODE.get(code)
    if valtype is None or FEATURE_BY_TYPE_CODE.get(code, "mvp") not in features:
        raise type_error("malformed value type", code, reader.pos - 1)
    return valtype


def read_reftype(reader: Reader) -> RefType:
    """A reference type. Spec: binary/types.html#reference-types"""
    code = reader.byte()
    reftype = VALTYPE_BY_CODE.get(code)
    if not isinstance(reftype, RefType):
        raise type_error("malformed reference type", code, reader.pos - 1)
    return reftype


def read_heaptype(reader: Reader) -> RefType:
    """A heap type; the nullable reference type of it. Spec: binary/types.html#heap-types"""
    code = reader.byte()
    reftype = VALTYPE_BY_CODE.get(code)
    if isinstance(reftype, RefType):
        return reftype
    if code & 0xC0 != 0x40:  # not negative: a type index
        raise MalformedError(
            "malformed heap type: an index needs the feature function-references",
            offset=reader.pos - 1,
            feature="function-references",
        )
    raise type_error("malformed heap type", code, reader.pos - 1)


def _skip_blocktype(reader: Reader) -> None:
    code = reader.data[reader.pos] if reader.pos < reader.end else 0
    if code != EMPTY_BLOCK and code not in VALTYPE_BY_CODE:
        start = reader.pos
        if reader.signed(33) < 0:
            raise type_error("malformed block type", code, start)
    else:
        reader.byte()


def _skip_label_vector(reader: Reader) -> None:
    for _ in range(reader.u32() + 1):
        reader.u32()


def _skip_valtype_vector(reader: Reader) -> None:
    for _ in range(reader.u32()):
        code = reader.byte()
        if code not in VALTYPE_BY_CODE:
            raise type_error("malformed value type", code, reader.pos - 1)


def _skip_memarg(reader: Reader) -> None:
    start = reader.pos
    flags = reader.u32()
    if flags >= 0x80:
        raise MalformedError("malformed memop flags", offset=start)
    if flags & 0x40:
        reader.u32()
    reader.u64()


def _skip_index(reader: Reader) -> None:
    reader.u32()


#: How to pass over each kind of immediate of the opcode table.
SKIP_IMMEDIATE: dict[str, Callable[[Reader], object]] = {
    "blocktype": _skip_blocktype,
    "labelidx": _skip_index,
    "labelidx*": _skip_label_vector,
    "valtype*": _skip_valtype_vector,
    "funcidx": _skip_index,
    "typeidx": _skip_index,
    "tableidx": _skip_index,
    "memidx": _skip_index,
    "globalidx": _skip_index,
    "localidx": _skip_index,
    "dataidx": _skip_index,
    "elemidx": _skip_index,
    "memarg": _skip_memarg,
    "heaptype": read_heaptype,
    "i32": lambda reader: reader.signed(32),
    "i64": lambda reader: reader.signed(64),
    "f32": lambda reader: reader.skip(4),
    "f64": lambda reader: reader.skip(8),
}


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


def skip_instruction(reader: Reader) -> Opcode:
    """Pass over one instruction; return its row."""
    opcode = read_opcode(reader)
    for immediate in opcode.immediates:
        SKIP_IMMEDIATE[immediate](reader)
    return opcode


def skip_expr(reader: Reader) -> None:
    """Pass over an expression, nested blocks included, and the `end` that closes it."""
    depth = 1
    while depth:
        start = reader.pos
        mnemonic = skip_instruction(reader).mnemonic
        if mnemonic in ("block", "loop", "if"):
            depth += 1
        elif mnemonic == "end":
            depth -= 1
        elif mnemonic == "else" and depth == 1:
            raise MalformedError("END opcode expected", offset=start)
