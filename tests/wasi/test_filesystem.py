"""Descriptors, their streams and listings."""

import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.canonical_abi.values import Err, Record, Variant
from pywrt.errors import Trap
from pywrt.wasi.preview2 import Preopen, WasiCtx, interfaces
from pywrt.wasi.preview2.filesystem import filesystem_error_code
from pywrt.wasi.preview2.io import MAX_READ, IoError

NOTHING: frozenset[str] = frozenset()
FOLLOW = frozenset({"symlink-follow"})
BIG = (1 << 64) - 1


def listing(guest: Any, path: str = ".") -> dict[str, str]:
    entries = guest.open(path, "directory").read_directory()
    found = {}
    while (entry := entries.read_directory_entry()) is not None:
        found[entry["name"]] = entry["type"]
    assert entries.read_directory_entry() is None
    entries.drop()
    return found


# Preopened directories


def test_get_directories_gives_each_preopen_with_its_guest_path(world: Path, tmp_path: Path) -> None:
    with WasiCtx(preopens=[Preopen(world, "/a"), Preopen(tmp_path / "outside", "b", read_only=True)]) as ctx:
        get_directories: Any = interfaces(ctx)["wasi:filesystem/preopens"]["get-directories"]
        (first, a), (second, b) = get_directories()
        assert (a, b) == ("/a", "b")
        assert first.get_flags() == {"read", "mutate-directory"}
        assert second.get_flags() == {"read"}
        assert first.get_type() == "directory"
        first.drop()
        again = get_directories()[0][0]
        assert again.stat_at(NOTHING, "file.txt")["size"] == 8  # a guest's drop doesn't close the preopen


def test_get_directories_without_preopens_is_empty() -> None:
    get_directories: Any = interfaces(WasiCtx())["wasi:filesystem/preopens"]["get-directories"]
    assert get_directories() == []


@pytest.mark.parametrize(
    ("name", "error"), [("missing", FileNotFoundError), ("file.txt", NotADirectoryError)]
)
def test_preopen_of_what_is_no_directory_raises(world: Path, name: str, error: type[OSError]) -> None:
    with pytest.raises(error, match=name):
        WasiCtx(preopens=[Preopen(world / name, "/x")])


def test_preopen_without_dir_fd_is_refused_with_the_reason(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "supports_dir_fd", set())
    with pytest.raises(OSError, match=r"this platform has no os\.open\(dir_fd="):
        WasiCtx(preopens=[Preopen(world, "/x")])


def test_preopen_through_the_embedders_link_works(world: Path, tmp_path: Path, guest: Any) -> None:
    os.symlink(world, tmp_path / "link")
    with WasiCtx(preopens=[Preopen(tmp_path / "link", "/x")]) as ctx:
        assert type(guest)(ctx).read("file.txt") == b"contents"


# Opening


def test_open_at_reads_what_is_there(guest: Any) -> None:
    opened = guest.open("file.txt")
    assert opened.read(4, 0) == (b"cont", False)
    assert opened.read(100, 4) == (b"ents", False)
    assert opened.read(100, 8) == (b"", True)
    assert opened.read(BIG, BIG >> 2) == (b"", True)
    assert opened.get_flags() == {"read"}
    assert opened.get_type() == "regular-file"


@pytest.mark.parametrize(
    ("path", "open_flags", "flags", "code"),
    [
        ("missing", NOTHING, {"read"}, "no-entry"),
        ("missing/", {"create"}, {"write"}, "is-directory"),
        ("file.txt", {"create", "exclusive"}, {"write"}, "exist"),
        ("file.txt", {"directory"}, {"read"}, "not-directory"),
        ("file.txt", {"directory", "create"}, {"read"}, "invalid"),
        ("file.txt", {"directory", "truncate"}, {"read"}, "invalid"),
        ("dir", NOTHING, {"read", "write"}, "is-directory"),
        ("dir", {"create"}, {"write"}, "is-directory"),
        ("dir/missing/x", {"create"}, {"write"}, "no-entry"),
    ],
)
def test_open_at_that_cannot_answers_its_code(
    guest: Any, path: str, open_flags: set[str], flags: set[str], code: str
) -> None:
    # A slash after a name that doesn't exist may say either.
    allowed = (code, "no-entry") if path.endswith("/") else (code,)
    assert guest.code("open-at", FOLLOW, path, open_flags, flags) in allowed
    assert guest.ctx.files.count == 1


