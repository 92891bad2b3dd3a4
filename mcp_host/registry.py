"""What a server offers: its name, tools, resources, resource templates and prompts.

A component registers into a `Registry`; sessions list and look up. Every list counts its changes
(`version`), so that each session can tell by itself what its client hasn't heard of. A refused registration
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mcp_host.protocol.errors import ProtocolError
from mcp_host.protocol.jsonrpc import decode, encode
from mcp_host.protocol.revisions import COMPLETIONS_CAPABILITY_SINCE, LATEST, known_fields
from mcp_host.protocol.schema import Schema, SchemaError
from mcp_host.protocol.uri_template import TemplateError, UriTemplate

MAX_ENTRIES = 10_000
"""Entries of one list: a component registers in a loop, and each entry is kept and sent."""

MAX_LIST_BYTES = 8 * 1024 * 1024
"""Bytes that the entries of one list take on the wire, together; some twenty times as much once parsed."""

MAX_SCHEMA_BYTES = 1024 * 1024
"""Bytes of one schema, as JSON text."""

MAX_TEMPLATES = 500
"""Resource templates: each is tried on a URI."""


_SHOWN = 200  # characters of a name in messages


class RegistrationError(ValueError):
    """Something that can't be registered; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Who the server says it is.

    `capabilities` is what it declared, shaped as in MCP; see `Registry.capabilities`.
    """

    name: str
    version: str
    title: str | None = None
    instructions: str | None = None
    capabilities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_wire(self, revision: str) -> dict[str, Any]:
        """The `serverInfo` of `initialize`."""
        fields = {"name": self.name, "version": self.version, "title": self.title}
        return known_fields("implementation", fields, revision)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool. `annotations` are its hints, shaped as in MCP."""

    name: str
    description: str | None
    input_schema: Schema
    output_schema: Schema | None = None
    title: str | None = None
    annotations: Mapping[str, Any] | None = None

    @classmethod
    def parse(
        cls,
        name: str,
        description: str | None,
        input_schema: bytes,
        *,
        output_schema: bytes | None = None,
        title: str | None = None,
        annotations: Mapping[str, Any] | None = None,
    ) -> Tool:
        """A tool whose schemas are JSON text.

        Raises RegistrationError, which names the tool, for a bad schema.
        """
        taken = _parse_schema(name, "input", input_schema)
        given = None if output_schema is None else _parse_schema(name, "output", output_schema)
        return cls(name, description, taken, given, title, annotations)

    def to_wire(self, revision: str) -> dict[str, Any]:
        """An entry of `tools/list`."""
        fields = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema.document,
            "outputSchema": None if self.output_schema is None else self.output_schema.document,
            "annotations": self.annotations or None,
        }
        return known_fields("tool", fields, revision)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource at a fixed URI; `size` is in bytes."""

    uri: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    size: int | None = None
    annotations: Mapping[str, Any] | None = None

    def to_wire(self, revision: str) -> dict[str, Any]:
        """An entry of `resources/list`."""
        fields = {
            "uri": self.uri,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "mimeType": self.mime_type,
            "size": self.size,
            "annotations": self.annotations or None,
        }
        return known_fields("resource", fields, revision)


@dataclass(frozen=True, slots=True)
class ResourceTemplate:
    """Resources at the URIs that an RFC 6570 template expands to."""

    uri_template: UriTemplate
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    annotations: Mapping[str, Any] | None = None

    @classmethod
    def parse(
        cls,
        uri_template: str,
        name: str,
        *,
        title: str | None = None,
        description: str | None = None,
        mime_type: str | None = None,
        annotations: Mapping[str, Any] | None = None,
    ) -> ResourceTemplate:
        """A template from its text. Raises RegistrationError for one that RFC 6570 doesn't allow."""
        try:
            checked = UriTemplate(uri_template)
        except TemplateError as error:
            raise RegistrationError(f"resource template {name!r}: {uri_template!r}: {error}") from None
        return cls(checked, name, title, description, mime_type, annotations)

    def to_wire(self, revision: str) -> dict[str, Any]:
        """An entry of `resources/templates/list`."""
        fields = {
            "uriTemplate": self.uri_template.text,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "mimeType": self.mime_type,
            "annotations": self.annotations or None,
        }
        return known_fields("template", fields, revision)


