"""Lowering of atomic instructions, and waiting at an address.

One activation of a store runs at a time and stops only between blocks, so an access within a statement is
atomic as it is; what remains is that addresses must be aligned. Waiting suspends the activation as a host
function that blocks does: whoever drives it runs others meanwhile, which may notify it.
Proposal: WebAssembly/threads
"""

import operator
import struct
import time
from collections.abc import Callable

from pywrt.engine.access import access, apply, modify, store
from pywrt.engine.bulk import memory_trap
from pywrt.engine.lowering import Handler, Lowering
from pywrt.engine.machine import Blocked, host_func
from pywrt.engine.numeric import S64
from pywrt.engine.operators import READS_MEMORY, TRAPS
from pywrt.engine.plan import made
from pywrt.errors import Trap
from pywrt.runtime.func import Func
from pywrt.runtime.memory import Memory
from pywrt.wasm.opcodes import OPCODES, Opcode, access_size
from pywrt.wasm.types import I32, I64, FuncType

#: struct's letter of an unsigned integer, by its size in bytes.
_LETTERS = {1: "B", 2: "H", 4: "I", 8: "Q"}

#: Seconds after which an activation that waits looks whether it was notified.
LOOK = 0.001


def unaligned() -> Trap:
    return Trap("unaligned atomic", "unaligned-atomic")


def not_shared() -> Trap:
    return Trap("expected shared memory", "expected-shared-memory")


# ------------------------------------------------------------------------------------------ accesses


def _loaded(size: int) -> Callable[[bytearray, int], int]:
    unpack_from = struct.Struct("<" + _LETTERS[size]).unpack_from
    low = size - 1

    def load(memory: bytearray, address: int) -> int:
        if address & low:
            raise unaligned()
        value: int = unpack_from(memory, address)[0]
        return value

    return load


def _stored(size: int) -> Callable[[bytearray, int, int], None]:
    pack_into = struct.Struct("<" + _LETTERS[size]).pack_into
    low, mask = size - 1, (1 << 8 * size) - 1

    def store(memory: bytearray, address: int, value: int) -> None:
        if address & low:
            raise unaligned()
        pack_into(memory, address, value & mask)

    return store


def _replaced(size: int, operation: Callable[[int, int], int]) -> Callable[[bytearray, int, int], int]:
    """Store `operation(old, operand)`; give what was there."""
    unpack_from = struct.Struct("<" + _LETTERS[size]).unpack_from
    pack_into = struct.Struct("<" + _LETTERS[size]).pack_into
    low, mask = size - 1, (1 << 8 * size) - 1

    def replace(memory: bytearray, address: int, value: int) -> int:
        if address & low:
            raise unaligned()
        old: int = unpack_from(memory, address)[0]
        pack_into(memory, address, operation(old, value) & mask)
        return old

    return replace


def _exchanged(size: int) -> Callable[[bytearray, int, int, int], int]:
    """Store `replacement` where `expected`, wrapped to the access's size, is; give what was there."""
    unpack_from = struct.Struct("<" + _LETTERS[size]).unpack_from
    pack_into = struct.Struct("<" + _LETTERS[size]).pack_into
    low, mask = size - 1, (1 << 8 * size) - 1

    def exchange(memory: bytearray, address: int, expected: int, replacement: int) -> int:
        if address & low:
            raise unaligned()
        old: int = unpack_from(memory, address)[0]
        if old == expected & mask:
            pack_into(memory, address, replacement & mask)
        return old

    return exchange


#: What `rmw` instructions store, from the old value and their operand.
_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "sub": operator.sub,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "xchg": lambda old, value: value,
}

# ----------------------------------------------------------------------------------- wait and notify


