"""wasi:sockets 0.2, closed: every function can be linked, and what could open a connection answers
`access-denied`. So no socket ever exists, and the methods of sockets are there for their names."""

from typing import Any, NoReturn

from pywrt.canonical_abi.handles import HostResource
from pywrt.canonical_abi.values import Err
from pywrt.wasi.preview2.binding import Interface
from pywrt.wasi.preview2.io import ERROR, INPUT_STREAM, OUTPUT_STREAM, POLLABLE, Pollable


class Network:
    """`network`: stands for the host's network, of which nothing is open."""

    __slots__ = ()


class Socket:
    """Any of the resources that only an opened network would have."""

    __slots__ = ()


NETWORK = HostResource("network", Network)
TCP_SOCKET = HostResource("tcp-socket", Socket)
UDP_SOCKET = HostResource("udp-socket", Socket)
INCOMING_DATAGRAM_STREAM = HostResource("incoming-datagram-stream", Socket)
OUTGOING_DATAGRAM_STREAM = HostResource("outgoing-datagram-stream", Socket)
RESOLVE_ADDRESS_STREAM = HostResource("resolve-address-stream", Socket)


def denied(*_arguments: Any) -> NoReturn:
    """Answer the error-code access-denied."""
    raise Err("access-denied")


def _subscribe(_socket: Socket) -> Pollable:
    return Pollable()


def _denied_methods(resource: str, names: str) -> Interface:
    return {f"[method]{resource}.{name}": denied for name in names.split()}


_BOTH_SOCKETS = """
    start-bind finish-bind local-address remote-address
    receive-buffer-size set-receive-buffer-size send-buffer-size set-send-buffer-size
"""
_TCP_SOCKET = """
    start-connect finish-connect start-listen finish-listen accept set-listen-backlog-size
    keep-alive-enabled set-keep-alive-enabled keep-alive-idle-time set-keep-alive-idle-time
    keep-alive-interval set-keep-alive-interval keep-alive-count set-keep-alive-count
    hop-limit set-hop-limit shutdown
"""
_UDP_SOCKET = "stream unicast-hop-limit set-unicast-hop-limit"

INTERFACES: dict[str, Interface] = {
    "wasi:sockets/network": {
        "error": ERROR,
        "network": NETWORK,
        "network-error-code": lambda _error: None,
    },
    "wasi:sockets/instance-network": {"network": NETWORK, "instance-network": Network},
    "wasi:sockets/ip-name-lookup": {
        "network": NETWORK,
        "pollable": POLLABLE,
        "resolve-address-stream": RESOLVE_ADDRESS_STREAM,
        "resolve-addresses": denied,
        "[method]resolve-address-stream.resolve-next-address": denied,
        "[method]resolve-address-stream.subscribe": _subscribe,
    },
    "wasi:sockets/tcp-create-socket": {
        "network": NETWORK,
        "tcp-socket": TCP_SOCKET,
        "create-tcp-socket": denied,
    },
    "wasi:sockets/tcp": {
        "network": NETWORK,
        "pollable": POLLABLE,
        "input-stream": INPUT_STREAM,
        "output-stream": OUTPUT_STREAM,
        "tcp-socket": TCP_SOCKET,
        **_denied_methods("tcp-socket", _BOTH_SOCKETS + _TCP_SOCKET),
        "[method]tcp-socket.is-listening": lambda _socket: False,
        "[method]tcp-socket.address-family": lambda _socket: "ipv4",
        "[method]tcp-socket.subscribe": _subscribe,
    },
    "wasi:sockets/udp-create-socket": {
        "network": NETWORK,
        "udp-socket": UDP_SOCKET,
        "create-udp-socket": denied,
    },
    "wasi:sockets/udp": {
        "network": NETWORK,
        "pollable": POLLABLE,
        "udp-socket": UDP_SOCKET,
        "incoming-datagram-stream": INCOMING_DATAGRAM_STREAM,
        "outgoing-datagram-stream": OUTGOING_DATAGRAM_STREAM,
        **_denied_methods("udp-socket", _BOTH_SOCKETS + _UDP_SOCKET),
        "[method]udp-socket.address-family": lambda _socket: "ipv4",
        "[method]udp-socket.subscribe": _subscribe,
        "[method]incoming-datagram-stream.receive": denied,
        "[method]incoming-datagram-stream.subscribe": _subscribe,
        "[method]outgoing-datagram-stream.check-send": denied,
        "[method]outgoing-datagram-stream.send": denied,
        "[method]outgoing-datagram-stream.subscribe": _subscribe,
    },
}
