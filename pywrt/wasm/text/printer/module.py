"""Modules in the text format. Spec: text/modules.html

Strategy: the fields stand in the order of the binary format's sections, with comments that say each
index. What custom sections say is written as identifiers, annotations of instructions and `(@custom ...)`
annotations. Whether the parser makes the same sections of the first two is known when everything is
written: if not, the module is printed again with those sections as `(@custom ...)`.
"""

from collections.abc import Iterable, Iterator

from pywrt.errors import LimitError
from pywrt.wasm.binary.sections import (
    CODE_SECTION,
    CUSTOM_SECTION,
    DATA_COUNT_SECTION,
    DATA_SECTION,
    ELEMENT_SECTION,
    EXPORT_SECTION,
    GLOBAL_SECTION,
    IMPORT_SECTION,
    MEMORY_SECTION,
    SECTION_ORDER,
    START_SECTION,
    TABLE_SECTION,
    TAG_SECTION,
    TYPE_SECTION,
)
from pywrt.wasm.module import Code, Elem, Expr, Module
from pywrt.wasm.text.printer.code import BodyPrinter
from pywrt.wasm.text.printer.customs import (
    BRANCH_HINTS,
    NAMES,
    PLACES,
    BranchHints,
    names_are_regular,
    names_stand_last,
    read_branch_hints,
)
from pywrt.wasm.text.printer.layout import strings, wrapped
from pywrt.wasm.text.printer.names import Names, SpaceNames
from pywrt.wasm.text.printer.types import TypePrinter
from pywrt.wasm.text.printer.values import quoted_name
from pywrt.wasm.types import (
    FuncType,
    ValType,
    ref_type,
)

#: Locals that are written for one file: a declaration of five bytes may stand for 2^32 - 1.
MAX_LOCALS = 1_000_000
#: The type of a segment that lists functions by index.
_FUNC_REFERENCES = ref_type("func", False)


