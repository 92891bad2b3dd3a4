"""The Python module for a component's types: dataclasses, protocols, and `instantiate`.

Nothing in the module is code but `instantiate`: what runs is `pywrt.bindgen.runtime`. It is written from top
to bottom, noting which names it has to import.
"""

from collections.abc import Iterable, Iterator, Sequence

from pywrt.bindgen.annotations import Annotations
from pywrt.bindgen.interface import Function, required
from pywrt.bindgen.layout import INDENT, WIDTH, annotated, bracketed, docstring, union
from pywrt.bindgen.model import EXPORTED, IMPORTED, Definition, Model, ProtocolClass
from pywrt.bindgen.names import member_names, pascal
from pywrt.bindgen.signatures import TypeNames, wit_signature
from pywrt.component.types import ComponentType, Resource
from pywrt.wit import types as wit

#: Where the names come from that a generated module may import, as `ruff` sorts them.
_SOURCES = {
    "collections.abc": ("Mapping", "Sequence", "Set as AbstractSet"),
    "dataclasses": ("dataclass",),
    "os": ("PathLike",),
    "typing": ("Literal", "Protocol", "TypeAlias", "runtime_checkable"),
    "pywrt": ("Store",),
    "pywrt.bindgen.runtime": (
        "Answer",
        "Bindings",
        "Err",
        "FutureReader",
        "FutureSource",
        "Handle",
        "Ok",
        "Some",
        "StreamReader",
        "StreamSource",
        "Types",
    ),
    "pywrt.component": ("Component",),
    "pywrt.wasi.preview2": ("WasiCtx",),
}
#: What no type or interface may be called.
_RESERVED = {name.rpartition(" ")[2] for names in _SOURCES.values() for name in names}


def generate(component: ComponentType, name: str, file: str = "") -> str:
    """The text of a module for components of type `component`.

    `name`, in any spelling, is that of the class of the exports; `file` is mentioned in the docstring.
    """
    return _Writer(Model(component, class_name(name), _RESERVED)).module(file)


def class_name(text: str) -> str:
    """A class name made of any text: `my-app.component` is `MyAppComponent`."""
    words = "".join([c if c.isascii() and c.isalnum() else " " for c in text]).split()
    name = pascal("-".join(words) or "component")
    return f"Component{name}" if name[0].isdigit() else name


