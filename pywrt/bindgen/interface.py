"""An interface as Python shows it: functions and classes with their Python names.

Generated modules, their run time and the loader all read interfaces through this, and so agree on names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pywrt.bindgen.names import attribute_names, distinct, interface_labels, member_names, pascal, snake
from pywrt.component.types import ComponentType, Extern, InstanceType, Resource
from pywrt.wit import types as wit
from pywrt.wit.names import ExternName, parse_extern_name

#: The types that have names; others, `type names = list<string>`, are what they are made of.
NamedType = wit.Record | wit.Variant | wit.Enum | wit.Flags | Resource

#: What a class for a resource has besides the resource's own functions.
RESOURCE_MEMBERS = ("drop",)


def required(fields: Sequence[wit.Field]) -> int:
    """How many of the fields, or parameters, are there before nothing but options follows."""
    count = len(fields)
    while count and isinstance(fields[count - 1].type, wit.Option):
        count -= 1
    return count


@dataclass(frozen=True, slots=True)
class Function:
    """A function of an interface or a resource; `params` are the Python names of its parameters.

    A method's do not include `self`. `extern` is the name in the component, `[method]sink.write`, and
    `label` the function's own, `write`; `kind` is "function", "constructor", "method" or "static"; and
    `async_name` is the name of the coroutine function that stands beside an async function.
    """

    extern: str
    label: str
    name: str
    async_name: str | None
    kind: str
    type: wit.FuncType
    params: tuple[str, ...]

    @property
    def wit_params(self) -> tuple[wit.Field, ...]:
        """The parameters that `params` name."""
        return self.type.params[1:] if self.kind == "method" else self.type.params

    @property
    def required(self) -> int:
        """How many parameters can't be left out."""
        return required(self.wit_params)


@dataclass(frozen=True, slots=True)
class ResourceClass:
    """A resource type that an interface defines: its Python class, and its functions."""

    label: str
    name: str
    type: Resource
    functions: list[Function]


@dataclass(frozen=True, slots=True)
class Interface:
    """The members of an interface, or of a component's root; `instances` are interfaces within it.

    `types` are all types that it exports, by label; `attributes` are the Python names of `instances`.
    """

    types: dict[str, Extern]
    functions: list[Function]
    resources: list[ResourceClass]
    instances: "dict[str, Interface]"
    attributes: dict[str, str]

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it but types."""
        return not (self.functions or self.resources) and all(i.empty for i in self.instances.values())


def named_types(items: Mapping[str, Extern], path: str = "") -> Iterator[tuple[str, str, NamedType]]:
    """Each type that has a name by which `items` export or import it: the interface, the name, the type.

    Nested instances are included; their nesting is bounded by the depth of types.
    """
    for label, item in items.items():
        if item.sort == "instance" and isinstance(item.type, InstanceType):
            yield from named_types(item.type.exports, f"{path}#{label}" if path else label)
        elif item.sort == "type" and isinstance(item.type, NamedType):
            yield path, label, item.type


def read_interface(
    items: Mapping[str, Extern], known: set[Resource], reserved: Iterable[str] = ()
) -> Interface:
    """The interface that has `items`; `reserved` are names that interfaces within it must not have.

    A resource type is a class of the first interface that has it; `known` are those that are taken, and
    will be. Interfaces within others come first, since the others can only use what they define.
    """
    instances = {
        label: read_interface(item.type.exports, known)
        for label, item in items.items()
        if item.sort == "instance" and isinstance(item.type, InstanceType)
    }
    types = {label: item for label, item in items.items() if item.sort == "type"}
    owned: dict[str, Resource] = {}
    for label, item in types.items():
        if isinstance(item.type, Resource) and item.type not in known:
            known.add(item.type)
            owned[label] = item.type
    given: dict[str, list[tuple[ExternName, str, wit.FuncType]]] = {}
    for extern, item in items.items():
        if item.sort == "func" and isinstance(item.type, wit.FuncType):
            parsed = parse_extern_name(extern)
            # methods of another interface's resource are functions like any other
            owner = parsed.resource if parsed.resource in owned else ""
            given.setdefault(owner, []).append((parsed, extern, item.type))
    names = distinct({label: (pascal(interface_labels(label)[0]),) for label in owned})
    resources = [
        ResourceClass(label, names[label], type, _functions(given.get(label, []), RESOURCE_MEMBERS, True))
        for label, type in owned.items()
    ]
    own = _functions(given.get("", []), (), False)
    taken = {*reserved, *names.values()}
    for function in own:
        taken.update((function.name, function.async_name or function.name))
    return Interface(types, own, resources, instances, attribute_names(instances, taken))


def _functions(
    given: list[tuple[ExternName, str, wit.FuncType]], reserved: Iterable[str], of_resource: bool
) -> list[Function]:
    # anything may have an interface's name, a function too
    labels = {x: parsed.label or parsed.resource or interface_labels(x)[0] for parsed, x, _ in given}
    spellings = {extern: (snake(label),) for extern, label in labels.items()}
    if of_resource:
        spellings.update({extern: ("__init__",) for parsed, extern, _ in given if not parsed.label})
    names = distinct(spellings, reserved)
    beside = distinct(
        {extern: (f"{names[extern].rstrip('_')}_async",) for _, extern, type in given if type.is_async},
        {*reserved, *names.values()},
    )
    made = []
    for parsed, extern, type in given:
        kind = parsed.kind if of_resource else "function"
        given_names = [param.name for param in type.params[kind == "method" :]]
        params = tuple(member_names(given_names, ("self",)).values())
        made.append(Function(extern, labels[extern], names[extern], beside.get(extern), kind, type, params))
    return made


#: What interfaces of imports must not be named: the other variables of a generated `instantiate`.
_PARAMETERS = ("store", "component", "imports", "wasi", "made")


def read_imports(component: ComponentType, provided: Iterable[str]) -> Interface:
    """The root of what a component imports, with those of its interfaces that are in `provided`."""
    names = set(provided)
    items = {n: item for n, item in component.imports.items() if item.sort != "instance" or n in names}
    elsewhere = {resource for resource, path in component.imported if path[0] not in items}
    return read_interface(items, elsewhere, _PARAMETERS)


def read_exports(component: ComponentType) -> Interface:
    """The root of what a component exports."""
    return read_interface(component.exports, {resource for resource, _ in component.imported})
