"""`pywrt run`: run a command component, or call an export of a component or a core module."""

import argparse
import json
import os
import sys
import time
from typing import Any, NoReturn

from pywrt.api import Engine, Func, Linker, Module, Store
from pywrt.cli import options as syntax
from pywrt.cli.files import (
    COMMAND,
    COMPONENT,
    HTTP,
    MCP,
    Binary,
    CommandError,
    UsageError,
    functions_of,
    listing,
    load,
    role_of,
)
from pywrt.cli.values import component_arguments, core_arguments, show_core, to_json
from pywrt.component import Component, Variant
from pywrt.component import Instance as ComponentInstance
from pywrt.component import Linker as ComponentLinker
from pywrt.config import Config
from pywrt.errors import ExitTrap, LinkError, Trap, ValueTypeError, WasmError
from pywrt.runtime.store import UNLIMITED
from pywrt.wasi.preview2 import WasiCtx, add_to_linker
from pywrt.wasi.preview2.process import flush, process_context
from pywrt.wasm.types import FuncType

#: The exit status after a trap: what a shell reports of a process that abort() ended, as with wasmtime.
TRAPPED = 134

_EXAMPLES = """\
examples:
  pywrt run hello.wasm one two                       run a command with two arguments
  pywrt run --dir ./data::/data:ro --env MODE=fast job.wasm /data/in.txt
  pywrt run --invoke greet app.wasm World            call an export of a component
  pywrt run --invoke my:shapes/api#area app.wasm '{"poly": [{"x": 0, "y": 0}, {"x": 4, "y": 3}]}'
  pywrt run --invoke fac --fuel-used math.wat 20     call an export of a core module

Options stand before FILE; everything behind it belongs to the guest. With --invoke, arguments of a
component are JSON (a string needs no quotes), those of a core module numbers; the result is printed the
same way. The exit status is the guest's; 134 if it traps.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "run",
        help="run a command component, or call an export",
        description="Run a command component (wasi:cli), or call an export with --invoke.",
        usage="pywrt run [options] FILE [ARGS...]",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "guest",
        metavar="FILE",
        nargs=argparse.PARSER,
        help="a component or core module, binary or text, and the guest's arguments",
    )
    add("--invoke", metavar="NAME", help="call this export (of an interface: INTERFACE#NAME) with ARGS")
    add(
        "--dir",
        metavar="HOST[::GUEST][:ro]",
        type=syntax.parse_dir,
        action="append",
        default=[],
        help="let the guest use a directory, under another name, for reading only",
    )
    add(
        "--env",
        metavar="NAME=VALUE",
        type=syntax.parse_env,
        action="append",
        default=[],
        help="set an environment variable; the guest sees no others",
    )
    add("--fuel", metavar="N", type=syntax.parse_fuel, help="trap after N instructions, about")
    add(
        "--fuel-used",
        "--stats",
        action="store_true",
        help="print the fuel spent, instantiation included, to stderr",
    )
    add(
        "--timeout",
        metavar="SECONDS",
        type=syntax.parse_seconds,
        help="trap after this time (0 for no limit, the default)",
    )
    add("--max-memory", metavar="SIZE", type=syntax.parse_size, help="of all memories, such as 64MiB")
    add(
        "--unknown-imports-trap",
        action="store_true",
        help="imported functions that aren't provided trap when they are called",
    )
    syntax.add_cache_dir(parser)
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    path, *args = options.guest[1:] if options.guest[0] == "--" else options.guest
    binary = load(path)
    guest = _Guest(options, binary, args)
    try:
        return guest.run()
    except ExitTrap as exit:
        return exit.status & 0xFF
    except LinkError as error:
        raise CommandError(f"{binary.path}: {error}{guest.link_hint(error)}") from None
    except Trap as trap:
        print(f"pywrt: trap: {trap}{guest.trap_hint(trap)}", file=sys.stderr)
        return TRAPPED
    except WasmError as error:
        raise CommandError(f"{binary.path}: {error}") from None
    finally:
        if options.fuel_used:
            print(f"fuel used: {guest.fuel - guest.store.get_fuel()}", file=sys.stderr)


class _Guest:
    """What is run: the file, and a store with the limits of the options."""

    def __init__(self, options: argparse.Namespace, binary: Binary, args: list[str]) -> None:
        self.options = options
        self.binary = binary
        self.args = args
        limits: dict[str, Any] = {
            "consume_fuel": options.fuel is not None or options.fuel_used,
            "cache_dir": options.cache_dir,
        }
        if options.max_memory is not None:
            limits["max_memory_bytes"] = options.max_memory
        self.engine = Engine(Config(**limits))
        self.store = Store(self.engine)
        self.fuel: int = UNLIMITED if options.fuel is None else options.fuel
        if limits["consume_fuel"]:
            self.store.set_fuel(self.fuel)

    def run(self) -> int:
        """Run it; the exit status, or what ended it as an exception."""
        return self._run_component() if self.binary.kind == COMPONENT else self._run_module()

    def _start_clock(self) -> None:
        """Let --timeout run: it is the guest's time, not that of loading the file."""
        if self.options.timeout is not None:
            self.store.set_deadline(time.monotonic() + self.options.timeout)

    # Components

    def _run_component(self) -> int:
        try:
            component = Component(self.engine, self.binary.data, os.path.basename(self.binary.path))
        except WasmError as error:
            raise self.binary.failed(error) from None
        self._check_role(component)
        linker = ComponentLinker(self.engine)
        with self._wasi_context() as ctx:
            add_to_linker(linker, ctx)
            if self.options.unknown_imports_trap:
                linker.define_unknown_imports_as_traps(component)
            self._start_clock()
            try:
                instance = linker.instantiate(self.store, component)
                if self.options.invoke is None:
                    return self._command(instance)
                self._invoke(component, instance)
                return 0
            finally:
                flush(ctx)

    def _check_role(self, component: Component) -> None:
        """CommandError for a component that something else runs."""
        path, role = self.binary.path, role_of(component)
        if role is MCP:
            raise CommandError(f"{path}: this component is {MCP}; run it with: pywrt-mcp {path}")
        if role is COMMAND or self.options.invoke is not None:
            return
        what = "an HTTP component, which needs a server (`wasmtime serve`)" if role is HTTP else "a library"
        raise CommandError(
            f"{path}: this component is {what}: it doesn't export wasi:cli/run. To call one of its "
            f"functions: pywrt run --invoke NAME {path} [ARGS...]; it has "
            f"{listing(functions_of(component.exports()))}"
        )

    def _wasi_context(self) -> WasiCtx:
        options = self.options
        args = [os.path.basename(self.binary.path), *self.args]
        try:
            return process_context(map(syntax.guest_text, args), options.env, options.dir)
        except OSError as error:
            where = f" {os.fsdecode(error.filename)}" if error.filename is not None else ""
            raise CommandError(f"--dir{where}: {error.strerror or error}") from None

    def _command(self, instance: ComponentInstance) -> int:
        name = next(name for name in instance.type.exports if name.partition("@")[0] == "wasi:cli/run")
        run = instance.get_func(self.store, f"{name}#run")
        if run is None or run.type().params:
            raise CommandError(
                f"{self.binary.path}: its export {name} has no function `run: func() -> result`"
            )
        result = run(self.store)
        return 1 if isinstance(result, Variant) and result.tag == "err" else 0

    def _invoke(self, component: Component, instance: ComponentInstance) -> None:
        name = self.options.invoke
        functions = functions_of(component.exports())
        func = instance.get_func(self.store, _find(name, functions) or name)
        if func is None:
            self._no_export(name, functions)
        type = func.type()
        try:
            value = func(self.store, *component_arguments(type, self.args))
        except ValueTypeError as error:
            raise UsageError(f"{name}: {error}") from None
        if type.result is not None:
            print(json.dumps(to_json(value, type.result), ensure_ascii=False))

    def _no_export(self, name: str, functions: Any) -> NoReturn:
        same = [other for other in functions if other.rpartition("#")[2] == name]
        if same:
            raise CommandError(f"{self.binary.path}: several exports are named {name!r}: {listing(same)}")
        hint = " (arguments are given behind FILE, not in parentheses)" if "(" in name else ""
        raise CommandError(
            f"{self.binary.path}: no function {name!r} is exported{hint}; there are: {listing(functions)}"
        )

    # Core modules

    def _run_module(self) -> int:
        try:
            module = Module(self.engine, self.binary.data, os.path.basename(self.binary.path))
        except WasmError as error:
            raise self.binary.failed(error) from None
        functions = [name for name, type in module.exports if isinstance(type, FuncType)]
        self._check_module(module, functions)
        linker = Linker(self.engine)
        if self.options.unknown_imports_trap:
            _define_traps(linker, self.store, module)
        self._start_clock()
        exports = linker.instantiate(self.store, module).exports(self.store)
        name = self.options.invoke
        func = exports[name] if name in functions else None
        if not isinstance(func, Func):
            self._no_export(name, functions)
        try:
            args = core_arguments(func.type, self.args)
        except ValueTypeError as error:
            raise UsageError(f"{name}: {error}") from None
        result = func(self.store, *args)
        results = result if isinstance(result, list) else [result]
        for value, type in zip(results, func.type.results, strict=False):
            print(show_core(value, type))
        return 0

    def _check_module(self, module: Module, functions: list[str]) -> None:
        path, options = self.binary.path, self.options
        if options.invoke is None:
            if _is_preview1(module):
                hint = "a WASI preview 1 program; `wasm-tools component new --adapt` makes a component of it"
            else:
                hint = f"its functions can be called: pywrt run --invoke NAME {path} [ARGS...]; it has "
                hint += listing(functions)
            raise CommandError(f"{path}: this is a core module, and only components are run: {hint}")
        if options.dir or options.env:
            raise UsageError(f"--dir and --env are for components, and {path} is a core module")

    # Hints

    def link_hint(self, error: LinkError) -> str:
        """What to do about an import that isn't provided."""
        if self.options.unknown_imports_trap or "incompatible import type" in error.message:
            return ""
        return "\n(--unknown-imports-trap calls it all the same; missing functions trap when they are called)"

    def trap_hint(self, trap: Trap) -> str:
        """Which option a trap comes from, if one it is."""
        options = self.options
        if trap.code == "deadline":
            return f"\n(--timeout {options.timeout:g} has passed)"
        if trap.code == "out-of-fuel":
            return f"\n(--fuel {options.fuel} is spent)"
        if self.store.state.memory_refused and options.max_memory is not None:
            return f"\n(the guest has asked for more memory than --max-memory {options.max_memory} bytes)"
        return ""


def _find(name: str, functions: Any) -> str | None:
    """The one function that `name` can mean: in full, without a version, or without the interface."""
    if name in functions:
        return name
    found = [other for other in functions if name in (_unversioned(other), other.rpartition("#")[2])]
    return found[0] if len(found) == 1 else None


def _unversioned(name: str) -> str:
    interface, _, member = name.rpartition("#")
    return f"{interface.partition('@')[0]}#{member}"


def _is_preview1(module: Module) -> bool:
    return any(name == "wasi_snapshot_preview1" for name, _, _ in module.imports)


def _define_traps(linker: Linker, store: Store, module: Module) -> None:
    """Define functions that trap for all that `module` imports."""
    linker.allow_shadowing = True  # a module may import the same twice

    def trapping(shown: str) -> Any:
        def unknown(*args: Any) -> NoReturn:
            raise Trap(f"unknown import: {shown} has not been defined", "unknown-import")

        return unknown

    for namespace, name, type in module.imports:
        if isinstance(type, FuncType):
            linker.define_func(store, namespace, name, type, trapping(f"{namespace!r} {name!r}"))
