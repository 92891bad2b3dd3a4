"""The store: what all instances of one guest world share. Spec: exec/runtime.html#store

It holds the limits' running sums and the fuel. Only data: the machine (`pywrt.engine.machine`) acts on it.
"""

from collections.abc import Callable
from typing import Any

from pywrt.config import Config
from pywrt.errors import LimitError
from pywrt.wasm.deftypes import DefType

#: Runs and returns the next block and its registers.
Block = Callable[[list[Any]], Any]

#: A fuel amount that no guest spends: metering is exact up to it.
UNLIMITED = 1 << 62


class Store:
    """State shared by instances; one guest activation of it runs at a time.

    `fuel` is the cell that blocks charge: what is left of the current slice. `reserve` is the fuel
    beyond it. `running` is None where no guest runs; within a host function, the frame of its call.
    """

    __slots__ = (
        "config",
        "data",
        "deadline",
        "elements_left",
        "fuel",
        "instances_left",
        "interrupted",
        "memory_left",
        "memory_refused",
        "nested",
        "objects_left",
        "owners",
        "reserve",
        "running",
        "slice",
        "struct_makers",
        "turn_ends",
    )

    def __init__(self, config: Config) -> None:
        self.config = config
        #: For the embedder and for layers above (the component layer's state).
        self.data: dict[Any, Any] = {}
        self.fuel: list[int] = [0]
        self.reserve: int = 0 if config.consume_fuel else UNLIMITED
        #: Iterator that bounds the trampoline and self-looping blocks when fuel is off.
        self.slice: list[Any] = [None]
        self.running: list[Any] | None = None
        #: The bound function that each block belongs to, for backtraces.
        self.owners: dict[Block, Any] = {}
        #: `time.monotonic()` at which a running guest is stopped, or None.
        self.deadline: float | None = None
        #: `time.monotonic()` from which on host functions let the guest wait, so that a driver that runs it
        #: in slices has its turn; or None.
        self.turn_ends: float | None = None
        self.interrupted = False
        #: What makes structures of a type, with default values or not: it may hold 10,000 of them.
        self.struct_makers: dict[tuple[DefType, bool], Callable[..., Any]] = {}
        #: Calls from host code that run within each other.
        self.nested = 0
        self.memory_left = config.max_memory_bytes
        #: Whether the memory limit has refused pages, for a host that explains what a guest then did.
        self.memory_refused = False
        self.elements_left = config.max_table_elements
        #: Structures, arrays, their fields and elements, and exceptions that may still be made.
        self.objects_left = config.max_objects
        self.instances_left = config.max_instances

    def take_bytes(self, size: int) -> bool:
        """Account for `size` bytes of memory; False, and nothing taken, if the store's limit is passed."""
        if size > self.memory_left:
            self.memory_refused = True
            return False
        self.memory_left -= size
        return True

    def take_elements(self, count: int) -> bool:
        """Account for `count` table elements; False, and nothing taken, if the limit is passed."""
        if count > self.elements_left:
            return False
        self.elements_left -= count
        return True

    def take_instance(self) -> None:
        """Account for one instance; LimitError if the store's limit is passed."""
        if self.instances_left <= 0:
            raise LimitError(f"the store's limit of {self.config.max_instances} instances is reached")
        self.instances_left -= 1
