"""The component binary format as tables. Spec: component-model Binary.md.

A fact stands once: the decoder and, later, the encoder and the text format read these.
"""

from dataclasses import dataclass

from pywrt.wit import types as wit

#: The first 8 bytes of a component: magic, version 13, layer 1.
PREAMBLE = b"\0asm\x0d\0\x01\0"
#: The first 8 bytes of a core module.
CORE_PREAMBLE = b"\0asm\x01\0\0\0"

#: Spec: Binary.md#instance-definitions, `core:sort`
CORE_SORTS = {
    0x00: "core func",
    0x01: "core table",
    0x02: "core memory",
    0x03: "core global",
    0x04: "core tag",
    0x10: "core type",
    0x11: "core module",
    0x12: "core instance",
}

#: Spec: Binary.md#instance-definitions, `sort` (0x00 precedes a `core:sort`)
SORTS = {
    0x01: "func",
    0x02: "value",
    0x03: "type",
    0x04: "component",
    0x05: "instance",
}

#: Sorts that outer aliases may name. Spec: Explainer.md#alias-definitions, `outeraliassort`
OUTER_ALIAS_SORTS = frozenset({"core module", "core type", "component", "type"})

#: How messages call the index space of a sort.
SPACE_NAMES = {
    "core func": "function",
    "core table": "table",
    "core memory": "memory",
    "core global": "global",
    "core tag": "tag",
    "core type": "type",
    "core module": "module",
    "core instance": "instance",
    "func": "function",
    "value": "value",
    "type": "type",
    "component": "component",
    "instance": "instance",
}

#: What a core export's kind is called as a sort.
CORE_SORT_OF_KIND = {
    "func": "core func",
    "table": "core table",
    "memory": "core memory",
    "global": "core global",
    "tag": "core tag",
}

#: Spec: Binary.md#type-definitions, `primvaltype`; with (alignment, size) in memory
PRIMITIVES: dict[int, tuple[wit.Primitive, tuple[int, int]]] = {
    0x7F: (wit.BOOL, (1, 1)),
    0x7E: (wit.S8, (1, 1)),
    0x7D: (wit.U8, (1, 1)),
    0x7C: (wit.S16, (2, 2)),
    0x7B: (wit.U16, (2, 2)),
    0x7A: (wit.S32, (4, 4)),
    0x79: (wit.U32, (4, 4)),
    0x78: (wit.S64, (8, 8)),
    0x77: (wit.U64, (8, 8)),
    0x76: (wit.F32, (4, 4)),
    0x75: (wit.F64, (8, 8)),
    0x74: (wit.CHAR, (4, 4)),
    0x73: (wit.STRING, (8, 16)),
}

#: What the key of a map may be. Spec: Explainer.md#type-definitions, `keytype`
KEY_TYPES = frozenset(
    {wit.BOOL, wit.S8, wit.U8, wit.S16, wit.U16, wit.S32, wit.U32, wit.S64, wit.U64, wit.CHAR, wit.STRING}
)

#: Features of the component model (`pywrt.config`); the last is not built.
ASYNC = "component-model-async"
MORE_ASYNC = "component-model-more-async-builtins"
STACKFUL = "component-model-async-stackful"
THREADING = "component-model-threading"
ERROR_CONTEXT = "component-model-error-context"
MAP = "component-model-map"
FIXED_LISTS = "component-model-fixed-length-lists"
IMPLEMENTS = "component-model-implements"
CANONICAL_NAMES = "component-model-canonical-names"
MEMORY64 = "component-model-memory64"
NESTED_NAMES = "component-model-nested-names"
VALUES = "component-model-values"
SHARED_THREADS = "shared-everything-threads"


#: Attributes of names in the order of their codes, and the feature that each needs.
#: Spec: Binary.md#import-and-export-definitions, `attribute`
ATTRIBUTES = (("implements", IMPLEMENTS), ("versionsuffix", CANONICAL_NAMES), ("external-id", IMPLEMENTS))


@dataclass(frozen=True, slots=True)
class Canon:
    """A canonical definition: its immediates in order, its core type, and the feature it needs.

    In `type`, T is the address type of the memory that the definition uses, or the representation of the
    resource type; it is empty where the type follows from more than that.
    """

    name: str
    immediates: tuple[str, ...]
    type: str = ""
    feature: str | None = None


def _canon(name: str, immediates: str, type: str = "", feature: str | None = None) -> Canon:
    return Canon(name, tuple(immediates.split()), type, feature)


