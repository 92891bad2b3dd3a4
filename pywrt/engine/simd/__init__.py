"""Vector instructions as functions on raw values, by mnemonic. A v128 is an unsigned int of 128 bits.

    OPERATIONS[mnemonic](*operands)                     without immediates and without memory
    LANE_OPERATIONS[mnemonic](lane)(*operands)          extract_lane, replace_lane
    SHUFFLE(lanes)(a, b)                                i8x16.shuffle, for its 16 lane indices
    LOADS[mnemonic](memory, address)
    STORES[mnemonic](memory, address, value)
    LOAD_LANES[mnemonic](lane)(memory, address, value)  gives the new vector
    STORE_LANES[mnemonic](lane)(memory, address, value)

`v128.const` is its own immediate. Spec: exec/instructions.html#vector-instructions
"""

from pywrt.engine.simd import floats, integers, lanes, memory, relaxed, widening
from pywrt.engine.simd.lanes import LaneOperation as LaneOperation
from pywrt.engine.simd.lanes import Operation as Operation

OPERATIONS: dict[str, Operation] = {
    **lanes.OPERATIONS,
    **integers.OPERATIONS,
    **widening.OPERATIONS,
    **floats.OPERATIONS,
    **relaxed.OPERATIONS,
}
LANE_OPERATIONS = lanes.LANE_OPERATIONS
SHUFFLE = lanes.i8x16_shuffle
LOADS = memory.LOADS
STORES = memory.STORES
LOAD_LANES = memory.LOAD_LANES
STORE_LANES = memory.STORE_LANES
