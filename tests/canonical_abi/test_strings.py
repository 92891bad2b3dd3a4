"""Strings from one component's memory to another's: what is asked of realloc, and what arrives."""

from typing import Any

import pytest

from pywrt.canonical_abi.strings import utf16_tag
from pywrt.canonical_abi.values import Sums, Utf16String
from pywrt.errors import Trap, ValueTypeError
from pywrt.wasm.types import I32, I64
from pywrt.wit import types as wit

#: source, destination, text -> (old size, alignment, size) of each realloc.
#: "tagged" is UTF-16 in a latin1+utf16 memory, "latin1" the other form.
TRANSCODINGS = [
    ("utf8", "utf8", "aé", [(0, 1, 3)]),
    ("utf16", "utf8", "ab", [(0, 1, 2)]),
    ("utf16", "utf8", "aé", [(0, 1, 2), (2, 1, 6), (6, 1, 3)]),
    ("utf16", "utf8", "☃", [(0, 1, 1), (1, 1, 3)]),
    ("utf16", "utf8", "a😀", [(0, 1, 3), (3, 1, 9), (9, 1, 5)]),
    ("latin1", "utf8", "ab", [(0, 1, 2)]),
    ("latin1", "utf8", "aé", [(0, 1, 2), (2, 1, 4), (4, 1, 3)]),
    ("latin1", "utf8", "é", [(0, 1, 1), (1, 1, 2)]),
    ("tagged", "utf8", "é", [(0, 1, 1), (1, 1, 3), (3, 1, 2)]),
    ("utf8", "utf16", "ab", [(0, 2, 4)]),
    ("utf8", "utf16", "aé", [(0, 2, 6), (6, 2, 4)]),
    ("utf16", "utf16", "aé", [(0, 2, 4)]),
    ("latin1", "utf16", "aé", [(0, 2, 4)]),
    ("tagged", "utf16", "a☃", [(0, 2, 4)]),
    ("utf8", "latin1+utf16", "ab", [(0, 2, 2)]),
    ("utf8", "latin1+utf16", "aé", [(0, 2, 3), (3, 2, 2)]),
    ("utf8", "latin1+utf16", "é☃", [(0, 2, 5), (5, 2, 10), (10, 2, 4)]),
    ("utf8", "latin1+utf16", "😀", [(0, 2, 4), (4, 2, 8), (8, 2, 4)]),
    ("utf16", "latin1+utf16", "aé", [(0, 2, 2)]),
    ("utf16", "latin1+utf16", "a☃", [(0, 2, 2), (2, 2, 4)]),
    ("latin1", "latin1+utf16", "aé", [(0, 2, 2)]),
    ("tagged", "latin1+utf16", "aé", [(0, 2, 4), (4, 1, 2)]),
    ("tagged", "latin1+utf16", "a☃", [(0, 2, 4)]),
    ("tagged", "latin1+utf16", "", [(0, 2, 0), (0, 1, 0)]),
    ("utf8", "utf16", "", [(0, 2, 0)]),
]
POINTERS = pytest.mark.parametrize("pointer", [I32, I64], ids=str)


def lifted_from(side: Any, source: str, text: str, pointer: Any) -> tuple[str, str]:
    """`text` lifted from memory in encoding `source`; the canonical option that the memory has."""
    encoding = source if source.startswith("utf") else "latin1+utf16"
    codec = {"utf8": "utf-8", "latin1": "latin-1"}.get(source, "utf-16-le")
    guest, encoded = side(encoding, pointer=pointer), text.encode(codec)
    guest.memory.data[64 : 64 + len(encoded)] = encoded
    length = len(encoded) if codec != "utf-16-le" else len(encoded) // 2
    if source == "tagged":
        length |= utf16_tag(pointer)
    return guest.adapters.lift_flat(wit.STRING)(guest.context(fused=True), [64, length], 0), encoding


def transcode(guest: Any, value: str, source_encoding: str) -> list[int]:
    flat: list[int] = []
    cx = guest.context(fused=True, source_encoding=source_encoding)
    guest.adapters.lower_flat(wit.STRING)(cx, value, flat)
    return flat


@POINTERS
@pytest.mark.parametrize(("source", "destination", "text", "reallocs"), TRANSCODINGS)
def test_transcoding_asks_realloc_for_what_the_specification_says(
    side: Any, source: str, destination: str, text: str, reallocs: Any, pointer: Any
) -> None:
    value, source_encoding = lifted_from(side, source, text, pointer)
    assert value == text
    guest = side(destination, pointer=pointer)
    flat = transcode(guest, value, source_encoding)
    assert [call[1:] for call in guest.reallocs] == reallocs
    assert guest.lift(wit.STRING, *flat) == text
    wide = destination == "latin1+utf16" and any(char > "\xff" for char in text)
    assert bool(flat[1] & utf16_tag(pointer)) == wide


