import math
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywrt.canonical_abi import Record, Variant
from pywrt.canonical_abi.scalars import check_f32
from pywrt.canonical_abi.signature import lift_params, lift_result, lower_result
from pywrt.canonical_abi.values import Sums
from pywrt.config import Config
from pywrt.errors import Trap, ValueTypeError
from pywrt.wasm.types import I32, I64
from pywrt.wit import types as wit

PRIMITIVES = {
    wit.BOOL: st.booleans(),
    wit.S8: st.integers(-(1 << 7), (1 << 7) - 1),
    wit.U8: st.integers(0, (1 << 8) - 1),
    wit.S16: st.integers(-(1 << 15), (1 << 15) - 1),
    wit.U16: st.integers(0, (1 << 16) - 1),
    wit.S32: st.integers(-(1 << 31), (1 << 31) - 1),
    wit.U32: st.integers(0, (1 << 32) - 1),
    wit.S64: st.integers(-(1 << 63), (1 << 63) - 1),
    wit.U64: st.integers(0, (1 << 64) - 1),
    wit.F32: st.floats(width=32, allow_nan=False),
    wit.F64: st.floats(allow_nan=False),
    wit.CHAR: st.characters(exclude_categories=["Cs"]),
    wit.STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
}
NAMES = ("a", "b-c", "d", "e-f-g")


def variant(payloads: list[Any]) -> wit.Variant:
    return wit.Variant(tuple(map(wit.Case, NAMES, payloads)))


def types() -> st.SearchStrategy[Any]:
    names = st.integers(1, 4).map(lambda n: NAMES[:n])
    leaves = st.sampled_from(list(PRIMITIVES)) | names.map(wit.Flags) | names.map(wit.Enum)
    keys = st.sampled_from([t for t in PRIMITIVES if t not in (wit.F32, wit.F64)])

    def compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=1, max_size=4)
        maybe = st.none() | inner
        return (
            several.map(lambda ts: wit.Record(tuple(map(wit.Field, NAMES, ts))))
            | several.map(lambda ts: wit.Tuple(tuple(ts)))
            | inner.map(wit.List)
            | st.builds(wit.List, inner, st.integers(1, 3))
            | st.builds(wit.Map, keys, inner)
            | inner.map(wit.Option)
            | st.builds(wit.Result, maybe, maybe)
            | st.lists(maybe, min_size=1, max_size=4).map(
                lambda ts: wit.Variant(tuple(map(wit.Case, NAMES, ts)))
            )
        )

    return st.recursive(leaves, compound, max_leaves=8)


def values(t: Any) -> st.SearchStrategy[Any]:
    """Values of `t` as lifting gives them."""
    match t:
        case wit.Primitive():
            return PRIMITIVES[t]
        case wit.Flags(names):
            return st.sets(st.sampled_from(names))
        case wit.Enum(names):
            return st.sampled_from(names)
        case wit.Record(fields):
            parts = {f.name: values(f.type) for f in fields}
            return st.fixed_dictionaries(parts).map(lambda d: Record(**d))
        case wit.Tuple(ts):
            return st.tuples(*map(values, ts))
        case wit.List(element, length):
            bound = {"max_size": 4} if length is None else {"min_size": length, "max_size": length}
            items = st.lists(values(element), **bound)
            return items.map(bytes) if element == wit.U8 else items
        case wit.Map(key, item):
            return st.dictionaries(values(key), values(item), max_size=4)
    total = Sums().of(t)
    cases = [
        (st.none() if u is None else values(u)).map(lambda p, i=i: total.build(i, p))
        for i, u in enumerate(total.types)
    ]
    return st.one_of(cases)


