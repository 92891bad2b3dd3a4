"""Streams, futures and error contexts as values. Spec: CanonicalABI.md#loading, #storing"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywrt.errors import Trap
from pywrt.wit.types import Future, Stream

if TYPE_CHECKING:
    from pywrt.canonical_abi.context import Context


def lift_stream(cx: Context, index: int, t: Stream) -> Any:
    """Move a readable end out of the instance's table."""
    raise _not_built("stream")


def lift_future(cx: Context, index: int, t: Future) -> Any:
    """Move a readable end out of the instance's table."""
    raise _not_built("future")


def lift_error_context(cx: Context, index: int) -> Any:
    """The error context that a handle of the instance's table stands for."""
    raise _not_built("error-context")


def lower_stream(cx: Context, value: Any, t: Stream) -> int:
    """Add a readable end to the instance's table; ValueTypeError if `value` is no stream of this type."""
    raise _not_built("stream")


def lower_future(cx: Context, value: Any, t: Future) -> int:
    """Add a readable end to the instance's table; ValueTypeError if `value` is no future of this type."""
    raise _not_built("future")


def lower_error_context(cx: Context, value: Any) -> int:
    """Add an error context to the instance's table; ValueTypeError if `value` is none."""
    raise _not_built("error-context")


def _not_built(kind: str) -> Trap:
    return Trap(f"values of type `{kind}` are not built yet", "not-built")
