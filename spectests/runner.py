"""Runs the commands of one script in one store.

Strategy: a table names the handler of each class of command. A handler returns if the command passed, or
raises `Failure` with both sides. A module that could not be made leaves a `Missing` in its place, so that
what depends on it fails or is skipped for the same reason, and everything else of the file still runs.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from pywrt.config import Config
from pywrt.engine.instantiation import compile_module, instantiate
from pywrt.engine.machine import call
from pywrt.errors import InvalidError, LinkError, MalformedError, ThrownException, Trap, WasmError
from pywrt.runtime.func import Func
from pywrt.runtime.global_ import Global
from pywrt.runtime.instance import Extern, Instance
from pywrt.runtime.store import UNLIMITED, Store
from pywrt.wasm.module import Module
from pywrt.wasm.text.script import (
    Action,
    AssertException,
    AssertExhaustion,
    AssertInvalid,
    AssertInvalidCustom,
    AssertMalformed,
    AssertMalformedCustom,
    AssertReturn,
    AssertTrap,
    AssertUnlinkable,
    Command,
    Get,
    InstanceCommand,
    Invoke,
    ModuleCommand,
    ModuleSource,
    Register,
    Source,
    Unsupported,
)
from pywrt.wasm.types import ValType
from spectests.modules import decode, load
from spectests.report import FAILED, PASSED, SKIPPED, CommandResult
from spectests.spectest import spectest_exports
from spectests.values import matches, shown, to_raw

#: What assertions are about.
Subject = Source | Action
AnySubject = TypeVar("AnySubject", bound=Subject)


class Failure(Exception):
    """A command that did not do what it should."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(expected, got)
        self.expected = expected
        self.got = got


class Skip(Exception):
    """A command that can't run, because it needs `feature`, which is no part of this runner."""

    def __init__(self, feature: str) -> None:
        super().__init__(feature)
        self.feature = feature


class Missing:
    """Stands for a module or instance that could not be made; `feature` is "" if that was a failure."""

    __slots__ = ("feature", "line")

    def __init__(self, line: int, feature: str = "") -> None:
        self.line = line
        self.feature = feature

    def stop(self) -> NoReturn:
        """End a command that depends on it."""
        if self.feature:
            raise Skip(self.feature)
        raise Failure("a module to act on", f"the module of line {self.line} failed")


