"""Decode a module. Spec: binary/modules.html

Strategy: one pass over the sections with a `Reader` that is bounded by the file, not by the section, as
the reference interpreter does: a section whose content does not have the size it states is reported
behind it. Function bodies are only measured; `LazyCode` decodes one when it is asked for, and what is
malformed in a body shows then. Counts are never trusted with memory: a vector grows as items are read.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from pywrt.config import DEFAULT_FEATURES
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.instructions import read_reftype, read_valtype, skip_expr
from pywrt.wasm.binary.reader import UNEXPECTED_END, Reader, read_unsigned
from pywrt.wasm.module import Code, Custom, Data, Elem, Export, Expr, Global, Import, Module, Table
from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.types import (
    FUNCREF,
    ExternType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RefType,
    TableType,
    ValType,
)

MAGIC = b"\0asm"
VERSION = b"\1\0\0\0"

#: External kinds by their byte. Spec: binary/modules.html#import-section
EXTERNAL_KINDS = ("func", "table", "memory", "global")
_TAG_KIND = 4
_END, _I32_CONST = BY_MNEMONIC["end"].number, BY_MNEMONIC["i32.const"].number

#: Implementation limits (spec: appendix/implementation.html): they bound what a file's bytes cost in memory.
MAX_ITEMS = 1_000_000
MAX_PARAMS = 1_000
MAX_RUNS = 50_000
_MAX_ELEMENTS = 10_000_000


class LazyCode(Sequence[Code]):
    """The code section: bodies are decoded when they are indexed, nothing is kept.

    Indexing raises MalformedError for malformed local declarations.
    """

    __slots__ = ("_bounds", "_data", "_features", "_module_end")

    def __init__(
        self, data: bytes, bounds: list[tuple[int, int]], module_end: int, features: frozenset[str]
    ) -> None:
        """`bounds` are the start (behind the size) and end of each body."""
        self._data = data
        self._module_end = module_end
        self._bounds = bounds
        self._features = features

    def __len__(self) -> int:
        return len(self._bounds)

    @overload
    def __getitem__(self, index: int) -> Code: ...
    @overload
    def __getitem__(self, index: slice) -> list[Code]: ...
    def __getitem__(self, index: int | slice) -> Code | list[Code]:
        if isinstance(index, slice):
            return [self._decode(*bounds) for bounds in self._bounds[index]]
        return self._decode(*self._bounds[index])

    def __iter__(self) -> Iterator[Code]:
        return (self._decode(*bounds) for bounds in self._bounds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == yours for mine, yours in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def missing_end(self, end: int) -> str:
        """The message for a body whose bytes stop, at `end`, before its `end` instruction.

        The official suite expects what an interpreter reports that reads on behind the body.
        """
        if end != self._bounds[-1][1]:
            return "END opcode expected"
        return UNEXPECTED_END if end == self._module_end else "section size mismatch"

    def check_overrun(self, end: int) -> None:
        """Raise what is malformed in the last body if it is read up to `end`, whatever size it states.

        For bytes behind the code section that are no section: a body that states too small a size is the
        likely reason, and what the official suite expects to be named.
        """
        if self._bounds:
            skip_expr(self._locals(self._bounds[-1][0], end)[0])

    def _decode(self, start: int, end: int) -> Code:
        reader, runs = self._locals(start, end)
        return Code(start, runs, Expr(self._data, reader.pos, end))

    def _locals(self, start: int, end: int) -> tuple[Reader, tuple[tuple[int, ValType], ...]]:
        reader = Reader(self._data, start, end)
        total = 0
        runs: list[tuple[int, ValType]] = []
        for _ in range(reader.count("local declarations", MAX_RUNS)):
            offset = reader.pos
            count = reader.u32()
            total += count
            if total > 0xFFFFFFFF:
                raise MalformedError("too many locals", offset=offset)
            runs.append((count, read_valtype(reader, self._features)))
        return reader, tuple(runs)


class _Decoder:
    """State of one decoding: the module so far, and what its sections must agree on."""

    def __init__(self, reader: Reader, features: frozenset[str]) -> None:
        self.reader = reader
        self.features = features
        self.module = Module()
        self.section = 0  # id of the last known section

    def items(self, what: str, item: "Callable[[_Decoder], Any]") -> list[Any]:
        """A section that is a vector."""
        count = self.reader.count(what, MAX_ITEMS)
        return [item(self) for _ in range(count)]


# Types. Spec: binary/types.html


def _valtypes(decoder: _Decoder, what: str) -> tuple[ValType, ...]:
    reader = decoder.reader
    count = reader.count(what, MAX_PARAMS)
    return tuple([read_valtype(reader, decoder.features) for _ in range(count)])


def _functype(decoder: _Decoder) -> FuncType:
    reader = decoder.reader
    form = reader.byte()
    if form != 0x60:
        if form >= 0x80:  # the specification takes it for a 7-bit integer
            raise MalformedError("integer representation too long", offset=reader.pos - 1)
        feature = "gc" if form in (0x4E, 0x4F, 0x50, 0x5E, 0x5F) else None
        detail = "" if feature is None else f": needs the feature {feature}"
        raise MalformedError(
            f"malformed type definition 0x{form:02x}{detail}", offset=reader.pos - 1, feature=feature
        )
    return FuncType(_valtypes(decoder, "parameters"), _valtypes(decoder, "results"))


#: What a bit of a limits' flags byte needs, beyond 1 for "has a maximum".
_LIMITS_FEATURES = ((0x04, "memory64"), (0x02, "threads"))


def _limits(reader: Reader) -> Limits:
    flags = reader.byte()
    if flags > 1:
        feature = None
        for bit, name in _LIMITS_FEATURES:
            if flags < 8 and flags & bit:
                feature = name
                break
        detail = "" if feature is None else f": needs the feature {feature}"
        raise MalformedError(
            f"malformed limits flags 0x{flags:02x}{detail}", offset=reader.pos - 1, feature=feature
        )
    # Sizes are read as 64 bits, so that one too large for the address type is invalid, not malformed.
    minimum = reader.u64()
    return Limits(minimum, reader.u64() if flags else None)


def _tabletype(reader: Reader) -> TableType:
    element = read_reftype(reader)
    return TableType(element, _limits(reader))


def _globaltype(decoder: _Decoder) -> GlobalType:
    reader = decoder.reader
    value = read_valtype(reader, decoder.features)
    mutable = reader.byte()
    if mutable > 1:
        raise MalformedError("malformed mutability", offset=reader.pos - 1)
    return GlobalType(value, mutable == 1)


def _expr(reader: Reader) -> Expr:
    data, start = reader.data, reader.pos
    if start < reader.end and data[start] == _I32_CONST:  # nearly all: compilers write 10,000 segments
        reader.pos = start + 1
        reader.signed(32)
        if reader.pos < reader.end and data[reader.pos] == _END:
            reader.pos += 1
            return Expr(data, start, reader.pos)
        reader.pos = start
    skip_expr(reader)
    return Expr(data, start, reader.pos)


# Sections, in the order of the specification. Spec: binary/modules.html


def _type_section(decoder: _Decoder) -> None:
    decoder.module.types = decoder.items("types", _functype)


def _import_section(decoder: _Decoder) -> None:
    decoder.module.imports = decoder.items("imports", _import)


def _import(decoder: _Decoder) -> Import:
    reader = decoder.reader
    module, name = reader.name(), reader.name()
    desc, index = _externtype(decoder, decoder.module.types)
    return Import(module, name, desc, index)


def _externtype(decoder: _Decoder, types: Sequence[FuncType]) -> tuple[ExternType, int]:
    """An external type, and of a function the index of its type."""
    reader = decoder.reader
    kind = reader.byte()
    if kind == 0:
        offset = reader.pos
        index = reader.u32()
        if index >= len(types):
            raise InvalidError(f"unknown type {index}", offset=offset)
        return types[index], index
    if kind == 1:
        return _tabletype(reader), 0
    if kind == 2:
        return MemoryType(_limits(reader)), 0
    if kind == 3:
        return _globaltype(decoder), 0
    raise _kind_error("malformed import kind", kind, reader.pos - 1)


def read_functype(reader: Reader, features: frozenset[str] = DEFAULT_FEATURES) -> FuncType:
    """A function type on its own, as components define core types. Spec: binary/types.html#function-types"""
    return _functype(_Decoder(reader, features))


