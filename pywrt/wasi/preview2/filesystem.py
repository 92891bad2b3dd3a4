"""wasi:filesystem 0.2: types and preopens.

A descriptor is an open file or directory of the host. Paths are relative to a directory descriptor and
can't leave it (see `sandbox`). What was reached through a read-only preopen can't be changed, whatever
flags it was opened with: `not-permitted`, as wasmtime answers.
"""

import errno
import os
import stat
import time
from collections.abc import Callable
from typing import Any

from pywrt.canonical_abi.handles import HostResource
from pywrt.canonical_abi.values import Err
from pywrt.wasi.preview2.binding import Interface, case_of, field_of
from pywrt.wasi.preview2.clocks import datetime
from pywrt.wasi.preview2.context import WasiCtx
from pywrt.wasi.preview2.io import (
    ERROR,
    INPUT_STREAM,
    MAX_READ,
    OUTPUT_STREAM,
    WRITE_CAPACITY,
    Hint,
    InputStream,
    IoError,
    OutputStream,
)
from pywrt.wasi.preview2.sandbox import (
    OPEN_ALWAYS,
    OPEN_DIRECTORY,
    OpenFile,
    OpenFiles,
    Walk,
    answering_error_code,
    error_code,
    fs_error,
)

_I64_MAX = (1 << 63) - 1
_U64_MAX = (1 << 64) - 1
_SECOND = 1_000_000_000

#: descriptor-flags that ask for synchronized writing, and what they are for open().
_SYNC_FLAGS = {
    "file-integrity-sync": getattr(os, "O_SYNC", 0),
    "data-integrity-sync": getattr(os, "O_DSYNC", 0),
    "requested-write-sync": getattr(os, "O_RSYNC", 0),
}
_ADVICE = {
    name: getattr(os, "POSIX_FADV_" + name.replace("-", "").upper(), 0)
    for name in ("normal", "sequential", "random", "will-need", "dont-need", "no-reuse")
}
_TYPE_OF_FORMAT = {
    stat.S_IFBLK: "block-device",
    stat.S_IFCHR: "character-device",
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "fifo",
    stat.S_IFLNK: "symbolic-link",
    stat.S_IFREG: "regular-file",
    stat.S_IFSOCK: "socket",
}


def _type_of(mode: int) -> str:
    return _TYPE_OF_FORMAT.get(stat.S_IFMT(mode), "unknown")


def _offset(value: int) -> int:
    """A position in a file; EINVAL for what no system call takes."""
    if value > _I64_MAX:
        raise fs_error(errno.EINVAL)
    return value


def _stat_record(status: os.stat_result) -> dict[str, Any]:
    return {
        "type": _type_of(status.st_mode),
        "link-count": status.st_nlink,
        "size": status.st_size,
        "data-access-timestamp": datetime(status.st_atime_ns),
        "data-modification-timestamp": datetime(status.st_mtime_ns),
        "status-change-timestamp": datetime(status.st_ctime_ns),
    }


