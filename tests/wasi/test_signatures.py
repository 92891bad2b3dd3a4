"""The shapes of WASI's functions: complete, and checked when a component is linked."""

import pytest

from pywrt.errors import LinkError, Trap
from pywrt.wasi.preview2 import WasiCtx, interfaces
from pywrt.wasi.preview2.signatures import SHAPES, bound, shape_of
from pywrt.wit import types as wit

RANDOM = ("wasi:random/random", "get-random-bytes")


def functype(param: wit.WitType, result: wit.WitType | None) -> wit.FuncType:
    return wit.FuncType((wit.Field("len", param),), result)


def test_shapes_cover_exactly_the_functions_of_every_interface() -> None:
    provided = {
        (interface, name)
        for interface, table in interfaces(WasiCtx()).items()
        for name, item in table.items()
        if callable(item)
    }
    assert provided == {(interface, name) for interface, table in SHAPES.items() for name in table}


def test_shape_of_keeps_structure_and_drops_names() -> None:
    point = wit.Record((wit.Field("x", wit.F64),))
    result = wit.Result(wit.Tuple((wit.List(wit.U8), wit.BOOL)), wit.Enum(("a",)))
    assert shape_of(functype(wit.Option(point), result)) == (
        "(option<record>) -> result<tuple<list<u8>, bool>, enum>"
    )
    assert shape_of(functype(wit.List(wit.U8, 4), wit.Result())) == "(list<u8, 4>) -> result"
    assert shape_of(functype(wit.Flags(("a",)), wit.Result(wit.U8))) == "(flags) -> result<u8>"
    assert shape_of(functype(wit.Variant((wit.Case("a"),)), None)) == "(variant)"


@pytest.mark.parametrize(
    ("param", "result"), [(wit.STRING, wit.List(wit.U8)), (wit.S64, wit.List(wit.U8)), (wit.U64, None)]
)
def test_bound_to_an_import_of_another_type_names_both(
    param: wit.WitType, result: wit.WitType | None
) -> None:
    wanted = functype(param, result)
    with pytest.raises(LinkError, match="incompatible import type for `wasi:random/random#") as caught:
        bound(*RANDOM, lambda n: b"")(wanted)
    assert str(wanted) in str(caught.value)
    assert "(u64) -> list<u8>" in str(caught.value)


def test_bound_to_the_right_type_calls_the_function() -> None:
    assert bound(*RANDOM, lambda n: bytes(n))(functype(wit.U64, wit.List(wit.U8)))(3) == b"\0\0\0"


def test_bound_function_that_cannot_use_a_value_traps() -> None:
    call = bound(*RANDOM, lambda n: n.missing)(functype(wit.U64, wit.List(wit.U8)))
    with pytest.raises(Trap, match="wasi:random/random#get-random-bytes: a value that this host can't use"):
        call(3)
