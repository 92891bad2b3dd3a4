"""How long hostile inputs take, and what they come to: nothing but a `WasmError` may come of any.

`python -m benchmarks.robustness [TEXT]` prints each step of those whose names contain TEXT that takes long.
"""

import contextlib
import functools
import gc
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from benchmarks.hostile import BINARIES, OK, Case
from benchmarks.hostile_components import COMPONENTS
from benchmarks.hostile_text import TEXTS
from pywrt.api import Engine, Func, Global, Instance, Memory, Module, Store, Table, Tag
from pywrt.cli.command import main
from pywrt.component import Component, Linker
from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import WasmError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.printer import print_module
from pywrt.wasm.types import RefType, ValType

#: Bytes that a step may take a second for; shorter inputs may take as long.
UNIT = 100_000
#: What instantiation may spend, and each call of an export.
START_FUEL, FUEL = 200_000, 100_000
#: How many functions of a module are called and disassembled.
SOME = 20

FEATURES = ALL_FEATURES
CONFIG = Config(features=FEATURES, consume_fuel=True, max_memory_bytes=1 << 26, max_table_elements=1_000_000)
LAZY = replace(CONFIG, eager_validation=False)

#: What may be done with an input beside loading and instantiating it.
ALL = frozenset(("call", "lazily", "print", "parse", "commands"))
CALLED = frozenset(("call", "print"))
LOADED: frozenset[str] = frozenset()
#: The step that makes what a module imports: this file's own work, which is not measured.
PROVIDE = "provide"
#: The steps that show a module that decodes.
SHOWING = ("decode", "print", "parse what is printed", "objdump", "objdump -x", "objdump -d", "inspect")
#: Commands that show a component, too.
SHOWING_COMPONENTS = ("print", "wit")


class Step(NamedTuple):
    """One thing that was done with an input: `OK`, or the class and message of the error that it gave."""

    name: str
    seconds: float
    outcome: str


class Examination:
    """Everything that is done with one input, step by step; `steps` are those so far.

    What is no WasmError passes through.
    """

    def __init__(self, parts: frozenset[str] = ALL) -> None:
        self.steps: list[Step] = []
        self.parts = parts

    def _step(self, name: str, function: Callable[[], Any]) -> Any:
        """What `function` returns; None if it raises a WasmError."""

        def run() -> tuple[Any, str]:
            try:
                return function(), OK
            except WasmError as error:
                return None, f"{type(error).__name__}: {error}"

        start = time.process_time()  # others may be busy
        result, outcome = run()
        seconds = time.process_time() - start
        self.steps.append(Step(name, seconds, outcome))
        return result

    def text(self, source: bytes) -> None:
        """A text: parse it, then all that is done with a module."""
        parsed = self._step("parse", lambda: encode_module(parse_module(source)))
        if parsed is not None:
            self.binary(parsed)

    def binary(self, data: bytes) -> None:
        """A module: instantiate it, eagerly and lazily validated, print it, show it."""
        self._instantiate("", data, CONFIG)
        if "lazily" in self.parts:
            self._instantiate("lazily ", data, LAZY)
        if "print" not in self.parts:
            return
        syntax = self._step("decode", lambda: decode_module(data, features=FEATURES))
        if syntax is not None:
            text = self._step("print", lambda: print_module(syntax))
            if text is not None and "parse" in self.parts:
                self._step("parse what is printed", lambda: encode_module(parse_module(text)))
        if "commands" in self.parts:
            self._commands(data, 0 if syntax is None else min(SOME, len(syntax.funcs)))

    def component(self, data: bytes) -> None:
        """A component: instantiate it, with nothing to import, and show it."""
        component = self._step("load", lambda: Component(Engine(CONFIG), data))
        if component is not None:
            store = Store(component.engine)
            store.set_fuel(START_FUEL)
            self._step("types", lambda: (component.imports(), component.exports()))
            self._step("instantiate", lambda: Linker(component.engine).instantiate(store, component))
        if "commands" in self.parts:
            self._commands(data, 0, SHOWING_COMPONENTS)

    def _instantiate(self, how: str, data: bytes, config: Config) -> None:
        module = self._step(f"{how}load", lambda: Module(Engine(config), data))
        if module is None:
            return
        self._step(f"{how}types", lambda: (module.imports, module.exports))
        store = Store(module.engine)
        store.set_fuel(START_FUEL)
        imports = self._step(PROVIDE, lambda: provided(store, module))
        if imports is None:
            return
        instance = self._step(f"{how}instantiate", lambda: Instance(store, module, imports))
        if instance is None or "call" not in self.parts:
            return
        for function in first_functions(instance, store):
            store.set_fuel(FUEL)
            arguments = [_zero(t) for t in function.type.params]
            self._step(f"{how}call", lambda f=function, a=arguments: repr(f(store, *a)))  # type: ignore[misc]

    def _commands(self, data: bytes, functions: int, more: tuple[str, ...] = ()) -> None:
        """`objdump` and `inspect`, of a file, and `more`."""
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "input.wasm")
            with open(path, "wb") as file:
                file.write(data)
            disassembled = [word for index in range(functions) for word in ("-d", str(index))]
            for name, arguments in (
                ("objdump", []),
                ("objdump -x", ["-x"]),
                *((("objdump -d", disassembled),) if functions else ()),
                ("inspect", []),
                *((name, []) for name in more),
            ):
                command = [name.split()[0], *arguments, path]
                self._step(name, functools.partial(_command, command))


