"""Tables. Spec: exec/runtime.html#table-instances"""

from typing import Any

from pywrt.errors import LimitError
from pywrt.runtime.store import Store
from pywrt.wasm.types import I32, I64, Limits, TableType

#: Elements that an index of 32 or 64 bits can reach.
_REACH = {I32: 0xFFFFFFFF, I64: 0xFFFFFFFFFFFFFFFF}


class Table:
    """A table: `elements` is one list for its whole life; None is the null reference."""

    __slots__ = ("elements", "max", "store", "type")

    def __init__(self, store: Store, type: TableType, init: Any = None) -> None:
        """LimitError if the store has no room for the minimum size."""
        size = type.limits.min
        elements = self._repeated(init, size) if store.take_elements(size) else None
        if elements is None:
            raise LimitError(
                f"a table of {size} elements does not fit: {store.elements_left} are left "
                f"of the store's limit of {store.config.max_table_elements}"
            )
        self.store = store
        self.type = type
        self.max = _REACH[type.address] if type.limits.max is None else type.limits.max
        self.elements: list[Any] = elements

    @property
    def size(self) -> int:
        """The current number of elements."""
        return len(self.elements)

    @property
    def current_type(self) -> TableType:
        """The type with the current size as minimum, which import matching uses."""
        return TableType(self.type.element, Limits(self.size, self.type.limits.max), self.type.address)

    def grow(self, delta: int, init: Any) -> int:
        """Grow by `delta` elements `init`; return the old size, or -1 if refused. Never traps.

        Spec: exec/modules.html#growing-tables
        """
        old = len(self.elements)
        if old + delta > self.max or not self.store.take_elements(delta):
            return -1
        elements = self._repeated(init, delta)
        if elements is None:
            self.store.elements_left += delta
            return -1
        try:
            self.elements.extend(elements)
        except MemoryError:
            self.store.elements_left += delta
            return -1
        return old

    @staticmethod
    def _repeated(init: Any, count: int) -> list[Any] | None:
        """`count` elements `init`; None where the host has no room for them."""
        try:
            return [init] * count
        except (MemoryError, OverflowError):  # too many for now, or for any Python
            return None