def test_open_at_creates_and_truncates(world: Path, guest: Any) -> None:
    opened = guest.open("new.txt", "create", "exclusive", flags=("read", "write"))
    assert opened.write(b"hello", 2) == 5
    assert (world / "new.txt").read_bytes() == b"\0\0hello"
    assert guest.open("file.txt", "truncate", flags=("write",)).stat()["size"] == 0
    # Truncating is writing, asked for or not.
    assert guest.open("new.txt", "truncate").get_flags() == {"read", "write"}
    assert guest.open("new.txt", "truncate", flags=()).get_flags() == {"write"}
    assert (world / "new.txt").read_bytes() == b""
    assert guest.open("new.txt", "create", flags=()).get_flags() == {"read"}


def test_open_at_takes_flags_as_lists(guest: Any) -> None:
    assert guest.method("open-at", ["symlink-follow"], "file.txt", [], ["read"]).read(8, 0)[0] == b"contents"


def test_open_at_on_a_file_answers_not_directory(guest: Any) -> None:
    file = guest.open("file.txt")
    assert guest.code("open-at", FOLLOW, "x", NOTHING, {"read"}, on=file) == "not-directory"
    for name, args in [("read-directory", ()), ("stat-at", (FOLLOW, "x")), ("create-directory-at", ("x",))]:
        assert guest.code(name, *args, on=file) == "not-directory"


def test_descriptor_access_is_what_it_was_opened_for(guest: Any) -> None:
    reading = guest.open("file.txt")
    assert guest.code("write", b"x", 0, on=reading) == "bad-descriptor"
    assert guest.code("set-size", 0, on=reading) in ("invalid", "bad-descriptor")
    writing = guest.open("file.txt", flags=("write",))
    assert guest.code("read", 1, 0, on=writing) == "bad-descriptor"
    assert writing.get_flags() == {"write"}
    both = guest.open("file.txt", flags=("read", "write", "mutate-directory"))
    assert both.get_flags() == {"read", "write"}
    assert guest.open("dir").get_flags() == {"read", "mutate-directory"}


@pytest.mark.parametrize("flag", ["file-integrity-sync", "data-integrity-sync", "requested-write-sync"])
def test_open_at_takes_synchronisation_as_a_request(guest: Any, flag: str) -> None:
    opened = guest.open("file.txt", flags=("write", flag))
    assert opened.write(b"x", 0) == 1
    assert flag in opened.get_flags()


def test_open_of_a_fifo_does_not_wait(world: Path, guest: Any) -> None:
    os.mkfifo(world / "fifo")
    reading = guest.open("fifo")
    assert reading.get_type() == "fifo"
    assert guest.code("read", 10, 0, on=reading) == "invalid-seek"
    stream = reading.read_via_stream(0)
    with pytest.raises(Err) as caught:
        stream.read(10)
    assert filesystem_error_code(caught.value.payload.payload) == "invalid-seek"
    stream.drop()
    reading.drop()
    assert guest.code("open-at", FOLLOW, "fifo", NOTHING, {"write"}) == "no-such-device"


def test_open_of_a_socket_answers_an_error(world: Path, guest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world)  # the address of a unix socket has at most 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert guest.method("stat-at", FOLLOW, "socket")["type"] == "socket"
        assert guest.code("open-at", FOLLOW, "socket", NOTHING, {"read"}) == "no-such-device"


# Contents


def test_read_of_a_huge_length_is_capped(world: Path, guest: Any) -> None:
    (world / "big").write_bytes(b"x" * (MAX_READ + 1))
    opened = guest.open("big")
    assert len(opened.read(BIG, 0)[0]) == MAX_READ
    assert len(opened.read_via_stream(0).read(BIG)) == MAX_READ


@pytest.mark.parametrize(
    ("name", "args"),
    [("read", (1, BIG)), ("write", (b"x", BIG)), ("set-size", (BIG,)), ("advise", (BIG, 0, "normal"))],
)
def test_offsets_that_no_file_has_answer_invalid(guest: Any, name: str, args: tuple[Any, ...]) -> None:
    opened = guest.open("file.txt", flags=("read", "write"))
    assert guest.code(name, *args, on=opened) == "invalid"


