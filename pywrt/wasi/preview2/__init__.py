"""WASI 0.2 for components: `add_to_linker(linker, WasiCtx(...))`.

cli, io, clocks, random and filesystem are real and complete; sockets and http can be linked and answer
that access is denied. Nothing of the host is open to a guest unless its `WasiCtx` opens it.
"""

from pywrt.canonical_abi.handles import HostResource
from pywrt.component.linker import Linker
from pywrt.wasi.preview2 import cli, clocks, filesystem, http, io, random, sockets
from pywrt.wasi.preview2.binding import Interface
from pywrt.wasi.preview2.context import Preopen, WasiCtx
from pywrt.wasi.preview2.signatures import bound

__all__ = ["VERSION", "Preopen", "WasiCtx", "add_to_linker", "interfaces"]

#: The revision that is implemented. A linker serves every import of 0.2.x with it.
VERSION = "0.2.12"


def interfaces(ctx: WasiCtx) -> dict[str, Interface]:
    """The table of every WASI interface by its name without a version (`wasi:io/poll`), acting on `ctx`."""
    return {
        **io.INTERFACES,
        **clocks.interfaces(ctx),
        **random.interfaces(ctx),
        **cli.interfaces(ctx),
        **filesystem.interfaces(ctx),
        **sockets.INTERFACES,
        **http.interfaces(),
    }


def add_to_linker(linker: Linker, ctx: WasiCtx) -> None:
    """Define all of WASI 0.2 in `linker`, for guests whose world is `ctx`."""
    with linker.root() as root:
        for name, table in interfaces(ctx).items():
            with root.add_instance(f"{name}@{VERSION}") as instance:
                for member, item in table.items():
                    if isinstance(item, HostResource):
                        instance.add_resource(member, item)
                    else:
                        instance.add_typed_func(member, bound(name, member, item))
