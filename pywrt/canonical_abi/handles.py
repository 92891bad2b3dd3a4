"""Handles to resources. Spec: CanonicalABI.md#table-state, #resource-state, and lift_own ... lower_borrow

A guest knows a resource by an index into its instance's handle table. What travels between the tables,
and what the host sees, is a `GuestHandle` where a component implements the resource, and the Python
object itself where the host does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from pywrt.engine.machine import call
from pywrt.errors import Trap, ValueTypeError
from pywrt.runtime.func import Func
from pywrt.runtime.store import Store
from pywrt.wit.types import Borrow, Own, ResourceType

if TYPE_CHECKING:
    from pywrt.canonical_abi.context import Context
    from pywrt.canonical_abi.instance import ComponentInstance

Kind = TypeVar("Kind")

#: A table never grows beyond this. Spec: Table.MAX_LENGTH
MAX_LENGTH = (1 << 28) - 1


class GuestResource(ResourceType):
    """A resource type that a component instance implements; its representation is an i32."""

    __slots__ = ("dtor", "instance")

    def __init__(self, name: str, instance: ComponentInstance, dtor: Func | None = None) -> None:
        super().__init__(name)
        self.instance = instance
        self.dtor = dtor

    def destroy(self, rep: int) -> None:
        """Run the destructor for the host, to its end. Trap if it traps, or the instance can't be entered."""
        instance, dtor = self.instance, self.dtor

        def act() -> None:
            if dtor is not None:
                instance.begin_alone()
                call(instance.store, dtor, [rep])
                instance.sync_task = None

        instance.scheduler.act_in(instance, act)


class HostResource(ResourceType):
    """A resource type that the host implements: its representation is any Python object.

    Given `cls`, only its instances are accepted. `drop(object)` is called when a guest drops an owned
    handle.
    """

    __slots__ = ("cls", "drop")

    def __init__(self, name: str, cls: type | None = None, drop: Callable[[Any], Any] | None = None) -> None:
        super().__init__(name)
        self.cls = cls
        self.drop = drop


class ResourceHandle:
    """An entry of a handle table. `scope` is the call that a borrow ends with, or None for an own."""

    __slots__ = ("lends", "rep", "resource", "scope")

    cost: ClassVar[int] = 1

    def __init__(self, resource: ResourceType, rep: Any, scope: CallScope | None = None) -> None:
        self.resource = resource
        self.rep = rep
        self.scope = scope
        self.lends = 0


class HandleTable:
    """What a component instance knows by index: from 1, the last one freed is the next one given.

    That is handles to resources, waitables, waitable sets and error contexts; in a table of its own, threads.
    Each has a `cost`, of which a store has `Config.max_handles`.
    """

    __slots__ = ("_entries", "_free", "_left", "_what")

    def __init__(self, store: Store, what: str = "handle") -> None:
        self._entries: list[Any] = [None]
        self._free: list[int] = []
        self._what = what
        # One cell for all tables of a store: how many more entries they may hold.
        self._left: list[int] = store.data.setdefault(HandleTable, [store.config.max_handles])

    def get(self, index: int) -> Any:
        """What is at `index`; Trap if nothing is."""
        entry = self._entries[index] if index < len(self._entries) else None
        if entry is None:
            raise Trap(f"unknown {self._what} index {index}", "unknown-handle")
        return entry

    def get_kind(self, index: int, kind: type[Kind]) -> Kind:
        """What is at `index`; Trap if there is nothing, or it is no `kind`."""
        entry = self.get(index)
        if not isinstance(entry, kind):
            raise _wrong_kind(index, kind, entry)
        return entry

    def get_typed(self, index: int, resource: ResourceType) -> ResourceHandle:
        """The handle at `index`; Trap if there is none, or it is of another resource type."""
        handle: ResourceHandle = self.get(index)
        if handle.__class__ is not ResourceHandle:
            raise _wrong_kind(index, ResourceHandle, handle)
        if handle.resource is not resource:
            raise _wrong_type(index, resource, handle.resource)
        return handle

    def add(self, entry: Any) -> int:
        """Enter `entry` and return its index; Trap when the table or the store is full."""
        left, cost = self._left, entry.cost
        if left[0] < cost or len(self._entries) > MAX_LENGTH:
            raise Trap(
                f"too many {self._what}s: the store's limit is reached (Config.max_handles)",
                "handle-limit",
            )
        left[0] -= cost
        if self._free:
            index = self._free.pop()
            self._entries[index] = entry
        else:
            index = len(self._entries)
            self._entries.append(entry)
        return index

    def remove(self, index: int) -> None:
        """Free `index`, which must hold something."""
        self._left[0] += self._entries[index].cost
        self._entries[index] = None
        self._free.append(index)

    def remove_owned(self, index: int, resource: ResourceType) -> Any:
        """Take out an owned handle and return its representation; Trap if it is none, or is lent."""
        handle = self.get_typed(index, resource)
        if handle.lends:
            raise Trap("cannot remove owned resource while borrowed", "resource-borrowed")
        if handle.scope is not None:
            raise Trap("cannot lift own resource from a borrow", "resource-borrowed")
        self.remove(index)
        return handle.rep

    def clear(self) -> None:
        """Free all that is in it."""
        self._left[0] += sum(entry.cost for entry in self.values())
        self._entries, self._free = [None], []

    def values(self) -> Iterator[Any]:
        """What is in the table."""
        return (entry for entry in self._entries if entry is not None)

    def __len__(self) -> int:
        return len(self._entries) - 1 - len(self._free)


