"""Decode a module. Spec: binary/modules.html

Strategy: one pass over the sections with a `Reader` that is bounded by the file, not by the section, as
the reference interpreter does: a section whose content does not have the size it states is reported
behind it. Function bodies are only measured; `LazyCode` decodes one when it is asked for, and what is
malformed in a body shows then. Counts are never trusted with memory: a vector grows as items are read.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from pywrt.config import DEFAULT_FEATURES
from pywrt.errors import InvalidError, LimitError, MalformedError
from pywrt.wasm.binary.instructions import skip_expr
from pywrt.wasm.binary.reader import UNEXPECTED_END, Reader, read_unsigned
from pywrt.wasm.binary.sections import (
    CODE_SECTION,
    CUSTOM_SECTION,
    DATA_COUNT_SECTION,
    DATA_SECTION,
    ELEMENT_SECTION,
    EXACT_FUNC_KIND,
    EXPORT_SECTION,
    EXTERNAL_KINDS,
    FUNCTION_SECTION,
    GLOBAL_SECTION,
    IMPORT_SECTION,
    KIND_FEATURES,
    MAGIC,
    MEMORY_SECTION,
    SECTION_FEATURES,
    SECTION_NAMES,
    SECTION_ORDER,
    START_SECTION,
    TABLE_SECTION,
    TAG_SECTION,
    TYPE_SECTION,
    VERSION,
)
from pywrt.wasm.binary.types import (
    read_globaltype,
    read_memorytype,
    read_rec,
    read_reftype,
    read_subtype,
    read_tabletype,
    read_valtype,
    require,
)
from pywrt.wasm.module import Code, Custom, Data, Elem, Export, Expr, Global, Import, Module, Table, Tag
from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.types import FUNCREF, ExternType, FuncType, RefType, SubType, TagType, ValType, ref_type

_END, _I32_CONST = BY_MNEMONIC["end"].number, BY_MNEMONIC["i32.const"].number

#: Implementation limits (spec: appendix/implementation.html): they bound what a file's bytes cost in memory.
MAX_ITEMS = 1_000_000
MAX_RUNS = 50_000
_MAX_ELEMENTS = 10_000_000

#: The type of an element segment that lists function indices.
FUNC_REFERENCES = ref_type("func", False)


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
    reader, features = decoder.reader, decoder.features
    types, groups = decoder.module.types, decoder.module.rec_groups
    for _ in range(reader.count("types", MAX_ITEMS)):
        members = read_rec(reader, features, MAX_ITEMS - len(types))
        if members is not None:
            groups.append((len(types), len(members)))
            types += members
        elif len(types) < MAX_ITEMS:
            types.append(read_subtype(reader, features))
        else:
            raise LimitError(f"too many types: at most {MAX_ITEMS} are allowed")


def _import_section(decoder: _Decoder) -> None:
    decoder.module.imports = decoder.items("imports", _import)


def _import(decoder: _Decoder) -> Import:
    reader = decoder.reader
    module, name = reader.name(), reader.name()
    exact = reader.pos < reader.end and reader.data[reader.pos] == EXACT_FUNC_KIND
    desc, index = read_externtype(reader, decoder.module.types, decoder.features)
    return Import(module, name, desc, index, exact)


def _functype_index(reader: Reader, types: Sequence[SubType]) -> tuple[FuncType, int]:
    """The index of a function type among `types`, and that type."""
    offset = reader.pos
    index = reader.u32()
    if index >= len(types):
        raise InvalidError(f"unknown type {index}", offset=offset)
    composite = types[index].composite
    if not isinstance(composite, FuncType):
        raise InvalidError(f"non-function type {index}: it is {composite}", offset=offset)
    return composite, index


def _tagtype(reader: Reader, types: Sequence[SubType]) -> tuple[TagType, int]:
    """A tag's type and the index in it. Spec: binary/types.html#tag-types"""
    if reader.byte() != 0:
        raise MalformedError("zero byte expected", offset=reader.pos - 1)
    functype, index = _functype_index(reader, types)
    return TagType(functype), index


def _kind(kind: int, features: frozenset[str], message: str, offset: int) -> str:
    """The name of an external kind."""
    if kind >= len(EXTERNAL_KINDS):
        raise MalformedError(f"{message} 0x{kind:02x}", offset=offset)
    name = EXTERNAL_KINDS[kind]
    if name in KIND_FEATURES:
        require(KIND_FEATURES[name], features, f"{message} 0x{kind:02x} (a {name})", offset)
    return name


def read_externtype(
    reader: Reader, types: Sequence[SubType], features: frozenset[str] = DEFAULT_FEATURES
) -> tuple[ExternType, int]:
    """An external type whose type index is one in `types`, and that index (0 if it has none).

    InvalidError for an index that isn't a function type's. Spec: binary/types.html#external-types
    """
    start = reader.pos
    kind = reader.byte()
    if kind == 0:  # a function, as nearly all are
        return _functype_index(reader, types)
    message = "malformed import kind"
    if kind == EXACT_FUNC_KIND:
        require("custom-descriptors", features, f"{message} 0x{kind:02x} (an exact function)", start)
        return _functype_index(reader, types)
    name = _kind(kind, features, message, start)
    if name == "tag":
        return _tagtype(reader, types)
    return _TYPE_READERS[name](reader, features), 0


