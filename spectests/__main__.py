"""`python -m spectests PATH... [-j N] [--filter TEXT] [--json FILE] [--timeout SECONDS]`"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence

from spectests.pool import run_files
from spectests.report import FAILED, scoreboard, to_json


def find_scripts(paths: Iterable[str], text: str = "") -> list[str]:
    """The .wast files in `paths` (files, or folders searched in depth) whose path contains `text`."""
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in sorted(os.walk(path)):
                found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".wast")]
        else:
            found.append(path)
    return [path for path in found if text in path]


def main(argv: Sequence[str] | None = None) -> int:
    """Run scripts and print the scoreboard; 1 if a command failed, 2 if there is no script."""
    parser = argparse.ArgumentParser(
        prog="python -m spectests",
        description="Run WebAssembly test scripts (.wast) and print a scoreboard.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a script, or a folder of them")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only scripts whose path contains TEXT")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE as well")
    parser.add_argument(
        "--timeout", type=float, default=120.0, metavar="SECONDS", help="for each script (default 120)"
    )
    options = parser.parse_args(argv)
    scripts = find_scripts(options.paths, options.filter)
    if not scripts:
        print("no .wast script found", file=sys.stderr)
        return 2
    order = {path: number for number, path in enumerate(scripts)}
    reports = sorted(run_files(scripts, options.jobs, options.timeout), key=lambda report: order[report.path])
    print(scoreboard(reports))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(to_json(reports), file, indent=1)
    return 1 if any(report.status == FAILED for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
