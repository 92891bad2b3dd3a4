"""Instructions and constants to choose from, by type names."""

from pywrt.wasm.opcodes import OPCODES

NUMBERS = ("i32", "i64", "f32", "f64")
I32 = (0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 100, 255, 256, 65535, 65536, 0x7FFFFFFF, -0x80000000, -1, -2)
I64 = (*I32, 63, 64, 0x7FFFFFFFFFFFFFFF, -0x8000000000000000, 1 << 32, 0xFFFFFFFF)
FLOATS = (
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "-0.5",
    "1.5",
    "2.5",
    "3",
    "100",
    "1e9",
    "-1e9",
    "1e30",
    "inf",
    "-inf",
    "nan",
)

#: (mnemonic, parameter types, result types)
Row = tuple[str, tuple[str, ...], tuple[str, ...]]


def _rows(feature: str, *immediates: str) -> list[Row]:
    """Rows of a feature with exactly these immediates and only numbers and vectors for operands."""
    rows = [
        (row.mnemonic, tuple(t.name for t in row.params), tuple(t.name for t in row.results))
        for row in OPCODES
        if row.feature == feature and row.params is not None and row.immediates == immediates
    ]
    names = {*NUMBERS, "v128"}
    return [row for row in rows if names.issuperset(row[1] + row[2])]


OPERATORS = [
    row
    for feature in ("mvp", "sign-extension", "saturating-float-to-int")
    for row in _rows(feature)
    if row[1] and row[2]
]
LOADS = [(name, results[0]) for name, params, results in _rows("mvp", "memarg") if results]
STORES = [(name, params[1]) for name, params, results in _rows("mvp", "memarg") if not results]
#: Operators whose second or only operand's bits (or sign) show in the result.
SHOWS_BITS = ("reinterpret_f", "copysign")

WIDE = _rows("wide-arithmetic")

VECTOR_OPERATORS = _rows("simd")
LANE_OPERATORS = _rows("simd", "laneidx")
VECTOR_LOADS = [(name, "v128") for name, _, results in _rows("simd", "memarg") if results]
VECTOR_STORES = [("v128.store", "v128")]
LANE_LOADS = [row for row in _rows("simd", "memarg", "laneidx") if row[2]]
LANE_STORES = [row for row in _rows("simd", "memarg", "laneidx") if not row[2]]

ATOMICS = [row for row in _rows("threads", "memarg") if not row[0].startswith("memory")]
