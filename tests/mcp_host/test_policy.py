import logging

import pytest

from mcp_host.config import HostConfig
from mcp_host.policy import matches, wasi_context


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("wasi:*", "wasi:cli/run@0.2.0"),
        ("*", "anything"),
        ("wasi:cli/*", "wasi:cli/run@0.2.0"),
        ("wasi:cli/run", "wasi:cli/run@0.2.0"),
        ("wasi:cli/run@0.2.0", "wasi:cli/run@0.2.0"),
        ("wasi:*/run", "wasi:cli/run@0.2.0"),
        ("wasi:*@0.2.*", "wasi:cli/run@0.2.0"),
        ("a*b*c", "a-b-b-c"),
        ("plain", "plain"),
    ],
)
def test_matches_pattern_that_fits(pattern: str, name: str) -> None:
    assert matches(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("wasi:*", "my:host/log"),
        ("wasi:cli/*", "wasi:clocks/wall-clock@0.2.0"),
        ("wasi:cli/run@0.2.1", "wasi:cli/run@0.2.0"),
        ("wasi:*/run", "wasi:cli/run-more"),
        ("ab*ba", "aba"),
        ("", "wasi:cli/run"),
        ("a*b*c", "a-c"),
    ],
)
def test_matches_pattern_that_does_not_fit(pattern: str, name: str) -> None:
    assert not matches(pattern, name)


def test_wasi_context_output_is_logged_by_lines(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "mcp_host.component"), wasi_context(HostConfig(), "x") as ctx:
        for data in (b"one\ntw", b"o\n\n", b"z" * 20_000):
            ctx.stdout.put(data)
            ctx.stdout.pump()
    messages = [record.getMessage() for record in caplog.records]
    assert messages[:3] == ["stdout: one", "stdout: two", "stdout: "]
    assert [len(message) for message in messages[3:]] == [8200, 8200]


def test_wasi_context_opens_nothing_by_default() -> None:
    with wasi_context(HostConfig(), "x") as ctx:
        assert ctx.args == ["x"]
        assert ctx.env == []
        assert ctx.opened_directories == []
        assert ctx.stdin.take(10) is None
