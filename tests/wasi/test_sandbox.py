"""No path leaves a preopened directory."""

import contextlib
import errno
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.canonical_abi.values import Err
from pywrt.wasi.preview2 import Preopen, WasiCtx
from pywrt.wasi.preview2.sandbox import MAX_DEPTH, MAX_LINKS, OpenFiles, Walk, error_code

NOTHING: frozenset[str] = frozenset()
FOLLOW = frozenset({"symlink-follow"})

#: (path, error-code of stat-at and open-at, following links)
ESCAPES = [
    ("..", "not-permitted"),
    ("../", "not-permitted"),
    ("../outside/secret.txt", "not-permitted"),
    ("./../outside", "not-permitted"),
    ("dir/../..", "not-permitted"),
    ("dir/../../outside/secret.txt", "not-permitted"),
    ("dir/deep/../../../outside", "not-permitted"),
    ("dir//..//..//outside", "not-permitted"),
    ("/", "not-permitted"),
    ("/etc/passwd", "not-permitted"),
    ("//etc/passwd", "not-permitted"),
    ("to-root", "not-permitted"),
    ("to-root/etc/passwd", "not-permitted"),
    ("to-parent", "not-permitted"),
    ("to-parent/outside/secret.txt", "not-permitted"),
    ("to-secret", "not-permitted"),
    ("to-secret-absolute", "not-permitted"),
    ("chain-1", "not-permitted"),
    ("chain-1/secret.txt", "not-permitted"),
    ("dir/up-two", "not-permitted"),
    ("loop-a", "loop"),
    ("loop-a/x", "loop"),
    ("self", "loop"),
    ("", "no-entry"),
    ("nul\0byte", "invalid"),
    ("file.txt\0/../../outside", "invalid"),
    ("file.txt/", "not-directory"),
    ("file.txt/.", "not-directory"),
    ("file.txt/..", "not-directory"),
    ("file.txt/x", "not-directory"),
    ("missing/..", "no-entry"),
    ("missing", "no-entry"),
    ("dangling", "no-entry"),
    ("n" * 256, "name-too-long"),
    ("x/" * 2049, "name-too-long"),
]


@pytest.fixture
def links(world: Path) -> Path:
    """Symbolic links that lead out, round, and nowhere."""
    outside = world.parent / "outside"
    for name, target in {
        "to-root": "/",
        "to-parent": "..",
        "to-secret": "../outside/secret.txt",
        "to-secret-absolute": str(outside / "secret.txt"),
        "chain-1": "chain-2",
        "chain-2": "dir/chain-3",
        "dir/chain-3": "../to-outside",
        "to-outside": "../outside",
        "dir/up-two": "../../outside/secret.txt",
        "loop-a": "loop-b",
        "loop-b": "loop-a",
        "self": "self",
        "dangling": "nothing-here",
        "to-absolute-inside": str(world / "file.txt"),
        "to-file": "file.txt",
        "to-dir": "dir/",
        "dir/up": "..",
    }.items():
        os.symlink(target, world / name)
    return world


@pytest.mark.parametrize(("path", "code"), ESCAPES)
def test_walk_of_a_bad_path_answers_its_code(links: Path, guest: Any, path: str, code: str) -> None:
    assert guest.code("stat-at", FOLLOW, path) == code
    assert guest.code("open-at", FOLLOW, path, NOTHING, {"read"}) == code
    assert guest.code("metadata-hash-at", FOLLOW, path) == code
    assert guest.ctx.files.count == 1  # only the preopened directory is open


@pytest.mark.parametrize(
    "path",
    [path for path, code in ESCAPES if code == "not-permitted" and path not in ("to-root", "to-parent")],
)
def test_create_through_an_escaping_path_creates_nothing(links: Path, guest: Any, path: str) -> None:
    before = set(world_listing(links.parent))
    for follow in (FOLLOW, NOTHING):
        with contextlib.suppress(Err):  # `..x` is a name like any other
            guest.method("open-at", follow, path + "x", {"create"}, {"read", "write"})
    after = set(world_listing(links.parent)) - before
    assert all(Path(name).is_relative_to(links) for name in after)
    assert (links.parent / "outside" / "secret.txt").read_bytes() == b"secret"