TYPED_VALUES = types().flatmap(lambda t: st.tuples(st.just(t), values(t)))
ENCODINGS = st.sampled_from(["utf8", "utf16", "latin1+utf16"])
POINTERS = st.sampled_from([I32, I64])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(typed=TYPED_VALUES, encoding=ENCODINGS, pointer=POINTERS)
def test_adapters_lift_what_was_lowered(
    side: Any, typed: tuple[Any, Any], encoding: str, pointer: Any
) -> None:
    t, value = typed
    guest = side(encoding, pointer=pointer)
    assert guest.load(t, guest.store_value(t, value)) == value
    if len(guest.adapters.layouts.of(t).flat) <= 16:
        assert guest.lift(t, *guest.lower(t, value)) == value


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(t=types(), data=st.binary(min_size=256, max_size=256), pointer=POINTERS)
def test_load_of_any_bytes_gives_a_value_or_traps(side: Any, t: Any, data: bytes, pointer: Any) -> None:
    guest = side(pages=1, config=Config(max_lifted_bytes=1 << 20), pointer=pointer)
    guest.memory.data[0:256] = data
    try:
        value = guest.load(t, 0)
    except Trap:
        return
    assert guest.load(t, guest.store_value(t, value)) == value


# Lifting


@pytest.mark.parametrize(
    ("t", "core", "value"),
    [
        (wit.BOOL, 0, False),
        (wit.BOOL, 0x100, True),
        (wit.U8, 0xF01, 1),
        (wit.S8, 0xFF, -1),
        (wit.U16, 0xFFFFFFFF, 0xFFFF),
        (wit.S16, 0x18000, -0x8000),
        (wit.S32, 0xFFFFFFFF, -1),
        (wit.U32, 0xFFFFFFFF, 0xFFFFFFFF),
        (wit.S64, 1 << 63, -(1 << 63)),
        (wit.CHAR, 0x10FFFF, "\U0010ffff"),
        (wit.Flags(("a", "b")), 0xFE, {"b"}),
        (wit.Enum(("a", "b")), 1, "b"),
    ],
)
def test_lift_flat_scalar_normalises_the_core_value(side: Any, t: Any, core: int, value: Any) -> None:
    lifted = side().lift(t, core)
    assert lifted == value
    assert type(lifted) is type(value)


@pytest.mark.parametrize("code", [0xD800, 0xDFFF, 0x110000, 0xFFFFFFFF])
def test_lift_char_of_no_scalar_value_traps(side: Any, code: int) -> None:
    guest = side()
    with pytest.raises(Trap, match=r"^invalid `char` bit pattern") as caught:
        guest.lift(wit.CHAR, code)
    assert caught.value.code == "invalid-char"
    guest.memory.data[16:20] = code.to_bytes(4, "little")
    with pytest.raises(Trap, match=f"^invalid `char` bit pattern: 0x{code:x}"):
        guest.lift(wit.List(wit.CHAR), 16, 1)


@pytest.mark.parametrize(
    "t", [wit.Enum(("a", "b")), wit.Option(wit.U8), wit.Result(), wit.Variant((wit.Case("a"), wit.Case("b")))]
)
def test_discriminant_out_of_range_traps(side: Any, t: Any) -> None:
    guest = side()
    with pytest.raises(Trap, match=r"^invalid variant discriminant: 2 of 2 cases"):
        guest.lift(t, 2, 0)
    guest.memory.data[0] = 2
    with pytest.raises(Trap, match=r"^invalid variant discriminant"):
        guest.load(t, 0)


def test_lift_variant_takes_payloads_out_of_joined_slots(side: Any) -> None:
    bits = struct.unpack("<I", struct.pack("<f", 1.5))[0]
    t = wit.Variant(
        (wit.Case("f", wit.F32), wit.Case("l", wit.U64), wit.Case("d", wit.F64), wit.Case("s", wit.S32))
    )
    guest = side()
    assert guest.lift(t, 0, 0xFFFFFFFF_00000000 | bits) == Variant("f", 1.5)
    assert guest.lift(t, 1, 1 << 63) == Variant("l", 1 << 63)
    assert guest.lift(t, 2, struct.unpack("<Q", struct.pack("<d", 2.5))[0]) == Variant("d", 2.5)
    assert guest.lift(t, 3, 0xABCD_FFFFFFFF) == Variant("s", -1)
    assert guest.lower(t, Variant("f", 1.5)) == [0, bits]
    assert guest.lower(t, Variant("s", -1)) == [3, 0xFFFFFFFF]


