"""Values of typed bindings, which Python's type checkers can follow.

| WIT | typed bindings |
|---|---|
| record; variant | an instance of the record's class; of the case's class |
| option | None or the value; `Some(value)` for an option of an option |
| result that a function returns | the ok value is returned, the err value raised: `Err(value)` |
| other results | `Ok(value)` or `Err(value)` |
| resource | an instance of the resource's class |
| stream, future | `StreamReader`, `FutureReader`; to a component a `StreamSource`, a `FutureSource` |

All else is as in `pywrt.canonical_abi.values`: enums are str, flags sets of str.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

from pywrt.canonical_abi import values as abi

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


#: What the host may give for a stream, and for a future.
StreamSource: TypeAlias = AsyncIterable[T] | Iterable[T]
FutureSource: TypeAlias = Awaitable[T] | T

#: What a host function may return for an async function: the value, or as a coroutine function.
Answer: TypeAlias = Coroutine[Any, Any, T] | T


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
    """The some case of an option of an option, whose none case is None."""

    value: T


@dataclass(frozen=True, slots=True)
class Ok(Generic[T]):
    """The ok case of a result within another value."""

    value: T


class Err(abi.Err, Generic[T]):
    """The err case of a result: raised by a function that has one, or a value within another."""

    payload: T

    def __init__(self, payload: T) -> None:
        super().__init__(payload)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, abi.Err) and bool(self.payload == other.payload)

    __hash__ = abi.Err.__hash__


class StreamReader(Protocol[T_co]):
    """A stream that the host reads, with an event loop or without; see `pywrt.canonical_abi.StreamReader`.

    A `stream<u8>` gives chunks of bytes.
    """

    def __aiter__(self) -> AsyncIterator[T_co]: ...

    async def __anext__(self) -> T_co: ...

    def __iter__(self) -> Iterator[T_co]: ...

    def __next__(self) -> T_co: ...

    def close(self) -> None:
        """Read no more: the writer learns of it."""


class FutureReader(Awaitable[T_co], Protocol[T_co]):
    """A future that the host awaits; see `pywrt.canonical_abi.FutureReader`."""

    def result_now(self) -> T_co:
        """The value, without an event loop."""

    def close(self) -> None:
        """Wait no more: the writer learns of it."""


@runtime_checkable
class Handle(Protocol):
    """What resources of a component have besides their own functions.

    A handle lives until it is dropped or passed on; use it in a `with` block, which drops it at the end.
    """

    def drop(self) -> None:
        """Drop the handle, and the resource with it; see `pywrt.component.GuestHandle.drop`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class GuestObject:
    """An object of a component's resource; the classes of one instance derive from this.

    It has few names of its own, since a resource's functions may have any.
    """

    __slots__ = ("_handle",)

    _handle: Any

    def __init__(self) -> None:
        raise TypeError(f"{type(self).__name__} has no constructor; functions of the component return it")

    def drop(self) -> None:
        """Drop the handle; see `pywrt.component.GuestHandle.drop`."""
        self._handle.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._handle!r}>"


def object_of(cls: type[GuestObject], handle: Any) -> GuestObject:
    """The object of class `cls` for a handle (`pywrt.component.GuestHandle`)."""
    made = cls.__new__(cls)
    made._handle = handle
    return made


def handle_of(value: Any) -> Any:
    """The handle that an object has; other values as they are."""
    return value._handle if isinstance(value, GuestObject) else value
