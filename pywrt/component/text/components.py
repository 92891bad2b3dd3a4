"""Components of the text format. Spec: Explainer.md#component-definitions

Strategy: one pass in order, since a definition can refer to what precedes it only. `Context` says how
each is read and written; here is a reader for each kind of definition, and what all kinds have in common: an
identifier, exports, and an import or alias in place of the definition.
"""

from collections.abc import Callable

from pywrt.component.text.canon import LIFT, read_canon
from pywrt.component.text.context import ANONYMOUS, Binding, Context, Part, Ref
from pywrt.component.text.core_types import define_core_rec, define_core_type
from pywrt.component.text.encoding import (
    CANON,
    COMPONENT,
    CORE_INSTANCE,
    CORE_MODULE,
    CUSTOM,
    EXPORT,
    IMPORT,
    INSTANCE,
    SORT_BYTES,
    START,
    name_bytes,
)
from pywrt.component.text.scope import COMPONENT_KIND
from pywrt.component.text.types import (
    define_alias,
    define_extern,
    define_import,
    define_type,
    extern_sort,
    read_alias_target,
    read_deftype,
    read_externtype,
    read_typeuse,
)
from pywrt.component.text.values import define_value
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text.annotations import parse_custom
from pywrt.wasm.text.cursor import Cursor
from pywrt.wasm.text.instructions import unsigned
from pywrt.wasm.text.lexer import NAME, NAMES, Tokens, decode_text, tokenize
from pywrt.wasm.text.modules import ModuleParser, read_module

#: What can be imported and exported.
_EXTERN_SORTS = ("core module", "func", "value", "type", "component", "instance")