class ScriptRunner:
    """One script's state: its store, definitions, instances, and registered names.

    `commands` is the dispatch table; a subclass adds the commands of other kinds of script.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store(config)
        self.store.reserve = UNLIMITED
        self.registry: dict[str, Mapping[str, Extern] | Missing] = {"spectest": spectest_exports(self.store)}
        # of whatever kinds of code there are in scripts
        self.definitions: dict[str | None, Any] = {}
        self.instances: dict[str | None, Any] = {}
        self.unread = ""  # the feature of definitions that could not even be read, under any name
        self.commands: dict[type[Command], Callable[[Any], object]] = {
            ModuleCommand: self.module,
            InstanceCommand: self.instance,
            Register: self.register,
            Invoke: self.action,
            Get: self.action,
            AssertReturn: self.assert_return,
            AssertTrap: self.assert_trap,
            AssertExhaustion: self.assert_exhaustion,
            AssertException: self.assert_exception,
            AssertMalformed: self.assert_malformed,
            AssertMalformedCustom: self.assert_malformed_custom,
            AssertInvalid: self.assert_invalid,
            AssertInvalidCustom: self.assert_invalid_custom,
            AssertUnlinkable: self.assert_unlinkable,
            Unsupported: self.unsupported,
        }

    def run(self, command: Command) -> CommandResult:
        """Run one command; whatever it raises becomes its result."""
        kind = command_kind(command)
        handler = self.commands.get(type(command))
        if handler is None:
            return CommandResult(command.line, kind, FAILED, "a command that the runner knows", kind)
        try:
            handler(command)
        except Skip as skip:
            return CommandResult(command.line, kind, SKIPPED, reason=f"needs {skip.feature}")
        except Failure as failure:
            return CommandResult(command.line, kind, FAILED, failure.expected, failure.got)
        except Exception as error:  # a bug of ours in one command must not hide the results of the others
            return CommandResult(command.line, kind, FAILED, "no error", describe(error))
        return CommandResult(command.line, kind, PASSED)

    def unsupported(self, command: Unsupported) -> None:
        """A command of a kind of script that has a runner of its own."""
        if command.keyword in _DEFINITIONS:
            self.instances[None] = Missing(command.line, command.feature)
            self.unread = command.feature
        raise Skip(command.feature)

    # Modules and instances.

    def module(self, command: ModuleCommand) -> None:
        self._define(command)
        if not command.definition:
            self._instantiate(command.name, None, command.line)

    def _define(self, command: ModuleCommand) -> None:
        made: Module | Missing = Missing(command.line)
        try:
            made = load(command.source, self.config)
        finally:
            self.definitions[command.name] = self.definitions[None] = made
            if not command.definition and isinstance(made, Missing):
                self.instances[command.name] = self.instances[None] = made

    def instance(self, command: InstanceCommand) -> None:
        self._instantiate(command.name, command.module, command.line)

    def _instantiate(self, name: str | None, definition: str | None, line: int) -> None:
        module = self.definitions.get(definition)
        made: Instance | Missing = Missing(line)
        try:
            if module is None:
                raise Failure("a module definition", f"no ${definition}")
            if isinstance(module, Missing):
                module.stop()
            made = self._link(module, name)
        finally:
            self.instances[name] = self.instances[None] = made

    def _link(self, module: Module, name: str | None = None) -> Instance:
        """Instantiate with what is registered. LinkError, or Trap from its start function or segments."""
        imports = []
        for item in module.imports:
            exports = self.registry.get(item.module)
            if isinstance(exports, Missing):
                exports.stop()
            if exports is None or item.name not in exports:
                raise LinkError(f"unknown import: {item.module!r} {item.name!r}")
            imports.append(exports[item.name])
        return instantiate(self.store, compile_module(module, self.config), imports, name)

    def _instance(self, name: str | None) -> Instance:
        instance = self.instances.get(name)
        if isinstance(instance, Missing):
            instance.stop()
        if instance is None:
            if self.unread:
                raise Skip(self.unread)
            raise Failure("an instance", "none" if name is None else f"no ${name}")
        if not isinstance(instance, Instance):
            raise Failure("a module's instance", repr(instance))
        return instance

    def register(self, command: Register) -> None:
        instance = self.instances.get(command.name)
        self.registry[command.module] = instance if isinstance(instance, Missing) else Missing(command.line)
        self.registry[command.module] = self._instance(command.name).exports

    # Actions.

    def action(self, command: Action) -> tuple[list[Any], tuple[ValType, ...]]:
        """Results of an action, raw, and their types."""
        instance = self._instance(command.name)
        extern = instance.exports.get(command.field)
        if isinstance(command, Get):
            if not isinstance(extern, Global):
                raise Failure(f"a global exported as {command.field!r}", repr(extern))
            return [extern.value], (extern.type.value,)
        if not isinstance(extern, Func):
            raise Failure(f"a function exported as {command.field!r}", repr(extern))
        params = extern.type.params
        if len(params) != len(command.args):
            raise Failure(f"a function of {len(command.args)} parameters", repr(extern))
        return call(self.store, extern, list(map(to_raw, command.args))), extern.type.results

    def assert_return(self, command: AssertReturn) -> None:
        expected = ", ".join(map(str, command.results)) or "nothing"
        try:
            values, types = self.action(command.action)
        except WasmError as error:
            raise Failure(expected, describe(error)) from error
        if len(values) != len(command.results) or not all(map(matches, values, types, command.results)):
            raise Failure(expected, ", ".join(map(shown, values, types)) or "nothing")

    # Assertions that something fails: class and message both count.

    def assert_trap(self, command: AssertTrap) -> None:
        what = command.action
        if isinstance(what, Source):
            self._expect(Trap, command.message, self.instantiate, what)
        else:
            self._expect(Trap, command.message, self.action, what)

    def assert_exhaustion(self, command: AssertExhaustion) -> None:
        self._expect(Trap, command.message, self.action, command.action)

    def assert_exception(self, command: AssertException) -> None:
        self._expect(ThrownException, "", self.action, command.action)

    def assert_malformed(self, command: AssertMalformed) -> None:
        self._expect(MalformedError, command.message, self.decode, command.source)

    def assert_malformed_custom(self, command: AssertMalformedCustom) -> None:
        self._expect(MalformedError, command.message, self.decode, command.source)

    def assert_invalid(self, command: AssertInvalid) -> None:
        self._expect(InvalidError, command.message, self.load, command.source)

    def assert_invalid_custom(self, command: AssertInvalidCustom) -> None:
        self._expect(InvalidError, command.message, self.load, command.source)

    def assert_unlinkable(self, command: AssertUnlinkable) -> None:
        self._expect(LinkError, command.message, self.instantiate, command.source)

    # What assertions do with a source. A subclass does it with those of its own kind.

    def decode(self, source: Source) -> object:
        """Decode with all function bodies, which validation reads; an invalid module is not malformed."""
        assert isinstance(source, ModuleSource)
        return load(source, self.config) if source.kind == "binary" else decode(source, self.config)

    def load(self, source: Source) -> object:
        """Decode and validate."""
        assert isinstance(source, ModuleSource)
        return load(source, self.config)

    def instantiate(self, source: Source) -> object:
        """Decode, validate and instantiate with what is registered."""
        assert isinstance(source, ModuleSource)
        return self._link(load(source, self.config))

    def has_message(self, error: WasmError, message: str, what: Subject) -> bool:
        """Whether an error of `what` is the one that an assertion expects."""
        return error.message.startswith(message)

    def _expect(
        self, error_type: type[WasmError], message: str, run: Callable[[AnySubject], object], what: AnySubject
    ) -> None:
        expected = f"{error_type.__name__}: {message}"
        try:
            run(what)
        except WasmError as error:
            if isinstance(error, error_type) and self.has_message(error, message, what):
                return
            raise Failure(expected, describe(error)) from error
        raise Failure(expected, "no error")


#: Commands that define something that later ones use.
_DEFINITIONS = frozenset(("module", "component"))


def command_kind(command: Command) -> str:
    """The keyword of a command: `AssertReturn` is assert_return."""
    if isinstance(command, Unsupported):
        return command.keyword
    if isinstance(command, InstanceCommand):
        return "module instance"
    name = type(command).__name__.removesuffix("Command")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def describe(error: BaseException) -> str:
    """An error in one line."""
    message = error.message if isinstance(error, WasmError) else str(error)
    return f"{type(error).__name__}: {message}".splitlines()[0][:300]
