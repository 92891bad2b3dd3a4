"""Pausing the cyclic collector."""

import gc
from collections.abc import Iterator

import pytest

from pywrt.runtime.collector import CollectorPaused


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    """The collector's state is the process's: each test begins and ends with it on."""
    assert gc.isenabled()
    yield
    gc.enable()


def test_collector_paused_is_off_within_and_on_behind():
    with CollectorPaused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector_paused_nested_stays_off_until_the_outer_ends():
    with CollectorPaused():
        with CollectorPaused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector_paused_that_ends_by_an_exception_is_on_again():
    with pytest.raises(KeyError), CollectorPaused():
        raise KeyError
    assert gc.isenabled()


def test_collector_paused_that_was_off_before_stays_off():
    gc.disable()
    with CollectorPaused():
        pass
    assert not gc.isenabled()