def world_listing(top: Path) -> list[str]:
    return [os.path.join(where, name) for where, dirs, files in os.walk(top) for name in dirs + files]


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("file.txt", "file.txt"),
        ("./file.txt", "file.txt"),
        ("dir/../file.txt", "file.txt"),
        ("dir/deep/../../file.txt", "file.txt"),
        ("dir/./deep/.././inner.txt", "dir/inner.txt"),
        ("to-file", "file.txt"),
        ("to-dir/inner.txt", "dir/inner.txt"),
        ("dir/up/file.txt", "file.txt"),
        ("to-dir/up/to-dir/inner.txt", "dir/inner.txt"),
        (".", "."),
        ("dir/..", "."),
        ("dir/up/", "."),
        ("to-dir/", "dir"),
    ],
)
def test_walk_of_a_path_that_stays_inside_finds_it(links: Path, guest: Any, path: str, inside: str) -> None:
    found = guest.method("metadata-hash-at", FOLLOW, path)
    assert found == guest.method("metadata-hash-at", FOLLOW, inside)
    expected = os.stat(links / inside)
    assert guest.method("stat-at", FOLLOW, path)["size"] == expected.st_size
    opened = guest.open(path)
    assert opened.metadata_hash() == found


def test_walk_from_a_subdirectory_cannot_reach_its_parent(links: Path, guest: Any) -> None:
    directory = guest.open("dir", "directory")
    assert guest.code("stat-at", FOLLOW, "..", on=directory) == "not-permitted"
    assert guest.code("stat-at", FOLLOW, "up/file.txt", on=directory) == "not-permitted"
    assert guest.method("stat-at", FOLLOW, "inner.txt", on=directory)["size"] == 5


def test_walk_without_follow_means_the_link(links: Path, guest: Any) -> None:
    assert guest.method("stat-at", NOTHING, "to-root")["type"] == "symbolic-link"
    assert guest.code("open-at", NOTHING, "to-file", NOTHING, {"read"}) == "loop"
    assert guest.code("open-at", NOTHING, "to-root", {"directory"}, {"read"}) in ("loop", "not-directory")
    # A slash asks for what is behind the link, by the same rules.
    assert guest.method("stat-at", NOTHING, "to-dir/")["type"] == "directory"
    assert guest.code("stat-at", NOTHING, "to-root/") == "not-permitted"


def test_walk_follows_a_bounded_number_of_links(world: Path, guest: Any) -> None:
    os.symlink("file.txt", world / "link-0")
    for index in range(1, MAX_LINKS + 1):
        os.symlink(f"link-{index - 1}", world / f"link-{index}")
    assert guest.read(f"link-{MAX_LINKS - 1}") == b"contents"
    assert guest.code("stat-at", FOLLOW, f"link-{MAX_LINKS}") == "loop"


def test_walk_that_multiplies_links_ends(world: Path, guest: Any) -> None:
    os.symlink("/".join(["x1"] * 100), world / "x0")
    os.symlink("/".join(["x2"] * 100), world / "x1")
    os.symlink(".", world / "x2")
    assert guest.code("stat-at", FOLLOW, "x0") == "loop"


def test_walk_deeper_than_the_bound_answers_name_too_long(world: Path, guest: Any) -> None:
    directory = os.open(world, os.O_RDONLY)
    for _ in range(MAX_DEPTH + 1):
        os.mkdir("d", dir_fd=directory)
        inner = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = inner
    os.close(directory)
    assert guest.method("stat-at", FOLLOW, "d/" * MAX_DEPTH)["type"] == "directory"
    assert guest.code("stat-at", FOLLOW, "d/" * (MAX_DEPTH + 1)) == "name-too-long"
    # From a directory on the way it goes on.
    middle = guest.open("d/" * 100)
    assert guest.method("stat-at", FOLLOW, "d/" * 29, on=middle)["type"] == "directory"