def read_externtype(
    reader: Reader, types: Sequence[FuncType], features: frozenset[str] = DEFAULT_FEATURES
) -> ExternType:
    """An external type on its own, whose function types are in `types`.

    Spec: binary/modules.html#import-section
    """
    return _externtype(_Decoder(reader, features), types)[0]


def _kind_error(message: str, kind: int, offset: int) -> MalformedError:
    feature = "exceptions" if kind == _TAG_KIND else None
    detail = "" if feature is None else f" (a tag): needs the feature {feature}"
    return MalformedError(f"{message} 0x{kind:02x}{detail}", offset=offset, feature=feature)


def _function_section(decoder: _Decoder) -> None:
    reader = decoder.reader
    decoder.module.funcs = reader.u32s(reader.count("functions", MAX_ITEMS))


def _table_section(decoder: _Decoder) -> None:
    decoder.module.tables = decoder.items("tables", _table)


def _table(decoder: _Decoder) -> Table:
    reader = decoder.reader
    if reader.pos < reader.end and reader.data[reader.pos] == 0x40:
        reader.byte()
        if reader.byte() != 0:
            raise MalformedError("zero byte expected", offset=reader.pos - 1)
        return Table(_tabletype(reader), _expr(reader))
    return Table(_tabletype(reader))


