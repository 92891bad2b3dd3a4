"""Types, and what component and instance types are made of. Spec: Explainer.md#type-definitions

Each reader takes what comes next at the cursor. A type that is written in place is defined at once, in the
scope around it, and a reference to it stands in the parts of what uses it.
"""

from collections.abc import Callable

from pywrt.component.tables import PRIMITIVES
from pywrt.component.text.context import ANONYMOUS, Binding, Context, Part, Ref
from pywrt.component.text.core_types import define_core_rec, define_core_type, read_core_typeuse
from pywrt.component.text.encoding import EXPORT, IMPORT, TYPE, name_bytes
from pywrt.component.text.scope import COMPONENT_TYPE, INSTANCE_TYPE, DefinedType
from pywrt.wasm.binary.encoder import encode_valtype as encode_core_valtype
from pywrt.wasm.text.instructions import unsigned
from pywrt.wasm.text.types import read_valtype as read_core_valtype

#: Primitive value types by their name in the text.
PRIMITIVE_CODES = {type.name: bytes((code,)) for code, (type, _) in PRIMITIVES.items()} | {
    "error-context": b"\x64"
}


# Value types, in the order of the specification


def at_valtype(context: Context) -> bool:
    """Whether a value type comes next."""
    texts, i = context.cursor.texts, context.cursor.i
    if texts[i] == "(":
        return texts[i + 1] in _VALUE_TYPES
    return texts[i] in PRIMITIVE_CODES or context.cursor.at_index()


def read_valtype(context: Context) -> Part:
    """`valtype`"""
    cursor = context.cursor
    if cursor.at_index():
        ref = context.index("type")
        ref.signed = True
        return ref
    primitive = PRIMITIVE_CODES.get(cursor.texts[cursor.i])
    if primitive is not None:
        cursor.i += 1
        return primitive
    start = cursor.i
    index = define_type(context, _parenthesized(context, _VALUE_TYPES, "a value type"))
    return Ref("type", index, start, signed=True)


def read_valuetype(context: Context) -> Part:
    """The type of a value: `<valtype>`, or `(type <typeidx>)`."""
    if not (context.cursor.at("type") and context.at_reference()):
        return read_valtype(context)
    ref = context.reference("type")
    ref.signed = True
    return ref


def _parenthesized(
    context: Context, readers: "dict[str, Callable[[Context], list[Part]]]", wanted: str
) -> list[Part]:
    """`(keyword ...)`, read by what the keyword names."""
    cursor = context.cursor
    read = readers.get(cursor.texts[cursor.i + 1]) if cursor.texts[cursor.i] == "(" else None
    if read is None:
        raise cursor.unexpected(cursor.i + (cursor.texts[cursor.i] == "("), wanted)
    cursor.i += 2
    context.descend()
    parts = read(context)
    context.ascend()
    cursor.expect(")")
    return parts


def define_type(context: Context, parts: list[Part], binding: Binding = ANONYMOUS) -> int:
    """Define a type that was read. Returns its index."""
    content = context.encode(parts)
    context.scope.define(TYPE, content)
    index = context.add("type", binding)
    context.scope.types[index] = DefinedType(content, context.scope)
    return index


def _vector(context: Context, keyword: str, code: bytes, read: Callable[[Context], list[Part]]) -> list[Part]:
    """`(keyword ...)*`"""
    count = 0
    parts: list[Part] = []
    while context.cursor.open(keyword):
        parts += read(context)
        context.cursor.expect(")")
        count += 1
    return [code + unsigned(count), *parts]


def _labelled(context: Context) -> list[Part]:
    return [name_bytes(context.cursor.name()), read_valtype(context)]


def _optional(context: Context) -> list[Part]:
    """`<valtype>?`"""
    return [b"\x01", read_valtype(context)] if at_valtype(context) else [b"\x00"]


def _record(context: Context) -> list[Part]:
    return _vector(context, "field", b"\x72", _labelled)


def _case(context: Context) -> list[Part]:
    context.cursor.identifier()  # that of older texts, which nothing refers to
    return [name_bytes(context.cursor.name()), *_optional(context), b"\x00"]


def _variant(context: Context) -> list[Part]:
    return _vector(context, "case", b"\x71", _case)


def _list(context: Context) -> list[Part]:
    element = read_valtype(context)
    if context.cursor.texts[context.cursor.i] == ")":
        return [b"\x70", element]
    return [b"\x67", element, unsigned(context.cursor.natural("a length"))]


def _tuple(context: Context) -> list[Part]:
    types = []
    while at_valtype(context):
        types.append(read_valtype(context))
    return [b"\x6f" + unsigned(len(types)), *types]


def _labels(context: Context, code: bytes) -> list[Part]:
    labels: list[Part] = []
    while context.cursor.at_string():
        labels.append(name_bytes(context.cursor.name()))
    return [code + unsigned(len(labels)), *labels]


