"""Paths that can't leave a directory, open files that are counted, and errno as error-code.

Strategy: a path is walked one component at a time from an open directory. Each step opens a directory
relative to the descriptor before it, refusing to follow a symbolic link; a link is read and its text
walked by the same rules; `..` goes back to the descriptor that the walk came from, never to what the
file system calls `..`. So the walk's descriptors form a chain of real directories below the base, and
whatever somebody else renames or replaces meanwhile, no step can reach outside. The last component is
handed to the one system call that does the work, relative to the last descriptor, not following links.
"""

import errno
import os
import weakref
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from pywrt.canonical_abi.values import Err

_P = ParamSpec("_P")
_T = TypeVar("_T")

#: Bounds of one walk: bytes of the path, links followed, directories entered (each holds a descriptor).
MAX_PATH = 4096
MAX_LINKS = 40
MAX_DEPTH = 128

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)

#: A directory that the walk passes through: search permission is enough where O_PATH exists.
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | _DIRECTORY | _NOFOLLOW | _CLOEXEC
#: For what the guest opens itself. O_NONBLOCK: opening a FIFO must not wait for its other end.
OPEN_ALWAYS = _NOFOLLOW | _CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
OPEN_DIRECTORY = os.O_RDONLY | _DIRECTORY | OPEN_ALWAYS

#: error-code of wasi:filesystem by errno name (not every platform has every errno).
_ERROR_CODES = {
    "EACCES": "access",
    "EAGAIN": "would-block",
    "EWOULDBLOCK": "would-block",
    "EALREADY": "already",
    "EBADF": "bad-descriptor",
    "EBUSY": "busy",
    "EDEADLK": "deadlock",
    "EDQUOT": "quota",
    "EEXIST": "exist",
    "EFBIG": "file-too-large",
    "EILSEQ": "illegal-byte-sequence",
    "EINPROGRESS": "in-progress",
    "EINTR": "interrupted",
    "EINVAL": "invalid",
    "EIO": "io",
    "EISDIR": "is-directory",
    "ELOOP": "loop",
    "EMLINK": "too-many-links",
    "EMSGSIZE": "message-size",
    "ENAMETOOLONG": "name-too-long",
    "ENODEV": "no-device",
    "ENOENT": "no-entry",
    "ENOLCK": "no-lock",
    "ENOMEM": "insufficient-memory",
    # There is no code for a full descriptor table; this one keeps the meaning "out of resources".
    "EMFILE": "insufficient-memory",
    "ENFILE": "insufficient-memory",
    "ENOSPC": "insufficient-space",
    "ENOTDIR": "not-directory",
    "ENOTEMPTY": "not-empty",
    "ENOTRECOVERABLE": "not-recoverable",
    "ENOTSUP": "unsupported",
    "EOPNOTSUPP": "unsupported",
    "ENOSYS": "unsupported",
    "ENOTTY": "no-tty",
    "ENXIO": "no-such-device",
    "EOVERFLOW": "overflow",
    "EPERM": "not-permitted",
    "EPIPE": "pipe",
    "EROFS": "read-only",
    "ESPIPE": "invalid-seek",
    "ETXTBSY": "text-file-busy",
    "EXDEV": "cross-device",
}
_CODE_OF_ERRNO = {getattr(errno, name): code for name, code in _ERROR_CODES.items() if hasattr(errno, name)}


def error_code(error: OSError) -> str:
    """The `wasi:filesystem/types.error-code` of a host error; `io` for what has none."""
    return _CODE_OF_ERRNO.get(error.errno or 0, "io")


def fs_error(number: int) -> OSError:
    """An OSError with the platform's text for errno `number`."""
    return OSError(number, os.strerror(number))