def test_lower_variant_fills_unused_slots_with_zeros(side: Any) -> None:
    t = wit.Variant((wit.Case("n"), wit.Case("p", wit.Tuple((wit.F32, wit.F64)))))
    flat = side().lower(t, None)
    assert flat == [0, 0.0, 0.0]
    assert type(flat[1]) is float


@pytest.mark.parametrize(
    ("encoding", "data", "length", "message"),
    [
        ("utf8", b"a\xff", 2, "invalid utf-8 sequence of 1 bytes from index 1"),
        ("utf8", b"ab\xc3", 3, "incomplete utf-8 byte sequence from index 2"),
        ("utf8", b"\xed\xa0\x80", 3, "invalid utf-8"),
        ("utf8", b"\xc0\x80", 2, "invalid utf-8"),
        ("utf16", b"a\0\0\xd8", 2, "unpaired surrogate found: code unit 1"),
        ("latin1+utf16", b"\0\xdc", 1 | 1 << 31, "unpaired surrogate"),
    ],
)
def test_lift_string_that_is_not_encoded_right_traps(
    side: Any, encoding: str, data: bytes, length: int, message: str
) -> None:
    guest = side(encoding)
    guest.memory.data[64 : 64 + len(data)] = data
    with pytest.raises(Trap, match=message):
        guest.lift(wit.STRING, 64, length)


@pytest.mark.parametrize(("ptr", "length"), [(0xDEADBEEF, 0), (65535, 2), (0, 0xFFFFFFFF), (65537, 0)])
def test_lift_string_out_of_bounds_traps(side: Any, ptr: int, length: int) -> None:
    guest = side(pages=1)
    with pytest.raises(Trap, match=r"^string pointer/length out of bounds of memory") as caught:
        guest.lift(wit.STRING, ptr, length)
    assert caught.value.code == "string-out-of-bounds"
    with pytest.raises(Trap, match=r"^string content out-of-bounds"):
        guest.adapters.lift_flat(wit.STRING)(guest.context(fused=True), [ptr, length], 0)


@pytest.mark.parametrize(
    ("encoding", "length"), [("utf16", 0), ("latin1+utf16", 0), ("latin1+utf16", 1 << 31)]
)
def test_lift_string_at_an_odd_pointer_traps(side: Any, encoding: str, length: int) -> None:
    with pytest.raises(Trap, match=r"^unaligned pointer"):
        side(encoding).lift(wit.STRING, 1, length)


@pytest.mark.parametrize(
    ("element", "ptr", "length", "message"),
    [
        (wit.U8, 65536, 1, "list pointer/length out of bounds of memory"),
        (wit.U32, 2, 0, "unaligned pointer"),
        (wit.U32, 65532, 2, "list pointer/length out of bounds of memory"),
        (wit.U64, 0, 1 << 29, "list pointer/length out of bounds of memory"),
        (wit.STRING, 65536, 1, "list pointer/length out of bounds of memory"),
    ],
)
def test_lift_list_outside_memory_traps(side: Any, element: Any, ptr: int, length: int, message: str) -> None:
    with pytest.raises(Trap, match=f"^{message}"):
        side(pages=1).lift(wit.List(element), ptr, length)


def test_lift_beyond_the_limit_traps_naming_it(side: Any) -> None:
    guest = side(pages=2, config=Config(max_lifted_bytes=100_000))
    assert len(guest.lift(wit.List(wit.U8), 0, 99_999)) == 99_999
    with pytest.raises(Trap, match=r"limit of 100000 bytes a call \(Config.max_lifted_bytes\)") as caught:
        guest.lift(wit.List(wit.U8), 0, 100_001)
    assert caught.value.code == "lift-limit"
    with pytest.raises(Trap, match="max_lifted_bytes"):
        guest.lift(wit.List(wit.BOOL), 0, 80_000)


