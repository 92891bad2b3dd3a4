"""Operand stacks as an automaton: what an instruction makes of a stack is worked out once, then looked up.

Strategy: a *stack* stands for the topmost operands of a frame, and there is one object for one sequence of
types. It is a list of the stacks that instructions lead to, by opcode: None while that is unknown, or where
the rule must be asked. Behind these places stands what the stack is. Code comes back to the same few hundred
stacks all the time. Past `MAX_STACKS` of them, or `MAX_HEIGHT` operands, none are made and the rest is left
to the rules, so a hostile body can't make many.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pywrt.wasm.opcodes import BY_CODE, BY_MNEMONIC, PREFIXES, Opcode
from pywrt.wasm.types import F32, F64, I32, I64, RefType, ValType

if TYPE_CHECKING:
    from pywrt.wasm.valid.body import Signature

MAX_STACKS, MAX_HEIGHT = 2_000, 24

#: A list, since its places are read faster than an object's attributes.
Stack = list[Any]
#: What stands behind the places of the opcodes: the code of the type on top; the stack below it; all types,
#: from the bottom; the stacks that other instructions lead to, by the callee's signature or by `prefixed`.
TOP, UNDER, TYPES, OTHERS = range(256, 260)

#: A type's code is the place of the stack with one more of it on top: for a number under the opcode that
#: puts a constant of it there, for other types behind all else, as they come.
_NUMBER_CODES: dict[ValType, int] = {
    valtype: BY_MNEMONIC[f"{valtype}.const"].number for valtype in (I32, I64, F32, F64)
}
_FIRST_CODE, _PLACES = 260, 288
#: For a type beyond the last place: nothing ever stands here, and no stack has it on top.
NO_CODE = 0

_DROP, _SELECT = (BY_MNEMONIC[m].number for m in ("drop", "select"))

#: What an instruction takes and gives.
Effect = tuple[Sequence[ValType], Sequence[ValType]]


def prefixed(prefix: int, number: int) -> int:
    """An opcode with a prefix as one number."""
    return prefix << 32 | number


def _effects() -> dict[int, tuple[Opcode, Effect]]:
    """The effects of instructions of a fixed type; of those with a prefix, only without immediates."""
    effects: dict[int, tuple[Opcode, Effect]] = {}
    for prefix in (0, *PREFIXES):
        for number, row in BY_CODE.get(prefix, {}).items():
            if row.params is not None and row.results is not None and not (prefix and row.immediates):
                effects[prefixed(prefix, number)] = row, (row.params, row.results)
    for mnemonic, takes in (("block", ()), ("loop", ()), ("if", (I32,)), ("br_if", (I32,))):
        row = BY_MNEMONIC[mnemonic]
        effects[row.number] = row, (takes, ())  # where the block or label has no type
    return effects


_EFFECTS = _effects()


class Stacks:
    """The stacks that the function bodies of one module have.

    `empty` is the one without operands; `singles` are those with one, by the identity of its type.
    """

    __slots__ = ("_address", "_codes", "_features", "_made", "_types", "empty", "singles")

    def __init__(self, features: frozenset[str], address: ValType | None) -> None:
        """`address` is the address type of memory 0, None if there is none."""
        self._features = features
        self._address = address
        self._made: list[Stack] = []
        self._codes = dict(_NUMBER_CODES)
        self._types = {code: valtype for valtype, code in _NUMBER_CODES.items()}
        self.empty: Stack = self._make(NO_CODE - 1, None, [])
        self.singles: dict[int, Stack] = {}
        for valtype, code in _NUMBER_CODES.items():
            self._make_single(valtype, code)

    def code(self, valtype: ValType) -> int:
        """The code of a closed type, `NO_CODE` if there are too many types."""
        code = self._codes.get(valtype)
        if code is None:
            code = _FIRST_CODE + len(self._codes) - len(_NUMBER_CODES)
            if code >= _PLACES:
                return NO_CODE
            self._codes[valtype] = code
            self._types[code] = valtype
            self._make_single(valtype, code)
        return code

    def _make_single(self, valtype: ValType, code: int) -> None:
        single = self._push(self.empty, code)
        if single is not None:
            self.singles[id(valtype)] = single  # which keeps the type, so no other object has its identity

    def step(self, stack: Stack, way: "int | Signature") -> None:
        """Work out where `way` leads from `stack`, and note it there unless the rule must be asked.

        It is an opcode, plain or `prefixed`, the code of a type that is put on the stack, or a callee's
        type. The immediates are for others to check.
        """
        if not isinstance(way, int):
            if len(way.params) <= len(stack[TYPES]) and len(way.results) <= MAX_HEIGHT:  # else it is in vain
                stack[OTHERS][way] = self._apply(stack, way.params, way.results)
        elif way in self._types:
            self._push(stack, way)
        elif (effect := self._effect(stack[TYPES], way)) is not None:
            after = self._apply(stack, *effect)
            if way < TOP:
                stack[way] = after
            else:
                stack[OTHERS][way] = after

    def _effect(self, types: list[ValType], way: int) -> Effect | None:
        """What the opcode `way` takes from operands `types` and gives; None if that isn't known here."""
        if way == _DROP:
            return (types[-1:], ()) if types else None
        if way == _SELECT:
            if len(types) < 3 or isinstance(types[-2], RefType):
                return None
            return (types[-2], types[-2], I32), types[-2:-1]
        if way not in _EFFECTS:
            return None
        row, effect = _EFFECTS[way]
        if row.feature not in self._features:
            return None
        takes, gives = effect
        if "memarg" in row.immediates:
            return None if self._address is None else ((self._address, *takes[1:]), gives)
        return effect

    def _apply(self, stack: Stack, takes: Sequence[ValType], gives: Sequence[ValType]) -> Stack | None:
        """The stack after taking and giving; None if the operands aren't exactly these."""
        types, count = stack[TYPES], len(takes)
        if count and types[-count:] != [*takes]:
            return None
        for _ in takes:
            stack = stack[UNDER]
        for valtype in gives:
            code = self.code(valtype)
            after = stack[code] or self._push(stack, code)
            if after is None:
                return None
            stack = after
        return stack

    def _push(self, stack: Stack, code: int) -> Stack | None:
        """The stack with one more operand, noted; None if there may be no more of them."""
        valtype = self._types.get(code)
        if valtype is None or len(self._made) >= MAX_STACKS or len(stack[TYPES]) >= MAX_HEIGHT:
            return None
        stack[code] = made = self._make(code, stack, [*stack[TYPES], valtype])
        return made

    def _make(self, top: int, under: Stack | None, types: list[ValType]) -> Stack:
        stack: Stack = [None] * _PLACES
        stack[TOP], stack[UNDER], stack[TYPES], stack[OTHERS] = top, under, types, {}
        self._made.append(stack)
        return stack

    def clear(self) -> None:
        """Let go of the stacks: they refer to each other, and the collector may come late."""
        for stack in self._made:
            stack.clear()
        self._made.clear()
