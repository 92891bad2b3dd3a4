"""Decode and validate a component. Spec: component-model Binary.md

Strategy: one walk over the file in order. A definition is read by a function that a table names, and is
checked and entered by the `Scope` of the component it stands in. Nested components are a stack of scopes,
not Python calls; core modules are handed on as bounds of the file's buffer. A `Reader` is bounded by its
section, so no vector or name reaches beyond it.
"""

from collections.abc import Callable
from typing import Any

from pywrt.component.canon import RULES, Pointers
from pywrt.component.core_types import read_core_type
from pywrt.component.definitions import ComponentCode, ComponentDef
from pywrt.component.elements import (
    leading_byte,
    read_bool,
    read_core_sort,
    read_name_attributes,
    read_sort,
)
from pywrt.component.names import NAME_SECTION, ComponentNames
from pywrt.component.scope import Scope
from pywrt.component.subtyping import Work
from pywrt.component.tables import (
    CANON_OPTIONS,
    CANONS,
    CORE_PREAMBLE,
    MAX_COMPONENTS,
    MAX_INDEX_SPACE,
    PREAMBLE,
    VALUES,
    Canon,
)
from pywrt.component.type_decoder import (
    read_alias,
    read_extern_type,
    read_result_list,
    read_type,
    read_valtype,
)
from pywrt.component.types import Attributes, ModuleType, component_extern
from pywrt.component.values import read_value
from pywrt.config import DEFAULT_FEATURES
from pywrt.errors import InvalidError, LimitError, MalformedError
from pywrt.wasm import types as core
from pywrt.wasm.binary.reader import UNEXPECTED_END, Reader

#: Compiles the core module in `data[start:end]`; gives what the engine makes of it, and its type.
CompileModule = Callable[[bytes, int, int], tuple[Any, ModuleType]]


#: What the component suite calls some errors that the core suite has other names for.
_SUITE_MESSAGES = {
    UNEXPECTED_END: "unexpected end-of-file",
    "length out of bounds": "unexpected end-of-file",
    "unexpected content after last section": "section out of order: unexpected content after last section",
}


class _Component:
    """A component that is being decoded: its scope, and where in the file it ends."""

    __slots__ = ("end", "names", "scope")

    def __init__(self, scope: Scope, end: int) -> None:
        self.scope = scope
        self.end = end
        self.names = ComponentNames()


def decode_component(
    data: bytes, compile_module: CompileModule, features: frozenset[str] = DEFAULT_FEATURES
) -> ComponentCode:
    """Decode and validate the component that `data` is.

    Core modules in it are compiled by `compile_module`, in file order. Raises MalformedError and
    InvalidError, with offsets into `data` and with `feature` set where a feature that is not among
    `features`, or not built, is all that is missing.
    """
    try:
        return _Decoder(data, compile_module, features).decode()
    except MalformedError as error:
        message = _SUITE_MESSAGES.get(error.message)
        if message is None:
            raise
        raise MalformedError(message, offset=error.offset) from None
    except LimitError as error:
        raise InvalidError(error.message) from None


