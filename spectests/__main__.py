"""`python -m spectests PATH...`: see `--help` for its options."""

import argparse
import json
import sys
import time
from collections.abc import Sequence

from spectests.expected import Expectation, ExpectationError, apply_expectations, read_expectations
from spectests.pool import TIMEOUT, run_files
from spectests.report import FAILED, scoreboard, to_json
from spectests.scripts import find_scripts, override


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spectests",
        description="Run WebAssembly test scripts (.wast) and print a scoreboard.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a script, or a folder of them")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only scripts whose path contains TEXT")
    parser.add_argument("--fuel", action="store_true", help="count fuel, of which there is enough")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="draw the turns of component threads, from this seed"
    )
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE as well")
    parser.add_argument(
        "--expected", metavar="FILE", help="failures that are expected, a line each: SCRIPT:LINE REASON"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT,
        metavar="SECONDS",
        help=f"for each script (default {TIMEOUT:g})",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run scripts and print the scoreboard; 1 if a command failed, 2 if there is nothing to run."""
    options = _parser().parse_args(argv)
    expectations: list[Expectation] = []
    if options.expected:
        try:
            with open(options.expected, encoding="utf-8") as file:
                expectations = read_expectations(file.read())
        except (OSError, UnicodeDecodeError, ExpectationError) as error:
            print(f"{options.expected}: {error}", file=sys.stderr)
            return 2
    scripts, replaced = override(find_scripts(options.paths, options.filter, options.fuel, options.seed))
    if not scripts:
        print("no .wast script found", file=sys.stderr)
        return 2
    for copy, old in replaced:
        print(f"{copy} runs in place of {old}")
    order = {script.path: number for number, script in enumerate(scripts)}
    start = time.monotonic()
    reports = sorted(run_files(scripts, options.jobs, options.timeout), key=lambda report: order[report.path])
    seconds = time.monotonic() - start
    apply_expectations(reports, expectations)
    print(scoreboard(reports))
    print(f"{len(reports)} scripts in {seconds:.1f} s")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(to_json(reports), file, indent=1)
    return 1 if any(report.status == FAILED for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
