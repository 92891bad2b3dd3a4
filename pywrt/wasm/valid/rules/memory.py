"""Memory instructions: loads, stores and atomics of all kinds, and bulk operations.

Spec: valid/instructions.html#memory-instructions
"""

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.reader import UNEXPECTED_END, read_unsigned
from pywrt.wasm.opcodes import Opcode, access_size
from pywrt.wasm.types import I32, I64, MemoryType, ValType
from pywrt.wasm.valid.body import Body
from pywrt.wasm.valid.rules.rule import Rule, smaller_address


def data(body: Body, index: int) -> None:
    """Check that a data segment exists."""
    if body.context.data_count is None:
        raise MalformedError("data count section required")
    if index >= body.context.data_count:
        raise InvalidError(f"unknown data segment {index}")


# Bulk operations


def _memory_size(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    body.stack.append(body.memory(index).address)
    return pos


def _memory_grow(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    address = body.memory(index).address
    body.apply([address], [address])
    return pos


def _memory_fill(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    address = body.memory(index).address
    body.pop([address, I32, address])
    return pos


def _memory_copy(body: Body, pos: int) -> int:
    to, pos = body.u32(pos)
    of, pos = body.u32(pos)
    target, source = body.memory(to).address, body.memory(of).address
    body.pop([target, source, smaller_address(target, source)])
    return pos


def _memory_init(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    number, pos = body.u32(pos)
    memory = body.memory(number)
    data(body, index)
    body.pop([memory.address, I32, I32])
    return pos


def _data_drop(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    data(body, index)
    return pos


RULES: dict[str, Rule] = {
    "memory.size": _memory_size,
    "memory.grow": _memory_grow,
    "memory.fill": _memory_fill,
    "memory.copy": _memory_copy,
    "memory.init": _memory_init,
    "data.drop": _data_drop,
}


# Loads, stores and atomics


def natural_alignment(opcode: Opcode) -> int:
    """The largest alignment of a load or store, as an exponent of 2."""
    return access_size(opcode).bit_length() - 1


def _memarg(body: Body, pos: int) -> tuple[int, int, MemoryType, int]:
    """The exponent of the alignment, the offset, the memory, and the position behind the memarg.

    Spec: binary/instructions.html#memory-instructions
    """
    flags, after = body.u32(pos)
    if flags >= 0x80:
        raise MalformedError("malformed memop flags", offset=pos)
    memory = 0
    if flags & 0x40:  # several memories: an index follows
        if "multi-memory" not in body.context.features:
            raise MalformedError(
                "malformed memop flags: needs the feature multi-memory", offset=pos, feature="multi-memory"
            )
        memory, after = body.u32(after)
    offset, after = read_unsigned(body.code, after, len(body.code), 64)
    return flags & 0x3F, offset, body.memory(memory), after


def access_rule(opcode: Opcode, params: tuple[ValType, ...], results: tuple[ValType, ...]) -> Rule:
    """The rule of an instruction that begins its immediates with a memarg; a lane index may follow.

    The address is of the memory's address type, and of an atomic access the alignment is fixed.
    """
    natural, atomic, gives = natural_alignment(opcode), ".atomic." in opcode.mnemonic, list(results)
    takes = {address: [address, *params[1:]] for address in (I32, I64)}
    lanes = 16 >> natural if "laneidx" in opcode.immediates else 0

    def rule(body: Body, pos: int) -> int:
        alignment, offset, memory, pos = _memarg(body, pos)
        if alignment > natural:
            raise InvalidError(
                f"alignment must not be larger than natural: 2**{alignment} for {1 << natural} bytes"
            )
        if atomic and alignment < natural:
            raise InvalidError(f"atomic alignment must be natural: 2**{alignment} for {1 << natural} bytes")
        if offset > 0xFFFFFFFF and memory.address is I32:
            raise InvalidError(f"offset out of range: {offset}")
        if lanes:
            pos = lane_index(body, pos, lanes)
        body.apply(takes[memory.address], gives)
        return pos

    return rule


def lane_index(body: Body, pos: int, lanes: int) -> int:
    """Check a lane index below `lanes`; return the position behind it."""
    if pos >= len(body.code):
        raise MalformedError(UNEXPECTED_END, offset=len(body.code))
    lane = body.code[pos]
    if lane >= lanes:
        raise InvalidError(f"invalid lane index {lane}: there are {lanes}")
    return pos + 1
