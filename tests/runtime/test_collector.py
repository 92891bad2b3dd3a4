"""Pausing the cyclic collector."""

import gc
from collections.abc import Iterator

import pytest

from pywrt.runtime.collector import CollectorPaused, promote_young


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    """The collector's state is the process's: each test begins and ends with it on, and nothing frozen.

    The MCP server's command, which other tests run in this process, freezes what it has loaded.
    """
    assert gc.isenabled()
    gc.unfreeze()
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


def test_promote_young_leaves_nothing_young() -> None:
    with CollectorPaused():
        kept = [[] for _ in range(1000)]
        promote_young()
        assert gc.get_count()[0] < len(kept)
    assert gc.get_freeze_count() == 0


def test_promote_young_leaves_what_the_embedder_froze() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        promote_young()
        assert gc.get_freeze_count() == frozen > 0
    finally:
        gc.unfreeze()
