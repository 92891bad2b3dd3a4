"""Python functions and classes for what a component exports, and component functions for what the host has.

They take and return typed values, or those of `pywrt.component`, as the `Classes` say. A result that a
function returns becomes its ok value, or raises `Err`. Generated modules and the loader are made of this.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import Parameter, Signature
from types import CoroutineType
from typing import Any

from pywrt.api import Blocked, Store
from pywrt.bindgen.convert import Classes, ToGuest, ToHost, apply
from pywrt.bindgen.interface import Function, Interface, ResourceClass
from pywrt.bindgen.signatures import TypeNames, wit_signature
from pywrt.bindgen.values import Err as TypedErr
from pywrt.bindgen.values import GuestObject, handle_of
from pywrt.canonical_abi import check_host_arity
from pywrt.canonical_abi.values import Err, Sums
from pywrt.component import Func, HostResource, Instance, Linker, LinkerInstance
from pywrt.component.types import Resource
from pywrt.errors import LinkError
from pywrt.wit.types import FuncType, Result, WitType

# What a component exports


class Namespace:
    """The functions and classes of an interface, as attributes."""

    __slots__ = ("__dict__", "_label")

    def __init__(self, label: str, members: dict[str, Any]) -> None:
        self._label = label
        self.__dict__.update(members)

    def __repr__(self) -> str:
        return f"<{self._label}: {', '.join(self.__dict__)}>"


class Exports:
    """Makes the Python functions and classes of one instance; `after` is called when a call has ended."""

    __slots__ = ("after", "classes", "instance", "names", "store", "to_guest", "to_host")

    def __init__(
        self,
        store: Store,
        instance: Instance,
        classes: Classes,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.instance = instance
        self.classes = classes
        self.after = after
        self.names = TypeNames(instance.type)
        self.to_guest = ToGuest(classes)
        self.to_host = ToHost(classes)

    def members(self, interface: Interface, path: str = "") -> dict[str, Any]:
        """What an interface has, by Python names; `path` leads from the instance to it."""
        made: dict[str, Any] = {}
        for label, inner in interface.instances.items():
            attribute = interface.attributes[label]
            made[attribute] = Namespace(f"{path}{label}", self.members(inner, f"{path}{label}#"))
        for resource in interface.resources:
            # functions may refer to the class, so it is there before them
            cls = type(resource.name, (GuestObject,), {"__slots__": (), "__doc__": f"`{resource.label}`"})
            self.classes.add_resource(resource.type, cls)
            made[resource.name] = cls
        for resource in interface.resources:
            for function in resource.functions:
                for name, member in self.functions(function, path).items():
                    setattr(made[resource.name], name, member)
        for function in interface.functions:
            made.update(self.functions(function, path))
        return made

    def functions(self, function: Function, path: str) -> dict[str, Any]:
        """A Python function for a function, and a coroutine function beside an async one."""
        func = self.instance.get_func(self.store, path + function.extern)
        assert func is not None  # the component's type has it
        call = _Call(self, function, func)
        doc = wit_signature(function, self.names)
        if function.kind == "constructor":
            return {"__init__": _python_function("__init__", doc, function, call.construct)}
        made = {function.name: _python_function(function.name, doc, function, call.run)}
        if function.async_name is not None:
            made[function.async_name] = _python_function(function.async_name, doc, function, call.run_async)
        return {name: staticmethod(f) for name, f in made.items()} if function.kind == "static" else made


class _Call:
    """How a function of the component is called with Python's arguments."""

    __slots__ = ("errors", "exports", "func", "result", "steps", "sum")

    def __init__(self, exports: Exports, function: Function, func: Func) -> None:
        result, ok, err = _outcome(function.type)
        self.exports = exports
        self.func = func
        self.steps = [exports.to_guest.of(param.type) for param in function.type.params]
        self.sum = None if result is None else Sums().of(result)
        self.result = exports.to_host.of(ok)
        self.errors = exports.to_host.of(err)

    def run(self, *args: Any) -> Any:
        try:
            return self.returned(self.func(self.exports.store, *self.lowered(args)))
        finally:
            self.exports.after()

    async def run_async(self, *args: Any) -> Any:
        func: Any = self.func
        try:
            return self.returned(await func.call_async(self.exports.store, *self.lowered(args)))
        finally:
            self.exports.after()

    def construct(self, this: Any, *args: Any) -> None:
        this._handle = handle_of(self.run(*args))

    def lowered(self, args: Sequence[Any]) -> list[Any]:
        return [apply(step, argument) for step, argument in zip(self.steps, args, strict=True)]

    def returned(self, value: Any) -> Any:
        if self.sum is None:
            return apply(self.result, value)
        index, payload = self.sum.match(value)
        if index == 0:
            return apply(self.result, payload)
        raise TypedErr(apply(self.errors, payload))


def _outcome(type: FuncType) -> tuple[Result | None, WitType | None, WitType | None]:
    """A function's result, if it is a `result`; what is returned, and what is raised."""
    if isinstance(type.result, Result):
        return type.result, type.result.ok, type.result.err
    return None, type.result, None


