"""A guest's view of a preopened directory, called as the component layer calls it."""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pywrt.canonical_abi.values import Err
from pywrt.engine.machine import Blocked
from pywrt.wasi.preview2 import Preopen, WasiCtx, interfaces
from pywrt.wasi.preview2.filesystem import Descriptor

FOLLOW = {"symlink-follow"}


class Guest:
    """Functions of wasi:filesystem on the preopened directory `root`, answering ("err", code) for errors."""

    def __init__(self, ctx: WasiCtx) -> None:
        self.ctx = ctx
        self.tables = interfaces(ctx)
        get_directories: Any = self.tables["wasi:filesystem/preopens"]["get-directories"]
        self.roots: list[tuple[Descriptor, str]] = get_directories()

    @property
    def root(self) -> Descriptor:
        return self.roots[0][0]

    def method(self, name: str, *args: Any, on: Descriptor | None = None) -> Any:
        function: Any = self.tables["wasi:filesystem/types"][f"[method]descriptor.{name}"]
        return function(self.root if on is None else on, *args)

    def code(self, name: str, *args: Any, on: Descriptor | None = None) -> Any:
        """The error-code that a method answers; fails if it succeeds."""
        with pytest.raises(Err) as caught:
            self.method(name, *args, on=on)
        return caught.value.payload

    def open(
        self, path: str, *open_flags: str, flags: tuple[str, ...] = ("read",), follow: bool = True
    ) -> Descriptor:
        opened = self.method("open-at", FOLLOW if follow else set(), path, set(open_flags), set(flags))
        assert isinstance(opened, Descriptor)
        return opened

    def read(self, path: str) -> bytes:
        opened = self.open(path)
        data: bytes = opened.read(1 << 62, 0)[0]
        opened.drop()
        return data


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A directory `box` to preopen, beside an `outside` that must not be reached."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_bytes(b"secret")
    box = tmp_path / "box"
    (box / "dir" / "deep").mkdir(parents=True)
    (box / "file.txt").write_bytes(b"contents")
    (box / "dir" / "inner.txt").write_bytes(b"inner")
    return box


@pytest.fixture
def guest(world: Path) -> Iterator[Guest]:
    with WasiCtx(preopens=[Preopen(world, "/box")]) as ctx:
        yield Guest(ctx)
    assert ctx.files.count == 0


@pytest.fixture
def reader(world: Path) -> Iterator[Guest]:
    """The same directory, read-only."""
    with WasiCtx(preopens=[Preopen(world, "/box", read_only=True)]) as ctx:
        yield Guest(ctx)


@pytest.fixture
def drive() -> Callable[..., Any]:
    """Call a host function as the machine does, waiting for real where it blocks."""

    def run(function: Callable[..., Any], *args: Any, waits: int = 1000) -> Any:
        answer = function(*args)
        for _ in range(waits):
            if not isinstance(answer, Blocked):
                return answer
            watched = [] if answer.fileno is None else [answer.fileno]
            select.select(watched, [], [], min(answer.timeout or 0, 1))
            answer = answer.retry()
        raise AssertionError("still blocked")

    return run


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass  # the test closed it
