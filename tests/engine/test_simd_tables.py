"""The tables of vector instructions hold what the opcode table has, each mnemonic once."""

import pytest

from pywrt.engine import simd
from pywrt.wasm.opcodes import OPCODES

VECTOR_OPCODES = {row.mnemonic: row for row in OPCODES if row.feature in ("simd", "relaxed-simd")}
TABLES = {
    "OPERATIONS": simd.OPERATIONS,
    "LANE_OPERATIONS": simd.LANE_OPERATIONS,
    "SHUFFLE": {"i8x16.shuffle": simd.SHUFFLE},
    "LOADS": simd.LOADS,
    "STORES": simd.STORES,
    "LOAD_LANES": simd.LOAD_LANES,
    "STORE_LANES": simd.STORE_LANES,
}
IMMEDIATES = {
    "OPERATIONS": (),
    "LANE_OPERATIONS": ("laneidx",),
    "SHUFFLE": ("laneidx16",),
    "LOADS": ("memarg",),
    "STORES": ("memarg",),
    "LOAD_LANES": ("memarg", "laneidx"),
    "STORE_LANES": ("memarg", "laneidx"),
}


def test_tables_hold_every_vector_instruction_once():
    held = sorted(mnemonic for table in TABLES.values() for mnemonic in table)
    assert held == sorted(VECTOR_OPCODES.keys() - {"v128.const"})


@pytest.mark.parametrize("name", TABLES)
def test_table_holds_instructions_of_its_immediates(name):
    for mnemonic in TABLES[name]:
        assert VECTOR_OPCODES[mnemonic].immediates == IMMEDIATES[name], mnemonic
