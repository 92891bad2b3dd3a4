"""Streams and futures that the host gives and takes: what may be one, how it ends, and who holds it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from pywrt.engine.machine import Blocked
from pywrt.errors import Trap, ValueTypeError, WasmError

pytestmark = pytest.mark.filterwarnings("error")  # a coroutine that nobody awaits or closes warns

#: `sum` reads bytes to the end; `first` reads some, drops the stream and says how many; `same` gives it back.
READER = """
  (func $read (param $s i32) (param $n i32) (result i32)
    (call $stream.read (local.get $s) (i32.const 16) (local.get $n)))
  (func (export "[async-lift-stackful]sum") (param $s i32) (local $sum i32) (local $n i32) (local $r i32)
    (loop $more
      (local.set $r (call $read (local.get $s) (i32.const 8)))
      (local.set $n (i32.shr_u (local.get $r) (i32.const 4)))
      (loop $bytes
        (if (local.get $n) (then
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (local.set $sum (i32.add (local.get $sum)
            (i32.load8_u (i32.add (i32.const 16) (local.get $n)))))
          (br $bytes))))
      (br_if $more (i32.eqz (i32.and (local.get $r) (i32.const 15)))))
    (call $stream.drop-readable (local.get $s))
    (call $task.return:sum (local.get $sum)))
  (func (export "[async-lift-stackful]first") (param $s i32) (local $r i32)
    (local.set $r (call $read (local.get $s) (i32.const 4)))
    (call $stream.drop-readable (local.get $s))
    (call $task.return:first (local.get $r)))
  (func (export "[async-lift-stackful]again") (param $s i32) (local $r i32)  ;; reads, cancels, reads again
    (call $is (call $stream.read-async (local.get $s) (i32.const 16) (i32.const 4)) (i32.const -1))
    (call $is (call $stream.cancel-read (local.get $s)) (i32.const 2))
    (call $task.return:again (call $read (local.get $s) (i32.const 4))))
  (func (export "forget") (param i32))
  (func (export "same") (param i32) (result i32) (local.get 0))
  (func (export "[async-lift-stackful]get") (param $f i32)
    (call $is (call $future.read (local.get $f) (i32.const 16)) (i32.const 0))
    (call $future.drop-readable (local.get $f))
    (call $task.return:get (i32.load8_u (i32.const 16))))
  (func (export "same-future") (param i32) (result i32) (local.get 0))"""
BYTES = '(param "s" (stream u8))'
TYPES = {
    "sum": f"async {BYTES} (result u32)",
    "first": f"async {BYTES} (result u32)",
    "again": f"async {BYTES} (result u32)",
    "forget": BYTES,
    "same": f"{BYTES} (result (stream u8))",
    "get": 'async (param "f" (future u8)) (result u8)',
    "same-future": '(param "f" (future u8)) (result (future u8))',
}
#: `numbers` writes 0 to n - 1, one by one, and says how many were taken; `later` a future's value.
WRITER = """(global $end (mut i32) (i32.const 0)) (global $n (mut i32) (i32.const 0))
  (global $written (mut i32) (i32.const 0))
  (func $write (param $n i32) (local $i i32)
    (loop $more
      (i32.store8 (i32.const 16) (local.get $i))
      (if (i32.eq (call $stream.write (global.get $end) (i32.const 16) (i32.const 1)) (i32.const 16)) (then
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (global.set $written (local.get $i))
        (br_if $more (i32.lt_u (local.get $i) (local.get $n))))))
    (call $stream.drop-writable (global.get $end)))
  (func $tell (param $n i32) (drop (call $pause)) (i32.store8 (i32.const 16) (local.get $n))
    (drop (call $future.write (global.get $end) (i32.const 16)))
    (call $future.drop-writable (global.get $end)))
  (func $fail (param i32) unreachable)
  (elem (i32.const 0) $write $tell $fail)
  (func $start (param $f i32) (param $n i32)
    (call $thread.resume-later (call $thread.new-indirect (local.get $f) (local.get $n))))
  (func (export "numbers") (param $n i32) (result i32) (local $both i64)
    (local.set $both (call $stream.new))
    (global.set $end (call $writer (local.get $both)))
    (call $start (i32.const 0) (local.get $n))
    (call $reader (local.get $both)))
  (func (export "later") (param $n i32) (result i32) (local $both i64)
    (local.set $both (call $future.new))
    (global.set $end (call $writer (local.get $both)))
    (call $start (i32.const 1) (local.get $n))
    (call $reader (local.get $both)))
  (func (export "broken") (result i32)
    (call $start (i32.const 2) (i32.const 0))
    (call $reader (call $stream.new)))
  (func (export "broken-future") (result i32)
    (call $start (i32.const 2) (i32.const 0))
    (call $reader (call $future.new)))
  (func (export "written") (result i32) (global.get $written))"""
WRITER_TYPES = {
    "numbers": 'async (param "n" u32) (result (stream u8))',
    "later": 'async (param "n" u32) (result (future u8))',
    "broken": "async (result (stream u8))",
    "broken-future": "async (result (future u8))",
    "written": "(result u32)",
}


@pytest.fixture
def reader(any_order: Any, guest: Any) -> Any:
    return any_order.instantiate(guest(READER, TYPES))


@pytest.fixture
def writer(any_order: Any, guest: Any) -> Any:
    core = WRITER.replace("(drop (call $pause))", "(drop (call $thread.yield))")
    return any_order.instantiate(guest(core, WRITER_TYPES))


async def each(*items: Any) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item


def test_host_gives_bytes_in_any_form(reader: Any) -> None:
    for given in (
        bytes(range(20)),
        bytearray(range(20)),
        memoryview(bytes(range(20))),
        range(20),
        list(range(20)),
    ):
        assert reader.call("sum", given) == 190
    assert reader.call("sum", (bytes([i, i]) for i in range(20))) == 380
    assert reader.call("sum", [b"", b"\1", b"", b""]) == 1
    assert reader.call("sum", b"") == reader.call("sum", []) == reader.call("sum", [b""] * 5000) == 0


def test_host_gives_asynchronous_iterables(reader: Any) -> None:
    async def main() -> list[Any]:
        return [
            await reader.go("sum", each(b"\1\2", b"", b"\3")),
            await reader.go("sum", each(1, 2, 3)),
            await reader.go("sum", each()),
            await reader.go("sum", each(*[b""] * 2000, b"\1")),
            await reader.go("again", each(b"\1\2")),
        ]

    assert asyncio.run(main()) == [6, 6, 0, 1, 2 << 4]


@pytest.mark.parametrize("given", ["text", 7, None, {"a": 1}, object()])
def test_host_gives_what_is_no_stream(reader: Any, given: Any) -> None:
    with pytest.raises(ValueTypeError, match="argument 's': expected stream<u8>"):
        reader.call("sum", given)
    assert reader.call("sum", b"\1") == 1


@pytest.mark.parametrize("given", [["text"], [256], [-1], [b"\1", None], [[1]]])
def test_host_gives_elements_of_another_type(reader: Any, given: Any) -> None:
    with pytest.raises(ValueTypeError):
        reader.call("sum", given)


def test_host_iterable_that_raises_ends_the_reader(reader: Any) -> None:
    def items() -> Iterator[bytes]:
        yield b"\1"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        reader.call("sum", items())
    with pytest.raises(Trap, match="cannot enter component instance"):
        reader.call("sum", b"")


def test_host_asynchronous_iterable_that_raises_ends_the_reader(reader: Any) -> None:
    async def items() -> AsyncIterator[bytes]:
        yield b"\1"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(reader.go("sum", items()))


def test_asynchronous_iterable_needs_an_event_loop(reader: Any) -> None:
    with pytest.raises(Trap, match="needs an event loop"):
        reader.call("sum", each(b"\1"))


def test_host_generator_is_asked_only_for_what_the_guest_reads_and_closed_with_it(reader: Any) -> None:
    asked: list[int] = []
    closed: list[str] = []

    def items() -> Iterator[bytes]:
        try:
            for i in range(100):
                asked.append(i)
                yield bytes(4)
        finally:
            closed.append("generator")

    assert reader.call("first", items()) == 4 << 4
    assert (asked, closed) == ([0], ["generator"])

    async def more() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(4)
        finally:
            closed.append("asynchronous")

    async def main() -> None:
        assert await reader.go("first", more()) == 4 << 4
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert closed == ["generator", "asynchronous"]


def test_stream_comes_back_to_the_host(reader: Any) -> None:
    assert b"".join(reader.call("same", [b"ab", b"c"])) == b"abc"
    assert bytes(reader.call("same", b"abc").read_now()) == b"abc"

    async def main() -> tuple[list[bytes], Any]:
        chunks = [chunk async for chunk in await reader.go("same", each(b"ab", b"c"))]
        again = await reader.go("same", await reader.go("same", each(b"d")))
        return chunks, await again.read()

    assert asyncio.run(main()) == ([b"ab", b"c"], b"d")


def test_stream_that_comes_back_raises_what_its_iterable_does(reader: Any) -> None:
    async def items() -> AsyncIterator[bytes]:
        yield b"a"
        raise KeyError("mine")

    def items_now() -> Iterator[bytes]:
        yield b"a"
        raise KeyError("mine")

    async def main() -> None:
        stream = await reader.go("same", items())
        assert await stream.read() == b"a"
        with pytest.raises(KeyError, match="mine"):
            await stream.read()

    asyncio.run(main())
    stream = reader.call("same", items_now())
    assert stream.read_now() == b"a"
    with pytest.raises(KeyError, match="mine"):
        stream.read_now()


@pytest.mark.parametrize("count", [0, 1, 5, 300])
def test_host_reads_what_a_guest_writes(writer: Any, count: int) -> None:
    count = max(count, 1)
    expected = bytes(i & 0xFF for i in range(count))
    assert b"".join(writer.call("numbers", count)) == expected

    async def main() -> bytes:
        return b"".join([chunk async for chunk in await writer.go("numbers", count)])

    assert asyncio.run(main()) == expected


def test_host_reads_no_more_than_it_asks_for(writer: Any) -> None:
    stream = writer.call("numbers", 5)
    assert stream.read_now(1) == b"\0"
    stream.close()
    assert stream.read_now() == b""
    assert list(stream) == []
    assert writer.call("written") == 1


def test_reader_that_is_forgotten_is_closed(any_order: Any, guest: Any, writer: Any) -> None:
    other = any_order.instantiate(guest(WRITER.replace("(drop (call $pause))", ""), WRITER_TYPES))
    stream = writer.call("numbers", 5)
    assert stream.read_now(1) == b"\0"
    del stream
    gc.collect()
    assert len(b"".join(other.call("numbers", 50))) == 50  # which gives others their turns
    assert writer.call("written") == 1
    assert b"".join(writer.call("numbers", 2)) == b"\0\1"


def test_reader_goes_on_to_another_component(any_order: Any, guest: Any, reader: Any, writer: Any) -> None:
    assert reader.call("sum", writer.call("numbers", 20)) == 190

    async def main() -> Any:
        return await reader.go("sum", await writer.go("numbers", 10))

    assert asyncio.run(main()) == 45


def test_reader_that_was_passed_on_is_of_no_use(reader: Any, writer: Any) -> None:
    stream = writer.call("numbers", 3)
    assert reader.call("sum", stream) == 3
    with pytest.raises(WasmError, match="closed, or passed on"):
        reader.call("sum", stream)
    assert repr(stream) == "<StreamReader closed>"


def test_reader_of_another_store_is_refused(new_world: Any, guest: Any, writer: Any) -> None:
    stream = writer.call("numbers", 3)
    with pytest.raises(ValueTypeError, match="of another store"):
        new_world().instantiate(guest(READER, TYPES)).call("sum", stream)
    assert b"".join(stream) == b"\0\1\2"


def test_reader_of_another_type_is_refused(any_order: Any, guest: Any, writer: Any) -> None:
    takes = '(param "s" (stream u32))'
    other = any_order.instantiate(guest('(func (export "forget") (param i32))', {"forget": takes}))
    stream = writer.call("numbers", 3)
    with pytest.raises(ValueTypeError, match="expected stream<u32>, got a stream of u8"):
        other.call("forget", stream)
    assert b"".join(stream) == b"\0\1\2"


def test_guest_that_fails_tells_who_reads(writer: Any) -> None:
    stream = writer.call("broken")
    with pytest.raises(Trap, match="unreachable"):
        stream.read_now()


def test_guest_that_fails_tells_who_awaits(writer: Any) -> None:
    async def main() -> None:
        await asyncio.wait_for(await writer.go("broken-future"), 5)

    with pytest.raises(Trap, match="unreachable"):
        asyncio.run(main())


def test_futures_go_both_ways(reader: Any, writer: Any) -> None:
    assert reader.call("get", 7) == 7
    assert writer.call("later", 7).result_now() == 7
    assert reader.call("get", writer.call("later", 8)) == 8
    assert reader.call("same-future", 9).result_now() == 9

    async def value() -> int:
        await asyncio.sleep(0)
        return 10

    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_later(0.01, future.set_result, 11)
        return [
            await reader.go("get", value()),
            await reader.go("get", future),
            await (await writer.go("later", 12)),
            await (await reader.go("same-future", value())),
        ]

    assert asyncio.run(main()) == [10, 11, 12, 10]


def test_future_of_the_host_that_raises_ends_who_reads(reader: Any) -> None:
    async def value() -> int:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(reader.go("get", value()))


def test_reader_waits_where_the_guest_waits_for_the_host(world: Any, guest: Any) -> None:
    asked: list[int] = []

    def pause() -> Any:
        asked.append(1)
        return 0 if len(asked) % 3 == 0 else Blocked(pause, 0.001)

    guests = guest(WRITER, WRITER_TYPES, {"pause": "(result u32)"})
    writer = world.instantiate(guests, pause=pause)
    assert writer.call("later", 7).result_now() == 7

    async def main() -> Any:
        return await (await writer.go("later", 8))

    assert asyncio.run(main()) == 8


def test_read_that_is_cancelled_leaves_the_stream(reader: Any) -> None:
    async def items() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.02)
        yield b"late"

    async def main() -> bytes:
        stream = await reader.go("same", items())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.read(), 0.005)
        return await stream.read()

    assert asyncio.run(main()) == b"late"
