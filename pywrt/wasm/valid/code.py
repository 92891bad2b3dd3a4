"""Validate function bodies and constant expressions. Spec: valid/instructions.html, appendix/algorithm.html

Strategy: one loop over the bytes of a body decodes and checks at once. Each control frame has its own list
of operand types with `FLOOR` at the bottom; while a run of plain instructions lasts, what they have put on
top is one of the `stacks` of an automaton, where an instruction leads from one to the next by a look-up. The
loop knows only the common case of the common instructions: short immediates, operands that are there and
match exactly. Whatever else comes, be it another instruction, a mismatch, a long integer or unreachable
code, goes to the instruction's *rule*, which checks it in full from its first immediate on. So the rules
alone are a complete validator, and the loop is a short cut through them. Nothing recurses.
"""

from collections.abc import Iterator
from typing import Any

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.decoder import LazyCode
from pywrt.wasm.binary.instructions import EMPTY_BLOCK, read_opcode
from pywrt.wasm.binary.reader import UNEXPECTED_END, Reader
from pywrt.wasm.module import Expr, Module
from pywrt.wasm.opcodes import BY_CODE, BY_MNEMONIC, PREFIXES
from pywrt.wasm.types import I32, ValType
from pywrt.wasm.valid.body import FLOOR, NOTHING, Body, Frame, Signature
from pywrt.wasm.valid.context import Context
from pywrt.wasm.valid.rules.memory import natural_alignment
from pywrt.wasm.valid.stacks import NO_CODE, OTHERS, TOP, TYPES, UNDER, prefixed

_BLOCK, _LOOP, _IF, _END, _BR, _BR_IF, _CALL, _DROP, _SELECT = (
    BY_MNEMONIC[m].number for m in ("block", "loop", "if", "end", "br", "br_if", "call", "drop", "select")
)
_LOCAL_GET, _LOCAL_SET, _LOCAL_TEE, _GLOBAL_GET = (
    BY_MNEMONIC[m].number for m in ("local.get", "local.set", "local.tee", "global.get")
)
_I32_CONST, _I64_CONST, _F32_CONST, _F64_CONST = (
    BY_MNEMONIC[f"{t}.const"].number for t in ("i32", "i64", "f32", "f64")
)
#: The loop tells kinds apart by order: control and parametric instructions, those of variables, of memory
#: and constants, those without immediates, those with a prefix.
_FIRST_OF_VARIABLES, _FIRST_OF_MEMORY, _FIRST_PLAIN = (
    BY_MNEMONIC[m].number for m in ("local.get", "i32.load", "i32.eqz")
)
#: The bytes of a constant by opcode.
_FLOAT_SIZES = {_F32_CONST: 4, _F64_CONST: 8}
#: The natural alignment of a load or store by opcode, -1 for others.
_ALIGNMENTS = [
    natural_alignment(row) if (row := BY_CODE[0].get(n)) and "memarg" in row.immediates else -1
    for n in range(256)
]
#: What the loop compares with all the time; it unpacks them, since a local variable is read faster.
_COMMONEST = (_LOCAL_GET, _I32_CONST, _FIRST_PLAIN, _FIRST_OF_MEMORY, _FIRST_OF_VARIABLES, _BR_IF)


