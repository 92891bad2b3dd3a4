"""Results of scripts as data, and the scoreboard that shows them."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

PASSED = "passed"
FAILED = "failed"
EXPECTED = "expected"
SKIPPED = "skipped"
STATUSES = (PASSED, FAILED, EXPECTED, SKIPPED)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How one command ended. A failure has both sides; an expected failure or a skip has its reason."""

    line: int
    kind: str
    status: str
    expected: str = ""
    got: str = ""
    reason: str = ""


@dataclass(slots=True)
class FileReport:
    """How one script ended."""

    path: str
    results: list[CommandResult] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, status: str) -> int:
        """How many commands ended so."""
        return sum(result.status == status for result in self.results)

    @property
    def status(self) -> str:
        """The worst of its commands: failed, expected (a failure), skipped, or passed."""
        return next((status for status in (FAILED, EXPECTED, SKIPPED) if self.count(status)), PASSED)

    def to_json(self) -> dict[str, Any]:
        """For `--json`: passed commands are only counted, by kind."""
        return {
            "path": self.path,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            **{status: self.count(status) for status in STATUSES},
            "passed_by_kind": dict(Counter(r.kind for r in self.results if r.status == PASSED)),
            "others": [asdict(r) for r in self.results if r.status != PASSED],
        }


def by_folder(reports: Iterable[FileReport]) -> dict[str, list[FileReport]]:
    """The reports of each folder that holds a script."""
    folders: dict[str, list[FileReport]] = {}
    for report in reports:
        folders.setdefault(os.path.dirname(report.path) or ".", []).append(report)
    return folders


def _by_kind(reports: Iterable[FileReport]) -> dict[str, Counter[str]]:
    totals: dict[str, Counter[str]] = {}
    for report in reports:
        for result in report.results:
            totals.setdefault(result.kind, Counter())[result.status] += 1
    return dict(sorted(totals.items()))


def _files(reports: Iterable[FileReport]) -> Counter[str]:
    return Counter(report.status for report in reports)


def _commands(reports: Iterable[FileReport]) -> Counter[str]:
    return Counter(result.status for report in reports for result in report.results)


def _seconds(reports: Iterable[FileReport]) -> float:
    return sum(report.seconds for report in reports)


def to_json(reports: Sequence[FileReport]) -> dict[str, Any]:
    """The whole run: totals, then by folder and by kind of command, then the files."""
    return {
        "files": _counts(_files(reports)),
        "commands": _counts(_commands(reports)),
        "seconds": round(_seconds(reports), 3),
        "folders": {
            folder: {
                "files": _counts(_files(group)),
                "commands": _counts(_commands(group)),
                "seconds": round(_seconds(group), 3),
            }
            for folder, group in by_folder(reports).items()
        },
        "kinds": {kind: _counts(counts) for kind, counts in _by_kind(reports).items()},
        "reports": [report.to_json() for report in reports],
    }


def _counts(counts: Counter[str]) -> dict[str, int]:
    return {status: counts[status] for status in STATUSES}


def _share(counts: Counter[str]) -> str:
    """Passed of all; rounded down, so that 100 % means all."""
    total = counts.total()
    return f"{int(counts[PASSED] * 1000 / total) / 10:g} %" if total else "-"


_NAME_WIDTH = 44


def _row(name: str, counts: Counter[str], *more: str) -> str:
    shown = name if len(name) <= _NAME_WIDTH else "..." + name[3 - _NAME_WIDTH :]
    cells = [*(f"{counts[status]:,}" for status in STATUSES), _share(counts), *more]
    return f"{shown:<{_NAME_WIDTH}} " + " ".join(f"{cell:>8}" for cell in cells)


def _heading(title: str, *more: str) -> str:
    return f"{title:<{_NAME_WIDTH}} " + " ".join(f"{cell:>8}" for cell in (*STATUSES, "", *more))


def scoreboard(reports: Sequence[FileReport], slowest: int = 5) -> str:
    """What `python -m spectests` prints: failures, counts by kind and folder, and the slowest scripts."""
    lines = [*_failures(reports), *_reasons(reports), "", _heading("Commands")]
    lines += [_row(kind, counts) for kind, counts in _by_kind(reports).items()]
    folders = (*_named(by_folder(reports)), ("all", list(reports)))
    lines += ["", _heading("Scripts by folder", "seconds")]
    lines += [_row(folder, _files(group), f"{_seconds(group):.1f}") for folder, group in folders]
    lines += ["", _heading("Commands by folder")]
    lines += [_row(folder, _commands(group)) for folder, group in folders]
    ranking = sorted(reports, key=lambda report: -report.seconds)[:slowest]
    lines += ["", f"Slowest: {', '.join(f'{os.path.basename(r.path)} {r.seconds:.1f} s' for r in ranking)}"]
    return "\n".join(lines)


def _named(folders: dict[str, list[FileReport]]) -> list[tuple[str, list[FileReport]]]:
    """Folders by their path from the one that all are in."""
    paths = [os.path.abspath(folder) for folder in folders]
    root = os.path.dirname(os.path.commonpath(paths)) if paths else ""
    return [(os.path.relpath(path, root), group) for path, group in zip(paths, folders.values(), strict=True)]


def _failures(reports: Iterable[FileReport]) -> list[str]:
    lines: list[str] = []
    for report in reports:
        for result in report.results:
            if result.status == FAILED:
                lines.append(f"FAILED {report.path}:{result.line}: {result.kind}")
                lines.append(f"    expected {result.expected}")
                lines.append(f"    got      {result.got}")
    return lines


def _reasons(reports: Iterable[FileReport]) -> list[str]:
    """Why commands were skipped or expected to fail, with how many, and the scripts."""
    counts: Counter[tuple[str, str]] = Counter()
    scripts: dict[tuple[str, str], set[str]] = {}
    for report in reports:
        for result in report.results:
            if result.status in (SKIPPED, EXPECTED):
                counts[result.status, result.reason] += 1
                scripts.setdefault((result.status, result.reason), set()).add(os.path.basename(report.path))
    return [
        f"{status}: {count} for: {reason} ({' '.join(sorted(scripts[status, reason]))})"
        for (status, reason), count in sorted(counts.items())
    ]
