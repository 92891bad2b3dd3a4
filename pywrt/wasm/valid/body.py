"""State of validating one body: control frames and operand types. Spec: appendix/algorithm.html"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from pywrt.errors import InvalidError
from pywrt.wasm.binary.reader import read_unsigned
from pywrt.wasm.module import Expr
from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.types import MemoryType, RefType, TableType, ValType
from pywrt.wasm.valid.subtyping import BOT, BOT_REF, matches_resulttype, matches_valtype

if TYPE_CHECKING:
    from pywrt.wasm.valid.context import Context

#: Parameters and locals of one function (spec: appendix/implementation.html; as other engines have it).
MAX_LOCALS = 50_000
#: Operands of one function, all frames together, where types that are wider than this many values are used.
MAX_OPERANDS, WIDE = 10_000_000, 64
#: Locals whose types are kept one by one, those with an index of one byte; those beyond stay runs.
_LISTED_LOCALS = 0x80

_LOOP = BY_MNEMONIC["loop"].number

#: Stands below the bottom of every operand list, so that looking at its top never fails.
FLOOR = ValType("floor")


class Signature:
    """A function or block type as lists, which operand lists compare with fast. Nobody changes them.

    `exit` is the whole operand list that a block of this type must leave: FLOOR and the results.
    """

    __slots__ = ("exit", "params", "results")

    def __init__(self, params: list[ValType], results: list[ValType]) -> None:
        self.params = params
        self.results = results
        self.exit = [FLOOR, *results]


#: The type of a block that takes and leaves nothing.
NOTHING = Signature([], [])


def is_defaultable(valtype: ValType) -> bool:
    """Whether a type has a default value. Spec: valid/types.html#defaultable-types"""
    return not isinstance(valtype, RefType) or valtype.nullable


class Frame:
    """A control frame: a block that is open. Spec: appendix/algorithm.html

    `opcode` is the instruction that opened it (0 for the function); `stack` is the operand list of the
    frame around it; `label` are the types that a branch to it takes.
    """

    __slots__ = ("label", "opcode", "signature", "stack", "unreachable")

    def __init__(self, opcode: int, signature: Signature, stack: list[ValType]) -> None:
        self.opcode = opcode
        self.signature = signature
        self.label = signature.params if opcode == _LOOP else signature.results
        self.stack = stack
        self.unreachable = False