def _run(body: Body) -> None:
    """Validate a function body; errors have the place set."""
    local_get, i32_const, plain, memory, variables, br_if = _COMMONEST
    context, frames, inits, codes, size = body.context, body.frames, body.inits, body.codes, len(body.code)
    rules, funcs, global_codes, stacks = context.rules, context.funcs, context.global_codes, context.stacks
    short, empty, singles = len(codes), stacks.empty, stacks.singles
    types, stack = body.stack, empty  # the operands are those of `types`, and above them those of `stack`
    spare: list[Frame] = []  # frames of `NOTHING` that were left: making one is slow
    pos = 0
    rest: Any = iter(body.code)
    try:
        for op in rest:
            way = read = 0  # what leads from `stack` to the next; how many bytes of immediates were read
            if op == local_get:
                index, read = next(rest), 1
                way = codes[index] if index < short else NO_CODE
                if (after := stack[way]) is not None:
                    stack = after
                    continue
            elif op >= plain:
                if (after := stack[op]) is not None:
                    stack = after
                    continue
                way = op
                if op in PREFIXES:
                    index, read = _index(next(rest), rest)
                    way = prefixed(op, index)
                    if (after := stack[OTHERS].get(way)) is not None:
                        stack = after
                        continue
            elif op >= memory:
                byte, read = next(rest), 1
                if op == i32_const:
                    while byte >= 0x80:
                        byte = next(rest)
                        read += 1
                    # Of a fifth byte, bits 3 to 6 must be equal: they are beyond 32 bits, or the sign.
                    good = read < 5 or (read == 5 and byte + 8 & 0x7F < 0x10)
                elif good := byte <= _ALIGNMENTS[op]:
                    read = 2
                    while next(rest) >= 0x80:
                        read += 1
                    good = read < 6  # an offset of 28 bits
                elif op == _I64_CONST:
                    while byte >= 0x80:
                        byte = next(rest)
                        read += 1
                    good = read < 10
                elif good := op in _FLOAT_SIZES:
                    read = _FLOAT_SIZES[op]
                    for _ in range(read - 1):
                        next(rest)
                if good:
                    if (after := stack[op]) is not None:
                        stack = after
                        continue
                    way = op
            elif op >= variables:
                index, read = next(rest), 1
                if index < short and op <= _LOCAL_TEE:
                    if stack[TOP] == codes[index]:
                        if op == _LOCAL_SET:
                            stack = stack[UNDER]
                        continue
                elif op == _GLOBAL_GET:
                    if index >= 0x80:
                        index, read = _index(index, rest)
                    way = global_codes[index] if index < len(global_codes) else NO_CODE
                    if (after := stack[way]) is not None:
                        stack = after
                        continue
            elif op == _END:
                frame = body.frame
                if frame.signature is NOTHING and stack is empty and len(types) == 1 and not inits:
                    spare.append(frames.pop())
                    body.frame = frames[-1]
                    body.stack = types = frame.stack
                    continue
            elif op >= _DROP:
                if op <= _SELECT:
                    if (after := stack[op]) is not None:
                        stack = after
                        continue
                    way = op
            else:
                index, read = next(rest), 1
                if op <= br_if and op >= _BR:
                    if index < 0x80 and index < len(frames) and not frames[-1 - index].label:
                        if op == _BR:
                            stack = empty
                            body.jump()
                            continue
                        if (after := stack[br_if]) is not None:
                            stack = after
                            continue
                        way = br_if
                elif op == _CALL:
                    if index >= 0x80:
                        index, read = _index(index, rest)
                    if index < len(funcs):
                        way = funcs[index]
                        if (after := stack[OTHERS].get(way)) is not None:
                            stack = after
                            continue
                elif index == EMPTY_BLOCK and _BLOCK <= op <= _IF:
                    if (after := stack[op]) is not None:
                        types += after[TYPES]
                        if spare:
                            frame = spare.pop()
                            frame.opcode, frame.stack, frame.unreachable = op, types, False
                        else:
                            frame = Frame(op, NOTHING, types)
                        body.frame = frame
                        frames.append(frame)
                        body.stack = types = [FLOOR]
                        stack = empty
                        continue
                    way = op
            if way:
                stacks.step(stack, way)  # so that it is known next time
            if stack is not empty:
                types += stack[TYPES]
            pos = size - rest.__length_hint__() - read  # an iterator's bytes that are left
            pos = rules[op](body, pos)
            if not frames:
                break
            rest.__setstate__(pos)
            types = body.stack
            stack = singles.get(id(types[-1]), empty)  # what the rule gave may go on from there
            if stack is not empty:
                types.pop()
        else:
            raise MalformedError(UNEXPECTED_END, offset=size)
        if pos != size:
            raise MalformedError("section size mismatch: code behind the end of the function", offset=pos)
    except StopIteration:
        raise MalformedError(UNEXPECTED_END, offset=body.base + size) from None
    except IndexError:
        if pos < size - 2:
            raise
        raise MalformedError(UNEXPECTED_END, offset=body.base + size) from None
    except (InvalidError, MalformedError) as error:
        raise _placed(body, error, pos - 1) from None


def _index(byte: int, rest: Iterator[int]) -> tuple[int, int]:
    """The index whose first byte is `byte`, and how many bytes it takes.

    One that is malformed is larger than any there is, so that the rule is asked.
    """
    index, read = byte & 0x7F, 1
    while byte >= 0x80:
        byte = next(rest)
        index |= (byte & 0x7F) << 7 * read
        read += 1
    return index if read < 5 or (read == 5 and byte < 0x10) else 1 << 32, read


def _run_constant(body: Body) -> None:
    """Validate a constant expression; errors have the place set. The rules alone: these are short."""
    code, rules, pos = body.code, body.context.constant_rules, 0
    try:
        while body.frames:
            pos += 1
            pos = rules[code[pos - 1]](body, pos)
    except IndexError:
        if pos < len(code):
            raise
        raise MalformedError(UNEXPECTED_END, offset=body.base + len(code)) from None
    except (InvalidError, MalformedError) as error:
        raise _placed(body, error, pos - 1) from None


def _placed(body: Body, error: InvalidError | MalformedError, at: int) -> InvalidError | MalformedError:
    """The error of the instruction at `at` in the body, with its place in the file."""
    if isinstance(error, MalformedError):
        offset = body.base + (at if error.offset is None else error.offset)
        return MalformedError(error.message, offset=offset, feature=error.feature)
    mnemonic = read_opcode(Reader(body.code, at, len(body.code))).mnemonic
    return InvalidError(
        f"{error.message} ({mnemonic})",
        offset=body.base + at,
        function=body.function,
        feature=error.feature,
    )


def validate_function(module: Module, context: Context, index: int) -> None:
    """Validate the body of function `index`, which counts imports and is not one.

    Raises InvalidError or MalformedError with the place. Spec: valid/modules.html#functions
    """
    code = module.code[index - context.imported_funcs]
    body = Body(context, code.expr, context.funcs[index], index)
    try:
        body.declare_locals(context.funcs[index].params, code.locals)
    except InvalidError as error:
        raise InvalidError(error.message, offset=code.start, function=index) from None
    try:
        _run(body)
    except MalformedError as error:
        if error.offset == code.expr.end and isinstance(module.code, LazyCode):
            raise MalformedError(module.code.missing_end(code.expr.end), offset=error.offset) from None
        raise


def validate_constexpr(expr: Expr, expected: ValType, context: Context) -> None:
    """Validate a constant expression of the type `expected`; functions it names count as declared.

    Raises InvalidError with the offset. Spec: valid/instructions.html#constant-expressions
    """
    if expected is I32 and _is_short_i32_const(bytes(expr)):
        return
    _run_constant(Body(context, expr, Signature([], [expected])))


def _is_short_i32_const(code: bytes) -> bool:
    """Whether `code` is an `i32.const` of up to 28 bits and `end`, as the offsets of 10,000 segments are."""
    return (
        3 <= len(code) < 7
        and code[0] == _I32_CONST
        and min(code[1:-2], default=0x80) >= 0x80 > code[-2]
        and code[-1] == _END
    )
