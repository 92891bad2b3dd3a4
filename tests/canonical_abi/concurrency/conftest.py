"""Components in a few lines: the core code, and the types of what it exports and imports.

Strategy: core code calls built-ins (`$stream.new`, `$task.return`) and imports (`$f`) by name; what it calls
is found by scanning, and the definitions are written around it. The end of a name says how: `-async`
(`$stream.read-async`, `$f-async`) for the asynchronous form, `-cancellable`; `$task.return:f` returns from
another function than the first with a result. The name of a core export says how it is lifted, as
wit-component has it: `f`, `[async-lift-stackful]f`, or `[async-lift]f` with `[callback][async-lift]f`.
Streams and futures are of one type each. A guest has its memory at 0 to 32,767 for itself.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, Instance, Linker, shuffle_turns
from pywrt.component.text import parse_component
from pywrt.config import Config

ONE, TWO, THREE = "(param i32)", "(param i32 i32)", "(param i32 i32 i32)"
TO_I32, TO_I64 = " (result i32)", " (result i64)"
MEMORY = '(memory $libc "mem")'
BOTH = MEMORY + ' (realloc (func $libc "realloc"))'

#: The core type and the definition of each built-in; `{}` is where `async` or `cancellable` goes.
BUILTINS = {
    "context.get": (TO_I32, "context.get i32 0"),
    "context.set": (ONE, "context.set i32 0"),
    "backpressure.inc": ("", "backpressure.inc"),
    "backpressure.dec": ("", "backpressure.dec"),
    "task.cancel": ("", "task.cancel"),
    "waitable-set.new": (TO_I32, "waitable-set.new"),
    "waitable-set.wait": (TWO + TO_I32, "waitable-set.wait {} " + MEMORY),
    "waitable-set.poll": (TWO + TO_I32, "waitable-set.poll {} " + MEMORY),
    "waitable-set.drop": (ONE, "waitable-set.drop"),
    "waitable.join": (TWO, "waitable.join"),
    "subtask.cancel": (ONE + TO_I32, "subtask.cancel {}"),
    "subtask.drop": (ONE, "subtask.drop"),
    "thread.index": (TO_I32, "thread.index"),
    "thread.new-indirect": (TWO + TO_I32, 'thread.new-indirect $start (core table $libc "table")'),
    "thread.resume-later": (ONE, "thread.resume-later"),
    "thread.suspend": (TO_I32, "thread.suspend {}"),
    "thread.yield": (TO_I32, "thread.yield {}"),
    "thread.suspend-then-resume": (ONE + TO_I32, "thread.suspend-then-resume {}"),
    "thread.yield-then-resume": (ONE + TO_I32, "thread.yield-then-resume {}"),
    "thread.suspend-then-promote": (ONE + TO_I32, "thread.suspend-then-promote {}"),
    "thread.yield-then-promote": (ONE + TO_I32, "thread.yield-then-promote {}"),
    "error-context.new": (TWO + TO_I32, "error-context.new " + MEMORY),
    "error-context.debug-message": (TWO, "error-context.debug-message " + BOTH),
    "error-context.drop": (ONE, "error-context.drop"),
    **{
        f"{kind}.{name}": (type, f"{kind}.{name} ${kind}{options}")
        for kind, args in (("stream", THREE), ("future", TWO))
        for name, type, options in (
            ("new", TO_I64, ""),
            ("read", args + TO_I32, " {} " + BOTH),
            ("write", args + TO_I32, " {} " + BOTH),
            ("cancel-read", ONE + TO_I32, " {}"),
            ("cancel-write", ONE + TO_I32, " {}"),
            ("drop-readable", ONE, ""),
            ("drop-writable", ONE, ""),
        )
    },
}

#: Core functions by the name that they are called by.
HELPERS = {
    # the two ends that `stream.new` gives
    "reader": "(func $reader (param i64) (result i32) (i32.wrap_i64 (local.get 0)))",
    "writer": """(func $writer (param i64) (result i32)
        (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))""",
    # traps unless both are equal
    "is": "(func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))",
    # the payload of the next event of a waitable; its code is at 0 then, the index at 4
    "await": """(func $await (param $waitable i32) (result i32) (local $set i32)
        (local.set $set (call $waitable-set.new))
        (call $waitable.join (local.get $waitable) (local.get $set))
        (i32.store (i32.const 0) (call $waitable-set.wait (local.get $set) (i32.const 4)))
        (call $waitable.join (local.get $waitable) (i32.const 0))
        (call $waitable-set.drop (local.get $set))
        (i32.load (i32.const 8)))""",
    # adds to a list, whose place `$noted` gives as that of a function's result: (list u32)
    "note": """(global $notes (mut i32) (i32.const 1024))
      (func $note (param i32)
        (i32.store (global.get $notes) (local.get 0))
        (global.set $notes (i32.add (global.get $notes) (i32.const 4))))""",
    "noted": """(func $noted (result i32)  ;; of what `$note` has
        (i32.store (i32.const 1016) (i32.const 1024))
        (i32.store (i32.const 1020) (i32.div_u (i32.sub (global.get $notes) (i32.const 1024)) (i32.const 4)))
        (i32.const 1016))""",
    # the handle of what an asynchronous call has started
    "handle": "(func $handle (param i32) (result i32) (i32.shr_u (local.get 0) (i32.const 4)))",
}

LIBC = """(core module $libc
    (memory (export "mem") 1) (table (export "table") 64 funcref)
    (global $next (mut i32) (i32.const 32768))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (local.get 3)))))
  (core instance $libc (instantiate $libc))"""

_NAME = re.compile(r"\$([a-z][\w.:-]*)")
_VALUE_TYPE = r"(\((?:[^()]|\([^()]*\))*\)|[\w$-]+)"
_FLAT = {"u64": ("i64",), "s64": ("i64",), "f32": ("f32",), "f64": ("f64",), "string": ("i32", "i32")}
#: Flat arguments that an asynchronous call passes one by one.
MAX_ASYNC_PARAMS = 4


@dataclass
class Guest:
    """A component. `exports` and `imports` are the types of its functions, as `async (result u32)`."""

    core: str
    exports: dict[str, str] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    stream: str = "u8"
    future: str = "u8"

    def text(self, name: str = "") -> str:
        core = "".join(self._helpers(self.core).values()) + self.core
        defined = {found: self._definition(found) for found in dict.fromkeys(_NAME.findall(core))}
        builtins = {found: made for found, made in defined.items() if made is not None}
        return f"""(component {name}
  {"".join(f'(import "{n}" (func ${n} {t}))' for n, t in self.imports.items())}
  {LIBC}
  (core type $start (func (param i32)))
  (type $stream (stream {self.stream})) (type $future (future {self.future}))
  {"".join(f"(canon {canon} (core func ${n}))" for n, (_, canon) in builtins.items())}
  (core module $core
    (import "" "mem" (memory 1)) (import "" "table" (table 64 funcref))
    {"".join(f'(import "" "{n}" (func ${n} {t}))' for n, (t, _) in builtins.items())}
    {core})
  (core instance $core (instantiate $core (with "" (instance
    (export "mem" (memory $libc "mem")) (export "table" (table $libc "table"))
    {"".join(f'(export "{n}" (func ${n}))' for n in builtins)}))))
  {"".join(f'(func (export "{n}") {t} {self._lift(n)})' for n, t in self.exports.items())})"""

    def _helpers(self, core: str) -> dict[str, str]:
        """The helpers that `core` calls, and those that they call."""
        found: dict[str, str] = {}
        for name in _NAME.findall(core):
            if name in HELPERS and f"(func ${name} " not in core and name not in found:
                found |= {name: HELPERS[name]} | self._helpers(HELPERS[name])
        return found

    def _definition(self, name: str) -> tuple[str, str] | None:
        """The core type and the definition of what core code calls by `name`; None if it is its own."""
        plain, _, function = name.partition(":")
        base = plain.removesuffix("-async").removesuffix("-cancellable")
        word = plain[len(base) + 1 :]
        if base == "task.return":
            types = (t for n, t in self.exports.items() if n == function or (not function and "(result" in t))
            results = re.findall(rf"\(result {_VALUE_TYPE}\)", next(types, ""))
            given = "".join(f"(result {t}) " for t in results)
            return "".join(f" (param {t})" for t in _flat(results)), f"task.return {given}{MEMORY}"
        if base in self.imports:
            return _core_type(self.imports[base], bool(word)), f"lower (func ${base}) {word} {BOTH}"
        if base in BUILTINS:
            type, canon = BUILTINS[base]
            return type, canon.format(word)
        return None

    def _lift(self, name: str) -> str:
        for kind, options in (
            ("[async-lift]", f'async (callback (func $core "[callback][async-lift]{name}"))'),
            ("[async-lift-stackful]", "async"),
            ("", ""),
        ):
            if f'(export "{kind}{name}")' in self.core:
                return f'(canon lift (core func $core "{kind}{name}") {options} {BOTH})'
        raise ValueError(f"the core code exports no {name}")


def _flat(types: Sequence[str]) -> list[str]:
    return [
        core for t in types for core in _FLAT.get(t, ("i32", "i32") if t.startswith("(list") else ("i32",))
    ]


def _core_type(functype: str, is_async: bool) -> str:
    """The core type that a component function has for its caller."""
    params = _flat(re.findall(rf'\(param "[\w-]+" {_VALUE_TYPE}\)', functype))
    results = _flat(re.findall(rf"\(result {_VALUE_TYPE}\)", functype))
    if is_async and len(params) > MAX_ASYNC_PARAMS:
        params = ["i32"]
    if (results and is_async) or len(results) > 1:
        params, results = [*params, "i32"], []
    if is_async:
        results = ["i32"]
    return "".join(f" (param {t})" for t in params) + "".join(f" (result {t})" for t in results)


def compose(*guests: Guest) -> str:
    """The text of a component of `guests`, which exports what the last one does.

    Each imports from earlier ones what they export by that name; the rest it has from the host.
    """
    parts: list[str] = []
    provided: dict[str, str] = {}
    exports: dict[str, str] = {}
    for i, guest in enumerate(guests):
        for name, type in guest.imports.items():
            if name not in provided:
                parts.append(f'(import "{name}" (func ${name} {type}))')
                provided[name] = f"(func ${name})"
        args = "".join(f'(with "{n}" {provided[n]})' for n in guest.imports)
        parts.append(f"{guest.text(f'$g{i}')} (instance $i{i} (instantiate $g{i} {args}))")
        exports = {name: f'(func $i{i} "{name}")' for name in guest.exports}
        provided |= exports
    parts += [f'(export "{name}" {item})' for name, item in exports.items()]
    return "(component " + "\n".join(parts) + ")"


class World:
    """A store, and what makes instances in it of guests or of the text of a component."""

    def __init__(self, config: Config | None = None) -> None:
        self.engine = Engine(config or Config())
        self.store = Store(self.engine)

    def instantiate(self, *guests: Guest | str, **host: Any) -> "Exports":
        """An instance of `guests` (see `compose`), with functions and resources of the host's by name."""
        text = guests[0] if isinstance(guests[0], str) else compose(*guests)  # type: ignore[arg-type]
        linker = Linker(self.engine)
        with linker.root() as root:
            for name, item in host.items():
                root.add_func(name.replace("_", "-"), item)
        component = Component(self.engine, parse_component(text))
        return Exports(self.store, linker.instantiate(self.store, component))