#: Spec: Binary.md#canonical-definitions. Immediates: `zero_lift`, `zero_lower` (the byte of the func sort);
#: core_func, func, type, core_type, core_table, core_memory, slot (indices); stream, future (indices of a
#: type that must be one); async, cancellable, shared (booleans); opts, results, core_valtype
CANONS: dict[int, Canon] = {
    0x00: _canon("lift", "zero_lift core_func opts type"),
    0x01: _canon("lower", "zero_lower func opts"),
    0x02: _canon("resource.new", "type", "T -> i32"),
    0x03: _canon("resource.drop", "type", "i32 ->"),
    0x04: _canon("resource.rep", "type", "i32 -> T"),
    0x05: _canon("task.cancel", "", "->", ASYNC),
    0x06: _canon("subtask.cancel", "async", "i32 -> i32", ASYNC),
    0x09: _canon("task.return", "results opts", "", ASYNC),
    0x0A: _canon("context.get", "core_valtype slot", "", ASYNC),
    0x0B: _canon("context.set", "core_valtype slot", "", ASYNC),
    0x0C: _canon("thread.yield", "cancellable", "-> i32", ASYNC),
    0x0D: _canon("subtask.drop", "", "i32 ->", ASYNC),
    0x0E: _canon("stream.new", "stream", "-> i64", ASYNC),
    0x0F: _canon("stream.read", "stream opts", "i32 T T -> T", ASYNC),
    0x10: _canon("stream.write", "stream opts", "i32 T T -> T", ASYNC),
    0x11: _canon("stream.cancel-read", "stream async", "i32 -> i32", ASYNC),
    0x12: _canon("stream.cancel-write", "stream async", "i32 -> i32", ASYNC),
    0x13: _canon("stream.drop-readable", "stream", "i32 ->", ASYNC),
    0x14: _canon("stream.drop-writable", "stream", "i32 ->", ASYNC),
    0x15: _canon("future.new", "future", "-> i64", ASYNC),
    0x16: _canon("future.read", "future opts", "i32 T -> i32", ASYNC),
    0x17: _canon("future.write", "future opts", "i32 T -> i32", ASYNC),
    0x18: _canon("future.cancel-read", "future async", "i32 -> i32", ASYNC),
    0x19: _canon("future.cancel-write", "future async", "i32 -> i32", ASYNC),
    0x1A: _canon("future.drop-readable", "future", "i32 ->", ASYNC),
    0x1B: _canon("future.drop-writable", "future", "i32 ->", ASYNC),
    0x1C: _canon("error-context.new", "opts", "T T -> i32", ERROR_CONTEXT),
    0x1D: _canon("error-context.debug-message", "opts", "i32 T ->", ERROR_CONTEXT),
    0x1E: _canon("error-context.drop", "", "i32 ->", ERROR_CONTEXT),
    0x1F: _canon("waitable-set.new", "", "-> i32", ASYNC),
    0x20: _canon("waitable-set.wait", "cancellable core_memory", "i32 T -> i32", ASYNC),
    0x21: _canon("waitable-set.poll", "cancellable core_memory", "i32 T -> i32", ASYNC),
    0x22: _canon("waitable-set.drop", "", "i32 ->", ASYNC),
    0x23: _canon("waitable.join", "", "i32 i32 ->", ASYNC),
    0x24: _canon("backpressure.inc", "", "->", ASYNC),
    0x25: _canon("backpressure.dec", "", "->", ASYNC),
    0x26: _canon("thread.index", "", "-> i32", THREADING),
    0x27: _canon("thread.new-indirect", "core_type core_table", "", THREADING),
    0x28: _canon("thread.resume-later", "", "i32 ->", THREADING),
    0x29: _canon("thread.suspend", "cancellable", "-> i32", THREADING),
    0x2A: _canon("thread.suspend-then-resume", "cancellable", "i32 -> i32", THREADING),
    0x2B: _canon("thread.yield-then-resume", "cancellable", "i32 -> i32", THREADING),
    0x2C: _canon("thread.suspend-then-promote", "cancellable", "i32 -> i32", THREADING),
    0x2D: _canon("thread.yield-then-promote", "cancellable", "i32 -> i32", THREADING),
    0x40: _canon("thread.spawn-ref", "shared core_type", "", SHARED_THREADS),
    0x41: _canon("thread.spawn-indirect", "shared core_type core_table", "", SHARED_THREADS),
    0x42: _canon("thread.available-parallelism", "shared", "", SHARED_THREADS),
}

#: Spec: Binary.md#canonical-definitions, `canonopt`: the option's name and whether an index follows
CANON_OPTIONS: dict[int, tuple[str, bool]] = {
    0x00: ("utf8", False),
    0x01: ("utf16", False),
    0x02: ("latin1+utf16", False),
    0x03: ("memory", True),
    0x04: ("realloc", True),
    0x05: ("post-return", True),
    0x06: ("async", False),
    0x07: ("callback", True),
}

#: The options that a canonical definition may have, string encodings aside.
#: Spec: CanonicalABI.md#canonopt-validation and the definitions there
OPTIONS_OF: dict[str, frozenset[str]] = {
    "lift": frozenset({"memory", "realloc", "post-return", "async", "callback"}),
    "lower": frozenset({"memory", "realloc", "async"}),
    "task.return": frozenset({"memory"}),
    "stream.read": frozenset({"memory", "realloc", "async"}),
    "stream.write": frozenset({"memory", "realloc", "async"}),
    "future.read": frozenset({"memory", "realloc", "async"}),
    "future.write": frozenset({"memory", "realloc", "async"}),
    "error-context.new": frozenset({"memory", "realloc"}),
    "error-context.debug-message": frozenset({"memory", "realloc"}),
}

#: The string encodings among the options, and what the suite's messages call them.
ENCODINGS = {"utf8": "utf8", "utf16": "utf16", "latin1+utf16": "latin1-utf16"}

# Limits of the validator, so that no file buys unbounded time or memory. Those that the reference
# implementation has too carry its figures.

#: Nesting of types, and of components.
MAX_NESTING = 100
#: Components in one file.
MAX_COMPONENTS = 2_000
#: Entries of one index space.
MAX_INDEX_SPACE = 1_000_000
#: Nodes of one value or function type, written out as a tree.
MAX_VALUE_TYPE_SIZE = 100_000
#: Nodes of one instance or component type, written out as a tree.
MAX_TYPE_SIZE = 1_000_000
#: Nodes that are substituted or compared in all, for one file.
MAX_WORK = 1_000_000
#: Bytes of one value in a 64-bit memory. Spec: Binary.md#type-definitions
MAX_VALUE_BYTES = 1 << 28
#: Slots of a thread's storage. Spec: CanonicalABI.md#-canon-contextget
CONTEXT_SLOTS = 2
#: Labels of a flags type.
MAX_FLAGS = 32
