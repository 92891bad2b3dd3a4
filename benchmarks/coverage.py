"""How much of Rust's code is shapes of the library, whose trees were chosen from other compilers' code."""

import re
from pathlib import Path

from benchmarks.figures import Failed, NotMeasured
from benchmarks.process import ROOT, python, run

TOOL = ROOT / "tools" / "choose_shapes.py"
SAMPLE = ROOT / "benchmarks" / "sample.wasm"
"""Made of sample.rs, which says how."""


def covered(path: Path = SAMPLE) -> float:
    """The share of statements and conditions in the module at `path` that are a shape each."""
    for needed in (TOOL, path):
        if not needed.exists():
            raise NotMeasured(f"{needed} is not there")
    _, output = run(python(str(TOOL), "--coverage", str(path)))
    found = re.search(r"([0-9.]+)% of", output)
    if found is None:
        raise Failed(f"no figure in {output!r}")
    return float(found[1]) / 100
