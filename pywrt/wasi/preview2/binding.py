"""What a host interface is made of, and reading the values that a component passes.

A component's own types are the truth, and a component may be built against another revision of an
interface: so fields and cases are looked up by name, in whichever form the value came.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pywrt.canonical_abi.handles import HostResource

#: The functions and resources of one interface by their WIT names (`[method]input-stream.read`, ...).
Interface = dict[str, Callable[..., Any] | HostResource]


def field_of(record: Any, name: str) -> Any:
    """Field `name` (kebab-case) of a record: an attribute, or an entry of a mapping."""
    if isinstance(record, Mapping):
        return record[name]
    return getattr(record, name.replace("-", "_"))


def case_of(value: Any, payload_case: str | None = None) -> tuple[str | None, Any]:
    """(case name, payload) of a variant or result, given as an object with `tag` and `payload`, a pair, a
    name, or the bare payload of `payload_case`."""
    tag = getattr(value, "tag", None)
    if isinstance(tag, str):
        return tag, value.payload
    if isinstance(value, str):
        return value, None
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        return value[0], value[1]
    return payload_case, value
