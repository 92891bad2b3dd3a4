"""`WasiCtx`: what a guest may reach through WASI. Everything is closed unless it is opened here."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from pywrt.wasi.preview2.sandbox import OPEN_DIRECTORY, OpenFile, OpenFiles
from pywrt.wasi.preview2.stdio import is_terminal, sink_of, source_of

#: Default limits of one `WasiCtx`.
MAX_OPEN_FILES = 1000
MAX_RANDOM_BYTES = 16 << 20


class Preopen:
    """A host directory that a guest sees as `guest_path`; with `read_only` it can't change anything."""

    __slots__ = ("guest_path", "host_path", "read_only")

    def __init__(self, host_path: str | os.PathLike[str], guest_path: str, read_only: bool = False) -> None:
        self.host_path = os.fspath(host_path)
        self.guest_path = guest_path
        self.read_only = read_only

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preopen) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"Preopen({self.host_path!r}, {self.guest_path!r}, read_only={self.read_only})"


class OpenedDirectory:
    """A `Preopen` in use: its directory is open for as long as the `WasiCtx` is."""

    __slots__ = ("file", "guest_path", "read_only")

    def __init__(self, file: OpenFile, guest_path: str, read_only: bool) -> None:
        self.file = file
        self.guest_path = guest_path
        self.read_only = read_only


class WasiCtx:
    """The world of one guest: arguments, environment, standard streams, directories, clocks, randomness.

    `stdin` is bytes, a binary file, a file descriptor or None (empty); `stdout` and `stderr` are a binary
    file, a function of bytes, a file descriptor or None (discarded). Files and descriptors stay the
    embedder's. `wall_clock` and `monotonic_clock` return nanoseconds; `random(n)` and
    `insecure_random(n)` return n bytes. Raises TypeError or ValueError for what these can't be, OSError
    for a directory that can't be opened. `close` (or `with`) closes what the guest left open.
    """

    def __init__(
        self,
        args: Iterable[str] = (),
        env: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        preopens: Iterable[Preopen] = (),
        *,
        initial_cwd: str | None = None,
        wall_clock: Callable[[], int] = time.time_ns,
        monotonic_clock: Callable[[], int] | None = None,
        random: Callable[[int], bytes] = os.urandom,
        insecure_random: Callable[[int], bytes] | None = None,
        max_open_files: int = MAX_OPEN_FILES,
        max_random_bytes: int = MAX_RANDOM_BYTES,
    ) -> None:
        self.args = [_text("argument", argument) for argument in args]
        pairs = env.items() if isinstance(env, Mapping) else env
        self.env = [(_text("name", name), _text("value", value)) for name, value in pairs]
        self.initial_cwd = initial_cwd
        self.set_stdin(stdin)
        self.set_stdout(stdout)
        self.set_stderr(stderr)
        self.wall_clock = wall_clock
        self.monotonic_clock = monotonic_clock or _monotonic_clock()
        self.random = random
        self.insecure_random = insecure_random or random
        seed = self.insecure_random(16)
        self.insecure_seed = int.from_bytes(seed[:8], "little"), int.from_bytes(seed[8:], "little")
        self.max_random_bytes = max_random_bytes
        self.files = OpenFiles(max_open_files)
        self.opened_directories: list[OpenedDirectory] = []
        try:
            for preopen in preopens:
                self.preopen_dir(preopen.host_path, preopen.guest_path, preopen.read_only)
        except BaseException:
            self.close()
            raise

    def set_stdin(self, stdin: Any) -> None:
        """Let the guest read `stdin`."""
        self.stdin = source_of(stdin)
        self.stdin_is_terminal = is_terminal(stdin)

    def set_stdout(self, stdout: Any) -> None:
        """Let the guest write to `stdout`."""
        self.stdout = sink_of(stdout, "stdout")
        self.stdout_is_terminal = is_terminal(stdout)

    def set_stderr(self, stderr: Any) -> None:
        """Let the guest write to `stderr`."""
        self.stderr = sink_of(stderr, "stderr")
        self.stderr_is_terminal = is_terminal(stderr)

    def preopen_dir(
        self, host_path: str | os.PathLike[str], guest_path: str, read_only: bool = False
    ) -> None:
        """Let the guest use the directory `host_path` as `guest_path`; OSError if it can't be opened.

        Refused where the platform can't open files relative to a directory: paths could escape there.
        """
        if os.open not in os.supports_dir_fd or not hasattr(os, "O_NOFOLLOW"):
            raise OSError(
                f"can't open {os.fspath(host_path)!r} for the guest: this platform has no "
                "os.open(dir_fd=...), without which paths can't be confined to a directory"
            )
        # The embedder's own path may be or contain symbolic links.
        flags = OPEN_DIRECTORY & ~os.O_NOFOLLOW
        file = self.files.open(os.fsencode(host_path), flags)
        self.opened_directories.append(OpenedDirectory(file, _text("guest path", guest_path), read_only))

    def inherit_argv(self) -> None:
        """Give the guest this process's arguments."""
        self.args = [os.fsencode(argument).decode("utf-8", "replace") for argument in sys.argv]

    def inherit_env(self) -> None:
        """Give the guest this process's environment variables."""
        self.env = [
            (os.fsencode(name).decode("utf-8", "replace"), os.fsencode(value).decode("utf-8", "replace"))
            for name, value in os.environ.items()
        ]

    def inherit_stdin(self) -> None:
        """Let the guest read this process's standard input (file descriptor 0)."""
        self.set_stdin(0)

    def inherit_stdout(self) -> None:
        """Let the guest write to this process's standard output (file descriptor 1)."""
        self.set_stdout(1)

    def inherit_stderr(self) -> None:
        """Let the guest write to this process's standard error (file descriptor 2)."""
        self.set_stderr(2)

    def close(self) -> None:
        """Pass on buffered output, as far as nobody waits; close what the guest and this have open."""
        for sink in (self.stdout, self.stderr):
            with suppress(OSError):
                sink.pump()
        self.files.close()
        self.opened_directories.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _monotonic_clock() -> Callable[[], int]:
    """A clock that starts at 0, so that a guest doesn't learn how long the host has been up."""
    start = time.monotonic_ns()
    return lambda: time.monotonic_ns() - start


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be str, got {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{what} must not contain NUL: {value!r}")
    return value
