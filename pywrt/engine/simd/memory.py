"""Vector loads and stores: a memory's bytes, an effective address, a vector.

Addresses are non-negative and of any size. Beyond the memory Python's own checks raise `struct.error`
(with "requires a buffer"), `IndexError` or `OverflowError`, and nothing has been written then; the
machine turns these into traps. Spec: exec/instructions.html#memory-instructions
"""

import struct
from collections.abc import Callable

from pywrt.engine.simd.lanes import ALL
from pywrt.engine.simd.widening import OPERATIONS as _WIDENING

Load = Callable[[bytearray, int], int]
Store = Callable[[bytearray, int, int], None]
LoadLane = Callable[[bytearray, int, int], int]

_from_bytes = int.from_bytes
_bytes_from = struct.Struct("<16s").unpack_from
_bytes_into = struct.Struct("<16s").pack_into
_UNPACK_FROM = {
    width: struct.Struct(letter).unpack_from for width, letter in ((16, "<H"), (32, "<I"), (64, "<Q"))
}
_PACK_INTO = {
    width: struct.Struct(letter).pack_into for width, letter in ((16, "<H"), (32, "<I"), (64, "<Q"))
}


def v128_load(memory: bytearray, address: int) -> int:
    return _from_bytes(_bytes_from(memory, address)[0], "little")


def v128_store(memory: bytearray, address: int, v: int) -> None:
    _bytes_into(memory, address, v.to_bytes(16, "little"))


def _load_extended(mnemonic: str) -> Load:
    """Load 64 bits and extend them by the operation `mnemonic`."""
    extend = _WIDENING[mnemonic]
    u64 = _UNPACK_FROM[64]
    return lambda memory, address: extend(u64(memory, address)[0])


def _load8_splat(memory: bytearray, address: int) -> int:
    return memory[address] * 0x01010101010101010101010101010101


def _load_splat(width: int, unit: int) -> Load:
    unpack_from = _UNPACK_FROM[width]

    def load_splat(memory: bytearray, address: int) -> int:
        lane: int = unpack_from(memory, address)[0]
        return lane * unit

    return load_splat


def _load_zero(width: int) -> Load:
    unpack_from = _UNPACK_FROM[width]

    def load_zero(memory: bytearray, address: int) -> int:
        lane: int = unpack_from(memory, address)[0]
        return lane

    return load_zero


# --- single lanes: lane index to access


def _load8_lane(lane: int) -> LoadLane:
    shift = 8 * lane
    others = ALL ^ 0xFF << shift
    return lambda memory, address, v: v & others | memory[address] << shift


def _load_lane(width: int) -> Callable[[int], LoadLane]:
    unpack_from = _UNPACK_FROM[width]

    def at(lane: int) -> LoadLane:
        shift = width * lane
        others = ALL ^ (1 << width) - 1 << shift

        def load_lane(memory: bytearray, address: int, v: int) -> int:
            loaded: int = unpack_from(memory, address)[0]
            return v & others | loaded << shift

        return load_lane

    return at


def _store8_lane(lane: int) -> Store:
    shift = 8 * lane

    def store8_lane(memory: bytearray, address: int, v: int) -> None:
        memory[address] = v >> shift & 0xFF

    return store8_lane


def _store_lane(width: int) -> Callable[[int], Store]:
    pack_into = _PACK_INTO[width]
    mask = (1 << width) - 1

    def at(lane: int) -> Store:
        shift = width * lane
        return lambda memory, address, v: pack_into(memory, address, v >> shift & mask)

    return at


# --- tables

LOADS: dict[str, Load] = {
    "v128.load": v128_load,
    "v128.load8x8_s": _load_extended("i16x8.extend_low_i8x16_s"),
    "v128.load8x8_u": _load_extended("i16x8.extend_low_i8x16_u"),
    "v128.load16x4_s": _load_extended("i32x4.extend_low_i16x8_s"),
    "v128.load16x4_u": _load_extended("i32x4.extend_low_i16x8_u"),
    "v128.load32x2_s": _load_extended("i64x2.extend_low_i32x4_s"),
    "v128.load32x2_u": _load_extended("i64x2.extend_low_i32x4_u"),
    "v128.load8_splat": _load8_splat,
    "v128.load16_splat": _load_splat(16, 0x00010001000100010001000100010001),
    "v128.load32_splat": _load_splat(32, 0x00000001000000010000000100000001),
    "v128.load64_splat": _load_splat(64, 0x00000000000000010000000000000001),
    "v128.load32_zero": _load_zero(32),
    "v128.load64_zero": _load_zero(64),
}

STORES: dict[str, Store] = {"v128.store": v128_store}

LOAD_LANES: dict[str, Callable[[int], LoadLane]] = {
    "v128.load8_lane": _load8_lane,
    "v128.load16_lane": _load_lane(16),
    "v128.load32_lane": _load_lane(32),
    "v128.load64_lane": _load_lane(64),
}

STORE_LANES: dict[str, Callable[[int], Store]] = {
    "v128.store8_lane": _store8_lane,
    "v128.store16_lane": _store_lane(16),
    "v128.store32_lane": _store_lane(32),
    "v128.store64_lane": _store_lane(64),
}