class _Decoder:
    """State of one decoding; `stack` holds the components that enclose the current position."""

    def __init__(self, data: bytes, compile_module: CompileModule, features: frozenset[str]) -> None:
        self.data = data
        self.compile_module = compile_module
        self.features = features
        self.work = Work()
        self.pointers = Pointers()
        self.count = 0
        self.stack: list[_Component] = []

    def decode(self) -> ComponentCode:
        reader = Reader(self.data, 0, len(self.data))
        self.open_component(reader, len(self.data))
        while True:
            component = self.stack[-1]
            while reader.pos >= component.end:
                code = self.close_component()
                if not self.stack:
                    return code
                component = self.stack[-1]
            reader.end = component.end
            self.section(reader, component)

    def open_component(self, reader: Reader, end: int) -> None:
        """Begin a component at the reader's position."""
        check_preamble(reader, end, nested=bool(self.stack))
        self.count += 1
        if self.count > MAX_COMPONENTS:
            raise InvalidError(f"components count exceeds limit of {MAX_COMPONENTS}", offset=reader.pos)
        parent = self.stack[-1].scope if self.stack else None
        scope = _located(lambda: Scope("component", parent, self.work, self.features), reader.pos)
        self.stack.append(_Component(scope, end))

    def close_component(self) -> ComponentCode:
        """End the innermost component; it is entered into the one around it."""
        done = self.stack.pop()
        scope = done.scope
        type = _located(scope.component_type, done.end)
        code = ComponentCode(tuple(scope.definitions), type, done.names.own, done.names.by_sort)
        if self.stack:
            outer = self.stack[-1].scope
            _located(lambda: outer.add("component", component_extern(type)), done.end)
            outer.definitions.append(ComponentDef(code))
        return code

    def section(self, reader: Reader, component: _Component) -> None:
        """One section, or the beginning of a nested component."""
        start = reader.pos
        section = reader.byte()
        if section > 12:
            raise MalformedError(f"malformed section id: {section}", offset=start)
        size = reader.u32()
        begin = reader.pos
        if size > component.end - begin:
            raise MalformedError(UNEXPECTED_END, offset=component.end)
        end = begin + size
        if section == 4:
            reader.end = end
            self.open_component(reader, end)
            return
        content = Reader(self.data, begin, end)
        reader.pos = end
        if section == 0:
            _custom_section(content, component)
        elif section == 1:
            self.core_module(content, component.scope)
        elif section == 9:
            component.scope.require(VALUES, "a start section")
            self.item(_start, content, component.scope)
            _check_end(content)
        else:
            self.vector(content, component.scope, _SECTIONS[section])

    def core_module(self, reader: Reader, scope: Scope) -> None:
        """Section 1: a core module, in place."""
        if self.data[reader.pos : min(reader.end, reader.pos + 8)] == PREAMBLE:
            raise MalformedError(
                "expected a version header for a module: found a component", offset=reader.pos
            )
        start, end = reader.pos, reader.end
        code, type = _located(lambda: self.compile_module(self.data, start, end), start)
        _located(lambda: scope.define_module(code, type), start)

    def vector(self, reader: Reader, scope: Scope, read: "_Read") -> None:
        """A section that is a vector of definitions."""
        for _ in range(reader.count("definitions", MAX_INDEX_SPACE)):
            self.item(read, reader, scope)
        _check_end(reader)

    def item(self, read: "_Read", reader: Reader, scope: Scope) -> None:
        """One definition of a section."""
        start = reader.pos
        try:
            read(reader, scope, self)
        except InvalidError as error:
            if error.offset is None:
                error.offset = start
            raise


#: Reads one definition of a section.
_Read = Callable[[Reader, Scope, _Decoder], None]


def _check_end(reader: Reader) -> None:
    if reader.pos != reader.end:
        raise MalformedError("unexpected content in a section: section size mismatch", offset=reader.pos)


def check_preamble(reader: Reader, end: int, nested: bool) -> None:
    """Pass over the preamble of a component; MalformedError says what is there instead."""
    start = reader.pos
    found = reader.data[start : min(start + 8, end)]
    reader.pos = start + len(found)
    if found == PREAMBLE:
        return
    if found[:8] == CORE_PREAMBLE:
        hint = "" if nested else "; load it as a module (pywrt.Module), or make a component of it first"
        raise MalformedError(
            f"expected a version header for a component: this is a core module, not a component{hint}",
            offset=start + 4,
        )
    if found[:4] != PREAMBLE[: len(found[:4])]:
        raise MalformedError("magic header not detected: this is not a WebAssembly binary", offset=start)
    if len(found) < 8:
        raise MalformedError(UNEXPECTED_END, offset=start + len(found))
    raise MalformedError(f"unknown binary version: found {found[4:].hex(' ')}", offset=start + 4)


def _located(action: Callable[[], Any], offset: int) -> Any:
    """What `action` returns; an InvalidError that it raises gets `offset`."""
    try:
        return action()
    except InvalidError as error:
        if error.offset is None:
            error.offset = offset
        raise


# Definitions. Spec: Binary.md, in its order