@dataclass(frozen=True, slots=True)
class PromptArgument:
    """An argument of a prompt; its value is a string."""

    name: str
    title: str | None = None
    description: str | None = None
    required: bool | None = None

    def to_wire(self, revision: str) -> dict[str, Any]:
        """An entry of a prompt's `arguments`."""
        fields = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "required": self.required,
        }
        return known_fields("argument", fields, revision)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt."""

    name: str
    title: str | None = None
    description: str | None = None
    arguments: Sequence[PromptArgument] = ()

    def to_wire(self, revision: str) -> dict[str, Any]:
        """An entry of `prompts/list`."""
        fields = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "arguments": [argument.to_wire(revision) for argument in self.arguments] or None,
        }
        return known_fields("prompt", fields, revision)


Item = TypeVar("Item", Tool, Resource, ResourceTemplate, Prompt)


class Catalog(Generic[Item]):
    """One list, in order of registration, by key (name, URI or template). `version` counts its changes."""

    __slots__ = ("_items", "_key", "_limit", "_noun", "_size", "version")

    def __init__(self, noun: str, key: Callable[[Item], str], limit: int = MAX_ENTRIES) -> None:
        self._items: dict[str, Item] = {}
        self._key: Callable[[Item], str] = key
        self._limit = limit
        self._noun = noun
        self._size = 0
        self.version = 0

    def add(self, items: Iterable[Item]) -> None:
        """Add all of `items`, or none.

        RegistrationError names one that is there already, has an empty name, or is one too many.
        """
        fresh, size = self._checked(items, self._items, self._size)
        if fresh:
            self._items.update(fresh)
            self._size = size
            self.version += 1

    def replace(self, items: Iterable[Item]) -> None:
        """Make `items` the whole list, under the rules of `add`. Equal lists don't count as a change."""
        table, size = self._checked(items, {}, 0)
        if list(table.items()) != list(self._items.items()):
            self._items = table
            self._size = size
            self.version += 1

    def get(self, key: str) -> Item | None:
        """The item of that name, URI or template."""
        return self._items.get(key)

    def __getitem__(self, key: str) -> Item:
        return self._items[key]

    def keys(self) -> list[str]:
        """The names, URIs or templates, in order."""
        return list(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(tuple(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def _checked(
        self, items: Iterable[Item], present: Mapping[str, Item], size: int
    ) -> tuple[dict[str, Item], int]:
        """`items` by key, and the bytes of all, if they can stand beside those `present`, of `size` bytes.

        Takes one item after the other, and no more than there is room for.
        """
        fresh: dict[str, Item] = {}
        for item in items:
            key = self._key(item)
            if not key:
                raise RegistrationError(f"a {self._noun} without a name can't be registered")
            if key in present or key in fresh:
                raise RegistrationError(f"{self._noun} {key[:_SHOWN]!r} is registered already")
            if len(present) + len(fresh) >= self._limit:
                raise RegistrationError(
                    f"{self._noun} {key[:_SHOWN]!r}: there are {self._limit} of them already"
                )
            size += _size_on_wire(item)
            if size > MAX_LIST_BYTES:
                raise RegistrationError(
                    f"{self._noun} {key[:_SHOWN]!r}: the list is larger than {MAX_LIST_BYTES} bytes with it"
                )
            fresh[key] = item
        return fresh, size


class Registry:
    """What a server offers, and the capabilities that follow from it."""

    __slots__ = ("_offered", "prompts", "resources", "server", "templates", "tools")

    def __init__(self, server: ServerInfo | None = None) -> None:
        self.server = server if server is not None else ServerInfo("mcp-server", "0.0.0")
        self.tools: Catalog[Tool] = Catalog("tool", lambda tool: tool.name)
        self.resources: Catalog[Resource] = Catalog("resource", lambda resource: resource.uri)
        self.templates: Catalog[ResourceTemplate] = Catalog(
            "template", lambda template: template.uri_template.text, MAX_TEMPLATES
        )
        self.prompts: Catalog[Prompt] = Catalog("prompt", lambda prompt: prompt.name)
        self._offered: set[str] = set()

    def offer(self, capability: str) -> None:
        """Advertise a capability that the server has undeclared (`completions`, where a handler exists)."""
        self._offered.add(capability)

    def adopt(self, other: Registry) -> None:
        """Take over what another registry holds; lists that differ count as changed.

        For a rebuilt instance, which registers from the start: into a fresh registry, which the served one
        then adopts.
        """
        self.server = other.server
        self.tools.replace(other.tools)
        self.resources.replace(other.resources)
        self.templates.replace(other.templates)
        self.prompts.replace(other.prompts)
        self._offered = set(other._offered)

    def capabilities(self, revision: str) -> dict[str, dict[str, Any]]:
        """What `initialize` advertises: what the server declared, what it registered, and what its host
        offers.

        A list whose server says nothing of `listChanged` has it, since the host sees every registration.
        """
        declared = self.server.capabilities
        names = set(declared) | self._offered
        offered: dict[str, dict[str, Any]] = {}
        if "logging" in names:
            offered["logging"] = {}
        if "completions" in names and revision >= COMPLETIONS_CAPABILITY_SINCE:
            offered["completions"] = {}
        lists = (
            ("prompts", len(self.prompts)),
            ("resources", len(self.resources) + len(self.templates)),
            ("tools", len(self.tools)),
        )
        for name, count in lists:
            if count or name in names:
                flags = {"listChanged": declared.get(name, {}).get("listChanged") is not False}
                if name == "resources" and declared.get(name, {}).get("subscribe") is True:
                    flags["subscribe"] = True
                offered[name] = flags
        if "experimental" in declared:
            offered["experimental"] = dict(declared["experimental"])
        return offered

    def completes(self) -> bool:
        """Whether completion/complete is served.

        The first revision has the method, but no capability for it.
        """
        return "completions" in self.server.capabilities or "completions" in self._offered

    def template_for(self, uri: str) -> ResourceTemplate | None:
        """The template that serves a URI.

        Of several the most specific (most literal characters), then the first.
        """
        serving = [template for template in self.templates if template.uri_template.matches(uri)]
        return max(serving, key=lambda template: template.uri_template.literals, default=None)


def _size_on_wire(item: Tool | Resource | ResourceTemplate | Prompt) -> int:
    try:
        return len(encode(item.to_wire(LATEST)))
    except ProtocolError as error:
        raise RegistrationError(str(error)) from None


def _parse_schema(tool: str, which: str, data: bytes) -> Schema:
    if len(data) > MAX_SCHEMA_BYTES:
        raise RegistrationError(
            f"tool {tool[:_SHOWN]!r}: its {which} schema has {len(data)} bytes, "
            f"the limit is {MAX_SCHEMA_BYTES}"
        )
    try:
        document = decode(data)
        schema = Schema(document)
    except (ProtocolError, SchemaError) as error:
        raise RegistrationError(f"tool {tool!r}: its {which} schema is wrong: {error}") from None
    if not isinstance(document, dict) or document.get("type") != "object":
        raise RegistrationError(
            f'tool {tool!r}: its {which} schema must be a JSON object with "type": "object"'
        )
    return schema