def _memory_section(decoder: _Decoder) -> None:
    decoder.module.memories = decoder.items("memories", lambda d: MemoryType(_limits(d.reader)))


def _tag_section(decoder: _Decoder) -> None:
    raise MalformedError(
        "malformed section id 13 (tags): needs the feature exceptions",
        offset=decoder.reader.pos,
        feature="exceptions",
    )


def _global_section(decoder: _Decoder) -> None:
    decoder.module.globals = decoder.items(
        "globals", lambda d: Global(type=_globaltype(d), init=_expr(d.reader))
    )


def _export_section(decoder: _Decoder) -> None:
    decoder.module.exports = decoder.items("exports", _export)


def _export(decoder: _Decoder) -> Export:
    reader = decoder.reader
    name = reader.name()
    kind = reader.byte()
    if kind >= len(EXTERNAL_KINDS):
        raise _kind_error("malformed export kind", kind, reader.pos - 1)
    return Export(name, EXTERNAL_KINDS[kind], reader.u32())


def _start_section(decoder: _Decoder) -> None:
    decoder.module.start = decoder.reader.u32()


def _element_section(decoder: _Decoder) -> None:
    decoder.module.elems = decoder.items("element segments", _elem)


def _elem(decoder: _Decoder) -> Elem:
    """Bits of the kind: 0 not active, 1 explicit table index or declarative, 2 elements are expressions."""
    reader = decoder.reader
    start = reader.pos
    kind = reader.u32()
    if kind > 7:
        raise MalformedError("malformed elements segment kind", offset=start)
    mode, table, offset = "active", 0, None
    if kind & 1:
        mode = "declarative" if kind & 2 else "passive"
    else:
        table = reader.u32() if kind & 2 else 0
        offset = _expr(reader)
    reftype: RefType = FUNCREF
    if kind & 3:  # the short active forms leave the type out
        if kind & 4:
            reftype = read_reftype(reader)
        elif (code := reader.byte()) != 0:
            raise MalformedError(f"malformed element kind 0x{code:02x}", offset=reader.pos - 1)
    count = reader.count("elements", _MAX_ELEMENTS)
    init: tuple[int | Expr, ...]
    init = tuple(reader.vector(_expr, count)) if kind & 4 else tuple(reader.u32s(count))
    return Elem(reftype, init, mode, table, offset)


def _data_count_section(decoder: _Decoder) -> None:
    decoder.module.data_count = decoder.reader.u32()


def _code_section(decoder: _Decoder) -> None:
    reader = decoder.reader
    data, end = reader.data, reader.end
    count = reader.count("functions", MAX_ITEMS)
    pos = reader.pos
    bounds = []
    for _ in range(count):
        if pos < end and (size := data[pos]) < 0x80:
            pos += 1
        else:
            size, pos = read_unsigned(data, pos, end, 32)
        if size > end - pos:
            raise MalformedError(UNEXPECTED_END, offset=end)
        bounds.append((pos, pos + size))
        pos += size
    reader.pos = pos
    decoder.module.code = LazyCode(data, bounds, end, decoder.features)


def _data_section(decoder: _Decoder) -> None:
    decoder.module.datas = decoder.items("data segments", _data)


