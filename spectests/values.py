"""Script values to raw values of the engine and back. NaNs are compared bit for bit."""

from typing import Any

from pywrt.engine.numeric import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from pywrt.runtime.func import Func
from pywrt.wasm.text.script import Const, Either, RefConst, Result, Value
from pywrt.wasm.types import ValType

#: Exponent and top payload bit of a NaN, and the sign bit.
_NANS = {"f32": (0x7FC00000, 1 << 31), "f64": (0x7FF8 << 48, 1 << 63)}


class HostRef:
    """What `(ref.extern n)` is in the host."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


def to_raw(value: Value) -> Any:
    """The engine's representation of an argument."""
    if isinstance(value, RefConst):
        return None if value.kind == "null" else HostRef(value.value if isinstance(value.value, int) else 0)
    if value.type == "f32":
        return f32_from_bits(value.bits)
    if value.type == "f64":
        return f64_from_bits(value.bits)
    return value.bits


def to_bits(raw: Any, type: str) -> int:
    """The bit pattern of a raw number of type i32, i64, f32 or f64."""
    if type == "f32":
        return f32_to_bits(raw)
    if type == "f64":
        return f64_to_bits(raw)
    return int(raw)


def matches(raw: Any, type: ValType, pattern: Result) -> bool:
    """Whether a result of type `type` is what a script expects."""
    if isinstance(pattern, Either):
        return any(matches(raw, type, option) for option in pattern.options)
    if isinstance(pattern, RefConst):
        return _matches_reference(raw, pattern)
    if type.name != pattern.type:
        return False
    bits = to_bits(raw, type.name)
    if isinstance(pattern, Const):
        return bits == pattern.bits
    quiet, sign = _NANS[type.name]
    return bits & ~sign == quiet if pattern.kind == "canonical" else bits & quiet == quiet


def _matches_reference(raw: Any, pattern: RefConst) -> bool:
    if pattern.kind == "null":
        return raw is None
    if pattern.kind == "func":
        return isinstance(raw, Func)
    if pattern.value is None:
        return raw is not None and not isinstance(raw, Func)
    return isinstance(raw, HostRef) and raw.value == pattern.value


def shown(raw: Any, type: ValType) -> str:
    """A raw value for messages."""
    if type.name in ("i32", "i64", "f32", "f64"):
        return str(Const(type.name, to_bits(raw, type.name)))
    if raw is None:
        return "ref.null"
    return f"ref.extern {raw.value}" if isinstance(raw, HostRef) else repr(raw)
