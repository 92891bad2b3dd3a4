"""Tables. Spec: exec/runtime.html#table-instances"""

from typing import Any

from pywrt.errors import LimitError
from pywrt.runtime.store import Store
from pywrt.wasm.types import Limits, TableType

MAX_ELEMENTS = 0xFFFFFFFF


class Table:
    """A table: `elements` is one list for its whole life; None is the null reference."""

    __slots__ = ("elements", "max", "store", "type")

    def __init__(self, store: Store, type: TableType, init: Any = None) -> None:
        """LimitError if the store has no room for the minimum size."""
        if not store.take_elements(type.limits.min):
            raise LimitError(
                f"a table of {type.limits.min} elements does not fit: {store.elements_left} are left "
                f"of the store's limit of {store.config.max_table_elements}"
            )
        self.store = store
        self.type = type
        self.max = MAX_ELEMENTS if type.limits.max is None else type.limits.max
        self.elements: list[Any] = [init] * type.limits.min

    @property
    def size(self) -> int:
        """The current number of elements."""
        return len(self.elements)

    @property
    def current_type(self) -> TableType:
        """The type with the current size as minimum, which import matching uses."""
        return TableType(self.type.element, Limits(self.size, self.type.limits.max))

    def grow(self, delta: int, init: Any) -> int:
        """Grow by `delta` elements `init`; return the old size, or -1 if refused. Never traps.

        Spec: exec/modules.html#growing-tables
        """
        old = len(self.elements)
        if old + delta > self.max or not self.store.take_elements(delta):
            return -1
        self.elements.extend([init] * delta)
        return old
