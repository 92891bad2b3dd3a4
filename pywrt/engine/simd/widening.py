"""Between lane widths: extend, narrow, and what multiplies or adds into wider lanes. Spec: exec/numerics.html

Strategy: lanes move by `permutation`, a table look-up of bytes; signs and saturation are arithmetic on all
lanes at once, as in `integers.py`. A signed lane whose sign bit is flipped is an unsigned number that is
too large by a constant; adding a constant and flipping the sign bit of the wider lane takes it away again.
Products are made lane by lane and need no mask, since they fit into the wider lane.
"""

import struct
from collections.abc import Callable

from pywrt.engine.numeric import M32
from pywrt.engine.simd.lanes import Operation, ones, permutation, shape

_Unpack = Callable[[bytes], tuple[int, ...]]
_Pack = Callable[..., bytes]

_from_bytes = int.from_bytes
_unpack_8h = struct.Struct("<8h").unpack
_pack_4u = struct.Struct("<4I").pack

_ZERO = 16  # as an index of a byte: behind the 16 of a vector there are zeros


# --- extend, and add in pairs. `width` is that of the narrow lanes.


def _extend_u(width: int, half: int) -> Callable[[int], int]:
    size = width // 8
    indices = bytearray([_ZERO] * 16)
    for byte in range(8):
        indices[byte // size * 2 * size + byte % size] = byte + 8 * half
    return permutation(bytes(indices))


def _extend_s(width: int, half: int) -> Callable[[int], int]:
    extend_u = _extend_u(width, half)
    unit = ones(2 * width)
    sign = unit << width - 1
    wide_sign = unit << 2 * width - 1
    excess = wide_sign - sign

    def extend_s(v: int) -> int:
        return (extend_u(v) ^ sign) + excess ^ wide_sign

    return extend_s


def _extadd_pairwise_u(width: int) -> Operation:
    even = ones(2 * width) * ((1 << width) - 1)

    def extadd_pairwise_u(v: int) -> int:
        return (v & even) + (v >> width & even)

    return extadd_pairwise_u


def _extadd_pairwise_s(width: int) -> Operation:
    unit = ones(2 * width)
    even = unit * ((1 << width) - 1)
    signs = ones(width) << width - 1
    wide_sign = unit << 2 * width - 1
    excess = wide_sign - (unit << width)

    def extadd_pairwise_s(v: int) -> int:
        v ^= signs
        return (v & even) + (v >> width & even) + excess ^ wide_sign

    return extadd_pairwise_s


# --- narrow: both operands as one int of 256 bits. `width` is that of the narrow lanes.


def _narrow(width: int) -> tuple[Callable[[int], int], int, int, int, int]:
    """Takes the lower half of each wide lane; and of the wide lanes: unit, high, low, upper halves."""
    size = width // 8
    unit = ones(2 * width, 256)
    high = unit << 2 * width - 1
    low = high - unit
    lower_halves = permutation(bytes(byte // size * 2 * size + byte % size for byte in range(16)))
    return lower_halves, unit, high, low, unit * (((1 << width) - 1) << width)


def _narrow_s(width: int) -> Operation:
    lower_halves, unit, high, low, upper = _narrow(width)
    full, top = (1 << 2 * width) - 1, 2 * width - 1
    half = unit << width - 1
    greatest = half - unit

    def narrow_s(a: int, b: int) -> int:
        v = a | b << 128
        # what lies in range is, with half of the range added, no longer than a narrow lane
        beyond = ((v & low) + half ^ v & high) & upper
        if beyond:
            beyond = ((beyond & low) + low | beyond) >> top & unit
            limit = greatest + (v >> top & unit)
            v ^= (v ^ limit) & beyond * full
        return lower_halves(v)

    return narrow_s


def _narrow_u(width: int) -> Operation:
    lower_halves, unit, _, low, upper = _narrow(width)
    full, top = (1 << 2 * width) - 1, 2 * width - 1
    greatest = (1 << width) - 1

    def narrow_u(a: int, b: int) -> int:
        v = a | b << 128
        beyond = v & upper
        if beyond:
            beyond = ((beyond & low) + low | beyond) >> top & unit
            limit = (v >> top & unit ^ unit) * greatest  # 0 for negative ones
            v ^= (v ^ limit) & beyond * full
        return lower_halves(v)

    return narrow_u


# --- extmul: products of lanes of one half. `width` is that of the narrow lanes.


def _products_of_8(unpack: _Unpack, pack: _Pack) -> Operation:
    def extmul(a: int, b: int) -> int:
        a0, a1, a2, a3, a4, a5, a6, a7 = unpack(a.to_bytes(16, "little"))
        b0, b1, b2, b3, b4, b5, b6, b7 = unpack(b.to_bytes(16, "little"))
        return _from_bytes(
            pack(a0 * b0, a1 * b1, a2 * b2, a3 * b3, a4 * b4, a5 * b5, a6 * b6, a7 * b7), "little"
        )

    return extmul


def _products_of_4(unpack: _Unpack, pack: _Pack) -> Operation:
    def extmul(a: int, b: int) -> int:
        a0, a1, a2, a3 = unpack(a.to_bytes(16, "little"))
        b0, b1, b2, b3 = unpack(b.to_bytes(16, "little"))
        return _from_bytes(pack(a0 * b0, a1 * b1, a2 * b2, a3 * b3), "little")

    return extmul


def _products_of_2(unpack: _Unpack, pack: _Pack) -> Operation:
    def extmul(a: int, b: int) -> int:
        a0, a1 = unpack(a.to_bytes(16, "little"))
        b0, b1 = unpack(b.to_bytes(16, "little"))
        return _from_bytes(pack(a0 * b0, a1 * b1), "little")

    return extmul


_PRODUCTS = {8: _products_of_8, 4: _products_of_4, 2: _products_of_2}
_SIGNED = {8: "b", 16: "h", 32: "i", 64: "q"}  # struct's letters


def _extmul(width: int, half: int, signed: bool) -> Operation:
    count = 64 // width
    narrow, wide = _SIGNED[width], _SIGNED[2 * width]
    if not signed:
        narrow, wide = narrow.upper(), wide.upper()
    lanes = struct.Struct(f"<{8 * half}x{count}{narrow}{8 - 8 * half}x")
    return _PRODUCTS[count](lanes.unpack, struct.Struct(f"<{count}{wide}").pack)


def i32x4_dot_i16x8_s(a: int, b: int) -> int:
    a0, a1, a2, a3, a4, a5, a6, a7 = _unpack_8h(a.to_bytes(16, "little"))
    b0, b1, b2, b3, b4, b5, b6, b7 = _unpack_8h(b.to_bytes(16, "little"))
    return _from_bytes(
        _pack_4u(
            a0 * b0 + a1 * b1 & M32,
            a2 * b2 + a3 * b3 & M32,
            a4 * b4 + a5 * b5 & M32,
            a6 * b6 + a7 * b7 & M32,
        ),
        "little",
    )


# --- tables


def _rows(width: int) -> dict[str, Operation]:
    """Between lanes of `width` bits and those of twice as many."""
    narrow, wide = shape(width), shape(2 * width)
    return {
        f"{wide}.extend_low_{narrow}_s": _extend_s(width, 0),
        f"{wide}.extend_high_{narrow}_s": _extend_s(width, 1),
        f"{wide}.extend_low_{narrow}_u": _extend_u(width, 0),
        f"{wide}.extend_high_{narrow}_u": _extend_u(width, 1),
        f"{wide}.extmul_low_{narrow}_s": _extmul(width, 0, signed=True),
        f"{wide}.extmul_high_{narrow}_s": _extmul(width, 1, signed=True),
        f"{wide}.extmul_low_{narrow}_u": _extmul(width, 0, signed=False),
        f"{wide}.extmul_high_{narrow}_u": _extmul(width, 1, signed=False),
    }


OPERATIONS: dict[str, Operation] = {
    **_rows(8),
    **_rows(16),
    **_rows(32),
    "i8x16.narrow_i16x8_s": _narrow_s(8),
    "i8x16.narrow_i16x8_u": _narrow_u(8),
    "i16x8.narrow_i32x4_s": _narrow_s(16),
    "i16x8.narrow_i32x4_u": _narrow_u(16),
    "i16x8.extadd_pairwise_i8x16_s": _extadd_pairwise_s(8),
    "i16x8.extadd_pairwise_i8x16_u": _extadd_pairwise_u(8),
    "i32x4.extadd_pairwise_i16x8_s": _extadd_pairwise_s(16),
    "i32x4.extadd_pairwise_i16x8_u": _extadd_pairwise_u(16),
    "i32x4.dot_i16x8_s": i32x4_dot_i16x8_s,
}
