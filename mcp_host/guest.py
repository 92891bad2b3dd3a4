"""The component: what in it makes it an MCP server, and an instance of it that has registered.

Strategy: a `Program` is the component, decoded once. `start` makes a `Guest` of it: it instantiates, runs the
start export, during which the component registers itself (or it has done so while it was instantiated), and
leaves an instance whose handlers can be called. What `serve` does while the start export runs is the mode's:
return at once, or park, which leaves the call of the start export suspended in `serve` and opens the
instance to other calls. `auto` tries the one, then the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from mcp_host.bindings.values import read
from mcp_host.bindings.wasi_mcp import PACKAGE, Handler, McpContext, add_to_linker, versions_of
from mcp_host.calls import Pace, drive, explain, grant
from mcp_host.config import MIB, HostConfig
from mcp_host.policy import check_imports, wasi_context
from pywrt.api import Engine, Store
from pywrt.component import Component, Instance, InstanceType, Linker, Task
from pywrt.config import Config
from pywrt.engine.machine import Blocked
from pywrt.errors import LinkError, Trap, WasmError
from pywrt.wasi import preview2
from pywrt.wit.types import FuncType, Result

HANDLERS = f"{PACKAGE}handlers"
RUNTIME = f"{PACKAGE}runtime"
RUN = "wasi:cli/run"
START_NAMES = ("init", "start")
"""Exports that start a component which has no wasi:cli/run, in this order."""

_MAX_HANDLES = 100_000
"""A handle and what stands behind it take some 300 bytes of the host's memory."""

_LEAST_LIFTED = 32 * MIB
"""Bytes of Python data that one call of the component may pass, however little memory it has."""

_LEAST_LOWERED = 1 * MIB
"""Bytes of code that the component may use; lowered, they take 100 to 500 times as much memory."""

_CLOSING_SECONDS = 1.0
"""How long a parked component may take to return from its start function when the host is closed."""

_log = logging.getLogger("mcp_host")

Pause = Callable[[], Awaitable[None]]


class StartError(WasmError):
    """A component that could not be started: it failed while it was instantiated or registering."""


class NotAServer(WasmError):
    """A component that has nothing to do with wasi:mcp."""


