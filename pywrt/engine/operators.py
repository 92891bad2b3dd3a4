"""What lowering knows of instructions beyond the opcode table: effects, and forms for constant operands.

The tree of an expression is written with operator names: a mnemonic, or a mnemonic with a suffix for a
cheaper form (`i32.shl.c`: the shift is a constant, masked already; `i32.load.0`: no offset).
"""

from collections.abc import Callable

from pywrt.engine.numeric import M32, M64, S32, S64
from pywrt.wasm.opcodes import OPCODES

#: What evaluating an operator may do or depend on; a statement flushes what its own effects conflict with.
READS_MEMORY, TRAPS, READS_STATE = 1, 2, 4


def _effects_of(mnemonic: str, trap: str | None) -> int:
    if trap == "memory":
        return READS_MEMORY
    if trap is not None or (".trunc_f" in mnemonic):
        return TRAPS
    return READS_STATE if mnemonic in ("global.get", "memory.size", "table.size") else 0


EFFECTS: dict[str, int] = {op.mnemonic: _effects_of(op.mnemonic, op.trap) for op in OPCODES}

_COMMUTATIVE = ("add", "mul", "and", "or", "xor", "eq", "ne")
#: Operators whose operands may change places, and the operator that results.
SWAPPED: dict[str, str] = {f"{t}.{name}": f"{t}.{name}" for t in ("i32", "i64") for name in _COMMUTATIVE}
for _t in ("i32", "i64"):
    for _a, _b in (("lt", "gt"), ("le", "ge")):
        for _s in ("_s", "_u"):
            SWAPPED[f"{_t}.{_a}{_s}"] = f"{_t}.{_b}{_s}"
            SWAPPED[f"{_t}.{_b}{_s}"] = f"{_t}.{_a}{_s}"
for _t in ("f32", "f64"):
    for _a, _b in (("lt", "gt"), ("le", "ge")):
        SWAPPED[f"{_t}.{_a}"] = f"{_t}.{_b}"
        SWAPPED[f"{_t}.{_b}"] = f"{_t}.{_a}"

#: The form an operator takes with a constant on its right: its name, and the constant(s) it then holds.
CONST_RIGHT: dict[str, tuple[str, Callable[[int], tuple[int, ...]]]] = {
    "i32.sub": ("i32.add.c", lambda c: (-c & M32,)),
    "i64.sub": ("i64.add.c", lambda c: (-c & M64,)),
    "i32.rotl": ("i32.rotl.c", lambda c: (c & 31, 32 - (c & 31))),
    "i32.rotr": ("i32.rotl.c", lambda c: (-c & 31, 32 - (-c & 31))),
    "i64.rotl": ("i64.rotl.c", lambda c: (c & 63, 64 - (c & 63))),
    "i64.rotr": ("i64.rotl.c", lambda c: (-c & 63, 64 - (-c & 63))),
}
for _name in ("add", "mul", "and", "or", "xor", "eq", "ne", "lt_u", "gt_u", "le_u", "ge_u"):
    for _t in ("i32", "i64"):
        CONST_RIGHT[f"{_t}.{_name}"] = (f"{_t}.{_name}.c", lambda c: (c,))
for _name in ("shl", "shr_s", "shr_u"):
    CONST_RIGHT[f"i32.{_name}"] = (f"i32.{_name}.c", lambda c: (c & 31,))
    CONST_RIGHT[f"i64.{_name}"] = (f"i64.{_name}.c", lambda c: (c & 63,))
for _name in ("lt_s", "gt_s", "le_s", "ge_s"):
    # both sides of a signed comparison have their sign bit flipped; a constant's is flipped beforehand
    CONST_RIGHT[f"i32.{_name}"] = (f"i32.{_name}.c", lambda c: (c ^ S32,))
    CONST_RIGHT[f"i64.{_name}"] = (f"i64.{_name}.c", lambda c: (c ^ S64,))

#: The comparison that holds exactly when this one doesn't (integers only: a NaN breaks it for floats).
INVERSE: dict[str, str] = {}
for _t in ("i32", "i64"):
    for _a, _b in (
        ("eq", "ne"), ("lt_s", "ge_s"), ("lt_u", "ge_u"), ("gt_s", "le_s"), ("gt_u", "le_u"),
    ):  # fmt: skip
        for _suffix in ("", ".c"):
            INVERSE[f"{_t}.{_a}{_suffix}"] = f"{_t}.{_b}{_suffix}"
            INVERSE[f"{_t}.{_b}{_suffix}"] = f"{_t}.{_a}{_suffix}"
