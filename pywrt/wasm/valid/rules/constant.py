"""Constant expressions. Spec: valid/instructions.html#constant-expressions"""

from pywrt.errors import InvalidError
from pywrt.wasm.valid.body import Body
from pywrt.wasm.valid.rules.references import ref_func
from pywrt.wasm.valid.rules.rule import Rule
from pywrt.wasm.valid.rules.variables import global_get


def _global_get(body: Body, pos: int) -> int:
    index, _ = body.u32(pos)
    after = global_get(body, pos)
    context = body.context
    if context.globals[index].mutable:
        raise InvalidError(f"constant expression required: global {index} is mutable")
    if index >= context.imported_globals and "gc" not in context.features:
        raise InvalidError(
            f"constant expression required: global {index} is no import: needs the feature gc", feature="gc"
        )
    return after


def _ref_func(body: Body, pos: int) -> int:
    index, _ = body.u32(pos)
    body.context.refs.add(index)  # standing here declares it
    return ref_func(body, pos)


def not_constant(mnemonic: str, feature: str | None = None) -> Rule:
    """The rule of an instruction that may not stand in a constant expression, or needs `feature` for that."""
    why = "is not constant" if feature is None else f"needs the feature {feature}"

    def rule(body: Body, pos: int) -> int:
        raise InvalidError(f"constant expression required: {mnemonic} {why}", feature=feature)

    return rule


#: What is constant only where the feature extended-const is on.
EXTENDED = frozenset(("i32.add", "i32.sub", "i32.mul", "i64.add", "i64.sub", "i64.mul"))
#: What else is constant; an instruction's own feature must be on too.
CONSTANT = frozenset(
    (
        "i32.const",
        "i64.const",
        "f32.const",
        "f64.const",
        "v128.const",
        "global.get",
        "ref.null",
        "ref.func",
        "ref.i31",
        "struct.new",
        "struct.new_default",
        "struct.new_desc",
        "struct.new_default_desc",
        "array.new",
        "array.new_default",
        "array.new_fixed",
        "any.convert_extern",
        "extern.convert_any",
        "end",
    )
)
#: Rules that differ from those of function bodies.
RULES: dict[str, Rule] = {"global.get": _global_get, "ref.func": _ref_func}
