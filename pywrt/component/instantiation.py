"""Instantiate a validated component. Spec: component-model Explainer.md#instance-definitions

Strategy: definitions execute in file order, each by a function that a table names, and append to the
run-time index spaces of a `Frame`. Instantiating a nested component pushes a frame on a stack instead of
calling; when its definitions are done, its exports become an instance of the frame below. A few bytes can
name the same large component or module again and again, so what is made is counted (`Allowance`).

At run time a resource type is a `GuestResource` or `HostResource`. A frame's `resources` says which one each
resource variable of validation stands for; function types are made concrete with it when they are lifted.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pywrt.canonical_abi.builtins import Builtin, canon_builtin
from pywrt.canonical_abi.context import CanonOptions
from pywrt.canonical_abi.func import LiftedFunc, begin_start, canon_lift, canon_lower, end_start
from pywrt.canonical_abi.handles import GuestResource
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.canonical_abi.resource_builtins import (
    canon_resource_drop,
    canon_resource_new,
    canon_resource_rep,
)
from pywrt.canonical_abi.task import call
from pywrt.component.definitions import (
    AliasCoreExport,
    AliasExport,
    AliasOuter,
    Argument,
    CanonBuiltin,
    CanonLift,
    CanonLower,
    CanonResource,
    ComponentCode,
    ComponentDef,
    CoreExports,
    CoreInstantiate,
    ExportDef,
    ImportDef,
    InstanceExports,
    Instantiate,
    ModuleDef,
    Options,
    ResourceDef,
    StartDef,
    ValueDef,
)
from pywrt.component.subtyping import Substitution, substitute, substitute_func
from pywrt.component.tables import SORTS
from pywrt.component.types import Bound, Path, Resource
from pywrt.engine.deadline import check_deadline
from pywrt.engine.instantiation import CompiledModule
from pywrt.engine.instantiation import instantiate as instantiate_module
from pywrt.errors import LimitError
from pywrt.runtime.store import Store
from pywrt.wasm.module import Elem, Expr
from pywrt.wit.types import ResourceType

#: Exports of an instance at run time, by name: component functions, resource types (and, for other types,
#: what validation made of them), compiled modules, closures and further instances.
Exports = dict[str, Any]


#: What one instantiation may make: definitions, their items, and the functions and such of core instances.
MAX_ITEMS = 2_000_000
#: How many of them are made between two looks at the store's deadline.
ITEMS_PER_LOOK = 1_000


class Allowance:
    """What one instantiation may still make, and when it is to look at the deadline again."""

    __slots__ = ("_left", "_look", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._left = self._look = MAX_ITEMS

    def take(self, count: int) -> None:
        """Account for `count` items; LimitError past MAX_ITEMS, Trap past the store's deadline."""
        self._left -= count
        if self._left < 0:
            raise LimitError(f"instantiating the component makes more than the limit of {MAX_ITEMS} items")
        if self._left < self._look:
            self._look = self._left - ITEMS_PER_LOOK
            check_deadline(self._store)


class Closure:
    """A component at run time: what it is, and the frame its outer aliases refer to."""

    __slots__ = ("code", "frame")

    def __init__(self, code: ComponentCode, frame: "Frame | None") -> None:
        self.code = code
        self.frame = frame


class Frame:
    """A component that is being instantiated: its arguments, index spaces and exports so far."""

    __slots__ = (
        "args",
        "code",
        "exports",
        "instance",
        "outer",
        "pc",
        "pending",
        "resources",
        "spaces",
        "types",
    )

    def __init__(
        self, store: Store, closure: Closure, args: Mapping[str, Any], caller: "Frame | None"
    ) -> None:
        store.take_instance()
        self.code = closure.code
        self.outer = closure.frame
        self.args = args
        self.pc = 0
        parent = None if caller is None else caller.instance
        self.instance: ComponentInstance = ComponentInstance(store, closure.code.name or "", parent)
        begin_start(self.instance)
        self.spaces: dict[str, list[Any]] = {sort: [] for sort in _SPACES}
        self.resources: dict[Resource, ResourceType] = {}
        #: Makes static types concrete; each type once, so that equal types stay one object.
        self.types = Substitution(self.resources)
        self.exports: Exports = {}
        #: The instantiation that waits for the frame above to be done.
        self.pending: Instantiate | None = None

    def bind(self, bindings: tuple[Bound, ...], found: Mapping[str, Any]) -> None:
        """Note what resource types stand for, where `found` has them by path."""
        for variable, path in bindings:
            self.resources[variable] = at_path(found, path)

    def value(self, item: Argument) -> Any:
        """What an argument or export refers to."""
        if item.sort == "type":
            return self.resources[item.type] if isinstance(item.type, Resource) else item.type
        return self.spaces[item.sort][item.index]

    def options(self, options: Options) -> CanonOptions:
        """Canonical options with the definitions that they refer to."""
        funcs = self.spaces["core func"]
        return CanonOptions(
            None if options.memory is None else self.spaces["core memory"][options.memory],
            None if options.realloc is None else funcs[options.realloc],
            None if options.post_return is None else funcs[options.post_return],
            options.string_encoding,
            options.is_async,
            None if options.callback is None else funcs[options.callback],
        )