def _mixed(value: int) -> int:
    """A bijection on u64 that lets each bit of `value` change about half of the others."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = (value ^ value >> 33) * factor & _U64_MAX
    return value ^ value >> 33


def _hash_record(status: os.stat_result) -> dict[str, int]:
    """Of the identity alone, as wasmtime's: C libraries use it as an inode number.

    Mixed by hand, not by hashlib, whose import costs 2.5 ms. Inodes of one device never collide.
    """
    lower = _mixed(status.st_ino & _U64_MAX ^ _mixed(status.st_dev & _U64_MAX))
    return {"lower": lower, "upper": _mixed(lower ^ _mixed(~status.st_dev & _U64_MAX))}


def _new_times(access: Any, modification: Any, status: os.stat_result) -> tuple[int, int]:
    """Nanoseconds to set for two new-timestamps, where `status` has what stays as it is."""
    now = time.time_ns()

    def nanoseconds(new: Any, current: int) -> int:
        case, payload = case_of(new, "timestamp")
        if case == "no-change":
            return current
        if case == "now":
            return now
        seconds: int = field_of(payload, "seconds")
        if seconds > _I64_MAX // _SECOND:
            raise fs_error(errno.EOVERFLOW)
        return seconds * _SECOND + int(field_of(payload, "nanoseconds"))

    return nanoseconds(access, status.st_atime_ns), nanoseconds(modification, status.st_mtime_ns)


class FileReader:
    """The source of `read-via-stream`: reads on from a position of its own."""

    __slots__ = ("_file", "_position")

    def __init__(self, file: OpenFile, position: int) -> None:
        self._file = file.retain()
        self._position = position

    def take(self, size: int) -> bytes | None:
        data = os.pread(self._file.fd, size, _offset(self._position))
        self._position += len(data)
        return data or None

    def ready(self) -> bool:
        return True

    def hint(self) -> Hint:
        return None, None

    def close(self) -> None:
        self._file.release()


class FileWriter:
    """The sink of `write-via-stream`, and of `append-via-stream` if `position` is None."""

    __slots__ = ("_file", "_position")

    def __init__(self, file: OpenFile, position: int | None) -> None:
        self._file = file.retain()
        self._position = position

    def room(self) -> int:
        return WRITE_CAPACITY

    def put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if self._position is None:
                count = _append(self._file.fd, rest)
            else:
                count = os.pwrite(self._file.fd, rest, _offset(self._position))
                self._position += count
            rest = rest[count:]

    def pump(self) -> bool:
        return True

    def hint(self) -> Hint:
        return None, None

    def close(self) -> None:
        self._file.release()


def _append(fd: int, data: memoryview) -> int:
    if hasattr(os, "RWF_APPEND"):
        return os.pwritev(fd, [data], 0, os.RWF_APPEND)
    return os.pwrite(fd, data, os.fstat(fd).st_size)


class DirectoryEntryStream:
    """`directory-entry-stream`: reads a directory as it goes, so that its size costs no memory."""

    __slots__ = ("_entries", "_file")

    def __init__(self, file: OpenFile) -> None:
        self._file = file  # keeps the listing within the limit of open files
        self._entries = os.scandir(file.fd)

    def drop(self) -> None:
        """The guest dropped its handle."""
        self._entries.close()
        self._file.release()

    @answering_error_code
    def read_directory_entry(self) -> dict[str, str] | None:
        """The next entry, in the host's order and without `.` and `..`; None at the end."""
        entry = next(self._entries, None)
        if entry is None:
            return None
        try:
            name = os.fsencode(entry.name).decode("utf-8")
        except UnicodeDecodeError:
            raise fs_error(errno.EILSEQ) from None
        if entry.is_symlink():
            kind = "symbolic-link"
        elif entry.is_file(follow_symlinks=False):
            kind = "regular-file"
        elif entry.is_dir(follow_symlinks=False):
            kind = "directory"
        else:
            kind = _type_of(entry.stat(follow_symlinks=False).st_mode)
        return {"type": kind, "name": name}