class _Writer:
    """Writes the module of a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.lines: list[str] = []
        self.used: set[str] = set()
        self.wit_names = TypeNames(model.component)
        self.annotations = Annotations(lambda type: model.definition(type).name, self.use)

    def use(self, name: str) -> str:
        """The name, which the module will import."""
        self.used.add(name)
        return name

    def add(self, *lines: str, blank: int = 2) -> None:
        """Add lines at the top level of the module, behind blank ones."""
        self.lines += [*[""] * blank, *lines]

    def module(self, file: str) -> str:
        """The whole text."""
        for definition in self.model.definitions:
            _WRITERS[type(definition.type)](self, definition)
        imports, exports = self.model.imports, self.model.exports
        for protocol in [inner for root in (imports, exports) for inner in root.walk() if inner is not root]:
            side = (
                "which the component exports." if protocol.side == EXPORTED else "for the host to implement."
            )
            mark = "," if protocol.side == EXPORTED else ":"
            self.protocol(protocol, f"The interface `{protocol.extern}`{mark} {side}", protocol.inner)
        if self.has_own_imports:
            doc = "What the component imports apart from interfaces: for the host to implement."
            self.protocol(imports, doc, ())
        self.protocol(exports, "What the component exports.", exports.inner)
        self.table("_IMPORTS", IMPORTED)
        self.table("_EXPORTS", EXPORTED)
        self.instantiate()
        shown = "".join([c if c.isprintable() and c not in '\\"' else "_" for c in file])
        about = f"for {shown}, made" if shown else "made"
        head = docstring([f"Bindings {about} by `pywrt bindgen`; not to be edited."], "")
        # two blank lines before a class, one before anything else
        body = self.lines if self.lines[2].startswith(("@", "class ")) else self.lines[1:]
        return "\n".join([*head, "", *self.imports(), *body]) + "\n"

    def imports(self) -> Iterator[str]:
        yield from ("from __future__ import annotations", "")
        if "builtins" in self.used:
            yield "import builtins"
        for source, names in _SOURCES.items():
            if source == "pywrt":
                yield ""
            used = [name for name in names if name.rpartition(" ")[2] in self.used]
            plain = [name for name in used if " " not in name]
            if plain:
                line = f"from {source} import "
                single = line + ", ".join(plain)
                yield from [single] if len(single) <= WIDTH else bracketed(f"{line}(", plain, ")")
            yield from [f"from {source} import {name}" for name in used if name not in plain]

    # Types

    def record(self, definition: Definition) -> None:
        assert isinstance(definition.type, wit.Record)
        fields = definition.type.fields
        names = list(member_names([field.name for field in fields]).values())
        first = required(fields)
        defaults = [""] * first + [" = None"] * (len(fields) - first)
        self.annotations.shadowed = frozenset(names)
        body: list[str] = []
        for name, field, default in zip(names, fields, defaults, strict=True):
            body += annotated(f"{INDENT}{name}: {self.annotations.text(field.type, False)}{default}")
        self.dataclass(definition.name, f"The record `{self.label(definition)}`.", body)

    def dataclass(self, name: str, doc: str, body: Sequence[str]) -> None:
        self.annotations.shadowed = frozenset()
        lines = [*docstring([doc], INDENT), *([""] if body else []), *body]
        self.add(f"@{self.use('dataclass')}(slots=True)", f"class {name}:", *lines)

    def variant(self, definition: Definition) -> None:
        assert isinstance(definition.type, wit.Variant)
        for name, case in zip(definition.cases, definition.type.cases, strict=True):
            doc = f"The case `{case.name}` of `{self.label(definition)}`."
            payload = (
                [] if case.type is None else [f"{INDENT}value: {self.annotations.text(case.type, False)}"]
            )
            self.dataclass(name, doc, payload)
        self.add(*union(f"{definition.name}: {self.use('TypeAlias')} = ", definition.cases))
        rows = [f'"{c.name}": {cls}' for c, cls in zip(definition.type.cases, definition.cases, strict=True)]
        self.add(*bracketed(f"{_cases(definition)} = {{", rows, "}"), blank=0)

    def enum(self, definition: Definition) -> None:
        assert isinstance(definition.type, wit.Enum)
        self.literal(definition.name, definition.type.names)

    def flags(self, definition: Definition) -> None:
        assert isinstance(definition.type, wit.Flags)
        (flag,) = definition.cases
        self.literal(flag, definition.type.names)
        alias = f"{definition.name}: {self.use('TypeAlias')}"
        self.add(f"{alias} = {self.use('AbstractSet')}[{flag}]", blank=0)

    def literal(self, name: str, values: Iterable[str]) -> None:
        head = f"{name}: {self.use('TypeAlias')} = {self.use('Literal')}["
        self.add(*bracketed(head, [f'"{value}"' for value in values], "]"))

    def resource(self, definition: Definition) -> None:
        label = self.label(definition)
        resource = definition.resource
        if resource is None:
            self.add(
                f"# the resource `{label}` of pywrt's WASI",
                f"{definition.name}: {self.use('TypeAlias')} = object",
            )
            return
        exported = definition.places[0][0] == EXPORTED
        bases = [self.use("Handle")] if exported else []
        doc = f"The resource `{label}`, which the {'component' if exported else 'host'} implements."
        body = docstring([doc], INDENT)
        for function in resource.functions:
            body += self.function(function, exported, [f.name for f in resource.functions])
        self.add(
            f"@{self.use('runtime_checkable')}",
            f"class {definition.name}({', '.join([*bases, self.use('Protocol')])}):",
            *body,
        )

    def label(self, definition: Definition) -> str:
        return definition.places[0][2]

    # Functions and interfaces

    @property
    def has_own_imports(self) -> bool:
        """Whether the component imports functions that are in no interface."""
        root = self.model.imports.interface
        return bool(root.functions or root.resources)

    def protocol(self, protocol: ProtocolClass, doc: str, inner: Sequence[ProtocolClass]) -> None:
        """The class of an interface: `inner` ones as attributes, then functions, then resources."""
        interface, exported = protocol.interface, protocol.side == EXPORTED
        attributes: list[str] = []
        for part in inner:
            attributes += self.attribute(part.attribute, part.name, exported)
        functions: list[str] = []
        members = [*[part.attribute for part in inner], *[f.name for f in interface.functions]]
        for function in interface.functions:
            functions += self.function(function, exported, members)
        # behind the functions, in whose annotations the name is that of the class
        classes: list[str] = []
        for resource in interface.resources:
            if exported or any(f.kind != "method" for f in resource.functions):
                name = self.model.definition(resource.type).name
                classes += self.attribute(resource.name, f"type[{name}]", exported)
        groups = [["", *group] if exported and group else group for group in (attributes, classes)]
        head = f"class {protocol.name}({self.use('Protocol')}):"
        self.add(head, *docstring([doc], INDENT), *groups[0], *functions, *groups[1])

    def attribute(self, name: str, annotation: str, exported: bool) -> list[str]:
        if exported:
            return [f"{INDENT}{name}: {annotation}"]
        # a property, so that what the host has may be of a subtype
        return ["", f"{INDENT}@property", f"{INDENT}def {name}(self) -> {annotation}: ..."]

    def function(self, function: Function, exported: bool, members: Sequence[str]) -> list[str]:
        """The declaration of a method; one more for a coroutine function that stands beside it."""
        self.annotations.shadowed = frozenset(members)
        params = [
            f"{name}: {self.annotations.text(param.type, exported)}"
            for name, param in zip(function.params, function.wit_params, strict=True)
        ]
        result, raised = function.type.result, ""
        if isinstance(result, wit.Result):
            raised = f"Raises `Err[{self.annotations.text(result.err, not exported)}]`."
            result = result.ok
        returned = self.annotations.text(result, not exported)
        if function.kind == "constructor":
            returned = "None"
        doc = [f"`{wit_signature(function, self.wit_names)}`", *([raised] if raised else [])]
        if exported:
            params[function.required :] = [f"{param} = None" for param in params[function.required :]]
        elif params:
            params.append("/")
        if function.type.is_async and not exported:
            returned = f"{self.use('Answer')}[{returned}]"
        lines = self.method("def", function, function.name, params, returned, doc)
        if exported and function.async_name is not None:
            lines += self.method("async def", function, function.async_name, params, returned, doc)
        self.annotations.shadowed = frozenset()
        return lines

    def method(
        self,
        word: str,
        function: Function,
        name: str,
        params: Sequence[str],
        returned: str,
        doc: Sequence[str],
    ) -> list[str]:
        static = function.kind == "static"
        receiver = [] if static else ["self"]
        return [
            "",
            *([f"{INDENT}@staticmethod"] if static else []),
            *bracketed(f"{word} {name}(", [*receiver, *params], f") -> {returned}:", INDENT),
            *docstring(doc, INDENT * 2),
        ]

    # What runs

    def table(self, name: str, side: str) -> None:
        """The classes of the types of each interface, for `Bindings`."""
        # exports without such types are there, too: `Bindings` looks for them in the component
        exports = self.model.exports.walk() if side == EXPORTED else ()
        rows: dict[str, list[str]] = {p.extern: [] for p in exports if p.extern}
        for definition in self.model.definitions:
            for place, interface, label in definition.places:
                if place == side and isinstance(definition.type, wit.Record | wit.Variant):
                    is_variant = isinstance(definition.type, wit.Variant)
                    value = _cases(definition) if is_variant else definition.name
                    rows.setdefault(interface, []).append(f'"{label}": {value}')
        head = f"{name}: {self.use('Types')} = {{"
        if not rows:
            self.add(f"{head}}}")
            return
        self.add(head)
        for interface, row in rows.items():
            self.lines += bracketed(f'"{interface}": {{', row, "},", INDENT)
        self.lines += ["}"]

    def instantiate(self) -> None:
        interfaces = [(p.attribute, p.name, p.extern) for p in self.model.imports.inner]
        if self.has_own_imports:
            interfaces.append(("imports", self.model.imports.name, ""))
        component = f"{self.use('Component')} | str | {self.use('PathLike')}[str]"
        params = [f"store: {self.use('Store')}", f"component: {component}"]
        keywords = [f"{attribute}: {name}" for attribute, name, _ in interfaces]
        arguments = ["store", "component", "{" + ", ".join([f'"{e}": {a}' for a, _, e in interfaces]) + "}"]
        doc = [
            "Instantiate the component, or that in a file.",
            "Raises LinkError if something is missing or does not fit.",
        ]
        if self.model.has_wasi:
            keywords.append(f"wasi: {self.use('WasiCtx')} | None = None")
            arguments.append("wasi")
            doc.append("`wasi` is what it sees of the machine: nothing if that is None.")
        star = ["*"] if keywords else []
        result = self.model.exports.name
        self.add(
            *bracketed("def instantiate(", [*params, *star, *keywords], f") -> {result}:"),
            *docstring(doc, INDENT),
            *bracketed(
                f"made: {result} = {self.use('Bindings')}(_IMPORTS, _EXPORTS).instantiate(",
                arguments,
                ")",
                INDENT,
            ),
            f"{INDENT}return made",
        )


def _cases(definition: Definition) -> str:
    """The name of what has the classes of a variant's cases."""
    return f"_{definition.name}Cases"


_WRITERS = {
    wit.Record: _Writer.record,
    wit.Variant: _Writer.variant,
    wit.Enum: _Writer.enum,
    wit.Flags: _Writer.flags,
    Resource: _Writer.resource,
}
