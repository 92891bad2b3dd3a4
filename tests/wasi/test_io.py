"""wasi:io: pollables, and the states of streams over sources and sinks that a test controls."""

import errno
from collections.abc import Callable
from typing import Any

import pytest

from pywrt.canonical_abi.values import Err, Variant
from pywrt.engine.machine import Blocked
from pywrt.errors import Trap
from pywrt.wasi.preview2.clocks import Deadline
from pywrt.wasi.preview2.io import (
    INTERFACES,
    MAX_POLLABLES,
    MAX_READ,
    WRITE_CAPACITY,
    Hint,
    InputStream,
    IoError,
    OutputStream,
    Pollable,
    poll,
)
from pywrt.wasi.preview2.stdio import BytesSource

BIG = (1 << 64) - 1


class Switch(Pollable):
    """Ready when a test says so."""

    def __init__(self, ready: bool = False, hint: Hint = (None, None)) -> None:
        self.on = ready
        self._hint = hint

    def ready(self) -> bool:
        return self.on

    def hint(self) -> Hint:
        return self._hint


class Script:
    """A source that answers what a test has listed: bytes, b"" for nothing yet, None, or an error."""

    def __init__(self, *answers: bytes | OSError | None) -> None:
        self.answers = list(answers)
        self.sizes: list[int] = []
        self.closed = False

    def take(self, size: int) -> bytes | None:
        self.sizes.append(size)
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def ready(self) -> bool:
        if self.answers and self.answers[0] == b"":
            self.answers.pop(0)
            return False
        return True

    def hint(self) -> Hint:
        return 0.25, 7

    def close(self) -> None:
        self.closed = True


class Tank:
    """A sink of limited room that drains when a test says so."""

    def __init__(self, size: int = 10) -> None:
        self.size = size
        self.held = b""
        self.passed = b""
        self.error: OSError | None = None
        self.closed = False

    def room(self) -> int:
        self._check()
        return self.size - len(self.held)

    def put(self, data: bytes) -> None:
        self._check()
        self.held += data

    def pump(self) -> bool:
        self._check()
        return not self.held

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    def drain(self) -> None:
        self.passed += self.held
        self.held = b""

    def hint(self) -> Hint:
        return 0.5, None

    def close(self) -> None:
        self.closed = True


def payload(function: Callable[..., Any], *args: Any) -> Variant:
    with pytest.raises(Err) as caught:
        function(*args)
    assert isinstance(caught.value.payload, Variant)
    return caught.value.payload


# poll


def test_poll_of_nothing_traps() -> None:
    with pytest.raises(Trap, match="empty poll list"):
        poll([])


def test_poll_of_too_many_traps() -> None:
    with pytest.raises(Trap, match=f"poll list of {MAX_POLLABLES + 1} pollables, the limit is"):
        poll([Pollable()] * (MAX_POLLABLES + 1))
    assert poll([Pollable()] * MAX_POLLABLES) == list(range(MAX_POLLABLES))


def test_poll_gives_the_indexes_of_all_that_are_ready() -> None:
    on, off = Switch(True), Switch(False)
    assert poll([off, on, off, on, on]) == [1, 3, 4]


def test_poll_of_the_same_pollable_twice_gives_both_indexes() -> None:
    switch = Switch(True)
    assert poll([switch, switch]) == [0, 1]


def test_poll_blocks_until_one_is_ready() -> None:
    switches = [Switch(), Switch()]
    answer = poll(switches)
    assert isinstance(answer, Blocked)
    assert isinstance(answer.retry(), Blocked)
    switches[1].on = True
    assert answer.retry() == [1]


def test_poll_waits_for_the_earliest_time_and_the_descriptor() -> None:
    answer = poll([Switch(hint=(3.0, None)), Switch(hint=(2.0, 5)), Switch(hint=(None, None))])
    assert isinstance(answer, Blocked)
    assert (answer.timeout, answer.fileno) == (2.0, 5)


def test_poll_of_two_descriptors_looks_again_soon() -> None:
    answer = poll([Switch(hint=(None, 4)), Switch(hint=(None, 5))])
    assert isinstance(answer, Blocked)
    assert answer.fileno in (4, 5)
    assert answer.timeout is not None
    assert answer.timeout <= 0.05


@pytest.mark.parametrize("hint", [(None, None), (1e300, None), (float(BIG), None)])
def test_poll_never_waits_longer_than_a_system_call_can(hint: Hint) -> None:
    answer = poll([Switch(hint=hint)])
    assert isinstance(answer, Blocked)
    assert answer.timeout is not None
    assert 0 < answer.timeout <= 3600