def _core_instance(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    form = reader.byte()
    if form == 0x00:
        module = reader.u32()
        scope.get("core module", module)
        args: list[tuple[str, int]] = []
        for _ in range(reader.count("arguments", MAX_INDEX_SPACE)):
            name = reader.name()
            kind = reader.byte()
            if kind != 0x12:
                raise leading_byte(reader, kind, "instantiation arg kind")
            args.append((name, reader.u32()))
        scope.core_instantiate(module, args)
    elif form == 0x01:
        items: list[tuple[str, str, int]] = []
        for _ in range(reader.count("exports", MAX_INDEX_SPACE)):
            name = reader.name()
            items.append((name, read_core_sort(reader, "core external kind"), reader.u32()))
        scope.core_exports(items)
    else:
        raise leading_byte(reader, form, "core instance")


def _instance(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    form = reader.byte()
    if form == 0x00:
        component = reader.u32()
        args: list[tuple[str, str, int]] = []
        for _ in range(reader.count("arguments", MAX_INDEX_SPACE)):
            name = reader.name()
            args.append((name, read_sort(reader), reader.u32()))
        scope.instantiate(component, args)
    elif form == 0x01:
        items: list[tuple[str, Attributes, str, int]] = []
        for _ in range(reader.count("exports", MAX_INDEX_SPACE)):
            name, attributes = read_name_attributes(reader, scope)
            items.append((name, attributes, read_sort(reader), reader.u32()))
        scope.instance_exports(items)
    else:
        raise leading_byte(reader, form, "instance")


def _alias(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    read_alias(reader, scope)


def _core_type(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    read_core_type(reader, scope)


def _type(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    read_type(reader, scope)


def _canon(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    code = reader.byte()
    canon = CANONS.get(code)
    if canon is None:
        raise leading_byte(reader, code, "canonical function")
    read: list[Any] = []
    for immediate in canon.immediates:
        value = _IMMEDIATES[immediate](reader, scope, canon)
        if not immediate.startswith("zero_"):
            read.append(value)
    if canon.feature is not None:
        scope.require(canon.feature, f"`{canon.name}`")
    RULES[canon.name](scope, decoder.pointers, *read)


def _import(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    name, attributes = read_name_attributes(reader, scope)
    scope.import_(name, attributes, read_extern_type(reader, scope))


def _export(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    name, attributes = read_name_attributes(reader, scope)
    sort, index = read_sort(reader), reader.u32()
    is_ascribed = read_bool(reader, "optional component export type")
    ascribed = read_extern_type(reader, scope) if is_ascribed else None
    scope.export(name, attributes, sort, index, ascribed, is_ascribed)


def _start(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    func = reader.u32()
    args = reader.u32s(reader.count("arguments", MAX_INDEX_SPACE))
    scope.start(func, args, reader.u32())


def _value(reader: Reader, scope: Scope, decoder: _Decoder) -> None:
    scope.require(VALUES, "a value section")
    item = read_valtype(reader, scope)
    size = reader.u32()
    start = reader.skip(size)
    content = Reader(reader.data, start, start + size)
    value = read_value(content, item.type)  # type: ignore[arg-type]
    if content.pos != content.end:
        raise MalformedError("unexpected content behind a value: value size mismatch", offset=content.pos)
    scope.define_value(item, value)


_SECTIONS: dict[int, _Read] = {
    2: _core_instance,
    3: _core_type,
    5: _instance,
    6: _alias,
    7: _type,
    8: _canon,
    10: _import,
    11: _export,
    12: _value,
}


# Immediates of canonical definitions


def _index(reader: Reader, scope: Scope, canon: Canon) -> int:
    return reader.u32()


def _zero(reader: Reader, scope: Scope, canon: Canon) -> None:
    byte = reader.byte()
    if byte != 0:
        raise leading_byte(reader, byte, f"canonical function {canon.name}")


def _bool(reader: Reader, scope: Scope, canon: Canon) -> bool:
    byte = reader.byte()
    if byte > 1:
        raise MalformedError("invalid boolean value", offset=reader.pos - 1)
    return byte == 1


def _core_valtype(reader: Reader, scope: Scope, canon: Canon) -> core.ValType:
    byte = reader.byte()
    found = core.VALTYPE_BY_CODE.get(byte)
    if found is None:
        raise leading_byte(reader, byte, "core value type")
    return found


def _options(reader: Reader, scope: Scope, canon: Canon) -> list[tuple[str, int | None]]:
    options: list[tuple[str, int | None]] = []
    for _ in range(reader.count("options", 1_000)):
        code = reader.byte()
        row = CANON_OPTIONS.get(code)
        if row is None:
            raise leading_byte(reader, code, "canonical option")
        name, indexed = row
        options.append((name, reader.u32() if indexed else None))
    return options


def _results(reader: Reader, scope: Scope, canon: Canon) -> object:
    return read_result_list(reader, scope)


_IMMEDIATES: dict[str, Callable[[Reader, Scope, Canon], Any]] = {
    "zero_lift": _zero,
    "zero_lower": _zero,
    "core_func": _index,
    "core_memory": _index,
    "core_table": _index,
    "core_type": _index,
    "func": _index,
    "type": _index,
    "stream": _index,
    "future": _index,
    "slot": _index,
    "async": _bool,
    "cancellable": _bool,
    "shared": _bool,
    "core_valtype": _core_valtype,
    "opts": _options,
    "results": _results,
}


# Custom sections


def _custom_section(reader: Reader, component: _Component) -> None:
    name = reader.name()
    if name != NAME_SECTION:
        return
    try:
        component.names.read(reader)
    except MalformedError:
        return  # names are for messages only: a name section need not be well-formed
