"""The `name` custom section for a module's identifiers. Spec: appendix/custom.html#name-section"""

from collections.abc import Mapping

import leb128

from pywrt.wasm.module import Custom

_MODULE, _FUNCTIONS = 0, 1


def _sized(content: bytes) -> bytes:
    return bytes(leb128.u.encode(len(content))) + content


def name_section(module: str | None, functions: Mapping[str, int], after: int) -> Custom | None:
    """The section with the names of the module and of its functions; None if there are none.

    `functions` gives an index for each name, so that backtraces show what the text says. `after` is the
    id of the module's last section.
    """
    content = b""
    if module is not None:
        content += bytes((_MODULE,)) + _sized(_sized(module.encode()))
    if functions:
        entries = sorted((index, name) for name, index in functions.items())
        encoded = b"".join(bytes(leb128.u.encode(index)) + _sized(name.encode()) for index, name in entries)
        content += bytes((_FUNCTIONS,)) + _sized(bytes(leb128.u.encode(len(entries))) + encoded)
    return Custom("name", content, after) if content else None
