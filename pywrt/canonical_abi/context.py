"""What lifting and lowering refer to: options, and the call they happen in.

Spec: CanonicalABI.md#canonical-abi-options, #lifting-and-lowering-context
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from pywrt.canonical_abi.handles import CallScope
from pywrt.engine.machine import call
from pywrt.errors import InvalidError, Trap
from pywrt.runtime.func import Func
from pywrt.runtime.memory import Memory

if TYPE_CHECKING:
    from pywrt.canonical_abi.instance import ComponentInstance

ENCODINGS = ("utf8", "utf16", "latin1+utf16")

#: load(cx, ptr) -> value
Load = Callable[["Context", int], Any]
#: store(cx, value, ptr)
Store = Callable[["Context", Any, int], None]
#: lift_flat(cx, flat values, index of the first) -> value
LiftFlat = Callable[["Context", Sequence[Any], int], Any]
#: lower_flat(cx, value, flat values to append to)
LowerFlat = Callable[["Context", Any, list[Any]], None]


class CanonOptions:
    """The canonical options of one `canon lift` or `canon lower`.

    `realloc`, `post_return` and `callback` are core functions. `string_encoding` is one of `ENCODINGS`.
    """

    __slots__ = ("callback", "is_async", "memory", "post_return", "realloc", "string_encoding")

    def __init__(
        self,
        memory: Memory | None = None,
        realloc: Func | None = None,
        post_return: Func | None = None,
        string_encoding: str = "utf8",
        is_async: bool = False,
        callback: Func | None = None,
    ) -> None:
        if string_encoding not in ENCODINGS:
            raise InvalidError(f"unknown string encoding {string_encoding!r}")
        self.memory = memory
        self.realloc = realloc
        self.post_return = post_return
        self.string_encoding = string_encoding
        self.is_async = is_async
        self.callback = callback


class Context:
    """One side of one call: which instance's memory and handles values are lifted from or lowered to.

    `fused` says that both sides are components, which words some traps otherwise, as wasmtime does.
    `source_encoding` is that of the memory which strings to lower were lifted from; None if they are the
    host's. `budget` is what may still be lifted, in bytes of Python data.
    """

    __slots__ = ("budget", "fused", "instance", "options", "scope", "source_encoding")

    def __init__(
        self,
        options: CanonOptions,
        instance: ComponentInstance,
        scope: CallScope,
        fused: bool = False,
        source_encoding: str | None = None,
    ) -> None:
        self.options = options
        self.instance = instance
        self.scope = scope
        self.fused = fused
        self.source_encoding = source_encoding
        self.budget = instance.store.config.max_lifted_bytes

    def charge(self, cost: int) -> None:
        """Account for `cost` bytes of lifted data; Trap when the call's limit is passed."""
        self.budget -= cost
        if self.budget < 0:
            self.over_budget()

    def over_budget(self) -> NoReturn:
        """Trap for a call that lifts more than it may."""
        limit = self.instance.store.config.max_lifted_bytes
        raise Trap(
            f"lifting needs more than the limit of {limit} bytes a call (Config.max_lifted_bytes)",
            "lift-limit",
        )

    def allocate(self, alignment: int, size: int) -> int:
        """A fresh, aligned piece of guest memory, from the guest's realloc."""
        return self.reallocate(0, 0, alignment, size, "list")

    def reallocate(self, old: int, old_size: int, alignment: int, size: int, what: str) -> int:
        """An aligned piece of guest memory in place of an old one (0 for none), from the guest's realloc.

        It runs nested, to its end, and may not call out of the instance. `what` is for the message.
        Spec: CanonicalABI.md#lifting-and-lowering-context
        """
        options, instance = self.options, self.instance
        realloc, memory = options.realloc, options.memory
        if realloc is None or memory is None:
            raise InvalidError("canonical option `realloc` is required")
        instance.may_leave = False
        thread = instance.thread
        if thread is None:
            ptr: int = call(instance.store, realloc, (old, old_size, alignment, size))[0]
        else:  # which this is a task of its own of
            storage, thread.storage = thread.storage, [0, 0]
            ptr = call(instance.store, realloc, (old, old_size, alignment, size))[0]
            thread.storage = storage
        instance.may_leave = True
        if ptr & (alignment - 1) or ptr + size > len(memory.data):
            self._refuse(ptr, alignment, size, what)
        return ptr

    def _refuse(self, ptr: int, alignment: int, size: int, what: str) -> NoReturn:
        """Trap for a piece of memory that realloc can't have meant."""
        if ptr & (alignment - 1):
            if self.fused:
                raise unaligned_pointer(ptr, alignment)
            raise Trap(
                f"realloc return: result not aligned: 0x{ptr:x} is not a multiple of {alignment}",
                "realloc-not-aligned",
            )
        if self.fused:
            raise Trap(f"{what} content out-of-bounds", f"{what}-out-of-bounds")
        raise Trap(
            f"realloc return: beyond end of memory: {size} bytes at 0x{ptr:x}", "realloc-out-of-bounds"
        )

    def out_of_bounds(self, what: str, ptr: int, size: int) -> NoReturn:
        """Trap for a string or list (`what`) that does not lie within memory."""
        where = f"{size} bytes at 0x{ptr:x}"
        if self.fused:
            raise Trap(f"{what} content out-of-bounds: {where}", f"{what}-out-of-bounds")
        raise Trap(f"{what} pointer/length out of bounds of memory: {where}", f"{what}-out-of-bounds")


def unaligned_pointer(ptr: int, alignment: int) -> Trap:
    """The trap for a pointer that is not a multiple of `alignment`."""
    return Trap(f"unaligned pointer: 0x{ptr:x} is not a multiple of {alignment}", "unaligned-pointer")
