"""The syntaxes of options that `pywrt` and `pywrt-mcp` share: sizes, directories, environment, limits.

Each `parse_` function is an argparse `type`: it takes the text of an option and raises ArgumentTypeError,
whose message argparse shows.
"""

import math
import os
from argparse import ArgumentParser, ArgumentTypeError

from pywrt.wasi.preview2 import Preopen

#: Bytes by unit, in lower case. All are powers of 1024, as memory is counted.
_UNITS = {
    **dict.fromkeys(("", "b"), 1),
    **dict.fromkeys(("k", "kb", "kib"), 1 << 10),
    **dict.fromkeys(("m", "mb", "mib"), 1 << 20),
    **dict.fromkeys(("g", "gb", "gib"), 1 << 30),
}
_DIGITS = frozenset("0123456789")


def add_cache_dir(parser: ArgumentParser) -> None:
    """The option `--cache-dir`, `cache_dir` of what is parsed; None unless it or the variable is given."""
    parser.add_argument(
        "--cache-dir",
        metavar="DIR",
        default=os.environ.get("PYWRT_CACHE_DIR") or None,
        help="remember in DIR what was found valid, and load it faster the next time; nobody else may be "
        "able to write DIR (default: the variable PYWRT_CACHE_DIR; else nothing is remembered)",
    )


def parse_size(text: str) -> int:
    """SIZE, a positive number of bytes: `65536`, `512K`, `64MiB`, `1GB` (all powers of 1024)."""
    number, unit = _split_number(text)
    if not number or unit.lower() not in _UNITS:
        raise ArgumentTypeError(f"expected a size such as 65536, 512KiB, 64MiB or 1GiB, got {shown(text)}")
    size = int(number) * _UNITS[unit.lower()]
    if size == 0:
        raise ArgumentTypeError("expected a size above 0")
    return size


def parse_dir(text: str) -> Preopen:
    """HOST[::GUEST][:ro]: a directory of the host, where the guest sees it, and whether for reading only.

    Without GUEST the guest sees it under the same path. Whether HOST can be opened shows later.
    """
    path = text.removesuffix(":ro")
    host, separator, guest = path.rpartition("::")
    if not separator:
        host = guest
    if not host or not guest:
        raise ArgumentTypeError(f"expected HOST[::GUEST][:ro], got {shown(text)}")
    return Preopen(host, guest_text(guest), path != text)


def parse_env(text: str) -> tuple[str, str]:
    """K=V: the name and the value of an environment variable."""
    name, value = parse_pair(text)
    return guest_text(name), guest_text(value)


def parse_pair(text: str) -> tuple[str, str]:
    """NAME=VALUE, as it stands."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ArgumentTypeError(f"expected NAME=VALUE, got {shown(text)}")
    return name, value


def parse_seconds(text: str) -> float | None:
    """SECONDS: `30`, `0.5`; None for 0, which stands for no limit."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ArgumentTypeError(f"expected a number of seconds, got {shown(text)}")
    return seconds or None


def parse_fuel(text: str) -> int:
    """N, a positive integer; `_` may group the digits: `10_000_000`."""
    digits = text.replace("_", "")
    if not digits or not _DIGITS.issuperset(digits) or len(digits) > 30 or int(digits) == 0:
        raise ArgumentTypeError(f"expected a whole number above 0, got {shown(text)}")
    return int(digits)


def guest_text(text: str) -> str:
    """An argument of this process for a guest, which knows only UTF-8: other bytes become U+FFFD."""
    return os.fsencode(text).decode("utf-8", "replace")


def _split_number(text: str) -> tuple[str, str]:
    """The digits that `text` begins with (at most 30), and what follows."""
    end = 0
    while end < len(text) and end < 30 and text[end] in _DIGITS:
        end += 1
    return text[:end], text[end:].strip()


def shown(text: str) -> str:
    """`text` quoted for a message, shortened if it is long."""
    return repr(text) if len(text) <= 60 else f"{text[:60]!r}..."
