"""Start-up: `import pywrt`, and 18 MB of component from process start to its first answer."""

import functools
import json
import statistics
import tempfile
from dataclasses import dataclass

from benchmarks.figures import Failed, NotMeasured
from benchmarks.process import python, run, shared, to_first_line

GREETS = 3
IMPORTS = 9

#: What `import pywrt` takes, and what it brings: asyncio or not, and dataclasses of the interpreter's own.
IMPORT = """
import time
start = time.perf_counter()
import pywrt
seconds = time.perf_counter() - start
import json, sys
ours = [m for n, m in list(sys.modules.items()) if n == "pywrt" or n.startswith("pywrt.")]
classes = {v for m in ours for v in vars(m).values() if isinstance(v, type)}
print(json.dumps({"seconds": seconds, "asyncio": "asyncio" in sys.modules, "modules": len(ours),
                  "dataclasses": sum("__dataclass_fields__" in vars(c) for c in classes)}))
"""


@dataclass(frozen=True, slots=True)
class Greet:
    """py-hello.wasm from process start to the first greet: seconds, and bytes of peak resident memory."""

    seconds: float
    peak_bytes: float


@dataclass(frozen=True, slots=True)
class Import:
    seconds: float
    asyncio: bool
    modules: int
    dataclasses: int


@functools.cache
def greet() -> Greet:
    """The first greet without a cache of verdicts."""
    return _greet()


@functools.cache
def warm_greet() -> Greet:
    """The same with a cache that the process before has filled."""
    with tempfile.TemporaryDirectory() as cache:
        return _greet(cache)


def _greet(*cache: str) -> Greet:
    """Medians of GREETS processes, after one that leaves .pyc files, and fills the cache if there is one."""
    path = shared("components", "py-hello.wasm")
    runs = []
    for _ in range(GREETS + 1):
        seconds, line = to_first_line(python("-m", "benchmarks.greet", str(path), *cache))
        answer = json.loads(line)
        if answer["result"] != "Hello, World!":
            raise Failed(f"greet answered {answer['result']!r}")
        runs.append(Greet(seconds, answer["peak_bytes"]))
    runs = runs[1:]
    return Greet(statistics.median(r.seconds for r in runs), statistics.median(r.peak_bytes for r in runs))


def warm_greet_seconds() -> float:
    return warm_greet().seconds


@functools.cache
def import_pywrt() -> Import:
    """The median of IMPORTS processes, after one that leaves .pyc files."""
    runs = [Import(**json.loads(run(python("-c", IMPORT))[1])) for _ in range(IMPORTS + 1)][1:]
    runs.sort(key=lambda r: r.seconds)
    return runs[len(runs) // 2]


def report() -> None:
    facts = import_pywrt()
    print(f"start-up\n  {'import pywrt':30} {facts.seconds * 1e3:10.1f} ms ({facts.modules} modules)")
    try:
        first = greet()
    except NotMeasured as reason:
        print(f"  {'py-hello.wasm, first greet':30} not measured: {reason}")
    else:
        memory = f"{first.peak_bytes / 1e6:.0f} MB at its peak"
        print(f"  {'py-hello.wasm, first greet':30} {first.seconds * 1e3:10.0f} ms ({memory})")
