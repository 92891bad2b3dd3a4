"""Definitions of a component in the text format, each on its line; types aside.

Each is spelled as it is read, in the order of `pywrt.component.decoder`, and takes its index behind what it
refers to. Spec: Explainer.md#component-definitions, Binary.md
"""

from collections.abc import Callable

from pywrt.component.elements import leading_byte, read_bool, read_core_sort, read_sort
from pywrt.component.tables import CANON_OPTIONS, CANONS, ENCODINGS, MAX_INDEX_SPACE, Canon
from pywrt.component.text.canon import LIFT, OPTION_SORTS
from pywrt.component.text.encoding import (
    ALIAS,
    CANON,
    CORE_INSTANCE,
    CORE_TYPE,
    EXPORT,
    IMPORT,
    INSTANCE,
    TYPE,
    VALUE,
)
from pywrt.component.text.printer.core_types import define_core_type
from pywrt.component.text.printer.scope import Output, Scope
from pywrt.component.text.printer.types import (
    core_valtype,
    define_alias,
    define_import,
    define_type,
    extern_name,
    externtype,
    result_list,
    valtype,
)
from pywrt.errors import MalformedError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.text.printer.layout import strings, wrapped
from pywrt.wasm.text.printer.values import quoted_name

#: Results of a start function: the text has words for each where the binary has their number.
_MAX_RESULTS = 100
_MAX_OPTIONS = 1_000


# Instances


def _core_instance(out: Output, reader: Reader, scope: Scope) -> None:
    form = reader.byte()
    if form == 0x00:
        module = scope.of("core module", reader.u32())
        arguments = []
        for _ in range(reader.count("arguments", MAX_INDEX_SPACE)):
            name = quoted_name(reader.name())
            kind = reader.byte()
            if kind != 0x12:
                raise leading_byte(reader, kind, "instantiation arg kind")
            arguments.append(f"(with {name} (instance {scope.of('core instance', reader.u32())}))")
        _instantiate(out, scope, "core instance", module, arguments)
    elif form == 0x01:
        exports = []
        for _ in range(reader.count("exports", MAX_INDEX_SPACE)):
            name = quoted_name(reader.name())
            sort = read_core_sort(reader, "core external kind")
            exports.append(f"(export {name} ({sort.removeprefix('core ')} {scope.of(sort, reader.u32())}))")
        out.block(scope.depth, f"(core instance {scope.head('core instance')}", exports)
    else:
        raise leading_byte(reader, form, "core instance")


def _instance(out: Output, reader: Reader, scope: Scope) -> None:
    form = reader.byte()
    if form == 0x00:
        component = scope.of("component", reader.u32())
        arguments = []
        for _ in range(reader.count("arguments", MAX_INDEX_SPACE)):
            name = quoted_name(reader.name())
            arguments.append(f"(with {name} {_sortidx(reader, scope)})")
        _instantiate(out, scope, "instance", component, arguments)
    elif form == 0x01:
        exports = []
        for _ in range(reader.count("exports", MAX_INDEX_SPACE)):
            name = extern_name(reader)
            exports.append(f"(export {name} {_sortidx(reader, scope)})")
        out.block(scope.depth, f"(instance {scope.head('instance')}", exports)
    else:
        raise leading_byte(reader, form, "instance")


def _instantiate(out: Output, scope: Scope, sort: str, what: str, arguments: list[str]) -> None:
    head = f"({sort} {scope.head(sort)} (instantiate {what}"
    if not arguments:
        out.line(scope.depth, f"{head}))")
        return
    out.open(scope.depth, head)
    for argument in arguments:
        out.line(scope.depth + 2, argument)
    out.close(scope.depth + 1)
    out.close(scope.depth)


def _sortidx(reader: Reader, scope: Scope) -> str:
    """`(sort idx)`"""
    sort = read_sort(reader)
    return f"({sort} {scope.of(sort, reader.u32())})"


# Canonical definitions


def _canon(out: Output, reader: Reader, scope: Scope) -> None:
    code = reader.byte()
    canon = CANONS.get(code)
    if canon is None:
        raise leading_byte(reader, code, "canonical function")
    words = {immediate: _IMMEDIATES[immediate](reader, scope, canon) for immediate in canon.immediates}
    if canon.name == LIFT:
        type = words.pop("type")
        sort = f"func {scope.head('func')} (type{type})"
    else:
        sort = f"core func {scope.head('core func')}"
    out.line(scope.depth, f"({sort} (canon {canon.name}{''.join(words.values())}))")


