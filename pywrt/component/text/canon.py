"""Canonical definitions. Spec: Explainer.md#canonical-definitions

The table of canonical definitions names the immediates in the order of the binary format, which is that of
the text, too; here is how each kind is read. Readers begin behind what precedes and are given the name of
the definition.
"""

from collections.abc import Callable

from pywrt.component.tables import CANON_OPTIONS, CANONS
from pywrt.component.text.context import Context, Part
from pywrt.component.text.types import read_result_list
from pywrt.wasm.binary.encoder import encode_valtype
from pywrt.wasm.text.instructions import unsigned
from pywrt.wasm.text.types import read_valtype

_CODES = {canon.name: code for code, canon in CANONS.items()}
_OPTION_CODES = {
    name if name in ("async", "gc") or indexed else f"string-encoding={name}": bytes((code,))
    for code, (name, indexed) in CANON_OPTIONS.items()
}
#: The sort of what an option refers to.
OPTION_SORTS = {
    name: "core memory" if name == "memory" else "core func"
    for name, indexed in CANON_OPTIONS.values()
    if indexed
}

LIFT = "lift"


def read_canon(context: Context) -> tuple[str, list[Part]]:
    """What follows `(canon`, up to the type of a lifted function: the definition's name, and its parts."""
    start = context.cursor.i
    name = context.cursor.texts[start]
    code = _CODES.get(name)
    if code is None:
        raise context.cursor.unexpected(wanted="a canonical definition")
    context.cursor.i += 1
    parts: list[Part] = [bytes((code,))]
    for immediate in CANONS[code].immediates:
        if name != LIFT or immediate != "type":
            parts += _IMMEDIATES[immediate](context, name)
    return name, parts


def _zero(context: Context, name: str) -> list[Part]:
    return [b"\x00"]


def _lifted(context: Context, name: str) -> list[Part]:
    return [context.reference("core func")]


def _lowered(context: Context, name: str) -> list[Part]:
    return [context.reference("func")]


def _type(context: Context, name: str) -> list[Part]:
    return [context.reference("type")]


def _core_type(context: Context, name: str) -> list[Part]:
    return [context.lenient_reference("core type")]


def _core_table(context: Context, name: str) -> list[Part]:
    return [context.lenient_reference("core table")]


def _core_memory(context: Context, name: str) -> list[Part]:
    context.cursor.expect("(")
    context.cursor.expect("memory")
    return [_option_index(context, "memory")]


def _option_index(context: Context, option: str) -> Part:
    """What an option refers to, and its closing parenthesis. Older texts have `<idx> <name>` there."""
    sort = OPTION_SORTS[option]
    ref = context.path(sort) if context.cursor.at_index() else context.lenient_reference(sort)
    context.cursor.expect(")")
    return ref


def _options(context: Context, name: str) -> list[Part]:
    cursor = context.cursor
    parts: list[Part] = []
    count = 0
    while True:
        start = cursor.i
        opened = cursor.accept("(")
        option = cursor.texts[cursor.i]
        if option not in _OPTION_CODES or opened != (option in OPTION_SORTS):
            cursor.i = start
            return [unsigned(count), *parts]
        cursor.i += 1
        count += 1
        parts.append(_OPTION_CODES[option])
        if opened:
            parts.append(_option_index(context, option))


def _results(context: Context, name: str) -> list[Part]:
    return read_result_list(context)


def _flag(word: str) -> Callable[[Context, str], list[Part]]:
    """The reader of a boolean that `word` sets."""

    def read(context: Context, name: str) -> list[Part]:
        return [b"\x01" if context.cursor.accept(word) else b"\x00"]

    return read


def _core_valtype(context: Context, name: str) -> list[Part]:
    return [encode_valtype(read_valtype(context.cursor, context.scope.space("core type")))]


def _slot(context: Context, name: str) -> list[Part]:
    return [unsigned(context.cursor.natural())]


_IMMEDIATES: dict[str, Callable[[Context, str], list[Part]]] = {
    "zero_lift": _zero,
    "zero_lower": _zero,
    "core_func": _lifted,
    "func": _lowered,
    "type": _type,
    "stream": _type,
    "future": _type,
    "core_type": _core_type,
    "core_table": _core_table,
    "core_memory": _core_memory,
    "opts": _options,
    "results": _results,
    "async": _flag("async"),
    "cancellable": _flag("cancellable"),
    "shared": _flag("shared"),
    "core_valtype": _core_valtype,
    "slot": _slot,
}
