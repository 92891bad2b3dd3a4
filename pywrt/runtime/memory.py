"""Linear memories. Spec: exec/runtime.html#memory-instances"""

from pywrt.errors import LimitError
from pywrt.runtime.store import Store
from pywrt.wasm.types import I32, I64, Limits, MemoryType

#: Bytes that an address of 32 or 64 bits can reach, in whole.
_REACH = {I32: 1 << 32, I64: 1 << 64}


class Waiter:
    """An activation that waits at an address of a shared memory, until it is `woken`."""

    __slots__ = ("woken",)

    def __init__(self) -> None:
        self.woken = False


class Memory:
    """A linear memory: `data` is one bytearray for its whole life, grown in place.

    Guest code holds `data` itself, so nothing may replace it, shrink it, or keep a memoryview of it
    beyond one operation (an exported buffer can't grow). Sizes are in pages of `page_size` bytes.

    `waiters` holds those who wait at an address, the first to come first.
    """

    __slots__ = ("data", "max", "page_size", "store", "type", "waiters")

    def __init__(self, store: Store, type: MemoryType) -> None:
        """LimitError if the store has no room for the minimum size."""
        self.page_size = type.page_size
        size = type.limits.min * type.page_size
        data = self._zeros(size) if store.take_bytes(size) else None
        if data is None:
            raise LimitError(
                f"a memory of {type.limits.min} pages does not fit: {store.memory_left} bytes are left "
                f"of the store's limit of {store.config.max_memory_bytes}"
            )
        self.store = store
        self.type = type
        # a size is an address too: the whole reach in pages of one byte has no number
        reach = min(_REACH[type.address] // type.page_size, _REACH[type.address] - 1)
        self.max = reach if type.limits.max is None else min(type.limits.max, reach)
        self.data = data
        self.waiters: dict[int, list[Waiter]] = {}

    @property
    def size(self) -> int:
        """The current size in pages."""
        return len(self.data) // self.page_size

    @property
    def current_type(self) -> MemoryType:
        """The type with the current size as minimum, which import matching uses."""
        type = self.type
        return MemoryType(Limits(self.size, type.limits.max), type.address, type.shared, type.page_size)

    def grow(self, delta: int) -> int:
        """Grow by `delta` pages; return the old size in pages, or -1 if refused.

        Never traps. Refused past the memory's maximum or `Config.max_memory_bytes`.
        Spec: exec/modules.html#growing-memories
        """
        old = self.size
        size = delta * self.page_size
        if old + delta > self.max or not self.store.take_bytes(size):
            return -1
        pages = self._zeros(size)
        if pages is None:
            self.store.memory_left += size
            return -1
        try:
            self.data.extend(pages)
        except MemoryError:
            self.store.memory_left += size
            return -1
        return old

    @staticmethod
    def _zeros(size: int) -> bytearray | None:
        """`size` zero bytes; None where the host has no room for them."""
        try:
            return bytearray(size)
        except (MemoryError, OverflowError):  # too many for now, or for any Python
            return None

    def wait(self, address: int) -> Waiter:
        """Join those who wait at `address`. Proposal: WebAssembly/threads"""
        waiter = Waiter()
        self.waiters.setdefault(address, []).append(waiter)
        return waiter

    def notify(self, address: int, count: int) -> int:
        """Wake the first `count` of those who wait at `address`; return how many that were."""
        woken = 0
        queue = self.waiters.get(address, [])
        while queue and woken < count:
            queue.pop(0).woken = True
            woken += 1
        if not queue:
            self.waiters.pop(address, None)
        return woken

    def give_up(self, address: int, waiter: Waiter) -> None:
        """Leave those who wait at `address`, if not woken before."""
        queue = self.waiters.get(address, [])
        if waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self.waiters[address]
