"""The program with vectors gives the scalar one's output; nothing here looks at a time."""

import pytest

from benchmarks import simd
from benchmarks.process import SHARED

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the recorded components are not at {SHARED}")


@needs_shared
@pytest.mark.parametrize("metered", [False, True], ids=["unmetered", "metered"])
def test_program_with_vectors_prints_what_the_scalar_one_does(metered: bool) -> None:
    scalar, vectors = (simd.Run(simd.load(name, metered), 3) for name in (simd.SCALAR, simd.VECTORS))
    assert scalar.output == vectors.output
    assert scalar.output.startswith(b"iterations 3 crc ")
    assert (scalar.fuel > 0, vectors.fuel > 0) == (metered, metered)
