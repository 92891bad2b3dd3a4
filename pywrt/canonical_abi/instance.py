"""Run-time state of a component instance. Spec: CanonicalABI.md#component-instances"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywrt.canonical_abi.handles import HandleTable
from pywrt.canonical_abi.scheduler import Run, scheduler_of
from pywrt.canonical_abi.turns import Turns
from pywrt.errors import Trap
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store

if TYPE_CHECKING:
    from pywrt.canonical_abi.guest_task import GuestTask
    from pywrt.canonical_abi.threads import Thread


class ComponentInstance:
    """A component instance: its handles and threads, and whether it may be entered and left.

    `run` is the run that is in it, so that it can't be entered. If that has failed, it stays so for good: the
    instance may be in any state (`poisoned`). `thread` is the thread that runs in it, or did last.
    """

    __slots__ = (
        "adapters",
        "backpressure",
        "children",
        "exclusive",
        "first_thread",
        "handles",
        "lineage",
        "may_leave",
        "name",
        "parent",
        "run",
        "scheduler",
        "store",
        "sync_task",
        "thread",
        "threads",
        "turns",
        "waiting_to_enter",
    )

    def __init__(self, store: Store, name: str = "", parent: ComponentInstance | None = None) -> None:
        self.store = store
        self.name = name
        self.parent = parent
        #: This instance and its ancestors, innermost first.
        self.lineage: tuple[ComponentInstance, ...] = (
            (self, *parent.lineage) if parent is not None else (self,)
        )
        self.children: list[ComponentInstance] = []
        if parent is not None:
            parent.children.append(self)
        self.scheduler = scheduler_of(store)
        self.handles = HandleTable(store)
        self.threads = HandleTable(store, "thread")
        self.turns = Turns(self)
        #: Adapters by memory and string encoding, which is all they depend on.
        self.adapters: dict[tuple[Memory | None, str], Any] = {}
        self.run: Run | None = None
        self.may_leave = True
        self.thread: Thread | None = None
        #: What ran while the instance was made, and runs what the host does in it of its own accord.
        self.first_thread: Thread | None = None
        #: The task of a synchronous call that is in progress. Spec: canon_lift, of a type that isn't async
        self.sync_task: GuestTask | None = None
        #: How often calls were asked to wait. Spec: ComponentInstance.backpressure
        self.backpressure = 0
        #: Calls that wait. Spec: ComponentInstance.num_waiting_to_enter
        self.waiting_to_enter = 0
        #: The thread that has the instance's stack to itself. Spec: ComponentInstance.exclusive_thread
        self.exclusive: Thread | None = None

    @property
    def poisoned(self) -> bool:
        """Whether a call has failed in it."""
        return any(instance.run is not None and instance.run.failure is not None for instance in self.lineage)

    def parts(self) -> list[ComponentInstance]:
        """This instance and those in it, at any depth."""
        found = [self]
        for part in found:
            found += part.children
        return found

    def may_enter_from(self, caller: ComponentInstance | None) -> bool:
        """Whether a call from `caller` (None: the host) would not be reentrance."""
        if caller is not None and (self in caller.lineage or caller in self.lineage):
            return False
        return all(instance.run is None for instance in self._entered_from(caller))

    def enter(self, caller: ComponentInstance | None) -> None:
        """Begin a call from `caller` (None: the host); Trap if that would be reentrance.

        Between an instance and its own ancestor or descendant every call is refused.
        """
        if caller is not None and (self in caller.lineage or caller in self.lineage):
            raise self.cannot_enter()
        self.enter_related(caller)

    def enter_related(self, caller: ComponentInstance | None) -> None:
        """`enter` as destructors do it, which an instance may run for its relatives."""
        entered = self._entered_from(caller)
        for instance in entered:
            if instance.run is not None:
                raise self.cannot_enter()
        run = self.scheduler.current
        for instance in entered:
            instance.run = run
        run.entered.update(entered)

    def leave(self, caller: ComponentInstance | None) -> None:
        """End a call that `enter` or `enter_related` began."""
        for instance in self._entered_from(caller):
            instance.run = None

    def begin_alone(self) -> None:
        """Let what the host does of its own accord be a synchronous call, until `sync_task` is None again."""
        thread = self.thread = self.first_thread
        if thread is not None:
            thread.storage = [0, 0]
            thread.on_stop = thread.task.next_within
            self.sync_task = thread.task

    def check_may_leave(self) -> None:
        """Trap if guest code may not call out of the instance now."""
        if not self.may_leave:
            raise Trap("cannot leave component instance", "cannot-leave-component")

    def cannot_enter(self) -> Trap:
        """The trap for a call that may not happen now; its cause is what poisoned the instance, if it is."""
        trap = Trap("cannot enter component instance", "cannot-enter-component")
        for instance in self.lineage:
            if instance.run is not None and instance.run.failure is not None:
                trap.__cause__ = instance.run.failure
        return trap

    def _entered_from(self, caller: ComponentInstance | None) -> tuple[ComponentInstance, ...]:
        if caller is None:
            return self.lineage
        return tuple(instance for instance in self.lineage if instance not in caller.lineage)

    def __repr__(self) -> str:
        return f"<ComponentInstance {self.name}>"