@pytest.mark.parametrize(
    ("name", "args", "code"),
    [
        ("read", (1, 0), "bad-descriptor"),
        ("write", (b"x", 0), "bad-descriptor"),
        ("set-size", (0,), "bad-descriptor"),
        ("advise", (0, 0, "normal"), "bad-descriptor"),
        ("read-via-stream", (0,), "is-directory"),
        ("write-via-stream", (0,), "bad-descriptor"),
        ("append-via-stream", (), "bad-descriptor"),
    ],
)
def test_contents_of_a_directory_answer_an_error(
    guest: Any, name: str, args: tuple[Any, ...], code: str
) -> None:
    assert guest.code(name, *args) == code


def test_set_size_cuts_and_extends(world: Path, guest: Any) -> None:
    opened = guest.open("file.txt", flags=("write",))
    opened.set_size(3)
    opened.set_size(5)
    assert (world / "file.txt").read_bytes() == b"con\0\0"


@pytest.mark.parametrize("advice", ["normal", "sequential", "random", "will-need", "dont-need", "no-reuse"])
def test_advise_takes_every_advice(guest: Any, advice: str) -> None:
    assert guest.open("file.txt").advise(0, 0, advice) is None


def test_sync_works_on_files_and_directories(guest: Any) -> None:
    for descriptor in (guest.open("file.txt"), guest.open("file.txt", flags=("write",)), guest.root):
        assert descriptor.sync() is None
        assert descriptor.sync_data() is None


def test_streams_of_one_file_keep_positions_of_their_own(guest: Any) -> None:
    opened = guest.open("file.txt")
    first, second = opened.read_via_stream(0), opened.read_via_stream(4)
    assert first.read(3) == b"con"
    assert second.blocking_read(100) == b"ents"
    assert first.read(3) == b"ten"
    assert first.skip(100) == 2
    for stream in (first, second):
        with pytest.raises(Err) as caught:
            stream.read(1)
        assert caught.value.payload == Variant("closed")


def test_streams_outlive_their_descriptor(world: Path, guest: Any) -> None:
    opened = guest.open("file.txt", flags=("read", "write"))
    source, sink = opened.read_via_stream(0), opened.write_via_stream(0)
    opened.drop()
    assert source.read(4) == b"cont"
    sink.blocking_write_and_flush(b"CON")
    assert guest.ctx.files.count == 2
    source.drop()
    sink.drop()
    assert guest.ctx.files.count == 1
    assert (world / "file.txt").read_bytes() == b"CONtents"


def test_write_stream_goes_on_and_append_stream_goes_to_the_end(world: Path, guest: Any) -> None:
    opened = guest.open("file.txt", flags=("read", "write"))
    at, end = opened.write_via_stream(2), opened.append_via_stream()
    at.blocking_write_and_flush(b"N")
    end.blocking_write_and_flush(b"!")
    at.blocking_write_and_flush(b"T")
    end.blocking_write_and_flush(b"?")
    end.check_write()
    end.write_zeroes(2)
    assert (world / "file.txt").read_bytes() == b"coNTents!?\0\0"


def test_splice_copies_a_file(world: Path, guest: Any) -> None:
    source = guest.open("file.txt").read_via_stream(0)
    target = guest.open("copy", "create", flags=("write",)).write_via_stream(0)
    assert target.splice(source, 3) == 3
    assert target.blocking_splice(source, BIG) == 5
    assert (world / "copy").read_bytes() == b"contents"


def test_stream_of_a_file_not_opened_for_it_fails_when_used(guest: Any) -> None:
    writing = guest.open("file.txt", flags=("write",))
    with pytest.raises(Err) as caught:
        writing.read_via_stream(0).read(1)
    assert caught.value.payload.tag == "last-operation-failed"
    assert filesystem_error_code(caught.value.payload.payload) == "bad-descriptor"
    sink = guest.open("file.txt").write_via_stream(0)
    assert sink.check_write() > 0
    with pytest.raises(Err) as caught:
        sink.write(b"x")
    assert filesystem_error_code(caught.value.payload.payload) == "bad-descriptor"
    with pytest.raises(Err) as caught:
        sink.check_write()
    assert caught.value.payload == Variant("closed")


