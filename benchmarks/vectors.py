"""The records of `canonical-abi/vectors.json`, which the tests go through one by one."""

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Tally
from benchmarks.process import shared

ROOT = Path(__file__).parents[1]
RECORDS = 456


def check() -> Tally:
    """The records that lift, lower and flatten as recorded."""
    shared("suites", "canonical-abi")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "addopts=",
        "-k",
        "record",
        "tests/canonical_abi/test_vectors.py",
    ]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+) passed", output)
    return Tally(int(found[1]) if found else 0, RECORDS, output.splitlines()[-1] if output else "")
