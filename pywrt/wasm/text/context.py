"""What the parts of one module's parser share: index spaces, and types with their abbreviations."""

from pywrt.wasm.module import Module
from pywrt.wasm.text.cursor import Cursor, Space
from pywrt.wasm.types import VALTYPE_BY_NAME, FuncType, RefType, ValType


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
        "funcs",
        "globals",
        "memories",
        "module",
        "tables",
        "types",
        "uses_data_index",
    )

    def __init__(self) -> None:
        self.module = Module()
        self.types = Space("type")
        self.funcs = Space("function")
        self.tables = Space("table")
        self.memories = Space("memory")
        self.globals = Space("global")
        self.elems = Space("elem segment")
        self.datas = Space("data segment")
        #: Whether an instruction names a data segment, which makes the data count section necessary.
        self.uses_data_index = False
        self._first_index: dict[FuncType, int] = {}

    def add_type(self, type: FuncType) -> int:
        """Append to the module's types."""
        index = len(self.module.types)
        self.module.types.append(type)
        self._first_index.setdefault(type, index)
        return index

    def type_index(self, use: TypeUse, cursor: Cursor) -> int:
        """The index that a type use means; a type that isn't there yet is added at the end."""
        if use.index is None:
            index = self._first_index.get(use.type)
            return self.add_type(use.type) if index is None else index
        if use.inline:
            if use.index >= len(self.module.types):
                raise cursor.error(f"unknown type {use.index}", use.start)
            declared = self.module.types[use.index]
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
        type = self.func_type(cursor, names)
        if cursor.at("param") or cursor.at("type"):  # out of order, which counts more than a mismatch
            raise cursor.unexpected(cursor.i + 1)
        return TypeUse(index, type, cursor.i != before, start)

    def func_type(self, cursor: Cursor, names: Space | None = None) -> FuncType:
        """`(param ...)* (result ...)*`"""
        params: list[ValType] = []
        while cursor.open("param"):
            if names is not None and cursor.texts[cursor.i][:1] == "$":
                cursor.bind(names)
                params.append(self.value_type(cursor))
                cursor.expect(")")
                continue
            while not cursor.accept(")"):
                params.append(self.value_type(cursor))
                if names is not None:
                    names.count += 1
        return FuncType(tuple(params), tuple(self.results(cursor)))

    def results(self, cursor: Cursor) -> list[ValType]:
        """`(result ...)*`"""
        results: list[ValType] = []
        while cursor.open("result"):
            while not cursor.accept(")"):
                results.append(self.value_type(cursor))
        return results

    def value_type(self, cursor: Cursor) -> ValType:
        """The value type that comes next."""
        type = VALTYPE_BY_NAME.get(cursor.texts[cursor.i])
        if type is None:
            if cursor.at("ref"):
                raise self._typed_reference(cursor)
            raise cursor.unexpected(wanted="a value type")
        cursor.i += 1
        return type

    def at_ref_type(self, cursor: Cursor) -> bool:
        """Whether a reference type comes next."""
        return cursor.at("ref") or isinstance(VALTYPE_BY_NAME.get(cursor.texts[cursor.i]), RefType)

    def ref_type(self, cursor: Cursor) -> RefType:
        """The reference type that comes next."""
        start = cursor.i
        type = self.value_type(cursor)
        if not isinstance(type, RefType):
            raise cursor.unexpected(start, "a reference type")
        return type

    def _typed_reference(self, cursor: Cursor) -> Exception:
        feature = "function-references"
        return cursor.error(f"a typed reference needs {feature}", cursor.i + 1, feature)
