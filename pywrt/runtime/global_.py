"""Global variables. Spec: exec/runtime.html#global-instances"""

from typing import Any

from pywrt.wasm.types import GlobalType


class Global:
    """A global: guest code reads and writes `value` directly."""

    __slots__ = ("type", "value")

    def __init__(self, type: GlobalType, value: Any) -> None:
        self.type = type
        self.value = value

    @property
    def current_type(self) -> GlobalType:
        """The type, which import matching uses."""
        return self.type
