"""Validation: the typed index spaces of a component, or of a component or instance type.

Strategy: the decoder calls a method of the innermost `Scope` for each definition, in file order; the method
checks the definition against the index spaces, enters what it defines, and notes what instantiation has to
do. Errors are InvalidError without an offset, which the decoder adds. Spec: component-model Binary.md
"""

from typing import Any

from pywrt.component.definitions import (
    AliasCoreExport,
    AliasExport,
    AliasOuter,
    Argument,
    CoreExports,
    CoreInstantiate,
    Definition,
    ExportDef,
    ImportDef,
    InstanceExports,
    Instantiate,
    ModuleDef,
    ResourceDef,
    StartDef,
    ValueDef,
)
from pywrt.component.subtyping import (
    Mismatch,
    Work,
    instantiate_type,
    match,
    match_core,
    open_instance,
    same_value,
)
from pywrt.component.tables import (
    CANONICAL_NAMES,
    CORE_SORT_OF_KIND,
    MAX_INDEX_SPACE,
    MAX_NESTING,
    MAX_TYPE_SIZE,
    MAX_VALUE_TYPE_SIZE,
    NESTED_NAMES,
    SORTS,
    SPACE_NAMES,
)
from pywrt.component.types import (
    Attributes,
    Bound,
    ComponentType,
    CoreExternType,
    Extern,
    InstanceType,
    ModuleType,
    Resource,
    component_extern,
    free_in,
    instance_extern,
    kind_of,
    resource_paths,
)
from pywrt.component.visibility import Named, check_annotated, register, rename
from pywrt.errors import InvalidError
from pywrt.wasm import types as core
from pywrt.wasm.deftypes import DefType, define_func
from pywrt.wit import types as wit
from pywrt.wit.names import (
    ExternName,
    Version,
    canonical_name,
    parse_extern_name,
    parse_interface_name,
    parse_version,
)

#: The sorts that have an index space of their own.
_SPACES = (*CORE_SORT_OF_KIND.values(), "core type", "core module", "core instance", *SORTS.values())

#: The type of a core instance: its exports.
CoreInstanceType = dict[str, CoreExternType]


class Names:
    """The names of one scope's imports, or of its exports: which are taken, and what they make visible."""

    __slots__ = ("named", "resources", "taken")

    def __init__(self) -> None:
        #: Canonical name -> name.
        self.taken: dict[str, str] = {}
        self.named: Named = {}
        #: Resource type objects, by identity -> name.
        self.resources: dict[int, str] = {}

    def enter(self, parsed: ExternName, name: str, item: Extern) -> None:
        """Check what the name says of its type, and note the name of a resource type."""
        check_annotated(parsed, name, item, self.resources)
        if item.sort == "type" and isinstance(item.type, Resource):
            self.resources[id(item.type)] = name