class Descriptor:
    """`descriptor`: a host file or directory that a guest has open.

    `flags` are those it was opened with. All methods answer errors as `Err` of an error-code.
    """

    __slots__ = ("_file", "_files", "flags", "is_directory", "read_only")

    def __init__(
        self, files: OpenFiles, file: OpenFile, flags: frozenset[str], *, is_directory: bool, read_only: bool
    ) -> None:
        self._files = files
        self._file = file
        self.flags = flags
        self.is_directory = is_directory
        self.read_only = read_only

    def drop(self) -> None:
        """The guest dropped its handle; streams that it opened stay."""
        self._file.release()

    def _regular(self) -> int:
        """The host's descriptor, of anything but a directory."""
        if self.is_directory:
            raise Err("bad-descriptor")
        return self._file.fd

    def _directory(self) -> int:
        """The host's descriptor, of a directory."""
        if not self.is_directory:
            raise Err("not-directory")
        return self._file.fd

    def _mutable(self) -> None:
        if self.read_only:
            raise Err("not-permitted")

    # Contents of files.

    @answering_error_code
    def read_via_stream(self, offset: int) -> InputStream:
        """A stream from `offset` on; whether the file can be read shows when it is."""
        if self.is_directory:
            raise Err("is-directory")
        return InputStream(FileReader(self._file, offset))

    @answering_error_code
    def write_via_stream(self, offset: int) -> OutputStream:
        """A stream that writes from `offset` on."""
        self._regular()
        self._mutable()
        return OutputStream(FileWriter(self._file, offset))

    @answering_error_code
    def append_via_stream(self) -> OutputStream:
        """A stream that writes at what is the end at the time."""
        self._regular()
        self._mutable()
        return OutputStream(FileWriter(self._file, None))

    @answering_error_code
    def read(self, length: int, offset: int) -> tuple[bytes, bool]:
        """At most `length` bytes (and at most 64 KiB) at `offset`, and whether that was the end."""
        data = os.pread(self._regular(), min(length, MAX_READ), _offset(offset))
        return data, not data

    @answering_error_code
    def write(self, buffer: bytes, offset: int) -> int:
        """Write at `offset`; return how many bytes were."""
        fd = self._regular()
        self._mutable()
        return os.pwrite(fd, buffer, _offset(offset))

    @answering_error_code
    def set_size(self, size: int) -> None:
        """Cut the file, or extend it by zeros."""
        fd = self._regular()
        self._mutable()
        os.ftruncate(fd, _offset(size))

    @answering_error_code
    def advise(self, offset: int, length: int, advice: str) -> None:
        """Pass on how the file will be read, where the host takes such advice."""
        fd = self._regular()
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(fd, _offset(offset), _offset(length), _ADVICE[advice])

    @answering_error_code
    def sync_data(self) -> None:
        """Wait until the host has stored the data."""
        getattr(os, "fdatasync", os.fsync)(self._file.fd)

    @answering_error_code
    def sync(self) -> None:
        """Wait until the host has stored data and metadata."""
        os.fsync(self._file.fd)

    # Metadata.

    @answering_error_code
    def get_flags(self) -> frozenset[str]:
        """The flags that hold for this descriptor."""
        self._status()
        return self.flags

    @answering_error_code
    def get_type(self) -> str:
        """The descriptor-type."""
        return _type_of(self._status().st_mode)

    @answering_error_code
    def stat(self) -> dict[str, Any]:
        """The descriptor-stat."""
        return _stat_record(self._status())

    @answering_error_code
    def metadata_hash(self) -> dict[str, int]:
        """A hash that tells this object from others."""
        return _hash_record(self._status())

    @answering_error_code
    def set_times(self, access: Any, modification: Any) -> None:
        """Set the timestamps of data access and modification."""
        self._mutable()
        fd = self._file.fd
        os.utime(fd, ns=_new_times(access, modification, self._status()))

    def is_same_object(self, other: "Descriptor") -> bool:
        """Whether both are the same object of the host."""
        try:
            return os.path.samestat(self._status(), other._status())
        except OSError:
            return False

    def _status(self) -> os.stat_result:
        return os.fstat(self._file.fd)

    # Paths below a directory.

    @answering_error_code
    def stat_at(self, path_flags: Any, path: str) -> dict[str, Any]:
        """The descriptor-stat of what `path` names."""
        return _stat_record(self._status_at(path_flags, path))

    @answering_error_code
    def metadata_hash_at(self, path_flags: Any, path: str) -> dict[str, int]:
        """The metadata-hash of what `path` names."""
        return _hash_record(self._status_at(path_flags, path))

    def _status_at(self, path_flags: Any, path: str) -> os.stat_result:
        with self._walk(path, path_flags) as place:
            return os.stat(place.name, dir_fd=place.directory, follow_symlinks=False)

    def _walk(self, path: str, path_flags: Any) -> Walk:
        # A path that ends with a slash means a directory, so the link before it is followed anyway.
        return Walk(self._directory(), path, follow="symlink-follow" in path_flags or path.endswith("/"))

    @answering_error_code
    def set_times_at(self, path_flags: Any, path: str, access: Any, modification: Any) -> None:
        """Set the timestamps of what `path` names."""
        self._directory()
        self._mutable()
        with self._walk(path, path_flags) as place:
            status = os.stat(place.name, dir_fd=place.directory, follow_symlinks=False)
            times = _new_times(access, modification, status)
            os.utime(place.name, ns=times, dir_fd=place.directory, follow_symlinks=False)

    @answering_error_code
    def open_at(self, path_flags: Any, path: str, open_flags: Any, flags: Any) -> "Descriptor":
        """Open, and perhaps create or truncate, what `path` names."""
        directory = self._directory()
        create, exclusive, truncate, only_directory = (
            name in open_flags for name in ("create", "exclusive", "truncate", "directory")
        )
        if only_directory and (create or exclusive or truncate):
            raise Err("invalid")
        if self.read_only and (create or truncate or "write" in flags or "mutate-directory" in flags):
            raise Err("not-permitted")
        flags = {*flags, "write"} if truncate else flags
        mode = OPEN_ALWAYS | (OPEN_DIRECTORY if only_directory else 0)
        if "write" in flags:
            mode |= os.O_RDWR if "read" in flags else os.O_WRONLY
        mode |= (os.O_CREAT if create else 0) | (os.O_TRUNC if truncate else 0)
        mode |= os.O_EXCL if create and exclusive else 0
        for name, bit in _SYNC_FLAGS.items():
            mode |= bit if name in flags else 0
        # Creating exclusively never follows a link: the link itself exists.
        if create and exclusive:
            walk = Walk(directory, path, follow=False)
        else:
            walk = self._walk(path, path_flags)
        with walk as place:
            if create and place.must_be_directory:
                raise Err("is-directory")
            opened = self._files.open(place.name, mode, dir_fd=place.directory)
        return self._opened(opened, flags)

    def _opened(self, opened: OpenFile, flags: Any) -> "Descriptor":
        is_directory = stat.S_ISDIR(os.fstat(opened.fd).st_mode)
        kept = {flag for flag in flags if flag != "mutate-directory"}
        if "write" not in kept:
            kept.add("read")  # open() knows no file that can neither be read nor written
        if is_directory and not self.read_only:
            kept.add("mutate-directory")
        return Descriptor(
            self._files, opened, frozenset(kept), is_directory=is_directory, read_only=self.read_only
        )

    @answering_error_code
    def read_directory(self) -> DirectoryEntryStream:
        """A stream of the entries, from the first on."""
        # A descriptor of its own: a listing moves the descriptor's position.
        file = self._files.open(b".", OPEN_DIRECTORY, dir_fd=self._directory())
        return DirectoryEntryStream(file)

    @answering_error_code
    def readlink_at(self, path: str) -> str:
        """The text of a symbolic link, if it is no absolute path."""
        with Walk(self._directory(), path, follow=False) as place:
            text = os.readlink(place.name, dir_fd=place.directory)
        if text.startswith(b"/"):
            raise fs_error(errno.EPERM)
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            raise fs_error(errno.EILSEQ) from None

    # Changing directories.

    def _place(self, path: str) -> Walk:
        """The place to create, rename or remove: the last component is meant, be it a link or not."""
        directory = self._directory()
        self._mutable()
        return Walk(directory, path, follow=False)

    @answering_error_code
    def create_directory_at(self, path: str) -> None:
        """Create a directory."""
        with self._place(path) as place:
            os.mkdir(place.name, dir_fd=place.directory)

    @answering_error_code
    def remove_directory_at(self, path: str) -> None:
        """Remove an empty directory."""
        with self._place(path) as place:
            os.rmdir(place.name, dir_fd=place.directory)

    @answering_error_code
    def unlink_file_at(self, path: str) -> None:
        """Remove anything but a directory."""
        with self._place(path) as place:
            status = os.stat(place.name, dir_fd=place.directory, follow_symlinks=False)
            # Hosts disagree on which error unlinking a directory gives; some even do it.
            if stat.S_ISDIR(status.st_mode):
                raise Err("is-directory")
            if place.must_be_directory:
                raise Err("not-directory")
            os.unlink(place.name, dir_fd=place.directory)

    @answering_error_code
    def symlink_at(self, old_path: str, new_path: str) -> None:
        """Create a symbolic link at `new_path` with the relative path `old_path` as its text."""
        with self._place(new_path) as place:
            if old_path.startswith("/"):
                raise Err("not-permitted")
            if "\0" in old_path:
                raise Err("invalid")
            if place.must_be_directory:
                raise Err("no-entry")
            os.symlink(old_path.encode("utf-8"), place.name, dir_fd=place.directory)

    @answering_error_code
    def link_at(
        self, old_path_flags: Any, old_path: str, new_descriptor: "Descriptor", new_path: str
    ) -> None:
        """Create a hard link at `new_path` below `new_descriptor`; following a link is `invalid`."""
        with self._place(old_path) as old, new_descriptor._place(new_path) as new:
            if "symlink-follow" in old_path_flags:
                raise Err("invalid")
            if old.must_be_directory:
                raise Err("not-directory")
            if new.must_be_directory:
                raise Err("no-entry")
            os.link(
                old.name,
                new.name,
                src_dir_fd=old.directory,
                dst_dir_fd=new.directory,
                follow_symlinks=False,
            )

    @answering_error_code
    def rename_at(self, old_path: str, new_descriptor: "Descriptor", new_path: str) -> None:
        """Rename to `new_path` below `new_descriptor`, replacing what is there as rename() does."""
        with self._place(old_path) as old, new_descriptor._place(new_path) as new:
            if old.must_be_directory or new.must_be_directory:
                status = os.stat(old.name, dir_fd=old.directory, follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    raise Err("not-directory")
            os.rename(old.name, new.name, src_dir_fd=old.directory, dst_dir_fd=new.directory)


def filesystem_error_code(error: IoError) -> str | None:
    """The error-code of a stream error that the host's files caused."""
    return error_code(error.cause) if isinstance(error.cause, OSError) else None


DESCRIPTOR = HostResource("descriptor", Descriptor, drop=Descriptor.drop)
DIRECTORY_ENTRY_STREAM = HostResource(
    "directory-entry-stream", DirectoryEntryStream, drop=DirectoryEntryStream.drop
)

_METHODS: tuple[Callable[..., Any], ...] = (
    Descriptor.read_via_stream,
    Descriptor.write_via_stream,
    Descriptor.append_via_stream,
    Descriptor.advise,
    Descriptor.sync_data,
    Descriptor.get_flags,
    Descriptor.get_type,
    Descriptor.set_size,
    Descriptor.set_times,
    Descriptor.read,
    Descriptor.write,
    Descriptor.read_directory,
    Descriptor.sync,
    Descriptor.create_directory_at,
    Descriptor.stat,
    Descriptor.stat_at,
    Descriptor.set_times_at,
    Descriptor.link_at,
    Descriptor.open_at,
    Descriptor.readlink_at,
    Descriptor.remove_directory_at,
    Descriptor.rename_at,
    Descriptor.symlink_at,
    Descriptor.unlink_file_at,
    Descriptor.is_same_object,
    Descriptor.metadata_hash,
    Descriptor.metadata_hash_at,
)

TYPES: Interface = {
    "error": ERROR,
    "input-stream": INPUT_STREAM,
    "output-stream": OUTPUT_STREAM,
    "descriptor": DESCRIPTOR,
    **{f"[method]descriptor.{method.__name__.replace('_', '-')}": method for method in _METHODS},
    "directory-entry-stream": DIRECTORY_ENTRY_STREAM,
    "[method]directory-entry-stream.read-directory-entry": DirectoryEntryStream.read_directory_entry,
    "filesystem-error-code": filesystem_error_code,
}


def interfaces(ctx: WasiCtx) -> dict[str, Interface]:
    """The tables of wasi:filesystem, with the preopened directories of `ctx`."""

    def get_directories() -> list[tuple[Descriptor, str]]:
        return [
            (
                Descriptor(
                    ctx.files,
                    preopen.file.retain(),
                    frozenset({"read"} if preopen.read_only else {"read", "mutate-directory"}),
                    is_directory=True,
                    read_only=preopen.read_only,
                ),
                preopen.guest_path,
            )
            for preopen in ctx.opened_directories
        ]

    return {
        "wasi:filesystem/types": TYPES,
        "wasi:filesystem/preopens": {"descriptor": DESCRIPTOR, "get-directories": get_directories},
    }