_TYPE_READERS: dict[str, Callable[[Reader, frozenset[str]], ExternType]] = {
    "table": read_tabletype,
    "memory": read_memorytype,
    "global": read_globaltype,
}


def _function_section(decoder: _Decoder) -> None:
    reader = decoder.reader
    decoder.module.funcs = reader.u32s(reader.count("functions", MAX_ITEMS))


def _table_section(decoder: _Decoder) -> None:
    decoder.module.tables = decoder.items("tables", _table)


def _table(decoder: _Decoder) -> Table:
    reader, features = decoder.reader, decoder.features
    start = reader.pos
    if start < reader.end and reader.data[start] == 0x40:
        require("function-references", features, "malformed table: an initialiser", start)
        reader.byte()
        if reader.byte() != 0:
            raise MalformedError("zero byte expected", offset=reader.pos - 1)
        return Table(read_tabletype(reader, features), _expr(reader))
    return Table(read_tabletype(reader, features))


def _memory_section(decoder: _Decoder) -> None:
    decoder.module.memories = decoder.items("memories", lambda d: read_memorytype(d.reader, d.features))


def _tag_section(decoder: _Decoder) -> None:
    types = decoder.module.types
    decoder.module.tags = decoder.items("tags", lambda d: Tag(*_tagtype(d.reader, types)))


def _global_section(decoder: _Decoder) -> None:
    decoder.module.globals = decoder.items(
        "globals", lambda d: Global(type=read_globaltype(d.reader, d.features), init=_expr(d.reader))
    )


def _export_section(decoder: _Decoder) -> None:
    decoder.module.exports = decoder.items("exports", _export)


def _export(decoder: _Decoder) -> Export:
    reader = decoder.reader
    name = reader.name()
    start = reader.pos
    kind = _kind(reader.byte(), decoder.features, "malformed export kind", start)
    return Export(name, kind, reader.u32())


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
    if kind:
        require("bulk-memory", decoder.features, f"malformed elements segment kind {kind}", start)
    mode, table, offset = "active", 0, None
    if kind & 1:
        mode = "declarative" if kind & 2 else "passive"
    else:
        table = reader.u32() if kind & 2 else 0
        offset = _expr(reader)
    reftype: RefType = FUNCREF if kind & 4 else FUNC_REFERENCES
    if kind & 3:  # the short active forms leave the type out
        if kind & 4:
            reftype = read_reftype(reader, decoder.features)
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
    if kind:
        require("bulk-memory", decoder.features, f"malformed data segment kind {kind}", start)
    mode, memory, offset = "passive", 0, None
    if kind != 1:
        mode = "active"
        memory = reader.u32() if kind == 2 else 0
        offset = _expr(reader)
    size = reader.u32()
    begin = reader.skip(size)
    return Data(reader.data, begin, begin + size, mode, memory, offset)


#: How each known section is read.
_SECTIONS: dict[int, Callable[[_Decoder], None]] = {
    TYPE_SECTION: _type_section,
    IMPORT_SECTION: _import_section,
    FUNCTION_SECTION: _function_section,
    TABLE_SECTION: _table_section,
    MEMORY_SECTION: _memory_section,
    TAG_SECTION: _tag_section,
    GLOBAL_SECTION: _global_section,
    EXPORT_SECTION: _export_section,
    START_SECTION: _start_section,
    ELEMENT_SECTION: _element_section,
    DATA_COUNT_SECTION: _data_count_section,
    CODE_SECTION: _code_section,
    DATA_SECTION: _data_section,
}

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
    if section != CUSTOM_SECTION and section not in SECTION_ORDER:
        if isinstance(decoder.module.code, LazyCode) and decoder.section == CODE_SECTION:
            decoder.module.code.check_overrun(reader.end)
        raise MalformedError(f"malformed section id {section}", offset=start)
    before = reader.pos
    size = reader.u32()
    end = reader.pos + size
    if end > reader.end:
        raise MalformedError("length out of bounds", offset=before)
    if section == CUSTOM_SECTION:
        content = Reader(reader.data, reader.pos, end)
        name = content.name()
        decoder.module.customs.append(Custom(name, reader.data[content.pos : end], decoder.section))
        reader.pos = end
        return
    if decoder.section and SECTION_ORDER[section] <= SECTION_ORDER[decoder.section]:
        raise MalformedError("unexpected content after last section", offset=start)
    decoder.section = section
    if section in SECTION_FEATURES:
        message = f"malformed section id {section} ({SECTION_NAMES[section]})"
        require(SECTION_FEATURES[section], decoder.features, message, start)
    try:
        _SECTIONS[section](decoder)
    except MalformedError as error:
        if error.feature is None or error.offset is None or error.offset < end:
            raise
        # what looks like another proposal's opcode is the next section: an `end` is missing in this one
        raise MalformedError("unexpected end of section or function", offset=end) from None
    if reader.pos != end:
        raise MalformedError("section size mismatch", offset=reader.pos)
