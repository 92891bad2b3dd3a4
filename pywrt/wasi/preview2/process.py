"""The world of a guest that a process runs in its own place: its arguments and standard streams."""

import os
import time
from collections.abc import Iterable

from pywrt.wasi.preview2.context import Preopen, WasiCtx

#: Seconds between two looks at whether a full pipe has room again.
_TICK = 0.005


def process_context(
    args: Iterable[str], env: Iterable[tuple[str, str]] = (), preopens: Iterable[Preopen] = ()
) -> WasiCtx:
    """A world with this process's standard streams; OSError if a directory can't be opened."""
    stdin, stdout, stderr = map(_descriptor, (0, 1, 2))
    return WasiCtx(args, env, stdin, stdout, stderr, preopens)


def flush(ctx: WasiCtx) -> None:
    """Wait until a reader has taken what the guest wrote, or is gone."""
    for sink in (ctx.stdout, ctx.stderr):
        try:
            while not sink.pump():
                time.sleep(_TICK)
        except OSError:
            pass  # nobody reads it any more


def _descriptor(fd: int) -> int | None:
    """A standard descriptor; None if it is closed, so that no file that is opened later is taken for it."""
    try:
        os.fstat(fd)
    except OSError:
        return None
    return fd