def answering_error_code(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let OSErrors of `function` reach the guest as the err case with their error-code."""

    @wraps(function)
    def answer(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except OSError as error:
            raise Err(error_code(error)) from error

    return answer


class Walk:
    """The place that `path` names, relative to the directory `base`: a context manager.

    Within it, `directory` is an open descriptor and `name` one component (never `..`, never with a
    slash): use them with `dir_fd=` and without following links. With `follow`, a last component that is
    a symbolic link has been followed. `must_be_directory` says that the path ended with a slash.

    Raises OSError: EPERM for absolute paths and links, and for what would leave `base`; EINVAL for NUL;
    ENOENT for an empty path; ELOOP, ENAMETOOLONG past the bounds above; and what the host says.
    """

    __slots__ = ("_base", "_follow", "_links", "_path", "_stack", "must_be_directory", "name")

    def __init__(self, base: int, path: str, *, follow: bool) -> None:
        self._base = base
        self._path = path
        self._follow = follow
        self._stack: list[int] = []
        self._links = 0
        self.name = b"."
        self.must_be_directory = False

    @property
    def directory(self) -> int:
        """The descriptor that `name` is relative to."""
        return self._stack[-1] if self._stack else self._base

    def __enter__(self) -> Self:
        try:
            self.name = self._run()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        while self._stack:
            os.close(self._stack.pop())

    def _run(self) -> bytes:
        path = self._path.encode("utf-8")
        if not path:
            raise fs_error(errno.ENOENT)
        if b"\0" in path:
            raise fs_error(errno.EINVAL)
        if not self._follow:
            # Of `link/`, operations that don't follow mean the link; `_follow` ones its directory.
            self.must_be_directory = path.endswith(b"/")
            path = path.rstrip(b"/") or path
        pending: list[bytes] = []
        self._push(pending, path)
        while pending:
            name = pending.pop()
            if name == b".":
                continue
            if name == b"..":
                if not self._stack:
                    raise fs_error(errno.EPERM)
                os.close(self._stack.pop())
            elif pending:
                if not self._enter(name):
                    self._push(pending, self._link_target(name) or self._not_a_directory())
            elif self._follow and (target := self._link_target(name)) is not None:
                self._push(pending, target)
            else:
                return name
        return b"."

    def _push(self, pending: list[bytes], path: bytes) -> None:
        """Put the components of `path` before those that are pending."""
        if path.startswith(b"/"):
            raise fs_error(errno.EPERM)
        if len(path) > MAX_PATH:
            raise fs_error(errno.ENAMETOOLONG)
        parts = path.split(b"/")
        if not parts[-1]:
            parts[-1] = b"."  # `x/` is `x/.`: x must be a directory, and is followed
        # Only the last `.` says something: that what stands before it is a directory.
        last = parts.pop()
        pending.append(last)
        pending.extend(part for part in reversed(parts) if part not in (b"", b"."))

    def _enter(self, name: bytes) -> bool:
        """Open the directory `name` and make it current; False if it is a link or no directory."""
        if len(self._stack) >= MAX_DEPTH:
            raise fs_error(errno.ENAMETOOLONG)
        try:
            self._stack.append(os.open(name, _STEP, dir_fd=self.directory))
        except OSError as error:
            # Platforms disagree on what O_NOFOLLOW | O_DIRECTORY says of a link.
            if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EMLINK):
                return False
            raise
        return True

    def _link_target(self, name: bytes) -> bytes | None:
        """The text of the link `name`, counted; None if it is no link or doesn't exist."""
        try:
            target = os.readlink(name, dir_fd=self.directory)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise
        self._links += 1
        if self._links > MAX_LINKS:
            raise fs_error(errno.ELOOP)
        return target

    def _not_a_directory(self) -> bytes:
        raise fs_error(errno.ENOTDIR)


class OpenFile:
    """An open host file or directory; descriptors and streams share it, and the last one closes it."""

    __slots__ = ("__weakref__", "_references", "_table", "fd")

    def __init__(self, table: "OpenFiles", fd: int) -> None:
        self._table = table
        self._references = 1
        self.fd = fd

    def retain(self) -> "OpenFile":
        """One more user; EBADF if it is closed."""
        if self.fd < 0:
            raise fs_error(errno.EBADF)
        self._references += 1
        return self

    def release(self) -> None:
        """One user less."""
        self._references -= 1
        if self._references <= 0:
            self.close()

    def close(self) -> None:
        """Close it for all users, whose operations then fail with EBADF. A second time does nothing."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            self._table.count -= 1
            os.close(fd)

    def __del__(self) -> None:
        # A guest that trapped, or a store that was thrown away, never dropped its handles.
        self.close()


class OpenFiles:
    """The open files of one `WasiCtx`: at most `limit`, preopened directories and listings included."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self._live: weakref.WeakSet[OpenFile] = weakref.WeakSet()

    def open(self, path: bytes, flags: int, *, dir_fd: int | None = None, mode: int = 0o666) -> OpenFile:
        """Open `path` relative to `dir_fd`; EMFILE past the limit, else what the host says."""
        if self.count >= self.limit:
            raise fs_error(errno.EMFILE)
        opened = OpenFile(self, os.open(path, flags, mode, dir_fd=dir_fd))
        self.count += 1
        self._live.add(opened)
        return opened

    def close(self) -> None:
        """Close all that are open."""
        for opened in list(self._live):
            opened.close()