def provided(store: Store, module: Module) -> list[Any]:
    """Something of the right type for each import; WasmError where none can be made."""
    return [_MAKERS[type.kind](store, type) for _, _, type in module.imports]


def _zero(type: ValType) -> Any:
    return None if isinstance(type, RefType) else 0


def _host_func(store: Store, type: Any) -> Func:
    zeros = [_zero(result) for result in type.results]
    return Func(store, type, lambda *_: zeros[0] if len(zeros) == 1 else zeros)


#: Makes an import by its type, by its kind.
_MAKERS: dict[str, Callable[[Store, Any], Any]] = {
    "func": _host_func,
    "table": Table,
    "memory": Memory,
    "global": lambda store, type: Global(store, type, _zero(type.value)),
    "tag": Tag,
}


def first_functions(instance: Instance, store: Store) -> Iterator[Func]:
    """The first of the functions that an instance exports."""
    exports = instance.exports(store)
    for name in list(exports)[:SOME]:
        function = exports[name]
        if isinstance(function, Func):
            yield function


def _command(arguments: list[str]) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return main(arguments)


def examine(data: bytes, is_text: bool, parts: frozenset[str] = ALL) -> list[Step]:
    """The steps of an input: of loading it, and of these parts."""
    examination = Examination(parts)
    (examination.text if is_text else examination.binary)(data)
    return examination.steps


def examine_component(data: bytes, parts: frozenset[str] = ALL) -> list[Step]:
    """`examine`, of a component."""
    examination = Examination(parts)
    examination.component(data)
    return examination.steps


def outcome(steps: list[Step]) -> str:
    """What the input comes to: the first error before anything of it runs, else `OK`."""
    return next(
        (s.outcome for s in steps if s.outcome and s.name in ("parse", "load", PROVIDE, "instantiate")), OK
    )


#: All inputs, by name: how it is built, what is to come of it, whether it is text.
INPUTS: dict[str, tuple[Case, bool]] = {
    **{name: (case, False) for name, case in BINARIES.items()},
    **{f"text, {name}": (case, True) for name, case in TEXTS.items()},
}
#: All components, by name.
COMPONENT_INPUTS: dict[str, Case] = {f"component, {name}": case for name, case in COMPONENTS.items()}


def _measured(name: str) -> tuple[float, str]:
    """Seconds per UNIT of the slowest step of an input, and which it is."""
    if name in COMPONENT_INPUTS:
        data = COMPONENT_INPUTS[name].build()
    else:
        case, is_text = INPUTS[name]
        data = case.build()
    gc.collect()  # what others have left is not this one's
    steps = examine_component(data) if name in COMPONENT_INPUTS else examine(data, is_text)
    steps = [step for step in steps if step.name != PROVIDE]
    step = max(steps, key=lambda step: step.seconds)
    return step.seconds / max(1.0, len(data) / UNIT), f"{name}: {step.name}"


@functools.cache
def slowest() -> tuple[float, str]:
    """Seconds of processor time that the slowest step takes per UNIT of its input, and what it is."""
    return max(map(_measured, (*INPUTS, *COMPONENT_INPUTS)))


def report(text: str = "") -> None:
    """Print the slowest step of each input whose name contains `text`."""
    for name in (*INPUTS, *COMPONENT_INPUTS):
        if text in name:
            seconds, step = _measured(name)
            print(f"{seconds:7.3f} s  {step}", flush=True)


if __name__ == "__main__":
    report(*sys.argv[1:])