def test_filesystem_error_code_of_another_error_is_none() -> None:
    assert filesystem_error_code(IoError(RuntimeError("no file"))) is None


# Metadata


def test_stat_tells_type_size_links_and_times(world: Path, guest: Any) -> None:
    os.utime(world / "file.txt", ns=(1_500_000_000, 2_000_000_001))
    os.link(world / "file.txt", world / "other")
    found = guest.open("file.txt").stat()
    assert found == guest.method("stat-at", NOTHING, "other")
    assert (found["type"], found["size"], found["link-count"]) == ("regular-file", 8, 2)
    assert found["data-access-timestamp"] == {"seconds": 1, "nanoseconds": 500_000_000}
    assert found["data-modification-timestamp"] == {"seconds": 2, "nanoseconds": 1}
    assert found["status-change-timestamp"]["seconds"] > 1_000_000_000


def test_stat_of_a_time_before_1970_is_the_epoch(world: Path, guest: Any) -> None:
    os.utime(world / "file.txt", ns=(-5, -5))
    assert guest.open("file.txt").stat()["data-access-timestamp"] == {"seconds": 0, "nanoseconds": 0}


def test_metadata_hash_and_is_same_object_tell_objects_apart(world: Path, guest: Any) -> None:
    os.link(world / "file.txt", world / "other")
    one, same, another = (guest.open(name) for name in ("file.txt", "other", "dir/inner.txt"))
    assert one.metadata_hash() == same.metadata_hash() == guest.method("metadata-hash-at", NOTHING, "other")
    assert one.metadata_hash() != another.metadata_hash()
    assert one.is_same_object(same) is True
    assert one.is_same_object(another) is False
    found = one.metadata_hash()
    assert all(0 <= found[half] < 1 << 64 for half in ("lower", "upper"))


def test_set_times_takes_every_new_timestamp(world: Path, guest: Any) -> None:
    os.utime(world / "file.txt", ns=(1, 2))
    opened = guest.open("file.txt", flags=("write",))
    opened.set_times(Variant("no-change"), Variant("timestamp", Record(seconds=7, nanoseconds=8)))
    assert os.stat(world / "file.txt").st_atime_ns == 1
    assert os.stat(world / "file.txt").st_mtime_ns == 7_000_000_008
    before = time.time_ns()
    opened.set_times(Variant("now"), Variant("no-change"))
    assert abs(os.stat(world / "file.txt").st_atime_ns - before) < 60_000_000_000
    assert os.stat(world / "file.txt").st_mtime_ns == 7_000_000_008
    guest.method("set-times-at", FOLLOW, "dir", {"seconds": 9, "nanoseconds": 0}, "no-change")
    assert os.stat(world / "dir").st_atime_ns == 9_000_000_000


def test_set_times_too_large_answers_overflow(guest: Any) -> None:
    opened = guest.open("file.txt", flags=("write",))
    far = Variant("timestamp", {"seconds": BIG, "nanoseconds": 0})
    assert guest.code("set-times", far, far, on=opened) == "overflow"
    assert guest.code("set-times-at", FOLLOW, "dir", far, far) == "overflow"


# Directories


def test_read_directory_lists_every_type_without_dots(world: Path, guest: Any) -> None:
    os.symlink("x", world / "link")
    os.mkfifo(world / "fifo")
    (world / ".hidden").write_bytes(b"")
    assert listing(guest) == {
        "file.txt": "regular-file",
        "dir": "directory",
        "link": "symbolic-link",
        "fifo": "fifo",
        ".hidden": "regular-file",
    }


def test_read_directory_streams_do_not_interfere(guest: Any) -> None:
    first, second = guest.root.read_directory(), guest.root.read_directory()
    names = {first.read_directory_entry()["name"], first.read_directory_entry()["name"]}
    assert names == {"file.txt", "dir"}
    assert {second.read_directory_entry()["name"], second.read_directory_entry()["name"]} == names
    assert first.read_directory_entry() is None
    first.drop()
    second.drop()


