"""The `name` custom section. Spec: appendix/custom.html#name-section

Names are for people: what is malformed in the section is left out, never an error.
"""

from pywrt.errors import MalformedError
from pywrt.wasm.binary.reader import Reader
from pywrt.wasm.module import Module

_MODULE, _FUNCTIONS = 0, 1


def _subsection(module: Module, wanted: int) -> Reader | None:
    """The content of the first subsection `wanted`."""
    for custom in module.customs:
        if custom.name != "name":
            continue
        reader = Reader(custom.data, 0, len(custom.data))
        try:
            while reader.pos < reader.end:
                subsection = reader.byte()
                size = reader.u32()
                start = reader.skip(size)
                if subsection == wanted:
                    return Reader(custom.data, start, start + size)
        except MalformedError:
            continue
    return None


def _name(reader: Reader) -> str:
    """A name, with U+FFFD for what is not UTF-8."""
    size = reader.u32()
    start = reader.skip(size)
    return reader.data[start : start + size].decode(errors="replace")


def module_name(module: Module) -> str | None:
    """The module's name, or None if it has none or it is malformed."""
    reader = _subsection(module, _MODULE)
    try:
        return None if reader is None else _name(reader)
    except MalformedError:
        return None


def function_names(module: Module) -> dict[int, str]:
    """Names by function index; those before the first malformed entry if there is one.

    Takes time in proportion to the section: ask once and keep the answer.
    """
    names: dict[int, str] = {}
    reader = _subsection(module, _FUNCTIONS)
    if reader is not None:
        try:
            for _ in range(reader.u32()):
                index = reader.u32()
                names[index] = _name(reader)
        except MalformedError:
            pass
    return names
