"""Run-time state of a component instance. Spec: CanonicalABI.md#component-instances"""

from typing import Any

from pywrt.canonical_abi.handles import HandleTable
from pywrt.errors import Trap
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store


class ComponentInstance:
    """A component instance: its handles, and whether it may be entered and left.

    A trap leaves `may_enter` false for every instance whose call it ended, for good: the instance may
    be in any state, so that further calls trap. `poisoned` says so of the instance a task began in.
    """

    __slots__ = (
        "adapters",
        "context",
        "handles",
        "lineage",
        "may_enter",
        "may_leave",
        "name",
        "parent",
        "poisoned",
        "store",
    )

    def __init__(self, store: Store, name: str = "", parent: "ComponentInstance | None" = None) -> None:
        self.store = store
        self.name = name
        self.parent = parent
        #: This instance and its ancestors, innermost first.
        self.lineage: tuple[ComponentInstance, ...] = (
            (self, *parent.lineage) if parent is not None else (self,)
        )
        self.handles = HandleTable(store)
        #: Adapters by memory and string encoding, which is all they depend on.
        self.adapters: dict[tuple[Memory | None, str], Any] = {}
        self.may_enter = True
        self.may_leave = True
        self.poisoned = False
        #: What `context.get` and `context.set` address; fresh for each task.
        self.context = [0, 0]

    def enter(self, caller: "ComponentInstance | None") -> None:
        """Begin a call from `caller` (None: the host); Trap if that would be reentrance.

        Between an instance and its own ancestor or descendant every call is refused.
        """
        if caller is not None and (self in caller.lineage or caller in self.lineage):
            raise self.cannot_enter()
        self.enter_related(caller)

    def enter_related(self, caller: "ComponentInstance | None") -> None:
        """`enter` as destructors do it, which an instance may run for its relatives."""
        entered = self._entered_from(caller)
        for instance in entered:
            if not instance.may_enter or instance.poisoned:
                raise self.cannot_enter()
        for instance in entered:
            instance.may_enter = False
            instance.context = [0, 0]

    def leave(self, caller: "ComponentInstance | None") -> None:
        """End a call that `enter` or `enter_related` began."""
        for instance in self._entered_from(caller):
            instance.may_enter = True

    def check_may_leave(self) -> None:
        """Trap if guest code may not call out of the instance now."""
        if not self.may_leave:
            raise Trap("cannot leave component instance", "cannot-leave-component")

    def cannot_enter(self) -> Trap:
        """The trap for a call that may not happen now."""
        return Trap("cannot enter component instance", "cannot-enter-component")

    def _entered_from(self, caller: "ComponentInstance | None") -> "tuple[ComponentInstance, ...]":
        if caller is None:
            return self.lineage
        return tuple(instance for instance in self.lineage if instance not in caller.lineage)

    def __repr__(self) -> str:
        return f"<ComponentInstance {self.name}>"