def _flags(context: Context) -> list[Part]:
    return _labels(context, b"\x6e")


def _enum(context: Context) -> list[Part]:
    return _labels(context, b"\x6d")


def _option(context: Context) -> list[Part]:
    return [b"\x6b", read_valtype(context)]


def _result(context: Context) -> list[Part]:
    ok = _optional(context)
    if not context.cursor.open("error"):
        return [b"\x6a", *ok, b"\x00"]
    error = read_valtype(context)
    context.cursor.expect(")")
    return [b"\x6a", *ok, b"\x01", error]


def _own(context: Context) -> list[Part]:
    return [b"\x69", context.reference("type")]


def _borrow(context: Context) -> list[Part]:
    return [b"\x68", context.reference("type")]


def _stream(context: Context) -> list[Part]:
    return [b"\x66", *_optional(context)]


def _future(context: Context) -> list[Part]:
    return [b"\x65", *_optional(context)]


def _map(context: Context) -> list[Part]:
    return [b"\x63", read_valtype(context), read_valtype(context)]


# Other types


def read_functype(context: Context) -> list[Part]:
    """`async? (param "name" T)* (result T)?`"""
    code = b"\x43" if context.cursor.accept("async") else b"\x40"
    return [*_vector(context, "param", code, _labelled), *read_result_list(context)]


def read_result_list(context: Context) -> list[Part]:
    """`(result T)?`"""
    if not context.cursor.open("result"):
        return [b"\x01\x00"]
    type = read_valtype(context)
    context.cursor.expect(")")
    return [b"\x00", type]


def _resource(context: Context) -> list[Part]:
    cursor = context.cursor
    cursor.expect("(")
    cursor.expect("rep")
    rep = encode_core_valtype(read_core_valtype(cursor, context.scope.space("core type")))
    cursor.expect(")")
    if not cursor.open("dtor"):
        return [b"\x3f", rep, b"\x00"]
    destructor = context.lenient_reference("core func")
    cursor.expect(")")
    return [b"\x3f", rep, b"\x01", destructor]


def _component_type(context: Context, name: str | None = None) -> list[Part]:
    return [b"\x41", _declarators(context, COMPONENT_TYPE, name)]


def _instance_type(context: Context, name: str | None = None) -> list[Part]:
    return [b"\x42", _declarators(context, INSTANCE_TYPE, name)]


_VALUE_TYPES: dict[str, Callable[[Context], list[Part]]] = {
    "record": _record,
    "variant": _variant,
    "list": _list,
    "tuple": _tuple,
    "flags": _flags,
    "enum": _enum,
    "option": _option,
    "result": _result,
    "own": _own,
    "borrow": _borrow,
    "stream": _stream,
    "future": _future,
    "map": _map,
}
_DEFTYPES = _VALUE_TYPES | {"func": read_functype, "resource": _resource}
#: Types that enclose definitions.
_SCOPED_TYPES: dict[str, Callable[[Context, str | None], list[Part]]] = {
    "component": _component_type,
    "instance": _instance_type,
}


def read_deftype(context: Context, name: str | None = None) -> list[Part]:
    """`deftype`; `name` is the identifier of the definition, which outer aliases within it may use."""
    cursor = context.cursor
    primitive = PRIMITIVE_CODES.get(cursor.texts[cursor.i])
    if primitive is not None:
        cursor.i += 1
        return [primitive]
    scoped = _SCOPED_TYPES.get(cursor.texts[cursor.i + 1]) if cursor.texts[cursor.i] == "(" else None
    if scoped is None:
        return _parenthesized(context, _DEFTYPES, "a type")
    cursor.i += 2
    parts = scoped(context, name)
    cursor.expect(")")
    return parts


_TYPES_OF_SORTS: dict[str, Callable[[Context], list[Part]]] = {
    "func": read_functype,
    "component": _component_type,
    "instance": _instance_type,
}


def read_typeuse(context: Context, sort: str) -> Ref:
    """`(type <typeidx>)`, or the type of something of that sort in place."""
    if context.cursor.at("type") and context.at_reference():
        return context.reference("type")
    start = context.cursor.i
    return Ref("type", define_type(context, _TYPES_OF_SORTS[sort](context)), start)


# External types. Each begins behind the sort and the identifier.


def read_externtype(context: Context, sort: str) -> list[Part]:
    """`externtype` of a sort, behind `(sort <id>?`."""
    return _EXTERN_TYPES[sort](context)


def _module_extern(context: Context) -> list[Part]:
    return [b"\x00\x11", read_core_typeuse(context)]


def _func_extern(context: Context) -> list[Part]:
    return [b"\x01", read_typeuse(context, "func")]


def _component_extern(context: Context) -> list[Part]:
    return [b"\x04", read_typeuse(context, "component")]


def _instance_extern(context: Context) -> list[Part]:
    return [b"\x05", read_typeuse(context, "instance")]


