"""What the parts of one module's parser share: index spaces, and type uses."""

from pywrt.wasm.binary import Names
from pywrt.wasm.module import Module
from pywrt.wasm.text.cursor import Cursor, Space
from pywrt.wasm.text.lexer import Annotation
from pywrt.wasm.text.types import read_functype, read_subtype
from pywrt.wasm.types import FuncType, SubType


class TypeUse:
    """`(type x)? (param ...)* (result ...)*`: `index` is x, `type` what the rest says.

    Spec: text/modules.html#type-uses
    """

    __slots__ = ("index", "inline", "start", "type")

    def __init__(self, index: int | None, type: FuncType, inline: bool, start: int) -> None:
        self.index = index
        self.type = type
        self.inline = inline  # whether parameters or results are given
        self.start = start  # its first token, for messages


class ModuleContext:
    """The module under construction and its index spaces."""

    __slots__ = (
        "_first_index",
        "datas",
        "elems",
        "fields",
        "funcs",
        "globals",
        "hints",
        "memories",
        "module",
        "names",
        "tables",
        "tags",
        "types",
    )

    def __init__(self) -> None:
        self.module = Module()
        self.types = Space("type")
        self.funcs = Space("function")
        self.tables = Space("table")
        self.memories = Space("memory")
        self.tags = Space("tag")
        self.globals = Space("global")
        self.elems = Space("elem segment")
        self.datas = Space("data segment")
        self.fields: dict[int, Space] = {}  # by type, of structures
        self.names = Names()
        #: Branch hints that have not met their instruction, by the token that they precede.
        self.hints: dict[int, Annotation] = {}
        self._first_index: dict[SubType, int] = {}

    def add_type(self, subtype: SubType, grouped: bool = False) -> int:
        """Append to the module's types. Type uses find it unless it is `grouped` with others."""
        index = len(self.module.types)
        self.module.types.append(subtype)
        if not grouped:
            self._first_index.setdefault(subtype, index)
        return index

    def define_type(self, cursor: Cursor, grouped: bool) -> None:
        """The type definition that comes next, up to the closing parenthesis of its field."""
        fields = Space("field")
        index = self.add_type(read_subtype(cursor, self.types, fields), grouped)
        cursor.expect(")")
        if fields.count:
            self.fields[index] = fields

    def func_type(self, index: int, default: FuncType) -> FuncType:
        """The function type `index`; `default` if it is none, which is for validation to find."""
        if index < len(self.module.types):
            composite = self.module.types[index].composite
            if isinstance(composite, FuncType):
                return composite
        return default

    def type_index(self, use: TypeUse, cursor: Cursor) -> int:
        """The index that a type use means; a type that isn't there yet is added at the end."""
        if use.index is None:
            subtype = SubType(use.type)
            index = self._first_index.get(subtype)
            return self.add_type(subtype) if index is None else index
        if use.inline:
            if use.index >= len(self.module.types):
                raise cursor.error(f"unknown type {use.index}", use.start)
            declared = self.module.types[use.index].composite
            if declared != use.type:
                raise cursor.error(
                    f"inline function type {use.type} is not type {use.index}, which is {declared}", use.start
                )
        return use.index

    def type_use(self, cursor: Cursor, names: Space | None = None) -> TypeUse:
        """The type use that comes next; parameters may have identifiers if there are `names` to bind."""
        start = cursor.i
        index = None
        if cursor.open("type"):
            index = cursor.index(self.types)
            cursor.expect(")")
        before = cursor.i
        type = read_functype(cursor, self.types, names)
        if cursor.at("param") or cursor.at("type"):  # out of order, which counts more than a mismatch
            raise cursor.unexpected(cursor.i + 1)
        return TypeUse(index, type, cursor.i != before, start)