class Exports:
    """The functions of an instance: `e.f(...)` calls one, `e["f"]` gives it."""

    def __init__(self, store: Store, instance: Instance) -> None:
        self.store = store
        self.instance = instance

    def __getitem__(self, name: str) -> Any:
        return self.instance.get_func(self.store, name)

    def call(self, name: str, *args: Any) -> Any:
        """Call to the end, without an event loop."""
        return self[name](self.store, *args)

    async def go(self, name: str, *args: Any) -> Any:
        """Call within asyncio."""
        return await self[name].call_async(self.store, *args)

    def start(self, name: str, *args: Any) -> Any:
        """A call in slices."""
        return self[name].start(self.store, *args)


@pytest.fixture
def guest() -> type[Guest]:
    return Guest


@pytest.fixture
def new_world() -> type[World]:
    return World


@pytest.fixture
def world() -> World:
    return World()


#: The seed with which threads that could go on may wait for a turn, too.
HESITANT = 3


@pytest.fixture(params=[None, 1, 2, HESITANT], ids=["in order", "seed 1", "seed 2", "hesitant"])
def any_order(world: World, request: Any) -> Iterator[World]:
    """A world whose turns are drawn."""
    if request.param is not None:
        shuffle_turns(world.store, Random(request.param), hesitate=request.param == HESITANT)
    return world


@pytest.fixture
def run(any_order: World) -> Callable[..., Any]:
    """Make an instance of guests, whose last one exports `run`, and call that with arguments."""

    def run(*guests: Guest | str, args: Sequence[Any] = (), **host: Any) -> Any:
        return any_order.instantiate(*guests, **host).call("run", *args)

    return run
