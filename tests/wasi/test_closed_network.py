"""wasi:sockets and wasi:http: everything can be linked, nothing gets out."""

from typing import Any

import pytest

from pywrt.canonical_abi.values import Err, Variant
from pywrt.errors import Trap
from pywrt.wasi.preview2 import WasiCtx, interfaces
from pywrt.wasi.preview2.http import MAX_STORED
from pywrt.wasi.preview2.io import IoError
from pywrt.wasi.preview2.sockets import Network, Socket


@pytest.fixture
def tables() -> dict[str, dict[str, Any]]:
    return interfaces(WasiCtx())


def error_of(function: Any, *args: Any) -> Any:
    with pytest.raises(Err) as caught:
        function(*args)
    return caught.value.payload


def test_sockets_cannot_be_created(tables: dict[str, dict[str, Any]]) -> None:
    network = tables["wasi:sockets/instance-network"]["instance-network"]()
    assert isinstance(network, Network)
    assert error_of(tables["wasi:sockets/tcp-create-socket"]["create-tcp-socket"], "ipv4") == "access-denied"
    assert error_of(tables["wasi:sockets/udp-create-socket"]["create-udp-socket"], "ipv6") == "access-denied"
    lookup = tables["wasi:sockets/ip-name-lookup"]["resolve-addresses"]
    assert error_of(lookup, network, "example.org") == "access-denied"
    assert tables["wasi:sockets/network"]["network-error-code"](IoError(OSError())) is None


@pytest.mark.parametrize("interface", ["tcp", "udp"])
def test_socket_methods_answer_access_denied_or_something_harmless(
    tables: dict[str, dict[str, Any]], interface: str
) -> None:
    methods = {name: item for name, item in tables[f"wasi:sockets/{interface}"].items() if "[method]" in name}
    harmless = {name for name in methods if name.endswith(("subscribe", "is-listening", "address-family"))}
    for name in methods.keys() - harmless:
        assert error_of(methods[name], Socket()) == "access-denied", name
    for name in harmless:
        answer = methods[name](Socket())
        assert answer in (False, "ipv4") or answer.ready()


def test_http_request_is_put_together_and_denied(tables: dict[str, dict[str, Any]]) -> None:
    types = tables["wasi:http/types"]
    fields = types["[constructor]fields"]()
    types["[method]fields.append"](fields, "Accept", b"*/*")
    request = types["[constructor]outgoing-request"](fields)
    types["[method]outgoing-request.set-method"](request, Variant("post"))
    types["[method]outgoing-request.set-authority"](request, "example.org")
    assert types["[method]outgoing-request.method"](request) == Variant("post")
    assert types["[method]outgoing-request.authority"](request) == "example.org"
    assert types["[method]outgoing-request.scheme"](request) is None
    headers = types["[method]outgoing-request.headers"](request)
    assert types["[method]fields.entries"](headers) == [("Accept", b"*/*")]
    assert error_of(types["[method]fields.append"], headers, "x", b"y") == Variant("immutable")
    body = types["[method]outgoing-request.body"](request)
    assert error_of(types["[method]outgoing-request.body"], request) is None
    types["[method]outgoing-body.write"](body).blocking_write_and_flush(b"contents")
    assert error_of(types["[method]outgoing-body.write"], body) is None
    types["[static]outgoing-body.finish"](body, None)
    options = types["[constructor]request-options"]()
    types["[method]request-options.set-connect-timeout"](options, 5)
    assert types["[method]request-options.connect-timeout"](options) == 5
    handle = tables["wasi:http/outgoing-handler"]["handle"]
    assert error_of(handle, request, options) == Variant("HTTP-request-denied")


def test_http_fields_compare_names_without_case(tables: dict[str, dict[str, Any]]) -> None:
    types = tables["wasi:http/types"]
    fields = types["[static]fields.from-list"]([("A", b"1"), ("b", b"2"), ("a", b"3")])
    assert types["[method]fields.get"](fields, "a") == [b"1", b"3"]
    copy = types["[method]fields.clone"](fields)
    types["[method]fields.set"](fields, "B", [b"4", b"5"])
    types["[method]fields.delete"](fields, "A")
    assert types["[method]fields.entries"](fields) == [("B", b"4"), ("B", b"5")]
    assert types["[method]fields.has"](fields, "a") is False
    assert types["[method]fields.get"](fields, "a") == []
    assert types["[method]fields.has"](copy, "a") is True


@pytest.mark.parametrize(
    ("name", "value"), [("", b""), ("a b", b""), ("a:", b""), ("é", b""), ("a", b"x\r\ny"), ("a", b"\0")]
)
def test_http_fields_that_no_message_can_have_are_invalid_syntax(
    tables: dict[str, dict[str, Any]], name: str, value: bytes
) -> None:
    types = tables["wasi:http/types"]
    fields = types["[constructor]fields"]()
    assert error_of(types["[method]fields.append"], fields, name, value) == Variant("invalid-syntax")
    assert error_of(types["[method]fields.set"], fields, name, [value]) == Variant("invalid-syntax")
    assert error_of(types["[static]fields.from-list"], [(name, value)]) == Variant("invalid-syntax")
    assert types["[method]fields.entries"](fields) == []


def test_http_objects_are_limited_in_what_they_store(tables: dict[str, dict[str, Any]]) -> None:
    types = tables["wasi:http/types"]
    drop = types["fields"].drop
    for _ in range(10):  # what is dropped is given back
        fields = types["[constructor]fields"]()
        types["[method]fields.append"](fields, "a", bytes(0) + b"x" * (MAX_STORED // 2))
        drop(fields)
    with pytest.raises(Trap, match=f"a guest stores more than {MAX_STORED} bytes of HTTP"):
        types["[static]fields.from-list"]([("a", b"x" * 1000)] * 2000)
    request = types["[constructor]outgoing-request"](types["[constructor]fields"]())
    with pytest.raises(Trap, match="a guest stores more than"):
        types["[method]outgoing-request.set-authority"](request, "x" * (MAX_STORED + 1))
    make: Any = types["[constructor]fields"]
    with pytest.raises(Trap, match="a guest stores more than"):
        [make() for _ in range(MAX_STORED)]


def test_http_incoming_messages_do_not_exist(tables: dict[str, dict[str, Any]]) -> None:
    types = tables["wasi:http/types"]
    for name in ("[method]incoming-response.status", "[static]response-outparam.set"):
        with pytest.raises(Trap, match="this host denies HTTP"):
            types[name](object())
    assert types["http-error-code"](IoError(OSError())) is None