def test_read_directory_entry_with_a_name_that_is_not_utf8_answers_its_code(world: Path, guest: Any) -> None:
    try:
        os.close(os.open(os.fsencode(world / "dir/deep") + b"/\xff", os.O_CREAT | os.O_WRONLY))
    except OSError as error:
        pytest.skip(f"this file system takes UTF-8 names only: {error}")
    entries = guest.open("dir/deep").read_directory()
    with pytest.raises(Err) as caught:
        entries.read_directory_entry()
    assert caught.value.payload == "illegal-byte-sequence"
    assert entries.read_directory_entry() is None


def test_directories_are_created_and_removed(world: Path, guest: Any) -> None:
    guest.method("create-directory-at", "new")
    guest.method("create-directory-at", "new/inner/")
    assert listing(guest, "new") == {"inner": "directory"}
    assert guest.code("create-directory-at", "new") == "exist"
    assert guest.code("remove-directory-at", "new") == "not-empty"
    guest.method("remove-directory-at", "new/inner/")
    guest.method("remove-directory-at", "new")
    assert not (world / "new").exists()
    assert guest.code("remove-directory-at", "new") == "no-entry"
    assert guest.code("remove-directory-at", "file.txt") == "not-directory"
    assert guest.code("remove-directory-at", ".") in ("invalid", "busy")
    assert guest.code("remove-directory-at", "dir/.") == "invalid"


def test_files_are_unlinked(world: Path, guest: Any) -> None:
    assert guest.code("unlink-file-at", "dir") == "is-directory"
    assert guest.code("unlink-file-at", "dir/") == "is-directory"
    assert guest.code("unlink-file-at", "file.txt/") == "not-directory"
    assert guest.code("unlink-file-at", "missing") == "no-entry"
    guest.method("unlink-file-at", "file.txt")
    assert not (world / "file.txt").exists()


def test_rename_moves_and_replaces(world: Path, guest: Any) -> None:
    directory = guest.open("dir", "directory")
    guest.method("rename-at", "file.txt", directory, "inner.txt")
    assert (world / "dir" / "inner.txt").read_bytes() == b"contents"
    guest.method("rename-at", "dir/", guest.root, "renamed/")
    assert guest.read("renamed/inner.txt") == b"contents"
    assert guest.code("rename-at", "missing", guest.root, "x") == "no-entry"
    assert guest.code("rename-at", "renamed/inner.txt/", guest.root, "x") == "not-directory"
    assert guest.code("rename-at", "renamed/inner.txt", guest.root, "x/") == "not-directory"
    assert guest.code("rename-at", "renamed", guest.root, "renamed/deep/x") == "invalid"


def test_links_are_created_and_read(world: Path, guest: Any) -> None:
    guest.method("symlink-at", "dir/inner.txt", "link")
    assert guest.method("readlink-at", "link") == "dir/inner.txt"
    assert guest.read("link") == b"inner"
    guest.method("link-at", NOTHING, "file.txt", guest.open("dir"), "hard")
    assert os.path.samefile(world / "file.txt", world / "dir/hard")
    assert guest.code("link-at", NOTHING, "file.txt", guest.root, "link") == "exist"
    assert guest.code("link-at", NOTHING, "missing", guest.root, "x") == "no-entry"
    assert guest.code("link-at", NOTHING, "dir", guest.root, "x") == "not-permitted"
    assert guest.code("link-at", NOTHING, "file.txt/", guest.root, "x") == "not-directory"
    assert guest.code("link-at", NOTHING, "file.txt", guest.root, "x/") == "no-entry"
    assert guest.code("link-at", FOLLOW, "link", guest.root, "x") == "invalid"
    assert guest.code("readlink-at", "file.txt") == "invalid"


def test_symlink_texts_that_lead_out_at_once_are_refused(world: Path, guest: Any) -> None:
    assert guest.code("symlink-at", "/etc", "x") == "not-permitted"
    assert guest.code("symlink-at", "a\0b", "x") == "invalid"
    assert guest.code("symlink-at", "a", "x/") == "no-entry"
    assert guest.code("symlink-at", "", "x") == "no-entry"
    os.symlink("/etc", world / "absolute")
    assert guest.code("readlink-at", "absolute") == "not-permitted"
    os.symlink(b"\xff", os.fsencode(world / "bytes"))
    assert guest.code("readlink-at", "bytes") == "illegal-byte-sequence"


