"""Structures, arrays, i31 references and host values among them."""

import gc
import sys

import pytest

from pywrt.config import Config
from pywrt.runtime.aggregates import I31, Array, Foreign, Struct, externalize, internalize
from pywrt.runtime.store import Store
from pywrt.wasm.deftypes import define_types
from pywrt.wasm.types import I32, ArrayType, FieldType, StructType, SubType

STRUCT, ARRAY = define_types(
    [SubType(StructType((FieldType(I32, True),))), SubType(ArrayType(FieldType(I32, True)))]
)


@pytest.fixture
def store():
    return Store(Config(max_objects=3_000_000))


def made(store, fields):
    store.objects_left -= 1 + len(fields)
    return Struct(store, STRUCT, fields)


def test_struct_end_gives_its_count_back(store):
    value = made(store, [1])
    assert store.objects_left == 2_999_998
    del value
    assert store.objects_left == 3_000_000


def test_array_end_gives_its_count_back(store):
    store.objects_left -= 11
    value = Array(store, ARRAY, [0] * 10)
    del value
    assert store.objects_left == 3_000_000


def test_struct_cycle_is_given_back_by_the_collector(store):
    value = made(store, [None])
    value.fields[0] = value
    del value
    assert store.objects_left == 2_999_998
    gc.collect()
    assert store.objects_left == 3_000_000


def test_struct_chain_of_a_million_is_freed_without_recursion(store):
    value = None
    for _ in range(1_000_000):
        value = made(store, [value])
    assert store.objects_left == 1_000_000
    assert sys.getrecursionlimit() < 1_000_000
    value = None
    assert store.objects_left == 3_000_000


def test_struct_equals_itself_only(store):
    value = made(store, [1])
    assert value == value
    assert value != made(store, [1])


def test_i31_equals_its_number_but_shows_what_it_is():
    assert I31(5) == I31(5)
    assert I31(5) != I31(6)
    assert repr(I31(5)) == "I31(5)"


@pytest.mark.parametrize("value", [None, 5, "host", [1], 0.5, ()])
def test_externalize_undoes_internalize_of_host_values(value):
    assert externalize(internalize(value)) is value


def test_internalize_leaves_guest_values_as_they_are(store):
    for value in (None, I31(1), made(store, [1])):
        assert internalize(value) is value
        assert externalize(value) is value
        assert internalize(externalize(value)) is value


def test_internalize_of_host_int_is_no_i31():
    value = internalize(5)
    assert isinstance(value, Foreign)
    assert value != I31(5)
    assert repr(value) == "Foreign(5)"