def test_lift_of_many_references_to_one_string_is_limited(side: Any) -> None:
    guest = side(pages=2, config=Config(max_lifted_bytes=1_000_000))
    for i in range(100):
        struct.pack_into("<II", guest.memory.data, 8 * i, 1024, 60_000)
    with pytest.raises(Trap, match="max_lifted_bytes"):
        guest.lift(wit.List(wit.STRING), 0, 100)


def test_nan_is_canonical_wherever_it_is_lifted_or_lowered(side: Any) -> None:
    guest = side()
    strange = struct.unpack("<d", b"\1\0\0\0\0\0\xf8\xff")[0]
    t = wit.Tuple((wit.F64, wit.U8))
    struct.pack_into("<d", guest.memory.data, 0, strange)
    lifted = [guest.lift(wit.F64, strange), guest.load(t, 0)[0], guest.lift(wit.List(wit.F64), 0, 1)[0]]
    ptr = guest.store_value(t, (strange, 1))
    lifted += [guest.lower(wit.F64, strange)[0], struct.unpack_from("<d", guest.memory.data, ptr)[0]]
    ptr, _ = guest.lower(wit.List(wit.F64), [1.0, strange])
    lifted.append(struct.unpack_from("<d", guest.memory.data, ptr + 8)[0])
    assert [struct.pack("<d", number) for number in lifted] == [b"\0\0\0\0\0\0\xf8\x7f"] * 6


# Lowering


def test_lower_string_allocates_its_encoded_size(side: Any) -> None:
    guest = side()
    ptr, length = guest.lower(wit.STRING, "hö☃")
    assert guest.reallocs == [(0, 0, 1, 6)]
    assert guest.memory.data[ptr : ptr + length] == "hö☃".encode()


@pytest.mark.parametrize(
    ("text", "length", "data"),
    [("hö", 2, b"h\xf6"), ("☃", 1 | 1 << 31, b"\x03\x26"), ("", 0, b"")],
)
def test_lower_latin1_or_utf16_string_chooses_by_content(
    side: Any, text: str, length: int, data: bytes
) -> None:
    guest = side("latin1+utf16")
    ptr, tagged = guest.lower(wit.STRING, text)
    assert tagged == length
    assert guest.memory.data[ptr : ptr + len(data)] == data
    assert guest.reallocs == [(0, 0, 2, len(data))]


def test_lower_empty_list_still_calls_realloc(side: Any) -> None:
    guest = side()
    assert guest.lower(wit.List(wit.U32), []) == [8, 0]
    assert guest.reallocs == [(0, 0, 4, 0)]


@pytest.mark.parametrize(
    ("ptr", "fused", "message"),
    [
        (2, False, "realloc return: result not aligned"),
        (2, True, "unaligned pointer"),
        (0xFFFFFFFC, False, "realloc return: beyond end of memory"),
        (0xFFFFFFFC, True, "list content out-of-bounds"),
    ],
)
def test_lower_list_checks_what_realloc_returned(side: Any, ptr: int, fused: bool, message: str) -> None:
    guest = side()
    guest.realloc = lambda *args: ptr
    with pytest.raises(Trap, match=f"^{message}"):
        guest.adapters.lower_flat(wit.List(wit.U32))(guest.context(fused), [1, 2], [])
    with pytest.raises(Trap, match=f"^{message}"):
        guest.adapters.lower_flat(wit.List(wit.U32))(guest.context(fused), [], [])


def test_lower_list_into_memory_that_realloc_grew(side: Any) -> None:
    guest = side(pages=1)
    values = list(range(50_000))
    ptr, length = guest.lower(wit.List(wit.U32), values)
    assert guest.memory.size > 1
    assert guest.lift(wit.List(wit.U32), ptr, length) == values


