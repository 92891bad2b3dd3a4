"""WIT types to Python's annotations.

What the host gives to a component is annotated with what is accepted (`Sequence`), what a component gives to
the host with what it is (`list`). Named types stand for both.
"""

from collections.abc import Callable

from pywrt.wit import types as wit

#: What a primitive type is in Python; an error context is opaque.
_PRIMITIVES = {
    "bool": "bool",
    "f32": "float",
    "f64": "float",
    "char": "str",
    "string": "str",
    "error-context": "object",
}


class Annotations:
    """Writes annotations.

    `name_of` gives the class or alias of a named type; `use` returns a name that the module has to import.
    """

    __slots__ = ("_name_of", "_use", "shadowed")

    def __init__(
        self, name_of: Callable[[wit.WitType | wit.ResourceType], str], use: Callable[[str], str]
    ) -> None:
        self._name_of = name_of
        self._use = use
        #: Names of builtins that mean something else where the annotation stands.
        self.shadowed: frozenset[str] = frozenset()

    def text(self, type: wit.WitType | None, to_guest: bool) -> str:
        """The annotation for a type; None for no value. The nesting of types is bounded."""
        match type:
            case None:
                return "None"
            case wit.Primitive(name):
                return self.builtin(_PRIMITIVES.get(name, "int"))
            case wit.Record() | wit.Variant() | wit.Flags() | wit.Enum():
                return self._name_of(type)
            case wit.Own(resource) | wit.Borrow(resource):
                return self._name_of(resource)
            case wit.Option(some):
                inner = self.text(some, to_guest)
                return (
                    f"{self._use('Some')}[{inner}] | None"
                    if isinstance(some, wit.Option)
                    else f"{inner} | None"
                )
            case wit.Result(ok, err):
                parts = self.text(ok, to_guest), self.text(err, to_guest)
                return f"{self._use('Ok')}[{parts[0]}] | {self._use('Err')}[{parts[1]}]"
            case wit.List(wit.U8):
                return self.builtin("bytes")
            case wit.List(element):
                sequence = self._use("Sequence") if to_guest else self.builtin("list")
                return f"{sequence}[{self.text(element, to_guest)}]"
            case wit.Map(key, value):
                mapping = self._use("Mapping") if to_guest else self.builtin("dict")
                return f"{mapping}[{self.text(key, to_guest)}, {self.text(value, to_guest)}]"
            case wit.Tuple(types):
                return f"{self.builtin('tuple')}[{', '.join([self.text(t, to_guest) for t in types])}]"
            case wit.Stream(element):
                # bytes travel in chunks, of which one may be all
                inner = self.builtin("bytes") if element == wit.U8 else self.text(element, to_guest)
                if to_guest:
                    whole = f" | {inner}" if element == wit.U8 else ""
                    return f"{self._use('StreamSource')}[{inner}]{whole}"
                return f"{self._use('StreamReader')}[{inner}]"
            case wit.Future(element):
                inner = self.text(element, to_guest)
                if to_guest:
                    return f"{self._use('FutureSource')}[{inner}]"
                return f"{self._use('FutureReader')}[{inner}]"

    def builtin(self, name: str) -> str:
        """The name of a builtin, so that it means that."""
        return f"{self._use('builtins')}.{name}" if name in self.shadowed else name
