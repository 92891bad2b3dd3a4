"""wasi:random with random functions that a test chooses."""

from typing import Any

import pytest

from pywrt.errors import Trap
from pywrt.wasi.preview2 import WasiCtx, interfaces


def call(ctx: WasiCtx, interface: str, name: str, *args: Any) -> Any:
    function: Any = interfaces(ctx)[f"wasi:random/{interface}"][name]
    return function(*args)


def counting(length: int) -> bytes:
    return bytes(index & 255 for index in range(1, length + 1))


def test_random_of_the_host_differs_each_time() -> None:
    ctx = WasiCtx()
    assert len(call(ctx, "random", "get-random-bytes", 32)) == 32
    assert call(ctx, "random", "get-random-bytes", 32) != call(ctx, "random", "get-random-bytes", 32)
    assert call(ctx, "random", "get-random-bytes", 0) == b""
    assert 0 <= call(ctx, "random", "get-random-u64") < 1 << 64
    assert call(WasiCtx(), "insecure-seed", "insecure-seed") != call(
        WasiCtx(), "insecure-seed", "insecure-seed"
    )


def test_random_of_an_embedder_is_what_the_guest_gets() -> None:
    ctx = WasiCtx(random=counting)
    assert call(ctx, "random", "get-random-bytes", 3) == b"\1\2\3"
    assert call(ctx, "random", "get-random-u64") == 0x0807060504030201
    assert call(ctx, "insecure", "get-insecure-random-bytes", 2) == b"\1\2"
    assert call(ctx, "insecure", "get-insecure-random-u64") == 0x0807060504030201
    assert call(ctx, "insecure-seed", "insecure-seed") == (0x0807060504030201, 0x100F0E0D0C0B0A09)


def test_insecure_random_can_be_another() -> None:
    ctx = WasiCtx(random=counting, insecure_random=bytes)
    assert call(ctx, "random", "get-random-bytes", 2) == b"\1\2"
    assert call(ctx, "insecure", "get-insecure-random-bytes", 2) == b"\0\0"
    assert call(ctx, "insecure-seed", "insecure-seed") == (0, 0)


def test_insecure_seed_stays_the_same() -> None:
    ctx = WasiCtx()
    assert call(ctx, "insecure-seed", "insecure-seed") == call(ctx, "insecure-seed", "insecure-seed")


@pytest.mark.parametrize("length", [101, 1 << 40, (1 << 64) - 1])
@pytest.mark.parametrize(
    ("interface", "name"), [("random", "get-random-bytes"), ("insecure", "get-insecure-random-bytes")]
)
def test_random_bytes_past_the_limit_trap(interface: str, name: str, length: int) -> None:
    ctx = WasiCtx(max_random_bytes=100)
    with pytest.raises(Trap, match=f"{length} random bytes requested, the limit is 100"):
        call(ctx, interface, name, length)
    assert len(call(ctx, interface, name, 100)) == 100


def test_random_bytes_have_a_limit_by_default() -> None:
    with pytest.raises(Trap, match="random bytes requested, the limit is"):
        call(WasiCtx(), "random", "get-random-bytes", (1 << 64) - 1)
