"""`wat2wasm`: modules that a program holds as text.

It stands in a module of its own, which the root doesn't import: the text parser takes 4 ms to import.
"""

from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module


def wat2wasm(text: str | bytes) -> bytes:
    """The binary format of a module in the text format, with the text's names in a name section.

    `text` is `(module ...)`, or its fields alone; bytes are UTF-8. The module is not validated: `Module`
    does that. MalformedError says line and column. Spec: text/
    """
    return encode_module(parse_module(text))