class Scope:
    """Index spaces, imports and exports of a component (`kind` component) or of a type (`component type`,
    `instance type`); `definitions` is what instantiation executes."""

    def __init__(self, kind: str, parent: "Scope | None", work: Work, features: frozenset[str]) -> None:
        self.kind = kind
        self.parent = parent
        self.work = work
        self.features = features
        self.depth: int = 1 if parent is None else parent.depth + 1
        #: How many of the scopes from the outermost to this one are components.
        self.components: int = (0 if parent is None else parent.components) + (kind == "component")
        if self.depth > MAX_NESTING:
            raise InvalidError(f"nesting of components or types exceeds the limit of {MAX_NESTING}")
        self.spaces: dict[str, list[Any]] = {sort: [] for sort in _SPACES}
        self.imports: dict[str, Extern] = {}
        self.exports: dict[str, Extern] = {}
        self.import_names = Names()
        self.export_names = Names()
        self.imported: list[Bound] = []
        self.exported: list[Bound] = []
        self.definitions: list[Definition] = []
        #: Values that are not consumed yet, by index.
        self.unused: set[int] = set()
        #: What `context.get` and `context.set` of this component hold, once there is one.
        self.context_type: core.ValType | None = None

    def require(self, feature: str, what: str) -> None:
        """InvalidError that names `feature` unless it is on; `what` is what needs it."""
        if feature not in self.features:
            raise InvalidError(f"{what} requires the {feature} feature", feature=feature)

    # Index spaces

    def get(self, sort: str, index: int, noun: str | None = None) -> Any:
        """The entry `index` of the index space of `sort`; InvalidError if there is none."""
        space = self.spaces[sort]
        if index >= len(space):
            name = SPACE_NAMES[sort]
            raise InvalidError(f"unknown {noun or name} {index}: {name} index out of bounds")
        return space[index]

    def add(self, sort: str, entry: Any) -> None:
        """Enter a definition into the index space of `sort`; InvalidError if a limit is passed."""
        space = self.spaces[sort]
        if len(space) >= MAX_INDEX_SPACE:
            raise InvalidError(f"{SPACE_NAMES[sort]} count exceeds limit of {MAX_INDEX_SPACE}")
        if isinstance(entry, Extern):
            check_size(entry)
        space.append(entry)
        if sort == "value":
            self.unused.add(len(space) - 1)

    def use_value(self, index: int) -> wit.WitType:
        """Consume a value, which is done once, and give its type. Spec: Binary.md#-start-definitions"""
        item: Extern = self.get("value", index)
        if index not in self.unused:
            raise InvalidError(f"cannot use value {index} more than once")
        self.unused.remove(index)
        return item.type  # type: ignore[return-value]

    def core_func(self, index: int) -> core.FuncType:
        """The type of core function `index`."""
        type: DefType = self.get("core func", index)
        return type.func

    def add_core_func(self, type: core.FuncType) -> None:
        """Enter a core function that a canonical definition makes."""
        self.add("core func", define_func(type))

    def outer(self, count: int) -> "Scope":
        """The scope that is `count` scopes outwards; InvalidError if there are fewer."""
        scope: Scope | None = self
        for _ in range(count):
            scope = None if scope is None else scope.parent
            if scope is None:
                raise InvalidError(f"invalid outer alias count of {count}")
        assert scope is not None
        return scope

    def value_type(self, index: int) -> Extern:
        """The value type that type `index` defines."""
        item: Extern = self.get("type", index)
        if isinstance(item.type, wit.FuncType | Resource | InstanceType | ComponentType | ModuleType):
            raise InvalidError(f"type index {index} is not a defined type")
        return item

    def resource(self, index: int) -> Resource:
        """The resource type that type `index` is."""
        type = self.get("type", index).type
        if not isinstance(type, Resource):
            raise InvalidError(f"type index {index} is not a resource type")
        return type

    def func_type(self, index: int) -> Extern:
        """The function type that type `index` defines."""
        item: Extern = self.get("type", index)
        if not isinstance(item.type, wit.FuncType):
            raise InvalidError(f"type index {index} is not a function type")
        return item

    def extern_type(self, sort: str, index: int) -> Extern:
        """What is imported or exported as `sort` with the type `index`."""
        if sort == "core module":
            module = self.get("core type", index)
            if not isinstance(module, ModuleType):
                raise InvalidError(f"core type index {index} is not a module type")
            return Extern(sort, module, size=1 + len(module.imports) + len(module.exports))
        item: Extern
        if sort == "func":
            item = self.func_type(index)
        else:
            item = self.get("type", index)
            wanted = InstanceType if sort == "instance" else ComponentType
            if not isinstance(item.type, wanted):
                article = "an" if sort == "instance" else "a"
                raise InvalidError(f"type index {index} is not {article} {sort} type")
        return item.like(sort, item.type)

    # Types

    def define_resource(self, rep: core.ValType, dtor: int | None) -> None:
        """`resourcetype`: a resource type that this component implements, represented by `rep`."""
        if self.kind != "component":
            raise InvalidError("resources can only be defined within a concrete component")
        if dtor is not None and self.core_func(dtor) != core.FuncType((rep,), ()):
            raise InvalidError(f"core function {dtor} has wrong signature for a destructor")
        resource = Resource("", rep=rep)  # its first export gives it a name
        self.add("type", Extern("type", resource, free=frozenset([resource])))
        self.definitions.append(ResourceDef(resource, dtor))

    # Values

    def define_value(self, item: Extern, value: Any) -> None:
        """`value`: a constant of value type `item`."""
        self.add("value", item.like("value", item.type))
        self.definitions.append(ValueDef(item.type, value))  # type: ignore[arg-type]

    def start(self, func: int, args: list[int], results: int) -> None:
        """`start`: a call while the component is instantiated."""
        item: Extern = self.get("func", func)
        type: wit.FuncType = item.type  # type: ignore[assignment]
        self.work.charge(item.size)
        if len(args) != len(type.params):
            raise InvalidError(f"start function takes {len(type.params)} arguments, {len(args)} are given")
        for param, index in zip(type.params, args, strict=True):
            try:
                same_value(self.use_value(index), param.type)
            except Mismatch as error:
                raise InvalidError(
                    f"value type mismatch for start function argument `{param.name}`: {error}"
                ) from None
        if results != (type.result is not None):
            raise InvalidError(f"start function of type {type} is said to have {results} results")
        if type.result is not None:
            result = item.like("value", type.result)  # no larger than the function's type
            result.borrow = False
            self.add("value", result)
        self.definitions.append(StartDef(func, tuple(args), results == 1))

    # Imports and exports

    def import_(self, name: str, attributes: Attributes, item: Extern | None) -> None:
        """`import`: `item` is None for a fresh abstract resource type."""
        parsed = self._take(self.import_names, name, "import")
        item, fresh = self._opened(name, item)
        self._check_attributes(name, parsed, attributes, item)
        self.import_names.enter(parsed, name, item)
        self._check_visible(item, name, "import")
        self.imports[name] = item
        self.imported.extend(fresh)
        self.add(item.sort, item)
        if self.kind == "component":
            self.definitions.append(ImportDef(name, item, fresh))

    def declare_export(self, name: str, attributes: Attributes, item: Extern | None) -> None:
        """`exportdecl`: what a component or instance type exports."""
        parsed = self._take(self.export_names, name, "export")
        item, fresh = self._opened(name, item)
        self._check_attributes(name, parsed, attributes, item)
        self.export_names.enter(parsed, name, item)
        self._check_visible(item, name, "export")
        self.exports[name] = item
        self.exported.extend(fresh)
        self.add(item.sort, item)

    def export(
        self,
        name: str,
        attributes: Attributes,
        sort: str,
        index: int,
        ascribed: Extern | None,
        is_ascribed: bool,
    ) -> None:
        """`export`: with `is_ascribed`, an `ascribed` of None stands for the bound `(sub resource)`."""
        parsed = self._take(self.export_names, name, "export")
        item = self._exportable(sort, index)
        argument = Argument(name, sort, index, item.type if sort == "type" else None)
        fresh: tuple[Bound, ...] = ()
        if is_ascribed:
            self._check_ascription(item, ascribed)
            item, fresh = self._opened(name, ascribed)
        elif sort == "type":
            if isinstance(item.type, Resource) and not item.type.root.name:
                item.type.root.name = name
            item = rename(item)
        self._check_attributes(name, parsed, attributes, item)
        self.export_names.enter(parsed, name, item)
        self._check_visible(item, name, "export")
        self.exports[name] = item
        self.add(item.sort, item)
        if sort == "value":
            self.unused.remove(len(self.spaces[sort]) - 1)  # it is consumed by being exported
        self.definitions.append(ExportDef(argument, fresh))

    def _take(self, names: Names, name: str, what: str) -> ExternName:
        """Parse `name` and claim it; `what` is import or export."""
        parsed = parse_extern_name(name, what, NESTED_NAMES in self.features)
        self._check_version(parsed, name)
        canonical = canonical_name(name)
        previous = names.taken.get(canonical)
        if previous is not None:
            raise InvalidError(f"{what} name `{name}` conflicts with previous name `{previous}`")
        names.taken[canonical] = name
        return parsed

    def _check_version(self, parsed: ExternName, name: str) -> None:
        if parsed.version is not None and parsed.version.patch is None:
            self.require(CANONICAL_NAMES, f"the canonical version in `{name}`")

    def _check_attributes(self, name: str, parsed: ExternName, attributes: Attributes, item: Extern) -> None:
        """Spec: Binary.md#import-and-export-definitions"""
        if attributes.implements is not None:
            interface = parse_interface_name(
                attributes.implements, "implements", NESTED_NAMES in self.features
            )
            self._check_version(interface, attributes.implements)
            if parsed.kind != "label":
                raise InvalidError(f"name `{name}` is not valid with `implements`")
            if item.sort != "instance":
                raise InvalidError("only instances can have an `implements`")
            parsed = interface
        if attributes.version_suffix is not None:
            _check_suffix(parsed.version, attributes.version_suffix)

    def _exportable(self, sort: str, index: int) -> Extern:
        if sort.startswith("core ") and sort != "core module":
            raise InvalidError(f"a {sort} cannot be exported from a component")
        item: Extern = self.get(sort, index)
        if sort == "value":
            self.use_value(index)
        return item

    def _check_ascription(self, item: Extern, ascribed: Extern | None) -> None:
        try:
            if ascribed is None:
                if not isinstance(item.type, Resource):
                    raise Mismatch(f"expected resource, found {kind_of(item.type)}")
            else:
                match(item, ascribed, self.work)
        except Mismatch as error:
            raise InvalidError(
                f"ascribed type of export is not compatible with item's type: {error}"
            ) from None

    def _opened(self, name: str, item: Extern | None) -> tuple[Extern, tuple[Bound, ...]]:
        """An imported or exported thing of its own, and the resource types that are fresh with it."""
        if item is None:
            resource = Resource(name)
            fresh = Extern("type", resource, free=frozenset([resource]))
            return fresh, ((resource, (name,)),)
        if item.sort == "type":
            return rename(item), ()
        if item.sort == "instance" and isinstance(item.type, InstanceType) and item.type.bound:
            opened, bound = open_instance(item.type, self.work)
            made = item.like("instance", opened, item.free.union([resource for resource, _ in bound]))
            return made, tuple([(resource, (name, *path)) for resource, path in bound])
        return item, ()

    def _check_visible(self, item: Extern, name: str, what: str) -> None:
        if self.kind == "instance type":
            return
        self.work.charge(item.size)
        if item.sort == "value" and item.borrow and what == "export":
            raise InvalidError("exported value type cannot contain a `borrow` type")
        visible = self.export_names.named
        importing = what == "import"
        ok = register(item, self.import_names.named if importing else visible, visible if importing else None)
        if not ok:
            raise InvalidError(
                f"{item.sort} not valid to be used as {what}: `{name}` refers to types without a name"
            )

    # Core instances

    def core_instantiate(self, module: int, args: list[tuple[str, int]]) -> None:
        """`core:instance`: instantiate a module with core instances as arguments."""
        type = self.get("core module", module).type
        given: dict[str, int] = {}
        for name, index in args:
            self.get("core instance", index)
            if name in given:
                raise InvalidError(f"duplicate module instantiation argument named `{name}`")
            given[name] = index
        for (argument, name), needed in type.imports.items():
            if argument not in given:
                raise InvalidError(f"missing module instantiation argument named `{argument}`")
            offered = self.spaces["core instance"][given[argument]].get(name)
            if offered is None:
                raise InvalidError(
                    f"module instantiation argument `{argument}` does not export an item named `{name}`"
                )
            try:
                match_core(offered, needed)
            except Mismatch as error:
                raise InvalidError(
                    f"type mismatch for export `{name}` of module instantiation argument `{argument}`: "
                    f"{error}"
                ) from None
        self.add("core instance", type.exports)
        self.definitions.append(CoreInstantiate(module, given, tuple(type.imports)))

    def core_exports(self, items: list[tuple[str, str, int]]) -> None:
        """`core:instance`: a bag of core definitions."""
        exports: CoreInstanceType = {}
        for name, sort, index in items:
            if sort not in CORE_SORT_OF_KIND.values():
                raise InvalidError(f"a {sort} cannot be exported from a core instance")
            type = self.get(sort, index)
            if name in exports:
                raise InvalidError(f"export name `{name}` already defined")
            exports[name] = type
        self.add("core instance", exports)
        self.definitions.append(CoreExports(tuple(items)))

    def alias_core_export(self, sort: str, instance: int, name: str) -> None:
        """`alias core export`."""
        exports: CoreInstanceType = self.get("core instance", instance)
        type = exports.get(name)
        if type is None:
            raise InvalidError(f"core instance {instance} has no export named `{name}`")
        if CORE_SORT_OF_KIND[type.kind] != sort:
            raise InvalidError(f"export `{name}` for core instance {instance} is not a {SPACE_NAMES[sort]}")
        self.add(sort, type)
        self.definitions.append(AliasCoreExport(sort, instance, name))

    # Component instances

    def instantiate(self, component: int, args: list[tuple[str, str, int]]) -> None:
        """`instance`: instantiate a component."""
        type: ComponentType = self.get("component", component).type
        given: dict[str, Extern] = {}
        arguments: list[Argument] = []
        for name, sort, index in args:
            item = self._exportable(sort, index)
            if name in given:
                raise InvalidError(
                    f"instantiation argument `{name}` conflicts with previous argument `{name}`"
                )
            given[name] = item
            arguments.append(Argument(name, sort, index, item.type if sort == "type" else None))
        try:
            instance, fresh = instantiate_type(type, given, self.work)
        except Mismatch as error:
            raise InvalidError(str(error)) from None
        self.add("instance", instance_extern(instance))
        used = tuple([argument for argument in arguments if argument.name in type.imports])
        self.definitions.append(Instantiate(component, used, fresh))

    def instance_exports(self, items: list[tuple[str, Attributes, str, int]]) -> None:
        """`instance`: a bag of definitions; items are (name, attributes, sort, index).

        Nothing in it introduces a type: what it exports as a type is the very type that it names, so no
        function in it is of a resource that has a name there.
        """
        names = Names()
        exports: dict[str, Extern] = {}
        arguments: list[Argument] = []
        for name, attributes, sort, index in items:
            parsed = self._take(names, name, "export")
            item = self._exportable(sort, index)
            arguments.append(Argument(name, sort, index, item.type if sort == "type" else None))
            self._check_attributes(name, parsed, attributes, item)
            check_annotated(parsed, name, item, {})
            exports[name] = item
        self.add("instance", instance_extern(InstanceType(exports)))
        self.definitions.append(InstanceExports(tuple(arguments)))

    def alias_export(self, sort: str, instance: int, name: str) -> None:
        """`alias export`."""
        if self.kind != "component" and sort not in ("type", "instance"):
            raise InvalidError("aliases in a component or instance type may only refer to types or instances")
        exports: dict[str, Extern] = self.get("instance", instance).type.exports
        item = exports.get(name)
        if item is None:
            raise InvalidError(f"instance {instance} has no export named `{name}`")
        if item.sort != sort:
            raise InvalidError(f"export `{name}` for instance {instance} is not a {SPACE_NAMES[sort]}")
        self.add(sort, item)
        if self.kind == "component" and sort != "type":
            self.definitions.append(AliasExport(sort, instance, name))

    def alias_outer(self, sort: str, count: int, index: int) -> None:
        """`alias outer`: `count` scopes outwards."""
        if self.kind != "component" and sort not in ("type", "core type"):
            raise InvalidError("aliases in a component or instance type may only refer to types or instances")
        scope = self.outer(count)
        crossed = scope.components < self.components
        item = scope.get(sort, index)
        if crossed and sort == "type" and item.free:
            raise InvalidError(
                "cannot alias outer type which transitively refers to resources not defined in the current "
                "component"
            )
        self.add(sort, item)
        if sort in ("component", "core module"):
            self.definitions.append(AliasOuter(sort, count, index))

    # Modules, and the end of a scope

    def define_module(self, code: Any, type: ModuleType) -> None:
        """A core module; `code` is what the engine made of it."""
        self.add("core module", Extern("core module", type, size=1 + len(type.imports) + len(type.exports)))
        self.definitions.append(ModuleDef(code))

    def component_type(self) -> ComponentType:
        """The type of this component, or the component type that was declared."""
        exported = self.exported
        self.work.charge(sum([item.size for item in self.exports.values()]))
        imported = {resource for resource, _ in self.imported}
        in_imports = free_in(self.imports.values())
        if self.kind == "component":
            self._check_values_used()
            # What the exports refer to and no import brought in is abstract outside, and fresh for each
            # instance. Each such type has a name outside, hence a path.
            outside = set(imported)
            exported = []
            for resource, path in resource_paths(self.exports):
                if resource not in outside:
                    outside.add(resource)
                    exported.append((resource, path))
            if not free_in(self.exports.values()) <= outside:
                raise InvalidError("local resource type found in export but not exported itself")
            local = in_imports - imported
        else:
            local = in_imports & {resource for resource, _ in exported}
        if local:
            raise InvalidError("local resource type found in imports")
        return ComponentType(self.imports, self.exports, tuple(self.imported), tuple(exported))

    def _check_values_used(self) -> None:
        if self.unused:
            raise InvalidError(
                f"value index {min(self.unused)} was not used as part of an instantiation, "
                "start function, or export"
            )

    def finish_type(self) -> Extern:
        """The type definition that a scope of a type amounts to."""
        if self.kind == "instance type":
            return instance_extern(InstanceType(self.exports, tuple(self.exported)), "type")
        return component_extern(self.component_type(), "type")


def check_size(item: Extern) -> None:
    """InvalidError for a type that is too large, written out as a tree, or too deep."""
    large = item.type.__class__ in (InstanceType, ComponentType, ModuleType)
    limit = MAX_TYPE_SIZE if large else MAX_VALUE_TYPE_SIZE
    if item.size > limit:
        raise InvalidError(f"effective type size exceeds the limit of {limit}")
    if item.depth > MAX_NESTING:
        raise InvalidError(f"nesting of types exceeds the limit of {MAX_NESTING}")


def _check_suffix(version: Version | None, suffix: str) -> None:
    """InvalidError unless `suffix` completes a canonical version."""
    if version is None or not version.canonical:
        raise InvalidError("`versionsuffix` requires an interface name with a canonical version")
    try:
        complete = parse_version(f"{version}{suffix}")
    except ValueError as error:
        raise InvalidError(f"`versionsuffix` `{suffix}` of version {version} is not valid: {error}") from None
    if complete.patch is None:
        raise InvalidError(f"`versionsuffix` `{suffix}` of version {version} makes no complete version")
