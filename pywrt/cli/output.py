"""Where a subcommand writes what it makes: a file, or standard output."""

import sys

from pywrt.cli.files import CommandError, UsageError

STDOUT = "-"


def write_bytes(path: str, data: bytes) -> None:
    """Write a file, or to standard output for `-`; UsageError rather than bytes on a terminal."""
    if path != STDOUT:
        _write_file(path, data)
        return
    if sys.stdout.isatty():
        raise UsageError("not writing a binary to a terminal: name a file with -o, or use a pipe")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def write_text(path: str, text: str) -> None:
    """Write a file in UTF-8, or to standard output for `-`."""
    if path == STDOUT:
        sys.stdout.write(text)
    else:
        _write_file(path, text.encode())


def _write_file(path: str, data: bytes) -> None:
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