# Immediates: each is spelled with a space in front, or as nothing.


def _zero(reader: Reader, scope: Scope, canon: Canon) -> str:
    byte = reader.byte()
    if byte != 0:
        raise leading_byte(reader, byte, f"canonical function {canon.name}")
    return ""


def _index(form: str, sort: str) -> "_Immediate":
    """The speller of an index of a sort, which stands for `_` in `form`."""

    def spell(reader: Reader, scope: Scope, canon: Canon) -> str:
        return form.replace("_", scope.of(sort, reader.u32()))

    return spell


def _flag(word: str) -> "_Immediate":
    def spell(reader: Reader, scope: Scope, canon: Canon) -> str:
        byte = reader.byte()
        if byte > 1:
            raise MalformedError("invalid boolean value", offset=reader.pos - 1)
        return f" {word}" if byte else ""

    return spell


def _options(reader: Reader, scope: Scope, canon: Canon) -> str:
    words = []
    for _ in range(reader.count("options", _MAX_OPTIONS)):
        code = reader.byte()
        row = CANON_OPTIONS.get(code)
        if row is None:
            raise leading_byte(reader, code, "canonical option")
        name, indexed = row
        if indexed:
            words.append(f" ({name} {scope.of(OPTION_SORTS[name], reader.u32())})")
        else:
            words.append(f" string-encoding={name}" if name in ENCODINGS else f" {name}")
    return "".join(words)


_Immediate = Callable[[Reader, Scope, Canon], str]
_IMMEDIATES: dict[str, _Immediate] = {
    "zero_lift": _zero,
    "zero_lower": _zero,
    "core_func": _index(" (core func _)", "core func"),
    "core_memory": _index(" (memory _)", "core memory"),
    "core_table": _index(" (core table _)", "core table"),
    "core_type": _index(" _", "core type"),
    "func": _index(" (func _)", "func"),
    "type": _index(" _", "type"),
    "stream": _index(" _", "type"),
    "future": _index(" _", "type"),
    "slot": lambda reader, scope, canon: f" {reader.u32()}",
    "async": _flag("async"),
    "cancellable": _flag("cancellable"),
    "shared": _flag("shared"),
    "core_valtype": lambda reader, scope, canon: f" {core_valtype(reader)}",
    "opts": _options,
    "results": lambda reader, scope, canon: result_list(reader, scope),
}


# Exports, start functions and values


def _export(out: Output, reader: Reader, scope: Scope) -> None:
    name = extern_name(reader)
    sort = read_sort(reader)
    words = [name, f"({sort} {scope.of(sort, reader.u32())})"]
    if read_bool(reader, "optional component export type"):
        words.append("({} {})".format(*externtype(reader, scope)))
    out.line(scope.depth, f"(export {scope.head(sort)} {' '.join(words)})")


def print_start(out: Output, reader: Reader, scope: Scope) -> None:
    """`start`, whose results take indices."""
    words = [f"(start {scope.of('func', reader.u32())}"]
    for index in reader.u32s(reader.count("arguments", MAX_INDEX_SPACE)):
        words.append(f"(value {scope.of('value', index)})")
    start = reader.pos
    results = reader.u32()
    if results > _MAX_RESULTS:
        raise MalformedError(f"a start function has at most {_MAX_RESULTS} results", offset=start)
    words += [f"(result (value {scope.head('value')}))" for _ in range(results)]
    out.line(scope.depth, " ".join(words) + ")")


def _value(out: Output, reader: Reader, scope: Scope) -> None:
    type = valtype(reader, scope)
    size = reader.u32()
    start = reader.skip(size)
    head = f"(value {scope.head('value')} {type} (binary"
    for line in wrapped(head, strings(reader.data[start : start + size])):
        out.line(scope.depth, line)
    out.lines[-1] += ")"


#: What is in the sections that are vectors of definitions, by their id.
VECTORS: dict[int, Callable[[Output, Reader, Scope], None]] = {
    CORE_INSTANCE: _core_instance,
    CORE_TYPE: define_core_type,
    INSTANCE: _instance,
    ALIAS: define_alias,
    TYPE: define_type,
    CANON: _canon,
    IMPORT: define_import,
    EXPORT: _export,
    VALUE: _value,
}
