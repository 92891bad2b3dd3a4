"""What an embedder may give as standard streams."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.canonical_abi.values import Err, Variant
from pywrt.engine.machine import Blocked
from pywrt.wasi.preview2.io import WRITE_CAPACITY, InputStream, OutputStream
from pywrt.wasi.preview2.stdio import is_terminal, sink_of, source_of

Drive = Callable[..., Any]


def read_all(stream: InputStream, drive: Drive) -> bytes:
    """What comes until the stream is closed."""
    chunks = []
    with pytest.raises(Err) as caught:
        chunks.extend(iter(lambda: drive(stream.blocking_read, 7), None))
    assert caught.value.payload == Variant("closed")
    return b"".join(chunks)


def test_source_of_bytes_files_and_descriptors_read_the_same(tmp_path: Path, drive: Drive) -> None:
    path = tmp_path / "input"
    data = bytes(range(256)) * 5
    path.write_bytes(data)
    with open(path, "rb") as buffered, open(path, "rb", buffering=0) as raw, open(path, "rb") as third:
        for given in (
            data,
            bytearray(data),
            memoryview(data),
            io.BytesIO(data),
            buffered,
            raw,
            third.fileno(),
        ):
            assert read_all(InputStream(source_of(given)), drive) == data
    assert read_all(InputStream(source_of(None)), drive) == b""


def test_source_of_a_file_goes_on_where_the_embedder_stopped(tmp_path: Path, drive: Drive) -> None:
    (tmp_path / "input").write_bytes(b"first\nsecond\n")
    with open(tmp_path / "input", "rb") as file:
        file.readline()
        assert read_all(InputStream(source_of(file)), drive) == b"second\n"


def test_source_streams_share_one_position() -> None:
    source = source_of(b"abcd")
    first, second = InputStream(source), InputStream(source)
    assert first.read(2) == b"ab"
    first.drop()
    assert second.read(2) == b"cd"


@pytest.mark.parametrize("given", ["text", io.StringIO("text"), True, 1.5, object()])
def test_source_of_anything_else_raises_type_error(given: Any) -> None:
    with pytest.raises(TypeError, match="stdin must be bytes, a binary file, a descriptor or None, got"):
        source_of(given)


def test_source_of_a_closed_file_fails_for_the_guest() -> None:
    file = io.BytesIO(b"x")
    stream = InputStream(source_of(file))
    file.close()
    with pytest.raises(Err) as caught:
        stream.read(1)
    assert caught.value.payload.tag == "last-operation-failed"


def test_source_of_a_pipe_never_waits_in_the_host(pipe: tuple[int, int], drive: Drive) -> None:
    reading, writing = pipe
    stream = InputStream(source_of(reading))
    assert stream.read(10) == b""
    assert stream.subscribe().ready() is False
    answer = stream.blocking_read(10)
    assert isinstance(answer, Blocked)
    assert answer.fileno == reading
    os.write(writing, b"hello")
    assert answer.retry() == b"hello"
    assert isinstance(stream.blocking_read(1), Blocked)
    os.close(writing)
    assert read_all(stream, drive) == b""
    assert os.get_blocking(reading) is True


def test_source_of_a_file_object_on_a_pipe_never_waits_in_the_host(pipe: tuple[int, int]) -> None:
    with open(pipe[0], "rb", closefd=False) as file:
        stream = InputStream(source_of(file))
        assert isinstance(stream.blocking_read(10), Blocked)
        os.write(pipe[1], b"hello")
        assert stream.blocking_read(10) == b"hello"


# Sinks


def written(stream: OutputStream, data: bytes) -> None:
    assert stream.check_write() == WRITE_CAPACITY
    stream.write(data)
    stream.flush()
    assert stream.blocking_flush() is None


def test_sink_of_files_functions_and_descriptors_get_the_same(tmp_path: Path) -> None:
    buffer, calls = io.BytesIO(), list[bytes]()
    with (
        open(tmp_path / "buffered", "wb") as buffered,
        open(tmp_path / "raw", "wb", buffering=0) as raw,
        open(tmp_path / "fd", "wb") as third,
    ):
        for given in (buffer, calls.append, buffered, raw, third.fileno(), None):
            stream = OutputStream(sink_of(given, "stdout"))
            written(stream, b"one ")
            written(stream, b"two")
            stream.drop()
        assert (tmp_path / "buffered").read_bytes() == b"one two"  # flushed, not only when it is closed
    assert buffer.getvalue() == b"".join(calls) == b"one two"
    assert (tmp_path / "raw").read_bytes() == (tmp_path / "fd").read_bytes() == b"one two"
    assert calls == [b"one ", b"two"]


class Writer:
    """An embedder's object with `write` alone, which takes at most `most` bytes and may not say how many."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.data = b""

    def write(self, data: bytes) -> int | None:
        assert type(data) is bytes
        taken = data[: self.most]
        self.data += taken
        return None if self.most is None else len(taken)


