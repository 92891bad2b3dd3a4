"""wasi:http 0.2, closed: a guest can put requests together, and sending one answers the error-code
`HTTP-request-denied`.

Fields, outgoing requests and responses, and options are objects that keep what they are given; their
bodies discard what is written. Incoming messages and futures never come into being. What a guest stores
here is not in its own memory, so it counts against `MAX_STORED` bytes for each `WasiCtx`.
"""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from pywrt.canonical_abi.handles import HostResource
from pywrt.canonical_abi.values import Err, Variant
from pywrt.errors import Trap
from pywrt.wasi.preview2.binding import Interface
from pywrt.wasi.preview2.io import ERROR, INPUT_STREAM, OUTPUT_STREAM, POLLABLE, OutputStream
from pywrt.wasi.preview2.stdio import NullSink

MAX_STORED = 1 << 20
#: What an object counts besides its text, in bytes.
_OBJECT_COST = 64

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Stored:
    """How much a guest may still store; traps when that is passed."""

    __slots__ = ("left",)

    def __init__(self, limit: int = MAX_STORED) -> None:
        self.left = limit

    def take(self, size: int) -> None:
        """Account for `size` bytes (negative: give them back)."""
        if size > self.left:
            raise Trap(f"a guest stores more than {MAX_STORED} bytes of HTTP fields and requests")
        self.left -= size


class Fields:
    """`fields`: names (compared without case) and values in order."""

    __slots__ = ("_entries", "_immutable", "_size", "_stored")

    def __init__(self, stored: Stored, entries: Iterable[tuple[str, bytes]] = ()) -> None:
        self._stored = stored
        self._size = 0
        self._entries: list[tuple[str, bytes]] = []
        self._immutable = False
        self._account(_OBJECT_COST)
        for name, value in entries:
            self.append(name, value)

    def _account(self, size: int) -> None:
        self._stored.take(size)
        self._size += size

    def drop(self) -> None:
        """The guest dropped its handle."""
        self._account(-self._size)

    #: A guest that trapped never dropped its handles.
    __del__ = drop

    def frozen(self) -> "Fields":
        """The same fields, as `headers` of a message shows them: they can't be changed."""
        copy = self.clone()
        copy._immutable = True
        return copy

    def get(self, name: str) -> list[bytes]:
        """The values of `name`."""
        return [value for key, value in self._entries if key.lower() == name.lower()]

    def has(self, name: str) -> bool:
        """Whether `name` has a value."""
        return bool(self.get(name))

    def set(self, name: str, values: list[bytes]) -> None:
        """Replace the values of `name`."""
        self._check(name, values)
        self.delete(name)
        for value in values:
            self.append(name, value)

    def delete(self, name: str) -> None:
        """Remove the values of `name`."""
        self._check(name, ())
        kept = [entry for entry in self._entries if entry[0].lower() != name.lower()]
        self._account(_cost(kept) - _cost(self._entries))
        self._entries = kept

    def append(self, name: str, value: bytes) -> None:
        """Add a value of `name`."""
        self._check(name, (value,))
        self._account(_cost([(name, value)]))
        self._entries.append((name, value))

    def entries(self) -> list[tuple[str, bytes]]:
        """All names and values."""
        return list(self._entries)

    def clone(self) -> "Fields":
        """A copy that can be changed."""
        return Fields(self._stored, self._entries)

    def _check(self, name: str, values: Iterable[bytes]) -> None:
        if self._immutable:
            raise Err(Variant("immutable"))
        if not name or not _TOKEN.issuperset(name) or any(set(value) & {0, 10, 13} for value in values):
            raise Err(Variant("invalid-syntax"))


def _cost(entries: Iterable[tuple[str, bytes]]) -> int:
    return sum(_OBJECT_COST + len(name) + len(value) for name, value in entries)


class Message:
    """`outgoing-request`, `outgoing-response` or `request-options`: settings by name, and fields."""

    __slots__ = ("_body_taken", "_headers", "_settings", "_size", "_stored")

    def __init__(self, stored: Stored, headers: Fields, settings: dict[str, Any]) -> None:
        self._stored = stored
        self._headers = headers
        self._settings = settings
        self._size = 0
        self._body_taken = False
        self._account(_OBJECT_COST)

    def _account(self, size: int) -> None:
        self._stored.take(size)
        self._size += size

    def drop(self) -> None:
        """The guest dropped its handle, or sent the message."""
        self._account(-self._size)
        self._headers.drop()

    #: A guest that trapped never dropped its handles.
    __del__ = drop

    def get(self, name: str) -> Any:
        """The setting `name`."""
        return self._settings[name]

    def set(self, name: str, value: Any) -> None:
        """Change the setting `name`."""
        self._account(_text_size(value) - _text_size(self._settings[name]))
        self._settings[name] = value

    def headers(self) -> Fields:
        """The fields, which can't be changed any more."""
        return self._headers.frozen()

    def body(self) -> "OutgoingBody":
        """The body, once."""
        if self._body_taken:
            raise Err(None)
        self._body_taken = True
        return OutgoingBody()


def _text_size(value: Any) -> int:
    value = getattr(value, "payload", value)
    return len(value) if isinstance(value, str) else 0


class OutgoingBody:
    """`outgoing-body`: takes what is written, and discards it."""

    __slots__ = ("_written",)

    def __init__(self) -> None:
        self._written = False

    def write(self) -> OutputStream:
        """The stream of the contents, once."""
        if self._written:
            raise Err(None)
        self._written = True
        return OutputStream(NullSink())


