"""Random modules: metered or not, in slices or whole, all runs agree, and agree with wasmtime."""

import importlib.util
import os
import sys
from pathlib import Path
from random import Random

import pytest

_folder = Path(__file__).with_name("generator")
_spec = importlib.util.spec_from_file_location("generator", _folder / "__init__.py")
assert _spec is not None
assert _spec.loader is not None
generator = importlib.util.module_from_spec(_spec)
sys.modules["generator"] = generator
_spec.loader.exec_module(generator)

from generator import FAMILIES, runs  # noqa: E402  (imported by path)
from generator.plan import Plan  # noqa: E402
from generator.references import References  # noqa: E402

#: Modules that run in every mode, and that run in wasmtime too; CI runs a thousand of the first kind.
MODULES, COMPARED = int(os.environ.get("PYWRT_RANDOM_MODULES", "20")), 40

#: Families to run together: none, each alone, and all.
COMBINATIONS = [(), *((family,) for family in FAMILIES), ("gc", "exceptions"), FAMILIES]


@pytest.fixture(scope="module")
def oracle():
    if runs.wasmtime is None:
        pytest.skip("wasmtime is not installed (the interop extra)")
    return runs.oracle()


def case(seed):
    return runs.Case(seed, 4 + seed % 3 * 3, frozenset(COMBINATIONS[seed % len(COMBINATIONS)]))


@pytest.mark.parametrize("seed", range(MODULES))
def test_random_module_runs_the_same_in_every_mode(seed):
    runs.check_modes(case(seed))


@pytest.mark.parametrize("seed", range(100_000, 100_000 + COMPARED))
def test_random_module_runs_as_in_wasmtime(seed, oracle):
    runs.check_with(case(seed), oracle)


def test_generated_wait_is_never_unaligned_beyond_all_addresses():
    families = frozenset(("threads", "memories"))
    seen = set()
    for seed in range(300):
        random = Random(seed)
        writer = References(random, Plan(random, families, False), 0, 4)
        writer.leaf = lambda type, depth=0: None  # the address, and how many to notify
        writer.wait_or_notify([], 0)
        mask, (bits, low) = writer.code[0].split()[1], writer.code[1].split(".")
        assert low == "and"
        largest, top = int(mask), 1 << int(bits[1:])
        unaligned = bool(largest % 8)
        assert not unaligned or largest + 8 < top
        seen.add((unaligned, largest + 8 >= top))
    assert seen == {(False, False), (True, False), (False, True)}


@pytest.mark.parametrize("family", FAMILIES)
def test_generator_family_alone_makes_other_code(family):
    plain = generator.generate(7, 8)[0]
    assert generator.generate(7, 8, frozenset((family,)))[0] != plain
