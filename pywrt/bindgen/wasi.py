"""Which of a component's imports pywrt's own WASI serves, so that nobody else has to."""

from pywrt.component.component import match_name
from pywrt.wasi.preview2 import VERSION, WasiCtx, interfaces

_SERVED = {f"{name}@{VERSION}": None for name in interfaces(WasiCtx())}


def is_wasi(interface: str) -> bool:
    """Whether `pywrt.wasi.preview2.add_to_linker` defines an interface, in a compatible version."""
    return match_name(interface, _SERVED) is not None