# Read-only


def snapshot(top: Path) -> dict[Path, tuple[int, ...]]:
    """All that a change would change. (Reading changes st_atime.)"""
    found = {path: path.lstat() for path in [top, *top.rglob("*")]}
    return {
        path: (s.st_mode, s.st_nlink, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path, s in found.items()
    }


MUTATIONS: list[tuple[str, Callable[[Any], tuple[Any, ...]]]] = [
    ("create-directory-at", lambda root: ("new",)),
    ("remove-directory-at", lambda root: ("dir/deep",)),
    ("unlink-file-at", lambda root: ("file.txt",)),
    ("rename-at", lambda root: ("file.txt", root, "new")),
    ("link-at", lambda root: (NOTHING, "file.txt", root, "new")),
    ("symlink-at", lambda root: ("file.txt", "new")),
    ("set-times", lambda root: ("now", "now")),
    ("set-times-at", lambda root: (FOLLOW, "file.txt", "now", "now")),
    ("open-at", lambda root: (FOLLOW, "file.txt", NOTHING, {"write"})),
    ("open-at", lambda root: (FOLLOW, "file.txt", NOTHING, {"read", "write"})),
    ("open-at", lambda root: (FOLLOW, "file.txt", {"truncate"}, {"read"})),
    ("open-at", lambda root: (FOLLOW, "file.txt", {"create"}, {"read"})),
    ("open-at", lambda root: (FOLLOW, "new", {"create", "exclusive"}, {"read"})),
    ("open-at", lambda root: (FOLLOW, "dir", {"directory"}, {"read", "mutate-directory"})),
]


@pytest.mark.parametrize(("name", "args"), MUTATIONS)
def test_read_only_preopen_refuses_every_mutation(
    world: Path, reader: Any, name: str, args: Callable[[Any], tuple[Any, ...]]
) -> None:
    before = snapshot(world)
    assert reader.code(name, *args(reader.root)) == "not-permitted"
    if name not in ("set-times", "open-at"):
        inner = reader.open("dir", "directory")
        assert reader.code(name, *args(inner), on=inner) == "not-permitted"
    assert snapshot(world) == before


def test_read_only_preopen_refuses_writing_to_its_files(reader: Any) -> None:
    opened = reader.open("file.txt")
    for name, args in [
        ("write", (b"x", 0)),
        ("set-size", (0,)),
        ("write-via-stream", (0,)),
        ("append-via-stream", ()),
        ("set-times", ("now", "now")),
    ]:
        assert reader.code(name, *args, on=opened) == "not-permitted"
    assert opened.get_flags() == {"read"}
    assert reader.open("dir").get_flags() == {"read"}


def test_read_only_preopen_is_no_target_of_another(world: Path, guest: Any, reader: Any) -> None:
    assert guest.code("rename-at", "file.txt", reader.root, "new") == "not-permitted"
    assert guest.code("link-at", NOTHING, "file.txt", reader.root, "new") == "not-permitted"
    assert reader.code("link-at", NOTHING, "file.txt", guest.root, "new") == "not-permitted"
    assert not (world / "new").exists()


def test_read_only_preopen_reads_everything(reader: Any) -> None:
    assert reader.read("dir/inner.txt") == b"inner"
    assert listing(reader) == {"file.txt": "regular-file", "dir": "directory"}
    assert reader.method("stat-at", FOLLOW, "dir")["type"] == "directory"


# What a guest does to the host


def test_created_files_have_no_special_modes(world: Path, guest: Any) -> None:
    guest.open("new", "create", flags=("write",))
    guest.method("create-directory-at", "fresh")
    assert stat.S_IMODE(os.stat(world / "new").st_mode) & 0o7111 == 0
    assert stat.S_IMODE(os.stat(world / "fresh").st_mode) & 0o7000 == 0


def test_write_without_permit_traps_and_writes_nothing(world: Path, guest: Any) -> None:
    stream = guest.open("file.txt", flags=("write",)).write_via_stream(0)
    with pytest.raises(Trap, match="write not permitted: 1 bytes where check-write permitted 0"):
        stream.write(b"x")
    assert (world / "file.txt").read_bytes() == b"contents"
