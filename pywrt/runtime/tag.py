"""Exception tags. Spec: exec/runtime.html#tag-instances"""

from pywrt.wasm.deftypes import DefType
from pywrt.wasm.types import TagType


class Tag:
    """An exception tag, which counts by identity. What it carries are the parameters of `deftype`."""

    __slots__ = ("deftype", "type")

    def __init__(self, deftype: DefType) -> None:
        self.deftype = deftype
        self.type = TagType(deftype.func)

    @property
    def current_type(self) -> TagType:
        """The type, which import matching uses."""
        return self.type
