"""What an engine accepts and how much a guest may use: `Config`, frozen."""

from dataclasses import dataclass

from pywrt.errors import LimitError

PAGE_SIZE = 65536

#: Features that are built and on by default. The opcode table names the feature of each instruction.
DEFAULT_FEATURES = frozenset(
    {
        "mvp",
        "bulk-memory",
        "extended-const",
        "multi-memory",
        "multi-value",
        "mutable-global",
        "reference-types",
        "saturating-float-to-int",
        "sign-extension",
        "tail-call",
    }
)


@dataclass(frozen=True, slots=True)
class Config:
    """Features, metering and limits of an engine. Sizes are in bytes unless the name says otherwise.

    Memory and table limits are sums over a store. A limit that a file passes raises `LimitError`;
    one that a running guest passes makes `memory.grow` and `table.grow` answer -1, or traps.
    """

    features: frozenset[str] = DEFAULT_FEATURES
    #: Charge fuel exactly, by wasmtime's schedule; without it only time slices bound a guest.
    consume_fuel: bool = False
    #: Validate function bodies when a module is loaded (else when each is first called).
    eager_validation: bool = True
    max_memory_bytes: int = 4 << 30
    max_table_elements: int = 10_000_000
    max_instances: int = 10_000
    max_handles: int = 1_000_000
    #: Nested wasm calls; a frame of many registers counts as several (one more for each 64).
    max_call_depth: int = 20_000
    #: Bodies of one module's functions that were called, in bytes; lowered, a byte takes 100 to 500.
    max_lowered_bytes: int = 16 << 20
    #: What the canonical ABI lifts for one call, in bytes of Python data, roughly.
    max_lifted_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        for name in (
            "max_memory_bytes",
            "max_table_elements",
            "max_instances",
            "max_handles",
            "max_call_depth",
            "max_lifted_bytes",
            "max_lowered_bytes",
        ):
            if getattr(self, name) < 0:
                raise LimitError(f"Config.{name} must not be negative, got {getattr(self, name)}")
