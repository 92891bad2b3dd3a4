"""Memories as state: growth within limits, and those who wait at an address."""

import pytest

from pywrt.config import Config
from pywrt.errors import LimitError
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.wasm.types import I32, I64, Limits, MemoryType


def memory(minimum=1, maximum=None, address=I32, page_size=65536, **config):
    return Memory(Store(Config(**config)), MemoryType(Limits(minimum, maximum), address, False, page_size))


@pytest.mark.parametrize(
    ("address", "page_size", "largest"),
    [(I32, 65536, 1 << 16), (I64, 65536, 1 << 48), (I32, 1, (1 << 32) - 1), (I64, 1, (1 << 64) - 1)],
)
def test_memory_without_maximum_reaches_as_far_as_its_addresses(address, page_size, largest):
    assert memory(0, address=address, page_size=page_size).max == largest


def test_memory_grow_keeps_the_bytearray_and_says_the_old_size():
    grown = memory(1, 3)
    data = grown.data
    data[5] = 7
    assert (grown.grow(2), grown.size, grown.data is data, data[5], len(data)) == (1, 3, True, 7, 3 << 16)
    assert (grown.grow(1), grown.grow(0), grown.size) == (-1, 3, 3)


def test_memory_beyond_the_stores_limit_is_refused_and_takes_nothing():
    small = memory(1, max_memory_bytes=100_000)
    assert (small.grow(1), small.store.memory_left) == (-1, 100_000 - 65536)
    with pytest.raises(LimitError, match=r"^a memory of 2 pages does not fit"):
        memory(2, max_memory_bytes=100_000)


def test_memory_beyond_any_host_is_refused_and_takes_nothing():
    large = memory(0, address=I64, max_memory_bytes=1 << 80)
    before = large.store.memory_left
    assert [large.grow(1 << 46), large.grow(1 << 47), large.grow(1 << 48)] == [-1, -1, -1]
    assert large.store.memory_left == before
    with pytest.raises(LimitError, match=r"^a memory of 281474976710656 pages does not fit"):
        memory(1 << 48, address=I64, max_memory_bytes=1 << 80)


def test_memory_notify_wakes_the_first_to_come_at_the_address():
    shared = memory()
    waiters = [shared.wait(address) for address in (8, 8, 16, 8)]
    assert shared.notify(8, 0) == 0
    assert shared.notify(8, 2) == 2
    assert [waiter.woken for waiter in waiters] == [True, True, False, False]
    assert (shared.notify(24, 5), shared.notify(8, 5), shared.notify(16, 1)) == (0, 1, 1)
    assert shared.waiters == {}


def test_memory_waiter_that_gives_up_is_not_counted():
    shared = memory()
    first, second, third = (shared.wait(8) for _ in range(3))
    shared.give_up(8, first)
    assert shared.notify(8, 1) == 1
    assert [waiter.woken for waiter in (first, second, third)] == [False, True, False]
    shared.give_up(8, second)
    shared.give_up(8, third)
    assert shared.waiters == {}
