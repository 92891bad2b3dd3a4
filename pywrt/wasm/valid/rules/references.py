"""Reference instructions, and branches on what a reference is.

Spec: valid/instructions.html#reference-instructions; proposal custom-descriptors
"""

from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.types import read_heaptype
from pywrt.wasm.types import ANYREF, EXTERNREF, I32, RefType, ValType, ref_type
from pywrt.wasm.valid.body import Body, shown
from pywrt.wasm.valid.rules.rule import I32_1, Rule, heaptype
from pywrt.wasm.valid.subtyping import difference, matches_reftype, non_null, top_of


def _ref_null(body: Body, pos: int) -> int:
    reftype, pos = heaptype(body, pos)
    body.stack.append(reftype)
    return pos


def _ref_is_null(body: Body, pos: int) -> int:
    body.pop_reference()
    body.stack.append(I32)
    return pos


def _ref_as_non_null(body: Body, pos: int) -> int:
    body.stack.append(non_null(body.pop_reference()))
    return pos


def ref_func(body: Body, pos: int) -> int:
    """The rule of `ref.func`: the type is exact, except that of an import which may give a subtype."""
    index, pos = body.u32(pos)
    context = body.context
    if index >= len(context.funcs):
        raise InvalidError(f"unknown function {index}")
    if index not in context.refs:
        raise InvalidError(f"undeclared function reference {index}")
    exact = context.exact and index not in context.inexact_funcs
    body.stack.append(ref_type(context.types[context.func_types[index]], False, exact))
    return pos


def _br_on_null(body: Body, pos: int) -> int:
    depth, pos = body.u32(pos)
    label = body.label(depth)
    reftype = body.pop_reference()
    body.apply(label, label)
    body.stack.append(non_null(reftype))
    return pos


def _split(body: Body, depth: int) -> tuple[list[ValType], RefType]:
    """The types of a label that takes a reference last."""
    label = body.label(depth)
    if not label or not isinstance(label[-1], RefType):
        raise InvalidError(f"type mismatch: label {depth} takes {shown(label)}, not a reference last")
    return label[:-1], label[-1]


def _br_on_non_null(body: Body, pos: int) -> int:
    depth, pos = body.u32(pos)
    others, last = _split(body, depth)
    body.apply([*others, ref_type(last.heap, True, last.exact)], others)
    return pos


# Casts. Spec: valid/instructions.html#reference-instructions


def _top(reftype: RefType) -> RefType:
    return ref_type(top_of(reftype.heap), True)


def _ref_test(body: Body, pos: int) -> int:
    target, pos = heaptype(body, pos)
    body.apply([_top(target)], I32_1)
    return pos


def _ref_cast(body: Body, pos: int) -> int:
    target, pos = heaptype(body, pos)
    body.apply([_top(target)], [non_null(target)])
    return pos


def _ref_cast_null(body: Body, pos: int) -> int:
    target, pos = heaptype(body, pos)
    body.apply([_top(target)], [target])
    return pos


def _cast_type(body: Body, reader: Reader, nullable: int) -> tuple[RefType, RefType]:
    """A heap type of a branch on a cast, as the reference type that the flags make of it, and that closed."""
    read = read_heaptype(reader, body.context.features)
    written = ref_type(read.heap, nullable != 0, read.exact)
    return written, body.context.reftype(written)


class _CastOp:
    """The immediates of a branch on a cast, from `source` to `target`; `written` is the target unclosed."""

    __slots__ = ("depth", "end", "source", "target", "written")

    def __init__(self, body: Body, pos: int) -> None:
        flags = body.code[pos]
        if flags > 3:
            raise MalformedError(f"malformed br_on_cast flags 0x{flags:02x}", offset=pos)
        self.depth, pos = body.u32(pos + 1)
        reader = Reader(body.code, pos, len(body.code))
        _, self.source = _cast_type(body, reader, flags & 1)
        self.written, self.target = _cast_type(body, reader, flags & 2)
        self.end = reader.pos
        if not body.context.exact:
            if not matches_reftype(self.target, self.source):
                raise InvalidError(f"type mismatch on cast: {self.target} does not match {self.source}")
        elif top_of(self.source.heap) != top_of(self.target.heap):  # custom descriptors relax the rule
            raise InvalidError(
                f"type mismatch on cast: {self.target} is in another hierarchy than {self.source}"
            )

    def check(self, body: Body, branch: RefType, rest: RefType, operands: list[ValType]) -> int:
        """Check a branch that takes `branch` along and leaves `rest`; return where the immediates end.

        `operands` are what it takes beside what the label does.
        """
        others, last = _split(body, self.depth)
        if not matches_reftype(branch, last):
            raise InvalidError(
                f"type mismatch: the branch takes {branch} but label {self.depth} {shown([*others, last])}"
            )
        body.apply([*others, self.source, *operands], [*others, rest])
        return self.end


