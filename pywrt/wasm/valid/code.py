"""Validate function bodies and constant expressions. Spec: valid/instructions.html, appendix/algorithm.html

Strategy: one loop over the bytes of a body decodes and checks at once. Each control frame has its own list
of operand types with `FLOOR` at the bottom; while a run of plain instructions lasts, its top is kept in a
local variable, so that most instructions touch the list once or not at all. The loop knows only the
common case of the common instructions: short immediates, a fixed type, operands that are there and
match. Whatever else comes, be it another instruction, a mismatch, a long integer or unreachable code, goes
to the instruction's *rule*, which checks it in full from its first immediate on. So the rules alone are a
complete validator, and the loop is a short cut through them. Nothing recurses.
"""

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.decoder import LazyCode
from pywrt.wasm.binary.instructions import EMPTY_BLOCK, read_opcode
from pywrt.wasm.binary.reader import UNEXPECTED_END, Reader
from pywrt.wasm.module import Expr, Module
from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.types import I32, ValType
from pywrt.wasm.valid.body import FLOOR, NOTHING, Body, Frame, Signature
from pywrt.wasm.valid.context import Context
from pywrt.wasm.valid.rules import BINARY, LOAD, STORE, UNARY

_BLOCK, _BR_IF, _END, _LOCAL_GET, _LOCAL_SET, _LOCAL_TEE, _GLOBAL_GET, _I32_CONST = (
    BY_MNEMONIC[m].number
    for m in ("block", "br_if", "end", "local.get", "local.set", "local.tee", "global.get", "i32.const")
)
#: What the loop compares with all the time; it unpacks them, since a local variable is read faster.
_COMMONEST = (_LOCAL_GET, _I32_CONST, _LOCAL_SET, _LOCAL_TEE, BINARY, LOAD, STORE, UNARY)


def _run(body: Body) -> None:
    """Validate a function body; errors have the place set."""
    local_get, i32_const, local_set, local_tee, binary, load, store, unary = _COMMONEST
    code, frames, listed = body.code, body.frames, body.listed
    rows, rules = body.context.rows, body.context.rules
    short = min(body.defaultable, len(listed), 0x80)  # set from the start, one-byte indices
    globals_, address = body.context.globals, body.context.address
    short_globals = min(len(globals_), 0x80)
    stack = body.stack
    top = stack.pop()  # FLOOR if there is no operand
    pos = 0
    try:
        while True:
            op = code[pos]
            pos += 1
            if op == local_get:
                index = code[pos]
                if index < short:
                    pos += 1
                    stack.append(top)
                    top = listed[index]
                    continue
            elif op == i32_const:
                byte = code[pos]
                after = pos + 1
                while byte >= 0x80:
                    byte = code[after]
                    after += 1
                # Of a fifth byte, bits 3 to 6 must be equal: they are beyond 32 bits, or the sign.
                if after - pos < 5 or (after - pos == 5 and byte + 8 & 0x7F < 0x10):
                    pos = after
                    stack.append(top)
                    top = I32
                    continue
            elif op == local_set:
                index = code[pos]
                if index < short and listed[index] is top:
                    pos += 1
                    top = stack.pop()
                    continue
            elif op == local_tee:
                index = code[pos]
                if index < short and listed[index] is top:
                    pos += 1
                    continue
            else:
                kind, first, second, result = rows[op]
                if kind == binary:
                    if top is second:
                        under = stack.pop()
                        if under is first:
                            top = result
                            continue
                        stack.append(under)
                elif kind == load:
                    if top is first and code[pos] <= second:
                        size = 2 if code[pos + 1] < 0x80 else 3 if code[pos + 2] < 0x80 else 0
                        if size:
                            pos += size
                            top = result
                            continue
                elif kind == store:
                    if top is first and code[pos] <= second:
                        size = 2 if code[pos + 1] < 0x80 else 3 if code[pos + 2] < 0x80 else 0
                        under = stack.pop()
                        if size and under is address:
                            pos += size
                            top = stack.pop()
                            continue
                        stack.append(under)
                elif kind == unary:
                    if top is first:
                        top = result
                        continue
                elif op == _GLOBAL_GET:
                    index = code[pos]
                    if index < short_globals:
                        pos += 1
                        stack.append(top)
                        top = globals_[index].value
                        continue
                elif op == _BR_IF and top is I32:
                    depth = code[pos]
                    if depth < 0x80 and depth < len(frames) and not frames[-1 - depth].label:
                        pos += 1
                        top = stack.pop()
                        continue
                elif op == _END:
                    frame = body.frame
                    if top is FLOOR and frame.opcode == _BLOCK and not frame.label and not body.inits:
                        frames.pop()
                        body.frame = frames[-1]
                        body.stack = stack = frame.stack
                        top = stack.pop()
                        continue
                elif op == _BLOCK and code[pos] == EMPTY_BLOCK:
                    pos += 1
                    stack.append(top)
                    body.frame = frame = Frame(_BLOCK, NOTHING, stack)
                    frames.append(frame)
                    body.stack = stack = []
                    top = FLOOR
                    continue
            stack.append(top)
            pos = rules[op](body, pos)
            if not frames:
                break
            stack = body.stack
            top = stack.pop()
        if pos != len(code):
            raise MalformedError("section size mismatch: code behind the end of the function", offset=pos)
    except IndexError:
        if pos < len(code) - 2:
            raise
        raise MalformedError(UNEXPECTED_END, offset=body.base + len(code)) from None
    except (InvalidError, MalformedError) as error:
        raise _placed(body, error, pos - 1) from None


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
