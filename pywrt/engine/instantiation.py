"""Compiled modules and their instantiation. Spec: exec/modules.html#instantiation"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pywrt.config import Config
from pywrt.engine.binding import bind
from pywrt.engine.constants import evaluate
from pywrt.engine.deadline import check_deadline
from pywrt.engine.flow import tidy
from pywrt.engine.immediates import Signatures
from pywrt.engine.instructions import lower
from pywrt.engine.machine import call
from pywrt.engine.plan import FunctionPlan
from pywrt.engine.startup import charge, startup_fuel
from pywrt.errors import LimitError, LinkError, Trap
from pywrt.runtime.collector import CollectorPaused
from pywrt.runtime.func import Func
from pywrt.runtime.global_ import Global
from pywrt.runtime.instance import Extern, Instance
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import Store
from pywrt.runtime.table import Table
from pywrt.runtime.tag import Tag
from pywrt.wasm.binary.names import function_names, module_name
from pywrt.wasm.binary.sections import EXTERNAL_KINDS
from pywrt.wasm.deftypes import Closing, DefType, define_types
from pywrt.wasm.module import Code, Expr, Import, Module
from pywrt.wasm.types import ExternType, FuncType, GlobalType, MemoryType, TableType, TagType
from pywrt.wasm.valid import module_context, validate_function, validate_module
from pywrt.wasm.valid.context import Context
from pywrt.wasm.valid.subtyping import matches_reftype, matches_valtype


class CompiledModule:
    """A validated module and what all its instances share: plans of the functions called so far."""

    __slots__ = (
        "_context",
        "_names",
        "_unbound_frames",
        "closing",
        "config",
        "lowered",
        "module",
        "name",
        "plans",
        "signatures",
        "startup_fuel",
        "types",
        "validated",
    )

    def __init__(
        self, module: Module, config: Config, name: str | None = None, validated: bool = True
    ) -> None:
        self.module = module
        self.config = config
        self.name = name
        self.validated = validated  # function bodies too; else each one is when it is first called
        self.plans: dict[int, FunctionPlan] = {}
        self.types = define_types(module.types, module.rec_groups)
        self.closing = Closing(self.types)
        self.signatures = _signatures(module, self.types)
        self.startup_fuel = startup_fuel(module) if config.consume_fuel else 0
        self.lowered = 0  # bytes of bodies, which take some hundred times their size once lowered
        self._names: dict[int, str] | None = None
        self._unbound_frames: dict[int, tuple[int]] = {}
        self._context: Context | None = None  # of bodies that are validated when they are first called

    @property
    def imported_funcs(self) -> int:
        return len(self.signatures.funcs) - len(self.module.funcs)

    def function_name(self, index: int) -> str | None:
        """The name that the name section gives function `index`, if any."""
        if self._names is None:
            self._names = function_names(self.module)
        return self._names.get(index)

    def unbound_frame(self, index: int) -> tuple[int]:
        """The frame of function `index` until it is bound; one object for all instances."""
        return self._unbound_frames.setdefault(index, (index,))

    def code_of(self, index: int) -> Code:
        """The body of function `index`, imports counted."""
        return self.module.code[index - self.imported_funcs]

    def plan(self, index: int, check: Callable[[], object] = lambda: None) -> FunctionPlan:
        """The lowered body of function `index`; lowered at the first call of it anywhere.

        `check` is called meanwhile, and may raise to give up. LimitError past `Config.max_lowered_bytes`.
        """
        plan = self.plans.get(index)
        if plan is None:
            if not self.validated:
                if self._context is None:
                    self._context = module_context(self.module, self.config)
                validate_function(self.module, self._context, index)
            code = self.code_of(index)
            lowered = self.lowered + code.expr.end - code.expr.start
            if lowered > self.config.max_lowered_bytes:
                raise LimitError(
                    f"more than {self.config.max_lowered_bytes} bytes of a module's code are in use "
                    "(Config.max_lowered_bytes)"
                )
            plan = tidy(lower(self.signatures, index, code, check))
            self.lowered = lowered
            self.plans[index] = plan
        return plan


def _signatures(module: Module, types: list[DefType]) -> Signatures:
    """The types of all that `module` imports and defines."""
    signatures = Signatures(types)
    for item in module.imports:
        if isinstance(item.desc, FuncType):
            signatures.funcs.append(types[item.type_index].func)
        elif isinstance(item.desc, MemoryType):
            signatures.memories.append(item.desc)
        elif isinstance(item.desc, TableType):
            signatures.tables.append(item.desc)
        elif isinstance(item.desc, TagType):
            signatures.tags.append(types[item.type_index].func)
    signatures.funcs += [types[index].func for index in module.funcs]
    signatures.memories += module.memories
    signatures.tables += [table.type for table in module.tables]
    signatures.tags += [types[tag.type_index].func for tag in module.tags]
    return signatures


def compile_module(
    module: Module, config: Config, name: str | None = None, *, bodies_are_valid: bool = False
) -> CompiledModule:
    """Validate a decoded `module` and prepare it for instantiation; lowers nothing yet. InvalidError.

    `bodies_are_valid` says that its function bodies were found valid before, and are not to be looked at.
    """
    if bodies_are_valid:
        module_context(module, config)
    else:
        validate_module(module, config)
    validated = bodies_are_valid or config.eager_validation
    return CompiledModule(module, config, name if name is not None else module_name(module), validated)


def instantiate(
    store: Store,
    compiled: CompiledModule,
    imports: Sequence[Extern],
    name: str | None = None,
    *,
    run_start: bool = True,
) -> Instance:
    """Instantiate with `imports` in the order of the module's imports.

    LinkError if one doesn't match, LimitError past a limit of the store, Trap if an active segment is out
    of bounds or the start function traps. What a segment wrote to imported memories before stays written.
    """
    module = compiled.module
    store.take_instance()
    charge(store, compiled.startup_fuel)
    instance = Instance(store, compiled, name if name is not None else compiled.name)
    instance.types = compiled.types
    with CollectorPaused():  # not while the guest runs: what it drops may be in cycles
        _add_imports(instance, module, imports)
        _add_definitions(instance, module)
        spaces = {kind: _space(instance, kind) for kind in EXTERNAL_KINDS}
        for export in module.exports:
            instance.exports[export.name] = spaces[export.kind][export.index]
        _run_segments(instance, module)
    if run_start and module.start is not None:
        call(store, instance.funcs[module.start], [])
    return instance


def _space(instance: Instance, kind: str) -> Any:
    spaces: dict[str, Any] = {
        "func": instance.funcs,
        "table": instance.tables,
        "memory": instance.memories,
        "global": instance.globals,
        "tag": instance.tags,
    }
    return spaces[kind]


def matches(offered: Any, item: Import, closing: Closing) -> bool:
    """Whether an extern may be imported as `item` asks; `closing` closes its module's types.

    Spec: valid/matching.html#external-types
    """
    have, wanted = offered.current_type, item.desc
    if have.kind != wanted.kind:
        return False
    if isinstance(wanted, FuncType):
        expected = closing.types[item.type_index]
        return offered.deftype is expected if item.exact else bool(offered.deftype.is_subtype(expected))
    if isinstance(wanted, TagType):
        return offered.deftype is closing.types[item.type_index]
    if isinstance(wanted, GlobalType):
        value = closing.valtype(wanted.value)
        if have.mutable is not wanted.mutable or not matches_valtype(have.value, value):
            return False
        return not wanted.mutable or matches_valtype(value, have.value)
    if have.address is not wanted.address or not have.limits.matches(wanted.limits):
        return False
    if isinstance(wanted, MemoryType):
        return have.shared is wanted.shared and have.page_size == wanted.page_size
    element = closing.reftype(wanted.element)
    return matches_reftype(have.element, element) and matches_reftype(element, have.element)


def _add_imports(instance: Instance, module: Module, imports: Sequence[Extern]) -> None:
    closing = instance.code.closing
    if len(imports) != len(module.imports):
        raise LinkError(f"expected {len(module.imports)} imports, got {len(imports)}")
    for wanted, offered in zip(module.imports, imports, strict=True):
        if not matches(offered, wanted, closing):
            raise LinkError(
                f"incompatible import type for {wanted.module!r} {wanted.name!r}: "
                f"the module wants {wanted.desc.kind} {_bare(wanted.desc)}, "
                f"what is given is {offered.current_type.kind} {_bare(offered.current_type)}"
            )
        _space(instance, wanted.desc.kind).append(offered)


def _bare(type: ExternType) -> str:
    return str(type).removeprefix(type.kind + " ")


def _add_definitions(instance: Instance, module: Module) -> None:
    store = instance.store
    types = instance.types
    instance.funcs.declare(len(module.funcs), _definer(instance))
    size = sum(type.limits.min * type.page_size for type in module.memories)
    if len(module.memories) > 1 and size > store.memory_left:  # say so before the first is allocated
        raise LimitError(
            f"the module's memories do not fit: they begin with {size} bytes, {store.memory_left} are left "
            f"of the store's limit of {store.config.max_memory_bytes}"
        )
    for type in module.memories:
        instance.memories.append(Memory(store, type))
    instance.tags.extend([Tag(types[tag.type_index]) for tag in module.tags])
    closing = instance.code.closing
    for variable in module.globals:
        instance.globals.append(Global(closing.global_(variable.type), evaluate(instance, variable.init)))
    for table in module.tables:
        init = None if table.init is None else evaluate(instance, table.init)
        instance.tables.append(Table(store, closing.table(table.type), init))
    for elem in module.elems:
        instance.elems.append(
            [evaluate(instance, e) if isinstance(e, Expr) else instance.funcs[e] for e in elem.init]
        )
    instance.datas = [b""] * (module.data_count or 0)  # without a count no instruction names a segment


def _definer(instance: Instance) -> Callable[[int], Func]:
    """What makes the functions of an instance, by index.

    All have the same entry before their first call. It finds out which function is called by the frame that
    they have until then, their index: so a function that is never called costs its `Func` alone.
    """
    compiled: CompiledModule = instance.code
    types, type_indices, imported = instance.types, compiled.module.funcs, compiled.imported_funcs

    def bind_on_call(R: list[Any]) -> Any:
        func = instance.funcs[R[-1]]
        if func.entry is bind_on_call:
            with CollectorPaused():
                plan = compiled.plan(func.index, partial(check_deadline, instance.store))
                func.entry = bind(instance, plan)
                func.frame = plan.frame
        R[-1:] = func.frame
        return func.entry, R

    def define(index: int) -> Func:
        deftype = types[type_indices[index - imported]]
        return Func(deftype, bind_on_call, instance, index, frame=compiled.unbound_frame(index))

    return define


def _run_segments(instance: Instance, module: Module) -> None:
    for number, elem in enumerate(module.elems):
        if elem.mode == "active":
            assert elem.offset is not None
            offset = evaluate(instance, elem.offset)
            items = instance.elems[number]
            elements = instance.tables[elem.table].elements
            if offset + len(items) > len(elements):
                raise Trap(
                    f"out of bounds table access: element segment {number} of {len(items)} at {offset} "
                    f"in a table of {len(elements)}",
                    "table-out-of-bounds",
                )
            elements[offset : offset + len(items)] = items
        if elem.mode != "passive":
            instance.elems[number] = []
    for number, data in enumerate(module.datas):
        if data.mode == "passive":
            if instance.datas:
                instance.datas[number] = data.data[data.start : data.end]
            continue
        assert data.offset is not None
        offset = evaluate(instance, data.offset)
        memory = instance.memories[data.memory].data
        size = data.end - data.start
        if offset + size > len(memory):
            raise Trap(
                f"out of bounds memory access: data segment {number} of {size} bytes at {offset} "
                f"in a memory of {len(memory)}",
                "memory-out-of-bounds",
            )
        memory[offset : offset + size] = memoryview(data.data)[data.start : data.end]
