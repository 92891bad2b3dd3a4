"""Runs a script given as text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from spectests.report import FileReport
from spectests.run import run_script
from spectests.scripts import Script


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], FileReport]:
    def run_text(text: str) -> FileReport:
        path = tmp_path / "script.wast"
        path.write_text(text)
        return run_script(Script(str(path)))

    return run_text
