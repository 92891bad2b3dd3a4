"""The `name` custom section. Spec: appendix/custom.html#name-section

Names are for people: what is malformed in the section is left out, never an error.
"""

from collections.abc import Callable, Mapping
from typing import Any

import leb128

from pywrt.errors import MalformedError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.module import Module

#: Names by index.
NameMap = dict[int, str]
#: Names by index within something that has an index: a function's locals, a type's fields.
IndirectNameMap = dict[int, NameMap]


class Names:
    """What the section says; empty where it says nothing. `module` is None without a name of its own."""

    __slots__ = (
        "datas",
        "elems",
        "fields",
        "functions",
        "globals",
        "labels",
        "locals",
        "memories",
        "module",
        "tables",
        "tags",
        "types",
    )

    def __init__(self) -> None:
        self.module: str | None = None
        self.functions: NameMap = {}
        self.locals: IndirectNameMap = {}  # by function
        self.labels: IndirectNameMap = {}  # by function; labels count in the order of their blocks
        self.types: NameMap = {}
        self.tables: NameMap = {}
        self.memories: NameMap = {}
        self.globals: NameMap = {}
        self.elems: NameMap = {}
        self.datas: NameMap = {}
        self.fields: IndirectNameMap = {}  # by type
        self.tags: NameMap = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Names):
            return NotImplemented
        return all(getattr(self, part) == getattr(other, part) for part in SUBSECTIONS)

    __hash__ = None  # type: ignore[assignment]


#: Attributes of `Names` by the id of the subsection.
SUBSECTIONS = (
    "module",
    "functions",
    "locals",
    "labels",
    "types",
    "tables",
    "memories",
    "globals",
    "elems",
    "datas",
    "fields",
    "tags",
)
_MODULE, _FUNCTIONS = SUBSECTIONS.index("module"), SUBSECTIONS.index("functions")
_INDIRECT = frozenset(("locals", "labels", "fields"))


# Reading


def _subsections(module: Module) -> dict[int, Reader]:
    """The contents of the subsections by id: the first of each."""
    found: dict[int, Reader] = {}
    for custom in module.customs:
        if custom.name != "name":
            continue
        reader = Reader(custom.data, 0, len(custom.data))
        try:
            while reader.pos < reader.end:
                subsection = reader.byte()
                size = reader.u32()
                start = reader.skip(size)
                found.setdefault(subsection, Reader(custom.data, start, start + size))
        except MalformedError:
            continue
    return found


def _name(reader: Reader) -> str:
    """A name, with U+FFFD for what is not UTF-8."""
    size = reader.u32()
    start = reader.skip(size)
    return reader.data[start : start + size].decode(errors="replace")


def _read_map(reader: Reader, names: dict[int, Any], item: Callable[[Reader], Any]) -> None:
    """Add to `names` the entries of a map: those before the first malformed one if there is one."""
    try:
        for _ in range(reader.u32()):
            index = reader.u32()
            names[index] = item(reader)
    except MalformedError:
        reader.pos = reader.end


def _name_map(reader: Reader) -> NameMap:
    names: NameMap = {}
    _read_map(reader, names, _name)
    return names


def read_names(module: Module) -> Names:
    """All names of the module. Takes time in proportion to the section: ask once and keep the answer."""
    names = Names()
    names.module = module_name(module)
    for subsection, reader in _subsections(module).items():
        if 0 < subsection < len(SUBSECTIONS):
            attribute = SUBSECTIONS[subsection]
            _read_map(reader, getattr(names, attribute), _name_map if attribute in _INDIRECT else _name)
    return names


def module_name(module: Module) -> str | None:
    """The module's name, or None if it has none or it is malformed."""
    reader = _subsections(module).get(_MODULE)
    try:
        return None if reader is None else _name(reader)
    except MalformedError:
        return None


def function_names(module: Module) -> NameMap:
    """Names by function index; those before the first malformed entry if there is one.

    Takes time in proportion to the section: ask once and keep the answer.
    """
    reader = _subsections(module).get(_FUNCTIONS)
    return {} if reader is None else _name_map(reader)


# Writing


def _u(value: int) -> bytes:
    return bytes(leb128.u.encode(value))


def _sized(content: bytes) -> bytes:
    return _u(len(content)) + content


def _write_name(name: str) -> bytes:
    return _sized(name.encode())


def _write_map(names: Mapping[int, Any], item: Callable[[Any], bytes]) -> bytes:
    return b"".join([_u(len(names)), *(_u(index) + item(names[index]) for index in sorted(names))])


def _write_name_map(names: NameMap) -> bytes:
    return _write_map(names, _write_name)


def encode_names(names: Names) -> bytes:
    """The content of a `name` section: empty if there are no names."""
    parts = []
    if names.module is not None:
        parts.append(bytes((_MODULE,)) + _sized(_write_name(names.module)))
    for subsection, attribute in enumerate(SUBSECTIONS):
        entries = getattr(names, attribute)
        if subsection == _MODULE or not entries:
            continue
        content = _write_map(entries, _write_name_map if attribute in _INDIRECT else _write_name)
        parts.append(bytes((subsection,)) + _sized(content))
    return b"".join(parts)