def _data(decoder: _Decoder) -> Data:
    reader = decoder.reader
    start = reader.pos
    kind = reader.u32()
    if kind > 2:
        raise MalformedError("malformed data segment kind", offset=start)
    mode, memory, offset = "passive", 0, None
    if kind != 1:
        mode = "active"
        memory = reader.u32() if kind == 2 else 0
        offset = _expr(reader)
    size = reader.u32()
    begin = reader.skip(size)
    return Data(reader.data, begin, begin + size, mode, memory, offset)


#: Known sections in the order in which they may stand.
_SECTIONS: dict[int, Callable[[_Decoder], None]] = {
    1: _type_section,
    2: _import_section,
    3: _function_section,
    4: _table_section,
    5: _memory_section,
    13: _tag_section,
    6: _global_section,
    7: _export_section,
    8: _start_section,
    9: _element_section,
    12: _data_count_section,
    10: _code_section,
    11: _data_section,
}
_CODE = 10
#: Place of each section in that order, by id; a custom section has none.
SECTION_ORDER = {section: place for place, section in enumerate(_SECTIONS, 1)}

_INCONSISTENT_CODE = "function and code section have inconsistent lengths"
_INCONSISTENT_DATA = "data count and data section have inconsistent lengths"


def decode_module(
    data: bytes, start: int = 0, end: int | None = None, *, features: frozenset[str] = DEFAULT_FEATURES
) -> Module:
    """Decode the module in `data[start:end]`; function bodies are decoded on demand.

    The module keeps `data`, and offsets count from the start of it. Raises MalformedError (with
    `feature` set where a proposal that is not built, or is not in `features`, is what is missing),
    InvalidError for an imported function of an unknown type, and LimitError past implementation limits.
    Spec: binary/modules.html#binary-module
    """
    data = bytes(data)  # a copy only of what isn't bytes: nobody may change what was validated
    reader = Reader(data, start, len(data) if end is None else end)
    _header(reader)
    decoder = _Decoder(reader, features)
    while reader.pos < reader.end:
        _section(decoder)
    module = decoder.module
    if len(module.code) != len(module.funcs):
        raise MalformedError(_INCONSISTENT_CODE, offset=reader.end)
    if module.data_count is not None and module.data_count != len(module.datas):
        raise MalformedError(_INCONSISTENT_DATA, offset=reader.end)
    return module


def _header(reader: Reader) -> None:
    for expected, message in ((MAGIC, "magic header not detected"), (VERSION, "unknown binary version")):
        found = reader.data[reader.pos : min(reader.pos + 4, reader.end)]
        if len(found) < 4:
            raise MalformedError("unexpected end", offset=reader.end)
        if found != expected:
            raise MalformedError(message + _header_hint(expected, found), offset=reader.pos)
        reader.pos += 4


def _header_hint(expected: bytes, found: bytes) -> str:
    if expected == VERSION and found == b"\x0d\0\1\0":
        return ": this is a component, not a core module"
    return f": found {found.hex(' ')}"


def _section(decoder: _Decoder) -> None:
    reader = decoder.reader
    start = reader.pos
    section = reader.byte()
    if section != 0 and section not in SECTION_ORDER:
        if isinstance(decoder.module.code, LazyCode) and decoder.section == _CODE:
            decoder.module.code.check_overrun(reader.end)
        raise MalformedError(f"malformed section id {section}", offset=start)
    before = reader.pos
    size = reader.u32()
    end = reader.pos + size
    if end > reader.end:
        raise MalformedError("length out of bounds", offset=before)
    if section == 0:
        content = Reader(reader.data, reader.pos, end)
        name = content.name()
        decoder.module.customs.append(Custom(name, reader.data[content.pos : end], decoder.section))
        reader.pos = end
        return
    if decoder.section and SECTION_ORDER[section] <= SECTION_ORDER[decoder.section]:
        raise MalformedError("unexpected content after last section", offset=start)
    decoder.section = section
    try:
        _SECTIONS[section](decoder)
    except MalformedError as error:
        if error.feature is None or error.offset is None or error.offset < end:
            raise
        # what looks like another proposal's opcode is the next section: an `end` is missing in this one
        raise MalformedError("unexpected end of section or function", offset=end) from None
    if reader.pos != end:
        raise MalformedError("section size mismatch", offset=reader.pos)
