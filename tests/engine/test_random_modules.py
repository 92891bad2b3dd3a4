"""Random modules: metered or not, in slices or whole, all runs agree, and agree with wasmtime."""

import importlib.util
import sys
from pathlib import Path

import pytest

_folder = Path(__file__).with_name("generator")
_spec = importlib.util.spec_from_file_location("generator", _folder / "__init__.py")
assert _spec is not None
assert _spec.loader is not None
generator = importlib.util.module_from_spec(_spec)
sys.modules["generator"] = generator
_spec.loader.exec_module(generator)

from generator import FAMILIES, runs  # noqa: E402  (imported by path)

#: Families to run together: none, each alone, and all.
COMBINATIONS = [(), *((family,) for family in FAMILIES), ("gc", "exceptions"), FAMILIES]


@pytest.fixture(scope="module")
def oracle():
    if runs.wasmtime is None:
        pytest.skip("wasmtime is not installed (the interop extra)")
    return runs.oracle()


def case(seed):
    return runs.Case(seed, 4 + seed % 3 * 3, frozenset(COMBINATIONS[seed % len(COMBINATIONS)]))


@pytest.mark.parametrize("seed", range(20))
def test_random_module_runs_the_same_in_every_mode(seed):
    runs.check_modes(case(seed))


@pytest.mark.parametrize("seed", range(1000, 1040))
def test_random_module_runs_as_in_wasmtime(seed, oracle):
    runs.check_with(case(seed), oracle)


@pytest.mark.parametrize("family", FAMILIES)
def test_generator_family_alone_makes_other_code(family):
    plain = generator.generate(7, 8)[0]
    assert generator.generate(7, 8, frozenset((family,)))[0] != plain
