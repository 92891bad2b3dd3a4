"""Size, alignment and flat types of component values. Spec: CanonicalABI.md#alignment ... #flattening

Strategy: everything about a type's layout is found in one pass and kept by the type's identity, so that
a type that shares parts costs what it has, not what it unfolds to. Flat types beyond the sixteenth never
matter (such parameters are spilled to memory), so a flat list is cut off after one more than that.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pywrt.errors import InvalidError
from pywrt.wasm.types import F32, F64, I32, I64, ValType
from pywrt.wasm.types import FuncType as CoreFuncType
from pywrt.wit.types import (
    Borrow,
    Case,
    Enum,
    Field,
    Flags,
    FuncType,
    Future,
    List,
    Map,
    Option,
    Own,
    Primitive,
    Record,
    Result,
    Stream,
    Tuple,
    Variant,
    WitType,
)

MAX_FLAT_PARAMS = 16
MAX_FLAT_ASYNC_PARAMS = 4
MAX_FLAT_RESULTS = 1
MAX_FLAGS = 32
#: A string or list of more bytes than this is not lifted. Spec: MAX_STRING_BYTE_LENGTH, MAX_LIST_BYTE_LENGTH
MAX_BYTE_LENGTH = (1 << 28) - 1
#: Nor is more memory than this asked for, so that what was lifted fits in another encoding, too.
REALLOC_I32_MAX = (1 << 32) - 1

_FLAT_KEPT = MAX_FLAT_PARAMS + 1


class Layout:
    """How values of one type lie in memory and in core parameters.

    `size` and `alignment` are in bytes; `flat` holds the core types, cut off after `MAX_FLAT_PARAMS + 1`;
    `offsets` are those of a record's fields, and `payload_offset` that of a variant's payload, whose
    discriminant takes `discriminant_size` bytes. `cost` estimates the bytes of Python data that one
    lifted value takes, what strings and lists refer to aside.
    """

    __slots__ = ("alignment", "cost", "discriminant_size", "flat", "offsets", "payload_offset", "size")

    def __init__(
        self,
        size: int,
        alignment: int,
        flat: tuple[ValType, ...],
        cost: int,
        *,
        offsets: tuple[int, ...] = (),
        discriminant_size: int = 0,
        payload_offset: int = 0,
    ) -> None:
        self.size = size
        self.alignment = alignment
        self.flat = flat
        self.cost = cost
        self.offsets = offsets
        self.discriminant_size = discriminant_size
        self.payload_offset = payload_offset


def align_to(offset: int, alignment: int) -> int:
    """The least multiple of `alignment` (a power of two) that is not below `offset`."""
    return (offset + alignment - 1) & -alignment


def despecialize(t: WitType) -> WitType:
    """The general type that a specialised one stands for. Spec: CanonicalABI.md#despecialization"""
    match t:
        case Tuple(types):
            return Record(tuple(Field(str(i), u) for i, u in enumerate(types)))
        case Enum(names):
            return Variant(tuple(Case(name) for name in names))
        case Option(payload):
            return Variant((Case("none"), Case("some", payload)))
        case Result(ok, err):
            return Variant((Case("ok", ok), Case("err", err)))
        case Map(key, value):
            return List(Tuple((key, value)))
        case _:
            return t


def join(a: ValType, b: ValType) -> ValType:
    """The core type that can carry either of two. Spec: CanonicalABI.md#flattening"""
    if a is b:
        return a
    return I32 if {a, b} == {I32, F32} else I64


class Layouts:
    """Finds layouts and remembers them, by the identity of the type.

    `pointer` is the address type of the memory that values lie in, i32 or i64.
    """

    __slots__ = ("_known", "pointer")

    def __init__(self, pointer: ValType = I32) -> None:
        self.pointer = pointer
        # The type is kept beside its layout, since an id is unique only while its object lives.
        self._known: dict[int, tuple[WitType, Layout]] = {}

    def of(self, t: WitType) -> Layout:
        """The layout of `t`; InvalidError for flags of too many labels."""
        known = self._known.get(id(t))
        if known is not None:
            return known[1]
        found = _LAYOUTS[type(t)](self, t)
        self._known[id(t)] = (t, found)
        return found

    def of_range(self, cost: int) -> Layout:
        """The layout of what lies elsewhere in memory, of any length: a pointer and a number."""
        size = 8 if self.pointer is I64 else 4
        return Layout(2 * size, size, (self.pointer, self.pointer), cost)

    def of_fields(self, types: Iterable[WitType]) -> Layout:
        """The layout of a record whose fields have these types."""
        layouts = [self.of(t) for t in types]
        size, alignment, cost = 0, 1, 200 + 40 * len(layouts)
        flat: list[ValType] = []
        offsets: list[int] = []
        for field in layouts:
            size = align_to(size, field.alignment)
            offsets.append(size)
            size += field.size
            alignment = max(alignment, field.alignment)
            cost += field.cost
            if len(flat) < _FLAT_KEPT:
                flat.extend(field.flat)
        kept = tuple(flat[:_FLAT_KEPT])
        return Layout(align_to(size, alignment), alignment, kept, cost, offsets=tuple(offsets))

    def of_cases(self, types: Sequence[WitType | None]) -> Layout:
        """The layout of a variant whose cases have these payload types."""
        width = discriminant_size(len(types))
        size, alignment, cost = 0, 1, 0
        flat: list[ValType] = []
        for t in types:
            if t is None:
                continue
            payload = self.of(t)
            size = max(size, payload.size)
            alignment = max(alignment, payload.alignment)
            cost = max(cost, payload.cost)
            for i, core in enumerate(payload.flat):
                if i < len(flat):
                    flat[i] = join(flat[i], core)
                else:
                    flat.append(core)
        offset = align_to(width, alignment)
        alignment = max(alignment, width)
        return Layout(
            align_to(offset + size, alignment),
            alignment,
            (I32, *flat)[:_FLAT_KEPT],
            64 + cost,
            discriminant_size=width,
            payload_offset=offset,
        )

    def flatten(self, types: Iterable[WitType]) -> list[ValType]:
        """The flat types of several values, cut off after `MAX_FLAT_PARAMS + 1`."""
        flat: list[ValType] = []
        for t in types:
            flat.extend(self.of(t).flat)
            if len(flat) > MAX_FLAT_PARAMS:
                return flat[:_FLAT_KEPT]
        return flat