@pytest.mark.parametrize("most", [None, 1, 3])
def test_sink_of_an_object_that_writes_in_parts_gets_everything(most: int | None) -> None:
    writer = Writer(most)
    written(OutputStream(sink_of(writer, "stdout")), b"abcdefgh")
    assert writer.data == b"abcdefgh"


@pytest.mark.parametrize("given", ["text", io.StringIO(), True, 1.5, object()])
def test_sink_of_anything_else_raises_type_error(given: Any) -> None:
    with pytest.raises(TypeError, match="stderr must be a binary file, a function of bytes"):
        sink_of(given, "stderr")


def test_sink_of_a_closed_file_fails_for_the_guest() -> None:
    file = io.BytesIO()
    stream = OutputStream(sink_of(file, "stdout"))
    stream.check_write()
    file.close()
    with pytest.raises(Err) as caught:
        stream.write(b"x")
    assert caught.value.payload.tag == "last-operation-failed"


def test_sink_of_a_function_that_raises_os_error_fails_for_the_guest() -> None:
    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(Err) as caught:
        OutputStream(sink_of(full, "stdout")).blocking_write_and_flush(b"x")
    assert caught.value.payload.tag == "last-operation-failed"


def test_sink_of_a_full_pipe_never_waits_in_the_host(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    stream = OutputStream(sink_of(writing, "stdout"))
    data = bytes(range(256)) * 1024  # 256 KiB: more than a pipe holds
    stream.check_write()
    stream.write(data)
    assert stream.check_write() == 0
    assert stream.subscribe().ready() is False
    answer = stream.blocking_flush()
    assert isinstance(answer, Blocked)
    assert isinstance(stream.blocking_write_and_flush(b"more"), Blocked)
    got = bytearray()
    while isinstance(answer, Blocked):
        got += os.read(reading, 65536)
        answer = answer.retry()
    while len(got) < len(data):
        got += os.read(reading, 65536)
    assert stream.blocking_write_and_flush(b"end") is None
    got += os.read(reading, 65536)
    assert got == data + b"end"
    assert os.get_blocking(writing) is True


def test_sink_of_a_pipe_that_nobody_reads_any_more_fails_for_the_guest(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    stream = OutputStream(sink_of(writing, "stdout"))
    os.close(reading)
    with pytest.raises(Err) as caught:
        stream.blocking_write_and_flush(b"x")
    assert caught.value.payload.tag == "last-operation-failed"
    assert caught.value.payload.payload.to_debug_string().startswith("BrokenPipeError: ")


# Terminals


def test_is_terminal_only_of_a_terminal(tmp_path: Path, pipe: tuple[int, int]) -> None:
    with open(tmp_path / "file", "wb") as file:
        for given in (None, b"", io.BytesIO(), file, file.fileno(), pipe[0], print):
            assert is_terminal(given) is False
    try:
        controller, terminal = os.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal can be had here: {error}")
    try:
        assert is_terminal(terminal) is True
        with open(terminal, "rb", buffering=0, closefd=False) as file:
            assert is_terminal(file) is True
    finally:
        os.close(controller)
        os.close(terminal)
