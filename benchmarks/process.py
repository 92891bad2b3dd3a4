"""Child processes, as a user of an installed package starts them: from .pyc files, nothing preset."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Failed, NotMeasured

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
EXAMPLE = ROOT / "examples" / "toolbox" / "toolbox.wasm"

#: Seconds after which a child is given up.
PATIENCE = 120.0

_KEPT = ("PYTHONHOME", "PYTHONPYCACHEPREFIX")


def shared(*parts: str) -> Path:
    """A file or folder under ../shared; NotMeasured where it isn't there."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        raise NotMeasured(f"{path} is not there")
    return path


def environment() -> dict[str, str]:
    """Ours without what changes how Python runs, PYTHONDONTWRITEBYTECODE above all, and with our packages."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") or k in _KEPT}
    return {**kept, "PYTHONPATH": str(ROOT)}


def python(*arguments: str) -> list[str]:
    """The command that runs this Python with `arguments`."""
    return [sys.executable, *arguments]


def console_script(module: str, *arguments: str) -> list[str]:
    """What the script that pip makes for `module:main` runs, whether it is installed or not."""
    return python("-c", f"import sys; from {module} import main; sys.exit(main())", *arguments)


def run(command: Sequence[str]) -> tuple[float, str]:
    """Seconds from the start of `command` to its end, and its output. Failed if it fails."""
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"no end of {command[-1]} after {PATIENCE:g} s") from None
    seconds = time.perf_counter() - start
    if done.returncode:
        raise Failed(f"exit status {done.returncode}: {last_line(done.stderr)}")
    return seconds, done.stdout.decode()


def to_first_line(command: Sequence[str]) -> tuple[float, str]:
    """Seconds from the start of `command` to its first line of output, and the line. Failed if it fails."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        with subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        ) as child:
            assert child.stdout is not None
            line = child.stdout.readline()
            seconds = time.perf_counter() - start
            child.stdout.read()
        if child.returncode:
            errors.seek(0)
            raise Failed(f"exit status {child.returncode}: {last_line(errors.read())}")
    return seconds, line.decode()


def last_line(errors: bytes) -> str:
    """What a traceback, or any report, ends with."""
    lines = errors.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no message")
