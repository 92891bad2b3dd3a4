"""Tables as state: growth within limits."""

import pytest

from pywrt.config import Config
from pywrt.errors import LimitError
from pywrt.runtime.store import Store
from pywrt.runtime.table import Table
from pywrt.wasm.types import FUNCREF, I32, I64, Limits, TableType


def table(minimum=1, maximum=None, address=I32, **config):
    return Table(Store(Config(**config)), TableType(FUNCREF, Limits(minimum, maximum), address), "init")


@pytest.mark.parametrize(("address", "largest"), [(I32, (1 << 32) - 1), (I64, (1 << 64) - 1)])
def test_table_without_maximum_reaches_as_far_as_its_indices(address, largest):
    assert table(0, address=address).max == largest


def test_table_grow_keeps_the_list_and_says_the_old_size():
    grown = table(1, 3)
    elements = grown.elements
    assert (grown.grow(2, "new"), grown.elements is elements, elements) == (1, True, ["init", "new", "new"])
    assert (grown.grow(1, None), grown.grow(0, None), grown.size) == (-1, 3, 3)


def test_table_beyond_the_stores_limit_is_refused_and_takes_nothing():
    small = table(8, max_table_elements=10)
    assert (small.grow(3, None), small.store.elements_left, small.grow(2, None)) == (-1, 2, 8)
    with pytest.raises(LimitError, match=r"^a table of 11 elements does not fit"):
        table(11, max_table_elements=10)


def test_table_beyond_any_host_is_refused_and_takes_nothing():
    large = table(0, address=I64, max_table_elements=1 << 80)
    assert [large.grow(1 << 61, None), large.grow((1 << 64) - 1, None)] == [-1, -1]
    assert large.store.elements_left == 1 << 80
    with pytest.raises(LimitError, match=r"^a table of 9223372036854775808 elements does not fit"):
        table(1 << 63, address=I64, max_table_elements=1 << 80)