@pytest.mark.parametrize(("source", "destination", "text", "reallocs"), TRANSCODINGS)
def test_transcoding_gives_realloc_the_pointer_it_returned_before(
    side: Any, source: str, destination: str, text: str, reallocs: Any
) -> None:
    value, source_encoding = lifted_from(side, source, text, I32)
    guest = side(destination)
    given: list[int] = [0]

    def realloc(old: int, *rest: int) -> int:
        assert old == given[-1]
        given.append(guest.bump(old, *rest))
        return given[-1]

    guest.realloc = realloc
    assert transcode(guest, value, source_encoding)[0] == given[-1]


@pytest.mark.parametrize(("source", "destination", "text", "reallocs"), TRANSCODINGS)
@pytest.mark.parametrize(("ptr", "message"), [(0x7FFFFFFE, "string content out-of-bounds"), (7, "unaligned")])
def test_transcoding_checks_what_each_realloc_returned(
    side: Any, source: str, destination: str, text: str, reallocs: Any, ptr: int, message: str
) -> None:
    value, source_encoding = lifted_from(side, source, text, I32)
    for bad, (_, alignment, _) in enumerate(reallocs):
        if ptr == 7 and alignment == 1:
            continue
        guest = side(destination)

        def realloc(*args: int, guest: Any = guest, bad: int = bad) -> int:
            return ptr if len(guest.reallocs) == bad else guest.bump(*args)

        guest.realloc = realloc
        with pytest.raises(Trap, match=f"^{message}"):
            transcode(guest, value, source_encoding)
        assert len(guest.memory.data) == 4 * 65536


@pytest.mark.parametrize(("source", "destination", "text", "reallocs"), TRANSCODINGS)
def test_transcoding_with_a_realloc_that_moves_nothing_stays_in_its_range(
    side: Any, source: str, destination: str, text: str, reallocs: Any
) -> None:
    value, source_encoding = lifted_from(side, source, text, I32)
    guest = side(destination)
    guest.memory.data[:] = b"\xee" * len(guest.memory.data)
    largest = max(size for *_, size in reallocs)
    guest.realloc = lambda *args: 1024
    ptr, _ = transcode(guest, value, source_encoding)
    assert ptr == 1024
    assert guest.memory.data[:1024] == b"\xee" * 1024
    rest = guest.memory.data[1024 + largest :]
    assert rest == b"\xee" * len(rest)


@pytest.mark.parametrize("encoding", ["utf8", "utf16", "latin1+utf16"])
@pytest.mark.parametrize("text", ["ab", "aé", "é☃", "😀"])
def test_lower_string_of_the_host_asks_for_its_final_size_once(side: Any, encoding: str, text: str) -> None:
    guest = side(encoding)
    ptr, length = guest.lower(wit.STRING, text)
    assert len(guest.reallocs) == 1
    assert guest.lift(wit.STRING, ptr, length) == text


def test_utf16_string_is_matched_as_a_string(side: Any) -> None:
    """A case of the same name must not be taken for it."""
    t = wit.Variant((wit.Case("text", wit.STRING), wit.Case("none")))
    value, _ = lifted_from(side, "tagged", "none", I32)
    assert type(value) is Utf16String
    assert Sums().of(t).match(value) == (0, "none")


def test_lift_string_for_the_host_is_a_plain_str(side: Any) -> None:
    guest = side("latin1+utf16")
    guest.memory.data[64:66] = b"a\0"
    assert type(guest.lift(wit.STRING, 64, 1 | 1 << 31)) is str


@pytest.mark.parametrize(
    ("source", "encoded", "length"),
    [
        ("utf8", "é".encode()[:1], 1),
        ("utf8", "a☃".encode()[:3], 3),
        ("utf16", "😀".encode("utf-16-le")[:2], 1),
        ("utf16", "😀".encode("utf-16-le")[2:], 1),
        ("latin1+utf16", "😀".encode("utf-16-le")[:2], 1 | 1 << 63),
    ],
)
def test_lift_string_cut_inside_a_character_traps(
    side: Any, source: str, encoded: bytes, length: int
) -> None:
    guest = side(source, pointer=I64)
    guest.memory.data[64 : 64 + len(encoded)] = encoded
    with pytest.raises(Trap) as caught:
        guest.lift(wit.STRING, 64, length)
    assert caught.value.code == "invalid-string"


@pytest.mark.parametrize("encoding", ["utf8", "utf16", "latin1+utf16"])
def test_lower_string_that_no_realloc_may_be_asked_for_raises(
    side: Any, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pywrt.canonical_abi.strings.REALLOC_I32_MAX", 3)
    guest = side(encoding)
    with pytest.raises(ValueTypeError, match=r"^the string's \d bytes are more than 3"):
        guest.lower(wit.STRING, "abcd")
    assert guest.reallocs == []


def test_lower_list_that_no_realloc_may_be_asked_for_raises(
    side: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pywrt.canonical_abi.store.REALLOC_I32_MAX", 15)
    guest = side()
    for t, value in ((wit.List(wit.U64), [1, 2]), (wit.List(wit.STRING), ["a", "b"])):
        with pytest.raises(ValueTypeError, match=r"^the list's 16 bytes are more than 15"):
            guest.lower(t, value)
    assert guest.reallocs == []