class Never:
    """Any of the resources that only an open network would have."""

    __slots__ = ()


def _never(*_arguments: Any) -> NoReturn:
    raise Trap("no such HTTP message exists: this host denies HTTP")


def _never_methods(resource: str, names: str) -> Interface:
    return {f"[method]{resource}.{name}": _never for name in names.split()}


def _settings_methods(resource: str, names: str) -> Interface:
    """Getters and setters of a message."""

    def getter(name: str) -> Callable[[Message], Any]:
        return lambda message: message.get(name)

    def setter(name: str) -> Callable[[Message, Any], None]:
        return lambda message, value: message.set(name, value)

    table: Interface = {}
    for name in names.split():
        table[f"[method]{resource}.{name}"] = getter(name)
        table[f"[method]{resource}.set-{name}"] = setter(name)
    return table


FIELDS = HostResource("fields", Fields, drop=Fields.drop)
OUTGOING_REQUEST = HostResource("outgoing-request", Message, drop=Message.drop)
OUTGOING_RESPONSE = HostResource("outgoing-response", Message, drop=Message.drop)
REQUEST_OPTIONS = HostResource("request-options", Message, drop=Message.drop)
OUTGOING_BODY = HostResource("outgoing-body", OutgoingBody)
INCOMING_REQUEST = HostResource("incoming-request", Never)
INCOMING_RESPONSE = HostResource("incoming-response", Never)
INCOMING_BODY = HostResource("incoming-body", Never)
RESPONSE_OUTPARAM = HostResource("response-outparam", Never)
FUTURE_TRAILERS = HostResource("future-trailers", Never)
FUTURE_INCOMING_RESPONSE = HostResource("future-incoming-response", Never)

_TIMEOUTS = "connect-timeout first-byte-timeout between-bytes-timeout"


def _handle(request: Message, options: Message | None) -> NoReturn:
    """Refuse to send `request`, which the call used up."""
    request.drop()
    if options is not None:
        options.drop()
    raise Err(Variant("HTTP-request-denied"))


def _finish(_body: OutgoingBody, trailers: Fields | None) -> None:
    if trailers is not None:
        trailers.drop()


def interfaces() -> dict[str, Interface]:
    """The tables of wasi:http, for one `WasiCtx`."""
    stored = Stored()

    def new_request(headers: Fields) -> Message:
        settings = {"method": Variant("get"), "path-with-query": None, "scheme": None, "authority": None}
        return Message(stored, headers, settings)

    types: Interface = {
        "error": ERROR,
        "pollable": POLLABLE,
        "input-stream": INPUT_STREAM,
        "output-stream": OUTPUT_STREAM,
        "fields": FIELDS,
        "headers": FIELDS,
        "trailers": FIELDS,
        "incoming-request": INCOMING_REQUEST,
        "outgoing-request": OUTGOING_REQUEST,
        "request-options": REQUEST_OPTIONS,
        "response-outparam": RESPONSE_OUTPARAM,
        "incoming-response": INCOMING_RESPONSE,
        "incoming-body": INCOMING_BODY,
        "future-trailers": FUTURE_TRAILERS,
        "outgoing-response": OUTGOING_RESPONSE,
        "outgoing-body": OUTGOING_BODY,
        "future-incoming-response": FUTURE_INCOMING_RESPONSE,
        "http-error-code": lambda _error: None,
        "[constructor]fields": lambda: Fields(stored),
        "[static]fields.from-list": lambda entries: Fields(stored, entries),
        "[method]fields.get": Fields.get,
        "[method]fields.has": Fields.has,
        "[method]fields.set": Fields.set,
        "[method]fields.delete": Fields.delete,
        "[method]fields.append": Fields.append,
        "[method]fields.entries": Fields.entries,
        "[method]fields.clone": Fields.clone,
        **_never_methods("incoming-request", "method path-with-query scheme authority headers consume"),
        "[constructor]outgoing-request": new_request,
        "[method]outgoing-request.body": Message.body,
        "[method]outgoing-request.headers": Message.headers,
        **_settings_methods("outgoing-request", "method path-with-query scheme authority"),
        "[constructor]request-options": lambda: Message(
            stored, Fields(stored), dict.fromkeys(_TIMEOUTS.split())
        ),
        **_settings_methods("request-options", _TIMEOUTS),
        "[method]response-outparam.send-informational": _never,
        "[static]response-outparam.set": _never,
        **_never_methods("incoming-response", "status headers consume"),
        **_never_methods("incoming-body", "stream"),
        "[static]incoming-body.finish": _never,
        **_never_methods("future-trailers", "subscribe get"),
        "[constructor]outgoing-response": lambda headers: Message(stored, headers, {"status-code": 200}),
        "[method]outgoing-response.headers": Message.headers,
        "[method]outgoing-response.body": Message.body,
        **_settings_methods("outgoing-response", "status-code"),
        "[method]outgoing-body.write": OutgoingBody.write,
        "[static]outgoing-body.finish": _finish,
        **_never_methods("future-incoming-response", "subscribe get"),
    }
    handler: Interface = {
        "outgoing-request": OUTGOING_REQUEST,
        "request-options": REQUEST_OPTIONS,
        "future-incoming-response": FUTURE_INCOMING_RESPONSE,
        "handle": _handle,
    }
    return {"wasi:http/types": types, "wasi:http/outgoing-handler": handler}
