"""What an `McpHost` allows a component: `HostConfig`, frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_host.protocol.revisions import LOG_LEVELS
from pywrt.wasi.preview2 import Preopen

MIB = 1 << 20

DEFAULT_IMPORTS = ("wasi:*",)
SERVE_MODES = ("auto", "return", "park")


@dataclass(frozen=True, slots=True)
class HostConfig:
    """Limits of a component and what it may reach. ValueError for what can't be.

    `serve` says what `wasi:mcp/runtime.serve` does in the component's start function: `return` at once,
    `park` there until the host is closed, or `auto`: return, and park if that ends the component.
    """

    #: Bytes of linear memory, over all memories of the component.
    memory_limit: int = 64 * MIB
    #: Seconds that one call, or starting the component, may take; None for no limit.
    execution_timeout: float | None = 30.0
    #: Fuel of one call, and of starting the component; None for no limit.
    fuel: int | None = None
    #: Patterns (`*` stands for anything) of the imports that are linked. One that names something this host
    #: hasn't got links it with functions that trap; `wasi:*` doesn't.
    allowed_imports: Sequence[str] = DEFAULT_IMPORTS
    serve: str = "auto"
    dirs: Sequence[Preopen] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    #: Where the component's own output goes: a file descriptor, a binary file or a function of bytes. None
    #: logs it, line by line.
    stdout: Any = None
    stderr: Any = None
    #: The least severe of the component's log messages that is written to the log where no client takes it.
    log_level: str = "info"
    #: Where to remember that a component was found valid: `pywrt.config.Config.cache_dir`.
    cache_dir: str | None = None

    def __post_init__(self) -> None:
        if self.memory_limit <= 0:
            raise ValueError(f"memory_limit must be positive, got {self.memory_limit}")
        if self.execution_timeout is not None and not self.execution_timeout > 0:
            raise ValueError(f"execution_timeout must be positive or None, got {self.execution_timeout}")
        if self.fuel is not None and self.fuel <= 0:
            raise ValueError(f"fuel must be positive or None, got {self.fuel}")
        if self.serve not in SERVE_MODES:
            raise ValueError(f"serve must be one of {', '.join(SERVE_MODES)}, got {self.serve!r}")
        if self.log_level not in LOG_LEVELS:
            raise ValueError(f"log_level must be one of {', '.join(LOG_LEVELS)}, got {self.log_level!r}")
        if isinstance(self.allowed_imports, str):
            raise ValueError("allowed_imports must be a list of patterns, got a string")


def show_size(size: int) -> str:
    """`67108864` as `64 MiB`: exact, in the largest unit that divides it."""
    for factor, unit in ((1 << 30, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")):
        if size % factor == 0 and size:
            return f"{size // factor} {unit}"
    return f"{size} bytes"
