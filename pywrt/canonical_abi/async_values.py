"""Streams, futures and error contexts as values. Spec: CanonicalABI.md#loading, #storing

Between two components, as between a component and the host, a stream travels as the host's `StreamReader`,
which is nothing but a hold on what the two ends share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywrt.canonical_abi.host_streams import ErrorContext, FutureReader, StreamReader, future_of, stream_of
from pywrt.canonical_abi.streams import CopyEnd, ReadableFutureEnd, ReadableStreamEnd
from pywrt.canonical_abi.values import describe
from pywrt.errors import Trap, ValueTypeError
from pywrt.wit.types import Future, Stream

if TYPE_CHECKING:
    from pywrt.canonical_abi.context import Context


def lift_stream(cx: Context, index: int, t: Stream) -> StreamReader:
    """Move a readable end out of the instance's table."""
    return StreamReader(cx.instance.scheduler, _lift(cx, index, t, ReadableStreamEnd))


def lift_future(cx: Context, index: int, t: Future) -> FutureReader:
    """Move a readable end out of the instance's table."""
    return FutureReader(cx.instance.scheduler, _lift(cx, index, t, ReadableFutureEnd))


def _lift(cx: Context, index: int, t: Stream | Future, kind: type[CopyEnd]) -> Any:
    """Spec: lift_async_value"""
    handles = cx.instance.handles
    end = handles.get_kind(index, kind)
    check_payload(index, end, t.element)
    end.check_idle("lift")
    if end.waitable_set is not None:
        raise Trap(f"cannot lift {end.kind} while it's in a waitable set", "waitable-in-use")
    handles.remove(index)
    return end.shared


def check_payload(index: int, end: CopyEnd, element: Any) -> None:
    """Trap if an end is of another type than the function that is given it."""
    have = end.shared.element
    if have is not element and have != element:
        raise Trap(
            f"handle index {index} used with the wrong type, expected a {end.kind} of {element} but found "
            f"one of {have}",
            "wrong-handle-type",
        )


def lift_error_context(cx: Context, index: int) -> ErrorContext:
    """The error context that a handle of the instance's table stands for."""
    return cx.instance.handles.get_kind(index, ErrorContext)


def lower_stream(cx: Context, value: Any, t: Stream) -> int:
    """Add a readable end to the instance's table; ValueTypeError if `value` is no stream of this type."""
    end = ReadableStreamEnd(stream_of(cx.instance.scheduler, value, t))
    return _lower(cx, end, value if isinstance(value, StreamReader) else None)


def lower_future(cx: Context, value: Any, t: Future) -> int:
    """Add a readable end to the instance's table; ValueTypeError if `value` is no future of this type."""
    end = ReadableFutureEnd(future_of(cx.instance.scheduler, value, t))
    return _lower(cx, end, value if isinstance(value, FutureReader) else None)


def _lower(cx: Context, end: CopyEnd, source: StreamReader | FutureReader | None) -> int:
    index = cx.instance.handles.add(end)
    cx.scope.lowered(cx.instance.handles, index, source)
    return index


def lower_error_context(cx: Context, value: Any) -> int:
    """Add an error context to the instance's table; ValueTypeError if `value` is none."""
    if not isinstance(value, ErrorContext):
        raise ValueTypeError(f"expected error-context (an ErrorContext), got {describe(value)}")
    return cx.instance.handles.add(value)
