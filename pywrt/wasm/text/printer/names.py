"""Identifiers for what has a name in the name section. Spec: text/values.html#text-id, appendix/custom.html

A name becomes the identifier `$name`, or `$"na me"`. One that was given before becomes `$#func5<name>`,
with the annotation `(@name "name")`, and one that is empty or very long has the annotation alone. Each name
that is written is counted, so that one that has no place in the text (a local of an index that there is
not) is noticed: then the section as a whole is written as a custom section.
"""

from collections import Counter

from pywrt.wasm.binary.names import IndirectNameMap, NameMap, read_names
from pywrt.wasm.binary.names import Names as NameSection
from pywrt.wasm.module import Module
from pywrt.wasm.text.printer.values import identifier, quoted_name
from pywrt.wasm.types import StructType

#: Longer names are not repeated wherever they are meant.
_MAX_IDENTIFIER = 1000


class Count:
    """How many names were written."""

    __slots__ = ("written",)

    def __init__(self) -> None:
        self.written = 0


class SpaceNames:
    """One index space's identifiers, with `$`, by index; names that are not what theirs says have a note."""

    __slots__ = ("_count", "_ids", "_notes")

    def __init__(self, kind: str, size: int, names: NameMap, count: Count, annotate: bool) -> None:
        """`kind` is what the space holds, `size` how many; names of other indices are left out.

        With `annotate`, names that differ from the identifier are written as `(@name ...)`.
        """
        self._ids: dict[int, str] = {}
        self._notes: dict[int, str] = {}
        self._count = count
        taken: set[str] = set()
        for index, name in names.items():
            if index >= size:
                continue
            chosen = name
            if name in taken:
                chosen = f"#{kind}{index}<{name}>"
            if name and len(chosen) <= _MAX_IDENTIFIER and chosen not in taken:
                taken.add(chosen)
                self._ids[index] = identifier(chosen)
            else:
                chosen = ""
            if chosen != name or not name:
                self._notes[index] = f" (@name {quoted_name(name)})" if annotate else ""

    def __bool__(self) -> bool:
        return bool(self._ids) or bool(self._notes)

    def of(self, index: int) -> str:
        """How `index` is referred to: by its identifier, or as a number."""
        return self._ids.get(index) or str(index)

    def head(self, index: int) -> str:
        """What stands where `index` is defined: `$id (;0;)`, or `(;0;)`."""
        label = self.label(index)
        return f"{label} (;{index};)" if label else f"(;{index};)"

    def label(self, index: int) -> str:
        """The identifier and note of `index`, where it is defined; empty if it has none."""
        id, note = self._ids.get(index), self._notes.get(index)
        if id is None and note is None:
            return ""
        self._count.written += 1
        return f"{id or ''}{note or ''}".lstrip()


class Labels:
    """The identifiers of one function's labels, which may hide each other, in the order of their blocks."""

    __slots__ = ("_count", "_names")

    def __init__(self, names: NameMap, count: Count) -> None:
        self._names = names
        self._count = count

    def of(self, index: int) -> str | None:
        """The identifier of block `index`, which is about to be written."""
        name = self._names.get(index)
        if not name or len(name) > _MAX_IDENTIFIER:
            return None
        self._count.written += 1
        return identifier(name)


class Names:
    """The identifiers of a module; `annotate` as for SpaceNames."""

    def __init__(self, module: Module, annotate: bool) -> None:
        section = read_names(module)
        self._count = Count()
        self._total = _total(section)
        self._annotate = annotate
        self._section = section
        imported = Counter(item.desc.kind for item in module.imports)
        self.funcs = self._space("func", imported["func"] + len(module.funcs), section.functions)
        self.types = self._space("type", len(module.types), section.types)
        self.tables = self._space("table", imported["table"] + len(module.tables), section.tables)
        self.memories = self._space("memory", imported["memory"] + len(module.memories), section.memories)
        self.globals = self._space("global", imported["global"] + len(module.globals), section.globals)
        self.tags = self._space("tag", imported["tag"] + len(module.tags), section.tags)
        self.elems = self._space("elem", len(module.elems), section.elems)
        self.datas = self._space("data", len(module.datas), section.datas)
        #: The spaces of what can be imported and exported.
        self.kinds = {
            "func": self.funcs,
            "table": self.tables,
            "memory": self.memories,
            "global": self.globals,
            "tag": self.tags,
        }
        self.fields = {
            index: self._space("field", len(composite.fields), names)
            for index, names in section.fields.items()
            if index < len(module.types)
            and isinstance(composite := module.types[index].composite, StructType)
        }

    def _space(self, kind: str, size: int, names: NameMap) -> SpaceNames:
        return SpaceNames(kind, size, names, self._count, self._annotate)

    def module_head(self) -> str:
        """What stands behind `(module`."""
        name = self._section.module
        return "" if name is None else f" {self._space('module', 1, {0: name}).label(0)}"

    def locals_of(self, function: int, size: int) -> SpaceNames:
        """The identifiers of a function's `size` parameters and locals."""
        names = self._section.locals.get(function)
        return NO_NAMES if names is None else self._space("local", size, names)

    def labels_of(self, function: int) -> Labels | None:
        """The identifiers of a function's labels; None if there are none."""
        names = self._section.labels.get(function)
        return None if names is None else Labels(names, self._count)

    @property
    def all_written(self) -> bool:
        """Whether the text, which is complete, has all names of the section."""
        return self._count.written == self._total


def _total(section: NameSection) -> int:
    spaces: list[NameMap] = [
        section.functions,
        section.types,
        section.tables,
        section.memories,
        section.globals,
        section.tags,
        section.elems,
        section.datas,
    ]
    indirect: list[IndirectNameMap] = [section.locals, section.labels, section.fields]
    named = sum(map(len, spaces)) + sum(len(names) for space in indirect for names in space.values())
    return named + (section.module is not None)


NO_NAMES = SpaceNames("", 0, {}, Count(), False)
