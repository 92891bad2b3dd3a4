"""What a `WasiCtx` opens, and what it refuses."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pywrt.canonical_abi.values import Err
from pywrt.wasi.preview2 import Preopen, WasiCtx, interfaces


def call(ctx: WasiCtx, interface: str, name: str, *args: Any) -> Any:
    function: Any = interfaces(ctx)[interface][name]
    return function(*args)


def test_context_is_closed_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_SECRET", "x")
    ctx = WasiCtx()
    assert call(ctx, "wasi:cli/environment", "get-environment") == []
    assert call(ctx, "wasi:cli/environment", "get-arguments") == []
    assert call(ctx, "wasi:cli/environment", "initial-cwd") is None
    assert call(ctx, "wasi:filesystem/preopens", "get-directories") == []


def test_context_inherits_when_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_NAME", "wärde")
    monkeypatch.setattr(sys, "argv", ["program", "--flag", "\udcff"])
    ctx = WasiCtx()
    ctx.inherit_env()
    ctx.inherit_argv()
    assert ("HOST_NAME", "wärde") in ctx.env
    assert ctx.args == ["program", "--flag", "\ufffd"]


def test_context_inherits_the_standard_descriptors(capfd: pytest.CaptureFixture[str]) -> None:
    ctx = WasiCtx()
    ctx.inherit_stdin()
    ctx.inherit_stdout()
    ctx.inherit_stderr()
    call(ctx, "wasi:cli/stdout", "get-stdout").blocking_write_and_flush(b"to stdout\n")
    call(ctx, "wasi:cli/stderr", "get-stderr").blocking_write_and_flush(b"to stderr\n")
    assert capfd.readouterr() == ("to stdout\n", "to stderr\n")


@pytest.mark.parametrize("env", [{"A": "1", "B": "2"}, [("A", "1"), ("B", "2")]])
def test_context_env_is_a_mapping_or_pairs(env: Any) -> None:
    assert WasiCtx(env=env).env == [("A", "1"), ("B", "2")]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"args": [b"x"]}, TypeError, "argument must be str, got bytes"),
        ({"args": ["a\0b"]}, ValueError, "argument must not contain NUL"),
        ({"env": [("A", 1)]}, TypeError, "value must be str, got int"),
        ({"env": {"A\0": ""}}, ValueError, "name must not contain NUL"),
        ({"stdin": "text"}, TypeError, "stdin must be bytes"),
        ({"stdout": "text"}, TypeError, "stdout must be a binary file"),
    ],
)
def test_context_of_wrong_values_raises(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        WasiCtx(**options)


def test_context_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts this process's descriptors in /proc/self/fd, which this platform lacks")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError, match="missing"):
        WasiCtx(preopens=[Preopen(tmp_path, "/a"), Preopen(tmp_path / "missing", "/b")])
    assert len(os.listdir("/proc/self/fd")) == before


def test_context_after_close_answers_bad_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)  # a closed directory must not become the working directory
    ctx = WasiCtx(preopens=[Preopen(tmp_path, "/")])
    root = call(ctx, "wasi:filesystem/preopens", "get-directories")[0][0]
    ctx.close()
    attempts: list[Any] = [
        lambda: root.open_at(set(), "file", set(), {"read"}),
        lambda: root.stat_at(set(), "file"),
        lambda: root.stat(),
        lambda: root.get_flags(),
        lambda: root.read_directory(),
        lambda: root.create_directory_at("new"),
        lambda: root.unlink_file_at("file"),
        lambda: root.rename_at("file", root, "new"),
        lambda: root.readlink_at("file"),
        lambda: root.set_times("now", "now"),
    ]
    for attempt in attempts:
        with pytest.raises(Err) as caught:
            attempt()
        assert caught.value.payload == "bad-descriptor"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_context_close_passes_on_what_a_pipe_could_not_take(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    ctx = WasiCtx(stdout=writing)
    stream = call(ctx, "wasi:cli/stdout", "get-stdout")
    size = 0
    while stream.check_write():  # until the pipe is full
        stream.write(b"x" * 8192)
        size += 8192
    got = len(os.read(reading, 8192))
    while got < size - 8192:
        got += len(os.read(reading, 8192))
    ctx.close()
    while got < size:
        got += len(os.read(reading, 8192))
    assert got == size


def test_context_close_closes_what_the_guest_left_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with WasiCtx(preopens=[Preopen(tmp_path, "/")]) as ctx:
        root = call(ctx, "wasi:filesystem/preopens", "get-directories")[0][0]
        opened = root.open_at(set(), "file", set(), {"read"})
        stream = opened.read_via_stream(0)
        assert ctx.files.count == 2
    assert ctx.files.count == 0
    stream.drop()
    opened.drop()
    root.drop()
    assert ctx.files.count == 0
