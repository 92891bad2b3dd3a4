"""Built-ins of resources, which a component asks for. Spec: CanonicalABI.md#canon-resourcenew"""

from collections.abc import Generator
from typing import Any

from pywrt.canonical_abi.context import CanonOptions
from pywrt.canonical_abi.func import LiftedFunc, refuse, run_within
from pywrt.canonical_abi.guest_task import GuestTask
from pywrt.canonical_abi.handles import CallScope, GuestResource, HostResource, ResourceHandle
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.engine.machine import Blocked, host_func
from pywrt.runtime.func import Func
from pywrt.wasm.types import I32, I64, ValType
from pywrt.wasm.types import FuncType as CoreFuncType
from pywrt.wit.types import U32, U64, Field, FuncType, ResourceType


def canon_resource_new(resource: ResourceType, instance: ComponentInstance, rep: ValType = I32) -> Func:
    """`resource.new`: representation -> handle, of a resource that `instance` implements."""

    def resource_new(representation: int) -> tuple[int]:
        instance.check_may_leave()
        return (instance.handles.add(ResourceHandle(resource, representation)),)

    type = CoreFuncType((rep,), (I32,))
    return host_func(instance.store, type, resource_new, f"[resource-new]{resource.name}")


def canon_resource_drop(resource: ResourceType, instance: ComponentInstance, rep: ValType = I32) -> Func:
    """`resource.drop`: drops a handle; of an owned one, runs the destructor."""

    def resource_drop(index: int) -> Any:
        instance.check_may_leave()
        handle = instance.handles.get_typed(index, resource)
        if handle.scope is not None:
            instance.handles.remove(index)
            handle.scope.borrows -= 1
            return ()
        representation = instance.handles.remove_owned(index, resource)
        if isinstance(resource, HostResource):
            return () if resource.drop is None else _nothing(resource.drop(representation))
        if isinstance(resource, GuestResource):
            return _destroy(resource, representation, instance)
        return ()

    type = CoreFuncType((I32,), ())
    return host_func(instance.store, type, resource_drop, f"[resource-drop]{resource.name}")


def _destroy(resource: GuestResource, rep: int, caller: ComponentInstance) -> Generator[Any, Any, tuple[()]]:
    """Run the destructor of a resource that `caller` dropped, in the instance that implements it."""
    callee = resource.instance
    callee.enter_related(caller)
    if resource.dtor is not None:
        type = _DTOR_TYPES[resource.dtor.type.params[0]]
        func = LiftedFunc(type, resource.dtor, CanonOptions(), callee, f"[dtor]{resource.name}")
        parent = None if caller.thread is None else caller.thread.task
        task = GuestTask(func, CallScope(), lambda: [rep], lambda value, returned: None, refuse, parent)
        yield from run_within(task)
    callee.leave(caller)
    return ()


_DTOR_TYPES = {I32: FuncType((Field("rep", U32),)), I64: FuncType((Field("rep", U64),))}


def _nothing(answer: Any) -> Any:
    """The flat results of a host resource's `drop`, which may suspend the guest."""
    if isinstance(answer, Blocked):
        retry = answer.retry
        return Blocked(lambda: _nothing(retry()), answer.timeout, answer.fileno)
    return ()


def canon_resource_rep(resource: ResourceType, instance: ComponentInstance, rep: ValType = I32) -> Func:
    """`resource.rep`: handle -> representation."""

    def resource_rep(index: int) -> tuple[int]:
        return (instance.handles.get_typed(index, resource).rep,)

    type = CoreFuncType((I32,), (rep,))
    return host_func(instance.store, type, resource_rep, f"[resource-rep]{resource.name}")
