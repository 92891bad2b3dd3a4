"""WIT signatures with the names that types have, for docstrings."""

from pywrt.bindgen.interface import Function, named_types
from pywrt.component.types import ComponentType, Resource
from pywrt.wit import types as wit


class TypeNames:
    """The WIT names of a component's types, by the identity of type objects."""

    __slots__ = ("_component", "_names", "_resources")

    def __init__(self, component: ComponentType) -> None:
        self._component = component  # keeps the types alive
        self._names: dict[int, str] = {}
        self._resources: dict[wit.ResourceType, str] = {}
        for _, label, type in (*named_types(component.imports), *named_types(component.exports)):
            if isinstance(type, Resource):
                self._resources.setdefault(type, label)
            else:
                self._names[id(type)] = label

    def text(self, type: wit.WitType | None) -> str:
        """The type in WIT."""
        if type is None:
            return "_"
        named = self._names.get(id(type))
        if named is not None:
            return named
        inner = _arguments(type)
        if isinstance(type, wit.Own | wit.Borrow):
            name = self._resources.get(type.resource, type.resource.name)
            return name if isinstance(type, wit.Own) else f"borrow<{name}>"
        if inner is None:
            return str(type) if isinstance(type, wit.Primitive) else type.__class__.__name__.lower()
        texts = [self.text(part) for part in inner]
        if isinstance(type, wit.List) and type.length is not None:
            texts.append(str(type.length))
        kind = type.__class__.__name__.lower()
        while texts and texts[-1] == "_":
            texts.pop()
        return f"{kind}<{', '.join(texts)}>" if texts else kind


def _arguments(type: wit.WitType) -> tuple[wit.WitType | None, ...] | None:
    """What stands between the angle brackets of a type; None if it has none."""
    match type:
        case wit.List(element) | wit.Option(element) | wit.Stream(element) | wit.Future(element):
            return (element,)
        case wit.Tuple(types):
            return types
        case wit.Result(ok, err):
            return (ok, err)
        case wit.Map(key, value):
            return (key, value)
        case _:
            return None


def wit_signature(function: Function, names: TypeNames) -> str:
    """The declaration of a function in WIT: `write: func(bytes: list<u8>) -> result<u32, string>`."""
    params = ", ".join(f"{param.name}: {names.text(param.type)}" for param in function.wit_params)
    if function.kind == "constructor":
        result = function.type.result
        fallible = f" -> {names.text(result)}" if isinstance(result, wit.Result) else ""
        return f"constructor({params}){fallible}"
    words = "static " if function.kind == "static" else ""
    words += "async func" if function.type.is_async else "func"
    arrow = "" if function.type.result is None else f" -> {names.text(function.type.result)}"
    return f"{function.label}: {words}({params}){arrow}"
