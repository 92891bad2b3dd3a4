"""Validation of canonical definitions. Spec: component-model CanonicalABI.md#canonical-definitions

Strategy: options are read and checked as far as they don't depend on the function (`read_options`), then a
rule checks what the definition requires of them. Most built-ins have no rule of their own: their row of
the table says the core type, and `canon_builtin` checks their immediates one by one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pywrt.canonical_abi.layout import (
    MAX_FLAT_ASYNC_PARAMS,
    MAX_FLAT_PARAMS,
    MAX_FLAT_RESULTS,
    Layouts,
    flatten_functype,
)
from pywrt.component.definitions import CanonBuiltin, CanonLift, CanonLower, CanonResource, Options
from pywrt.component.scope import Scope
from pywrt.component.subtyping import Mismatch, match_core
from pywrt.component.tables import (
    CANONS,
    CONTEXT_SLOTS,
    ENCODINGS,
    MEMORY64,
    MORE_ASYNC,
    OPTIONS_OF,
    STACKFUL,
    Canon,
)
from pywrt.component.types import Extern
from pywrt.component.visibility import parts
from pywrt.errors import InvalidError
from pywrt.wasm import types as core
from pywrt.wasm.deftypes import DefType, define_func
from pywrt.wasm.valid.subtyping import matches_reftype
from pywrt.wit import types as wit

_I32 = core.I32
CALLBACK_TYPE = core.FuncType((_I32, _I32, _I32), (_I32,))
#: Options as read: (name, index or None)
RawOptions = Sequence[tuple[str, int | None]]


class Pointers:
    """What validation asks of value types: which hold pointers, and how they lie in memory.

    Each type is looked at once. `layouts` are those of memories with the one or the other address type.
    """

    __slots__ = ("_known", "layouts")

    def __init__(self) -> None:
        self._known: dict[int, tuple[wit.WitType, bool]] = {}
        self.layouts = {address: Layouts(address) for address in (core.I32, core.I64)}

    def within(self, type: wit.WitType | None) -> bool:
        """Whether values of `type` hold pointers, that is strings, lists or maps."""
        if type is None or isinstance(type, wit.Primitive):
            return type == wit.STRING
        if isinstance(type, wit.Map) or (isinstance(type, wit.List) and type.length is None):
            return True
        if isinstance(type, wit.Stream | wit.Future):
            return False
        known = self._known.get(id(type))
        if known is not None:
            return known[1]
        found = any(self.within(part) for part in parts(type))
        self._known[id(type)] = (type, found)
        return found


# Options


def read_options(scope: Scope, name: str, raw: RawOptions) -> Options:
    """Check what doesn't depend on the function: which options `name` may have, each once, and signatures.

    Spec: CanonicalABI.md#canonopt-validation
    """
    encoding: str | None = None
    given: dict[str, int | None] = {}
    for option, index in raw:
        if option in ENCODINGS:
            if encoding is not None:
                first, second = ENCODINGS[encoding], ENCODINGS[option]
                raise InvalidError(f"canonical encoding option `{first}` conflicts with option `{second}`")
            encoding = option
        elif option in given:
            raise InvalidError(f"canonical option `{option}` is specified more than once")
        elif option not in OPTIONS_OF[name]:
            where = "lowerings" if name == "lower" else f"`{name}`"
            raise InvalidError(f"canonical option `{option}` cannot be specified for {where}")
        else:
            given[option] = index
    options = Options(
        encoding or "utf8",
        given.get("memory"),
        given.get("realloc"),
        given.get("post-return"),
        "async" in given,
        given.get("callback"),
    )
    _check_options(scope, options)
    return options


def _check_options(scope: Scope, options: Options) -> None:
    address = address_type(scope, options.memory)
    if options.realloc is not None:
        wanted = core.FuncType((address,) * 4, (address,))
        if options.memory is None:
            raise InvalidError("canonical option `realloc` requires `memory` to also be specified")
        _check_signature(scope, "realloc", options.realloc, wanted)
    if options.callback is not None:
        if not options.is_async:
            raise InvalidError("cannot specify callback without async")
        _check_signature(scope, "callback", options.callback, CALLBACK_TYPE)
    if options.post_return is not None and options.is_async:
        raise InvalidError("cannot specify post-return function in async")


def _check_signature(scope: Scope, option: str, func: int, wanted: core.FuncType) -> None:
    if scope.core_func(func) != wanted:
        raise InvalidError(f"canonical option `{option}` uses a core function with an incorrect signature")


def address_type(scope: Scope, memory: int | None) -> core.ValType:
    """The address type of a core memory that the canonical ABI is to use, i32 where there is none."""
    if memory is None:
        return _I32
    type: core.MemoryType = scope.get("core memory", memory)
    if type.address is core.I64:
        scope.require(MEMORY64, "a 64-bit memory")
    try:
        match_core(type, core.MemoryType(core.Limits(0, None), type.address))
    except Mismatch as error:
        raise InvalidError(f"memory {memory} cannot be used by the canonical ABI: {error}") from None
    return type.address


def _require(options: Options, memory: bool, realloc: bool) -> None:
    if memory and options.memory is None:
        raise InvalidError("canonical option `memory` is required")
    if realloc and options.realloc is None:
        raise InvalidError("canonical option `realloc` is required")


# Lifting and lowering


def canon_lift(scope: Scope, pointers: Pointers, func: int, raw: RawOptions, type_index: int) -> None:
    """`canon lift`: a core function becomes a component function."""
    item = scope.func_type(type_index)
    type = _func_type(item)
    scope.work.charge(len(type.params))
    have = scope.core_func(func)
    options = read_options(scope, "lift", raw)
    if options.is_async:
        _require_async(type)
        if options.callback is None:
            scope.require(STACKFUL, "canonical option `async` without `callback`")
    layouts = pointers.layouts[address_type(scope, options.memory)]
    flat_params, flat_results = _flat_counts(type, layouts)
    by_pointer = any(pointers.within(p.type) for p in type.params)
    most_results = MAX_FLAT_PARAMS if options.is_async else MAX_FLAT_RESULTS
    lowers_to_memory = by_pointer or flat_params > MAX_FLAT_PARAMS
    lifts_from_memory = pointers.within(type.result) or flat_results > most_results
    _require(options, lowers_to_memory or lifts_from_memory, lowers_to_memory)
    want = flatten_functype(type, "lift", layouts, options.is_async, options.callback is not None)
    for what, found, wanted in (
        ("parameter", have.params, want.params),
        ("result", have.results, want.results),
    ):
        if found != wanted:
            raise InvalidError(
                f"lowered {what} types `{_shown(wanted)}` do not match {what} types `{_shown(found)}` "
                f"of core function {func}"
            )
    if options.post_return is not None:
        _check_signature(scope, "post-return", options.post_return, core.FuncType(have.results, ()))
    scope.add("func", item.like("func", type))
    scope.definitions.append(CanonLift(type, func, options))


def canon_lower(scope: Scope, pointers: Pointers, func: int, raw: RawOptions) -> None:
    """`canon lower`: a component function becomes a core function."""
    type = _func_type(scope.get("func", func))
    scope.work.charge(len(type.params))
    options = read_options(scope, "lower", raw)
    if options.is_async:
        _require_async(type)
    layouts = pointers.layouts[address_type(scope, options.memory)]
    flat_params, flat_results = _flat_counts(type, layouts)
    by_pointer = any(pointers.within(p.type) for p in type.params)
    result_by_pointer = pointers.within(type.result)
    most_params = MAX_FLAT_ASYNC_PARAMS if options.is_async else MAX_FLAT_PARAMS
    most_results = 0 if options.is_async else MAX_FLAT_RESULTS
    spilled = flat_params > most_params or flat_results > most_results
    _require(options, by_pointer or result_by_pointer or spilled, result_by_pointer)
    scope.add_core_func(flatten_functype(type, "lower", layouts, options.is_async))
    scope.definitions.append(CanonLower(func, options))


def _func_type(item: Extern) -> wit.FuncType:
    assert isinstance(item.type, wit.FuncType)
    return item.type


def _require_async(type: wit.FuncType) -> None:
    if not type.is_async:
        raise InvalidError("the `async` canonical option requires an async function type")


def _flat_counts(type: wit.FuncType, layouts: Layouts) -> tuple[int, int]:
    """How many core values parameters and result take, before any are spilled to memory."""
    params = len(layouts.flatten([p.type for p in type.params]))
    return params, 0 if type.result is None else len(layouts.flatten([type.result]))


def _shown(types: Sequence[core.ValType]) -> str:
    return f"[{', '.join([t.name.upper() if t.name[0] in 'if' else t.name for t in types])}]"


# Built-ins


def canon_resource(canon: Canon) -> Callable[[Scope, Pointers, int], None]:
    """The rule of `canon resource.new`, `resource.drop` or `resource.rep`."""

    def rule(scope: Scope, pointers: Pointers, index: int) -> None:
        resource = scope.resource(index)
        if canon.name != "resource.drop" and resource.rep is None:
            raise InvalidError(
                f"type index {index} is not a local resource: `{canon.name}` needs one that is defined here"
            )
        rep = resource.rep or _I32
        scope.add_core_func(core_type(canon.type, rep))
        scope.definitions.append(CanonResource(canon.name, resource, rep))

    return rule


def canon_task_return(scope: Scope, pointers: Pointers, result: Extern | None, raw: RawOptions) -> None:
    """`canon task.return`: its parameters are the result of the function that it returns from."""
    if result is not None and result.borrow:
        raise InvalidError("`task.return` result cannot contain a `borrow` type")
    options = read_options(scope, "task.return", raw)
    layouts = pointers.layouts[address_type(scope, options.memory)]
    payload: wit.WitType | None = None if result is None else result.type  # type: ignore[assignment]
    fields = () if payload is None else (wit.Field("result", payload),)
    flat = len(layouts.flatten([field.type for field in fields]))
    _require(options, pointers.within(payload) or flat > MAX_FLAT_PARAMS, False)
    type = flatten_functype(wit.FuncType(fields), "lower", layouts)
    _add_builtin(scope, CanonBuiltin("task.return", type, payload, options))


def canon_context(name: str) -> Callable[[Scope, Pointers, core.ValType, int], None]:
    """The rule of `canon context.get` or `context.set`."""

    def rule(scope: Scope, pointers: Pointers, valtype: core.ValType, slot: int) -> None:
        if valtype is core.I64:
            scope.require(MEMORY64, f"`{name}` of i64")
        elif valtype is not _I32:
            raise InvalidError(f"`{name}` must be of type i32 or i64, not {valtype}")
        if slot >= CONTEXT_SLOTS:
            raise InvalidError(f"`{name}` slot {slot} is out of bounds: there are {CONTEXT_SLOTS}")
        if scope.context_type not in (None, valtype):
            raise InvalidError(
                f"`{name}` of {valtype} conflicts with another of {scope.context_type} in this component"
            )
        scope.context_type = valtype
        type = core.FuncType((), (valtype,)) if name == "context.get" else core.FuncType((valtype,), ())
        _add_builtin(scope, CanonBuiltin(name, type, index=slot))

    return rule


def canon_thread_new_indirect(scope: Scope, pointers: Pointers, type_index: int, table: int) -> None:
    """`canon thread.new-indirect`: a thread that begins with a function of a table."""
    deftype = scope.get("core type", type_index)
    if not isinstance(deftype, DefType) or deftype.kind != "func":
        raise InvalidError(f"start type must be a function: core type index {type_index} is none")
    start = deftype.func
    if start.params not in ((_I32,), (core.I64,)):
        raise InvalidError("start function must take a single `i32` argument, or `i64`")
    if start.params == (core.I64,):
        scope.require(MEMORY64, "a start function that takes an `i64`")
    if start.results:
        raise InvalidError("start function must not return any values")
    if deftype is not define_func(start):
        raise InvalidError("start type must be final, without a supertype, and alone in its group")
    of: core.TableType = scope.get("core table", table)
    if of.address is core.I64:
        scope.require(MEMORY64, "a 64-bit table")
    if not matches_reftype(of.element, core.FUNCREF):
        raise InvalidError(f"table {table} is not a table of (ref null func), but of {of.element}")
    type = core.FuncType((of.address, start.params[0]), (_I32,))
    _add_builtin(scope, CanonBuiltin("thread.new-indirect", type, index=table, thread=start))


def canon_builtin(canon: Canon) -> Callable[..., None]:
    """The rule of a built-in that is all in its row."""

    def rule(scope: Scope, pointers: Pointers, *values: Any) -> None:
        payload: wit.WitType | None = None
        options = Options()
        flag = False
        memory: int | None = None
        for immediate, value in zip(canon.immediates, values, strict=True):
            if immediate in ("stream", "future"):
                payload = _payload(scope, canon.name, immediate, value)
            elif immediate == "opts":
                options = read_options(scope, canon.name, value)
                _require(options, *_needs(canon.name, payload, pointers))
                if not options.is_async and "async" in OPTIONS_OF[canon.name]:
                    scope.require(MORE_ASYNC, f"synchronous `{canon.name}`")
            elif immediate == "core_memory":
                memory = value
            else:  # async, cancellable
                flag = value
                if flag and immediate == "async":
                    scope.require(MORE_ASYNC, f"async `{canon.name}`")
        address = address_type(scope, options.memory if memory is None else memory)
        type = core_type(canon.type, address)
        _add_builtin(scope, CanonBuiltin(canon.name, type, payload, options, flag, memory))

    return rule


def _payload(scope: Scope, name: str, kind: str, index: int) -> wit.WitType | None:
    """What the stream or future type `index` carries."""
    type = scope.get("type", index).type
    if not isinstance(type, wit.Stream if kind == "stream" else wit.Future):
        raise InvalidError(f"`{name}` requires a {kind} type")
    return type.element


def _needs(name: str, payload: wit.WitType | None, pointers: Pointers) -> tuple[bool, bool]:
    """Whether built-in `name` needs the options memory and realloc."""
    if name.startswith("error-context"):
        return True, name == "error-context.debug-message"
    return payload is not None, name.endswith(".read") and pointers.within(payload)


def core_type(text: str, address: core.ValType) -> core.FuncType:
    """The core function type that a row says, where T is `address`."""
    types = {"i32": _I32, "i64": core.I64, "T": address}
    params, _, results = text.partition("->")
    return core.FuncType(
        tuple([types[word] for word in params.split()]), tuple([types[word] for word in results.split()])
    )


def _add_builtin(scope: Scope, builtin: CanonBuiltin) -> None:
    scope.add_core_func(builtin.type)
    scope.definitions.append(builtin)


#: What validates each canonical definition, by name; arguments are its immediates. Those of shared threads
#: need a feature that can't be switched on.
RULES: dict[str, Callable[..., None]] = {
    **{canon.name: canon_builtin(canon) for canon in CANONS.values()},
    "lift": canon_lift,
    "lower": canon_lower,
    **{canon.name: canon_resource(canon) for canon in CANONS.values() if canon.name.startswith("resource.")},
    "task.return": canon_task_return,
    "context.get": canon_context("context.get"),
    "context.set": canon_context("context.set"),
    "thread.new-indirect": canon_thread_new_indirect,
}
