"""Bounded reading of the binary format's values. Spec: binary/values.html

Two forms: functions over `(data, pos, end)` for loops that keep `pos` in a local variable, and the
`Reader` for everything else. Neither reads at or behind `end`, nor allocates for a count that it has only
been told. An integer of one byte, which nearly all are, takes a short path; LEB128 in full is in
`read_unsigned` and `read_signed`.
"""

from collections.abc import Callable
from typing import TypeVar

from pywrt.errors import LimitError, MalformedError

T = TypeVar("T")

UNEXPECTED_END = "unexpected end of section or function"


def read_unsigned(data: bytes, pos: int, end: int, bits: int) -> tuple[int, int]:
    """The unsigned LEB128 integer of at most `bits` bits at `pos`, and the position behind it."""
    value = shift = 0
    while True:
        if pos >= end:
            raise MalformedError(UNEXPECTED_END, offset=end)
        byte = data[pos]
        pos += 1
        left = bits - shift
        if left < 7 and (byte & 0x7F) >> left:
            raise MalformedError("integer too large", offset=pos - 1)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, pos
        shift += 7
        if shift >= bits:
            raise MalformedError("integer representation too long", offset=pos - 1)


def read_signed(data: bytes, pos: int, end: int, bits: int) -> tuple[int, int]:
    """The signed LEB128 integer of at most `bits` bits at `pos`, and the position behind it."""
    value = shift = 0
    while True:
        if pos >= end:
            raise MalformedError(UNEXPECTED_END, offset=end)
        byte = data[pos]
        pos += 1
        left = bits - shift
        if left < 7:  # the bits beyond must repeat the sign
            unused = -1 << (left - 1) & 0x7F
            if byte & unused not in (0, unused):
                raise MalformedError("integer too large", offset=pos - 1)
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value - (1 << shift) if byte & 0x40 else value, pos
        if shift >= bits:
            raise MalformedError("integer representation too long", offset=pos - 1)


class Reader:
    """A position in `data` and a bound that it does not pass. All methods raise MalformedError."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int, end: int) -> None:
        self.data = data
        self.pos = pos
        self.end = end

    def byte(self) -> int:
        """One byte."""
        pos = self.pos
        if pos >= self.end:
            raise MalformedError(UNEXPECTED_END, offset=self.end)
        self.pos = pos + 1
        return self.data[pos]

    def u32(self) -> int:
        """An unsigned integer of 32 bits."""
        pos = self.pos
        if pos < self.end and (byte := self.data[pos]) < 0x80:
            self.pos = pos + 1
            return byte
        value, self.pos = read_unsigned(self.data, pos, self.end, 32)
        return value

    def u64(self) -> int:
        """An unsigned integer of 64 bits."""
        value, self.pos = read_unsigned(self.data, self.pos, self.end, 64)
        return value

    def signed(self, bits: int) -> int:
        """A signed integer of `bits` bits."""
        value, self.pos = read_signed(self.data, self.pos, self.end, bits)
        return value

    def count(self, what: str, limit: int) -> int:
        """The length of a vector of `what`; LimitError past `limit` where the bytes for it are there."""
        start = self.pos
        count = self.u32()
        if limit < count <= self.end - self.pos:
            raise LimitError(f"too many {what}: {count} at offset 0x{start:x}, at most {limit} are allowed")
        return count

    def u32s(self, count: int) -> list[int]:
        """`count` unsigned integers of 32 bits."""
        data, pos, end = self.data, self.pos, self.end
        values = []
        for _ in range(count):
            if pos >= end:
                raise MalformedError(UNEXPECTED_END, offset=end)
            value = data[pos]
            if value < 0x80:
                pos += 1
            else:
                value, pos = read_unsigned(data, pos, end, 32)
            values.append(value)
        self.pos = pos
        return values

    def vector(self, item: "Callable[[Reader], T]", count: int) -> "list[T]":
        """`count` things that `item` reads."""
        return [item(self) for _ in range(count)]

    def skip(self, size: int) -> int:
        """Pass over `size` bytes; return where they start."""
        start = self.pos
        if size > self.end - start:
            raise MalformedError(UNEXPECTED_END, offset=self.end)
        self.pos = start + size
        return start

    def name(self) -> str:
        """A name: its length in bytes, then UTF-8. Spec: binary/values.html#names"""
        before = self.pos
        size = self.u32()
        start = self.pos
        if size > self.end - start:
            raise MalformedError("length out of bounds", offset=before)
        self.pos = start + size
        try:
            return self.data[start : self.pos].decode()
        except UnicodeDecodeError as error:
            raise MalformedError("malformed UTF-8 encoding", offset=start + error.start) from None
