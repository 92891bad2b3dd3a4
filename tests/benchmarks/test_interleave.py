"""Endless guests are stopped, and share a loop; nothing here looks at how soon."""

import pytest

from benchmarks import interleave
from benchmarks.figures import Failed


@pytest.mark.parametrize("name", list(interleave.ENDLESS))
def test_endless_guest_ends_by_its_deadline_and_by_nothing_else(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interleave, "RUN_SECONDS", 0.01)
    for interrupt in (False, True):
        assert interleave.stop_seconds(True, interrupt, name) >= 0


def test_guest_that_ends_by_itself_is_no_figure() -> None:
    with pytest.raises(Failed, match="nested: it returned"):
        interleave.stop_seconds(False, False, "nested")


def test_guests_all_run_and_wait() -> None:
    shares = interleave.shares(True, 8, 0.05)
    assert 0 < shares.mean_wait <= shares.longest_wait
    assert 0 < shares.shortest_run <= shares.mean_run
    assert shares.wait_ratio == shares.longest_wait / shares.mean_wait
