"""Component functions, lifted from a guest's or provided by the host, and `canon lower` of them.

Spec: CanonicalABI.md#canon-lift, #canon-lower

Strategy: lowering a function gives a core function of the host's, run by the machine. For a host
function it lifts the arguments, calls it and lowers the result. For a function of another component
instance it lowers the lifted arguments there and hands the call to the machine, so that nothing stays on
the Python stack while the callee runs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from types import CoroutineType
from typing import Any

from pywrt.canonical_abi.adapters import adapters_for
from pywrt.canonical_abi.context import CanonOptions, Context
from pywrt.canonical_abi.handles import CallScope
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.canonical_abi.layout import flatten_functype
from pywrt.canonical_abi.pacing import in_time
from pywrt.canonical_abi.signature import (
    LiftParams,
    LiftResult,
    LowerParams,
    LowerResult,
    lift_params,
    lift_result,
    lower_params,
    lower_result,
)
from pywrt.canonical_abi.values import Err
from pywrt.engine.machine import Blocked, Call, host_func
from pywrt.errors import LinkError, Trap, ValueTypeError
from pywrt.runtime.func import Func
from pywrt.wit.types import FuncType


class LiftedFunc:
    """A component function that core function `core` of `instance` implements."""

    __slots__ = ("_adapters", "_lift_result", "_lower_params", "core", "instance", "name", "options", "type")

    def __init__(
        self, type: FuncType, core: Func, options: CanonOptions, instance: ComponentInstance, name: str
    ) -> None:
        self.type = type
        self.core = core
        self.options = options
        self.instance = instance
        self.name = name
        self._lower_params: LowerParams | None = None
        self._lift_result: LiftResult | None = None

    def lower_params(self, cx: Context, values: Sequence[Any]) -> list[Any]:
        """The core arguments for `values`; ValueTypeError if one does not fit its type."""
        if self._lower_params is None:
            self._build()
        assert self._lower_params is not None
        return self._lower_params(cx, values)

    def lift_result(self, cx: Context, flat: Sequence[Any]) -> Any:
        """The value that core results stand for."""
        assert self._lift_result is not None
        return self._lift_result(cx, flat)

    def _build(self) -> None:
        adapters = adapters_for(self.options, self.instance)
        self._lower_params = lower_params(adapters, self.type)
        self._lift_result = lift_result(adapters, self.type)

    def __repr__(self) -> str:
        return f"<LiftedFunc {self.name} {self.type}>"


class HostFunc:
    """A component function that the host implements: `fn(*values)`.

    It returns a value (of a function without result it is ignored), raises `Err` for a result's err case,
    or returns `Blocked` to suspend the guest, whose `retry` then gives one of these again. It may be a
    coroutine function, for calls that an event loop drives. What else it raises propagates to whoever
    called into the guest.
    """

    __slots__ = ("fn", "name", "type")

    def __init__(self, type: FuncType, fn: Callable[..., Any], name: str) -> None:
        self.type = type
        self.fn = fn
        self.name = name

    def __repr__(self) -> str:
        return f"<HostFunc {self.name} {self.type}>"


ComponentFunc = LiftedFunc | HostFunc


def canon_lift(
    type: FuncType, core: Func, options: CanonOptions, instance: ComponentInstance, name: str = ""
) -> LiftedFunc:
    """The component function of `type` that `core` implements. Spec: CanonicalABI.md#canon-lift"""
    return LiftedFunc(type, core, options, instance, name)


def canon_lower(callee: ComponentFunc, options: CanonOptions, instance: ComponentInstance) -> Func:
    """The core function by which code of `instance` calls `callee`. Spec: CanonicalABI.md#canon-lower"""
    functype = flatten_functype(callee.type, "lower")
    lowering = _HostLowering if isinstance(callee, HostFunc) else _GuestLowering
    return host_func(instance.store, functype, lowering(callee, options, instance), callee.name)


class _Lowering:
    """What the two kinds of lowered function share: adapters on the caller's side, made on the first call."""

    __slots__ = ("_lift_params", "_lower_result", "callee", "instance", "options")

    def __init__(self, callee: Any, options: CanonOptions, instance: ComponentInstance) -> None:
        self.callee = callee
        self.options = options
        self.instance = instance
        self._lift_params: LiftParams | None = None
        self._lower_result: LowerResult | None = None

    def lift_params(self, cx: Context, flat: Sequence[Any]) -> list[Any]:
        if self._lift_params is None:
            adapters = adapters_for(self.options, self.instance)
            self._lift_params = lift_params(adapters, self.callee.type)
            self._lower_result = lower_result(adapters, self.callee.type)
        return self._lift_params(cx, flat)

    def lower_result(self, cx: Context, value: Any, flat: Sequence[Any]) -> list[Any]:
        assert self._lower_result is not None
        return self._lower_result(cx, value, flat)