def test_poll_with_a_fake_clock_is_ready_at_the_instant() -> None:
    now = [100]
    deadlines = [Deadline(lambda: now[0], 150), Deadline(lambda: now[0], 120)]
    answer = poll(deadlines)
    assert isinstance(answer, Blocked)
    assert answer.timeout == pytest.approx(20e-9)
    now[0] = 119
    answer = answer.retry()
    assert isinstance(answer, Blocked)
    now[0] = 120
    assert answer.retry() == [1]
    now[0] = 1000
    assert poll(deadlines) == [0, 1]


def test_pollable_block_and_ready() -> None:
    switch = Switch(hint=(1.5, None))
    table = INTERFACES["wasi:io/poll"]
    ready: Any = table["[method]pollable.ready"]
    block: Any = table["[method]pollable.block"]
    assert ready(switch) is False
    answer = block(switch)
    assert isinstance(answer, Blocked)
    assert answer.timeout == 1.5
    switch.on = True
    assert ready(switch) is True
    assert answer.retry() is None
    assert block(switch) is None


# Input streams


def test_input_stream_read_gives_at_most_what_is_asked() -> None:
    stream = InputStream(BytesSource(b"abcdef"))
    assert stream.read(2) == b"ab"
    assert stream.read(0) == b""
    assert stream.blocking_read(3) == b"cde"
    assert stream.read(BIG) == b"f"
    assert payload(stream.read, 1) == Variant("closed")
    assert payload(stream.read, 0) == Variant("closed")
    assert payload(stream.blocking_read, 1) == Variant("closed")
    assert payload(stream.skip, 1) == Variant("closed")


def test_input_stream_read_of_a_huge_length_asks_for_little() -> None:
    source = Script(b"x", b"y")
    stream = InputStream(source)
    assert stream.read(BIG) == b"x"
    assert stream.skip(BIG) == 1
    assert source.sizes == [MAX_READ, MAX_READ]


def test_input_stream_read_without_data_is_empty_not_closed() -> None:
    source = Script(b"x")
    source.take = lambda size: b""  # type: ignore[method-assign]
    stream = InputStream(source)
    assert stream.read(5) == b""
    assert stream.skip(5) == 0


@pytest.mark.parametrize("name", ["blocking_read", "blocking_skip"])
def test_input_stream_blocking_waits_for_the_source(name: str) -> None:
    stream = InputStream(Script(b"", b"", b"data"))
    answer = getattr(stream, name)(10)
    assert isinstance(answer, Blocked)
    assert (answer.timeout, answer.fileno) == (0.25, 7)
    answer = answer.retry()
    assert isinstance(answer, Blocked)
    assert answer.retry() == (b"data" if name == "blocking_read" else 4)


def test_input_stream_blocking_read_that_finds_nothing_waits_on() -> None:
    source = Script(b"first", b"x")
    source.answers[0] = b"first"
    stream = InputStream(source)
    source.ready = lambda: True  # type: ignore[method-assign]  # says so wrongly, as a pipe may
    source.answers = [b"", b"late"]
    answer = stream.blocking_read(10)
    assert isinstance(answer, Blocked)
    assert answer.retry() == b"late"


def test_input_stream_failure_is_told_once_then_it_is_closed() -> None:
    stream = InputStream(Script(OSError(errno.EIO, "Input/output error", "/host/path")))
    told = payload(stream.read, 1)
    assert told.tag == "last-operation-failed"
    assert isinstance(told.payload, IoError)
    text = told.payload.to_debug_string()
    assert "Input/output error" in text
    assert "/host/path" not in text
    assert payload(stream.read, 1) == Variant("closed")
    assert stream.subscribe().ready() is True


def test_input_stream_subscribe_follows_the_source() -> None:
    stream = InputStream(Script(b"", b"x"))
    pollable = stream.subscribe()
    assert pollable.ready() is False
    assert pollable.hint() == (0.25, 7)
    assert pollable.ready() is True


def test_stream_drop_closes_source_and_sink() -> None:
    source, sink = Script(), Tank()
    InputStream(source).drop()
    OutputStream(sink).drop()
    assert source.closed
    assert sink.closed


# Output streams


def test_output_stream_write_uses_up_the_permit() -> None:
    sink = Tank(10)
    stream = OutputStream(sink)
    assert stream.check_write() == 10
    stream.write(b"abc")
    stream.write(b"defg")
    with pytest.raises(Trap, match="write not permitted: 4 bytes where check-write permitted 3"):
        stream.write(b"hijk")
    assert sink.held == b"abcdefg"


def test_output_stream_write_without_check_write_traps() -> None:
    with pytest.raises(Trap, match="write not permitted: 1 bytes"):
        OutputStream(Tank()).write(b"x")
    OutputStream(Tank()).write(b"")