def _kind(cls: type) -> str:
    """`ReadableStreamEnd` as messages have it: readable stream end."""
    return "".join([f" {c.lower()}" if c.isupper() else c for c in cls.__name__]).strip()


def _wrong_kind(index: int, expected: type, found: Any) -> Trap:
    return Trap(
        f"handle index {index} used with the wrong type, expected {_kind(expected)} but found "
        f"{_kind(found.__class__)}",
        "wrong-handle-type",
    )


def _wrong_type(index: int, expected: ResourceType, found: ResourceType) -> Trap:
    def kind(resource: ResourceType) -> str:
        return "host-defined resource" if isinstance(resource, HostResource) else "guest-defined resource"

    article = "a different" if kind(expected) == kind(found) else "a"
    return Trap(
        f"handle index {index} used with the wrong type, expected {kind(expected)} but found "
        f"{article} {kind(found)} ({expected.name}, not {found.name})",
        "wrong-handle-type",
    )


class GuestHandle:
    """An owned or borrowed handle, held by the host, to a resource that a component implements.

    An owned one lives until `drop()` or until it is passed on as an owned argument; a borrowed one until
    the call that brought it returns. Nothing runs when it is merely forgotten: guest code never runs from
    a Python finalizer. Usable as a context manager that drops at the end.
    """

    __slots__ = ("_gone", "lends", "owned", "rep", "resource")

    def __init__(self, resource: ResourceType, rep: Any, owned: bool) -> None:
        self.resource = resource
        self.rep = rep
        self.owned = owned
        self.lends = 0
        self._gone: str | None = None

    @property
    def valid(self) -> bool:
        """Whether the handle can still be used."""
        return self._gone is None

    def check(self) -> None:
        """ValueTypeError if the handle was dropped, passed on, or has ended with its call."""
        if self._gone is not None:
            raise ValueTypeError(f"this handle to {self.resource.name!r} {self._gone}")

    def take(self) -> Any:
        """Give the ownership away, and return the representation."""
        if not self.owned:
            raise ValueTypeError(f"expected own<{self.resource.name}>, got a borrowed handle")
        self._end("was passed on and belongs to the guest now")
        return self.rep

    def drop(self) -> None:
        """Drop the handle; of an owned one this runs the guest's destructor, to its end.

        Raises Trap if the destructor traps or its instance cannot be entered now, and ValueTypeError
        if the handle is no longer valid or is lent to a call.
        """
        self._end("was dropped")
        if self.owned and isinstance(self.resource, GuestResource):
            self.resource.destroy(self.rep)

    def expire(self) -> None:
        """End a borrow with its call."""
        self._gone = "was borrowed for a call that has returned"

    def restore(self) -> None:
        """Take back `take`, for a call that was never made."""
        self._gone = None

    def _end(self, how: str) -> None:
        self.check()
        if self.lends:
            raise ValueTypeError(
                f"this handle to {self.resource.name!r} is lent to a call that has not returned"
            )
        self._gone = how

    def __enter__(self) -> GuestHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.valid:
            self.drop()

    def __repr__(self) -> str:
        kind = "own" if self.owned else "borrow"
        return (
            f"<GuestHandle {kind}<{self.resource.name}>{'' if self.valid else ' (' + str(self._gone) + ')'}>"
        )


class Source(Protocol):
    """What a handle was lowered from."""

    def restore(self) -> None:
        """Take back that it was given away, for a call that was never made."""