def test_walk_closes_its_descriptors(world: Path, guest: Any) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    if before is None:
        pytest.skip("counts this process's descriptors in /proc/self/fd, which this platform lacks")
    for path in ("dir/deep/../deep/missing", "dir/deep/..", "dir/../..", "dir/deep/x/y"):
        guest.code("open-at", FOLLOW, path + "/z", NOTHING, {"read"})
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("link", ["to-parent", "to-outside", "chain-1"])
def test_mutations_through_an_escaping_link_are_refused(links: Path, guest: Any, link: str) -> None:
    root = guest.root
    attempts: list[tuple[str, tuple[Any, ...]]] = [
        ("create-directory-at", (f"{link}/new",)),
        ("remove-directory-at", (f"{link}/outside",)),
        ("unlink-file-at", (f"{link}/secret.txt",)),
        ("rename-at", ("file.txt", root, f"{link}/stolen")),
        ("rename-at", (f"{link}/secret.txt", root, "stolen")),
        ("link-at", (NOTHING, f"{link}/secret.txt", root, "stolen")),
        ("link-at", (NOTHING, "file.txt", root, f"{link}/stolen")),
        ("symlink-at", ("x", f"{link}/new")),
        ("readlink-at", (f"{link}/x",)),
        ("set-times-at", (FOLLOW, f"{link}/secret.txt", ("now", None), ("now", None))),
    ]
    before = sorted(world_listing(links.parent))
    for name, args in attempts:
        assert guest.code(name, *args) == "not-permitted", name
    assert sorted(world_listing(links.parent)) == before


def test_mutations_of_a_link_change_the_link_only(links: Path, guest: Any) -> None:
    guest.method("rename-at", "to-secret", guest.root, "moved")
    assert os.readlink(links / "moved") == "../outside/secret.txt"
    guest.method("unlink-file-at", "moved")
    guest.method("link-at", NOTHING, "to-root", guest.root, "linked")
    assert os.readlink(links / "linked") == "/"
    guest.method("set-times-at", NOTHING, "to-parent", ("timestamp", {"seconds": 5, "nanoseconds": 0}), "now")
    assert os.lstat(links / "to-parent").st_atime == 5
    assert guest.code("remove-directory-at", "to-parent") == "not-directory"
    assert guest.code("create-directory-at", "to-root") == "exist"
    assert (links.parent / "outside" / "secret.txt").read_bytes() == b"secret"


def test_create_through_a_dangling_link_creates_its_target_inside(links: Path, guest: Any) -> None:
    os.symlink("../outside/new", links / "dangling-out")
    assert guest.code("open-at", FOLLOW, "dangling-out", {"create"}, {"write"}) == "not-permitted"
    assert guest.code("open-at", NOTHING, "dangling", {"create"}, {"write"}) == "loop"
    assert guest.code("open-at", FOLLOW, "dangling", {"create", "exclusive"}, {"write"}) == "exist"
    guest.open("dangling", "create", flags=("write",))
    assert (links / "nothing-here").exists()


def swap_for_link(path: Path, target: str) -> None:
    path.rename(path.with_name(path.name + "-was"))
    os.symlink(target, path)


@pytest.mark.parametrize("target", ["/etc", "../outside", ".."])
def test_open_directory_replaced_by_a_link_stays_the_directory(world: Path, guest: Any, target: str) -> None:
    directory = guest.open("dir", "directory")
    swap_for_link(world / "dir", target)
    assert guest.method("stat-at", NOTHING, "inner.txt", on=directory)["size"] == 5
    assert guest.code("stat-at", FOLLOW, "dir/secret.txt") == "not-permitted"


