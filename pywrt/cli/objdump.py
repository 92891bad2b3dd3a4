"""`pywrt objdump`: the sections of a file, what a core module defines, the code of a function.

Strategy: the list of sections reads their heads alone, so that it shows how far a broken file is sound.
Details and disassembly decode the module; what they print is spelled as the text format does.
"""

import argparse
from collections.abc import Iterator
from typing import Any

from pywrt.cli.files import COMPONENT, Binary, CommandError, listing, load
from pywrt.cli.print import add_module_option
from pywrt.cli.sections import core_modules, find_core_module, printable, sections_of
from pywrt.config import ALL_FEATURES
from pywrt.errors import WasmError
from pywrt.wasm.binary import decode_module
from pywrt.wasm.binary.names import SUBSECTIONS, read_names
from pywrt.wasm.module import Code, Expr, Module
from pywrt.wasm.text.printer.code import BodyPrinter
from pywrt.wasm.text.printer.names import Names, SpaceNames
from pywrt.wasm.text.printer.types import TypePrinter
from pywrt.wasm.text.printer.values import quoted_name
from pywrt.wasm.types import FuncType

_EXAMPLES = """\
examples:
  pywrt objdump app.wasm                        its sections
  pywrt objdump -x math.wasm                    imports, functions, exports, names and so on
  pywrt objdump -d add math.wasm                the code of a function, by its name
  pywrt objdump -d 5 app.component.wasm -m 0    function 5 of a component's first core module

Offsets are in bytes from the start of the file.
"""
#: Bytes on a line of a disassembly.
_BYTES_A_LINE = 9
#: Runs of locals are shown one a line up to this many.
_MAX_RUNS_SHOWN = 100


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "objdump",
        help="show the sections of a file, or the code of a function",
        description="Show the sections of a module or component, what a core module defines, or its code.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="a module or component, binary or text")
    parser.add_argument("-x", "--details", action="store_true", help="what each section of a core module has")
    parser.add_argument(
        "-d",
        "--disassemble",
        metavar="FUNC",
        action="append",
        default=[],
        help="the instructions of a function, by index, name or export, with offsets and bytes; repeatable",
    )
    add_module_option(parser)
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    binary = load(options.file)
    if not options.details and not options.disassemble and options.module is None:
        _print(_file_lines(binary), binary)
        return 0
    start, end = find_core_module(binary, options.module)
    if not options.details and not options.disassemble:
        _print(_section_lines(binary.data, start, end, False), binary)
        return 0
    try:
        module = decode_module(binary.data, start, end, features=ALL_FEATURES)
    except WasmError as error:
        raise binary.failed(error) from None
    dump = _Dump(module)
    if options.details:
        _print(dump.details(), binary)
    for index in [dump.find(name, binary.path) for name in options.disassemble]:
        _print(dump.disassembly(index), binary)
    return 0


def _print(lines: Iterator[str], binary: Binary) -> None:
    """Print what there is up to where the file is malformed."""
    try:
        for line in lines:
            print(printable(line))
    except WasmError as error:
        raise binary.failed(error) from None


# Sections


def _file_lines(binary: Binary) -> Iterator[str]:
    is_component = binary.kind == COMPONENT
    source = ", encoded from text" if binary.from_text else ""
    yield f"{binary.path}: {binary.kind}, {len(binary.data)} bytes{source}"
    yield ""
    yield from _section_lines(binary.data, 0, len(binary.data), is_component)
    if not is_component:
        return
    modules = core_modules(binary.data)
    if modules:
        yield ""
        yield "core modules (choose one with --module N):"
        yield f"{'N':>5}  {'offset':>10}  {'size':>10}"
        for number, (start, end) in enumerate(modules):
            yield f"{number:>5}  {start:#10x}  {end - start:>10}"


def _section_lines(data: bytes, start: int, end: int, component: bool) -> Iterator[str]:
    """A table of sections; their offsets and sizes are those of the contents."""
    yield f"{'id':>5}  {'offset':>10}  {'size':>10}  {'count':>8}  name"
    for section in sections_of(data, start, end, component):
        count = "" if section.count is None else section.count
        yield f"{section.id:>5}  {section.start:#10x}  {section.size:>10}  {count:>8}  {section.name}"


# Core modules


