"""`python -m benchmarks [--bars] [--only TEXT]`"""

import argparse
import os
import platform
import sys
from collections.abc import Sequence

from benchmarks import bars, core, echo, server, startup
from benchmarks.figures import Failed, NotMeasured


def machine() -> str:
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} CPUs. Medians; peers ran in turn with us."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print tables beside peers, or with --bars each figure beside its bar; 1 if one is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Speed and size, beside peers where they are installed (extras `bench` and `interop`).",
    )
    parser.add_argument("--bars", action="store_true", help="every figure beside what it should be")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="with --bars: figures or sections whose name contains TEXT"
    )
    options = parser.parse_args(argv)
    print(machine())
    if options.bars:
        return bars.report(options.only)
    status = 0
    for report in (core.report, startup.report, server.report, echo.report):
        print()
        try:
            report()
        except NotMeasured as reason:
            print(f"{report.__module__}: not measured: {reason}")
        except Failed as error:
            print(f"{report.__module__}: failed: {error}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