@pytest.mark.parametrize("step", ["before-open", "before-last"])
def test_race_that_swaps_a_component_for_a_link_does_not_escape(
    world: Path, guest: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Replace a component by a link right before the system call that uses it."""
    real_open, real_readlink = os.open, os.readlink
    done: list[str] = []

    def swap(name: bytes, moment: str) -> None:
        if moment == step and not done:
            victim = {"before-open": b"dir", "before-last": b"file.txt"}[step]
            if name == victim:
                done.append(moment)
                swap_for_link(world / os.fsdecode(name), "../outside/secret.txt")

    def racing_open(path: Any, *args: Any, **kwargs: Any) -> int:
        swap(path, "before-open")
        return real_open(path, *args, **kwargs)

    def racing_readlink(path: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return real_readlink(path, *args, **kwargs)
        finally:
            swap(path, "before-last")  # after the walk saw a plain file, before it is opened

    monkeypatch.setattr(os, "open", racing_open)
    monkeypatch.setattr(os, "readlink", racing_readlink)
    path = "dir/inner.txt" if step == "before-open" else "file.txt"
    code = guest.code("open-at", FOLLOW, path, {"create", "truncate"}, {"read", "write"})
    assert done == [step]
    assert code == ("not-permitted" if step == "before-open" else "loop")
    assert (world.parent / "outside" / "secret.txt").read_bytes() == b"secret"


def test_race_that_moves_the_directory_out_does_not_let_dotdot_follow(
    world: Path, guest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = os.open

    def racing_open(path: Any, *args: Any, **kwargs: Any) -> int:
        fd = real_open(path, *args, **kwargs)
        if path == b"deep":
            os.rename(world / "dir" / "deep", world.parent / "outside" / "deep")
        return fd

    monkeypatch.setattr(os, "open", racing_open)
    # `..` of the moved directory is now `outside`; the walk goes back to `dir`.
    assert guest.code("stat-at", FOLLOW, "dir/deep/../secret.txt") == "no-entry"


def test_walk_gives_names_that_are_one_component(links: Path) -> None:
    base = os.open(links, os.O_RDONLY)
    try:
        for path in ("dir/deep/../..", "dir/up", "to-dir/up/.", "dir/deep", "./file.txt"):
            with Walk(base, path, follow=True) as place:
                assert b"/" not in place.name
                assert place.name != b".."
    finally:
        os.close(base)


def test_open_files_past_the_limit_answer_insufficient_memory(
    world: Path, make_guest: Callable[..., Any]
) -> None:
    guest = make_guest(max_open_files=3)
    first = guest.open("file.txt")
    listing = guest.root.read_directory()
    assert guest.code("open-at", FOLLOW, "file.txt", NOTHING, {"read"}) == "insufficient-memory"
    assert guest.code("read-directory") == "insufficient-memory"
    listing.drop()
    first.drop()
    guest.open("file.txt")


@pytest.fixture
def make_guest(world: Path, guest: Any) -> Callable[..., Any]:
    def make(**options: Any) -> Any:
        return type(guest)(WasiCtx(preopens=[Preopen(world, "/box")], **options))

    return make


def test_open_file_forgotten_without_drop_is_closed(guest: Any) -> None:
    opened = guest.open("file.txt")
    fd = opened._file.fd
    del opened
    gc.collect()
    assert guest.ctx.files.count == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_open_file_after_close_answers_bad_descriptor(world: Path) -> None:
    files = OpenFiles(10)
    opened = files.open(os.fsencode(world), os.O_RDONLY)
    files.close()
    opened.close()
    assert files.count == 0
    with pytest.raises(OSError, match="Bad file descriptor"):
        opened.retain()


def test_error_code_of_unknown_errno_is_io() -> None:
    assert error_code(OSError(errno.ENOENT, "")) == "no-entry"
    assert error_code(OSError(errno.EXDEV, "")) == "cross-device"
    assert error_code(OSError(99999, "")) == "io"
    assert error_code(OSError("no number")) == "io"
