"""Script values to raw values of the engine and back. Floats are compared bit for bit."""

from typing import Any

from pywrt.engine.numeric import f32_from_bits, f32_to_bits, f64_from_bits, f64_to_bits
from pywrt.runtime.aggregates import I31, Array, Foreign, Struct
from pywrt.wasm.text.script import (
    Const,
    Either,
    ForeignValue,
    NanPattern,
    RefConst,
    Result,
    Value,
    VecConst,
)
from pywrt.wasm.types import ABSTRACT_HEAP_TYPES, RefType, ValType
from pywrt.wasm.valid.subtyping import top_of

#: Exponent and top payload bit of a NaN, and the sign bit.
_NANS = {"f32": (0x7FC00000, 1 << 31), "f64": (0x7FF8 << 48, 1 << 63)}

#: The hierarchy that a pattern is about, and the classes of references that it stands for; () is any.
_REFERENCES: dict[str, tuple[str, tuple[type[Any], ...]]] = {
    "func": ("func", ()),
    "extern": ("extern", ()),
    "exn": ("exn", ()),
    "any": ("any", ()),
    "eq": ("any", (Struct, Array, I31)),
    "i31": ("any", (I31,)),
    "struct": ("any", (Struct,)),
    "array": ("any", (Array,)),
    "host": ("any", (Foreign,)),
}


class HostRef:
    """What `(ref.extern n)` is in the host; `(ref.host n)` is the same in the hierarchy of any."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"{self.number}"


def to_raw(value: Value) -> Any:
    """The engine's representation of an argument."""
    if isinstance(value, ForeignValue):
        raise ValueError(f"{value} is no value of a module")
    if isinstance(value, RefConst):
        return _to_reference(value)
    if isinstance(value, VecConst):
        width = 128 // len(value.lanes)
        return sum(lane.bits << i * width for i, lane in enumerate(value.lanes) if isinstance(lane, Const))
    if value.type == "f32":
        return f32_from_bits(value.bits)
    if value.type == "f64":
        return f64_from_bits(value.bits)
    return value.bits


def _to_reference(value: RefConst) -> Any:
    if value.kind == "null":
        return None
    host = HostRef(value.value if isinstance(value.value, int) else 0)
    return Foreign(host) if value.kind == "host" else host


def to_bits(raw: Any, type: str) -> int:
    """The bit pattern of a raw number of type i32, i64, f32, f64 or v128."""
    if type == "f32":
        return f32_to_bits(raw)
    if type == "f64":
        return f64_to_bits(raw)
    return int(raw)


def matches(raw: Any, type: ValType, pattern: Result) -> bool:
    """Whether a result of type `type` is what a script expects."""
    if isinstance(pattern, Either):
        return any(matches(raw, type, option) for option in pattern.options)
    if isinstance(pattern, ForeignValue):
        return False
    if isinstance(pattern, RefConst):
        return isinstance(type, RefType) and _matches_reference(raw, type, pattern)
    if isinstance(pattern, VecConst):
        return type.name == "v128" and _matches_lanes(raw, pattern)
    return type.name == pattern.type and matches_bits(to_bits(raw, type.name), pattern)


def matches_bits(bits: int, pattern: Const | NanPattern) -> bool:
    if isinstance(pattern, Const):
        return bits == pattern.bits
    quiet, sign = _NANS[pattern.type]
    return bits & ~sign == quiet if pattern.kind == "canonical" else bits & quiet == quiet


def _matches_lanes(raw: int, pattern: VecConst) -> bool:
    width = 128 // len(pattern.lanes)
    mask = (1 << width) - 1
    return all(matches_bits(raw >> i * width & mask, lane) for i, lane in enumerate(pattern.lanes))


def _matches_reference(raw: Any, type: RefType, pattern: RefConst) -> bool:
    top = top_of(type.heap)
    if pattern.kind == "null":
        row = ABSTRACT_HEAP_TYPES.get(str(pattern.value))  # none where no type is given
        return raw is None and (row is None or row.top == top)
    hierarchy, classes = _REFERENCES[pattern.kind]
    if raw is None or top != hierarchy or (classes and not isinstance(raw, classes)):
        return False
    if pattern.kind in ("extern", "host") and pattern.value is not None:
        host = raw.value if isinstance(raw, Foreign) else raw
        return isinstance(host, HostRef) and host.number == pattern.value
    return True


def shown(raw: Any, type: ValType) -> str:
    """A raw value for messages."""
    if not isinstance(type, RefType):
        return _shown_v128(raw) if type.name == "v128" else str(Const(type.name, to_bits(raw, type.name)))
    if raw is None:
        return "ref.null"
    if isinstance(raw, HostRef):
        return f"ref.extern {raw}"
    return f"ref.host {raw.value}" if isinstance(raw, Foreign) else repr(raw)


def _shown_v128(raw: int) -> str:
    return "v128 i32x4 " + " ".join(f"0x{raw >> shift & 0xFFFFFFFF:08x}" for shift in (0, 32, 64, 96))