def _python_function(made_name: str, doc: str, function: Function, call: Callable[..., Any]) -> Any:
    """`call` as a function with the signature of `function`, which keywords may be given to."""
    receiver = ["self"] if function.kind in ("method", "constructor") else []
    names = [*receiver, *function.params]
    count = len(names)
    required = function.required + len(receiver)
    defaults = [Parameter.empty] * required + [None] * (count - required)
    kind = Parameter.POSITIONAL_OR_KEYWORD
    signature = Signature(
        [Parameter(name, kind, default=default) for name, default in zip(names, defaults, strict=True)]
    )

    def run(*args: Any, **keywords: Any) -> Any:
        if keywords or len(args) != count:
            bound = signature.bind(*args, **keywords)
            bound.apply_defaults()
            args = bound.args
        return call(*args)

    made: Any = run
    made.__name__ = made.__qualname__ = made_name
    made.__doc__ = doc
    made.__signature__ = signature
    return made


# What the host provides


class Imports:
    """Provides what a component imports by the attributes of Python objects."""

    __slots__ = ("classes", "resources", "to_guest", "to_host")

    def __init__(self, classes: Classes) -> None:
        self.classes = classes
        self.resources: dict[Resource, HostResource] = {}
        self.to_guest = ToGuest(classes)
        self.to_host = ToHost(classes)

    def provide(self, linker: Linker, root: Interface, providers: Mapping[str, Any], own: Any = None) -> None:
        """Define the interfaces of `root` by `providers`, and the functions that are in none by `own`."""
        for name, interface in root.instances.items():
            self.add(linker.root().add_instance(name), interface, providers.get(name), name)
        if own is not None:
            self.add(linker.root(), replace(root, instances={}), own, "the world")

    def add(self, into: LinkerInstance, interface: Interface, provider: Any, shown: str) -> None:
        """Provide what an interface has by the attributes of `provider`.

        LinkError if it lacks one, or a function takes another number of arguments; `shown` is the interface.
        """
        for label, inner in interface.instances.items():
            attribute = _attribute(provider, interface.attributes[label], shown)
            self.add(into.add_instance(label), inner, attribute, f"{shown}#{label}")
        for resource in interface.resources:
            self.resources[resource.type] = HostResource(resource.label, None, _drop)
            for function in resource.functions:
                self.add_func(into, function, _resource_function(provider, resource, function, shown), shown)
        for label, item in interface.types.items():
            # one that another interface defines is known by then, but for those of WASI
            if isinstance(item.type, Resource) and item.type in self.resources:
                into.add_resource(label, self.resources[item.type])
        for function in interface.functions:
            self.add_func(into, function, _attribute(provider, function.name, shown), shown)

    def add_func(self, into: LinkerInstance, function: Function, fn: Callable[..., Any], shown: str) -> None:
        """Provide a function by a Python function."""
        answer = _Answer(self, function, fn)

        def make(type: FuncType) -> Callable[..., Any]:
            check_host_arity(fn, type, f"{shown}#{function.extern}")
            return answer.run

        into.add_typed_func(function.extern, make)


def _attribute(provider: Any, name: str, shown: str) -> Any:
    try:
        return getattr(provider, name)
    except AttributeError:
        raise LinkError(f"{provider!r} has no {name!r}, which the component imports of `{shown}`") from None


def _resource_function(provider: Any, resource: ResourceClass, function: Function, shown: str) -> Any:
    """The class for a constructor, its attribute for a static function, or what calls a method."""
    if function.kind == "constructor":
        return _attribute(provider, resource.name, shown)
    if function.kind == "static":
        return _attribute(_attribute(provider, resource.name, shown), function.name, shown)
    name = function.name
    return lambda this, *args: getattr(this, name)(*args)


def _drop(value: Any) -> None:
    """Tell an object of the host that the guest has dropped it, if it wants to know."""
    drop = getattr(value, "drop", None)
    if drop is not None:
        drop()


class _Answer:
    """How a Python function answers the component."""

    __slots__ = ("errors", "fn", "result", "steps", "sum")

    def __init__(self, imports: Imports, function: Function, fn: Callable[..., Any]) -> None:
        result, ok, err = _outcome(function.type)
        # without types, what is returned may be in any form that `pywrt.component` takes
        typed = imports.classes.typed
        self.fn = fn
        self.steps = [imports.to_host.of(param.type) for param in function.type.params]
        self.sum = Sums().of(result) if result is not None and typed else None
        self.result = imports.to_guest.of(ok if typed else function.type.result)
        self.errors = imports.to_guest.of(err)

    def run(self, *args: Any) -> Any:
        given = [apply(step, argument) for step, argument in zip(self.steps, args, strict=True)]
        return self.answered(lambda: self.fn(*given))

    def answered(self, produce: Callable[[], Any]) -> Any:
        """What the component takes for what `produce` returns or raises."""
        try:
            value = produce()
        except Err as error:
            raise self.refusal(error) from None
        if isinstance(value, Blocked):
            retry = value.retry
            return Blocked(lambda: self.answered(retry), value.timeout, value.fileno)
        if isinstance(value, CoroutineType):
            return self.awaited(value)
        if self.sum is None or isinstance(value, Err):
            return apply(self.result, value)
        return self.sum.build(0, apply(self.result, value))

    async def awaited(self, coroutine: Any) -> Any:
        try:
            value = await coroutine
        except Err as error:
            raise self.refusal(error) from None
        return self.answered(lambda: value)

    def refusal(self, error: Err) -> Err:
        return Err(apply(self.errors, error.payload))