class ComponentParser:
    """Reads the definitions of one component, up to a closing parenthesis or the end of the text."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.cursor = context.cursor

    def parse(self) -> bytes:
        """The component that is the innermost scope, encoded; the token that ends it stays."""
        context, cursor = self.context, self.cursor
        scope = context.scope
        self._customs()
        while cursor.accept("("):
            self._definition()
            cursor.expect(")")
            self._customs()
        for name, sort, index in scope.inline_exports:
            scope.define(EXPORT, name + SORT_BYTES[sort] + unsigned(index) + b"\x00")
            context.add(sort)
        return scope.component()

    def _customs(self) -> None:
        """Custom sections that annotations in front of the next token say, or that names stand there."""
        for annotation in self.context.customs.get(self.cursor.i, ()):
            if annotation.name == NAMES:
                self.context.scope.place_names()
            else:
                custom = parse_custom(annotation).custom
                self.context.scope.define(CUSTOM, name_bytes(custom.name) + custom.data)

    def _definition(self) -> None:
        cursor = self.cursor
        is_core = cursor.accept("core")
        word = cursor.texts[cursor.i]
        kind = f"core {word}" if is_core else word
        if kind not in _OTHERS and kind not in SORT_BYTES:
            raise cursor.unexpected(wanted="a definition")
        cursor.i += 1
        if kind in _OTHERS:
            _OTHERS[kind](self.context)
        else:
            self._of_sort(kind)

    def _of_sort(self, sort: str) -> None:
        """`(sort <id>? (export ...)* ...)`, where an import or alias may stand for the rest."""
        context, cursor = self.context, self.cursor
        binding = context.binding()
        exports = []
        if sort in _EXTERN_SORTS:
            while context.at_inline("export"):
                exports.append(self._inline_name())
        if sort in _EXTERN_SORTS and context.at_inline("import"):
            index = define_extern(context, IMPORT, self._inline_name(), sort, binding)
        elif self._at_inline_alias():
            cursor.i += 2
            target = read_alias_target(context)
            cursor.expect(")")
            index = target.define(context, sort, binding)
        else:
            index = self._define(sort, binding)
        context.scope.inline_exports += [(name, sort, index) for name in exports]

    def _inline_name(self) -> bytes:
        """`(keyword <externname>)`"""
        self.cursor.i += 2
        name = self.context.extern_name()
        self.cursor.expect(")")
        return name

    def _at_inline_alias(self) -> bool:
        """Whether an alias without a sort comes next; one with a sort is a definition of its own."""
        cursor = self.cursor
        if not cursor.at("alias"):
            return False
        texts, i = cursor.texts, cursor.i + 2
        while texts[i] not in ("(", ")", ""):
            i += 1
        return texts[i] == ")"

    def _define(self, sort: str, binding: Binding) -> int:
        define = _DEFINITIONS.get(sort)
        if define is None:
            raise self.cursor.unexpected(wanted="an alias")
        return define(self, binding)

    # Definitions of each sort, behind the identifier; they end before the closing parenthesis.

    def core_module(self, binding: Binding) -> int:
        context, cursor = self.context, self.cursor
        context.descend()
        tokens, first = cursor.tokens, cursor.i
        cursor.skip_to_close()
        cursor.i -= 1
        module_cursor = Cursor(tokens, first)
        annotations = tokens.annotations_between(first, cursor.i)
        if first in context.own_names:  # then the name at this place is the component's for the module
            annotations = [a for a in annotations if a.name != NAME or a.index != first]
        module = ModuleParser(module_cursor, binding.own_name, annotations).parse()
        if module_cursor.i != cursor.i:
            raise module_cursor.unexpected(wanted='")"')
        context.ascend()
        context.scope.define(CORE_MODULE, encode_module(module))
        return context.add("core module", binding)

    def core_instance(self, binding: Binding) -> int:
        return self._instance(True, binding)

    def instance(self, binding: Binding) -> int:
        return self._instance(False, binding)

    def _instance(self, is_core: bool, binding: Binding) -> int:
        """`(instantiate ...)`, or exports that make an instance."""
        if not self.cursor.open("instantiate"):
            return self._define_instance(is_core, self._exports(is_core), binding)
        parts = self._instantiation(is_core)
        self.cursor.expect(")")
        return self._define_instance(is_core, parts, binding)

    def _define_instance(self, is_core: bool, parts: list[Part], binding: Binding) -> int:
        content = self.context.encode(parts)
        self.context.scope.define(CORE_INSTANCE if is_core else INSTANCE, content)
        return self.context.add(_instance_sort(is_core), binding)

    def _instantiation(self, is_core: bool) -> list[Part]:
        """`<idx> (with <name> ...)*`"""
        context, cursor = self.context, self.cursor
        what = context.reference("core module" if is_core else "component", prefixed=not is_core)
        arguments: list[Part] = []
        count = 0
        while cursor.open("with"):
            name = name_bytes(cursor.name())
            ref = self._argument(is_core)
            cursor.expect(")")
            arguments += [name + _sort_bytes(ref, is_core), ref]
            count += 1
        return [b"\x00", what, unsigned(count), *arguments]

    def _argument(self, is_core: bool) -> Ref:
        """A reference, or an instance made of exports, which is defined here."""
        context, cursor = self.context, self.cursor
        start = cursor.i
        if cursor.at("instance") and not context.at_reference():
            cursor.i += 2
            index = self._define_instance(is_core, self._exports(is_core), ANONYMOUS)
            cursor.expect(")")
            return Ref(_instance_sort(is_core), index, start)
        ref = context.any_reference(is_core)
        if is_core and ref.sort != "core instance":
            raise cursor.unexpected(start + 1, '"instance"')
        return ref

    def _exports(self, is_core: bool) -> list[Part]:
        """`(export <name> <externidx>)*`"""
        context, cursor = self.context, self.cursor
        exports: list[Part] = []
        count = 0
        while cursor.open("export"):
            name = name_bytes(cursor.name()) if is_core else context.extern_name()
            ref = context.any_reference(is_core)
            cursor.expect(")")
            exports += [name + _sort_bytes(ref, is_core), ref]
            count += 1
        return [b"\x01" + unsigned(count), *exports]

    def core_type(self, binding: Binding) -> int:
        return define_core_type(self.context, binding)

    def component(self, binding: Binding) -> int:
        context = self.context
        scope = context.open_scope(COMPONENT_KIND, binding.name)
        scope.own_name = binding.own_name
        encoded = self.parse()
        context.close_scope()
        context.scope.define(COMPONENT, encoded)
        return context.add("component", binding)

    def type(self, binding: Binding) -> int:
        return define_type(self.context, read_deftype(self.context, binding.name), binding)

    def value(self, binding: Binding) -> int:
        return define_value(self.context, binding)

    def func(self, binding: Binding) -> int:
        """`<functype> (canon lift ...)`"""
        context, cursor = self.context, self.cursor
        type = read_typeuse(context, "func")
        cursor.expect("(")
        cursor.expect("canon")
        start = cursor.i
        name, parts = read_canon(context)
        if name != LIFT:
            raise cursor.unexpected(start, f'"{LIFT}"')
        cursor.expect(")")
        return _define_lift(context, parts, type, binding)

    def core_func(self, binding: Binding) -> int:
        """`(canon ...)` of any kind but `lift`"""
        context, cursor = self.context, self.cursor
        cursor.expect("(")
        cursor.expect("canon")
        start = cursor.i
        name, parts = read_canon(context)
        if name == LIFT:
            raise cursor.unexpected(start, "a canonical definition of a core function")
        cursor.expect(")")
        return _define_builtin(context, parts, binding)


def _instance_sort(is_core: bool) -> str:
    return "core instance" if is_core else "instance"


def _sort_bytes(ref: Ref, is_core: bool) -> bytes:
    """`sort`, or `core:sort` among core definitions."""
    return SORT_BYTES[ref.sort][1:] if is_core else SORT_BYTES[ref.sort]


def _define_lift(context: Context, parts: list[Part], type: Ref, binding: Binding) -> int:
    type_index = context.encode([type])
    context.scope.define(CANON, context.encode(parts) + type_index)
    return context.add("func", binding)


def _define_builtin(context: Context, parts: list[Part], binding: Binding) -> int:
    content = context.encode(parts)
    context.scope.define(CANON, content)
    return context.add("core func", binding)


_DEFINITIONS: dict[str, Callable[[ComponentParser, Binding], int]] = {
    "core module": ComponentParser.core_module,
    "core instance": ComponentParser.core_instance,
    "core type": ComponentParser.core_type,
    "core func": ComponentParser.core_func,
    "component": ComponentParser.component,
    "instance": ComponentParser.instance,
    "type": ComponentParser.type,
    "value": ComponentParser.value,
    "func": ComponentParser.func,
}


# Definitions that begin with no sort


def _canon(context: Context) -> None:
    """`(canon lift ... (func <id>? ...))` or `(canon ... (core func <id>?))`"""
    cursor = context.cursor
    name, parts = read_canon(context)
    cursor.expect("(")
    if name == LIFT:
        cursor.expect("func")
        binding = context.binding()
        _define_lift(context, parts, read_typeuse(context, "func"), binding)
    else:
        cursor.expect("core")
        cursor.expect("func")
        _define_builtin(context, parts, context.binding())
    cursor.expect(")")


def _export(context: Context) -> None:
    """`(export <id>? <externname> <externidx> <externtype>?)`"""
    cursor = context.cursor
    binding = context.binding()
    name = context.extern_name()
    ref = context.any_reference()
    ascribed = b"\x00"
    if cursor.accept("("):
        ascribed = b"\x01" + context.encode(read_externtype(context, extern_sort(context)))
        cursor.expect(")")
    index = context.resolve(ref)
    context.scope.define(EXPORT, name + SORT_BYTES[ref.sort] + unsigned(index) + ascribed)
    exported = context.add(ref.sort, binding)
    if ref.sort == "type":
        context.scope.alias_type(exported, index)


def _start(context: Context) -> None:
    """`(start <funcidx> (value <valueidx>)* (result (value <id>?))*)`"""
    cursor = context.cursor
    parts: list[Part] = [context.reference("func")]
    arguments: list[Part] = []
    while cursor.at("value"):
        arguments.append(context.reference("value"))
    results = []
    while cursor.open("result"):
        cursor.expect("(")
        cursor.expect("value")
        results.append(context.binding())
        cursor.expect(")")
        cursor.expect(")")
    parts += [unsigned(len(arguments)), *arguments, unsigned(len(results))]
    context.scope.define(START, context.encode(parts))
    for binding in results:
        context.add("value", binding)


_OTHERS: dict[str, Callable[[Context], None]] = {
    "alias": define_alias,
    "canon": _canon,
    "start": _start,
    "import": define_import,
    "export": _export,
    "core rec": define_core_rec,
}


def parse_component(text: str | bytes) -> bytes:
    """The binary format of the component that a text says: `(component ...)`.

    `text` may be the bytes of a file. Identifiers are kept in sections of names. The component is not
    validated. MalformedError says line, column and source line; InvalidError is for a branch hint in a core
    module in front of what is no branch. Spec: Explainer.md
    """
    return _read_component(_tokens(text))


def wat2wasm(text: str | bytes) -> bytes:
    """The binary format of a text, which is that of a component or of a module.

    As `parse_component`, or `pywrt.api.text.wat2wasm`.
    """
    tokens = _tokens(text)
    if tokens.texts[:2] == ["(", "component"]:
        return _read_component(tokens)
    return encode_module(read_module(tokens))


def _tokens(text: str | bytes) -> Tokens:
    return tokenize(decode_text(text) if isinstance(text, bytes) else text)


def _read_component(tokens: Tokens) -> bytes:
    context = Context(tokens)
    cursor = context.cursor
    cursor.expect("(")
    cursor.expect("component")
    encoded = read_definitions(context)
    cursor.expect(")")
    if cursor.texts[cursor.i] != "":
        raise cursor.unexpected(wanted="the end of the component")
    return encoded


def read_definitions(context: Context) -> bytes:
    """The component whose identifier and definitions come next, up to its closing parenthesis."""
    binding = context.binding()
    context.scope.name = binding.name
    context.scope.own_name = binding.own_name
    return ComponentParser(context).parse()
