"""Core types within components. Spec: Explainer.md#type-definitions

Unlike all else in a component, a core type may refer to itself, and to those of its recursion group.
"""

from pywrt.component.text.context import ANONYMOUS, Binding, Context, Ref
from pywrt.component.text.encoding import ALIAS, CORE_TYPE, EXPORT, IMPORT, name_bytes
from pywrt.component.text.scope import MODULE_TYPE
from pywrt.wasm.binary.encoder import encode_externtype, encode_rectype, encode_subtype
from pywrt.wasm.text.cursor import Space
from pywrt.wasm.text.instructions import unsigned
from pywrt.wasm.text.types import (
    read_functype,
    read_globaltype,
    read_memorytype,
    read_subtype,
    read_tabletype,
)
from pywrt.wasm.types import ExternType, FuncType, SubType, TagType

#: Begins a module type where a core type may stand, so that a subtype needs a byte in front.
_MODULE_TYPE = b"\x50"


# Each begins behind its keyword and ends before its closing parenthesis.


def define_core_type(context: Context, binding: Binding) -> int:
    """`(core type <id>? ...)`, behind the identifier"""
    if context.cursor.open("module"):
        content = read_module_type(context, binding.name)
        context.cursor.expect(")")
        return _define(context, content, binding)
    index = context.add("core type", binding)
    content = encode_subtype(_subtype(context))
    if content.startswith(_MODULE_TYPE):
        content = b"\x00" + content
    context.scope.define(CORE_TYPE, content)
    return index


def define_core_rec(context: Context) -> None:
    """`(core rec (type ...)*)`"""
    context.scope.define(CORE_TYPE, encode_rectype([subtype for _, subtype in _rec(context)]))


def read_core_typeuse(context: Context) -> Ref:
    """`(type <core:typeidx>)`, or a module type in place."""
    if context.cursor.at("type") and context.at_reference():
        return context.reference("core type", prefixed=False)
    start = context.cursor.i
    return Ref("core type", _define(context, read_module_type(context), ANONYMOUS), start)


def _define(context: Context, content: bytes, binding: Binding) -> int:
    context.scope.define(CORE_TYPE, content)
    return context.add("core type", binding)


def _subtype(context: Context) -> SubType:
    return read_subtype(context.cursor, context.scope.space("core type"), Space("field"))


def _rec(context: Context) -> list[tuple[int, SubType]]:
    """`(type ...)*` of a recursion group: indices and types."""
    cursor = context.cursor
    starts = []
    start = cursor.i
    while cursor.open("type"):
        starts.append((context.add("core type", context.binding()), cursor.i))
        cursor.skip_to_close()
    end = cursor.i
    types = []
    for index, cursor.i in starts:
        types.append((index, _subtype(context)))
        cursor.expect(")")
    assert cursor.i in (start, end)
    return types


# Module types


def read_module_type(context: Context, name: str | None = None) -> bytes:
    """The declarators of a module type, encoded as the type."""
    scope = context.open_scope(MODULE_TYPE, name)
    _ModuleType(context).read()
    context.close_scope()
    return _MODULE_TYPE + scope.declarators()


class _ModuleType:
    """Reads declarators into the innermost scope. Spec: Explainer.md, `core:moduledecl`"""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.cursor = context.cursor
        self.space = context.scope.space("core type")
        self.functypes: dict[int, FuncType] = {}
        self.indices: dict[FuncType, int] = {}  # of the latest type of each kind
        self.readers = {
            "type": self.type,
            "rec": self.rec,
            "alias": self.alias,
            "import": self.import_,
            "export": self.export,
        }

    def read(self) -> None:
        cursor = self.cursor
        while cursor.accept("("):
            read = self.readers[cursor.keyword_of(self.readers)]
            read()
            cursor.expect(")")

    def type(self) -> None:
        index = self.context.add("core type", self.context.binding())
        subtype = _subtype(self.context)
        self._know(index, subtype)
        self.context.scope.define(CORE_TYPE, encode_subtype(subtype))

    def rec(self) -> None:
        types = _rec(self.context)
        for index, subtype in types:
            self._know(index, subtype)
        self.context.scope.define(CORE_TYPE, encode_rectype([subtype for _, subtype in types]))

    def _know(self, index: int, subtype: SubType) -> None:
        if isinstance(subtype.composite, FuncType):
            self.functypes[index] = subtype.composite
            self.indices[subtype.composite] = index

    def alias(self) -> None:
        """`(alias outer <idx> <idx> (type <id>?))`"""
        cursor, context = self.cursor, self.context
        cursor.expect("outer")
        outer, target = context.index("component"), context.index("core type")
        count, index = context.outer(outer, target)
        cursor.expect("(")
        cursor.expect("type")
        binding = context.binding()
        cursor.expect(")")
        context.scope.define(ALIAS, b"\x10\x01" + unsigned(count) + unsigned(index))
        context.add("core type", binding)

    def import_(self) -> None:
        module, name = self.cursor.name(), self.cursor.name()
        desc = self._externtype()
        self.context.scope.define(IMPORT, name_bytes(module) + name_bytes(name) + desc)

    def export(self) -> None:
        name = self.cursor.name()
        desc = self._externtype()
        self.context.scope.define(EXPORT, name_bytes(name) + desc)

    def _externtype(self) -> bytes:
        """`(kind <id>? ...)`, encoded; nothing can refer to the identifier."""
        cursor = self.cursor
        cursor.expect("(")
        kind = cursor.keyword_of(("func", "table", "memory", "global", "tag"))
        cursor.identifier()
        type_index = 0
        desc: ExternType
        if kind == "func":
            type_index, desc = self._typeuse()
        elif kind == "table":
            desc = read_tabletype(cursor, self.space)
        elif kind == "memory":
            desc = read_memorytype(cursor)
        elif kind == "global":
            desc = read_globaltype(cursor, self.space)
        else:
            type_index, functype = self._typeuse()
            desc = TagType(functype)
        cursor.expect(")")
        return encode_externtype(desc, type_index)

    def _typeuse(self) -> tuple[int, FuncType]:
        """A type use: its index and, as far as it is known, the type.

        Parameters and results alone mean the latest type like that, or a new one.
        """
        cursor = self.cursor
        start = cursor.i
        index = None
        if cursor.open("type"):
            index = cursor.index(self.space)
            cursor.expect(")")
        before = cursor.i
        functype = read_functype(cursor, self.space, Space("parameter"))
        if index is None:
            return self._index_of(functype), functype
        known = self.functypes.get(index, functype)
        if cursor.i != before and known != functype:
            raise cursor.error(
                f"inline function type {functype} is not type {index}, which is {known}", start
            )
        return index, functype

    def _index_of(self, functype: FuncType) -> int:
        known = self.indices.get(functype)
        if known is not None:
            return known
        self.context.scope.define(CORE_TYPE, encode_subtype(SubType(functype)))
        return self.context.add("core type")