class Body:
    """State of validating one function body or constant expression.

    `code` are the expression's bytes alone, so that nothing can read behind them, and `base` is where they
    stand in the file; `stack` is the operand list of `frame`, the innermost of `frames`. `function` is the
    function's index, None for a constant expression. Locals without a default value must be set
    before they are read: the first `defaultable` locals are none of these, and of the others `inits` has
    those that are set now, in the order in which they were, each with the number of frames then.
    """

    __slots__ = (
        "base",
        "code",
        "codes",
        "context",
        "defaultable",
        "frame",
        "frames",
        "function",
        "inits",
        "listed",
        "param_types",
        "run_ends",
        "run_types",
        "stack",
    )

    def __init__(
        self, context: "Context", expr: Expr, signature: Signature, function: int | None = None
    ) -> None:
        self.context = context
        self.code = bytes(expr)
        self.base = expr.start
        self.function = function
        self.codes: list[int] = []
        self.defaultable = 0
        self.inits: dict[int, int] = {}
        self.listed: list[ValType] = []
        self.param_types: list[ValType] = []
        self.run_ends: list[int] = []
        self.run_types: list[ValType] = []
        self.stack: list[ValType] = [FLOOR]
        self.frame = Frame(0, signature, [FLOOR])
        self.frames = [self.frame]

    def declare_locals(self, params: list[ValType], runs: tuple[tuple[int, ValType], ...]) -> None:
        """Set the types of the locals, parameters first; InvalidError if there are too many."""
        total = len(params)
        references = False
        for count, valtype in runs:
            total += count
            if isinstance(valtype, RefType):
                references = True
        if total > MAX_LOCALS:
            raise InvalidError(f"too many locals: {total} exceed the maximum of {MAX_LOCALS}")
        self.defaultable = total
        if references:
            runs = self._close(len(params), runs)
        code = self.context.stacks.code
        self.listed = listed = params[:_LISTED_LOCALS]
        self.codes = codes = [code(valtype) for valtype in listed]
        for count, valtype in runs:
            count = min(count, _LISTED_LOCALS - len(listed))
            listed += [valtype] * count
            codes += [code(valtype)] * count
        del codes[self.defaultable :]
        if total > _LISTED_LOCALS:
            self.param_types = params  # as they are: many small functions may have a thousand
            self.run_types = [valtype for _, valtype in runs]
            self.run_ends = list(accumulate((count for count, _ in runs), initial=len(params)))[1:]

    def _close(self, first: int, runs: tuple[tuple[int, ValType], ...]) -> tuple[tuple[int, ValType], ...]:
        """The runs of locals, which begin with the local `first`, closed; set `defaultable`."""
        closed = tuple([(count, self.context.valtype(valtype)) for count, valtype in runs])
        for count, valtype in closed:
            if count and not is_defaultable(valtype):
                self.defaultable = first
                break
            first += count
        return closed

    def u32(self, pos: int) -> tuple[int, int]:
        """The unsigned integer at `pos` and the position behind it."""
        code = self.code
        if pos + 5 < len(code):  # no need to look out for the end
            low = code[pos]
            if low < 0x80:
                return low, pos + 1
            high = code[pos + 1]
            if high < 0x80:
                return high << 7 | low & 0x7F, pos + 2
            third, fourth, fifth = code[pos + 2 : pos + 5]
            if third & fourth & 0x80 and fifth < 0x10:  # padded: what a linker may still change
                value = (fourth & 0x7F) << 21 | (third & 0x7F) << 14 | (high & 0x7F) << 7 | low & 0x7F
                return value | fifth << 28, pos + 5
        return read_unsigned(code, pos, len(code), 32)

    def local(self, index: int) -> ValType:
        """The type of a local."""
        if index < len(self.listed):
            return self.listed[index]
        if index < len(self.param_types):
            return self.param_types[index]
        run = bisect_right(self.run_ends, index)
        if run == len(self.run_ends):
            raise InvalidError(f"unknown local {index}")
        return self.run_types[run]

    def initialize(self, index: int) -> None:
        """Note that a local is set from here to the end of the frame."""
        self.inits.setdefault(index, len(self.frames))

    def label(self, depth: int) -> list[ValType]:
        """The types that a branch to the label `depth` takes."""
        if depth >= len(self.frames):
            raise InvalidError(f"unknown label {depth}")
        return self.frames[-1 - depth].label

    def table(self, index: int) -> TableType:
        """The type of a table."""
        if index >= len(self.context.tables):
            raise InvalidError(f"unknown table {index}")
        return self.context.tables[index]

    def memory(self, index: int) -> MemoryType:
        """The type of a memory."""
        if index >= len(self.context.memories):
            raise InvalidError(f"unknown memory {index}")
        return self.context.memories[index]

    def pop(self, params: list[ValType]) -> None:
        """Take operands of the types `params` from the stack; InvalidError "type mismatch" otherwise."""
        stack = self.stack
        count = len(params)
        if count and stack[-count:] == params:
            del stack[-count:]
        elif count:
            self._pop_slowly(params)

    def _pop_slowly(self, params: list[ValType]) -> None:
        stack = self.stack
        have = min(len(stack) - 1, len(params))  # FLOOR is no operand
        if have < len(params) and not self.frame.unreachable:
            raise self.mismatch(params)
        actual, expected = stack[len(stack) - have :], params[len(params) - have :]
        if actual != expected:
            if have > WIDE:  # of a thousand values, few have types of their own
                self.context.count_matched(have)
                places = {
                    pair: i for i, pair in enumerate(zip(map(id, actual), map(id, expected), strict=True))
                }
                actual, expected = ([types[i] for i in places.values()] for types in (actual, expected))
            if not all(map(matches_valtype, actual, expected)):
                raise self.mismatch(params)
        del stack[len(stack) - have :]

    def matches(self, actual: list[ValType], expected: list[ValType]) -> bool:
        """Whether values of the types `actual` may stand for `expected`."""
        if actual == expected:
            return True
        if len(actual) > WIDE:
            self.context.count_matched(len(actual))
        return matches_resulttype(actual, expected)

    def pop_reference(self) -> RefType:
        """Take a reference from the stack and return its type, `BOT_REF` in unreachable code."""
        top = self.stack[-1]
        if isinstance(top, RefType):
            self.stack.pop()
            return top
        if top is BOT:
            self.stack.pop()
        elif top is not FLOOR or not self.frame.unreachable:
            raise InvalidError(
                f"type mismatch: instruction requires [ref] but stack has {shown(self.stack[1:])}"
            )
        return BOT_REF

    def mismatch(self, params: list[ValType]) -> InvalidError:
        """The error for operands that are not `params`."""
        return InvalidError(
            f"type mismatch: instruction requires {shown(params)} but stack has {shown(self.stack[1:])}"
        )

    def apply(self, params: list[ValType], results: list[ValType]) -> None:
        """Take `params` from the stack and put `results` there."""
        if params:
            self.pop(params)
        if results:
            self.stack += results

    def jump(self) -> None:
        """What follows is unreachable until the frame ends: its operands are whatever is asked for."""
        del self.stack[1:]
        self.frame.unreachable = True

    def enter(self, opcode: int, signature: Signature) -> None:
        """Open a frame."""
        params = signature.params
        if params:
            self.pop(params)
        self.frame = frame = Frame(opcode, signature, self.stack)
        self.frames.append(frame)
        self.stack = [FLOOR, *params] if params else [FLOOR]

    def leave(self) -> Frame:
        """Close the innermost frame; the caller puts its results where they go."""
        frame = self.frame
        if self.stack != frame.signature.exit:
            self._leave_slowly(frame.signature.results)
        frames = self.frames
        frames.pop()
        self.stack = frame.stack
        if frames:
            self.frame = frames[-1]
        if self.inits:
            self._forget_inits(len(frames))
        return frame

    def _forget_inits(self, depth: int) -> None:
        """Locals that were set in more than `depth` frames are unset again."""
        inits = self.inits
        while inits:
            index, frames = inits.popitem()
            if frames <= depth:
                inits[index] = frames
                break

    def _leave_slowly(self, results: list[ValType]) -> None:
        self.pop(results)
        if len(self.stack) > 1:
            self.stack += results
            raise InvalidError(
                f"type mismatch: block requires {shown(results)} but stack has {shown(self.stack[1:])}"
            )


def shown(types: Sequence[ValType]) -> str:
    """Operand types for a message; of many, the topmost."""
    names = ["..."] if len(types) > 16 else []
    return f"[{' '.join(names + [str(t) for t in types[-16:]])}]"
