"""A directory of validation verdicts: which modules need not have their function bodies validated again.

Strategy: an entry says that one sequence of bytes was found valid by this version of pywrt under one set of
features. Its file is named by the first digits of the digest of all three, and holds a line that follows from
the digest: so it is compared, never parsed, and whatever else stands there (cut off, of another version, of
another module with the same digits) means that there is no verdict, and is replaced. There are as many files
as names, so the directory stays small. Entries are written beside and renamed, so that no process reads half
of one.

Whoever can write the directory can have a module taken for valid that isn't, which voids what the interpreter
promises. So a directory that is a symbolic link, belongs to another user, or can be written by others is not
used, nor is such an entry (on POSIX; elsewhere keeping others out is up to who chooses the directory). It is
opened once, and entries are reached from there, so that nobody can exchange it in between. What goes wrong
with files means that there is no cache, never an error.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from pywrt.config import Config
from pywrt.version import __version__

try:
    from _blake2 import blake2b  # hashlib's; with OpenSSL, importing that takes 2 ms and 4 MB
except ImportError:
    from hashlib import blake2b

_FORMAT = "pywrt verdict 1"
#: Hexadecimal digits of an entry's name: at most 65,536 entries.
_NAME_DIGITS = 4

_POSIX = {os.open, os.rename, os.unlink} <= os.supports_dir_fd
#: A name that was put there for us to fall for is no directory of ours, and no entry.
_DIRECTORY_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_COMMON_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_READ_FLAGS = os.O_RDONLY | _COMMON_FLAGS
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _COMMON_FLAGS


def digest(module: bytes | memoryview, config: Config) -> str:
    """What a verdict on `module` depends on, in hexadecimal: its bytes, the features, pywrt's version."""
    features = ",".join(sorted(config.features))
    state = blake2b(f"{_FORMAT}\n{__version__}\n{features}\n".encode(), digest_size=32)
    state.update(module)
    return state.hexdigest()


def is_known(directory: str, digest: str) -> bool:
    """Whether `directory` says that what has this digest is valid."""
    expected = _entry(digest)
    try:
        with _opened(directory, create=False) as place:
            descriptor = os.open(place.path(digest), _READ_FLAGS, dir_fd=place.descriptor)
            try:
                return _is_ours(os.fstat(descriptor)) and os.read(descriptor, len(expected) + 1) == expected
            finally:
                os.close(descriptor)
    except (OSError, ValueError):
        return False


def record(directory: str, digest: str) -> None:
    """Note in `directory`, which is created if it is absent, that what has this digest is valid."""
    try:
        with _opened(directory, create=True) as place:
            _write(place, digest)
    except (OSError, ValueError):
        pass  # it is validated again the next time


class _Place:
    """A directory that is trusted: its descriptor where files can be reached from one, else its path."""

    __slots__ = ("descriptor", "directory")

    def __init__(self, directory: str, descriptor: int | None) -> None:
        self.directory = directory
        self.descriptor = descriptor

    def path(self, digest: str, suffix: str = "") -> str:
        """Of a digest's entry, from the descriptor if there is one."""
        name = digest[:_NAME_DIGITS] + suffix
        return name if self.descriptor is not None else os.path.join(self.directory, name)


def _entry(digest: str) -> bytes:
    return f"{_FORMAT}: valid {digest}\n".encode()


@contextmanager
def _opened(directory: str, *, create: bool) -> Iterator[_Place]:
    """The directory, if it is to be trusted. OSError (or ValueError: a NUL in the path) if not."""
    if create:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    if not _POSIX:
        yield _Place(directory, None)
        return
    descriptor = os.open(directory.rstrip(os.sep), _DIRECTORY_FLAGS)  # a link with `/` behind is followed
    try:
        if not _is_private(os.fstat(descriptor)):
            raise PermissionError(f"{directory} belongs to others, or they can write it")
        yield _Place(directory, descriptor)
    finally:
        os.close(descriptor)


def _is_private(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_ours(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and (not _POSIX or _is_private(status))


def _write(place: _Place, digest: str) -> None:
    path, beside = place.path(digest), place.path(digest, ".new")
    at = place.descriptor
    try:
        descriptor = os.open(beside, _WRITE_FLAGS, 0o600, dir_fd=at)
    except FileExistsError:
        os.unlink(beside, dir_fd=at)  # of a process that died; one that lives loses its entry, no more
        return
    try:
        with open(descriptor, "wb") as file:
            file.write(_entry(digest))
        os.replace(beside, path, src_dir_fd=at, dst_dir_fd=at)
    except OSError:
        os.unlink(beside, dir_fd=at)
        raise