def _value_extern(context: Context) -> list[Part]:
    cursor = context.cursor
    if not cursor.open("eq"):
        return [b"\x02\x01", read_valuetype(context)]
    value = context.reference("value")
    cursor.expect(")")
    return [b"\x02\x00", value]


def _type_extern(context: Context) -> list[Part]:
    cursor = context.cursor
    bound: list[Part]
    if cursor.open("eq"):
        bound = [b"\x03\x00", context.reference("type")]
    else:
        cursor.expect("(")
        cursor.expect("sub")
        cursor.expect("resource")
        bound = [b"\x03\x01"]
    cursor.expect(")")
    return bound


_EXTERN_TYPES: dict[str, Callable[[Context], list[Part]]] = {
    "core module": _module_extern,
    "func": _func_extern,
    "component": _component_extern,
    "instance": _instance_extern,
    "value": _value_extern,
    "type": _type_extern,
}


def extern_sort(context: Context) -> str:
    """The sort of an import or export, that comes next."""
    start = context.cursor.i
    sort = context.sort()
    if sort not in _EXTERN_TYPES:
        raise context.cursor.unexpected(start, "a sort that can be imported and exported")
    return sort


def define_extern(
    context: Context, section: int, name: bytes, sort: str, binding: Binding = ANONYMOUS
) -> int:
    """Import something, or declare an export: its type comes next. Returns its index."""
    parts = read_externtype(context, sort)
    content = context.encode(parts)
    context.scope.define(section, name + content)
    index = context.add(sort, binding)
    bound = parts[-1]
    if sort == "type" and isinstance(bound, Ref):
        context.scope.alias_type(index, context.resolve(bound))
    return index


# Declarators, which are definitions of components, too. Each begins behind its keyword and ends before its
# closing parenthesis.


def _declarators(context: Context, kind: str, name: str | None) -> bytes:
    """What is in a component or instance type, encoded."""
    scope = context.open_scope(kind, name)
    cursor = context.cursor
    while cursor.accept("("):
        readers = _CORE_DECLARATORS if cursor.accept("core") else _DECLARATORS
        read = readers.get(cursor.texts[cursor.i])
        if read is None or (read is define_import and kind != COMPONENT_TYPE):
            raise cursor.unexpected(wanted=f"a declarator of {kind}s")
        cursor.i += 1
        read(context)
        cursor.expect(")")
    context.close_scope()
    return scope.declarators()


def define_import(context: Context) -> None:
    """`(import <externname> (sort <id>? ...))`"""
    _extern_declarator(context, IMPORT)


def _export_declarator(context: Context) -> None:
    _extern_declarator(context, EXPORT)


def _extern_declarator(context: Context, section: int) -> None:
    name = context.extern_name()
    context.cursor.expect("(")
    sort = extern_sort(context)
    define_extern(context, section, name, sort, context.binding())
    context.cursor.expect(")")


def _core_type_declarator(context: Context) -> None:
    define_core_type(context, context.binding())


def _type_declarator(context: Context) -> None:
    binding = context.binding()
    define_type(context, read_deftype(context, binding.name), binding)


def define_alias(context: Context) -> None:
    """`(alias export|core export|outer ... (sort <id>?))`"""
    target = read_alias_target(context)
    context.cursor.expect("(")
    sort = context.sort()
    target.define(context, sort, context.binding())
    context.cursor.expect(")")


class AliasTarget:
    """What an alias is of: an export of an instance, or with `outer`, a definition there."""

    __slots__ = ("instance", "name", "outer")

    def __init__(self, instance: Ref, name: str, outer: Ref | None = None) -> None:
        self.instance = instance
        self.name = name
        self.outer = outer

    def define(self, context: Context, sort: str, binding: Binding) -> int:
        """Define the alias, as something of a sort. Returns its index."""
        if self.outer is not None:
            count, index = context.outer(self.outer, Ref(sort, self.instance.index, self.instance.start))
            return context.alias_outer(sort, count, index, binding)
        instances = self.instance.sort
        return context.alias_export(instances, context.resolve(self.instance), self.name, sort, binding)


def read_alias_target(context: Context) -> AliasTarget:
    """`export <instance> <name>`, `core export <instance> <name>` or `outer <idx> <idx>`."""
    cursor = context.cursor
    if cursor.accept("outer"):
        outer = context.index("component")
        return AliasTarget(context.index("type"), "", outer)
    instances = "core instance" if cursor.accept("core") else "instance"
    cursor.expect("export")
    return AliasTarget(context.index(instances), cursor.name())


_DECLARATORS: dict[str, Callable[[Context], None]] = {
    "type": _type_declarator,
    "alias": define_alias,
    "import": define_import,
    "export": _export_declarator,
}
_CORE_DECLARATORS: dict[str, Callable[[Context], None]] = {
    "type": _core_type_declarator,
    "rec": define_core_rec,
}
