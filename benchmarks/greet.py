"""`python -m benchmarks.greet COMPONENT [CACHE]`: its first `greet`; prints result, fuel and peak memory.

Verdicts of validation are cached in the directory CACHE.
"""

import json
import resource
import sys
from pathlib import Path

from benchmarks.hello import Guest, add_hello
from pywrt.api import Engine
from pywrt.config import Config
from pywrt.wasi.preview2 import WasiCtx


def peak_bytes() -> int:
    """This process's peak resident memory.

    Linux's ru_maxrss also counts what the parent had when it started us, hence /proc.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def main(path: str, cache: str | None = None) -> None:
    guest = Guest(Engine(Config(consume_fuel=True, cache_dir=cache)), Path(path), WasiCtx(args=["prog"]))
    add_hello(guest.linker, [])
    guest.restart()
    before = guest.store.get_fuel()
    result = guest.call("greet", ["World"])
    fuel = before - guest.store.get_fuel()
    print(json.dumps({"result": result, "fuel": fuel, "peak_bytes": peak_bytes()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
