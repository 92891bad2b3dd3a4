"""Modules of the text format. Spec: text/modules.html.

Strategy: two passes over the fields. The first takes an index in each space, binds identifiers and
remembers where the rest of each field begins; the second reads type definitions, then the rest in order,
when every identifier is known. Types that uses imply are appended in it, as the specification orders
them.
"""

from collections.abc import Callable, Sequence

from pywrt.wasm.binary import encode_names
from pywrt.wasm.module import Code, Data, Elem, Export, Expr, Global, Import, Module, Table, Tag
from pywrt.wasm.text.annotations import FunctionHints, ModuleAnnotations, hint_section, locals_size
from pywrt.wasm.text.context import ModuleContext
from pywrt.wasm.text.cursor import Cursor, Space
from pywrt.wasm.text.instructions import BodyParser
from pywrt.wasm.text.lexer import Annotation, Tokens, decode_text, tokenize
from pywrt.wasm.text.types import (
    at_reftype,
    read_addresstype,
    read_globaltype,
    read_memorytype,
    read_pagesize,
    read_reftype,
    read_tabletype,
    read_valtype,
)
from pywrt.wasm.types import (
    FUNCREF,
    I32,
    I64,
    ExternType,
    FuncType,
    Limits,
    MemoryType,
    TableType,
    TagType,
    ValType,
    ref_type,
)

#: Where the segment of a table or memory with inline contents begins, by address type.
_ZERO = {I32: b"\x41\x00\x0b", I64: b"\x42\x00\x0b"}
_EXTERN_KINDS = ("func", "table", "memory", "global", "tag")
#: The element type of segments that give function indices.
_FUNCTIONS = ref_type("func", nullable=False)


def _expr(code: bytes) -> Expr:
    return Expr(code, 0, len(code))


