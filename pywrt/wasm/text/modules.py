"""Modules of the text format. Spec: text/modules.html.

Strategy: two passes over the fields. The first takes an index in each space, binds identifiers, reads
type definitions and remembers where the rest of each field begins; the second reads the rest in order,
when every identifier is known. Types that uses imply are appended in the second, as the specification
orders them.
"""

from collections.abc import Callable

from pywrt.config import PAGE_SIZE
from pywrt.wasm.module import Code, Data, Elem, Export, Expr, Global, Import, Module, Table
from pywrt.wasm.text.context import ModuleContext
from pywrt.wasm.text.cursor import Cursor, Space
from pywrt.wasm.text.instructions import BodyParser
from pywrt.wasm.text.lexer import decode_text, tokenize
from pywrt.wasm.text.names import name_section
from pywrt.wasm.types import FUNCREF, ExternType, GlobalType, Limits, MemoryType, TableType, ValType

_I32_CONST_0 = b"\x41\x00\x0b"
_CODE_SECTION, _DATA_SECTION = 10, 11
_EXTERN_KINDS = ("func", "table", "memory", "global")


def _expr(code: bytes) -> Expr:
    return Expr(code, 0, len(code))


class ModuleParser:
    """Reads module fields from `cursor` up to a closing parenthesis or the end of the text.

    `name` is the module's own identifier.
    """

    def __init__(self, cursor: Cursor, name: str | None = None) -> None:
        self.cursor = cursor
        self._name = name
        self.context = ModuleContext()
        self.module = self.context.module
        self._spaces = {
            "func": self.context.funcs,
            "table": self.context.tables,
            "memory": self.context.memories,
            "global": self.context.globals,
        }
        self._fields: list[tuple[int, Callable[[], None]]] = []
        #: Exports in order; an index that is not known yet is the token that says it.
        self._exports: list[tuple[str, str, int | None, int]] = []
        self._defined: str | None = None  # what an import may no longer follow
        self._started = False
        self._codes: list[Code] = []

    def parse(self) -> Module:
        """The module; the token that ends the fields stays."""
        cursor = self.cursor
        while cursor.accept("("):
            handler = _FIELDS.get(cursor.texts[cursor.i])
            if handler is None:
                raise cursor.unexpected(wanted="a module field")
            cursor.i += 1
            handler(self)
        end = cursor.i
        for position, read in self._fields:
            cursor.i = position
            read()
        for name, kind, index, position in self._exports:
            if index is None:
                cursor.i = position
                index = cursor.index(self._spaces[kind])
                cursor.expect(")")
                cursor.expect(")")
            self.module.exports.append(Export(name, kind, index))
        cursor.i = end
        self.module.code = tuple(self._codes)
        if self.context.uses_data_index:
            self.module.data_count = len(self.module.datas)
        last = _CODE_SECTION if self._codes and not self.module.datas else _DATA_SECTION
        names = name_section(self._name, self.context.funcs.names, last)
        if names is not None:
            self.module.customs.append(names)
        return self.module

    # First pass: each begins behind `(keyword` and ends behind the field.

    def _later(self, read: Callable[[], None]) -> None:
        self._fields.append((self.cursor.i, read))
        self.cursor.skip_to_close()

    def field_type(self) -> None:
        cursor = self.cursor
        cursor.bind(self.context.types)
        cursor.expect("(")
        if cursor.texts[cursor.i] != "func":
            raise cursor.unexpected(wanted='"func"')
        cursor.i += 1
        self.context.add_type(self.context.func_type(cursor, Space("parameter")))
        cursor.expect(")")
        cursor.expect(")")

    def field_import(self) -> None:
        cursor = self.cursor
        start = cursor.i - 1
        module, name = cursor.name(), cursor.name()
        cursor.expect("(")
        kind = self._extern_kind()
        cursor.bind(self._spaces[kind])
        self._check_import_order(start)
        self._later(lambda: self._import(module, name, kind, closing=2))
        cursor.expect(")")

    def _check_import_order(self, index: int) -> None:
        if self._defined is not None:
            raise self.cursor.error(f"import after {self._defined}", index)

    def _extern_kind(self) -> str:
        return self.cursor.keyword_of(_EXTERN_KINDS)

    def _definition(self, kind: str, read: Callable[[int], None], message_kind: str) -> None:
        """Identifier, inline exports and inline import of a function, table, memory or global."""
        cursor = self.cursor
        index = cursor.bind(self._spaces[kind])
        while cursor.open("export"):
            self._exports.append((cursor.name(), kind, index, 0))
            cursor.expect(")")
        if cursor.at("import"):
            self._check_import_order(cursor.i)
            cursor.i += 2
            module, name = cursor.name(), cursor.name()
            cursor.expect(")")
            self._later(lambda: self._import(module, name, kind, closing=1))
        else:
            self._defined = self._defined or message_kind
            self._later(lambda: read(index))

    def field_func(self) -> None:
        self._definition("func", self._func, "function")

    def field_table(self) -> None:
        start = self.cursor.i
        self._definition("table", self._table, "table")
        self._count_segment(start, "elem", self.context.elems)

    def field_memory(self) -> None:
        start = self.cursor.i
        self._definition("memory", self._memory, "memory")
        self._count_segment(start, "data", self.context.datas)

    def _count_segment(self, start: int, keyword: str, space: Space) -> None:
        """Take an index for the segment that a table or memory with inline contents defines."""
        texts = self.cursor.texts
        if any(texts[i] == keyword and texts[i - 1] == "(" for i in range(start, self.cursor.i)):
            space.count += 1

    def field_global(self) -> None:
        self._definition("global", self._global, "global")

    def field_export(self) -> None:
        cursor = self.cursor
        name = cursor.name()
        cursor.expect("(")
        kind = self._extern_kind()
        self._exports.append((name, kind, None, cursor.i))
        cursor.skip_to_close()
        cursor.expect(")")

    def field_start(self) -> None:
        if self._started:
            raise self.cursor.error("multiple start sections", self.cursor.i - 1)
        self._started = True
        self._later(self._start)

    def field_elem(self) -> None:
        self.cursor.bind(self.context.elems)
        self._later(self._elem)

    def field_data(self) -> None:
        self.cursor.bind(self.context.datas)
        self._later(self._data)

    # Second pass: each begins where the first stopped reading.

    def _import(self, module: str, name: str, kind: str, closing: int) -> None:
        cursor = self.cursor
        type_index = 0
        desc: ExternType
        if kind == "func":
            use = self.context.type_use(cursor, Space("local"))
            type_index = self.context.type_index(use, cursor)
            # An index that is out of range is for validation to find; any type does until then.
            known = type_index < len(self.module.types)
            desc = self.module.types[type_index] if known else use.type
        elif kind == "table":
            desc = self._table_type()
        elif kind == "memory":
            desc = self._memory_type()
        else:
            desc = self._global_type()
        for _ in range(closing):
            cursor.expect(")")
        self.module.imports.append(Import(module, name, desc, type_index))

    def _func(self, index: int) -> None:
        cursor, context = self.cursor, self.context
        names = Space("local")
        use = context.type_use(cursor, names)
        type_index = context.type_index(use, cursor)
        if not use.inline and type_index < len(self.module.types):
            names.count = len(self.module.types[type_index].params)
        locals = self._locals(names)
        body = BodyParser(context, cursor, names).sequence()
        cursor.expect(")")
        self.module.funcs.append(type_index)
        self._codes.append(Code(0, locals, _expr(body)))

    def _locals(self, names: Space) -> tuple[tuple[int, ValType], ...]:
        cursor, context = self.cursor, self.context
        runs: list[tuple[int, ValType]] = []

        def add(type: ValType) -> None:
            if runs and runs[-1][1] is type:
                runs[-1] = (runs[-1][0] + 1, type)
            else:
                runs.append((1, type))

        while cursor.open("local"):
            if cursor.texts[cursor.i][:1] == "$":
                cursor.bind(names)
                add(context.value_type(cursor))
                cursor.expect(")")
                continue
            while not cursor.accept(")"):
                add(context.value_type(cursor))
                names.count += 1
        return tuple(runs)

    def _table(self, index: int) -> None:
        cursor, context = self.cursor, self.context
        self._address_type()
        if context.at_ref_type(cursor):
            type = context.ref_type(cursor)
            if not cursor.open("elem"):
                raise cursor.unexpected(wanted='"(elem"')
            init: tuple[int | Expr, ...] = (
                self._expressions() if cursor.texts[cursor.i] == "(" else self._functions()
            )
            cursor.expect(")")
            self.module.tables.append(Table(TableType(type, Limits(len(init), len(init)))))
            self.module.elems.append(Elem(type, init, "active", index, _expr(_I32_CONST_0)))
        else:
            table_type = self._table_type()
            table_init = None
            if cursor.texts[cursor.i] != ")":
                table_init = _expr(BodyParser(context, cursor).sequence())
            self.module.tables.append(Table(table_type, table_init))
        cursor.expect(")")

    def _memory(self, index: int) -> None:
        cursor = self.cursor
        self._address_type()
        if cursor.open("data"):
            data = cursor.strings()
            cursor.expect(")")
            pages = -(-len(data) // PAGE_SIZE)
            self.module.memories.append(MemoryType(Limits(pages, pages)))
            self.module.datas.append(Data(data, 0, len(data), "active", index, _expr(_I32_CONST_0)))
        else:
            self.module.memories.append(self._memory_type())
        cursor.expect(")")

    def _global(self, index: int) -> None:
        type = self._global_type()
        init = _expr(BodyParser(self.context, self.cursor).sequence())
        self.cursor.expect(")")
        self.module.globals.append(Global(type, init))

    def _start(self) -> None:
        self.module.start = self.cursor.index(self.context.funcs)
        self.cursor.expect(")")

    def _elem(self) -> None:
        cursor, context = self.cursor, self.context
        mode, table = "passive", 0
        offset: Expr | None = None
        init: tuple[int | Expr, ...]
        may_omit_func = False
        if cursor.accept("declare"):
            mode = "declarative"
        elif cursor.at_index() or (cursor.texts[cursor.i] == "(" and not cursor.at("ref")):
            mode = "active"
            may_omit_func = not cursor.at("table")
            table, offset = self._target("table", context.tables)
        if context.at_ref_type(cursor):
            type = context.ref_type(cursor)
            init = self._expressions()
        else:
            type = FUNCREF
            if not cursor.accept("func") and not may_omit_func:
                raise cursor.unexpected(wanted='"func" or a reference type')
            init = self._functions()
        cursor.expect(")")
        self.module.elems.append(Elem(type, init, mode, table, offset))

    def _data(self) -> None:
        cursor = self.cursor
        mode, memory = "passive", 0
        offset: Expr | None = None
        if cursor.at_index() or cursor.texts[cursor.i] == "(":
            mode = "active"
            memory, offset = self._target("memory", self.context.memories)
        data = cursor.strings()
        cursor.expect(")")
        self.module.datas.append(Data(data, 0, len(data), mode, memory, offset))

    def _target(self, keyword: str, space: Space) -> tuple[int, Expr]:
        """`(keyword x)? (offset expr)`, where one folded instruction stands for its `(offset ...)`.

        The index alone is the form that older texts have.
        """
        cursor = self.cursor
        index = 0
        if cursor.at_index():
            index = cursor.index(space)
        elif cursor.open(keyword):
            index = cursor.index(space)
            cursor.expect(")")
        return index, self._wrapped_expr("offset")

    def _wrapped_expr(self, keyword: str) -> Expr:
        cursor = self.cursor
        if not cursor.open(keyword):
            return _expr(BodyParser(self.context, cursor).folded())
        expr = _expr(BodyParser(self.context, cursor).sequence())
        cursor.expect(")")
        return expr

    def _functions(self) -> tuple[int, ...]:
        indices = []
        while self.cursor.at_index():
            indices.append(self.cursor.index(self.context.funcs))
        return tuple(indices)

    def _expressions(self) -> tuple[Expr, ...]:
        expressions = []
        while self.cursor.texts[self.cursor.i] == "(":
            expressions.append(self._wrapped_expr("item"))
        return tuple(expressions)

    # Types of what is imported and defined.

    def _address_type(self) -> None:
        if self.cursor.texts[self.cursor.i] == "i64":
            raise self.cursor.error("a 64-bit address needs memory64", None, "memory64")
        self.cursor.accept("i32")

    def _limits(self) -> Limits:
        self._address_type()
        least = self.cursor.natural("a size", 64)
        if self.cursor.texts[self.cursor.i][:1].isdecimal():
            return Limits(least, self.cursor.natural("a size", 64))
        return Limits(least)

    def _table_type(self) -> TableType:
        limits = self._limits()
        return TableType(self.context.ref_type(self.cursor), limits)

    def _memory_type(self) -> MemoryType:
        return MemoryType(self._limits())

    def _global_type(self) -> GlobalType:
        if self.cursor.open("mut"):
            type = self.context.value_type(self.cursor)
            self.cursor.expect(")")
            return GlobalType(type, True)
        return GlobalType(self.context.value_type(self.cursor), False)


_FIELDS: dict[str, Callable[[ModuleParser], None]] = {
    "type": ModuleParser.field_type,
    "import": ModuleParser.field_import,
    "func": ModuleParser.field_func,
    "table": ModuleParser.field_table,
    "memory": ModuleParser.field_memory,
    "global": ModuleParser.field_global,
    "export": ModuleParser.field_export,
    "start": ModuleParser.field_start,
    "elem": ModuleParser.field_elem,
    "data": ModuleParser.field_data,
}


def parse_module(text: str | bytes) -> Module:
    """The module that a text says: `(module ...)`, or its fields alone.

    `text` may be the bytes of a file. MalformedError with line, column and source line; its `feature`
    names the proposal when the text needs one that is not built. Spec: text/modules.html
    """
    cursor = Cursor(tokenize(decode_text(text) if isinstance(text, bytes) else text))
    if cursor.open("module"):
        module = ModuleParser(cursor, cursor.identifier()).parse()
        cursor.expect(")")
    else:
        module = ModuleParser(cursor).parse()
    if cursor.texts[cursor.i] != "":
        raise cursor.unexpected(wanted="the end of the module")
    return module
