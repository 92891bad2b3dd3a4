"""The official core suite: how many of the files and commands in scope pass."""

import functools
import os

from benchmarks.figures import Tally
from benchmarks.process import shared
from spectests.__main__ import find_scripts
from spectests.pool import run_files
from spectests.report import FAILED, PASSED, SKIPPED, FileReport

SECONDS_A_FILE = 120.0


@functools.cache
def reports() -> tuple[FileReport, ...]:
    """Every file, later proposals aside."""
    scripts = [p for p in find_scripts([str(shared("suites", "core"))]) if "/proposals/" not in p]
    return tuple(run_files(scripts, os.cpu_count() or 1, SECONDS_A_FILE))


def first_failure() -> str:
    failed = [
        f"{os.path.basename(report.path)}:{result.line}: {result.kind}"
        for report in reports()
        for result in report.results
        if result.status == FAILED
    ]
    return failed[0] if failed else ""


def in_scope() -> list[FileReport]:
    """The files that need nothing unbuilt."""
    return [report for report in reports() if report.status != SKIPPED]


def files() -> Tally:
    """Files in scope: those that pass whole, of those that don't need what isn't built."""
    scope = in_scope()
    return Tally(sum(report.status == PASSED for report in scope), len(scope), first_failure())


def commands() -> Tally:
    """Commands of all files; those that a missing feature keeps from running don't count."""
    passed = sum(report.count(PASSED) for report in reports())
    return Tally(passed, passed + sum(report.count(FAILED) for report in reports()), first_failure())