class ModuleParser:
    """Reads module fields from `cursor` up to a closing parenthesis or the end of the text.

    `name` is the module's own identifier; `annotations` are those in the module.
    """

    def __init__(self, cursor: Cursor, name: str | None, annotations: Sequence[Annotation]) -> None:
        self.cursor = cursor
        self._name = name
        self.context = ModuleContext()
        self.module = self.context.module
        self._spaces = {
            "func": self.context.funcs,
            "table": self.context.tables,
            "memory": self.context.memories,
            "global": self.context.globals,
            "tag": self.context.tags,
        }
        self._annotations = ModuleAnnotations(annotations)
        cursor.name_annotations = self._annotations.names
        self.context.hints = self._annotations.hints
        self._starts: list[int] = []  # the first token of each field
        self._types: list[tuple[int, bool]] = []  # where each type's definition is, and whether in a group
        self._fields: list[tuple[int, Callable[[], None]]] = []
        #: Exports in order; an index that is not known yet is the token that says it.
        self._exports: list[tuple[str, str, int | None, int]] = []
        self._defined: str | None = None  # what an import may no longer follow
        self._started = False
        self._codes: list[Code] = []
        self._hints: list[FunctionHints] = []
        self._uses_data = False  # in code, which makes the data count section necessary

    def parse(self) -> Module:
        """The module; the token that ends the fields stays."""
        cursor, context, module = self.cursor, self.context, self.module
        while cursor.accept("("):
            handler = _FIELDS.get(cursor.texts[cursor.i])
            if handler is None:
                raise cursor.unexpected(wanted="a module field")
            self._starts.append(cursor.i - 1)
            cursor.i += 1
            handler(self)
        end = cursor.i
        for cursor.i, grouped in self._types:
            context.define_type(cursor, grouped)
        for cursor.i, read in self._fields:
            read()
        for name, kind, index, position in self._exports:
            if index is None:
                cursor.i = position
                index = cursor.index(self._spaces[kind])
                cursor.expect(")")
                cursor.expect(")")
            module.exports.append(Export(name, kind, index))
        cursor.i = end
        module.code = tuple(self._codes)
        if self._uses_data or self._annotations.data_count:
            module.data_count = len(module.datas)
        self._add_customs(end)
        return module

    def _add_customs(self, end: int) -> None:
        """Custom sections: those that annotations say, branch hints, and the names."""
        annotations, context = self._annotations, self.context
        annotated = annotations.module_name(self._starts[0] if self._starts else end)
        names = context.names
        names.module = self._name if annotated is None else annotated
        names.functions = context.funcs.name_map()
        names.types = context.types.name_map()
        names.tables = context.tables.name_map()
        names.memories = context.memories.name_map()
        names.globals = context.globals.name_map()
        names.elems = context.elems.name_map()
        names.datas = context.datas.name_map()
        names.tags = context.tags.name_map()
        names.fields = {i: fields for i, space in context.fields.items() if (fields := space.name_map())}
        customs = annotations.customs(self._starts, end, encode_names(names))
        annotations.check_taken(self.cursor.texts, self._starts, end)
        if self._hints:
            customs.append(hint_section(self._hints))
        customs.sort(key=lambda custom: custom.place)
        self.module.customs += [placed.custom for placed in customs]

    # First pass: each begins behind `(keyword` and ends behind the field.

    def _later(self, read: Callable[[], None]) -> None:
        self._fields.append((self.cursor.i, read))
        self.cursor.skip_to_close()

    def field_type(self) -> None:
        self._type_definition(grouped=False)

    def _type_definition(self, grouped: bool) -> None:
        cursor = self.cursor
        cursor.bind(self.context.types)
        self._types.append((cursor.i, grouped))
        cursor.skip_to_close()

    def field_rec(self) -> None:
        cursor = self.cursor
        position, first = len(self._types), self.context.types.count
        while cursor.open("type"):
            self._type_definition(grouped=True)
        cursor.expect(")")
        size = self.context.types.count - first
        if size == 1:  # a group of one is that of a type on its own
            self._types[position] = (self._types[position][0], False)
        self.module.rec_groups.append((first, size))

    def field_import(self) -> None:
        cursor = self.cursor
        start = cursor.i - 1
        module, name = cursor.name(), cursor.name()
        cursor.expect("(")
        kind = self._extern_kind()
        index = cursor.bind(self._spaces[kind])
        self._check_import_order(start)
        self._later(lambda: self._import(module, name, kind, index, closing=2))
        cursor.expect(")")

    def _check_import_order(self, index: int) -> None:
        if self._defined is not None:
            raise self.cursor.error(f"import after {self._defined}", index)

    def _extern_kind(self) -> str:
        return self.cursor.keyword_of(_EXTERN_KINDS)

    def _definition(self, kind: str, read: Callable[[int], None], message_kind: str) -> None:
        """Identifier, inline exports and inline import of what has an index space with imports."""
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
            self._later(lambda: self._import(module, name, kind, index, closing=1))
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

    def field_tag(self) -> None:
        self._definition("tag", self._tag, "tag")

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

    def _import(self, module: str, name: str, kind: str, index: int, closing: int) -> None:
        cursor, context = self.cursor, self.context
        type_index, exact = 0, False
        desc: ExternType
        if kind == "func":
            exact = cursor.open("exact")
            type_index, desc, names = self._function_type()
            if exact:
                cursor.expect(")")
            self._name_locals(index, names)
        elif kind == "table":
            desc = read_tabletype(cursor, context.types)
        elif kind == "memory":
            desc = read_memorytype(cursor)
        elif kind == "global":
            desc = read_globaltype(cursor, context.types)
        else:
            type_index, functype, _ = self._function_type()
            desc = TagType(functype)
        for _ in range(closing):
            cursor.expect(")")
        self.module.imports.append(Import(module, name, desc, type_index, exact))

    def _function_type(self) -> tuple[int, FuncType, Space]:
        """A type use that comes next: its index, the function type, and the parameters' names."""
        context = self.context
        names = Space("local")
        use = context.type_use(self.cursor, names)
        type_index = context.type_index(use, self.cursor)
        functype = context.func_type(type_index, use.type)
        names.count = len(functype.params)
        return type_index, functype, names

    def _name_locals(self, function: int, names: Space) -> None:
        found = names.name_map()
        if found:
            self.context.names.locals[function] = found

    def _tag(self, _: int) -> None:
        type_index, functype, _names = self._function_type()
        self.cursor.expect(")")
        self.module.tags.append(Tag(TagType(functype), type_index))

    def _func(self, index: int) -> None:
        cursor, context = self.cursor, self.context
        type_index, _, names = self._function_type()
        locals = self._locals(names)
        body = BodyParser(context, cursor, names)
        code = Code(0, locals, _expr(body.sequence()))
        cursor.expect(")")
        self.module.funcs.append(type_index)
        self._codes.append(code)
        self._name_locals(index, names)
        self._uses_data |= body.uses_data
        if body.labels:
            context.names.labels[index] = body.labels
        if body.hints:
            body.check_hints(index)
            self._hints.append((index, locals_size(code), body.hints))

    def _locals(self, names: Space) -> tuple[tuple[int, ValType], ...]:
        cursor, context = self.cursor, self.context
        runs: list[tuple[int, ValType]] = []

        def add(type: ValType) -> None:
            if runs and runs[-1][1] == type:
                runs[-1] = (runs[-1][0] + 1, type)
            else:
                runs.append((1, type))

        while cursor.open("local"):
            if cursor.at_binding():
                cursor.bind(names)
                add(read_valtype(cursor, context.types))
                cursor.expect(")")
                continue
            while not cursor.accept(")"):
                add(read_valtype(cursor, context.types))
                names.count += 1
        return tuple(runs)

    def _table(self, index: int) -> None:
        cursor, context = self.cursor, self.context
        start = cursor.i
        address = read_addresstype(cursor)
        if at_reftype(cursor):
            type = read_reftype(cursor, context.types)
            if not cursor.open("elem"):
                raise cursor.unexpected(wanted='"(elem"')
            indices = cursor.texts[cursor.i] != "("
            init: tuple[int | Expr, ...] = self._functions() if indices else self._expressions()
            cursor.expect(")")
            size = Limits(len(init), len(init))
            self.module.tables.append(Table(TableType(type, size, address)))
            item_type = _FUNCTIONS if indices and type is FUNCREF else type
            self.module.elems.append(Elem(item_type, init, "active", index, _expr(_ZERO[address])))
        else:
            cursor.i = start
            table_type = read_tabletype(cursor, context.types)
            table_init = None
            if cursor.texts[cursor.i] != ")":
                table_init = _expr(BodyParser(context, cursor).sequence())
            self.module.tables.append(Table(table_type, table_init))
        cursor.expect(")")

    def _memory(self, index: int) -> None:
        cursor = self.cursor
        start = cursor.i
        address = read_addresstype(cursor)
        page_size = read_pagesize(cursor)
        if cursor.open("data"):
            data = cursor.strings()
            cursor.expect(")")
            pages = -(-len(data) // page_size)
            self.module.memories.append(
                MemoryType(Limits(pages, pages), address, shared=False, page_size=page_size)
            )
            self.module.datas.append(Data(data, 0, len(data), "active", index, _expr(_ZERO[address])))
        else:
            cursor.i = start
            self.module.memories.append(read_memorytype(cursor))
        cursor.expect(")")

    def _global(self, _: int) -> None:
        type = read_globaltype(self.cursor, self.context.types)
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
        if at_reftype(cursor):
            type = read_reftype(cursor, context.types)
            init = self._expressions()
        else:
            type = _FUNCTIONS
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


_FIELDS: dict[str, Callable[[ModuleParser], None]] = {
    "type": ModuleParser.field_type,
    "rec": ModuleParser.field_rec,
    "import": ModuleParser.field_import,
    "func": ModuleParser.field_func,
    "table": ModuleParser.field_table,
    "memory": ModuleParser.field_memory,
    "global": ModuleParser.field_global,
    "tag": ModuleParser.field_tag,
    "export": ModuleParser.field_export,
    "start": ModuleParser.field_start,
    "elem": ModuleParser.field_elem,
    "data": ModuleParser.field_data,
}


def parse_module(text: str | bytes) -> Module:
    """The module that a text says: `(module ...)`, or its fields alone.

    `text` may be the bytes of a file. MalformedError with line, column and source line; InvalidError for
    a branch hint in front of what is no branch. Spec: text/modules.html
    """
    return read_module(tokenize(decode_text(text) if isinstance(text, bytes) else text))


def read_module(tokens: Tokens) -> Module:
    """The module that the tokens of a text say; see `parse_module`."""
    cursor = Cursor(tokens)
    annotations = cursor.tokens.annotations
    if cursor.open("module"):
        module = ModuleParser(cursor, cursor.identifier(), annotations).parse()
        cursor.expect(")")
    else:
        module = ModuleParser(cursor, None, annotations).parse()
    if cursor.texts[cursor.i] != "":
        raise cursor.unexpected(wanted="the end of the module")
    return module