def _br_on_cast(body: Body, pos: int) -> int:
    cast = _CastOp(body, pos)
    return cast.check(body, cast.target, difference(cast.source, cast.target), [])


def _br_on_cast_fail(body: Body, pos: int) -> int:
    cast = _CastOp(body, pos)
    return cast.check(body, difference(cast.source, cast.target), cast.target, [])


# Custom descriptors


def _descriptor_of(body: Body, written: RefType) -> RefType:
    """The type of the descriptors that a cast to `written`, which is not closed, compares with."""
    descriptor = None
    if isinstance(written.heap, int):
        descriptor = body.context.type(written.heap).descriptor
    if descriptor is None:
        shown_heap = f"(exact {written.heap})" if written.exact else f"{written.heap}"
        raise InvalidError(f"type {shown_heap} does not have a descriptor")
    return ref_type(descriptor, True, written.exact)


def _ref_get_desc(body: Body, pos: int) -> int:
    index, pos = body.u32(pos)
    described = body.context.type(index)
    if described.descriptor is None:
        raise InvalidError(f"type without descriptor {index}")
    exact = ref_type(described, True, True)
    reftype = body.pop_reference()
    body.stack.append(reftype)
    is_exact = matches_reftype(reftype, exact)
    body.apply(
        [exact if is_exact else ref_type(described, True)], [ref_type(described.descriptor, False, is_exact)]
    )
    return pos


def _cast_desc_eq(nullable: bool) -> Rule:
    def rule(body: Body, pos: int) -> int:
        reader = Reader(body.code, pos, len(body.code))
        written = read_heaptype(reader, body.context.features)
        target = body.context.reftype(written)
        descriptor = _descriptor_of(body, written)
        body.apply([_top(target), descriptor], [target if nullable else non_null(target)])
        return reader.pos

    return rule


def _br_on_cast_desc_eq(body: Body, pos: int) -> int:
    cast = _CastOp(body, pos)
    operands: list[ValType] = [_descriptor_of(body, cast.written)]
    return cast.check(body, cast.target, difference(cast.source, cast.target), operands)


def _br_on_cast_desc_eq_fail(body: Body, pos: int) -> int:
    cast = _CastOp(body, pos)
    operands: list[ValType] = [_descriptor_of(body, cast.written)]
    return cast.check(body, difference(cast.source, cast.target), cast.target, operands)


# Conversions between hierarchies


def _convert(source: RefType, target: str) -> Rule:
    def rule(body: Body, pos: int) -> int:
        reftype = body.pop_reference()
        if not matches_reftype(reftype, source):
            raise InvalidError(f"type mismatch: instruction requires [{source}] but stack has [{reftype}]")
        body.stack.append(ref_type(target, reftype.nullable))
        return pos

    return rule


RULES: dict[str, Rule] = {
    "ref.null": _ref_null,
    "ref.is_null": _ref_is_null,
    "ref.as_non_null": _ref_as_non_null,
    "ref.func": ref_func,
    "br_on_null": _br_on_null,
    "br_on_non_null": _br_on_non_null,
    "ref.test": _ref_test,
    "ref.test_null": _ref_test,
    "ref.cast": _ref_cast,
    "ref.cast_null": _ref_cast_null,
    "br_on_cast": _br_on_cast,
    "br_on_cast_fail": _br_on_cast_fail,
    "ref.get_desc": _ref_get_desc,
    "ref.cast_desc_eq": _cast_desc_eq(False),
    "ref.cast_desc_eq_null": _cast_desc_eq(True),
    "br_on_cast_desc_eq": _br_on_cast_desc_eq,
    "br_on_cast_desc_eq_fail": _br_on_cast_desc_eq_fail,
    "any.convert_extern": _convert(EXTERNREF, "any"),
    "extern.convert_any": _convert(ANYREF, "extern"),
}