def test_output_stream_write_zeroes_of_a_huge_length_traps() -> None:
    stream = OutputStream(Tank(4))
    stream.check_write()
    with pytest.raises(Trap, match=f"write not permitted: {BIG} bytes"):
        stream.write_zeroes(BIG)
    stream.write_zeroes(3)
    assert stream.check_write() == 1


def test_output_stream_flush_waits_until_the_sink_is_empty() -> None:
    sink = Tank()
    stream = OutputStream(sink)
    stream.check_write()
    stream.write(b"abc")
    assert stream.flush() is None
    answer = stream.blocking_flush()
    assert isinstance(answer, Blocked)
    assert answer.timeout == 0.5
    sink.drain()
    assert answer.retry() is None


def test_output_stream_subscribe_is_ready_when_there_is_room() -> None:
    sink = Tank(3)
    stream = OutputStream(sink)
    pollable = stream.subscribe()
    assert pollable.ready() is True
    stream.check_write()
    stream.write(b"abc")
    assert pollable.ready() is False
    assert stream.check_write() == 0
    sink.error = OSError(errno.EPIPE, "Broken pipe")
    assert pollable.ready() is True


def test_output_stream_blocking_write_and_flush_waits_for_room_then_for_the_flush() -> None:
    sink = Tank(5)
    stream = OutputStream(sink)
    stream.check_write()
    stream.write(b"abc")
    answer = stream.blocking_write_and_flush(b"defg")
    assert isinstance(answer, Blocked)
    assert sink.held == b"abc"
    sink.drain()
    answer = answer.retry()
    assert isinstance(answer, Blocked)
    assert sink.held == b"defg"
    sink.drain()
    assert answer.retry() is None
    assert sink.passed == b"abcdefg"


@pytest.mark.parametrize(
    ("name", "small", "large"),
    [
        ("blocking_write_and_flush", bytes(4096), bytes(4097)),
        ("blocking_write_zeroes_and_flush", 4096, 4097),
        ("blocking_write_zeroes_and_flush", 0, BIG),
    ],
)
def test_output_stream_blocking_writes_of_more_than_4096_bytes_trap(
    name: str, small: Any, large: Any
) -> None:
    sink = Tank(WRITE_CAPACITY)
    stream = OutputStream(sink)
    with pytest.raises(Trap, match="takes at most 4096 bytes, got"):
        getattr(stream, name)(large)
    assert sink.held == b""
    getattr(stream, name)(small)
    assert sink.held == bytes(small if isinstance(small, int) else len(small))


@pytest.mark.parametrize(
    "operation",
    [
        lambda stream: stream.check_write(),
        lambda stream: stream.write(b""),
        lambda stream: stream.flush(),
        lambda stream: stream.blocking_flush(),
        lambda stream: stream.write_zeroes(0),
        lambda stream: stream.blocking_write_and_flush(b"x"),
        lambda stream: stream.splice(InputStream(BytesSource(b"x")), 1),
    ],
)
def test_output_stream_failure_is_told_once_then_it_is_closed(
    operation: Callable[[OutputStream], Any],
) -> None:
    sink = Tank()
    sink.error = BrokenPipeError(errno.EPIPE, "Broken pipe")
    stream = OutputStream(sink)
    assert payload(operation, stream).tag == "last-operation-failed"
    assert payload(operation, stream) == Variant("closed")


def test_output_stream_flush_that_fails_later_tells_the_waiting_call() -> None:
    sink = Tank()
    answer = OutputStream(sink).blocking_write_and_flush(b"x")
    assert isinstance(answer, Blocked)
    sink.error = OSError(errno.ENOSPC, "No space left on device")
    assert payload(answer.retry).tag == "last-operation-failed"


# Splice


def test_splice_moves_what_both_allow() -> None:
    sink = Tank(4)
    stream, source = OutputStream(sink), InputStream(BytesSource(b"abcdefgh"))
    assert stream.splice(source, 3) == 3
    assert stream.splice(source, BIG) == 1
    assert stream.splice(source, BIG) == 0
    sink.drain()
    assert stream.splice(source, 0) == 0
    assert stream.splice(source, BIG) == 4
    sink.drain()
    assert payload(stream.splice, source, 1) == Variant("closed")
    assert sink.passed == b"abcdefgh"


def test_blocking_splice_waits_for_both() -> None:
    sink = Tank(2)
    sink.held = b"xx"
    stream, source = OutputStream(sink), InputStream(Script(b"", b"ab"))
    answer = stream.blocking_splice(source, 5)
    assert isinstance(answer, Blocked)
    sink.drain()
    answer = answer.retry()
    assert isinstance(answer, Blocked)
    assert (answer.timeout, answer.fileno) == (0.25, 7)
    assert answer.retry() == 2
    assert sink.held == b"ab"
