"""What lowering knows of instructions beyond the opcode table: effects, and forms for constant operands.

The tree of an expression is written with operator names: a mnemonic, or a mnemonic with a suffix for a
cheaper form (`i32.shl.c`: the shift is a constant, masked already; `i32.load.0`: no offset).
"""

from collections.abc import Callable

from pywrt.engine.numeric import S32, S64
from pywrt.wasm.opcodes import OPCODES

#: What evaluating an operator may do or depend on; a statement flushes what its own effects conflict with.
READS_MEMORY, TRAPS, READS_STATE = 1, 2, 4


def _effects_of(mnemonic: str, trap: str | None) -> int:
    if trap == "memory":
        return READS_MEMORY
    if trap in ("struct", "array", "ref"):
        return TRAPS | READS_STATE
    if trap is not None or (".trunc_f" in mnemonic):
        return TRAPS
    return READS_STATE if mnemonic in ("global.get", "memory.size", "table.size") else 0


EFFECTS: dict[str, int] = {op.mnemonic: _effects_of(op.mnemonic, op.trap) for op in OPCODES}
#: Operators that apply a function to their operands, for the many instructions without shapes of their own:
#: `checked` ones may trap, `test` ones give their function's truth as 0 or 1, `cast1` the operand that its
#: function holds for, or traps; the others named like a memory access make one.
EFFECTS.update({f"checked{arity}": TRAPS for arity in (0, 1, 2, 3)}, cast1=TRAPS)
EFFECTS.update({f"{kind}.set.packed": TRAPS | READS_STATE for kind in ("struct", "array")})
EFFECTS.update(dict.fromkeys(("loaded", "replaced", "exchanged", "stored"), READS_MEMORY))

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

#: What an operator with a constant on its right becomes: constant -> (operator, the constants it holds).
ConstantForm = Callable[[int], tuple[str, tuple[int, ...]]]
CONST_RIGHT: dict[str, ConstantForm] = {}


def _add_constant(t: str, sign: int, limit: int) -> ConstantForm:
    """Adding a negative constant is subtracting: results seldom leave the range, which `%` is quick for."""

    def form(c: int) -> tuple[str, tuple[int, ...]]:
        c = sign * c % limit
        return (f"{t}.add.c", (c,)) if c < limit // 2 else (f"{t}.sub.c", (limit - c,))

    return form


def _modulo(bits: int) -> Callable[[int], tuple[int, ...]]:
    return lambda c: (c % bits,)


def _flipped(sign_bit: int) -> Callable[[int], tuple[int, ...]]:
    return lambda c: (c ^ sign_bit,)


def _rotation(bits: int, sign: int) -> Callable[[int], tuple[int, ...]]:
    """How far right."""
    return lambda c: (sign * c % bits,)


def _with_constant(operator: str, constants: Callable[[int], tuple[int, ...]]) -> ConstantForm:
    return lambda c: (operator, constants(c))


for _t, _bits, _sign_bit in (("i32", 32, S32), ("i64", 64, S64)):
    CONST_RIGHT[f"{_t}.add"] = _add_constant(_t, 1, 1 << _bits)
    CONST_RIGHT[f"{_t}.sub"] = _add_constant(_t, -1, 1 << _bits)
    for _name in ("mul", "and", "or", "xor", "eq", "ne", "lt_u", "gt_u", "le_u", "ge_u"):
        CONST_RIGHT[f"{_t}.{_name}"] = _with_constant(f"{_t}.{_name}.c", lambda c: (c,))
    for _name in ("shl", "shr_s", "shr_u"):
        CONST_RIGHT[f"{_t}.{_name}"] = _with_constant(f"{_t}.{_name}.c", _modulo(_bits))
    for _name in ("lt_s", "gt_s", "le_s", "ge_s"):
        # both sides of a signed comparison have their sign bit flipped; a constant's is flipped beforehand
        CONST_RIGHT[f"{_t}.{_name}"] = _with_constant(f"{_t}.{_name}.c", _flipped(_sign_bit))
    # rotating left is rotating right by the rest
    CONST_RIGHT[f"{_t}.rotl"] = _with_constant(f"{_t}.rotr.c", _rotation(_bits, -1))
    CONST_RIGHT[f"{_t}.rotr"] = _with_constant(f"{_t}.rotr.c", _rotation(_bits, 1))

#: The comparison that holds exactly when this one doesn't (integers only: a NaN breaks it for floats).
INVERSE: dict[str, str] = {}
for _t in ("i32", "i64"):
    for _a, _b in (
        ("eq", "ne"), ("lt_s", "ge_s"), ("lt_u", "ge_u"), ("gt_s", "le_s"), ("gt_u", "le_u"),
    ):  # fmt: skip
        for _suffix in ("", ".c"):
            INVERSE[f"{_t}.{_a}{_suffix}"] = f"{_t}.{_b}{_suffix}"
            INVERSE[f"{_t}.{_b}{_suffix}"] = f"{_t}.{_a}{_suffix}"