class _HostLowering(_Lowering):
    """Calls a host function from a guest."""

    __slots__ = ()

    def __call__(self, *flat: Any) -> Any:
        instance = self.instance
        instance.check_may_leave()
        scope = CallScope()
        cx = Context(self.options, instance, scope)
        values = self.lift_params(cx, flat)
        return self.answer(cx, flat, lambda: self.callee.fn(*values))

    def answer(self, cx: Context, flat: Sequence[Any], produce: Callable[[], Any]) -> Any:
        """The flat results for what `produce` returns or raises, or Blocked if it is not there yet."""
        waiting = False
        try:
            try:
                value = produce()
            except Err as error:
                value = error
            if isinstance(value, Blocked):
                waiting = True
                retry = value.retry
                return Blocked(lambda: self.answer(cx, flat, retry), value.timeout, value.fileno)
            if isinstance(value, CoroutineType):
                waiting = True
                return _Awaited(self, cx, flat, value)
            return in_time(self.instance.store, self.lower_answer(cx, flat, value))
        finally:
            if not waiting:
                cx.scope.end()

    def lower_answer(self, cx: Context, flat: Sequence[Any], value: Any) -> list[Any]:
        """The flat results for a value; ValueTypeError names the function if it does not fit."""
        try:
            if self.callee.type.result is None and isinstance(value, Err):
                raise ValueTypeError(f"the function raised {value!r}, but its type has no result")
            return self.lower_result(cx, value, flat)
        except ValueTypeError as error:
            raise error.within(f"result of {self.callee.name!r}") from None


class _Awaited:
    """What a coroutine host function gives the machine to wait for: awaiting it gives the flat results."""

    __slots__ = ("_coroutine", "_cx", "_flat", "_lowering")

    def __init__(self, lowering: _HostLowering, cx: Context, flat: Sequence[Any], coroutine: Any) -> None:
        self._lowering = lowering
        self._cx = cx
        self._flat = flat
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        value: Any
        try:
            value = yield from self._coroutine.__await__()
        except Err as error:
            value = error
        except BaseException:
            self._cx.scope.end()
            raise
        return self._lowering.answer(self._cx, self._flat, lambda: value)

    def send(self, value: Any) -> Any:
        """Tells the machine that this is awaited, as the coroutine itself would be."""
        return self._coroutine.send(value)

    def close(self) -> None:
        """Give the coroutine up, for a call that is cancelled."""
        self._cx.scope.end()
        self._coroutine.close()


class _GuestLowering(_Lowering):
    """Calls a function of one component instance from another."""

    __slots__ = ()

    def __call__(self, *flat: Any) -> Any:
        caller, callee = self.instance, self.callee
        caller.check_may_leave()
        callee.instance.enter(caller)
        scope = CallScope()
        outer = Context(self.options, caller, scope, fused=True)
        inner = Context(callee.options, callee.instance, scope, fused=True)
        values = self.lift_params(outer, flat)
        try:
            core_args = callee.lower_params(inner, values)
        except ValueTypeError as error:
            raise _does_not_fit(error) from None
        return Call(callee.core, core_args, lambda results: self.returned(outer, inner, flat, results))

    def returned(self, outer: Context, inner: Context, flat: Sequence[Any], core_results: list[Any]) -> Any:
        """Move the result from the callee to the caller, then run the callee's post-return."""
        value = self.callee.lift_result(inner, core_results)
        outer.scope.check_borrows_dropped()
        try:
            results = self.lower_result(outer, value, flat)
        except ValueTypeError as error:
            raise _does_not_fit(error) from None
        outer.scope.end()
        post_return = self.callee.options.post_return
        if post_return is None:
            return self.left(results)
        self.callee.instance.may_leave = False
        return Call(post_return, list(core_results), lambda _: self.left(results))

    def left(self, results: list[Any]) -> Any:
        """Leave the callee with the caller's flat results."""
        self.callee.instance.may_leave = True
        self.callee.instance.leave(self.instance)
        return in_time(self.instance.store, results)


def _does_not_fit(error: ValueTypeError) -> Trap:
    """The trap for a lifted value that can't be lowered: a string or list that transcoding makes too long."""
    return Trap(str(error), "value-does-not-fit")


_CO_VARARGS = 0x04


def check_host_arity(fn: Callable[..., Any], type: FuncType, name: str) -> None:
    """LinkError if the Python function `fn` can't be called with as many arguments as `type` has.

    Decided from the function's code object; a callable without one (a builtin, a partial) is accepted.
    """
    bound = 0
    function: Any = fn
    if not hasattr(function, "__code__") and not hasattr(function, "__func__"):
        method = getattr(function, "__call__", None)  # noqa: B004  # the method itself is wanted
        function = method if hasattr(method, "__func__") else function
    if hasattr(function, "__func__"):
        bound = 1
        function = function.__func__
    code = getattr(function, "__code__", None)
    if code is None:
        return
    count = len(type.params) + bound
    defaults = len(getattr(function, "__defaults__", None) or ())
    keyword_defaults = getattr(function, "__kwdefaults__", None) or {}
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    least, most = code.co_argcount - defaults, code.co_argcount
    fits = least <= count and (count <= most or bool(code.co_flags & _CO_VARARGS))
    if fits and all(keyword in keyword_defaults for keyword in keyword_only):
        return
    label = getattr(function, "__qualname__", repr(fn))
    raise LinkError(
        f"import {name!r} takes {len(type.params)} arguments, {type}, but the host function {label} "
        f"can't be called with so many"
    )