@pytest.mark.parametrize(
    ("t", "value", "lifted"),
    [
        (wit.F32, 3, 3.0),
        (wit.F32, 1e300, math.inf),
        (wit.F64, 1, 1.0),
        (wit.List(wit.F32), (1, 2.5), [1.0, 2.5]),
        (wit.List(wit.U8), bytearray(b"ab"), b"ab"),
        (wit.List(wit.U8), memoryview(b"ab"), b"ab"),
        (wit.List(wit.U8), [1, 2], b"\1\2"),
        (wit.List(wit.U16), range(3), [0, 1, 2]),
        (wit.List(wit.BOOL), (True, False), [True, False]),
        (wit.List(wit.CHAR), ["a", "☃"], ["a", "☃"]),
        (wit.List(wit.U8, 2), b"ab", b"ab"),
        (wit.Tuple((wit.U8, wit.U8)), [1, 2], (1, 2)),
        (wit.Flags(("a", "b")), ["a"], {"a"}),
        (wit.Flags(("a", "b")), frozenset("b"), {"b"}),
        (wit.Option(wit.U8), Variant("some", 3), 3),
    ],
)
def test_lower_accepts_more_than_lifting_gives(side: Any, t: Any, value: Any, lifted: Any) -> None:
    guest = side()
    assert guest.lift(t, *guest.lower(t, value)) == lifted
    assert guest.load(t, guest.store_value(t, value)) == lifted


@pytest.mark.parametrize(
    ("t", "value", "message"),
    [
        (wit.U8, 256, "expected u8, got int 256, which is not in 0..255"),
        (wit.S32, 1 << 200, "expected s32, got int of 201 bits, which is not in -2147483648..2147483647"),
        (wit.U32, 1.0, "expected u32, got float 1.0"),
        (wit.S64, "1", "expected s64, got str '1'"),
        (wit.BOOL, 1, "expected bool, got int 1"),
        (wit.F64, "1", "expected f64, got str '1'"),
        (wit.F32, 10**400, "expected f32, got int of 1329 bits"),
        (wit.CHAR, "ab", "expected char (a str of length 1), got str 'ab'"),
        (wit.CHAR, "\ud800", "expected char (a str of length 1), got str '\\ud800'"),
        (wit.STRING, b"x", "expected string, got bytes of length 1"),
        (wit.STRING, "a\ud800", "expected string, got one with a lone surrogate at index 1"),
        (wit.List(wit.U16), "ab", "expected list<u16>, got str 'ab'"),
        (wit.List(wit.U16), [1, 2, -1], "[2]: expected u16, got int -1, which is not in 0..65535"),
        (wit.List(wit.U8), [1, 256], "[1]: expected u8, got int 256, which is not in 0..255"),
        (wit.List(wit.F64), [1.0, None], "[1]: expected f64, got None"),
        (wit.List(wit.BOOL), [True, 0], "[1]: expected bool, got int 0"),
        (wit.List(wit.STRING), ["a", 1], "[1]: expected string, got int 1"),
        (wit.List(wit.Option(wit.U8)), [None, "x"], "[1] > case 'some': expected u8, got str 'x'"),
        (wit.List(wit.U8, 2), [1], "expected list<u8, 2>, got 1 elements"),
        (wit.List(wit.STRING, 2), ["a", 2], "[1]: expected string, got int 2"),
        (wit.Enum(("a", "b")), "c", "expected enum {a, b}, got str 'c'"),
        (wit.Enum(("a", "b")), ["a"], "expected enum {a, b}, got list of length 1"),
        (wit.Flags(("a", "b")), {"c"}, "expected flags {a, b}, got a set with str 'c'"),
        (wit.Flags(("a", "b")), "a", "expected flags {a, b} (a set of str), got str 'a'"),
        (wit.Tuple((wit.U8, wit.STRING)), (1, 2), "[1]: expected string, got int 2"),
        (wit.Option(wit.Tuple((wit.Option(wit.U8),))), 1, "case 'some': expected tuple of 1, got int 1"),
    ],
)
def test_lower_of_a_value_that_does_not_fit_names_its_place(
    side: Any, t: Any, value: Any, message: str
) -> None:
    guest = side()
    with pytest.raises(ValueTypeError) as flat:
        guest.lower(t, value)
    with pytest.raises(ValueTypeError) as stored:
        guest.store_value(t, value)
    assert [str(flat.value), str(stored.value)] == [message, message]