class _Wait:
    """A wait at an address: what suspends the activation, and says in the end why it goes on.

    An activation that is dropped, or was stopped, waits no longer: nothing else holds this then.
    """

    __slots__ = ("address", "memory", "until", "waiter")

    def __init__(self, memory: Memory, address: int, nanoseconds: int) -> None:
        self.memory = memory
        self.address = address
        self.until = None if nanoseconds < 0 else time.monotonic() + nanoseconds / 1e9
        self.waiter = memory.wait(address)

    def retry(self) -> Blocked | tuple[int]:
        """0 when notified, 2 when the time is over."""
        if self.waiter.woken:
            return (0,)
        left = LOOK
        if self.until is not None:
            left = min(LOOK, self.until - time.monotonic())
            if left <= 0:
                self.memory.give_up(self.address, self.waiter)
                return (2,)
        return Blocked(self.retry, left)

    def __del__(self) -> None:
        self.memory.give_up(self.address, self.waiter)


def _wait_func(memory: Memory, size: int, offset: int) -> Func:
    """`memory.atomic.wait` at addresses from `offset` on, as a function that may block."""
    unpack_from = struct.Struct("<" + _LETTERS[size]).unpack_from
    data = memory.data

    def wait(address: int, expected: int, timeout: int) -> Blocked | tuple[int]:
        address += offset
        _check(data, address, size)
        if not memory.type.shared:
            raise not_shared()
        if unpack_from(data, address)[0] != expected:
            return (1,)
        return _Wait(memory, address, (timeout ^ S64) - S64).retry()

    type = FuncType((memory.type.address, I32 if size == 4 else I64, I64), (I32,))
    return host_func(memory.store, type, wait, "memory.atomic.wait")


def _notify_function(memory: Memory, offset: int) -> Callable[[int, int], int]:
    def notify(address: int, count: int) -> int:
        address += offset
        _check(memory.data, address, 4)
        return memory.notify(address, count)

    return notify


def _check(data: bytearray, address: int, size: int) -> None:
    if address & size - 1:
        raise unaligned()
    if address + size > len(data):
        raise memory_trap()


# ------------------------------------------------------------------------------------------ handlers


def _wait(size: int) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        memory, offset, position = self.memarg(position)
        address = self.signatures.memories[memory.index].address
        type = FuncType((address, I32 if size == 4 else I64, I64), (I32,))
        func = made(lambda instance: _wait_func(instance.memories[memory.index], size, offset))
        self.call("call", (func,), self.arguments(type), type)
        return position

    return handler


def _notify(self: Lowering, position: int) -> int:
    memory, offset, position = self.memarg(position)
    function = made(lambda instance: _notify_function(instance.memories[memory.index], offset))
    self.effect(READS_MEMORY | TRAPS, len(self.stack) - 2)
    apply(self, function, 2, "checked")
    self.materialise(len(self.stack) - 1)
    return position


def _fence(self: Lowering, position: int) -> int:
    return position + 1


def _load(row: Opcode) -> Handler:
    function = _loaded(access_size(row))
    # unaligned or out of bounds: unlike plain loads, it must keep its place among those that trap
    return lambda self, position: access(self, function, position, 0, READS_MEMORY | TRAPS)


def _store(row: Opcode) -> Handler:
    function = _stored(access_size(row))
    return lambda self, position: store(self, function, position)


def _rmw(row: Opcode) -> Handler:
    name = row.mnemonic.rpartition(".")[2].removesuffix("_u")
    function = _replaced(access_size(row), _OPERATIONS[name])
    return lambda self, position: modify(self, function, position, 1)


def _cmpxchg(row: Opcode) -> Handler:
    function = _exchanged(access_size(row))
    return lambda self, position: modify(self, function, position, 2)


def _handler(row: Opcode) -> Handler:
    """The handler of an access, by what it takes and gives."""
    assert row.params is not None
    if not row.results:
        return _store(row)
    return (_load, _rmw, _cmpxchg)[len(row.params) - 1](row)


HANDLERS: dict[str, Handler] = {
    op.mnemonic: _handler(op)
    for op in OPCODES
    if op.feature == "threads" and ".atomic." in op.mnemonic and not op.mnemonic.startswith("memory")
} | {
    "memory.atomic.notify": _notify,
    "memory.atomic.wait32": _wait(4),
    "memory.atomic.wait64": _wait(8),
    "atomic.fence": _fence,
}