class Program:
    """A component that is an MCP server: decoded, its exports looked through.

    MalformedError or InvalidError if `data` is no component that this engine runs; NotAServer if it neither
    imports `wasi:mcp/runtime` nor exports `wasi:mcp/handlers`.
    """

    __slots__ = ("component", "engine", "handlers", "name", "start_export")

    def __init__(self, data: bytes, config: HostConfig, name: str) -> None:
        limits = Config(
            consume_fuel=config.fuel is not None,
            cache_dir=config.cache_dir,
            max_memory_bytes=config.memory_limit,
            max_handles=_MAX_HANDLES,
            max_lifted_bytes=max(_LEAST_LIFTED, 2 * config.memory_limit),
            max_lowered_bytes=max(_LEAST_LOWERED, config.memory_limit // 16),
        )
        self.engine = Engine(limits)
        self.name = name
        self.component = Component(self.engine, data, name)
        exports = functions(self.component.exports())
        #: Paths of the handlers' functions by their names.
        self.handlers = {
            member: f"{interface}#{member}"
            for interface, member in exports
            if interface.partition("@")[0] == HANDLERS
        }
        if not self.handlers and not any(
            imported.partition("@")[0] == RUNTIME for imported in self.component.imports()
        ):
            raise NotAServer("the component neither imports wasi:mcp/runtime nor exports wasi:mcp/handlers")
        #: The function that registers, as (interface, name), or None.
        self.start_export = _start_export(exports)


def functions(exports: Mapping[str, Any]) -> dict[tuple[str, str], FuncType]:
    """The functions among imports or exports: (interface, name), the interface "" for those at the root."""
    found: dict[tuple[str, str], FuncType] = {}
    for name, item in exports.items():
        if isinstance(item.type, InstanceType):
            for member, inner in item.type.exports.items():
                if isinstance(inner.type, FuncType):
                    found[name, member] = inner.type
        elif isinstance(item.type, FuncType):
            found["", name] = item.type
    return found


def _start_export(exports: Mapping[tuple[str, str], FuncType]) -> tuple[str, str] | None:
    nullary = [
        (interface, member)
        for (interface, member), type in exports.items()
        if not type.params and interface.partition("@")[0] != HANDLERS
    ]
    for interface, member in nullary:
        if interface.partition("@")[0] == RUN and member == "run":
            return interface, member
    starts = sorted(one for one in nullary if one[1] in START_NAMES)
    return min(starts, key=lambda one: START_NAMES.index(one[1]), default=None)


class GuestContext(McpContext):
    """What a component's calls of the runtime act on, with `serve` as the mode wants it.

    The host overrides the rest.
    """

    def __init__(self) -> None:
        super().__init__()
        #: Whether `serve` keeps the component: from its first call, or (auto) from its second, which only
        #: a component makes that serves in a loop.
        self.parks = False
        self.parks_again = False
        self.starting = False
        self.parked = False
        self.released = False

    def serve(self) -> Blocked | None:
        again = self.served and self.parks_again
        self.served = True
        if self.starting and not self.released and (self.parks or again):
            self.parked = True
            return Blocked(self._serving, 1.0)
        return None

    def _serving(self) -> Blocked | None:
        return None if self.released else Blocked(self._serving, 1.0)


class Guest:
    """A running instance: its store, its handlers, and the call parked in `serve`, if there is one."""

    __slots__ = ("_parked", "_program", "_wasi", "context", "handlers", "instance", "pace", "store")

    def __init__(
        self,
        program: Program,
        store: Store,
        instance: Instance,
        context: GuestContext,
        wasi: preview2.WasiCtx,
        pace: Pace,
    ) -> None:
        self._program = program
        self._parked: Task | None = None
        self._wasi = wasi
        self.store = store
        self.instance = instance
        self.context = context
        self.pace = pace
        self.handlers: dict[str, Handler] = {}

    def handler(self, name: str) -> Handler | None:
        """The handler of that name; None if the component exports none."""
        found = self.handlers.get(name)
        path = self._program.handlers.get(name)
        if found is None and path is not None:
            func = self.instance.get_func(self.store, path)
            if func is not None:
                found = self.handlers[name] = Handler(func)
        return found

    def park(self, task: Task) -> None:
        """Keep the start export's call, which is in `serve`, and open the instance to others."""
        self._parked = task
        task.park()

    async def close(self, config: HostConfig, pause: Pause) -> None:
        """End it: a parked call returns from `serve` and may clean up, for a second at most."""
        task, self._parked = self._parked, None
        if task is not None:
            self.context.released = True
            with suppress(WasmError, TimeoutError):
                task.unpark()
                grant(self.store, config)
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await drive(task, self.store, self.pace, pause)
        self._wasi.close()

    def discard(self) -> None:
        """Give it up: it is in an unknown state."""
        self._parked = None
        self._wasi.close()


async def start(
    program: Program, config: HostConfig, mode: str, new_context: Callable[[], GuestContext], pause: Pause
) -> tuple[Guest, str]:
    """A registered instance, and the mode that it took: `return` or `park`.

    LinkError for imports that it can't have, StartError if it fails. OSError for a directory that can't be
    opened.
    """
    if mode != "auto":
        return await _start(program, config, mode, new_context(), pause), mode
    context = new_context()
    context.parks_again = True
    try:
        guest = await _start(program, config, "return", context, pause)
    except StartError as error:
        if not context.served:
            raise
        _log.info("%s after serve had returned: starting it again, with serve waiting", error)
        return await _start(program, config, "park", new_context(), pause), "park"
    return guest, "park" if context.parked else "return"


async def _start(
    program: Program, config: HostConfig, mode: str, context: GuestContext, pause: Pause
) -> Guest:
    store = Store(program.engine)
    linker = Linker(program.engine)
    wasi = wasi_context(config, program.name)
    try:
        preview2.add_to_linker(linker, wasi)
        add_to_linker(linker, context, versions_of(program.component.imports()))
        check_imports(program.component, linker, config.allowed_imports)
        grant(store, config)
        try:
            instance = linker.instantiate(store, program.component)
            guest = Guest(program, store, instance, context, wasi, Pace())
            if not _is_registered(program, context):
                context.parks = mode == "park"
                await _run_start(program, guest, pause)
        except LinkError:
            raise
        except WasmError as error:
            _log.warning("starting the component: %s", error)
            raise StartError(f"the component {explain(error, store, config)}") from error
    except BaseException:
        wasi.close()
        raise
    return guest


def _is_registered(program: Program, context: GuestContext) -> bool:
    """Whether there is nothing left to start.

    An `init` export may be anything's; it isn't called after the component has registered by itself.
    """
    registry = context.registry
    registered = registry.tools or registry.resources or registry.templates or registry.prompts
    return program.start_export is None or (
        bool(registered) and program.start_export[0].partition("@")[0] != RUN
    )


async def _run_start(program: Program, guest: Guest, pause: Pause) -> None:
    """Run the start export, to its end or until it parks."""
    path = "#".join(part for part in program.start_export or () if part)
    func = guest.instance.get_func(guest.store, path)
    assert func is not None
    context = guest.context
    task = func.start(guest.store)
    context.starting = True
    try:
        returned = await drive(task, guest.store, guest.pace, pause, lambda: context.parked)
    finally:
        context.starting = False
    if not returned:
        guest.park(task)
    elif isinstance(func.type().result, Result) and read(func.type().result, task.result)[0] == "err":
        raise Trap(f"answered with an error from {path}", "start-failed")