_SPACES = (
    "core func",
    "core table",
    "core memory",
    "core global",
    "core tag",
    "core module",
    "core instance",
    *SORTS.values(),
)


def at_path(exports: Mapping[str, Any], path: Path) -> Any:
    """What is exported at `path`, which validation or the linker has checked."""
    found: Any = exports
    for name in path:
        found = found[name]
    return found


def instantiate(store: Store, code: ComponentCode, args: Mapping[str, Any]) -> Exports:
    """Instantiate `code` with `args`, which fit its imports (the linker has checked), and give its exports.

    Raises LimitError past a limit of the store or of MAX_ITEMS, and Trap past the store's deadline, or if a
    core module's start function or active segment traps; what was instantiated before stays in the store,
    unreachable.
    """
    allowance = Allowance(store)
    stack = [Frame(store, Closure(code, None), args, None)]
    while True:
        frame = stack[-1]
        definitions = frame.code.definitions
        while frame.pc < len(definitions):
            definition = definitions[frame.pc]
            frame.pc += 1
            weigh = _WEIGHTS.get(definition.__class__)
            allowance.take(1 if weigh is None else weigh(frame, definition))
            if definition.__class__ is Instantiate:
                stack.append(_begin(frame, definition))
                break
            _EXECUTE[definition.__class__](frame, definition)
        else:
            stack.pop()
            end_start(frame.instance)
            if not stack:
                return frame.exports
            caller = stack[-1]
            pending = caller.pending
            assert pending is not None
            caller.spaces["instance"].append(frame.exports)
            caller.bind(pending.bindings, frame.exports)


def _begin(frame: Frame, definition: Any) -> Frame:
    """The frame of the component that an `instance` definition instantiates."""
    frame.pending = definition
    args = {argument.name: frame.value(argument) for argument in definition.args}
    closure: Closure = frame.spaces["component"][definition.component]
    return Frame(frame.instance.store, closure, args, frame)


# Definitions, in the order of `pywrt.component.definitions`


def _import(frame: Frame, definition: ImportDef) -> None:
    frame.bind(definition.bindings, frame.args)
    sort = definition.extern.sort
    if sort != "type":
        frame.spaces[sort].append(frame.args[definition.name])


def _module(frame: Frame, definition: ModuleDef) -> None:
    frame.spaces["core module"].append(definition.code)


def _component(frame: Frame, definition: ComponentDef) -> None:
    frame.spaces["component"].append(Closure(definition.code, frame))


def _core_instantiate(frame: Frame, definition: CoreInstantiate) -> None:
    instances = frame.spaces["core instance"]
    imports = [instances[definition.args[argument]][name] for argument, name in definition.imports]
    module = frame.spaces["core module"][definition.module]
    instances.append(instantiate_module(frame.instance.store, module, imports).exports)


def _core_exports(frame: Frame, definition: CoreExports) -> None:
    exports = {name: frame.spaces[sort][index] for name, sort, index in definition.items}
    frame.spaces["core instance"].append(exports)


def _instance_exports(frame: Frame, definition: InstanceExports) -> None:
    frame.spaces["instance"].append({item.name: frame.value(item) for item in definition.items})


def _alias_core_export(frame: Frame, definition: AliasCoreExport) -> None:
    frame.spaces[definition.sort].append(frame.spaces["core instance"][definition.instance][definition.name])


def _alias_export(frame: Frame, definition: AliasExport) -> None:
    frame.spaces[definition.sort].append(frame.spaces["instance"][definition.instance][definition.name])


def _alias_outer(frame: Frame, definition: AliasOuter) -> None:
    outer: Frame | None = frame
    for _ in range(definition.count):
        assert outer is not None
        outer = outer.outer
    assert outer is not None
    frame.spaces[definition.sort].append(outer.spaces[definition.sort][definition.index])


def _resource(frame: Frame, definition: ResourceDef) -> None:
    dtor = None if definition.dtor is None else frame.spaces["core func"][definition.dtor]
    resource = definition.resource
    frame.resources[resource] = GuestResource(resource.name or "resource", frame.instance, dtor)


