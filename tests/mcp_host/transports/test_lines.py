from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_host.transports import OverlongMessage
from mcp_host.transports.lines import LineBuffer


def described(messages: object) -> list[object]:
    return ["overlong" if isinstance(m, OverlongMessage) else m for m in messages]  # type: ignore[attr-defined]


@given(st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.data())
def test_feed_however_cut_gives_the_lines(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    buffer, found, pos = LineBuffer(limit=8), [], 0
    while pos < len(stream):
        size = data.draw(st.integers(1, 9))
        found += described(buffer.feed(stream[pos : pos + size]))
        pos += size
    assert found == [line if len(line) <= 8 else "overlong" for line in lines]


def test_feed_overlong_line_is_reported_before_its_end_and_skipped_to_it() -> None:
    buffer = LineBuffer(limit=4)
    assert described(buffer.feed(b"abcde")) == ["overlong"]
    assert described(buffer.feed(b"f" * 1000)) == []
    assert described(buffer.feed(b"g\nok\n")) == [b"ok"]


def test_finish_gives_the_line_without_newline() -> None:
    buffer = LineBuffer(limit=4)
    assert described(buffer.feed(b"a\nbc")) == [b"a"]
    assert list(buffer.finish()) == [b"bc"]
    assert list(buffer.finish()) == []
    assert described(buffer.feed(b"abcdef")) == ["overlong"]
    assert list(buffer.finish()) == []
