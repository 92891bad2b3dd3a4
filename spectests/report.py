"""Results of scripts as data, and the scoreboard that shows them."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"
STATUSES = (PASSED, FAILED, SKIPPED)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How one command ended. A failure has both sides, a skip the features that it would need."""

    line: int
    kind: str
    status: str
    expected: str = ""
    got: str = ""
    features: tuple[str, ...] = ()


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
    def needs(self) -> tuple[str, ...]:
        """The unbuilt features that some command needs."""
        return tuple(sorted({feature for result in self.results for feature in result.features}))

    @property
    def status(self) -> str:
        """failed if a command failed, skipped if one needs an unbuilt feature, else passed."""
        if self.count(FAILED):
            return FAILED
        return SKIPPED if self.needs else PASSED

    def to_json(self) -> dict[str, Any]:
        """For `--json`: passed commands are only counted, by kind."""
        return {
            "path": self.path,
            "status": self.status,
            "needs": list(self.needs),
            "seconds": round(self.seconds, 3),
            **{status: self.count(status) for status in STATUSES},
            "passed_by_kind": dict(Counter(r.kind for r in self.results if r.status == PASSED)),
            "others": [asdict(r) for r in self.results if r.status != PASSED],
        }


def to_json(reports: Sequence[FileReport]) -> dict[str, Any]:
    """The whole run: totals by kind and status, then the files."""
    return {
        "files": {status: sum(r.status == status for r in reports) for status in STATUSES},
        "commands": {kind: dict(counts) for kind, counts in _by_kind(reports).items()},
        "reports": [report.to_json() for report in reports],
    }


def _by_kind(reports: Iterable[FileReport]) -> dict[str, Counter[str]]:
    totals: dict[str, Counter[str]] = {}
    for report in reports:
        for result in report.results:
            totals.setdefault(result.kind, Counter())[result.status] += 1
    return dict(sorted(totals.items()))


_HEADING = f"{'':<44} {'passed':>8} {'failed':>8} {'skipped':>8}"


def _row(name: str, counts: Counter[str]) -> str:
    return f"{name:<44} " + " ".join(f"{counts[status]:>8}" for status in STATUSES)


def scoreboard(reports: Sequence[FileReport]) -> str:
    """What `python -m spectests` prints."""
    lines: list[str] = []
    for report in reports:
        for result in report.results:
            if result.status == FAILED:
                lines.append(f"FAILED {report.path}:{result.line}: {result.kind}")
                lines.append(f"    expected {result.expected}")
                lines.append(f"    got      {result.got}")
    lines += _by_need(reports)
    lines += ["", "Commands by kind", _HEADING]
    lines += [_row(kind, counts) for kind, counts in _by_kind(reports).items()]
    lines += ["", "Files and commands by folder (a skipped file needs a feature that is not built)", _HEADING]
    folders: dict[str, list[FileReport]] = {}
    for report in reports:
        folders.setdefault(os.path.dirname(report.path) or ".", []).append(report)
    for folder, group in (*folders.items(), ("all", list(reports))):
        name = folder if len(folder) <= 36 else "..." + folder[-33:]
        lines.append(_row(f"{name} files", Counter(report.status for report in group)))
        lines.append(_row(f"{name} commands", Counter(r.status for report in group for r in report.results)))
    return "\n".join(lines)


def _by_need(reports: Iterable[FileReport]) -> list[str]:
    """The files that passed, then those that need unbuilt features, by which."""
    files: dict[str, list[str]] = {}
    for report in reports:
        if report.status == PASSED or report.needs:
            files.setdefault(", ".join(report.needs), []).append(os.path.basename(report.path))
    lines = []
    for needs, names in sorted(files.items()):
        what = f"needs {needs}" if needs else "passed"
        lines.append(f"{what} ({len(names)} file{'s'[: len(names) > 1]}): {' '.join(names)}")
    return lines
