"""Built-ins of resources, which a component asks for. Spec: CanonicalABI.md#canon-resourcenew"""

from typing import Any

from pywrt.canonical_abi.handles import GuestResource, HostResource, ResourceHandle
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.engine.machine import Blocked, Call, host_func
from pywrt.runtime.func import Func
from pywrt.wasm.types import I32, FuncType
from pywrt.wit.types import ResourceType


def canon_resource_new(resource: ResourceType, instance: ComponentInstance) -> Func:
    """`resource.new`: representation -> handle, of a resource that `instance` implements."""

    def resource_new(rep: int) -> tuple[int]:
        instance.check_may_leave()
        return (instance.handles.add(ResourceHandle(resource, rep)),)

    return host_func(instance.store, FuncType((I32,), (I32,)), resource_new, f"[resource-new]{resource.name}")


def canon_resource_drop(resource: ResourceType, instance: ComponentInstance) -> Func:
    """`resource.drop`: drops a handle; of an owned one, runs the destructor."""

    def resource_drop(index: int) -> Any:
        instance.check_may_leave()
        handle = instance.handles.get_typed(index, resource)
        if handle.scope is not None:
            instance.handles.remove(index)
            handle.scope.borrows -= 1
            return ()
        rep = instance.handles.remove_owned(index, resource)
        if isinstance(resource, HostResource):
            return () if resource.drop is None else _nothing(resource.drop(rep))
        if isinstance(resource, GuestResource):
            return _destroy(resource, rep, instance)
        return ()

    return host_func(instance.store, FuncType((I32,), ()), resource_drop, f"[resource-drop]{resource.name}")


def _destroy(resource: GuestResource, rep: int, caller: ComponentInstance) -> Any:
    """Run the destructor of a resource that `caller` dropped, in the instance that implements it."""
    callee = resource.instance
    callee.enter_related(caller)
    if resource.dtor is None:
        callee.leave(caller)
        return ()

    def destroyed(results: list[Any]) -> tuple[()]:
        callee.leave(caller)
        return ()

    return Call(resource.dtor, [rep], destroyed)


def _nothing(answer: Any) -> Any:
    """The flat results of a host resource's `drop`, which may suspend the guest."""
    if isinstance(answer, Blocked):
        retry = answer.retry
        return Blocked(lambda: _nothing(retry()), answer.timeout, answer.fileno)
    return ()


def canon_resource_rep(resource: ResourceType, instance: ComponentInstance) -> Func:
    """`resource.rep`: handle -> representation."""

    def resource_rep(index: int) -> tuple[int]:
        return (instance.handles.get_typed(index, resource).rep,)

    return host_func(instance.store, FuncType((I32,), (I32,)), resource_rep, f"[resource-rep]{resource.name}")