def discriminant_size(cases: int) -> int:
    """Bytes of the discriminant of a variant with so many cases."""
    if cases <= 1 << 8:
        return 1
    return 2 if cases <= 1 << 16 else 4


def flags_size(labels: int) -> int:
    """Bytes that flags with so many labels take; InvalidError for more than 32."""
    if labels > MAX_FLAGS:
        raise InvalidError(f"flags may have at most {MAX_FLAGS} labels, not {labels}")
    if labels <= 8:
        return 1
    return 2 if labels <= 16 else 4


def _of_primitive(layouts: Layouts, t: Primitive) -> Layout:
    return layouts.of_range(64) if t.name == "string" else _PRIMITIVES[t.name]


def _of_list(layouts: Layouts, t: List) -> Layout:
    if t.length is None:
        return layouts.of_range(72)
    element = layouts.of(t.element)
    flat = (element.flat * min(t.length, _FLAT_KEPT))[:_FLAT_KEPT]
    cost = 1 if t.element == Primitive("u8") else 8 + element.cost
    return Layout(element.size * t.length, element.alignment, flat, 72 + t.length * cost)


def _of_flags(layouts: Layouts, t: Flags) -> Layout:
    size = flags_size(len(t.names))
    return Layout(size, size, (I32,), 216)


_PRIMITIVES: dict[str, Layout] = {
    "bool": Layout(1, 1, (I32,), 8),
    "s8": Layout(1, 1, (I32,), 40),
    "u8": Layout(1, 1, (I32,), 40),
    "s16": Layout(2, 2, (I32,), 40),
    "u16": Layout(2, 2, (I32,), 40),
    "s32": Layout(4, 4, (I32,), 40),
    "u32": Layout(4, 4, (I32,), 40),
    "s64": Layout(8, 8, (I64,), 40),
    "u64": Layout(8, 8, (I64,), 40),
    "f32": Layout(4, 4, (F32,), 32),
    "f64": Layout(8, 8, (F64,), 32),
    "char": Layout(4, 4, (I32,), 80),
    "error-context": Layout(4, 4, (I32,), 96),
}

_LAYOUTS: dict[type, Callable[[Layouts, Any], Layout]] = {
    Primitive: _of_primitive,
    List: _of_list,
    Map: lambda layouts, t: layouts.of_range(72),
    Record: lambda layouts, t: layouts.of_fields([f.type for f in t.fields]),
    Tuple: lambda layouts, t: layouts.of_fields(t.types),
    Variant: lambda layouts, t: layouts.of_cases([c.type for c in t.cases]),
    Enum: lambda layouts, t: layouts.of_cases([None] * len(t.names)),
    Option: lambda layouts, t: layouts.of_cases([None, t.type]),
    Result: lambda layouts, t: layouts.of_cases([t.ok, t.err]),
    Flags: _of_flags,
    Own: lambda layouts, t: Layout(4, 4, (I32,), 96),
    Borrow: lambda layouts, t: Layout(4, 4, (I32,), 96),
    Stream: lambda layouts, t: Layout(4, 4, (I32,), 400),
    Future: lambda layouts, t: Layout(4, 4, (I32,), 400),
}


def flatten_functype(
    t: FuncType,
    context: str,
    layouts: Layouts | None = None,
    is_async: bool = False,
    callback: bool = False,
) -> CoreFuncType:
    """The core function type of `t`, where `context` is "lift" or "lower"; the options as in `CanonOptions`.

    `layouts` knows the pointer type of the options' memory; without it that is i32.
    Spec: CanonicalABI.md#flattening
    """
    layouts = layouts or Layouts()
    params = layouts.flatten([p.type for p in t.params])
    results = [] if t.result is None else layouts.flatten([t.result])
    most_params = MAX_FLAT_ASYNC_PARAMS if is_async and context == "lower" else MAX_FLAT_PARAMS
    if len(params) > most_params:
        params = [layouts.pointer]
    if is_async and context == "lift":
        results = [I32] if callback else []
    elif is_async:
        if results:
            params = [*params, layouts.pointer]
        results = [I32]
    elif len(results) > MAX_FLAT_RESULTS:
        if context == "lift":
            results = [layouts.pointer]
        else:
            params = [*params, layouts.pointer]
            results = []
    return CoreFuncType(tuple(params), tuple(results))