def _canon_lift(frame: Frame, definition: CanonLift) -> None:
    type = substitute_func(definition.type, frame.types)
    core = frame.spaces["core func"][definition.func]
    frame.spaces["func"].append(canon_lift(type, core, frame.options(definition.options), frame.instance))


def _canon_lower(frame: Frame, definition: CanonLower) -> None:
    callee = frame.spaces["func"][definition.func]
    lowered = canon_lower(callee, frame.options(definition.options), frame.instance)
    frame.spaces["core func"].append(lowered)


def _canon_resource(frame: Frame, definition: CanonResource) -> None:
    make = _RESOURCE_BUILTINS[definition.name]
    resource = frame.resources[definition.resource]
    frame.spaces["core func"].append(make(resource, frame.instance, definition.rep))


def _canon_builtin(frame: Frame, definition: CanonBuiltin) -> None:
    made = Builtin(definition.name, definition.type, frame.options(definition.options), definition.flag)
    if definition.payload is not None:
        made.payload = substitute(definition.payload, frame.types)
    if definition.index is not None:
        # what it is an index of, the name says
        if definition.name.startswith("waitable-set."):
            made.memory = frame.spaces["core memory"][definition.index]
        elif definition.name.startswith("context."):
            made.slot = definition.index
        else:
            made.table, made.thread = frame.spaces["core table"][definition.index], definition.thread
    frame.spaces["core func"].append(canon_builtin(made, frame.instance))


def _value(frame: Frame, definition: ValueDef) -> None:
    frame.spaces["value"].append(definition.value)


def _start(frame: Frame, definition: StartDef) -> None:
    """Call a function with values; what it returns is a value. Spec: Explainer.md#start-definitions"""
    func = frame.spaces["func"][definition.func]
    args = [frame.spaces["value"][index] for index in definition.args]
    result = call(func, args) if isinstance(func, LiftedFunc) else func.fn(*args)
    if definition.has_result:
        frame.spaces["value"].append(result)


def _export(frame: Frame, definition: ExportDef) -> None:
    item = definition.item
    value = frame.value(item)
    if value.__class__ is LiftedFunc and not value.name:
        value.name = item.name
    frame.exports[item.name] = value
    frame.bind(definition.bindings, frame.exports)
    if item.sort != "type":  # like an alias, an export has an index of its own
        frame.spaces[item.sort].append(value)


# What definitions make, for those that make more than one item


def _core_instance_weight(frame: Frame, definition: CoreInstantiate) -> int:
    code: CompiledModule = frame.spaces["core module"][definition.module]
    module = code.module
    # An instantiation may run guest code for as long as a nested call does without a look at the deadline.
    started = ITEMS_PER_LOOK if module.start is not None else 1
    return (
        started
        + len(module.imports)
        + len(module.funcs)
        + len(module.exports)
        + sum([1 + variable.init.end - variable.init.start for variable in module.globals])
        + sum([_elem_weight(elem) for elem in module.elems])
        + sum([1 + (data.end - data.start) // ITEMS_PER_LOOK for data in module.datas])
    )


def _elem_weight(elem: Elem) -> int:
    return 1 + sum([item.end - item.start if isinstance(item, Expr) else 1 for item in elem.init])


_WEIGHTS: dict[type, Callable[[Frame, Any], int]] = {
    CoreInstantiate: _core_instance_weight,
    CoreExports: lambda frame, definition: 1 + len(definition.items),
    InstanceExports: lambda frame, definition: 1 + len(definition.items),
    Instantiate: lambda frame, definition: 1 + len(definition.args) + len(definition.bindings),
    ImportDef: lambda frame, definition: 1 + len(definition.bindings),
}

_RESOURCE_BUILTINS = {
    "resource.new": canon_resource_new,
    "resource.drop": canon_resource_drop,
    "resource.rep": canon_resource_rep,
}

_EXECUTE: dict[type, Callable[[Frame, Any], None]] = {
    ImportDef: _import,
    ModuleDef: _module,
    ComponentDef: _component,
    CoreInstantiate: _core_instantiate,
    CoreExports: _core_exports,
    InstanceExports: _instance_exports,
    AliasCoreExport: _alias_core_export,
    AliasExport: _alias_export,
    AliasOuter: _alias_outer,
    ResourceDef: _resource,
    CanonLift: _canon_lift,
    CanonLower: _canon_lower,
    CanonResource: _canon_resource,
    CanonBuiltin: _canon_builtin,
    ValueDef: _value,
    StartDef: _start,
    ExportDef: _export,
}
