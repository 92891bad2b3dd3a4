"""wasi:random 0.2: random, insecure and insecure-seed, from the random functions of a `WasiCtx`."""

from collections.abc import Callable

from pywrt.errors import Trap
from pywrt.wasi.preview2.binding import Interface
from pywrt.wasi.preview2.context import WasiCtx


def interfaces(ctx: WasiCtx) -> dict[str, Interface]:
    """The tables of wasi:random. More than `ctx.max_random_bytes` in one request traps."""

    def bytes_of(source: Callable[[int], bytes], length: int) -> bytes:
        if length > ctx.max_random_bytes:
            raise Trap(f"{length} random bytes requested, the limit is {ctx.max_random_bytes}")
        return source(length)

    def u64_of(source: Callable[[int], bytes]) -> int:
        return int.from_bytes(source(8), "little")

    return {
        "wasi:random/random": {
            "get-random-bytes": lambda length: bytes_of(ctx.random, length),
            "get-random-u64": lambda: u64_of(ctx.random),
        },
        "wasi:random/insecure": {
            "get-insecure-random-bytes": lambda length: bytes_of(ctx.insecure_random, length),
            "get-insecure-random-u64": lambda: u64_of(ctx.insecure_random),
        },
        "wasi:random/insecure-seed": {
            "insecure-seed": lambda: ctx.insecure_seed,
        },
    }