class LocalBudget:
    """How many locals may yet be written."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_LOCALS) -> None:
        self.left = left

    def take(self, count: int, code: Code) -> None:
        """Count what a function has. LimitError if that is too much."""
        self.left -= count
        if self.left < 0:
            raise LimitError(f"too many locals: more than {MAX_LOCALS} in all functions, at 0x{code.start:x}")


def print_module(module: Module) -> str:
    """The module in the text format, which `parse_module` makes the same module of.

    What the text can't say is lost: how long the encodings of numbers in expressions are, and how runs of
    locals are divided. Raises MalformedError for a body that is none, and LimitError for more than
    MAX_LOCALS locals. Spec: text/modules.html
    """
    return "\n".join([*module_lines(module), ""])


def module_lines(module: Module, head: str | None = None, budget: LocalBudget | None = None) -> list[str]:
    """As `print_module`, in lines.

    With `head`, that stands in place of `module` and the module's own name. `budget` is for locals of several
    modules together.
    """
    budget = budget or LocalBudget()
    hints = read_branch_hints(module)
    explicit = set() if names_are_regular(module) else {NAMES}
    if hints is None:
        explicit.add(BRANCH_HINTS)
    while True:
        printer = _ModulePrinter(module, explicit, hints or {}, LocalBudget(budget.left))
        lines = printer.lines(head)
        lost = printer.lost()
        if not lost:
            budget.left = printer.budget.left
            return lines
        explicit |= lost


class _ModulePrinter:
    """One attempt: `explicit` are the custom sections that are written as such."""

    def __init__(self, module: Module, explicit: set[str], hints: BranchHints, budget: LocalBudget) -> None:
        self.module = module
        self.names = Names(module, annotate=NAMES not in explicit)
        self.types = TypePrinter(module, self.names)
        self.bodies = BodyPrinter(self.types)
        self._hints = {} if BRANCH_HINTS in explicit else hints
        self._explicit = explicit
        self._counts = dict.fromkeys(self.names.kinds, 0)  # of definitions so far
        self.budget = budget

    def lost(self) -> set[str]:
        """The custom sections of which the text, which is complete, lacks something."""
        lost = set()
        if NAMES not in self._explicit and not self.names.all_written:
            lost.add(NAMES)
        if self._hints and self.bodies.hints_written != sum(map(len, self._hints.values())):
            lost.add(BRANCH_HINTS)
        return lost

    def lines(self, head: str | None) -> list[str]:
        """The module; `head` is as that of `module_lines`."""
        own_head = f"module{self.names.module_head()}"
        lines = [f"({own_head if head is None else head}"]
        code = list(self._functions())  # before the data count is written, which an instruction may imply
        fields: dict[int, Iterable[str]] = {
            TYPE_SECTION: self._types(),
            IMPORT_SECTION: self._imports(),
            TABLE_SECTION: self._tables(),
            MEMORY_SECTION: self._memories(),
            TAG_SECTION: self._tags(),
            GLOBAL_SECTION: self._globals(),
            EXPORT_SECTION: self._exports(),
            START_SECTION: self._start(),
            ELEMENT_SECTION: self._elems(),
            DATA_COUNT_SECTION: self._data_count(),
            CODE_SECTION: code,
            DATA_SECTION: self._datas(),
        }
        lines.extend(self._customs(CUSTOM_SECTION))
        for section in SECTION_ORDER:
            lines.extend(fields.get(section, ()))
            lines.extend(self._customs(section))
        if len(lines) == 1:
            return [f"{lines[0]})"]
        return [*lines, ")"]

    def _head(self, kind: str) -> str:
        """The next index of a kind, with its identifier."""
        index = self._counts[kind]
        self._counts[kind] = index + 1
        return self.names.kinds[kind].head(index)

    # Fields, in the order of the sections

    def _types(self) -> Iterator[str]:
        index = 0
        for first, size in [*self.module.rec_groups, (len(self.module.types), None)]:
            for single in range(index, first):
                yield f"  {self.types.definition(single)}"
            if size is None:
                return
            yield "  (rec" if size else "  (rec)"
            for member in range(first, first + size):
                yield f"    {self.types.definition(member)}"
            if size:
                yield "  )"
            index = first + size

    def _imports(self) -> Iterator[str]:
        for item in self.module.imports:
            names = f"{quoted_name(item.module)} {quoted_name(item.name)}"
            desc = self.types.externtype(item.desc, item.type_index, item.exact)
            yield f"  (import {names} ({item.desc.kind} {self._head(item.desc.kind)} {desc}))"

    def _tables(self) -> Iterator[str]:
        for table in self.module.tables:
            init = [] if table.init is None else self.bodies.body(table.init, None)
            yield f"  (table {' '.join([self._head('table'), self.types.tabletype(table.type), *init])})"

    def _memories(self) -> Iterator[str]:
        for memory in self.module.memories:
            yield f"  (memory {self._head('memory')} {self.types.memorytype(memory)})"

    def _tags(self) -> Iterator[str]:
        for tag in self.module.tags:
            yield f"  (tag {self._head('tag')} {self.types.type_use(tag.type_index)})"

    def _globals(self) -> Iterator[str]:
        for item in self.module.globals:
            init = self.bodies.body(item.init, None)
            yield f"  (global {' '.join([self._head('global'), self.types.globaltype(item.type), *init])})"

    def _exports(self) -> Iterator[str]:
        for export in self.module.exports:
            index = self.names.kinds[export.kind].of(export.index)
            yield f"  (export {quoted_name(export.name)} ({export.kind} {index}))"

    def _start(self) -> Iterator[str]:
        if self.module.start is not None:
            yield f"  (start {self.names.funcs.of(self.module.start)})"

    def _elems(self) -> Iterator[str]:
        for index, elem in enumerate(self.module.elems):
            place = {"passive": "", "declarative": " declare"}.get(elem.mode)
            if place is None:
                place = self._place("table", elem.table, elem.offset)
            yield from wrapped(f"  (elem {self.names.elems.head(index)}{place}", self._elements(elem))

    def _elements(self, elem: Elem) -> list[str]:
        """The words that say an element segment's type and elements."""
        functions = [item for item in elem.init if isinstance(item, int)]
        if len(functions) == len(elem.init) and elem.type is _FUNC_REFERENCES:
            return ["func", *map(self.names.funcs.of, functions)]
        exprs = [
            f"(ref.func {self.names.funcs.of(item)})"
            if isinstance(item, int)
            else self.bodies.folded(item, "item")
            for item in elem.init
        ]
        return [self.types.valtype(elem.type), *exprs]

    def _place(self, kind: str, index: int, offset: Expr | None) -> str:
        """Where an active segment goes."""
        target = f" ({kind} {self.names.kinds[kind].of(index)})" if index else ""
        return target if offset is None else f"{target} {self.bodies.folded(offset, 'offset')}"

    def _data_count(self) -> Iterator[str]:
        if self.module.data_count is not None and not self.bodies.uses_data_index:
            yield "  (@data_count)"

    def _datas(self) -> Iterator[str]:
        for index, data in enumerate(self.module.datas):
            place = "" if data.mode == "passive" else self._place("memory", data.memory, data.offset)
            yield from wrapped(f"  (data {self.names.datas.head(index)}{place}", strings(bytes(data)))

    # Functions

    def _functions(self) -> Iterator[str]:
        imported = sum(isinstance(item.desc, FuncType) for item in self.module.imports)
        for number, (type_index, code) in enumerate(zip(self.module.funcs, self.module.code, strict=True)):
            yield from self._function(imported + number, type_index, code)

    def _function(self, index: int, type_index: int, code: Code) -> Iterator[str]:
        functype = self.types.functype(type_index)
        params = () if functype is None else functype.params
        names = self.names.locals_of(index, len(params) + sum(count for count, _ in code.locals))
        head = f"  (func {self.names.funcs.head(index)} "
        if functype is None or not names:
            head += self.types.type_use(type_index)
        else:
            groups = [
                *self._declared("param", enumerate(params), names),
                self.types.results(functype).strip(),
            ]
            head += " ".join([self.types.reference(type_index), *filter(None, groups)])
        hints = {code.start + offset: hint for offset, hint in self._hints.get(index, {}).items()}
        lines = self.bodies.body(code.expr, 2, names, self.names.labels_of(index), hints)
        locals = self._local_groups(code, len(params), names)
        if not lines and not locals:
            yield f"{head})"
            return
        yield head
        if locals:
            yield f"    {' '.join(locals)}"
        yield from lines
        yield "  )"

    def _local_groups(self, code: Code, first: int, names: SpaceNames) -> list[str]:
        self.budget.take(sum(count for count, _ in code.locals), code)
        types = [type for count, type in code.locals for _ in range(count)]
        return self._declared("local", enumerate(types, first), names)

    def _declared(self, keyword: str, items: Iterable[tuple[int, ValType]], names: SpaceNames) -> list[str]:
        """Parameters or locals: one that has a name stands alone, others together."""
        groups: list[str] = []
        unnamed: list[str] = []
        for index, type in items:
            label = names.label(index)
            if not label:
                unnamed.append(self.types.valtype(type))
                continue
            if unnamed:
                groups.append(f"({keyword} {' '.join(unnamed)})")
                unnamed = []
            groups.append(f"({keyword} {label} {self.types.valtype(type)})")
        return [*groups, f"({keyword} {' '.join(unnamed)})"] if unnamed else groups

    # Custom sections

    def _customs(self, after: int) -> Iterator[str]:
        """The annotations for the custom sections behind the section `after`."""
        place = f"(after {PLACES[after]})" if after else "(before first)"
        for custom in self.module.customs:
            if custom.after != after:
                continue
            if custom.name == NAMES and NAMES not in self._explicit:
                if not names_stand_last(self.module):
                    yield f"  (@names {place})"
                continue
            if custom.name == BRANCH_HINTS and BRANCH_HINTS not in self._explicit:
                continue
            head = f"  (@custom {quoted_name(custom.name)} {place}"
            yield from wrapped(head, strings(custom.data))
