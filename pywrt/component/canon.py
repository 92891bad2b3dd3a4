"""Validation of canonical definitions. Spec: component-model CanonicalABI.md#canonical-definitions"""

from collections.abc import Callable, Sequence
from typing import Any

from pywrt.canonical_abi.layout import MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Layouts, flatten_functype
from pywrt.component.definitions import CanonLift, CanonLower, CanonResource, Options
from pywrt.component.scope import Scope
from pywrt.component.tables import ASYNC, ENCODINGS
from pywrt.component.types import Extern
from pywrt.component.visibility import parts
from pywrt.errors import InvalidError
from pywrt.wasm import types as core
from pywrt.wit import types as wit

_I32 = core.I32
REALLOC_TYPE = core.FuncType((_I32, _I32, _I32, _I32), (_I32,))
RESOURCE_TYPES = {
    "resource.new": core.FuncType((_I32,), (_I32,)),
    "resource.drop": core.FuncType((_I32,), ()),
    "resource.rep": core.FuncType((_I32,), (_I32,)),
}

#: Options as read: (name, index or None)
RawOptions = Sequence[tuple[str, int | None]]


class Pointers:
    """Finds out which types hold pointers, that is strings or lists; each type is looked at once."""

    __slots__ = ("_known", "layouts")

    def __init__(self) -> None:
        self._known: dict[int, tuple[wit.WitType, bool]] = {}
        self.layouts = Layouts()

    def within(self, type: wit.WitType) -> bool:
        """Whether values of `type` hold pointers."""
        if isinstance(type, wit.Primitive):
            return type is wit.STRING
        if isinstance(type, wit.List) and type.length is None:
            return True
        known = self._known.get(id(type))
        if known is not None:
            return known[1]
        found = any(self.within(part) for part in parts(type))
        self._known[id(type)] = (type, found)
        return found


def read_options(scope: Scope, raw: RawOptions) -> Options:
    """Check options that don't depend on the function: each once, indices in range, signatures."""
    encoding: str | None = None
    given: dict[str, int] = {}
    for name, index in raw:
        if name in ENCODINGS:
            if encoding is not None:
                first, second = ENCODINGS[encoding], ENCODINGS[name]
                raise InvalidError(f"canonical encoding option `{first}` conflicts with option `{second}`")
            encoding = name
        elif index is None or name == "callback":
            raise InvalidError(f"canonical option `{name}` requires the {ASYNC} feature", feature=ASYNC)
        elif name in given:
            raise InvalidError(f"canonical option `{name}` is specified more than once")
        else:
            given[name] = index
    options = Options(encoding or "utf8", given.get("memory"), given.get("realloc"), given.get("post-return"))
    if options.memory is not None:
        scope.get("core memory", options.memory)
    if options.realloc is not None and scope.get("core func", options.realloc) != REALLOC_TYPE:
        raise InvalidError("canonical option `realloc` uses a core function with an incorrect signature")
    if options.realloc is not None and options.memory is None:
        raise InvalidError("canonical option `realloc` requires `memory` to also be specified")
    return options


def canon_lift(scope: Scope, pointers: Pointers, func: int, raw: RawOptions, type_index: int) -> None:
    """`canon lift`: a core function becomes a component function."""
    item = scope.func_type(type_index)
    type = _sync(item)
    have: core.FuncType = scope.get("core func", func)
    options = read_options(scope, raw)
    want = flatten_functype(type, "lift", pointers.layouts)
    flat_params, flat_results = _flat_counts(type, pointers)
    by_pointer = any(pointers.within(p.type) for p in type.params)
    result_by_pointer = type.result is not None and pointers.within(type.result)
    lowers_to_memory = by_pointer or flat_params > MAX_FLAT_PARAMS
    _require(
        options, lowers_to_memory or result_by_pointer or flat_results > MAX_FLAT_RESULTS, lowers_to_memory
    )
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
        post_return = scope.get("core func", options.post_return)
        if post_return != core.FuncType(have.results, ()):
            raise InvalidError(
                "canonical option `post-return` uses a core function with an incorrect signature"
            )
    scope.add("func", item.like("func", type))
    scope.definitions.append(CanonLift(type, func, options))


def canon_lower(scope: Scope, pointers: Pointers, func: int, raw: RawOptions) -> None:
    """`canon lower`: a component function becomes a core function."""
    type = _sync(scope.get("func", func))
    options = read_options(scope, raw)
    if options.post_return is not None:
        raise InvalidError("canonical option `post-return` cannot be specified for lowerings")
    flat_params, flat_results = _flat_counts(type, pointers)
    by_pointer = any(pointers.within(p.type) for p in type.params)
    result_by_pointer = type.result is not None and pointers.within(type.result)
    _require(
        options,
        by_pointer or flat_params > MAX_FLAT_PARAMS or result_by_pointer or flat_results > MAX_FLAT_RESULTS,
        result_by_pointer,
    )
    scope.add("core func", flatten_functype(type, "lower", pointers.layouts))
    scope.definitions.append(CanonLower(func, options))


def canon_resource(name: str) -> Callable[[Scope, Pointers, int], None]:
    """The rule of `canon resource.new`, `resource.drop` or `resource.rep`."""

    def rule(scope: Scope, pointers: Pointers, index: int) -> None:
        resource = scope.resource(index)
        if name != "resource.drop" and not resource.root.local:
            raise InvalidError(
                f"type index {index} is not a local resource: `{name}` needs one that is defined here"
            )
        scope.add("core func", RESOURCE_TYPES[name])
        scope.definitions.append(CanonResource(name, resource))

    return rule


#: What validates each canonical definition that is built, by name; arguments are its immediates.
RULES: dict[str, Callable[..., Any]] = {
    "lift": canon_lift,
    "lower": canon_lower,
    **{name: canon_resource(name) for name in RESOURCE_TYPES},
}


def _sync(item: Extern) -> wit.FuncType:
    assert isinstance(item.type, wit.FuncType)
    if item.type.is_async:
        raise InvalidError(f"an async function type requires the {ASYNC} feature", feature=ASYNC)
    return item.type


def _flat_counts(type: wit.FuncType, pointers: Pointers) -> tuple[int, int]:
    """How many core values parameters and result take, before any are spilled to memory."""
    layouts = pointers.layouts
    params = len(layouts.flatten([p.type for p in type.params]))
    return params, 0 if type.result is None else len(layouts.flatten([type.result]))


def _require(options: Options, memory: bool, realloc: bool) -> None:
    if memory and options.memory is None:
        raise InvalidError("canonical option `memory` is required")
    if realloc and options.realloc is None:
        raise InvalidError("canonical option `realloc` is required")


def _shown(types: Sequence[core.ValType]) -> str:
    return f"[{', '.join([t.name.upper() if t.name[0] in 'if' else t.name for t in types])}]"