class CallScope:
    """What one call lends and borrows: the handles to give back, and those that must be gone at its end."""

    __slots__ = ("_lenders", "_lowered", "_temporaries", "borrows")

    def __init__(self) -> None:
        #: Borrow handles that the callee holds. Spec: Task.num_borrows
        self.borrows = 0
        self._lenders: list[ResourceHandle | GuestHandle] = []
        self._temporaries: list[GuestHandle] = []
        self._lowered: list[tuple[HandleTable, int, Source | None]] = []

    def lend(self, lender: ResourceHandle | GuestHandle) -> None:
        """Keep `lender` from being dropped or passed on until the call ends. Spec: Subtask.add_lender"""
        lender.lends += 1
        self._lenders.append(lender)

    def borrow(self, resource: ResourceType, rep: Any) -> GuestHandle:
        """A borrowed handle for the host, valid until the call ends."""
        handle = GuestHandle(resource, rep, owned=False)
        self._temporaries.append(handle)
        return handle

    def lowered(self, table: HandleTable, index: int, source: Source | None) -> None:
        """Note an entry that `roll_back` removes; `source` is what gave away what it holds."""
        self._lowered.append((table, index, source))

    def roll_back(self) -> None:
        """Undo what lowering arguments did to handles, for a call that is not made after all."""
        for table, index, source in reversed(self._lowered):
            table.remove(index)
            if source is not None:
                source.restore()
        self._lowered.clear()
        self.end()

    def check_borrows_dropped(self) -> None:
        """Trap if the callee still holds a handle it was only lent. Spec: Task.return_"""
        if self.borrows:
            raise Trap("borrow handles still remain at the end of the call", "borrow-not-dropped")

    def end(self) -> None:
        """Give back what was lent, and end what was borrowed. Spec: Subtask.deliver_resolve"""
        for lender in self._lenders:
            lender.lends -= 1
        for temporary in self._temporaries:
            temporary.expire()
        self._lenders.clear()
        self._temporaries.clear()


def lift_own(cx: Context, index: int, t: Own) -> Any:
    """Move an owned handle out of the instance's table."""
    rep = cx.instance.handles.remove_owned(index, t.resource)
    return rep if isinstance(t.resource, HostResource) else GuestHandle(t.resource, rep, owned=True)


def lift_borrow(cx: Context, index: int, t: Borrow) -> Any:
    """Lend a handle of the instance's table for the duration of the call."""
    handle = cx.instance.handles.get_typed(index, t.resource)
    cx.scope.lend(handle)
    return handle.rep if isinstance(t.resource, HostResource) else cx.scope.borrow(t.resource, handle.rep)


def lower_own(cx: Context, value: Any, t: Own) -> int:
    """Move `value` into the instance's table; ValueTypeError if it is no such resource."""
    source: GuestHandle | None = None
    rep = value
    if isinstance(t.resource, HostResource):
        _check_host_resource(value, t, t.resource)
    else:
        source = _guest_handle(value, t)
        rep = source.take()
    index = cx.instance.handles.add(ResourceHandle(t.resource, rep))
    cx.scope.lowered(cx.instance.handles, index, source)
    return index


def lower_borrow(cx: Context, value: Any, t: Borrow) -> int:
    """Lend `value` to the instance until the call ends; ValueTypeError if it is no such resource."""
    rep = value
    if isinstance(t.resource, HostResource):
        _check_host_resource(value, t, t.resource)
    else:
        handle = _guest_handle(value, t)
        handle.check()
        if handle.owned:
            cx.scope.lend(handle)
        rep = handle.rep
        if isinstance(t.resource, GuestResource) and t.resource.instance is cx.instance:
            return int(rep)  # the implementing instance sees its own representation
    index = cx.instance.handles.add(ResourceHandle(t.resource, rep, cx.scope))
    cx.scope.borrows += 1
    cx.scope.lowered(cx.instance.handles, index, None)
    return index


def _guest_handle(value: Any, t: Own | Borrow) -> GuestHandle:
    if not isinstance(value, GuestHandle):
        raise ValueTypeError(f"expected {t}, got {type(value).__name__}")
    if value.resource is not t.resource:
        raise ValueTypeError(f"expected {t}, got a handle to another resource type, {value.resource.name!r}")
    return value


def _check_host_resource(value: Any, t: Own | Borrow, resource: HostResource) -> None:
    if resource.cls is not None and not isinstance(value, resource.cls):
        raise ValueTypeError(f"expected {t} (a {resource.cls.__name__}), got {type(value).__name__}")
