"""Vector loads and stores: values, every lane, and the ends of a memory."""

import struct

import pytest

from pywrt.engine.simd import LOAD_LANES, LOADS, STORE_LANES, STORES

OUT_OF_BOUNDS = (struct.error, IndexError, OverflowError)
DATA = bytes([0x80, 0xFF, 0x7F, 0x01, 0xFE, 0x81, 0x00, 0x90, *range(0xA0, 0xA8)])

# what each load makes of DATA: lanes and their format
EXPECTED = {
    "v128.load": ("<16B", tuple(DATA)),
    "v128.load8x8_s": ("<8h", (-128, -1, 127, 1, -2, -127, 0, -112)),
    "v128.load8x8_u": ("<8H", tuple(DATA[:8])),
    "v128.load16x4_s": ("<4i", (-128, 0x17F, -0x7E02, -0x7000)),
    "v128.load16x4_u": ("<4I", (0xFF80, 0x017F, 0x81FE, 0x9000)),
    "v128.load32x2_s": ("<2q", (0x017FFF80, 0x900081FE - (1 << 32))),
    "v128.load32x2_u": ("<2Q", (0x017FFF80, 0x900081FE)),
    "v128.load8_splat": ("<16B", (0x80,) * 16),
    "v128.load16_splat": ("<8H", (0xFF80,) * 8),
    "v128.load32_splat": ("<4I", (0x017FFF80,) * 4),
    "v128.load64_splat": ("<2Q", (0x900081FE017FFF80,) * 2),
    "v128.load32_zero": ("<4I", (0x017FFF80, 0, 0, 0)),
    "v128.load64_zero": ("<2Q", (0x900081FE017FFF80, 0)),
}
SIZES = dict.fromkeys(EXPECTED, 8) | {
    "v128.load": 16,
    "v128.load8_splat": 1,
    "v128.load16_splat": 2,
    "v128.load32_splat": 4,
    "v128.load32_zero": 4,
}
LANE_SIZES = {f"v128.{access}{8 * size}_lane": size for access in ("load", "store") for size in (1, 2, 4, 8)}
VALUE = int.from_bytes(bytes(range(0x10, 0x20)), "little")
SIZE = 100

loads = pytest.mark.parametrize("mnemonic", LOADS)
load_lanes = pytest.mark.parametrize("mnemonic", LOAD_LANES)
store_lanes = pytest.mark.parametrize("mnemonic", STORE_LANES)


def beyond(size):
    """Addresses at which `size` bytes don't fit into SIZE."""
    return [SIZE - size + 1, SIZE, SIZE + 1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, 1 << 64, 1 << 65]


@loads
def test_load_gives_its_lanes(mnemonic):
    layout, lanes = EXPECTED[mnemonic]
    memory = bytearray(3) + DATA + bytearray(3)
    assert LOADS[mnemonic](memory, 3) == int.from_bytes(struct.pack(layout, *lanes), "little")


@loads
def test_load_ends_with_the_memory(mnemonic):
    memory = bytearray(b"\xff" * SIZE)
    assert LOADS[mnemonic](memory, SIZE - SIZES[mnemonic]) > 0
    for address in beyond(SIZES[mnemonic]):
        with pytest.raises(OUT_OF_BOUNDS):
            LOADS[mnemonic](memory, address)


def test_store_writes_sixteen_bytes():
    memory = bytearray(24)
    assert STORES["v128.store"](memory, 5, VALUE) is None
    assert memory == bytes(5) + bytes(range(0x10, 0x20)) + bytes(3)


def test_store_beyond_the_memory_writes_nothing():
    memory = bytearray(SIZE)
    for address in beyond(16):
        with pytest.raises(OUT_OF_BOUNDS):
            STORES["v128.store"](memory, address, VALUE)
    assert memory == bytes(SIZE)


@load_lanes
def test_load_lane_replaces_one_lane(mnemonic):
    size = LANE_SIZES[mnemonic]
    memory = bytearray(3) + DATA
    for lane in range(16 // size):
        expected = bytearray(range(0x10, 0x20))
        expected[lane * size : (lane + 1) * size] = DATA[:size]
        assert LOAD_LANES[mnemonic](lane)(memory, 3, VALUE) == int.from_bytes(expected, "little")


@load_lanes
def test_load_lane_ends_with_the_memory(mnemonic):
    size = LANE_SIZES[mnemonic]
    memory = bytearray(SIZE)
    assert LOAD_LANES[mnemonic](0)(memory, SIZE - size, 0) == 0
    for address in beyond(size):
        with pytest.raises(OUT_OF_BOUNDS):
            LOAD_LANES[mnemonic](0)(memory, address, 0)


@store_lanes
def test_store_lane_writes_one_lane(mnemonic):
    size = LANE_SIZES[mnemonic]
    for lane in range(16 // size):
        memory = bytearray(12)
        assert STORE_LANES[mnemonic](lane)(memory, 2, VALUE) is None
        written = bytes(range(0x10 + lane * size, 0x10 + (lane + 1) * size))
        assert memory == bytes(2) + written + bytes(10 - size)


@store_lanes
def test_store_lane_beyond_the_memory_writes_nothing(mnemonic):
    memory = bytearray(SIZE)
    for address in beyond(LANE_SIZES[mnemonic]):
        with pytest.raises(OUT_OF_BOUNDS):
            STORE_LANES[mnemonic](1)(memory, address, VALUE)
    assert memory == bytes(SIZE)


@pytest.mark.parametrize("access", [LOADS["v128.load"], LOADS["v128.load16_splat"]])
def test_address_beyond_is_told_by_the_words_that_the_machine_looks_for(access):
    with pytest.raises(struct.error, match="requires a buffer"):
        access(bytearray(SIZE), SIZE - 1)
