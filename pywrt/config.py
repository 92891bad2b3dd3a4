"""What an engine accepts and how much a guest may use: `Config`, frozen."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pywrt.errors import LimitError, WasmError

PAGE_SIZE = 65536

# `needs` are the features, joined by `+`, without which one means nothing. `default` is wasmtime 49's for
# modules; for components it is on for what the official suite uses, and for what is built beyond that.
_TABLE = """
name                     default  needs
mvp                      on       -
mutable-global           on       -
saturating-float-to-int  on       -
sign-extension           on       -
multi-value              on       -
bulk-memory              on       -
reference-types          on       -
simd                     on       -
relaxed-simd             on       simd
threads                  on       -
tail-call                on       -
extended-const           on       -
multi-memory             on       -
memory64                 on       -
exceptions               on       reference-types
legacy-exceptions        off      exceptions
function-references      on       reference-types
gc                       on       function-references
custom-descriptors       off      gc
custom-page-sizes        off      -
wide-arithmetic          on       -
"""
_COMPONENT_TABLE = """
name                                default  needs
component-model-async               on       -
component-model-more-async-builtins on       component-model-async
component-model-async-stackful      on       component-model-async
component-model-threading           on       component-model-async
component-model-error-context       on       -
component-model-map                 on       -
component-model-fixed-length-lists  on       -
component-model-implements          on       -
component-model-canonical-names     on       -
component-model-memory64            on       memory64
component-model-nested-names        off      -
component-model-values              off      -
"""
_COMPONENT_ROWS = [line.split() for line in _COMPONENT_TABLE.strip().splitlines()[1:]]
_ROWS = [line.split() for line in _TABLE.strip().splitlines()[1:]] + _COMPONENT_ROWS

#: The features that each one needs, by its name.
NEEDS: dict[str, frozenset[str]] = {
    name: frozenset(() if needs == "-" else needs.split("+")) for name, _, needs in _ROWS
}

#: All features. The opcode table names the feature of each instruction.
ALL_FEATURES = frozenset(NEEDS)

#: The features among them that components have and modules don't.
COMPONENT_FEATURES = frozenset(name for name, _, _ in _COMPONENT_ROWS)

#: Features that are on by default.
DEFAULT_FEATURES = frozenset(name for name, default, _ in _ROWS if default == "on")


@dataclass(frozen=True, slots=True)
class Config:
    """Features, metering and limits of an engine. Sizes are in bytes unless the name says otherwise.

    Memory and table limits are sums over a store. A limit that a file passes raises `LimitError`;
    one that a running guest passes makes `memory.grow` and `table.grow` answer -1, or traps.

    A module or component that needs a feature that is not in `features` is refused by an error that names
    it. `enable` and `disable` give a configuration with others; a set that is given as it is stays as it is.
    WasmError if a name is unknown.
    """

    features: frozenset[str] = DEFAULT_FEATURES
    #: Charge fuel exactly, by wasmtime's schedule; without it only time slices bound a guest.
    consume_fuel: bool = False
    #: Validate function bodies when a module is loaded (else when each is first called).
    #: That call then raises InvalidError or MalformedError where the body is wrong. It ends the guest's call
    #: as a trap does: what was done before stays done, and a component's instance is not entered again.
    eager_validation: bool = True
    #: A directory for verdicts: a module whose very bytes were found valid before, by this version and with
    #: these features, does not have its function bodies validated again. It is created if it is absent, for
    #: this user alone. Whoever can write it decides what is valid, so one that others can write is not used;
    #: nor is one that can't be read or written, or a symbolic link, all without an error.
    cache_dir: str | None = None
    max_memory_bytes: int = 4 << 30
    max_table_elements: int = 10_000_000
    #: Live structures, arrays and exceptions of a store; each field, element or value counts as one more. One
    #: takes 110 bytes at most. Cycles are collected when the limit is reached; a sixteenth must be free then.
    max_objects: int = 10_000_000
    max_instances: int = 10_000
    #: Handles of a store's components to resources. Others count several times, for the memory that goes
    #: with them: a waitable set 4, an end of a stream or future and a call in flight 8, a thread 16 (that of
    #: a call, too), an error context 1 for each 64 characters.
    max_handles: int = 1_000_000
    #: Nested wasm calls; a frame of many registers counts as several (one more for each 64).
    max_call_depth: int = 20_000
    #: Bodies of one module's functions that were called, in bytes; lowered, a byte takes 100 to 500.
    max_lowered_bytes: int = 16 << 20
    #: What the canonical ABI lifts for one call, in bytes of Python data, roughly.
    max_lifted_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        _check_known(self.features)
        for name in (
            "max_memory_bytes",
            "max_table_elements",
            "max_objects",
            "max_instances",
            "max_handles",
            "max_call_depth",
            "max_lifted_bytes",
            "max_lowered_bytes",
        ):
            if getattr(self, name) < 0:
                raise LimitError(f"Config.{name} must not be negative, got {getattr(self, name)}")

    def enable(self, *names: str) -> "Config":
        """This configuration with these features and those that they need. WasmError if one is unknown."""
        _check_known(names)
        features = set(self.features)
        wanted = list(names)
        while wanted:
            name = wanted.pop()
            features.add(name)
            wanted += NEEDS[name]
        return replace(self, features=frozenset(features))

    def disable(self, *names: str) -> "Config":
        """This configuration without these features and without those that need them.

        WasmError if one is unknown, or is mvp.
        """
        _check_known(names)
        if "mvp" in names:
            raise WasmError("the feature mvp is always on")
        dropped: set[str] = set()
        unwanted = list(names)
        while unwanted:
            name = unwanted.pop()
            dropped.add(name)
            unwanted += [other for other, needs in NEEDS.items() if name in needs]
        return replace(self, features=self.features - dropped)


def _check_known(names: Iterable[str]) -> None:
    unknown = sorted(set(names) - ALL_FEATURES)
    if unknown:
        raise WasmError(f"unknown feature {', '.join(unknown)}; there are {', '.join(sorted(ALL_FEATURES))}")
