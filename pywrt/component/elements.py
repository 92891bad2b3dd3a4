"""Decode what definitions share: booleans, sorts, names with attributes. Spec: component-model Binary.md"""

from pywrt.component.scope import Scope
from pywrt.component.tables import ATTRIBUTES, CORE_SORTS, SORTS
from pywrt.component.types import Attributes
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary.reader import Reader

MAX_ITEMS = 100_000

NO_ATTRIBUTES = Attributes()


def leading_byte(reader: Reader, byte: int, what: str) -> MalformedError:
    """The error for a byte, just read, that starts nothing known."""
    return MalformedError(f"invalid leading byte (0x{byte:x}) for {what}", offset=reader.pos - 1)


def read_bool(reader: Reader, what: str) -> bool:
    """A byte that is 0 or 1."""
    byte = reader.byte()
    if byte > 1:
        raise leading_byte(reader, byte, what)
    return byte == 1


def read_sort(reader: Reader, what: str = "component external kind") -> str:
    """`sort`, core sorts included."""
    byte = reader.byte()
    if byte != 0:
        sort = SORTS.get(byte)
        if sort is None:
            raise leading_byte(reader, byte, what)
        return sort
    return read_core_sort(reader, what)


def read_core_sort(reader: Reader, what: str) -> str:
    """`core:sort`."""
    byte = reader.byte()
    sort = CORE_SORTS.get(byte)
    if sort is None:
        raise leading_byte(reader, byte, what)
    return sort


def read_name_attributes(reader: Reader, scope: Scope) -> tuple[str, Attributes]:
    """`nameattributes`: a name and its attributes."""
    form = reader.byte()
    if form > 2:
        raise leading_byte(reader, form, "component name")
    name = reader.name()
    if form < 2:
        return name, NO_ATTRIBUTES
    attributes: dict[str, str] = {}
    for _ in range(reader.count("attributes", MAX_ITEMS)):
        kind = reader.byte()
        if kind >= len(ATTRIBUTES):
            raise leading_byte(reader, kind, "name option")
        key, feature = ATTRIBUTES[kind]
        scope.require(feature, f"the attribute `{key}`")
        if key in attributes:
            raise InvalidError(f"duplicate '{key}' option in name")
        attributes[key] = reader.name()
    return name, Attributes(*[attributes.get(key) for key, _ in ATTRIBUTES])