def test_check_f32_rounds_to_nearest() -> None:
    assert check_f32(0.1) == struct.unpack("<f", struct.pack("<f", 0.1))[0]
    assert check_f32(-1e39) == -math.inf


@pytest.mark.parametrize(
    "nest",
    [
        lambda t: wit.List(t),
        lambda t: wit.Option(t),
        lambda t: wit.Record((wit.Field("x", t),)),
        lambda t: wit.Tuple((t, wit.U8)),
        lambda t: wit.Result(t, wit.STRING),
        lambda t: wit.List(t, 1),
    ],
)
def test_adapters_of_a_type_100_deep_work(side: Any, nest: Any) -> None:
    def wrap(value: Any, t: Any) -> Any:
        match t:
            case wit.Record():
                return Record(x=value)
            case wit.Tuple():
                return (value, 1)
            case wit.List():
                return [value]
        return Sums().of(t).build(1 if isinstance(t, wit.Option) else 0, value)

    t: Any = wit.U16
    value: Any = 5
    for _ in range(99):
        t = nest(t)
        value = wrap(value, t)
    guest = side()
    lifted = guest.load(t, guest.store_value(t, value))
    again = guest.load(t, guest.store_value(t, lifted))
    for _ in range(99):
        again = getattr(again, "payload", again)
        again = (
            again.x if isinstance(again, Record) else again[0] if isinstance(again, (list, tuple)) else again
        )
    assert again == 5


@pytest.mark.parametrize("encoding", ["utf8", "utf16"])
def test_lift_string_counts_what_its_widest_character_makes_it_take(side: Any, encoding: str) -> None:
    guest = side(encoding, pages=1, config=Config(max_lifted_bytes=3000))
    text = "a" * 996 + "\U0001f600"
    encoded = text.encode("utf-8" if encoding == "utf8" else "utf-16-le")
    guest.memory.data[: len(encoded)] = encoded
    size = len(encoded) // (1 if encoding == "utf8" else 2)
    with pytest.raises(Trap, match="max_lifted_bytes"):
        guest.lift(wit.STRING, 0, size)


def test_lift_result_of_fixed_length_is_limited(side: Any) -> None:
    guest = side(pages=1, config=Config(max_lifted_bytes=100_000))
    small, large = (wit.List(wit.Tuple((wit.U8,)), count) for count in (100, 60_000))
    lift = {t.length: lift_result(guest.adapters, wit.FuncType((), t)) for t in (small, large)}
    assert lift[100](guest.context(), [0]) == [(0,)] * 100
    with pytest.raises(Trap, match="max_lifted_bytes"):
        lift[60_000](guest.context(), [0])


def test_lift_params_of_fixed_length_are_limited(side: Any) -> None:
    guest = side(pages=1, config=Config(max_lifted_bytes=100_000))
    large = wit.List(wit.Tuple((wit.U8,)), 60_000)
    lift = lift_params(guest.adapters, wit.FuncType((wit.Field("a", large),)))
    with pytest.raises(Trap, match="max_lifted_bytes"):
        lift(guest.context(), [0])


# Limits of async signatures


def func_of(*params: wit.WitType, result: wit.WitType | None = None) -> wit.FuncType:
    return wit.FuncType(tuple(wit.Field(f"p{i}", t) for i, t in enumerate(params)), result)


