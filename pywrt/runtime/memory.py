"""Linear memories. Spec: exec/runtime.html#memory-instances"""

from pywrt.config import PAGE_SIZE
from pywrt.errors import LimitError
from pywrt.runtime.store import Store
from pywrt.wasm.types import Limits, MemoryType

MAX_PAGES = 65536


class Memory:
    """A linear memory: `data` is one bytearray for its whole life, grown in place.

    Guest code holds `data` itself, so nothing may replace it, shrink it, or keep a memoryview of it
    beyond one operation (an exported buffer can't grow).
    """

    __slots__ = ("data", "max", "store", "type")

    def __init__(self, store: Store, type: MemoryType) -> None:
        """LimitError if the store has no room for the minimum size."""
        if not store.take_pages(type.limits.min):
            raise LimitError(
                f"a memory of {type.limits.min} pages does not fit: {store.memory_left} bytes are left "
                f"of the store's limit of {store.config.max_memory_bytes}"
            )
        self.store = store
        self.type = type
        self.max = MAX_PAGES if type.limits.max is None else min(type.limits.max, MAX_PAGES)
        self.data = bytearray(type.limits.min * PAGE_SIZE)

    @property
    def size(self) -> int:
        """The current size in pages of 64 KiB."""
        return len(self.data) // PAGE_SIZE

    @property
    def current_type(self) -> MemoryType:
        """The type with the current size as minimum, which import matching uses."""
        return MemoryType(Limits(self.size, self.type.limits.max))

    def grow(self, delta: int) -> int:
        """Grow by `delta` pages of 64 KiB; return the old size in pages, or -1 if refused.

        Never traps. Refused past the memory's maximum or `Config.max_memory_bytes`.
        Spec: exec/modules.html#growing-memories
        """
        old = self.size
        if old + delta > self.max or not self.store.take_pages(delta):
            return -1
        try:
            self.data.extend(bytes(delta * PAGE_SIZE))
        except MemoryError:
            self.store.memory_left += delta * PAGE_SIZE
            return -1
        return old
