"""Custom sections that the text format has forms of their own for, and where the others stand.

Spec: appendix/custom.html; the branch hinting proposal
"""

from pywrt.errors import MalformedError
from pywrt.wasm.binary.names import encode_names, read_names
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.binary.sections import (
    CODE_SECTION,
    DATA_COUNT_SECTION,
    DATA_SECTION,
    ELEMENT_SECTION,
    EXPORT_SECTION,
    FUNCTION_SECTION,
    GLOBAL_SECTION,
    IMPORT_SECTION,
    MEMORY_SECTION,
    SECTION_ORDER,
    START_SECTION,
    TABLE_SECTION,
    TAG_SECTION,
    TYPE_SECTION,
)
from pywrt.wasm.module import Custom, Module
from pywrt.wasm.text.annotations import SECTION_IDS, hint_section

NAMES = "name"
BRANCH_HINTS = "metadata.code.branch_hint"

#: What the placement of an annotation calls each section.
PLACES = {section: name for name, section in SECTION_IDS.items() if name not in ("first", "last")}
#: The module's attribute that is empty or None if it lacks the section.
_ATTRIBUTES = {
    TYPE_SECTION: "types",
    IMPORT_SECTION: "imports",
    FUNCTION_SECTION: "funcs",
    TABLE_SECTION: "tables",
    MEMORY_SECTION: "memories",
    TAG_SECTION: "tags",
    GLOBAL_SECTION: "globals",
    EXPORT_SECTION: "exports",
    START_SECTION: "start",
    ELEMENT_SECTION: "elems",
    DATA_COUNT_SECTION: "data_count",
    CODE_SECTION: "code",
    DATA_SECTION: "datas",
}

#: Hints by the offset in the function's body, by function.
BranchHints = dict[int, dict[int, int]]


def _only(module: Module, name: str) -> Custom | None:
    """The custom section of that name; None if there isn't exactly one."""
    found = [custom for custom in module.customs if custom.name == name]
    return found[0] if len(found) == 1 else None


def _stands_last(module: Module, custom: Custom, before: int | None = None) -> bool:
    """Whether no section follows `custom` in front of the known section `before` (None: at all)."""
    end = len(SECTION_ORDER) + 1 if before is None else SECTION_ORDER[before]
    start = SECTION_ORDER.get(custom.after, 0)
    if start >= end:
        return False
    for section, place in SECTION_ORDER.items():
        items = getattr(module, _ATTRIBUTES[section])
        is_there = items is not None and (isinstance(items, int) or len(items) > 0)
        if start < place < end and is_there:
            return False
    behind = module.customs[[c is custom for c in module.customs].index(True) + 1 :]
    return all(SECTION_ORDER.get(c.after, 0) >= end for c in behind)


def names_are_regular(module: Module) -> bool:
    """Whether the name section, if there is one, is what an encoder makes of the names in it."""
    custom = _only(module, NAMES)
    if custom is None or not custom.data:
        return all(custom.name != NAMES for custom in module.customs)
    return encode_names(read_names(module)) == custom.data


def names_stand_last(module: Module) -> bool:
    """Whether the name section is the last of all, where the parser puts it."""
    custom = _only(module, NAMES)
    return custom is not None and _stands_last(module, custom)


def read_branch_hints(module: Module) -> BranchHints | None:
    """The branch hints; None if annotations of the instructions can't say what the section does.

    They can if it stands right before the code and has one hint, 0 or 1, for each offset, in order.
    """
    custom = _only(module, BRANCH_HINTS)
    if custom is None:
        return {} if all(custom.name != BRANCH_HINTS for custom in module.customs) else None
    if not _stands_last(module, custom, CODE_SECTION):
        return None
    reader = Reader(custom.data, 0, len(custom.data))
    hints: BranchHints = {}
    try:
        for _ in range(reader.u32()):
            function = reader.u32()
            of_function: dict[int, int] = {}
            for _ in range(reader.u32()):
                offset = reader.u32()
                size = reader.u32()
                start = reader.skip(size)
                hint = custom.data[start : reader.pos]
                if hint not in (b"\0", b"\1"):
                    return None
                of_function[offset] = hint[0]
            if not of_function or list(of_function) != sorted(of_function):
                return None
            hints[function] = of_function
    except MalformedError:
        return None
    if not hints or list(hints) != sorted(hints):
        return None
    again = hint_section([(function, 0, list(entries.items())) for function, entries in hints.items()])
    return hints if again.custom.data == custom.data else None