def test_lift_params_of_an_async_lowering_are_spilled_beyond_four(side: Any) -> None:
    guest = side()
    four, five = func_of(*[wit.U32] * 4), func_of(*[wit.U32] * 5)
    assert lift_params(guest.adapters, four, max_flat=4)(guest.context(), [1, 2, 3, 4]) == [1, 2, 3, 4]
    struct.pack_into("<5I", guest.memory.data, 64, 1, 2, 3, 4, 5)
    assert lift_params(guest.adapters, five, max_flat=4)(guest.context(), [64]) == [1, 2, 3, 4, 5]
    assert lift_params(guest.adapters, five)(guest.context(), [1, 2, 3, 4, 5]) == [1, 2, 3, 4, 5]


def test_lower_result_of_an_async_lowering_is_stored_always(side: Any) -> None:
    guest = side()
    lower = lower_result(guest.adapters, func_of(wit.U8, result=wit.U16), max_flat=0)
    assert lower(guest.context(), 0x1234, [7, 64]) == []
    assert guest.memory.data[64:66] == b"\x34\x12"
    with pytest.raises(Trap, match=r"^unaligned pointer"):
        lower(guest.context(), 1, [7, 65])
    with pytest.raises(Trap, match=r"^pointer out of bounds"):
        lower(guest.context(), 1, [7, 4 * 65536])


def test_lift_result_of_a_task_return_takes_up_to_sixteen_flat_values(side: Any) -> None:
    guest = side()
    most, more = (wit.Tuple((wit.U8,) * count) for count in (16, 17))
    lift = lift_result(guest.adapters, func_of(result=most), max_flat=16)
    assert lift(guest.context(), range(16)) == tuple(range(16))
    guest.memory.data[64:81] = bytes(range(17))
    lift = lift_result(guest.adapters, func_of(result=more), max_flat=16)
    assert lift(guest.context(), [64]) == tuple(range(17))


# Ranges that have been checked: the buffers of streams

PAIR = wit.Tuple((wit.U8, wit.STRING))


@pytest.mark.parametrize(
    ("element", "values", "lifted"),
    [
        (wit.U8, b"abc", b"abc"),
        (wit.U8, [1, 2, 3], b"\1\2\3"),
        (wit.U32, [1, 2, 3], [1, 2, 3]),
        (wit.F64, (1.0, 2.5), [1.0, 2.5]),
        (PAIR, [(1, "a"), (2, "b")], [(1, "a"), (2, "b")]),
        (wit.Option(wit.U8), [None, 1], [None, 1]),
        (wit.U16, [], []),
    ],
)
def test_valid_range_holds_the_elements_that_were_stored(
    side: Any, element: Any, values: Any, lifted: Any
) -> None:
    guest = side()
    guest.next = 128
    guest.adapters.store_list_into_valid_range(element)(guest.context(), values, 64)
    load = guest.adapters.load_list_from_valid_range(element)
    assert load(guest.context(), 64, len(values)) == lifted
    assert load(guest.context(), 64, 0) == lifted[:0]


def test_valid_range_that_is_loaded_is_accounted_for(side: Any) -> None:
    guest = side(config=Config(max_lifted_bytes=1000))
    with pytest.raises(Trap, match="max_lifted_bytes"):
        guest.adapters.load_list_from_valid_range(wit.U64)(guest.context(), 0, 100)


class Growing(list[Any]):
    """A list that has more elements than it says."""

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize("element", [wit.U8, wit.U32, wit.F64, wit.CHAR])
def test_valid_range_is_not_passed_by_a_list_that_lies(side: Any, element: Any) -> None:
    guest = side()
    values = Growing("ab") if element == wit.CHAR else Growing([1, 2, 3])
    with pytest.raises(ValueTypeError, match="changed its length"):
        guest.adapters.store_list_into_valid_range(element)(guest.context(), values, 64)
    assert not any(guest.memory.data)


def test_valid_range_of_variants_is_not_passed_by_a_list_that_lies(side: Any) -> None:
    guest = side()
    guest.adapters.store_list_into_valid_range(wit.Option(wit.U8))(guest.context(), Growing([1, 2]), 64)
    assert guest.memory.data[64:68] == b"\1\1\0\0"
