"""The official suites: what passes, of the core one folder by folder, and how long it takes."""

import functools
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.figures import Tally, timed
from benchmarks.process import shared
from spectests.pool import run_files
from spectests.report import FAILED, PASSED, FileReport
from spectests.scripts import find_scripts, override

#: Folders of the suite, by their path in it.
FOLDERS = (
    ".",
    "legacy",
    "custom",
    "proposals/threads",
    "proposals/custom-page-sizes",
    "proposals/wide-arithmetic",
    "proposals/custom-descriptors",
)


@dataclass(frozen=True, slots=True)
class Run:
    """Reports on all scripts, by the folder that each is of, and the seconds from the first to the last."""

    reports: dict[str, list[FileReport]]
    seconds: float

    def all(self) -> list[FileReport]:
        return [report for group in self.reports.values() for report in group]


@functools.cache
def run() -> Run:
    """The suite, newer copies in place of what they replace, on all processors."""
    core = str(shared("suites", "core"))
    root = os.path.join(core, "testsuite")
    scripts, replaced = override(find_scripts([core]))
    places = dict(replaced)
    seconds, reports = timed(lambda: list(run_files(scripts, os.cpu_count() or 1)))
    groups: dict[str, list[FileReport]] = {}
    for report in reports:
        folder = os.path.relpath(os.path.dirname(places.get(report.path, report.path)), root)
        groups.setdefault(folder.replace(os.sep, "/"), []).append(report)
    return Run(groups, seconds)


@functools.cache
def run_components() -> list[FileReport]:
    """The component suite, on all processors."""
    scripts = find_scripts([str(shared("suites", "component-model"))])
    return list(run_files(scripts, os.cpu_count() or 1))


def component_commands(kind: str) -> Tally:
    """Commands of the component suite of one kind, as `assert_return`."""
    reports = run_components()
    results = [
        result.status == PASSED for report in reports for result in report.results if result.kind == kind
    ]
    return Tally(sum(results), len(results), _first_failure(reports))


def seconds() -> float:
    """How long the whole suite takes here."""
    return run().seconds


def files(folder: str | None = None) -> Tally:
    """Scripts of a folder, or of all, that pass whole."""
    return _tally(folder, lambda reports: [report.status == PASSED for report in reports])


def commands(folder: str | None = None) -> Tally:
    """Commands of a folder, or of all, that pass."""
    return _tally(folder, lambda reports: [c.status == PASSED for report in reports for c in report.results])


def _tally(folder: str | None, passed: Callable[[list[FileReport]], list[bool]]) -> Tally:
    reports = run().all() if folder is None else run().reports.get(folder, [])
    results = passed(reports)
    return Tally(sum(results), len(results), _first_failure(reports))


def _first_failure(reports: Iterable[FileReport]) -> str:
    for report in reports:
        for result in report.results:
            if result.status == FAILED:
                return f"{os.path.basename(report.path)}:{result.line}: {result.kind}"
    return ""
