"""wasi:cli."""

import io
import os
from typing import Any

import pytest

from pywrt.canonical_abi.values import Err, Variant
from pywrt.errors import ExitTrap
from pywrt.wasi.preview2 import WasiCtx, interfaces
from pywrt.wasi.preview2.cli import TerminalInput, TerminalOutput


def call(ctx: WasiCtx, interface: str, name: str, *args: Any) -> Any:
    function: Any = interfaces(ctx)[f"wasi:cli/{interface}"][name]
    return function(*args)


def test_environment_is_what_the_embedder_gave() -> None:
    ctx = WasiCtx(args=["prog", "é"], env=[("A", "1"), ("A", "2")], initial_cwd="/data")
    assert call(ctx, "environment", "get-arguments") == ["prog", "é"]
    assert call(ctx, "environment", "get-environment") == [("A", "1"), ("A", "2")]
    assert call(ctx, "environment", "initial-cwd") == "/data"


@pytest.mark.parametrize(
    ("name", "argument", "status"),
    [
        ("exit", Variant("ok"), 0),
        ("exit", Variant("err"), 1),
        ("exit", ("ok", None), 0),
        ("exit", ("err", None), 1),
        ("exit-with-code", 0, 0),
        ("exit-with-code", 255, 255),
    ],
)
def test_exit_ends_the_guest_with_its_status(name: str, argument: Any, status: int) -> None:
    with pytest.raises(ExitTrap, match=f"exited with status {status}") as caught:
        call(WasiCtx(), "exit", name, argument)
    assert caught.value.status == status


def test_stdin_streams_go_on_where_the_last_one_stopped() -> None:
    ctx = WasiCtx(stdin=b"line 1\nline 2\n")
    first = call(ctx, "stdin", "get-stdin")
    assert first.read(7) == b"line 1\n"
    first.drop()
    assert call(ctx, "stdin", "get-stdin").blocking_read(100) == b"line 2\n"


def test_stdin_by_default_is_at_its_end() -> None:
    stream = call(WasiCtx(), "stdin", "get-stdin")
    assert stream.subscribe().ready() is True
    with pytest.raises(Err) as caught:
        stream.blocking_read(1)
    assert caught.value.payload == Variant("closed")


@pytest.mark.parametrize("which", ["stdout", "stderr"])
def test_output_goes_where_the_embedder_says(which: str) -> None:
    file = io.BytesIO()
    ctx = WasiCtx(**{which: file})
    for text in (b"one ", b"two"):
        stream = call(ctx, which, f"get-{which}")
        stream.blocking_write_and_flush(text)
        stream.drop()
    assert file.getvalue() == b"one two"
    other = {"stdout": "stderr", "stderr": "stdout"}[which]
    call(ctx, other, f"get-{other}").blocking_write_and_flush(b"nowhere")
    assert file.getvalue() == b"one two"


def test_terminals_are_none_unless_a_stream_is_one() -> None:
    ctx = WasiCtx(stdin=b"", stdout=io.BytesIO())
    for which in ("stdin", "stdout", "stderr"):
        assert call(ctx, f"terminal-{which}", f"get-terminal-{which}") is None
    try:
        controller, terminal = os.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal can be had here: {error}")
    try:
        ctx = WasiCtx(stdin=terminal, stderr=terminal)
        assert isinstance(call(ctx, "terminal-stdin", "get-terminal-stdin"), TerminalInput)
        assert call(ctx, "terminal-stdout", "get-terminal-stdout") is None
        assert isinstance(call(ctx, "terminal-stderr", "get-terminal-stderr"), TerminalOutput)
        call(ctx, "stderr", "get-stderr").blocking_write_and_flush(b"hello")
        assert os.read(controller, 100) == b"hello"
    finally:
        os.close(controller)
        os.close(terminal)
