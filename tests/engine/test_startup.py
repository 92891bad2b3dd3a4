"""Fuel of instantiation itself: what wasmtime 49 charges for modules that compute something then."""

import pytest

from pywrt.config import ALL_FEATURES

ENTRY, START = 1, 2  # entering what instantiates; calling the start function, and entering it
FUNCTIONS = "(func) (func $none)"


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        # laid out beforehand
        ("(global v128 (v128.const i64x2 1 2))", 0),
        ('(memory i64 1) (data (i64.const 3) "abc")', 0),
        ("(table i64 10 funcref) (elem (i64.const 3) func 0 0)", 0),
        ("(table 10 funcref (ref.func 0))", 0),
        ("(elem func 0 0)", 0),
        ("(elem declare funcref (ref.func 0))", 0),
        # instructions of initialisers and offsets, bytes and elements
        ("(global funcref (ref.null func))", 1),
        ("(global funcref (ref.func 0))", 1),
        ("(global i64 (i64.add (i64.const 1) (i64.const 2)))", 3),
        ('(memory 1) (data (i32.add (i32.const 3) (i32.const 1)) "abc")', 3 + 3),
        ('(memory 10 (pagesize 1)) (data (i32.const 3) "abc")', 1 + 3),
        ("(elem funcref (ref.func 0) (ref.func 0))", 2),
        ("(table 10 funcref) (elem (i32.const 3) funcref (ref.func 0) (ref.null func))", 1 + 2 + 2),
        ("(table 10 funcref) (elem (i32.add (i32.const 3) (i32.const 0)) func 0 0)", 3 + 2),
        ("(table 10 i31ref) (elem (i32.const 3) i31ref (ref.i31 (i32.const 4)))", 1 + 3),
        ("(table 10 funcref (ref.null func))", 1 + 10),
    ],
)
def test_startup_costs_what_it_computes(guest, fields, cost):
    for start, started in (("", 0), ("(start $none)", START)):
        module = guest(f"(module {FUNCTIONS} {fields} {start})", metered=True, features=ALL_FEATURES)
        spent = (1 << 40) - module.store.get_fuel()
        assert spent == (ENTRY if cost or start else 0) + cost + started, start