class _Dump:
    """What can be shown of a core module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = Names(module, annotate=False)
        self.types = TypePrinter(module, self.names)
        self.bodies = BodyPrinter(self.types)
        self.imported = sum(isinstance(item.desc, FuncType) for item in module.imports)

    # Details: a part a kind of definition, in the order of the sections

    def details(self) -> Iterator[str]:
        """All definitions, each kind under its title."""
        module = self.module
        for title, count, lines in (
            ("types", len(module.types), self._types()),
            ("imports", len(module.imports), self._imports()),
            ("functions", len(module.funcs), self._functions()),
            ("tables", len(module.tables), self._tables()),
            ("memories", len(module.memories), self._memories()),
            ("tags", len(module.tags), self._tags()),
            ("globals", len(module.globals), self._globals()),
            ("exports", len(module.exports), self._exports()),
            ("start", module.start is not None, self._start()),
            ("element segments", len(module.elems), self._elems()),
            ("data segments", len(module.datas), self._datas()),
            ("custom sections", len(module.customs), self._customs()),
            ("names", any(custom.name == "name" for custom in module.customs), self._section_of_names()),
        ):
            if count:
                yield f"{title}:" if isinstance(count, bool) else f"{title}: {count}"
                for line in lines:
                    yield f"  {line}"

    def _first(self, kind: str) -> int:
        """How many of a kind are imported, which is the index of the first that isn't."""
        return sum(item.desc.kind == kind for item in self.module.imports)

    def _types(self) -> Iterator[str]:
        starts = {first: size for first, size in self.module.rec_groups if size}
        for index in range(len(self.module.types)):
            group = f" ;; with the next {starts[index] - 1}" if starts.get(index, 1) > 1 else ""
            yield f"{self.types.definition(index)}{group}"

    def _imports(self) -> Iterator[str]:
        counts: dict[str, int] = {}
        for item in self.module.imports:
            kind = item.desc.kind
            index = counts[kind] = counts.get(kind, -1) + 1
            type = self.types.externtype(item.desc, item.type_index)
            names = f"{quoted_name(item.module)} {quoted_name(item.name)}"
            yield f"{_item(kind, index, self.names.kinds[kind])} <- {names}: {type}"

    def _functions(self) -> Iterator[str]:
        for number, type_index in enumerate(self.module.funcs):
            code = self.module.code[number]
            item = _item("func", self.imported + number, self.names.funcs)
            size = code.expr.end - code.start
            yield f"{item} {self.types.type_use(type_index)}, {size} bytes at {code.start:#x}"

    def _tables(self) -> Iterator[str]:
        for index, table in enumerate(self.module.tables, self._first("table")):
            init = [] if table.init is None else ["=", *self.bodies.body(table.init, None)]
            item = _item("table", index, self.names.tables)
            yield " ".join([item, self.types.tabletype(table.type), *init])

    def _memories(self) -> Iterator[str]:
        for index, memory in enumerate(self.module.memories, self._first("memory")):
            yield f"{_item('memory', index, self.names.memories)} {self.types.memorytype(memory)}"

    def _tags(self) -> Iterator[str]:
        for index, tag in enumerate(self.module.tags, self._first("tag")):
            yield f"{_item('tag', index, self.names.tags)} {self.types.type_use(tag.type_index)}"

    def _globals(self) -> Iterator[str]:
        for index, item in enumerate(self.module.globals, self._first("global")):
            init = " ".join(self.bodies.body(item.init, None))
            name = _item("global", index, self.names.globals)
            yield f"{name} {self.types.globaltype(item.type)} = {init}"

    def _exports(self) -> Iterator[str]:
        for export in self.module.exports:
            item = _item(export.kind, export.index, self.names.kinds[export.kind])
            yield f"{quoted_name(export.name)} -> {item}"

    def _start(self) -> Iterator[str]:
        if self.module.start is not None:
            yield _item("func", self.module.start, self.names.funcs)

    def _elems(self) -> Iterator[str]:
        for index, elem in enumerate(self.module.elems):
            place = self._place(elem.mode, "table", elem.table, elem.offset)
            count = _counted(len(elem.init), "element")
            yield f"{_item('elem', index, self.names.elems)} {place}, {count} of {elem.type}"

    def _datas(self) -> Iterator[str]:
        for index, data in enumerate(self.module.datas):
            place = self._place(data.mode, "memory", data.memory, data.offset)
            size = data.end - data.start
            yield f"{_item('data', index, self.names.datas)} {place}, {size} bytes at {data.start:#x}"

    def _place(self, mode: str, kind: str, index: int, offset: Expr | None) -> str:
        if offset is None:
            return mode
        target = f"{kind} {self.names.kinds[kind].of(index)} "
        return f"{mode}, {target}{self.bodies.folded(offset, 'offset')}"

    def _customs(self) -> Iterator[str]:
        for custom in self.module.customs:
            yield f"{quoted_name(custom.name)}, {len(custom.data)} bytes"

    def _section_of_names(self) -> Iterator[str]:
        section = read_names(self.module)
        if section.module is not None:
            yield f"module {quoted_name(section.module)}"
        for kind in SUBSECTIONS[1:]:
            names = getattr(section, kind)
            count = sum(len(of) if isinstance(of, dict) else 1 for of in names.values())
            if count:
                yield f"{kind}: {count}"

    # Disassembly

    def find(self, name: str, path: str) -> int:
        """The index of the one function that is meant; CommandError if there is none, or no code of it."""
        total = self.imported + len(self.module.funcs)
        if name.isdecimal() and len(name) < 10:
            found = {int(name)} if int(name) < total else set()
        else:
            names = read_names(self.module).functions
            found = {index for index, given in names.items() if given == name and index < total}
            exports = [e for e in self.module.exports if e.kind == "func" and e.name == name]
            found = found or {export.index for export in exports}
        if not found:
            hint = "" if name.isdecimal() else f"; those exported are {listing(self._exported())}"
            raise CommandError(f"{path}: there is no function `{name}` among {total}{hint}")
        if len(found) > 1:
            indices = ", ".join(map(str, sorted(found)))
            raise CommandError(f"{path}: functions {indices} are named `{name}`: choose one by its index")
        (index,) = found
        if index < self.imported:
            raise CommandError(f"{path}: function {index} is imported: its code is not in this module")
        return index

    def _exported(self) -> list[str]:
        return [export.name for export in self.module.exports if export.kind == "func"]

    def disassembly(self, index: int) -> Iterator[str]:
        """The function's type, its locals, then offset, bytes and text of each instruction."""
        code = self.module.code[index - self.imported]
        type_index = self.module.funcs[index - self.imported]
        type = self.types.type_use(type_index)
        yield f"{_item('func', index, self.names.funcs)} {type}:"
        functype = self.types.functype(type_index)
        params = 0 if functype is None else len(functype.params)
        locals = self.names.locals_of(index, params + sum(count for count, _ in code.locals))
        yield from self._locals(code, params, locals)
        lines = self.bodies.body(code.expr, 0, locals, self.names.labels_of(index))
        offsets = [*self.bodies.offsets, code.expr.end - 1, code.expr.end]
        for line, start, end in zip([*lines, "end"], offsets, offsets[1:], strict=False):
            yield from _code_lines(code.expr.data, start, end, line)

    def _locals(self, code: Code, first: int, names: SpaceNames) -> Iterator[str]:
        for count, type in code.locals[:_MAX_RUNS_SHOWN]:
            spelled = self.types.valtype(type)
            if count == 1:
                yield f"{'':>41} local {names.of(first)}: {spelled}"
            elif count:
                yield f"{'':>41} locals {names.of(first)} to {names.of(first + count - 1)}: {spelled}"
            first += count
        if len(code.locals) > _MAX_RUNS_SHOWN:
            yield f"{'':>41} and {len(code.locals) - _MAX_RUNS_SHOWN} more declarations of locals"


def _item(kind: str, index: int, names: SpaceNames) -> str:
    """`func[3] $name`"""
    name = names.of(index)
    return f"{kind}[{index}] {name}" if name != str(index) else f"{kind}[{index}]"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s'[: count != 1]}"


def _code_lines(data: bytes, start: int, end: int, text: str) -> Iterator[str]:
    """One instruction; the bytes of a long one go on on lines of their own."""
    for at in range(start, end, _BYTES_A_LINE):
        row = data[at : min(at + _BYTES_A_LINE, end)].hex(" ")
        yield f"  {at:06x}: {row:<{3 * _BYTES_A_LINE}} | {text}".rstrip()
        text = ""
