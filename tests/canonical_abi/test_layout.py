import pytest

from pywrt.canonical_abi.layout import Layouts, despecialize, discriminant_size, flatten_functype
from pywrt.errors import InvalidError
from pywrt.wit import types as wit


def flat(t: wit.WitType) -> list[str]:
    return [str(core) for core in Layouts().of(t).flat]


@pytest.mark.parametrize(
    ("t", "size", "alignment"),
    [
        (wit.BOOL, 1, 1),
        (wit.S16, 2, 2),
        (wit.CHAR, 4, 4),
        (wit.F64, 8, 8),
        (wit.STRING, 8, 4),
        (wit.List(wit.U64), 8, 4),
        (wit.List(wit.U16, 5), 10, 2),
        (wit.Tuple((wit.U8, wit.U64, wit.U8)), 24, 8),
        (wit.Record((wit.Field("a", wit.U8), wit.Field("b", wit.U16))), 4, 2),
        (wit.Option(wit.U8), 2, 1),
        (wit.Option(wit.U64), 16, 8),
        (wit.Result(None, None), 1, 1),
        (wit.Result(wit.U32, wit.U8), 8, 4),
        (wit.Enum(tuple(f"e{i}" for i in range(257))), 2, 2),
        (wit.Flags(tuple(f"f{i}" for i in range(8))), 1, 1),
        (wit.Flags(tuple(f"f{i}" for i in range(9))), 2, 2),
        (wit.Flags(tuple(f"f{i}" for i in range(17))), 4, 4),
        (wit.Own(wit.ResourceType()), 4, 4),
    ],
)
def test_layout_of_a_type_has_specified_size_and_alignment(t: wit.WitType, size: int, alignment: int) -> None:
    layout = Layouts().of(t)
    assert (layout.size, layout.alignment) == (size, alignment)


@pytest.mark.parametrize(
    ("payloads", "joined"),
    [
        ((wit.U32, wit.F32), ["i32", "i32"]),
        ((wit.F32, wit.F32), ["i32", "f32"]),
        ((wit.F32, wit.U64), ["i32", "i64"]),
        ((wit.F64, wit.U32), ["i32", "i64"]),
        ((wit.STRING, wit.F64), ["i32", "i64", "i32"]),
    ],
)
def test_flatten_variant_joins_the_payloads_types(
    payloads: tuple[wit.WitType, ...], joined: list[str]
) -> None:
    t = wit.Variant(tuple(wit.Case(f"c{i}", p) for i, p in enumerate(payloads)))
    assert flat(t) == joined


def test_discriminant_size_grows_with_the_cases() -> None:
    assert [discriminant_size(n) for n in (1, 256, 257, 65536, 65537)] == [1, 1, 2, 2, 4]


def test_layout_of_33_flags_is_invalid() -> None:
    with pytest.raises(InvalidError, match="at most 32 labels, not 33"):
        Layouts().of(wit.Flags(tuple(f"f{i}" for i in range(33))))


@pytest.mark.parametrize(
    "t",
    [wit.ERROR_CONTEXT, wit.Stream(wit.U8), wit.Stream(), wit.Future(wit.STRING), wit.Future()],
)
def test_what_is_a_handle_takes_one_word(t: wit.WitType) -> None:
    layout = Layouts().of(t)
    assert (layout.size, layout.alignment, flat(t)) == (4, 4, ["i32"])


def test_layout_of_a_type_that_shares_its_parts_costs_what_it_has() -> None:
    t: wit.WitType = wit.U8
    for _ in range(90):
        t = wit.Variant((wit.Case("a", t), wit.Case("b", t)))
    assert Layouts().of(t).size == 91  # 2**90 leaves if it were unfolded
    for _ in range(90):
        t = wit.Tuple((t, t))
    assert len(Layouts().of(t).flat) == 17


def test_despecialize_result_names_ok_and_err() -> None:
    assert despecialize(wit.Result(wit.U8)) == wit.Variant((wit.Case("ok", wit.U8), wit.Case("err")))


@pytest.mark.parametrize(("count", "core"), [(16, ["i32"] * 16), (17, ["i32"])])
def test_flatten_functype_spills_more_than_16_params(count: int, core: list[str]) -> None:
    t = wit.FuncType(tuple(wit.Field(f"p{i}", wit.U8) for i in range(count)))
    assert [str(p) for p in flatten_functype(t, "lift").params] == core


def test_flatten_functype_returns_two_results_through_memory() -> None:
    t = wit.FuncType((wit.Field("x", wit.F32),), wit.STRING)
    assert str(flatten_functype(t, "lift")) == "(f32) -> (i32)"
    assert str(flatten_functype(t, "lower")) == "(f32, i32) -> ()"
