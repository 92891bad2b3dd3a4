"""`benchmarks` is no installed package: it lies at the repository's root, which need not be on the path."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))
