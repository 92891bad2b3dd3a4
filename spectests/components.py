"""Runs the commands of scripts that are about components, too.

Components of a script are instantiated in one store, with what earlier ones were registered as. A component
that needs what is not built skips its command and those that depend on it.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from pywrt.api import Engine, Store
from pywrt.component import Component, Func, Instance, Linker, LinkerInstance, shuffle_turns
from pywrt.component.text.script import ComponentCommand, ComponentInstanceCommand, ComponentSource
from pywrt.config import Config
from pywrt.errors import InvalidError, WasmError
from pywrt.runtime.store import UNLIMITED
from pywrt.wasm.text.script import Action, AssertReturn, Get, Register, Source
from pywrt.wit.types import WitType
from spectests.component_values import matches, to_python
from spectests.runner import Failure, Missing, ScriptRunner, Skip, Subject, describe

#: What the scripts call traps that have names of the core suite here: they are wasmtime's.
_TRAPS = {
    "wasm trap: wasm `unreachable` instruction executed": "unreachable",
    "wasm trap: ": "",
}


def _offer(items: LinkerInstance, exports: Mapping[str, Any]) -> None:
    """Provide an instance's functions and instances; types of values need not be provided."""
    for name, item in exports.items():
        if isinstance(item, Func):
            items.add_func(name, item)
        elif isinstance(item, Mapping):
            _offer(items.add_instance(name), item)
        elif not isinstance(item, WitType):
            raise Failure("exports that are functions, instances or types of values", f"{name!r} is {item!r}")


class ComponentRunner(ScriptRunner):
    """One script's state, of modules and components; `linker` holds what components may import."""

    def __init__(self, config: Config, seed: int | None = None) -> None:
        super().__init__(config)
        self.engine = Engine(config)
        self.component_store = Store(self.engine)
        self.component_store.state.reserve = UNLIMITED
        shuffle_turns(self.component_store, None if seed is None else Random(seed))
        self.linker = Linker(self.engine)
        self.commands |= {
            ComponentCommand: self.component,
            ComponentInstanceCommand: self.component_instance,
        }

    # Components and instances

    def component(self, command: ComponentCommand) -> None:
        made: Component | Missing = Missing(command.line)
        try:
            made = self.load_component(command.source)
        except Skip as skip:
            made = Missing(command.line, skip.feature)
            raise
        finally:
            self.definitions[command.name] = self.definitions[None] = made
            if not command.definition and isinstance(made, Missing):
                self.instances[command.name] = self.instances[None] = made
        if not command.definition:
            self._instantiate_component(command.name, None, command.line)

    def component_instance(self, command: ComponentInstanceCommand) -> None:
        self._instantiate_component(command.name, command.component, command.line)

    def _instantiate_component(self, name: str | None, definition: str | None, line: int) -> None:
        component = self.definitions.get(definition)
        made: Instance | Missing = Missing(line)
        try:
            if isinstance(component, Missing):
                component.stop()
            if not isinstance(component, Component):
                raise Failure("a component definition", f"no ${definition}")
            made = self.linker.instantiate(self.component_store, component)
        except Skip as skip:
            made = Missing(line, skip.feature)
            raise
        finally:
            self.instances[name] = self.instances[None] = made

    def load_component(self, source: ComponentSource) -> Component:
        """The component, decoded and validated. Skip if it needs what is not built."""
        try:
            return Component(self.engine, source.encode())
        except InvalidError as error:
            if error.feature is not None:
                raise Skip(error.feature) from error
            raise

    def register(self, command: Register) -> None:
        instance = self.instances.get(command.name)
        if not isinstance(instance, Instance):
            super().register(command)
            return
        _offer(self.linker.root().add_instance(command.module), instance.exports)

    # Actions

    def _function(self, action: Action) -> Func | None:
        """The component function that an action calls; None if the action is on a module's instance."""
        instance = self.instances.get(action.name)
        if not isinstance(instance, Instance):
            return None
        function = None if isinstance(action, Get) else instance.get_func(self.component_store, action.field)
        if function is None:
            raise Failure(f"a function exported as {action.field!r}", repr(instance))
        return function

    def action(self, command: Action) -> Any:
        """Results of an action, and their types."""
        function = self._function(command)
        if function is None or isinstance(command, Get):
            return super().action(command)
        value = function(self.component_store, *map(to_python, command.args))
        type = function.type().result
        return ([], ()) if type is None else ([value], (type,))

    def assert_return(self, command: AssertReturn) -> None:
        if self._function(command.action) is None:
            super().assert_return(command)
            return
        expected = ", ".join(map(str, command.results)) or "nothing"
        try:
            values: list[Any]
            types: tuple[WitType, ...]
            values, types = self.action(command.action)
        except WasmError as error:
            raise Failure(expected, describe(error)) from error
        if len(values) != len(command.results) or not all(map(matches, values, types, command.results)):
            raise Failure(expected, ", ".join(map(repr, values)) or "nothing")

    # Assertions

    def decode(self, source: Source) -> object:
        return self.load_component(source) if isinstance(source, ComponentSource) else super().decode(source)

    def load(self, source: Source) -> object:
        return self.load_component(source) if isinstance(source, ComponentSource) else super().load(source)

    def instantiate(self, source: Source) -> object:
        if not isinstance(source, ComponentSource):
            return super().instantiate(source)
        return self.linker.instantiate(self.component_store, self.load_component(source))

    def has_message(self, error: WasmError, message: str, what: Subject) -> bool:
        """Whether an error is the one that an assertion expects; those of components say a part of it."""
        if isinstance(what, ComponentSource) or isinstance(self.instances.get(what.name), Instance):
            for theirs, ours in _TRAPS.items():
                message = message.replace(theirs, ours)
            return message in error.message
        return super().has_message(error, message, what)
